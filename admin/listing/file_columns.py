"""The columns of a file: what a chosen column of a list is there, and what stands beside it, by its kind (rule 15.15).

Figures, amounts and dates are values and no words. What a list says besides in the same cell has a column of its own:
the currency of amounts, whether a balance is owed, a customer's names and email.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask_babel import gettext as _

from admin.layout import formatters
from admin.layout.formatters import currency_of
from admin.listing import related_columns
from admin.listing.file_values import plain, value_of
from admin.request.context import channels
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.spreadsheets import Value
from models import figures
from models.base import Base
from models.customer import Customer
from models.masks import Masked
from models.row_scope import shows
from web.request import shop


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a file: its heading, and what it holds of a row."""

    heading: str
    of: Callable[[Any], Value]


def file_columns(screen: ScreenSpec, names: Sequence[str]) -> list[FileColumn]:
    """Return what the chosen columns of a list are in a file. What stands beside several of them is there once."""
    found: dict[str, FileColumn] = {}
    for name in names:
        found[name] = FileColumn(screen.get_column_name(name), partial(_value, screen, name))
        for beside, column in _beside(screen, name):
            if beside not in names:
                found.setdefault(beside, column)
    return list(found.values())


def _value(screen: ScreenSpec, name: str, row: Any) -> Value:
    if name in screen.column_amounts:
        return figures.major(_minor(screen, name, row), currency_of(row, shop()))
    formatter = screen.column_formatters_export.get(name)
    if formatter is not None:
        return plain(formatter(screen, None, row, name), row)
    if name in screen.column_choices and (label := screen.choice_label(name, getattr(row, name))) is not None:
        return str(label)
    return _of_type(screen, name, row)


def _of_type(screen: ScreenSpec, name: str, row: Any) -> Value:
    """Return a value by the formatter of its type, unless it is masked or out of the row scope of who asks."""
    value = screen.field(name).read(row)
    hidden = type(value) is Masked or (isinstance(value, Base) and not shows(value, channels()))
    types = {} if hidden else screen.column_type_formatters_export
    made = next((make for kind, make in types.items() if isinstance(value, kind)), None)
    if made is None:
        return value_of(screen.field(name), row)
    return plain(made(screen, value, name), row)


def _minor(screen: ScreenSpec, name: str, row: Any) -> int:
    """Return an amount that a list works out, or that its model holds."""
    worked_out = screen.column_amounts.get(name)
    return int(worked_out(row) if worked_out is not None else getattr(row, name) or 0)


def _beside(screen: ScreenSpec, name: str) -> Iterator[tuple[str, FileColumn]]:
    """Yield what belongs to a column, each with a name by which it is told from others."""
    field = screen.field(name)
    for part in screen.column_beside.get(name, ()):
        yield part, FileColumn(screen.get_column_name(part), partial(value_of, screen.field(part)))
    if name in screen.column_words or field.says.plus:
        heading = _("%(column)s in words", column=screen.get_column_name(name))
        yield f"{name} in words", FileColumn(heading, partial(_in_words, screen, name))
    if name in screen.column_amounts or field.kind == "money":
        heading = screen.get_column_name("currency")
        yield "currency", FileColumn(heading, lambda row: currency_of(row, shop()))
    for related in related_columns.beside(screen, name):
        yield related.name, FileColumn(related.label, related.value)
    if (field.target is Customer or name in screen.column_customers) and _may_list_customers():
        heading = _("%(column)s: email", column=screen.get_column_name(name))
        yield f"{name}: email", FileColumn(heading, partial(_email, name))


def _in_words(screen: ScreenSpec, name: str, row: Any) -> str:
    minor, own = _minor(screen, name, row), screen.column_words.get(name)
    return str(own(minor)) if own is not None else formatters.sign_word(screen.field(name).says, minor)


def _may_list_customers() -> bool:
    """Return whether the person asking sees more of customers than what other records call them."""
    screen = registry().screens.get("customer")
    return screen is not None and screen.can("list")


def _email(name: str, row: Any) -> str | None:
    """Return the email of the customer that a row names, masked where it is."""
    customer: Customer | None = getattr(row, name)
    return customer.email if customer is not None and shows(customer, channels()) else None
