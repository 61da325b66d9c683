"""What customers keep on their account: saved cards, other people, further addresses of their mail."""

from __future__ import annotations

import datetime as dt

from demo.names import mailbox
from demo.plan import Known, Plan
from demo.rng import Chance
from models import normalise
from models.choices import Status
from models.contact import AccountHolder, ContactEmail
from models.saved_card import SavedCard, token_digest

PROVIDER = "Cardpay"
BRANDS = ("Visa", "Visa", "Visa", "Mastercard", "Mastercard", "American Express")
ROLES = ("Bookkeeper", "Buyer", "Cellar manager", "Partner", "Head office")
BUSINESS = {"trade", "agent"}


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
    )
