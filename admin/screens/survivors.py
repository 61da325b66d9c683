"""Which of several records to keep in a merge: a suggestion, and why; the person decides."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import func, select

from admin.layout import formatters
from admin.viewmodels.pages import Text
from models.customer import Customer
from models.order import Order
from web.request import session, shop


def suggest(ids: Sequence[int]) -> tuple[int, Text]:
    """Return the live record with the most orders, the oldest where several have as many, and why it is that one."""
    orders = select(func.count()).where(Order.customer_id == Customer.id).scalar_subquery()
    live = Customer.merged_into_id.is_(None) & Customer.anonymised_at.is_(None)
    order = live.desc(), orders.desc(), Customer.created_at, Customer.id
    found = session().execute(select(Customer, orders).where(Customer.id.in_(ids)).order_by(*order)).all()
    first, count = found[0]
    called = f"{first} #{first.id}"
    if len(found) > 1 and count > found[1][1]:
        words = _("%(record)s has the most orders (%(count)s) and is suggested as the one to keep.")
        return first.id, words % {"record": called, "count": formatters.number(count, shop())}
    return first.id, _("%(record)s is the oldest record and is suggested as the one to keep.", record=called)
