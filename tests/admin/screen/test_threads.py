"""Many people at once: no save is lost, nobody is locked out, no answer carries another's filter."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.lookups import CustomerClass
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of, rows_of
from tests.scale import scaled

pytestmark = pytest.mark.both_databases

THREADS = 8
SAVES = scaled(60, least=4)


def together(work: Callable[[int], list[int]]) -> list[int]:
    """Run ``work(number)`` in eight threads at once; return what all of them gave."""
    with ThreadPoolExecutor(THREADS) as pool:
        return [status for found in pool.map(work, range(THREADS)) for status in found]


@pytest.mark.soak
def test_saves_with_fresh_versions_are_never_lost_and_never_locked_out(shop: Shop):
    row = shop.make(factories.make_customer_class, free_tastings=0)
    path = f"/admin/customer_class/ajax/update/?id={row.id}&column=free_tastings"

    def add_one(client: application.Client) -> int:
        form = page_of(client.get(path)).form("ajax/update")
        now = int(form.fields["free_tastings"])
        return client.post(form.action, data=form.filled(free_tastings=now + 1)).status_code

    def work(number: int) -> list[int]:
        client, seen, saved = application.sign_in(shop.app, "Admin"), [], 0
        while saved < SAVES:
            seen.append(add_one(client))
            saved += seen[-1] == 200
            assert len(seen) < 100 * SAVES, "one thread never gets its turn"
        return seen

    statuses = together(work)
    assert set(statuses) <= {200, 409}
    assert statuses.count(200) == THREADS * SAVES
    assert shop.get(CustomerClass, row.id).free_tastings == THREADS * SAVES


@pytest.mark.soak
def test_an_answer_never_carries_somebody_elses_filter(shop: Shop):
    towns = [f"Town{number}" for number in range(THREADS)]
    with shop.arrange() as session:
        for town in towns:
            for _ in range(3):
                factories.make_address(session, town=town)

    def work(number: int) -> list[int]:
        client, wrong = application.sign_in(shop.app, "Support"), 0
        for _ in range(SAVES):
            answer = client.get("/admin/address/", query_string={"town__eq": towns[number]})
            listed = set(re.findall(r"Town\d+", answer.get_data(as_text=True)))
            wrong += listed != {towns[number]} or len(rows_of(answer)) != 3
        return [wrong]

    assert together(work) == [0] * THREADS
