"""Where a page of a list ends, as the link to the next one says it.

A cursor holds what the list is sorted by of the last row seen, so it still stands when that row is changed or deleted.
It is encrypted, so that no name or address stands in a link, and good for the very list and order it was made for.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app

LONGEST = 4_000
"""Characters of a cursor: three names as long as they may be, encrypted."""

SHAPE = rf"gAAAAA[A-Za-z0-9_-]{{60,{LONGEST - 6}}}"
"""What a cursor looks like."""

KINDS: dict[str, tuple[type[Any], Any]] = {
    "time": (dt.datetime, dt.datetime.fromisoformat),
    "date": (dt.date, dt.date.fromisoformat),
    "number": (Decimal, Decimal),
}
"""What JSON has no kind of its own for: its class, and how it is read back."""


def sealed(order: str, values: Sequence[Any]) -> str:
    """Return a cursor. :param order: the list and its order, which have to be the same when it comes back."""
    text = json.dumps([order, [_plain(value) for value in values]], separators=(",", ":"))
    return _lock(str(current_app.secret_key)).encrypt(text.encode()).decode().rstrip("=")


def opened(order: str, cursor: str) -> tuple[Any, ...] | None:
    """Return the values of a cursor; None where it is none of ours, or of another list or order."""
    try:
        text = _lock(str(current_app.secret_key)).decrypt(cursor + "=" * (-len(cursor) % 4))
    except InvalidToken:
        return None
    made_for, values = json.loads(text)
    return tuple(map(_read, values)) if made_for == order else None


@cache
def _lock(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"cursor {secret}".encode()).digest()))


def _plain(value: Any) -> Any:
    for kind, (of, _back) in KINDS.items():
        if isinstance(value, of):
            return {kind: str(value)}
    return value


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return KINDS[kind][1](text)
