"""Forms made from the model: one field a column, and values as the actions want them."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    EmailField,
    Form,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms import Field as FormFieldBase
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import TextInput

from actions.execution.records import Rows
from admin.forms.fast_select import ListedField
from admin.forms.form_fields import (
    ChoiceField,
    DayField,
    LinesField,
    LookupField,
    LookupManyField,
    MoneyField,
    PercentField,
    WholeNumberField,
)
from admin.forms.inline_rows import RowField, RowsField
from admin.screen_spec.column_info import Field
from admin.screen_spec.registry import registry, screen_over
from admin.screen_spec.spec import ScreenSpec
from models.base import Base
from models.personal import policy
from web.request import shop


def related(
    model: type[Base],
    resource: str,
    label: Any,
    *,
    required: bool = True,
    many: bool = False,
    name: str = "",
    kind: type[LookupField] = LookupField,
    without: Callable[[], str] | None = None,
    **options: Any,
) -> LookupField:
    """Return a look-up for the form of a declared action; ``resource`` is the screen that declares it.

    :param many: several rows may be chosen. :param name: what the picker asks that screen for, mostly the model's noun.
    :param kind: of field, where one row is chosen. :param without: says the id of a row that is not offered.
    """
    name = name or model.resource_name()

    def beside() -> str:
        """The record that stands in the address is not among the further ones of its kind to choose."""
        return request.args.get("id", "") if many and model.resource_name() == resource else ""

    left_out = without or beside

    return (LookupManyField if many else kind)(
        label,
        screen=lambda: registry().by_model[model],
        url=lambda: url_for(f"screen_{resource}.ajax_lookup", name=name, without=left_out() or None),
        nullable=not required,
        validators=[InputRequired(_l("Choose an option.")) if required else Optional()],
        without=left_out,
        **options,
    )


def build(screen: ScreenSpec, names: Sequence[str]) -> type[Form]:
    """Return the WTForms class for a screen's columns."""
    fields = {name: make_field(screen, screen.field(name)) for name in names}
    return type(f"{type(screen).__name__}Form", (Form,), fields)


def for_reader(screen: ScreenSpec) -> type[Form]:
    """Return the form of a screen as the person asking may fill it in; built once for each set of withheld fields."""
    gone = screen.withheld & frozenset(screen.form_columns)
    if gone not in screen.form_classes:
        made = build(screen, [name for name in screen.form_columns if name not in gone])
        made.withheld = staticmethod(lambda: gone)
        screen.form_classes[gone] = made
    return screen.form_classes[gone]


def make_field(screen: ScreenSpec, field: Field) -> Any:
    """Return the form's field for a column, with what ``form_args`` and ``form_widget_args`` say of it."""
    made, own = _made(screen, field), dict(screen.form_args.get(field.name, {}))
    if attributes := screen.form_widget_args.get(field.name):
        own["render_kw"] = {**own.get("render_kw", {}), **attributes}
    for several in ("validators", "filters"):
        if several in own:
            own[several] = [*made.kwargs.get(several, ()), *own[several]]
    made.kwargs.update(own)
    return made


def _made(screen: ScreenSpec, field: Field) -> Any:
    common: dict[str, Any] = {
        "label": screen.get_column_name(field.name),
        "description": screen.column_descriptions.get(field.name) or field.help,
        "validators": _validators(field),
    }
    if (override := (screen.form_overrides or {}).get(field.name)) is not None:
        return override(**common)
    match field.kind:
        case "choice":
            assert field.choices is not None
            return ChoiceField(**common, kind=field.choices, nullable=field.nullable, default=_default(field))
        case "lookup":
            return LookupField(
                **common,
                screen=partial(screen_over, field.target),
                url=screen.lookup_url(field.name),
                nullable=field.nullable,
            )
        case "boolean":
            return BooleanField(**{**common, "validators": []}, default=_default(field) or False)
        case "computed":
            return _rows(screen, field, common)
        case _:
            return _plain(field, common)


