"""Which currency the amounts typed into a form are in: that of the account they are about (rules 2.1, 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g
from flask_babel import gettext as _
from sqlalchemy import Select, select

from admin.screen_spec.registry import registry
from models import places
from models.base import Invalid
from models.customer import Customer
from web.request import session, shop


def currency() -> str:
    """Return the currency that this request's form is about; the shop's own, where it has not said.

    :raises ValueError: it is about accounts in several, or about somebody whose currency only the action will know.
    """
    found: str | ValueError | None = g.get("kept_in")
    if isinstance(found, ValueError):
        raise found
    return found or shop().currency


def settled() -> str:
    """Return the currency, where it is known already which it will be."""
    found = g.get("kept_in")
    return found if isinstance(found, str) else ""


def settle(typed: Mapping[str, str], row: Any = None, rows: Select[Any] | None = None) -> None:
    """Have the amounts of a form read and shown in the currency that it names, or that its account is kept in.

    :param typed: the form as it was sent, or the arguments it is opened with. :param row: the record it is of.
    :param rows: the statement for the ids of the customers that it is about, where it is about many.
    """
    g.form_row = row
    g.kept_in = _named(typed) or getattr(row, "currency", None)
    if g.kept_in is None and rows is not None:
        wanted = select(Customer.currency).where(Customer.id.in_(rows)).distinct().limit(2)
        found = session().scalars(wanted).all()
        several = _("These accounts are in different currencies. Change one currency at a time.")
        g.kept_in = found[0] if len(found) == 1 else ValueError(several)


def _named(typed: Mapping[str, str]) -> str | ValueError | None:
    if typed.get("currency"):
        try:
            return str(places.currency("currency", typed["currency"]))
        except Invalid:
            return None
    customer = typed.get("customer", "")
    if ":" in customer:
        return ValueError(
            _("Enter the customer by number, because the amount is in the currency of their account.")
        )
    if not customer.isascii() or not customer.isdigit() or len(customer) > 18:
        return None
    seen = registry().screens["customer"].base_select()  # a customer out of scope has no currency either
    return session().scalar(seen.with_only_columns(Customer.currency).where(Customer.id == int(customer)))
