"""What a new thing is called everywhere, from the one noun that its author gives."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS
from sqlalchemy.dialects.sqlite.base import SQLiteIdentifierPreparer

LONGEST = 30
SHAPE = re.compile(r"[a-z]+(_[a-z]+)*")
PLURALS = re.compile(r"(.*_)?(children|criteria|data|feet|media|men|mice|people|women)|.*[^sui]s")
"""Words that are plurals: irregular ones, and what ends with an s other than as in class, status or analysis."""
RESERVED = {*RESERVED_WORDS, *SQLiteIdentifierPreparer.reserved_words}
PARAMETERS = {
    "as_of",
    "changed",
    "created",
    "ctx",
    "given",
    "result",
    "row",
    "rows",
    "session",
    "shop",
    "values",
}
"""Names that the written functions use for something else."""


class CannotWrite(Exception):
    """A sentence that says why nothing is written."""


@dataclass(frozen=True, slots=True)
class Names:
    """A noun in each of its shapes."""

    noun: str
    plural: str

    @property
    def model(self) -> str:
        """Return the name of the class."""
        return "".join(word.capitalize() for word in self.noun.split("_"))

    @property
    def word(self) -> str:
        """Return the noun within a sentence."""
        return self.noun.replace("_", " ")

    @property
    def words(self) -> str:
        """Return its plural within a sentence."""
        return self.plural.replace("_", " ")

    @property
    def one(self) -> str:
        """Return the noun with its article."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.word}"


def names_of(noun: str, plural: str, taken: Collection[str]) -> Names:
    """Return what a thing is called.

    :param plural: the plural, where it is irregular. :param taken: nouns that there are already.
    :raises CannotWrite: it is no singular noun in lower case, is reserved, or is taken.
    """
    for given in (noun, plural) if plural else (noun,):
        _check_shape(given)
    if not plural and PLURALS.fullmatch(noun):
        raise CannotWrite(f"{noun} looks like a plural. Give the singular, or say --plural if it is one.")
    if keyword.iskeyword(noun) or noun in RESERVED | PARAMETERS:
        raise CannotWrite(
            f"{noun} is a word of Python, of SQL or of the code. Use a longer noun, such as shop_{noun}."
        )
    names = Names(noun, plural or plural_of(noun))
    if names.plural == names.noun:
        raise CannotWrite(
            f"The plural of {noun} must differ from it: pages and modules are told apart by it."
        )
    for one in sorted({names.noun, names.plural} & set(taken)):
        raise CannotWrite(f"There is something called {one} already.")
    return names


def _check_shape(noun: str) -> None:
    if not SHAPE.fullmatch(noun) or len(noun) > LONGEST:
        raise CannotWrite(
            f"“{noun}” is no noun as tables are called: use lower case letters, with _ between words, such as "
            f"wine_order, and at most {LONGEST} characters."
        )


def plural_of(noun: str) -> str:
    """Return the regular English plural."""
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|z|ch|sh)$", noun) else f"{noun}s"
