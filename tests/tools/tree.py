"""A copy of the tree with the same environment, in which something is added and tried."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git",
    ".venv",
    "*.pyc.*",
    "instance",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    "findings",
)
"""What others have compiled comes along, but for what they are about to write: it is as old as its source, and so as good."""


MYPY = "\t$(VENV)/bin/mypy\n"
"""Its line in the Makefile. What it knows of the checkout it has beside it, and CI and the soak give it time to find out;
the whole tree from the beginning takes it half a minute, most of what is tried here."""


class Tree:
    """The copy."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tree"
        shutil.copytree(ROOT, self.path, ignore=LEFT_OUT)
        (self.path / ".venv").symlink_to((ROOT / ".venv").resolve())

    def leave_types_out(self) -> None:
        """Have ``make check`` do without mypy."""
        makefile = self.path / "Makefile"
        whole = makefile.read_text()
        assert whole.count(MYPY) == 1
        makefile.write_text(whole.replace(MYPY, ""))

    def has_types(self) -> bool:
        """Whether mypy has looked at the checkout before, so that it looks at what is new alone."""
        return (self.path / ".mypy_cache").is_dir()

    def run(self, command: str) -> str:
        """Return what a command line prints, which must succeed."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        environment["DATABASE_URL"] = f"sqlite:///{self.path.parent / 'tree.db'}"
        done = subprocess.run(
            command, shell=True, cwd=self.path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def tried(self, chosen: str, *files: str) -> int:
        """Run the tests of some files whose names match, on SQLite; return how many passed."""
        told = self.run(
            f'.venv/bin/python -m pytest -q -n 0 -p no:cacheprovider {" ".join(files)} -k "{chosen}"'
        )
        found = re.search(r"(\d+) passed", told)
        return int(found[1]) if found else 0

    def place(self, block: str) -> None:
        """Do what the first line of a block of CONTRIBUTING says: write a file, or put something into one."""
        head, _newline, text = block.partition("\n")
        where = re.fullmatch(
            r"(?:#|\{#) (\S+?)(?:, (at the end|instead of|before|in) ?(.*?))?(?: #\})?", head
        )
        assert where is not None, head
        path, how, line = self.path / where[1], where[2], where[3]
        assert path.exists() == bool(how), f"{head}: the file is {'missing' if how else 'there already'}"
        path.write_text(text if not how else put(path.read_text(), text, how, line))


def put(there: str, text: str, how: str, line: str) -> str:
    """Return a file's text with some more at its end, in a mapping, or before or instead of the line that begins so."""
    if how == "at the end":
        return there + text
    if how == "in":
        (begun,) = re.findall(rf"(?m)^{line}\b.*= \{{", there)
        return there.replace(begun, f"{begun}\n{text}")
    (found,) = [one for one in there.splitlines(keepends=True) if one.startswith(line)]
    return there.replace(found, text if how == "instead of" else text + found)
