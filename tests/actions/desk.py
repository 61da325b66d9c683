"""A member of staff at work, without the web: runs actions on a database and looks at what they left."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import actions.registry  # noqa: F401  registers the rules of the generated forms
from actions.core.base import Action, Actor, Context, Outcome
from actions.execution.records import record_actions
from actions.execution.runner import Call, changeset, perform
from models.base import Base
from models.customer import Customer
from models.journal import Change
from models.lookups import SalesChannel
from models.loyalty import LoyaltyEntry, LoyaltyLot
from tests import factories

Row = TypeVar("Row", bound=Base)


class Desk:
    """``now`` is the desk's clock: a test sets it forward as it likes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = factories.NOW
        with Session(engine) as session, session.begin():
            staff = factories.make_staff(session)
            self.actor = Actor(staff.id, "Mary Kaur")
            if session.scalar(select(SalesChannel.id).where(SalesChannel.code == "WEB")) is None:
                factories.make_sales_channel(session, code="WEB", name="Web shop")

    def allow(self, *actions: Action) -> None:
        """Let the member of staff do these, where it is asked."""
        with Session(self.engine) as session, session.begin():
            for declared in actions:
                factories.grant(session, self.actor.id, f"can_{declared.verb}", declared.resource)

    def call(self, key: str | None = None) -> Call:
        """Who asks, and when."""
        return Call(self.actor, self.now, key=key)

    def do(
        self, action: Action, target: int | None = None, *, key: str | None = None, **values: Any
    ) -> Outcome:
        """Run one action in its own transaction."""
        return perform(self.engine, action, self.call(key), target, **values)

    @contextmanager
    def changeset(self, code: str = "test.change") -> Iterator[Context]:
        """The inside of an action, for what has no action of its own."""
        with changeset(self.engine, code, self.call()) as ctx:
            yield ctx

    def create(self, model: type[Base], **values: Any) -> int:
        """Save the form of a new record; return its id."""
        found = self.do_create(model, **values).record_id
        assert found is not None
        return found

    def do_create(self, model: type[Base], **values: Any) -> Outcome:
        """Save the form of a new record."""
        return self.do(record_actions(model)[0], values=values)

    def edit(self, model: type[Base], row_id: int, *, version: int | None = None, **values: Any) -> Outcome:
        """Save the form of a record that is there."""
        return self.do(record_actions(model)[1], row_id, values=values, version=version)

    def delete(self, model: type[Base], row_id: int) -> Outcome:
        """Delete a record."""
        return self.do(record_actions(model)[2], row_id)

    def customer(self, **values: Any) -> int:
        """A customer with nothing attached; return the id."""
        return self.make(factories.make_customer, **values)

    def make(self, factory: Any, **values: Any) -> int:
        """A row from the factories, as if it had long been there; return its id."""
        with Session(self.engine) as session, session.begin():
            return int(factory(session, **values).id)

    @contextmanager
    def look(self) -> Iterator[Session]:
        """A session for looking only."""
        with Session(self.engine) as session:
            yield session

    def get(self, model: type[Row], row_id: int | None) -> Row:
        """One row as it is now."""
        with self.look() as session:
            return session.get_one(model, row_id)

    def all(self, model: type[Row], **where: Any) -> list[Row]:
        """Rows as they are now, by id."""
        with self.look() as session:
            return list(session.scalars(select(model).filter_by(**where).order_by(model.__table__.c.id)))

    def of(self, customer: int) -> Customer:
        """The customer as the database has it."""
        return self.get(Customer, customer)

    def changes(self, changeset_id: int | None) -> list[Change]:
        """What a changeset changed."""
        return self.all(Change, changeset_id=changeset_id)

    def lots(self, customer: int) -> list[tuple[int, int]]:
        """(points, unspent) of each lot, by id."""
        return [(lot.points, lot.unspent) for lot in self.all(LoyaltyLot, customer_id=customer)]

    def entries(self, customer: int) -> list[tuple[str, int]]:
        """(kind, points) of each loyalty entry, by id."""
        return [(entry.kind.value, entry.points) for entry in self.all(LoyaltyEntry, customer_id=customer)]

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now += dt.timedelta(**span)
