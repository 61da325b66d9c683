"""Notes, tasks and watch notes."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from actions.customers import notes
from admin.screen.base import Screen
from admin.screen_spec.declare import NoForm, RowAction, View
from models.note import Note


class NoteScreen(Screen):
    """What staff wrote about customers (features 87 to 89)."""

    model = Note
    menu_label = _l("Notes & tasks")
    icon = "notes"
    column_list = ("customer", "kind", "body", "due_on", "author_name", "created_at", "done_at")
    column_default_sort = ("created_at", True)
    column_searchable_list = ("customer", "body")
    column_editable_list = ("due_on",)
    column_bulk_list = ("kind", "due_on")
    form_columns = ("customer", "kind", "body", "due_on")
    views = (
        View("all", _l("All")),
        View("tasks", _l("Open tasks"), {"kind__eq": "task", "done_at__empty": "1"}),
        View("watch", _l("Watch list"), {"kind__eq": "watch", "done_at__empty": "1"}),
    )
    row_actions = (
        RowAction(notes.done, NoForm, "check", visible_if=lambda row: row.is_open),
        RowAction(notes.reopen, NoForm, "arrow-back-up", visible_if=lambda row: row.done_at is not None),
    )
    empty = _l(
        "Add a note, a task with a due date, or a watch note that is shown to everyone who opens the customer."
    )
