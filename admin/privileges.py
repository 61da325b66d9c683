"""Permissions in words, and what the person asking could give away: what brings no more than they hold (rule 18.1)."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from actions.privileges import resource_label, verb_label
from admin.context import held, memo, session
from models.member import GroupRole, RoleGrant
from models.staff import PREFIX, Grant, pairs


def in_words(code: str) -> str:
    """Return a permission such as ``customer.can_list`` as the role editor calls it."""
    resource, _dot, name = code.partition(".")
    return f"{_(resource_label(resource))}: {_(verb_label(resource, name.removeprefix(PREFIX)))}"


def roles_beyond() -> frozenset[int]:
    """Return the roles that hold something the person asking does not."""
    return frozenset(memo("roles beyond", _roles_beyond))


def _roles_beyond() -> set[int]:
    granted = pairs().join(RoleGrant, RoleGrant.permission_view_id == Grant.id).add_columns(RoleGrant.role_id)
    return {row[3] for row in session().execute(granted) if (row[0], row[1]) not in held()}


def groups_beyond() -> frozenset[int]:
    """Return the groups that have such a role."""
    rows = session().execute(select(GroupRole.group_id, GroupRole.role_id))
    return frozenset(group for group, role in rows if role in roles_beyond())
