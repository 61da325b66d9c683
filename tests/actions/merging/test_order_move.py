"""Moving an order to another customer: what goes with it, what stays, what stands in the way (rules 3.30 to 3.36)."""

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from actions.core.base import Invalid, Missing, Outcome, Refused
from actions.execution.preview import Preview
from actions.execution.runner import Call, dry_run, perform
from actions.ledgers import accounts, loyalty, shop_api
from actions.ledgers.credit import adjust as adjust_credit
from actions.ledgers.credit import reverse as reverse_credit
from actions.merging.order_move import move
from actions.portal import login_as_standing
from actions.setup.settings import save
from actions.undo.undo import undo
from models.account import AccountEntry, Invoice
from models.choices import Status
from models.credit import CreditEntry
from models.customer import Customer
from models.journal import Change, Changeset
from models.loyalty import LoyaltyEntry, LoyaltyLot
from models.order import Order
from tests import factories, staffing
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together, trouble
from tests.races import race
from tests.scale import scaled

WHY = "It was ordered by the other one"


class Sale:
    """An order of one customer that is another's, who both may buy on account."""

    def __init__(self, desk: Desk, **others: Any) -> None:
        self.desk = desk
        self.one = desk.customer(pay_on_account=True)
        self.two = desk.customer(**{"pay_on_account": True, **others})
        self.id = desk.make(factories.make_order, customer_id=self.one)
        self.number = desk.get(Order, self.id).number

    @property
    def both(self) -> tuple[int, int]:
        return self.one, self.two

    def earns(self, points: int = 120, days: int | None = 90, customer: int | None = None) -> int:
        done = self.desk.do(
            shop_api.earn, customer=customer or self.one, points=points, order_ref=self.number,
            expires_after_days=days,
        )  # fmt: skip
        assert done.record_id is not None
        return done.record_id

    def billed(self, amount: int = 8_000, **values: Any) -> int:
        done = self.desk.do(
            shop_api.record_invoice, customer=self.one, amount=amount, order_ref=self.number, **values
        )
        assert done.record_id is not None
        return done.record_id

    def moved(self, to: int | None = None, **who: Any) -> Outcome:
        return self.desk.do(move, self.id, customer=to or self.two, reason=WHY, **who)

    def tried(self, to: int | None = None) -> Preview:
        asked = Call(self.desk.actor, self.desk.now)
        return dry_run(self.desk.engine, move, asked, self.id, customer=to or self.two, reason=WHY)

    def refused(self, to: int | None = None) -> Refused:
        before = everything(self)
        with pytest.raises(Refused) as refused:
            self.moved(to)
        assert everything(self) == before, "nothing happened"
        assert self.tried(to).blockers[0].code == refused.value.code
        return refused.value

    def back(self, outcome: Outcome) -> list[str]:
        return [w.text for w in self.desk.do(undo, outcome.changeset_id).warnings]

    @property
    def owner(self) -> int:
        return self.desk.get(Order, self.id).customer_id

    def figures(self, customer: int) -> tuple[int, int, int]:
        row = self.desk.of(customer)
        return row.points, row.account_balance, row.credit_balance

    def trouble(self) -> list[str]:
        return trouble(self.desk, *self.both)


def everything(sale: Sale) -> list[Any]:
    models = (LoyaltyEntry, AccountEntry, CreditEntry, Invoice)
    counts = [len(sale.desk.all(model, customer_id=c)) for model in models for c in sale.both]
    return [sale.owner, *(sale.figures(c) for c in sale.both), *counts]


@pytest.fixture
def sale(desk: Desk) -> Sale:
    return Sale(desk)


