"""The Account tab, Receivables and what Today says of them: how late, of whom, for whose eyes (rules 2.9, 2.10)."""

import csv
import datetime as dt
import html
import io
import re
from collections import defaultdict
from typing import Any

import pytest
import sqlalchemy as sa
from flask_appbuilder.security.sqla import models as identity

from admin.reports import ageing
from admin.viewmodels.spreadsheets import RECORD_NUMBER
from models.base import Staff
from models.customer import Customer
from models.member import RoleGrant
from tests import application, factories, staffing
from tests.admin.conftest import Shop
from tests.admin.pages import links_of, page_of, rows_of
from tests.application import USERNAMES
from tests.databases import Database, recorded_statements
from tests.factories import NOW, TODAY
from web import time_limits

pytestmark = pytest.mark.either_database
DAY = dt.timedelta(days=1)
BUCKETS = ("Not due yet", "1–30 days late", "31–60 days late", "61–90 days late", "Over 90 days late")


@pytest.fixture
def shop(database: Database) -> Shop:
    """A shop in which it is always the same day."""
    return Shop(application.shared(database.url, lambda: NOW), database)


def owe(session: Any, customer: Customer, *debts: tuple[int, int], currency: str = "GBP") -> None:
    """Invoices of (minor units, days past due), and the balance they make."""
    for amount, late in debts:
        due = TODAY - late * DAY
        owned = {"customer": customer, "amount": amount, "currency": currency}
        invoice = factories.make_invoice(session, issued_on=due - 10 * DAY, due_on=due, **owned)
        factories.make_account_entry(
            session, kind="invoice", invoice=invoice, method=None, value_date=due - 10 * DAY, **owned
        )
        customer.account_balance += amount
    customer.currency = currency
    session.flush()


def debtor(shop: Shop, *debts: tuple[int, int], currency: str = "GBP", **values: Any) -> int:
    with shop.arrange() as session:
        customer = factories.make_customer(session, **values)
        owe(session, customer, *debts, currency=currency)
        return customer.id


def tab(shop: Shop, customer: int, role: str = "Admin") -> Any:
    return shop.client(role).get(
        f"/admin/account_entry/?embed=1&customer__eq={customer}", headers={"HX-Request": "true"}
    )


def text_of(answer: Any) -> str:
    return " ".join(page_of(answer).text.split())


def totals_of(answer: Any) -> list[str]:
    """The lines of the totals over a list, each as one text."""
    whole = answer.get_data(as_text=True)
    table = whole.partition('<div class="totals"')[2].partition("</table>")[0].partition("<tbody>")[2]
    return [" ".join(re.sub(r"<[^>]*>", " ", line).split()) for line in table.split("</tr>")[:-1]]


def test_an_amount_is_looked_for_in_each_rows_own_currency(shop: Shop) -> None:
    yen, pounds, dinars, fils, lev = (
        debtor(shop, (minor, 5), currency=code)
        for minor, code in ((1_000, "JPY"), (1_000, "GBP"), (10_000, "KWD"), (5, "KWD"), (70_000, "BGN"))
    )
    for arguments, found in (
        ({"account_balance__ge": "10"}, {yen, pounds, dinars, lev}),
        ({"account_balance__ge": "10.01"}, {yen, lev}),
        ({"account_balance__eq": "700"}, {lev}),
        ({"account_balance__le": "10"}, {pounds, dinars, fils}),
        ({"account_balance__eq": "10.000"}, {pounds, dinars}),
        ({"account_balance__eq": "1000"}, {yen}),
        ({"account_balance__eq": "999.5"}, set()),
        ({"account_balance__eq": "0.005"}, {fils}),
        ({"view": "owing"}, {yen, pounds, dinars, fils, lev}),
        ({"view": "in_credit"}, set()),
        ({"currency__eq": "BGN"}, {lev}),
    ):
        answer = shop.client().get("/admin/owing/", query_string={"view": "all", **arguments})
        assert set(rows_of(answer)) == found, arguments
    assert "at most 10.00 " in text_of(answer := shop.client().get("/admin/owing/?account_balance__le=10"))
    assert "£10" not in text_of(answer).partition("at most")[2][:20]


