"""What one request knows: who asks, what they may do, the time, the shop. Each costs one statement at most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app, g, has_request_context, request, url_for
from flask import session as browser_session
from flask_appbuilder.const import AUTH_DB

from actions.core.base import SYSTEM, Action, Actor, Outcome, Refused
from actions.execution import runner
from actions.execution.preview import Preview
from actions.staff.preferences import load_preferences
from actions.staff.sessions import SessionInfo
from admin.request.permissions import SEE, reads
from models import masks
from models.api_key import KeyScope
from models.base import N_, db
from models.choices import CreatedVia
from models.member import StaffRole
from models.row_scope import Channels
from models.staff import Rights, permissions_of_role, rights_of
from web.request import now, session

Pair = tuple[str, str]
VIEW_AS = "view_as"
"""The permission to look at everything as the holders of a role do, and where a session keeps which role."""
REVEALED = "revealed"
"""Where a session keeps which masked values were shown, and until when: ``table:id:column`` -> seconds since 1970."""


@dataclass(slots=True)
class AppState:
    """What the application object carries for us: the clock, and what was worked out for longer than a request."""

    clock: Callable[[], dt.datetime]
    menus: dict[Hashable, Any] = field(default_factory=dict)
    worked: dict[Hashable, Any] = field(default_factory=dict)
    """Figures that took long, for a while (admin/layout/deferred_figures.py)."""
    keeps: float = 60.0
    """Seconds for which they are kept."""
    gates: dict[str, Callable[[], bool]] = field(default_factory=dict)
    """Resource -> whether its screen lets the person asking in, where it says so itself (``is_accessible``)."""


def app_state() -> AppState:
    """Return the application's own state."""
    return cast(AppState, current_app.extensions["clientele"])


def person() -> Any:
    """Return the signed-in member of staff, or None."""
    user = getattr(g, "user", None)
    return user if user is not None and user.is_authenticated else None


def sign_in_url(**values: Any) -> str:
    """Return the address of the sign-in page, whichever way people sign in."""
    endpoint = current_app.appbuilder.sm.auth_view.endpoint  # type: ignore[attr-defined]
    return url_for(f"{endpoint}.login", **values)


def has_passwords() -> bool:
    """Return whether people sign in by passwords that we keep, and not by what is kept elsewhere."""
    return bool(current_app.appbuilder.sm.auth_type == AUTH_DB)  # type: ignore[attr-defined]


def live() -> SessionInfo | None:
    """Return the session of the person asking; None for a key and at the command line."""
    return g.live if "live" in g else getattr(browser_session, "live", None)


class ReauthRequired(Refused):
    """The person asking signed in too long ago, or by a key, which proves nobody (HTTP 403)."""

    status = 403

    def __init__(self) -> None:
        super().__init__("sign_in_again", N_("Sign in again to do this."))


def needs_reauth(action: Action) -> bool:
    """Return whether the person asking has to prove who they are before an action (rule 16.4).

    A person at the command line can read and write the database anyway.
    """
    return action.asks_reauth and not is_recent()


def is_recent() -> bool:
    """Return whether the person asking proved who they are not long ago."""
    if g.get("at_the_machine") or g.get("reauthenticated"):
        return True
    found = live()
    return found is not None and found.is_recent(now())


def forget_person() -> None:
    """Drop what was worked out for the person who asked before, because somebody else is about to."""
    for name in ("rights", "viewing", "preferences", "memo", "api_key", "live", "mask_context", "gates"):
        g.pop(name, None)
    masks.forget(session())


def allowed(permission: str, resource: str) -> bool:
    """Return whether the person asking holds a permission such as ("list", "customer").

    A key may do what its owner may and its scope includes, and nothing with keys.
    """
    key = g.get("api_key")
    if key is not None and (resource == "api_key" or (key.scope != KeyScope.FULL and not reads(permission))):
        return False
    if permission.startswith(SEE) or permission == masks.REVEAL:
        return (f"can_{permission}", resource) in held()  # about columns, wherever they stand
    return (f"can_{permission}", resource) in held() and is_open(resource)


