"""The house rules are tried on the same databases as the actions that keep them."""

from tests.actions.conftest import _engines, desk, engine

__all__ = ["_engines", "desk", "engine"]
