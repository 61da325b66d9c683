"""Names from several languages, drawn once from Faker and then picked at random, which is a hundred times faster."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from demo.rng import Chance
from models import normalise
from models.choices import Gender

# Faker's locale and how many of a thousand people have a name from there.
ORIGINS = {
    "en_GB": 700,
    "en_IE": 40,
    "en_IN": 55,
    "pl_PL": 45,
    "it_IT": 20,
    "fr_FR": 20,
    "de_DE": 20,
    "es_ES": 15,
    "pt_PT": 20,
    "tr_TR": 10,
    "cs_CZ": 10,
    "sv_SE": 10,
    "ro_RO": 10,
    "yo_NG": 15,
    "el_GR": 5,
    "uk_UA": 5,
}


folded = functools.lru_cache(50_000)(normalise.folded)
"""The same names come again and again."""


@dataclass(frozen=True, slots=True)
class Pool:
    """What one language has to offer. Common names are in it several times."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    women_last: tuple[str, ...]
    men_last: tuple[str, ...]


@functools.cache
def pools(seed: int) -> dict[str, Pool]:
    """Return the names of every origin for ``seed``."""
    return {locale: _pool(locale, seed, share) for locale, share in ORIGINS.items()}


def _pool(locale: str, seed: int, share: int) -> Pool:
    from faker import Faker  # noqa: PLC0415 - only the demo shop needs it, and every start would read it

    fake = Faker(locale)
    fake.seed_instance(seed)
    first, last = 60 + share // 2, 120 + share * 2
    return Pool(
        tuple(fake.first_name_female() for _ in range(first)),
        tuple(fake.first_name_male() for _ in range(first)),
        tuple(fake.last_name_female() for _ in range(last)),
        tuple(fake.last_name_male() for _ in range(last)),
    )


@dataclass(frozen=True, slots=True)
class Person:
    """A name, and how it is addressed."""

    title: str | None
    first: str
    last: str
    gender: Gender


TITLES = {Gender.FEMALE: {"Ms": 5, "Mrs": 4, "Miss": 1, "Dr": 1}, Gender.MALE: {"Mr": 10, "Dr": 1}}


def person(chance: Chance, seed: int) -> Person:
    """Return somebody; one in a hundred has a double-barrelled surname."""
    pool = pools(seed)[chance.weighted(ORIGINS)]
    woman = chance.yes(0.52)
    gender = Gender.FEMALE if woman else Gender.MALE
    first = chance.choice(pool.women if woman else pool.men)
    last = chance.choice(pool.women_last if woman else pool.men_last)
    if chance.yes(0.01):
        last = f"{last}-{chance.choice(pool.women_last if woman else pool.men_last)}"
    title = chance.weighted(TITLES[gender]) if chance.yes(0.55) else None
    return Person(title, first[:100], last[:100], gender)


def mailbox(first: str, last: str) -> str:
    """Return "first.last" in the letters every mail server takes; "post" for a name in another script."""
    parts = ("".join(c for c in folded(name) if c.isascii() and c.isalnum()) for name in (first, last))
    return ".".join(part for part in parts if part) or "post"
