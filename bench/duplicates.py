"""How good the flagging of duplicates is: precision, recall and F1 beside recordlinkage and splink.

One set of weights for all sets (models/evidence.py), while the peers learn theirs from each set anew. A peer that gives
probabilities or counts is taken at whichever of its usual thresholds does best on the set.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from actions.duplicates import checking
from bench.duplicate_peers import PEERS
from bench.duplicate_sets import NOW, Labelled, Pair, counted, febrl, shop
from models import evidence
from models.duplicate import DuplicatePair
from models.evidence import Evidence

OURS = "likely the same"
BOTH_RULES = "the two plain rules"


@dataclass(frozen=True, slots=True)
class Found:
    """How well one way of looking did on one set, and the seconds of processor time that it took."""

    way: str
    precision: float
    recall: float
    f1: float
    seconds: float


def sets(folder: Path, customers: int) -> Iterator[Labelled]:
    """Yield the sets, each a database in ``folder``."""
    yield shop(folder, "demo shop", customers)
    yield shop(folder, "demo shop, twice the errors", customers, slips=2)
    yield from (febrl(folder, f"febrl{n}") for n in range(1, 5))


def compare(customers: int) -> Iterator[tuple[str, list[Found]]]:
    """Yield (set, what each way of looking found in it): the plain rules, ours and the peers'."""
    with TemporaryDirectory() as folder:
        for labelled in sets(Path(folder), customers):
            yield labelled.name, [*_ours(labelled), *_theirs(labelled)]


def behind(found: Sequence[Found]) -> float:
    """Return by how much the F1 of ours is below that of the best peer; negative where it is above."""
    f1 = {way.way: way.f1 for way in found}
    return max(f1[name] for name in PEERS) - f1[OURS]


def _theirs(labelled: Labelled) -> Iterator[Found]:
    rows = labelled.rows()
    for name, peer in PEERS.items():
        started = time.process_time()
        best = max((counted(found, labelled.true) for found in peer(rows)), key=lambda figures: figures[2])
        yield Found(name, *best, time.process_time() - started)


def _ours(labelled: Labelled) -> Iterator[Found]:
    started = time.process_time()
    checking.check_all(labelled.engine, lambda: NOW)
    taken = time.process_time() - started
    rules = Evidence.EMAIL, evidence.PLAIN
    yield _judged("equal email", labelled, lambda: _pairs(labelled, rules[0]))
    yield _judged("surname and postcode", labelled, lambda: _pairs(labelled, rules[1]))
    yield _judged(BOTH_RULES, labelled, lambda: _pairs(labelled, *rules))
    likely = _judged(OURS, labelled, lambda: _pairs(labelled))
    yield Found(OURS, likely.precision, likely.recall, likely.f1, taken)


def _pairs(labelled: Labelled, *rules: Evidence) -> set[Pair]:
    """Return the pairs that any of some rules flags; without one, those that are likely the same."""
    with labelled.engine.connect() as connection:
        wanted = sa.select(
            DuplicatePair.lower_id, DuplicatePair.higher_id, DuplicatePair.evidence, DuplicatePair.is_likely
        )
        return {
            (row.lower_id, row.higher_id)
            for row in connection.execute(wanted)
            if (any(row.evidence & rule == rule for rule in rules) if rules else row.is_likely)
        }


def _judged(way: str, labelled: Labelled, look: Callable[[], set[Pair]]) -> Found:
    started = time.process_time()
    found = look()
    taken = time.process_time() - started
    return Found(way, *counted(found, labelled.true), taken)
