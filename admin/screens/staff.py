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

from actions.staff import access, sign_out, staff, two_factor
from admin.forms.checkbox_list import TickListField
from admin.request import grantable
from admin.request.context import person
from admin.screen.base import Screen
from admin.screen_spec.column_info import Condition, Field
from admin.screen_spec.declare import NoForm, RowAction, Tab, View
from admin.screens.ledgers import ReasonForm
from admin.screens.staff_scope import CHANNELS, LIMIT, channels_seen
from admin.viewmodels.pages import Badge
from models.member import GroupMember, GroupRole, Member, RoleHolder, StaffGroup, StaffRole
from web.request import session

HELD: dict[str, tuple[Any, Any, str]] = {
    "roles": (RoleHolder, StaffRole, "role_id"),
    "groups": (GroupMember, StaffGroup, "group_id"),
}
"""Column of the list -> what ties it to a member of staff, what it names, and by which column."""


def role_ticks() -> TickListField:
    """Return a list of roles to tick."""
    return TickListField(_l("Roles"), model=StaffRole, beyond=grantable.roles_beyond)


class RolesForm(Form):
    """Which roles and groups a member of staff has."""

    roles = role_ticks()
    groups = TickListField(
        _l("Groups"),
        model=StaffGroup,
        beyond=grantable.groups_beyond,
        description=_l("Everyone in a group has the group's roles as well as their own."),
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
        _l("User name"), [Length(max=64)], description=_l("Leave blank to sign in with the email address.")
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
        "last_sign_in_at": _l("Last sign-in"),
        "sales_channels": _l("Customer access"),
    }
    form_columns = ("first_name", "last_name")
    column_details_list = (*form_columns, *column_list[2:], "sales_channels")
    can_create = can_delete = False
    views = (
        View("active", _l("Active"), {"active__eq": "1"}),
        View("inactive", _l("Deactivated"), {"active__eq": "0"}),
        View("all", _l("All")),
    )
    new_action = RowAction(
        access.invite,
        InviteForm,
        "user-plus",
        intro=_l(
            "They get an email with a link to choose their password. They cannot do anything until you give "
            "them a role."
        ),
    )
    tabs = (Tab("changeset", _l("Activity"), via="member", figure=""),)
    row_actions = (
        RowAction(staff.set_roles, RolesForm, "shield", starts=held_by, bulk=False, button=True),
        RowAction(staff.change_email, EmailForm, "mail", from_row=True, bulk=False),
        RowAction(
            staff.deactivate, ReasonForm, "ban", bulk=False,
            visible_if=lambda row: row.active and row.id != person().id,
            intro=_l("All their sessions end immediately. Their API keys stop working."),
        ),
        RowAction(staff.activate, NoForm, "check", bulk=False, visible_if=lambda row: not row.active),
        RowAction(
            access.send_reset, NoForm, "mail", bulk=False, visible_if=lambda row: row.active,
            intro=_l("They choose their own password. The link works once and replaces earlier ones."),
        ),
        RowAction(sign_out.end_all, NoForm, "logout", bulk=False),
        RowAction(
            sign_out.unlock, NoForm, "lock", bulk=False,
            intro=_l("After too many failed attempts, sign-in is blocked for 15 minutes. This unblocks it now."),
        ),
        RowAction(
            two_factor.reset, NoForm, "shield", bulk=False,
            intro=_l("For someone who has lost both their phone and recovery codes. Check that it is really them "
"asking."),
        ),
        LIMIT,
    )  # fmt: skip
    empty = _l("No staff yet.")

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
    tabs = (Tab("staff", via="group", figure=""),)
    row_actions = (
        RowAction(
            staff.set_group_roles, GroupRolesForm, "shield", bulk=False, button=True,
            starts=lambda row: {
                "roles": list(session().scalars(select(GroupRole.role_id).filter_by(group_id=row.id)))
            },
        ),
    )  # fmt: skip
    empty = _l("People in a group have the group's roles as well as their own.")

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
