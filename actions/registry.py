"""Importing this module declares every action and every rule of the generated forms; app.py does so once."""

from actions import (
    accounts,
    addresses,
    api_keys,
    credit,
    customers,
    lookups,
    loyalty,
    mail,
    merge,
    notes,
    owned,
    phones,
    runs,
    settings,
    undo,
    unmerge,
)

__all__ = [
    "accounts",
    "addresses",
    "api_keys",
    "credit",
    "customers",
    "lookups",
    "loyalty",
    "mail",
    "merge",
    "notes",
    "owned",
    "phones",
    "runs",
    "settings",
    "undo",
    "unmerge",
]
