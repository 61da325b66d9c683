"""Shop settings: journalled rows that admins edit, read as one frozen object: ``ctx.shop``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import normalise, places
from models.base import N_, Invalid, Record
from models.personal import fact
from models.types import Json
from models.validate import Check, between, code, email, required

Kind = Literal[
    "text", "email", "integer", "boolean", "time_zone", "currency", "country", "locale", "sales_channel"
]

LONGEST_EXPIRY_DAYS = 3650
ACCOUNT_CODE = "{account_code}"
"""Stands for a customer's account code in the address of their account in the accounting package."""


@dataclass(frozen=True, slots=True)
class Shop:
    """The shop as every action sees it. A setting nobody changed has the default stated here."""

    name: str = "Clientele"
    email: str | None = None
    time_zone: str = "Europe/London"
    currency: str = "GBP"
    country: str = "GB"
    locale: str = "en_GB"
    default_sales_channel: str = "WEB"
    points_expire_after_days: int | None = 365
    points_warning_days: int | None = 30
    external_accounting: bool = False
    accounting_package: str = "the accounting package"
    accounting_url: str | None = None
    undo_days: int | None = 30
    statement_reminders: bool = False
    statement_reminder_days: int = 7
    login_as_needs_ticket: bool = False
    login_as_mails_customer: bool = False
    login_as_url: str | None = None
    trade_enquiries: bool = True
    trade_enquiry_email: str | None = None
    portal_mails_a_day: int = 1000
    invite_in_store: bool = True
    password_hints: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone, for local days (rule 1.5)."""
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, its help, and the check that returns the value to store or raises Invalid."""

    code: str
    label: str
    help: str
    kind: Kind
    check: Check
    check_new: Check | None = None
    """Asked besides of a value that somebody saves; one that has stood there since before the question stands."""

    @property
    def default(self) -> Any:
        """The value that holds until an admin chooses another."""
        return getattr(Shop(), self.code)


_DAYS = between(1, LONGEST_EXPIRY_DAYS)
_UNDO_DAYS = between(1, 3650)
_OVERDUE_DAYS = between(1, 365)
_WARNING_DAYS = between(1, 365)
_MAILS = between(1, 1_000_000)
_CHANNEL = required(N_("Enter the code of a sales channel, such as WEB."))


def _expiry(field: str, value: Any) -> int | None:
    days: int | None = _DAYS(field, value)
    return days


def _undo_days(field: str, value: Any) -> int | None:
    days: int | None = _UNDO_DAYS(field, value)
    return days


def _reminder_days(field: str, value: Any) -> int:
    days: int | None = _OVERDUE_DAYS(field, value)
    if days is None:
        raise Invalid({field: N_("Enter a number of days.")})
    return days


def _mails(field: str, value: Any) -> int:
    most: int | None = _MAILS(field, value)
    if most is None:
        raise Invalid({field: N_("Enter a number of emails.")})
    return most


def _warning_days(field: str, value: Any) -> int | None:
    days: int | None = _WARNING_DAYS(field, value)
    return days


