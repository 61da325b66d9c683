"""Search keys written by another release are told of, and written again; what clashes is named and left (rule 7.2)."""

from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from actions.cli import commands
from actions.maintenance import search_keys
from actions.maintenance.verify import verify
from models import normalise
from models.address import Address
from models.customer import Customer
from models.dialect import WRITE
from models.journal import Changeset
from models.key_release import KeyRelease
from models.phone import Phone
from tests import factories
from tests.databases import Database


@pytest.fixture
def shop(database: Database) -> Engine:
    """A shop whose keys were all written by an older release."""
    with Session(database.desk) as session, session.begin():
        customer = factories.make_customer(session, last_name="O’Brien", company_name="Smith & Sons")
        factories.make_phone(session, customer=customer, number="0113 496 0123", is_primary=True)
        factories.make_address(session, customer=customer, postcode="100-0001", country="JP", is_primary=True)
        session.flush()
        session.execute(update(Customer).values(last_name_key="o’brien", company_key="smith & sons"))
        session.execute(update(Phone).values(number_key="1134960123"))
        session.execute(update(Address).values(postcode_key="100-0001"))
        session.execute(update(KeyRelease).values(release="1"))
    return database.engine


def one(engine: Engine, column: Any) -> Any:
    """The only row's value."""
    with Session(engine) as session:
        return session.scalars(select(column)).one()


def test_a_new_shop_notes_the_release_that_is_installed(database: Database) -> None:
    assert one(database.engine, KeyRelease.release) == normalise.RELEASE
    with Session(database.engine) as session:
        assert search_keys.outdated(session) == []


def test_keys_of_another_release_are_told_of_and_written_anew(shop: Engine) -> None:
    with Session(shop) as session:
        (told,) = verify(session)
    assert "from release 1" in told
    assert normalise.RELEASE in told
    with Session(shop) as session:
        before = session.scalar(select(func.count(Changeset.id))), session.scalar(select(Customer.version))
    looked: list[int] = []
    assert search_keys.rewrite(shop, factories.NOW, looked.append) == []
    assert sum(looked) >= 3
    assert one(shop, Customer.last_name_key) == "o'brien"
    assert one(shop, Customer.company_key) == "smith and sons"
    assert one(shop, Phone.number_key) == "441134960123"
    assert one(shop, Address.postcode_key) == "1000001"
    with Session(shop) as session:
        after = session.scalar(select(func.count(Changeset.id))), session.scalar(select(Customer.version))
        assert verify(session) == []
    assert after == before, "a key is no fact: it is in no journal and no version"


def test_what_clashes_is_named_and_stays_until_a_person_has_seen_to_it(shop: Engine) -> None:
    with Session(shop.execution_options(**{WRITE: True})) as session, session.begin():
        first, second = (
            factories.make_customer(session, email=f"{name}@example.com") for name in ("jo", "sam")
        )
        other = factories.make_customer(session, email="kim@example.com", last_name="Ångström")
        numbers = first.id, second.id, other.id
        session.flush()
        session.execute(update(Customer).where(Customer.id == second.id).values(email="Jo@example.com"))
        session.execute(update(Customer).where(Customer.id == other.id).values(last_name_key="?"))
    (told,) = search_keys.rewrite(shop, factories.NOW)
    assert f"Customer {numbers[1]}" in told
    with Session(shop) as session:
        assert session.get_one(Customer, numbers[1]).email_key == "sam@example.com"
        assert session.get_one(Customer, numbers[2]).last_name_key == "angstrom", (
            "the others of its batch are done"
        )
        assert search_keys.outdated(session), "until nothing clashes, the keys count as old"
    command = next(c for c in commands(lambda: shop, lambda: factories.NOW, None) if c.name == "rewrite-keys")
    done = CliRunner().invoke(command)
    assert done.exit_code == 1
    assert told in done.output
    with Session(shop.execution_options(**{WRITE: True})) as session, session.begin():
        session.execute(update(Customer).where(Customer.id == numbers[1]).values(email="sam@example.com"))
    assert CliRunner().invoke(command).exit_code == 0
    with Session(shop) as session:
        assert search_keys.outdated(session) == []
