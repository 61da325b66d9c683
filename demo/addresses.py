"""Where the customers are, and what they keep on their account.

Addresses, phones, custom attributes and the names other systems have for them; cards, people and further addresses.
"""

from __future__ import annotations

import datetime as dt
import functools

from demo import numbers
from demo.names import folded, mailbox
from demo.plan import Home, Known, Plan
from demo.rng import Chance
from demo.words import ABROAD, FOREIGN_STREETS, HOUSES, LABELS, REGIONS, STREET_KINDS, STREETS, TOWNS
from models import normalise
from models.address import Address
from models.attribute import AttributeValue
from models.choices import Status
from models.contact import AccountHolder, ContactEmail
from models.order import ExternalId, ExternalKind, ExternalSystem
from models.phone import Phone, PhoneKind
from models.saved_card import SavedCard, token_digest

INWARD = "ABDEFGHJLNPQRSTUWXYZ"
PROVIDER = "Cardpay"
BRANDS = ("Visa", "Visa", "Visa", "Mastercard", "Mastercard", "American Express")
ROLES = ("Bookkeeper", "Buyer", "Cellar manager", "Partner", "Head office")
BUSINESS = {"trade", "agent"}
phone_key = functools.lru_cache(50_000)(normalise.phone)


def a_home(chance: Chance, country: str) -> Home:
    """Return an address that could be there, and is not."""
    number = chance.randrange(1, 140)
    if country != "GB":
        town, postcode = chance.choice(ABROAD[country][3])
        return Home(FOREIGN_STREETS[country].format(n=number), None, town, None, postcode, country)
    town, county, area, highest = chance.choice(TOWNS)
    letters = chance.choice(INWARD) + chance.choice(INWARD)
    postcode = f"{area}{chance.randint(1, highest)} {chance.randrange(1, 10)}{letters}"
    street = f"{chance.choice(STREETS)} {chance.choice(STREET_KINDS)}"
    house = chance.choice(HOUSES) if chance.yes(0.1) else None
    line1, line2 = (house, f"{number} {street}") if house else (f"{number} {street}", None)
    return Home(line1, line2, town, county, postcode, country)


def settle(plan: Plan, known: Known) -> None:
    """Add everything that hangs on one customer and has no money in it."""
    _addresses(plan, known)
    _phones(plan, known)
    if plan.chance.yes(0.12):
        _attributes(plan, known)
    if known.segment == "marketplace":
        _other_system(plan, known)


def _addresses(plan: Plan, known: Known) -> None:
    """One to three, of which the first is the primary one."""
    chance = plan.chance
    papers = f"invoices{known.row['id']}@example.org" if known.segment == "trade" else None
    _address(plan, known, known.home, email=papers, is_primary=True, is_billing=True, is_delivery=True)
    for _ in range(chance.few(0.35, 2)):
        home = a_home(chance, "GB")
        _address(plan, known, home, label=chance.choice(LABELS), is_delivery=True, is_admin=chance.yes(0.1))


def _address(
    plan: Plan,
    known: Known,
    home: Home,
    *,
    label: str | None = None,
    email: str | None = None,
    **roles: bool,
) -> None:
    plan.batch.add(
        Address,
        created_at=known.joined,
        customer_id=known.row["id"],
        label=label,
        company=known.row["company_name"],
        line1=home.line1,
        line2=home.line2,
        town=home.town,
        county=home.county,
        postcode=home.postcode,
        country=home.country,
        email=email,
        postcode_key=normalise.postcode(home.postcode),
        line1_key=folded(home.line1),
        town_key=folded(home.town),
        **roles,
    )


def _phones(plan: Plan, known: Known) -> None:
    chance, serial = plan.chance, int(known.row["id"])
    if chance.yes(0.8):
        _phone(plan, known, PhoneKind.MOBILE, known.phone, known.phone_country, primary=True)
        if chance.yes(0.15):
            _phone(plan, known, PhoneKind.PERSONAL, numbers.landline(serial))
    elif chance.yes(0.6):
        _phone(plan, known, PhoneKind.PERSONAL, numbers.landline(serial), primary=True)
    if known.segment in {"trade", "agent", "pending"}:
        extension = str(chance.randrange(10, 999)) if chance.yes(0.5) else None
        _phone(plan, known, PhoneKind.WORK, numbers.landline(serial * 7), extension=extension)


