"""Payments, refunds and invoices on a customer's account (rules 2.1 to 2.6)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import func, select

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import eligible_customer, live_customer
from actions.core.eligibility import EVERY_LIVE, SETTLED
from actions.core.texts import money_text, required_text, today
from actions.ledgers.ledger import (
    day,
    ledger_columns,
    order_columns,
    positive,
    refuse_other_currency,
    refuse_second_reversal,
)
from models.account import AccountEntry, AccountKind, Invoice, PaymentMethod
from models.base import N_, Invalid
from models.customer import Customer
from models.dialect import advisory_lock
from models.lookups import PaymentTerm
from models.normalise import trimmed
from models.shop import Shop
from models.validate import code as code_check

AHEAD = dt.timedelta(days=366)
SERIES = "INV-"
ALREADY_VOIDED = "already_voided", N_("This invoice has already been voided.")
VOID_THE_INVOICE = "void_the_invoice", N_("This entry belongs to an invoice. Void the invoice instead.")
EXTERNAL_ACCOUNTING = (
    "external_accounting",
    N_("Balances are kept in %(package)s. Enter payments and invoices there."),
)
MOVED = {
    AccountKind.PAYMENT: N_("Payment of %(amount)s from %(customer)s was recorded."),
    AccountKind.REFUND: N_("Refund of %(amount)s to %(customer)s was recorded."),
}
_OWN_NUMBER = re.compile(r"INV-(\d{6,15})")
_TYPED_NUMBER = re.compile(r"INV-\d{6,9}")


# -- services -------------------------------------------------------------------------------------------


def post(
    ctx: Context,
    customer: Customer,
    kind: AccountKind,
    amount: int,
    comment: str,
    key: str | None = None,
    *,
    by_package: bool = False,
    **columns: Any,
) -> AccountEntry:
    """Write one entry for a locked customer and move the cached balance with it.

    :param amount: minor units of the customer's currency; positive raises what the customer owes (rule 2.2).
    :param by_package: the accounting package says so, whose balances these are.
    :raises Refused: ``external_accounting``; ``credit_limit`` where the customer would owe more than the
    limit.
    """
    if not by_package:
        _refuse_external(ctx)
    if kind != AccountKind.REVERSAL and not by_package:
        _refuse_over_limit(ctx, customer, amount)
    entry = AccountEntry(
        **ledger_columns(ctx, customer, comment, key),
        kind=kind,
        amount=amount,
        currency=customer.currency,
        **columns,
    )
    ctx.session.add(entry)
    customer.account_balance += amount
    ctx.session.flush()
    return entry


def _refuse_external(ctx: Context) -> None:
    if ctx.shop.external_accounting:
        raise _kept_in_package(ctx.shop)


def _kept_in_package(shop: Shop) -> Refused:
    return Refused(*EXTERNAL_ACCOUNTING, package=shop.accounting_package)


def _refuse_over_limit(ctx: Context, customer: Customer, amount: int) -> None:
    balance = customer.account_balance + amount
    if amount <= 0 or customer.credit_limit is None or balance <= customer.credit_limit:
        return
    raise Refused(
        "credit_limit",
        N_("This would take the balance to %(balance)s, over the credit limit of %(limit)s."),
        balance=money_text(ctx, balance, customer.currency),
        limit=money_text(ctx, customer.credit_limit, customer.currency),
    )


def reverse(
    ctx: Context, customer: Customer, entry: AccountEntry, reason: str, *, by_package: bool = False
) -> AccountEntry:
    """Write the one entry that takes another back (rule 2.4); it counts from today, but not before the other does."""
    refuse_second_reversal(entry)
    refuse_other_currency(customer, entry)
    return post(
        ctx,
        customer,
        AccountKind.REVERSAL,
        -entry.amount,
        reason,
        ctx.key,
        by_package=by_package,
        reverses_id=entry.id,
        invoice_id=entry.invoice_id,
        method=entry.method,
        value_date=max(today(ctx), entry.value_date),
    )


def next_invoice_number(ctx: Context) -> str:
    """Return the number after the highest of our own series. One action at a time comes past the lock here."""
    advisory_lock(ctx.session.connection(), "invoice_number")
    ours = Invoice.number.between(f"{SERIES}0", f"{SERIES}9999999999999999")
    longest_last = (func.length(Invoice.number).desc(), Invoice.number.desc())
    highest = ctx.session.scalar(select(Invoice.number).where(ours).order_by(*longest_last).limit(1))
    found = _OWN_NUMBER.fullmatch(highest or "")
    return f"{SERIES}{int(found.group(1)) + 1 if found else 1:06d}"


def _typed_number(number: Any) -> str | None:
    if number is None or number == "":
        return None
    if not isinstance(number, str):
        raise Invalid({"number": N_("Enter an invoice number.")})
    return checked_number("number", number)


def checked_number(field: str, number: str) -> str:
    """Return an invoice number in capitals. :raises Invalid: it is none, or would break our own series."""
    found = str(code_check(field, trimmed(number)))
    if found.startswith(SERIES) and not _TYPED_NUMBER.fullmatch(found):
        sentence = N_("After INV- enter six to nine digits, such as INV-000123.")
        raise Invalid({field: sentence})
    return found


def _due(ctx: Context, customer: Customer, issued: dt.date, due_on: Any) -> dt.date:
    """Return the day an invoice is due: as typed, or by the customer's payment terms."""
    if due_on is None:
        terms = ctx.session.get(PaymentTerm, customer.payment_term_id) if customer.payment_term_id else None
        return issued + dt.timedelta(days=terms.days if terms else 0)
    due = day("due_on", due_on, issued + 10 * AHEAD)
    if due < issued:
        raise Invalid({"due_on": N_("Enter a date on or after the invoice date.")})
    return due


