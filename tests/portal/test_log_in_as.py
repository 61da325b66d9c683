"""Staff who log in as a customer: the hand-over, the session and its banner (rules 6.10 to 6.12)."""

import datetime as dt
import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from models.base import Staff, metadata
from models.customer import Customer
from models.journal import Change, Changeset
from models.login_as import LoginAs, LoginAsPage
from models.lookups import SalesChannel
from models.mail import Mail
from models.member import StaffChannel
from models.portal import PortalSession
from tests import application, factories
from tests.databases import Database
from tests.factories import NOW
from tests.portal.conftest import BASE, PORTAL, TOKEN, Portal, Visitor
from tests.portal.login_as_desk import REASON, Desk, desk, hand_over, handed_over, key_of

TRUSTED = ("desk.example.org", "my.example.org", "localhost", "127.0.0.1")
VOID = "This login has been used or has expired."


def test_staff_see_the_account_under_a_banner_and_end_it(portal: Portal) -> None:
    one = portal.customer(first_name="Rashid", last_name="Karim")
    visitor = desk(portal).log_in(one)
    page = visitor.get("/").text
    assert "Hello Rashid" in page
    assert "Support Tester is logged in as Rashid Karim." in page
    assert "30 minutes left." in page
    assert "Read-only." in page
    assert "Sign out" not in page
    assert "<script" not in page
    portal.clock.move(minutes=3, seconds=1)
    assert "27 minutes left." in visitor.get("/").text
    done = visitor.post("/log-in-as/end/", page="/")
    assert done.status_code == 303
    assert done.location.endswith(f"/admin/customer/details/?id={one}")
    assert not visitor.is_in
    (row,) = portal.rows(LoginAs)
    assert (row.used_at, row.ended_at) == (NOW, portal.clock())
    assert row.ended_because == "ended by the member of staff"


def test_nothing_can_be_ended_without_the_token_of_the_form(portal: Portal) -> None:
    visitor = desk(portal).log_in(portal.customer())
    for path in ("/log-in-as/end/", "/log-in-as/changes/"):
        answer = visitor.client.post(f"/portal{path}")
        assert answer.status_code == 400
        assert "is logged in as" in answer.text
    assert visitor.is_in


def test_what_it_leaves_on_the_customer_is_nothing(portal: Portal) -> None:
    one = portal.customer()
    own = portal.signed_in(one)
    before = customer_row(portal, one)
    visitor = desk(portal).log_in(one)
    portal.clock.move(minutes=5)
    visitor.get("/")
    assert customer_row(portal, one) == before, "neither last sign-in nor last activity"
    visitor.post("/log-in-as/end/", page="/")
    assert own.is_in, "the customer's own session goes on"
    assert portal.rows(Change, Change.table_name == "customer") == []


def customer_row(portal: Portal, customer_id: int) -> Any:
    """All that is stored of a customer."""
    table = metadata.tables["customer"]
    with portal.engine.connect() as connection:
        return connection.execute(sa.select(table).where(table.c.id == customer_id)).one()


def test_the_journal_has_start_and_end_of_the_person_for_the_customer(portal: Portal) -> None:
    one, mine = portal.customer(), desk(portal)
    mine.log_in(one).post("/log-in-as/end/", page="/")
    wanted = ("customer.log_in_as", "customer.login_as_started", "customer.login_as_ended")
    asked, started, ended = portal.rows(Changeset, Changeset.action.in_(wanted))
    support = portal.read(Staff.id, Staff.username == "support")
    for event in (asked, started, ended):
        assert (event.actor_id, event.actor_name) == (support, "Support Tester")
        assert (event.subject_table, event.subject_id) == ("customer", one)
    assert (asked.on_behalf_of_id, started.on_behalf_of_id, ended.on_behalf_of_id) == (None, one, one)
    assert (asked.reason, started.reason) == (REASON, REASON)
    assert ended.reason == "ended by the member of staff"
    page = portal.staff("Manager").get(f"/admin/customer/details/?id={one}&tab=changeset").text
    for title in ("Logged in as the customer", "Login as the customer ended"):
        assert title in page


# -- the hand-over ---------------------------------------------------------------------------------------------------


