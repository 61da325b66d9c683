"""Merges: which records went into which, until when that can be undone, and the way apart again (rule 3.8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import Form

from actions.merging import brought, unmerge
from admin.forms import form_fields
from admin.layout import formatters
from admin.listing.columns import related_cell
from admin.request.context import channels
from admin.screen.base import Screen
from admin.screen_spec.column_info import Field
from admin.screen_spec.declare import RowAction, Section, View
from admin.screen_spec.registry import registry
from admin.viewmodels.pages import Badge, Cell
from models.customer import Customer
from models.merge import Merge
from models.row_scope import shows
from web.request import now, session, shop


class UnmergeForm(Form):
    """Whose the rows are that were changed or added since; the preview asks."""

    take = form_fields.ChosenField(_l("Rows since the merge"))


def _until(row: Merge) -> dt.datetime | None:
    """Return until when a merge can be undone, by the shop's days; None is for ever."""
    days = shop().unmerge_days
    return None if days is None else row.merged_at + dt.timedelta(days=days)


def can_still_be_undone(row: Merge) -> bool:
    """Return whether a merge stands and its days are not over."""
    until = _until(row)
    return row.undone_by_id is None and (until is None or now() <= until)


def _state(row: Merge) -> Badge:
    if row.undone_by_id is not None:
        return Badge(_("Undone"), "secondary")
    return Badge(_("Can be undone"), "green") if can_still_be_undone(row) else Badge(_("Final"), "secondary")


def _who(view: Any, context: Any, row: Merge, name: str) -> str:
    return row.changeset.actor_name


def _why(view: Any, context: Any, row: Merge, name: str) -> str:
    return row.changeset.reason


def _how(view: Any, context: Any, row: Merge, name: str) -> str:
    until = _until(row)
    if not can_still_be_undone(row) or until is None:
        return str(_state(row).label)
    return _(
        "Can be undone until %(day)s", day=formatters.day(formatters.local(until, shop()).date(), shop())
    )


def _record(view: Any, context: Any, row: Merge, name: str) -> Cell:
    """Name a record with its number: the two of a merge are often called the same."""
    record = getattr(row, name)
    cell = related_cell(record)
    return cell if not shows(record, channels()) else replace(cell, sub=f"#{record.id}")


def _record_text(view: Any, context: Any, row: Merge, name: str) -> str:
    record = getattr(row, name)
    return f"{record} #{record.id}" if shows(record, channels()) else f"#{record.id}"


def _moved(view: Any, context: Any, row: Merge, name: str) -> str:
    """Say what came over in the merge, with whatever other records went in it."""
    return brought.in_words(g.brought[row.changeset_id], shop().locale)


def way_apart(row: Customer) -> Markup:
    """Return the link by which a record that was merged away becomes one of its own again, nothing where it cannot."""
    screen = registry().screens["merge"]
    wanted = select(Merge).where(Merge.merged_id == row.id, Merge.undone_by_id.is_(None))
    merge = session().scalar(wanted.order_by(Merge.id.desc()).limit(1)) if screen.offers("unmerge") else None
    if merge is None or not can_still_be_undone(merge):
        return Markup()
    return Markup(' <a href="{}" data-drawer>{}</a>').format(address(merge), _("Unmerge"))


def address(merge: Merge) -> str:
    """Return where a merge is undone."""
    return url_for("screen_merge.act_view", verb="unmerge", id=merge.id)


class MergeScreen(Screen):
    """Each record that was merged into another."""

    model = Merge
    menu = "Records"
    icon = "git-merge"
    column_list = ("merged_at", "merged", "survivor", "moved", "actor", "reason", "state", "undone_by_id")
    column_hidden = ("undone_by_id",)
    column_default_sort = ("merged_at", True)
    column_filters = ("merged", "survivor", "merged_at", "undone_by_id")
    column_labels = {
        "merged": _l("Record"),
        "survivor": _l("Merged into"),
        "moved": _l("Moved"),
        "actor": _l("By"),
        "reason": _l("Reason"),
        "state": _l("Unmerge"),
        "undone_by_id": _l("Undone by activity"),
    }
    column_formatters_export = {
        "merged": _record_text, "survivor": _record_text, "moved": _moved, "actor": _who, "reason": _why, "state": _how,
    }  # fmt: skip
    column_formatters = column_formatters_export | {"merged": _record, "survivor": _record}
    column_figures = ("moved", "actor", "reason", "state")
    sections = (Section("", ("merged_at", "merged", "survivor", "moved", "actor", "reason", "state")),)
    views = (
        View("standing", _l("Merged"), {"undone_by_id__empty": "1"}),
        View("undone", _l("Unmerged"), {"undone_by_id__empty": "0"}),
        View("all", _l("All")),
    )
    row_actions = (
        RowAction(
            unmerge.unmerge,
            UnmergeForm,
            "arrow-back-up",
            button=True,
            bulk=False,
            visible_if=can_still_be_undone,
            intro=_l(
                "What nobody has changed since goes back to the record that it came from. What was spent stays "
                "spent, and what is left goes back. Below, say whose the rows are that were changed or added."
            ),
        ),
    )
    can_create = can_edit = can_delete = False
    empty = _l("Records that were merged into others are listed here.")

    def field(self, name: str) -> Field:
        """Set words to the left, as they are no figures."""
        return Field(name, "computed") if name in self.column_figures else super().field(name)

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Join both records and what was written of the merge."""
        return [joinedload(Merge.merged), joinedload(Merge.survivor), joinedload(Merge.changeset)]

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read what came over, of all rows at once."""
        super().prepare(rows, names, whole=whole)
        if "moved" in names:
            g.brought = brought.of_changesets(session(), [row.changeset_id for row in rows])

    def badges(self, row: Merge) -> Sequence[Badge]:
        """Say whether it stands."""
        return (_state(row),)

    def notice(self, row: Merge) -> Any:
        """Say who parted them."""
        if row.undone_by is None:
            return ""
        return _("%(who)s has undone this merge.", who=row.undone_by.actor_name)
