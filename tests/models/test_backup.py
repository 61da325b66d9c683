"""A backup is whole under load, checked and private; restoring one is nobody's mistake and signs everybody out."""

import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from actions.maintenance.verify import verify
from models import backup, schema
from models.journal import Changeset
from tests import application, factories
from tests.admin.conftest import Shop
from tests.databases import Database, close_all_connections

sqlite_only = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
WRITERS = 4


def run(app: Flask, *words: str) -> Any:
    """Run one of the application's commands."""
    return app.test_cli_runner().invoke(args=list(words))


@pytest.fixture
def shop(app: Flask, database: Database) -> Shop:
    return Shop(app, database)


@sqlite_only
def test_a_backup_under_load_is_sound_and_has_all_that_was_there_when_it_began(
    shop: Shop, tmp_path: Path
) -> None:
    customer = shop.make(factories.make_customer)
    stop, begun = Event(), Event()
    written: list[int] = []

    def write(number: int) -> None:
        while not stop.is_set():
            note = shop.make(factories.make_note, customer=customer, body=f"{number} {'x' * 2000}")
            written.append(note.id)
            begun.set()

    with ThreadPoolExecutor(WRITERS) as pool:
        for number in range(WRITERS):
            pool.submit(write, number)
        assert begun.wait(60)
        for turn in range(3):
            before = set(written)
            done = run(shop.app, "backup", str(tmp_path / f"{turn}.db"))
            assert done.exit_code == 0, done.output
            with closing(sqlite3.connect(tmp_path / f"{turn}.db")) as copy:
                there = {row[0] for row in copy.execute("SELECT id FROM note")}
            assert before <= there
        stop.set()
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["0.db", "1.db", "2.db"]
    copied = schema.open_engine(f"sqlite:///{tmp_path / '2.db'}")
    with Session(copied) as session:
        assert verify(session) == []
    assert schema.drift(copied) == []


@sqlite_only
def test_a_backup_is_its_owners_alone_and_overwrites_nothing(shop: Shop, tmp_path: Path) -> None:
    target = tmp_path / "kept.db"
    assert run(shop.app, "backup", str(target)).exit_code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    held = target.read_bytes()
    again = run(shop.app, "backup", str(target))
    assert again.exit_code == 1
    assert "nothing is overwritten" in again.output
    assert target.read_bytes() == held
    nowhere = run(shop.app, "backup", str(tmp_path / "none" / "kept.db"))
    assert nowhere.exit_code == 1
    assert "cannot be written" in nowhere.output


SLOW_BACKUP = """
import sys, time
from pathlib import Path
from models import backup, schema
backup._put = lambda draft, target: (print("copied", flush=True), time.sleep(600))
backup.make(schema.open_engine(sys.argv[1]), Path(sys.argv[2]))
"""


