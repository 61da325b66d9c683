"""JSON schemas of single values: what a filter takes, what a field of a form takes, what a row shows.

They promise what the readers in admin/listing/query.py and admin/forms/json_body.py keep: a value outside its schema
is refused, and one inside is refused only by a rule about records (a row that is not there, a name that is taken).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from wtforms import BooleanField, Form, SelectField
from wtforms import Field as FormField
from wtforms.validators import Length, NumberRange

from actions.customers import customer_reference
from admin.forms import form_fields, inline_rows
from admin.forms.customer_field import CustomerField
from admin.listing.query import MAX_NUMBER
from admin.screen_spec.column_info import Field
from web.arguments import MAX_ID

Schema = dict[str, Any]

PLAIN = r"^[^\u0000]*$"
"""Any text a database can hold: no NUL character."""
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
FILTER_DATE = r"^([1-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])-[0-9]{2}-[0-9]{2}$"
"""The years in which a day has a beginning and an end in every time zone."""
MOST_WHOLE = 10**form_fields.WholeNumberField.DIGITS - 1
MOST_MINOR = 10**11 - 1
"""Nine digits before the point, in minor units."""
REFERENCE = re.compile(rf"^({'|'.join(customer_reference.KINDS)}):[^\u0000]*[^\u0000\s][^\u0000]*$")
"""How a program names a customer, where not by id."""
LOOKED_UP: Schema = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}

ID: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
TRUTH: Schema = {"type": "string", "enum": ["1", "0", "true", "false"]}

SHOWN: dict[str, Schema] = {
    "text": {"type": "string"},
    "number": {"type": "integer"},
    "money": {"type": "integer", "description": "minor units"},
    "percent": {
        "type": "string",
        "description": "decimal, such as 7.50",
        "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
    },
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "last_day": {"type": "string", "format": "date", "description": "the last day on which it is valid"},
    "boolean": {"type": "boolean"},
    "lookup": {"type": "integer", "description": "id of the related record"},
    "json": {},
}

FILTERED: dict[str, Schema] = {
    "text": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": PLAIN},
    "number": {"type": "integer", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER},
    "money": {
        "type": "string",
        "pattern": r"^-?[0-9]{1,9}(\.[0-9]{1,3})?$",
        "description": "major units of each row's own currency, such as 12.50",
    },
    "percent": {"type": "string", "pattern": r"^(0?[0-9]{1,3}(\.[0-9]{1,2})?|1000(\.0{1,2})?)$"},
    "date": {"type": "string", "format": "date", "pattern": FILTER_DATE},
    "datetime": {
        "type": "string",
        "format": "date",
        "pattern": FILTER_DATE,
        "description": "a day of the shop's",
    },
    "last_day": {
        "type": "string",
        "format": "date",
        "pattern": FILTER_DATE,
        "description": "the last day on which it is valid",
    },
    "boolean": TRUTH,
    "lookup": ID,
}


def shown(field: Field, *, masked: bool = False) -> Schema:
    """Return the schema of a column as a row shows it; under a mask everything is a text."""
    if masked:
        described: Schema = {"type": "string", "description": "masked for your role"}
    elif field.choices is not None:
        described = {"type": "string", "enum": [member.value for member in field.choices]}
    else:
        described = dict(SHOWN[field.kind])
    return or_null(described) if field.nullable else described


def filtered(field: Field, operator: str) -> Schema:
    """Return the schema of the value of a filter; of a list of them for ``in``."""
    if operator == "empty":
        return TRUTH
    if field.choices is None:
        return FILTERED[field.kind]
    one: Schema = {"type": "string", "enum": [member.value for member in field.choices]}
    return {"type": "array", "items": one, "minItems": 1} if operator == "in" else one


def or_null(schema: Schema) -> Schema:
    """Return the schema with null allowed, in the words of OpenAPI 3.0."""
    nullable = {**schema, "nullable": True}
    if "enum" in schema and None not in schema["enum"]:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def of_form(form: type[Form], start: Mapping[str, Any] | None = None) -> tuple[dict[str, Schema], list[str]]:
    """Return (field -> JSON schema, names that must be sent) of a form that starts with some values."""
    bound = form(data=start)
    found = {field.short_name: _input(field) for field in bound}
    needed = [
        f.short_name
        for f in bound
        if f.flags.required and f.data in (None, []) and not isinstance(f, BooleanField)
        if not hasattr(bound, "pickable")
        or isinstance(f, form_fields.TicksField)  # the others only where they are ticked
    ]
    return found, needed


def takes_null(field: FormField) -> bool:
    """Return whether nothing is a value for a field."""
    if (
        isinstance(
            field, BooleanField | inline_rows.RowsField | form_fields.LookupManyField | form_fields.TicksField
        )
        or field.flags.required
    ):
        return False
    if isinstance(field, form_fields.ChoiceField):
        return field.nullable
    return (
        not isinstance(field, SelectField)
        or isinstance(field, form_fields.LookupField)
        or "" in choices(field)
    )


def choices(field: SelectField) -> list[str]:
    """Return the values a select offers, the empty one among them."""
    return [str(choice.value) for choice in field.iter_choices()]


def longest(field: FormField) -> int | None:
    """Return how many characters a field takes at most, or None."""
    return min((v.max for v in field.validators if isinstance(v, Length) and v.max > 0), default=None)


def _input(field: FormField) -> Schema:
    schema = _bare(field)
    return or_null(schema) if takes_null(field) else schema


def _bare(field: FormField) -> Schema:
    """Return the schema of a field's value where there is one."""
    return next(make(field) for kind, make in BARE if isinstance(field, kind))


