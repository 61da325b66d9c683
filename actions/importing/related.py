"""Related rows in the same row of a file, such as the phones and the primary address of a customer (rule 15.18).

What a list's files hold of them is declared once, by :class:`RelatedRows`; nothing here knows a customer from an order.
The rows are saved with the record that they belong to, as a form saves rows that are edited in place: by the rules of
their model, and by what the record's own hooks make of its relation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from actions.core.base import Context
from actions.core.journal import plain
from actions.execution.records import Rows, assign
from models.base import Base
from models.importing import ImportFile
from models.staff import may
from models.validate import missing


@dataclass(frozen=True, slots=True)
class RelatedRows:
    """Rows of a relation that stand in the same row of a file as the record they belong to.

    :param name: what they are called in mappings and errors, as in ``primary_address.postcode``.
    :param relation: the relation that holds them, and ``shown`` the one to that of them which lists show.
    :param label: what people call one of them.
    :param columns: the fields that a file holds of a row, first the one that it cannot be without.
    :param only: the column that marks the one row that is meant: it is changed, or made where there is none. Without,
        a row that is the same as one that is there, by ``__same__`` of its model, is left alone, and any other added.
    :param by: a column of choices, each of which has columns of its own in a file; a cell may then hold several values.
    :param follows: field -> the column of the file that says it where the row's own does not.
    :param headings: the fields that are recognised by their own heading, without the label in front.
    """

    name: str
    relation: str
    shown: str
    label: Any
    columns: Sequence[str]
    only: str = ""
    by: str = ""
    follows: Mapping[str, str] = field(default_factory=dict)
    headings: Sequence[str] = ()

    def target(self, model: type[Base]) -> type[Base]:
        """Return the model of the rows."""
        return inspect(model).relationships[self.relation].mapper.class_


NOTHING = object()
"""Equal to nothing that a row could hold."""
DECLARED: dict[type[Base], Sequence[RelatedRows]] = {}
"""Model -> what files of its list hold besides."""

Item = Mapping[str, Any]
"""One related row as a file has it: the ``slot``, which is the choice that its columns are of, and the ``values``."""


@dataclass(slots=True)
class Found:
    """What the related rows of one record come to.

    ``values`` are for the record's own save, relation -> rows; the others have names such as ``phones.mobile.number``.
    """

    values: dict[str, Rows] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def tell(self, name: str, value: Any) -> None:
        """Keep what is new; several values of a column stand in one."""
        if value is not None:
            self.after[name] = f"{self.after[name]}; {plain(value)}" if name in self.after else plain(value)


@dataclass(frozen=True, slots=True)
class Related:
    """The related rows of a model's files. ``defaults`` are what a new one has besides, by the name of the rows."""

    model: type[Base]
    defaults: Mapping[str, Mapping[str, Any]]

    @property
    def declared(self) -> Sequence[RelatedRows]:
        """Return what the model's screen declares."""
        return DECLARED.get(self.model, ())

    def split(self, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[Item]]]:
        """Return the values of the record itself, and the related rows of the file by their name."""
        names = {rows.name for rows in self.declared}
        own = {name: value for name, value in values.items() if name not in names}
        return own, {name: value for name, value in values.items() if name in names}

    def load(self, ctx: Context, ids: Iterable[int], given: Iterable[Mapping[str, Any] | None]) -> None:
        """Read the rows that some records have at once, of the relations that rows of the file speak of."""
        told = {name for values in given for name in values or ()}
        model: Any = self.model
        ways = [selectinload(getattr(model, r.relation)) for r in self.declared if r.name in told]
        if ways and (wanted := set(ids)):
            ctx.session.scalars(select(model).where(model.id.in_(wanted)).options(*ways)).unique().all()

    def resolve(self, record: Any, given: Mapping[str, Sequence[Item]]) -> Found:
        """Return what becomes of a record's related rows, without touching any."""
        found = Found()
        for rows in self.declared:
            if items := given.get(rows.name):
                resolve = _resolve_one if rows.only else _resolve_many
                resolve(rows, record, items, self.defaults.get(rows.name, {}), found)
        return found

    def forget(self, ctx: Context, record: Any) -> None:
        """Drop what a save that was refused has left on a record and its related rows."""
        for rows in self.declared:
            for row in list(record.__dict__.get(rows.relation, ())):
                if inspect(row).pending:
                    ctx.session.expunge(row)
                elif inspect(row).persistent:
                    ctx.session.expire(row)
        ctx.session.expire(record)


def field_name(rows: RelatedRows, slot: str, name: str) -> str:
    """Return what a column of related rows is called: ``phones.mobile.number``, ``primary_address.town``."""
    return ".".join(part for part in (rows.name, slot, name) if part)


def mapped_to(file: ImportFile) -> set[str]:
    """Return the names of the related rows that columns of a file were mapped to."""
    fields = (file.plan or {}).get("fields", {}).values()
    return {name.partition(".")[0] for name in fields if "." in name}


