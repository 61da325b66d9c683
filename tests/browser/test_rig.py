"""The watched page sees what a person would complain about."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Request

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


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_window_keeps_nothing_of_the_test_before_but_files(
    page: Page, context: BrowserContext, time: str
) -> None:
    fetched: list[str] = []
    assert context.cookies() == []
    assert len(context.pages) == 1
    page.goto("/login/")
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    page.evaluate("localStorage.setItem('theme', 'dark'); sessionStorage.setItem('theme', 'dark')")
    context.add_cookies([{"name": "kept", "value": "1", "url": page.url}])
    page.on("requestfinished", lambda request: fetched.append(request.url) if _came(request) else None)
    context.new_page().goto("/login/")
    page.goto("/login/?next=/admin/note/")
    assert [url for url in fetched if "/static/" in url] == []


def _came(request: Request) -> bool:
    """Whether anything came over the wire."""
    answer = request.response()
    return answer is not None and request.sizes()["responseBodySize"] > 0
