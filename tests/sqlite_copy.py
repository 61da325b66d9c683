"""A SQLite file that tests write to, one after the other, and each finds as its template is."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import sqlalchemy as sa

AS_COPIED = 1
"""Nanoseconds: the time that a file bears which nothing was written to since it was copied."""
PAGE = 4096
LOG_HEADER, FRAME_HEADER, INDEX_HEADER = 32, 24, 96
"""Bytes of SQLite's log (https://sqlite.org/fileformat2.html#walformat), and of the two equal heads of its index."""


class SQLiteCopy:
    """A file that has what a template has, again and again.

    What a test writes stands in the log beside the file, so where that is emptied it was never written, and connections
    stay open: to open three of them and to read the definitions of all tables takes as long as to show a page. Where
    somebody still reads or writes, made or changed a table, or wrote so much that it went into the file, the template is
    copied.
    """

    def __init__(self, file: Path, engines: Callable[[], Iterable[sa.Engine]]) -> None:
        self._file, self._engines = file, engines
        self._log, self._index_file = (file.with_name(f"{file.name}-{end}") for end in ("wal", "shm"))
        self._copied: tuple[Path, int] | None = None
        self._index: int | None = None

    def renew(self, template: Path) -> None:
        """Have what the template has, and nothing of what was written since."""
        if not self._is_as_copied(template):
            self._copy(template)
        elif self._log.exists():
            self._empty_log()

    def _copy(self, template: Path) -> None:
        for engine in self._engines():
            engine.dispose()
        remove_sqlite(self._file)
        if self._index is not None:
            os.close(self._index)
            self._index = None
        shutil.copyfile(template, self._file)
        os.utime(self._file, ns=(AS_COPIED, AS_COPIED))
        self._copied = template, self._file.stat().st_ino

    def _is_as_copied(self, template: Path) -> bool:
        """Return whether the file itself has only what the template has, the log only rows, and nobody is at it."""
        there = self._file.stat() if self._file.exists() else None
        if there is None or there.st_mtime_ns != AS_COPIED or self._copied != (template, there.st_ino):
            return False
        is_whole = self._log.exists() == self._index_file.exists()
        return is_whole and not self._is_in_use() and tables_in_log(self._log) <= {tables_in(template)}

    def _is_in_use(self) -> bool:
        pools = [engine.pool for engine in self._engines() if engine.url.database == str(self._file)]
        return any(not isinstance(pool, sa.QueuePool) or pool.checkedout() for pool in pools)

    def _empty_log(self) -> None:
        """Have SQLite read the log anew, as after a crash, by making void what the index says of it."""
        os.truncate(self._log, 0)
        os.pwrite(self._index_of_log(), bytes(INDEX_HEADER), 0)

    def _index_of_log(self) -> int:
        """Return a handle that is never closed while the file is there: with it would go the locks of all connections."""
        if self._index is None or os.fstat(self._index).st_ino != self._index_file.stat().st_ino:
            self._index = os.open(self._index_file, os.O_RDWR)
        return self._index


def tables_in(file: Path) -> bytes:
    """Return what the head of a closed SQLite file tells its tables by: a number that changes with them."""
    with file.open("rb") as opened:
        return opened.read(44)[40:]


def tables_in_log(log: Path) -> set[bytes]:
    """Return the same of each first page that stands in a log; nothing where there is none."""
    written = log.read_bytes() if log.exists() else b""
    frames = range(LOG_HEADER, len(written), FRAME_HEADER + PAGE)
    pages = (at + FRAME_HEADER for at in frames if int.from_bytes(written[at : at + 4], "big") == 1)
    return {written[at + 40 : at + 44] for at in pages}


def remove_sqlite(file: Path) -> None:
    """Remove a database file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
