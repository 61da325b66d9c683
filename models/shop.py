"""Shop settings: journalled rows that admins edit, read as one frozen object: ``ctx.shop``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import evidence, places
from models import setting_checks as checks
from models.base import N_, Invalid, Record
from models.evidence import Scoring
from models.personal import fact
from models.types import Json
from models.validate import Check

Kind = Literal[
    "text", "email", "integer", "boolean", "time_zone", "currency", "country", "locale", "sales_channel"
]


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
    unmerge_days: int | None = 90
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
    duplicate_threshold: int = evidence.THRESHOLD
    duplicate_weights: tuple[int, ...] = Scoring().weights
    """In the order of ``evidence.WEIGHTS``; each of them is a setting of its own (rule 7.13)."""

    @property
    def duplicate_scoring(self) -> Scoring:
        """What speaks for and against a duplicate, and how much."""
        return Scoring(self.duplicate_weights, self.duplicate_threshold)

    def value(self, code: str) -> Any:
        """Return the value of one setting."""
        return dict(self._weights())[code] if code in WEIGHT_SETTINGS else getattr(self, code)

    def _weights(self) -> Iterator[tuple[str, int]]:
        return zip(WEIGHT_SETTINGS, self.duplicate_weights, strict=True)

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
    group: str = ""
    """The title that it stands under on the form."""

    @property
    def default(self) -> Any:
        """The value that holds until an admin chooses another."""
        return Shop().value(self.code)


def _weight(kind: evidence.Evidence, weight: int) -> Setting:
    words = evidence.WORDS[kind]
    code, label = f"duplicate_weight_{str(kind.name).lower()}", words[0].upper() + words[1:]
    if evidence.is_against(kind):
        return Setting(code, label, N_("From -50 to 0."), "integer", checks.weight_against, group=AGAINST)
    return Setting(code, label, N_("From 0 to 50."), "integer", checks.weight_for, group=FOR)


DUPLICATES = N_("Duplicates")
FOR = N_("Duplicates: points for what two records share")
AGAINST = N_("Duplicates: points for what differs")
WEIGHT_SETTINGS: dict[str, Setting] = {
    setting.code: setting for setting in (_weight(*pair) for pair in evidence.WEIGHTS.items())
}
"""What each kind of evidence counts, in the order of ``evidence.WEIGHTS``."""
SETTINGS: dict[str, Setting] = {
    setting.code: setting
    for setting in (
        Setting("name", N_("Shop name"), N_("Shown on pages and in emails."), "text", checks.shop_name),
        Setting(
            "email",
            N_("Shop email"),
            N_("Replies to emails go here."),
            "email",
            checks.reply_email,
            checks.plain_before_the_at,
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
            checks.channel_code,
        ),
        Setting(
            "points_expire_after_days",
            N_("Points expire after (days)"),
            N_(
                "For new points, 1 to 3650 days. Leave blank if they never expire. Existing points keep their "
                "date."
            ),
            "integer",
            checks.expiry,
        ),
        Setting(
            "points_warning_days",
            N_("Points expiry notice (days)"),
            N_(
                "How many days before the expiry date customers get an email, 1 to 365. Leave blank to send none."
            ),
            "integer",
            checks.warning_days,
        ),
        Setting(
            "external_accounting",
            N_("Balances are kept in an accounting package"),
            N_("Payments and invoices are then entered there, not here."),
            "boolean",
            checks.boolean,
        ),
        Setting(
            "accounting_package",
            N_("Name of the accounting package"),
            N_("As shown in messages, such as Xero."),
            "text",
            checks.shop_name,
        ),
        Setting(
            "accounting_url",
            N_("Address of an account in the package"),
            N_(
                "Each customer with an account code links to this address. {account_code} is replaced with the "
                "code."
            ),
            "text",
            checks.customer_url,
        ),
        Setting(
            "undo_days",
            N_("Undo within (days)"),
            N_("How long a change can be undone with one click. Leave blank for no limit."),
            "integer",
            checks.undo_days,
        ),
        Setting(
            "unmerge_days",
            N_("Undo merges within (days)"),
            N_("How long records that were merged can be parted again. Leave blank for no limit."),
            "integer",
            checks.undo_days,
        ),
        Setting(
            "statement_reminders",
            N_("Send reminders with statements"),
            N_("Sends a statement each month to customers with an overdue balance."),
            "boolean",
            checks.boolean,
        ),
        Setting(
            "statement_reminder_days",
            N_("Remind after (days overdue)"),
            N_("How many days a balance must be overdue before the customer is reminded, 1 to 365."),
            "integer",
            checks.reminder_days,
        ),
        Setting(
            "login_as_needs_ticket",
            N_("Logging in as a customer needs a ticket number"),
            N_("Staff then enter the number of the customer's request as well as a reason."),
            "boolean",
            checks.boolean,
        ),
        Setting(
            "trade_enquiries",
            N_("Email about trade applications"),
            N_("Sends an email when someone applies for a trade account online."),
            "boolean",
            checks.boolean,
        ),
        Setting(
            "login_as_mails_customer",
            N_("Tell customers when staff log in as them"),
            N_("Sends an email with the time. It names neither the member of staff nor the reason."),
            "boolean",
            checks.boolean,
        ),
        Setting(
            "login_as_url",
            N_("Address for logging in as a customer on your own shop site"),
            N_(
                "An https address of your shop that takes the hand-over; see docs/login-as.md. Leave blank to "
                "use the customer portal only."
            ),
            "text",
            checks.hand_over_url,
        ),
        Setting(
            "trade_enquiry_email",
            N_("Trade applications go to"),
            N_("Leave blank to use the shop email."),
            "email",
            checks.reply_email,
            checks.plain_before_the_at,
        ),
        Setting(
            "portal_mails_a_day",
            N_("Emails from public pages (a day)"),
            N_(
                "The most emails that anyone's requests in the customer portal send in 24 hours, such as links to "
                "register. Further requests are dropped, and Today says so."
            ),
            "integer",
            checks.mails,
        ),
        Setting(
            "invite_in_store",
            N_("Invite new in-store customers"),
            N_(
                "Emails a link to choose a password to each in-store customer who is added with an email address."
            ),
            "boolean",
            checks.boolean,
        ),
        Setting(
            "duplicate_threshold",
            N_("Likely the same from"),
            N_(
                "The score from which two records are shown as likely the same customer. The score adds up the points "
                "below for what two records share and what differs. Lower finds more and is wrong more often."
            ),
            "integer",
            checks.threshold,
            group=DUPLICATES,
        ),
        Setting(
            "password_hints",
            N_("Password hints"),
            N_(
                "Customers may give a hint when they choose a password. It is included in their password reset "
                "emails. Hints make accounts easier to break into: leave this off unless you need it."
            ),
            "boolean",
            checks.boolean,
        ),
        *WEIGHT_SETTINGS.values(),
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
        if setting is None:
            return self.code
        return f"{DUPLICATES}: {setting.label}" if self.code in WEIGHT_SETTINGS else setting.label


STORED = select(ShopSetting.code, ShopSetting.value)
"""What is stored. Put together once, as every request asks it."""


def load_shop(session: Session | Connection) -> Shop:
    """Return the shop's settings; rows of settings that no longer exist are passed over.

    :raises Invalid: a stored value no longer passes its check.
    """
    rows = session.execute(STORED).all()
    found = {code: SETTINGS[code].check(code, value) for code, value in rows if code in SETTINGS}
    weights = tuple(found.pop(code, default) for code, default in Shop()._weights())
    return Shop(**found, duplicate_weights=weights)
