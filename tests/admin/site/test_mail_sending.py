"""Mail over real SMTP: accepted, refused, and to a server that never says a word (rules 14.2, 14.3)."""

import datetime as dt
import smtplib
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from flask import Flask

from actions.cli import work
from actions.mail import outbox
from admin.site import mailing
from config import MailServer
from models.base import db
from models.choices import AccountType, Status
from models.mail import Addresses, Mail, MailState
from models.shop import ShopSetting
from tests import application, factories, mail_server, network
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.databases import Database
from tests.factories import NOW
from tests.mail_server import Taken

BASE = "https://desk.example.org"
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
"""For what is between us and the mail server: once is enough."""


def shop_with(database: Database, server: MailServer | None) -> Shop:
    """A shop whose mail goes there."""
    settings = {"public_base_url": BASE, "mail": server}
    return Shop(application.shared(database.url, lambda: NOW, **settings), database)


@pytest.fixture(scope="module")
def _server() -> Iterator[Taken]:
    with mail_server.running() as taken:
        yield taken


@pytest.fixture
def server(_server: Taken) -> Taken:
    """A mail server that takes mail and has none yet."""
    _server.begin_again()
    return _server


def approve(shop: Shop, **values: object) -> int:
    """Approve a trade customer through the back office."""
    given = {
        "first_name": "Zoë",
        "last_name": "Ünal <b>",
        "email": "zoe@example.com",
        "company_name": "Vine, Ltd",
    }
    waiting = {"status": Status.PENDING_APPROVAL, "account_type": AccountType.TRADE, "is_active": False}
    customer = shop.make(factories.make_customer, **{**given, **waiting, **values}).id
    form = page_of(shop.client().get(f"/admin/customer/act/approve/?id={customer}")).form("/act/")
    assert shop.client().post(form.action, data=form.filled()).status_code == 302
    return int(customer)


def deliver(app: Flask, now: dt.datetime = NOW) -> bool:
    """Send what is due, as the worker does."""
    with app.app_context():
        engine = db.engine
    return outbox.deliver(engine, lambda: now, mailing.post(app))


def the_mail(shop: Shop) -> Mail:
    """The one mail there is."""
    with shop.look() as session:
        return session.query(Mail).one()


def part(mail: EmailMessage, kind: str) -> str:
    """A text of a mail."""
    found = mail.get_body(preferencelist=(kind,))
    assert found is not None
    return str(found.get_content())


def test_a_mail_arrives_whole(database: Database, server: Taken) -> None:
    shop = shop_with(database, server.settings())
    shop.make(factories.make_shop_setting, code="name", value='Vine, "Barrel" & Söhne')
    shop.make(factories.make_shop_setting, code="email", value="hello@shop.example")
    approve(shop)
    assert deliver(shop.app)
    (mail,) = server.mails
    assert server.recipients == ["zoe@example.com"]
    assert mail["To"] == "zoe@example.com"
    assert mail["From"].addresses[0].display_name == 'Vine, "Barrel" & Söhne'
    assert mail["From"].addresses[0].addr_spec == "desk@shop.example"
    assert mail["Reply-To"] == "hello@shop.example"
    assert mail["Subject"] == "Your trade account is approved"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == f"<{the_mail(shop).message_id}@shop.example>"
    assert "Dear Zoë Ünal <b>," in part(mail, "plain")
    assert "Dear Zoë Ünal &lt;b&gt;," in part(mail, "html")
    assert the_mail(shop).state == MailState.SENT


@on_sqlite
def test_no_header_can_be_smuggled_in(database: Database, server: Taken) -> None:
    shop = shop_with(database, server.settings())
    nasty = {
        "recipient": "zoe@example.com",
        "subject": "Hello\r\nBcc: all@example.com\n\n<script>",
        "state": MailState.WAITING,
    }
    with shop.arrange() as session:
        mail = factories.make_mail(session, next_attempt_at=NOW, **{**nasty, "subject": "x"})
        table = factories.table_of(Mail)
        session.execute(table.update().where(table.c.id == mail.id).values(subject=nasty["subject"]))
    deliver(shop.app)
    (mail,) = server.mails
    assert mail["Subject"] == "Hello Bcc: all@example.com <script>"
    assert mail["Bcc"] is None
    assert server.recipients == ["zoe@example.com"]


