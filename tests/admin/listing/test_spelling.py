"""Filters find what is spelt in another way, and the same on both databases (rule 7.2)."""

from typing import Any

import pytest
from sqlalchemy import select

from admin.listing.paging import condition_clause
from admin.listing.query import _short
from admin.listing.search import _term
from admin.screen_spec.column_info import Condition, describe
from models.address import Address
from models.customer import Customer
from models.note import Note
from models.search import customer_ids
from tests import factories
from tests.admin.conftest import Shop

NAMES = {
    "O’Brien": ("O'Brien", "o‘brien", "OʼBrien", "O`brien", "O＇BRIEN"),
    "Smith–Jones": ("Smith-Jones", "smith—jones", "Smith\u2011Jones", "SMITH−JONES"),
    "Παπαδάκης": ("ΠΑΠΑΔΆΚΗΣ", "παπαδάκησ", "Παπαδάκης"),
    "İpekçi": ("ipekçi", "İPEKÇİ"),
    "Mu\u0308ller": ("Müller", "MÜLLER", "mu\u0308ller"),
    "50%_off/x": ("50%_OFF/X",),
}
FOLDED = {  # what only a search key finds
    "İpekçi": ("IPEKCI",),
    "Yıldız": ("YILDIZ", "yildiz"),
    "Großmann": ("GROSSMANN", "GROẞMANN"),
    "Mu\u0308ller": ("Muller",),
    "Ｔａｎａｋａ": ("Tanaka",),
    "Smith & Sons": ("smith and sons", "Smith&Sons"),
}
"""What stands in the database, and what people type who look for it."""


def found(shop: Shop, column: Any, operator: str, typed: str) -> list[Any]:
    """The values of a column that a filter finds."""
    field = describe(column.class_, column.key)
    with shop.look() as session:
        clause = condition_clause(Condition(field, operator, typed, _short("", typed)))
        return list(session.scalars(select(column).where(clause)))


def as_kept(name: str) -> str:
    """A letter and its accent are kept as one character."""
    return name.replace("u\u0308", "ü")


@pytest.mark.both_databases
def test_a_filter_finds_a_text_however_it_is_typed(shop: Shop) -> None:
    with shop.arrange() as session:
        for name in {*NAMES, *FOLDED, "Else-where's"}:
            customer = factories.make_customer(session, last_name=name, company_name=name)
            factories.make_address(session, customer=customer, county=name)
            factories.make_note(session, customer=customer, body=f"Was {name} here")
        factories.make_customer(session, company_name=None, trading_name="Smith & Sons")
        factories.make_note(session, customer=customer, body="o brien, smith jones, 50x-off/x, παπαδάκηx")
    keyed, bare = (Customer.last_name, Customer.company_name), (Address.county,)
    cases = [(c, n, t) for c in keyed for n, all_ in (*NAMES.items(), *FOLDED.items()) for t in all_]
    cases += [(c, n, t) for c in bare for n, all_ in NAMES.items() for t in all_]
    for column, name, typed in cases:
        shown = as_kept(name)
        for operator in ("eq", "contains", "starts"):
            assert found(shop, column, operator, typed) == [shown], (column, operator, typed)
        assert shown not in found(shop, column, "ne", typed)
    for name, spellings in NAMES.items():
        for typed in spellings:
            (body,) = found(shop, Note.body, "contains", typed)
            assert body == f"Was {as_kept(name)} here"
    with shop.look() as session:
        searched = select(Note.body).where(_term(shop.screen("note"), "body", "O'Brien"))
        assert session.scalars(searched).all() == ["Was O’Brien here"]


@pytest.mark.both_databases
def test_the_search_box_finds_a_phone_and_a_postcode_as_they_are_pasted(shop: Shop) -> None:
    with shop.arrange() as session:
        british, japanese, german = (factories.make_customer(session) for _n in range(3))
        factories.make_phone(session, customer=british, number="0121 234 5678")
        factories.make_address(session, customer=japanese, postcode="100-0001", country="JP")
        factories.make_address(session, customer=german, postcode="10115", country="DE")
    phones = (
        "0121–234–5678",
        "+44 (0)121 234 5678",
        "0044 121 234 5678",
        "０１２１ ２３４ ５６７８",
        "(0121) 234",
    )
    pasted = {
        british.id: phones,
        japanese.id: ("100–0001", "1000001", "100-"),
        german.id: ("D-10115", "10115"),
    }
    with shop.look() as session:
        for customer, spellings in pasted.items():
            for typed in spellings:
                assert session.scalars(customer_ids(typed)).all() == [customer], typed
        assert session.scalars(customer_ids("ABC0121")).all() == [], "a code is no phone number"
    assert found(shop, Address.postcode, "eq", "D–10115") == ["10115"]


@pytest.mark.both_databases
def test_what_is_nothing_of_a_key_is_found_nowhere(shop: Shop) -> None:
    shop.make(factories.make_customer, last_name="Karim")
    for operator in ("eq", "contains", "starts"):
        assert found(shop, Customer.last_name, operator, "\u0301") == []
