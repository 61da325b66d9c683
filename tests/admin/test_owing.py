"""The Account tab, Customers owing and what Today says of them: how late, of whom, for whose eyes (rules 2.9, 2.10)."""

import csv
import datetime as dt
import io
import re
from collections import defaultdict
from typing import Any

import pytest
import sqlalchemy as sa
from flask_appbuilder.security.sqla import models as identity

from models.base import Staff
from models.customer import Customer
from models.member import RoleGrant
from tests import application, factories, staffing
from tests.admin.conftest import Shop
from tests.admin.pages import links_of, page_of, rows_of
from tests.application import USERNAMES
from tests.databases import Database
from tests.factories import NOW, TODAY

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
    yen, pounds, dinars, fils = (
        debtor(shop, (minor, 5), currency=code)
        for minor, code in ((1_000, "JPY"), (1_000, "GBP"), (10_000, "KWD"), (5, "KWD"))
    )
    for arguments, found in (
        ({"account_balance__ge": "10"}, {yen, pounds, dinars}),
        ({"account_balance__ge": "10.01"}, {yen}),
        ({"account_balance__le": "10"}, {pounds, dinars, fils}),
        ({"account_balance__eq": "10.000"}, {pounds, dinars}),
        ({"account_balance__eq": "1000"}, {yen}),
        ({"account_balance__eq": "999.5"}, set()),
        ({"account_balance__eq": "0.005"}, {fils}),
        ({"view": "owing"}, {yen, pounds, dinars, fils}),
        ({"view": "in_credit"}, set()),
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
    assert "Pay on account Allowed" in said
    assert "£200.00 £43.00 available" in said
    assert "14 days net" in said
    shown = said[said.index("Ageing on") :]
    for name, figure in zip(BUCKETS, ("£100.00", "–", "£7.00", "–", "£50.00"), strict=True):
        assert f"{name} {figure}" in shown, name


def test_the_tab_of_an_even_account_without_a_limit_says_so(shop: Shop) -> None:
    said = text_of(tab(shop, debtor(shop)))
    assert "Balance Nothing owed" in said
    assert "Pay on account Not allowed" in said
    assert "Credit limit No limit" in said
    assert "Nothing is owed." in said


def test_every_deed_on_the_account_is_offered_on_the_tab_with_the_customer_filled_in(shop: Shop) -> None:
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
    assert "owes £50.01 already" in warned.json["warnings"][0]
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
    assert totals_of(client.get("/admin/owing/?page_size=1")) == [trade_eur, retail, trade_gbp]
    assert totals_of(client.get("/admin/owing/?account_type__eq=retail")) == [retail]
    both = totals_of(client.get("/admin/owing/?view=all&account_type__eq=retail"))
    assert both == ["Retail, GBP 2 £12.34 £12.34 – – – – £20.00"]
    assert totals_of(client.get("/admin/owing/?q=zzqqxx")) == []


def test_the_file_has_the_ages_as_figures(shop: Shop, owing: dict[str, int]) -> None:
    answer = shop.client().get("/admin/owing/export/csv/?sort=sort_name")
    lines = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    found = {int(line["id"]): line for line in lines}
    late = found[owing["late"]]
    assert [late[name] for name in BUCKETS] == ["100.00", "0.00", "0.00", "0.00", "50.00"]
    assert (late["Balance"], late["Currency"], late["Last payment"]) == ("owes 150.00", "GBP", "")
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
    said = text_of(shop.client().get("/admin/"))
    assert "Owed to us £171.34 by 3 customers, £59.00 of it overdue" in said
    assert "Owed to us €70.00 by 1 customer, €70.00 of it overdue" in said


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
    assert "Owed to us" not in text_of(home)
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
    answer = limited.get("/admin/owing/?view=all")
    assert names(owing, answer) == ["soon"]
    assert totals_of(answer) == ["Retail, GBP 1 £12.34 £12.34 – – – – –"]
    assert "Owed to us £12.34 by 1 customer" in text_of(limited.get("/admin/"))


# -- against brute force ----------------------------------------------------------------------------------------------


def test_totals_are_the_sums_of_all_pages(stocked: Shop) -> None:
    wanted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    with stocked.look() as session:
        for customer in session.scalars(sa.select(Customer).where(Customer.account_balance != 0)):
            sums = wanted[customer.account_type.label, customer.currency]
            sums[0] += 1
            sums[1 if customer.account_balance > 0 else 2] += abs(customer.account_balance)
    found = totals_of(stocked.client().get("/admin/owing/?view=all&page_size=1"))
    assert len(found) == len(wanted)
    for (kind, currency), (count, owed, credit) in wanted.items():
        line = next(line for line in found if line.startswith(f"{kind}, {currency} {count} "))
        for minor in (owed, credit):
            assert f"{minor / 100:,.2f}" in line or not minor, line
