"""The portal: how customers get into their account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
additive = True


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    op.create_table(
        "portal_request",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.CheckConstraint("email <> ''", name=op.f("ck_portal_request_email_filled")),
        sa.CheckConstraint("kind IN ('reset', 'registration')", name=op.f("ck_portal_request_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_request")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "portal_browser",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_portal_browser_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_browser")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_portal_browser_token_hash")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("portal_browser", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(batch_op.f("ix_portal_browser_customer_id"), ["customer_id"], unique=False)

    op.create_table(
        "portal_link",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("sent_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "customer_id IS NOT NULL OR (kind = 'registration' AND email IS NOT NULL)",
            name=op.f("ck_portal_link_whose"),
        ),
        sa.CheckConstraint(
            "kind IN ('reset', 'invitation', 'registration', 'email_change', 'email_return')",
            name=op.f("ck_portal_link_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_portal_link_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["sent_by_id"], ["ab_user.id"], name=op.f("fk_portal_link_sent_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_portal_link_token_hash")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("portal_link", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(batch_op.f("ix_portal_link_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_portal_link_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_portal_link_sent_by_id_created_at"), ["sent_by_id", "created_at"], unique=False
        )

    op.create_table(
        "portal_session",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("agent", sa.String(length=300), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.String(length=60), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_portal_session_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_portal_session_token_hash")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("portal_session", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.create_index(batch_op.f("ix_portal_session_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_portal_session_customer_id"), ["customer_id"], unique=False)
