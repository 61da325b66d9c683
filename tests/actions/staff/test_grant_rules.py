"""Nobody gives what they do not hold, somebody stays Admin, and whoever has other roles signs in again (rule 16)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session

from actions.core.base import SYSTEM, Action, Actor, Context, Outcome, Refused
from actions.execution import session_store
from actions.execution.runner import Call, changeset, dry_run, perform
from actions.staff import sessions
from actions.undo.undo import undo
from models.access import StaffSession
from models.base import identity
from models.dialect import WRITE
from models.member import (
    ADMIN,
    GroupMember,
    GroupRole,
    Member,
    RoleGrant,
    RoleHolder,
    StaffChannel,
    StaffGroup,
    StaffRole,
)
from tests import factories, staffing
from tests.actions.desk import Desk
from tests.races import race


class Office:
    """The people of a shop: an admin with every permission there is, and whoever a test hires."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.engine = desk, desk.engine
        with self.arrange() as session:
            session.execute(delete(RoleHolder.__table__))  # who was Admin in an earlier test
            session.execute(delete(GroupRole.__table__))
            session.execute(delete(StaffChannel.__table__))  # who was limited in one
            role = session.scalar(select(StaffRole).where(StaffRole.name == ADMIN))
            self.admin_role = (role or staffing.make_role(session, name=ADMIN)).id
        self.pairs = {verb: self.pair(verb) for verb in ("list", "show", "delete")}
        self.admin = self.hire(self.admin_role)

    @contextmanager
    def arrange(self) -> Iterator[Session]:
        """A session for what has long been so."""
        with Session(self.engine.execution_options(**{WRITE: True})) as session, session.begin():
            yield session

    def pair(self, verb: str) -> int:
        """A permission on customers, which Admin holds."""
        with self.arrange() as session:
            names = (
                (identity.Permission, f"can_{verb}"),
                (identity.ViewMenu, "customer"),
            )
            parts = [factories._named(session, model, name).id for model, name in names]
            ids = {"permission_id": parts[0], "view_menu_id": parts[1]}
            pair = session.scalar(select(identity.PermissionView).filter_by(**ids))
            if pair is None:
                pair = identity.PermissionView(**ids)
                session.add(pair)
                session.flush()
            held = {"permission_view_id": pair.id, "role_id": self.admin_role}
            if session.scalar(select(RoleGrant).filter_by(**held)) is None:
                session.add(RoleGrant(**held))
            return int(pair.id)

    def role(self, *verbs: str) -> int:
        """A role that holds permissions on customers."""
        with self.arrange() as session:
            role = staffing.make_role(session).id
            session.add_all(RoleGrant(role_id=role, permission_view_id=self.pairs[v]) for v in verbs)
        return int(role)

    def group(self, *roles: int) -> int:
        with self.arrange() as session:
            group = staffing.make_staff_group(session).id
            session.add_all(GroupRole(group_id=group, role_id=role) for role in roles)
        return int(group)

    def hire(self, *roles: int, **values: Any) -> int:
        with self.arrange() as session:
            member = staffing.make_member(session, **values).id
            session.add_all(RoleHolder(user_id=member, role_id=role) for role in roles)
        return int(member)

    def signed_in(self, member: int) -> None:
        sessions.STORE.begin(self.engine, member, self.desk.now, session_store.Caller())

    def open_sessions(self, member: int) -> list[Any]:
        return [row for row in self.desk.all(StaffSession, user_id=member) if row.ended_at is None]

    def call(self, actor: int | None) -> Call:
        return Call(Actor(actor, "Somebody") if actor is not None else SYSTEM, self.desk.now)

    def add(self, actor: int | None, *rows: Any) -> int:
        """Add rows as an action of the actor would; return the changeset's id."""
        with changeset(self.engine, "test.change", self.call(actor)) as ctx:
            ctx.session.add_all(rows)
            ctx.session.flush()
            return ctx.changeset_id

    def change(self, actor: int | None, does: Callable[[Context], None]) -> int:
        with changeset(self.engine, "test.change", self.call(actor)) as ctx:
            does(ctx)
            ctx.session.flush()
            return ctx.changeset_id

    def take_role(self, actor: int, member: int, role: int) -> int:
        def does(ctx: Context) -> None:
            held = ctx.session.scalars(select(RoleHolder).filter_by(user_id=member, role_id=role)).one()
            ctx.session.delete(held)

        return self.change(actor, does)

    def set_active(self, actor: int | None, member: int, active: bool) -> int:
        def does(ctx: Context) -> None:
            ctx.lock_one(Member, member).active = active

        return self.change(actor, does)

    def undo(self, actor: int, changeset_id: int) -> Any:
        return perform(self.engine, undo, self.call(actor), changeset_id)


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk)


