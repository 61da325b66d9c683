"""The way out to the mail server: Flask-Mail, which by itself waits for ever and believes any certificate."""

from __future__ import annotations

import smtplib
import ssl
from email.utils import formataddr
from types import TracebackType
from typing import Any

from flask import Flask
from flask_mail import Connection, Mail, Message

from actions.letters import one_line
from actions.outbox import Envelope, Post
from config import MailServer, Settings


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
        with app.app_context(), PatientConnection(app.extensions["mail"], server.timeout) as connection:
            connection.send(message(envelope, server))

    return Post(send, settings.base_url)


def message(envelope: Envelope, server: MailServer) -> Message:
    """Return a mail as Flask-Mail takes it: from the shop, whose own address gets the answers."""
    made = Message(
        subject=envelope.subject,
        recipients=[envelope.recipient],
        body=envelope.text,
        html=envelope.html,
        sender=formataddr((one_line(envelope.shop), server.sender)),
        reply_to=envelope.reply_to,
        date=envelope.at.timestamp(),
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    for file in envelope.enclosed:
        made.attach(one_line(file.name), file.content_type, file.content)
    made.msgId = f"<{envelope.message_id}@{server.sender.rpartition('@')[2]}>"
    return made
