"""How a file is read: its letters, separators, heading line and sheet; and what it may hold and cost (rule 15.1)."""

import io
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel

from admin.importing import budget, files
from admin.importing import text as import_text
from admin.importing.budget import BadFile
from admin.importing.reading import Reading
from tests.admin.books import book
from tests.speed import yardstick

TEXT = "Name,Town\nZoë,Łódź\n"


@pytest.fixture(scope="module")
def _words() -> Flask:
    app = Flask("words")
    Babel(app)
    return app


@pytest.fixture(autouse=True)
def _speaking(_words: Flask) -> Iterator[None]:
    with _words.test_request_context():
        yield


def read(
    content: bytes, known: Callable[[str], bool] = lambda heading: False, **wanted: Any
) -> tuple[list[str], list[list[str]], Reading]:
    """Headings, cells, and how they were read."""
    table = files.read(io.BytesIO(content), Reading(**wanted), known)
    rows = [row[1] for row in table.rows]
    return table.headers, rows, table.reading


# -- letters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_that_says_what_its_bytes_mean_is_read_so(encoding: str) -> None:
    headers, rows, reading = read(TEXT.encode(encoding))
    assert (headers, rows, reading.sure) == (["Name", "Town"], [["Zoë", "Łódź"]], True)


@pytest.mark.parametrize("bom", [b"\xff\xfe", b"\xfe\xff"])
def test_either_order_of_bytes_is_read(bom: bytes) -> None:
    assert read(bom + TEXT.encode("utf-16-le" if bom == b"\xff\xfe" else "utf-16-be"))[1] == [["Zoë", "Łódź"]]


MAIL_TEMPLATES = {
    "cp1252": "Zoë Ünal – Nuñez", "cp1250": "Łukasz Dvořák", "cp1251": "Иван Петров", "cp1253": "Γιώργος Παππάς",
    "cp1254": "Işık Ağaoğlu", "mac_roman": "José “Pepe” Œuvre", "cp932": "佐藤 健",
}  # fmt: skip


@pytest.mark.parametrize("encoding", MAIL_TEMPLATES)
def test_of_any_other_file_a_person_says_it_by_what_its_lines_would_be(encoding: str) -> None:
    content = f"Name;Town\nAnn;Leeds\n{MAIL_TEMPLATES[encoding]};x\n".encode(encoding)
    reading = read(content)[2]
    assert not reading.sure
    assert any(MAIL_TEMPLATES[encoding] in text for text in reading.samples[encoding])
    assert not any(
        "�" in text for name, said in reading.samples.items() if name != reading.encoding for text in said
    )
    _headers, rows, chosen = read(content, encoding=encoding)
    assert (rows[1][0], chosen.sure) == (MAIL_TEMPLATES[encoding], True)


def test_one_bad_byte_spoils_its_own_cell_and_nothing_else() -> None:
    content = "Name,Town\nZoë,Łódź\n".encode() + b"B\xe9a,Leeds\n" + "Ünal,Köln\n".encode()
    table = files.read(io.BytesIO(content))
    rows = list(table.rows)
    assert table.reading.encoding == "utf-8"
    assert [row[1] for row in rows] == [["Zoë", "Łódź"], ["B\ufffda", "Leeds"], ["Ünal", "Köln"]]
    assert [row[2] for row in rows] == [{}, {0: "byte:0xE9"}, {}]
    rows = list(files.read(io.BytesIO(b"Name\nA\x81b\nB\xe9a\n"), Reading(encoding="cp1252")).rows)
    assert [(row[1], row[2]) for row in rows] == [(["A\ufffdb"], {0: "byte:0x81"}), (["Béa"], {})]


# -- separators and headings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "separator", "row"),
    [
        ("a,b\n1;5,2\n", ",", ["1;5", "2"]), ("a;b\n1,5;2,5\n", ";", ["1,5", "2,5"]), ("a\tb\n1\t2\n", "\t", ["1", "2"]),
        ("a|b\n1|2\n", "|", ["1", "2"]), ("sep=;\na;b\n1,2;3\n", ";", ["1,2", "3"]), ("sep=^\r\na^b\r\n1^2\r\n", "^", ["1", "2"]),
        ('a\tb\n"The" shop\t5" pipe\n', "\tplain", ['"The" shop', '5" pipe']),
        ('a\tb\n"two\nlines"\t2\n', "\t", ["two\nlines", "2"]),
        ('"a,1";b\n"x;y";2\n', ";", ["x;y", "2"]), ("a\n1\n", ",", ["1"]),
        ("Report, of May, 2026\nName;Town;Note\nAnn;Leeds;x, y\n", ";", ["Ann", "Leeds", "x, y"]),
    ],
)  # fmt: skip
def test_what_stands_between_cells_is_found(text: str, separator: str, row: list[str]) -> None:
    _headers, rows, reading = read(text.encode(), lambda heading: heading in ("Name", "Town"))
    assert (reading.separator, rows[-1]) == (separator, row)


def test_another_separator_and_another_line_of_headings_can_be_chosen() -> None:
    content = b"Members of May\n\na;b,c\n1;2,3\n"
    assert read(content, separator=",", line=3)[:2] == (["a;b", "c"], [["1;2", "3"]])
    headers, rows, reading = read(content, separator=";", line=3)
    assert (headers, rows) == (["a", "b,c"], [["1", "2,3"]])
    assert reading.starts == [(1, "Members of May"), (3, "a · b,c"), (4, "1 · 2,3")]


