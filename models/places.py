"""What differs by country: currencies, languages, postcodes, phones, VAT and company numbers."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable
from functools import cache
from typing import Any

import phonenumbers
from babel import Locale, UnknownLocaleError
from stdnum.util import get_cc_module

from models import countries, currencies, normalise
from models.base import N_, Invalid
from models.personal import Info
from models.validate import say

Choices = tuple[tuple[str, str], ...]
"""(stored value, name on screen) in the order to show."""

LANGUAGE_CODES = [
    "ar", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en", "en-GB", "en-US", "es", "et", "eu", "fi",
    "fr", "ga", "gd", "gu", "he", "hi", "hr", "hu", "is", "it", "ja", "ko", "lt", "lv", "mt", "nb", "nl",
    "pa", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "ta", "th", "tr", "uk", "ur",
    "vi", "zh-Hans", "zh-Hant",
]  # fmt: skip
_OFFERED_LANGUAGES = {code.lower(): code for code in LANGUAGE_CODES}

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
    "LU": (r"\d{4}", "1111"),
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

# Where a postcode has a dash, and after how many characters; typed without it, it is the same.
_DASHED = {"BR": 5, "JP": 3, "PL": 2, "PT": 4, "US": 5}
# What stood before a postcode in letters from abroad, besides the ISO code.
_SIGNS = {
    "AT": "A", "BE": "B", "CA": "CDN", "DE": "D", "ES": "E", "FI": "FIN", "FR": "F", "GB": "UK", "IE": "IRL", "IT": "I",
    "JP": "〒", "LU": "L", "NO": "N", "PT": "P", "SE": "S", "US": "USA",
}  # fmt: skip

# Company registers whose numbers carry a check digit, by python-stdnum's modules; others take anything.
_REGISTERS: dict[str, tuple[str, ...]] = {
    "AU": ("acn", "abn"), "BE": ("vat",), "CH": ("uid", "vat"), "DK": ("cvr",), "EE": ("registrikood",),
    "FI": ("ytunnus",), "FR": ("siren", "siret"), "IT": ("iva",), "MX": ("rfc",), "NO": ("orgnr", "mva"),
    "PT": ("nif",), "SE": ("orgnr", "vat"),
}  # fmt: skip
# Tax numbers without country letters: those of a name, or of CHE, may look like another country's.
_OF_THEIR_OWN = (("mx", "rfc"), ("ch", "uid"), ("au", "abn"), ("fr", "siret"))
_GB_COMPANY = re.compile(
    r"\d{8}|(AC|CE|CS|FC|FE|GE|GN|GS|IC|IP|LP|NA|NC|NF|NI|NL|NO|NP|NR|NV|NZ|OC|OE|PC|R0|RC|RS|SA|SC|SE|"
    r"SF|SG|SI|SL|SO|SP|SR|SZ|ZC)[0-9R]\d{4}[0-9R]"
)

# Kept free by the British regulator for films, manuals and demonstrations; phonenumbers calls them invalid.
_EXAMPLE_PHONES = re.compile(r"44(7700900|1632960)\d{3}")


# ------------------------------------------------------------------------------------- our lists, Babel's names
@cache
def country_choices(locale: str) -> Choices:
    """Return every country by its name in the language of ``locale`` (such as en_GB)."""
    names = Locale.parse(locale).territories
    return _by_name((c, str(names.get(c, c))) for c in countries.CODES)


def _by_name(choices: Iterable[tuple[str, str]]) -> Choices:
    """Return choices in the order of a dictionary: Österreich stands with O."""
    return tuple(sorted(choices, key=lambda item: normalise.folded(item[1])))


@cache
def currency_choices(locale: str) -> Choices:
    """Return every currency as (GBP, GBP – British Pound); last come those that rows may still hold."""
    names = Locale.parse(locale).currencies
    active = [(c, f"{c} – {names.get(c, c)}") for c in sorted(currencies.ACTIVE)]
    withdrawn = [
        (c, f"{c} – {names.get(c, c)} (–{last})") for c, last in sorted(currencies.WITHDRAWN.items())
    ]
    return (*active, *withdrawn)


@cache
def language_choices(locale: str) -> Choices:
    """Return the languages offered, by their names in the language of ``locale``."""
    shown = Locale.parse(locale)
    names = ((c, Locale.parse(c, sep="-").get_display_name(shown) or c) for c in LANGUAGE_CODES)
    return _by_name(names)


# --------------------------------------------------------------------------------------- checks of one field
def country(field: str, value: Any) -> str:
    """Check an ISO country code; UK is taken for GB."""
    found = str(value or "").upper()
    found = _ALIASES.get(found, found)
    if found not in countries.CODES:
        raise Invalid({field: N_("Choose a country from the list.")})
    return found


def currency(field: str, value: Any) -> str:
    """Check the ISO code of a currency, in use or withdrawn not long ago: accounts may still be kept in one."""
    found = str(value or "").upper()
    if found not in currencies.KNOWN:
        raise Invalid({field: N_("Choose a currency from the list, such as GBP.")})
    return found


def language(field: str, value: str | None) -> str | None:
    """Check a BCP 47 tag of our list, or one that Babel knows, and write it the usual way (en-GB)."""
    if value is None:
        return None
    offered = _OFFERED_LANGUAGES.get(value.replace("_", "-").lower())
    if offered is not None:
        return offered
    try:
        return str(Locale.parse(value.replace("_", "-"), sep="-")).replace("_", "-")
    except (ValueError, UnknownLocaleError):
        raise Invalid({field: N_("Choose a language from the list.")}) from None


def locale(field: str, value: Any) -> str:
    """Check a locale that Babel knows, such as en_GB."""
    try:
        return str(Locale.parse(value))
    except (ValueError, TypeError, UnknownLocaleError):
        raise Invalid({field: N_("Choose a language and region from the list.")}) from None


def time_zone(field: str, value: Any) -> str:
    """Check the name of an IANA time zone."""
    if not isinstance(value, str) or value not in zoneinfo.available_timezones():
        raise Invalid({field: N_("Choose a time zone from the list, such as Europe/London.")})
    return value


def _plain(value: str) -> str:
    return re.sub(r"[\s.:\-/]", "", normalise.typed(value)).upper()  # of an RFC, & and Ñ stay


def vat_number(field: str, value: str | None) -> str | None:
    """Check a VAT number by its country letters, and return it in capitals without spaces."""
    if value is None:
        return None
    number = _plain(value)
    module = _vat_module(number[:2])
    if module is not None and module is _vat_module(number[2:4]) and module.is_valid(number[4:]):
        raise Invalid({field: N_("Enter the country letters of the VAT number once.")})
    number = _without_label(number)
    module = _vat_module(number[:2])
    if number.startswith("GR") and module.is_valid(number[2:]):
        number = f"EL{number[2:]}"  # what the European Union writes before a Greek number
    fits = module is None or module.is_valid(number) or module.is_valid(number[2:])
    if not fits and not _has_own_rule(number):
        raise Invalid({field: N_("Check the VAT number. Its check digits do not match.")})
    if not re.fullmatch(r"[0-9A-ZÑ&+*]{4,20}", number):
        raise Invalid({field: _VAT_EXAMPLE})
    return number


def _without_label(number: str) -> str:
    """Leave out a word before a number, such as BTW, where what follows is one with its country letters."""
    if _has_own_rule(number) or _is_vat(number):
        return number
    rests = (number[length:] for length in range(1, LONGEST_LABEL + 1) if number[:length].isalpha())
    return next((rest for rest in rests if _is_vat(rest)), number)


def _is_vat(number: str) -> bool:
    module = _vat_module(number[:2])
    return module is not None and module.is_valid(number)


def _has_own_rule(number: str, country: str = "") -> bool:
    """Whether it is a number of a country, or of that one, that writes no country letters before it."""
    return any(_fits_rule(of, kind, number) for of, kind in _OF_THEIR_OWN if country in ("", of))


LONGEST_LABEL = 8
"""Characters, as of USTIDNR."""
_VAT_EXAMPLE = N_("Enter a VAT number with its country letters, such as GB980780684.")


def _fits_rule(country: str, kind: str, number: str) -> bool:
    """Whether a number is one of python-stdnum's ``kind`` of a country."""
    rule = get_cc_module(country.lower(), kind)
    return rule is not None and rule.is_valid(number)


