"""What the accounting package reports where it keeps the balances (rule 2.6): its invoices, payments and refunds."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import live_customer
from actions.core.eligibility import EVERY_LIVE
from actions.core.texts import money_text, required_text, today
from actions.customers.customer_reference import resolve_customer
from actions.ledgers import accounts
from actions.ledgers.ledger import ALREADY_REVERSED, day, ledger_columns, positive, refuse_second_reversal
from models.account import AccountEntry, AccountKind, Fed, Invoice
from models.base import N_, Invalid
from models.customer import Customer
from models.normalise import trimmed

LONGEST_REFERENCE = 80
NO_PACKAGE = (
    "no_package",
    N_("No accounting package is set up for this shop. Turn it on in the settings first."),
)
TAKEN = N_("Another entry already has this reference.")
UNKNOWN = N_("No entry has this reference.")


def last_fed(session: Session) -> dt.datetime | None:
    """Return when the package last reported anything; None if it never did."""
    fed = AccountEntry.external_ref.is_not(None)
    newest = select(AccountEntry.created_at).where(fed).order_by(AccountEntry.id.desc()).limit(1)
    return session.scalar(newest)


def _reference(value: Any) -> str:
    found = trimmed(value)
    if not 0 < len(found) <= LONGEST_REFERENCE or not found.isprintable():
        raise Invalid({"reference": N_("Enter the accounting package's reference, up to 80 characters.")})
    return found


def _refuse_without_package(ctx: Context) -> None:
    if not ctx.shop.external_accounting:
        raise Refused(*NO_PACKAGE)


@action(
    "account_entry.feed",
    AccountEntry,
    label=N_("Record entry from accounting package"),
    final=True,
    customers=EVERY_LIVE,
)
def feed(
    ctx: Context,
    *,
    customer: int | str,
    kind: Fed | str,
    amount: int,
    reference: str,
    value_date: dt.date | None = None,
    due_on: dt.date | None = None,
    comment: str | None = None,
) -> Outcome:
    """Write down an invoice, payment or refund of the package: ``amount`` > 0 in minor units.

    Neither the credit limit nor pay-on-account is asked: the package has it already. The same entry reported again is
    written once.

    :param customer: our id or a handle, such as ``account_code:AC-7``. :param reference: what the package calls it.
    :raises Refused: ``no_package``. :raises Invalid: another entry has the reference.
    """
    figure, text, name = (
        positive("amount", amount),
        required_text("comment", comment, least=0),
        _reference(reference),
    )
    if kind not in set(Fed):
        raise Invalid({"kind": N_("Choose an option from the list.")})
    counts_from = day("value_date", value_date or today(ctx), today(ctx) + accounts.AHEAD)
    _refuse_without_package(ctx)
    owner = resolve_customer(ctx, customer)
    sign = -1 if kind == Fed.PAYMENT else 1
    if (there := _reported(ctx, name)) is not None:
        return _again(ctx, there, owner, kind, sign * figure)
    columns: dict[str, Any] = {"value_date": counts_from, "external_ref": name}
    if kind == Fed.INVOICE:
        columns["invoice_id"] = _invoice(ctx, owner, figure, name, counts_from, due_on, text).id
    wanted = next(found for found in AccountKind if found == kind)
    entry = accounts.post(ctx, owner, wanted, sign * figure, text, ctx.key, by_package=True, **columns)
    return Outcome(N_("%(reference)s was recorded for %(customer)s."), entry, _in_words(ctx, entry, owner))


def _in_words(ctx: Context, entry: AccountEntry, owner: Customer) -> dict[str, Any]:
    return {"reference": entry.external_ref, "customer": str(owner)}


def _reported(ctx: Context, reference: str) -> AccountEntry | None:
    return ctx.session.scalar(select(AccountEntry).filter_by(external_ref=reference))


def _again(ctx: Context, there: AccountEntry, owner: Customer, kind: str, amount: int) -> Outcome:
    """Answer a repeated report. :raises Invalid: it says something else. :raises Refused: it was voided since."""
    if (there.customer_id, there.kind.value, there.amount) != (owner.id, str(kind), amount):
        raise Invalid({"reference": TAKEN})
    if there.reversed_by is not None:
        raise Refused(*ALREADY_REVERSED)
    return Outcome(N_("%(reference)s was already recorded."), there, _in_words(ctx, there, owner))


def _invoice(
    ctx: Context, owner: Customer, amount: int, number: str, issued: dt.date, due_on: Any, text: str
) -> Invoice:
    """Write the invoice, under the package's own number."""
    due = day("due_on", due_on, issued + 10 * accounts.AHEAD) if due_on is not None else issued
    if due < issued:
        raise Invalid({"due_on": N_("Enter a date on or after the invoice date.")})
    row = Invoice(
        **ledger_columns(ctx, owner, text, ctx.key),
        number=accounts.checked_number("reference", number),
        issued_on=issued,
        due_on=due,
        amount=amount,
        currency=owner.currency,
    )
    ctx.session.add(row)
    ctx.session.flush()
    return row


@action(
    "account_entry.feed_void",
    AccountEntry,
    label=N_("Record void from accounting package"),
    final=True,
    customers=EVERY_LIVE,
)
def feed_void(ctx: Context, *, reference: str, reason: str) -> Outcome:
    """Take back what the package reported under a reference, because it was voided there (rule 2.4).

    :raises Refused: ``no_package``, ``already_reversed``. :raises Invalid: nothing has the reference.
    """
    name, text = _reference(reference), required_text("reason", reason)
    _refuse_without_package(ctx)
    entry = _reported(ctx, name)
    if entry is None or not ctx.lock_there(Customer, [entry.customer_id]):
        raise Invalid({"reference": UNKNOWN})
    owner = live_customer(ctx, entry.customer_id)
    refuse_second_reversal(entry)
    done = accounts.reverse(ctx, owner, entry, text, by_package=True)
    shown = money_text(ctx, abs(entry.amount), owner.currency)
    values = {"reference": name, "amount": shown, "customer": str(owner)}
    return Outcome(N_("%(reference)s for %(amount)s was voided for %(customer)s."), done, values)
