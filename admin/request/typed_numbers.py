"""Figures as the person asking types them: in the locale that the shop writes its own in (rule 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask_babel import gettext as _

from models.amounts import GUESS, Unreadable
from web.request import shop

Read = TypeVar("Read")


def locale() -> str:
    """Return the locale that figures are shown in, and so typed in."""
    return shop().locale


def read(reader: Callable[[], Read]) -> Read:
    """Return what a reader makes of a text. :raises ValueError: it makes nothing of it, in the reader's language."""
    try:
        return reader()
    except Unreadable as error:
        raise ValueError(said(error)) from None


def said(error: Unreadable) -> str:
    """Return why a text cannot be read, and what was probably meant."""
    told = _(error.message, **error.values) if error.values else _(error.message)
    return f"{told} {_(GUESS, guess=error.guess)}" if error.guess else str(told)
