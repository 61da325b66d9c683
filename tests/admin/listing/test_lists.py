"""Every list of every screen: sorting, keyset paging, filters, search, page sizes, columns. On screen and in the API alike."""

import datetime as dt
import decimal
import enum
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from admin.listing import paging
from admin.screen.base import Screen
from admin.screen_spec.column_info import OPERATORS, Field
from models.customer import Customer
from models.days import last_day
from models.search import key_of
from tests import factories
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.pages import links_of, page_of, rows_of
from tests.databases import KINDS
from tests.scale import FULL, sampled

LISTED = [r for r in RESOURCES if r != "shop_setting"]  # the settings are one form, not a list
LONDON = ZoneInfo("Europe/London")


def ids_of(shop: Shop, resource: str, **arguments) -> list[int]:
    """The ids of the first page that the API gives."""
    answer = shop.api().get(f"/api/v1/{resource}/", **{"page_size": 200, **arguments})
    assert answer.status_code == 200, f"{arguments}: {answer.json}"
    return [row["id"] for row in answer.json["result"]]


def all_of(screen: Screen) -> dict[str, str]:
    """The argument for a screen's view of everything."""
    return {"view": "all"} if screen.views else {}


def fragment(shop: Shop, resource: str, **arguments):
    """The list on screen as htmx fetches it, in the view that narrows it least."""
    query = {"page_size": 200, **all_of(shop.screen(resource)), **arguments}
    answer = shop.client().get(f"/admin/{resource}/", query_string=query, headers={"HX-Request": "true"})
    assert answer.status_code == 200, f"{arguments}: {answer.status}"
    return answer


def shown(shop: Shop, resource: str, **arguments) -> list[int]:
    """The ids of the first page on screen."""
    return rows_of(fragment(shop, resource, **arguments))


def walk(shop: Shop, url: str | None, step: str) -> list[dict]:
    """The answers of the API from one page on, along its links."""
    pages = []
    while url is not None:
        answer = shop.api().get(url)
        assert answer.status_code == 200, f"{url}: {answer.json}"
        pages.append(answer.json)
        url = answer.json[step]
        assert len(pages) < 50, f"{url} goes round in circles"
    return pages


def flat(pages: list[dict]) -> list[int]:
    return [row["id"] for page in pages for row in page["result"]]


@pytest.mark.soak
@pytest.mark.both_databases
@pytest.mark.parametrize("resource", RESOURCES)
def test_paging_visits_each_row_once_by_every_column_both_ways(stocked: Shop, resource: str) -> None:
    """Each order is read whole both ways, and walked page by page: up on one of the two databases, down on the other.

    Outside a soak a list is walked by half of its columns on one of them, by half of those up and by half down.
    """
    for column in ("id", *sorted(stocked.screen(resource).sortable)):
        chance = crc32(f"{resource} {column}".encode())
        here = chance % len(KINDS) == KINDS.index(stocked.database.kind)
        if not (FULL or here or column == "id"):
            continue
        up = ids_of(stocked, resource, sort=column)
        assert len(up) == len(set(up)), column
        if FULL:  # the walk says the same, down on one database and up on the other
            assert ids_of(stocked, resource, sort=f"-{column}") == up[::-1], column
        is_up = here if FULL else chance % 4 < len(KINDS)
        sort, whole = (column, up) if is_up else (f"-{column}", up[::-1])
        onward = walk(stocked, f"/api/v1/{resource}/?sort={sort}&page_size=33", "next")
        assert flat(onward) == whole, f"{sort}, forwards"
        if len(onward) > 1 and sampled(f"{resource} {sort}", 2):
            before = whole[: -len(onward[-1]["result"])]
            backward = walk(stocked, onward[-1]["previous"], "previous")
            assert flat(backward[::-1]) == before, f"{sort}, backwards"


@pytest.mark.both_databases
@pytest.mark.parametrize("resource", RESOURCES)
def test_figures_and_dates_are_in_order_and_empty_ones_at_one_end(stocked: Shop, resource: str) -> None:
    screen = stocked.screen(resource)
    kinds = {"number", "money", "date", "datetime", "last_day", "boolean", "percent"}
    for column in sorted(
        n
        for n in screen.sortable
        if screen.field(n).kind in kinds and n not in screen.column_sort_expressions
    ):
        found = stocked.api().get(f"/api/v1/{resource}/", sort=column, page_size=200).json["result"]
        values = [
            decimal.Decimal(r[column]) if screen.field(column).kind == "percent" else r[column] for r in found
        ]
        there = [v for v in values if v is not None]
        assert there == sorted(there), column
        gap = len(values) - len(there)
        assert values[:gap] == [None] * gap or values[len(there) :] == [None] * gap, column


