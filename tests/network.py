"""Tests talk to this machine only. Anything else is stopped, and fails the test even if the code goes on.

Mail is stopped even on this machine, where a real mail server may listen, save to a server that the test itself runs
and names by :func:`mail_server`.

What sends is watched where it is called. An audit hook would see the same, and be asked a thousand times a page about
all else that Python does, which took a thirtieth of the whole suite.
"""

import functools
import ipaddress
import smtplib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_attempts: list[str] = []
_mail_ports: set[int] = set()


class NetworkBlockedError(RuntimeError):
    """A test tried to reach the network or a mail server."""


def install() -> None:
    """Watch every socket of this process from now on; calling it again does nothing."""
    for name in ("connect", "connect_ex", "sendto", "sendmsg"):
        _watch(socket.socket, name, _look_at_address)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        _watch(socket, name, _look_at_name)
    _watch(smtplib.SMTP, "connect", _look_at_mail)


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


def _watch(owner: Any, name: str, look: Callable[..., None]) -> None:
    """Have ``look`` see what a function or method is called with, before it is called."""
    called = getattr(owner, name)
    if hasattr(called, "watched"):
        return

    @functools.wraps(called)
    def watched(*given: Any, **named: Any) -> Any:
        look(name, *given, **named)
        return called(*given, **named)

    watched.watched = True
    setattr(owner, name, watched)


def _look_at_address(name: str, _socket: Any, *given: Any) -> None:
    """The address is the last that a socket is given, and a tuple where it is one of the network."""
    address = given[-1] if given else None
    if isinstance(address, tuple) and not is_local(address[0]):
        _stop(f"socket.{name} to {address[0]}:{address[1]}")


def _look_at_name(name: str, host: Any, *_given: Any, **_named: Any) -> None:
    if host is not None and not is_local(host):
        _stop(f"socket.{name} of {host!r}")


def _look_at_mail(name: str, smtp: Any, host: str = "localhost", port: int | str = 0, *_given: Any) -> None:
    if not port and host.count(":") == 1:
        host, _colon, port = host.partition(":")
    port = int(port) or smtp.default_port
    if not (is_local(host) and port in _mail_ports):
        _stop(f"smtplib.{name} to {host}:{port}")


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
