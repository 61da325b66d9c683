"""Links in mails to staff: who gets one, what it is good for, and what an outsider learns from asking (rule 16.7)."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from actions.mail.outbox import Envelope, Post, deliver_one
from models.access import LinkKind, StaffLink
from models.base import Staff, db
from models.journal import Change, Changeset
from models.mail import Addresses, Mail, MailState
from models.member import Member
from tests import application, factories, staffing
from tests.admin.conftest import Api
from tests.admin.my_account.test_own_account import NEW, user_id
from tests.admin.pages import page_of, rows_of
from tests.admin.signing_in import GOOD, Place, is_in

ASK, CHOOSE = "/password/forgotten/", "/password/"
INVITED = {"first_name": "Ann", "last_name": "Lee", "email": "ann.lee@shop.example", "username": "alee"}


def ask(place: Place, name: str, address: str = "127.0.0.1") -> Any:
    """Ask for a link on the sign-in page."""
    client = application.browser(place.app)
    data = {"username": name, "csrf_token": client.csrf_token(ASK)}
    return client.post(ASK, data=data, environ_overrides={"REMOTE_ADDR": address})


def send(place: Place, username: str = "support") -> str:
    """Have an admin send a link; return its token."""
    row = user_id(place, username)
    answer = place.api().send("POST", f"/api/v1/staff/{row}/actions/send_reset")
    assert answer.status_code == 200, answer.json
    return token_in(place)


def act(place: Place, row: int, verb: str, **body: str) -> Any:
    """Have an admin do something to a member of staff."""
    return place.api().send("POST", f"/api/v1/staff/{row}/actions/{verb}", body)


def token_in(place: Place) -> str:
    """The token in the newest mail."""
    with place.look() as session:
        return str(session.scalar(sa.select(Mail.secret).order_by(Mail.id.desc()).limit(1)).open())


def choose(place: Place, token: str, password: str = NEW, client: Any = None, **given: str) -> Any:
    """Choose a password by a link."""
    client = client or application.browser(place.app)
    data = {
        "token": token,
        "password": password,
        "again": password,
        "csrf_token": client.csrf_token(),
        **given,
    }
    return client.post(CHOOSE, data=data)


def mails(place: Place) -> list[tuple[str, str | None]]:
    """(letter, recipient) of every mail."""
    with place.look() as session:
        return [(m.template, m.recipient) for m in session.scalars(sa.select(Mail).order_by(Mail.id))]


# -- invitations ----------------------------------------------------------------------------------------------------


def test_an_invited_person_chooses_a_password_and_signs_in(place: Place) -> None:
    client = place.client()
    form = page_of(client.get("/admin/staff/act/invite/")).form("/act/invite/")
    assert client.post(form.action, data=form.filled(**INVITED)).status_code == 302
    assert mails(place) == [("staff_invitation", "ann.lee@shop.example")]
    page = page_of(application.browser(place.app).get(f"{CHOOSE}?token={token_in(place)}"))
    assert "You sign in as alee." in page.text
    done = application.browser(place.app)
    answer = done.post(CHOOSE, data=page_of(done.get(f"{CHOOSE}?token={token_in(place)}")).form().filled(
        password=NEW, again=NEW))  # fmt: skip
    assert (answer.status_code, answer.location) == (302, "/login/")
    assert "Password saved" in page_of(done.get("/login/")).text
    for name in ("alee", "ann.lee@shop.example"):
        assert place.form({"username": name, "password": NEW}).status_code == 302


def test_without_a_user_name_people_sign_in_by_their_address(place: Place) -> None:
    body = {k: v for k, v in INVITED.items() if k != "username"}
    made = place.api().send("POST", "/api/v1/staff/actions/invite", body)
    assert made.status_code == 200
    row = place.get(Member, made.json["id"])
    assert (row.username, row.active, row.invited_at) == ("ann.lee@shop.example", True, place.clock())
    choose(place, token_in(place))
    assert place.form({"username": "ann.lee@shop.example", "password": NEW}).status_code == 302


def test_an_invited_person_may_do_nothing_yet(place: Place) -> None:
    place.api().send("POST", "/api/v1/staff/actions/invite", INVITED)
    choose(place, token_in(place))
    client = place.signed_in({"username": "alee", "password": NEW})
    assert client.get("/admin/customer/").status_code == 403


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "no address"}, "email"), ({"email": "JO@shop.example"}, "email"), ({"first_name": ""}, "first_name"),
        ({"username": "Support"}, "username"), ({"username": "jo@Shop.example"}, "username"), ({"username": "x" * 65}, "username"),
    ],
)  # fmt: skip
def test_what_will_not_do_for_somebody_new_is_said_by_field(
    place: Place, given: dict[str, str], field: str
) -> None:
    place.make(staffing.make_member, email="jo@shop.example")
    answer = place.api().send("POST", "/api/v1/staff/actions/invite", {**INVITED, **given})
    assert answer.status_code == 422
    assert field in answer.json["errors"]
    assert mails(place) == []


def test_nobody_takes_the_address_that_another_signs_in_by(place: Place) -> None:
    row = user_id(place)
    place.make(staffing.make_member, username="jo@shop.example", email="joan@shop.example")
    for email in ("joan@shop.example", "Joan@shop.example", "JO@shop.example"):
        refused = act(place, row, "change_email", email=email)
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["email"]), email
    assert act(place, row, "change_email", email="sue@shop.example").status_code == 200
    same = act(place, row, "change_email", email="Sue@shop.example")
    assert same.status_code == 200, "other capitals of one's own are no matter"


def test_who_has_no_password_yet_is_invited_again(place: Place) -> None:
    place.api().send("POST", "/api/v1/staff/actions/invite", INVITED)
    old = token_in(place)
    new = send(place, "alee")
    assert [code for code, _to in mails(place)] == ["staff_invitation"] * 2
    assert choose(place, old).status_code == 410
    assert choose(place, new).status_code == 302


def test_inviting_and_sending_ask_for_a_recent_sign_in(place: Place) -> None:
    api = place.api()
    place.clock.move(minutes=16)
    row = user_id(place)
    for path in ("/api/v1/staff/actions/invite", f"/api/v1/staff/{row}/actions/send_reset"):
        answer = api.send("POST", path, INVITED if "invite" in path else None)
        assert (answer.status_code, answer.json["code"]) == (403, "sign_in_again")


def test_a_link_for_somebody_deactivated_is_refused(place: Place) -> None:
    row = place.make(staffing.make_member, active=False).id
    answer = place.api().send("POST", f"/api/v1/staff/{row}/actions/send_reset")
    assert (answer.status_code, answer.json["code"]) == (409, "deactivated")


# -- the link -------------------------------------------------------------------------------------------------------


def test_the_token_is_in_the_mail_alone(place: Place) -> None:
    token = send(place)
    assert len(token) == 43
    with place.look() as session:
        for table in (StaffLink, Mail, Changeset, Change):
            columns = [c for c in table.__table__.c if c.name != "secret"]
            assert token not in str(session.execute(sa.select(*columns)).all())
        mail = session.scalars(sa.select(Mail.id)).one()
    log = place.client().get(f"/admin/mail/details/?id={mail}").get_data(as_text=True)
    assert token not in log
    assert "/password/?token=•" in log
    resent = place.api().send("POST", f"/api/v1/mail/{mail}/actions/resend")
    assert resent.status_code == 409


def test_the_mail_that_goes_out_holds_the_link_and_forgets_it(place: Place) -> None:
    token, sent = send(place), list[Envelope]()
    with place.app.app_context():
        deliver_one(
            db.engine,
            place.clock,
            Post(sent.append, Addresses("https://desk.example.org", "https://my.example.org")),
        )
    address = f"https://desk.example.org/password/?token={token}"
    assert address in sent[0].text
    assert f'href="{address}"' in sent[0].html
    assert sent[0].recipient == "support@shop.test"
    with place.look() as session:
        mail = session.scalars(sa.select(Mail)).one()
        assert (mail.state, mail.secret) == (MailState.SENT, None)
    assert choose(place, token).status_code == 302


def test_looking_at_the_page_uses_nothing_up(place: Place) -> None:
    token = send(place)
    for _n in range(3):
        answer = application.browser(place.app).get(f"{CHOOSE}?token={token}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert choose(place, token, password="short").status_code == 422
    assert choose(place, token).status_code == 302


def test_a_link_is_good_once(place: Place) -> None:
    token = send(place)
    assert choose(place, token).status_code == 302
    assert choose(place, token, password="another garden mouse").status_code == 410
    assert application.browser(place.app).get(f"{CHOOSE}?token={token}").status_code == 410
    assert place.form({**GOOD, "password": NEW}).status_code == 302


def test_of_two_at_the_same_moment_one_gets_through(place: Place) -> None:
    token = send(place)
    clients = [application.browser(place.app) for _n in range(4)]
    tokens = [client.csrf_token() for client in clients]
    words = ("one garden mouse", "two garden mouse", "six garden mouse", "ten garden mouse")

    def post(n: int) -> int:
        data = {"token": token, "password": words[n], "again": words[n], "csrf_token": tokens[n]}
        return int(clients[n].post(CHOOSE, data=data).status_code)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(post, range(4)))
    assert sorted(answers) == [302, 410, 410, 410]
    winner = words[answers.index(302)]
    assert place.form({**GOOD, "password": winner}).status_code == 302


@pytest.mark.parametrize(("kind", "lasts"), [("reset", 60), ("invitation", 7 * 24 * 60)])
def test_a_link_lasts_an_hour_and_an_invitation_a_week(place: Place, kind: str, lasts: int) -> None:
    if kind == "reset":
        token = send(place)
    else:
        place.api().send("POST", "/api/v1/staff/actions/invite", INVITED)
        token = token_in(place)
    place.clock.move(minutes=lasts, seconds=-1)
    assert application.browser(place.app).get(f"{CHOOSE}?token={token}").status_code == 200
    place.clock.move(seconds=1)
    assert application.browser(place.app).get(f"{CHOOSE}?token={token}").status_code == 410
    assert choose(place, token).status_code == 410


def test_the_newest_link_voids_the_older(place: Place) -> None:
    first, second = send(place), send(place)
    assert choose(place, first).status_code == 410
    assert choose(place, second).status_code == 302


def test_an_own_change_an_other_address_and_deactivation_void_a_link(place: Place) -> None:
    row = user_id(place)

    def is_good(token: str) -> bool:
        return bool(application.browser(place.app).get(f"{CHOOSE}?token={token}").status_code == 200)

    token = send(place)
    version = place.get(Member, row).version
    changed = place.api().send(
        "PATCH", f"/api/v1/staff/{row}", {"first_name": "Sue"}, If_Match=f'"{version}"'
    )
    assert changed.status_code == 200
    assert is_good(token), "a name is no matter"
    for email in ("s@shop.example", "t@shop.example"):
        changeset = act(place, row, "change_email", email=email).json["changeset"]
        assert not is_good(token)
        token = send(place)
    undone = place.api().send("POST", f"/api/v1/changeset/{changeset}/actions/undo")
    assert undone.status_code == 200
    assert not is_good(token), "an undo is a way back in, too"
    token = send(place)
    for verb, given in (("deactivate", {"reason": "Has left"}), ("activate", {})):
        assert act(place, row, verb, **given).status_code == 200
        assert not is_good(token), "and no reactivation brings it back"


@pytest.mark.parametrize("token", ["", "x", "0" * 43, "ö" * 43, "a" * 5000, "' OR 1=1"])
def test_a_token_that_is_none_opens_nothing(place: Place, token: str) -> None:
    send(place)
    answer = application.browser(place.app).get(CHOOSE, query_string={"token": token})
    assert answer.status_code == 410
    assert "This link has expired" in page_of(answer).text
    assert choose(place, token).status_code == 410


def test_a_post_without_a_token_of_the_form_changes_nothing(place: Place) -> None:
    token = send(place)
    data = {"token": token, "password": NEW, "again": NEW}
    assert application.browser(place.app).post(CHOOSE, data=data).status_code == 400
    assert choose(place, token).status_code == 302


@pytest.mark.parametrize(
    ("password", "said"),
    [("short", "at least 12"), ("passwordpassword", "too easy to guess"), ("support-tester", "your name")],
)
def test_the_rules_hold_here_too(place: Place, password: str, said: str) -> None:
    token = send(place)
    answer = choose(place, token, password=password)
    assert answer.status_code == 422
    assert said in page_of(answer).error("password")
    assert password not in page_of(answer).html
    assert choose(place, token, again="something else").status_code == 422
    assert choose(place, token).status_code == 302


def test_all_that_was_open_ends_and_the_person_is_told(place: Place) -> None:
    client = place.signed_in()
    api = Api(place.app, place.api_sign_in(GOOD).json["access_token"])
    choose(place, send(place))
    assert not is_in(client)
    assert api.get("/api/v1/note/").status_code == 401
    assert mails(place)[-1] == ("staff_password_changed", "support@shop.test")
    with place.look() as session:
        row = session.scalars(sa.select(Changeset).order_by(Changeset.id.desc()).limit(1)).one()
        assert (row.action, row.actor_name) == ("staff.password_changed", "Support Tester")


# -- asking for one -------------------------------------------------------------------------------------------------


def test_the_sign_in_page_leads_to_where_a_link_is_asked_for(place: Place) -> None:
    assert ASK in page_of(application.browser(place.app).get("/login/")).links


@pytest.mark.parametrize("name", ["support", "support@shop.test"])
def test_who_has_forgotten_gets_a_link(place: Place, name: str) -> None:
    assert ask(place, name).status_code == 200
    assert mails(place) == [("staff_reset", "support@shop.test")]
    assert choose(place, token_in(place)).status_code == 302
    assert place.form({**GOOD, "password": NEW}).status_code == 302


@contextmanager
def statements(place: Place) -> Iterator[list[str]]:
    """What the database is asked, each statement by its beginning."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(" ".join(statement.split()[:3]))

    with place.app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


