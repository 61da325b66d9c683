"""How many rows an action would change, where they are too many to try it on: counted by one statement (rule 10.10).

The buckets that the action declares (actions/core/outcome_groups.py) say into which of them each row falls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, literal, select
from sqlalchemy.orm import Session

from actions.core.base import Action
from actions.core.outcome_groups import OutcomeGroup
from actions.core.refusals import Refused
from models.base import Invalid


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What a count found, as things stand."""

    change: int
    same: int
    refused: tuple[tuple[int, Refused | Invalid], ...]

    @property
    def total(self) -> int:
        """How many rows were counted."""
        return self.change + self.same + sum(count for count, _why in self.refused)


def count(session: Session, action: Action, rows: Select[Any], values: Mapping[str, Any]) -> BulkOutcome:
    """Count what an action with these parameters would do to every row of a statement that yields ids.

    Each row is judged by what is stored now: what the action does to one row may still stand in another's way.

    :raises Invalid: no row would take these parameters.
    """
    assert action.bulk_counts is not None, f"{action.code} declares no counts"
    groups = action.bulk_counts(values)
    sorted_ = verdicts(action, groups, rows).subquery()
    wanted = select(sorted_.c.place, func.count().label("size")).group_by(sorted_.c.place)
    return _outcome_of(groups, {row.place: row.size for row in session.execute(wanted)})


def verdicts(action: Action, groups: Sequence[OutcomeGroup], rows: Select[Any]) -> Select[Any]:
    """Return the statement for the id of each row and the number of its group, one beyond the last for none."""
    key, chosen = action.model.__mapper__.primary_key[0], rows.order_by(None).subquery()
    whens = [(group.clause, number) for number, group in enumerate(groups)]
    number = case(*whens, else_=len(groups)) if whens else literal(0)
    return select(key.label("id"), number.label("place")).where(key.in_(select(chosen.c[0])))


def _outcome_of(groups: Sequence[OutcomeGroup], sizes: Mapping[int, int]) -> BulkOutcome:
    found = [(sizes[number], group.why) for number, group in enumerate(groups) if number in sizes]
    return BulkOutcome(
        sizes.get(len(groups), 0),
        sum(size for size, why in found if why is None),
        tuple((size, why) for size, why in found if why is not None),
    )
