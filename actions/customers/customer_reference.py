"""Which customer a shop means: by our id, or by what the shop itself knows the customer by (rule 24.2).

A handle is text such as ``loyalty_code:LC-1042``: what is compared, a colon, the value. What was a merged record's
leads to its survivor, so that a shop which still has the old one need not know of the merge.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from actions.core.base import Context
from actions.core.customer_guard import locked_customer
from actions.core.row_scope import seen
from models import normalise
from models.base import N_, Invalid
from models.choices import Status
from models.customer import Customer
from models.order import ExternalId, ExternalKind, ExternalSystem

KINDS = ("id", "email", "loyalty_code", "account_code", *(system.value for system in ExternalSystem))
"""What a handle may begin with: a field of the customer, or the system whose user id follows."""
LONGEST = 340
SHAPE = N_("Give the customer's id or a reference such as loyalty_code:LC-1042.")
NOBODY = N_("Customer not found.")
SEVERAL = N_("Several customers match. Give the customer's id.")


def resolve_customer(ctx: Context, reference: Any, field: str = "customer") -> Customer:
    """Return the customer a program means, locked: the first lock of every action of a shop.

    A merged record leads to its survivor, also where the merge comes between looking and locking.

    :param reference: our id, or a handle. :raises Invalid: no handle, nobody, or several. :raises Refused: why the
        action is not for this one (rule 11.8).
    """
    customer = locked_customer(ctx, _found(ctx, reference, field), field)
    while customer.merged_into_id is not None:
        old, new = customer.id, customer.merged_into_id
        ctx.warn(N_("Customer %(old)s was merged into customer %(new)s."), old=old, new=new)
        customer = locked_customer(ctx, new, field)
    ctx.customers.check(customer)
    return customer


def _found(ctx: Context, reference: Any, field: str) -> int:
    if type(reference) is int:
        return _one([reference] if 0 < reference < 2**63 else [], field)
    kind, colon, value = normalise.trimmed(reference).partition(":")
    value = value.strip()
    if not colon or kind not in KINDS or not value or len(reference) > LONGEST:
        raise Invalid({field: SHAPE})
    if kind == "id":
        digits = value.isascii() and value.isdigit() and len(value) <= 18
        return _one([int(value)] if digits else [], field)
    with ctx.session.no_autoflush:
        return _one(list(ctx.session.scalars(_query(ctx, kind, value).limit(2))), field)


def _one(ids: list[int], field: str) -> int:
    if len(ids) != 1:
        raise Invalid({field: SEVERAL if ids else NOBODY})
    return ids[0]


def _query(ctx: Context, kind: str, value: str) -> Select[Any]:
    """Return the statement for the ids of the customers a reference may mean, within what the actor sees."""
    if kind not in ("email", "loyalty_code", "account_code"):
        named = select(ExternalId.customer_id).where(
            ExternalId.system == kind,
            ExternalId.kind == ExternalKind.USER,
            ExternalId.value_key == normalise.compact(value),
        )
        return named.where(*seen(ctx.session, ExternalId))
    return _by_field(ctx, kind, value)


def _by_field(ctx: Context, kind: str, value: str) -> Select[Any]:
    """Live records come before those that were merged; of an email's, the registered one before any other."""
    meant = _condition(kind, value)
    best = _rank(kind)
    scope = seen(ctx.session, Customer)
    first = select(func.min(best)).where(meant, *scope).scalar_subquery()
    target = func.coalesce(Customer.merged_into_id, Customer.id)
    return select(target).where(meant, best == first, *scope).distinct()


def _condition(kind: str, value: str) -> ColumnElement[bool]:
    if kind == "email":
        return Customer.email_key == normalise.email(value)
    return (Customer.loyalty_code if kind == "loyalty_code" else Customer.account_code) == value.upper()


def _rank(kind: str) -> ColumnElement[int]:
    gone = Customer.merged_into_id.is_not(None)
    registered = Customer.status == Status.REGISTERED
    return (
        case((~gone & registered, 0), (~gone, 1), else_=2) if kind == "email" else case((~gone, 0), else_=2)
    )
