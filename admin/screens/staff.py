"""Staff: who may sign in. Flask-AppBuilder's accounts, as a screen like any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, Form, StringField
from wtforms.validators import InputRequired, Length

from actions import factors, staff_access, staff_sessions
from admin.base import Screen
from admin.declare import NoForm, RowAction, View
from admin.fields import Field
from admin.pages import Badge
from admin.screens.staff_scope import CHANNELS, LIMIT, channels_seen
from models.member import Member


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
    column_list = ("last_name", "first_name", "username", "email", "active", "last_sign_in_at")
    column_default_sort = ("last_name", False)
    column_searchable_list = ("last_name", "first_name", "username", "email")
    column_filters = ("last_name", "username", "email", "active", "last_sign_in_at")
    column_labels = {
        "username": _l("User name"),
        "active": _l("May sign in"),
        "last_sign_in_at": _l("Last sign-in"),
        "invited_at": _l("Invited"),
        "sales_channels": _l("Sees customers of"),
    }
    form_columns = ("first_name", "last_name", "email")
    column_details_list = (*form_columns, *column_list[2:], "sales_channels")
    column_formatters = {"sales_channels": channels_seen}
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
    row_actions = (
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
        """Know the channels too, which an action chooses from."""
        return CHANNELS if name == CHANNELS.name else super().field(name)

    def badges(self, row: Any) -> Sequence[Badge]:
        """Say who may not sign in."""
        return () if row.active else (Badge(_("Deactivated"), "secondary"),)
