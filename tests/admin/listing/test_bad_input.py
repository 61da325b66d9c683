"""Bad input on every route: 4xx, on both databases, naming what is wrong, and never a word of SQL, code or paths."""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admin.screen_spec.column_info import OPERATORS
from tests import application
from tests.admin.answers import refused, sane
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.row_actions.test_acting import DECLARED
from tests.scale import one_by_name, sampled, scaled

HUGE = "1" + "0" * 30
BAD_IDS = (
    "",
    "abc",
    "0",
    "-1",
    "1.5",
    "1e3",
    HUGE,
    "9223372036854775808",
    "１",
    "²",
    "1\x00",
    "1 OR 1=1",
    "[]",
    "null",
    "%",
    " 1",
)
MISSING_IDS = ("999999999", "9223372036854775807")
NUL = "a\x00b"
PERILOUS = (HUGE, "9223372036854775808", "2147483648", "1\x00", NUL)
"""What PostgreSQL would choke on if it ever got there. The rest is refused before a database is asked: once is enough."""
HTMX = {"HX-Request": "true"}

BAD_CONTROL = [
    *(("sort", v) for v in ("nope", "-", "--id", "password_hash", "id;--", "created_at desc", "id,points", NUL, HUGE)),
    *(("page_size", v) for v in ("0", "-1", "201", "1e2", "ten", HUGE, "２５", NUL, "5.0")),
    *(("after", v) for v in ("x", "0", "-5", "1.5", HUGE, "9223372036854775808", "²", NUL)),
    *(("before", v) for v in ("x", "0", HUGE, NUL)),
    ("view", "nope"), ("view", NUL), ("q", "x" * 201), ("q", NUL), ("bogus", "1"), ("page", "3"), ("id__eq", "1"),
    ("password_hash__contains", "a"), ("__eq", "1"), ("customer__", "1"), ("created_at__drop", "1"), ("a" * 2000, "1"), ("\x00", "1"),
]  # fmt: skip
TWICE = [("sort", ["id", "-id"]), ("q", ["a", "b"]), ("page_size", ["5", "6"]), ("after", ["1", "2"])]


def paths(resource: str) -> list[str]:
    """The addresses that take the list's query."""
    found = [f"/api/v1/{resource}/"]
    return (
        found
        if resource == "shop_setting"
        else [f"/admin/{resource}/", f"/admin/{resource}/export/csv/", *found]
    )


def paths_in_turn(resource: str) -> Iterator[str]:
    """One of the channels after the other for ever: all of them read a query by the same grammar."""
    return itertools.cycle(paths(resource))


def some(resource: str, values: Sequence[Any], parts: int) -> Sequence[Any]:
    """Return one of ``parts`` parts of what is tried on all screens: each value on some of them, as all read it alike."""
    return values[RESOURCES.index(resource) % parts :: parts]


def first_with(shop: Shop) -> dict[tuple[str, str], str]:
    """Kind of filter and operator -> the first screen that has one."""
    found: dict[tuple[str, str], str] = {}
    for resource in RESOURCES:
        for field in shop.screen(resource).filters.values():
            for operator in OPERATORS[field.kind]:
                found.setdefault(("boolean" if operator == "empty" else field.kind, operator), resource)
    return found


def told(shop: Shop, values: Sequence[Any]) -> Sequence[Any]:
    """Return the values worth sending on this kind of database."""
    return values if shop.database.kind == "sqlite" else [v for v in values if v in PERILOUS]


def ask(shop: Shop, path: str, arguments: dict):
    """GET as the Admin: with the cookie on screen, with a token in the API."""
    if path.startswith("/api/"):
        return shop.api().get(path, **arguments)
    return shop.client().get(path, query_string=arguments, headers=HTMX)


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_list_refuses_what_it_does_not_offer_on_every_channel(stocked: Shop, resource: str) -> None:
    values = told(stocked, [value for _name, value in BAD_CONTROL])
    control = some(resource, [(name, value) for name, value in BAD_CONTROL if value in values], 3)
    for path, (name, value) in zip(paths_in_turn(resource), (*control, *TWICE), strict=False):
        refused(
            ask(stocked, path, {name: value}), name.replace("\x00", ""), why=f"{path} {name}={value!r}"[:200]
        )


