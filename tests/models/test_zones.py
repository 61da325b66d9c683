"""Which release of the time zones is in force: the newer of the machine's and ours."""

import datetime as dt
import subprocess
import sys
import zoneinfo
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import tzdata

from models import zones

IN_TOKYO = (files(tzdata) / "zoneinfo" / "Asia" / "Tokyo").read_bytes()
"""What stands in every zone of the machine, so that one can tell whose a zone is."""
SUMMER = dt.datetime(2026, 7, 1)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Path]:
    """The folder of a machine's zones; afterwards it is as it was."""
    before = zoneinfo.TZPATH
    for name in ("Etc/UTC", "America/Vancouver"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(IN_TOKYO)
    yield tmp_path
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.parametrize(
    ("file", "says", "release", "is_the_machines"),
    [
        ("tzdata.zi", "# version 2025b\n# This zic input\n", "2026f", False),
        ("tzdata.zi", "# version 2026f\n", "2026f", True),
        ("tzdata.zi", "# version 2027a\n", "2027a", True),
        ("+VERSION", "2026e\n", "2026f", False),
        ("+VERSION", "2026g\n", "2026g", True),
        ("version", "2026aa\n", "2026aa", True),
        ("tzdata.zi", "# redo posix_only\n", "2026f", False),
        (None, "", "2026f", False),
    ],
)
def test_the_newer_release_counts_and_where_nothing_is_said_ours(
    machine: Path, file: str | None, says: str, release: str, is_the_machines: bool
) -> None:
    if file is not None:
        (machine / file).write_text(says)
    assert zones.settle([str(machine)], "2026f") == release
    hours = zoneinfo.ZoneInfo("America/Vancouver").utcoffset(SUMMER)
    assert (hours == dt.timedelta(hours=9)) is is_the_machines


def test_a_folder_without_zones_is_passed_over(machine: Path, tmp_path: Path) -> None:
    (machine / "tzdata.zi").write_text("# version 2099a\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert zones.settle([str(empty), str(machine)]) == "2099a"
    assert zones.settle([str(empty)]) == tzdata.IANA_VERSION


SEEN = """
import sys, zoneinfo
zoneinfo.reset_tzpath([sys.argv[1]])
import app
from models.shop import Shop
from models.zones import RELEASE
print(RELEASE, zoneinfo.TZPATH, Shop(time_zone="America/Vancouver").zone.utcoffset(app.dt.datetime(2026, 7, 1)))
"""


@pytest.mark.parametrize(("says", "hours"), [("2020a", "-1 day, 17:00:00"), ("2999a", "9:00:00")])
def test_it_is_decided_before_any_zone_is_made(machine: Path, says: str, hours: str) -> None:
    (machine / "tzdata.zi").write_text(f"# version {says}\n")
    command = [sys.executable, "-c", SEEN, str(machine)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    release = max(says, tzdata.IANA_VERSION)
    assert done.stdout.startswith(release)
    assert done.stdout.strip().endswith(hours)
