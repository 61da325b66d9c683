"""Customers: what every save of one keeps (rule 11), and what staff do to one or to many."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, exists, literal, not_, or_, select
from sqlalchemy.orm import Session, aliased

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import not_for, not_live, refuse_unless_live
from actions.core.eligibility import EVERY_LIVE, SETTLED, WAITING
from actions.core.outcome_groups import Clause, OutcomeGroup, at_fault, earlier, refused
from actions.core.texts import money_text, required_text, today
from actions.execution.constraints import TAKEN
from actions.execution.records import before_delete, before_save, save_counts, save_values, saved
from models.base import N_, Invalid
from models.choices import AccountType, Status
from models.customer import NO_AGENT, OWN_AGENT, Customer
from models.lookups import SalesChannel
from models.row_scope import Channels
from models.shop import Shop

IDENTITY = ("first_name", "last_name", "company_name", "trading_name", "email")
GONE_AGENT = N_("Choose another agent. This record is merged or erased.")
ACTIVE = "active", N_("This customer is already active.")
INACTIVE = "inactive", N_("This customer is already inactive.")
VERIFIED = "verified", N_("This customer is already verified.")


@before_save(Customer, row_only=True)
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
    _say_what_the_limit_is(ctx, row, changed, created)


@before_delete(Customer)
def never_delete(ctx: Context, row: Customer) -> None:
    """A customer's history outlives the customer. :raises Refused: ``never_deleted``, always."""
    raise Refused(
        "never_deleted",
        N_("Customers are never deleted, because their history must stay. Deactivate the customer instead."),
    )


def _defaults(ctx: Context, row: Customer) -> None:
    """Fill in what the shop's settings decide when nobody chose."""
    if row.currency is None:
        row.currency = ctx.shop.currency
    if row.created_via is None:
        row.created_via = ctx.via
    if row.sales_channel_id is None:
        row.sales_channel_id = usual_channel(ctx.session, ctx.shop, ctx.channels)


def usual_channel(session: Session, shop: Shop, channels: Channels) -> int | None:
    """Return the channel that new customers get: the shop's, or the person's first in use where they do not see it."""
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
        return {"is_active": N_("This trade account is awaiting approval. It stays inactive until then.")}
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
        "currency": N_(
            "The currency can only change while the account balance and gift-card credit are zero."
        )
    }


def _say_what_the_limit_is(ctx: Context, row: Customer, changed: set[str], created: bool) -> None:
    """A limit that nobody typed again is now so much of the other currency, which is told."""
    moved = "currency" in changed and "credit_limit" not in changed
    if moved and not created and row.credit_limit is not None:
        limit = money_text(ctx, row.credit_limit, row.currency)
        ctx.warn(N_("The credit limit of %(customer)s is now %(limit)s."), customer=str(row), limit=limit)


def _birth_problem(ctx: Context, row: Customer, changed: set[str]) -> dict[str, str]:
    if "date_of_birth" not in changed or row.date_of_birth is None or row.date_of_birth <= today(ctx):
        return {}
    return {"date_of_birth": N_("Date of birth must be in the past.")}


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
    """Return a customer who is live until the commit, so that nobody merges them away in the meantime; None if not."""
    held = {"read": True, "key_share": True}
    agent = ctx.session.get(Customer, agent_id, with_for_update=held, populate_existing=True)
    return agent if agent is not None and agent.is_live else None


# -- how many of many (rule 10.10) -----------------------------------------------------------------------

_WAITING = Customer.status == Status.PENDING_APPROVAL


@save_counts(Customer)
def count_customer_rules(values: Mapping[str, Any]) -> list[OutcomeGroup]:
    """Say which customers the rules above refuse an agent or another type."""
    found = _agent_faults(values["agent_id"]) if values.get("agent_id") is not None else []
    kind = values.get("account_type")
    if kind is None or kind == AccountType.TRADE:
        return found
    becoming = and_(_WAITING, Customer.account_type != kind, *(not_(bucket.clause) for bucket in found))
    return [*found, *_taken_emails(becoming)]


def _agent_faults(agent_id: int) -> list[OutcomeGroup]:
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


def _taken_emails(becoming: Clause) -> list[OutcomeGroup]:
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


def _count_approvals(values: Mapping[str, Any]) -> list[OutcomeGroup]:
    if "reason" in values:
        required_text("reason", values["reason"])
    return [*not_for(WAITING), *_taken_emails(_WAITING)]


def _count_deactivations(values: Mapping[str, Any]) -> list[OutcomeGroup]:
    required_text("reason", values["reason"])
    return [*not_for(SETTLED), refused(not_(Customer.is_active), *INACTIVE)]


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
    bulk_counts=lambda given: saved(Customer, {"customer_class_id": given["customer_class"]}),
    customers=EVERY_LIVE,
)  # fmt: skip
def change_class(ctx: Context, customer: Customer, *, customer_class: int | None = None) -> Outcome:
    """Put a customer into another class, or into none (feature 41)."""
    return _set(ctx, customer, {"customer_class_id": customer_class}, N_("Class of %(customer)s changed."))


@action(
    "customer.change_group", Customer, label=N_("Change group"),
    bulk_counts=lambda given: saved(Customer, {"membership_group_id": given["membership_group"]}),
    customers=EVERY_LIVE,
)  # fmt: skip
def change_group(ctx: Context, customer: Customer, *, membership_group: int | None = None) -> Outcome:
    """Put a customer into another membership group, or into none (feature 43)."""
    values = {"membership_group_id": membership_group}
    return _set(ctx, customer, values, N_("Group of %(customer)s changed."))


