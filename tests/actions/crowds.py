"""For each action that counts what it would do to many rows: rows of every sort that it tells apart, and its parameters.

Among them are rows that get in each other's way, because only one of them can have what both want.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from models.choices import AccountType, Status
from models.credit import CreditKind
from models.customer import Customer
from models.loyalty import LoyaltyKind
from models.note import NoteKind
from tests import factories
from tests.factories import NOW, TODAY

Crowd = tuple[Sequence[Any], dict[str, Any]]
"""Rows and the parameters."""

WHY = {"reason": "A mistake"}
PENDING = {"status": Status.PENDING_APPROVAL, "account_type": AccountType.TRADE, "is_active": False}


def people(session: Session) -> list[Customer]:
    """Customers of every status, live, merged, erased and both; some who wait share an email with somebody."""
    make = partial(factories.make_customer, session)
    live = make()
    gone, erased = {"merged_into_id": live.id}, {"anonymised_at": NOW}
    twice, taken = f"twice{live.id}@example.com", {"email": live.email}
    sorts: list[dict[str, Any]] = [
        {}, {"is_active": False}, {"verified_at": NOW}, {"status": Status.GUEST}, {"status": Status.IN_STORE},
        {"account_type": AccountType.TRADE}, {"account_type": AccountType.AGENT},
        PENDING, PENDING | taken, PENDING | gone | {"email": twice}, PENDING | {"email": twice},
        PENDING | {"email": twice}, PENDING | {"email": None}, PENDING | {"email": None}, PENDING | erased,
        gone, gone | {"is_active": False}, gone | {"verified_at": NOW}, gone | erased,
        gone | erased | {"is_active": False}, PENDING | gone | erased,
        erased, erased | {"is_active": False}, erased | {"verified_at": NOW},
    ]  # fmt: skip
    return [live, *(make(**sort) for sort in sorts)]


def gone_from(session: Session, live: Customer, **values: Any) -> list[Customer]:
    """A customer merged into another, one erased, and one that is both."""
    merged, erased = {"merged_into_id": live.id}, {"anonymised_at": NOW}
    return [factories.make_customer(session, **values, **sort) for sort in (merged, erased, merged | erased)]


def plain(**values: Any) -> Callable[[Session], Crowd]:
    """Everybody, and parameters that depend on nothing."""
    return lambda session: (people(session), values)


def classed(session: Session) -> Crowd:
    """Every other one is in the class already."""
    crowd, chosen = people(session), factories.make_customer_class(session)
    for row in crowd[::2]:
        row.customer_class_id = chosen.id
    return crowd, {"customer_class": chosen.id}


def grouped(session: Session) -> Crowd:
    """Every other one is in a group, and is to leave it."""
    crowd, chosen = people(session), factories.make_membership_group(session)
    for row in crowd[::2]:
        row.membership_group_id = chosen.id
    return crowd, {"membership_group": None}


def termed(session: Session) -> Crowd:
    """Every other one has the very terms; one differs in the limit alone."""
    crowd, term = people(session), factories.make_payment_term(session)
    channel = factories.any_sales_channel(session).id
    for row in crowd[::2]:
        row.payment_term_id, row.sales_channel_id = term.id, channel
        row.credit_limit, row.global_discount, row.free_delivery = 50_000, Decimal("2.50"), True
    crowd[2].credit_limit = None
    return crowd, {
        "payment_term": term.id, "price_list": None, "sales_channel": channel, "global_discount": Decimal("2.5"),
        "free_delivery": True, "pay_on_account": False, "credit_limit": 50_000,
    }  # fmt: skip


def on_account(session: Session) -> Crowd:
    """Every other one has the very terms; one differs in the limit alone."""
    crowd = people(session)
    for row in crowd[::2]:
        row.pay_on_account, row.credit_limit = True, 50_000
    crowd[2].credit_limit = None
    return crowd, {"pay_on_account": True, "credit_limit": 50_000}


def noted(kind: NoteKind, due_on: dt.date | None = None) -> Callable[[Session], Crowd]:
    """Some are warned of already, some were once."""

    def make(session: Session) -> Crowd:
        crowd = people(session)
        for row in crowd[::3]:
            factories.make_note(session, customer=row, kind=NoteKind.WATCH)
        factories.make_note(session, customer=crowd[1], kind=NoteKind.WATCH, done_at=NOW)
        factories.make_note(session, customer=crowd[1], kind=NoteKind.TASK)
        return crowd, {"kind": kind, "body": "Ring back", "due_on": due_on}

    return make


def edited(**values: Any) -> Callable[[Session], Crowd]:
    """Everybody, with some fields to set."""
    return lambda session: (people(session), {"values": values})


def edited_otherwise(session: Session) -> Crowd:
    """Everybody, with every other field to set; some have all of it already, one but for a single field."""
    crowd = people(session)
    values = {
        f"{name}_id": getattr(factories, f"make_{name}")(session).id
        for name in ("customer_class", "membership_group", "acquisition_source", "price_list", "payment_term",
                     "bank_account", "sales_channel")
    } | {"language": "de", "pay_on_account": True}  # fmt: skip
    for row in crowd[::2]:
        for name, value in values.items():
            setattr(row, name, value)
    crowd[2].bank_account_id = None
    return crowd, {"values": values}


def given_agent(session: Session, agent: Customer, **values: Any) -> Crowd:
    """Some have the agent already, the agent is among them, and so is one whom the agent has for an agent."""
    crowd = people(session)
    boss = factories.make_customer(session, **PENDING, email=f"boss{agent.id}@example.com")
    alike = [factories.make_customer(session, **PENDING, email=boss.email) for _n in range(2)]
    agent.agent_id = boss.id
    for row in crowd[::3]:
        row.agent_id = agent.id
    return [*crowd, agent, boss, *alike], {"values": {"agent_id": agent.id, **values}}


def agents() -> list[Callable[[Session], Crowd]]:
    """An agent as it should be, one who is none, and one who was merged away."""
    make = factories.make_agent
    return [
        lambda session: given_agent(session, make(session)),
        lambda session: given_agent(session, make(session), account_type=AccountType.RETAIL),
        lambda session: given_agent(session, factories.make_customer(session)),
        lambda session: given_agent(session, make(session, merged_into_id=make(session).id)),
        lambda session: (people(session), {"values": {"agent_id": None}}),
    ]


def notes(session: Session) -> list[Any]:
    """Notes of every sort, of customers with and without an open watch note, merged and erased."""
    live = factories.make_customer(session)
    owners = [live, *gone_from(session, live), factories.make_customer(session)]
    task, watch = {"kind": NoteKind.TASK}, {"kind": NoteKind.WATCH}
    done = {"done_at": NOW}
    sorts: list[dict[str, Any]] = [
        task | {"due_on": TODAY}, task | {"due_on": TODAY} | done, task | done, watch | done, watch | done,
        {}, {}, task, task, task | {"due_on": TODAY},
    ]  # fmt: skip
    crowd = [factories.make_note(session, customer=owner, **sort) for owner in owners for sort in sorts]
    return [*crowd, factories.make_note(session, customer=owners[-1], **watch)]


def noticed(**values: Any) -> Callable[[Session], Crowd]:
    """All those notes, with some fields to set."""
    return lambda session: (notes(session), {"values": values} if values else {})


def addresses(session: Session) -> Crowd:
    """Addresses that get invoices and are called Summer, or not, some of customers who are gone."""
    live = factories.make_customer(session)
    owners = [live, *gone_from(session, live)]
    make = partial(factories.make_address, session)
    crowd = [
        made
        for owner in owners
        for made in (
            make(customer=owner, is_primary=True, is_billing=True, label="Summer"),
            make(customer=owner, is_billing=True),
            make(customer=owner, label="Summer"),
        )
    ]
    return crowd, {
        "values": {"is_billing": True, "is_delivery": False, "is_admin": False, "label": " Summer "}
    }


def owners_of_money(session: Session) -> list[Customer]:
    """Customers with something on each account: live, gone in every way, and one whose currency was changed."""
    rich = {"points": 5_000, "credit_balance": 5_000}
    live = factories.make_customer(session, **rich)
    other = factories.make_customer(session, **rich, currency="EUR")
    return [live, *gone_from(session, live, **rich), other]


def points(session: Session) -> Crowd:
    """Points untouched, spent in part, redeemed, expired, reversed, and of orders of which parts went back."""
    crowd: list[Any] = []
    for owner in owners_of_money(session):
        make = partial(factories.make_loyalty_entry, session, customer=owner)
        fresh, used, twice = make(), make(), make()
        taken = make(kind=LoyaltyKind.REDEEMED, points=-10)
        expired = make(kind=LoyaltyKind.EXPIRED, points=-5)
        back = make(kind=LoyaltyKind.REVERSAL, points=-100, reverses_id=twice.id)
        factories.make_loyalty_lot(session, entry=fresh)
        lot = factories.make_loyalty_lot(session, entry=used, unspent=90)
        factories.make_loyalty_lot(session, entry=twice, unspent=0)
        factories.make_loyalty_allocation(session, entry=taken, lot=lot)
        crowd += [fresh, used, twice, taken, expired, back, *points_of_orders(session, owner)]
    return crowd, WHY


def points_of_orders(session: Session, owner: Customer) -> list[Any]:
    """Points that orders took and earned, some of which went back, some of that spent since."""
    make = partial(factories.make_loyalty_entry, session, customer=owner)
    take = partial(factories.make_loyalty_allocation, session)
    full, empty = (factories.make_loyalty_lot(session, entry=make(), unspent=left) for left in (34, 3))
    crowd = []
    for order, lot, part in (("SO-1", full, 4), ("SO-2", empty, 6), ("SO-3", full, 0)):
        redeemed = make(kind=LoyaltyKind.REDEEMED, points=-20, order_ref=order)
        take(entry=redeemed, lot=lot, points=20)
        crowd.append(redeemed)
        if part:
            crowd.append(make(kind=LoyaltyKind.ADJUSTMENT, points=part, order_ref=order))
            take(entry=crowd[-1], lot=lot, points=-part)
    for order, taken_back in (("SO-4", -30), ("SO-5", 0)):
        crowd.append(make(order_ref=order))
        factories.make_loyalty_lot(session, entry=crowd[-1])
        if taken_back:
            crowd.append(make(kind=LoyaltyKind.ADJUSTMENT, points=taken_back, order_ref=order))
            take(entry=crowd[-1], lot=full, points=-taken_back)
    return crowd


def credit(session: Session) -> Crowd:
    """Credit that is there, credit that was used since, and credit that was reversed."""
    crowd: list[Any] = []
    for owner in owners_of_money(session):
        make = partial(factories.make_credit_entry, session, customer=owner)
        twice = make()
        crowd += [make(), make(kind=CreditKind.REDEEMED, amount=-700), make(amount=9_000), twice]
        crowd.append(make(kind=CreditKind.REVERSAL, amount=-2_500, reverses_id=twice.id))
        for order, part in (("SO-1", 300), ("SO-2", 0), ("SO-3", -50)):
            crowd.append(make(kind=CreditKind.REDEEMED, amount=-700, order_ref=order))
            if part:
                crowd.append(make(kind=CreditKind.ADJUSTMENT, amount=part, order_ref=order))
    just = factories.make_customer(session, credit_balance=2_500)
    return [*crowd, factories.make_credit_entry(session, customer=just)], WHY


def cards(session: Session) -> Crowd:
    """Gift cards nobody redeemed, redeemed ones and voided ones."""
    entry = factories.make_credit_entry(session)
    make = partial(factories.make_gift_card, session)
    return [make(), make(redeemed_entry_id=entry.id), make(voided_at=NOW), make()], WHY


CROWDS: dict[str, list[Callable[[Session], Crowd]]] = {
    "customer.add_note": [noted(NoteKind.NOTE), noted(NoteKind.TASK, TODAY), noted(NoteKind.WATCH)],
    "customer.change_class": [classed],
    "customer.change_group": [grouped],
    "customer.set_pay_on_account": [on_account],
    "customer.set_terms": [termed],
    "customer.verify": [plain()],
    "customer.activate": [plain()],
    "customer.deactivate": [plain(**WHY)],
    "customer.approve": [plain()],
    "customer.reject": [plain(**WHY)],
    "customer.edit_fields": [
        *agents(),
        edited(account_type=AccountType.RETAIL),
        edited(account_type=AccountType.TRADE, language=None),
        edited_otherwise,
        edited(global_discount=Decimal("0"), free_delivery=False, credit_limit=None),
    ],
    "address.edit_fields": [addresses],
    "note.done": [noticed()],
    "note.reopen": [noticed()],
    "note.edit_fields": [
        noticed(kind=NoteKind.WATCH),
        noticed(kind=NoteKind.WATCH, due_on=TODAY),
        noticed(kind=NoteKind.NOTE),
        noticed(kind=NoteKind.NOTE, due_on=None),
        noticed(kind=NoteKind.TASK, due_on=TODAY),
        noticed(due_on=TODAY),
        noticed(due_on=None),
    ],
    "loyalty_entry.reverse": [points],
    "credit_entry.reverse": [credit],
    "gift_card.void": [cards],
}
