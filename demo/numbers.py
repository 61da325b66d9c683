"""Phone, VAT, company and card numbers that pass every check and reach nobody."""

from __future__ import annotations

from stdnum import luhn
from stdnum.iso7064 import mod_11_10

from demo.rng import Chance

# The British regulator keeps these free for films and manuals; the last three digits vary.
MOBILE = "07700 900"
LANDLINES = (
    "0113 496 0",
    "0114 496 0",
    "0116 496 0",
    "0117 496 0",
    "0118 496 0",
    "0121 496 0",
    "0131 496 0",
    "0141 496 0",
    "0151 496 0",
    "0161 496 0",
    "0191 498 0",
    "020 7946 0",
    "028 9649 6",
    "029 2018 0",
)
ABROAD = {"DE": "030 23125 ", "FR": "01 99 00 "}


def mobile(serial: int) -> str:
    """Return a British mobile number from the range for drama; a thousand exist, so far-apart serials share them."""
    return f"{MOBILE}{(100 + serial * 37) % 1000:03d}"


def landline(serial: int) -> str:
    """Return a British landline number from the ranges for drama."""
    return f"{LANDLINES[serial % len(LANDLINES)]}{serial * 61 % 1000:03d}"


def foreign(country: str, serial: int) -> str | None:
    """Return a number kept free in another country; None where none is."""
    if country == "FR":
        return f"01 99 00 {serial * 7 % 100:02d} {serial * 13 % 100:02d}"
    return f"030 23125 {serial * 37 % 1000:03d}" if country == "DE" else None


def company_number(chance: Chance, country: str) -> str:
    """Return a number that fits the register of ``country``."""
    if country == "FR":
        return _with_luhn(chance, 8)
    return (
        f"{chance.randrange(10**6, 16 * 10**6):08d}"
        if country == "GB"
        else str(chance.randrange(10**5, 10**6))
    )


def vat_number(chance: Chance, country: str) -> str | None:
    """Return a VAT number with right check digits; None for countries the demo does not do."""
    if country == "GB":
        first = f"{chance.randrange(10**6, 10**7)}"
        total = sum(weight * int(digit) for weight, digit in zip(range(8, 1, -1), first, strict=True))
        return f"GB{first}{97 - total % 97:02d}"
    if country == "DE":
        first = str(chance.randrange(10**7, 10**8))
        return f"DE{first}{mod_11_10.calc_check_digit(first)}"
    if country == "FR":
        siren = _with_luhn(chance, 8)
        return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"
    return None


def card(serial: int) -> str:
    """Return the number of a loyalty card: 11 digits, the last one a check digit, as on the plastic."""
    first = f"9826{serial:06d}"
    return first + luhn.calc_check_digit(first)


def _with_luhn(chance: Chance, digits: int) -> str:
    first = str(chance.randrange(10 ** (digits - 1), 10**digits))
    return first + luhn.calc_check_digit(first)
