"""Commands of this layer. They are given an engine, so that nothing here knows the web application."""

from __future__ import annotations

from collections.abc import Callable

import click
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from actions.verify import verify


def commands(engine: Callable[[], Engine]) -> list[click.Command]:
    """Return the commands for app.py to register.

    :param engine: returns the engine of the running application.
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

    return [check]
