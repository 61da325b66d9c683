"""The outbox: mails go out after the action that wrote them, by a worker, outside any transaction (rules 14.2 to 14.4).

A mail is claimed by one conditional write and held by a lease that is renewed for as long as the mail server takes, so
two workers never send one mail twice while both are alive. That write counts the attempt, so one that nobody lives to
record was made all the same. A worker that dies after the server has accepted a mail and before that is recorded leaves
it to be sent again: at least once, never lost. Each attempt carries the same Message-ID, by which receivers drop the
second one. A worker that lives and cannot record it, as the database is away, asks until it can.
"""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Event, Thread
from typing import Any

from sqlalchemy import Engine, and_, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, undefer, undefer_group

from actions.core.mail_templates import Attachment, complete, one_line, with_hint
from actions.mail.mail import attachments_of
from actions.staff.password_links import LASTS
from models import normalise, outage
from models.base import N_
from models.customer import Customer
from models.dialect import WRITE
from models.mail import Addresses, Mail, MailState
from models.shop import Shop, load_shop
from models.vault import Closed

log = logging.getLogger(__name__)

RETRIES = tuple(dt.timedelta(minutes=m) for m in (1, 5, 30, 120, 360, 1440))
"""How long after each failed attempt the next one is made; after the last of them the mail has failed."""

OUR_FAULT_PAUSE = dt.timedelta(minutes=5)
"""After how long a mail is tried again that our own settings kept from going out."""
LEASE = dt.timedelta(seconds=60)
RENEW_EVERY = 20.0
"""Seconds."""
UNREACHABLE_PAUSE = 30.0
"""Seconds for which no mail is tried once the server itself did not answer: the next one would wait in vain too."""
MOST_TRIES = 5
MOST_PAUSE = 5.0
"""Seconds between two tries to record what became of a mail, at most."""
AWAY = (DBAPIError, PoolTimeout)
"""What a database raises that cannot be asked just now."""
TOO_BIG = 552
"""What a server says to the sender where the mail is larger than it takes."""
BROKEN_OFF = N_("Something went wrong. Give your admin the number of the email.")
CLOSED = N_(
    "The link in this email cannot be read because its key is not in this server's ENCRYPTION_KEYS. "
    "The email will be sent once the key is back."
)
CLOSED_TOO_LONG = N_(
    "The key for the link in this email is lost and the link has expired. Create a new link."
)
CLOSED_FOR = max(LASTS.values())
"""How long a mail waits for that key: as long as the link that lasts longest is good."""
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
    attachments: tuple[Attachment, ...] = ()


class Unreachable(Exception):
    """A mail server cannot be asked to bring anything to this recipient, and never will; the text says why."""


class OurFault(Exception):
    """No mail at all can go out as the settings are; the text says which to fix."""


@dataclass(frozen=True, slots=True)
class Post:
    """The way out. ``send`` hands a mail to the mail server and raises what smtplib raises, or one of the two above."""

    send: Callable[[Envelope], None]
    addresses: Addresses
    """What links in mails begin with."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to make one try of a mail until the lease ends or somebody claims it with a higher fence."""

    mail_id: int
    fence: int
    attempt: int
    """Which try it is, from 1."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a mail did not go out.

    :param permanent: trying again is of no use. :param server: it is about the server, and so about every mail.
    :param ours: it is about our own settings, so the mail waits for as long as they are not fixed.
    """

    words: str
    permanent: bool = False
    server: bool = False
    ours: bool = False


# -- claiming -----------------------------------------------------------------------------------------------------


def _due(now: dt.datetime) -> Any:
    free = or_(Mail.lease_until.is_(None), Mail.lease_until < now)
    return and_(Mail.state == MailState.WAITING, Mail.next_attempt_at <= now, free)


def _write(engine: Engine, statement: Any) -> Any:
    """Run one conditional write in a transaction of its own; return the row it returns, None where it hit nothing."""
    with Session(engine.execution_options(**{WRITE: True})) as session, session.begin():
        return session.execute(statement.execution_options(synchronize_session=False)).first()


def claim(engine: Engine, now: dt.datetime) -> Claim | None:
    """Take the mail that has been due longest and count the attempt, by one conditional write; None if none is due."""
    while True:
        with Session(engine) as session:
            first = select(Mail.id).where(_due(now)).order_by(Mail.next_attempt_at, Mail.id).limit(1)
            oldest = session.scalar(first)
        if oldest is None:
            return None
        counted = {"fence": Mail.fence + 1, "attempts": Mail.attempts + 1, "lease_until": now + LEASE}
        taken = update(Mail).where(Mail.id == oldest, _due(now)).values(**counted)
        if (found := _write(engine, taken.returning(Mail.fence, Mail.attempts))) is not None:
            return Claim(oldest, *found)


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
            except AWAY:
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
    engine: Engine,
    clock: Clock,
    post: Post,
    *,
    renew_every: float = RENEW_EVERY,
    stop: Event | None = None,
) -> Verdict | bool:
    """Send the mail that has been due longest; return why it did not go out, True if it did, False if there is none."""
    taken = claim(engine, clock())
    if taken is None:
        return False
    if taken.attempt > len(RETRIES) + 1:  # nobody who tried lived to tell
        return _put_off(engine, taken, clock(), Verdict(BROKEN_OFF, permanent=True))
    try:
        envelope = _envelope(engine, taken, clock(), post.addresses)
    except Closed:
        return _put_off(engine, taken, clock(), _of_the_key(engine, taken, clock()))
    if envelope is None:
        _record(engine, taken, {"state": MailState.WITHDRAWN, "attempts": taken.attempt - 1})
        return True
    try:
        with _held(engine, taken, clock, renew_every):
            post.send(envelope)
    except Exception as error:
        return _put_off(engine, taken, clock(), judge(error))
    _record(engine, taken, {"state": MailState.SENT, "sent_at": clock(), "last_error": None}, stop)
    return True


