"""Additional emails that wait for confirmation, and the links that confirm them; those there are count as confirmed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
additive = True

KINDS = "kind IN ('reset', 'invitation', 'registration', 'email_change', 'email_return', 'contact_email')"


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    with op.batch_alter_table("contact_email", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    emails = sa.table("contact_email", sa.column("confirmed_at"), sa.column("created_at"))
    op.execute(emails.update().values(confirmed_at=emails.c.created_at))
    with op.batch_alter_table("portal_link", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_constraint(op.f("ck_portal_link_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_portal_link_kind"), KINDS)
