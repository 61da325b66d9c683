"""``make run``: bring the database up to date, fill it with a demo shop the first time, and serve it.

One process with several threads: SQLite lets one writer in at a time, and threads share one cache.
"""

import os
from threading import Event, Thread

import sqlalchemy as sa
from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy.orm import Session

import demo
from actions.cli import work
from actions.maintenance import search_keys
from admin.site.mailing import post
from app import create_app
from config import Settings, SettingsError
from jobs.scheduler import keep_time
from models import schema
from models.base import db
from models.demo_accounts import CUSTOMER_EMAIL, MEMBERS, demo_customer, has_demo_staff

THREADS = 8
LAST_SECONDS = 10.0
"""What the clock and the worker have to end in when the server stops."""


class Server(BaseApplication):
    """gunicorn, configured in code; its worker builds the application, so no connection crosses the fork."""

    def __init__(self, settings: Settings, greeting: str) -> None:
        self._settings = settings
        self._greeting = greeting
        self._stop = Event()
        self._beside: list[Thread] = []
        super().__init__()

    def load_config(self) -> None:
        """Answer gunicorn's question how to run."""
        self.cfg.set("bind", f"{self._settings.host}:{self._settings.port}")
        self.cfg.set("workers", 1)
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("threads", THREADS)
        self.cfg.set("loglevel", "warning")
        self.cfg.set("control_socket_disable", True)
        self.cfg.set("worker_exit", lambda server, worker: self._leave())
        self.cfg.set("when_ready", lambda server: print(self._greeting, flush=True))

    def load(self) -> Flask:
        """Build the application, with the clock and a worker for runs and mail beside it in this one process."""
        app = create_app(self._settings)
        with app.app_context():
            engine, clock = db.engine, app.extensions["clientele"].clock
        self._beside = [
            Thread(target=keep_time, args=(engine, clock, self._stop), daemon=True),
            Thread(target=work, args=(engine, clock, post(app), "make run", self._stop), daemon=True),
        ]
        for thread in self._beside:
            thread.start()
        self._engine = engine
        return app

    def _leave(self) -> None:
        """Let the clock and the worker end what they are at, so that SQLite's log is written into its file."""
        self._stop.set()
        for thread in self._beside:
            thread.join(LAST_SECONDS)
        if self._beside:
            self._engine.dispose()


def main() -> None:
    """Prepare, then serve until interrupted. Whatever is written in the meantime is for nobody else to read."""
    os.umask(0o077)
    try:
        settings = Settings.from_environment()
    except SettingsError as wrong:
        raise SystemExit(str(wrong)) from None
    Server(settings, prepare(settings)).run()


def prepare(settings: Settings) -> str:
    """Migrate, load the demo shop into an empty database, and return what to tell the person who started us."""
    app = create_app(settings)
    command(app, "up")
    with app.app_context():
        if settings.demo_customers and is_new(db.engine):
            print(f"Loading a demo shop of {settings.demo_customers:,} customers, this once ...", flush=True)
            command(app, "demo", "--customers", str(settings.demo_customers))
        with Session(db.engine) as session:
            if search_keys.outdated(session) and not schema.is_newer(db.engine):
                print("Bringing search keys up to date ...", flush=True)
                for clash in search_keys.rewrite(db.engine, app.extensions["clientele"].clock()):
                    print(clash, flush=True)
            who = {
                "with_demo_staff": has_demo_staff(session),
                "with_demo_customer": demo_customer(session) is not None,
            }
            text = greeting(settings, **who)
        db.engine.dispose()
    return text


def command(app: Flask, *words: str) -> None:
    """Run one of the application's own commands, as ``flask --app app …`` would; stop if it fails."""
    done = app.test_cli_runner().invoke(args=list(words))
    if done.exit_code != 0:
        raise SystemExit(done.output or f"flask {words[0]} failed: {done.exception!r}")


def is_new(engine: sa.Engine) -> bool:
    """Whether nobody has worked with this database yet: it has no customers and no staff."""
    with engine.connect() as connection:
        counts = [
            connection.scalar(sa.text(f"SELECT COUNT(*) FROM {table}")) for table in ("customer", "ab_user")
        ]
    return not any(counts)


def greeting(settings: Settings, *, with_demo_staff: bool, with_demo_customer: bool) -> str:
    """The addresses and, while they exist, the demo sign-ins."""
    lines = ["", f"Clientele is at {settings.base_url}", ""]
    if with_demo_staff:
        lines += [f"  {member.username:<11} {demo.PASSWORD:<15} {member.role}" for member in MEMBERS] + [""]
    if settings.serves_portal:
        lines += [f"Customers sign in at {settings.addresses.portal_url}/", ""]
        lines += [f"  {CUSTOMER_EMAIL} {demo.PASSWORD}", ""] if with_demo_customer else []
    return "\n".join([*lines, "Ctrl+C stops it."])


if __name__ == "__main__":
    main()
