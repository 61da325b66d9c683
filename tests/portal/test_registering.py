"""Registering by a mailed link: alike for every address, once, and never a second record (rules 5.6 to 5.8)."""

import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from models.choices import AccountType, CreatedVia, Status
from models.customer import Customer
from models.journal import Change, Changeset
from models.mail import Mail
from models.note import Note
from models.order import Order
from models.portal import PortalLink, PortalRequest
from tests import factories
from tests.factories import NOW
from tests.portal.conftest import Portal, Visitor

NEW = "brisk otter 7 lanterns"
EMAIL = "somebody@example.com"
GIVEN = {
    "first_name": "Mary", "last_name": "Poole", "account_type": "retail", "password": NEW, "again": NEW,
}  # fmt: skip
TRADE = {**GIVEN, "account_type": "trade", "company_name": "Poole Wines Ltd"}
VOID = "This link has been used, has expired or was replaced by a newer one."


def ask(portal: Portal, email: str = EMAIL, address: str = "127.0.0.1") -> Any:
    """Send the address."""
    return portal.visitor(address).post("/register/", {"email": email})


def linked(portal: Portal, email: str = EMAIL) -> tuple[str, str]:
    """Ask for a link and open the mail."""
    assert ask(portal, email).status_code == 200
    assert portal.work()
    return portal.link()


def send(portal: Portal, path: str, token: str, visitor: Visitor | None = None, **changed: str) -> Any:
    """Send the form behind a link."""
    given = {**GIVEN, "token": token, **changed}
    return (visitor or portal.visitor()).post("/register/details/", given, page=path)


def in_store(portal: Portal, **values: Any) -> int:
    """Somebody who bought at the till and has never had a password."""
    given = {
        "status": Status.IN_STORE,
        "registered_at": None,
        "password_hash": None,
        "email": EMAIL,
        **values,
    }
    return portal.customer(**given)


def test_a_new_customer_registers_and_signs_in(portal: Portal) -> None:
    path, token = linked(portal)
    assert portal.rows(Customer) == [], "nothing is written until the link is followed and its form sent"
    for _look in range(3):
        assert "You sign in with somebody@example.com." in portal.visitor().get(path).text
    done = send(portal, path, token, phone="020 7946 0018")
    assert (done.status_code, done.location) == (302, "/portal/sign-in/")
    (row,) = portal.rows(Customer)
    assert (row.status, row.account_type, row.created_via) == (
        Status.REGISTERED, AccountType.RETAIL, CreatedVia.ONLINE,
    )  # fmt: skip
    assert (row.is_active, row.registered_at, row.email_verified_at) == (True, NOW, NOW)
    assert portal.visitor().sign_in(EMAIL.upper(), NEW).status_code == 302
    (event,) = portal.rows(Changeset, Changeset.action == "customer.registered")
    assert (event.actor_id, event.actor_name, event.subject_id) == (None, "customer", row.id)
    assert event.on_behalf_of_id == row.id
    assert not [change for change in portal.rows(Change) if "password" in str(change.after)]


@pytest.mark.parametrize("status", [Status.GUEST, Status.IN_STORE])
def test_a_record_that_is_there_is_registered_with_its_orders(portal: Portal, status: Status) -> None:
    one = in_store(portal, status=status, first_name="Maria", last_name=None)
    with portal.arrange() as session:
        factories.make_order(session, customer_id=one, number="W-1001")
    path, token = linked(portal, EMAIL.upper())
    assert send(portal, path, token).status_code == 302
    (row,) = portal.rows(Customer)
    assert (row.id, row.status, row.first_name, row.last_name) == (one, Status.REGISTERED, "Maria", None)
    assert [order.customer_id for order in portal.rows(Order)] == [one]
    visitor = portal.visitor()
    assert visitor.sign_in(EMAIL, NEW).status_code == 302
    assert "W-1001" in visitor.get("/").text


