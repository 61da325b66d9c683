"""Whoever may do less does nothing to whoever may do more, by no channel, and each try is in the journal (rule 18.1)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa

from actions.core.base import ACTIONS, Actor, Context, Escalation
from actions.core.row_guards import is_guarded
from actions.execution import invariants
from actions.execution.records import record_actions
from actions.execution.runner import Call, dry_run, perform
from actions.runs import runs
from actions.staff import staff
from actions.undo.undo import undo
from admin.viewmodels.spreadsheets import RECORD_NUMBER
from models.access import StaffSession
from models.api_key import ApiKey
from models.journal import Changeset
from models.member import GroupRole, Member, RoleGrant, StaffGroup, StaffRole
from models.staff import permission_ids
from tests import factories, staffing
from tests.admin.conftest import Shop
from tests.admin.imports import apply, counts, mapped, verdicts, work
from tests.admin.pages import Page, page_of
from tests.admin.screens.test_roles import a_role
from tests.admin.screens.test_staff import CHIEF, colleague, may, member_id, role_id

VERBS = {
    "staff": ("edit", "set_roles", "change_email", "deactivate", "activate", "end_sessions", "unlock", "reset_two_factor",
              "send_reset", "limit_to_channels"),
    "role": ("edit", "delete", "set_permissions", "copy", "require_two_factor", "import"),
    "staff_group": ("edit", "delete", "set_roles", "import"),
    "staff_session": ("end", "manage"),
    "api_key": ("revoke", "manage"),
}  # fmt: skip
"""What the holder of a shipped role that is not Admin may do to staff in these tests."""
HARMLESS = {"role.copy"}
"""What leaves its row as it is."""
FORMS: dict[str, dict[str, str]] = {
    "staff.set_roles": {"roles": "", "groups": ""},
    "staff.change_email": {"email": "mine@evil.example"},
    "staff.deactivate": {"reason": "Because"},
    "staff.end_sessions": {},
    "staff.unlock": {},
    "staff.send_reset": {},
    "staff.limit_to_channels": {"sales_channels": ""},
    "role.set_permissions": {"permissions": "customer.list"},
    "role.require_two_factor": {"requires_two_factor": ""},
    "staff_group.set_roles": {"roles": ""},
    "staff_session.end": {},
    "api_key.revoke": {},
}
"""Action -> what its form is sent with. ``staff.reset_two_factor`` is dangerous, and has a test of its own."""


@dataclass
class Above:
    """An Admin and what is an Admin's, by resource, and the one who tries."""

    shop: Shop
    rows: dict[str, int]
    chief: int

    def call(self, actor: int | None = None) -> Call:
        now = self.shop.app.extensions["clientele"].clock()
        return Call(Actor(actor or self.chief, "Manager Tester"), now)

    def refusals(self) -> list[tuple[str, str | None, int | None, str]]:
        """Who was refused, about which row, and what."""
        wanted = sa.select(Changeset).where(Changeset.action == "staff.escalation_refused")
        with self.shop.look() as session:
            found = session.scalars(wanted.order_by(Changeset.id)).all()
            return [(row.actor_name, row.subject_table, row.subject_id, row.reason) for row in found]

    def noted_once(self, code: str) -> None:
        """Check that one refusal stands in the journal: who, what and whom."""
        (noted,) = self.refusals()
        assert noted[0] == "Manager Tester"
        assert noted[3].startswith(f"{code}: ")
        assert noted[1:3] in set(whom(self).values())
        activity = page_of(self.shop.client().get("/admin/changeset/?action__eq=staff.escalation_refused"))
        assert "Change of staff or permissions refused" in activity.text


def whom(above: Above) -> dict[str, tuple[str, int]]:
    """Resource -> the row that a refusal names: of a session or a key, its person."""
    boss = ("ab_user", above.rows["staff"])
    named = {"role": ("ab_role", above.rows["role"]), "staff_group": ("ab_group", above.rows["staff_group"])}
    return {"staff": boss, "staff_session": boss, "api_key": boss, **named}


