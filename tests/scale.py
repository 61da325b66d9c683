"""How large the heavy tests are: a hundredth or a sample in ``make test``, full size in ``make soak``."""

import os
from collections.abc import Sequence
from typing import Any, TypeVar
from zlib import crc32

T = TypeVar("T")
ON_POSTGRESQL = 8
"""Of so many cases that need one database, one has PostgreSQL."""
OF_TWO = 2
"""Of so many cases that try statements which others try, too, one has PostgreSQL and the others SQLite."""
UNLIKE_BITS = 1_000_003
"""A prime. The bits of two checksums go together where two names differ in a letter; what remains of them does not."""
ASKED = ("both_databases", "half_on_either", "either_database")
"""What a test may be marked with to say which databases its cases have."""
OF_A_LOOP = 5
"""Of so many screens, or actions, that a loop over all of them would try on either database, it tries one."""
OF_STATEMENTS = 2
"""Of so many, that a loop over all of them tries where the statements decide, it tries one."""
OF_ALL = 20
"""So many screens or actions are no choice of a few."""
FULL = os.environ.get("SOAK") == "1"
ALIKE = (
    "acquisition_source",
    "bank_account",
    "customer_class",
    "membership_group",
    "payment_term",
    "price_list",
)
"""Screens over lookup lists: one class with other names. A loop over screens tries one of them, each loop another, on one
database; a soak tries them all."""


def scaled(full: int, least: int) -> int:
    """Return ``full`` in a soak, otherwise a hundredth of it but not below ``least``."""
    return full if FULL else max(full // 100, least)


def sampled(name: str, one_in: int) -> bool:
    """Return whether what has this name is tried: all of it in a soak, otherwise one in so many, always the same ones."""
    return FULL or crc32(name.encode()) % one_in == 0


def one_by_name(name: str, choices: Sequence[T]) -> Sequence[T]:
    """Return one of the choices, always the same for a name; all of them in a soak."""
    if FULL or not choices:
        return choices
    return [choices[crc32(name.encode()) % len(choices)]]


def is_passed_over(item: Any, *, full: bool = FULL) -> bool:
    """Return whether a case is left out: of a usual run where another one like it is tried.

    A soak tries those, and at full size what is marked ``soak``; the two kinds of run together leave nothing out.
    """
    elsewhere = runs_elsewhere(item)
    return elsewhere if not full else not (elsewhere or item.get_closest_marker("soak"))


def runs_elsewhere(item: Any) -> bool:
    """Return whether a usual run tries a case on the other database only, or another of the screens that are alike.

    On one database are the cases of a loop, such as one over every screen or every action, and tests marked
    ``either_database``, as those of pages are: they look at what Python does before a statement is sent or after its
    rows came back (who may, how it is put, how many statements). A loop whose statements themselves are tried, such as
    paging and filters, is marked ``both_databases``, and so is what the two are known to differ in. A checksum of the
    case's name tells which of the two, so that it is the same however few are selected: PostgreSQL for one in eight, as a
    case takes twice as long there; for one in two of those single tests that are marked
    ``half_on_either``, because many try the same statements.

    A loop over all screens or actions tries one mechanism on each. Where no database decides it tries a fifth of them, each
    loop another, unless it is marked ``every_case``: what each of them must show in every run. Where the statements decide
    it tries a half of them, each loop another, and a half of those on either database.
    """
    given = item.callspec.params if hasattr(item, "callspec") else {}
    kind = given.get("database_kind")
    if kind is None:
        return False
    asked = next((mark.name for mark in item.iter_markers() if mark.name in ASKED), "")
    every = item.get_closest_marker("every_case") is not None
    chance = crc32(item.nodeid.rpartition("::")[2].replace(kind, "").encode())
    resource = given.get("resource")
    left_out = (
        not every and resource not in ALIKE and _is_of_all(item) and chance // ON_POSTGRESQL % OF_A_LOOP > 0
    )
    if any("database_kind" in mark.args[0] for mark in item.iter_markers("parametrize")):
        return left_out  # a test that names its own
    if resource in ALIKE and not every and _of_alike(item) != resource:
        return True
    if asked == "both_databases" and (resource in ALIKE or _is_of_all(item)):
        left_out = not every and _is_of_all(item) and chance % UNLIKE_BITS % OF_STATEMENTS > 0
        return left_out or (chance % OF_TWO == 0) == (kind == "postgresql")
    if asked == "both_databases":
        return False
    if len(given) == 1 and not asked:
        return False
    one_in = OF_TWO if asked == "half_on_either" and len(given) == 1 else ON_POSTGRESQL
    return left_out or (chance % one_in == 0) != (kind == "postgresql")


def _of_alike(item: Any) -> str:
    return ALIKE[crc32(item.nodeid.partition("[")[0].encode()) % len(ALIKE)]


def _is_of_all(item: Any) -> bool:
    """Return whether a case is one of a loop over all screens or all actions; a few that are named are all tried."""
    loops = {mark.args[0]: mark.args[1] for mark in item.iter_markers("parametrize")}
    return any(len(loops.get(name, ())) >= OF_ALL for name in ("resource", "code"))