def test_of_several_the_one_who_was_active_last_is_registered(portal: Portal) -> None:
    old = in_store(portal, status=Status.GUEST, last_activity_at=NOW)
    latest = in_store(portal, last_activity_at=NOW.replace(hour=13))
    in_store(portal, status=Status.GUEST, last_activity_at=None)
    path, token = linked(portal)
    send(portal, path, token)
    assert [row.id for row in portal.rows(Customer, Customer.status == Status.REGISTERED)] == [latest]
    (note,) = portal.rows(Note)
    assert (note.customer_id, note.kind.value) == (latest, "task")
    assert f"#{old}" in note.body


# -- alike for every address --------------------------------------------------------------------------------------


SAME = re.compile(r'value="[^"]{60,}"|[0-9a-f]{16}')


def rows_by_table(portal: Portal) -> dict[str, int]:
    """How many rows each table has."""
    from models.base import metadata

    with portal.engine.connect() as connection:
        count = sa.select(sa.func.count())
        return {t.name: connection.scalar(count.select_from(t)) or 0 for t in metadata.sorted_tables}


KNOWN: dict[str, dict[str, Any]] = {
    "registered": {},
    "inactive": {"is_active": False},
    "pending": {"status": Status.PENDING_APPROVAL, "is_active": False, "account_type": AccountType.TRADE},
    "guest": {"status": Status.GUEST},
    "in-store": {"status": Status.IN_STORE},
    "inactive in-store": {"status": Status.IN_STORE, "is_active": False},
    "erased": {"anonymised_at": NOW},
}
MAIL_TO: dict[str, str | None] = {
    "registered": "customer_registration_known",
    "inactive": "customer_registration_refused",
    "pending": "customer_registration_refused",
    "guest": "customer_registration",
    "in-store": "customer_registration",
    "inactive in-store": "customer_registration_refused",
    "erased": "customer_registration_refused",
    "merged": "customer_registration_refused",
}


