"""What one request knows: who asks, what they may do, the time, the shop. Each costs one statement at most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from flask import current_app, g, has_request_context, request
from flask import session as browser_session
from sqlalchemy.orm import Session

from actions import runner
from actions.base import SYSTEM, Action, Actor, Outcome, Refused
from actions.preferences import load_preferences
from actions.preview import Preview
from actions.sessions import Live
from admin.permissions import reads
from models import masks
from models.api_key import KeyScope
from models.base import N_, db
from models.shop import Shop, load_shop
from models.staff import permissions_of

if TYPE_CHECKING:
    from admin.base import Screen


REVEALED = "revealed"
"""Where a session keeps which masked values were shown, and until when: ``table:id:column`` -> seconds since 1970."""


@dataclass(slots=True)
class Clientele:
    """What the application object carries for us: the clock and the registered screens by resource."""

    clock: Callable[[], dt.datetime]
    screens: dict[str, Screen] = field(default_factory=dict)
    by_model: dict[type[Any], Screen] = field(default_factory=dict)


def clientele() -> Clientele:
    """Return the application's own state."""
    return cast(Clientele, current_app.extensions["clientele"])


def now() -> dt.datetime:
    """Return the instant this request began, the same throughout it."""
    if "now" not in g:
        g.now = clientele().clock()
    return cast(dt.datetime, g.now)


def session() -> Session:
    """Return the request's session, which only reads."""
    return cast(Session, db.session)


def shop() -> Shop:
    """Return the shop's settings."""
    if "shop" not in g:
        g.shop = load_shop(session())
    return cast(Shop, g.shop)


def zone() -> ZoneInfo:
    """Return the shop's time zone."""
    return ZoneInfo(shop().time_zone)


def person() -> Any:
    """Return the signed-in member of staff, or None."""
    user = getattr(g, "user", None)
    return user if user is not None and user.is_authenticated else None


def live() -> Live | None:
    """Return the session of the person asking; None for a key and at the command line."""
    return g.live if "live" in g else getattr(browser_session, "live", None)


class Unproved(Refused):
    """Whoever asks signed in too long ago, or by a key, which proves nobody (HTTP 403)."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "sign_in_again", N_("Sign in again first: this is only done shortly after signing in.")
        )


def must_prove(action: Action) -> bool:
    """Return whether the person asking has to prove who they are before an action (rule 15.4).

    Whoever acts from the command line can read and write the database anyway.
    """
    if not action.needs_proof or g.get("at_the_machine") or g.get("proved"):
        return False
    found = live()
    return found is None or not found.is_recent(now())


def forget_person() -> None:
    """Drop what was worked out for whoever asked before, because somebody else is about to."""
    for name in ("permissions", "preferences", "memo", "api_key", "live", "sight"):
        g.pop(name, None)
    masks.forget(session())


def allowed(permission: str, resource: str) -> bool:
    """Return whether the person asking holds a permission such as ("list", "customer").

    A key may do what its owner may and its scope includes, and nothing with keys.
    """
    key = g.get("api_key")
    if key is not None and (resource == "api_key" or (key.scope != KeyScope.FULL and not reads(permission))):
        return False
    held = g.get("permissions")
    if held is None:
        user = person()
        held = g.permissions = permissions_of(session(), user.id) if user is not None else frozenset()
    return (f"can_{permission}", resource) in held


def sight() -> masks.Sight:
    """Return what the person asking sees of sensitive values; everything where no request is served (rule 18.1)."""
    if not has_request_context():
        return masks.EVERYTHING
    if "sight" not in g:
        hidden = frozenset(group for group in masks.groups() if not allowed(f"see_{group}", masks.OWNER))
        g.sight = masks.Sight(hidden, revealed() if hidden else frozenset())
    return cast(masks.Sight, g.sight)


def revealed() -> frozenset[masks.Place]:
    """Return the single values that this browser's person has been shown less than a minute ago."""
    kept: dict[str, float] = browser_session.get(REVEALED, {})
    still = (place for place, until in kept.items() if until > now().timestamp())
    return frozenset((table, int(row), name) for table, row, name in (place.split(":") for place in still))


masks.provide(sight)


def memo(key: Hashable, make: Callable[[], Any]) -> Any:
    """Return what ``make`` gave the first time this request asked for ``key``: lists ask for the same things a row."""
    known: dict[Hashable, Any] | None = g.get("memo")
    if known is None:
        known = g.memo = {}
    if key not in known:
        known[key] = make()
    return known[key]


def preference(name: str) -> Any:
    """Return one of this person's own choices, or None; all of them are read in one statement."""
    if "preferences" not in g:
        g.preferences = load_preferences(session(), person().id)
    return g.preferences.get(name)


def actor() -> Actor:
    """Return the person asking as the actor of an action."""
    user = person()
    return Actor(user.id, user.get_full_name()) if user else SYSTEM


def call(
    *, reason: str = "", key: str | None = None, confirm: str | None = None, fingerprint: str | None = None
) -> runner.Call:
    """Return who asks, when and from where, for the runner. ``key`` is the person's own: two people never share one."""
    who = actor()
    own_key = f"{who.id}:{key}" if key else None
    place = g.get("request_id"), request.remote_addr
    return runner.Call(who, now(), reason, own_key, *place, confirm, fingerprint or None)


def perform(
    action: Action,
    targets: runner.Targets = None,
    *,
    key: str | None = None,
    confirm: str | None = None,
    fingerprint: str | None = None,
    because: str | None = None,
    **values: Any,
) -> Outcome:
    """Run an action for the person asking, then forget what this request had read.

    An action that asks for a ``reason`` gives it to its changeset too; ``because`` is that of one that does not ask.

    :raises Unproved: it is only for who signed in not long ago.
    """
    if must_prove(action):
        raise Unproved
    reason = str(values.get("reason") or because or "")
    asked = call(reason=reason, key=key, confirm=confirm, fingerprint=fingerprint)
    outcome = runner.perform(db.engine, action, asked, targets, **values)
    session().rollback()  # on SQLite, what this transaction reads would still be as before the deed
    return outcome


def rehearse(action: Action, targets: runner.Targets = None, **values: Any) -> Preview:
    """Return what an action would do if the person asking did it now."""
    session().rollback()
    return runner.rehearse(db.engine, action, call(reason=str(values.get("reason") or "")), targets, **values)
