"""What is typed or pasted into an action: characters that nobody sees are no part of it, whatever it is (rule 7.2)."""

from dataclasses import replace

import pytest

from actions.core.base import Invalid
from actions.customers import loyalty_cards
from actions.execution.runner import perform
from actions.ledgers import accounting, accounts, ledger
from actions.setup.settings import save
from models.account import AccountEntry, Invoice
from models.journal import Changeset
from models.shop import load_shop
from models.validate import texts
from tests import factories
from tests.actions.desk import Desk
from tests.actions.statement_desk import debtor, pay

UNSEEN = "\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u3164", "\u034f"
ALONE = "\u200d", "\u2800", "\U000e0041"
"""What shows nothing unless it stands with something else."""


@pytest.mark.parametrize("unseen", [*UNSEEN, *ALONE])
def test_what_nobody_sees_is_no_reason(desk: Desk, unseen: str) -> None:
    entry = pay(desk, debtor(desk), 100)
    with pytest.raises(Invalid) as caught:
        desk.do(accounts.void, entry, reason=f" {unseen * 5} ")
    assert list(caught.value.errors) == ["reason"]


def test_it_is_left_out_of_reasons_comments_and_numbers(desk: Desk) -> None:
    customer, name = debtor(desk), f"R-{factories.number()}"
    entry = pay(desk, customer, 100, comment="\u200bcash\u202e box\ufeff")
    assert desk.get(AccountEntry, entry).comment == "cash box"
    typed = "wrong\u200b box\u202e"
    done = perform(desk.engine, accounts.void, replace(desk.call(), reason=typed), entry, reason=typed)
    assert desk.get(AccountEntry, done.record_id).comment == "wrong box"
    assert desk.get(Changeset, done.changeset_id).reason == "wrong box"
    made = desk.do(accounts.raise_invoice, customer=customer, number=f"\u2066{name}\u2069", amount=100)
    assert desk.get(Invoice, made.record_id).number == name


def test_it_is_left_out_of_what_a_scanner_or_a_program_sends(desk: Desk) -> None:
    assert loyalty_cards.read("\ufeffLC-100\u200b ") == "LC-100"
    assert loyalty_cards.read("\u200b") is None
    assert ledger.order_number("\u200eWEB-1\u200f") == "WEB-1"
    assert texts("choices", ["red\u200b", "\ufeffblue"]) == ["red", "blue"]
    with pytest.raises(Invalid):
        texts("choices", ["red", "red\u200b"])


def test_it_is_left_out_of_the_shops_name(desk: Desk) -> None:
    with desk.look() as session:
        before = load_shop(session).name
    desk.do(save, values={"name": "\u200eVine\u200b & Barrel\u202c"})
    try:
        with desk.look() as session:
            assert load_shop(session).name == "Vine & Barrel"
        with pytest.raises(Invalid):
            desk.do(save, values={"name": "\u200b"})
    finally:
        desk.do(save, values={"name": before})


def test_a_package_reports_one_entry_however_it_was_pasted(desk: Desk) -> None:
    customer, name = debtor(desk), f"P-{factories.number()}"
    desk.do(save, values={"external_accounting": True})
    try:
        for reference in (name, f"\ufeff{name}\u200b"):
            desk.do(accounting.feed, customer=customer, kind="payment", amount=5, reference=reference)
    finally:
        desk.do(save, values={"external_accounting": False})
    assert len(desk.all(AccountEntry, external_ref=name)) == 1