@on_sqlite
@pytest.mark.parametrize(
    ("where", "says", "state", "words"),
    [
        ("at_recipient", "550 5.1.1 No such user", MailState.FAILED, "550 5.1.1 No such user"),
        ("at_recipient", "451 4.7.1 Try again later", MailState.WAITING, "451 4.7.1 Try again later"),
        ("at_text", "554 5.6.0 We do not like it", MailState.FAILED, "554 5.6.0 We do not like it"),
        ("at_text", "451 4.3.0 Not now", MailState.WAITING, "451 4.3.0 Not now"),
    ],
)
def test_a_refusal_is_kept_in_the_servers_words(
    database: Database, server: Taken, where: str, says: str, state: MailState, words: str
) -> None:
    shop = shop_with(database, server.settings())
    approve(shop)
    setattr(server, where, says)
    deliver(shop.app)
    mail = the_mail(shop)
    assert (mail.state, mail.last_error, mail.attempts) == (state, words, 1)
    setattr(server, where, "")
    deliver(shop.app, NOW + dt.timedelta(minutes=1))
    assert len(server.mails) == (1 if state == MailState.WAITING else 0)


def test_a_mute_server_holds_up_no_request_and_no_run_and_loses_nothing(database: Database) -> None:
    with mail_server.mute() as silent:
        shop = shop_with(database, silent.settings(timeout=0.2))
        sending = threading.Event()
        way = mailing.post(shop.app)

        def send(envelope: outbox.Envelope) -> None:
            sending.set()
            way.send(envelope)

        with shop.app.app_context():
            engine = db.engine
        approve(shop)
        sender = threading.Thread(
            target=outbox.deliver,
            args=(engine, lambda: NOW, outbox.Post(send, Addresses(BASE, BASE + "/portal"))),
        )
        sender.start()
        assert sending.wait(20)
        approve(shop, email="other@example.com")
        sender.join()
    with shop.look() as session:
        first, second = session.query(Mail).order_by(Mail.id).all()
    assert (first.state, first.attempts) == (MailState.WAITING, 1)
    assert first.last_error == "The mail server did not answer in time."
    assert first.next_attempt_at == NOW + dt.timedelta(minutes=1)
    assert (second.state, second.attempts) == (MailState.WAITING, 0)
    with mail_server.running() as talking:
        later = shop_with(database, talking.settings())
        deliver(later.app, NOW + dt.timedelta(minutes=1))
        assert sorted(talking.recipients) == ["other@example.com", "zoe@example.com"]


@on_sqlite
def test_a_request_is_not_measurably_slower_with_a_mute_server(database: Database) -> None:
    """Ten seconds of patience belong to the worker: the request does not so much as open a connection."""
    with mail_server.mute() as silent:
        shop = shop_with(database, silent.settings())
        began = time.monotonic()
        approve(shop)
        assert time.monotonic() - began < 9
    assert the_mail(shop).attempts == 0


@on_sqlite
def test_letters_beyond_ascii_before_the_at_reach_a_server_that_takes_them(
    database: Database, server: Taken
) -> None:
    shop = shop_with(database, server.settings())
    approve(shop, email="zoë@straße.de")
    deliver(shop.app)
    assert server.recipients == ["zoë@xn--strae-oqa.de"], "and the domain is the one of today's rules"
    assert the_mail(shop).state == MailState.SENT


@on_sqlite
def test_a_server_that_lacks_them_is_not_asked_and_the_sentence_says_what_it_lacks(
    database: Database,
) -> None:
    with mail_server.running(utf8=False) as plain:
        shop = shop_with(database, plain.settings())
        approve(shop, email="zoë@example.com")
        deliver(shop.app)
        assert plain.mails == []
    mail = the_mail(shop)
    assert (mail.state, mail.attempts) == (MailState.FAILED, 1)
    assert "before the @ (SMTPUTF8)" in mail.last_error


