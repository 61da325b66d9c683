"""``make run``: bring the database up to date, fill it with a demo shop the first time, and serve it.

One process with several threads: SQLite lets one writer in at a time, and threads share one page cache.
"""

import sqlalchemy as sa
from flask import Flask
from gunicorn.app.base import BaseApplication

from app import create_app
from config import Settings

THREADS = 8


class Server(BaseApplication):
    """gunicorn, configured in code; its worker builds the application, so no connection crosses the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Answer gunicorn's question how to run."""
        self.cfg.set("bind", f"{self._settings.host}:{self._settings.port}")
        self.cfg.set("workers", 1)
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("threads", THREADS)
        self.cfg.set("loglevel", "warning")
        self.cfg.set("control_socket_disable", True)
        self.cfg.set("when_ready", lambda server: announce(self._settings))

    def load(self) -> Flask:
        """Build the application."""
        return create_app(self._settings)


def main() -> None:
    """Prepare, then serve until interrupted."""
    settings = Settings.from_environment()
    app = create_app(settings)
    command(app, "up")
    engine = sa.create_engine(settings.database_url)
    if is_empty(engine):
        print(f"Loading a demo shop of {settings.demo_customers} customers, this once ...", flush=True)
        command(app, "demo", "--customers", str(settings.demo_customers))
    engine.dispose()
    Server(settings).run()


def command(app: Flask, *words: str) -> None:
    """Run one of the application's own commands, as ``flask --app app …`` would; stop if it fails."""
    done = app.test_cli_runner().invoke(args=list(words))
    if done.exit_code != 0:
        raise SystemExit(done.output or f"flask {words[0]} failed: {done.exception!r}")


def is_empty(engine: sa.Engine) -> bool:
    """Whether the shop has no customers yet."""
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT 1 FROM customer LIMIT 1")).first() is None


def announce(settings: Settings) -> None:
    """Print where it listens and who can sign in."""
    print(f"\nClientele is at http://{settings.host}:{settings.port}\n", flush=True)


if __name__ == "__main__":
    main()
