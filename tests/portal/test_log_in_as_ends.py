"""Each way in which a session of staff as a customer ends: at once, for good, and with its cause (rule 6.11)."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from actions.core.base import SYSTEM, Refused
from actions.execution.runner import Call, dry_run, perform
from actions.merging.merge import merge
from actions.portal import login_as
from models.access import StaffSession
from models.base import About, Staff
from models.choices import Status
from models.customer import Customer
from models.journal import Changeset
from models.login_as import Audience, LoginAs
from models.member import StaffChannel
from models.portal import PortalSession
from tests import application, factories
from tests.factories import NOW
from tests.portal.conftest import Portal
from tests.portal.login_as_desk import Desk, desk
from tests.portal.test_getting_in import end_by
from tests.portal.test_log_in_as import staff_id, take_away


def change(portal: Portal, model: Any, **values: Any) -> None:
    """Change rows behind everybody's back."""
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(model.__table__).values(values))


def of_support(portal: Portal, **values: Any) -> None:
    """Change what is stored of the sessions of the member of staff."""
    with portal.database.desk.begin() as connection:
        mine = StaffSession.__table__.c.user_id == staff_id(portal)
        connection.execute(sa.update(StaffSession.__table__).where(mine).values(values))


def sign_out(portal: Portal, mine: Desk, one: int) -> None:
    assert mine.client.send("/logout/").status_code == 302


def as_admin(portal: Portal, action: str, **given: Any) -> None:
    """Have an admin do something to the member of staff."""
    where = f"/admin/staff/act/{action}/?id={staff_id(portal)}"
    answer = portal.staff("Admin").send(where, given)
    assert answer.status_code == 302, answer.text[:2000]


def other_roles(portal: Portal, mine: Desk, one: int) -> None:
    with portal.engine.connect() as connection:
        role = connection.scalar(sa.text("SELECT id FROM ab_role WHERE name = 'Manager'"))
    as_admin(portal, "set_roles", roles=str(role))


def signed_out_everywhere(portal: Portal, mine: Desk, one: int) -> None:
    as_admin(portal, "end_sessions")


def deactivated(portal: Portal, mine: Desk, one: int) -> None:
    as_admin(portal, "deactivate", reason="Has left the shop")


def another_password(portal: Portal, mine: Desk, one: int) -> None:
    given = {
        "current": application.PASSWORD,
        "password": "vermilion cart 77 b",
        "again": "vermilion cart 77 b",
    }
    page = mine.client.get("/admin/account/").text
    assert "password" in page
    mine.client.send("/admin/account/password/", given)
    of_support(portal, ended_at=portal.clock(), ended_because="password changed")


def idle(portal: Portal, mine: Desk, one: int) -> None:
    of_support(portal, last_seen_at=portal.clock() - dt.timedelta(minutes=30))


def twelve_hours(portal: Portal, mine: Desk, one: int) -> None:
    of_support(portal, created_at=portal.clock() - dt.timedelta(hours=12))


def off_by_hand(portal: Portal, mine: Desk, one: int) -> None:
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(Staff).where(Staff.id == staff_id(portal)).values(active=False))


def no_permission(portal: Portal, mine: Desk, one: int) -> None:
    take_away(portal, "can_log_in_as")


def other_channel(portal: Portal, mine: Desk, one: int) -> None:
    with portal.arrange() as session:
        ours = factories.make_sales_channel(session).id
        session.add(StaffChannel(user_id=staff_id(portal), sales_channel_id=ours))


def customer_off(portal: Portal, mine: Desk, one: int) -> None:
    end_by(portal, one, is_active=False)


def customer_waits(portal: Portal, mine: Desk, one: int) -> None:
    change(portal, Customer, status=Status.PENDING_APPROVAL)


def customer_erased(portal: Portal, mine: Desk, one: int) -> None:
    change(portal, Customer, anonymised_at=NOW)


def customer_merged(portal: Portal, mine: Desk, one: int) -> None:
    survivor = portal.customer()
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(Customer).where(Customer.id == one).values(merged_into_id=survivor))


def half_an_hour(portal: Portal, mine: Desk, one: int) -> None:
    for _n in range(3):
        portal.clock.move(minutes=9)
        assert mine.visitor.is_in
        mine.client.get("/admin/customer/")
    portal.clock.move(minutes=3)


def ended_by_a_colleague(portal: Portal, mine: Desk, one: int) -> None:
    row = portal.rows(LoginAs)[-1].id
    answer = portal.staff("Manager").send(f"/admin/login_as/act/end/?id={row}", {})
    assert answer.status_code == 302
    again = portal.staff("Manager").send(f"/admin/login_as/act/end/?id={row}", {})
    assert again.status_code in (404, 409)


def another_customer(portal: Portal, mine: Desk, one: int) -> None:
    desk(portal).log_in(portal.customer())


WAYS = {
    sign_out: "the member of staff was signed out",
    other_roles: "the member of staff was signed out",
    signed_out_everywhere: "the member of staff was signed out",
    another_password: "the member of staff was signed out",
    idle: "the member of staff was signed out",
    twelve_hours: "the member of staff was signed out",
    deactivated: "the member of staff was deactivated",
    off_by_hand: "the member of staff was deactivated",
    no_permission: "the permission was taken away",
    other_channel: "the customer is in another sales channel",
    customer_off: "the customer can no longer sign in",
    customer_waits: "the customer can no longer sign in",
    customer_erased: "the customer was erased",
    customer_merged: "the customer was merged",
    half_an_hour: "30 minutes were over",
    ended_by_a_colleague: "ended in the back office",
    another_customer: "logged in as another customer",
}


