"""``make soak``: at full size what ``make test`` samples, and each case on the other database."""

from __future__ import annotations

import os
import subprocess
import sys


def main() -> int:
    """Run with SOAK=1 what tests.scale then chooses; further arguments go to pytest."""
    command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, "SOAK": "1"}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
