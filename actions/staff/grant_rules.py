"""Who may give what to whom: rules about staff that no action can get round (rule 18).

They look at what an action has done to the tables themselves, so that an undo, an import or an action written next
year is held to them as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.core.base import ACTIONS, Context, Escalation
from actions.core.journal import Fields, Journal, snapshot
from actions.execution import session_store
from actions.execution.invariants import invariant
from actions.staff import sessions
from models.base import N_, Base
from models.member import ADMIN, GroupMember, GroupRole, Member, RoleGrant, RoleHolder, StaffRole
from models.staff import PREFIX, Grant, Permission, Resource, pairs

MOST_NAMED = 3
LAST_ADMIN = (
    "last_admin",
    N_("There must be at least one active Admin. Give the role to someone else first."),
)
NOT_HELD = (
    "not_held",
    N_("You can only give permissions you have yourself. You do not have: %(what)s."),
)
VERBS = {
    "list": N_("List"),
    "show": N_("Show"),
    "add": N_("Add"),
    "edit": N_("Edit"),
    "delete": N_("Delete"),
    "export": N_("Export"),
    "import": N_("Import"),
}
"""The permissions that every screen may have, as the role editor calls them; all others are called as their actions."""
Link = tuple[int, int]


SEEING = {
    "see_address": N_("See addresses"),
    "see_birth": N_("See dates of birth and gender"),
    "see_email": N_("See email addresses"),
    "see_phone": N_("See phone numbers"),
    "see_vat": N_("See VAT and company numbers"),
    "reveal": N_("Reveal one masked value"),
    "manage": N_("See and end everyone's"),
    "act_for": N_("Make changes while logged in as a customer"),
    "exchange": N_("Take hand-overs on a shop site"),
    "view_as": N_("View as this role"),
}
"""Permissions that are no action's, by their verb."""


def verb_label(resource: str, verb: str) -> str:
    """Return what a permission is called beside its resource, untranslated."""
    declared = ACTIONS.get(f"{resource}.{verb}")
    if verb in VERBS or declared is None:
        return VERBS.get(verb) or SEEING.get(verb) or verb.replace("_", " ").capitalize()
    return declared.label


