"""Signing in to the portal and out of it, and what ends a customer's session (rules 6, 16.1 to 16.3)."""

import re
from typing import Any

import pytest
import sqlalchemy as sa

from models.access import AttemptBucket
from models.choices import Status
from models.customer import Customer
from models.journal import Change, Changeset
from models.portal import PortalLink, PortalSession
from tests import factories
from tests.factories import NOW
from tests.portal.conftest import PASSWORD, Portal

SAME = re.compile(r'value="[^"]{60,}"|[0-9a-f]{16}')


def test_a_customer_signs_in_and_out(portal: Portal) -> None:
    one = portal.customer(first_name="Rashid")
    visitor = portal.visitor()
    asked = visitor.get("/")
    assert (asked.status_code, asked.location) == (302, "/portal/sign-in/")
    done = visitor.sign_in(portal.email(one).upper())
    assert (done.status_code, done.location) == (302, "/portal/")
    assert "Hello Rashid" in visitor.get("/").text
    assert visitor.post("/sign-out/", page="/").location == "/portal/sign-in/"
    assert not visitor.is_in
    assert portal.read(PortalSession.ended_because) == "signed out"


def test_what_signing_in_leaves(portal: Portal) -> None:
    one = portal.customer()
    before = portal.read(Customer.version, Customer.id == one)
    portal.signed_in(one)
    with portal.engine.connect() as connection:
        told = connection.execute(
            sa.select(Customer.last_login_at, Customer.last_activity_at, Customer.version)
        ).one()
    assert tuple(told) == (NOW, NOW, before), "no form that staff have open is out of date by it"
    (event,) = portal.rows(Changeset, Changeset.action == "customer.sign_in")
    assert (event.actor_id, event.actor_name, event.on_behalf_of_id, event.subject_id) == (
        None,
        "customer",
        one,
        one,
    )
    assert portal.rows(Change, Change.table_name == "customer") == []
    (kept,) = portal.rows(PortalSession)
    assert len(kept.token_hash) == 64


def test_a_cookie_copied_before_signing_out_is_worth_nothing(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer())
    copied = visitor.client.get_cookie("portal_session", path="/portal").value
    visitor.post("/sign-out/", page="/")
    visitor.client.set_cookie("portal_session", copied, path="/portal")
    assert not visitor.is_in


def test_signing_in_gives_another_cookie(portal: Portal) -> None:
    visitor, one = portal.visitor(), portal.customer()
    visitor.get("/sign-in/")
    before = visitor.client.get_cookie("portal_session", path="/portal").value
    visitor.sign_in(portal.email(one))
    assert visitor.client.get_cookie("portal_session", path="/portal").value != before


SHUT_OUT: dict[str, dict[str, Any]] = {
    "inactive": {"is_active": False},
    "pending": {"status": Status.PENDING_APPROVAL},
    "guest": {"status": Status.GUEST},
    "in-store": {"status": Status.IN_STORE},
    "erased": {"anonymised_at": NOW},
    "without a password": {"password_hash": None},
}
"""Customers who may not sign in."""


def shut_out(portal: Portal, kind: str) -> str:
    """The email of a customer who may not sign in; of nobody at all for "unknown"."""
    if kind == "unknown":
        return "nobody.at.all@example.com"
    if kind != "merged":
        return portal.email(portal.customer(**SHUT_OUT[kind]))
    survivor = portal.customer()
    return portal.email(portal.customer(merged_into_id=survivor))