def test_the_order_goes_with_its_points_and_its_invoice(desk: Desk, sale: Sale) -> None:
    desk.make(factories.make_order_line, order_id=sale.id)
    desk.make(factories.make_shipment, order_id=sale.id)
    entry, bill = sale.earns(120), sale.billed(8_000, description="Six bottles")
    done = sale.moved()
    assert sale.owner == sale.two
    assert (sale.figures(sale.one), sale.figures(sale.two)) == ((0, 0, 0), (120, 8_000, 0))
    assert desk.entries(sale.one) == [("earned", 120), ("reversal", -120)]
    assert desk.entries(sale.two) == [("earned", 120)]
    (lot,), was = desk.all(LoyaltyLot, customer_id=sale.two), desk.get(LoyaltyEntry, entry)
    assert lot.expires_at == was.expires_at, "they end on the day they would have ended"
    assert desk.all(LoyaltyEntry, customer_id=sale.two)[0].order_id == sale.id
    old, (new,) = desk.get(Invoice, bill), desk.all(Invoice, customer_id=sale.two)
    assert (old.customer_id, new.amount, new.comment, new.order_ref) == (
        sale.one,
        8_000,
        "Six bottles",
        sale.number,
    )
    assert new.number != old.number, "an invoice that somebody has is not another's"
    assert sum(e.amount for e in desk.all(AccountEntry, invoice_id=bill)) == 0
    assert any("items 1, shipments 1" in w.text for w in done.warnings)
    assert sale.trouble() == []


def test_histories_that_somebody_has_seen_stay_as_they_are(desk: Desk, sale: Sale) -> None:
    """A statement's closing balance is the opening balance of the next (rule 2.11)."""
    sale.earns(), sale.billed()
    before = {
        (model, c): [(r.id, r.created_at, r.customer_id) for r in desk.all(model, customer_id=c)]
        for model in (LoyaltyEntry, AccountEntry, Invoice)
        for c in sale.both
    }
    desk.later(days=40)
    sale.moved()
    for (model, c), rows in before.items():
        there = [(r.id, r.created_at, r.customer_id) for r in desk.all(model, customer_id=c)]
        assert there[: len(rows)] == rows
        assert all(at == desk.now for _id, at, _c in there[len(rows) :])
    days = {e.value_date for e in desk.all(AccountEntry, customer_id=sale.two)}
    assert days == {desk.now.date()}


def test_an_order_of_which_nothing_was_entered_simply_goes(desk: Desk, sale: Sale) -> None:
    desk.do(loyalty.adjust, customer=sale.one, points=50, comment="Welcome")
    done = sale.moved()
    assert (sale.owner, sale.figures(sale.one)) == (sale.two, (50, 0, 0))
    assert done.warnings == ()
    (change,) = desk.changes(done.changeset_id)
    assert (change.before or {})["customer_id"] == sale.one
    assert change.customer_id == sale.two
    said = desk.get(Changeset, done.changeset_id)
    assert (said.subject_table, said.subject_id) == ("customer", sale.one), (
        "it stands in the activity of both"
    )


def test_the_preview_is_the_move_and_shows_both_before_and_after(desk: Desk, sale: Sale) -> None:
    sale.earns(120), sale.billed(8_000)
    seen = sale.tried()
    assert seen.possible
    assert seen.outcome is not None
    assert seen.outcome.sheet is not None
    assert list(seen.outcome.sheet.records) == [sale.one, sale.two]
    lines = {line.label: line.figures for line in seen.outcome.sheet.lines}
    assert lines["Points before"] == (120, 0)
    assert lines["Points after"] == (0, 120)
    assert (lines["Account before"], lines["Account after"]) == ((8_000, 0), (0, 8_000))
    assert (lines["Orders before"], lines["Orders after"]) == ((1, 0), (0, 1))
    assert sale.owner == sale.one
    asked = Call(desk.actor, desk.now, fingerprint=seen.fingerprint)
    sale.earns(5)
    with pytest.raises(Refused) as stale:
        perform(desk.engine, move, asked, sale.id, customer=sale.two, reason=WHY)
    assert stale.value.code == "preview_stale"
    asked = replace(asked, fingerprint=sale.tried().fingerprint)
    assert perform(desk.engine, move, asked, sale.id, customer=sale.two, reason=WHY).changeset_id


# -- points -------------------------------------------------------------------------------------------------------


