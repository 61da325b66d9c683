"""What differs by country: currencies, languages, postcodes, phones, VAT and company numbers."""

from __future__ import annotations

import re
import zoneinfo
from functools import cache
from typing import Any

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.numbers import get_territory_currencies
from stdnum.util import get_cc_module

from models.base import N_, Invalid
from models.personal import Info
from models.validate import say

Choices = tuple[tuple[str, str], ...]
"""(stored value, name on screen) in the order to show."""

LANGUAGE_CODES = [
    "ar",
    "bg",
    "bn",
    "ca",
    "cs",
    "cy",
    "da",
    "de",
    "el",
    "en",
    "en-GB",
    "en-US",
    "es",
    "et",
    "eu",
    "fi",
    "fr",
    "ga",
    "gd",
    "gu",
    "he",
    "hi",
    "hr",
    "hu",
    "is",
    "it",
    "ja",
    "ko",
    "lt",
    "lv",
    "mt",
    "nb",
    "nl",
    "pa",
    "pl",
    "pt",
    "pt-BR",
    "ro",
    "ru",
    "sk",
    "sl",
    "sq",
    "sr",
    "sv",
    "ta",
    "th",
    "tr",
    "uk",
    "ur",
    "vi",
    "zh-Hans",
    "zh-Hant",
]

_NOT_COUNTRIES = frozenset(
    ["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"]
)
_ALIASES = {"UK": "GB", "EL": "GR"}

# What a postcode looks like in capitals with single spaces, and one to show. Other countries take anything.
_POSTCODES: dict[str, tuple[str, str]] = {
    "AT": (r"\d{4}", "1010"),
    "AU": (r"\d{4}", "3000"),
    "BE": (r"\d{4}", "1000"),
    "BR": (r"\d{5}-?\d{3}", "01310-100"),
    "CA": (r"[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d", "K1A 0B1"),
    "CH": (r"\d{4}", "8001"),
    "CZ": (r"\d{3} ?\d{2}", "110 00"),
    "DE": (r"\d{5}", "10115"),
    "DK": (r"\d{4}", "1050"),
    "ES": (r"\d{5}", "28001"),
    "FI": (r"\d{5}", "00100"),
    "FR": (r"\d{5}", "75008"),
    "GB": (
        r"(GIR ?0AA|"
        r"[A-PR-UWYZ](\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-Z]|[A-HK-Y]\d[A-Z]) ?\d[ABD-HJLNP-UW-Z]{2}|"
        r"BFPO ?[0-9]{1,4})",
        "LS2 9JT",
    ),
    "GG": (r"GY\d{1,2} ?\d[A-Z]{2}", "GY1 1AA"),
    "IE": (r"([AC-FHKNPRTV-Y]\d{2}|D6W) ?[0-9AC-FHKNPRTV-Y]{4}", "D02 X285"),
    "IM": (r"IM\d{1,2} ?\d[A-Z]{2}", "IM1 1AA"),
    "IN": (r"[1-9]\d{2} ?\d{3}", "110001"),
    "IT": (r"\d{5}", "00184"),
    "JE": (r"JE\d{1,2} ?\d[A-Z]{2}", "JE2 3AB"),
    "JP": (r"\d{3}-?\d{4}", "100-0001"),
    "LU": (r"(L-)?\d{4}", "1111"),
    "NL": (r"[1-9]\d{3} ?[A-Z]{2}", "1012 AB"),
    "NO": (r"\d{4}", "0150"),
    "NZ": (r"\d{4}", "6011"),
    "PL": (r"\d{2}-?\d{3}", "00-001"),
    "PT": (r"\d{4}(-\d{3})?", "1000-001"),
    "SE": (r"\d{3} ?\d{2}", "111 20"),
    "US": (r"\d{5}(-\d{4})?", "20500"),
    "ZA": (r"\d{4}", "8001"),
}
# Countries that write their postcodes in two parts: the length of the second.
_SECOND_PART = {"GB": 3, "GG": 3, "IM": 3, "JE": 3, "CA": 3, "IE": 4, "NL": 2, "SE": 2, "CZ": 2}

