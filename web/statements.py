"""The statement of a customer's account as both applications show it: its days, its sheet and its file (rule 2.11)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, has_request_context, request
from flask_babel import gettext as _

from actions.ledgers.ageing import BUCKETS
from actions.statements.statements import Part, Statement, checked_range
from actions.statements.wording import CLOSING, EARLIER_CURRENCY, LATE, OPENING, Words, reference
from models.customer import Customer
from web.arguments import BadArgument
from web.request import shop, today

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry, in words."""

    day: str
    entry: str
    reference: str
    debit: str
    credit: str
    balance: str


@dataclass(frozen=True, slots=True)
class Table:
    """The entries in one currency: the row before them, they, and the row after them."""

    title: str
    opening: Row
    rows: Sequence[Row]
    closing: Row


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed. ``number`` is the customer's."""

    number: int
    shop: str
    shop_email: str
    address: Sequence[str]
    period: str
    account_code: str
    tables: Sequence[Table]
    ageing: Sequence[tuple[str, str]] = ()


def asked_range() -> tuple[dt.date, dt.date]:
    """Return the first and the last day asked for; the usual ones where none are.

    :raises BadArgument: one of the two is no day. :raises Invalid: they will not do.
    """
    given = request.args if has_request_context() else {}
    return checked_range(_day("since", given.get("since")), _day("until", given.get("until")), today())


def _day(name: str, raw: str | None) -> dt.date | None:
    if not raw:
        return None
    try:
        if not DAY.fullmatch(raw):
            raise ValueError
        return dt.date.fromisoformat(raw)
    except ValueError:
        told = _(
            "%(field)s: enter a date such as 2026-01-31.", field=_("From") if name == "since" else _("To")
        )
        raise BadArgument(name, _("a date such as 2026-01-31"), told) from None


def kept_elsewhere() -> str:
    """Return what a statement says where an accounting package owns the balance (rule 2.6); else nothing."""
    if not shop().external_accounting:
        return ""
    return _(
        "Balances are kept in %(package)s. This statement may be out of date.",
        package=shop().accounting_package,
    )


def sheet(customer: Customer, found: Statement, address: Sequence[str], locale: str) -> Sheet:
    """Return a statement in words.

    :param address: whom it is for, a line each. :param locale: how its days and amounts are written.
    """
    words = Words(_, locale, "")
    amounts = (words.money(getattr(found.owed, name), found.currency) for name in BUCKETS)
    return Sheet(
        number=customer.id,
        shop=shop().name,
        shop_email=shop().email or "",
        address=address,
        period=words.period(found),
        account_code=customer.account_code or "",
        tables=[_table(words, found, part) for part in found.parts],
        ageing=list(zip(map(words.say, LATE), amounts, strict=True)) if found.owed.total else (),
    )


def _table(words: Words, found: Statement, part: Part) -> Table:
    def amount(minor: int) -> str:
        return words.money(minor, part.currency) if minor else ""

    def edge(day: dt.date, label: str, balance: int, debits: int = 0, credits: int = 0) -> Row:
        told = words.balance(balance, part.currency)
        return Row(words.day(day), label, "", amount(debits), amount(credits), told)

    rows = [
        Row(
            words.day(line.value_date), words.entry(line), reference(line), amount(line.debit), amount(line.credit),
            words.balance(line.balance, part.currency),
        )
        for line in part.lines
    ]  # fmt: skip
    title = "" if part is found.parts[0] else words.say(EARLIER_CURRENCY) % {"currency": part.currency}
    closing = edge(found.until, words.say(CLOSING), part.closing, part.debits, part.credits)
    return Table(title, edge(found.since, words.say(OPENING), part.opening), rows, closing)


def attachment(content: bytes, content_type: str, name: str) -> Response:
    """Return an answer that browsers save and never show."""
    answer = Response(content, mimetype=content_type)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
