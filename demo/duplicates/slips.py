"""How people and tills write down the same thing differently: slips of the fingers, spellings, dates, house numbers."""

from __future__ import annotations

import datetime as dt

from demo.rng import Chance

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
NEXT_TO = {
    letter: "".join(row[max(n - 1, 0) : n + 2].replace(letter, "")) + column
    for row, other in zip(KEYBOARD, ("asdfghjkll", "qwertyuio", "asdfghj"), strict=True)
    for n, (letter, column) in enumerate(zip(row, other, strict=True))
}
"""Letter -> those beside, above or below it."""
CALLED = {
    "Elizabeth": "Liz", "William": "Bill", "Robert": "Bob", "Margaret": "Peggy", "Katherine": "Kate", "James": "Jim",
    "Michael": "Mike", "Jennifer": "Jenny", "Thomas": "Tom", "Anthony": "Tony", "Christopher": "Chris", "Joanna": "Jo",
    "Stephen": "Steve", "Deborah": "Debbie", "Patricia": "Pat", "Josephine": "Josie", "Gillian": "Gill",
    "Nicholas": "Nick", "Andrew": "Drew", "Matthew": "Matt", "Susan": "Sue", "Victoria": "Vicky",
    "Jacqueline": "Jackie", "Małgorzata": "Gosia", "Katarzyna": "Kasia", "Aleksandra": "Ola", "Giuseppe": "Beppe",
    "Francisco": "Paco", "José": "Pepe", "Oleksandr": "Sasha", "Francesca": "Checca", "Johannes": "Hans",
    "Friedrich": "Fritz",
}  # fmt: skip
"""First names and what people who have them are called."""
SPELLINGS = (
    ("ü", "ue"), ("ö", "oe"), ("ä", "ae"), ("ß", "ss"), ("ø", "oe"), ("å", "aa"), ("ov", "off"), ("ev", "eff"),
    ("ł", "l"), ("sz", "sh"), ("cz", "ch"), ("mohamed", "muhammad"), ("mohammed", "muhamed"), ("sky", "ski"),
    ("ph", "f"), ("ck", "k"), ("ie", "y"), ("th", "t"), ("ee", "ea"), ("c", "k"), ("y", "i"), ("ou", "u"),
)  # fmt: skip
"""A spelling and another one of the same sound, the tell-tale ones first."""
STREETS = (
    ("Street", "St"),
    ("Road", "Rd"),
    ("Avenue", "Ave"),
    ("Lane", "Ln"),
    ("straße", "str."),
    ("rue", "r."),
)


def typed_wrong(chance: Chance, text: str) -> str:
    """Return a text of letters with one slip: two swapped, one missing, one twice, or the key beside it."""
    if len(text) < 3:
        return text
    at = chance.randrange(1, len(text) - 1)
    kind, letter = chance.choice(("swapped", "missing", "twice", "beside")), text[at]
    if kind == "swapped":
        return text[:at] + text[at + 1] + letter + text[at + 2 :]
    if kind == "beside":
        return text[:at] + chance.choice(NEXT_TO.get(letter, letter)) + text[at + 1 :]
    return text[:at] + (letter * 2 if kind == "twice" else "") + text[at + 1 :]


def digit_wrong(chance: Chance, text: str, first: int = 0) -> str:
    """Return a text with one of its digits another, from place ``first`` on; as it is where there is none."""
    places = [n for n, letter in enumerate(text) if n >= first and letter.isdigit()]
    if not places:
        return text
    at = chance.choice(places)
    return text[:at] + str((int(text[at]) + chance.randrange(1, 10)) % 10) + text[at + 1 :]


def spelt(text: str) -> str:
    """Return a name as somebody else would write what they hear; as it is where there is only one way."""
    for one, other in SPELLINGS:
        if one in text.lower():
            at = text.lower().index(one)
            found = other.capitalize() if text[at].isupper() else other
            return text[:at] + found + text[at + len(one) :]
    return text


def date_wrong(chance: Chance, day: dt.date) -> dt.date:
    """Return a date with day and month swapped, or one of them or the year wrong."""
    if day.day <= 12 and day.day != day.month and chance.yes(0.5):
        return day.replace(month=day.day, day=day.month)
    kind = chance.choice(("day", "month", "year"))
    if kind == "day":
        return day.replace(day=day.day % 28 + 1)
    if kind == "month":
        return day.replace(month=day.month % 12 + 1, day=min(day.day, 28))
    return day.replace(year=day.year + chance.choice((-10, -1, 1)), day=min(day.day, 28))


def street_short(text: str) -> str:
    """Return the first line of an address with its kind of street shortened."""
    for one, other in STREETS:
        text = text.replace(one, other)
    return text
