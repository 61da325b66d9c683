"""Duplicates: what customers are found by, who is to be looked at, pairs, and what people decided of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
additive = True


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    op.create_table(
        "duplicate_check",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_duplicate_check_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_check")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "duplicate_key",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_duplicate_key_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("duplicate_key", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(batch_op.f("ix_duplicate_key_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index("ix_duplicate_key_value", ["value", "customer_id"], unique=False)

    op.create_table(
        "duplicate_pair",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("lower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("higher_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("evidence", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("is_likely", sa.Boolean(), nullable=False),
        sa.Column("is_open", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("lower_id < higher_id", name=op.f("ck_duplicate_pair_order")),
        sa.ForeignKeyConstraint(
            ["higher_id"], ["customer.id"], name=op.f("fk_duplicate_pair_higher_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["lower_id"], ["customer.id"], name=op.f("fk_duplicate_pair_lower_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_pair")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("duplicate_pair", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(batch_op.f("ix_duplicate_pair_higher_id"), ["higher_id"], unique=False)
        batch_op.create_index(
            "ix_duplicate_pair_queue", ["is_open", "is_likely", "score", "id"], unique=False
        )
        batch_op.create_index("uq_duplicate_pair_ids", ["lower_id", "higher_id"], unique=True)

    op.create_table(
        "pair_decision",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("lower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("higher_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("verdict IN ('different', 'household')", name=op.f("ck_pair_decision_verdict")),
        sa.CheckConstraint("lower_id < higher_id", name=op.f("ck_pair_decision_order")),
        sa.ForeignKeyConstraint(
            ["higher_id"], ["customer.id"], name=op.f("fk_pair_decision_higher_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["lower_id"], ["customer.id"], name=op.f("fk_pair_decision_lower_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pair_decision")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("pair_decision", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(batch_op.f("ix_pair_decision_higher_id"), ["higher_id"], unique=False)
        batch_op.create_index(
            "uq_pair_decision_ids",
            ["lower_id", "higher_id"],
            unique=True,
            sqlite_where=sa.text("reopened_at IS NULL"),
            postgresql_where=sa.text("reopened_at IS NULL"),
        )

    # Those who are there already are looked at by the worker, a few at a time.
    live = "merged_into_id IS NULL AND anonymised_at IS NULL"
    op.execute(f"INSERT INTO duplicate_check (customer_id) SELECT id FROM customer WHERE {live}")
