"""Where records that are merged differ, and whose value the survivor has in the end (rule 3.4).

By itself the survivor's stays, or that of the first record that has one. A person may choose another record's; what
gives way is in the changeset, and an undo brings it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from actions.core.base import Context
from actions.core.journal import plain
from actions.core.merge_summary import MergeChoice
from actions.customers.reassignment import key_of
from models.address import Address
from models.attribute import AttributeValue
from models.base import N_, Invalid, metadata
from models.customer import Customer
from models.personal import policy
from models.phone import Phone

PRIMARY: tuple[tuple[str, str, Any], ...] = (
    ("primary_address", N_("Primary address"), Address),
    ("primary_phone", N_("Primary phone"), Phone),
)
ATTRIBUTE = "attribute_"
NO_CHOICE = frozenset({"account_type"})
"""What staff may type, but what the records of others hang on: an agent has sub-customers."""


def chosen(take: Any, group: Sequence[Customer]) -> dict[str, int]:
    """Return field -> id of the record whose value was chosen.

    :raises Invalid: ``take`` is no list of texts such as ``email:12``, each field once, of one of the records.
    """
    ids = {str(row.id): row.id for row in group}
    pairs = [text.rpartition(":") if isinstance(text, str) else ("", "", "") for text in _listed(take)]
    found = {name: ids[record] for name, _colon, record in pairs if name and record in ids}
    if len(found) != len(pairs):
        raise Invalid({"take": N_("Choose each field once, from one of these records, such as email:12.")})
    return found


def _listed(take: Any) -> Sequence[Any]:
    return take if isinstance(take, list | tuple) else [take]


def find(ctx: Context, group: Sequence[Customer], take: Any) -> list[MergeChoice]:
    """Return where the records differ, the survivor the first of them, and whose value will stay.

    :param take: what a person chose, as :func:`chosen` reads it. :raises Invalid: there is nothing to choose.
    """
    taken = chosen(take, group)
    found = [*_fields(group), *_primaries(ctx, group), *_attributes(ctx, group)]
    there = {choice.field: choice.options for choice in found}
    if not all(record in there.get(name, ()) for name, record in taken.items()):
        raise Invalid(
            {"take": N_("The records have changed since you made these choices. Review them again.")}
        )
    return [replace(choice, taken=taken.get(choice.field, choice.taken)) for choice in found]


def _fields(group: Sequence[Customer]) -> Iterator[MergeChoice]:
    for column in metadata.tables[Customer.__tablename__].columns:
        rule = policy(column)
        typed = rule.merge == "survivor" and rule.written_by == "form" and column.name not in NO_CHOICE
        if column.name == "credit_limit" and len({row.currency for row in group}) > 1:
            continue
        if rule.merge == "fill" or typed:
            values = {row.id: plain(getattr(row, column.name)) for row in group}
            there = {i: v for i, v in values.items() if typed or v not in (None, "")}
            yield from _choice(column.name.removesuffix("_id"), Customer, column.name, "", there)


def _primaries(ctx: Context, group: Sequence[Customer]) -> Iterator[MergeChoice]:
    for name, label, model in PRIMARY:
        rows = [row for row in _of(ctx, model, group) if row.is_primary]
        if len({key_of(row) for row in rows}) > 1:  # those that are the same are one in the end
            yield from _choice(
                name, model, "", label, {row.customer_id: str(row) for row in rows}, alike=True
            )


def _attributes(ctx: Context, group: Sequence[Customer]) -> Iterator[MergeChoice]:
    for definition_id, rows in _by_definition(ctx, group).items():
        values = {row.customer_id: row.value for row in rows}
        yield from _choice(
            f"{ATTRIBUTE}{definition_id}", AttributeValue, "value", rows[0].definition.name, values
        )


def _choice(
    name: str, model: Any, column: str, label: str, options: Mapping[int, Any], *, alike: bool = False
) -> Iterator[MergeChoice]:
    """Yield the clash, if these are several; ``alike`` where rows that read the same are two all the same."""
    if len(options) > 1 and (alike or len(set(options.values())) > 1):
        yield MergeChoice(name, model, column, label, options, next(iter(options)))


def _of(ctx: Context, model: Any, group: Sequence[Customer]) -> list[Any]:
    """Return the rows of the records, in the order of these."""
    place = {row.id: number for number, row in enumerate(group)}
    rows = ctx.session.scalars(select(model).where(model.customer_id.in_(place)).order_by(model.id)).unique()
    return sorted(rows, key=lambda row: place[row.customer_id])


def settle(ctx: Context, group: Sequence[Customer], clashes: Sequence[MergeChoice]) -> None:
    """Let the rows that were chosen win, before all are moved: primary ones, and the values of attributes."""
    other = {choice.field: choice.taken for choice in clashes if choice.taken != next(iter(choice.options))}
    for name, _label, model in PRIMARY:
        for row in _of(ctx, model, group) if name in other else ():
            row.is_primary = row.is_primary and row.customer_id == other[name]
    for definition_id, rows in _by_definition(ctx, group).items():
        if (giver := other.get(f"{ATTRIBUTE}{definition_id}")) is not None:
            rows[0].value = next(row.value for row in rows if row.customer_id == giver)
    ctx.session.flush()


def _by_definition(ctx: Context, group: Sequence[Customer]) -> dict[int, list[AttributeValue]]:
    found: dict[int, list[AttributeValue]] = {}
    for row in _of(ctx, AttributeValue, group):
        found.setdefault(row.definition_id, []).append(row)
    return found
