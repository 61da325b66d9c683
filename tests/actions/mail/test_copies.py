"""Who of an account gets which paper (rule 14.9): each address once, each a mail of its own, and no copy of a secret."""

from typing import Any

import pytest
from sqlalchemy import select, update

from actions.core.base import Refused
from actions.core.mail_templates import MAIL_TEMPLATES, Paper
from actions.core.recipients import reaches_somebody, recipients
from actions.customers import contacts
from actions.customers.customers import approve
from actions.execution.runner import dry_run
from actions.ledgers import expiry_notices
from actions.mail.mail import resend
from actions.portal.resets import send_reset
from actions.statements.sending import remind, send_statement
from actions.statements.statements import statement
from actions.undo.undo import undo
from models.contact import ContactEmail
from models.customer import Customer
from models.loyalty import LoyaltyExpiryNotice, LoyaltyLot
from models.mail import Mail, MailAttachment, MailState
from tests import factories
from tests.actions.desk import Desk
from tests.actions.letterbox import Letterbox, applicant, deliver, empty_outbox, mails
from tests.actions.statement_desk import TODAY, ago, debtor

__all__ = ["empty_outbox"]


class Account:
    """A customer with further addresses, one of each role."""

    def __init__(self, desk: Desk, customer: int) -> None:
        n = factories.number()
        self.id, self.own = customer, desk.of(customer).email
        self.extra, self.billing, self.admin = (
            f"{who}{n}@example.com" for who in ("extra", "billing", "admin")
        )
        desk.make(factories.make_contact_email, customer_id=customer, email=self.extra)
        address(desk, customer, email=self.billing, is_billing=True)
        address(desk, customer, email=self.admin, is_admin=True)
        address(desk, customer, email=f"delivery{n}@example.com", is_delivery=True)
        address(desk, customer, is_billing=True, is_admin=True)  # without an email

    @property
    def everybody(self) -> list[str | None]:
        return [self.own, self.extra, self.billing, self.admin]

    @property
    def told(self) -> list[str | None]:
        return [self.own, self.extra, self.admin]


def address(desk: Desk, customer: int, **values: Any) -> int:
    return desk.make(factories.make_address, customer_id=customer, **values)


def went_to(desk: Desk, customer: int, template: str = "") -> list[str | None]:
    """Where the mails of a customer go, in the order in which they were written."""
    return [mail.recipient for mail in mails(desk, customer) if template in ("", mail.template)]


def test_a_statement_goes_to_all_but_the_delivery_address_with_its_file(desk: Desk) -> None:
    account = Account(desk, debtor(desk))
    done = desk.do(send_statement, account.id, since=ago(50), until=TODAY)
    assert went_to(desk, account.id) == account.everybody
    assert done.message % done.values == (
        "The statement will be sent to d***@example.com, e***@example.com, b***@example.com, a***@example.com."
    )
    with desk.look() as session:
        theirs = select(MailAttachment.mail_id).where(
            MailAttachment.mail_id.in_(select(Mail.id).where(Mail.customer_id == account.id))
        )
        assert sorted(session.scalars(theirs)) == [mail.id for mail in mails(desk, account.id)]
    box = Letterbox()
    deliver(desk, box)
    assert [e.recipient for e in box.sent] == account.everybody
    assert len({e.message_id for e in box.sent}) == 4
    assert all(len(e.attachments) == 1 for e in box.sent)


def test_a_preview_names_each_address(desk: Desk) -> None:
    account = Account(desk, debtor(desk))
    seen = dry_run(desk.engine, send_statement, desk.call(), account.id, since=ago(50), until=TODAY)
    told = [row.after["recipient"] for row in seen.rows if row.kind == "mailed"]
    assert told == ["d***@example.com", "e***@example.com", "b***@example.com", "a***@example.com"]
    assert mails(desk, account.id) == []


