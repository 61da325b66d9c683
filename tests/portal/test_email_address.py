"""Another email address for one's own account: asked, confirmed, taken back (rule 5.9)."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from actions.core.base import Actor, Missing, Refused
from actions.execution.runner import Call, perform
from actions.portal import email_changes
from actions.portal.visits import themselves
from models.choices import Status
from models.customer import Customer
from models.journal import Change, Changeset
from models.mail import Mail
from models.portal import PortalLink, PortalLinkKind, PortalSession
from tests.factories import NOW
from tests.portal.conftest import PASSWORD, Portal, Visitor

OLD, NEW = "mary@example.com", "mary.poole@example.org"
VOID = "This link has been used, has expired or was replaced by a newer one."


def ask(visitor: Visitor, email: str = NEW, password: str = PASSWORD) -> Any:
    """Send the form."""
    return visitor.post("/details/email/", {"email": email, "password": password})


def asked(portal: Portal, visitor: Visitor, email: str = NEW) -> tuple[str, str]:
    """Send the form and open the mail."""
    assert ask(visitor, email).status_code == 302
    (sent,) = portal.work()
    assert sent.recipient == email
    return portal.link()


def press(portal: Portal, path: str, token: str, visitor: Visitor | None = None) -> Any:
    """Press the button that a link leads to."""
    page = path.partition("?")[0]
    return (visitor or portal.visitor()).post(page, {"token": token}, page=path)


def changed(portal: Portal, one: int) -> tuple[str, str]:
    """Change the address, and open the mail to the one before."""
    press(portal, *asked(portal, portal.signed_in(one)))
    (sent,) = portal.work()
    assert sent.recipient == OLD
    return portal.link()


def test_the_address_changes_once_the_new_one_confirms_it(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    visitor = portal.signed_in(one)
    path, token = asked(portal, visitor)
    assert NEW in visitor.get("/details/email/").text, "what was sent is said once"
    assert portal.email(one) == OLD, "nothing changes until the link is followed"
    for _look in range(3):
        assert f"becomes {NEW}" in portal.visitor().get(path).text
    assert portal.email(one) == OLD
    done = press(portal, path, token)
    assert (done.status_code, done.location) == (302, "/portal/sign-in/")
    assert portal.email(one) == NEW
    assert portal.read(Customer.email_verified_at, Customer.id == one) == NOW
    assert visitor.is_in
    assert portal.visitor().sign_in(OLD).status_code == 401
    assert portal.visitor().sign_in(NEW).status_code == 302
    (event,) = portal.rows(Changeset, Changeset.action == "customer.email_changed")
    assert (event.actor_id, event.on_behalf_of_id, event.subject_id) == (None, one, one)
    (change,) = portal.rows(Change, Change.changeset_id == event.id)
    assert (change.before["email"], change.after["email"]) == (OLD, NEW)
    told = portal.work()
    assert [(mail.recipient, mail.subject) for mail in told] == [(OLD, "Your email address was changed")]
    assert NEW not in told[0].text


def test_reset_links_are_void_afterwards(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    path, token = asked(portal, portal.signed_in(one))
    portal.visitor().post("/forgotten/", {"email": OLD})
    portal.work()
    reset, _token = portal.link()
    press(portal, path, token)
    assert portal.visitor().get(reset).status_code == 410


def test_a_taken_address_is_said_to_its_owner_and_nowhere_else(portal: Portal) -> None:
    one, other = portal.customer(email=OLD), portal.customer(email="taken@example.com")
    visitor = portal.signed_in(one)
    found = []
    for email in ("taken@example.com", "free@example.com"):
        links, mails = len(portal.rows(PortalLink)), len(portal.rows(Mail))
        done = ask(visitor, email)
        text = visitor.get("/details/email/").text.replace(email, "EMAIL")
        wrote = len(portal.rows(PortalLink)) - links, len(portal.rows(Mail)) - mails
        found.append((done.status_code, done.location, "sending an email to EMAIL" in text, wrote))
    assert found[0] == found[1] == (302, "/portal/details/email/", True, (1, 1))
    first, second = portal.work()
    assert (first.recipient, second.recipient) == ("taken@example.com", "free@example.com")
    assert "You have an account with it already" in first.text
    assert "token=" not in first.text
    assert (portal.email(one), portal.email(other)) == (OLD, "taken@example.com")


def test_an_address_that_is_taken_in_the_meantime_stays_its_owners(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    path, token = asked(portal, portal.signed_in(one))
    portal.customer(email=NEW.upper())
    answer = press(portal, path, token)
    assert answer.status_code == 410
    assert "There is an account with this email address already" in answer.text
    assert portal.email(one) == OLD
    assert portal.rows(PortalLink)[0].used_at is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"email": ""}, "Enter your new email address"),
        ({"email": "nobody"}, "Enter an email address such as"),
        ({"email": OLD}, "This is your email address already"),
        ({"password": ""}, "Enter your current password"),
        ({"password": "not this one"}, "Wrong password"),
    ],
)
def test_what_will_not_do_is_said_and_nothing_sent(portal: Portal, given: dict[str, str], says: str) -> None:
    visitor = portal.signed_in(portal.customer(email=OLD))
    answer = visitor.post("/details/email/", {"email": NEW, "password": PASSWORD, **given})
    assert answer.status_code == 422
    assert says in answer.text
    assert PASSWORD not in answer.text
    assert (portal.rows(PortalLink), portal.rows(Mail)) == ([], [])


def test_wrong_passwords_are_counted_as_at_sign_in(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer(email=OLD))
    assert [ask(visitor, password=f"wrong {n}").status_code for n in range(6)] == [422] * 5 + [429]
    assert ask(visitor).status_code == 429, "the right one is not looked at either"
    events = portal.rows(Changeset, Changeset.action == "customer.confirmation_failed")
    assert len(events) == 5, "each is in the history, as on the security page"
    portal.clock.move(minutes=16)
    assert ask(visitor).status_code == 302


def test_three_an_hour_go_to_one_mailbox(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer(email=OLD))
    assert [ask(visitor).status_code for _n in range(5)] == [302] * 5
    assert len(portal.work()) == 3


def test_only_the_newest_link_is_good_for_a_day(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer(email=OLD))
    first, _token = asked(portal, visitor)
    second, token = asked(portal, visitor, "other@example.com")
    assert portal.visitor().get(first).status_code == 410
    portal.clock.move(hours=24)
    assert portal.visitor().get(second).status_code == 410
    assert press(portal, "/email/confirm/", token).status_code in (400, 410)


@pytest.mark.parametrize(
    "values",
    [
        {"is_active": False},
        {"status": Status.PENDING_APPROVAL},
        {"anonymised_at": NOW},
        {"merged_into_id": 0},
    ],
)
def test_a_link_of_somebody_who_is_shut_out_is_worth_nothing(portal: Portal, values: dict[str, Any]) -> None:
    one = portal.customer(email=OLD)
    path, token = asked(portal, portal.signed_in(one))
    given = {name: portal.customer() if value == 0 and name == "merged_into_id" else value
             for name, value in values.items()}  # fmt: skip
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(Customer).where(Customer.id == one).values(**given))
    sent = portal.visitor().post("/email/confirm/", {"token": token}, page="/sign-in/")
    for answer in (portal.visitor().get(path), sent):
        assert answer.status_code == 410
        assert VOID in answer.text
    assert portal.email(one) == OLD


def test_another_password_voids_a_change_that_was_asked_for(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    path, _token = asked(portal, portal.signed_in(one))
    portal.visitor().post("/forgotten/", {"email": OLD})
    portal.work()
    reset, token = portal.link()
    assert portal.visitor().get(path).status_code == 200, "asking for a link alone voids nothing"
    given = {"token": token, "password": "brisk otter 7 lanterns", "again": "brisk otter 7 lanterns"}
    assert portal.visitor().post("/password/", given, page=reset).status_code == 302
    assert portal.visitor().get(path).status_code == 410


@pytest.mark.both_databases
def test_of_six_presses_at_once_one_counts(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    path, token = asked(portal, portal.signed_in(one))
    ready = [(visitor, visitor.token(path)) for visitor in (portal.visitor() for _n in range(6))]
    found: list[int] = []

    def use(visitor: Visitor, csrf: str) -> None:
        given = {"token": token, "csrf_token": csrf}
        found.append(visitor.client.post("/portal/email/confirm/", data=given).status_code)

    threads = [threading.Thread(target=use, args=pair) for pair in ready]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [302] + [410] * 5
    assert len(portal.work()) == 1


def test_the_page_is_for_those_who_are_signed_in(portal: Portal) -> None:
    visitor = portal.visitor()
    assert visitor.get("/details/email/").location == "/portal/sign-in/?next=/details/email/"
    sent = visitor.post("/details/email/", {"email": NEW, "password": PASSWORD}, page="/sign-in/")
    assert (sent.status_code, portal.rows(PortalLink)) == (302, [])
    inside = portal.signed_in(portal.customer(email=OLD)).client
    assert inside.post("/portal/details/email/", data={"email": NEW, "password": PASSWORD}).status_code == 400
    assert inside.post("/portal/email/confirm/", data={"token": "x"}).status_code == 400
    assert inside.get("/portal/email/other/").status_code == 404
    assert portal.rows(PortalLink) == []


# -- taking it back -----------------------------------------------------------------------------------------------


def test_the_address_before_takes_the_account_back(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    path, token = changed(portal, one)
    stranger = portal.visitor()
    assert stranger.sign_in(NEW).status_code == 302
    portal.clock.move(minutes=1)
    assert ask(stranger, "further@example.com").status_code == 302
    portal.work()
    further, _token = portal.link()
    for _look in range(2):
        assert OLD in portal.visitor().get(path).text
    assert portal.email(one) == NEW
    done = press(portal, path, token)
    assert (done.status_code, done.location) == (302, "/portal/sign-in/")
    assert portal.email(one) == OLD
    assert not stranger.is_in, "all sessions end"
    assert {row.ended_at is None for row in portal.rows(PortalSession)} == {False}
    assert portal.visitor().get(further).status_code == 410, "all links are void"
    for email in (OLD, NEW):
        assert portal.visitor().sign_in(email).status_code == 401, "and so is the password"
    (sent,) = portal.work()
    assert (sent.recipient, sent.subject.startswith("Choose a new password")) == (OLD, True)
    reset, fresh = portal.link()
    given = {"token": fresh, "password": "brisk otter 7 lanterns", "again": "brisk otter 7 lanterns"}
    assert portal.visitor().post("/password/", given, page=reset).status_code == 302
    assert portal.visitor().sign_in(OLD, "brisk otter 7 lanterns").status_code == 302
    assert portal.visitor().get(path).status_code == 410, "once"
    (event,) = portal.rows(Changeset, Changeset.action == "customer.email_returned")
    assert (event.on_behalf_of_id, event.subject_id) == (one, one)


def test_the_first_address_is_got_back_after_a_second_change_too(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    path, token = changed(portal, one)
    stranger = portal.visitor()
    stranger.sign_in(NEW)
    press(portal, *asked(portal, stranger, "third@example.com"))
    portal.work()
    second, _token = portal.link()
    assert press(portal, path, token).status_code == 302
    assert portal.email(one) == OLD
    assert portal.visitor().get(second).status_code == 410


@pytest.mark.parametrize(("hours", "status"), [(71, 200), (72, 410)])
def test_it_is_taken_back_within_72_hours(portal: Portal, hours: int, status: int) -> None:
    path, _token = changed(portal, portal.customer(email=OLD))
    portal.clock.move(hours=hours)
    assert portal.visitor().get(path).status_code == status


def test_an_address_that_another_registered_meanwhile_is_not_taken_back(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    path, token = changed(portal, one)
    portal.customer(email=OLD)
    answer = press(portal, path, token)
    assert answer.status_code == 410
    assert "There is an account with this email address already" in answer.text
    assert portal.email(one) == NEW


def test_an_address_that_staff_set_afterwards_stands(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    path, _token = changed(portal, one)
    staff = portal.staff()
    from tests.admin.pages import page_of

    form = page_of(staff.get(f"/admin/customer/edit/?id={one}")).form("/edit/")
    assert staff.post(form.action, data=form.filled(email="right@example.com")).status_code == 302
    assert portal.email(one) == "right@example.com"
    assert portal.visitor().get(path).status_code == 410


def test_a_link_does_one_thing_only(portal: Portal) -> None:
    one = portal.customer(email=OLD)
    path, token = asked(portal, portal.signed_in(one))
    for page in ("/email/return/", "/password/", "/register/details/"):
        assert portal.visitor().get(f"{page}?token={token}").status_code == 410
    back, _token = (press(portal, path, token), portal.work(), portal.link())[2]
    other = back.replace("/return/", "/confirm/")
    assert portal.visitor().get(other).status_code == 410
    assert [link.kind for link in portal.rows(PortalLink)] == [
        PortalLinkKind.EMAIL_CHANGE, PortalLinkKind.EMAIL_RETURN,
    ]  # fmt: skip


def test_staff_who_are_logged_in_as_a_customer_cannot_ask_for_another_address(portal: Portal) -> None:
    one, other = portal.customer(email=OLD), portal.customer()
    staff = Call(Actor(1, "support", one), NOW)
    with pytest.raises(Refused) as refused:
        perform(portal.database.desk, email_changes.ask, staff, one, email=NEW)
    assert refused.value.code == "not_in_portal"
    with pytest.raises(Missing):
        perform(portal.database.desk, email_changes.ask, Call(themselves(other), NOW), one, email=NEW)
    assert (portal.rows(PortalLink), portal.rows(Mail)) == ([], [])
