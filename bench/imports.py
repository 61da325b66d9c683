"""Importing new customers, journalled and undoable, beside a bare bulk insert of such rows and their validation.

Both write to the same database in turn, so that both see the same machine and the same table. What is compared is the
action: the rows of ours were uploaded, mapped and tried before, through the pages; how long that took is told besides.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from actions.runs import runs
from bench.data import application
from demo import PASSWORD
from models.base import db
from models.choices import AccountType, CreatedVia, Status
from models.customer import Customer
from models.dialect import WRITE
from models.importing import ImportFile
from models.lookups import CustomerClass, SalesChannel
from models.run import Run, RunState
from models.validate import missing
from tests.application import Client

ROUNDS = 5
PEAK = Path("/proc/self/clear_refs")
HEADERS = {
    "First name": "first_name", "Last name": "last_name", "Email": "email", "Company name": "company_name",
    "Account code": "account_code", "Date of birth": "date_of_birth", "Class": "customer_class_id",
}  # fmt: skip
Values = dict[str, Any]


@dataclass(slots=True)
class Taken:
    """Seconds for all rows of all rounds, and how many megabytes the process grew while ours was at work or undone."""

    rows: int
    upload: float = 0
    mapping: float = 0
    trial: float = 0
    ours: float = 0
    bare: float = 0
    undo: float = 0
    grown: float = 0

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours / self.bare

    @property
    def undo_ratio(self) -> float:
        """How many times as long as the import its undo takes."""
        return self.undo / self.ours


def compare(url: str, rows: int) -> Taken:
    """Import ``rows`` new customers and insert as many in bulk, a fifth of them at a time in turn."""
    app = application(url)
    app.test_client_class = Client
    client = app.test_client()
    client.send("/login/", {"username": "admin", "password": PASSWORD})
    taken = Taken(rows)
    with app.app_context(), Session(db.engine) as session:
        named = session.execute(select(CustomerClass.name, CustomerClass.id))
        classes = {row.name: row.id for row in named}
        channel = session.scalar(select(SalesChannel.id).limit(1))
    stamp = f"{time.time_ns():x}"
    for number in range(ROUNDS):
        people = list(_people(rows // ROUNDS, f"i{stamp}{number}", list(classes)))
        _import(app, client, people, taken)
        people = list(_people(rows // ROUNDS, f"b{stamp}{number}", list(classes)))
        with app.app_context():
            taken.bare += timed(lambda found=people: _insert(found, classes, channel))  # type: ignore[misc]
    return taken


def _people(count: int, mark: str, classes: list[str]) -> Iterator[Values]:
    for n in range(count):
        yield {
            "First name": f"Ann{n % 97}", "Last name": f"Lee {n % 1013}", "Email": f"{mark}.{n}@example.com",
            "Company name": f"Vine & Barrel {n % 311}" if n % 3 else "", "Account code": f"{mark}-{n}".upper(),
            "Date of birth": dt.date(1950 + n % 50, 1 + n % 12, 1 + n % 28).isoformat(),
            "Class": classes[n % len(classes)],
        }  # fmt: skip


def _import(app: Flask, client: Any, people: list[Values], taken: Taken) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(HEADERS))
    writer.writeheader()
    writer.writerows(people)
    content = text.getvalue().encode()
    answers: list[Any] = []

    def send(path: str, data: Values) -> None:
        answers.append(client.send(path, data))
        if answers[-1].status_code != 302:
            raise SystemExit(f"{path} answered {answers[-1].status}")

    taken.upload += timed(
        lambda: send("/admin/customer/import/", {"file": (io.BytesIO(content), "people.csv")})
    )
    file_id = re.findall(r"id=(\d+)", answers[-1].location)[0]
    chosen = {f"column-{n}": name.removesuffix("_id") for n, name in enumerate(HEADERS.values())}
    taken.mapping += timed(lambda: send(f"/admin/customer/import/columns/?id={file_id}", chosen))
    taken.trial += timed(lambda: _work(app))
    before = settled()
    send(f"/admin/customer/import/apply/?id={file_id}", {})
    taken.ours += timed(lambda: _work(app))
    run_id = _applied(app, int(file_id), len(people))
    send(f"/admin/run/act/undo/?id={run_id}", {})
    taken.undo += timed(lambda: _work(app))
    taken.grown = max(taken.grown, memory("VmHWM") - before)
    _check_undone(app, run_id, people[0]["Email"])


def _applied(app: Flask, file_id: int, size: int) -> int:
    """Return the run that applied a file. :raises SystemExit: not all of it went through."""
    with app.app_context(), Session(db.engine) as session:
        file = session.get_one(ImportFile, file_id)
        if file.run is None or (file.run.state, file.run.done) != (RunState.DONE, size):
            raise SystemExit(f"the import did not go through: {file.created} created, {file.refused} refused")
        return file.run.id


def _check_undone(app: Flask, run_id: int, email: str) -> None:
    with app.app_context(), Session(db.engine) as session:
        back = session.scalars(select(Run).where(Run.undoes_id == run_id)).one()
        left = session.scalar(select(Customer.id).where(Customer.email == email))
        if back.state != RunState.DONE or left is not None:
            raise SystemExit(f"the undo did not go through: {back.refused} of {back.size} steps refused")


def _work(app: Flask) -> None:
    with app.app_context():
        while runs.process_next_run(db.engine, lambda: dt.datetime.now(dt.UTC), "bench"):
            pass


def _insert(people: list[Values], classes: dict[str, int], channel: int | None) -> None:
    """Check each row by the model's own rules, then insert them all by one statement; nobody could undo it."""
    now = dt.datetime.now(dt.UTC)
    with Session(db.engine.execution_options(**{WRITE: True})) as session, session.begin():
        session.execute(insert(Customer), [_checked(person, classes, channel, now) for person in people])


def _checked(person: Values, classes: dict[str, int], channel: int | None, now: dt.datetime) -> Values:
    values = {HEADERS[name]: text or None for name, text in person.items()}
    values["date_of_birth"] = dt.date.fromisoformat(person["Date of birth"])
    values |= {"customer_class_id": classes[person["Class"]], "sales_channel_id": channel, "currency": "GBP"}
    row = Customer(**values)
    row.derive()
    if wrong := {**row.problems(set(values)), **missing(row)}:
        raise SystemExit(f"{person} will not do: {wrong}")
    keys = ("email_key", "last_name_key", "first_name_key", "company_key")
    return {name: getattr(row, name) for name in (*values, *keys)} | {
        "status": Status.REGISTERED, "account_type": AccountType.RETAIL, "created_via": CreatedVia.BACK_OFFICE,
        "registered_at": now, "created_at": now, "updated_at": now, "version": 1,
    }  # fmt: skip


def timed(do: Callable[[], None]) -> float:
    """Return the seconds that something takes."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def settled() -> float:
    """Forget the most memory the process has held so far; return what it holds now, in megabytes."""
    PEAK.write_text("5")
    return memory("VmRSS")


def memory(which: str) -> float:
    """Return one of the figures that the system has of this process, in megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024
