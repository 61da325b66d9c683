"""What customers change of their own: addresses, details, phones, consent; and what comes of two who do (rules 6.7, 6.8)."""

import re
import threading
from typing import Any

import pytest

from actions.core.actors import Actor
from actions.core.base import Portal as Who
from actions.core.base import Refused
from actions.execution.records import record_actions
from actions.execution.runner import Call, perform
from actions.portal.details import change_details, choose_points_emails
from models.address import Address
from models.choices import AccountType
from models.customer import Customer
from models.journal import Changeset
from models.phone import Phone
from tests import factories
from tests.portal.conftest import Portal, Visitor
from tests.portal.test_getting_in import end_by

HIDDEN = re.compile(r'name="(version|key)" value="([^"]*)"')
ADDRESS = {"line1": "1 High Street", "town": "York", "postcode": "yo1 7hh", "country": "GB"}
WHO = {"first_name": "Rashida", "last_name": "Karim", "language": "de"}


def opened(visitor: Visitor, path: str) -> dict[str, str]:
    """What the form of a page carries, its token among it."""
    page = visitor.get(path)
    assert page.status_code == 200
    return {**dict(HIDDEN.findall(page.text)), "csrf_token": visitor.token(path)}


def send(visitor: Visitor, path: str, form: dict[str, str], **typed: str) -> Any:
    """Send a form that was opened before."""
    return visitor.client.post(f"/portal{path}", data={**form, **typed})


# -- addresses ----------------------------------------------------------------------------------------------------


def test_an_address_is_added_once_edited_made_primary_and_deleted(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    form = opened(visitor, "/addresses/new/")
    for _twice in range(2):
        assert send(visitor, "/addresses/new/", form, **ADDRESS).status_code == 302
    (first,) = portal.rows(Address)
    assert (first.customer_id, first.postcode, first.is_primary) == (one, "YO1 7HH", True)
    form = opened(visitor, "/addresses/new/")
    send(visitor, "/addresses/new/", form, **{**ADDRESS, "line1": "2 High Street"})
    second = portal.rows(Address)[1]
    assert visitor.post(f"/addresses/{second.id}/primary/", page="/addresses/").status_code == 302
    path = f"/addresses/{first.id}/"
    assert send(visitor, path, opened(visitor, path), **{**ADDRESS, "label": "Old home"}).status_code == 302
    assert "Old home" in visitor.get("/addresses/").text
    assert "Delete this address?" in visitor.get(f"{path}delete/").text
    assert len(portal.rows(Address)) == 2, "asking deletes nothing"
    assert visitor.post(f"{path}delete/").status_code == 302
    (left,) = portal.rows(Address)
    assert (left.id, left.is_primary) == (second.id, True)


def test_a_change_is_the_customers_in_the_journal_and_in_activity(portal: Portal) -> None:
    one = portal.customer(first_name="Nasreen", last_name="Ali")
    visitor = portal.signed_in(one)
    send(visitor, "/addresses/new/", opened(visitor, "/addresses/new/"), **ADDRESS)
    (event,) = portal.rows(Changeset, Changeset.action == "address.create")
    assert (event.actor_id, event.actor_name, event.on_behalf_of_id) == (None, "customer", one)
    support, whom = portal.staff("Admin"), f'href="/admin/customer/details/?id={one}"'
    for path in (f"/admin/changeset/details/?id={event.id}", "/admin/changeset/"):
        page = support.get(path).text
        assert whom in page, path
        assert "Nasreen Ali" in page, path
        assert "on behalf of" not in page, path


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer())
    form = opened(visitor, "/addresses/new/")
    answer = send(visitor, "/addresses/new/", form, line1="", town="Yörk", postcode="nonsense", country="GB")
    assert answer.status_code == 422
    assert 'id="line1-error"' in answer.text
    assert 'id="postcode-error"' in answer.text
    assert 'value="Yörk"' in answer.text
    assert portal.rows(Address) == []


