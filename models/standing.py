"""How a database stands to this release: behind it, as it left it, or made by a newer one (rule 8.12)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect

from models.applied import applied
from models.base import metadata

MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaError(RuntimeError):
    """The database cannot be used as it is; the message is a sentence for the person who started us.

    :param state: what /readyz says of it: ``behind`` this release, ``unknown`` to it, ``incompatible`` (made by a newer
        one), ``different``, ``damaged`` or of ``other scale``.
    """

    def __init__(self, message: str, state: str = "unknown") -> None:
        super().__init__(message)
        self.state = state


class Standing(Enum):
    """How a database stands to this release, in the words of /readyz."""

    BEHIND = "behind"
    CURRENT = "ok"
    NEWER = "newer"
    """A newer release made it, by migrations that are all additive: this one may use it."""
    INCOMPATIBLE = "incompatible"
    """A newer release made it, and not only by additions: nothing of this one starts on it."""

    @property
    def is_newer(self) -> bool:
        """Return whether a newer release made it."""
        return self in (Standing.NEWER, Standing.INCOMPATIBLE)


def config(**attributes: Any) -> Config:
    """Return Alembic's configuration, made in code so that nothing depends on the working directory."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    made.attributes.update(attributes)
    return made


@functools.cache
def scripts() -> ScriptDirectory:
    """Return the migrations of this release."""
    return ScriptDirectory.from_config(config())


def heads(connection: Connection) -> tuple[str, ...]:
    """Return the revision that a database says it is at; () for an empty one."""
    return MigrationContext.configure(connection).get_current_heads()


def standing(connection: Connection) -> Standing:
    """Return how a database stands to this release. :raises SchemaError: it is not ours."""
    found = heads(connection)
    if not found:
        _refuse_foreign_tables(connection)
    if all(_is_known(revision) for revision in found):
        return Standing.CURRENT if set(found) == set(scripts().get_heads()) else Standing.BEHIND
    marks = applied(connection)
    if not {*found, *scripts().get_heads()} <= marks.keys():
        raise _unknown(found)
    newer = [additive for revision, additive in marks.items() if not _is_known(revision)]
    return Standing.NEWER if all(newer) else Standing.INCOMPATIBLE


def incompatible(connection: Connection) -> SchemaError:
    """Return why nothing of this release starts on a database that a newer one made."""
    marks = applied(connection)
    breaking = sorted(name for name, additive in marks.items() if not additive and not _is_known(name))
    return SchemaError(
        "The database was upgraded by a newer version of Clientele, and this version cannot work with it (revision "
        f"{', '.join(breaking)}). Install that version, or restore a backup from before the upgrade.",
        "incompatible",
    )


def _is_known(revision: str) -> bool:
    try:
        return scripts().get_revision(revision) is not None
    except CommandError:
        return False


def _unknown(revisions: Sequence[str]) -> SchemaError:
    return SchemaError(
        f"The database is at revision {', '.join(revisions)}, which this version of Clientele does not know: it was "
        "made by a newer one. Install that version, or restore a backup from before the upgrade."
    )


def _refuse_foreign_tables(connection: Connection) -> None:
    strangers = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if strangers:
        raise SchemaError(
            f"The database already has tables ({', '.join(strangers[:3])} …) but no record of how they were "
            "made. Point DATABASE_URL at an empty database or at one that Clientele made."
        )
