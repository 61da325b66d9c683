"""Statements: which days, which entries, in whose words, for whom (rule 2.11)."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from actions.core.base import Invalid
from actions.ledgers import accounts
from actions.statements import statements
from actions.statements.statements import Statement, addressee, checked_range, statement, usual_range
from actions.statements.wording import reference, words_for
from models.account import AccountEntry, AccountKind
from models.customer import Customer
from models.shop import Shop
from tests import factories
from tests.actions.desk import Desk
from tests.actions.statement_desk import TODAY, ago, debtor, invoice, pay


def told(desk: Desk, customer: int, since: dt.date, until: dt.date) -> Statement:
    with desk.look() as session:
        return statement(session, session.get_one(Customer, customer), since, until)


@pytest.mark.parametrize(
    ("today", "first"),
    [("2026-11-27", "2026-10-01"), ("2026-01-01", "2025-12-01"), ("2024-03-31", "2024-02-01")],
)
def test_unasked_it_is_of_the_whole_last_month_and_this_one(today: str, first: str) -> None:
    day = dt.date.fromisoformat(today)
    assert usual_range(day) == (dt.date.fromisoformat(first), day)
    assert checked_range(None, None, day) == usual_range(day)


def test_one_day_is_a_range_and_a_last_day_of_long_ago_is_one_too() -> None:
    assert checked_range(TODAY, TODAY, TODAY) == (TODAY, TODAY)
    assert checked_range(None, ago(300), TODAY) == (ago(300), ago(300))


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        (ago(1), ago(2), "until"),
        (TODAY + dt.timedelta(days=1), None, "since"),
        (None, TODAY + dt.timedelta(days=1), "until"),
        (dt.date(1989, 12, 31), None, "since"),
        ("2026-01-01", None, "since"),
        (None, dt.datetime(2026, 1, 1), "until"),
        (True, None, "since"),
    ],
)
def test_days_that_will_not_do_are_named(since: Any, until: Any, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_range(since, until, TODAY)
    assert list(caught.value.errors) == [field]


def test_it_goes_by_value_date_whenever_an_entry_was_written(desk: Desk) -> None:
    customer = debtor(desk, owes=10_000, days=50)
    pay(desk, customer, 2_500, 60, reference="BACS 7")
    pay(desk, customer, 1_000, 20)
    found = told(desk, customer, ago(50), ago(20))
    (part,) = found.parts
    assert part.opening == -2_500
    assert [(line.value_date, line.debit, line.credit, line.balance) for line in part.lines] == [
        (ago(50), 10_000, 0, 7_500),
        (ago(20), 0, 1_000, 6_500),
    ]
    assert (part.closing, part.debits, part.credits) == (6_500, 10_000, 1_000)


def test_a_void_is_an_entry_of_its_day_and_names_what_it_takes_back(desk: Desk) -> None:
    customer = debtor(desk, owes=10_000, days=30)
    wrong = pay(desk, customer, 2_500, 10, reference="BACS 7")
    number = invoice(desk, customer, 700, 5)
    desk.do(accounts.void, wrong, reason="bounced")
    desk.do(accounts.void_invoice, number, reason="sent twice")
    part = told(desk, customer, ago(12), TODAY).parts[0]
    words = words_for(None, Shop())
    issued = part.lines[1].number
    assert [(words.entry(line), reference(line)) for line in part.lines] == [
        ("Payment", "BACS 7"),
        ("Invoice", issued),
        ("Payment voided", "BACS 7"),
        ("Invoice voided", issued),
    ]
    assert part.closing == part.opening == 10_000
    assert told(desk, customer, ago(12), ago(1)).parts[0].closing == 8_200, "yesterday nobody had voided it"


def test_a_void_counts_no_sooner_than_what_it_takes_back(desk: Desk) -> None:
    customer = desk.customer(pay_on_account=True)
    ahead = desk.do(
        accounts.raise_invoice, customer=customer, amount=900, issued_on=ago(-10), due_on=ago(-20)
    )
    desk.do(accounts.void_invoice, ahead.record_id, reason="sent twice")
    assert told(desk, customer, ago(5), TODAY).parts[0].closing == 0, "nobody is in credit by it until then"
    with desk.look() as session:
        days = [
            row.value_date for row in session.scalars(select(AccountEntry).filter_by(customer_id=customer))
        ]
    assert days == [ago(-10), ago(-10)]


def test_a_currency_of_before_is_a_part_of_its_own(desk: Desk) -> None:
    customer = debtor(desk, owes=900, days=30)
    pay(desk, customer, 900, 20)
    desk.edit(Customer, customer, currency="EUR")
    invoice(desk, customer, 4_000, 10)
    now, before = told(desk, customer, ago(40), TODAY).parts
    assert (now.currency, now.closing, len(now.lines)) == ("EUR", 4_000, 1)
    assert (before.currency, before.closing, len(before.lines)) == ("GBP", 0, 2)
    (only,) = told(desk, customer, ago(15), TODAY).parts
    assert only.currency == "EUR", "what had come to nothing by then is not told"


def test_who_has_no_account_has_an_empty_one(desk: Desk) -> None:
    (part,) = told(desk, desk.customer(), ago(30), TODAY).parts
    assert (part.opening, part.lines, part.closing) == (0, (), 0)


def test_a_hundred_thousand_entries_before_it_are_one_sum_and_too_many_in_it_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = desk.customer()
    with Session(desk.engine) as session, session.begin():
        row = factories.make_account_entry(session, customer_id=customer, value_date=ago(100), amount=-1)
        same = {
            c.name: getattr(row, c.name)
            for c in AccountEntry.__table__.columns
            if c.name not in ("id", "key")
        }
        session.connection().execute(insert(AccountEntry.__table__), [same] * 4_999)
    monkeypatch.setattr(statements, "MOST_LINES", 100)
    (part,) = told(desk, customer, ago(99), TODAY).parts
    assert (part.opening, part.lines) == (-5_000, ())
    with pytest.raises(Invalid) as caught:
        told(desk, customer, ago(100), TODAY)
    assert list(caught.value.errors) == ["since"]


@pytest.mark.parametrize(
    ("language", "owes", "credit", "none", "day"),
    [
        (None, "owes £12.00", "in credit £3.00", "nothing owed", "3 Sept 2026"),
        ("de", "offen 12,00\xa0£", "Guthaben 3,00\xa0£", "ausgeglichen", "3. Sept. 2026"),
        ("fr", "dû 12,00\xa0£GB", "avoir 3,00\xa0£GB", "soldé", "3 sept. 2026"),
        ("sv", "owes £12.00", "in credit £3.00", "nothing owed", "3 Sept 2026"),
    ],
)
def test_a_balance_is_said_in_words_in_the_readers_language(
    language: str | None, owes: str, credit: str, none: str, day: str
) -> None:
    words = words_for(language, Shop())
    assert (words.balance(1_200, "GBP"), words.balance(-300, "GBP"), words.balance(0, "GBP")) == (
        owes,
        credit,
        none,
    )
    assert words.day(dt.date(2026, 9, 3)) == day
    assert all(
        "-" not in words.balance(amount, "JPY") and "−" not in words.balance(amount, "JPY")
        for amount in (5, -5)
    )


def test_it_goes_where_bills_go_or_else_to_the_primary_address(desk: Desk) -> None:
    customer = desk.customer(first_name="Ann", last_name="Lee", company_name="Lee Ltd")
    where = {"customer_id": customer, "line2": None, "county": None}

    def lines() -> tuple[str, ...]:
        with desk.look() as session:
            return tuple(addressee(session, session.get_one(Customer, customer), Shop(), "en_GB"))

    assert lines() == ("Ann Lee", "Lee Ltd")
    desk.make(
        factories.make_address, is_primary=True, line1="1 High St", town="York", postcode="YO1 7HH", **where
    )
    assert lines() == ("Ann Lee", "Lee Ltd", "1 High St", "York", "YO1 7HH")
    desk.make(
        factories.make_address, is_primary=False, is_billing=True, line1="2 Rue Haute", town="Lyon", postcode="69001",
        country="FR", **where,
    )  # fmt: skip
    assert lines() == ("Ann Lee", "Lee Ltd", "2 Rue Haute", "Lyon", "69001", "France")


def test_the_kinds_of_entries_all_have_words() -> None:
    from actions.statements.wording import KINDS, VOIDS

    assert set(KINDS) == set(AccountKind)
    assert set(VOIDS) == set(AccountKind) - {AccountKind.REVERSAL}
