"""Merges as rows of their own, those of before from the journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
additive = True

FROM_THE_JOURNAL = """
INSERT INTO customer_merge (changeset_id, merged_id, survivor_id, merged_at, undone_by_id)
SELECT c.changeset_id, c.row_id, {survivor}, s.at,
  (SELECT max(u.id) FROM changeset AS u WHERE u.undoes_id = s.id)
FROM change AS c JOIN changeset AS s ON s.id = c.changeset_id
WHERE s.action = 'customer.merge' AND c.table_name = 'customer'
  AND {survivor} IS NOT NULL AND {before} IS NULL
ORDER BY c.id
"""
READ = {
    "sqlite": {
        "survivor": "json_extract(c.after, '$.merged_into_id')",
        "before": "json_extract(c.before, '$.merged_into_id')",
    },
    "postgresql": {
        "survivor": "CAST(c.after ->> 'merged_into_id' AS bigint)",
        "before": "(c.before ->> 'merged_into_id')",
    },
}


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "customer_merge",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("changeset_id", number, nullable=False),
        sa.Column("merged_id", number, nullable=False),
        sa.Column("survivor_id", number, nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by_id", number, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{target}.id"], name=op.f(f"fk_customer_merge_{column}"), ondelete="RESTRICT"
            )
            for column, target in (
                ("changeset_id", "changeset"),
                ("merged_id", "customer"),
                ("survivor_id", "customer"),
                ("undone_by_id", "changeset"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_merge")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("customer_merge", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        for column in ("changeset_id", "merged_id", "survivor_id", "undone_by_id"):
            batch_op.create_index(batch_op.f(f"ix_customer_merge_{column}"), [column], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_merge_merged_at_id"), ["merged_at", "id"], unique=False)
    op.execute(FROM_THE_JOURNAL.format(**READ[op.get_bind().dialect.name]))
