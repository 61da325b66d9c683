"""The one declarative base: Flask-AppBuilder's tables and ours share one metadata and one migration history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from flask_appbuilder import Model as IdentityModel
from flask_appbuilder.security.sqla import models as identity_models
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, Integer, String, Text, event
from sqlalchemy.orm import ColumnProperty, DeclarativeBase, Mapped, declared_attr, mapped_column

from models import personal
from models.presentation import heading
from models.types import Id, PrimaryKey, UTCDateTime

metadata = IdentityModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
for _table in metadata.tables.values():
    _table.dialect_options["sqlite"]["autoincrement"] = True
    for _column in _table.columns:
        _column.info.setdefault("policy", personal.account["policy"])
        if isinstance(_column.type, Integer):
            _column.type = Id  # as wide as every id of ours: PostgreSQL fails on a larger one in a question

identity = identity_models
"""The staff tables: roles, permissions and who holds them."""

Staff: TypeAlias = identity_models.User


def N_(message: str) -> str:
    """Mark a sentence for translation; the layer that shows it translates it."""
    return message


@dataclass(frozen=True, slots=True)
class About:
    """One row of several, as it is called in a sentence; it outlives the session the row was read in."""

    id: int
    name: str

    def __str__(self) -> str:
        return self.name


class Invalid(Exception):
    """Bad input: ``errors`` maps a field's name to a sentence a person can act on (HTTP 422)."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in errors.items()))
        self.errors = errors
        self.about: About | None = None
        """The row it is about, where an action is about several."""
        self.see: tuple[str, int] | None = None
        """The record that has a value already that only one may have, as (resource, id)."""


class Base(DeclarativeBase):
    """Every table of the product. ``__label__`` and ``__plural__`` are its names on screen."""

    metadata = metadata
    __journal__: ClassVar[bool] = False
    __append_only__: ClassVar[Any] = None
    __same__: ClassVar[tuple[str, ...]] = ()
    """Columns by which two rows of one customer say the same, so that a merge keeps one of them (rule 3.4)."""
    __filled__: ClassVar[tuple[str, ...]] = ()
    """Columns that the one which is kept then takes from the other where it has nothing itself."""
    __either__: ClassVar[tuple[str, ...]] = ()
    """Switches that the one which is kept then has on where either of them has."""
    __asked__: ClassVar[tuple[str, ...]] = ()
    """Relations to another row that ``problems`` asks; a save looks them up first by the key they have by then."""
    __label__: ClassVar[str] = ""
    __plural__: ClassVar[str] = ""
    __resource__: ClassVar[str] = ""
    """What addresses, permissions and actions call it, where that is not the table's name."""

    @classmethod
    def resource_name(cls) -> str:
        """Return the noun of its addresses, permissions and actions."""
        return cls.__resource__ or cls.__tablename__

    @declared_attr.directive
    def __table_args__(cls) -> Any:
        return table_args()

    def derive(self) -> None:
        """Recompute normalised keys and other values that follow from this row alone; called before every flush."""

    def problems(self, changed: set[str]) -> dict[str, str]:
        """Return field -> sentence for what is wrong across the ``changed`` fields; old values are left alone."""
        return {}


def table_args(*constraints: Any, **options: Any) -> tuple[Any, ...]:
    """Return ``__table_args__`` with the house options: SQLite must never hand out the id of a deleted row again."""
    return (*constraints, {"sqlite_autoincrement": True, **options})


@event.listens_for(Base, "attribute_instrument", propagate=True)
def _remember_before(cls: type[Base], key: str, attribute: Any) -> None:
    """Load the old value even of an expired attribute, so that the journal always has a before."""
    if isinstance(attribute.property, ColumnProperty):
        attribute.impl.active_history = True


class Record(Base):
    """A row that staff create, edit and delete through actions; every change of it is in the journal."""

    __abstract__ = True
    __journal__ = True

    id: Mapped[PrimaryKey]
    version: Mapped[int] = mapped_column(
        Integer, nullable=False, default=1, server_default="1", sort_order=90, info=personal.system
    )
    created_at: Mapped[dt.datetime] = mapped_column(
        UTCDateTime, nullable=False, sort_order=91, info=personal.system
    )
    updated_at: Mapped[dt.datetime] = mapped_column(
        UTCDateTime, nullable=False, sort_order=92, info=personal.system
    )


class LedgerRow(Base):
    """An append-only row that is its own journal: actor, time, reason and changeset are on it (rules 1.1, 2.4)."""

    __abstract__ = True

    id: Mapped[PrimaryKey]
    created_at: Mapped[dt.datetime] = mapped_column(
        UTCDateTime, nullable=False, info=personal.system | heading(N_("Date"))
    )
    actor_id: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), info=personal.staff
    )
    actor_name: Mapped[str] = mapped_column(
        String(140), nullable=False, info=personal.staff | heading(N_("By"))
    )
    comment: Mapped[str] = mapped_column(
        Text,
        nullable=False,
        default="",
        server_default="",
        info=personal.personal("text", written_by="action"),
    )
    key: Mapped[str | None] = mapped_column(String(200), unique=True, info=personal.system)

    @declared_attr
    def changeset_id(cls) -> Mapped[int]:
        return mapped_column(
            Id,
            ForeignKey("changeset.id", ondelete="RESTRICT"),
            nullable=False,
            index=True,
            info=personal.system,
        )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)
