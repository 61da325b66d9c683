"""What a customer shares with records that may be the same, each as one number (rule 7.5).

Two records that have a number in common are compared; all others never are. So a key is made of what hardly two
people share, and there are several, as each of them may be wrong or missing.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, cast

from sqlalchemy import Connection, Table, insert, select

from actions.duplicates.places import Place
from models.address import Address
from models.customer import Customer
from models.duplicate import DuplicateKey
from models.evidence import Evidence
from models.phone import Phone

TABLE = cast(Table, DuplicateKey.__table__)
KIND_BITS = 15
"""The lowest bits of a key, which say its kind."""
SHORTEST_MAILBOX = 5
"""Characters before the @ that may be one person's; fewer are many people's."""
EVERYBODYS = {
    "info", "office", "sales", "mail", "email", "contact", "hello", "admin", "enquiries", "accounts",
    "accounting", "orders", "shop", "support", "service", "post", "kontakt", "buchhaltung", "rechnung",
    "rechnungen", "bestellung", "einkauf", "vertrieb", "accueil", "compta", "commande", "factures",
    "bonjour", "noreply", "no-reply", "family", "familie",
}  # fmt: skip
"""What stands before the @ of addresses of offices and families."""


class Kind(enum.IntEnum):
    """What a key is made of."""

    EMAIL = 0
    PHONE = 1
    SURNAME_POSTCODE = 2
    NAME_POSTCODE = 3
    """Either name, so that swapped ones meet."""
    INITIAL_BIRTH = 4
    """The first letter of either name, as the rest may be typed wrong."""
    BIRTH_POSTCODE = 5
    MAILBOX = 6
    COMPANY_POSTCODE = 7
    COMPANY_NUMBER = 8
    VAT_NUMBER = 9
    FULL_NAME = 10
    """Both names in the order of the alphabet, so that swapped ones meet."""
    STREET_TOWN = 11
    INITIAL_STREET = 12


TELLS: dict[Kind, Evidence] = {
    Kind.EMAIL: Evidence.EMAIL,
    Kind.PHONE: Evidence.PHONE,
    Kind.MAILBOX: Evidence.MAILBOX,
    Kind.COMPANY_NUMBER: Evidence.COMPANY_NUMBER,
    Kind.VAT_NUMBER: Evidence.VAT_NUMBER,
}
"""What follows from a key alone; of the others, the columns that it is made of are compared."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a customer is found by: search keys (rule 7.2), the date of birth as YYYY-MM-DD; '' where there is none."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    company_number: str = ""
    vat_number: str = ""
    birth: str = ""
    places: frozenset[Place] = frozenset()
    phones: frozenset[str] = field(default=frozenset())


def of(facts: Facts) -> set[int]:
    """Return the keys of a customer."""
    return {_number(kind, parts) for kind, *parts in _parts(facts) if all(parts)}


def _parts(facts: Facts) -> Iterator[tuple[Any, ...]]:
    names = {facts.first_name, facts.last_name}
    yield Kind.EMAIL, facts.email
    yield Kind.MAILBOX, _mailbox(facts.email)
    yield Kind.COMPANY_NUMBER, facts.company_number
    yield Kind.VAT_NUMBER, facts.vat_number
    yield from ((Kind.PHONE, phone) for phone in facts.phones)
    yield Kind.FULL_NAME, *sorted((facts.first_name, facts.last_name))
    yield from ((Kind.INITIAL_BIRTH, facts.birth, name[:1]) for name in names)
    for postcode in {place.postcode for place in facts.places}:
        yield Kind.SURNAME_POSTCODE, postcode, facts.last_name
        yield Kind.BIRTH_POSTCODE, postcode, facts.birth
        yield Kind.COMPANY_POSTCODE, postcode, facts.company
        yield from ((Kind.NAME_POSTCODE, postcode, name) for name in names)
    for place in facts.places:
        yield Kind.STREET_TOWN, place.street, place.town
        yield from ((Kind.INITIAL_STREET, place.street, name[:1]) for name in names)


def _mailbox(email: str) -> str:
    local = email.partition("@")[0]
    return local if len(local) >= SHORTEST_MAILBOX and local not in EVERYBODYS else ""


def _number(kind: Kind, parts: Collection[str]) -> int:
    digest = blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) & ~KIND_BITS | kind


def facts_of(connection: Connection, ids: Collection[int]) -> dict[int, Facts]:
    """Return customer id -> facts, of those who are live."""
    c = cast(Table, Customer.__table__).c
    columns = (
        c.id, c.email_key, c.first_name_key, c.last_name_key, c.company_key, c.company_number, c.vat_number,
        c.date_of_birth,
    )  # fmt: skip
    people = connection.execute(
        select(*columns).where(c.id.in_(ids), c.merged_into_id.is_(None), c.anonymised_at.is_(None))
    ).all()
    places = places_of(connection, ids)
    phones = _phones(connection, ids)
    return {row.id: _facts(row, places[row.id], phones[row.id]) for row in people}


def facts_from(customer: Customer) -> Facts:
    """Return the facts of a customer whose addresses and phones are loaded."""
    places = {Place(a.postcode_key, a.line1_key, a.town_key) for a in customer.addresses}
    return _facts(customer, places, {phone.number_key for phone in customer.phones})


def _facts(row: Any, places: Collection[Place], phones: Collection[str]) -> Facts:
    return Facts(
        row.email_key, row.first_name_key, row.last_name_key, row.company_key, row.company_number or "",
        row.vat_number or "", row.date_of_birth.isoformat() if row.date_of_birth else "",
        frozenset(places), frozenset(phones),
    )  # fmt: skip


def places_of(connection: Connection, ids: Collection[int]) -> dict[int, set[Place]]:
    """Return customer id -> what their addresses are found by; nobody is left out of what a look-up gives."""
    found: dict[int, set[Place]] = defaultdict(set)
    c = cast(Table, Address.__table__).c
    wanted = select(c.customer_id, c.postcode_key, c.line1_key, c.town_key).where(c.customer_id.in_(ids))
    for owner, *place in connection.execute(wanted):
        found[owner].add(Place(*place))
    return found


def _phones(connection: Connection, ids: Collection[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    c = cast(Table, Phone.__table__).c
    for owner, value in connection.execute(select(c.customer_id, c.number_key).where(c.customer_id.in_(ids))):
        found[owner].add(value)
    return found


def rewrite(connection: Connection, ids: Collection[int]) -> set[int]:
    """Write the keys of some customers again; who is not live any more has none. Return all that they had or have."""
    wanted = {(owner, value) for owner, facts in facts_of(connection, ids).items() for value in of(facts)}
    mine = TABLE.c.customer_id.in_(ids)
    there = {(row.customer_id, row.value): row.id for row in connection.execute(select(TABLE).where(mine))}
    if gone := [row_id for key, row_id in there.items() if key not in wanted]:
        connection.execute(TABLE.delete().where(TABLE.c.id.in_(gone)))
    if new := [{"customer_id": o, "value": v} for o, v in sorted(wanted - there.keys())]:
        connection.execute(insert(TABLE), new)
    return {value for _owner, value in wanted | there.keys()}


def holders(connection: Connection, ids: Collection[int]) -> set[int]:
    """Return those of some customers who have any key."""
    return set(connection.scalars(select(TABLE.c.customer_id).where(TABLE.c.customer_id.in_(ids)).distinct()))


def made_of(facts: Facts, value: int) -> list[str]:
    """Return the parts that one of a customer's keys is made of; none where they have no such key."""
    found = (parts for kind, *parts in _parts(facts) if all(parts) and _number(kind, parts) == value)
    return next(found, [])
