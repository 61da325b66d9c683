"""Your account: changing one's own password, and what ends with the old one (rule 16.6)."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask_appbuilder.const import AUTH_REMOTE_USER

from models.access import KnownBrowser, StaffLink, StaffSession
from models.base import Staff
from models.journal import Change, Changeset
from models.mail import Mail
from tests import application, staffing
from tests.admin.conftest import Api
from tests.admin.pages import page_of
from tests.admin.signing_in import BAD, GOOD, Place, is_in

NEW = "tulip garden mouse"
URL = "/admin/account/"


def change(client: Any, current: str = application.PASSWORD, password: str = NEW, again: str = "") -> Any:
    """Change one's own password by the form."""
    form = page_of(client.get(URL)).form("/password/")
    return client.post(
        form.action, data=form.filled(current=current, password=password, again=again or password)
    )


def user_id(place: Place, username: str = "support") -> int:
    """The id of a member of staff."""
    with place.look() as session:
        return int(session.scalar(sa.select(Staff.id).where(Staff.username == username)))


def test_the_person_menu_leads_there_from_every_page(place: Place) -> None:
    client = place.signed_in()
    assert URL in page_of(client.get("/admin/")).links
    text = page_of(client.get(URL)).text
    assert "You sign in as support. Emails go to support@shop.test." in text


def test_who_is_not_signed_in_is_led_to_the_sign_in_page_and_back(place: Place) -> None:
    answer = application.browser(place.app).get(URL)
    assert (answer.status_code, answer.location) == (302, "/login/?next=/admin/account/")


def test_the_new_password_signs_in_and_the_old_one_does_not(place: Place) -> None:
    client = place.signed_in()
    answer = change(client)
    assert answer.status_code == 302
    assert "signed out everywhere else" in page_of(client.get(answer.location)).text
    assert place.form(GOOD).status_code == 401
    assert place.form({**GOOD, "password": NEW}).status_code == 302


def test_everything_opened_with_the_old_one_ends_but_this_session(place: Place) -> None:
    client, other, colleague = (
        place.signed_in(), place.signed_in(), place.signed_in({**GOOD, "username": "finance"})
    )  # fmt: skip
    api = Api(place.app, place.api_sign_in(GOOD).json["access_token"])
    assert change(client).status_code == 302
    assert is_in(client)
    assert not is_in(other)
    assert api.get("/api/v1/note/").status_code == 401
    assert is_in(colleague)
    with place.look() as session:
        wanted = sa.select(StaffSession.ended_because).where(StaffSession.ended_at.is_not(None))
        assert list(session.scalars(wanted)) == ["password changed"] * 2


def test_this_session_gets_another_token_so_a_copied_cookie_dies(place: Place) -> None:
    client, thief = place.signed_in(), application.browser(place.app)
    thief.set_cookie("session", client.get_cookie("session").value)
    before = client.get_cookie("session").value
    change(client)
    after = client.get_cookie("session").value
    assert after.startswith("s.")
    assert after != before
    assert is_in(client)
    assert not is_in(thief)


def test_browsers_and_links_of_before_are_worth_nothing(place: Place) -> None:
    client, elsewhere = place.signed_in(), place.signed_in()
    link = place.make(staffing.make_staff_link, user_id=user_id(place)).id
    others = place.make(staffing.make_staff_link).id
    change(client)
    assert place.get(StaffLink, link).voided_at == place.clock()
    assert place.get(StaffLink, others).voided_at is None
    with place.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(KnownBrowser)) == 1, "this one alone"
    for n in range(6):
        place.form(BAD, address=f"10.0.0.{n}")
    right = {**GOOD, "password": NEW}
    assert place.form(right, elsewhere).status_code == 429
    client.post("/logout/", headers={"X-CSRFToken": client.csrf_token()})
    assert place.form(right, client).status_code == 302


