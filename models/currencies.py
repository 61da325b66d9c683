"""Which currencies there are and how many decimals each has: our own table, as this decides what is stored (rule 2.1).

From ISO 4217, list one (active codes) and list three (historic ones), with the amendments up to number 180, of 2026.
Left out are what nobody keeps an account in: funds, units of account, metals, bonds and codes for tests. Names, signs
and patterns are Babel's; its own figures follow how people round cash, and change between its releases.

A change of this table changes what stored amounts mean. So the database keeps the scale that each currency was written
with, nothing starts while they differ, and ``flask rescale`` converts (:mod:`models.rescaling`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

USUAL = 2
"""Decimals of most currencies, and of a code that somebody stored and this table does not know."""

_ACTIVE = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP
    CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR
    IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU
    MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG
    SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV
    WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
ACTIVE = frozenset(_ACTIVE.split())
"""Codes in use, which every choice offers."""

WITHDRAWN: Mapping[str, int] = {
    "ANG": 2025, "BGN": 2025, "BYR": 2016, "CUC": 2021, "EEK": 2010, "HRK": 2022, "LTL": 2014, "LVL": 2013, "MRO": 2017,
    "SLL": 2024, "STD": 2017, "VEF": 2018, "ZMK": 2012, "ZWL": 2024,
}  # fmt: skip
"""Codes whose amounts old rows may hold, and the last year they were in use. They are known and found, and offered
last."""

_NONE = "BIF BYR CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_OTHER_THAN_TWO: Mapping[int, frozenset[str]] = {
    0: frozenset(_NONE.split()),
    3: frozenset(_THREE.split()),
}

KNOWN = ACTIVE | WITHDRAWN.keys()


MOST = max(USUAL, *_OTHER_THAN_TWO)
"""More decimals than this no currency has."""


def places(code: str) -> int:
    """Return how many decimals the amounts of a currency have."""
    return _places().get(code, USUAL)


@cache
def _places() -> Mapping[str, int]:
    return {code: figure for figure, codes in _OTHER_THAN_TWO.items() for code in codes}


def unusual() -> Mapping[int, frozenset[str]]:
    """Return decimals -> the currencies that have as many; every other code, known or not, has :data:`USUAL`."""
    return _OTHER_THAN_TWO
