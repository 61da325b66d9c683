"""The scale of money: how many decimals the stored amounts of each currency have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HOLDERS = ("customer", "sales_order", "invoice", "account_entry", "credit_entry", "gift_card")
"""Tables with amounts in a currency of their own."""
WITHOUT_DECIMALS = (
    "AFN ALL BIF BYR CLP DJF GNF IQD IRR ISK JPY KMF KPW KRW LAK LBP MGA MMK MRO PYG RSD RWF SLL SOS STD SYP UGX VND VUV "
    "XAF XOF XPF YER ZMK"
)
WITH_THREE = "BHD JOD KWD LYD OMR TND"


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    op.create_table(
        "currency_scale",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("multiply", sa.Integer(), nullable=True),
        sa.Column("divide", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = upper(currency)",
            name=op.f("ck_currency_scale_currency_shape"),
        ),
        sa.CheckConstraint("multiply > 0 AND divide > 0", name=op.f("ck_currency_scale_factor_range")),
        sa.CheckConstraint("places >= 0 AND places <= 4", name=op.f("ck_currency_scale_places_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_currency_scale")),
        sa.UniqueConstraint("currency", name=op.f("uq_currency_scale_currency")),
        sqlite_autoincrement=True,
    )
    _record_what_is_stored()


def _record_what_is_stored() -> None:
    """Write down the scale that amounts have so far: it was that of Babel 2.18, which is not ISO 4217's everywhere."""
    connection = op.get_bind()
    parts = (f"SELECT currency FROM {table}" for table in HOLDERS)
    stored = sorted(row[0] for row in connection.execute(sa.text(" UNION ".join(parts))))
    places = dict.fromkeys(WITHOUT_DECIMALS.split(), 0) | dict.fromkeys(WITH_THREE.split(), 3)
    insert = sa.text("INSERT INTO currency_scale (currency, places) VALUES (:currency, :places)")
    for code in stored:
        connection.execute(insert, {"currency": code, "places": places.get(code, 2)})
