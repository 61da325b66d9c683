"""An index of the mails that hold a secret, to be encrypted after the upgrade, found when keys change, and watched.

Encrypting needs the keys, which no migration has: `flask up` does it once this is done.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    there = sa.text("secret IS NOT NULL")
    op.create_index("ix_mail_secret", "mail", ["id"], sqlite_where=there, postgresql_where=there)
