"""Other points for duplicates, or another threshold: all pairs are judged again in the same change (rule 7.13).

Set-based, from the bits that each pair has: no record is looked at for it. Pairs that nobody has found yet, as their
score was too low, the worker looks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    func,
    literal,
    not_,
    or_,
    update,
)
from sqlalchemy.orm import Session

from actions.core.base import Context
from actions.duplicates import checking
from actions.duplicates.looking import LOCK, PAIRS
from actions.execution.invariants import invariant
from models.dialect import advisory_lock
from models.duplicate import DuplicatePair
from models.evidence import WEIGHTS, Evidence, Scoring
from models.shop import load_shop


@invariant("shop_setting")
def follow_settings(ctx: Context) -> None:
    """Have every pair judged as the settings now say, by whatever way they were changed, an undo among them."""
    wanted = load_shop(ctx.session).duplicate_scoring
    if wanted == ctx.shop.duplicate_scoring:
        return
    connection = ctx.session.connection()
    judge_again(connection, wanted)
    if _finds_more(ctx.shop.duplicate_scoring, wanted):
        checking.check_everybody(connection)


def judge_again(connection: Connection, scoring: Scoring) -> None:
    """Write the score of each pair and whether it is likely; what is to be shown no more goes."""
    advisory_lock(connection, LOCK)
    c, score = PAIRS.c, _score(scoring)
    likely = score >= scoring.threshold
    differs = or_(c.score != score, c.is_likely != likely)
    connection.execute(update(PAIRS).where(differs).values(score=score, is_likely=likely))
    always = or_(c.is_plain, _has(Evidence.EMAIL))
    connection.execute(PAIRS.delete().where(and_(not_(c.is_likely), not_(always))))


def likely(session: Session, pairs: Select[Any], scorings: Sequence[Scoring]) -> list[int]:
    """Return how many of some pairs would be likely the same under each way of scoring."""
    found = pairs.with_only_columns(DuplicatePair.evidence, func.count()).group_by(DuplicatePair.evidence)
    kinds = [(int(bits), int(count)) for bits, count in session.execute(found)]
    return [sum(count for bits, count in kinds if one.is_likely(bits)) for one in scorings]


def _finds_more(before: Scoring, now: Scoring) -> bool:
    raised = any(new > old for old, new in zip(before.weights, now.weights, strict=True))
    return raised or now.threshold < before.threshold


def _score(scoring: Scoring) -> ColumnElement[int]:
    counted = [(kind, weight) for kind, weight in zip(WEIGHTS, scoring.weights, strict=True) if weight]
    parts = [_bit(kind) * literal(weight, Integer) for kind, weight in counted]
    return reduce(add, parts, cast(ColumnElement[int], literal(0, Integer)))


def _bit(kind: Evidence) -> ColumnElement[int]:
    """Return 1 where a pair says something, and 0 where it does not."""
    place = int(kind).bit_length() - 1
    return cast(ColumnElement[int], PAIRS.c.evidence.bitwise_rshift(place).bitwise_and(1))


def _has(kind: Evidence) -> ColumnElement[bool]:
    return _bit(kind) == 1
