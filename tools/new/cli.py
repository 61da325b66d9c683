"""The command for those who add something: ``flask --app app new complaint --customer --screen``."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from models.base import Base
from tools.new.names import CannotWrite, names_of
from tools.new.plan import Wanted
from tools.new.writing import prepared, write

ROOT = Path(__file__).resolve().parents[2]
FOLLOWS = """\
What follows from it and is written nowhere: its permissions, its API, its tab on the customer, the rows and forms of
tests, and the shared tests of tables, screens, actions, jobs and mails.
Next: `flask --app app up`, then `make check` and `make test ARGS="-k {noun}"`."""


@click.command("new")
@click.argument("noun")
@click.option("--plural", default="", help="The plural of NOUN, where it is irregular.")
@click.option("--customer", is_flag=True, help="Each belongs to a customer, and is a tab there.")
@click.option("--screen", is_flag=True, help="A screen to list, find, make and edit them.")
@click.option("--action", is_flag=True, help="An action with a form, which closes one. Brings the screen.")
@click.option("--job", is_flag=True, help="A job that closes what is past its day. Brings the action.")
@click.option("--mail", is_flag=True, help="A mail to the customer when one is closed. Brings the action.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@with_appcontext
def new(noun: str, plural: str, dry_run: bool, **parts: bool) -> None:
    """Write a table called NOUN with its migration, and what else is asked for, in the style of this house.

    NOUN is a singular English noun in lower case, with _ between words. All is written or nothing.
    """
    try:
        wanted = Wanted(names_of(noun, plural, _taken()), **parts).complete()
        texts = prepared(ROOT, wanted)
        for path in sorted(texts):
            click.echo(f"{'change' if (ROOT / path).exists() else 'write'} {path}")
        if dry_run:
            click.echo("Nothing was written.")
            return
        write(ROOT, texts)
    except CannotWrite as sentence:
        raise click.ClickException(str(sentence)) from sentence
    click.echo(FOLLOWS.format(noun=noun))


def _taken() -> set[str]:
    """Return the nouns that tables, screens, classes and addresses have."""
    models = [mapper.class_ for mapper in Base.registry.mappers]
    rules = [rule.rule.split("/") for rule in current_app.url_map.iter_rules()]
    addresses = {parts[2] for parts in rules if parts[1:2] == ["admin"] and len(parts) > 3}
    files = {
        path.stem for folder in ("models", "admin/screens", "jobs") for path in (ROOT / folder).glob("*.py")
    }
    return {m.__tablename__ for m in models} | {m.resource_name() for m in models} | addresses | files


COMMANDS = (new,)
