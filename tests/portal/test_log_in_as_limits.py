"""What staff may do while they are logged in as a customer: look, and with changes turned on some more (rule 6.12)."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from actions.core.base import ACTIONS, Action, Context, Missing, Outcome, Refused, action
from actions.core.base import Portal as For
from models.base import metadata
from models.customer import Customer
from models.journal import Changeset
from models.login_as import LoginAs
from models.note import Note
from tests import factories
from tests.portal.conftest import TOKEN, Portal, Visitor
from tests.portal.login_as_desk import desk
from tests.portal.test_log_in_as import staff_id, take_away, walk


def declared(code: str, model: Any, portal: For | None) -> Action:
    """An action of this test alone."""

    @action(code, model, label="Change", portal=portal)
    def change(ctx: Context, row: Any, *, text: str = "") -> Outcome:
        """Change a text."""
        setattr(row, "body" if model is Note else "first_name", text)
        return Outcome("Done.", row)

    return ACTIONS.pop(code)


RENAME = declared("customer.rename_in_tests", Customer, For.LOGGED_IN_AS)
OWN = declared("customer.own_in_tests", Customer, For.CUSTOMER)
OFFICE = declared("customer.office_in_tests", Customer, None)
NOTE = declared("note.change_in_tests", Note, For.LOGGED_IN_AS)


@contextmanager
def inside(portal: Portal, visitor: Visitor) -> Iterator[None]:
    """A request of a browser, as far as a view of the portal."""
    app = portal.app.extensions["clientele.portal"]
    cookie = visitor.client.get_cookie("portal_session", path="/portal").value
    with app.test_request_context("/", headers={"Cookie": f"portal_session={cookie}"}):
        assert app.preprocess_request() is None
        yield


def do(portal: Portal, visitor: Visitor, wanted: Action, row: int, text: str = "Changed") -> Outcome:
    """Run an action as a page of the portal does."""
    from portal.request import perform

    with inside(portal, visitor):
        return perform(wanted, row, text=text)


def turn_on(visitor: Visitor) -> Any:
    """Press the button in the banner."""
    return visitor.post("/log-in-as/changes/", page="/")


@pytest.mark.parametrize("wanted", [RENAME, OWN, OFFICE], ids=lambda found: found.code)
def test_nothing_is_changed_while_one_can_only_look(portal: Portal, wanted: Action) -> None:
    one = portal.customer(first_name="Ann")
    visitor = desk(portal, "Manager").log_in(one)
    with pytest.raises(Refused):
        do(portal, visitor, wanted, one)
    assert portal.read(Customer.first_name) == "Ann"


@pytest.mark.both_databases
def test_with_changes_on_each_has_the_person_and_the_customer(portal: Portal) -> None:
    one = portal.customer(first_name="Ann")
    visitor = desk(portal, "Manager").log_in(one)
    assert turn_on(visitor).status_code == 303
    assert "Changes are on." in visitor.get("/").text
    do(portal, visitor, RENAME, one)
    assert portal.read(Customer.first_name) == "Changed"
    for event in portal.rows(Changeset, Changeset.action.in_((RENAME.code, "customer.login_as_changes"))):
        assert (event.actor_id, event.actor_name) == (staff_id(portal, "manager"), "Manager Tester")
        assert event.on_behalf_of_id == one
    boss = portal.staff("Admin")
    (link,) = re.findall(r'href="(/admin/changeset/\?[^"]+)"', boss.get("/admin/login_as/").text)
    changed = boss.get(html.unescape(link))
    assert changed.status_code == 200
    assert "Changed" in changed.text, "the link leads to what they changed"


@pytest.mark.parametrize("wanted", [OWN, OFFICE], ids=lambda found: found.code)
def test_what_is_the_customers_alone_is_refused_even_then(portal: Portal, wanted: Action) -> None:
    one = portal.customer(first_name="Ann")
    visitor = desk(portal, "Manager").log_in(one)
    turn_on(visitor)
    with pytest.raises(Refused, match="not available while logged in as a customer"):
        do(portal, visitor, wanted, one)
    assert portal.read(Customer.first_name) == "Ann"


def test_nothing_of_another_customer_is_reached(portal: Portal) -> None:
    one, other = portal.customer(), portal.customer(first_name="Bob")
    with portal.arrange() as session:
        theirs = factories.make_note(session, customer_id=other, body="Theirs").id
    visitor = desk(portal, "Manager").log_in(one)
    turn_on(visitor)
    for wanted, row in ((RENAME, other), (NOTE, theirs)):
        with pytest.raises(Missing):
            do(portal, visitor, wanted, row)
    assert portal.read(Customer.first_name, Customer.id == other) == "Bob"
    assert portal.read(Note.body) == "Theirs"


def test_without_the_second_permission_changes_stay_off(portal: Portal) -> None:
    visitor = desk(portal, "Support").log_in(portal.customer())
    page = visitor.get("/").text
    assert "Turn changes on" not in page
    answer = turn_on(visitor)
    assert answer.status_code == 409
    assert portal.read(LoginAs.may_act) is False
    assert "Read-only." in answer.text


def test_losing_the_second_permission_turns_changes_off(portal: Portal) -> None:
    one = portal.customer(first_name="Ann")
    visitor = desk(portal, "Manager").log_in(one)
    turn_on(visitor)
    take_away(portal, "can_act_for")
    assert "Read-only." in visitor.get("/").text
    with pytest.raises(Refused):
        do(portal, visitor, RENAME, one)


def test_changes_are_on_for_this_session_alone(portal: Portal) -> None:
    one = portal.customer()
    mine = desk(portal, "Manager")
    turn_on(mine.log_in(one))
    assert "Read-only." in mine.log_in(one).get("/").text


def everything(portal: Portal) -> dict[str, Any]:
    """What is stored of customers and of what is theirs, the staff's own records of their session apart."""
    apart = {"login_as", "login_as_page", "portal_session", "staff_session", "attempt_bucket"}
    with portal.engine.connect() as connection:
        return {
            table.name: connection.execute(sa.select(table)).all()
            for table in metadata.sorted_tables
            if table.name not in apart
        }


