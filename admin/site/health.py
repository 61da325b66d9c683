"""Whether this process lives and whether it can serve: for load balancers and monitoring (rule 8.8).

Neither asks who asks, and neither says anything of anybody. Both answer without a session.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from actions.maintenance import encryption
from admin.request.context import app_state
from admin.site.backlog import waiting, writing
from jobs.base import JOBS, last_runs, overdue_since, rows
from models import outage, rescaling, schema
from models.base import db
from models.mail import Mail, MailState
from models.outage import Trouble
from models.shop import load_shop
from models.zones import RELEASE
from web.fitness import fitness

blueprint = Blueprint("health", __name__)
SAID = ("failed_mail", "waiting_mail", "waiting_runs", "portal_mail_stopped")
"""What besides overdue jobs somebody should look after."""
PATHS = ("/healthz", "/readyz")


@blueprint.get("/healthz")
def alive() -> Response:
    """Answer that the process serves requests; nothing else is asked."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Answer 200 where the database is there and as this release needs it, else 503.

    What taking it out of service would not fix makes it ``degraded`` only: jobs, mails and runs that wait for somebody
    who does not come, and a database that takes no changes but can be read.
    """
    found = _look(db.engine)
    return jsonify(found), 503 if found["status"] == "unavailable" else 200


def is_asked() -> bool:
    """Return whether a request is one of these, which nothing else is to look at."""
    return request.path in PATHS


def _look(engine: Engine) -> dict[str, Any]:
    try:
        if (unfit := _unfit(engine)) is not None:
            return {"status": "unavailable", "database": "ok", "schema": unfit.state}
        rescaling.refuse_differences(engine)
        with Session(engine) as session:
            found, closed = _found(session), encryption.are_closed(session)
        stuck = writing().look(engine, app_state().clock())
    except schema.SchemaError as other:
        return {"status": "unavailable", "database": "ok", "schema": other.state}
    except SQLAlchemyError as error:
        if (ails := outage.trouble(error)) is None:
            raise
        return {"status": "unavailable", "database": "unavailable" if ails is Trouble.GONE else ails.word}
    return _told(found, stuck, closed=closed)


def _told(found: dict[str, dt.datetime | None], stuck: Trouble | None, *, closed: bool) -> dict[str, Any]:
    """Return the answer of a process that can serve.

    :param stuck: what keeps the database from taking changes. :param closed: no key opens what is stored encrypted.
    """
    known, standing = {**found, "writable": writing().since}, fitness().standing
    since = {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in known.items() if at is not None}
    return {
        "status": "degraded" if since or closed or standing is schema.Standing.INCOMPATIBLE else "ok",
        "database": "ok" if stuck is None else stuck.word,
        "schema": standing.value,
        "encryption": encryption.CLOSED if closed else "ok",
        "writable": stuck is None,
        "overdue_jobs": sorted(found.keys() & JOBS.keys()),
        **{name: found[name] is not None for name in SAID},
        "since": since,
        "time_zones": RELEASE,
    }


def _found(session: Session) -> dict[str, dt.datetime | None]:
    """Return what somebody should look after -> since when: each overdue job by its code, mail and runs by a word."""
    now = app_state().clock()
    waits = waiting(session, now)
    seen = _failed_mail(session), waits.mail, waits.runs, waits.portal
    said = dict(zip(SAID, seen, strict=True))
    return {**_overdue(session, now), **said}


def _unfit(engine: Engine) -> schema.SchemaError | None:
    """Return why the database is not as this release needs it, having the process know it from now on."""
    fitness().look(engine)
    return fitness().unfit


def _overdue(session: Session, now: dt.datetime) -> dict[str, dt.datetime | None]:
    """Return code -> slot of the jobs whose time has come and that nobody has started."""
    there, zone = rows(session), load_shop(session).zone
    last = last_runs(session, [row.id for row in there.values()])
    slots = {
        code: overdue_since(row, last.get(row.id), now, zone) for code, row in there.items() if code in JOBS
    }
    return {code: slot for code, slot in slots.items() if slot is not None}


def _failed_mail(session: Session) -> dt.datetime | None:
    """Return when the oldest mail was written that failed and that nobody has sent again."""
    failed = select(func.min(Mail.created_at)).where(Mail.state == MailState.FAILED, Mail.resent_at.is_(None))
    return session.scalar(failed)
