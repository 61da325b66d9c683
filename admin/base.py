"""The Screen: a short class a model, in Flask-Admin's own attribute names, from which everything else follows.

List, search, typed filters, sorting, column chooser, inline edit, record, create, edit, delete, export, look-ups, the
read API, the permissions in the role tables and the menu entry all come from the declaration. Nothing here decides
anything: every change is an action run by the runner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

from flask import Response, redirect, request, url_for
from flask_admin.contrib.sqla import ModelView
from flask_babel import gettext as _
from sqlalchemy import BigInteger, Select, and_, inspect, literal, or_, select
from werkzeug.exceptions import Forbidden, NotFound
from wtforms import Form

from actions import events
from actions.base import Actor
from actions.importing import import_actions
from actions.records import record_actions
from admin import bulk, columns, forms, lookups, masking, search
from admin.beside import Beside
from admin.context import (
    actor,
    allowed,
    channels,
    clientele,
    memo,
    person,
    session,
    shop,
    sign_in_url,
)
from admin.declare import RowAction, Section, Tab, View
from admin.fields import OPERATORS, Field, describe
from admin.pages import Badge, Cell, Event, Fact, FilterChoice, Link
from admin.query import Condition
from admin.select import condition_clause
from admin.sorting import Sorting
from admin.views import PERMISSION_OF, Views
from models import masks
from models.base import N_, Base, db
from models.personal import policy
from models.sight import in_sight, is_limited
from models.types import Key as SearchKey


class Screen(Views, Sorting, Beside, ModelView):
    """A generated screen over one model. See CONTRIBUTING for the declaration."""

    model: ClassVar[type[Base]]
    menu: ClassVar[str | None] = "Records"
    icon: ClassVar[str] = "list"
    views: ClassVar[Sequence[View]] = ()
    tabs: ClassVar[Sequence[Tab]] = ()
    sections: ClassVar[Sequence[Section]] = ()
    row_actions: ClassVar[Sequence[RowAction]] = ()
    new_action: ClassVar[RowAction | None] = None
    empty: ClassVar[Any] = ""
    search_hint: ClassVar[Any] = ""
    menu_label: ClassVar[Any] = ""
    column_details_list: Any = ()

    column_list: Sequence[str] = ()
    column_default_sort: Any = None
    column_filters: Any = ()
    column_searchable_list: Any = ()
    column_editable_list: Any = ()
    column_bulk_list: ClassVar[Sequence[str]] = ()
    """Columns of the form that can be set for many rows at once."""
    column_figures: ClassVar[Sequence[str]] = ()
    """Listed figures that are no columns of the model: formatters print what :meth:`prepare` read for the page."""
    column_hidden: ClassVar[Sequence[str]] = ()
    """Listed columns that the chooser leaves out until a person asks for them."""
    column_formatters: Any = {}
    column_formatters_export: Any = {}
    """Column -> function that returns its text or figure in a file, where that is not the stored value."""
    column_labels: Any = {}
    column_descriptions: Any = {}
    form_columns: Sequence[str] = ()
    can_create = can_edit = can_delete = can_export = True
    can_view_details = True
    page_size = 50

    def __init__(self) -> None:
        model = getattr(type(self), "model", None)
        if model is None or not getattr(model, "__label__", ""):
            raise TypeError(f"{type(self).__name__} needs a model with a __label__")
        if not self.column_list:
            raise TypeError(f"{type(self).__name__} needs a column_list")
        self.resource = self.named()
        self.singular, self.plural = model.__label__, model.__plural__
        if self.new_action is not None:
            self.can_create = False
            self.can_delete = self.can_delete and bool(self.form_columns)
        if not model.__journal__:
            self.can_create = self.can_edit = self.can_delete = False
        if not self.form_columns:
            self.can_create = self.can_edit = False
        if self.can_create and self.can_edit:
            import_actions(model)
        if self.can_export:
            events.EVENTS[self.export_code] = N_("Exported")
        self.filter_choices: dict[str, list[FilterChoice]] = {}
        self.form_classes: dict[frozenset[str], type[Form]] = {}
        self._check()
        super().__init__(model, db, name=self.plural, endpoint=f"screen_{self.resource}", url=self.resource)

    # -- Flask-Admin's scaffolding, replaced by ours --------------------------------------------------------------

    def _refresh_cache(self) -> None:
        """Flask-Admin would scaffold lists, filters and jQuery forms here."""

    def scaffold_auto_joins(self) -> list[Any]:
        """Return none: :meth:`eager` joins what a list shows."""
        return []

    def _check(self) -> None:
        for name in (
            *self.column_list,
            *self.form_columns,
            *self.column_filters,
            *self.column_searchable_list,
        ):
            self.field(name)
        for name in self.column_figures:
            if name not in self.column_formatters or name not in self.column_formatters_export:
                raise TypeError(
                    f"{type(self).__name__}: {name} needs a formatter for lists and one for files"
                )
        for name in self.form_columns:
            field = self.field(name)
            if field.kind != "computed" and policy(field.column.property.columns[0]).written_by != "form":
                raise TypeError(f"{type(self).__name__}: {name} is never written by a form")
        for name in (*self.column_editable_list, *self.column_bulk_list):
            if name not in self.form_columns:
                raise TypeError(f"{type(self).__name__}: {name} is edited inline but not in form_columns")

    def field(self, name: str) -> Field:
        """Return what is known of an attribute of the model. :raises AttributeError: there is none."""
        if name in self.column_figures:
            return Field(name, "computed", figure=True)
        return describe(type(self).model, name)

    def get_column_name(self, field: str) -> str:
        """Return a column's heading in plain words."""
        return str(
            self.column_labels.get(field) or _(field.removesuffix("_id").replace("_", " ").capitalize())
        )

    @cached_property
    def filters(self) -> dict[str, Field]:
        """Return the columns the list can be filtered by."""
        listed = [self.field(name) for name in dict.fromkeys((*self.column_filters, *self.tab_filters))]
        return {field.name: field for field in listed if field.kind in OPERATORS}

    @cached_property
    def tab_filters(self) -> tuple[str, ...]:
        """Return the relations by which this list can stand as a tab on a record."""
        relations = inspect(self.model).relationships
        return tuple(
            r.key
            for r in relations
            if r.direction.name == "MANYTOONE" and r.mapper.class_.__tablename__ != "ab_user"
        )

    @cached_property
    def ordered_by(self) -> dict[str, frozenset[str]]:
        """Return column -> the permission groups of what it is sorted by, of those that can be sorted."""
        return {name: masking.ordered_by(self, name) for name in self.sortable}

    @property
    def export_code(self) -> str:
        """Return what the journal calls the export of this list."""
        return f"{self.resource}.export"

    @property
    def heading(self) -> str:
        """Return what the menu calls this screen."""
        return str(self.menu_label) or _(self.plural)

    @property
    def identity(self) -> Any:
        """Return the model's id attribute."""
        return self.model.id  # type: ignore[attr-defined]

    # -- reading ---------------------------------------------------------------------------------------------------

    def scope(self, statement: Select[Any], actor: Actor) -> Select[Any]:
        """Narrow a statement further than to what belongs to customers in sight; not at all unless a screen says so."""
        return statement

    @property
    def narrowed(self) -> bool:
        """Return whether some rows of this screen are, or may be, out of the sight of the person asking."""
        return self.narrows or (channels() is not None and is_limited(self.model))

    @property
    def narrows(self) -> bool:
        """Return whether this screen leaves rows out of sight besides those of customers who are."""
        return type(self).scope is not Screen.scope

    def base_select(self, *, many: bool = False) -> Select[Any]:
        """Return the scoped select every route starts from: rows within the person's sales channels (rule 17).

        :param many: for a list or a file, where nothing names the record it belongs to.
        """
        make = partial(in_sight, self.model, channels(), many=many)
        seen = memo(("sight", self.resource, many), make)
        wanted = select(self.model)
        return self.scope(wanted if seen is None else wanted.where(seen), actor())

    def get_one(self, id: Any) -> Any:
        """Return a row within the person's scope, or None: out of scope and missing answer alike."""
        return session().scalar(self.base_select().where(self.identity == literal(int(id), BigInteger)))

    def get_or_404(self, row_id: int) -> Any:
        """Return a row within scope. :raises NotFound: there is none for this person."""
        row = self.get_one(row_id)
        if row is None:
            raise NotFound(_("This record does not exist, or is not yours to see."))
        return row

    def clause(self, condition: Condition) -> Any:
        """Return the WHERE clause of one filter."""
        return condition_clause(condition)

    def search(self, statement: Select[Any], text: str) -> Select[Any]:
        """Narrow a list to rows in which every word of ``text``, or the whole of it, is found."""
        words = text.split()[:8]
        every = and_(*(self.search_clause(word) for word in words))
        return statement.where(or_(every, self.search_clause(text)) if len(words) > 1 else every)

    def search_clause(self, word: str) -> Any:
        """Return the clause for rows that a word of the search box finds."""
        return search.word_clause(self, word)

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Return loader options for the columns about to be shown; relations of one row are joined."""
        return columns.eager_options(self, names)

    def cell(self, row: Any, name: str, *, whole: bool = False) -> Cell:
        """Return one formatted value, by the screen's own formatter where it has one."""
        return columns.format_cell(self, row, name, whole=whole)

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read at once what the formatters of the columns ``names`` need to know beyond the rows themselves.

        Called for a page of a list, for each few hundred rows of a file, and with ``whole`` for a record's own page.
        """

    def facts(self, owner: Any) -> Sequence[Fact]:
        """Return the figures that stand over this list where it is a tab of ``owner``."""
        return ()

    def line_url(self, row: Any) -> str | None:
        """Return the address of a row's record, for those who may open it."""
        return self.row_url("details_view", row.id) if self.can("show") else None

    def row_url(self, endpoint: str, row_id: int) -> str:
        """Return the address of a view of one row; the part before the id is worked out once a request."""
        base = memo(("url", self.resource, endpoint), lambda: self.url_to(endpoint))
        return f"{base}?id={row_id}"

    def url_to(self, endpoint: str, /, **values: Any) -> str:
        """Return the address of one of this screen's views."""
        return url_for(f"{self.endpoint}.{endpoint}", **values)

    def lookup_options(self, text: str = "", offset: int = 0, limit: int = 20) -> list[tuple[int, str]]:
        """Return (id, label) of rows in scope that match ``text``, for pickers."""
        return lookups.options(self, text, offset, limit) if self.can("list") else []

    def lookup_label(self, row: Any) -> str:
        """Return how a picker names a row."""
        return str(row)

    def lookup_screen(self, field: Field) -> Callable[[], Screen]:
        """Return a way to the screen over a relation's target, once all screens are registered."""
        return lambda: clientele().by_model[field.target]  # type: ignore[index]

    def lookup_url(self, name: str) -> Callable[[], str]:
        """Return a way to the address of this screen's look-up for a relation."""
        return lambda: self.url_to("ajax_lookup", name=name)

    def child_screen(self, target: type[Base]) -> Screen:
        """Return the screen over a related model."""
        return clientele().by_model[target]

    def defaults(self) -> dict[str, Any]:
        """Return what a new record's form starts with, besides the columns' own defaults."""
        shops = {"currency": shop().currency, "country": shop().country}
        return {name: value for name, value in shops.items() if name in self.form_columns}

    # -- what a record's header says; a screen with more to tell overrides these ------------------------------------

    def subtitle(self, row: Any) -> Sequence[Any]:
        """Return the parts of the quiet line under a record's name."""
        return ()

    def badges(self, row: Any) -> Sequence[Badge]:
        """Return the badges behind a record's name."""
        return ()

    def warning(self, row: Any) -> Event | None:
        """Return the watch note that stands over the tabs."""
        return None

    def links(self, row: Any) -> Sequence[Link]:
        """Return further ways from a record's head, to pages of the screen's own."""
        return ()

    def live(self, row: Any) -> bool:
        """Return whether a record changes by itself, so that its page is kept fresh."""
        return False

    def notice(self, row: Any) -> Any:
        """Return a sentence about the record's state, such as where a merged one went."""
        return ""

    # -- permissions -----------------------------------------------------------------------------------------------

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """Return the verbs that exist for this resource, as they appear in the role editor."""
        flags = (
            ("add", self.can_create),
            ("edit", self.can_edit),
            ("delete", self.can_delete),
            ("export", self.can_export),
            ("import", self.can_create and self.can_edit),
        )
        extra = [a.action.verb for a in self.actions()]
        return ("list", "show", *(verb for verb, on in flags if on), *extra, *masks.verbs(self.resource))

    def can(self, verb: str) -> bool:
        """Return whether the verb exists here and the person asking holds it and sees what it takes."""
        return bool(memo(("can", self.resource, verb), lambda: self._can(verb)))

    def offers(self, verb: str) -> bool:
        """Return whether the person asking may do a declared action, and it makes sense by the shop's settings."""
        return self.can(verb) and any(a.open() for a in self.actions() if a.action.verb == verb)

    def _can(self, verb: str) -> bool:
        held = verb in self.verbs and allowed(verb, self.resource)
        return held and not masking.hinders(self, verb)

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        if person() is None:
            if request.headers.get("HX-Request"):
                return Response(status=401, headers={"HX-Redirect": sign_in_url()})
            return redirect(sign_in_url(next=_local_path()))
        if not self._permitted(name):
            raise Forbidden(_("Your role does not include this."))
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

    def actions(self) -> Sequence[RowAction]:
        """Return every declared action of this screen."""
        return tuple(a for a in (self.new_action, *self.row_actions, self.bulk_edit) if a is not None)

    @cached_property
    def bulk_edit(self) -> RowAction | None:
        """Return the action that sets chosen fields of many rows, where the screen declares some."""
        return bulk.declare(self) if self.column_bulk_list else None

    # -- forms -----------------------------------------------------------------------------------------------------

    @property
    def form_class(self) -> type[Form]:
        """Return the form for creating and editing, without what the person asking may not see (rule 19.3)."""
        return forms.for_reader(self)

    @cached_property
    def record_actions(self) -> Any:
        """Return the generated (create, edit, delete) actions of the model."""
        return record_actions(self.model)

    def is_search_key(self, name: str) -> bool:
        """Return whether a column holds normalised keys."""
        attribute = self.field(name).attribute
        return attribute is not None and getattr(attribute, "type", None) is SearchKey


def _local_path() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else url_for("admin.index")
