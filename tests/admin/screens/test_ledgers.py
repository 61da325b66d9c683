"""Points, payments, invoices and credit through their forms: append-only, taken back once, and only by those who may."""

from typing import Any

import pytest
import sqlalchemy as sa

from actions.maintenance.verify import verify
from models.account import AccountEntry, Invoice
from models.credit import CreditEntry
from models.customer import Customer
from models.loyalty import LoyaltyEntry
from models.note import Note
from models.tasting import TastingEntry
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import links_of, page_of

LEDGERS = {
    "loyalty_entry": LoyaltyEntry,
    "account_entry": AccountEntry,
    "invoice": Invoice,
    "credit_entry": CreditEntry,
    "tasting_entry": TastingEntry,
}


def act(shop: Shop, where: str, role: str = "Admin", row: int | None = None, **values: str) -> Any:
    """Run an action through its form."""
    resource, verb = where.split(".")
    path = f"/admin/{resource}/act/{verb}/" + (f"?id={row}" if row else "")
    answer = shop.client(role).get(path)
    if answer.status_code != 200:
        return answer
    form = page_of(answer).form(f"/act/{verb}/")
    return shop.client(role).post(form.action, data=form.filled(**values))


def newest(shop: Shop, model: Any) -> Any:
    """The last entry of a ledger."""
    with shop.look() as session:
        return session.scalars(sa.select(model).order_by(model.id.desc())).first()


def sound(shop: Shop) -> None:
    """Every cached balance is what its ledger says."""
    with shop.look() as session:
        assert verify(session) == []


@pytest.fixture
def owner(shop: Shop) -> int:
    """A customer who may buy on account."""
    return int(shop.make(factories.make_customer, pay_on_account=True, credit_limit=100_000).id)


def test_points_are_given_redeemed_and_taken_back_once(shop: Shop, owner: int) -> None:
    given = act(
        shop,
        "loyalty_entry.adjust",
        customer=str(owner),
        points="120",
        comment="Sorry for the delay",
        expires_after_days="30",
    )
    assert given.status_code == 302
    earned = newest(shop, LoyaltyEntry)
    assert (earned.points, earned.kind.value, earned.actor_name) == (120, "goodwill", "Admin Tester")
    assert (
        act(shop, "loyalty_entry.adjust", customer=str(owner), points="−20", comment="Tasting").status_code
        == 302
    )
    spent = newest(shop, LoyaltyEntry)
    assert shop.get(Customer, owner).points == 100
    refused = act(shop, "loyalty_entry.adjust", customer=str(owner), points="-101", comment="Too many")
    assert refused.status_code == 409
    assert "Not enough points" in page_of(refused).text
    blocked = act(shop, "loyalty_entry.reverse", row=earned.id, reason="Mistake")
    assert blocked.status_code == 409, "some of it is spent"
    assert act(shop, "loyalty_entry.reverse", row=spent.id, reason="Mistake").status_code == 302
    assert act(shop, "loyalty_entry.reverse", row=spent.id, reason="Mistake").status_code == 409
    assert (
        act(shop, "loyalty_entry.reverse", row=newest(shop, LoyaltyEntry).id, reason="Mistake").status_code
        == 409
    )
    assert shop.get(Customer, owner).points == 120
    sound(shop)


def test_payments_refunds_and_invoices_move_the_balance_and_are_voided_once(shop: Shop, owner: int) -> None:
    assert (
        act(shop, "invoice.raise", customer=str(owner), amount="120", description="Wine").status_code == 302
    )
    invoice = newest(shop, Invoice)
    assert (invoice.amount, shop.get(Customer, owner).account_balance) == (12_000, 12_000)
    assert (
        act(
            shop, "account_entry.pay", customer=str(owner), amount="20.50", method="cash", comment=""
        ).status_code
        == 302
    )
    payment = newest(shop, AccountEntry)
    assert (
        act(shop, "account_entry.refund", customer=str(owner), amount="0.50", method="card").status_code
        == 302
    )
    assert shop.get(Customer, owner).account_balance == 12_000 - 2_050 + 50
    too_much = act(shop, "invoice.raise", customer=str(owner), amount="99999")
    assert too_much.status_code == 409
    assert "credit limit" in page_of(too_much).text
    for where, row in (("account_entry.void", payment.id), ("invoice.void", invoice.id)):
        assert act(shop, where, row=row, reason="x").status_code == 422, (
            "say why in at least three characters"
        )
        assert act(shop, where, row=row, reason="Entered twice").status_code == 302
        assert act(shop, where, row=row, reason="Entered twice").status_code == 409
    entry = newest(shop, AccountEntry)
    assert entry.kind.value == "reversal"
    assert act(shop, "account_entry.void", row=entry.id, reason="Undo the undo").status_code == 409
    assert shop.get(Customer, owner).account_balance == 50
    sound(shop)


