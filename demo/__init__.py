"""A believable shop to try things on: ``flask demo`` loads it, and nothing else does.

Rows are written in bulk, a few thousand customers to a transaction, and obey every rule that the actions keep:
caches equal their ledgers, keys equal what the models derive, points lie in lots, and every created row is in the
journal.
"""

from demo.load import DemoRefused, load, refuse_unless_empty
from demo.staff import PASSWORD, demo_staff

__all__ = ["PASSWORD", "DemoRefused", "demo_staff", "load", "refuse_unless_empty"]
