"""Forms that say whom they may be about, and answers that do, once something is saved (rules 7.10 and 7.11)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from actions.duplicates import checking
from models.base import Staff
from models.customer import Customer
from models.lookups import SalesChannel
from models.member import StaffChannel
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.imports import counts, mapped
from tests.admin.pages import page_of
from tests.databases import recorded_statements
from tests.factories import NOW

HTMX = {"HX-Request": "true"}
NEW = "/admin/customer/new/"


@pytest.fixture
def joan(shop: Shop) -> Customer:
    """A guest with an address and a phone, who has been looked at."""
    joan = shop.make(
        factories.make_customer,
        first_name="Joan",
        last_name="Cooke <b>",
        email="joan@example.com",
        status="guest",
    )
    shop.make(factories.make_address, customer_id=joan.id, postcode="LS2 9JT")
    shop.make(factories.make_phone, customer_id=joan.id, number="0113 496 0123")
    look_again(shop)
    return joan


def look_again(shop: Shop) -> None:
    """Let the worker come by."""
    checking.check_all(shop.database.desk, lambda: NOW)


def said(answer: Any) -> list[str]:
    """What a notice says."""
    assert answer.status_code == 200, answer.text
    return [
        " ".join(page_of_line.split())
        for page_of_line in re.findall(r"alike-line.*?<span>(.*?)</span>", answer.text, re.S)
    ]


def asked(shop: Shop, url: str, role: str = "Admin", **values: str) -> list[str]:
    """What a form is told as a field of it is left, in the drawer."""
    client = shop.client(role)
    form = page_of(client.get(url)).form("/admin/")
    mark = re.search(r'data-alike hx-post="([^"]+)"', client.get(url).text)
    assert mark, "the form asks nothing"
    return said(client.post(mark[1].replace("&amp;", "&"), data=form.filled(**values), headers=HTMX))


def test_a_new_customers_form_says_so_with_a_link(shop: Shop, joan: Customer) -> None:
    link = f'<a href="/admin/customer/details/?id={joan.id}">Joan Cooke &lt;b&gt;</a>'
    assert asked(shop, NEW, email="Joan@Example.com") == [
        f"May be the same customer as {link} #{joan.id} (same email)."
    ]
    assert asked(shop, NEW, last_name="Cooke <b>", email="x@example.com") == []
    assert len(asked(shop, NEW, email="joan@example.com", credit_limit="nonsense")) == 1
    with shop.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 1


def test_a_record_and_what_belongs_to_it_say_so_too(shop: Shop, joan: Customer) -> None:
    other = shop.make(factories.make_customer, first_name="Joan", last_name="Cook", email=None)
    edit = f"/admin/customer/edit/?id={other.id}"
    shop.make(factories.make_address, customer_id=other.id, postcode="LS2 9JT")
    assert asked(shop, edit, title="Dr") == []
    assert asked(shop, edit, last_name="COOKE <b>")[0].endswith("(same surname and postcode).")
    client = shop.client()
    namesake = shop.make(factories.make_customer, first_name="J", last_name="Cooke <b>", email=None)
    address = f"/admin/address/new/?customer={namesake.id}"
    assert asked(shop, address, postcode="ls29jt")[0].endswith("(same surname and postcode).")
    assert asked(shop, f"/admin/phone/new/?customer={namesake.id}", number="01134960123")[0].endswith(
        "(same phone)."
    )
    assert "data-alike" not in client.get("/admin/note/new/").text
    assert "data-alike" in client.get(address, headers=HTMX).text


def test_saving_goes_on_and_says_so(shop: Shop, joan: Customer) -> None:
    client = shop.client()
    form = page_of(client.get(NEW)).form("/admin/customer/new/")
    made = client.post(
        NEW, data=form.filled(last_name="Byrne", email="joan@example.com"), follow_redirects=True
    )
    assert f"May be the same customer as Joan Cooke &lt;b&gt; #{joan.id} (same email)." in made.text
    assert f'<a href="/admin/customer/details/?id={joan.id}">Joan Cooke &lt;b&gt; #{joan.id}</a>' in made.text
    with shop.look() as session:
        mine = session.scalars(sa.select(Customer.id).where(Customer.last_name == "Byrne")).one()
    number = {"customer": str(mine), "number": "0113 496 0123", "country": "GB", "kind": "mobile"}
    drawer = client.send("/admin/phone/new/", number, headers=HTMX)
    way = [f"Joan Cooke <b> #{joan.id}", f"/admin/customer/details/?id={joan.id}"]
    assert json.loads(drawer.headers["HX-Trigger"])["saved"]["ways"] == [way]
    with shop.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 2


def test_a_form_that_comes_back_says_so_without_scripts(shop: Shop, joan: Customer) -> None:
    client = shop.client()
    form = page_of(client.get(NEW)).form("/admin/customer/new/")
    back = client.post(NEW, data=form.filled(email="joan@example.com", credit_limit="nonsense"))
    assert back.status_code == 422
    assert "same email" in back.text


def test_a_new_in_store_customers_form_says_so(shop: Shop, joan: Customer) -> None:
    client, url = shop.client(), "/admin/customer/act/add_in_store/"
    form = page_of(client.get(url)).form(url)
    filled = form.filled(last_name="Byrne", phone="0113 496 0123")
    shown = client.post(f"{url}?preview=1", data=filled, headers=HTMX).text
    assert f'href="/admin/customer/details/?id={joan.id}"' in shown
    assert "(same phone)" in shown
    assert "(same phone)" in client.post(url, data=filled, follow_redirects=True).text


def grants(shop: Shop, role: str, *taken: tuple[str, str]) -> None:
    """Take permissions from a role."""
    with shop.arrange() as session:
        found = session.scalars(
            sa.select(factories.identity.Role).where(factories.identity.Role.name == role)
        ).one()
        found.permissions = [
            p for p in found.permissions if (p.permission.name, p.view_menu.name) not in taken
        ]


def limit(shop: Shop) -> None:
    """Limit the manager to a channel of which nobody else is."""
    with shop.arrange() as session:
        channel = factories.make_sales_channel(session, name="Ours", code="OURS").id
        manager = session.scalars(sa.select(Staff).where(Staff.username == "manager")).unique().one()
        session.add(StaffChannel(user_id=manager.id, sales_channel_id=channel))


@pytest.mark.parametrize(("taken", "left"), [("can_show", 0), ("can_see_email", 0), ("can_see_phone", 1)])
def test_only_who_may_see_the_record_and_the_field_is_told(
    shop: Shop, joan: Customer, taken: str, left: int
) -> None:
    grants(shop, "Manager", (taken, "customer"))
    client = shop.client("Manager")
    url = f"{NEW}?alike=1"
    assert len(said(client.send(url, {"email": "joan@example.com"}, headers=HTMX))) == left
    made = shop.api("Manager").send(
        "POST", "/api/v1/customer/actions/add_in_store", {"email": "joan@example.com"}
    )
    assert made.status_code == 200
    assert sum("May be the same" in text for text in made.json["warnings"]) == left


def test_who_is_limited_is_told_of_their_own_only(shop: Shop, joan: Customer) -> None:
    limit(shop)
    url = f"{NEW}?alike=1"
    assert said(shop.client("Manager").send(url, {"email": "joan@example.com"}, headers=HTMX)) == []
    assert len(said(shop.client().send(url, {"email": "joan@example.com"}, headers=HTMX))) == 1
    foreign = {"customer": str(joan.id), "number": "0113 496 0123"}
    assert said(shop.client("Manager").send("/admin/phone/new/?alike=1", foreign, headers=HTMX)) == []


@contextmanager
def counted(most: int) -> Iterator[None]:
    """Hold what is asked of the keys to so many statements."""
    with recorded_statements() as seen:
        yield
    assert sum("duplicate_key" in text for text in seen) == most


def test_a_form_asks_nothing_before_a_key_field_is_filled(shop: Shop, joan: Customer) -> None:
    client = shop.client()
    with counted(0):
        client.get(NEW)
        client.get(f"/admin/customer/edit/?id={joan.id}")
        client.send(f"{NEW}?alike=1", {"first_name": "Joan"}, headers=HTMX)
    with counted(1):
        client.send(f"{NEW}?alike=1", {"email": "joan@example.com"}, headers=HTMX)


# -- programs -------------------------------------------------------------------------------------------------------


def test_the_api_answers_a_save_with_the_ids(shop: Shop, joan: Customer) -> None:
    api = shop.api()
    made = api.send("POST", "/api/v1/customer/", {"last_name": "Byrne", "email": "joan@example.com"})
    assert (made.status_code, made.json["possible_duplicates"]) == (201, [joan.id])
    mine = made.json["result"]["id"]
    for sent, ids in (
        ({"title": "Dr"}, []),
        ({"email": "j@example.com"}, []),
        ({"email": "joan@example.com"}, [joan.id]),
    ):
        look_again(shop)
        version = api.get(f"/api/v1/customer/{mine}").json["result"]["version"]
        changed = api.send("PATCH", f"/api/v1/customer/{mine}", sent, If_Match=f'"{version}"')
        assert (changed.status_code, changed.json["possible_duplicates"]) == (200, ids), sent
    number = {"customer": mine, "number": "0113 496 0123"}
    assert api.send("POST", "/api/v1/phone/", number).json["possible_duplicates"] == [joan.id]
    assert "possible_duplicates" not in api.get(f"/api/v1/customer/{mine}").json
    described = api.get("/api/v1/_openapi").json["paths"]["/api/v1/customer/"]["post"]["responses"]["201"]
    assert "possible_duplicates" in described["content"]["application/json"]["schema"]["required"]


def test_a_repeated_request_is_told_what_it_was_told_first(shop: Shop, joan: Customer) -> None:
    channel = shop.get(Customer, joan.id).sales_channel_id
    api, body = (
        shop.api("Manager"),
        {"last_name": "Byrne", "email": "joan@example.com", "sales_channel": channel},
    )
    first = api.send("POST", "/api/v1/customer/", body, Idempotency_Key="k1")
    assert first.json["possible_duplicates"] == [joan.id]
    with shop.arrange() as session:
        session.execute(sa.update(Customer).where(Customer.id == joan.id).values(email="j@example.com"))
        factories.make_customer(session, email="joan@example.com", status="guest")
    look_again(shop)
    again = api.send("POST", "/api/v1/customer/", body, Idempotency_Key="k1")
    assert again.json["result"]["id"] == first.json["result"]["id"]
    assert again.json["possible_duplicates"] == [joan.id], "whatever has changed since"
    limit(shop)
    with shop.arrange() as session:
        ours = session.scalars(sa.select(SalesChannel.id).where(SalesChannel.code == "OURS")).one()
        session.execute(sa.update(StaffChannel).values(sales_channel_id=channel))
        session.execute(sa.update(Customer).where(Customer.id == joan.id).values(sales_channel_id=ours))
    hidden = api.send("POST", "/api/v1/customer/", body, Idempotency_Key="k1")
    assert hidden.json.get("possible_duplicates") == [], hidden.json


def test_the_api_names_nobody_out_of_scope(shop: Shop, joan: Customer) -> None:
    limit(shop)
    made = shop.api("Manager").send(
        "POST", "/api/v1/customer/", {"last_name": "B", "email": "joan@example.com"}
    )
    assert (made.status_code, made.json["possible_duplicates"]) == (201, [])


def test_the_command_line_prints_it(shop: Shop, joan: Customer) -> None:
    given = [
        "act",
        "customer.add_in_store",
        "--as",
        "admin",
        "--set",
        "phone=0113 496 0123",
        "--set",
        "last_name=Byrne",
    ]
    for more in (["--preview"], []):
        done = shop.app.test_cli_runner().invoke(args=[*given, *more])
        said = f"May be the same customer as Joan Cooke <b> #{joan.id} (same phone)."
        assert said in done.output.splitlines(), done.output


def test_the_dry_run_of_an_import_marks_the_rows(shop: Shop, joan: Customer) -> None:
    content = (
        "First name,Last name,Email,Mobile phone,Postcode,Line 1,Town\n"
        "Ann,Byrne,JOAN@example.com,,,,\nBen,COOKE <b>,ben@example.com,0113 4960123,ls29jt,1 High St,Leeds\n"
        "Cy,Dunn,cy@example.com,,,,\n"
    )
    file_id = mapped(shop, "customer", content)
    url = f"/admin/customer/import/rows/?id={file_id}"
    with counted(1):
        shown = shop.client().get(url)
    marks = [
        " ".join(mark.split()) for mark in re.findall(r'class="import-said">(.*?)</span>', shown.text, re.S)
    ]
    link = f'<a href="/admin/customer/details/?id={joan.id}">Joan Cooke &lt;b&gt;</a>'
    assert marks == [
        f"May be the same customer as {link} #{joan.id} (same email).",
        f"May be the same customer as {link} #{joan.id} (same phone, surname and postcode).",
    ]
    assert counts(shop, file_id) == (3, 0, 0, 0)
    grants(shop, "Admin", ("can_show", "customer"))
    assert "import-alike" not in shop.client().get(url).text
