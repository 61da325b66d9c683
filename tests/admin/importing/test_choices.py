"""How a file is read is shown and chosen on the page of its columns, and what its cells then do (rules 15.11 to 15.14)."""

import io
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from actions.importing import importing
from models.address import Address
from models.customer import Customer
from models.importing import ImportFile, ImportPiece
from models.note import Note
from models.phone import Phone
from tests import factories
from tests.admin.books import book
from tests.admin.conftest import Shop
from tests.admin.imports import apply, mapped, upload, verdicts
from tests.admin.pages import Form, page_of

pytestmark = pytest.mark.either_database
N = "Clientele record number"


def asked(shop: Shop, resource: str, content: str | bytes) -> tuple[Any, Form]:
    """Upload a file; return the page of its columns, and its form."""
    page = page_of(shop.client().get(upload(shop, resource, content).location))
    return page, page.form("/import/columns/?id=")


def test_letters_in_doubt_are_confirmed_before_anything_is_tried(shop: Shop):
    page, form = asked(shop, "customer", "First name;Last name\nZoë;Ünal\n".encode("cp1254"))
    assert "encoding" not in form.fields
    assert "Ünal" in page.text
    answer = shop.client().post(form.action, data=form.filled())
    assert answer.status_code == 422
    assert "The file does not say which encoding it uses" in page_of(answer).text
    read = shop.client().post(form.action, data=form.filled(encoding="cp1253", do="read"))
    again = page_of(read).form("/import/columns/?id=")
    assert (again.fields["encoding"], again.fields["column-0"]) == ("cp1253", "first_name")
    tried = shop.client().post(form.action, data=again.filled(encoding="cp1254"))
    file_id = tried.location.rpartition("=")[2]
    apply(shop, "customer", file_id)
    with shop.look() as session:
        assert session.scalars(select(Customer.last_name).where(Customer.first_name == "Zoë")).all() == [
            "Ünal"
        ]
        assert session.scalars(select(ImportPiece)).all() == [], "what was applied is no longer kept"


def test_another_separator_line_or_sheet_gives_other_columns(shop: Shop):
    _page, form = asked(shop, "customer", "Members, as of May\nFirst name;Last name\nZoe, Ann;Lee\n")
    assert (form.fields["separator"], form.fields["line"]) == (";", "2")
    answer = shop.client().post(form.action, data=form.filled(separator=",", line="1"), follow_redirects=True)
    assert "The file was read again. Check how its columns are mapped." in answer.get_data(as_text=True)
    other = page_of(answer).form("/import/columns/?id=")
    assert (other.fields["separator"], other.fields["line"]) == (",", "1")
    assert "Members" in page_of(answer).text
    back = shop.client().post(form.action, data=other.filled(separator=";", line="2"), follow_redirects=True)
    assert page_of(back).form("/import/columns/?id=").fields["column-1"] == "last_name"
    for wrong in ({"separator": "x"}, {"line": "99"}, {"line": "x"}, {"sheet": "A"}):
        status = shop.client().post(form.action, data=form.filled(**wrong)).status_code
        assert status == (302 if wrong == {"sheet": "A"} else 400), wrong


def test_the_sheet_is_chosen_and_a_hidden_one_is_offered_last(shop: Shop):
    made, content = Workbook(), io.BytesIO()
    made.active.title, made.active.sheet_state = "Old", "hidden"
    for title, name in (("Members", "Ann"), ("Guests", "Bob")):
        sheet = made.create_sheet(title)
        sheet.append(["First name"])
        sheet.append([name])
    made.active.append(["First name"])
    made.active.append(["Cy"])
    made.active = 1
    made.save(content)
    page, form = asked(shop, "customer", content.getvalue())
    assert form.fields["sheet"] == "Members"
    assert page.text.index("Guests") < page.text.index("Old (hidden)")
    answer = shop.client().post(form.action, data=form.filled(sheet="Guests"), follow_redirects=True)
    chosen = page_of(answer).form("/import/columns/?id=")
    tried = shop.client().post(form.action, data=chosen.filled())
    apply(shop, "customer", tried.location.rpartition("=")[2])
    with shop.look() as session:
        assert session.scalars(select(Customer.first_name)).all() == ["Bob"]


