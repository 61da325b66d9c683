"""Writing permissions and shipped roles into Flask-AppBuilder's tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.staff import passwords
from admin.request.permissions import SHIPPED_ROLES
from admin.screen_spec.spec import ScreenSpec
from models.base import Staff
from models.dialect import advisory_lock
from models.staff import PREFIX
from models.validate import email as validate_email

Pair = tuple[str, str]


def declared(screens: Iterable[ScreenSpec]) -> set[Pair]:
    """Return every (permission, resource) that the screens declare."""
    return {(PREFIX + verb, screen.resource) for screen in screens for verb in screen.verbs}


def sync(session: Session, screens: Iterable[ScreenSpec]) -> list[str]:
    """Add what is declared and missing, remove what no screen declares, create shipped roles that never existed.

    Grants stay as admins left them; only Admin gains every new permission. Returns the roles created.

    :raises LookupError: a shipped role names a permission that no screen declares.
    """
    advisory_lock(session.connection(), "permissions")
    wanted = declared(screens)
    there = _permission_views(session)
    for pair in there.keys() - wanted:
        session.delete(there.pop(pair))
    _add(session, wanted - there.keys(), there)
    session.flush()
    roles = {role.name: role for role in session.scalars(select(Role))}
    made = []
    for name, grants in SHIPPED_ROLES.items():
        if name not in roles:
            roles[name] = _create(session, name, wanted if grants is None else grants, there)
            made.append(name)
    missing = [there[pair] for pair in sorted(wanted) if there[pair] not in roles["Admin"].permissions]
    roles["Admin"].permissions.extend(missing)
    return made


def _permission_views(session: Session) -> dict[Pair, PermissionView]:
    rows = session.scalars(select(PermissionView)).unique()
    return {(row.permission.name, row.view_menu.name): row for row in rows}


def _add(session: Session, pairs: set[Pair], there: dict[Pair, PermissionView]) -> None:
    permissions = {p.name: p for p in session.scalars(select(Permission))}
    resources = {v.name: v for v in session.scalars(select(ViewMenu))}
    for name, resource in sorted(pairs):
        permission = permissions.setdefault(name, Permission(name=name))
        view_menu = resources.setdefault(resource, ViewMenu(name=resource))
        there[name, resource] = row = PermissionView(permission=permission, view_menu=view_menu)
        session.add(row)


def _create(session: Session, name: str, grants: set[Pair], there: dict[Pair, PermissionView]) -> Role:
    unknown = grants - there.keys()
    if unknown:
        raise LookupError(f"role {name} names permissions that no screen declares: {sorted(unknown)}")
    role = Role(name=name, permissions=[there[pair] for pair in sorted(grants)])
    session.add(role)
    return role


def first_admin(session: Session, email: str, hash_password: Callable[[str], str]) -> str:
    """Make the first member of staff, an Admin, and return the password made for them, shown this once.

    :raises Invalid: ``email`` is not an email address.
    """
    address = str(validate_email("email", email))
    role = session.scalars(select(Role).where(Role.name == "Admin")).one()
    admin = Staff(
        username=address, email=address, first_name="First", last_name="Admin", active=True, roles=[role]
    )
    password = passwords.made(admin)
    admin.password = passwords.hashed(password, admin, hash_password)
    session.add(admin)
    return password