def test_it_is_told_by_mail_and_stands_in_the_journal_without_the_password(place: Place) -> None:
    change(place.signed_in())
    who = user_id(place)
    with place.look() as session:
        mail = session.scalars(sa.select(Mail)).one()
        assert (mail.template, mail.recipient) == ("staff_password_changed", "support@shop.test")
        assert (mail.staff_id, mail.customer_id) == (who, None)
        assert "Dear Support Tester" in mail.text_body
        row = session.get_one(Changeset, mail.changeset_id)
        assert (row.action, row.actor_name, row.subject_id) == (
            "staff.password_changed", "Support Tester", who
        )  # fmt: skip
        hash_ = session.scalar(sa.select(Staff.password).where(Staff.username == "support"))
        for table in (Mail, Changeset, Change, StaffSession):
            text = str(session.execute(sa.select(table.__table__)).all())
            assert NEW not in text
            assert hash_ not in text
    assert "Password changed" in page_of(place.client("Admin").get("/admin/changeset/")).text
    log = page_of(place.client("Admin").get("/admin/mail/")).text
    assert "Staff: password changed" in log


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"current": "not this one, sorry"}, "current", "Wrong password"),
        ({"current": ""}, "current", "Enter your current password"),
        ({"password": "short"}, "password", "at least 12 characters"),
        ({"password": "x9" * 65}, "password", "at most 128 characters"),
        ({"password": "passwordpassword"}, "password", "too easy to guess"),
        ({"password": "support-tester!"}, "password", "Do not use your name"),
        ({"password": ""}, "password", "Enter a new password"),
        ({"again": "something else"}, "again", "do not match"),
        ({"password": application.PASSWORD}, "password", "already"),
    ],
)
def test_what_will_not_do_is_said_under_its_field(
    place: Place, given: dict[str, str], field: str, said: str
) -> None:
    client = place.signed_in()
    answer = change(client, **given)
    assert answer.status_code == 422
    page = page_of(answer)
    assert said in page.error(field)
    typed = [v for v in (*given.values(), NEW, application.PASSWORD) if v]
    assert not any(f'value="{text}"' in page.html for text in typed), "a password never comes back"
    assert place.form(GOOD).status_code == 302
    with place.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Mail)) == 0


def test_guessing_at_the_present_password_is_counted_like_a_sign_in(place: Place) -> None:
    client = place.signed_in()
    answers = [change(client, current=f"guess number {n}").status_code for n in range(7)]
    assert answers == [422] * 5 + [429] * 2


def test_a_mail_to_staff_goes_again_to_the_address_they_have_today(place: Place) -> None:
    client = place.signed_in()
    change(client)
    with place.arrange() as session:
        session.execute(sa.update(Mail).values(state="sent"))
        session.execute(sa.update(Staff).where(Staff.username == "support").values(email="new@shop.test"))
        mail = session.scalars(sa.select(Mail.id)).one()
    answer = place.api().send("POST", f"/api/v1/mail/{mail}/actions/resend")
    assert answer.status_code == 200
    who = user_id(place)
    with place.look() as session:
        again = session.scalars(sa.select(Mail).order_by(Mail.id.desc()).limit(1)).one()
        assert (again.recipient, again.staff_id) == ("new@shop.test", who)


def test_where_passwords_are_kept_elsewhere_there_are_none_to_change_or_forget(place: Place) -> None:
    app = application.shared(place.database.url, place.clock, identity={"AUTH_TYPE": AUTH_REMOTE_USER})
    client = application.sign_in(app, "Support")
    page = page_of(client.get(URL))
    assert "Your sessions" in page.text
    assert not any(form.action.endswith("/password/") for form in page.forms)
    headers = {"X-CSRFToken": client.csrf_token()}
    assert client.post("/admin/account/password/", headers=headers).status_code == 404
    for path in ("/password/", "/password/forgotten/"):
        assert client.get(path).status_code == 404
        assert client.post(path, headers=headers).status_code == 404