def test_a_reminder_is_written_once_for_each_of_them(desk: Desk) -> None:
    account = Account(desk, debtor(desk))
    with desk.changeset() as ctx:
        customer = ctx.lock_one(Customer, account.id)
        found = statement(ctx.session, customer, ago(50), TODAY)
        remind(ctx, customer, found, f"reminder:{account.id}")
    assert went_to(desk, account.id) == account.everybody
    keys = [mail.key for mail in mails(desk, account.id)]
    assert keys[0] == f"reminder:{account.id}", "what was written is found by the key as it was given"
    assert len(set(keys)) == 4
    assert all(str(key).startswith(f"reminder:{account.id}") for key in keys)


def test_what_the_account_is_told_does_not_go_to_the_billing_address(desk: Desk) -> None:
    account = Account(desk, applicant(desk))
    desk.do(approve, account.id)
    assert went_to(desk, account.id) == account.told


def test_a_notice_of_points_goes_with_copies_and_is_noted_once(desk: Desk) -> None:
    account = Account(desk, desk.customer())
    entry = desk.make(factories.make_loyalty_entry, customer_id=account.id, points=50)
    lot = desk.make(
        factories.make_loyalty_lot, entry_id=entry, customer_id=account.id, points=50, expires_at=desk.now
    )
    with desk.changeset() as ctx:
        expiry_notices.tell(ctx, ctx.lock_one(Customer, account.id), [ctx.session.get_one(LoyaltyLot, lot)])
    assert went_to(desk, account.id, "points_expiring") == account.told
    (noted,) = desk.all(LoyaltyExpiryNotice, lot_id=lot)
    assert desk.get(Mail, noted.mail_id).recipient == account.own


def test_no_link_and_no_word_of_security_is_copied(desk: Desk) -> None:
    account = Account(desk, desk.customer())
    desk.do(send_reset, account.id, identity_checked=True, mailbox_checked=True)
    with desk.changeset() as ctx:
        ctx.mail("customer_password_changed", ctx.lock_one(Customer, account.id))
    assert went_to(desk, account.id) == [account.own, account.own]


