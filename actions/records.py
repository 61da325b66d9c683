"""The generated actions behind every form: ``<resource>.create``, ``.edit`` and ``.delete``.

A noun with rules of its own adds them with :func:`before_save` and :func:`before_delete`; they run inside
the same transaction, so the rule holds at every door.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    ForeignKeyConstraint,
    and_,
    bindparam,
    func,
    inspect,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Mapper, object_session

from actions.base import ACTIONS, Action, Conflict, Context, Outcome, Refused
from actions.bounds import hidden_references
from actions.census import Bucket
from actions.constraints import REQUIRED
from actions.journal import plain
from actions.ledger import not_live
from models import validate
from models.base import N_, Base, Invalid, metadata
from models.journal import Change, Changeset

MEANWHILE = N_(
    "Somebody changed or removed this line meanwhile. Open the form again to see what it says now."
)
IN_USE = N_("%(record)s cannot be deleted: %(count)s %(noun)s refer to it.")
SaveHook = Callable[[Context, Any, set[str], bool], None]
DeleteHook = Callable[[Context, Any], None]
SaveCensus = Callable[[Mapping[str, Any]], Sequence[Bucket]]
_save_hooks: dict[type[Base], list[SaveHook]] = defaultdict(list)
_delete_hooks: dict[type[Base], list[DeleteHook]] = defaultdict(list)
_one_by_one: set[type[Base]] = set()
_save_censuses: dict[type[Base], list[SaveCensus]] = defaultdict(list)


def before_save(model: type[Base], *, alone: bool = False) -> Callable[[SaveHook], SaveHook]:
    """Register ``hook(ctx, row, changed, created)`` to run before every save of ``model``.

    :param alone: the hook neither reads nor writes other rows of ``model``, so that many may be saved in one flush.
    """

    def register(hook: SaveHook) -> SaveHook:
        _save_hooks[model].append(hook)
        if not alone:
            _one_by_one.add(model)
        return hook

    return register


def saved_together(model: type[Base]) -> bool:
    """Whether many rows of ``model`` may be saved in one flush: what its rules say of one depends on no other."""
    return model not in _one_by_one


def save_census(model: type[Base]) -> Callable[[SaveCensus], SaveCensus]:
    """Register ``census(values)``: the rows for which a hook, or ``problems()``, refuses to be given some values.

    Whoever adds such a rule about a field of ``column_bulk_list`` says it here too; the contract test compares them.
    """

    def register(census: SaveCensus) -> SaveCensus:
        _save_censuses[model].append(census)
        return census

    return register


def saved(model: type[Base], values: Mapping[str, Any]) -> list[Bucket]:
    """Return the buckets of an action that sets columns of a row by the rules its form keeps, and nothing else.

    :raises Invalid: a column takes its value for no row.
    """
    taken = _as_stored(model, values)
    rules = [bucket for census in _save_censuses[model] for bucket in census(taken)]
    same = (getattr(model, name).is_not_distinct_from(value) for name, value in taken.items())
    return [*not_live(model), *rules, Bucket(and_(*same))]


def _as_stored(model: type[Base], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the columns' own checks leave them, tried on a row that nobody keeps."""
    row, columns = model(), inspect(model).columns
    validate.assign(row, dict(values))
    empty = [name for name in values if getattr(row, name) is None and not columns[name].nullable]
    if empty:
        raise Invalid({name.removesuffix("_id"): REQUIRED for name in empty})
    return {name: getattr(row, name) for name in values}


def before_delete(model: type[Base]) -> Callable[[DeleteHook], DeleteHook]:
    """Register ``hook(ctx, row)`` to run before a row of ``model`` is deleted."""

    def register(hook: DeleteHook) -> DeleteHook:
        _delete_hooks[model].append(hook)
        return hook

    return register


def record_actions(model: type[Base]) -> tuple[Action, Action, Action]:
    """Return the create, edit and delete actions of a model, declaring them on first use."""

    def create(ctx: Context, *, values: dict[str, Any]) -> Outcome:
        row = model()
        _save(ctx, row, values, created=True)
        return Outcome(N_("%(record)s was created."), row, {"record": str(row)})

    def edit(ctx: Context, row: Base, *, values: dict[str, Any], version: int | None) -> Outcome:
        if version is not None and row.version != version:  # type: ignore[attr-defined]
            raise _conflict(ctx, row, values, version)
        _save(ctx, row, values, created=False)
        return Outcome(N_("%(record)s was saved."), row, {"record": str(row)})

    def delete(ctx: Context, row: Base) -> Outcome:
        name = str(row)
        for hook in _delete_hooks[model]:
            hook(ctx, row)
        refuse_if_referred_to(ctx, row)
        ctx.session.delete(row)
        return Outcome(N_("%(record)s was deleted."), None, {"record": name})

    made = []
    for function, label, targeted in (
        (create, N_("Create"), False),
        (edit, N_("Edit"), True),
        (delete, N_("Delete"), True),
    ):
        code = f"{model.resource_name()}.{function.__name__}"
        declared = ACTIONS.get(code)
        if declared is None or declared.model is not model:
            declared = ACTIONS[code] = Action(code, model, function, label, False, targeted)
        made.append(declared)
    return made[0], made[1], made[2]


