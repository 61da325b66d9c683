"""Staff: who may sign in, and with which roles, by themselves and by groups."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, func, literal, not_, or_, select, union_all
from wtforms import EmailField, Form, StringField
from wtforms.validators import InputRequired, Length

from actions import factors, staff, staff_access, staff_sessions
from admin import privileges
from admin.base import Screen
from admin.context import person, session
from admin.declare import NoForm, RowAction, Tab, View
from admin.fields import Field
from admin.pages import Badge
from admin.query import Condition
from admin.screens.ledgers import ReasonForm
from admin.screens.staff_scope import CHANNELS, LIMIT, channels_seen
from admin.ticks import TickListField
from models.member import GroupMember, GroupRole, Member, RoleHolder, StaffGroup, StaffRole

HELD: dict[str, tuple[Any, Any, str]] = {
    "roles": (RoleHolder, StaffRole, "role_id"),
    "groups": (GroupMember, StaffGroup, "group_id"),
}
"""Column of the list -> what ties it to a member of staff, what it names, and by which column."""


def role_ticks() -> TickListField:
    """Return a list of roles to tick."""
    return TickListField(_l("Roles"), model=StaffRole, beyond=privileges.roles_beyond)


class RolesForm(Form):
    """Which roles and groups a member of staff has."""

    roles = role_ticks()
    groups = TickListField(
        _l("Groups"),
        model=StaffGroup,
        beyond=privileges.groups_beyond,
        description=_l("Everybody in a group has the group's roles besides their own."),
    )


class GroupRolesForm(Form):
    """Which roles a group has."""

    roles = role_ticks()


class EmailForm(Form):
    """Where mail reaches a member of staff."""

    email = EmailField(_l("Email"), [InputRequired(_l("Enter an email address.")), Length(max=320)])


def held_by(row: Member) -> dict[str, Any]:
    """Return the ids of the roles and groups of a member of staff."""
    return {
        name: list(session().scalars(select(getattr(tie, key)).where(tie.user_id == row.id)))
        for name, (tie, _named, key) in HELD.items()
    }


def _held(view: Any, context: Any, row: Any, name: str) -> str:
    return ", ".join(g.held_by_staff.get((name, row.id), ()))


class InviteForm(Form):
    """Somebody new, with what they are called and where the invitation goes."""

    first_name = StringField(_l("First name"), [InputRequired(_l("Enter a first name.")), Length(max=64)])
    last_name = StringField(_l("Last name"), [InputRequired(_l("Enter a last name.")), Length(max=64)])
    email = EmailField(_l("Email"), [InputRequired(_l("Enter an email address.")), Length(max=320)])
    username = StringField(
        _l("User name"), [Length(max=64)], description=_l("Leave it empty to sign in by the email address.")
    )


class StaffScreen(Screen):
    """The people who work here. Nobody is ever deleted: the journal refers to them."""

    model = Member
    menu = "Settings"
    icon = "users"
    column_list = (
        "last_name", "first_name", "username", "email", "roles", "groups", "active", "last_sign_in_at",
    )  # fmt: skip
    column_figures = ("roles", "groups")
    column_formatters = {"roles": _held, "groups": _held, "sales_channels": channels_seen}
    column_formatters_export = {"roles": _held, "groups": _held}
    column_default_sort = ("last_name", False)
    column_searchable_list = ("last_name", "first_name", "username", "email")
    column_filters = ("last_name", "username", "email", "role", "group", "active", "last_sign_in_at")
    column_labels = {
        "username": _l("User name"),
        "active": _l("May sign in"),
        "last_sign_in_at": _l("Last sign-in"),
        "invited_at": _l("Invited"),
        "sales_channels": _l("Sees customers of"),
    }
    form_columns = ("first_name", "last_name")
    column_details_list = (*form_columns, *column_list[2:], "sales_channels")
    can_create = can_delete = False
    views = (
        View("active", _l("May sign in"), {"active__eq": "1"}),
        View("inactive", _l("Deactivated"), {"active__eq": "0"}),
        View("all", _l("All")),
    )
    new_action = RowAction(
        staff_access.invite,
        InviteForm,
        "user-plus",
        intro=_l(
            "They get a link by email to choose their own password. Until they are given a role they may do nothing."
        ),
    )
    tabs = (Tab("changeset", _l("Activity"), via="member", figure=lambda row: ""),)
    row_actions = (
        RowAction(staff.set_roles, RolesForm, "shield", starts=held_by, bulk=False, button=True),
        RowAction(staff.change_email, EmailForm, "mail", from_row=True, bulk=False),
        RowAction(
            staff.deactivate, ReasonForm, "ban", bulk=False,
            when=lambda row: row.active and row.id != person().id,
            intro=_l("Every session of theirs ends at once. Their keys to the API stop working."),
        ),
        RowAction(staff.activate, NoForm, "check", bulk=False, when=lambda row: not row.active),
        RowAction(
            staff_access.send_reset, NoForm, "mail", bulk=False, when=lambda row: row.active,
            intro=_l("They choose the password themselves. The link works once, and takes the place of older ones."),
        ),
        RowAction(staff_sessions.end_all, NoForm, "logout", bulk=False),
        RowAction(
            staff_sessions.unlock, NoForm, "lock", bulk=False,
            intro=_l("After too many failed attempts nobody may try for a quarter of an hour. This lets them at once."),
        ),
        RowAction(
            factors.clear, NoForm, "shield", bulk=False,
            intro=_l("For who has lost both phone and recovery codes. Make sure that it is them who asks."),
        ),
        LIMIT,
    )  # fmt: skip
    empty = _l("Nobody works here yet.")

    def field(self, name: str) -> Field:
        """Know roles, groups and channels too, of which a member of staff has no column."""
        if name == CHANNELS.name:
            return CHANNELS
        if name in HELD:
            return Field(name, "computed")
        named = {"role": StaffRole, "group": StaffGroup}
        return Field(name, "lookup", None, target=named[name]) if name in named else super().field(name)

    @cached_property
    def tab_filters(self) -> tuple[str, ...]:
        """Stand as a tab on a role and on a group."""
        return ("role", "group")

    def clause(self, condition: Condition) -> Any:
        """Find who has a role, by themselves or by a group, and who is in a group."""
        name = condition.field.name
        if name not in ("role", "group"):
            return super().clause(condition)
        wanted = None if condition.operator == "empty" else literal(condition.value, BigInteger)
        found = holders_of(wanted) if name == "role" else Member.id.in_(_members_of(wanted))
        return not_(found) if condition.operator == "empty" and condition.value else found

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read the roles and groups of everybody on the page, in one statement."""
        ids = [row.id for row in rows]
        parts = [
            select(literal(name), tie.user_id, named.name)
            .join(named, named.id == getattr(tie, key))
            .where(tie.user_id.in_(ids))
            for name, (tie, named, key) in HELD.items()
            if name in names
        ]
        found: dict[tuple[str, int], list[str]] = {}
        for name, member, held in session().execute(union_all(*parts)) if parts else ():
            found.setdefault((name, member), []).append(held)
        for held_names in found.values():
            held_names.sort()
        g.held_by_staff = found

    def badges(self, row: Any) -> Sequence[Badge]:
        """Say who may not sign in."""
        return () if row.active else (Badge(_("Deactivated"), "secondary"),)


