"""Taking a merge back: whose is what was spent, changed and added since, and in which order merges come apart (3.8, 3.11 to 3.13)."""

import datetime as dt
from typing import Any

import pytest

from actions.core.base import Outcome, Refused
from actions.ledgers.accounts import pay, raise_invoice, void, void_invoice
from actions.ledgers.credit import adjust as adjust_credit
from actions.ledgers.loyalty import adjust, expire_lot, reverse
from actions.ledgers.shop_api import correct_points
from actions.ledgers.shop_api import earn as shop_earn
from actions.merging.unmerge import unmerge
from actions.setup.settings import save
from models.account import AccountEntry, Invoice
from models.address import Address
from models.base import Invalid
from models.customer import Customer
from models.loyalty import LoyaltyLot
from models.mail import Mail
from models.merge import Merge
from models.note import Note
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import everything, put_together, rich, take_back, trouble


def part(desk: Desk, done: Outcome, *take: str) -> Outcome:
    """Unmerge by its own action."""
    found = desk.all(Merge, changeset_id=done.changeset_id)[0].id
    return desk.do(unmerge, found, take=list(take))


def asked(outcome: Outcome) -> dict[str, tuple[int, ...]]:
    """What a person is asked -> whom it may go to, the proposed one first."""
    assert outcome.sheet is not None
    return {c.field: (c.taken, *(o for o in c.options if o != c.taken)) for c in outcome.sheet.clashes}


# -- points -------------------------------------------------------------------------------------------------------