BAD_FILTERS = {
    "text": ("x" * 201, NUL),
    "number": ("abc", "1.5", "1e5", HUGE, "９", "--1", NUL, " ", "0x10", "1_000", "NaN"),
    "money": ("abc", "NaN", "Infinity", "1e5", "0.0005", "1_000", "９", HUGE, "1,50", NUL, "£5", "--1", "1."),
    "percent": (
        "abc",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e5",
        "0.005",
        "1_0",
        "1001",
        "-1",
        HUGE,
        NUL,
        "9" * 400,
        "sNaN",
        "５",
    ),
    "date": (
        "abc",
        "2026-02-30",
        "2026-13-01",
        "26-1-1",
        "0001-01-01",
        "9999-12-31",
        "２０２６-01-01",
        NUL,
        "2026-01-01T00:00",
        HUGE,
    ),
    "datetime": ("abc", "2026-02-30", "0001-01-01", "9999-12-31", NUL, "now", HUGE, "2026-01-01 00:00"),
    "last_day": ("abc", "2026-02-30", "0001-01-01", "9999-12-31", NUL, "now", HUGE, "2026-01-01 00:00"),
    "choice": ("nope", NUL, "1", "[]", "REGISTERED"),
    "boolean": ("yes", "2", "-1", NUL, "TRUE", "null"),
    "lookup": BAD_IDS[1:],
}
EXTREMES = {
    "text": (
        "'",
        "%",
        "_",
        "\\",
        "%%",
        "' OR 1=1 --",
        "\u202e",
        "é" * 200,
        "%(x)s",
        "{}",
        "\x01",
        "\ud7ff\uffff",
        "x" * 200,
        "\t",
    ),
    "number": ("9007199254740992", "-9007199254740992", "2147483648", "-2147483649", "0", "-0", "00000001"),
    "money": ("999999999.999", "-999999999.999", "0.001", "0"),
    "percent": ("1000", "0", "99.99", "+5", "1E1"),
    "date": ("1000-01-01", "9998-12-31"),
    "datetime": ("1000-01-01", "9998-12-31"),
    "last_day": ("1000-01-01", "9998-12-31"),
    "choice": (),
    "boolean": ("1", "0", "true", "false"),
    "lookup": ("1", "2147483647", "2147483648", "9223372036854775807"),
}


def _tried(shop: Shop, name: str, bad: Sequence[Any]) -> list[Any]:
    """The first of some bad values, and of the others some of those worth sending to this database."""
    return [bad[0], *(value for value in told(shop, bad[1:]) if sampled(f"{name} {value}", 3))]


@pytest.mark.soak
@pytest.mark.parametrize("resource", RESOURCES)
def test_a_filter_refuses_what_does_not_fit_its_column_and_takes_what_does(
    stocked: Shop, resource: str
) -> None:
    path, met, first = f"/api/v1/{resource}/", set(), first_with(stocked)
    for field in stocked.screen(resource).filters.values():
        for operator in OPERATORS[field.kind]:
            name = f"{field.name}__{operator}"
            kind = "boolean" if operator == "empty" else field.kind
            bad = ("nope", "male,nope", ",") if operator == "in" else BAD_FILTERS[kind]
            # Read by the same code as a column before it: a sample will do.
            again = (kind, operator) in met or first[kind, operator] != resource
            if again and not sampled(f"{resource} {name}", 3):
                continue
            met.add((kind, operator))
            for value in bad[:1] if again else _tried(stocked, name, bad):
                refused(stocked.api().get(path, **{name: value}), name, why=f"{path} {name}={value!r}"[:200])
            refused(stocked.api().get(path, **{name: ["x", "y"]}), name, why=f"{path} {name} twice")
            for value in () if operator == "in" else EXTREMES[kind][: 3 if again else None]:
                sane(stocked.api().get(path, page_size="1", **{name: value}), why=f"{path} {name}={value!r}")
        for value in (
            EXTREMES[field.kind][:1] if sampled(f"{resource} {field.name}", 3) else ()
        ):  # on screen the chip shows the value too
            operator = "ge" if field.kind in {"datetime", "last_day"} else "eq"
            answer = ask(stocked, path.replace("/api/v1", "/admin"), {f"{field.name}__{operator}": value})
            sane(answer, why=f"{resource} {field.name}={value!r}")


