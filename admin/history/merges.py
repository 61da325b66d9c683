"""A merge in the journal, in words: which records went into which, and what came over (rule 3.9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from markupsafe import Markup, escape

from actions.merging import brought
from admin.history.ledger_changes import seen
from admin.viewmodels.pages import FieldChange, Text
from models.journal import Change, Changeset
from web.request import session, shop

MERGE = "customer.merge"


def read(changesets: Sequence[Changeset]) -> dict[int, brought.Brought]:
    """Return changeset -> what it brought, of those that are merges; who went as far as the person asking sees them."""
    ids = [changeset.id for changeset in changesets if changeset.action == MERGE]
    found = brought.of_changesets(session(), ids, seen(Change))
    for what in found.values():
        what.gone.sort()
    return found


def in_words(what: brought.Brought, names: Mapping[int, Text]) -> list[FieldChange]:
    """Return what a merge says first: who went into the survivor, and what moved.

    :param names: of those who went, as links for those who may open them.
    """
    told = Markup(", ").join(Markup("{} #{}").format(escape(names[i]), i) for i in what.gone)
    words = brought.in_words(what, shop().locale)
    lines = (FieldChange(_("Merged into it"), "", told), FieldChange(_("Moved"), "", words))
    return [line for line in lines if line.after]
