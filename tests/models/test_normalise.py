"""The keys of rule 7.2, by table and by property."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import normalise

TEXTS = st.text(max_size=60) | st.sampled_from(
    ["ﷺ" * 60, "ǰ̣", "ΐ", "İI", "ẞß", "ﬃ", "a\u00a0b", "が", "\u0345α"]
)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (None, ""),
        ("", ""),
        ("  Karim \t", "karim"),
        ("O’Brien", "o'brien"),
        ("van  der\u00a0Berg", "van der berg"),
        ("MÜLLER", "muller"),
        ("Mu\u0308ller", "muller"),
        ("Mueller", "mueller"),
        ("Groß", "gross"),
        ("Sørensen", "sorensen"),
        ("Łukasz", "lukasz"),
        ("Đorđević", "dordevic"),
        ("Çelık", "celik"),
        ("ＫＡＲＩＭ", "karim"),
        ("Παπαδόπουλος", "παπαδοπουλοσ"),
        ("Ёлкина", "елкина"),
        ("がく", "がく"),
        ("かく", "かく"),
        ("שָׁלוֹם", unicodedata.normalize("NFKC", "שָׁלוֹם")),
    ],
)
def test_surname(given: str | None, key: str):
    assert normalise.surname(given) == key


@pytest.mark.parametrize(
    "spellings",
    [
        ("O'Brien", "O’Brien", "O‘Brien", "OʼBrien", "O´Brien", "O`Brien", "O′Brien", "O＇Brien"),
        (
            "Smith-Jones",
            "Smith‐Jones",
            "Smith‑Jones",
            "Smith–Jones",
            "Smith—Jones",
            "Smith−Jones",
            "Smith﹣Jones",
        ),
        ("Smith & Sons", "Smith and Sons", "Smith&Sons", "SMITH AND SONS", "Smith ＆ Sons"),
        (
            "Karim",
            "\ufeffKarim",
            "Ka\u00adrim",
            "Ka\u200brim",
            "\u200eKarim\u200f",
            "\u202aKarim\u202c",
            "Ka\u200crim",
        ),
    ],
)
def test_one_person_has_one_spelling(spellings: tuple[str, ...]):
    assert len({normalise.folded(spelling) for spelling in spellings}) == 1


def test_joiners_and_flags_stay_with_what_they_belong_to_and_an_accent_becomes_one_with_its_letter():
    for whole in ("می\u200cخواهم", "🏴\U000e0067\U000e0062\U000e007f", "❤\ufe0f", " \n"):
        assert normalise.seen(whole) == whole
    assert normalise.seen("Mu\u0308ller \u1112\u1161\u11ab ka\u3099") == "Müller 한 ka\u3099"
    assert normalise.seen("か\u3099") == "が"
    assert normalise.seen(" \u200d\ufe0f ") == "  "


def test_what_an_address_or_a_code_consists_of_is_not_read_as_a_name():
    assert normalise.email("M&S.O’Neil@example.com") == "m&s.o’neil@example.com"
    assert normalise.compact("A&B 1–2") == "a&b1-2"


@given(
    TEXTS | st.text(st.characters(codec="ascii")),
    st.integers(0, 60),
    st.sampled_from("\u00ad\u200b\u200e\u200f\u202a\u202c\u2060\u2066\u2069\ufeff"),
)
def test_what_nobody_sees_makes_no_difference(value: str, where: int, unseen: str):
    spoilt = value[:where] + unseen + value[where:]
    assert normalise.folded(spoilt) == normalise.folded(value)
    assert normalise.email(spoilt) == normalise.email(value)
    assert normalise.postcode(spoilt) == normalise.postcode(value)
    assert normalise.seen(spoilt) == normalise.seen(value)
    assert normalise.trimmed(f"{unseen} {spoilt}\n{unseen}") == normalise.trimmed(value)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (" Rashid.Karim+wine@Example.COM ", "rashid.karim+wine@example.com"),
        ("rashidkarim@example.com", "rashidkarim@example.com"),
        ("JOSÉ@example.com", "josé@example.com"),
        (None, ""),
    ],
)
def test_email_keeps_dots_plus_and_accents(given: str | None, key: str):
    assert normalise.email(given) == key


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("LS2 9JT", "ls29jt"),
        (" ls 2 9 j t", "ls29jt"),
        ("ＬＳ２\u00a09JT", "ls29jt"),
        ("100‑0001", "1000001"),
        ("D–10115", "10115"),
        ("LV-1010", "1010"),
        (None, ""),
    ],
)
def test_postcode(given: str | None, key: str):
    assert normalise.postcode(given) == key


@pytest.mark.parametrize(
    ("given", "country", "key"),
    [
        ("0113 496 0123", "GB", "441134960123"),
        ("(0113) 496-0123", "GB", "441134960123"),
        ("+44 (0)113 496 0123", "GB", "441134960123"),
        ("0044 113 496 0123", "GB", "441134960123"),
        ("+33 1 42 68 53 00", "GB", "33142685300"),
        ("01 42 68 53 00", "FR", "33142685300"),
        ("+39 06 698 12345", "GB", "390669812345"),
        ("(202) 555-0143", "US", "12025550143"),
        ("0113 496 0123 ext 4", "GB", "441134960123"),
        ("12", "ZZ", "12"),
        ("none", "GB", ""),
        (None, "GB", ""),
    ],
)
def test_phone(given: str | None, country: str, key: str):
    assert normalise.phone(given, country) == key


@pytest.mark.parametrize(
    "function", [normalise.text, normalise.folded, normalise.surname, normalise.email, normalise.compact]
)
@given(value=TEXTS)
def test_keys_are_stable_short_and_trimmed(function, value: str):
    key = function(value)
    assert function(key) == key
    assert len(key) <= normalise.LONGEST_KEY
    assert key == key.strip()
    assert "  " not in key
    assert function(f"  {value}\t ") == key


@given(value=TEXTS, country=st.sampled_from(["GB", "FR", "US", "JP", "ZZ"]))
def test_a_phone_key_is_digits_or_empty(value: str, country: str):
    key = normalise.phone(value, country)
    assert key == "" or (key.isascii() and key.isdigit())