def test_credit_never_goes_below_zero(shop: Shop, owner: int) -> None:
    assert (
        act(shop, "credit_entry.adjust", customer=str(owner), amount="25", comment="Found a card").status_code
        == 302
    )
    added = newest(shop, CreditEntry)
    assert (
        act(shop, "credit_entry.adjust", customer=str(owner), amount="−25.01", comment="Too much").status_code
        == 409
    )
    assert (
        act(shop, "credit_entry.adjust", customer=str(owner), amount="-5", comment="Correction").status_code
        == 302
    )
    assert act(shop, "credit_entry.reverse", row=added.id, reason="Wrong card").status_code == 409, (
        "some of it is used"
    )
    assert shop.get(Customer, owner).credit_balance == 2_000
    sound(shop)


WRONG = [
    ("loyalty_entry.adjust", "points", ("0", "1.5", "1e3", "10000001", "x", "9" * 40, "１２", "")), ("loyalty_entry.adjust", "comment", ("", "ab", "x" * 501)),
    ("loyalty_entry.adjust", "expires_after_days", ("0", "3651", "-1", "x")), ("loyalty_entry.adjust", "customer", ("", "0", "999999", "x", "9" * 40)),
    ("loyalty_entry.adjust", "order_ref", ("x" * 41,)), ("account_entry.pay", "method", ("", "nope")), ("account_entry.pay", "customer", ("", "999999")),
    ("account_entry.pay", "value_date", ("2999-01-01", "1800-01-01", "x", "2026-02-30")), ("account_entry.pay", "reference", ("x" * 81,)),
    ("account_entry.pay", "comment", ("x" * 501,)), ("invoice.raise", "issued_on", ("2999-01-01", "x")), ("invoice.raise", "due_on", ("1999-01-01", "x")),
    ("invoice.raise", "number", ("INV-1", "x" * 41, "INV-9999999999")), ("credit_entry.adjust", "comment", ("", "a")),
]  # fmt: skip
GIVEN = {
    "loyalty_entry.adjust": {"points": "10", "comment": "because"}, "account_entry.pay": {"amount": "5", "method": "cash"},
    "invoice.raise": {"amount": "5"}, "credit_entry.adjust": {"amount": "5", "comment": "because"},
}  # fmt: skip


@pytest.mark.parametrize(("where", "name", "values"), WRONG)
def test_what_is_wrong_stands_under_its_field_and_nothing_is_written(
    shop: Shop, owner: int, where: str, name: str, values: tuple[str, ...]
) -> None:
    before = shop.figures()
    for wrong in values:
        answer = act(shop, where, **{"customer": str(owner), **GIVEN[where], name: wrong})
        assert answer.status_code == 422, f"{name}={wrong[:20]!r}: {answer.status}"
        assert page_of(answer).error(name), f"{name}={wrong[:20]!r}: {page_of(answer).errors}"
    assert shop.figures() == before


def offered(shop: Shop, resource: str, code: str) -> set[str]:
    """The links to a change on a ledger's list."""
    links = links_of(shop.client().get(f"/admin/{resource}/"))
    return {url for url in links if f"/admin/{code.replace('.', '/act/')}/?id=" in url}


def test_the_menu_of_an_entry_offers_what_can_still_be_done(shop: Shop, owner: int) -> None:
    act(shop, "loyalty_entry.adjust", customer=str(owner), points="10", comment="because")
    act(shop, "account_entry.pay", customer=str(owner), amount="5", method="cash")
    act(shop, "invoice.raise", customer=str(owner), amount="7")
    act(shop, "credit_entry.adjust", customer=str(owner), amount="5", comment="because")
    assert offered(shop, "account_entry", "invoice.void"), (
        "the entry of an invoice offers the void of the invoice"
    )
    for code in ("loyalty_entry.reverse", "account_entry.void", "invoice.void", "credit_entry.reverse"):
        resource = code.partition(".")[0]
        there = offered(shop, resource, code)
        assert there, resource
        for url in there:
            row = int(url.rpartition("=")[2])
            assert act(shop, code, row=row, reason="Entered twice").status_code == 302, url
        assert offered(shop, resource, code) == set(), f"{resource}: what was taken back is offered again"
    assert offered(shop, "account_entry", "invoice.void") == set(), (
        "the entry of a voided invoice offers it again"
    )


