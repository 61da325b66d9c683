"""What pages cost: a list takes at most 12 statements, a record at most 25, and never more for having more rows."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from admin.screens import SCREENS
from models.preference import Preference
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.pages import links_of, rows_of
from tests.databases import recorded_statements
from tests.scale import sampled

LIST_AT_MOST = 12
RECORD_AT_MOST = 25
HTMX = {"HX-Request": "true"}
LISTED = [r for r in RESOURCES if r != "shop_setting"]
FURTHER = {screen.named() for screen in SCREENS if screen.called}
"""Further screens over a model: their records lead to those of the first."""
BOOKKEEPING = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SAVEPOINT", "RELEASE")


def statements(ask: Callable[[], object]) -> list[str]:
    """What the database was asked, transaction control aside; once before, so that nothing is counted but the page."""
    ask()
    with recorded_statements() as seen:
        ask()
    return [text for text in seen if not text.lstrip().upper().startswith(BOOKKEEPING)]


def view_of(shop: Shop, resource: str) -> str:
    return "view=all&" if shop.screen(resource).views else ""


@pytest.mark.either_database
@pytest.mark.parametrize("role", ["Admin", "Read-only"])
def test_no_list_takes_more_than_twelve_statements(stocked: Shop, role: str) -> None:
    client, costs = stocked.client(role), {}
    for resource in RESOURCES:
        url = f"/admin/{resource}/?page_size=200&{view_of(stocked, resource)}"
        answer = client.get(url)
        if answer.status_code == 403:
            continue
        assert len(rows_of(answer)) >= 60 or resource == "shop_setting", resource
        costs[resource] = len(statements(lambda: client.get(url)))
    assert len(costs) > 15
    assert {r: n for r, n in costs.items() if n > LIST_AT_MOST} == {}


@pytest.mark.soak
@pytest.mark.either_database
def test_filtered_searched_and_later_pages_take_no_more_either(stocked: Shop) -> None:
    client, costs = stocked.client(), {}
    for resource in LISTED:
        first = client.get(f"/admin/{resource}/?page_size=25&{view_of(stocked, resource)}")
        onward = next(u for u in links_of(first) if "after=" in u)
        base = f"/admin/{resource}/?{view_of(stocked, resource)}"
        for url in (onward, f"{base}q=text", onward.replace("after=", "before="), f"{base}sort=-id"):
            if not sampled(url.partition("after=")[0].partition("before=")[0], 4):
                continue
            assert client.get(url, headers=HTMX).status_code == 200
            costs[url] = len(statements(lambda: client.get(url, headers=HTMX)))
    assert {r: n for r, n in costs.items() if n > LIST_AT_MOST} == {}


@pytest.mark.soak
@pytest.mark.either_database
@pytest.mark.parametrize("resource", LISTED)
def test_more_rows_cost_no_more_statements_whatever_columns_are_shown(stocked: Shop, resource: str) -> None:
    client, screen = (
        stocked.client("Manager" if resource != "shop_setting" else "Admin"),
        stocked.screen(resource),
    )
    with stocked.look() as session:
        user = session.scalar(sa.text("SELECT id FROM ab_user WHERE username = 'manager'"))
    # Which statements a column costs is for the mapping to say, not the database: one by one on SQLite will do.
    tried = [name for name in screen.column_list if sampled(f"{resource} {name}", 3)]
    alone = [[name] for name in tried] if stocked.database.kind == "sqlite" else []
    for chosen in (None, list(screen.column_list), *alone):
        with stocked.arrange() as session:
            session.execute(sa.delete(Preference).where(Preference.user_id == user))
            if chosen is not None:
                session.add(Preference(user_id=user, name=f"columns:{resource}", value=chosen))
        few, many = (
            statements(
                lambda: client.get(
                    f"/admin/{resource}/?{view_of(stocked, resource)}page_size={n}", headers=HTMX
                )
            )
            for n in (5, 60)
        )
        assert len(few) == len(many), f"{chosen}: {sorted(set(many) - set(few))}"


@pytest.mark.either_database
@pytest.mark.every_case
@pytest.mark.parametrize("resource", [r for r in LISTED if r not in FURTHER])
def test_a_record_takes_at_most_twenty_five_statements(stocked: Shop, resource: str) -> None:
    client, screen = stocked.client(), stocked.screen(resource)
    first = rows_of(client.get(f"/admin/{resource}/?page_size=1&{view_of(stocked, resource)}"))[0]
    pages = [
        f"/admin/{resource}/details/?id={first}",
        *(f"/admin/{resource}/details/?id={first}&tab={t.resource}" for t in screen.tabs),
    ]
    costs = {
        url: len(statements(lambda: client.get(url))) for url in pages if client.get(url).status_code == 200
    }
    assert pages[0] in costs
    assert {r: n for r, n in costs.items() if n > RECORD_AT_MOST} == {}


@pytest.mark.either_database
@pytest.mark.parametrize("resource", RESOURCES)
def test_the_api_and_the_export_cost_the_same_for_few_rows_and_for_many(stocked: Shop, resource: str) -> None:
    api, client = stocked.api(), stocked.client()
    few, many = (statements(lambda: api.get(f"/api/v1/{resource}/", page_size=n)) for n in (5, 60))
    assert len(few) == len(many)
    assert len(many) <= LIST_AT_MOST
    if resource != "shop_setting":
        ids = [row["id"] for row in api.get(f"/api/v1/{resource}/", page_size=60).json["result"]]
        some, all_ = (
            statements(
                lambda: client.get(f"/admin/{resource}/export/csv/", query_string={"ids": part}).get_data()
            )
            for part in (ids[:5], ids)
        )
        assert len(some) == len(all_), sorted(set(all_) - set(some))
