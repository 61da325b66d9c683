"""Customers who are there twice, changed as people and tills change things, and others who only look like somebody.

The first are what duplicates are found for; the second, what must not be taken for one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from demo import numbers
from demo.addresses import a_home
from demo.duplicates import slips
from demo.names import mailbox, person
from demo.plan import Known, Plan
from models.choices import Gender

AGAIN = 0.025
"""The share of customers who are somebody who is there already."""
ALIKE = 0.02
"""The share of those who look like somebody."""
MOST = 5
"""Changes to one record."""
Change = Callable[[Plan, Known], None]
Likeness = Callable[[Plan, Known, Known], None]
WIDE = "example.com", "example.org", "example.net"


def write_again(plan: Plan, known: Known, other: Known) -> None:
    """Make a new record one of the same person: all that was known of them, but for what was changed.

    How it came in tells what is not the same anyway: in the store there is no email, at home a second one.
    """
    chance, row, before = plan.chance, known.row, other.row
    row |= {name: before[name] for name in ("first_name", "last_name", "title", "gender", "date_of_birth")}
    row |= {name: before[name] for name in ("company_name", "company_number", "vat_number")}
    known.phone, known.phone_country, known.same_as = other.phone, other.phone_country, other
    if known.segment == "guest":
        row["email"] = before["email"] or row["email"]
    elif known.segment == "store":
        row["email"] = None
        row["last_name"] = str(row["last_name"]).upper()
    else:
        row["email"] = _elsewhere(plan, before["email"]) or row["email"]
    for _n in range(chance.few(1.2 * plan.slips, MOST)):
        chance.weighted(CHANGES)(plan, known)


def look_alike(plan: Plan, known: Known, other: Known) -> None:
    """Make a new record one of somebody else who is easily taken for ``other``."""
    if other.segment == "trade":
        _chain(plan, known, other)
        return
    kinds: dict[Likeness, int] = {_spouse: 5, _flatmate: 3}
    if other.row["date_of_birth"]:
        kinds |= {_twin: 2, _namesake: 2}
    plan.chance.weighted(kinds)(plan, known, other)


# -- the same person -------------------------------------------------------------------------------------------------


def _elsewhere(plan: Plan, email: str | None) -> str | None:
    """Return the same address at another provider, for some."""
    name, _, domain = (email or "").partition("@")
    others = [other for other in WIDE if other != domain]
    return f"{name}@{plan.chance.choice(others)}" if name and plan.chance.yes(0.4) else None


def _first_typed_wrong(plan: Plan, known: Known) -> None:
    known.row["first_name"] = slips.typed_wrong(plan.chance, known.row["first_name"])


def _last_typed_wrong(plan: Plan, known: Known) -> None:
    known.row["last_name"] = slips.typed_wrong(plan.chance, known.row["last_name"])


def _spelt(plan: Plan, known: Known) -> None:
    name = plan.chance.choice(("first_name", "last_name"))
    known.row[name] = slips.spelt(known.row[name])


def _initial(plan: Plan, known: Known) -> None:
    known.row["first_name"] = f"{known.row['first_name'][:1]}."


def _nickname(plan: Plan, known: Known) -> None:
    first = known.row["first_name"]
    known.row["first_name"] = slips.CALLED.get(first, first)


def _second_name(plan: Plan, known: Known) -> None:
    second = person(plan.chance, plan.seed).first
    known.row["first_name"] = f"{known.row['first_name']} {plan.chance.choice((second, second[:1]))}"[:100]


def _swapped(plan: Plan, known: Known) -> None:
    row = known.row
    row |= {"first_name": row["last_name"], "last_name": row["first_name"]}


def _married(plan: Plan, known: Known) -> None:
    """Another surname, or one more."""
    if known.person.gender == Gender.FEMALE:
        new = person(plan.chance, plan.seed).last
        last = known.row["last_name"]
        known.row["last_name"] = (f"{last}-{new}" if plan.chance.yes(0.3) else new)[:100]


def _other_email(plan: Plan, known: Known) -> None:
    first, last = known.row["first_name"], known.row["last_name"]
    short = f"{mailbox(first[:1], '')}{mailbox('', last)}"
    known.row["email"] = f"{short}@{plan.chance.choice(WIDE)}" if plan.chance.yes(0.6) else None
    if known.segment == "online" and not known.row["email"]:
        known.row["email"] = f"{short}@{WIDE[0]}"


def _email_typed_wrong(plan: Plan, known: Known) -> None:
    """Only in the first name, as a number after the last one is what makes an address unique."""
    first, dot, rest = (known.row["email"] or "").partition(".")
    known.row["email"] = f"{slips.typed_wrong(plan.chance, first)}{dot}{rest}" if dot else known.row["email"]


def _moved(plan: Plan, known: Known) -> None:
    known.home = a_home(plan.chance, known.home.country)


def _street(plan: Plan, known: Known) -> None:
    home = known.home
    known.home = replace(home, line1=slips.street_short(slips.digit_wrong(plan.chance, home.line1)))


def _street_short(plan: Plan, known: Known) -> None:
    known.home = replace(known.home, line1=slips.street_short(known.home.line1))


def _postcode(plan: Plan, known: Known) -> None:
    """The last digit of a postcode, which another one of the same town has."""
    postcode = known.home.postcode
    last = max(n for n, letter in enumerate(postcode) if letter.isdigit())
    known.home = replace(known.home, postcode=slips.digit_wrong(plan.chance, postcode, last))


def _other_phone(plan: Plan, known: Known) -> None:
    known.phone, known.phone_country = numbers.mobile(plan.chance.randrange(1000)), "GB"


def _birth(plan: Plan, known: Known) -> None:
    born: dt.date | None = known.row["date_of_birth"]
    known.row["date_of_birth"] = slips.date_wrong(plan.chance, born) if born else None


def _not_asked(plan: Plan, known: Known) -> None:
    known.row |= {"date_of_birth": None, "gender": None, "title": None}


CHANGES: dict[Change, int] = {
    _first_typed_wrong: 10,
    _last_typed_wrong: 10,
    _spelt: 8,
    _initial: 6,
    _nickname: 6,
    _second_name: 5,
    _swapped: 4,
    _married: 4,
    _other_email: 8,
    _email_typed_wrong: 3,
    _moved: 7,
    _street: 5,
    _street_short: 5,
    _postcode: 5,
    _other_phone: 8,
    _birth: 7,
    _not_asked: 7,
}
"""What people and tills do to a record, and how often of each other."""

# -- somebody else ---------------------------------------------------------------------------------------------------


def _spouse(plan: Plan, known: Known, other: Known) -> None:
    """Somebody else at the same address with the same surname; one in three gives the same phone."""
    known.home = other.home
    known.row["last_name"] = other.row["last_name"]
    if plan.chance.yes(0.35):
        known.phone, known.phone_country = other.phone, other.phone_country


def _twin(plan: Plan, known: Known, other: Known) -> None:
    _spouse(plan, known, other)
    known.row["date_of_birth"] = other.row["date_of_birth"]


def _namesake(plan: Plan, known: Known, other: Known) -> None:
    """Father and son, or mother and daughter, of one name."""
    _spouse(plan, known, other)
    born: dt.date = other.row["date_of_birth"]
    years = plan.chance.randrange(20, 38)
    earlier = born.year - years if born.year - years > 1925 else born.year + years
    known.row["first_name"] = other.row["first_name"]
    known.row["gender"] = other.row["gender"]
    known.row["date_of_birth"] = dt.date(min(earlier, 2008), plan.chance.randrange(1, 13), born.day % 28 + 1)


def _flatmate(plan: Plan, known: Known, other: Known) -> None:
    known.home = other.home


def _chain(plan: Plan, known: Known, other: Known) -> None:
    """Another shop of the same company: its name and VAT number, at another place, with other people."""
    names = ("company_name", "trading_name", "company_number", "vat_number")
    known.row |= {name: other.row[name] for name in names}
