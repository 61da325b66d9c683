"""The environment that ``make`` installs: what the lock files name, all of it."""

import re

import pytest

from tests.tools.tree import ROOT
from tools.environment import parts

LOCKS = sorted(path.name for path in (ROOT / "locks").glob("*.lock"))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", LOCKS)
def test_each_package_is_in_one_part_with_its_hashes(name: str, count: int) -> None:
    lock = (ROOT / "locks" / name).read_text()
    found = parts(lock, count)
    assert len(found) == count
    for what in (r"(?m)^[a-z0-9].*==\S+", r"--hash=\S+"):
        assert sorted(re.findall(what, "".join(found))) == sorted(re.findall(what, lock))
    assert all(re.match(r"[a-z0-9-]+(\[.*\])?==", part) for part in found)
