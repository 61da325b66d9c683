"""Commands of this layer. They are given an engine, so that nothing here knows the web application."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
from collections.abc import Callable
from difflib import get_close_matches
from threading import Event, Thread

import click
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actions.duplicates import checking
from actions.mail import outbox
from actions.mail.outbox import Post
from actions.maintenance import encryption, rescaling, save_rules, seals, search_keys
from actions.maintenance.verify import verify
from actions.portal import login_as, requests
from actions.runs.runs import process_next_run, serve
from models import dialect, schema
from models.rescaling import said as other_scale
from models.schema import SchemaError

UNGUARDED = "Ledgers or the journal can be altered: %s."
LEFT_OVER = (
    "The database file could not be rewritten, so old secrets may be left in it. Stop everything "
    "else, free disk space for a second copy and run `flask --app app rotate-encryption`."
)
LEFT_IN_POSTGRESQL = (
    "PostgreSQL keeps old values in its files until it rewrites them. Run: VACUUM FULL second_factor, mail;"
)
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
        """Recompute every balance, lot and cache, and look after the triggers; name what is off and exit with 1."""
        with Session(engine()) as session:
            found = [UNGUARDED % what for what in schema.damage(session.connection())]
            found += [*other_scale(session.connection()), *verify(session)]
            count, link = seals.head(session)
        for sentence in found:
            click.echo(sentence, err=True)
        if found:
            raise SystemExit(1)
        click.echo("All balances, lots and caches are correct.")
        click.echo(f"The journal matches its {count} seals. The newest is {link}.")

    @click.command("worker")
    @click.option("--once", is_flag=True, help="Process what is waiting, then stop.")
    def worker(once: bool) -> None:
        """Work off long runs and send mail. Start as many as you like, on as many machines: each run is done, and each
        mail sent, by one at a time."""
        name = f"{socket.gethostname()}:{os.getpid()}"
        if once:
            while process_next_run(engine(), clock, name):
                pass
            requests.decide_all(engine(), clock)
            login_as.close_all(engine(), clock())
            outbox.deliver(engine(), clock, post)
            seals.seal_waiting(engine())
            return
        click.echo("Emails are sent." if post else "MAIL_SERVER is not set. Emails stay in the email log.")
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_args: stop.set())
        work(engine(), clock, post, name, stop)

    kept = _rescale_command(engine, clock), _rewrite_keys(engine, clock), _rotate(engine)
    return [check, worker, *kept, _rules()]


def _rescale_command(engine: Callable[[], Engine], clock: Callable[[], dt.datetime]) -> click.Command:
    @click.command("rescale")
    @click.argument("currency")
    @click.option("--preview", is_flag=True, help="Say what would change, and change nothing.")
    def rescale(currency: str, preview: bool) -> None:
        """Bring all stored amounts of a currency to the decimals that this version counts it with. Stop everything else
        first, and make a backup."""
        try:
            done = rescaling.rescale(engine(), currency.upper(), clock(), preview=preview)
        except SchemaError as error:
            raise click.ClickException(str(error)) from None
        for line in rescaling.lines(done, preview=preview):
            click.echo(line)

    return rescale


def _rules() -> click.Command:
    @click.command("rules")
    @click.argument("noun")
    def command(noun: str) -> None:
        """Print all that a save of a NOUN runs, in order: checks, hooks, listeners, invariants and triggers."""
        model = save_rules.nouns().get(noun)
        if model is None:
            close = get_close_matches(noun, save_rules.nouns(), 1)
            raise click.ClickException(f"There is no {noun}." + (f" Is it {close[0]}?" if close else ""))
        for line in save_rules.lines(model):
            click.echo(line)

    return command


def _rewrite_keys(engine: Callable[[], Engine], clock: Callable[[], dt.datetime]) -> click.Command:
    @click.command("rewrite-keys")
    def command() -> None:
        """Bring search keys up to date with this release's rules and data; name what clashes and exit with 1."""
        rows = 0

        def count(done: int) -> None:
            nonlocal rows
            rows += done

        clashes = search_keys.rewrite(engine(), clock(), count)
        click.echo(f"{rows:,} records checked.")
        for sentence in clashes:
            click.echo(sentence, err=True)
        if clashes:
            raise SystemExit(1)

    return command


def _rotate(engine: Callable[[], Engine]) -> click.Command:
    @click.command("rotate-encryption")
    def command() -> None:
        """Encrypt what is stored by the first of ENCRYPTION_KEYS, so that the others can be taken away; name what none
        of them opens and exit with 1. Broken off, it is begun again; people go on working."""
        done = encryption.renew(engine())
        click.echo(f"Encrypted with the first key: {done:,}.")
        tidied(engine())
        with Session(engine()) as session:
            found = encryption.faults(session)
        for sentence in found:
            click.echo(sentence, err=True)
        if found:
            raise SystemExit(1)
        click.echo("Everything is encrypted with the first key. You can remove the others.")

    return command


def tidied(engine: Engine) -> None:
    """Leave nothing of what was stored before in a SQLite file, or say how to."""
    if engine.dialect.name == "sqlite" and not dialect.rewrite_file(engine):
        click.echo(LEFT_OVER, err=True)
    elif engine.dialect.name == "postgresql":
        click.echo(LEFT_IN_POSTGRESQL)


def work(engine: Engine, clock: Callable[[], dt.datetime], post: Post | None, name: str, stop: Event) -> None:
    """Work off runs until ``stop``; beside it, so that none waits for another, send mail, seal the journal, decide
    what is asked for in the portal, and look for duplicates of customers who have changed."""
    beside = [
        Thread(target=outbox.serve, args=(engine, clock, post, stop), daemon=True),
        Thread(target=seals.serve, args=(engine, stop), daemon=True),
        Thread(target=requests.serve, args=(engine, clock, stop), daemon=True),
        Thread(target=checking.serve, args=(engine, clock, stop), daemon=True),
    ]
    for thread in beside:
        thread.start()
    serve(engine, clock, name, stop)
    for thread in beside:
        thread.join(LAST_WORDS)
