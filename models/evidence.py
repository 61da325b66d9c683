"""What speaks for and against two records being the same customer, each as one bit of a whole number (rule 7.5).

The database adds the bits up, people read them as words, and the weights of those that are set make the score.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

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


WORDS: dict[Evidence, str] = {
    Evidence.EMAIL: N_("same email"),
    Evidence.MAILBOX: N_("same email before the @"),
    Evidence.PHONE: N_("same phone"),
    Evidence.BIRTH: N_("same date of birth"),
    Evidence.BIRTH_NEAR: N_("nearly the same date of birth"),
    Evidence.SURNAME: N_("same surname"),
    Evidence.SURNAME_NEAR: N_("nearly the same surname"),
    Evidence.FIRST_NAME: N_("same first name"),
    Evidence.FIRST_NAME_NEAR: N_("similar first names"),
    Evidence.SWAPPED: N_("first name and surname swapped"),
    Evidence.POSTCODE: N_("same postcode"),
    Evidence.STREET: N_("same street"),
    Evidence.COMPANY: N_("same company"),
    Evidence.COMPANY_NUMBER: N_("same company number"),
    Evidence.VAT_NUMBER: N_("same VAT number"),
    Evidence.FIRST_NAME_DIFFERS: N_("first names differ"),
    Evidence.SURNAME_DIFFERS: N_("surnames differ"),
    Evidence.BIRTH_DIFFERS: N_("dates of birth differ"),
    Evidence.PHONE_DIFFERS: N_("phones differ"),
    Evidence.GENDER_DIFFERS: N_("genders differ"),
    Evidence.COMPANY_NUMBER_DIFFERS: N_("company numbers differ"),
    Evidence.VAT_NUMBER_DIFFERS: N_("VAT numbers differ"),
}
"""What staff read, in the order in which they read it."""

WEIGHTS: dict[Evidence, int] = {
    Evidence.EMAIL: 9,
    Evidence.MAILBOX: 4,
    Evidence.PHONE: 7,
    Evidence.BIRTH: 6,
    Evidence.BIRTH_NEAR: 3,
    Evidence.SURNAME: 4,
    Evidence.SURNAME_NEAR: 3,
    Evidence.FIRST_NAME: 3,
    Evidence.FIRST_NAME_NEAR: 2,
    Evidence.SWAPPED: 6,
    Evidence.POSTCODE: 4,
    Evidence.STREET: 3,
    Evidence.COMPANY: 3,
    Evidence.COMPANY_NUMBER: 8,
    Evidence.VAT_NUMBER: 8,
    Evidence.FIRST_NAME_DIFFERS: -12,
    Evidence.SURNAME_DIFFERS: -4,
    Evidence.BIRTH_DIFFERS: -12,
    Evidence.PHONE_DIFFERS: -1,
    Evidence.GENDER_DIFFERS: -3,
    Evidence.COMPANY_NUMBER_DIFFERS: -8,
    Evidence.VAT_NUMBER_DIFFERS: -8,
}
"""What each counts where the shop has not said otherwise."""

THRESHOLD = 9
"""The score from which two records are likely the same, where the shop has not said otherwise."""

PLAIN = Evidence.SURNAME | Evidence.POSTCODE
"""Together they flag a pair whatever else there is, as an equal email does (rule 7.4)."""


def score(found: int) -> int:
    """Return what the bits of a whole number add up to."""
    return sum(weight for kind, weight in WEIGHTS.items() if found & kind)


def always_flags(found: int) -> bool:
    """Return whether two records are shown to staff whatever their score: equal email, or surname and postcode."""
    return bool(found & Evidence.EMAIL) or found & PLAIN == PLAIN


def told(found: int) -> Iterator[Evidence]:
    """Yield what a whole number says, in the order in which it is read, without what follows from the rest of it."""
    implied = Evidence.MAILBOX if found & Evidence.EMAIL else Evidence(0)
    yield from (kind for kind in WORDS if found & kind & ~implied)
