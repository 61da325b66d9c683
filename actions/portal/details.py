"""What customers change of their own record in the portal (rules 6.7, 6.8)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from actions.core.base import Context, Outcome, Portal, action
from actions.core.eligibility import EVERY_LIVE
from actions.execution.records import refuse_stale, save_values
from models.base import N_, Invalid
from models.choices import AccountType, Gender
from models.customer import Customer

TRADE_ONLY = N_("Only trade accounts have this. Leave it blank.")


@action(
    "customer.change_details",
    Customer,
    label=N_("Change own details"),
    customers=EVERY_LIVE,
    portal=Portal.LOGGED_IN_AS,
)
def change_details(
    ctx: Context,
    customer: Customer,
    *,
    version: int,
    title: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
    company_name: str | None = None,
    trading_name: str | None = None,
    date_of_birth: dt.date | None = None,
    gender: Gender | None = None,
    language: str | None = None,
) -> Outcome:
    """Change who a customer is; the names of a business only on trade accounts.

    :param version: of the record when the form was opened.
    :raises Conflict: somebody has saved it since. :raises Invalid: by field.
    """
    values: dict[str, Any] = {
        "title": title,
        "first_name": first_name,
        "last_name": last_name,
        "date_of_birth": date_of_birth,
        "gender": gender,
        "language": language,
    }
    names = {"company_name": company_name, "trading_name": trading_name}
    if customer.account_type == AccountType.TRADE:
        values |= names
    elif given := [name for name, value in names.items() if value is not None]:
        raise Invalid(dict.fromkeys(given, TRADE_ONLY))
    refuse_stale(ctx, customer, values, version)
    save_values(ctx, customer, values)
    return Outcome(N_("Your details were saved."), customer)


@action(
    "customer.choose_points_emails",
    Customer,
    label=N_("Choose points expiry emails"),
    customers=EVERY_LIVE,
    portal=Portal.CUSTOMER,
)
def choose_points_emails(ctx: Context, customer: Customer, *, wanted: bool) -> Outcome:
    """Say whether a customer wants emails before points expire: consent, which nobody else gives (rule 6.5)."""
    save_values(ctx, customer, {"expiry_notices": wanted})
    on, off = N_("We will email you before points expire."), N_("We will not email you before points expire.")
    return Outcome(on if wanted else off, customer)