@pytest.mark.either_database
@pytest.mark.parametrize("resource", LISTED)
def test_next_and_previous_on_screen_visit_each_row_once(stocked: Shop, resource: str) -> None:
    whole, seen, pages = shown(stocked, resource), [], 0
    answer = fragment(stocked, resource, page_size=25)
    while True:
        seen += rows_of(answer)
        pages += 1
        onward = [u for u in links_of(answer) if "after=" in u]
        if not onward or pages > 20:
            break
        assert "page_size=25" in onward[0], "the next page is of another size"
        answer = stocked.client().get(onward[0], headers={"HX-Request": "true"})
    assert seen == whole
    back = next(u for u in links_of(answer) if "before=" in u)
    rest = len(rows_of(answer))
    assert rows_of(stocked.client().get(back)) == whole[-25 - rest : -rest]


@pytest.mark.parametrize("resource", LISTED)
def test_a_page_before_the_first_begins_again(stocked: Shop, resource: str) -> None:
    first = shown(stocked, resource, page_size=25)
    onward = next(u for u in links_of(fragment(stocked, resource, page_size=1)) if "after=" in u)
    of_the_first_row = dict(parse_qsl(urlsplit(onward).query))["after"]
    assert shown(stocked, resource, page_size=25, before=of_the_first_row) == first


def people(shop: Shop, *names: str) -> list[int]:
    """Customers of these last names, by their ids."""
    return [shop.make(factories.make_customer, last_name=name).id for name in names]


def walked(shop: Shop, url: str) -> list[str]:
    """The last names on this page of the API and all that follow."""
    found = []
    while url:
        answer = shop.api().get(url).json
        found += [row["last_name"] for row in answer["result"]]
        url = answer["next"]
    return found


def test_a_page_stands_when_the_row_it_follows_is_gone_or_moved(shop: Shop) -> None:
    carter = people(shop, "Adams", "Brown", "Carter", "Drew", "Evans")[2]
    first = shop.api().get("/api/v1/customer/?sort=last_name&page_size=3").json
    onward = first["next"]
    with shop.arrange() as session:
        row = session.get_one(Customer, carter)
        row.last_name = "Zimmer"
    assert walked(shop, onward) == ["Drew", "Evans", "Zimmer"]
    page = page_of(shop.client().get("/admin/note/?page_size=1")).links
    assert not [link for link in page if "after=" in link]
    notes = [shop.make(factories.make_note, body=f"Text {n}").id for n in range(4)]
    first = shop.api().get("/api/v1/note/?sort=id&page_size=2").json
    assert [row["id"] for row in first["result"]] == notes[:2]
    gone = shop.api().send("DELETE", f"/api/v1/note/{notes[1]}")
    assert gone.status_code == 204
    rest = shop.api().get(first["next"]).json
    assert [row["id"] for row in rest["result"]] == notes[2:]


def test_a_cursor_tells_nobody_what_it_holds_and_is_good_for_one_order(shop: Shop) -> None:
    people(shop, "Adams", "Brown", "Carter")
    onward = shop.api().get("/api/v1/customer/?sort=last_name&page_size=1").json["next"]
    assert "adams" not in onward.lower()
    cursor = dict(parse_qsl(urlsplit(onward).query))["after"]
    for path in (
        f"/api/v1/customer/?sort=-last_name&after={cursor}", f"/api/v1/customer/?sort=email&after={cursor}",
        f"/api/v1/address/?after={cursor}", f"/api/v1/customer/?sort=last_name&after={cursor[:-4]}AAAA",
        "/api/v1/customer/?after=17",
    ):  # fmt: skip
        answer = shop.api().get(path)
        assert answer.status_code == (400 if path.endswith("=17") else 422), path
        assert answer.json["field"] == "after"
    page = shop.client().get(f"/admin/customer/?after={cursor}")
    assert page.status_code == 422
    assert "start again" in page_of(page).text


# -- filters ----------------------------------------------------------------------------------------------------------


def raw_of(value, kind: str) -> str:
    """A stored value as somebody types it into a filter."""
    if kind == "money":
        return str(decimal.Decimal(value) / 100)
    if kind == "datetime":
        return value.astimezone(LONDON).date().isoformat()
    if kind == "last_day":
        return last_day(value, LONDON).isoformat()
    if kind == "boolean":
        return "1" if value else "0"
    if isinstance(value, enum.Enum):
        return str(value.value)
    return str(value)


