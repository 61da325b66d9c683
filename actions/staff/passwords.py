"""What a password of staff must be (rule 16.5), asked at every channel that takes one.

Long rather than complicated: no sort of character is required, but what is guessed first is refused, and so is what
anybody could make up from the person's name.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from typing import NewType, Protocol

from zxcvbn import zxcvbn

from models.base import N_, Invalid
from models.validate import say

SHORTEST = 12
LONGEST = 128
"""Characters. A longer one is refused without being looked at, which would take long."""
JUDGED = 72
"""Characters that are judged by how soon they are guessed: the library takes no more, and more only helps."""
HARD_ENOUGH = 3
"""Of the library's 0 to 4: a hundred million guesses and more."""
BESIDES = 8
"""Letters and digits that a password must have besides the names in it."""
SHORTEST_NAME = 3
OURS = ("clientele", "backoffice")
"""Words that an attacker here would begin with."""

TOO_SHORT = N_("Use at least %(least)s characters. A few unrelated words work well.")
TOO_LONG = N_("Use at most %(most)s characters.")
NAMED = N_("Do not use your name, user name or email address in the password.")
COMMON = N_("This password is too easy to guess. Add a few unrelated words.")

Hashed = NewType("Hashed", str)
"""The stored form of a password that keeps the rules; only :func:`hashed` makes one."""


class Person(Protocol):
    """Whose password it is: a member of staff, as a record or as who signs in."""

    first_name: str
    last_name: str
    username: str
    email: str


def hashed(password: str, person: Person, hash_password: Callable[[str], str]) -> Hashed:
    """Return the stored form of a password. :raises Invalid: under ``password``, it does not keep the rules."""
    check(password, person)
    return Hashed(hash_password(password))


def check(password: str, person: Person, *, shortest: int = SHORTEST) -> None:
    """Refuse a password that does not keep the rules. :raises Invalid: under ``password``, with a sentence.

    :param shortest: characters it has at least.
    """
    if len(password) < shortest:
        raise Invalid({"password": say(TOO_SHORT, least=shortest)})
    if len(password) > LONGEST:
        raise Invalid({"password": say(TOO_LONG, most=LONGEST)})
    names = list(dict.fromkeys(_names(person)))
    if _is_made_of(names, password):
        raise Invalid({"password": NAMED})
    found = zxcvbn(password[:JUDGED], user_inputs=[*names, *OURS], max_length=JUDGED)
    if found["score"] < HARD_ENOUGH:
        raise Invalid({"password": COMMON})


def made(person: Person) -> str:
    """Return a new random password that keeps the rules."""
    while True:
        password = secrets.token_urlsafe(15)
        try:
            check(password, person)
        except Invalid:
            continue
        return password


def _names(person: Person) -> Iterator[str]:
    """Yield the names of a person, whole and in their parts, in small letters."""
    for name in (person.username, person.email, person.first_name, person.last_name):
        whole = (name or "").casefold()
        yield from (part for part in (whole, *re.split(r"[\W_]+", whole)) if len(part) >= SHORTEST_NAME)


def _is_made_of(names: list[str], password: str) -> bool:
    """Return whether a password holds names and too little besides."""
    left = password.casefold()
    for name in sorted(names, key=len, reverse=True):
        left = left.replace(name, " ")
    return left != password.casefold() and sum(map(str.isalnum, left)) < BESIDES
