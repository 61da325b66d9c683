"""Log in as customer on a shop site of one's own: exchanged by API key, asked about at each request (rule 6.14)."""

import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

import pytest
import sqlalchemy as sa

from models.api_key import KeyScope
from models.journal import Changeset
from models.login_as import LoginAs
from models.member import StaffChannel
from tests import factories
from tests.factories import NOW
from tests.portal.conftest import Portal
from tests.portal.login_as_desk import Desk, Program, desk, hand_over, handed_over, key_of
from tests.portal.test_log_in_as import staff_id, take_away
from tests.portal.test_log_in_as_ends import WAYS, another_customer, half_an_hour

EXCHANGE = "/api/v1/login-as/exchange"
SITE = "https://shop.example.org/log-in-as"
GUIDE = Path(__file__).parents[2] / "docs" / "login-as.md"
LATER = [way for way in WAYS if way not in (another_customer, half_an_hour)]
"""The ways that do not go through the portal themselves."""


@pytest.fixture
def site(portal: Portal) -> Portal:
    """A shop that has a site of its own for this."""
    with portal.arrange() as session:
        factories.make_shop_setting(session, code="login_as_url", value=SITE)
    return portal


def token(site: Portal, one: int, mine: Desk | None = None) -> str:
    """Ask to be logged in on the site; the token."""
    return (mine or desk(site)).token(one, audience="shop")


def test_the_page_posts_to_the_site(site: Portal) -> None:
    answer = desk(site).ask(site.customer(), audience="shop")
    assert handed_over(answer)[0] == SITE
    assert "form-action 'self' https://shop.example.org;" in answer.headers["Content-Security-Policy"]


def test_the_portal_stays_the_default(site: Portal) -> None:
    assert handed_over(desk(site).ask(site.customer()))[0].endswith("/portal/log-in-as/")


def test_without_an_address_there_is_no_such_place(portal: Portal) -> None:
    assert desk(portal).ask(portal.customer(), audience="shop").status_code == 409
    assert desk(portal).ask(portal.customer(), audience="elsewhere").status_code == 422


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.org/x",
        "https://",
        "https://a@b.example/x",
        "https://shop.example.org/x?y=1",
        "https://shop.example.org/x#y",
        "https://shop.example.org; script-src *",
        "https://shop.example.org:99999999/x",
        "javascript:alert(1)",
        "https://sh op.example/x",
    ],
)
def test_only_an_https_address_is_taken(portal: Portal, url: str) -> None:
    from models.base import Invalid
    from models.shop import SETTINGS

    with pytest.raises(Invalid):
        SETTINGS["login_as_url"].check("login_as_url", url)


def test_a_key_exchanges_it_and_asks_how_it_stands(site: Portal) -> None:
    one, shop = site.customer(), key_of(site, "shop")
    answer = shop.post(EXCHANGE, {"token": token(site, one)})
    row = site.rows(LoginAs)[-1]
    assert answer.status_code == 200
    assert answer.json == {
        "id": row.id,
        "customer": one,
        "staff_name": "Support Tester",
        "read_only": True,
        "ends_at": "2026-09-01T12:30:00+00:00",
        "stands": True,
        "ended_because": None,
    }
    assert shop.get(f"/api/v1/login-as/{row.id}").json == answer.json
    (started,) = site.rows(Changeset, Changeset.action == "customer.login_as_started")
    assert (started.actor_id, started.on_behalf_of_id) == (staff_id(site), one)
    ended = shop.post(f"/api/v1/login-as/{row.id}/end")
    assert (ended.json["stands"], ended.json["ended_because"]) == (False, "ended on the shop site")
    assert shop.post(f"/api/v1/login-as/{row.id}/end").json == ended.json


@pytest.mark.parametrize(("end", "why"), [(way, WAYS[way]) for way in LATER], ids=[w.__name__ for w in LATER])
def test_it_ends_there_as_it_does_in_the_portal(site: Portal, end: Any, why: str) -> None:
    one, mine, shop = site.customer(), desk(site), key_of(site, "shop")
    row = shop.post(EXCHANGE, {"token": token(site, one, mine)}).json["id"]
    end(site, mine, one)
    told = shop.get(f"/api/v1/login-as/{row}").json
    assert (told["stands"], told["ended_because"]) == (False, why)


