"""How customers see to their own sign-in: password, sessions, and what is noted of their being here (rules 5.13, 6.9)."""

import datetime as dt
from typing import Any

import pytest

from actions.core.actors import Actor
from actions.core.base import Refused
from actions.execution.runner import Call
from actions.portal import passwords, sign_out
from actions.staff.passwords import Hashed
from models.customer import Customer
from models.journal import Change, Changeset
from models.portal import PortalSession
from tests.databases import recorded_statements
from tests.factories import NOW
from tests.portal.conftest import HASH, PASSWORD, Portal, Visitor

NEW = "umbrella 42 gravel"
GIVEN = {"current": PASSWORD, "password": NEW, "again": NEW}


def change(visitor: Visitor, **given: str) -> Any:
    """Send the form for another password."""
    return visitor.post("/security/password/", {**GIVEN, **given}, page="/security/")


def test_the_password_is_changed_and_every_other_session_ends(portal: Portal) -> None:
    one = portal.customer(email_verified_at=None)
    here, elsewhere = portal.signed_in(one), portal.signed_in(one)
    before = here.client.get_cookie("portal_session", path="/portal").value
    assert change(here).status_code == 302
    assert (here.is_in, elsewhere.is_in) == (True, False)
    now = here.client.get_cookie("portal_session", path="/portal").value
    assert now != before, "this session has another token"
    copied = portal.visitor()
    copied.client.set_cookie("portal_session", before, path="/portal")
    assert not copied.is_in
    assert portal.visitor().sign_in(portal.email(one)).status_code == 401
    assert portal.visitor().sign_in(portal.email(one), NEW).status_code == 302
    assert [mail.subject for mail in portal.work()] == ["Your password was changed"]
    (event,) = portal.rows(Changeset, Changeset.action == "customer.password_changed")
    assert (event.actor_id, event.on_behalf_of_id, event.subject_id) == (None, one, one)
    assert portal.rows(Change, Change.changeset_id == event.id) == []
    assert portal.read(Customer.email_verified_at) is None, "nobody has read a mail for this"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"current": ""}, "Enter your current password"),
        ({"current": "not this one"}, "Wrong password"),
        ({"password": PASSWORD, "again": PASSWORD}, "This is already your password"),
        ({"again": "another one 42"}, "The passwords do not match"),
        ({"password": "short", "again": "short"}, "Use at least 8 characters"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(
    portal: Portal, given: dict[str, str], says: str
) -> None:
    one = portal.customer()
    visitor, other = portal.signed_in(one), portal.signed_in(one)
    answer = change(visitor, **given)
    assert answer.status_code == 422
    assert says in answer.text
    assert other.is_in
    assert portal.visitor().sign_in(portal.email(one)).status_code == 302


def test_five_wrong_ones_in_a_quarter_of_an_hour_and_no_more(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer())
    found = [change(visitor, current="wrong").status_code for _n in range(5)]
    assert found == [422] * 5
    refused = change(visitor)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    events = portal.rows(Changeset, Changeset.action == "customer.confirmation_failed")
    assert len(events) == 5
    portal.clock.move(minutes=16)
    assert change(visitor).status_code == 302


def test_who_only_has_the_session_is_counted_too(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer())
    visitor.client.delete_cookie("portal_known", path="/portal")
    assert [change(visitor, current="wrong").status_code for _n in range(6)] == [422] * 5 + [429]


@pytest.mark.parametrize("actor", [(7, 0), (None, 1), (None, None)])
def test_nobody_but_the_customer_changes_it(portal: Portal, actor: tuple[int | None, int | None]) -> None:
    one = portal.customer()
    who = Actor(actor[0], "somebody", one if actor[1] == 0 else actor[1] and one + actor[1])
    call = Call(who, NOW)
    with pytest.raises(Refused, match="cannot be done"):
        passwords.change(portal.database.desk, call, one, HASH, Hashed("x"), 1)
    with pytest.raises(Refused, match="cannot be done"):
        sign_out.end_others(portal.database.desk, call, one, 1)


@pytest.mark.parametrize("values", [{"password_hash": "pbkdf2:another"}, {"is_active": False}])
def test_a_password_that_is_another_by_now_is_left_alone(portal: Portal, values: dict[str, Any]) -> None:
    one = portal.customer(**values)
    call = Call(Actor(None, "customer", one), NOW)
    with pytest.raises(Refused, match="changed elsewhere"):
        passwords.change(portal.database.desk, call, one, HASH, Hashed("y"), 1)
    assert portal.work() == []


def test_sessions_are_listed_in_words_and_ended(portal: Portal) -> None:
    one = portal.customer()
    here, other, third = (portal.signed_in(one) for _n in range(3))
    page = here.get("/security/").text
    assert page.count("This browser") == 1
    assert page.count("/end/") == 2
    _first, second, _third = portal.rows(PortalSession)
    assert here.post(f"/security/sessions/{second.id}/end/", page="/security/").status_code == 302
    assert (here.is_in, other.is_in, third.is_in) == (True, False, True)
    (event,) = portal.rows(Changeset, Changeset.action == "portal_session.end_own")
    assert (event.actor_id, event.on_behalf_of_id, event.subject_id) == (None, one, one)
    again = here.post(f"/security/sessions/{second.id}/end/", page="/security/", follow_redirects=True)
    assert "already ended" in again.text
    assert here.post("/security/sessions/end-others/", page="/security/").status_code == 302
    assert (here.is_in, third.is_in) == (True, False)
    assert "not signed in anywhere else" in here.post(
        "/security/sessions/end-others/", page="/security/", follow_redirects=True
    ).text  # fmt: skip


def test_a_session_of_somebody_else_is_not_there(portal: Portal) -> None:
    one, other = portal.customer(), portal.customer()
    visitor, theirs = portal.signed_in(one), portal.signed_in(other)
    foreign = portal.rows(PortalSession)[1].id
    assert visitor.post(f"/security/sessions/{foreign}/end/", page="/security/").status_code == 404
    assert theirs.is_in


# -- being here ---------------------------------------------------------------------------------------------------


def writes(statements: list[str]) -> list[str]:
    """The statements that change something."""
    return [s for s in statements if s.split()[0] in ("UPDATE", "INSERT", "DELETE")]


def test_activity_is_noted_once_a_minute_with_the_session(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    visitor.get("/")  # which keeps the token of its forms
    found = []
    for seconds in (30, 29, 1, 59, 1):
        portal.clock.move(seconds=seconds)
        with recorded_statements() as statements:
            visitor.get("/")
        found.append(len(writes(statements)))
    assert found == [0, 0, 2, 0, 2]
    at = portal.read(Customer.last_activity_at, Customer.id == one)
    assert at == portal.read(PortalSession.last_seen_at) == NOW + dt.timedelta(seconds=120)


def test_messages_from_page_to_page_keep_no_activity_from_being_noted(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    token = visitor.token("/details/")
    for _n in range(3):
        portal.clock.move(seconds=25)
        visitor.client.post("/portal/details/points-emails/", data={"csrf_token": token})
    assert portal.read(Customer.last_activity_at) == NOW + dt.timedelta(seconds=75)


def test_no_form_of_staff_is_out_of_date_by_it(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    before = portal.read(Customer.version, Customer.id == one)
    portal.clock.move(minutes=5)
    visitor.get("/")
    assert portal.read(Customer.last_activity_at) == portal.clock()
    assert portal.read(Customer.version, Customer.id == one) == before
    assert portal.rows(Change, Change.table_name == "customer") == []


def test_a_page_is_shown_though_somebody_else_holds_the_record(portal: Portal) -> None:
    if portal.database.kind == "sqlite":
        pytest.skip("one writer at a time, whose turn is waited for")
    from sqlalchemy import update

    one = portal.customer()
    visitor = portal.signed_in(one)
    portal.clock.move(minutes=5)
    with portal.database.desk.connect() as holding:
        holding.execute(update(Customer).where(Customer.id == one).values(points=0))
        assert visitor.get("/").status_code == 200
        holding.rollback()
    assert portal.read(Customer.last_activity_at) == NOW, "it is noted another time"
    visitor.get("/")
    assert portal.read(Customer.last_activity_at) == portal.clock()
