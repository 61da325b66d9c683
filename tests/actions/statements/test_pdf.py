"""The PDF of a statement: what it says, in whose letters, on how many pages."""

import datetime as dt
import hashlib
import json
from io import BytesIO
from typing import Any

import pytest
from babel import Locale
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from actions.core.base import Refused
from actions.core.mail_templates import one_line
from actions.ledgers.ageing import Ageing
from actions.statements import glyphs
from actions.statements.glyphs import FONTS
from actions.statements.pdf import Printed, refuse_unprintable, render
from actions.statements.statements import Addressee, Line, Part, Statement
from actions.statements.wording import PRINTED, words_for
from models.account import AccountKind
from models.shop import Shop
from tests.actions.statement_desk import text_of

SHOP = Shop(name="Vine & Barrel", email="hello@shop.example")
DAY = dt.date(2026, 10, 1)
NAMES = ("Łukasz Żółć", "Ωμέγα", "Дмитрий", "Ünal Ağaoğlu", "Nguyễn Thị", "O’Brien", "Արամ Խաչատրյան", "ნინო")

texts = st.one_of(
    st.text(max_size=30),
    st.text(st.sampled_from(sorted(glyphs.drawn())), max_size=60),
    st.text(st.characters(max_codepoint=0x24F), max_size=40),
)


def line(number: int = 1, note: str = "", amount: int = 1_250, balance: int = 13_750) -> Line:
    kind = AccountKind.INVOICE if amount > 0 else AccountKind.PAYMENT
    return Line(DAY, kind, None, f"INV-{number:06d}", note, amount, balance)


def made(
    *lines: Line, address: tuple[str, ...] = ("Ann Lee",), language: str | None = None, **values: Any
) -> bytes:
    return render(printed(*lines, address=address, language=language, **values))


def printed(
    *lines: Line,
    address: tuple[str, ...] = ("Ann Lee",),
    language: str | None = None,
    shop: Shop = SHOP,
    **values: Any,
) -> Printed:
    parts = (Part("GBP", 12_500, lines),)
    owed = Ageing(current=1, days_30=20_000, older=5_000)
    found = Statement(17, DAY, DAY + dt.timedelta(days=30), **{"parts": parts, "owed": owed, **values})
    at = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
    return Printed(
        found, shop, Addressee(address[:1], address[1:]), "KAR-0042", words_for(language, shop), at
    )


def visible(text: str) -> str:
    """A text as it is printed, without blanks: where lines end says nothing."""
    return "".join(one_line(glyphs.shown(text)).split())


def placed(content: bytes) -> list[tuple[float, str]]:
    """(where it begins from the left, text) of each text of the first page."""
    found: list[tuple[float, str]] = []

    def visit(text: str, _cm: Any, matrix: Any, *_font: Any) -> None:
        if text.strip():
            found.append((matrix[4], text.strip()))

    PdfReader(BytesIO(content)).pages[0].extract_text(visitor_text=visit)
    return found


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
    assert reader.metadata.title == "Kontoauszug · 1. Okt. 2026 bis 31. Okt. 2026"
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
    [
        "",
        "\x00\x1b[31m",
        "a\r\nb",
        "{nb}",
        "{number  of pages}",
        "**b** __u__",
        "%s %(x)s",
        "(\\)",
        "a\ufe0f",
    ],
)
def test_nothing_that_anybody_typed_breaks_it(nasty: str) -> None:
    content = made(line(1, nasty), address=(nasty, "Ann Lee"))
    text = text_of(content)
    assert "Ann Lee" in text
    assert nasty != "{nb}" or nasty in text


@given(texts, texts, texts)
@settings(max_examples=30)
@example("e\u0301", "{number  of pages}", "{number\u200b of pages}")
def test_every_letter_is_on_the_paper_or_it_is_refused(name: str, address: str, note: str) -> None:
    wanted = Shop(name=f"{name[::-1]} & Co", email="hello@shop.example")
    sheet = printed(line(1, note), address=(name, address), shop=wanted)
    try:
        text = text_of(render(sheet))
    except Refused:
        assert any(map(glyphs.lacking, (name, address, note, wanted.name)))
        return
    for typed in (name, address, note, wanted.name):
        assert visible(typed) in visible(text)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"address": ("山田 太郎", "1 High Street")}, "山田太郎 in the customer's name"),
        ({"address": ("Ann Lee", "東京")}, "some letters in the address"),
        (
            {"shop": Shop(name="Λ 🍷", email="葡@shop.example")},
            "🍷 in the shop's name; 葡 in the shop's email",
        ),
        ({"address": ("שלום",)}, "שלום in the customer's name"),
        ({"address": ("سلام",)}, "سلام in the customer's name"),
        ({"address": ("สมชาย",)}, "สมชาย in the customer's name"),
        ({"address": ("x\u0302y ẹ́",)}, "x̂ẹ́ in the customer's name"),
        ({"address": ("विनोद",)}, "विनोद in the customer's name"),
        ({"address": ("\uffff",)}, "\uffff in the customer's name"),
    ],
)
def test_what_our_fonts_lack_is_named_with_its_place(values: dict[str, Any], what: str) -> None:
    sheet = printed(line(), **values)
    for ask in (refuse_unprintable, render):
        with pytest.raises(Refused) as caught:
            ask(sheet)
        assert caught.value.code == "unprintable"
        assert what in str(caught.value) or ask is render
    with pytest.raises(Refused, match="山 in the references"):
        render(printed(line(1, "山")))


def test_many_letters_are_not_all_named_and_those_of_the_address_only_to_who_reads_them() -> None:
    many = "".join(chr(0x4E00 + n) for n in range(30))
    with pytest.raises(Refused, match=f"lack {many[:20]}… in the address"):
        refuse_unprintable(printed(address=("Ann Lee", many)), address_told=True)


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_our_own_words_days_and_amounts_are_in_the_fonts(language: str) -> None:
    spoken = words_for(language, SHOP)
    texts = [spoken.say(sentence) for sentence in PRINTED]
    texts += [spoken.day(dt.date(2026, month, 1)) for month in range(1, 13)]
    signs = {currency: spoken.money(-123_456, currency) for currency in Locale("en").currencies}
    assert glyphs.lacking("".join(texts)) == ""
    assert {currency for currency, text in signs.items() if glyphs.lacking(text)} <= {"THB"}


def test_a_currency_whose_sign_no_font_has_is_written_by_its_code() -> None:
    text = text_of(made(line(), language="de", parts=(Part("THB", 500, (line(),)),), owed=Ageing()))
    assert "12,50 THB" in text.replace("\xa0", " ")


def test_long_names_run_on_below_themselves_and_never_off_the_paper() -> None:
    long, wide = "W" * 120, "Wine " * 30
    content = made(address=(long, wide), shop=Shop(name=long, email="hello@shop.example"))
    lines = [text for _x, text in placed(content) if text[0] == "W"]
    assert "".join(lines).count("W") > 2 * 120 + 30
    assert max(text.count("W") for text in lines) <= 53, "any more are wider than the paper"
    assert min(x for x, _text in placed(content)) > 50


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
