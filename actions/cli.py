"""Commands of this layer. They are given an engine, so that nothing here knows the web application."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
from collections.abc import Callable
from threading import Event

import click
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actions.runs import serve, work_off
from actions.verify import verify


def commands(engine: Callable[[], Engine], clock: Callable[[], dt.datetime]) -> list[click.Command]:
    """Return the commands for app.py to register.

    :param engine: returns the engine of the running application. :param clock: returns the present instant.
    """

    @click.command("verify")
    def check() -> None:
        """Recompute every balance, lot and cache; name what is off and exit with 1."""
        with Session(engine()) as session:
            found = verify(session)
        for sentence in found:
            click.echo(sentence, err=True)
        if found:
            raise SystemExit(1)
        click.echo("Every balance, lot and cache is right.")

    @click.command("worker")
    @click.option("--once", is_flag=True, help="Work off what waits, then stop.")
    def worker(once: bool) -> None:
        """Work off long runs. Start as many as you like, on as many machines: each run is done by one at a time."""
        name = f"{socket.gethostname()}:{os.getpid()}"
        if once:
            while work_off(engine(), clock, name):
                pass
            return
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_args: stop.set())
        serve(engine(), clock, name, stop)

    return [check, worker]
