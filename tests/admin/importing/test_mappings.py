"""Mappings kept by name: offered again, replaced and deleted by whoever saved them (rule 15.10)."""

from typing import Any

import pytest
from sqlalchemy import select

from admin.importing import mapping
from admin.viewmodels.spreadsheets import RECORD_NUMBER
from models.base import Staff
from models.customer import Customer
from models.importing import ImportMapping
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.imports import mapped, upload, verdicts
from tests.admin.pages import page_of


def test_a_mapping_is_kept_under_its_name_and_offered_for_the_same_headings(shop: Shop):
    text = "Vorname,Nachname,Notiz\nAnn,Lee,x\n"
    mapped(shop, "customer", text, **{"column-0": "first_name", "column-1": "last_name", "save_as": "Fair"})
    proposed = page_of(shop.client().get(upload(shop, "customer", text).location))
    form = proposed.form("/admin/customer/import/columns/?id=2")
    assert (form.fields["column-0"], form.fields["column-1"], form.fields["column-2"]) == (
        "first_name",
        "last_name",
        "",
    )
    mapped(shop, "customer", text, **{"column-0": "title", "save_as": " FAIR "})
    with shop.look() as session:
        kept = session.scalars(select(ImportMapping)).one()
        assert (kept.fields["Vorname"], kept.version) == ("title", 2)
    other = upload(shop, "customer", "Nachname\nLee\n").location
    chosen = page_of(shop.client().get(f"{other}&mapping={kept.id}")).form("/admin/customer/import/columns/")
    assert chosen.fields["column-0"] == "last_name"
    assert shop.client().get(f"{other}&mapping=99").status_code == 400


@pytest.mark.either_database
@pytest.mark.parametrize("heading", ["Points expiry emails", "Mail before points lapse", "lapse_warnings"])
def test_a_heading_that_an_earlier_release_wrote_finds_its_field(shop: Shop, heading: str):
    page = page_of(shop.client().get(upload(shop, "customer", f"First name,{heading}\nAnn,no\n").location))
    form = page.form("/admin/customer/import/columns/")
    assert form.fields["column-1"] == "expiry_notices"


NAMES = "Vorname,Nachname,Notiz\nAnn,Lee,x\n"
AS_NAMES = {"column-0": "first_name", "column-1": "last_name"}


def mappings(shop: Shop) -> list[tuple[str, str]]:
    """(owner's user name, name) of every saved mapping."""
    with shop.look() as session:
        rows = session.scalars(select(ImportMapping).order_by(ImportMapping.id))
        return [(row.owner.username, row.name) for row in rows]


def test_a_mapping_keeps_how_figures_and_dates_are_read_for_files_that_do_not_tell(shop: Shop):
    lines = "First name,Birthday,Credit limit,Discount\nAnn,{},{}\n"

    def proposed(*row: str) -> tuple[str | None, str]:
        where = upload(shop, "customer", lines.format(*row)).location
        form = page_of(shop.client().get(where)).form("/admin/customer/import/columns/")
        return form.fields.get("days"), form.fields["figures"]

    in_doubt = ("03/04/1980", "1.234,")
    assert proposed(*in_doubt) == ("day", "en")
    mapped(shop, "customer", lines.format(*in_doubt), days="month", figures="de", save_as="Fair")
    assert proposed(*in_doubt) == ("month", "de")
    assert proposed("31/12/1980", '"1,234.50",') == ("day", "en"), "the file itself goes first"
    assert proposed("1980-12-31", "5,") == ("month", "de"), "and is not in doubt where it says nothing"
    mapped(shop, "customer", lines.format("1980-12-31", "5,"), save_as="Fair")
    assert proposed(*in_doubt) == ("month", "de"), "saved again it is not forgotten"


def test_a_mapping_is_replaced_by_its_name_and_deleted_on_the_page_that_offers_it(shop: Shop):
    mapped(shop, "customer", NAMES, **AS_NAMES, save_as="Fair")
    assert "The mapping Fair was saved." in shop.client().get("/admin/customer/").get_data(as_text=True)
    file_id = mapped(shop, "customer", NAMES, **AS_NAMES, save_as="fair")
    assert "The mapping fair was replaced." in shop.client().get("/admin/customer/").get_data(as_text=True)
    assert mappings(shop) == [("admin", "fair")]
    page = page_of(shop.client().get(f"/admin/customer/import/columns/?id={file_id}"))
    form = page.form("/admin/customer/import/mapping/delete/")
    answer = shop.client().post(form.action, data=form.fields, follow_redirects=True)
    assert answer.request.path == "/admin/customer/import/columns/"
    assert "The mapping fair was deleted." in answer.get_data(as_text=True)
    assert mappings(shop) == []
    again = shop.client().post(form.action, data=form.fields, follow_redirects=True)
    assert again.status_code == 200
    assert "Mapping not found." in again.get_data(as_text=True)


