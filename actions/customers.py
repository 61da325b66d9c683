"""What every save of a customer keeps: approval, defaults, one currency, closed records (rule 11)."""

from __future__ import annotations

from sqlalchemy import select

from actions.base import Context, Refused
from actions.ledger import refuse_unless_live, today
from actions.records import before_delete, before_save
from models.base import N_, Invalid
from models.choices import AccountType, CreatedVia, Status
from models.customer import Customer
from models.lookups import SalesChannel

IDENTITY = ("first_name", "last_name", "company_name", "trading_name", "email")


@before_save(Customer)
def keep_customer_rules(ctx: Context, row: Customer, changed: set[str], created: bool) -> None:
    """Run every rule below, and name all fields at fault at once."""
    refuse_unless_live(row)
    with ctx.session.no_autoflush:
        _defaults(ctx, row)
        _status(ctx, row, changed, created)
        errors = {
            **_approval_problem(row, changed, created),
            **_identity_problem(row, changed, created),
            **_currency_problem(row, changed, created),
            **_agent_problem(ctx, row, changed),
            **_birth_problem(ctx, row, changed),
        }
        if row.sales_channel_id is None:
            errors["sales_channel"] = N_("Choose a sales channel.")
    if errors:
        raise Invalid(errors)


@before_delete(Customer)
def never_delete(ctx: Context, row: Customer) -> None:
    """A customer's history outlives the customer. :raises Refused: ``never_deleted``, always."""
    raise Refused(
        "never_deleted",
        N_("Customers are never deleted, as their history must stay. Switch the customer off."),
    )


def _defaults(ctx: Context, row: Customer) -> None:
    """Fill in what the shop's settings decide when nobody chose."""
    if row.currency is None:
        row.currency = ctx.shop.currency
    if row.created_via is None:
        row.created_via = CreatedVia.BACK_OFFICE
    if row.sales_channel_id is None:
        usual = select(SalesChannel.id).where(SalesChannel.code == ctx.shop.default_sales_channel)
        row.sales_channel_id = ctx.session.scalar(usual)


def _status(ctx: Context, row: Customer, changed: set[str], created: bool) -> None:
    """Trade waits for approval, switched off; what stops being trade before that is active (rule 11.3)."""
    row.account_type = row.account_type or AccountType.RETAIL
    if row.account_type == AccountType.TRADE and _retyped(changed, created):
        row.status, row.is_active = Status.PENDING_APPROVAL, False
    elif row.status is None:
        row.status, row.registered_at = Status.REGISTERED, row.registered_at or ctx.now
    elif row.status == Status.PENDING_APPROVAL and _retyped(changed, created):
        row.status, row.is_active = Status.REGISTERED, True
        row.registered_at = row.registered_at or ctx.now


def _retyped(changed: set[str], created: bool) -> bool:
    return created or "account_type" in changed


def _approval_problem(row: Customer, changed: set[str], created: bool) -> dict[str, str]:
    waiting = row.status == Status.PENDING_APPROVAL and not _retyped(changed, created)
    if waiting and "is_active" in changed and row.is_active:
        return {"is_active": N_("This trade account waits for approval: it stays switched off until then.")}
    return {}


def _identity_problem(row: Customer, changed: set[str], created: bool) -> dict[str, str]:
    if not (created or changed & set(IDENTITY)) or any(getattr(row, name) for name in IDENTITY):
        return {}
    return {"last_name": N_("Enter a name, a company or an email address.")}


def _currency_problem(row: Customer, changed: set[str], created: bool) -> dict[str, str]:
    """One account has one currency: it changes only while nothing is owed either way (rule 2.1)."""
    if created or "currency" not in changed or not (row.account_balance or row.credit_balance):
        return {}
    return {
        "currency": N_("The currency can change only while the account and the gift-card credit are at zero.")
    }


def _birth_problem(ctx: Context, row: Customer, changed: set[str]) -> dict[str, str]:
    if "date_of_birth" not in changed or row.date_of_birth is None or row.date_of_birth <= today(ctx):
        return {}
    return {"date_of_birth": N_("Enter a date of birth in the past.")}


def _agent_problem(ctx: Context, row: Customer, changed: set[str]) -> dict[str, str]:
    """Nothing new points at a record that is merged away or erased (rule 3.3)."""
    if not changed & {"agent", "agent_id"} or row.agent_id is None:
        return {}
    agent = ctx.session.get(Customer, row.agent_id)
    if agent is None or not agent.is_live:
        return {"agent": N_("Choose another agent: this record is merged or erased.")}
    return {}
