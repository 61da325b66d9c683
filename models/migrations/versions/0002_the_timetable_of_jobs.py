"""By what the slots of a job come, and since when: a change of zone or schedule moves only what is still to come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    with op.batch_alter_table("job", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("timetable", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("timetable_since", sa.DateTime(timezone=True), nullable=True))
