"""The languages that customers are written to and that their pages speak, and how each writes dates and figures.

Their words stand in ``translations/``: those of mails in ``letters.po``, those of the portal in ``portal.po``.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from actions import ROOT
from models.shop import Shop

TRANSLATIONS = ROOT / "translations"
LETTERS, PORTAL = "letters", "portal"
ENGLISH = "en"


@cache
def translations(language: str) -> tuple[str, NullTranslations]:
    """Return the language that is really spoken, and the words of mails in it: English where there is no other."""
    return _spoken(language, LETTERS)


@cache
def portal_translations(language: str) -> tuple[str, NullTranslations]:
    """Return the same for the pages of the portal, whose words are those of mails where it has none of its own."""
    spoken, words = _spoken(language, PORTAL)
    words.add_fallback(translations(language)[1])
    return spoken, words


def _spoken(language: str, kind: str) -> tuple[str, NullTranslations]:
    try:
        locale = Locale.parse(language, sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError):
        locale = Locale(ENGLISH)
    for name in (str(locale), locale.language):
        catalogue = TRANSLATIONS / name / "LC_MESSAGES" / f"{kind}.po"
        if catalogue.is_file():
            return str(locale).replace("_", "-"), _words(catalogue)
    return ENGLISH, NullTranslations()


def _words(catalogue: Path) -> Translations:
    """Return the words of a catalogue as its translators left it; there are few, so nothing is compiled beforehand."""
    compiled = BytesIO()
    with catalogue.open("rb") as written:
        write_mo(compiled, read_po(written))
    compiled.seek(0)
    return Translations(compiled)


def shipped() -> frozenset[str]:
    """Return the languages there are words for, and English, which needs none."""
    return frozenset({ENGLISH, *(place.name for place in TRANSLATIONS.iterdir())})


def is_spoken(language: str) -> bool:
    """Return whether there are words for a language of a record, such as "de-AT"; English needs none."""
    return language.partition("-")[0] == ENGLISH or translations(language)[0] != ENGLISH


def locale_for(language: str | None, shop: Shop) -> str:
    """Return how dates and figures are written for anyone who reads a language: as in the one that is really spoken.

    :param language: the reader's; the shop's own where it is None.
    """
    spoken = translations(language or shop.locale)[0].replace("-", "_")
    if not spoken.startswith(ENGLISH):
        return spoken
    return shop.locale if shop.locale.startswith(ENGLISH) else "en_GB"
