"""The second step of signing in: six digits from an authenticator app, or a recovery code (rule 16.9)."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import re
import secrets
from contextlib import suppress
from typing import cast

import pyotp
from sqlalchemy import Connection, Engine, Table, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from actions.core.base import Context, Outcome, Refused, action
from actions.execution.runner import Call
from actions.execution.session_store import digest
from actions.staff import security_events
from models.access import RecoveryCode, SecondFactor
from models.base import N_, Staff
from models.dialect import WRITE
from models.member import Member
from models.staff import LACKS_FACTOR
from models.vault import Closed, Secret

FACTORS, CODES = cast(Table, SecondFactor.__table__), cast(Table, RecoveryCode.__table__)
STEP = 30
"""Seconds for which a code is shown; the one before and the one after are taken too, as clocks differ."""
RECOVERY_CODES = 10
THERE_IS_ONE = "there_is_one", N_("Two-factor authentication is already on. Turn it off first.")
NOT_BEGUN = "not_begun", N_("Start again.")
WRONG_CODE = "wrong_code", N_("Wrong code. Check that the time on your phone is right.")
FACTOR_CLOSED = N_(
    "Your code cannot be checked because this server lacks the key for two-factor authentication. "
    "Use a recovery code, or ask your admin to put the key back into ENCRYPTION_KEYS or to turn off "
    "your two-factor authentication so that you can set it up again."
)
NO_FACTOR = "no_factor", N_("%(name)s has not set up two-factor authentication.")


class TwoFactorClosed(Refused):
    """The server lacks the key that the secret of a second step is encrypted with (HTTP 503)."""

    status = 503

    def __init__(self) -> None:
        super().__init__("two_factor_unreadable", FACTOR_CLOSED)


def has(session: Session, user_id: int) -> bool:
    """Return whether a person is asked for a code at sign-in."""
    wanted = exists().where(SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None))
    return bool(session.scalar(select(wanted)))


def is_due(session: Session, user_id: int) -> bool:
    """Return whether a person holds a role that needs a second step, by themselves or by a group, and has none."""
    return bool(session.scalar(select(LACKS_FACTOR).where(Staff.id == user_id)))


def unconfirmed(session: Session, user_id: int) -> str:
    """Return the secret that a person's app is to take up, nothing where they have not begun, or are to begin again."""
    wanted = select(SecondFactor.key).where(
        SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_(None)
    )
    key = session.scalar(wanted)
    with suppress(Closed):
        return key.open() if key is not None else ""
    return ""


def codes_left(session: Session, user_id: int) -> int:
    """Return how many recovery codes a person has not used."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def begin(engine: Engine, user_id: int, now: dt.datetime) -> None:
    """Make a secret for a person's app, in place of one they did not confirm. It asks nobody for anything yet.

    :raises Refused: ``there_is_one``.
    """
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        mine = FACTORS.c.user_id == user_id
        if connection.scalar(select(FACTORS.c.id).where(mine, FACTORS.c.confirmed_at.is_not(None))):
            raise Refused(*THERE_IS_ONE)
        connection.execute(delete(FACTORS).where(mine))
        key = pyotp.random_base32()
        connection.execute(insert(FACTORS).values(user_id=user_id, key=key, created_at=now, last_step=0))


def confirm(engine: Engine, call: Call, user_id: int, code: str) -> list[str]:
    """Take a secret into use once a first code shows that the app has it; return new recovery codes, shown this once.

    :raises Refused: ``not_begun`` or ``wrong_code``. :raises TwoFactorClosed: the encryption key is another since.
    """
    with security_events.happening(engine, "staff.two_factor_enabled", call, user_id) as (ctx, member):
        row = ctx.session.scalar(
            select(SecondFactor).where(SecondFactor.user_id == user_id).with_for_update()
        )
        if row is None or row.confirmed_at is not None:
            raise Refused(*NOT_BEGUN)
        step = _step_of(_opened(row.key), _tidy(code), ctx.now)
        if step is None:
            raise Refused(*WRONG_CODE)
        row.confirmed_at, row.last_step = ctx.now, step
        ctx.mail_staff("staff_two_factor_enabled", member)
        return _new_codes(ctx, user_id)


def take(engine: Engine, call: Call, user_id: int, code: str) -> bool:
    """Return whether a code is good, and use it up: of several at once with the same code, one gets through.

    :raises TwoFactorClosed: no code can be looked at; recovery codes still can.
    """
    tidy = _tidy(code)
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        if re.fullmatch("[0-9]{6}", tidy):
            return _take_step(connection, user_id, tidy, call.now)
        used = _take_recovery(connection, user_id, tidy, call.now)
    if used:
        security_events.record(engine, "staff.recovery_code_used", call, user_id)
    return used


def remove(engine: Engine, call: Call, user_id: int) -> None:
    """Switch a person's own second step off. :raises Refused: ``no_factor``."""
    with security_events.happening(engine, "staff.two_factor_disabled", call, user_id) as (ctx, member):
        _clear(ctx, member)