def test_a_payment_and_a_refund_are_offered_with_today(shop: Shop) -> None:
    customer = shop.make(factories.make_customer).id
    for verb in ("pay", "refund"):
        url = f"/admin/account_entry/act/{verb}/?customer={customer}"
        form = page_of(shop.client().get(url, headers={"HX-Request": "true"})).form(f"/act/{verb}/")
        assert form.fields["value_date"] == TODAY.isoformat()


# -- the tab --------------------------------------------------------------------------------------------------------


def test_the_tab_says_what_is_owed_and_how_late_and_what_was_agreed(shop: Shop) -> None:
    term = shop.make(factories.make_payment_term, name="14 days net", days=14).id
    customer = debtor(
        shop, (5_000, 100), (700, 31), (10_000, -3),
        pay_on_account=True, credit_limit=20_000, payment_term_id=term,
    )  # fmt: skip
    said = text_of(tab(shop, customer))
    assert "owes £157.00" in said
    assert "Credit account Enabled" in said
    assert "£200.00 £43.00 available" in said
    assert "14 days net" in said
    shown = said[said.index("Ageing on") :]
    for name, figure in zip(BUCKETS, ("£100.00", "–", "£7.00", "–", "£50.00"), strict=True):
        assert f"{name} {figure}" in shown, name


def test_the_tab_of_an_even_account_without_a_limit_says_so(shop: Shop) -> None:
    said = text_of(tab(shop, debtor(shop)))
    assert "Balance Nothing owed" in said
    assert "Credit account Not enabled" in said
    assert "Credit limit No limit" in said
    assert "Nothing is owed." in said


def test_every_action_on_the_account_is_offered_on_the_tab_with_the_customer_filled_in(shop: Shop) -> None:
    customer = debtor(shop, (5_000, 10), pay_on_account=True)
    offered = links_of(tab(shop, customer))
    for path in ("account_entry/act/pay", "account_entry/act/refund", "invoice/act/raise"):
        url = next(u for u in offered if f"/admin/{path}/" in u)
        assert page_of(shop.client().get(url)).form(f"/{path}/").fields["customer"] == str(customer)
    terms = next(u for u in offered if "/customer/act/set_pay_on_account/" in u)
    form = page_of(shop.client().get(terms)).form("/act/set_pay_on_account/")
    assert shop.client().post(form.action, data=form.filled(credit_limit="10")).status_code == 302
    assert shop.get(Customer, customer).credit_limit == 1_000
    void = next(u for u in offered if "/invoice/act/void/" in u)
    form = page_of(shop.client().get(void)).form("/act/void/")
    assert shop.client().post(form.action, data=form.filled(reason="Sent twice")).status_code == 302
    assert shop.get(Customer, customer).account_balance == 0
    assert not [u for u in links_of(tab(shop, customer)) if "/invoice/act/void/" in u], "it was voided"


def test_whoever_may_only_look_is_offered_nothing_and_a_merged_record_takes_nothing(shop: Shop) -> None:
    customer = debtor(shop, (5_000, 10))
    assert not [u for u in links_of(tab(shop, customer, "Read-only")) if "/act/" in u]
    with shop.arrange() as session:
        gone = factories.make_customer(session, merged_into_id=customer).id
    assert not [u for u in links_of(tab(shop, gone)) if "raise" in u or "set_pay_on_account" in u]


# -- changing pay on account -----------------------------------------------------------------------------------------