def listed(screen: Screen) -> sa.Select:
    """Select every row that stands on a list: of customers owing, those with whom we are not even."""
    rows = sa.select(screen.model)
    return rows.where(Customer.account_balance != 0) if screen.resource == "owing" else rows


def fold_of(field: Field) -> Callable[[str], str]:
    """How a text is compared: as its search key is made, where it has one."""
    key = key_of(field.column) if field.kind == "text" else None
    return str.lower if key is None else key.info["key_by"]


def holds(kind: str, operator: str, actual, wanted, fold: Callable[[str], str] = str.lower) -> bool:
    """Whether a row's value satisfies a filter, in plain Python."""
    if operator == "empty":
        return (actual in (None, "")) == wanted
    if actual is None:
        return operator == "ne"
    if kind == "text":
        actual, wanted = fold(actual), fold(wanted.strip())
    if kind == "datetime":
        actual, wanted = actual.astimezone(LONDON).date(), wanted.astimezone(LONDON).date()
    if kind == "last_day":
        actual, wanted = last_day(actual, LONDON), last_day(wanted, LONDON)
    return {
        "eq": lambda: actual == wanted,
        "ne": lambda: actual != wanted,
        "ge": lambda: actual >= wanted,
        "le": lambda: actual <= wanted,
        "contains": lambda: wanted in actual,
        "starts": lambda: actual.startswith(wanted),
        "in": lambda: actual in wanted,
    }[operator]()


