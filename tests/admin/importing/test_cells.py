"""What a cell of a file means: what a person sees in it, or a sentence why nobody can tell (rule 15.12)."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from admin.importing import files
from admin.importing.cells import look_of, number_text
from admin.importing.countries import country_key, country_names
from admin.importing.dates import iso
from admin.viewmodels.spreadsheets import write_xlsx
from tests.admin.books import book

FORMULA = '<c r="A2" s="{s}"><f>B2*2</f>{v}</c>'


@pytest.fixture(scope="module")
def shopless() -> Flask:
    """An application with nothing but words in it."""
    app = Flask("words")
    Babel(app)
    return app


def cells(content: bytes, **wanted: Any) -> list[tuple[str, str | None]]:
    """Text and flaw of the first cell of every row below the headings."""
    table = files.read(io.BytesIO(content), files.Reading(**wanted))
    return [(row[1][0], row[2].get(0)) for row in table.rows]


def number(text: str, number_format: int = 0, code: str | None = None) -> tuple[str, str | None]:
    """A stored number as its cell shows it."""
    return number_text(text, look_of(number_format, code), WINDOWS_EPOCH)


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("3.3000000000000003", None, "3.3"), ("0.1", None, "0.1"), ("12.0", None, "12"), ("-0", None, "0"),
        ("1E3", None, "1000"), ("1.5E-3", None, "0.0015"), ("100", None, "100"), ("41.99999999999999", None, "42"),
        ("999999999999999", None, "999999999999999"), ("42", "00000", "00042"), ("42", "0", "42"),
        ("1135550123", "(000) 000-0000", "(113) 555-0123"), ("7", '"A-"000', "A-007"), ("7", "\\A000", "A007"),
        ("123456", "0000", "123456"), ("1234.5", "#,##0.00", "1234.5"), ("12.5", '"£"#,##0.00', "12.5"),
        ("0.075", "0.0%", "7.5%"), ("0.2", "0%", "20%"), ("1.1E-2", "0.00%", "1.1%"), ("-5", "00", "-5"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_its_cell_shows_it(text: str, code: str | None, shown: str) -> None:
    assert number(text, 164 if code else 0, code) == (shown, None)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_what_a_spreadsheet_stores_of_a_decimal_reads_as_the_decimal(value: Decimal) -> None:
    text, flaw = number(repr(float(value)))
    assert (Decimal(text), flaw) == (value, None)


@pytest.mark.parametrize(
    "text", ["1000000000000000", "6.331101999990016E+18", "12345678901234567890", "-1E15", "1E400", "9" * 100]
)
def test_a_whole_number_that_lost_its_last_digits_is_refused(text: str) -> None:
    assert number(text)[1] == "digits"


@pytest.mark.parametrize("text", ["NaN", "INF", "abc", "1E-999999999"])
def test_what_is_no_number_is_an_error(text: str) -> None:
    assert number(text) == (text, "error")


@pytest.mark.parametrize("number_format", [14, 15, 16, 17, 22, *range(27, 37), *range(50, 59)])
def test_every_date_format_that_excel_has_built_in_is_one(number_format: int) -> None:
    assert number("46053", number_format) == ("2026-01-31", None)
    assert number("46053.5", number_format) == ("2026-01-31 12:00:00", None)


def test_days_are_counted_as_the_workbook_counts_them() -> None:
    assert number_text("44591", look_of(14, None), MAC_EPOCH) == ("2026-01-31", None)
    assert number("60", 14) == ("1900-02-29", "no day"), "Excel counts a day that never was"
    assert number("61", 14) == ("1900-03-01", None)
    assert number("3000000", 14)[1] == "no day"
    assert number("0.75", 20) == ("18:00:00", None)
    assert number("1.5", 46) == ("36:00:00", None)


SEEN = {
    "an error": ('<c r="A2" t="e"><v>#N/A</v></c>', ("#N/A", "error")),
    "an error of a formula": ('<c r="A2" t="e"><f>B2</f><v>#REF!</v></c>', ("#REF!", "error")),
    "a formula without a value": (FORMULA.format(s=0, v=""), ("=B2*2", "formula")),
    "a formula with an empty value": (FORMULA.format(s=0, v="<v></v>"), ("=B2*2", "formula")),
    "a formula with a value": (FORMULA.format(s=0, v="<v>7</v>"), ("7", None)),
    "a text": ('<c r="A2" t="str"><f>B2</f><v>Ann</v></c>', ("Ann", None)),
    "a line break": ('<c r="A2" t="inlineStr"><is><t>a_x000D_&#10;b</t></is></c>', ("a\nb", None)),
    "what looks like one": ('<c r="A2" t="inlineStr"><is><t>a_x005F_x000D_b</t></is></c>', ("a_x000D_b", None)),
    "a hidden sign": ('<c r="A2" t="inlineStr"><is><t>a_x0000_b</t></is></c>', ("a\ufffdb", "hidden")),
    "letters in bold": (
        '<c r="A2" t="inlineStr"><is><r><t>Sa</t></r><r><rPr><b/></rPr><t>to</t></r><rPh sb="0" eb="1"><t>x</t></rPh></is></c>',
        ("Sato", None),
    ),
    "a day as text": ('<c r="A2" t="d"><v>2026-01-31T00:00:00Z</v></c>', ("2026-01-31", None)),
    "a truth": ('<c r="A2" t="b"><v>1</v></c>', ("yes", None)),
}  # fmt: skip


@pytest.mark.parametrize("kind", SEEN)
def test_a_cell_is_what_a_person_sees_in_it(shopless: Flask, kind: str) -> None:
    written, wanted = SEEN[kind]
    with shopless.test_request_context():
        assert cells(book([written + '<c r="B2"><v>1</v></c>'])) == [wanted]


def test_no_value_of_a_formula_counts_where_the_workbook_is_to_be_worked_out_anew(shopless: Flask) -> None:
    row = [FORMULA.format(s=0, v="<v>0</v>")]
    with shopless.test_request_context():
        assert cells(book(row, calculation='<calcPr fullCalcOnLoad="1"/>')) == [("=B2*2", "formula")]
        assert cells(book(row, calculation="<calcPr/>")) == [("0", None)]


def test_cells_that_are_left_out_are_empty_and_those_beyond_the_headings_are_of_no_column(
    shopless: Flask,
) -> None:
    made, content = Workbook(), io.BytesIO()
    for row in (["One", None, "One", "Four"], ["a"], [None, "b", "c", "d", "a remark"]):
        made.active.append(row)
    made.save(content)
    with shopless.test_request_context():
        table = files.read(content)
        assert table.headers == ["One", "Column B", "One (column C)", "Four"]
        assert [row[1] for row in table.rows] == [["a", "", "", ""], ["", "b", "c", "d"]]


def test_what_reads_as_an_escape_comes_back_from_our_own_workbooks(shopless: Flask) -> None:
    texts = ["_x000D_", "a_x0041_b", "_x005F_", "_xyz_", "x_x00e9_y"]
    with shopless.test_request_context():
        found = cells(b"".join(write_xlsx([["One"], *([text] for text in texts)])))
    assert found == [(text, None) for text in texts]


@pytest.mark.parametrize(
    ("text", "month_first", "wanted"),
    [
        ("2026-01-31", False, "2026-01-31"), ("2026-01-31 14:30:00", False, "2026-01-31"),
        ("2026-01-31T00:00:00Z", True, "2026-01-31"), ("2026/1/31", False, "2026-01-31"), ("29.02.1980", True, "1980-02-29"),
        ("31/01/1990", False, "1990-01-31"), ("01/31/1990", True, "1990-01-31"), ("3/4/1990", False, "1990-04-03"),
        ("3/4/1990", True, "1990-03-04"), ("3-4-1990 12:00", False, "1990-04-03"), ("31 January 1990", False, "1990-01-31"),
        ("31-Jan-1990", True, "1990-01-31"), ("3. März 1990", False, "1990-03-03"), ("14 août 1990", False, "1990-08-14"),
    ],
)  # fmt: skip
def test_a_date_is_read_in_the_order_of_its_file(text: str, month_first: bool, wanted: str) -> None:
    assert iso(text, month_first=month_first) == wanted


@given(st.dates(min_value=dt.date(1000, 1, 1)), st.booleans(), st.sampled_from("/-"))
def test_every_date_is_read_as_it_was_written(day: dt.date, month_first: bool, mark: str) -> None:
    order = ("%m", "%d", "%Y") if month_first else ("%d", "%m", "%Y")
    assert iso(day.strftime(mark.join(order)), month_first=month_first) == day.isoformat()


@pytest.mark.parametrize(
    "text", ["31/01/90", "13/13/1990", "30.02.1980", "01/31/1990", "soon", "１/1/1990", "1990"]
)
def test_what_is_no_date_is_said(shopless: Flask, text: str) -> None:
    with shopless.test_request_context(), pytest.raises(ValueError, match="2026-01-31"):
        iso(text, month_first=False)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("GB", "UK, U.K., GB, GBR, England, Scotland, Great Britain, United Kingdom, Vereinigtes Königreich, Royaume-Uni"),
        ("US", "USA, U.S.A., us, United States, United States of America, Vereinigte Staaten, États-Unis"),
        ("NL", "Holland, The Netherlands, Niederlande, Pays-Bas, NLD"),
        ("CZ", "Czech Republic, Czechia, Tschechien, Tchéquie"),
        ("DE", "Deutschland, Germany, Allemagne, DEU, germany "),
        ("CI", "Ivory Coast, Cote d'Ivoire, Côte d’Ivoire"),
    ],
)  # fmt: skip
def test_a_country_goes_by_any_of_its_usual_names(code: str, names: str) -> None:
    known = country_names()
    assert {known.get(country_key(name)) for name in names.split(", ")} == {code}


def test_every_country_goes_by_its_codes_of_two_and_three_letters() -> None:
    known = country_names()
    codes = {name: code for name, code in known.items() if len(name) == 2 and name == code.casefold()}
    assert set(codes.values()) == set(known.values())
    assert {code for name, code in known.items() if len(name) == 3} == set(known.values())
