"""Flagging duplicates among everybody, beside a bare self-join on the two stored keys; and the next pair of the queue.

The self-join writes the pairs that share an email, or surname and postcode of the primary address, into a table, and
knows nothing else: no addresses besides, no phones, dates or spellings, no evidence, no decisions. Ours works in a
process of its own, as the clock's does.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import configure_mappers

from actions.duplicates import checking
from actions.runs import runs
from bench.imports import memory, settled, timed
from bench.lists import ROUNDS, WARM_UP, Timing, asked, pages_of, timing
from jobs.base import JOBS, start
from models.dialect import WRITE
from models.schema import open_engine

LIVE = "merged_into_id IS NULL AND anonymised_at IS NULL"
SELF_JOIN = f"""
CREATE TABLE bench_pair AS
WITH live AS (SELECT id, email_key, last_name_key, postcode_key FROM customer WHERE {LIVE})
SELECT a.id AS lower_id, b.id AS higher_id FROM live a JOIN live b ON b.email_key = a.email_key AND b.id > a.id
WHERE a.email_key <> ''
UNION
SELECT a.id, b.id FROM live a
JOIN live b ON b.last_name_key = a.last_name_key AND b.postcode_key = a.postcode_key AND b.id > a.id
WHERE a.last_name_key <> '' AND a.postcode_key <> ''
"""
"""The pairs by two keys alone."""
FIRST = "SELECT id FROM duplicate_pair WHERE is_open ORDER BY is_likely DESC, score DESC, id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds of the job when nobody had been looked at, and of the next one; of the self-join; megabytes; the page.

    ``pairs`` are those found by us and by the self-join.
    """

    first: float
    again: float
    by_hand: float
    grown: float
    pairs: tuple[int, int]
    page: Timing

    @property
    def ratio(self) -> float:
        """How many times as long a full run of ours takes as the self-join."""
        return self.again / self.by_hand


def compare(url: str) -> Taken:
    """Flag everybody twice, and join by hand; the database is left with the pairs of both."""
    engine = open_engine(url)
    first, again = (_told(url) for _run in range(2))
    by_hand = timed(lambda: _by_hand(engine))
    with engine.connect() as connection:
        pairs = _count(connection, "duplicate_pair"), _count(connection, "bench_pair")
    grown = max(first["grown"], again["grown"])
    return Taken(first["seconds"], again["seconds"], by_hand, grown, pairs, _next_pair(url, engine))


def _count(connection: Connection, table: str) -> int:
    return int(connection.scalar(text(f"SELECT COUNT(*) FROM {table}")) or 0)


def _by_hand(engine: Engine) -> None:
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        connection.execute(text(SELF_JOIN))


def _next_pair(url: str, engine: Engine) -> Timing:
    """Return how long the first pair's page takes, the way on to the next among it."""
    with engine.connect() as connection:
        pair = connection.scalar(text(FIRST))
    name = "next pair"
    ask = pages_of(url, {name: f"/admin/duplicate/details/?id={pair}"})[name]
    for _round in range(WARM_UP):
        asked(ask)
    return timing(name, [asked(ask) for _round in range(ROUNDS)])


def _told(url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.flagging", url]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def flag(url: str) -> None:
    """Look at everybody; say what it took."""
    engine = open_engine(url)
    configure_mappers()
    before = settled()
    taken = timed(lambda: _flag(engine))
    print(json.dumps({"seconds": taken, "grown": memory("VmHWM") - before}), flush=True)


def _flag(engine: Engine) -> None:
    now = dt.datetime.now(dt.UTC)
    start(engine, JOBS["duplicate.flag"], now, now)
    while runs.process_next_run(engine, lambda: dt.datetime.now(dt.UTC), "bench"):
        pass
    checking.check_all(engine, lambda: dt.datetime.now(dt.UTC))


if __name__ == "__main__":
    flag(*sys.argv[1:])