def test_the_headings_are_in_the_first_line_that_means_something() -> None:
    content = b"Our members,,\nas of,May,\nFirst,Surname,Email\nAnn,Lee,a@example.com\n"
    assert read(content, lambda heading: heading in ("First", "Surname"))[2].line == 3
    assert read(content)[2].line == 1


def test_blank_and_repeated_headings_are_called_by_their_columns() -> None:
    headers, rows, _reading = read(b"Name,,Name,\nAnn,x,Lee,y\n")
    assert headers == ["Name", "Column B", "Name (column C)", "Column D"]
    assert rows == [["Ann", "x", "Lee", "y"]]


def test_a_hidden_sheet_comes_last_and_an_empty_one_is_passed_over() -> None:
    cell = '<c r="A2" t="inlineStr"><is><t>Ann</t></is></c>'
    sheets = [("Secret", "hidden"), ("Deep", "veryHidden"), ("Members", "visible")]
    _headers, rows, reading = read(book([cell], sheets=sheets))
    assert (reading.sheet, rows) == ("Members", [["Ann"]])
    assert reading.sheets == [("Members", False), ("Secret", True), ("Deep", True)]
    assert read(book([cell], sheets=sheets), sheet="Secret")[2].sheet == "Secret"


@pytest.mark.parametrize(
    ("dates", "order"),
    [
        (["31/01/1990", "01/02/1990"], {"1": "day"}), (["01/31/1990"], {"1": "month"}), (["01/02/1990"], {"1": "either"}),
        (["31/01/1990", "01/31/1990"], {"1": "both"}), (["31.01.1990", "1990-01-31", "soon"], {}),
    ],
)  # fmt: skip
def test_what_the_dates_say_of_their_order_is_kept_in_mind(dates: list[str], order: dict[str, str]) -> None:
    content = "Name,Born\n" + "".join(f"Ann,{date}\n" for date in dates)
    assert read(content.encode())[2].days == order


# -- budgets ----------------------------------------------------------------------------------------------------------


def _times(text: str, count: int) -> Iterable[str]:
    return (text * 1_000 for _n in range(count // 1_000))


WIDE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty rows": (lambda: book(pieces=_times("<row/>", 200_000)), "50,000 rows"),
    "the same row again and again": (lambda: book(pieces=_times('<row r="3"/>', 200_000)), "50,000 rows"),
    "a row far below": (lambda: book(pieces=['<row r="1048576"><c><v>1</v></c></row>']), "50,000 rows"),
    "styled cells": (lambda: book(pieces=["<row>", *_times('<c s="1"/>', 2_100_000), "</row>"]), "2,000,000 cells"),
    "cells of another prefix": (
        lambda: book(pieces=["<row>", *_times("<x:c/>", 2_100_000), "</row>"]), "2,000,000 cells",
    ),
    "unknown elements": (lambda: book(pieces=_times("<x/>", 400_000)), "cannot be read"),
    "nested elements": (lambda: book(pieces=_times("<x>", 100_000)), "cannot be read"),
    "a long text": (lambda: book(pieces=["<row><c t='str'><v>", *_times("x" * 100, 100_000)]), "131,072 characters"),
    "a long tag": (lambda: book(pieces=["<row><c t='", *_times("x" * 100, 100_000)]), "cannot be read"),
    "many texts": (lambda: book(parts={"xl/t.xml": ["<sst>", *_times("<si><t>a</t></si>", 1_100_000)]}), "different values"),
    "many styles": (
        lambda: book(parts={"xl/styles.xml": ["<s><cellXfs>", *_times("<xf/>", 200_000)]}), "cannot be read",
    ),
    "a large sheet": (lambda: book(pieces=_times(" " * 1_000, 280_000)), "too large once unpacked"),
    "entities": (
        lambda: book(parts={"xl/styles.xml": ['<!DOCTYPE s [<!ENTITY a "b">]><s>&a;</s>']}), "cannot be read",
    ),
    "empty lines": (lambda: b"Name\n" + b"\n" * 200_000, "50,000 rows"),
    "a long line": (lambda: b"Name\n" + b"x" * 3_000_000, "Line 2 is too long"),
    "a million columns": (lambda: b"," * 500_000 + b"Name\nx\n", "more than 200 columns"),
    "a million cells in lines": (lambda: b"Name\n" + (b"," * 1_000 + b"x\n") * 12_000, "2,000,000 cells"),
    "an open quotation mark": (lambda: b'Name\n"' + b"Ann\n" * 300_000, "Line 2"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WIDE)
def test_what_is_too_much_is_refused_soon_and_without_filling_the_memory(kind: str) -> None:
    make, words = WIDE[kind]
    content = io.BytesIO(make())
    patience = yardstick()
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.thread_time()
    with pytest.raises(BadFile) as refused:
        for _row in files.read(content).rows:
            pass
    assert words in str(refused.value)
    assert time.thread_time() - began < AT_MOST * max(patience, yardstick())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


AT_MOST = 400
"""How many times as long as the yardstick a refusal may take: the dearest kind takes about a quarter of it."""


def test_a_file_of_the_largest_size_is_read_and_no_larger_one() -> None:
    class Sized(io.BytesIO):
        def tell(self) -> int:
            return budget.MOST_BYTES + 1

    with pytest.raises(BadFile, match="50 MB"):
        files.read(Sized(b"Name\nAnn\n"))
    assert len(read(b"Name\n" + b"Ann\n" * budget.MOST_ROWS)[1]) == budget.MOST_ROWS


def test_every_encoding_offered_is_one() -> None:
    assert {b"Ann".decode(name, "clientele.keep") for name in import_text.ENCODINGS} == {"Ann"}
