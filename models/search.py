"""Finding customers by a word: every term is a range of an index, so it stays quick at a million rows."""

from __future__ import annotations

from typing import Any

import phonenumbers
from sqlalchemy import Select, and_, false, select, union

from models import normalise
from models.address import Address
from models.customer import Customer
from models.masks import group_of, sight
from models.order import Order
from models.phone import Phone

LAST = "\U0010ffff"
"""Sorts after every other character, byte by byte too."""


COMPACT = frozenset({"postcode_key", "number_key"})
"""Keys that are stored without any space."""
EMAILS = frozenset({"email_key", "recipient_key"})


def prefix(column: Any, text: str, *, folded: bool = True) -> Any:
    """Return the clause for values of a normalised key that begin with ``text``, as a range of its index."""
    key = normalised(column, text, folded=folded)
    return and_(column >= key, column < key + LAST)


def normalised(column: Any, text: str, *, folded: bool = True) -> str:
    """Return what was typed as a key holds it."""
    if column.key in COMPACT:
        return normalise.compact(text)
    if column.key in EMAILS:
        return normalise.email(text)
    return normalise.folded(text) if folded else text


def begins(column: Any, text: str, *, folded: bool = True) -> Any:
    """Return :func:`prefix`; of a key that whoever is reading may not see, only the whole of it (rule 19.4)."""
    if group_of(column) in sight().hidden:
        key = normalised(column, text, folded=folded)
        return column == key if key else false()
    return prefix(column, text, folded=folded)


def customer_ids(word: str, country: str = "GB") -> Select[Any]:
    """Return the ids of customers that a word finds, or a whole postcode, street or phone number.

    It looks at name, company, email, phone, postcode, street, town, loyalty card, account code and order number. What
    was a merged record's email, card, account code or number finds the survivor too (RULES 3.6).

    :param country: where a phone number typed without country code is dialled.
    """
    code = word.upper().lstrip("#")
    terms: list[Select[Any]] = [
        select(Customer.id).where(begins(Customer.last_name_key, word)),
        select(Customer.id).where(begins(Customer.first_name_key, word)),
        select(Customer.id).where(begins(Customer.company_key, word)),
        select(Address.customer_id).where(begins(Address.postcode_key, word)),
        select(Address.customer_id).where(begins(Address.line1_key, word)),
        select(Address.customer_id).where(begins(Address.town_key, word)),
        select(Order.customer_id).where(begins(Order.number, code, folded=False)),
    ]
    own = [
        begins(Customer.email_key, word),
        begins(Customer.loyalty_code, code, folded=False),
        begins(Customer.account_code, code, folded=False),
    ]
    if code.isascii() and code.isdigit() and len(code) < 18:
        own.append(Customer.id == int(code))
    terms += [select(Customer.id).where(term) for term in own]
    terms += [
        select(Customer.merged_into_id).where(term, Customer.merged_into_id.is_not(None)) for term in own
    ]
    terms += [
        select(Phone.customer_id).where(begins(Phone.number_key, digits))
        for digits in phone_prefixes(word, country)
    ]
    found = union(*terms).subquery()
    return select(found.c[0])


def phone_prefixes(word: str, country: str = "GB") -> list[str]:
    """Return the E.164 beginnings a typed number may mean: as it is, and with the country code for a leading 0."""
    digits = "".join(c for c in word if c.isascii() and c.isdigit())
    if len(digits) < 3 or len(digits) < len(word.strip("+()- .")) - 4:
        return []
    if not digits.startswith("0"):
        return [digits]
    return [digits, f"{phonenumbers.country_code_for_region(country)}{digits[1:]}"]