@pytest.fixture
def above(shop: Shop) -> Above:
    may(
        shop,
        CHIEF,
        *(f"{resource}.{verb}" for resource, mine in VERBS.items() for verb in ("list", "show", *mine)),
    )
    boss = colleague(shop, "Admin", first_name="Ann", last_name="Above", active=True)
    role = a_role(shop, "staff.invite", name="Hiring")
    now = shop.app.extensions["clientele"].clock()
    with shop.arrange() as session:
        group = staffing.make_staff_group(session, name="Heads").id
        session.add(GroupRole(group_id=group, role_id=role_id(session, "Admin")))
        staffing.make_second_factor(session, user_id=boss)
        key = factories.make_api_key(session, user_id=boss).id
        began = {"created_at": now, "last_seen_at": now, "confirmed_at": now}
        signed_in = staffing.make_staff_session(session, user_id=boss, **began).id
        chief = member_id(session, "manager")
    rows = {"staff": boss, "role": role, "staff_group": group, "staff_session": signed_in, "api_key": key}
    return Above(shop, rows, int(chief))


def guarded() -> list[str]:
    """Every action on rows of staff, roles, groups, sessions and keys, the generated ones included."""
    for model in (Member, StaffRole, StaffGroup):
        record_actions(model)
    return sorted(code for code, found in ACTIONS.items() if found.targeted and is_guarded(found.model))


def test_all_that_says_who_may_do_what_is_guarded() -> None:
    for model in (Member, StaffRole, StaffGroup, StaffSession, ApiKey):
        assert is_guarded(model)
    codes = {code for code, found in ACTIONS.items() if found.harmless}
    assert codes == HARMLESS


def test_no_action_on_who_may_more_or_on_what_is_theirs_gets_past(above: Above) -> None:
    """The contract: an action written next year is held to it, too."""
    codes = guarded()
    assert set(FORMS) | {"staff.edit", "staff.reset_two_factor", "role.delete", "staff_group.edit"} <= set(
        codes
    )
    before = above.shop.figures()
    for code in codes:
        if code in HARMLESS:
            continue
        row, engine = above.rows[code.split(".")[0]], above.shop.database.engine
        asked = replace(above.call(), confirm="Ann Above")
        with pytest.raises(Escalation) as refused:
            perform(engine, ACTIONS[code], asked, row)
        assert refused.value.code == "above_you", code
        seen = dry_run(engine, ACTIONS[code], asked, row)
        assert [blocker.code for blocker in seen.blockers] == ["above_you"], code
    assert above.shop.figures() == before
    noted = above.refusals()
    tried = [code for code in codes if code not in HARMLESS]
    assert [reason.split(":")[0] for *_who, reason in noted] == tried, "tries are noted, previews are not"
    assert [(table, row) for _name, table, row, _why in noted] == [
        whom(above)[c.split(".")[0]] for c in tried
    ]


def test_what_is_ones_own_or_no_higher_is_as_free_as_ever(above: Above) -> None:
    peer = colleague(above.shop, "Support", active=True)
    engine = above.shop.database.engine
    perform(engine, staff.deactivate, above.call(), peer, reason="Left")
    with above.shop.arrange() as session:
        own = staffing.make_staff_session(session, user_id=above.chief).id
    perform(engine, ACTIONS["staff_session.end"], above.call(), own)
    assert above.refusals() == []


