"""Letters: the texts of mails, in one look, as HTML and as plain text, in the recipient's language (rule 14.1).

A mail template is declared here by its code; its two texts are ``templates/mail/<code>.html`` and ``<code>.txt``. The
web is not needed for it: a plain Jinja environment, escaping in HTML and nowhere else, that fails on a value nobody
gave.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape

from actions import ROOT
from actions.core.languages import translations
from actions.core.mail_template_checks import check
from models.base import N_, Invalid
from models.customer import Customer
from models.mail import BASE_MARK, HINT_MARK, PORTAL_MARK, SECRET_MARK, Addresses
from models.shop import Shop
from models.validate import email

LOADER: BaseLoader = FileSystemLoader(ROOT / "templates" / "mail")
LONGEST_SUBJECT = 250
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,200}")
_HINT_IN_TEXT = re.compile(rf"^.*{re.escape(HINT_MARK)}.*\n+", re.MULTILINE)
_HINT_IN_HTML = re.compile(rf"<p\b[^>]*>[^<]*{re.escape(HINT_MARK)}[^<]*</p>\n*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Paper(enum.Enum):
    """What kind of paper a mail is, and so who of an account gets it (rule 14.9)."""

    OWN = "own"
    """For the account's own address alone: what is about passwords and security."""
    NOTICE = "notice"
    """For the additional emails and the admin addresses, too."""
    STATEMENT = "statement"
    """For the billing addresses besides: invoices, statements, reminders of them."""


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """A declared mail: what lists call it, its subject, and the names of the values its texts ask for.

    ``paper`` says who gets copies: nobody unless it is said, lest one that must stay private be forgotten. ``shop``
    and ``name`` (of the recipient) are always there; the subject may use %(shop)s and the values. A declaration that
    its two files do not fit is refused as the program starts (mail_template_checks.py).
    """

    code: str
    label: str
    subject: str
    values: frozenset[str] = frozenset()
    paper: Paper = Paper.OWN


@dataclass(frozen=True, slots=True)
class Written:
    """A mail template with its values filled in; the marks of the shop's address and of a secret still stand in it."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail template. ``name`` is what the recipient's mail program calls it."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


MAIL_TEMPLATES: dict[str, MailTemplate] = {
    declared.code: declared
    for declared in (
        MailTemplate(
            "trade_approved",
            N_("Trade account approved"),
            N_("Your trade account is approved"),
            paper=Paper.NOTICE,
        ),
        MailTemplate(
            "account_statement",
            N_("Account statement"),
            N_("Your account statement from %(shop)s"),
            frozenset({"since", "until", "balances", "message"}),
            Paper.STATEMENT,
        ),
        MailTemplate(
            "account_reminder",
            N_("Statement reminder"),
            N_("Payment reminder from %(shop)s"),
            frozenset({"until", "overdue", "balances"}),
            Paper.STATEMENT,
        ),
        MailTemplate(
            "trade_rejected",
            N_("Trade account rejected"),
            N_("Your application for a trade account"),
            frozenset({"why"}),
            paper=Paper.NOTICE,
        ),
        MailTemplate(
            "points_expiring",
            N_("Points about to expire"),
            N_("Use your points by %(until)s"),
            frozenset({"points", "until", "days"}),
            Paper.NOTICE,
        ),
        MailTemplate(
            "staff_invitation",
            N_("Staff: invitation"),
            N_("Your access to the back office of %(shop)s"),
            frozenset({"user_name"}),
        ),
        MailTemplate(
            "staff_email_changed",
            N_("Staff: email changed"),
            N_("Your email address for the back office was changed"),
        ),
        MailTemplate(
            "staff_two_factor_enabled",
            N_("Staff: two-factor authentication turned on"),
            N_("Two-factor authentication was turned on for your account"),
        ),
        MailTemplate("staff_reset", N_("Staff: password reset"), N_("Choose a new password")),
        MailTemplate(
            "staff_two_factor_disabled",
            N_("Staff: two-factor authentication turned off"),
            N_("Two-factor authentication was turned off for your account"),
        ),
        MailTemplate(
            "staff_password_changed", N_("Staff: password changed"), N_("Your password was changed")
        ),
    )
}


def declare(template: MailTemplate) -> str:
    """Register a mail beside the action that sends it, and return its code.

    :raises ValueError: the code is taken, or its texts are missing or ask for what it does not declare.
    """
    if template.code in MAIL_TEMPLATES:
        raise ValueError(f"there is a mail {template.code} already")
    _check(template)
    MAIL_TEMPLATES[template.code] = template
    return template.code


def write(
    declared: MailTemplate, shop: Shop, name: str, language: str | None, values: Mapping[str, Any]
) -> Written:
    """Return a mail template's subject and texts.

    :param language: the recipient's, such as "de"; the shop's own where it is None.
    :raises ValueError: the values are not those that the mail template declares.
    """
    if set(values) != declared.values:
        raise ValueError(f"letter {declared.code} takes {sorted(declared.values)}, not {sorted(values)}")
    spoken, words = translations(language or shop.locale)
    given = {"shop": shop, "name": name, "lang": spoken, **values}
    subject = words.gettext(declared.subject) % {"shop": shop.name, **values}
    texts = []
    for kind in ("txt", "html"):
        template = _environment(kind == "html", language or shop.locale).get_template(
            f"{declared.code}.{kind}"
        )
        texts.append(template.render(subject=subject, **given))
    return Written(one_line(subject)[:LONGEST_SUBJECT], texts[0].strip() + "\n", texts[1])


@cache
def _environment(is_html: bool, language: str) -> Environment:
    environment = Environment(
        loader=LOADER,
        autoescape=is_html,  # noqa: S701  plain text has nothing to escape
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "link": link,
        "portal_link": portal_link,
        "secret": SECRET_MARK,
        "hint": HINT_MARK,
    }
    environment.install_gettext_translations(translations(language)[1], newstyle=True)  # type: ignore[attr-defined]
    return environment


def link(path: str) -> str:
    """Return the address of a page of ours, which begins with the deployment's own once the mail goes out.

    :raises ValueError: ``path`` does not begin with one slash.
    """
    return _marked(BASE_MARK, path)


def portal_link(path: str) -> str:
    """Return the address of a page of the customers' portal, as :func:`link` does of one of the back office."""
    return _marked(PORTAL_MARK, path)