def somebody(portal: Portal, kind: str) -> str:
    """The address of a customer of a kind."""
    if kind == "merged":
        return portal.email(portal.customer(merged_into_id=portal.customer()))
    return portal.email(portal.customer(**KNOWN[kind]))


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", list(MAIL_TO))
def test_the_page_answers_and_writes_the_same_for_every_address(
    portal: Portal, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from web import passwords

    def never(*_given: Any) -> bool:
        raise AssertionError("no password is looked at or hashed for any address")

    monkeypatch.setattr(passwords, "check_password_hash", never)
    monkeypatch.setattr(passwords, "generate_password_hash", never)
    known, found = somebody(portal, kind), []
    for n, email in enumerate((known, EMAIL)):
        before = rows_by_table(portal)
        answer = ask(portal, email, f"10.0.0.{n}")
        after = rows_by_table(portal)
        wrote = {name: after[name] - before[name] for name in after if after[name] != before[name]}
        found.append((answer.status_code, SAME.sub("", answer.text), wrote))
    assert found[0] == found[1]
    assert found[0][2] == {"portal_request": 1, "attempt_bucket": 2}
    assert known not in found[0][1]


@pytest.mark.parametrize("kind", list(MAIL_TO))
def test_what_there_is_is_said_in_the_mail(portal: Portal, kind: str) -> None:
    email = somebody(portal, kind)
    before = portal.rows(Customer)
    ask(portal, email)
    (sent,) = portal.work()
    assert sent.recipient == email
    assert [mail.template for mail in portal.rows(Mail)] == [MAIL_TO[kind]]
    assert len(portal.rows(PortalLink)) == (MAIL_TO[kind] == "customer_registration")
    assert portal.rows(PortalRequest) == []
    assert [row.version for row in portal.rows(Customer)] == [row.version for row in before]
    if kind == "registered":
        assert "https://my.example.org/sign-in/" in sent.text
        assert "https://my.example.org/forgotten/" in sent.text
    if MAIL_TO[kind] == "customer_registration_refused":
        assert "Please contact us" in sent.text
        assert "example.org" not in sent.text, "there is no link"


def test_an_address_that_only_looks_like_one_on_record_is_answered_at_the_one_on_record(
    portal: Portal,
) -> None:
    one = in_store(portal)
    ask(portal, "ſomebody@example.com")
    (sent,) = portal.work()
    assert sent.recipient == EMAIL
    assert send(portal, *portal.link()).status_code == 302
    assert [row.id for row in portal.rows(Customer)] == [one]


def test_a_link_sent_to_a_lookalike_does_not_open_a_record_made_later(portal: Portal) -> None:
    path, token = linked(portal, "ſomebody@example.com")
    one = in_store(portal)
    answer = send(portal, path, token)
    assert answer.status_code == 410
    assert "Please contact us." in answer.text
    assert portal.read(Customer.password_hash, Customer.id == one) is None


@pytest.mark.parametrize("typed", ["", "   ", "nobody", "a@b", "@example.com", "a" * 5000])
def test_what_is_no_address_is_said_at_the_field(portal: Portal, typed: str) -> None:
    answer = ask(portal, typed)
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert portal.rows(PortalRequest) == []


def test_three_an_hour_go_to_one_mailbox_over_both_pages(portal: Portal) -> None:
    email = portal.email(portal.customer())
    for n in range(5):
        page = "/register/" if n % 2 else "/forgotten/"
        assert portal.visitor(f"10.0.0.{n}").post(page, {"email": email}).status_code == 200
    assert len(portal.work()) == 3
    portal.clock.move(minutes=61)
    ask(portal, email)
    assert len(portal.work()) == 1


def test_twenty_are_asked_for_an_hour_from_one_network(portal: Portal) -> None:
    found = [ask(portal, f"a{n}@example.com", f"2001:db8:1:2::{n + 1:x}").status_code for n in range(21)]
    assert found == [200] * 20 + [429]


# -- the link -----------------------------------------------------------------------------------------------------


def used(portal: Portal, path: str, token: str) -> None:
    assert send(portal, path, token).status_code == 302


def replaced(portal: Portal, path: str, token: str) -> None:
    linked(portal, EMAIL.upper())


def late(portal: Portal, path: str, token: str) -> None:
    portal.clock.move(hours=24)


@pytest.mark.parametrize("spoil", [used, replaced, late])
def test_a_spoilt_link_is_refused_in_the_same_words(portal: Portal, spoil: Any) -> None:
    path, token = linked(portal)
    spoil(portal, path, token)
    before = len(portal.rows(Customer))
    sent = portal.visitor().post("/register/details/", {**GIVEN, "token": token}, page="/register/")
    for answer in (
        portal.visitor().get(path),
        sent,
        portal.visitor().get("/register/details/?token=made-up"),
    ):
        assert answer.status_code == 410
        assert VOID in answer.text
        assert 'href="/portal/register/"' in answer.text
    assert len(portal.rows(Customer)) == before


def test_the_newest_link_works_though_an_older_was_sent(portal: Portal) -> None:
    linked(portal)
    path, token = linked(portal)
    assert send(portal, path, token).status_code == 302


def test_a_link_of_another_kind_does_not_register(portal: Portal) -> None:
    portal.visitor().post("/forgotten/", {"email": portal.email(portal.customer())})
    portal.work()
    _path, token = portal.link()
    assert portal.visitor().get(f"/register/details/?token={token}").status_code == 410
    _path, token = linked(portal)
    assert portal.visitor().get(f"/password/?token={token}").status_code == 410


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "There is an account with this email address already"),
        ({"is_active": False}, "Please contact us"),
        ({"status": Status.PENDING_APPROVAL, "is_active": False}, "Please contact us"),
    ],
)
def test_what_came_in_the_meantime_stands(portal: Portal, values: dict[str, Any], says: str) -> None:
    path, token = linked(portal)
    one = portal.customer(email=EMAIL, password_hash=None, **values)
    answer = send(portal, path, token)
    assert answer.status_code == 410
    assert says in answer.text
    assert [row.id for row in portal.rows(Customer)] == [one]
    assert portal.read(Customer.password_hash, Customer.id == one) is None
    assert portal.rows(PortalLink)[0].used_at is None


