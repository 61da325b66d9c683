"""A small shop seen by people who are limited to one sales channel: rows of theirs, rows of others, and rows of nobody.

Every member of staff of the template is limited to the channel "Ours". Of each kind of row that belongs to a customer
there are some of a customer of that channel, of one of another channel, of one merged away and of one erased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.base import Staff
from models.customer import Customer
from models.member import StaffChannel
from models.row_scope import is_limited
from tests import factories
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.stock import PEOPLE, Stock

MISSING = 10**9
KINDS_OF_ROW = ("own", "foreign", "merged", "erased")
ROWS = 16
Facts = tuple[int, int, dict[str, int], dict[str, dict[str, list[int]]]]
"""The ids of our channel, of the other one, of the customer of each kind, and of the rows of each screen and kind."""
SECRET_NAME = "Outofsight"
"""Stands in every name of the customer whom nobody here sees."""


class World:
    """Ids of the rows: ``ids["note"]["foreign"]`` are those of notes about a customer out of scope."""

    def __init__(self, shop: Shop, limited: tuple[str, ...] | None = None, *, few: bool = False) -> None:
        self.shop, self._spare = shop, dict[str, int]()
        name = "_".join(("world", *(("few",) if few else ()), *(limited or ())))
        found = shop.database.furnish(
            name, lambda _database: Founding(shop, 2 if few else ROWS).found(limited)
        )
        self.ours, self.theirs, self.customers, self.ids = found

    def id(self, resource: str, kind: str, which: int = 0) -> int:
        """Return a row of a kind; of a list that belongs to nobody, an own one is any."""
        return MISSING if kind == "missing" else self.ids[resource][kind][which]

    def personal(self, resource: str, username: str) -> int:
        """Return a key, or a session, of one member of staff: without a permission one sees just one's own."""
        table = self.shop.screen(resource).model.__table__
        with self.shop.look() as session:
            mine = sa.select(sa.func.max(table.c.id)).join(Staff, Staff.id == table.c.user_id)
            return int(session.scalar(mine.where(Staff.username == username)) or MISSING)

    @contextmanager
    def unlimited(self, username: str) -> Iterator[None]:
        """Let one member of staff see all channels for a while."""
        with self.shop.arrange() as session:
            theirs = session.scalars(sa.select(Staff.id).where(Staff.username == username)).all()
            session.execute(sa.delete(StaffChannel).where(StaffChannel.user_id.in_(theirs)))
        try:
            yield
        finally:
            with self.shop.arrange() as session:
                session.add_all(StaffChannel(user_id=one, sales_channel_id=self.ours) for one in theirs)

    def spare(self, resource: str) -> int:
        """Return an own row that may be deleted: another one each time, save where it is in use anyway."""
        own = self.ids[resource]["own"]
        self._spare[resource] = min(self._spare.get(resource, 0) + 1, len(own))
        return own[-self._spare[resource]]


