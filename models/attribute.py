"""Fields of the shop's own making, and their values on customers (feature 29)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation

from sqlalchemy import Boolean, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import normalise
from models.base import N_, Record, table_args
from models.columns import check, owner, refers
from models.customer import Customer
from models.personal import fact, personal, search_key
from models.presentation import heading
from models.types import Choice, Json, Key, choice
from models.validate import between, checked, matching, required, texts

CODE = matching(
    "[a-z][a-z0-9_]{0,39}",
    N_("Use lower-case letters, digits and _, starting with a letter, such as shoe_size."),
    upper=False,
)


NAMED = 12
"""Choices that a refusal names."""


class AttributeKind(Choice):
    """What the values of an attribute are."""

    TEXT = "text", N_("Text")
    NUMBER = "number", N_("Number")
    DATE = "date", N_("Date")
    BOOLEAN = "boolean", N_("Yes or no")
    CHOICE = "choice", N_("Choice from a list")


class AttributeDefinition(Record):
    """One custom field. ``choices`` is a list of texts, for the kind choice only."""

    __tablename__ = "attribute_definition"
    __label__ = N_("Custom attribute")
    __plural__ = N_("Custom attributes")
    __table_args__ = table_args(check("position_range", "position BETWEEN 0 AND 10000"))

    name: Mapped[str] = mapped_column(String(80), info=fact() | checked(required(N_("Enter a name."))))
    code: Mapped[str] = mapped_column(
        String(40),
        unique=True,
        info=fact() | checked(CODE),
        doc=N_("Name for imports and other systems: lower-case letters, digits and _."),
    )
    kind: Mapped[AttributeKind] = mapped_column(
        choice(AttributeKind, "kind"), default=AttributeKind.TEXT, info=fact()
    )
    choices: Mapped[list[str] | None] = mapped_column(
        Json, info=fact() | checked(texts), doc=N_("The options, if the kind is a choice.")
    )
    position: Mapped[int] = mapped_column(
        Integer, default=0, info=fact() | checked(between(0, 10_000)), doc=N_("Lower numbers come first.")
    )
    is_active: Mapped[bool] = mapped_column(Boolean, default=True, info=fact())
    name_key: Mapped[str] = mapped_column(
        Key, unique=True, info=search_key("none", of="name", by=normalise.folded)
    )

    def __str__(self) -> str:
        return self.name

    def derive(self) -> None:
        """Keep the key that makes names unique."""
        self.name_key = normalise.folded(self.name)

    def problems(self, changed: set[str]) -> dict[str, str]:
        """A choice needs something to choose from; nothing else has choices."""
        if not changed & {"kind", "choices"}:
            return {}
        if self.kind == AttributeKind.CHOICE and not self.choices:
            return {"choices": N_("Enter at least one option.")}
        if self.kind != AttributeKind.CHOICE and self.choices:
            return {"choices": N_("Only the kind Choice has options. Clear them or change the kind.")}
        return {}


class AttributeValue(Record):
    """The value of one custom field for one customer, as text in one notation: 12.5, 2026-09-01, true."""

    __tablename__ = "attribute_value"
    __label__ = N_("Attribute")
    __plural__ = N_("Attributes")
    __same__ = ("definition_id",)
    __asked__ = ("definition",)
    __table_args__ = table_args(UniqueConstraint("customer_id", "definition_id"))

    customer_id: Mapped[int] = owner("combine", ondelete="CASCADE", index=False)
    definition_id: Mapped[int] = refers("attribute_definition", fact() | heading(N_("Attribute")))
    value: Mapped[str] = mapped_column(
        Text, info=personal("text") | checked(required(N_("Enter a value, or remove the attribute.")))
    )

    customer: Mapped[Customer] = relationship(back_populates="attributes")
    definition: Mapped[AttributeDefinition] = relationship()

    def __str__(self) -> str:
        return f"{self.definition}: {self.value}" if self.definition else self.value

    def problems(self, changed: set[str]) -> dict[str, str]:
        """Check the value by the kind of its attribute."""
        if self.definition is None or not changed & {"value", "definition", "definition_id"}:
            return {}
        sentence = value_problem(self.definition, self.value)
        return {"value": sentence} if sentence else {}


def value_problem(definition: AttributeDefinition, value: str) -> str | None:
    """Return what is wrong with ``value`` for this attribute, or None."""
    match definition.kind:
        case AttributeKind.NUMBER if not _is_number(value):
            return N_("Enter a number such as 12.5.")
        case AttributeKind.DATE if not _is_date(value):
            return N_("Enter a date such as 2026-09-01.")
        case AttributeKind.BOOLEAN if value not in ("true", "false"):
            return N_("Enter true or false.")
        case AttributeKind.CHOICE if value not in (definition.choices or []):
            return _choose(definition.choices or [])
    return None


def _choose(choices: list[str]) -> str:
    more = " …" if len(choices) > NAMED else ""
    return f"Choose one of these: {', '.join(choices[:NAMED])}{more}."


def _is_number(value: str) -> bool:
    try:
        return value.isascii() and "_" not in value and Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _is_date(value: str) -> bool:
    try:
        return dt.date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
