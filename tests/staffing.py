"""Factories of staff and of how they get in, as ``factories`` has them for everything else."""

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import (
    AttemptBucket,
    KnownBrowser,
    LinkKind,
    RecoveryCode,
    SecondFactor,
    StaffLink,
    StaffSession,
)
from models.base import identity
from models.member import (
    GroupMember,
    GroupRole,
    Member,
    RoleGrant,
    RoleHolder,
    StaffChannel,
    StaffGroup,
    StaffRole,
)
from tests.factories import NOW, _given, _named, _save, make_sales_channel, number


def make_member(session: Session, **overrides: Any) -> Member:
    """A member of staff who cannot sign in."""
    n = number()
    values = _given(
        overrides, first_name="Mary", last_name="Kaur", username=f"member{n}", email=f"member{n}@shop.example", active=True
    )  # fmt: skip
    return _save(session, Member(**values))


def make_role(session: Session, **overrides: Any) -> StaffRole:
    """A role without permissions."""
    return _save(session, StaffRole(**_given(overrides, name=f"Role {number()}")))


def make_staff_group(session: Session, **overrides: Any) -> StaffGroup:
    """A group of nobody."""
    return _save(session, StaffGroup(**_given(overrides, name=f"Group {number()}")))


def make_role_holder(session: Session, **overrides: Any) -> RoleHolder:
    """A new member of staff with a new role."""
    values = _given(overrides, user_id=lambda: make_member(session).id, role_id=lambda: make_role(session).id)
    return _save(session, RoleHolder(**values))


def make_role_grant(session: Session, **overrides: Any) -> RoleGrant:
    """A new role that may list customers."""
    parts = _named(session, identity.Permission, "can_list"), _named(session, identity.ViewMenu, "customer")
    ids = {"permission_id": parts[0].id, "view_menu_id": parts[1].id}
    pair = session.scalar(select(identity.PermissionView).filter_by(**ids)) or identity.PermissionView(**ids)
    session.add(pair)
    session.flush()
    values = _given(overrides, permission_view_id=pair.id, role_id=lambda: make_role(session).id)
    return _save(session, RoleGrant(**values))


def make_group_member(session: Session, **overrides: Any) -> GroupMember:
    """A new member of staff in a new group."""
    values = _given(
        overrides, user_id=lambda: make_member(session).id, group_id=lambda: make_staff_group(session).id
    )
    return _save(session, GroupMember(**values))


def make_group_role(session: Session, **overrides: Any) -> GroupRole:
    """A new group with a new role."""
    values = _given(
        overrides, group_id=lambda: make_staff_group(session).id, role_id=lambda: make_role(session).id
    )
    return _save(session, GroupRole(**values))


def make_staff_channel(session: Session, **overrides: Any) -> StaffChannel:
    """A new member of staff who sees a new channel only."""
    values = _given(
        overrides,
        user_id=lambda: make_member(session).id,
        sales_channel_id=lambda: make_sales_channel(session).id,
    )
    return _save(session, StaffChannel(**values))


def make_staff_session(session: Session, **overrides: Any) -> StaffSession:
    """A session that began just now."""
    values = _given(
        overrides, user_id=lambda: make_member(session).id, token_hash=f"{number():064d}", created_at=NOW,
        last_seen_at=NOW, confirmed_at=NOW, address="127.0.0.1", agent="Firefox",
    )  # fmt: skip
    return _save(session, StaffSession(**values))


def make_attempt_bucket(session: Session, **overrides: Any) -> AttemptBucket:
    """One failed attempt."""
    values = _given(overrides, bucket=f"{number():064d}", times=[NOW.timestamp()], last_at=NOW)
    return _save(session, AttemptBucket(**values))


def make_known_browser(session: Session, **overrides: Any) -> KnownBrowser:
    """A browser somebody signed in with."""
    values = _given(
        overrides, user_id=lambda: make_member(session).id, token_hash=f"{number():064d}", created_at=NOW
    )
    return _save(session, KnownBrowser(**values))


def make_staff_link(session: Session, **overrides: Any) -> StaffLink:
    """A link to choose a new password with."""
    values = _given(
        overrides, user_id=lambda: make_member(session).id, kind=LinkKind.RESET, token_hash=f"{number():064d}",
        created_at=NOW, expires_at=NOW + dt.timedelta(hours=1),
    )  # fmt: skip
    return _save(session, StaffLink(**values))


def make_second_factor(session: Session, **overrides: Any) -> SecondFactor:
    """An authenticator app in use."""
    values = _given(
        overrides, user_id=lambda: make_member(session).id, key="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", created_at=NOW, confirmed_at=NOW
    )  # fmt: skip
    return _save(session, SecondFactor(**values))


def make_recovery_code(session: Session, **overrides: Any) -> RecoveryCode:
    """A recovery code that was not used."""
    values = _given(overrides, user_id=lambda: make_member(session).id, code_hash=f"{number():064d}")
    return _save(session, RecoveryCode(**values))
