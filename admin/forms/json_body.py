"""JSON bodies as forms: a program's request is read by the very form a person would fill in.

Only JSON types are the API's own: money is whole minor units, dates are ISO, a box is true or false, null is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from wtforms import BooleanField, Field, Form, SelectField

from actions.core.base import Invalid
from actions.customers import customer_reference
from admin.forms import form_fields, inline_rows, json_schema
from admin.forms.customer_field import CustomerField
from admin.screen_spec import masking
from models.renamed_fields import current
from web.request import now, shop

BEYOND = 2**63
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DECIMAL = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def body() -> dict[str, Any]:
    """Return the request's JSON object; no body at all is an empty one.

    :raises UnsupportedMediaType: it is not said to be JSON, or is compressed. :raises BadRequest: it is no JSON object.
    """
    if not request.get_data(cache=True):
        return {}
    if not request.is_json or request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType(_("Send a JSON object, with the content type application/json."))
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise BadRequest(_("Send a JSON object, with the content type application/json."))
    return _by_present_names(found)


def _by_present_names(sent: dict[str, Any]) -> dict[str, Any]:
    """Return what was sent, by what its fields are called now. :raises Invalid: a field came by both of its names."""
    twice = [name for name in sent if current(name) != name and current(name) in sent]
    if twice:
        told = _("This is now called %(field)s: send one of the two.", field=current(twice[0]))
        raise Invalid(dict.fromkeys(twice, told))
    return {current(name): value for name, value in sent.items()}


def read(
    form_class: type[Form],
    sent: dict[str, Any],
    *,
    partial: bool = False,
    start: Mapping[str, Any] | None = None,
) -> Form:
    """Return the form filled in with what was sent, validated.

    :param start: what the form starts with, as a person would find it filled in.
    :param partial: fields that were not sent are left out, as if the form had none of them.
    :raises Invalid: a field there is not, or a value that will not do, by field.
    """
    blank = form_class(data=start)
    unknown = {name: masking.no_such_field(form_class, name) for name in sent if name not in blank}
    if unknown:
        raise Invalid(unknown)
    if hasattr(blank, "prefill"):
        blank.prefill(shop(), now())
    typed, errors = _form_data(blank, sent, untouched=not partial)
    form = form_class(typed)
    if hasattr(form, "look_at"):
        form.look_at(sent)
    for name in list(form._fields) if partial else ():
        if name not in sent:
            del form[name]
    if not form.validate():
        errors = {**dict(problems(form)), **errors}
    if errors:
        raise Invalid(errors)
    return form


def _form_data(
    blank: Form, sent: dict[str, Any], *, untouched: bool
) -> tuple[MultiDict[str, str], dict[str, str]]:
    """Return the form data, and field -> sentence for values of the wrong JSON type.

    :param untouched: with what the form itself would send for fields that are not there.
    """
    typed: MultiDict[str, str] = MultiDict()
    errors: dict[str, str] = {}
    for field in blank:
        if field.short_name in sent:
            try:
                typed.update(_typed(field, sent[field.short_name]))
            except ValueError as error:
                errors[field.short_name] = str(error)
        elif untouched:
            typed.update(_as_filled_in(field))
    return typed, errors


def completed(form_class: type[Form], given: Mapping[str, str], start: Mapping[str, Any] | None) -> Form:
    """Return the form with some fields as they were typed, and the others as a person would find them."""
    typed = MultiDict(given)
    for field in form_class(data=start):
        if field.short_name not in given:
            typed.update(_as_filled_in(field))
    return form_class(typed)


def problems(form: Form) -> Iterator[tuple[str, str]]:
    """Yield (field, sentence) for everything a form finds wrong."""
    for field in form:
        if isinstance(field, inline_rows.RowsField):
            for entry in field.entries:
                yield from problems(entry.form)
        for text in field.errors:
            if not isinstance(text, list | dict):  # those are of the rows just told; a lazy text is no str
                yield field.name, str(text)


def _as_filled_in(field: Field) -> dict[str, Any]:
    """Return what the form would send for a field nobody touched; nothing for related rows and for what was seen."""
    if field.data is None or isinstance(field, inline_rows.RowsField | form_fields.SeenField):
        return {}
    if isinstance(field, form_fields.LookupManyField | form_fields.TicksField):
        return {field.name: [str(value) for value in field.data]} if field.data else {}
    if isinstance(field, BooleanField):
        return {field.name: "y"} if field.data else {}
    value = field._value() if hasattr(field, "_value") else getattr(field.data, "value", field.data)
    return {field.name: str(value)}


def _typed(field: Field, value: Any) -> dict[str, Any]:
    """Return form data for one field. :raises ValueError: a value of another JSON type than the field takes."""
    if isinstance(field, inline_rows.RowsField):
        return dict(_rows(field, value))
    if isinstance(field, BooleanField):
        if not isinstance(value, bool):
            raise ValueError(_("Send true or false."))
        return {field.name: "y"} if value else {}
    if isinstance(field, form_fields.LookupManyField):
        if not isinstance(value, list) or not all(_whole(part) for part in value):
            raise ValueError(_("Send a list of ids."))
        return {field.name: [str(part) for part in value]}
    if isinstance(field, form_fields.TicksField):
        return {field.name: _ticked(field, value)}
    if value is None:
        if isinstance(field, SelectField) and not json_schema.takes_null(field):
            raise ValueError(_("Choose an option from the list."))
        return {field.name: ""}
    return {field.name: _text(field, value)}


def _ticked(field: form_fields.TicksField, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise ValueError(_("Send a list of strings."))
    if not all(map(field.takes, value)):
        raise ValueError(_("Choose an option from the list."))
    return value


def _text(field: Field, value: Any) -> str:
    if isinstance(field, form_fields.MoneyField):
        if not _whole(value):
            raise ValueError(_("Send a whole number of minor units, such as 1250."))
        return field.typed(value)
    if isinstance(field, CustomerField) and isinstance(value, str):
        return _reference(value)
    if isinstance(field, form_fields.WholeNumberField | form_fields.LookupField):
        if not _whole(value):
            raise ValueError(_("Send a whole number."))
        return str(value)
    if isinstance(field, form_fields.LinesField):
        if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
            raise ValueError(_("Send a list of strings."))
        return "\n".join(value)
    if not isinstance(value, str):
        raise ValueError(_("Send a string."))
    _check_text(field, value)
    if isinstance(field, form_fields.DecimalTextField):
        return field.typed(Decimal(value))
    return value


def _reference(value: str) -> str:
    """Hold a handle to its schema. :raises ValueError: it has no such form."""
    if not json_schema.REFERENCE.fullmatch(value) or len(value) > customer_reference.LONGEST:
        raise ValueError(_(customer_reference.SHAPE))
    return value


def _check_text(field: Field, text: str) -> None:
    """Hold a text to the schema of its field. :raises ValueError: what only a person may send, such as " 7.5 "."""
    most = json_schema.longest(field)
    if most is not None and len(text) > most:
        raise ValueError(_("Use %(most)s characters or fewer.", most=most))
    if isinstance(field, form_fields.DayField) and not _DATE.fullmatch(text):
        raise ValueError(_("Enter a date such as 2026-01-31."))
    if isinstance(field, form_fields.DecimalTextField) and not _DECIMAL.fullmatch(text):
        raise ValueError(_("Enter a number such as %(example)s.", example=field.example))
    if isinstance(field, SelectField) and not text:
        raise ValueError(_("Choose an option from the list."))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -BEYOND < value < BEYOND


def _rows(field: inline_rows.RowsField, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the form data of related rows; a row left out stays, and is removed at its own address."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ValueError(_("Send a list of objects."))
    ids = [row["id"] for row in value if _whole(row.get("id"))]
    yield field.name, " ".join(["shown", *map(str, ids)])
    for position, row in enumerate(value):
        inner = field.unbound_field.args[0](prefix=f"{field.name}-{position}-")
        for name, part in row.items():
            if name not in inner._fields:
                raise ValueError(_("This field does not exist: %(name)s.", name=name[:60]))
            yield from _typed(inner._fields[name], part).items()
