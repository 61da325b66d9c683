"""The outbox: each mail sent once by somebody, retried on time, lost by nobody, and what is secret forgotten (rules 14.2 to 14.4)."""

import datetime as dt
import os
import signal
import smtplib
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy.exc
from sqlalchemy import select, update

from actions.core.base import Refused
from actions.mail import outbox
from actions.mail.mail import ONLY_ONCE, resend, take_back
from actions.mail.outbox import RETRIES, Envelope, Post
from models.customer import Customer
from models.journal import Changeset
from models.mail import BASE_MARK, SECRET_MARK, Addresses, Mail, MailState
from tests import factories
from tests.actions.desk import Desk
from tests.actions.letterbox import (
    BASE,
    Letterbox,
    approved,
    deliver,
    empty_outbox,
    the_mail,
)

__all__ = ["empty_outbox"]

MINUTES = (1, 5, 30, 120, 360, 1440)


def test_what_waits_is_sent_and_sent_once(desk: Desk) -> None:
    first, second = approved(desk), approved(desk)
    box = Letterbox()
    desk.later(seconds=5)
    assert deliver(desk, box)
    assert deliver(desk, box)
    assert [e.recipient for e in box.sent] == [desk.of(first).email, desk.of(second).email]
    mail = the_mail(desk, first)
    assert (mail.state, mail.sent_at, mail.attempts) == (MailState.SENT, desk.now, 1)
    assert (mail.lease_until, mail.next_attempt_at, mail.last_error) == (None, None, None)
    assert box.sent[0].message_id == mail.message_id


def test_failed_attempts_are_repeated_after_1_5_and_30_minutes_2_6_and_24_hours(desk: Desk) -> None:
    customer = approved(desk)
    box = Letterbox(smtplib.SMTPRecipientsRefused({"x": (451, b"4.7.1 Greylisted,\r\n try later")}))
    for number, minutes in enumerate(MINUTES, start=1):
        deliver(desk, box)
        mail = the_mail(desk, customer)
        assert (mail.state, mail.attempts) == (MailState.WAITING, number)
        assert mail.next_attempt_at == desk.now + dt.timedelta(minutes=minutes)
        assert mail.last_error == "451 4.7.1 Greylisted, try later"
        desk.later(minutes=minutes, microseconds=-1)
        deliver(desk, box)
        assert len(box.sent) == number, "not a moment earlier"
        desk.later(microseconds=1)
    assert tuple(d.total_seconds() / 60 for d in RETRIES) == MINUTES
    deliver(desk, box)
    mail = the_mail(desk, customer)
    assert (mail.state, mail.attempts, mail.next_attempt_at) == (MailState.FAILED, 7, None)
    desk.later(days=9)
    deliver(desk, box)
    assert len(box.sent) == 7
    assert len({e.message_id for e in box.sent}) == 1, "receivers can tell that it is the same mail"