@pytest.mark.parametrize("resource", ["staff", "role", "staff_group", "staff_session", "api_key"])
@pytest.mark.either_database
def test_what_would_be_refused_is_not_offered(above: Above, resource: str) -> None:
    record = f"/admin/{resource}/details/?id={above.rows[resource]}"

    pages = record, f"/admin/{resource}/", f"/admin/palette/?resource={resource}&id={above.rows[resource]}"

    def offered(role: str, path: str) -> set[str]:
        page = page_of(above.shop.client(role).get(path))
        told = "Ask someone who has them to change this" in page.text
        assert told == (role == CHIEF and path == record)
        return {verb for verb, row in _asked(page) if row == str(above.rows[resource])}

    def _asked(page: Page) -> Iterator[tuple[str, str]]:
        for link in page.links:
            if found := re.fullmatch(rf"/admin/{resource}/(?:edit|act/(\w+))/\?id=(\d+)", link):
                yield found[1] or "edit", found[2]
        yield from (
            ("delete", f.fields["id"]) for f in page.forms if f.action == f"/admin/{resource}/delete/"
        )
        yield from (
            ("delete", tag["value"])
            for _t, tag in page.tags
            if tag.get("formaction") == f"/admin/{resource}/delete/" and "value" in tag
        )

    for path in pages:
        assert offered(CHIEF, path) == ({"copy"} if resource == "role" else set()), path
        mine = offered("Admin", path)
        assert mine > offered(CHIEF, path), path
        assert {"edit", "delete"} & mine == {"edit", "delete"} & set(VERBS[resource]), path


# -- by every channel -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", FORMS)
@pytest.mark.either_database
def test_the_form_refuses_and_it_is_noted(above: Above, code: str) -> None:
    resource, verb = code.split(".")
    client, before = above.shop.client(CHIEF), above.shop.figures()
    form = page_of(client.get(f"/admin/{resource}/act/{verb}/?id={above.rows[resource]}")).form("/act/")
    sent = {**form.filled(), **{k: v.split(",") if v else [] for k, v in FORMS[code].items()}}
    answer = client.post(form.action, data=sent)
    assert answer.status_code == 409
    assert "permissions you do not have" in page_of(answer).text
    assert above.shop.figures() == before
    above.noted_once(code)


@pytest.mark.parametrize("code", FORMS)
@pytest.mark.either_database
def test_the_api_refuses_and_it_is_noted(above: Above, code: str) -> None:
    resource, verb = code.split(".")
    body: dict[str, Any] = {k: v for k, v in FORMS[code].items() if k in ("email", "reason")}
    body |= {k: [part for part in v.split(",") if part] for k, v in FORMS[code].items() if k not in body}
    if "requires_two_factor" in body:
        body["requires_two_factor"] = True
    path = f"/api/v1/{resource}/{above.rows[resource]}/actions/{verb}"
    before = above.shop.figures()
    answer = above.shop.api(CHIEF).send("POST", path, body)
    assert (answer.status_code, answer.json["code"]) == (409, "above_you"), answer.json
    assert above.shop.figures() == before
    above.noted_once(code)


@pytest.mark.parametrize("code", FORMS)
@pytest.mark.either_database
def test_the_command_refuses_and_it_is_noted(above: Above, code: str) -> None:
    given = ["act", code, str(above.rows[code.split(".", maxsplit=1)[0]]), "--as", "manager"]
    given += [part for k, v in FORMS[code].items() for part in ("--set", f"{k}={v}")]
    before = above.shop.figures()
    done = above.shop.app.test_cli_runner().invoke(args=given)
    assert (done.exit_code, "permissions you do not have" in done.output) == (1, True), done.output
    assert above.shop.figures() == before
    above.noted_once(code)


def test_nobody_of_less_switches_the_second_step_of_an_admin_off(above: Above) -> None:
    path = f"/api/v1/staff/{above.rows['staff']}/actions/reset_two_factor"
    seen = above.shop.api(CHIEF).send("POST", f"{path}?preview=1", {})
    assert "permissions you do not have" in seen.get_data(as_text=True)
    answer = above.shop.api(CHIEF).send("POST", path, {"confirm": "Ann Above", "fingerprint": "x"})
    assert (answer.status_code, answer.json["code"]) == (409, "above_you")
    above.noted_once("staff.reset_two_factor")


