"""Looking for duplicates of some customers: by what they share, in one statement, then by their names (rule 7.5)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Table,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from actions.duplicates import crowds, keys, names, nearness
from actions.duplicates import places as addresses
from actions.duplicates.places import Place
from models import evidence
from models.customer import Customer
from models.dialect import advisory_lock
from models.duplicate import DuplicatePair, PairDecision
from models.evidence import Evidence, Scoring
from models.phone import Phone
from models.shop import load_shop

PAIRS = cast(Table, DuplicatePair.__table__)
KEYS = keys.TABLE
LOCK = "duplicates"
"""What a transaction that writes pairs holds."""
NAMESAKES = Evidence.SURNAME | Evidence.FIRST_NAME
AT_ONCE = 5000
"""Customers whose addresses are read by one statement."""
Found = dict[tuple[int, int], int]
"""(lower id, higher id) -> the bits of what speaks for and against it."""


def look_at(connection: Connection, ids: Collection[int], now: dt.datetime) -> None:
    """Write what customers are found by again, and their pairs; what is no pair any more goes.

    One transaction at a time does so, by the weights that hold once it is its turn (rule 7.13).
    """
    advisory_lock(connection, LOCK)
    scoring = load_shop(connection).duplicate_scoring
    values = keys.rewrite(connection, ids)
    gone = set(ids).difference(keys.holders(connection, ids))  # a merge may have dropped what they shared
    crowds.follow(connection, values | (crowds.values(connection) if gone else set()), ids, now)
    _store(connection, ids, dict(find(connection, ids, scoring)), now, scoring)


def find(
    connection: Connection, ids: Collection[int], scoring: Scoring
) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield the pairs that some customers are part of and that are to be shown, with what speaks for and against.

    Addresses are read of those alone that they can make a difference to, which most who share a phone are not.
    """
    hopeful = [
        (row.lower_id, row.higher_id, found)
        for row in connection.execute(_compared(_nominated(ids)))
        if _may_be_shown(found := _of_people(row), scoring)
    ]
    places = _places(connection, {row_id for pair in hopeful for row_id in pair[:2]})
    for lower, higher, people in hopeful:
        found = evidence.with_family(people | int(addresses.compare(places[lower], places[higher], scoring)))
        if scoring.flags(found):
            yield (lower, higher), found


def _of_people(row: Any) -> int:
    """Return what speaks for and against a pair but for the addresses."""
    found = row.evidence | names.compare((row.first_a, row.last_a), (row.first_b, row.last_b))
    if row.birth_a is not None and row.birth_b is not None:
        found |= _births(row.birth_a.isoformat(), row.birth_b.isoformat(), found)
    return int(found) if not row.email_a or not row.email_b else _with_emails(row, int(found))


def _births(one: str, other: str, found: int) -> Evidence:
    """Return what two dates say, with a generation between them where the names are the same."""
    of_one_name = found & NAMESAKES.value == NAMESAKES.value and names.generations(one, other)
    return names.births(one, other) | (Evidence.GENERATION if of_one_name else Evidence(0))


def _with_emails(row: Any, found: int) -> int:
    """Add what two emails say; that both are made of the same name says no more than the name."""
    if found & Evidence.EMAIL:
        return found
    name = row.email_a.partition("@")[0]
    if found & Evidence.MAILBOX:
        of_name = names.made_of(name, row.first_a, row.last_a) or names.made_of(name, row.first_b, row.last_b)
        return found & ~Evidence.MAILBOX if of_name else found
    return found | (
        Evidence.EMAIL_NEAR if nearness.emails(row.email_a, row.email_b) else Evidence.EMAIL_DIFFERS
    )


def _may_be_shown(found: int, scoring: Scoring) -> bool:
    """Return whether a pair is shown if the addresses say all that they can for it."""
    best = found | Evidence.POSTCODE.value
    return evidence.always_flags(best) or scoring.score(found) + scoring.best_address >= scoring.threshold


def _places(connection: Connection, ids: Collection[int]) -> dict[int, set[Place]]:
    wanted, found = sorted(ids), defaultdict[int, set[Place]](set)
    for start in range(0, len(wanted), AT_ONCE):
        found |= keys.places_of(connection, wanted[start : start + AT_ONCE])
    return found


