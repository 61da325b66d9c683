"""Sentences of the layers below, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_babel import get_babel
from flask_babel import gettext as _
from markupsafe import Markup

from actions.base import Refused
from admin.context import allowed, clientele, memo
from models.validate import Message


def install(app: Flask) -> None:
    """Have the language looked up once a request: Flask-Babel does it for every sentence, hundreds of times a page."""
    domain = get_babel(app).instance.domain_instance
    look_up = domain.get_translations
    domain.get_translations = lambda: memo("translations", look_up)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: domain.get_translations().ugettext(text),
        ngettext=lambda one, many, count: domain.get_translations().ungettext(one, many, count),
        newstyle=True,
    )


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Return a sentence with its %(name)s places filled; one without values may hold a plain % sign."""
    return _(template, **values) if values else _(template)


def within(noun: str) -> str:
    """Return a noun as it stands within a sentence: "customer class", but "API key"."""
    return noun if noun[:2].isupper() else noun[:1].lower() + noun[1:]


def sentence(text: str) -> str:
    """Return what is wrong with a value."""
    return fill(text.template, text.values) if isinstance(text, Message) else _(text)


def translated(refused: Refused) -> str:
    """Return why a deed was refused."""
    return fill(refused.message, refused.values)


def with_link(refused: Refused) -> str:
    """Return why a deed was refused, with the way to the record to go on to, if the person asking may see it."""
    text = translated(refused)
    if refused.see is None or not allowed("show", refused.see[0]):
        return text
    resource, row_id = refused.see
    url = clientele().screens[resource].row_url("details_view", row_id)
    return Markup('{} <a href="{}">{}</a>').format(text, url, _("Open it"))
