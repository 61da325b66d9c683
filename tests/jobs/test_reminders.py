"""Reminders: who owes overdue money gets one a month, the person doing it and however often they are stopped (rule 2.12)."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from actions.ledgers import accounts
from actions.setup.settings import save
from jobs import statements as job_file
from jobs.base import JOBS, start
from models.customer import Customer
from models.mail import Mail, MailAttachment
from models.run import ItemState, Run, RunItem, RunState
from models.shop import Shop
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together
from tests.actions.statement_desk import ago, debtor, invoice, pay
from tests.databases import Database
from tests.jobs.crew import Crew, until
from tests.jobs.test_clock import work
from tests.scale import FULL

REMIND = JOBS["customer.remind"]


@pytest.fixture(autouse=True)
def switched_on(desk: Desk) -> None:
    desk.do(save, values={"statement_reminders": True})


def remind(desk: Desk, as_of: dt.datetime | None = None) -> Run:
    """Run the job to its end."""
    run_id = start(desk.engine, REMIND, desk.now, as_of or desk.now)
    work(desk)
    return desk.get(Run, run_id)


def reminded(desk: Desk) -> list[int | None]:
    """Whom the reminders went to, by id of the mail."""
    return [mail.customer_id for mail in desk.all(Mail, template="account_reminder")]


def foreseen(desk: Desk) -> Any:
    with desk.look() as session:
        return REMIND.preview(session, desk.now)


def crowd(desk: Desk) -> tuple[list[int], list[int]]:
    """(who is due and can be written to, who is due and cannot) among some of every sort."""
    due = [debtor(desk, owes=100 + n) for n in range(3)]
    part_paid = debtor(desk, owes=5_000)
    pay(desk, part_paid, 4_000)
    without = [debtor(desk, email=None), debtor(desk, email=None)]
    debtor(desk, days=20)
    debtor(desk, days=10, terms=30)
    paid, ahead = debtor(desk), debtor(desk)
    pay(desk, paid, 5_000)
    pay(desk, ahead, 5_000)
    invoice(desk, ahead, 700, 5, 30)
    voided = debtor(desk)
    number = invoice(desk, voided, 900)
    desk.do(accounts.void_invoice, number, reason="sent twice")
    pay(desk, voided, 5_000)
    erased, kept, gone = debtor(desk), debtor(desk), debtor(desk)
    put_together(desk, kept, gone)
    with desk.engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == erased).values(anonymised_at=desk.now))
    desk.customer()
    return [*due, part_paid, kept], without


def test_who_has_only_further_addresses_is_counted_and_reminded_there(desk: Desk) -> None:
    customer = debtor(desk, email=None)
    extra = f"extra{factories.number()}@example.com"
    desk.make(factories.make_contact_email, customer_id=customer, email=extra)
    assert "1 customers will be sent a reminder. 0 overdue" in str(foreseen(desk))
    remind(desk)
    assert [mail.recipient for mail in desk.all(Mail, customer_id=customer)] == [extra]


def test_whoever_owes_overdue_money_is_reminded_as_the_preview_says(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_file, "CHUNK", 2)
    monkeypatch.setattr(job_file, "LOOKED_AT", 3)
    due, without = crowd(desk)
    seen = foreseen(desk)
    assert str(seen) == "5 customers will be sent a reminder. 2 overdue customers have no email address."
    run = remind(desk)
    assert (run.state, run.size, run.done, run.refused) == (RunState.WITH_ERRORS, seen.size, 5, 2)
    assert reminded(desk) == sorted(due)
    items = desk.all(RunItem, run_id=run.id)
    assert [item.row_id for item in items] == sorted([*due, *without])
    assert {item.row_id for item in items if item.state == ItemState.REFUSED} == set(without)
    assert len(desk.all(MailAttachment)) == len(due)
    mail = desk.all(Mail, customer_id=due[0])[0]
    assert (mail.subject, mail.key) == (
        "Payment reminder from Clientele",
        f"customer.remind:{desk.now:%Y-%m}:{due[0]}",
    )


def test_once_a_month(desk: Desk) -> None:
    customer = debtor(desk)
    assert remind(desk).done == 1
    assert foreseen(desk).size == 0
    again = remind(desk)
    assert (again.state, again.done, again.refused) == (RunState.DONE, 0, 0)
    late = debtor(desk)
    assert remind(desk).done == 1, "who has come to owe since is reminded when the job is run again"
    desk.later(days=31)
    assert remind(desk).done == 2
    assert reminded(desk) == [customer, late, customer, late]


@pytest.mark.parametrize(("days", "done"), [(1, 1), (26, 1), (27, 0), (365, 0)])
def test_only_what_is_overdue_for_as_long_as_the_shop_says(desk: Desk, days: int, done: int) -> None:
    desk.do(save, values={"statement_reminder_days": days})
    debtor(desk, days=40, terms=14)
    assert (foreseen(desk).size, remind(desk).done) == (done, done)


def test_a_day_ends_in_the_shops_zone(desk: Desk) -> None:
    desk.do(save, values={"statement_reminder_days": 1, "time_zone": "Pacific/Kiritimati"})
    customer = debtor(desk, days=10, terms=9)
    desk.now = dt.datetime.combine(ago(1), dt.time(9, 59), dt.UTC)
    assert foreseen(desk).size == 0
    desk.later(minutes=1)
    assert foreseen(desk).size == 1, "in Kiritimati the next day has begun"
    remind(desk)
    assert reminded(desk) == [customer]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"statement_reminders": False}, "are off in the settings"),
        ({"external_accounting": True}, "accounting package"),
    ],
)
def test_a_shop_that_wants_none_sends_none(desk: Desk, values: dict[str, Any], words: str) -> None:
    debtor(desk)
    desk.do(save, values=values)
    assert words in str(foreseen(desk))
    assert (foreseen(desk).size, remind(desk).done, reminded(desk)) == (0, 0, [])


def test_off_is_what_a_shop_begins_with() -> None:
    assert Shop().statement_reminders is False


def test_who_has_paid_since_is_not_reminded(desk: Desk) -> None:
    customer = debtor(desk)
    slot = desk.now
    desk.later(days=3)
    pay(desk, customer, 5_000)
    assert (remind(desk, slot).done, reminded(desk)) == (0, [])


def test_who_was_reminded_since_they_were_chosen_is_not_reminded_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where another process was at the same customers."""
    customer = debtor(desk)
    remind(desk)
    monkeypatch.setattr(job_file, "_candidates", lambda *_given: Customer.account_balance > 0)
    run = remind(desk)
    [item] = desk.all(RunItem, run_id=run.id)
    assert (item.state, item.message) == (ItemState.REFUSED, str(job_file.REMINDED[1]))
    assert reminded(desk) == [customer]


