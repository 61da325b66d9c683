"""Forms made from the model: one field a column, our own plain widgets, values as the actions want them."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from babel.numbers import get_currency_precision
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import BooleanField, DateField, EmailField, FieldList, Form, FormField, SelectField, StringField, TelField, TextAreaField
from wtforms import Field as FormFieldBase
from wtforms.utils import unset_value
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import Select, TextInput

from admin.context import clientele
from admin.fields import Field, label_of
from models.base import Base
from models.personal import policy

if TYPE_CHECKING:
    from admin.base import Screen

Lookup = Callable[[], "Screen"]


class WholeNumberField(StringField):
    """A whole number typed as text, so that 1e5, 1_000 or full-width digits are refused by name and not half read."""

    type = "IntegerField"

    def _value(self) -> str:
        return "" if self.data is None else str(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the number. :raises ValueError: it is not one."""
        self.data = None
        text = valuelist[0].strip().replace("\u2212", "-") if valuelist else ""
        if not text:
            return
        if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) <= 16):
            self.data = text  # keep what was typed
            raise ValueError(_("Enter a whole number, such as 12."))
        self.data = int(text)


class DecimalTextField(StringField):
    """A decimal typed as text and kept exactly. ``places`` is the most digits after the point."""

    type = "DecimalField"
    places = 2
    example = "7.5"

    def _value(self) -> str:
        if self.data is None:
            return ""
        return self.data if isinstance(self.data, str) else f"{self.data:f}"

    def read(self, text: str) -> Decimal:
        """Return the decimal. :raises ValueError: anything but plain digits with a point."""
        whole, point, part = text.removeprefix("-").partition(".")
        good = whole.isascii() and whole.isdigit() and len(whole) <= 9
        if point:
            good = good and part.isascii() and part.isdigit() and len(part) <= self.places
        if not good:
            raise ValueError(_("Enter a figure such as %(example)s.", example=self.example))
        try:
            return Decimal(text)
        except InvalidOperation:
            raise ValueError(_("Enter a figure such as %(example)s.", example=self.example)) from None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the figure, keeping what was typed when it is none."""
        text = valuelist[0].strip().replace("\u2212", "-") if valuelist else ""
        self.data = text or None
        if text:
            self.data = self.read(text)


class PercentField(DecimalTextField):
    """A percentage with at most two decimals."""

    type = "PercentField"


class MoneyField(DecimalTextField):
    """An amount in major units on screen, integer minor units in ``data`` (RULES 2.1, 2.3)."""

    type = "MoneyField"
    example = "12.50"
    currency = "GBP"

    def __init__(self, *args: Any, signed: bool = False, **kwargs: Any) -> None:
        self.signed = signed
        super().__init__(*args, **kwargs)

    def _value(self) -> str:
        if not isinstance(self.data, int):
            return self.data or ""
        places = get_currency_precision(self.currency)
        return f"{Decimal(self.data).scaleb(-places):.{places}f}"

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the amount into minor units, keeping what was typed when it is none."""
        super().process_formdata(valuelist)
        if isinstance(self.data, Decimal) and self.data < 0 and not self.signed:
            raise ValueError(_("Enter the amount without a sign, such as %(example)s.", example=self.example))
        if isinstance(self.data, Decimal):
            self.data = int(self.data.scaleb(get_currency_precision(self.currency)))


class LinesField(TextAreaField):
    """A list of short texts, one a line."""

    type = "TextAreaField"

    def _value(self) -> str:
        return "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the lines, leaving out empty ones; none at all is no list."""
        lines = [line.strip() for line in (valuelist[0] if valuelist else "").splitlines()]
        self.data = [line for line in lines if line] or None