def invoice(
    ctx: Context,
    find: Callable[[], Customer],
    amount: int,
    days: Mapping[str, dt.date | None],
    *,
    description: str | None,
    number: str | None,
    order_ref: str | None = None,
) -> Outcome:
    """Write an invoice on account and its ledger entry, as :func:`raise_invoice` does.

    :param find: returns whose it is, locked. :param days: ``issued_on`` and ``due_on``, as typed.
    :param order_ref: the number of the order, already checked.
    """
    figure = positive("amount", amount)
    text = required_text("description", description, least=0)
    issued = day("issued_on", days["issued_on"] or today(ctx), today(ctx) + AHEAD)
    typed = _typed_number(number)
    owner = find()
    _refuse_external(ctx)
    if not owner.pay_on_account:
        raise Refused("pay_on_account_off", N_("This customer has no credit account. Enable it first."))
    row = Invoice(
        **ledger_columns(ctx, owner, text, ctx.key),
        number=typed or next_invoice_number(ctx),
        issued_on=issued,
        due_on=_due(ctx, owner, issued, days["due_on"]),
        amount=figure,
        currency=owner.currency,
        **order_columns(ctx, owner, order_ref),
    )
    ctx.session.add(row)
    ctx.session.flush()
    post(ctx, owner, AccountKind.INVOICE, figure, text, ctx.key, invoice_id=row.id, value_date=issued)
    shown = money_text(ctx, figure, owner.currency)
    values = {"number": row.number, "customer": str(owner), "amount": shown}
    return Outcome(N_("Invoice %(number)s for %(amount)s was raised for %(customer)s."), row, values)


# -- actions --------------------------------------------------------------------------------------------


def move(
    ctx: Context,
    kind: AccountKind,
    find: Callable[[], Customer],
    amount: int,
    comment: str | None,
    **given: Any,
) -> Outcome:
    """Write a payment, which lowers the balance, or a refund, as :func:`pay` and :func:`refund` do.

    :param find: returns whose it is, locked. :param given: ``method``, ``value_date`` and ``reference``, as typed.
    """
    figure = positive("amount", amount)
    text = required_text("comment", comment, least=0)
    value_date = day("value_date", given["value_date"] or today(ctx), today(ctx))
    if not given["method"]:
        raise Invalid({"method": N_("Choose a payment method.")})
    owner = find()
    sign = -1 if kind == AccountKind.PAYMENT else 1
    if kind == AccountKind.PAYMENT and figure > max(owner.account_balance, 0):
        _warn_of_credit(ctx, owner, figure)
    columns = given | {"value_date": value_date, "reference": given["reference"] or None}
    entry = post(ctx, owner, kind, sign * figure, text, ctx.key, **columns)
    values = {"customer": str(owner), "amount": money_text(ctx, figure, owner.currency)}
    return Outcome(MOVED[kind], entry, values)