@pytest.mark.soak
@pytest.mark.both_databases
@pytest.mark.parametrize("resource", RESOURCES)
def test_no_route_takes_a_bad_or_missing_id(stocked: Shop, resource: str) -> None:
    screen, client = stocked.screen(resource), stocked.client()
    targeted = [f"act/{a.action.verb}" for a in screen.actions() if a.action.targeted]
    csrf = {"X-CSRFToken": client.csrf_token(), **HTMX}
    column = next(iter(screen.column_editable_list), "x")
    bad = [v for v in some(resource, told(stocked, BAD_IDS), 3) if sampled(f"{resource} {v}", 3)]
    absent = one_by_name(resource, MISSING_IDS)
    for value, missing in (*((v, False) for v in bad), *((v, True) for v in absent)):
        for view in ("details", "edit", *targeted):
            answer = client.get(f"/admin/{resource}/{view}/", query_string={"id": value}, headers=HTMX)
            refused(answer, why=f"GET {view} id={value!r}")
            assert answer.status_code in ({404, 403} if missing else {400, 403}), (
                f"GET {view} id={value!r}: {answer.status}"
            )
        for view in ("edit", *targeted):
            refused(
                client.post(f"/admin/{resource}/{view}/", query_string={"id": value}, headers=csrf),
                why=f"POST {view} {value!r}",
            )
        for view, sent in (("delete", {"id": value}), ("ajax/update", {"id": value, "column": column})):
            refused(
                client.post(f"/admin/{resource}/{view}/", data=sent, headers=csrf),
                why=f"POST {view} id={value!r}",
            )
        if not missing:
            refused(
                client.post(f"/admin/{resource}/bulk/delete/", data={"ids": value}, headers=csrf),
                why=f"bulk {value!r}",
            )
            refused(
                client.get(f"/admin/{resource}/export/csv/", query_string={"ids": value}),
                why=f"export {value!r}",
            )
        if value and "\x00" not in value:
            refused(stocked.api().get(f"/api/v1/{resource}/{value}"), why=f"show {value!r}")
    for twice in (["1", "2"],):
        sane(client.get(f"/admin/{resource}/details/", query_string={"id": twice}), why="id twice")


@pytest.mark.parametrize("resource", RESOURCES)
def test_lookups_tabs_columns_and_exports_refuse_nonsense(stocked: Shop, resource: str) -> None:
    screen, client = stocked.screen(resource), stocked.client()
    base = f"/admin/{resource}"
    lookups = [n for n in (*screen.form_columns, *screen.filters) if screen.field(n).kind == "lookup"]
    names = ("", "nope", "id", "__class__", "metadata", "query", NUL, "password_hash", HUGE, "model")
    for name in some(resource, names, 2):
        refused(
            client.get(f"{base}/ajax/lookup/", query_string={"name": name}, headers=HTMX),
            why=f"look-up {name!r}",
        )
    for name in dict.fromkeys(lookups):
        for offset in some(resource, ("-1", "x", HUGE, "1e3", "²", NUL), 3):
            refused(
                client.get(f"{base}/ajax/lookup/", query_string={"name": name, "offset": offset}),
                "offset",
                why=offset,
            )
        for text in some(resource, ("%", "'", "x" * 5000, "\\", "{}", "é" * 300, "1" * 40), 3):
            answer = client.get(
                f"{base}/ajax/lookup/", query_string={"name": name, "query": text, "offset": "99999"}
            )
            sane(answer, why=f"look-up {name} {text[:20]!r}")
    for kind in some(resource, ("xls", "json", "csv'", "%00", "x" * 3000), 2):
        refused(client.get(f"{base}/export/{kind}/"), why=f"export {kind[:20]}")
    for verb in ("nope", "__init__", "%00", "create", "edit", "delete"):
        if f"{resource}.{verb}" not in DECLARED:
            refused(client.get(f"{base}/act/{verb}/", headers=HTMX), why=f"act {verb}")
    if resource != "shop_setting":
        refused(
            client.get(f"{base}/details/?id=1&tab=nope", headers=HTMX),
            "tab" if screen.tabs else "",
            why="tab",
        ) if screen.tabs else None
    for column in ("", "nope", "id", "version", "password_hash", NUL, "__class__"):
        refused(
            client.get(f"{base}/ajax/update/", query_string={"id": "1", "column": column}, headers=HTMX),
            why=f"inline {column!r}",
        )


def test_the_search_box_takes_anything(stocked: Shop) -> None:
    client = stocked.client()
    for text in (
        "%",
        "_",
        "'",
        "\\",
        "' OR 1=1 --",
        "{}",
        "%(x)s",
        "1" * 100,
        "#1",
        "#" * 50,
        "é" * 200,
        "\u202e\u200b",
        "+44 (0)113",
        HUGE,
    ):
        answer = client.get("/admin/search/", query_string={"q": text}, headers=HTMX)
        sane(answer, why=repr(text))
        assert answer.status_code == 200, repr(text)
    refused(client.get("/admin/search/", query_string={"q": "x" * 201}), "q")
    refused(client.get("/admin/search/", query_string={"q": NUL}), "q")


