"""The Loyalty tab: what can be spent, the card and its scan, free tastings, and the lots behind every balance (features 66 to 76)."""

import csv
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role

from models.customer import Customer
from models.loyalty import LoyaltyEntry
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.editing.test_record_tabs import tab
from tests.admin.pages import links_of, page_of
from tests.admin.screens.test_ledgers import act

HTMX = {"HX-Request": "true"}


@pytest.fixture
def owner(shop: Shop) -> int:
    """A customer whose class gives three tastings."""
    with shop.arrange() as session:
        tastes = factories.make_customer_class(session, name="Friends", free_tastings=3)
        return int(factories.make_customer(session, loyalty_code="9826-7", customer_class=tastes).id)


def lose(shop: Shop, role: str, *pairs: tuple[str, str]) -> None:
    """Take permissions from a role."""
    with shop.arrange() as session:
        row = session.scalars(sa.select(Role).where(Role.name == role)).one()
        gone = {(f"can_{verb}", resource) for verb, resource in pairs}
        row.permissions = [p for p in row.permissions if (p.permission.name, p.view_menu.name) not in gone]


def adjust(shop: Shop, owner: int, points: str, **values: str) -> int:
    """Move points by hand; return the entry."""
    given = {"comment": "Why", "expires_after_days": "", **values}
    done = act(shop, "loyalty_entry.adjust", customer=str(owner), points=points, **given)
    assert done.status_code == 302
    with shop.look() as session:
        return int(session.scalar(sa.select(sa.func.max(LoyaltyEntry.id))))


def test_what_is_past_its_date_is_nowhere_shown_as_there(shop: Shop, owner: int) -> None:
    now = shop.app.extensions["clientele"].clock()
    with shop.arrange() as session:
        for points, days in ((70, -1), (30, 5)):
            at = now + dt.timedelta(days=days)
            entry = factories.make_loyalty_entry(session, customer_id=owner, points=points, expires_at=at)
            factories.make_loyalty_lot(session, entry=entry, points=points, expires_at=at)
        session.get_one(Customer, owner).points = 100
        factories.make_customer(session, last_name="Rich", points=90)
    text = tab(shop, "loyalty_entry", owner)
    assert "Points available 30 70 more have expired Expiring in 30 days 30" in text
    assert "Loyalty 30" in page_of(shop.client().get(f"/admin/customer/details/?id={owner}")).text
    assert shop.api().get(f"/api/v1/customer/{owner}").json["result"]["points"] == 30
    listed = {row["id"]: row["points"] for row in shop.api().get("/api/v1/customer/").json["result"]}
    assert listed[owner] == 30
    for query, found in (("points__ge=31", False), ("points__ge=30", True), ("points__eq=100", False)):
        rows = shop.api().get(f"/api/v1/customer/?{query}").json["result"]
        assert (owner in {row["id"] for row in rows}) == found, query
    best = shop.api().get("/api/v1/customer/?sort=-points").json["result"]
    assert [row["points"] for row in best][:2] == [90, 30]
    rows = csv.DictReader(shop.client().get("/admin/customer/export/csv/").text.splitlines())
    assert {"30", "90"} <= {row["Points"] for row in rows}
    other = shop.make(factories.make_customer).id
    seen = (
        shop.api()
        .send(
            "POST",
            f"/api/v1/customer/{owner}/actions/merge?preview=1",
            {"others": [other], "reason": "The same"},
        )
        .json["sheet"]
    )
    assert seen["lines"][0]["figures"] == [30, 0, 30]


def test_free_tastings_are_used_and_counted_on_the_tab(shop: Shop, owner: int) -> None:
    year = shop.app.extensions["clientele"].clock().year
    assert f"Free tastings left in {year} 3 Use one 0 of 3 used" in tab(shop, "loyalty_entry", owner)
    assert act(shop, "tasting_entry.use", "Support", customer=str(owner), order_ref="").status_code == 302
    assert "2 Use one 1 of 3 used" in tab(shop, "loyalty_entry", owner)
    assert f"left in {year} 2" in tab(shop, "tasting_entry", owner)
    assert "Use one" not in tab(shop, "loyalty_entry", owner, role="Read-only")
    nobody = shop.make(factories.make_customer).id
    assert "No class" in tab(shop, "loyalty_entry", nobody)
    assert act(shop, "tasting_entry.use", customer=str(nobody)).status_code == 409
    lose(shop, "Read-only", ("list", "tasting_entry"))
    assert "Free tastings" not in tab(shop, "loyalty_entry", owner, role="Read-only")


