"""What a tab says over its list and in its last columns: balances, what expires, the articles of an order."""

import datetime as dt

import pytest
import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role

from actions.ledgers.loyalty import expiring
from admin.screen_spec.registry import Registry
from admin.screens.customers import CustomerScreen
from admin.screens.lookups import CustomerClassScreen
from admin.screens.notes import NoteScreen
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of, rows_of
from tests.admin.screens.test_ledgers import act, newest


@pytest.fixture
def owner(shop: Shop) -> int:
    """A customer with a card, who may buy on account."""
    return int(
        shop.make(factories.make_customer, loyalty_code="9826", pay_on_account=True, credit_limit=100_000).id
    )


def tab(shop: Shop, resource: str, owner: int, role: str = "Admin", **query: object) -> str:
    """The text of a tab on the customer's record."""
    answer = shop.client(role).get(
        f"/admin/{resource}/", query_string={"embed": 1, "customer__eq": owner, **query}
    )
    assert answer.status_code == 200
    text = page_of(answer).text
    assert "<span" not in text, "a value printed as the markup it is made of"
    return text


def exported(shop: Shop, resource: str, column: str) -> list[str]:
    """A column of the exported list, newest first."""
    text = shop.client().get(f"/admin/{resource}/export/csv/").get_data(as_text=True).lstrip("\ufeff")
    titles, *lines = [line.split(",") for line in text.splitlines()]
    return [line[titles.index(column)] for line in lines]


def test_points_show_what_is_there_what_expires_and_what_is_left_of_each_entry(
    shop: Shop, owner: int
) -> None:
    for points, days in (("120", "10"), ("500", "60"), ("-50", "")):
        given = act(
            shop, "loyalty_entry.adjust", customer=str(owner), points=points, comment="Why", expires_after_days=days
        )  # fmt: skip
        assert given.status_code == 302
    text = tab(shop, "loyalty_entry", owner)
    assert "Points available 570 Expiring in 30 days 70 Loyalty card 9826 Change card" in text
    assert exported(shop, "loyalty_entry", "Unspent") == ["", "500", "70"]
    assert exported(shop, "loyalty_entry", "Balance") == ["570", "620", "120"]
    assert "Expiring in 30 days" not in page_of(shop.client().get("/admin/loyalty_entry/")).text


def test_expiring_points_are_those_of_the_next_thirty_days(shop: Shop) -> None:
    now = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    with shop.arrange() as session:
        customer = factories.make_customer(session)
        for points, days in ((1, -1), (2, 0), (4, 1), (8, 30), (16, 31), (32, None)):
            at = None if days is None else now + dt.timedelta(days=days)
            entry = factories.make_loyalty_entry(
                session, customer_id=customer.id, points=points, expires_at=at
            )
            factories.make_loyalty_lot(session, entry=entry, points=points, unspent=points, expires_at=at)
        assert expiring(session, customer.id, now, now + dt.timedelta(days=30)) == 4 + 8


def test_an_account_says_in_words_who_owes_and_after_each_entry(shop: Shop, owner: int) -> None:
    assert act(shop, "invoice.raise", customer=str(owner), amount="120", description="x").status_code == 302
    for amount in ("20", "150"):
        paid = act(shop, "account_entry.pay", customer=str(owner), amount=amount, method="cash", comment="")
        assert paid.status_code == 302
    text = tab(shop, "account_entry", owner)
    assert "Balance in credit £50.00 Credit account Enabled Credit limit £1,000.00" in text
    assert "£1,000.00 £1,050.00 available Payment terms" in text
    figures, words = (exported(shop, "account_entry", name) for name in ("Balance", "Balance in words"))
    assert sorted(zip(figures, words, strict=True)) == [
        ("-50.00", "in credit"), ("100.00", "owes"), ("120.00", "owes"),
    ]  # fmt: skip


