"""Whether a member of staff is still logged in as a customer, and if not, why: one statement, asked at each request.

It is over with the first of :data:`WHY` that holds (rule 6.11). What is found here is what the portal, a shop of one's
own and the screen go by; that it was found is written down soon after (actions/portal/login_as.py).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, and_, bindparam, case, exists, literal, or_, select
from sqlalchemy.orm import Session

from actions.execution.session_store import IDLE, LONGEST
from models.access import StaffSession
from models.base import N_, Staff
from models.choices import Status
from models.customer import Customer
from models.login_as import LoginAs
from models.member import StaffChannel
from models.portal import PortalSession
from models.staff import PREFIX, holders
from models.types import UTCDateTime

ACT_FOR = "act_for"
"""The permission to change something while logged in as a customer."""

ENDED = N_("ended by the member of staff")
ENDED_BY_SHOP = N_("ended on the shop site")
REVOKED = N_("ended in the back office")
ANOTHER = N_("logged in as another customer")
NOT_USED = N_("not begun within 60 seconds")
TIME = N_("30 minutes were over")
MERGED = N_("the customer was merged")
ERASED = N_("the customer was erased")
SHUT_OUT = N_("the customer can no longer sign in")
STAFF_OUT = N_("the member of staff was deactivated")
PERMISSION = N_("the permission was taken away")
SCOPE = N_("the customer is in another sales channel")
STAFF_SESSION = N_("the member of staff was signed out")
PORTAL_SESSION = N_("the portal session ended")

TABLE = cast(Table, LoginAs.__table__)
_L = TABLE.c
_CUSTOMER = cast(Table, Customer.__table__).alias("its_customer")
_STAFF = cast(Table, Staff.__table__).alias("its_staff")
_SESSION = cast(Table, StaffSession.__table__).alias("its_staff_session")
_CHANNEL = cast(Table, StaffChannel.__table__).alias("its_channel")
_PORTAL = cast(Table, PortalSession.__table__).alias("its_portal_session")


def _at(name: str) -> Any:
    return bindparam(name, type_=UTCDateTime)


def times(now: dt.datetime) -> dict[str, dt.datetime]:
    """Return the values that :data:`WHY` is asked with."""
    return {"now": now, "idle_since": now - IDLE, "begun_since": now - LONGEST}


def _customer(*which: Any) -> Any:
    return exists().where(_CUSTOMER.c.id == _L.customer_id, *which)


def _sees_the_customer() -> Any:
    """Return whether the customer is of a sales channel that the member of staff sees (rule 17)."""
    theirs = _CHANNEL.c.user_id == _L.staff_id
    seen = theirs, _CHANNEL.c.sales_channel_id == _CUSTOMER.c.sales_channel_id
    return or_(~exists().where(theirs), _customer(*seen))


def _signed_in() -> Any:
    """Return whether the session of the back office that it was begun in goes on."""
    fresh = _SESSION.c.last_seen_at > _at("idle_since"), _SESSION.c.created_at > _at("begun_since")
    return exists().where(_SESSION.c.id == _L.staff_session_id, _SESSION.c.ended_at.is_(None), *fresh)


def _why() -> Any:
    may_sign_in = _CUSTOMER.c.is_active, _CUSTOMER.c.status == Status.REGISTERED
    ended_there = exists().where(_PORTAL.c.login_as_id == _L.id, _PORTAL.c.ended_at.is_not(None))
    causes = (
        (and_(_L.used_at.is_(None), _L.expires_at <= _at("now")), NOT_USED),
        (_L.ends_at <= _at("now"), TIME),
        (_customer(_CUSTOMER.c.merged_into_id.is_not(None)), MERGED),
        (_customer(_CUSTOMER.c.anonymised_at.is_not(None)), ERASED),
        (~_customer(*may_sign_in), SHUT_OUT),
        (~exists().where(_STAFF.c.id == _L.staff_id, _STAFF.c.active), STAFF_OUT),
        (_L.staff_id.not_in(holders(f"{PREFIX}log_in_as", "customer")), PERMISSION),
        (~_sees_the_customer(), SCOPE),
        (~_signed_in(), STAFF_SESSION),
        (ended_there, PORTAL_SESSION),
    )
    known = (_L.ended_at.is_not(None), _L.ended_because)
    return case(known, *((holds, literal(cause)) for holds, cause in causes), else_=None)


WHY = _why()
"""Why it is over, null while it stands. Put together once, as requests of the portal ask it."""
MAY_ACT = and_(_L.may_act, _L.staff_id.in_(holders(f"{PREFIX}{ACT_FOR}", "customer")))
"""Whether changes are turned on, by somebody who may still make them."""
COULD_ACT = _L.staff_id.in_(holders(f"{PREFIX}{ACT_FOR}", "customer"))
"""Whether the member of staff may turn changes on."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A member of staff who is logged in as a customer at this moment.

    :param may_act: whether changes are turned on. :param could_act: whether they may be.
    """

    id: int
    staff_id: int
    staff_name: str
    ends_at: dt.datetime
    may_act: bool
    could_act: bool

    def minutes_left(self, now: dt.datetime) -> int:
        """Return how many minutes are left, of which the last counts as a whole one."""
        return max(1, -(-int((self.ends_at - now).total_seconds()) // 60))


def causes(session: Session, ids: Iterable[int], now: dt.datetime) -> dict[int, str | None]:
    """Return id -> why it is over, None where it stands or waits to begin; in one statement."""
    wanted = select(_L.id, WHY).where(_L.id.in_(list(ids)))
    return {row[0]: row[1] for row in session.execute(wanted, times(now))}


def somebody_in(session: Session, customer_id: int, now: dt.datetime) -> LoginAs | None:
    """Return the session of a member of staff who is logged in as a customer at this moment; None where nobody is."""
    begun = LoginAs.customer_id == customer_id, LoginAs.used_at.is_not(None), LoginAs.ended_at.is_(None)
    return session.scalars(select(LoginAs).where(*begun, WHY.is_(None)).limit(1), times(now)).first()