def _marked(mark: str, path: str) -> str:
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError(f"a link in a mail is a path of ours, not {path}")
    return mark + path


def complete(text: str, addresses: Addresses, secret: str | None = None) -> str:
    """Return a stored text with the deployment's addresses, and with the secret where there is one."""
    found = text.replace(BASE_MARK, addresses.base_url.rstrip("/"))
    found = found.replace(PORTAL_MARK, addresses.portal_url.rstrip("/"))
    return found if secret is None else found.replace(SECRET_MARK, secret)


def with_hint(text: str, hint: str, *, is_html: bool) -> str:
    """Return a stored text with a password hint in its place, or without that paragraph where there is none."""
    if not hint:
        return (_HINT_IN_HTML if is_html else _HINT_IN_TEXT).sub("", text)
    return text.replace(HINT_MARK, str(escape(hint)) if is_html else hint)


def name_of(customer: Customer) -> str:
    """Return how a mail template addresses a customer; nothing where neither a name nor a company is known."""
    person = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return one_line(person or customer.company_name or customer.trading_name or "")


def address_of(customer: Customer) -> str | None:
    """Return a customer's own address; None where there is none, or none that mail can go to."""
    return usable(customer.email)


def usable(address: str | None) -> str | None:
    """Return an address that mail can go to; None for any other."""
    try:
        return email("email", address or None)
    except Invalid:
        return None


def checked_secret(secret: str | None) -> str | None:
    """Return a secret that stands in an address and in HTML as it is. :raises ValueError: it would not."""
    if secret is not None and not _SECRET.fullmatch(secret):
        raise ValueError("a secret in a mail is 16 to 200 letters, digits, - and _")
    return secret


def one_line(text: str) -> str:
    """Return a text that can stand in a header: no line breaks or other control characters."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def _check(declared: MailTemplate) -> None:
    check(declared, _environment(is_html=True, language="en"), _environment(is_html=False, language="en"))


for _declared in MAIL_TEMPLATES.values():
    _check(_declared)
