"""Whether this process lives and whether it can serve: for load balancers and whoever watches (rule 8.8).

Neither asks who asks, and neither says anything of anybody. Both answer without a session.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import Engine, exists, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from admin.context import clientele
from jobs.base import JOBS, is_overdue, last_runs, rows
from models import schema
from models.base import db
from models.mail import Mail, MailState
from models.shop import load_shop

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__)
PATHS = ("/healthz", "/readyz")


@blueprint.get("/healthz")
def alive() -> Response:
    """Answer that the process serves requests; nothing else is asked."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Answer 200 where the database is there and as this release needs it, else 503.

    What does not keep people from working makes it ``degraded`` only: jobs nobody has started, mails that failed.
    """
    found = _look(db.engine)
    return jsonify(found), 503 if found["status"] == "unavailable" else 200


def is_asked() -> bool:
    """Return whether a request is one of these, which nothing else is to look at."""
    return request.path in PATHS


def _look(engine: Engine) -> dict[str, Any]:
    try:
        if not schema.at_head(engine):
            return {"status": "unavailable", "database": "ok", "schema": "behind"}
        with Session(engine) as session:
            late, failed = _overdue(session), _has_failed_mail(session)
    except schema.SchemaError:
        return {"status": "unavailable", "database": "ok", "schema": "unknown"}
    except SQLAlchemyError as error:
        log.warning("readyz: the database does not answer: %s", type(error).__name__)
        return {"status": "unavailable", "database": "unavailable"}
    told = {"database": "ok", "schema": "ok", "overdue_jobs": late, "failed_mail": failed}
    return {"status": "degraded" if late or failed else "ok", **told}


def _overdue(session: Session) -> list[str]:
    """Return the codes of the jobs whose time has come and that nobody has started."""
    there = rows(session)
    last = last_runs(session, [row.id for row in there.values()])
    now, zone = clientele().clock(), load_shop(session).zone
    return sorted(
        code for code, row in there.items() if code in JOBS and is_overdue(row, last.get(row.id), now, zone)
    )


def _has_failed_mail(session: Session) -> bool:
    failed = exists().where(Mail.state == MailState.FAILED, Mail.resent_at.is_(None))
    return bool(session.scalar(select(failed)))