class Founding:
    """Makes the rows of a world."""

    def __init__(self, shop: Shop, rows: int) -> None:
        self.shop, self.rows = shop, rows

    def found(self, limited: tuple[str, ...] | None) -> Facts:
        """Make them, and limit these members of staff, or all of them; return what a world knows of itself."""
        with self.shop.arrange() as session:
            return self._fill(session, limited)

    def _fill(self, session: Session, limited: tuple[str, ...] | None) -> Facts:
        self.ours, self.theirs = (
            factories.make_sales_channel(session, name=name, code=code).id
            for name, code in (("Ours", "OURS"), ("Theirs", "THEIRS"))
        )
        owners = {kind: self._owner(session, kind) for kind in KINDS_OF_ROW}
        owners["merged"].merged_into_id = owners["own"].id
        owners["erased"].anonymised_at = factories.NOW
        session.flush()
        for member in session.scalars(sa.select(Staff)).unique().all():
            factories.make_api_key(session, user_id=member.id)
        ids = {r: {kind: rows for kind, rows in self._rows(session, r, owners) if rows} for r in RESOURCES}
        names = (
            sa.select(Staff).where(Staff.username.in_(limited)) if limited is not None else sa.select(Staff)
        )
        for member in session.scalars(names).unique().all():
            session.add(StaffChannel(user_id=member.id, sales_channel_id=self.ours))
        return self.ours, self.theirs, {kind: owner.id for kind, owner in owners.items()}, ids

    def _owner(self, session: Session, kind: str) -> Customer:
        name = SECRET_NAME if kind == "foreign" else kind.capitalize()
        return factories.make_customer(
            session, first_name=name, last_name=name, company_name=name, email=f"{name.lower()}@example.com",
            sales_channel_id=self.theirs if kind == "foreign" else self.ours, pay_on_account=True,
            created_at=factories.NOW, account_balance=500,
        )  # fmt: skip

    def _rows(
        self, session: Session, resource: str, owners: dict[str, Customer]
    ) -> Iterator[tuple[str, list[int]]]:
        if resource == "sales_channel":
            yield from (("own", [self.ours]), ("foreign", [self.theirs]))
        elif resource in PEOPLE:
            yield from ((kind, [owner.id] * self.rows) for kind, owner in owners.items())
        elif not is_limited(self.shop.screen(resource).model):
            yield "own", self._made(session, resource, lambda stock: stock.fill(resource, [owners["own"]]))
        else:
            for kind, owner in owners.items():
                yield kind, self._made(session, resource, self._filling(resource, owner))

    def _filling(self, resource: str, owner: Customer) -> Callable[[Stock], None]:
        special = {
            "run_item": self._results,
            "changeset": self._changesets,
            "note": self._notes,
            "external_id": self._external_ids,
            "mail": self._mails,
            "gift_card": self._cards,
        }
        if resource in special:
            return lambda stock: special[resource](stock.session, owner)
        return lambda stock: stock.fill(resource, [owner])

    def _made(self, session: Session, resource: str, fill: Callable[[Stock], None]) -> list[int]:
        table = self.shop.screen(resource).model.__table__
        highest = session.scalar(sa.select(sa.func.max(table.c.id))) or 0
        fill(Stock(session, self.rows))
        made = session.scalars(sa.select(table.c.id).where(table.c.id > highest).order_by(table.c.id))
        return list(made)

    def _results(self, session: Session, owner: Customer) -> None:
        run = factories.make_run(session)
        for n in range(self.rows):
            factories.make_run_item(session, run=run, position=n + 1, row_id=owner.id)

    def _changesets(self, session: Session, owner: Customer) -> None:
        for _n in range(self.rows):
            changeset = factories.make_changeset(
                session, action="customer.edit", subject_table="customer", subject_id=owner.id
            )
            factories.make_change(
                session, changeset=changeset, row_id=owner.id, customer_id=owner.id, before={"title": "Mr"},
                after={"title": owner.last_name},
            )  # fmt: skip

    def _notes(self, session: Session, owner: Customer) -> None:
        for n in range(self.rows):
            factories.make_note(session, customer=owner, body=f"About {owner.last_name} {n}")

    def _mails(self, session: Session, owner: Customer) -> None:
        for _n in range(self.rows):
            factories.make_mail(session, customer=owner, subject=f"To {owner.last_name}")

    def _cards(self, session: Session, owner: Customer) -> None:
        """Cards that were redeemed: the others are nobody's."""
        for _n in range(self.rows):
            entry = factories.make_credit_entry(session, customer=owner)
            factories.make_gift_card(session, redeemed_entry_id=entry.id)

    def _external_ids(self, session: Session, owner: Customer) -> None:
        for n in range(self.rows):
            whose = {"order": factories.make_order(session, customer=owner)} if n % 2 else {"customer": owner}
            factories.make_external_id(session, **whose)
