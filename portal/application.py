"""The customers' portal: a second application beside the back office, on the same engine and runner."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine

from config import PORTAL_PATH, ROOT, Settings
from models.base import db
from portal import (
    contact_email,
    email_address,
    errors,
    getting_in,
    inside,
    language,
    login_as,
    passwords,
    registering,
    words,
)
from portal.pages import (
    account,
    addresses,
    balance,
    cards,
    credit,
    details,
    emails,
    orders,
    people,
    points,
    security,
)
from portal.request import CUSTOMERS, live, mask_context
from web import application, fitness, masking, startup_checks, time_limits
from web import errors as web_errors
from web.request import STATE, shop
from web.sessions import ServerSessions

PAGES = (
    getting_in,
    login_as,
    registering,
    passwords,
    account,
    orders,
    points,
    credit,
    balance,
    cards,
    addresses,
    details,
    email_address,
    people,
    emails,
    contact_email,
    security,
)
"""What has addresses; each has a ``blueprint``."""


@dataclass(frozen=True, slots=True)
class PortalState:
    """What the application object carries: the clock."""

    clock: Callable[[], dt.datetime]


def create(
    settings: Settings, clock: Callable[[], dt.datetime], engine: Engine, known: fitness.Fitness
) -> Flask:
    """Return the portal, ready to be mounted.

    :param engine: the back office's: both are one process on one database. :param known: what is known of that.
    """
    app = Flask(
        "clientele-portal",
        static_folder=str(ROOT / "portal" / "static"),
        template_folder=str(ROOT / "templates"),
    )
    app.config.update(_configuration(settings))
    app.url_map.converters[inside.ROW] = inside.RowNumber
    app.extensions[STATE] = PortalState(clock)
    app.extensions["clientele.settings"] = settings
    masking.install(app, mask_context)
    db.init_app(app)
    with app.app_context():
        db.engines[None] = engine  # type: ignore[index]  # a dict: one of its own would be a second pool
    app.session_interface = ServerSessions(CUSTOMERS)
    app.before_request(application.name_request)
    app.before_request(web_errors.refuse_unknown_host)
    app.before_request(web_errors.give_up_without_session)
    language.register(app)
    login_as.register(app)
    protection = CSRFProtect(app)
    protection.exempt(login_as.begin)  # what it takes comes from the back office, and proves itself
    application.secure(app, behind_tls=_behind_tls(settings))
    time_limits.register(app, settings.read_seconds, settings.lock_seconds)
    errors.register(app)
    fitness.register(app, known)
    startup_checks.register(app)
    for pages in PAGES:
        app.register_blueprint(pages.blueprint)
    app.context_processor(lambda: {"shop": shop, "signed_in": live, "menu": inside.menu, **words.SHOWN})
    return app


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        **application.configuration(settings),
        "SECRET_KEY": _key(settings.secret_key),
        "SESSION_COOKIE_NAME": "portal_session",
        "SESSION_COOKIE_PATH": "/" if settings.portal_base_url else PORTAL_PATH,
        "SESSION_COOKIE_SECURE": _behind_tls(settings),
        "MAX_CONTENT_LENGTH": 256 * 1024,
        "MAX_FORM_PARTS": 200,
    }


def _behind_tls(settings: Settings) -> bool:
    own = settings.portal_base_url
    return own.startswith("https://") if own else settings.behind_tls


def _key(secret_key: str) -> str:
    """Return the portal's own key, so that nothing signed for one application is good in the other."""
    return hashlib.sha256(f"portal:{secret_key}".encode()).hexdigest()