def fields_action(model: type[Base]) -> Action:
    """Return the action that sets some fields of any number of rows, declaring it on first use."""

    def edit_fields(ctx: Context, row: Base, *, values: dict[str, Any]) -> Outcome:
        save_values(ctx, row, values)
        return Outcome(N_("%(record)s was saved."), row, {"record": str(row)})

    code = f"{model.resource_name()}.edit_fields"
    declared = ACTIONS.get(code)
    if declared is None or declared.model is not model:
        declared = ACTIONS[code] = Action(
            code, model, edit_fields, N_("Edit fields"), False, True,
            census=lambda given, shop: saved(model, given["values"]),
        )  # fmt: skip
    return declared


def _save(ctx: Context, row: Base, values: dict[str, Any], *, created: bool) -> None:
    fill_in(ctx, row, values, created=created)
    ctx.session.flush()


def fill_in(ctx: Context, row: Base, values: dict[str, Any], *, created: bool) -> None:
    """Set ``values`` on a row by every rule that a save keeps; the next flush stores it. :raises Invalid: by field."""
    changed, errors = assign(row, values)
    hidden = hidden_references(ctx.session, row, changed, created=created)
    errors = {**faults(ctx, row, changed, created=created), **errors, **hidden}
    if errors:
        raise Invalid(errors)
    if created:
        ctx.session.add(row)
    elif changed & set(inspect(type(row)).relationships.keys()) and not ctx.journal.touched(row):
        row.version += 1  # type: ignore[attr-defined]
        row.updated_at = ctx.now  # type: ignore[attr-defined]


def faults(ctx: Context, row: Base, changed: set[str], *, created: bool) -> dict[str, str]:
    """Return field -> sentence for what the rules have against a row of which these fields changed.

    :raises Refused: a rule is against the row as a whole.
    """
    found: dict[str, str] = {}
    try:
        for hook in _save_hooks[type(row)]:
            hook(ctx, row, changed, created)
    except Invalid as invalid:
        found = invalid.errors
    return {**row.problems(changed), **found}


def save_new(ctx: Context, row: Base, values: dict[str, Any]) -> None:
    """Save a new row by the rules its form keeps, as a part of another action. :raises Invalid: by field."""
    _save(ctx, row, values, created=True)


def save_values(ctx: Context, row: Base, values: dict[str, Any]) -> None:
    """Set columns of a locked row by the rules its form keeps, within another action. :raises Invalid: by field."""
    _save(ctx, row, values, created=False)


class Rows(list[dict[str, Any]]):
    """Related rows as a form has them. Only a row that the form had ``shown`` is deleted when it is left out:
    one that somebody added meanwhile stays."""

    def __init__(self, rows: Iterable[dict[str, Any]], shown: Iterable[int]) -> None:
        super().__init__(rows)
        self.shown = frozenset(shown)


def assign(row: Base, values: dict[str, Any]) -> tuple[set[str], dict[str, str]]:
    """Set what differs on a row; return the names that changed and field -> sentence for values it would not
    take.

    Only changed fields are validated, so an old bad value never blocks a save. A list of dicts under a
    relationship's name replaces the related rows: matched by ``id``, added without one, deleted when left
    out (of :class:`Rows` only where they were shown). A dict with a ``version`` that is no longer the row's
    changes nothing where it holds what stood there then, and is refused where it does not.
    """
    changed: set[str] = set()
    errors: dict[str, str] = {}
    relations = inspect(type(row)).relationships
    for name, value in values.items():
        try:
            if name in relations:
                if _assign_children(row, name, value):
                    changed.add(name)
            elif getattr(row, name) != value:
                setattr(row, name, value)
                changed.add(name)
        except Invalid as invalid:
            errors.update({name if field == name else field: text for field, text in invalid.errors.items()})
    return changed, errors


def _assign_children(row: Base, name: str, items: list[dict[str, Any]]) -> bool:
    mapper: Mapper[Any] = inspect(type(row)).relationships[name].mapper
    there = {child.id: child for child in getattr(row, name)}
    kept: list[Base] = []
    touched, errors = False, dict[str, str]()
    for position, item in enumerate(items):
        fields = {k: v for k, v in item.items() if k not in ("id", "version")}
        child = there.pop(item.get("id"), None)
        if child is None:
            child, touched = mapper.class_(), True
        kept.append(child)
        if item.get("version") not in (None, getattr(child, "version", None)):
            opened = as_opened(child, item["version"])
            if any(opened[field] != plain(value) for field, value in fields.items()):
                errors[f"{name}-{position}-{next(iter(fields))}"] = MEANWHILE
            continue
        changed, wrong = assign(child, fields)
        wrong |= child.problems(changed)
        touched |= bool(changed)
        errors |= {f"{name}-{position}-{field}": text for field, text in wrong.items()}
    if errors:
        raise Invalid(errors)
    shown = items.shown if isinstance(items, Rows) else there.keys()
    gone = [child for child_id, child in there.items() if child_id in shown]
    if touched or gone:
        setattr(row, name, kept + [child for child in there.values() if child not in gone])
        _delete_all(gone)
    return touched or bool(gone)