def test_dates_that_read_in_two_ways_are_asked_about(shop: Shop):
    text = "First name,Birthday\nAnn,03/04/1980\nBob,5/6/1990\n"
    _page, form = asked(shop, "customer", text)
    assert form.fields["days"] == "day", "as the shop's region writes dates"
    for days, wanted in (("month", "1980-03-04"), ("day", "1980-04-03")):
        file_id = mapped(shop, "customer", text, days=days)
        apply(shop, "customer", file_id)
        with shop.look() as session:
            born = session.scalars(select(Customer.date_of_birth).order_by(Customer.id.desc())).all()
            assert str(born[1]) == wanted
    _page, form = asked(shop, "customer", "First name,Birthday\nAnn,03/04/1980\nBob,12/31/1990\n")
    assert "days" not in form.fields, "the second date says it of the first"
    file_id = mapped(
        shop, "customer", "First name,Birthday\nAnn,03/04/1980\nBob,12/31/1990\nCy,31/12/1990\n", days="month"
    )
    told = verdicts(shop, file_id)
    assert (told[:2], list(told[2])) == (["created"] * 2, ["date_of_birth"])


@pytest.mark.parametrize("calculation", ["", '<calcPr fullCalcOnLoad="1"/>'])
def test_a_formula_without_a_value_wipes_nothing(shop: Shop, calculation: str):
    old = shop.make(factories.make_customer, first_name="Ann", email="ann@example.com", credit_limit=5000)
    heads = "".join(
        f'<c t="inlineStr"><is><t>{t}</t></is></c>' for t in (N, "Email", "Credit limit", "Surname")
    )
    value = "<v>0</v>" if calculation else ""
    row = f'<c><v>{old.id}</v></c><c t="str"><f>A1</f></c><c><f>A1</f>{value}</c><c t="e"><v>#N/A</v></c>'
    content = book(pieces=[f'<row r="2">{heads}</row><row r="3">{row}</row>'], calculation=calculation)
    _page, form = asked(shop, "customer", content)
    data = form.filled(line="2", clear_empty="1")
    page = page_of(shop.client().post(form.action, data=data, follow_redirects=True))
    chosen = page.form("/import/columns/?id=")
    tried = shop.client().post(form.action, data=chosen.filled(clear_empty="1"))
    file_id = tried.location.rpartition("=")[2]
    [told] = verdicts(shop, file_id)
    assert set(told) == {"email", "credit_limit", "last_name"}
    rows = page_of(shop.client().get(tried.location)).text
    assert "Open the file in Excel" in rows
    assert "Surname (Last name) “#N/A”: This cell has a formula error" in rows
    apply(shop, "customer", file_id)
    row = shop.get(Customer, old.id)
    assert (row.email, row.credit_limit) == ("ann@example.com", 5000)


def test_what_is_wrong_is_told_with_the_person_the_column_the_value_and_what_would_do(shop: Shop):
    text = (
        b"Vorname,Nachname,E-mail,Enabled,Class\nAnn,Lee,none,-,Golden\n"
        + b"B\xe9a,Ray,,yes,\n"
        + "Zoë,Ünal,,1,\n".encode()
    )
    file_id = mapped(shop, "customer", text)
    rows = page_of(shop.client().get(f"/admin/customer/import/rows/?id={file_id}")).text
    for words in (
        "Ann Lee",
        "Email “none”: Enter an email address such as rashid@example.com.",
        "Enabled (Active) “-”: Enter yes or no.",
        "Class “Golden”: Record not found. Create it first or correct the cell.",
        "Vorname (First name) “B\ufffda”: Byte 0xE9 is not a character in this file's encoding",
    ):
        assert words in rows, rows
    assert [v if isinstance(v, str) else set(v) for v in verdicts(shop, file_id)] == [
        {"email", "is_active", "customer_class"}, {"first_name"}, "created",
    ]  # fmt: skip
    apply(shop, "customer", file_id)
    run = shop.get(ImportFile, int(file_id)).run_id
    item = page_of(shop.client().get(f"/admin/run_item/?embed=1&run__eq={run}")).text
    assert "Line 2, Ann Lee: E-mail “none”: Enter an email address" in item


