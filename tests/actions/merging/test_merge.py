"""Merging customers: everything goes to the survivor, nothing is lost, and it can all be taken back (rule 3)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from actions.core.base import Missing, Outcome, Refused
from actions.customers.reassignment import ONE_EACH, model_of, moved_columns
from actions.execution.runner import Call, dry_run, perform
from actions.ledgers.accounts import pay, raise_invoice, void_invoice
from actions.ledgers.credit import adjust as adjust_credit
from actions.ledgers.loyalty import adjust
from actions.maintenance.verify import verify
from actions.merging.merge import merge
from actions.undo.undo import undo
from models.account import AccountEntry, Invoice
from models.address import Address
from models.attribute import AttributeValue
from models.base import Invalid, metadata
from models.choices import AccountType, Status
from models.credit import CreditEntry
from models.customer import Customer
from models.loyalty import LoyaltyEntry, LoyaltyLot
from models.note import Note
from models.order import ExternalId, Order
from models.personal import policy
from models.phone import Phone
from models.search import customer_ids
from tests import factories
from tests.actions.desk import Desk

WHY = "The same person"
BY_ITSELF = {"pair_decision"}
"""What a merge gives to the survivor by a step of its own (actions/duplicates/decisions.py)."""


def put_together(
    desk: Desk, survivor: int, *others: int, take: Sequence[str] = (), tell_customer: bool = False
) -> Outcome:
    """Merge others into the survivor, choosing where they differ; where the data changes after the preview, look again."""
    who = Call(desk.actor, desk.now)
    given: dict[str, Any] = {"others": list(others), "reason": WHY, "take": list(take)}
    given["tell_customer"] = tell_customer
    while True:
        seen = dry_run(desk.engine, merge, who, survivor, **given)
        who = replace(who, confirm=str(desk.of(survivor)), fingerprint=seen.fingerprint)
        try:
            return perform(desk.engine, merge, who, survivor, **given)
        except (Refused, Invalid) as refused:
            if getattr(refused, "code", "") != "preview_stale" and "fingerprint" not in str(refused):
                raise


def take_back(desk: Desk, outcome: Outcome) -> list[str]:
    """Undo; return what was warned of."""
    return [w.text for w in desk.do(undo, outcome.changeset_id).warnings]


def trouble(desk: Desk, *customers: int) -> list[str]:
    """What ``flask verify`` says of these customers, and of any row that points at a merged one."""
    names = [f"ustomer {c}" for c in customers]
    with desk.look() as session:
        return [t for t in verify(session) if any(f"{n}:" in t or f"{n}," in t for n in names)]


def rich(desk: Desk, **values: Any) -> int:
    """A customer with some of everything."""
    customer = desk.customer(pay_on_account=True, **values)
    given = {"customer": customer, "comment": "Welcome"}
    desk.do(adjust, **given, points=300, expires_after_days=30)
    desk.do(adjust, **given, points=100, expires_after_days=None)
    desk.do(adjust, **given, points=-120)
    invoice = desk.do(raise_invoice, customer=customer, amount=8_000).record_id
    desk.do(pay, customer=customer, amount=3_000, method="cash")
    assert invoice is not None
    desk.do(adjust_credit, customer=customer, amount=2_500, comment="Gift card")
    desk.create(Address, customer_id=customer, line1="1 Mill Lane", country="GB", postcode="LS1 1AA")
    desk.create(Address, customer_id=customer, line1="2 Canal St", country="GB", postcode="LS1 1AB")
    desk.create(Phone, customer_id=customer, number="020 7946 0001")
    desk.create(Note, customer_id=customer, kind="watch", body=f"Watch {customer}")
    desk.make(factories.make_order, customer_id=customer)
    desk.make(factories.make_external_id, customer_id=customer)
    return customer


def everything(desk: Desk, *customers: int) -> dict[str, Any]:
    """Every row of these customers, and of those that they lead, by table and id, without what a save stamps."""
    found = {}
    with desk.look() as session:
        for column in moved_columns():
            rows = session.execute(select(column.table).where(column.in_(customers))).mappings()
            for row in rows:
                stamps = ("version", "updated_at")
                found[column.table.name, row["id"]] = {k: v for k, v in row.items() if k not in stamps}
        for row in session.execute(select(Customer.__table__).where(Customer.id.in_(customers))).mappings():
            found["customer", row["id"]] = {
                k: v for k, v in row.items() if k not in ("version", "updated_at")
            }
    return found


def test_everything_goes_to_the_survivor_and_comes_back(desk: Desk) -> None:
    one, two = rich(desk), rich(desk)
    agent = desk.make(factories.make_agent)
    desk.edit(Customer, one, agent_id=agent)
    before = everything(desk, one, two)
    done = put_together(desk, one, two)
    survivor, gone = desk.of(one), desk.of(two)
    assert (survivor.points, survivor.account_balance, survivor.credit_balance) == (560, 10_000, 5_000)
    assert (gone.points, gone.account_balance, gone.credit_balance, gone.merged_into_id) == (0, 0, 0, one)
    for model in (
        LoyaltyEntry,
        LoyaltyLot,
        AccountEntry,
        CreditEntry,
        Invoice,
        Address,
        Note,
        Order,
        ExternalId,
    ):
        assert desk.all(model, customer_id=two) == [], model
    assert len(desk.all(Phone, customer_id=one)) == 1, "an equal number is kept once"
    assert sum(a.is_primary for a in desk.all(Address, customer_id=one)) == 1
    assert [n.body for n in desk.all(Note, customer_id=one) if n.kind == "watch"] == [f"Watch {one}"]
    assert trouble(desk, one, two) == []
    journalled = {(c.table_name, c.row_id) for c in desk.changes(done.changeset_id)}
    touched = {place for place, row in before.items() if row.get("customer_id") == two}
    assert touched <= journalled
    assert take_back(desk, done) == []
    assert everything(desk, one, two) == before
    assert trouble(desk, one, two) == []


def postal(desk: Desk, customer: int, **values: Any) -> int:
    """An address of a customer, the same one each time but for ``values``."""
    given = {"line1": "1 Mill Lane", "town": "Leeds", "postcode": "LS1 1AA", "country": "GB", **values}
    return desk.create(Address, customer_id=customer, **given)


def test_equal_addresses_become_one_with_the_roles_of_both(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    kept = postal(desk, one, is_delivery=True)
    same = postal(
        desk, two, line1="1  MILL LANE", town="leeds", postcode="ls11aa", label="Home", is_billing=True
    )
    others = [
        postal(desk, two, **different)
        for different in ({"line2": "Flat 2"}, {"recipient": "Ann Lee"}, {"email": "post@example.com"}, {"country": "IE", "postcode": None})
    ]  # fmt: skip
    before = everything(desk, one, two)
    done = put_together(desk, one, two)
    assert {a.id for a in desk.all(Address, customer_id=one)} == {kept, *others}
    row = next(a for a in desk.all(Address, customer_id=one) if a.id == kept)
    assert (row.is_delivery, row.is_billing, row.is_admin, row.label) == (True, True, False, "Home")
    (gone,) = (
        c.before for c in desk.changes(done.changeset_id) if (c.table_name, c.row_id) == ("address", same)
    )
    assert (gone["line1"], gone["label"]) == ("1  MILL LANE", "Home"), "the row stays whole in the journal"
    assert take_back(desk, done) == []
    assert everything(desk, one, two) == before
    assert trouble(desk, one, two) == []


def test_the_primary_address_chosen_of_the_other_stays_so_where_the_survivor_has_it_too(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    first, second = postal(desk, one, line1="9 High St"), postal(desk, one)
    postal(desk, two)
    before = everything(desk, one, two)
    done = put_together(desk, one, two, take=[f"primary_address:{two}"])
    assert {a.id: a.is_primary for a in desk.all(Address, customer_id=one)} == {first: False, second: True}
    assert take_back(desk, done) == []
    assert everything(desk, one, two) == before


def test_the_balance_sheet_adds_up(desk: Desk) -> None:
    one, two = rich(desk), rich(desk)
    seen = dry_run(desk.engine, merge, Call(desk.actor, desk.now), one, others=[two], reason=WHY)
    assert seen.possible
    assert seen.outcome is not None
    assert seen.outcome.sheet is not None
    figures = {line.label: line.figures for line in seen.outcome.sheet.lines}
    assert figures["Points"] == (280, 280, 560)
    assert figures["Account"] == (5_000, 5_000, 10_000)
    assert figures["Notes"] == (1, 1, 2)
    assert figures["Phones"] == (1, 1, 1)
    moved = {row.table: row.count for row in seen.rows if row.kind == "moved"}
    assert moved["loyalty_entry"] == 3
    assert desk.of(two).merged_into_id is None
    assert seen.fingerprint == dry_run(
        desk.engine, merge, Call(desk.actor, desk.now), one, others=[two], reason=WHY
    ).fingerprint  # fmt: skip
    desk.do(adjust, customer=two, points=1, comment="More")
    asked = Call(desk.actor, desk.now, confirm=str(desk.of(one)), fingerprint=seen.fingerprint)
    with pytest.raises(Refused) as refused:
        perform(desk.engine, merge, asked, one, others=[two], reason=WHY)
    assert refused.value.code == "preview_stale"


def test_profile_fields_follow_their_rules(desk: Desk) -> None:
    one = desk.customer(email=None, title="Mr", is_active=True, pay_on_account=True)
    number = factories.number()
    two = desk.customer(
        email=f"two{number}@example.com",
        title="Dr",
        loyalty_code=f"L{number}",
        pay_on_account=True,
        is_active=False,
    )
    done = put_together(desk, one, two)
    row, gone = desk.of(one), desk.of(two)
    assert (row.title, row.email, row.loyalty_code) == ("Mr", f"two{number}@example.com", f"L{number}")
    assert (row.is_active, row.pay_on_account) == (False, True)
    assert (gone.title, gone.email, gone.loyalty_code) == ("Dr", row.email, row.loyalty_code)
    assert take_back(desk, done) == []
    row, gone = desk.of(one), desk.of(two)
    assert (row.email, row.loyalty_code, row.is_active) == (None, None, True)
    assert (gone.email, gone.merged_into_id) == (f"two{number}@example.com", None)


def test_a_trade_account_that_waits_switches_nobody_off(desk: Desk) -> None:
    one = desk.customer()
    two = desk.customer(status=Status.PENDING_APPROVAL, account_type=AccountType.TRADE, is_active=False)
    put_together(desk, one, two)
    assert desk.of(one).is_active


def test_a_value_in_use_elsewhere_is_not_taken_over(desk: Desk) -> None:
    email = f"used{factories.number()}@example.com"
    one, two = desk.customer(email=None), desk.customer(email=email, status=Status.GUEST)
    desk.customer(email=email)
    done = put_together(desk, one, two)
    assert desk.of(one).email is None
    assert "email" in done.warnings[0].text
    take_back(desk, done)
    assert desk.of(two).is_live


@pytest.mark.parametrize("sent", [[], [0], [-1], ["3"], [True], "3", None, list(range(10_001, 10_030))])
def test_what_names_no_records_is_bad_input(desk: Desk, sent: Any) -> None:
    customer = desk.customer()
    with pytest.raises((Invalid, Missing)):
        perform(
            desk.engine, merge, Call(desk.actor, desk.now, confirm=str(desk.of(customer))), customer,
            others=sent, reason=WHY,
        )  # fmt: skip


def test_it_refuses_with_a_reason(desk: Desk) -> None:
    one, two, agent = desk.customer(), desk.customer(), desk.make(factories.make_agent)
    led = desk.customer(agent_id=agent)
    gone = desk.customer(merged_into_id=two)
    erased = desk.customer(anonymised_at=factories.NOW)
    euro = desk.customer(currency="EUR")
    for customer in (one, euro):
        desk.do(adjust_credit, customer=customer, amount=100, comment="Card")
    for survivor, other, code in (
        (one, one, "itself"), (one, 99_999_999, "missing"), (one, gone, "merged"), (gone, one, "merged"), (one, erased, "erased"),
        (erased, one, "erased"), (one, euro, "currencies"), (agent, led, "agent"), (led, agent, "agent"), (one, agent, "not_an_agent"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            put_together(desk, survivor, other)
        assert refused.value.code == code
    with pytest.raises(Invalid):
        perform(desk.engine, merge, Call(desk.actor, desk.now, confirm="x"), one, others=[two], reason=WHY)


def test_nobody_merges_what_they_have_not_looked_at(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    blind = Call(desk.actor, desk.now, confirm=str(desk.of(one)))
    with pytest.raises(Invalid) as invalid:
        perform(desk.engine, merge, blind, one, others=[two], reason=WHY)
    assert set(invalid.value.errors) == {"fingerprint"}
    assert desk.of(two).is_live


def test_the_only_balance_brings_its_currency_along(desk: Desk) -> None:
    one = desk.customer(credit_limit=50_000)
    yen = desk.customer(currency="JPY", credit_limit=7_000)

    def account(customer: int) -> tuple[str, int, int | None]:
        row = desk.of(customer)
        return row.currency, row.credit_balance, row.credit_limit

    desk.do(adjust_credit, customer=yen, amount=100, comment="Card")
    done = put_together(desk, one, yen)
    assert account(one) == ("JPY", 100, 7_000), "a limit of £500.00 is none of ¥50,000"
    assert take_back(desk, done) == []
    assert account(one) == ("GBP", 0, 50_000)
    done = put_together(desk, one, yen)
    desk.do(adjust_credit, customer=one, amount=50, comment="Another card")
    assert any("currency" in text for text in take_back(desk, done))
    assert account(one) == ("JPY", 50, 7_000)
    assert account(yen) == ("JPY", 100, 7_000)


def test_a_limit_that_stays_while_the_currency_changes_is_told(desk: Desk) -> None:
    customer = desk.customer(credit_limit=50_000)
    (told,) = desk.edit(Customer, customer, currency="JPY").warnings
    assert told.text == f"The credit limit of {desk.of(customer)} is now JP¥50,000."
    assert desk.edit(Customer, customer, currency="GBP", credit_limit=400).warnings == ()


def test_chains_lead_to_the_survivor_in_one_hop_and_come_apart_again(desk: Desk) -> None:
    one, two, three = rich(desk), rich(desk), rich(desk)
    first = everything(desk, one, two, three)
    inner = put_together(desk, two, three)
    second = everything(desk, one, two, three)
    outer = put_together(desk, one, two)
    assert (desk.of(three).merged_into_id, desk.of(two).merged_into_id) == (one, one)
    assert trouble(desk, one, two, three) == []
    assert take_back(desk, outer) == []
    assert everything(desk, one, two, three) == second
    assert take_back(desk, inner) == []
    assert everything(desk, one, two, three) == first
    assert trouble(desk, one, two, three) == []


def test_several_at_once_and_sub_customers_with_them(desk: Desk) -> None:
    one, two, three = (desk.make(factories.make_agent) for _n in range(3))
    led = desk.customer(agent_id=three)
    before = everything(desk, one, two, three)
    done = put_together(desk, one, three, two)
    assert desk.of(led).agent_id == one
    assert {desk.of(c).merged_into_id for c in (two, three)} == {one}
    assert take_back(desk, done) == []
    assert everything(desk, one, two, three) == before
    with pytest.raises(Refused) as refused:
        take_back(desk, desk.do(undo, put_together(desk, one, two).changeset_id))
    assert refused.value.code == "not_undone"


def test_an_attribute_of_the_same_kind_is_kept_once(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    kinds = [desk.make(factories.make_attribute_definition) for _n in range(2)]
    for customer, kind, value in ((one, kinds[0], "a"), (two, kinds[0], "b"), (two, kinds[1], "c")):
        desk.create(AttributeValue, customer_id=customer, definition_id=kind, value=value)
    before = everything(desk, one, two)
    done = put_together(desk, one, two)
    assert sorted(v.value for v in desk.all(AttributeValue, customer_id=one)) == ["a", "c"]
    lost = [c.before for c in desk.changes(done.changeset_id) if c.after is None]
    assert [values["value"] for values in lost if values] == ["b"]
    take_back(desk, done)
    assert everything(desk, one, two) == before


def test_points_spent_since_stay_and_it_is_said(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    desk.do(adjust, customer=two, points=100, comment="Soon", expires_after_days=5)
    desk.do(adjust, customer=two, points=70, comment="Late", expires_after_days=90)
    done = put_together(desk, one, two)
    desk.do(adjust, customer=one, points=-30, comment="Tasting")
    said = take_back(desk, done)
    assert said == [f"30 of the points of {desk.of(two)} have been spent since the merge, and stay spent."]
    assert (desk.of(one).points, desk.of(two).points) == (0, 140)
    assert trouble(desk, one, two) == []


def test_money_that_moved_since_leaves_no_wrong_balance(desk: Desk) -> None:
    one, two = desk.customer(pay_on_account=True), desk.customer(pay_on_account=True)
    invoice = desk.do(raise_invoice, customer=two, amount=5_000).record_id
    desk.do(pay, customer=two, amount=1_000, method="cash")
    desk.do(adjust_credit, customer=two, amount=800, comment="Card")
    done = put_together(desk, one, two)
    assert invoice is not None
    desk.do(void_invoice, invoice, reason="Mistake")
    desk.do(adjust_credit, customer=one, amount=-300, comment="Used")
    said = take_back(desk, done)
    assert said == [f"£3.00 of the credit of {desk.of(two)} has been used since the merge, and stays used."]
    assert (desk.of(one).account_balance, desk.of(two).account_balance) == (0, -1_000)
    assert (desk.of(one).credit_balance, desk.of(two).credit_balance) == (0, 500)
    assert trouble(desk, one, two) == []


def test_what_was_touched_since_stays_and_primaries_stay_whole(desk: Desk) -> None:
    one, two = rich(desk), rich(desk)
    second = desk.create(Address, customer_id=two, line1="3 Quay Rd", country="GB")
    put_aside = desk.create(Address, customer_id=two, line1="4 Hill Rd", country="GB", is_primary=True)
    done = put_together(desk, one, two)
    assert {second, put_aside} <= {a.id for a in desk.all(Address, customer_id=one)}
    desk.edit(Address, second, is_primary=True)
    desk.edit(Customer, one, title="Sir")
    take_back(desk, done)
    for customer in (one, two):
        assert sum(a.is_primary for a in desk.all(Address, customer_id=customer)) == 1
    assert desk.of(one).title == "Sir"
    assert trouble(desk, one, two) == []


def test_no_unmerge_after_an_erasure_or_where_a_code_was_taken(desk: Desk) -> None:
    email = f"taken{factories.number()}@example.com"
    one, two = desk.customer(), desk.customer(email=email)
    done = put_together(desk, one, two)
    desk.customer(email=email)
    with pytest.raises(Refused) as refused:
        take_back(desk, done)
    assert refused.value.code == "in_the_way"
    assert desk.of(two).merged_into_id == one
    with desk.changeset() as ctx:
        ctx.lock_one(Customer, two).anonymised_at = desk.now
    with pytest.raises(Refused) as refused:
        take_back(desk, done)
    assert refused.value.code == "erased"


def test_an_earlier_action_is_undone_on_the_survivor(desk: Desk) -> None:
    one, two, agent = rich(desk), rich(desk), desk.make(factories.make_agent)
    led = desk.customer(agent_id=agent)
    note = desk.do_create(Note, customer_id=two, body="Call back")
    loner = desk.all(Address, customer_id=two)[-1].id
    gone = desk.delete(Address, loner)
    left = desk.edit(Customer, led, agent_id=None)
    put_together(desk, one, two)
    put_together(desk, desk.make(factories.make_agent), agent)
    for outcome in (note, gone, left):
        desk.do(undo, outcome.changeset_id)
    assert [n.body for n in desk.all(Note, customer_id=one) if n.body == "Call back"] == []
    assert desk.get(Address, loner).customer_id == one
    assert desk.of(led).agent_id == desk.of(agent).merged_into_id
    assert trouble(desk, one, two, agent, led) == []


def test_search_by_what_was_the_others_finds_the_survivor(desk: Desk) -> None:
    one = desk.customer(loyalty_code=f"A{factories.number()}")
    number = factories.number()
    two = desk.customer(
        email=f"old{number}@example.com", loyalty_code=f"OLD{number}", account_code=f"ACC{number}"
    )
    desk.create(Phone, customer_id=two, number="0113 496 0999")
    put_together(desk, one, two)
    with desk.look() as session:
        for word in (f"old{number}@example.com", f"OLD{number}", f"ACC{number}", str(two), "01134960999"):
            assert one in session.scalars(customer_ids(word)).all(), word


def test_many_rows_cost_few_statements(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    with desk.changeset() as ctx:
        for n in range(120):
            factories.make_note(ctx.session, customer_id=two, body=f"Note {n}", created_at=desk.now)
    done = put_together(desk, one, two)
    notes = [c for c in desk.changes(done.changeset_id) if c.table_name == "note"]
    assert len(notes) == 120
    assert all(c.customer_id == one for c in notes)
    assert {(c.before or {})["customer_id"] for c in notes} == {two}
    assert {note.version for note in desk.all(Note, customer_id=one)} == {2}


def test_what_a_customer_has_one_of_is_declared() -> None:
    moved = {(column.table.name, column.name) for column in moved_columns()}
    assert ("note", "customer_id") in moved
    declared = {model.__tablename__ for model in ONE_EACH}
    for table in metadata.tables.values():
        for index in table.indexes:
            names = [column.name for column in index.columns]
            if index.unique and any((table.name, name) in moved for name in names):
                told = table.name in {*declared, *BY_ITSELF} or _are_combined(table, names)
                assert told, f"{index.name}: what becomes of the second in a merge?"


def _are_combined(table, names: list[str]) -> bool:
    """Whether a merge drops the second of two rows that a unique index does not let stand together."""
    same = model_of(table.name).__same__
    return policy(table.c.customer_id).merge == "combine" and set(names) == {"customer_id", *same}


def test_the_changesets_of_both_stay_with_both(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    desk.edit(Customer, two, title="Dr")
    desk.later(days=1)
    put_together(desk, one, two)
    from models.journal import Change

    with desk.look() as session:
        mine = select(func.count()).select_from(Change).where(Change.customer_id == two)
        assert session.scalar(mine) == 2
    assert desk.now - factories.NOW == dt.timedelta(days=1)
