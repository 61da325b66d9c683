"""Release of search keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    op.create_table(
        "key_release",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("release", sa.String(length=80), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_release")),
        sqlite_autoincrement=True,
    )
    # Whoever wrote the keys that are there did not say by which release.
    op.execute(
        "INSERT INTO key_release (release, written_at) "
        "SELECT '1', CURRENT_TIMESTAMP WHERE EXISTS (SELECT 1 FROM customer)"
    )