def test_the_page_posts_the_token_to_the_portal_and_may(portal: Portal) -> None:
    answer = desk(portal).ask(portal.customer())
    where, token = handed_over(answer)
    assert where == "/portal/log-in-as/"
    assert "form-action 'self';" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert token not in where
    assert "<button" in answer.text, "for browsers without scripts"


def test_a_drawer_has_a_button_to_go_on_by(portal: Portal) -> None:
    mine, one = desk(portal), portal.customer()
    answer = mine.client.send(
        f"/admin/customer/act/log_in_as/?id={one}", {"reason": REASON}, headers={"HX-Request": "true"}
    )
    _where, token = handed_over(answer)
    assert hand_over(mine.visitor, token).status_code == 303


def replayed(portal: Portal, token: str) -> str:
    assert hand_over(portal.visitor(), token).status_code == 303
    return token


def late(portal: Portal, token: str) -> str:
    portal.clock.move(seconds=61)
    return token


def for_the_shop(portal: Portal, token: str) -> str:
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(LoginAs).values(audience="shop"))
    return token


def made_up(portal: Portal, token: str) -> str:
    return token[::-1]


def none(portal: Portal, token: str) -> str:
    return ""


def too_long(portal: Portal, token: str) -> str:
    return token * 1000


def of_a_customer_shut_out_meanwhile(portal: Portal, token: str) -> str:
    with portal.database.desk.begin() as connection:
        connection.execute(sa.update(Customer).values(is_active=False))
    return token


def of_somebody_signed_out_meanwhile(portal: Portal, token: str) -> str:
    with portal.database.desk.begin() as connection:
        connection.execute(sa.text("UPDATE staff_session SET ended_at = created_at, ended_because = 'x'"))
    return token


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "spoil",
    [
        replayed,
        late,
        for_the_shop,
        made_up,
        none,
        too_long,
        of_a_customer_shut_out_meanwhile,
        of_somebody_signed_out_meanwhile,
    ],
)
def test_a_spoilt_hand_over_is_refused_in_the_same_words(portal: Portal, spoil: Any) -> None:
    token = spoil(portal, desk(portal).token(portal.customer()))
    visitor = portal.visitor()
    answer = hand_over(visitor, token)
    assert answer.status_code == 410
    assert VOID in answer.text
    same = re.sub("[0-9a-f]{16}", "", answer.text)
    assert same == re.sub("[0-9a-f]{16}", "", hand_over(portal.visitor(), "never").text)
    assert not visitor.is_in


@pytest.mark.both_databases
def test_a_hand_over_of_59_seconds_is_good_and_waits_for_nobody_elses_browser(portal: Portal) -> None:
    mine = desk(portal)
    token = mine.token(portal.customer())
    portal.clock.move(seconds=59)
    assert hand_over(mine.visitor, token).status_code == 303
    ends = portal.read(LoginAs.ends_at)
    assert ends == portal.clock() + dt.timedelta(minutes=30)


def test_only_a_post_hands_over_and_no_address_takes_a_token(portal: Portal) -> None:
    token = desk(portal).token(portal.customer())
    visitor = portal.visitor()
    assert visitor.get(f"/log-in-as/?token={token}").status_code == 405
    assert visitor.client.post(f"/portal/log-in-as/?token={token}").status_code == 410


