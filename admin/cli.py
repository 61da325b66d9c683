"""Commands that need the declared screens: migrate and sync permissions, and check the schema."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import click
from flask import current_app, g
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

import jobs.base
from actions.base import Refused
from actions.credentials import print_link
from actions.lookups import first_channel
from admin import acting
from admin.access import page
from admin.context import clientele
from admin.errors import TITLES
from admin.roles import first_admin, sync
from admin.sentences import sentence
from admin.sign_in import hash_password
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
        jobs.base.sync(session, clientele().clock())
        password = None if staffed or not email else _first_admin(session, email)
    first_channel(db.engine, clientele().clock())
    click.echo("Ready." if not made else f"Ready; new roles: {', '.join(made)}.")
    if password:
        click.echo(f"First admin: sign in as {email} with the password {password} and keep it safe.")
    elif not staffed:
        click.echo("There is no staff yet: `flask --app app up --admin you@your.shop` makes the first admin.")


def _first_admin(session: Session, email: str) -> str:
    try:
        return first_admin(session, email, hash_password)
    except Invalid as invalid:
        raise click.BadParameter(sentence(invalid.errors["email"]), param_hint="--admin") from None


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


@click.command("act")
@click.argument("code")
@click.argument("ids", nargs=-1, type=click.IntRange(min=1))
@click.option("--as", "username", required=True, help="User name of the member of staff who acts.")
@click.option("--set", "values", multiple=True, metavar="FIELD=VALUE", help="A field of the action's form.")
@click.option("--preview", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--confirm", help="The record's name (or how many there are), for a dangerous action.")
@click.option(
    "--fingerprint", help="What --preview printed, for a dangerous action: no other change is made."
)
@click.option("--key", help="Makes a repeated command count once.")
@with_appcontext
def act(
    code: str,
    ids: tuple[int, ...],
    username: str,
    values: tuple[str, ...],
    preview: bool,
    **given: str | None,
) -> None:
    """Run a declared action, such as ``customer.verify 17``, as a member of staff would."""
    staff = db.session.scalar(select(Staff).where(Staff.username == username, Staff.active))
    if staff is None:
        raise click.BadParameter("there is no active member of staff of that name", param_hint="--as")
    with current_app.test_request_context():
        g.user, g.at_the_machine = staff, True
        try:
            lines = acting.command(code, ids, dict(_pair(v) for v in values), preview, **given)
        except HTTPException as error:
            own = error.description if error.description != type(error).description else ""
            raise click.ClickException(own or str(TITLES[error.code or 404][1])) from None
        except Invalid as invalid:
            texts = "; ".join(f"{name}: {sentence(text)}" for name, text in invalid.errors.items())
            raise click.UsageError(texts) from None
        except Refused as refused:
            raise click.ClickException(acting.said(refused)) from None
    for line in lines:
        click.echo(line)


@click.command("password-link")
@click.argument("username")
@with_appcontext
def password_link(username: str) -> None:
    """Print a link with which a member of staff chooses a password, where mail does not reach them."""
    found = db.session.scalar(select(Staff.id).where(Staff.username == username, Staff.active))
    db.session.rollback()
    if found is None:
        raise click.BadParameter("there is no active member of staff of that name", param_hint="USERNAME")
    token = print_link(db.engine, clientele().clock(), found)
    base = current_app.extensions["clientele.settings"].base_url
    click.echo(f"{base}/password/?token={token}")
    click.echo("It works once, and soon expires. Give it to nobody else.")


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise click.BadParameter(f"{text}: write FIELD=VALUE", param_hint="--set")
    return name, value


@click.command("access")
@with_appcontext
def access() -> None:
    """Print who gets in where, for docs/access.md: every address, the permission it needs, who has that."""
    click.echo(page(current_app.url_map, list(clientele().screens.values())))


COMMANDS = (up, check_schema, act, password_link, access)
