"""Export goes through one writer: what a spreadsheet would run is made harmless, and reading back is exact."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.ledgers.ageing import BUCKETS
from admin.viewmodels.spreadsheets import RECORD_NUMBER, disarm, rearm, write_csv
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
SIGNS = tuple(start for start in FORMULA_STARTS if start.strip())
CELLS = st.one_of(
    st.text(),
    st.builds(
        lambda blanks, start, rest: blanks + start + rest,
        st.sampled_from(("", " ", "  ", "'", "''", "　", " '")),
        st.sampled_from(FORMULA_STARTS),
        st.text(max_size=8),
    ),
    st.lists(st.sampled_from((*FORMULA_STARTS, ";", "|", "\n", " ", "'", '"', ",", "1")), max_size=10).map(
        "".join
    ),
)


def read(text: str) -> list[list[str]]:
    """Read a CSV file as a program would."""
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def exported(shop: Shop, path: str, role: str = "Admin") -> list[list[str]]:
    """Download a list; return its rows, titles first."""
    answer = shop.client(role).get(path)
    assert answer.status_code == 200, answer.status
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
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


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@given(st.lists(st.lists(CELLS.filter(lambda text: "\x00" not in text), min_size=2, max_size=3), max_size=5))
def test_no_cell_begins_like_a_formula_where_the_file_is_opened_with_another_separator(
    mark: str, rows: list[list[str]]
):
    for line in csv.reader(io.StringIO("".join(write_csv(rows))[1:], newline=""), delimiter=mark):
        assert not [cell for cell in line if cell.lstrip().startswith(SIGNS)]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Ann;=1+1", "Ann;'=1+1"),
        ("Ann\t =1+1", "Ann\t' =1+1"),
        ("Ann\n＝1", "Ann\n'＝1"),
        ('Ann;"@x', "Ann;'\"@x"),
        ("=1;=2", "'=1;'=2"),
        ("Ann;'-1", "Ann;''-1"),
    ],
)
def test_what_stands_behind_a_separator_within_a_text_is_no_formula_either(text: str, written: str):
    assert (disarm(text), rearm(written)) == (written, text)


def test_a_figure_is_no_text():
    assert read("".join(write_csv([[Decimal("-1234.50"), -120, "-5"]]))) == [["-1234.50", "-120", "'-5"]]


@pytest.mark.parametrize("text", ["'tis", "O'Brien", "a=b", "3-4", "", "Ünal", "a; b", "one\ntwo"])
def test_an_innocent_cell_is_left_alone(text: str):
    assert disarm(text) == text


def test_the_file_holds_the_listed_columns_of_the_rows_that_match(shop: Shop):
    with shop.arrange() as session:
        factories.make_customer_class(session, name="=cmd|' /C calc'!A0", free_tastings=4)
        factories.make_customer_class(session, name="Trade", free_tastings=2)
    titles, *rows = exported(shop, "/admin/customer_class/export/csv/?free_tastings__ge=3")
    assert titles[:3] == [RECORD_NUMBER, "Name", "Discount"]
    assert [row[1] for row in rows] == ["'=cmd|' /C calc'!A0"]


def test_ticked_rows_or_all_that_match_are_exported(shop: Shop):
    with shop.arrange() as session:
        ids = [factories.make_customer_class(session, name=f"Class {n}").id for n in range(4)]
    ticked = exported(shop, f"/admin/customer_class/export/csv/?ids={ids[0]}&ids={ids[2]}")
    assert [row[1] for row in ticked[1:]] == ["Class 0", "Class 2"]
    for gone, more in (
        (f"&ids={ids[0]}&ids=999", "1 of the rows you ticked no longer"),
        ("&ids=998&ids=999", "2 of the rows"),
    ):
        answer = shop.client().get(
            f"/admin/customer_class/export/csv/?sort=name&ids={ids[0]}&ids={ids[2]}{gone}"
        )
        assert answer.status_code == 409
        assert more in page_of(answer).text
        rest = next(link for link in page_of(answer).links if "left_out" in link)
        assert exported(shop, rest) == ticked, "said once, the others are to be had"
    alone = shop.client().get("/admin/customer_class/export/xlsx/?ids=999")
    assert not [link for link in page_of(alone).links if "left_out" in link]
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


def records(shop: Shop, resource: str, columns: Sequence[str], role: str = "Admin") -> list[dict[str, str]]:
    """Download all of a list with these columns; return its rows by heading."""
    shop.client(role).send(f"/admin/{resource}/columns/", {"columns": columns})
    view = "view=all" if shop.screen(resource).views else ""
    titles, *rows = exported(shop, f"/admin/{resource}/export/csv/?sort=id&{view}", role)
    assert len(titles) == len(set(titles))
    return [dict(zip(titles[1:], row[1:], strict=True)) for row in rows]


def test_a_customer_is_named_in_parts_and_a_balance_is_a_figure_with_its_words_and_currency_beside_it(
    shop: Shop,
):
    with shop.arrange() as session:
        names = {"first_name": "Rashid", "last_name": "Karim", "email": "rashid@example.com"}
        owner = factories.make_customer(
            session, **names, currency="JPY", credit_limit=1234567, account_balance=-2500
        )
        factories.make_account_entry(session, customer=owner, kind="payment", amount=-2500, currency="JPY")
    assert records(shop, "customer", ["sort_name", "account_balance", "credit_limit", "email"]) == [
        {
            "Customer": "Karim, Rashid", "First name": "Rashid", "Last name": "Karim", "Balance": "-2500",
            "Balance in words": "in credit", "Currency": "JPY", "Email": "rashid@example.com",
            "Credit limit": "1234567",
        }
    ]  # fmt: skip
    assert records(shop, "account_entry", ["customer", "amount", "balance"]) == [
        {
            "Customer": "Rashid Karim", "Customer: email": "rashid@example.com", "Amount": "-2500",
            "Amount in words": "paid", "Currency": "JPY", "Balance": "-2500", "Balance in words": "in credit",
        }
    ]  # fmt: skip
    owing = records(shop, "owing", ["sort_name", "account_balance", BUCKETS[0], "last_payment"])[0]
    assert (owing["Email"], owing["Balance"], owing["Balance in words"]) == (
        names["email"],
        "-2500",
        "in credit",
    )
