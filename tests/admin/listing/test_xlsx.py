"""Export to Excel: every cell has its type, no text is ever a formula, and what is read back is what was written."""

import datetime as dt
import io
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from sqlalchemy import update

from admin.viewmodels import spreadsheets
from admin.viewmodels.spreadsheets import DIGITS, Value, write_xlsx
from models.attribute import AttributeValue
from models.choices import Status
from tests import factories
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.imports import mapped, verdicts
from tests.admin.listing.test_csv import CELLS, FORMULA_STARTS, read
from tests.scale import scaled

KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LISTED = [r for r in RESOURCES if r != "shop_setting"]
FEW = settings(max_examples=scaled(500, 15))  # a workbook is dear to make, so each holds many cells
EXACT = 10**DIGITS
ZONE = dt.timezone(dt.timedelta(hours=1))
# What a column can hold: the models let no control character but tab and line feed into the database.
STORED = st.characters(
    exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\t\n"
)
TEXTS = st.one_of(
    st.text(STORED, max_size=30),
    CELLS.filter(lambda text: all(c in "\t\n" or (c.isprintable() or c in " \u3000") for c in text)),
    st.sampled_from(("#N/A", "#REF!", "=", "'", "' ", " x ", "\tx", "１２", "1e5", "007", "TRUE", "2026-01-01", "_x0041_")),
)  # fmt: skip
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    TEXTS,
    st.integers(-EXACT + 1, EXACT - 1),
    st.builds(lambda minor: Decimal(minor).scaleb(-2), st.integers(-EXACT + 1, EXACT - 1)),
    st.dates(dt.date(1900, 3, 1), dt.date(9999, 12, 30)),
    st.datetimes(dt.datetime(1900, 3, 1), dt.datetime(9000, 1, 1), timezones=st.just(ZONE)),
)


def book(data: bytes) -> list[list[Any]]:
    """Read a workbook as a program would; return its cells' values, titles first."""
    sheet = load_workbook(io.BytesIO(data)).active
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def cells_of(data: bytes) -> list[list[Any]]:
    """The cells themselves."""
    return [list(row) for row in load_workbook(io.BytesIO(data)).active.iter_rows()]


def written(*rows: Sequence[Value]) -> bytes:
    """A workbook of rows under titles."""
    width = max((len(row) for row in rows), default=1)
    return b"".join(write_xlsx([[f"c{n}" for n in range(width)], *rows]))


