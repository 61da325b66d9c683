"""Where an accounting package keeps the balances, it alone writes them (rule 2.6)."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from actions.core.base import Invalid, Refused
from actions.ledgers import accounting, accounts, shop_api
from actions.setup.settings import save
from models.account import AccountEntry, Invoice
from tests import factories
from tests.actions.desk import Desk


@pytest.fixture
def kept(desk: Desk) -> Iterator[Desk]:
    """A shop whose balances are in Xero."""
    desk.do(save, values={"external_accounting": True, "accounting_package": "Xero"})
    yield desk
    desk.do(save, values={"external_accounting": False})


def reference() -> str:
    """A reference that no other entry has."""
    return f"X-{factories.number()}"


def report(
    desk: Desk, customer: Any, kind: str = "payment", amount: int = 500, name: str = "", **more: Any
) -> Any:
    return desk.do(
        accounting.feed, customer=customer, kind=kind, amount=amount, reference=name or reference(), **more
    )


def test_the_package_writes_what_nobody_else_may(kept: Desk) -> None:
    account = reference()
    resolve_customer = f"account_code:{account}"
    customer = kept.customer(account_code=account, pay_on_account=False, credit_limit=0)
    number = reference().lower()
    report(kept, resolve_customer, "invoice", 10_000, number, due_on=factories.TODAY + dt.timedelta(days=14))
    report(kept, resolve_customer, "payment", 4_000)
    report(kept, resolve_customer, "refund", 100)
    assert kept.of(customer).account_balance == 6_100
    (invoice,) = kept.all(Invoice, customer_id=customer)
    assert (invoice.number, invoice.due_on - invoice.issued_on) == (number.upper(), dt.timedelta(days=14))
    with kept.look() as session:
        assert accounting.last_fed(session) == kept.now
    refused_here = [
        lambda: kept.do(accounts.pay, customer=customer, amount=5, method="cash"),
        lambda: kept.do(accounts.refund, customer=customer, amount=5, method="cash"),
        lambda: kept.do(accounts.raise_invoice, customer=customer, amount=5),
        lambda: kept.do(accounts.void_invoice, invoice.id, reason="Wrong"),
        lambda: kept.do(accounts.void, kept.all(AccountEntry, customer_id=customer)[-1].id, reason="Wrong"),
        lambda: kept.do(shop_api.record, customer=customer, kind="payment", amount=5, method="card"),
        lambda: kept.do(shop_api.record_invoice, customer=customer, amount=5),
    ]
    for act in refused_here:
        with pytest.raises(Refused, match="kept in Xero") as refused:
            act()
        assert refused.value.code == "external_accounting"


def test_without_a_package_nothing_is_reported(desk: Desk) -> None:
    customer = desk.customer()
    for act in (
        lambda: report(desk, customer),
        lambda: desk.do(accounting.feed_void, reference="X-1", reason="Voided"),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code == "no_package"


def test_the_same_entry_reported_again_is_written_once(kept: Desk) -> None:
    customer, other, name = kept.customer(), kept.customer(), reference()
    first = report(kept, customer, name=name)
    assert report(kept, customer, name=name).record_id == first.record_id
    for changed in ({"amount": 501}, {"kind": "refund"}, {"customer": other}):
        with pytest.raises(Invalid) as invalid:
            report(kept, **{"customer": customer, "name": name, **changed})
        assert set(invalid.value.errors) == {"reference"}
    assert len(kept.all(AccountEntry, customer_id=customer)) == 1


def test_what_was_voided_there_is_taken_back_here_once(kept: Desk) -> None:
    customer, name = kept.customer(), reference()
    report(kept, customer, "invoice", 900, name)
    kept.do(accounting.feed_void, reference=name, reason="Credit note")
    assert kept.of(customer).account_balance == 0
    with pytest.raises(Refused) as refused:
        kept.do(accounting.feed_void, reference=name, reason="Credit note")
    assert refused.value.code == "already_reversed"
    with pytest.raises(Refused):
        report(kept, customer, "invoice", 900, name)
    with pytest.raises(Invalid) as invalid:
        kept.do(accounting.feed_void, reference="XI-2", reason="Credit note")
    assert set(invalid.value.errors) == {"reference"}


def test_bad_input_names_its_field(kept: Desk) -> None:
    customer = kept.customer()
    bad: tuple[tuple[dict[str, Any], str], ...] = (
        ({"name": " "}, "reference"),
        ({"name": "x" * 81}, "reference"),
        ({"name": "a\nb"}, "reference"),
        ({"kind": "reversal"}, "kind"),
        ({"amount": -1}, "amount"),
        ({"kind": "invoice", "name": "two words"}, "reference"),
        ({"kind": "invoice", "due_on": dt.date(2026, 8, 1)}, "due_on"),
    )
    for values, field in bad:
        with pytest.raises(Invalid) as invalid:
            report(kept, customer, **values)
        assert set(invalid.value.errors) == {field}, values


ADDRESSES: tuple[Any, ...] = (
    "xero.com/{account_code}", "javascript:alert(1)//{account_code}", "https://x.example/", "https:///{account_code}",
    "https://{account_code}.example/", "https://x.example/{account_code}/{account_code}",
    "https://x.example/{0}{account_code}", "https://x@y.example/{account_code}", 'https://x.example/"{account_code}',
    "https://x.example/{account_code} ", 5,
)  # fmt: skip


def test_only_an_address_that_names_the_customer_will_do(desk: Desk) -> None:
    for address in ADDRESSES:
        with pytest.raises(Invalid) as invalid:
            desk.do(save, values={"accounting_url": address})
        assert set(invalid.value.errors) == {"accounting_url"}, address
    desk.do(save, values={"accounting_url": "https://x.example/contacts?code={account_code}"})
