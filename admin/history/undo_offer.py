"""Whether an undo is offered: all that offer one ask here, so that it is offered everywhere or nowhere (rule 9.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from flask import g, url_for
from sqlalchemy import select

from actions.core.base import ACTIONS
from actions.runs.runs import LABELS
from actions.staff.security_events import EVENTS
from actions.undo.undo import UNDOERS, days_for
from admin.history.changesets import Undoing, undoing
from admin.request import grantable
from admin.request.context import allowed
from models.journal import Changeset
from models.merge import Merge
from models.run import Run
from models.staff import GENERATED
from web.request import now, session, shop


def may_undo(done: Changeset | Run) -> bool:
    """Whether the person asking may take a change or a run of it back: what they could have done, they may undo.

    Nor do they do anything to somebody, or to a role or group, that may do more than they (rule 18.1).
    """
    noun, _dot, verb = done.action.partition(".")
    if not allowed("undo", done.__tablename__) or not allowed(GENERATED.get(verb, verb), noun):
        return False
    return isinstance(done, Run) or not grantable.names_beyond(done.subject_table, done.subject_id)


def may_still_be_undone(changeset: Changeset) -> bool:
    """Whether a changeset is of a kind that is undone at all, recent enough by the shop's setting, and not undone yet.

    What the clock did is not: it would do it again. Nor is an event, which changed nothing, or what only took back.
    """
    declared = ACTIONS.get(changeset.action)
    if (declared is not None and declared.final) or changeset.action in EVENTS or changeset.action in LABELS:
        return False
    days = days_for(shop(), changeset.action)
    if days is not None and changeset.at < now() - dt.timedelta(days=days):
        return False
    if changeset.id not in g.get("undo_looked_at", ()):
        look_up([changeset])
    if changeset.id in g.undoing.undone or changeset.id not in g.undoing.reversible:
        return False
    return not _took_back_a_whole(changeset)


def look_up(changesets: Sequence[Changeset], found: Undoing | None = None) -> Mapping[int, str]:
    """Read how a page's changesets stand with an undo, in one statement, and remember it for this request.

    :param found: that, where it was read already.
    :return: changeset id -> who has undone it.
    """
    g.undoing = undoing(changesets) if found is None else found
    g.undo_looked_at = {changeset.id for changeset in changesets}
    undone: Mapping[int, str] = g.undoing.undone
    return undone


def _took_back_a_whole(changeset: Changeset) -> bool:
    """Whether it is the undo of a change that is only taken back as a whole, such as a merge."""
    if changeset.undoes_id is None:
        return False
    undone = session().get(Changeset, changeset.undoes_id)
    return undone is not None and undone.action in UNDOERS


def undo_url(changeset: Changeset) -> str:
    """Return where the person asking takes a changeset back, "" where they cannot."""
    if not may_undo(changeset) or not may_still_be_undone(changeset):
        return ""
    if (merge := _merge(changeset)) is not None:
        return url_for("screen_merge.act_view", verb="unmerge", id=merge)
    return url_for("screen_changeset.act_view", verb="undo", id=changeset.id)


def _merge(changeset: Changeset) -> int | None:
    """Return the merge that it was, which has a page of its own to be undone on; None where there is none."""
    if changeset.action != "customer.merge" or not allowed("unmerge", Merge.resource_name()):
        return None
    return session().scalar(select(Merge.id).where(Merge.changeset_id == changeset.id).limit(1))
