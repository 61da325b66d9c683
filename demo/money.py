"""Invoices, payments and gift-card credit: who owes the shop, who is in credit, and how it came about (rule 2)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from demo.bulk import Row
from demo.lists import TERMS
from demo.plan import Author, Known, Plan
from demo.points import SYSTEM
from demo.sales import Numbers
from demo.words import PAYMENT_COMMENTS
from models import codes
from models.account import AccountEntry, AccountKind, Invoice, PaymentMethod
from models.credit import CreditEntry, CreditKind
from models.gift_card import GiftCard
from models.order import OrderStatus

CARDS = (1000, 2500, 2500, 5000, 10_000)
KNOWN_CODES = ("DEMO-GIFT-CARD-0001", "DEMO-GIFT-CARD-0002", "DEMO-GIFT-CARD-0003")
"""Codes to try a redemption with."""


@dataclass(slots=True)
class Movement:
    """One entry to be: written only when all are known, so that ids follow time."""

    when: dt.datetime
    kind: AccountKind
    amount: int
    invoice: Row | None = None
    reverses: Movement | None = None
    comment: str = ""
    row: Row = field(default_factory=dict)


def make_accounts(plan: Plan, people: list[Known]) -> None:
    """Add the account of everybody who buys on account, then number the invoices in the order of time."""
    invoices: list[Row] = []
    for known in people:
        if known.row["pay_on_account"]:
            _account(plan, known, invoices)
    numbers = Numbers(plan, each=1)
    for invoice in sorted(invoices, key=lambda row: (row["created_at"], row["id"])):
        invoice["number"] = f"INV-{numbers.at(invoice['created_at']):06d}"


def _account(plan: Plan, known: Known, invoices: list[Row]) -> None:
    days = {plan.lists.terms[name]: days for name, days, _ in TERMS}.get(known.row["payment_term_id"], 14)
    movements: list[Movement] = []
    for order in known.orders:
        if order["status"] != OrderStatus.CANCELLED:
            invoice = _invoice(plan, known, order, days)
            invoices.append(invoice)
            movements += _settlement(plan, invoice)
    balance = highest = 0
    for movement in sorted(movements, key=lambda found: found.when):
        _entry(plan, known, movement)
        balance += movement.amount
        highest = max(highest, balance)
    known.row["account_balance"] = balance
    if plan.chance.yes(0.6):
        known.row["credit_limit"] = -(-max(highest, 50_000) // 50_000) * 50_000


def _invoice(plan: Plan, known: Known, order: Row, days: int) -> Row:
    issued = order["placed_at"].date()
    return plan.batch.add(
        Invoice,
        customer_id=known.row["id"],
        issued_on=issued,
        due_on=issued + dt.timedelta(days=days),
        amount=order["total"],
        currency=known.row["currency"],
        order_id=order["id"],
        comment=f"Order {order['number']}",
        **_signed(plan, order["placed_at"], SYSTEM),
    )


def _settlement(plan: Plan, invoice: Row) -> list[Movement]:
    """Return the invoice's entry and what followed: mostly a payment in time, sometimes late, less, more or none."""
    chance, amount = plan.chance, invoice["amount"]
    owed = Movement(invoice["created_at"], AccountKind.INVOICE, amount, invoice)
    if chance.yes(0.02):
        voided = min(owed.when + dt.timedelta(hours=20), plan.now)
        return [owed, Movement(voided, AccountKind.REVERSAL, -amount, invoice, owed, "Wrong customer")]
    if chance.yes(0.03):
        return [owed]
    due = dt.datetime.combine(invoice["due_on"], dt.time(11, 20), tzinfo=dt.UTC)
    paid = max(due + dt.timedelta(days=chance.randrange(-8, 25), minutes=chance.randrange(300)), owed.when)
    if paid > plan.now:
        return [owed]
    share = chance.weighted({100: 90, 50: 6, 130: 4})
    payment = Movement(paid, AccountKind.PAYMENT, -(amount * share // 100), invoice)
    if chance.yes(0.15):
        payment.comment = chance.choice(PAYMENT_COMMENTS)
    return [owed, payment, *_afterwards(plan, payment, amount)]


def _afterwards(plan: Plan, payment: Movement, amount: int) -> list[Movement]:
    """A cheque that bounced, or the return of half of what was paid too much."""
    when, too_much = payment.when + dt.timedelta(days=4, hours=1), -payment.amount - amount
    if when > plan.now:
        return []
    if plan.chance.yes(0.01):
        return [
            Movement(when, AccountKind.REVERSAL, -payment.amount, payment.invoice, payment, "Cheque returned")
        ]
    if too_much > 1 and plan.chance.yes(0.4):
        return [Movement(when, AccountKind.REFUND, too_much // 2, comment="Paid too much")]
    return []


def _entry(plan: Plan, known: Known, movement: Movement) -> None:
    chance, cash = plan.chance, movement.kind in {AccountKind.PAYMENT, AccountKind.REFUND}
    method = chance.choice((PaymentMethod.BANK_TRANSFER, PaymentMethod.BANK_TRANSFER, PaymentMethod.CHEQUE))
    author = SYSTEM if movement.kind == AccountKind.INVOICE else plan.author()
    movement.row = plan.batch.add(
        AccountEntry,
        customer_id=known.row["id"],
        kind=movement.kind,
        amount=movement.amount,
        currency=known.row["currency"],
        method=method if cash else None,
        value_date=movement.when.date(),
        reference=f"BACS {chance.randrange(10**5, 10**6)}"
        if cash and method == PaymentMethod.BANK_TRANSFER
        else None,
        invoice_id=movement.invoice["id"] if movement.invoice else None,
        reverses_id=movement.reverses.row["id"] if movement.reverses else None,
        **_signed(plan, movement.when, author, movement.comment),
    )


def make_cards(plan: Plan, people: list[Known]) -> None:
    """Add gift cards that wait to be redeemed, a few of them over or voided, and one for each of the known codes."""
    chance = plan.chance
    for _ in range(10 + len(people) // 100):
        issued = chance.between(plan.now - dt.timedelta(days=700), plan.now)
        last_day = (issued + dt.timedelta(days=365)).date() if chance.yes(0.6) else None
        voided = plan.now if chance.yes(0.1) else None
        ending = f"{chance.randrange(10_000):04d}"
        _card(plan, issued, chance.choice(CARDS), ending, expires_on=last_day, voided_at=voided)
    if plan.number == 0:
        for code in KNOWN_CODES:
            _card(plan, plan.now, 2500, code[-4:], code_key=codes.digest(code))


def _card(plan: Plan, when: dt.datetime, amount: int, ending: str, **columns: object) -> None:
    nobodys = f"{plan.chance.randrange(2**256):064x}"
    row: Row = {"code_key": nobodys, "last4": ending, "amount": amount, "currency": "GBP"}
    plan.batch.add(GiftCard, created_at=when, updated_at=when, version=1, **row | columns)


def make_credit(plan: Plan, people: list[Known]) -> None:
    """Add gift-card credit for about one customer in twenty."""
    for known in people:
        if known.segment in {"online", "store"} and plan.chance.yes(0.07):
            _credit(plan, known)


def _credit(plan: Plan, known: Known) -> None:
    chance, balance = plan.chance, 0
    when = chance.between(known.joined, plan.now)
    for _ in range(1 + chance.few(0.2, 2)):
        amount = chance.choice(CARDS)
        ending = f"{chance.randrange(10_000):04d}"
        entry = _credit_entry(plan, known, when, CreditKind.GIFT_CARD, amount, code_last4=ending)
        _card(
            plan,
            chance.between(known.joined, when),
            amount,
            ending,
            redeemed_entry_id=entry["id"],
            currency=entry["currency"],
        )
        balance += amount
    order = next((order for order in known.orders if order["placed_at"] > when), None)
    if order is not None and order["status"] != OrderStatus.CANCELLED:
        when, used = order["placed_at"], min(balance, order["total"])
        _credit_entry(plan, known, when, CreditKind.REDEEMED, -used, order_id=order["id"])
        balance -= used
    if chance.yes(0.08):
        when = chance.between(when, plan.now)
        _credit_entry(plan, known, when, CreditKind.ADJUSTMENT, 500, plan.author(), "Card was charged twice")
        balance += 500
    known.row["credit_balance"] = balance


def _credit_entry(
    plan: Plan,
    known: Known,
    when: dt.datetime,
    kind: CreditKind,
    amount: int,
    author: Author = SYSTEM,
    comment: str = "",
    **columns: object,
) -> Row:
    return plan.batch.add(
        CreditEntry,
        customer_id=known.row["id"],
        kind=kind,
        amount=amount,
        currency=known.row["currency"],
        **_signed(plan, when, author, comment),
        **columns,
    )


def _signed(plan: Plan, when: dt.datetime, author: Author, comment: str = "") -> Row:
    """Return what every ledger row carries; a comment given later wins."""
    signed: Row = {"created_at": when, "actor_id": author.id, "actor_name": author.name}
    if comment:
        signed["comment"] = comment
    return signed | {"changeset_id": plan.batch.changeset_id}