def test_pay_on_account_decides_whether_invoices_are_taken_and_warns_of_a_limit_passed(shop: Shop) -> None:
    customer = debtor(shop, (5_000, 10))
    api = shop.api()
    path = f"/api/v1/customer/{customer}/actions/set_pay_on_account"
    raising, raised = "/api/v1/invoice/actions/raise", {"customer": customer, "amount": 100}
    assert api.send("POST", raising, raised).status_code == 409
    done = api.send("POST", path, {"pay_on_account": True, "credit_limit": 5_001})
    assert (done.status_code, done.json["warnings"]) == (200, [])
    assert api.send("POST", raising, {**raised, "amount": 1}).status_code == 200
    warned = api.send("POST", path, {"pay_on_account": True, "credit_limit": 5_000})
    assert "already owes £50.01" in warned.json["warnings"][0]
    for wrong in (-1, "x", 1.5, 10**12, [1]):
        refused = api.send("POST", path, {"pay_on_account": True, "credit_limit": wrong})
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["credit_limit"]), wrong
    assert shop.api("Support").send("POST", path, {"pay_on_account": True}).status_code == 403


# -- the list ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def owing(shop: Shop) -> dict[str, int]:
    """People of two types and currencies: late, not yet late, in credit, and even."""
    with shop.arrange() as session:
        credited = factories.make_customer(session, last_name="Credit", account_balance=0)
        factories.make_account_entry(session, customer=credited, amount=-2_000, value_date=TODAY - 4 * DAY)
        credited.account_balance = -2_000
    return {
        "late": debtor(shop, (5_000, 100), (10_000, -3), account_type="trade", last_name="Late"),
        "later": debtor(shop, (900, 45), account_type="trade", last_name="Later"),
        "soon": debtor(shop, (1_234, -1), last_name="Soon"),
        "euro": debtor(shop, (7_000, 5), currency="EUR", account_type="trade", last_name="Euro"),
        "credit": credited.id,
        "even": debtor(shop, last_name="Even"),
    }


def names(owing: dict[str, int], answer: Any) -> list[str]:
    known = {row: name for name, row in owing.items()}
    return [known[row] for row in rows_of(answer)]


def test_the_list_has_who_is_not_even_by_view_type_and_lateness(shop: Shop, owing: dict[str, int]) -> None:
    def shown(query: str) -> list[str]:
        return names(owing, shop.client().get(f"/admin/owing/{query}"))

    assert shown("") == ["late", "euro", "soon", "later"]
    assert shown("?view=overdue") == ["late", "euro", "later"]
    assert shown("?view=in_credit") == ["credit"]
    assert sorted(shown("?view=all")) == ["credit", "euro", "late", "later", "soon"]
    assert shown("?account_type__eq=retail") == ["soon"]
    assert sorted(shown("?view=all&overdue__eq=0")) == ["credit", "soon"]
    assert shown("?sort=-older")[0] == "late"
    assert shown("?sort=-days_60")[0] == "later"
    assert shown("?view=all&sort=last_payment&overdue__eq=0")
    assert shown("?q=later") == ["later"]


def test_a_line_says_how_late_and_leads_to_the_account(shop: Shop, owing: dict[str, int]) -> None:
    answer = shop.client().get("/admin/owing/?q=later")
    assert "owes £9.00" in text_of(answer)
    account = f"/admin/customer/details/?id={owing['later']}&tab=account_entry"
    assert account in links_of(answer)
    assert shop.client().get(f"/admin/owing/details/?id={owing['later']}").location == account
    assert shop.client().get(f"/admin/owing/details/?id={owing['even']}").status_code == 404
    assert f"/admin/account_entry/act/pay/?customer={owing['later']}" in links_of(answer)


def test_totals_are_over_the_whole_list_by_type_and_currency(shop: Shop, owing: dict[str, int]) -> None:
    client = shop.client()
    trade_eur = "Trade, EUR 1 €70.00 – €70.00 – – – –"
    trade_gbp = "Trade, GBP 2 £159.00 £100.00 – £9.00 – £50.00 –"
    retail = "Retail, GBP 1 £12.34 £12.34 – – – – –"
    assert totals_of(client.get("/admin/owing/?totals=1&page_size=1")) == [trade_eur, retail, trade_gbp]
    assert totals_of(client.get("/admin/owing/?totals=1&account_type__eq=retail")) == [retail]
    both = totals_of(client.get("/admin/owing/?totals=1&view=all&account_type__eq=retail"))
    assert both == ["Retail, GBP 2 £12.34 £12.34 – – – – £20.00"]
    assert totals_of(client.get("/admin/owing/?totals=1&q=zzqqxx")) == []