@sqlite_only
def test_one_that_is_killed_half_way_puts_nothing_in_place(database: Database, tmp_path: Path) -> None:
    target = tmp_path / "kept.db"
    command = [sys.executable, "-c", SLOW_BACKUP, database.url, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "copied\n"
        process.kill()
    assert not target.exists()
    backup.make(database.engine, target)
    assert target.exists()


@sqlite_only
def test_a_damaged_database_is_not_backed_up(shop: Shop, database: Database, tmp_path: Path) -> None:
    with database.connect() as connection:
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        connection.exec_driver_sql("UPDATE sqlite_master SET rootpage = 3 WHERE name = 'customer'")
    close_all_connections()
    done = run(shop.app, "backup", str(tmp_path / "kept.db"))
    assert done.exit_code == 1
    assert "not sound" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def stopped(database: Database, tmp_path: Path) -> Any:
    """A shop in a file of its own, to which nothing is connected."""
    close_all_connections()
    file = tmp_path / "clientele.db"
    shutil.copyfile(str(sa.make_url(database.url).database), file)
    return application.make(f"sqlite:///{file}"), file


def _look(file: Path, statement: str) -> Any:
    with closing(sqlite3.connect(file)) as there:
        return there.execute(statement).fetchone()[0]


@sqlite_only
def test_a_restored_shop_is_as_it_was_and_nobody_is_signed_in(stopped: Any, tmp_path: Path) -> None:
    app, file = stopped
    client = application.sign_in(app, "Admin")
    assert client.get("/admin/").status_code == 200
    kept = tmp_path / "kept.db"
    assert run(app, "backup", str(kept)).exit_code == 0
    busy = schema.open_engine(f"sqlite:///{file}")
    with busy.connect() as somebody:
        assert somebody.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert "is in use" in run(app, "restore", str(kept)).output
    client.send("/admin/customer/new/", {"last_name": "Later"})
    before = _look(file, "SELECT count(*) FROM customer")
    close_all_connections()
    done = run(app, "restore", str(kept), *(["--older"] if before else []))
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert client.get("/admin/").status_code == 302
    assert _look(file, "SELECT count(*) FROM staff_session WHERE ended_at IS NULL") == 0
    assert _look(file, "SELECT reason FROM changeset WHERE action = 'staff.all_signed_out'") == "kept.db"
    aside = next(tmp_path.glob("clientele.db.before-*"))
    assert _look(aside, "SELECT count(*) FROM customer") == before
    assert application.sign_in(app, "Admin").get("/admin/").status_code == 200


@sqlite_only
def test_later_changes_are_not_lost_by_mistake(stopped: Any, tmp_path: Path) -> None:
    app, file = stopped
    kept = tmp_path / "kept.db"
    assert run(app, "backup", str(kept)).exit_code == 0
    engine = schema.open_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        row = {
            "at": factories.NOW.replace(year=2090),
            "action": "note.create",
            "actor_name": "Jo",
            "reason": "",
        }
        connection.execute(sa.insert(Changeset).values(row))
    close_all_connections()
    refused = run(app, "restore", str(kept))
    assert refused.exit_code == 1
    assert "--older" in refused.output
    assert _look(file, "SELECT count(*) FROM changeset WHERE action = 'note.create'") == 1
    assert run(app, "restore", str(kept), "--older").exit_code == 0
    assert _look(file, "SELECT count(*) FROM changeset WHERE action = 'note.create'") == 0


def _truncated(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes()[:200_000])


def _newer(kept: Path) -> None:
    with closing(sqlite3.connect(kept)) as there, there:
        there.execute("UPDATE alembic_version SET version_num = '9999'")


def _no_database(kept: Path) -> None:
    kept.write_text("hello")


@sqlite_only
@pytest.mark.parametrize("spoil", [_truncated, _newer, _no_database])
def test_what_is_no_backup_is_not_restored(
    stopped: Any, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    app, file = stopped
    kept = tmp_path / "kept.db"
    assert run(app, "backup", str(kept)).exit_code == 0
    close_all_connections()
    spoil(kept)
    held = file.read_bytes()
    done = run(app, "restore", str(kept))
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert file.read_bytes() == held
    assert {p.name for p in tmp_path.iterdir()} <= {
        "clientele.db",
        "kept.db",
        "clientele.db-wal",
        "clientele.db-shm",
    }


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_postgresql_is_dumped_by_its_own_program(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.postgres import installed_package

    package = installed_package()
    if package is not None:
        monkeypatch.setenv("PATH", str(package / "pginstall" / "bin"), prepend=":")
    target = tmp_path / "kept.dump"
    done = run(shop.app, "backup", str(target))
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_bytes()[:5] == b"PGDMP"
    monkeypatch.setenv("PATH", "/nowhere")
    other = run(shop.app, "backup", str(tmp_path / "other.dump"))
    assert other.exit_code == 1
    assert "pg_dump --format=custom" in other.output
    assert "pg_restore" in run(shop.app, "restore", str(target)).output


def test_everybody_is_signed_out_by_a_command(shop: Shop) -> None:
    client, api = shop.client("Admin"), shop.api("Support")
    assert client.get("/admin/").status_code == 200
    done = run(shop.app, "sign-out-all")
    assert done.exit_code == 0, done.output
    assert client.get("/admin/").status_code == 302
    assert api.get("/api/v1/customer/").status_code == 401


@sqlite_only
def test_the_last_to_leave_writes_the_log_into_the_file(database: Database, tmp_path: Path) -> None:
    close_all_connections()
    file = tmp_path / "clientele.db"
    shutil.copyfile(str(sa.make_url(database.url).database), file)
    code = (
        "import sys, sqlalchemy as sa\n"
        "from tests import application\n"
        "from models.base import db\n"
        "from app import create_app\n"
        "from config import Settings\n"
        "app = create_app(Settings(database_url=sys.argv[1], secret_key='k' * 40))\n"
        "with app.app_context():\n"
        "    with db.engine.execution_options(clientele_write=True).begin() as c:\n"
        "        c.execute(sa.text(\"UPDATE ab_role SET name = 'Renamed' WHERE name = 'Finance'\"))\n"
    )
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{file}"], check=True)
    assert not list(tmp_path.glob("*-wal"))
    assert _look(file, "SELECT count(*) FROM ab_role WHERE name = 'Renamed'") == 1
