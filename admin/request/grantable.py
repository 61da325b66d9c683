"""Permissions in words, and what the person asking could give away: what brings no more than they hold (rule 18.1)."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import literal, select, union_all

from actions.core.row_guards import is_guarded
from actions.staff.escalation import ABOVE, HOLDS_MORE
from actions.staff.grant_rules import resource_label, verb_label
from actions.staff.roles import ADMIN_STAYS
from admin.request.context import held
from models.access import StaffSession
from models.api_key import ApiKey
from models.customer import Customer
from models.member import ADMIN, GroupMember, GroupRole, RoleGrant, RoleHolder, StaffGroup, StaffRole
from models.staff import PREFIX, Grant, pairs
from web.request import memo, session


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
    return frozenset(memo("groups beyond", _groups_beyond))


def _groups_beyond() -> set[int]:
    rows = session().execute(select(GroupRole.group_id, GroupRole.role_id))
    return {group for group, role in rows if role in roles_beyond()}


def members_beyond() -> frozenset[int]:
    """Return who has such a role, by themselves or by a group, and so may do more than the person asking."""
    return frozenset(memo("members beyond", _members_beyond))


def _members_beyond() -> set[int]:
    """Ask who has which role, and who is in which group, in one statement."""
    own = select(literal(False), RoleHolder.user_id, RoleHolder.role_id)
    by_group = select(literal(True), GroupMember.user_id, GroupMember.group_id)
    held_by = session().execute(union_all(own, by_group)).all()
    return {who for grouped, who, what in held_by if what in (groups_beyond() if grouped else roles_beyond())}


def names_beyond(table: str | None, row_id: int | None) -> bool:
    """Return whether a row, given by its table and id, is a person, role or group that may do more."""
    beyond = {"ab_user": members_beyond, "ab_role": roles_beyond, "ab_group": groups_beyond}
    return table in beyond and row_id in beyond[table]()


def why_unchangeable(row: Any) -> str:
    """Return why nobody who asks could save or delete a row, to be said over it; "" where nothing stands in the way."""
    if isinstance(row, StaffRole) and row.name == ADMIN:
        return str(_(ADMIN_STAYS[1]))
    if not is_guarded(type(row)) or not is_beyond(row):
        return ""
    if isinstance(row, StaffRole | StaffGroup):
        return _(HOLDS_MORE[1], name=row.name)
    return _(ABOVE[1], person=row.owner_name if isinstance(row, ApiKey) else str(_person(row)))


def _person(row: Any) -> Any:
    return row.member if isinstance(row, StaffSession) else row


def is_changeable(row: Any) -> bool:
    """Return whether a row could be saved or deleted by the person asking, if they hold the permission for it.

    Nothing is done to users who may do more (rule 18.1), to the role Admin (18.4) and to closed records (3.6, 4.4).
    """
    return not why_unchangeable(row) and (not isinstance(row, Customer) or row.is_live)


def is_beyond(row: Any) -> bool:
    """Return whether the person asking may do nothing to a row, because its owner may do more than they (rule 18.1)."""
    if isinstance(row, StaffRole):
        return row.id in roles_beyond()
    if isinstance(row, StaffGroup):
        return row.id in groups_beyond()
    return (row.user_id if isinstance(row, StaffSession | ApiKey) else row.id) in members_beyond()
