"""What a screen may say of itself: its attributes, in Flask-Admin's own names, and the methods that it may override."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from flask_babel import gettext as _
from sqlalchemy import Select
from werkzeug.exceptions import Forbidden

from actions.core.base import Actor
from actions.importing.related import RelatedRows
from admin.screen_spec.declare import RowAction, Section, Tab, View
from admin.viewmodels.pages import Badge, Event, Fact, Link, StatusLine, Totals
from models.base import Base

Live = bool | dt.datetime
"""Whether a record changes by itself, or the instant at which it will."""


class Declaration:
    """The declaring side of a screen. What is not said follows from the model, or is left out."""

    model: ClassVar[type[Base]]
    menu: ClassVar[str | None] = "Records"
    icon: ClassVar[str] = "list"
    views: ClassVar[Sequence[View]] = ()
    tabs: ClassVar[Sequence[Tab]] = ()
    tab_on_customer: ClassVar[bool] = True
    """Whether a list of what belongs to customers is a tab on each customer, where their screen does not name it."""
    sections: ClassVar[Sequence[Section]] = ()
    row_actions: ClassVar[Sequence[RowAction]] = ()
    new_action: ClassVar[RowAction | None] = None
    empty: ClassVar[Any] = ""
    search_hint: ClassVar[Any] = ""
    menu_label: ClassVar[Any] = ""
    column_details_list: Any = ()

    column_details_exclude_list: Any = ()

    column_list: Sequence[str] = ()
    column_exclude_list: Any = ()
    column_default_sort: Any = None
    column_sortable_list: Any = None
    """What the list can be sorted by: names, or (name, what it is sorted by) pairs; False for nothing."""
    column_filters: Any = None
    """What the list can be filtered by; every listed column with something to compare by, where it is not declared."""
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
    """Column -> function that returns its text, figure or day in a file, where that is not the stored value."""
    column_formatters_detail: Any = None
    column_type_formatters: Any = {}
    """Type of a value -> function (screen, value, name) that formats it in lists, where its column has none."""
    column_type_formatters_detail: Any = {}
    column_type_formatters_export: Any = {}
    column_export_exclude_list: Any = ()
    column_choices: Any = {}
    """Column -> (value, what people call it) pairs, for lists, records, files and filters."""
    column_amounts: ClassVar[Mapping[str, Callable[[Any], int]]] = {}
    """Listed amounts that are no columns of the model -> function that returns the minor units of a row."""
    column_words: ClassVar[Mapping[str, Callable[[int], str]]] = {}
    """Amount whose sign means something -> function that says it, for a column of files beside the figure."""
    column_beside: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Column that says several things at once -> the fields that stand beside it in files."""
    column_customers: ClassVar[Sequence[str]] = ()
    """Listed columns that name a customer and are no relations of the model."""
    column_labels: Any = {}
    column_descriptions: Any = {}
    related_rows: ClassVar[Sequence[RelatedRows]] = ()
    """Rows of relations that files of this list hold in columns of their own, in exports and imports."""
    form_columns: Sequence[str] = ()
    form_overrides: Any = {}
    """Column -> class of its form field, where that does not follow from the column."""
    form_excluded_columns: Any = ()
    form_args: Any = {}
    """Column -> arguments of its form field; validators are asked as well as our own, also by imports."""
    form_widget_args: Any = {}
    """Column -> HTML attributes of its form field."""
    alike: ClassVar[Sequence[str]] = ()
    """Fields of the form by which a customer may turn out to be there already, which it says as they are left."""
    can_create = can_edit = can_delete = can_export = True
    can_view_details = can_set_page_size = True
    page_size = 50
    page_size_options: Any = (25, 50, 100, 200)
    column_sort_expressions: ClassVar[Mapping[str, Sequence[Any]]] = {}
    """Listed column -> attribute paths or SQL expressions to sort it by, for a column that is not one of the table."""
    called: ClassVar[str] = ""
    """The noun of the address and the permissions, for a further screen over a model that has one."""
    lookup_columns: ClassVar[Sequence[str]] = ()
    """Relations that :meth:`lookup_label` reads, which a picker has loaded for all its rows at once."""
    has_totals: ClassVar[bool] = False
    """Whether :meth:`totals` stand over the list; they are fetched after it."""

    @classmethod
    def named(cls) -> str:
        """Return the noun of this screen's address and permissions."""
        return cls.called or cls.model.resource_name()

    def is_accessible(self) -> bool:
        """Return whether the person asking may use this screen at all, on any channel, beyond permissions."""
        return True

    def is_visible(self) -> bool:
        """Return whether the menu and the command palette list this screen."""
        return True

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        """Answer a page of a screen that is not accessible; programs are always refused."""
        raise Forbidden(_("You do not have permission for this."))

    def tab_links(self, owner: Any) -> Sequence[Link]:
        """Return further buttons over this list where it is a tab of ``owner``."""
        return ()

    def menu_links(self, row: Any) -> Sequence[Link]:
        """Return further lines of a row's menu, to what is done to another record than the row's own."""
        return ()

    def totals(self, statement: Select[Any]) -> Totals | None:
        """Return the sums over every row of a list, of which a page shows some."""
        return None

    def scope(self, statement: Select[Any], actor: Actor) -> Select[Any]:
        """Narrow a statement further than to what belongs to customers in scope; not at all unless a screen says so."""
        return statement

    def sql_expression(self, name: str) -> Any:
        """Return the SQL expression that stands for a column at the moment, in filters and orders; None for its own."""
        return None

    def prepare(self, rows: Sequence[Any], names: Sequence[str], *, whole: bool = False) -> None:
        """Read at once what the formatters of the columns ``names`` need to know beyond the rows themselves.

        Called for a page of a list, for each few hundred rows of a file, and with ``whole`` for a record's own page.
        """

    def facts(self, owner: Any) -> Sequence[Fact]:
        """Return the figures that stand over this list where it is a tab of ``owner``."""
        return ()

    def lookup_label(self, row: Any) -> str:
        """Return how a picker names a row."""
        return str(row)

    def subtitle(self, row: Any) -> Sequence[Any]:
        """Return the parts of the quiet line under a record's name."""
        return ()

    def badges(self, row: Any) -> Sequence[Badge]:
        """Return the badges behind a record's name."""
        return ()

    def warning(self, row: Any) -> Event | None:
        """Return the watch note that stands over the tabs."""
        return None

    def buttons(self, row: Any) -> Sequence[Link]:
        """Return further buttons of a record's head, before those of the screen's own actions."""
        return ()

    def links(self, row: Any) -> Sequence[Link]:
        """Return further ways from a record's head, to pages of the screen's own."""
        return ()

    def status_lines(self, row: Any) -> Sequence[StatusLine]:
        """Return what is under way with a record, to stand under its head."""
        return ()

    def live(self, row: Any) -> Live:
        """Return whether a record changes by itself, so that its page is kept fresh, or when it will."""
        return False

    def notice(self, row: Any) -> Any:
        """Return a sentence about the record's state, such as where a merged one went."""
        return ""