class ChoiceField(SelectField):
    """One of an enum's members; ``data`` is the member."""

    type = "SelectField"

    def __init__(self, *args: Any, kind: type[enum.Enum], nullable: bool, **kwargs: Any) -> None:
        self.kind = kind
        blank = [("", "")] if nullable else []
        super().__init__(
            *args,
            choices=lambda: [*blank, *((member.value, label_of(member)) for member in kind)],
            coerce=self._coerce,
            validate_choice=False,
            **kwargs,
        )

    def _coerce(self, value: Any) -> Any:
        if value is None or value == "" or isinstance(value, self.kind):
            return value or None
        try:
            return self.kind(value)
        except ValueError:
            raise ValueError(_("Choose one of the list.")) from None

    def iter_choices(self) -> Iterable[tuple[Any, Any, bool, dict[str, Any]]]:
        """Yield the options with the current one selected."""
        current = self.data.value if isinstance(self.data, enum.Enum) else (self.data or "")
        for value, label, _selected, attributes in super().iter_choices():
            yield value, label, value == current, attributes


class LookupWidget(Select):
    """A plain select; when there are too many rows for one, the picker script searches the server as one types."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        if field.remote:
            kwargs["data-lookup"] = field.lookup_url
        return super().__call__(field, **kwargs)


class LookupField(SelectField):
    """A related row by its id. Few candidates make a plain select, many are searched for."""

    type = "LookupField"
    widget = LookupWidget()
    FEW = 100

    def __init__(self, *args: Any, screen: Lookup, url: Callable[[], str], nullable: bool, **kwargs: Any) -> None:
        self.screen, self._url, self.nullable = screen, url, nullable
        self.remote = False
        super().__init__(*args, choices=[], coerce=self._coerce, validate_choice=False, **kwargs)

    @property
    def lookup_url(self) -> str:
        """Return the address the picker asks."""
        return self._url()

    @staticmethod
    def _coerce(value: Any) -> int | None:
        if isinstance(value, Base):
            return value.id  # type: ignore[attr-defined, no-any-return]
        if value is None or value == "":
            return None
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise ValueError(_("Choose one of the list."))
        return int(text)

    def iter_choices(self) -> Iterable[tuple[Any, Any, bool, dict[str, Any]]]:
        """Yield the options: all of a short list, or just the current one."""
        options = self.screen().lookup_options(limit=self.FEW + 1)
        self.remote = len(options) > self.FEW
        current = self.data if isinstance(self.data, int) else None
        if self.remote:
            options = []
        if current is not None and all(row_id != current for row_id, _label in options):
            row = self.screen().get_one(current)
            options = [*options, (current, str(row))] if row is not None else options
        yield "", "", current is None, {}
        for row_id, label in options:
            yield row_id, label, row_id == current, {}

    def has_groups(self) -> bool:
        """Options are never grouped."""
        return False

    def pre_validate(self, form: Form) -> None:
        """Refuse a row that is not there or not within this person's scope."""
        if isinstance(self.data, int) and self.screen().get_one(self.data) is None:
            raise ValueError(_("Choose one of the list."))


class RowsField(FieldList):
    """Related rows edited in place, such as a customer's phones; ``data`` is a list of dicts with their ids."""

    type = "RowsField"
    MOST = 20
    posted = False
    """Whether the form showed the rows at all; a marker says so, since no rows left post nothing."""

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Take in the rows, noting whether the form carried them."""
        self.posted = formdata is not None and self.name in formdata
        super().process(formdata, data, extra_filters)

    @property
    def blank(self) -> Form:
        """Return an empty sub-form whose names carry ``__index__`` for the script to replace."""
        return self.unbound_field.args[0](prefix=f"{self.name}-__index__-")  # type: ignore[attr-defined, no-any-return]


class _Rows(FormField):
    def populate_obj(self, obj: Any, name: str) -> None:
        """Never write to a model: actions do."""
        raise NotImplementedError


def related(model: type[Base], resource: str, label: Any, **options: Any) -> LookupField:
    """Return a look-up for the form of a declared action; ``resource`` is the screen that declares it."""
    name = model.__tablename__
    return LookupField(
        label,
        screen=lambda: clientele().by_model[model],
        url=lambda: url_for(f"screen_{resource}.ajax_lookup", name=name),
        nullable=False,
        validators=[InputRequired(_l("Choose one."))],
        **options,
    )


def build(screen: Screen, names: Sequence[str]) -> type[Form]:
    """Return the WTForms class for a screen's columns."""
    fields = {name: _field(screen, screen.field(name)) for name in names}
    return type(f"{type(screen).__name__}Form", (Form,), fields)


