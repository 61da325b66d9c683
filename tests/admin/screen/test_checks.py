"""A wrong declaration fails when the application is built: it names the screen, what it declares, and what is wrong."""

from typing import Any

import pytest
from flask_admin import expose

from admin.screen import checks
from admin.screen_spec.declare import Section, Tab, View
from admin.screen_spec.registry import Registry
from admin.screens.customers import CustomerScreen
from admin.screens.lookups import PriceListScreen
from models.address import Address


def shown(view: Any, context: Any, row: Any, name: str) -> str:
    return ""


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a listed column": (
        {"column_list": ("name", "nmae")},
        "column_list: there is no column nmae. Is it name?",
    ),
    "a method": ({"column_list": ("name", "resource_name")}, "column_list: resource_name is a method"),
    "no name at all": ({"column_list": ("name", 3)}, "column_list: 3 is no name of a column"),
    "a column of the form": ({"form_columns": ("nmae",)}, "form_columns: there is no column nmae"),
    "one that no form writes": (
        {"form_columns": ("is_active", "created_at")},
        "form_columns: created_at is never written",
    ),
    "a filter": ({"column_filters": ("nmae",)}, "column_filters: there is no column nmae"),
    "a searched column": (
        {"column_searchable_list": ("nmae",)},
        "column_searchable_list: there is no column",
    ),
    "a detail": ({"column_details_list": ("nmae",)}, "column_details_list: there is no column nmae"),
    "a label": ({"column_labels": {"nmae": "Name"}}, "column_labels: there is no column nmae. Is it name?"),
    "a description": ({"column_descriptions": {"nmae": ""}}, "column_descriptions: there is no column nmae"),
    "a formatter": ({"column_formatters": {"nmae": shown}}, "column_formatters: there is no column nmae"),
    "a formatter of files": (
        {"column_formatters_export": {"nmae": shown}},
        "column_formatters_export: there is no",
    ),
    "a formatter of records": (
        {"column_formatters_detail": {"nmae": shown}},
        "column_formatters_detail: there is no",
    ),
    "choices": ({"column_choices": {"nmae": []}}, "column_choices: there is no column nmae"),
    "choices of a reference": (
        {"column_choices": {"customers": []}},
        "column_choices: there is no column customers",
    ),
    "choices beside a formatter": (
        {"column_choices": {"name": []}, "column_formatters": {"name": shown}},
        "column_choices: name has a formatter, too",
    ),
    "an amount": ({"column_amounts": {"nmae": len}}, "column_amounts: there is no column nmae"),
    "words": ({"column_words": {"nmae": str}}, "column_words: there is no column nmae"),
    "what stands beside": (
        {"column_beside": {"name": ("nmae",)}},
        r"column_beside\[name\]: there is no column nmae",
    ),
    "a customer": ({"column_customers": ("nmae",)}, "column_customers: there is no column nmae"),
    "a hidden column": (
        {"column_hidden": ("currency_code",)},
        "column_hidden: currency_code is not in column_list",
    ),
    "an excluded column": (
        {"column_exclude_list": ("nmae",)},
        "column_exclude_list: nmae is not in column_list",
    ),
    "an excluded field": (
        {"form_excluded_columns": ("nmae",)},
        "form_excluded_columns: nmae is not in form_columns",
    ),
    "a field's arguments": (
        {"form_args": {"nmae": {}}},
        "form_args: nmae is not in form_columns. Is it name?",
    ),
    "an argument": ({"form_args": {"name": {"lable": ""}}}, "form_args: name takes .*, not lable"),
    "attributes": ({"form_widget_args": {"nmae": {}}}, "form_widget_args: nmae is not in form_columns"),
    "a field's class": ({"form_overrides": {"nmae": None}}, "form_overrides: nmae is not in form_columns"),
    "a cell to edit": (
        {"column_editable_list": ("created_at",)},
        "column_editable_list: created_at is not in form",
    ),
    "a field for many": (
        {"column_bulk_list": ("created_at",)},
        "column_bulk_list: created_at is not in form_columns",
    ),
    "an order": (
        {"column_sort_expressions": {"name": ("nmae",)}},
        "the order of name: there is no column nmae",
    ),
    "what is ordered": (
        {"column_sort_expressions": {"nmae": ("name",)}},
        "column_sort_expressions: there is no",
    ),
    "a sortable column": (
        {"column_sortable_list": ("nmae",)},
        "column_sortable_list: there is no column nmae",
    ),
    "a pair": ({"column_sortable_list": (("name", "nmae"),)}, "the order of name: there is no column nmae"),
    "the list's own order": ({"column_default_sort": "nmae"}, "column_default_sort: there is no column nmae"),
    "several orders": (
        {"column_default_sort": [("name", True), ("currency", False)]},
        "column_default_sort: it is a",
    ),
    "a figure": (
        {"column_figures": ("gizmos",)},
        "column_figures: gizmos needs a formatter for lists and one",
    ),
    "a page size": ({"page_size_options": (50, 1000)}, "page_size: 1000 is not between 1 and 200"),
    "a section": (
        {"sections": (Section("Terms", ("nmae",)),)},
        r"sections\[Terms\]: there is no column nmae",
    ),
    "a view's filter": ({"views": (View("v", "V", {"nmae__eq": "x"}),)}, r"views\[v\]: nmae__eq: "),
    "a view's comparison": (
        {"views": (View("v", "V", {"is_active__ge": "1"}),)},
        r"views\[v\]: is_active__ge: ",
    ),
    "a view's value": (
        {"views": (View("v", "V", {"is_active__eq": "yes"}),)},
        r"views\[v\]: is_active__eq: ",
    ),
}


@pytest.mark.either_database
@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named(app: Any, what: str) -> None:
    declared, why = WRONG[what]
    with app.app_context(), pytest.raises(TypeError, match=f"^HastyScreen.{why}"):
        type("HastyScreen", (PriceListScreen,), declared)()


@pytest.mark.either_database
def test_an_address_without_a_permission_is_named(app: Any) -> None:
    def odd_view(self: Any) -> str:
        return ""

    hasty: Any = type("HastyScreen", (PriceListScreen,), {"odd_view": expose("/odd/")(odd_view)})
    with app.app_context(), pytest.raises(TypeError, match=r"HastyScreen\.odd_view: say in PERMISSION_OF"):
        hasty()


@pytest.mark.either_database
def test_a_reference_has_no_choices_to_name(app: Any) -> None:
    hasty: Any = type("HastyScreen", (CustomerScreen,), {"column_choices": {"customer_class": [(1, "Gold")]}})
    with app.app_context(), pytest.raises(TypeError, match="customer_class is no column of single values"):
        hasty()


@pytest.mark.either_database
@pytest.mark.parametrize(
    ("tab", "why"),
    [
        (Tab("adress"), "tabs: there is no screen adress"),
        (Tab("address", via="owner"), "tabs: AddressScreen cannot be narrowed by owner"),
    ],
)
def test_a_tab_that_leads_nowhere_is_named(app: Any, tab: Tab, why: str) -> None:
    screens = app.extensions["clientele.screens"]
    hasty: Any = type("HastyScreen", (CustomerScreen,), {"tabs": (tab,)})
    with app.app_context():
        together = Registry({"customer": hasty(), "address": screens.by_model[Address]})
        with pytest.raises(TypeError, match=f"HastyScreen.{why}"):
            checks.check_together(together)
