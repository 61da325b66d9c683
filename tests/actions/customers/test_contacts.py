"""People on an account, and the further addresses of its mail: each address once, a few of each, whose they are (rule 12.6)."""

import datetime as dt

import pytest

from actions.core.base import Actor, Invalid, Missing, Refused
from actions.customers import contacts
from actions.execution.runner import Call, perform
from actions.undo.undo import undo
from models.base import Base
from models.contact import AccountHolder, ContactEmail
from models.mail import Mail
from models.personal import policy
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together

NUMBER = "4242-4242-4242-4242"
WHOLE: dict[type[Base], dict[str, str]] = {
    AccountHolder: {"name": "Nora Lind"},
    ContactEmail: {"email": "office@example.com"},
}
BOTH = pytest.mark.parametrize("model", [AccountHolder, ContactEmail])


def emails(desk: Desk, customer: int) -> list[str]:
    return [row.email for row in desk.all(ContactEmail, customer_id=customer)]


def test_an_address_stands_once_on_an_account_however_it_is_written(desk: Desk) -> None:
    one, other = desk.customer(), desk.customer()
    first = desk.create(ContactEmail, customer_id=one, email="office@example.com")
    second = desk.create(ContactEmail, customer_id=one, email="cellar@example.com")
    for same in ("office@example.com", "Office@Example.com"):
        with pytest.raises(Invalid) as invalid:
            desk.create(ContactEmail, customer_id=one, email=same)
        assert invalid.value.errors == {"email": contacts.THERE}
        with pytest.raises(Invalid) as invalid:
            desk.edit(ContactEmail, second, email=same)
        assert "email" in invalid.value.errors
    desk.edit(ContactEmail, first, email="OFFICE@example.com", label="Office")
    desk.create(ContactEmail, customer_id=other, email="office@example.com")
    assert emails(desk, one) == ["OFFICE@example.com", "cellar@example.com"]


@BOTH
def test_there_are_a_few_of_each_and_no_crowd(desk: Desk, model: type[Base]) -> None:
    customer, (name, text) = desk.customer(), next(iter(WHOLE[model].items()))
    rows = [desk.create(model, customer_id=customer, **{name: f"{n}{text}"}) for n in range(contacts.MOST)]
    with pytest.raises(Refused) as refused:
        desk.create(model, customer_id=customer, **WHOLE[model])
    assert refused.value.code == "too_many"
    desk.edit(model, rows[0], **WHOLE[model])
    desk.delete(model, rows[0])
    desk.create(model, customer_id=customer, **WHOLE[model])


@pytest.mark.parametrize(
    ("model", "field"),
    [(AccountHolder, "name"), (AccountHolder, "role"), (AccountHolder, "email"), (AccountHolder, "phone"),
     (ContactEmail, "email"), (ContactEmail, "label")],
)  # fmt: skip
def test_the_number_of_a_card_is_refused_in_every_text(desk: Desk, model: type[Base], field: str) -> None:
    customer = desk.customer()
    given = f"{NUMBER.replace('-', '')}@example.com" if field == "email" else NUMBER
    row = desk.create(model, customer_id=customer, **WHOLE[model])
    before = desk.get(model, row).version
    for save in (
        lambda: desk.create(model, customer_id=desk.customer(), **{**WHOLE[model], field: given}),
        lambda: desk.edit(model, row, **{field: given}),
    ):
        with pytest.raises(Invalid) as invalid:
            save()
        assert list(invalid.value.errors) == [field]
        assert NUMBER not in str(invalid.value)
    assert desk.get(model, row).version == before


