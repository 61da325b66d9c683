"""The second step of signing in: set up, asked, never taken twice, needed by a role (rule 16.9)."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from flask_appbuilder.const import AUTH_REMOTE_USER

from models import vault
from models.access import RecoveryCode, SecondFactor
from models.base import Staff, db
from models.journal import Change, Changeset
from models.mail import Mail
from models.member import StaffRole
from models.vault import Vault
from tests import application, factories, staffing
from tests.admin.auth.test_sign_in import a_merge
from tests.admin.conftest import Api
from tests.admin.my_account.test_own_account import NEW, user_id
from tests.admin.my_account.test_password_links import choose, send
from tests.admin.pages import page_of
from tests.admin.signing_in import GOOD, Place, is_in
from tests.keyring import VAULT, a_key

PAGE, CODE = "/admin/account/factor/", "/login/code/"
KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def factor(place: Place, username: str = "support", key: str = KEY) -> int:
    """Somebody who has a second step; return who."""
    who = user_id(place, username)
    place.make(staffing.make_second_factor, user_id=who, key=key)
    return who


def code_at(place: Place, steps: int = 0, key: str = KEY) -> str:
    """The code that the app shows now, or so many half minutes later."""
    return str(pyotp.TOTP(key).at(int(place.clock().timestamp()) + 30 * steps))


def half_way(place: Place, given: dict[str, str] = GOOD) -> Any:
    """A browser in which the right password was typed."""
    client = application.browser(place.app)
    answer = place.form(given, client)
    assert (answer.status_code, answer.location.partition("?")[0]) == (302, CODE)
    return client


def step(client: Any, code: str, address: str = "127.0.0.1", to: str = "") -> Any:
    """Type the code."""
    data = {"code": code, "csrf_token": client.csrf_token(CODE)}
    url = CODE + (f"?next={to}" if to else "")
    return client.post(url, data=data, environ_overrides={"REMOTE_ADDR": address})


def enrol(place: Place, client: Any) -> list[str]:
    """Set a second step up as a person does; return the recovery codes."""
    begin = page_of(client.get(PAGE)).form("/begin/")
    assert client.post(begin.action, data=begin.filled()).status_code == 302
    page = page_of(client.get(PAGE))
    key = re.search(r"<code>([A-Z2-7 ]+)</code>", page.html)[1].replace(" ", "")
    form = page.form("/confirm/")
    done = client.post(form.action, data=form.filled(code=code_at(place, key=key)))
    assert done.status_code == 200, page_of(done).text
    return re.findall(r"<code>([a-z2-7-]+)</code>", done.get_data(as_text=True))


def need_it(place: Place, name: str = "Support", needed: bool = True) -> None:
    """Have a role need a second step."""
    with place.arrange() as session:
        session.execute(
            sa.update(StaffRole.__table__).where(StaffRole.name == name).values(requires_two_factor=needed)
        )


# -- setting it up --------------------------------------------------------------------------------------------------


def test_it_is_set_up_under_your_account_and_asked_from_then_on(place: Place) -> None:
    client = place.signed_in()
    assert PAGE in page_of(client.get("/admin/account/")).links
    codes = enrol(place, client)
    assert len(set(codes)) == 10
    assert all(re.fullmatch("([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)
    assert "On: you enter a code" in page_of(client.get("/admin/account/")).text
    text = page_of(client.get(PAGE)).text
    assert "Unused recovery codes: 10" in text
    assert not set(codes) & set(text.split()), "they are shown once"
    half_way(place)
    with place.look() as session:
        for table in (Mail, Changeset, Change, RecoveryCode):
            kept = str(session.execute(sa.select(table.__table__)).all())
            assert not any(c in kept or c.replace("-", "") in kept for c in codes)
        assert session.scalar(sa.select(Changeset.id).where(Changeset.action == "staff.two_factor_enabled"))


def test_a_phone_can_photograph_the_secret_and_nothing_of_it_needs_a_style(place: Place) -> None:
    client = place.signed_in()
    begin = page_of(client.get(PAGE)).form("/begin/")
    client.post(begin.action, data=begin.filled())
    answer = client.get(PAGE)
    html = answer.get_data(as_text=True)
    drawing = html[html.index("<svg width") : html.index("</svg>", html.index("<svg width"))]
    assert "<path" in drawing
    assert "style" not in drawing
    assert "script" not in drawing
    assert answer.headers["Cache-Control"] == "no-store"
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]


def test_what_was_not_confirmed_asks_nobody_for_anything(place: Place) -> None:
    client = place.signed_in()
    begin = page_of(client.get(PAGE)).form("/begin/")
    client.post(begin.action, data=begin.filled())
    form = page_of(client.get(PAGE)).form("/confirm/")
    answer = client.post(form.action, data=form.filled(code="000000"))
    assert answer.status_code == 422
    assert "Wrong code" in page_of(answer).text
    assert is_in(place.signed_in())


def test_setting_it_up_asks_who_one_is_when_the_sign_in_is_a_while_ago(place: Place) -> None:
    client = place.signed_in()
    place.clock.move(minutes=16)
    answer = client.get(PAGE)
    assert (answer.status_code, answer.location) == (302, "/admin/proof/")
    proof = page_of(client.get("/admin/proof/")).form(holding="reauth")
    back = client.post("/admin/proof/", data=proof.filled(reauth=application.PASSWORD))
    assert (back.status_code, back.location) == (302, PAGE)
    assert len(enrol(place, client)) == 10


def test_a_second_one_is_not_begun_over_the_first(place: Place) -> None:
    client = place.signed_in()
    form = page_of(client.get(PAGE)).form("/begin/")
    enrol(place, client)
    client.post(form.action, data=form.filled(csrf_token=client.csrf_token(PAGE)))
    assert "already" in page_of(client.get(PAGE)).text
    with place.look() as session:
        assert session.scalars(sa.select(SecondFactor)).one().confirmed_at is not None


def test_switching_it_off_asks_the_password_and_is_told_by_mail(place: Place) -> None:
    client = place.signed_in()
    enrol(place, client)
    form = page_of(client.get(PAGE)).form("/remove/")
    wrong = client.post(form.action, data=form.filled(password="not this one"))
    assert wrong.status_code == 422
    assert client.post(form.action, data=form.filled(password=application.PASSWORD)).status_code == 302
    assert is_in(place.signed_in())
    with place.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == 0
        told = session.scalars(sa.select(Mail.template).order_by(Mail.id)).all()
        assert told == ["staff_two_factor_enabled", "staff_two_factor_disabled"]


def test_an_admin_switches_it_off_for_who_has_lost_everything(place: Place) -> None:
    who = factor(place)
    url = f"/admin/staff/act/reset_two_factor/?id={who}"
    client = place.client()
    data = page_of(client.get(url)).form("/act/").filled(confirm="Support Tester")
    seen = page_of(client.post(f"{url}&preview=1", data=data))
    data["fingerprint"] = [next(g["value"] for _t, g in seen.tags if g.get("name") == "fingerprint")]
    assert client.post(url, data=data).status_code == 302
    assert is_in(place.signed_in())
    with place.look() as session:
        assert session.scalars(sa.select(Mail.recipient)).all() == ["support@shop.test"]
    refused = place.api().send("POST", f"/api/v1/staff/{who}/actions/reset_two_factor?preview=1")
    assert refused.json["blockers"][0]["code"] == "no_factor"


# -- at sign-in -----------------------------------------------------------------------------------------------------


def test_the_code_is_the_second_step_and_leads_where_one_wanted_to_be(place: Place) -> None:
    factor(place)
    client = half_way(place)
    answer = step(client, code_at(place), to="/admin/note/")
    assert (answer.status_code, answer.location) == (302, "/admin/note/")
    assert is_in(client)


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_it_leads_to_local_addresses_alone(place: Place, wanted: str) -> None:
    factor(place)
    assert step(half_way(place), code_at(place), to=wanted).location == "/admin/"


def test_between_password_and_code_nobody_is_in(place: Place) -> None:
    factor(place)
    client = half_way(place)
    for path in ("/admin/", "/admin/customer/", "/admin/account/", PAGE):
        answer = client.get(path)
        assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/login/"), path
    assert not client.get_cookie("session").value.startswith("s.")
    assert client.get("/api/v1/note/").status_code == 401
    with place.look() as session:
        assert session.scalar(sa.select(Changeset.id).where(Changeset.action == "staff.sign_in")) is None
    assert client.get_cookie("known") is None, "and the browser is known for nobody yet"


def test_the_page_of_the_code_is_nothing_without_the_password(place: Place) -> None:
    factor(place)
    client = application.browser(place.app)
    assert client.get(CODE).location == "/login/"
    data = {"code": code_at(place), "csrf_token": client.csrf_token()}
    assert client.post(CODE, data=data).location == "/login/"
    assert not is_in(client)


def test_what_is_pending_ends_after_ten_minutes_and_with_the_password(place: Place) -> None:
    who = factor(place)
    client = half_way(place)
    place.clock.move(minutes=10, seconds=1)
    assert client.get(CODE).location == "/login/"
    client = half_way(place)
    assert choose(place, send(place)).status_code == 302
    assert client.get(CODE).location == "/login/"
    client = half_way(place, {**GOOD, "password": NEW})
    with place.arrange() as session:
        session.execute(sa.update(Staff).where(Staff.id == who).values(active=False))
    assert client.get(CODE).location == "/login/"


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_half_a_minute(place: Place, steps: int, taken: bool) -> None:
    factor(place)
    assert (step(half_way(place), code_at(place, steps)).status_code == 302) is taken


def test_no_code_is_taken_twice_nor_one_before_it(place: Place) -> None:
    factor(place)
    code, before = code_at(place), code_at(place, -1)
    assert step(half_way(place), code).status_code == 302
    assert step(half_way(place), code).status_code == 401
    assert step(half_way(place), before).status_code == 401
    place.clock.move(seconds=30)
    assert step(half_way(place), code_at(place)).status_code == 302


def test_of_many_at_once_with_one_code_one_gets_in(place: Place) -> None:
    factor(place)
    clients = [half_way(place) for _n in range(4)]
    tokens, code = [client.csrf_token(CODE) for client in clients], code_at(place)

    def post(n: int) -> int:
        return int(clients[n].post(CODE, data={"code": code, "csrf_token": tokens[n]}).status_code)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(post, range(4)))
    assert sorted(answers) == [302, 401, 401, 401]


def test_five_wrong_codes_of_a_person_are_all_whatever_name_was_typed_before(place: Place) -> None:
    factor(place)
    client = half_way(place)
    by_email = half_way(place, {**GOOD, "username": "support@shop.test"})
    answers = [step(c, f"00000{n}", f"10.0.0.{n}").status_code for n, c in enumerate([client, by_email] * 4)]
    assert answers == [401] * 5 + [429] * 3
    assert step(client, code_at(place), "10.0.1.1").status_code == 429
    again = half_way(place)
    assert step(again, code_at(place), "10.0.1.2").status_code == 429, "another sign-in gives no more tries"
    program = place.api_sign_in(GOOD, "10.0.1.3", code=code_at(place))
    assert program.status_code == 429
    place.clock.move(minutes=16)
    assert step(half_way(place), code_at(place)).status_code == 302


def test_a_recovery_code_lets_in_once_however_it_is_typed(place: Place) -> None:
    codes = enrol(place, place.signed_in())
    assert step(half_way(place), codes[0]).status_code == 302
    assert step(half_way(place), codes[0]).status_code == 401
    typed = codes[1].replace("-", " ").upper()
    assert step(half_way(place), f" {typed} ").status_code == 302
    with place.look() as session:
        used = sa.select(sa.func.count()).where(RecoveryCode.used_at.is_not(None))
        assert session.scalar(used) == 2
        assert (
            session.scalar(sa.select(sa.func.count()).where(Changeset.action == "staff.recovery_code_used"))
            == 2
        )


def test_anothers_codes_let_nobody_in(place: Place) -> None:
    codes = enrol(place, place.signed_in())
    factor(place, "finance")
    assert step(half_way(place, {**GOOD, "username": "finance"}), codes[0]).status_code == 401


@pytest.mark.parametrize("code", ["", " ", "1", "1234567", "a" * 5000, "１２３４５６", "-----", "' OR 1=1"])
def test_what_is_no_code_is_wrong(place: Place, code: str) -> None:
    factor(place)
    assert step(half_way(place), code).status_code == 401


# -- by a program ---------------------------------------------------------------------------------------------------


def test_a_program_sends_the_code_along(place: Place) -> None:
    factor(place)
    missing = place.api_sign_in(GOOD)
    assert (missing.status_code, missing.json["code"]) == (401, "code_needed")
    wrong = place.api_sign_in(GOOD, code="000000")
    assert (wrong.status_code, wrong.json["code"]) == (401, "wrong_code")
    code = code_at(place)
    right = place.api_sign_in(GOOD, code=code)
    assert right.status_code == 200
    assert Api(place.app, right.json["access_token"]).get("/api/v1/note/").status_code == 200
    assert place.api_sign_in(GOOD, code=code).status_code == 401
    assert place.api_sign_in({**GOOD, "username": "finance"}, code="").status_code == 200, "who has none"


def test_a_program_with_a_wrong_password_learns_nothing_of_the_second_step(place: Place) -> None:
    factor(place)
    bad = {**GOOD, "password": "not this one"}
    answers = [place.api_sign_in(bad), place.api_sign_in({**bad, "username": "finance"})]
    assert [a.status_code for a in answers] == [401, 401]
    assert answers[0].json["message"] == answers[1].json["message"]
    assert not any("code" in a.json for a in answers)


def test_the_code_stands_in_the_description(place: Place) -> None:
    described = place.api().get("/api/v1/_openapi").json["paths"]["/api/v1/security/login"]["post"]
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["code"]["type"] == "string"
    assert "code" not in schema["required"]
    assert "403" in described["responses"]
    assert place.api_sign_in(GOOD, code=123456).status_code == 400


# -- where a role needs it ------------------------------------------------------------------------------------------


def test_who_holds_a_role_that_needs_it_reaches_nothing_before(place: Place) -> None:
    client = place.signed_in()
    need_it(place)
    for path in (
        "/admin/",
        "/admin/customer/",
        "/admin/account/",
        "/admin/search/?q=xy",
        "/admin/staff_session/",
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.location) == (302, PAGE), path
    fragment = client.get("/admin/customer/", headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"] == PAGE
    token = {"X-CSRFToken": client.csrf_token(PAGE)}
    before = place.figures()
    for path in ("/admin/account/password/", "/admin/customer/new/", "/admin/account/sessions/"):
        assert client.post(path, headers=token).location == PAGE
    assert place.figures() == before
    assert client.get("/static/logo.svg").status_code == 200
    assert "Your role requires this" in page_of(client.get(PAGE)).text
    enrol(place, client)
    assert is_in(client)


def test_who_does_not_hold_it_is_not_bothered(place: Place) -> None:
    client = place.signed_in({**GOOD, "username": "finance"})
    need_it(place)
    assert is_in(client)


def test_a_role_held_by_a_group_needs_it_too(place: Place) -> None:
    client, who = place.signed_in(), user_id(place)
    with place.arrange() as session:
        role = staffing.make_role(session, requires_two_factor=True)
        group = staffing.make_staff_group(session)
        staffing.make_group_role(session, group_id=group.id, role_id=role.id)
        assert group.id
        staffing.make_group_member(session, group_id=group.id, user_id=who)
    assert client.get("/admin/").location == PAGE
    factor(place)
    assert is_in(client)


def test_one_may_sign_out_instead(place: Place) -> None:
    client = place.signed_in()
    need_it(place)
    assert client.post("/logout/", headers={"X-CSRFToken": client.csrf_token(PAGE)}).location == "/login/"


def test_switching_it_off_leads_back_to_setting_it_up(place: Place) -> None:
    client = place.signed_in()
    enrol(place, client)
    need_it(place)
    form = page_of(client.get(PAGE)).form("/remove/")
    client.post(form.action, data=form.filled(password=application.PASSWORD))
    assert client.get("/admin/").location == PAGE


def test_programs_are_refused_until_it_is_set_up(place: Place) -> None:
    from actions.staff.api_keys import MARK, digest

    who, key = user_id(place), MARK + "k" * 43
    with place.arrange() as session:
        factories.make_api_key(session, user_id=who, hash=digest(key))
    token = place.api_sign_in(GOOD, refresh=True).json
    need_it(place)
    signed_in = place.api_sign_in(GOOD)
    assert (signed_in.status_code, signed_in.json["code"]) == (403, "two_factor_required")
    for bearer in (token["access_token"], key):
        answer = Api(place.app, bearer).get("/api/v1/note/")
        assert (answer.status_code, answer.json["code"]) == (403, "two_factor_required")
    renewed = Api(place.app, token["refresh_token"]).send("POST", "/api/v1/security/refresh")
    assert renewed.status_code == 403
    factor(place)
    assert Api(place.app, key).get("/api/v1/note/").status_code == 200
    assert place.api_sign_in(GOOD, code=code_at(place)).status_code == 200


def test_where_people_sign_in_elsewhere_the_second_step_is_asked_there(place: Place) -> None:
    need_it(place)
    app = application.shared(place.database.url, place.clock, identity={"AUTH_TYPE": AUTH_REMOTE_USER})
    client = application.sign_in(app, "Support")
    assert is_in(client)
    assert client.get(PAGE).status_code == 404


# -- proof ----------------------------------------------------------------------------------------------------------


def test_the_proof_of_who_one_is_takes_the_code_too(place: Place) -> None:
    factor(place, "manager")
    client = place.client("Manager")
    url, data = a_merge(place)
    place.clock.move(minutes=16)
    assert "reauth_code" in page_of(client.get(url)).form("/act/").fields
    right = {"reauth": application.PASSWORD, "reauth_code": code_at(place)}
    for wrong in ({"reauth_code": ""}, {"reauth_code": "000000"}, {"reauth": "not this one"}):
        assert client.post(url, data={**data, **right, **wrong}).status_code == 422
    assert client.post(url, data={**data, **right}).status_code == 302


def test_the_page_that_asks_who_one_is_does_so_too(place: Place) -> None:
    factor(place)
    client = application.sign_in(place.app, "Support")
    place.clock.move(minutes=16)
    assert client.get(PAGE).location == "/admin/proof/"
    form = page_of(client.get("/admin/proof/")).form(holding="reauth")
    assert "reauth_code" in form.fields
    assert client.post("/admin/proof/", data=form.filled(reauth=application.PASSWORD)).status_code == 422
    filled = form.filled(reauth=application.PASSWORD, reauth_code=code_at(place))
    assert client.post("/admin/proof/", data=filled).location == PAGE


# -- a key that does not fit ------------------------------------------------------------------------------------------


@pytest.fixture
def lost_key(place: Place) -> Iterator[None]:
    """The server was started with another encryption key than the one in use when second steps were set up."""
    have(place, Vault([a_key(9)]))
    yield
    have(place, VAULT)


def have(place: Place, keys: Vault) -> None:
    """Give the server other encryption keys."""
    with place.app.app_context():
        vault.give(db.engine, keys)


def test_without_the_key_a_code_is_refused_with_what_an_admin_can_do_and_costs_no_try(
    place: Place, lost_key: None
) -> None:
    who = factor(place)
    client = half_way(place)
    for _again in range(9):
        answer = step(client, code_at(place))
        assert answer.status_code == 503
        assert (
            "put the key back into ENCRYPTION_KEYS or to turn off your two-factor authentication"
            in page_of(answer).text
        )
    program = place.api_sign_in(GOOD, code=code_at(place))
    assert (program.status_code, program.json["code"]) == (503, "two_factor_unreadable")
    assert is_in(place.signed_in({**GOOD, "username": "manager"})), "nobody else is kept out"
    cleared = place.client().get(f"/admin/staff/act/reset_two_factor/?id={who}")
    assert cleared.status_code == 200
    with place.look() as session:
        assert not session.scalars(
            sa.select(Changeset).where(Changeset.action == "staff.two_factor_failed")
        ).all()


def test_with_the_key_back_the_same_code_is_right(place: Place) -> None:
    factor(place)
    client = half_way(place)
    have(place, Vault([a_key(9)]))
    assert step(client, code_at(place)).status_code == 503
    have(place, VAULT)
    assert step(client, code_at(place)).status_code == 302
    assert is_in(client)
