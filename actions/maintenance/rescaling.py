"""Converting the stored amounts of a currency to another scale: one action, proved before it commits (rule 2.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import Engine

from actions.core.base import SYSTEM
from actions.execution.runner import Call, changeset
from actions.maintenance import seals
from actions.maintenance.verify import verify
from models.rescaling import Conversion, ScaleError, convert


class _OnlyTried(Exception):
    """A preview ends here, so that nothing is committed."""


def rescale(engine: Engine, currency: str, now: dt.datetime, *, preview: bool = False) -> Conversion:
    """Convert all amounts of a currency, note it in the journal as an event, which nothing undoes, and go over all
    balances and seals before it counts.

    :param preview: do all of it, and take it back.
    :raises ScaleError: it cannot be done, or something is off afterwards; nothing was changed then.
    """
    call = Call(SYSTEM, now, f"{currency} has other decimals in this version")
    try:
        with changeset(engine, "shop_setting.rescaled", call) as ctx:
            done = convert(ctx.session.connection(), currency)
            seals.seal_again(ctx.session, sorted(done.changesets), ctx.changeset_id)
            if wrong := verify(ctx.session):
                raise ScaleError("Nothing was converted, because something is off: " + " ".join(wrong))
            if preview:
                raise _OnlyTried
    except _OnlyTried:
        pass
    return done


def lines(done: Conversion, *, preview: bool) -> Iterator[str]:
    """Yield what a conversion did, or would do."""
    scale = done.scale
    yield f"{scale.currency}: {scale.stored} decimals become {scale.counted}."
    for name, count in done.rows.items():
        if count:
            yield f"  {count:,} × {name.replace(chr(95), ' ')}"
    yield "Nothing was changed." if preview else "Converted. All balances, lots and caches are correct."
