"""All that a save of a model runs, in the order in which it runs, for a person who wants to know before changing it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from actions import ROOT
from actions.core.row_guards import guard_of
from actions.execution.invariants import invariants_on
from actions.execution.records import counts_of_saves, delete_hooks, save_hooks
from actions.execution.references import refuse_if_referred_to
from actions.execution.scope_guard import hidden_references
from models import triggers, validate
from models.base import Base, metadata

COUNTED, GUARDED, TYPED, HOOKS = (
    "counted for many rows",
    "before the action",
    "each changed value",
    "before_save",
)
ROW, SCOPE, FLUSH, STORING = (
    "the row as a whole",
    "what it refers to",
    "before each flush",
    "each row as it is stored",
)
FLUSHED, DONE, DATABASE, DELETED = (
    "after each flush",
    "after the action",
    "in the database",
    "before a delete",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that runs: at what stage, its name, the first line of its docstring, and where it stands."""

    stage: str
    name: str
    says: str
    place: str


def nouns() -> dict[str, type[Base]]:
    """Return noun -> model, by the nouns of addresses and by the names of tables."""
    models = [mapper.class_ for mapper in Base.registry.mappers]
    return {m.__tablename__: m for m in models} | {m.resource_name(): m for m in models}


def rules_of(model: type[Base]) -> list[Rule]:
    """Return all that a save of a model runs, in order; then what a delete runs, and what counts beforehand."""
    guard = guard_of(model)
    session, mapper = Session(), sa.inspect(model)
    stages: list[tuple[str, Iterable[Callable[..., Any]]]] = [
        (GUARDED, [guard] if guard else []),
        (SCOPE, [hidden_references]),
        (HOOKS, save_hooks(model)),
        (ROW, [model.problems]),
        (FLUSH, [*session.dispatch.before_flush, model.derive]),
        (STORING, [*mapper.dispatch.before_insert, *mapper.dispatch.before_update]),
        (FLUSHED, session.dispatch.after_flush),
        (DONE, invariants_on(model.__tablename__)),
        (DELETED, [*delete_hooks(model), refuse_if_referred_to]),
        (COUNTED, counts_of_saves(model)),
    ]
    found = [rule for stage, functions in stages for rule in _rules(stage, functions)]
    before = len([rule for rule in found if rule.stage == GUARDED])
    after = len([rule for rule in found if rule.stage not in (DELETED, COUNTED)])
    return [*found[:before], *_checks(model), *found[before:after], *_triggers(model), *found[after:]]


def _rules(stage: str, functions: Iterable[Callable[..., Any]]) -> Iterator[Rule]:
    """Yield a rule for each function; what a model leaves as its base has it says nothing, and is left out."""
    for function in dict.fromkeys(_unwrapped(function) for function in functions):
        if function not in (Base.problems, Base.derive):
            yield Rule(stage, _name(function), _says(function), _place(function))


def _unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the listener that SQLAlchemy's own function calls, where it has put one around it."""
    inner = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)).get("fn")
    return function if inner is None else inner.cell_contents


def _checks(model: type[Base]) -> Iterator[Rule]:
    """Yield what looks at each value that changes: the check of its type, and the one that its column names."""
    yield from _rules(TYPED, [validate.type_check])
    for attribute in sa.inspect(model).column_attrs:
        check = getattr(attribute.columns[0], "info", {}).get("check")
        if check is not None:
            yield Rule(TYPED, f"{attribute.key}: {_name(check)}", _says(check), _place(check))


def _triggers(model: type[Base]) -> Iterator[Rule]:
    """Yield the triggers on the table, which hold whatever writes to it."""
    known = _statements()
    on_table = re.compile(rf'\bON "?{model.__tablename__}\b')
    for name in sorted(name for name, statement in known.items() if on_table.search(statement)):
        yield Rule(DATABASE, name, "A trigger of the database.", _place(triggers.statements))


@cache
def _statements() -> dict[str, str]:
    return triggers.statements(metadata, triggers.declared(list(Base.registry.mappers)), "sqlite")


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__.split('.<locals>')[0]}"


def _says(function: Callable[..., Any]) -> str:
    """Return the first line of a function's docstring, or of the function that made it."""
    maker = getattr(sys.modules[function.__module__], function.__qualname__.split(".")[0], function)
    return (inspect.getdoc(function) or inspect.getdoc(maker) or "").partition("\n")[0]


def _place(function: Callable[..., Any]) -> str:
    code = inspect.unwrap(function).__code__
    path = code.co_filename.removeprefix(f"{ROOT}/").rpartition("site-packages/")[2]
    return f"{path}:{code.co_firstlineno}"


def lines(model: type[Base]) -> Iterator[str]:
    """Yield what ``flask rules`` prints."""
    stage = ""
    for rule in rules_of(model):
        if rule.stage != stage:
            yield f"{rule.stage}:"
        stage = rule.stage
        yield f"  {rule.place}  {rule.name}"
        if rule.says:
            yield f"      {rule.says}"
