"""Masks: what stands in the place of a sensitive value for anyone who may not see it (rule 19).

A column that says ``sensitive`` in its policy is masked here, at the root: a session that only reads puts the mask
into the row itself as it is loaded, so lists, records, exports and the API show it without knowing. A session that
writes holds the truth, or a mask could be stored; only what its rows are called is masked, as sentences and previews
name them. Who is reading is asked of the layer above, by :func:`provide`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Mapper, Session, object_session
from sqlalchemy.orm.attributes import set_committed_value

from models.base import Base, metadata
from models.dialect import WRITE
from models.personal import Mask, Policy, policy

Place = tuple[str, int, str]
"""Table, row id and column of one value."""

OWNER = "customer"
"""The resource whose permissions say who sees what: ``see_email`` and so on."""
REVEAL = "reveal"
"""The permission to look at one masked value for a moment."""
CONTEXT = "mask_context"
"""Where a session keeps what its reader may see."""


class Masked(str):
    """A mask; ``place`` is where the value behind it stands."""

    place: Place | None = None

    @classmethod
    def of(cls, kind: Mask, value: Any, place: Place | None = None) -> Masked:
        """Return the mask of a value."""
        made = cls(SHAPES[kind](str(value)))
        made.place = place
        return made


def email(value: str | None) -> str:
    """Return an address by its first letter and its domain; nothing for what is no address."""
    name, at, domain = (value or "").rpartition("@")
    return f"{name[:1]}***@{domain}" if at else ""


def _tail(value: str, shown: int, least: int) -> str:
    """Return the last few letters and digits, where there are enough of them for that to tell nothing."""
    known = [character for character in value if character.isalnum()]
    return f"•••• {''.join(known[-shown:])}" if len(known) >= least else "••••"


SHAPES: dict[Mask, Callable[[str], str]] = {
    "name": lambda value: f"{value[:1]}•••",
    "email": lambda value: email(value) or "••••",
    "phone": lambda value: _tail(value, 4, 9),
    "address": lambda value: "••••••",
    "date": lambda value: "****-**-**",
    "number": lambda value: _tail(value, 2, 8),
    "text": lambda value: "••••",
}
"""Mask -> how a value looks under it. None begins with what a spreadsheet takes for a formula."""


# -- who is reading -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MaskContext:
    """What a reader is shown: all but the ``hidden`` groups, and of those the values ``revealed`` to them just now."""

    hidden: frozenset[str] = frozenset()
    revealed: frozenset[Place] = field(default=frozenset())


EVERYTHING = MaskContext()
TRUTH = MaskContext()
"""What a session holds that can write: everything, too, but for what its rows are called."""
_ask: list[Callable[[], MaskContext]] = [lambda: EVERYTHING]
_for_anybody: ContextVar[bool] = ContextVar("for_anybody", default=False)


def provide(ask: Callable[[], MaskContext]) -> None:
    """Say how to find out who is reading."""
    _ask[0] = ask


def mask_context() -> MaskContext:
    """Return what the person reading may see; everything where nobody is asking, as in a worker."""
    return MaskContext(groups()) if _for_anybody.get() else _ask[0]()


@contextmanager
def unmasked() -> Iterator[None]:
    """Name rows as somebody who may see nothing sensitive would read them: what is kept is read by anybody."""
    token = _for_anybody.set(True)
    try:
        yield
    finally:
        _for_anybody.reset(token)


# -- what is sensitive ----------------------------------------------------------------------------------------------


def groups() -> frozenset[str]:
    """Return every permission group that a column declares."""
    return _groups(tuple(metadata.tables))


@cache
def _groups(tables: tuple[str, ...]) -> frozenset[str]:
    """:param tables: all there are; a model that is declared later is asked, too."""
    found = (column.info.get("policy") for name in tables for column in metadata.tables[name].columns)
    return frozenset(p.sensitive for p in found if isinstance(p, Policy) and p.sensitive)


def verbs(resource: str) -> tuple[str, ...]:
    """Return the permissions on a resource that follow from sensitive columns."""
    return (*(f"see_{group}" for group in sorted(groups())), REVEAL) if resource == OWNER else ()


def sensitive(model: Any) -> Mapping[str, Policy]:
    """Return attribute -> policy of a model's sensitive columns."""
    return _sensitive(model.__mapper__)


