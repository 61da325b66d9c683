"""The budget of the tests: what is counted, and when a run fails for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import budget

ROOT = Path(__file__).resolve().parent.parent
WORK = """
import pytest
from tests.speed import yardstick

@pytest.mark.parametrize("number", range(4))
def test_work(number):
    assert yardstick() > 0
"""
CONFTEST = """
from tests import budget
budget.is_crowded = lambda: {crowded}
pytest_addoption = budget.add_option
pytest_configure = budget.register
"""


@pytest.mark.parametrize(
    ("case", "folder"),
    [
        ("tests/jobs/test_away.py::test_x", "jobs"),
        ("tests/admin/listing/test_filters.py::test_x[a/b]", "admin"),
        ("tests/test_app.py::test_x", "rig"),
    ],
)
def test_a_case_counts_for_the_folder_directly_under_tests(case: str, folder: str) -> None:
    assert budget.folder_of(case) == folder


def test_up_to_a_quarter_over_is_borne() -> None:
    assert budget.complaints({"jobs": 124.0, "rules": 1.0}, {"jobs": 100.0, "rules": 90.0}) == []
    [sentence] = budget.complaints({"jobs": 126.0}, {"jobs": 100.0})
    assert sentence.startswith("jobs took 126 processor seconds of the 100 ")


def test_a_new_folder_needs_a_figure() -> None:
    assert budget.complaints({"portal": 1.0}, {"jobs": 9.0}) == ["portal has no figure in tests/budget.toml."]


def test_each_folder_has_a_figure_and_each_figure_a_folder() -> None:
    cases = (path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))
    folders = set(map(budget.folder_of, cases))
    assert set(budget.read(ROOT / "tests" / "budget.toml")) == folders | {budget.SERVER}


def test_a_slow_machine_costs_no_more() -> None:
    costs = budget.Costs()
    for seconds, speed in ((1.0, 1.0), (3.0, 3.0)):
        report = pytest.TestReport("tests/jobs/test_away.py::x", ("", 0, ""), {}, "passed", None, "call")
        report.user_properties = [(budget.COST, (seconds, speed))]
        costs.add(report)
    costs.add_server(4.0)
    assert costs.folders() == {"jobs": 2.0, budget.SERVER: 2.0}


@pytest.fixture
def run(tmp_path: Path):
    """Run pytest on two folders of four small tests each, of which ``jobs`` may take so many seconds."""
    for folder in ("jobs", "rules"):
        (tmp_path / "checks" / folder).mkdir(parents=True)
        (tmp_path / "checks" / folder / f"test_{folder}.py").write_text(WORK)
    (tmp_path / "checks" / "conftest.py").write_text(CONFTEST.format(crowded=False))
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = checks\npythonpath = " + str(ROOT))
    (tmp_path / "tests").mkdir()

    def start(allowed: float, *arguments: str) -> subprocess.CompletedProcess[str]:
        figures = f"[seconds]\njobs = {allowed}\nrules = 100\n"
        (tmp_path / "tests" / "budget.toml").write_text(figures)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "xdist", *arguments]
        plain = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, text=True, check=False)

    return start


def test_a_whole_run_over_its_budget_fails_and_names_the_dearest(run) -> None:
    dear = run(0.001, "-n", "2")
    assert dear.returncode == 1
    assert "jobs took 0 processor seconds of the 0 in tests/budget.toml" in dear.stdout
    assert dear.stdout.count("s  checks/jobs/test_jobs.py::test_work[") == 4
    assert "rules took" not in dear.stdout


def test_a_run_on_a_crowded_machine_is_not_judged(run, tmp_path: Path) -> None:
    (tmp_path / "checks" / "conftest.py").write_text(CONFTEST.format(crowded=True))
    crowded = run(0.001)
    assert crowded.returncode == 0
    assert budget.NOT_JUDGED in crowded.stdout


@pytest.mark.parametrize(("waiting", "crowded"), [(2.4, False), (2.6, True)])
def test_a_machine_is_crowded_where_many_wait_for_a_processor(
    monkeypatch, waiting: float, crowded: bool
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("os.getloadavg", lambda: (0.0, waiting * 4, 0.0))
    assert budget.is_crowded() == crowded


def test_a_whole_run_within_its_budget_says_what_it_cost(run) -> None:
    cheap = run(100)
    assert cheap.returncode == 0
    assert "s  jobs\n" in cheap.stdout


@pytest.mark.parametrize("chosen", [["-k", "work"], ["checks/jobs", "--costs"]])
def test_a_part_of_a_run_is_not_judged(run, chosen: list[str]) -> None:
    part = run(0.001, *chosen)
    assert part.returncode == 0
    assert ("s  jobs\n" in part.stdout) == ("--costs" in chosen)
