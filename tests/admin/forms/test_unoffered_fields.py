"""Every column of every table is sent to every form and every operation of the API: only what is offered is written.

The forms of actions are sent them in test_acting.py.
"""

from typing import Any

import pytest
import sqlalchemy as sa

from models.vault import Secret
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.pages import page_of
from tests.admin.screen.test_screens import CREATE, filled
from tests.admin.unoffered import EVERY, unoffered

HTMX = {"HX-Request": "true"}
EDITABLE = [r for r in RESOURCES if r not in ("shop_setting",)]


def whole(shop: Shop, resource: str, row_id: int) -> dict[str, Any]:
    """Return a row with all its columns."""
    table = shop.screen(resource).model.__table__
    with shop.look() as session:
        row = session.execute(sa.select(table).where(table.c.id == row_id)).mappings().one()
    return {name: value.open() if isinstance(value, Secret) else value for name, value in row.items()}


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
