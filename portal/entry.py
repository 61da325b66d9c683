"""Forms of the portal's pages: what was typed stays, what is wrong stands at its field, one sending counts once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request
from wtforms import Form, HiddenField

from actions.core.base import Invalid, Outcome
from web.messages import fill, sentence

LONGEST_KEY = 60
"""Characters of a form's own key; a longer one is none of ours."""


class EntryForm(Form):
    """A form that adds or changes one row.

    ``key`` makes it count once however often it is sent. ``version`` is the row's as the form was opened.
    """

    key = HiddenField()
    version = HiddenField()

    def opened(self, version: int | None = None) -> None:
        """Note that the form is about to be shown, for a row in that version."""
        self.key.data = secrets.token_urlsafe(16)
        self.version.data = "" if version is None else str(version)

    @property
    def shown(self) -> list[Any]:
        """The fields that a person fills in."""
        return [field for field in self if not isinstance(field, HiddenField)]

    @property
    def own_key(self) -> str | None:
        """The key that came with the form; None for what is none of ours."""
        given = str(self.key.data or "")
        return given if 0 < len(given) <= LONGEST_KEY else None

    @property
    def own_version(self) -> int:
        """The version that the form was opened on; 0, which no row has, for what is none."""
        given = str(self.version.data or "")
        return int(given) if given.isascii() and given.isdigit() and len(given) <= 9 else 0

    @property
    def values(self) -> dict[str, Any]:
        """What was typed, by the names of the action's parameters or the row's columns."""
        return {field.name: field.data for field in self.shown}


def page(form: EntryForm, status: int = 200, **words: Any) -> Any:
    """Return a page with one form. :param words: ``title``, ``button``, ``back``, and ``intro`` where there is one."""
    return render_template("portal/entry.html", form=form, **words), status


def ask(**words: Any) -> str:
    """Return a page that asks before something goes: ``title``, ``question``, ``button`` and ``back``."""
    return render_template("portal/ask.html", **words)


def send(form: EntryForm, perform: Callable[[], Outcome], **words: Any) -> Any:
    """Do what a form asks for, and lead back; where a field is wrong, show it again as it was typed.

    :raises Refused: the rules say no. :raises Missing: the row is not the customer's.
    """
    if not form.validate():
        return page(form, 422, **words)
    try:
        outcome = perform()
    except Invalid as invalid:
        attach(form, invalid)
        return page(form, 422, **words)
    return done(outcome, words["back"])


def attach(form: EntryForm, invalid: Invalid) -> None:
    """Put each sentence at its field; at the first one where it is about none that the form has."""
    for name, text in invalid.errors.items():
        field = next((f for f in form.shown if f.name == name), form.shown[0])
        field.errors = [*field.errors, sentence(text)]


def done(outcome: Outcome, back: str) -> Any:
    """Say what was done, and lead back."""
    flash(fill(outcome.message, outcome.values))
    return redirect(back)


def is_sent() -> bool:
    """Return whether the request sends a form."""
    return request.method == "POST"


def sent() -> Any:
    """Return what a form was sent with; None where it is only to be shown."""
    return request.form if is_sent() else None
