"""kill -9 at any statement of a change: all of it or nothing, the books right, and the next change goes ahead."""

import json
import os
import subprocess
import sys

import pytest
from sqlalchemy import func, select

from actions.customers.customers import deactivate
from actions.ledgers.loyalty import adjust
from models.customer import Customer
from models.journal import Change, Changeset
from models.note import Note
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import put_together, trouble
from tests.actions.merging.test_order_move import Sale
from tests.scale import scaled

# One process does the changes, a fork each, and each fork kills itself at one of its own statements; the first counts them.
SCRIPT = """
import datetime as dt, json, os, random, signal, sys
from dataclasses import replace
from sqlalchemy import create_engine, event
import actions.registry
from actions.core.base import ACTIONS, Actor
from actions.execution.runner import Call, perform, dry_run
from models import dialect

url, now, code, requests = sys.argv[1], dt.datetime.fromisoformat(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
chance = random.Random(len(requests))

def do(request, fatal, told):
    engine = create_engine(url, **dialect.engine_options(url))
    dialect.configure(engine)
    call = Call(Actor(None, "Nobody"), now)
    if "confirm" in request:
        seen = dry_run(engine, ACTIONS[code], call, request["targets"], **request["values"])
        call = replace(call, confirm=request["confirm"], fingerprint=seen.fingerprint)
    moments = 0

    def tick(*_args):
        nonlocal moments
        moments += 1
        if moments == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    for kind in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(engine, kind, tick)
    perform(engine, ACTIONS[code], call, request["targets"], **request["values"])
    os.write(told, str(moments).encode())

def forked(request, fatal):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            do(request, fatal, write)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(write)
    said = os.read(read, 20)
    os.close(read)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said

status, said = forked(requests[0], 0)
assert status == 0, status
ends = [0] + [forked(request, chance.randint(1, int(said) + 1))[0] for request in requests[1:]]
print(json.dumps(ends))
"""


def killed(desk: Desk, code: str, requests: list[dict]) -> list[int]:
    """Do each change, all but the first in a process that is killed on the way; return how each of them ended."""
    url = desk.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", SCRIPT, url, desk.now.isoformat(), code, json.dumps(requests)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    ends = json.loads(done.stdout)
    assert set(ends) <= {0, -9}, done.stderr
    assert -9 in ends
    return list(ends)


def pair(desk: Desk) -> tuple[int, int]:
    """Two records, one of them with a note and points."""
    one, two = desk.customer(), desk.customer()
    desk.make(factories.make_note, customer_id=two)
    desk.do(adjust, customer=two, points=100, comment="Given")
    return one, two


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.either_database
def test_a_merge_that_is_killed_has_happened_or_not(desk: Desk) -> None:
    pairs = [pair(desk) for _n in range(scaled(400, least=8))]
    requests = [
        {"targets": one, "values": {"others": [two], "reason": "The same"}, "confirm": str(desk.of(one))}
        for one, two in pairs
    ]
    ends = killed(desk, "customer.merge", requests)
    merged = [pair for pair in pairs if not desk.of(pair[1]).is_live]
    assert len(merged) >= ends.count(0)
    for one, two in pairs:
        owner = one if (one, two) in merged else two
        assert (desk.of(owner).points, len(desk.all(Note, customer_id=owner))) == (100, 1)
        assert desk.of(two).merged_into_id in (None, one)
    with desk.look() as session:
        about = Changeset.subject_id.in_([one for one, _two in pairs])
        told = select(func.count()).select_from(Changeset).where(Changeset.action == "customer.merge", about)
        assert session.scalar(told) == len(merged)
    assert trouble(desk, *(c for pair in pairs for c in pair)) == []
    left = next((pair for pair in pairs if pair not in merged), None)
    if left is not None:
        put_together(desk, *left)
        assert desk.of(left[0]).points == 100


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.either_database
def test_a_move_of_an_order_that_is_killed_has_happened_or_not(desk: Desk) -> None:
    sales = [Sale(desk) for _n in range(scaled(400, least=5))]
    for sale in sales:
        sale.earns(100), sale.billed(500)
    requests = [{"targets": s.id, "values": {"customer": s.two, "reason": "Hers"}} for s in sales]
    ends = killed(desk, "sales_order.move", requests)
    moved = [sale for sale in sales if sale.owner == sale.two]
    assert len(moved) >= ends.count(0)
    for sale in sales:
        had = sale.both if sale not in moved else sale.both[::-1]
        assert [sale.figures(c) for c in had] == [(100, 500, 0), (0, 0, 0)]
        assert sale.trouble() == []


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.either_database
def test_an_action_on_many_rows_that_is_killed_has_touched_all_of_them_or_none(desk: Desk) -> None:
    groups = [[desk.customer() for _m in range(10)] for _n in range(scaled(400, least=8))]
    requests = [{"targets": group, "values": {"reason": "Moved away"}} for group in groups]
    ends = killed(desk, "customer.deactivate", requests)
    off = [sum(not desk.of(c).is_active for c in group) for group in groups]
    assert set(off) <= {0, 10}
    assert off.count(10) >= ends.count(0)
    with desk.look() as session:
        told = select(func.count()).select_from(Change).join(Changeset)
        rows = Change.row_id.in_([c for group in groups for c in group])
        told = told.where(
            Changeset.action == deactivate.code, Change.table_name == Customer.__tablename__, rows
        )
        assert session.scalar(told) == sum(off)
