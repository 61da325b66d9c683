"""Signing in, staying in and getting out: what a stolen cookie or a guessed password is worth (rules 16.1 to 16.4)."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from flask import Flask

from actions.execution import rate_limit, session_store
from actions.staff import sessions
from models.access import AttemptBucket, KnownBrowser, StaffSession
from models.base import Staff
from models.journal import Changeset
from tests import application, factories
from tests.admin.conftest import Api
from tests.admin.pages import page_of
from tests.admin.signing_in import BAD, GOOD, NOW, Place, is_in
from tests.databases import recorded_statements
from tests.scale import scaled

# -- sessions -------------------------------------------------------------------------------------------------------


def test_the_cookie_of_who_signed_in_says_nothing_and_is_another_than_before(place: Place) -> None:
    client = application.browser(place.app)
    client.csrf_token()
    before = client.get_cookie("session").value
    answer = place.form(GOOD, client)
    after = client.get_cookie("session")
    assert after.value != before
    assert after.value.startswith("s.")
    assert len(after.value) == 45
    cookie = next(h for h in answer.headers.getlist("Set-Cookie") if h.startswith("session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    with place.look() as session:
        row = session.scalars(sa.select(StaffSession)).one()
        assert row.token_hash == session_store.digest(after.value[2:])
        assert after.value[2:] not in row.data


def test_the_token_a_form_had_before_sign_in_is_worth_nothing_after(place: Place) -> None:
    client = application.browser(place.app)
    old = client.csrf_token()
    place.form(GOOD, client)
    assert client.post("/logout/", headers={"X-CSRFToken": old}).status_code == 400


def test_a_cookie_that_was_signed_by_us_signs_nobody_in(place: Place) -> None:
    """As the cookies of an earlier version did."""
    interface: Any = place.app.session_interface
    forged = interface.get_signing_serializer(place.app).dumps({"_user_id": "1", "_fresh": True})
    client = application.browser(place.app)
    client.set_cookie("session", forged)
    assert not is_in(client)


def test_a_copied_cookie_dies_with_sign_out(place: Place) -> None:
    client, thief = place.signed_in(), application.browser(place.app)
    thief.set_cookie("session", client.get_cookie("session").value)
    assert is_in(thief)
    client.post("/logout/", headers={"X-CSRFToken": client.csrf_token()})
    assert not is_in(thief)
    assert not is_in(client)


def test_a_copied_cookie_dies_with_deactivation(place: Place) -> None:
    client = place.signed_in()
    with place.arrange() as session:
        session.execute(sa.update(Staff).where(Staff.username == "support").values(active=False))
    assert not is_in(client)


@pytest.mark.parametrize(("minutes", "still"), [(29, True), (31, False)])
def test_half_an_hour_unused_ends_a_session(place: Place, minutes: int, still: bool) -> None:
    client = place.signed_in()
    place.clock.move(minutes=minutes)
    assert is_in(client) is still


def test_twelve_hours_end_a_session_however_much_it_is_used(place: Place) -> None:
    client = place.signed_in()
    for _quarter in range(47):
        place.clock.move(minutes=15)
        assert is_in(client)
    place.clock.move(minutes=16)
    assert not is_in(client)


def test_when_it_was_seen_is_noted_once_a_minute(place: Place) -> None:
    client = place.signed_in()
    client.get("/admin/")

    def seen() -> dt.datetime:
        with place.look() as session:
            return session.scalars(sa.select(StaffSession.last_seen_at)).one()

    place.clock.move(seconds=30)
    client.get("/admin/")
    assert seen() == NOW
    place.clock.move(seconds=31)
    client.get("/admin/")
    assert seen() == NOW + dt.timedelta(seconds=61)


def test_an_expired_cookie_is_taken_back(place: Place) -> None:
    client = place.signed_in()
    place.clock.move(hours=1)
    client.get("/static/logo.svg")
    assert client.get_cookie("session") is not None
    client.get("/login/")
    assert not client.get_cookie("session").value.startswith("s.")


def test_old_sessions_are_swept_out(place: Place) -> None:
    place.signed_in()
    place.clock.move(days=31)
    place.signed_in()
    with place.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(StaffSession)) == 1


def test_a_busy_database_does_not_keep_anybody_out(place: Place) -> None:
    """Noting that a session was seen waits for nobody for long."""
    client = place.signed_in()
    place.clock.move(minutes=2)
    with mock.patch.object(session_store, "PATIENCE_MS", 10), place.database.connect() as writer:
        writer.execute(sa.update(StaffSession).values(agent="busy"))
        assert is_in(client)


# -- tokens of programs ---------------------------------------------------------------------------------------------


def test_a_programs_token_ends_with_its_session(place: Place) -> None:
    answer = place.api_sign_in(GOOD, refresh=True).json
    api = Api(place.app, answer["access_token"])
    assert api.get("/api/v1/note/").status_code == 200
    with place.arrange() as session:
        user = session.scalar(sa.select(Staff.id).where(Staff.username == "support"))
        assert sessions.STORE.end_all(session, user, NOW, session_store.PASSWORD) == 1
    assert api.get("/api/v1/note/").status_code == 401
    renewed = Api(place.app, answer["refresh_token"]).send("POST", "/api/v1/security/refresh")
    assert renewed.status_code == 401


def test_a_token_is_renewed_as_long_as_its_session_is_used(place: Place) -> None:
    given = place.api_sign_in(GOOD, refresh=True).json
    renewed = Api(place.app, given["refresh_token"]).send("POST", "/api/v1/security/refresh")
    assert renewed.status_code == 200
    assert Api(place.app, renewed.json["access_token"]).get("/api/v1/note/").status_code == 200
    place.clock.move(minutes=31)
    assert Api(place.app, given["refresh_token"]).send("POST", "/api/v1/security/refresh").status_code == 401


def test_a_token_of_no_session_opens_nothing(place: Place) -> None:
    from flask_jwt_extended import create_access_token

    with place.app.app_context():
        tokens = [
            create_access_token("1"),
            create_access_token("1", additional_claims={"session": "x"}),
            create_access_token("1", additional_claims={"session": _token_of(place, place.signed_in())}),
        ]
    assert [Api(place.app, t).get("/api/v1/note/").status_code for t in tokens] == [401] * 3


def _token_of(place: Place, client: Any) -> str:
    return str(client.get_cookie("session").value.removeprefix("s."))


# -- how often ------------------------------------------------------------------------------------------------------


@pytest.fixture
def looked_at() -> Iterator[list[str]]:
    """Every password hash that was looked at."""
    from werkzeug.security import check_password_hash

    seen: list[str] = []

    def look(pwhash: str, password: str) -> bool:
        seen.append(pwhash)
        return check_password_hash(pwhash, password)

    with mock.patch("web.passwords.check_password_hash", look):
        yield seen


@pytest.mark.soak
def test_a_hundred_names_and_addresses_reach_a_hash_five_times(place: Place, looked_at: list[str]) -> None:
    tries = scaled(10_000, least=60)
    answers = []
    for number in range(tries):
        place.clock.move(seconds=600 / tries)
        address = f"10.{number // 250 % 250}.{number % 250}.7"
        how = place.form if number % 2 else place.api_sign_in
        given = {**BAD, "username": ("support", " Support", "SUPPORT ", "ｓｕｐｐｏｒｔ")[number % 4]}
        answers.append(how(given, address=address))
    assert len(looked_at) == 5
    assert {a.status_code for a in answers[5:]} == {429}
    assert all(1 <= int(a.headers["Retry-After"]) <= 901 for a in answers[5:])


def test_the_window_slides(place: Place, looked_at: list[str]) -> None:
    for _minute in range(5):
        place.form(BAD)
        place.clock.move(minutes=3)
    assert len(looked_at) == 5
    assert place.form(GOOD).status_code == 302, "the first is a quarter of an hour ago"
    assert place.form(BAD).status_code == 401
    assert place.form(GOOD).status_code == 429


def test_one_address_gets_twenty_a_minute_whoever_it_tries(place: Place, looked_at: list[str]) -> None:
    answers = [place.form({"username": f"nobody{n}", "password": "x"}).status_code for n in range(25)]
    assert answers == [401] * 20 + [429] * 5
    assert place.form(GOOD).status_code == 429
    assert place.form(GOOD, address="10.0.0.1").status_code == 302
    place.clock.move(seconds=61)
    assert place.form(GOOD).status_code == 302


def test_who_types_it_right_is_not_counted(place: Place) -> None:
    for _turn in range(30):
        assert place.form(GOOD).status_code == 302


def test_strangers_do_not_lock_out_a_browser_that_was_in_before(place: Place) -> None:
    client = place.signed_in()
    client.post("/logout/", headers={"X-CSRFToken": client.csrf_token()})
    for n in range(8):
        place.form(BAD, address=f"10.0.0.{n}")
    assert place.form(GOOD, address="10.0.1.1").status_code == 429, "a stranger's browser"
    assert place.form(GOOD, client).status_code == 302
    other = place.signed_in({**GOOD, "username": "finance"})
    assert place.form(GOOD, other).status_code == 302, "already in"
    other.post("/logout/", headers={"X-CSRFToken": other.csrf_token()})
    assert place.form(GOOD, other).status_code == 429, "a browser known for somebody else is no help"
    with place.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(KnownBrowser)) == 2


def test_of_many_at_once_no_more_than_five_get_through(place: Place) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with place.app.app_context():
        from models.base import db

        engine = db.engine
    limits = [rate_limit.of_name("support")]
    with ThreadPoolExecutor(8) as pool:
        waits = list(
            pool.map(
                lambda n: rate_limit.consume(engine, limits, NOW + dt.timedelta(milliseconds=n)), range(40)
            )
        )
    assert waits.count(0) == 5


@pytest.mark.both_databases
@pytest.mark.parametrize("how", ["form", "api_sign_in"])
def test_known_and_unknown_accounts_answer_alike(place: Place, looked_at: list[str], how: str) -> None:
    with place.arrange() as session:
        factories.make_staff(session, username="gone", active=False, password="pbkdf2:sha256:1$a$b")
        factories.make_staff(session, username="invited", password=None)
    names = ("support", "nobody", "gone", "invited", "")
    sign_in: Callable[..., Any] = getattr(place, how)
    answers = [sign_in({"username": name, "password": "not this one"}) for name in names]
    assert [a.status_code for a in answers] == [401] * 5 if how == "form" else True
    if how == "form":
        assert len({page_of(a).text.replace(n, "") for a, n in zip(answers, names, strict=True)}) == 1
    methods = {h.split("$", 1)[0] for h in looked_at}
    assert methods == {application.CHEAP_HASH}, "the same parameters for all"
    assert len(looked_at) == len([a for a in answers if a.status_code == 401])


def test_a_password_longer_than_any_may_be_is_wrong_at_once(place: Place) -> None:
    assert place.form({**GOOD, "password": application.PASSWORD + "x" * 100_000}).status_code == 401
    assert place.form({**GOOD, "password": application.PASSWORD[:10]}).status_code == 401


def test_signing_in_and_failing_to_stand_in_the_journal(place: Place) -> None:
    place.form(BAD, address="10.1.1.1")
    place.form({"username": "no such person", "password": "hunter2"}, address="10.1.1.2")
    client = place.signed_in()
    client.post("/logout/", headers={"X-CSRFToken": client.csrf_token()})
    with place.look() as session:
        user = session.scalar(sa.select(Staff.id).where(Staff.username == "support"))
        rows = session.scalars(
            sa.select(Changeset).where(Changeset.action.like("staff.%")).order_by(Changeset.id)
        )
        found = [(r.action, r.actor_name, r.subject_id, r.address) for r in rows]
        assert session.scalar(sa.select(Staff.last_login).where(Staff.id == user)) is None, (
            "a local time without zone"
        )
    assert found == [
        ("staff.sign_in_failed", "nobody", user, "10.1.1.1"),
        ("staff.sign_in_failed", "nobody", None, "10.1.1.2"),
        ("staff.sign_in", "Support Tester", user, "127.0.0.1"),
        ("staff.sign_out", "Support Tester", user, "127.0.0.1"),
    ]
    text = page_of(place.client("Admin").get("/admin/changeset/")).text
    for said in ("Signed in", "Sign-in failed", "Signed out"):
        assert said in text


def test_nothing_typed_at_sign_in_is_kept(place: Place) -> None:
    """People type their password where the name goes."""
    place.form({"username": "my-secret-word", "password": "another-secret"})
    with place.look() as session:
        for table in (AttemptBucket, Changeset, StaffSession):
            assert "secret" not in str(session.execute(sa.select(table.__table__)).all())


# -- proof of identity ----------------------------------------------------------------------------------------------


def a_merge(place: Place) -> tuple[str, dict[str, Any]]:
    """The form of a merge, its preview seen, ready to be sent by a manager."""
    one, two = (place.make(factories.make_customer, last_name="Karim", first_name=n).id for n in "AB")
    url = f"/admin/customer/act/merge/?id={one}"
    client = place.client("Manager")
    data = page_of(client.get(url)).form("/act/").filled(others=str(two), reason="Same", confirm="A Karim")
    seen = page_of(client.post(f"{url}&preview=1", data=data))
    data["fingerprint"] = [next(g["value"] for _t, g in seen.tags if g.get("name") == "fingerprint")]
    return url, data


def test_what_is_dangerous_asks_for_the_password_a_quarter_of_an_hour_after_sign_in(place: Place) -> None:
    client = place.client("Manager")
    url, data = a_merge(place)
    assert "reauth" not in page_of(client.get(url)).form("/act/").fields
    place.clock.move(minutes=16)
    assert "reauth" in page_of(client.get(url)).form("/act/").fields
    before = place.figures()
    for typed, said in (("", "Enter your password"), ("wrong one", "Wrong password")):
        answer = client.post(url, data={**data, "reauth": typed})
        assert answer.status_code == 422
        page = page_of(answer)
        assert said in page.text
        assert page.form("/act/").fields["reason"] == "Same", "nothing typed is lost"
    assert place.figures() == before
    assert client.post(url, data={**data, "reauth": application.PASSWORD}).status_code == 302
    assert "reauth" not in page_of(client.get(url)).form("/act/").fields, "for the next quarter of an hour"


def test_guessing_at_the_proof_is_counted_like_a_sign_in(place: Place) -> None:
    client = place.client("Manager")
    url, data = a_merge(place)
    place.clock.move(minutes=16)
    answers = [client.post(url, data={**data, "reauth": f"guess {n}"}).status_code for n in range(7)]
    assert answers == [422] * 5 + [429] * 2


def test_programs_are_told_to_sign_in_again(place: Place) -> None:
    one, two = (place.make(factories.make_customer).id for _n in range(2))
    api = place.api("Manager")
    path, body = f"/api/v1/customer/{one}/actions/merge", {"others": [two], "reason": "Same"}
    seen = api.send("POST", f"{path}?preview=1", body).json["fingerprint"]
    sent = {**body, "confirm": str(place.get(factories.Customer, one)), "fingerprint": seen}
    place.clock.move(minutes=16)
    answer = api.send("POST", path, sent)
    assert (answer.status_code, answer.json["code"]) == (403, "sign_in_again")
    assert place.api("Manager").send("POST", f"{path}?preview=1", body).status_code == 200
    fresh = Api(place.app, application.bearer(place.app, "manager"))
    assert fresh.send("POST", path, sent).status_code == 200


def test_a_key_proves_nobody(place: Place) -> None:
    from actions.staff.api_keys import MARK, digest
    from models.api_key import KeyScope

    key = MARK + "k" * 43
    with place.arrange() as session:
        manager = session.scalar(sa.select(Staff.id).where(Staff.username == "manager"))
        factories.make_api_key(session, user_id=manager, hash=digest(key), scope=KeyScope.FULL)
    one, two = (place.make(factories.make_customer).id for _n in range(2))
    api, path = Api(place.app, key), f"/api/v1/customer/{one}/actions/merge"
    body = {"others": [two], "reason": "Same"}
    seen = api.send("POST", f"{path}?preview=1", body).json["fingerprint"]
    answer = api.send("POST", path, {**body, "confirm": "x", "fingerprint": seen})
    assert (answer.status_code, answer.json["code"]) == (403, "sign_in_again")


def test_no_page_of_files_or_the_api_knows_the_browsers_session(place: Place, app: Flask) -> None:
    client = place.signed_in()
    with mock.patch.object(sessions, "find", side_effect=AssertionError("looked up")):
        assert client.get("/static/logo.svg").status_code == 200
        assert client.get("/api/v1/note/").status_code == 401


def test_more_than_a_thousand_rows_leave_only_with_who_proves_who_they_are(place: Place) -> None:
    with place.arrange() as session:
        rows = [{"name": f"Class {n}"} for n in range(1_001)]
        made = [factories.make_customer_class(session, **row) for row in rows]
        assert len(made) == 1_001
    client, url = place.client("Manager"), "/admin/customer_class/export/csv/"
    assert client.get(url).status_code == 200, "shortly after signing in"
    place.clock.move(minutes=16)
    assert client.get(f"{url}?name__eq=Class 7").status_code == 200, "few rows"
    asked = client.get(f"{url}?sort=-name")
    assert (asked.status_code, asked.location) == (302, "/admin/proof/")
    page = client.get("/admin/proof/")
    assert page.status_code == 200
    token = {"csrf_token": client.csrf_token("/admin/proof/")}
    for typed in ("", "wrong"):
        assert client.post("/admin/proof/", data={**token, "reauth": typed}).status_code == 422
    assert "/admin/customer_class/?sort=-name" in page_of(page).links, "or not"
    told = page_of(client.post("/admin/proof/", data={**token, "reauth": application.PASSWORD}))
    assert "Your download is starting" in told.text
    assert {f"{url}?sort=-name", "/admin/customer_class/?sort=-name"} <= set(told.links)
    assert len(client.get(f"{url}?sort=-name").get_data(as_text=True).splitlines()) == 1_002


def test_an_export_stands_in_the_journal(place: Place) -> None:
    place.make(factories.make_customer_class)
    place.client("Manager").get("/admin/customer_class/export/xlsx/")
    with place.look() as session:
        made = session.scalars(sa.select(Changeset).where(Changeset.action == "customer_class.export")).one()
        assert (made.actor_name, made.reason) == ("Manager Tester", "1 row, Excel")
    assert "Exported" in page_of(place.client("Admin").get("/admin/changeset/")).text


def test_nobody_is_asked_for_a_proof_who_is_not_signed_in(place: Place) -> None:
    answer = application.browser(place.app).get("/admin/proof/")
    assert (answer.status_code, answer.location) == (302, "/login/")


def test_the_journal_leads_to_who_signed_in_and_is_filtered_by_them(place: Place) -> None:
    place.signed_in()
    client = place.client("Admin")
    page = page_of(client.get("/admin/changeset/?subject_table__eq=ab_user"))
    with place.look() as session:
        user = session.scalar(sa.select(Staff.id).where(Staff.username == "support"))
    assert "Member of staff Support Tester" in page.text
    assert f"/admin/staff/details/?id={user}" in page.links
    assert "Signed in" in page_of(client.get(f"/admin/staff/details/?id={user}")).text


def test_the_database_is_asked_as_often_whether_or_not_there_is_such_a_name(place: Place) -> None:
    asked = {}
    for username in ("nobody-at-first", "manager", "nobody-here", "support", "nobody-there"):
        client = application.browser(place.app)
        sent = {"csrf_token": client.csrf_token(), "username": username, "password": "wrong, and long enough"}
        with recorded_statements() as seen:
            assert client.post("/login/", data=sent).status_code == 401
        asked[username] = len(seen)
    del asked["nobody-at-first"]  # of whom the address was heard the first time
    assert len(set(asked.values())) == 1, asked
