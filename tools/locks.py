"""Write the lock files from pyproject.toml, or check that they are up to date.

Existing pins are kept unless ``--upgrade`` is given, so a check compares what is declared with what is
locked, not with what was published since. Settings of this machine's package clients stay out of it.
"""

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Each of the first three stands alone and pins the same versions, so they share one environment.
LOCKS: dict[str, list[str]] = {
    "run": ["pyproject.toml"],
    "test": ["pyproject.toml", "--extra", "test", "--constraint", "locks/run.lock"],
    "bench": ["pyproject.toml", "--extra", "bench", "--constraint", "locks/run.lock"],
    # Laid over the test environment by `make newest`, so it does not follow the others.
    "newest": ["locks/newest.in"],
}


def main() -> None:
    """Parse the command line; exit with 1 when a lock file is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions the ranges allow")
    options = parser.parse_args()
    if options.check:
        stale = [name for name in LOCKS if is_stale(name)]
        raise SystemExit(1 if stale else 0)
    for name in LOCKS:
        write(name, ROOT / "locks", upgrade=options.upgrade)


def write(name: str, folder: Path, *, upgrade: bool = False) -> subprocess.CompletedProcess[str]:
    """Compile one lock file into ``folder``, preferring the pins of the file that is there."""
    command = [
        uv(),
        "pip",
        "compile",
        *LOCKS[name],
        "--output-file",
        str(folder / f"{name}.lock"),
    ]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-config", "--quiet"]
    command += ["--custom-compile-command", "make lock"]
    command += ["--upgrade"] if upgrade else []
    return subprocess.run(command, cwd=ROOT, env=clean_environment(), check=True, text=True)


def is_stale(name: str) -> bool:
    """Compile beside the project and compare; print what differs."""
    lock = ROOT / "locks" / f"{name}.lock"
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / lock.name
        shutil.copy(lock, fresh)
        write(name, Path(folder))
        before, after = lock.read_text().splitlines(), fresh.read_text().splitlines()
    if before == after:
        return False
    print(f"locks/{lock.name} is out of date; run `make lock`:")
    print("\n".join(list(difflib.unified_diff(before, after, "locked", "declared", lineterm="", n=0))[:40]))
    return True


def uv() -> str:
    """The ``uv`` of this environment."""
    return str(Path(sys.executable).parent / "uv")


def clean_environment() -> dict[str, str]:
    """The environment without what would point the resolver somewhere else than the public index."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("UV_", "PIP_"))}


if __name__ == "__main__":
    main()
