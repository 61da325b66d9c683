"""What people read of a pair of duplicates, and what those do not who see less of a customer (rule 19)."""

import pytest

from models.evidence import SENSITIVE, Evidence, is_plain
from tests import application, factories
from tests.admin.conftest import Shop

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
