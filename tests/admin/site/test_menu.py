"""The menu and the other parts of the frame that are printed once: each is printed again for whom it is another."""

import datetime as dt
import re
from typing import Any

import pytest

from admin.layout import frame
from models.note import NoteKind
from tests import factories
from tests.admin.conftest import Shop
from tests.factories import TODAY

PAGE = "/admin/search/"
ENTRY = re.compile(r'<li><a href="([^"]+)"( aria-current="page")?>')


def menu(answer: Any) -> dict[str, bool]:
    """Address -> whether it is marked as where one is."""
    told = answer.get_data(as_text=True)
    found = ENTRY.findall(told[told.index("<nav") : told.index("</nav>")])
    return {address: bool(mark) for address, mark in found}


def test_everybody_has_the_menu_of_what_they_may_use(shop: Shop) -> None:
    for _twice in range(2):
        assert "/admin/role/" in menu(shop.client("Admin").get(PAGE))
        assert "/admin/role/" not in menu(shop.client("Read-only").get(PAGE))


def test_it_marks_where_one_is(shop: Shop) -> None:
    client = shop.client()
    for screen in ("customer", "note", "customer"):
        marked = [address for address, mark in menu(client.get(f"/admin/{screen}/")).items() if mark]
        assert marked == [f"/admin/{screen}/"]
    assert not any(menu(client.get(PAGE)).values())


def test_it_counts_what_is_due_now(shop: Shop) -> None:
    client = shop.client()
    for count in range(3):
        told = client.get(PAGE).get_data(as_text=True)
        assert re.findall(r'class="side-count">(\d+) due', told) == ([str(count)] if count else [])
        due = TODAY - dt.timedelta(days=400)
        shop.make(factories.make_note, kind=NoteKind.TASK, due_on=due)


def test_below_another_address_and_in_another_language_it_is_another(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = shop.client()
    for below, tongue in (("", "en_GB"), ("/desk", "en_GB"), ("", "de"), ("", "en_GB")):
        monkeypatch.setattr(frame, "get_locale", lambda tongue=tongue: tongue)
        told = client.get(PAGE, base_url=f"http://localhost{below}")
        assert f"{below}/admin/customer/" in menu(told)
        assert f'href="{below}/static/clientele.css"' in told.get_data(as_text=True)
    kept = shop.app.extensions["clientele"].menus
    assert {("printed", "admin/_words.html", tongue, "") for tongue in ("en_GB", "de")} <= set(kept)


def test_no_more_is_kept_than_so_many(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "MOST_KEPT", 5)
    shop.app.extensions["clientele"].menus.clear()  # the application is one for many tests
    for screen in ("customer", "note", "phone", "address"):
        assert shop.client().get(f"/admin/{screen}/").status_code == 200
        assert len(shop.app.extensions["clientele"].menus) <= 5