def test_half_an_hour_is_the_most_there_too(site: Portal) -> None:
    shop, mine = key_of(site, "shop"), desk(site)
    row = shop.post(EXCHANGE, {"token": token(site, site.customer(), mine)}).json["id"]
    site.clock.move(minutes=29)
    mine.client.get("/admin/customer/")
    assert shop.get(f"/api/v1/login-as/{row}").json["stands"]
    site.clock.move(minutes=1)
    assert shop.get(f"/api/v1/login-as/{row}").json["ended_because"] == "30 minutes were over"


def test_each_place_takes_its_own_hand_overs_only(site: Portal) -> None:
    shop, mine, one = key_of(site, "shop"), desk(site), site.customer()
    assert hand_over(site.visitor(), token(site, one, mine)).status_code == 410
    answer = shop.post(EXCHANGE, {"token": mine.token(one)})
    assert (answer.status_code, answer.json["code"]) == (409, "hand_over_void")


def test_a_hand_over_is_exchanged_once_within_60_seconds(site: Portal) -> None:
    shop, one = key_of(site, "shop"), site.customer()
    given = token(site, one)
    found = [shop.post(EXCHANGE, {"token": given}).status_code for _n in range(3)]
    assert found == [200, 409, 409]
    late = token(site, one)
    site.clock.move(seconds=61)
    assert shop.post(EXCHANGE, {"token": late}).status_code == 409


def test_no_other_key_can_ask_about_it(site: Portal) -> None:
    shop, other = key_of(site, "shop"), key_of(site, "shop")
    row = shop.post(EXCHANGE, {"token": token(site, site.customer())}).json["id"]
    for answer in (other.get(f"/api/v1/login-as/{row}"), other.post(f"/api/v1/login-as/{row}/end")):
        assert answer.status_code == 404
    assert shop.get(f"/api/v1/login-as/{row}").json["stands"]
    assert shop.get("/api/v1/login-as/999").status_code == 404
    assert shop.get("/api/v1/login-as/x").status_code == 400


def test_a_key_takes_in_only_customers_its_owner_sees(site: Portal) -> None:
    shop = key_of(site, "shop")
    row = shop.post(EXCHANGE, {"token": token(site, site.customer())}).json["id"]
    given = token(site, site.customer())
    with site.arrange() as session:
        ours = factories.make_sales_channel(session).id
        session.add(StaffChannel(user_id=staff_id(site, "shop"), sales_channel_id=ours))
    assert shop.get(f"/api/v1/login-as/{row}").status_code == 404
    assert shop.post(EXCHANGE, {"token": given}).status_code == 409


@pytest.mark.parametrize(("username", "scope"), [("support", KeyScope.FULL), ("shop", KeyScope.READ)])
def test_it_takes_the_permission_and_a_key_of_full_scope(
    site: Portal, username: str, scope: KeyScope
) -> None:
    shop = key_of(site, username, scope)
    given = token(site, site.customer())
    assert shop.post(EXCHANGE, {"token": given}).status_code == 403
    assert shop.get("/api/v1/login-as/1").status_code == 403
    assert key_of(site, "shop").post(EXCHANGE, {"token": given}).status_code == 200


def test_nobody_exchanges_it_without_a_key(site: Portal) -> None:
    given = token(site, site.customer())
    assert site.app.test_client().post(EXCHANGE, json={"token": given}).status_code == 401
    from tests import application

    signed_in = Program(site, application.bearer(site.app, "admin"))
    assert signed_in.post(EXCHANGE, {"token": given}).json["code"] == "no_key"
    browser = site.staff("Admin").post(EXCHANGE, json={"token": given})
    assert browser.status_code == 401
    assert site.read(LoginAs.used_at) is None


@pytest.mark.parametrize(
    "body", [{}, {"token": ""}, {"token": 7}, {"token": ["x"]}, {"other": "x"}, {"token": "x" * 300}]
)
def test_junk_is_refused_by_its_name(site: Portal, body: dict[str, Any]) -> None:
    assert key_of(site, "shop").post(EXCHANGE, body).status_code == 422


