"""Customers carry the keys of their primary phone and address, to be sorted by; indexes from which a search reads all it needs.

What keeps the keys from now on are triggers, which every migration installs again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql")
SEARCHED = {"address": ("line1", "postcode", "town"), "phone": ("number",)}
LISTED = ["id", "merged_into_id", "sales_channel_id"]
COPY = """
UPDATE customer SET
phone_key = coalesce((SELECT p.number_key FROM phone AS p WHERE p.customer_id = customer.id AND p.is_primary), ''),
postcode_key = coalesce((SELECT a.postcode_key FROM address AS a WHERE a.customer_id = customer.id AND a.is_primary), '')
"""


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    for table, names in SEARCHED.items():
        for name in names:
            op.drop_index(op.f(f"ix_{table}_{name}_key_id"), table_name=table)
            op.create_index(f"ix_{table}_{name}", table, [f"{name}_key", "id", "customer_id"])
    for column in ("phone_key", "postcode_key"):
        op.add_column("customer", sa.Column(column, KEY, server_default="", nullable=False))
    op.execute(COPY)
    op.create_index("ix_customer_phone", "customer", ["phone_key", *LISTED])
    op.create_index("ix_customer_postcode", "customer", ["postcode_key", *LISTED])
    op.drop_index(op.f("ix_customer_customer_class_id"), table_name="customer")
    op.create_index("ix_customer_class", "customer", ["customer_class_id", *LISTED])
    waiting = sa.text("status = 'pending_approval'")
    op.create_index(
        "ix_customer_awaiting",
        "customer",
        ["created_at", "id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
