"""What people read of a pair of duplicates, and what those do not who see less of a customer (rule 19)."""

import pytest
import sqlalchemy as sa

from models.customer import Customer
from models.evidence import SENSITIVE, Evidence, is_plain
from models.lookups import SalesChannel
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.editing.test_alike import grants, limit
from tests.databases import recorded_statements

SHARED = Evidence.EMAIL | Evidence.PHONE | Evidence.BIRTH | Evidence.SURNAME | Evidence.POSTCODE
SECRET = ("same email", "same phone", "same date of birth", "same postcode", "Same email")


@pytest.mark.parametrize(("role", "sees"), [("Manager", True), ("Read-only", False)])
def test_nobody_is_told_by_a_pair_what_is_masked_for_them(shop: Shop, role: str, sees: bool) -> None:
    with shop.arrange() as session:
        pair = factories.make_duplicate_pair(session, evidence=int(SHARED), score=1, is_likely=False).id
    client = application.sign_in(shop.app, role)
    where = ("/admin/duplicate/?view=all", f"/admin/duplicate/details/?id={pair}")
    for page in (client.get(path).text for path in where):
        assert "same surname" in page
        assert [word in page for word in SECRET[:4]] == [sees] * 4
        assert sees or not [word for word in SECRET if word in page]


PLAIN, EMAIL = int(Evidence.SURNAME | Evidence.POSTCODE), int(Evidence.EMAIL)
WORDS = {"likely": "Likely the same", "plain": "Same surname and postcode", "email": "Same email only"}


def test_each_undecided_pair_stands_in_one_view(shop: Shop) -> None:
    kinds = {
        "likely": [(PLAIN | EMAIL, True), (EMAIL, True), (0, True)],
        "plain": [(PLAIN, False), (PLAIN | EMAIL, False)],
        "email": [(EMAIL, False)],
    }
    with shop.arrange() as session:
        ids = {
            view: {
                factories.make_duplicate_pair(
                    session, evidence=bits, is_likely=likely, is_plain=is_plain(bits)
                ).id
                for bits, likely in some
            }
            for view, some in kinds.items()
        }
    client, api = application.sign_in(shop.app, "Manager"), shop.api("Admin")
    tabs = client.get("/admin/duplicate/").text
    for view, wanted in ids.items():
        assert WORDS[view] in tabs
        found = api.get(f"/api/v1/duplicate/?view={view}").json["result"]
        assert {row["id"] for row in found} == wanted


def test_a_view_tells_nobody_what_is_masked_for_them(shop: Shop) -> None:
    with shop.arrange() as session:
        for bits in (PLAIN, EMAIL):
            factories.make_duplicate_pair(session, evidence=bits, is_likely=False, is_plain=is_plain(bits))
    client = application.sign_in(shop.app, "Read-only")
    tabs = client.get("/admin/duplicate/").text
    assert "May be the same" in tabs
    assert not [words for words in ("Same surname and postcode", "Same email only") if words in tabs]
    assert client.get("/admin/duplicate/?view=weaker").text.count("<tr data-id=") == 2
    for asked in ("view=plain", "view=email", "view=all&is_plain__eq=1"):
        assert client.get(f"/admin/duplicate/?{asked}").status_code == 400


def test_no_program_reads_the_bits(shop: Shop) -> None:
    with shop.arrange() as session:
        pair = factories.make_duplicate_pair(session, evidence=int(SHARED)).id
    answer = shop.api("Admin").get(f"/api/v1/duplicate/{pair}").json
    assert "evidence" not in str(answer["result"])


def test_all_but_names_and_companies_is_of_some_group() -> None:
    grouped = Evidence(0)
    for bits in SENSITIVE.values():
        grouped |= bits
    names = "SURNAME FIRST_NAME SWAPPED CROSSED COMPANY"
    assert [
        k.name
        for k in Evidence
        if not k & grouped and k.name.removesuffix("_NEAR").removesuffix("_DIFFERS") not in names.split()
    ] == []


# -- on a customer's record, and on their row in the list -----------------------------------------------------------


def twice(shop: Shop) -> tuple[int, int, int]:
    """(the one, the other, a third) of whom the one makes a pair with either, the latter decided."""
    with shop.arrange() as session:
        one, other, third = (
            factories.make_customer(session, first_name=name, last_name="Ham")
            for name in ("Otto", "Oto", "Hugo")
        )
        factories.make_duplicate_pair(session, lower_id=one.id, higher_id=other.id)
        factories.make_duplicate_pair(session, lower_id=one.id, higher_id=third.id, is_open=False)
        return one.id, other.id, third.id


BADGE = "Possible duplicate"


def test_a_record_has_a_tab_with_its_pairs_from_either_side(shop: Shop) -> None:
    one, other, third = twice(shop)
    client = application.sign_in(shop.app, "Manager")
    for customer, pairs in ((one, 2), (other, 1), (third, 1)):
        page = client.get(f"/admin/customer/details/?id={customer}&tab=duplicate")
        assert page.status_code == 200
        assert f"customer__eq={customer}" in page.text
        tab = client.get(f"/admin/duplicate/?embed=1&customer__eq={customer}").text
        assert tab.count("<tr data-id=") == pairs
    both = client.get(f"/admin/duplicate/?embed=1&customer__eq={one}").text
    assert all(words in both for words in ("Not the same", "Same household", f"Merge into #{one}"))
    assert both.count(f"Merge into #{one}") == 1, "what is decided is not offered for it"


def test_a_row_of_somebody_undecided_leads_to_that_tab(shop: Shop) -> None:
    one, other, third = twice(shop)
    page = application.sign_in(shop.app, "Manager").get("/admin/customer/?view=all").text
    assert page.count(BADGE) == 2
    for customer in (one, other):
        assert f'href="/admin/customer/details/?id={customer}&amp;tab=duplicate"' in page
    assert f"id={third}&amp;tab=duplicate" not in page


def test_who_may_not_list_duplicates_sees_neither(shop: Shop) -> None:
    one, *_others = twice(shop)
    grants(shop, "Manager", ("can_list", "duplicate"))
    client = shop.client("Manager")
    assert BADGE not in client.get("/admin/customer/?view=all").text
    assert client.get(f"/admin/customer/details/?id={one}&tab=duplicate").status_code == 400


def test_who_does_not_see_the_other_sees_no_badge(shop: Shop) -> None:
    one, _other, _third = twice(shop)
    limit(shop)
    with shop.arrange() as session:
        ours = session.scalars(sa.select(SalesChannel.id).where(SalesChannel.code == "OURS")).one()
        session.execute(sa.update(Customer).where(Customer.id == one).values(sales_channel_id=ours))
    client = shop.client("Manager")
    page = client.get("/admin/customer/?view=all").text
    assert "Otto" in page
    assert BADGE not in page
    assert "<tr data-id=" not in client.get(f"/admin/duplicate/?embed=1&customer__eq={one}").text


def test_the_badges_of_a_page_take_one_statement(shop: Shop) -> None:
    twice(shop)
    client = application.sign_in(shop.app, "Manager")
    client.get("/admin/customer/?view=all")
    with recorded_statements() as seen:
        client.get("/admin/customer/?view=all")
    assert sum("FROM duplicate_pair" in text and "higher_id IN" in text for text in seen) == 1
