"""The matrix of a role: what is shown is what is declared and enforced, nobody ticks what they do not hold (rule 18)."""

import re
from typing import Any

import pytest
import sqlalchemy as sa

from admin.request.permissions import SHIPPED_ROLES
from models.member import ADMIN, RoleGrant, StaffRole
from models.staff import codes
from tests import application, staffing
from tests.admin.conftest import RESOURCES, Shop
from tests.admin.pages import page_of
from tests.admin.screens.test_staff import CHIEF, HTMX, act, colleague, form_of, may, role_id


def held(shop: Shop, role: int) -> set[str]:
    with shop.look() as session:
        return set(codes(session, role))


def shipped(shop: Shop, name: str) -> int:
    with shop.look() as session:
        return role_id(session, name)


def a_role(shop: Shop, *permissions: str, **values: Any) -> int:
    from models.staff import permission_ids

    with shop.arrange() as session:
        role = staffing.make_role(session, **values).id
        for pair in permission_ids(session, permissions).values():
            session.add(RoleGrant(role_id=role, permission_view_id=pair))
    return int(role)


def boxes(html: str) -> dict[str, bool]:
    """Code -> whether it can be ticked by the person asking; those that are only to be read have none."""
    return dict.fromkeys(re.findall(r'type="checkbox" name="permissions" value="([a-z_.]+)"', html), True)


# -- the matrix -------------------------------------------------------------------------------------------------------


def test_the_matrix_offers_exactly_what_the_screens_declare(shop: Shop) -> None:
    role = a_role(shop, "customer.list", "note.done")
    page = form_of(shop, "set_permissions", role, resource="role")
    declared = {f"{r}.{verb}" for r in RESOURCES for verb in shop.screen(r).verbs}
    assert set(boxes(page.html)) == declared
    assert set(page.form("/act/").fields.getlist("permissions")) == {"customer.list", "note.done"}
    assert "Merge into this record" in page.text
    assert page.ids, "it is a page of its own"


def test_ticks_are_previewed_and_enforced_from_the_next_click_on(shop: Shop) -> None:
    role = shipped(shop, "Read-only")
    client = application.sign_in(shop.app, "Read-only")
    assert client.get("/admin/mail/").status_code == 403
    form = form_of(shop, "set_permissions", role, resource="role").form("/act/")
    wanted = sorted({*form.fields.getlist("permissions"), "mail.list"} - {"invoice.list"})
    sent = {**form.filled(), "permissions": wanted}
    seen = page_of(shop.client().post(f"{form.action}&preview=1", data=sent, headers=HTMX)).text
    assert "New Emails: List" in seen
    assert "Deleted Invoices: List" in seen
    plain = page_of(shop.client().post(f"{form.action}&preview=1&count=1", data=sent))
    assert "New Emails: List" in plain.text, "so it is shown without scripts, too"
    assert "mail.list" in plain.form("/act/").fields.getlist("permissions"), "and nothing ticked is lost"
    assert shop.client().post(form.action, data=sent).status_code == 302
    assert client.get("/admin/mail/").status_code == 200, "it takes no new sign-in"
    assert client.get("/admin/invoice/").status_code == 403
    text = page_of(shop.client().get(f"/admin/role/details/?id={role}")).text
    assert "Permission: Emails: List" in text
    assert "Permission: Invoices: List → removed" in text


def test_without_scripts_a_button_shows_what_would_change(shop: Shop) -> None:
    page = form_of(shop, "set_permissions", a_role(shop), resource="role")
    assert any("preview=1&count=1" in given.get("formaction", "") for _tag, given in page.tags)


def test_what_one_does_not_hold_is_not_offered_and_a_role_that_holds_it_stays_as_it_is(shop: Shop) -> None:
    may(shop, CHIEF, "role.list", "role.show", "role.set_permissions")
    role = a_role(shop, "staff.set_roles", "customer.list")
    page = form_of(shop, "set_permissions", role, CHIEF, "role")
    offered = boxes(page.html)
    assert "customer.list" in offered
    assert "staff.set_roles" not in offered
    form = page.form("/act/")
    assert set(form.fields.getlist("permissions")) == {"staff.set_roles", "customer.list"}
    for permissions in (["staff.set_roles", "customer.show"], ["customer.list"]):
        answer = shop.client(CHIEF).post(form.action, data={**form.filled(), "permissions": permissions})
        assert answer.status_code == 409
        assert "permissions you do not have" in page_of(answer).text
    assert held(shop, role) == {"staff.set_roles", "customer.list"}


@pytest.mark.parametrize("channel", ["form", "api", "command"])
def test_nobody_grants_what_they_do_not_hold(shop: Shop, channel: str) -> None:
    may(shop, CHIEF, "role.list", "role.show", "role.set_permissions")
    role, wanted = a_role(shop, "customer.list"), ["customer.list", "staff.deactivate"]
    before = shop.figures()
    if channel == "form":
        answer = act(shop, "set_permissions", role, CHIEF, "role", permissions=wanted)
        assert answer.status_code == 409
        assert "You do not have: Staff: Deactivate" in page_of(answer).text
    elif channel == "api":
        path = f"/api/v1/role/{role}/actions/set_permissions"
        answer = shop.api(CHIEF).send("POST", path, {"permissions": wanted})
        assert (answer.status_code, answer.json["code"]) == (409, "not_held")
    else:
        given = ["act", "role.set_permissions", str(role), "--as", "manager"]
        given += ["--set", f"permissions={','.join(wanted)}"]
        assert shop.app.test_cli_runner().invoke(args=given).exit_code == 1
    assert shop.figures() == before


