"""``flask up``: what a new shop starts with, and what a restart leaves as it is."""

import multiprocessing
import re
import sqlite3
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_appbuilder.security.sqla.models import Role

from admin.request.permissions import SHIPPED_ROLES
from models.access import SecondFactor
from models.base import Staff
from models.dialect import file_of
from models.journal import Changeset
from models.lookups import SalesChannel
from models.shop import Shop as Defaults
from tests import application, factories, staffing
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.conftest import MakeUrl
from tests.databases import bytes_of, close_all_connections
from tests.keyring import KEYS, a_key

pytestmark = pytest.mark.both_databases


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


def test_an_admin_needs_an_email_address(empty: Flask) -> None:
    for email in ("nope", "a@", "", "a b@shop.example"):
        done = empty.test_cli_runner().invoke(args=["up", "--admin", email])
        assert done.exit_code == (2 if email else 0), email
        assert not email or "--admin" in done.output
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


def up_together(app: Flask, start: Barrier) -> None:
    """Run ``flask up`` the moment the other processes do."""
    start.wait(timeout=60)
    done = app.test_cli_runner().invoke(args=["up"])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"


def test_several_hosts_may_bring_up_one_empty_database_at_once(empty: Flask) -> None:
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(4)
    started = [fork.Process(target=up_together, args=(empty, start)) for _ in range(4)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * 4
    with empty.app_context():
        session = empty.extensions["sqlalchemy"].session
        assert session.scalar(sa.select(sa.func.count(SalesChannel.id))) == 1
        assert sorted(session.scalars(sa.select(Role.name))) == sorted(SHIPPED_ROLES)


def test_new_encryption_keys_are_taken_into_use_by_a_command(shop: Shop) -> None:
    shop.make(staffing.make_second_factor)
    new, old = a_key(2), KEYS[0]
    both = application.make(shop.database.url, encryption_keys=(new, old))
    done = both.test_cli_runner().invoke(args=["rotate-encryption"])
    assert done.exit_code == 0, done.output
    assert "Encrypted with the first key: 1." in done.output
    assert "You can remove the others" in done.output
    alone = application.make(shop.database.url, encryption_keys=(new,))
    assert alone.test_cli_runner().invoke(args=["verify"]).exit_code == 0
    lost = shop.app.test_cli_runner().invoke(args=["rotate-encryption"])
    assert lost.exit_code == 1
    assert "second_factor.key of row" in lost.output
    assert "cannot be opened with any key" in lost.output


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_backup_holds_neither_keys_nor_what_they_open_and_an_old_one_is_encrypted_when_restored(
    shop: Shop, tmp_path: Path
) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    shop.make(staffing.make_second_factor, key=secret)
    copy = tmp_path / "1.db"
    runner = shop.app.test_cli_runner()
    assert runner.invoke(args=["backup", str(copy)]).exit_code == 0
    assert KEYS[0].encode() not in copy.read_bytes()
    assert secret.encode() not in copy.read_bytes()
    with closing(sqlite3.connect(copy)) as old:
        old.execute("UPDATE second_factor SET key = ?", (secret,))
        old.commit()
    close_all_connections()
    done = runner.invoke(args=["restore", str(copy), "--older"])
    assert done.exit_code == 0, done.output
    with shop.look() as session:
        found = session.scalars(sa.select(SecondFactor)).one().key
        assert (found.in_clear, found.open()) == (False, secret)
    assert secret.encode() not in bytes_of(file_of(shop.database.engine))
