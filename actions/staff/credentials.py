"""How a member of staff comes by another password, and what ends with the old one (rule 16.6)."""

from __future__ import annotations

import datetime as dt
from typing import cast

from sqlalchemy import Engine, Table, delete, update

from actions.core.base import SYSTEM, Context, Refused
from actions.execution import session_store
from actions.execution.runner import Call
from actions.staff import password_links, security_events, sessions
from actions.staff.passwords import Hashed
from models.access import KnownBrowser
from models.base import N_
from models.member import USERS, Member

VOID = "link_void", N_("This link has been used, has expired or was replaced by a newer one.")
BROWSERS = cast(Table, KnownBrowser.__table__)


def change(engine: Engine, call: Call, user_id: int, password: Hashed, session_id: int | None) -> str:
    """Give a person the password they chose themselves, and return a new token for the session they did it in."""
    with security_events.happening(engine, "staff.password_changed", call, user_id) as (ctx, member):
        store(ctx, member, password, besides=session_id)
        return sessions.STORE.renew(ctx.session, session_id) if session_id is not None else ""


def redeem(engine: Engine, call: Call, token: str, user_id: int, password: Hashed) -> None:
    """Give a person the password they chose by a link, which is used up. :raises Refused: ``link_void``."""
    with security_events.happening(engine, "staff.password_changed", call, user_id) as (ctx, member):
        if not member.active or not password_links.use(ctx.session.connection(), token, member.id, ctx.now):
            raise Refused(*VOID)
        store(ctx, member, password)


def print_link(engine: Engine, now: dt.datetime, user_id: int) -> str:
    """Return the token of a new link for the person at the machine, where mail does not reach the person."""
    with security_events.happening(engine, "staff.link_printed", Call(SYSTEM, now), user_id) as (ctx, member):
        return password_links.make(ctx, member)[1]


def store(ctx: Context, member: Member, password: Hashed, *, besides: int | None = None) -> None:
    """Store a password, and end all that was opened with the old one; the person is told by mail.

    Neither the journal nor the mail has anything of it.

    :param besides: the id of the session that goes on.
    """
    connection = ctx.session.connection()
    connection.execute(update(USERS).where(USERS.c.id == member.id).values(password=password))
    sessions.STORE.end_all(ctx.session, member.id, ctx.now, session_store.PASSWORD, besides)
    password_links.void(connection, member.id, ctx.now)
    connection.execute(delete(BROWSERS).where(BROWSERS.c.user_id == member.id))
    ctx.mail_staff("staff_password_changed", member)
