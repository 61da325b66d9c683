"""The pages of a signed-in customer: what they show, and that none shows anybody else's."""

import datetime as dt

import pytest

from models.account import AccountKind
from models.journal import Changeset
from tests import factories
from tests.databases import recorded_statements
from tests.factories import NOW
from tests.portal.conftest import Portal


def test_an_order_is_shown_in_full(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        order = factories.make_order(session, customer_id=one, number="SO-77", shipping=350, total=2_750)
        factories.make_order_line(session, order=order, name="Rioja <2019>")
        factories.make_shipment(session, order=order, tracking_number="RM 1")
        factories.make_shipment(session, order=order, tracking_number="https://track.example/1")
        factories.make_shipment(session, order=order, tracking_number="javascript:alert(1)")
        found = order.id
    visitor = portal.signed_in(one)
    assert "SO-77" in visitor.get("/orders/").text
    page = visitor.get(f"/orders/{found}/").text
    for told in ("Rioja &lt;2019&gt;", "£3.50", "£27.50", "Received", "Tracking number RM 1",
                 'href="https://track.example/1"', "Tracking number javascript:alert(1)"):  # fmt: skip
        assert told in page, told
    assert 'href="javascript' not in page


def test_lists_come_in_pages_of_twenty(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        for n in range(45):
            factories.make_order(session, customer_id=one, number=f"N-{n:02}", placed_at=NOW)
    visitor, seen = portal.signed_in(one), []
    path: str | None = "/orders/"
    while path:
        page = visitor.get(path).text
        seen.append([number for n in range(45) if (number := f"N-{n:02}") in page])
        rest = page.partition('rel="next" href="/portal')[2]
        path = rest.partition('"')[0] or None
    assert [len(part) for part in seen] == [20, 20, 5]
    assert sorted(number for part in seen for number in part) == [f"N-{n:02}" for n in range(45)]


def test_a_place_in_a_list_is_ones_own(portal: Portal) -> None:
    one, other = portal.customer(), portal.customer()
    with portal.arrange() as session:
        foreign = factories.make_order(session, customer_id=other).id
    visitor = portal.signed_in(one)
    assert visitor.get(f"/orders/?before={foreign}").status_code == 404
    for path in ("/orders/", "/points/", "/credit/", "/account/", "/addresses/"):
        assert visitor.get(f"{path}?before=1000000").status_code == 404, path
        for junk in ("x", "0", "-1", "9" * 30, "1.5", ""):
            assert visitor.get(f"{path}?before={junk}").status_code == 400, (path, junk)


def test_points_past_their_date_are_not_available_and_those_of_one_day_stand_together(portal: Portal) -> None:
    one = portal.customer()
    ends = dt.datetime(2030, 7, 31, 23, tzinfo=dt.UTC)  # midnight in London
    with portal.arrange() as session:
        for points, end in ((70, NOW), (5, ends), (6, ends), (1_000, None)):
            entry = factories.make_loyalty_entry(session, customer_id=one, points=points, expires_at=end)
            factories.make_loyalty_lot(session, entry=entry, points=points, expires_at=end)
    page = portal.signed_in(one).get("/points/").text
    assert "<dd>1,011</dd>" in page
    assert 'Use by 31 Jul 2030</span><span class="amount">11<' in page
    assert 'No expiry date</span><span class="amount">1,000<' in page
    assert page.count("Earned") == 4


def test_an_entry_leads_to_its_order_only_while_that_is_the_customers(portal: Portal) -> None:
    """The history of who had an order before keeps what it said, and leads nowhere (rule 3.31)."""
    one, other = portal.customer(), portal.customer()
    with portal.arrange() as session:
        orders = [factories.make_order(session, customer_id=c) for c in (one, other)]
        for order in orders:
            about = {"order_ref": order.number, "order_id": order.id}
            factories.make_loyalty_entry(session, customer_id=one, **about)
            factories.make_credit_entry(session, customer_id=one, **about)
        (own, own_number), (gone, gone_number) = ((order.id, order.number) for order in orders)
    for path in ("/points/", "/credit/"):
        page = portal.signed_in(one).get(path).text
        assert f"/orders/{own}/" in page
        assert f"/orders/{gone}/" not in page
        assert own_number in page
        assert gone_number in page


BESIDE = ("PRAGMA", "BEGIN", "SET ", "SELECT set_config")
"""How a connection is set up, which asks the database for nothing."""
PAGES = (
    "/orders/",
    "/points/",
    "/credit/",
    "/account/",
    "/account/statement/",
    "/addresses/",
    "/details/",
    "/security/",
)


def test_every_page_takes_few_statements_however_much_there_is(portal: Portal) -> None:
    one = portal.customer(account_balance=7_000, pay_on_account=True)
    with portal.arrange() as session:
        for n in range(25):
            factories.make_order(session, customer_id=one)
            factories.make_address(session, customer_id=one, is_primary=n == 0)
            factories.make_phone(session, customer_id=one)
            factories.make_loyalty_entry(session, customer_id=one)
            factories.make_credit_entry(session, customer_id=one)
            invoice = factories.make_invoice(session, customer_id=one)
            given = {"kind": AccountKind.INVOICE, "amount": 500, "method": None}
            factories.make_account_entry(session, customer_id=one, invoice_id=invoice.id, **given)
            factories.make_portal_session(session, customer_id=one)
    visitor = portal.signed_in(one)
    portal.clock.move(minutes=2)  # what being here costs is counted too
    for path in ("/", *PAGES):
        with recorded_statements() as statements:
            assert visitor.get(path).status_code == 200
        asked = [s for s in statements if not s.startswith(BESIDE)]
        assert len(asked) <= 10, (path, len(asked), asked)


def owing(portal: Portal) -> int:
    """A customer who was invoiced 120.00, has paid 50.00 of it and had a gift card."""
    one = portal.customer(account_balance=7_000, credit_balance=2_500)
    with portal.arrange() as session:
        invoice = factories.make_invoice(session, customer_id=one, number="INV-5")
        kind, later = AccountKind.INVOICE, NOW + dt.timedelta(hours=1)
        given = {"customer_id": one, "invoice_id": invoice.id, "method": None}
        factories.make_account_entry(session, **given, kind=kind, amount=12_000)
        factories.make_account_entry(session, customer_id=one, created_at=later, reference="BACS 7")
        factories.make_credit_entry(session, customer_id=one, code_last4="7QKM")
    return one


def test_the_account_is_told_in_words(portal: Portal) -> None:
    one = owing(portal)
    visitor = portal.signed_in(one)
    page = visitor.get("/account/").text
    for told in ("You owe £70.00", "INV-5", "Due by", "BACS 7", "You owe £120.00"):
        assert told in page, told
    assert "-£" not in page
    assert 'aria-current="page">Account<' in page
    portal.clock.move(days=31)
    assert "Overdue since" in portal.signed_in(one).get("/account/").text


def test_money_in_credit_is_told_in_words(portal: Portal) -> None:
    visitor = portal.signed_in(portal.customer(account_balance=-500, pay_on_account=True))
    assert "You are £5.00 in credit" in visitor.get("/").text
    assert "You are £5.00 in credit" in visitor.get("/account/").text


def test_the_menu_has_account_and_credit_only_where_there_is_something(portal: Portal) -> None:
    page = portal.signed_in(portal.customer()).get("/").text
    assert "/portal/account/" not in page
    assert "/portal/credit/" not in page
    page = portal.signed_in(owing(portal)).get("/orders/").text
    assert ">Account</a>" in page
    assert ">Gift-card credit</a>" in page


def test_credit_is_shown_with_what_each_entry_left(portal: Portal) -> None:
    page = portal.signed_in(owing(portal)).get("/credit/").text
    for told in ("Gift card added", "card ending 7QKM", "+£25.00", "£25.00"):
        assert told in page, told


def test_a_statement_is_shown_and_downloaded(portal: Portal) -> None:
    one = owing(portal)
    visitor = portal.signed_in(one)
    page = visitor.get("/account/statement/").text
    for told in ("Opening balance", "INV-5", "BACS 7", "owes £70.00", "Balance due by age"):
        assert told in page, told
    file = visitor.get("/account/statement.pdf")
    assert file.mimetype == "application/pdf"
    assert f"statement-{one}-" in file.headers["Content-Disposition"]
    (event,) = portal.rows(Changeset, Changeset.action == "customer.statement")
    assert (event.actor_id, event.on_behalf_of_id, event.subject_id) == (None, one, one)


@pytest.mark.parametrize(
    ("days", "status"),
    [("since=2026-13-01", 400), ("since=2999-01-01", 422), ("since=2026-01-02&until=2026-01-01", 422)],
)
def test_days_that_will_not_do_are_named(portal: Portal, days: str, status: int) -> None:
    visitor = portal.signed_in(owing(portal))
    assert visitor.get(f"/account/statement/?{days}").status_code == status
    assert visitor.get(f"/account/statement.pdf?{days}").status_code == status


def test_a_balance_kept_in_a_package_says_so(portal: Portal) -> None:
    with portal.arrange() as session:
        factories.make_shop_setting(session, code="external_accounting", value=True)
        factories.make_shop_setting(session, code="accounting_package", value="Xero")
    visitor = portal.signed_in(owing(portal))
    for path in ("/account/", "/account/statement/"):
        assert "Balances are kept in Xero" in visitor.get(path).text


def test_a_statement_that_no_file_can_show_is_a_page_that_says_so(portal: Portal) -> None:
    one = owing(portal)
    with portal.arrange() as session:
        factories.make_address(session, customer_id=one, recipient="שלום", is_primary=True)
    answer = portal.signed_in(one).get("/account/statement.pdf")
    assert answer.status_code == 409
    assert "cannot be created as a PDF" in answer.text
    assert "שלום" in answer.text
    assert "Download PDF" not in answer.text


def test_customers_see_what_we_know_of_them_unmasked(portal: Portal) -> None:
    one = portal.customer(email="rashid@example.com", date_of_birth=dt.date(1985, 3, 27))
    with portal.arrange() as session:
        factories.make_address(session, customer_id=one, is_primary=True)
        factories.make_phone(session, customer_id=one)
    visitor = portal.signed_in(one)
    page = visitor.get("/details/").text + visitor.get("/addresses/").text
    for told in ("rashid@example.com", "1985-03-27", "0113 496 0123", "14 Mill Lane", "LS2 9JT"):
        assert told in page, told
    assert "•••" not in page