@pytest.mark.both_databases
@pytest.mark.parametrize("resource", LEDGERS)
def test_nobody_edits_or_deletes_an_entry(stocked: Shop, resource: str) -> None:
    client, before = stocked.client(), stocked.figures()
    csrf = {"X-CSRFToken": client.csrf_token()}
    for view in ("edit/?id=1", "new/", "ajax/update/?id=1&column=comment"):
        assert client.get(f"/admin/{resource}/{view}").status_code in (403, 404), view
        assert client.post(
            f"/admin/{resource}/{view}", headers=csrf, data={"comment": "x", "version": "1"}
        ).status_code in (403, 404), view
    for view in ("delete", "bulk/delete"):
        assert (
            client.post(f"/admin/{resource}/{view}/", data={"id": "1", "ids": "1"}, headers=csrf).status_code
            == 403
        ), view
    assert stocked.figures() == before


MAY = {
    "loyalty_entry.adjust": {"Admin", "Manager", "Back office", "Support"}, "loyalty_entry.reverse": {"Admin", "Manager", "Support"},
    "account_entry.pay": {"Admin", "Manager", "Finance"}, "account_entry.refund": {"Admin", "Manager", "Finance"},
    "account_entry.void": {"Admin", "Manager", "Finance"}, "invoice.raise": {"Admin", "Manager", "Finance"}, "invoice.void": {"Admin", "Manager", "Finance"},
    "tasting_entry.use": {"Admin", "Manager", "Back office", "Support"}, "tasting_entry.reverse": {"Admin", "Manager", "Back office", "Support"},
    "customer.set_loyalty_card": {"Admin", "Manager", "Back office", "Support"},
    "credit_entry.adjust": {"Admin", "Manager", "Finance"}, "credit_entry.reverse": {"Admin", "Manager", "Finance"},
    "note.done": {"Admin", "Manager", "Back office", "Support"}, "note.reopen": {"Admin", "Manager", "Back office", "Support"},
}  # fmt: skip


def test_only_those_who_may_reach_an_action_by_any_channel(stocked: Shop) -> None:
    before = stocked.figures(frozenset({"ab_user"}))
    for role in ("Manager", "Back office", "Support", "Finance", "Read-only"):
        client = stocked.client(role)
        csrf = {"X-CSRFToken": client.csrf_token(), "HX-Request": "true"}
        for where, roles in MAY.items():
            resource, verb = where.split(".")
            path = f"/admin/{resource}/act/{verb}/?id=1"
            wanted = role in roles
            assert (client.get(path, headers=csrf).status_code == 200) == wanted, f"{role} {where}"
            sent = client.post(path.replace("id=1", "id=999999999"), headers=csrf, data={"amount": "x"})
            assert (sent.status_code != 403) == wanted, f"{role} {where}"
    assert stocked.figures(frozenset({"ab_user"})) == before


def test_tasks_are_done_and_reopened(shop: Shop, owner: int) -> None:
    task = shop.make(factories.make_note, customer_id=owner, kind="task").id
    assert act(shop, "note.done", "Support", row=task).status_code == 302
    assert shop.get(Note, task).done_at is not None
    assert act(shop, "note.done", "Support", row=task).status_code == 409
    assert act(shop, "note.reopen", "Support", row=task).status_code == 302
    assert shop.get(Note, task).done_at is None


def test_a_customers_own_button_fills_the_customer_in(shop: Shop, owner: int) -> None:
    tab = shop.client().get(
        f"/admin/loyalty_entry/?embed=1&customer__eq={owner}", headers={"HX-Request": "true"}
    )
    url = next(u for u in links_of(tab) if "/act/adjust/" in u)
    assert page_of(shop.client().get(url)).form("/act/adjust/").fields["customer"] == str(owner)
    for bad in ("x", "0", "9" * 30):
        answer = shop.client().get(f"/admin/loyalty_entry/act/adjust/?customer={bad}")
        assert answer.status_code in (200, 400), bad
