"""Who is signed in where, and signing out from elsewhere (rule 16.8)."""

from typing import Any

import pytest
import sqlalchemy as sa

from actions.execution import session_store
from models.access import StaffSession
from models.journal import Changeset
from tests import application, factories, staffing
from tests.admin.conftest import Api
from tests.admin.my_account.test_own_account import URL, user_id
from tests.admin.pages import page_of, rows_of
from tests.admin.signing_in import BAD, GOOD, Place, is_in
from web import user_agent

LIST = "/admin/staff_session/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0"


def session_of(place: Place, client: Any) -> int:
    """The id of the session that a browser holds."""
    token = client.get_cookie("session").value.removeprefix("s.")
    with place.look() as session:
        wanted = sa.select(StaffSession.id).where(StaffSession.token_hash == session_store.digest(token))
        return int(session.scalar(wanted))


def grant(place: Place, *verbs: str) -> None:
    """Let Support see and end sessions."""
    who = user_id(place)
    with place.arrange() as session:
        for verb in verbs:
            factories.grant(session, who, f"can_{verb}", "staff_session")


# -- one's own ------------------------------------------------------------------------------------------------------


def test_your_account_lists_where_you_are_signed_in(place: Place) -> None:
    client = application.browser(place.app)
    client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    place.form(GOOD, client)
    place.api_sign_in(GOOD, "10.9.8.7")
    colleague = place.signed_in({**GOOD, "username": "finance"})
    page = page_of(client.get(URL))
    assert "Firefox on Windows This browser" in page.text
    assert "A program" in page.text
    assert "10.9.8.7" in page.text
    assert "A program" not in page_of(colleague.get(URL)).text


def test_expired_and_ended_ones_are_not_listed(place: Place) -> None:
    gone, expired = place.signed_in(), place.signed_in()
    gone.post("/logout/", headers={"X-CSRFToken": gone.csrf_token()})
    place.clock.move(minutes=31)
    client = place.signed_in()
    assert not is_in(expired)
    assert page_of(client.get(URL)).html.count('class="place"') == 1
    assert "everywhere else" not in page_of(client.get(URL)).html.split('id="sessions-title"')[1]


def test_one_click_signs_out_everywhere_else(place: Place) -> None:
    client, other = place.signed_in(), place.signed_in()
    colleague = place.signed_in({**GOOD, "username": "finance"})
    api = Api(place.app, place.api_sign_in(GOOD).json["access_token"])
    form = [
        f for f in page_of(client.get(URL)).forms if f.action.endswith("/sessions/") and "id" not in f.fields
    ]
    answer = client.post(form[0].action, data=form[0].filled())
    assert "Signed out everywhere else" in page_of(client.get(answer.location)).text
    assert is_in(client)
    assert not is_in(other)
    assert is_in(colleague)
    assert api.get("/api/v1/note/").status_code == 401
    with place.look() as session:
        last = session.scalars(sa.select(Changeset).order_by(Changeset.id.desc()).limit(1)).one()
        assert last.action == "staff.signed_out_elsewhere"


def test_one_of_them_alone_is_ended_too_but_no_colleagues(place: Place) -> None:
    client, other = place.signed_in(), place.signed_in()
    colleague = place.signed_in({**GOOD, "username": "finance"})
    form = page_of(client.get(URL)).form("/sessions/", holding="id")
    assert form.fields["id"] == str(session_of(place, other))
    assert client.post(form.action, data=form.filled()).status_code == 302
    assert not is_in(other)
    theirs = session_of(place, colleague)
    for row in (theirs, 10**9):
        assert client.post(form.action, data=form.filled(id=row)).status_code == 404
    assert client.post(form.action, data=form.filled(id="x")).status_code == 400
    assert is_in(colleague)


# -- the screen -----------------------------------------------------------------------------------------------------


def test_people_see_their_own_and_who_manages_them_sees_all(place: Place) -> None:
    mine, theirs = place.signed_in(), place.signed_in({**GOOD, "username": "finance"})
    grant(place, "list", "show", "end")
    own, other = session_of(place, mine), session_of(place, theirs)
    assert rows_of(mine.get(LIST)) == [own]
    assert set(rows_of(place.client().get(LIST))) >= {own, other}
    for row, status in ((own, 200), (other, 404), (10**9, 404)):
        assert mine.get(f"{LIST}details/?id={row}").status_code == status
        assert mine.get(f"{LIST}act/end/?id={row}").status_code == status
    grant(place, "manage")
    assert set(rows_of(mine.get(LIST))) >= {own, other}