def _envelope(engine: Engine, taken: Claim, now: dt.datetime, addresses: Addresses) -> Envelope | None:
    """Return the mail as it goes out; None where the person has been erased. :raises Closed: no key opens it."""
    with Session(engine) as session:
        whole = (undefer_group("body"), undefer(Mail.secret))
        mail, shop = session.get_one(Mail, taken.mail_id, options=whole), load_shop(session)
        if not mail.recipient or mail.text_body is None or mail.html_body is None:
            return None
        secret = mail.secret.open() if mail.secret is not None else None
        text, html = (complete(body, addresses, secret) for body in (mail.text_body, mail.html_body))
        if mail.customer is not None and secret is not None:
            hint = _hint(mail, mail.customer, shop)
            text, html = with_hint(text, hint, is_html=False), with_hint(html, hint, is_html=True)
        subject = one_line(mail.subject or "")
        files = tuple(attachments_of(mail))
        return Envelope(
            mail.message_id, mail.recipient, subject, text, html, shop.name, shop.email, now, files
        )


def _hint(mail: Mail, customer: Customer, shop: Shop) -> str:
    """Return the hint for the password that a customer has now; nothing where it is none of this mailbox's business."""
    theirs = customer.is_live and normalise.email(customer.email) == mail.recipient_key
    return (customer.password_hint or "") if theirs and shop.password_hints else ""


def _record(engine: Engine, taken: Claim, values: dict[str, Any], stop: Event | None = None) -> None:
    """Write down the end of a mail, unless it is somebody else's by now. What was secret is forgotten."""
    over = {"lease_until": None, "next_attempt_at": None, "secret": None, **values}
    _note(engine, taken, over, stop)


def _of_the_key(engine: Engine, taken: Claim, now: dt.datetime) -> Verdict:
    """Have a mail wait for the key that opens its link, until the link would have expired: then it is sent again."""
    with Session(engine) as session:
        written = session.get_one(Mail, taken.mail_id).created_at
    return (
        Verdict(CLOSED, ours=True) if now - written < CLOSED_FOR else Verdict(CLOSED_TOO_LONG, permanent=True)
    )


def _put_off(engine: Engine, taken: Claim, now: dt.datetime, verdict: Verdict) -> Verdict:
    _record_failure(engine, taken, now, verdict)
    return verdict


def _record_failure(engine: Engine, taken: Claim, now: dt.datetime, verdict: Verdict) -> None:
    attempts = taken.attempt - 1 if verdict.ours else taken.attempt  # of ours, nobody was asked
    told = {"attempts": attempts, "last_error": verdict.words}
    log.warning("mail %s, attempt %s: %s", taken.mail_id, attempts, verdict.words)
    if verdict.permanent or attempts > len(RETRIES):
        _record(engine, taken, {"state": MailState.FAILED, **told})
    else:
        pause = OUR_FAULT_PAUSE if verdict.ours else RETRIES[attempts - 1]
        _note(engine, taken, {"lease_until": None, "next_attempt_at": now + pause, **told})


def _note(engine: Engine, taken: Claim, values: dict[str, Any], stop: Event | None = None) -> None:
    """Record what became of an attempt, lest the mail go out twice: a busy database is asked again.

    :param stop: one that is away is asked until it answers, or until somebody stops us.
    """
    pauses = outage.Pauses(1.0, MOST_PAUSE)
    for turn in count(1):
        try:
            if _write(engine, _mine(taken).values(**values).returning(Mail.id)) is None:
                log.warning("mail %s was taken over", taken.mail_id)
            return
        except AWAY as error:
            if turn < MOST_TRIES:
                continue
            is_ours = pauses.failed(error)
            if is_ours or stop is None or stop.wait(pauses.seconds):
                raise


def judge(error: Exception) -> Verdict:
    """Return what an attempt's failure means.

    A refused recipient or text (5xx) stays refused. Whatever else a server says may be fixed: by waiting, or by
    the people who look after the settings. What is wrong in our own settings says nothing of a recipient.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return Verdict(_said(code, said), permanent=code >= 500)
    if isinstance(error, smtplib.SMTPDataError):
        return Verdict(_said(error.smtp_code, error.smtp_error), permanent=error.smtp_code >= 500)
    if isinstance(error, Unreachable):
        return Verdict(str(error), permanent=True)
    if isinstance(error, OurFault):
        return Verdict(str(error), server=True, ours=True)
    if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code == TOO_BIG:
        return Verdict(_said(error.smtp_code, error.smtp_error), permanent=True)
    if isinstance(error, OSError):  # smtplib's own errors are of this kind too
        return Verdict(_of_the_server(error), server=True, ours=_is_ours(error))
    log.error("an email could not be handed over", exc_info=error)
    return Verdict(BROKEN_OFF)


def _is_ours(error: OSError) -> bool:
    """Return whether a server refuses us and not the mail: our password, our sender, our wish for encryption."""
    refused = isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPSenderRefused)
    if refused and isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    return isinstance(error, smtplib.SMTPNotSupportedError)


def _of_the_server(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return N_("The mail server did not answer in time.")
    if isinstance(error, ssl.SSLError):
        return N_("Could not connect securely to the mail server.")
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
        result = deliver_one(engine, clock, post, stop=stop)
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
    pauses = outage.Pauses(idle)
    while not stop.is_set():
        try:
            there = deliver(engine, clock, post, stop)
            pauses.worked()
            stop.wait(pauses.seconds if there else pause)
        except Exception as error:
            if pauses.failed(error):
                log.exception("outbox")
            stop.wait(pauses.seconds)