def test_points_that_were_spent_stand_in_the_way_until_what_used_them_is_reversed(
    desk: Desk, sale: Sale
) -> None:
    sale.earns(120)
    spent = desk.do(loyalty.adjust, customer=sale.one, points=-30, comment="Voucher").record_id
    assert spent is not None
    refused = sale.refused()
    assert (refused.code, refused.see) == ("points_spent", ("loyalty_entry", spent))
    assert "30 of the 120 points" in str(refused)
    desk.do(loyalty.reverse, spent, reason="To move the order")
    sale.moved()
    assert (sale.figures(sale.one)[0], sale.figures(sale.two)[0]) == (0, 120)
    assert sale.trouble() == []


def test_what_was_taken_back_of_an_order_goes_to_nobody(desk: Desk, sale: Sale) -> None:
    sale.earns(100), sale.earns(20, days=None)
    desk.do(shop_api.correct_points, customer=sale.one, points=-50, order_ref=sale.number)
    done = sale.moved()
    assert desk.lots(sale.one) == [(100, 0), (20, 0)]
    assert desk.lots(sale.two) == [(70, 70)]
    with pytest.raises(Refused) as refused:
        desk.do(shop_api.correct_points, customer=sale.one, points=-1, order_ref=sale.number)
    assert refused.value.code == "more_than_earned", "the shop reports it of the new owner from now on"
    desk.do(shop_api.correct_points, customer=sale.two, points=-10, order_ref=sale.number)
    assert sale.back(done) == []
    assert (sale.figures(sale.one)[0], sale.figures(sale.two)[0]) == (60, 0)
    assert sale.trouble() == []


def test_points_past_their_date_go_to_nobody(desk: Desk, sale: Sale) -> None:
    sale.earns(100, days=5), sale.earns(20, days=None)
    desk.later(days=7)
    sale.moved()
    assert desk.entries(sale.one)[-2:] == [("expired", -100), ("reversal", -20)]
    assert desk.lots(sale.two) == [(20, 20)]
    assert sale.trouble() == []


def test_points_given_manually_for_the_order_go_with_it(desk: Desk, sale: Sale) -> None:
    given = {"customer": sale.one, "order_ref": sale.number}
    desk.do(loyalty.adjust, points=40, comment="Bought as a guest", expires_after_days=30, **given)
    desk.do(loyalty.adjust, customer=sale.one, points=7, comment="Welcome", expires_after_days=None)
    sale.moved()
    assert desk.entries(sale.two) == [("goodwill", 40)]
    assert [e.comment for e in desk.all(LoyaltyEntry, customer_id=sale.two)] == ["Bought as a guest"]
    assert sale.figures(sale.one)[0] == 7


def test_what_the_order_used_stands_in_the_way(desk: Desk, sale: Sale) -> None:
    desk.do(loyalty.adjust, customer=sale.one, points=90, comment="Welcome", expires_after_days=None)
    desk.do(adjust_credit, customer=sale.one, amount=900, comment="Card")
    of_it = {"customer": sale.one, "order_ref": sale.number}
    points = desk.do(shop_api.redeem, points=50, **of_it).record_id
    credit = desk.do(shop_api.redeem_credit, amount=400, **of_it).record_id
    refused = sale.refused()
    assert (refused.code, refused.see) == ("points_used", ("loyalty_entry", points))
    assert "used 50 points" in str(refused)
    desk.do(loyalty.reverse, points, reason="To move the order")
    refused = sale.refused()
    assert (refused.code, refused.see) == ("credit_used", ("credit_entry", credit))
    assert "£4.00" in str(refused)
    desk.do(reverse_credit, credit, reason="To move the order")
    sale.moved()
    assert (sale.figures(sale.one), sale.figures(sale.two)) == ((90, 0, 900), (0, 0, 0))
    assert sale.trouble() == []