def _nominated(ids: Collection[int]) -> Subquery:
    """Select the pairs that have a key in common with some customers, and what those keys tell."""
    mine, theirs = KEYS.alias("mine"), KEYS.alias("theirs")
    own = select(KEYS.c.value).where(KEYS.c.customer_id.in_(ids))
    crowded = select(KEYS.c.value).where(KEYS.c.value.in_(own)).group_by(KEYS.c.value)
    many = crowded.having(func.count() > crowds.CROWD)
    kind = mine.c.value.bitwise_and(keys.KIND_BITS)
    tells = case(*((kind == by, literal(int(bit))) for by, bit in keys.TELLS.items()), else_=0)
    lower = case((mine.c.customer_id < theirs.c.customer_id, mine.c.customer_id), else_=theirs.c.customer_id)
    higher = case((mine.c.customer_id < theirs.c.customer_id, theirs.c.customer_id), else_=mine.c.customer_id)
    pairs = (
        select(lower.label("lower_id"), higher.label("higher_id"), tells.label("tells"))
        .join_from(
            mine, theirs, and_(mine.c.value == theirs.c.value, mine.c.customer_id != theirs.c.customer_id)
        )
        .where(mine.c.customer_id.in_(ids), mine.c.value.not_in(many))
        .subquery()
    )
    added = func.sum(pairs.c.tells.distinct()).label("tells")
    return (
        select(pairs.c.lower_id, pairs.c.higher_id, added)
        .group_by("lower_id", "higher_id")
        .subquery("nominated")
    )


def _compared(pairs: Subquery) -> Select[Any]:
    """Select the pairs with what their columns say, but for names, dates and emails, which are looked at one by one."""
    customer = cast(Table, Customer.__table__)
    a, b = customer.alias("a"), customer.alias("b")
    told = (
        pairs.c.tells
        + _where(and_(a.c.company_key == b.c.company_key, a.c.company_key != ""), Evidence.COMPANY)
        + _where(a.c.gender != b.c.gender, Evidence.GENDER_DIFFERS)
        + _where(a.c.company_number != b.c.company_number, Evidence.COMPANY_NUMBER_DIFFERS)
        + _where(a.c.vat_number != b.c.vat_number, Evidence.VAT_NUMBER_DIFFERS)
        + _where(_no_phone_in_common(pairs, a, b), Evidence.PHONE_DIFFERS)
    )
    columns = (
        pairs.c.lower_id, pairs.c.higher_id, told.label("evidence"), a.c.first_name_key.label("first_a"),
        a.c.last_name_key.label("last_a"), b.c.first_name_key.label("first_b"), b.c.last_name_key.label("last_b"),
        a.c.date_of_birth.label("birth_a"), b.c.date_of_birth.label("birth_b"), a.c.email_key.label("email_a"),
        b.c.email_key.label("email_b"),
    )  # fmt: skip
    joined = pairs.join(a, a.c.id == pairs.c.lower_id).join(b, b.c.id == pairs.c.higher_id)
    return select(*columns).select_from(joined)


def _where(holds: ColumnElement[bool], bit: Evidence) -> ColumnElement[int]:
    return case((holds, int(bit)), else_=0)


def _no_phone_in_common(pairs: Subquery, a: Any, b: Any) -> ColumnElement[bool]:
    phone = cast(Table, Phone.__table__)
    have = [exists(select(phone.c.id).where(phone.c.customer_id == side.c.id)) for side in (a, b)]
    return and_(pairs.c.tells.bitwise_and(int(Evidence.PHONE)) == 0, *have)


def _store(
    connection: Connection, ids: Collection[int], found: Found, now: dt.datetime, scoring: Scoring
) -> None:
    c = PAIRS.c
    mine = or_(c.lower_id.in_(ids), c.higher_id.in_(ids))
    there = {(row.lower_id, row.higher_id): row for row in connection.execute(select(PAIRS).where(mine))}
    if gone := [row.id for pair, row in there.items() if pair not in found]:
        connection.execute(PAIRS.delete().where(c.id.in_(gone)))
    for pair, row in there.items():
        judged = _judged(found[pair], scoring) if pair in found else {}
        if any(row._mapping[name] != value for name, value in judged.items()):
            connection.execute(update(PAIRS).where(c.id == row.id).values(**judged))
    decided = _decided(connection, ids)
    if new := [
        {
            "lower_id": pair[0], "higher_id": pair[1], "found_at": now, "is_open": pair not in decided,
            **_judged(bits, scoring),
        }
        for pair, bits in sorted(found.items())
        if pair not in there
    ]:  # fmt: skip
        connection.execute(insert(PAIRS), new)


def _decided(connection: Connection, ids: Collection[int]) -> set[tuple[int, int]]:
    c = cast(Table, PairDecision.__table__).c
    theirs = or_(c.lower_id.in_(ids), c.higher_id.in_(ids))
    rows = connection.execute(select(c.lower_id, c.higher_id).where(theirs, c.reopened_at.is_(None)))
    return {(row.lower_id, row.higher_id) for row in rows}


def _judged(bits: int, scoring: Scoring) -> dict[str, Any]:
    likely, plain = scoring.is_likely(bits), evidence.is_plain(bits)
    return {"evidence": bits, "score": scoring.score(bits), "is_likely": likely, "is_plain": plain}
