"""Files imported from the command line, as a member of staff would on the pages (rule 15.20)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from admin.importing import budget
from models.address import Address
from models.customer import Customer
from models.importing import ImportFile, ImportState
from models.journal import Changeset
from models.lookups import CustomerClass
from models.phone import Phone
from models.run import Run, RunState
from tests.admin.conftest import Shop

PEOPLE = (
    "First name,Surname,Email,Mobile,Address 1,Town,Postcode,Shoe size\n"
    "Ann,Lee,ann@example.com,07700 900123,1 Mill Lane,Leeds,LS2 9JT,4\n"
    "Bob,Ray,bob@example.com,07700 900124,2 Mill Lane,Leeds,LS2 9JT,9\n"
)


class Shell:
    """Somebody at the command line, with files beside them."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop, self.folder = shop, folder

    def file(self, content: str | bytes, name: str = "people.csv") -> str:
        """Write a file; return its path."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def map(self, value: Any) -> str:
        """Write a mapping; return its path."""
        return self.file(value if isinstance(value, str) else json.dumps(value), "map.json")

    def run(self, *words: str, code: int = 0, who: str = "admin") -> str:
        """Run ``flask import``; return what it printed."""
        done = self.shop.app.test_cli_runner().invoke(args=["import", *words, "--as", who])
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    def count(self, model: Any) -> int:
        """The rows of a table."""
        with self.shop.look() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def shell(shop: Shop, tmp_path: Path) -> Shell:
    return Shell(shop, tmp_path)


@pytest.mark.both_databases
def test_a_good_file_is_imported_to_its_end_with_phones_and_addresses(shell: Shell):
    told = shell.run("customer", shell.file(PEOPLE))
    assert "Not imported: Shoe size." in told
    assert "2 created, 0 changed, 0 unchanged, 0 refused." in told
    assert (shell.count(Customer), shell.count(Phone), shell.count(Address)) == (2, 2, 2)
    with shell.shop.look() as session:
        run = session.scalars(select(Run).where(Run.action == "customer.import")).one()
        assert (run.state, run.done, run.refused) == (RunState.DONE, 2, 0)
        assert session.scalars(select(Changeset.run_id).where(Changeset.run_id == run.id)).all()
        assert f"Background job {run.id}. It can be undone there." in told
    told = shell.run("customer", shell.file(PEOPLE), "--match", "email")
    assert "0 created, 0 changed, 2 unchanged, 0 refused." in told
    assert "Nothing was imported." in told


@pytest.mark.both_databases
def test_a_dry_run_writes_nothing_and_says_what_would_happen(shell: Shell):
    kept = frozenset({"import_file", "import_row", "run"})
    before = shell.shop.figures(kept)
    told = shell.run("customer", shell.file(PEOPLE), "--dry-run")
    assert "2 created, 0 changed, 0 unchanged, 0 refused." in told
    assert shell.shop.figures(kept) == before
    with shell.shop.look() as session:
        assert session.scalars(select(ImportFile)).one().state == ImportState.TRIED


def test_bad_rows_are_named_by_line_and_column_and_the_others_go_on(shell: Shell):
    bad = PEOPLE.replace("LS2 9JT,9", "NOWHERE,9").replace("07700 900124", "12")
    told = shell.run("customer", shell.file(bad), "--dry-run", code=1)
    assert "1 created, 0 changed, 0 unchanged, 1 refused." in told
    assert "Line 3, Bob Ray: Mobile (Phone, mobile) “12”: Enter a phone number" in told
    assert "Postcode (Primary address: postcode) “NOWHERE”: " in told
    assert shell.count(Customer) == 0
    assert "Nothing was imported." in shell.run("customer", shell.file(bad), "--whole", code=1)
    assert shell.count(Customer) == 0
    assert "1 created, 0 changed, 0 unchanged, 1 refused." in shell.run("customer", shell.file(bad), code=1)
    assert (shell.count(Customer), shell.count(Address)) == (1, 1)
    many = "First name,Email\n" + "Ann,none\n" * 25
    told = shell.run("customer", shell.file(many), code=1)
    assert (told.count("Line "), "More rows were refused." in told) == (20, True)


@pytest.mark.parametrize("long", [False, True])
def test_a_mapping_says_which_column_goes_where(shell: Shell, long: bool):
    fields = {"A": "first_name", "B": "email", "C": "primary_address.line1"}
    given = {"fields": fields, "match": "email", "clear_empty": False, "month_first": None, "figures": None}
    path = shell.map(given if long else fields)
    told = shell.run("customer", shell.file("A,B,C,D\nAnn,ann@example.com,1 Mill Lane,x\n"), "--map", path)
    assert "Not imported: D." in told
    assert "1 created" in told
    again = shell.file("A,B,C,D\nAnna,ann@example.com,2 Mill Lane,x\n")
    assert ("1 changed" if long else "1 refused") in shell.run(
        "customer", again, "--map", path, code=0 if long else 1
    )


BAD = [
    ({"Frist name": "first_name"}, "The file has no column Frist name. Is it First name?"),
    ({"First name": "frist_name"}, "There is no field frist_name. Is it first_name?"),
    ({"First name": "points"}, "There is no field points."),
    ({"First name": "email", "Surname": "email"}, "Two columns are mapped to the same field. Check Surname."),
    ({"First name": "id"}, "Numbers from another system would change the wrong records."),
    ({"fields": {"First name": "first_name"}, "match": "email"}, "has no column mapped to it"),
    (
        {"fields": {"First name": "first_name"}, "match": "first_name"},
        "Records cannot be matched by first_name",
    ),
    ({"fields": {"First name": "first_name"}, "colour": "red"}, "The mapping has no colour."),
    (
        {"fields": {"First name": "first_name"}, "clear_empty": "yes"},
        "clear_empty of the mapping cannot be read.",
    ),
    ({"First name": 7}, "fields of the mapping cannot be read."),
    ("[]", "The mapping is not an object"),
    ("{", "The mapping is not JSON."),
]


def test_a_mapping_that_does_not_fit_is_refused_before_anything_is_read(shell: Shell):
    for mapping, words in BAD:
        told = shell.run("customer", shell.file(PEOPLE), "--map", shell.map(mapping), code=2)
        assert words in " ".join(told.split())
    assert shell.count(Run) == 0


def test_headings_that_mean_nothing_and_files_that_are_none_are_refused(shell: Shell):
    told = shell.run("customer", shell.file("Colour,Shoe size\nred,4\n"), code=2)
    assert "Choose a field for at least one column." in told
    for content, words in (
        (b"", "This file is empty."),
        (b"%PDF-1.7", "This is not a CSV or XLSX file."),
        (b"First name\n", "no rows"),
        (b"First name\nB\xe9a\n", "does not say which encoding it uses"),
    ):
        assert words in shell.run("customer", shell.file(content), code=1)
    assert "does not exist" in shell.run("customer", str(shell.folder / "gone.csv"), code=2)
    assert shell.count(Customer) == 0


def test_who_imports_must_be_staff_with_the_permission(shell: Shell):
    path = shell.file(PEOPLE)
    assert "no active member of staff has that name" in shell.run("customer", path, code=2, who="nobody")
    assert "do not have permission" in shell.run("customer", path, code=1, who="support")
    assert "customers can be imported. Is it customer?" in shell.run("customers", path, code=1)
    assert "No list called loyalty_entry can be imported." in shell.run("loyalty_entry", path, code=1)
    assert shell.count(Customer) == 0


def test_columns_that_are_not_for_who_imports_are_left_out_or_refused_by_name(shell: Shell):
    told = shell.run("customer", shell.file(PEOPLE), "--dry-run", who="backoffice")
    assert "Not imported: Mobile, Shoe size." in told
    path = shell.map({"First name": "first_name", "Mobile": "phones.mobile.number"})
    told = shell.run("customer", shell.file(PEOPLE), "--map", path, code=2, who="backoffice")
    assert "There is no field phones.mobile.number." in told


def test_any_list_that_can_be_imported_can_be_so_here(shell: Shell):
    told = shell.run("customer_class", shell.file("Name,Discount\nGold,7.5%\nSilver,x\n"), code=1)
    assert "1 created, 0 changed, 0 unchanged, 1 refused." in told
    assert shell.count(CustomerClass) == 1


def test_a_command_takes_more_rows_than_a_page(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    assert budget.COMMAND.rows == 1_000_000
    lines = "".join(f"Class {n}\n" for n in range(300))
    limited = budget.Limits(rows=299)
    monkeypatch.setattr("admin.site.file_import.COMMAND", limited)
    assert "more than 299 rows" in shell.run("customer_class", shell.file("Name\n" + lines), code=1)
    monkeypatch.setattr("admin.site.file_import.COMMAND", budget.Limits(rows=300))
    assert "300 created" in shell.run("customer_class", shell.file("Name\n" + lines), "--dry-run")