@action(
    "staff.reset_two_factor", Member, label=N_("Turn off two-factor authentication"), danger=True, final=True
)
def reset(ctx: Context, member: Member) -> Outcome:
    """Let somebody in without a code who has lost phone and recovery codes. :raises Refused: ``no_factor``."""
    _clear(ctx, member)
    return Outcome(
        N_("%(name)s signs in with a password only until they set it up again."),
        member,
        {"name": str(member)},
    )


def _clear(ctx: Context, member: Member) -> None:
    connection = ctx.session.connection()
    mine = FACTORS.c.user_id == member.id, FACTORS.c.confirmed_at.is_not(None)
    if connection.execute(delete(FACTORS).where(*mine)).rowcount == 0:
        raise Refused(*NO_FACTOR, name=str(member))
    connection.execute(delete(CODES).where(CODES.c.user_id == member.id))
    ctx.mail_staff("staff_two_factor_disabled", member)


def _take_step(connection: Connection, user_id: int, code: str, now: dt.datetime) -> bool:
    mine = FACTORS.c.user_id == user_id, FACTORS.c.confirmed_at.is_not(None)
    key = connection.scalar(select(FACTORS.c.key).where(*mine))
    step = _step_of(_opened(key), code, now) if key is not None else None
    if step is None:
        return False
    newer = update(FACTORS).where(*mine, FACTORS.c.last_step < step).values(last_step=step)
    return connection.execute(newer).rowcount == 1


def _opened(key: Secret) -> str:
    try:
        return key.open()
    except Closed:
        raise TwoFactorClosed from None


def _take_recovery(connection: Connection, user_id: int, code: str, now: dt.datetime) -> bool:
    mine = CODES.c.user_id == user_id, CODES.c.code_hash == _hash(user_id, code), CODES.c.used_at.is_(None)
    return connection.execute(update(CODES).where(*mine).values(used_at=now)).rowcount == 1


def _step_of(key: str, code: str, now: dt.datetime) -> int | None:
    """Return the half minute that a code is of, the newest of those that are taken now; None for none of them."""
    current, generator = int(now.timestamp()) // STEP, pyotp.HOTP(key)
    for step in (current + 1, current, current - 1):
        if hmac.compare_digest(generator.at(step).encode(), code.encode()):
            return step
    return None


def _new_codes(ctx: Context, user_id: int) -> list[str]:
    """Make recovery codes of 80 random bits each in place of older ones."""
    made = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _n in range(RECOVERY_CODES)]
    connection = ctx.session.connection()
    connection.execute(delete(CODES).where(CODES.c.user_id == user_id))
    rows = [{"user_id": user_id, "code_hash": _hash(user_id, code)} for code in made]
    connection.execute(insert(CODES), rows)
    return ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in made]


def _hash(user_id: int, code: str) -> str:
    return digest(f"{user_id}:{code}")


def _tidy(code: str) -> str:
    """Return a code as it is compared: people type blanks and dashes as they see them."""
    return re.sub(r"[\s-]", "", code[:60]).lower()
