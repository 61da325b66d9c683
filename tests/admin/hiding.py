"""A shop in which every sensitive column of every table holds a secret, and somebody who may do all but see them.

Everything is read off the models: a column declared sensitive is planted, and looked for at every channel, from then on.
"""

from __future__ import annotations

import datetime as dt
import enum
import io
import itertools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from babel.dates import format_date
from sqlalchemy.orm import Session

from actions.core.journal import plain
from models import masks
from models.base import Base, identity
from models.choices import Status
from models.customer import Customer
from models.personal import Policy
from tests import factories
from tests.admin.conftest import Shop
from tests.factories import NOW
from tests.usual import maker

ROLE, USERNAME = "Masked", "masked"
LONG_AGO, YESTERDAY, BETWEEN = (NOW - dt.timedelta(days=days) for days in (30, 1, 2))
AT = BETWEEN.isoformat().replace("+00:00", "Z")


class Clock:
    """What time it is."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@dataclass
class Planted:
    """The rows by table, and every text by which a planted value could be told."""

    rows: dict[str, Any] = field(default_factory=dict)
    nameless: Any = None
    changesets: list[int] = field(default_factory=list)
    values: dict[tuple[str, str], Any] = field(default_factory=dict)
    """What stands in (table, column) now."""
    secrets: list[str] = field(default_factory=list)


def sensitive_models() -> list[type[Any]]:
    """Every model with a sensitive column, the customer first, to whom the others belong."""
    found = [m.class_ for m in Base.registry.mappers if masks.sensitive(m.class_)]
    return sorted(found, key=lambda model: (model is not Customer, model.__tablename__))


def columns() -> Iterator[tuple[type[Any], str, Policy]]:
    """Yield every sensitive column that holds a value; keys are worked out from those."""
    for model in sensitive_models():
        for name, policy in masks.sensitive(model).items():
            if not name.endswith("_key"):
                yield model, name, policy


_numbers = itertools.count(1)


def secret(model: type[Any], name: str, policy: Policy) -> tuple[Any, list[str]]:
    """Return a value for a column and the texts by which it could be told."""
    n, kind = next(_numbers), getattr(model, name).property.columns[0].type
    if isinstance(kind, sa.Enum):
        chosen = max(kind.enum_class, key=lambda member: len(member.label))
        return chosen, shown_as(chosen)
    if isinstance(kind, sa.Date):
        day = dt.date(1901, 1, 1) + dt.timedelta(days=n)
        return day, shown_as(day)
    if policy.mask == "email":
        return f"hush{n}q@mask.example", [f"hush{n}q"]
    if policy.mask == "phone":
        number = f"0113 496 {7000 + n}" if kind.length > 10 else f"{81_770_000 + n}"
        return number, [number, number.replace(" ", "").removeprefix("0")]
    value = f"XX{980_000_000 + n}" if policy.mask == "number" else f"HUSH{n}Q"
    return value, [value]


def plant(session: Session) -> Planted:
    """Make a row of every table with a sensitive column, all of one customer, with a past that holds others."""
    made = Planted()
    for model in sensitive_models():
        own = {n: _planted(made, model, n, p) for m, n, p in columns() if m is model}
        made.values |= {(model.__tablename__, n): value for n, value in own.items()}
        more: dict[str, Any] = {"created_at": LONG_AGO}
        if model is Customer:
            more |= {"first_name": "Ada", "last_name": "Byron"}
        elif hasattr(model, "customer_id"):
            more["customer"] = made.rows["customer"]
        more |= {"is_primary": True} if hasattr(model, "is_primary") else {}
        made.rows[model.__tablename__] = _made(session, model, own, more)
    email, told = secret(Customer, "email", masks.sensitive(Customer)["email"])
    made.secrets += told
    made.nameless = factories.make_customer(
        session, first_name=None, last_name=None, email=email, created_at=LONG_AGO, status=Status.GUEST
    )
    for row in made.rows.values():
        _past(session, made, row)
    _one_who_may_not_see(session)
    return made


def _made(session: Session, model: type[Any], own: dict[str, Any], more: dict[str, Any]) -> Any:
    """Return a new row with values that its columns' checks need not like."""
    row = maker(model.__tablename__)(session, **more)
    table = factories.table_of(model)
    session.execute(sa.update(table).where(table.c.id == row.id).values(own))
    session.refresh(row)
    row.derive()
    session.flush()
    return row


def _planted(made: Planted, model: type[Any], name: str, policy: Policy) -> Any:
    value, told = secret(model, name, policy)
    made.secrets += told
    return value


def _past(session: Session, made: Planted, row: Any) -> None:
    """Let the journal tell that a row was made, and that each sensitive column held something else until yesterday."""
    model, table = type(row), type(row).__tablename__
    if not model.__journal__:
        return
    before, after = {}, {}
    for name, policy in masks.sensitive(model).items():
        if not name.endswith("_key"):
            before[name] = plain(_planted(made, model, name, policy))
            after[name] = plain(getattr(row, name))
    about = {"subject_table": table, "subject_id": row.id}
    for at, action, was, became in (
        (LONG_AGO, "create", None, {**before, "created_at": LONG_AGO.isoformat()}),
        (YESTERDAY, "edit", before, after),
    ):
        changeset = factories.make_changeset(session, at=at, action=f"{table}.{action}", **about)
        factories.make_change(
            session, changeset=changeset, table_name=table, row_id=row.id, before=was, after=became,
            customer_id=made.rows["customer"].id,
        )  # fmt: skip
        made.changesets.append(changeset.id)


def _one_who_may_not_see(session: Session) -> None:
    held = [
        pair
        for pair in session.scalars(sa.select(identity.PermissionView)).unique()
        if not pair.permission.name.startswith(("can_see_", "can_reveal"))
    ]
    role = identity.Role(name=ROLE, permissions=held)
    factories.make_staff(session, username=USERNAME, roles=[role])


def allow(shop: Shop, *permissions: str) -> None:
    """Give the one who may not see a permission on customers."""
    with shop.arrange() as session:
        staff = session.scalars(sa.select(identity.User).where(identity.User.username == USERNAME)).one()
        for permission in permissions:
            factories.grant(session, staff.id, permission, "customer")


def told(answer: Any, secrets: list[str]) -> list[str]:
    """Return the secrets that an answer gives away, whatever its capitals; workbooks are unpacked first."""
    data = answer.get_data()
    if data[:2] == b"PK":
        packed = zipfile.ZipFile(io.BytesIO(data))
        data = b"".join(packed.read(name) for name in packed.namelist())
    return told_in(data.decode("utf-8", "replace"), secrets)


def told_in(text: str, secrets: list[str]) -> list[str]:
    """Return the secrets that stand in a text."""
    lower = text.casefold()
    return [one for one in secrets if one.casefold() in lower]


def stored(shop: Shop, made: Planted) -> dict[tuple[str, str], Any]:
    """Return what stands in every planted column now."""
    with shop.look() as session:
        return {
            (table, name): getattr(session.get(type(made.rows[table]), made.rows[table].id), name)
            for table, name in made.values
        }


def shown_as(value: Any) -> list[str]:
    """Return how a value may be written where it is shown."""
    if isinstance(value, enum.Enum):
        return [value.value, value.label]
    if isinstance(value, dt.date):
        return [value.isoformat(), format_date(value, "d MMM yyyy", locale="en_GB")]
    return [str(value)]
