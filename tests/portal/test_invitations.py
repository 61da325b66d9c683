"""Invitations, in-store records, the daily ceiling of mails, and password hints (rules 5.10 to 5.12)."""

import logging
from typing import Any

import pytest

from actions.runs import runs
from admin.row_actions import selection
from models.choices import CreatedVia, Status
from models.customer import Customer
from models.journal import Change
from models.mail import Mail
from models.portal import PortalLink, PortalLinkKind
from models.run import ItemState, RunItem
from tests import factories
from tests.admin.conftest import Api, token
from tests.admin.pages import page_of
from tests.admin.row_actions.test_acting import HTMX
from tests.factories import NOW
from tests.portal.conftest import Portal

NEW = "brisk otter 7 lanterns"


def set_up(portal: Portal, **settings: Any) -> None:
    """Settings that an admin chose."""
    with portal.arrange() as session:
        for code, value in settings.items():
            factories.make_shop_setting(session, code=code, value=value)


def in_store(portal: Portal, **values: Any) -> int:
    """Somebody who bought at the till."""
    return portal.customer(
        **{"status": Status.IN_STORE, "registered_at": None, "password_hash": None, **values}
    )


def invite(portal: Portal, customer_id: int, role: str = "Support") -> Any:
    """Send the invitation."""
    return portal.staff(role).send(f"/admin/customer/act/invite/?id={customer_id}")


def choose(portal: Portal, **given: str) -> Any:
    """Send the form behind the latest link to a password."""
    path, token = portal.link()
    return portal.visitor().post(
        "/password/", {"token": token, "password": NEW, "again": NEW, **given}, page=path
    )


@pytest.mark.parametrize("status", [Status.GUEST, Status.IN_STORE])
def test_an_invitation_registers_the_same_record_with_its_orders(portal: Portal, status: Status) -> None:
    one = in_store(portal, status=status)
    with portal.arrange() as session:
        factories.make_order(session, customer_id=one, number="T-77")
    assert invite(portal, one).status_code == 302
    portal.work()
    portal.clock.move(days=6)
    assert choose(portal).status_code == 302
    visitor = portal.visitor()
    visitor.sign_in(portal.email(one), NEW)
    assert "T-77" in visitor.get("/").text
    assert [(row.id, row.status) for row in portal.rows(Customer)] == [(one, Status.REGISTERED)]


@pytest.mark.parametrize(
    "values",
    [
        {"status": Status.REGISTERED},
        {"status": Status.PENDING_APPROVAL, "is_active": False},
        {"is_active": False},
        {"email": None},
        {"anonymised_at": NOW},
    ],
)
def test_an_invitation_is_refused(portal: Portal, values: dict[str, Any]) -> None:
    assert invite(portal, in_store(portal, **values)).status_code == 409
    assert portal.rows(Mail) == []


def test_an_invitation_is_refused_where_the_email_is_a_registered_customers(portal: Portal) -> None:
    portal.customer(email="same@example.com")
    assert invite(portal, in_store(portal, email="same@example.com")).status_code == 409
    assert invite(portal, in_store(portal), "Read-only").status_code == 403
    assert portal.rows(Mail) == []


def test_three_an_hour_go_to_one_customer_whoever_sends_them(portal: Portal) -> None:
    one = in_store(portal)
    roles = ("Support", "Manager", "Admin", "Support")
    assert [invite(portal, one, role).status_code for role in roles] == [302, 302, 302, 429]


def many(portal: Portal, people: list[int]) -> Any:
    """Send it to those who are ticked, as the selection bar does."""
    staff = portal.staff()
    given = {"csrf_token": staff.csrf_token(), "ids": [str(one) for one in people]}
    opened = page_of(staff.post("/admin/customer/act/invite/", data=given, headers=HTMX)).form("/act/invite/")
    return staff.post(opened.action, data=opened.filled(), headers=HTMX)


def test_many_are_invited_at_once_and_no_reset_is_held_up_by_it(portal: Portal) -> None:
    people = [in_store(portal, email=f"till{n}@example.com") for n in range(35)]
    many(portal, people)
    assert len(portal.work()) == 35
    one = portal.customer()
    ticked = {"identity_checked": "y", "mailbox_checked": "y"}
    sent = portal.staff().send(f"/admin/customer/act/send_reset/?id={one}", ticked)
    assert sent.status_code == 302


