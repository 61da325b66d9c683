"""Merging customers: others go into the record one is on, which survives (rule 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import refuse_unless_live
from actions.core.eligibility import EVERY_LIVE
from actions.core.merge_summary import MergeChoice, MergeSummary, SheetLine
from actions.core.texts import required_text
from actions.customers.customers import live_agent
from actions.customers.reassignment import BALANCES, move_all, refuse_if_in_the_way
from actions.duplicates import decisions
from actions.ledgers.points_breakdown import past_points
from actions.merging import choices
from actions.portal import login_as_standing
from models.address import Address
from models.base import N_, About, Invalid, metadata
from models.choices import AccountType, Status
from models.customer import Customer
from models.loyalty import LoyaltyLot
from models.note import Note
from models.order import Order
from models.personal import policy
from models.phone import Phone

MOST = 20
"""Records that are merged into one at a time."""

TOGETHER = {"email": ("email_verified_at",)}
"""What goes with a value that is taken over."""

LOGGED_IN_AS = N_(
    "%(staff)s is logged in as %(customer)s. End that session first, or wait until it is over at %(at)s."
)

COUNTED: tuple[tuple[str, Any], ...] = (
    (N_("Orders"), Order),
    (N_("Notes"), Note),
    (N_("Addresses"), Address),
    (N_("Phones"), Phone),
)


@action(
    "customer.merge",
    Customer,
    label=N_("Merge into this record"),
    danger=True,
    other_rows="others",
    customers=EVERY_LIVE,
)
def merge(
    ctx: Context, customer: Customer, *, others: list[int], reason: str, take: Sequence[str] = ()
) -> Outcome:
    """Merge other records into this one, which takes over all that is theirs (rule 3).

    :param others: ids of the records that go; each stays as a tombstone that leads here.
    :param take: where they differ, whose value this one gets: ``email:12`` for the email of record 12. Elsewhere its
        own stays, or the first there is.
    :raises Invalid: no record, or too many; ``take`` chooses what there is not. :raises Refused: ``itself``,
        ``missing``, ``merged``, ``erased``, ``logged_in_as``, ``currencies``, ``agent``, ``not_an_agent``,
        ``in_the_way``, ``sums_differ``.
    """
    required_text("reason", reason)
    losers = _losers(ctx, customer, others)
    group = [customer, *losers]
    _refuse(ctx, customer, losers)
    differ = choices.find(ctx, group, take)
    names = {row.id: str(row) for row in group}
    before, entries = figures(ctx, group), ledger_sums(ctx, [row.id for row in group])
    for loser in losers:
        loser.merged_into_id = customer.id
    ctx.session.flush()
    _take_over(ctx, customer, losers, {choice.field: choice.taken for choice in differ})
    choices.settle(ctx, group, differ)
    for loser in losers:
        decisions.give_way(ctx, customer, loser)
        move_all(ctx, customer, loser)
    for name in BALANCES:
        setattr(customer, name, sum(getattr(row, name) for row in group))
        for loser in losers:
            setattr(loser, name, 0)
    ctx.session.flush()
    _check_sums(ctx, customer, entries)
    sheet = _sheet(group, names, before, figures(ctx, [customer])[customer.id], differ)
    if len(losers) == 1:
        values = {"other": str(losers[0]), "survivor": str(customer)}
        return Outcome(N_("%(other)s was merged into %(survivor)s."), customer, values, sheet=sheet)
    counted = {"count": len(losers), "survivor": str(customer)}
    return Outcome(N_("%(count)s records were merged into %(survivor)s."), customer, counted, sheet=sheet)


# -- what stands in the way -------------------------------------------------------------------------------


def _losers(ctx: Context, survivor: Customer, others: Any) -> list[Customer]:
    """Return the other records in the order they were named, all locked in id order with the survivor."""
    if not isinstance(others, list) or not others or not all(type(i) is int and i > 0 for i in others):
        raise Invalid({"others": N_("Choose at least one record to merge into this one.")})
    ids = list(dict.fromkeys(others))
    if len(ids) > MOST:
        raise Invalid({"others": N_("You can merge up to 20 records at a time.")})
    if survivor.id in ids:
        raise Refused("itself", N_("A record cannot be merged into itself."))
    rows = {row.id: row for row in ctx.lock(Customer, [survivor.id, *ids])}
    return [rows[i] for i in ids]


def _refuse(ctx: Context, survivor: Customer, losers: Sequence[Customer]) -> None:
    """Refuse what must not be merged (rule 3.2), naming the record that stands in the way."""
    for row in (survivor, *losers):
        try:
            refuse_unless_live(row)
            refuse_if_staff_are_in(ctx, row)
            if row is not survivor:
                refuse_if_in_the_way(ctx, row)
        except Refused as refused:
            refused.about = About(row.id, str(row))
            raise
    _refuse_currencies((survivor, *losers))
    _refuse_agents(ctx, survivor, losers)


def refuse_if_staff_are_in(ctx: Context, row: Customer) -> None:
    """Refuse while a member of staff is logged in as one of them: what they see there must not move under them."""
    there = login_as_standing.somebody_in(ctx.session, row.id, ctx.now)
    if there is None or there.ends_at is None:
        return
    local = there.ends_at.astimezone(ctx.shop.zone)
    raise Refused(
        "logged_in_as", LOGGED_IN_AS, staff=str(there.member), customer=str(row), at=f"{local:%H:%M}"
    )


def _refuse_currencies(group: Sequence[Customer]) -> None:
    used = {row.currency for row in group if row.account_balance or row.credit_balance}
    if len(used) > 1:
        raise Refused(
            "currencies",
            N_("The balances are in different currencies: %(used)s. Settle all but one first."),
            used=", ".join(sorted(used)),
        )


def _refuse_agents(ctx: Context, survivor: Customer, losers: Sequence[Customer]) -> None:
    ids = {row.id for row in (survivor, *losers)}
    for row in (survivor, *losers):
        if row.agent_id in ids:
            raise Refused("agent", N_("An agent and their own sub-customer cannot be merged."))
    if survivor.account_type == AccountType.AGENT:
        return
    led = select(func.count()).where(
        Customer.agent_id.in_(ids - {survivor.id}),
        Customer.merged_into_id.is_(None),
        Customer.anonymised_at.is_(None),
    )
    if count := ctx.session.scalar(led) or 0:
        raise Refused(
            "not_an_agent",
            N_("%(count)s sub-customers would move to %(survivor)s, who is not an agent."),
            count=count,
            survivor=str(survivor),
        )


# -- profile ----------------------------------------------------------------------------------------------


def _take_over(
    ctx: Context, survivor: Customer, losers: Sequence[Customer], taken: Mapping[str, int]
) -> None:
    """Settle every profile field as chosen, or by its declared rule (rule 3.4); what loses stays in the changeset."""
    for column in metadata.tables[Customer.__tablename__].columns:
        rule = policy(column).merge
        field = column.name.removesuffix("_id")
        if field in taken:
            _fill(
                ctx, survivor, next(row for row in (survivor, *losers) if row.id == taken[field]), column.name
            )
        elif rule == "fill" and getattr(survivor, column.name) in (None, ""):
            giver = next((row for row in losers if getattr(row, column.name) not in (None, "")), survivor)
            _fill(ctx, survivor, giver, column.name)
        elif rule == "stricter":
            _stricter(ctx, survivor, losers, column.name)
    if not (survivor.account_balance or survivor.credit_balance):
        owing = [row for row in losers if row.account_balance or row.credit_balance]
        _take_currency(survivor, owing[0] if owing else survivor)
    _inherit_agent(ctx, survivor, losers)
    ctx.session.flush()


def _take_currency(survivor: Customer, owing: Customer) -> None:
    """Keep the account in the currency of the balance; the credit limit is an amount of that, so it goes along."""
    if owing.currency != survivor.currency:
        survivor.currency, survivor.credit_limit = owing.currency, owing.credit_limit


def _fill(ctx: Context, survivor: Customer, giver: Customer, name: str) -> None:
    if giver is survivor:
        return
    try:
        with ctx.journal.attempt(ctx.session):
            for part in (name, *TOGETHER.get(name, ())):
                setattr(survivor, part, getattr(giver, part))
    except (IntegrityError, Invalid):
        ctx.warn(
            N_("The %(field)s of %(other)s is not kept: it is in use or no longer allowed."),
            field=name.removesuffix("_id").replace("_", " "),
            other=str(giver),
        )


def _stricter(ctx: Context, survivor: Customer, losers: Sequence[Customer], name: str) -> None:
    """Take the more protective of two switches: off. A trade account that waits is off for that reason alone."""
    counted = [row for row in losers if not (name == "is_active" and row.status == Status.PENDING_APPROVAL)]
    if getattr(survivor, name) and not all(getattr(row, name) for row in counted):
        setattr(survivor, name, False)
        ctx.warn(
            N_("%(survivor)s loses %(field)s because a record merged into it does not have it."),
            survivor=str(survivor),
            field=name.replace("is_", "").replace("_", " "),
        )


def _inherit_agent(ctx: Context, survivor: Customer, losers: Sequence[Customer]) -> None:
    if survivor.agent_id is not None:
        return
    for row in losers:
        agent = live_agent(ctx, row.agent_id) if row.agent_id is not None else None
        if agent is not None and agent.agent_id != survivor.id:
            survivor.agent_id = agent.id
            return


# -- figures ----------------------------------------------------------------------------------------------


def ledger_sums(ctx: Context, ids: Sequence[int]) -> dict[str, int]:
    """Return cached balance -> what the entries of these customers add up to, and what is left in their lots."""
    parts = {**BALANCES, "lots": (LoyaltyLot.customer_id, LoyaltyLot.unspent)}
    return {
        name: int(ctx.session.scalar(select(func.coalesce(func.sum(figure), 0)).where(owner.in_(ids))) or 0)
        for name, (owner, figure) in parts.items()
    }


def _check_sums(ctx: Context, survivor: Customer, before: dict[str, int]) -> None:
    """Compare what there was with what there is, to the unit (rule 3.5)."""
    after = ledger_sums(ctx, [survivor.id])
    cached = {name: getattr(survivor, name) for name in BALANCES} | {"lots": survivor.points}
    if not before == after == cached:
        raise Refused(
            "sums_differ",
            N_("The ledgers of these records do not add up. Ask your admin to verify them before merging."),
        )


def figures(ctx: Context, group: Sequence[Customer]) -> dict[int, list[int]]:
    """Return customer id -> the figures of the balance sheet, in its order."""
    found = {row.id: [getattr(row, name) for name in BALANCES] for row in group}
    for owner, past in past_points(ctx.session, ctx.now, list(found)).items():
        found[owner][0] -= past
    for _label, model in COUNTED:
        counts = select(model.customer_id, func.count()).where(model.customer_id.in_(found))
        by_owner = {row[0]: row[1] for row in ctx.session.execute(counts.group_by(model.customer_id))}
        for owner, figures in found.items():
            figures.append(by_owner.get(owner, 0))
    return found


def _sheet(
    group: Sequence[Customer],
    names: Mapping[int, str],
    before: dict[int, list[int]],
    after: list[int],
    differ: Sequence[MergeChoice],
) -> MergeSummary:
    """Return what each record had, what the survivor has now, and where they differed."""
    columns = [*(before[row.id] for row in group), after]
    currencies = (*(row.currency for row in group), group[0].currency)
    labels = [N_("Points"), N_("Account"), N_("Gift-card credit"), *(label for label, _model in COUNTED)]
    return MergeSummary(
        names,
        tuple(
            SheetLine(
                label,
                tuple(column[place] for column in columns),
                currencies if place in (1, 2) else (),
                signed=place == 1,
            )
            for place, label in enumerate(labels)
        ),
        tuple(differ),
    )
