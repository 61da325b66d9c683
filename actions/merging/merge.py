"""Merging customers: others go into the record one is on, which survives (rule 3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from actions.core.base import Context, Outcome, Refused, action
from actions.core.eligibility import EVERY_LIVE
from actions.core.mail_templates import MailTemplate, declare
from actions.core.merge_summary import MergeChoice, MergeSummary, SheetLine
from actions.core.texts import day_text, required_text
from actions.customers.customers import live_agent
from actions.customers.reassignment import BALANCES, move_all
from actions.duplicates import decisions
from actions.ledgers.points_breakdown import past_points
from actions.merging import blockers, brought, choices
from models.address import Address
from models.base import N_, Invalid, metadata
from models.choices import Status
from models.customer import Customer
from models.duplicate import Verdict
from models.loyalty import LoyaltyLot
from models.merge import Merge
from models.note import Note
from models.order import Order
from models.personal import policy
from models.phone import Phone

MOST = 20
"""Records that are merged into one at a time."""

TOGETHER = {"email": ("email_verified_at",)}
"""What goes with a value that is taken over."""

MERGED_ONE = N_("%(other)s was merged into %(survivor)s: %(moved)s moved.")
MERGED = N_("%(count)s records were merged into %(survivor)s: %(moved)s moved.")
HOUSEHOLD = N_("%(one)s and %(other)s are linked as people of one household.")
DIFFERENT = N_("Somebody said on %(day)s that %(one)s and %(other)s are not the same customer.")
ACCOUNTS_MERGED = declare(
    MailTemplate(
        "customer_merged",
        N_("Customer: accounts merged"),
        N_("Your accounts are now one"),
        frozenset({"signs_in"}),
    )
)

Figures = dict[int, list[int]]
"""Customer id -> points, account, gift-card credit and what else a balance sheet counts, in its order."""
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
    ctx: Context,
    customer: Customer,
    *,
    others: list[int],
    reason: str,
    take: Sequence[str] = (),
    tell_customer: bool = False,
) -> Outcome:
    """Merge other records into this one, which takes over all that is theirs (rule 3).

    :param others: ids of the records that go; each stays as a tombstone that leads here.
    :param take: where they differ, whose value this one gets: ``email:12`` for the email of record 12. Elsewhere its
        own stays, or the first there is.
    :param tell_customer: whether an email goes to the customer, who then has one account (rule 3.10).
    :raises Invalid: no record, or too many; ``take`` chooses what there is not. :raises Refused: ``itself``,
        ``missing``, ``merged``, ``erased``, ``logged_in_as``, ``currencies``, ``agent``, ``not_an_agent``,
        ``in_the_way``, ``sums_differ``.
    """
    required_text("reason", reason)
    losers = _losers(ctx, customer, others)
    group = [customer, *losers]
    blockers.refuse(ctx, customer, losers)
    _warn_of_decisions(ctx, group)
    differ = choices.find(ctx, group, take)
    names = {row.id: str(row) for row in group}
    before, entries = figures(ctx, group), ledger_sums(ctx, [row.id for row in group])
    points = sum(row.points for row in losers)
    _bring_together(ctx, customer, losers, differ)
    _check_sums(ctx, customer, entries)
    if tell_customer:
        _tell(ctx, customer)
    moved = brought.in_words(brought.of_journal(ctx.journal, points), ctx.shop.locale)
    sheet = _sheet(ctx, group, names, before, figures(ctx, [customer])[customer.id], differ)
    return _outcome(customer, losers, replace(sheet, moved=moved))


def _bring_together(
    ctx: Context, survivor: Customer, losers: Sequence[Customer], differ: Sequence[MergeChoice]
) -> None:
    """Make tombstones of the records that go, and give the survivor all that is theirs."""
    group = [survivor, *losers]
    for loser in losers:
        loser.merged_into_id = survivor.id
        gone = {"merged_id": loser.id, "survivor_id": survivor.id, "merged_at": ctx.now}
        ctx.session.add(Merge(changeset_id=ctx.changeset_id, **gone))
    ctx.session.flush()
    _take_over(ctx, survivor, losers, {choice.field: choice.taken for choice in differ})
    choices.settle(ctx, group, differ)
    for loser in losers:
        decisions.give_way(ctx, survivor, loser)
        move_all(ctx, survivor, loser)
    for name in BALANCES:
        setattr(survivor, name, sum(getattr(row, name) for row in group))
        for loser in losers:
            setattr(loser, name, 0)
    ctx.session.flush()


def _outcome(customer: Customer, losers: Sequence[Customer], sheet: MergeSummary) -> Outcome:
    """Return what is said of it: who went into whom, and what came along."""
    values = {"survivor": str(customer), "moved": sheet.moved}
    if len(losers) == 1:
        said = MERGED_ONE if sheet.moved else N_("%(other)s was merged into %(survivor)s.")
        return Outcome(said, customer, {"other": str(losers[0]), **values}, sheet=sheet)
    said = MERGED if sheet.moved else N_("%(count)s records were merged into %(survivor)s.")
    return Outcome(said, customer, {"count": len(losers), **values}, sheet=sheet)


# -- which records ---------------------------------------------------------------------------------------


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


def _warn_of_decisions(ctx: Context, group: Sequence[Customer]) -> None:
    """Say what somebody has decided of any two of them (rule 7.7): it is over with the merge."""
    called = {row.id: f"{row} #{row.id}" for row in group}
    for decided in decisions.among(ctx.session, list(called)):
        both = {"one": called[decided.lower_id], "other": called[decided.higher_id]}
        if decided.verdict is Verdict.HOUSEHOLD:
            ctx.warn(HOUSEHOLD, **both)
        else:
            day = decided.created_at.astimezone(ctx.shop.zone).date()
            ctx.warn(DIFFERENT, **both, day=day_text(ctx, day))


def _tell(ctx: Context, customer: Customer) -> None:
    """Write to the customer that their accounts are one by now."""
    signs_in = ctx.has_portal and customer.status is Status.REGISTERED and customer.is_active
    ctx.mail(ACCOUNTS_MERGED, customer, signs_in="yes" if signs_in else "")


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


def figures(ctx: Context, group: Sequence[Customer]) -> Figures:
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


def _since(ctx: Context, row: Customer) -> dt.date:
    """Return since when somebody is a customer, as far as the record knows: registered, or else first written down."""
    return min(row.registered_at or row.created_at, row.created_at).astimezone(ctx.shop.zone).date()


def _sheet(
    ctx: Context,
    group: Sequence[Customer],
    names: Mapping[int, str],
    before: Figures,
    after: list[int],
    differ: Sequence[MergeChoice],
) -> MergeSummary:
    """Return what each record had, what the survivor has now, and where they differed."""
    columns = [*(before[row.id] for row in group), after]
    currencies = (*(row.currency for row in group), group[0].currency)
    since = {row.id: _since(ctx, row) for row in group}
    return MergeSummary(names, lines(columns, currencies), tuple(differ), since)


def lines(columns: Sequence[Sequence[int]], currencies: tuple[str, ...]) -> tuple[SheetLine, ...]:
    """Return the balance sheet of some columns, each with its currency."""
    labels = [N_("Points"), N_("Account"), N_("Gift-card credit"), *(label for label, _model in COUNTED)]
    return tuple(
        SheetLine(
            label,
            tuple(column[place] for column in columns),
            currencies if place in (1, 2) else (),
            signed=place == 1,
        )
        for place, label in enumerate(labels)
    )
