"""A customer carries the keys of the primary phone and address, whatever is done to them (rule 12.3)."""

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actions.maintenance.verify import verify
from models.address import Address
from models.base import metadata
from models.customer import Customer
from models.dialect import WRITE
from models.phone import Phone
from models.triggers import COPIES
from tests import factories


def kept(session: Session) -> dict[int, tuple[str, str]]:
    found = session.execute(sa.select(Customer.id, Customer.phone_key, Customer.postcode_key))
    return {row[0]: (row[1], row[2]) for row in found}


def expected(session: Session) -> dict[int, tuple[str, str]]:
    """The keys as they follow from the rows themselves."""
    found = {row: ["", ""] for row in session.scalars(sa.select(Customer.id))}
    for place, (table, key, _column) in enumerate(COPIES):
        held = metadata.tables[table]
        for owner, value in session.execute(
            sa.select(held.c.customer_id, held.c[key]).where(held.c.is_primary)
        ):
            found[owner][place] = value
    return {owner: (keys[0], keys[1]) for owner, keys in found.items()}


STEP = st.tuples(
    st.sampled_from(("add", "edit", "mark", "move", "delete")),
    st.sampled_from((Phone, Address)),
    st.integers(0, 99),
    st.sampled_from(("1", "22", "ls29jt")),
)


def take(session: Session, step: str, model: type[Phone] | type[Address], number: int, key: str) -> None:
    """Do one thing to the rows by plain SQL, as sets are written by; what has two primaries is left out."""
    table = sa.inspect(model).local_table
    name = "number_key" if model is Phone else "postcode_key"
    people = session.scalars(sa.select(Customer.id).order_by(Customer.id)).all()
    owner = people[number % len(people)]
    rows = session.execute(sa.select(table.c.id, table.c.customer_id).order_by(table.c.id)).all()
    primary = set(session.scalars(sa.select(table.c.customer_id).where(table.c.is_primary)))
    if step == "add":
        make = factories.make_phone if model is Phone else factories.make_address
        made = make(session, customer=session.get(Customer, owner), is_primary=owner not in primary)
        session.execute(sa.update(table).where(table.c.id == made.id).values({name: key}))
    elif rows:
        row, holder = rows[number % len(rows)]
        mine = table.c.id == row
        if step == "edit":
            session.execute(sa.update(table).where(mine).values({name: key}))
        elif step == "mark":
            session.execute(sa.update(table).where(table.c.customer_id == holder).values(is_primary=False))
            session.execute(sa.update(table).where(mine).values(is_primary=True))
        elif step == "move" and owner not in primary:
            session.execute(sa.update(table).where(mine).values(customer_id=owner))
        elif step == "delete":
            session.execute(sa.delete(table).where(mine))
    session.expire_all()


@given(steps=st.lists(STEP, max_size=12))
def test_whatever_is_written_to_phones_and_addresses_the_customer_keeps_up(
    engine: Engine, steps: list[tuple[str, type[Phone] | type[Address], int, str]]
) -> None:
    with Session(engine.execution_options(**{WRITE: True})) as session:
        for name in ("Ash", "Birch", "Cedar"):
            factories.make_customer(session, last_name=name)
        for step in steps:
            take(session, *step)
            assert kept(session) == expected(session), step
        session.rollback()


def test_a_key_that_is_not_the_primary_ones_is_named_by_the_verification(engine: Engine) -> None:
    with Session(engine.execution_options(**{WRITE: True})) as session:
        person = factories.make_customer(session)
        factories.make_address(session, customer=person, is_primary=True)
        assert not [line for line in verify(session) if "_key" in line]
        session.execute(sa.update(Customer.__table__).values(postcode_key="other"))
        wanted = f"Customer {person.id}: postcode_key is not that of the primary address."
        assert wanted in verify(session)
        session.rollback()
