"""The settings: one form for them all, and what becomes of two people who save it."""

import re

import pytest
import sqlalchemy as sa

from models import evidence
from models.evidence import Evidence
from models.journal import Changeset
from models.shop import ShopSetting, load_shop
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.forms.test_forms import form_of, sent
from tests.admin.pages import page_of


def test_settings_are_saved_in_one_changeset_and_only_what_changed(shop: Shop) -> None:
    form = form_of(shop, "/admin/shop_setting/")
    assert sent(shop, form).status_code == 302
    with shop.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ShopSetting)) == 0, (
            "defaults are not stored"
        )
    assert (
        sent(
            shop, form, name="Vine & <Barrel>", points_expire_after_days="", external_accounting="y"
        ).status_code
        == 302
    )
    with shop.look() as session:
        stored = load_shop(session)
        assert (stored.name, stored.points_expire_after_days, stored.external_accounting) == (
            "Vine & <Barrel>",
            None,
            True,
        )
        made = sa.select(Changeset.action).where(Changeset.actor_id.is_not(None))
        assert list(session.scalars(made)) == ["shop_setting.save"]
    assert form_of(shop, "/admin/shop_setting/").fields["name"] == "Vine & <Barrel>"


def test_two_admins_who_change_different_settings_both_have_their_way(shop: Shop) -> None:
    mine, theirs = form_of(shop, "/admin/shop_setting/"), form_of(shop, "/admin/shop_setting/")
    assert sent(shop, theirs, name="Theirs").status_code == 302
    assert sent(shop, mine, currency="EUR").status_code == 302
    with shop.look() as session:
        assert (load_shop(session).name, load_shop(session).currency) == ("Theirs", "EUR")


def test_of_two_admins_who_change_the_same_setting_the_second_chooses(shop: Shop) -> None:
    mine, theirs = form_of(shop, "/admin/shop_setting/"), form_of(shop, "/admin/shop_setting/")
    assert sent(shop, theirs, external_accounting="y", name="Theirs", country="DE").status_code == 302
    answer = sent(shop, mine, name="Mine", country="FR", locale="fr_FR", external_accounting="y")
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    for said in ("Admin Tester saved this record", "Theirs", "Mine", "Germany", "France"):
        assert said in page
    assert "Language and region" not in page, "only I changed it"
    with shop.look() as session:
        assert load_shop(session).locale == "en_GB", "nothing is half done"
    choice = page_of(answer).form("/admin/shop_setting/save/")
    assert sent(shop, choice, name="Mine", country="DE").status_code == 302
    with shop.look() as session:
        stored = load_shop(session)
        assert (stored.name, stored.country, stored.locale) == ("Mine", "DE", "fr_FR")
        assert stored.external_accounting


@pytest.mark.either_database
@pytest.mark.parametrize("opened", ["", "[]", "{", "null", "1e999"])
def test_settings_that_do_not_say_what_they_were_opened_with_are_bad_input(shop: Shop, opened: str) -> None:
    answer = sent(shop, form_of(shop, "/admin/shop_setting/"), opened=opened, name="New")
    assert answer.status_code == 400
    with shop.look() as session:
        assert load_shop(session).name == "Clientele"


@pytest.mark.either_database
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("name", ""), ("name", "x" * 121), ("email", "nope"), ("email", "büro@shop.example"), ("time_zone", "Mars/Base"), ("currency", "QQQ"), ("country", "ZZ"), ("locale", "xx"),
        ("default_sales_channel", "NONE"), ("points_expire_after_days", "0"), ("points_expire_after_days", "1e3"), ("points_expire_after_days", "3651"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_under_its_field(shop: Shop, name: str, wrong: str) -> None:
    before = shop.figures()
    answer = sent(shop, form_of(shop, "/admin/shop_setting/"), **{name: wrong})
    assert answer.status_code == 422
    assert page_of(answer).error(name), page_of(answer).errors
    assert shop.figures() == before


def test_stored_settings_open_on_every_page_that_shows_them(shop: Shop) -> None:
    with shop.arrange() as session:
        for code, value in (
            ("points_expire_after_days", 400),
            ("external_accounting", True),
            ("email", None),
            ("name", "Vine"),
        ):
            factories.make_shop_setting(session, code=code, value=value)
        ids = list(session.scalars(sa.select(ShopSetting.id)))
    for row_id in ids:
        for view in ("details", "edit"):
            assert shop.client().get(f"/admin/shop_setting/{view}/?id={row_id}").status_code in (
                200,
                302,
                403,
                404,
            )
        assert shop.api().get(f"/api/v1/shop_setting/{row_id}").status_code == 200
    readers = shop.client("Read-only").get("/admin/shop_setting/")
    assert readers.status_code == 403


def test_points_of_duplicates_stand_in_groups_of_their_own(shop: Shop) -> None:
    page = shop.client().get("/admin/shop_setting/").text
    titles = re.findall(r'<h2 class="form-section-title"[^>]*>([^<]*)</h2>', page)
    assert titles == [
        "Duplicates",
        "Duplicates: points for what two records share",
        "Duplicates: points for what differs",
    ]
    form = form_of(shop, "/admin/shop_setting/")
    assert (form.fields["duplicate_weight_email"], form.fields["duplicate_weight_twins"]) == ("18", "-14")
    answer = sent(shop, form, duplicate_weight_email="51")
    assert answer.status_code == 422
    assert "Enter a whole number from 0 to 50." in answer.get_data(as_text=True)
    assert (
        sent(shop, form, duplicate_weight_email="0", duplicate_weight_twins="\N{MINUS SIGN}3").status_code
        == 302
    )
    with shop.look() as session:
        stored = {row.code: row.value for row in session.scalars(sa.select(ShopSetting))}
        assert stored == {"duplicate_weight_email": 0, "duplicate_weight_twins": -3}


def test_the_form_says_what_other_points_would_make_of_the_pairs(shop: Shop) -> None:
    with shop.arrange() as session:
        for bits, likely in (
            (Evidence.EMAIL | Evidence.SURNAME, True),
            (evidence.PLAIN, False),
            (evidence.PLAIN, False),
        ):
            factories.make_duplicate_pair(session, evidence=int(bits), is_likely=likely)
    form = form_of(shop, "/admin/shop_setting/")
    where = "/admin/shop_setting/effect/"

    def said(**typed: str) -> str:
        return shop.client().post(where, data=form.filled(**typed)).text.strip()

    assert said() == said(name="Another", duplicate_threshold="many") == ""
    assert "3 would be likely the same instead of 1" in said(duplicate_threshold="15")
    assert "as many would be likely the same as now: 1" in said(duplicate_weight_vat_number="3")
    assert shop.client().post(where, data={"name": "x"}).status_code == 400, "it takes the form's own token"
