"""Recomputes every balance, lot and cache from the rows it follows from, and says what is off (rule 1.3).

Each check is one set-based statement over the whole database that yields the rows at fault, so a hundred
thousand customers take seconds. Nothing is repaired: a difference is a bug or a change made behind the
product's back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    MetaData,
    Select,
    String,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased

from actions.ledgers.order_totals import earned, standing, taken
from actions.maintenance import encryption, seals, search_keys
from models.account import AccountEntry, Invoice
from models.address import Address
from models.base import metadata
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.gift_card import GiftCard
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.personal import policy, references
from models.phone import Phone
from models.tasting import TastingEntry, TastingKind
from models.triggers import COPIES

SHOWN = 20
"""Rows named for each check; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Check:
    """``query`` yields the rows at fault; ``sentence`` names one by its columns (``%(id)s`` …)."""

    sentence: str
    query: Select[*tuple[Any, ...]]


def verify(session: Session) -> list[str]:
    """Return a sentence for everything that is off; an empty list when all is well."""
    found: list[str] = []
    for check in checks():
        rows = session.execute(check.query.limit(SHOWN + 1)).mappings().all()
        found += [check.sentence % row for row in rows[:SHOWN]]
        if len(rows) > SHOWN:
            total = session.scalar(select(func.count()).select_from(check.query.subquery()))
            found.append(f"… and {(total or 0) - SHOWN} more like the last one.")
    return found + seals.broken(session) + search_keys.outdated(session) + encryption.faults(session)


def checks() -> Iterator[Check]:
    """Yield every check."""
    yield from _points()
    yield from _lots()
    yield from _orders()
    yield from _money()
    yield from _tastings()
    yield from _cards()
    yield from _primaries()
    yield from _copied_keys()
    yield from _merged(metadata)


def _sums(owner: Any, figure: Any) -> FromClause:
    """Return (owner, total): the sum of a figure for each owner."""
    return select(owner.label("owner"), func.sum(figure).label("total")).group_by(owner).subquery()


def _differs(key: Any, wanted: ColumnElement[Any], sums: FromClause, sentence: str) -> Check:
    """Compare a stored figure with a sum; an owner without rows sums up to 0."""
    total = func.coalesce(sums.c.total, 0)
    query = select(key.label("id"), wanted.label("stored"), total.label("total"))
    return Check(sentence, query.outerjoin(sums, sums.c.owner == key).where(wanted != total).order_by(key))


def _points() -> Iterator[Check]:
    yield _differs(
        Customer.id,
        Customer.points.expression,
        _sums(LoyaltyEntry.customer_id, LoyaltyEntry.points),
        "Customer %(id)s: points are %(stored)s, but the entries add up to %(total)s.",
    )
    yield _differs(
        Customer.id,
        Customer.points.expression,
        _sums(LoyaltyLot.customer_id, LoyaltyLot.unspent),
        "Customer %(id)s: points are %(stored)s, but the unspent lots add up to %(total)s.",
    )


def _lots() -> Iterator[Check]:
    yield _differs(
        LoyaltyLot.id,
        LoyaltyLot.points - LoyaltyLot.unspent,
        _sums(LoyaltyAllocation.lot_id, LoyaltyAllocation.points),
        "Lot %(id)s: %(stored)s points are used, but the allocations add up to %(total)s.",
    )
    taken = _sums(LoyaltyAllocation.entry_id, LoyaltyAllocation.points)
    moved = func.coalesce(LoyaltyLot.points, 0) - func.coalesce(taken.c.total, 0)
    entries = (
        select(LoyaltyEntry.id.label("id"), LoyaltyEntry.points.label("stored"), moved.label("total"))
        .outerjoin(LoyaltyLot, LoyaltyLot.entry_id == LoyaltyEntry.id)
        .outerjoin(taken, taken.c.owner == LoyaltyEntry.id)
        .where(LoyaltyEntry.points != moved)
        .order_by(LoyaltyEntry.id)
    )
    yield Check(
        "Loyalty entry %(id)s: it has %(stored)s points, but its lot and allocations add up to %(total)s.",
        entries,
    )
    strays = (
        select(LoyaltyLot.id.label("id"))
        .outerjoin(LoyaltyEntry, LoyaltyEntry.id == LoyaltyLot.entry_id)
        .where(
            or_(
                LoyaltyEntry.id.is_(None),
                LoyaltyLot.customer_id != LoyaltyEntry.customer_id,
                LoyaltyLot.points != LoyaltyEntry.points,
                LoyaltyLot.expires_at.is_distinct_from(LoyaltyEntry.expires_at),
            )
        )
    )
    yield Check("Lot %(id)s: its customer, points or date differ from its entry.", strays)
    yield from _allocations()


