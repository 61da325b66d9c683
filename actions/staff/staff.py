"""Staff and their groups: which roles they have, whether they may sign in, where mail reaches them (rules 16.1, 18).

Nobody is ever deleted, because the journal names them. What ends somebody's sessions, and what nobody may give away,
is kept by actions/staff/grant_rules.py for these actions and for every other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import joinedload

from actions.core.base import Context, Outcome, Refused, action
from actions.execution.records import before_delete, save_values
from models.base import N_, Base
from models.member import GroupMember, GroupRole, Member, RoleHolder, StaffGroup

SAME = N_("No changes.")


@action("staff.set_roles", Member, label=N_("Change roles and groups"), recent=True)
def set_roles(ctx: Context, member: Member, *, roles: list[int], groups: list[int]) -> Outcome:
    """Give a member of staff exactly these roles and groups; other ones end."""
    changed = set_links(ctx, RoleHolder, {"user_id": member.id}, "role_id", roles)
    changed |= set_links(ctx, GroupMember, {"user_id": member.id}, "group_id", groups)
    if not changed:
        return Outcome(SAME, member)
    ctx.warn(N_("%(person)s has to sign in again."), person=str(member))
    return Outcome(N_("The roles of %(person)s were changed."), member, {"person": str(member)})


@action("staff.deactivate", Member, label=N_("Deactivate"))
def deactivate(ctx: Context, member: Member, *, reason: str) -> Outcome:
    """Let a member of staff in no more; all their sessions end at once. :raises Refused: ``yourself``, ``inactive``."""
    if member.id == ctx.actor.id:
        raise Refused("yourself", N_("You cannot deactivate yourself. Ask another admin."))
    if not member.active:
        raise Refused("inactive", N_("%(person)s is already deactivated."), person=str(member))
    member.active = False
    return Outcome(N_("%(person)s can no longer sign in."), member, {"person": str(member)})


@action("staff.activate", Member, label=N_("Reactivate"))
def activate(ctx: Context, member: Member) -> Outcome:
    """Let a member of staff sign in again, with the roles they had. :raises Refused: ``active``."""
    if member.active:
        raise Refused("active", N_("%(person)s is already active."), person=str(member))
    member.active = True
    return Outcome(N_("%(person)s is active again and can sign in."), member, {"person": str(member)})


@action("staff.change_email", Member, label=N_("Change email"), recent=True)
def change_email(ctx: Context, member: Member, *, email: str) -> Outcome:
    """Have mail to a member of staff go somewhere else; the address they had is told (rule 16.7).

    :raises Invalid: it is no address, or somebody else's.
    """
    before = member.email
    save_values(ctx, member, {"email": email})
    if member.email != before:
        ctx.mail_staff("staff_email_changed", member, to=before)
    return Outcome(N_("The email of %(person)s was changed."), member, {"person": str(member)})


@action("staff_group.set_roles", StaffGroup, label=N_("Change roles"), recent=True)
def set_group_roles(ctx: Context, group: StaffGroup, *, roles: list[int]) -> Outcome:
    """Give a group exactly these roles, and so all who are in it."""
    if not set_links(ctx, GroupRole, {"group_id": group.id}, "role_id", roles):
        return Outcome(SAME, group)
    ctx.warn(N_("Everyone in the group has to sign in again."))
    return Outcome(N_("The roles of %(group)s were changed."), group, {"group": group.name})


@before_delete(StaffGroup)
def only_an_empty_group_goes(ctx: Context, group: StaffGroup) -> None:
    """Refuse to delete a group that somebody is in; its roles go with it. :raises Refused: ``not_empty``."""
    if ctx.session.scalar(select(GroupMember.id).filter_by(group_id=group.id).limit(1)) is not None:
        raise Refused(
            "not_empty", N_("%(group)s cannot be deleted because it has members."), group=group.name
        )
    set_links(ctx, GroupRole, {"group_id": group.id}, "role_id", ())


def set_links(
    ctx: Context, model: type[Base], owner: dict[str, int], other: str, wanted: Iterable[int]
) -> bool:
    """Leave exactly the links from an owner to ``wanted``; return whether that changed anything.

    :param owner: the column that names the owner, and its id. :param other: the column that names what it is linked to.
    """
    rows: Any = select(model).filter_by(**owner)
    named = [joinedload(getattr(model, relation.key)) for relation in inspect(model).relationships]
    there = {getattr(row, other): row for row in ctx.session.scalars(rows.options(*named)).unique()}
    gone, new = there.keys() - set(wanted), set(wanted) - there.keys()
    for key in sorted(gone):
        ctx.session.delete(there[key])
    ctx.session.add_all(model(**owner, **{other: key}) for key in sorted(new))
    ctx.session.flush()
    return bool(gone or new)
