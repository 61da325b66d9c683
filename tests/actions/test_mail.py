"""Mail: written with the deed or not at all, sent once by somebody, retried, and withdrawn with the deed (rules 9.3, 14)."""

import datetime as dt
import os
import signal
import smtplib
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import undefer, undefer_group

from actions import outbox, runs
from actions.accounts import pay
from actions.base import Refused
from actions.customers import approve, reject
from actions.mail import resend
from actions.outbox import RETRIES, Envelope, Post
from actions.runner import rehearse
from actions.undo import undo
from models.choices import AccountType, Status
from models.customer import Customer
from models.mail import BASE_MARK, SECRET_MARK, Mail, MailState
from models.run import RunItem
from tests import factories
from tests.actions.desk import Desk
from tests.actions.test_merge import put_together
from tests.factories import table_of

BASE = "https://desk.example.org"
MINUTES = (1, 5, 30, 120, 360, 1440)


class Letterbox:
    """A way out that keeps what it is given, or raises what it is told to."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error, self.sent = error, list[Envelope]()

    def send(self, envelope: Envelope) -> None:
        self.sent.append(envelope)
        if self.error is not None:
            raise self.error

    @property
    def post(self) -> Post:
        return Post(self.send, BASE)


@pytest.fixture(autouse=True)
def _empty_outbox(desk: Desk) -> None:
    """Leave nothing of an earlier test to send: they share a database."""
    with desk.engine.begin() as connection:
        connection.execute(update(Mail).where(Mail.state == "waiting").values(state="withdrawn"))


def applicant(desk: Desk, **values: Any) -> int:
    """A trade customer who waits for approval."""
    given = {"email": f"rashid{factories.number()}@example.com", "first_name": "Rashid", "last_name": "Karim"}
    waiting = {"status": Status.PENDING_APPROVAL, "account_type": AccountType.TRADE, "is_active": False}
    return desk.customer(**{**given, **waiting, **values})


def mails(desk: Desk, customer: int) -> list[Mail]:
    """A customer's mails, whole, by id."""
    with desk.look() as session:
        whole = (undefer_group("body"), undefer(Mail.secret))
        return list(
            session.scalars(
                select(Mail).where(Mail.customer_id == customer).order_by(Mail.id).options(*whole)
            )
        )


def the_mail(desk: Desk, customer: int) -> Mail:
    """The one mail of a customer."""
    (found,) = mails(desk, customer)
    return found


def approved(desk: Desk, **values: Any) -> int:
    """A customer whose approval has been written to them."""
    customer = applicant(desk, **values)
    desk.do(approve, customer)
    return customer


def deliver(desk: Desk, box: Letterbox) -> bool:
    """Send what is due."""
    return outbox.deliver(desk.engine, lambda: desk.now, box.post)


# -- writing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "given", "template", "words"),
    [
        (approve, {}, "trade_approved", "we have approved your trade account"),
        (reject, {"reason": "No company number"}, "trade_rejected", "cannot open one for you"),
    ],
)
def test_an_applicant_is_told_what_became_of_it(desk: Desk, action, given, template: str, words: str) -> None:
    customer = applicant(desk)
    outcome = desk.do(action, customer, **given)
    mail = the_mail(desk, customer)
    assert (mail.template, mail.state, mail.attempts) == (template, MailState.WAITING, 0)
    assert mail.changeset_id == outcome.changeset_id
    assert mail.recipient == desk.of(customer).email
    for text in (mail.text_body, mail.html_body):
        assert "Dear Rashid Karim," in text
        assert words in text
        assert "No company number" not in text, "why staff said no is theirs"
    assert outcome.warnings == ()


@pytest.mark.parametrize("email", [None, "no address at all", "two@example.com\nBcc: all@example.com"])
def test_without_an_address_the_deed_is_done_and_the_person_warned(desk: Desk, email: str | None) -> None:
    customer = applicant(desk)
    with desk.engine.begin() as connection:  # what another program may have left there
        connection.execute(
            update(table_of(Customer)).values(email=email).where(table_of(Customer).c.id == customer)
        )
    outcome = desk.do(approve, customer)
    assert desk.of(customer).status == Status.REGISTERED
    assert mails(desk, customer) == []
    assert [w.text for w in outcome.warnings] == ["Rashid Karim has no email address, so nobody is told."]


