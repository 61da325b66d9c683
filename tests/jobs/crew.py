"""Processes that do jobs, to be killed: ``flask scheduler`` and ``flask jobs run`` themselves, by a clock of the test's own.

One process reads the code once and forks whoever the test asks for, so that a start takes milliseconds. All tell the time
from a file that the test writes.
"""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import NoReturn

from sqlalchemy import select
from sqlalchemy.orm import Session

import jobs.registry  # noqa: F401  declares the jobs
from actions.core.base import Context
from actions.core.customer_guard import live_customer
from actions.duplicates import checking
from actions.ledgers.loyalty import earn
from jobs import cli, expiry_notices, loyalty, scheduler, statements
from jobs.base import JOBS, JobPreview, job
from models.customer import Customer
from models.run import Run
from models.schema import open_engine
from tests.postgres import die_with_parent

EACH_TIME = 3
"""How many chunks a run of :data:`COUNTING` has."""
COUNTING = "test.counting"
CHUNKED = {
    "loyalty.expire": loyalty,
    "loyalty.send_expiry_notices": expiry_notices,
    "customer.remind": statements,
    "duplicate.flag": checking,
}
"""Where the size of a job's chunks is said, by its code."""
PATIENCE = 300.0
BRISK = 0.05


def declare_counting() -> None:
    """Declare a job, each ten seconds, that gives the first customer a point for each of its chunks.

    What it does twice is seen twice: nothing but the run keeps it from that.
    """

    def foreseen(session: Session, as_of: dt.datetime) -> JobPreview:
        return JobPreview(EACH_TIME, "%(count)s points will be given.", {"count": EACH_TIME})

    @job(COUNTING, every=10, label="Count", preview=foreseen)
    def count(ctx: Context, run: Run, as_of: dt.datetime) -> int:
        if run.done == EACH_TIME:
            return 0
        first = ctx.session.scalars(select(Customer.id).order_by(Customer.id).limit(1)).one()
        earn(ctx, live_customer(ctx, first), 1, comment=f"{as_of:%H:%M:%S}")
        return 1


class Crew:
    """The test's side. ``start`` gives a process, by its id; on leaving all are killed."""

    def __init__(self, url: str, folder: Path, code: str, now: dt.datetime, chunk: int = 1) -> None:
        self._clock = folder / "clock"
        self.set_clock(now)
        command = [sys.executable, "-m", "tests.jobs.crew", url, str(self._clock), code, str(chunk)]
        self._parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.alive: list[int] = []

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in list(self.alive):
            self.kill(one)
        with self._parent:
            self._parent.stdin.close()

    def set_clock(self, now: dt.datetime) -> None:
        """Have it be ``now`` for all of them."""
        draft = self._clock.with_suffix(".new")
        draft.write_text(now.isoformat())
        draft.replace(self._clock)

    def start(self, *words: str) -> int:
        """Start ``flask …``."""
        pid = int(self._ask(" ".join(words)))
        self.alive.append(pid)
        return pid

    def end(self, pid: int) -> int:
        """Wait for a process to end by itself; return its exit code."""
        self.alive.remove(pid)
        return int(self._ask(f"wait {pid}"))

    def kill(self, pid: int) -> None:
        """Kill -9; see to it that it is dead."""
        os.kill(pid, signal.SIGKILL)
        assert self.end(pid) in (0, -signal.SIGKILL), "it failed before it could be killed"

    def _ask(self, line: str) -> str:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        print(line, file=self._parent.stdin, flush=True)
        answer = self._parent.stdout.readline()
        assert answer, "the parent of the crew has ended"
        return answer


def until(what: Callable[[], bool]) -> None:
    """Look again and again until something is so."""
    limit, pause = time.monotonic() + PATIENCE, Event()
    while not what():
        assert time.monotonic() < limit, "it never came about"
        pause.wait(BRISK / 5)  # leaves the machine to those who are looked at


# -- in the processes ---------------------------------------------------------------------------------------------


def main(url: str, clock_file: str, code: str, chunk: str) -> None:
    """Fork whoever is asked for on standard input, until it ends."""
    declare_counting()
    for other in set(JOBS) - {code}:
        del JOBS[other]
    if code in CHUNKED:
        setattr(CHUNKED[code], "CHUNK", int(chunk))  # noqa: B010 - mypy knows a module's names only
    scheduler.TICK_SECONDS = BRISK
    cli.serve = partial(cli.serve, idle=BRISK)
    for line in sys.stdin:
        if line.startswith("wait "):
            _pid, status = os.waitpid(int(line.split()[1]), 0)
            _say(os.waitstatus_to_exitcode(status))
        elif pid := os.fork():
            _say(pid)
        else:
            _work(url, Path(clock_file), line.split())


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _work(url: str, clock_file: Path, words: list[str]) -> NoReturn:
    """Be one of the crew; what it says goes nowhere."""
    die_with_parent()
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    engine = open_engine(url)
    commands = {
        command.name: command
        for command in cli.commands(lambda: engine, lambda: dt.datetime.fromisoformat(clock_file.read_text()))
    }
    try:
        commands[words[0]].main(words[1:])
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
