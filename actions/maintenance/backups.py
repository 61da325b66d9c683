"""Commands for backups: made under load, restored by nobody's mistake, and nobody signed in after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import click
from sqlalchemy import Engine, inspect

from actions.core.base import SYSTEM
from actions.execution import session_store
from actions.execution.runner import Call, changeset
from actions.maintenance import encryption
from actions.portal import sessions as customers
from actions.staff import security_events, sessions
from models import backup, dialect, vault
from models.backup import BackupRefused

Clock = Callable[[], dt.datetime]
FILE = click.Path(dir_okay=False, path_type=Path)


def commands(engine: Callable[[], Engine], clock: Clock) -> list[click.Command]:
    """Return the commands for app.py to register.

    :param engine: returns the engine of the running application. :param clock: returns the present instant.
    """
    return [_backup(engine), _restore(engine, clock), _sign_out_all(engine, clock)]


def _backup(engine: Callable[[], Engine]) -> click.Command:
    @click.command("backup")
    @click.argument("path", type=FILE)
    def command(path: Path) -> None:
        """Write a checked copy of the database to a new file, while the shop goes on."""
        try:
            backup.make(engine(), path)
        except BackupRefused as refused:
            raise click.ClickException(str(refused)) from None
        click.echo(
            f"{path}: {path.stat().st_size:,} bytes, complete. The keys are not in it: "
            "keep ENCRYPTION_KEYS (or instance/encryption_key) apart, SECRET_KEY (or instance/secret_key) too."
        )

    return command


def _restore(engine: Callable[[], Engine], clock: Clock) -> click.Command:
    @click.command("restore")
    @click.argument("path", type=FILE)
    @click.option("--older", is_flag=True, help="Go back, though the database in place has later changes.")
    def command(path: Path, older: bool) -> None:
        """Put a backup in the place of the database, and sign everybody out. Everything that serves must be stopped."""
        made, now = engine(), clock()
        made.dispose()
        called = f"before-{now:%Y%m%d-%H%M%S}"

        def prepare(copy: Engine) -> None:
            _sign_everybody_out(copy, now, path.name)
            if (keys := vault.held(made)) is not None:
                vault.give(copy, keys)
                encryption.encrypt_what_is_clear(copy)
                dialect.rewrite_file(copy)

        try:
            aside = backup.restore(made, path, called, prepare, older=older)
        except BackupRefused as refused:
            raise click.ClickException(str(refused)) from None
        click.echo("Restored. Everyone is signed out. Passwords, roles and API keys are those of the backup.")
        if aside is not None:
            click.echo(f"The previous database is kept as {aside}.")

    return command


def _sign_out_all(engine: Callable[[], Engine], clock: Clock) -> click.Command:
    @click.command("sign-out-all")
    def command() -> None:
        """End every session, of people and of programs, such as after a backup of PostgreSQL was restored."""
        count = _sign_everybody_out(engine(), clock(), "")
        click.echo(f"{count} sessions ended.")

    return command


def _sign_everybody_out(engine: Engine, now: dt.datetime, restored: str) -> int:
    """End every session of staff and customers, and write down that and from which backup, as one event.

    The backup may be of a release that knew no portal.
    """
    because = session_store.RESTORED if restored else session_store.REVOKED
    with changeset(engine, "staff.all_signed_out", Call(SYSTEM, now, reason=restored)) as ctx:
        assert ctx.journal.header["action"] in security_events.EVENTS
        _ = ctx.changeset_id
        there = set(inspect(ctx.session.connection()).get_table_names())
        stores = (store for store in (sessions.STORE, customers.STORE) if store.table.name in there)
        return sum(store.end_everybodys(ctx.session, now, because) for store in stores)
