"""Nobody does anything to somebody, or to a role or group, that may do what they may not do themselves (rule 18.1).

Otherwise anyone who may deactivate staff could strip an Admin of roles, sessions and second factor. It is held to
twice: a guard looks at whom an action is about before it begins, and an invariant at what any action or undo has
changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actions.core.base import Context, Escalation
from actions.core.journal import Journal
from actions.core.row_guards import guards
from actions.execution.invariants import invariant
from actions.staff.grant_rules import Standing, moved, standing, standing_before, versions
from models.access import StaffSession
from models.api_key import ApiKey
from models.base import N_
from models.member import Member, StaffGroup, StaffRole

ABOVE = (
    "above_you",
    N_("%(person)s has permissions you do not have. Ask someone who has them to change this."),
)
HOLDS_MORE = (
    "above_you",
    N_("%(name)s includes permissions you do not have. Ask someone who has them to change this."),
)
BEFORE = "standing before"
"""Where a session keeps how things stood before its first action on staff."""


@dataclass(frozen=True, slots=True)
class About:
    """The people, roles and groups that something is done to, by ids."""

    members: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()


@guards(Member, StaffRole, StaffGroup, StaffSession, ApiKey)
def leave_who_may_more_alone(ctx: Context, row: Any) -> None:
    """Refuse an action on somebody, or on what is somebody's, who may do more. :raises Escalation: ``above_you``."""
    if ctx.actor.id is None:
        return
    before: Standing = ctx.session.info.get(BEFORE) or standing(ctx.session)
    ctx.session.info[BEFORE] = before
    _refuse_above(ctx, _about(row), before)


def _about(row: Any) -> About:
    one = frozenset((row.user_id if isinstance(row, StaffSession | ApiKey) else row.id,))
    if isinstance(row, StaffRole):
        return About(roles=one)
    return About(groups=one) if isinstance(row, StaffGroup) else About(members=one)


@invariant(
    "ab_user", "ab_role", "ab_group", "ab_user_role", "ab_user_group", "ab_group_role",
    "ab_permission_view_role", "staff_channel",
)  # fmt: skip
def change_nobody_who_may_more(ctx: Context) -> None:
    """Refuse what changed somebody, or a role or group, that may do more, by whatever channel and even by an undo.

    :raises Escalation: ``above_you``.
    """
    if ctx.actor.id is None:
        return
    after = standing(ctx.session)
    before = standing_before(ctx.journal, after)
    _refuse_above(ctx, _changed(ctx.journal, before, after), before)


def _changed(journal: Journal, before: Standing, after: Standing) -> About:
    roles = _rows(journal, "ab_role") | {role for role, _permission in before.grants ^ after.grants}
    groups = _rows(journal, "ab_group") | {group for group, _role in before.group_roles ^ after.group_roles}
    people = _rows(journal, "ab_user") | _limited(journal) | moved(before, after)
    return About(
        frozenset(people | _poorer(before, after) | _without_two_factor(journal, before)),
        frozenset(roles),
        frozenset(groups),
    )


def _rows(journal: Journal, table: str) -> set[int]:
    """Return the rows of a table that were there before."""
    return {row_id for row_id, before, _after in versions(journal, table) if before is not None}


def _limited(journal: Journal) -> set[int]:
    """Return whose limit to sales channels is another."""
    return {
        side["user_id"]
        for _id, *sides in versions(journal, "staff_channel")
        for side in sides
        if side is not None
    }


def _poorer(before: Standing, after: Standing) -> set[int]:
    """Return who may do less than before because a role that they have holds less."""
    if before.grants <= after.grants:
        return set()
    return {member for member in before.everybody if before.held_by(member) - after.held_by(member)}


def _without_two_factor(journal: Journal, before: Standing) -> set[int]:
    """Return who has a role of which another is asked at sign-in than before."""
    roles = {
        row_id
        for row_id, old, new in versions(journal, "ab_role")
        if old is not None
        and new is not None
        and old.get("requires_two_factor") != new.get("requires_two_factor")
    }
    return {member for member in before.everybody if before.roles_of(member) & roles}


def _refuse_above(ctx: Context, about: About, before: Standing) -> None:
    mine = before.held_by(ctx.actor.id)
    for member in sorted(about.members - {ctx.actor.id}):
        if before.held_by(member) - mine:
            raise _told(ABOVE, ("ab_user", member), person=str(ctx.session.get_one(Member, member)))
    for role in sorted(about.roles):
        if before.allows({role}) - mine:
            raise _told(HOLDS_MORE, ("ab_role", role), name=_name(ctx, StaffRole, role))
    for group in sorted(about.groups):
        if before.allows(before.roles_of_groups({group})) - mine:
            raise _told(HOLDS_MORE, ("ab_group", group), name=_name(ctx, StaffGroup, group))


def _told(why: tuple[str, str], whom: tuple[str, int], **names: str) -> Escalation:
    refused = Escalation(*why, **names)
    refused.whom = whom
    return refused


def _name(ctx: Context, model: type[StaffRole | StaffGroup], row_id: int) -> str:
    """Return what a role or group is called, also one that the action has deleted."""
    row = ctx.journal.rows.get((model.__tablename__, row_id)) or ctx.session.get_one(model, row_id)
    return str(row)