def _boolean(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid({field: N_("Choose yes or no.")})
    return value


def _text(field: str, value: Any) -> str:
    name = normalise.trimmed(value)
    if not 0 < len(name) <= 120 or not name.isprintable():
        raise Invalid({field: N_("Enter a name of at most 120 characters.")})
    return name


def _email(field: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Invalid({field: N_("Enter an email address such as rashid@example.com.")})
    return email(field, value or None)


def _plain_before_the_at(field: str, value: Any) -> Any:
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


def _code(field: str, value: Any) -> str:
    return str(_CHANNEL(field, code(field, value) if isinstance(value, str) else None))


def _customer_url(field: str, value: Any) -> str | None:
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


def _hand_over_url(field: str, value: Any) -> str | None:
    """Check the address of the shop's own site that takes hand-overs: https, with a host and nothing secret in it."""
    if value is None:
        return None
    host = value.removeprefix("https://").partition("/")[0] if isinstance(value, str) else ""
    fits = isinstance(value, str) and len(value) <= 300 and value.startswith("https://") and bool(host)
    clean = fits and value.isascii() and value.isprintable() and not set(value) & set(" \"'<>\\{}@?#;,")
    if not clean or not re.fullmatch(r"[A-Za-z0-9.-]+(:\d{1,5})?", host):
        raise Invalid({field: N_("Enter an address such as https://shop.example.com/log-in-as.")})
    return str(value)


SETTINGS: dict[str, Setting] = {
    setting.code: setting
    for setting in (
        Setting("name", N_("Shop name"), N_("Shown on pages and in emails."), "text", _text),
        Setting(
            "email",
            N_("Shop email"),
            N_("Replies to emails go here."),
            "email",
            _email,
            _plain_before_the_at,
        ),
        Setting(
            "time_zone",
            N_("Time zone"),
            N_("The time zone for dates and times."),
            "time_zone",
            places.time_zone,
        ),
        Setting(
            "currency",
            N_("Currency"),
            N_("For new customers. Existing accounts keep theirs."),
            "currency",
            places.currency,
        ),
        Setting(
            "country",
            N_("Country"),
            N_("For new addresses, and for phone numbers without a country code."),
            "country",
            places.country,
        ),
        Setting(
            "locale",
            N_("Language and region"),
            N_("How dates, numbers and money are written."),
            "locale",
            places.locale,
        ),
        Setting(
            "default_sales_channel",
            N_("Default sales channel"),
            N_("For customers created in the back office."),
            "sales_channel",
            _code,
        ),
        Setting(
            "points_expire_after_days",
            N_("Points expire after (days)"),
            N_(
                "For new points, 1 to 3650 days. Leave blank if they never expire. Existing points keep their "
                "date."
            ),
            "integer",
            _expiry,
        ),
        Setting(
            "points_warning_days",
            N_("Points expiry notice (days)"),
            N_(
                "How many days before the expiry date customers get an email, 1 to 365. Leave blank to send none."
            ),
            "integer",
            _warning_days,
        ),
        Setting(
            "external_accounting",
            N_("Balances are kept in an accounting package"),
            N_("Payments and invoices are then entered there, not here."),
            "boolean",
            _boolean,
        ),
        Setting(
            "accounting_package",
            N_("Name of the accounting package"),
            N_("As shown in messages, such as Xero."),
            "text",
            _text,
        ),
        Setting(
            "accounting_url",
            N_("Address of an account in the package"),
            N_(
                "Each customer with an account code links to this address. {account_code} is replaced with the "
                "code."
            ),
            "text",
            _customer_url,
        ),
        Setting(
            "undo_days",
            N_("Undo within (days)"),
            N_("How long a change can be undone with one click. Leave blank for no limit."),
            "integer",
            _undo_days,
        ),
        Setting(
            "statement_reminders",
            N_("Send reminders with statements"),
            N_("Sends a statement each month to customers with an overdue balance."),
            "boolean",
            _boolean,
        ),
        Setting(
            "statement_reminder_days",
            N_("Remind after (days overdue)"),
            N_("How many days a balance must be overdue before the customer is reminded, 1 to 365."),
            "integer",
            _reminder_days,
        ),
        Setting(
            "login_as_needs_ticket",
            N_("Logging in as a customer needs a ticket number"),
            N_("Staff then enter the number of the customer's request as well as a reason."),
            "boolean",
            _boolean,
        ),
        Setting(
            "trade_enquiries",
            N_("Email about trade applications"),
            N_("Sends an email when someone applies for a trade account online."),
            "boolean",
            _boolean,
        ),
        Setting(
            "login_as_mails_customer",
            N_("Tell customers when staff log in as them"),
            N_("Sends an email with the time. It names neither the member of staff nor the reason."),
            "boolean",
            _boolean,
        ),
        Setting(
            "login_as_url",
            N_("Address for logging in as a customer on your own shop site"),
            N_(
                "An https address of your shop that takes the hand-over; see docs/login-as.md. Leave blank to "
                "use the customer portal only."
            ),
            "text",
            _hand_over_url,
        ),
        Setting(
            "trade_enquiry_email",
            N_("Trade applications go to"),
            N_("Leave blank to use the shop email."),
            "email",
            _email,
            _plain_before_the_at,
        ),
        Setting(
            "portal_mails_a_day",
            N_("Emails from public pages (a day)"),
            N_(
                "The most emails that anyone's requests in the customer portal send in 24 hours, such as links to "
                "register. Further requests are dropped, and Today says so."
            ),
            "integer",
            _mails,
        ),
        Setting(
            "invite_in_store",
            N_("Invite new in-store customers"),
            N_(
                "Emails a link to choose a password to each in-store customer who is added with an email address."
            ),
            "boolean",
            _boolean,
        ),
        Setting(
            "password_hints",
            N_("Password hints"),
            N_(
                "Customers may give a hint when they choose a password. It is included in their password reset "
                "emails. Hints make accounts easier to break into: leave this off unless you need it."
            ),
            "boolean",
            _boolean,
        ),
    )
}


class ShopSetting(Record):
    """A setting that somebody changed. ``value`` is JSON; null is a value of its own, such as never."""

    __tablename__ = "shop_setting"
    __label__ = N_("Shop setting")
    __plural__ = N_("Shop settings")

    code: Mapped[str] = mapped_column(String(60), unique=True, info=fact())
    value: Mapped[Any] = mapped_column(Json, info=fact(), nullable=True)

    def problems(self, changed: set[str]) -> dict[str, str]:
        """Check the value by its setting."""
        if self.code not in SETTINGS:
            return {"code": N_("Setting not found.")}
        try:
            SETTINGS[self.code].check("value", self.value)
        except Invalid as error:
            return error.errors
        return {}

    def __str__(self) -> str:
        setting = SETTINGS.get(self.code)
        return setting.label if setting else self.code


STORED = select(ShopSetting.code, ShopSetting.value)
"""What is stored. Put together once, as every request asks it."""


def load_shop(session: Session) -> Shop:
    """Return the shop's settings; rows of settings that no longer exist are passed over.

    :raises Invalid: a stored value no longer passes its check.
    """
    rows = session.execute(STORED).all()
    return Shop(**{code: SETTINGS[code].check(code, value) for code, value in rows if code in SETTINGS})