def resource_label(resource: str) -> str:
    """Return what the rows of a resource are called, untranslated."""
    models = (m.class_ for m in Base.registry.mappers if m.class_.__label__)
    return next((m.__plural__ for m in models if m.resource_name() == resource), resource)


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is active, who has which role and group, what groups and roles hold: at one moment, by ids."""

    active: frozenset[int]
    holders: frozenset[Link]
    """(member, role)."""
    members: frozenset[Link]
    """(member, group)."""
    group_roles: frozenset[Link]
    """(group, role)."""
    grants: frozenset[Link]
    """(role, permission)."""

    def roles_of(self, member: int | None) -> set[int]:
        """Return the roles of a member of staff, by their own and by groups."""
        groups = {group for who, group in self.members if who == member}
        own = {role for who, role in self.holders if who == member}
        return own | self.roles_of_groups(groups)

    def roles_of_groups(self, groups: set[int]) -> set[int]:
        """Return the roles that groups have."""
        return {role for group, role in self.group_roles if group in groups}

    def allows(self, roles: set[int]) -> set[int]:
        """Return the permissions that roles hold together."""
        return {permission for role, permission in self.grants if role in roles}

    def held_by(self, member: int | None) -> set[int]:
        """Return the permissions of a member of staff."""
        return self.allows(self.roles_of(member))

    @property
    def everybody(self) -> set[int]:
        """Return the members of staff who have a role or are in a group."""
        return {who for who, _which in self.holders | self.members}

    def active_with(self, role: int) -> set[int]:
        """Return the active members of staff who have a role."""
        people = {who for who, held in self.holders if held == role}
        groups = {group for group, held in self.group_roles if held == role}
        return (people | {who for who, group in self.members if group in groups}) & self.active


LINKS: dict[str, tuple[str, Any, str, str]] = {
    "holders": ("ab_user_role", RoleHolder, "user_id", "role_id"),
    "members": ("ab_user_group", GroupMember, "user_id", "group_id"),
    "group_roles": ("ab_group_role", GroupRole, "group_id", "role_id"),
    "grants": ("ab_permission_view_role", RoleGrant, "role_id", "permission_view_id"),
}
"""Part of a standing -> table, model and the columns of its pairs."""


def standing(session: Session) -> Standing:
    """Read how things stand, with what the action has flushed."""
    links = {
        part: frozenset((row[0], row[1]) for row in session.execute(select(*_columns(model, names))))
        for part, (_table, model, *names) in LINKS.items()
    }
    active = frozenset(session.scalars(select(Member.id).where(Member.active.is_(True))))
    return Standing(active, **links)


def _columns(model: Any, names: list[str]) -> list[Any]:
    return [getattr(model, name) for name in names]


def standing_before(journal: Journal, after: Standing) -> Standing:
    """Return how things stood before the action: how they stand, with what it did taken back."""
    links = {
        part: (getattr(after, part) - changed_pairs(journal, part, new=True))
        | changed_pairs(journal, part, new=False)
        for part in LINKS
    }
    off: set[int] = set()
    on: set[int] = set()
    for row_id, before, _after in versions(journal, "ab_user"):
        (on if before is not None and before.get("active") else off).add(row_id)
    return replace(after, active=(after.active - off) | on, **links)


def changed_pairs(journal: Journal, part: str, *, new: bool) -> set[Link]:
    """Return the pairs that an action made or, with ``new`` false, those that it did away with."""
    table, _model, left, right = LINKS[part]
    sides = (after if new else before for _id, before, after in versions(journal, table))
    return {(side[left], side[right]) for side in sides if side is not None}


def versions(journal: Journal, table: str) -> Iterator[tuple[int, Fields | None, Fields | None]]:
    """Yield (id, before, after) of each changed row of a table, with all of its fields; None where there was no row."""
    for (name, row_id), change in journal.changes.items():
        if name != table:
            continue
        before, after = change["before"], change["after"]
        if before is not None and after is not None:
            whole = snapshot(journal.rows[name, row_id])
            before, after = {**whole, **before}, whole
        yield row_id, before, after


# -- the rules ------------------------------------------------------------------------------------------------------


@invariant("ab_user", "ab_user_role", "ab_user_group", "ab_group_role", "ab_permission_view_role")
def give_only_what_is_held(ctx: Context) -> None:
    """Nobody gives a permission, or a role or group that brings one, without holding it before (rule 18.1).

    To let somebody in again gives them all that is theirs. The product itself gives what it likes.

    :raises Escalation: ``not_held``.
    """
    if ctx.actor.id is None:
        return
    after = standing(ctx.session)
    given = _given(ctx.journal, after)
    lacking = given - standing_before(ctx.journal, after).held_by(ctx.actor.id) if given else set()
    if lacking:
        code, message = NOT_HELD
        raise Escalation(code, message, what=_named(ctx.session, lacking))


def _given(journal: Journal, after: Standing) -> set[int]:
    """Return every permission that an action gives to somebody, or to a role that somebody may have."""
    let_in = {
        row_id
        for row_id, before, now in versions(journal, "ab_user")
        if now is not None and now.get("active") and not (before is not None and before.get("active"))
    }
    roles = {
        role for part in ("holders", "group_roles") for _who, role in changed_pairs(journal, part, new=True)
    }
    roles |= after.roles_of_groups({group for _who, group in changed_pairs(journal, "members", new=True)})
    roles |= {role for member in let_in for role in after.roles_of(member)}
    return after.allows(roles) | {
        permission for _role, permission in changed_pairs(journal, "grants", new=True)
    }


def _named(session: Session, permissions: set[int]) -> str:
    """Return the first few permissions in words."""
    query = pairs().where(Grant.id.in_(permissions)).order_by(Resource.name, Permission.name)
    names = [
        f"{resource_label(resource)}: {verb_label(resource, name.removeprefix(PREFIX))}"
        for name, resource, _id in session.execute(query.limit(MOST_NAMED))
    ]
    more = len(permissions) - len(names)
    return ", ".join(names) + (f" (+{more})" if more else "")


@invariant("ab_user", "ab_user_role", "ab_user_group", "ab_group_role")
def keep_an_admin(ctx: Context) -> None:
    """At least one active member of staff has the role Admin, where one had it before (rule 18.2).

    The role is locked first: of two admins who demote each other at once, the second sees what the first did.

    :raises Escalation: ``last_admin``.
    """
    locked = select(StaffRole.id).where(StaffRole.name == ADMIN).with_for_update(key_share=True)
    role = ctx.session.scalar(locked)
    if role is None:
        return
    after = standing(ctx.session)
    if not after.active_with(role) and standing_before(ctx.journal, after).active_with(role):
        raise Escalation(*LAST_ADMIN)


@invariant("ab_user", "ab_user_role", "ab_user_group", "ab_group_role")
def end_sessions(ctx: Context) -> None:
    """Anyone who was deactivated, or has other roles or groups than before, has to sign in again (rule 16.1)."""
    after = standing(ctx.session)
    before = standing_before(ctx.journal, after)
    out = before.active - after.active
    for member in sorted(out | moved(before, after)):
        because = session_store.DEACTIVATED if member in out else sessions.ROLES
        sessions.STORE.end_all(ctx.session, member, ctx.now, because)


def moved(before: Standing, after: Standing) -> set[int]:
    groups = {group for group, _role in before.group_roles ^ after.group_roles}
    in_them = {who for who, group in before.members | after.members if group in groups}
    return in_them | {
        who for who, _which in (before.holders ^ after.holders) | (before.members ^ after.members)
    }
