"""A database that is not as this release needs it: a sentence at the start and at every command, 503 from what serves
(rule 8.12)."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import app as factory
from models import schema
from tests import application, factories, releases
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.conftest import MakeUrl
from tests.databases import Database
from web import fitness

pytestmark = pytest.mark.both_databases

Spoil = Callable[[Database], None]
COMMANDS = [
    ("act", "customer.verify", "1", "--as", "admin"),
    ("worker", "--once"),
    ("jobs", "list"),
    ("password-link", "admin"),
]


def execute(database: Database, statement: str) -> None:
    with database.connect() as connection:
        connection.exec_driver_sql(statement)


def behind(database: Database) -> None:
    execute(database, "UPDATE alembic_version SET version_num = '0001'")


def older(database: Database) -> None:
    execute(database, "ALTER TABLE note RENAME COLUMN due_on TO due")


def unguarded(database: Database) -> None:
    on = " ON changeset" if database.kind == "postgresql" else ""
    execute(database, f"DROP TRIGGER append_only_changeset_update{on}")


def run(app: Flask, *words: str) -> Any:
    return app.test_cli_runner().invoke(args=list(words))


SPOILT = [
    (behind, "behind", "run `flask --app app up`"),
    (older, "different", "it lacks note.due_on"),
    (unguarded, "damaged", "append_only_changeset_update is missing"),
]


@pytest.mark.parametrize(("spoil", "state", "words"), SPOILT)
def test_nothing_starts_and_the_sentence_says_why(
    shop: Shop, spoil: Spoil, state: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    app = application.make(shop.database.url)
    spoil(shop.database)
    for given in COMMANDS:
        done = run(app, *given)
        assert done.exit_code == 1, given
        assert words in done.output, given
        assert "Traceback" not in done.output
    monkeypatch.setattr(factory, "create_app", lambda: app)
    with pytest.raises(SystemExit) as ended:
        factory.serve()
    assert ended.value.code == factory.CANNOT_START
    assert words in capsys.readouterr().err
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["schema"]) == (503, state)


COUNTING = (*COMMANDS[:2], ("jobs", "run", "loyalty.expire"), ("scheduler",), ("demo",), ("verify",), ("up",))


def test_nothing_counts_amounts_that_are_stored_with_other_decimals(shop: Shop) -> None:
    shop.make(factories.make_customer, currency="RSD", credit_limit=700)
    app = application.make(shop.database.url)
    execute(shop.database, "UPDATE currency_scale SET places = 0 WHERE currency = 'RSD'")
    before = shop.figures()
    for given in COUNTING:
        done = run(app, *given)
        assert done.exit_code == 1, given
        assert "RSD with 0 decimals instead of 2" in done.output, given
        assert "rescale RSD --preview" in done.output
    assert app.test_client().get("/login/").status_code == 503
    assert app.test_client().get("/readyz").json["schema"] == "other scale"
    assert shop.figures() == before


@pytest.mark.parametrize("spoil", [older, unguarded])
def test_flask_up_refuses_what_it_cannot_mend(shop: Shop, spoil: Spoil) -> None:
    spoil(shop.database)
    done = run(shop.app, "up")
    assert done.exit_code == 1
    assert done.output.startswith("Error: The database ")
    assert isinstance(done.exception, SystemExit)


def test_a_shop_from_between_two_releases_is_told_so_and_left_alone(
    make_url: MakeUrl, database_kind: str
) -> None:
    url = make_url(database_kind, "between")
    engine = schema.open_engine(url)
    releases.load(engine, "0.1.0")
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE job RENAME TO task")
    before = sorted(sa.inspect(engine).get_table_names())
    done = run(application.make(url), "up")
    assert done.exit_code == 1
    assert "it is at revision 0001, but it is not what that revision made" in done.output
    assert "move the file away" in done.output
    assert sorted(sa.inspect(engine).get_table_names()) == before
    engine.dispose()


def test_a_server_whose_database_is_of_another_release_answers_503_until_it_is_mended(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fitness, "ASK_AGAIN_AFTER", 0.0)
    with shop.database.connect() as connection:
        head = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    client = shop.client()
    behind(shop.database)
    assert client.get("/readyz").status_code == 503
    for _turn in range(3):
        answer = client.get("/admin/customer/")
        assert answer.status_code == 503
        assert "does not match this version" in answer.text
        assert answer.headers["X-Request-Id"] in answer.text
    assert client.get("/static/theme.js").status_code == 200
    assert len(caplog.records) == 1, caplog.messages
    execute(shop.database, f"UPDATE alembic_version SET version_num = '{head}'")
    assert client.get("/admin/customer/").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_a_server_without_its_triggers_saves_nothing_and_goes_on_reading(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitness, "ASK_AGAIN_AFTER", 0.0)
    row, client = shop.make(factories.make_customer), shop.client()
    form = page_of(client.get(f"/admin/note/new/?customer={row.id}")).form("new")
    sent = form.filled(customer=row.id, body="Rings back")
    unguarded(shop.database)
    assert client.get("/readyz").json["schema"] == "damaged"
    assert client.get("/admin/customer/").status_code == 200
    refused = client.post(form.action, data=sent)
    assert refused.status_code == 503
    assert "nothing can be saved until an admin" in refused.text
    assert 'href="/admin/customer/"' in refused.text
    assert shop.api().send("POST", "/api/v1/note/", {"customer": row.id, "body": "x"}).status_code == 503
    named = run(shop.app, "verify")
    assert named.exit_code == 1
    assert "append_only_changeset_update is missing" in named.output
    assert shop.figures()["note"][0] == 0
    assert run(shop.app, "check-schema", "--here", "--restore-triggers").exit_code == 0
    assert client.post(form.action, data=sent).status_code == 302
    assert run(shop.app, "verify").exit_code == 0


@pytest.mark.parametrize(
    "url", ["postgresql+psycopg://nobody@127.0.0.1:1/none", "sqlite:////nowhere/at/all.db"]
)
def test_a_command_without_a_database_says_so(url: str) -> None:
    app = application.make(url)
    for given in (*COMMANDS, ("up",), ("verify",), ("demo",)):
        done = run(app, *given)
        assert done.exit_code == 1
        assert done.output.startswith("Error: The database does not answer"), (given, done.output)
    fitness.check_at_start(app)  # a server is started all the same, and answers as soon as its database does
