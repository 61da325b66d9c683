"""A served application and a watched page. Errors, refused content and requests elsewhere fail the test."""

import logging
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from models.customer import Customer
from tests import application
from tests.browser import people
from tests.conftest import unavailable
from tests.databases import Database

NAMES = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
)  # fmt: skip
"""Where there are several the first is taken: Chromium without its own windows starts and runs in less time."""
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # routing instead would switch the cache off
]
# A refused style or script is an event, not always a line in the console.
REPORT_REFUSED = """document.addEventListener('securitypolicyviolation', (event) => {
    console.error(`refused by the content security policy: ${event.violatedDirective} ${event.blockedURI}`);
});"""
SECONDS = 10
expect.set_options(timeout=SECONDS * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that ``-m "not browser"`` leaves them out."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker("browser")


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    """What a browser shows does not depend on the database: SQLite is enough, unless a test names another kind."""
    return str(getattr(request, "param", "sqlite"))


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


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an application on a free port; yield its address, without a slash at the end."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    served = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.1}, name="server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.server_port}"
    finally:
        served.shutdown()
        thread.join()
        served.server_close()


@pytest.fixture(scope="session")
def _served() -> Iterator[Callable[[Flask], str]]:
    known: dict[int, str] = {}
    with ExitStack() as stack:

        def find(app: Flask) -> str:
            if id(app) not in known:
                known[id(app)] = stack.enter_context(serving(app))
            return known[id(app)]

        yield find


@pytest.fixture
def server(app: Flask, _served: Callable[[Flask], str]) -> str:
    """The application under test, served; the value is its address, the same for all tests of a worker."""
    return _served(app)


@contextmanager
def writing(database: Database) -> Iterator[Session]:
    """Yield a session in which the factories work; what they made is committed."""
    with database.connect() as connection, Session(connection, expire_on_commit=False) as session:
        yield session
        session.flush()


@pytest.fixture
def arrange(database: Database) -> Callable[[], AbstractContextManager[Session]]:
    """``with arrange() as session:`` puts rows there before, or looks at what is there after."""
    return lambda: writing(database)


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

    def begin(self) -> None:
        """Forget what was found and expected before: another test starts in the same window."""
        self._found.clear()
        self._expected.clear()

    def watch(self, context: BrowserContext) -> None:
        """Listen to every page of the context, those opened later included."""
        context.add_init_script(REPORT_REFUSED)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._found.append(f"script error: {error.error}"))
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failure)
        context.on("request", self._on_request)

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self._home + "/", "data:", "blob:")):
            self._found.append(f"request to elsewhere: {request.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self._found.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self._found.append(f"{response.status} from {response.url}")

    def _on_failure(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page left while it loaded, or a download
            self._found.append(f"{request.failure}: {request.url}")


def window(chromium: Browser, server: str, problems: Problems, **options: Any) -> BrowserContext:
    """Open a private window of 1280 by 800 with no cookies; relative addresses go to ``server``."""
    given = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
    context = chromium.new_context(base_url=server, **given)
    context.set_default_timeout(SECONDS * 1000)
    problems.watch(context)
    return context


def sign_in(context: BrowserContext, role: str) -> None:
    """Sign a window in without showing the form: a test about something else need not wait for it."""
    token = application.TOKEN.search(context.request.get("/login/").text())
    assert token, "no CSRF token in the sign-in form"
    form = {"csrf_token": token[1], "username": application.USERNAMES[role], "password": application.PASSWORD}
    answer = context.request.post("/login/", form=form, max_redirects=0)
    assert answer.status == 302, f"{role} could not sign in: {answer.status}"


class Desktop:
    """A window that tests sit at one after the other, so that Chromium fetches and reads each script and style once."""

    def __init__(self, chromium: Browser, server: str) -> None:
        self._server, self.problems = server, Problems(server)
        self.context = window(chromium, server, self.problems)

    def begin(self) -> None:
        """Forget what went wrong before."""
        self.problems.begin()

    def clear(self) -> None:
        """Leave nothing of a test: no page, no cookie, nothing that scripts have kept."""
        kept = {
            "origin": self._server,
            "storageTypes": "local_storage,indexeddb,cache_storage,service_workers",
        }
        for page in self.context.pages[:1]:
            self.context.new_cdp_session(page).send("Storage.clearDataForOrigin", kept)
        for page in self.context.pages:
            page.close()
        self.context.clear_cookies()


@pytest.fixture(scope="session")
def _desktops(chromium: Browser) -> Iterator[Callable[[str], Desktop]]:
    known: dict[str, Desktop] = {}

    def find(server: str) -> Desktop:
        if server not in known:
            known[server] = Desktop(chromium, server)
        return known[server]

    yield find
    for desktop in known.values():
        desktop.context.close()


@pytest.fixture
def desktop(server: str, _desktops: Callable[[str], Desktop]) -> Iterator[Desktop]:
    """The window of this worker, cleared."""
    found = _desktops(server)
    found.begin()
    yield found
    found.clear()


@pytest.fixture
def problems(desktop: Desktop) -> Problems:
    """The log that ``page`` is checked against when the test ends."""
    return desktop.problems


@pytest.fixture
def context(desktop: Desktop) -> BrowserContext:
    """A window with no cookies."""
    return desktop.context


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

    def through_the_form(role: str) -> Page:
        page.goto("/login/")
        page.fill("[name=username]", application.USERNAMES[role])
        page.fill("[name=password]", application.PASSWORD)
        with page.expect_navigation():
            page.locator("form:has([name=password]) [type=submit]").first.click()
        return page

    return through_the_form


@pytest.fixture
def desk(page: Page, context: BrowserContext) -> Page:
    """A page at which a manager sits, signed in."""
    sign_in(context, "Manager")
    return page


@pytest.fixture
def shop(arrange: Callable[[], AbstractContextManager[Session]]) -> dict[str, Customer]:
    """The people of ``people.fill``, by name."""
    with arrange() as session:
        return people.fill(session)


@pytest.fixture
def colleague(chromium: Browser, server: str, problems: Problems, page: Page) -> Iterator[Page]:
    """A page in another window, at which somebody of support sits, signed in; watched like ``page``."""
    context = window(chromium, server, problems)
    sign_in(context, "Support")
    yield context.new_page()
    context.close()
