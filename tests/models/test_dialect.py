"""What one change asks of its connection is not left to the next."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from models.dialect import (
    BUSY_TIMEOUT_MS,
    PATIENCE,
    WRITE,
    Turns,
    configure,
    limit_reads,
    limit_waits,
    ran_out,
)
from models.schema import open_engine


def patience(connection: Connection) -> int:
    """Milliseconds that a connection waits for somebody else's lock."""
    return int(connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one())


def test_who_gets_an_impatient_connection_next_is_as_patient_as_ever(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/one.db", pool_size=1, max_overflow=0)
    configure(engine)
    for options in ({}, {WRITE: True}):
        with engine.execution_options(**{WRITE: True, PATIENCE: 200}).begin() as hurried:
            assert patience(hurried) == 200
        with engine.execution_options(**options).begin() as connection:
            assert patience(connection) == BUSY_TIMEOUT_MS
    engine.dispose()


LOCK_WAIT = {
    "sqlite": "PRAGMA busy_timeout",
    "postgresql": "SELECT setting FROM pg_settings WHERE name = 'lock_timeout'",
}
AS_EVER = {"sqlite": BUSY_TIMEOUT_MS, "postgresql": 0}


@pytest.mark.usefixtures("_unlimited")
def test_only_what_writes_while_waits_are_limited_waits_no_longer(engine: Engine) -> None:
    kind = engine.dialect.name

    def waits(**options: object) -> int:
        with engine.execution_options(**options).begin() as connection:
            return int(connection.exec_driver_sql(LOCK_WAIT[kind]).scalar_one())

    limit_waits(1.5)
    assert waits(**{WRITE: True}) == 1500
    assert waits() == AS_EVER[kind]
    assert waits(**{WRITE: True, PATIENCE: 200}) == 200
    with ThreadPoolExecutor(1) as pool:  # a worker in the same process
        assert pool.submit(waits, **{WRITE: True}).result() == AS_EVER[kind]
    limit_waits(None)
    assert waits(**{WRITE: True}) == AS_EVER[kind]


def test_who_writes_chunk_after_chunk_lets_others_in_between_on_sqlite(engine: Engine) -> None:
    paused: list[float] = []
    turns = Turns(engine, paused.append)
    turns.give()
    assert paused == [], "not after each of many short ones"
    turns.give(longest=-1)
    assert len(paused) == (engine.dialect.name == "sqlite")


def test_many_may_open_a_new_file_at_the_same_moment(tmp_path: Path) -> None:
    for number in range(30):
        engines = [open_engine(f"sqlite:///{tmp_path}/{number}.db") for _ in range(8)]
        together = Barrier(len(engines))

        def mode(engine: Engine, together: Barrier = together) -> str:
            together.wait(timeout=60)
            with engine.connect() as connection:
                return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())

        with ThreadPoolExecutor(len(engines)) as pool:
            assert list(pool.map(mode, engines)) == ["wal"] * len(engines)


SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rounds}) SELECT count(*) FROM n",
    "postgresql": "SELECT count(*) FROM generate_series(1, {rounds}) AS a(n) WHERE md5(n::text) > ''",
}


@pytest.fixture
def _unlimited() -> Iterator[None]:
    yield
    limit_reads(None)
    limit_waits(None)


@pytest.mark.usefixtures("_unlimited")
def test_what_reads_for_too_long_is_given_up_and_the_connection_serves_the_next(engine: Engine) -> None:
    slow = SLOW[engine.dialect.name].format(rounds=2_000_000_000)
    for _again in range(2):
        limit_reads(0.2)
        began = time.monotonic()
        with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
            connection.exec_driver_sql(slow)
        assert ran_out(caught.value)
        assert time.monotonic() - began < 10
        with engine.connect() as connection:  # short statements still come
            assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1


@pytest.mark.usefixtures("_unlimited")
def test_a_limit_that_is_lifted_or_for_readers_only_does_not_end_what_takes_longer(engine: Engine) -> None:
    longer = SLOW[engine.dialect.name].format(rounds=3_000_000)
    limit_reads(0.05)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        limit_reads(None)
        assert connection.exec_driver_sql(longer).scalar_one()
        limit_reads(0.05)
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql(longer)
    with engine.execution_options(**{WRITE: True}).connect() as connection:
        assert connection.exec_driver_sql(longer).scalar_one()


def test_every_letter_has_its_small_one_on_both_databases(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT lower('ÉCLAIR ŁÓDŹ ΑΩ')").scalar_one() == "éclair łódź αω"
        assert connection.exec_driver_sql("SELECT lower(NULL)").scalar_one() is None
    engine.dispose()
