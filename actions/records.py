"""The generated actions behind every form: ``<resource>.create``, ``.edit`` and ``.delete``.

A noun with rules of its own adds them with :func:`before_save` and :func:`before_delete`; they run inside
the same transaction, so the rule holds at every door.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import ForeignKeyConstraint, func, inspect, select
from sqlalchemy.orm import Mapper, object_session

from actions.base import ACTIONS, Action, Conflict, Context, Outcome, Refused
from actions.journal import plain
from models.base import N_, Base, Invalid, metadata
from models.journal import Change, Changeset

SaveHook = Callable[[Context, Any, set[str], bool], None]
DeleteHook = Callable[[Context, Any], None]
_save_hooks: dict[type[Base], list[SaveHook]] = defaultdict(list)
_delete_hooks: dict[type[Base], list[DeleteHook]] = defaultdict(list)


def before_save(model: type[Base]) -> Callable[[SaveHook], SaveHook]:
    """Register ``hook(ctx, row, changed, created)`` to run before every save of ``model``."""

    def register(hook: SaveHook) -> SaveHook:
        _save_hooks[model].append(hook)
        return hook

    return register


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
        code = f"{model.__tablename__}.{function.__name__}"
        declared = ACTIONS.get(code)
        if declared is None or declared.model is not model:
            declared = ACTIONS[code] = Action(code, model, function, label, function is delete, targeted)
        made.append(declared)
    return made[0], made[1], made[2]


def _save(ctx: Context, row: Base, values: dict[str, Any], *, created: bool) -> None:
    changed, errors = assign(row, values)
    try:
        for hook in _save_hooks[type(row)]:
            hook(ctx, row, changed, created)
    except Invalid as invalid:
        errors |= invalid.errors
    errors = {**row.problems(changed), **errors}
    if errors:
        raise Invalid(errors)
    if created:
        ctx.session.add(row)
    elif changed & set(inspect(type(row)).relationships.keys()) and not ctx.journal.touched(row):
        row.version += 1  # type: ignore[attr-defined]
        row.updated_at = ctx.now  # type: ignore[attr-defined]
    ctx.session.flush()


def assign(row: Base, values: dict[str, Any]) -> tuple[set[str], dict[str, str]]:
    """Set what differs on a row; return the names that changed and field -> sentence for values it would not
    take.

    Only changed fields are validated, so an old bad value never blocks a save. A list of dicts under a
    relationship's name replaces the related rows: matched by ``id``, added without one, deleted when left
    out.
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
        fields = {k: v for k, v in item.items() if k != "id"}
        child = there.pop(item.get("id"), None)
        if child is None:
            child, touched = mapper.class_(), True
        changed, wrong = assign(child, fields)
        wrong |= child.problems(changed)
        touched |= bool(changed)
        errors |= {f"{name}-{position}-{field}": text for field, text in wrong.items()}
        kept.append(child)
    if errors:
        raise Invalid(errors)
    if touched or there:
        setattr(row, name, kept)
        _delete_all(there.values())
    return touched or bool(there)


def _delete_all(rows: Iterable[Base]) -> None:
    """Delete rows by name: one that the unit of work deletes as an orphan never reaches the journal."""
    for row in rows:
        if (session := object_session(row)) is not None:
            session.delete(row)


def _conflict(ctx: Context, row: Base, values: dict[str, Any], version: int) -> Conflict:
    """Work out what the row looked like at ``version`` by reading the journal backwards (rule 9.4)."""
    columns = {name for name in values if name in inspect(type(row)).column_attrs}
    theirs = {name: getattr(row, name) for name in columns}
    base = {name: plain(value) for name, value in theirs.items()}
    history = ctx.session.execute(
        select(Change.before, Change.after, Changeset.actor_name)
        .join(Changeset)
        .where(Change.table_name == row.__tablename__, Change.row_id == row.id)  # type: ignore[attr-defined]
        .order_by(Change.id.desc())
        .limit(max(0, row.version - version))  # type: ignore[attr-defined]
    )
    by = ""
    for before, after, actor_name in history:
        if before is None or (after or {}).get("version", 0) <= version:
            break
        by = by or actor_name
        base |= {name: value for name, value in before.items() if name in columns}
    mine = {name: value for name, value in values.items() if name in columns}
    return Conflict(base, theirs, mine, row.version, by)  # type: ignore[attr-defined]


def refuse_if_referred_to(ctx: Context, row: Base) -> None:
    """Refuse to delete a row that others refer to, saying how many of which.

    Rows that are deleted with it do not count.

    :raises Refused: ``in_use``.
    """
    for table, constraint in _references(row.__tablename__):
        column = next(iter(constraint.elements)).parent
        referring = select(func.count()).select_from(table).where(column == row.id)  # type: ignore[attr-defined]
        count = ctx.session.scalar(referring) or 0
        if count:
            noun = _noun(table.name, count)
            raise Refused(
                "in_use",
                N_("%(record)s cannot be deleted: %(count)s %(noun)s refer to it."),
                record=str(row),
                count=count,
                noun=noun,
            )


def _references(target: str) -> list[tuple[Any, ForeignKeyConstraint]]:
    return [
        (table, constraint)
        for table in metadata.sorted_tables
        for constraint in sorted(table.foreign_key_constraints, key=lambda c: str(c.name))
        if constraint.referred_table.name == target and constraint.ondelete != "CASCADE"
    ]


def _noun(table_name: str, count: int) -> str:
    for mapper in Base.registry.mappers:
        if mapper.local_table.name == table_name:  # type: ignore[attr-defined]
            return (mapper.class_.__label__ if count == 1 else mapper.class_.__plural__).lower() or table_name
    return table_name