def test_of_a_lot_that_was_spent_in_part_the_rest_goes_home_with_its_date(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    desk.do(adjust, customer=two, points=95, comment="Given", expires_after_days=40)
    (lot,) = desk.all(LoyaltyLot, customer_id=two)
    done = put_together(desk, one, two)
    desk.do(adjust, customer=one, points=-20, comment="Spent")
    said = part(desk, done)
    assert (desk.of(one).points, desk.of(two).points) == (0, 75)
    (home,) = desk.all(LoyaltyLot, customer_id=two)
    assert (home.points, home.unspent, home.expires_at) == (75, 75, lot.expires_at)
    assert desk.entries(one) == [("goodwill", 95), ("redeemed", -20), ("adjustment", -75)]
    assert [w.text for w in said.warnings] == [
        f"20 of the points of {desk.of(two)} have been spent since the merge, and stay spent."
    ]
    assert trouble(desk, one, two) == []


def test_points_of_both_spent_at_once_stay_with_whom_they_were(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    desk.do(adjust, customer=one, points=50, comment="Own", expires_after_days=10)
    desk.do(adjust, customer=two, points=60, comment="Theirs", expires_after_days=20)
    done = put_together(desk, one, two)
    desk.do(adjust, customer=one, points=-80, comment="Spent")
    desk.do(adjust, customer=one, points=7, comment="Since")
    part(desk, done)
    assert (desk.of(one).points, desk.of(two).points) == (7, 30)
    assert trouble(desk, one, two) == []


def test_what_was_spent_and_given_back_since_goes_home_whole(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    desk.do(adjust, customer=two, points=95, comment="Given")
    done = put_together(desk, one, two)
    spent = desk.do(adjust, customer=one, points=-20, comment="Spent").record_id
    assert spent is not None
    desk.do(reverse, spent, reason="Mistake")
    assert part(desk, done).warnings == ()
    assert (desk.of(one).points, desk.of(two).points) == (0, 95)
    assert trouble(desk, one, two) == []


def test_what_only_follows_from_what_came_goes_home_with_it(desk: Desk) -> None:
    """An expiry, a reversal and a refund of an order's points, each made since on the survivor."""
    one, two = desk.customer(), desk.customer()
    desk.do(adjust, customer=two, points=10, comment="Soon", expires_after_days=1)
    wrong = desk.do(adjust, customer=two, points=30, comment="Wrong").record_id
    order = desk.make(factories.make_order, customer_id=two)
    desk.do(shop_earn, customer=two, points=40, order_ref=f"R{order}")
    done = put_together(desk, one, two)
    assert wrong is not None
    desk.do(reverse, wrong, reason="Mistake")
    desk.do(correct_points, customer=one, order_ref=f"R{order}", points=-15, comment="Returned")
    desk.later(days=3)
    (soon,) = [lot for lot in desk.all(LoyaltyLot, customer_id=one) if lot.points == 10]
    with desk.changeset() as ctx:
        (owner,) = ctx.lock(Customer, [one])
        expire_lot(ctx, owner, ctx.session.get_one(LoyaltyLot, soon.id))
    assert part(desk, done).warnings == ()
    assert desk.entries(one) == []
    assert (desk.of(one).points, desk.of(two).points) == (0, 25)
    assert trouble(desk, one, two) == []


def test_points_of_an_order_that_were_spent_in_part_can_still_be_taken_back(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    desk.do(shop_earn, customer=two, points=95, order_ref="A-1")
    done = put_together(desk, one, two)
    desk.do(adjust, customer=one, points=-20, comment="Spent")
    part(desk, done)
    with pytest.raises(Refused) as refused:
        desk.do(correct_points, customer=two, order_ref="A-1", points=-80, comment="Returned")
    assert refused.value.code == "more_than_earned"
    desk.do(correct_points, customer=two, order_ref="A-1", points=-75, comment="Returned")
    assert (desk.of(one).points, desk.of(two).points) == (0, 0)
    assert trouble(desk, one, two) == []


# -- money --------------------------------------------------------------------------------------------------------


def test_what_was_voided_since_goes_home_with_what_it_voids(desk: Desk) -> None:
    one, two = (desk.customer(pay_on_account=True) for _n in range(2))
    desk.do(raise_invoice, customer=one, amount=700)
    owed = desk.do(raise_invoice, customer=two, amount=10_000).record_id
    wrong = desk.do(pay, customer=two, amount=50, method="cash").record_id
    assert wrong is not None
    done = put_together(desk, one, two)
    assert owed is not None
    desk.do(void_invoice, owed, reason="Mistake")
    desk.do(void, wrong, reason="Mistake")
    assert part(desk, done).warnings == ()
    assert (desk.of(one).account_balance, desk.of(two).account_balance) == (700, 0)
    assert [e.amount for e in desk.all(AccountEntry, customer_id=two)] == [10_000, -50, -10_000, 50]
    assert trouble(desk, one, two) == []


@pytest.mark.parametrize(
    ("own", "used", "left"), [(0, 300, (0, 500)), (1_000, 300, (700, 800)), (100, 850, (0, 50))]
)
def test_credit_used_since_is_the_survivors_own_first(
    desk: Desk, own: int, used: int, left: tuple[int, int]
) -> None:
    one, two = desk.customer(), desk.customer()
    if own:
        desk.do(adjust_credit, customer=one, amount=own, comment="Card")
    desk.do(adjust_credit, customer=two, amount=800, comment="Card")
    done = put_together(desk, one, two)
    desk.do(adjust_credit, customer=one, amount=-used, comment="Used")
    said = [w.text for w in part(desk, done).warnings]
    assert (desk.of(one).credit_balance, desk.of(two).credit_balance) == left
    short = 800 - left[1]
    assert said == (
        [f"£{short / 100:.2f} of the credit of {desk.of(two)} has been used since the merge, and stays used."]
        if short
        else []
    )
    assert trouble(desk, one, two) == []


def test_the_sheet_says_what_each_has_in_points_and_money(desk: Desk) -> None:
    one, two = rich(desk), rich(desk)
    done = put_together(desk, one, two)
    desk.do(adjust, customer=one, points=-350, comment="Spent")
    sheet = part(desk, done).sheet
    assert sheet is not None
    assert sheet.columns == "parted"
    assert list(sheet.records) == [one, two]
    figures = {line.label: line.figures for line in sheet.lines}
    assert figures["Points"] == (210, desk.of(one).points, desk.of(two).points)
    assert figures["Points"][0] == sum(figures["Points"][1:])
    assert figures["Account"] == (10_000, 5_000, 5_000)
    assert figures["Orders"] == (2, 1, 1)


# -- rows ---------------------------------------------------------------------------------------------------------


def test_rows_added_or_changed_since_are_asked_about_and_go_where_somebody_says(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer(email=f"two{factories.number()}@example.com")
    kept = desk.create(Note, customer_id=two, body="Untouched")
    changed = desk.create(Note, customer_id=two, body="Theirs")
    other = desk.create(Note, customer_id=two, body="Theirs too")
    done = put_together(desk, one, two)
    desk.later(days=2)
    desk.edit(Note, changed, body="Theirs, changed")
    desk.edit(Note, other, body="Theirs, changed too")
    added = desk.create(Note, customer_id=one, body="Added")
    moved = desk.create(Note, customer_id=one, body="Added for the other")
    first = desk.create(Address, customer_id=one, line1="1 Mill Lane", country="GB", postcode="LS1 1AA")
    said = part(desk, done, f"note_{other}:{one}", f"note_{moved}:{two}", f"address_{first}:{two}")
    assert asked(said) == {
        f"note_{changed}": (two, one),
        f"note_{other}": (one, two),
        f"note_{added}": (one, two),
        f"note_{moved}": (two, one),
        f"address_{first}": (two, one),
    }
    assert said.warnings == ()
    notes = {n.id: n.customer_id for n in desk.all(Note) if n.customer_id in (one, two)}
    assert notes == {kept: two, changed: two, other: one, added: one, moved: two}
    assert desk.get(Address, first).customer_id == two
    assert desk.get(Address, first).is_primary
    assert trouble(desk, one, two) == []


def test_what_stays_keeps_the_mark_that_it_was_given_since(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    for customer in (one, two):
        for street in ("Mill Lane", "Canal St"):
            desk.create(
                Address, customer_id=customer, line1=f"{customer} {street}", country="GB", postcode="LS1 1AA"
            )
    done = put_together(desk, one, two)
    marked = max(row.id for row in desk.all(Address, customer_id=one))
    desk.edit(Address, marked, is_primary=True, line2="Flat 2")
    part(desk, done, f"address_{marked}:{one}")
    assert [row.id for row in desk.all(Address, customer_id=one) if row.is_primary] == [marked]
    assert [row.line1 for row in desk.all(Address, customer_id=two) if row.is_primary] == [f"{two} Mill Lane"]
    assert trouble(desk, one, two) == []


def test_without_a_choice_the_proposals_hold_and_mails_go_by_their_address(desk: Desk) -> None:
    email = f"two{factories.number()}@example.com"
    one, two = desk.customer(), desk.customer(email=None)
    desk.edit(Customer, two, email=email)
    done = put_together(desk, one, two)
    desk.edit(Customer, one, email=f"one{factories.number()}@example.com")
    with desk.changeset() as ctx:
        made = {
            to: factories.make_mail(ctx.session, customer_id=one, recipient=to).id
            for to in (email, "x@example.com")
        }
        for mail in made.values():
            ctx.session.get_one(Mail, mail).changeset_id = ctx.changeset_id
    added = desk.create(Note, customer_id=one, body="Added")
    take_back(desk, done)
    assert desk.get(Mail, made[email]).customer_id == two
    assert desk.get(Mail, made["x@example.com"]).customer_id == one
    assert desk.get(Note, added).customer_id == one


def test_points_and_money_given_since_go_where_somebody_says(desk: Desk) -> None:
    one, two = (desk.customer(pay_on_account=True) for _n in range(2))
    done = put_together(desk, one, two)
    whole, part_of, kept = (
        desk.do(adjust, customer=one, points=points, comment="Given", expires_after_days=days).record_id
        for points, days in ((40, 30), (50, 5), (60, 60))
    )
    desk.do(adjust, customer=one, points=-20, comment="Spent")
    invoice = desk.do(raise_invoice, customer=one, amount=9_000).record_id
    desk.do(pay, customer=one, amount=4_000, method="cash")
    billed, paid = desk.all(AccountEntry, customer_id=one)
    card = desk.do(adjust_credit, customer=one, amount=700, comment="Card").record_id
    desk.do(adjust_credit, customer=one, amount=-200, comment="Used")
    mine = [f"loyalty_entry_{whole}", f"loyalty_entry_{part_of}", f"account_entry_{billed.id}"]
    mine += [f"account_entry_{paid.id}", f"credit_entry_{card}"]
    said = part(desk, done, *(f"{field}:{two}" for field in mine))
    assert set(asked(said)) == {*mine, f"loyalty_entry_{kept}"}
    assert said.sheet is not None
    words = {c.field: c.label for c in said.sheet.clashes}
    assert words[f"loyalty_entry_{part_of}"] == "Loyalty entry: Goodwill, 30 of 50"
    assert words[f"account_entry_{paid.id}"] == "Account entry: Payment, -£40.00"
    assert (desk.of(one).points, desk.of(two).points) == (60, 70)
    assert (desk.of(one).account_balance, desk.of(two).account_balance) == (0, 5_000)
    assert (desk.of(one).credit_balance, desk.of(two).credit_balance) == (0, 500)
    assert invoice is not None
    assert desk.get(Invoice, invoice).customer_id == two
    assert trouble(desk, one, two) == []


def test_orders_placed_since_stay_and_it_is_said(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    done = put_together(desk, one, two)
    with desk.changeset() as ctx:
        factories.make_order(ctx.session, customer_id=one)
    (said,) = part(desk, done).warnings
    assert said.text.startswith(f"Orders placed since the merge stay with {desk.of(one)}: 1.")


def test_nobody_chooses_what_is_not_asked(desk: Desk) -> None:
    one, two, three = desk.customer(), desk.customer(), desk.customer()
    note = desk.create(Note, customer_id=two, body="Untouched")
    done = put_together(desk, one, two)
    for take in (f"note_{note}:{one}", f"note_{note}:{three}", "note_1", "points_3:7"):
        with pytest.raises(Invalid) as invalid:
            part(desk, done, take)
        assert set(invalid.value.errors) == {"take"}
    assert not desk.of(two).is_live


def theirs(rows: dict[Any, Any], customer: int) -> dict[Any, Any]:
    """Of rows as `everything` returns them, a customer and what belongs to them."""
    return {
        place: row
        for place, row in rows.items()
        if place == ("customer", customer) or row.get("customer_id") == customer
    }


# -- in any order -------------------------------------------------------------------------------------------------


def test_merges_into_one_record_come_apart_in_any_order(desk: Desk) -> None:
    one, two, three = rich(desk), rich(desk), rich(desk)
    before = everything(desk, one, two, three)
    first = put_together(desk, one, two)
    second = put_together(desk, one, three)
    assert take_back(desk, first) == []
    assert (desk.of(two).is_live, desk.of(three).merged_into_id) == (True, one)
    assert everything(desk, two) == theirs(before, two)
    assert trouble(desk, one, two, three) == []
    assert take_back(desk, second) == []
    assert everything(desk, one, two, three) == before
    assert trouble(desk, one, two, three) == []


def test_who_went_on_with_the_survivor_comes_out_alone_with_what_is_theirs(desk: Desk) -> None:
    """Two into one, one into three; then two comes out first, its email and all, and one after it."""
    one, two, three = rich(desk), rich(desk), rich(desk)
    email = f"two{factories.number()}@example.com"
    for customer in (one, three):
        desk.edit(Customer, customer, email=None, title="")
    desk.edit(Customer, two, email=email, title="Dr")
    before = everything(desk, one, two, three)
    inner = put_together(desk, one, two)
    outer = put_together(desk, three, one)
    assert (desk.of(three).email, desk.of(three).title) == (email, "Dr")
    assert take_back(desk, inner) == []
    assert desk.of(three).email is None
    assert everything(desk, two) == theirs(before, two)
    assert desk.of(one).merged_into_id == three
    assert trouble(desk, one, two, three) == []
    assert take_back(desk, outer) == []
    assert everything(desk, one, two, three) == before
    assert trouble(desk, one, two, three) == []


# -- when ---------------------------------------------------------------------------------------------------------


def test_the_shop_says_for_how_long(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    done = put_together(desk, one, two)
    then = desk.now
    desk.now = then + dt.timedelta(days=90, seconds=1)
    with pytest.raises(Refused) as refused:
        part(desk, done)
    assert refused.value.code == "too_old"
    desk.now = then + dt.timedelta(days=90)
    part(desk, done)
    assert desk.of(two).is_live
    with pytest.raises(Refused) as again:
        part(desk, done)
    assert again.value.code == "already_undone"
    (row,) = desk.all(Merge, changeset_id=done.changeset_id)
    assert row.undone_by_id is not None


def test_the_days_are_a_setting_of_their_own(desk: Desk) -> None:
    one, two = desk.customer(), desk.customer()
    done = put_together(desk, one, two)
    desk.do(save, values={"unmerge_days": 10})
    desk.later(days=11)
    with pytest.raises(Refused) as refused:
        part(desk, done)
    assert refused.value.code == "too_old"
    desk.do(save, values={"unmerge_days": 90})
