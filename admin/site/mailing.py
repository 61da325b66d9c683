"""The way out to the mail server: Flask-Mail, which by itself waits for ever and believes any certificate.

What it hands over is put together in admin/site/mime.py and given to smtplib as it is: Flask-Mail's own messages change
names and addresses.
"""

from __future__ import annotations

import smtplib
import ssl
from email import charset
from types import TracebackType
from typing import Any

from flask import Flask
from flask_mail import Connection, Mail

from actions.mail.outbox import Envelope, OurFault, Post, Unreachable
from admin.site import mime
from config import Settings
from models.base import N_

charset.add_charset("utf-8", charset.SHORTEST, charset.BASE64, "utf-8")
"""As Python has it: importing Flask-Mail sends every text of the process as raw bytes, which some servers refuse."""

BAD_SHOP_EMAIL = N_("Emails cannot be sent from the shop's address. Change the shop email in the settings.")


class PatientConnection(Connection):
    """A connection that gives up after ``timeout`` seconds without an answer, and checks who answers."""

    def __init__(self, state: Any, timeout: float) -> None:
        super().__init__(state)
        self.timeout = timeout

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Connect and, where the settings say so, encrypt and sign in.

        We call ourselves by the domain of our mail: smtplib would ask a name server, and wait for it.
        """
        ourselves = str(self.mail.default_sender).rpartition("@")[2]
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if self.mail.use_ssl:
            host = smtplib.SMTP_SSL(
                self.mail.server,
                self.mail.port or 0,
                ourselves,
                timeout=self.timeout,
                context=ssl.create_default_context(),
            )
        else:
            host = smtplib.SMTP(self.mail.server, self.mail.port or 0, ourselves, timeout=self.timeout)
        try:
            if self.mail.use_tls:
                host.starttls(context=ssl.create_default_context())
            if self.mail.username and self.mail.password:
                host.login(self.mail.username, self.mail.password)
        except BaseException:
            host.close()
            raise
        return host

    def takes_letters(self) -> bool:
        """Return whether the server takes letters beyond ASCII before the @ (RFC 6531)."""
        assert self.host is not None
        self.host.ehlo_or_helo_if_needed()
        return bool(self.host.has_extn("smtputf8"))

    def hand_over(self, sender: str, to: str, composed: bytes, *, beyond_ascii: bool) -> None:
        """Give the server a mail as it is. :raises OSError: it says no."""
        assert self.host is not None
        self.host.sendmail(sender, [to], composed, ["SMTPUTF8"] if beyond_ascii else [])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say goodbye if all went well; a mail that was accepted is not lost because nobody says goodbye back."""
        if self.host is None:
            return
        try:
            if error is None:
                self.host.quit()
        except OSError:
            pass
        finally:
            self.host.close()


def install(app: Flask, settings: Settings) -> None:
    """Give the application its mail settings."""
    server = settings.mail
    if server is not None:
        app.config.update(
            MAIL_SERVER=server.server,
            MAIL_PORT=server.port,
            MAIL_USERNAME=server.username,
            MAIL_PASSWORD=server.password,
            MAIL_USE_TLS=server.use_tls,
            MAIL_USE_SSL=server.use_ssl,
            MAIL_DEFAULT_SENDER=server.sender,
            MAIL_SUPPRESS_SEND=False,
            MAIL_DEBUG=0,
        )
        Mail(app)


def post(app: Flask) -> Post | None:
    """Return the way out, None where no mail server is set up."""
    settings: Settings = app.extensions["clientele.settings"]
    server = settings.mail
    if server is None:
        return None

    def send(envelope: Envelope) -> None:
        to = recipient_of(envelope)
        composed = mime.compose(envelope, server.sender).as_bytes()
        beyond = not to.isascii() or not mime.address(envelope.reply_to or server.sender).isascii()
        with app.app_context(), PatientConnection(app.extensions["mail"], server.timeout) as connection:
            if beyond and not connection.takes_letters():
                raise _not_written(to)
            connection.hand_over(server.sender, to, composed, beyond_ascii=beyond)

    return Post(send, settings.addresses)


def recipient_of(envelope: Envelope) -> str:
    """Return where a mail goes, as a mail server takes it.

    :raises Unreachable: the recipient's address is none. :raises OurFault: the shop's own is none.
    """
    if envelope.reply_to and not mime.is_address(envelope.reply_to):
        raise OurFault(BAD_SHOP_EMAIL)
    if not mime.is_address(envelope.recipient):
        raise Unreachable(N_("This is not an email address."))
    return mime.address(envelope.recipient)


def _not_written(to: str) -> Unreachable | OurFault:
    """Return why a server that lacks SMTPUTF8 was not given a mail: whose address would need it."""
    if to.isascii():
        return OurFault(BAD_SHOP_EMAIL)
    return Unreachable(N_("The mail server does not support letters such as é or ü before the @ (SMTPUTF8)."))
