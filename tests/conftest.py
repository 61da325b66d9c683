"""The rig. The fixtures ``database``, ``app``, ``client``, ``as_role`` come once a database."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, Protocol

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, settings

from tests import application, budget, network
from tests.databases import KINDS, Database, Run, close_all_connections
from tests.scale import is_passed_over

RUN = pytest.StashKey[Run]()
MakeUrl = Callable[[str, str], str]
CI = os.environ.get("CI", "").lower() in {"1", "true"}


class FindDatabase(Protocol):
    """The fixture ``databases``."""

    def __call__(self, kind: str, name: str = "") -> Database: ...


settings.register_profile(
    "clientele",
    deadline=None,  # a busy machine is not a failing test
    derandomize=CI,  # what CI tests depends on the code alone; at home each run looks elsewhere
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("clientele")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the budget."""
    budget.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Join the run, or begin it in the first process."""
    joined = getattr(config, "workerinput", {}).get("run")
    run = config.stash[RUN] = Run(joined)
    budget.register(config, run.server_seconds)
    network.install()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the other kind of run tries, see :func:`tests.scale.is_passed_over`; the longest come first, so that at
    the end no worker waits for another's."""
    passed_over = {item for item in items if is_passed_over(item)}
    config.hook.pytest_deselected(items=list(passed_over))
    items[:] = [item for item in items if item not in passed_over]
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Spare the collector what stays until the end: code, tables and tests are a million objects, gone over each time."""
    gc.freeze()
    gc.set_threshold(500_000, 20, 20)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell each xdist worker where the run's folder and server are."""
    node.workerinput["run"] = node.config.stash[RUN].invitation()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    if RUN in config.stash:
        config.stash[RUN].end()


@pytest.fixture(autouse=True)
def _stay_on_this_machine() -> Iterator[None]:
    """Fail a test that tried to reach the network or a mail server, even if the code swallowed the error."""
    network.take_attempts()
    yield
    attempts = network.take_attempts()
    if attempts:
        pytest.fail("the test tried to leave this machine: " + "; ".join(attempts))


def unavailable(what: str) -> NoReturn:
    """Skip for want of something on a developer's machine; fail in CI, where everything must be there."""
    if CI:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """The kind of database under a test. For one kind only:
    ``@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)``."""
    return str(request.param)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[FindDatabase]:
    """``databases(kind)`` is this worker's database, ``databases(kind, "name")`` a further one from the same template.

    For fixtures that share one between tests; they call ``renew`` once. A test takes ``database``.
    """
    run = request.config.stash[RUN]
    known: dict[tuple[str, str], Database] = {}

    def find(kind: str, name: str = "") -> Database:
        if (kind, name) not in known:
            with _or_unavailable():
                known[kind, name] = run.database(kind, application.build_template, name)
        return known[kind, name]

    yield find
    for found in known.values():
        found.leave()
    close_all_connections()


@pytest.fixture(scope="session")
def make_url(request: pytest.FixtureRequest) -> MakeUrl:
    """``make_url(kind, name)`` is the address of a database with nothing in it, in place of an earlier one."""
    run = request.config.stash[RUN]

    def make(kind: str, name: str) -> str:
        with _or_unavailable():
            return run.empty_url(kind, name)

    return make


@pytest.fixture
def empty_url(make_url: MakeUrl, database_kind: str) -> str:
    """The address of an empty database of the kind under test."""
    return make_url(database_kind, "empty")


@contextmanager
def _or_unavailable() -> Iterator[None]:
    try:
        yield
    except LookupError as missing:
        unavailable(str(missing))


@pytest.fixture
def database(database_kind: str, databases: FindDatabase) -> Database:
    """A fresh, migrated database with the shipped roles and a staff account for each, and nothing else."""
    found = databases(database_kind)
    found.renew()
    return found


@pytest.fixture
def engine(database: Database) -> sa.Engine:
    """An engine on ``database`` with the settings that the rules rely on, for tests below the web."""
    return database.engine


@pytest.fixture(scope="session")
def _applications() -> dict[str, Flask]:
    return {}


@pytest.fixture
def app(database: Database, _applications: dict[str, Flask]) -> Flask:
    """The application on ``database``.

    It is built once a worker and kind, so a test must not change its settings; one that must, builds its own:
    ``application.make(database.url, ...)``.
    """
    if database.kind not in _applications:
        _applications[database.kind] = application.make(database.url)
    return _applications[database.kind]


@pytest.fixture
def client(app: Flask) -> application.Client:
    """A browser that is signed out."""
    return application.browser(app)


@pytest.fixture
def as_role(app: Flask) -> Callable[[str], application.Client]:
    """``as_role("Support")`` is a browser signed in as a member of staff with that shipped role."""
    return lambda role: application.sign_in(app, role)
