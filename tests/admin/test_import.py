"""Importing a file: uploaded, mapped, tried row by row without changing anything, applied as one run, undone."""

import io
import re
from typing import Any

from sqlalchemy import select

from actions import runs
from models.base import db
from models.customer import Customer
from models.importing import ImportFile
from models.lookups import CustomerClass
from tests import factories
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
        while runs.work_off(db.engine, shop.app.extensions["clientele"].clock, "test"):
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


def test_a_file_is_tried_applied_and_undone(shop: Shop):
    old = shop.make(factories.make_customer_class, name="Trade", free_tastings=1)
    before = shop.figures()
    text = f"id,Name,Free tastings,Discount\n{old.id},Trade,3,\n,Wholesale,2,12.5\n,,4,1\n"
    file_id = mapped(shop, "customer_class", text)
    assert counts(shop, file_id) == (1, 1, 0, 1)
    page = shop.client().get(f"/admin/customer_class/import/rows/?id={file_id}").get_data(as_text=True)
    assert "<del>1</del>" in page
    assert "This field is required." in page
    after = shop.figures()
    assert {t for t in after if after[t] != before[t]} == {"import_file", "import_row", "run"}
    apply(shop, "customer_class", file_id)
    with shop.look() as session:
        rows = session.execute(
            select(CustomerClass.name, CustomerClass.free_tastings, CustomerClass.discount)
        )
        assert sorted((n, f, str(d)) for n, f, d in rows) == [("Trade", 3, "0.00"), ("Wholesale", 2, "12.50")]
    run = shop.get(ImportFile, int(file_id)).run_id
    shop.client().send(f"/admin/run/act/undo/?id={run}", {"key": "x"})
    work(shop)
    with shop.look() as session:
        assert list(session.scalars(select(CustomerClass.name))) == ["Trade"]
        assert session.scalar(select(CustomerClass.free_tastings)) == 1


def test_customers_are_created_with_what_their_form_would_have_filled_in(shop: Shop):
    kind = shop.make(factories.make_customer_class, name="Gold")
    file_id = mapped(
        shop, "customer", "First name;Last name;Class;Email\nAnn;Lee;gold;ann@example.com\nBob;Ray;;\n"
    )
    assert counts(shop, file_id) == (2, 0, 0, 0)
    apply(shop, "customer", file_id)
    with shop.look() as session:
        ann = session.scalars(select(Customer).where(Customer.first_name == "Ann")).one()
        assert (ann.customer_class_id, ann.email, ann.currency, ann.status.value) == (
            kind.id,
            "ann@example.com",
            "GBP",
            "registered",
        )
