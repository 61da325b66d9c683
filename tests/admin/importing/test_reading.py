"""A cell is read as the form reads it, and a file is read back as it was written."""

import datetime as dt
import io
from typing import Any

import pytest
from flask import g
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from werkzeug.datastructures import MultiDict

from admin.importing import files
from admin.importing.columns import columns
from admin.viewmodels import spreadsheets
from admin.viewmodels.spreadsheets import write_csv, write_xlsx
from models.masks import EVERYTHING
from tests.admin.conftest import Shop
from tests.admin.listing.test_csv import CELLS

PLAIN = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1).filter(
    str.strip
)
WRITTEN = st.one_of(
    PLAIN,
    st.integers().map(str),
    st.decimals(-10, 200, places=2).map(str),
    st.dates().map(str),
    st.sampled_from(
        ("GB", "gbp", "retail", "12.345", "1e5", "1_000", "１２", "−3", "+5", "2026-02-30", "x" * 500)
    ),
)
RESOURCES = ("customer", "address", "customer_class", "payment_term", "note", "phone")
READ_ALIKE = {"text", "number", "percent", "date", "money"}


def read(content: bytes, **wanted: Any) -> files.Table:
    """The table in a file."""
    return files.read(io.BytesIO(content), files.Reading(**wanted))


def by_form(form_class: Any, name: str, text: str) -> tuple[bool, Any]:
    """Whether the form takes a text for a field, and what it makes of it."""
    form = form_class(MultiDict({name: text}))
    field = form._fields[name]
    return field.validate(form), field.data


@given(text=WRITTEN)
@settings(max_examples=60)
@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_cell_becomes_what_the_form_would_make_of_it(stocked: Shop, resource: str, text: str):
    screen = stocked.screen(resource)
    with stocked.app.test_request_context():
        g.mask_context = EVERYTHING  # nobody is asking, who would see masks
        for name, column in columns(screen).items():
            if column.field.kind not in READ_ALIKE or column.field.column.info.get("choices"):
                continue
            taken, wanted = by_form(screen.form_class, name, text)
            try:
                found = column.read(text, "GBP", "en")
            except ValueError:
                assert not taken, f"{name}: the form takes {text!r}"
            else:
                assert found == wanted, name


@given(
    st.lists(
        st.lists(CELLS.filter(lambda t: "\x00" not in t), min_size=2, max_size=2), min_size=1, max_size=6
    )
)
def test_every_text_in_a_csv_file_comes_back(rows: list[list[str]]):
    content = "".join(write_csv([["One", "Two"], *rows])).encode("utf-8", "surrogatepass")
    try:
        content.decode()
    except UnicodeDecodeError:
        return
    table = read(content)
    assert table.headers == ["One", "Two"]
    assert [cells for _line, cells, _flaws in table.rows] == [
        row for row in rows if any(cell.strip() for cell in row)
    ]


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6))
@settings(max_examples=40)
def test_every_text_in_a_workbook_comes_back_as_it_can_hold_it(rows: list[list[str]]):
    content = b"".join(write_xlsx([["One", "Two"], *rows]))
    found = [cells for _line, cells, _flaws in read(content).rows]
    wanted = [[spreadsheets.in_workbook(cell) for cell in row] for row in rows]
    assert found == [row for row in wanted if any(cell.strip() for cell in row)]


def workbook(*rows: Any) -> bytes:
    """A workbook as a person makes one."""
    book, made = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(made)
    return made.getvalue()


def test_figures_dates_and_formulas_of_a_workbook_are_read_as_text():
    content = workbook(
        ["n", "f", "d", "t", "b", "x"],
        [12, 7.5, dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 14, 30), True, "=1+1"],
        [12.0, 0.1 + 0.2, None, None, False],
    )
    table = read(content)
    assert [cells for _line, cells, _flaws in table.rows] == [
        ["12", "7.5", "2026-01-31", "2026-01-31 14:30:00", "yes", "=1+1"],
        ["12", "0.3", "", "", "no", ""],
    ]


def test_a_sheet_that_lies_about_its_size_is_read_no_further_than_it_goes():
    book, made = Workbook(), io.BytesIO()
    book.active["A1"], book.active["A2"] = "Name", "Ann"
    book.active.cell(1_000, 1, "Bob")
    book.active.cell(3, 16_384, "far away")
    book.save(made)
    table = read(made.getvalue())
    assert [(line, cells[0]) for line, cells, _flaws in table.rows if cells[0]] == [
        (2, "Ann"),
        (1_000, "Bob"),
    ]