@pytest.mark.parametrize("resource", ["staff", "role", "staff_group"])
@pytest.mark.either_database
def test_renaming_and_deleting_are_refused_by_form_and_api(above: Above, resource: str) -> None:
    shop, row = above.shop, above.rows[resource]
    client, before = shop.client(CHIEF), shop.figures()
    field = "first_name" if resource == "staff" else "name"
    edit = page_of(client.get(f"/admin/{resource}/edit/?id={row}")).form("/edit/")
    assert client.post(edit.action, data=edit.filled(**{field: "Mallory"})).status_code == 409
    sent = {field: "Mallory"}
    patched = shop.api(CHIEF).send("PATCH", f"/api/v1/{resource}/{row}", sent, If_Match='"1"')
    assert patched.status_code == 409
    tries = [f"{resource}.edit"] * 2
    if resource != "staff":
        assert client.send(f"/admin/{resource}/delete/", {"id": row}).status_code == 409
        assert client.send(f"/admin/{resource}/bulk/delete/", {"ids": [row]}).status_code == 409
        assert shop.api(CHIEF).send("DELETE", f"/api/v1/{resource}/{row}").status_code == 409
        tries += [f"{resource}.delete"] * 3
    assert shop.figures() == before
    assert [reason.split(":")[0] for *_who, reason in above.refusals()] == tries
    assert {noted[1:3] for noted in above.refusals()} == {whom(above)[resource]}


