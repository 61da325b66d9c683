"""Every column of every table is sent to every form and every operation of the API: only what is offered is written."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from models.base import metadata
from models.types import Percent, UTCDateTime
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.pages import page_of
from tests.admin.test_acting import CASES, DECLARED, SHOWN_ONCE, Door
from tests.admin.test_screens import CREATE, filled

HTMX = {"HX-Request": "true"}
ROUTE = frozenset(
    {"csrf_token", "key", "version", "confirm", "fingerprint", "ids", "all", "count", "id", "view", "q"}
)
"""What a form sends beside its fields: none of it is a column's value."""
EDITABLE = [r for r in RESOURCES if r not in ("shop_setting",)]


def value_for(column: sa.Column[Any]) -> str:
    """A value of a column's type, and unlike what stands there."""
    kind = column.type
    if isinstance(kind, sa.Enum):
        return str(kind.enums[-1])
    if isinstance(kind, UTCDateTime | sa.DateTime):
        return "2001-02-03T04:05:06+00:00"
    if isinstance(kind, sa.Date):
        return "2001-02-03"
    if isinstance(kind, sa.Boolean):
        return "y"
    if isinstance(kind, Percent | sa.Numeric):
        return "7.5"
    return "1" if isinstance(kind, sa.Integer) else "Sneaked in"


EVERY = {column.name: value_for(column) for table in metadata.tables.values() for column in table.columns}
"""Column -> a value, of every table there is."""


def unoffered(fields: Any) -> dict[str, str]:
    """Return what no form of these fields offers, as columns and by the names of their relations."""
    return {name: value for name, value in _spelt() if name not in ROUTE and name not in fields}


def _spelt() -> Iterator[tuple[str, str]]:
    for name, value in EVERY.items():
        yield name, value
        if name.endswith("_id"):
            yield name.removesuffix("_id"), value


def whole(shop: Shop, resource: str, row_id: int) -> dict[str, Any]:
    """Return a row with all its columns."""
    table = shop.screen(resource).model.__table__
    with shop.look() as session:
        return dict(session.execute(sa.select(table).where(table.c.id == row_id)).mappings().one())


def newest(shop: Shop, resource: str) -> int:
    table = shop.screen(resource).model.__table__
    with shop.look() as session:
        return int(session.scalar(sa.select(sa.func.max(table.c.id))) or 0)


@pytest.mark.either_database
@pytest.mark.parametrize("resource", EDITABLE)
def test_a_form_that_is_saved_as_it_is_changes_nothing_whatever_else_is_sent(
    world: Any, resource: str
) -> None:
    shop, screen = world.shop, world.shop.screen(resource)
    if not screen.can_edit:
        return
    row = world.id(resource, "own")
    before, client = whole(shop, resource, row), shop.client()
    form = page_of(client.get(f"/admin/{resource}/edit/?id={row}")).form("/edit/")
    assert (
        client.post(form.action, data={**form.filled(), **unoffered(screen.form_columns)}).status_code == 302
    )
    assert whole(shop, resource, row) == before
    for column in before:
        if (
            column not in screen.column_editable_list
            and column.removesuffix("_id") not in screen.column_editable_list
        ):
            data = {"id": row, "column": column, "version": before["version"], column: EVERY[column]}
            sent = client.post(
                f"/admin/{resource}/ajax/update/", data={**data, "csrf_token": form.fields["csrf_token"]}
            )
            assert sent.status_code == 404, column
    assert whole(shop, resource, row) == before


@pytest.mark.either_database
@pytest.mark.parametrize("resource", EDITABLE)
def test_the_api_refuses_by_name_what_it_does_not_offer(world: Any, resource: str) -> None:
    shop, screen, api = world.shop, world.shop.screen(resource), world.shop.api()
    row = world.id(resource, "own")
    before, highest, closed = (
        whole(shop, resource, row),
        newest(shop, resource),
        unoffered(screen.form_columns),
    )
    if screen.can_edit:
        refused = api.send("PATCH", f"/api/v1/{resource}/{row}", closed, If_Match=f'"{before["version"]}"')
        assert (refused.status_code, set(refused.json["errors"])) == (422, set(closed))
    if screen.can_create:
        refused = api.send("POST", f"/api/v1/{resource}/", closed)
        assert (refused.status_code, set(refused.json["errors"]) >= set(closed)) == (422, True)
    for declared in screen.actions():
        sent = unoffered(declared.fields)
        where = f"/{row}" if declared.action.targeted else ""
        refused = api.send("POST", f"/api/v1/{resource}{where}/actions/{declared.action.verb}", sent)
        assert (refused.status_code, set(refused.json["errors"])) == (422, set(sent)), declared.action.code
    assert whole(shop, resource, row) == before
    assert newest(shop, resource) == highest


@pytest.mark.either_database
@pytest.mark.parametrize("resource", sorted(CREATE))
def test_a_new_record_has_nothing_but_what_its_form_offers(shop: Shop, resource: str) -> None:
    closed, found = unoffered(shop.screen(resource).form_columns), []
    for extra in ({}, closed):
        given = {name: _another(name, value, extra) for name, value in CREATE[resource].items()}
        form = page_of(shop.client().get(f"/admin/{resource}/new/")).form("/new/")
        made = shop.client().post(form.action, data={**form.filled(**filled(shop, given)), **extra})
        assert made.status_code == 302, page_of(made).errors
        found.append(whole(shop, resource, int(made.location.rpartition("=")[2])))
    told_apart = {name for name in found[0] if name == "id" or name.endswith(("_at", "_key", "_id"))}
    for name in found[0].keys() & closed.keys() - told_apart:
        assert found[0][name] == found[1][name], name
    for name in told_apart & closed.keys():
        assert str(found[1][name]) != closed[name] or found[0][name] == found[1][name], name


def _another(name: str, value: str, second: Any) -> str:
    """Tell two records apart by what only one of them may have."""
    return f"{value}2" if second and name in ("name", "code", "value") and not value.isdigit() else value


@pytest.mark.either_database
@pytest.mark.parametrize("code", sorted(CASES))
def test_an_action_does_the_same_whatever_else_its_form_is_sent(shop: Shop, code: str) -> None:
    door = Door(shop, code)
    data = door.seen()
    extra = unoffered({*data, *DECLARED[code].fields})
    answer = door.send({**data, **extra})
    assert answer.status_code == SHOWN_ONCE.get(code, 204), (
        "it would have done something else than its preview said"
    )