def test_signing_out_there_is_at_once_and_final(place: Place) -> None:
    client = place.signed_in()
    row = session_of(place, client)
    url = f"{LIST}act/end/?id={row}"
    form = page_of(place.client().get(url)).form("/act/end/")
    assert place.client().post(form.action, data=form.filled()).status_code == 302
    assert not is_in(client)
    ended = place.get(StaffSession, row)
    assert (ended.ended_because, ended.data) == ("revoked", "")
    who = user_id(place)
    with place.look() as session:
        last = session.scalars(sa.select(Changeset).order_by(Changeset.id.desc()).limit(1)).one()
        assert (last.action, last.subject_table, last.subject_id) == ("staff_session.end", "ab_user", who)
    again = place.api().send("POST", f"/api/v1/staff_session/{row}/actions/end")
    assert (again.status_code, again.json["code"]) == (409, "ended")
    text = page_of(place.client().get(f"{LIST}?view=ended")).text
    assert "revoked" in text


def test_neither_list_record_file_nor_api_has_what_opens_a_session(place: Place) -> None:
    client = place.signed_in()
    row = session_of(place, client)
    hashed = session_store.digest(client.get_cookie("session").value.removeprefix("s."))
    admin = place.client()
    answers = [
        admin.get(LIST), admin.get(f"{LIST}details/?id={row}"), admin.get(f"{LIST}export/csv/"),
        place.api().get("/api/v1/staff_session/"), place.api().get(f"/api/v1/staff_session/{row}"),
    ]  # fmt: skip
    for answer in answers:
        assert answer.status_code == 200
        text = answer.get_data(as_text=True)
        assert hashed not in text
        assert "token_hash" not in text


# -- by an admin ----------------------------------------------------------------------------------------------------


def test_an_admin_signs_somebody_out_everywhere(place: Place) -> None:
    client, other = place.signed_in(), place.signed_in()
    api = Api(place.app, place.api_sign_in(GOOD).json["access_token"])
    who = user_id(place)
    path = f"/api/v1/staff/{who}/actions/end_sessions"
    assert place.api().send("POST", path).status_code == 200
    assert not is_in(client)
    assert not is_in(other)
    assert api.get("/api/v1/note/").status_code == 401
    assert is_in(place.client())
    again = place.api().send("POST", path)
    assert (again.status_code, again.json["code"]) == (409, "nowhere")
    assert place.form(GOOD).status_code == 302, "the account stays as it is"


def test_an_admin_lets_somebody_try_again(place: Place) -> None:
    known = place.signed_in()
    known.post("/logout/", headers={"X-CSRFToken": known.csrf_token()})
    path = f"/api/v1/staff/{user_id(place)}/actions/unlock"
    assert place.api().send("POST", path).json["code"] == "not_locked"
    for n in range(6):
        place.form(BAD, address=f"10.0.0.{n}")
        place.form(BAD, known, address=f"10.0.1.{n}")
    assert place.form(GOOD).status_code == 429
    assert place.form(GOOD, known).status_code == 429
    assert place.api().send("POST", path).status_code == 200
    assert place.form(GOOD).status_code == 302
    assert place.form(GOOD, known).status_code == 302


def test_a_session_and_its_person_are_named_in_words(place: Place) -> None:
    person = place.make(staffing.make_member, first_name="Zoë", last_name="Quill").id
    place.make(
        staffing.make_staff_session, user_id=person, agent=FIREFOX, created_at=place.clock(), last_seen_at=place.clock()
    )  # fmt: skip
    text = page_of(place.client().get(LIST)).text
    for said in ("Zoë Quill", "Firefox on Windows", "Browser"):
        assert said in text


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (FIREFOX, "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", "Safari on Mac"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36 EdgA/140.0", "Edge on Android"),
        ("curl/8.5.0", "curl"), ("python-requests/2.32.3", "python-requests"), ("<script>alert(1)", "unknown"),
        ("", "unknown"), ("x" * 300, "x" * 40),
    ],
)  # fmt: skip
def test_an_agent_is_called_what_people_call_it(place: Place, agent: str, said: str) -> None:
    with place.app.test_request_context():
        assert user_agent.words(agent) == said
