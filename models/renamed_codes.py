"""Codes that got a plainer name: what an earlier release called them, and what they are called now.

Migration 0013 gave permissions, jobs, runs and mails the new codes. The journal keeps the ones it was written with, as
each changeset is sealed together with its action (rule 9.6); it is read, and searched, through this table. Programs may
send the old ones for one release (:data:`ANSWERED_UNTIL`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import String
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator

JOBS: Mapping[str, str] = {
    "house.tidy": "maintenance.purge",
    "house.verify": "maintenance.verify_ledgers",
    "loyalty.warn": "loyalty.send_expiry_notices",
}
ACTIONS: Mapping[str, str] = {
    "role.require_factor": "role.require_two_factor",
    "staff.clear_factor": "staff.reset_two_factor",
}
"""Of actions, and so of the permissions ``can_<verb>`` on the resource."""
EVENTS: Mapping[str, str] = {
    "staff.code_failed": "staff.two_factor_failed",
    "staff.confirm_failed": "staff.reauthentication_failed",
    "staff.factor_added": "staff.two_factor_enabled",
    "staff.factor_removed": "staff.two_factor_disabled",
}
MAIL_TEMPLATES: Mapping[str, str] = {
    "points_lapsing": "points_expiring",
    "staff_factor_added": "staff_two_factor_enabled",
    "staff_factor_removed": "staff_two_factor_disabled",
}
REFUSALS: Mapping[str, str] = {
    "factor_closed": "two_factor_unreadable",
    "lapsed": "expired",
    "out_of_sight": "out_of_scope",
    "second_factor_needed": "two_factor_required",
}
"""Of refusals. None is stored: for one release the API answers the old one too, as ``former_code``."""
RENAMED: Mapping[str, str] = {**JOBS, **ACTIONS, **EVENTS, **MAIL_TEMPLATES}
ANSWERED_UNTIL = "0.3.0"
"""The release that no longer takes the old codes from programs. What is stored under them stays readable."""


def current(code: str) -> str:
    """Return what a code is called now."""
    return RENAMED.get(code, code)


def former(code: str | None) -> str | None:
    """Return what a refusal was called by the release before; None where it had this name, or none."""
    return next((old for old, new in REFUSALS.items() if new == code), None)


def spellings(code: str) -> list[str]:
    """Return every code that rows of the same meaning may hold: what it is called now, then the older ones."""
    return [code, *(old for old, new in RENAMED.items() if new == code)]


class StoredCode(TypeDecorator[str]):
    """A code that an earlier release may have stored under another name: read as, and found by, its present one."""

    impl = String
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[str]):
        """Compares with every spelling of a code."""

        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            """Look for older spellings too where a code is compared as a whole."""
            if op in (operators.eq, operators.ne) and isinstance(other[0], str):
                found = spellings(other[0])
                if len(found) > 1:
                    op = operators.in_op if op is operators.eq else operators.not_in_op
                    other = (found,)
            elif op in (operators.in_op, operators.not_in_op) and isinstance(other[0], list | tuple | set):
                other = ([each for code in other[0] for each in spellings(code)],)
            return super().operate(op, *other, **kwargs)

    comparator_factory = Comparator

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the present code."""
        return None if value is None else current(value)
