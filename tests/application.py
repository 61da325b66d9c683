"""How tests make the application, its template database and a signed-in browser."""

import datetime as dt
import re
import weakref
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.security import generate_password_hash

PASSWORD = "correct-horse-battery"
# The staff of the template database: one account for each shipped role.
USERNAMES = {
    "Admin": "admin",
    "Manager": "manager",
    "Back office": "backoffice",
    "Support": "support",
    "Finance": "finance",
    "Read-only": "readonly",
    "Shop": "shop",
    "Accounting package": "accounting",
}
LOCK_SECONDS = 60
CHEAP_HASH = "pbkdf2:sha256:1"  # signing in happens thousands of times here
TOKEN = re.compile(r'name="csrf[_-]token"[^>]*?(?:value|content)="([^"]+)"')


class Compiled(BytecodeCache):
    """Compiled templates, for all applications of a worker."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what is kept; Jinja itself sees whether the template has changed since."""
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = Compiled()


class Client(FlaskClient):
    """A test client that sends forms as a browser does, with the page's CSRF token, and reads every answer to its end.

    An export left half read would hold its request open, and end it in the middle of a later one.
    """

    def open(self, *args: Any, buffered: bool = True, **options: Any) -> Any:
        """Send a request."""
        return super().open(*args, buffered=buffered, **options)

    def csrf_token(self, path: str = "/login/") -> str:
        """Return the token that the page at ``path`` carries; as in a browser, one is good for the whole session."""
        session, token = getattr(self, "_csrf", ("", ""))
        if not session or session != self._session():
            answer = self.get(path, follow_redirects=path != "/login/")
            if (
                answer.status_code == 302
            ):  # whoever is signed in; an empty search is a page that is quickly made
                answer = self.get("/admin/search/")
            found = TOKEN.search(answer.get_data(as_text=True))
            assert found, f"no CSRF token in {path}"
            token = found.group(1)
            self._csrf = self._session(), token
        return str(token)

    def _session(self) -> str:
        kept = self.get_cookie("session")
        return kept.value if kept is not None else ""

    def send(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        """POST a form to ``path`` with the token."""
        return self.post(path, data={"csrf_token": self.csrf_token(), **(data or {})}, **options)


def make(url: str, *, wiring: dict[str, Any] | None = None, **settings: Any) -> Flask:
    """Build the application on the database at ``url``.

    ``settings`` are fields of ``config.Settings``; ``wiring`` has the other arguments of ``create_app``: a clock
    of the test's own, more screens.
    """
    from app import create_app
    from config import MailServer, Settings
    from models.base import db
    from tests.keyring import KEYS
    from web import fitness

    chosen = {
        "secret_key": "tests " * 8,
        "encryption_keys": KEYS,
        "password_hash": CHEAP_HASH,
        "read_seconds": 60,  # a busy machine is not a failing test
        "lock_seconds": LOCK_SECONDS,
        "testing": True,
        "mail": MailServer("127.0.0.1", 9, "desk@shop.example"),  # which nothing reaches: no worker runs
        **settings,
    }
    app = create_app(Settings(database_url=url, **chosen), **(wiring or {}))
    app.test_client_class = Client
    app.extensions["clientele"].keeps = 0.0  # the database is another one for each test
    fitness.ASK_AGAIN_AFTER = 0.0  # and what ailed that of one test ails no other
    app.jinja_env.bytecode_cache = _COMPILED
    with app.app_context():
        # An application nobody holds any more closes its connections; PostgreSQL's driver warns of those left open.
        weakref.finalize(app, db.engine.dispose)
    return app


class Told:
    """A clock that tells what the clock of the latest test does."""

    clock: Callable[[], dt.datetime]

    def __call__(self) -> dt.datetime:
        """Return what time it is."""
        return self.clock()


_shared: dict[str, tuple[Flask, Told]] = {}


def now() -> dt.datetime:
    """Return what time it is."""
    return dt.datetime.now(dt.UTC)


def shared(url: str, clock: Callable[[], dt.datetime] = now, **settings: Any) -> Flask:
    """Return an application on the database at ``url`` that goes by ``clock``; ``settings`` as of ``make``.

    It is built once a worker for each kind of settings, which takes as long as a hundred requests, so a test must not
    change them, and the clock of whoever asked for it before stands still.
    """
    kind = f"{url} {sorted(settings.items())!r}"
    if kind not in _shared:
        told = Told()
        told.clock = clock
        _shared[kind] = make(url, wiring={"clock": told}, **settings), told
    app, told = _shared[kind]
    told.clock = clock
    return app


def build_template(url: str) -> None:
    """Migrate an empty database with ``flask up`` and add the staff."""
    app = make(url)
    done = app.test_cli_runner().invoke(args=["up"])
    assert done.exit_code == 0, f"flask up failed:\n{done.output}\n{done.exception!r}"
    with app.app_context():
        security = app.appbuilder.sm
        for role, username in USERNAMES.items():
            found = security.find_role(role)
            assert found is not None, f"flask up made no role {role}"
            named = {"first_name": role, "last_name": "Tester", "email": f"{username}@shop.test"}
            kept = security.user_model(username=username, active=True, roles=[found], **named)
            kept.password = generate_password_hash(PASSWORD, CHEAP_HASH)
            security.session.add(kept)
        security.session.commit()


def browser(app: Flask) -> Client:
    """Return a client that is signed out."""
    client = app.test_client()
    assert isinstance(client, Client), "the application was not built by make()"
    return client


def sign_in(app: Flask, role: str) -> Client:
    """Return a client with a session of the member of staff with that shipped role; the form has tests of its own."""
    client = browser(app)
    client.set_cookie("session", session_cookie(app, USERNAMES[role]))
    return client


def session_cookie(app: Flask, username: str) -> str:
    """Begin a session as the sign-in form would; return its cookie."""
    from web.sessions import MARK

    return MARK + _begun(app, username, "browser")[1]


def bearer(app: Flask, username: str) -> str:
    """Begin a session as a sign-in at the API would; return its access token."""
    from flask_jwt_extended import create_access_token

    from admin.site.identity import SESSION_CLAIM

    user_id, token = _begun(app, username, "api")
    with app.app_context():
        claims = {SESSION_CLAIM: token}
        return str(create_access_token(str(user_id), fresh=True, additional_claims=claims))


def _begun(app: Flask, username: str, channel: str) -> tuple[int, str]:
    import sqlalchemy as sa

    from actions.execution.session_store import Caller
    from actions.staff.sessions import STORE
    from models.access import SessionChannel
    from models.base import Staff, db

    with app.app_context():
        user_id = db.session.scalar(sa.select(Staff.id).where(Staff.username == username))
        assert user_id is not None, f"there is no {username}"
        now, of = app.extensions["clientele"].clock(), SessionChannel[channel.upper()]
        return user_id, STORE.begin(db.engine, user_id, now, Caller("127.0.0.1", "tests"), channel=of)