# Company registers whose numbers carry a check digit, by python-stdnum's module; others take anything.
_REGISTERS = {
    "AU": "acn", "BE": "vat", "CH": "uid", "DK": "cvr", "EE": "registrikood", "FI": "ytunnus", "FR": "siren",
    "IT": "iva", "NO": "orgnr", "PT": "nif", "SE": "orgnr",
}  # fmt: skip
_GB_COMPANY = re.compile(
    r"\d{8}|(AC|CE|CS|FC|FE|GE|GN|GS|IC|IP|LP|NA|NC|NF|NI|NL|NO|NP|NR|NV|NZ|OC|OE|PC|R0|RC|RS|SA|SC|SE|"
    r"SF|SG|SI|SL|SO|SP|SR|SZ|ZC)[0-9R]\d{4}[0-9R]"
)

# Kept free by the British regulator for films, manuals and demonstrations; phonenumbers calls them invalid.
_EXAMPLE_PHONES = re.compile(r"44(7700900|1632960)\d{3}")


# --------------------------------------------------------------------------------------------- Babel's lists
@cache
def countries() -> frozenset[str]:
    """Return the ISO codes of all countries, as Babel knows them."""
    return (
        frozenset(c for c in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", c))
        - _NOT_COUNTRIES
    )


@cache
def currencies() -> frozenset[str]:
    """Return the ISO codes of the currencies in use somewhere."""
    return frozenset(str(code) for country in countries() for code in get_territory_currencies(country))


@cache
def country_choices(locale: str) -> Choices:
    """Return every country by its name in the language of ``locale`` (such as en_GB)."""
    names = Locale.parse(locale).territories
    return tuple(sorted(((c, str(names.get(c, c))) for c in countries()), key=lambda item: item[1]))


@cache
def currency_choices(locale: str) -> Choices:
    """Return every currency as (GBP, GBP – British Pound)."""
    names = Locale.parse(locale).currencies
    return tuple((c, f"{c} – {names.get(c, c)}") for c in sorted(currencies()))


@cache
def language_choices(locale: str) -> Choices:
    """Return the languages offered, by their names in the language of ``locale``."""
    shown = Locale.parse(locale)
    names = ((c, Locale.parse(c, sep="-").get_display_name(shown) or c) for c in LANGUAGE_CODES)
    return tuple(sorted(names, key=lambda item: item[1]))


# --------------------------------------------------------------------------------------- checks of one field
def country(field: str, value: Any) -> str:
    """Check an ISO country code; UK is taken for GB."""
    found = str(value or "").upper()
    found = _ALIASES.get(found, found)
    if found not in countries():
        raise Invalid({field: N_("Choose a country of the list.")})
    return found


def currency(field: str, value: Any) -> str:
    """Check the ISO code of a currency in use."""
    found = str(value or "").upper()
    if found not in currencies():
        raise Invalid({field: N_("Choose a currency of the list, such as GBP.")})
    return found


def language(field: str, value: str | None) -> str | None:
    """Check a BCP 47 tag that Babel knows, and write it the usual way (en-GB)."""
    if value is None:
        return None
    try:
        return str(Locale.parse(value.replace("_", "-"), sep="-")).replace("_", "-")
    except (ValueError, UnknownLocaleError):
        raise Invalid({field: N_("Choose a language of the list.")}) from None


def locale(field: str, value: Any) -> str:
    """Check a locale that Babel knows, such as en_GB."""
    try:
        return str(Locale.parse(value))
    except (ValueError, TypeError, UnknownLocaleError):
        raise Invalid({field: N_("Choose a language and region of the list.")}) from None


def time_zone(field: str, value: Any) -> str:
    """Check the name of an IANA time zone."""
    if not isinstance(value, str) or value not in zoneinfo.available_timezones():
        raise Invalid({field: N_("Choose a time zone of the list, such as Europe/London.")})
    return value


def _plain(value: str) -> str:
    return re.sub(r"[\s.\-/]", "", value).upper()


def vat_number(field: str, value: str | None) -> str | None:
    """Check a VAT number by its country letters, and return it in capitals without spaces."""
    if value is None:
        return None
    number = _plain(value)
    module = _vat_module(number[:2])
    if module is not None and not (module.is_valid(number) or module.is_valid(number[2:])):
        raise Invalid({field: N_("Check the VAT number: its digits do not fit together.")})
    if not re.fullmatch(r"[0-9A-Z+*]{4,20}", number):
        raise Invalid({field: _VAT_EXAMPLE})
    return number


_VAT_EXAMPLE = N_("Enter a VAT number with its country letters, such as GB980780684.")


def _vat_module(letters: str) -> Any:
    known = {"EL": "GR", "XI": "GB", "CHE": "CH"}.get(letters, letters)
    return get_cc_module(known.lower(), "vat") if known in countries() else None


def vat_number_problem(field: str, value: str | None, country: str | None) -> dict[str, str]:
    """Check a VAT number without country letters by ``country``, None where no address says which."""
    if not value or value[:2] in countries() | {"EL", "XI"}:
        return {}
    if country is None:
        return {field: _VAT_EXAMPLE}
    module = get_cc_module(country.lower(), "vat")
    return {} if module is None or module.is_valid(value) else {field: _VAT_EXAMPLE}


def company_number(field: str, value: str | None) -> str | None:
    """Check the characters of a company number, and return it in capitals."""
    if value is None:
        return None
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z ./\-]{1,29}", value):
        raise Invalid({field: N_("Use letters, digits, spaces and . / - only.")})
    return value.upper()


