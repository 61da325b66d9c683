"""A short list of related rows, each with a box to tick. It works without scripts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from flask import render_template
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from wtforms import Form
from wtforms.validators import StopValidation

from admin.forms.form_fields import LookupManyField
from admin.listing.order import ordered
from admin.screen_spec.registry import registry
from models.base import Base
from web.request import session


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the list. A ``fixed`` one stays as it is, because the person asking could not give it away."""

    value: int
    label: str
    on: bool
    fixed: bool


class TickListWidget:
    """The boxes, of which a fixed one that is ticked is sent unseen."""

    def __call__(self, field: TickListField, **kwargs: Any) -> Markup:
        return Markup(render_template("admin/_ticks.html", field=field, ticks=field.ticks()))  # noqa: S704  escaped


class TickListField(LookupManyField):
    """All rows of a model to choose from; ``data`` is the ids of those ticked.

    :param beyond: the ids of rows that the person asking could not give away.
    """

    widget: Any = TickListWidget()

    def __init__(
        self, *args: Any, model: type[Base], beyond: Callable[[], Collection[int]], **kwargs: Any
    ) -> None:
        self.model, self.beyond = model, beyond
        super().__init__(
            *args,
            screen=lambda: registry().by_model[model],
            url=str,
            nullable=True,
            without=str,
            **kwargs,
        )

    def ticks(self) -> list[Tick]:
        """Return a line for each row, in the order of its list."""
        screen = self.screen()
        rows = session().scalars(ordered(screen.base_select(), screen.sort_keys(None, False)))
        beyond, on = self.beyond(), set(self.data or ())
        return [Tick(row.id, screen.lookup_label(row), row.id in on, row.id in beyond) for row in rows]

    def pre_validate(self, form: Form) -> None:
        """Refuse rows that are not there."""
        key: Any = self.model.__table__.c.id
        if set(self.data) - set(session().scalars(select(key))):
            raise StopValidation(_("Choose an option from the list."))