@pytest.mark.both_databases
def test_of_twenty_at_once_one_uses_the_hand_over(portal: Portal) -> None:
    token = desk(portal).token(portal.customer())
    found: list[int] = []

    def use(visitor: Visitor) -> None:
        found.append(hand_over(visitor, token).status_code)

    threads = [threading.Thread(target=use, args=(portal.visitor(),)) for _n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [303] + [410] * 19
    assert len(portal.rows(PortalSession)) == 1


@pytest.mark.both_databases
def test_the_token_is_nowhere_but_in_the_answer(portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    one, mine = portal.customer(), desk(portal)
    token = mine.token(one)
    answer = hand_over(mine.visitor, token)
    cookie = mine.client.get_cookie("portal_session", path="/portal").value
    mine.visitor.get("/")
    assert token not in answer.location
    assert token not in cookie
    with portal.engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                assert token not in str(tuple(row)), table.name
                assert cookie.removeprefix("s.") not in str(tuple(row)), table.name
    assert token not in caplog.text
    listed = portal.staff("Admin").get("/admin/login_as/").text
    assert token not in listed


def test_it_takes_the_place_of_any_session_of_the_browser(portal: Portal) -> None:
    mine, one, other = desk(portal), portal.customer(first_name="Ann"), portal.customer(first_name="Bob")
    assert mine.visitor.sign_in(portal.email(one)).status_code == 302
    mine.log_in(one)
    assert "is logged in as Ann" in mine.visitor.get("/").text
    own, _first = portal.rows(PortalSession)
    assert own.ended_at is not None
    mine.log_in(other)
    assert "is logged in as Bob" in mine.visitor.get("/").text
    open_ones = portal.rows(PortalSession, PortalSession.ended_at.is_(None))
    assert [row.customer_id for row in open_ones] == [other]


def test_one_is_open_at_a_time_for_each_member_of_staff(portal: Portal) -> None:
    one, other = portal.customer(), portal.customer()
    first, second, colleague = desk(portal), desk(portal), desk(portal, "Manager")
    before, beside = first.log_in(one), colleague.log_in(one)
    after = second.log_in(other)
    assert "logged in as another customer" in before.get("/").text
    assert after.is_in
    assert beside.is_in, "a colleague's goes on"
    assert portal.read(
        LoginAs.ended_because, LoginAs.customer_id == one, LoginAs.staff_id == staff_id(portal)
    )


@pytest.mark.both_databases
def test_of_six_customers_at_once_one_is_left(portal: Portal) -> None:
    mine = desk(portal)
    tokens = [mine.token(portal.customer()) for _n in range(6)]
    visitors = [portal.visitor() for _token in tokens]
    threads = [threading.Thread(target=hand_over, args=pair) for pair in zip(visitors, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.used_at for row in portal.rows(LoginAs)] == [NOW] * 6
    assert len(portal.rows(LoginAs, LoginAs.ended_at.is_(None))) == 1
    assert [visitor.is_in for visitor in visitors].count(True) == 1


def staff_id(portal: Portal, username: str = "support") -> int:
    """A member of staff."""
    return int(portal.read(Staff.id, Staff.username == username))


# -- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "   ", "too short", "x" * 600])
def test_a_reason_of_ten_characters_is_asked_for(portal: Portal, reason: str) -> None:
    answer = desk(portal).ask(portal.customer(), reason=reason)
    assert answer.status_code == 422
    assert portal.rows(LoginAs) == []


def test_a_ticket_is_asked_for_where_the_shop_wants_one(portal: Portal) -> None:
    with portal.arrange() as session:
        factories.make_shop_setting(session, code="login_as_needs_ticket", value=True)
    mine, one = desk(portal), portal.customer()
    answer = mine.ask(one)
    assert answer.status_code == 422
    assert "Enter the ticket number" in answer.text
    mine.log_in(one, ticket=" T-77 ")
    assert portal.read(LoginAs.ticket) == "T-77"


@pytest.mark.parametrize("role", ["Read-only", "Finance", "Back office", "Shop"])
def test_without_the_permission_there_is_no_way(portal: Portal, role: str) -> None:
    answer = desk(portal, role).ask(portal.customer())
    assert answer.status_code == 403
    assert portal.rows(LoginAs) == []


@pytest.mark.parametrize(
    "values",
    [
        {"is_active": False},
        {"status": "pending_approval", "is_active": False},
        {"status": "guest"},
        {"status": "in_store"},
        {"anonymised_at": NOW},
    ],
)
def test_it_is_refused_for_whom_may_not_sign_in(portal: Portal, values: dict[str, Any]) -> None:
    assert desk(portal).ask(portal.customer(**values)).status_code == 409
    assert portal.rows(LoginAs) == []


def test_it_is_refused_for_a_record_that_was_merged(portal: Portal) -> None:
    one = portal.customer(merged_into_id=portal.customer())
    assert desk(portal).ask(one).status_code == 409


def test_a_customer_of_another_channel_is_missing(portal: Portal) -> None:
    mine = desk(portal)
    with portal.arrange() as session:
        ours = factories.make_sales_channel(session).id
        session.add(StaffChannel(user_id=staff_id(portal), sales_channel_id=ours))
    assert mine.ask(portal.customer()).status_code == 404
    assert portal.rows(LoginAs) == []
    assert portal.rows(SalesChannel)


def test_a_recent_sign_in_is_asked_for(portal: Portal) -> None:
    mine, one = desk(portal), portal.customer()
    portal.clock.move(minutes=16)
    answer = mine.ask(one)
    assert answer.status_code == 422
    assert portal.rows(LoginAs) == []
    mine.token(one, reauth=application.PASSWORD)


def test_who_does_not_see_all_of_a_customer_does_not_see_it_this_way(portal: Portal) -> None:
    mine = desk(portal)
    take_away(portal, "can_see_phone")
    answer = mine.ask(portal.customer())
    assert answer.status_code == 409
    assert "your role cannot see" in answer.text


def take_away(portal: Portal, permission: str) -> None:
    """Take a permission on customers away from every role, as the database sees it."""
    with portal.database.desk.begin() as connection:
        connection.execute(
            sa.text(
                "DELETE FROM ab_permission_view_role WHERE permission_view_id IN (SELECT pv.id FROM "
                "ab_permission_view pv JOIN ab_permission p ON p.id = pv.permission_id JOIN ab_view_menu v "
                "ON v.id = pv.view_menu_id WHERE p.name = :name AND v.name = 'customer')"
            ),
            {"name": permission},
        )


def test_a_program_gets_no_hand_over_by_its_key(portal: Portal) -> None:
    client, path = key_of(portal, "admin"), f"/api/v1/customer/{portal.customer()}/actions/log_in_as"
    assert client.post(path, {"reason": REASON}).status_code == 403
    assert portal.rows(LoginAs) == []


def test_the_customer_is_mailed_only_where_the_shop_wants_it(portal: Portal) -> None:
    one, mine = portal.customer(email="jane@example.com"), desk(portal)
    mine.log_in(one)
    assert portal.rows(Mail) == []
    with portal.arrange() as session:
        factories.make_shop_setting(session, code="login_as_mails_customer", value=True)
    mine.log_in(one)
    assert portal.read(Mail.recipient) == "jane@example.com"
    body = str(portal.read(Mail.text_body))
    assert "13:00" in body, "when, in the shop's zone"
    assert "Support" not in body
    assert "invoice" not in body


# -- the banner ------------------------------------------------------------------------------------------------------


def walk(portal: Portal, method: str) -> list[tuple[str, str]]:
    """Every address of the portal that takes a method, with its endpoint."""
    inside = portal.app.extensions["clientele.portal"]
    found = []
    for rule in inside.url_map.iter_rules():
        if method in rule.methods and rule.endpoint != "static":
            found.append((re.sub(r"<[^>]+>", "1", rule.rule), rule.endpoint))
    return sorted(found)


@pytest.mark.both_databases
def test_every_page_has_the_banner_or_leads_to_one_that_has(portal: Portal) -> None:
    visitor = desk(portal).log_in(portal.customer(first_name="Rashid", last_name="Karim"))
    seen = 0
    for path, _endpoint in walk(portal, "GET"):
        answer = visitor.get(path, follow_redirects=True)
        if answer.mimetype == "application/pdf":
            continue
        assert "is logged in as Rashid Karim." in answer.text, path
        assert answer.status_code in (200, 403, 404, 405, 410), path
        seen += 1
    assert seen >= 4


@pytest.mark.parametrize(
    ("status", "ask"),
    [
        (404, lambda v: v.get("/nothing/there")),
        (405, lambda v: v.client.put("/portal/")),
        (400, lambda v: v.client.post("/portal/log-in-as/end/")),
        (400, lambda v: v.get("/?next=%00")),
        (403, lambda v: v.get("/password/?token=x")),
        (413, lambda v: v.client.post("/portal/sign-out/", data={"x": "y" * 300_000})),
    ],
)
def test_pages_of_errors_have_it_too(portal: Portal, status: int, ask: Any) -> None:
    visitor = desk(portal).log_in(portal.customer(first_name="Rashid", last_name="Karim"))
    answer = ask(visitor)
    assert answer.status_code == status
    assert "is logged in as Rashid Karim." in answer.text
    assert "End</button>" in answer.text


def test_customers_themselves_see_no_banner(portal: Portal) -> None:
    assert "logged in as" not in portal.signed_in(portal.customer()).get("/").text


def test_names_in_the_banner_are_text(portal: Portal) -> None:
    visitor = desk(portal).log_in(portal.customer(first_name="<b>Ann</b>", last_name="&"))
    page = visitor.get("/").text
    assert "<b>Ann" not in page
    assert "&lt;b&gt;Ann&lt;/b&gt; &amp;" in page


# -- what is seen of it ------------------------------------------------------------------------------------------------


def test_the_pages_that_were_seen_are_kept_without_their_query(portal: Portal) -> None:
    visitor = desk(portal).log_in(portal.customer())
    visitor.get("/?secret=1")
    visitor.get("/nothing")
    assert [row.page for row in portal.rows(LoginAsPage)] == ["/"]
    (row,) = portal.rows(LoginAs)
    record = portal.staff("Manager").get(f"/admin/login_as/details/?id={row.id}").text
    assert "Pages seen" in record
    assert "secret=1" not in record
    tab = portal.staff("Support").get(f"/admin/customer/details/?id={row.customer_id}&tab=login_as")
    assert REASON in tab.text


def test_the_screen_says_how_it_stands_before_anybody_has_noticed(portal: Portal) -> None:
    one, mine, boss = portal.customer(last_name="Karim"), desk(portal), portal.staff("Manager")
    mine.token(one)
    assert "Waiting" in boss.get("/admin/login_as/").text
    mine.log_in(one)
    page = boss.get("/admin/login_as/").text
    for words in ("Logged in", "Karim", "Support Tester", REASON):
        assert words in page
    portal.clock.move(minutes=31)
    row = portal.rows(LoginAs)[-1]
    record = portal.staff("Manager").get(f"/admin/login_as/details/?id={row.id}").text
    assert "30 minutes were over" in record
    assert row.ended_at is None, "and nobody has written that down by looking"


@pytest.mark.both_databases
def test_the_portal_session_opens_no_page_of_the_back_office(portal: Portal) -> None:
    mine: Desk = desk(portal)
    mine.log_in(portal.customer())
    cookie = mine.client.get_cookie("portal_session", path="/portal").value
    other = portal.app.test_client()
    for name in ("session", "portal_session"):
        other.set_cookie(name, cookie)
        other.set_cookie(name, cookie, path="/portal")
    for path in ("/admin/", "/admin/customer/", "/admin/login_as/", "/api/v1/customer/"):
        assert other.get(path).status_code in (302, 401), path


def test_with_hosts_of_their_own_it_goes_from_one_to_the_other_and_back(database: Database) -> None:
    portal = Portal(database, public_base_url=BASE, portal_base_url=PORTAL, trusted_hosts=TRUSTED)
    one, client = portal.customer(first_name="Rashid", last_name="Karim"), portal.app.test_client()
    client.set_cookie("session", application.session_cookie(portal.app, "support"), domain="desk.example.org")
    path = f"/admin/customer/act/log_in_as/?id={one}"
    form = application.TOKEN.search(client.get(path, base_url=BASE).text)
    given = {"reason": REASON, "csrf_token": form.group(1)}
    answer = client.post(path, data=given, base_url=BASE)
    where, token = handed_over(answer)
    assert where == f"{PORTAL}/log-in-as/"
    assert f"form-action 'self' {PORTAL};" in answer.headers["Content-Security-Policy"]
    browser = portal.app.test_client()
    other = client.get("/admin/customer/", base_url=BASE)
    assert "form-action 'self';" in other.headers["Content-Security-Policy"], "on no other page"
    begun = browser.post("/log-in-as/", data={"token": token}, base_url=PORTAL)
    assert (begun.status_code, begun.location) == (303, "/")
    page = browser.get("/", base_url=PORTAL)
    assert "is logged in as Rashid Karim." in page.text
    assert f"form-action 'self' {BASE};" in page.headers["Content-Security-Policy"]
    given = {"csrf_token": TOKEN.search(page.text).group(1)}
    headers = {"Referer": f"{PORTAL}/"}
    ended = browser.post("/log-in-as/end/", data=given, base_url=PORTAL, headers=headers)
    assert (ended.status_code, ended.location) == (303, f"{BASE}/admin/customer/details/?id={one}")
    assert browser.post("/log-in-as/", data={"token": token}, base_url=BASE).status_code == 404
