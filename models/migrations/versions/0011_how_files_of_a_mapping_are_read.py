"""How files of a mapping are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    with op.batch_alter_table("import_mapping", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("month_first", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("figures", sa.String(length=8), nullable=True))
