"""The generated actions behind every form: ``<resource>.create``, ``.edit`` and ``.delete``.

A noun with rules of its own adds them with :func:`before_save` and :func:`before_delete`; they run inside
the same transaction, so the rule holds at every channel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    and_,
    inspect,
    select,
)
from sqlalchemy.orm import Mapper, object_session
from sqlalchemy.orm.attributes import set_committed_value

from actions.core.base import ACTIONS, Action, Conflict, Context, Outcome
from actions.core.customer_guard import not_live
from actions.core.eligibility import of_saves
from actions.core.journal import plain
from actions.core.outcome_groups import OutcomeGroup
from actions.execution import portal_rows
from actions.execution.constraints import REQUIRED
from actions.execution.references import refuse_if_referred_to
from actions.execution.scope_guard import hidden_references
from models import validate
from models.base import N_, Base, Invalid
from models.journal import Change, Changeset
from models.personal import policy

MEANWHILE = N_("Someone has changed or removed this line. Open the form again to see the latest version.")
SaveHook = Callable[[Context, Any, set[str], bool], None]
DeleteHook = Callable[[Context, Any], None]
SaveCounts = Callable[[Mapping[str, Any]], Sequence[OutcomeGroup]]
_save_hooks: dict[type[Base], list[SaveHook]] = defaultdict(list)
_saved_hooks: dict[type[Base], list[SaveHook]] = defaultdict(list)
_delete_hooks: dict[type[Base], list[DeleteHook]] = defaultdict(list)
_one_by_one: set[type[Base]] = set()
_save_counts: dict[type[Base], list[SaveCounts]] = defaultdict(list)


def before_save(model: type[Base], *, row_only: bool = False) -> Callable[[SaveHook], SaveHook]:
    """Register ``hook(ctx, row, changed, created)`` to run before every save of ``model``.

    :param row_only: the hook neither reads nor writes other rows of ``model``, so that many may be saved in one flush.
    """

    def register(hook: SaveHook) -> SaveHook:
        _save_hooks[model].append(hook)
        if not row_only:
            _one_by_one.add(model)
        return hook

    return register


def after_save(model: type[Base]) -> Callable[[SaveHook], SaveHook]:
    """Register ``hook(ctx, row, changed, created)`` to run once a row of ``model`` is saved by itself.

    It only looks: rows of an import, which are saved together, do without it.
    """

    def register(hook: SaveHook) -> SaveHook:
        _saved_hooks[model].append(hook)
        return hook

    return register


def save_hooks(model: type[Base]) -> Sequence[SaveHook]:
    """Return what runs before every save of a model, in its order."""
    return tuple(_save_hooks.get(model, ()))


def delete_hooks(model: type[Base]) -> Sequence[DeleteHook]:
    """Return what runs before a row of a model is deleted, in its order."""
    return tuple(_delete_hooks.get(model, ()))


def counts_of_saves(model: type[Base]) -> Sequence[SaveCounts]:
    """Return what counts beforehand the rows that the rules of a save would refuse."""
    return tuple(_save_counts.get(model, ()))


def saved_together(model: type[Base]) -> bool:
    """Whether many rows of ``model`` may be saved in one flush: what its rules say of one depends on no other."""
    return model not in _one_by_one


def save_counts(model: type[Base]) -> Callable[[SaveCounts], SaveCounts]:
    """Register ``bulk counts(values)``: the rows for which a hook, or ``problems()``, refuses to be given some values.

    A person who adds such a rule about a field of ``column_bulk_list`` says it here too; the contract test compares
    them.
    """

    def register(bulk_counts: SaveCounts) -> SaveCounts:
        _save_counts[model].append(bulk_counts)
        return bulk_counts

    return register


def saved(model: type[Base], values: Mapping[str, Any]) -> list[OutcomeGroup]:
    """Return the buckets of an action that sets columns of a row by the rules its form keeps, and nothing else.

    :raises Invalid: a column takes its value for no row.
    """
    taken = _as_stored(model, values)
    rules = [group for bulk_counts in _save_counts[model] for group in bulk_counts(taken)]
    same = (getattr(model, name).is_not_distinct_from(value) for name, value in taken.items())
    return [*not_live(model), *rules, OutcomeGroup(and_(*same))]


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
        _save(ctx, row, portal_rows.written(ctx, model, values, created=True), created=True)
        return Outcome(N_("%(record)s was created."), row, {"record": str(row)})

    def edit(ctx: Context, row: Base, *, values: dict[str, Any], version: int | None) -> Outcome:
        refuse_stale(ctx, row, values, version)
        _save(ctx, row, portal_rows.written(ctx, model, values, created=False), created=False)
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
            declared = ACTIONS[code] = Action(
                code, model, function, label, targeted, final=function is delete and _holds_secret(model),
                customers=of_saves(model), portal=portal_rows.who_may(model, function.__name__),
            )  # fmt: skip
        made.append(declared)
    return made[0], made[1], made[2]


def _holds_secret(model: type[Base]) -> bool:
    """Return whether rows hold what the journal never has, so that none can be brought back once it is deleted."""
    columns = (prop.columns[0] for prop in inspect(model).column_attrs)
    return any(isinstance(c, Column) and policy(c).secret and not c.nullable for c in columns)


def fields_action(model: type[Base]) -> Action:
    """Return the action that sets some fields of any number of rows, declaring it on first use."""

    def edit_fields(ctx: Context, row: Base, *, values: dict[str, Any]) -> Outcome:
        save_values(ctx, row, values)
        return Outcome(N_("%(record)s was saved."), row, {"record": str(row)})

    code = f"{model.resource_name()}.edit_fields"
    declared = ACTIONS.get(code)
    if declared is None or declared.model is not model:
        declared = ACTIONS[code] = Action(
            code, model, edit_fields, N_("Edit fields"), targeted=True,
            bulk_counts=lambda given: saved(model, given["values"]), customers=of_saves(model),
        )  # fmt: skip
    return declared


def _save(ctx: Context, row: Base, values: dict[str, Any], *, created: bool) -> None:
    changed = fill_in(ctx, row, values, created=created)
    ctx.session.flush()
    for hook in _saved_hooks[type(row)]:
        hook(ctx, row, changed, created)


def fill_in(ctx: Context, row: Base, values: dict[str, Any], *, created: bool) -> set[str]:
    """Set ``values`` on a row by every rule that a save keeps, and return what changed; the next flush stores it.

    :raises Invalid: by field.
    """
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
    return changed


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
    look_up(ctx, row, changed)
    return {**row.problems(changed), **found}


def look_up(ctx: Context, row: Base, changed: set[str]) -> None:
    """Let a relation that the model's rules ask name the row it leads to by its changed key.

    They would otherwise see nobody there on a new row, and on an old one the person who was there before.
    """
    for name in type(row).__asked__:
        relation = inspect(type(row)).relationships[name]
        (local,) = relation.local_columns
        key = inspect(type(row)).get_property_by_column(local).key
        if key in changed and name not in changed:
            value = getattr(row, key)
            found = None if value is None else ctx.session.get(relation.mapper.class_, value)
            set_committed_value(row, name, found)


def save_new(ctx: Context, row: Base, values: dict[str, Any]) -> None:
    """Save a new row by the rules its form keeps, as a part of another action. :raises Invalid: by field."""
    _save(ctx, row, values, created=True)


def save_values(ctx: Context, row: Base, values: dict[str, Any]) -> None:
    """Set columns of a locked row by the rules its form keeps, within another action. :raises Invalid: by field."""
    _save(ctx, row, values, created=False)


class Rows(list[dict[str, Any] | Base]):
    """Related rows as a form has them, or new ones that were made and checked already. Only a row that the form had
    ``shown`` is deleted when it is left out: one that somebody added in the meantime stays."""

    def __init__(self, rows: Iterable[dict[str, Any] | Base], shown: Iterable[int]) -> None:
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


def _assign_children(row: Base, name: str, items: list[Any]) -> bool:
    mapper: Mapper[Any] = inspect(type(row)).relationships[name].mapper
    there = {child.id: child for child in getattr(row, name)}
    kept: list[Base] = []
    touched, errors = False, dict[str, str]()
    for position, item in enumerate(items):
        if isinstance(item, Base):
            kept.append(item)
            touched = True
            continue
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


def refuse_stale(ctx: Context, row: Any, values: dict[str, Any], version: int | None) -> None:
    """Refuse to save over what somebody saved since a form was opened; without a version, over anything.

    :raises Conflict: with what it was, is, and would be (rule 9.4).
    """
    if version is not None and row.version != version:
        raise _conflict(ctx, row, values, version)


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
