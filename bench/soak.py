"""``make soak``: the races, kills and volumes that ``make test`` runs at a fiftieth, at full size."""

from __future__ import annotations

import os
import subprocess
import sys


def main() -> int:
    """Run the tests marked soak with SOAK=1; further arguments go to pytest."""
    command = [sys.executable, "-m", "pytest", "-m", "soak", *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, "SOAK": "1"}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
