"""Deployment settings: read from the environment once, checked at start with messages a person can act on."""

from __future__ import annotations

import os
import re
import runpy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BASE = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_SWITCH = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


class SettingsError(Exception):
    """The environment asks for something that cannot work; the message says what to set."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes out, and from whom. ``timeout`` in seconds holds for each answer of the server."""

    server: str
    port: int
    sender: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    use_tls: bool = False
    use_ssl: bool = False
    timeout: float = 10.0


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
    mail: MailServer | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    """Flask-AppBuilder's own settings for signing in elsewhere: AUTH_TYPE and what belongs to it."""
    testing: bool = False

    @property
    def base_url(self) -> str:
        """The address that links in mails begin with."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_base_url or f"http://{host}:{self.port}").rstrip("/")

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
            public_base_url=_base(base),
            trusted_hosts=_hosts(given.get("TRUSTED_HOSTS"), base),
            behind_tls=bool(base and base.startswith("https://")),
            trusted_proxies=_whole("TRUSTED_PROXIES", given.get("TRUSTED_PROXIES"), 0, 0, 10),
            demo_customers=_whole("DEMO_CUSTOMERS", given.get("DEMO_CUSTOMERS"), 2000, 0, 10_000_000),
            mail=_mail(given),
            identity=_identity(given.get("IDENTITY_CONFIG")),
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


def _identity(path: str | None) -> dict[str, Any]:
    """Return the settings of the identity file: a Python file with Flask-AppBuilder's names in capitals."""
    if not path:
        return {}
    try:
        found = {name: value for name, value in runpy.run_path(path).items() if name.isupper()}
    except Exception as error:
        raise SettingsError(f"IDENTITY_CONFIG: {path} cannot be read as Python: {error}") from error
    for name in found:
        if not name.startswith(("AUTH_", "OAUTH_", "SAML_")):
            raise SettingsError(
                f"IDENTITY_CONFIG: {name} is no setting for signing in; these begin with AUTH_, OAUTH_ or SAML_."
            )
    return found


def _base(url: str | None) -> str | None:
    if url and not _BASE.fullmatch(url):
        raise SettingsError(
            f"PUBLIC_BASE_URL must be an address such as https://desk.example.org, not {url!r}."
        )
    return url or None


def _whole(name: str, raw: str | None, default: int, least: int, most: int) -> int:
    if not raw:
        return default
    if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {raw!r}.")
    return int(raw)


def _mail(given: Mapping[str, str]) -> MailServer | None:
    """Return the mail server, None where none is named."""
    server = (given.get("MAIL_SERVER") or "").strip()
    if not server:
        return None
    if not _HOST.fullmatch(server):
        raise SettingsError(
            f"MAIL_SERVER must be the name of a host such as smtp.example.org, not {server!r}."
        )
    tls, ssl = _switch("MAIL_USE_TLS", given), _switch("MAIL_USE_SSL", given)
    if tls and ssl:
        raise SettingsError(
            "Set MAIL_USE_TLS (STARTTLS, mostly port 587) or MAIL_USE_SSL (mostly port 465), not both."
        )
    sender = given.get("MAIL_DEFAULT_SENDER") or ""
    try:
        sender = validate_email(sender, check_deliverability=False).ascii_email or ""
    except EmailNotValidError:
        sender = ""
    if not sender:
        raise SettingsError(
            "MAIL_DEFAULT_SENDER must be the address mail comes from, such as shop@example.org."
        )
    name, password = given.get("MAIL_USERNAME") or None, given.get("MAIL_PASSWORD") or None
    if bool(name) != bool(password):
        raise SettingsError("Set MAIL_USERNAME and MAIL_PASSWORD together, or neither.")
    if password and not (tls or ssl) and server not in LOOPBACK:
        raise SettingsError("MAIL_PASSWORD would travel unencrypted: set MAIL_USE_TLS=1 or MAIL_USE_SSL=1.")
    port = _whole("MAIL_PORT", given.get("MAIL_PORT"), 465 if ssl else 587 if tls else 25, 1, 65535)
    return MailServer(server, port, sender, name, password, tls, ssl)


def _switch(name: str, given: Mapping[str, str]) -> bool:
    raw = (given.get(name) or "0").strip().lower()
    if raw not in _SWITCH:
        raise SettingsError(f"{name} must be 1 or 0, not {raw!r}.")
    return _SWITCH[raw]


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
