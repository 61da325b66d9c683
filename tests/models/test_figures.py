"""Days as people of a language write them."""

import datetime as dt

import pytest
from babel import localedata

from models import figures

DAY = dt.date(2026, 10, 1)


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en_GB", "1 Oct 2026"),
        ("en_US", "Oct 1, 2026"),
        ("de_DE", "1. Okt. 2026"),
        ("fr_FR", "1 oct. 2026"),
        ("hu_HU", "2026. okt. 1."),
        ("ja_JP", "2026年10月1日"),
        ("sv_SE", "1 okt. 2026"),
    ],
)
def test_a_day_is_in_the_order_and_with_the_stops_of_the_language(locale: str, words: str) -> None:
    assert figures.day(DAY, locale) == words


def test_every_language_has_a_way_to_write_one() -> None:
    for locale in localedata.locale_identifiers():
        assert figures.day(DAY, locale)