def _phone(
    plan: Plan,
    known: Known,
    kind: PhoneKind,
    number: str,
    country: str = "GB",
    *,
    primary: bool = False,
    extension: str | None = None,
) -> None:
    plan.batch.add(
        Phone,
        created_at=known.joined,
        customer_id=known.row["id"],
        kind=kind,
        number=number,
        extension=extension,
        country=country,
        is_primary=primary,
        number_key=phone_key(number, country),
    )


def _attributes(plan: Plan, known: Known) -> None:
    chance = plan.chance
    values = {
        "favourite_region": chance.choice(REGIONS),
        "allergies": chance.choice(("Sulphites", "Nuts", "None known")),
        "anniversary": f"{chance.randrange(1975, 2024)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}",
        "cellar_size": str(chance.choice((24, 60, 120, 400))),
        "signs_for_parcels": chance.choice(("true", "false")),
    }
    for code in chance.sample(tuple(values), 1 + chance.few(0.8, 4)):
        definition = plan.lists.attributes[code]
        plan.batch.add(
            AttributeValue,
            created_at=known.joined,
            customer_id=known.row["id"],
            definition_id=definition,
            value=values[code],
        )


def _other_system(plan: Plan, known: Known) -> None:
    """What Amazon or eBay calls the customer; the running number keeps it unique."""
    amazon = known.row["sales_channel_id"] == plan.lists.channels["AMAZON"]
    serial = known.row["id"]
    value = (
        f"A{serial * 7919:013X}" if amazon else f"vino_{serial}_{plan.chance.choice(('uk', 'leeds', 'fan'))}"
    )
    plan.batch.add(
        ExternalId,
        created_at=known.joined,
        customer_id=serial,
        system=ExternalSystem.AMAZON if amazon else ExternalSystem.EBAY,
        kind=ExternalKind.USER,
        value=value,
        value_key=normalise.compact(value),
    )


# -- what they keep on their account --------------------------------------------------------------------------------


def make_contacts(plan: Plan, people: list[Known]) -> None:
    """Add what this chunk's customers keep, by a chance of its own, so that nothing else depends on it."""
    chance = Chance(f"{plan.seed} {plan.number} contacts")
    for place, known in enumerate(people):
        if known.row["status"] == Status.REGISTERED and chance.yes(0.4):
            _cards(plan, chance, known)
        if known.segment in BUSINESS:
            _person(plan, chance, known, people[(place * 7 + 3) % len(people)])
            if known.row["email"] and chance.yes(0.7):
                _email(plan, known)


def _cards(plan: Plan, chance: Chance, known: Known) -> None:
    """One to three, of which the first is the default; one in eight has expired."""
    for place in range(1 + chance.few(0.3, 2)):
        months = -chance.randrange(1, 20) if chance.yes(0.12) else chance.randrange(2, 46)
        expires = (plan.now + dt.timedelta(days=30 * months)).date()
        token = f"demo_{known.row['id']:x}_{place}"
        plan.batch.add(
            SavedCard,
            created_at=known.joined,
            customer_id=known.row["id"],
            brand=chance.choice(BRANDS),
            last_four=f"{chance.randrange(10_000):04d}",
            expiry_month=expires.month,
            expiry_year=expires.year,
            provider=PROVIDER,
            token=token,
            token_key=token_digest(PROVIDER, token),
            is_default=place == 0,
        )


def _person(plan: Plan, chance: Chance, known: Known, other: Known) -> None:
    first, last = other.person.first, other.person.last
    plan.batch.add(
        AccountHolder,
        created_at=known.joined,
        customer_id=known.row["id"],
        name=f"{first} {last}",
        role=chance.choice(ROLES),
        email=f"{mailbox(first, last)}@example.org" if chance.yes(0.8) else None,
    )


def _email(plan: Plan, known: Known) -> None:
    email = f"office{known.row['id']}@example.org"
    plan.batch.add(
        ContactEmail,
        created_at=known.joined,
        customer_id=known.row["id"],
        email=email,
        label="Office",
        email_key=normalise.email(email),
        confirmed_at=known.joined,
    )
