"""Shop settings, the lists they lean on, and personal preferences."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete

from actions.core.base import Conflict, Invalid, Refused
from actions.setup.settings import save
from actions.staff.preferences import load_preferences, save_preference
from models.attribute import AttributeDefinition, AttributeKind
from models.lookups import CustomerClass, SalesChannel
from models.shop import ShopSetting, load_shop
from tests import factories
from tests.actions.desk import Desk


@pytest.fixture(autouse=True)
def _as_before(desk: Desk) -> Iterator[None]:
    yield
    with desk.engine.begin() as connection:
        connection.execute(delete(ShopSetting))


def test_a_setting_is_stored_as_its_check_returns_it(desk: Desk) -> None:
    row = desk.create(ShopSetting, code="default_sales_channel", value="web")
    assert desk.get(ShopSetting, row).value == "WEB"


@pytest.mark.parametrize(
    ("code", "value", "field"),
    [
        ("points_expire_after_days", 0, "value"),
        ("points_expire_after_days", "365", "value"),
        ("time_zone", "Mars/Olympus", "value"),
        ("external_accounting", "yes", "value"),
        ("default_sales_channel", "NOWHERE", "value"),
        ("no_such_thing", 1, "code"),
    ],
)
def test_a_setting_that_does_not_pass_its_check_is_refused(desk: Desk, code, value, field) -> None:
    with pytest.raises(Invalid) as invalid:
        desk.create(ShopSetting, code=code, value=value)
    assert set(invalid.value.errors) == {field}


def test_several_settings_are_saved_in_one_changeset_and_only_what_differs(desk: Desk) -> None:
    done = desk.do(
        save, values={"name": "Vine and Barrel", "points_expire_after_days": None, "currency": "GBP"}
    )
    assert len(desk.changes(done.changeset_id)) == 2
    with desk.look() as session:
        shop = load_shop(session)
    assert (shop.name, shop.points_expire_after_days, shop.currency) == ("Vine and Barrel", None, "GBP")
    again = desk.do(save, values={"name": "Vine and Barrel", "points_expire_after_days": None})
    assert again.changeset_id is None


def test_all_settings_at_fault_are_named_at_once_and_none_is_saved(desk: Desk) -> None:
    with pytest.raises(Invalid) as invalid:
        desk.do(save, values={"name": "New", "locale": "xx_YY", "country": "??", "nonsense": 1})
    assert set(invalid.value.errors) == {"locale", "country", "nonsense"}
    assert desk.all(ShopSetting) == []


def test_what_the_form_left_alone_is_left_alone_and_what_two_people_changed_is_a_conflict(desk: Desk) -> None:
    opened = {"name": "Clientele", "currency": "GBP", "country": "GB"}
    desk.do(save, values={"name": "Theirs", "country": "IE"})
    desk.do(save, values={**opened, "currency": "EUR", "country": "IE"}, opened=opened)
    with desk.look() as session:
        shop = load_shop(session)
    assert (shop.name, shop.currency, shop.country) == ("Theirs", "EUR", "IE")
    with pytest.raises(Conflict) as conflict:
        desk.do(save, values={**opened, "name": "Mine", "country": "FR"}, opened=opened | {"country": "IE"})
    found = conflict.value
    assert (found.base, found.theirs, found.mine) == (
        {"name": "Clientele"}, {"name": "Theirs"}, {"name": "Mine"},
    )  # fmt: skip
    assert found.by == desk.actor.name
    with desk.look() as session:
        assert load_shop(session).country == "IE"


def test_the_default_sales_channel_stays(desk: Desk) -> None:
    web = next(row.id for row in desk.all(SalesChannel, code="WEB"))
    for values, field in (({"code": "NET"}, "code"), ({"is_active": False}, "is_active")):
        with pytest.raises(Invalid) as invalid:
            desk.edit(SalesChannel, web, **values)
        assert set(invalid.value.errors) == {field}
    with pytest.raises(Refused):
        desk.delete(SalesChannel, web)
    desk.edit(SalesChannel, web, name=f"Web {factories.number()}")


def test_a_list_entry_in_use_is_not_deleted_and_says_by_whom(desk: Desk) -> None:
    used = desk.make(factories.make_customer_class)
    desk.customer(customer_class_id=used)
    with pytest.raises(Refused, match="1 customer ") as refused:
        desk.delete(CustomerClass, used)
    assert refused.value.code == "in_use"
    desk.delete(CustomerClass, desk.make(factories.make_customer_class))


def test_a_custom_attribute_with_values_keeps_its_kind(desk: Desk) -> None:
    used = desk.make(factories.make_attribute_definition)
    desk.edit(AttributeDefinition, used, kind=AttributeKind.NUMBER)
    desk.make(factories.make_attribute_value, definition_id=used, customer_id=desk.customer())
    with pytest.raises(Invalid) as invalid:
        desk.edit(AttributeDefinition, used, kind=AttributeKind.DATE)
    assert set(invalid.value.errors) == {"kind"}


def test_a_preference_is_kept_and_the_last_one_holds(desk: Desk) -> None:
    for value in (["name"], ["name", "email"]):
        save_preference(desk.engine, desk.actor.id, "columns", value)
    save_preference(desk.engine, desk.actor.id, "size", 50)
    save_preference(desk.engine, desk.actor.id, "none", None)
    with desk.look() as session:
        found = load_preferences(session, desk.actor.id)
        assert found == {"columns": ["name", "email"], "size": 50, "none": None}
        assert load_preferences(session, Desk(desk.engine).actor.id) == {}


def test_the_same_preference_saved_by_many_windows_at_once_is_one_row(desk: Desk) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: save_preference(desk.engine, desk.actor.id, "size", n), range(24)))
    with desk.look() as session:
        assert load_preferences(session, desk.actor.id)["size"] in range(24)
