"""What speaks for and against two records being the same customer, each as one bit of a whole number (rule 7.5).

The database adds the bits up, people read them as words, and the weights of those that are set make the score.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from models.base import N_


class Evidence(enum.IntFlag):
    """One observation about two records. What differs is only seen where both say something."""

    EMAIL = 1 << 0
    MAILBOX = 1 << 1
    """The part of the email addresses before the @."""
    PHONE = 1 << 2
    BIRTH = 1 << 3
    BIRTH_NEAR = 1 << 4
    """One digit is another, or day and month are swapped."""
    SURNAME = 1 << 5
    SURNAME_NEAR = 1 << 6
    FIRST_NAME = 1 << 7
    FIRST_NAME_NEAR = 1 << 8
    """Nearly spelt alike, an initial, or a short form."""
    SWAPPED = 1 << 9
    """The first name of one is the surname of the other, both ways."""
    POSTCODE = 1 << 10
    STREET = 1 << 11
    COMPANY = 1 << 12
    COMPANY_NUMBER = 1 << 13
    VAT_NUMBER = 1 << 14
    FIRST_NAME_DIFFERS = 1 << 15
    SURNAME_DIFFERS = 1 << 16
    BIRTH_DIFFERS = 1 << 17
    PHONE_DIFFERS = 1 << 18
    GENDER_DIFFERS = 1 << 19
    COMPANY_NUMBER_DIFFERS = 1 << 20
    VAT_NUMBER_DIFFERS = 1 << 21
    EMAIL_NEAR = 1 << 22
    """All digits are the same, and the letters but for typing errors."""
    EMAIL_DIFFERS = 1 << 23
    POSTCODE_NEAR = 1 << 24
    """One character is another, or two beside each other are swapped."""
    STREET_NEAR = 1 << 25
    """The same house, or one of unknown number, of a street that is nearly spelt alike or not given."""
    TOWN = 1 << 26
    """The same, or nearly."""
    ADDRESS_DIFFERS = 1 << 27
    """Neither postcode, street nor town is alike."""
    CROSSED = 1 << 28
    """The first name of one is the surname of the other, and the other two names differ."""
    TWINS = 1 << 29
    """The same surname, date of birth and address, and first names that differ."""
    GENERATION = 1 << 30
    """The same name, and dates of birth that lie as far apart as those of a parent and a child."""


WORDS: dict[Evidence, str] = {
    Evidence.EMAIL: N_("same email"),
    Evidence.MAILBOX: N_("same email before the @"),
    Evidence.EMAIL_NEAR: N_("nearly the same email"),
    Evidence.PHONE: N_("same phone"),
    Evidence.BIRTH: N_("same date of birth"),
    Evidence.BIRTH_NEAR: N_("nearly the same date of birth"),
    Evidence.SURNAME: N_("same surname"),
    Evidence.SURNAME_NEAR: N_("nearly the same surname"),
    Evidence.FIRST_NAME: N_("same first name"),
    Evidence.FIRST_NAME_NEAR: N_("similar first names"),
    Evidence.SWAPPED: N_("first name and surname swapped"),
    Evidence.CROSSED: N_("first name of one is surname of the other"),
    Evidence.POSTCODE: N_("same postcode"),
    Evidence.POSTCODE_NEAR: N_("nearly the same postcode"),
    Evidence.STREET: N_("same street"),
    Evidence.STREET_NEAR: N_("similar street"),
    Evidence.TOWN: N_("same town"),
    Evidence.COMPANY: N_("same company"),
    Evidence.COMPANY_NUMBER: N_("same company number"),
    Evidence.VAT_NUMBER: N_("same VAT number"),
    Evidence.FIRST_NAME_DIFFERS: N_("first names differ"),
    Evidence.SURNAME_DIFFERS: N_("surnames differ"),
    Evidence.BIRTH_DIFFERS: N_("dates of birth differ"),
    Evidence.EMAIL_DIFFERS: N_("emails differ"),
    Evidence.PHONE_DIFFERS: N_("phones differ"),
    Evidence.TWINS: N_("as with twins"),
    Evidence.GENERATION: N_("born a generation apart"),
    Evidence.ADDRESS_DIFFERS: N_("addresses differ"),
    Evidence.GENDER_DIFFERS: N_("genders differ"),
    Evidence.COMPANY_NUMBER_DIFFERS: N_("company numbers differ"),
    Evidence.VAT_NUMBER_DIFFERS: N_("VAT numbers differ"),
}
"""What staff read, in the order in which they read it."""

E = Evidence
SENSITIVE: dict[str, Evidence] = {
    "email": E.EMAIL | E.MAILBOX | E.EMAIL_NEAR | E.EMAIL_DIFFERS,
    "phone": E.PHONE | E.PHONE_DIFFERS,
    "birth": E.BIRTH | E.BIRTH_NEAR | E.BIRTH_DIFFERS | E.GENDER_DIFFERS | E.TWINS | E.GENERATION,
    "address": E.POSTCODE | E.POSTCODE_NEAR | E.STREET | E.STREET_NEAR | E.TOWN | E.ADDRESS_DIFFERS | E.TWINS,
    "vat": E.COMPANY_NUMBER | E.COMPANY_NUMBER_DIFFERS | E.VAT_NUMBER | E.VAT_NUMBER_DIFFERS,
}
"""Group of masked columns -> what is told of them only to those who see them (rule 19)."""

WEIGHTS: dict[Evidence, int] = {
    Evidence.EMAIL: 18,
    Evidence.MAILBOX: 8,
    Evidence.EMAIL_NEAR: 10,
    Evidence.PHONE: 10,
    Evidence.BIRTH: 17,
    Evidence.BIRTH_NEAR: 10,
    Evidence.SURNAME: 8,
    Evidence.SURNAME_NEAR: 8,
    Evidence.FIRST_NAME: 7,
    Evidence.FIRST_NAME_NEAR: 7,
    Evidence.SWAPPED: 14,
    Evidence.CROSSED: 0,
    Evidence.POSTCODE: 7,
    Evidence.POSTCODE_NEAR: 6,
    Evidence.STREET: 6,
    Evidence.STREET_NEAR: 6,
    Evidence.TOWN: 4,
    Evidence.COMPANY: 6,
    Evidence.COMPANY_NUMBER: 16,
    Evidence.VAT_NUMBER: 16,
    Evidence.FIRST_NAME_DIFFERS: -15,
    Evidence.SURNAME_DIFFERS: -6,
    Evidence.BIRTH_DIFFERS: -7,
    Evidence.EMAIL_DIFFERS: -2,
    Evidence.PHONE_DIFFERS: -2,
    Evidence.TWINS: -14,
    Evidence.GENERATION: -14,
    Evidence.ADDRESS_DIFFERS: -3,
    Evidence.GENDER_DIFFERS: -6,
    Evidence.COMPANY_NUMBER_DIFFERS: -16,
    Evidence.VAT_NUMBER_DIFFERS: -16,
}
"""What each counts where the shop has not said otherwise.

