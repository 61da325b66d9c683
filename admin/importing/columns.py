"""The columns that an import can fill: which there are, and how the text of a cell becomes a value.

A cell is read by the very code of the form's field, so a file and a form take the same figures and dates. What the form
offers as a choice is named by its label or its stored value, and what an export writes is always understood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from wtforms import Form
from wtforms.validators import DataRequired, InputRequired, StopValidation

from actions.execution.constraints import shown
from actions.importing.related import RelatedRows
from admin.forms import form_fields
from admin.importing.countries import country_key, country_names
from admin.listing.related_columns import RelatedColumn, related_columns
from admin.request import typed_numbers
from admin.screen_spec.column_info import Field, label_of
from admin.screen_spec.registry import screen_over
from admin.screen_spec.spec import ScreenSpec
from models import amounts, currencies, places
from models.base import Base, Invalid
from models.columns import LIVE
from web.request import shop

ID = "id"
"""The mapping's name for our number of the record, which is matched and never written."""
FIGURES = frozenset({"money", "number", "percent"})
YES = frozenset({"yes", "y", "true", "t", "1", "on", "x", "ja", "wahr", "oui", "vrai"})
NO = frozenset({"no", "n", "false", "f", "0", "off", "nein", "falsch", "non", "faux"})


CODES = ("code", "number", "last4", "ExternalId.value")
"""How the names of fields end that hold codes, which an apostrophe in front keeps from being figures elsewhere."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field that a column of a file can go into.

    :param key: the attribute that is written: the foreign key for a relation.
    :param read: turns a cell's text (never empty) into the value, by the currency of its row and the locale whose
        signs figures are written with. :raises ValueError: a sentence.
    :param required: it is never empty. :param needed: besides, the form of a new record starts without it.
    :param related: whose field it is, where that is a related row and not the record.
    """

    name: str
    key: str
    label: str
    help: str
    field: Field
    required: bool
    needed: bool
    read: Callable[[str, str, str], Any]
    check: Callable[[Any], None] = lambda value: None
    """Asks the validators of ``form_args`` about a value. It raises ValueError, a sentence."""
    related: RelatedColumn | None = None


def bare(column: Column, text: str) -> str:
    """Return what a cell says without the apostrophe that keeps a code from being a figure, or the sign of a share."""
    if column.field.kind == "text" and str(column.field.attribute).endswith(CODES):
        return text.strip().removeprefix("'")
    return text.strip().removesuffix("%").rstrip() if column.field.kind == "percent" else text


def columns(screen: ScreenSpec) -> dict[str, Column]:
    """Return field name -> column: the record's own in the order of the form, then those of its related rows."""
    return {**own_columns(screen), **_related_columns(screen)}


def _related_columns(screen: ScreenSpec) -> dict[str, Column]:
    """Return the columns of related rows that the person asking may write, each as the rows' own screen reads it."""
    found: dict[str, Column] = {}
    own: dict[str, dict[str, Column]] = {}
    for related in related_columns(screen):
        other = screen_over(related.rows.target(screen.model))
        if other.resource not in own:
            own[other.resource] = own_columns(other) if _may_write(related.rows, other) else {}
        if (column := own[other.resource].get(related.field.name)) is not None:
            found[related.name] = replace(
                column, name=related.name, key=related.name, label=related.label, required=False, needed=False,
                related=related,
            )  # fmt: skip
    return found


def _may_write(rows: RelatedRows, other: ScreenSpec) -> bool:
    """Return whether the person asking may do to related rows by a file what it does to them (rule 15.19)."""
    verbs = ("import", "add", "edit") if rows.only else ("import", "add")
    return all(other.can(verb) for verb in verbs)


def own_columns(screen: ScreenSpec) -> dict[str, Column]:
    """Return field name -> column, of the record itself. Related rows edited in place are not among them."""
    form = screen.form_class(data=dict(screen.defaults()))
    found = {}
    for name in screen.form_columns:
        described = screen.field(name)
        if described.kind == "computed" or name not in form:
            continue
        bound = form._fields[name]
        required = any(isinstance(v, InputRequired | DataRequired) for v in bound.validators)
        found[name] = Column(
            name=name,
            key=described.column.key if described.kind == "lookup" else name,
            label=screen.get_column_name(name),
            help=_hint(described, bound),
            field=described,
            required=required,
            needed=required and bound.data is None,
            read=_reader(described, form, bound),
            check=_checker(form, bound, screen.form_args.get(name, {}).get("validators", ())),
        )
    return found


def empty_value(column: Column) -> Any:
    """Return what clearing the field means. :raises ValueError: it cannot be empty."""
    if column.required or (not column.field.nullable and column.field.kind != "text"):
        raise ValueError(_("This field is required."))
    return None if column.field.nullable else ""


def defaults(screen: ScreenSpec) -> dict[str, Any]:
    """Return what the form of a new record starts with, by the attribute that is written."""
    form, found = screen.form_class(data=dict(screen.defaults())), {}
    for name, column in own_columns(screen).items():
        value = form._fields[name].data
        if value is not None:
            found[column.key] = value
    return found


def related_defaults(screen: ScreenSpec) -> dict[str, dict[str, Any]]:
    """Return what the form of a new related row starts with, by the name of the rows."""
    return {rows.name: defaults(screen_over(rows.target(screen.model))) for rows in screen.related_rows}


def unique_keys(screen: ScreenSpec, *, always: bool = False) -> dict[str, sa.Column[Any]]:
    """Return field name -> the column that is unique for it, for fields that tell records of this list apart.

    :param always: only those that every live record has to itself, whatever its state.
    """
    table: sa.Table = screen.model.__table__  # type: ignore[assignment]
    alone = [tuple(i.columns) for i in table.indexes if i.unique and not (always and _by_state(i))]
    alone += [tuple(c.columns) for c in table.constraints if isinstance(c, sa.UniqueConstraint)]
    found = {shown(key[0].name): key[0] for key in alone if len(key) == 1 and not key[0].foreign_keys}
    return {name: found[name] for name in screen.form_columns if name in found}


