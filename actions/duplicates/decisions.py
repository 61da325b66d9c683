"""What people decide of two records: that they are not the same customer, or that they are again (rule 7.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from actions.core.base import Context, Outcome, Refused, action
from actions.core.customer_guard import refuse_unless_live
from models.base import N_
from models.customer import Customer
from models.duplicate import DuplicatePair, PairDecision, Verdict

DECIDED = "decided", N_("Somebody has already decided about these two records.")
REOPENED = "reopened", N_("This has already been reopened.")


@action("duplicate.dismiss", DuplicatePair, label=N_("Not the same"))
def dismiss(ctx: Context, pair: DuplicatePair, *, reason: str = "") -> Outcome:
    """Say that two records are two customers; they are not flagged again until somebody reopens it.

    :raises Refused: ``decided``, ``merged``, ``erased``.
    """
    return _decide(ctx, pair, Verdict.DIFFERENT, reason, N_("%(pair)s are not the same customer."))


@action("duplicate.household", DuplicatePair, label=N_("Same household"))
def household(ctx: Context, pair: DuplicatePair, *, reason: str = "") -> Outcome:
    """Say that two records are people who share an address, which stops the flag (rule 7.7).

    :raises Refused: ``decided``, ``merged``, ``erased``.
    """
    return _decide(ctx, pair, Verdict.HOUSEHOLD, reason, N_("%(pair)s are people of one household."))


def _decide(ctx: Context, pair: DuplicatePair, verdict: Verdict, reason: str, said: str) -> Outcome:
    both = ctx.lock(Customer, [pair.lower_id, pair.higher_id])
    for customer in both:
        refuse_unless_live(customer)
    if decision_of(ctx.session, pair.lower_id, pair.higher_id) is not None:
        raise Refused(*DECIDED)
    ctx.session.add(
        PairDecision(
            lower_id=pair.lower_id, higher_id=pair.higher_id, verdict=verdict, reason=reason.strip(),
            created_at=ctx.now, updated_at=ctx.now,
        )
    )  # fmt: skip
    return Outcome(said, pair, {"pair": " / ".join(str(customer) for customer in both)})


@action("pair_decision.reopen", PairDecision, label=N_("Reopen"))
def reopen(ctx: Context, decision: PairDecision, *, reason: str = "") -> Outcome:
    """Take back what was decided: the two are flagged again, as long as something speaks for it.

    :raises Refused: ``reopened``.
    """
    if decision.reopened_at is not None:
        raise Refused(*REOPENED)
    decision.reopened_at = ctx.now
    return Outcome(N_("%(pair)s can be flagged as duplicates again."), decision, {"pair": str(decision)})


def decision_of(session: Session, one: int, other: int) -> PairDecision | None:
    """Return what was decided of two customers; None where nothing was."""
    lower, higher = sorted((one, other))
    same = PairDecision.lower_id == lower, PairDecision.higher_id == higher
    return session.scalar(select(PairDecision).where(*same, PairDecision.reopened_at.is_(None)))


def among(session: Session, ids: Sequence[int]) -> list[PairDecision]:
    """Return what was decided of any two of some customers, and stands."""
    both = PairDecision.lower_id.in_(ids), PairDecision.higher_id.in_(ids)
    standing = select(PairDecision).where(*both, PairDecision.reopened_at.is_(None))
    return list(session.scalars(standing.order_by(PairDecision.id)))


def of_customers(ids: Iterable[int]) -> ColumnElement[bool]:
    """Return the clause for decisions that are about any of some customers."""
    wanted = list(ids)
    return or_(PairDecision.lower_id.in_(wanted), PairDecision.higher_id.in_(wanted))


def give_way(ctx: Context, survivor: Customer, other: Customer) -> None:
    """Have what was decided of a record that is merged away hold for the survivor (rule 7.9).

    Where something was decided of the survivor and the same third record, that stays. What was decided of the two
    themselves is over.
    """
    for row in ctx.session.scalars(
        select(PairDecision).where(of_customers([other.id])).order_by(PairDecision.id)
    ):
        third = row.higher_id if row.lower_id == other.id else row.lower_id
        if third == survivor.id or (
            row.reopened_at is None and decision_of(ctx.session, survivor.id, third) is not None
        ):
            str(row)  # what it is called is read while it is still there
            ctx.session.delete(row)
        else:
            row.lower_id, row.higher_id = sorted((survivor.id, third))
        ctx.session.flush()
