## What a migration must keep, so that the old and the new version can run side by side while a shop upgrades:
## - One step of "expand, move, contract" a release. A column is added nullable or with a server default; it is dropped
##   one release after the last code that reads it. A rename is an addition, a copy and a later drop.
## - Correct on SQLite and PostgreSQL. On SQLite a changed table is rebuilt, so change one with op.batch_alter_table,
##   and with table_kwargs={"sqlite_autoincrement": True}: without it the new table would hand out old ids again.
## - No model is imported: write the plain types (sa.String, not Key) and plain SQL, as they are today.
## - Every partial index has sqlite_where and postgresql_where; every new table has sqlite_autoincrement=True.
## - An index on a large table is made in a migration of its own, so that the lock is short.
## - Append-only tables refuse UPDATE and DELETE here too. Never switch their triggers off: add a column and compute.
##   The triggers are re-created after every run; a changed AppendOnly needs a migration too, an empty one will do.
## - A migration that was released never changes again.
"""${message.capitalize()}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}
additive = False
"""True only if the release before can go on reading and writing what this leaves: see models/migrations/__init__.py."""


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    ${upgrades if upgrades else "pass"}
