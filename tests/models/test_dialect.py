"""What one deed asks of its connection is not left to the next."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from sqlalchemy import Connection, Engine, create_engine

from models.dialect import BUSY_TIMEOUT_MS, PATIENCE, WRITE, configure
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
