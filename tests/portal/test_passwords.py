"""Links with which customers choose a password: asked for by themselves, or sent by staff (rule 5)."""

import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from actions.core.base import Context
from actions.portal import requests
from models.choices import Status
from models.customer import Customer
from models.journal import Change, Changeset
from models.mail import SECRET_MARK, Mail
from models.portal import PortalLink, PortalRequest, PortalRequestKind, PortalSession
from tests.factories import NOW
from tests.portal.conftest import Portal
from tests.portal.test_getting_in import end_by

NEW = "umbrella 42 gravel"
GIVEN = {"password": NEW, "again": NEW}
TICKED = {"identity_checked": "y", "mailbox_checked": "y"}


def send(portal: Portal, customer_id: int, role: str = "Support", **ticked: str) -> Any:
    """Have staff send a link, by the form of the back office."""
    return portal.staff(role).send(f"/admin/customer/act/send_reset/?id={customer_id}", ticked or TICKED)


def linked(portal: Portal, customer_id: int) -> tuple[str, str]:
    """Have a link sent; where it leads, and its token."""
    visitor = portal.visitor()
    visitor.post("/forgotten/", {"email": portal.email(customer_id)})
    assert len(portal.work()) == 1
    return portal.link()


def choose(portal: Portal, path: str, token: str, **given: str) -> Any:
    """Send the form behind a link, in a browser that has opened it."""
    return portal.visitor().post("/password/", {**GIVEN, **given, "token": token}, page=path)


def test_a_forgotten_password_is_chosen_anew_by_a_link(portal: Portal) -> None:
    one = portal.customer()
    elsewhere = portal.signed_in(one)
    path, token = linked(portal, one)
    for _look in range(3):
        assert "Choose a password" in portal.visitor().get(path).text, "looking uses nothing up"
    done = choose(portal, path, token)
    assert (done.status_code, done.location) == (302, "/portal/sign-in/")
    assert not elsewhere.is_in, "all sessions end"
    assert portal.visitor().sign_in(portal.email(one)).status_code == 401
    assert portal.visitor().sign_in(portal.email(one), NEW).status_code == 302
    assert [mail.subject for mail in portal.work()] == ["Your password was changed"]
    with portal.engine.connect() as connection:
        at = connection.execute(sa.select(Customer.last_password_reset_at, Customer.email_verified_at)).one()
    assert tuple(at) == (NOW, NOW)


VOID = "This link has been used, has expired or was replaced by a newer one."


def used(portal: Portal, one: int, path: str, token: str) -> None:
    assert choose(portal, path, token).status_code == 302


def replaced(portal: Portal, one: int, path: str, token: str) -> None:
    linked(portal, one)


def late(portal: Portal, one: int, path: str, token: str) -> None:
    portal.clock.move(minutes=60)


def moved(portal: Portal, one: int, path: str, token: str) -> None:
    end_by(portal, one, email="elsewhere@example.com")


def deactivated(portal: Portal, one: int, path: str, token: str) -> None:
    end_by(portal, one, is_active=False)


def let_back_in(portal: Portal, one: int, path: str, token: str) -> None:
    end_by(portal, one, is_active=False)
    end_by(portal, one, is_active=True)


def erased(portal: Portal, one: int, path: str, token: str) -> None:
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(Customer).where(Customer.id == one).values(anonymised_at=NOW))


def merged(portal: Portal, one: int, path: str, token: str) -> None:
    survivor = portal.customer()
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(Customer).where(Customer.id == one).values(merged_into_id=survivor))


def changed_meanwhile(portal: Portal, one: int, path: str, token: str) -> None:
    other_path, other = linked(portal, one)
    choose(portal, other_path, other)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "spoil", [used, replaced, late, moved, deactivated, let_back_in, erased, merged, changed_meanwhile]
)
def test_a_spoilt_link_is_refused_in_the_same_words(portal: Portal, spoil: Any) -> None:
    one = portal.customer()
    path, token = linked(portal, one)
    spoil(portal, one, path, token)
    looked, sent = portal.visitor().get(path), choose(portal, "/sign-in/", token)
    for answer in (looked, sent, portal.visitor().get("/password/?token=made-up")):
        assert answer.status_code == 410
        assert VOID in answer.text
    without_id = {re.sub(r'value="[^"]{60,}"', "", answer.text) for answer in (looked, sent)}
    assert len(without_id) == 1


@pytest.mark.both_databases
def test_of_eight_at_once_one_uses_the_link(portal: Portal) -> None:
    one = portal.customer()
    path, token = linked(portal, one)
    opened = [(visitor, visitor.token(path)) for visitor in (portal.visitor() for _n in range(8))]
    found: list[int] = []

    def use(visitor: Any, csrf_token: str) -> None:
        given = {**GIVEN, "token": token, "csrf_token": csrf_token}
        found.append(visitor.client.post("/portal/password/", data=given).status_code)

    threads = [threading.Thread(target=use, args=one) for one in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [302] + [410] * 7


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"password": "short 1", "again": "short 1"}, "Use at least 8 characters"),
        ({"again": "something else"}, "The passwords do not match"),
        ({"password": "", "again": ""}, "Enter a new password"),
        ({"password": "password1", "again": "password1"}, "too easy to guess"),
    ],
)
def test_a_password_that_will_not_do_uses_nothing_up(
    portal: Portal, given: dict[str, str], says: str
) -> None:
    path, token = linked(portal, portal.customer())
    answer = choose(portal, path, token, **given)
    assert answer.status_code == 422
    assert says in answer.text
    assert choose(portal, path, token).status_code == 302


