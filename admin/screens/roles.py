"""Roles: what their holders may do, in one matrix, side by side, and as the holders would see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import g, render_template, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, union
from wtforms import BooleanField, Form, StringField
from wtforms.validators import InputRequired, Length, Optional

from actions.staff import roles
from admin.forms.form_fields import SeenField
from admin.layout.frame import frame
from admin.request import grantable
from admin.request.context import VIEW_AS
from admin.screen.base import Screen
from admin.screen.views import PERMISSION_OF
from admin.screen_spec.declare import RowAction, Tab
from admin.screens import role_matrix
from admin.viewmodels.pages import Badge, Cell, Link, Text
from models.member import ADMIN, GroupMember, GroupRole, RoleGrant, RoleHolder, StaffRole
from models.staff import codes
from web.arguments import parse_id
from web.request import session

PERMISSION_OF |= {"matrix_view": "show", "compare_view": "show"}


class MatrixForm(Form):
    """What a role may do."""

    permissions = role_matrix.MatrixField(_l("Permissions"))
    seen_version = SeenField(_l("Version"), [Optional()])


class CopyForm(Form):
    """What the copy is called."""

    name = StringField(_l("Name"), [InputRequired(_l("Enter a name.")), Length(max=64)])


class FactorForm(Form):
    """Whether a password is enough."""

    requires_two_factor = BooleanField(_l("Require two-factor authentication"))


@dataclass(frozen=True, slots=True)
class MatrixPage:
    """A role's matrix to read."""

    title: Text
    links: Sequence[Link]
    headings: Sequence[Text]
    groups: Sequence[role_matrix.MatrixGroup]
    notice: Text


@dataclass(frozen=True, slots=True)
class ComparePage:
    """Two roles, once they are chosen, and what differs."""

    title: Text
    links: Sequence[Link]
    url: str
    roles: Sequence[tuple[int, str]]
    first: int | None
    second: int | None
    names: Sequence[str]
    differences: Sequence[role_matrix.Difference]


def held(role: StaffRole) -> list[str]:
    """Return what a role may do, as far as a screen declares it."""
    offered = set(role_matrix.offered())
    return [code for code in codes(session(), role.id) if code in offered]


def _people(view: Any, context: Any, row: StaffRole, name: str) -> int:
    return int(g.of_roles.get(("people", row.id), 0))


def _permissions(view: Any, context: Any, row: StaffRole, name: str) -> Any:
    count = _permissions_count(view, context, row, name)
    return Cell(str(count), view.row_url("matrix_view", row.id) if view.can("show") else None)


def _permissions_count(view: Any, context: Any, row: StaffRole, name: str) -> int:
    return int(g.of_roles.get(("permissions", row.id), 0))


class RoleScreen(Screen):
    """Sets of permissions. Shipped ones are ordinary rows, except that Admin holds everything and stays."""

    model = StaffRole
    menu = "Settings"
    icon = "shield"
    column_list = ("name", "people", "permissions", "requires_two_factor")
    column_figures = ("people", "permissions")
    column_formatters = {"people": _people, "permissions": _permissions}
    column_formatters_export = {"people": _people, "permissions": _permissions_count}
    column_default_sort = ("name", False)
    column_searchable_list = ("name",)
    column_filters = ("name", "requires_two_factor")
    column_labels = {"requires_two_factor": _l("Two-factor required")}
    column_descriptions = {"people": _l("People who have the role, directly or through a group.")}
    form_columns = ("name",)
    tabs = (Tab("staff", _l("People with this role"), via="role", figure=""),)
    row_actions = (
        RowAction(
            roles.set_permissions, MatrixForm, "checklist", bulk=False, button=True, full_page=True,
            visible_if=lambda row: row.name != ADMIN,
            starts=lambda row: {"permissions": held(row), "seen_version": row.version},
            intro=_l("Tick what is allowed. You can only give permissions you have yourself."),
        ),
        RowAction(roles.copy, CopyForm, "copy", bulk=False),
        RowAction(roles.require_two_factor, FactorForm, "lock", bulk=False, from_row=True),
    )  # fmt: skip
    empty = _l("A role sets what people who have it can do.")

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """Add the permission to look at everything as the holders of a role see it."""
        return (*super().verbs, VIEW_AS)

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read how many have each role of the page, and how much it holds."""
        ids = [row.id for row in rows]
        by_group = select(GroupRole.role_id, GroupMember.user_id).join(
            GroupMember, GroupMember.group_id == GroupRole.group_id
        )
        people = union(select(RoleHolder.role_id, RoleHolder.user_id), by_group).subquery()
        grants = select(RoleGrant.role_id).subquery()
        g.of_roles = {
            (name, role): count
            for name, rows in (("people", people), ("permissions", grants))
            if name in names
            for role, count in session().execute(
                select(rows.c.role_id, func.count()).where(rows.c.role_id.in_(ids)).group_by(rows.c.role_id)
            )
        }

    def badges(self, row: StaffRole) -> Sequence[Badge]:
        """Say that a password alone is not enough."""
        return (Badge(_("Two-factor required"), "azure", "lock"),) if row.requires_two_factor else ()

    def links(self, row: StaffRole) -> Sequence[Link]:
        """Lead to the matrix, to another role beside this one, and to what holders see."""
        found = [
            Link(_("Permissions"), self.url_to("matrix_view", id=row.id), "checklist"),
            Link(_("Compare"), self.url_to("compare_view", a=row.id), "columns-3"),
        ]
        if self.can(VIEW_AS) and not grantable.is_beyond(row):
            ask = (("id", str(row.id)),)
            found.append(Link(_("View as this role"), url_for("view_as.start"), "eye", post=True, fields=ask))
        return found

    @expose("/matrix/")
    def matrix_view(self) -> str:
        """Show what a role may do."""
        row = self.get_or_404(parse_id("id", request.args.get("id")))
        page = MatrixPage(
            _("Permissions of %(role)s", role=row.name),
            [Link(_("Back to the role"), self.url_to("details_view", id=row.id), "chevron-left")],
            role_matrix.headings(),
            role_matrix.build(held(row), read_only=True),
            _(roles.ADMIN_STAYS[1]) if row.name == ADMIN else "",
        )
        return render_template("admin/matrix.html", page=page, frame=frame(self.resource))

    @expose("/compare/")
    def compare_view(self) -> str:
        """Show what only one of two roles may do, each way; without both, ask which."""
        first, second = (
            self.get_or_404(parse_id(name, request.args[name])) if request.args.get(name) else None
            for name in ("a", "b")
        )
        both = (first, second) if first is not None and second is not None else ()
        page = ComparePage(
            title=_("Compare two roles"),
            links=[Link(_("Roles"), self.url_to("index_view"), "chevron-left")],
            url=self.url_to("compare_view"),
            roles=[(r.id, r.name) for r in session().scalars(self.base_select().order_by(StaffRole.name))],
            first=first.id if first is not None else None,
            second=second.id if second is not None else None,
            names=[role.name for role in both],
            differences=role_matrix.compare(*map(held, both)) if both else (),
        )
        return render_template("admin/compare.html", page=page, frame=frame(self.resource))
