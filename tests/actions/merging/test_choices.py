"""Where merged records differ a person may choose, what gives way is kept, and an undo brings it back (rule 3.4)."""

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from actions.core.journal import CHANGE
from actions.core.merge_summary import MergeChoice
from actions.execution.preview import Preview
from actions.execution.runner import Call, dry_run
from actions.merging.merge import merge
from models import triggers
from models.address import Address
from models.attribute import AttributeValue
from models.base import Base, metadata
from models.customer import Customer
from models.dialect import WRITE
from models.phone import Phone
from models.renamed_fields import former
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import WHY, everything, put_together, take_back, trouble


def seen(desk: Desk, survivor: int, *others: int, take: Any = ()) -> Preview:
    who, given = Call(desk.actor, desk.now), {"others": list(others), "reason": WHY, "take": take}
    return dry_run(desk.engine, merge, who, survivor, **given)


def clashes(desk: Desk, survivor: int, *others: int, take: Any = ()) -> dict[str, MergeChoice]:
    outcome = seen(desk, survivor, *others, take=take).outcome
    assert outcome is not None
    assert outcome.sheet is not None
    return {clash.field: clash for clash in outcome.sheet.clashes}


def person(desk: Desk, tag: str, **values: Any) -> int:
    """A customer whose every value that may clash says whose it is."""
    number = factories.number()
    customer = desk.customer(
        first_name=f"First {tag}", last_name=f"Last {tag}", email=f"{tag}{number}@example.com",
        loyalty_code=f"CARD-{tag}-{number}", account_code=f"ACC-{tag}-{number}", **values,
    )  # fmt: skip
    for line in ("1 Mill Lane", "2 Canal St"):
        desk.create(Address, customer_id=customer, line1=f"{line} {tag}", country="GB", postcode="LS1 1AA")
    desk.create(Phone, customer_id=customer, number=f"020 7946 0{number % 1000:03}", is_primary=True)
    return customer


def held(desk: Desk, customer: int) -> dict[str, Any]:
    """What the merge may choose of, as the customer has it."""
    row = desk.of(customer)
    (address,) = (a for a in desk.all(Address, customer_id=customer) if a.is_primary)
    (phone,) = (p for p in desk.all(Phone, customer_id=customer) if p.is_primary)
    fields = ("first_name", "last_name", "email", "loyalty_code", "account_code", "email_verified_at")
    return {
        **{name: getattr(row, name) for name in fields},
        "primary_address": address.id,
        "primary_phone": phone.id,
    }


CHOSEN = ("first_name", "last_name", "email", "loyalty_code", "account_code", "primary_address", "primary_phone")  # fmt: skip


@pytest.mark.parametrize("name", CHOSEN)
def test_the_other_records_value_is_taken_and_given_back(desk: Desk, name: str) -> None:
    one, two = person(desk, "one"), person(desk, "two", email_verified_at=factories.NOW)
    before, ours, theirs = everything(desk, one, two), held(desk, one), held(desk, two)
    done = put_together(desk, one, two, take=[f"{name}:{two}"])
    together = {"email": ("email", "email_verified_at")}.get(name, (name,))
    assert held(desk, one) == {**ours, **{field: theirs[field] for field in together}}
    if not name.startswith("primary_"):
        kept = [c.before[name] for c in desk.changes(done.changeset_id) if name in (c.before or {})]
        assert ours[name] in kept, "the losing value is kept in the changeset"
    assert trouble(desk, one, two) == []
    assert take_back(desk, done) == []
    assert everything(desk, one, two) == before
    assert trouble(desk, one, two) == []


def test_all_of_it_at_once_from_different_records(desk: Desk) -> None:
    people = [person(desk, tag) for tag in ("one", "two", "three")]
    before, values = everything(desk, *people), [held(desk, customer) for customer in people]
    whose = {name: people[1 + place % 2] for place, name in enumerate(CHOSEN)}
    done = put_together(desk, *people, take=[f"{name}:{customer}" for name, customer in whose.items()])
    after = held(desk, people[0])
    assert {name: after[name] for name in CHOSEN} == {
        name: values[people.index(customer)][name] for name, customer in whose.items()
    }
    assert take_back(desk, done) == []
    assert everything(desk, *people) == before


