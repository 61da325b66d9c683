"""Index orders in ledgers: what an order moved for a customer is added up whenever some of it goes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    for table in ("credit_entry", "loyalty_entry"):
        op.create_index(
            f"ix_{table}_of_order",
            table,
            ["customer_id", "order_ref"],
            sqlite_where=sa.text("order_ref IS NOT NULL"),
            postgresql_where=sa.text("order_ref IS NOT NULL"),
        )
