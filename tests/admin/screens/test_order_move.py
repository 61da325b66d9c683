"""Moving an order as a person meets it: picking the customer, reading what goes along, and finding it in Activity."""

import pytest

from models.order import Order
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.row_actions.test_acting import HTMX
from tests.admin.screens.test_ledgers import act, sound

pytestmark = pytest.mark.either_database
WHY = "Ordered by her sister"


def two_sisters(shop: Shop) -> tuple[int, int, int, str]:
    """An order of one that is the other's, with points and an invoice; return both, its id and its number."""
    one, two = (
        shop.make(
            factories.make_customer, first_name=name, last_name="Keane", pay_on_account=True, currency="GBP"
        ).id
        for name in ("Orla", "Aoife")
    )
    order = shop.make(factories.make_order, customer_id=one)
    shop.make(factories.make_order_line, order_id=order.id)
    of_it = {"customer": str(one), "order_ref": order.number}
    assert act(shop, "loyalty_entry.earn", **of_it, points="120", expires_after_days="30").status_code == 302
    assert act(shop, "invoice.record", **of_it, amount="80").status_code == 302
    return one, two, order.id, order.number


def test_it_is_picked_read_confirmed_found_and_taken_back(shop: Shop) -> None:
    one, two, order, number = two_sisters(shop)
    url = f"/admin/sales_order/act/move/?id={order}"
    page = page_of(shop.client("Manager").get(url, headers=HTMX))
    offered = {g["value"] for t, g in page.tags if t == "option" and g.get("value")}
    assert (str(one) in offered, str(two) in offered) == (False, True), "whose it is already is not offered"
    asked = f"/admin/sales_order/ajax/lookup/?name=customer&query=keane&without={one}"
    assert [row[0] for row in shop.client("Manager").get(asked).json] == [two]
    form = page.form("/act/move/")
    data = form.filled(customer=str(two), reason=WHY)
    seen = page_of(shop.client("Manager").post(f"{url}&preview=1", data=data, headers=HTMX))
    for text in (
        "Customer: Orla Keane → Aoife Keane",
        "items 1, shipments 0",
        "Earned · Aoife Keane Points: 0 → 120 (+120)",
        "Reversal · Orla Keane Points: 120 → 0 (−120)",
        "Invoice · Aoife Keane Account: nothing owed → owes £80.00 (invoiced £80.00)",
        "Points before 120 0 Points after 0 120",
        "Orders before 1 0 Orders after 0 1",
    ):
        assert text in seen.text, text
    assert "Result" not in seen.text
    done = shop.client("Manager").post(url, data=data, headers=HTMX)
    assert done.status_code == 204
    assert shop.get(Order, order).customer_id == two
    for customer in (one, two):
        text = page_of(shop.client().get(f"/admin/customer/details/?id={customer}")).text
        assert "Move to another customer" in text
        assert WHY in text
    assert "Points · Aoife Keane: 0 → 120 (+120)" in text
    assert number in shop.client().get(f"/admin/sales_order/?view=all&customer__eq={two}").text
    sound(shop)
    undo = done.headers["HX-Trigger"].split('"undo": "')[1].split('"')[0]
    client = shop.client("Manager")
    back = client.post(undo, headers={**HTMX, "X-CSRFToken": client.csrf_token()})
    assert back.status_code == 204, page_of(back).text
    assert shop.get(Order, order).customer_id == one
    sound(shop)


def test_what_stands_in_the_way_leads_to_it(shop: Shop) -> None:
    one, two, order, _number = two_sisters(shop)
    assert (
        act(shop, "loyalty_entry.adjust", customer=str(one), points="-20", comment="Gone").status_code == 302
    )
    url = f"/admin/sales_order/act/move/?id={order}"
    form = page_of(shop.client().get(url, headers=HTMX)).form("/act/move/")
    data = form.filled(customer=str(two), reason=WHY)
    seen = shop.client().post(f"{url}&preview=1", data=data, headers=HTMX)
    assert "Orla Keane has spent 20 of the 120 points" in page_of(seen).text
    assert "/admin/loyalty_entry/details/?id=" in seen.get_data(as_text=True)
    assert shop.client().post(url, data=data, headers=HTMX).status_code == 409
    assert shop.get(Order, order).customer_id == one


def test_programs_and_commands_move_it_and_only_who_may(shop: Shop) -> None:
    one, two, order, _number = two_sisters(shop)
    path, body = f"/api/v1/sales_order/{order}/actions/move", {"customer": two, "reason": WHY}
    for role in ("Support", "Back office", "Finance"):
        assert shop.api(role).send("POST", path, body).status_code == 403
    seen = shop.api("Manager").send("POST", f"{path}?preview=1", body).json
    assert seen["possible"]
    assert {line["label"]: line["figures"] for line in seen["sheet"]["lines"]}["Points after"] == [0, 120]
    stale = shop.api("Manager").send("POST", path, {**body, "fingerprint": "0" * 64})
    assert stale.status_code == 409
    for wrong in ("x", 0, -1, True, [two], None, 10**30, 999_999):
        assert shop.api("Manager").send("POST", path, {**body, "customer": wrong}).status_code == 422, wrong
    assert shop.api("Manager").send("POST", path, {**body, "customer": one}).status_code == 409
    assert shop.api("Manager").send("POST", path, body).status_code == 200
    assert shop.get(Order, order).customer_id == two
    given = "--set", f"customer={one}", "--set", f"reason={WHY}"
    told = shop.app.test_cli_runner().invoke(
        args=["act", "sales_order.move", str(order), "--as", "admin", *given]
    )
    assert "was moved to Orla Keane" in told.output
    assert shop.get(Order, order).customer_id == one
    sound(shop)
