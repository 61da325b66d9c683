"""Shop settings: defaults, checks, and one frozen object for all of them."""

import dataclasses

import pytest
from sqlalchemy.orm import Session

from models.base import Invalid
from models.shop import SETTINGS, WEIGHT_SETTINGS, Shop, ShopSetting, load_shop
from tests.factories import NOW, make_shop_setting, table_of


def test_without_rows_the_defaults_hold(session: Session):
    assert load_shop(session) == Shop()
    assert (Shop().time_zone, Shop().currency, Shop().country, Shop().points_expire_after_days) == (
        "Europe/London",
        "GBP",
        "GB",
        365,
    )
    assert Shop().zone.key == "Europe/London"


def test_there_is_one_setting_a_field_and_its_default_passes_its_check():
    fields = {field.name for field in dataclasses.fields(Shop)}
    assert set(SETTINGS) == fields - {"duplicate_weights"} | set(WEIGHT_SETTINGS)
    for setting in SETTINGS.values():
        assert setting.check("value", setting.default) == setting.default
        assert setting.label
        assert setting.help.endswith(".")


def test_rows_override_and_null_is_a_value(session: Session):
    make_shop_setting(session, code="points_expire_after_days", value=None)
    make_shop_setting(session, code="name", value="Vine and Barrel")
    make_shop_setting(session, code="external_accounting", value=True)
    make_shop_setting(session, code="retired_long_ago", value=[1])
    session.expire_all()
    shop = load_shop(session)
    assert (shop.points_expire_after_days, shop.name, shop.external_accounting) == (
        None,
        "Vine and Barrel",
        True,
    )


@pytest.mark.parametrize(
    ("code", "bad"),
    [
        ("points_expire_after_days", [0, 3651, "365", 1.5, True, [365]]),
        ("name", ["", " ", None, "a\nb", 5, "x" * 121]),
        ("email", ["nobody", 5, ["a@example.com"]]),
        ("time_zone", ["Mars/Olympus", None, "../etc/passwd", 5]),
        ("currency", ["DEM", None, 5, ["GBP"]]),
        ("country", ["ZZ", None, 5]),
        ("locale", ["xx_YY", None, 5, ""]),
        ("default_sales_channel", ["", None, "a b", 5]),
        ("external_accounting", ["yes", None, 1]),
    ],
)
def test_bad_values_are_refused(session: Session, code: str, bad: list[object]):
    for value in bad:
        problems = ShopSetting(code=code, value=value).problems({"value"})
        assert set(problems) == {"value"}, value
    session.connection().execute(
        table_of(ShopSetting).insert().values(code=code, value=bad[0], created_at=NOW, updated_at=NOW)
    )
    with pytest.raises(Invalid):
        load_shop(session)


def test_an_unknown_setting_is_refused():
    assert set(ShopSetting(code="colour", value="red").problems({"code"})) == {"code"}