def test_two_people_may_give_the_same_name_and_each_keeps_what_is_theirs(shop: Shop):
    mapped(shop, "customer", NAMES, **AS_NAMES, save_as="Fair")
    mapped(shop, "customer", NAMES, "Manager", **{"column-0": "title"}, save_as="Fair")
    assert mappings(shop) == [("admin", "Fair"), ("manager", "Fair")]
    with shop.look() as session:
        theirs, own = session.scalars(select(ImportMapping).order_by(ImportMapping.id))
    where = upload(shop, "customer", NAMES, "Manager").location
    page = page_of(shop.client("Manager").get(where))
    assert page.form("/admin/customer/import/columns/?id=").fields["column-0"] == "title", (
        "their own comes first"
    )
    assert "Fair, by " in page.text
    used = page_of(shop.client("Manager").get(f"{where}&mapping={theirs.id}"))
    assert used.form("/admin/customer/import/columns/?id=").fields["column-0"] == "first_name"
    forget = page.form("/admin/customer/import/mapping/delete/")
    assert forget.fields["mapping"] == str(own.id)
    answer = shop.client("Manager").post(
        forget.action, data={**forget.fields, "mapping": str(theirs.id)}, follow_redirects=True
    )
    assert "Mapping not found." in answer.get_data(as_text=True)
    assert len(mappings(shop)) == 2


def test_a_mapping_is_deleted_only_with_a_token_the_permission_and_for_a_file_of_ones_own(shop: Shop):
    file_id = mapped(shop, "customer", NAMES, **AS_NAMES, save_as="Fair")
    with shop.look() as session:
        kept = session.scalars(select(ImportMapping.id)).one()
    path, data = f"/admin/customer/import/mapping/delete/?id={file_id}", {"mapping": str(kept)}
    assert shop.client().post(path, data=data).status_code == 400
    assert shop.client().get(path).status_code == 405
    assert shop.client("Support").send(path, data).status_code == 403
    assert shop.client("Manager").send(path, data).status_code == 404
    assert shop.client().send(path.replace("customer", "note"), data).status_code == 404
    assert shop.client().send(path, {"mapping": "x"}).status_code == 400
    assert shop.client().send(path, {"mapping": "9" * 30}).status_code == 400
    assert mappings(shop) == [("admin", "Fair")]


@pytest.mark.parametrize("name", ["x" * 81, "a\x01b", "a\tb", "\u200b", "…—…", "a\u2028b"])
@pytest.mark.either_database
def test_a_name_that_will_not_do_is_said_beside_it_and_nothing_is_lost(shop: Shop, name: str):
    where = upload(shop, "customer", NAMES).location
    form = page_of(shop.client().get(where)).form("/admin/customer/import/columns/")
    answer = shop.client().post(form.action, data=form.filled(**AS_NAMES, save_as=name))
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert 'aria-invalid="true"' in text
    assert 'id="save-error"' in text
    again = page_of(answer).form("/admin/customer/import/columns/?id=")
    assert (again.fields["column-0"], again.fields["column-1"]) == ("first_name", "last_name")
    assert mappings(shop) == []
    blank = shop.client().post(form.action, data=form.filled(**AS_NAMES, save_as="  "))
    assert (blank.status_code, mappings(shop)) == (302, [])