def why(act: Callable[[], Any]) -> str:
    """The code of the refusal."""
    with pytest.raises(Refused) as caught:
        act()
    return caught.value.code


# -- nobody gives what they do not hold -------------------------------------------------------------------------------


def test_a_permission_one_holds_is_given_and_another_is_not(office: Office) -> None:
    chief, other = office.hire(office.role("list", "show")), office.role()
    office.add(chief, RoleGrant(role_id=other, permission_view_id=office.pairs["list"]))
    act = lambda: office.add(chief, RoleGrant(role_id=other, permission_view_id=office.pairs["delete"]))  # noqa: E731
    assert why(act) == "not_held"
    assert len(office.desk.all(RoleGrant, role_id=other)) == 1, "nothing was written"


def test_nobody_adds_to_their_own_role_what_it_lacks(office: Office) -> None:
    own = office.role("list")
    chief = office.hire(own)
    grant = RoleGrant(role_id=own, permission_view_id=office.pairs["delete"])
    assert why(lambda: office.add(chief, grant)) == "not_held"


@pytest.mark.parametrize("way", ["holder", "member", "group_role", "into_a_group", "hired"])
def test_a_role_is_given_only_with_all_it_holds(office: Office, way: str) -> None:
    more, chief = office.role("list", "delete"), office.hire(office.role("list", "show"))
    somebody = office.hire()
    rows: dict[str, Callable[[], list[Any]]] = {
        "holder": lambda: [RoleHolder(user_id=somebody, role_id=more)],
        "member": lambda: [GroupMember(user_id=somebody, group_id=office.group(more))],
        "group_role": lambda: [GroupRole(group_id=office.group(), role_id=more)],
        "into_a_group": lambda: [GroupMember(user_id=chief, group_id=office.group(more))],
        "hired": lambda: [RoleHolder(user_id=chief, role_id=more)],
    }
    assert why(lambda: office.add(chief, *rows[way]())) == "not_held"
    office.add(office.admin, *rows[way]())


def test_the_sentence_names_what_is_not_held(office: Office) -> None:
    chief, other = office.hire(office.role("list")), office.role()
    with pytest.raises(Refused, match="Customers: Delete"):
        office.add(chief, RoleGrant(role_id=other, permission_view_id=office.pairs["delete"]))


def test_undoing_a_revocation_gives_no_more_than_one_holds(office: Office) -> None:
    more = office.role("list", "delete")
    somebody, chief = office.hire(more), office.hire(office.role("list"))
    taken = office.take_role(office.admin, somebody, more)
    assert why(lambda: office.undo(chief, taken)) == "not_held"
    assert not office.desk.all(RoleHolder, user_id=somebody)
    office.undo(office.admin, taken)
    assert office.desk.all(RoleHolder, user_id=somebody)


def test_somebody_who_may_more_is_let_in_again_only_by_who_may_as_much(office: Office) -> None:
    somebody = office.hire(office.role("list", "delete"), active=False)
    chief = office.hire(office.role("list"))
    assert why(lambda: office.set_active(chief, somebody, True)) == "not_held"
    office.set_active(office.admin, somebody, True)
    assert office.desk.get(Member, somebody).active


def test_a_role_of_one_that_holds_the_same_can_be_exchanged_in_one_action(office: Office) -> None:
    old, new = office.role("list"), office.role("list")
    chief = office.hire(old)

    def does(ctx: Context) -> None:
        ctx.session.delete(ctx.session.scalars(select(RoleHolder).filter_by(user_id=chief)).one())
        ctx.session.add(RoleHolder(user_id=chief, role_id=new))

    office.change(chief, does)
    assert [held.role_id for held in office.desk.all(RoleHolder, user_id=chief)] == [new]


def test_the_product_itself_gives_what_it_likes(office: Office) -> None:
    office.add(None, RoleHolder(user_id=office.hire(), role_id=office.role("delete")))


def test_a_preview_says_so_too(office: Office) -> None:
    somebody, chief = office.hire(office.role("list", "delete")), office.hire(office.role("list"))
    taken = office.take_role(office.admin, somebody, office.desk.all(RoleHolder, user_id=somebody)[0].role_id)
    seen = dry_run(office.engine, undo, office.call(chief), taken)
    assert [refused.code for refused in seen.blockers] == ["not_held"]


def test_the_email_of_somebody_who_may_more_is_out_of_reach(office: Office) -> None:
    somebody, chief = office.hire(office.role("list", "delete")), office.hire(office.role("list"))
    peer = office.hire(office.role("list"))

    def rename(member: int, actor: int) -> int:
        def does(ctx: Context) -> None:
            ctx.lock_one(Member, member).email = f"new{factories.number()}@shop.example"

        return office.change(actor, does)

    assert why(lambda: rename(somebody, chief)) == "above_you"
    rename(peer, chief)
    rename(somebody, somebody)
    done = rename(somebody, office.admin)
    assert why(lambda: office.undo(chief, done)) == "above_you"