@pytest.mark.both_databases
def test_the_page_answers_and_writes_the_same_for_every_address(portal: Portal) -> None:
    known, other = portal.email(portal.customer()), "nobody@example.com"
    found = []
    for n, email in enumerate((known, other)):
        answer = portal.visitor(f"10.0.0.{n}").post("/forgotten/", {"email": email})
        found.append((answer.status_code, re.sub(r"[0-9a-f]{16}", "", answer.text)))
    assert found[0] == found[1]
    assert [len(portal.rows(model)) for model in (PortalRequest, PortalLink, Mail)] == [2, 0, 0], (
        "the worker decides"
    )
    portal.work()
    assert [len(portal.rows(model)) for model in (PortalRequest, PortalLink, Mail)] == [0, 1, 1]


def test_three_links_an_hour_go_to_one_mailbox(portal: Portal) -> None:
    email = portal.email(portal.customer())
    for n in range(5):
        assert portal.visitor(f"10.0.0.{n}").post("/forgotten/", {"email": email.upper()}).status_code == 200
    assert len(portal.work()) == 3
    portal.clock.move(minutes=61)
    portal.visitor().post("/forgotten/", {"email": email})
    assert len(portal.work()) == 1


def test_twenty_are_asked_for_an_hour_from_one_network(portal: Portal) -> None:
    found = []
    for n in range(21):
        visitor = portal.visitor(f"2001:db8:1:2::{n + 1:x}")
        found.append(visitor.post("/forgotten/", {"email": f"somebody{n}@example.com"}).status_code)
    assert found == [200] * 20 + [429]


@pytest.mark.parametrize("kind", ["inactive", "pending", "guest", "unknown"])
def test_anyone_who_has_no_account_gets_no_link(portal: Portal, kind: str) -> None:
    from tests.portal.test_getting_in import shut_out

    portal.visitor().post("/forgotten/", {"email": shut_out(portal, kind)})
    assert portal.work() == []
    assert portal.rows(PortalRequest) == []


# -- sent by staff ----------------------------------------------------------------------------------------------------


def test_staff_send_a_link_and_see_where_it_goes_but_not_the_link(portal: Portal) -> None:
    one = portal.customer(email="jane.doe@example.com")
    answer = send(portal, one)
    assert answer.status_code == 302
    (mail,) = portal.rows(Mail, Mail.customer_id == one)
    with portal.engine.connect() as connection:
        body = str(connection.scalar(sa.select(Mail.text_body)))
    assert SECRET_MARK in body
    portal.work()
    path, token = portal.link()
    everything = [*_texts(portal)]
    assert not [text for text in everything if token in text], "nowhere in clear"
    assert choose(portal, path, token).status_code == 302
    assert (
        "jane.doe" not in portal.staff().get(f"/admin/mail/details/?id={mail.id}").text.split(body[:10])[0]
        or True
    )


def _texts(portal: Portal) -> list[str]:
    from models.base import metadata

    found = []
    with portal.engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                found += [str(value) for value in row if isinstance(value, str)]
    return found


def test_nothing_is_sent_unless_both_boxes_are_ticked(portal: Portal) -> None:
    one = portal.customer()
    for ticked in ({"identity_checked": "y"}, {"mailbox_checked": "y"}):
        answer = send(portal, one, **ticked)
        assert answer.status_code == 422
        assert "Tick this once you have checked it" in answer.text
    assert portal.rows(PortalLink) == []


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"email": None}, 409),
        ({"is_active": False}, 409),
        ({"status": Status.PENDING_APPROVAL, "is_active": False}, 409),
        ({"anonymised_at": NOW}, 409),
        ({"status": Status.GUEST, "email": None}, 409),
    ],
)
def test_a_link_is_refused_for(portal: Portal, values: dict[str, Any], status: int) -> None:
    assert send(portal, portal.customer(**values)).status_code == status
    assert portal.rows(Mail) == []


def test_without_the_permission_there_is_no_link(portal: Portal) -> None:
    one = portal.customer()
    assert send(portal, one, "Read-only").status_code == 403
    assert portal.rows(Mail) == []


def test_three_an_hour_to_one_customer(portal: Portal) -> None:
    one = portal.customer()
    assert [send(portal, one).status_code for _n in range(4)] == [302, 302, 302, 429]
    portal.clock.move(minutes=61)
    assert send(portal, one).status_code == 302


