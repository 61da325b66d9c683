"""What the shop's data is in is nobody else's to read, from the first moment on."""

import logging
import os
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from models import dialect, private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "data"
    found.mkdir(0o700)
    return found


def engine_on(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", **dialect.engine_options("sqlite://"))
    dialect.configure(engine)
    return engine


def write(engine: sa.Engine) -> None:
    with engine.execution_options(**{dialect.WRITE: True}).begin() as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS a (b)"))
        connection.execute(sa.text("INSERT INTO a VALUES (1)"))


def test_a_new_database_and_what_is_beside_it_are_private(folder: Path) -> None:
    before = os.umask(0o022)
    try:
        engine = engine_on(folder / "clientele.db")
        write(engine)
        assert {path.name: mode(path) for path in folder.iterdir()} == {
            "clientele.db": 0o600, "clientele.db-wal": 0o600, "clientele.db-shm": 0o600,
        }  # fmt: skip
        engine.dispose()
    finally:
        os.umask(before)


def test_one_that_was_open_to_others_is_closed_to_them(folder: Path) -> None:
    path = folder / "clientele.db"
    kept = engine_on(path)
    write(kept)
    for found in folder.iterdir():
        found.chmod(0o664)
    engine = engine_on(path)
    write(engine)
    assert {mode(found) for found in folder.iterdir()} == {0o600}
    engine.dispose()
    kept.dispose()


def test_a_folder_that_others_made_is_left_as_it_is_and_named_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.chmod(0o755)
    with caplog.at_level(logging.WARNING):
        for _turn in range(2):
            engine = engine_on(folder / "clientele.db")
            write(engine)
            engine.dispose()
    assert mode(folder) == 0o755
    assert caplog.text.count("is open to others") == 1


def test_what_belongs_to_somebody_else_is_named_and_left(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "clientele.db"
    path.touch(0o644)
    path.chmod(0o644)
    monkeypatch.setattr("models.private.os.geteuid", lambda: path.stat().st_uid + 1)
    with caplog.at_level(logging.WARNING):
        private.tighten(path)
    assert mode(path) == 0o644
    assert "belongs to somebody else" in caplog.text


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_makes_no_file(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    engine = sa.create_engine(url)
    dialect.configure(engine)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    engine.dispose()
    assert list(folder.iterdir()) == []


def test_a_place_that_is_not_there_is_told_as_ever(folder: Path) -> None:
    with pytest.raises(sa.exc.OperationalError, match="unable to open"):
        write(engine_on(folder / "nowhere" / "clientele.db"))
