"""What no answer may show, the person asking and whatever they send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = str(Path(__file__).resolve().parents[2])
LEAKS = re.compile(
    r"SELECT .{1,200}\sFROM |INSERT INTO |UPDATE \w+ SET |\[SQL|sqlite3|[Ss]ql[Aa]lchemy|psycopg|Traceback|site-packages"
    r"|File \"|constraint failed|relation \"|jinja2|werkzeug|InternalServerError|pbkdf2|scrypt",
    re.DOTALL,
)
LONGEST = 20_000
"""Only short answers are searched by pattern: the long ones are lists, full of what people typed."""


def leaks(answer: Any) -> str:
    """Return what an answer gives away, or ""."""
    text = answer.get_data().decode("utf-8", "replace")
    found = LEAKS.search(text) if len(text) < LONGEST or answer.status_code >= 400 else None
    if found:
        return found.group(0)[:200]
    return ROOT if ROOT in text or "/site-packages/" in text else ""


def refused(answer: Any, name: str = "", *, why: Any = "") -> None:
    """Check that bad input was refused as it should be: 4xx, naming the field, giving nothing away.

    :param name: the field or argument at fault; "" where there is none to name.
    """
    sane(answer, why=why)
    assert 400 <= answer.status_code < 500, f"{why}: {answer.status}"
    text = answer.get_data().decode("utf-8", "replace")
    if name and answer.is_json:
        assert answer.json.get("field") == name, f"{why}: {answer.json}"
    elif name:
        people_say = name.rpartition("-")[2].removesuffix("_id").replace("_", " ").strip().capitalize()
        assert name in text or people_say in text, f"{why}: the answer does not name {name}"


def sane(answer: Any, *, why: Any = "") -> None:
    """Check that an answer is no server error and gives nothing away."""
    assert answer.status_code < 500, f"{why}: {answer.status}"
    assert not leaks(answer), f"{why}: the answer shows {leaks(answer)!r}"
