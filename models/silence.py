"""PostgreSQL that is there and says nothing: its machine acknowledges every packet, so only a clock of ours helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import psycopg
from psycopg import errors

GRACE = 0.5
"""Seconds that the server has to say by itself that the time is up."""
LATE = 10.0
"""Seconds for what is asked once the time is up; the server gives that up much sooner, if it is there."""


class Connection(psycopg.Connection[Any]):
    """A connection that is closed where the server says nothing for longer than a person can wait."""

    left: ClassVar[Callable[[], float | None]] = staticmethod(lambda: None)
    """Returns how many seconds this thread has left to read in; None where it may take as long as it takes."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer, though not for ever."""
        left = type(self).left()
        if timeout is not None or left is None:
            return super().wait(gen, interval, timeout)
        most = left + GRACE if left > 0 else LATE
        try:
            return super().wait(gen, interval, most)
        except errors._WaitTimeout:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the server said nothing for {most:.1f} s") from None
