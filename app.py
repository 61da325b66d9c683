"""The application factory: wires the parts together and holds no logic."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from flask import Flask, g, redirect, url_for
from flask_admin import Admin
from flask_talisman import Talisman
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine, event
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.security import generate_password_hash

import actions.registry  # noqa: F401  registers every rule that a save runs
import jobs.registry  # noqa: F401  declares what the clock does
import models  # noqa: F401  completes the metadata
from actions.cli import commands as action_commands
from actions.journal import read_only
from admin import (
    cli,
    errors,
    factor,
    guards,
    health,
    home,
    mailing,
    own_account,
    palette,
    password_links,
    proof,
    rest,
    reveals,
    search,
    second_step,
    sentences,
    view_as,
)
from admin.base import Screen
from admin.context import Clientele
from admin.federated import SamlSignIn
from admin.identity import Identity, IdentityBuilder
from admin.screens import SCREENS
from admin.sessions import StaffSessions
from config import ROOT, Settings
from jobs.cli import commands as job_commands
from models import dialect
from models.base import db
from models.cli import commands as model_commands

CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": ["'self'", "data:"],
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def utc_now() -> dt.datetime:
    """Return the present instant."""
    return dt.datetime.now(dt.UTC)


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], dt.datetime] = utc_now,
    screens: Sequence[type[Screen]] = (),
) -> Flask:
    """Return the back office, ready to serve.

    :param settings: the deployment's settings; read from the environment when left out.
    :param clock: what time it is; tests pass their own.
    :param screens: screens besides the shipped ones.
    """
    settings = settings or Settings.from_environment()
    app = Flask(
        "clientele", static_folder=str(ROOT / "admin" / "static"), template_folder=str(ROOT / "templates")
    )
    app.config.update(_configuration(settings))
    proxies = settings.trusted_proxies
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]
    app.extensions["clientele"] = Clientele(clock)
    app.extensions["clientele.settings"] = settings
    mailing.install(app, settings)
    db.init_app(app)
    app.session_interface = StaffSessions()
    protection = CSRFProtect(app)
    for view in (SamlSignIn.acs, SamlSignIn.slo):
        protection.exempt(view)  # what it takes comes from elsewhere, and is signed
    _secure(app, settings)
    app.before_request(_name_request)
    with app.app_context():
        dialect.configure(db.engine)
        event.listen(db.session, "before_flush", read_only)
        builder = IdentityBuilder(app, db.session, security_manager_class=Identity)
        _add_screens(app, builder, (*SCREENS, *screens))
    sentences.install(app)
    errors.register(app)
    guards.register(app)
    view_as.register(app)
    for pages in (health, search, palette, own_account, password_links, factor, second_step, proof, reveals):
        app.register_blueprint(pages.blueprint)
    app.add_url_rule("/", "root", lambda: redirect(url_for("admin.index")))
    _add_commands(app)
    return app


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key or secrets.token_urlsafe(32),
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": dialect.engine_options(settings.database_url),
        "TESTING": settings.testing,
        "APP_NAME": "Clientele",
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_PASSWORD_HASH_METHOD": settings.password_hash,
        "FAB_SECURITY_SIGNALS_ENABLED": False,
        "BABEL_DEFAULT_LOCALE": "en_GB",
        "LANGUAGES": {"en": {"flag": "gb", "name": "English"}},
        "MAX_CONTENT_LENGTH": 10 * 1024 * 1024,
        "MAX_FORM_PARTS": 2000,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.behind_tls,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "TRUSTED_HOSTS": list(settings.trusted_hosts),
        "WTF_CSRF_TIME_LIMIT": None,
        # Our pages send no Referer, so over TLS the check of it would refuse every form; the token is the protection.
        "WTF_CSRF_SSL_STRICT": False,
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(minutes=15),
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(hours=1),
        **settings.identity,
    }


def _secure(app: Flask, settings: Settings) -> None:
    Talisman(
        app,
        force_https=False,
        strict_transport_security=settings.behind_tls,
        session_cookie_secure=settings.behind_tls,
        content_security_policy=CONTENT_SECURITY_POLICY,
        frame_options="DENY",
        referrer_policy="no-referrer",
    )


def _name_request() -> None:
    g.request_id = secrets.token_hex(8)


def _add_screens(app: Flask, builder: IdentityBuilder, classes: Sequence[type[Screen]]) -> None:
    state: Clientele = app.extensions["clientele"]
    admin = Admin(app, name="Clientele", index_view=home.Home(), url="/admin")
    for screen_class in classes:
        screen = screen_class()
        state.screens[screen.resource] = screen
        state.by_model.setdefault(screen_class.model, screen)
        state.by_table.setdefault(screen_class.model.__tablename__, screen)
        admin.add_view(screen)
        builder.add_api(rest.api_for(screen))
    builder.add_api(rest.OpenApi)


def _add_commands(app: Flask) -> None:
    def engine() -> Engine:
        with app.app_context():
            return db.engine

    clock = app.extensions["clientele"].clock

    def hash_password(password: str) -> str:
        return generate_password_hash(password, app.config["FAB_PASSWORD_HASH_METHOD"])

    work = action_commands(engine, clock, mailing.post(app))
    timed = job_commands(engine, clock)
    for command in (*model_commands(engine, hash_password), *work, *timed, *cli.COMMANDS):
        app.cli.add_command(command)
