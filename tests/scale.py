"""How large the heavy tests are: a fiftieth in ``make test``, full size in ``make soak``."""

import os

FULL = os.environ.get("SOAK") == "1"


def scaled(full: int, least: int) -> int:
    """Return ``full`` in a soak, otherwise a fiftieth of it but not below ``least``."""
    return full if FULL else max(full // 50, least)
