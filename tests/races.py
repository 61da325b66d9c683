"""Several actions at once: what a race is made of."""

import threading
from collections.abc import Callable
from typing import Any

from actions.core.base import Refused


def race(*actions: Callable[[], Any]) -> list[str]:
    """Do everything at once; return how each ended, in the order given: "done", or the code it was refused with."""
    ends, gate = [""] * len(actions), threading.Barrier(len(actions))

    def run(place: int) -> None:
        gate.wait()
        try:
            actions[place]()
            ends[place] = "done"
        except Refused as refused:
            ends[place] = refused.code

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return ends
