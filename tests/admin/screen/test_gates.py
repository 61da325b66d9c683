"""Who gets in: the whole URL map, every role, every POST without a token, every row out of scope."""

from typing import Any

import pytest
from sqlalchemy import inspect

from admin.request.permissions import SHIPPED_ROLES
from admin.screen.views import PERMISSION_OF
from admin.screens import SCREENS
from admin.screens.addresses import AddressScreen
from models.address import Address
from models.customer import Customer
from models.personal import policy
from tests import application, factories
from tests.admin.conftest import RESOURCES, Api, Shop, token
from tests.admin.pages import page_of, rows_of
from tests.scale import one_by_name

PER_RESOURCE = {
    "/admin/<resource>/": "GET",
    "/admin/<resource>/action/": "POST",
    "/admin/<resource>/act/<verb>/": "GET POST",
    "/admin/<resource>/ajax/lookup/": "GET",
    "/admin/<resource>/ajax/update/": "GET POST",
    "/admin/<resource>/bulk/delete/": "POST",
    "/admin/<resource>/columns/": "POST",
    "/admin/<resource>/delete/": "POST",
    "/admin/<resource>/details/": "GET",
    "/admin/<resource>/edit/": "GET POST",
    "/admin/<resource>/export/<export_type>/": "GET",
    "/admin/<resource>/import/": "GET POST",
    "/admin/<resource>/import/apply/": "POST",
    "/admin/<resource>/import/columns/": "GET POST",
    "/admin/<resource>/import/mapping/delete/": "POST",
    "/admin/<resource>/import/empty/": "GET",
    "/admin/<resource>/import/instead/": "POST",
    "/admin/<resource>/import/refused/": "GET",
    "/admin/<resource>/import/rows/": "GET",
    "/admin/<resource>/new/": "GET POST",
    "/admin/<resource>/past/": "GET",
    "/admin/<resource>/restore/": "GET POST",
    "/api/v1/<resource>/actions/<string:verb>": "POST",
    "/api/v1/<resource>/<string:row_id>/actions/<string:verb>": "POST",
}
BESIDES = {
    "/": "GET",
    "/admin/": "GET",
    "/admin/account/": "GET",
    "/admin/account/factor/": "GET",
    "/admin/account/factor/begin/": "POST",
    "/admin/account/factor/confirm/": "POST",
    "/admin/account/factor/remove/": "POST",
    "/admin/account/password/": "POST",
    "/admin/account/sessions/": "POST",
    "/admin/customer/statement/": "GET",
    "/admin/customer/statement/pdf/": "GET",
    "/admin/loyalty_entry/lots/": "GET",
    "/admin/mail/attachment/": "GET",
    "/admin/mail/body/": "GET",
    "/admin/palette/": "GET",
    "/admin/proof/": "GET POST",
    "/admin/role/compare/": "GET",
    "/admin/role/matrix/": "GET",
    "/admin/reveal/": "GET POST",
    "/admin/search/": "GET",
    "/admin/shop_setting/effect/": "POST",
    "/admin/shop_setting/save/": "POST",
    "/admin/view_as/": "POST",
    "/admin/view_as/end/": "POST",
    "/api/<version>/_openapi": "GET",
    "/api/v1/login-as/<string:row_id>": "GET",
    "/api/v1/login-as/<string:row_id>/end": "POST",
    "/api/v1/login-as/exchange": "POST",
    "/api/v1/security/login": "POST",
    "/api/v1/security/refresh": "POST",
    "/healthz": "GET",
    "/login/": "GET POST",
    "/login/code/": "GET POST",
    "/logout/": "POST",
    "/password/": "GET POST",
    "/password/forgotten/": "GET POST",
    "/readyz": "GET",
    "/static/<path:filename>": "GET",
}
OPEN = {"/static/<path:filename>", "/login/", "/logout/", "/", "/api/v1/security/login"}
OPEN |= {"/login/code/", "/password/", "/password/forgotten/", "/healthz", "/readyz"}


def rules(shop: Shop) -> dict[str, str]:
    """Return rule -> methods, as the application has them."""
    found: dict[str, set[str]] = {}
    for rule in shop.app.url_map.iter_rules():
        found.setdefault(rule.rule, set()).update(rule.methods - {"HEAD", "OPTIONS"})
    return {rule: " ".join(sorted(methods)) for rule, methods in found.items()}


def in_api(screen: Any) -> dict[str, str]:
    """Return rule -> methods of a resource in the API, where what nobody may do has no route."""
    one = {"GET": True, "PATCH": screen.can_edit, "DELETE": screen.can_delete}
    return {
        f"/api/v1/{screen.resource}/": "GET POST" if screen.can_create else "GET",
        f"/api/v1/{screen.resource}/<string:row_id>": " ".join(
            sorted(m for m, offered in one.items() if offered)
        ),
    }