HEADINGS = {
    "customer": {
        "E-mail": "email", "Surname": "last_name", "Birthday": "date_of_birth", "Card no": "loyalty_code", "Forename": "first_name",
        "VAT No.": "vat_number", "Firma": "company_name", "Geburtsdatum": "date_of_birth", "Prénom": "first_name", "Nom": "last_name",
        "EMAIL ADDRESS": "email", "Kundennummer": "account_code", "ID": "", "Customer ID": "", "Shoe size": "",
    },
    "address": {"Zip": "postcode", "PLZ": "postcode", "City": "town", "Ort": "town", "Pays": "country", "Street": "line1"},
    "phone": {"Mobile": "number", "Telefon": "number", "Tel.": "number", "Portable": "number"},
    "note": {"Comment": "body"},
    "customer_class": {"Bezeichnung": "name", "Mobile": ""},
}  # fmt: skip


@pytest.mark.parametrize("resource", HEADINGS)
def test_the_usual_headings_of_other_systems_find_their_fields(shop: Shop, resource: str):
    for heading, field in HEADINGS[resource].items():
        _page, form = asked(shop, resource, f"{heading}\nx\n")
        assert form.fields["column-0"] == field, heading


def test_columns_that_belong_to_another_list_are_said_to_and_can_be_imported_there(shop: Shop):
    text = "Email,Surname,Comment,Mobile,Shoe size\nann@example.com,Lee,Likes Rioja,07700 900123,4\n"
    page, _form = asked(shop, "customer", text)
    assert "Comment cannot be imported with customers." in page.text
    assert "Shoe size cannot" not in page.text
    assert "Surname cannot" not in page.text
    assert "Mobile cannot" not in page.text
    assert "/admin/note/import/" in page.links
    page = page_of(shop.client("Back office").get(upload(shop, "customer", text, "Back office").location))
    assert "/admin/note/import/" not in page.links
    for words in ("Comment cannot be imported with customers.", "Mobile cannot be imported with customers."):
        assert words in page.text
    apply(shop, "customer", mapped(shop, "customer", text))
    apply(shop, "note", mapped(shop, "note", text, **{"column-0": "customer"}))
    with shop.look() as session:
        assert [str(note.customer) for note in session.scalars(select(Note))] == ["Lee"]
        assert [str(phone.customer) for phone in session.scalars(select(Phone))] == ["Lee"]


def test_codes_postcodes_and_phones_lose_the_apostrophe_that_kept_them_text(shop: Shop):
    owner = shop.make(factories.make_customer, loyalty_code=None)
    lines = (
        f"Customer,line1,Postcode,Country\n#{owner.id},'tis,'01234,Deutschland\n#{owner.id},x,'20500,USA\n"
    )
    apply(shop, "address", mapped(shop, "address", lines))
    apply(shop, "phone", mapped(shop, "phone", f"Customer,Mobile\n#{owner.id},'07700 900123\n"))
    apply(shop, "customer", mapped(shop, "customer", "First name,Card no\nBob,'00042\n"))
    again = mapped(shop, "customer", "First name,Card no\nRob,'00042\n", match="loyalty_code")
    assert verdicts(shop, again) == ["changed"]
    with shop.look() as session:
        found = session.execute(
            select(Address.line1, Address.postcode, Address.country).order_by(Address.id)
        ).all()
        assert [tuple(row) for row in found] == [("'tis", "01234", "DE"), ("x", "20500", "US")]
        assert session.scalars(select(Phone.number)).all() == ["07700 900123"]
        assert session.scalars(select(Customer.loyalty_code).where(Customer.first_name == "Bob")).all() == [
            "00042"
        ]


def test_an_erasure_takes_the_file_itself_and_it_is_read_as_it_is(shop: Shop):
    old = shop.make(factories.make_customer, first_name="Ann")
    file_id = mapped(shop, "customer", f"{N},First name\n{old.id},Bob\n")
    url = f"/admin/customer/import/columns/?id={file_id}"
    assert "How the file is read" in page_of(shop.client().get(url)).text
    with shop.arrange() as session:
        importing.forget_record(session, "customer", old.id)
    with shop.look() as session:
        assert session.scalars(select(ImportPiece)).all() == []
    assert "How the file is read" not in page_of(shop.client().get(url)).text


def test_a_percentage_may_have_its_sign(shop: Shop):
    file_id = mapped(shop, "customer_class", "Name,Discount\nA,7.5%\nB,12.5\nC,x%\n")
    found = verdicts(shop, file_id)
    assert (found[:2], list(found[2])) == (["created", "created"], ["discount"])
