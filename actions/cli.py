"""Commands of this layer. They are given an engine, so that nothing here knows the web application."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
from collections.abc import Callable
from threading import Event, Thread

import click
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actions import outbox
from actions.outbox import Post
from actions.runs import serve, work_off
from actions.verify import verify

LAST_WORDS = 30.0
"""Seconds that a mail on its way has to end when the worker stops; one cut off is sent again by the next worker."""


def commands(
    engine: Callable[[], Engine], clock: Callable[[], dt.datetime], post: Post | None
) -> list[click.Command]:
    """Return the commands for app.py to register.

    :param engine: returns the engine of the running application. :param clock: returns the present instant.
    :param post: the way to the mail server, where one is set up.
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
        """Work off long runs and send mail. Start as many as you like, on as many machines: each run is done, and each
        mail sent, by one at a time."""
        name = f"{socket.gethostname()}:{os.getpid()}"
        if once:
            while work_off(engine(), clock, name):
                pass
            outbox.deliver(engine(), clock, post)
            return
        click.echo("Mail goes out." if post else "MAIL_SERVER is not set: mail stays in the email log.")
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_args: stop.set())
        work(engine(), clock, post, name, stop)

    return [check, worker]


def work(engine: Engine, clock: Callable[[], dt.datetime], post: Post | None, name: str, stop: Event) -> None:
    """Work off runs and, beside it so that neither waits for the other, send mail; until ``stop``."""
    sender = Thread(target=outbox.serve, args=(engine, clock, post, stop), daemon=True)
    sender.start()
    serve(engine, clock, name, stop)
    sender.join(LAST_WORDS)