def test_the_url_map_is_exactly_this(stocked: Shop):
    expected = dict(BESIDES)
    for resource in RESOURCES:
        expected |= {rule.replace("<resource>", resource): methods for rule, methods in PER_RESOURCE.items()}
        expected |= in_api(stocked.screen(resource))
    assert rules(stocked) == expected


def concrete(rule: str) -> str:
    """Fill in a rule's variables."""
    for variable, value in (
        ("<verb>", "x"),
        ("<string:verb>", "x"),
        ("<export_type>", "csv"),
        ("<string:row_id>", "1"),
        ("<version>", "v1"),
    ):
        rule = rule.replace(variable, value)
    return rule


def test_nobody_gets_past_the_sign_in_page(stocked: Shop):
    nobody = application.browser(stocked.app)
    csrf = {"X-CSRFToken": nobody.csrf_token()}
    for rule, methods in rules(stocked).items():
        if rule in OPEN:
            continue
        for method in methods.split():
            answer = nobody.open(concrete(rule), method=method, headers=csrf)
            if rule.startswith("/api/"):
                assert answer.status_code == 401, f"{method} {rule}"
            elif rule in ("/admin/palette/", "/admin/reveal/", "/admin/search/"):
                assert answer.status_code == 401
            else:
                assert answer.status_code == 302, f"{method} {rule}: {answer.status}"
                assert answer.location.startswith("/login/"), rule


def _alike(role: str, verb: str, resource: str) -> list[str]:
    """The shipped roles that hold a permission as this one does, or lack it as this one does."""
    holds = {name: held is None or (f"can_{verb}", resource) in held for name, held in SHIPPED_ROLES.items()}
    return [name for name in holds if holds[name] == holds[role]]


@pytest.mark.soak
@pytest.mark.either_database
@pytest.mark.parametrize("role", SHIPPED_ROLES)
def test_a_role_opens_exactly_the_views_its_permissions_name(stocked: Shop, role: str):
    client, held = stocked.client(role), SHIPPED_ROLES[role]
    for resource in RESOURCES:
        screen = stocked.screen(resource)
        for view, path in (
            ("index_view", ""),
            ("create_view", "new/"),
            ("export", "export/csv/"),
            ("import_view", "import/"),
            ("details_view", "details/?id=1"),
            ("past_view", "past/?id=1"),
            ("restore_view", "restore/?id=1"),
        ):
            verb = PERMISSION_OF[view]
            if role not in one_by_name(f"{resource} {view}", _alike(role, verb, resource)):
                continue
            allowed = verb in screen.verbs and (held is None or (f"can_{verb}", resource) in held)
            answer = client.get(f"/admin/{resource}/{path}")
            assert (answer.status_code != 403) == allowed, f"{role} {resource}/{path}: {answer.status}"


@pytest.mark.either_database
@pytest.mark.parametrize("role", SHIPPED_ROLES)
def test_the_menu_shows_a_role_only_what_it_may_list(stocked: Shop, role: str):
    links = set(page_of(stocked.client(role).get("/admin/")).links)
    for screen in SCREENS:
        resource = screen.named()
        held = SHIPPED_ROLES[role]
        wanted = screen.menu is not None and (held is None or ("can_list", resource) in held)
        assert (f"/admin/{resource}/" in links) == wanted, f"{role} {resource}"


def test_no_post_without_a_token_changes_anything(shop: Shop):
    shop.make(factories.make_address)
    client, before = shop.client(), shop.figures()
    for rule, methods in rules(shop).items():
        if "POST" in methods and not rule.startswith("/api/"):
            answer = client.post(concrete(rule) + "?id=1", data={"id": "1", "ids": "1"})
            assert answer.status_code == 400, f"{rule}: {answer.status}"
    assert shop.figures() == before
    assert client.get("/admin/").status_code == 200


def test_sign_out_ends_the_session(shop: Shop):
    client = application.sign_in(shop.app, "Support")
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/", headers={"X-CSRFToken": client.csrf_token()}).status_code == 302
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/admin/note/", "/admin/note/"),
        ("https://evil.example/", "/admin/"),
        ("//evil.example/", "/admin/"),
        ("/\\evil.example", "/admin/"),
        ("/\t/evil.example", "/admin/"),
    ],
)
def test_sign_in_leads_only_to_local_addresses(shop: Shop, wanted: str, reached: str):
    client = application.browser(shop.app)
    data = {"username": "admin", "password": application.PASSWORD, "csrf_token": client.csrf_token()}
    answer = client.post("/login/", query_string={"next": wanted}, data=data)
    assert answer.status_code == 302
    assert answer.location.removeprefix("http://localhost") == reached


