"""JSON bodies as forms: a program's request is read by the very form a person would fill in.

Only JSON types are the API's own: money is whole minor units, dates are ISO, a box is true or false, null is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from wtforms import BooleanField, Field, Form

from actions.base import Invalid
from admin import inputs
from admin.context import now, shop

BEYOND = 2**63


def body() -> dict[str, Any]:
    """Return the request's JSON object; no body at all is an empty one. :raises BadRequest: it is something else."""
    if not request.get_data(cache=True):
        return {}
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise BadRequest(_("Send a JSON object, with the content type application/json."))
    return found


def read(form_class: type[Form], sent: dict[str, Any], *, partial: bool = False) -> Form:
    """Return the form filled in with what was sent, validated.

    :param partial: fields that were not sent are left out, as if the form had none of them.
    :raises Invalid: a field there is not, or a value that will not do, by field.
    """
    blank = form_class()
    unknown = {name: _("There is no such field.") for name in sent if name not in blank}
    if unknown:
        raise Invalid(unknown)
    if hasattr(blank, "prefill"):
        blank.prefill(shop(), now())
    typed, errors = _form_data(blank, sent, untouched=not partial)
    form = form_class(typed)
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
        elif (
            untouched
            and field.data is not None
            and not isinstance(field, inputs.RowsField | inputs.LookupManyField)
        ):
            typed.update(_as_filled_in(field))
    return typed, errors


def problems(form: Form) -> Iterator[tuple[str, str]]:
    """Yield (field, sentence) for everything a form finds wrong."""
    for field in form:
        if isinstance(field, inputs.RowsField):
            for position, entry in enumerate(field.entries):
                yield from ((f"{field.name}-{position}-{n}", t) for n, t in problems(entry.form))
        for text in field.errors:
            if isinstance(text, str):
                yield field.name, text


def _as_filled_in(field: Field) -> dict[str, str]:
    """Return what the form would send for a field nobody touched."""
    if isinstance(field, BooleanField):
        return {field.name: "y"} if field.data else {}
    value = field._value() if hasattr(field, "_value") else getattr(field.data, "value", field.data)
    return {field.name: str(value)}


def _typed(field: Field, value: Any) -> dict[str, Any]:
    """Return form data for one field. :raises ValueError: a value of another JSON type than the field takes."""
    if isinstance(field, inputs.RowsField):
        return dict(_rows(field, value))
    if isinstance(field, BooleanField):
        if not isinstance(value, bool):
            raise ValueError(_("Send true or false."))
        return {field.name: "y"} if value else {}
    if isinstance(field, inputs.LookupManyField):
        if not isinstance(value, list) or not all(_whole(part) for part in value):
            raise ValueError(_("Send a list of ids."))
        return {field.name: [str(part) for part in value]}
    if isinstance(field, inputs.TicksField):
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise ValueError(_("Send a list of texts."))
        return {field.name: value}
    if value is None:
        return {field.name: ""}
    return {field.name: _text(field, value)}


def _text(field: Field, value: Any) -> str:
    if isinstance(field, inputs.MoneyField):
        if not _whole(value):
            raise ValueError(_("Send a whole number of minor units, such as 1250."))
        places = get_currency_precision(field.currency)
        return f"{Decimal(value).scaleb(-places):.{places}f}"
    if isinstance(field, inputs.WholeNumberField | inputs.LookupField):
        if not _whole(value):
            raise ValueError(_("Send a whole number."))
        return str(value)
    if isinstance(field, inputs.LinesField):
        if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
            raise ValueError(_("Send a list of texts."))
        return "\n".join(value)
    if not isinstance(value, str):
        raise ValueError(_("Send a text."))
    return value


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -BEYOND < value < BEYOND


def _rows(field: inputs.RowsField, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the form data of related rows; a row left out stays, and is removed at its own address."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ValueError(_("Send a list of objects."))
    ids = [row["id"] for row in value if _whole(row.get("id"))]
    yield field.name, " ".join(["shown", *map(str, ids)])
    for position, row in enumerate(value):
        inner = field.unbound_field.args[0](prefix=f"{field.name}-{position}-")
        for name, part in row.items():
            if name not in inner._fields:
                raise ValueError(_("There is no such field: %(name)s.", name=name[:60]))
            yield from _typed(inner._fields[name], part).items()
