"""What code, tests and documents cite is there to be looked up: rules in docs/rules.md, features in docs/features.md."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
PLACES = (
    "*.py",
    "models",
    "actions",
    "jobs",
    "web",
    "admin",
    "portal",
    "demo",
    "tests",
    "tools",
    "bench",
    "docs",
    "CONTRIBUTING.md",
)
RULES = re.compile(r"\brules? ((?:\d+(?:\.\d+)?)(?:(?:, | and | to )\d+(?:\.\d+)?)*)")
FEATURES = re.compile(r"\bfeatures? ((?:\d+b?)(?:(?:, | and | to )\d+b?)*)")
OLD_WAYS = re.compile(r"\bRULES \d|\(F\d")


def texts() -> Iterator[tuple[str, str]]:
    """Yield every file that may cite, with its text in one line."""
    for place in PLACES:
        for path in sorted(ROOT.glob(place)):
            found = [path] if path.is_file() else [*path.rglob("*.py"), *path.rglob("*.md")]
            yield from ((str(p.relative_to(ROOT)), " ".join(p.read_text().split())) for p in found)


def cited(pattern: re.Pattern[str]) -> dict[str, str]:
    """Return number -> a file that cites it."""
    return {
        number: name
        for name, text in texts()
        for numbers in pattern.findall(text)
        for number in re.findall(r"\d+(?:\.\d+)?b?", numbers)
    }


def test_every_rule_that_is_cited_is_there() -> None:
    text = (ROOT / "docs" / "rules.md").read_text()
    known = {*re.findall(r"\*\*(\d+\.\d+)\*\*", text), *re.findall(r"(?m)^## (\d+)\.", text)}
    assert len(known) > 100
    assert {number: name for number, name in cited(RULES).items() if number not in known} == {}


def test_every_feature_that_is_cited_is_there() -> None:
    known = set(re.findall(r"(?m)^\| (\d+b?)\*? \|", (ROOT / "docs" / "features.md").read_text()))
    assert {str(number) for number in range(1, 103)} <= known
    assert {number: name for number, name in cited(FEATURES).items() if number not in known} == {}


def test_there_is_one_way_to_cite() -> None:
    this = Path(__file__).name
    assert [name for name, text in texts() if OLD_WAYS.search(text) and not name.endswith(this)] == []


PRODUCT = "models", "actions", "jobs", "web", "admin", "portal", "demo", "tools"
PATH = re.compile(
    r"(?<![\w/.])(?:models|actions|jobs|web|admin|portal|demo|tests|tools|bench|docs|templates)/[\w/]+\.(?:py|md)\b"
)
TO_COME = {"models/wish.py", "actions/customers/wishes.py", "admin/screens/wishes.py", "jobs/wishes.py"}
"""What a newcomer makes on the way through CONTRIBUTING."""


def _documented() -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    """Yield each class and function of the product that has a docstring."""
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node, ast.get_docstring(node) or ""


def _parameters(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return what can be given to a function, or to make an object of a class."""
    if isinstance(node, ast.ClassDef):
        made = (one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
        fields = {
            one.target.id
            for one in node.body
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        }
        return fields.union(*(_parameters(one) for one in made))
    return {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}


def test_a_parameter_that_a_docstring_explains_is_there() -> None:
    told = [
        (place, name, node)
        for place, node, text in _documented()
        for name in re.findall(r":param (\w+):", text)
    ]
    assert len(told) > 100
    assert [f"{place} {name}" for place, name, node in told if name not in _parameters(node)] == []


def test_an_error_that_a_docstring_names_is_there() -> None:
    trees = [ast.parse(path.read_text()) for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    known = {*dir(builtins), *dir(click)} | {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    known |= {one.name for node in nodes if isinstance(node, ast.ImportFrom) for one in node.names}
    told = [
        (place, name) for place, _node, text in _documented() for name in re.findall(r":raises (\w+):", text)
    ]
    assert len(told) > 100
    assert [f"{place} {name}" for place, name in told if name not in known] == []


def test_a_file_that_is_named_is_there() -> None:
    named = {
        (name, found)
        for name, text in texts()
        if not name.startswith("tests/")
        for found in PATH.findall(text)
    }
    assert len(named) > 100
    assert sorted(one for one in named if one[1] not in TO_COME and not (ROOT / one[1]).exists()) == []
