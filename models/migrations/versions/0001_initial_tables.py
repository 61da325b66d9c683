"""Initial tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    op.create_table(
        "ab_group",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=150), nullable=True),
        sa.Column("description", sa.String(length=512), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ab_permission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ab_register_user",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("registration_date", sa.DateTime(), nullable=True),
        sa.Column("registration_hash", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ab_role",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("needs_factor", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ab_user",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("last_login", sa.DateTime(), nullable=True),
        sa.Column("login_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("fail_login_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("changed_on", sa.DateTime(), nullable=True),
        sa.Column("created_by_fk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("changed_by_fk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by_fk"],
            ["ab_user.id"],
        ),
        sa.ForeignKeyConstraint(
            ["created_by_fk"],
            ["ab_user.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ab_view_menu",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "acquisition_source",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acquisition_source")),
        sa.UniqueConstraint("name_key", name=op.f("uq_acquisition_source_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "attempt_bucket",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("bucket", sa.String(length=64), nullable=False),
        sa.Column(
            "times",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt_bucket")),
        sa.UniqueConstraint("bucket", name=op.f("uq_attempt_bucket_bucket")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attempt_bucket_last_at"), "attempt_bucket", ["last_at"], unique=False)
    op.create_table(
        "attribute_definition",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column(
            "choices",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('text', 'number', 'date', 'boolean', 'choice')",
            name=op.f("ck_attribute_definition_kind"),
        ),
        sa.CheckConstraint(
            "position BETWEEN 0 AND 10000", name=op.f("ck_attribute_definition_position_range")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attribute_definition")),
        sa.UniqueConstraint("code", name=op.f("uq_attribute_definition_code")),
        sa.UniqueConstraint("name_key", name=op.f("uq_attribute_definition_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "bank_account",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("holder", sa.String(length=120), nullable=True),
        sa.Column("bank_name", sa.String(length=120), nullable=True),
        sa.Column("iban_last4", sa.String(length=4), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = upper(currency)", name=op.f("ck_bank_account_currency_shape")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_account")),
        sa.UniqueConstraint("name_key", name=op.f("uq_bank_account_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "customer_class",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("discount", sa.Integer(), nullable=False),
        sa.Column("free_tastings", sa.Integer(), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("discount BETWEEN 0 AND 10000", name=op.f("ck_customer_class_discount_range")),
        sa.CheckConstraint(
            "free_tastings BETWEEN 0 AND 1000", name=op.f("ck_customer_class_free_tastings_range")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_class")),
        sa.UniqueConstraint("name_key", name=op.f("uq_customer_class_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "job",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("code", name=op.f("uq_job_code")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "membership_group",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("description", sa.String(length=500), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership_group")),
        sa.UniqueConstraint("name_key", name=op.f("uq_membership_group_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "payment_term",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("full_payment_first", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "days = 0 OR NOT full_payment_first", name=op.f("ck_payment_term_full_payment_days")
        ),
        sa.CheckConstraint("days BETWEEN 0 AND 365", name=op.f("ck_payment_term_days_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_term")),
        sa.UniqueConstraint("name_key", name=op.f("uq_payment_term_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "price_list",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("is_trade", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = upper(currency)", name=op.f("ck_price_list_currency_shape")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list")),
        sa.UniqueConstraint("name_key", name=op.f("uq_price_list_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "shop_setting",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column(
            "value",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_setting")),
        sa.UniqueConstraint("code", name=op.f("uq_shop_setting_code")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ab_api_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("key_hash", sa.String(length=256), nullable=False),
        sa.Column("lookup_hash", sa.String(length=256), nullable=True),
        sa.Column("key_prefix", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("expires_on", sa.DateTime(), nullable=True),
        sa.Column("revoked_on", sa.DateTime(), nullable=True),
        sa.Column("last_used_on", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lookup_hash"),
        sa.UniqueConstraint("uuid"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_api_key_lookup_hash", "ab_api_key", ["lookup_hash"], unique=True)
    op.create_index("idx_api_key_prefix", "ab_api_key", ["key_prefix"], unique=False)
    op.create_index("idx_api_key_user_id", "ab_api_key", ["user_id"], unique=False)
    op.create_table(
        "ab_group_role",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("group_id", "role_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_group_id", "ab_group_role", ["group_id"], unique=False)
    op.create_index("idx_group_role_id", "ab_group_role", ["role_id"], unique=False)
    op.create_table(
        "ab_permission_view",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("view_menu_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["permission_id"],
            ["ab_permission.id"],
        ),
        sa.ForeignKeyConstraint(
            ["view_menu_id"],
            ["ab_view_menu.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_id", "view_menu_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_permission_id", "ab_permission_view", ["permission_id"], unique=False)
    op.create_index("idx_view_menu_id", "ab_permission_view", ["view_menu_id"], unique=False)
    op.create_table(
        "ab_user_group",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "group_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_user_group_id", "ab_user_group", ["group_id"], unique=False)
    op.create_index("idx_user_id", "ab_user_group", ["user_id"], unique=False)
    op.create_table(
        "ab_user_role",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "role_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_key",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("owner_name", sa.String(length=140), nullable=False),
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("scope IN ('read', 'full')", name=op.f("ck_api_key_scope")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_api_key_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_key_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_api_key_user_id"), "api_key", ["user_id"], unique=False)
    op.create_table(
        "import_mapping",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("resource", sa.String(length=63), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "headers",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "fields",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("match", sa.String(length=63), nullable=True),
        sa.Column("clear_empty", sa.Boolean(), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["ab_user.id"], name=op.f("fk_import_mapping_owner_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_mapping")),
        sa.UniqueConstraint(
            "resource", "owner_id", "name_key", name=op.f("uq_import_mapping_resource_owner_id_name_key")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_import_mapping_owner_id"), "import_mapping", ["owner_id"], unique=False)
    op.create_table(
        "known_browser",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_known_browser_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_browser")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_known_browser_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_known_browser_user_id"), "known_browser", ["user_id"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_recovery_code_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_recovery_code_user_id"), "recovery_code", ["user_id"], unique=False)
    op.create_table(
        "run",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column(
            "parameters",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=140), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("stopped_because", sa.String(length=200), nullable=True),
        sa.Column("worker", sa.String(length=100), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undoes_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'with_errors', 'cancelled')", name=op.f("ck_run_state")
        ),
        sa.CheckConstraint("size >= 0 AND done >= 0 AND refused >= 0", name=op.f("ck_run_counts_range")),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_run_actor_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_run_job_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["run.id"], name=op.f("fk_run_undoes_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("key", name=op.f("uq_run_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_run_actor_id"), "run", ["actor_id"], unique=False)
    op.create_index(op.f("ix_run_created_at"), "run", ["created_at"], unique=False)
    op.create_index(op.f("ix_run_job_id"), "run", ["job_id"], unique=False)
    op.create_index(
        "ix_run_open",
        "run",
        ["state", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'running')"),
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index(op.f("ix_run_undoes_id"), "run", ["undoes_id"], unique=False)
    op.create_table(
        "sales_channel",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column(
            "code",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("price_list_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["price_list_id"],
            ["price_list.id"],
            name=op.f("fk_sales_channel_price_list_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_channel")),
        sa.UniqueConstraint("code", name=op.f("uq_sales_channel_code")),
        sa.UniqueConstraint("name_key", name=op.f("uq_sales_channel_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sales_channel_price_list_id"), "sales_channel", ["price_list_id"], unique=False)
    op.create_table(
        "second_factor",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_second_factor_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_factor")),
        sa.UniqueConstraint("user_id", name=op.f("uq_second_factor_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "staff_link",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('invitation', 'reset')", name=op.f("ck_staff_link_kind")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_staff_link_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_link_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_staff_link_user_id"), "staff_link", ["user_id"], unique=False)
    op.create_table(
        "staff_preference",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "value",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_staff_preference_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_preference")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_staff_preference_user_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "staff_session",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("door", sa.String(length=20), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("agent", sa.String(length=300), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.String(length=60), nullable=True),
        sa.CheckConstraint("door IN ('browser', 'api')", name=op.f("ck_staff_session_door")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_staff_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_session_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_staff_session_ended_at_id"), "staff_session", ["ended_at", "id"], unique=False)
    op.create_index(op.f("ix_staff_session_user_id"), "staff_session", ["user_id"], unique=False)
    op.create_table(
        "ab_permission_view_role",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("permission_view_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["permission_view_id"], ["ab_permission_view.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_view_id", "role_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("idx_permission_view_id", "ab_permission_view_role", ["permission_view_id"], unique=False)
    op.create_index("idx_role_id", "ab_permission_view_role", ["role_id"], unique=False)
    op.create_table(
        "customer",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("title", sa.String(length=30), nullable=True),
        sa.Column("first_name", sa.String(length=100), nullable=True),
        sa.Column("last_name", sa.String(length=100), nullable=True),
        sa.Column("company_name", sa.String(length=160), nullable=True),
        sa.Column("trading_name", sa.String(length=160), nullable=True),
        sa.Column("company_number", sa.String(length=30), nullable=True),
        sa.Column("vat_number", sa.String(length=30), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("gender", sa.String(length=20), nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("account_type", sa.String(length=20), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_via", sa.String(length=20), nullable=False),
        sa.Column("customer_class_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("membership_group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "acquisition_source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("price_list_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sales_channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("payment_term_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("bank_account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("agent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("free_delivery", sa.Boolean(), nullable=False),
        sa.Column("global_discount", sa.Integer(), nullable=False),
        sa.Column("pay_on_account", sa.Boolean(), nullable=False),
        sa.Column("credit_limit", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "account_code",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "loyalty_code",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("lapse_warnings", sa.Boolean(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("account_balance", sa.BigInteger(), nullable=False),
        sa.Column("credit_balance", sa.BigInteger(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_activity_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_password_reset_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by_id", sa.Integer(), nullable=True),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("merged_into_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("anonymised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "email_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "last_name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "first_name_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "company_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "account_type IN ('retail', 'trade', 'agent')", name=op.f("ck_customer_account_type")
        ),
        sa.CheckConstraint(
            "created_via IN ('back_office', 'online', 'pos', 'amazon', 'ebay', 'import', 'demo')",
            name=op.f("ck_customer_created_via"),
        ),
        sa.CheckConstraint(
            "gender IN ('female', 'male', 'other', 'undisclosed')", name=op.f("ck_customer_gender")
        ),
        sa.CheckConstraint(
            "status IN ('registered', 'guest', 'in_store', 'pending_approval')",
            name=op.f("ck_customer_status"),
        ),
        sa.CheckConstraint("agent_id IS NULL OR agent_id <> id", name=op.f("ck_customer_no_self_agent")),
        sa.CheckConstraint("credit_balance >= 0", name=op.f("ck_customer_credit_balance_range")),
        sa.CheckConstraint(
            "credit_limit IS NULL OR credit_limit >= 0", name=op.f("ck_customer_credit_limit_range")
        ),
        sa.CheckConstraint(
            "global_discount BETWEEN 0 AND 10000", name=op.f("ck_customer_global_discount_range")
        ),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = upper(currency)", name=op.f("ck_customer_currency_shape")
        ),
        sa.CheckConstraint(
            "merged_into_id IS NULL OR merged_into_id <> id", name=op.f("ck_customer_no_self_merge")
        ),
        sa.CheckConstraint("points >= 0", name=op.f("ck_customer_points_range")),
        sa.ForeignKeyConstraint(
            ["acquisition_source_id"],
            ["acquisition_source.id"],
            name=op.f("fk_customer_acquisition_source_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["customer.id"], name=op.f("fk_customer_agent_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["bank_account_id"],
            ["bank_account.id"],
            name=op.f("fk_customer_bank_account_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["customer_class_id"],
            ["customer_class.id"],
            name=op.f("fk_customer_customer_class_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["membership_group_id"],
            ["membership_group.id"],
            name=op.f("fk_customer_membership_group_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["customer.id"], name=op.f("fk_customer_merged_into_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["payment_term_id"],
            ["payment_term.id"],
            name=op.f("fk_customer_payment_term_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["price_list_id"], ["price_list.id"], name=op.f("fk_customer_price_list_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["sales_channel_id"],
            ["sales_channel.id"],
            name=op.f("fk_customer_sales_channel_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["verified_by_id"], ["ab_user.id"], name=op.f("fk_customer_verified_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_customer_account_balance_id"), "customer", ["account_balance", "id"], unique=False
    )
    op.create_index(op.f("ix_customer_account_code"), "customer", ["account_code"], unique=False)
    op.create_index(
        op.f("ix_customer_account_type_account_balance_id"),
        "customer",
        ["account_type", "account_balance", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_customer_acquisition_source_id"), "customer", ["acquisition_source_id"], unique=False
    )
    op.create_index(op.f("ix_customer_agent_id"), "customer", ["agent_id"], unique=False)
    op.create_index(op.f("ix_customer_bank_account_id"), "customer", ["bank_account_id"], unique=False)
    op.create_index(op.f("ix_customer_company_key_id"), "customer", ["company_key", "id"], unique=False)
    op.create_index(op.f("ix_customer_created_at_id"), "customer", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_customer_credit_balance_id"), "customer", ["credit_balance", "id"], unique=False)
    op.create_index(op.f("ix_customer_customer_class_id"), "customer", ["customer_class_id"], unique=False)
    op.create_index(op.f("ix_customer_email_key_id"), "customer", ["email_key", "id"], unique=False)
    op.create_index(op.f("ix_customer_first_name_key_id"), "customer", ["first_name_key", "id"], unique=False)
    op.create_index(
        op.f("ix_customer_last_activity_at_id"), "customer", ["last_activity_at", "id"], unique=False
    )
    op.create_index(op.f("ix_customer_loyalty_code"), "customer", ["loyalty_code"], unique=False)
    op.create_index(
        op.f("ix_customer_membership_group_id"), "customer", ["membership_group_id"], unique=False
    )
    op.create_index(
        "ix_customer_merged_into_id",
        "customer",
        ["merged_into_id"],
        unique=False,
        sqlite_where=sa.text("merged_into_id IS NOT NULL"),
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_index(
        "ix_customer_name",
        "customer",
        ["last_name_key", "first_name_key", "id", "merged_into_id", "sales_channel_id"],
        unique=False,
    )
    op.create_index(op.f("ix_customer_payment_term_id"), "customer", ["payment_term_id"], unique=False)
    op.create_index(op.f("ix_customer_points_id"), "customer", ["points", "id"], unique=False)
    op.create_index(op.f("ix_customer_price_list_id"), "customer", ["price_list_id"], unique=False)
    op.create_index(op.f("ix_customer_sales_channel_id"), "customer", ["sales_channel_id"], unique=False)
    op.create_index(
        "ix_customer_status_name",
        "customer",
        ["status", "last_name_key", "first_name_key", "id", "merged_into_id", "sales_channel_id"],
        unique=False,
    )
    op.create_index(
        "uq_customer_account_code",
        "customer",
        ["account_code"],
        unique=True,
        sqlite_where=sa.text("merged_into_id IS NULL AND anonymised_at IS NULL"),
        postgresql_where=sa.text("merged_into_id IS NULL AND anonymised_at IS NULL"),
    )
    op.create_index(
        "uq_customer_email",
        "customer",
        ["email_key"],
        unique=True,
        sqlite_where=sa.text(
            "status = 'registered' AND email_key <> '' AND merged_into_id IS NULL AND anonymised_at IS NULL"
        ),
        postgresql_where=sa.text(
            "status = 'registered' AND email_key <> '' AND merged_into_id IS NULL AND anonymised_at IS NULL"
        ),
    )
    op.create_index(
        "uq_customer_loyalty_code",
        "customer",
        ["loyalty_code"],
        unique=True,
        sqlite_where=sa.text("merged_into_id IS NULL AND anonymised_at IS NULL"),
        postgresql_where=sa.text("merged_into_id IS NULL AND anonymised_at IS NULL"),
    )
    op.create_table(
        "import_file",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("resource", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column(
            "headers",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "plan",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "state IN ('uploaded', 'trying', 'tried', 'applied')", name=op.f("ck_import_file_state")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_import_file_actor_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_import_file_run_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["trial_id"], ["run.id"], name=op.f("fk_import_file_trial_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_file")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_import_file_actor_id"), "import_file", ["actor_id"], unique=False)
    op.create_index(op.f("ix_import_file_expires_at"), "import_file", ["expires_at"], unique=False)
    op.create_index(op.f("ix_import_file_run_id"), "import_file", ["run_id"], unique=False)
    op.create_index(op.f("ix_import_file_trial_id"), "import_file", ["trial_id"], unique=False)
    op.create_table(
        "staff_channel",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sales_channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["sales_channel_id"],
            ["sales_channel.id"],
            name=op.f("fk_staff_channel_sales_channel_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_staff_channel_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_channel")),
        sa.UniqueConstraint(
            "user_id", "sales_channel_id", name=op.f("uq_staff_channel_user_id_sales_channel_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_staff_channel_sales_channel_id"), "staff_channel", ["sales_channel_id"], unique=False
    )
    op.create_table(
        "address",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=True),
        sa.Column("recipient", sa.String(length=160), nullable=True),
        sa.Column("company", sa.String(length=160), nullable=True),
        sa.Column("line1", sa.String(length=160), nullable=False),
        sa.Column("line2", sa.String(length=160), nullable=True),
        sa.Column("town", sa.String(length=100), nullable=True),
        sa.Column("county", sa.String(length=100), nullable=True),
        sa.Column("postcode", sa.String(length=16), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("is_billing", sa.Boolean(), nullable=False),
        sa.Column("is_delivery", sa.Boolean(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column(
            "postcode_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "line1_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "town_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length(country) = 2 AND country = upper(country)", name=op.f("ck_address_country_shape")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_address_customer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_address_customer_id"), "address", ["customer_id"], unique=False)
    op.create_index(op.f("ix_address_line1_key_id"), "address", ["line1_key", "id"], unique=False)
    op.create_index(op.f("ix_address_postcode_key_id"), "address", ["postcode_key", "id"], unique=False)
    op.create_index(op.f("ix_address_town_key_id"), "address", ["town_key", "id"], unique=False)
    op.create_index(
        "uq_address_primary",
        "address",
        ["customer_id"],
        unique=True,
        sqlite_where=sa.text("is_primary"),
        postgresql_where=sa.text("is_primary"),
    )
    op.create_table(
        "attribute_value",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_attribute_value_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["definition_id"],
            ["attribute_definition.id"],
            name=op.f("fk_attribute_value_definition_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attribute_value")),
        sa.UniqueConstraint(
            "customer_id", "definition_id", name=op.f("uq_attribute_value_customer_id_definition_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_attribute_value_definition_id"), "attribute_value", ["definition_id"], unique=False
    )
    op.create_table(
        "changeset",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=140), nullable=False),
        sa.Column("on_behalf_of_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("subject_table", sa.String(length=63), nullable=True),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("undoes_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("body_hash", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_changeset_actor_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["on_behalf_of_id"],
            ["customer.id"],
            name=op.f("fk_changeset_on_behalf_of_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_changeset_run_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["changeset.id"], name=op.f("fk_changeset_undoes_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changeset")),
        sa.UniqueConstraint("key", name=op.f("uq_changeset_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_changeset_action"), "changeset", ["action"], unique=False)
    op.create_index(op.f("ix_changeset_actor_id"), "changeset", ["actor_id"], unique=False)
    op.create_index(op.f("ix_changeset_at"), "changeset", ["at"], unique=False)
    op.create_index(
        "ix_changeset_on_behalf_of_id",
        "changeset",
        ["on_behalf_of_id"],
        unique=False,
        sqlite_where=sa.text("on_behalf_of_id IS NOT NULL"),
        postgresql_where=sa.text("on_behalf_of_id IS NOT NULL"),
    )
    op.create_index(
        "ix_changeset_run_id",
        "changeset",
        ["run_id"],
        unique=False,
        sqlite_where=sa.text("run_id IS NOT NULL"),
        postgresql_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_index("ix_changeset_subject", "changeset", ["subject_table", "subject_id", "id"], unique=False)
    op.create_index(
        "ix_changeset_undoes_id",
        "changeset",
        ["undoes_id"],
        unique=False,
        sqlite_where=sa.text("undoes_id IS NOT NULL"),
        postgresql_where=sa.text("undoes_id IS NOT NULL"),
    )
    op.create_table(
        "import_row",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column(
            "cells",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "given",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column("verdict", sa.String(length=20), nullable=True),
        sa.Column("row_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=True),
        sa.Column(
            "before",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "after",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "errors",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.CheckConstraint(
            "verdict IN ('created', 'changed', 'unchanged', 'refused')", name=op.f("ck_import_row_verdict")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["import_file.id"], name=op.f("fk_import_row_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_row")),
        sa.UniqueConstraint("file_id", "position", name=op.f("uq_import_row_file_id_position")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_import_row_file_id_row_id"), "import_row", ["file_id", "row_id"], unique=False)
    op.create_index(
        op.f("ix_import_row_file_id_verdict_position"),
        "import_row",
        ["file_id", "verdict", "position"],
        unique=False,
    )
    op.create_table(
        "note",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("author_name", sa.String(length=140), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("done_at IS NULL OR kind <> 'note'", name=op.f("ck_note_done_not_note")),
        sa.CheckConstraint("due_on IS NULL OR kind = 'task'", name=op.f("ck_note_due_on_task")),
        sa.CheckConstraint("kind IN ('note', 'task', 'watch')", name=op.f("ck_note_kind")),
        sa.ForeignKeyConstraint(
            ["author_id"], ["ab_user.id"], name=op.f("fk_note_author_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_note_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["done_by_id"], ["ab_user.id"], name=op.f("fk_note_done_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_note_author_id"), "note", ["author_id"], unique=False)
    op.create_index(op.f("ix_note_created_at_id"), "note", ["created_at", "id"], unique=False)
    op.create_index(
        op.f("ix_note_customer_id_created_at_id"), "note", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_note_open_tasks",
        "note",
        ["due_on", "id"],
        unique=False,
        sqlite_where=sa.text("kind = 'task' AND done_at IS NULL"),
        postgresql_where=sa.text("kind = 'task' AND done_at IS NULL"),
    )
    op.create_index(
        "uq_note_open_watch",
        "note",
        ["customer_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'watch' AND done_at IS NULL"),
        postgresql_where=sa.text("kind = 'watch' AND done_at IS NULL"),
    )
    op.create_table(
        "phone",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("extension", sa.String(length=10), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column(
            "number_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('mobile', 'personal', 'work', 'fax', 'alternate')", name=op.f("ck_phone_kind")
        ),
        sa.CheckConstraint(
            "length(country) = 2 AND country = upper(country)", name=op.f("ck_phone_country_shape")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_phone_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_phone_customer_id"), "phone", ["customer_id"], unique=False)
    op.create_index(op.f("ix_phone_number_key_id"), "phone", ["number_key", "id"], unique=False)
    op.create_index(
        "uq_phone_primary",
        "phone",
        ["customer_id"],
        unique=True,
        sqlite_where=sa.text("is_primary"),
        postgresql_where=sa.text("is_primary"),
    )
    op.create_table(
        "sales_order",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column(
            "number",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sales_channel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("shipping", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('allocated', 'unallocated', 'dispatched', 'cancelled')",
            name=op.f("ck_sales_order_status"),
        ),
        sa.CheckConstraint("item_count >= 0", name=op.f("ck_sales_order_item_count_range")),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = upper(currency)", name=op.f("ck_sales_order_currency_shape")
        ),
        sa.CheckConstraint(
            "subtotal >= 0 AND tax >= 0 AND shipping >= 0 AND total >= 0",
            name=op.f("ck_sales_order_sums_range"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_sales_order_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["sales_channel_id"],
            ["sales_channel.id"],
            name=op.f("fk_sales_order_sales_channel_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_order")),
        sa.UniqueConstraint("number", name=op.f("uq_sales_order_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_sales_order_customer_id_placed_at_id"),
        "sales_order",
        ["customer_id", "placed_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_sales_order_placed_at_id"), "sales_order", ["placed_at", "id"], unique=False)
    op.create_index(
        op.f("ix_sales_order_sales_channel_id"), "sales_order", ["sales_channel_id"], unique=False
    )
    op.create_index(
        op.f("ix_sales_order_status_placed_at_id"), "sales_order", ["status", "placed_at", "id"], unique=False
    )
    op.create_index(op.f("ix_sales_order_total_id"), "sales_order", ["total", "id"], unique=False)
    op.create_table(
        "change",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("changeset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("table_name", sa.String(length=63), nullable=False),
        sa.Column("row_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "before",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "after",
            sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["changeset_id"], ["changeset.id"], name=op.f("fk_change_changeset_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_change_changeset_id"), "change", ["changeset_id"], unique=False)
    op.create_index(
        op.f("ix_change_customer_id_changeset_id"), "change", ["customer_id", "changeset_id"], unique=False
    )
    op.create_index("ix_change_row", "change", ["table_name", "row_id"], unique=False)
    op.create_table(
        "credit_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "order_ref",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("code_last4", sa.String(length=4), nullable=True),
        sa.Column("reverses_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=140), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("changeset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'reversal') = (reverses_id IS NOT NULL)",
            name=op.f("ck_credit_entry_reversal_names_entry"),
        ),
        sa.CheckConstraint(
            "amount <> 0 AND CASE WHEN kind = 'gift_card' THEN amount > 0 WHEN kind = 'redeemed' THEN amount < 0 ELSE 1 = 1 END",
            name=op.f("ck_credit_entry_amount_sign"),
        ),
        sa.CheckConstraint(
            "kind IN ('gift_card', 'adjustment', 'redeemed', 'reversal')", name=op.f("ck_credit_entry_kind")
        ),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = upper(currency)", name=op.f("ck_credit_entry_currency_shape")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_credit_entry_actor_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["changeset_id"], ["changeset.id"], name=op.f("fk_credit_entry_changeset_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_credit_entry_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_credit_entry_order_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["credit_entry.id"],
            name=op.f("fk_credit_entry_reverses_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_credit_entry_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_credit_entry_changeset_id"), "credit_entry", ["changeset_id"], unique=False)
    op.create_index(op.f("ix_credit_entry_created_at_id"), "credit_entry", ["created_at", "id"], unique=False)
    op.create_index(
        op.f("ix_credit_entry_customer_id_changeset_id"),
        "credit_entry",
        ["customer_id", "changeset_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_credit_entry_customer_id_created_at_id"),
        "credit_entry",
        ["customer_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_credit_entry_order_id"), "credit_entry", ["order_id"], unique=False)
    op.create_index(
        "uq_credit_entry_reverses_id",
        "credit_entry",
        ["reverses_id"],
        unique=True,
        sqlite_where=sa.text("reverses_id IS NOT NULL"),
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_table(
        "external_id",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("system", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=128), nullable=False),
        sa.Column(
            "value_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('user', 'order')", name=op.f("ck_external_id_kind")),
        sa.CheckConstraint(
            "system IN ('ebay', 'amazon', 'shop', 'accounts', 'other')", name=op.f("ck_external_id_system")
        ),
        sa.CheckConstraint(
            "(customer_id IS NULL) <> (order_id IS NULL)", name=op.f("ck_external_id_one_owner")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_external_id_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_external_id_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_id")),
        sa.UniqueConstraint("system", "kind", "value_key", name=op.f("uq_external_id_system_kind_value_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_external_id_customer_id"), "external_id", ["customer_id"], unique=False)
    op.create_index(op.f("ix_external_id_order_id"), "external_id", ["order_id"], unique=False)
    op.create_index(op.f("ix_external_id_value_key_id"), "external_id", ["value_key", "id"], unique=False)
    op.create_table(
        "invoice",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "number",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "order_ref",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=140), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("changeset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_invoice_amount_range")),
        sa.CheckConstraint("due_on >= issued_on", name=op.f("ck_invoice_due_after_issue")),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = upper(currency)", name=op.f("ck_invoice_currency_shape")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_invoice_actor_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["changeset_id"], ["changeset.id"], name=op.f("fk_invoice_changeset_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_invoice_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_invoice_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("key", name=op.f("uq_invoice_key")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_invoice_changeset_id"), "invoice", ["changeset_id"], unique=False)
    op.create_index(op.f("ix_invoice_created_at_id"), "invoice", ["created_at", "id"], unique=False)
    op.create_index(
        op.f("ix_invoice_customer_id_changeset_id"), "invoice", ["customer_id", "changeset_id"], unique=False
    )
    op.create_index(
        op.f("ix_invoice_customer_id_issued_on_id"),
        "invoice",
        ["customer_id", "issued_on", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_invoice_due_on_id"), "invoice", ["due_on", "id"], unique=False)
    op.create_index(op.f("ix_invoice_issued_on_id"), "invoice", ["issued_on", "id"], unique=False)
    op.create_index(op.f("ix_invoice_order_id"), "invoice", ["order_id"], unique=False)
    op.create_table(
        "loyalty_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "order_ref",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reverses_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=140), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("changeset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'reversal') = (reverses_id IS NOT NULL)",
            name=op.f("ck_loyalty_entry_reversal_names_entry"),
        ),
        sa.CheckConstraint(
            "CASE WHEN kind IN ('earned', 'goodwill') THEN points > 0 WHEN kind IN ('redeemed', 'expired') THEN points < 0 ELSE 1 = 1 END",
            name=op.f("ck_loyalty_entry_points_sign"),
        ),
        sa.CheckConstraint(
            "kind IN ('earned', 'goodwill', 'adjustment', 'redeemed', 'expired', 'reversal')",
            name=op.f("ck_loyalty_entry_kind"),
        ),
        sa.CheckConstraint(
            "expires_at IS NULL OR points > 0", name=op.f("ck_loyalty_entry_expires_positive")
        ),
        sa.CheckConstraint(
            "points <> 0 AND points BETWEEN -10000000 AND 10000000",
            name=op.f("ck_loyalty_entry_points_range"),
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_loyalty_entry_actor_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["changeset_id"],
            ["changeset.id"],
            name=op.f("fk_loyalty_entry_changeset_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_loyalty_entry_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_loyalty_entry_order_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["loyalty_entry.id"],
            name=op.f("fk_loyalty_entry_reverses_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loyalty_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_loyalty_entry_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_loyalty_entry_changeset_id"), "loyalty_entry", ["changeset_id"], unique=False)
    op.create_index(
        op.f("ix_loyalty_entry_created_at_id"), "loyalty_entry", ["created_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_loyalty_entry_customer_id_changeset_id"),
        "loyalty_entry",
        ["customer_id", "changeset_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_loyalty_entry_customer_id_created_at_id"),
        "loyalty_entry",
        ["customer_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_loyalty_entry_order_id"), "loyalty_entry", ["order_id"], unique=False)
    op.create_index(
        "uq_loyalty_entry_reverses_id",
        "loyalty_entry",
        ["reverses_id"],
        unique=True,
        sqlite_where=sa.text("reverses_id IS NOT NULL"),
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_table(
        "mail",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=True),
        sa.Column("subject", sa.String(length=250), nullable=True),
        sa.Column("text_body", sa.Text(), nullable=True),
        sa.Column("html_body", sa.Text(), nullable=True),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("resend_of_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("resent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changeset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "recipient_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'failed', 'withheld', 'withdrawn')", name=op.f("ck_mail_state")
        ),
        sa.ForeignKeyConstraint(
            ["changeset_id"], ["changeset.id"], name=op.f("fk_mail_changeset_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_mail_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["resend_of_id"], ["mail.id"], name=op.f("fk_mail_resend_of_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["ab_user.id"], name=op.f("fk_mail_staff_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("key", name=op.f("uq_mail_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_mail_changeset_id"), "mail", ["changeset_id"], unique=False)
    op.create_index(op.f("ix_mail_created_at_id"), "mail", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_mail_customer_id_id"), "mail", ["customer_id", "id"], unique=False)
    op.create_index(
        "ix_mail_due",
        "mail",
        ["next_attempt_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(op.f("ix_mail_recipient_key_id"), "mail", ["recipient_key", "id"], unique=False)
    op.create_index(
        "ix_mail_resend_of_id",
        "mail",
        ["resend_of_id"],
        unique=False,
        sqlite_where=sa.text("resend_of_id IS NOT NULL"),
        postgresql_where=sa.text("resend_of_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_mail_staff_id"), "mail", ["staff_id"], unique=False)
    op.create_index(op.f("ix_mail_state_id"), "mail", ["state", "id"], unique=False)
    op.create_table(
        "order_line",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_line_quantity_range")),
        sa.CheckConstraint("unit_price >= 0 AND total >= 0", name=op.f("ck_order_line_sums_range")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_order_line_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_order_line_order_id"), "order_line", ["order_id"], unique=False)
    op.create_table(
        "run_item",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("row_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=20), server_default="pending", nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("changeset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'done', 'refused', 'failed')", name=op.f("ck_run_item_state")
        ),
        sa.ForeignKeyConstraint(
            ["changeset_id"], ["changeset.id"], name=op.f("fk_run_item_changeset_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_item_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_item")),
        sa.UniqueConstraint("run_id", "position", name=op.f("uq_run_item_run_id_position")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_run_item_changeset_id"), "run_item", ["changeset_id"], unique=False)
    op.create_index(
        op.f("ix_run_item_run_id_state_position"), "run_item", ["run_id", "state", "position"], unique=False
    )
    op.create_table(
        "shipment",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("carrier", sa.String(length=60), nullable=True),
        sa.Column("tracking_number", sa.String(length=60), nullable=True),
        sa.Column(
            "tracking_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_shipment_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_shipment_order_id"), "shipment", ["order_id"], unique=False)
    op.create_index(op.f("ix_shipment_tracking_key_id"), "shipment", ["tracking_key", "id"], unique=False)
    op.create_table(
        "tasting_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column(
            "order_ref",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reverses_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=140), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("changeset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'reversal') = (reverses_id IS NOT NULL)",
            name=op.f("ck_tasting_entry_reversal_names_entry"),
        ),
        sa.CheckConstraint("kind IN ('used', 'reversal')", name=op.f("ck_tasting_entry_kind")),
        sa.CheckConstraint("year BETWEEN 1990 AND 9998", name=op.f("ck_tasting_entry_year_range")),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_tasting_entry_actor_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["changeset_id"],
            ["changeset.id"],
            name=op.f("fk_tasting_entry_changeset_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_tasting_entry_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_tasting_entry_order_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["tasting_entry.id"],
            name=op.f("fk_tasting_entry_reverses_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasting_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_tasting_entry_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tasting_entry_changeset_id"), "tasting_entry", ["changeset_id"], unique=False)
    op.create_index(
        op.f("ix_tasting_entry_created_at_id"), "tasting_entry", ["created_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_tasting_entry_customer_id_changeset_id"),
        "tasting_entry",
        ["customer_id", "changeset_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_tasting_entry_customer_id_created_at_id"),
        "tasting_entry",
        ["customer_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_tasting_entry_customer_id_year"), "tasting_entry", ["customer_id", "year"], unique=False
    )
    op.create_index(op.f("ix_tasting_entry_order_id"), "tasting_entry", ["order_id"], unique=False)
    op.create_index(
        "uq_tasting_entry_reverses_id",
        "tasting_entry",
        ["reverses_id"],
        unique=True,
        sqlite_where=sa.text("reverses_id IS NOT NULL"),
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_table(
        "account_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=True),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=True),
        sa.Column("external_ref", sa.String(length=80), nullable=True),
        sa.Column("invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reverses_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=140), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("changeset_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'reversal') = (reverses_id IS NOT NULL)",
            name=op.f("ck_account_entry_reversal_names_entry"),
        ),
        sa.CheckConstraint(
            "amount <> 0 AND CASE WHEN kind IN ('invoice', 'refund') THEN amount > 0 WHEN kind = 'payment' THEN amount < 0 ELSE 1 = 1 END",
            name=op.f("ck_account_entry_amount_sign"),
        ),
        sa.CheckConstraint(
            "kind <> 'invoice' OR invoice_id IS NOT NULL", name=op.f("ck_account_entry_invoice_named")
        ),
        sa.CheckConstraint(
            "kind IN ('invoice', 'payment', 'refund', 'reversal')", name=op.f("ck_account_entry_kind")
        ),
        sa.CheckConstraint(
            "method IN ('bank_transfer', 'card', 'cash', 'cheque', 'other')",
            name=op.f("ck_account_entry_method"),
        ),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = upper(currency)",
            name=op.f("ck_account_entry_currency_shape"),
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["ab_user.id"], name=op.f("fk_account_entry_actor_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["changeset_id"],
            ["changeset.id"],
            name=op.f("fk_account_entry_changeset_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_account_entry_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_account_entry_invoice_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"],
            ["account_entry.id"],
            name=op.f("fk_account_entry_reverses_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_entry")),
        sa.UniqueConstraint("external_ref", name=op.f("uq_account_entry_external_ref")),
        sa.UniqueConstraint("key", name=op.f("uq_account_entry_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_account_entry_changeset_id"), "account_entry", ["changeset_id"], unique=False)
    op.create_index(
        op.f("ix_account_entry_created_at_id"), "account_entry", ["created_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_account_entry_customer_id_changeset_id"),
        "account_entry",
        ["customer_id", "changeset_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_account_entry_customer_id_created_at_id"),
        "account_entry",
        ["customer_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_account_entry_customer_id_value_date_id"),
        "account_entry",
        ["customer_id", "value_date", "id"],
        unique=False,
    )
    op.create_index(
        "ix_account_entry_fed",
        "account_entry",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("external_ref IS NOT NULL"),
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_index(op.f("ix_account_entry_invoice_id"), "account_entry", ["invoice_id"], unique=False)
    op.create_index(
        op.f("ix_account_entry_value_date_id"), "account_entry", ["value_date", "id"], unique=False
    )
    op.create_index(
        "uq_account_entry_invoice",
        "account_entry",
        ["invoice_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'invoice'"),
        postgresql_where=sa.text("kind = 'invoice'"),
    )
    op.create_index(
        "uq_account_entry_reverses_id",
        "account_entry",
        ["reverses_id"],
        unique=True,
        sqlite_where=sa.text("reverses_id IS NOT NULL"),
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_table(
        "gift_card",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column(
            "code_key",
            sa.String(length=320).with_variant(sa.String(length=320, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("redeemed_entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_gift_card_amount_range")),
        sa.CheckConstraint(
            "length(currency) = 3 AND currency = upper(currency)", name=op.f("ck_gift_card_currency_shape")
        ),
        sa.CheckConstraint(
            "redeemed_entry_id IS NULL OR voided_at IS NULL", name=op.f("ck_gift_card_redeemed_or_voided")
        ),
        sa.ForeignKeyConstraint(
            ["redeemed_entry_id"],
            ["credit_entry.id"],
            name=op.f("fk_gift_card_redeemed_entry_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_card")),
        sa.UniqueConstraint("code_key", name=op.f("uq_gift_card_code_key")),
        sa.UniqueConstraint("redeemed_entry_id", name=op.f("uq_gift_card_redeemed_entry_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_gift_card_created_at_id"), "gift_card", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_gift_card_expires_on_id"), "gift_card", ["expires_on", "id"], unique=False)
    op.create_index(op.f("ix_gift_card_last4_id"), "gift_card", ["last4", "id"], unique=False)
    op.create_table(
        "loyalty_lot",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("unspent", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("points > 0", name=op.f("ck_loyalty_lot_points_range")),
        sa.CheckConstraint("unspent BETWEEN 0 AND points", name=op.f("ck_loyalty_lot_unspent_range")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_loyalty_lot_customer_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["loyalty_entry.id"], name=op.f("fk_loyalty_lot_entry_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loyalty_lot")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_loyalty_lot_entry_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_loyalty_lot_customer_id_expires_at_id"),
        "loyalty_lot",
        ["customer_id", "expires_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_loyalty_lot_lapsing",
        "loyalty_lot",
        ["expires_at", "customer_id", "id"],
        unique=False,
        sqlite_where=sa.text("unspent > 0 AND expires_at IS NOT NULL"),
        postgresql_where=sa.text("unspent > 0 AND expires_at IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_lot_unspent",
        "loyalty_lot",
        ["customer_id", "expires_at", "unspent"],
        unique=False,
        sqlite_where=sa.text("unspent > 0"),
        postgresql_where=sa.text("unspent > 0"),
    )
    op.create_table(
        "mail_attachment",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("mail_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("size > 0 AND size <= 5000000", name=op.f("ck_mail_attachment_size_range")),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["mail.id"], name=op.f("fk_mail_attachment_mail_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_attachment")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_mail_attachment_mail_id"), "mail_attachment", ["mail_id"], unique=False)
    op.create_table(
        "lapse_warning",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mail_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["lot_id"], ["loyalty_lot.id"], name=op.f("fk_lapse_warning_lot_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["mail.id"], name=op.f("fk_lapse_warning_mail_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lapse_warning")),
        sa.UniqueConstraint("lot_id", name=op.f("uq_lapse_warning_lot_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_lapse_warning_mail_id"), "lapse_warning", ["mail_id"], unique=False)
    op.create_table(
        "loyalty_allocation",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.CheckConstraint("points <> 0", name=op.f("ck_loyalty_allocation_points_range")),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["loyalty_entry.id"],
            name=op.f("fk_loyalty_allocation_entry_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["lot_id"], ["loyalty_lot.id"], name=op.f("fk_loyalty_allocation_lot_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loyalty_allocation")),
        sa.UniqueConstraint("entry_id", "lot_id", name=op.f("uq_loyalty_allocation_entry_id_lot_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_loyalty_allocation_lot_id"), "loyalty_allocation", ["lot_id"], unique=False)
