"""Make the virtual environment and bring it to a lock file: ``python3 tools/environment.py .venv run``.

Runs on the system's Python, before anything is installed, so it uses the standard library only.
It does nothing when the lock file is the one installed last time.
"""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (3, 11)
AT_ONCE = 2
OVERLAYS = ("newest",)
"""Locks that go into a folder of their own in the environment, to be put before what is installed there."""


def main(venv_name: str, lock_name: str) -> None:
    """Install ``locks/<lock_name>.lock`` into ``venv_name`` unless it is there already."""
    if sys.version_info < NEEDED:
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SystemExit(
            f"Clientele needs Python 3.11 or newer; {sys.executable} is {found}. Try: make PYTHON=..."
        )
    venv = Path(venv_name)
    lock = ROOT / "locks" / f"{lock_name}.lock"
    stamp = venv / f".installed-{lock_name}"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest and usable(venv):
        return
    if not usable(venv):
        print(f"Making {venv} with Python {sys.version.split()[0]} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
    print(f"Installing {lock.relative_to(ROOT)} ...", flush=True)
    install(venv, lock, venv / lock_name if lock_name in OVERLAYS else None)
    stamp.write_text(digest)


def usable(venv: Path) -> bool:
    """Whether the environment's Python still starts (a removed system Python leaves a dangling link)."""
    return (venv / "bin" / "python").exists()


def install(venv: Path, lock: Path, folder: Path | None) -> None:
    """Install with plain pip: every file by its hash, nothing that the lock does not name, no build step.

    No package waits for another, so several processes share them: one pip has a single processor busy.
    """
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-compile", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    command += ["--upgrade", "--target", str(folder)] if folder else []
    with TemporaryDirectory() as scratch:
        files = [Path(scratch, f"{n}.txt") for n in range(1 if folder else AT_ONCE)]
        for file, part in zip(files, parts(lock.read_text(), len(files)), strict=True):
            file.write_text(part)
        environment = {**os.environ, "PIP_NO_INPUT": "1"}
        running = [
            subprocess.Popen([*command, "--requirement", str(file)], env=environment) for file in files
        ]
        ended = [process.wait() for process in running]
        if any(ended):
            raise SystemExit(f"pip could not install {lock}; its message is above.")


def parts(lock: str, count: int) -> list[str]:
    """Return the text of a lock file in so many parts: a package, and the hashes below it, is in one of them."""
    packages = re.split(r"(?m)^(?=[^\s#])", lock)[1:]
    return ["".join(packages[n::count]) for n in range(count)]


if __name__ == "__main__":
    main(*sys.argv[1:])
