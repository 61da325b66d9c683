"""The customers' portal as customers use it, and every page of it under axe: light, dark, 320 px and so at 400 % zoom."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from models.address import Address
from tests.browser.accessibility import COLOURS, SHAPES, check_accessibility
from tests.browser.conftest import Problems, serving, window
from tests.databases import Database
from tests.portal.conftest import PASSWORD, Portal
from tests.portal.test_walk import ids_of, path, rules, somebody

NARROWEST = {"width": 320, "height": 256}
"""A window of 1280 by 1024 at 400 % zoom, which is as narrow as the narrowest telephone."""
NEW = "umbrella 42 gravel"


@pytest.fixture
def portal(database: Database) -> Portal:
    """A shop with its portal."""
    return Portal(database)


EXPECTED = "status of (410|422)"
"""What a link that is gone and a form that is not right are answered with, of which the console tells."""


@pytest.fixture
def visitor(portal: Portal, chromium: Browser) -> Iterator[Page]:
    """A window in which nobody has signed in. What goes wrong in it fails the test."""
    with serving(portal.app) as server:
        problems = Problems(server)
        problems.expect(EXPECTED)
        context = window(chromium, server, problems)
        yield context.new_page()
        context.close()
    assert not problems.found()


def sign_in(visitor: Page, email: str, password: str = PASSWORD) -> None:
    """Sign in by the form."""
    visitor.goto("/portal/sign-in/")
    visitor.get_by_label("Email address").fill(email)
    visitor.get_by_label("Password").fill(password)
    visitor.get_by_role("button", name="Sign in").click()


def check(visitor: Page) -> None:
    """Look at a page in light, in dark and as narrow as can be, where nothing runs off the side."""
    check_accessibility(visitor)
    visitor.emulate_media(color_scheme="dark")
    check_accessibility(visitor, None, COLOURS, " in dark")
    visitor.emulate_media(color_scheme="light")
    wide = visitor.viewport_size
    visitor.set_viewport_size(NARROWEST)
    assert visitor.evaluate("document.documentElement.scrollWidth") <= NARROWEST["width"], visitor.url
    check_accessibility(visitor, None, SHAPES, " when narrow")
    visitor.set_viewport_size(wide)


def pages(portal: Portal, **ids: int) -> list[str]:
    """The addresses of all pages."""
    found = [path(portal, rule, **ids) for rule in rules(portal, "GET")]
    return [here for here in found if not here.endswith(".pdf")]


def test_every_page_is_for_everybody(portal: Portal, visitor: Page) -> None:
    one = somebody(portal, first_name="Rashid")
    told: dict[str, Any] = {}
    seen = 0
    for here in ("/sign-in/", "/forgotten/", "/register/"):
        visitor.goto(f"/portal{here}")
        check(visitor)
    sign_in(visitor, portal.email(one))
    expect(visitor.get_by_role("heading", name="Hello Rashid")).to_be_visible()
    for here in pages(portal, **ids_of(portal, one)):
        answer = visitor.goto(f"/portal{here}")
        assert answer is not None
        told[here] = answer.status
        if answer.status == 200:
            check(visitor)
            seen += 1
    assert set(told.values()) <= {200, 410}, told
    assert seen > 20


def test_a_forgotten_password_is_chosen_anew(portal: Portal, visitor: Page) -> None:
    one = portal.customer(first_name="Rashid")
    visitor.goto("/portal/sign-in/")
    visitor.get_by_role("link", name="Forgotten your password?").click()
    visitor.get_by_label("Email address").fill(portal.email(one))
    visitor.get_by_role("button", name="Send link").click()
    expect(visitor.get_by_role("status")).to_contain_text("If there is an account with this email address")
    portal.work()
    visitor.goto(f"/portal{portal.link()[0]}")
    check(visitor)
    visitor.get_by_label("New password", exact=True).fill(NEW)
    visitor.get_by_label("Confirm new password").fill(NEW)
    visitor.get_by_role("button", name="Save password").click()
    expect(visitor.get_by_role("status")).to_contain_text("Password saved.")
    sign_in(visitor, portal.email(one), NEW)
    expect(visitor.get_by_role("heading", name="Hello Rashid")).to_be_visible()


def test_a_customer_keeps_their_addresses(portal: Portal, visitor: Page) -> None:
    one = portal.customer()
    sign_in(visitor, portal.email(one))
    visitor.get_by_role("link", name="Addresses").click()
    visitor.get_by_role("link", name="Add an address").click()
    visitor.get_by_role("button", name="Save address").click()
    check(visitor)
    visitor.get_by_label("Address line 1").fill("14 Canal Street")
    visitor.get_by_label("Town or city").fill("Leeds")
    visitor.get_by_label("Postcode").fill("LS2 9JT")
    visitor.get_by_role("button", name="Save address").click()
    expect(visitor.get_by_role("status")).to_contain_text("Address added.")
    (row,) = portal.rows(Address, Address.customer_id == one)
    assert (row.line1, row.is_primary) == ("14 Canal Street", True)
    visitor.get_by_role("button", name="Sign out").click()
    expect(visitor.get_by_role("heading", name="Sign in")).to_be_visible()