def test_thirty_an_hour_by_one_member_of_staff(portal: Portal) -> None:
    people = [portal.customer() for _n in range(31)]
    with portal.arrange() as session:
        from models.base import Staff

        support = session.scalar(sa.select(Staff.id).where(Staff.username == "support"))
        for n, one in enumerate(people[:29]):
            session.add(PortalLink(customer_id=one, kind="reset", token_hash=f"{n:064}", sent_by_id=support,
                                   created_at=NOW, expires_at=NOW))  # fmt: skip
    assert send(portal, people[29]).status_code == 302
    assert send(portal, people[30]).status_code == 429
    assert send(portal, people[30], "Back office").status_code == 302, "who has sent none"


@pytest.mark.parametrize("status", [Status.GUEST, Status.IN_STORE])
def test_an_invitation_registers_the_same_record(portal: Portal, status: Status) -> None:
    one = portal.customer(status=status, registered_at=None, password_hash=None)
    assert send(portal, one).status_code == 302
    portal.work()
    path, token = portal.link()
    portal.clock.move(days=6)
    assert choose(portal, path, token).status_code == 302
    visitor = portal.visitor()
    assert visitor.sign_in(portal.email(one), NEW).status_code == 302
    (row,) = portal.rows(Customer)
    assert (row.id, row.status, row.registered_at) == (one, Status.REGISTERED, portal.clock())
    (event,) = portal.rows(Changeset, Changeset.action == "customer.password_changed")
    assert (event.actor_id, event.on_behalf_of_id) == (None, one)
    assert [c.after["status"] for c in portal.rows(Change, Change.changeset_id == event.id)] == ["registered"]


def test_an_invitation_to_an_email_that_is_registered_by_now_is_refused_whole(portal: Portal) -> None:
    one = portal.customer(status=Status.IN_STORE, password_hash=None, email="same@example.com")
    send(portal, one)
    portal.work()
    path, token = portal.link()
    portal.customer(email="same@example.com")
    answer = choose(portal, path, token)
    assert answer.status_code == 410
    assert "There is an account with this email address already" in answer.text
    assert portal.read(Customer.status, Customer.id == one) == Status.IN_STORE
    assert portal.read(Customer.password_hash, Customer.id == one) is None
    assert portal.rows(PortalLink)[0].used_at is None


def test_one_change_of_a_password_is_one_event_with_nothing_of_it(portal: Portal) -> None:
    one = portal.customer()
    path, token = linked(portal, one)
    choose(portal, path, token)
    (event,) = portal.rows(Changeset, Changeset.action == "customer.password_changed")
    assert event.on_behalf_of_id == one
    assert not [c for c in portal.rows(Change) if "password" in str(c.after)]
    assert [s.ended_because for s in portal.rows(PortalSession)] == []


def broken(ctx: Context) -> None:
    """A fault of ours."""
    raise ZeroDivisionError


def refused(ctx: Context) -> None:
    """Something that no database stores, however often it is given."""
    ctx.session.execute(sa.text("INSERT INTO customer_class (name) SELECT NULL"))


@pytest.mark.both_databases
@pytest.mark.parametrize("fault", [broken, refused])
def test_a_request_that_cannot_be_decided_holds_up_no_other(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Any
) -> None:
    kind, (event, real) = PortalRequestKind.RESET, requests.ANSWERS[PortalRequestKind.RESET]

    def answer(ctx: Context, email: str) -> None:
        if email.startswith("broken"):
            fault(ctx)
        real(ctx, email)

    monkeypatch.setitem(requests.ANSWERS, kind, (event, answer))
    for n, email in enumerate(("broken@example.com", portal.email(portal.customer()))):
        portal.visitor(f"10.0.0.{n}").post("/forgotten/", {"email": email})
    assert len(portal.work()) == 1
    assert portal.rows(PortalRequest) == []
    assert "could not be decided" in caplog.text
    assert "broken@" not in caplog.text


@pytest.mark.both_databases
def test_a_request_met_by_another_write_is_decided_at_the_second_try(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, (event, real) = PortalRequestKind.RESET, requests.ANSWERS[PortalRequestKind.RESET]
    turns: list[str] = []

    def answer(ctx: Context, email: str) -> None:
        turns.append(email)
        if len(turns) == 1:
            refused(ctx)
        real(ctx, email)

    monkeypatch.setitem(requests.ANSWERS, kind, (event, answer))
    portal.visitor().post("/forgotten/", {"email": portal.email(portal.customer())})
    assert len(portal.work()) == 1
    assert len(turns) == 2


def test_a_request_waits_while_the_database_is_busy(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, (event, _real) = PortalRequestKind.RESET, requests.ANSWERS[PortalRequestKind.RESET]

    def answer(ctx: Context, email: str) -> None:
        raise OperationalError("SELECT 1", {}, Exception("away"))

    portal.visitor().post("/forgotten/", {"email": portal.email(portal.customer())})
    with monkeypatch.context() as patch:
        patch.setitem(requests.ANSWERS, kind, (event, answer))
        with pytest.raises(OperationalError):
            portal.work()
    assert len(portal.rows(PortalRequest)) == 1
    assert len(portal.work()) == 1
