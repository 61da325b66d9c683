"""What may be put into a column, checked the moment it is set, so that no channel lets worse into the database.

Two layers. Every column of every model is checked by its type: text without control characters and short
enough, whole numbers the column can hold, members of the list, aware times. A column may add a check of its
own with ``info=... | checked(email)``. Both see *changed* values only: setting a field to what it already
holds is always let through, so that an old bad value never blocks a save.

A check takes the field's name and the value; it returns the value to store or raises
:class:`models.base.Invalid`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import email_validator
from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, Enum, Integer, String, Text, event
from sqlalchemy.orm import ColumnProperty, Mapper, object_mapper
from sqlalchemy.orm.attributes import InstrumentedAttribute
from sqlalchemy.orm.base import NO_VALUE

from models import card_numbers, normalise
from models.base import N_, Base, Invalid
from models.personal import Info, Policy
from models.renamed_codes import StoredCode
from models.renamed_fields import StoredFields
from models.types import Choice, File, Minor, Percent, UTCDateTime
from models.vault import Secret, SecretText

Check = Callable[[str, Any], Any]

LONGEST_TEXT = 20_000
"""Characters in a text of several lines."""

_FORBIDDEN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FORBIDDEN_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PERCENTAGE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?")


LIKE_A_CARD = N_("This looks like a card number. Card numbers are never stored here. Remove it.")


class Message(str):
    """A sentence with values in it: to be shown, ``template`` is translated and filled in with ``values``."""

    __slots__ = ("template", "values")

    template: str
    values: dict[str, Any]


def say(template: str, **values: Any) -> Message:
    """Return ``template`` (with ``%(name)s`` places, marked by ``N_``) filled in."""
    message = Message(template % values)
    message.template, message.values = template, values
    return message


def checked(*checks: Check) -> Info:
    """Return the part of a column's ``info`` that adds checks to it; each is given what the one before returned."""

    def check(field: str, value: Any) -> Any:
        for each in checks:
            value = each(field, value)
        return value

    return {"check": checks[0] if len(checks) == 1 else check}


# --------------------------------------------------------------------------------------- checks of one field
def required(sentence: str) -> Check:
    """Return a check that refuses an empty value with ``sentence``."""

    def check(field: str, value: Any) -> Any:
        if value is None or value == "":
            raise Invalid({field: sentence})
        return value

    return check


def matching(pattern: str, sentence: str, *, upper: bool = True) -> Check:
    """Return a check for text that must match ``pattern`` as a whole, in capitals unless ``upper`` is off."""
    shape = re.compile(pattern)

    def check(field: str, value: str | None) -> str | None:
        if value is None:
            return None
        value = value.upper() if upper else value
        if not shape.fullmatch(value):
            raise Invalid({field: sentence})
        return value

    return check


def between(low: int, high: int) -> Check:
    """Return a check for a whole number in a range."""

    def check(field: str, value: Any) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Invalid(
                {field: say(N_("Enter a whole number from %(low)s to %(high)s."), low=low, high=high)}
            )
        return value

    return check


def not_negative(field: str, value: int | None) -> int | None:
    """Check an amount that may be zero but not less."""
    if value is not None and value < 0:
        raise Invalid({field: N_("Enter an amount that is not negative.")})
    return value


code = matching(
    r"[0-9A-Z][0-9A-Z._/\-]{0,39}",
    N_("Use up to 40 letters, digits and . _ / - without spaces."),
)
"""Check for a code that people type or scan; kept in capitals."""


def email(field: str, value: str | None) -> str | None:
    """Check an email address by its form alone; no name server is asked."""
    if value is None:
        return None
    try:
        return email_validator.validate_email(value, check_deliverability=False, strict=True).normalized
    except email_validator.EmailNotValidError:
        raise Invalid({field: N_("Enter an email address such as rashid@example.com.")}) from None


def no_card_number(field: str, value: str | None) -> str | None:
    """Check that a text holds nothing that looks like the number of a payment card (rule 12.5)."""
    if value is not None and card_numbers.holds_one(value):
        raise Invalid({field: LIKE_A_CARD})
    return value