def _customer(field: CustomerField) -> Schema:
    reference = {"type": "string", "pattern": REFERENCE.pattern, "maxLength": customer_reference.LONGEST}
    return {"oneOf": [LOOKED_UP, reference], "description": "id, or a reference such as loyalty_code:LC-1042"}


def _many(field: form_fields.LookupManyField) -> Schema:
    return {"type": "array", "items": LOOKED_UP, "maxItems": field.FEW} | _some(field, "minItems")


def _ticks(field: form_fields.TicksField) -> Schema:
    offered = {"type": "string", "enum": field.offered}
    return {"type": "array", "items": offered} | _some(field, "minItems")


def _chosen_in_preview(field: form_fields.ChosenField) -> Schema:
    one = {"type": "string", "pattern": f"^{field.PATTERN}$"}
    return {"type": "array", "items": one, "description": "what a preview offers to choose, such as email:12"}


def _money(field: form_fields.MoneyField) -> Schema:
    least = -MOST_MINOR if field.signed else 0
    return {"type": "integer", "minimum": least, "maximum": MOST_MINOR, "description": "minor units"}


def _chosen(field: SelectField) -> Schema:
    return {"type": "string", "enum": [value for value in choices(field) if value]}


def _text(field: FormField) -> Schema:
    most = longest(field)
    limit = {"maxLength": most} if most is not None else {}
    return {"type": "string", "pattern": PLAIN} | limit | _some(field, "minLength")


def _decimal(field: form_fields.DecimalTextField) -> Schema:
    return {"type": "string", "pattern": rf"^-?[0-9]{{1,9}}(\.[0-9]{{1,{field.places}}})?$"}


def _some(field: FormField, word: str) -> Schema:
    """Return the least there must be of a required field."""
    if not field.flags.required:
        return {}
    return {word: max([1, *(v.min for v in field.validators if isinstance(v, Length))])}


def _between(field: FormField) -> Schema:
    ranges = [v for v in field.validators if isinstance(v, NumberRange)]
    least = [v.min for v in ranges if v.min is not None]
    most = [v.max for v in ranges if v.max is not None]
    return {"minimum": max(least, default=-MOST_WHOLE), "maximum": min(most, default=MOST_WHOLE)}


def _rows(field: inline_rows.RowsField) -> Schema:
    """Return the schema of related rows; one in which nothing is filled in is left out, so none of it is required."""
    inner, _needed = of_form(field.unbound_field.args[0])
    found = {
        name: schema if schema.get("type") == "boolean" else or_null(schema) for name, schema in inner.items()
    }
    for schema in found.values():
        schema.pop("minLength", None)
    row = {"type": "object", "properties": found, "additionalProperties": False}
    return {"type": "array", "items": row, "maxItems": field.MOST}


BARE: tuple[tuple[type[FormField], Callable[[Any], Schema]], ...] = (
    (inline_rows.RowsField, _rows),
    (BooleanField, lambda field: {"type": "boolean"}),
    (form_fields.LinesField, lambda field: {"type": "array", "items": {"type": "string", "pattern": PLAIN}}),
    (form_fields.LookupManyField, _many),
    (form_fields.ChosenField, _chosen_in_preview),
    (form_fields.TicksField, _ticks),
    (CustomerField, _customer),
    (form_fields.LookupField, lambda field: LOOKED_UP),
    (form_fields.MoneyField, _money),
    (form_fields.WholeNumberField, lambda field: {"type": "integer"} | _between(field)),
    (form_fields.DecimalTextField, _decimal),
    (form_fields.DayField, lambda field: {"type": "string", "format": "date", "pattern": DATE}),
    (SelectField, _chosen),
    (FormField, _text),
)
"""How a field's values look, by its class; the first that fits."""