def test_every_page_carries_the_security_headers(stocked: Shop):
    for path in ("/admin/", "/admin/customer/", "/login/", "/admin/nowhere/", "/api/v1/customer/"):
        headers = stocked.client().get(path).headers
        assert "'unsafe" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("role", "path", "status", "back"),
    [
        ("Read-only", "/admin/customer/new/", 403, "/admin/customer/"),
        ("Support", "/admin/customer/details/?id=999999", 404, "/admin/customer/"),
        ("Support", "/admin/api_key/details/?id=1", 403, ""),
        ("Support", "/nowhere/", 404, ""),
        ("Support", "/admin/customer/?sort=nonsense", 400, "/admin/customer/"),
    ],
)
@pytest.mark.either_database
def test_a_refusal_keeps_the_menu_and_the_search(
    stocked: Shop, role: str, path: str, status: int, back: str
) -> None:
    answer = stocked.client(role).get(path)
    assert answer.status_code == status
    page = page_of(answer)
    assert any(given.get("id") == "search" for _tag, given in page.tags)
    main = answer.get_data(as_text=True).partition('<main id="main"')[2].partition("</main>")[0]
    assert f'data-error="{status}"' in main
    assert (f'href="{back}"' in main) == bool(back)
    part = stocked.client(role).get(path, headers={"HX-Request": "true"})
    assert part.status_code == status
    assert "<html" not in (text := part.get_data(as_text=True))
    assert "data-error-sentence" in text


@pytest.mark.either_database
def test_nobody_is_shown_a_menu_with_a_refusal(stocked: Shop) -> None:
    page = page_of(application.browser(stocked.app).get("/nowhere/"))
    assert not any(given.get("id") in ("search", "menu") for _tag, given in page.tags)


def test_an_unknown_host_is_refused(stocked: Shop):
    assert stocked.client().get("/admin/", headers={"Host": "evil.example"}).status_code == 400


class Narrow(AddressScreen):
    """Addresses of which one town is out of everybody's scope."""

    def scope(self, statement, actor):
        return statement.where(Address.town != "Hidden")


def test_a_row_out_of_scope_answers_like_one_that_is_missing(shop: Shop, monkeypatch):
    with shop.arrange() as session:
        seen = factories.make_address(session, town="Seen").id
        hidden = factories.make_address(
            session, town="Hidden", line1="1 Secret Street", postcode="LS2 9JT"
        ).id
    monkeypatch.setattr("app.SCREENS", tuple(Narrow if s is AddressScreen else s for s in SCREENS))
    app = application.make(shop.database.url)
    client, api = application.sign_in(app, "Admin"), Api(app, token(app, "Admin"))
    csrf = {"X-CSRFToken": client.csrf_token()}
    gone = 10**9
    assert rows_of(client.get("/admin/address/")) == [seen]
    assert [row["id"] for row in api.get("/api/v1/address/").json["result"]] == [seen]
    assert "Secret" not in client.get("/admin/address/export/csv/").get_data(as_text=True)
    assert "Secret Street" not in client.get("/admin/search/?q=1 Secret").get_data(as_text=True)
    for path in ("details/", "edit/", "ajax/update/"):
        answers = [client.get(f"/admin/address/{path}?id={i}&column=label") for i in (hidden, gone)]
        assert [a.status_code for a in answers] == [404, 404], path
    for path, field in (("delete/", "id"), ("ajax/update/", "id")):
        answers = [
            client.post(
                f"/admin/address/{path}", data={field: i, "column": "label", "version": 1}, headers=csrf
            )
            for i in (hidden, gone)
        ]
        assert [a.status_code for a in answers] == [404, 404], path
    client.post("/admin/address/bulk/delete/", data={"ids": [hidden]}, headers=csrf)
    assert shop.get(Address, hidden) is not None
    assert [api.get(f"/api/v1/address/{i}").status_code for i in (hidden, gone)] == [404, 404]


def test_a_form_writes_only_its_own_fields_whatever_is_posted(shop: Shop):
    row = shop.make(factories.make_customer)
    client = shop.client()
    form = page_of(client.get(f"/admin/customer/edit/?id={row.id}")).form("/admin/customer/edit/")
    columns = [c.key for c in inspect(Customer).column_attrs]
    closed = [c for c in columns if policy(getattr(Customer, c).property.columns[0]).written_by != "form"]
    assert {"points", "account_balance", "status", "merged_into_id", "password_hash"} <= set(closed)
    posted = form.filled(**{name: "1" for name in closed if name != "version"}, title="Dr")
    assert client.post(form.action, data=posted).status_code == 302
    after = shop.get(Customer, row.id)
    assert after.title == "Dr"
    for name in closed:
        if name not in ("version", "updated_at"):
            assert getattr(after, name) == getattr(row, name), name