def tries(kind: str, operator: str, values: list) -> list[tuple[str, object]]:
    """(as typed, as meant) for a filter, from values that rows have."""
    if operator == "empty":
        return [("1", True), ("0", False)]
    some = [values[0], values[len(values) // 2], values[-1]] if values else []
    if operator == "in":
        return [(",".join(raw_of(v, kind) for v in some), some)] if some else []
    if operator == "contains":
        some = [v[1:6] for v in {*some, *values[:12]} if v[1:6].strip() == v[1:6] != ""]
    return [(raw_of(v, kind), v) for v in some if raw_of(v, kind)]


def tried_here(shop: Shop, name: str, cases: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """The cases of a filter that this database tries and the other does not: the first, of the customers on both, and half
    of the others; in a soak all."""
    mine, chance = KINDS.index(shop.database.kind), crc32(name.encode())
    first = name.startswith("customer ") or chance % len(KINDS) == mine
    tried = (first, *(crc32(f"{name} {n}".encode()) % 4 == mine for n in range(1, len(cases))))
    return [case for case, here in zip(cases, tried, strict=False) if FULL or here]


@pytest.mark.soak
@pytest.mark.both_databases
@pytest.mark.parametrize("resource", RESOURCES)
def test_every_filter_by_every_operator_finds_exactly_the_rows_it_says(stocked: Shop, resource: str) -> None:
    screen = stocked.screen(resource)
    stocked.api()  # signed in by then, as who looks holds the lock that signing in waits for
    with stocked.look() as session:
        rows = list(session.scalars(listed(screen)).unique())
        for name, field in screen.filters.items():
            if field.attribute is None:
                continue  # worked out by the screen; it has a test of its own
            key = field.column.key
            actual = {row.id: getattr(row, key) for row in rows}
            named = [m.value for m in field.choices or ()]
            there = sorted(
                {
                    v
                    for v in actual.values()
                    if v not in (None, "") and (not named or getattr(v, "value", v) in named)
                },
                key=str,
            )
            for operator in OPERATORS[field.kind]:
                cases = tries(field.kind, operator, there)
                for raw, wanted in tried_here(stocked, f"{resource} {name}__{operator}", cases):
                    fold = fold_of(field)
                    expected = {i for i, v in actual.items() if holds(field.kind, operator, v, wanted, fold)}
                    found = ids_of(stocked, resource, **{f"{name}__{operator}": raw})
                    assert set(found) == expected, f"{name}__{operator}={raw}"


@pytest.mark.either_database
@pytest.mark.parametrize("resource", LISTED)
def test_the_screen_filters_as_the_api_does_and_the_chip_takes_it_off(stocked: Shop, resource: str) -> None:
    screen = stocked.screen(resource)
    with stocked.look() as session:
        rows = list(session.scalars(sa.select(screen.model)).unique())
    for name, field in screen.filters.items():
        value = 1
        if field.attribute is not None:
            given = [v for v in (getattr(row, field.column.key) for row in rows) if v not in (None, "")]
            value = raw_of(given[0], field.kind) if given else "1"
        operator = "ge" if field.kind in {"datetime", "last_day"} else "eq"
        argument = f"{name}__{operator}"
        answer = fragment(stocked, resource, **{argument: value})
        same = {argument: value, **all_of(screen)}
        assert sorted(rows_of(answer)) == sorted(ids_of(stocked, resource, **same)), argument
        links = links_of(answer)
        assert any(argument not in u and urlsplit(u).path == f"/admin/{resource}/" for u in links), argument
        sorts = [u for u in links if "sort=" in u]
        assert all(argument in u for u in sorts), f"sorting forgets {argument}"


def test_is_one_of_takes_several_values_in_either_way(stocked: Shop) -> None:
    both = ids_of(stocked, "note", kind__in="task,watch")
    assert both
    assert both == shown(stocked, "note", kind__in="task,watch")
    answer = stocked.client().get("/admin/note/?kind__in=task&kind__in=watch&page_size=200")
    assert (answer.status_code, sorted(page_of(answer).rows)) == (200, sorted(both))


def test_a_customers_activity_is_found_by_the_rows_it_touched(stocked: Shop) -> None:
    from models.journal import Change

    with stocked.look() as session:
        customer = session.scalar(
            sa.select(Change.customer_id).where(Change.customer_id.is_not(None)).limit(1)
        )
        wanted = set(session.scalars(sa.select(Change.changeset_id).where(Change.customer_id == customer)))
    assert wanted <= set(ids_of(stocked, "changeset", customer__eq=customer))
    assert set(ids_of(stocked, "changeset", customer__eq=customer)) < set(ids_of(stocked, "changeset"))
    somebodys = set(ids_of(stocked, "changeset", customer__empty="0"))
    assert wanted <= somebodys
    assert not somebodys & set(ids_of(stocked, "changeset", customer__empty="1"))


# -- search, sizes, views -------------------------------------------------------------------------------------------


@pytest.mark.both_databases
@pytest.mark.parametrize("resource", LISTED)
def test_the_box_finds_rows_by_each_searched_column_and_by_number(stocked: Shop, resource: str) -> None:
    screen = stocked.screen(resource)
    stocked.api()  # signed in before the database is looked at, which on SQLite keeps others from writing
    with stocked.look() as session:
        rows = list(session.scalars(listed(screen).order_by(screen.identity.desc()).limit(30)).unique())
        # What was merged into another record leads to that one (test_merge_form.py).
        rows = [row for row in rows if getattr(row, "merged_into_id", None) is None]
        for name in screen.column_searchable_list:
            field = screen.field(name)
            if field.kind == "lookup":
                continue
            row = next((r for r in rows if len((getattr(r, name) or "").strip()) > 2), None)
            if row is not None:
                found = ids_of(stocked, resource, q=getattr(row, name)[:60])
                assert row.id in found, f"{name}: {getattr(row, name)!r}"
        assert rows[0].id in ids_of(stocked, resource, q=f"{rows[0].id}")
    assert ids_of(stocked, resource, q="zzqqxx") == []
    assert "No results" in fragment(stocked, resource, q="zzqqxx").get_data(as_text=True)


@pytest.mark.either_database
def test_one_letter_is_no_search_and_is_said_to_be_none_but_one_character_may_be_a_word(
    stocked: Shop,
) -> None:
    for resource in ("customer", "owing", "address", "note"):
        assert shown(stocked, resource, q="s") == []
        assert "Type at least two letters." in fragment(stocked, resource, q="s").text
        refused = stocked.api().get(f"/api/v1/{resource}/", q="s")
        assert (refused.status_code, refused.json["field"]) == (400, "q")
        assert "two letters" in refused.json["message"]
        for word in ("王", "7", "ma"):
            assert stocked.api().get(f"/api/v1/{resource}/", q=word).status_code == 200, word
    assert ids_of(stocked, "customer_class", q="a"), "a short list is not searched but filtered"
    typed = stocked.client().get("/admin/search/?q=s", headers={"HX-Request": "true"})
    assert "Type at least two letters." in typed.text


@pytest.mark.either_database
def test_what_is_done_to_all_that_a_letter_matches_is_refused(stocked: Shop) -> None:
    for chosen in ("", "&all=1"):
        answer = stocked.client().get(f"/admin/customer/export/csv/?q=s{chosen}")
        assert answer.status_code == 400
        assert "two letters" in answer.text


def test_words_and_sorts_together_find_page_and_count_the_same_rows(stocked: Shop) -> None:
    """The rows of a search, its count and its pages come from one place whatever they are sorted by."""
    screen = stocked.screen("customer")
    for sort in sorted(screen.sortable):
        whole = ids_of(stocked, "customer", q="an", sort=sort)
        assert whole
        pages = walk(stocked, f"/api/v1/customer/?q=an&sort={sort}&page_size=7", "next")
        assert flat(pages) == whole, sort
    counted = stocked.api().get("/api/v1/customer/", q="an", page_size=5).json
    assert counted["count"] == len(ids_of(stocked, "customer", q="an"))


@pytest.mark.both_databases
@pytest.mark.parametrize("resource", ["customer", "address"])
def test_what_more_rows_are_found_by_than_are_counted_gives_the_same_pages(
    stocked: Shop, resource: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is walked until there are enough of them, where all that fewer find is put in order."""
    sorts = {
        "customer": ("sort_name", "agent", "status", "company_name", "id"),
        "address": ("customer", "town"),
    }
    text = "an" if resource == "customer" else "leeds"
    for sort in (f"{way}{name}" for name in sorts[resource] for way in ("", "-")):
        whole = ids_of(stocked, resource, q=text, sort=sort)
        with monkeypatch.context() as smaller:
            smaller.setattr(paging, "COUNT_CAP", 2)
            pages = walk(stocked, f"/api/v1/{resource}/?q={text}&sort={sort}&page_size=7", "next")
            back = walk(stocked, pages[-1]["previous"], "previous")
        assert flat(pages) == whole, sort
        assert flat(back[::-1]) == whole[: -len(pages[-1]["result"])], sort
        assert {page["count"] for page in pages} == {3}, "they are counted to the end"


def test_rows_of_a_customer_are_found_by_the_customers_name(stocked: Shop) -> None:
    for resource in (
        "address",
        "phone",
        "note",
        "loyalty_entry",
        "invoice",
        "sales_order",
        "attribute_value",
    ):
        assert ids_of(stocked, resource, q="agent"), resource


@pytest.mark.either_database
@pytest.mark.parametrize("resource", LISTED)
def test_page_sizes_are_kept_from_page_to_page(stocked: Shop, resource: str) -> None:
    for size in (1, 60):
        answer = fragment(stocked, resource, page_size=size)
        assert len(rows_of(answer)) == size
        onward = [u for u in links_of(answer) if "after=" in u]
        assert onward
        assert dict(parse_qsl(urlsplit(onward[0]).query)).get("page_size", "50") == str(size)
    assert len(shown(stocked, resource, page_size="")) == 50


SOME = frozenset({"weaker"})
"""Views of users who see less than an admin."""


@pytest.mark.either_database
@pytest.mark.parametrize("resource", LISTED)
def test_every_view_is_a_tab_with_the_rows_it_declares(stocked: Shop, resource: str) -> None:
    page = stocked.client().get(f"/admin/{resource}/").text
    for view in stocked.screen(resource).views:
        if f"view={view.slug}" not in page:
            assert view.slug in SOME, "each that is for everybody is a tab"
            assert stocked.client().get(f"/admin/{resource}/?view={view.slug}").status_code == 400
            continue
        found = sorted(shown(stocked, resource, view=view.slug))
        assert found == sorted(ids_of(stocked, resource, **view.where)), view.slug
        assert found == sorted(ids_of(stocked, resource, view=view.slug))


def test_each_person_has_columns_of_their_own(stocked: Shop) -> None:
    def headings(role: str) -> int:
        return stocked.client(role).get("/admin/address/").get_data(as_text=True).count('<th scope="col"')

    before = headings("Support")
    client = stocked.client("Manager")
    answer = client.send(
        "/admin/address/columns/", {"columns": ["town", "label"], "next": "/admin/address/?sort=town"}
    )
    assert (answer.status_code, answer.location) == (302, "/admin/address/?sort=town")
    assert (headings("Manager"), headings("Support")) == (2, before)
    for columns in (["town", "password"], [], ["id"]):
        assert client.send("/admin/address/columns/", {"columns": columns}).status_code == 400
    away = client.send("/admin/address/columns/", {"columns": ["town"], "next": "https://evil.test/"})
    assert away.location.startswith("/admin/address/")
    client.send("/admin/address/columns/", {"columns": ["town"], "reset": "1"})
    assert headings("Manager") == before


def test_a_saved_day_is_the_shops_day_and_not_utcs(shop: Shop) -> None:
    from tests import factories

    late = dt.datetime(2026, 6, 30, 23, 30, tzinfo=dt.UTC)  # half past midnight on 1 July in London
    note = shop.make(factories.make_note, created_at=late)
    assert ids_of(shop, "note", created_at__ge="2026-07-01") == [note.id]
    assert ids_of(shop, "note", created_at__le="2026-06-30") == []
    assert ids_of(shop, "note", created_at__le="2026-07-01") == [note.id]
