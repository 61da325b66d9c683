"""Whatever the product prints can be typed, and means the same; what is ambiguous is refused (rule 2.3)."""

from decimal import Decimal

import pytest
from babel import localedata
from babel.numbers import format_decimal, get_group_symbol
from hypothesis import given
from hypothesis import strategies as st

from admin.screens.settings import LOCALES
from models import amounts, currencies, figures
from models.amounts import Unreadable

pytestmark = pytest.mark.data_release

EVERYWHERE = st.sampled_from(sorted(localedata.locale_identifiers())).filter(
    lambda name: get_group_symbol(name) != "'"
)
"""Babel 2.19 takes two such apostrophes in a figure for quotes, and prints a Swiss million as 1000000."""
locales = st.sampled_from(LOCALES) | EVERYWHERE
codes = st.sampled_from(sorted(currencies.KNOWN))


@given(st.data(), codes, locales)
def test_what_is_printed_can_be_typed_and_is_the_same_amount(
    data: st.DataObject, code: str, locale: str
) -> None:
    most = 10 ** (9 + currencies.places(code)) - 1
    minor = data.draw(st.integers(-most, most))
    assert amounts.amount(figures.money(minor, code, locale), code, locale, signed=True) == minor
    assert amounts.amount(amounts.typed(minor, code, locale), code, locale, signed=True) == minor
    named = amounts.amount_of_any(f"{abs(minor)} {code}", locale) if currencies.places(code) == 0 else None
    assert named in (None, (Decimal(abs(minor)), code))


@given(st.integers(-(10**15) + 1, 10**15 - 1), locales)
def test_whole_numbers_likewise(number: int, locale: str) -> None:
    assert amounts.whole(str(format_decimal(number, locale=locale)), locale) == number
    assert amounts.whole(str(number), locale) == number


@pytest.mark.parametrize(
    ("text", "currency", "locale", "minor"),
    [
        ("1,030.46", "GBP", "en_GB", 103046), ("£1,000.50", "GBP", "en_GB", 100050), ("1.250 KWD", "KWD", "en_GB", 1250),
        ("KWD1,250.000", "KWD", "en_GB", 1250000), ("1.234,56", "EUR", "de_DE", 123456), ("1.200", "EUR", "de_DE", 120000),
        ("30,00 €", "EUR", "de_DE", 3000), ("1\u202f234,56\u00a0€", "EUR", "fr_FR", 123456),
        ("1 234,56", "EUR", "fr_FR", 123456), ("1\u00a0234,56 zł", "PLN", "pl_PL", 123456), ("12,50", "EUR", "de_DE", 1250),
        ("1'200.50", "CHF", "de_CH", 120050), ("12,34,567.89", "INR", "en_IN", 123456789), ("gbp 7", "GBP", "en_GB", 700),
        ("US$5", "USD", "en_GB", 500), ("$5", "USD", "en_GB", 500), ("1,200", "JPY", "en_GB", 1200), ("007", "GBP", "en_GB", 700),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(text: str, currency: str, locale: str, minor: int) -> None:
    assert amounts.amount(text, currency, locale) == minor


@pytest.mark.parametrize(
    ("text", "currency", "locale", "guess"),
    [
        ("30.00", "EUR", "de_DE", "30,00"), ("0.500", "KWD", "de_DE", "0,500"), ("12,50", "GBP", "en_GB", "12.50"),
        ("1.234,56", "GBP", "en_GB", "1,234.56"), ("1,2", "GBP", "en_GB", "1.20"), ("1 200.50", "GBP", "en_GB", "1,200.50"),
        ("1.200", "GBP", "en_GB", "1,200.00"), ("1,200", "EUR", "de_DE", "1.200,00"), ("1,03", "GBP", "en_GB", "1.03"),
        ("1.200", "KWD", "fr_FR", "1,200 / 1\u202f200,000"),
    ],
)  # fmt: skip
def test_what_reads_in_another_convention_only_is_refused_with_what_was_probably_meant(
    text: str, currency: str, locale: str, guess: str
) -> None:
    with pytest.raises(Unreadable) as told:
        amounts.amount(text, currency, locale)
    assert told.value.guess == guess
    assert str(told.value).endswith(f"Did you mean {guess}?")


@pytest.mark.parametrize(
    "text",
    [
        "", "NaN", "Infinity", "-Infinity", "1e5", "1_000", "１２", "٣", "12.505", "1,2345", ",5", ".5", "5.", "1,,000",
        "1,000,00", "--5", "£", "£ £5", "£5£", "12 50", "1234567890", "0x10", "5p", "five", "+", "1.0.0", "²",
    ],
)  # fmt: skip
@pytest.mark.parametrize("locale", ["en_GB", "de_DE", "fr_FR"])
def test_what_is_no_amount_anywhere(text: str, locale: str) -> None:
    if text == "12.505" and locale == "de_DE":
        return  # twelve thousand
    with pytest.raises(Unreadable):
        amounts.amount(text, "GBP", locale)
    with pytest.raises(Unreadable):
        amounts.whole(text if text != "1234567890" else "1" * 16, locale)


def test_another_currency_and_a_sign_that_is_not_meant_are_named() -> None:
    with pytest.raises(Unreadable, match="Enter the amount in GBP, not in EUR"):
        amounts.amount("€5", "GBP", "en_GB")
    for text in ("-5", "−£5", "£-5", "+5"):
        with pytest.raises(Unreadable, match="without a plus or minus sign"):
            amounts.amount(text, "GBP", "en_GB")
    assert amounts.amount("+£5", "GBP", "en_GB", signed=True) == 500
    assert amounts.amount("−£5.10", "GBP", "en_GB", signed=True) == -510
    with pytest.raises(Unreadable, match="JPY has fewer decimals than this"):
        amounts.amount("12.50", "JPY", "en_GB")


def test_an_amount_of_any_currency_may_say_which() -> None:
    assert amounts.amount_of_any("£1,000.50", "en_GB") == (Decimal("1000.50"), "GBP")
    assert amounts.amount_of_any("1.250 KWD", "en_GB") == (Decimal("1.250"), "KWD")
    assert amounts.amount_of_any("-1,000.5", "en_GB") == (Decimal("-1000.5"), None)
    with pytest.raises(Unreadable, match="more decimals"):
        amounts.amount_of_any("£1.125", "en_GB")


def test_percentages_are_read_as_they_are_printed() -> None:
    kind = amounts.Figure(2, example="7.5")
    assert amounts.percentage("7,5 %", "de_DE", kind) == Decimal("7.5")
    assert amounts.percentage("7.5%", "en_GB", kind) == Decimal("7.5")
    with pytest.raises(Unreadable, match=r"such as 7,5\. Did you mean 7,50"):
        amounts.percentage("7.5", "de_DE", kind)
