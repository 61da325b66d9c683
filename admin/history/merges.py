"""A merge in the journal, in words: which records went into which, and what came over (rule 3.9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import select

from actions.merging import brought
from admin.history.ledger_changes import seen
from admin.viewmodels.pages import FieldChange, Text
from models.journal import Change, Changeset
from web.request import session, shop

MERGE = "customer.merge"
Linked = Callable[[Iterable[int]], Mapping[int, Text]]
"""What names customers by their ids, as links for those who may open them."""


def in_words(changesets: Sequence[Changeset], linked: Linked) -> dict[int, list[FieldChange]]:
    """Return changeset -> what it says first, of those that are merges: who went into the survivor, and what moved."""
    ids = [changeset.id for changeset in changesets if changeset.action == MERGE]
    if not ids:
        return {}
    gone, moved = _gone(ids), brought.of_changesets(session(), ids)
    names = linked({i for some in gone.values() for i in some})
    return {i: [*_records(gone[i], names), *_moved(moved[i])] for i in ids}


def _records(gone: Sequence[int], names: Mapping[int, Text]) -> list[FieldChange]:
    told = Markup(", ").join(Markup("{} #{}").format(escape(names[i]), i) for i in gone)
    return [FieldChange(_("Merged into it"), "", told)] if gone else []


def _moved(what: brought.Brought) -> list[FieldChange]:
    words = brought.in_words(what, shop().locale)
    return [FieldChange(_("Moved"), "", words)] if words else []


def _gone(ids: Sequence[int]) -> Mapping[int, list[int]]:
    """Return changeset -> the records that it merged away, as far as the person asking sees them."""
    told = Change.changeset_id.in_(ids), Change.table_name == "customer", *seen(Change)
    found: dict[int, list[int]] = defaultdict(list)
    for change in session().scalars(select(Change).where(*told).order_by(Change.id)):
        before, after = change.before or {}, change.after or {}
        if after.get("merged_into_id") and not before.get("merged_into_id"):
            found[change.changeset_id].append(change.row_id)
    return found
