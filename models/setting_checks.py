"""What may stand in a setting of the shop: each check returns the value to store, or raises Invalid."""

from __future__ import annotations

import re
from typing import Any

from models import normalise
from models.base import N_, Invalid
from models.validate import between, code, email, required

LONGEST_EXPIRY_DAYS = 3650
ACCOUNT_CODE = "{account_code}"
"""Stands for a customer's account code in the address of their account in the accounting package."""

_DAYS = between(1, LONGEST_EXPIRY_DAYS)
_UNDO_DAYS = between(1, 3650)
_OVERDUE_DAYS = between(1, 365)
_WARNING_DAYS = between(1, 365)
_MAILS = between(1, 1_000_000)
_THRESHOLD = between(1, 60)
MOST_POINTS = 50
"""What one kind of evidence counts at most, for or against two records being the same."""
_FOR = between(0, MOST_POINTS)
_AGAINST = between(-MOST_POINTS, 0)
_CHANNEL = required(N_("Enter the code of a sales channel, such as WEB."))


def expiry(field: str, value: Any) -> int | None:
    days: int | None = _DAYS(field, value)
    return days


def undo_days(field: str, value: Any) -> int | None:
    days: int | None = _UNDO_DAYS(field, value)
    return days


def reminder_days(field: str, value: Any) -> int:
    days: int | None = _OVERDUE_DAYS(field, value)
    if days is None:
        raise Invalid({field: N_("Enter a number of days.")})
    return days


def mails(field: str, value: Any) -> int:
    most: int | None = _MAILS(field, value)
    if most is None:
        raise Invalid({field: N_("Enter a number of emails.")})
    return most


def warning_days(field: str, value: Any) -> int | None:
    days: int | None = _WARNING_DAYS(field, value)
    return days


def boolean(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid({field: N_("Choose yes or no.")})
    return value


def shop_name(field: str, value: Any) -> str:
    name = normalise.trimmed(value)
    if not 0 < len(name) <= 120 or not name.isprintable():
        raise Invalid({field: N_("Enter a name of at most 120 characters.")})
    return name


def reply_email(field: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Invalid({field: N_("Enter an email address such as rashid@example.com.")})
    return email(field, value or None)


def plain_before_the_at(field: str, value: Any) -> Any:
    """Refuse an address that only some mail servers can write: it stands in every mail to everybody."""
    if value is not None and not value.rpartition("@")[0].isascii():
        raise Invalid(
            {
                field: N_(
                    "Some mail servers do not accept these letters before the @. Enter an address without them."
                )
            }
        )
    return value


def channel_code(field: str, value: Any) -> str:
    return str(_CHANNEL(field, code(field, value) if isinstance(value, str) else None))


def customer_url(field: str, value: Any) -> str | None:
    """Check the address of a customer's account in another program: http(s), with the account code in its path."""
    if value is None:
        return None
    host, _slash, rest = value.partition("://")[2].partition("/") if isinstance(value, str) else ("", "", "")
    fits = isinstance(value, str) and len(value) <= 300 and value.startswith(("https://", "http://"))
    clean = fits and value.isascii() and value.isprintable() and not set(value) & set(" \"'<>\\")
    if not clean or not host or set(host) & set("{}@") or rest.count(ACCOUNT_CODE) != 1:
        raise Invalid({field: N_("Enter an address such as https://example.com/contacts/{account_code}.")})
    if set(rest.replace(ACCOUNT_CODE, "")) & set("{}"):
        raise Invalid({field: N_("Only {account_code} can be in braces.")})
    return str(value)


def hand_over_url(field: str, value: Any) -> str | None:
    """Check the address of the shop's own site that takes hand-overs: https, with a host and nothing secret in it."""
    if value is None:
        return None
    host = value.removeprefix("https://").partition("/")[0] if isinstance(value, str) else ""
    fits = isinstance(value, str) and len(value) <= 300 and value.startswith("https://") and bool(host)
    clean = fits and value.isascii() and value.isprintable() and not set(value) & set(" \"'<>\\{}@?#;,")
    if not clean or not re.fullmatch(r"[A-Za-z0-9.-]+(:\d{1,5})?", host):
        raise Invalid({field: N_("Enter an address such as https://shop.example.com/log-in-as.")})
    return str(value)


def threshold(field: str, value: Any) -> int:
    score: int | None = _THRESHOLD(field, value)
    if score is None:
        raise Invalid({field: N_("Enter a score from 1 to 60.")})
    return score


def weight_for(field: str, value: Any) -> int:
    return _points(_FOR(field, value), field)


def weight_against(field: str, value: Any) -> int:
    return _points(_AGAINST(field, value), field)


def _points(value: int | None, field: str) -> int:
    if value is None:
        raise Invalid({field: N_("Enter a number of points, or 0 to leave it out.")})
    return value