@pytest.mark.parametrize("role", ["Support", "Manager"])
def test_every_form_of_the_portal_is_shut_to_who_can_only_look(portal: Portal, role: str) -> None:
    visitor = desk(portal, role).log_in(portal.customer())
    own, before = ("login_as.", "getting_in.sign_out"), everything(portal)
    token = TOKEN.search(visitor.get("/").text)
    assert token
    asked = [path for path, endpoint in walk(portal, "POST") if not endpoint.startswith(own)]
    for path in asked:
        answer = visitor.client.post(f"/portal{path}", data={"csrf_token": token.group(1)})
        assert answer.status_code in (403, 409), path
        assert "is logged in as" in answer.text, path
    assert len(asked) >= 3
    assert everything(portal) == before


NEVER = ["/password/", "/password/?token=x", "/forgotten/"]


@pytest.mark.parametrize("path", NEVER)
def test_pages_of_passwords_say_that_they_are_not_available(portal: Portal, path: str) -> None:
    visitor = desk(portal, "Manager").log_in(portal.customer())
    turn_on(visitor)
    answer = visitor.get(path)
    assert answer.status_code == 403
    assert "This is not available while logged in as a customer." in answer.text
    sent = visitor.post("/forgotten/", {"email": "a@example.com"}, page="/")
    assert sent.status_code == 403


def test_nothing_is_written_as_if_the_customer_had_done_it(portal: Portal) -> None:
    from actions.portal.visits import themselves
    from portal.request import actor, call

    one = portal.customer()
    visitor = desk(portal, "Manager").log_in(one)
    turn_on(visitor)
    with inside(portal, visitor):
        assert (actor().id, actor().customer_id) == (staff_id(portal, "manager"), one)
        assert call(key="x").key != f"portal:{one}::x", "nor under a key of theirs"
        with pytest.raises(Refused, match="not available"):
            call(themselves(one))
