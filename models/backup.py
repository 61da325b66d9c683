"""A copy of the whole database in one file: whole under load, checked, put in place in one step; and the way back.

On SQLite the copy is made by SQLite itself, from one moment of a database that others go on writing to. On PostgreSQL
``pg_dump`` does the same. The keys, which are kept outside the database (ENCRYPTION_KEYS, SECRET_KEY
or their files), are in neither.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models import schema
from models.dialect import file_of

HEAD = b"SQLite format 3\x00"
SIDE_FILES = ("-wal", "-shm", "-journal")


class BackupRefused(RuntimeError):
    """No backup was made, or none restored; the message is a sentence for the person who asked."""


# -- making one ---------------------------------------------------------------------------------------------------


def make(engine: Engine, target: Path) -> None:
    """Write a checked copy of the database to a file that is not there yet, readable by its owner alone.

    :raises BackupRefused: the file is there, cannot be written, or the copy is not whole.
    """
    with _draft(target) as draft:
        if engine.dialect.name == "sqlite":
            _copy_sqlite(_file(engine), draft)
        else:
            _dump(engine, draft)
        _put(draft, target)


def _file(engine: Engine) -> Path:
    found = file_of(engine)
    if found is None or not found.exists():
        raise BackupRefused("Database file not found. Check DATABASE_URL.")
    return found


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Yield a new file beside the target, which is gone afterwards; killed half way, it is all that is left."""
    if target.exists():
        raise BackupRefused(f"{target} is there already; nothing is overwritten.")
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise BackupRefused(f"{target.parent} cannot be written to: {error.strerror}.") from None
    try:
        yield draft
    except OSError as error:
        raise BackupRefused(f"{target} could not be written: {error.strerror}.") from error
    finally:
        for suffix in ("", *SIDE_FILES):
            draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _put(draft: Path, target: Path) -> None:
    """Give the finished file its name, unless somebody has taken it; after a power cut it is whole or not there."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    try:
        os.link(draft, target)
    except FileExistsError:
        raise BackupRefused(f"{target} is there already; nothing is overwritten.") from None
    except OSError:  # a file system without links
        draft.rename(target)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    with suppress(OSError):
        os.fsync(handle)
    os.close(handle)


def _copy_sqlite(source: Path, draft: Path) -> None:
    """Copy one moment of a database: in a single step, which writers neither wait for nor start again."""
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True, timeout=30)) as there,
            closing(sqlite3.connect(draft)) as copy,
        ):
            there.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without others beside it
            _check_whole(copy)
    except sqlite3.Error as error:
        raise BackupRefused(f"The copy is not sound, so it was not kept: {error}") from error


def _check_whole(copy: sqlite3.Connection) -> None:
    said = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(3)")]
    if said != ["ok"]:
        raise sqlite3.DatabaseError("; ".join(said))
    if (broken := copy.execute("PRAGMA foreign_key_check").fetchone()) is not None:
        raise sqlite3.DatabaseError(f"rows of {broken[0]} refer to rows that are not there")


def _dump(engine: Engine, draft: Path) -> None:
    """Have pg_dump write the copy, and pg_restore read its table of contents."""
    url = engine.url.set(drivername="postgresql")
    plain = url._replace(password=None).render_as_string(hide_password=False)
    if shutil.which("pg_dump") is None:
        raise BackupRefused(
            "pg_dump, which comes with PostgreSQL, is not on this machine. Where it is, run: "
            f"pg_dump --format=custom --no-owner --file=clientele.dump '{plain}'"
        )
    _run("pg_dump", "--format=custom", "--no-owner", f"--file={draft}", plain, password=url.password)
    _run("pg_restore", "--list", str(draft))


def _run(*command: str, password: str | None = None) -> None:
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BackupRefused(f"{command[0]} failed: {done.stderr.strip()[-500:]}")


# -- the way back -------------------------------------------------------------------------------------------------


def restore(
    engine: Engine, source: Path, called: str, prepare: Callable[[Engine], object], *, older: bool
) -> Path | None:
    """Put a backup in the place of the database; return where that is kept, None where there was none.

    :param called: how the name of what is kept ends.
    :param prepare: what is done to the copy before anybody can open it.
    :param older: the database in place may have changes that the backup lacks.
    :raises BackupRefused: it is no backup of ours, somebody has the database open, or it has later changes.
    """
    target = file_of(engine)
    if target is None:
        raise BackupRefused(
            "flask restore is for SQLite. A backup of PostgreSQL is restored into an empty database by "
            "`pg_restore --no-owner --dbname=… FILE`; run `flask --app app sign-out-all` afterwards."
        )
    if not _is_sqlite(source):
        raise BackupRefused(f"{source} is no backup of a SQLite database.")
    with _draft(target.with_name(f"{target.name}.restored")) as draft:
        shutil.copyfile(source, draft)
        _prepare(draft, prepare)
        aside = target.with_name(f"{target.name}.{called}")
        with _nobody_else(target, draft, older=older):
            _set_aside(target, aside)
            draft.replace(target)
            _sync_folder(target.parent)
        return aside if aside.exists() else None


def _is_sqlite(source: Path) -> bool:
    if not source.is_file():
        return False
    with source.open("rb") as file:
        return file.read(len(HEAD)) == HEAD


def _set_aside(target: Path, aside: Path) -> None:
    """Keep the database that was in place, and leave none of its side files to the one that comes."""
    for suffix in ("", *SIDE_FILES):
        there = target.with_name(target.name + suffix)
        if there.exists():
            os.link(there, aside.with_name(aside.name + suffix))
    for suffix in SIDE_FILES:
        target.with_name(target.name + suffix).unlink(missing_ok=True)


def _prepare(draft: Path, prepare: Callable[[Engine], object]) -> None:
    try:
        with closing(sqlite3.connect(draft)) as copy:
            _check_whole(copy)
        engine = schema.open_engine(f"sqlite:///{draft}")
        schema.migrate(engine)
        prepare(engine)
        engine.dispose()
        with closing(sqlite3.connect(draft)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")
    except (sqlite3.Error, SQLAlchemyError, schema.SchemaError) as error:
        raise BackupRefused(f"This backup cannot be restored: {error}") from error


@contextmanager
def _nobody_else(target: Path, draft: Path, *, older: bool) -> Iterator[None]:
    """Keep everybody out of the database in place; refuse where somebody has it open, or it has later changes."""
    if not target.exists():
        yield
        return
    with closing(sqlite3.connect(target, timeout=0.5, isolation_level=None)) as there:
        try:
            there.execute("PRAGMA journal_mode = DELETE")  # only the last one connected may
            there.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise BackupRefused(
                    "The database is in use. Stop the server, workers and schedulers first."
                ) from None
        else:
            if not older and (last := _last_change(there)) > (then := _last_change_in(draft)):
                raise BackupRefused(
                    f"The database here has changes up to {last}, the backup only up to {then}. To go back and "
                    "lose what came since, add --older; the database as it is is kept beside it."
                )
        yield


def _last_change_in(file: Path) -> str:
    with closing(sqlite3.connect(file)) as copy:
        return _last_change(copy)


def _last_change(there: sqlite3.Connection) -> str:
    try:
        last = there.execute("SELECT max(at) FROM changeset WHERE action NOT LIKE 'staff.%'").fetchone()
        return str(last[0] or "")[:19]
    except sqlite3.DatabaseError:
        return ""
