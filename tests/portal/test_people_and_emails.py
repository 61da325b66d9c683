"""The people on a customer's account and the further addresses of its mail, as the customer keeps them (rule 12.6)."""

import pytest

from actions.customers.contacts import MOST
from models.base import Base
from models.contact import AccountHolder, ContactEmail
from models.customer import Customer
from models.journal import Change, Changeset
from models.saved_card import SavedCard
from tests import factories
from tests.portal.conftest import Portal, Visitor

NORA = {"name": "Nora Lind", "role": "Buyer", "email": "nora@example.com", "phone": "0113 496 0123"}
OFFICE = {"email": "office@example.com", "label": "Office"}


def fields(visitor: Visitor, path: str, **values: str) -> dict[str, str]:
    """What the form at an address would send, with its own key and version."""
    page = visitor.get(path).text
    hidden = {
        name: page.partition(f'type="hidden" name="{name}" value="')[2].partition('"')[0]
        for name in ("key", "version")
    }
    return {**hidden, **values}


def test_somebody_is_added_changed_and_taken_off(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    assert "nobody else on your account" in visitor.get("/people/").text
    assert visitor.post("/people/new/", fields(visitor, "/people/new/", **NORA)).status_code == 302
    (row,) = portal.rows(AccountHolder, AccountHolder.customer_id == one)
    page = visitor.get("/people/").text
    assert all(value in page for value in NORA.values())
    assert "Person added." in page
    path = f"/people/{row.id}/"
    given = fields(visitor, path, **{**NORA, "role": "", "name": "Nora <b>Lind"})
    assert visitor.post(path, given).status_code == 302
    found = portal.rows(AccountHolder)[-1]
    assert (found.name, found.role, found.version) == ("Nora <b>Lind", None, 2)
    assert "Nora &lt;b&gt;Lind" in visitor.get("/people/").text
    assert "Take this person off your account?" in visitor.get(f"{path}delete/").text
    assert visitor.post(f"{path}delete/").status_code == 302
    assert portal.rows(AccountHolder, AccountHolder.customer_id == one) == []
    done = portal.rows(Changeset, Changeset.on_behalf_of_id == one, Changeset.action.like("account_holder.%"))
    assert [row.action.partition(".")[2] for row in done] == ["create", "edit", "delete"]
    assert {row.actor_id for row in done} == {None}


def test_a_form_sent_twice_counts_once_and_an_old_one_changes_nothing(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    given = fields(visitor, "/people/new/", **NORA)
    for _n in range(2):
        assert visitor.post("/people/new/", given).status_code == 302
    (row,) = portal.rows(AccountHolder, AccountHolder.customer_id == one)
    path = f"/people/{row.id}/"
    old = fields(visitor, path, **{**NORA, "name": "From an old form"})
    visitor.post(path, fields(visitor, path, **{**NORA, "name": "Nora Berg"}))
    answer = visitor.post(path, old)
    assert answer.status_code == 409
    assert "was changed while you were editing it" in answer.text
    for version in ("", "x", "-1", "9" * 40, "٣"):
        assert visitor.post(path, {**old, "version": version}).status_code == 400
    assert portal.read(AccountHolder.name, AccountHolder.id == row.id) == "Nora Berg"


def test_an_address_is_added_once_and_taken_off(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    assert "no additional email addresses" in visitor.get("/emails/").text
    assert visitor.post("/emails/new/", fields(visitor, "/emails/new/", **OFFICE)).status_code == 302
    again = visitor.post("/emails/new/", fields(visitor, "/emails/new/", email="OFFICE@example.com"))
    assert again.status_code == 422
    assert "already there" in again.text
    assert 'value="OFFICE@example.com"' in again.text
    (row,) = portal.rows(ContactEmail, ContactEmail.customer_id == one)
    assert "Stop sending emails to this address?" in visitor.get(f"/emails/{row.id}/delete/").text
    assert visitor.post(f"/emails/{row.id}/delete/").status_code == 302
    assert portal.rows(ContactEmail, ContactEmail.customer_id == one) == []


BAD = [
    ("/people/new/", {**NORA, "name": ""}, "Enter the person"), ("/people/new/", {**NORA, "email": "nobody"}, "Enter an email address"),
    ("/people/new/", {**NORA, "phone": "call me"}, "Enter a phone number"), ("/people/new/", {**NORA, "name": "x" * 161}, "160 characters"),
    ("/people/new/", {**NORA, "role": "a\x07b"}, "invisible characters"), ("/emails/new/", {**OFFICE, "email": ""}, "Enter an email"),
    ("/emails/new/", {**OFFICE, "email": "a@example.com\nBcc: b@example.com"}, "email"), ("/emails/new/", {"label": "Office"}, "Enter an email"),
    ("/emails/new/", {**OFFICE, "label": "x" * 61}, "60 characters"),
    *(("/people/new/", {**NORA, field: "4242 4242 4242 4242"}, "looks like a card number") for field in ("name", "role", "phone")),
    ("/people/new/", {**NORA, "email": "4242424242424242@example.com"}, "looks like a card number"),
    ("/emails/new/", {**OFFICE, "email": "4242424242424242@example.com"}, "looks like a card number"),
    ("/emails/new/", {**OFFICE, "label": "4242-4242-4242-4242"}, "looks like a card number"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "given", "told"), BAD)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_written(
    portal: Portal, path: str, given: dict[str, str], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = portal.signed_in(portal.customer())
    before = len(portal.rows(Changeset))
    answer = visitor.post(path, fields(visitor, path, **given))
    assert answer.status_code == 422
    assert told in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert answer.text.count('class="wrong"') == 1
    assert len(portal.rows(Changeset)) == before
    assert "4242 4242" not in caplog.text


@pytest.mark.parametrize(
    ("path", "model", "other"),
    [("/people/new/", AccountHolder, NORA), ("/emails/new/", ContactEmail, OFFICE)],
)
def test_the_customer_is_never_one_that_the_form_names(
    portal: Portal, path: str, model: type[Base], other: dict[str, str]
) -> None:
    one, victim = portal.customer(), portal.customer()
    visitor = portal.signed_in(one)
    extra = {"customer_id": str(victim), "customer": str(victim), "id": "1", "is_default": "1"}
    assert visitor.post(path, fields(visitor, path, **other, **extra)).status_code == 302
    assert [row.customer_id for row in portal.rows(model, model.customer_id.in_([one, victim]))] == [one]


def test_there_is_an_end_to_how_many(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        for _n in range(MOST):
            factories.make_contact_email(session, customer_id=one)
    visitor = portal.signed_in(one)
    answer = visitor.post("/emails/new/", fields(visitor, "/emails/new/", **OFFICE))
    assert answer.status_code == 409
    assert f"There are {MOST} already. Remove one first." in answer.text


@pytest.mark.parametrize("gone", [{"is_active": False}, {"anonymised_at": factories.NOW}])
def test_who_may_no_longer_be_there_changes_nothing(portal: Portal, gone: dict) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        card = factories.make_saved_card(session, customer_id=one).id
    visitor = portal.signed_in(one)
    given = {**fields(visitor, "/people/new/", **NORA), "csrf_token": visitor.token("/people/new/")}
    with portal.arrange() as session:
        for name, value in gone.items():
            setattr(session.get_one(Customer, one), name, value)
    for path in ("/people/new/", "/emails/new/", f"/cards/{card}/delete/", f"/cards/{card}/default/"):
        answer = visitor.client.post(f"/portal{path}", data=given)
        assert answer.status_code in (302, 400), path
        assert answer.status_code == 400 or "/sign-in/" in answer.headers["Location"]
    assert portal.rows(AccountHolder, AccountHolder.customer_id == one) == []
    assert len(portal.rows(SavedCard, SavedCard.customer_id == one)) == 1


def test_what_a_customer_typed_is_in_the_journal_of_their_record(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    visitor.post("/emails/new/", fields(visitor, "/emails/new/", **OFFICE))
    (change,) = portal.rows(Change, Change.table_name == "contact_email", Change.customer_id == one)
    assert change.after["email"] == "office@example.com"