def test_of_the_same_name_saved_in_two_windows_the_later_stays(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    mapped(shop, "customer", NAMES, **AS_NAMES, save_as="Fair")
    real, asked = mapping.own_mappings, []

    def late(screen: Any) -> Any:
        asked.append(screen)
        return [] if len(asked) == 1 else real(screen)

    where = upload(shop, "customer", NAMES).location
    form = page_of(shop.client().get(where)).form("/admin/customer/import/columns/?id=")
    monkeypatch.setattr(mapping, "own_mappings", late)
    answer = shop.client().post(form.action, data=form.filled(**{"column-0": "title", "save_as": "Fair"}))
    assert answer.status_code == 302
    with shop.look() as session:
        assert session.scalars(select(ImportMapping)).one().fields["Vorname"] == "title"


def test_what_has_gone_since_a_mapping_was_saved_is_said_and_the_rest_is_used(shop: Shop):
    with shop.arrange() as session:
        owner = session.scalars(select(Staff.id).where(Staff.username == "admin")).one()
        kept = factories.make_import_mapping(
            session, owner_id=owner, headers=["Vorname", "Nachname", "Notiz"], match="loyalty_number",
            fields={"Vorname": "first_name", "Nachname": "shoe_size", "Notiz": "loyalty_number"},
        )  # fmt: skip
    page = page_of(shop.client().get(upload(shop, "customer", NAMES).location))
    form = page.form("/admin/customer/import/columns/?id=")
    assert [form.fields[f"column-{n}"] for n in range(3)] == ["first_name", "", ""]
    assert form.fields["match"] == ""
    assert "The field for Nachname no longer exists. Choose another." in page.text
    assert "Choose again which column identifies the records." in page.text
    other = upload(shop, "customer", "Stadt\nLeeds\n").location
    text = page_of(shop.client().get(f"{other}&mapping={kept.id}")).text
    assert "This file has none of the columns of this mapping." in text
    tried = shop.client().post(form.action, data=form.filled())
    assert tried.status_code == 302


def test_a_mapping_that_will_not_do_is_said_and_nothing_is_lost(shop: Shop):
    where = upload(shop, "customer", "a,b\nAnn,Lee\n").location
    form = page_of(shop.client().get(where)).form("/admin/customer/import/columns/")
    for wrong in (
        {"column-0": "title", "column-1": "title"},
        {"column-0": "", "column-1": ""},
        {"column-0": "title", "match": "email"},
    ):
        answer = shop.client().post(form.action, data=form.filled(**wrong))
        assert answer.status_code == 422
        again = page_of(answer).form("/admin/customer/import/columns/")
        assert again.fields["column-0"] == wrong["column-0"]
    for unknown in ({"column-0": "points"}, {"column-0": "password_hash"}, {"match": "points"}):
        answer = shop.client().post(form.action, data={**form.filled(**{"column-0": "title"}), **unknown})
        assert answer.status_code == 400


# -- whose numbers they are ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "heading", ["id", "ID", "Id", "Number (id)", "record number", "Customer ID", "clientele record number"]
)
@pytest.mark.either_database
def test_the_ids_of_another_system_are_never_taken_for_our_numbers(shop: Shop, heading: str):
    old = shop.make(factories.make_customer, first_name="Ann")
    text = f"{heading},First name\n{old.id},Bob\n"
    form = page_of(shop.client().get(upload(shop, "customer", text).location)).form("/import/columns/?id=")
    assert (form.fields["column-0"], form.fields["match"]) == ("", "")
    file_id = mapped(shop, "customer", text)
    assert verdicts(shop, file_id) == ["created"]
    with shop.look() as session:
        assert session.scalars(select(Customer.first_name)).all() == ["Ann"]


@pytest.mark.either_database
def test_numbers_of_ours_in_a_file_of_another_system_are_chosen_by_hand_and_confirmed(shop: Shop):
    old = shop.make(factories.make_customer, first_name="Ann")
    text = f"ID,First name\n{old.id},Bob\n"
    form = page_of(shop.client().get(upload(shop, "customer", text).location)).form("/import/columns/?id=")
    chosen = {"column-0": "id", "match": "id", "save_as": "Numbers"}
    answer = shop.client().post(form.action, data=form.filled(**chosen))
    assert answer.status_code == 422
    assert "ID is mapped to the Clientele record number." in page_of(answer).text
    again = page_of(answer).form("/import/columns/?id=").filled(ours="1")
    tried = shop.client().post(form.action, data=again)
    assert verdicts(shop, tried.location.rpartition("=")[2]) == ["changed"]
    page = page_of(shop.client().get(upload(shop, "customer", text).location))
    form = page.form("/import/columns/?id=")
    assert (form.fields["column-0"], form.fields["column-1"], form.fields["match"]) == ("", "first_name", "")
    assert "The record number is not mapped automatically" in page.text


@pytest.mark.either_database
def test_a_related_record_is_named_by_its_number_only_where_the_numbers_are_ours(shop: Shop):
    old = shop.make(factories.make_customer, last_name="Lee")
    lines = f"\n{old.id},1 Mill Lane,LS2 9JT\n#{old.id},2 Mill Lane,LS2 9JT\n"
    foreign = verdicts(shop, mapped(shop, "address", "Customer,line1,Postcode" + lines))
    told = f"Record not found. If {old.id} is its number here, enter #{old.id}."
    assert foreign == [{"customer": told}, "created"]
    ours = f"{RECORD_NUMBER},Customer,line1,Postcode" + lines.replace("\n", "\n,").removesuffix(",")
    assert verdicts(shop, mapped(shop, "address", ours)) == ["created", "created"]
