"""Files on their way in, without the web: read already, tried and applied at a desk."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from actions.importing import importing
from actions.runs import runs
from actions.runs.parameters_json import pack
from models.base import Base, metadata
from models.dialect import PATIENCE, WRITE
from models.importing import ImportFile, ImportRow
from models.run import RunItem
from tests import factories
from tests.actions.desk import Desk

WORKPLACE = {"import_file", "import_row", "import_piece", "run"}


def file_of(
    desk: Desk,
    model: type[Base],
    rows: list[dict[str, Any]],
    defaults: dict[str, Any] | None = None,
    unread: dict[int, dict[str, str]] | None = None,
) -> int:
    """A file whose rows were read already: their values, with the record's id under ``id``; tried. Return its id.

    :param unread: place of a row -> what is wrong with those of its cells that could not be read.
    """
    desk.allow(importing.import_actions(model)[0], runs.undo_all)
    file = ImportFile(
        resource=model.__tablename__, name="file.csv", actor_id=desk.actor.id, created_at=desk.now,
        expires_at=desk.now + importing.KEPT, headers=["a"],
    )  # fmt: skip
    file_id = importing.store(desk.engine, file, _lines(desk, len(rows)))
    stored = desk.all(ImportRow, file_id=file_id)
    importing.begin(desk.engine, file_id, desk.now)
    importing.keep_values(
        desk.engine,
        [
            {
                "id": row.id,
                "row_id": given.get("id"),
                "given": pack({k: v for k, v in given.items() if k != "id"}),
                "errors": (unread or {}).get(n),
            }
            for n, (row, given) in enumerate(zip(stored, rows, strict=True))
        ],
    )
    plan = {"defaults": pack(defaults or {})}
    importing.try_rows(desk.engine, desk.call(), file_id, plan, lambda: desk.now)
    return file_id


def _lines(desk: Desk, count: int) -> Iterator[importing.Line]:
    """The lines of a file. While they are read, which takes a while, everybody else may write."""
    with desk.engine.execution_options(**{WRITE: True, PATIENCE: 100}).begin():
        pass
    yield from ((n + 2, ["x"], {}) for n in range(count))


def verdicts(desk: Desk, file_id: int) -> list[str]:
    """What the dry run says of each row."""
    return [row.verdict.value for row in desk.all(ImportRow, file_id=file_id) if row.verdict is not None]


def work(desk: Desk, worker: str = "one") -> None:
    """Work off everything that waits."""
    while runs.process_next_run(desk.engine, lambda: desk.now, worker):
        pass


def applied(desk: Desk, file_id: int, **how: Any) -> int:
    """Apply a file to its end; return the run."""
    run = importing.apply(desk.engine, desk.call(), file_id, **how)
    work(desk)
    return run


def results(desk: Desk, run: int) -> list[str]:
    """What became of each row, in order."""
    with desk.look() as session:
        wanted = select(RunItem.state).where(RunItem.run_id == run).order_by(RunItem.position)
        return [state.value for state in session.scalars(wanted)]


def figures(desk: Desk) -> dict[str, int | None]:
    """Rows in every table but those that an import works in."""
    tables = [t for t in metadata.sorted_tables if t.name not in WORKPLACE]
    with desk.look() as session:
        return {t.name: session.scalar(select(func.count()).select_from(t)) for t in tables}


def person(n: int, mark: str, **more: Any) -> dict[str, Any]:
    """The values of a new customer."""
    return {"first_name": f"Ann {n}", "last_name": mark, "email": f"{mark}{n}@example.com", **more}


def mark() -> str:
    """A name nobody else has, whatever number is put behind it."""
    return f"imported{factories.number()}x"
