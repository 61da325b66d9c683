"""The accounts of the demo staff, whose password is well known: while one is active, only this machine is answered."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import Staff


@dataclass(frozen=True, slots=True)
class Member:
    """One person of the demo staff."""

    username: str
    role: str
    first: str
    last: str

    @property
    def email(self) -> str:
        """The address that marks a demo account."""
        return f"{self.username}@example.com"


MEMBERS = (
    Member("admin", "Admin", "Priya", "Nair"),
    Member("manager", "Manager", "Helen", "Marsh"),
    Member("backoffice", "Back office", "Tom", "Ashworth"),
    Member("support", "Support", "Jo", "Wallace"),
    Member("finance", "Finance", "Sam", "Obi"),
    Member("readonly", "Read-only", "Ruth", "Kelly"),
    Member("shop", "Shop", "Web", "Shop"),
    Member("accounts", "Accounting package", "Accounting", "Package"),
)


def has_demo_staff(session: Session) -> bool:
    """Return whether somebody could sign in with the well-known password: an active demo account exists."""
    emails = [member.email for member in MEMBERS]
    wanted = select(Staff.id).where(Staff.email.in_(emails), Staff.active).limit(1)
    return session.scalar(wanted) is not None
