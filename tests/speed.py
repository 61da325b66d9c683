"""How fast this machine is at this minute: times are judged against a plain loop, never in seconds alone."""

import os
import time

STANDARD = 0.02
"""The seconds of the yardstick on the machine that the figures of the budget are given for."""


def yardstick() -> float:
    """Return the processor seconds that a plain loop of 500,000 rounds takes here and now: machines differ, and so do minutes."""
    began = time.thread_time()
    sum(number * number for number in range(500_000))
    return time.thread_time() - began


def processor_seconds() -> float:
    """Return what this process and its ended children have used of a processor so far."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
