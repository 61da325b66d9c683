"""What takes too long to read is given up with a sentence, and disturbs nobody (rule 8.9)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from admin.importing import files, values
from admin.screens.customers import CustomerScreen
from models import dialect
from models.customer import Customer
from tests import application, factories
from tests.admin.conftest import Shop
from tests.admin.imports import mapped
from tests.databases import Database

pytestmark = pytest.mark.both_databases

NEVER_ENDING = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n) > 0",
    "postgresql": "(SELECT pg_sleep(120)) IS NOT NULL",
}
LIST, TOP_BOX, LOOKUP = (
    "/admin/customer/?q=smith",
    "/admin/search/?q=smith",
    "/admin/note/ajax/lookup/?name=customer&query=smith",
)


@pytest.fixture
def hurried(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop that reads for a second at most, and whose search for customers never ends."""
    found = Shop(application.make(database.url, read_seconds=1), database)
    found.make(factories.make_customer, last_name="Smith")
    endless = sa.select(Customer.id).where(sa.text(NEVER_ENDING[database.kind]))
    monkeypatch.setattr(CustomerScreen, "search_ids", lambda *_given: endless)
    yield found
    with found.app.app_context():
        sa.orm.close_all_sessions()


def test_a_search_that_takes_too_long_says_what_would_do_and_the_next_page_comes(hurried: Shop) -> None:
    client = hurried.client()
    for url, accepted in ((LIST, "text/html"), (LOOKUP, "application/json")):  # the latter as the picker asks
        answer = client.get(url, headers={"Accept": accepted})
        assert answer.status_code == 503, url
        assert "took too long" in answer.text
        assert "a longer search" in answer.text
        assert answer.headers["X-Request-Id"] in answer.text
        assert ('href="/admin/customer/"' in answer.text) == (url == LIST), "the menu stands around a page"
        assert client.get("/admin/customer/?view=all").status_code == 200


def test_the_api_names_it_by_a_code(hurried: Shop) -> None:
    answer = hurried.api().get("/api/v1/customer/", q="smith")
    assert (answer.status_code, answer.json["code"]) == (503, "too_long")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert hurried.api().get("/api/v1/customer/").status_code == 200


def test_taking_in_a_file_may_take_as_long_as_the_file_needs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[float] = []

    def noted(real: Callable[..., Any]) -> Callable[..., Any]:
        def note(*given: Any, **named: Any) -> Any:
            left.append(dialect.seconds_left() or 0)
            return real(*given, **named)

        return note

    monkeypatch.setattr(files, "read", noted(files.read))
    monkeypatch.setattr(values.Reader, "read", noted(values.Reader.read))
    mapped(shop, "customer", "First name\nAnn\n")
    assert len(left) == 2
    assert min(left) > 60


def test_an_export_may_take_as_long_as_a_list_needs(
    hurried: Shop, monkeypatch: pytest.MonkeyPatch, database_kind: str
) -> None:
    slow = {
        "sqlite": NEVER_ENDING["sqlite"].replace("FROM n)", "FROM n WHERE i < 6000000)", 1),
        "postgresql": "(SELECT pg_sleep(1.2)) IS NOT NULL",
    }
    monkeypatch.setattr(
        CustomerScreen,
        "search_ids",
        lambda *_given: sa.select(Customer.id).where(sa.text(slow[database_kind])),
    )
    answer = hurried.client().get("/admin/customer/export/csv/?q=smith&view=all")
    assert answer.status_code == 200
    assert "Smith" in answer.text