def test_what_was_given_back_already_is_in_nobodys_way(desk: Desk, sale: Sale) -> None:
    desk.do(loyalty.adjust, customer=sale.one, points=90, comment="Welcome", expires_after_days=None)
    desk.do(adjust_credit, customer=sale.one, amount=900, comment="Card")
    of_it = {"customer": sale.one, "order_ref": sale.number}
    desk.do(shop_api.redeem, points=50, **of_it)
    desk.do(shop_api.redeem_credit, amount=400, **of_it)
    for amount in (20, 30):
        desk.do(shop_api.correct_points, points=amount, **of_it)
    desk.do(shop_api.correct_credit, amount=400, **of_it)
    sale.moved()
    assert sale.figures(sale.one) == (90, 0, 900)
    assert sale.trouble() == []


def test_a_guest_does_not_get_points_that_an_order_earned(desk: Desk) -> None:
    sale = Sale(desk, status=Status.GUEST)
    entry = sale.earns(10)
    assert sale.refused().code == "guest"
    desk.do(loyalty.reverse, entry, reason="A guest's order")
    sale.moved()
    assert sale.owner == sale.two


# -- invoices -----------------------------------------------------------------------------------------------------


def test_payments_stay_with_who_paid_and_it_is_said(desk: Desk, sale: Sale) -> None:
    sale.billed(8_000)
    desk.do(accounts.pay, customer=sale.one, amount=8_000, method="cash")
    done = sale.moved()
    assert (sale.figures(sale.one)[1], sale.figures(sale.two)[1]) == (-8_000, 8_000)
    assert any("in credit by £80.00" in w.text for w in done.warnings)
    assert sale.trouble() == []


def test_a_voided_invoice_stays_where_it_is(desk: Desk, sale: Sale) -> None:
    desk.do(accounts.void_invoice, sale.billed(), reason="Mistake")
    sale.moved()
    assert desk.all(Invoice, customer_id=sale.two) == []
    assert sale.trouble() == []


def test_it_is_due_by_the_terms_of_who_has_it_now(desk: Desk) -> None:
    terms = desk.make(factories.make_payment_term, days=14, full_payment_first=False)
    sale = Sale(desk, payment_term_id=terms)
    sale.billed(due_on=factories.TODAY + dt.timedelta(days=90))
    sale.moved()
    (raised,) = desk.all(Invoice, customer_id=sale.two)
    assert (raised.issued_on, raised.due_on - raised.issued_on) == (factories.TODAY, dt.timedelta(days=14))


def test_an_invoice_ahead_moves_for_the_same_day(desk: Desk, sale: Sale) -> None:
    ahead = factories.TODAY + dt.timedelta(days=10)
    sale.billed(issued_on=ahead)
    sale.moved()
    assert [e.value_date for c in sale.both for e in desk.all(AccountEntry, customer_id=c)] == [ahead] * 3


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"pay_on_account": False}, "pay_on_account_off"),
        ({"credit_limit": 7_999}, "credit_limit"),
        ({"currency": "EUR"}, "currencies"),
    ],
)
def test_who_may_not_have_the_invoice_does_not_get_the_order(
    desk: Desk, values: dict[str, Any], code: str
) -> None:
    sale = Sale(desk, **values)
    bill = sale.billed(8_000)
    assert sale.refused().code == code
    desk.do(accounts.void_invoice, bill, reason="Paid in cash")
    sale.moved()
    assert sale.owner == sale.two


def test_where_a_package_keeps_the_balances_it_moves_no_invoice(desk: Desk, sale: Sale) -> None:
    bill = sale.billed()
    desk.do(save, values={"external_accounting": True})
    try:
        assert sale.refused().code == "external_accounting"
    finally:
        desk.do(save, values={"external_accounting": False})
    desk.do(accounts.void_invoice, bill, reason="Mistake")
    sale.moved()


# -- who ----------------------------------------------------------------------------------------------------------


