"""The command that loads the demo shop."""

from __future__ import annotations

import time
from collections.abc import Callable

import click
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import demo
from demo.customer import demo_customer
from models import schema
from models.dialect import WRITE


def commands(
    engine: Callable[[], Engine], hash_password: Callable[[str], str] | None = None
) -> list[click.Command]:
    """Return the commands, ready to register.

    :param engine: gives the configured engine when a command runs.
    :param hash_password: makes the stored form of a password; without it the demo shop gets no staff.
    """
    return [_demo(engine, hash_password)]


def _demo(engine: Callable[[], Engine], hash_password: Callable[[str], str] | None) -> click.Command:
    @click.command("demo")
    @click.option("--customers", type=click.IntRange(1, 10_000_000), default=2000, show_default=True)
    @click.option(
        "--seed", type=int, default=2026, show_default=True, help="The same seed gives the same shop."
    )
    def command(customers: int, seed: int) -> None:
        """Fill an empty database with a believable shop, and staff to sign in as."""
        _load(engine(), customers, seed, hash_password)

    return command


def _load(engine: Engine, customers: int, seed: int, hash_password: Callable[[str], str] | None) -> None:
    started = time.monotonic()
    try:
        if not schema.at_head(engine):
            raise demo.DemoRefused("The database is not up to date: run `flask --app app up` first.")
        demo.refuse_unless_empty(engine)
        added = _staff(engine, hash_password) if hash_password else []
        with click.progressbar(length=customers, label="Customers") as bar:
            rows = demo.load(engine, customers, seed, progress=lambda done: bar.update(done - bar.pos))
        added += _customer(engine, hash_password) if hash_password else []
    except (demo.DemoRefused, schema.SchemaError, LookupError) as refused:
        raise click.ClickException(str(refused)) from refused
    click.echo(f"{customers:,} customers in {rows:,} rows, {time.monotonic() - started:.0f} s.")
    if added:
        click.echo(f"Sign in as {', '.join(added)}; the password of each is {demo.PASSWORD}.")


def _customer(engine: Engine, hash_password: Callable[[str], str]) -> list[str]:
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        found = demo_customer(session, hash_password)
    return [f"{found} (in the customers' portal)"] if found else []


def _staff(engine: Engine, hash_password: Callable[[str], str]) -> list[str]:
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        return demo.demo_staff(session, hash_password)