def test_more_are_a_run_which_lists_whom_it_refused(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MOST_AT_ONCE", 2)
    people = [in_store(portal, email=f"till{n}@example.com") for n in range(3)]
    with_account, without_email = portal.customer(), in_store(portal, email=None)
    staff = portal.staff()
    given = {"csrf_token": staff.csrf_token(), "all": "1", "view": "all"}
    opened = page_of(staff.post("/admin/customer/act/invite/", data=given, headers=HTMX)).form("/act/invite/")
    assert "HX-Redirect" in staff.post(opened.action, data=opened.filled(), headers=HTMX).headers
    assert runs.process_next_run(portal.database.desk, portal.clock, "test")
    assert {link.customer_id for link in portal.rows(PortalLink)} == set(people)
    refused = {item.row_id for item in portal.rows(RunItem, RunItem.state == ItemState.REFUSED)}
    assert refused == {with_account, without_email}


def add(portal: Portal, **values: str) -> Any:
    """Make a record of somebody at the till."""
    given = {"first_name": "Mary", "last_name": "Poole", **values}
    return portal.staff().send("/admin/customer/act/add_in_store/", given)


def test_a_new_in_store_customer_is_invited(portal: Portal) -> None:
    assert add(portal, email="mary@example.com", phone="020 7946 0018").status_code == 302
    (row,) = portal.rows(Customer)
    assert (row.status, row.created_via, row.is_active) == (Status.IN_STORE, CreatedVia.BACK_OFFICE, True)
    (sent,) = portal.work()
    assert sent.recipient == "mary@example.com"
    assert choose(portal).status_code == 302
    assert portal.visitor().sign_in("mary@example.com", NEW).status_code == 302


def test_a_new_in_store_customer_of_a_program_is_invited_too(portal: Portal) -> None:
    api = Api(portal.app, token(portal.app, "Support"))
    given = {"last_name": "Poole", "email": "mary@example.com"}
    answer = api.send("POST", "/api/v1/customer/actions/add_in_store", given)
    assert answer.status_code == 200, answer.text
    (row,) = portal.rows(Customer)
    assert (row.status, row.created_via) == (Status.IN_STORE, CreatedVia.API)
    assert [mail.recipient for mail in portal.work()] == ["mary@example.com"]
    sent = api.send("POST", "/api/v1/customer/", {"last_name": "Poole", "status": "in_store"})
    assert sent.status_code >= 400, "no other way makes one"


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        ({"invite_in_store": False}, {"email": "mary@example.com"}),
        ({}, {}),
        ({}, {"email": "taken@example.com"}),
    ],
)
def test_a_new_in_store_customer_is_not_invited(
    portal: Portal, settings: dict[str, Any], values: dict[str, str]
) -> None:
    portal.customer(email="taken@example.com")
    set_up(portal, **settings)
    assert add(portal, **values).status_code == 302
    assert len(portal.rows(Customer, Customer.status == Status.IN_STORE)) == 1
    assert portal.rows(Mail) == []


@pytest.mark.parametrize(
    "values", [{"email": "nobody"}, {"phone": "no number"}, {"first_name": "", "last_name": ""}]
)
def test_what_will_not_do_makes_no_record(portal: Portal, values: dict[str, str]) -> None:
    assert add(portal, **values).status_code == 422
    assert (portal.rows(Customer), portal.rows(Mail)) == ([], [])


# -- the daily ceiling --------------------------------------------------------------------------------------------