@pytest.mark.parametrize(
    ("model", "values", "field"),
    [(AccountHolder, {"name": ""}, "name"), (AccountHolder, {"name": "A", "email": "nobody"}, "email"),
     (AccountHolder, {"name": "A", "phone": "call me"}, "phone"), (AccountHolder, {"name": "A" * 161}, "name"),
     (ContactEmail, {"email": ""}, "email"), (ContactEmail, {"email": "a@b\nc@d.com"}, "email"), (ContactEmail, {}, "email"),
     (ContactEmail, {"email": "a@example.com", "label": "x" * 61}, "label")],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_field(desk: Desk, model: type[Base], values, field: str) -> None:
    with pytest.raises(Invalid) as invalid:
        desk.create(model, customer_id=desk.customer(), **values)
    assert list(invalid.value.errors) == [field]


@BOTH
def test_they_stay_with_their_customer_and_are_taken_back_by_an_undo(desk: Desk, model: type[Base]) -> None:
    one, other = desk.customer(), desk.customer()
    made = desk.do_create(model, customer_id=one, **WHOLE[model])
    with pytest.raises(Invalid) as invalid:
        desk.edit(model, made.record_id, customer_id=other)
    assert "customer" in invalid.value.errors
    gone = desk.delete(model, made.record_id)
    desk.do(undo, gone.changeset_id)
    assert [row.id for row in desk.all(model, customer_id=one)] == [made.record_id]


@BOTH
def test_in_a_portal_a_customer_reaches_and_makes_nothing_of_anybody_elses(
    desk: Desk, model: type[Base]
) -> None:
    mine, theirs = desk.customer(), desk.customer()
    row = desk.create(model, customer_id=theirs, **WHOLE[model])
    call = Call(Actor(None, "customer", mine), desk.now)
    add, edit, remove = {
        AccountHolder: (contacts.ADD_PERSON, contacts.EDIT_PERSON, contacts.REMOVE_PERSON),
        ContactEmail: (contacts.ADD_EMAIL, contacts.EDIT_EMAIL, contacts.REMOVE_EMAIL),
    }[model]
    with pytest.raises(
        Missing if model is AccountHolder else Refused
    ):  # the portal changes no further address
        perform(desk.engine, edit, call, row, values=WHOLE[model], version=None)
    with pytest.raises(Missing):
        perform(desk.engine, remove, call, row)
    for whose in (theirs, mine, 10**9, None):
        with pytest.raises(Refused, match="portal"):
            perform(desk.engine, add, call, values={"customer_id": whose, **WHOLE[model]})
    done = perform(desk.engine, add, call, values=WHOLE[model])
    with pytest.raises(Refused, match="portal"):
        perform(desk.engine, edit, call, done.record_id, values={"customer_id": theirs}, version=None)
    assert [found.customer_id for found in desk.all(model)][-1] == mine


def test_staff_logged_in_as_a_customer_keep_the_people_and_not_the_addresses(desk: Desk) -> None:
    customer = desk.customer()
    call = Call(Actor(desk.actor.id, desk.actor.name, customer), desk.now)
    perform(desk.engine, contacts.ADD_PERSON, call, values=WHOLE[AccountHolder])
    email = desk.create(ContactEmail, customer_id=customer, **WHOLE[ContactEmail])
    for action, target, given in (
        (contacts.ADD_EMAIL, None, {"values": {"email": "mine@shop.example"}}),
        (contacts.EDIT_EMAIL, email, {"values": {"email": "mine@shop.example"}, "version": None}),
        (contacts.REMOVE_EMAIL, email, {}),
    ):
        with pytest.raises(Refused) as refused:
            perform(desk.engine, action, call, target, **given)
        assert refused.value.code == "not_in_portal"
    assert emails(desk, customer) == ["office@example.com"]


def test_a_merge_moves_people_and_keeps_each_address_once(desk: Desk) -> None:
    survivor, other = desk.customer(), desk.customer()
    own = desk.create(ContactEmail, customer_id=survivor, email="office@example.com", label="Ours")
    desk.create(ContactEmail, customer_id=other, email="OFFICE@example.com")
    desk.create(ContactEmail, customer_id=other, email=f"more{factories.number()}@example.com")
    for customer in (survivor, other):
        desk.create(AccountHolder, customer_id=customer, name="Nora Lind")
    done = put_together(desk, survivor, other)
    assert own in [row.id for row in desk.all(ContactEmail, customer_id=survivor)]
    assert len(emails(desk, survivor)) == 2
    assert len(desk.all(AccountHolder, customer_id=survivor)) == 2
    desk.do(undo, done.changeset_id)
    assert emails(desk, survivor) == ["office@example.com"]
    assert sorted(emails(desk, other))[0] == "OFFICE@example.com"
    assert len(emails(desk, other)) == 2
    assert len(desk.all(AccountHolder, customer_id=other)) == 1


# -- confirming ---------------------------------------------------------------------------------------------------


def confirmed_at(desk: Desk, row: int) -> dt.datetime | None:
    return desk.get(ContactEmail, row).confirmed_at


def test_what_staff_write_counts_as_confirmed_by_them_and_nobody_is_mailed(desk: Desk) -> None:
    customer = desk.customer()
    row = desk.create(ContactEmail, customer_id=customer, email="office@example.com")
    assert confirmed_at(desk, row) == desk.now
    waits = desk.make(factories.make_contact_email, customer_id=customer, confirmed_at=None)
    desk.later(days=1)
    desk.edit(ContactEmail, row, label="Office")
    desk.edit(ContactEmail, waits, label="Office")
    assert (confirmed_at(desk, row), confirmed_at(desk, waits)) == (desk.now - dt.timedelta(days=1), None)
    for one in (row, waits):
        desk.edit(ContactEmail, one, email=f"cellar{one}@example.com")
        assert confirmed_at(desk, one) == desk.now
    assert desk.all(Mail, customer_id=customer) == []


def test_no_form_says_that_an_address_is_confirmed(desk: Desk) -> None:
    assert policy(factories.table_of(ContactEmail).c.confirmed_at).written_by == "action"


def test_staff_confirm_an_address_once_and_say_why(desk: Desk) -> None:
    row = desk.make(factories.make_contact_email, confirmed_at=None)
    for reason in ("", "ok", " \n x "):
        with pytest.raises(Invalid) as invalid:
            desk.do(contacts.confirm, row, reason=reason)
        assert list(invalid.value.errors) == ["reason"]
    done = desk.do(contacts.confirm, row, reason="They rang")
    assert confirmed_at(desk, row) == desk.now
    assert [set(change.after or {}) for change in desk.changes(done.changeset_id)] == [
        {"confirmed_at", "version"}
    ]
    with pytest.raises(Refused) as refused:
        desk.do(contacts.confirm, row, reason="They rang")
    assert refused.value.code == "confirmed"
    desk.do(undo, done.changeset_id)
    assert confirmed_at(desk, row) is None


@pytest.mark.parametrize("whose", ["survivor", "other", "both", "nobody"])
def test_of_the_same_address_on_two_records_the_confirmed_one_wins(desk: Desk, whose: str) -> None:
    survivor, other, earlier = desk.customer(), desk.customer(), desk.now - dt.timedelta(days=9)
    at = {
        customer: earlier if whose in (name, "both") else None
        for customer, name in ((survivor, "survivor"), (other, "other"))
    }
    email = f"same{factories.number()}@example.com"
    for customer, same in ((survivor, email), (other, email.upper())):
        desk.make(factories.make_contact_email, customer_id=customer, email=same, confirmed_at=at[customer])
    done = put_together(desk, survivor, other)
    (kept,) = desk.all(ContactEmail, customer_id=survivor)
    assert (kept.email, kept.confirmed_at) == (email, None if whose == "nobody" else earlier)
    desk.do(undo, done.changeset_id)
    for customer in (survivor, other):
        (row,) = desk.all(ContactEmail, customer_id=customer)
        assert row.confirmed_at == at[customer]


@pytest.mark.parametrize("at", [None, factories.NOW])
def test_a_removal_that_is_undone_brings_an_address_back_as_it_was(
    desk: Desk, at: dt.datetime | None
) -> None:
    desk.later(days=2)
    row = desk.make(factories.make_contact_email, confirmed_at=at)
    desk.do(undo, desk.delete(ContactEmail, row).changeset_id)
    assert confirmed_at(desk, row) == at


def test_an_undo_of_another_address_brings_back_whether_it_was_confirmed(desk: Desk) -> None:
    row = desk.make(factories.make_contact_email, email="typo@example.com", confirmed_at=None)
    done = desk.edit(ContactEmail, row, email="right@example.com")
    assert confirmed_at(desk, row) == desk.now
    desk.do(undo, done.changeset_id)
    assert (desk.get(ContactEmail, row).email, confirmed_at(desk, row)) == ("typo@example.com", None)
