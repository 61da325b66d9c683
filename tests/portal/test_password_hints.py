"""A password hint is in the reset mail as it is sent, and nowhere where staff read what was sent (rule 5.12)."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import update

from models.base import metadata
from models.customer import Customer
from models.mail import HINT_MARK, Mail
from tests import factories
from tests.admin.conftest import Api, token
from tests.portal.conftest import Portal

HINT = """the <b>animal</b> & "its" river's name"""
WORDS = "Your hint for the password you have"
IN_HTML = "the &lt;b&gt;animal&lt;/b&gt; &amp; &#34;its&#34; river&#39;s name"


def asked(portal: Portal, **values: Any) -> int:
    """A customer with a hint who has forgotten the password; the reset mail waits for the worker."""
    with portal.arrange() as session:
        factories.make_shop_setting(session, code="password_hints", value=True)
    one = portal.customer(
        **{"password_hint": HINT, "email": "mary@example.com", "first_name": "Mary", **values}
    )
    ticked = {"identity_checked": "y", "mailbox_checked": "y"}
    assert portal.staff().send(f"/admin/customer/act/send_reset/?id={one}", ticked).status_code == 302
    return one


def everything(portal: Portal) -> str:
    """All texts in the database, but for the customer's own record."""
    with portal.engine.connect() as connection:
        tables = [table for table in metadata.sorted_tables if table.name != "customer"]
        return "\n".join(str(row) for table in tables for row in connection.execute(sa.select(table)))


def test_the_hint_is_in_the_mail_that_is_sent_and_in_nothing_that_staff_read(portal: Portal) -> None:
    one = asked(portal)
    (row,) = portal.rows(Mail, Mail.customer_id == one)
    (sent,) = portal.work()
    assert f"{WORDS}: {HINT}\n" in sent.text
    assert f"{WORDS}: {IN_HTML}</p>" in sent.html
    assert HINT_MARK not in sent.text + sent.html
    assert "animal" not in everything(portal), "no column of the mail, and no line of the journal"
    admin, bearer = portal.staff("Admin"), token(portal.app, "Admin")
    page = admin.get(f"/admin/mail/details/?id={row.id}").text
    assert f"{WORDS}: {HINT_MARK}" in page
    body = admin.get(f"/admin/mail/body/?id={row.id}").text
    assert f"{WORDS}: {HINT_MARK}</p>" in body
    rest = Api(portal.app, bearer).get(f"/api/v1/mail/{row.id}").text
    listed = Api(portal.app, bearer).get("/api/v1/mail/").text
    export = admin.get("/admin/mail/export/csv/").text
    for text in (page, body, rest, listed, export, admin.get(f"/admin/customer/details/?id={one}").text):
        assert "animal" not in text


def test_it_is_the_hint_that_the_customer_has_when_the_mail_goes_out(portal: Portal) -> None:
    one = asked(portal)
    with portal.database.desk.begin() as connection:
        connection.execute(update(factories.table_of(Customer)).values(password_hint="another"))
    (sent,) = portal.work()
    assert (portal.read(Mail.customer_id), f"{WORDS}: another\n" in sent.text) == (one, True)


@pytest.mark.parametrize(("gone", "language"), [("hint", "en"), ("setting", "de"), ("address", "fr")])
def test_a_hint_that_is_gone_by_then_leaves_a_mail_without_one(
    portal: Portal, gone: str, language: str
) -> None:
    asked(portal, language=language)
    customers, settings = factories.table_of(Customer), metadata.tables["shop_setting"]
    change = {
        "hint": update(customers).values(password_hint=None),
        "setting": update(settings).values(value=False),
        "address": update(customers).values(email="new@example.com", email_key="new@example.com"),
    }[gone]
    with portal.database.desk.begin() as connection:
        connection.execute(change)
    (sent,) = portal.work()
    assert portal.link()
    text, html = without_hint(portal, language)
    assert (cut(sent.text), cut(sent.html)) == (cut(text), cut(html)), "as one that never had a hint"


def without_hint(portal: Portal, language: str) -> tuple[str, str]:
    """What a customer without a hint is sent."""
    other = portal.customer(email="other@example.com", language=language, first_name="Mary")
    ticked = {"identity_checked": "y", "mailbox_checked": "y"}
    portal.staff().send(f"/admin/customer/act/send_reset/?id={other}", ticked)
    portal.work()
    return portal.sent[-1].text, portal.sent[-1].html


def cut(text: str) -> list[str]:
    """The lines of a mail that are the same for everybody."""
    return [line for line in text.splitlines() if "token=" not in line and "Mary" not in line and line]


def test_a_mark_that_somebody_typed_into_another_mail_is_not_filled_in(portal: Portal) -> None:
    one = asked(portal)
    portal.work()
    with portal.arrange() as session:
        factories.make_mail(
            session, customer_id=one, recipient="mary@example.com", text_body=f"See {HINT_MARK}", html_body=f"<p>See {HINT_MARK}</p>",
            state="waiting", sent_at=None, next_attempt_at=portal.clock(),
        )  # fmt: skip
    (sent,) = portal.work()
    assert (sent.text, sent.html) == (f"See {HINT_MARK}", f"<p>See {HINT_MARK}</p>")
