"""Sentences of the layers below, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from gettext import NullTranslations
from typing import Any

from flask import Flask
from flask_babel import get_babel, get_locale, refresh
from flask_babel import gettext as _

from actions.core.base import Refused
from models.validate import Message
from web.request import forget, memo

TRANSLATIONS = "translations"
"""Where a request keeps the words of its language."""


def install(app: Flask, words: Callable[[str], NullTranslations] | None = None) -> None:
    """Have the language looked up once a request: Flask-Babel does it for every sentence, hundreds of times a page.

    :param words: the words of a locale, where they are not those of compiled catalogues, which Flask-Babel would read.
    """
    domain = get_babel(app).instance.domain_instance
    look_up = domain.get_translations if words is None else lambda: words(str(get_locale()))
    domain.get_translations = lambda: memo(TRANSLATIONS, look_up)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: domain.get_translations().ugettext(text),
        ngettext=lambda one, many, count: domain.get_translations().ungettext(one, many, count),
        newstyle=True,
    )


def choose_again() -> None:
    """Have the language of this request chosen again, for what is said from now on."""
    refresh()
    forget(TRANSLATIONS)


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Return a sentence with its %(name)s places filled; one without values may hold a plain % sign."""
    return _(template, **values) if values else _(template)


def within(noun: str) -> str:
    """Return a noun as it stands within a sentence: "customer class", but "API key"."""
    return noun if noun[:2].isupper() else noun[:1].lower() + noun[1:]


def called(name: str) -> str:
    """Return what people call a field of which only the name is known: "Expires after days" for expires_after_days."""
    plain = name.rpartition("-")[2].removesuffix("_id").removesuffix("_key")
    words = plain.replace("_", " ").strip().capitalize()
    return _(words) if words else ""  # a catalogue has its own description under nothing


def sentence(text: str) -> str:
    """Return what is wrong with a value."""
    return fill(text.template, text.values) if isinstance(text, Message) else _(text)


def translated(refused: Refused) -> str:
    """Return why an action was refused."""
    return fill(refused.message, refused.values)
