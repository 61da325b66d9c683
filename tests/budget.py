"""What the tests may cost: processor seconds for each folder of tests, held to tests/budget.toml.

Each test is timed where it runs, and its report carries the time to the process that prints the results. The seconds
are those of a standard machine: each process measures a yardstick every few seconds, and a test counts for as much
less as the yardstick took longer. Only a whole and green run is judged, on a machine that does little else: where many
wait for a processor its caches are cold, and all takes more of it. ``--costs`` shows the costs of any.
"""

import os
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.scale import FULL
from tests.speed import STANDARD, processor_seconds, yardstick

SLACK = 1.25
DEAREST = 10
MEASURED_EVERY = 10.0
COST = "processor"
CLOSING = "closing"
CROWD = 2.5
"""So many for each processor are more than the tests themselves bring to wait for one."""
NOT_JUDGED = "Not held to the budget: much else ran on this machine."
RIG = "rig"
"""What the tests in no folder are called."""
SERVER = "postgresql"
"""What the server of all of them is called."""
A_BROWSER = 1.0
"""Seconds over which what ends with a process must have been a browser."""
CHROMIUM = "tests/browser/conftest.py::chromium"
"""What is counted when a process ends is its Chromium's, which takes most of what the tests of pages cost."""


@dataclass
class Costs:
    """What the tests of a run have cost, in standard seconds."""

    cases: Counter[str] = field(default_factory=Counter)
    here: float = 0.0
    server: float = 0.0

    def add(self, report: pytest.TestReport) -> None:
        """Count the part of a test that a report is about."""
        found: list[tuple[str, Any]] = report.user_properties
        for name, value in found:
            if name in (COST, CLOSING):
                seconds, speed = value
                self.cases[report.nodeid if name == COST else CHROMIUM] += seconds / speed
                self.here += seconds

    def add_server(self, seconds: float) -> None:
        """Count what PostgreSQL has used, at the speed that the tests had on the average."""
        self.server = seconds * sum(self.cases.values()) / self.here if self.here else 0.0

    def folders(self) -> dict[str, float]:
        """Return folder -> seconds, dearest first."""
        found = Counter({SERVER: self.server}) if self.server else Counter[str]()
        for case, seconds in self.cases.items():
            found[folder_of(case)] += seconds
        return dict(found.most_common())

    def lines(self) -> list[str]:
        """Return the costs as a table for people: the folders, and the dearest cases."""
        folders = self.folders()
        listed = [("all", sum(folders.values())), *folders.items(), *self.cases.most_common(DEAREST)]
        return [f"{seconds:8.1f} s  {name}" for name, seconds in listed]


def folder_of(case: str) -> str:
    """Return the folder of tests/ that a case stands in, however deep."""
    path = case.partition("::")[0].split("/")
    return path[1] if len(path) > 2 else RIG


def complaints(spent: Mapping[str, float], allowed: Mapping[str, float]) -> list[str]:
    """Return a sentence for each folder that costs over a quarter more than its figure, or has none."""
    said = [_too_dear(name, spent[name], allowed[name]) for name in spent if name in allowed]
    unknown = [f"{name} has no figure in tests/budget.toml." for name in spent if name not in allowed]
    return [sentence for sentence in said if sentence] + unknown


def _too_dear(folder: str, spent: float, allowed: float) -> str:
    if spent <= allowed * SLACK:
        return ""
    return (
        f"{folder} took {spent:.0f} processor seconds of the {allowed:.0f} in tests/budget.toml: make the tests "
        "cheaper, or raise the figure and say why (CONTRIBUTING, Tests)."
    )


def is_crowded() -> bool:
    """Whether others than the tests have kept this machine busy in the last minutes."""
    return os.getloadavg()[1] > CROWD * (os.cpu_count() or 1)


def read(file: Path) -> dict[str, float]:
    """Return folder -> seconds as the file says."""
    return dict(tomllib.loads(file.read_text(encoding="utf-8"))["seconds"])


class Meter:
    """Times the tests of this process."""

    def __init__(self) -> None:
        self._speed, self._measured, self._since = 1.0, float("-inf"), 0.0
        self._is_last = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, nextitem: pytest.Item | None) -> Generator[None, object, object]:
        """Begin to count, at the speed of this minute."""
        self._is_last = nextitem is None
        if time.monotonic() - self._measured > MEASURED_EVERY:
            self._speed, self._measured = yardstick() / STANDARD, time.monotonic()
        self._since = processor_seconds()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write into each report what has been used since the one before."""
        report, now = (yield), processor_seconds()
        kept = [(name, value) for name, value in report.user_properties if name not in (COST, CLOSING)]
        spent = now - self._since
        closes = self._is_last and call.when == "teardown" and spent > A_BROWSER
        report.user_properties = [*kept, (CLOSING if closes else COST, (spent, self._speed))]
        self._since = now
        return report


class Budget:
    """Adds up what the tests cost and holds a whole run to the budget."""

    def __init__(self, config: pytest.Config, server_seconds: Callable[[], float]) -> None:
        self._config, self._costs, self._said = config, Costs(), list[str]()
        self._server_seconds = server_seconds

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a report, of whichever process."""
        self._costs.add(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a whole run that costs too much."""
        self._costs.add_server(self._server_seconds())
        if not is_whole(self._config) or session.exitstatus != pytest.ExitCode.OK:
            return
        if is_crowded():
            self._said = [NOT_JUDGED]
            return
        self._said = complaints(self._costs.folders(), read(self._config.rootpath / "tests" / "budget.toml"))
        if self._said:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the costs."""
        if is_whole(self._config) or self._config.getoption("costs"):
            terminalreporter.section("processor seconds, as of a standard machine")
            self._tell(terminalreporter, [*self._costs.lines(), *self._said])

    def _tell(self, reporter: Any, lines: Iterable[str]) -> None:
        for line in lines:
            reporter.write_line(line, red=line in self._said)


def is_whole(config: pytest.Config) -> bool:
    """Whether nothing on the command line chose some of the tests, and they have their usual size."""
    chosen = (
        "keyword",
        "markexpr",
        "lf",
        "failedfirst",
        "stepwise",
        "deselect",
        "collectonly",
        "ignore",
        "maxfail",
    )
    if FULL:
        return False
    chose = any(config.getoption(name, None) for name in chosen)
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not chose


def add_option(parser: pytest.Parser) -> None:
    """Add ``--costs``."""
    parser.addoption(
        "--costs", action="store_true", help="show the processor seconds of the tests, by folder"
    )


def register(config: pytest.Config, server_seconds: Callable[[], float] = lambda: 0.0) -> None:
    """Time the tests in every process and add the times up in the one that prints.

    ``server_seconds`` tells what a server that serves all of them has used.
    """
    config.pluginmanager.register(Meter(), "budget-meter")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Budget(config, server_seconds), "budget")
