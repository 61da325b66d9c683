"""The screens that there are: by their nouns, by their models and by their tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from flask import current_app

from admin.request.context import app_state
from admin.screen_spec.declare import Tab
from admin.screen_spec.spec import ScreenSpec
from models.customer import Customer


@dataclass(slots=True)
class Registry:
    """The registered screens. The first over a model is the one that its name leads to."""

    screens: dict[str, ScreenSpec] = field(default_factory=dict)
    by_model: dict[type[Any], ScreenSpec] = field(default_factory=dict)
    by_table: dict[str, ScreenSpec] = field(default_factory=dict)

    def add(self, screen: ScreenSpec) -> None:
        """Register a screen."""
        self.screens[screen.resource] = screen
        self.by_model.setdefault(screen.model, screen)
        self.by_table.setdefault(screen.model.__tablename__, screen)
        if type(screen).is_accessible is not ScreenSpec.is_accessible:
            app_state().gates[screen.resource] = screen.is_accessible

    def complete(self) -> None:
        """Give customers the tabs that follow from a ``customer_id``, once all screens are registered."""
        of_customers = self.by_model.get(Customer)
        if of_customers is not None:
            there = {tab.resource for tab in of_customers.tabs}
            further = (screen for noun, screen in self.screens.items() if noun not in there)
            added = (Tab(screen.resource) for screen in further if _belongs_to_customers(screen))
            of_customers.tabs = (*of_customers.tabs, *added)  # type: ignore[misc]


def _belongs_to_customers(screen: ScreenSpec) -> bool:
    return (
        screen.tab_on_customer and "customer" in screen.tab_filters and hasattr(screen.model, "customer_id")
    )


def registry() -> Registry:
    """Return the screens of the running application."""
    return cast(Registry, current_app.extensions["clientele.screens"])


def screen_over(model: Any) -> ScreenSpec:
    """Return the screen over a model, once all screens are registered."""
    return registry().by_model[model]
