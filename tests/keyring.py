"""The encryption keys of the tests: what is stored by one engine is read by every other."""

import base64
from hashlib import sha256

from models.vault import Vault


def a_key(number: int) -> str:
    """Return a key, the same one for a number.

    Keys differ in both halves: by one with the same half for signing, one text in 256 seems to open, and is nonsense.
    """
    return base64.urlsafe_b64encode(sha256(bytes([number])).digest()).decode()


KEYS = (a_key(1),)
VAULT = Vault(KEYS)
