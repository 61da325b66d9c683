"""Commands that need the declared screens: migrate and sync permissions, and check the schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from flask import current_app, g
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

import jobs.base
from actions.cli import tidied
from actions.core.base import Refused
from actions.maintenance import encryption, search_keys
from actions.setup.lookups import first_channel
from actions.staff.credentials import print_link
from admin.importing.budget import BadFile
from admin.layout.errors import note_refusal
from admin.request.context import app_state
from admin.row_actions import command_line, view
from admin.screen_spec.registry import registry
from admin.site import file_import
from admin.site.access import page
from admin.site.shipped_roles import first_admin, sync
from models import rescaling, schema
from models.base import Invalid, Staff, db
from models.cli import tell_new_name
from models.dialect import WRITE
from models.renamed_fields import current
from web.errors import TITLES
from web.messages import sentence
from web.passwords import hash_password


@click.command()
@click.option("--admin", "email", help="Email of the first admin, created only if there are no staff yet.")
@with_appcontext
def up(email: str | None) -> None:
    """Migrate the database, make permissions match the declared screens, and give a new shop what it cannot do
    without: the shipped roles and a first sales channel. What a newer version has upgraded is left as it is."""
    if _migrate() is schema.Standing.NEWER:
        click.echo(
            "A newer version has upgraded this database, and this version can use it: nothing was changed."
        )
        return
    with Session(db.engine.execution_options(**{WRITE: True})) as session, session.begin():
        made = sync(session, registry().screens.values())
        staffed = session.scalar(select(Staff.id).limit(1)) is not None
        jobs.base.sync(session, app_state().clock())
        search_keys.record_if_new(session, app_state().clock())
        outdated = search_keys.outdated(session)
        password = None if staffed or not email else _first_admin(session, email)
    first_channel(db.engine, app_state().clock())
    if encrypted := encryption.encrypt_what_is_clear(db.engine):
        click.echo(f"{encrypted:,} secrets that were stored in clear are now encrypted.")
        tidied(db.engine)
    for told in outdated:
        click.echo(told)
    click.echo("Ready." if not made else f"Ready; new roles: {', '.join(made)}.")
    if password:
        click.echo(f"First admin: sign in as {email} with the password {password} and keep it safe.")
    elif not staffed:
        click.echo("There is no staff yet: `flask --app app up --admin you@your.shop` makes the first admin.")


def _migrate() -> schema.Standing:
    try:
        schema.migrate(db.engine)
        standing = schema.check(db.engine)
        if not standing.is_newer:
            rescaling.settle(db.engine)
    except schema.SchemaError as error:
        raise click.ClickException(str(error)) from None
    return standing


def _first_admin(session: Session, email: str) -> str:
    try:
        return first_admin(session, email, hash_password)
    except Invalid as invalid:
        raise click.BadParameter(sentence(invalid.errors["email"]), param_hint="--admin") from None


@click.command("check-schema")
@click.option("--here", is_flag=True, help="Check the configured database instead of a freshly migrated one.")
@click.option("--restore-triggers", is_flag=True, help="With --here: first recreate every trigger.")
@with_appcontext
def check_schema(here: bool, restore_triggers: bool) -> None:
    """Compare models, migrations and triggers; fail where they differ."""
    if restore_triggers and not here:
        raise click.UsageError("--restore-triggers is for the configured database: add --here")
    if restore_triggers:
        schema.restore_triggers(db.engine)
    found = schema.drift(db.engine) if here else _fresh_drift()
    for difference in found:
        click.echo(difference, err=True)
    if found:
        raise SystemExit(1)
    click.echo("Models, migrations and triggers match.")


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
    "--fingerprint",
    help="The fingerprint that --preview printed, for a dangerous action: no other change is made.",
)
@click.option("--key", help="Has a repeated command done only once.")
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
    tell_new_name(code)
    with _acting(username, " ".join(("flask act", code, *map(str, ids)))):
        lines = command_line.command(code, ids, dict(_pair(v) for v in values), preview, **given)
    for line in lines:
        click.echo(line)


@contextmanager
def _acting(username: str, typed: str) -> Iterator[None]:
    """Do something as a member of staff, and end with a sentence where it is refused.

    :param typed: what a refusal of permission is noted with.
    """
    staff = db.session.scalar(select(Staff).where(Staff.username == username, Staff.active))
    if staff is None:
        raise click.BadParameter("no active member of staff has that name", param_hint="--as")
    with current_app.test_request_context():
        g.user, g.at_the_machine = staff, True
        try:
            yield
        except HTTPException as error:
            if error.code == 403:
                note_refusal(typed)
            own = error.description if error.description != type(error).description else ""
            raise click.ClickException(own or str(TITLES[error.code or 404][1])) from None
        except Invalid as invalid:
            texts = "; ".join(f"{name}: {sentence(text)}" for name, text in invalid.errors.items())
            raise click.UsageError(texts) from None
        except Refused as refused:
            raise click.ClickException(view.said(refused)) from None


@click.command("import")
@click.argument("resource")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "username", required=True, help="User name of the member of staff who imports.")
@click.option(
    "--map",
    "mapped",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON file: heading of a column -> field. Without it the headings say it.",
)
@click.option("--match", help="The field by which rows find their records, such as email; id is our number.")
@click.option("--dry-run", is_flag=True, help="Say what would happen row by row, and change nothing.")
@click.option("--whole", is_flag=True, help="Import nothing where any row is refused.")
@click.option(
    "--update-duplicates",
    "instead",
    is_flag=True,
    help="Rows that would create a customer who may be one that is there update that one.",
)
@with_appcontext
def import_file(
    resource: str,
    file: Path,
    username: str,
    mapped: Path | None,
    match: str | None,
    dry_run: bool,
    whole: bool,
    instead: bool,
) -> None:
    """Import a CSV or Excel file into a list, such as ``customer people.csv``, as a member of staff would, to its end.
    Exits with 1 where rows were refused or the file cannot be read."""
    with _acting(username, f"flask import {resource}"):
        try:
            given = dict(file_import.read_mapping(mapped) if mapped is not None else {})
            if match is not None:
                given["match"] = match
            told = file_import.run(resource, file, given, dry_run=dry_run, whole=whole, instead=instead)
        except file_import.BadMapping as wrong:
            raise click.UsageError(str(wrong)) from None
        except BadFile as bad:
            raise click.ClickException(str(bad)) from None
    for line in told.lines:
        click.echo(line)
    if told.failed:
        raise SystemExit(1)


@click.command("password-link")
@click.argument("username")
@with_appcontext
def password_link(username: str) -> None:
    """Print a link with which a member of staff chooses a password, where mail does not reach them."""
    found = db.session.scalar(select(Staff.id).where(Staff.username == username, Staff.active))
    db.session.rollback()
    if found is None:
        raise click.BadParameter("no active member of staff has that name", param_hint="USERNAME")
    token = print_link(db.engine, app_state().clock(), found)
    base = current_app.extensions["clientele.settings"].base_url
    click.echo(f"{base}/password/?token={token}")
    click.echo("It works once and expires soon. Do not share it.")


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise click.BadParameter(f"{text}: write FIELD=VALUE", param_hint="--set")
    tell_new_name(name)
    return current(name), value


@click.command("access")
@with_appcontext
def access() -> None:
    """Print who gets in where, for docs/access.md: every address, the permission it needs, who has that."""
    click.echo(page(current_app.url_map, list(registry().screens.values())))


COMMANDS = (up, check_schema, act, import_file, password_link, access)
