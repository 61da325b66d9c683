"""The shape of the house: rooms of a size that a newcomer can survey, short modules, short functions (CONTRIBUTING)."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = "app.py", "config.py", "models", "actions", "jobs", "web", "admin", "portal", "demo"
ALONE = {"admin": {"__init__"}, "actions": {"__init__", "registry", "cli"}}
"""Modules that belong to no room: they put the rooms together."""
MOST_MODULES, MOST_LINES, LONGEST, MEDIAN = 20, 400, 45, 8
FLAT = {"models", "admin/screens"}
"""Packages of one kind of module each, a class or two in every one."""
MOST_OF_A_DECLARATION = 200
MEDIAN_SCREEN, LONGEST_SCREEN = 25, 130
"""Lines of a screen's class: what the columns of its model say of themselves is not said again."""


def modules() -> Iterator[Path]:
    """Yield every module of the product; migrations are records of what was done and stay as they are."""
    for name in PRODUCT:
        place = ROOT / name
        found = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        yield from (path for path in found if "migrations" not in path.parts)


def functions() -> Iterator[tuple[str, int]]:
    """Yield each function of the product by its place, and how many lines it has without its docstring."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", _lines(node)


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count from the name to the end, without the docstring: that is for readers, and may be as long as they need."""
    docstring = node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) else 0
    return node.end_lineno - node.lineno + 1 - docstring


@pytest.mark.parametrize("package", ["admin", "actions"])
def test_every_module_is_in_a_room(package: str) -> None:
    assert {path.stem for path in (ROOT / package).glob("*.py")} == ALONE[package]


def test_no_package_has_more_modules_than_one_can_survey() -> None:
    packages = {path.parent for path in modules() if path.name == "__init__.py"}
    sizes = {
        str(p.relative_to(ROOT)): len([m for m in p.glob("*.py") if m.stem != "__init__"]) for p in packages
    }
    assert {name: size for name, size in sizes.items() if size > MOST_MODULES and name not in FLAT} == {}


def test_no_module_is_longer_than_it_may_be() -> None:
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    assert {name: size for name, size in sizes.items() if size > MOST_LINES} == {}


def test_functions_are_short() -> None:
    sizes = dict(functions())
    assert {name: size for name, size in sizes.items() if size > LONGEST} == {}
    assert statistics.median(sizes.values()) <= MEDIAN


def test_the_declaring_side_of_a_screen_is_read_in_one_sitting() -> None:
    tree = ast.parse((ROOT / "admin" / "screen_spec" / "declaration.py").read_text())
    (declared,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    assert declared.end_lineno - declared.lineno < MOST_OF_A_DECLARATION


def test_screens_say_little() -> None:
    sizes = {node.name: _lines_of(node) for node in _screens()}
    assert {name: size for name, size in sizes.items() if size > LONGEST_SCREEN} == {}
    assert statistics.median(sizes.values()) <= MEDIAN_SCREEN
    assert sizes["CustomerScreen"] <= 120


def _screens() -> Iterator[ast.ClassDef]:
    for path in (ROOT / "admin" / "screens").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith("Screen"):
                yield node


def _lines_of(node: ast.ClassDef) -> int:
    return (node.end_lineno or 0) - node.lineno + 1
