"""Which language a page of the portal speaks: its customer's, or else the browser's, the shop's, English (rule 6.15).

The customer's is read with the session, so that no page asks the database for it, nor needs it to say what went wrong.
"""

from __future__ import annotations

from babel import Locale
from flask import Flask, Response, g, request
from flask import session as browser_session
from flask_babel import Babel, get_locale
from sqlalchemy.exc import SQLAlchemyError

from actions.core.languages import is_spoken, locale_for, portal_translations, shipped
from models.shop import Shop
from portal.request import HOLDER, customer, live, logged_in_as
from web import errors, messages
from web.request import shop

UNKNOWN = Shop(locale="en_GB")
"""Stands for the shop where the database cannot say which it is."""
SPOKEN = {name.replace("_", "-").casefold(): name for name in shipped()}
"""Language as browsers name it -> as ours are named."""


def register(app: Flask) -> None:
    """Have Flask-Babel ask here, and answers say what they depend on."""
    Babel(app, locale_selector=_choose)
    messages.install(app, lambda locale: portal_translations(locale)[1])
    app.after_request(_vary)
    app.context_processor(lambda: {"lang": spoken})


def spoken() -> str:
    """Return the language that this page is really in, as HTML names it."""
    return portal_translations(locale())[0]


def locale() -> str:
    """Return how dates and figures are written on this page."""
    return str(get_locale())


def follow_record() -> None:
    """Go on in the language that the customer has just chosen."""
    g.own_language = customer().language
    messages.choose_again()


def leave() -> None:
    """Go on in the language of somebody who is not signed in."""
    g.own_language = None
    messages.choose_again()


def ask_nothing() -> None:
    """Ask the database for nothing more: what went wrong may be its own."""
    g.ask_nothing = True


def _choose() -> str:
    found = _shop()
    return locale_for(_wanted(found), found)


def _wanted(found: Shop) -> str | None:
    """Return the language to speak; None for the shop's."""
    own = _of_record()
    if own is not None and is_spoken(own):
        return own
    if logged_in_as() is not None:
        return None  # the browser is not the customer's
    g.asked_browser = True
    return _of_browser(found)


def _of_record() -> str | None:
    here = live()
    if here is None or HOLDER not in browser_session:
        return None
    own: str | None = g.get("own_language", here.language)
    return own


def _of_browser(found: Shop) -> str | None:
    """Return the language that a browser likes best of those spoken; the shop's in the way that its region writes it.

    Werkzeug's ``best_match`` would take English for "de-CH, en;q=0.5": it looks for the exact tag first.
    """
    for tag, quality in request.accept_languages:
        whole = tag.replace("_", "-").casefold()
        name = SPOKEN.get(whole) or SPOKEN.get(whole.partition("-")[0])
        if name is not None and quality > 0:
            return None if Locale.parse(found.locale).language == name else name
    return None


def _shop() -> Shop:
    if g.get("ask_nothing", False):
        return g.get("shop") or UNKNOWN
    try:
        return shop()
    except SQLAlchemyError:
        errors.let_go()
        return UNKNOWN


def _vary(response: Response) -> Response:
    if g.get("asked_browser", False):
        response.vary.add("Accept-Language")
    return response
