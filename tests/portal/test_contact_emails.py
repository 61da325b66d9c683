"""An additional email that a customer adds waits until the link that goes to it is followed (rule 12.7)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from actions.core.base import SYSTEM, Actor, Missing, Refused
from actions.core.mail_templates import Paper
from actions.core.recipients import recipients
from actions.customers import contacts
from actions.execution.runner import Call, perform
from actions.portal import contact_emails
from actions.portal.visits import themselves
from actions.undo.undo import undo
from models.base import metadata
from models.choices import Status
from models.contact import ContactEmail
from models.customer import Customer
from models.journal import Changeset
from models.mail import SECRET_MARK, Mail
from models.portal import PortalLink, PortalLinkKind
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together
from tests.admin.pages import rows_of
from tests.factories import NOW
from tests.portal.conftest import Portal, Visitor
from tests.portal.test_people_and_emails import fields

OWN, OFFICE = "mary@example.com", "office@example.org"
VOID = "This link has been used, has expired or was replaced by a newer one."


def add(visitor: Visitor, email: str = OFFICE) -> Any:
    """Send the form."""
    return visitor.post("/emails/new/", fields(visitor, "/emails/new/", email=email, label="Office"))


def added(portal: Portal, visitor: Visitor, email: str = OFFICE) -> tuple[str, str]:
    """Send the form and open the mail that goes to the new address."""
    assert add(visitor, email).status_code == 302
    sent = portal.work()
    assert sent[0].recipient == email
    portal.sent.append(sent[0])
    return portal.link()


def row_of(portal: Portal, one: int, email: str = OFFICE) -> ContactEmail:
    """The row of an address."""
    (row,) = portal.rows(ContactEmail, ContactEmail.customer_id == one, ContactEmail.email == email)
    assert isinstance(row, ContactEmail)
    return row


def again(visitor: Visitor, row: ContactEmail) -> Any:
    """Press the button that sends the link once more."""
    return visitor.post(f"/emails/{row.id}/send-link/", page="/emails/")


def press(portal: Portal, path: str, token: str) -> Any:
    """Press the button that a link leads to."""
    return portal.visitor().post("/emails/confirm/", {"token": token}, page=path)


def gets_mail(portal: Portal, one: int) -> list[str]:
    """Where the account's mail goes."""
    with portal.arrange() as session:
        return recipients(session, session.get_one(Customer, one), Paper.STATEMENT)


def test_an_address_gets_mail_once_somebody_who_reads_it_confirms_it(portal: Portal) -> None:
    one = portal.customer(email=OWN)
    visitor = portal.signed_in(one)
    path, token = added(portal, visitor)
    page = visitor.get("/emails/").text
    assert "Waiting for confirmation" in page
    assert "Send the link again" in page
    assert gets_mail(portal, one) == [OWN]
    for _look in range(3):
        assert f"to go to {OFFICE} as well" in portal.visitor().get(path).text
    assert row_of(portal, one).confirmed_at is None, "looking at it uses nothing up"
    portal.clock.move(days=6)
    done = press(portal, path, token)
    assert (done.status_code, done.location) == (302, "/portal/emails/confirmed/")
    assert "Email address confirmed" in portal.visitor().get("/emails/confirmed/").text
    assert row_of(portal, one).confirmed_at == portal.clock()
    assert gets_mail(portal, one) == [OWN, OFFICE]
    inside = portal.signed_in(one).get("/emails/").text
    assert "Waiting for confirmation" not in inside
    assert "Send the link again" not in inside
    (event,) = portal.rows(Changeset, Changeset.action == "contact_email.confirmed")
    assert (event.actor_id, event.on_behalf_of_id) == (None, one)
    late = portal.visitor().post("/emails/confirm/", {"token": token}, page="/sign-in/")
    for answer in (portal.visitor().get(path), late):
        assert (answer.status_code, VOID in answer.text) == (410, True), "once"
    assert portal.work() == []


def test_the_accounts_own_address_is_told_in_the_same_transaction(portal: Portal) -> None:
    one = portal.customer(email=OWN)
    add(portal.signed_in(one))
    first, second = portal.rows(Mail)
    assert first.changeset_id == second.changeset_id
    assert (first.customer_id, second.customer_id) == (one, one)
    asked, told = portal.work()
    assert (asked.recipient, told.recipient) == (OFFICE, OWN)
    assert told.subject.startswith("An email address was added to your account")
    local = NOW.astimezone(portal_zone(portal))
    for words in (OFFICE, f"{local:%H:%M}", f"{local:%Y}", "If it was not you, remove the address"):
        assert words in told.text, words
    assert "token=" not in told.text
    assert OWN not in asked.text + asked.html, "whose account it is, is not told to a stranger"


def portal_zone(portal: Portal) -> Any:
    """The shop's time zone."""
    from models.shop import load_shop

    with portal.arrange() as session:
        return load_shop(session).zone


