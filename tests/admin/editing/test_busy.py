"""Who saves while somebody else holds the same rows waits a little, and is then told so (rule 8.9)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models.dialect import limit_waits
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from web import time_limits

HELD = {
    "sqlite": "UPDATE customer SET version = version",
    "postgresql": "LOCK TABLE customer, note, attempt_bucket IN EXCLUSIVE MODE",
}
"""What keeps everybody else from changing a customer or counting a sign-in, and nobody from reading."""
IN_DRAWER = {"HX-Request": "true"}


@pytest.fixture
def hurried(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop where nobody waits long for anybody."""

    def wait(seconds: float | None) -> None:
        assert seconds in (None, application.LOCK_SECONDS)
        limit_waits(seconds and 0.1)

    monkeypatch.setattr(time_limits, "limit_waits", wait)
    return shop


@contextmanager
def somebody_saves(shop: Shop) -> Iterator[None]:
    with shop.database.connect() as other:
        other.exec_driver_sql(HELD[shop.database.kind])
        yield


def is_told(answer: Any) -> str:
    """Whether the answer says to come back, and when; return what it says."""
    assert answer.status_code == 503, answer.get_data(as_text=True)
    assert int(answer.headers["Retry-After"]) > 0
    assert "Set-Cookie" not in answer.headers
    return str(answer.get_data(as_text=True))


def test_who_saves_is_told_that_somebody_else_does_and_keeps_what_was_typed(hurried: Shop) -> None:
    row = hurried.make(factories.make_customer, last_name="Ash")
    client, api = hurried.client(), hurried.api()
    edit = page_of(client.get(f"/admin/customer/edit/?id={row.id}")).form("/edit/")
    note = page_of(client.get(f"/admin/customer/act/verify/?id={row.id}")).form("/act/")
    cell = page_of(client.get(f"/admin/customer/ajax/update/?id={row.id}&column=customer_class")).form(
        "update"
    )
    before = hurried.figures()
    with somebody_saves(hurried):
        answer = client.post(edit.action, data=edit.filled(last_name="Oak"))
        assert "Someone else is saving this" in is_told(answer)
        assert page_of(answer).form("/edit/").fields["last_name"] == "Oak"
        assert "act/verify" in is_told(client.post(note.action, data=note.filled()))
        for form, sent in ((edit, edit.filled(last_name="Oak")), (cell, cell.filled())):
            assert "data-error-sentence" in is_told(client.post(form.action, data=sent, headers=IN_DRAWER))
        answer = api.send("PATCH", f"/api/v1/customer/{row.id}", {"last_name": "Oak"}, If_Match='"1"')
        assert "Someone else is saving this" in is_told(answer)
        assert answer.json["code"] == "busy"
        assert client.get(f"/admin/customer/details/?id={row.id}").status_code == 200
    assert hurried.figures() == before
    assert client.post(edit.action, data=edit.filled(last_name="Oak")).status_code == 302


def test_who_signs_in_meanwhile_is_told_so_too(hurried: Shop) -> None:
    client = application.browser(hurried.app)
    form = {"csrf_token": client.csrf_token(), "username": "admin", "password": application.PASSWORD}
    with somebody_saves(hurried):
        assert "The database is busy" in is_told(client.post("/login/", data=form))
    assert client.post("/login/", data=form).status_code == 302