def test_a_deed_that_is_refused_writes_no_mail(desk: Desk) -> None:
    customer = applicant(desk)
    with suppress(ZeroDivisionError), desk.deed() as ctx:
        ctx.mail("trade_approved", ctx.lock_one(Customer, customer))
        raise ZeroDivisionError
    assert mails(desk, customer) == []


def test_a_preview_says_what_goes_to_whom_and_writes_nothing(desk: Desk) -> None:
    customer = applicant(desk, email=f"jo{factories.number()}@x.com")
    seen = rehearse(desk.engine, approve, desk.call(), customer)
    told = [row for row in seen.rows if row.kind == "mailed"]
    assert [(row.label, row.after) for row in told] == [
        ("Your trade account is approved", {"recipient": "j***@x.com"})
    ]
    assert mails(desk, customer) == []
    with desk.engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == customer).values(email="other@x.com"))
    again = rehearse(desk.engine, approve, desk.call(), customer)
    assert again.fingerprint != seen.fingerprint, "another address is another deed"


def test_a_step_that_is_taken_back_takes_its_mail_along(desk: Desk) -> None:
    customer = applicant(desk)
    with desk.deed() as ctx:
        row = ctx.lock_one(Customer, customer)
        with suppress(ZeroDivisionError), ctx.journal.attempt(ctx.session):
            ctx.mail("trade_approved", row)
            raise ZeroDivisionError
        assert ctx.journal.mails == []
        ctx.mail("trade_rejected", row)
    assert the_mail(desk, customer).template == "trade_rejected"


# -- sending ------------------------------------------------------------------------------------------------------


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
        (UnicodeEncodeError("ascii", "ü", 0, 1, "?"), MailState.FAILED, "The mail server cannot write to this address."),
        (smtplib.SMTPDataError(452, b"4.2.2 Mailbox full"), MailState.WAITING, "452 4.2.2 Mailbox full"),
        (smtplib.SMTPSenderRefused(550, b"5.7.1 Not you", "desk@shop.example"), MailState.WAITING, "550 5.7.1 Not you"),
        (smtplib.SMTPAuthenticationError(535, b"5.7.8 Wrong password"), MailState.WAITING, "535 5.7.8 Wrong password"),
        (smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), MailState.WAITING, "Connection unexpectedly closed"),
        (ConnectionRefusedError(111, "refused"), MailState.WAITING, "The mail server could not be reached."),
        (ZeroDivisionError("oh"), MailState.WAITING, "Something went wrong. Tell your admin the number of the email."),
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
        outbox.deliver_one(desk.engine, lambda: times[-1], Post(slow, BASE), renew_every=0.01)

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
from actions import outbox, runs
from models.schema import open_engine
engine, now, when = open_engine(sys.argv[1]), dt.datetime.fromisoformat(sys.argv[2]), sys.argv[3]
def send(envelope):
    if when == "accepted":
        print(envelope.message_id, flush=True)
    else:
        print("connecting", flush=True)
    time.sleep(600)
outbox.deliver(engine, lambda: now, outbox.Post(send, "http://x"))
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
    assert the_mail(desk, customer).state == MailState.SENT


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

    from actions import letters

    body = "{% extends base %}{% block body %}{{ link('/reset/' ~ secret) }}{% endblock %}"
    files = {f"test_link.{k}": body.replace("base", f"'_base.{k}'") for k in ("txt", "html")}
    for kind in ("txt", "html"):
        files[f"_base.{kind}"] = letters.LOADER.get_source(
            letters._environment(False, "en"), f"_base.{kind}"
        )[0]
    letters._environment.cache_clear()
    monkeypatch.setattr(letters, "LOADER", DictLoader(files))
    monkeypatch.setitem(letters.LETTERS, "test_link", letters.Letter("test_link", "Link", "A link for you"))
    customer = desk.customer(email=f"jo{factories.number()}@x.com")
    with desk.deed() as ctx:
        ctx.mail("test_link", ctx.lock_one(Customer, customer), secret=TOKEN)
    letters._environment.cache_clear()
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
    assert the_mail(desk, customer).secret == TOKEN, "it is needed for the next attempt"
    desk.later(minutes=1)
    box.error = None
    deliver(desk, box)
    for envelope in box.sent:
        assert f"{BASE}/reset/{TOKEN}" in envelope.text
        assert f"{BASE}/reset/{TOKEN}" in envelope.html
    assert the_mail(desk, customer).secret is None
    with pytest.raises(Refused, match="works once"):
        desk.do(resend, the_mail(desk, customer).id)


