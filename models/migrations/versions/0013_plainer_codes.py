"""Plainer codes: permissions, jobs with their runs, and mails get the new ones; the sealed journal keeps the old."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
additive = False

JOBS = {
    "house.tidy": "maintenance.purge",
    "house.verify": "maintenance.verify_ledgers",
    "loyalty.warn": "loyalty.send_expiry_notices",
}
ACTIONS = {
    "role.require_factor": "role.require_two_factor",
    "staff.clear_factor": "staff.reset_two_factor",
}
MAIL_TEMPLATES = {
    "points_lapsing": "points_expiring",
    "staff_factor_added": "staff_two_factor_enabled",
    "staff_factor_removed": "staff_two_factor_disabled",
}
"""The table of renamed codes as it was when this was written; a migration never changes."""

job = sa.table("job", sa.column("code"))
run = sa.table("run", sa.column("action"), sa.column("key", sa.String))
mail = sa.table("mail", sa.column("template"))
permission = sa.table("ab_permission", sa.column("id", sa.Integer), sa.column("name"))
resource = sa.table("ab_view_menu", sa.column("id"), sa.column("name"))
pair = sa.table("ab_permission_view", sa.column("id"), sa.column("permission_id"), sa.column("view_menu_id"))


def upgrade() -> None:
    """Take the database one step forward; there is no way back but a backup."""
    for old, new in JOBS.items():
        _replace(job.c.code, old, new)
        _rename_slots(old, new)
    for old, new in (JOBS | ACTIONS).items():
        _replace(run.c.action, old, new)
    for old, new in MAIL_TEMPLATES.items():
        _replace(mail.c.template, old, new)
    for old, new in ACTIONS.items():
        _rename_permission(*old.split("."), new.split(".")[1])


def _replace(column: sa.ColumnClause[str], old: str, new: str) -> None:
    op.execute(sa.update(column.table).where(column == old).values({column.name: new}))


def _rename_slots(old: str, new: str) -> None:
    """A slot that was queued stays queued: the run's key says so, and begins with the job's code."""
    later = sa.func.replace(run.c.key, f"{old}@", f"{new}@")
    op.execute(sa.update(run).where(run.c.key.startswith(f"{old}@")).values(key=later))


def _rename_permission(noun: str, old: str, new: str) -> None:
    """Give a permission its new name on a resource. Its id stays, and with it every role's grant and their history."""
    connection = op.get_bind()
    before = connection.scalar(sa.select(permission.c.id).where(permission.c.name == f"can_{old}"))
    if before is None:
        return
    named = sa.select(permission.c.id).where(permission.c.name == f"can_{new}")
    if connection.scalar(named) is None:
        connection.execute(sa.insert(permission).values(name=f"can_{new}"))
    where = sa.select(resource.c.id).where(resource.c.name == noun).scalar_subquery()
    mine = pair.c.permission_id == before, pair.c.view_menu_id == where
    connection.execute(sa.update(pair).where(*mine).values(permission_id=connection.scalar(named)))
    left = sa.select(pair.c.id).where(pair.c.permission_id == before)
    connection.execute(sa.delete(permission).where(permission.c.id == before, ~left.exists()))
