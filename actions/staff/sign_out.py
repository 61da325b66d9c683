"""Ending sessions of staff from elsewhere: one's own, or anybody's for those who manage them (rule 16.8)."""

from __future__ import annotations

from sqlalchemy import Engine, select

from actions.core.base import Context, Outcome, Refused, action
from actions.execution import rate_limit, session_store
from actions.execution.rate_limit import Limit
from actions.execution.runner import Call
from actions.staff import security_events, sessions
from models.access import KnownBrowser, StaffSession
from models.base import N_
from models.member import Member

ENDED = "ended", N_("This session has already ended.")
YOURSELF = "yourself", N_("Your own sessions are under Your account.")
NOWHERE = "nowhere", N_("%(name)s is not signed in.")
NOT_LOCKED = "not_locked", N_("%(name)s is not locked out.")


@action("staff_session.end", StaffSession, label=N_("End session"), final=True)
def end(ctx: Context, row: StaffSession) -> Outcome:
    """End one session for good. :raises Refused: ``ended``."""
    if row.ended_at is not None:
        raise Refused(*ENDED)
    member = ctx.session.get_one(Member, row.user_id)
    ctx.set_subject(member)
    _ = ctx.changeset_id
    ctx.warn(N_("That session is signed out."))
    row.ended_at, row.ended_because, row.data = ctx.now, session_store.REVOKED, ""
    return Outcome(N_("Session of %(name)s ended."), row, {"name": str(member)})


@action("staff.end_sessions", Member, label=N_("Sign out everywhere"), final=True)
def end_all(ctx: Context, member: Member) -> Outcome:
    """End every session of somebody else. :raises Refused: ``yourself``, or ``nowhere``: there is none."""
    if member.id == ctx.actor.id:
        raise Refused(*YOURSELF)
    if not sessions.STORE.end_all(ctx.session, member.id, ctx.now, session_store.REVOKED):
        raise Refused(*NOWHERE, name=str(member))
    _ = ctx.changeset_id
    ctx.warn(N_("They will have to sign in again in every browser and program."))
    return Outcome(N_("%(name)s is signed out everywhere."), member, {"name": str(member)})


@action("staff.unlock", Member, label=N_("Unlock"), final=True)
def unlock(ctx: Context, member: Member) -> Outcome:
    """Forget the failed attempts on all that somebody signs in by, and in their own browsers.

    :raises Refused: ``not_locked``.
    """
    connection, limits = ctx.session.connection(), _limits(ctx, member)
    if not any(rate_limit.is_exhausted(connection, limit, ctx.now) for limit in limits):
        raise Refused(*NOT_LOCKED, name=str(member))
    for limit in limits:
        rate_limit.clear(connection, limit)
    _ = ctx.changeset_id
    ctx.warn(N_("Failed sign-in attempts from the last 15 minutes are cleared."))
    return Outcome(N_("%(name)s is unlocked."), member, {"name": str(member)})


def _limits(ctx: Context, member: Member) -> list[Limit]:
    browsers = ctx.session.scalars(
        select(KnownBrowser.token_hash).where(KnownBrowser.user_id == member.id)
    ).all()
    names = {rate_limit.as_typed(name) for name in (member.username, member.email)}
    return [
        *(rate_limit.of_name(name) for name in sorted(names)),
        rate_limit.of_person(member.id),
        rate_limit.of_reset(str(member.id)),
        *(rate_limit.of_browser(token_hash) for token_hash in browsers),
    ]


def end_others(engine: Engine, call: Call, user_id: int, besides: int) -> int:
    """End a person's own sessions but the one they ask from; return the number of rows."""
    with security_events.happening(engine, "staff.signed_out_elsewhere", call, user_id) as (ctx, member):
        return sessions.STORE.end_all(ctx.session, member.id, ctx.now, session_store.REVOKED, besides)
