"""Writing it: first in a copy of the tree, where it is tried, then all of it at once, or nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.new.names import CannotWrite
from tools.new.plan import ACCESS, VERSIONS, Wanted, changed_files, new_files

LEFT_OUT = shutil.ignore_patterns(
    ".*",
    "*.pyc.*",
    "*.db",
    "*.db-*",
    "instance",
    "bench",
    "findings",
    "*.png",
    "vendor",
    "tests",
)
"""What is compiled comes along, but for what somebody is about to write: it is as old as its source, and so as good."""


def prepared(root: Path, wanted: Wanted) -> dict[str, str]:
    """Return path -> text of everything that a new thing writes or changes, tried in a copy of the tree.

    :raises CannotWrite: something is in the way, or the copy does not start with it.
    """
    new, changed = new_files(wanted), changed_files(root, wanted)
    if there := [path for path in new if (root / path).exists()]:
        raise CannotWrite(f"These files exist already: {', '.join(there)}.")
    _refuse_unsaved(root, [*changed, *((ACCESS,) if wanted.screen else ())])
    with TemporaryDirectory() as folder:
        copy = Path(folder, "tree")
        shutil.copytree(root, copy, ignore=LEFT_OUT)
        for path, text in {**new, **changed}.items():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            (copy / path).write_text(text)
        further = [_migration(root, copy, wanted), *((ACCESS,) if wanted.screen else ())]
        if wanted.screen:
            (copy / ACCESS).write_text(_python(copy, "-m", "flask", "--app", "app", "access"))
        paths = [*new, *changed, *further]
        _formatted(copy, [path for path in paths if path.endswith(".py")])
        return {path: (copy / path).read_text() for path in paths}


def _refuse_unsaved(root: Path, paths: Iterable[str]) -> None:
    """Refuse to change a file that has changes nobody has committed."""
    asked = ["git", "-C", str(root), "status", "--porcelain", "--", *paths]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    changed = [line[3:] for line in found.stdout.splitlines() if not line.startswith("??")]
    if found.returncode == 0 and changed:
        names = ", ".join(changed)
        raise CannotWrite(
            f"These files have changes that are not committed: {names}. Commit or undo them first."
        )


def _migration(root: Path, copy: Path, wanted: Wanted) -> str:
    """Have the migration written, and return its path."""
    there = {path.name for path in (root / VERSIONS).glob("*.py")}
    _python(copy, "-m", "models.migrations", "new", wanted.names.words)
    (made,) = {path.name for path in (copy / VERSIONS).glob("*.py")} - there
    path = copy / VERSIONS / made
    path.write_text(
        re.sub(r"(?m)^additive = .*$", "additive = True  # a new table and nothing else", path.read_text())
    )
    return f"{VERSIONS}/{made}"


def _python(copy: Path, *arguments: str) -> str:
    """Run a command of the copy and return what it prints. :raises CannotWrite: it fails."""
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{copy.parent / 'none.db'}",
        "PYTHONPATH": str(copy),
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        raise CannotWrite(f"With it the program does not start: {why[0]}")
    return done.stdout


def _formatted(copy: Path, paths: list[str]) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    for rest in (["check", "--fix-only", "--quiet"], ["format", "--quiet"]):
        subprocess.run([ruff, *rest, *paths], cwd=copy, check=False)


def write(root: Path, texts: Mapping[str, str]) -> None:
    """Put every file in its place; where one fails, put back what stood there before."""
    before = {path: _text(root / path) for path in texts}
    done: list[str] = []
    try:
        for path, text in texts.items():
            _put(root / path, text)
            done.append(path)
    except OSError as error:
        for path in done:
            _put_back(root / path, before[path])
        raise CannotWrite(f"Nothing was written: {error}.") from error


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _put(path: Path, text: str) -> None:
    """Write a file beside its place and move it there, so that it is never half there."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text)
        beside.replace(path)
    except OSError:
        if beside.exists():
            beside.unlink()
        raise


def _put_back(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        _put(path, text)