def test_the_card_is_changed_from_the_tab_by_who_may(shop: Shop, owner: int) -> None:
    other = shop.make(factories.make_customer, first_name="Zoë", last_name="Quill", loyalty_code="TAKEN").id
    taken = act(shop, "customer.set_loyalty_card", "Support", row=owner, loyalty_code="taken")
    assert taken.status_code == 422
    assert f"Zoë Quill (number {other}) already has this card" in page_of(taken).error("loyalty_code")
    done = act(shop, "customer.set_loyalty_card", "Support", row=owner, loyalty_code=" new-1\r\n")
    assert done.status_code == 302
    assert shop.get(Customer, owner).loyalty_code == "NEW-1"
    sent = shop.api().send(
        "POST", f"/api/v1/customer/{owner}/actions/set_loyalty_card", {"loyalty_code": "x 1"}
    )
    assert sent.status_code == 422
    assert "Change card" not in tab(shop, "loyalty_entry", owner, role="Read-only")
    assert act(shop, "customer.set_loyalty_card", "Read-only", row=owner).status_code == 403


def scanned(shop: Shop, text: str, role: str = "Admin", **headers: str) -> Any:
    """The answer to a scan into the search box, which a scanner ends with Enter."""
    return shop.client(role).get("/admin/search/", query_string={"q": text}, headers=headers)


def test_a_scan_into_the_search_box_opens_the_customer(shop: Shop, owner: int) -> None:
    for text in ("9826-7", " 9826-7\n"):
        assert scanned(shop, text).location == f"/admin/customer/details/?id={owner}"
    for text in ("9826", "9826-78", "<9826-7>"):
        assert scanned(shop, text).status_code == 200, "a part of a number finds, and opens nothing"
    assert scanned(shop, "9826-7", **HTMX).status_code == 200, "typing only shows what there is"
    lose(shop, "Read-only", ("show", "customer"))
    assert scanned(shop, "9826-7", "Read-only").status_code == 200


def test_an_old_card_leads_to_the_survivor_unless_somebody_has_it_now(shop: Shop, owner: int) -> None:
    with shop.arrange() as session:
        factories.make_customer(session, loyalty_code="OLD-1", merged_into_id=owner)
        others = [factories.make_customer(session) for _n in range(2)]
        for other in others:
            factories.make_customer(session, loyalty_code="OLD-2", merged_into_id=other.id)
        factories.make_customer(session, loyalty_code="OLD-3", anonymised_at=factories.NOW)
    assert scanned(shop, "old-1").location == f"/admin/customer/details/?id={owner}"
    assert scanned(shop, "OLD-2").status_code == 200, "it could mean two"
    assert scanned(shop, "OLD-3").status_code == 200, "nobody has it"
    now = shop.make(factories.make_customer, loyalty_code="OLD-1").id
    assert scanned(shop, "OLD-1").location == f"/admin/customer/details/?id={now}"


def test_a_card_out_of_scope_opens_nothing(world: Any) -> None:
    with world.shop.arrange() as session:
        for kind in ("own", "foreign"):
            session.get_one(Customer, world.customers[kind]).loyalty_code = f"SCAN-{kind.upper()}"
    assert scanned(world.shop, "scan-own").status_code == 302
    world.shop.client().get("/admin/")  # takes what earlier changes of this window still had to say
    foreign, missing = scanned(world.shop, "scan-foreign"), scanned(world.shop, "scan-missing")
    assert (foreign.status_code, missing.status_code) == (200, 200)
    assert page_of(foreign).text.replace("scan-foreign", "") == page_of(missing).text.replace(
        "scan-missing", ""
    )


def lots(shop: Shop, entry: int, role: str = "Admin", **query: Any) -> Any:
    """The page of the lots behind a balance."""
    return shop.client(role).get("/admin/loyalty_entry/lots/", query_string={"id": entry, **query})


