"""Importing a file: uploaded, mapped, tried row by row without changing anything, applied as one run, undone."""

import csv
import datetime as dt
import io
import zipfile

import pytest
from sqlalchemy import select

from actions.importing import importing
from actions.importing.related import field_name
from admin.importing import budget, files
from admin.screens import SCREENS
from admin.screens.lookups import CustomerClassScreen
from models.customer import Customer
from models.importing import ImportFile
from models.lookups import CustomerClass
from models.phone import PhoneKind
from tests import application, factories
from tests.admin import stock
from tests.admin.books import book
from tests.admin.conftest import Shop
from tests.admin.imports import apply, counts, mapped, upload, verdicts, work
from tests.admin.pages import page_of
from tests.conftest import FindDatabase

IMPORTABLE = (
    "customer", "address", "phone", "customer_class", "note", "external_id", "attribute_value", "membership_group",
    "acquisition_source", "price_list", "sales_channel", "payment_term", "bank_account", "attribute_definition",
)  # fmt: skip


def test_a_file_is_tried_applied_and_undone(shop: Shop):
    old = shop.make(factories.make_customer_class, name="Trade", free_tastings=1)
    before = shop.figures()
    text = (
        f"Clientele record number,Name,Free tastings,Discount\n{old.id},Trade,3,\n,Wholesale,2,12.5\n,,4,1\n"
    )
    file_id = mapped(shop, "customer_class", text)
    assert counts(shop, file_id) == (1, 1, 0, 1)
    page = shop.client().get(f"/admin/customer_class/import/rows/?id={file_id}").get_data(as_text=True)
    assert "<del>1</del>" in page
    assert "This field is required." in page
    after = shop.figures()
    assert {t for t in after if after[t] != before[t]} == {"import_file", "import_row", "import_piece", "run"}
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


PEOPLE = "Clientele record number,First name,Last name,Email,Class,Active,Credit limit,Date of birth\n"


def test_only_mapped_fields_are_written_and_empty_cells_are_left_alone_unless_asked(shop: Shop):
    old = shop.make(
        factories.make_customer, first_name="Ann", last_name="Lee", title="Dr", email="a@example.com"
    )
    text = f"Clientele record number,First name,Title,Email\n{old.id},Anna,,a@example.com\n"
    file_id = mapped(shop, "customer", text, **{"column-3": ""})
    assert counts(shop, file_id) == (0, 1, 0, 0)
    apply(shop, "customer", file_id)
    row = shop.get(Customer, old.id)
    assert (row.first_name, row.title, row.last_name) == ("Anna", "Dr", "Lee")
    apply(shop, "customer", mapped(shop, "customer", text, clear_empty="1"))
    assert shop.get(Customer, old.id).title is None


def test_cells_are_read_as_people_write_them(shop: Shop):
    gold = shop.make(factories.make_customer_class, name="Gold")
    rows = [
        ",Ann,A,,gold,YES,12.5,1980-02-29",
        f",Bob,B,,#{gold.id},0,1250,",
        f",Cy,C,,{gold.id},false,,",
        ",Di,D,,Golden,,,",
        ",Ed,E,,,perhaps,,",
        ",Flo,F,,,,-5,",
        ",Gus,G,,,,1.234,",
        ",Hal,H,,,,,30/02/1980",
        ",Ida,I,no address,,,,",
    ]
    file_id = mapped(shop, "customer", PEOPLE + "\n".join(rows))
    found = verdicts(shop, file_id)
    assert found[:3] == ["created"] * 3
    assert [list(v) for v in found[3:]] == [
        ["customer_class"], ["is_active"], ["credit_limit"], ["credit_limit"], ["date_of_birth"], ["email"]
    ]  # fmt: skip
    apply(shop, "customer", file_id)
    with shop.look() as session:
        ann, bob, cy = session.scalars(
            select(Customer).order_by(Customer.first_name).where(Customer.last_name.in_(["A", "B", "C"]))
        )
    assert (ann.customer_class_id, ann.is_active, ann.credit_limit) == (gold.id, True, 1250)
    assert (bob.customer_class_id, bob.is_active, bob.credit_limit) == (gold.id, False, 125000)
    assert (str(ann.date_of_birth), cy.is_active, cy.credit_limit) == ("1980-02-29", False, None)


