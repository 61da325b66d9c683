"""Which release of the time zones is in force: the machine's own or the one we bring, whichever is newer.

Countries change their clocks at short notice, and machines are updated seldom: Python asks the machine first, however
old its files are. So it is decided here, once, before any zone is made: importing the package of the models does it.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from pathlib import Path

import tzdata

_RELEASE = re.compile(r"\b(\d{4})([a-z]{1,2})\b")
_SAYS_IT = ("tzdata.zi", "+VERSION", "version")
"""The files in which the folder of a machine's zones tells its release, on Linux and elsewhere."""


def settle(paths: Sequence[str], packaged: str = tzdata.IANA_VERSION) -> str:
    """Have zones read from the newer of the two; return the release that is in force from now on.

    A machine that does not tell its release is not asked: of the one we bring we know it.
    """
    own = _release(paths)
    if own is not None and _order(own) >= _order(packaged):
        zoneinfo.reset_tzpath(paths)
        found = own
    else:
        zoneinfo.reset_tzpath(())
        found = packaged
    zoneinfo.ZoneInfo.clear_cache()
    return found


def _release(paths: Sequence[str]) -> str | None:
    """Return the release of the folder that Python would read, such as 2026a; None where it does not say."""
    folder = next((Path(path) for path in paths if Path(path, "Etc", "UTC").is_file()), None)
    if folder is None:
        return None
    for name in _SAYS_IT:
        try:
            with Path(folder, name).open(encoding="utf-8", errors="replace") as file:
                found = _RELEASE.search(file.readline())
        except OSError:
            continue
        if found is not None:
            return found[0]
    return None


def _order(release: str) -> tuple[int, int, str]:
    found = _RELEASE.fullmatch(release)
    return (int(found[1]), len(found[2]), found[2]) if found is not None else (0, 0, "")


RELEASE = settle(zoneinfo.TZPATH)
"""Such as 2026a."""
