"""API keys: everybody their own, and everybody's for those who manage them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select
from wtforms import Form, StringField
from wtforms.validators import InputRequired, Length, Optional

from actions.core.base import Actor
from actions.staff import api_keys
from admin.forms import form_fields
from admin.request.context import allowed
from admin.screen.base import Screen
from admin.screen_spec.declare import NoForm, RowAction, View
from admin.viewmodels.pages import Badge
from models.api_key import ApiKey, KeyScope
from web.request import today

MANAGE = "manage"


class KeyForm(Form):
    """A new key of the person who asks."""

    name = StringField(
        _l("Name"),
        [InputRequired(_l("Enter what the key is for.")), Length(max=80)],
        description=_l("For example “Stock sync”."),
    )
    scope = form_fields.ChoiceField(_l("Scope"), kind=KeyScope, nullable=False, default=KeyScope.READ)
    expires_on = form_fields.DayField(
        _l("Valid until"),
        [Optional()],
        description=_l("The key expires after this day. Leave blank for no end date."),
    )


class ApiKeyScreen(Screen):
    """Who lets which program use the API in their name."""

    model = ApiKey
    menu = "Settings"
    icon = "key"
    column_list = (
        "name",
        "owner_name",
        "prefix",
        "scope",
        "created_at",
        "last_used_at",
        "expires_on",
        "revoked_at",
    )
    column_default_sort = ("created_at", True)
    column_searchable_list = ("name", "owner_name", "prefix")
    column_filters = ("name", "owner_name", "scope", "created_at", "last_used_at", "expires_on", "revoked_at")
    column_labels = {
        "owner_name": _l("Owner"),
        "expires_on": _l("Valid until"),
    }
    views = (
        View("live", _l("Not revoked"), {"revoked_at__empty": "1"}),
        View("revoked", _l("Revoked"), {"revoked_at__empty": "0"}),
        View("all", _l("All")),
    )
    new_action = RowAction(
        api_keys.create,
        KeyForm,
        "plus",
        intro=_l(
            "The key has your permissions, never more, and stops working with your account. It is shown only "
            "once, after you create it."
        ),
    )
    row_actions = (RowAction(api_keys.revoke, NoForm, "ban", visible_if=lambda row: row.revoked_at is None),)
    empty = _l("An API key lets a program use the API on your behalf. You can revoke it at any time.")

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """Add the permission to see and revoke what is not one's own."""
        return (*super().verbs, MANAGE)

    def scope(self, statement: Select[Any], actor: Actor) -> Select[Any]:
        """Show people their own keys, and holders of "manage" all of them."""
        return statement if allowed(MANAGE, self.resource) else statement.where(ApiKey.user_id == actor.id)

    def badges(self, row: ApiKey) -> Sequence[Badge]:
        """Say why a key opens nothing."""
        if row.revoked_at is not None:
            return (Badge(_("Revoked"), "red"),)
        if row.expires_on is not None and row.expires_on < today():
            return (Badge(_("Expired"), "yellow"),)
        return ()
