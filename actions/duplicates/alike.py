"""Whom a customer may be the same as, by what is typed: one look-up by an index, before it is saved (rule 7.10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, case, func, literal, select
from sqlalchemy.orm import Session, load_only

from actions.duplicates import crowds, keys
from actions.duplicates.keys import Facts, Kind
from models.address import Address
from models.customer import Customer
from models.duplicate import PairDecision
from models.evidence import Evidence
from models.masks import is_hidden
from models.phone import Phone
from models.row_scope import Channels, in_scope

MOST = 5
"""Customers that are named."""
TELLS: dict[Kind, Evidence] = {
    Kind.EMAIL: Evidence.EMAIL,
    Kind.SURNAME_POSTCODE: Evidence.SURNAME | Evidence.POSTCODE,
    Kind.PHONE: Evidence.PHONE,
}
"""Kinds of keys that are looked for, what always flags and a phone, in the order in which who shares one is named."""
MADE_OF: dict[Kind, tuple[type[Any], str]] = {
    Kind.EMAIL: (Customer, "email_key"),
    Kind.SURNAME_POSTCODE: (Address, "postcode_key"),
    Kind.PHONE: (Phone, "number_key"),
}
"""The column that a reader has to see to be told of such a key (rule 19)."""
KEYS = keys.TABLE.c
NAMED = load_only(
    Customer.first_name, Customer.last_name, Customer.company_name, Customer.trading_name, Customer.email
)
"""What a customer is called by."""


@dataclass(frozen=True, slots=True)
class Alike:
    """A customer who may be the same, of whom only the name is loaded, and what they share."""

    customer: Customer
    evidence: Evidence


def find(session: Session, facts: Facts, channels: Channels, *, but: int | None = None) -> list[Alike]:
    """Return the live customers who share an email, a surname with a postcode, or a phone, the closest first.

    :param channels: what the person asking is limited to. :param but: the record that the facts are of, which has them
        already or gets them: neither it is named, nor whom it shared as much with before, nor whom somebody has decided
        about.
    """
    wanted = _told(facts)
    if not wanted:
        return []
    shared = _shared(wanted, but)
    found = (
        select(Customer, shared.c.told)
        .join(shared, shared.c.customer_id == Customer.id)
        .where(*_conditions(channels, but))
        .options(NAMED)
        .order_by(*(shared.c.told.bitwise_and(int(bits)).desc() for bits in TELLS.values()), Customer.id)
        .limit(MOST)
    )
    return [Alike(customer, Evidence(int(told))) for customer, told in session.execute(found).unique()]


def find_each(session: Session, many: Mapping[int, Facts], channels: Channels) -> dict[int, list[Alike]]:
    """Return the same for many new customers, in one statement: number -> who may be the same."""
    wanted = {number: _told(facts) for number, facts in many.items()}
    values = {value for some in wanted.values() for value in some}
    if not values:
        return {}
    who = (
        select(Customer, KEYS.value)
        .join(keys.TABLE, KEYS.customer_id == Customer.id)
        .where(KEYS.value.in_(values), KEYS.value.not_in(_crowds(values)), *_conditions(channels, None))
        .options(NAMED)
        .order_by(Customer.id)
    )
    found = [(customer, value) for customer, value in session.execute(who).unique()]
    return {number: _closest([pair for pair in found if pair[1] in some]) for number, some in wanted.items()}


def _closest(pairs: Sequence[tuple[Customer, int]]) -> list[Alike]:
    bits: dict[Customer, Evidence] = defaultdict(lambda: Evidence(0))
    for customer, value in pairs:
        bits[customer] |= TELLS[Kind(value & keys.KIND_BITS)]
    ranked = sorted(bits, key=lambda one: [not bits[one] & told for told in TELLS.values()])
    return [Alike(customer, bits[customer]) for customer in ranked[:MOST]]


def _told(facts: Facts) -> set[int]:
    """Return the keys of those kinds that the person asking may be told of."""
    shown = {kind for kind, column in MADE_OF.items() if not is_hidden(*column)}
    return {value for value in keys.of(facts) if Kind(value & keys.KIND_BITS) in shown}


def _crowds(values: Collection[int]) -> Select[Any]:
    """Select the keys that tell nothing, as a crowd shares them (rule 7.8)."""
    shared = select(KEYS.value).where(KEYS.value.in_(values)).group_by(KEYS.value)
    return shared.having(func.count() > crowds.CROWD)


def _shared(values: Collection[int], but: int | None) -> Subquery:
    """Select who has one of some keys, and what that tells."""
    kind = KEYS.value.bitwise_and(keys.KIND_BITS)
    bits = case(*((kind == by, literal(int(bit))) for by, bit in TELLS.items()), else_=0)
    having: list[ColumnElement[bool]] = [
        KEYS.value.in_(values),
        KEYS.value.not_in(_crowds(values)),
    ]
    if but is not None:
        mine = keys.TABLE.alias("mine").c
        having += [
            KEYS.customer_id != but,
            KEYS.value.not_in(select(mine.value).where(mine.customer_id == but)),
        ]
    told = func.sum(bits.distinct()).label("told")
    return select(KEYS.customer_id, told).where(*having).group_by(KEYS.customer_id).subquery()


def _conditions(channels: Channels, but: int | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Customer.merged_into_id.is_(None), Customer.anonymised_at.is_(None)]
    scope = in_scope(Customer, channels)
    if scope is not None:
        found.append(scope)
    if but is not None:
        lower, higher, stands = (
            PairDecision.lower_id,
            PairDecision.higher_id,
            PairDecision.reopened_at.is_(None),
        )
        found.append(Customer.id.not_in(select(higher).where(lower == but, stands)))
        found.append(Customer.id.not_in(select(lower).where(higher == but, stands)))
    return found
