"""What members of staff may do: their permissions, which are rows of Flask-AppBuilder's tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    exists,
    literal,
    not_,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session

from models.access import SecondFactor
from models.base import Staff, identity
from models.member import StaffChannel, StaffRole

PREFIX = "can_"
GENERATED = {"create": "add", "save": "edit", "try_import": "import"}
"""Verb of a generated action -> the permission its form needs, where the two differ."""

Grant, Permission, Resource = identity.PermissionView, identity.Permission, identity.ViewMenu
own_roles, group_roles = identity.assoc_user_role.c, identity.assoc_group_role.c
members, granted = identity.assoc_user_group.c, identity.assoc_permissionview_role.c


def _held() -> Select[str, str]:
    of_user = bindparam("user_id", type_=Integer)
    roles = union(
        select(own_roles.role_id).where(own_roles.user_id == of_user),
        select(group_roles.role_id)
        .join(identity.assoc_user_group, members.group_id == group_roles.group_id)
        .where(members.user_id == of_user),
    ).subquery()
    return (
        select(Permission.name, Resource.name)
        .select_from(Grant)
        .join(Permission, Permission.id == Grant.permission_id)
        .join(Resource, Resource.id == Grant.view_menu_id)
        .join(identity.assoc_permissionview_role, granted.permission_view_id == Grant.id)
        .join(roles, roles.c.role_id == granted.role_id)
    )


@dataclass(frozen=True, slots=True)
class Rights:
    """What a member of staff may do, as (permission, resource), and whose customers they see: None is all."""

    permissions: frozenset[tuple[str, str]] = frozenset()
    channels: frozenset[int] | None = None


SEES = "sees customers of"
"""Stands before the channels among what :data:`HELD` finds; no permission is called that."""


def _limits() -> Select[str, str]:
    of_user = bindparam("user_id", type_=Integer)
    channel = cast(StaffChannel.sales_channel_id, String)
    return select(literal(SEES), channel).where(StaffChannel.user_id == of_user)


HELD: CompoundSelect[str, str] = union_all(_held(), _limits())
"""Put together once: every request asks it, and putting it together took longer than the database's answer."""


def rights_of(session: Session, user_id: int) -> Rights:
    """Return all that a member of staff may do and see, by own roles and by groups, in one statement."""
    found = {(name, what) for name, what in session.execute(HELD, {"user_id": user_id}).all()}
    limits = {pair for pair in found if pair[0] == SEES}
    return Rights(frozenset(found - limits), frozenset(int(channel) for _sees, channel in limits) or None)


def permissions_of(session: Session, user_id: int) -> frozenset[tuple[str, str]]:
    """Return every (permission, resource) a member of staff holds, by own roles and by groups, in one statement."""
    return rights_of(session, user_id).permissions


def somebody_sees_all(session: Session, code: str) -> bool:
    """Return whether anybody is active, sees all customers, and holds the permission of an action."""
    limited = select(StaffChannel.user_id)
    able = select(Staff.id).where(Staff.active, Staff.id.not_in(limited))
    return session.scalar(able.where(Staff.id.in_(holders(*_needed(code)))).limit(1)) is not None


def holders(permission: str, resource: str) -> Select[int]:
    """Return the select of the ids of all who hold a permission, by own roles and by groups."""
    roles = (
        select(granted.role_id)
        .join(Grant, Grant.id == granted.permission_view_id)
        .join(Permission, Permission.id == Grant.permission_id)
        .join(Resource, Resource.id == Grant.view_menu_id)
        .where(Permission.name == permission, Resource.name == resource)
    )
    by_group = select(members.user_id).join(
        identity.assoc_group_role, group_roles.group_id == members.group_id
    )
    own = select(own_roles.user_id).where(own_roles.role_id.in_(roles))
    held = union(own, by_group.where(group_roles.role_id.in_(roles))).subquery()
    return select(held.c[0])


def _needed(code: str) -> tuple[str, str]:
    """Return the (permission, resource) that an action needs."""
    noun, _dot, verb = code.partition(".")
    return PREFIX + GENERATED.get(verb, verb), noun


def may(session: Session, user_id: int, code: str) -> bool:
    """Return whether a member of staff is active and holds the permission of an action."""
    active = session.scalar(select(Staff.active).where(Staff.id == user_id))
    return bool(active) and _needed(code) in permissions_of(session, user_id)


def permissions_of_role(session: Session, role_id: int) -> frozenset[tuple[str, str]]:
    """Return every (permission, resource) that a role holds."""
    holds = pairs().join(identity.assoc_permissionview_role, granted.permission_view_id == Grant.id)
    found = session.execute(holds.where(granted.role_id == role_id))
    return frozenset((name, resource) for name, resource, _id in found)


def codes(session: Session, role_id: int) -> list[str]:
    """Return the permissions of a role, such as ``customer.list``, sorted."""
    return sorted(_code(name, resource) for name, resource in permissions_of_role(session, role_id))


def permission_ids(session: Session, wanted: Iterable[str]) -> dict[str, int]:
    """Return code -> id of those permissions of ``wanted`` that there are."""
    names = set(wanted)
    found = ((_code(name, resource), row_id) for name, resource, row_id in session.execute(pairs()))
    return {code: row_id for code, row_id in found if code in names}


def pairs() -> Select[str, str, int]:
    """Return the select of every (permission, resource, id) there is."""
    return (
        select(Permission.name, Resource.name, Grant.id)
        .select_from(Grant)
        .join(Permission, Permission.id == Grant.permission_id)
        .join(Resource, Resource.id == Grant.view_menu_id)
    )


def _code(name: str, resource: str) -> str:
    return f"{resource}.{name.removeprefix(PREFIX)}"


def _lacks_factor() -> ColumnElement[bool]:
    """Return whether a member of staff holds a role that needs a second step at sign-in, and has none."""
    needs = StaffRole.requires_two_factor.is_(True)
    own = exists().where(own_roles.user_id == Staff.id, own_roles.role_id == StaffRole.id, needs)
    of_group = exists().where(
        members.user_id == Staff.id,
        members.group_id == group_roles.group_id,
        group_roles.role_id == StaffRole.id,
        needs,
    )
    has_one = exists().where(SecondFactor.user_id == Staff.id, SecondFactor.confirmed_at.is_not(None))
    return and_(or_(own, of_group), not_(has_one))


LACKS_FACTOR = _lacks_factor()
"""Put together once, as every request asks it of the person asking."""