def test_the_file_has_the_ages_as_figures(shop: Shop, owing: dict[str, int]) -> None:
    answer = shop.client().get("/admin/owing/export/csv/?sort=sort_name")
    lines = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    found = {int(line[RECORD_NUMBER]): line for line in lines}
    late = found[owing["late"]]
    assert [late[name] for name in BUCKETS] == ["100.00", "0.00", "0.00", "0.00", "50.00"]
    assert [late[name] for name in ("Balance", "Balance in words", "Currency", "Last payment")] == [
        "150.00", "owes", "GBP", "",
    ]  # fmt: skip
    credited = shop.client().get("/admin/owing/export/csv/?view=in_credit").get_data(as_text=True)
    assert (TODAY - 4 * DAY).isoformat() in credited


def test_a_voided_payment_is_not_the_last(shop: Shop, owing: dict[str, int]) -> None:
    entry = factories.make_account_entry
    with shop.arrange() as session:
        whose = {"customer": session.get(Customer, owing["soon"]), "value_date": TODAY - 2 * DAY}
        paid = entry(session, amount=-100, **whose)
        entry(session, kind="reversal", amount=100, reverses=paid, **whose)
    line = shop.client().get("/admin/owing/export/csv/?account_type__eq=retail").get_data(as_text=True)
    assert (TODAY - 2 * DAY).isoformat() not in line


def test_today_says_what_is_owed_in_each_currency_and_how_much_of_it_is_overdue(
    shop: Shop, owing: dict[str, int]
) -> None:
    said = text_of(shop.client().get("/admin/?owed=1"))
    assert "Receivables £171.34 from 3 customers, £59.00 overdue" in said
    assert "Receivables €70.00 from 1 customer, €70.00 overdue" in said


HTMX = {"HX-Request": "true"}
FRAGMENTS = {"/admin/": "/admin/?owed=1", "/admin/owing/?view=all": "/admin/owing/?view=all&totals=1"}


@pytest.mark.parametrize("page", FRAGMENTS)
def test_a_page_comes_without_its_sums_and_says_where_they_are_fetched(
    shop: Shop, owing: dict[str, int], page: str
) -> None:
    client = shop.client()
    with recorded_statements() as seen:
        answer = client.get(page)
    assert not [text for text in seen if "listed" in text and "owed_by_age" in text], (
        "it adds up all the same"
    )
    [url] = [html.unescape(found) for found in re.findall(r'hx-get="([^"]+)" hx-trigger="load"', answer.text)]
    assert url == FRAGMENTS[page]
    assert url in links_of(answer), "without scripts nothing leads to them"
    alone = client.get(url, headers=HTMX)
    assert "<html" not in alone.text
    assert "£" in alone.text
    assert re.search(r"As of \d\d:\d\d", alone.text)
    assert "<html" in client.get(url).text