def percentage(field: str, value: Any) -> Decimal | None:
    """Check a percentage from 0 to 100 with at most two decimals, given as text, int or Decimal."""
    if value is None:
        return None
    text = str(value) if isinstance(value, str | Decimal) or type(value) is int else ""
    if isinstance(value, Decimal) and value.is_finite():
        text = f"{value.normalize():f}"
    try:
        number = Decimal(text) if _PERCENTAGE.fullmatch(text) else None
    except InvalidOperation:  # pragma: no cover - the pattern leaves nothing to fail
        number = None
    if number is None or number > 100:
        raise Invalid(
            {field: N_("Enter a percentage from 0 to 100 with at most two decimals, such as 12.5.")}
        )
    return number.quantize(Decimal("0.01"))


def date_of_birth(field: str, value: dt.date | None) -> dt.date | None:
    """Check that somebody born then may be alive."""
    if value is not None and value.year < 1900:
        raise Invalid({field: N_("Enter a date of birth after 1900.")})
    return value


def texts(field: str, value: Any) -> list[str] | None:
    """Check a list of different, non-empty texts of at most 80 characters each."""
    if value is None or value == []:
        return None
    sentence = N_("Enter one value per line, all different, up to 80 characters each.")
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value) or len(value) > 200:
        raise Invalid({field: sentence})
    items = [normalise.trimmed(item) for item in value]
    if len(set(items)) < len(items) or any(not 0 < len(i) <= 80 or _FORBIDDEN_LINE.search(i) for i in items):
        raise Invalid({field: sentence})
    return items


# ---------------------------------------------------------------------------------------- checks of one type
def _text(column: Column[Any]) -> Check:
    several_lines = isinstance(column.type, Text)
    forbidden = _FORBIDDEN_TEXT if several_lines else _FORBIDDEN_LINE
    longest = getattr(column.type, "length", None) or LONGEST_TEXT

    def check(field: str, value: Any) -> str | None:
        if not isinstance(value, str):
            raise Invalid({field: N_("Enter text.")})
        value = normalise.seen(value)
        value = value.replace("\r\n", "\n").strip() if several_lines else value.strip(" \t\u00a0\u3000")
        if forbidden.search(value):
            raise Invalid({field: N_("Remove the line breaks or invisible characters from this text.")})
        if len(value) > longest:
            raise Invalid({field: say(N_("Use %(longest)s characters or fewer."), longest=longest)})
        return value if value or not column.nullable else None

    return check


def _secret(column: Column[Any]) -> Check:
    text = _text(column)

    def check(field: str, value: Any) -> Secret | None:
        if isinstance(value, Secret):
            return value
        clear = text(field, value)
        return None if clear is None else Secret(clear)

    return check