def _allocations() -> Iterator[Check]:
    """What was taken from a lot is taken by an entry of the same customer; each lot expires once, after its date."""
    taken: Select[*tuple[Any, ...]] = (
        select(LoyaltyAllocation.id.label("id"), LoyaltyEntry.id.label("entry"), LoyaltyLot.id.label("lot"))
        .outerjoin(LoyaltyEntry, LoyaltyEntry.id == LoyaltyAllocation.entry_id)
        .outerjoin(LoyaltyLot, LoyaltyLot.id == LoyaltyAllocation.lot_id)
    )
    elsewhere = (LoyaltyEntry.customer_id == LoyaltyLot.customer_id).is_not(True)
    yield Check(
        "Allocation %(id)s: its lot and its entry belong to different customers.", taken.where(elsewhere)
    )
    expired = taken.where(LoyaltyEntry.kind == LoyaltyKind.EXPIRED)
    too_early = (LoyaltyLot.expires_at <= LoyaltyEntry.created_at).is_not(True)
    yield Check("Loyalty entry %(entry)s: lot %(lot)s had not expired by then.", expired.where(too_early))
    key = literal("lapse:", String) + cast(LoyaltyLot.id, String)
    named = or_(LoyaltyEntry.key == key, LoyaltyEntry.key.startswith(key + ":"))
    yield Check(
        "Loyalty entry %(entry)s: it expires lot %(lot)s a second time.", expired.where(named.is_not(True))
    )


def _orders() -> Iterator[Check]:
    """No more of an order went back to a customer than it took, nor from one than it earned (rule 1.13)."""
    more = "Customer %(id)s, order %(order)s: %(total)s {} than it {}."
    points, credit = func.sum(LoyaltyEntry.points), func.sum(CreditEntry.amount)
    for model, side, total, words in (
        (LoyaltyEntry, taken, points, ("points more were given back", "took")),
        (LoyaltyEntry, earned, -points, ("points more were taken back", "earned")),
        (CreditEntry, taken, credit, ("of the gift-card credit more were given back", "took")),
    ):
        yield Check(more.format(*words), _of_orders(model, side, total))
    back = -func.sum(LoyaltyAllocation.points)
    query = _of_orders(LoyaltyEntry, taken, back).add_columns(LoyaltyAllocation.lot_id.label("lot"))
    yield Check(
        "Customer %(id)s, order %(order)s: it gave lot %(lot)s %(total)s points more than it took from it.",
        query.join(LoyaltyAllocation, LoyaltyAllocation.entry_id == LoyaltyEntry.id).group_by(
            LoyaltyAllocation.lot_id
        ),
    )


def _of_orders(model: Any, side: Callable[[Any], ColumnElement[bool]], total: Any) -> Select[Any]:
    """Return the statement for customers and orders of whose standing entries a sum is above zero."""
    order = model.customer_id, model.order_ref
    wanted = select(order[0].label("id"), order[1].label("order"), total.label("total"))
    mine = wanted.where(model.order_ref.is_not(None), side(model), standing(model))
    return mine.group_by(*order).having(total > 0).order_by(*order)


def _money() -> Iterator[Check]:
    yield _differs(
        Customer.id,
        Customer.account_balance.expression,
        _sums(AccountEntry.customer_id, AccountEntry.amount),
        "Customer %(id)s: the account balance is %(stored)s, but the entries add up to %(total)s.",
    )
    yield _differs(
        Customer.id,
        Customer.credit_balance.expression,
        _sums(CreditEntry.customer_id, CreditEntry.amount),
        "Customer %(id)s: the gift-card credit is %(stored)s, but the entries add up to %(total)s.",
    )
    below = select(Customer.id.label("id")).where(or_(Customer.points < 0, Customer.credit_balance < 0))
    yield Check("Customer %(id)s: points or gift-card credit are below zero.", below)
    entry = aliased(AccountEntry)
    booked = exists().where(
        entry.invoice_id == Invoice.id,
        entry.kind == "invoice",
        entry.amount == Invoice.amount,
        entry.customer_id == Invoice.customer_id,
        entry.currency == Invoice.currency,
    )
    yield Check("Invoice %(id)s: no account entry matches it.", select(Invoice.id.label("id")).where(~booked))
    yield _currencies(AccountEntry, "the account")
    yield _currencies(CreditEntry, "the gift-card credit")
    for model, figure in ((LoyaltyEntry, "points"), (AccountEntry, "amount"), (CreditEntry, "amount")):
        yield _reversals(model, figure)