def test_a_copy_holds_the_same_and_no_more_than_whoever_makes_it(shop: Shop) -> None:
    may(shop, CHIEF, "role.list", "role.show", "role.copy")
    finance = shipped(shop, "Finance")
    assert act(shop, "copy", finance, resource="role", name="Books").status_code == 302
    assert held(shop, shipped(shop, "Books")) == held(shop, finance)
    taken = act(shop, "copy", finance, resource="role", name="Books")
    assert taken.status_code == 422
    refused = act(shop, "copy", shipped(shop, ADMIN), CHIEF, "role", name="Mine")
    assert refused.status_code == 409


def test_the_second_to_save_is_told_that_somebody_was_quicker(shop: Shop) -> None:
    role = a_role(shop, "customer.list")
    form = form_of(shop, "set_permissions", role, resource="role").form("/act/")
    assert act(shop, "set_permissions", role, resource="role", permissions=["note.list"]).status_code == 302
    late = shop.client().post(form.action, data={**form.filled(), "permissions": ["customer.show"]})
    assert late.status_code == 409
    assert "Someone else changed this role" in page_of(late).text
    assert held(shop, role) == {"note.list"}


# -- Admin ------------------------------------------------------------------------------------------------------------


def test_admin_keeps_everything_and_its_name(shop: Shop) -> None:
    admin = shipped(shop, ADMIN)
    page = page_of(shop.client().get(f"/admin/role/matrix/?id={admin}"))
    ticks = [given for tag, given in page.tags if tag == "input" and given.get("type") == "checkbox"]
    assert ticks
    assert all("checked" in given and "disabled" in given for given in ticks)
    assert "The Admin role has every permission" in page.text
    details = page_of(shop.client().get(f"/admin/role/details/?id={admin}"))
    assert "/act/set_permissions/" not in details.html
    body = {"permissions": ["customer.list"]}
    answer = shop.api().send("POST", f"/api/v1/role/{admin}/actions/set_permissions", body)
    assert (answer.status_code, answer.json["code"]) == (409, "admin_stays")
    assert shop.client().send("/admin/role/delete/", {"id": admin}).status_code == 409
    form = page_of(shop.client().get(f"/admin/role/edit/?id={admin}")).form("/edit/")
    renamed = shop.client().post(form.action, data=form.filled(name="Boss"))
    assert renamed.status_code == 422
    assert "The Admin role cannot be renamed" in page_of(renamed).text


def test_the_list_counts_who_has_a_role_once_whether_by_group_or_not(shop: Shop) -> None:
    role = a_role(shop, "customer.list", "customer.show", name="Zenith")
    with shop.arrange() as session:
        member = staffing.make_role_holder(session, role_id=role).user_id
        group = staffing.make_group_role(session, role_id=role).group_id
        staffing.make_group_member(session, group_id=group, user_id=member)
        staffing.make_group_member(session, group_id=group)
    assert "Zenith 2 2" in page_of(shop.client().get("/admin/role/?q=Zenith")).text


def test_the_creation_of_a_role_is_not_undone_once_somebody_has_it(shop: Shop) -> None:
    new = page_of(shop.client().get("/admin/role/new/")).form("/new/")
    made = shop.client().post(new.action, data=new.filled(name="Evening"))
    role = int(made.location.rpartition("=")[2])
    member = colleague(shop, "Evening")
    page = page_of(shop.client().get(f"/admin/role/details/?id={role}"))
    undo = page_of(shop.client().get(next(u for u in page.links if "/act/undo/" in u))).form("/act/undo/")
    refused = shop.client().post(undo.action, data=undo.filled())
    assert refused.status_code == 409
    with shop.look() as session:
        assert session.get(StaffRole, role) is not None
        held_by = sa.select(sa.func.count()).select_from(sa.table("ab_user_role", sa.column("user_id")))
        assert session.scalar(held_by.where(sa.column("user_id") == member)) == 1


def test_a_role_asks_for_a_second_factor(shop: Shop) -> None:
    role = shipped(shop, "Finance")
    assert act(shop, "require_two_factor", role, resource="role", requires_two_factor="y").status_code == 302
    assert shop.get(StaffRole, role).requires_two_factor
    assert "Two-factor required" in page_of(shop.client().get(f"/admin/role/details/?id={role}")).text


# -- comparing --------------------------------------------------------------------------------------------------------


def test_two_roles_side_by_side_show_only_what_differs_both_ways(shop: Shop) -> None:
    one = a_role(shop, "customer.list", "customer.merge", "note.list", name="One")
    two = a_role(shop, "customer.list", "customer.export", name="Two")
    page = page_of(shop.client().get(f"/admin/role/compare/?a={one}&b={two}"))
    assert "Only One Only Two Customers Merge into this record Export" in page.text
    assert "Notes" in page.text.split("Only One")[1]
    assert "List" in page.text.split("Export")[1], "notes may be listed by one of them only"
    same = page_of(shop.client().get(f"/admin/role/compare/?a={one}&b={one}")).text
    assert "Both roles have the same permissions" in same
    assert shop.client().get(f"/admin/role/compare/?a={one}").status_code == 200
    assert shop.client().get("/admin/role/compare/?a=x").status_code == 400
    assert shop.client().get("/admin/role/compare/?a=99999").status_code == 404


@pytest.mark.either_database
@pytest.mark.parametrize("role", [r for r in SHIPPED_ROLES if r != ADMIN])
def test_only_an_admin_sees_roles_to_begin_with(stocked: Shop, role: str) -> None:
    for path in ("/admin/role/", "/admin/role/matrix/?id=1", "/admin/role/compare/", "/admin/staff/"):
        assert stocked.client(role).get(path).status_code == 403