def at_once(portal: Portal, links: list[tuple[str, str]]) -> list[int]:
    """Send the forms behind links at once."""
    opened = [(portal.visitor(), path, token) for path, token in links]
    ready = [(visitor, token, visitor.token(path)) for visitor, path, token in opened]
    found: list[int] = []

    def use(visitor: Visitor, token: str, csrf: str) -> None:
        given = {**GIVEN, "token": token, "csrf_token": csrf}
        found.append(visitor.client.post("/portal/register/details/", data=given).status_code)

    threads = [threading.Thread(target=use, args=one) for one in ready]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


@pytest.mark.both_databases
@pytest.mark.parametrize("there", [True, False])
def test_of_six_posts_of_one_link_at_once_one_registers(portal: Portal, there: bool) -> None:
    if there:
        in_store(portal)
    link = linked(portal)
    assert at_once(portal, [link] * 6) == [302] + [410] * 5
    assert len(portal.rows(Customer)) == 1


@pytest.mark.both_databases
def test_a_link_is_made_while_the_one_before_is_used(portal: Portal) -> None:
    """Either the form was first, or it is told that its link was replaced; nobody waits for the other for ever."""
    from actions.portal import requests

    for n in range(4):
        email = f"somebody{n}@example.com"
        path, token = linked(portal, email)
        ask(portal, email, f"10.1.{n}.1")
        visitor = portal.visitor()
        given = {**GIVEN, "token": token, "csrf_token": visitor.token(path)}
        other = threading.Thread(target=requests.decide_all, args=(portal.database.desk, portal.clock))
        other.start()
        assert visitor.client.post("/portal/register/details/", data=given).status_code in (302, 410)
        other.join()
        assert len(portal.rows(Customer, Customer.email == email)) <= 1
    assert portal.rows(PortalRequest) == []


@pytest.mark.both_databases
def test_two_links_of_one_address_at_once_make_one_customer(portal: Portal) -> None:
    """As where two workers decided at once, so that neither link is void."""
    found = [linked(portal), linked(portal)]
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(PortalLink).values(voided_at=None))
    assert at_once(portal, found) == [302, 410]
    assert len(portal.rows(Customer)) == 1


def test_registering_voids_an_invitation_sent_before(portal: Portal) -> None:
    one = in_store(portal)
    portal.staff().send(
        f"/admin/customer/act/send_reset/?id={one}", {"identity_checked": "y", "mailbox_checked": "y"}
    )
    portal.work()
    _invitation, invited = portal.link()
    path, token = linked(portal)
    assert send(portal, path, token).status_code == 302
    given = {"token": invited, "password": NEW, "again": NEW}
    assert portal.visitor().post("/password/", given, page="/sign-in/").status_code == 410


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"first_name": ""}, "first_name"),
        ({"last_name": "  "}, "last_name"),
        ({"last_name": "x" * 101}, "last_name"),
        ({"phone": "no number"}, "phone"),
        ({"password": "short 1", "again": "short 1"}, "password"),
        ({"again": "something else"}, "again"),
        ({"account_type": "agent"}, "account_type"),
        ({"account_type": ""}, "account_type"),
        ({"account_type": "trade", "company_name": ""}, "company_name"),
        ({"account_type": "trade", "company_name": "Poole", "vat_number": "GB1"}, "vat_number"),
    ],
)
def test_what_will_not_do_is_said_at_its_field_and_uses_nothing_up(
    portal: Portal, given: dict[str, str], field: str
) -> None:
    path, token = linked(portal)
    answer = send(portal, path, token, **{"phone": "020 7946 0018", **given})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert 'value="Mary"' in answer.text or field == "first_name"
    assert NEW not in answer.text
    assert portal.rows(Customer) == []
    assert send(portal, path, token).status_code == 302