def test_a_balance_leads_to_the_lots_it_is_made_of(shop: Shop, owner: int) -> None:
    first, _second = adjust(shop, owner, "120"), adjust(shop, owner, "500", expires_after_days="30")
    spent = adjust(shop, owner, "-200", order_ref="SO-9")
    urls = links_of(shop.client().get(f"/admin/loyalty_entry/?embed=1&customer__eq={owner}"))
    assert f"/admin/loyalty_entry/lots/?id={spent}" in urls
    now = page_of(lots(shop, spent)).text
    assert "Where 420 points come from" in now
    assert "120 + 300 = 420" in now
    assert "Available now 420" in now
    assert "1 entry used or restored points −200 Redeemed" in now
    assert "SO-9 · Why · Admin Tester" in now
    then = page_of(lots(shop, first)).text
    assert "Where 120 points come from" in then
    assert "After the entry of" in then
    assert "One lot has points left." in then
    adjust(shop, owner, "-120")
    adjust(shop, owner, "-300")
    with shop.look() as session:
        last = session.scalar(sa.select(sa.func.max(LoyaltyEntry.id)))
    assert "No lots have points left." in page_of(lots(shop, last)).text
    everything = page_of(lots(shop, last, all=1)).text
    assert everything.count("Goodwill,") == 2
    assert page_of(lots(shop, spent)).text.count("120 + 300 = 420") == 1, "then is then"


def test_many_lots_are_paged(shop: Shop, owner: int) -> None:
    with shop.arrange() as session:
        for n in range(60):
            at = factories.NOW + dt.timedelta(minutes=n)
            entry = factories.make_loyalty_entry(session, customer_id=owner, points=n + 1, created_at=at)
            factories.make_loyalty_lot(session, entry=entry, points=n + 1)
        session.get_one(Customer, owner).points = 1_830
        last = entry.id
    page = lots(shop, last)
    assert "60 lots have points left: 1,830 in all." in page_of(page).text
    seen = page_of(page).text.count("Earned,")
    while further := [u for u in links_of(page) if "after=" in u]:
        page = shop.client().get(further[0])
        seen += page_of(page).text.count("Earned,")
    assert seen == 60
    [back] = [u for u in links_of(page) if "before=" in u]
    assert page_of(shop.client().get(back)).text.count("Earned,") == 25


def test_the_lots_are_for_who_may_list_the_entries(shop: Shop, owner: int, world: Any) -> None:
    entry = adjust(shop, owner, "10")
    assert lots(shop, entry, "Read-only").status_code == 200
    for bad in ({"all": "2"}, {"sort": "id"}, {"after": "x"}, {"q": "x"}):
        assert lots(shop, entry, **bad).status_code == 400, bad
    assert lots(shop, 999_999_999).status_code == 404
    lose(shop, "Read-only", ("list", "loyalty_entry"))
    assert lots(shop, entry, "Read-only").status_code == 403
    assert lots(world.shop, world.id("loyalty_entry", "own")).status_code == 200
    assert lots(world.shop, world.id("loyalty_entry", "foreign")).status_code == 404


def test_the_latest_orders_of_the_customer_are_offered_to_who_may_list_them(shop: Shop, owner: int) -> None:
    with shop.arrange() as session:
        for n in range(15):
            placed = factories.NOW + dt.timedelta(days=n)
            factories.make_order(session, customer_id=owner, number=f"OFF-{n:02}", placed_at=placed)
        factories.make_order(session, number="OFF-ELSE")
    for path in ("/admin/loyalty_entry/act/adjust/", "/admin/tasting_entry/act/use/"):
        empty = shop.client().get(path).get_data(as_text=True)
        assert "<datalist" in empty
        assert "OFF-" not in empty
        offered = shop.client().get(f"{path}?customer={owner}", headers=HTMX).get_data(as_text=True)
        assert [n for n in range(15) if f"OFF-{n:02}" in offered] == list(range(3, 15))
        assert "OFF-ELSE" not in offered
    lose(shop, "Support", ("list", "sales_order"))
    none = (
        shop.client("Support")
        .get(f"/admin/loyalty_entry/act/adjust/?customer={owner}")
        .get_data(as_text=True)
    )
    assert "<datalist" not in none
    assert (
        "hx-get"
        not in none.partition('name="order_ref"')[2].partition("</form>")[0].partition("data-preview")[0]
    )