def told(answer: Any, email: str) -> tuple[Any, ...]:
    """What an answer says, without what differs by the request alone."""
    return answer.status_code, SAME.sub("", answer.text).replace(email, "EMAIL")


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", [*SHUT_OUT, "merged", "unknown"])
def test_anyone_who_may_not_sign_in_is_told_the_same(
    portal: Portal, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from web import passwords

    looked: list[str] = []
    real = passwords.check_password_hash

    def look(stored: str, given: str) -> bool:
        looked.append(stored.split("$", maxsplit=1)[0])
        return bool(real(stored, given))

    monkeypatch.setattr(passwords, "check_password_hash", look)
    known, other = portal.email(portal.customer()), shut_out(portal, kind)
    wrong = told(portal.visitor("10.0.0.1").sign_in(known, "not this one, sorry"), known)
    assert wrong[0] == 401
    assert told(portal.visitor("10.0.0.2").sign_in(other), other) == wrong
    assert looked == [looked[0]] * 2, "as many computations, with the same parameters"
    events = portal.rows(Changeset, Changeset.action == "customer.sign_in_failed")
    assert [(event.actor_name, event.on_behalf_of_id) for event in events] == [("nobody", None)] * 2


def test_five_tries_of_one_name_and_no_more_however_it_is_spelt(portal: Portal) -> None:
    email = portal.email(portal.customer())
    for n, spelt in enumerate((email, email.upper(), f"  {email}", email.title(), email)):
        assert portal.visitor(f"10.0.0.{n}").sign_in(spelt, "wrong").status_code == 401
    refused = portal.visitor("10.0.0.9").sign_in(email)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    portal.clock.move(minutes=16)
    assert portal.visitor("10.0.0.9").sign_in(email).status_code == 302


def test_strangers_lock_nobody_out_of_their_own_browser(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    visitor.post("/sign-out/", page="/")
    for n in range(6):
        portal.visitor(f"10.0.0.{n}").sign_in(portal.email(one), "wrong")
    assert portal.visitor("10.0.0.9").sign_in(portal.email(one)).status_code == 429
    assert visitor.sign_in(portal.email(one)).status_code == 302


def test_unknown_names_are_counted_as_known_ones(portal: Portal) -> None:
    for email in (portal.email(portal.customer()), "nobody@example.com"):
        found = [
            portal.visitor(f"10.{len(email)}.0.{n}").sign_in(email, "wrong").status_code for n in range(7)
        ]
        assert found == [401] * 5 + [429] * 2
    assert len(portal.rows(AttemptBucket)) == 2 + 10, "a name each, and the addresses that were answered"


def end_by(portal: Portal, customer_id: int, **values: Any) -> None:
    """Change a customer as the form of the back office does."""
    from actions.core.base import SYSTEM
    from actions.execution.records import record_actions
    from actions.execution.runner import Call, perform

    edit = record_actions(Customer)[1]
    call = Call(SYSTEM, portal.clock())
    perform(portal.database.desk, edit, call, customer_id, values=values, version=None)


def test_deactivating_ends_the_session_at_once(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    end_by(portal, one, is_active=False)
    assert not visitor.is_in
    assert portal.read(PortalSession.ended_because) == "deactivated"
    end_by(portal, one, is_active=True)
    assert not visitor.is_in, "which goes on for nobody"


@pytest.mark.parametrize("kind", [k for k in SHUT_OUT if k != "without a password"])
def test_each_request_asks_whether_the_customer_may_still_be_there(portal: Portal, kind: str) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    with portal.database.desk.begin() as connection:  # whatever does it, without a listener to be told
        connection.execute(sa.update(Customer).where(Customer.id == one).values(SHUT_OUT[kind]))
    assert not visitor.is_in


def test_merging_ends_the_session_of_the_other_record(portal: Portal) -> None:
    from actions.core.base import SYSTEM
    from actions.execution.runner import Call, dry_run, perform
    from actions.merging.merge import merge

    keeps, other = portal.customer(), portal.customer()
    visitor = portal.signed_in(other)
    with portal.arrange() as session:
        factories.make_portal_link(session, customer_id=other)
    call, given = Call(SYSTEM, portal.clock()), {"others": [other], "reason": "The same person"}
    seen = dry_run(portal.database.desk, merge, call, keeps, **given)
    name = (
        portal.read(Customer.first_name, Customer.id == keeps),
        portal.read(Customer.last_name, Customer.id == keeps),
    )
    sure = Call(SYSTEM, portal.clock(), confirm=" ".join(name), fingerprint=seen.fingerprint)
    perform(portal.database.desk, merge, sure, keeps, **given)
    assert not visitor.is_in
    assert portal.rows(PortalSession) == [], "nothing but its tombstone points at the other record"
    assert portal.rows(PortalLink) == [], "nor does a link that was mailed open anything"


def test_signing_everybody_out_signs_customers_out(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer())
    done = portal.app.test_cli_runner().invoke(args=["sign-out-all"])
    assert (done.exit_code, done.output) == (0, "1 sessions ended.\n")
    assert not visitor.is_in


def test_a_session_ends_after_half_an_hour_without_use(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer())
    portal.clock.move(minutes=29)
    assert visitor.is_in
    portal.clock.move(minutes=31)
    assert not visitor.is_in


@pytest.mark.both_databases
def test_neither_application_takes_the_cookie_of_the_other(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer())
    staff = portal.staff("Admin")
    theirs = visitor.client.get_cookie("portal_session", path="/portal").value
    ours = staff.get_cookie("session").value
    both = portal.app.test_client()
    for name in ("session", "portal_session"):
        both.set_cookie("session", theirs)
        both.set_cookie("portal_session", ours, path="/portal")
        assert both.get("/admin/").status_code == 302, name
        assert both.get("/portal/").status_code == 302, name
    visitor.client.set_cookie("session", ours)
    assert (visitor.get("/").status_code, visitor.client.get("/admin/").status_code) == (200, 200)
    visitor.post("/sign-out/", page="/")
    assert (visitor.get("/").status_code, visitor.client.get("/admin/").status_code) == (302, 200)


def test_a_form_without_its_token_does_nothing(portal: Portal) -> None:
    one = portal.customer()
    answer = portal.app.test_client().post(
        "/portal/sign-in/", data={"email": portal.email(one), "password": PASSWORD}
    )
    assert answer.status_code == 400
    visitor = portal.signed_in(one)
    assert visitor.client.post("/portal/sign-out/").status_code == 400
    assert visitor.is_in


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        ("/", "/portal/"),
        ("//evil.example", "/portal/"),
        ("https://evil.example", "/portal/"),
        ("/x", "/portal/x"),
    ],
)
def test_signing_in_leads_to_pages_of_the_portal_only(portal: Portal, wanted: str, leads: str) -> None:
    email, visitor = portal.email(portal.customer()), portal.visitor()
    given = {"email": email, "password": PASSWORD}
    assert visitor.post(f"/sign-in/?next={wanted}", given, page="/sign-in/").location == leads


def test_every_page_is_held_by_the_headers(portal: Portal) -> None:
    page = portal.visitor().get("/sign-in/")
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "HttpOnly" in page.headers["Set-Cookie"]
    assert "Path=/portal" in page.headers["Set-Cookie"]
    assert "<script" not in page.text


def test_junk_is_answered_with_a_sentence(portal: Portal) -> None:
    visitor = portal.visitor()
    for email in ("", "x" * 5_000, "no\x00body", "a@b@c", "'; --"):
        assert visitor.sign_in(email).status_code in (400, 401)
    for path in ("/nothing", "/password/?token=" + "x" * 3_000, "/sign-in/%00"):
        assert visitor.get(path).status_code in (400, 404, 410)
    assert portal.app.test_client().get("/portal/", headers={"Host": "evil.example"}).status_code == 400