def test_sums_are_kept_for_a_minute_for_those_who_see_the_same_rows(
    shop: Shop, owing: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = shop.app.extensions["clientele"]
    monkeypatch.setattr(state, "worked", {})
    monkeypatch.setattr(state, "keeps", 60.0)
    with shop.arrange() as session:
        channel = factories.make_sales_channel(session)
        session.get_one(Customer, owing["soon"]).sales_channel = channel
        finance = session.scalars(sa.select(Staff.id).filter_by(username=USERNAMES["Finance"])).one()
        staffing.make_staff_channel(session, user_id=finance, sales_channel_id=channel.id)
    asked: list[int] = []
    work_out = ageing.sums

    def counted(*given):
        asked.append(1)
        return work_out(*given)

    monkeypatch.setattr(ageing, "sums", counted)
    for _again in range(3):
        assert "from 3 customers" in text_of(shop.client("Admin").get("/admin/?owed=1"))
        assert "from 3 customers" in text_of(shop.client("Manager").get("/admin/?owed=1"))
        assert "from 1 customer," in text_of(shop.client("Finance").get("/admin/?owed=1"))
    assert len(asked) == 2
    for kind in ("retail", "trade"):
        assert len(totals_of(shop.client().get(f"/admin/owing/?totals=1&account_type__eq={kind}"))) >= 1
    assert len(asked) == 4


@pytest.mark.parametrize(("page", "fragment"), FRAGMENTS.items())
def test_sums_that_take_too_long_say_so_in_their_place_and_the_page_is_there(
    shop: Shop, owing: dict[str, int], monkeypatch: pytest.MonkeyPatch, page: str, fragment: str
) -> None:
    endless = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "postgresql": "SELECT pg_sleep(120)",
    }
    monkeypatch.setattr(time_limits, "FIGURES_SECONDS", 0.2)
    monkeypatch.setattr(
        ageing, "sums", lambda own, _listed: own.execute(sa.text(endless[shop.database.kind]))
    )
    for headers in (HTMX, {}):
        answer = shop.client().get(fragment, headers=headers)
        assert answer.status_code == 200
        assert "took too long" in answer.text
    assert shop.client().get(page).status_code == 200


# -- for whose eyes ---------------------------------------------------------------------------------------------------


def test_a_role_without_the_permission_learns_no_totals_anywhere(shop: Shop, owing: dict[str, int]) -> None:
    pairs = sa.select(identity.PermissionView.id).join(identity.ViewMenu).filter_by(name="owing")
    with shop.arrange() as session:
        session.execute(sa.delete(RoleGrant).where(RoleGrant.permission_view_id.in_(pairs)))
    clerk = shop.client("Read-only")
    assert clerk.get("/admin/owing/").status_code == 403
    assert clerk.get("/admin/owing/export/csv/").status_code == 403
    home = clerk.get("/admin/")
    assert home.status_code == 200
    assert "Receivables" not in text_of(home)
    assert not [u for u in links_of(home) if "/admin/owing/" in u]


def test_whoever_is_limited_to_channels_sees_their_own_and_totals_of_no_more(
    shop: Shop, owing: dict[str, int]
) -> None:
    with shop.arrange() as session:
        channel = factories.make_sales_channel(session)
        session.get_one(Customer, owing["soon"]).sales_channel = channel
        finance = session.scalars(sa.select(Staff.id).filter_by(username=USERNAMES["Finance"])).one()
        staffing.make_staff_channel(session, user_id=finance, sales_channel_id=channel.id)
    limited = shop.client("Finance")
    answer = limited.get("/admin/owing/?totals=1&view=all")
    assert names(owing, answer) == ["soon"]
    assert totals_of(answer) == ["Retail, GBP 1 £12.34 £12.34 – – – – –"]
    assert "Receivables £12.34 from 1 customer" in text_of(limited.get("/admin/?owed=1"))


# -- against brute force ----------------------------------------------------------------------------------------------


def test_totals_are_the_sums_of_all_pages(stocked: Shop) -> None:
    wanted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    with stocked.look() as session:
        for customer in session.scalars(sa.select(Customer).where(Customer.account_balance != 0)):
            sums = wanted[customer.account_type.label, customer.currency]
            sums[0] += 1
            sums[1 if customer.account_balance > 0 else 2] += abs(customer.account_balance)
    found = totals_of(stocked.client().get("/admin/owing/?totals=1&view=all&page_size=1"))
    assert len(found) == len(wanted)
    for (kind, currency), (count, owed, credit) in wanted.items():
        line = next(line for line in found if line.startswith(f"{kind}, {currency} {count} "))
        for minor in (owed, credit):
            assert f"{minor / 100:,.2f}" in line or not minor, line