def test_it_refuses_with_a_reason(desk: Desk, sale: Sale) -> None:
    gone, erased = desk.customer(merged_into_id=sale.one), desk.customer(anonymised_at=factories.NOW)
    waits = desk.customer(status=Status.PENDING_APPROVAL, is_active=False)
    for to, code in (
        (sale.one, "theirs_already"), (gone, "merged"), (erased, "erased"), (waits, "waits_for_approval"),
    ):  # fmt: skip
        assert sale.refused(to).code == code
    for bad in (0, -1, 2**63, True, None, "3", 99_999_999):
        with pytest.raises(Invalid) as invalid:
            desk.do(move, sale.id, customer=bad, reason=WHY)
        assert set(invalid.value.errors) == {"customer"}
    with pytest.raises(Invalid):
        desk.do(move, sale.id, customer=sale.two, reason=" x ")
    with pytest.raises(Missing):
        desk.do(move, 99_999_999, customer=sale.two, reason=WHY)


def test_it_goes_to_the_switched_off_to_agents_and_to_their_sub_customers(desk: Desk) -> None:
    """Whose an order is says nothing of what they may do next."""
    agent = desk.make(factories.make_agent)
    sale = Sale(desk, is_active=False, agent_id=agent)
    sale.earns(10)
    sale.moved()
    sale.moved(agent)
    sale.moved(sale.two)
    assert (sale.owner, sale.figures(sale.two)[0]) == (sale.two, 10)


def test_an_order_of_an_erased_customer_stays(desk: Desk, sale: Sale) -> None:
    with desk.changeset() as ctx:
        ctx.lock_one(Customer, sale.one).anonymised_at = desk.now
    assert sale.refused().code == "erased"


