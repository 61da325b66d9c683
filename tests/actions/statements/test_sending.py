"""Statements by mail: the letter, the PDF that goes with it, and attachments from the change to the mail server (rule 14.7)."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from actions.core import mail_templates
from actions.core.base import Invalid, Refused
from actions.core.mail_templates import Attachment
from actions.execution.runner import dry_run
from actions.mail.mail import resend
from actions.setup.settings import save
from actions.statements.sending import send_statement
from actions.undo.undo import undo
from models.customer import Customer
from models.mail import LARGEST_FILE, Mail, MailAttachment, MailState
from models.shop import Shop
from tests import factories
from tests.actions.desk import Desk
from tests.actions.letterbox import Letterbox, deliver, empty_outbox, mails, the_mail
from tests.actions.merging.test_merge import put_together
from tests.actions.statement_desk import TODAY, ago, debtor, pay, text_of

__all__ = ["empty_outbox"]


def files(desk: Desk, mail: Mail) -> list[MailAttachment]:
    with desk.look() as session:
        wanted = select(MailAttachment).where(MailAttachment.mail_id == mail.id).order_by(MailAttachment.id)
        return list(session.scalars(wanted.options(undefer(MailAttachment.content))))


def test_it_goes_with_a_letter_and_the_pdf(desk: Desk) -> None:
    customer = debtor(desk, owes=12_000)
    done = desk.do(
        send_statement, customer, since=ago(50), until=TODAY, message="As you asked.\nRegards, Mary"
    )
    mail = the_mail(desk, customer)
    assert (mail.template, mail.state, mail.recipient) == (
        "account_statement",
        MailState.WAITING,
        desk.of(customer).email,
    )
    assert mail.subject == "Your account statement from Clientele"
    for text in (mail.text_body, mail.html_body):
        assert "As you asked.\nRegards, Mary" in text
        assert "owes £120.00" in text
    (file,) = files(desk, mail)
    assert (file.name, file.content_type) == (
        f"statement-{customer}-{ago(50)}-{TODAY}.pdf",
        "application/pdf",
    )
    assert file.size == len(file.content)
    assert "owes £120.00" in text_of(file.content)
    assert done.message % done.values == "The statement will be sent to d***@example.com."


def test_unasked_it_is_of_last_month_and_this_one_in_the_customers_language(desk: Desk) -> None:
    customer = debtor(desk, language="de")
    desk.do(send_statement, customer)
    mail = the_mail(desk, customer)
    assert mail.subject == "Ihr Kontoauszug von Clientele"
    assert "Saldo am" in mail.text_body
    assert "Kontoauszug" in text_of(files(desk, mail)[0].content)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"since": TODAY, "until": ago(1)}, "until"),
        ({"until": TODAY + dt.timedelta(days=1)}, "until"),
        ({"message": "x" * 1_001}, "message"),
        ({"message": "a\x07b"}, "message"),
        ({"message": ["a"]}, "message"),
    ],
)
def test_what_will_not_do_is_named(desk: Desk, given: dict[str, Any], field: str) -> None:
    customer = debtor(desk)
    with pytest.raises(Invalid) as caught:
        desk.do(send_statement, customer, **given)
    assert list(caught.value.errors) == [field]
    assert mails(desk, customer) == []


@pytest.mark.parametrize("email", [None, "no address at all"])
def test_without_an_address_it_is_refused(desk: Desk, email: str | None) -> None:
    customer = debtor(desk, email=None)
    with desk.engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == customer).values(email=email))
    with pytest.raises(Refused) as caught:
        desk.do(send_statement, customer)
    assert caught.value.code == "no_address"


def test_a_merged_an_erased_record_and_a_shop_that_keeps_its_books_elsewhere_send_none(desk: Desk) -> None:
    one, two, erased = debtor(desk), debtor(desk), debtor(desk)
    put_together(desk, one, two)
    with desk.engine.begin() as connection:
        connection.execute(update(Customer).where(Customer.id == erased).values(anonymised_at=desk.now))
    for customer, code in ((two, "merged"), (erased, "erased")):
        with pytest.raises(Refused) as caught:
            desk.do(send_statement, customer)
        assert caught.value.code == code
    desk.do(save, values={"external_accounting": True})
    try:
        with pytest.raises(Refused) as caught:
            desk.do(send_statement, one)
    finally:
        desk.do(save, values={"external_accounting": False})
    assert caught.value.code == "external_accounting"


def test_a_preview_names_the_mail_and_the_masked_address_prints_and_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = debtor(desk, email=f"jo{factories.number()}@x.com")
    monkeypatch.setattr("actions.statements.pdf.render", lambda _printed: pytest.fail("it was printed"))
    seen = dry_run(desk.engine, send_statement, desk.call(), customer)
    assert [(row.kind, row.label, row.after) for row in seen.rows] == [
        ("mailed", "Your account statement from Clientele", {"recipient": "j***@x.com"})
    ]
    assert mails(desk, customer) == []
    pay(desk, customer, 100)
    again = dry_run(desk.engine, send_statement, desk.call(), customer)
    assert again.fingerprint != seen.fingerprint, "another balance is another letter"


def test_what_the_paper_cannot_show_is_said_before_anything_is_written(desk: Desk) -> None:
    named, housed = debtor(desk, last_name="山田"), debtor(desk)
    noted = debtor(desk)
    desk.make(factories.make_address, customer=desk.of(housed), is_primary=True, line1="東京", town="York")
    pay(desk, noted, 100, reference="зачёт 山")
    for customer, what in (
        (named, "lack 山田 in the customer's name."),
        (housed, "lack some letters in the address."),
        (noted, "lack 山 in the references."),
    ):
        with pytest.raises(Refused, match=what) as caught:
            desk.do(send_statement, customer)
        assert caught.value.code == "unprintable"
        (row,) = dry_run(desk.engine, send_statement, desk.call(), customer).blockers
        assert what in str(row)
        assert mails(desk, customer) == []


def test_what_nobody_sees_is_left_out_of_the_message(desk: Desk) -> None:
    customer = debtor(desk)
    desk.do(send_statement, customer, message="\u200bBest\u202e regards\ufeff")
    assert "Best regards" in the_mail(desk, customer).text_body


# -- what goes with a mail ----------------------------------------------------------------------------------------


def test_it_goes_out_with_the_mail_and_again_when_that_is_sent_again(desk: Desk) -> None:
    customer = debtor(desk)
    desk.do(send_statement, customer)
    box = Letterbox()
    deliver(desk, box)
    (kept,) = files(desk, the_mail(desk, customer))
    assert box.sent[0].attachments == (Attachment(kept.name, "application/pdf", kept.content),)
    desk.do(resend, the_mail(desk, customer).id)
    deliver(desk, box)
    assert box.sent[1].attachments == box.sent[0].attachments
    first, second = mails(desk, customer)
    assert files(desk, second)[0].id != files(desk, first)[0].id


def test_it_is_withdrawn_with_the_action(desk: Desk) -> None:
    customer = debtor(desk)
    done = desk.do(send_statement, customer)
    desk.do(undo, done.changeset_id)
    assert the_mail(desk, customer).state == MailState.WITHDRAWN
    box = Letterbox()
    deliver(desk, box)
    assert box.sent == []


def test_what_an_erasure_took_goes_nowhere(desk: Desk) -> None:
    customer = debtor(desk)
    desk.do(send_statement, customer)
    with desk.engine.begin() as connection:
        connection.execute(update(MailAttachment).values(name=None, content=None))
    box = Letterbox()
    deliver(desk, box)
    assert [envelope.attachments for envelope in box.sent] == [()]


def test_a_file_that_no_mail_server_would_take_is_refused(desk: Desk) -> None:
    customer = debtor(desk)
    huge = Attachment("huge.pdf", "application/pdf", b"x" * (LARGEST_FILE + 1))
    with pytest.raises(Refused) as caught, desk.changeset() as ctx:
        ctx.attach(ctx.mail("trade_approved", ctx.lock_one(Customer, customer)), huge)
    assert caught.value.code == "file_too_large"
    assert mails(desk, customer) == []


@pytest.mark.parametrize("size", [0, LARGEST_FILE + 1])
def test_the_database_keeps_to_the_size_too(desk: Desk, size: int) -> None:
    mail = desk.make(factories.make_mail)
    file = MailAttachment(mail_id=mail, name="x", content_type="text/plain", size=size, content=b"x")
    with Session(desk.engine) as session:
        session.add(file)
        with pytest.raises(IntegrityError):
            session.flush()


def test_what_is_written_once_is_not_written_again(desk: Desk) -> None:
    customer = debtor(desk)
    key = f"test:{customer}"
    for _turn in range(2):
        try:
            with desk.changeset() as ctx:
                ctx.mail("trade_approved", ctx.lock_one(Customer, customer), key=key)
        except IntegrityError:
            pass
    assert [mail.key for mail in mails(desk, customer)] == [key]


def test_no_letter_prints_a_message_that_is_not_there(desk: Desk) -> None:
    values = {"since": "1", "until": "2", "balances": "3", "message": ""}
    made = mail_templates.write(mail_templates.MAIL_TEMPLATES["account_statement"], Shop(), "", None, values)
    assert "\n\n\n" not in made.text
    assert "pre-line" not in made.html
