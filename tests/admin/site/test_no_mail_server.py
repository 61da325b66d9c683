"""Where no mail can go out nothing says that it did, links are told to who made them, and Today says so (rule 14.4)."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from admin.row_actions import selection
from models.access import StaffLink
from models.choices import AccountType, Status
from models.job import JobRow
from models.mail import Mail, MailState
from tests import application, factories, staffing
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.row_actions.test_acting import HTMX, bulk
from tests.databases import Database
from tests.factories import NOW

pytestmark = pytest.mark.either_database
NOT_SENT = "No mail server is set up"
ANN = {"first_name": "Ann", "last_name": "Lee", "email": "ann.lee@shop.example", "username": ""}


@pytest.fixture
def silent(database: Database) -> Shop:
    """A shop without a mail server."""
    settings = {"public_base_url": "https://desk.example.org", "mail": None}
    return Shop(application.shared(database.url, lambda: NOW, **settings), database)


def choose(shop: Shop, link: str) -> int:
    """Ask for the page of a link that was shown."""
    assert link.startswith("https://desk.example.org/password/?token=")
    return int(shop.app.test_client().get(link.removeprefix("https://desk.example.org")).status_code)


def test_an_invitation_is_told_to_who_invites_once_and_claims_no_mail(silent: Shop) -> None:
    form = page_of(silent.client().get("/admin/staff/act/invite/")).form("/act/invite/")
    answer = silent.client().post(form.action, data=form.filled(**ANN))
    text = answer.get_data(as_text=True)
    assert "Ann Lee was added. Give them this link yourself" in text
    assert NOT_SENT in text
    assert "invited by email" not in text
    found = re.search(r'value="(https://desk[^"]+)"', text)
    assert found is not None
    assert choose(silent, found[1]) == 200
    token = found[1].partition("=")[2]
    with silent.look() as session:
        assert session.query(StaffLink).count() == 1
        assert session.query(Mail).one().state == MailState.WAITING
    log = silent.client().get("/admin/mail/").get_data(as_text=True)
    assert token not in log, "nowhere but in that one answer"


def test_a_link_for_a_new_password_is_told_by_the_api_too(silent: Shop) -> None:
    row = silent.make(staffing.make_member).id
    answer = silent.api().send("POST", f"/api/v1/staff/{row}/actions/send_reset")
    assert answer.status_code == 200, answer.json
    assert choose(silent, answer.json["secret"]) == 200
    assert "will be sent" not in answer.json["message"]
    assert any(NOT_SENT in warning for warning in answer.json["warnings"])


def test_what_is_written_to_a_customer_is_not_said_to_go_out(silent: Shop) -> None:
    customer = silent.make(factories.make_customer, email="jo@example.com").id
    where = f"/api/v1/customer/{customer}/actions/send_statement"
    answer = silent.api().send("POST", where, {})
    assert answer.json["message"] == "Statement for j***@example.com saved in the email log."
    assert any(NOT_SENT in warning for warning in answer.json["warnings"])
    with silent.look() as session:
        mail = session.query(Mail).one().id
    with silent.arrange() as session:
        session.query(Mail).update({"state": MailState.WITHHELD})
    again = silent.api().send("POST", f"/api/v1/mail/{mail}/actions/resend")
    assert (again.status_code, again.json["code"]) == (409, "no_mail_server")


def test_what_many_are_written_is_not_said_to_go_out(silent: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent.arrange() as session:
        waiting = {"account_type": AccountType.TRADE, "status": Status.PENDING_APPROVAL, "is_active": False}
        for _n in range(2):
            factories.make_customer(session, **waiting)
    monkeypatch.setattr(selection, "MOST_AT_ONCE", 1)
    opened = page_of(bulk(silent, "customer.approve", all="1", view="awaiting")).form("/act/approve/")
    sent, client = opened.filled(), silent.client()
    assert NOT_SENT in page_of(client.post(f"{opened.action}?preview=1", data=sent, headers=HTMX)).text
    run = client.post(opened.action, data=sent, headers=HTMX).headers["HX-Redirect"]
    assert NOT_SENT not in page_of(client.get(run)).text, "it has written nothing yet"
    assert silent.app.test_cli_runner().invoke(args=["worker", "--once"]).exit_code == 0
    assert NOT_SENT in page_of(client.get(run)).text


def test_a_job_that_writes_says_beforehand_that_it_goes_nowhere(silent: Shop) -> None:
    now = silent.app.extensions["clientele"].clock()
    with silent.arrange() as session:
        owner = factories.make_customer(session, points=50)
        soon = {"customer": owner, "points": 50, "expires_at": now + dt.timedelta(days=5)}
        entry = factories.make_loyalty_entry(session, **soon)
        factories.make_loyalty_lot(session, entry=entry, unspent=50, **soon)
        jobs = {row.code: row.id for row in session.scalars(sa.select(JobRow))}
    for code, mails in (("loyalty.send_expiry_notices", True), ("maintenance.verify_ledgers", False)):
        details = page_of(silent.client().get(f"/admin/job/details/?id={jobs[code]}")).text
        path = f"/admin/job/act/run_now/?id={jobs[code]}"
        form = page_of(silent.client().get(path, headers=HTMX)).form("/act/")
        preview = silent.client().post(f"{path}&preview=1", data=form.filled(), headers=HTMX)
        assert [NOT_SENT in text for text in (details, page_of(preview).text)] == [mails, mails]
    assert silent.client().get("/admin/").get_data(as_text=True).count(NOT_SENT) == 2, (
        "of itself, and of the job"
    )


def test_who_has_forgotten_a_password_is_promised_nothing(silent: Shop) -> None:
    client = silent.app.test_client()
    assert "No mail server is set up" in client.get("/password/forgotten/").get_data(as_text=True)
    answer = client.send("/password/forgotten/", {"username": "admin"})
    assert "we have sent an email" not in answer.get_data(as_text=True)
    with silent.look() as session:
        assert session.query(StaffLink).count() == 0


def test_today_says_that_mail_cannot_go_out(silent: Shop, shop: Shop) -> None:
    assert "Emails are kept and not sent" in silent.client().get("/admin/").get_data(as_text=True)
    assert "kept and not sent" not in shop.client().get("/admin/").get_data(as_text=True)


def test_today_says_which_mail_waits_for_more_than_a_moment_and_why(shop: Shop) -> None:
    now = shop.app.extensions["clientele"].clock()
    shop.make(factories.make_mail, state=MailState.WAITING, created_at=now - dt.timedelta(minutes=1))
    assert "Emails delayed" not in shop.client().get("/admin/").get_data(as_text=True)
    told = "535 5.7.8 Wrong password"
    shop.make(
        factories.make_mail, state=MailState.WAITING, created_at=now - dt.timedelta(hours=1), last_error=told
    )
    page = page_of(shop.client().get("/admin/")).text
    assert "Emails delayed" in page
    assert told in page
