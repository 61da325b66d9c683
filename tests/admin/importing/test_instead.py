"""Rows of a file that update a customer who is there, instead of creating one who may be the same (rule 7.12)."""

import re
from typing import Any

import pytest
import sqlalchemy as sa

from actions.duplicates import checking
from models.address import Address
from models.customer import Customer
from models.importing import ImportFile, ImportRow
from models.phone import Phone
from models.run import Run
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.editing.test_alike import limit
from tests.admin.imports import apply, counts, mapped, verdicts, work

pytestmark = pytest.mark.both_databases
FILE = (
    "First name,Last name,Email,Mobile phone,Postcode,Line 1,Town,Company name\n"
    "Joan,COOKE,,,ls29jt,1 High St,Leeds,Cooke Ltd\n"
    "Joe,Dunn,,0113 4960123,,,,\n"
    "Cy,Eve,cy@example.com,,,,,\n"
)
"""Joan by surname and postcode; somebody by a phone that two have; somebody new."""


@pytest.fixture
def joan(shop: Shop) -> int:
    """A customer with a phone that somebody else has, too."""
    with shop.arrange() as session:
        joan = factories.make_customer(
            session,
            first_name="Joanna",
            last_name="Cooke",
            email="joan@example.com",
            status="guest",
            company_name="Old",
        )
        factories.make_address(
            session, customer=joan, postcode="LS2 9JT", line1="1 High Street", town="Leeds", is_primary=True
        )
        other = factories.make_customer(session, first_name="Zoe", last_name="Quill")
        for customer in (joan, other):
            factories.make_phone(session, customer=customer, number="0113 496 0123")
        found = joan.id
    checking.check_all(shop.database.desk, lambda: factories.NOW)
    return int(found)


def rows(shop: Shop, file_id: str) -> list[int]:
    """The numbers of the rows, in order."""
    with shop.look() as session:
        mine = sa.select(ImportRow.id).where(ImportRow.file_id == int(file_id)).order_by(ImportRow.position)
        return list(session.scalars(mine))


def instead(shop: Shop, file_id: str, role: str = "Admin", **chosen: Any) -> Any:
    """Choose to update."""
    sent = {name: str(value) for name, value in chosen.items()}
    return shop.client(role).send(f"/admin/customer/import/instead/?id={file_id}", sent)


def test_a_row_updates_the_customer_that_was_found_and_is_undone_with_the_run(shop: Shop, joan: int) -> None:
    file_id = mapped(shop, "customer", FILE)
    assert verdicts(shop, file_id) == ["created", "created", "created"]
    page = shop.client().get(f"/admin/customer/import/rows/?id={file_id}").text
    assert page.count("Update this record instead") == 3
    assert "Update the records found instead" in page
    first = rows(shop, file_id)[0]
    assert f'name="row" value="{first}"' in page
    assert instead(shop, file_id, row=first, record=joan).status_code == 302
    assert verdicts(shop, file_id) == ["changed", "created", "created"]
    assert counts(shop, file_id) == (2, 1, 0, 0)
    apply(shop, "customer", file_id)
    with shop.look() as session:
        updated = session.get_one(Customer, joan)
        names = updated.first_name, updated.last_name, updated.company_name
        assert names == ("Joan", "COOKE", "Cooke Ltd")
        assert updated.email == "joan@example.com", "a blank cell changes nothing"
        assert session.scalar(sa.select(sa.func.count()).where(Phone.customer_id == joan)) == 1
        assert session.scalars(sa.select(Address.line1).where(Address.customer_id == joan)).all() == [
            "1 High St"
        ]
        assert session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 4
        run = session.scalars(sa.select(Run.id).where(Run.action == "customer.import")).one()
    shop.client().send(f"/admin/run/act/undo/?id={run}", {"key": "x"})
    work(shop)
    with shop.look() as session:
        back = session.get_one(Customer, joan)
        assert (back.first_name, back.company_name) == ("Joanna", "Old")
        assert session.scalars(sa.select(Address.line1).where(Address.customer_id == joan)).all() == [
            "1 High Street"
        ]


def test_all_rows_with_one_match_are_chosen_at_once(shop: Shop, joan: int) -> None:
    file_id = mapped(shop, "customer", FILE)
    assert instead(shop, file_id, all=1).status_code == 302
    assert verdicts(shop, file_id) == ["changed", "created", "created"], (
        "of two with one phone nobody chooses"
    )
    assert instead(shop, file_id, all=1).status_code == 302
    assert counts(shop, file_id) == (2, 1, 0, 0)


def test_two_rows_do_not_update_one_customer(shop: Shop, joan: int) -> None:
    head, first, *_others = FILE.splitlines()
    file_id = mapped(shop, "customer", f"{head}\n{first}\n{first.replace('Cooke Ltd', 'Other')}\n")
    instead(shop, file_id, all=1)
    assert counts(shop, file_id) == (0, 1, 0, 1)


def test_only_who_was_found_for_a_row_can_be_chosen_for_it(shop: Shop, joan: int) -> None:
    file_id = mapped(shop, "customer", FILE)
    first, _second, third = rows(shop, file_id)
    for row, record in ((third, joan), (first, joan + 1), (first, 10**9), (10**9, joan)):
        assert instead(shop, file_id, row=row, record=record).status_code == 404
    other = mapped(shop, "customer", FILE)
    assert instead(shop, other, row=first, record=joan).status_code == 404
    assert counts(shop, file_id) == (3, 0, 0, 0)
    apply(shop, "customer", file_id)
    assert instead(shop, file_id, all=1).status_code in (302, 409)


def test_nobody_out_of_scope_is_updated(shop: Shop, joan: int) -> None:
    file_id = mapped(shop, "customer", FILE, "Manager")
    first = rows(shop, file_id)[0]
    limit(shop)
    assert instead(shop, file_id, "Manager", row=first, record=joan).status_code == 404
    assert instead(shop, file_id, "Manager", all=1).status_code == 302
    assert counts(shop, file_id) == (3, 0, 0, 0)


def test_amounts_in_another_currency_are_left_alone(shop: Shop, joan: int) -> None:
    with shop.arrange() as session:
        session.execute(sa.update(Customer).where(Customer.id == joan).values(currency="JPY"))
    file_id = mapped(shop, "customer", FILE)
    instead(shop, file_id, all=1)
    assert counts(shop, file_id) == (3, 0, 0, 0)


def test_the_command_does_it_where_it_is_asked_to(shop: Shop, joan: int, tmp_path: Any) -> None:
    path = tmp_path / "people.csv"
    path.write_text(FILE)

    def told(*more: str) -> str:
        done = shop.app.test_cli_runner().invoke(
            args=["import", "customer", str(path), "--as", "admin", *more]
        )
        assert done.exit_code == 0, done.output
        return str(re.search(r"\d+ created, \d+ changed", done.output)[0])

    assert told("--dry-run") == "3 created, 0 changed"
    assert told("--dry-run", "--update-duplicates") == "2 created, 1 changed"
    assert told("--update-duplicates") == "2 created, 1 changed"
    with shop.look() as session:
        assert session.get_one(Customer, joan).company_name == "Cooke Ltd"
        assert session.scalars(sa.select(ImportFile.created)).all()
