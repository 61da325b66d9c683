"""The addresses of a screen, and the permission that each of them needs."""

from __future__ import annotations

from typing import Any, cast

from flask import abort, request
from flask_admin import expose
from werkzeug.exceptions import NotFound

from admin.editing import inline, record_page, restoring, saving
from admin.history import point_in_time
from admin.importing import views
from admin.listing import columns, export, list_page, lookups
from admin.row_actions import view
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels import spreadsheets
from web.arguments import parse_id

PERMISSION_OF = {
    "index_view": "list",
    "columns_view": "list",
    "details_view": "show",
    "past_view": "show",
    "restore_view": "edit",
    "create_view": "add",
    "edit_view": "edit",
    "ajax_update": "edit",
    "delete_view": "delete",
    "bulk_delete_view": "delete",
    "export": "export",
    "import_view": "import",
    "import_empty_view": "import",
    "import_map_view": "import",
    "import_mapping_delete_view": "import",
    "import_rows_view": "import",
    "import_refused_view": "import",
    "import_apply_view": "import",
    "import_instead_view": "import",
    "action_view": "delete",
}
"""View method -> the permission it needs; a screen with another view is refused at start."""
WORKED_OUT = {"ajax_lookup": "list, or what changes rows", "act_view": "the action's own"}
"""View method that takes one of several permissions -> those."""


class Views:
    """A part of every :class:`admin.screen.base.Screen`: each view is a line, the work is in the module named."""

    @property
    def _screen(self) -> ScreenSpec:
        return cast("ScreenSpec", self)

    @expose("/")
    def index_view(self) -> Any:
        """Show the list."""
        return list_page.show(self._screen)

    @expose("/columns/", methods=("POST",))
    def columns_view(self) -> Any:
        """Keep which columns this person wants to see."""
        return columns.choose_columns(self._screen)

    @expose("/details/")
    def details_view(self) -> Any:
        """Show one record."""
        return record_page.show(self._screen, self._screen.get_or_404(parse_id("id", request.args.get("id"))))

    @expose("/past/")
    def past_view(self) -> Any:
        """Show one record as it was at a moment."""
        return point_in_time.show(self._screen)

    @expose("/restore/", methods=("GET", "POST"))
    def restore_view(self) -> Any:
        """Give one field of a record the value it had at a moment."""
        return restoring.restore(self._screen)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Create a record."""
        return saving.create(self._screen)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Edit a record."""
        return saving.edit(self._screen, self._screen.get_or_404(parse_id("id", request.args.get("id"))))

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> Any:
        """Delete a record that nothing refers to."""
        return saving.delete(self._screen, self._screen.get_or_404(parse_id("id", request.form.get("id"))))

    @expose("/bulk/delete/", methods=("POST",))
    def bulk_delete_view(self) -> Any:
        """Delete the ticked records, all or none."""
        return saving.bulk_delete(self._screen)

    @expose("/act/<verb>/", methods=("GET", "POST"))
    def act_view(self, verb: str) -> Any:
        """Run a declared action through its form."""
        return view.act(self._screen, verb)

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        """Download the list as it is shown."""
        if export_type not in spreadsheets.KINDS:
            abort(404)
        return export.response(self._screen, export_type)

    @expose("/ajax/lookup/")
    def ajax_lookup(self) -> Any:
        """Answer a picker."""
        return lookups.answer(self._screen)

    @expose("/ajax/update/", methods=("GET", "POST"))
    def ajax_update(self) -> Any:
        """Edit one cell in place."""
        return inline.update(self._screen)

    @expose("/action/", methods=("POST",))
    def action_view(self) -> Any:
        """Flask-Admin's own route for many rows stays shut: actions here are declared."""
        raise NotFound

    @expose("/import/", methods=("GET", "POST"))
    def import_view(self) -> Any:
        """Take in a file."""
        return views.upload(self._screen)

    @expose("/import/empty/")
    def import_empty_view(self) -> Any:
        """Download an empty file with every column."""
        return views.empty(self._screen)

    @expose("/import/columns/", methods=("GET", "POST"))
    def import_map_view(self) -> Any:
        """Choose which column goes where."""
        return views.mapping(self._screen)

    @expose("/import/mapping/delete/", methods=("POST",))
    def import_mapping_delete_view(self) -> Any:
        """Delete a saved mapping."""
        return views.delete_mapping(self._screen)

    @expose("/import/rows/")
    def import_rows_view(self) -> Any:
        """See what would become of each row."""
        return views.rows(self._screen)

    @expose("/import/refused/")
    def import_refused_view(self) -> Any:
        """Download the refused rows with the reasons."""
        return views.refused(self._screen)

    @expose("/import/instead/", methods=("POST",))
    def import_instead_view(self) -> Any:
        """Have rows update records that are there, instead of creating what may be the same."""
        return views.choose(self._screen)

    @expose("/import/apply/", methods=("POST",))
    def import_apply_view(self) -> Any:
        """Apply the file."""
        return views.apply(self._screen)
