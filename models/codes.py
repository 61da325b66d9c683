"""Codes of gift cards: how they are compared, and the digest that is all the database keeps of one (rule 2.15)."""

from __future__ import annotations

import hashlib
import unicodedata

_SALT = b"clientele.code"
_COST = {"n": 2**12, "r": 8, "p": 1, "dklen": 32}
"""What a digest costs: some milliseconds and 4 MB. Codes may be short, and a stolen copy of the database must not give
them away; a keyed digest would, with its key, lose all cards at once."""


def normalised(code: str) -> str:
    """Return a code as it is compared: letters and digits alone, in capitals."""
    return "".join(c for c in unicodedata.normalize("NFKC", code).upper() if c.isalnum())


def digest(code: str) -> str:
    """Return what the database keeps of a code."""
    return hashlib.scrypt(normalised(code).encode(), salt=_SALT, **_COST).hex()
