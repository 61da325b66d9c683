"""The keys of RULES 7.2, by table and by property."""

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
        ("O’Brien", "o’brien"),
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
    [("LS2 9JT", "ls29jt"), (" ls 2 9 j t", "ls29jt"), ("ＬＳ２\u00a09JT", "ls29jt"), (None, "")],
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
