"""Deployment settings: read from the environment once, checked at start with messages a person can act on."""

from __future__ import annotations

import ipaddress
import os
import re
import runpy
import secrets
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from flask.cli import NoAppException
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from models import private, vault
from models.mail import Addresses

ROOT = Path(__file__).parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST_KEY = 32
PORTAL_PATH = "/portal"
"""Where the customers' portal is while it has no host of its own."""
MAKE_ONE = 'Make one by: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
NEEDS_KEY = (
    "This server lets other machines in, so it needs a key of its own: set SECRET_KEY to a long random text, the "
    f"same on every host. {MAKE_ONE}"
)
ENCRYPTION_FILE = "encryption_key"
MAKE_ENCRYPTION_KEY = (
    'Make one by: python3 -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
)
NEEDS_ENCRYPTION = (
    "This server lets other machines in, so it needs keys of its own to encrypt by: set ENCRYPTION_KEYS, the same on "
    "every host, and keep a copy apart from the backups. Where this machine has encrypted already, take over what "
    f"instance/{ENCRYPTION_FILE} holds. {MAKE_ENCRYPTION_KEY}"
)
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


class SettingsError(NoAppException):
    """The environment asks for something that cannot work; the message says what to set.

    It is of the kind that Flask's commands show without a traceback.
    """


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
    key_is_kept: bool = False
    """Whether the key is this machine's own, made at the first start: then no other machine is let in."""
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    """What secrets are encrypted by that are stored to be read again: the first encrypts, all of them decrypt."""
    encryption_is_kept: bool = False
    """Whether these are this machine's own, in a file."""
    host: str = "127.0.0.1"
    port: int = 5000
    public_base_url: str | None = None
    portal_base_url: str | None = None
    trusted_hosts: tuple[str, ...] = LOOPBACK
    behind_tls: bool = False
    trusted_proxies: int = 0
    demo_customers: int = 2000
    read_seconds: int = 2
    """How long the database may work on what one page or answer reads."""
    lock_seconds: float = 5
    """How long what a page or a program changes waits for somebody else who is changing it."""
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

    @property
    def serves_portal(self) -> bool:
        """Whether there is a customers' portal: at an address of its own, or on this machine under that of staff.

        Where staff are elsewhere, theirs is not shared: what goes wrong on a page for customers would reach staff.
        """
        return self.portal_base_url is not None or self.public_base_url is None

    @property
    def addresses(self) -> Addresses:
        """What links in mails begin with."""
        return Addresses(self.base_url, (self.portal_base_url or f"{self.base_url}{PORTAL_PATH}").rstrip("/"))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of this process. :raises SettingsError: one cannot be used."""
        given = os.environ if environment is None else environment
        host = given.get("HOST") or "127.0.0.1"
        base, portal = given.get("PUBLIC_BASE_URL"), given.get("PORTAL_BASE_URL")
        key, encryption = given.get("SECRET_KEY") or "", given.get("ENCRYPTION_KEYS") or ""
        if host not in LOOPBACK and not base:
            raise SettingsError(
                "HOST lets other machines in: set PUBLIC_BASE_URL to the address people will use."
            )
        return cls(
            database_url=_database(given.get("DATABASE_URL")),
            secret_key=_given_secret(key) if key else _kept_secret(host),
            key_is_kept=not key,
            encryption_keys=_given_encryption(encryption, key) if encryption else _kept_encryption(host),
            encryption_is_kept=not encryption,
            host=host,
            port=_whole("PORT", given.get("PORT"), 5000, 1, 65535),
            public_base_url=_base("PUBLIC_BASE_URL", base),
            portal_base_url=_portal(portal, base),
            trusted_hosts=_hosts(given.get("TRUSTED_HOSTS"), base, portal),
            behind_tls=bool(base and base.startswith("https://")),
            trusted_proxies=_whole("TRUSTED_PROXIES", given.get("TRUSTED_PROXIES"), 0, 0, 10),
            read_seconds=_whole("READ_SECONDS", given.get("READ_SECONDS"), 2, 1, 600),
            lock_seconds=_whole("LOCK_SECONDS", given.get("LOCK_SECONDS"), 5, 1, 600),
            demo_customers=_whole("DEMO_CUSTOMERS", given.get("DEMO_CUSTOMERS"), 2000, 0, 10_000_000),
            mail=_mail(given),
            identity=_identity(given.get("IDENTITY_CONFIG")),
        )


def _database(url: str | None) -> str:
    if not url:
        instance = ROOT / "instance"
        private.make_folder(instance)
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


def _base(name: str, url: str | None) -> str | None:
    if url and not _BASE.fullmatch(url):
        raise SettingsError(f"{name} must be an address such as https://desk.example.org, not {url!r}.")
    return url or None


def _portal(url: str | None, base: str | None) -> str | None:
    """Return the address of the customers' portal. :raises SettingsError: it is on the host of the back office."""
    found = _base("PORTAL_BASE_URL", url)
    if found and urlsplit(found).path.strip("/"):
        raise SettingsError(f"PORTAL_BASE_URL must name a host and no path, not {found!r}.")
    if found and base and _hostname("PORTAL_BASE_URL", found) == _hostname("PUBLIC_BASE_URL", base):
        raise SettingsError("PORTAL_BASE_URL must name another host than PUBLIC_BASE_URL.")
    return found


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