@pytest.mark.parametrize("resource", ["staff", "role", "staff_group"])
@pytest.mark.either_database
def test_a_cell_of_a_list_is_refused_wherever_one_can_be_edited(
    above: Above, resource: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, row = above.shop, above.rows[resource]
    field = "first_name" if resource == "staff" else "name"
    monkeypatch.setattr(shop.screen(resource), "column_editable_list", (field,))
    client, before = shop.client(CHIEF), shop.figures()
    cell = page_of(client.get(f"/admin/{resource}/ajax/update/?id={row}&column={field}")).form("update")
    answer = client.post(cell.action, data=cell.filled(**{field: "Mallory"}))
    assert answer.status_code == 409
    assert "permissions you do not have" in page_of(answer).text
    assert shop.figures() == before
    above.noted_once(f"{resource}.edit")


def little(above: Above, resource: str, name: str) -> int:
    """A role or group that brings next to nothing."""
    if resource == "role":
        return a_role(above.shop, "customer.list", name=name)
    with above.shop.arrange() as session:
        return int(staffing.make_staff_group(session, name=name).id)


def brings_more(above: Above, resource: str, row: int) -> None:
    """From now on it brings what the chief lacks."""
    with above.shop.arrange() as session:
        if resource == "role":
            pair = permission_ids(session, ["staff.invite"])["staff.invite"]
            session.add(RoleGrant(role_id=row, permission_view_id=pair))
        else:
            session.add(GroupRole(group_id=row, role_id=role_id(session, "Admin")))


def no_trudy(ctx: Context) -> None:
    """A rule that sees only what was written, as one that a later release brings might."""
    if any((change["after"] or {}).get("name") == "Trudy" for change in ctx.journal.changes.values()):
        raise Escalation("no_trudy", "Not her.")


@pytest.mark.parametrize("resource", ["role", "staff_group"])
def test_an_import_refuses_row_by_row_and_what_it_tries_is_noted(
    above: Above, resource: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, high = above.shop, above.rows[resource]
    own, low, odd = (little(above, resource, name) for name in ("Own", "Low", "Odd"))
    file = f"{RECORD_NUMBER},Name\n{high},Mallory\n{own},Eve\n{low},Oscar\n{odd},Trudy\n"
    tried = mapped(shop, resource, file, CHIEF)
    assert counts(shop, tried) == (0, 3, 0, 1), verdicts(shop, tried)
    assert "permissions you do not have" in str(verdicts(shop, tried)[0])
    assert above.refusals() == [], "a dry run is no try"
    brings_more(above, resource, low)
    table = whom(above)[resource][0]
    monkeypatch.setattr(invariants, "_KEPT", [*invariants._KEPT, (no_trudy, frozenset({table}))])
    assert apply(shop, resource, tried, CHIEF).status_code == 302
    model = StaffRole if resource == "role" else StaffGroup
    assert [shop.get(model, row).name for row in (own, low, odd)] == ["Eve", "Low", "Odd"]
    noted = above.refusals()
    assert sorted(row[:3] for row in noted) == [("Manager Tester", table, row) for row in (low, odd)]
    assert {row[3].split(": ")[0] for row in noted} == {f"{resource}.import"}
    activity = page_of(shop.client().get("/admin/changeset/?action__eq=staff.escalation_refused")).text
    assert "Change of staff or permissions refused" in activity


def test_a_run_refuses_who_may_more_does_the_others_and_what_it_tries_is_noted(above: Above) -> None:
    shop = above.shop
    peer = colleague(shop, "Support", active=True)
    may(shop, CHIEF, "staff.deactivate")
    engine, people = shop.database.engine, (peer, above.rows["staff"])
    wanted = sa.select(Member.id).where(Member.id.in_(people))
    runs.start(engine, "staff.deactivate", above.call(), wanted, {"reason": "Because"})
    work(shop)
    assert [shop.get(Member, row).active for row in people] == [False, True]
    above.noted_once("staff.deactivate")


def _done(above: Above, code: str, row: int, **values: Any) -> int:
    """What an admin does; return its changeset's id."""
    assert code in guarded()
    with above.shop.look() as session:
        admin = member_id(session, "admin")
    done = perform(above.shop.database.engine, ACTIONS[code], above.call(admin), row, **values)
    return int(done.changeset_id or 0)


CHANGES: dict[str, Callable[[Above], int]] = {
    "a name": lambda it: _done(it, "staff.edit", it.rows["staff"], values={"first_name": "Anna"}, version=None),
    "a role more": lambda it: _done(it, "role.edit", it.rows["role"], values={"name": "Hirers"}, version=None),
    "a second step": lambda it: _done(it, "role.require_two_factor", it.rows["role"], requires_two_factor=True),
    "a permission": lambda it: _done(
        it, "role.set_permissions", it.rows["role"], permissions=["staff.invite", "customer.list"]
    ),
    "a group": lambda it: _done(it, "staff_group.edit", it.rows["staff_group"], values={"name": "Chiefs"}, version=None),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_neither_does_an_undo(above: Above, what: str) -> None:
    changeset = CHANGES[what](above)
    for role in ("Admin", CHIEF):
        links = page_of(above.shop.client(role).get("/admin/changeset/")).links
        assert (f"/admin/changeset/act/undo/?id={changeset}" in links) == (role == "Admin"), role
    before = above.shop.figures()
    with pytest.raises(Escalation, match="permissions you do not have"):
        perform(above.shop.database.engine, undo, above.call(), changeset)
    assert above.shop.figures() == before
    above.noted_once("changeset.undo")


def test_nobody_is_weakened_by_way_of_a_role_that_holds_little(above: Above) -> None:
    """The Admin has a role that anybody might edit, too: what it asks at sign-in, and what it gives, is theirs."""
    shop, engine = above.shop, above.shop.database.engine
    little = a_role(shop, "customer.list", requires_two_factor=True)
    unguarded = a_role(shop, "customer.list", requires_two_factor=True)
    with shop.arrange() as session:
        staffing.make_role_holder(session, user_id=above.rows["staff"], role_id=little)
        group = staffing.make_staff_group(session).id
        staffing.make_group_member(session, user_id=above.rows["staff"], group_id=group)
    for code, row, given in (
        ("role.require_two_factor", little, {"requires_two_factor": False}),
        ("staff_group.set_roles", group, {"roles": [unguarded]}),
    ):
        with pytest.raises(Escalation, match="Ann Above has permissions"):
            perform(engine, ACTIONS[code], above.call(), row, **given)
    perform(engine, ACTIONS["role.require_two_factor"], above.call(), unguarded, requires_two_factor=False)
    assert len(above.refusals()) == 2


def test_what_is_refused_for_another_reason_is_no_try_to_go_beyond(above: Above) -> None:
    path = f"/api/v1/staff/{above.chief}/actions/deactivate"
    answer = above.shop.api(CHIEF).send("POST", path, {"reason": "Tired"})
    assert answer.json["code"] == "yourself"
    assert above.refusals() == []
