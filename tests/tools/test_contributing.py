"""CONTRIBUTING is followed word for word in a copy of the tree: it is complete, and what comes of it is green."""

import re
from pathlib import Path

import pytest

from tests.conftest import CI
from tests.scale import FULL
from tests.tools.tree import ROOT, Tree

SECTIONS = ("A new table", "A new screen", "A new action", "A new mail", "A new job")
TRIED = (
    "tests/models/test_factories.py", "tests/models/test_declarations.py", "tests/actions/core/test_mail_templates.py",
    "tests/admin/screen/test_screens.py", "tests/admin/row_actions/test_acting.py", "tests/admin/site/test_access.py",
    "tests/actions/customers", "tests/jobs",
)  # fmt: skip
"""Contract tests; a soak runs all there are."""

BY_HAND, BY_COMMAND = "by hand", "by command"
NEW = {BY_HAND: "wish or Wish", BY_COMMAND: "complaint or Complaint"}
"""How something new is made -> what is called after it."""
WAYS = [(BY_HAND,), (BY_COMMAND,)] if FULL else [(BY_HAND, BY_COMMAND)]
"""What is done in a tree: in a soak either by itself, otherwise one after the other in the same."""


def blocks(section: str) -> list[tuple[str, str]]:
    """The (language, text) of each block in a section that says where it goes, and of each command."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    part = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    found = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", part)
    return [(kind, text) for kind, text in found if kind == "sh" or text.startswith(("# ", "{# "))]


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("ways", WAYS, ids=" and ".join)
def test_what_contributing_says_is_all_there_is_to_do(tmp_path: Path, ways: tuple[str, ...]) -> None:
    tree = Tree(tmp_path)
    ((_kind, command), (_sh, afterwards)) = blocks("Something new")
    for section in SECTIONS if BY_HAND in ways else ():
        for kind, text in blocks(section):
            tree.run(text) if kind == "sh" else tree.place(text)
    if BY_COMMAND in ways:
        tree.run(f"git init -q && {command}")
    if not (FULL or CI or tree.has_types()):
        tree.leave_types_out()  # nobody has run `make check` here yet
    tree.run(afterwards)
    access = (tree.path / "docs/access.md").read_text()
    assert ("| wish | answer | yes | yes |" in access) == (BY_HAND in ways)
    assert ("complaint_closed" in tree.run("grep -r complaint_closed actions || true")) == (
        BY_COMMAND in ways
    )
    chosen = f"({' or '.join(NEW[way] for way in ways)} or tried_here) and not postgresql"
    if FULL:
        assert tree.tried(chosen, "tests") > 50
    else:
        assert tree.tried(chosen, *TRIED) > 20
