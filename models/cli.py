"""What a command of the command line says of a database that it cannot work with."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models import outage, renamed_codes, renamed_fields, rescaling, schema


def plainly(
    command: click.Command, engine: Callable[[], Engine], *, checked: bool, counts: bool
) -> click.Command:
    """Have a command say in a sentence what is wrong with the database, in place of a traceback.

    :param checked: it does not begin on a database that is not as this release needs it.
    :param counts: nor on amounts that are stored with another scale than this version counts with (rule 2.1).
    """
    command = copy.copy(command)  # which several applications of a process may share
    invoke = command.invoke

    def invoked(ctx: click.Context) -> Any:
        try:
            if checked:
                schema.check(engine())
            if counts:
                rescaling.refuse_differences(engine())
            return invoke(ctx)
        except schema.SchemaError as unfit:
            raise click.ClickException(str(unfit)) from None
        except SQLAlchemyError as error:
            raise click.ClickException(_why(error, engine())) from error

    command.invoke = invoked  # type: ignore[method-assign]
    return command


def tell_new_name(name: str) -> None:
    """Say on stderr what a code or a field is called now, where it was given by an older name."""
    if (now := renamed_fields.current(renamed_codes.current(name))) != name:
        until = renamed_codes.ANSWERED_UNTIL
        click.echo(f"{name} is called {now} now; the old name works until {until}.", err=True)


def _why(error: SQLAlchemyError, engine: Engine) -> str:
    """Return what ails the database that an error came from. :raises SQLAlchemyError: nothing does."""
    found = outage.trouble(error)
    if found is None:
        raise error
    if found is outage.Trouble.SCHEMA:
        try:
            schema.check(engine)
        except schema.SchemaError as unfit:
            return str(unfit)
    return f"The database {found.said}: {outage.first_line(getattr(error, 'orig', None) or error)}"