def test_one_that_breaks_is_named_and_the_others_are_reminded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers = [debtor(desk) for _n in range(4)]
    whole = job_file.statement

    def broken(session: Any, customer: Customer, *days: dt.date) -> Any:
        if customer.id == customers[1]:
            raise ZeroDivisionError
        return whole(session, customer, *days)

    monkeypatch.setattr(job_file, "statement", broken)
    run = remind(desk)
    assert (run.state, run.done, run.refused) == (RunState.WITH_ERRORS, 3, 1)
    assert [item.state for item in desk.all(RunItem, run_id=run.id)] == [
        ItemState.DONE, ItemState.FAILED, ItemState.DONE, ItemState.DONE,
    ]  # fmt: skip


def test_one_that_no_pdf_can_show_is_named_and_the_others_are_reminded(desk: Desk) -> None:
    first, foreign, last = debtor(desk), debtor(desk, last_name="山田"), debtor(desk)
    run = remind(desk)
    assert sorted(map(int, filter(None, reminded(desk)))) == [first, last]
    (item,) = desk.all(RunItem, run_id=run.id, row_id=foreign)
    assert item.state == ItemState.REFUSED
    assert "our fonts lack 山田 in the customer's name" in item.message
    assert (run.state, run.refused) == (RunState.WITH_ERRORS, 1)


def test_it_is_counted_in_one_statement(desk: Desk) -> None:
    debtor(desk)
    asked: list[str] = []
    with desk.look() as session:
        _ = job_file.load_shop(session)
        event.listen(desk.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
        REMIND.preview(session, desk.now)
    assert len([text for text in asked if "shop_setting" not in text]) == 1


@pytest.mark.soak
@pytest.mark.either_database
def test_killed_again_and_again_each_is_reminded_once(desk: Desk, database: Database, tmp_path: Path) -> None:
    customers = [debtor(desk) for _n in range(14)]
    with Crew(database.url, tmp_path, REMIND.code, desk.now, chunk=2) as crew:
        working = crew.start("jobs", "run", REMIND.code)
        for kill in range(2 if FULL else 1):
            until(lambda: len(reminded(desk)) >= 3 * (kill + 1))
            crew.kill(working)
            desk.later(minutes=2)  # the lease passes to the next
            crew.set_clock(desk.now)
            working = crew.start("scheduler")
        until(lambda: {run.state for run in desk.all(Run)} == {RunState.DONE})
    assert [run.done for run in desk.all(Run)] == [14]
    assert reminded(desk) == customers