def test_changes_are_turned_on_in_the_back_office(site: Portal) -> None:
    mine, shop = desk(site, "Manager"), key_of(site, "shop")
    row = shop.post(EXCHANGE, {"token": token(site, site.customer(), mine)}).json["id"]
    assert (
        desk(site, "Support").client.send(f"/admin/login_as/act/allow_changes/?id={row}").status_code == 403
    )
    assert site.staff("Admin").send(f"/admin/login_as/act/allow_changes/?id={row}").status_code in (404, 409)
    assert shop.get(f"/api/v1/login-as/{row}").json["read_only"]
    assert mine.client.send(f"/admin/login_as/act/allow_changes/?id={row}").status_code == 302
    assert not shop.get(f"/api/v1/login-as/{row}").json["read_only"]
    take_away(site, "can_act_for")
    assert shop.get(f"/api/v1/login-as/{row}").json["read_only"]


def test_the_description_of_the_api_has_it(site: Portal) -> None:
    paths = key_of(site, "shop").get("/api/v1/_openapi").json["paths"]
    assert {"post"} == set(paths[EXCHANGE])
    assert {"get"} == set(paths["/api/v1/login-as/{id}"])
    assert {"post"} == set(paths["/api/v1/login-as/{id}/end"])


# -- the guide ----------------------------------------------------------------------------------------------------


class Site:
    """The server of the guide, whose requests to Clientele reach the application of this test."""

    def __init__(self, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLIENTELE", "https://desk.example.org")
        monkeypatch.setenv("CLIENTELE_KEY", "unused")
        (text,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
        self.names: dict[str, Any] = {}
        exec(compile(text, str(GUIDE), "exec"), self.names)
        self.program, self.names["urlopen"] = key_of(portal, "shop"), self._open

    def _open(self, asked: Request, timeout: float) -> Any:
        path, method = asked.full_url.removeprefix("https://desk.example.org"), asked.get_method()
        body = json.loads(bytes(asked.data)) if asked.data else None
        answer = self.program.get(path) if method == "GET" else self.program.post(path, body)
        if answer.status_code != 200:
            raise HTTPError(asked.full_url, answer.status_code, "", None, None)
        return io.BytesIO(answer.data)

    def send(
        self, method: str, path: str, body: str = "", cookie: str = ""
    ) -> tuple[str, dict[str, str], str]:
        """A request of a browser."""
        told: list[Any] = []
        environ = {
            "PATH_INFO": path, "REQUEST_METHOD": method, "HTTP_COOKIE": cookie, "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body.encode()),
        }  # fmt: skip
        answer = self.names["app"](environ, lambda status, headers: told.extend((status, dict(headers))))
        return told[0], told[1], b"".join(answer).decode()


def test_the_server_of_the_guide_does_what_the_guide_says(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, mine, one = Site(site, monkeypatch), desk(site, "Manager"), site.customer()
    given = token(site, one, mine)
    status, headers, _body = server.send("POST", "/log-in-as", f"token={given}")
    assert status == "303 See Other"
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert server.send("POST", "/log-in-as", f"token={given}")[0] == "410 Gone"
    page = server.send("GET", "/", cookie=cookie)
    assert page[0] == "200 OK"
    assert f"Manager Tester is logged in as customer {one}" in page[2]
    assert server.send("POST", "/", cookie=cookie)[0] == "403 Forbidden"
    assert server.send("GET", "/")[0] == "403 Forbidden"
    done = server.send("POST", "/end", cookie=cookie)
    assert done[1]["Location"] == f"https://desk.example.org/admin/customer/details/?id={one}"
    assert server.send("GET", "/", cookie=cookie)[0] == "403 Forbidden"
    assert site.read(LoginAs.ended_because) == "ended on the shop site"


def test_the_server_of_the_guide_stops_with_the_session(
    site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, mine = Site(site, monkeypatch), desk(site)
    given = token(site, site.customer(), mine)
    cookie = server.send("POST", "/log-in-as", f"token={given}")[1]["Set-Cookie"].partition(";")[0]
    mine.client.send("/logout/")
    assert server.send("GET", "/", cookie=cookie)[0] == "403 Forbidden"


def test_the_answer_of_the_guide_is_the_answer(site: Portal) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    answer = key_of(site, "shop").post(EXCHANGE, {"token": token(site, site.customer())}).json
    assert set(json.loads(shown)) == set(answer)
    assert site.read(LoginAs.used_at, sa.true()) == NOW
