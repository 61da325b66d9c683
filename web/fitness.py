"""What a serving process does while its database is not as this release needs it (rule 8.12).

It asks at its start and when /readyz does. A database of an older release serves nobody: 503 until it is up to date.
Where a newer release upgrades it while this process runs, it goes on as long as the database has all it needs; then it
answers 503 as well. Nothing starts on such a database unless each newer migration is additive (models/standing.py).
Where only triggers are gone, which keep ledgers and journal from being altered, nothing is saved, and reading goes on.
"""

from __future__ import annotations

import logging
import time
from typing import cast

from flask import Flask, current_app, request
from flask_babel import gettext as _
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

from models import schema
from models.base import N_, db
from models.outage import Trouble

log = logging.getLogger(__name__)
ASK_AGAIN_AFTER = 5.0
"""Seconds after which a process that found its database unfit looks again."""
READS = frozenset({"GET", "HEAD", "OPTIONS"})
STILL_DONE = (".login", ".logout", ".sign_in", ".sign_out")
"""How the endpoints end of what is done all the same: nobody is locked in or out."""
UNGUARDED = N_(
    "The database no longer protects its ledgers and journal, so nothing can be saved until an admin "
    "has fixed it. You can still look things up."
)

OUTDATED = (
    "A newer version has upgraded the database. This process goes on as long as the database has what it needs: "
    "restart it with that version."
)


class Unguarded(ServiceUnavailable):
    """Nothing is saved, and reading goes on, menu and all."""

    framed = True


class Fitness:
    """What this process knows of its database."""

    def __init__(self) -> None:
        self.unfit: schema.SchemaError | None = None
        self.standing = schema.Standing.CURRENT
        self._asked = 0.0

    def look(self, engine: Engine, *, running: bool = True) -> None:
        """Look at the database, and tell the log where it is newly unfit, or newly of a newer release.

        :param running: whether this process serves already, and goes on if it can.
        :raises SQLAlchemyError: it does not answer.
        """
        before, stood, self._asked = str(self.unfit or ""), self.standing, time.monotonic()
        try:
            self.standing, self.unfit = schema.check(engine, running=running), None
        except schema.SchemaError as unfit:
            self.unfit = unfit
        if (now := str(self.unfit or "")) != before:
            log.error("%s", now or "The database matches this release again.")
        elif self.standing.is_newer and self.standing is not stood:
            log.warning(OUTDATED)

    def look_again(self, engine: Engine) -> None:
        """Look whether it was fixed, not at every request."""
        if time.monotonic() - self._asked >= ASK_AGAIN_AFTER:
            self.look(engine)


def fitness() -> Fitness:
    """Return what the running application knows of its database."""
    return cast(Fitness, current_app.extensions["clientele.fitness"])


def register(app: Flask, known: Fitness | None = None) -> None:
    """Install the refusal. :param known: what another application of this process knows of the same database."""
    app.extensions["clientele.fitness"] = known or Fitness()
    app.before_request(_refuse)


def _refuse() -> None:
    known = fitness()
    if known.unfit is None or request.endpoint == "static" or request.blueprint == "health":
        return
    known.look_again(db.engine)
    if known.unfit is None:
        return
    if known.unfit.state != "damaged":
        raise ServiceUnavailable(_(Trouble.SCHEMA.sentence))
    if request.method not in READS and not (request.endpoint or "").endswith(STILL_DONE):
        raise Unguarded(_(UNGUARDED))


def check_at_start(app: Flask) -> None:
    """Refuse to start on a database that is not as this release needs it; one that is away is waited for.

    :raises SchemaError: with a sentence for the person who started us.
    """
    with app.app_context():
        try:
            fitness().look(db.engine, running=False)
        except SQLAlchemyError:
            return
        if (unfit := fitness().unfit) is not None:
            raise unfit
