"""What a screen is: all that follows from its declaration, for the person asking. What serves it is in admin/screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import BigInteger, Select, inspect, literal, select
from werkzeug.exceptions import NotFound
from wtforms import Form

from actions.execution.records import record_actions
from admin.request.context import actor, allowed, channels, is_open, mask_context
from admin.screen_spec import masking
from admin.screen_spec.column_info import OPERATORS, Condition, Field, describe, heading_of
from admin.screen_spec.declare import RowAction, View
from admin.screen_spec.sorting import Sorting
from admin.viewmodels.pages import Cell, FilterChoice
from models import masks
from models.row_scope import in_scope, is_limited
from models.types import Key as SearchKey
from web.request import memo, session, shop

NOTHING: frozenset[str] = frozenset()


class ScreenSpec(Sorting):
    """A screen as every module below it sees it."""

    resource: str
    """The noun of its address and its permissions."""
    singular: Any
    plural: Any
    endpoint: str
    filter_choices: dict[str, list[FilterChoice]]
    """Column -> what a filter by it offers, where that is the same for everybody."""
    form_classes: dict[frozenset[str], type[Form]]
    """What is withheld -> the form without it."""

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

    # -- columns ---------------------------------------------------------------------------------------------------

    def field(self, name: str) -> Field:
        """Return what is known of an attribute of the model. :raises AttributeError: there is none."""
        if name in self.column_figures:
            return Field(name, "computed", figure=True)
        return describe(type(self).model, name)

    def get_column_name(self, field: str) -> str:
        """Return a column's heading in plain words."""
        own = self.column_labels.get(field)
        return str(own) if own else _(self._said_heading(field) or heading_of(field))

    def _said_heading(self, name: str) -> str:
        """Return what the model calls a column; "" of what stands beside one in a file and is none of the model's."""
        return self.field(name).says.heading if hasattr(type(self).model, name) else ""

    @cached_property
    def filters(self) -> dict[str, Field]:
        """Return the columns the list can be filtered by."""
        listed = [self.field(name) for name in dict.fromkeys((*self.offered_filters, *self.tab_filters))]
        return {field.name: field for field in listed if field.kind in OPERATORS}

    @cached_property
    def offered_filters(self) -> tuple[str, ...]:
        """Return what the filter menu offers: every listed column with something to compare by, or as declared."""
        if self.column_filters is not None:
            return tuple(self.column_filters)
        return tuple(name for name in self.column_list if self.field(name).kind in OPERATORS)

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
        return {name: masking.groups_ordered_by(self.sort_keys(name, False)) for name in self.sortable}

    @cached_property
    def searches_keys(self) -> bool:
        """Return whether an index finds what the search box looks at; otherwise each row is read."""
        names = self.column_searchable_list
        return bool(names) and all(
            self.is_search_key(name) or self.field(name).kind == "lookup" for name in names
        )

    def is_search_key(self, name: str) -> bool:
        """Return whether a column holds normalised keys."""
        attribute = self.field(name).attribute
        return attribute is not None and getattr(attribute, "type", None) is SearchKey

    @cached_property
    def detail_names(self) -> tuple[str, ...]:
        """Return what a record's page shows."""
        in_sections = tuple(name for section in self.sections for name in section.names)
        names = (
            self.column_details_list or in_sections or dict.fromkeys((*self.form_columns, *self.column_list))
        )
        return tuple(n for n in names if n not in self.column_details_exclude_list)

    def choice_label(self, name: str, value: Any) -> Any:
        """Return what ``column_choices`` calls a value of a column; None where it says nothing of it."""
        labels = self.choice_labels.get(name, {})
        return labels[value] if value in labels else labels.get(getattr(value, "value", None))

    @cached_property
    def choice_labels(self) -> dict[str, dict[Any, Any]]:
        """Return column -> value -> label of what ``column_choices`` declares."""
        return {name: dict(pairs) for name, pairs in self.column_choices.items()}

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def narrowed(self) -> bool:
        """Return whether some rows of this screen are, or may be, out of the scope of the person asking."""
        return self.narrows or (channels() is not None and is_limited(self.model))

    @property
    def narrows(self) -> bool:
        """Return whether this screen leaves rows out of scope besides those of customers who are."""
        return type(self).scope is not ScreenSpec.scope

    def base_select(self, *, many: bool = False) -> Select[Any]:
        """Return the scoped select every route starts from: rows within the person's sales channels (rule 17).

        :param many: for a list or a file, where nothing names the record it belongs to.
        """
        make = partial(in_scope, self.model, channels(), many=many)
        seen = memo(("scope", self.resource, many), make)
        wanted = select(self.model)
        return self.scope(wanted if seen is None else wanted.where(seen), actor())

    def get_one(self, id: Any) -> Any:
        """Return a row within the person's scope, or None: out of scope and missing answer alike."""
        return session().scalar(self.base_select().where(self.identity == literal(int(id), BigInteger)))

    def get_or_404(self, row_id: int) -> Any:
        """Return a row within scope. :raises NotFound: there is none for this person."""
        row = self.get_one(row_id)
        if row is None:
            raise NotFound(_("This record does not exist or you do not have access to it."))
        return row

    # -- addresses -------------------------------------------------------------------------------------------------

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

    def lookup_url(self, name: str) -> Callable[[], str]:
        """Return a way to the address of this screen's look-up for a relation."""
        return lambda: self.url_to("ajax_lookup", name=name)

    # -- permissions -----------------------------------------------------------------------------------------------

    @cached_property
    def verbs(self) -> tuple[str, ...]:
        """Return the verbs that exist for this resource, as they appear in the role editor."""
        flags = (
            ("show", self.can_view_details),
            ("add", self.can_create),
            ("edit", self.can_edit),
            ("delete", self.can_delete),
            ("export", self.can_export),
            ("import", self.can_create and self.can_edit),
        )
        extra = [a.action.verb for a in self.actions()]
        return ("list", *(verb for verb, on in flags if on), *extra, *masks.verbs(self.resource))

    def can(self, verb: str) -> bool:
        """Return whether the verb exists here and the person asking holds it and sees what it takes."""
        can = memo(("can", self.resource, verb), lambda: self._can(verb))
        return bool(can) and is_open(self.resource)

    @property
    def is_listed(self) -> bool:
        """Return whether the menu and the palette show this screen to the person asking."""
        return type(self).menu is not None and allowed("list", self.resource) and self.is_visible()

    def offers(self, verb: str, owner: Any = None) -> bool:
        """Return whether the person asking may do a declared action, by the shop's settings and for that customer."""
        return self.can(verb) and any(a.suits(owner) for a in self.actions() if a.action.verb == verb)

    def _can(self, verb: str) -> bool:
        held = verb in self.verbs and allowed(verb, self.resource)
        return held and not self._is_hindered(verb)

    def actions(self) -> Sequence[RowAction]:
        """Return every declared action of this screen."""
        return tuple(a for a in (self.new_action, *self.row_actions, self.bulk_edit) if a is not None)

    # -- what the person asking may not see (rule 19) ----------------------------------------------------------------

    @property
    def withheld(self) -> frozenset[str]:
        """Return the names of which the person asking sees masks: neither written nor compared with."""
        hidden = mask_context().hidden
        if not hidden:
            return NOTHING
        return frozenset(memo(("withheld", self.resource), lambda: self._of_groups(hidden)))

    def _of_groups(self, hidden: frozenset[str]) -> frozenset[str]:
        lists = self.column_list, self.form_columns, self.column_details_list, self.offered_filters
        names = {name for names in lists for name in names}
        return frozenset(name for name in names if masking.groups_of(self.model, name) & hidden)

    @property
    def permitted_filters(self) -> Mapping[str, Field]:
        """Return what the person asking may filter the list by."""
        gone = self.withheld
        return {n: f for n, f in self.filters.items() if n not in gone} if gone else self.filters

    @property
    def permitted_views(self) -> Sequence[View]:
        """Return the saved views that the person asking has."""
        return tuple(view for view in self.views if view.visible_if())

    @property
    def permitted_sorts(self) -> frozenset[str]:
        """Return what the person asking may sort the list by: no order tells what a mask hides."""
        hidden = mask_context().hidden
        if not hidden:
            return self.sortable
        return frozenset(name for name in self.sortable if not self.ordered_by[name] & hidden)

    @property
    def permitted_edits(self) -> list[str]:
        """Return the columns that the person asking may edit in the list."""
        gone = self.withheld
        return [name for name in self.column_editable_list if name not in gone]

    def _is_hindered(self, verb: str) -> bool:
        """Return whether an action takes a value that the person asking may neither see nor, therefore, write.

        That is a new record which cannot be without, and an action whose form begins with what stands there.
        """
        gone = self.withheld
        if not gone:
            return False
        if verb == "add":
            columns = (self.field(name).column for name in gone if name in self.form_columns)
            return any(masking.is_needed(c.property.columns[0]) for c in columns if c is not None)
        return any(a.from_row and a.action.verb == verb and a.fields & gone for a in self.actions())

    # -- what the serving side works out, and a screen may override --------------------------------------------------

    @property
    def form_class(self) -> type[Form]:
        """Return the form for creating and editing, without what the person asking may not see (rule 19.3)."""
        raise NotImplementedError

    @property
    def bulk_edit(self) -> RowAction | None:
        """Return the action that sets chosen fields of many rows, where the screen declares some."""
        raise NotImplementedError

    def clause(self, condition: Condition) -> Any:
        """Return the WHERE clause of one filter."""
        raise NotImplementedError

    def search(self, statement: Select[Any], text: str, most: int | None = None) -> Select[Any]:
        """Narrow a list to rows in which every word of ``text``, or the whole of it, is found."""
        raise NotImplementedError

    def search_ids(self, word: str, most: int | None = None) -> Select[Any]:
        """Return the ids of the rows a word of the search box finds; for ``most`` see :func:`models.search.either`."""
        raise NotImplementedError

    def eager(self, names: Sequence[str]) -> Sequence[Any]:
        """Return loader options for the columns about to be shown; relations of one row are joined."""
        raise NotImplementedError

    def cell(self, row: Any, name: str, *, whole: bool = False) -> Cell:
        """Return one formatted value, by the screen's own formatter where it has one."""
        raise NotImplementedError

    def lookup_options(self, text: str = "", offset: int = 0, limit: int = 20) -> list[tuple[int, str]]:
        """Return (id, label) of rows in scope that match ``text``, for pickers."""
        raise NotImplementedError

    def defaults(self) -> dict[str, Any]:
        """Return what a new record's form starts with, besides the columns' own defaults."""
        shops = {"currency": shop().currency, "country": shop().country}
        return {name: value for name, value in shops.items() if name in self.form_columns}

    @cached_property
    def record_actions(self) -> Any:
        """Return the generated (create, edit, delete) actions of the model."""
        return record_actions(self.model)
