"""What the command palette offers: what the person asking may use, no more and no less than the pages do."""

from zlib import crc32

import pytest

from admin.request.permissions import SHIPPED_ROLES
from admin.screens import SCREENS
from admin.screens.addresses import AddressScreen
from models.note import NoteKind
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.screen.test_gates import Narrow
from tests.databases import recorded_statements

PALETTE = "/admin/palette/"


def offered(shop: Shop, role: str = "Admin", **record: object) -> list[tuple[str, str]]:
    """(address, label) of every line."""
    answer = shop.client(role).get(PALETTE, query_string=record)
    assert answer.status_code == 200
    page = page_of(answer)
    return [
        (given.get("href") or given.get("formaction", ""), given.get("id", ""))
        for _tag, given in page.tags
        if given.get("role") == "option"
    ]


def addresses(shop: Shop, role: str = "Admin", **record: object) -> set[str]:
    return {address for address, _id in offered(shop, role, **record)}


@pytest.mark.parametrize("role", SHIPPED_ROLES)
def test_it_goes_to_exactly_the_screens_of_the_menu(stocked: Shop, role: str) -> None:
    held = SHIPPED_ROLES[role]
    found = addresses(stocked, role)
    for screen in SCREENS:
        resource = screen.named()
        wanted = screen.menu is not None and (held is None or ("can_list", resource) in held)
        assert (f"/admin/{resource}/" in found) == wanted, resource
    assert "/admin/" in found


@pytest.mark.parametrize("role", SHIPPED_ROLES)
def test_every_line_opens(stocked: Shop, role: str) -> None:
    """An Admin opens all, others an eighth of theirs: that a role gets in where it may, docs/access.md is held to."""
    client = stocked.client(role)
    lines = offered(stocked, role)
    assert len({line for _address, line in lines}) == len(lines)
    chosen = [a for a, _line in lines if role == "Admin" or crc32(f"{role} {a}".encode()) % 8 == 0]
    assert {a: s for a in chosen if (s := client.get(a).status_code) != 200} == {}


def test_a_role_that_only_reads_is_offered_nothing_to_do(shop: Shop) -> None:
    row = shop.make(factories.make_customer)
    found = addresses(shop, "Read-only", resource="customer", id=row.id)
    assert f"/admin/customer/details/?id={row.id}" in found
    assert not [a for a in found if "/act/" in a or "/new/" in a or "/edit/" in a or "/delete/" in a]


@pytest.mark.parametrize("role", SHIPPED_ROLES)
def test_the_actions_of_a_record_are_those_of_its_page(shop: Shop, role: str) -> None:
    row = shop.make(factories.make_customer)
    page = page_of(shop.client(role).get(f"/admin/customer/details/?id={row.id}"))
    on_the_page = {a for a in page.links if "/customer/act/" in a or "/customer/edit/" in a}
    found = {a for a in addresses(shop, role, resource="customer", id=row.id) if f"id={row.id}" in a}
    assert {a for a in found if "/act/" in a or "/edit/" in a} == on_the_page


def test_an_action_is_offered_only_while_it_makes_sense(shop: Shop) -> None:
    note = shop.make(factories.make_note, kind=NoteKind.TASK, due_on=factories.TODAY)
    found = addresses(shop, resource="note", id=note.id)
    assert f"/admin/note/act/done/?id={note.id}" in found
    assert f"/admin/note/act/reopen/?id={note.id}" not in found
    assert "/admin/note/delete/" in found


def test_things_are_made_by_the_buttons_of_their_lists(shop: Shop) -> None:
    found = addresses(shop, "Support")
    assert {"/admin/customer/new/", "/admin/note/new/", "/admin/loyalty_entry/act/adjust/"} <= found
    assert "/admin/account_entry/act/pay/" not in found
    assert "/admin/account_entry/act/pay/" in addresses(shop, "Finance")


def test_what_is_made_for_the_record_in_view_starts_with_it(shop: Shop) -> None:
    row = shop.make(factories.make_customer)
    found = addresses(shop, resource="customer", id=row.id)
    for address in ("note/new/", "address/new/", "account_entry/act/pay/", "loyalty_entry/act/adjust/"):
        assert f"/admin/{address}?customer={row.id}" in found
        assert f"/admin/{address}" not in found, "it would ask for the customer"
        page = shop.client().get(f"/admin/{address}?customer={row.id}").get_data(as_text=True)
        assert f'<option value="{row.id}" selected>' in page or f'<option selected value="{row.id}">' in page
    assert "/admin/customer/new/" in found


@pytest.mark.parametrize("make", [factories.make_order, factories.make_note, factories.make_invoice])
def test_on_what_belongs_to_a_customer_it_is_about_that_customer(shop: Shop, make) -> None:
    row = shop.make(make)
    found = addresses(shop, resource=type(row).resource_name(), id=row.id)
    assert f"/admin/account_entry/act/pay/?customer={row.customer_id}" in found
    assert "/admin/account_entry/act/pay/" not in found


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"resource": "customer", "id": "1000000000"}, 404),
        ({"resource": "customer", "id": "x"}, 400),
        ({"resource": "customer"}, 400),
        ({"id": "1"}, 400),
        ({"resource": "nonsense", "id": "1"}, 400),
        ({"resource": "ab_user", "id": "1"}, 400),
        ({"q": "x"}, 400),
        ({"resource": "customer", "id": "9" * 30}, 400),
    ],
)
def test_a_record_that_is_none_is_a_sentence(stocked: Shop, query: dict[str, str], status: int) -> None:
    assert stocked.client().get(PALETTE, query_string=query).status_code == status


def test_a_record_of_a_list_the_role_does_not_see_is_refused(stocked: Shop) -> None:
    assert (
        stocked.client("Support").get(PALETTE, query_string={"resource": "api_key", "id": 1}).status_code
        == 403
    )


def test_a_record_out_of_scope_is_as_if_it_were_missing(shop: Shop, monkeypatch) -> None:
    hidden = shop.make(factories.make_address, town="Hidden").id
    monkeypatch.setattr("app.SCREENS", tuple(Narrow if s is AddressScreen else s for s in SCREENS))
    client = application.sign_in(application.make(shop.database.url), "Admin")
    answers = [client.get(PALETTE, query_string={"resource": "address", "id": i}) for i in (hidden, 10**9)]
    assert [a.status_code for a in answers] == [404, 404]


def test_it_is_only_for_people_who_are_signed_in(stocked: Shop) -> None:
    assert application.browser(stocked.app).get(PALETTE).status_code == 401


def test_it_costs_few_statements(stocked: Shop) -> None:
    stocked.client().get(PALETTE)
    with recorded_statements() as seen:
        stocked.client().get(PALETTE, query_string={"resource": "customer", "id": 1})
    assert len(seen) <= 12
