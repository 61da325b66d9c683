"""Everything that can be clicked: it answers, writes nothing, gives nothing away and carries the headers of a safe page."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from admin.site.access import Answer, entry_points, expected
from models.mail import MailAttachment
from tests.admin.conftest import RESOURCES, Shop, leaving_no_trace
from tests.admin.crawl import Visit, crawl
from tests.admin.pages import rows_of
from tests.admin.screen.test_gates import concrete
from tests.admin.stock import SECRET
from tests.databases import KINDS
from tests.factories import NOW
from tests.scale import FULL, sampled

Crawled = tuple[list[Visit], dict, dict]
NOT_THERE = ("/import/columns/", "/import/rows/", "/import/refused/", "/ajax/lookup/")
"""The ends of addresses that need an uploaded file, or the name of a field; tests of their own open them."""
OF_A_ROW = ("/details/", "/past/", "/restore/", "/ajax/update/")
FORBIDDEN = 403
SHUT = {400, 401, FORBIDDEN, 404, 405, 410}
NEED_MORE = {
    "/admin/reveal/",
    "/password/",
    "/admin/shop_setting/restore/",
    "/api/v1/login-as/<string:row_id>",
}
"""Addresses that need a masked field, a link from a mail, a setting that was another once, the key that exchanged it."""
OTHERS: dict[str, dict[str, int]] = {}
"""Kind of database -> what the addresses answered that no link led to."""
SIGN_INS = frozenset({"ab_user"})
OF_A_PAGE = (
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
)  # fmt: skip

# Every page is also opened on both databases by the tests of its screen; where its links lead, no database decides.
WALKED = KINDS if FULL else KINDS[:1]
pytestmark = [
    pytest.mark.slow, pytest.mark.soak, pytest.mark.parametrize("database_kind", WALKED, indirect=True),
]  # fmt: skip


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
            with leaving_no_trace():
                visits = crawl(client, secrets=[SECRET, *hashes])
                OTHERS[kind] = _all_others(shop, visits)
            known[kind] = visits, before, shop.figures(SIGN_INS)
        return known[kind]

    return find


def _reads(shop: Shop) -> set[str]:
    """The rules of all addresses that are read."""
    return {rule.rule for rule in shop.app.url_map.iter_rules() if "GET" in rule.methods}


def _rule_of(shop: Shop, url: str) -> str:
    path = url.removeprefix("http://localhost").partition("?")[0].partition("#")[0]
    rule, _values = shop.app.url_map.bind("localhost").match(path, return_rule=True)
    return str(rule.rule)


def _all_others(shop: Shop, visits: list[Visit]) -> dict[str, int]:
    """Read addresses that no link led to, a third outside a soak; return rule -> the first answer.

    Each is asked as it stands and about a record.
    """
    came_by = {_rule_of(shop, visit.url) for visit in visits if visit.status < 404}
    found = {}
    for rule in sorted(rule for rule in _reads(shop) - came_by if sampled(rule, 3)):
        path = concrete(_about_a_row(shop, rule))
        ask = shop.api().get if path.startswith("/api/") else shop.client().get
        for query in _queries(shop, path):
            found[rule] = ask(path + query).status_code
            if found[rule] not in SHUT or found[rule] == FORBIDDEN:
                break
    return found


def _about_a_row(shop: Shop, rule: str) -> str:
    """Fill in a row of the API that its list has: not every list has the first."""
    if "<string:row_id>" not in rule:
        return rule
    resource = rule.split("/")[3]
    row = _listed(shop, resource) if resource in shop.app.extensions["clientele.screens"].screens else []
    return rule.replace("<string:row_id>", str((row or [1])[0]))


def _listed(shop: Shop, resource: str) -> list[int]:
    """The id of the first row of a list, if it has any."""
    view = "view=all&" if shop.screen(resource).views else ""
    return rows_of(shop.client().get(f"/admin/{resource}/?{view}page_size=1"))[:1]


def _queries(shop: Shop, path: str) -> Iterator[str]:
    """Yield what an address may be asked: as it stands, about a record, a moment of it, a field of it, a file of it."""
    resource = (path.split("/") + [""] * 2)[2]
    screens, at = shop.app.extensions["clientele.screens"].screens, "2026-09-01T12:00:00Z"
    yield from ("", "?id=1", f"?id=1&at={at}")
    if path.endswith("/mail/attachment/"):
        with shop.look() as session:
            mail, file = session.execute(sa.select(MailAttachment.mail_id, MailAttachment.id).limit(1)).one()
        yield f"?id={mail}&attachment={file}"
    row = _listed(shop, resource) if resource in screens and path.endswith(OF_A_ROW) else []
    yield from (query for i in row for query in (f"?id={i}", f"?id={i}&at={at}"))
    if path.endswith(("/restore/", "/ajax/update/")):
        columns = [*screens[resource].column_editable_list, *screens[resource].form_columns][:2]
        yield from (f"?id={i}&column={c}&field={c}&at={at}&version=1" for i in row for c in columns)


@pytest.fixture
def crawled(database_kind: str, _crawled: Callable[[str], Crawled]) -> Crawled:
    """Where an Admin gets by clicking, and the figures of all tables before and after."""
    return _crawled(database_kind)


def every_link_an_admin_sees_answers(crawled: Crawled, shop: Shop) -> None:
    visits, _before, _after = crawled
    assert len(visits) > 300
    broken = [v for v in visits if v.status >= 400 and not _ahead(v.url)]
    assert [(v.url, v.status, v.came_from) for v in broken] == []


def _ahead(url: str) -> bool:
    """Whether a link names a moment that the shop's clock has not reached: its first rows come by the wall clock."""
    _path, _sep, moment = url.partition("/past/")[2].partition("at=")
    return moment[:10] > f"{NOW:%Y-%m-%d}"


def looking_at_everything_writes_nothing(crawled: Crawled, shop: Shop) -> None:
    _visits, before, after = crawled
    assert after == before


def every_address_that_is_read_was_read(crawled: Crawled, shop: Shop) -> None:
    """Links were followed, all others asked for; what none of that opened is shut, or needs what is not there."""
    app, others = shop.app, OTHERS[shop.database.kind]
    assert {rule: status for rule, status in others.items() if status >= 500} == {}
    unopened = {rule for rule, status in others.items() if status in SHUT and not rule.endswith(NOT_THERE)}
    named = entry_points(app.url_map, app.extensions["clientele.screens"].screens.values())
    open_to_admins = {d.rule for d in named if d.method == "GET" and expected(d, "Admin") == Answer.LETS_IN}
    unchanging = {f"/admin/{r}/past/" for r in RESOURCES if not shop.screen(r).model.__journal__}
    assert unopened & open_to_admins - unchanging - NEED_MORE == set()


def no_page_carries_scripts_styles_or_secrets(crawled: Crawled, shop: Shop) -> None:
    visits, _before, _after = crawled
    assert [(v.url, v.problems) for v in visits if v.problems] == []


def every_answer_carries_the_headers_of_a_safe_page(crawled: Crawled, shop: Shop) -> None:
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


def the_walk_came_by_every_kind_of_page(crawled: Crawled, shop: Shop) -> None:
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


def test_everything_that_can_be_clicked(crawled: Crawled, stocked: Shop) -> None:
    """One case, so that a run in several processes walks once."""
    for holds in (
        every_link_an_admin_sees_answers,
        looking_at_everything_writes_nothing,
        every_address_that_is_read_was_read,
        no_page_carries_scripts_styles_or_secrets,
        every_answer_carries_the_headers_of_a_safe_page,
        the_walk_came_by_every_kind_of_page,
    ):
        holds(crawled, stocked)