def _vat_module(letters: str) -> Any:
    known = {"EL": "GR", "XI": "GB", "CHE": "CH"}.get(letters, letters)
    return get_cc_module(known.lower(), "vat") if known in countries.CODES else None


def vat_number_problem(field: str, value: str | None, country: str | None) -> dict[str, str]:
    """Check a VAT number without country letters by ``country``, None where no address says which."""
    names_its_country = value is not None and (value[:3] == "CHE" or not _has_own_rule(value))
    if not value or (value[:2] in countries.CODES | {"EL", "XI"} and names_its_country):
        return {}
    if country is None:
        return {field: _VAT_EXAMPLE}
    module = get_cc_module(country.lower(), "vat")
    fits = module is None or module.is_valid(value) or _has_own_rule(value, country.lower())
    return {} if fits else {field: _VAT_EXAMPLE}


def company_number(field: str, value: str | None) -> str | None:
    """Check the characters of a company number, and return it in capitals."""
    if value is None:
        return None
    number = normalise.typed(value).upper()
    if not re.fullmatch(r"[0-9A-ZÑ&][0-9A-ZÑ& ./\-]{1,29}", number):
        raise Invalid({field: N_("Use letters, digits, spaces and . / - & only.")})
    return number


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
    kinds = _REGISTERS.get(country, ())
    spellings = value, _plain(value)
    if not kinds or any(_fits_rule(country, kind, number) for kind in kinds for number in spellings):
        return {}
    return {field: N_("Check the company number. Its check digits do not match.")}


