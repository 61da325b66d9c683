"""The demo accounts, whose password is well known: while one is active, only this machine is answered."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import Staff
from models.customer import Customer


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


CUSTOMER_EMAIL = "customer@example.com"
"""The address that marks the demo customer, who may sign in to the portal."""


def has_demo_accounts(session: Session) -> bool:
    """Return whether somebody could sign in with the well-known password, as staff or as a customer."""
    return has_demo_staff(session) or demo_customer(session) is not None


def demo_customer(session: Session) -> int | None:
    """Return the id of the demo customer, where they could sign in."""
    theirs = Customer.email_key == CUSTOMER_EMAIL, Customer.password_hash.is_not(None)
    return session.scalar(select(Customer.id).where(*theirs, Customer.is_active).limit(1))


def has_demo_staff(session: Session) -> bool:
    """Return whether a member of staff could: an active demo account exists."""
    emails = [member.email for member in MEMBERS]
    wanted = select(Staff.id).where(Staff.email.in_(emails), Staff.active).limit(1)
    return session.scalar(wanted) is not None
