"""Everything that can be clicked: it answers, writes nothing, gives nothing away and carries the headers of a safe page."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.admin.conftest import Shop
from tests.admin.crawl import Visit, crawl
from tests.admin.stock import SECRET
from tests.factories import NOW

Crawled = tuple[list[Visit], dict, dict]
SIGN_INS = frozenset({"ab_user"})
OF_A_PAGE = (
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
)  # fmt: skip

# Every page is also opened on both databases by the tests of its screen; where its links lead, no database decides.
pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.fixture(scope="module")
def _crawled(_stocked: Callable[[str], Shop]) -> Callable[[str], Crawled]:
    known: dict[str, Crawled] = {}

    def find(kind: str) -> Crawled:
        if kind not in known:
            shop = _stocked(kind)
            with shop.look() as session:
                hashes = list(
                    session.scalars(sa.text("SELECT password FROM ab_user WHERE length(password) > 20"))
                )
            client, before = shop.client(), shop.figures(SIGN_INS)
            visits = crawl(client, secrets=[SECRET, *hashes])
            known[kind] = visits, before, shop.figures(SIGN_INS)
        return known[kind]

    return find


@pytest.fixture
def crawled(database_kind: str, _crawled: Callable[[str], Crawled]) -> Crawled:
    """Where an Admin gets by clicking, and the figures of all tables before and after."""
    return _crawled(database_kind)


def test_every_link_an_admin_sees_answers(crawled: Crawled) -> None:
    visits, _before, _after = crawled
    assert len(visits) > 300
    broken = [v for v in visits if v.status >= 400 and not _ahead(v.url)]
    assert [(v.url, v.status, v.came_from) for v in broken] == []


def _ahead(url: str) -> bool:
    """Whether a link names a moment that the shop's clock has not reached: its first rows come by the wall clock."""
    _path, _sep, moment = url.partition("/past/")[2].partition("at=")
    return moment[:10] > f"{NOW:%Y-%m-%d}"


def test_looking_at_everything_writes_nothing(crawled: Crawled) -> None:
    _visits, before, after = crawled
    assert after == before


def test_no_page_carries_scripts_styles_or_secrets(crawled: Crawled) -> None:
    visits, _before, _after = crawled
    assert [(v.url, v.problems) for v in visits if v.problems] == []


def test_every_answer_carries_the_headers_of_a_safe_page(crawled: Crawled) -> None:
    visits, _before, _after = crawled
    for visit in visits:
        headers = visit.headers
        assert headers["X-Content-Type-Options"] == "nosniff", visit.url
        assert headers["Referrer-Policy"] == "no-referrer", visit.url
        policy = headers["Content-Security-Policy"]
        if visit.url.startswith("/admin/mail/body/"):
            assert "sandbox" in policy, "a mail is shown as it was written, with nothing it could do"
            assert "default-src 'none'" in policy
            assert "script-src" not in policy
        else:
            for part in OF_A_PAGE:
                assert part in policy, visit.url
            assert "unsafe" not in policy
        if not visit.url.startswith("/static/"):
            assert headers["Cache-Control"] == "no-store", visit.url
            assert headers["X-Request-Id"], visit.url


def test_the_walk_came_by_every_kind_of_page(crawled: Crawled) -> None:
    visits, _before, _after = crawled
    paths = {v.url.split("?")[0].split("/", 3)[-1] for v in visits}
    for wanted in (
        "details/",
        "edit/",
        "new/",
        "ajax/lookup/",
        "export/csv/",
        "act/adjust/",
        "act/void/",
        "act/done/",
    ):
        assert wanted in paths, wanted
