"""Finding customers by a word: every term is a range of an index, so it stays quick at a million rows.

And comparing one column with a text as a filter does: by its search key where it has one, and else by the letters of
the column itself, whatever their case (rule 7.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import phonenumbers
from sqlalchemy import CTE, CompoundSelect, Select, and_, exists, false, func, select, union
from sqlalchemy.orm import InstrumentedAttribute

from models import normalise
from models.address import Address
from models.customer import Customer
from models.masks import group_of, mask_context
from models.order import Order
from models.phone import Phone

LAST = "\U0010ffff"
"""Sorts after every other character, byte by byte too."""

WHOLE_NUMBER = 7
"""So many digits may be all of a phone number."""
_PHONE = re.compile(r"[+0-9()\s./-]+", re.ASCII)
How = Literal["contains", "starts", "is"]
SOME = 40_000
"""So many of what a way finds are enough to tell that it finds more than are counted."""
BRANCHES = "clientele_branches"
"""Execution option of what finds rows by a word: the ways by which it does, each a :class:`Branch`."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One way by which a word finds rows: it selects their ids, by an index that holds all that it needs."""

    ids: Select[Any]
    column: Any = None
    """The column that it looks at, where that is of the row itself, or of what the row is listed by."""
    test: Callable[[Any], Any] = lambda column: false()
    """Returns the clause for the rows that it finds, of that column."""
    own: bool = False
    """Whether the column is the row's own."""
    through: tuple[Any, Select[Any]] | None = None
    """The reference of a row to what is found, and the ids of that."""

    @property
    def all(self) -> Select[Any]:
        """Select all that it finds, in no order."""
        return self.ids.order_by(None)

    def clause(self, identity: Any) -> Any:
        """Return the clause for the rows that it finds; of what other tables tell, for enough of them to be many."""
        if self.own:
            return self.test(self.column)
        refer, theirs = self.through or (identity, self.all)
        return refer.in_(select(theirs.limit(SOME).subquery().c[0]))

    def walked(self, identity: Any) -> Any:
        """Return the clause for the rows that it finds, asked of each as a list is walked in its own order."""
        refer, theirs = self.through or (identity, self.all)
        found = theirs.subquery()
        return exists(select(found.c[0]).where(found.c[0] == refer))

    def of_those_who(self, rows: Select[Any], refer: Any) -> Branch:
        """Return the way that leads from what it finds to the rows that refer to that."""
        return replace(self, ids=rows.where(refer.in_(self.all)), own=False, through=(refer, self.all))


def looks_at(ids: Select[Any], column: Any, text: str) -> Branch:
    """Return the way that looks for rows by how a key of theirs begins."""

    def test(key: Any) -> Any:
        return begins(key, text)

    return Branch(ids.where(test(column)), column, test, own=True)


def branches_of(ids: Select[Any]) -> Sequence[Branch]:
    """Return the ways by which something is found; it is one by itself where it does not say."""
    found: Sequence[Branch] = ids.get_execution_options().get(BRANCHES, (Branch(ids),))
    return found


def prefix(column: Any, text: str, *, folded: bool = True) -> Any:
    """Return the clause for values of a normalised key that begin with ``text``, as a range of its index."""
    key = normalised(column, text, folded=folded)
    return and_(column >= key, column < key + LAST)


def normalised(column: Any, text: str, *, folded: bool = True) -> str:
    """Return what was typed as a key holds it."""
    if not folded:
        return text
    by = column.info.get("key_by") or normalise.folded
    return str(by(text))


@cache
def key_of(attribute: InstrumentedAttribute[Any]) -> InstrumentedAttribute[Any] | None:
    """Return the search key that stands for a column, None where it has none."""
    for found in attribute.parent.column_attrs:
        if found.columns[0].info.get("key_of") == attribute.key:
            return getattr(attribute.class_, found.key)  # type: ignore[no-any-return]
    return None


def matches(column: InstrumentedAttribute[Any], how: How, text: str) -> Any:
    """Return the clause for rows whose text in ``column`` contains, begins with or is ``text``, however it is spelt."""
    key = key_of(column)
    if key is None:
        return _alike(column, how, text)
    wanted = normalised(key, text)
    if not wanted:
        return false()
    if how == "starts":
        return and_(column.is_not(None), prefix(key, text))
    fits = key == wanted if how == "is" else key.contains(wanted, autoescape=True)
    return and_(column.is_not(None), fits)