def _delete_all(rows: Iterable[Base]) -> None:
    """Delete rows by name: one that the unit of work deletes as an orphan never reaches the journal."""
    for row in rows:
        if (session := object_session(row)) is not None:
            session.delete(row)


def as_opened(row: Any, version: int) -> dict[str, Any]:
    """Return a row's columns as they were at ``version``, in JSON values, by reading the journal backwards."""
    values = {p.key: plain(getattr(row, p.key)) for p in inspect(type(row)).column_attrs}
    for change, _changeset in _changes_since(row, version):
        values |= change.before or {}
    return values


def _changes_since(row: Any, version: int) -> list[tuple[Change, Changeset]]:
    """Return the changes of a row since ``version``, newest first."""
    session = object_session(row)
    if session is None:
        return []
    history = session.execute(
        select(Change, Changeset)
        .join(Changeset)
        .where(Change.table_name == row.__tablename__, Change.row_id == row.id)
        .order_by(Change.id.desc())
        .limit(max(0, row.version - version))
    )
    found = []
    for change, changeset in history:
        if change.before is None or (change.after or {}).get("version", 0) <= version:
            break
        found.append((change, changeset))
    return found


def _conflict(ctx: Context, row: Any, values: dict[str, Any], version: int) -> Conflict:
    """Work out what the row looked like at ``version``, who changed it since, and which related rows (rule
    9.4)."""
    columns = {name for name in values if name in inspect(type(row)).column_attrs}
    theirs = {name: getattr(row, name) for name in columns}
    before = as_opened(row, version)
    later = _changes_since(row, version)
    touched = set(
        ctx.session.scalars(
            select(Change.table_name).where(Change.changeset_id.in_([c.changeset_id for c, _c in later]))
        )
    )
    relations = inspect(type(row)).relationships
    related = {n for n in values if n in relations and relations[n].mapper.local_table.name in touched}
    return Conflict(
        {name: before[name] for name in columns},
        theirs,
        {name: value for name, value in values.items() if name in columns},
        row.version,
        later[0][1].actor_name if later else "",
        frozenset(related),
    )


def refuse_if_referred_to(ctx: Context, row: Base) -> None:
    """Refuse to delete a row that others refer to, saying how many of which.

    Rows that are deleted with it do not count.

    :raises Refused: ``in_use``.
    """
    if found := in_use(ctx, [row]):
        raise next(iter(found.values()))


def in_use(ctx: Context, rows: Sequence[Any], *, by_parts: bool = False) -> dict[int, Refused]:
    """Return id -> why a row is not to be deleted, of those rows of one model that others refer to.

    :param by_parts: what would be deleted with a row, as a customer's phones, counts too.
    """
    counted = _count_of_references(rows[0].__tablename__, by_parts, tuple(metadata.tables))
    if counted is None:
        return {}
    names, found = {row.id: row for row in rows}, dict[int, Refused]()
    lines = ctx.session.execute(counted, {"row_ids": list(names)})
    for _place, table, row_id, count in sorted(tuple(line) for line in lines):
        said = {"record": str(names[row_id]), "count": count, "noun": _noun(table, count)}
        found.setdefault(row_id, Refused("in_use", IN_USE, **said))
    return found


@cache
def _count_of_references(target: str, by_parts: bool, tables: tuple[str, ...]) -> CompoundSelect[Any] | None:
    """Return one statement for (place, table, row, how many refer to it) of every reference to ``row_ids``.

    :param tables: all there are; a model that is declared later is asked, too.
    """
    parts = []
    for place, (table, constraint) in enumerate(_references(target, by_parts)):
        column = next(iter(constraint.elements)).parent
        mine = select(literal(place), literal(table.name), column, func.count())
        parts.append(mine.where(column.in_(bindparam("row_ids", expanding=True))).group_by(column))
    return union_all(*parts) if parts else None


def _references(target: str, by_parts: bool) -> list[tuple[Any, ForeignKeyConstraint]]:
    """Return what refers to a table; without ``by_parts`` not what goes with its rows, save who has which role."""
    return [
        (table, constraint)
        for table in metadata.sorted_tables
        for constraint in sorted(table.foreign_key_constraints, key=lambda c: str(c.name))
        if constraint.referred_table.name == target
        and (by_parts or constraint.ondelete != "CASCADE" or table.name.startswith("ab_"))
    ]


def _noun(table_name: str, count: int) -> str:
    for mapper in Base.registry.mappers:
        if mapper.local_table.name == table_name:  # type: ignore[attr-defined]
            return (mapper.class_.__label__ if count == 1 else mapper.class_.__plural__).lower() or table_name
    return table_name
