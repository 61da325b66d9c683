"""Whether stored amounts have the scale that this version counts with, and the one way to change it (rule 2.1).

While they differ, every amount of the currency would be read ten or a hundred times off, so nothing starts.
:func:`convert` multiplies or divides them all, those of ledgers and journal too, in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Connection, Engine, Table, func, insert, or_, select, update

from models import currencies
from models.base import metadata
from models.dialect import WRITE, advisory_lock, keep_others_out
from models.importing import ImportFile, ImportRow, ImportState
from models.journal import Change
from models.personal import policy
from models.run import Run, RunState
from models.scale import CurrencyScale
from models.schema import SchemaError
from models.types import Minor

SCALE = cast(Table, CurrencyScale.__table__)
CHANGE = cast(Table, Change.__table__)
CHUNK = 1_000


class ScaleError(SchemaError):
    """Amounts are stored with another scale than this version counts with, or cannot be converted."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "other scale")


@dataclass(frozen=True, slots=True)
class Scale:
    """A currency whose amounts are ``stored`` with other decimals than are ``counted``."""

    currency: str
    stored: int
    counted: int


@dataclass(slots=True)
class Conversion:
    """What a conversion did: how many rows of each table hold amounts in the currency, and which changesets they are
    of."""

    scale: Scale
    rows: dict[str, int] = field(default_factory=dict)
    changesets: set[int] = field(default_factory=set)


# -- where amounts are ------------------------------------------------------------------------------------------


def amounts() -> Mapping[Table, Sequence[Column[Any]]]:
    """Return each table that holds amounts of money, with the columns that do."""
    found = ((t, [c for c in t.columns if isinstance(c.type, Minor)]) for t in metadata.sorted_tables)
    return {table: columns for table, columns in found if columns}


def in_currency(table: Table, currency: str) -> ColumnElement[bool]:
    """Return the clause for the rows of a table whose amounts are in a currency: by their own column, or their owner's.

    :raises LookupError: the table says in no way which currency its amounts are in.
    """
    if "currency" in table.c:
        return table.c.currency == currency
    key, owner = _owner(table)
    return key.in_(select(owner.c.id).where(owner.c.currency == currency))


def _owner(table: Table) -> tuple[Column[Any], Table]:
    """Return what names the row whose currency the amounts of a table are in, and the table of that row."""
    known = {t for t in amounts() if "currency" in t.c}
    ways = [(k.parent, k.column.table) for k in table.foreign_keys if k.column.table in known]
    if len(ways) != 1:
        raise LookupError(f"which currency the amounts of {table.name} are in cannot be told")
    return ways[0]


# -- whether they agree -----------------------------------------------------------------------------------------


def settle(engine: Engine) -> None:
    """Write down the scale of currencies that nothing was stored in so far. Every ``flask up`` does it.

    :raises ScaleError: amounts are stored with another scale than this version counts with.
    """
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        advisory_lock(connection, "scales")
        known = recorded(connection)
        missing = sorted(currencies.KNOWN - known.keys())
        if missing:
            rows = [{"currency": code, "places": currencies.places(code)} for code in missing]
            connection.execute(insert(SCALE), rows)
        for scale in differences(connection):
            if not _is_used(connection, scale.currency):
                mine = update(SCALE).where(SCALE.c.currency == scale.currency)
                connection.execute(mine.values(places=scale.counted))
    refuse_differences(engine)


def refuse_differences(engine: Engine) -> None:
    """Go on where stored amounts have the scale that this version counts with. :raises ScaleError: they have not."""
    with engine.connect() as connection:
        for sentence in said(connection):
            raise ScaleError(sentence)


def said(connection: Connection) -> list[str]:
    """Return a sentence where stored amounts have another scale than is counted with, and what would do; else none."""
    found = differences(connection)
    if not found:
        return []
    each = "; ".join(f"{s.currency} with {s.stored} decimals instead of {s.counted}" for s in found)
    return [
        f"Stored amounts have another scale than this version counts with: {each}. Stop everything else that "
        f"uses this database, make a backup, look at `flask --app app rescale {found[0].currency} --preview` "
        "and run it without --preview."
    ]


