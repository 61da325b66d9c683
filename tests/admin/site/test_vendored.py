"""The browser files of others: the list of them is true and complete, and they ask for nothing that is not there."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "admin" / "static"
VENDOR = STATIC / "vendor"
LISTED = json.loads((VENDOR / "VENDORED.json").read_text())
KEYS = {"name", "version", "licence", "package", "file", "sha256"}


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: Path(entry["file"]).name)
def test_an_entry_tells_the_truth(entry: dict[str, str]) -> None:
    assert entry.keys() >= KEYS
    assert all(entry[key] for key in KEYS)
    # The sprite grows with the icons in use, so its checksum says only what was shipped: renew it when adding one.
    assert hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    if "licence_file" in entry:
        assert (VENDOR / entry["licence_file"]).stat().st_size > 500


def test_every_vendored_file_is_listed() -> None:
    listed = (
        {entry["file"] for entry in LISTED}
        | {entry.get("licence_file", "") for entry in LISTED}
        | {"VENDORED.json"}
    )
    assert {path.name for path in VENDOR.iterdir()} <= listed


def test_the_list_names_no_address() -> None:
    assert "://" not in (VENDOR / "VENDORED.json").read_text()


@pytest.mark.parametrize("path", [*STATIC.rglob("*.css"), *STATIC.rglob("*.js")], ids=lambda path: path.name)
def test_a_browser_file_asks_for_nothing_that_is_not_here(path: Path) -> None:
    text = path.read_text()
    assert "sourceMappingURL" not in text
    wanted = re.findall(r"""url\(["']?(?!data:|#)([^"')]+)""", text) if path.suffix == ".css" else []
    wanted += re.findall(r"""^import .* from "(\./[^"]+)";""", text, re.M) if path.parent == STATIC else []
    assert [name for name in wanted if not (path.parent / name).is_file()] == []


def test_every_icon_in_use_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    used = set()
    for path in (ROOT / "templates").rglob("*.html"):
        used |= {
            name for call in re.findall(r"icon\((.*?)\) *}}", path.read_text()) for name in _literals(call)
        }
    for path in (ROOT / "admin").rglob("*.py"):
        used |= set(re.findall(r'\bicon(?:: [\w\[\]]+)?\s*=\s*"([a-z0-9-]+)"', path.read_text()))
    for path in STATIC.glob("*.js"):
        used |= set(re.findall(r'\bicon\("([a-z0-9-]+)"\)', path.read_text()))
    assert used - drawn == set()


def _literals(call: str) -> list[str]:
    """Return what a call may draw: its first word, or both ends of a choice between two."""
    return re.findall(r'(?:^|else \(?)"([a-z0-9-]+)"', call)


def test_pages_carry_no_inline_style_handler_or_script() -> None:
    for path in (ROOT / "templates" / "admin").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"""\s(style|on[a-z]+)=["']""", text), path.name
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path.name
        assert "data-role=" not in text, path.name
