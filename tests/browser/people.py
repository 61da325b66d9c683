"""A small shop as staff would know it: a dozen people, and one of them with everything."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from models.choices import AccountType, Status
from models.customer import Customer
from models.note import NoteKind
from tests import factories
from tests.factories import NOW

NAMES = (
    "Daniel Achterberg", "Chiara Bonetti", "Saoirse Byrne", "Inês Carvalho", "Maud Fennimore", "Rashid Karim", "Orla Keane",
    "Lewis Mackay", "Tomasz Nowak", "Beatrix Oyelaran", "Hugh Pemberton-Lyle", "Gareth Prosser",
)  # fmt: skip
RASHID = "Rashid Karim"
CLASSES = ("Friends & family", "Standard", "Wholesale", "Wine club")
FINDS_RASHID = {
    "surname": "karim",
    "both names": "rashid kar",
    "company": "karim & s",
    "email": "rashid.karim@example.com",
    "phone": "0113 496 0137",
    "international phone": "+44 113 496 0137",
    "postcode": "ls29jt",
    "loyalty card": "98260042117",
    "account code": "kar-0042",
    "order number": "SO-10482",
}
"""What staff may hold in their hands -> what they type of it."""


def fill(session: Session) -> dict[str, Customer]:
    """Make the shop; return full name -> customer. Points go up by 250 a head, every fourth awaits approval."""
    classes = [factories.make_customer_class(session, name=name) for name in CLASSES]
    found = {}
    for n, name in enumerate(NAMES):
        given = {} if name == RASHID else {"points": 250 * n, "customer_class": classes[n % 4]}
        found[name] = _person(session, n, name, **given)
    _everything(session, found[RASHID])
    return found


def _person(session: Session, n: int, name: str, **given: Any) -> Customer:
    first, last = name.split(" ")
    status = Status.PENDING_APPROVAL if n % 4 == 3 else Status.REGISTERED
    email = f"{first}.{last}@example.com".lower().replace("ê", "e")
    values = {"status": status, "registered_at": NOW if status == Status.REGISTERED else None, "email": email}
    customer = factories.make_customer(session, first_name=first, last_name=last, **values, **given)
    if name != RASHID:
        factories.make_phone(session, customer=customer, number=f"07700 9001{n:02d}", is_primary=True)
        factories.make_address(
            session, customer=customer, postcode="BS6 5QA", town="Bristol", is_primary=True
        )
    return customer


def _everything(session: Session, rashid: Customer) -> None:
    rashid.account_type, rashid.company_name = AccountType.TRADE, "Karim & Sons Ltd"
    rashid.account_code, rashid.loyalty_code = "KAR-0042", "98260042117"
    rashid.email_verified_at = NOW
    rashid.derive()
    factories.make_phone(session, customer=rashid, number="0113 496 0137", is_primary=True)
    factories.make_address(session, customer=rashid, line1="9 Canal Street", is_primary=True)
    factories.make_order(session, customer=rashid, number="SO-10482", placed_at=NOW - dt.timedelta(days=3))
    body = "Has returned several cases as damaged; ask for photographs before refunding."
    factories.make_note(session, customer=rashid, kind=NoteKind.WATCH, body=body)


def many(session: Session, count: int) -> None:
    """Add customers called Extra, so that a list has several pages."""
    for n in range(count):
        factories.make_customer(session, first_name=f"Nr {n:02d}", last_name="Extra")