def holders_of(role: Any) -> Any:
    """Return the clause for members of staff who have a role, by themselves or by a group; for None, any role."""
    own, by_group = (
        select(RoleHolder.user_id),
        select(GroupMember.user_id).join(GroupRole, GroupRole.group_id == GroupMember.group_id),
    )
    if role is not None:
        own, by_group = own.where(RoleHolder.role_id == role), by_group.where(GroupRole.role_id == role)
    return or_(Member.id.in_(own), Member.id.in_(by_group))


def _members_of(group: Any) -> Any:
    found = select(GroupMember.user_id)
    return found if group is None else found.where(GroupMember.group_id == group)


def _roles_of_group(view: Any, context: Any, row: Any, name: str) -> str:
    return ", ".join(g.of_groups.get(row.id, (0, []))[1])


def _size(view: Any, context: Any, row: Any, name: str) -> int:
    return int(g.of_groups.get(row.id, (0, []))[0])


class StaffGroupScreen(Screen):
    """Groups of staff: a way to give several people the same roles."""

    model = StaffGroup
    menu = "Settings"
    icon = "users-group"
    column_list = ("name", "size", "roles")
    column_figures = ("size", "roles")
    column_formatters = {"size": _size, "roles": _roles_of_group}
    column_formatters_export = {"size": _size, "roles": _roles_of_group}
    column_default_sort = ("name", False)
    column_searchable_list = ("name",)
    column_filters = ("name",)
    column_labels = {"size": _l("People")}
    form_columns = ("name",)
    tabs = (Tab("staff", via="group", figure=lambda row: ""),)
    row_actions = (
        RowAction(
            staff.set_group_roles, GroupRolesForm, "shield", bulk=False, button=True,
            starts=lambda row: {
                "roles": list(session().scalars(select(GroupRole.role_id).filter_by(group_id=row.id)))
            },
        ),
    )  # fmt: skip
    empty = _l("People in a group have the group's roles besides their own.")

    def field(self, name: str) -> Field:
        """Set names of roles to the left, as they are no figures."""
        return Field(name, "computed") if name == "roles" else super().field(name)

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read how many are in each group of the page, and the groups' roles."""
        ids = [row.id for row in rows]
        sizes = select(GroupMember.group_id, func.count()).where(GroupMember.group_id.in_(ids))
        g.of_groups = {
            group: (size, []) for group, size in session().execute(sizes.group_by(GroupMember.group_id))
        }
        roles = select(GroupRole.group_id, StaffRole.name).join(StaffRole, StaffRole.id == GroupRole.role_id)
        wanted = roles.where(GroupRole.group_id.in_(ids)).order_by(StaffRole.name)
        for group, role in session().execute(wanted):
            g.of_groups.setdefault(group, (0, []))[1].append(role)
