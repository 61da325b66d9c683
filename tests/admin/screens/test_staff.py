"""Staff and groups: who has which role, who may sign in, and that what is shown is what is enforced (rules 16.1, 18)."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.access import StaffSession
from models.base import Staff
from models.mail import Mail
from models.member import ADMIN, GroupMember, Member, RoleGrant, RoleHolder, StaffGroup, StaffRole
from models.staff import permission_ids
from tests import application, factories, staffing
from tests.admin.conftest import Shop
from tests.admin.pages import Page, page_of, rows_of

HTMX = {"HX-Request": "true"}
CHIEF = "Manager"
"""A shipped role whose holder a test lets manage staff."""


def role_id(session: Session, name: str) -> int:
    return int(session.scalars(sa.select(StaffRole.id).where(StaffRole.name == name)).one())


def member_id(session: Session, username: str) -> int:
    return int(session.scalars(sa.select(Staff.id).where(Staff.username == username)).one())


def may(shop: Shop, role: str, *codes: str) -> None:
    """Give a shipped role further permissions, as if it had long had them."""
    with shop.arrange() as session:
        holder = role_id(session, role)
        held = set(session.scalars(sa.select(RoleGrant.permission_view_id).filter_by(role_id=holder)))
        for pair in set(permission_ids(session, codes).values()) - held:
            session.add(RoleGrant(role_id=holder, permission_view_id=pair))


def colleague(shop: Shop, *roles: str, **values: Any) -> int:
    """Somebody with these roles."""
    with shop.arrange() as session:
        member = staffing.make_member(session, **values).id
        for role in roles:
            session.add(RoleHolder(user_id=member, role_id=role_id(session, role)))
    return int(member)


def form_of(shop: Shop, verb: str, row: int, role: str = "Admin", resource: str = "staff") -> Page:
    return page_of(shop.client(role).get(f"/admin/{resource}/act/{verb}/?id={row}"))


def act(shop: Shop, verb: str, row: int, role: str = "Admin", resource: str = "staff", **values: Any) -> Any:
    form = form_of(shop, verb, row, role, resource).form("/act/")
    sent = {**form.filled(), **{k: v if isinstance(v, list) else [v] for k, v in values.items()}}
    return shop.client(role).post(form.action, data=sent)


def roles_of(shop: Shop, member: int) -> set[str]:
    with shop.look() as session:
        query = sa.select(StaffRole.name).join(RoleHolder, RoleHolder.role_id == StaffRole.id)
        return set(session.scalars(query.where(RoleHolder.user_id == member)))


# -- what the list says -----------------------------------------------------------------------------------------------


def test_the_list_shows_roles_and_groups_and_finds_by_either(shop: Shop) -> None:
    somebody = colleague(shop, "Support", "Finance", last_name="Osei")
    with shop.arrange() as session:
        group = staffing.make_staff_group(session, name="Day shift").id
        support = role_id(session, "Support")
        staffing.make_group_role(session, group_id=group, role_id=support)
        other = staffing.make_group_member(session, group_id=group).user_id
        shipped = member_id(session, "support")
    text = page_of(shop.client().get("/admin/staff/")).text
    assert "Finance, Support" in text
    assert "Day shift" in text
    assert set(rows_of(shop.client().get(f"/admin/staff/?role__eq={support}"))) == {somebody, other, shipped}
    assert rows_of(shop.client().get(f"/admin/staff/?group__eq={group}")) == [other]
    assert other in rows_of(shop.client().get("/admin/staff/?group__empty=0"))
    assert somebody in rows_of(shop.client().get("/admin/staff/?group__empty=1"))
    tab = shop.client().get(f"/admin/staff/?embed=1&role__eq={support}", headers=HTMX)
    assert set(rows_of(tab)) == {somebody, other, shipped}
    groups = page_of(shop.client().get("/admin/staff_group/")).text
    assert "Day shift 1 Support" in groups


def test_nobody_is_deleted(shop: Shop) -> None:
    somebody = colleague(shop)
    assert shop.client().send("/admin/staff/delete/", {"id": somebody}).status_code == 403
    assert shop.api().send("DELETE", f"/api/v1/staff/{somebody}").status_code == 405
    assert shop.get(Member, somebody) is not None


# -- roles ------------------------------------------------------------------------------------------------------------


def test_other_roles_are_previewed_given_journalled_in_words_and_taken_back(shop: Shop) -> None:
    somebody = colleague(shop, "Support", last_name="Osei")
    with shop.look() as session:
        finance = role_id(session, "Finance")
    form = form_of(shop, "set_roles", somebody).form("/act/")
    sent = {**form.filled(), "roles": [str(finance)]}
    seen = page_of(shop.client().post(f"{form.action}&preview=1", data=sent, headers=HTMX)).text
    assert "New Finance" in seen
    assert "Deleted Support" in seen
    assert "has to sign in again" in seen
    assert shop.client().post(form.action, data=sent).status_code == 302
    assert roles_of(shop, somebody) == {"Finance"}
    page = page_of(shop.client().get(f"/admin/staff/details/?id={somebody}"))
    assert "Change roles and groups" in page.text
    assert "Role assignment: Finance" in page.text
    assert "Role assignment: Support → removed" in page.text
    undo = next(u for u in page.links if "/act/undo/" in u)
    back = page_of(shop.client().get(undo)).form("/act/undo/")
    assert shop.client().post(back.action, data=back.filled()).status_code == 302
    assert roles_of(shop, somebody) == {"Support"}
    listed = page_of(shop.client().get(f"/admin/changeset/?embed=1&member__eq={somebody}", headers=HTMX))
    assert "Change roles and groups" in listed.text


def test_what_is_not_sent_by_a_program_stays(shop: Shop) -> None:
    somebody = colleague(shop, "Support")
    with shop.arrange() as session:
        group = staffing.make_staff_group(session).id
    path = f"/api/v1/staff/{somebody}/actions/set_roles"
    assert shop.api().send("POST", path, {"groups": [group]}).status_code == 200
    assert roles_of(shop, somebody) == {"Support"}
    assert shop.api().send("POST", path, {"roles": []}).status_code == 200
    assert roles_of(shop, somebody) == set()
    with shop.look() as session:
        assert session.scalar(sa.select(GroupMember.group_id).where(GroupMember.user_id == somebody)) == group


def test_whoever_has_other_roles_signs_in_again_and_a_name_signs_nobody_out(shop: Shop) -> None:
    support = application.sign_in(shop.app, "Support")
    with shop.look() as session:
        member, finance = member_id(session, "support"), role_id(session, "Finance")
    edit = page_of(shop.client().get(f"/admin/staff/edit/?id={member}")).form("/edit/")
    assert shop.client().post(edit.action, data=edit.filled(first_name="Sam")).status_code == 302
    assert support.get("/admin/").status_code == 200
    assert act(shop, "set_roles", member, roles=[str(finance)]).status_code == 302
    assert support.get("/admin/").status_code == 302
    again = application.sign_in(shop.app, "Support")
    assert again.get("/admin/customer/edit/?id=1").status_code == 403


@pytest.mark.parametrize("channel", ["form", "api", "command"])
def test_nobody_gives_a_role_that_holds_more_than_they_do(shop: Shop, channel: str) -> None:
    may(shop, CHIEF, "staff.list", "staff.show", "staff.set_roles")
    somebody, before = colleague(shop, "Support"), shop.figures()
    with shop.look() as session:
        admin = role_id(session, ADMIN)
    if channel == "form":
        page = form_of(shop, "set_roles", somebody, CHIEF)
        assert "Admin more than you can give" in page.text
        answer = act(shop, "set_roles", somebody, CHIEF, roles=[str(admin)])
        assert answer.status_code == 409
        assert "You can only give permissions you have yourself" in page_of(answer).text
    elif channel == "api":
        body = {"roles": [admin]}
        answer = shop.api(CHIEF).send("POST", f"/api/v1/staff/{somebody}/actions/set_roles", body)
        assert (answer.status_code, answer.json["code"]) == (409, "not_held")
    else:
        arguments = ["act", "staff.set_roles", str(somebody), "--as", "manager", "--set", f"roles={admin}"]
        done = shop.app.test_cli_runner().invoke(args=arguments)
        assert done.exit_code == 1
        assert "You can only give permissions you have yourself" in done.output
    assert shop.figures() == before


def test_who_has_a_role_beyond_ones_own_keeps_all_of_theirs(shop: Shop) -> None:
    may(shop, CHIEF, "staff.list", "staff.show", "staff.set_roles")
    somebody = colleague(shop, "Admin")
    with shop.look() as session:
        read_only = role_id(session, "Read-only")
        admin = role_id(session, ADMIN)
    form = form_of(shop, "set_roles", somebody, CHIEF).form("/act/")
    assert form.fields.getlist("roles") == [str(admin)]
    for roles in ([admin, read_only], []):
        sent = {**form.filled(), "roles": [str(role) for role in roles]}
        assert shop.client(CHIEF).post(form.action, data=sent).status_code == 409
    assert roles_of(shop, somebody) == {"Admin"}


# -- deactivation -----------------------------------------------------------------------------------------------------


def test_a_deactivated_person_is_out_at_once_and_comes_back_with_their_roles(shop: Shop) -> None:
    support, api = application.sign_in(shop.app, "Support"), shop.api("Support")
    with shop.look() as session:
        member = member_id(session, "support")
    assert act(shop, "deactivate", member, reason="Left us").status_code == 302
    assert support.get("/admin/").status_code == 302
    assert api.get("/api/v1/customer/").status_code == 401
    with shop.look() as session:
        ended = session.scalars(sa.select(StaffSession).where(StaffSession.user_id == member)).all()
        assert {row.ended_because for row in ended} == {"deactivated"}
    assert member in rows_of(shop.client().get("/admin/staff/?view=inactive"))
    assert act(shop, "activate", member).status_code == 302
    assert roles_of(shop, member) == {"Support"}


@pytest.mark.both_databases
@pytest.mark.parametrize("channel", ["form", "api", "command"])
def test_the_last_admin_stays_on_every_channel(shop: Shop, channel: str) -> None:
    with shop.look() as session:
        admin = member_id(session, "admin")
    before = shop.figures()
    if channel == "form":
        answer = act(shop, "set_roles", admin, roles=[])
        assert answer.status_code == 409
        assert "There must be at least one active Admin" in page_of(answer).text
    elif channel == "api":
        answer = shop.api().send("POST", f"/api/v1/staff/{admin}/actions/set_roles", {"roles": []})
        assert (answer.status_code, answer.json["code"]) == (409, "last_admin")
    else:
        arguments = ["act", "staff.set_roles", str(admin), "--as", "admin", "--set", "roles="]
        done = shop.app.test_cli_runner().invoke(args=arguments)
        assert (done.exit_code, "There must be at least one active Admin" in done.output) == (1, True)
    assert shop.figures() == before


def test_nobody_deactivates_themselves(shop: Shop) -> None:
    colleague(shop, "Admin")
    with shop.look() as session:
        admin = member_id(session, "admin")
    body = {"reason": "Enough"}
    answer = shop.api().send("POST", f"/api/v1/staff/{admin}/actions/deactivate", body)
    assert (answer.status_code, answer.json["code"]) == (409, "yourself")
    assert "/act/deactivate/" not in page_of(shop.client().get(f"/admin/staff/details/?id={admin}")).html


# -- email ------------------------------------------------------------------------------------------------------------


def test_an_email_is_changed_only_shortly_after_proving_who_one_is(shop: Shop) -> None:
    somebody = colleague(shop)
    form = form_of(shop, "change_email", somebody).form("/act/")
    with shop.arrange() as session:
        long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=16)
        session.execute(sa.update(StaffSession).values(confirmed_at=long_ago))
    sent = form.filled(email="new@shop.example")
    asked = shop.client().post(form.action, data=sent)
    assert (asked.status_code, "Your password" in page_of(asked).text) == (422, True)
    assert shop.get(Member, somebody).email != "new@shop.example"
    proved = {**sent, "reauth": [application.PASSWORD]}
    assert shop.client().post(form.action, data=proved).status_code == 302
    assert shop.get(Member, somebody).email == "new@shop.example"


def test_the_address_before_is_told_that_there_is_another(shop: Shop) -> None:
    somebody = colleague(shop)
    before = shop.get(Member, somebody).email
    for email in ("new@shop.example", "new@shop.example"):  # the second time it is so already
        form = form_of(shop, "change_email", somebody).form("/act/")
        assert shop.client().post(form.action, data=form.filled(email=email)).status_code == 302
    with shop.look() as session:
        told = session.execute(sa.select(Mail.template, Mail.recipient, Mail.staff_id)).all()
        assert told == [("staff_email_changed", before, somebody)]


def test_the_plain_form_has_no_email_and_the_email_of_an_admin_is_out_of_reach(shop: Shop) -> None:
    may(shop, CHIEF, "staff.list", "staff.show", "staff.edit", "staff.change_email")
    with shop.look() as session:
        admin = member_id(session, "admin")
    edit = page_of(shop.client(CHIEF).get(f"/admin/staff/edit/?id={admin}")).form("/edit/")
    assert set(edit.fields) == {"csrf_token", "version", "first_name", "last_name"}
    answer = act(shop, "change_email", admin, CHIEF, email="mine@evil.example")
    assert answer.status_code == 409
    assert "has permissions you do not have" in page_of(answer).text


# -- groups -----------------------------------------------------------------------------------------------------------


def test_a_groups_roles_are_its_members(shop: Shop) -> None:
    with shop.arrange() as session:
        group = staffing.make_staff_group(session, name="Day shift").id
        member, manager = member_id(session, "readonly"), role_id(session, "Manager")
        session.add(GroupMember(user_id=member, group_id=group))
    assert act(shop, "set_roles", group, resource="staff_group", roles=[str(manager)]).status_code == 302
    client = application.sign_in(shop.app, "Read-only")
    assert client.get("/admin/customer/new/").status_code == 200
    assert shop.client().send("/admin/staff_group/delete/", {"id": group}).status_code == 409
    assert shop.get(StaffGroup, group) is not None


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_a_refusal_for_want_of_permission_is_written_down(shop: Shop) -> None:
    from models.journal import Changeset

    shop.make(factories.make_customer)
    assert shop.client("Read-only").get("/admin/customer/new/").status_code == 403
    assert shop.api("Read-only").send("POST", "/api/v1/customer/", {}).status_code == 403
    with shop.look() as session:
        noted = session.scalars(sa.select(Changeset).where(Changeset.action == "staff.refused")).all()
        assert [(row.actor_name, row.reason) for row in noted] == [
            ("Read-only Tester", "GET /admin/customer/new/"),
            ("Read-only Tester", "POST /api/v1/customer/"),
        ]
        assert all(row.subject_table == "ab_user" for row in noted)
    assert "Permission denied" in page_of(shop.client().get("/admin/changeset/")).text


def test_a_refusal_says_whom_it_was_about_by_whatever_channel_it_was_asked(shop: Shop) -> None:
    from models.journal import Changeset

    with shop.look() as session:
        boss = member_id(session, "admin")
    form, path = f"/admin/staff/act/reset_two_factor/?id={boss}", f"/api/v1/staff/{boss}/actions/deactivate"
    assert shop.client("Support").get(form).status_code == 403
    assert shop.client("Support").send("/admin/staff/delete/", {"id": boss}).status_code == 403
    assert shop.api("Support").send("POST", path, {"reason": "x"}).status_code == 403
    command = ["act", "staff.deactivate", str(boss), "--as", "support", "--set", "reason=x"]
    assert shop.app.test_cli_runner().invoke(args=command).exit_code == 1
    with shop.look() as session:
        noted = session.scalars(sa.select(Changeset).where(Changeset.action == "staff.refused")).all()
        found = [(row.reason, row.subject_table, row.subject_id) for row in noted]
        own = member_id(session, "support")
    assert found == [
        (f"GET {form}", "ab_user", boss),
        ("POST /admin/staff/delete/", "ab_user", boss),
        (f"POST {path}", "ab_user", boss),
        (f"flask act staff.deactivate {boss}", "ab_user", own),
    ]


def test_a_refusal_is_answered_though_it_cannot_be_written_down(shop: Shop, monkeypatch: Any) -> None:
    def broken(*_given: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("admin.layout.errors.security_events.record", broken)
    assert shop.client("Read-only").get("/admin/customer/new/").status_code == 403
