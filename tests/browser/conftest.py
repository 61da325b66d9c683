"""A served application and a watched page. Errors, refused content and requests elsewhere fail the test."""

import logging
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    Route,
    sync_playwright,
)
from werkzeug.serving import make_server

from tests import application
from tests.conftest import unavailable

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A refused style or script is an event, not always a line in the console.
REPORT_REFUSED = """document.addEventListener('securitypolicyviolation', (event) => {
    console.error(`refused by the content security policy: ${event.violatedDirective} ${event.blockedURI}`);
});"""
SECONDS = 10


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that ``-m "not browser"`` leaves them out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture
def database_kind() -> str:
    """What a browser shows does not depend on the database: SQLite is enough here."""
    return "sqlite"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all browser tests of a worker."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        unavailable("no Chromium: install it or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server(app: Flask) -> Iterator[str]:
    """The application served on a free port; the value is its address, without a slash at the end."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    served = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, name="server")
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()


class Problems:
    """What went wrong in the pages of one test. ``expect`` names what the test means to provoke."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._found: list[str] = []
        self._expected: list[re.Pattern[str]] = []

    def expect(self, pattern: str) -> None:
        """Let pass what matches, for example ``expect("409")`` before saving a stale form."""
        self._expected.append(re.compile(pattern))

    def found(self) -> list[str]:
        """Everything that went wrong and was not expected."""
        return [text for text in self._found if not any(pattern.search(text) for pattern in self._expected)]

    def watch(self, context: BrowserContext) -> None:
        """Listen to every page of the context, those opened later included."""
        context.add_init_script(REPORT_REFUSED)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._found.append(f"script error: {error.error}"))
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failure)
        context.route(re.compile("^(?!data:|blob:)"), self._keep_home)

    def _keep_home(self, route: Route) -> None:
        if route.request.url.startswith(self._home + "/"):
            route.continue_()
        else:
            self._found.append(f"request to elsewhere: {route.request.url}")
            route.abort()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self._found.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self._found.append(f"{response.status} from {response.url}")

    def _on_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page left while it loaded, or a download
            self._found.append(f"{request.failure}: {request.url}")


@pytest.fixture
def problems(server: str) -> Problems:
    """The log that ``page`` is checked against when the test ends."""
    return Problems(server)


@pytest.fixture
def context(chromium: Browser, server: str, problems: Problems) -> Iterator[BrowserContext]:
    """A private window of 1280 by 800 with no cookies; relative addresses go to ``server``."""
    context = chromium.new_context(base_url=server, viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.set_default_timeout(SECONDS * 1000)
    problems.watch(context)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, problems: Problems) -> Iterator[Page]:
    """A signed-out page. The test fails at its end when the page logged an error, broke the content security
    policy, got a 5xx or asked another host for anything."""
    page = context.new_page()
    yield page
    found = problems.found()
    assert not found, "the page had problems:\n" + "\n".join(found)


@pytest.fixture
def page_as(page: Page) -> Callable[[str], Page]:
    """``page_as("Support")`` signs the page in, through the form, as staff with that shipped role."""

    def sign_in(role: str) -> Page:
        page.goto("/login/")
        page.fill("[name=username]", application.USERNAMES[role])
        page.fill("[name=password]", application.PASSWORD)
        with page.expect_navigation():
            page.locator("form:has([name=password]) [type=submit]").first.click()
        return page

    return sign_in