def differences(connection: Connection) -> list[Scale]:
    """Return the currencies whose stored scale is not the one that is counted with."""
    return [
        Scale(code, stored, currencies.places(code))
        for code, stored in sorted(recorded(connection).items())
        if stored != currencies.places(code)
    ]


def recorded(connection: Connection) -> dict[str, int]:
    """Return currency -> the decimals that its stored amounts have."""
    return {row[0]: row[1] for row in connection.execute(select(SCALE.c.currency, SCALE.c.places))}


def _is_used(connection: Connection, currency: str) -> bool:
    asked = (select(1).where(in_currency(table, currency)).limit(1) for table in amounts())
    return any(connection.scalar(wanted) for wanted in asked)


# -- converting -------------------------------------------------------------------------------------------------


def convert(connection: Connection, currency: str) -> Conversion:
    """Bring every stored amount of a currency to the scale that this version counts with; all of it or nothing.

    :raises ScaleError: there is nothing to convert, some amount cannot be said with fewer decimals, or runs wait that
        hold amounts.
    """
    keep_others_out(connection, [*(table.name for table in amounts()), CHANGE.name, Run.__tablename__])
    scale = _to_convert(connection, currency)
    _refuse_open_runs(connection)
    multiply = 10 ** max(0, scale.counted - scale.stored)
    divide = 10 ** max(0, scale.stored - scale.counted)
    mine = update(SCALE).where(SCALE.c.currency == currency)
    connection.execute(mine.values(multiply=multiply, divide=divide))
    done = Conversion(scale)
    for table, columns in amounts().items():
        _refuse_fractions(connection, table, columns, currency, divide)
        values = {c.name: c * multiply // divide for c in columns}
        found = connection.execute(update(table).where(in_currency(table, currency)).values(values))
        done.rows[table.name] = found.rowcount
        if "changeset_id" in table.c:
            theirs = select(table.c.changeset_id).where(in_currency(table, currency)).distinct()
            done.changesets.update(connection.scalars(theirs))
        history = _History(connection, table, columns, currency, multiply, divide)
        converted = history.convert()
        done.rows[CHANGE.name] = done.rows.get(CHANGE.name, 0) + len(converted)
        done.changesets.update(converted)
    _forget_tried_imports(connection)
    connection.execute(mine.values(places=scale.counted, multiply=None, divide=None))
    return done


def _to_convert(connection: Connection, currency: str) -> Scale:
    found = {scale.currency: scale for scale in differences(connection)}
    if currency not in found:
        raise ScaleError(f"Amounts in {currency} have the scale that this version counts with.")
    return found[currency]


def _refuse_open_runs(connection: Connection) -> None:
    """A run that waits holds amounts as it was given them."""
    waiting = select(func.count()).where(Run.state.in_((RunState.QUEUED, RunState.RUNNING)))
    if count := connection.scalar(waiting):
        raise ScaleError(f"{count} runs are not finished: let a worker finish them, or cancel them, first.")


def _refuse_fractions(
    connection: Connection, table: Table, columns: Sequence[Column[Any]], currency: str, divide: int
) -> None:
    if divide == 1:
        return
    broken = or_(*(c % divide != 0 for c in columns))
    wanted = select(table.c.id).where(in_currency(table, currency), broken).order_by(table.c.id).limit(1)
    if (row_id := connection.scalar(wanted)) is not None:
        raise ScaleError(_FRACTION.format(name=table.name, id=row_id, currency=currency))


_FRACTION = "{name} #{id} has an amount that {currency} has no decimals for any more; nothing was converted."


def _forget_tried_imports(connection: Connection) -> None:
    """Have files that were tried, and not applied, tried again: what was read of their cells is in the old scale."""
    files = select(ImportFile.id).where(ImportFile.state.in_((ImportState.TRYING, ImportState.TRIED)))
    blank = {"given": None, "verdict": None, "before": None, "after": None, "errors": None, "row_id": None}
    connection.execute(update(ImportRow).where(ImportRow.file_id.in_(files)).values(blank))
    again = {"state": ImportState.UPLOADED, "trial_id": None}
    connection.execute(update(ImportFile).where(ImportFile.id.in_(files)).values(again))


@dataclass(frozen=True, slots=True)
class _History:
    """The journal of a table: its before and after are converted along, or an undo would bring the old scale back."""

    connection: Connection
    table: Table
    columns: Sequence[Column[Any]]
    currency: str
    multiply: int
    divide: int

    def convert(self) -> list[int]:
        """Convert the amounts of every change, and return the changeset of each that had some."""
        names = frozenset(c.name for c in self.columns if policy(c).journalled)
        mine, last, found = CHANGE.c.table_name == self.table.name, 0, list[int]()
        wanted = select(CHANGE.c.row_id).where(mine).distinct().order_by(CHANGE.c.row_id).limit(CHUNK)
        while names and (ids := self.connection.scalars(wanted.where(CHANGE.c.row_id > last)).all()):
            last = ids[-1]
            found += self._convert_rows(ids, names)
        return found

    def _convert_rows(self, ids: Sequence[int], names: frozenset[str]) -> list[int]:
        present = self._currencies(ids)
        wanted = select(CHANGE.c.id, CHANGE.c.changeset_id, CHANGE.c.row_id, CHANGE.c.before, CHANGE.c.after)
        wanted = wanted.where(CHANGE.c.table_name == self.table.name, CHANGE.c.row_id.in_(ids))
        found = self.connection.execute(wanted.order_by(CHANGE.c.row_id, CHANGE.c.id.desc())).all()
        touched = []
        for row_id, changes in groupby(found, key=lambda change: change.row_id):
            for change, values in self._of_row(present.get(row_id), changes, names):
                self.connection.execute(update(CHANGE).where(CHANGE.c.id == change.id).values(values))
                touched.append(change.changeset_id)
        return touched

    def _of_row(
        self, currency: str | None, changes: Iterable[Any], names: frozenset[str]
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield the changes of one row that hold amounts, converted. They come newest first, as only the newest
        currency of a row is known for sure, and a change says which it was before."""
        for change in changes:
            after_in = self._said(change.after) or currency
            before_in = self._said(change.before) or after_in
            before = self._converted(change.before, before_in, names)
            after = self._converted(change.after, after_in, names)
            if (before, after) != (change.before, change.after):
                yield change, {"before": before, "after": after}
            currency = before_in

    def _said(self, values: Mapping[str, Any] | None) -> str | None:
        """Return the currency that a change names, itself or by the row it belongs to."""
        if not values or "currency" in self.table.c:
            return (values or {}).get("currency")
        key, owner = _owner(self.table)
        named = values.get(key.name)
        wanted = select(owner.c.currency).where(owner.c.id == named)
        return self.connection.scalar(wanted) if named is not None else None

    def _currencies(self, ids: Sequence[int]) -> dict[int, str]:
        """Return row id -> the currency its amounts are in now."""
        if "currency" in self.table.c:
            wanted = select(self.table.c.id, self.table.c.currency)
        else:
            key, owner = _owner(self.table)
            wanted = select(self.table.c.id, owner.c.currency).join(owner, key == owner.c.id)
        return {row[0]: row[1] for row in self.connection.execute(wanted.where(self.table.c.id.in_(ids)))}

    def _converted(
        self, values: dict[str, Any] | None, currency: str | None, names: frozenset[str]
    ) -> dict[str, Any] | None:
        if not values or currency != self.currency:
            return values
        return {n: self._one(v) if n in names and v is not None else v for n, v in values.items()}

    def _one(self, minor: int) -> int:
        found, rest = divmod(minor * self.multiply, self.divide)
        if rest:
            raise ScaleError(
                f"The journal of {self.table.name} has an amount that {self.currency} has no decimals for any more; "
                "nothing was converted."
            )
        return found