# ------------------------------------------------------------------------------ checks that need the country
def phone_shape(field: str, value: str | None) -> str:
    """Check the characters of a phone number; whether it can be dialled depends on the country."""
    number = normalise.typed(value or "")
    if not re.fullmatch(r"\+?[0-9()][0-9()\s./\-]{2,38}", number):
        raise Invalid(
            {
                field: N_(
                    "Enter a phone number such as 0113 496 0123, using only digits, spaces and + ( ) . / -"
                )
            }
        )
    return number


def phone_problem(field: str, value: str | None, country: str) -> dict[str, str]:
    """Check that a number exists in the numbering plan of ``country``, or of its own +code."""
    parsed = normalise.dialled(value, country) or phonenumbers.PhoneNumber()
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
    """Return the postcode as its country writes it: ls29jt is LS2 9JT, D-10115 is 10115, 1000001 is 100-0001."""
    if value is None:
        return None
    tidy = _without_sign(normalise.typed(value).upper(), country)
    second, first = _SECOND_PART.get(country), _DASHED.get(country)
    joined = re.sub("[ -]", "", tidy)
    if second and _fits(joined, country) and not joined.startswith("BFPO"):
        return f"{joined[:-second]} {joined[-second:]}"
    if (
        first
        and first < len(joined)
        and joined.isdigit()
        and _fits(f"{joined[:first]}-{joined[first:]}", country)
    ):
        return f"{joined[:first]}-{joined[first:]}"
    return joined if country in _POSTCODES and joined.isdigit() and _fits(joined, country) else tidy


def _without_sign(postcode: str, country: str) -> str:
    """Leave out the country before a postcode, where what follows is one."""
    if country not in _POSTCODES or _fits(postcode, country):
        return postcode
    signs = (country, _SIGNS.get(country, country))
    rests = (postcode.removeprefix(sign).lstrip(" -") for sign in signs if postcode.startswith(sign))
    return next(
        (rest for rest in rests if _fits(re.sub("[ -]", "", rest), country) or _fits(rest, country)), postcode
    )


def _fits(postcode: str, country: str) -> bool:
    return country not in _POSTCODES or re.fullmatch(_POSTCODES[country][0], postcode, re.ASCII) is not None


def postcode_problem(field: str, value: str | None, country: str) -> dict[str, str]:
    """Check the shape of a postcode; a country without a known shape takes any."""
    if not value or _fits(tidy_postcode(value, country) or "", country):
        return {}
    return {field: say(N_("Enter a postcode such as %(example)s."), example=_POSTCODES[country][1])}


COUNTRY: Info = {"check": country, "choices": country_choices}
CURRENCY: Info = {"check": currency, "choices": currency_choices}
LANGUAGE: Info = {"check": language, "choices": language_choices}
"""For a column's ``info``: how to check it, and ``choices(locale)`` for the form that offers it."""
