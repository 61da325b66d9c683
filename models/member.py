"""Staff, roles and groups as records: Flask-AppBuilder's own tables, changed by actions and kept in the journal.

Flask-AppBuilder signs people in by these tables. It knows nothing of the classes here, nor of the columns added to its
tables: they have defaults. What nobody but Flask-AppBuilder writes is not mapped.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import validate
from models.base import N_, Base, identity, metadata, table_args
from models.columns import refers
from models.lookups import SalesChannel
from models.personal import account, staff, staff_fact, system
from models.types import PrimaryKey, UTCDateTime
from models.validate import checked, required

ADMIN = "Admin"
"""The role that always holds every permission, and always has somebody."""

USERS, ROLES, GROUPS = (metadata.tables[f"ab_{name}"] for name in ("user", "role", "group"))


def _extend(table: Table, *added: Column[Any]) -> None:
    usual: tuple[Column[Any], ...] = (
        Column("version", Integer, nullable=False, default=1, server_default="1", info=system),
        Column("created_at", UTCDateTime, info=system),
        Column("updated_at", UTCDateTime, info=system),
    )
    for column in (*usual, *added):
        table.append_column(column)


_extend(
    USERS, Column("invited_at", UTCDateTime, info=staff), Column("last_sign_in_at", UTCDateTime, info=account)
)
_extend(
    ROLES,
    Column(
        "requires_two_factor", Boolean, nullable=False, default=False, server_default="0", info=staff_fact
    ),
)
_extend(GROUPS)
for _column, _check in (
    (USERS.c.first_name, required(N_("Enter a first name."))),
    (USERS.c.last_name, required(N_("Enter a last name."))),
    (USERS.c.email, validate.email),
    (ROLES.c.name, required(N_("Enter a name."))),
    (GROUPS.c.name, required(N_("Enter a name."))),
):
    _column.info.update(staff_fact | checked(_check))
for _column in (USERS.c.username, USERS.c.active):
    _column.info.update(staff)


def _only(*names: str) -> dict[str, Any]:
    return {"include_properties": [*names, "id", "version", "created_at", "updated_at"]}


class Member(Base):
    """A member of staff. A member whom the journal names is never deleted, only deactivated."""

    __table__ = USERS
    __tablename__ = "ab_user"
    __resource__ = "staff"
    __journal__ = True
    __label__ = N_("Member of staff")
    __plural__ = N_("Staff")
    __mapper_args__ = _only(
        "first_name", "last_name", "username", "active", "email", "invited_at", "last_sign_in_at"
    )

    id: Mapped[int]
    first_name: Mapped[str]
    last_name: Mapped[str]
    username: Mapped[str]
    email: Mapped[str]
    active: Mapped[bool | None]
    version: Mapped[int]
    created_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime | None]
    invited_at: Mapped[dt.datetime | None]
    last_sign_in_at: Mapped[dt.datetime | None]
    sales_channels: ClassVar[Any]
    """The channels whose customers they see; none for all."""

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}"


class StaffRole(Base):
    """A role: what its holders may do. Shipped ones are ordinary rows."""

    __table__ = ROLES
    __tablename__ = "ab_role"
    __resource__ = "role"
    __journal__ = True
    __label__ = N_("Role")
    __plural__ = N_("Roles")
    __mapper_args__ = _only("name", "requires_two_factor")

    id: Mapped[int]
    name: Mapped[str]
    requires_two_factor: Mapped[bool]
    version: Mapped[int]
    created_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime | None]

    def __str__(self) -> str:
        return self.name


class StaffGroup(Base):
    """Some members of staff, who all have the group's roles besides their own."""

    __table__ = GROUPS
    __tablename__ = "ab_group"
    __resource__ = "staff_group"
    __journal__ = True
    __label__ = N_("Staff group")
    __plural__ = N_("Staff groups")
    __mapper_args__ = _only("name")

    id: Mapped[int]
    name: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime | None]

    def __str__(self) -> str:
        return self.name


class RoleHolder(Base):
    """One member of staff has one role."""

    __table__ = metadata.tables["ab_user_role"]
    __tablename__ = "ab_user_role"
    __journal__ = True
    __label__ = N_("Role assignment")
    __plural__ = N_("Role assignments")

    id: Mapped[int]
    user_id: Mapped[int]
    role_id: Mapped[int]

    member: Mapped[Member] = relationship(Member, viewonly=True)
    role: Mapped[StaffRole] = relationship(StaffRole, viewonly=True)

    def __str__(self) -> str:
        return f"{self.member}: {self.role}"


class RoleGrant(Base):
    """One role holds one permission."""

    __table__ = metadata.tables["ab_permission_view_role"]
    __tablename__ = "ab_permission_view_role"
    __journal__ = True
    __label__ = N_("Permission")
    __plural__ = N_("Permissions")

    id: Mapped[int]
    permission_view_id: Mapped[int]
    role_id: Mapped[int]

    role: Mapped[StaffRole] = relationship(StaffRole, viewonly=True)
    pair: Mapped[Any] = relationship(identity.PermissionView, viewonly=True)

    def __str__(self) -> str:
        return f"{self.role}: {self.pair}"


class GroupMember(Base):
    """One member of staff is in one group."""

    __table__ = metadata.tables["ab_user_group"]
    __tablename__ = "ab_user_group"
    __journal__ = True
    __label__ = N_("Group membership")
    __plural__ = N_("Group memberships")

    id: Mapped[int]
    user_id: Mapped[int]
    group_id: Mapped[int]

    member: Mapped[Member] = relationship(Member, viewonly=True)
    group: Mapped[StaffGroup] = relationship(StaffGroup, viewonly=True)

    def __str__(self) -> str:
        return f"{self.member}: {self.group}"


class GroupRole(Base):
    """One group has one role."""

    __table__ = metadata.tables["ab_group_role"]
    __tablename__ = "ab_group_role"
    __journal__ = True
    __label__ = N_("Group role")
    __plural__ = N_("Group roles")

    id: Mapped[int]
    group_id: Mapped[int]
    role_id: Mapped[int]

    group: Mapped[StaffGroup] = relationship(StaffGroup, viewonly=True)
    role: Mapped[StaffRole] = relationship(StaffRole, viewonly=True)

    def __str__(self) -> str:
        return f"{self.group}: {self.role}"


class StaffChannel(Base):
    """One sales channel whose customers a member of staff may see; who has none sees all (row scope)."""

    __tablename__ = "staff_channel"
    __journal__ = True
    __label__ = N_("Staff sales channel")
    __plural__ = N_("Staff sales channels")
    __table_args__ = table_args(UniqueConstraint("user_id", "sales_channel_id"))

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="RESTRICT"), info=staff)
    sales_channel_id: Mapped[int] = refers("sales_channel", staff)

    member: Mapped[Member] = relationship(Member)
    sales_channel: Mapped[SalesChannel] = relationship(SalesChannel)

    def __str__(self) -> str:
        return f"{self.member}: {self.sales_channel}"


Member.sales_channels = relationship(
    SalesChannel, secondary=StaffChannel.__table__, viewonly=True, order_by=SalesChannel.name_key
)

for _table in ("ab_user_role", "ab_permission_view_role", "ab_user_group", "ab_group_role"):
    for _column in metadata.tables[_table].columns:
        _column.info.update(staff)
