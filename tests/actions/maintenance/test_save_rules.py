"""``flask rules``: everything that a save of a model runs is listed, once, where it stands and in the order it runs in."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import actions.registry  # noqa: F401  declares the hooks
from actions import ROOT
from actions.cli import commands
from actions.maintenance import save_rules
from actions.maintenance.save_rules import rules_of
from models.base import Base
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from models.note import Note
from tests import factories
from tests.actions.desk import Desk

MODELS = sorted(set(save_rules.nouns().values()), key=lambda model: model.__name__)
MODELS = [model for model in MODELS if model.__module__.startswith("models.")]
OF_MODEL = {"before_save", "before_delete", "save_counts", "guards"}
"""Decorators that name the models."""


def decorated() -> Iterator[tuple[str, str, set[str], str]]:
    """(decorator, function, names it is given, file) of each hook, guard, invariant and listener in the source."""
    for folder in ("models", "actions"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                for made in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                    if isinstance(made, ast.Call):
                        given = {
                            a.id if isinstance(a, ast.Name) else str(ast.literal_eval(a)) for a in made.args
                        }
                        name = made.func.attr if isinstance(made.func, ast.Attribute) else made.func.id
                        yield name, node.name, given, str(path.relative_to(ROOT))


@cache
def source() -> list[tuple[str, str, set[str], str]]:
    """Those that a save or a delete runs."""
    return [found for found in decorated() if found[0] in OF_MODEL | {"invariant", "listens_for"}]


OF_A_SAVE = {"before_insert", "before_update", "before_flush", "after_flush"}


def listed(model: type[Base]) -> set[tuple[str, str]]:
    """(file, function) of every rule."""
    return {(rule.place.rpartition(":")[0], rule.name.rpartition(".")[2]) for rule in rules_of(model)}


def concerns(model: type[Base], decorator: str, given: set[str]) -> bool:
    """Whether what is decorated so runs at a save, or a delete, of a model."""
    if decorator in OF_MODEL:
        return model.__name__ in given
    if decorator == "invariant":
        return model.__tablename__ in given
    return bool(given & OF_A_SAVE) and bool(given & {"Session", "Base", model.__name__})


def test_the_source_has_all_kinds() -> None:
    assert {decorator for decorator, *_rest in source()} == OF_MODEL | {"invariant", "listens_for"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_everything_registered_for_a_model_is_listed(model: type[Base]) -> None:
    wanted = {(path, name) for decorator, name, given, path in source() if concerns(model, decorator, given)}
    assert wanted - listed(model) == set()
    own = {name for name in ("problems", "derive") if getattr(model, name) is not getattr(Base, name)}
    assert own <= {name for _path, name in listed(model)}
    ours = [rule for rule in rules_of(model) if not rule.place.startswith("sqlalchemy_utils/")]
    assert [rule.name for rule in ours if not rule.says] == [], "its docstring says what it does"
    for rule in ours:
        path, line = rule.place.split(":")
        assert len((ROOT / path).read_text().splitlines()) >= int(line)


def called(during: Any) -> list[tuple[str, int]]:
    """(file, line) of each function of ours in the order of its first call."""
    found: dict[tuple[str, int], None] = {}

    def note(frame: Any, event: str, _argument: Any) -> None:
        if event == "call":
            found.setdefault((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    sys.setprofile(note)
    try:
        during()
    finally:
        sys.setprofile(None)
    return [
        (str(Path(name).relative_to(ROOT)), line) for name, line in found if Path(name).is_relative_to(ROOT)
    ]


@pytest.mark.parametrize("model", [Note, Customer])
def test_they_are_listed_in_the_order_they_run_in(desk: Desk, model: type[Base]) -> None:
    values = {
        Note: {"customer_id": desk.customer(), "body": "Call back"},
        Customer: {"last_name": "Karim", "sales_channel_id": desk.make(factories.make_sales_channel)},
    }[model]
    row = desk.create(model, **values)  # what is made on first use is made
    changed = {Note: {"body": "Call again"}, Customer: {"last_name": "Kareem"}}[model]
    ran = called(lambda: desk.edit(model, row, **changed))
    stages = (
        save_rules.SCOPE,
        save_rules.HOOKS,
        save_rules.ROW,
        save_rules.FLUSH,
        save_rules.STORING,
        save_rules.FLUSHED,
    )
    places = [rule.place.split(":") for rule in rules_of(model) if rule.stage in stages]
    ours = [(path, int(line)) for path, line in places if not path.startswith("sqlalchemy_utils/")]
    assert [place for place in ran if place in ours] == ours


def test_the_command_prints_them_and_helps_with_a_noun() -> None:
    (command,) = [c for c in commands(lambda: None, lambda: None, None) if c.name == "rules"]
    told = CliRunner().invoke(command, ["customer"])
    assert told.exit_code == 0
    assert "before_save:\n" in told.output
    assert "actions.customers.customers.keep_customer_rules" in told.output
    wrong = CliRunner().invoke(command, ["costumer"])
    assert (wrong.exit_code, wrong.output) == (1, "Error: There is no costumer. Is it customer?\n")


def test_the_triggers_of_a_ledger_are_named() -> None:
    told = {rule.name for rule in rules_of(LoyaltyEntry) if rule.stage == save_rules.DATABASE}
    assert told == {"append_only_loyalty_entry_delete", "append_only_loyalty_entry_update"}
