"""What many records share, as staff read it (rule 7.8)."""

import pytest
import sqlalchemy as sa

from actions.duplicates import checking, crowds
from models.duplicate import DuplicateCrowd
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.editing.test_alike import limit

WORDS = "4 records have the postcode SW1A 1AA and the surname Smith"
PHONE = "4 records have the phone"


@pytest.fixture
def shared(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Four who share a surname and postcode and a phone, and somebody else: kind -> the row of the former."""
    monkeypatch.setattr(crowds, "CROWD", 3)
    with shop.arrange() as session:
        for first in ("Ann", "Bea", "Cem", "Dov"):
            customer = factories.make_customer(session, first_name=first, last_name="Smith", email=None)
            factories.make_address(
                session, customer=customer, postcode="SW1A 1AA", line1=f"{customer.id} The Mall"
            )
            factories.make_phone(session, customer=customer, number="0113 496 0123")
        factories.make_customer(session, first_name="Eve", last_name="Other")
    checking.check_all(shop.database.desk, lambda: factories.NOW)
    with shop.look() as session:
        return {row.kind.value: row.id for row in session.scalars(sa.select(DuplicateCrowd))}


def test_it_stands_in_words_and_leads_to_the_records(shop: Shop, shared: dict[str, int]) -> None:
    client = application.sign_in(shop.app, "Manager")
    page = client.get("/admin/duplicate_crowd/").text
    assert WORDS in page
    url = f"/admin/customer/?view=all&amp;crowd__eq={shared['surname_postcode']}"
    assert f'href="{url}"' in page
    found = client.get(url.replace("&amp;", "&")).text
    assert all(name in found for name in ("Ann", "Bea", "Cem", "Dov"))
    assert "Eve" not in found
    assert "Surname and postcode (4)" in found, (
        "the filter says what it is, and whose it is nobody reads in the address"
    )


def test_nobody_reads_there_what_is_masked_for_them(shop: Shop, shared: dict[str, int]) -> None:
    client = application.sign_in(shop.app, "Read-only")
    page = client.get("/admin/duplicate_crowd/?view=all").text
    assert "SW1A" not in page
    assert PHONE not in page
    found = client.get(f"/admin/customer/?view=all&crowd__eq={shared['surname_postcode']}").text
    assert "Ann" not in found
    assert "Surname and postcode" not in found


def test_who_sees_some_customers_only_sees_none(shop: Shop, shared: dict[str, int]) -> None:
    limit(shop)
    client = shop.client("Manager")
    assert WORDS not in client.get("/admin/duplicate_crowd/").text
    assert client.get(f"/admin/duplicate_crowd/details/?id={shared['phone']}").status_code == 404
    assert "Ann" not in client.get(f"/admin/customer/?view=all&crowd__eq={shared['phone']}").text


def test_what_is_no_problem_leaves_the_list(shop: Shop, shared: dict[str, int]) -> None:
    api = shop.api("Admin")
    done = api.send("POST", f"/api/v1/duplicate_crowd/{shared['surname_postcode']}/actions/dismiss", {})
    assert done.status_code == 200
    client = shop.client()
    assert WORDS not in client.get("/admin/duplicate_crowd/").text
    assert WORDS in client.get("/admin/duplicate_crowd/?view=dismissed").text
