"""Activity: the journal across records, read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import not_

from actions.undo import undo
from admin import activity, cells, changesets
from admin.base import Screen
from admin.context import clientele, now, shop
from admin.declare import NoForm, RowAction
from admin.fields import Field
from admin.pages import Cell, FieldChange
from admin.query import Condition
from models.customer import Customer
from models.journal import Changeset
from models.member import Member


def _deed(view: Any, context: Any, row: Changeset, name: str) -> str:
    return activity.title_of(row)


def _subject(view: Any, context: Any, row: Changeset, name: str) -> Any:
    """Name the record, linked for those who may open it."""
    screen = clientele().by_table.get(row.subject_table or "")
    if screen is None or row.subject_id is None:
        return None
    name = g.subjects.of(row.subject_table, row.subject_id)
    label = f"{_(screen.singular)} {name}"
    if not screen.can("show") or not _is_seen(screen, row):
        return label
    return Markup('<a href="{}">{}</a>').format(screen.url_to("details_view", id=row.subject_id), label)


def _is_seen(screen: Screen, row: Changeset) -> bool:
    """Whether the record leads anywhere for the person asking, who may see just some of those a deed was about."""
    assert row.subject_id is not None
    return not screen.narrowed or g.subjects.knows(screen.model.__tablename__, row.subject_id)


def _when(view: Any, context: Any, row: Changeset, name: str) -> Any:
    """Say when, with a way to the record as it was right after."""
    at = cells.moment(row.at, now(), shop())
    screen = clientele().by_table.get(row.subject_table or "")
    if screen is None or row.subject_id is None or not screen.model.__journal__ or not screen.can("show"):
        return at
    if not _is_seen(screen, row):
        return at
    url = activity.past_url(screen, row.subject_id, row.at)
    return Cell(at, sub=Markup('<a href="{}">{}</a>').format(url, _("As it was then")))


def _who(view: Any, context: Any, row: Changeset, name: str) -> Any:
    return activity.who(row, g.subjects)


def _who_text(view: Any, context: Any, row: Changeset, name: str) -> str:
    who = activity.who(row, g.subjects)
    return who.striptags() if isinstance(who, Markup) else who


def _changes(view: Any, context: Any, row: Changeset, name: str) -> Any:
    lines = [_line(change) for change in g.changes[row.id]]
    return Markup("<br>").join(lines) if lines else None


def _line(change: FieldChange) -> Markup:
    before = Markup("<del>{}</del> → ").format(change.before) if change.before else ""
    return Markup("{}: {}{}").format(change.label, before, change.after)


def _subject_text(view: Any, context: Any, row: Changeset, name: str) -> str:
    if row.subject_table is None or row.subject_id is None:
        return ""
    noun = activity.noun(row.subject_table) or row.subject_table
    return f"{noun} {g.subjects.of(row.subject_table, row.subject_id)}"


def _changes_text(view: Any, context: Any, row: Changeset, name: str) -> str:
    return "; ".join(str(_line(change).striptags()) for change in g.changes[row.id])


TOUCHED = {
    "customer": (Field("customer", "lookup", None, target=Customer), changesets.customer_changesets),
    "member": (Field("member", "lookup", None, target=Member), changesets.staff_changesets),
}
"""Whom a changeset is about by its rows, or by who did it, and not by a column -> how it is found."""


class ActivityScreen(Screen):
    """Who did what when, and what it was before (RULES 9)."""

    model = Changeset
    menu = "Operations"
    icon = "history"
    column_list = (
        "at",
        "action",
        "subject",
        "changes",
        "actor_name",
        "on_behalf_of",
        "reason",
        "address",
        "request_id",
    )
    column_hidden = ("on_behalf_of", "address", "request_id")
    column_default_sort = ("id", True)
    column_searchable_list = ("actor_name", "reason")
    column_filters = (
        "actor_name",
        "on_behalf_of",
        "action",
        "at",
        "subject_table",
        "subject_id",
        "address",
        "reason",
    )
    column_labels = {
        "at": _l("When"), "action": _l("What"), "subject": _l("Record"), "subject_id": _l("Number"),
        "changes": _l("Before → after"), "actor_name": _l("Who"), "on_behalf_of": _l("On behalf of"),
        "address": _l("From"),
        "subject_table": _l("Kind of record"),
    }  # fmt: skip
    column_formatters = {
        "at": _when, "action": _deed, "subject": _subject, "changes": _changes, "actor_name": _who,
    }  # fmt: skip
    row_actions = (
        RowAction(
            undo,
            NoForm,
            "arrow-back-up",
            when=activity.may_still_be_undone,
            allow=activity.may_undo,
            bulk=False,
            intro=_l("Puts back what this changed, where nobody has changed it since."),
        ),
    )
    empty = _l("Every change anybody makes is listed here, with what it was before.")

    def field(self, name: str) -> Field:
        """Know the customer and the member of staff too, of whom a changeset has no column."""
        return TOUCHED[name][0] if name in TOUCHED else super().field(name)

    @cached_property
    def filters(self) -> dict[str, Field]:
        """Offer what was done, and to what kind of record, by name and not by code."""
        found = dict(super().filters)
        for name, made in (("action", activity.action_choices()), ("subject_table", activity.noun_choices())):
            found[name] = replace(found[name], kind="choice", choices=made)
        return found

    @cached_property
    def tab_filters(self) -> tuple[str, ...]:
        """Stand as a tab on a customer and on a member of staff."""
        return tuple(TOUCHED)

    column_formatters_export = {
        "action": _deed, "subject": _subject_text, "changes": _changes_text, "actor_name": _who_text,
    }  # fmt: skip

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read the changes and the names of the records; on a changeset's own page, every change."""
        if "changes" in names:
            g.changes = activity.first_changes(rows, most=activity.WHOLE if whole else activity.PER_CHANGESET)
        if "subject" in names or "actor_name" in names or (self.narrowed and "at" in names):
            g.subjects = activity.Names.of_rows(
                [*(c.subject for c in rows), *(("customer", c.on_behalf_of_id) for c in rows)]
            )

    def clause(self, condition: Condition) -> Any:
        """Find a customer's changesets by the rows they touched, those of a member of staff by who did them too."""
        if condition.field.name not in TOUCHED:
            return super().clause(condition)
        _field, theirs = TOUCHED[condition.field.name]
        if condition.operator == "empty":
            about_somebody = Changeset.id.in_(theirs(None))
            return not_(about_somebody) if condition.value else about_somebody
        return Changeset.id.in_(theirs(condition.value))
