"""Tests talk to this machine only. Anything else is stopped, and fails the test even if the code goes on.

Mail is stopped even on this machine, where a real mail server may listen, save to a server that the test itself runs
and names by :func:`mail_server`.
"""

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_attempts: list[str] = []
_mail_ports: set[int] = set()
_armed = False


class NetworkBlockedError(RuntimeError):
    """A test tried to reach the network or a mail server."""


def install() -> None:
    """Watch every socket of this process from now on; calling it again does nothing."""
    global _armed  # noqa: PLW0603 - an audit hook cannot be removed, so it is armed once a process
    if not _armed:
        sys.addaudithook(_watch)
        _armed = True


def take_attempts() -> list[str]:
    """Return what was stopped since the last call, and forget it."""
    taken = _attempts.copy()
    _attempts.clear()
    return taken


@contextmanager
def mail_server(port: int) -> Iterator[None]:
    """Let mail through to the server that the test runs on this port of this machine."""
    _mail_ports.add(port)
    try:
        yield
    finally:
        _mail_ports.discard(port)


def _watch(name: str, details: tuple[Any, ...]) -> None:
    if name in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = details[1]
        if isinstance(address, tuple) and not is_local(address[0]):
            _stop(f"{name} to {address[0]}:{address[1]}")
    elif name in {"socket.getaddrinfo", "socket.gethostbyname"}:
        if details[0] is not None and not is_local(details[0]):
            _stop(f"{name} of {details[0]!r}")
    elif name == "smtplib.connect" and not (is_local(details[1]) and details[2] in _mail_ports):
        _stop(f"{name} to {details[1]}:{details[2]}")


def is_local(host: Any) -> bool:
    """Whether a host, as sockets take it, is this machine."""
    text = host.decode() if isinstance(host, bytes) else str(host)
    if text in {"", "localhost"}:
        return True
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


def _stop(what: str) -> None:
    _attempts.append(what)
    raise NetworkBlockedError(f"tests do not leave this machine: {what}")