@pytest.mark.parametrize("how", ["failed", "withheld"])
def test_a_secret_is_forgotten_where_no_further_attempt_is_made(desk: Desk, monkeypatch, how: str) -> None:
    customer = with_secret(desk, monkeypatch)
    if how == "failed":
        deliver(desk, Letterbox(smtplib.SMTPRecipientsRefused({"x": (550, b"no")})))
    else:
        outbox.deliver(desk.engine, lambda: desk.now, None)
    mail = the_mail(desk, customer)
    assert (mail.state, mail.secret) == (how, None)


def test_an_erased_persons_mail_does_not_go_out(desk: Desk) -> None:
    customer = approved(desk)
    with desk.engine.begin() as connection:
        blank = {"recipient": None, "subject": None, "text_body": None, "html_body": None}
        connection.execute(update(Mail).where(Mail.customer_id == customer).values(**blank))
    box = Letterbox()
    deliver(desk, box)
    assert box.sent == []
    assert the_mail(desk, customer).state == MailState.WITHDRAWN


# -- undo, sending again, merging ---------------------------------------------------------------------------------


def texts(outcome: Any) -> list[str]:
    return [warning.text for warning in outcome.warnings]


def test_undoing_a_deed_withdraws_the_mail_that_has_not_gone_out(desk: Desk) -> None:
    customer = applicant(desk)
    deed = desk.do(approve, customer)
    back = desk.do(undo, deed.changeset_id)
    assert back.message == "Undone."
    assert texts(back) == ["The email about this has not gone out yet, and will not."]
    assert the_mail(desk, customer).state == MailState.WITHDRAWN
    box = Letterbox()
    deliver(desk, box)
    assert box.sent == []
    again = desk.do(undo, back.changeset_id)
    assert texts(again) == []
    deliver(desk, box)
    assert [e.recipient for e in box.sent] == [desk.of(customer).email], "the deed holds again"
    third = desk.do(undo, again.changeset_id)
    assert texts(third) == ["An email about this has already gone out."]


def test_undoing_a_deed_says_that_its_mail_has_gone_out(desk: Desk) -> None:
    customer = applicant(desk)
    deed = desk.do(approve, customer)
    deliver(desk, Letterbox())
    seen = rehearse(desk.engine, undo, desk.call(), deed.changeset_id)
    assert [w.text for w in seen.outcome.warnings] == ["An email about this has already gone out."]
    back = desk.do(undo, deed.changeset_id)
    assert back.message == "Undone."
    assert texts(back) == ["An email about this has already gone out."]
    assert the_mail(desk, customer).state == MailState.SENT
    assert desk.of(customer).status == Status.PENDING_APPROVAL


def test_the_results_of_a_run_say_what_became_of_the_mail(desk: Desk) -> None:
    people = [applicant(desk), applicant(desk, email=None)]
    desk.allow(approve, runs.undo_all)
    rows = select(Customer.id).where(Customer.id.in_(people))
    run = runs.start(desk.engine, approve.code, desk.call(), rows, {})

    def results(of: int) -> list[str]:
        while runs.work_off(desk.engine, lambda: desk.now, "one"):
            pass
        return [str(item.message) for item in desk.all(RunItem, run_id=of)]

    first, second = results(run)
    assert "nobody is told" not in first
    assert second.endswith("has no email address, so nobody is told.")
    deliver(desk, Letterbox())
    assert the_mail(desk, people[0]).state == MailState.SENT
    back = desk.do(runs.undo_all, run).record_id
    assert results(back) == ["Undone. An email about this has already gone out."]


