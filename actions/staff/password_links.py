"""Links in mails to staff, with which they choose a password (rule 16.7).

A token is 256 random bits, of which only the hash is kept; the mail itself forgets it once it has gone out.
"""

from __future__ import annotations

import datetime as dt
import secrets
from contextlib import suppress
from typing import Any, cast

from sqlalchemy import Connection, Engine, Table, event, func, inspect, select, update
from sqlalchemy.orm import Session, object_session

from actions.core.base import Context
from actions.core.journal import JOURNAL
from actions.execution.runner import Call, changeset
from actions.execution.session_store import digest
from models.access import LinkKind, StaffLink
from models.member import USERS, Member

TABLE = cast(Table, StaffLink.__table__)
LASTS = {LinkKind.INVITATION: dt.timedelta(days=7), LinkKind.RESET: dt.timedelta(minutes=60)}
TEMPLATE = {LinkKind.INVITATION: "staff_invitation", LinkKind.RESET: "staff_reset"}


class _Nobody(Exception):
    """There is nobody to send the link to, so what was written is taken back."""


def send(ctx: Context, member: Member) -> str:
    """Mail a person a link: an invitation as long as they have no password. It voids every older one.

    :return: the link for the person acting to hand on, where no mail can go out; else nothing.
    """
    kind, token = make(ctx, member)
    values = {"user_name": member.username} if kind == LinkKind.INVITATION else {}
    ctx.mail_staff(TEMPLATE[kind], member, secret=token, **values)
    return f"{ctx.link_base}/password/?token={token}" if ctx.link_base is not None else ""


def make(ctx: Context, member: Member) -> tuple[LinkKind, str]:
    """Make a link in place of every older one; return what it is for and its token, known to nobody else."""
    has_one = ctx.session.scalar(select(USERS.c.password).where(USERS.c.id == member.id))
    kind, token = LinkKind.RESET if has_one else LinkKind.INVITATION, secrets.token_urlsafe(32)
    void(ctx.session.connection(), member.id, ctx.now)
    ctx.session.add(
        StaffLink(
            user_id=member.id,
            kind=kind,
            token_hash=digest(token),
            created_at=ctx.now,
            expires_at=ctx.now + LASTS[kind],
        )
    )
    ctx.session.flush()
    return kind, token


def send_if_known(engine: Engine, call: Call, user_id: int | None) -> None:
    """Send a link to anyone who has forgotten their password; for nobody, do the same work and take it back.

    So neither the answer nor the time it takes tells whether there is such an account.
    """
    with changeset(engine, "staff.reset_asked", call) as ctx:
        anybody = ctx.session.scalar(select(func.min(Member.id)))
        if anybody is None:
            return
        member = ctx.lock_one(Member, user_id or anybody)
        if user_id is not None:
            ctx.set_subject(member)
        _ = ctx.changeset_id
        with suppress(_Nobody), ctx.journal.attempt(ctx.session):
            send(ctx, member)
            if user_id is None:
                raise _Nobody


def holder(session: Session, token: str, now: dt.datetime) -> Member | None:
    """Return whose link a token is, as long as it is good; looking uses nothing up."""
    whose = select(TABLE.c.user_id).where(*_good(token, now))
    return session.scalar(select(Member).where(Member.id.in_(whose), Member.active.is_(True)))


def use(connection: Connection, token: str, user_id: int, now: dt.datetime) -> bool:
    """Use a link of somebody up, by one conditional write; return whether it was still good."""
    good = (TABLE.c.user_id == user_id, *_good(token, now))
    return connection.execute(update(TABLE).where(*good).values(used_at=now)).rowcount == 1


def _good(token: str, now: dt.datetime) -> tuple[Any, ...]:
    columns = TABLE.c
    still_open = columns.used_at.is_(None), columns.voided_at.is_(None)
    return columns.token_hash == digest(token), columns.expires_at > now, *still_open


def void(connection: Connection, user_id: int, now: dt.datetime) -> None:
    """Make every link of a person that is still open worth nothing."""
    still_open = (TABLE.c.user_id == user_id, TABLE.c.used_at.is_(None), TABLE.c.voided_at.is_(None))
    connection.execute(update(TABLE).where(*still_open).values(voided_at=now))


@event.listens_for(Member, "before_update")
def _void_with_the_address(_mapper: Any, connection: Connection, member: Member) -> None:
    """Void what was sent to an address that is no longer the person's, or to somebody who may not sign in any more.

    Whatever channel changes it: a form, an undo, an action of its own.
    """
    state, session = inspect(member).attrs, object_session(member)
    journal = session.info.get(JOURNAL) if session is not None else None
    gone = state.active.history.has_changes() and not member.active
    if journal is not None and (gone or state.email.history.has_changes()):
        void(connection, member.id, journal.now)
