"""``python -m models.migrations``: write migrations; see the package's docstring."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from alembic import command

import models  # noqa: F401 - completes the metadata
from models import schema

VERSIONS = schema.MIGRATIONS / "versions"


@click.group()
def main() -> None:
    """Write migrations from what the models declare."""


@main.command()
@click.argument("message")
def new(message: str) -> None:
    """Write the next migration: what the models have and the history has not."""
    newest = max(path.name[:4] for path in VERSIONS.glob("[0-9][0-9][0-9][0-9]_*.py"))
    _write(message, f"{int(newest) + 1:04d}")


def _write(message: str, revision: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = schema.open_engine(f"sqlite:///{folder}/compare.db")
        with engine.begin() as connection:
            # Without the triggers, which are of the newest models: a new table has none to hang them on yet.
            config = schema.config(connection=connection, comparing=True, batch=True)
            command.upgrade(config, "head")
            script = command.revision(config, message, autogenerate=True, rev_id=revision)
        engine.dispose()
    path = Path(script.path)  # type: ignore[union-attr]
    _tidy(path)
    click.echo(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _tidy(path: Path) -> None:
    """Remove Alembic's remarks to the author and format the file as the rest of the project is."""
    text = re.sub(r"^ *# (### commands auto generated|### end Alembic).*\n", "", path.read_text(), flags=re.M)
    text = text.replace(
        "schema=None) as batch_op", 'table_kwargs={"sqlite_autoincrement": True}) as batch_op'
    )
    path.write_text(text)
    ruff = Path(sys.executable).with_name("ruff")
    if ruff.exists():
        subprocess.run([ruff, "check", "--quiet", "--fix-only", path], check=False)  # noqa: S603
        subprocess.run([ruff, "format", "--quiet", path], check=False)  # noqa: S603


if __name__ == "__main__":
    main()