def _alike(column: Any, how: How, text: str) -> Any:
    """Return the clause for a column without key, the database folding both sides.

    What is written in several ways is compared only where the rest of the text fits, as that takes ten times as long.
    """
    pattern = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
    pattern = f"{'%' * (how == 'contains')}{pattern}{'%' * (how != 'is')}"
    fits = _like(func.lower(column), normalise.VARIANT.sub("_", pattern))
    if normalise.VARIANT.search(pattern) is None:
        return fits
    return and_(fits, _like(_one_way(func.lower(column)), pattern))


def _like(column: Any, pattern: str) -> Any:
    return column.like(_one_way(func.lower(pattern)), escape="/")


def _one_way(text: Any) -> Any:
    return func.translate(text, *normalise.ONE_WAY)


def begins(column: Any, text: str, *, folded: bool = True) -> Any:
    """Return :func:`prefix`; of a key that the person reading may not see, only the whole of it (rule 19.4)."""
    if group_of(column) in mask_context().hidden:
        key = normalised(column, text, folded=folded)
        return column == key if key else false()
    return prefix(column, text, folded=folded)


def set_aside(ids: Select[Any] | CompoundSelect[Any]) -> CTE:
    """Return a query as a table that is worked out once, before anything is joined to it.

    A planner that is free to mix the two walks a whole list by its order and asks of each row whether it was found.
    """
    return ids.cte().prefix_with("MATERIALIZED")


def either(branches: Sequence[Select[Any]], most: int | None = None) -> Select[Any]:
    """Return the ids that any of several queries finds, each by an index of its own.

    :param most: as many of each are enough, the first by its order; for anyone who wants to see a few of them only.
    """
    parts = list(branches) if most is None else [_first(branch, most) for branch in branches]
    return select(set_aside(union(*parts)).c[0])


def _first(branch: Select[Any], most: int) -> Select[Any]:
    return select(branch.limit(most).subquery().c[0])


def customer_ids(word: str, country: str = "GB", most: int | None = None) -> Select[Any]:
    """Return the ids of customers that a word finds, or a whole postcode, street or phone number.

    It looks at name, company, email, phone, postcode, street, town, loyalty card, account code and order number. What
    was a merged record's email, card, account code or number finds the survivor too (rule 3.6).

    :param country: where a phone number typed without country code is dialled. :param most: see :func:`either`;
        merged records are no part of it then.
    """
    branches = customer_branches(word, country)
    if most is None:
        found = either([branch.all for branch in branches])
        return found.execution_options(**{BRANCHES: branches})
    own = Customer.merged_into_id.is_(None)
    return either([branch.ids.where(own) if branch.own else branch.ids for branch in branches], most)


def customer_branches(word: str, country: str) -> list[Branch]:
    """Return the ways by which a word finds customers, each in the order of its own index."""
    code = word.upper().lstrip("#")
    keys = Customer.last_name_key, Customer.first_name_key, Customer.company_key
    named = [looks_at(select(Customer.id).order_by(key, Customer.id), key, word) for key in keys]
    places = Address.postcode_key, Address.line1_key, Address.town_key
    terms = [
        *(select(Address.customer_id).where(begins(key, word)).order_by(key, Address.id) for key in places),
        select(Order.customer_id).where(begins(Order.number, code, folded=False)).order_by(Order.number),
        *_own(word, code),
    ]
    terms += [
        select(Phone.customer_id).where(begins(Phone.number_key, digits)).order_by(Phone.number_key, Phone.id)
        for digits in phone_prefixes(word, country)
    ]
    return [*named, *map(Branch, terms)]


def _own(word: str, code: str) -> list[Select[Any]]:
    """Return what finds a customer by what nobody else has, and the survivor by what a merged record had."""
    own = [
        begins(Customer.email_key, word),
        begins(Customer.loyalty_code, code, folded=False),
        begins(Customer.account_code, code, folded=False),
    ]
    if code.isascii() and code.isdigit() and len(code) < 18:
        own.append(Customer.id == int(code))
    merged = Customer.merged_into_id
    return [
        *(select(Customer.id).where(term) for term in own),
        *(select(merged).where(term, merged.is_not(None)) for term in own),
    ]


def phone_prefixes(word: str, country: str = "GB") -> list[str]:
    """Return the E.164 beginnings a typed number may mean: as it is, and with the country code for a leading 0.

    Of a whole number also as it is dialled: (0) after a country code is no part of it, nor 00 before one.
    """
    word = normalise.typed(word)
    digits = re.sub(r"\D", "", word, flags=re.ASCII)
    if len(digits) < 3 or not _PHONE.fullmatch(word):
        return []
    meant = {digits}
    if len(digits) >= WHOLE_NUMBER:
        meant.add(normalise.phone(word, country))
    if digits.startswith("0"):
        meant.add(f"{phonenumbers.country_code_for_region(country)}{digits[1:]}")
    return sorted(meant)