def test_whatever_holds_a_secret_goes_to_one_address(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(desk, desk.customer())
    template = MAIL_TEMPLATES["customer_reset"]
    wrong = type(template)(template.code, template.label, template.subject, template.values, Paper.STATEMENT)
    monkeypatch.setitem(MAIL_TEMPLATES, "customer_reset", wrong)
    with desk.changeset() as ctx:
        ctx.mail("customer_reset", ctx.lock_one(Customer, account.id), secret="a" * 43, has_hint=False)
    assert went_to(desk, account.id) == [account.own], "however its mail is declared"


COPIED = {
    "account_statement": Paper.STATEMENT,
    "account_reminder": Paper.STATEMENT,
    "points_expiring": Paper.NOTICE,
    "trade_approved": Paper.NOTICE,
    "trade_rejected": Paper.NOTICE,
}


def test_a_mail_is_private_unless_it_says_otherwise() -> None:
    copied = {code: t.paper for code, t in MAIL_TEMPLATES.items() if t.paper is not Paper.OWN}
    assert copied == COPIED
    assert not any("password" in code or "reset" in code or "staff" in code for code in copied)


def test_no_address_gets_it_twice_however_it_is_written(desk: Desk) -> None:
    customer = desk.customer(email=f"same{factories.number()}@example.com")
    own = str(desk.of(customer).email)
    for same in (own.upper().replace("EXAMPLE.COM", "example.com"), own):
        address(desk, customer, email=same, is_admin=True, is_billing=True)
    desk.make(factories.make_contact_email, customer_id=customer, email=own.capitalize())
    with desk.look() as session:
        assert recipients(session, session.get_one(Customer, customer), Paper.STATEMENT) == [own]


def test_who_has_no_address_of_their_own_is_reached_by_the_others(desk: Desk) -> None:
    customer = debtor(desk, email=None)
    with pytest.raises(Refused) as refused:
        desk.do(send_statement, customer, since=ago(50), until=TODAY)
    assert refused.value.code == "no_address"
    extra = f"extra{factories.number()}@example.com"
    desk.create(ContactEmail, customer_id=customer, email=extra)
    desk.do(send_statement, customer, since=ago(50), until=TODAY)
    assert went_to(desk, customer) == [extra]


def test_what_another_program_left_there_is_no_address(desk: Desk) -> None:
    account = Account(desk, applicant(desk))
    table = factories.table_of(ContactEmail)
    with desk.engine.begin() as connection:
        bad = "two@example.com\nBcc: all@example.com"
        connection.execute(update(table).where(table.c.customer_id == account.id).values(email=bad))
    desk.do(approve, account.id)
    assert went_to(desk, account.id) == [account.own, account.admin]


def test_a_copy_sent_again_goes_where_it_went_as_long_as_such_papers_go_there(desk: Desk) -> None:
    account = Account(desk, applicant(desk))
    desk.do(approve, account.id)
    copy = mails(desk, account.id)[1]
    deliver(desk, Letterbox())
    desk.do(resend, copy.id)
    assert went_to(desk, account.id)[-1] == account.extra
    (extra,) = desk.all(ContactEmail, customer_id=account.id)
    desk.delete(ContactEmail, extra.id)
    desk.do(resend, copy.id)
    assert went_to(desk, account.id)[-1] == account.own


def test_an_undo_withdraws_them_all(desk: Desk) -> None:
    account = Account(desk, applicant(desk))
    done = desk.do(approve, account.id)
    desk.do(undo, done.changeset_id)
    assert [mail.state for mail in mails(desk, account.id)] == [MailState.WITHDRAWN] * 3


def test_an_address_that_waits_for_confirmation_gets_none_and_the_preview_says_so(desk: Desk) -> None:
    account = Account(desk, debtor(desk))
    waits = desk.make(
        factories.make_contact_email, customer_id=account.id, email="waits@example.com", confirmed_at=None
    )
    told = "w***@example.com gets no copy because it is not confirmed yet."
    given = {"since": ago(50), "until": TODAY}
    seen = dry_run(desk.engine, send_statement, desk.call(), account.id, **given)
    assert [row.after["recipient"] for row in seen.rows if row.kind == "mailed"][1] == "e***@example.com"
    assert seen.outcome is not None
    assert told in [warned.text for warned in seen.outcome.warnings]
    done = desk.do(send_statement, account.id, **given)
    assert told in [warned.text for warned in done.warnings]
    assert went_to(desk, account.id) == account.everybody
    desk.do(contacts.confirm, waits, reason="They rang")
    desk.do(send_statement, account.id, **given)
    assert "waits@example.com" in went_to(desk, account.id)


def test_a_mail_for_the_accounts_own_address_says_nothing_of_those_that_wait(desk: Desk) -> None:
    customer = desk.customer()
    desk.make(factories.make_contact_email, customer_id=customer, confirmed_at=None)
    done = desk.do(send_reset, customer, identity_checked=True, mailbox_checked=True)
    assert done.warnings == ()


@pytest.mark.parametrize("paper", list(Paper))
def test_whom_a_paper_reaches_is_known_beforehand_in_one_statement(desk: Desk, paper: Paper) -> None:
    people = [desk.customer(email=None) for _n in range(7)]
    own, extra, billing, admin, delivery, _bare, nobody = people
    with desk.engine.begin() as connection:
        table = factories.table_of(Customer)
        connection.execute(update(table).where(table.c.id == own).values(email="own@example.com"))
    desk.make(factories.make_contact_email, customer_id=extra)
    desk.make(factories.make_contact_email, customer_id=nobody, confirmed_at=None)
    for customer, role in ((billing, "is_billing"), (admin, "is_admin"), (delivery, "is_delivery")):
        address(desk, customer, email=f"papers{customer}@example.com", **{role: True})
    address(desk, people[5], is_billing=True, is_admin=True)
    with desk.look() as session:
        mine = Customer.id.in_(people)
        told = set(session.scalars(select(Customer.id).where(mine, reaches_somebody(paper))))
        found = {c.id for c in session.scalars(select(Customer).where(mine)) if recipients(session, c, paper)}
    assert told == found
    assert len(found) == {Paper.OWN: 1, Paper.NOTICE: 3, Paper.STATEMENT: 4}[paper]
