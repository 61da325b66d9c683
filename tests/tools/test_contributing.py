"""CONTRIBUTING is followed word for word in a copy of the tree: it is complete, and what comes of it is green."""

import re
from pathlib import Path

import pytest

from tests.scale import FULL
from tests.tools.tree import ROOT, Tree

SECTIONS = ("A new table", "A new screen", "A new action", "A new mail", "A new job")
TRIED = (
    "tests/models/test_factories.py", "tests/models/test_declarations.py", "tests/actions/core/test_mail_templates.py",
    "tests/admin/screen/test_screens.py", "tests/admin/row_actions/test_acting.py", "tests/admin/site/test_access.py",
)  # fmt: skip
"""Contract tests; a soak runs all there are."""

QUICK = (
    ".venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/python -m tools.check_templates"
    " && .venv/bin/python -m flask --app app up && .venv/bin/python -m flask --app app check-schema"
)
"""What ``make check`` does, but for the types: the other test here runs all of it."""


def blocks(section: str) -> list[tuple[str, str]]:
    """The (language, text) of each block in a section that says where it goes, and of each command."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    part = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    found = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", part)
    return [(kind, text) for kind, text in found if kind == "sh" or text.startswith(("# ", "{# "))]


@pytest.mark.slow
@pytest.mark.soak
def test_what_contributing_says_is_all_there_is_to_do(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for section in SECTIONS:
        for kind, text in blocks(section):
            tree.run(text) if kind == "sh" else tree.place(text)
    ((_kind, _new), (_sh, afterwards)) = blocks("Something new")
    tree.run(afterwards)
    assert "| wish | answer | yes | yes |" in (tree.path / "docs/access.md").read_text()
    if FULL:
        assert tree.tried("(wish or Wish or tried_here) and not postgresql", "tests") > 50
    else:
        assert tree.tried("(wish or Wish or tried_here) and not postgresql", *TRIED) > 10


@pytest.mark.slow
@pytest.mark.soak
def test_the_command_writes_what_is_green_at_once(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    ((_kind, command), (_sh, afterwards)) = blocks("Something new")
    tree.run(f"git init -q && {command}")
    tree.run(afterwards if FULL else QUICK)
    assert "complaint_closed" in tree.run("grep -r complaint_closed actions")
    if FULL:
        assert tree.tried("(complaint or Complaint or tried_here) and not postgresql", "tests") > 50
    else:
        assert (
            tree.tried(
                "complaint and not postgresql", "tests/actions/customers", "tests/jobs/test_complaints.py"
            )
            >= 2
        )
