"""Staff who log in as customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
additive = True


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    op.create_table(
        "login_as",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("staff_session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("ticket", sa.String(length=60), nullable=False),
        sa.Column("audience", sa.String(length=20), nullable=False),
        sa.Column("api_key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("may_act", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.String(length=100), nullable=True),
        sa.CheckConstraint("audience IN ('portal', 'shop')", name=op.f("ck_login_as_audience")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name=op.f("ck_login_as_end")),
        sa.CheckConstraint("(used_at IS NULL) = (ends_at IS NULL)", name=op.f("ck_login_as_times")),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_key.id"], name=op.f("fk_login_as_api_key_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_login_as_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["ab_user.id"], name=op.f("fk_login_as_staff_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_as")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_as_token_hash")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("login_as", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_as_api_key_id"), ["api_key_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_login_as_created_at_id"), ["created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_login_as_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            "ix_login_as_open",
            ["staff_id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_login_as_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "login_as_page",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("login_as_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("page", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_as_id"], ["login_as.id"], name=op.f("fk_login_as_page_login_as_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_as_page")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("login_as_page", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_as_page_login_as_id"), ["login_as_id"], unique=False)

    with op.batch_alter_table("portal_session", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(
            sa.Column("login_as_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_portal_session_login_as_id"), ["login_as_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_portal_session_login_as_id"),
            "login_as",
            ["login_as_id"],
            ["id"],
            ondelete="RESTRICT",
        )
