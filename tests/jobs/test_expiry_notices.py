"""Customers are told before their points expire: one mail, once for each lot, the person doing it (rule 1.10)."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session, undefer_group

from actions.ledgers import expiry_notices, loyalty
from jobs import expiry_notices as job_file
from jobs.base import JOBS, start
from models.customer import Customer
from models.dialect import WRITE
from models.loyalty import LoyaltyEntry, LoyaltyExpiryNotice, LoyaltyLot
from models.mail import Mail
from models.run import ItemState, Run, RunItem, RunState
from models.shop import ShopSetting
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together
from tests.databases import Database
from tests.jobs.crew import Crew, until
from tests.jobs.test_clock import work
from tests.jobs.test_expire import give

WARN = JOBS["loyalty.send_expiry_notices"]


def warn(desk: Desk) -> Run:
    """Run the job to its end, and hold it to what its preview said."""
    with desk.look() as session:
        foreseen = WARN.preview(session, desk.now)
    run_id = start(desk.engine, WARN, desk.now, desk.now)
    work(desk)
    run = desk.get(Run, run_id)
    assert foreseen.size == run.size == run.done + run.refused
    return run


def mails(desk: Desk) -> list[Mail]:
    """Every mail that was written, with its text."""
    with desk.look() as session:
        return list(session.scalars(select(Mail).order_by(Mail.id).options(undefer_group("body"))))


def told(desk: Desk) -> list[int | None]:
    """To whom mails were written."""
    return [mail.customer_id for mail in mails(desk)]


def test_one_mail_names_the_sum_the_first_date_and_each_date(desk: Desk) -> None:
    customer = desk.customer(first_name="Rashid", last_name="Karim")
    for points, days in ((1_200, 20), (300, 10), (50, 10), (7, 40), (9, None)):
        give(desk, customer, points, days)
    with desk.look() as session:
        assert (
            str(WARN.preview(session, desk.now))
            == "One customer will be notified that 1,550 points expire soon."
        )
    assert warn(desk).done == 1
    [mail] = mails(desk)
    assert mail.subject == "Use your points by 11 September 2026"
    text = str(mail.text_body)
    assert "expire soon: 1,550." in text
    assert "can be used until 11 September 2026." in text
    assert "11 September 2026: 350\n21 September 2026: 1,200\n" in text
    assert [warning.mail_id for warning in desk.all(LoyaltyExpiryNotice)] == [mail.id] * 3


def test_the_last_day_is_the_one_on_which_they_can_still_be_spent(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 40, 10)
    warn(desk)
    assert "They can be used until 11 September 2026." in str(mails(desk)[0].text_body)
    desk.now = dt.datetime(2026, 9, 11, 22, 30, tzinfo=dt.UTC)
    desk.do(loyalty.adjust, customer=customer, points=-40, comment="The last evening")


def test_dates_and_figures_are_in_the_customers_language(desk: Desk) -> None:
    for language in ("de", "fr", "sv"):
        give(desk, desk.customer(language=language), 1_200, 10)
    warn(desk)
    german, french, other = (str(mail.text_body) for mail in mails(desk))
    assert "1.200" in german
    assert "11. September 2026" in german
    assert "11 septembre 2026" in french
    assert "until 11 September 2026" in other


def test_a_lot_is_told_of_once_even_when_points_come_back_to_it(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100, 20)
    assert warn(desk).done == 1
    desk.later(days=1)
    assert warn(desk).size == 0
    spent = desk.do(loyalty.adjust, customer=customer, points=-100, comment="Voucher")
    desk.do(loyalty.reverse, spent.record_id, reason="Cancelled")
    assert desk.lots(customer) == [(100, 100)]
    assert warn(desk).size == 0
    give(desk, customer, 5, 3)
    assert warn(desk).done == 1
    assert told(desk) == [customer, customer]


def test_a_lot_that_was_empty_in_time_is_told_of_once_it_is_not(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 100, 20)
    spent = desk.do(loyalty.adjust, customer=customer, points=-100, comment="Voucher")
    assert warn(desk).size == 0
    desk.do(loyalty.reverse, spent.record_id, reason="Cancelled")
    assert warn(desk).done == 1


OUT: list[dict[str, Any]] = [
    {"expiry_notices": False},
    {"is_active": False},
    {"email": None},
    {"email": ""},
    {"anonymised_at": factories.NOW},
]


def test_whoever_is_not_to_be_reached_is_not_told_until_they_are(desk: Desk) -> None:
    reached = desk.customer()
    others = [desk.customer() for _values in OUT]
    for customer in (reached, *others):
        give(desk, customer, 10, 20)
    for customer, values in zip(others, OUT, strict=True):
        with desk.changeset() as ctx:
            row = ctx.lock_one(Customer, customer)
            for name, value in values.items():
                setattr(row, name, value)
    assert warn(desk).done == 1
    assert told(desk) == [reached]
    desk.edit(Customer, others[0], expiry_notices=True)
    assert warn(desk).done == 1
    assert told(desk) == [reached, others[0]]


def test_who_cannot_be_written_to_is_named_and_the_others_are_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_file, "CHUNK", 1)
    bad, broken, good = (desk.customer() for _n in range(3))
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        session.execute(update(Customer).where(Customer.id == bad).values(email="no address"))
    for days, customer in enumerate((bad, broken, good), 5):
        give(desk, customer, 10, days)
    write = expiry_notices.tell

    def tell(ctx: Any, customer: Customer, lots: Any) -> bool:
        done = write(ctx, customer, lots)
        if customer.id == broken:
            raise ZeroDivisionError
        return done

    monkeypatch.setattr(expiry_notices, "tell", tell)
    run = warn(desk)
    assert (run.state, run.done, run.refused) == (RunState.WITH_ERRORS, 1, 2)
    items = {item.row_id: item.state for item in desk.all(RunItem, run_id=run.id)}
    assert items == {bad: ItemState.REFUSED, broken: ItemState.FAILED}
    assert told(desk) == [good]


def test_the_shop_says_how_long_before_or_never(desk: Desk) -> None:
    customer = desk.customer()
    give(desk, customer, 10, 20)
    desk.make(factories.make_shop_setting, code="points_warning_days", value=7)
    assert warn(desk).size == 0
    desk.later(days=14, hours=1)
    assert warn(desk).done == 1
    with desk.changeset() as ctx:
        ctx.session.scalars(select(ShopSetting)).one().value = None
    give(desk, customer, 10, 1)
    with desk.look() as session:
        assert str(WARN.preview(session, desk.now)) == "Points expiry notices are off in the settings."
    assert warn(desk).size == 0


def test_of_what_has_expired_since_the_slot_nobody_is_told(desk: Desk) -> None:
    give(desk, desk.customer(), 10, 1)
    slot = desk.now
    desk.later(days=3)
    run_id = start(desk.engine, WARN, desk.now, slot)
    work(desk)
    assert desk.get(Run, run_id).done == 0
    assert mails(desk) == []


def test_after_a_merge_the_stricter_wish_holds_and_nobody_is_told_twice(desk: Desk) -> None:
    one, two, three = desk.customer(), desk.customer(), desk.customer(expiry_notices=False)
    give(desk, one, 10, 20)
    give(desk, two, 20, 20)
    assert warn(desk).done == 2

    put_together(desk, one, two)
    assert warn(desk).size == 0
    give(desk, three, 30, 20)
    put_together(desk, one, three)
    assert not desk.of(one).expiry_notices
    assert warn(desk).size == 0


@pytest.mark.soak
@pytest.mark.either_database
def test_killed_resumed_and_done_by_four_at_once_each_lot_has_one_mail(
    desk: Desk, database: Database, tmp_path: Path
) -> None:
    customers = [desk.customer() for _n in range(30)]
    for customer in customers:
        give(desk, customer, 10, 5)
        give(desk, customer, 20, 6)
    with Crew(database.url, tmp_path, WARN.code, desk.now, chunk=5) as crew:
        first = crew.start("jobs", "run", WARN.code)
        until(lambda: len(mails(desk)) >= 5)
        crew.kill(first)
        desk.later(minutes=2)  # the lease passes to the next
        crew.set_clock(desk.now)
        for _n in range(4):
            crew.start("scheduler")
        until(lambda: {run.state for run in desk.all(Run)} == {RunState.DONE})
    assert sorted(c for c in told(desk) if c) == customers
    assert len(desk.all(LoyaltyExpiryNotice)) == len(desk.all(LoyaltyLot)) == 60
    assert len(desk.all(LoyaltyEntry)) == 60
