"""The email log: what was sent to whom and whether it arrived, each mail to be read and to be sent again (feature 90)."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from models.customer import Customer
from models.journal import Changeset
from models.mail import BASE_MARK, SECRET_MARK, Mail, MailState
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of, rows_of
from tests.admin.row_actions.test_acting import HTMX, waiting

BODY = f'<p style="color:#111">Dear Jo</p><a href="{BASE_MARK}/reset/{SECRET_MARK}">Reset</a><script>alert(1)</script>'


def a_mail(shop: Shop, **values: Any) -> Mail:
    """A mail to a customer called Zander."""
    given = {"html_body": BODY, "text_body": f"Dear Jo <b>\n{BASE_MARK}/reset/{SECRET_MARK}\n"}
    with shop.arrange() as session:
        customer = factories.make_customer(
            session, last_name="Zander", email=f"k{factories.number()}@example.com"
        )
        return factories.make_mail(session, customer=customer, **{**given, **values})


def test_the_log_says_what_went_to_whom_when_and_why_not(shop: Shop) -> None:
    sent = a_mail(shop, recipient="karim@example.com")
    failed = a_mail(shop, state=MailState.FAILED, sent_at=None, last_error="550 <x@y> unknown")
    text = page_of(shop.client("Support").get("/admin/mail/")).text
    for words in (
        "Trade account approved",
        "karim@example.com",
        "Sent",
        "Failed",
        "550 <x@y> unknown",
        "Zander",
    ):
        assert words in text
    for view, wanted in (("all", [failed.id, sent.id]), ("failed", [failed.id]), ("waiting", [])):
        found = rows_of(shop.client("Support").get(f"/admin/mail/?view={view}"))
        assert sorted(found) == sorted(wanted), view


def test_it_is_found_by_the_beginning_of_the_address_and_by_the_customer(shop: Shop) -> None:
    mine = a_mail(shop, recipient="Rashid.K@Example.com")
    other = shop.make(factories.make_mail, recipient="other@example.com")
    client = shop.client("Support")
    assert rows_of(client.get("/admin/mail/?q=rashid.k@")) == [mine.id]
    assert rows_of(client.get("/admin/mail/?q=Zander")) == [mine.id]
    assert rows_of(client.get("/admin/mail/?recipient__eq=other@example.com")) == [other.id]


def test_each_mail_is_read_as_it_looks_and_as_text(shop: Shop) -> None:
    mail = a_mail(shop)
    client = shop.client("Support")
    page = client.get(f"/admin/mail/details/?id={mail.id}")
    html = page.get_data(as_text=True)
    assert f'<iframe class="mail-frame" sandbox src="/admin/mail/body/?id={mail.id}"' in html
    assert "Dear Jo &lt;b&gt;" in html
    assert "<script>alert" not in html
    assert f"http://127.0.0.1:5000/reset/{SECRET_MARK}" in html, "a link is masked where its secret was"
    body = client.get(f"/admin/mail/body/?id={mail.id}")
    assert body.get_data(as_text=True) == BODY.replace(BASE_MARK, "http://127.0.0.1:5000")
    policy = body.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert body.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert body.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("query", ["", "?id=", "?id=x", "?id=0", "?id=" + "9" * 30])
def test_a_mail_that_is_none_is_not_shown(shop: Shop, query: str) -> None:
    assert shop.client().get(f"/admin/mail/body/{query}").status_code in (400, 404)


def test_only_support_managers_and_admins_read_mail(shop: Shop) -> None:
    mail = a_mail(shop)
    for role, status in (("Support", 200), ("Manager", 200), ("Admin", 200), ("Back office", 403), ("Finance", 403), ("Read-only", 403)):  # fmt: skip
        for path in ("", f"details/?id={mail.id}", f"body/?id={mail.id}"):
            assert shop.client(role).get(f"/admin/mail/{path}").status_code == status, (role, path)


def test_the_secret_of_a_mail_is_nowhere_to_be_read(shop: Shop) -> None:
    mail = a_mail(shop, state=MailState.WAITING, secret="tops3cr3t-tops3cr3t")
    client, api = shop.client(), shop.api()
    answers = [
        client.get("/admin/mail/"),
        client.get(f"/admin/mail/details/?id={mail.id}"),
        client.get(f"/admin/mail/body/?id={mail.id}"),
        client.get("/admin/mail/export/csv/"),
        api.get("/api/v1/mail/"),
        api.get(f"/api/v1/mail/{mail.id}"),
    ]
    assert all(answer.status_code == 200 for answer in answers)
    assert not any("tops3cr3t" in answer.get_data(as_text=True) for answer in answers)
    assert client.get("/admin/mail/?secret__eq=tops3cr3t-tops3cr3t").status_code == 400


def test_nobody_writes_or_deletes_a_mail_by_hand(shop: Shop) -> None:
    mail = a_mail(shop)
    client = shop.client()
    for path in ("new/", f"edit/?id={mail.id}"):
        assert client.get(f"/admin/mail/{path}").status_code == 403
    token = {"X-CSRFToken": client.csrf_token()}
    assert client.post("/admin/mail/delete/", data={"id": mail.id}, headers=token).status_code == 403
    assert shop.api().send("POST", "/api/v1/mail/", {"subject": "x"}).status_code == 405


def test_a_customers_mails_are_a_tab_on_the_record(shop: Shop) -> None:
    mail = a_mail(shop, state=MailState.FAILED, last_error="550 unknown")
    page = shop.client("Support").get(f"/admin/customer/details/?id={mail.customer_id}&tab=mail")
    assert "Emails" in page_of(page).text
    query = {"embed": 1, "customer__eq": mail.customer_id}
    text = page_of(shop.client("Support").get("/admin/mail/", query_string=query)).text
    assert "Trade account approved" in text
    assert "550 unknown" in text
    other = page_of(shop.client("Finance").get(f"/admin/customer/details/?id={mail.customer_id}"))
    assert not any("tab=mail" in link for link in other.links)


def test_a_mail_is_sent_again_from_its_page(shop: Shop) -> None:
    mail = a_mail(shop, state=MailState.FAILED, text_body="Dear Jo\n")
    client = shop.client("Support")
    page = page_of(client.get(f"/admin/mail/details/?id={mail.id}"))
    url = f"/admin/mail/act/resend/?id={mail.id}"
    assert url in page.links
    form = page_of(client.get(url, headers=HTMX)).form("/act/resend/")
    seen = page_of(client.post(f"{url}&preview=1", data=form.filled(), headers=HTMX)).text
    assert "An email will be sent" in seen
    assert "k***@example.com" in seen
    done = client.post(url, data=form.filled(), headers=HTMX)
    assert done.status_code == 204
    assert "k***@example.com" in done.headers["HX-Trigger"]
    address = shop.get(Customer, mail.customer_id).email
    with shop.look() as session:
        new = session.scalars(sa.select(Mail).order_by(Mail.id.desc())).first()
        assert (new.resend_of_id, new.state, new.recipient) == (mail.id, MailState.WAITING, address)
        changeset = session.get(Changeset, new.changeset_id)
        assert (changeset.action, changeset.actor_name) == ("mail.resend", "Support Tester")
    links = page_of(client.get(f"/admin/mail/details/?id={new.id}")).links
    assert not any("resend" in link for link in links), "one that waits is not sent again"


def test_today_counts_the_mails_that_failed_until_they_are_sent_again(shop: Shop) -> None:
    client = shop.client("Support")
    assert "Emails that failed" not in page_of(client.get("/admin/")).text
    mail = a_mail(shop, state=MailState.FAILED, text_body="Dear Jo\n")
    page = page_of(client.get("/admin/"))
    assert "Emails that failed 1" in page.text
    assert "/admin/mail/?view=failed" in page.links
    assert "Emails that failed" not in page_of(shop.client("Finance").get("/admin/")).text
    url = f"/admin/mail/act/resend/?id={mail.id}"
    form = page_of(client.get(url, headers=HTMX)).form("/act/")
    assert client.post(url, data=form.filled(), headers=HTMX).status_code == 204
    assert "Emails that failed" not in page_of(client.get("/admin/")).text


def test_what_an_approval_sends_is_said_before_and_its_undo_says_what_stays(shop: Shop) -> None:
    customer = waiting(shop)
    client = shop.client("Manager")
    url = f"/admin/customer/act/approve/?id={customer}"
    form = page_of(client.get(url, headers=HTMX)).form("/act/")
    before = shop.figures()
    seen = page_of(client.post(f"{url}&preview=1", data=form.filled(), headers=HTMX)).text
    assert "An email will be sent Your trade account is approved" in seen
    assert shop.figures() == before
    done = client.post(url, data=form.filled(), headers=HTMX)
    assert done.status_code == 204
    with shop.arrange() as session:
        session.scalars(sa.select(Mail)).one().state = MailState.SENT
    undo = done.headers["HX-Trigger"].split('"undo": "')[1].split('"')[0]
    headers = {**HTMX, "X-CSRFToken": client.csrf_token()}
    back = client.post(undo, headers=headers)
    assert back.status_code == 204
    assert "An email about this has already been sent." in back.headers["HX-Trigger"]


def test_the_api_previews_the_mail_too(shop: Shop) -> None:
    customer = waiting(shop)
    seen = shop.api("Manager").send("POST", f"/api/v1/customer/{customer}/actions/approve?preview=1", {})
    told = [row for row in seen.json["rows"] if row["kind"] == "mailed"]
    assert [(row["table"], row["id"], row["label"]) for row in told] == [
        ("mail", None, "Your trade account is approved")
    ]


def test_an_email_names_the_others_that_it_went_to(shop: Shop) -> None:
    with shop.arrange() as session:
        customer = factories.make_customer(session)
        done = factories.make_changeset(session).id
        one, two, _three = (
            factories.make_mail(
                session, customer=customer, changeset_id=done, recipient=f"{who}@example.com"
            ).id
            for who in ("own", "office", "cellar")
        )
        factories.make_mail(
            session, customer=customer, changeset_id=done, recipient="x@example.com", template="gone"
        )
        factories.make_mail(session, changeset_id=done, recipient="stranger@example.com")
    page = page_of(shop.client("Support").get(f"/admin/mail/details/?id={one}"))
    assert "office@example.com" in page.text
    assert "cellar@example.com" in page.text
    assert "x@example.com" not in page.text
    assert "stranger@example.com" not in page.text
    masked = page_of(shop.client("Read-only").get(f"/admin/mail/details/?id={two}")).text
    assert "own@example.com" not in masked


def test_it_says_which_address_got_no_copy_as_it_was_not_confirmed(shop: Shop) -> None:
    mail = a_mail(shop, template="account_statement", text_body="x", html_body="x", created_at=factories.NOW)
    later, day = factories.NOW + dt.timedelta(hours=1), dt.timedelta(days=1)
    given: dict[str, dict[str, Any]] = {
        "waits@example.com": {"confirmed_at": None},
        "waited@example.com": {"confirmed_at": later},
        "got@example.com": {"confirmed_at": factories.NOW - day},
        "added@example.com": {"confirmed_at": None, "created_at": later},
    }
    for email, own in given.items():
        values = {"created_at": factories.NOW - day, **own}
        shop.make(factories.make_contact_email, customer_id=mail.customer_id, email=email, **values)
    text = shop.client("Support").get(f"/admin/mail/details/?id={mail.id}").text
    found = [email for email in ("waits", "waited", "got", "added") if f"{email}@example.com, not" in text]
    assert found == ["waits", "waited"]
    private = shop.make(
        factories.make_mail, customer_id=mail.customer_id, template="customer_password_changed"
    )
    assert (
        "not confirmed then" not in shop.client("Support").get(f"/admin/mail/details/?id={private.id}").text
    )
