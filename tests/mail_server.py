"""Real mail servers for tests to send to, on this machine: one that takes mail or refuses it, and one that is mute."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

from config import MailServer
from tests import network


@dataclass
class Taken:
    """What a mail server has: the mails it took, and what it says instead of taking the next."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    at_recipient: str = ""
    at_text: str = ""

    def begin_again(self) -> None:
        """Forget what came, and take what comes."""
        self.mails.clear()
        self.recipients.clear()
        self.at_recipient = self.at_text = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """Take a recipient, or say no."""
        if self.at_recipient:
            return self.at_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a mail, or say no."""
        if self.at_text:
            return self.at_text
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.recipients.extend(envelope.rcpt_tos)
        return "250 OK"

    def settings(self, **values: Any) -> MailServer:
        """The settings by which mail comes here."""
        return MailServer("127.0.0.1", self.port, "desk@shop.example", **values)


class _OnAnyPort(Controller):
    """aiosmtpd's server on whatever port is free."""

    def __init__(self, taken: Taken, *, utf8: bool) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        taken.port = self._socket.getsockname()[1]
        super().__init__(
            taken, hostname="127.0.0.1", port=taken.port, server_hostname="mail.test", enable_SMTPUTF8=utf8
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._socket)


@contextmanager
def running(*, utf8: bool = True) -> Iterator[Taken]:
    """Run a server that takes mail until it is told to say something else.

    :param utf8: it takes letters beyond ASCII before the @ too.
    """
    taken = Taken()
    controller = _OnAnyPort(taken, utf8=utf8)
    controller.start()
    try:
        with network.mail_server(taken.port):
            yield taken
    finally:
        controller.stop()


@contextmanager
def mute() -> Iterator[Taken]:
    """Run a server that lets one connect and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with network.mail_server(port):
            yield Taken(port)


def closed() -> Taken:
    """A port of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return Taken(server.getsockname()[1])
