"""``flask --app app new``: what it refuses, with which sentence, and that it writes all or nothing."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.tools.tree import ROOT
from tools.new import plan, writing
from tools.new.names import CannotWrite, Names, names_of
from tools.new.plan import Wanted, changed_files, new_files

COMPLAINT = Names("complaint", "complaints")


@pytest.mark.parametrize(
    ("noun", "plural"),
    [
        ("complaint", "complaints"), ("delivery", "deliveries"), ("day", "days"), ("box", "boxes"), ("wish", "wishes"), ("glass", "glasses"),
        ("wine_order", "wine_orders"), ("status", "statuses"), ("analysis", "analysises"),
    ],
)  # fmt: skip
def test_a_plural_is_the_regular_one(noun: str, plural: str) -> None:
    assert names_of(noun, "", ()).plural == plural


def test_an_irregular_plural_is_given() -> None:
    names = names_of("tasting_person", "tasting_people", ())
    assert (names.model, names.words, names.one) == ("TastingPerson", "tasting people", "a tasting person")
    assert names_of("offer", "", ()).one == "an offer"


@pytest.mark.parametrize(
    ("noun", "plural", "why"),
    [
        ("Complaint", "", "lower case"), ("wine order", "", "lower case"), ("wine__order", "", "lower case"), ("été", "", "lower case"),
        ("", "", "lower case"), ("../x", "", "lower case"), ("x" * 31, "", "30 characters"), ("wish", "Wishes", "lower case"),
        ("complaints", "", "looks like a plural"), ("people", "", "looks like a plural"), ("wine_data", "", "looks like a plural"),
        ("class", "", "word of Python"), ("order", "", "word of Python"), ("result", "", "word of Python"),
        ("note", "", "called note already"), ("visit", "notes", "called notes already"), ("sheep", "sheep", "must differ"),
    ],
)  # fmt: skip
def test_a_noun_that_will_not_do_is_refused(noun: str, plural: str, why: str) -> None:
    with pytest.raises(CannotWrite, match=why):
        names_of(noun, plural, {"note", "notes"})


def test_a_part_brings_what_it_needs_and_a_mail_needs_a_customer() -> None:
    whole = Wanted(COMPLAINT, customer=True, mail=True).complete()
    assert (whole.screen, whole.action, whole.job) == (True, True, False)
    assert set(new_files(Wanted(COMPLAINT))) == {"models/complaint.py"}
    with pytest.raises(CannotWrite, match="add --customer"):
        Wanted(COMPLAINT, mail=True).complete()


@pytest.mark.parametrize("customer", [True, False])
def test_whatever_is_written_is_python(customer: bool) -> None:
    wanted = Wanted(names_of("wine_offer", "", ()), customer=customer, job=True, mail=customer).complete()
    for path, text in new_files(wanted).items():
        assert "{%" not in text or "/mail/" in path
        if path.endswith(".py"):
            compile(text, path, "exec")


def test_a_language_without_words_for_it_is_named(tmp_path: Path) -> None:
    for folder in ("translations", "admin/request"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    wanted = Wanted(COMPLAINT, customer=True, mail=True).complete()
    assert len(changed_files(tmp_path, wanted)) == 3
    (tmp_path / "translations/it").mkdir()
    with pytest.raises(CannotWrite, match="language it"):
        changed_files(tmp_path, wanted)


def test_a_file_that_does_not_look_as_it_should_is_named(tmp_path: Path) -> None:
    (tmp_path / "admin/request").mkdir(parents=True)
    (tmp_path / plan.ROLES).write_text("SHIPPED_ROLES = {}\n")
    with pytest.raises(CannotWrite, match="no line that begins with _RECORDS"):
        changed_files(tmp_path, Wanted(COMPLAINT, screen=True))


def test_what_is_there_already_is_not_overwritten() -> None:
    with pytest.raises(CannotWrite, match=r"exist already: models/note\.py"):
        writing.prepared(ROOT, Wanted(Names("note", "jottings")))


def test_where_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("before")
    (tmp_path / "wall").write_text("a file where a folder is wanted")
    with pytest.raises(CannotWrite, match="Nothing was written"):
        writing.write(tmp_path, {"old": "after", "new": "text", "wall/file": "text"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "old": "before",
        "wall": "a file where a folder is wanted",
    }


@pytest.mark.either_database
def test_the_command_takes_no_noun_that_pages_or_tables_have(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: Any) -> Any:
        raise AssertionError("it went on")

    monkeypatch.setattr("tools.new.cli.prepared", refuse)
    for noun in ("note", "account", "sales_order", "staff", "palette"):
        told = app.test_cli_runner().invoke(args=["new", noun])
        assert told.exit_code == 1
        assert "already" in told.output


def test_the_product_does_not_import_it() -> None:
    product = [
        path
        for name in ("models", "actions", "jobs", "admin", "demo")
        for path in (ROOT / name).rglob("*.py")
    ]
    assert [path for path in product if "tools.new" in path.read_text()] == []
