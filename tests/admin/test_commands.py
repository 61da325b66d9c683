"""``flask up``: what a new shop starts with, and what a restart leaves as it is."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_appbuilder.security.sqla.models import Role

from admin.permissions import SHIPPED_ROLES
from models.base import Staff
from models.journal import Changeset
from models.lookups import SalesChannel
from models.shop import Shop as Defaults
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.conftest import MakeUrl


@pytest.fixture
def empty(make_url: MakeUrl, database_kind: str) -> Flask:
    """An application on a database with nothing in it."""
    return application.make(make_url(database_kind, "commands"))


def up(app: Flask, *arguments: str) -> str:
    """Run ``flask up``; return what it printed."""
    done = app.test_cli_runner().invoke(args=["up", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def password_in(printed: str) -> str:
    """The password that ``flask up`` showed."""
    found = re.search(r"the password (\S+) and", printed)
    assert found is not None, printed
    return found[1]


def test_a_new_shop_gets_its_roles_and_the_channel_new_customers_need(empty: Flask) -> None:
    printed = up(empty)
    assert all(name in printed for name in SHIPPED_ROLES)
    with empty.app_context():
        session = empty.extensions["sqlalchemy"].session
        assert set(session.scalars(sa.select(Role.name))) >= set(SHIPPED_ROLES)
        assert list(session.scalars(sa.select(SalesChannel.code))) == [Defaults().default_sales_channel]
        assert list(session.scalars(sa.select(Changeset.action))) == ["sales_channel.create"]


def test_a_second_time_changes_nothing(shop: Shop) -> None:
    before = shop.figures()
    assert "new roles" not in up(shop.app)
    assert shop.figures() == before


def test_a_channel_of_the_shops_own_is_enough(shop: Shop) -> None:
    with shop.arrange() as session:
        session.scalars(sa.select(SalesChannel)).one().code = "STORE"
    up(shop.app)
    with shop.look() as session:
        assert list(session.scalars(sa.select(SalesChannel.code))) == ["STORE"]


def test_grants_and_roles_stay_as_admins_left_them(shop: Shop) -> None:
    with shop.arrange() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "Support")).one()
        kept = role.permissions[0]
        role.permissions = [kept]
        admin = session.scalars(sa.select(Role).where(Role.name == "Admin")).one()
        every = len(admin.permissions)
        admin.permissions = admin.permissions[1:]
        own = (kept.permission.name, kept.view_menu.name)
    up(shop.app)
    with shop.look() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "Support")).one()
        assert [(p.permission.name, p.view_menu.name) for p in role.permissions] == [own]
        admin = session.scalars(sa.select(Role).where(Role.name == "Admin")).one()
        assert len(admin.permissions) == every


def test_the_first_admin_signs_in_with_the_password_shown_once(empty: Flask) -> None:
    printed = up(empty, "--admin", "Ann@shop.example")
    client = application.browser(empty)
    answer = client.send("/login/", {"username": "Ann@shop.example", "password": password_in(printed)})
    assert answer.status_code == 302
    assert client.get("/admin/customer/").status_code == 200
    again = up(empty, "--admin", "Bob@shop.example")
    assert "password" not in again


def test_a_first_customer_can_be_registered_right_away(empty: Flask) -> None:
    printed = up(empty, "--admin", "ann@shop.example")
    client = application.browser(empty)
    client.send("/login/", {"username": "ann@shop.example", "password": password_in(printed)})
    form = page_of(client.get("/admin/customer/new/")).form("/admin/customer/new/")
    answer = client.post(form.action, data=form.filled(last_name="First"))
    assert answer.status_code == 302, page_of(answer).errors


@pytest.mark.parametrize("email", ["nope", "a@", "", "a b@shop.example"])
def test_an_admin_needs_an_email_address(empty: Flask, email: str) -> None:
    done = empty.test_cli_runner().invoke(args=["up", "--admin", email])
    assert ("--admin" in done.output) if email else done.exit_code == 0
    with empty.app_context():
        assert empty.extensions["sqlalchemy"].session.scalar(sa.select(sa.func.count(Staff.id))) == 0


def test_the_checks_find_a_fresh_database_in_order(empty: Flask) -> None:
    up(empty)
    run = empty.test_cli_runner()
    assert run.invoke(args=["check-schema", "--here"]).exit_code == 0
    assert run.invoke(args=["verify"]).exit_code == 0


def test_a_broken_balance_is_named_by_the_check(shop: Shop) -> None:
    customer = shop.make(factories.make_customer)
    with shop.arrange() as session:
        session.execute(sa.text("UPDATE customer SET points = 5 WHERE id = :id"), {"id": customer.id})
    done = shop.app.test_cli_runner().invoke(args=["verify"])
    assert done.exit_code == 1
    assert f"Customer {customer.id}" in done.output