def is_open(resource: str) -> bool:
    """Return whether a screen lets the person asking in; it is asked once a request.

    While it is asked, what it asks of permissions itself is answered by the permissions alone.
    """
    gate = app_state().gates.get(resource)
    if gate is None:
        return True
    answers: dict[str, bool] = g.setdefault("gates", {})
    if resource not in answers:
        answers[resource] = True
        try:
            answers[resource] = bool(gate())
        except BaseException:
            answers[resource] = False
            raise
    return answers[resource]


def held() -> frozenset[Pair]:
    """Return every (permission, resource) the person asking holds; what a key may do of it is for :func:`allowed`."""
    return rights().permissions


def rights() -> Rights:
    """Return what the person asking may do and see, read in one statement; as another role, no more than that has."""
    found = g.get("rights")
    if found is None:
        user = person()
        own = rights_of(session(), user.id) if user is not None else Rights()
        g.viewing = _viewed() if (f"can_{VIEW_AS}", "role") in own.permissions else None
        if g.viewing is not None:
            role = permissions_of_role(session(), g.viewing.id)
            own = Rights(own.permissions & role, own.channels)
        found = g.rights = own
    return cast(Rights, found)


def channels() -> Channels:
    """Return the ids of the sales channels whose customers the person asking sees; None for all (rule 17)."""
    return rights().channels


def viewing() -> StaffRole | None:
    """Return the role as whose holder the person asking looks at everything, or None (rule 18.5)."""
    rights()
    return cast("StaffRole | None", g.get("viewing"))


def _viewed() -> StaffRole | None:
    """Return the role that the browser's session names; a program's has none."""
    role_id = browser_session.get(VIEW_AS)
    return session().get(StaffRole, role_id) if role_id is not None else None


def mask_context() -> masks.MaskContext:
    """Return what the person asking sees of sensitive values; everything where no request is served (rule 19.1)."""
    if not has_request_context():
        return masks.EVERYTHING
    if "mask_context" not in g:
        hidden = frozenset(group for group in masks.groups() if not allowed(f"see_{group}", masks.OWNER))
        g.mask_context = masks.MaskContext(hidden, revealed() if hidden else frozenset())
    return cast(masks.MaskContext, g.mask_context)


def revealed() -> frozenset[masks.Place]:
    """Return the single values that this browser's person has been shown less than a minute ago."""
    kept: dict[str, float] = browser_session.get(REVEALED, {})
    still = (place for place, until in kept.items() if until > now().timestamp())
    return frozenset((table, int(row), name) for table, row, name in (place.split(":") for place in still))


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
    seen = confirm, fingerprint or None
    found = live()
    session_id = found.id if found is not None else None
    return runner.Call(
        who, now(), reason, own_key, *place, *seen, _via(), link_base(), has_portal(), session_id
    )


def link_base() -> str | None:
    """Return what links begin with that people hand on themselves, as no mail server is set up; None where one is."""
    settings = current_app.extensions["clientele.settings"]
    return str(settings.base_url) if settings.mail is None else None


def has_portal() -> bool:
    """Return whether customers have a portal."""
    return bool(current_app.extensions["clientele.settings"].serves_portal)


def _via() -> CreatedVia:
    """Return the channel of this request, which a customer that it makes came by."""
    return CreatedVia.API if request.path.startswith("/api/") else CreatedVia.BACK_OFFICE


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

    :raises ReauthRequired: it is only for users who signed in not long ago.
    """
    if needs_reauth(action):
        raise ReauthRequired
    reason = str(values.get("reason") or because or "")
    asked = call(reason=reason, key=key, confirm=confirm, fingerprint=fingerprint)
    outcome = runner.perform(db.engine, action, asked, targets, **values)
    session().rollback()  # on SQLite, what this transaction reads would still be as before the action
    return outcome


def dry_run(action: Action, targets: runner.Targets = None, **values: Any) -> Preview:
    """Return what an action would do if the person asking did it now."""
    session().rollback()
    return runner.dry_run(db.engine, action, call(reason=str(values.get("reason") or "")), targets, **values)
