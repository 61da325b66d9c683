"""What is asked for on public pages of the portal: written down there, decided by a worker (rule 5.4).

The page writes the same row for every address and answers the same, so neither its words nor its time tell whether
there is such an account. Only the worker looks.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from threading import Event
from typing import cast

from sqlalchemy import Engine, Table, insert, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from actions.core.base import Context, Refused
from actions.execution.runner import Call, changeset
from actions.portal import links, login_as, mail_ceiling, registering
from actions.staff.security_events import NOBODY
from models import normalise
from models.choices import Status
from models.customer import Customer
from models.dialect import WRITE
from models.portal import PortalRequest, PortalRequestKind

log = logging.getLogger(__name__)
TABLE = cast(Table, PortalRequest.__table__)
LOOK_EVERY = 1.0
"""Seconds between two looks at what waits."""
Waiting = tuple[int, PortalRequestKind]
REFUSED = IntegrityError, DataError
"""What a database raises about what it was given, whenever it is asked."""
UNDECIDED = "request %s from the portal could not be decided"


def ask(engine: Engine, kind: PortalRequestKind, email: str, now: dt.datetime, request_id: str) -> None:
    """Write down what somebody asks for, by an address that may be anybody's."""
    row = {"kind": kind, "email": email[:254], "created_at": now, "request_id": request_id}
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        connection.execute(insert(TABLE).values(row))


def serve(engine: Engine, clock: Callable[[], dt.datetime], stop: Event) -> None:
    """Decide what waits, and write down which logins as a customer are over, until ``stop``; where the database is
    away, again later."""
    while not stop.is_set():
        _look_after(lambda: decide_all(engine, clock))
        _look_after(lambda: login_as.close_all(engine, clock()))
        stop.wait(LOOK_EVERY)


def _look_after(step: Callable[[], object]) -> None:
    """Take one ``step``; where it fails, the log has it, and the next is taken all the same."""
    try:
        step()
    except (DBAPIError, PoolTimeout):
        pass  # models.outage tells the log; what waits is there when the database is
    except Exception:
        log.exception("what customers asked for, or who is logged in as them, could not be looked after")


def decide_all(engine: Engine, clock: Callable[[], dt.datetime]) -> int:
    """Decide everything that waits; return the number of requests.

    One that cannot be decided holds up no other: the log has the fault, and it is forgotten.
    """
    done = 0
    while (waiting := _next(engine)) is not None:
        done += _decide_or_forget(engine, waiting, clock)
    return done


def _decide_or_forget(engine: Engine, waiting: Waiting, clock: Callable[[], dt.datetime]) -> int:
    """Decide one request; return 0 where it had to be forgotten.

    What the database refuses to store is tried once more, as two who write at once are in order by then.

    :raises DBAPIError: the database is away or busy, or has no connection free (``TimeoutError``),
        so the request waits.
    """
    for turn in (1, 2):
        try:
            return _decide(engine, *waiting, clock())
        except (DBAPIError, PoolTimeout) as error:
            if not isinstance(error, REFUSED):
                raise
            if turn == 1:
                continue
            log.exception(UNDECIDED, waiting[0])
        except Exception:
            log.exception(UNDECIDED, waiting[0])
        break
    _forget(engine, waiting[0])
    return 0


def _next(engine: Engine) -> Waiting | None:
    with engine.connect() as connection:
        first = select(TABLE.c.id, TABLE.c.kind).order_by(TABLE.c.id).limit(1)
        return cast("Waiting | None", connection.execute(first).first())


def _forget(engine: Engine, waiting: int) -> None:
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        connection.execute(TABLE.delete().where(TABLE.c.id == waiting))


def _decide(engine: Engine, waiting: int, kind: PortalRequestKind, now: dt.datetime) -> int:
    """Decide one request, and forget it in the same transaction; return 0 where another worker has it.

    Where a day's mails are sent (rule 5.10) it is forgotten without an answer.
    """
    event, answer = ANSWERS[kind]
    with changeset(engine, event, Call(NOBODY, now)) as ctx:
        taken = ctx.session.execute(
            TABLE.delete().where(TABLE.c.id == waiting).returning(TABLE.c.email, TABLE.c.request_id)
        ).first()
        if taken is None:
            return 0
        ctx.journal.header["request_id"] = taken.request_id
        full = mail_ceiling.reached_since(ctx.session, ctx.shop, ctx.now) is not None
        if not full:
            answer(ctx, taken.email)
    if full:
        mail_ceiling.say(engine, ctx.shop.portal_mails_a_day, now)
    return 1


def _send_link(ctx: Context, email: str) -> None:
    """Send a link to a password where the address is a registered customer's who may sign in; else do nothing."""
    customer = known(ctx.session, email)
    if customer is None or not links.may_choose(customer):
        return
    locked = ctx.lock_one(Customer, customer.id)
    if not links.may_choose(locked):
        return
    ctx.set_subject(locked)
    try:
        links.send(ctx, locked)
    except Refused as refused:
        log.info("a password reset link was not sent: %s", refused.code)


ANSWERS: dict[PortalRequestKind, tuple[str, Callable[[Context, str], None]]] = {
    PortalRequestKind.RESET: ("customer.reset_asked", _send_link),
    PortalRequestKind.REGISTRATION: ("customer.registration_asked", registering.answer),
}
"""What is asked for -> what the journal calls it, and what answers it."""


def known(session: Session, email: str) -> Customer | None:
    """Return the registered customer whose email that is; None where there is none."""
    key = normalise.email(email)
    if not key:
        return None
    registered = Customer.status == Status.REGISTERED, Customer.merged_into_id.is_(None)
    return session.scalar(
        select(Customer).where(Customer.email_key == key, *registered, Customer.anonymised_at.is_(None))
    )
