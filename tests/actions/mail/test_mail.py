"""Mail: written with the change or not at all, withdrawn with it, sent again, and moved by a merge (rules 9.3, 14.1, 14.5)."""

import smtplib
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select, update

from actions.core.base import Refused
from actions.customers.customers import approve, reject
from actions.execution.runner import dry_run
from actions.ledgers.accounts import pay
from actions.mail import outbox
from actions.mail.mail import resend
from actions.runs import runs
from actions.undo.undo import undo
from models.choices import Status
from models.customer import Customer
from models.mail import Mail, MailState
from models.run import RunItem
from tests import factories
from tests.actions.desk import Desk
from tests.actions.letterbox import Letterbox, applicant, approved, deliver, empty_outbox, mails, the_mail
from tests.actions.merging.test_merge import put_together
from tests.factories import table_of

__all__ = ["empty_outbox"]

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
def test_without_an_address_the_action_is_done_and_the_person_warned(desk: Desk, email: str | None) -> None:
    customer = applicant(desk)
    with desk.engine.begin() as connection:  # what another program may have left there
        connection.execute(
            update(table_of(Customer)).values(email=email).where(table_of(Customer).c.id == customer)
        )
    outcome = desk.do(approve, customer)
    assert desk.of(customer).status == Status.REGISTERED
    assert mails(desk, customer) == []
    assert [w.text for w in outcome.warnings] == [
        "Rashid Karim has no email address, so no email will be sent."
    ]


def test_an_action_that_is_refused_writes_no_mail(desk: Desk) -> None:
    customer = applicant(desk)
    with suppress(ZeroDivisionError), desk.changeset() as ctx:
        ctx.mail("trade_approved", ctx.lock_one(Customer, customer))
        raise ZeroDivisionError
    assert mails(desk, customer) == []


def test_a_preview_says_what_goes_to_whom_and_writes_nothing(desk: Desk) -> None:
    customer = applicant(desk, email=f"jo{factories.number()}@x.com")
    seen = dry_run(desk.engine, approve, desk.call(), customer)
    told = [row for row in seen.rows if row.kind == "mailed"]
    assert [(row.label, row.after) for row in told] == [
        ("Your trade account is approved", {"recipient": "j***@x.com"})
    ]
    assert mails(desk, customer) == []
    with desk.engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == customer).values(email="other@x.com"))
    again = dry_run(desk.engine, approve, desk.call(), customer)
    assert again.fingerprint != seen.fingerprint, "another address is another email"


def test_a_step_that_is_taken_back_takes_its_mail_along(desk: Desk) -> None:
    customer = applicant(desk)
    with desk.changeset() as ctx:
        row = ctx.lock_one(Customer, customer)
        with suppress(ZeroDivisionError), ctx.journal.attempt(ctx.session):
            ctx.mail("trade_approved", row)
            raise ZeroDivisionError
        assert ctx.journal.mails == []
        ctx.mail("trade_rejected", row, why="")
    assert the_mail(desk, customer).template == "trade_rejected"


# -- undo, sending again, merging ---------------------------------------------------------------------------------


def texts(outcome: Any) -> list[str]:
    return [warning.text for warning in outcome.warnings]


def test_undoing_an_action_withdraws_the_mail_that_has_not_gone_out(desk: Desk) -> None:
    customer = applicant(desk)
    outcome = desk.do(approve, customer)
    back = desk.do(undo, outcome.changeset_id)
    assert back.message == "Undone."
    assert texts(back) == ["The email about this has not been sent and will not be."]
    assert the_mail(desk, customer).state == MailState.WITHDRAWN
    box = Letterbox()
    deliver(desk, box)
    assert box.sent == []
    again = desk.do(undo, back.changeset_id)
    assert texts(again) == []
    deliver(desk, box)
    assert [e.recipient for e in box.sent] == [desk.of(customer).email], "the approval holds again"
    third = desk.do(undo, again.changeset_id)
    assert texts(third) == ["An email about this has already been sent."]


def test_undoing_an_action_says_that_its_mail_has_gone_out(desk: Desk) -> None:
    customer = applicant(desk)
    outcome = desk.do(approve, customer)
    deliver(desk, Letterbox())
    seen = dry_run(desk.engine, undo, desk.call(), outcome.changeset_id)
    assert [w.text for w in seen.outcome.warnings] == ["An email about this has already been sent."]
    back = desk.do(undo, outcome.changeset_id)
    assert back.message == "Undone."
    assert texts(back) == ["An email about this has already been sent."]
    assert the_mail(desk, customer).state == MailState.SENT
    assert desk.of(customer).status == Status.PENDING_APPROVAL


def test_the_results_of_a_run_say_what_became_of_the_mail(desk: Desk) -> None:
    people = [applicant(desk), applicant(desk, email=None)]
    desk.allow(approve, runs.undo_all)
    rows = select(Customer.id).where(Customer.id.in_(people))
    run = runs.start(desk.engine, approve.code, desk.call(), rows, {})

    def results(of: int) -> list[str]:
        while runs.process_next_run(desk.engine, lambda: desk.now, "one"):
            pass
        return [str(item.message) for item in desk.all(RunItem, run_id=of)]

    first, second = results(run)
    assert "no email will be sent" not in first
    assert second.endswith("has no email address, so no email will be sent.")
    deliver(desk, Letterbox())
    assert the_mail(desk, people[0]).state == MailState.SENT
    back = desk.do(runs.undo_all, run).record_id
    assert results(back) == ["Undone. An email about this has already been sent."]


def test_a_mail_on_its_way_counts_as_gone(desk: Desk) -> None:
    customer = applicant(desk)
    outcome = desk.do(approve, customer)
    taken = outbox.claim(desk.engine, desk.now)
    back = desk.do(undo, outcome.changeset_id)
    assert texts(back) == ["An email about this has already been sent."]
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
    outcome = desk.do(resend, the_mail(desk, customer).id)
    deliver(desk, Letterbox())
    with pytest.raises(Refused, match="already been sent"):
        desk.do(undo, outcome.changeset_id)


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


def test_an_action_without_a_mail_says_nothing_of_mail(desk: Desk) -> None:
    customer = desk.customer()
    outcome = desk.do(pay, customer=customer, amount=500, method="cash")
    assert texts(desk.do(undo, outcome.changeset_id)) == []


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
