"""Commands of this layer: the clock, and the jobs by hand."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
from collections.abc import Callable
from threading import Event, Thread

import click
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from actions.runs.runs import run_to_completion, serve
from jobs.base import JOBS, Job, begin
from jobs.scheduler import keep_time
from models.cli import tell_new_name
from models.renamed_codes import current
from models.run import Run
from models.shop import load_shop

Find = Callable[[], Engine]
Clock = Callable[[], dt.datetime]


def commands(engine: Find, clock: Clock) -> list[click.Command]:
    """Return the commands for app.py to register.

    :param engine: returns the engine of the running application. :param clock: returns the present instant.
    """
    jobs = click.Group("jobs", help="List the scheduled jobs, or run one now.")
    jobs.add_command(_list_command(engine, clock))
    jobs.add_command(_run_command(engine, clock))
    return [_scheduler_command(engine, clock), jobs]


class JobName(click.Choice[str]):
    """The code of a declared job; what an earlier release called it is taken too, and the new name told."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the present code. :raises BadParameter: there is no such job."""
        tell_new_name(value)
        return super().convert(current(value), param, ctx)


def _name() -> str:
    """Return what this process is called as a worker."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _scheduler_command(engine: Find, clock: Clock) -> click.Command:
    @click.command("scheduler")
    def scheduler() -> None:
        """Keep the time: start each job when it is due, and work it off. Start several, on as many machines: each slot
        is done once."""
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_args: stop.set())
        timing = Thread(target=keep_time, args=(engine(), clock, stop), daemon=True)
        timing.start()
        click.echo(f"{len(JOBS)} jobs.")
        serve(engine(), clock, _name(), stop)
        timing.join()

    return scheduler


def _list_command(engine: Find, clock: Clock) -> click.Command:
    @click.command("list")
    def list_() -> None:
        """List the jobs: when they are due, and what became of the last run."""
        with Session(engine()) as session:
            zone = load_shop(session).zone
            for declared in JOBS.values():
                coming = declared.schedule.next(clock(), zone)
                when = f"{coming.astimezone(zone):%Y-%m-%d %H:%M}" if coming is not None else "never"
                last = _last(session, declared)
                click.echo(f"{declared.code:<24} {declared.schedule!s:<16} next {when}  {last}")

    return list_


def _run_command(engine: Find, clock: Clock) -> click.Command:
    @click.command("run")
    @click.argument("name", type=JobName(sorted(JOBS)))
    @click.option("--as-of", type=click.DateTime(), help="Process what was due by this time, in UTC.")
    @click.option("--preview", is_flag=True, help="Only say what it would do.")
    def run(name: str, as_of: dt.datetime | None, preview: bool) -> None:
        """Run a job now and wait for its end."""
        due = as_of.replace(tzinfo=dt.UTC) if as_of is not None else clock()
        if due > clock():
            raise click.BadParameter("it is in the future", param_hint="--as-of")
        if preview:
            with Session(engine()) as session:
                click.echo(str(JOBS[name].preview(session, due)))
            return
        _run(engine(), clock, JOBS[name], due)

    return run


def _last(session: Session, declared: Job) -> str:
    wanted = select(Run).where(Run.action == declared.code).order_by(Run.id.desc()).limit(1)
    run = session.scalar(wanted)
    return f"last: {run.state.label}, {run.done} done, {run.refused} not" if run is not None else "never ran"


def _run(engine: Engine, clock: Callable[[], dt.datetime], declared: Job, as_of: dt.datetime) -> None:
    claim = begin(engine, declared, clock(), as_of, _name())
    run_to_completion(engine, claim, clock)
    with Session(engine) as session:
        run = session.get_one(Run, claim.run_id)
        click.echo(f"{run.state.label}: {run.done} done, {run.refused} not.")
        if run.is_open or run.refused:
            raise SystemExit(1)