@cache
def _sensitive(mapper: Mapper[Any]) -> dict[str, Policy]:
    known = ((mapper.get_property_by_column(c).key, policy(c)) for c in mapper.columns)
    return {name: found for name, found in known if found.sensitive}


def group_of(column: Any) -> str:
    """Return the permission group of a mapped attribute or table column; "" where everybody sees it."""
    found = getattr(column, "property", None)
    return policy(found.columns[0] if found is not None else column).sensitive


def is_hidden(model: type[Any], name: str) -> bool:
    """Return whether the person reading sees masks in a column."""
    found = sensitive(model).get(name)
    return found is not None and found.sensitive in mask_context().hidden


def value(model: type[Any], name: str, shown: Any) -> Any:
    """Return a value that a journal or a form keeps of a column, masked for anyone who may not see the column."""
    if shown in (None, "") or isinstance(shown, Masked) or not is_hidden(model, name):
        return shown
    return Masked.of(sensitive(model)[name].mask, shown)


def values(model: type[Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a row by column, masked for the person reading."""
    return {name: value(model, name, found) for name, found in shown.items()}


# -- the rows themselves --------------------------------------------------------------------------------------------


@event.listens_for(Base, "after_mapper_constructed", propagate=True)
def _cover(mapper: Mapper[Any], model: type[Any]) -> None:
    """Have the rows of a model masked as they are loaded, and in what they are called, if any column is sensitive."""
    if not _sensitive(mapper):
        return
    event.listen(model, "load", _mask_row)
    event.listen(model, "refresh", _mask_row)
    named: Any = model.__str__

    def called(row: Any) -> str:
        if _is_masked(row):
            return str(named(row))
        seen = mask_context()
        return str(named(_Veiled(row, seen) if seen.hidden else row))

    model.__str__ = called  # type: ignore[assignment]


def _mask_row(row: Any, context: Any, only: Iterable[str] | None = None) -> None:
    session = object_session(row)  # a row that is refreshed by a set-based update comes without a context
    seen = _context_of(session) if session is not None else TRUTH
    if not seen.hidden:
        return
    for name, found in sensitive(type(row)).items():
        if name in row.__dict__ and (masked := _seen(row, name, row.__dict__[name], found, seen)) is not None:
            set_committed_value(row, name, masked)


def _is_masked(row: Any) -> bool:
    """Return whether a row came by a session that only reads, and so holds the masks its reader is shown."""
    session = object_session(row)
    return session is not None and session.info.get(CONTEXT, TRUTH) is not TRUTH


def _context_of(session: Session) -> MaskContext:
    """Return what the reader of a session may see, asked once for all its rows: everything, where it can write."""
    seen: MaskContext | None = session.info.get(CONTEXT)
    if seen is None:
        writes = session.get_bind().get_execution_options().get(WRITE)
        seen = session.info[CONTEXT] = TRUTH if writes else mask_context()
    return seen


def forget(session: Session) -> None:
    """Ask again who is reading by a session, and mask its rows again."""
    session.info.pop(CONTEXT, None)
    session.expire_all()


def _seen(row: Any, name: str, real: Any, found: Policy, seen: MaskContext) -> Masked | None:
    """Return the mask of one value of a row, or None where it is shown."""
    if real in (None, "") or isinstance(real, Masked) or found.sensitive not in seen.hidden:
        return None
    place = (type(row).__tablename__, row.id, name)
    return None if place in seen.revealed else Masked.of(found.mask, real, place)


class _Veiled:
    """A row as somebody reads it who may not see all of it: its own ``__str__`` and properties, over masked values."""

    def __init__(self, row: Any, seen: MaskContext) -> None:
        self._row, self._seen = row, seen

    def __getattr__(self, name: str) -> Any:
        row = self._row
        declared = inspect.getattr_static(type(row), name, None)
        if isinstance(declared, property) and declared.fget is not None:
            return declared.fget(self)
        found, real = sensitive(type(row)).get(name), getattr(row, name)
        masked = _seen(row, name, real, found, self._seen) if found is not None else None
        return real if masked is None else masked
