"""Customers: what every save of one keeps (rule 11), and what staff do to one or to many."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, exists, literal, not_, or_, select
from sqlalchemy.orm import Session, aliased

from actions.base import Context, Outcome, Refused, action
from actions.census import Bucket, Clause, at_fault, earlier, refused
from actions.constraints import TAKEN
from actions.ledger import money_text, not_live, refuse_unless_live, today, words
from actions.records import before_delete, before_save, save_census, save_values, saved
from models.base import N_, Invalid
from models.choices import AccountType, CreatedVia, Status
from models.customer import NO_AGENT, OWN_AGENT, Customer
from models.lookups import SalesChannel
from models.shop import Shop
from models.sight import Channels

IDENTITY = ("first_name", "last_name", "company_name", "trading_name", "email")
GONE_AGENT = N_("Choose another agent: this record is merged or erased.")
ACTIVE = "active", N_("This customer is switched on already.")
INACTIVE = "inactive", N_("This customer is switched off already.")
VERIFIED = "verified", N_("This customer is verified already.")
WAITS = "waits_for_approval", N_("This trade account waits for approval: approve or reject it first.")
NOT_WAITING = "not_waiting", N_("This customer is not waiting for approval.")


@before_save(Customer, alone=True)
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
        row.sales_channel_id = usual_channel(ctx.session, ctx.shop, ctx.channels)


def usual_channel(session: Session, shop: Shop, channels: Channels) -> int | None:
    """Return the channel that new customers get: the shop's; of whoever does not see that one, their first in use."""
    usual = SalesChannel.code == shop.default_sales_channel
    wanted = (
        select(SalesChannel.id)
        .where(or_(usual, SalesChannel.is_active))
        .order_by(usual.desc(), SalesChannel.id)
    )
    wanted = wanted.where(usual) if channels is None else wanted.where(SalesChannel.id.in_(channels))
    return session.scalar(wanted.limit(1))


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
    if row.agent_id == row.id:
        return {}
    agent = live_agent(ctx, row.agent_id)
    if agent is None:
        return {"agent": GONE_AGENT}
    return {}


def live_agent(ctx: Context, agent_id: int) -> Customer | None:
    """Return a customer who is live until the commit, so that nobody merges them away meanwhile; None if not."""
    held = {"read": True, "key_share": True}
    agent = ctx.session.get(Customer, agent_id, with_for_update=held, populate_existing=True)
    return agent if agent is not None and agent.is_live else None


# -- how many of many (rule 10.10) -----------------------------------------------------------------------

_WAITING = Customer.status == Status.PENDING_APPROVAL


@save_census(Customer)
def count_customer_rules(values: Mapping[str, Any]) -> list[Bucket]:
    """Say which customers the rules above refuse an agent or another type."""
    found = _agent_faults(values["agent_id"]) if values.get("agent_id") is not None else []
    kind = values.get("account_type")
    if kind is None or kind == AccountType.TRADE:
        return found
    becoming = and_(_WAITING, Customer.account_type != kind, *(not_(bucket.clause) for bucket in found))
    return [*found, *_taken_emails(becoming)]


def _agent_faults(agent_id: int) -> list[Bucket]:
    agent = aliased(Customer)
    its = select(agent).where(agent.id == agent_id)
    changed = Customer.agent_id.is_distinct_from(agent_id)
    own = or_(
        Customer.id == agent_id,
        Customer.id.is_not_distinct_from(its.with_only_columns(agent.agent_id).scalar_subquery()),
    )
    live = its.where(agent.merged_into_id.is_(None), agent.anonymised_at.is_(None))
    kind = its.with_only_columns(agent.account_type).scalar_subquery()
    return at_fault(
        ("agent", GONE_AGENT, and_(changed, Customer.id != agent_id, not_(live.exists()))),
        ("agent", OWN_AGENT, and_(changed, own)),
        ("agent", NO_AGENT, and_(changed, kind.is_distinct_from(AccountType.AGENT))),
    )


