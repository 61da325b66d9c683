"""Roles: what they may do, made by hand or as a copy, and gone only when nobody has them (rule 18).

Admin is different: it holds every permission there is, also of tomorrow's release, so nobody edits what it holds.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import inspect, select

from actions.core.base import Context, Outcome, Refused, action
from actions.execution.records import before_delete, before_save, save_new
from actions.staff.staff import SAME, set_links
from models.base import N_, Invalid
from models.member import ADMIN, GroupRole, RoleGrant, RoleHolder, StaffRole
from models.staff import codes, permission_ids

ADMIN_STAYS = (
    "admin_stays",
    N_("The Admin role has every permission and cannot be changed. Copy it to create another role."),
)


@action("role.set_permissions", StaffRole, label=N_("Change permissions"), recent=True)
def set_permissions(
    ctx: Context, role: StaffRole, *, permissions: list[str], seen_version: int | None = None
) -> Outcome:
    """Let a role do exactly this, from the next click of its holders on.

    :param permissions: such as ``customer.list``. :param seen_version: of the role when its permissions were looked at.
    :raises Refused: ``admin_stays``, or ``stale``: somebody changed the role in the meantime.
    """
    if role.name == ADMIN:
        raise Refused(*ADMIN_STAYS)
    if seen_version is not None and seen_version != role.version:
        raise Refused("stale", N_("Someone else changed this role. Open it again to see its permissions."))
    before = set(codes(ctx.session, role.id))
    wanted = _ids(ctx, permissions)
    if not set_links(ctx, RoleGrant, {"role_id": role.id}, "permission_view_id", wanted.values()):
        return Outcome(SAME, role)
    role.version, role.updated_at = role.version + 1, ctx.now
    added, removed = len(wanted.keys() - before), len(before - wanted.keys())
    told = {"role": role.name, "added": added, "removed": removed}
    return Outcome(N_("%(role)s: %(added)s added, %(removed)s removed."), role, told)


def _ids(ctx: Context, permissions: Iterable[str]) -> dict[str, int]:
    wanted = permission_ids(ctx.session, permissions)
    unknown = sorted(set(permissions) - wanted.keys())
    if unknown:
        raise Invalid({"permissions": N_("Choose an option from the list.")})
    return wanted


@action("role.copy", StaffRole, label=N_("Copy"), recent=True, harmless=True)
def copy(ctx: Context, role: StaffRole, *, name: str) -> Outcome:
    """Make a new role that may do what this one may now. :raises Invalid: there is a role of that name."""
    made = StaffRole(requires_two_factor=role.requires_two_factor)
    save_new(ctx, made, {"name": name})
    held = ctx.session.scalars(select(RoleGrant.permission_view_id).filter_by(role_id=role.id))
    set_links(ctx, RoleGrant, {"role_id": made.id}, "permission_view_id", list(held))
    return Outcome(
        N_("%(role)s was created as a copy of %(original)s."), made, {"role": name, "original": role.name}
    )


@action("role.require_two_factor", StaffRole, label=N_("Two-factor authentication"), recent=True)
def require_two_factor(ctx: Context, role: StaffRole, *, requires_two_factor: bool) -> Outcome:
    """Say whether holders of a role must sign in with a second factor."""
    if role.requires_two_factor == requires_two_factor:
        return Outcome(SAME, role)
    role.requires_two_factor = requires_two_factor
    message = (
        N_("%(role)s now requires two-factor authentication. It applies from the next sign-in.")
        if requires_two_factor
        else N_("%(role)s no longer requires two-factor authentication.")
    )
    return Outcome(message, role, {"role": role.name})


@before_save(StaffRole)
def admin_keeps_its_name(ctx: Context, role: StaffRole, changed: set[str], created: bool) -> None:
    """Admin is known by its name. :raises Invalid: it would get another."""
    before = inspect(role).attrs.name.history.deleted
    if not created and "name" in changed and before and before[0] == ADMIN:
        raise Invalid({"name": N_("The Admin role cannot be renamed.")})


@before_delete(StaffRole)
def only_a_role_of_nobody_goes(ctx: Context, role: StaffRole) -> None:
    """Refuse to delete Admin, or a role that somebody or some group has. :raises Refused: ``admin_stays``, ``held``."""
    if role.name == ADMIN:
        raise Refused(*ADMIN_STAYS)
    for holder in (RoleHolder, GroupRole):
        if ctx.session.scalar(select(holder.id).filter_by(role_id=role.id).limit(1)) is not None:
            raise Refused(
                "held", N_("%(role)s cannot be deleted because a person or group has it."), role=role.name
            )
    set_links(ctx, RoleGrant, {"role_id": role.id}, "permission_view_id", ())
