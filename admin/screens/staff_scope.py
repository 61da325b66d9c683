"""Which customers a member of staff sees: the form that limits them, and how their record says it."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form

from actions.staff.channel_scope import limit_to_channels
from admin.forms import model_forms
from admin.screen_spec.column_info import Field
from admin.screen_spec.declare import RowAction
from models.lookups import SalesChannel
from models.member import Member

CHANNELS = Field("sales_channels", "lookup", None, target=SalesChannel)
"""The channels of a member of staff, for the picker: they are no column of theirs."""


class ChannelsForm(Form):
    """The sales channels whose customers somebody sees."""

    sales_channels = model_forms.related(
        SalesChannel,
        "staff",
        _l("Sales channels"),
        name="sales_channels",
        required=False,
        many=True,
        description=_l(
            "Only customers of these channels, and what belongs to them. Leave blank for all customers."
        ),
    )


def channels_seen(view: Any, context: Any, row: Member, name: str) -> str:
    """Return the channels whose customers somebody sees, in words."""
    return ", ".join(str(channel) for channel in row.sales_channels) or _("All sales channels")


LIMIT = RowAction(
    limit_to_channels,
    ChannelsForm,
    "filter",
    bulk=False,
    from_row=True,
    intro=_l("This person is signed out and has to sign in again."),
)