def company_number_problem(field: str, value: str | None, country: str | None) -> dict[str, str]:
    """Check a company number by the register of ``country``; unknown registers take any."""
    if not value or country is None:
        return {}
    if country == "GB":
        fits = _GB_COMPANY.fullmatch(_plain(value))
        return (
            {}
            if fits
            else {field: N_("Enter a company number of eight characters, such as 01234567 or SC123456.")}
        )
    module = get_cc_module(country.lower(), _REGISTERS[country]) if country in _REGISTERS else None
    if module is None or module.is_valid(value):
        return {}
    return {field: N_("Check the company number: its digits do not fit together.")}


# ------------------------------------------------------------------------------ checks that need the country
def phone_shape(field: str, value: str | None) -> str:
    """Check the characters of a phone number; whether it can be dialled depends on the country."""
    if value is None or not re.fullmatch(r"\+?[0-9()][0-9()\s./\-]{2,38}", value):
        raise Invalid(
            {
                field: N_(
                    "Enter a phone number such as 0113 496 0123, using only digits, spaces and + ( ) . / -"
                )
            }
        )
    return value


def phone_problem(field: str, value: str | None, country: str) -> dict[str, str]:
    """Check that a number exists in the numbering plan of ``country``, or of its own +code."""
    try:
        parsed = phonenumbers.parse(value or "", country)
    except phonenumbers.NumberParseException:
        parsed = phonenumbers.PhoneNumber()
    digits = f"{parsed.country_code}{parsed.national_number}"
    if phonenumbers.is_valid_number(parsed) or _EXAMPLE_PHONES.fullmatch(digits):
        return {}
    sample = phonenumbers.example_number(country)
    if sample is None:
        return {field: N_("Enter a phone number with + and the country code, such as +44 113 496 0123.")}
    shown = phonenumbers.format_number(sample, phonenumbers.PhoneNumberFormat.NATIONAL)
    return {
        field: say(
            N_("Enter a phone number such as %(example)s, or one with + and its country code."), example=shown
        )
    }


def tidy_postcode(value: str | None, country: str) -> str | None:
    """Return the postcode in capitals, with the space where its country writes one: ls29jt is LS2 9JT."""
    if value is None:
        return None
    tidy = " ".join(value.upper().split())
    second, joined = _SECOND_PART.get(country), tidy.replace(" ", "")
    if second and _fits(joined, country) and not joined.startswith("BFPO"):
        return f"{joined[:-second]} {joined[-second:]}"
    return tidy


def _fits(postcode: str, country: str) -> bool:
    return country not in _POSTCODES or re.fullmatch(_POSTCODES[country][0], postcode, re.ASCII) is not None


def postcode_problem(field: str, value: str | None, country: str) -> dict[str, str]:
    """Check the shape of a postcode; a country without a known shape takes any."""
    if not value or _fits(" ".join(value.upper().split()), country):
        return {}
    return {field: say(N_("Enter a postcode such as %(example)s."), example=_POSTCODES[country][1])}


COUNTRY: Info = {"check": country, "choices": country_choices}
CURRENCY: Info = {"check": currency, "choices": currency_choices}
LANGUAGE: Info = {"check": language, "choices": language_choices}
"""For a column's ``info``: how to check it, and ``choices(locale)`` for the form that offers it."""
