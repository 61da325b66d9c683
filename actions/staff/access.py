"""What admins do about how staff get in: they send links and end what is open, and never learn a password."""

from __future__ import annotations

from sqlalchemy import func, or_, select

from actions.core.base import Context, Outcome, Refused, action
from actions.execution.constraints import TAKEN
from actions.execution.records import before_save, save_new
from actions.staff import password_links
from actions.staff.channel_scope import inherit
from models.base import N_, Invalid
from models.mail import masked
from models.member import Member

DEACTIVATED = "deactivated", N_("%(name)s is deactivated, so a link would not work.")

INVITED = N_("%(name)s was invited by email. The link works for 7 days.")
INVITED_BY_HAND = N_("%(name)s was added. Give them this link yourself. It works once, within 7 days.")
BY_HAND = N_("Give %(name)s this link yourself. It works once and expires soon.")
"""Of who is told the link because no mail can go out: by the same rules as a mail, to nobody who may do more (18.1)."""


@action("staff.invite", Member, label=N_("Invite"), final=True, recent=True)
def invite(
    ctx: Context, *, first_name: str, last_name: str, email: str, username: str | None = None
) -> Outcome:
    """Add somebody who may do nothing yet, and mail them a link to choose a password with.

    Who is let in by somebody that sees the customers of some channels only sees those (rule 17.5).

    :raises Invalid: by field; a user name or email address that somebody has already.
    """
    row = Member(active=True, invited_at=ctx.now)
    named = {"first_name": first_name, "last_name": last_name, "email": email}
    save_new(ctx, row, {**named, "username": username or email})
    inherit(ctx, row)
    link = password_links.send(ctx, row)
    return Outcome(INVITED_BY_HAND if link else INVITED, row, {"name": str(row)}, secret=link)


@action("staff.send_reset", Member, label=N_("Send password reset link"), final=True, recent=True)
def send_reset(ctx: Context, member: Member) -> Outcome:
    """Mail somebody a link to choose a password with; who has none yet is invited again.

    :raises Refused: ``deactivated``.
    """
    if not member.active:
        raise Refused(*DEACTIVATED, name=str(member))
    link = password_links.send(ctx, member)
    if link:
        return Outcome(BY_HAND, member, {"name": str(member)}, secret=link)
    return Outcome(
        N_("A password reset link will be sent to %(address)s."), member, {"address": masked(member.email)}
    )


@before_save(Member)
def _nobody_elses_name(ctx: Context, member: Member, changed: set[str], created: bool) -> None:
    """People sign in by user name or email, whatever the capitals: neither is anybody else's either."""
    errors = {
        name: TAKEN
        for name in sorted(changed & {"username", "email"})
        if _is_taken(ctx, getattr(member, name), None if created else member.id)
    }
    if errors:
        raise Invalid(errors)


def _is_taken(ctx: Context, value: str, own_id: int | None) -> bool:
    same = or_(*(func.lower(column) == value.lower() for column in (Member.username, Member.email)))
    with ctx.session.no_autoflush:
        wanted = select(Member.id).where(same, Member.id != (own_id or 0)).limit(1)
        return ctx.session.scalar(wanted) is not None
