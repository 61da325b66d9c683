"""What so many records share that it makes no pairs; whom requests with a key were told of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
additive = True

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = (
    "kind IN ('email', 'phone', 'surname_postcode', 'name_postcode', 'initial_birth', 'birth_postcode', 'mailbox', "
    "'company_postcode', 'company_number', 'vat_number', 'full_name', 'street_town', 'initial_street')"
)


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    op.create_table(
        "duplicate_crowd",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("dismissed_size", sa.Integer(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_duplicate_crowd_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_crowd")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_duplicate_crowd_value", "duplicate_crowd", ["value"], unique=True)
    op.create_table(
        "duplicate_notice",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("changeset_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["changeset_id"],
            ["changeset.id"],
            name=op.f("fk_duplicate_notice_changeset_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_duplicate_notice_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_notice")),
        sqlite_autoincrement=True,
    )
    for column in ("changeset_id", "customer_id"):
        op.create_index(op.f(f"ix_duplicate_notice_{column}"), "duplicate_notice", [column])

    # The worker looks at everybody again: for twins and generations, and for what many share.
    live = "merged_into_id IS NULL AND anonymised_at IS NULL"
    op.execute(f"INSERT INTO duplicate_check (customer_id) SELECT id FROM customer WHERE {live}")
