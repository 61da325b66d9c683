"""Who the customers are: names, status, type and terms, with a few duplicates and households among them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from demo import numbers
from demo.addresses import a_home
from demo.bulk import Row
from demo.duplicates.doubles import AGAIN, ALIKE, look_alike, write_again
from demo.names import Person, folded, mailbox, person
from demo.plan import Home, Known, Plan
from demo.words import ABROAD, CAST, COMPANY_ENDINGS, TRADING
from models import normalise
from models.choices import AccountType, CreatedVia, Gender, Status
from models.customer import Customer

SEGMENTS = {
    "online": 600,
    "guest": 160,
    "store": 110,
    "marketplace": 60,
    "trade": 62,
    "agent": 5,
    "pending": 3,
}
NEWCOMERS = SEGMENTS | {"pending": 60}
STATUS = {"guest": Status.GUEST, "store": Status.IN_STORE, "pending": Status.PENDING_APPROVAL}
TYPES = {"trade": AccountType.TRADE, "pending": AccountType.TRADE, "agent": AccountType.AGENT}
ONES_SELF = {"online", "store", "guest"}
"""Segments of people who come a second time by themselves."""
DOMAINS = {"example.com": 6, "example.org": 2, "example.net": 2}
RETAIL_CLASSES = {"Standard": 52, None: 24, "Wine club": 16, "Friends & family": 7, "Press": 1}
TRADE_CLASSES = {"Wholesale": 80, "Standard": 20}


def make_people(plan: Plan) -> list[Known]:
    """Add this chunk's customers and return them in the order of their ids."""
    found: list[Known] = []
    taken: set[str] = set()
    for serial in plan.serials:
        is_cast = serial < len(CAST) <= plan.total
        known = _cast(plan, serial) if is_cast else _anybody(plan, serial, found)
        _unique_email(known, serial, taken, natural=plan.number == 0)
        _keys(known.row)
        found.append(known)
    _sub_customers(plan, found)
    return found


def _cast(plan: Plan, serial: int) -> Known:
    """Return one of the dozen people of the manual."""
    first, last, postcode, town, status, kind, group = CAST[serial]
    segment = {"trade": "trade", "agent": "agent", "retail": "online"}[kind]
    segment = {"guest": "guest", "in_store": "store", "pending_approval": "pending"}.get(status, segment)
    home = a_home(plan.chance, "GB")
    home.postcode, home.town, home.county = postcode, town, None
    known = _customer(plan, serial, Person(None, first, last, Gender.UNDISCLOSED), home, segment)
    known.row |= {
        "gender": None,
        "email": f"{mailbox(first, last)}@example.com",
        "customer_class_id": plan.lists.classes[group],
        "is_active": segment != "pending",
        "loyalty_code": numbers.card(4211 + serial) if segment in {"online", "store", "trade"} else None,
    }
    if segment == "pending":
        joined = plan.now - dt.timedelta(days=2, hours=serial)
        known.row |= {"created_at": joined, "updated_at": joined, "last_activity_at": joined}
    if serial == 0:
        known.row |= {"company_name": "Karim & Sons Ltd", "trading_name": None, "account_code": "KAR-0042"}
    return known


def _anybody(plan: Plan, serial: int, before: list[Known]) -> Known:
    """Return a new customer, or one that is an earlier one again, or lives with one."""
    chance = plan.chance
    other = chance.choice(before) if before and chance.yes(AGAIN + ALIKE) else None
    if other and chance.yes(AGAIN / (AGAIN + ALIKE)) and other.segment in ONES_SELF:
        return _again(plan, serial, other)
    if other and other.segment in ONES_SELF | {"trade"}:
        return _alike(plan, serial, other)
    joined = plan.joined(serial)
    recent = joined > plan.now - dt.timedelta(days=21)
    segment = chance.weighted(NEWCOMERS if recent else SEGMENTS)
    country = chance.weighted({c: v[0] for c, v in ABROAD.items()}) if chance.yes(0.06) else "GB"
    home = a_home(chance, country if segment != "store" else "GB")
    return _customer(plan, serial, person(chance, plan.seed), home, segment, joined)


