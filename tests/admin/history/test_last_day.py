"""The last good day of points, gift cards and keys is one day, whoever is told it by whatever channel (rule 1.15)."""

import csv
import datetime as dt
import io
from zoneinfo import ZoneInfo

import pytest

from actions.ledgers import loyalty
from actions.ledgers.expiry_notices import _said
from models import figures
from models.customer import Customer
from models.days import A_MOMENT
from models.loyalty import LoyaltyEntry, LoyaltyLot
from models.shop import Shop as Settings
from models.shop import ShopSetting
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of

PLACES = [
    ("UTC", "2026-09-14"), ("Europe/London", "2026-10-24"), ("America/Havana", "2026-03-07"), ("America/Havana", "2026-10-31"),
    ("Asia/Beirut", "2026-03-28"), ("Africa/Cairo", "2026-04-23"), ("America/Santiago", "2026-09-05"), ("Pacific/Kiritimati", "2026-12-31"),
    ("America/St_Johns", "2026-02-28"),
]  # fmt: skip
"""Zones, and a last day in each: several before a night in which the clock leaves midnight out, or shows it twice."""


def settle(shop: Shop, zone: str) -> None:
    """Have the shop in a zone."""
    with shop.arrange() as session:
        session.query(ShopSetting).delete()
        factories.make_shop_setting(session, code="time_zone", value=zone)


def points_until(shop: Shop, zone: str, day: dt.date) -> tuple[int, int]:
    """Points given ten days before their last one, as the product reckons it; their customer and entry."""
    given = dt.datetime.combine(day - dt.timedelta(days=10), dt.time(12), ZoneInfo(zone))
    end = loyalty.expiry_instant(given, 10, ZoneInfo(zone))
    with shop.arrange() as session:
        entry = factories.make_loyalty_entry(session, created_at=given, expires_at=end)
        factories.make_loyalty_lot(session, entry=entry, expires_at=end)
        return entry.customer_id, entry.id


def listed(shop: Shop, resource: str, field: str, **query: str) -> list[str]:
    """A column of a list as a file has it."""
    answer = shop.client().get(f"/admin/{resource}/export/csv/", query_string=query)
    rows = csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")))
    return [row[field] for row in rows]


@pytest.mark.parametrize(("zone", "last"), PLACES)
def test_every_channel_names_the_same_last_day_of_points(shop: Shop, zone: str, last: str) -> None:
    day = dt.date.fromisoformat(last)
    settle(shop, zone)
    customer, entry = points_until(shop, zone, day)
    words = figures.day(day, "en_GB")
    page = (
        shop.client()
        .get("/admin/loyalty_entry/", query_string={"customer__eq": customer})
        .get_data(as_text=True)
    )
    assert words in page, "the list"
    assert words in page_of(shop.client().get(f"/admin/loyalty_entry/details/?id={entry}")).text
    assert words in page_of(shop.client().get(f"/admin/loyalty_entry/lots/?id={entry}")).text
    assert shop.api().get(f"/api/v1/loyalty_entry/{entry}").json["result"]["expires_at"] == last
    mine = {"customer__eq": str(customer)}
    assert listed(shop, "loyalty_entry", "Valid until", **mine) == [last]
    for operator, others in (("ge", (-1, 0)), ("le", (0, 1))):
        for away in (-1, 0, 1):
            asked = {f"expires_at__{operator}": str(day + dt.timedelta(days=away))}
            assert (listed(shop, "loyalty_entry", "Valid until", **mine, **asked) != []) is (
                away in others
            ), asked
    with shop.look() as session:
        lot = session.query(LoyaltyLot).filter_by(entry_id=entry).one()
        settings = Settings(time_zone=zone)
        assert f"{day.day} {day:%B %Y}" in _said([lot], "en", settings)["until"], "the mail"
        assert lot.expires_at is not None
        end = lot.expires_at
        assert loyalty.available(session, customer, end - A_MOMENT) == 100
        assert loyalty.available(session, customer, end) == 0
        assert (end - A_MOMENT).astimezone(ZoneInfo(zone)).date() == day
        assert session.get_one(Customer, customer).id == session.get_one(LoyaltyEntry, entry).customer_id


def test_cards_and_keys_keep_the_day_itself_and_say_it_by_every_channel(shop: Shop) -> None:
    day = dt.date(2030, 3, 7)
    for zone in ("America/Havana", "Pacific/Kiritimati"):
        settle(shop, zone)
        card = shop.make(factories.make_gift_card, expires_on=day).id
        key = shop.make(factories.make_api_key, expires_on=day).id
        for resource, row in (("gift_card", card), ("api_key", key)):
            assert (
                figures.day(day, "en_GB")
                in page_of(shop.client().get(f"/admin/{resource}/details/?id={row}")).text
            )
            assert set(listed(shop, resource, "Valid until")) == {"2030-03-07"}
            assert listed(shop, resource, "Valid until", expires_on__le="2030-03-06") == []
            assert listed(shop, resource, "Valid until", expires_on__ge="2030-03-08") == []
            assert listed(shop, resource, "Valid until", expires_on__eq="2030-03-07")
        assert shop.api().get(f"/api/v1/gift_card/{card}").json["result"]["expires_on"] == "2030-03-07"
