"""What tests of statements share: customers with an account, and how a PDF reads."""

import datetime as dt
from io import BytesIO
from typing import Any

from pypdf import PdfReader

from actions.ledgers import accounts
from tests import factories
from tests.actions.desk import Desk

TODAY = factories.TODAY


def ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def debtor(desk: Desk, *, owes: int = 5_000, days: int = 40, terms: int = 14, **values: Any) -> int:
    """Somebody who was sent an invoice so many days ago, due so many days later."""
    given = {"email": f"debtor{factories.number()}@example.com", "first_name": "Rashid", "last_name": "Karim"}
    customer = desk.customer(**{**given, "pay_on_account": True, **values})
    invoice(desk, customer, owes, days, terms)
    return customer


def invoice(desk: Desk, customer: int, amount: int, days: int = 40, terms: int = 14) -> int | None:
    issued, due = ago(days), ago(days - terms)
    return desk.do(
        accounts.raise_invoice, customer=customer, amount=amount, issued_on=issued, due_on=due
    ).record_id


def pay(desk: Desk, customer: int, amount: int, days: int = 0, **values: Any) -> int | None:
    given = {"method": "cash", "value_date": ago(days), **values}
    return desk.do(accounts.pay, customer=customer, amount=amount, **given).record_id


def text_of(content: bytes) -> str:
    """All that a PDF says."""
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