def test_who_chooses_nothing_gets_what_the_rules_declare(desk: Desk) -> None:
    one, two, three = (person(desk, tag) for tag in ("one", "two", "three"))
    found = clashes(desk, one, two, three)
    assert set(found) == set(CHOSEN)
    assert {clash.taken for clash in found.values()} == {one}
    assert all(list(clash.options) == [one, two, three] for clash in found.values())
    desk.edit(Customer, one, email=None)
    assert clashes(desk, one, two, three)["email"].taken == two, "the first that there is"
    assert clashes(desk, one, two, three, take=[f"email:{three}"])["email"].taken == three
    ours = held(desk, one)
    put_together(desk, one, two, take=[f"{name}:{one}" for name in CHOSEN if name != "email"])
    assert held(desk, one) == {**ours, "email": desk.of(two).email}


def test_attributes_are_chosen_one_by_one(desk: Desk) -> None:
    one, two, three = (desk.customer() for _n in range(3))
    size, colour, same = (desk.make(factories.make_attribute_definition) for _n in range(3))
    for customer, kind, value in (
        (one, size, "a"), (two, size, "b"), (two, colour, "red"), (three, colour, "blue"),
        (one, same, "x"), (two, same, "x"),
    ):  # fmt: skip
        desk.create(AttributeValue, customer_id=customer, definition_id=kind, value=value)
    before = everything(desk, one, two, three)
    assert set(clashes(desk, one, two, three)) & {f"attribute_{k}" for k in (size, colour, same)} == {
        f"attribute_{size}",
        f"attribute_{colour}",
    }
    take = [f"attribute_{size}:{two}", f"attribute_{colour}:{three}"]
    done = put_together(desk, one, two, three, take=take)
    kept = {v.definition_id: v.value for v in desk.all(AttributeValue, customer_id=one)}
    assert kept == {size: "b", colour: "blue", same: "x"}
    assert take_back(desk, done) == []
    assert everything(desk, one, two, three) == before


def test_switches_and_limits_are_chosen_unless_the_stricter_wins(desk: Desk) -> None:
    one = desk.customer(free_delivery=False, credit_limit=5_000, pay_on_account=True, expiry_notices=True)
    two = desk.customer(free_delivery=True, credit_limit=None, pay_on_account=False, expiry_notices=False)
    found = clashes(desk, one, two)
    assert {"free_delivery", "credit_limit"} <= set(found)
    assert not set(found) & {"pay_on_account", "expiry_notices", "is_active", "account_type", "currency"}
    put_together(desk, one, two, take=[f"free_delivery:{two}", f"credit_limit:{two}"])
    row = desk.of(one)
    assert (row.free_delivery, row.credit_limit, row.pay_on_account, row.expiry_notices) == (True, None, False, False)  # fmt: skip


def test_a_limit_in_another_currency_is_not_to_be_chosen(desk: Desk) -> None:
    one, two = desk.customer(credit_limit=5_000), desk.customer(credit_limit=7_000, currency="JPY")
    assert "credit_limit" not in clashes(desk, one, two)


@pytest.mark.parametrize(
    "take",
    ["email", "email:", ":{two}", "email:0", "email:{other}", "points:{two}", "status:{two}", "is_active:{two}",
     "attribute_0:{two}", "gender:{two}", "password_hash:{two}", 5, None, {"email": 5}],
)  # fmt: skip
def test_what_is_no_choice_is_bad_input(desk: Desk, take: Any) -> None:
    one, two, other = person(desk, "one"), person(desk, "two"), desk.customer()
    sent = take.format(two=two, other=other) if isinstance(take, str) else take
    for given in (sent, [sent], [f"last_name:{two}", sent]):
        assert "take" in seen(desk, one, two, take=given).errors, given
    assert "take" in seen(desk, one, two, take=[f"email:{two}", f"email:{one}"]).errors


def test_a_merge_that_was_written_by_older_names_is_taken_back(desk: Desk) -> None:
    one, two = desk.customer(expiry_notices=True), desk.customer(expiry_notices=False)
    done = put_together(desk, one, two)
    assert not desk.of(one).expiry_notices, "who wants no such mail gets none"
    with Session(desk.engine.execution_options(**{WRITE: True})) as session, session.begin():
        stored = session.execute(select(CHANGE).where(CHANGE.c.changeset_id == done.changeset_id)).all()
        older = [(row.id, *(_by_older_names(values) for values in (row.before, row.after))) for row in stored]
        assert "lapse_warnings" in str(older)
        triggers.remove(session.connection())
        for row_id, before, after in older:
            session.execute(update(CHANGE).where(CHANGE.c.id == row_id).values(before=before, after=after))
        triggers.install(session.connection(), metadata, triggers.declared(list(Base.registry.mappers)))
    assert take_back(desk, done) == []
    assert (desk.of(one).expiry_notices, desk.of(two).expiry_notices) == (True, False)


def _by_older_names(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """What an earlier release would have written."""
    older = former("customer")
    return None if values is None else {older.get(name, name): value for name, value in values.items()}