@pytest.mark.parametrize("name", ["first_name", "phone", "company_name", "account_type", "token", "password"])
@pytest.mark.parametrize("junk", ["\x00", "é" * 3000, "<script>", "'; DROP TABLE customer; --"])
def test_junk_in_a_field_is_no_fault_of_ours(portal: Portal, name: str, junk: str) -> None:
    path, token = linked(portal)
    answer = portal.visitor().post("/register/details/", {**TRADE, "token": token, name: junk}, page=path)
    assert answer.status_code in (302, 400, 410, 422)
    assert "<script>" not in answer.text


def test_without_a_token_of_the_form_nothing_happens(portal: Portal) -> None:
    _path, token = linked(portal)
    client = portal.visitor().client
    assert client.post("/portal/register/", data={"email": EMAIL}).status_code == 400
    assert client.post("/portal/register/details/", data={**GIVEN, "token": token}).status_code == 400
    assert client.put("/portal/register/").status_code == 405
    assert client.post("/portal/register/waiting/").status_code in (400, 405)
    assert (portal.rows(PortalRequest), portal.rows(Customer)) == ([], [])


# -- trade --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("there", [True, False])
def test_a_trade_application_waits_and_staff_are_mailed(portal: Portal, there: bool) -> None:
    one = in_store(portal) if there else None
    with portal.arrange() as session:
        factories.make_shop_setting(session, code="trade_enquiry_email", value="trade@example.com")
    path, token = linked(portal)
    done = send(portal, path, token, **TRADE, vat_number="GB980780684")
    assert done.location == "/portal/register/waiting/"
    assert "You cannot sign in yet" in portal.visitor().get("/register/waiting/").text
    (row,) = portal.rows(Customer)
    assert one in (None, row.id)
    assert (row.status, row.account_type, row.is_active) == (
        Status.PENDING_APPROVAL, AccountType.TRADE, False,
    )  # fmt: skip
    assert (row.company_name, row.vat_number) == ("Poole Wines Ltd", "GB980780684")
    assert portal.visitor().sign_in(EMAIL, NEW).status_code == 401
    (sent,) = portal.work()
    assert (sent.recipient, f"/admin/customer/details/?id={row.id}" in sent.text) == (
        "trade@example.com",
        True,
    )
    assert "Poole" not in sent.text + sent.subject
    assert portal.staff("Admin").send(f"/admin/customer/act/approve/?id={row.id}").status_code == 302
    assert portal.visitor().sign_in(EMAIL, NEW).status_code == 302


@pytest.mark.parametrize(
    ("settings", "recipients"),
    [
        ({}, []),
        ({"email": "shop@example.com"}, ["shop@example.com"]),
        ({"email": "shop@example.com", "trade_enquiries": False}, []),
    ],
)
def test_whom_a_trade_application_is_mailed_to(
    portal: Portal, settings: dict[str, Any], recipients: list[str]
) -> None:
    with portal.arrange() as session:
        for code, value in settings.items():
            factories.make_shop_setting(session, code=code, value=value)
    path, token = linked(portal)
    send(portal, path, token, **TRADE)
    assert [mail.recipient for mail in portal.work()] == recipients


def test_a_retail_customer_is_given_no_company(portal: Portal) -> None:
    path, token = linked(portal)
    send(portal, path, token, company_name="Poole Wines Ltd", vat_number="GB980780684")
    (row,) = portal.rows(Customer)
    assert (row.company_name, row.vat_number) == (None, None)


def test_somebody_with_the_same_phone_is_flagged_for_staff(portal: Portal) -> None:
    with portal.arrange() as session:
        other = factories.make_phone(session, number="020 7946 0018").customer_id
    path, token = linked(portal)
    send(portal, path, token, phone="+44 20 7946 0018")
    (note,) = portal.rows(Note)
    assert f"#{other}" in note.body
    assert portal.read(Customer.email, Customer.id == note.customer_id) == EMAIL
