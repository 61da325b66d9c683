"""Commands that need the declared screens: migrate and sync permissions, and check the schema."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from actions.lookups import first_channel
from admin.context import clientele
from admin.roles import first_admin, sync
from admin.sentences import sentence
from models import schema
from models.base import Invalid, Staff, db
from models.dialect import WRITE


@click.command()
@click.option("--admin", "email", help="Email of the first admin, made only while there is no staff at all.")
@with_appcontext
def up(email: str | None) -> None:
    """Migrate the database, make permissions match the declared screens, and give a new shop what it cannot do
    without: the shipped roles and a first sales channel."""
    schema.migrate(db.engine)
    with Session(db.engine.execution_options(**{WRITE: True})) as session, session.begin():
        made = sync(session, clientele().screens.values())
        staffed = session.scalar(select(Staff.id).limit(1)) is not None
        password = None if staffed or not email else _first_admin(session, email)
    first_channel(db.engine, clientele().clock())
    click.echo("Ready." if not made else f"Ready; new roles: {', '.join(made)}.")
    if password:
        click.echo(f"First admin: sign in as {email} with the password {password} and keep it safe.")
    elif not staffed:
        click.echo("There is no staff yet: `flask --app app up --admin you@your.shop` makes the first admin.")


def _first_admin(session: Session, email: str) -> str:
    try:
        return first_admin(session, email, _hash)
    except Invalid as invalid:
        raise click.BadParameter(sentence(invalid.errors["email"]), param_hint="--admin") from None


def _hash(password: str) -> str:
    return generate_password_hash(password, current_app.config["FAB_PASSWORD_HASH_METHOD"])


@click.command("check-schema")
@click.option("--here", is_flag=True, help="Check the configured database instead of a freshly migrated one.")
@with_appcontext
def check_schema(here: bool) -> None:
    """Compare models, migrations and triggers; fail where they differ."""
    found = schema.drift(db.engine) if here else _fresh_drift()
    for difference in found:
        click.echo(difference, err=True)
    if found:
        raise SystemExit(1)
    click.echo("Models, migrations and triggers agree.")


def _fresh_drift() -> list[str]:
    with TemporaryDirectory() as folder:
        engine = schema.open_engine(f"sqlite:///{folder}/fresh.db")
        schema.migrate(engine)
        found = schema.drift(engine)
        engine.dispose()
    return found


COMMANDS = (up, check_schema)
