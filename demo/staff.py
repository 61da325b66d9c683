"""The demo staff: an account for each shipped role, all with the same well-known password."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from demo.plan import Author
from models.base import Staff, metadata
from models.demo_accounts import MEMBERS, Member

ROLES, HOLDERS = metadata.tables["ab_role"], metadata.tables["ab_user_role"]
PASSWORD = "clientele-demo"  # noqa: S105 - meant to be known: the server refuses other machines while it works

SILENT = ("Read-only", "Shop", "Accounting package")
"""Roles whose holders write no notes and give no points by hand."""


def demo_staff(session: Session, hash_password: Callable[[str], str]) -> list[str]:
    """Add the demo staff and return the usernames added; one that is taken is left as it is.

    :raises LookupError: a shipped role is missing, because ``flask up`` has not run.
    """
    names = [member.username for member in MEMBERS]
    taken = set(session.scalars(select(Staff.username).where(Staff.username.in_(names))))
    role_ids = {name: id_ for id_, name in session.execute(select(ROLES.c.id, ROLES.c.name))}
    added = [member for member in MEMBERS if member.username not in taken]
    for member in added:
        if member.role not in role_ids:
            raise LookupError(f"There is no role {member.role}: run `flask --app app up` first.")
        account = _account(member, hash_password(PASSWORD))
        session.add(account)
        session.flush()
        session.execute(insert(HOLDERS), {"user_id": account.id, "role_id": role_ids[member.role]})
    return [member.username for member in added]


def _account(member: Member, password: str) -> Staff:
    created = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    return Staff(
        username=member.username,
        first_name=member.first,
        last_name=member.last,
        email=member.email,
        password=password,
        active=True,
        created_on=created,
        changed_on=created,
    )


def authors(session: Session) -> list[Author]:
    """Return who signs the demo's notes and entries: the demo staff, or the people who hold their usernames."""
    there = {user.username: user for user in session.scalars(select(Staff).order_by(Staff.id))}
    found = [
        Author(there[m.username].id, f"{there[m.username].first_name} {there[m.username].last_name}")
        for m in MEMBERS
        if m.username in there and m.role not in SILENT
    ]
    return found or [Author(None, f"{m.first} {m.last}") for m in MEMBERS if m.role not in SILENT]