def test_who_is_nobody_gets_the_same_answer_after_the_same_work(place: Place) -> None:
    with place.arrange() as session:
        factories.make_staff(session, username="gone", active=False)
    ask(place, "warm up")
    answers, work = [], []
    for name in ("support", "nobody", "gone", "nobody@shop.test"):
        with statements(place) as seen:
            answers.append(ask(place, name))
        work.append(seen)
    assert {a.status_code for a in answers} == {200}
    assert len({page_of(a).text for a in answers}) == 1
    as_known = [s.replace("RELEASE", "ROLLBACK TO") for s in work[0]]
    for seen in work[1:]:
        assert len(seen) == len(as_known)
        assert [s.split()[0] for s in seen] == [s.split()[0] for s in as_known]
    assert mails(place) == [("staff_reset", "support@shop.test")]
    with place.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(StaffLink)) == 1


def test_nothing_typed_there_is_kept(place: Place) -> None:
    ask(place, "my-secret-word")
    with place.look() as session:
        rows = session.scalars(sa.select(Changeset).order_by(Changeset.id.desc())).all()
        assert (rows[0].action, rows[0].subject_id) == ("staff.reset_asked", None)
        assert "secret" not in str(session.execute(sa.select(Changeset.__table__)).all())


def test_one_account_is_sent_three_an_hour_and_nobody_is_told(place: Place) -> None:
    answers = [ask(place, "support", f"10.0.0.{n}") for n in range(5)]
    assert {a.status_code for a in answers} == {200}
    assert len(mails(place)) == 3
    place.clock.move(minutes=61)
    ask(place, "support@shop.test")
    assert len(mails(place)) == 4


