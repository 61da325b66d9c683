"""The statement of an account through the back office: the page, the file, the mail, and who gets at them (rule 2.11)."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from models.base import Staff
from models.customer import Customer
from models.journal import Changeset
from models.mail import Mail, MailAttachment
from models.member import StaffChannel
from tests import application, factories
from tests.actions.statement_desk import text_of
from tests.admin import hiding
from tests.admin.conftest import Shop
from tests.admin.pages import links_of, page_of

either = pytest.mark.either_database
PAGE, PDF = "/admin/customer/statement/", "/admin/customer/statement/pdf/"
LABELS = {"since": "From", "until": "To"}
RANGE = "since=2026-01-01&until=2026-01-31"


def account(shop: Shop, **values: Any) -> int:
    """A customer with an invoice of January, and where bills go."""
    given = {
        "first_name": "Łukasz",
        "last_name": "Żółć",
        "email": f"l{factories.number()}@example.com",
        **values,
    }
    with shop.arrange() as session:
        customer = factories.make_customer(session, pay_on_account=True, account_balance=12_000, **given)
        factories.make_address(
            session, customer=customer, is_primary=True, is_billing=True, line1="9 Secret Row"
        )
        own = {"customer_id": customer.id, "value_date": dt.date(2026, 1, 15)}
        invoice = factories.make_invoice(session, customer_id=customer.id, number=f"SALE-{customer.id}")
        factories.make_account_entry(session, kind="invoice", amount=12_000, invoice=invoice, **own)
        return int(customer.id)


def events(shop: Shop, code: str) -> list[tuple[int | None, str]]:
    """(about whom, why) of the events of a kind."""
    with shop.look() as session:
        rows = session.scalars(sa.select(Changeset).where(Changeset.action == code).order_by(Changeset.id))
        return [(row.subject_id, row.reason) for row in rows]


def sent(shop: Shop, customer: int, role: str = "Admin", **values: str) -> Any:
    """The answer to a statement that is sent."""
    form = page_of(shop.client(role).get(f"/admin/customer/act/send_statement/?id={customer}&{RANGE}")).form(
        "/act/"
    )
    return shop.client(role).post(form.action, data=form.filled(**values))


def test_the_page_says_what_happened_and_what_can_be_done(shop: Shop) -> None:
    customer = account(shop)
    answer = shop.client("Finance").get(f"{PAGE}?id={customer}&{RANGE}")
    assert answer.status_code == 200
    text = page_of(answer).text
    for words in (
        "Łukasz Żółć", "9 Secret Row", "1 Jan 2026 to 31 Jan 2026", "Opening balance", "nothing owed", f"SALE-{customer}",
        "£120.00", "owes £120.00", "Closing balance", "Print", "Download PDF", "Send by email",
    ):  # fmt: skip
        assert words in text, words
    assert f"{PDF}?id={customer}&{RANGE}" in links_of(answer)
    empty = page_of(shop.client().get(f"{PAGE}?id={customer}&since=2025-01-01&until=2025-01-31")).text
    assert "No entries in this period." in empty
    assert "Balance due" not in empty


@either
def test_it_is_reached_from_the_account_the_record_and_the_palette(shop: Shop) -> None:
    customer = account(shop)
    places = (
        f"/admin/account_entry/?embed=1&customer__eq={customer}",
        f"/admin/customer/details/?id={customer}",
        f"/admin/palette/?resource=customer&id={customer}",
    )
    for place in places:
        assert f"{PAGE}?id={customer}" in links_of(shop.client().get(place)), place
    assert f"{PAGE}?id=" not in "".join(links_of(shop.client().get("/admin/account_entry/")))


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("since=x", 400, "since"), ("until=2026-13-01", 400, "until"), ("since=2026-1-1", 400, "since"),
        ("since=20260101", 400, "since"), ("until=%00", 400, "until"), ("since=" + "9" * 5_000, 400, "since"),
        ("since=%D9%A2%D9%A0%D9%A2%D9%A6-01-01", 400, "since"), ("since=2026-02-02&until=2026-02-01", 422, "until"),
        ("until=9999-12-31", 422, "until"), ("since=0001-01-01", 422, "since"), ("since=9999-12-31", 422, "since"),
    ],
)  # fmt: skip
@either
def test_days_that_will_not_do_are_named(shop: Shop, query: str, status: int, field: str) -> None:
    customer = account(shop)
    for path in (PAGE, PDF):
        answer = shop.client().get(f"{path}?id={customer}&{query}")
        assert answer.status_code == status, path
        assert "%PDF" not in answer.get_data(as_text=True)
    page = shop.client().get(f"{PAGE}?id={customer}&{query}")
    told = f'id="statement-{field}-error"' if status == 422 else f"{LABELS[field]}: enter"
    told = "Until: remove the NUL" if "%00" in query else told
    assert told in page.get_data(as_text=True)


@either
@pytest.mark.parametrize("query", ["", "?id=", "?id=x", "?id=0", "?id=1000000000", "?id=" + "9" * 30])
def test_a_customer_that_is_none_has_no_statement(shop: Shop, query: str) -> None:
    for path in (PAGE, PDF):
        assert shop.client().get(f"{path}{query}").status_code in (400, 404)


def test_the_file_is_a_pdf_and_stands_in_the_journal(shop: Shop) -> None:
    customer = account(shop, language="de")
    answer = shop.client("Read-only").get(f"{PDF}?id={customer}&{RANGE}")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == (
        f"attachment; filename=statement-{customer}-2026-01-01-2026-01-31.pdf"
    )
    text = text_of(answer.get_data())
    for words in ("Łukasz Żółć", "Kontoauszug", "offen 120,00", f"SALE-{customer}"):
        assert words in text
    assert events(shop, "customer.statement") == [(customer, "2026-01-01 – 2026-01-31, PDF")]
    shop.client().get(f"{PAGE}?id={customer}")
    assert len(events(shop, "customer.statement")) == 1, "a look at the page stays in the house"


@either
def test_one_that_no_pdf_can_show_is_answered_with_the_page_that_says_so(shop: Shop) -> None:
    customer = account(shop, last_name="山田", language="de")
    answer = shop.client("Read-only").get(f"{PDF}?id={customer}&{RANGE}")
    page = page_of(answer)
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    for words in ("our fonts lack 山田 in the customer's name", "Łukasz 山田", "owes £120.00", "Print"):
        assert words in page.text, words
    assert not [link for link in links_of(answer) if PDF in link]
    told = shop.client().get(f"{PDF}?id={customer}&{RANGE}", headers={"Accept": "application/json"})
    assert (told.status_code, told.get_json()["code"]) == (409, "unprintable")
    assert events(shop, "customer.statement") == []
    where = f"/api/v1/customer/{customer}/actions/send_statement"
    sent_by_program = shop.api("Finance").send("POST", where, {})
    assert (sent_by_program.status_code, sent_by_program.get_json()["code"]) == (409, "unprintable")
    tried = shop.api("Finance").send("POST", f"{where}?preview=1", {})
    assert "our fonts lack 山田" in tried.get_json()["blockers"][0]["message"]


@either
def test_of_a_masked_address_no_letter_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = account(shop)
    with shop.arrange() as session:
        session.execute(
            sa.text("UPDATE address SET line1 = '東京' WHERE customer_id = :id"), {"id": customer}
        )
        hiding.plant(session)
    monkeypatch.setitem(application.USERNAMES, hiding.ROLE, hiding.USERNAME)
    refused = shop.client().get(f"{PDF}?id={customer}&{RANGE}")
    assert "lack 東京 in the address" in page_of(refused).text
    assert "••••••" in text_of(shop.client(hiding.ROLE).get(f"{PDF}?id={customer}&{RANGE}").get_data())
    sending = page_of(sent(shop, customer, hiding.ROLE)).text
    assert "lack some letters in the address" in sending
    assert "東" not in sending


def test_a_role_needs_customers_and_accounts_to_read_and_a_permission_to_send(shop: Shop) -> None:
    customer = account(shop)
    with shop.arrange() as session:
        person = session.scalar(sa.select(Staff).where(Staff.username == application.USERNAMES["Read-only"]))
        role = person.roles[0]
        role.permissions = [
            p
            for p in role.permissions
            if (p.permission.name, p.view_menu.name) != ("can_list", "account_entry")
        ]
    for path in (PAGE, PDF):
        assert shop.client("Read-only").get(f"{path}?id={customer}").status_code == 403
    assert PAGE not in "".join(
        links_of(shop.client("Read-only").get(f"/admin/customer/details/?id={customer}"))
    )
    for name, status in (
        ("Admin", 200),
        ("Manager", 200),
        ("Support", 200),
        ("Finance", 200),
        ("Back office", 403),
    ):
        page = shop.client(name).get(f"{PAGE}?id={customer}")
        assert page.status_code == 200
        assert ("Send by email" in page_of(page).text) == (status == 200), name
        act = f"/admin/customer/act/send_statement/?id={customer}"
        assert shop.client(name).get(act).status_code == status, name


@either
def test_out_of_scope_it_is_not_there(shop: Shop) -> None:
    mine, foreign = account(shop), account(shop)
    with shop.arrange() as session:
        ours = factories.make_sales_channel(session)
        session.get_one(Customer, mine).sales_channel_id = ours.id
        person = session.scalar(sa.select(Staff).where(Staff.username == application.USERNAMES["Finance"]))
        session.add(StaffChannel(user_id=person.id, sales_channel_id=ours.id))
    for path in (PAGE, PDF, "/admin/customer/act/send_statement/"):
        assert shop.client("Finance").get(f"{path}?id={mine}").status_code == 200, path
        assert shop.client("Finance").get(f"{path}?id={foreign}").status_code == 404, path
    answer = shop.api("Finance").send("POST", f"/api/v1/customer/{foreign}/actions/send_statement", {})
    assert answer.status_code == 404


@either
def test_what_is_masked_is_masked_on_the_page_and_in_the_file_and_true_in_the_mail(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = account(shop)
    monkeypatch.setitem(application.USERNAMES, hiding.ROLE, hiding.USERNAME)
    with shop.arrange() as session:
        hiding.plant(session)
    page = shop.client(hiding.ROLE).get(f"{PAGE}?id={customer}").get_data(as_text=True)
    file = text_of(shop.client(hiding.ROLE).get(f"{PDF}?id={customer}").get_data())
    for text in (page, file):
        assert "Łukasz Żółć" in text
        assert "Secret Row" not in text
    assert page.count("••••••") >= 3, "each line of the address has its own mask"
    assert sent(shop, customer, hiding.ROLE).status_code == 302
    with shop.look() as session:
        kept = session.scalars(sa.select(MailAttachment)).one()
        assert "9 Secret Row" in text_of(kept.content)
        mail, file_id = kept.mail_id, kept.id
    answer = shop.client(hiding.ROLE).get(f"/admin/mail/attachment/?id={mail}&attachment={file_id}")
    assert answer.status_code == 403, "nothing in a file is masked"
    assert "/admin/mail/attachment/" not in "".join(
        links_of(shop.client(hiding.ROLE).get(f"/admin/mail/details/?id={mail}"))
    )


def test_it_is_sent_and_can_be_read_in_the_email_log(shop: Shop) -> None:
    customer = account(shop)
    form = page_of(
        shop.client("Support").get(f"/admin/customer/act/send_statement/?id={customer}&{RANGE}")
    ).form("/act/")
    assert (form.fields["since"], form.fields["until"]) == ("2026-01-01", "2026-01-31")
    assert sent(shop, customer, "Support", message="<b>Hello</b>").status_code == 302
    with shop.look() as session:
        mail = session.scalars(sa.select(Mail).where(Mail.customer_id == customer)).one()
        file = session.scalars(sa.select(MailAttachment).where(MailAttachment.mail_id == mail.id)).one()
        ids, content = (mail.id, file.id), file.content
    page = shop.client("Support").get(f"/admin/mail/details/?id={ids[0]}")
    assert f"statement-{customer}-2026-01-01-2026-01-31.pdf" in page_of(page).text
    where = f"/admin/mail/attachment/?id={ids[0]}&attachment={ids[1]}"
    assert where in links_of(page)
    answer = shop.client("Support").get(where)
    assert (answer.get_data(), answer.mimetype) == (content, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert events(shop, "mail.attachment") == [(ids[0], f"statement-{customer}-2026-01-01-2026-01-31.pdf")]
    body = shop.client("Support").get(f"/admin/mail/body/?id={ids[0]}").get_data(as_text=True)
    assert "&lt;b&gt;Hello&lt;/b&gt;" in body
    assert shop.client("Finance").get(where).status_code == 403, "who reads no mail opens none of its files"


@either
def test_a_file_is_opened_by_its_own_mail_alone(shop: Shop) -> None:
    with shop.arrange() as session:
        one, two = factories.make_mail_attachment(session), factories.make_mail_attachment(session)
        erased = factories.make_mail_attachment(session, name=None, content=None)
    tries = (f"id={one.mail_id}&attachment={two.id}", f"id={one.mail_id}&attachment=999999", f"id=999999&attachment={one.id}")  # fmt: skip
    for query in (*tries, f"id={erased.mail_id}&attachment={erased.id}"):
        assert shop.client().get(f"/admin/mail/attachment/?{query}").status_code == 404, query
    for query in (f"id={one.mail_id}", f"id={one.mail_id}&attachment=x", "attachment=1", ""):
        assert shop.client().get(f"/admin/mail/attachment/?{query}").status_code in (400, 404), query
    assert shop.client().get(f"/admin/mail/details/?id={erased.mail_id}").status_code == 200


def test_programs_send_it_with_or_without_days(shop: Shop) -> None:
    customer = account(shop)
    where = f"/api/v1/customer/{customer}/actions/send_statement"
    assert shop.api("Finance").send("POST", where, {}).status_code == 200
    tried = shop.api("Finance").send("POST", f"{where}?preview=1", {"since": "2026-01-01"})
    assert tried.status_code == 200
    assert "mailed" in tried.get_data(as_text=True)
    wrong = shop.api("Finance").send("POST", where, {"since": "2026-02-02", "until": "2026-01-01"})
    assert (wrong.status_code, "until" in wrong.get_data(as_text=True)) == (422, True)
    assert shop.api("Read-only").send("POST", where, {}).status_code == 403
    with shop.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Mail)) == 1


@either
def test_of_a_merged_an_erased_record_and_a_shop_with_its_books_elsewhere(shop: Shop) -> None:
    one, two = account(shop), account(shop)
    with shop.arrange() as session:
        session.get_one(Customer, one).merged_into_id = two
        session.flush()
        erased = factories.make_customer(
            session, anonymised_at=factories.NOW, first_name=None, last_name=None, email=None
        )
    for customer, words in ((one, "was merged into"), (erased.id, "was erased on request")):
        page = page_of(shop.client().get(f"{PAGE}?id={customer}"))
        assert words in page.text
        assert "Send by email" not in page.text
        assert shop.client().get(f"{PDF}?id={customer}").status_code == 200
    with shop.arrange() as session:
        factories.make_shop_setting(session, code="external_accounting", value=True)
    page = page_of(shop.client().get(f"{PAGE}?id={two}"))
    assert "may be out of date" in page.text
    assert "Send by email" not in page.text
