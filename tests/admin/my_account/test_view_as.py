"""Looking at everything as the holders of a role do: exactly what they see, and nothing changes (rule 18.5)."""

from typing import Any

import pytest
import sqlalchemy as sa

from admin.request.permissions import SHIPPED_ROLES
from models.journal import Changeset
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.screens.test_roles import a_role, shipped
from tests.admin.screens.test_staff import CHIEF, may

START, END = "/admin/view_as/", "/admin/view_as/end/"


def looking(shop: Shop, role: str, who: str = "Admin") -> Any:
    """A browser of its own that looks at everything as a role does."""
    client = application.sign_in(shop.app, who)
    answer = client.post(START, data={"id": shipped(shop, role), "csrf_token": client.csrf_token()})
    assert (answer.status_code, answer.location) == (302, "/admin/")
    return client


def menu(client: Any) -> list[str]:
    """The addresses of the menu, in its order."""
    html = client.get("/admin/").get_data(as_text=True)
    return [u for u in page_of_text(html.split("</aside>")[0]) if u.startswith("/admin/")]


def page_of_text(html: str) -> list[str]:
    from tests.admin.pages import Page

    return Page(html).links


@pytest.mark.parametrize("role", [r for r in SHIPPED_ROLES if r != "Admin"])
def test_menu_and_screens_are_those_of_a_holder(shop: Shop, role: str) -> None:
    customer = shop.make(factories.make_customer).id
    client, holder = looking(shop, role), shop.client(role)
    assert menu(client) == menu(holder)
    for path in (
        "customer/",
        "customer/new/",
        f"customer/details/?id={customer}",
        "mail/",
        "role/",
        "staff/",
    ):
        seen, own = (c.get(f"/admin/{path}") for c in (client, holder))
        assert seen.status_code == own.status_code, path
    acts = [
        {u for u in page_of(c.get(f"/admin/customer/details/?id={customer}")).links if "/act/" in u}
        for c in (client, holder)
    ]
    assert acts[0] == acts[1]


def test_every_page_says_so_and_offers_to_end_it(shop: Shop) -> None:
    customer = shop.make(factories.make_customer).id
    client = looking(shop, "Support")
    paths = (
        "",
        "customer/",
        f"customer/details/?id={customer}",
        f"customer/edit/?id={customer}",
        "role/",
        "no/",
    )
    for path in paths:
        page = page_of(client.get(f"/admin/{path}"))
        assert "You are viewing this as Support" in page.text, path
        assert any(form.action == END for form in page.forms), path
    assert "You are viewing this as" not in page_of(shop.client().get("/admin/")).text


def test_nothing_can_be_changed(shop: Shop) -> None:
    customer = shop.make(factories.make_customer).id
    client = looking(shop, "Manager")
    token = {"X-CSRFToken": client.csrf_token()}
    before = shop.figures()
    for rule in shop.app.url_map.iter_rules():
        path = rule.rule.replace("<verb>", "verify")
        if (
            "POST" in rule.methods
            and not path.startswith("/api/")
            and path not in (END, "/logout/", "/login/")
        ):
            answer = client.post(f"{path}?id={customer}", data={"id": customer}, headers=token)
            assert answer.status_code == 403, path
    assert shop.figures() == before
    assert "nothing can be changed" in page_of(client.post(START, headers=token)).text


def test_it_ends_by_a_click_and_by_signing_out(shop: Shop) -> None:
    client = looking(shop, "Support")
    assert client.get("/admin/role/").status_code == 403
    assert client.post(END, headers={"X-CSRFToken": client.csrf_token()}).status_code == 302
    assert client.get("/admin/role/").status_code == 200
    again = looking(shop, "Support")
    token = {"X-CSRFToken": again.csrf_token()}
    assert again.post("/logout/", headers=token).status_code == 302
    data = {"username": "admin", "password": application.PASSWORD, "csrf_token": again.csrf_token()}
    assert again.post("/login/", data=data).status_code == 302
    assert again.get("/admin/role/").status_code == 200


def test_it_is_only_begun_by_a_form_of_ones_own(shop: Shop) -> None:
    client = application.sign_in(shop.app, "Admin")
    assert client.get(START).status_code == 405
    assert client.post(START, data={"id": shipped(shop, "Support")}).status_code == 400
    assert client.get("/admin/role/").status_code == 200


def test_it_takes_the_permission_and_all_that_the_role_holds(shop: Shop) -> None:
    client = application.sign_in(shop.app, CHIEF)

    def begin(role: str) -> int:
        token = client.csrf_token()
        return int(client.post(START, data={"id": shipped(shop, role), "csrf_token": token}).status_code)

    assert begin("Read-only") == 403
    may(shop, CHIEF, "role.view_as", "role.list", "role.show")
    assert begin("Admin") == 403
    assert begin("Read-only") == 302
    with shop.look() as session:
        wanted = sa.select(Changeset.subject_table, Changeset.subject_id).where(
            Changeset.action == "staff.refused"
        )
        noted = [tuple(row) for row in session.execute(wanted.order_by(Changeset.id))]
    assert noted == [("ab_role", shipped(shop, "Read-only")), ("ab_role", shipped(shop, "Admin"))]


def test_a_role_that_gains_something_meanwhile_shows_no_more_than_ones_own(shop: Shop) -> None:
    may(shop, CHIEF, "role.view_as", "role.list", "role.show")
    client = looking(shop, "Read-only", CHIEF)
    may(shop, "Read-only", "staff.list")
    assert client.get("/admin/staff/").status_code == 403


def test_the_api_does_not_notice(shop: Shop) -> None:
    looking(shop, "Read-only")
    made = shop.api().send("POST", "/api/v1/membership_group/", {"name": "Club"})
    assert made.status_code == 201


def test_a_role_that_is_gone_ends_it(shop: Shop) -> None:
    role = a_role(shop, "customer.list", name="Passing")
    client = looking(shop, "Passing")
    assert client.get("/admin/role/").status_code == 403
    assert shop.client().send("/admin/role/delete/", {"id": role}).status_code == 302
    assert client.get("/admin/role/").status_code == 200


def test_it_is_in_the_journal_and_a_refusal_meanwhile_is_not(shop: Shop) -> None:
    client = looking(shop, "Support")
    client.get("/admin/role/")
    with shop.look() as session:
        last = session.scalars(sa.select(Changeset).order_by(Changeset.id.desc())).first()
        assert (last.action, last.reason) == ("staff.view_as", "Support")