def test_a_mail_on_its_way_counts_as_gone(desk: Desk) -> None:
    customer = applicant(desk)
    deed = desk.do(approve, customer)
    taken = outbox.claim(desk.engine, desk.now)
    back = desk.do(undo, deed.changeset_id)
    assert texts(back) == ["An email about this has already gone out."]
    outbox._record(desk.engine, taken, {"state": MailState.SENT})
    assert the_mail(desk, customer).state == MailState.SENT


def test_a_mail_is_sent_again_to_the_address_of_today(desk: Desk) -> None:
    customer = approved(desk)
    deliver(desk, Letterbox(smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")})))
    failed = the_mail(desk, customer)
    desk.edit(Customer, customer, email=f"right{factories.number()}@example.com")
    outcome = desk.do(resend, failed.id)
    first, second = mails(desk, customer)
    assert (first.state, first.resent_at) == (MailState.FAILED, desk.now)
    assert (second.resend_of_id, second.state, second.recipient) == (
        failed.id,
        MailState.WAITING,
        desk.of(customer).email,
    )
    assert (second.text_body, second.html_body, second.subject) == (
        failed.text_body,
        failed.html_body,
        failed.subject,
    )
    assert second.message_id != failed.message_id
    assert outcome.record_id == second.id
    desk.do(undo, outcome.changeset_id)
    first, second = mails(desk, customer)
    assert (second.state, first.resent_at) == (MailState.WITHDRAWN, None)


def test_the_undo_of_sending_again_is_refused_once_it_is_sent(desk: Desk) -> None:
    customer = approved(desk)
    deliver(desk, Letterbox())
    deed = desk.do(resend, the_mail(desk, customer).id)
    deliver(desk, Letterbox())
    with pytest.raises(Refused, match="already gone out"):
        desk.do(undo, deed.changeset_id)


@pytest.mark.parametrize(
    ("values", "mail", "code"),
    [
        ({}, {"state": MailState.WAITING}, "waiting"),
        ({}, {"state": MailState.WITHDRAWN}, "withdrawn"),
        ({"email": None}, {}, "no_address"),
        ({}, {"text_body": None}, "no_address"),
        ({"anonymised_at": factories.NOW}, {}, "erased"),
    ],
)
def test_what_cannot_be_sent_again_is_refused(
    desk: Desk, values: dict[str, Any], mail: dict[str, Any], code: str
) -> None:
    customer = desk.customer(**{"email": f"jo{factories.number()}@x.com", **values})
    row = desk.make(factories.make_mail, customer_id=customer, **mail)
    with pytest.raises(Refused) as refused:
        desk.do(resend, row)
    assert refused.value.code == code
    assert len(mails(desk, customer)) == 1


def test_a_mail_of_no_customer_goes_where_it_went(desk: Desk) -> None:
    row = desk.make(factories.make_mail, customer=None, recipient="staff@shop.example")
    again = desk.do(resend, row).record_id
    assert desk.get(Mail, again).recipient == "staff@shop.example"


def test_a_merge_takes_mails_along_and_its_undo_brings_them_back(desk: Desk) -> None:
    survivor, other = desk.customer(), desk.customer(email=f"jo{factories.number()}@x.com")
    row = desk.make(factories.make_mail, customer_id=other)
    merged = put_together(desk, survivor, other)
    assert desk.get(Mail, row).customer_id == survivor
    desk.do(undo, merged.changeset_id)
    assert desk.get(Mail, row).customer_id == other


def test_a_deed_without_a_mail_says_nothing_of_mail(desk: Desk) -> None:
    customer = desk.customer()
    deed = desk.do(pay, customer=customer, amount=500, method="cash")
    assert texts(desk.do(undo, deed.changeset_id)) == []


def test_a_busy_database_is_asked_again_so_that_a_sent_mail_is_not_sent_twice(
    desk: Desk, monkeypatch
) -> None:
    from sqlalchemy.exc import OperationalError

    customer, real, calls = approved(desk), outbox._write, []

    def write(engine: Any, statement: Any) -> Any:
        calls.append(statement)
        if len(calls) in (2, 3):
            raise OperationalError("", {}, Exception("busy"))
        return real(engine, statement)

    monkeypatch.setattr(outbox, "_write", write)
    deliver(desk, Letterbox())
    assert the_mail(desk, customer).state == MailState.SENT