def _field(screen: Screen, field: Field) -> Any:
    common: dict[str, Any] = {
        "label": screen.get_column_name(field.name),
        "description": screen.column_descriptions.get(field.name) or field.help,
        "validators": _validators(field),
    }
    match field.kind:
        case "choice":
            assert field.choices is not None
            return ChoiceField(**common, kind=field.choices, nullable=field.nullable, default=_default(field))
        case "lookup":
            return LookupField(**common, screen=screen.lookup_screen(field), url=screen.lookup_url(field.name), nullable=field.nullable)
        case "boolean":
            return BooleanField(common["label"], description=common["description"], default=_default(field) or False)
        case "computed":
            return _rows(screen, field, common)
        case _:
            return _plain(field, common)


def _plain(field: Field, common: dict[str, Any]) -> Any:
    makers: dict[str, type[FormFieldBase]] = {
        "number": WholeNumberField, "money": MoneyField, "percent": PercentField, "date": DateField,
    }  # fmt: skip
    if field.kind in makers:
        return makers[field.kind](**common, default=_default(field))
    if field.kind == "text" and isinstance(field.attribute.type, sa.Text):  # type: ignore[union-attr]
        return TextAreaField(**common, filters=[_clean])
    if field.kind == "json":
        return LinesField(**common)
    special: dict[str, type[FormFieldBase]] = {"email": EmailField, "phone": TelField}
    maker = special.get(policy(field.column.property.columns[0]).mask, StringField)
    return maker(**common, filters=[_clean], default=_default(field), **({"widget": TextInput()} if maker is StringField else {}))


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
    required = not sql.nullable and sql.default is None and sql.server_default is None and field.kind != "boolean"
    found.append(InputRequired(_l("This field is required.")) if required else Optional())
    if field.kind == "text" and getattr(sql.type, "length", None):
        found.append(Length(max=sql.type.length))
    if field.kind == "number":
        found.append(NumberRange(-(2**31), 2**31 - 1))
    return found


def _default(field: Field) -> Any:
    default = field.column.property.columns[0].default
    return default.arg if default is not None and default.is_scalar else None


def _rows(screen: Screen, field: Field, common: dict[str, Any]) -> Any:
    target = getattr(screen.model, field.name).property.mapper.class_
    child = screen.child_screen(target)
    names = [n for n in child.form_columns if child.field(n).target is not screen.model]
    fields = {name: _field(child, child.field(name)) for name in names}
    sub = type(f"{type(child).__name__}Rows", (Form,), {"id": WholeNumberField(validators=[Optional()]), **fields})
    return RowsField(_Rows(sub), label=common["label"], description=common["description"], max_entries=RowsField.MOST)


def values_of(screen: Screen, form: Form) -> dict[str, Any]:
    """Return what the form holds as attribute name -> value, ready for the create or edit action."""
    values: dict[str, Any] = {}
    for name, bound in form._fields.items():
        if isinstance(bound, RowsField) and bound.posted:
            child = screen.child_screen(getattr(screen.model, name).property.mapper.class_)
            values[name] = [
                {"id": entry.form.id.data, **values_of_fields(child, entry.form)} for entry in bound.entries if is_filled(entry.form)
            ]
    return {**values_of_fields(screen, form), **values}


def values_of_fields(screen: Screen, form: Form) -> dict[str, Any]:
    """Return the plain fields' values by the name of the column they belong in."""
    values = {}
    for name, bound in form._fields.items():
        if name == "id" or isinstance(bound, RowsField):
            continue
        field = screen.field(name)
        value = bound.data
        if value is None and field.kind == "text" and not field.nullable:
            value = ""
        values[field.column.key if field.kind == "lookup" else name] = value
    return values


def is_filled(form: Form) -> bool:
    """Return whether a repeated row holds anything: an untouched empty row is left out."""
    ignored = (BooleanField, SelectField)
    return any(f.data not in (None, "") for f in form if not isinstance(f, ignored) or isinstance(f, LookupField))


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
    return str(value)
