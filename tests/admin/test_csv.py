"""Export goes through one writer: what a spreadsheet would run is made harmless, and reading back is exact."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.files import disarm, rearm, write_csv
from tests import factories
from tests.admin.conftest import Shop

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
CELLS = st.one_of(
    st.text(),
    st.builds(
        lambda blanks, start, rest: blanks + start + rest,
        st.sampled_from(("", " ", "  ", "'", "''", "　", " '")),
        st.sampled_from(FORMULA_STARTS),
        st.text(max_size=8),
    ),
)


def read(text: str) -> list[list[str]]:
    """Read a CSV file as a program would."""
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def exported(shop: Shop, path: str, role: str = "Admin") -> list[list[str]]:
    """Download a list; return its rows, titles first."""
    answer = shop.client(role).get(path)
    assert answer.status_code == 200, answer.status
    assert answer.mimetype == "text/csv"
    return read(answer.get_data(as_text=True))


@given(CELLS)
def test_what_was_disarmed_reads_back_exactly(text: str):
    assert rearm(disarm(text)) == text


@given(CELLS)
def test_no_disarmed_cell_begins_like_a_formula_even_after_blanks(text: str):
    assert not disarm(text).lstrip(" \u3000").startswith(FORMULA_STARTS)


@given(st.lists(st.lists(CELLS.filter(lambda text: "\x00" not in text), min_size=2, max_size=3), max_size=5))
def test_a_file_reads_back_cell_by_cell(rows: list[list[str]]):
    back = [[rearm(cell) for cell in row] for row in read("".join(write_csv(rows)))]
    assert back == rows


@pytest.mark.parametrize("text", ["'tis", "O'Brien", "a=b", "3-4", "", "Ünal"])
def test_an_innocent_cell_is_left_alone(text: str):
    assert disarm(text) == text


def test_the_file_holds_the_listed_columns_of_the_rows_that_match(shop: Shop):
    with shop.arrange() as session:
        factories.make_customer_class(session, name="=cmd|' /C calc'!A0", free_tastings=4)
        factories.make_customer_class(session, name="Trade", free_tastings=2)
    titles, *rows = exported(shop, "/admin/customer_class/export/csv/?free_tastings__ge=3")
    assert titles[:3] == ["id", "Name", "Discount"]
    assert [row[1] for row in rows] == ["'=cmd|' /C calc'!A0"]


def test_ticked_rows_or_all_that_match_are_exported(shop: Shop):
    with shop.arrange() as session:
        ids = [factories.make_customer_class(session, name=f"Class {n}").id for n in range(4)]
    ticked = exported(shop, f"/admin/customer_class/export/csv/?ids={ids[0]}&ids={ids[2]}")
    assert [row[1] for row in ticked[1:]] == ["Class 0", "Class 2"]
    everything = exported(shop, "/admin/customer_class/export/csv/?all=1&name__ne=Class 3")
    assert [row[1] for row in everything[1:]] == ["Class 0", "Class 1", "Class 2"]


def test_a_file_follows_the_column_chooser_and_the_sort(shop: Shop):
    with shop.arrange() as session:
        for name, tastings in (("A", 1), ("B", 3), ("C", 2)):
            factories.make_customer_class(session, name=name, free_tastings=tastings)
    shop.client().send("/admin/customer_class/columns/", {"columns": ["name", "free_tastings"]})
    rows = exported(shop, "/admin/customer_class/export/csv/?sort=-free_tastings")
    assert [row[1:] for row in rows] == [["Name", "Free tastings"], ["B", "3"], ["C", "2"], ["A", "1"]]


def test_a_role_without_the_permission_downloads_nothing(shop: Shop):
    assert shop.client("Read-only").get("/admin/customer/export/csv/").status_code == 403


def test_a_long_list_is_sent_in_pieces(shop: Shop):
    with shop.arrange() as session:
        for number in range(350):
            factories.make_customer_class(session, name=f"Class {number}")
    answer = shop.client().get("/admin/customer_class/export/csv/", buffered=False)
    assert sum(1 for _piece in answer.response) >= 4
