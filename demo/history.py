"""What the demo staff did in the last weeks: edits with before and after, finished tasks, points given by hand.

Each action is a changeset of its own, as the actions would write it, so that the Activity screen looks alive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from demo.batch import plain, shape
from demo.plan import Author
from demo.points import expiry_instant
from demo.rng import Chance
from demo.words import GOODWILL, STREETS
from models.address import Address
from models.base import Record, metadata
from models.choices import Status
from models.customer import Customer
from models.journal import Change, Changeset
from models.lookups import CustomerClass, MembershipGroup
from models.loyalty import LoyaltyEntry, LoyaltyKind, LoyaltyLot
from models.note import Note, NoteKind
from models.phone import Phone
from models.shop import Shop

WEEKS = dt.timedelta(days=24)
MOST = 400


@dataclass(frozen=True, slots=True)
class Desk:
    """Who does what is done next, and when."""

    session: Session
    chance: Chance
    staff: Sequence[Author]

    def sign(self, action: str, row: Record, when: dt.datetime, author: Author) -> int:
        """Write the changeset of one action and return its id."""
        changeset = {
            "at": when,
            "action": action,
            "actor_id": author.id,
            "actor_name": author.name,
            "subject_table": row.__tablename__,
            "subject_id": row.id,
            "request_id": f"{self.chance.getrandbits(64):016x}",
            "address": f"192.0.2.{self.chance.randrange(10, 40)}",
        }
        done = self.session.connection().execute(insert(metadata.tables[Changeset.__tablename__]), changeset)
        return int(done.inserted_primary_key[0])  # type: ignore[index]

    def edit(
        self, action: str, row: Record, when: dt.datetime, author: Author, values: dict[str, Any]
    ) -> None:
        """Change a row as a saved form does: only what differs, one version on, and before and after in the journal."""
        fresh = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not fresh:
            return
        names = [*fresh, "version", "updated_at"]
        before = {name: plain(getattr(row, name)) for name in names}
        for name, value in {**fresh, "version": row.version + 1, "updated_at": when}.items():
            setattr(row, name, value)
        row.derive()
        changed = {name: plain(getattr(row, name)) for name in names}
        kept = [name for name in names if name in shape(type(row)).journalled]
        customer_id = row.id if isinstance(row, Customer) else row.customer_id  # type: ignore[attr-defined]
        self.session.flush()
        change = {
            "changeset_id": self.sign(action, row, when, author),
            "table_name": row.__tablename__,
            "row_id": row.id,
            "customer_id": customer_id,
            "before": {name: before[name] for name in kept},
            "after": {name: changed[name] for name in kept},
        }
        self.session.connection().execute(insert(metadata.tables[Change.__tablename__]), change)


def write_history(session: Session, chance: Chance, staff: Sequence[Author], now: dt.datetime) -> None:
    """Do a few hundred things, oldest first, the last of them minutes ago."""
    desk = Desk(session, chance, staff)
    everybody = session.scalar(select(func.count()).select_from(Customer)) or 0
    highest = session.scalar(select(func.max(Customer.id))) or 0
    lowest = highest - everybody + 1
    for when in _instants(chance, now, min(MOST, everybody // 4)):
        customer = session.get(Customer, chance.randint(lowest, highest))
        if customer is not None and customer.created_at < when:
            act: Callable[..., None] = chance.weighted(KINDS)
            act(desk, customer, when, chance.choice(staff))


def _instants(chance: Chance, now: dt.datetime, count: int) -> list[dt.datetime]:
    """Return times of the last weeks, denser towards now."""
    ago = sorted((chance.random() ** 2 for _ in range(count)), reverse=True)
    latest = now - dt.timedelta(minutes=3)
    return [(latest - WEEKS * share).replace(microsecond=0) for share in ago]


def _move_house(desk: Desk, customer: Customer, when: dt.datetime, author: Author) -> None:
    address = desk.session.scalars(
        select(Address).where(Address.customer_id == customer.id, Address.is_primary)
    ).one()
    street = f"{desk.chance.randrange(1, 90)} {desk.chance.choice(STREETS)} Lane"
    desk.edit("address.edit", address, when, author, {"line1": street, "line2": None})


def _new_number(desk: Desk, customer: Customer, when: dt.datetime, author: Author) -> None:
    wanted = select(Phone).where(Phone.customer_id == customer.id).order_by(Phone.id).limit(1)
    phone = desk.session.scalars(wanted).one_or_none()
    if phone is not None:
        number = f"07700 900{desk.chance.randrange(1000):03d}"
        desk.edit("phone.edit", phone, when, author, {"number": number, "country": "GB"})


def _new_email(desk: Desk, customer: Customer, when: dt.datetime, author: Author) -> None:
    if customer.status == Status.REGISTERED and customer.email:
        name, _, domain = customer.email.partition("@")
        email = f"{name.rstrip('.0123456789')}.{customer.id}@{domain}"
        desk.edit("customer.edit", customer, when, author, {"email": email, "email_verified_at": None})


def _terms(desk: Desk, customer: Customer, when: dt.datetime, author: Author) -> None:
    chance = desk.chance
    groups = desk.session.scalars(select(MembershipGroup.id).order_by(MembershipGroup.id)).all()
    classes = desk.session.scalars(select(CustomerClass.id).order_by(CustomerClass.id)).all()
    values = {
        "membership_group_id": chance.choice(groups),
        "customer_class_id": chance.choice(classes),
        "free_delivery": not customer.free_delivery,
    }
    chosen = chance.sample(tuple(values), chance.choice((1, 1, 2)))
    desk.edit("customer.edit", customer, when, author, {name: values[name] for name in chosen})


def _verify(desk: Desk, customer: Customer, when: dt.datetime, author: Author) -> None:
    values = {"verified_at": when, "verified_by_id": author.id}
    desk.edit("customer.edit", customer, when, author, values)


def _finish_task(desk: Desk, customer: Customer, when: dt.datetime, author: Author) -> None:
    """Finish one of the oldest open tasks, of any customer: one customer alone rarely has any."""
    open_task = (Note.kind == NoteKind.TASK, Note.done_at.is_(None), Note.created_at < when)
    wanted = select(Note).where(*open_task).order_by(Note.due_on, Note.id).limit(1)
    task = desk.session.scalars(wanted).one_or_none()
    if task is not None:
        desk.edit("note.done", task, when, author, {"done_at": when, "done_by_id": author.id})


def _give_points(desk: Desk, customer: Customer, when: dt.datetime, author: Author) -> None:
    if customer.status not in {Status.REGISTERED, Status.IN_STORE}:
        return
    points, expires = desk.chance.choice((50, 100, 200)), expiry_instant(when, 365, Shop().zone)
    entry = LoyaltyEntry(
        customer_id=customer.id,
        kind=LoyaltyKind.GOODWILL,
        points=points,
        expires_at=expires,
        created_at=when,
        actor_id=author.id,
        actor_name=author.name,
        comment=desk.chance.choice(GOODWILL),
        changeset_id=desk.sign("loyalty_entry.adjust", customer, when, author),
    )
    desk.session.add(entry)
    desk.session.flush()
    lot = LoyaltyLot(
        entry_id=entry.id, customer_id=customer.id, points=points, unspent=points, expires_at=expires
    )
    desk.session.add(lot)
    customer.points += points
    desk.session.flush()


KINDS: dict[Callable[..., None], int] = {
    _move_house: 5,
    _new_number: 4,
    _new_email: 2,
    _terms: 6,
    _verify: 2,
    _finish_task: 1,
    _give_points: 3,
}
