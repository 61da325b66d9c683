"""Arguments of any request: what cannot be used is a 400 that names it."""

from __future__ import annotations

import re

from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest

from models.base import N_
from web.messages import called

MAX_ID = 2**63 - 1
NO_PLACE = N_("this place in the list is not valid: start again without it")


class BadArgument(BadRequest):
    """A query argument that cannot be used; ``field`` names it, ``told`` is the same in words for people."""

    def __init__(self, name: str, sentence: str, told: str = "") -> None:
        super().__init__(f"{name}: {sentence}")
        self.field, self.sentence = name, sentence
        self.told = told or f"{called(name)}: {sentence}."


class NoPlace(BadArgument):
    """A cursor that is no place in the list, though it looks like one."""

    code = 422


def not_offered(name: str, given: str) -> BadArgument:
    """Return what to raise for a choice that the page did not offer, by whatever way it came."""
    return BadArgument(
        name, _("“%(given)s” is not one of the options: choose from the list on the page", given=given[:40])
    )


def local_path(text: str) -> str:
    """Return an address of ours to lead to, as it was asked for; nothing where it could lead elsewhere."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") else ""


def parse_id(name: str, raw: str | None) -> int:
    """Return a row id. :raises BadArgument: it is not a whole number from 1 to 2^63 - 1."""
    if raw is None or not re.fullmatch(r"\d{1,19}", raw, re.ASCII) or not 1 <= int(raw) <= MAX_ID:
        raise BadArgument(name, _("this is not a record's number"))
    return int(raw)
