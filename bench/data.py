"""Databases to measure on: a demo shop of a given size, made once for a schema and kept under build/bench."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app import create_app
from config import ROOT, Settings
from models.base import db
from tests.postgres import PostgresServer

FOLDER = ROOT / "build" / "bench"


def application(url: str, **wiring: Any) -> Flask:
    """Return the back office on the database at ``url``."""
    return create_app(Settings(database_url=url, secret_key="bench" * 8, testing=False), **wiring)


def fill(url: str, customers: int) -> None:
    """Migrate the database at ``url`` and load a demo shop into it."""
    app = application(url)
    runner = app.test_cli_runner()
    for words in (["up"], ["demo", "--customers", str(customers)]):
        done = runner.invoke(args=words)
        if done.exit_code:
            raise SystemExit(f"flask {words[0]} failed: {done.output} {done.exception!r}")
    with app.app_context():
        db.engine.dispose()  # SQLite bears no file that is renamed while somebody has it open


def sqlite(customers: int) -> str:
    """Return the address of a SQLite demo shop, loading it the first time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"shop-{customers}-{_schema()}.db"
    if not path.exists():
        unfinished = path.with_suffix(".part")
        for leftover in FOLDER.glob(f"{unfinished.name}*"):
            leftover.unlink()
        fill(f"sqlite:///{unfinished}", customers)
        _settle(unfinished)
        unfinished.rename(path)
    return f"sqlite:///{path}"


def _schema() -> str:
    """Return a mark of the tables as they are, so that a shop with older ones is not measured."""
    versions = sorted((ROOT / "models" / "migrations" / "versions").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in versions)).hexdigest()[:12]


@contextmanager
def scratch(url: str) -> Iterator[str]:
    """Yield the address of a database like the one at ``url`` to write to; a SQLite shop is kept as it is."""
    if not url.startswith("sqlite"):
        yield url
        return
    with TemporaryDirectory() as folder:
        yield f"sqlite:///{shutil.copy(url.removeprefix('sqlite:///'), folder)}"


def _settle(path: Path) -> None:
    """Fold the write-ahead log into the file, so that the file alone is the database."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    engine.dispose()


@contextmanager
def postgresql(customers: int) -> Iterator[str]:
    """Yield the address of a PostgreSQL demo shop in a server of its own, stopped afterwards."""
    server = PostgresServer(in_memory=False)
    url = sa.make_url(server.start())
    try:
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text("CREATE DATABASE bench"))
        admin.dispose()
        address = url.set(database="bench").render_as_string(hide_password=False)
        fill(address, customers)
        settled = sa.create_engine(address, isolation_level="AUTOCOMMIT")
        with settled.connect() as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
        settled.dispose()
        yield address
    finally:
        server.stop()
