"""The PDF of a statement: what it says, in whose letters, on how many pages."""

import datetime as dt
import hashlib
import json
from io import BytesIO

import pytest
from pypdf import PdfReader

from actions.ageing import Ageing
from actions.statement_pdf import FONTS, Printed, render
from actions.statement_words import words_for
from actions.statements import Line, Part, Statement
from models.account import AccountKind
from models.shop import Shop
from tests.actions.statements import text_of

SHOP = Shop(name="Vine & Barrel", email="hello@shop.example")
DAY = dt.date(2026, 10, 1)
NAMES = ("Łukasz Żółć", "Ωμέγα", "Дмитрий", "Ünal Ağaoğlu", "Nguyễn Thị", "O’Brien")


def line(number: int = 1, note: str = "", amount: int = 1_250, balance: int = 13_750) -> Line:
    kind = AccountKind.INVOICE if amount > 0 else AccountKind.PAYMENT
    return Line(DAY, kind, None, f"INV-{number:06d}", note, amount, balance)


def made(
    *lines: Line, address: tuple[str, ...] = ("Ann Lee",), language: str | None = None, **values: object
) -> bytes:
    parts = (Part("GBP", 12_500, lines),)
    owed = Ageing(current=1, days_30=20_000, older=5_000)
    found = Statement(17, DAY, DAY + dt.timedelta(days=30), **{"parts": parts, "owed": owed, **values})
    at = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
    return render(Printed(found, SHOP, address, "KAR-0042", words_for(language, SHOP), at))


def test_it_says_what_the_statement_says() -> None:
    text = text_of(made(line(), line(2, "BACS 7", -2_000, -6_250)))
    for words in (
        "Vine & Barrel", "hello@shop.example", "Ann Lee", "Account statement", "1 Oct 2026 to 31 Oct 2026",
        "Customer #17", "Account code KAR-0042", "Opening balance owes £125.00", "INV-000001 £12.50 owes £137.50",
        "Payment INV-000002 · BACS 7", "in credit £62.50", "Closing balance", "Over 90 days", "£200.00", "Page 1 of 1",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize("name", NAMES)
def test_names_of_half_the_world_are_printed_and_can_be_copied(name: str) -> None:
    assert name in text_of(made(address=(name,)))


def test_it_says_what_it_is_in_which_language_on_a4() -> None:
    reader = PdfReader(BytesIO(made(language="de")))
    assert reader.metadata.title == "Kontoauszug · 1 Okt. 2026 bis 31 Okt. 2026"
    assert reader.metadata.author == "Vine & Barrel"
    assert reader.metadata.creation_date == dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
    assert reader.trailer["/Root"]["/Lang"] == "de"
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]
    assert "In dieser Zeit gibt es keine Buchungen." in reader.pages[0].extract_text()


def test_each_page_has_its_number_and_the_headings_of_the_table() -> None:
    reader = PdfReader(BytesIO(made(*(line(n) for n in range(120)))))
    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) > 2
    for number, text in enumerate(texts, 1):
        assert f"Page {number} of {len(texts)}" in text
        assert "Date Entry Reference Debit Credit Balance" in " ".join(text.split()), number
    whole = "".join(texts)
    assert [whole.count(f"INV-{n:06d}") for n in range(120)] == [1] * 120, (
        "no entry is lost where a page ends"
    )


def test_a_long_reference_runs_on_below_itself_and_breaks_nothing() -> None:
    words, solid = "second half of what was agreed in the shop on Friday, and more", "X" * 80
    text = text_of(made(line(1, words), line(2, solid)))
    assert words.split() == [word for word in text.split() if word in words.split()][: len(words.split())]
    assert text.count("X") == 80


@pytest.mark.parametrize(
    "nasty",
    ["", "\x00\x1b[31m", "a\r\nb", "\ud7ff\uffff", "{nb}", "**b** __u__", "%s %(x)s", "(\\)", "名前 عربي"],
)
def test_nothing_that_anybody_typed_breaks_it(nasty: str) -> None:
    content = made(line(1, nasty), address=(nasty, "Ann Lee"))
    text = text_of(content)
    assert "Ann Lee" in text
    assert nasty != "{nb}" or nasty in text


def test_an_earlier_currency_has_a_table_of_its_own_and_nothing_owed_no_ageing() -> None:
    text = text_of(made(parts=(Part("GBP", 0, ()), Part("EUR", 500, (line(),))), owed=Ageing()))
    assert "Entries in EUR" in text
    assert "€12.50" in text
    assert "nothing owed" in text
    assert "Over 90 days" not in text


def test_the_fonts_are_what_their_list_says() -> None:
    listed = json.loads((FONTS / "VENDORED.json").read_text())
    for entry in listed:
        assert hashlib.sha256((FONTS / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
        assert (FONTS / entry["licence_file"]).stat().st_size > 500
    known = {name for entry in listed for name in (entry["file"], entry["licence_file"])}
    assert {path.name for path in FONTS.iterdir()} == known | {"VENDORED.json"}