def _currencies(model: Any, noun: str) -> Check:
    """Of money in a currency other than the customer's nothing is left (rule 2.1)."""
    total = func.sum(model.amount)
    other = (
        select(Customer.id.label("id"), model.currency.label("other"), total.label("total"))
        .join(model, model.customer_id == Customer.id)
        .where(model.currency != Customer.currency)
        .group_by(Customer.id, model.currency)
        .having(total != 0)
        .order_by(Customer.id)
    )
    return Check(
        f"Customer %(id)s: %(total)s of {noun} are in %(other)s, not in the customer's currency.", other
    )


def _tastings() -> Iterator[Check]:
    entry = TastingEntry
    first = aliased(TastingEntry)
    same = and_(
        first.customer_id == entry.customer_id, first.year == entry.year, first.kind == TastingKind.USED
    )
    strays = select(entry.id.label("id")).join(first, first.id == entry.reverses_id).where(~same)
    yield Check("Tasting entry %(id)s: it does not reverse a tasting of the same customer and year.", strays)


def _cards() -> Iterator[Check]:
    """Each card that was redeemed names the entry that credited it, and each such entry is named (rule 2.14)."""
    said = and_(
        CreditEntry.kind == CreditKind.GIFT_CARD,
        CreditEntry.amount == GiftCard.amount,
        CreditEntry.currency == GiftCard.currency,
        CreditEntry.code_last4 == GiftCard.last4,
    )
    back = aliased(CreditEntry)
    stands = ~exists().where(back.reverses_id == CreditEntry.id)
    redeemed = select(GiftCard.id.label("id")).join(CreditEntry, CreditEntry.id == GiftCard.redeemed_entry_id)
    yield Check(
        "Gift card %(id)s: the entry that redeemed it does not match, or was reversed.",
        redeemed.where(or_(~said, CreditEntry.code_last4.is_(None), ~stands)).order_by(GiftCard.id),
    )
    named = exists().where(GiftCard.redeemed_entry_id == CreditEntry.id)
    credited = select(CreditEntry.id.label("id")).where(CreditEntry.kind == CreditKind.GIFT_CARD)
    yield Check(
        "Credit entry %(id)s: no gift card was redeemed by it.",
        credited.where(stands, ~named).order_by(CreditEntry.id),
    )


def _reversals(model: Any, figure: str) -> Check:
    """A reversal is the opposite of what it reverses, on the same customer, in the same currency."""
    first = aliased(model)
    same = and_(first.customer_id == model.customer_id, getattr(first, figure) == -getattr(model, figure))
    if model is not LoyaltyEntry:
        same = and_(same, first.currency == model.currency)
    query = select(model.id.label("id")).join(first, first.id == model.reverses_id).where(~same)
    return Check(f"{model.__label__} %(id)s: it is not the opposite of what it reverses.", query)


def _primaries() -> Iterator[Check]:
    for model, least, sentence in (
        (Address, 1, "Customer %(id)s: %(total)s of the addresses are primary, not one."),
        (Phone, 0, "Customer %(id)s: %(total)s of the phones are primary, not one at most."),
    ):
        holder: Any = model
        primary = func.count().filter(holder.is_primary)
        query = select(holder.customer_id.label("id"), primary.label("total")).group_by(holder.customer_id)
        yield Check(sentence, query.having(or_(primary > 1, primary < least)))


def _copied_keys() -> Iterator[Check]:
    """What a customer is sorted by is the key of the primary row, or empty where there is none (rule 12.3)."""
    for table, key, column in COPIES:
        held = metadata.tables[table]
        kept: Any = getattr(Customer, column)
        primary = func.coalesce(
            select(held.c[key]).where(held.c.customer_id == Customer.id, held.c.is_primary).scalar_subquery(),
            "",
        )
        sentence = f"Customer %(id)s: {column} is not that of the primary {table}."
        yield Check(sentence, select(Customer.id.label("id")).where(kept != primary).order_by(Customer.id))


def _merged(tables: MetaData) -> Iterator[Check]:
    """After a merge only the journal and the tombstone itself name the record that is gone (rule 3.3).

    What is worked out of others is found again within seconds: until then it may.
    """
    gone = select(Customer.id).where(Customer.merged_into_id.is_not(None))
    for column in references(tables):
        table = column.table
        if policy(column).merge in ("keep", "drop"):
            continue
        query = select(table.c.id.label("id"), column.label("customer")).where(column.in_(gone))
        sentence = (
            f"{table.name}.{column.name} of row %(id)s points at customer %(customer)s, who was merged."
        )
        yield Check(sentence, query.order_by(table.c.id))
