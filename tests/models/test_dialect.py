"""What one deed asks of its connection is not left to the next."""

from pathlib import Path

from sqlalchemy import Connection, create_engine

from models.dialect import BUSY_TIMEOUT_MS, PATIENCE, WRITE, configure


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
