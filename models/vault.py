"""Secrets that have to be read again, encrypted at rest (rule 16.11): what codes are made of, links that wait.

Nobody reads them from a file, a backup or a query: the keys are kept outside the database. The first key encrypts, all
of them decrypt. What is stored begins with the scheme it was encrypted by; without one it was stored in clear by a
release that did not encrypt yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Engine, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

SCHEME = "v1:"
_ANY_SCHEME = re.compile(r"v[0-9]+:")
_ATTRIBUTE = "clientele_vault"


class Closed(Exception):
    """None of the keys opens what is stored."""

    def __init__(self) -> None:
        super().__init__("none of the encryption keys opens this")


class NoKeys(RuntimeError):
    """An engine was set up without keys, which is a mistake in the program."""

    def __init__(self) -> None:
        super().__init__("this engine has no encryption keys: dialect.configure(engine, keys=Vault(…))")


def new_key() -> str:
    """Return a new key."""
    return Fernet.generate_key().decode()


def is_key(text: str) -> bool:
    """Return whether a text is a whole key."""
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


class Vault:
    """The keys of one deployment."""

    def __init__(self, keys: Sequence[str]) -> None:
        fernets = [Fernet(key) for key in keys]
        self._first, self._all = fernets[0], MultiFernet(fernets)

    def close(self, clear: str) -> str:
        """Return a text as it is stored, by the first key."""
        return SCHEME + self._first.encrypt(clear.encode()).decode()

    def open(self, stored: str) -> str:
        """Return what was closed by any of the keys. :raises Closed: it was by another."""
        return _decrypted(self._all, stored)

    def is_newest(self, stored: str) -> bool:
        """Return whether a text was closed by the first key."""
        try:
            _decrypted(self._first, stored)
        except Closed:
            return False
        return True


def _decrypted(key: Fernet | MultiFernet, stored: str) -> str:
    if not stored.startswith(SCHEME):
        raise Closed
    try:
        return key.decrypt(stored.removeprefix(SCHEME)).decode()
    except InvalidToken:
        raise Closed from None


class Secret:
    """A text that shows itself to who opens it, and to no log, page or message."""

    __slots__ = ("_text", "_vault")

    def __init__(self, text: str, vault: Vault | None = None) -> None:
        self._text, self._vault = text, vault

    def __repr__(self) -> str:
        return "Secret(…)"

    @property
    def in_clear(self) -> bool:
        """Whether it is not encrypted: new, or stored so by an older release."""
        return _ANY_SCHEME.match(self._text) is None

    @property
    def is_newest(self) -> bool:
        """Whether it was encrypted by the first key."""
        return not self.in_clear and self._keys().is_newest(self._text)

    def open(self) -> str:
        """Return the text. :raises Closed: none of the keys opens it."""
        return self._text if self.in_clear else self._keys().open(self._text)

    def stored(self, vault: Vault) -> str:
        """Return it as it is stored."""
        return vault.close(self._text) if self.in_clear else self._text

    def _keys(self) -> Vault:
        if self._vault is None:
            raise NoKeys
        return self._vault


class SecretText(TypeDecorator[Secret]):
    """A column that is never stored in clear. A text or a :class:`Secret` goes in, a :class:`Secret` comes out."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Secret | str | None, dialect: Dialect) -> str | None:
        """Encrypt. :raises NoKeys: the engine has no keys."""
        if value is None:
            return None
        vault = _of(dialect)
        if vault is None:
            raise NoKeys
        return value.stored(vault) if isinstance(value, Secret) else vault.close(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Secret | None:
        """Return what is stored, as it is: the caller opens it when needed."""
        return None if value is None else Secret(value, _of(dialect))


def give(engine: Engine, vault: Vault) -> None:
    """Have everything that goes in and out by an engine be encrypted by these keys."""
    setattr(engine.dialect, _ATTRIBUTE, vault)


def held(engine: Engine) -> Vault | None:
    """Return the keys that an engine was given."""
    return _of(engine.dialect)


def _of(dialect: Dialect) -> Vault | None:
    found: Vault | None = getattr(dialect, _ATTRIBUTE, None)
    return found