def test_beyond_the_ceiling_no_mail_goes_out_and_staff_see_why(
    portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    set_up(portal, portal_mails_a_day=3)
    admin = portal.staff("Admin")
    assert admin.get("/readyz").json["portal_mail_stopped"] is False
    for n in range(6):
        portal.visitor(f"10.0.{n}.1").post("/register/", {"email": f"somebody{n}@example.com"})
    with caplog.at_level(logging.WARNING, logger="actions.portal.mail_ceiling"):
        assert len(portal.work()) == 3
    assert len([record for record in caplog.records if "portal_mails_a_day" in record.getMessage()]) == 1
    told = admin.get("/readyz").json
    assert (told["status"], told["portal_mail_stopped"]) == ("degraded", True)
    assert "The portal sends no more emails today" in admin.get("/admin/").text
    portal.clock.move(hours=24)
    assert admin.get("/readyz").json["portal_mail_stopped"] is False
    portal.visitor().post("/register/", {"email": "late@example.com"})
    assert [mail.recipient for mail in portal.work()] == ["late@example.com"], "what was dropped stays so"


def test_the_ceiling_holds_for_new_addresses_and_not_for_staff(portal: Portal) -> None:
    set_up(portal, portal_mails_a_day=1)
    visitor = portal.signed_in(portal.customer(email="mary@example.com"))
    for n in range(2):
        given = {"email": f"new{n}@example.com", "password": "vermilion cart 9"}
        assert visitor.post("/details/email/", given).status_code == 302
    assert len(portal.work()) == 1
    assert invite(portal, in_store(portal)).status_code == 302
    assert len(portal.work()) == 1


# -- hints --------------------------------------------------------------------------------------------------------


def test_there_are_no_hints_unless_the_shop_has_them(portal: Portal) -> None:
    one = in_store(portal, password_hint="from before")
    invite(portal, one)
    portal.work()
    path, _token = portal.link()
    assert "hint" not in portal.visitor().get(path).text
    choose(portal, hint="the animal by the river")
    assert portal.read(Customer.password_hint, Customer.id == one) is None
    portal.work()
    with portal.database.desk.begin() as connection:
        connection.execute(factories.table_of(Customer).update().values(password_hint="from before"))
    portal.visitor().post("/forgotten/", {"email": portal.email(one)})
    (sent,) = portal.work()
    assert "from before" not in sent.text


def test_a_hint_is_in_the_reset_mail_and_in_no_other(portal: Portal) -> None:
    set_up(portal, password_hints=True)
    one = in_store(portal)
    invite(portal, one)
    portal.work()
    assert "Password hint (optional)" in portal.visitor().get(portal.link()[0]).text
    assert choose(portal, hint="  the animal \n by the river ").status_code == 302
    assert portal.read(Customer.password_hint, Customer.id == one) == "the animal by the river"
    assert not [change for change in portal.rows(Change) if "river" in f"{change.before}{change.after}"]
    assert not [mail for mail in portal.work() if "river" in mail.text]
    portal.visitor().post("/forgotten/", {"email": portal.email(one)})
    (sent,) = portal.work()
    assert "Your hint for the password you have: the animal by the river" in sent.text
    assert (
        choose(portal, password="other words entirely 5", again="other words entirely 5").status_code == 302
    )
    assert portal.read(Customer.password_hint, Customer.id == one) is None, "it was about the old password"


@pytest.mark.parametrize(
    ("hint", "says"),
    [
        (f"it is {NEW}!", "The hint contains the password"),
        ("BriskOtter7Lanterns", "The hint contains the password"),
        (NEW[::-1], "The hint contains the password"),
        ("x" * 121, "longer than 120"),
    ],
)
def test_a_hint_that_will_not_do_uses_nothing_up(portal: Portal, hint: str, says: str) -> None:
    set_up(portal, password_hints=True)
    invite(portal, in_store(portal))
    portal.work()
    answer = choose(portal, hint=hint)
    assert answer.status_code == 422
    assert says in answer.text
    assert [link.used_at for link in portal.rows(PortalLink)] == [None]
    assert choose(portal, hint="fine").status_code == 302


def test_who_registers_gives_a_hint_too(portal: Portal) -> None:
    set_up(portal, password_hints=True)
    portal.visitor().post("/register/", {"email": "new@example.com"})
    portal.work()
    path, token = portal.link()
    given = {
        "first_name": "Mary",
        "last_name": "Poole",
        "account_type": "retail",
        "password": NEW,
        "again": NEW,
    }
    for hint, status in ((NEW, 422), ("the animal", 302)):
        sent = {**given, "token": token, "hint": hint}
        assert portal.visitor().post("/register/details/", sent, page=path).status_code == status
    assert portal.read(Customer.password_hint) == "the animal"
    assert [link.kind for link in portal.rows(PortalLink)] == [PortalLinkKind.REGISTRATION]


# -- turning a trade application down -----------------------------------------------------------------------------


@pytest.mark.parametrize("told", [True, False])
def test_the_reason_of_a_rejection_is_told_only_where_staff_tick_it(portal: Portal, told: bool) -> None:
    one = portal.customer(status=Status.PENDING_APPROVAL, account_type="trade", is_active=False)
    given = {"reason": "No company <number>", **({"tell_reason": "y"} if told else {})}
    assert portal.staff("Manager").send(f"/admin/customer/act/reject/?id={one}", given).status_code == 302
    (sent,) = portal.work()
    assert ("The reason: No company <number>" in sent.text) is told
    assert ("No company &lt;number&gt;" in sent.html) is told
