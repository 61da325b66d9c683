"""A database that a newer release has upgraded under this one: what still starts, what goes on, what answers 503
(rule 8.12)."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import app as factory
from actions.runs.runs import claim
from models.applied import APPLIED, applied
from models.dialect import WRITE
from models.run import Run, RunState
from models.standing import scripts
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.databases import Database
from web import fitness

NEXT, AFTER = "8888", "9999"
"""Two migrations of a release to come."""
COMMANDS = [
    ("act", "customer.verify", "1", "--as", "admin", "--preview"),
    ("worker", "--once"),
    ("jobs", "list"),
    ("password-link", "admin"),
]


def execute(database: Database, *statements: str) -> None:
    with database.engine.execution_options(**{WRITE: True}).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def upgrade(database: Database, *, additive: bool) -> None:
    """Do to a database what a newer release does: apply two migrations, of which the first may be more than additions."""
    with database.engine.execution_options(**{WRITE: True}).begin() as connection:
        marks = [{"revision": NEXT, "additive": additive}, {"revision": AFTER, "additive": True}]
        connection.execute(sa.insert(APPLIED), marks)
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{AFTER}'")
        connection.exec_driver_sql("CREATE TABLE parcel (id INTEGER PRIMARY KEY)")


def run(app: Flask, *words: str) -> Any:
    return app.test_cli_runner().invoke(args=list(words))


def start(app: Flask, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Start a server; return how it ended, None where it serves."""
    monkeypatch.setattr(factory, "create_app", lambda: app)
    try:
        factory.serve()
    except SystemExit as ended:
        return int(str(ended.code))
    return None


def test_what_only_added_something_is_used_as_it_is(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    row = shop.make(factories.make_customer)
    upgrade(shop.database, additive=True)
    app = application.make(shop.database.url)
    assert start(app, monkeypatch) is None
    assert run(app, *COMMANDS[0][:2], str(row.id), *COMMANDS[0][3:]).exit_code == 0
    for given in COMMANDS[1:]:
        done = run(app, *given)
        assert done.exit_code == 0, (given, done.output)
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, ready.json["schema"]) == (200, "newer")
    assert (
        shop.api().send("POST", "/api/v1/note/", {"customer": row.id, "body": "Rings back"}).status_code
        == 201
    )
    assert run(app, "verify").exit_code == 0


def test_flask_up_leaves_what_a_newer_release_made(shop: Shop) -> None:
    """It would take away the permissions of screens that this release does not have, from every role."""
    grant = (
        "INSERT INTO ab_permission (name) VALUES ('can_fly')",
        "INSERT INTO ab_permission_view (permission_id, view_menu_id) SELECT p.id, v.id FROM ab_permission p, "
        "ab_view_menu v WHERE p.name = 'can_fly' AND v.name = 'customer'",
    )
    execute(shop.database, *grant)
    upgrade(shop.database, additive=True)
    done = run(shop.app, "up")
    assert done.exit_code == 0
    assert "this version can use it: nothing was changed" in done.output
    with shop.database.connect() as connection:
        assert connection.scalar(sa.text("SELECT COUNT(*) FROM ab_permission WHERE name = 'can_fly'")) == 1
    refused = run(shop.app, "check-schema", "--here", "--restore-triggers")
    assert refused.exit_code == 1
    assert "restore its triggers with that one" in str(refused.exception) + refused.output


def test_a_lost_trigger_is_noticed_in_a_newer_database_too(shop: Shop) -> None:
    upgrade(shop.database, additive=True)
    on = " ON changeset" if shop.database.kind == "postgresql" else ""
    execute(shop.database, f"DROP TRIGGER append_only_changeset_update{on}")
    done = run(shop.app, "worker", "--once")
    assert done.exit_code == 1
    assert "append_only_changeset_update is missing" in done.output