@action(
    "customer.activate", Customer, label=N_("Activate"),
    bulk_counts=lambda given: [*not_for(SETTLED), refused(Customer.is_active.is_(True), *ACTIVE)],
    customers=SETTLED,
)  # fmt: skip
def activate(ctx: Context, customer: Customer) -> Outcome:
    """Let a customer order and sign in again (feature 56). :raises Refused: ``active``, ``waits_for_approval``."""
    if customer.is_active:
        raise Refused(*ACTIVE)
    return _set(ctx, customer, {"is_active": True}, N_("%(customer)s activated."))


@action(
    "customer.deactivate",
    Customer,
    label=N_("Deactivate"),
    bulk_counts=_count_deactivations,
    customers=SETTLED,
)
def deactivate(ctx: Context, customer: Customer, *, reason: str) -> Outcome:
    """Keep a customer from ordering and signing in; all else stays (feature 56). :raises Refused: ``inactive``."""
    required_text("reason", reason)
    if not customer.is_active:
        raise Refused(*INACTIVE)
    return _set(ctx, customer, {"is_active": False}, N_("%(customer)s deactivated."))


def _let_in(ctx: Context, customer: Customer) -> dict[str, Any]:
    """Return the values of a customer who may sign in from now on."""
    return {
        "status": Status.REGISTERED,
        "is_active": True,
        "registered_at": customer.registered_at or ctx.now,
    }


@action(
    "customer.approve",
    Customer,
    label=N_("Approve trade account"),
    bulk_counts=_count_approvals,
    mails=True,
    customers=WAITING,
)
def approve(ctx: Context, customer: Customer) -> Outcome:
    """Let a trade customer in: registered, switched on, and told so (feature 46). :raises Refused: ``not_waiting``."""
    done = _set(ctx, customer, _let_in(ctx, customer), N_("Trade account of %(customer)s approved."))
    ctx.mail("trade_approved", customer)
    return done


@action(
    "customer.reject",
    Customer,
    label=N_("Reject trade account"),
    bulk_counts=_count_approvals,
    mails=True,
    customers=WAITING,
)
def reject(ctx: Context, customer: Customer, *, reason: str, tell_reason: bool = False) -> Outcome:
    """Turn a trade application down: an active retail customer, who is told, is what remains.

    :param tell_reason: whether the mail says why, in the words of ``reason``. :raises Refused: ``not_waiting``.
    """
    told = required_text("reason", reason)
    values = {"account_type": AccountType.RETAIL, **_let_in(ctx, customer)}
    done = _set(ctx, customer, values, N_("Trade account rejected. %(customer)s is now a retail customer."))
    ctx.mail("trade_rejected", customer, why=told if tell_reason else "")
    return done


@action(
    "customer.verify", Customer, label=N_("Mark as verified"),
    bulk_counts=lambda given: [refused(Customer.verified_at.is_not(None), *VERIFIED), *not_live(Customer)],
    customers=EVERY_LIVE,
)  # fmt: skip
def verify(ctx: Context, customer: Customer) -> Outcome:
    """Record that we know who this is, and who said so (feature 16). :raises Refused: ``verified``."""
    if customer.verified_at is not None:
        raise Refused(*VERIFIED)
    values = {"verified_at": ctx.now, "verified_by_id": ctx.actor.id}
    return _set(ctx, customer, values, N_("%(customer)s is verified."))


@action(
    "customer.set_terms", Customer, label=N_("Set account terms"),
    bulk_counts=lambda given: saved(Customer, _terms(**given)),
    customers=EVERY_LIVE,
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
    """Agree how a customer buys and pays (features 50 to 57, 63). ``credit_limit`` in minor units; None is no limit."""
    values = _terms(
        payment_term, price_list, sales_channel, global_discount, free_delivery, pay_on_account, credit_limit
    )
    return _set(ctx, customer, values, N_("Account terms of %(customer)s saved."))


def _on_account(pay_on_account: bool, credit_limit: int | None) -> dict[str, Any]:
    return {"pay_on_account": pay_on_account, "credit_limit": credit_limit}


@action(
    "customer.set_pay_on_account", Customer, label=N_("Edit credit account"),
    bulk_counts=lambda given: saved(Customer, _on_account(**given)),
    customers=EVERY_LIVE,
)  # fmt: skip
def set_pay_on_account(
    ctx: Context, customer: Customer, *, pay_on_account: bool = False, credit_limit: int | None = None
) -> Outcome:
    """Set whether a customer may buy on account, and the limit in minor units; None is no limit (feature 63)."""
    if credit_limit is not None and customer.account_balance > credit_limit:
        ctx.warn(
            N_(
                "%(customer)s already owes %(balance)s, which is over the limit. They cannot buy more on account."
            ),
            customer=str(customer),
            balance=money_text(ctx, customer.account_balance, customer.currency),
        )
    yes, no = N_("Credit account of %(customer)s enabled."), N_("Credit account of %(customer)s disabled.")
    return _set(ctx, customer, _on_account(pay_on_account, credit_limit), yes if pay_on_account else no)


def _set(ctx: Context, customer: Customer, values: dict[str, Any], message: str) -> Outcome:
    """Set columns by the rules that every save keeps."""
    save_values(ctx, customer, values)
    return Outcome(message, customer, {"customer": str(customer)})