def test_a_mail_that_fails_at_first_arrives_later(desk: Desk) -> None:
    customer = approved(desk)
    deliver(desk, Letterbox(TimeoutError()))
    assert the_mail(desk, customer).last_error == "The mail server did not answer in time."
    desk.later(minutes=1)
    deliver(desk, Letterbox())
    mail = the_mail(desk, customer)
    assert (mail.state, mail.attempts, mail.last_error) == (MailState.SENT, 2, None)


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (smtplib.SMTPRecipientsRefused({"x": (550, b"5.1.1 <x@y>: no such user")}), MailState.FAILED, "550 5.1.1 <x@y>: no such user"),
        (smtplib.SMTPDataError(554, b"5.7.1 Looks\x00 like\x1b spam " + b"x" * 900), MailState.FAILED, "554 5.7.1 Looks like spam x"),
        (outbox.Unreachable("This is not an email address."), MailState.FAILED, "This is not an email address."),
        (UnicodeEncodeError("ascii", "ü", 0, 1, "?"), MailState.WAITING, "Something went wrong. Give your admin the number of the email."),
        (smtplib.SMTPSenderRefused(552, b"5.3.4 Too big", "desk@shop.example"), MailState.FAILED, "552 5.3.4 Too big"),
        (smtplib.SMTPDataError(452, b"4.2.2 Mailbox full"), MailState.WAITING, "452 4.2.2 Mailbox full"),
        (smtplib.SMTPSenderRefused(550, b"5.7.1 Not you", "desk@shop.example"), MailState.WAITING, "550 5.7.1 Not you"),
        (smtplib.SMTPAuthenticationError(535, b"5.7.8 Wrong password"), MailState.WAITING, "535 5.7.8 Wrong password"),
        (smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), MailState.WAITING, "Connection unexpectedly closed"),
        (ConnectionRefusedError(111, "refused"), MailState.WAITING, "The mail server could not be reached."),
        (ZeroDivisionError("oh"), MailState.WAITING, "Something went wrong. Give your admin the number of the email."),
    ],
)  # fmt: skip
def test_what_cannot_work_fails_at_once_and_the_rest_is_tried_again(
    desk: Desk, error, state: MailState, words: str
) -> None:
    customer = approved(desk)
    deliver(desk, Letterbox(error))
    mail = the_mail(desk, customer)
    assert mail.state == state
    assert mail.last_error.startswith(words)
    assert len(mail.last_error) <= outbox.LONGEST_ERROR
    assert mail.last_error.isprintable()


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPSenderRefused(550, b"5.7.1 Not you", "desk@shop.example"),
        smtplib.SMTPAuthenticationError(535, b"5.7.8 Wrong password"),
        smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server."),
        outbox.OurFault("Mend the settings."),
    ],
)
def test_what_our_own_settings_keep_from_going_out_waits_until_they_are_mended(desk: Desk, error) -> None:
    customer = approved(desk)
    for _turn in range(len(RETRIES) + 3):
        assert deliver(desk, Letterbox(error)) is False
        mail = the_mail(desk, customer)
        assert (mail.state, mail.attempts, mail.next_attempt_at - desk.now) == (
            MailState.WAITING, 0, outbox.OUR_FAULT_PAUSE,
        )  # fmt: skip
        desk.later(seconds=outbox.OUR_FAULT_PAUSE.total_seconds())
    deliver(desk, Letterbox())
    assert the_mail(desk, customer).state == MailState.SENT


def test_a_server_that_is_not_there_is_not_asked_again_for_each_mail(desk: Desk) -> None:
    waiting = [approved(desk) for _n in range(3)]
    box = Letterbox(TimeoutError())
    assert deliver(desk, box) is False
    assert len(box.sent) == 1
    assert [the_mail(desk, c).attempts for c in waiting] == [1, 0, 0]
    refused = Letterbox(smtplib.SMTPRecipientsRefused({"x": (550, b"no")}))
    assert deliver(desk, refused) is True
    assert len(refused.sent) == 2, "a refused address says nothing about the next"


def test_without_a_mail_server_mails_stay_readable_and_do_not_go_out_later(desk: Desk) -> None:
    customer = approved(desk)
    outbox.deliver(desk.engine, lambda: desk.now, None)
    mail = the_mail(desk, customer)
    assert mail.state == MailState.WITHHELD
    assert "approved" in mail.text_body
    box = Letterbox()
    deliver(desk, box)
    assert box.sent == []