def test_an_amount_is_in_the_currency_of_its_record(shop: Shop):
    yen = shop.make(factories.make_customer, last_name="Sato", currency="JPY", credit_limit=500)
    text = f"Clientele record number,Last name,Credit limit,Currency\n{yen.id},Sato,500,JPY\n,Ito,700,jpy\n,Abe,7.5,JPY\n"
    file_id = mapped(shop, "customer", text)
    found = verdicts(shop, file_id)
    assert found[:2] == ["unchanged", "created"]
    assert list(found[2]) == ["credit_limit"]
    apply(shop, "customer", file_id)
    with shop.look() as session:
        assert session.scalar(select(Customer.credit_limit).where(Customer.last_name == "Ito")) == 700


def test_records_are_matched_by_number_or_by_what_is_unique(shop: Shop):
    with shop.arrange() as session:
        one = factories.make_customer(session, email="Ann@Example.com", account_code="A-1", title=None)
        factories.make_customer(session, email="twice@example.com", status="guest")
        factories.make_customer(session, email="twice@example.com", status="guest")
    by_mail = mapped(
        shop,
        "customer",
        "Email,Title\nANN@example.com ,Dr\nnew@example.com,Dr\ntwice@example.com,Dr\n",
        match="email",
    )
    assert verdicts(shop, by_mail) == ["changed", "created", {"email": "Several records have this value."}]
    by_code = mapped(shop, "customer", "Account code,Title\na-1,Dr\n", match="account_code")
    assert verdicts(shop, by_code) == ["changed"]
    gone = {"id": "No record has this number."}
    by_id = mapped(
        shop, "customer", f"Clientele record number,Title\n{one.id},Dr\n999999,Dr\nx,Dr\n{one.id},Mr\n"
    )
    found = verdicts(shop, by_id)
    assert found[:3] == ["changed", gone, gone]
    assert "same record" in found[3][""]


def test_a_value_that_only_one_may_have_is_refused_on_the_second_line(shop: Shop):
    text = "First name,Account code,Email\nAnn,a-1,a@example.com\nBob,A-1,b@example.com\nCy,,A@EXAMPLE.com\n"
    again = "An earlier line of the file already has this value."
    assert verdicts(shop, mapped(shop, "customer", text, match="email")) == [
        "created", {"account_code": again}, {"email": again}
    ]  # fmt: skip


def test_the_refused_rows_come_back_as_a_file_with_the_reasons(shop: Shop):
    text = "First name,Last name,Email\nAnn,Lee,a@example.com\nBob,=1+1,none\n"
    file_id = mapped(shop, "customer", text)
    told = shop.client().get(f"/admin/customer/import/refused/?id={file_id}").get_data(as_text=True)
    assert told.splitlines() == [
        "\ufeffFirst name,Last name,Email,Reason refused",
        "Bob,'=1+1,none,Email “none”: Enter an email address such as rashid@example.com.",
    ]


def test_the_empty_file_has_every_column_and_is_understood(shop: Shop):
    for resource in IMPORTABLE:
        told = shop.client().get(f"/admin/{resource}/import/empty/").get_data(as_text=True)
        answer = upload(shop, resource, told + "x" + "," * (told.count(",")) + "\n")
        form = page_of(shop.client().get(answer.location)).form(f"/admin/{resource}/import/columns/")
        chosen = [v for k, v in form.fields.items() if k.startswith("column-")]
        own = [
            n for n in shop.screen(resource).form_columns if shop.screen(resource).field(n).kind != "computed"
        ]
        assert chosen == ["id", *own, *related_names(shop, resource)], resource


def related_names(shop: Shop, resource: str) -> list[str]:
    """What fields of related rows a file may have columns for."""
    screen = shop.screen(resource)
    return [
        field_name(rows, slot, name)
        for rows in screen.related_rows
        for slot in ("", *((k.value for k in PhoneKind) if rows.by else ()))
        for name in rows.columns
    ]


# -- who may ---------------------------------------------------------------------------------------------------------


