"""The outbox: mails go out after the deed that wrote them, by a worker, outside any transaction (rules 14.2 to 14.4).

A mail is claimed by one conditional write and held by a lease that is renewed for as long as the mail server takes, so
two workers never send one mail twice while both are alive. A worker that dies after the server has accepted a mail and
before that is recorded leaves it to be sent again: at least once, never lost. Each attempt carries the same Message-ID,
by which receivers drop the second one.
"""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from sqlalchemy import Engine, and_, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, undefer, undefer_group

from actions.letters import Enclosure, complete, one_line
from actions.mail import enclosed
from models.base import N_
from models.dialect import WRITE
from models.mail import Mail, MailState
from models.shop import load_shop

log = logging.getLogger(__name__)

RETRIES = tuple(dt.timedelta(minutes=m) for m in (1, 5, 30, 120, 360, 1440))
"""How long after each failed attempt the next one is made; after the last of them the mail has failed."""

LEASE = dt.timedelta(seconds=60)
RENEW_EVERY = 20.0
"""Seconds."""
UNREACHABLE_PAUSE = 30.0
"""Seconds for which no mail is tried once the server itself did not answer: the next one would wait in vain too."""
MOST_TRIES = 5
LONGEST_ERROR = 300
Clock = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class Envelope:
    """A mail as it goes out. ``message_id`` is the part before the @, the same at each attempt."""

    message_id: str
    recipient: str
    subject: str
    text: str
    html: str
    shop: str
    reply_to: str | None
    at: dt.datetime
    enclosed: tuple[Enclosure, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """The way out. ``send`` hands a mail to the mail server and raises what smtplib raises."""

    send: Callable[[Envelope], None]
    base_url: str
    """The address of this deployment, which links in mails begin with."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send a mail until the lease ends or somebody claims it with a higher fence."""

    mail_id: int
    fence: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a mail did not go out.

    :param permanent: trying again is of no use. :param server: it is about the server, and so about every mail.
    """

    words: str
    permanent: bool = False
    server: bool = False


# -- claiming -----------------------------------------------------------------------------------------------------


def _due(now: dt.datetime) -> Any:
    free = or_(Mail.lease_until.is_(None), Mail.lease_until < now)
    return and_(Mail.state == MailState.WAITING, Mail.next_attempt_at <= now, free)


def _write(engine: Engine, statement: Any) -> Any:
    """Run one conditional write in a transaction of its own; return what it returns, None where it hit nothing."""
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        return session.scalar(statement.execution_options(synchronize_session=False))


def claim(engine: Engine, now: dt.datetime) -> Claim | None:
    """Take the mail that has been due longest, by one conditional write; None when there is none."""
    while True:
        with Session(engine) as session:
            first = select(Mail.id).where(_due(now)).order_by(Mail.next_attempt_at, Mail.id).limit(1)
            oldest = session.scalar(first)
        if oldest is None:
            return None
        taken = update(Mail).where(Mail.id == oldest, _due(now))
        fence = _write(
            engine, taken.values(fence=Mail.fence + 1, lease_until=now + LEASE).returning(Mail.fence)
        )
        if fence is not None:
            return Claim(oldest, fence)


def _mine(taken: Claim) -> Any:
    return update(Mail).where(
        Mail.id == taken.mail_id, Mail.fence == taken.fence, Mail.state == MailState.WAITING
    )


@contextmanager
def _held(engine: Engine, taken: Claim, clock: Clock, every: float) -> Iterator[None]:
    """Renew the lease for as long as the sending takes."""
    over = Event()

    def renew() -> None:
        while not over.wait(every):
            try:
                _write(engine, _mine(taken).values(lease_until=clock() + LEASE).returning(Mail.id))
            except OperationalError:
                log.warning("mail %s: the lease could not be renewed", taken.mail_id)

    keeper = Thread(target=renew, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


# -- sending ------------------------------------------------------------------------------------------------------


def deliver_one(
    engine: Engine, clock: Clock, post: Post, *, renew_every: float = RENEW_EVERY
) -> Verdict | bool:
    """Send the mail that has been due longest; return why it did not go out, True if it did, False if there is none."""
    taken = claim(engine, clock())
    if taken is None:
        return False
    envelope = _envelope(engine, taken, clock(), post.base_url)
    if envelope is None:
        _record(engine, taken, {"state": MailState.WITHDRAWN})
        return True
    try:
        with _held(engine, taken, clock, renew_every):
            post.send(envelope)
    except Exception as error:
        verdict = judge(error)
        _record_failure(engine, taken, clock(), verdict)
        return verdict
    sent = {"state": MailState.SENT, "sent_at": clock(), "attempts": Mail.attempts + 1, "last_error": None}
    _record(engine, taken, sent)
    return True


def _envelope(engine: Engine, taken: Claim, now: dt.datetime, base_url: str) -> Envelope | None:
    """Return the mail as it goes out; None where the person was erased meanwhile."""
    with Session(engine) as session:
        whole = (undefer_group("body"), undefer(Mail.secret))
        mail, shop = session.get_one(Mail, taken.mail_id, options=whole), load_shop(session)
        if not mail.recipient or mail.text_body is None or mail.html_body is None:
            return None
        text, html = (complete(body, base_url, mail.secret) for body in (mail.text_body, mail.html_body))
        subject = one_line(mail.subject or "")
        files = tuple(enclosed(mail))
        return Envelope(
            mail.message_id, mail.recipient, subject, text, html, shop.name, shop.email, now, files
        )


def _record(engine: Engine, taken: Claim, values: dict[str, Any]) -> None:
    """Write down the end of a mail, unless it is somebody else's by now. What was secret is forgotten."""
    over = {"lease_until": None, "next_attempt_at": None, "secret": None, **values}
    _note(engine, taken, over)


def _record_failure(engine: Engine, taken: Claim, now: dt.datetime, verdict: Verdict) -> None:
    with Session(engine) as session:
        attempts = session.get_one(Mail, taken.mail_id).attempts + 1
    told = {"attempts": attempts, "last_error": verdict.words}
    log.warning("mail %s, attempt %s: %s", taken.mail_id, attempts, verdict.words)
    if verdict.permanent or attempts > len(RETRIES):
        _record(engine, taken, {"state": MailState.FAILED, **told})
    else:
        _note(engine, taken, {"lease_until": None, "next_attempt_at": now + RETRIES[attempts - 1], **told})


def _note(engine: Engine, taken: Claim, values: dict[str, Any]) -> None:
    """Record what became of an attempt: a busy database is asked again, lest the mail go out twice."""
    for turn in range(MOST_TRIES):
        try:
            if _write(engine, _mine(taken).values(**values).returning(Mail.id)) is None:
                log.warning("mail %s was taken over", taken.mail_id)
            return
        except OperationalError:
            if turn == MOST_TRIES - 1:
                raise


def judge(error: Exception) -> Verdict:
    """Return what an attempt's failure means.

    A refused recipient or text (5xx) stays refused. Whatever else a server says may be mended: by waiting, or by
    whoever looks after the settings.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return Verdict(_said(code, said), permanent=code >= 500)
    if isinstance(error, smtplib.SMTPDataError):
        return Verdict(_said(error.smtp_code, error.smtp_error), permanent=error.smtp_code >= 500)
    if isinstance(error, UnicodeError):
        return Verdict(N_("The mail server cannot write to this address."), permanent=True)
    if isinstance(error, OSError):  # smtplib's own errors are of this kind too
        return Verdict(_of_the_server(error), server=True)
    log.error("an email could not be handed over", exc_info=error)
    return Verdict(N_("Something went wrong. Tell your admin the number of the email."))


def _of_the_server(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return N_("The mail server did not answer in time.")
    if isinstance(error, ssl.SSLError):
        return N_("No secure connection to the mail server could be made.")
    if isinstance(error, smtplib.SMTPException):
        return _said(0, str(error))
    return N_("The mail server could not be reached.")


def _said(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return one_line(f"{code or ''} {text}")[:LONGEST_ERROR]


# -- working ------------------------------------------------------------------------------------------------------


def deliver(engine: Engine, clock: Clock, post: Post | None, stop: Event | None = None) -> bool:
    """Send every mail that is due; return whether the mail server was there.

    Without a mail server nothing waits: the mails are kept for reading, and can be sent once there is one.
    """
    if post is None:
        withhold(engine, clock())
        return True
    while not (stop is not None and stop.is_set()):
        result = deliver_one(engine, clock, post)
        if result is False:
            return True
        if isinstance(result, Verdict) and result.server:
            return False
    return True


def withhold(engine: Engine, now: dt.datetime) -> None:
    """Mark what is due as not sent."""
    with Session(engine) as session:
        if session.scalar(select(Mail.id).where(_due(now)).limit(1)) is None:
            return
    values = {"state": MailState.WITHHELD, "next_attempt_at": None, "secret": None}
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        session.execute(
            update(Mail).where(_due(now)).values(**values), execution_options={"synchronize_session": False}
        )


def serve(
    engine: Engine,
    clock: Clock,
    post: Post | None,
    stop: Event,
    idle: float = 1.0,
    pause: float = UNREACHABLE_PAUSE,
) -> None:
    """Send mails as they come, until ``stop``. A failure is logged and never ends the loop."""
    while not stop.is_set():
        wait = idle
        try:
            if not deliver(engine, clock, post, stop):
                wait = pause
        except Exception:
            log.exception("outbox")
        stop.wait(wait)