def as_read(value: Value) -> Any:
    """What a program gets for a value: an empty text is an empty cell, and an instant is a time on the shop's clock."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None, microsecond=0)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    return value if value != "" else None


@pytest.mark.soak
@FEW
@given(st.lists(VALUES, min_size=1, max_size=12))
def test_what_is_written_is_read_back_exactly(row: list[Value]) -> None:
    back = [*book(written(row)), []][1]
    back += [None] * (len(row) - len(back))
    for value, found in zip(row, back, strict=True):
        wanted = as_read(value)
        if isinstance(wanted, Decimal):
            assert Decimal(str(found)) == wanted, "to the penny"
        else:
            assert (unescape(found) if isinstance(found, str) else found) == wanted
            assert isinstance(found, bool) is False


@pytest.mark.soak
@FEW
@given(st.lists(TEXTS, min_size=1, max_size=12))
def test_no_text_is_ever_a_formula_an_error_or_a_figure(row: list[str]) -> None:
    data = written([*row, "end"])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<f" not in archive.read("xl/worksheets/sheet1.xml").split(b"<sheetData>")[1]
    for text, cell in zip(row, cells_of(data)[1], strict=False):
        assert cell.data_type == "s" or text == ""
        if text.lstrip(" \u3000'").startswith(FORMULA_STARTS) and text.startswith(FORMULA_STARTS):
            assert cell.quotePrefix, "still text once somebody has edited it"


def test_figures_sums_and_dates_have_their_types() -> None:
    at = dt.datetime(2026, 7, 1, 9, 30, 15, 400, tzinfo=ZONE)
    row = cells_of(written([7, Decimal("12.50"), Decimal("1200"), dt.date(2026, 7, 1), at, "x"]))[1]
    assert [cell.data_type for cell in row] == ["n", "n", "n", "d", "d", "s"]
    assert [cell.number_format for cell in row[1:5]] == [
        "#,##0.00",
        "#,##0",
        "yyyy-mm-dd",
        "yyyy-mm-dd hh:mm:ss",
    ]
    assert (row[1].value, row[3].value) == (12.5, dt.datetime(2026, 7, 1))
    assert row[4].value == dt.datetime(2026, 7, 1, 9, 30, 15)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (10**15, "1000000000000000"),
        (-(10**18), "-1000000000000000000"),
        (Decimal("99999999999999.99"), "99999999999999.99"),
        (dt.date(1890, 5, 1), "1890-05-01"),
        ("a\x00b\x1fc", "a\ufffdb\ufffdc"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("\ufffe", "\ufffd"),
        ("x" * 40_000, "x" * 32_766 + "…"),
    ],
)
def test_what_a_spreadsheet_cannot_hold_is_written_so_that_it_can(value: Value, found: str) -> None:
    assert book(written([value]))[1] == [found]


def many(count: int) -> Iterator[Sequence[Value]]:
    """Rows made as they are asked for."""
    yield ["id", "text", "sum"]
    for n in range(count):
        yield [n, f"Text {n}", Decimal(n).scaleb(-2)]


def test_memory_stays_bounded() -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        try:
            for _piece in write_xlsx(many(rows)):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(50)
    assert peak(4000) < peak(400) + 400_000


def test_a_file_that_fails_half_way_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken() -> Iterator[Sequence[Value]]:
        yield from many(5)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        list(write_xlsx(broken()))
    list(write_xlsx(many(5)))
    assert list(tmp_path.iterdir()) == []


# -- through the screens --------------------------------------------------------------------------------------------


def exported(shop: Shop, path: str, role: str = "Admin") -> list[list[Any]]:
    """Download a list as a workbook; return its rows, titles first."""
    answer = shop.client(role).get(path)
    assert (answer.status_code, answer.mimetype) == (200, KIND)
    assert ".xlsx" in answer.headers["Content-Disposition"]
    return book(answer.get_data())


@pytest.mark.parametrize("resource", LISTED)
def test_both_kinds_of_file_hold_the_same(stocked: Shop, resource: str) -> None:
    view = "view=all&" if stocked.screen(resource).views else ""
    own = "action__ne=changeset.export&" if resource == "changeset" else ""  # which each export leaves there
    path = f"/admin/{resource}/export/%s/?{view}{own}sort=id"
    text = stocked.client().get(path % "csv").get_data(as_text=True)
    titles, *rows = exported(stocked, path % "xlsx")
    plain = read(text)
    assert titles == plain[0]
    assert len(rows) == len(plain) - 1
    for row, line in zip(rows, plain[1:], strict=True):
        for cell, told in zip(row, line, strict=True):
            wanted = spreadsheets.rearm(told)
            if isinstance(cell, dt.datetime):
                assert wanted.replace("T", " ")[:19] in (str(cell), str(cell.date())), (cell, told)
            elif isinstance(cell, int | float):
                assert float(wanted) == cell
            else:
                assert (cell or "") == wanted


def test_sums_days_and_choices_of_a_customer(shop: Shop) -> None:
    with shop.arrange() as session:
        factories.make_customer(
            session, last_name="=1+1", status=Status.REGISTERED, points=120, credit_balance=1250, date_of_birth=dt.date(1980, 1, 2),
        )  # fmt: skip
    columns = ["sort_name", "status", "points", "credit_balance", "created_at"]
    shop.client().send("/admin/customer/columns/", {"columns": columns})
    titles, row = exported(shop, "/admin/customer/export/xlsx/?view=all")
    found = dict(zip(titles, row, strict=True))
    assert found["Points"] == 120
    assert 12.5 in row
    assert "Registered" in row
    assert any(isinstance(value, dt.datetime) for value in row)


@pytest.mark.either_database
def test_attributes_that_are_numbers_or_days_are_figures_and_days_and_come_back_as_they_were(
    shop: Shop,
) -> None:
    kept = {"number": ("-12.5", "12.50", "1e3", "-0", "007"), "date": ("2026-05-01", "soon"), "text": ("-5",)}
    with shop.arrange() as session:
        for kind, values in kept.items():
            for value in values:
                definition = factories.make_attribute_definition(session, kind=kind)
                row = factories.make_attribute_value(session, definition=definition, value="1")
                session.execute(update(AttributeValue).where(AttributeValue.id == row.id).values(value=value))
    path = "/admin/attribute_value/export/%s/?sort=id"
    rows = exported(shop, path % "xlsx")[1:]
    assert [row[-1] for row in rows] == [
        -12.5,
        "12.50",
        "1e3",
        "-0",
        "007",
        dt.datetime(2026, 5, 1),
        "soon",
        "-5",
    ]
    text = shop.client().get(path % "csv").get_data(as_text=True)
    assert [row[-1] for row in read(text)[1:]] == [
        "-12.5",
        "12.50",
        "1e3",
        "'-0",
        "007",
        "2026-05-01",
        "soon",
        "'-5",
    ]
    for kind in ("csv", "xlsx"):
        file_id = mapped(shop, "attribute_value", shop.client().get(path % kind).data)
        assert set(verdicts(shop, file_id)) == {"unchanged"}


@pytest.mark.either_database
def test_amounts_and_days_that_a_list_works_out_are_figures_and_days(shop: Shop) -> None:
    with shop.arrange() as session:
        owner = factories.make_customer(session, email="ann@example.com", account_balance=-5000)
        factories.make_account_entry(session, customer=owner, amount=-5000, value_date=dt.date(2026, 4, 30))
        entry = factories.make_credit_entry(session, customer=owner)
        factories.make_gift_card(session, redeemed_entry=entry)
    for resource, wanted in (
        ("owing", {"Balance": -50, "Balance in words": "in credit", "Currency": "GBP", "Not due yet": 0}),
        ("account_entry", {"Amount": -50, "Amount in words": "paid", "Customer: email": "ann@example.com"}),
        ("gift_card", {"Amount": 25, "Currency": "GBP", "Redeemed by: email": "ann@example.com"}),
    ):
        titles, row = exported(shop, f"/admin/{resource}/export/xlsx/?view=all")
        found = dict(zip(titles, row, strict=True))
        assert {title: found[title] for title in wanted} == wanted
        days = {"owing": "Last payment", "account_entry": "Value date", "gift_card": "Redeemed"}
        assert isinstance(found[days[resource]], dt.datetime), "a day, and no text"


def test_the_list_offers_both_kinds_to_those_who_may(stocked: Shop) -> None:
    page = stocked.client().get("/admin/note/?view=all").get_data(as_text=True)
    assert page.count("/admin/note/export/csv/") == page.count("/admin/note/export/xlsx/") == 2
    assert "export/xlsx" not in stocked.client("Read-only").get("/admin/note/").get_data(as_text=True)
    assert stocked.client("Read-only").get("/admin/note/export/xlsx/").status_code == 403


def test_too_many_rows_for_a_workbook_are_refused_before_it_is_begun(
    stocked: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(spreadsheets.KINDS["xlsx"], most=10)
    monkeypatch.setitem(spreadsheets.KINDS, "xlsx", small)
    answer = stocked.client().get("/admin/note/export/xlsx/?view=all")
    assert answer.status_code == 400
    assert "up to 10 rows" in answer.get_data(as_text=True)
    ids = stocked.api().get("/api/v1/note/", page_size=10).json["result"]
    query = {"ids": [row["id"] for row in ids]}
    assert stocked.client().get("/admin/note/export/xlsx/", query_string=query).status_code == 200
