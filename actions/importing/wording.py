"""A row of an import in words: whom it is about, and which of its cells is wrong (rule 15.9)."""

from __future__ import annotations

from collections.abc import Mapping

from models.card_numbers import holds_one
from models.importing import ImportFile, ImportRow
from models.validate import LIKE_A_CARD

NAMES = (
    ("title", "first_name", "last_name"), ("company_name",), ("trading_name",), ("customer",), ("name",), ("email",),
    ("loyalty_code",), ("account_code",), ("code",), ("number",), ("line1",),
)  # fmt: skip
"""The fields by which people know a record, in the order in which they are looked for in a file."""
LONGEST = 60
HIDDEN = "••••"


def places(file: ImportFile) -> dict[str, int]:
    """Return field -> the column of the file that goes into it."""
    return {name: int(place) for place, name in (file.plan or {}).get("fields", {}).items()}


def cell(row: ImportRow, place: int | None) -> str:
    """Return the beginning of a cell, on one line; what was refused as the number of a card is not said again."""
    if place is None or row.cells is None or place >= len(row.cells):
        return ""
    text = " ".join(row.cells[place].split())
    if LIKE_A_CARD in (row.errors or {}).values() and holds_one(text):
        return HIDDEN
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def whom(file: ImportFile, row: ImportRow) -> str:
    """Return what a row's cells call the record that it is about."""
    known = places(file)
    for names in NAMES:
        if found := " ".join(text for name in names if (text := cell(row, known.get(name)))):
            return found
    return next((text for place in range(len(row.cells or [])) if (text := cell(row, place))), "")


def place_of(file: ImportFile, name: str) -> int | None:
    """Return the column that a fault is about, by its field or its key; None for one about no cell."""
    known = places(file)
    return known.get(name, known.get(name.removesuffix("_id")))


def wrong_cell(file: ImportFile, row: ImportRow, name: str) -> tuple[str, str]:
    """Return the heading and the text of the cell that a fault is about, "" for what there is none of."""
    place = place_of(file, name)
    return (file.headers[place] if place is not None else ""), cell(row, place)


def in_order(file: ImportFile, errors: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (field, what is wrong) in the order of the file's columns, first what is about no cell."""

    def place(name: str) -> int:
        found = place_of(file, name)
        return -1 if found is None else found

    return sorted(errors.items(), key=lambda error: place(error[0]))


def in_words(file: ImportFile, row: ImportRow, errors: Mapping[str, str]) -> str:
    """Return why a row was refused: its line, whom it is about, and each column with its value and what is wrong.

    In the order of the file's columns: the databases keep errors in orders of their own.
    """
    told = []
    for name, text in in_order(file, errors):
        heading, value = wrong_cell(file, row, name)
        label = heading or name.replace("_", " ").replace(".", ", ")
        told.append(f"{label} “{value}”: {text}" if value else f"{label}: {text}" if label else text)
    person = whom(file, row)
    return f"Line {row.line}{f', {person}' if person else ''}: {'; '.join(told)}"