def _hosts(raw: str | None, base: str | None, portal: str | None) -> tuple[str, ...]:
    named = [part.strip() for part in (raw or "").split(",") if part.strip()]
    given = {"PUBLIC_BASE_URL": base, "PORTAL_BASE_URL": portal}
    named += [_hostname(name, url) for name, url in given.items() if url and "://" in url]
    return (*LOOPBACK, *named)


def _hostname(name: str, base: str) -> str:
    """Return the host of an address. :raises SettingsError: it has none."""
    try:
        found = urlsplit(base).hostname
    except ValueError:
        found = None
    if not found:
        raise SettingsError(f"{name} names no host: {base!r}.")
    return found


def _given_secret(key: str) -> str:
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"SECRET_KEY is too short: it needs at least {SHORTEST_KEY} characters. {MAKE_ONE}"
        )
    return key


def is_listening_beyond() -> bool:
    """Return whether this process has a socket that other machines reach: what a server binds to, however it was told.

    A server that binds only after it has built the application is judged at each request (admin/site/binding.py).
    """
    return any(_is_open_to_others(int(name)) for name in _open_files())


def _is_open_to_others(number: int) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return False
        with socket.socket(fileno=os.dup(number)) as found:
            of_a_network = found.family in (socket.AF_INET, socket.AF_INET6)
            if not of_a_network or not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return False
            return not is_loopback(found.getsockname()[0])
    except OSError:
        return False  # it was closed in the meantime


def _open_files() -> list[str]:
    try:
        return os.listdir("/dev/fd")
    except OSError:
        return []


def is_loopback(address: str) -> bool:
    """Return whether an address is this machine's own, and no other machine can have it."""
    try:
        found = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def _kept_secret(host: str) -> str:
    """Return the key made at the first start on this machine; several hosts must share one by SECRET_KEY."""
    path = _kept(host, "secret_key", secrets.token_urlsafe(48), NEEDS_KEY, f"set SECRET_KEY. {MAKE_ONE}")
    key = path.read_text(errors="replace").strip()
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"{path} holds no complete key. Delete it: the next start makes a new one and everyone signs in again."
        )
    return key


def _given_encryption(raw: str, secret_key: str) -> tuple[str, ...]:
    """Return the keys that encrypt what is stored, the first of which does so from now on."""
    found = tuple(part.strip() for part in raw.split(",") if part.strip())
    wrong = next((place for place, key in enumerate(found, 1) if not vault.is_key(key)), None)
    if not found or wrong:
        raise SettingsError(f"ENCRYPTION_KEYS: key {wrong or 1} is not a whole key. {MAKE_ENCRYPTION_KEY}")
    if secret_key in found:
        raise SettingsError(
            "ENCRYPTION_KEYS and SECRET_KEY must be different, so that a leak of one does not give away the other. "
            f"{MAKE_ENCRYPTION_KEY}"
        )
    return found


def _kept_encryption(host: str) -> tuple[str, ...]:
    """Return the keys in this machine's own file, made at the first start; to change keys, put one on a line."""
    path = _kept(
        host,
        ENCRYPTION_FILE,
        vault.new_key(),
        NEEDS_ENCRYPTION,
        f"set ENCRYPTION_KEYS. {MAKE_ENCRYPTION_KEY}",
    )
    found = tuple(path.read_text(errors="replace").replace(",", " ").split())
    if not found or not all(vault.is_key(key) for key in found):
        raise SettingsError(
            f"{path} holds no whole key: put back the copy of it that you keep. Where there is none, delete it, and a "
            "new one is made at the next start: two-factor authentication must then be set up again and emails "
            "with links sent again."
        )
    return found


def _kept(host: str, name: str, new: str, needs: str, instead: str) -> Path:
    """Return the file of a key that is made at the first start on this machine."""
    if host not in LOOPBACK or is_listening_beyond():
        raise SettingsError(needs)
    folder = ROOT / "instance"
    private.make_folder(folder)
    path = folder / name
    try:
        private.write_once(path, new)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}): {instead}") from None
    return path