def test_credit_shows_what_is_left(shop: Shop, owner: int) -> None:
    for amount in ("25", "-10"):
        done = act(shop, "credit_entry.adjust", customer=str(owner), amount=amount, comment="Card")
        assert done.status_code == 302
    assert "Balance £15.00" in tab(shop, "credit_entry", owner)
    assert exported(shop, "credit_entry", "Balance") == ["15.00", "25.00"]


def test_balances_of_several_customers_do_not_mix(shop: Shop) -> None:
    people = [shop.make(factories.make_customer).id for _n in range(2)]
    for owner, points in ((people[0], "10"), (people[1], "7"), (people[0], "5"), (people[1], "-2")):
        done = act(
            shop, "loyalty_entry.adjust", customer=str(owner), points=points, comment="Why", expires_after_days=""
        )  # fmt: skip
        assert done.status_code == 302
    assert exported(shop, "loyalty_entry", "Balance") == ["5", "15", "7", "10"]


def test_figures_over_a_tab_need_the_right_to_see_the_record(shop: Shop, owner: int) -> None:
    assert "Loyalty card 9826" in tab(shop, "loyalty_entry", owner, role="Read-only")
    with shop.arrange() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "Read-only")).one()
        role.permissions = [p for p in role.permissions if p.view_menu.name != "customer"]
    assert "9826" not in tab(shop, "loyalty_entry", owner, role="Read-only")


def test_figures_do_not_fail_on_a_record_that_is_gone(shop: Shop) -> None:
    assert "Loyalty card" not in tab(shop, "loyalty_entry", 999_999)


def test_an_order_shows_its_articles_and_parcels(shop: Shop) -> None:
    with shop.arrange() as session:
        order = factories.make_order(session, currency="EUR")
        line = factories.make_order_line(session, order=order, name="Barolo", quantity=3, unit_price=2_050)
        factories.make_order_line(session)
        parcel = factories.make_shipment(session, order=order, tracking_number="JD 0002")
        order_id, line_id, parcel_id = order.id, line.id, parcel.id
    client = shop.client("Support")
    page = page_of(client.get(f"/admin/sales_order/details/?id={order_id}"))
    assert "Order lines 1" in page.text
    assert "Shipments 1" in page.text
    lines = client.get(f"/admin/order_line/?embed=1&order__eq={order_id}")
    assert rows_of(lines) == [line_id]
    assert "Barolo 3 €20.50" in page_of(lines).text
    assert rows_of(client.get(f"/admin/shipment/?embed=1&order__eq={order_id}")) == [parcel_id]
    assert rows_of(client.get("/admin/shipment/?q=jd0002")) == [parcel_id]


def test_lines_and_parcels_are_never_written_here(shop: Shop) -> None:
    line = shop.make(factories.make_order_line)
    client = shop.client()
    for resource in ("order_line", "shipment"):
        assert client.get(f"/admin/{resource}/new/").status_code == 403
        assert client.get(f"/admin/{resource}/edit/?id={line.id}").status_code == 403


def test_the_balance_cached_on_the_customer_is_the_newest_running_balance(shop: Shop, owner: int) -> None:
    for points in ("30", "12", "-7"):
        act(
            shop, "loyalty_entry.adjust", customer=str(owner), points=points, comment="Why", expires_after_days=""
        )  # fmt: skip
    assert newest(shop, LoyaltyEntry).points == -7
    assert exported(shop, "loyalty_entry", "Balance")[0] == str(shop.get(Customer, owner).points)


def test_what_belongs_to_customers_is_a_tab_on_them_unless_its_screen_says_otherwise() -> None:
    class JottingScreen(NoteScreen):
        called = "jotting"

    class HiddenScreen(NoteScreen):
        called = "hidden"
        tab_on_customer = False

    screens = Registry()
    for screen in (CustomerScreen, NoteScreen, JottingScreen, HiddenScreen, CustomerClassScreen):
        screens.add(screen())
    screens.complete()
    declared = [tab.resource for tab in CustomerScreen.tabs]
    assert [tab.resource for tab in screens.screens["customer"].tabs] == [*declared, "jotting"]