def _listed(field: Field, common: dict[str, Any], choices: Callable[[str], Sequence[tuple[str, str]]]) -> Any:
    """Return a select over a long fixed list, such as countries, named in the shop's language."""
    blank = [("", "")] if field.nullable else []
    return ListedField(
        **common,
        choices=lambda: [*blank, *choices(shop().locale)],
        default=_default(field),
        filters=[_clean],
    )


def _plain(field: Field, common: dict[str, Any]) -> Any:
    choices = field.column.property.columns[0].info.get("choices")
    if choices is not None:
        return _listed(field, common, choices)
    makers: dict[str, type[FormFieldBase]] = {
        "number": WholeNumberField, "money": MoneyField, "percent": PercentField, "date": DayField,
    }  # fmt: skip
    if field.kind in makers:
        return makers[field.kind](**common, default=_default(field))
    if field.kind == "text" and isinstance(field.attribute.type, sa.Text):  # type: ignore[union-attr]
        return TextAreaField(**common, filters=[_clean])
    if field.kind == "json":
        return LinesField(**common)
    special: dict[str, type[FormFieldBase]] = {"email": EmailField, "phone": TelField}
    maker = special.get(policy(field.column.property.columns[0]).mask, StringField)
    return maker(
        **common,
        filters=[_clean],
        default=_default(field),
        **({"widget": TextInput()} if maker is StringField else {}),
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip() or None
    return value


def _validators(field: Field) -> list[Any]:
    column = field.column
    found: list[Any] = []
    if field.kind == "computed" or column is None:
        return found
    sql = column.property.columns[0]
    required = (
        not sql.nullable and sql.default is None and sql.server_default is None and field.kind != "boolean"
    )
    found.append(InputRequired(_l("This field is required.")) if required else Optional())
    if field.kind == "text" and getattr(sql.type, "length", None):
        found.append(Length(max=sql.type.length))
    if field.kind == "number":
        found.append(NumberRange(-(2**31), 2**31 - 1))
    return found


def _default(field: Field) -> Any:
    default = field.column.property.columns[0].default
    return default.arg if default is not None and default.is_scalar else None


def _rows(screen: ScreenSpec, field: Field, common: dict[str, Any]) -> Any:
    target = getattr(screen.model, field.name).property.mapper.class_
    child = screen_over(target)
    names = [n for n in child.form_columns if child.field(n).target is not screen.model]
    fields = {name: make_field(child, child.field(name)) for name in names}
    hidden = {part: WholeNumberField(validators=[Optional()]) for part in ("id", "version")}
    sub = type(f"{type(child).__name__}Rows", (Form,), {**hidden, **fields})
    return RowsField(
        RowField(sub),
        label=common["label"],
        description=common["description"],
        add_label=_("Add %(thing)s", thing=_(child.singular).lower()),
    )


def values_of(screen: ScreenSpec, form: Form) -> dict[str, Any]:
    """Return what the form holds as attribute name -> value, ready for the create or edit action."""
    values: dict[str, Any] = {}
    for name, bound in form._fields.items():
        if isinstance(bound, RowsField) and bound.shown is not None:
            child = screen_over(getattr(screen.model, name).property.mapper.class_)
            rows = (
                {"id": e.form.id.data, "version": e.form.version.data, **values_of_fields(child, e.form)}
                for e in bound.entries
            )
            values[name] = Rows(rows, bound.shown)
    return {**values_of_fields(screen, form), **values}


def values_of_fields(screen: ScreenSpec, form: Form, names: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the plain fields' values by the name of the column they belong in; of all, or of ``names``.

    A field the form did not carry is left as it is; an unticked box carries nothing and means no.
    """
    values = {}
    for name, bound in form._fields.items():
        if name in ("id", "version") or isinstance(bound, RowsField) or name not in (names or form):
            continue
        if not bound.raw_data and not isinstance(bound, BooleanField):
            continue
        field = screen.field(name)
        value = bound.data
        if value is None and field.kind == "text" and not field.nullable:
            value = ""
        values[field.column.key if field.kind == "lookup" else name] = value
    return values


def typed(value: Any) -> str:
    """Return a value as a form would post it, to carry it along on the conflict page."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "y" if value else ""
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)
