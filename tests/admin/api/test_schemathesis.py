"""Schemathesis reads the description of the API and tries to prove it wrong: 20,000 cases on each kind of database.

All its checks are on, in every phase: the examples and the edges of each schema, random data that fits it and random data
that does not, and chains of requests that make a row, use it and delete it. Nothing leaves the process.
"""

import datetime as dt
import math
import os
import random
import re
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.transport.wsgi import WSGITransport

from models.loyalty import LoyaltyEntry, LoyaltyLot
from tests import application, factories
from tests.admin import stock
from tests.admin.conftest import RESOURCES, Shop, token
from tests.conftest import CI
from tests.databases import Database
from tests.scale import FULL, scaled

CASES = scaled(20_000, least=80)
DOCUMENT = "/api/v1/_openapi"
GROUPS = {
    "customers": (
        *("customer", "phone", "address", "note", "attribute_value", "external_id", "loyalty_entry"),
        *(
            "account_entry",
            "invoice",
            "credit_entry",
            "tasting_entry",
            "sales_order",
            "order_line",
            "shipment",
        ),
    ),
    "the rest": (),
}
NAMED = {resource for group in GROUPS.values() for resource in group}

# What a request that fits its schema may still be told, because no schema can say it: the row was saved since (412), or
# a rule about records says no (422): a row that is not there, a name that is taken, a date in the past. Which 422s
# these are is checked below. Signing in is counted (429). A missing If-Match is 428, which RFC 6585 made for it.
CHECKS = {
    "positive_data_acceptance": {
        "expected-statuses": ["2xx", "401", "403", "404", "409", "412", "422", "429"],
    },
    "missing_required_header": {"expected-statuses": ["428"]},
    "negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "415", "422", "428", "429"]
    },
    "not_a_server_error": {"expected-statuses": ["2xx", "4xx"]},
}
OF_THE_FORM = re.compile(
    r"Send |This field does not exist|Use \d+ characters or fewer|(choose|Enter) up to \d+ "
    r"|Enter a (whole number|number|date) such as|Invalid Choice|Not a valid"
)
"""Sentences for values of a wrong shape: a request that fits its schema must never be told one."""


