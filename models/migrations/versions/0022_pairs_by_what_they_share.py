"""Whether two records share a surname and a postcode, so that each pair stands in one view of the duplicates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
additive = True

PLAIN = (1 << 5) | (1 << 10)
"""The bits of an equal surname and an equal postcode."""


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    with op.batch_alter_table("duplicate_pair", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("is_plain", sa.Boolean(), server_default="0", nullable=False))
    pairs = sa.table("duplicate_pair", sa.column("is_plain", sa.Boolean), sa.column("evidence", sa.Integer))
    shared = pairs.c.evidence.bitwise_and(PLAIN) == PLAIN
    op.execute(pairs.update().values(is_plain=shared))
