"""The application factory: wires the parts together and holds no logic."""

from __future__ import annotations

import datetime as dt
import secrets
import weakref
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any

import click
from flask import Flask, redirect, url_for
from flask_admin import Admin
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine, event
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.security import generate_password_hash

import actions.registry  # noqa: F401  registers every rule that a save runs
import jobs.registry  # noqa: F401  declares what the clock does
import models  # noqa: F401  completes the metadata
from actions.cli import commands as action_commands
from actions.core.journal import read_only
from actions.maintenance.backups import commands as backup_commands
from admin.api import login_as, rest
from admin.auth import two_factor
from admin.auth.federated import SamlSignIn
from admin.auth.sessions import STAFF
from admin.layout import errors, frame
from admin.listing import search
from admin.my_account import own_account, password_links, reauth_page, two_factor_setup, view_as
from admin.privacy import reveals
from admin.request.context import AppState, mask_context
from admin.screen import checks
from admin.screen.base import Screen
from admin.screen_spec.registry import Registry
from admin.screens import SCREENS
from admin.site import (
    binding,
    cli,
    health,
    home,
    mailing,
    palette,
    renamed_actions,
    renamed_fields,
    routing,
    startup_checks,
)
from admin.site.identity import Identity, IdentityBuilder
from config import NEEDS_ENCRYPTION, NEEDS_KEY, ROOT, Settings, SettingsError
from demo.cli import commands as demo_commands
from jobs.cli import commands as job_commands
from models import dialect
from models.base import db
from models.cli import plainly
from models.schema import SchemaError
from models.vault import Vault, new_key
from portal import application as portal
from portal import mount
from web import application, fitness, masking, messages, time_limits
from web import errors as web_errors
from web.sessions import ServerSessions

CANNOT_START = 3
"""The exit code at which gunicorn does not try again."""
CHECKED = frozenset({"act", "jobs", "password-link", "scheduler", "sign-out-all", "worker"})
"""Commands that do not begin on a database that is not as this release needs it."""
COUNTING = frozenset({"act", "demo", "jobs", "scheduler", "worker"})
"""Commands that count money, and do not begin where it is stored with other decimals; ``verify`` names that."""


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
    app.url_rule_class = routing.LateRule
    app.config.update(_configuration(settings))
    app.extensions["clientele"] = AppState(clock)
    app.extensions["clientele.screens"] = Registry()
    app.extensions["clientele.settings"] = settings
    mailing.install(app, settings)
    masking.install(app, mask_context)
    db.init_app(app)
    app.session_interface = ServerSessions(STAFF)
    app.before_request(application.name_request)
    app.before_request(web_errors.refuse_unknown_host)
    app.before_request(web_errors.give_up_without_session)
    protection = CSRFProtect(app)
    for view in (SamlSignIn.acs, SamlSignIn.slo):
        protection.exempt(view)  # what it takes comes from elsewhere, and is signed
    application.secure(app, behind_tls=settings.behind_tls)
    time_limits.register(app, settings.read_seconds, settings.lock_seconds)
    with app.app_context():
        _open_database(app, settings)
        builder = IdentityBuilder(app, db.session, security_manager_class=Identity)
        _add_screens(app, builder, (*SCREENS, *screens))
    _register(app)
    app.add_url_rule("/", "root", lambda: redirect(url_for("admin.index")))
    _add_commands(app)
    _mount_portal(app, settings, clock)
    _stand_behind(app, settings)
    return app


def _mount_portal(app: Flask, settings: Settings, clock: Callable[[], dt.datetime]) -> None:
    """Put the customers' portal beside the back office, behind the same proxies, on the same engine."""
    if not settings.serves_portal:
        return
    with app.app_context():
        beside = portal.create(settings, clock, db.engine, fitness.fitness())
    app.extensions["clientele.portal"] = beside
    mounted = mount.Mount(app.wsgi_app, beside.wsgi_app, mount.host_of(settings))
    app.wsgi_app = mounted  # type: ignore[method-assign]


def _register(app: Flask) -> None:
    """Register what holds for every address, and the pages that belong to no screen."""
    messages.install(app)
    frame.install(app)
    errors.register(app)
    renamed_fields.register(app)
    fitness.register(app)
    startup_checks.register(app)
    renamed_actions.register(app)
    view_as.register(app)
    for pages in (
        health,
        search,
        palette,
        own_account,
        password_links,
        two_factor_setup,
        two_factor,
        reauth_page,
        reveals,
    ):
        app.register_blueprint(pages.blueprint)


def _open_database(app: Flask, settings: Settings) -> None:
    """Set the engine up. It is let go at exit, too: the last to leave SQLite writes its log into the file."""
    dialect.configure(db.engine, must_exist=True, keys=Vault(settings.encryption_keys or [new_key()]))
    weakref.finalize(app, db.engine.dispose)
    event.listen(db.session, "before_flush", read_only)


def serve() -> Flask:
    """Return the back office for gunicorn; end with a sentence where its settings or its database will not do."""
    try:
        app = create_app()
        fitness.check_at_start(app)
    except (SettingsError, SchemaError) as unfit:
        click.echo(unfit, err=True)
        raise SystemExit(CANNOT_START) from None
    return app


def _stand_behind(app: Flask, settings: Settings) -> None:
    """Put before the application what knows of proxies, and what serves this machine alone while keys are in a file."""
    proxies = settings.trusted_proxies
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0)  # type: ignore[method-assign]
    if settings.key_is_kept or settings.encryption_is_kept:
        needs = NEEDS_KEY if settings.key_is_kept else NEEDS_ENCRYPTION
        app.wsgi_app = binding.OnThisMachine(app.wsgi_app, needs)  # type: ignore[method-assign]


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        **application.configuration(settings),
        "SECRET_KEY": settings.secret_key or secrets.token_urlsafe(32),
        "SQLALCHEMY_ENGINE_OPTIONS": dialect.engine_options(settings.database_url),
        "APP_NAME": "Clientele",
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_PASSWORD_HASH_METHOD": settings.password_hash,
        "FAB_SECURITY_SIGNALS_ENABLED": False,
        "LANGUAGES": {"en": {"flag": "gb", "name": "English"}},
        "MAX_CONTENT_LENGTH": 10 * 1024 * 1024,
        "MAX_FORM_PARTS": 2000,
        "SESSION_COOKIE_SECURE": settings.behind_tls,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(minutes=15),
        **settings.identity,
    }


def _add_screens(app: Flask, builder: IdentityBuilder, classes: Sequence[type[Screen]]) -> None:
    screens: Registry = app.extensions["clientele.screens"]
    admin = Admin(app, name="Clientele", index_view=home.Home(), url="/admin")
    for screen_class in classes:
        screen = screen_class()
        screens.add(screen)
        admin.add_view(screen)
        builder.add_api(rest.api_for(screen))
    screens.complete()
    checks.check_together(screens)
    builder.add_api(login_as.HandOverApi)
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
    kept = backup_commands(engine, clock)
    for command in _workshop():
        app.cli.add_command(command)
    for command in (*demo_commands(engine, hash_password), *work, *timed, *kept, *cli.COMMANDS):
        name = command.name
        app.cli.add_command(plainly(command, engine, checked=name in CHECKED, counts=name in COUNTING))


def _workshop() -> Sequence[click.Command]:
    """Return the commands for those who change the code, where the tools lie beside it."""
    there = (ROOT / "tools" / "new").is_dir()
    return import_module("tools.new.cli").COMMANDS if there else ()
