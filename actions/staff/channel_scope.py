"""Limiting a member of staff to the customers of some sales channels (rule 17)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from actions.core.base import Context, Escalation, Missing, Outcome, action
from actions.core.journal import Journal
from actions.execution.invariants import invariant
from actions.execution.scope_guard import NO_SUCH
from actions.staff import sessions
from models.base import N_, Invalid
from models.lookups import SalesChannel
from models.member import ADMIN, Member, StaffChannel, StaffRole
from models.row_scope import channels_of
from models.staff import somebody_sees_all

CODE = "staff.limit_to_channels"
SEES_MORE = (
    "sees_more",
    N_("%(person)s has access to customers that you do not. Ask someone with access to all of them."),
)
LAST = (
    "last",
    N_(
        "At least one person who can change this must have access to all customers. Give someone else "
        "access first."
    ),
)
LINKED = frozenset({"ab_user_role", "ab_user_group", "ab_group_role", "ab_permission_view_role"})


@action(CODE, Member, label=N_("Limit to sales channels"), recent=True, final=True)
def limit_to_channels(ctx: Context, member: Member, *, sales_channels: Any) -> Outcome:
    """Let somebody see the customers of some sales channels only, or with none named all of them.

    Their sessions end, so that nothing they have open goes on as before. It is not undone but set again, as an undo
    asks nobody whether they may.

    :param sales_channels: ids of the channels.
    :raises Invalid: one of them is not there; or none is named, or none of one's own, by somebody who is limited.
    :raises Escalation: ``sees_more``, by somebody who is limited; ``last``, nobody would see all any more.
    """
    wanted = _wanted(ctx, sales_channels)
    _refuse_beyond_own(ctx, member, wanted)
    rows = ctx.session.scalars(select(StaffChannel).filter_by(user_id=member.id))
    there = {row.sales_channel_id: row for row in rows}
    for channel_id in there.keys() - wanted:
        ctx.session.delete(there[channel_id])
    _add(ctx, member, wanted - there.keys())
    if wanted != there.keys():
        sessions.STORE.end_all(ctx.session, member.id, ctx.now, sessions.ROLES)
    said = N_("%(person)s now only has access to customers of the chosen channels.")
    return Outcome(
        said if wanted else N_("%(person)s now has access to all customers."), member, {"person": str(member)}
    )


def inherit(ctx: Context, member: Member) -> None:
    """Let somebody new see what the person who lets them in sees, and no more."""
    _add(ctx, member, set(ctx.channels or ()))


def _add(ctx: Context, member: Member, channels: set[int]) -> None:
    ctx.session.add_all(StaffChannel(user_id=member.id, sales_channel_id=c) for c in sorted(channels))
    ctx.session.flush()


def _wanted(ctx: Context, ids: Any) -> set[int]:
    """Return the channels, locked so that none of them is deleted in the meantime."""
    if not isinstance(ids, list) or not all(type(i) is int and 0 < i < 2**63 for i in ids):
        raise Invalid({"sales_channels": NO_SUCH})
    try:
        return {row.id for row in ctx.lock(SalesChannel, ids)}
    except Missing:
        raise Invalid({"sales_channels": NO_SUCH}) from None


def _refuse_beyond_own(ctx: Context, member: Member, wanted: set[int]) -> None:
    if ctx.channels is None:
        return
    _refuse_if_sees_more(ctx, ctx.channels, member.id)
    if not wanted:
        raise Invalid(
            {
                "sales_channels": N_(
                    "Choose at least one sales channel. You only have access to some yourself."
                )
            }
        )


# -- what no other action gets round either ----------------------------------------------------------------------------


@invariant("staff_channel", "ab_user", "ab_user_role", "ab_user_group")
def show_nobody_more(ctx: Context) -> None:
    """Nobody who is limited lets anybody see, or do with a new role, email or account, more than they see (rule 17.5).

    :raises Escalation: ``sees_more``.
    """
    channels = ctx.channels
    if channels is None:
        return
    for member_id in sorted(_let_see(ctx.journal)):
        _refuse_if_sees_more(ctx, channels, member_id)


def _let_see(journal: Journal) -> set[int]:
    """Return who got an account, an email, a role, a group or other channels by an action, or was let in again."""
    found: set[int] = set()
    for (table, row_id), change in journal.changes.items():
        before, after = change["before"] or {}, change["after"]
        if table == "ab_user" and after is not None:
            gained = change["before"] is None or "email" in after or after.get("active")
            found |= {row_id} if gained else set()
        elif table == "staff_channel" or (table in ("ab_user_role", "ab_user_group") and after is not None):
            found.add((after or before)["user_id"])
    return found


def _refuse_if_sees_more(ctx: Context, channels: frozenset[int], member_id: int) -> None:
    sees = channels_of(ctx.session, member_id)
    if sees is None or sees - channels:
        raise Escalation(*SEES_MORE, person=str(ctx.session.get_one(Member, member_id)))


@invariant(
    "staff_channel", "ab_user", "ab_user_role", "ab_user_group", "ab_group_role", "ab_permission_view_role"
)
def keep_somebody_who_sees_all(ctx: Context) -> None:
    """Somebody active always sees every customer and can lift limits, where anybody is limited at all (rule 17.5).

    :raises Escalation: ``last``.
    """
    if not _takes_away(ctx.journal) or ctx.session.scalar(select(StaffChannel.id).limit(1)) is None:
        return
    ctx.session.scalar(select(StaffRole.id).where(StaffRole.name == ADMIN).with_for_update(key_share=True))
    if not somebody_sees_all(ctx.session, CODE):
        raise Escalation(*LAST)


def _takes_away(journal: Journal) -> bool:
    """Whether somebody may sign in, see or do less by an action."""
    for (table, _row_id), change in journal.changes.items():
        after = change["after"]
        if table == "staff_channel" and after is not None:
            return True
        if table == "ab_user" and after is not None and after.get("active") is False:
            return True
        if table in LINKED and after is None:
            return True
    return False
