"""Our own table says which currencies and countries there are, and how many decimals money has (rule 2.1)."""

import os
from decimal import Decimal
from pathlib import Path

import babel
import pytest
from babel import Locale, localedata
from babel.numbers import format_currency, get_currency_precision, get_territory_currencies

from models import countries, currencies, figures, places

pytestmark = pytest.mark.data_release


def test_the_newest_release_is_there_when_it_is_meant() -> None:
    lock = "newest" if os.environ.get("DATA_RELEASE") == "newest" else "run"
    locked = (Path(__file__).parents[2] / "locks" / f"{lock}.lock").read_text()
    assert f"\nbabel=={babel.__version__} " in locked


@pytest.mark.parametrize(
    ("code", "decimals"),
    [
        ("GBP", 2), ("HUF", 2), ("COP", 2), ("IDR", 2), ("RSD", 2), ("AFN", 2), ("LBP", 2), ("SOS", 2), ("JPY", 0),
        ("KRW", 0), ("CLP", 0), ("UGX", 0), ("VND", 0), ("IQD", 3), ("KWD", 3), ("TND", 3), ("BGN", 2), ("HRK", 2),
        ("XTS", 2),
    ],
)  # fmt: skip
def test_decimals_are_those_of_iso_4217_whatever_the_release_of_babel(code: str, decimals: int) -> None:
    assert currencies.places(code) == decimals


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("HUF", "HUF1,234.56"),
        ("IQD", "IQD123.456"),
        ("RSD", "RSD1,234.56"),
        ("JPY", "JP¥123,456"),
        ("GBP", "£1,234.56"),
    ],
)
def test_amounts_are_printed_with_these_decimals(code: str, shown: str) -> None:
    assert figures.money(123_456, code, "en_GB") == shown
    assert f"{figures.major(123_456, code):f}" == shown.lstrip("HUFIQDRSJP¥£").replace(",", "")


def test_patterns_and_signs_are_babels() -> None:
    """Where Babel has the same number of decimals, it writes an amount as we do."""
    for code in ("GBP", "JPY", "KWD", "SVC"):
        assert get_currency_precision(code) == currencies.places(code)
        amount = Decimal(123_456).scaleb(-currencies.places(code))
        for locale in localedata.locale_identifiers()[::9]:
            assert figures.money(123_456, code, locale) == format_currency(amount, code, locale=locale)


def test_no_currency_in_use_is_unknown() -> None:
    in_use = {code for country in countries.CODES for code in get_territory_currencies(country)}
    assert in_use <= currencies.KNOWN
    assert currencies.ACTIVE.isdisjoint(currencies.WITHDRAWN)
    assert all(codes <= currencies.KNOWN for codes in currencies.unusual().values())


def test_no_country_is_unknown_to_babel() -> None:
    assert {str(code) for code in Locale("en").territories} >= countries.CODES


def test_currencies_withdrawn_lately_are_known_and_offered_last() -> None:
    assert places.currency("currency", "bgn") == "BGN"
    offered = [code for code, _name in places.currency_choices("en_GB")]
    assert offered == [*sorted(currencies.ACTIVE), *sorted(currencies.WITHDRAWN)]
    assert dict(places.currency_choices("en_GB"))["BGN"].endswith("(–2025)")


def test_countries_and_languages_offered_are_our_own_lists() -> None:
    assert {code for code, _name in places.country_choices("en_GB")} == countries.CODES
    assert len(countries.CODES) == 250
    for code in places.LANGUAGE_CODES:
        assert places.language("language", code.lower()) == code
