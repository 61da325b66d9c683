"""The Screen: a short class a model, in Flask-Admin's own attribute names, from which everything else follows.

List, search, typed filters, sorting, column chooser, inline edit, record, create, edit, delete, export, look-ups, the
read API, the permissions in the role tables and the menu entry all come from the declaration. Nothing here decides
anything: every change is an action run by the runner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from flask import Response, redirect, request, url_for
from flask_admin.contrib.sqla import ModelView
from flask_babel import gettext as _
from sqlalchemy import Select
from werkzeug.exceptions import Forbidden
from wtforms import Form

from actions.importing.importing import import_actions
from actions.staff import security_events
from admin.forms import bulk_edit, model_forms
from admin.listing import columns, lookups, search
from admin.listing.paging import condition_clause
from admin.request.context import is_open, person, sign_in_url
from admin.screen import checks, flask_admin_names
from admin.screen.views import PERMISSION_OF, Views
from admin.screen_spec.column_info import Condition
from admin.screen_spec.declare import RowAction
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Cell
from models.base import N_, db


class Screen(ScreenSpec, Views, ModelView):
    """A generated screen over one model. See CONTRIBUTING for the declaration."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse what nothing here would look at. :raises TypeError: a name of Flask-Admin's that is not honoured."""
        super().__init_subclass__(**kwargs)
        flask_admin_names.check(cls, Screen)

    def __init__(self) -> None:
        model = getattr(type(self), "model", None)
        if model is None or not getattr(model, "__label__", ""):
            raise TypeError(f"{type(self).__name__} needs a model with a __label__")
        if not self.column_list:
            raise TypeError(f"{type(self).__name__} needs a column_list")
        self.resource = self.named()
        self.singular, self.plural = model.__label__, model.__plural__
        checks.check_exclusions(self)
        self.column_list = tuple(n for n in self.column_list if n not in self.column_exclude_list)
        self.form_columns = tuple(n for n in self.form_columns if n not in self.form_excluded_columns)
        if self.new_action is not None:
            self.can_create = False
            self.can_delete = self.can_delete and bool(self.form_columns)
        if not model.__journal__:
            self.can_create = self.can_edit = self.can_delete = False
        if not self.form_columns:
            self.can_create = self.can_edit = False
        if self.can_create and self.can_edit:
            import_actions(model, self.related_rows)
        if self.can_export:
            security_events.EVENTS[self.export_code] = N_("Exported")
        self.filter_choices = {}
        self.form_classes = {}
        checks.check(self)
        super().__init__(model, db, name=self.plural, endpoint=f"screen_{self.resource}", url=self.resource)

    # -- Flask-Admin's scaffolding, replaced by ours --------------------------------------------------------------

    def _refresh_cache(self) -> None:
        """Flask-Admin would scaffold lists, filters and jQuery forms here."""

    def scaffold_auto_joins(self) -> list[Any]:
        """Return none: :meth:`eager` joins what a list shows."""
        return []

    # -- reading ---------------------------------------------------------------------------------------------------

    def clause(self, condition: Condition) -> Any:
        """Return the WHERE clause of one filter."""
        expression = self.sql_expression(condition.field.name)
        if expression is not None:
            condition = replace(condition, field=replace(condition.field, attribute=expression))
        return condition_clause(condition)

    def search(self, statement: Select[Any], text: str, most: int | None = None) -> Select[Any]:
        """Narrow a list to rows in which every word of ``text``, or the whole of it, is found."""
        return search.narrow(self, statement, text, most)

    def search_ids(self, word: str, most: int | None = None) -> Select[Any]:
        """Return the ids of the rows a word of the search box finds; for ``most`` see :func:`models.search.either`."""
        return search.word_ids(self, word, most)

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Return loader options for the columns about to be shown; relations of one row are joined."""
        return columns.eager_options(self, names)

    def cell(self, row: Any, name: str, *, whole: bool = False) -> Cell:
        """Return one formatted value, by the screen's own formatter where it has one."""
        return columns.format_cell(self, row, name, whole=whole)

    def lookup_options(self, text: str = "", offset: int = 0, limit: int = 20) -> list[tuple[int, str]]:
        """Return (id, label) of rows in scope that match ``text``, for pickers."""
        return lookups.options(self, text, offset, limit) if self.can("list") else []

    # -- what a record's header says; a screen with more to tell overrides these ------------------------------------

    # -- permissions -----------------------------------------------------------------------------------------------

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        if person() is None:
            if request.headers.get("HX-Request"):
                return Response(status=401, headers={"HX-Redirect": sign_in_url()})
            return redirect(sign_in_url(next=_local_path()))
        if not is_open(self.resource):
            answer = self.inaccessible_callback(name, **kwargs)
            return answer if answer is not None else Response(status=403)
        if not self._permitted(name):
            raise Forbidden(_("You do not have permission for this."))
        return None

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a view as it is; Flask-Admin's own retries it on any TypeError and hides where that came from."""
        return fn(self, *args, **kwargs)

    def _permitted(self, name: str) -> bool:
        if name == "ajax_lookup":
            return any(
                self.can(verb) for verb in ("add", "edit", "list", *(a.action.verb for a in self.actions()))
            )
        if name == "act_view":
            verb = (request.view_args or {}).get("verb")
            return any(self.can(a.action.verb) for a in self.actions() if a.action.verb == verb)
        return self.can(PERMISSION_OF[name])

    @cached_property
    def bulk_edit(self) -> RowAction | None:
        """Return the action that sets chosen fields of many rows, where the screen declares some."""
        return bulk_edit.declare(self) if self.column_bulk_list else None

    # -- forms -----------------------------------------------------------------------------------------------------

    @property
    def form_class(self) -> type[Form]:
        """Return the form for creating and editing, without what the person asking may not see (rule 19.3)."""
        return model_forms.for_reader(self)


def _local_path() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else url_for("admin.index")