def test_without_the_permission_there_is_no_import(shop: Shop):
    assert upload(shop, "customer", PEOPLE, "Support").status_code == 403
    page = shop.client("Support").get("/admin/customer/").get_data(as_text=True)
    assert "/import/" not in page
    assert "/admin/customer/import/" in shop.client("Back office").get("/admin/customer/").get_data(
        as_text=True
    )
    assert upload(shop, "loyalty_entry", PEOPLE).status_code == 403, "a ledger is never imported"
    assert upload(shop, "changeset", PEOPLE).status_code == 403


def test_the_file_of_somebody_else_is_not_there(shop: Shop):
    file_id = mapped(shop, "customer", "First name\nAnn\n")
    for path in ("columns", "rows", "refused"):
        assert shop.client("Manager").get(f"/admin/customer/import/{path}/?id={file_id}").status_code == 404
        assert shop.client().get(f"/admin/note/import/{path}/?id={file_id}").status_code == 404
        assert shop.client().get(f"/admin/customer/import/{path}/?id=99999").status_code == 404
    assert apply(shop, "customer", file_id, "Manager").status_code == 404
    with shop.look() as session:
        assert session.scalar(select(Customer.id).where(Customer.first_name == "Ann")) is None


@pytest.mark.either_database
def test_a_file_whose_reading_was_killed_is_back_at_its_columns_after_a_while(shop: Shop):
    where = upload(shop, "customer", "First name\nAnn\n").location
    now, file_id = shop.app.extensions["clientele"].clock(), int(where.rpartition("=")[2])
    for began, status in ((now, 302), (now - importing.BUSY, 200)):
        importing.begin(shop.database.engine, file_id, began)
        assert shop.client().get(where).status_code == status, "another may still be at it"
        importing.release(shop.database.engine, file_id)


class Narrow(CustomerClassScreen):
    """Classes of which some are out of everybody's scope."""

    def scope(self, statement, actor):
        return statement.where(CustomerClass.free_tastings != 7)