def _alike(plan: Plan, serial: int, other: Known) -> Known:
    """Somebody else, who looks like one who is there."""
    segment = "trade" if other.segment == "trade" else "online"
    who = person(plan.chance, plan.seed)
    known = _customer(plan, serial, who, a_home(plan.chance, other.home.country), segment)
    look_alike(plan, known, other)
    if known.row["email"]:
        known.row["email"] = f"{mailbox(known.row['first_name'], known.row['last_name'])}@example.net"
    return known


def _again(plan: Plan, serial: int, other: Known) -> Known:
    """The same person a second time, as it happens: as a guest, in the store, or with another email."""
    segment = plan.chance.weighted({"guest": 5, "store": 3, "online": 4})
    known = _customer(plan, serial, other.person, other.home, segment)
    write_again(plan, known, other)
    return known


def _customer(
    plan: Plan, serial: int, who: Person, home: Home, segment: str, joined: dt.datetime | None = None
) -> Known:
    joined = joined or plan.joined(serial)
    status = STATUS.get(segment, Status.REGISTERED)
    row = plan.batch.add(
        Customer,
        created_at=joined,
        title=who.title,
        first_name=who.first,
        last_name=who.last,
        status=status,
        account_type=TYPES.get(segment, AccountType.RETAIL),
        is_active=segment != "pending" and not plan.chance.yes(0.03),
        **_personal(plan, who, segment),
        **_terms(plan, serial, segment, home.country),
        **_times(plan, joined, status),
    )
    row["email"] = _email(plan, who, segment)
    if segment in {"trade", "pending", "agent"} or plan.chance.yes(0.02):
        row |= _company(plan, serial, who, home.country)
    number = numbers.foreign(home.country, serial)
    country = home.country if number else "GB"
    return Known(row, who, home, segment, number or numbers.mobile(serial), country)


def _personal(plan: Plan, who: Person, segment: str) -> Row:
    chance = plan.chance
    asked = segment in {"online", "store"} and chance.yes(0.5)
    gender = chance.choice((Gender.OTHER, Gender.UNDISCLOSED)) if chance.yes(0.04) else who.gender
    born = dt.date(
        chance.randrange(1938, plan.now.year - 21), chance.randrange(1, 13), chance.randrange(1, 29)
    )
    return {
        "gender": gender if asked else None,
        "date_of_birth": born if asked and chance.yes(0.85) else None,
    }


def _email(plan: Plan, who: Person, segment: str) -> str | None:
    """Almost everybody has one; in the store half of them were not asked."""
    if not plan.chance.yes({"store": 0.5, "online": 0.99}.get(segment, 1)):
        return None
    return f"{mailbox(who.first, who.last)}@{plan.chance.weighted(DOMAINS)}"


def _unique_email(known: Known, serial: int, taken: set[str], *, natural: bool) -> None:
    """Number an email that somebody else may have: in all chunks but the first.

    Who is there twice may have it twice, but not be registered twice with it. One that has a number, at another
    provider, is theirs.
    """
    row, before = known.row, known.same_as.row if known.same_as else {}
    if not row["email"] or (row["email"] == before.get("email") and row["status"] != Status.REGISTERED):
        return
    name, _, domain = row["email"].partition("@")
    key = normalise.email(row["email"])
    if key in taken or not (natural or name[-1:].isdigit()):
        row["email"] = f"{name}{'.' if name[-1:].isdigit() else ''}{serial + 1}@{domain}"
    taken.add(normalise.email(row["email"]))


def _terms(plan: Plan, serial: int, segment: str, country: str) -> Row:
    """Return the commercial side: class, group, channel, prices, discounts, card."""
    chance, lists, trade = plan.chance, plan.lists, segment in {"trade", "pending", "agent"}
    via, channel = _channel(plan, segment)
    group = chance.choice(tuple(lists.groups.values())) if chance.yes(0.3) else None
    carded = segment in {"online", "store"} and chance.yes(0.55)
    chosen = chance.weighted(TRADE_CLASSES if trade else RETAIL_CLASSES)
    return {
        "created_via": via,
        "sales_channel_id": lists.channels[channel],
        "customer_class_id": lists.classes[chosen] if chosen else None,
        "membership_group_id": group,
        "acquisition_source_id": chance.choice(tuple(lists.sources.values())) if chance.yes(0.6) else None,
        "currency": "GBP" if country == "GB" else ABROAD[country][1],
        "language": ABROAD[country][2] if country != "GB" else ("en-GB" if chance.yes(0.2) else None),
        "free_delivery": chance.yes(0.3 if trade else 0.03),
        "global_discount": Decimal(chance.choice(("2.5", "5", "12.5"))) if chance.yes(0.04) else Decimal(0),
        "loyalty_code": numbers.card(100_000 + serial) if carded else None,
        **_account_terms(plan, segment, country),
    }


