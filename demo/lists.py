"""The short lists of the demo shop. What the database already has by the same name or code is used as it is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from demo.batch import Batch, shape
from demo.words import REGIONS
from models import normalise
from models.attribute import AttributeDefinition, AttributeKind
from models.base import Base
from models.lookups import (
    AcquisitionSource,
    BankAccount,
    CustomerClass,
    MembershipGroup,
    PaymentTerm,
    PriceList,
    SalesChannel,
)

CLASSES = (
    ("Standard", "0", 0, "Everybody else"),
    ("Friends & family", "10", 4, "Staff, their families, and people who were there at the start"),
    ("Wine club", "7.5", 6, "Members who take a case a quarter"),
    ("Wholesale", "15", 2, "Restaurants, bars and shops"),
    ("Press", "0", 12, "Writers who review wines"),
)
GROUPS = ("Cellar circle", "Saturday tasters", "Newsletter only", "Corporate gifts")
SOURCES = ("Friend or family", "Search engine", "Walked past", "Tasting or fair", "Newspaper", "Social media")
PRICE_LISTS = (("Retail", "GBP", False), ("Trade", "GBP", True), ("Export", "EUR", False))
CHANNELS = (
    ("Website", "WEB", "Retail"),
    ("Store, Leeds", "STORE", "Retail"),
    ("Phone and mail", "PHONE", "Retail"),
    ("Trade desk", "TRADE", "Trade"),
    ("Amazon", "AMAZON", "Retail"),
    ("eBay", "EBAY", "Retail"),
)
TERMS = (
    ("Full payment first", 0, True),
    ("On delivery", 0, False),
    ("14 days net", 14, False),
    ("30 days net", 30, False),
    ("60 days net", 60, False),
)
BANKS = (("Northern Bank, current", "4821", "GBP"), ("Euro account", "0937", "EUR"))
ATTRIBUTES = (
    ("Favourite region", "favourite_region", AttributeKind.CHOICE, REGIONS),
    ("Allergies", "allergies", AttributeKind.TEXT, None),
    ("Anniversary", "anniversary", AttributeKind.DATE, None),
    ("Cellar size (bottles)", "cellar_size", AttributeKind.NUMBER, None),
    ("Signs for parcels", "signs_for_parcels", AttributeKind.BOOLEAN, None),
)


@dataclass(frozen=True, slots=True)
class Lists:
    """Name (channels and attributes: code) -> id, for each list."""

    classes: dict[str, int]
    groups: dict[str, int]
    sources: dict[str, int]
    price_lists: dict[str, int]
    channels: dict[str, int]
    terms: dict[str, int]
    banks: dict[str, int]
    attributes: dict[str, int]


def make_lists(batch: Batch) -> Lists:
    """Add what is missing of every list to ``batch``."""
    price_lists = {
        name: _named(batch, PriceList, name, currency=currency, is_trade=trade)
        for name, currency, trade in PRICE_LISTS
    }
    return Lists(
        classes={
            name: _named(
                batch, CustomerClass, name, discount=Decimal(off), free_tastings=free, description=why
            )
            for name, off, free, why in CLASSES
        },
        groups={name: _named(batch, MembershipGroup, name) for name in GROUPS},
        sources={name: _named(batch, AcquisitionSource, name) for name in SOURCES},
        price_lists=price_lists,
        channels={
            code: _named(batch, SalesChannel, name, code=code, price_list_id=price_lists[prices])
            for name, code, prices in CHANNELS
        },
        terms={
            name: _named(batch, PaymentTerm, name, days=days, full_payment_first=first)
            for name, days, first in TERMS
        },
        banks={
            name: _named(
                batch, BankAccount, name, iban_last4=last4, currency=currency, bank_name="Northern Bank"
            )
            for name, last4, currency in BANKS
        },
        attributes={
            code: _named(
                batch, AttributeDefinition, name, code=code, kind=kind, choices=choices, position=place
            )
            for place, (name, code, kind, choices) in enumerate(ATTRIBUTES)
        },
    )


def _named(batch: Batch, model: type[Base], name: str, **values: Any) -> int:
    """Return the id of the row with this code or name, adding it if there is none."""
    table, key = shape(model).table, normalise.folded(name)
    same = table.c.name_key == key
    if "code" in values:
        same |= table.c.code == values["code"]
    found = batch.connection.execute(select(table.c.id).where(same).order_by(table.c.id)).scalar()
    if found is not None:
        return int(found)
    return int(batch.add(model, name=name, name_key=key, **values)["id"])
