"""What stands in the way of a merge (rule 3.2): all of it at once, each with the record to go on to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import func, select

from actions.core.base import Context, Refused
from actions.core.customer_guard import refuse_unless_live
from actions.customers.reassignment import refuse_if_in_the_way
from actions.portal import login_as_standing
from models.base import N_, About
from models.choices import AccountType
from models.customer import Customer

LOGGED_IN_AS = N_(
    "%(staff)s is logged in as %(customer)s. End that session first, or wait until it is over at %(at)s."
)


def refuse(ctx: Context, survivor: Customer, losers: Sequence[Customer]) -> None:
    """Refuse what must not be merged.

    :raises Refused: the first of what stands in the way, which knows the rest as ``more``.
    """
    found = [*_of_records(ctx, survivor, losers)]
    if all(row.is_live for row in (survivor, *losers)):
        found += [*_currencies((survivor, *losers)), *_agents(ctx, survivor, losers)]
    if found:
        found[0].more = tuple(found[1:])
        raise found[0]


def _about(refused: Refused, row: Customer) -> Refused:
    """Return a refusal that names the record, and leads to it unless it leads elsewhere."""
    refused.about, refused.see = About(row.id, f"{row} #{row.id}"), refused.see or ("customer", row.id)
    return refused


def _of_records(ctx: Context, survivor: Customer, losers: Sequence[Customer]) -> Iterator[Refused]:
    """Yield what is wrong with each record by itself."""
    for row in (survivor, *losers):
        try:
            refuse_unless_live(row)
            refuse_if_staff_are_in(ctx, row)
            if row is not survivor:
                refuse_if_in_the_way(ctx, row)
        except Refused as refused:
            yield _about(refused, row)


def refuse_if_staff_are_in(ctx: Context, row: Customer) -> None:
    """Refuse while a member of staff is logged in as one of them: what they see there must not move under them."""
    there = login_as_standing.somebody_in(ctx.session, row.id, ctx.now)
    if there is None or there.ends_at is None:
        return
    local = there.ends_at.astimezone(ctx.shop.zone)
    refused = Refused(
        "logged_in_as", LOGGED_IN_AS, staff=str(there.member), customer=str(row), at=f"{local:%H:%M}"
    )
    refused.see = "login_as", there.id
    raise refused


def _currencies(group: Sequence[Customer]) -> Iterator[Refused]:
    """Yield each record with a balance, where these are in several currencies."""
    owing = [row for row in group if row.account_balance or row.credit_balance]
    used = sorted({row.currency for row in owing})
    for row in owing if len(used) > 1 else ():
        text = N_("The balances are in different currencies: %(used)s. Settle all but one first.")
        yield _about(Refused("currencies", text, used=", ".join(used)), row)


def _agents(ctx: Context, survivor: Customer, losers: Sequence[Customer]) -> Iterator[Refused]:
    """Yield agents with their own sub-customers, and those whose sub-customers would go to who is no agent."""
    group = survivor, *losers
    ids = {row.id for row in group}
    for row in group:
        if row.agent_id in ids:
            text = N_("An agent and their own sub-customer cannot be merged.")
            yield _about(Refused("agent", text), row)
    if survivor.account_type != AccountType.AGENT:
        yield from _led_by_no_agent(ctx, survivor, losers)


def _led_by_no_agent(ctx: Context, survivor: Customer, losers: Sequence[Customer]) -> Iterator[Refused]:
    live = Customer.merged_into_id.is_(None), Customer.anonymised_at.is_(None)
    wanted = select(Customer.agent_id, func.count()).where(
        Customer.agent_id.in_([row.id for row in losers]), *live
    )
    led = {row[0]: row[1] for row in ctx.session.execute(wanted.group_by(Customer.agent_id))}
    for row in losers:
        if count := led.get(row.id):
            text = N_("%(count)s sub-customers would move to %(survivor)s, who is not an agent.")
            yield _about(Refused("not_an_agent", text, count=count, survivor=str(survivor)), row)