def _taken_emails(becoming: Clause) -> list[Bucket]:
    """Say who of those that would become registered cannot, as somebody registered has their email (rule 11.4)."""
    other = aliased(Customer)
    live, others = (
        and_(who.merged_into_id.is_(None), who.anonymised_at.is_(None)) for who in (Customer, other)
    )
    # Written out, not as parameters: only so do the databases see that the unique index over just these rows will do.
    registered = literal(Status.REGISTERED, Customer.status.type, literal_execute=True)
    among = and_(other.status == registered, other.email_key != literal("", literal_execute=True), others)
    taken = exists().where(other.email_key == Customer.email_key, among)
    wanted = and_(becoming, live, Customer.email_key != "")
    clash = or_(taken, earlier(Customer, Customer.email_key, wanted))
    return at_fault(("email", TAKEN, and_(wanted, clash)))


def _count_approvals(values: Mapping[str, Any], shop: Shop) -> list[Bucket]:
    if "reason" in values:
        words("reason", values["reason"])
    return [refused(not_(_WAITING), *NOT_WAITING), *not_live(Customer), *_taken_emails(_WAITING)]


def _count_deactivations(values: Mapping[str, Any], shop: Shop) -> list[Bucket]:
    words("reason", values["reason"])
    return [
        refused(_WAITING, *WAITS),
        refused(not_(Customer.is_active), *INACTIVE),
        *not_live(Customer),
    ]


def _terms(
    payment_term: int | None,
    price_list: int | None,
    sales_channel: int,
    global_discount: Decimal | None,
    free_delivery: bool,
    pay_on_account: bool,
    credit_limit: int | None,
) -> dict[str, Any]:
    return {
        "payment_term_id": payment_term,
        "price_list_id": price_list,
        "sales_channel_id": sales_channel,
        "global_discount": global_discount or Decimal(0),
        "free_delivery": free_delivery,
        "pay_on_account": pay_on_account,
        "credit_limit": credit_limit,
    }


# -- actions --------------------------------------------------------------------------------------------


@action(
    "customer.change_class", Customer, label=N_("Change class"),
    census=lambda given, shop: saved(Customer, {"customer_class_id": given["customer_class"]}),
)  # fmt: skip
def change_class(ctx: Context, customer: Customer, *, customer_class: int | None = None) -> Outcome:
    """Put a customer into another class, or into none (F41)."""
    return _set(
        ctx, customer, {"customer_class_id": customer_class}, N_("%(customer)s is in another class now.")
    )


@action(
    "customer.change_group", Customer, label=N_("Change group"),
    census=lambda given, shop: saved(Customer, {"membership_group_id": given["membership_group"]}),
)  # fmt: skip
def change_group(ctx: Context, customer: Customer, *, membership_group: int | None = None) -> Outcome:
    """Put a customer into another membership group, or into none (F43)."""
    values = {"membership_group_id": membership_group}
    return _set(ctx, customer, values, N_("%(customer)s is in another group now."))


@action(
    "customer.activate", Customer, label=N_("Switch on"),
    census=lambda given, shop: [
        refused(_WAITING, *WAITS), refused(Customer.is_active.is_(True), *ACTIVE), *not_live(Customer)
    ],
)  # fmt: skip
def activate(ctx: Context, customer: Customer) -> Outcome:
    """Let a customer order and sign in again (F56). :raises Refused: ``active``, ``waits_for_approval``."""
    _refuse_if_waiting(customer)
    if customer.is_active:
        raise Refused(*ACTIVE)
    return _set(ctx, customer, {"is_active": True}, N_("%(customer)s is switched on."))


@action("customer.deactivate", Customer, label=N_("Switch off"), census=_count_deactivations)
def deactivate(ctx: Context, customer: Customer, *, reason: str) -> Outcome:
    """Keep a customer from ordering and signing in; history and balances stay (F56). :raises Refused: ``inactive``."""
    words("reason", reason)
    _refuse_if_waiting(customer)
    if not customer.is_active:
        raise Refused(*INACTIVE)
    return _set(ctx, customer, {"is_active": False}, N_("%(customer)s is switched off."))