Fitted on demo shops of 20,000, one with twice the usual errors, and on Febrl's four sets, so that F1 is high on all of
them at once (bench/duplicates.py). By hand: what is certain (email, company and VAT numbers), what speaks against by
itself, that nothing near counts more than the same, and that twins, or father and son, with an email each are two.
"""

THRESHOLD = 20
"""The score from which two records are likely the same, where the shop has not said otherwise."""

PLAIN = Evidence.SURNAME | Evidence.POSTCODE
"""Together they flag a pair whatever else there is, as an equal email does (rule 7.4)."""

TWINS_SHARE = PLAIN | Evidence.STREET | Evidence.BIRTH | Evidence.FIRST_NAME_DIFFERS
"""Together they look like twins. A street that is only near is as likely one person's, typed twice."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """What each kind of evidence counts for a shop, in the order of ``WEIGHTS``, and its threshold (rule 7.13)."""

    weights: tuple[int, ...] = tuple(WEIGHTS.values())
    threshold: int = THRESHOLD

    def score(self, found: int) -> int:
        """Return what the bits of a whole number add up to."""
        return _sum(int(found), self.weights)

    def is_likely(self, found: int) -> bool:
        """Return whether two records are likely the same."""
        return self.score(found) >= self.threshold

    def flags(self, found: int) -> bool:
        """Return whether two records are shown to staff: always, or as their score reaches the threshold."""
        return always_flags(found) or self.is_likely(found)

    def weight(self, kind: Evidence) -> int:
        """Return what one kind of evidence counts."""
        return self.weights[_PLACES[kind]]

    @property
    def best_address(self) -> int:
        """The most that addresses add to a score."""
        near = self.weight(Evidence.POSTCODE_NEAR) + self.weight(Evidence.TOWN)
        where = max(self.weight(Evidence.POSTCODE), near)
        return where + max(self.weight(Evidence.STREET), self.weight(Evidence.STREET_NEAR))


_PLACES = {kind: place for place, kind in enumerate(WEIGHTS)}
_BITS = tuple(kind.value for kind in WEIGHTS)


@lru_cache(65_536)  # few kinds of pairs come again and again
def _sum(bits: int, weights: tuple[int, ...]) -> int:
    return sum(weight for bit, weight in zip(_BITS, weights, strict=True) if bits & bit)


def with_family(found: int) -> int:
    """Add to what two records say that they look like twins (rule 7.14)."""
    twins = found & TWINS_SHARE.value == TWINS_SHARE.value
    return found | Evidence.TWINS.value if twins else found


def is_against(kind: Evidence) -> bool:
    """Return whether a kind of evidence speaks for two people."""
    return WEIGHTS[kind] < 0


def always_flags(found: int) -> bool:
    """Return whether two records are shown to staff whatever their score: equal email, or surname and postcode."""
    return bool(found & Evidence.EMAIL.value) or is_plain(found)


def is_plain(found: int) -> bool:
    """Return whether two records share a surname and a postcode."""
    return found & PLAIN.value == PLAIN.value


def told(found: int, hidden: Collection[str] = ()) -> Iterator[Evidence]:
    """Yield what a whole number says, in the order in which it is read, without what follows from the rest of it.

    :param hidden: the groups of masked columns of which nothing is said.
    """
    unsaid = Evidence.MAILBOX if found & Evidence.EMAIL else Evidence(0)
    for group in hidden:
        unsaid |= SENSITIVE.get(group, Evidence(0))
    yield from (kind for kind in WORDS if found & kind & ~unsaid)
