"""Letters: the texts of mails, in one look, as HTML and as plain text, in the recipient's language (rule 14.1).

A letter is declared here by its code; its two texts are ``templates/mail/<code>.html`` and ``<code>.txt``. The web is
not needed for it: a plain Jinja environment, escaping in HTML and nowhere else, that fails on a value nobody gave.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined

from models.base import N_, Invalid
from models.customer import Customer
from models.mail import BASE_MARK, SECRET_MARK
from models.shop import Shop
from models.validate import email

ROOT = Path(__file__).resolve().parent.parent
LOADER: BaseLoader = FileSystemLoader(ROOT / "templates" / "mail")
TRANSLATIONS = ROOT / "translations"
LONGEST_SUBJECT = 250
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,200}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Letter:
    """A declared mail: what lists call it, its subject, and the names of the values its texts ask for.

    ``shop`` and ``name`` (of the recipient) are always there; the subject may use %(shop)s and the values.
    """

    code: str
    label: str
    subject: str
    values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Written:
    """A letter with its values filled in. The marks of the shop's address and of a secret are still in the texts."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with a letter. ``name`` is what the recipient's mail program calls it."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


LETTERS: dict[str, Letter] = {
    letter.code: letter
    for letter in (
        Letter("trade_approved", N_("Trade account approved"), N_("Your trade account is approved")),
        Letter(
            "account_statement",
            N_("Account statement"),
            N_("Your account statement from %(shop)s"),
            frozenset({"since", "until", "balances", "message"}),
        ),
        Letter(
            "account_reminder",
            N_("Statement reminder"),
            N_("Payment reminder from %(shop)s"),
            frozenset({"until", "overdue", "balances"}),
        ),
        Letter("trade_rejected", N_("Trade account rejected"), N_("Your application for a trade account")),
        Letter(
            "points_lapsing",
            N_("Points about to lapse"),
            N_("Use your points by %(until)s"),
            frozenset({"points", "until", "days"}),
        ),
        Letter(
            "staff_invitation",
            N_("Staff: invitation"),
            N_("Your access to the back office of %(shop)s"),
            frozenset({"user_name"}),
        ),
        Letter(
            "staff_email_changed",
            N_("Staff: email changed"),
            N_("Your email address for the back office was changed"),
        ),
        Letter(
            "staff_factor_added",
            N_("Staff: second step set up"),
            N_("A second step of your sign-in was set up"),
        ),
        Letter("staff_reset", N_("Staff: link for a new password"), N_("Choose a new password")),
        Letter(
            "staff_factor_removed",
            N_("Staff: second step switched off"),
            N_("The second step of your sign-in was switched off"),
        ),
        Letter("staff_password_changed", N_("Staff: password changed"), N_("Your password was changed")),
    )
}


def write(letter: Letter, shop: Shop, name: str, language: str | None, values: Mapping[str, Any]) -> Written:
    """Return a letter's subject and texts.

    :param language: the recipient's, such as "de"; the shop's own where it is None.
    :raises ValueError: the values are not those that the letter declares.
    """
    if set(values) != letter.values:
        raise ValueError(f"letter {letter.code} takes {sorted(letter.values)}, not {sorted(values)}")
    spoken, words = translations(language or shop.locale)
    given = {"shop": shop, "name": name, "lang": spoken, **values}
    subject = words.gettext(letter.subject) % {"shop": shop.name, **values}
    texts = []
    for kind in ("txt", "html"):
        template = _environment(kind == "html", language or shop.locale).get_template(f"{letter.code}.{kind}")
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
    environment.globals |= {"link": link, "secret": SECRET_MARK}
    environment.install_gettext_translations(translations(language)[1], newstyle=True)  # type: ignore[attr-defined]
    return environment


def link(path: str) -> str:
    """Return the address of a page of ours, which begins with the deployment's own once the mail goes out.

    :raises ValueError: ``path`` does not begin with one slash.
    """
    if not path.startswith("/") or path.startswith("//"):
        raise ValueError(f"a link in a mail is a path of ours, not {path}")
    return BASE_MARK + path


def complete(text: str, base_url: str, secret: str | None = None) -> str:
    """Return a stored text with the shop's address, and with the secret where there is one."""
    found = text.replace(BASE_MARK, base_url.rstrip("/"))
    return found if secret is None else found.replace(SECRET_MARK, secret)


def name_of(customer: Customer) -> str:
    """Return how a letter addresses a customer; nothing where neither a name nor a company is known."""
    person = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return one_line(person or customer.company_name or customer.trading_name or "")


def address_of(customer: Customer) -> str | None:
    """Return the address that mail to a customer goes to; None where there is none, or none that can be."""
    try:
        return email("email", customer.email or None)
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


@cache
def translations(language: str) -> tuple[str, NullTranslations]:
    """Return the language that is really spoken, and its words: English where there is no other."""
    try:
        locale = Locale.parse(language, sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    for name in (str(locale), locale.language):
        catalogue = TRANSLATIONS / name / "LC_MESSAGES" / "letters.po"
        if catalogue.is_file():
            return str(locale).replace("_", "-"), _words(catalogue)
    return "en", NullTranslations()


def locale_for(language: str | None, shop: Shop) -> str:
    """Return how dates and figures are written in a letter: in the language that it is really written in.

    :param language: the recipient's; the shop's own where it is None.
    """
    spoken = translations(language or shop.locale)[0].replace("-", "_")
    if not spoken.startswith("en"):
        return spoken
    return shop.locale if shop.locale.startswith("en") else "en_GB"


def _words(catalogue: Path) -> Translations:
    """Return the words of a catalogue as its translators left it; there are few, so nothing is compiled beforehand."""
    compiled = BytesIO()
    with catalogue.open("rb") as written:
        write_mo(compiled, read_po(written))
    compiled.seek(0)
    return Translations(compiled)
