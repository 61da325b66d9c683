"""Importing this module declares every action and every rule of the generated forms; app.py does so once."""

from actions import (
    accounts,
    addresses,
    credit,
    customers,
    lookups,
    loyalty,
    merge,
    notes,
    owned,
    phones,
    settings,
    undo,
    unmerge,
)

__all__ = [
    "accounts",
    "addresses",
    "credit",
    "customers",
    "lookups",
    "loyalty",
    "merge",
    "notes",
    "owned",
    "phones",
    "settings",
    "undo",
    "unmerge",
]