def test_two_senders_at_once_send_each_mail_once(desk: Desk) -> None:
    people = [approved(desk) for _n in range(12)]
    box, start = Letterbox(), threading.Barrier(3)

    def work() -> None:
        start.wait()
        outbox.deliver(desk.engine, lambda: desk.now, box.post)

    threads = [threading.Thread(target=work) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(e.recipient for e in box.sent) == sorted(str(desk.of(p).email) for p in people)
    assert {the_mail(desk, p).state for p in people} == {MailState.SENT}


def test_a_slow_server_keeps_its_mail_for_as_long_as_it_takes(desk: Desk) -> None:
    """The clock runs past the lease while the server thinks: the lease is renewed, so nobody else takes the mail."""
    approved(desk)
    thinking, answer, times = threading.Event(), threading.Event(), [desk.now]
    sent = []

    def slow(envelope: Envelope) -> None:
        sent.append(envelope)
        thinking.set()
        assert answer.wait(20)

    def send() -> None:
        outbox.deliver_one(
            desk.engine, lambda: times[-1], Post(slow, Addresses(BASE, BASE + "/portal")), renew_every=0.01
        )

    sender = threading.Thread(target=send)
    sender.start()
    assert thinking.wait(20)
    for _turn in range(3):
        times.append(times[-1] + dt.timedelta(seconds=50))
        until(lambda: lease(desk) > times[-1] + dt.timedelta(seconds=55))
        assert outbox.claim(desk.engine, times[-1]) is None
    answer.set()
    sender.join()
    assert len(sent) == 1


def until(met: Callable[[], bool]) -> None:
    """Wait for another thread to get there."""
    for _turn in range(2000):
        if met():
            return
        threading.Event().wait(0.01)
    pytest.fail("it never happened")


def lease(desk: Desk) -> dt.datetime:
    """Until when the mail on its way is held."""
    with desk.look() as session:
        return session.scalar(
            select(Mail.lease_until).where(Mail.state == MailState.WAITING).order_by(Mail.id.desc())
        )


def test_a_sender_that_was_taken_over_writes_nothing_more(desk: Desk) -> None:
    customer = approved(desk)
    late = outbox.claim(desk.engine, desk.now)
    desk.later(seconds=61)
    deliver(desk, Letterbox())
    outbox._record(desk.engine, late, {"state": MailState.FAILED, "last_error": "late"})
    mail = the_mail(desk, customer)
    assert (mail.state, mail.last_error) == (MailState.SENT, None)


KILLED = """
import datetime as dt, sys, time
import actions.registry
import actions.mail.outbox as outbox
from models.mail import Addresses
from models.schema import open_engine
engine, now, when = open_engine(sys.argv[1]), dt.datetime.fromisoformat(sys.argv[2]), sys.argv[3]
def send(envelope):
    if when == "accepted":
        print(envelope.message_id, flush=True)
    else:
        print("connecting", flush=True)
    time.sleep(600)
outbox.deliver(engine, lambda: now, outbox.Post(send, Addresses("http://x", "http://x/portal")))
"""


@pytest.mark.parametrize("when", ["accepted", "before"])
def test_a_killed_sender_loses_no_mail_and_what_it_had_sent_can_be_told_by_its_id(
    desk: Desk, when: str
) -> None:
    customer = approved(desk)
    url = desk.engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, url, desk.now.isoformat(), when], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    box = Letterbox()
    deliver(desk, box)
    assert box.sent == [], "its lease still holds"
    desk.later(seconds=61)
    deliver(desk, box)
    assert [e.recipient for e in box.sent] == [desk.of(customer).email]
    assert said in ("connecting", box.sent[0].message_id)
    mail = the_mail(desk, customer)
    assert (mail.state, mail.attempts) == (MailState.SENT, 2), "an attempt nobody lived to record was one"


def test_a_mail_that_ends_every_sender_is_given_up_after_as_many_attempts_as_any_other(desk: Desk) -> None:
    customer, box = approved(desk), Letterbox()
    for _died in range(len(RETRIES) + 1):
        assert outbox.claim(desk.engine, desk.now) is not None
        desk.later(seconds=61)
    deliver(desk, box)
    mail = the_mail(desk, customer)
    assert (mail.state, mail.last_error, box.sent) == (MailState.FAILED, outbox.BROKEN_OFF, [])


