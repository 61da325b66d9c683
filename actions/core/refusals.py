"""Why an action does not happen: a reason code for machines, a sentence for people."""

from __future__ import annotations

from typing import Any

from models.base import N_, About, Invalid


class Refused(Exception):
    """The action does not happen: a reason code for machines, a sentence for people, mostly HTTP 409."""

    status = 409

    def __init__(self, code: str, message: str, **values: Any) -> None:
        super().__init__(message % values if values else message)
        self.code = code
        self.message = message
        self.values = values
        self.about: About | None = None
        """The row that stands in the way, where an action is about several."""
        self.see: tuple[str, int] | None = None
        """The record to go on to, as (resource, id)."""
        self.more: tuple[Refused, ...] = ()
        """What else stands in the way, which a preview tells with it."""


class Missing(Refused):
    """The row is not there, or not for this person: the two answer alike (HTTP 404)."""

    status = 404

    def __init__(self) -> None:
        super().__init__("missing", "This record does not exist or you do not have access to it.")


class Escalation(Refused):
    """Somebody would go beyond what they may do themselves, or weaken who may do more (rule 18.1).

    Each one is in the journal, whichever channel it came by: the runner writes it down.
    """

    whom: tuple[str, int] | None = None
    """The row it was about, as (table, id)."""


class TooMany(Refused):
    """Somebody tried something too often: when to come back is in ``wait``, in seconds (HTTP 429)."""

    status = 429

    def __init__(self, code: str, message: str, wait: int, **values: Any) -> None:
        super().__init__(code, message, minutes=-(-wait // 60), **values)
        self.wait = wait


class Busy(Refused):
    """Somebody else held a lock for longer than this one waits (HTTP 503). ``wait``: when to come back, in seconds."""

    status = 503
    wait = 5

    def __init__(self) -> None:
        super().__init__(
            "busy", N_("Someone else is saving this record. Nothing was saved. Try again in a moment.")
        )


class Moved(Refused):
    """What an action waited for has gone to another customer in the meantime: it is tried again."""

    def __init__(self) -> None:
        super().__init__("moved", N_("These records have just moved to another customer. Try again."))


class Conflict(Refused):
    """Somebody saved the row since the form was opened (rule 9.4).

    :param base: field -> value when the form was opened; ``theirs`` as it is now; ``mine`` as the form would
    have it. :param related: the relations of ``mine`` whose rows were changed in the meantime too.
    """

    def __init__(
        self,
        base: dict[str, Any],
        theirs: dict[str, Any],
        mine: dict[str, Any],
        version: int,
        by: str,
        related: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__("stale", "This record was changed while you were editing it.")
        self.base, self.theirs, self.mine, self.version, self.by = base, theirs, mine, version, by
        self.related = related


def as_refusals(invalid: Invalid) -> list[Refused]:
    """Return why one of several rows would not take its values, as what stands in the way of all."""
    found = [Refused("invalid", text) for text in invalid.errors.values()]
    for refused in found:
        refused.about = invalid.about
    return found
