"""Flask-Admin's public names: which a screen honours, and for each other one what to use instead.

A name that Flask-Admin would look at and we would not is refused when the class is declared: somebody who guards a
screen with a hook that nothing calls is not guarded. A test walks Flask-Admin's own classes, so that a newer version
cannot add a name that is ignored in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

HONOURED = frozenset({
    "can_create", "can_delete", "can_edit", "can_export", "can_set_page_size", "can_view_details",
    "column_choices", "column_default_sort", "column_descriptions", "column_details_exclude_list",
    "column_details_list", "column_editable_list", "column_exclude_list", "column_export_exclude_list",
    "column_filters", "column_formatters", "column_formatters_detail", "column_formatters_export", "column_labels",
    "column_list", "column_searchable_list", "column_sortable_list", "column_type_formatters",
    "column_type_formatters_detail", "column_type_formatters_export", "form_args", "form_columns",
    "form_excluded_columns", "form_overrides", "form_widget_args", "page_size", "page_size_options",
    "is_accessible", "is_visible", "inaccessible_callback", "get_column_name", "get_one",
    "index_view", "details_view", "create_view", "edit_view", "delete_view", "ajax_lookup", "ajax_update", "export",
})  # fmt: skip
"""They mean what Flask-Admin's documentation says."""

_SAVE = (
    "@before_save of the model (actions/execution/records.py) for a rule, or an action for what else is done"
)
_DELETE = "@before_delete of the model (actions/execution/records.py)"
_ACTIONS = "row_actions and new_action, which offer declared actions (CONTRIBUTING, A new action)"
_SCOPE = "scope(statement, actor), which every channel goes through"
_QUERY = "clause(condition), search_ids(word) and column_sort_expressions"
_FORM = "form_columns, with form_args, form_widget_args and form_overrides for single fields"
_PARAMETERS = "an action with a form of its own: the fields of a form are the parameters of its action"
_ROWS = "the name of the relation in form_columns: its rows are then edited in place"
_PAGE = "nothing: all screens share their pages. What a record's page says comes from badges, notice, facts and links"
_DRAWER = "nothing: a form opens in the drawer, or with RowAction(full_page=True) on a page of its own"
_FILES = "nothing: every list is offered in every format, as a stream"
_COLUMNS = "column_list and column_figures"
_FORMATTERS = "column_formatters, column_formatters_detail or column_formatters_export"
_EAGER = "eager(names), which says what is loaded with a page of rows"
_DONE = "nothing: rows are read, written and named by the model's own id"
_REFERENCE = "nothing: this is Flask-Admin's own wiring, which is replaced here"