def _account_terms(plan: Plan, segment: str, country: str) -> Row:
    chance, lists = plan.chance, plan.lists
    if segment == "marketplace":
        return {"payment_term_id": lists.terms["Full payment first"]}
    if segment not in {"trade", "agent"}:
        return {"pay_on_account": segment == "online" and chance.yes(0.02)}
    term = chance.weighted({"14 days net": 3, "30 days net": 6, "60 days net": 1})
    bank = "Northern Bank, current" if country == "GB" else "Euro account"
    return {
        "payment_term_id": lists.terms[term],
        "bank_account_id": lists.banks[bank],
        "price_list_id": lists.price_lists["Trade" if country == "GB" else "Export"],
        "pay_on_account": chance.yes(0.75),
    }


def _channel(plan: Plan, segment: str) -> tuple[CreatedVia, str]:
    """Return how the record came in, and the sales channel that follows."""
    if segment == "store":
        return CreatedVia.POS, "STORE"
    if segment == "marketplace":
        amazon = plan.chance.yes(0.6)
        return (CreatedVia.AMAZON, "AMAZON") if amazon else (CreatedVia.EBAY, "EBAY")
    if segment in {"trade", "agent"}:
        return CreatedVia.BACK_OFFICE, "TRADE"
    return (CreatedVia.BACK_OFFICE, "PHONE") if plan.chance.yes(0.06) else (CreatedVia.ONLINE, "WEB")


def _times(plan: Plan, joined: dt.datetime, status: Status) -> Row:
    """Return sign-ins, resets and verification of a registered customer."""
    chance, now = plan.chance, plan.now
    if status != Status.REGISTERED:
        return {"last_activity_at": joined}
    login = chance.between(joined, now) if chance.yes(0.75) else None
    reset = chance.between(joined, now) if chance.yes(0.08) else None
    verified = chance.between(joined, now) if chance.yes(0.1) else None
    return {
        "registered_at": joined,
        "email_verified_at": joined + dt.timedelta(minutes=9) if chance.yes(0.8) else None,
        "last_login_at": login,
        "last_password_reset_at": reset,
        "last_activity_at": max(filter(None, (joined, login, reset))),
        "verified_at": verified,
        "verified_by_id": plan.author().id if verified else None,
    }


def _company(plan: Plan, serial: int, who: Person, country: str) -> dict[str, Any]:
    chance = plan.chance
    letters = "".join(c for c in folded(who.last).upper() if "A" <= c <= "Z")[:3] or "CUS"
    return {
        "company_name": f"{who.last} {chance.choice(COMPANY_ENDINGS)}",
        "trading_name": chance.choice(TRADING) if chance.yes(0.5) else None,
        "company_number": numbers.company_number(chance, country) if chance.yes(0.8) else None,
        "vat_number": numbers.vat_number(chance, country) if chance.yes(0.7) else None,
        "account_code": f"{letters}-{serial + 101:04d}",
    }


def _sub_customers(plan: Plan, found: list[Known]) -> None:
    """Give each agent up to a dozen customers to look after."""
    takes = [known.row for known in found if known.segment in {"online", "trade"}]
    for agent in (known.row for known in found if known.segment == "agent"):
        later = [row for row in takes if row["id"] > agent["id"]]
        for row in plan.chance.sample(later, min(len(later), 2 + plan.chance.few(3, 10))):
            row["agent_id"] = agent["id"]


def _keys(row: Row) -> None:
    row["email_key"] = normalise.email(row["email"])
    row["last_name_key"] = folded(row["last_name"])
    row["first_name_key"] = folded(row["first_name"])
    row["company_key"] = folded(row["company_name"] or row["trading_name"])