def _warn_of_credit(ctx: Context, owner: Customer, paid: int) -> None:
    """Say that a payment is more than what is owed; it is taken all the same."""
    owed = max(owner.account_balance, 0)
    ctx.warn(
        N_(
            "This payment of %(paid)s is more than the %(owed)s due. The rest stays on the account as credit."
        ),
        paid=money_text(ctx, paid, owner.currency),
        owed=money_text(ctx, owed, owner.currency),
    )


@action("account_entry.pay", AccountEntry, label=N_("Add payment"), customers=EVERY_LIVE)
def pay(
    ctx: Context,
    *,
    customer: int,
    amount: int,
    method: PaymentMethod | str,
    value_date: dt.date | None = None,
    reference: str | None = None,
    comment: str | None = None,
) -> Outcome:
    """Record a payment from the customer: ``amount`` > 0 in minor units. Taken on any account (rule 2.5)."""
    given = {"method": method, "value_date": value_date, "reference": reference}
    return move(ctx, AccountKind.PAYMENT, lambda: eligible_customer(ctx, customer), amount, comment, **given)


@action("account_entry.refund", AccountEntry, label=N_("Refund"), customers=EVERY_LIVE)
def refund(
    ctx: Context,
    *,
    customer: int,
    amount: int,
    method: PaymentMethod | str,
    value_date: dt.date | None = None,
    reference: str | None = None,
    comment: str | None = None,
) -> Outcome:
    """Record money given back to the customer: ``amount`` > 0 in minor units. The credit limit holds."""
    given = {"method": method, "value_date": value_date, "reference": reference}
    return move(ctx, AccountKind.REFUND, lambda: eligible_customer(ctx, customer), amount, comment, **given)


@action("account_entry.void", AccountEntry, label=N_("Void"), customers=EVERY_LIVE)
def void(ctx: Context, entry: AccountEntry, *, reason: str) -> Outcome:
    """Take a payment or refund back by one reversing entry (rule 2.4).

    :raises Refused: ``void_the_invoice`` for the entry of an invoice.
    """
    text = required_text("reason", reason)
    owner = live_customer(ctx, entry.customer_id)
    if entry.kind == AccountKind.INVOICE:
        raise Refused(*VOID_THE_INVOICE)
    done = reverse(ctx, owner, entry, text)
    values = {"customer": str(owner), "amount": money_text(ctx, abs(entry.amount), owner.currency)}
    return Outcome(N_("The entry of %(amount)s for %(customer)s was voided."), done, values)


@action("invoice.raise", Invoice, label=N_("Raise invoice"), customers=SETTLED)
def raise_invoice(
    ctx: Context,
    *,
    customer: int,
    amount: int,
    issued_on: dt.date | None = None,
    due_on: dt.date | None = None,
    description: str | None = None,
    number: str | None = None,
) -> Outcome:
    """Raise an invoice on account: the invoice and its ledger entry in one action (rule 2.5).

    :param amount: minor units, above zero. :param due_on: by the payment terms when empty.
    :param number: the next of the series INV-000001 when empty.
    :raises Refused: ``pay_on_account_off``, ``credit_limit``, ``external_accounting``.
    """
    days = {"issued_on": issued_on, "due_on": due_on}
    return invoice(
        ctx, lambda: eligible_customer(ctx, customer), amount, days, description=description, number=number
    )


@action("invoice.void", Invoice, label=N_("Void invoice"), customers=EVERY_LIVE)
def void_invoice(ctx: Context, invoice: Invoice, *, reason: str) -> Outcome:
    """Take an invoice back by one reversing entry; the invoice itself stays in the history (rule 2.4)."""
    text = required_text("reason", reason)
    owner = live_customer(ctx, invoice.customer_id)
    wanted = select(AccountEntry).where(
        AccountEntry.invoice_id == invoice.id, AccountEntry.kind == AccountKind.INVOICE
    )
    entry = ctx.session.scalars(wanted).one()
    if entry.reversed_by is not None:
        raise Refused(*ALREADY_VOIDED)
    reverse(ctx, owner, entry, text)
    return Outcome(N_("Invoice %(number)s was voided."), invoice, {"number": invoice.number})
