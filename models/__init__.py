"""What is true: tables, constraints and invariants. Importing the package completes the metadata."""

from models import (
    account,
    address,
    attribute,
    credit,
    customer,
    journal,
    lookups,
    loyalty,
    normalise,
    note,
    order,
    phone,
    places,
    preference,
    shop,
    validate,
)

__all__ = [
    "account",
    "address",
    "attribute",
    "credit",
    "customer",
    "journal",
    "lookups",
    "loyalty",
    "normalise",
    "note",
    "order",
    "phone",
    "places",
    "preference",
    "shop",
    "validate",
]