def test_bytes_that_are_no_text_are_no_error(stocked: Shop) -> None:
    client, api = stocked.client(), stocked.api()
    for raw in ("%ff%fe", "%c3%28", "%ed%a0%80", "%f8%a1%a1%a1%a1", "%E2%28%A1", "%"):
        for path in (
            "/admin/customer/?q=",
            "/admin/customer/?last_name__contains=",
            "/admin/search/?q=",
            "/admin/customer/?",
        ):
            sane(client.get(path + raw, headers=HTMX), why=path + raw)
        sane(api.get(f"/api/v1/customer/?q={raw}"), why=raw)
        refused(client.get(f"/admin/customer/details/?id={raw}"), why=raw)
        refused(client.get(f"/admin/{raw}/"), why=raw)
        refused(api.get(f"/api/v1/customer/{raw}"), why=raw)
    token = client.csrf_token()
    for kind, body in (
        ("application/x-www-form-urlencoded", b"csrf_token=" + token.encode() + b"&body=%ff%fe&customer=%ff"),
        ("multipart/form-data", b"no boundary at all"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=body\r\n\r\n\xff\xfe",
        ),
        ("application/json", b"{"),
        ("text/plain; charset=\xff", b"\xff"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"body=+AAA"),
    ):
        answer = client.post(
            "/admin/note/new/", data=body, content_type=kind, headers={"X-CSRFToken": token, **HTMX}
        )
        refused(answer, why=f"{kind} {body[:20]!r}")


def test_strange_headers_and_methods_are_no_error(stocked: Shop) -> None:
    app = stocked.app
    for headers in (
        {"Authorization": "Bearer"}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic x"}, {"Authorization": "\xff"},
        {"Authorization": "Bearer " + "x" * 9000}, {"Authorization": "Bearer é"}, {"Cookie": "session=garbage"}, {"Cookie": "session=\xff;;=;"},
        {"Accept": "\xff/*;q=x"}, {"Accept-Language": "xx-" * 500}, {"If-Modified-Since": "x"}, {"Content-Length": "-1"}, {"Range": "bytes=9-1"},
    ):  # fmt: skip
        for path in ("/api/v1/customer/", "/admin/customer/", "/login/", "/static/app.js"):
            sane(app.test_client().get(path, headers=headers), why=f"{path} {headers}"[:200])
    client = stocked.client()
    for method, path in itertools.product(
        ("PUT", "PATCH", "DELETE", "TRACE"),
        ("/admin/customer/", "/admin/customer/edit/?id=1", "/api/v1/note/1"),
    ):
        answer = client.open(path, method=method, headers={"X-CSRFToken": client.csrf_token()})
        writes = path.startswith("/api/") and method in ("PATCH", "DELETE")
        assert answer.status_code == (401 if writes else 405), f"{method} {path}"
        assert writes or answer.headers["Allow"]


def test_the_token_address_takes_any_body(stocked: Shop) -> None:
    client = stocked.app.test_client()
    good = {"username": "admin", "password": "x", "provider": "db"}
    bodies: list[Any] = [
        {**good, "provider": "ldap"}, {**good, "provider": "nope"},
        *({**good, key: value} for key in good for value in (None, 1, [], {}, "a\x00b", "\ud800", "x" * 100_000, True, 1e308, [["x"]])),
        [], "x", 5, None, {}, {"username": "admin"}, {**good, "extra": 1}, {**good, "refresh": "x"},
    ]  # fmt: skip
    for body in bodies:
        refused(client.post("/api/v1/security/login", json=body), why=json.dumps(body)[:100])
    for raw in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b"username=admin"):
        refused(
            client.post("/api/v1/security/login", data=raw, content_type="application/json"), why=raw[:20]
        )
        refused(
            client.post("/api/v1/security/refresh", data=raw, content_type="application/json"), why=raw[:20]
        )
    refused(client.post("/api/v1/security/login", data=good), why="a form")


def test_the_sign_in_form_takes_any_text(stocked: Shop) -> None:
    client = application.browser(stocked.app)
    for name, value in itertools.product(
        ("username", "password"), ("", "a\x00b", "x" * 100_000, "\ufffe", "' OR 1=1", "é" * 5000)
    ):
        answer = client.send("/login/", {"username": "admin", "password": "wrong", name: value})
        sane(answer, why=f"{name}={value[:10]!r}")
        assert answer.status_code in (200, 302, 400, 401, 429), f"{name}={value[:10]!r}: {answer.status}"
        assert client.get("/admin/").status_code == 302, "that let them in"


ANYTHING = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [HUGE, "NaN", "-0", "1e999", "2026-02-30", "\x7f", "null", "' --", "%", "١٢", "0" * 30, "9" * 19]
    ),
)


@pytest.mark.soak
@settings(max_examples=scaled(1000, least=15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_query_string_whatever_is_an_error_of_ours(stocked: Shop, data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from(RESOURCES))
    screen = stocked.screen(resource)
    names = [f"{f.name}__{o}" for f in screen.filters.values() for o in OPERATORS[f.kind]]
    control = ["q", "sort", "after", "before", "page_size", "view"]
    arguments = data.draw(
        st.dictionaries(
            st.one_of(st.sampled_from([*names, *control]), st.text(max_size=8)), ANYTHING, max_size=4
        )
    )
    for path in paths(resource):
        sane(ask(stocked, path, arguments), why=f"{path} {arguments}")
