"""Commands that need the declared screens: migrate and sync permissions, and check the schema."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from admin.roles import sync
from models import schema
from models.base import db
from models.dialect import WRITE


@click.command()
@with_appcontext
def up() -> None:
    """Migrate the database, then make permissions and shipped roles match the declared screens."""
    schema.migrate(db.engine)
    with Session(db.engine.execution_options(**{WRITE: True})) as session, session.begin():
        made = sync(session, current_app.extensions["clientele"].screens.values())
    click.echo("Ready." if not made else f"Ready; new roles: {', '.join(made)}.")


@click.command("check-schema")
@with_appcontext
def check_schema() -> None:
    """Compare models, migrations and triggers on the configured database; fail where they differ."""
    found = schema.drift(db.engine)
    for sentence in found:
        click.echo(sentence, err=True)
    if found:
        raise SystemExit(1)
    click.echo("Models, migrations and triggers agree.")


COMMANDS = (up, check_schema)