def test_one_address_may_ask_twenty_times_an_hour(place: Place) -> None:
    answers = [ask(place, f"nobody{n}") for n in range(22)]
    assert [a.status_code for a in answers] == [200] * 20 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 3000
    assert ask(place, "support", "10.0.0.1").status_code == 200


def test_an_empty_name_is_asked_again(place: Place) -> None:
    answer = ask(place, "  ")
    assert answer.status_code == 422
    assert "Enter your user name" in page_of(answer).error("username")


def test_a_second_asking_does_not_end_the_week_of_an_invitation(place: Place) -> None:
    place.api().send("POST", "/api/v1/staff/actions/invite", INVITED)
    ask(place, "alee")
    with place.look() as session:
        newest = session.scalars(sa.select(StaffLink).order_by(StaffLink.id.desc()).limit(1)).one()
        assert newest.kind == LinkKind.INVITATION
        assert newest.expires_at == place.clock() + dt.timedelta(days=7)


def test_the_email_log_shows_mails_to_staff(place: Place) -> None:
    send(place)
    client = place.client("Support")
    assert len(rows_of(client.get("/admin/mail/"))) == 1
    assert "Staff: password reset" in page_of(client.get("/admin/mail/")).text
    for path in ("/admin/mail/export/csv/", "/admin/mail/?view=waiting"):
        assert place.client().get(path).status_code == 200
    assert place.api().get("/api/v1/mail/").json["result"][0]["customer"] is None


# -- at the machine -------------------------------------------------------------------------------------------------


def test_where_no_mail_goes_out_the_command_line_prints_a_link(place: Place) -> None:
    done = place.app.test_cli_runner().invoke(args=["password-link", "support"])
    assert done.exit_code == 0, done.output
    address = done.output.split()[0]
    assert address.startswith("http://127.0.0.1:5000/password/?token=")
    assert choose(place, address.partition("token=")[2]).status_code == 302
    with place.look() as session:
        codes = list(session.scalars(sa.select(Changeset.action).order_by(Changeset.id)))
        assert codes[-2:] == ["staff.link_printed", "staff.password_changed"]
        assert session.scalar(sa.select(Staff.password).where(Staff.username == "support")) is not None
    gone = place.app.test_cli_runner().invoke(args=["password-link", "nobody"])
    assert gone.exit_code == 2