# -- somebody stays Admin ---------------------------------------------------------------------------------------------


def test_the_last_admin_is_neither_demoted_nor_deactivated(office: Office) -> None:
    assert why(lambda: office.take_role(office.admin, office.admin, office.admin_role)) == "last_admin"
    assert why(lambda: office.set_active(office.admin, office.admin, False)) == "last_admin"
    assert why(lambda: office.set_active(None, office.admin, False)) == "last_admin"
    second = office.hire(office.admin_role)
    office.set_active(second, office.admin, False)
    assert why(lambda: office.take_role(second, second, office.admin_role)) == "last_admin"


def test_an_admin_by_a_group_counts_while_the_group_has_the_role(office: Office) -> None:
    group = office.group(office.admin_role)
    office.add(office.admin, GroupMember(user_id=office.hire(), group_id=group))
    office.take_role(office.admin, office.admin, office.admin_role)

    def ungroup(ctx: Context) -> None:
        ctx.session.delete(ctx.session.scalars(select(GroupRole).filter_by(group_id=group)).one())

    assert why(lambda: office.change(None, ungroup)) == "last_admin"


def test_undoing_what_made_an_admin_leaves_one(office: Office) -> None:
    second = office.hire()
    made = office.add(office.admin, RoleHolder(user_id=second, role_id=office.admin_role))
    office.take_role(second, office.admin, office.admin_role)
    assert why(lambda: office.undo(second, made)) == "last_admin"


def test_where_nobody_is_admin_staff_can_be_changed_all_the_same(office: Office) -> None:
    with office.arrange() as session:
        session.execute(update(Member.__table__).where(Member.id == office.admin).values(active=False))
    office.set_active(None, office.hire(), False)


def _demote(ctx: Context, member: Member) -> Outcome:
    for held in ctx.session.scalars(select(RoleHolder).filter_by(user_id=member.id)):
        ctx.session.delete(held)
    return Outcome("Demoted.", member)


def _deactivate(ctx: Context, member: Member) -> Outcome:
    member.active = False
    return Outcome("Deactivated.", member)


WAYS = {
    name: Action(f"staff.{name}", Member, function, name, danger=False, targeted=True)
    for name, function in (("demote", _demote), ("deactivate", _deactivate))
}


@pytest.mark.parametrize("way", WAYS)
def test_of_two_admins_who_put_each_other_out_at_once_exactly_one_wins(office: Office, way: str) -> None:
    other = office.hire(office.admin_role)
    for _turn in range(5):
        pairs = ((office.admin, other), (other, office.admin))
        acts = [lambda a=a, b=b: perform(office.engine, WAYS[way], office.call(a), b) for a, b in pairs]
        # who comes second is the last Admin by then, or none any more
        assert sorted(race(*acts)) in (["done", "last_admin"], ["above_you", "done"])
        with office.arrange() as session:
            both = (office.admin, other)
            session.execute(update(Member.__table__).where(Member.id.in_(both)).values(active=True))
            for member in both:
                ids = {"user_id": member, "role_id": office.admin_role}
                if session.scalar(select(RoleHolder).filter_by(**ids)) is None:
                    session.add(RoleHolder(**ids))


# -- sessions end -----------------------------------------------------------------------------------------------------


def test_sessions_end_with_a_role_a_group_a_groups_role_and_the_account(
    office: Office, engine: Engine
) -> None:
    role, group = office.role("list"), office.group()
    somebody, bystander = office.hire(role), office.hire(role)
    office.signed_in(bystander)

    def ends(act: Callable[[], int]) -> int:
        office.signed_in(somebody)
        done = act()
        assert not office.open_sessions(somebody)
        return done

    ends(lambda: office.add(office.admin, GroupMember(user_id=somebody, group_id=group)))
    ends(lambda: office.add(office.admin, GroupRole(group_id=group, role_id=role)))
    taken = ends(lambda: office.take_role(office.admin, somebody, role))
    ends(lambda: office.undo(office.admin, taken).changeset_id)
    ends(lambda: office.set_active(office.admin, somebody, False))
    reasons = {row.ended_because for row in office.desk.all(StaffSession, user_id=somebody)}
    assert reasons == {sessions.ROLES, session_store.DEACTIVATED}
    assert len(office.open_sessions(bystander)) == 1


def test_a_change_of_name_ends_no_session(office: Office) -> None:
    somebody = office.hire()
    office.signed_in(somebody)
    office.desk.edit(Member, somebody, first_name="Maria")
    assert office.open_sessions(somebody)


def test_a_new_group_ends_nothing_and_is_no_privilege(office: Office) -> None:
    nobody = office.hire()
    office.add(nobody, StaffGroup(name=f"Group {factories.number()}"))