def _by_state(index: sa.Index) -> bool:
    where = index.dialect_options["sqlite"]["where"]
    return where is not None and str(where) != LIVE


def key_of(model: type[Base], name: str, column: Any, text: str) -> str | None:
    """Return what a unique column would hold for a text typed into its field, None for what it would not take."""
    probe = model()
    try:
        setattr(probe, name, text.strip())
    except Invalid:
        return None
    if column.key != name:
        probe.derive()
    found = getattr(probe, column.key)
    return str(found) if found else None


# -- reading a cell -----------------------------------------------------------------------------------------------


def _reader(field: Field, form: Form, bound: Any) -> Callable[[str, str, str], Any]:
    """Return ``read(text, currency, locale)`` for a field."""
    if field.kind == "money":
        return lambda text, currency, locale: _money(text, currency, locale, bound)
    if field.kind == "boolean":
        return lambda text, _currency, _locale: _boolean(text)
    if field.kind == "choice":
        assert field.choices is not None
        names = _named((member, (member.value, label_of(member))) for member in field.choices)
        return lambda text, _currency, _locale: _chosen(text, names)
    if field.kind == "json":
        return lambda text, _currency, _locale: _lines(text)
    return _text_reader(field, form, bound)


def _checker(form: Form, bound: Any, validators: Sequence[Any]) -> Callable[[Any], None]:
    """Return ``check(value)`` by validators that a screen adds to a field, asked in their order until one ends it."""

    def check(value: Any) -> None:
        bound.data, bound.raw_data = value, [str(value)]
        for validator in validators:
            try:
                validator(form, bound)
            except StopValidation as end:
                if str(end):
                    raise ValueError(str(end)) from None
                return

    return check


def _text_reader(field: Field, form: Form, bound: Any) -> Callable[[str, str, str], Any]:
    listed = field.column.property.columns[0].info.get("choices") if field.kind == "text" else None
    if listed is not None:
        pairs = _named((value, (value, name)) for value, name in listed(shop().locale))
        if listed is places.country_choices:
            pairs = {**country_names(), **pairs}
            return lambda text, _currency, _locale: _country(text, pairs)
        return lambda text, _currency, _locale: _chosen(text, pairs)
    return lambda text, _currency, locale: _by_form(text, locale, form, bound)


def _named(offered: Iterable[tuple[Any, Sequence[str]]]) -> dict[str, Any]:
    """Return name -> value; a stored value goes before another's label."""
    known = list(offered)
    found = {str(label).casefold(): value for value, names in known for label in names[1:]}
    return found | {names[0].casefold(): value for value, names in known}


def _chosen(text: str, names: Mapping[str, Any]) -> Any:
    try:
        return names[text.strip().casefold()]
    except KeyError:
        few = sorted({str(getattr(v, "label", v)) for v in names.values()}, key=str.casefold)
        if len(few) > 8:
            raise ValueError(
                _(
                    "Not a valid choice. Use a name or code from the list, such as %(example)s.",
                    example=few[0],
                )
            ) from None
        raise ValueError(
            _("Choose one of: %(choices)s.", choices=", ".join(_(name) for name in few))
        ) from None


def _country(text: str, names: Mapping[str, Any]) -> Any:
    try:
        return _chosen(text, names)
    except ValueError:
        found = names.get(country_key(text))
        if found is None:
            raise ValueError(_("Country not found. Use its name or two-letter code, such as GB.")) from None
        return found


def _boolean(text: str) -> bool:
    word = text.strip().casefold()
    if word in YES or word == _("Yes").casefold():
        return True
    if word in NO or word == _("No").casefold():
        return False
    raise ValueError(_("Enter yes or no."))


def _lines(text: str) -> list[str] | None:
    parts = [part.strip() for line in text.splitlines() for part in line.split(";")]
    return [part for part in parts if part] or None


def _by_form(text: str, locale: str, form: Form, bound: Any) -> Any:
    """Read a text as the form's own field reads what is typed into it."""
    if isinstance(bound, form_fields.FigureField):
        bound.locale = locale
    bound.process_formdata([text])
    value = bound.data
    for clean in bound.filters:
        value = clean(value)
    return value


def _money(text: str, currency: str, locale: str, bound: Any) -> Any:
    """Read an amount in major units of ``currency``; of any, where nobody can tell which."""
    if not currency:
        return int(typed_numbers.read(lambda: amounts.amount_of_any(text, locale)[0]).scaleb(currencies.MOST))
    bound.locale = locale
    return typed_numbers.read(lambda: bound.minor(text, currency))


def _hint(field: Field, bound: Any) -> str:
    """Return how a cell of this column is written."""
    hints = {
        "boolean": _("yes or no"),
        "money": _("an amount such as 12.50"),
        "percent": _("a percentage such as 7.5"),
        "number": _("a whole number"),
        "date": _("a date such as 2026-01-31"),
        "lookup": _("the name of the record, or # and its number"),
        "json": _("several values separated by ;"),
    }
    if field.kind == "choice" and field.choices is not None:
        return ", ".join(label_of(member) for member in field.choices)
    return hints.get(field.kind, "")


def figure_places(columns: Mapping[str, Column], fields: Mapping[int, str]) -> list[int]:
    """Return the columns of a file that go into fields of figures."""
    return [p for p, name in fields.items() if name in columns and columns[name].field.kind in FIGURES]
