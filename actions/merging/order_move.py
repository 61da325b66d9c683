"""Moving an order to another customer, with the points and invoices that belong to it (rules 3.30 to 3.36)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import eligible_customer, live_customer, refuse_unless_live
from actions.core.eligibility import SETTLED
from actions.core.merge_summary import MergeSummary, SheetLine
from actions.core.texts import required_text
from actions.customers.reassignment import BALANCES
from actions.ledgers import order_transfer
from actions.merging.blockers import refuse_if_staff_are_in
from actions.merging.merge import Figures, figures, ledger_sums
from actions.undo.undo import UNDOERS, Whole
from models.base import N_
from models.customer import Customer
from models.journal import Change, Changeset
from models.order import Order, OrderLine, Shipment

THEIRS_ALREADY = "theirs_already", N_("This order already belongs to %(customer)s.")
ALONG = N_("Goes with the order: items %(lines)s, shipments %(shipments)s.")
MOVED_SINCE = (
    "moved_since",
    N_("Order %(order)s belongs to %(customer)s by now. Move it from there instead."),
)


@action(
    "sales_order.move", Order, label=N_("Move to another customer"), customers=SETTLED, goes_to="customer"
)
def move(ctx: Context, order: Order, *, customer: int, reason: str) -> Outcome:
    """Give an order to the customer whose it is, with its lines, parcels, points and invoices (rules 3.30 to 3.35).

    :param customer: whom it goes to. :param reason: why, for Activity alone.
    :raises Refused: ``theirs_already``, ``merged``, ``erased``, ``waits_for_approval``, ``logged_in_as``,
        ``points_used``, ``credit_used``, ``points_spent``, ``guest``, ``external_accounting``, ``currencies``,
        ``pay_on_account_off``, ``credit_limit``, ``sums_differ``.
    """
    required_text("reason", reason)
    new, old = eligible_customer(ctx, customer), live_customer(ctx, order.customer_id)
    if new is old:
        raise Refused(*THEIRS_ALREADY, customer=str(new))
    sheet = _go(ctx, order, old, new)
    values = {"order": order.number, "customer": str(new)}
    return Outcome(N_("Order %(order)s was moved to %(customer)s."), order, values, sheet=sheet)


def _go(ctx: Context, order: Order, old: Customer, new: Customer) -> MergeSummary:
    """Move an order and all that belongs to it between two locked customers; return what both had and have."""
    for row in sorted((old, new), key=lambda row: row.id):
        refuse_if_staff_are_in(ctx, row)
    ctx.set_subject(
        old
    )  # so that it stands in the activity of both: the order's own change is filed under the new one
    _ = ctx.changeset_id
    order_transfer.refuse_used(ctx, old, order.number)
    ctx = order_transfer.without_key(ctx)
    order_transfer.expire_past(ctx, old, order.number)
    both = (old, new)
    before, sums = figures(ctx, both), ledger_sums(ctx, [old.id, new.id])
    text = f"Order {order.number} moved"
    shares = order_transfer.take_points(ctx, old, order.number, text)
    voided = order_transfer.take_invoices(ctx, old, order.number, text)
    _give(ctx, order, new)
    order_transfer.give_points(ctx, new, order.number, shares)
    order_transfer.give_invoices(ctx, new, order.number, voided)
    _check_sums(ctx, both, sums)
    return _sheet(both, before, figures(ctx, both))


def _give(ctx: Context, order: Order, new: Customer) -> None:
    """Re-point the order itself; its lines, parcels and ids in other systems go by the order."""
    order.customer_id = new.id
    ctx.session.flush()
    ctx.session.expire(order, ["customer"])
    counts = [
        ctx.session.scalar(select(func.count()).where(model.order_id == order.id)) or 0
        for model in (OrderLine, Shipment)
    ]
    if any(counts):
        ctx.warn(ALONG, lines=counts[0], shipments=counts[1])


# -- figures ----------------------------------------------------------------------------------------------


def _check_sums(ctx: Context, both: Sequence[Customer], before: dict[str, int]) -> None:
    """Compare what the two had together with what they have, and with the cached balances, to the unit (rule 3.35)."""
    after = ledger_sums(ctx, [row.id for row in both])
    cached = {name: sum(getattr(row, name) for row in both) for name in BALANCES}
    if not before == after == cached | {"lots": cached["points"]}:
        raise Refused(
            "sums_differ",
            N_(
                "The ledgers of these customers do not add up. Ask your admin to verify them before moving orders."
            ),
        )


def _sheet(both: Sequence[Customer], before: Figures, after: Figures) -> MergeSummary:
    """Return what both had and will have, line by line."""
    labels = (
        (N_("Points before"), N_("Points after")),
        (N_("Account before"), N_("Account after")),
        (N_("Gift-card credit before"), N_("Gift-card credit after")),
        (N_("Orders before"), N_("Orders after")),
    )
    currencies = tuple(row.currency for row in both)
    lines = [
        SheetLine(
            label,
            tuple(had[row.id][place] for row in both),
            currencies if place in (1, 2) else (),
            signed=place == 1,
        )
        for place, pair in enumerate(labels)
        for label, had in zip(pair, (before, after), strict=True)
    ]
    return MergeSummary({row.id: str(row) for row in both}, tuple(lines), columns="each")


# -- the way back -----------------------------------------------------------------------------------------


def move_back(ctx: Context, changeset: Changeset) -> int:
    """Undo a move: the order goes home with what belongs to it by now; return 1 (rule 3.36).

    :raises Refused: ``moved_since``, and whatever stands in the way of moving it.
    """
    about = Change.changeset_id == changeset.id, Change.table_name == Order.__tablename__
    change = ctx.session.scalars(select(Change).where(*about)).one()
    home, holder = (_follow(ctx, (values or {})["customer_id"]) for values in (change.before, change.after))
    (order,) = ctx.lock(Order, [change.row_id], [home])
    if order.customer_id != holder or home == holder:
        now = ctx.session.get_one(Customer, order.customer_id)
        raise Refused(*MOVED_SINCE, order=order.number, customer=str(now))
    old, new = ctx.session.get_one(Customer, holder), ctx.session.get_one(Customer, home)
    for row in (old, new):
        refuse_unless_live(row)
    _go(ctx, order, old, new)
    return 1


def _follow(ctx: Context, customer_id: int) -> int:
    """Return the customer, or the survivor they were merged into since."""
    merged = ctx.session.scalar(select(Customer.merged_into_id).where(Customer.id == customer_id))
    return customer_id if merged is None else merged


UNDOERS[move.code] = Whole(move_back, lambda shop: shop.undo_days)
