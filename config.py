"""Deployment settings: read from the environment once, checked at start with messages a person can act on."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SettingsError(Exception):
    """The environment asks for something that cannot work; the message says what to set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment decides. Everything that staff decide is a shop setting instead."""

    database_url: str = field(default_factory=lambda: f"sqlite:///{ROOT / 'instance' / 'clientele.db'}")
    secret_key: str = ""
    host: str = "127.0.0.1"
    port: int = 5000
    public_base_url: str | None = None
    trusted_hosts: tuple[str, ...] = LOOPBACK
    behind_tls: bool = False
    trusted_proxies: int = 0
    demo_customers: int = 2000
    password_hash: str = "scrypt"  # noqa: S105  the method, not a password
    testing: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of this process. :raises SettingsError: one cannot be used."""
        given = os.environ if environment is None else environment
        host = given.get("HOST") or "127.0.0.1"
        base = given.get("PUBLIC_BASE_URL")
        if host not in LOOPBACK and not base:
            raise SettingsError(
                "HOST lets other machines in: set PUBLIC_BASE_URL to the address people will use."
            )
        return cls(
            database_url=_database(given.get("DATABASE_URL")),
            secret_key=given.get("SECRET_KEY") or _kept_secret(host),
            host=host,
            port=_whole("PORT", given.get("PORT"), 5000, 1, 65535),
            public_base_url=base,
            trusted_hosts=_hosts(given.get("TRUSTED_HOSTS"), base),
            behind_tls=bool(base and base.startswith("https://")),
            trusted_proxies=_whole("TRUSTED_PROXIES", given.get("TRUSTED_PROXIES"), 0, 0, 10),
            demo_customers=_whole("DEMO_CUSTOMERS", given.get("DEMO_CUSTOMERS"), 2000, 0, 10_000_000),
        )


def _database(url: str | None) -> str:
    if not url:
        instance = ROOT / "instance"
        instance.mkdir(exist_ok=True)
        return f"sqlite:///{instance / 'clientele.db'}"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            "DATABASE_URL is not an address such as postgresql://user:password@host/name."
        ) from None
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise SettingsError("DATABASE_URL must name a SQLite or PostgreSQL database.")
    return parsed.render_as_string(hide_password=False)


def _whole(name: str, raw: str | None, default: int, least: int, most: int) -> int:
    if not raw:
        return default
    if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {raw!r}.")
    return int(raw)


def _hosts(raw: str | None, base: str | None) -> tuple[str, ...]:
    named = tuple(part.strip() for part in (raw or "").split(",") if part.strip())
    if base and "://" in base:
        named = (*named, base.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[0])
    return (*LOOPBACK, *named)


def _kept_secret(host: str) -> str:
    """Return the key made at the first start on this machine; several hosts must share one by SECRET_KEY."""
    if host not in LOOPBACK:
        raise SettingsError(
            "HOST lets other machines in: set SECRET_KEY to a long random text, the same on every host."
        )
    path = ROOT / "instance" / "secret_key"
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text().strip()
