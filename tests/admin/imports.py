"""Somebody at work with files: uploads them, has them tried and applied, and looks at what came of it."""

import io
import re
from typing import Any

from sqlalchemy import select

from actions.runs import runs
from models.base import db
from models.importing import ImportFile, ImportRow
from tests.admin.conftest import Shop
from tests.admin.pages import page_of


def upload(
    shop: Shop, resource: str, content: str | bytes, role: str = "Admin", name: str = "file.csv"
) -> Any:
    """Upload a file; return the answer."""
    data = content.encode() if isinstance(content, str) else content
    return shop.client(role).send(f"/admin/{resource}/import/", {"file": (io.BytesIO(data), name)})


def mapped(shop: Shop, resource: str, content: str | bytes, role: str = "Admin", **chosen: str) -> str:
    """Upload a file and try it by the mapping that is proposed, save for what is ``chosen``; return the file's id."""
    answer = upload(shop, resource, content, role)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    form = page_of(shop.client(role).get(answer.location)).form(f"/admin/{resource}/import/columns/")
    tried = shop.client(role).post(form.action, data=form.filled(**chosen))
    assert tried.status_code == 302, tried.get_data(as_text=True)
    return re.search(r"id=(\d+)", tried.location)[1]


def work(shop: Shop) -> None:
    """Work off every run that waits."""
    with shop.app.app_context():
        while runs.process_next_run(db.engine, shop.app.extensions["clientele"].clock, "test"):
            pass


def counts(shop: Shop, file_id: str) -> tuple[int, int, int, int]:
    """How many rows would be created, changed, left alone, refused."""
    file = shop.get(ImportFile, int(file_id))
    return file.created, file.changed, file.unchanged, file.refused


def apply(shop: Shop, resource: str, file_id: str, role: str = "Admin", **chosen: str) -> Any:
    """Apply a file and work it off; return the answer."""
    answer = shop.client(role).send(f"/admin/{resource}/import/apply/?id={file_id}", chosen)
    work(shop)
    return answer


def verdicts(shop: Shop, file_id: str) -> list[Any]:
    """What the dry run says of each row: the verdict, or why it is refused."""
    with shop.look() as session:
        rows = session.scalars(
            select(ImportRow).where(ImportRow.file_id == int(file_id)).order_by(ImportRow.position)
        )
        return [row.errors or row.verdict.value for row in rows]