@pytest.mark.both_databases
@pytest.mark.parametrize(("end", "why"), WAYS.items(), ids=[way.__name__ for way in WAYS])
def test_it_ends_at_once_and_says_why(portal: Portal, end: Any, why: str) -> None:
    one, mine = portal.customer(), desk(portal)
    visitor = mine.log_in(one)
    (row,) = portal.rows(LoginAs)
    end(portal, mine, one)
    record = portal.staff("Admin").get(f"/admin/login_as/details/?id={row.id}").text
    assert why in record, "the screen is truthful before anybody has noticed"
    answer = visitor.get("/")
    assert answer.status_code == 410
    assert why in answer.text
    assert f"/admin/customer/details/?id={one}" in answer.text
    assert "is logged in as" not in answer.text
    assert visitor.get("/").status_code == 302, "told once"
    (row,) = portal.rows(LoginAs, LoginAs.id == row.id)
    assert row.ended_because == why
    assert row.ended_at is not None
    (event,) = portal.rows(Changeset, finished(one))
    assert event.reason == why
    done_by = staff_id(portal)
    assert (event.actor_id, event.on_behalf_of_id, event.subject_id) == (done_by, one, one) or why.startswith(
        "ended in"
    )


def finished(customer_id: int) -> Any:
    """The changesets that tell of an end."""
    ends = Changeset.action.in_(("customer.login_as_ended", "login_as.end"))
    return sa.and_(ends, Changeset.subject_id == customer_id)


@pytest.mark.parametrize("end", [customer_off, no_permission, off_by_hand])
def test_what_has_ended_goes_on_for_nobody(portal: Portal, end: Any) -> None:
    one, mine = portal.customer(), desk(portal)
    visitor = mine.log_in(one)
    end(portal, mine, one)
    login_as.close_all(portal.database.desk, portal.clock())
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(Customer).values(is_active=True))
        connection.execute(sa.update(Staff).where(Staff.id == staff_id(portal)).values(active=True))
    assert not visitor.is_in


@pytest.mark.both_databases
def test_the_worker_writes_down_what_nobody_comes_back_for(portal: Portal) -> None:
    one = portal.customer()
    desk(portal).log_in(one)
    portal.clock.move(minutes=31)
    assert login_as.close_all(portal.database.desk, portal.clock()) == 1
    assert login_as.close_all(portal.database.desk, portal.clock()) == 0
    assert portal.read(LoginAs.ended_because) == "30 minutes were over"
    assert len(portal.rows(Changeset, finished(one))) == 1
    (kept,) = portal.rows(PortalSession)
    assert kept.ended_at is not None


def test_a_hand_over_that_nobody_began_is_closed_too(portal: Portal) -> None:
    desk(portal).token(portal.customer())
    portal.clock.move(seconds=61)
    assert login_as.close_all(portal.database.desk, portal.clock()) == 1
    assert portal.read(LoginAs.ended_because) == "not begun within 60 seconds"


def merge_into(portal: Portal, keeps: int, other: int) -> None:
    """Merge as staff do: preview, then the name."""
    call, given = Call(SYSTEM, portal.clock()), {"others": [other], "reason": "The same person"}
    seen = dry_run(portal.database.desk, merge, call, keeps, **given)
    name = " ".join(
        str(portal.read(column, Customer.id == keeps)) for column in (Customer.first_name, Customer.last_name)
    )
    sure = Call(SYSTEM, portal.clock(), confirm=name, fingerprint=seen.fingerprint)
    perform(portal.database.desk, merge, sure, keeps, **given)


@pytest.mark.both_databases
def test_no_record_is_merged_while_staff_are_logged_in_as_it(portal: Portal) -> None:
    keeps, other = portal.customer(), portal.customer(first_name="Otto", last_name="Ham")
    visitor = desk(portal).log_in(other)
    for survivor, goes in ((keeps, other), (other, keeps)):
        with pytest.raises(Refused, match=r"is logged in as Otto Ham\. End that session first") as refused:
            merge_into(portal, survivor, goes)
        assert (refused.value.code, refused.value.about) == (
            "logged_in_as",
            About(other, f"Otto Ham #{other}"),
        )
    assert visitor.is_in
    visitor.post("/log-in-as/end/", page="/")
    merge_into(portal, keeps, other)
    assert portal.read(LoginAs.customer_id) == other, "who it was stays with the record"


@pytest.mark.parametrize("minutes", [31, 0])
def test_what_is_over_or_was_never_begun_stands_in_no_merges_way(portal: Portal, minutes: int) -> None:
    keeps, other = portal.customer(), portal.customer()
    if minutes:
        desk(portal).log_in(other)
    else:
        token = desk(portal).token(other)
    portal.clock.move(minutes=minutes)
    merge_into(portal, keeps, other)
    if not minutes:
        with portal.arrange() as session:
            assert login_as.waiting(session, token, Audience.PORTAL, portal.clock()) is None
    login_as.close_all(portal.database.desk, portal.clock())
    assert len(portal.rows(Changeset, finished(other))) == 1


def test_staff_who_sign_out_of_the_portal_end_it(portal: Portal) -> None:
    visitor = desk(portal).log_in(portal.customer())
    answer = visitor.post("/sign-out/", page="/")
    assert answer.status_code == 303
    assert portal.read(LoginAs.ended_because) == "ended by the member of staff"
