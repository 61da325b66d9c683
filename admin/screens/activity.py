"""Activity: the journal across records, read only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from flask import g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import not_

from actions.undo.undo import undo
from admin.history import activity, activity_choices, changesets, undo_offer
from admin.layout import formatters
from admin.screen.base import Screen
from admin.screen_spec.column_info import Condition, Field
from admin.screen_spec.declare import NoForm, RowAction
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Cell, FieldChange, Text
from models.customer import Customer
from models.journal import Changeset
from models.member import Member
from web.arguments import BadArgument
from web.request import now, shop


def _action_in_words(view: Any, context: Any, row: Changeset, name: str) -> str:
    return activity.title_of(row)


def _subject(view: Any, context: Any, row: Changeset, name: str) -> Any:
    """Name the record and everyone else who was touched, linked for those who may open them, and lead to the rest."""
    about, others, more = _about(row), *_others(row)
    named = [about] if about is not None else []
    named += [activity.linked(table, row_id, g.subjects) for table, row_id in others]
    return Markup(", ").join([*named, *_elsewhere(view, row, more)]) or None


def _elsewhere(view: Any, row: Changeset, more: int) -> Iterator[Text]:
    """Yield the ways to what stands on the other pages of a changeset, the first of which a list leads to."""
    if g.page is not None and g.page > 1:
        yield _page_link(view, row, g.page - 1, _("previous page"))
    if more > 0:
        words = _("and %(count)s more", count=formatters.number(more, shop()))
        yield _page_link(view, row, (g.page or 0) + 1, words) if view.can("show") else words


def _page() -> int:
    """Return which page of a changeset is asked for. :raises BadArgument: it is no number."""
    given = request.args.get("page", "1")
    if not given.isascii() or not given.isdigit() or not 0 < len(given) < 7 or not int(given):
        raise BadArgument("page", _("“%(given)s” is not a page number: pages start at 1", given=given[:40]))
    return int(given)


def _page_link(view: Any, row: Changeset, page: int, words: str) -> Markup:
    url = view.row_url("details_view", row.id) + (f"&page={page}" if page > 1 else "")
    return Markup('<a href="{}">{}</a>').format(url, words)


def _others(row: Changeset) -> tuple[Sequence[changesets.Row], int]:
    """Return whom a changeset touched besides the record it was about, and how many more there are after these."""
    found = g.touched.get(row.id)
    if found is None:
        return (), 0
    others = [one for one in found.rows if one != row.subject]
    apart = row.subject_table == "customer" and row.subject_id is not None and len(others) == len(found.rows)
    return others, found.count - found.before - len(found.rows) - (apart and not found.before)


def _about(row: Changeset) -> Any:
    """Return the name of the record that a changeset was about as a whole."""
    screen = registry().by_table.get(row.subject_table or "")
    if screen is None or row.subject_id is None:
        return None
    name = g.subjects.of(row.subject_table, row.subject_id)
    label = f"{_(screen.singular)} {name}"
    if not screen.can("show") or not _is_seen(screen, row):
        return label
    return Markup('<a href="{}">{}</a>').format(screen.url_to("details_view", id=row.subject_id), label)


def _is_seen(screen: ScreenSpec, row: Changeset) -> bool:
    """Whether the record leads anywhere for the person asking, who may see just some of those an action was about."""
    assert row.subject_id is not None
    return not screen.narrowed or g.subjects.knows(screen.model.__tablename__, row.subject_id)


def _when(view: Any, context: Any, row: Changeset, name: str) -> Any:
    """Say when, with a way to the record as it was right after."""
    at = formatters.moment(row.at, now(), shop())
    screen = registry().by_table.get(row.subject_table or "")
    if screen is None or row.subject_id is None or not screen.model.__journal__ or not screen.can("show"):
        return at
    if not _is_seen(screen, row):
        return at
    url = activity.past_url(screen, row.subject_id, row.at)
    return Cell(at, sub=Markup('<a href="{}">{}</a>').format(url, _("Version at that time")))


def _who(view: Any, context: Any, row: Changeset, name: str) -> Any:
    return activity.who(row, g.subjects)


def _who_text(view: Any, context: Any, row: Changeset, name: str) -> str:
    who = activity.who(row, g.subjects)
    return who.striptags() if isinstance(who, Markup) else who


def _changes(view: Any, context: Any, row: Changeset, name: str) -> Any:
    lines: list[Text] = [_line(change) for change in g.changes[row.id]]
    if g.page is not None:
        more = activity.count_changes(row) - g.page * activity.WHOLE
        lines.append(Markup(", ").join(_elsewhere(view, row, more)))
    return Markup("<br>").join(line for line in lines if line) or None


def _line(change: FieldChange) -> Markup:
    before = Markup("<del>{}</del> → ").format(change.before) if change.before else ""
    return Markup("{}: {}{}").format(change.label, before, change.after)


def _subject_text(view: Any, context: Any, row: Changeset, name: str) -> str:
    others, more = _others(row)
    named = [g.subjects.of(table, row_id) for table, row_id in others]
    if row.subject_table is not None and row.subject_id is not None:
        noun = activity.noun(row.subject_table) or row.subject_table
        named.insert(0, f"{noun} {g.subjects.of(row.subject_table, row.subject_id)}")
    return ", ".join([*named, *([_("and %(count)s more", count=more)] if more > 0 else [])])


def _changes_text(view: Any, context: Any, row: Changeset, name: str) -> str:
    return "; ".join(str(_line(change).striptags()) for change in g.changes[row.id])


def _named(rows: Sequence[Changeset]) -> list[tuple[str | None, int | None]]:
    """Return the records that a page names, besides those in its changes."""
    return [
        *(c.subject for c in rows),
        *(("customer", c.on_behalf_of_id) for c in rows),
        *(place for found in g.touched.values() for place in found.rows),
    ]


TOUCHED = {
    "customer": (Field("customer", "lookup", None, target=Customer), changesets.customer_changesets),
    "member": (Field("member", "lookup", None, target=Member), changesets.staff_changesets),
}
"""Whom a changeset is about by its rows, or by who did it, and not by a column -> how it is found."""


class ActivityScreen(Screen):
    """Who did what when, and what it was before (rule 9)."""

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
        "at": _l("When"),
        "action": _l("What"),
        "subject": _l("Record"),
        "subject_id": _l("Number"),
        "changes": _l("Before → after"),
        "actor_name": _l("Who"),
        "address": _l("From"),
        "subject_table": _l("Kind of record"),
    }
    column_formatters = {
        "at": _when, "action": _action_in_words, "subject": _subject, "changes": _changes, "actor_name": _who,
    }  # fmt: skip
    row_actions = (
        RowAction(
            undo,
            NoForm,
            "arrow-back-up",
            visible_if=undo_offer.may_still_be_undone,
            permitted_if=undo_offer.may_undo,
            bulk=False,
            intro=_l("Restores what this changed, except for anything changed since."),
        ),
    )
    empty = _l("Every change is listed here, with the values before and after.")

    def subtitle(self, row: Changeset) -> Sequence[Text]:
        """Say what was done, by whom and when."""
        return activity.title_of(row), row.actor_name, formatters.moment(row.at, now(), shop())

    def field(self, name: str) -> Field:
        """Know the customer and the member of staff too, of whom a changeset has no column."""
        return TOUCHED[name][0] if name in TOUCHED else super().field(name)

    @cached_property
    def filters(self) -> dict[str, Field]:
        """Offer what was done, and to what kind of record, by name and not by code."""
        found = dict(super().filters)
        for name, made in (
            ("action", activity_choices.action_choices()),
            ("subject_table", activity_choices.noun_choices()),
        ):
            found[name] = replace(found[name], kind="choice", choices=made)
        return found

    @cached_property
    def tab_filters(self) -> tuple[str, ...]:
        """Stand as a tab on a customer and on a member of staff."""
        return tuple(TOUCHED)

    column_formatters_export = {
        "action": _action_in_words, "subject": _subject_text, "changes": _changes_text, "actor_name": _who_text,
    }  # fmt: skip

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read the changes and the names of the records; of a changeset by itself all of them, page by page."""
        g.page = _page() if whole else None
        before = (g.page - 1) * activity.WHOLE if whole else 0
        most = activity.WHOLE if whole else changesets.NAMED
        g.touched, undoing = changesets.touched(rows, most, before) if "subject" in names else ({}, None)
        undo_offer.look_up(rows, undoing)
        told = "subject" in names or "actor_name" in names or (self.narrowed and "at" in names)
        also = _named(rows) if told else []
        if "changes" not in names:
            g.subjects = activity.Names.of_rows(also)
        elif whole:
            g.changes, g.subjects = activity.changes_on(rows, before, activity.WHOLE, also)
        else:
            g.changes, g.subjects = activity.first_changes(rows, also=also)

    def clause(self, condition: Condition) -> Any:
        """Find a customer's changesets by the rows they touched, those of a member of staff by who did them too."""
        if condition.field.name not in TOUCHED:
            return super().clause(condition)
        _field, theirs = TOUCHED[condition.field.name]
        if condition.operator == "empty":
            about_somebody = Changeset.id.in_(theirs(None))
            return not_(about_somebody) if condition.value else about_somebody
        return Changeset.id.in_(theirs(condition.value))