@pytest.mark.parametrize("name", ["is_billing", "is_admin", "customer_id", "is_primary", "version"])
def test_no_form_writes_what_is_for_staff_to_say(portal: Portal, name: str) -> None:
    one, other = portal.customer(), portal.customer()
    visitor = portal.signed_in(one)
    form = opened(visitor, "/addresses/new/")
    send(visitor, "/addresses/new/", form, **{**ADDRESS, name: str(other)})
    (row,) = portal.rows(Address)
    assert (row.customer_id, row.is_billing, row.is_admin, row.version) == (one, False, False, 1)
    call = Call(Actor(None, "customer", one), portal.clock())
    with pytest.raises(Refused) as refused:
        perform(portal.database.desk, record_actions(Address)[0], call, values={**ADDRESS, name: 1})
    assert refused.value.code == "not_in_portal"


def test_an_address_that_papers_go_to_is_not_deleted_by_the_customer(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        row = factories.make_address(session, customer_id=one, is_billing=True, is_primary=True).id
    visitor = portal.signed_in(one)
    answer = visitor.post(f"/addresses/{row}/delete/", follow_redirects=True)
    assert "Contact us before you delete it" in answer.text
    assert len(portal.rows(Address)) == 1


def test_there_are_fifty_addresses_at_most(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        for n in range(50):
            factories.make_address(session, customer_id=one, is_primary=n == 0)
    visitor = portal.signed_in(one)
    answer = send(visitor, "/addresses/new/", opened(visitor, "/addresses/new/"), **ADDRESS)
    assert answer.status_code == 409
    assert "up to 50 addresses" in answer.text
    assert 'value="1 High Street"' in answer.text
    assert visitor.get("/addresses/").text.count("/delete/") == 21


def staff_edit(portal: Portal, model: Any, row_id: int, **values: Any) -> None:
    """Somebody else saves a row."""
    perform(
        portal.database.desk, record_actions(model)[1], Call(Actor(None, "system"), portal.clock()), row_id,
        values=values, version=None,
    )  # fmt: skip


def test_a_stale_address_is_shown_with_both_and_nothing_is_lost(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        row = factories.make_address(session, customer_id=one, is_primary=True).id
    visitor, path = portal.signed_in(one), f"/addresses/{row}/"
    form = opened(visitor, path)
    staff_edit(portal, Address, row, town="Bradford")
    answer = send(visitor, path, form, **ADDRESS)
    assert answer.status_code == 409
    for told in ("now: Bradford", "you entered: York", 'value="York"'):
        assert told in answer.text, told
    assert portal.read(Address.town) == "Bradford"
    again = {**dict(HIDDEN.findall(answer.text)), "csrf_token": form["csrf_token"]}
    assert send(visitor, path, again, **ADDRESS).status_code == 302
    assert portal.read(Address.town) == "York"


def test_what_nobody_touched_in_the_form_is_no_hindrance(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        row = factories.make_address(session, customer_id=one, is_primary=True).id
    visitor, path = portal.signed_in(one), f"/addresses/{row}/"
    form = opened(visitor, path)
    staff_edit(portal, Address, row, is_billing=True)
    assert send(visitor, path, form, **ADDRESS).status_code == 302
    (kept,) = portal.rows(Address)
    assert (kept.town, kept.is_billing) == ("York", True)


def test_two_who_wrote_the_same_are_of_one_mind(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        row = factories.make_address(session, customer_id=one, is_primary=True).id
    visitor, path = portal.signed_in(one), f"/addresses/{row}/"
    form = opened(visitor, path)
    staff_edit(portal, Address, row, town="York")
    assert send(visitor, path, form, **ADDRESS).status_code == 302
    assert portal.read(Address.line1) == "1 High Street"


@pytest.mark.parametrize("form", [{}, {"version": "x"}, {"version": "9" * 30}, {"key": "\x7f"}])
def test_a_form_without_what_it_carried_is_refused(portal: Portal, form: dict[str, str]) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        row = factories.make_address(session, customer_id=one, is_primary=True).id
    visitor = portal.signed_in(one)
    for path in (f"/addresses/{row}/", "/addresses/new/", "/details/", "/details/phones/new/"):
        assert visitor.post(path, {**ADDRESS, **form}).status_code == 400, path
    assert [a.town for a in portal.rows(Address)] == ["Leeds"]


JUNK = ["x" * 5_000, "\x01", "' OR 1=1 --", "<script>", "\u202e", "\u0663", "null", "-1"]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_any_field_is_answered_by_a_page(portal: Portal, junk: str) -> None:
    visitor = portal.signed_in(portal.customer())
    for path, names in (
        ("/addresses/new/", ("label", "line1", "postcode", "country")),
        ("/details/", ("title", "date_of_birth", "gender", "language", "first_name")),
        ("/details/phones/new/", ("kind", "number", "extension", "country")),
    ):
        for name in names:
            form = opened(visitor, path)
            answer = send(visitor, path, form, **{**ADDRESS, **WHO, "number": "0113 496 0123", name: junk})
            assert answer.status_code in (302, 422), (path, name)
            assert "<script>" not in answer.text


# -- details ------------------------------------------------------------------------------------------------------


def test_details_are_changed(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    form = opened(visitor, "/details/")
    given = {**WHO, "gender": "female", "date_of_birth": "1985-03-27", "email": "evil@example.com"}
    assert send(visitor, "/details/", form, **given).status_code == 302
    (row,) = portal.rows(Customer)
    assert (row.first_name, row.gender, str(row.date_of_birth), row.language) == (
        "Rashida", "female", "1985-03-27", "de",
    )  # fmt: skip
    assert row.email != "evil@example.com"
    (event,) = portal.rows(Changeset, Changeset.action == "customer.change_details")
    assert (event.actor_id, event.on_behalf_of_id, event.subject_id) == (None, one, one)
    page = visitor.get("/details/").text
    for told in ('value="1985-03-27"', 'selected value="female"', 'selected value="de"', row.email):
        assert told in page, told


def test_only_a_business_has_the_names_of_one(portal: Portal) -> None:
    retail, trade = portal.customer(), portal.customer(account_type=AccountType.TRADE)
    visitor = portal.signed_in(retail)
    assert 'name="company_name"' not in visitor.get("/details/").text
    send(visitor, "/details/", opened(visitor, "/details/"), **WHO, company_name="Acme")
    assert portal.read(Customer.company_name, Customer.id == retail) is None
    with pytest.raises(Exception, match="trade"):
        perform(
            portal.database.desk, change_details, Call(Actor(None, "customer", retail), portal.clock()), retail,
            version=2, company_name="Acme",
        )  # fmt: skip
    visitor = portal.signed_in(trade)
    send(visitor, "/details/", opened(visitor, "/details/"), **WHO, company_name="Acme")
    assert portal.read(Customer.company_name, Customer.id == trade) == "Acme"


def test_stale_details_are_shown_with_both(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    form = opened(visitor, "/details/")
    end_by(portal, one, last_name="Elsewhere")
    answer = send(visitor, "/details/", form, **WHO)
    assert answer.status_code == 409
    for told in ("now: Elsewhere", "you entered: Karim", 'value="Rashida"'):
        assert told in answer.text, told
    end_by(portal, one, free_delivery=True)
    again = {**dict(HIDDEN.findall(answer.text)), "csrf_token": form["csrf_token"]}
    assert send(visitor, "/details/", again, **WHO).status_code == 302, "which is none of this form"


def test_a_language_that_is_not_on_offer_is_kept(portal: Portal) -> None:
    one = portal.customer(language="gsw")
    visitor = portal.signed_in(one)
    assert 'selected value="gsw"' in visitor.get("/details/").text


def test_consent_is_the_customers_alone(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    assert visitor.post("/details/points-emails/", {}, page="/details/").status_code == 302
    assert portal.read(Customer.expiry_notices) is False
    assert choose_points_emails.portal is Who.CUSTOMER
    staff = Call(Actor(1, "Mary Kaur", one), portal.clock())
    with pytest.raises(Refused) as refused:
        perform(portal.database.desk, choose_points_emails, staff, one, wanted=True)
    assert refused.value.code == "not_in_portal"
    assert portal.read(Customer.expiry_notices) is False
    visitor.post("/details/points-emails/", {"wanted": "y"}, page="/details/")
    assert portal.read(Customer.expiry_notices) is True


# -- phones -------------------------------------------------------------------------------------------------------


def test_a_phone_is_added_edited_and_removed(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    given = {"kind": "work", "number": "0113 496 0123", "country": "GB"}
    form = opened(visitor, "/details/phones/new/")
    for _twice in range(2):
        assert send(visitor, "/details/phones/new/", form, **given).status_code == 302
    (phone,) = portal.rows(Phone)
    assert (phone.customer_id, phone.kind, phone.is_primary) == (one, "work", True)
    path = f"/details/phones/{phone.id}/"
    assert "Work" in visitor.get("/details/").text
    wrong = send(visitor, path, opened(visitor, path), **{**given, "number": "12"})
    assert wrong.status_code == 422
    assert 'value="12"' in wrong.text
    given |= {"extension": "204", "is_primary": "y"}
    assert send(visitor, path, opened(visitor, path), **given).status_code == 302
    assert portal.read(Phone.extension) == "204"
    assert visitor.post(f"{path}delete/").status_code == 302
    assert portal.rows(Phone) == []


def test_staff_undo_what_a_customer_changed(portal: Portal) -> None:
    from actions.core.base import SYSTEM
    from actions.undo.undo import undo

    one = portal.customer(first_name="Rashid")
    visitor = portal.signed_in(one)
    send(visitor, "/details/", opened(visitor, "/details/"), **WHO)
    send(visitor, "/addresses/new/", opened(visitor, "/addresses/new/"), **ADDRESS)
    visitor.post(f"/addresses/{portal.read(Address.id)}/delete/")
    done = portal.rows(Changeset, Changeset.action.in_(("customer.change_details", "address.delete")))
    for event in reversed(done):
        perform(portal.database.desk, undo, Call(SYSTEM, portal.clock()), event.id)
    assert portal.read(Customer.first_name) == "Rashid"
    assert [a.line1 for a in portal.rows(Address)] == ["1 High Street"]
    assert len(done) == 2


def test_nothing_is_opened_to_customers_but_what_is_listed_here() -> None:
    from actions.core.base import ACTIONS

    opened_ones = {code for code, declared in ACTIONS.items() if declared.portal is not None}
    whole = ("address", "phone", "account_holder")
    rows = {f"{noun}.{verb}" for noun in whole for verb in ("create", "edit", "delete")}
    of_their_own = {
        "address.make_primary",
        "contact_email.create",
        "contact_email.delete",
        "contact_email.send_link",
        "customer.ask_email_change",
        "customer.change_details",
        "customer.choose_points_emails",
        "portal_session.end_own",
        "saved_card.delete",
        "saved_card.make_default",
        "saved_card.set_expiry",
    }
    assert opened_ones == rows | of_their_own


@pytest.mark.both_databases
def test_two_who_save_at_once_lose_nothing(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        row = factories.make_address(session, customer_id=one, is_primary=True).id
    first, second, path = portal.signed_in(one), portal.signed_in(one), f"/addresses/{row}/"
    forms = opened(first, path), opened(second, path)
    typed = {**ADDRESS, "town": "York"}, {**ADDRESS, "town": "Hull"}
    found: list[int] = []

    def save(visitor: Visitor, form: dict[str, str], values: dict[str, str]) -> None:
        found.append(send(visitor, path, form, **values).status_code)

    threads = [
        threading.Thread(target=save, args=each)
        for each in zip((first, second), forms, typed, strict=True)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [302, 409]
