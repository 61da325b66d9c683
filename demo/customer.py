"""The demo customer, who signs in to the portal with the same well-known password as the demo staff."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from demo.staff import PASSWORD
from models.choices import AccountType, Status
from models.customer import Customer
from models.demo_accounts import CUSTOMER_EMAIL
from models.order import Order


def demo_customer(session: Session, hash_password: Callable[[str], str]) -> str | None:
    """Let the customer with the most to see sign in; return their email, None where nobody in the shop could."""
    orders = select(func.count(Order.id)).where(Order.customer_id == Customer.id).scalar_subquery()
    may = Customer.status == Status.REGISTERED, Customer.is_active, Customer.merged_into_id.is_(None)
    theirs = Customer.account_type == AccountType.RETAIL, Customer.points > 0, Customer.email_key != ""
    seen = (Customer.credit_balance > 0).desc(), (orders > 2).desc(), Customer.id
    found = session.scalar(select(Customer.id).where(*may, *theirs).order_by(*seen).limit(1))
    if found is None:
        return None
    values = {"email": CUSTOMER_EMAIL, "email_key": CUSTOMER_EMAIL, "password_hash": hash_password(PASSWORD)}
    session.execute(update(Customer).where(Customer.id == found).values(values))
    return CUSTOMER_EMAIL
