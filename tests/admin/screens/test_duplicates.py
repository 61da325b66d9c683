"""What people read of a pair of duplicates, and what those do not who see less of a customer (rule 19)."""

import pytest

from models.evidence import SENSITIVE, Evidence
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