def may_import(session: Session, actor_id: int | None, model: type[Base], names: Iterable[str]) -> bool:
    """Return whether somebody may import related rows, by files of their own list as well; the product may."""
    tables = {rows.name: rows.target(model).resource_name() for rows in DECLARED.get(model, ())}
    return actor_id is None or all(may(session, actor_id, f"{tables[name]}.import") for name in names)


def told_before(before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a dry run found in related rows, of all that it found."""
    return {name: value for name, value in (before or {}).items() if "." in name}


# -- rows of which there are many -----------------------------------------------------------------------------------


def _resolve_many(
    rows: RelatedRows, record: Any, items: Sequence[Item], defaults: Mapping[str, Any], found: Found
) -> None:
    """Add what is not there yet. Of two in the file that are the same, that of a stated kind says how it is."""
    model = rows.target(type(record))
    there, fresh = list(getattr(record, rows.relation)), list[tuple[Base, Item]]()
    for item in sorted(items, key=lambda one: bool(one["slot"])):
        row, wrong = _made(rows, model, record, {**defaults, **item["values"]})
        if any(_is_there(row, other) for other in there):
            continue
        twin = next((n for n, (other, told) in enumerate(fresh) if _is_twin(row, other, told)), None)
        if wrong:
            found.errors |= {field_name(rows, item["slot"], name): text for name, text in wrong.items()}
        elif twin is None:
            fresh.append((row, item))
        elif not fresh[twin][1]["slot"]:
            fresh[twin] = row, item
    if fresh:
        found.values[rows.relation] = Rows((row for row, _item in fresh), ())
    for row, item in fresh:
        for name in item["values"].keys() & set(rows.columns):
            found.tell(field_name(rows, item["slot"], name), getattr(row, name))


def _is_there(row: Any, other: Any) -> bool:
    """Return whether a row of a file is one that is there; what the file does not say is no difference."""
    return all(not mine or mine == theirs for mine, theirs in _keys(row, other))


def _is_twin(row: Any, other: Any, told: Item) -> bool:
    """Return whether a row of a file is one that stands in the file before, of a stated kind or in full."""
    return all(mine == theirs or (not told["slot"] and not theirs) for mine, theirs in _keys(row, other))


def _keys(row: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what tells two rows apart, of the one and of the other; the first of it has to be there."""
    first, *rest = type(row).__same__
    yield getattr(row, first) or NOTHING, getattr(other, first)
    for name in rest:
        yield getattr(row, name) or "", getattr(other, name) or ""


def _made(
    rows: RelatedRows, model: type[Base], record: Any, values: dict[str, Any]
) -> tuple[Base, dict[str, str]]:
    """Return a new row, and what is wrong with it."""
    row = model()
    changed, wrong = assign(row, {name: value for name, value in values.items() if value is not None})
    owner = {column.key for column in inspect(type(record)).relationships[rows.relation].remote_side}
    absent = {name: text for name, text in missing(row).items() if name not in owner and name not in wrong}
    wrong = {**row.problems(changed), **absent, **wrong}
    if not absent:
        row.derive()
    return row, wrong


# -- the one that is marked -------------------------------------------------------------------------------------------


def _resolve_one(
    rows: RelatedRows, record: Any, items: Sequence[Item], defaults: Mapping[str, Any], found: Found
) -> None:
    """Change the row that has the mark, or make it; what every new row has besides makes none by itself."""
    values: dict[str, Any] = {name: value for item in items for name, value in item["values"].items()}
    there = next((row for row in getattr(record, rows.relation) if getattr(row, rows.only)), None)
    if there is None:
        if any(value not in (None, "") for name, value in values.items() if defaults.get(name) is None):
            row, wrong = _made(
                rows, rows.target(type(record)), record, {**defaults, **values, rows.only: True}
            )
            found.errors |= {field_name(rows, "", name): text for name, text in wrong.items()}
            if not wrong:
                found.values[rows.relation] = Rows([row], ())
                for name in values:
                    found.tell(field_name(rows, "", name), getattr(row, name))
        return
    fresh, wrong = _changes(there, values)
    found.errors |= {field_name(rows, "", name): text for name, text in wrong.items()}
    if fresh and not wrong:
        found.values[rows.relation] = Rows([{"id": there.id, **fresh}], ())
        for name, value in fresh.items():
            found.before[field_name(rows, "", name)] = plain(getattr(there, name))
            found.after[field_name(rows, "", name)] = plain(value)


def _changes(row: Any, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what of the values a row does not hold yet, as it would store them, and what is wrong with them."""
    if all(getattr(row, name) == value for name, value in values.items()):
        return {}, {}
    probe = type(row)()
    for prop in inspect(type(row)).column_attrs:
        set_committed_value(probe, prop.key, getattr(row, prop.key))
    changed, wrong = assign(probe, values)
    wrong = {**probe.problems(changed), **wrong}
    if not wrong:
        probe.derive()
    return {name: v for name in values if (v := getattr(probe, name)) != getattr(row, name)}, wrong