INSTEAD: dict[str, str] = {
    "on_model_change": _SAVE,
    "after_model_change": _SAVE,
    "create_model": _SAVE,
    "update_model": _SAVE,
    "build_new_instance": "defaults(), for what a new record starts with",
    "validate_form": "problems() of the model, or " + _SAVE,
    "on_model_delete": _DELETE,
    "after_model_delete": _DELETE,
    "delete_model": _DELETE,
    "on_form_prefill": "defaults(), or RowAction(starts=...) for the form of an action",
    "fast_mass_delete": "nothing: every deleted row is written into the journal",
    "action_delete": _ACTIONS,
    "action_form": _ACTIONS,
    "action_view": _ACTIONS,
    "action_disallowed_list": "bulk=False of the RowAction, or can_delete",
    "column_extra_row_actions": "row_actions, or menu_links(row) for links",
    "column_display_actions": "menu=False of a RowAction, or no row_actions at all",
    "get_action_form": _ACTIONS,
    "get_actions_list": _ACTIONS,
    "get_list_row_actions": _ACTIONS,
    "handle_action": _ACTIONS,
    "init_actions": _ACTIONS,
    "is_action_allowed": "the action's own permission, or RowAction(permitted_if=...) for single rows",
    "get_query": _SCOPE,
    "get_count_query": _SCOPE,
    "get_list": _SCOPE,
    "get_pk_value": _DONE,
    "handle_filter": _QUERY,
    "init_search": _QUERY,
    "filter_converter": "column_filters: which comparisons there are follows from each column's type",
    "get_filters": "column_filters",
    "get_filter_arg": "column_filters",
    "is_valid_filter": "column_filters",
    "scaffold_filters": "column_filters",
    "named_filter_urls": "nothing: filters stand in addresses by their names",
    "search_placeholder": "search_hint",
    "ignore_hidden": "nothing: forms have no hidden fields that a screen could show",
    "column_auto_select_related": _EAGER,
    "column_select_related_list": _EAGER,
    "scaffold_auto_joins": _EAGER,
    "column_display_all_relations": "the name of each relation in column_list",
    "column_display_pk": '"id" in column_list',
    "column_export_list": "column_export_exclude_list: a file has the columns that the person chose for the list",
    "get_column_names": _COLUMNS,
    "get_list_columns": _COLUMNS,
    "get_details_columns": "column_details_list",
    "get_export_columns": "column_export_exclude_list",
    "get_sortable_columns": "column_sortable_list",
    "is_sortable": "column_sortable_list",
    "is_editable": "column_editable_list",
    "scaffold_list_columns": _COLUMNS,
    "scaffold_sortable_columns": "column_sortable_list",
    "scaffold_pk": _DONE,
    "get_list_value": _FORMATTERS,
    "get_detail_value": _FORMATTERS,
    "get_export_value": _FORMATTERS,
    "get_export_name": _FILES,
    "export_max_rows": _FILES,
    "export_types": _FILES,
    "get_safe_page_size": "page_size_options",
    "simple_list_pager": "nothing: lists are read on from the row they end with, and count at most 10,000",
    "get_empty_list_message": "empty",
    "get_invalid_value_msg": "a sentence of the field's own, or of problems()",
    "form": _PARAMETERS,
    "form_base_class": _PARAMETERS,
    "form_extra_fields": _PARAMETERS,
    "form_choices": "an enumeration as the column's type, or form_overrides",
    "form_optional_types": "nullable of the column: what may be empty is not required",
    "form_ajax_refs": "the name of the relation in form_columns: every relation has a look-up",
    "form_rules": "sections",
    "form_create_rules": "sections",
    "form_edit_rules": "sections",
    "inline_models": _ROWS,
    "inline_model_form_converter": _ROWS,
    "scaffold_inline_form_models": _ROWS,
    "model_form_converter": "form_overrides",
    "scaffold_form": _FORM,
    "scaffold_list_form": "column_editable_list",
    "get_form": _FORM,
    "get_create_form": _FORM,
    "get_edit_form": _FORM,
    "get_delete_form": _FORM,
    "get_list_form": "column_editable_list",
    "create_form": _FORM,
    "edit_form": _FORM,
    "delete_form": _FORM,
    "list_form": "column_editable_list",
    "get_save_return_url": "nothing: after a save comes the record",
    "handle_view_exception": "Refused(code, sentence) or Invalid, raised by the action",
    "create_modal": _DRAWER,
    "edit_modal": _DRAWER,
    "details_modal": _DRAWER,
    "create_modal_template": _DRAWER,
    "edit_modal_template": _DRAWER,
    "details_modal_template": _DRAWER,
    "list_template": _PAGE,
    "create_template": _PAGE,
    "edit_template": _PAGE,
    "details_template": _PAGE,
    "render": _PAGE,
    "extra_css": "a file in admin/static: pages load nothing but what is served from here",
    "extra_js": "a file in admin/static: pages load nothing but what is served from here",
    "get_url": "url_to(view, **values)",
    "create_blueprint": _REFERENCE,
    # What Flask-Admin called some of them long ago, and still takes.
    "auto_select_related": _EAGER,
    "disallowed_actions": "bulk=False of the RowAction, or can_delete",
    "excluded_form_columns": "form_excluded_columns",
    "excluded_list_columns": "column_exclude_list",
    "list_columns": "column_list",
    "list_display_all_relations": "the name of each relation in column_list",
    "list_display_pk": '"id" in column_list',
    "list_formatters": "column_formatters",
    "list_select_related": _EAGER,
    "list_type_formatters": "column_type_formatters",
    "rename_columns": "column_labels",
    "searchable_columns": "column_searchable_list",
    "sortable_columns": "column_sortable_list",
    # What Flask-Admin takes when a view is made, where a class attribute would look as if it counted.
    "session": _REFERENCE,
    "static_folder": _REFERENCE,
    "static_url_path": _REFERENCE,
    "name": "menu_label, or __plural__ of the model",
    "category": "menu",
    "endpoint": "called",
    "url": "called",
    "menu_class_name": "icon",
    "menu_icon_type": "icon",
    "menu_icon_value": "icon",
}
"""Name of Flask-Admin's that would be ignored -> what to use instead."""

OURS = frozenset({
    "column_amounts", "column_beside", "column_bulk_list", "column_customers", "column_figures", "column_hidden",
    "column_sort_expressions", "column_words", "form_class", "form_classes",
})  # fmt: skip
"""Names of ours that begin as Flask-Admin's do."""
FAMILIES = ("can_", "column_", "form_", "page_size")
"""How the names of declarations begin: one that is unknown is a misspelling."""


def check(declared: type[Any], base: type[Any]) -> None:
    """Refuse what a subclass of ``base``, or a class mixed into it, declares and nothing would look at.

    :raises TypeError: with the class, the name and what to use instead.
    """
    for name, value in _declared(declared, base):
        if name in INSTEAD:
            raise TypeError(f"{declared.__name__}.{name} has no effect on a screen. {told(name)}")
        if hasattr(value, "_action"):
            raise TypeError(f"{declared.__name__}.{name} is an @action of Flask-Admin. Use {_ACTIONS}.")
        if name.startswith(FAMILIES) and name not in HONOURED | OURS:
            raise TypeError(f"{declared.__name__}.{name} is nothing that a screen knows.{_close_to(name)}")


def told(name: str) -> str:
    """Return what to use instead of a name, as a sentence."""
    instead = INSTEAD[name]
    why = instead.removeprefix("nothing: ")
    return f"Use {instead}." if why == instead else f"Nothing takes its place: {why}."


def _declared(declared: type[Any], base: type[Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a class states itself or takes from classes mixed in; screens it is made of were looked at before."""
    for part in declared.__mro__:
        if part is declared or not (issubclass(part, base) or part in base.__mro__):
            yield from vars(part).items()


def _close_to(name: str) -> str:
    close = get_close_matches(name, HONOURED | OURS, 1)
    return f" Is it {close[0]}?" if close else ""
