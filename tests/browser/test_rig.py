"""The watched page sees what a person would complain about."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import check_accessibility
from tests.browser.conftest import Problems


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('broken')", "broken"),
        ("setTimeout(() => { throw new Error('thrown') })", "thrown"),
        ("fetch('/nowhere/')", "404"),
        (
            "document.body.append(Object.assign(new Image(), {src: 'https://elsewhere.test/x.png'}))",
            "elsewhere",
        ),
        ("setTimeout(() => { window.open('http://elsewhere.test/') })", "elsewhere"),
        (
            "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')",
            "Content Security Policy",
        ),
        (
            "document.body.append(Object.assign(document.createElement('script'), {text: 'x'}))",
            "Security Policy",
        ),
    ],
)
def test_a_problem_is_noticed(page: Page, problems: Problems, script: str, complaint: str) -> None:
    page.goto("/login/")
    assert problems.found() == []
    page.evaluate(f"() => {{ {script} }}")
    with page.expect_event("console", lambda message: message.text == "a last word"):
        page.evaluate("() => setTimeout(() => console.info('a last word'), 200)")
    assert any(complaint in text for text in problems.found())
    problems.expect(".")


def test_an_expected_problem_passes(page: Page, problems: Problems) -> None:
    problems.expect("404")
    page.goto("/nowhere/")


def test_accessibility_names_the_element(page: Page) -> None:
    page.goto("/login/")
    page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<input id=nameless>')")
    with pytest.raises(AssertionError, match="#nameless"):
        check_accessibility(page)


def test_a_page_can_be_signed_in(page_as: Callable[[str], Page], server: str) -> None:
    page = page_as("Support")
    assert page.url == f"{server}/admin/"