@on_sqlite
def test_a_bad_setting_of_ours_is_no_verdict_on_a_recipient(database: Database) -> None:
    """Nobody is blamed and no attempt is lost, however long it takes; mended, everything goes out."""
    with mail_server.running(utf8=False) as plain:
        shop = shop_with(database, plain.settings())
        shop.make(factories.make_shop_setting, code="email", value="büro@shop.example")
        approve(shop)
        approve(shop, email="other@example.com")
        for turn in range(9):
            assert deliver(shop.app, NOW + turn * outbox.OUR_FAULT_PAUSE) is False
        with shop.look() as session:
            first, second = session.query(Mail).order_by(Mail.id).all()
        assert {(m.state, m.attempts) for m in (first, second)} == {(MailState.WAITING, 0)}
        assert "Change the shop email in the settings" in first.last_error
        with shop.arrange() as session:
            session.query(ShopSetting).filter_by(code="email").one().value = "buero@shop.example"
        deliver(shop.app, NOW + dt.timedelta(hours=1))
        assert sorted(plain.recipients) == ["other@example.com", "zoe@example.com"]


@on_sqlite
def test_a_server_that_is_down_is_tried_later(database: Database) -> None:
    nobody = mail_server.closed()
    shop = shop_with(database, nobody.settings(timeout=0.2))
    approve(shop)
    with network.mail_server(nobody.port):
        assert deliver(shop.app) is False
    assert the_mail(shop).last_error == "The mail server could not be reached."


@on_sqlite
def test_a_mail_that_was_accepted_is_not_sent_again_for_want_of_a_goodbye(
    database: Database, server: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rude(self: smtplib.SMTP) -> None:
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed: timed out")

    monkeypatch.setattr(smtplib.SMTP, "quit", rude)
    shop = shop_with(database, server.settings())
    approve(shop)
    deliver(shop.app)
    assert the_mail(shop).state == MailState.SENT


@on_sqlite
def test_a_password_never_goes_over_a_connection_that_cannot_be_encrypted(
    database: Database, server: Taken
) -> None:
    settings = server.settings(use_tls=True, username="shop", password="hush")
    shop = shop_with(database, settings)
    approve(shop)
    assert deliver(shop.app) is False
    assert server.mails == []
    assert "STARTTLS" in the_mail(shop).last_error


def test_the_server_is_given_ten_seconds_unless_a_test_says_otherwise() -> None:
    assert MailServer("smtp.example.org", 25, "desk@shop.example").timeout == 10
    assert Taken(25).settings().timeout == 10


@on_sqlite
def test_the_worker_sends_what_waits(database: Database, server: Taken) -> None:
    shop = shop_with(database, server.settings())
    approve(shop)
    done = shop.app.test_cli_runner().invoke(args=["worker", "--once"])
    assert done.exit_code == 0, done.output
    assert len(server.mails) == 1


def test_without_a_mail_server_the_mail_can_be_read_all_the_same(database: Database) -> None:
    shop = shop_with(database, None)
    approve(shop)
    assert shop.app.test_cli_runner().invoke(args=["worker", "--once"]).exit_code == 0
    mail = the_mail(shop)
    assert mail.state == MailState.WITHHELD
    page = shop.client().get(f"/admin/mail/details/?id={mail.id}").get_data(as_text=True)
    assert "because no mail server was set up" in page
    assert "Dear Zoë Ünal &lt;b&gt;," in page


@pytest.mark.parametrize(
    ("server_set", "says"), [(True, "Emails are sent."), (False, "MAIL_SERVER is not set")]
)
def test_a_worker_says_at_its_start_whether_mail_goes_out(
    database: Database, monkeypatch: pytest.MonkeyPatch, server_set: bool, says: str
) -> None:
    monkeypatch.setattr("actions.cli.work", lambda *args: None)
    monkeypatch.setattr("signal.signal", lambda *args: None)
    app = shop_with(database, Taken(25).settings() if server_set else None).app
    assert says in app.test_cli_runner().invoke(args=["worker"]).output


def test_runs_and_mail_are_worked_off_side_by_side(database: Database, server: Taken) -> None:
    shop = shop_with(database, server.settings())
    approve(shop)
    stop = threading.Event()
    with shop.app.app_context():
        engine = db.engine
    worker = threading.Thread(target=work, args=(engine, lambda: NOW, mailing.post(shop.app), "w", stop))
    worker.start()
    for _turn in range(2000):
        if server.mails:
            break
        stop.wait(0.01)
    stop.set()
    worker.join()
    assert len(server.mails) == 1
    assert the_mail(shop).state == MailState.SENT