def test_nothing_starts_on_what_was_changed_otherwise(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(shop.database, additive=False)
    app = application.make(shop.database.url)
    for given in (*COMMANDS, ("up",), ("demo",)):
        done = run(app, *given)
        assert done.exit_code == 1, given
        assert f"this version cannot work with it (revision {NEXT})" in done.output, given
    assert start(app, monkeypatch) == factory.CANNOT_START


def test_what_no_row_tells_of_is_not_known_to_be_additive(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(shop.database, f"UPDATE alembic_version SET version_num = '{AFTER}'")
    app = application.make(shop.database.url)
    assert start(app, monkeypatch) == factory.CANNOT_START
    assert "which this version of Clientele does not know" in run(app, "worker", "--once").output


def test_a_running_server_goes_on_until_it_meets_what_it_cannot_serve(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fitness, "ASK_AGAIN_AFTER", 0.0)
    row, client = shop.make(factories.make_customer), shop.client()
    form = page_of(client.get(f"/admin/note/new/?customer={row.id}")).form("new")
    upgrade(shop.database, additive=False)
    for _turn in range(2):
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json["status"]) == (200, "degraded")
        assert ready.json["schema"] == "incompatible"
    assert [line for line in caplog.messages if "newer version" in line] == [fitness.OUTDATED]
    assert client.get("/admin/customer/").status_code == 200
    sent = form.filled(customer=row.id, body="Rings back")
    assert client.post(form.action, data=sent).status_code == 302
    execute(shop.database, "ALTER TABLE gift_card RENAME COLUMN last4 TO ending")
    assert client.get("/admin/gift_card/").status_code == 503
    assert client.get("/admin/price_list/").status_code == 200, "what needs nothing of that is served"
    assert client.get("/readyz").status_code == 503
    for _turn in range(2):
        assert client.get("/admin/price_list/").status_code == 503, "it is known now"


@pytest.mark.parametrize(
    "rule",
    [
        "ALTER TABLE gizmo_class ADD COLUMN colour VARCHAR(9) NOT NULL",
        "ALTER TABLE gizmo_class ADD CONSTRAINT ck_gizmo_class_colour CHECK (name = 'blue')",
    ],
    ids=["column", "check"],
)
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_rule_that_came_since_is_answered_503_and_not_put_to_the_person(shop: Shop, rule: str) -> None:
    upgrade(shop.database, additive=False)
    execute(shop.database, rule.replace("gizmo_class", "price_list"))
    body = {"name": "Export", "currency": "EUR"}
    answer = shop.api().send("POST", "/api/v1/price_list/", body)
    assert (answer.status_code, answer.json["code"]) == (503, "database_schema")


def test_a_fault_on_a_newer_database_is_503_and_on_our_own_500(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: Any, **_named: Any) -> None:
        raise LookupError("'sideways' is not among the defined enum values")

    shop.app.config["PROPAGATE_EXCEPTIONS"] = False
    client = shop.client()
    monkeypatch.setattr("admin.listing.list_page.show", broken)
    assert client.get("/admin/customer/").status_code == 500
    upgrade(shop.database, additive=True)
    assert client.get("/admin/customer/").status_code == 503


def test_a_worker_leaves_runs_of_actions_it_does_not_know_to_a_newer_one(shop: Shop) -> None:
    later = shop.make(factories.make_run, action="parcel.post", state=RunState.QUEUED, done=0)
    ours = shop.make(factories.make_run, state=RunState.QUEUED, done=0)
    taken = claim(shop.database.engine, factories.NOW, "old")
    assert taken is not None
    assert taken.run_id == ours.id
    assert claim(shop.database.engine, factories.NOW, "old") is None
    with shop.database.connect() as connection:
        assert connection.scalar(sa.select(Run.state).where(Run.id == later.id)) is RunState.QUEUED


def test_each_migration_is_written_down_with_its_mark(shop: Shop) -> None:
    with shop.database.connect() as connection:
        marks = applied(connection)
    wanted = {s.revision: getattr(s.module, "additive", False) for s in scripts().walk_revisions()}
    assert marks == wanted