@pytest.fixture
def hammered(database: Database) -> Shop:
    """A shop with a few rows of everything, all of them as the actions would have left them."""
    shop = Shop(application.make(database.url), database)
    shop.app.config["JWT_ACCESS_TOKEN_EXPIRES"] = dt.timedelta(
        days=1
    )  # a soak takes longer than a token lasts
    with shop.arrange() as session:
        stock.fill_everything(session, RESOURCES, rows=4)
        lots = {lot.entry_id for lot in session.query(LoyaltyLot)}
        for entry in session.query(LoyaltyEntry):
            if entry.points > 0 and entry.id not in lots:
                factories.make_loyalty_lot(session, entry=entry, points=entry.points)
    return shop


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of sockets from Werkzeug's client, which knows none; the engine's own probes pass them on."""
    send = WSGITransport.send

    def send_in_process(self: Any, case: Any, *, session: Any = None, **options: Any) -> Any:
        for name in ("max_redirects", "verify", "cert", "proxies"):
            options.pop(name, None)
        return send(self, case, session=session, **options)

    monkeypatch.setattr(WSGITransport, "send", send_in_process)


class Findings:
    """What the engine did and what it found."""

    def __init__(self) -> None:
        self.cases, self.problems = 0, list[str]()
        self.written: set[str] = set()

    def take(self, event: Any) -> None:
        """Note an event of the engine."""
        if isinstance(event, events.NonFatalError):
            self.problems.append(f"{event.label}: {event.info.format()}")
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            self._take_scenario(event.recorder, event.label)

    def _take_scenario(self, recorder: Any, label: str | None) -> None:
        self.cases += len(recorder.interactions)
        for case_id, nodes in recorder.checks.items():
            for node in nodes:
                if node.failure_info is not None:
                    failure = node.failure_info.failure
                    self._add(recorder, case_id, f"{label}: {node.name}: {failure.title}\n{failure.message}")
        for case_id, interaction in recorder.interactions.items():
            case, answer = recorder.cases[case_id].value, interaction.response
            if answer is None:
                continue
            if case.method != "GET" and answer.status_code < 300:
                self.written.add(case.operation.label)
            fits = case.meta is not None and case.meta.generation.mode.is_positive
            if fits and answer.status_code == 422 and OF_THE_FORM.search(answer.text):
                self._add(recorder, case_id, f"{label}: what fits the schema was refused for its shape")

    def _add(self, recorder: Any, case_id: str, what: str) -> None:
        found = recorder.interactions.get(case_id)
        answer = found.response if found else None
        said = f"{answer.status_code} {answer.text[:500]}" if answer else ""
        case = recorder.cases[case_id].value
        sent = f"{case.method} {case.path} {case.path_parameters} {case.query} {dict(case.headers or {})} {case.body!r}"
        self.problems.append(f"{what}\n  sent {sent[:1500]}\n  got {said}")


class Hammer:
    """The engine, aimed at some of the operations as one member of staff."""

    def __init__(self, shop: Shop, role: str, pattern: str) -> None:
        self.shop, self.pattern = shop, pattern
        self.seed = 1 if CI else random.randrange(2**32)
        self.headers = {"Authorization": f"Bearer {token(shop.app, role)}"}
        self.found = Findings()

    def schema(self, most: int, *phases: str, only: frozenset[str] | None = None) -> Any:
        """Return the description with the operations aimed at, or ``only`` some of them."""
        generation = {"max-examples": most, "no-shrink": not FULL, "database": "none", "deterministic": CI}
        every = ("examples", "coverage", "fuzzing", "stateful")
        config = SchemathesisConfig.from_dict(
            {
                "seed": self.seed,
                "headers": self.headers,
                "generation": generation,
                "checks": CHECKS,
                "continue-on-failure": True,
                "suppress-health-check": ["all"],
                "warnings": False,
                "cache": {"enabled": False},
                "phases": {name: {"enabled": name in phases} for name in every},
            }
        )
        found = schemathesis.openapi.from_wsgi(DOCUMENT, self.shop.app, config=config, headers=self.headers)
        return found.include(
            lambda ctx: self._aims_at(ctx.operation) and (only is None or ctx.operation.label in only)
        )

    def _aims_at(self, operation: Any) -> bool:
        return re.match(self.pattern, operation.path) is not None

    def run(self, schema: Any) -> None:
        """Let the engine do its work."""
        for event in from_schema(schema).execute():
            self.found.take(event)

    def hammer(self, cases: int) -> None:
        """Try the edges of the schemas for half of the cases, then random data for the rest."""
        operations = [found.ok() for found in self.schema(1).get_all_operations()]
        self.run(self.schema(1, "coverage", only=self._some(operations, cases // 2)))
        while self.found.cases < cases:
            self.seed += 1
            most = math.ceil((cases - self.found.cases) / len(operations))
            self.run(self.schema(most, "examples", "fuzzing", "stateful"))

    def _some(self, operations: list[Any], cases: int) -> frozenset[str]:
        """Return operations whose edges are about so many cases: all of them in a soak."""
        random.Random(self.seed).shuffle(operations)
        chosen: list[str] = []
        for operation in operations:
            size = 20 + 8 * len(list(operation.iter_parameters())) + 30 * len(operation.body)
            if FULL or size <= cases:
                chosen.append(operation.label)
                cases -= size
        return frozenset(chosen)


def pattern_of(group: str) -> str:
    """Return what the paths of a group look like; a resource nobody named is in the last."""
    if GROUPS[group]:
        return rf"^/api/v1/({'|'.join(GROUPS[group])})/"
    return rf"^/api/v1/(?!({'|'.join(sorted(NAMED))})/)"


def told(found: Findings, seed: int) -> str:
    """Return what was found in words, each kind once."""
    kinds: dict[str, str] = {}
    for problem in found.problems:
        kinds.setdefault(problem.partition("\n")[0], problem)
    text = f"seed {seed}, {len(found.problems)} problems of {len(kinds)} kinds\n\n" + "\n\n".join(
        kinds.values()
    )
    if path := os.environ.get("SCHEMATHESIS_REPORT"):
        with open(path, "a") as report:
            report.write(text)
    return text


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("group", GROUPS)
def test_schemathesis_finds_nothing(hammered: Shop, group: str) -> None:
    hammer = Hammer(hammered, "Admin", pattern_of(group))
    everything = Hammer(hammered, "Admin", "").schema(1)
    ours = len(list(hammer.schema(1).get_all_operations()))
    hammer.hammer(math.ceil(CASES * ours / len(list(everything.get_all_operations()))))
    assert not hammer.found.problems, told(hammer.found, hammer.seed)
    assert hammer.found.written, "not one request of so many was good enough to change anything"