@action("customer.approve", Customer, label=N_("Approve trade account"), census=_count_approvals)
def approve(ctx: Context, customer: Customer) -> Outcome:
    """Let a trade customer in: registered, switched on, and told so (F46). :raises Refused: ``not_waiting``."""
    _refuse_unless_waiting(customer)
    values = {
        "status": Status.REGISTERED,
        "is_active": True,
        "registered_at": customer.registered_at or ctx.now,
    }
    done = _set(ctx, customer, values, N_("The trade account of %(customer)s is approved."))
    ctx.mail("trade_approved", customer)
    return done


@action("customer.reject", Customer, label=N_("Reject trade account"), census=_count_approvals)
def reject(ctx: Context, customer: Customer, *, reason: str) -> Outcome:
    """Turn a trade application down: an active retail customer, who is told, is what remains.

    :raises Refused: ``not_waiting``.
    """
    words("reason", reason)
    _refuse_unless_waiting(customer)
    values = {
        "account_type": AccountType.RETAIL,
        "status": Status.REGISTERED,
        "is_active": True,
        "registered_at": customer.registered_at or ctx.now,
    }
    done = _set(
        ctx, customer, values, N_("%(customer)s is a retail customer now; the trade account was rejected.")
    )
    ctx.mail("trade_rejected", customer)
    return done


@action(
    "customer.verify", Customer, label=N_("Mark as verified"),
    census=lambda given, shop: [
        refused(Customer.verified_at.is_not(None), *VERIFIED), *not_live(Customer)
    ],
)  # fmt: skip
def verify(ctx: Context, customer: Customer) -> Outcome:
    """Record that we know who this is, and who said so (F16). :raises Refused: ``verified``."""
    if customer.verified_at is not None:
        raise Refused(*VERIFIED)
    values = {"verified_at": ctx.now, "verified_by_id": ctx.actor.id}
    return _set(ctx, customer, values, N_("%(customer)s is verified."))


@action(
    "customer.set_terms", Customer, label=N_("Set account terms"),
    census=lambda given, shop: saved(Customer, _terms(**given)),
)  # fmt: skip
def set_terms(
    ctx: Context,
    customer: Customer,
    *,
    payment_term: int | None = None,
    price_list: int | None = None,
    sales_channel: int,
    global_discount: Decimal | None = None,
    free_delivery: bool = False,
    pay_on_account: bool = False,
    credit_limit: int | None = None,
) -> Outcome:
    """Agree how a customer buys and pays (F50 to F57, F63). ``credit_limit`` in minor units; None is no limit."""
    values = _terms(
        payment_term, price_list, sales_channel, global_discount, free_delivery, pay_on_account, credit_limit
    )
    return _set(ctx, customer, values, N_("The account terms of %(customer)s are set."))


def _on_account(pay_on_account: bool, credit_limit: int | None) -> dict[str, Any]:
    return {"pay_on_account": pay_on_account, "credit_limit": credit_limit}


@action(
    "customer.set_pay_on_account", Customer, label=N_("Change pay on account"),
    census=lambda given, shop: saved(Customer, _on_account(**given)),
)  # fmt: skip
def set_pay_on_account(
    ctx: Context, customer: Customer, *, pay_on_account: bool = False, credit_limit: int | None = None
) -> Outcome:
    """Say whether a customer may buy on account, and up to which limit in minor units; None is no limit (F63)."""
    if credit_limit is not None and customer.account_balance > credit_limit:
        ctx.warn(
            N_("%(customer)s owes %(balance)s already, more than the limit: nothing more goes on account."),
            customer=str(customer),
            balance=money_text(ctx, customer.account_balance, customer.currency),
        )
    message = (
        N_("%(customer)s may buy on account.")
        if pay_on_account
        else N_("%(customer)s may not buy on account.")
    )
    return _set(ctx, customer, _on_account(pay_on_account, credit_limit), message)


def _set(ctx: Context, customer: Customer, values: dict[str, Any], message: str) -> Outcome:
    """Set columns by the rules that every save keeps."""
    save_values(ctx, customer, values)
    return Outcome(message, customer, {"customer": str(customer)})


def _refuse_if_waiting(customer: Customer) -> None:
    if customer.status == Status.PENDING_APPROVAL:
        raise Refused(*WAITS)


def _refuse_unless_waiting(customer: Customer) -> None:
    if customer.status != Status.PENDING_APPROVAL:
        raise Refused(*NOT_WAITING)
