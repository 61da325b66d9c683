"""How a statement reads: its words, days and amounts, in the reader's language.

The page is in the language of the back office, the PDF and its letter in the customer's; both say the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from babel import Locale

from actions.core.languages import translations
from actions.statements.statements import Line, Statement
from models import figures
from models.account import AccountKind
from models.base import N_
from models.shop import Shop

TITLE = N_("Account statement")
PERIOD = N_("%(since)s to %(until)s")
ADDRESSED = N_("Customer %(number)s")
CODE = N_("Account code %(code)s")
HEADINGS = (N_("Date"), N_("Entry"), N_("Reference"), N_("Debit"), N_("Credit"), N_("Balance"))
OPENING = N_("Opening balance")
CLOSING = N_("Closing balance")
NOTHING = N_("No entries in this period.")
EARLIER_CURRENCY = N_("Entries in %(currency)s")
AGEING = N_("Balance due by age")
LATE = (N_("Not yet due"), N_("1–30 days"), N_("31–60 days"), N_("61–90 days"), N_("Over 90 days"))
PAGE = N_("Page %(page)s of %(pages)s")
OWES = N_("owes %(amount)s")
IN_CREDIT = N_("in credit %(amount)s")
SETTLED = N_("nothing owed")
KINDS = {
    AccountKind.INVOICE: N_("Invoice"),
    AccountKind.PAYMENT: N_("Payment"),
    AccountKind.REFUND: N_("Refund"),
    AccountKind.REVERSAL: N_("Reversal"),
}
VOIDS = {
    AccountKind.INVOICE: N_("Invoice voided"),
    AccountKind.PAYMENT: N_("Payment voided"),
    AccountKind.REFUND: N_("Refund voided"),
}
PRINTED = frozenset({
    TITLE, PERIOD, ADDRESSED, CODE, *HEADINGS, OPENING, CLOSING, NOTHING, EARLIER_CURRENCY, AGEING, *LATE, PAGE,
    OWES, IN_CREDIT, SETTLED, *KINDS.values(), *VOIDS.values(),
})  # fmt: skip
"""Every sentence that a printed statement may hold: each language of the letters has words for them."""


@dataclass(frozen=True, slots=True)
class Words:
    """A language: ``say`` translates a sentence, ``locale`` writes days and amounts, ``lang`` is what it is called."""

    say: Callable[[str], str]
    locale: str
    lang: str

    def day(self, value: dt.date) -> str:
        """Return a day such as 3 Sep 2026."""
        return figures.day(value, self.locale)

    def period(self, found: Statement) -> str:
        """Return the first and the last day."""
        return self.say(PERIOD) % {"since": self.day(found.since), "until": self.day(found.until)}

    def money(self, amount: int, currency: str) -> str:
        """Return an amount of minor units, such as £12.50."""
        return figures.money(amount, currency, self.locale)

    def balance(self, amount: int, currency: str) -> str:
        """Return a balance in words, never by a bare sign (rule 2.2)."""
        if amount == 0:
            return self.say(SETTLED)
        words = OWES if amount > 0 else IN_CREDIT
        return self.say(words) % {"amount": self.money(abs(amount), currency)}

    def closing(self, found: Statement) -> str:
        """Return how the account stood on the last day, in each currency it has."""
        return "; ".join(self.balance(part.closing, part.currency) for part in found.parts)

    def entry(self, line: Line) -> str:
        """Return what an entry is."""
        return self.say(VOIDS.get(line.voids, KINDS[line.kind]) if line.voids else KINDS[line.kind])


def reference(line: Line) -> str:
    """Return the number of an entry's invoice and what was noted with it."""
    return " · ".join(part for part in (line.number, line.reference) if part)


def words_for(language: str | None, shop: Shop) -> Words:
    """Return the words for anyone who reads a language, such as "de"; the shop's own where it is None."""
    spoken, catalogue = translations(language or shop.locale)
    own = Locale.parse(shop.locale)
    locale = shop.locale if own.language == spoken.split("-")[0] else spoken.replace("-", "_")
    return Words(catalogue.gettext, locale, spoken)