def test_what_is_out_of_scope_is_neither_matched_nor_referred_to(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    hidden = shop.make(factories.make_customer_class, name="Hidden", free_tastings=7)
    monkeypatch.setattr("app.SCREENS", tuple(Narrow if s is CustomerClassScreen else s for s in SCREENS))
    narrow = Shop(application.make(shop.database.url), shop.database)
    by_id = mapped(narrow, "customer_class", f"Clientele record number,Name\n{hidden.id},Seen\n")
    assert verdicts(narrow, by_id) == [{"id": "No record has this number."}]
    named = mapped(narrow, "customer", f"First name,Class\nAnn,Hidden\nBob,#{hidden.id}\n")
    assert (
        verdicts(narrow, named)
        == [{"customer_class": "Record not found. Create it first or correct the cell."}] * 2
    )


# -- bad files -------------------------------------------------------------------------------------------------------


def bomb() -> bytes:
    """A small workbook that would be a large one."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("_rels/.rels", b" " * (budget.MOST_OF_A_PART + 1))
    return made.getvalue()


BAD = {
    "empty": (b"", "empty"),
    "no heading": (b",,\n,,\n", "headings"),
    "headings only": (b"First name\n", "no rows"),
    "NUL": (b"First name\nA\x00nn\n", "CSV"),
    "UTF-16 that does not say so": ("First name\nAnn\n".encode("utf-16-le"), "CSV"),
    "UTF-32": ("First name\nAnn\n".encode("utf-32"), "CSV"),
    "a web page called .xls": (
        b"\xef\xbb\xbf\n<HTML><table><tr><td>First name</td></tr></table></html>",
        "web page",
    ),
    "XML of Excel": (b'<?xml version="1.0"?>\n<Workbook/>', "web page or XML"),
    "a PDF": (b"%PDF-1.4\nFirst name,Last name\nAnn,Lee\n", "CSV"),
    "an open quotation mark": (b'First name\n"Ann\n', "Line 2"),
    "an old or password-protected Excel file": (files.OLD_EXCEL + b"\x00" * 600, "password"),
    "a broken workbook": (b"PK\x03\x04" + b"x" * 100, "cannot be read"),
    "a workbook whose sheets are empty": (book(), "no rows"),
    "a bomb": (None, "unpacked"),
    "too many rows": (b"First name\n" + b"A\n" * (budget.MOST_ROWS + 1), "50,000"),
    "too many columns": (",".join(f"c{n}" for n in range(201)).encode() + b"\n", "200"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_bad_file_is_explained_and_changes_nothing(shop: Shop, kind: str):
    content, words = BAD[kind]
    shop.client().get("/admin/customer/import/")
    before = shop.figures(frozenset({"import_file"}))
    answer = upload(shop, "customer", bomb() if content is None else content)
    assert answer.status_code == 422
    assert words in page_of(answer).text
    assert shop.figures(frozenset({"import_file"})) == before


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_file_may_have_fifty_megabytes_and_any_other_request_ten(shop: Shop):
    headers = {"X-CSRFToken": shop.client().csrf_token("/admin/customer/import/")}

    def sent(path: str, megabytes: int) -> int:
        answer = shop.client().post(
            path, headers=headers, input_stream=io.BytesIO(b"--x--"), content_type="multipart/form-data; boundary=x",
            environ_overrides={"CONTENT_LENGTH": str(megabytes * 1024 * 1024 + 1)},
        )  # fmt: skip
        return int(answer.status_code)

    assert sent("/admin/customer/import/", 51) == sent("/admin/customer/new/", 10) == 413
    assert sent("/admin/customer/import/", 49) != 413


def test_no_file_is_said(shop: Shop):
    assert shop.client().send("/admin/customer/import/", {}).status_code == 422


def test_a_broken_line_is_reported_and_the_others_go_on(shop: Shop):
    text = 'First name,Last name\nAnn,Lee\nBob\nCy,Ray,more\nDi,"two\nlines",\n\n"Ed",Poe\n'
    found = verdicts(shop, mapped(shop, "customer", text))
    assert found[0] == found[4] == "created"
    assert found[1] == "created", "Excel leaves out empty cells at the end of a line"
    assert found[2] == {"": "This line has 3 cells but there are 2 headings."}
    assert list(found[3]) == ["last_name"]


@pytest.mark.parametrize(
    "content",
    [
        "First name;Last name\nZoë;Ünal\n".encode("cp1252"),
        "\ufeffFirst name\tLast name\nZoë\tÜnal\n".encode(),
        '"First name","Last name"\r\n"Zoë","Ünal"\r\n'.encode(),
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_spreadsheets_write_is_read(shop: Shop, content: bytes):
    chosen = {} if "Ü".encode() in content else {"encoding": "cp1252"}
    apply(shop, "customer", mapped(shop, "customer", content, **chosen))
    with shop.look() as session:
        assert session.scalar(select(Customer.last_name).where(Customer.first_name == "Zoë")) == "Ünal"


# -- back and forth ---------------------------------------------------------------------------------------------------


def exported(shop: Shop, resource: str, kind: str) -> bytes:
    """Download a list with every column it has."""
    names = list(shop.screen(resource).column_list)
    shop.client().send(f"/admin/{resource}/columns/", {"columns": names})
    views = "?view=all" if shop.screen(resource).views else ""
    return shop.client().get(f"/admin/{resource}/export/{kind}/{views}").data


def test_every_list_imported_back_as_it_was_exported_changes_nothing(shop: Shop):
    with shop.arrange() as session:
        stock.fill_everything(session, IMPORTABLE, 20)
    for resource in IMPORTABLE:
        for kind in ("csv", "xlsx"):
            file_id = mapped(shop, resource, exported(shop, resource, kind))
            work(shop)
            file = shop.get(ImportFile, int(file_id))
            assert file.size >= 20, resource
            assert (file.size, counts(shop, file_id)[:2]) == (file.unchanged, (0, 0)), (
                resource, kind, [v for v in verdicts(shop, file_id) if v != "unchanged"][:3],
            )  # fmt: skip


@pytest.mark.either_database
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_one_shop_exports_another_creates_with_the_same_values(
    shop: Shop, databases: FindDatabase, database_kind: str, kind: str
):
    chain = (
        "customer_class",
        "membership_group",
        "price_list",
        "sales_channel",
        "customer",
        "note",
    )
    with shop.arrange() as session:
        for n, text in enumerate(
            ("=1+1", "'=x", "+44 113", "@home", "-5", 'Ünal, "Zoë"', "＝a", "'tis", "00123", "a;=1|'+2")
        ):
            group = factories.make_membership_group(session, name=f"{text} {n}", description=text)
            price = factories.make_price_list(session, name=text, currency="EUR", is_trade=n % 2 == 0)
            channel = factories.make_sales_channel(session, price_list=price)
            kind_of = factories.make_customer_class(session, name=text, discount="7.50", free_tastings=n)
            owner = factories.make_customer(
                session, first_name=text, last_name=f"Lee{n}", company_name=text, email=f"p{n}@example.com",
                customer_class=kind_of, membership_group=group, sales_channel=channel, currency="JPY",
            )  # fmt: skip
            factories.make_address(
                session, customer=owner, line1=text, town=text, label="Home", is_primary=True
            )
            for place, kind_of_phone in enumerate((PhoneKind.WORK, *PhoneKind)):
                factories.make_phone(
                    session, customer=owner, kind=kind_of_phone, number=f"0113 496 0{n}1{place}",
                    extension=str(place) if place else None, is_primary=place == n % 6,
                )  # fmt: skip
            factories.make_note(
                session,
                customer=owner,
                body=f"{text}\nsecond line",
                kind="task",
                due_on=dt.date(2026, 12, n + 1),
            )
    database = databases(database_kind, "elsewhere")
    database.renew()
    other = Shop(application.make(database.url), database)
    for resource in chain:
        content = exported(shop, resource, kind)
        match = "name" if resource in chain[:4] else ""
        file_id = mapped(other, resource, content, match=match)
        refused = [v for v in verdicts(other, file_id) if isinstance(v, dict)]
        assert not refused, (resource, refused[:2])
        apply(other, resource, file_id)
        assert written(other, resource) == written(shop, resource), resource
    for resource in ("address", "phone"):  # which came with their customers
        assert written(other, resource) == written(shop, resource), resource


@pytest.mark.either_database
def test_what_stands_beside_a_column_goes_into_its_field_or_nowhere(shop: Shop):
    with shop.arrange() as session:
        factories.make_customer(
            session, first_name="Aiko", last_name="Ito", email="aiko@example.com", currency="JPY", credit_limit=700,
            account_balance=-500,
        )  # fmt: skip
    for kind in ("csv", "xlsx"):
        shop.client().send(
            "/admin/customer/columns/", {"columns": ["sort_name", "account_balance", "credit_limit"]}
        )
        content = shop.client().get(f"/admin/customer/export/{kind}/?view=all").data
        form = page_of(shop.client().get(upload(shop, "customer", content).location)).form(
            "/admin/customer/import/columns/"
        )
        chosen = [v for k, v in form.fields.items() if k.startswith("column-")]
        assert chosen == ["id", "", "first_name", "last_name", "email", "", "", "currency", "credit_limit"]
        file_id = mapped(shop, "customer", content)
        assert set(verdicts(shop, file_id)) == {"unchanged"}
        file_id = mapped(
            shop, "customer", content, **{"column-0": "", "column-4": "", "match": "", "clear_empty": "1"}
        )
        apply(shop, "customer", file_id)
        with shop.look() as session:
            found = session.scalars(select(Customer).order_by(Customer.id.desc())).first()
            assert (found.first_name, found.currency, found.credit_limit) == ("Aiko", "JPY", 700)


def written(shop: Shop, resource: str) -> list[list[str]]:
    """What a list says in the columns that a file can fill."""
    screen = shop.screen(resource)
    titles, *rows = csv.reader(io.StringIO(exported(shop, resource, "csv").decode("utf-8-sig"), newline=""))
    with shop.app.test_request_context():
        names = [str(screen.get_column_name(n)) for n in screen.column_list if n in screen.form_columns]
    places = [titles.index(name) for name in names]
    return sorted([row[p] for p in places] for row in rows)
