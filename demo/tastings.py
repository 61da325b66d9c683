"""Free tastings of the demo shop: people of classes that give some have used a few, this year and last."""

from __future__ import annotations

import datetime as dt

from demo.lists import CLASSES
from demo.plan import Known, Plan
from models.shop import Shop
from models.tasting import TastingEntry, TastingKind

GIVEN = {name: free for name, _discount, free, _why in CLASSES}


def make_tastings(plan: Plan, people: list[Known]) -> None:
    """Let some of those who have free tastings use them; one in a dozen is taken back."""
    names = {class_id: name for name, class_id in plan.lists.classes.items()}
    for known in people:
        free = GIVEN.get(names.get(known.row["customer_class_id"], ""), 0)
        if free and plan.chance.yes(0.4):
            _use(plan, known, plan.chance.randrange(1, min(free, 3) + 1))


def _use(plan: Plan, known: Known, times: int) -> None:
    for _n in range(times):
        when = plan.chance.between(known.joined, plan.now)
        entry = _entry(plan, known, when, TastingKind.USED)
        if plan.chance.yes(0.08):
            later = min(when + dt.timedelta(hours=2), plan.now)
            _entry(
                plan, known, later, TastingKind.REVERSAL, comment="Booked twice", reverses_id=entry["id"],
                year=entry["year"],
            )  # fmt: skip


def _entry(
    plan: Plan, known: Known, when: dt.datetime, kind: TastingKind, **columns: object
) -> dict[str, object]:
    author = plan.author()
    values = {"year": when.astimezone(Shop().zone).year, **columns}
    return plan.batch.add(
        TastingEntry, customer_id=known.row["id"], kind=kind, created_at=when, actor_id=author.id,
        actor_name=author.name, changeset_id=plan.batch.changeset_id, **values,
    )  # fmt: skip