def _whole(column: Column[Any]) -> Check:
    bits = 63 if isinstance(column.type, BigInteger | Minor) else 31

    def check(field: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Invalid({field: N_("Enter a whole number.")})
        if not -(2**bits) <= value < 2**bits:
            raise Invalid({field: N_("Enter a smaller number.")})
        return value

    return check


def _member(column: Column[Any]) -> Check:
    members: type[Choice] = column.type.enum_class  # type: ignore[attr-defined]

    def check(field: str, value: Any) -> Choice | None:
        if value == "" and column.nullable:
            return None
        try:
            return members(value)  # type: ignore[call-arg]
        except (ValueError, TypeError):
            raise Invalid({field: N_("Choose an option from the list.")}) from None

    return check


def _boolean(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid({field: N_("Choose yes or no.")})
    return value


def _date(field: str, value: Any) -> dt.date:
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise Invalid({field: N_("Enter a date such as 1 September 2026.")})
    return value


def _instant(field: str, value: Any) -> dt.datetime:
    if not isinstance(value, dt.datetime) or value.tzinfo is None or not 1000 < value.year < 9999:
        raise Invalid({field: N_("Enter a date and time such as 1 September 2026, 14:30.")})
    return value


def _file(field: str, value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise Invalid({field: N_("Choose a file.")})
    return value


def _json(field: str, value: Any) -> Any:
    if not _storable(value):
        raise Invalid({field: N_("Remove the invisible characters from this value.")})
    return value


def _storable(value: Any, depth: int = 0) -> bool:
    """Whether both databases can store a JSON document: no NUL, half characters, NaN or deep nesting."""
    if isinstance(value, str):
        return not re.search("[\x00\ud800-\udfff]", value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return depth < 50 and all(
            isinstance(k, str) and _storable(k) and _storable(v, depth + 1) for k, v in value.items()
        )
    if isinstance(value, list | tuple):
        return depth < 50 and all(_storable(item, depth + 1) for item in value)
    return value is None or isinstance(value, bool | int)


def type_check(column: Column[Any]) -> Check | None:
    """Return the check that follows from the column's type; None where its own check does all."""
    kind = column.type
    makers: list[tuple[Any, Callable[[Column[Any]], Check | None]]] = [
        (Percent, lambda _: None),
        (Enum, _member),
        (String | StoredCode, _text),
        (SecretText, _secret),
        (Integer | Minor, _whole),
        (Boolean, lambda _: _boolean),
        (UTCDateTime, lambda _: _instant),
        (File, lambda _: _file),
        (Date, lambda _: _date),
        (JSON | StoredFields, lambda _: _json),
    ]
    return next((make(column) for types, make in makers if isinstance(kind, types)), None)


# -------------------------------------------------------------------------------------------- where they run
def _unchanged(value: Any, old: Any) -> bool:
    if old is NO_VALUE:
        return False
    same_type = type(value) is type(old) or (isinstance(value, str) and isinstance(old, str))
    return value is old or (same_type and bool(value == old))


@event.listens_for(Base, "attribute_instrument", propagate=True)
def _check_on_set(cls: type[Base], key: str, attribute: InstrumentedAttribute[Any]) -> None:
    if not isinstance(attribute.property, ColumnProperty) or not isinstance(
        attribute.property.columns[0], Column
    ):
        return
    column = attribute.property.columns[0]
    checks = [check for check in (type_check(column), column.info.get("check")) if check is not None]

    def on_set(target: Base, value: Any, old: Any, initiator: object) -> Any:
        if _unchanged(value, old) or hasattr(value, "__clause_element__"):
            return value
        for check in checks:
            value = check(key, value) if value is not None or check is not checks[0] else None
        return value

    event.listen(attribute, "set", on_set, retval=True)


def missing(row: Base) -> dict[str, str]:
    """Return field -> sentence for every column of ``row`` that the database needs and nobody filled in."""
    return {
        name: N_("This field is required.")
        for name in _needed(object_mapper(row))
        if getattr(row, name) is None
    }


@cache
def _needed(mapper: Mapper[Any]) -> tuple[str, ...]:
    """Return the fields that the database needs and that nobody but a person fills in."""
    return tuple(prop.key for prop in mapper.column_attrs if _is_needed(prop.columns[0]))


def _is_needed(column: Any) -> bool:
    if not isinstance(column, Column) or column.nullable:
        return False
    policy = column.info.get("policy")
    given = column.default is not None or column.server_default is not None
    return not given and isinstance(policy, Policy) and policy.written_by != "product"


def assign(row: Base, values: dict[str, Any]) -> None:
    """Set all ``values`` on ``row``.

    :raises Invalid: with the sentence of every field that was refused, not only of the first.
    """
    errors: dict[str, str] = {}
    for field, value in values.items():
        try:
            setattr(row, field, value)
        except Invalid as error:
            errors |= error.errors
    if errors:
        raise Invalid(errors)


@event.listens_for(Base, "before_insert", propagate=True)
@event.listens_for(Base, "before_update", propagate=True)
def _complete(mapper: Mapper[Any], connection: object, row: Base) -> None:
    """Keys are current and nothing needed is missing, whichever session saves the row."""
    row.derive()
    errors = missing(row)
    if errors:
        raise Invalid(errors)
