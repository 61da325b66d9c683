"""Limiting a member of staff to the customers of some sales channels (rule 17)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from actions import sessions
from actions.base import Context, Missing, Outcome, Refused, action
from actions.bounds import NO_SUCH
from models.base import N_, Invalid
from models.lookups import SalesChannel
from models.member import Member, StaffChannel
from models.sight import channels_of
from models.staff import somebody_else_sees_all

CODE = "staff.limit_to_channels"
SEES_MORE = "sees_more", N_("%(person)s sees customers that you do not: ask somebody who sees them all.")
LAST = (
    "last",
    N_(
        "Nobody would be left who sees every customer and could change this. Let somebody else see all first."
    ),
)


@action(CODE, Member, label=N_("Limit to sales channels"), recent=True, final=True)
def limit_to_channels(ctx: Context, member: Member, *, sales_channels: Any) -> Outcome:
    """Let somebody see the customers of some sales channels only, or with none named all of them.

    Their sessions end, so that nothing they have open goes on as before. It is not undone but set anew, as an undo asks
    nobody whether they may.

    :param sales_channels: ids of the channels.
    :raises Invalid: one of them is not there; or none is named, or none of one's own, by somebody who is limited.
    :raises Refused: ``sees_more``, by somebody who is limited; ``last``, nobody would see all any more.
    """
    wanted = _wanted(ctx, sales_channels)
    _refuse_beyond_own(ctx, member, wanted)
    if wanted and not somebody_else_sees_all(ctx.session, member.id, CODE):
        raise Refused(*LAST)
    there = {
        row.sales_channel_id: row
        for row in ctx.session.scalars(select(StaffChannel).filter_by(user_id=member.id))
    }
    for channel_id, row in there.items():
        if channel_id not in wanted:
            ctx.session.delete(row)
    new = sorted(wanted - there.keys())
    ctx.session.add_all(StaffChannel(user_id=member.id, sales_channel_id=channel_id) for channel_id in new)
    if wanted != there.keys():
        sessions.end_all(ctx.session, member.id, ctx.now, sessions.ROLES)
    said = N_("%(person)s sees the customers of the chosen channels only.")
    return Outcome(said if wanted else N_("%(person)s sees every customer."), member, {"person": str(member)})


def _wanted(ctx: Context, ids: Any) -> set[int]:
    """Return the channels, locked so that none of them is deleted meanwhile."""
    if not isinstance(ids, list) or not all(type(i) is int and 0 < i < 2**63 for i in ids):
        raise Invalid({"sales_channels": NO_SUCH})
    try:
        return {row.id for row in ctx.lock(SalesChannel, ids)}
    except Missing:
        raise Invalid({"sales_channels": NO_SUCH}) from None


def _refuse_beyond_own(ctx: Context, member: Member, wanted: set[int]) -> None:
    """Let nobody who is limited show anybody, themselves included, more than they see (rule 17.5)."""
    if ctx.channels is None:
        return
    before = channels_of(ctx.session, member.id)
    if before is None or before - ctx.channels:
        raise Refused(*SEES_MORE, person=str(member))
    if not wanted:
        raise Invalid(
            {"sales_channels": N_("Choose at least one: you see some sales channels only yourself.")}
        )