class Turns(threading.Event):
    """A signal to stop that is given after some turns; nobody really waits for it."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def wait(self, timeout: float | None = None) -> bool:
        self.most -= 1
        if self.most <= 0:
            self.set()
        return self.is_set()


def away_once_sent(monkeypatch: pytest.MonkeyPatch, box: Letterbox, turns: int) -> None:
    """Have the database be away for so many writes right after the mail server took a mail."""
    real, left = outbox._write, [turns]

    def write(*given: Any) -> Any:
        if box.sent and left[0]:
            left[0] -= 1
            raise sqlalchemy.exc.TimeoutError
        return real(*given)

    monkeypatch.setattr(outbox, "_write", write)


def test_what_went_out_while_the_database_went_away_is_noted_when_it_is_back(desk: Desk, monkeypatch) -> None:
    customer, box = approved(desk), Letterbox()
    away_once_sent(monkeypatch, box, turns=12)
    assert outbox.deliver(desk.engine, lambda: desk.now, box.post, Turns(10))
    assert (the_mail(desk, customer).state, len(box.sent)) == (MailState.SENT, 1)


def test_who_is_stopped_before_that_leaves_the_mail_to_be_sent_again_as_the_same_one(
    desk: Desk, monkeypatch
) -> None:
    customer, box = approved(desk), Letterbox()
    away_once_sent(monkeypatch, box, turns=12)
    with pytest.raises(sqlalchemy.exc.TimeoutError):
        outbox.deliver(desk.engine, lambda: desk.now, box.post, Turns(2))
    monkeypatch.undo()
    desk.later(seconds=61)
    deliver(desk, box)
    assert [e.message_id for e in box.sent] == [the_mail(desk, customer).message_id] * 2


def test_the_sender_waits_works_and_stops(desk: Desk) -> None:
    stop, box = threading.Event(), Letterbox()
    thread = threading.Thread(
        target=outbox.serve, args=(desk.engine, lambda: desk.now, box.post, stop, 0.01, 0.01)
    )
    thread.start()
    customer = approved(desk)
    until(lambda: the_mail(desk, customer).state == MailState.SENT)
    stop.set()
    thread.join()
    assert len(box.sent) == 1


def test_the_sender_goes_on_after_a_failure_of_its_own(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real, broken = outbox.claim, threading.Event()

    def claim(*args: Any) -> Any:
        if not broken.is_set():
            broken.set()
            raise ZeroDivisionError
        return real(*args)

    monkeypatch.setattr(outbox, "claim", claim)
    customer, stop, box = approved(desk), threading.Event(), Letterbox()
    thread = threading.Thread(
        target=outbox.serve, args=(desk.engine, lambda: desk.now, box.post, stop, 0.01, 0.01)
    )
    thread.start()
    until(lambda: the_mail(desk, customer).state == MailState.SENT)
    stop.set()
    thread.join()


# -- secrets and addresses ----------------------------------------------------------------------------------------


TOKEN = "abcDEF0123456789-_xyz"


def with_secret(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> int:
    """A customer who was written a link that only they may see."""
    from jinja2 import DictLoader

    from actions.core import mail_templates

    body = "{% extends base %}{% block body %}{{ link('/reset/' ~ secret) }}{% endblock %}"
    files = {f"test_link.{k}": body.replace("base", f"'_base.{k}'") for k in ("txt", "html")}
    for kind in ("txt", "html"):
        files[f"_base.{kind}"] = mail_templates.LOADER.get_source(
            mail_templates._environment(False, "en"), f"_base.{kind}"
        )[0]
    mail_templates._environment.cache_clear()
    monkeypatch.setattr(mail_templates, "LOADER", DictLoader(files))
    monkeypatch.setitem(
        mail_templates.MAIL_TEMPLATES,
        "test_link",
        mail_templates.MailTemplate("test_link", "Link", "A link for you"),
    )
    customer = desk.customer(email=f"jo{factories.number()}@x.com")
    with desk.changeset() as ctx:
        ctx.mail("test_link", ctx.lock_one(Customer, customer), secret=TOKEN)
    mail_templates._environment.cache_clear()
    return customer


def test_a_link_is_whole_in_the_mail_masked_in_the_log_and_forgotten_once_sent(
    desk: Desk, monkeypatch
) -> None:
    customer = with_secret(desk, monkeypatch)
    mail, box = the_mail(desk, customer), Letterbox(TimeoutError())
    for text in (mail.text_body, mail.html_body):
        assert f"{BASE_MARK}/reset/{SECRET_MARK}" in text
        assert TOKEN not in text
    deliver(desk, box)
    assert the_mail(desk, customer).secret.open() == TOKEN, "it is needed for the next attempt"
    desk.later(minutes=1)
    box.error = None
    deliver(desk, box)
    for envelope in box.sent:
        assert f"{BASE}/reset/{TOKEN}" in envelope.text
        assert f"{BASE}/reset/{TOKEN}" in envelope.html
    assert the_mail(desk, customer).secret is None
    with pytest.raises(Refused, match="single-use"):
        desk.do(resend, the_mail(desk, customer).id)


@pytest.mark.parametrize("how", ["failed", "withheld", "withdrawn"])
def test_a_secret_is_forgotten_where_no_further_attempt_is_made(desk: Desk, monkeypatch, how: str) -> None:
    customer = with_secret(desk, monkeypatch)
    if how == "failed":
        deliver(desk, Letterbox(smtplib.SMTPRecipientsRefused({"x": (550, b"no")})))
    elif how == "withheld":
        outbox.deliver(desk.engine, lambda: desk.now, None)
    else:
        changeset = the_mail(desk, customer).changeset_id
        with desk.changeset() as ctx:
            assert take_back(ctx, ctx.session.get_one(Changeset, changeset)) == 1
        with desk.changeset() as ctx:
            assert take_back(ctx, Changeset(undoes_id=changeset)) == 0, (
                "nor does it go out where the undo is undone"
            )
            assert [warning.message for warning in ctx.warnings] == [ONLY_ONCE]
    mail = the_mail(desk, customer)
    assert (mail.state, mail.secret) == (how, None), "verify names no secret of it whose key is lost"


def test_an_erased_persons_mail_does_not_go_out(desk: Desk) -> None:
    customer = approved(desk)
    with desk.engine.begin() as connection:
        blank = {"recipient": None, "subject": None, "text_body": None, "html_body": None}
        connection.execute(update(Mail).where(Mail.customer_id == customer).values(**blank))
    box = Letterbox()
    deliver(desk, box)
    assert box.sent == []
    assert the_mail(desk, customer).state == MailState.WITHDRAWN