@pytest.mark.parametrize("side", [0, 1])
def test_nothing_moves_under_staff_who_are_logged_in(
    desk: Desk, sale: Sale, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When somebody is, tests/portal/test_log_in_as_ends.py tries; here, that it is asked of both."""
    ends = desk.now + dt.timedelta(minutes=30)

    def somebody_in(_session: Any, customer: int, _now: Any) -> Any:
        there = SimpleNamespace(id=45, ends_at=ends, member="Ann Lee")
        return there if customer == sale.both[side] else None

    monkeypatch.setattr(login_as_standing, "somebody_in", somebody_in)
    refused = sale.refused()
    assert (refused.code, refused.see) == ("logged_in_as", ("login_as", 45))
    assert str(desk.of(sale.both[side])) in str(refused)


def test_who_does_not_see_all_three_moves_nothing(desk: Desk) -> None:
    here, there = (desk.make(factories.make_sales_channel) for _n in range(2))
    clerk = Desk(desk.engine)
    desk.make(staffing.make_staff_channel, user_id=clerk.actor.id, sales_channel_id=here)
    theirs, hidden = desk.customer(sales_channel_id=here), desk.customer(sales_channel_id=there)
    mine = desk.make(factories.make_order, customer_id=desk.customer(sales_channel_id=here))
    elsewhere = desk.make(factories.make_order, customer_id=hidden)
    with pytest.raises(Missing):
        clerk.do(move, elsewhere, customer=theirs, reason=WHY)
    with pytest.raises(Invalid) as invalid:
        clerk.do(move, mine, customer=hidden, reason=WHY)
    assert set(invalid.value.errors) == {"customer"}, "as if there were no such customer"
    clerk.do(move, mine, customer=theirs, reason=WHY)
    assert desk.get(Order, mine).customer_id == theirs


# -- once, and back -----------------------------------------------------------------------------------------------


def test_undo_brings_everything_back(desk: Desk, sale: Sale) -> None:
    sale.earns(120, days=30), sale.billed(8_000)
    ends = desk.all(LoyaltyLot, customer_id=sale.one)[0].expires_at
    desk.do(accounts.pay, customer=sale.one, amount=3_000, method="cash")
    before = [sale.figures(c) for c in sale.both]
    done = sale.moved()
    sale.back(done)
    assert (sale.owner, [sale.figures(c) for c in sale.both]) == (sale.one, before)
    (lot,) = [lot for lot in desk.all(LoyaltyLot, customer_id=sale.one) if lot.unspent]
    assert (lot.unspent, lot.expires_at) == (120, ends)
    assert [i.amount for i in desk.all(Invoice, customer_id=sale.one) if not _is_voided(desk, i)] == [8_000]
    assert sale.trouble() == []
    with pytest.raises(Refused) as refused:
        sale.back(done)
    assert refused.value.code == "already_undone"


def _is_voided(desk: Desk, invoice: Invoice) -> bool:
    return sum(e.amount for e in desk.all(AccountEntry, invoice_id=invoice.id)) == 0


def test_undo_says_why_not(desk: Desk, sale: Sale) -> None:
    sale.earns(120)
    done = sale.moved()
    spent = desk.do(loyalty.adjust, customer=sale.two, points=-1, comment="Voucher").record_id
    with pytest.raises(Refused) as refused:
        sale.back(done)
    assert refused.value.code == "points_spent"
    assert spent is not None
    desk.do(loyalty.reverse, spent, reason="Mistake")
    again = sale.moved(desk.customer())
    with pytest.raises(Refused) as refused:
        sale.back(done)
    assert refused.value.code == "moved_since"
    sale.back(again)
    sale.back(done)
    assert (sale.owner, sale.figures(sale.one)[0]) == (sale.one, 120)
    back = desk.all(Changeset, undoes_id=done.changeset_id)[0]
    with pytest.raises(Refused) as refused:
        desk.do(undo, back.id)
    assert refused.value.code == "not_undone"


def test_undo_follows_who_was_merged_since(desk: Desk, sale: Sale) -> None:
    sale.earns(120)
    done = sale.moved()
    survivor = desk.customer()
    put_together(desk, survivor, sale.one)
    sale.back(done)
    assert (sale.owner, sale.figures(survivor)[0]) == (survivor, 120)
    other = Sale(desk)
    done = other.moved()
    put_together(desk, other.two, other.one)
    with pytest.raises(Refused) as refused:
        other.back(done)
    assert refused.value.code == "moved_since"
    assert trouble(desk, *sale.both, survivor, *other.both) == []


def test_a_merge_and_its_undo_go_around_what_was_moved(desk: Desk, sale: Sale) -> None:
    sale.earns(120), sale.billed(8_000)
    survivor = desk.customer(pay_on_account=True)
    merged = put_together(desk, survivor, sale.one)
    sale.moved()
    desk.do(undo, merged.changeset_id)
    assert (sale.owner, sale.figures(sale.two)) == (sale.two, (120, 8_000, 0))
    assert sum(sale.figures(c)[0] for c in (survivor, sale.one)) == 0
    assert trouble(desk, *sale.both, survivor) == []


def test_the_same_request_is_done_once(desk: Desk, sale: Sale) -> None:
    sale.earns(120)
    key = f"move-{factories.number()}"
    first, second = sale.moved(key=key), sale.moved(key=key)
    assert (first.changeset_id, second.message) == (second.changeset_id, "Already done.")
    assert sale.figures(sale.two)[0] == 120


@pytest.mark.slow
@pytest.mark.soak
def test_of_moves_at_once_there_is_some_serial_order(desk: Desk) -> None:
    for _turn in range(scaled(200, least=2)):
        sale, key = Sale(desk), f"twice-{factories.number()}"
        third, back = desk.customer(), desk.make(factories.make_order, customer_id=sale.two)
        sale.earns(100)
        ends = race(
            lambda: sale.moved(key=key),
            lambda: sale.moved(key=key),
            lambda: sale.moved(third),
            lambda: desk.do(move, back, customer=sale.one, reason=WHY),
            lambda: desk.do(loyalty.adjust, customer=sale.one, points=-40, comment="Spent"),
        )
        assert ends[3] == "done", ends
        assert ends[:2] in (["done", "done"], ["points_spent"] * 2), ends
        assert (ends[2] == "points_spent") == (ends[0] == "points_spent" or sale.owner == sale.one), ends
        spent = 40 * (ends[4] == "done")
        everybody = (*sale.both, third)
        assert sum(desk.of(c).points for c in everybody) == 100 - spent
        assert trouble(desk, *everybody) == []
        with desk.look() as session:
            twice = session.query(Changeset).filter_by(key=key).count()
        assert twice <= 1
        assert desk.all(Change, table_name="sales_order", row_id=back) != []
