"""Journal seals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    op.create_table(
        "journal_seal",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("changeset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("link", sa.String(length=64), nullable=False),
        sa.Column("because_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["because_id"], ["changeset.id"], name=op.f("fk_journal_seal_because_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["changeset_id"], ["changeset.id"], name=op.f("fk_journal_seal_changeset_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_seal")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("journal_seal", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(
            "ix_journal_seal_because_id",
            ["because_id"],
            unique=False,
            sqlite_where=sa.text("because_id IS NOT NULL"),
            postgresql_where=sa.text("because_id IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_journal_seal_changeset_id"), ["changeset_id"], unique=False)
