"""Notes, tasks and watch notes."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from actions import notes
from admin.base import Screen
from admin.declare import NoForm, RowAction, View
from models.note import Note


class NoteScreen(Screen):
    """What staff wrote about customers (F87 to F89)."""

    model = Note
    menu_label = _l("Notes & tasks")
    icon = "notes"
    column_list = ("customer", "kind", "body", "due_on", "author_name", "created_at", "done_at")
    column_default_sort = ("created_at", True)
    column_searchable_list = ("customer", "body")
    column_filters = ("customer", "kind", "body", "due_on", "author_name", "done_at", "created_at")
    column_editable_list = ("due_on",)
    column_bulk_list = ("kind", "due_on")
    column_labels = {
        "body": _l("Text"),
        "due_on": _l("Due"),
        "author_name": _l("Written by"),
        "created_at": _l("Written"),
        "done_at": _l("Done"),
    }
    form_columns = ("customer", "kind", "body", "due_on")
    views = (
        View("all", _l("All")),
        View("tasks", _l("Open tasks"), {"kind__eq": "task", "done_at__empty": "1"}),
        View("watch", _l("Watch list"), {"kind__eq": "watch", "done_at__empty": "1"}),
    )
    row_actions = (
        RowAction(notes.done, NoForm, "check", when=lambda row: row.is_open),
        RowAction(notes.reopen, NoForm, "arrow-back-up", when=lambda row: row.done_at is not None),
    )
    empty = _l(
        "A note is read, a task is done by its date, a watch note warns everyone who opens the customer."
    )