@pytest.mark.parametrize(
    ("language", "words"), [("de", "Diese E-Mail-Adresse"), ("fr", "Confirmer cette adresse")]
)
def test_both_mails_are_in_the_customers_language(portal: Portal, language: str, words: str) -> None:
    add(portal.signed_in(portal.customer(email=OWN, language=language)))
    asked, told = portal.work()
    assert words in asked.text
    assert "If it was not you" not in told.text


def test_the_token_is_nowhere_in_clear(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    one = portal.customer(email=OWN)
    path, token = added(portal, portal.signed_in(one))
    portal.visitor().get(path)
    press(portal, path, token)
    with portal.engine.connect() as connection:
        texts = [str(row) for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    assert not [text for text in texts if token in text]
    assert SECRET_MARK in str(portal.read(Mail.text_body, Mail.recipient == OFFICE))
    assert token not in caplog.text


def customer_of(portal: Portal, **values: Any) -> None:
    """Change customers as some action would."""
    from actions.customers.customers import deactivate

    (one,) = portal.rows(Customer, Customer.email == OWN)
    if "reason" in values:
        perform(portal.database.desk, deactivate, Call(SYSTEM, portal.clock()), one.id, **values)
        return
    with portal.database.desk.begin() as connection:
        table = metadata.tables["customer"]
        connection.execute(sa.update(table).where(table.c.id == one.id).values(**values))


def by_staff(portal: Portal, action: Any, **values: Any) -> None:
    """Do something with the address."""
    (row,) = portal.rows(ContactEmail)
    perform(portal.database.desk, action, Call(SYSTEM, portal.clock()), row.id, **values)


def removed_and_added(portal: Portal) -> None:
    """Take the address off, and add the same once more."""
    visitor = portal.signed_in(portal.rows(Customer)[0].id)
    assert visitor.post(f"/emails/{portal.rows(ContactEmail)[0].id}/delete/").status_code == 302
    portal.clock.move(minutes=1)
    assert add(visitor).status_code == 302


def merged_away(portal: Portal) -> None:
    """Merge the customer into another one."""
    desk = Desk(portal.database.desk)
    (one,) = portal.rows(Customer, Customer.email == OWN)
    put_together(desk, portal.customer(), one.id)


SPOILT: dict[str, Callable[[Portal], Any]] = {
    "expired": lambda portal: portal.clock.move(days=7),
    "removed": lambda portal: by_staff(portal, contacts.REMOVE_EMAIL),
    "removed and added again": removed_and_added,
    "changed": lambda portal: by_staff(portal, contacts.EDIT_EMAIL, values={"email": "b@example.com"}, version=None),
    "confirmed by staff": lambda portal: by_staff(portal, contacts.confirm, reason="They rang"),
    "replaced": lambda portal: again(portal.signed_in(portal.rows(Customer)[0].id), portal.rows(ContactEmail)[0]),
    "deactivated": lambda portal: customer_of(portal, reason="Gone"),
    "no account": lambda portal: customer_of(portal, status=Status.GUEST),
    "erased": lambda portal: customer_of(portal, anonymised_at=NOW),
    "merged": merged_away,
}  # fmt: skip


@pytest.mark.parametrize("how", list(SPOILT))
def test_a_link_that_is_spoilt_says_the_same_however_it_was(portal: Portal, how: str) -> None:
    one = portal.customer(email=OWN)
    path, token = added(portal, portal.signed_in(one))
    SPOILT[how](portal)
    before = [(row.id, row.confirmed_at) for row in portal.rows(ContactEmail)]
    never = portal.visitor().get("/emails/confirm/?token=never-was")
    for answer in (
        portal.visitor().get(path),
        portal.visitor().post("/emails/confirm/", {"token": token}, page="/sign-in/"),
    ):
        assert (answer.status_code, answer.text) == (410, never.text)
    assert VOID in never.text
    assert [(row.id, row.confirmed_at) for row in portal.rows(ContactEmail)] == before


@pytest.mark.parametrize("how", ["deactivated", "merged"])
def test_a_link_that_was_voided_stays_so(portal: Portal, how: str) -> None:
    one = portal.customer(email=OWN)
    path, _token = added(portal, portal.signed_in(one))
    SPOILT[how](portal)
    with portal.database.desk.begin() as connection:
        table = metadata.tables["customer"]
        connection.execute(
            sa.update(table).where(table.c.id == one).values(is_active=True, merged_into_id=None)
        )
    assert portal.visitor().get(path).status_code == 410


def test_a_link_is_about_one_address_of_one_customer(portal: Portal) -> None:
    one, other = portal.customer(email=OWN), portal.customer()
    visitor = portal.signed_in(one)
    first, second = added(portal, visitor), added(portal, visitor, "cellar@example.org")
    theirs = added(portal, portal.signed_in(other))
    assert press(portal, *first).status_code == 302, "another address of the same account voids nothing"
    assert row_of(portal, one, "cellar@example.org").confirmed_at is None
    assert row_of(portal, other).confirmed_at is None
    assert press(portal, *second).status_code == 302
    assert press(portal, *theirs).status_code == 302
    for page in ("/password/", "/email/confirm/", "/email/return/", "/register/details/"):
        assert portal.visitor().get(f"{page}?token={second[1]}").status_code == 410
    with pytest.raises(Refused) as refused:
        contact_emails.confirm(portal.database.desk, Call(themselves(other), portal.clock()), first[1], other)
    assert refused.value.code == "link_void"


def test_links_to_a_password_are_no_links_to_an_address(portal: Portal) -> None:
    portal.customer(email=OWN)
    portal.visitor().post("/forgotten/", {"email": OWN})
    portal.work()
    _path, token = portal.link()
    assert portal.visitor().get(f"/emails/confirm/?token={token}").status_code == 410


def test_another_password_leaves_it_and_a_label_too(portal: Portal) -> None:
    one = portal.customer(email=OWN)
    path, _token = added(portal, portal.signed_in(one))
    by_staff(portal, contacts.EDIT_EMAIL, values={"label": "Till"}, version=None)
    portal.visitor().post("/forgotten/", {"email": OWN})
    portal.work()
    reset, token = portal.link()
    given = {"token": token, "password": "brisk otter 7 lanterns", "again": "brisk otter 7 lanterns"}
    assert portal.visitor().post("/password/", given, page=reset).status_code == 302
    assert portal.visitor().get(path).status_code == 200


@pytest.mark.both_databases
def test_of_six_presses_at_once_one_counts(portal: Portal) -> None:
    path, token = added(portal, portal.signed_in(portal.customer(email=OWN)))
    ready = [(visitor, visitor.token(path)) for visitor in (portal.visitor() for _n in range(6))]
    found: list[int] = []

    def use(visitor: Visitor, csrf: str) -> None:
        given = {"token": token, "csrf_token": csrf}
        found.append(visitor.client.post("/portal/emails/confirm/", data=given).status_code)

    threads = [threading.Thread(target=use, args=pair) for pair in ready]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [302] + [410] * 5
    assert len(portal.rows(Changeset, Changeset.action == "contact_email.confirmed")) == 1


# -- sending it again ---------------------------------------------------------------------------------------------


def test_the_link_is_sent_again_and_replaces_the_one_before(portal: Portal) -> None:
    one = portal.customer(email=OWN)
    visitor = portal.signed_in(one)
    former, _token = added(portal, visitor)
    portal.clock.move(minutes=1)
    assert again(visitor, row_of(portal, one)).location == "/portal/emails/"
    assert f"sending the link to {OFFICE} again" in visitor.get("/emails/").text
    (sent,) = portal.work()
    assert sent.recipient == OFFICE
    assert portal.visitor().get(former).status_code == 410
    assert press(portal, *portal.link()).status_code == 302
    answer = again(visitor, row_of(portal, one))
    assert answer.status_code == 302
    assert "confirmed already" in visitor.get("/emails/").text
    assert portal.work() == []


def test_three_links_an_hour_go_to_one_address_whoever_asks(portal: Portal) -> None:
    one, other = portal.customer(email=OWN), portal.customer()
    visitor, second = portal.signed_in(one), portal.signed_in(other)
    add(visitor)
    for _n in range(2):
        portal.clock.move(minutes=1)
        assert again(visitor, row_of(portal, one)).status_code == 302
    refused = again(visitor, row_of(portal, one))
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    answer = add(second)
    assert answer.status_code == 429
    assert portal.rows(ContactEmail, ContactEmail.customer_id == other) == []
    row = row_of(portal, one)
    staff = portal.staff().send(f"/admin/contact_email/act/send_link/?id={row.id}")
    assert staff.status_code == 429, "those that staff send are counted among them"
    assert len([mail for mail in portal.work() if mail.recipient == OFFICE]) == 3
    portal.clock.move(hours=1)
    assert add(portal.signed_in(other)).status_code == 302


def test_what_was_not_sent_is_not_counted(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer(email=OWN))
    for _n in range(5):
        given = fields(visitor, "/emails/new/", email=OFFICE, label="x" * 61)
        assert visitor.post("/emails/new/", given).status_code == 422
    assert add(visitor).status_code == 302


def test_twenty_an_hour_come_from_one_network(portal: Portal) -> None:
    found = []
    for n in range(3):
        visitor = portal.visitor("10.1.1.1")
        visitor.sign_in(portal.email(portal.customer()))
        found += [add(visitor, f"office{n}-{k}@example.com").status_code for k in range(8)]
    assert found == [302] * 20 + [429] * 4


def test_the_daily_ceiling_holds_for_customers_and_not_for_staff(portal: Portal) -> None:
    with portal.arrange() as session:
        factories.make_shop_setting(session, code="portal_mails_a_day", value=2)
    one = portal.customer(email=OWN)
    visitor = portal.signed_in(one)
    assert add(visitor).status_code == 302, "two emails"
    answer = add(visitor, "cellar@example.org")
    assert (answer.status_code, "try again tomorrow" in answer.text) == (409, True)
    assert again(visitor, row_of(portal, one)).status_code == 302
    assert "try again tomorrow" in visitor.get("/emails/").text
    assert len(portal.work()) == 2
    assert len(portal.rows(ContactEmail)) == 1
    staff = portal.staff()
    assert staff.get("/readyz").json["portal_mail_stopped"] is True
    sent = staff.send(f"/admin/contact_email/act/send_link/?id={row_of(portal, one).id}")
    assert sent.status_code == 302
    assert len(portal.work()) == 1


def test_nobody_sends_or_confirms_what_is_anothers(portal: Portal) -> None:
    one, other = portal.customer(email=OWN), portal.customer()
    added(portal, portal.signed_in(one))
    row = row_of(portal, one)
    assert again(portal.signed_in(other), row).status_code == 404
    with pytest.raises(Missing):
        perform(portal.database.desk, contact_emails.send_link, Call(themselves(other), NOW), row.id)
    for actor in (themselves(one), Actor(1, "support", one)):
        with pytest.raises(Refused) as refused:
            perform(portal.database.desk, contacts.confirm, Call(actor, NOW), row.id, reason="I say so")
        assert refused.value.code == "not_in_portal"
    for action, given in (
        (contact_emails.send_link, {}),
        (contacts.ADD_EMAIL, {"values": {"email": "a@example.com"}}),
    ):
        target = row.id if action is contact_emails.send_link else None
        with pytest.raises(Refused) as refused:
            perform(portal.database.desk, action, Call(Actor(1, "support", one), NOW), target, **given)
        assert refused.value.code == "not_in_portal", "an address is the customer's own to give"
    assert portal.work() == []


# -- staff --------------------------------------------------------------------------------------------------------


def test_staff_see_what_waits_and_send_the_link_again_or_confirm_it(portal: Portal) -> None:
    one = portal.customer(email=OWN)
    added(portal, portal.signed_in(one))
    row, staff = row_of(portal, one), portal.staff()
    for path in (
        "/admin/contact_email/",
        "/admin/contact_email/?view=waiting",
        f"/admin/contact_email/details/?id={row.id}",
    ):
        assert "Waiting for confirmation" in staff.get(path).text, path
    assert staff.send(f"/admin/contact_email/act/send_link/?id={row.id}").status_code == 302
    (sent,) = portal.work()
    assert sent.recipient == OFFICE
    (link,) = portal.rows(PortalLink, PortalLink.sent_by_id.is_not(None))
    assert (link.kind, link.email) == (PortalLinkKind.CONTACT_EMAIL, OFFICE)
    path, _token = portal.link()
    confirm = f"/admin/contact_email/act/confirm/?id={row.id}"
    assert staff.send(confirm, {"reason": ""}).status_code == 422
    assert portal.staff("Read-only").send(confirm, {"reason": "They rang"}).status_code == 403
    assert staff.send(confirm, {"reason": "They rang"}).status_code == 302
    assert portal.visitor().get(path).status_code == 410
    (event,) = portal.rows(Changeset, Changeset.action == "contact_email.confirm")
    assert event.reason == "They rang"
    assert rows_of(staff.get("/admin/contact_email/?view=waiting")) == []
    assert gets_mail(portal, one) == [OWN, OFFICE]


def test_an_undo_of_what_a_customer_added_takes_the_row_and_its_mails(portal: Portal) -> None:
    one = portal.customer(email=OWN)
    add(portal.signed_in(one))
    (event,) = portal.rows(Changeset, Changeset.action == "contact_email.create")
    done = perform(portal.database.desk, undo, Call(SYSTEM, portal.clock()), event.id)
    assert portal.rows(ContactEmail) == []
    assert portal.work() == []
    perform(portal.database.desk, undo, Call(SYSTEM, portal.clock()), done.changeset_id)
    assert row_of(portal, one).confirmed_at is None
    assert portal.signed_in(one).get("/emails/").text.count("Send the link again") == 1


def test_a_form_that_is_sent_twice_sends_one_link(portal: Portal) -> None:
    one = portal.customer(email=OWN)
    visitor = portal.signed_in(one)
    given = fields(visitor, "/emails/new/", email=OFFICE)
    for _n in range(2):
        assert visitor.post("/emails/new/", given).status_code == 302
    assert [mail.recipient for mail in portal.work()] == [OFFICE, OWN]
