"""Phones and the primary address in the same row of a file as their customer (rules 15.18, 15.19)."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from flask_appbuilder.security.sqla import models as identity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from actions.execution.records import save_hooks
from models.address import Address
from models.base import Staff
from models.customer import Customer
from models.importing import ImportFile
from models.member import RoleGrant, StaffChannel
from models.phone import Phone, PhoneKind
from models.run import Run, RunState
from models.staff import PREFIX
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.imports import apply, counts, mapped, upload, verdicts, work
from tests.admin.pages import page_of
from tests.scale import scaled

N = "Clientele record number"
FULL = (
    "First name,Surname,Email,Telephone,Mobile,Work phone,Address 1,Address 2,Town,County,Postcode,Country\n"
    "Ann,Lee,ann@example.com,0113 496 0001,07700 900123,,1 Mill Lane,Flat 2,Leeds,West Yorkshire,ls29jt,UK\n"
)


def contacts(shop: Shop, name: str = "Ann") -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The phones and the addresses of the customers of a first name."""
    phone = (Phone.kind, Phone.number, Phone.extension, Phone.country, Phone.is_primary)
    address = (
        Address.line1,
        Address.line2,
        Address.town,
        Address.postcode,
        Address.country,
        Address.is_primary,
    )
    with shop.look() as session:
        phones = session.execute(
            select(*phone).join(Customer).where(Customer.first_name == name).order_by(Phone.id)
        )
        addresses = session.execute(
            select(*address).join(Customer).where(Customer.first_name == name).order_by(Address.id)
        )
        return [(row[0].value, *row[1:]) for row in phones], [tuple(row) for row in addresses]


def withdraw(session: Session, role: str, permission: str, resource: str) -> None:
    """Take a permission from a role."""
    pairs = (
        select(identity.PermissionView.id)
        .join(identity.Permission)
        .join(identity.ViewMenu)
        .where(identity.Permission.name == permission, identity.ViewMenu.name == resource)
    )
    holder = select(identity.Role.id).where(identity.Role.name == role).scalar_subquery()
    gone = delete(RoleGrant).where(RoleGrant.role_id == holder, RoleGrant.permission_view_id.in_(pairs))
    assert session.execute(gone).rowcount == 1


MILL_LANE = ("1 Mill Lane", "Flat 2", "Leeds", "LS2 9JT", "GB", True)


def undo(shop: Shop, file_id: str) -> None:
    """Undo the run of a file."""
    run = shop.get(ImportFile, int(file_id)).run_id
    shop.client().send(f"/admin/run/act/undo/?id={run}", {"key": f"undo {run}"})
    work(shop)


def test_one_row_is_one_customer_with_phones_and_address_and_is_undone_as_one(shop: Shop):
    before = shop.figures(frozenset({"import_file", "import_row", "import_piece", "run", "run_item"}))
    file_id = mapped(shop, "customer", FULL)
    assert counts(shop, file_id) == (1, 0, 0, 0)
    assert contacts(shop) == ([], []), "a dry run writes nothing"
    page = page_of(shop.client().get(f"/admin/customer/import/rows/?id={file_id}")).text
    for words in (
        "Phone, mobile",
        "07700 900123",
        "Primary address: address 1",
        "1 Mill Lane",
        "LS2 9JT",
    ):
        assert words in page
    apply(shop, "customer", file_id)
    assert contacts(shop) == (
        [("mobile", "0113 496 0001", None, "GB", True), ("mobile", "07700 900123", None, "GB", False)],
        [MILL_LANE],
    )
    undo(shop, file_id)
    assert contacts(shop) == ([], [])
    after = shop.figures(frozenset({"import_file", "import_row", "import_piece", "run", "run_item"}))
    changed = {table for table in after if after[table][0] != before[table][0]}
    assert changed <= {"changeset", "change"}


def test_importing_the_file_again_changes_nothing_and_says_so(shop: Shop):
    apply(shop, "customer", mapped(shop, "customer", FULL))
    found = contacts(shop)
    again = mapped(shop, "customer", FULL, match="email")
    assert counts(shop, again) == (0, 0, 1, 0)
    assert "There is nothing to do." in apply(shop, "customer", again).get_data(as_text=True)
    assert contacts(shop) == found


def test_what_is_there_stays_what_is_new_is_added_and_the_address_becomes_what_the_file_says(shop: Shop):
    apply(shop, "customer", mapped(shop, "customer", FULL))
    text = (
        "Email,Work phone,Mobile,Address 1,Address 2,Town,Postcode\n"
        "ann@example.com,+44 7700 900123,0113 496 0009,8 High Street,,York,YO1 7HH\n"
    )
    file_id = mapped(shop, "customer", text, match="email")
    assert counts(shop, file_id) == (0, 1, 0, 0)
    apply(shop, "customer", file_id)
    phones, addresses = contacts(shop)
    assert phones == [
        ("mobile", "0113 496 0001", None, "GB", True),
        ("mobile", "07700 900123", None, "GB", False),
        ("mobile", "0113 496 0009", None, "GB", False),
    ]
    assert addresses == [("8 High Street", "Flat 2", "York", "YO1 7HH", "GB", True)]
    undo(shop, file_id)
    assert contacts(shop) == (phones[:2], [MILL_LANE])


def test_blank_cells_change_nothing_unless_asked_and_never_take_a_row_away(shop: Shop):
    apply(shop, "customer", mapped(shop, "customer", FULL))
    found = contacts(shop)
    blank = "Email,Mobile,Address 1,Address 2,Town,Postcode\nann@example.com,,,,,\n"
    for clear in ({}, {"clear_empty": "1"}):
        assert counts(shop, mapped(shop, "customer", blank, match="email", **clear)) == (0, 0, 1, 0)
    some = "Email,Mobile,Address 1,Address 2\nann@example.com,,1 Mill Lane,\n"
    assert counts(shop, mapped(shop, "customer", some, match="email")) == (0, 0, 1, 0)
    apply(shop, "customer", mapped(shop, "customer", some, match="email", clear_empty="1"))
    assert contacts(shop) == (found[0], [("1 Mill Lane", None, "Leeds", "LS2 9JT", "GB", True)])


BAD = [
    (
        "0113 496 0002,,1 Mill Lane,NOWHERE,GB",
        "primary_address.postcode",
        "Zip (Primary address: postcode) “NOWHERE”",
    ),
    ("12,,1 Mill Lane,LS2 9JT,GB", "phones.mobile.number", "Cell (Phone, mobile) “12”"),
    ("0113 496 0002,,,LS2 9JT,GB", "primary_address.line1", "Street (Primary address: address 1)"),
    ("0113 496 0002,,1 Mill Lane,LS2 9JT,Ruritania", "primary_address.country", "Country not found"),
    (",x,1 Mill Lane,LS2 9JT,GB", "phones.fax.number", "Fax (Phone, fax) “x”"),
]


def test_a_row_with_a_bad_phone_or_address_leaves_nothing_of_it(shop: Shop):
    lines = "".join(f"Bob,{cells}\n" for cells, _field, _words in BAD)
    good = "Ann,07700 900123,,1 Mill Lane,LS2 9JT,\n"
    file_id = mapped(shop, "customer", f"First name,Cell,Fax,Street,Zip,Country\n{lines}{good}")
    told = [list(told) if isinstance(told, dict) else told for told in verdicts(shop, file_id)]
    assert told == [*([field] for _cells, field, _words in BAD), "created"]
    page = page_of(shop.client().get(f"/admin/customer/import/rows/?id={file_id}")).text
    for _cells, _field, words in BAD:
        assert words in page
    apply(shop, "customer", file_id)
    assert contacts(shop, "Bob") == ([], [])
    assert len(contacts(shop)[0]) == 1
    with shop.look() as session:
        assert session.scalars(select(Customer.id).where(Customer.first_name == "Bob")).all() == []


def test_all_faults_of_a_row_are_told_at_once_for_an_existing_customer_too(shop: Shop):
    apply(shop, "customer", mapped(shop, "customer", FULL))
    text = "Email,Surname,Mobile,Postcode,Birthday\nann@example.com,Ray,99,X,31/31/1990\n"
    file_id = mapped(shop, "customer", text, match="email")
    [told] = verdicts(shop, file_id)
    assert set(told) == {"date_of_birth", "phones.mobile.number", "primary_address.postcode"}


def test_two_phones_of_the_same_number_are_one(shop: Shop):
    text = (
        "First name,Telephone,Mobile,Work phone,Fax\n"
        "Ann,07700 900123,,+44 7700 900123,\n"
        "Bob,,07700 900123,(07700) 900123,\n"
    )
    apply(shop, "customer", mapped(shop, "customer", text))
    assert contacts(shop)[0] == [("work", "+44 7700 900123", None, "GB", True)]
    assert contacts(shop, "Bob")[0] == [("mobile", "07700 900123", None, "GB", True)]


def test_a_cell_may_hold_several_numbers_each_with_its_extension_and_country(shop: Shop):
    heads = '"First name","Phone, work","Phone, work: extension","Phone, work: country"\n'
    text = f"{heads}Ann,0113 496 0001; 01 42 68 53 00;0113 496 0001,12;;13,GB;France;GB\n"
    apply(shop, "customer", mapped(shop, "customer", text))
    assert contacts(shop)[0] == [
        ("work", "0113 496 0001", "12", "GB", True),
        ("work", "01 42 68 53 00", None, "FR", False),
        ("work", "0113 496 0001", "13", "GB", False),
    ]
    with_first = "First name,Surname,Phone\nAnn,Lee,0113 496 0001\n"
    assert counts(shop, mapped(shop, "customer", with_first)) == (1, 0, 0, 0)


def test_a_number_without_a_country_is_read_in_that_of_the_address(shop: Shop):
    text = "First name,Telephone,Street,City,Zip,Country\nAnn,01 42 68 53 00,1 Rue de Rivoli,Paris,75001,France\n"
    apply(shop, "customer", mapped(shop, "customer", text))
    assert contacts(shop)[0] == [("mobile", "01 42 68 53 00", None, "FR", True)]


def test_a_country_alone_is_no_address_and_a_country_or_kind_no_phone(shop: Shop):
    text = 'First name,Country,"Phone, mobile: country",Mobile\nAnn,GB,GB,\n'
    apply(shop, "customer", mapped(shop, "customer", text))
    assert contacts(shop) == ([], [])
    file_id = mapped(shop, "customer", '"First name","Mobile","Phone, mobile: extension"\nBob,,12\n')
    assert [list(told) for told in verdicts(shop, file_id)] == [["phones.mobile.number"]]


def test_a_phone_or_address_changed_since_the_dry_run_is_not_overwritten(shop: Shop):
    apply(shop, "customer", mapped(shop, "customer", FULL))
    text = "Email,Mobile,Town\nann@example.com,0113 496 0009,York\n"
    file_id = mapped(shop, "customer", text, match="email")
    with shop.arrange() as session:
        session.scalars(select(Address)).one().town = "Hull"
    apply(shop, "customer", file_id)
    phones, [address] = contacts(shop)
    assert (len(phones), address[2]) == (2, "Hull")
    assert [list(told.values()) for told in verdicts(shop, file_id)] == [
        ["This record was changed after the dry run."]
    ]


def test_an_old_bad_phone_or_postcode_blocks_nothing(shop: Shop):
    owner = shop.make(factories.make_customer, first_name="Ann", last_name="Lee", email="ann@example.com")
    shop.make(factories.make_phone, customer=owner, number="12345", is_primary=True)
    shop.make(factories.make_address, customer=owner, postcode="OLD", is_primary=True)
    text = "Email,Telephone,Mobile,Town,Postcode\nann@example.com,12345,0113 496 0009,York,OLD\n"
    apply(shop, "customer", mapped(shop, "customer", text, match="email"))
    phones, [address] = contacts(shop)
    assert ([number for _k, number, *_rest in phones], address[2:4]) == (
        ["12345", "0113 496 0009"],
        ("York", "OLD"),
    )


# -- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "verb"), [("phone", "import"), ("phone", "add"), ("address", "list"), ("address", "edit")]
)
def test_without_a_permission_for_the_rows_their_columns_can_neither_be_mapped_nor_written(
    shop: Shop, resource: str, verb: str
):
    with shop.arrange() as session:
        withdraw(session, "Manager", PREFIX + verb, resource)
    answer = upload(shop, "customer", FULL, "Manager")
    form = page_of(shop.client("Manager").get(answer.location)).form("/admin/customer/import/columns/")
    chosen = {value for key, value in form.fields.items() if key.startswith("column-")}
    name = "phones." if resource == "phone" else "primary_address."
    assert not any(value.startswith(name) for value in chosen)
    assert any("." in value for value in chosen), "the other rows are still offered"
    field = "phones.mobile.number" if resource == "phone" else "primary_address.town"
    answer = shop.client("Manager").post(form.action, data=form.filled(**{"column-4": field}))
    assert answer.status_code == 400


def test_a_file_tells_nothing_of_rows_whose_list_is_not_for_who_asks(shop: Shop):
    apply(shop, "customer", mapped(shop, "customer", FULL))
    assert "1 Mill Lane" in exported(shop, "Manager")
    with shop.arrange() as session:
        withdraw(session, "Manager", PREFIX + "list", "address")
    assert "1 Mill Lane" not in exported(shop, "Manager")


def exported(shop: Shop, role: str = "Admin", kind: str = "csv") -> str:
    """The list of customers as a file, as it stands."""
    answer = shop.client(role).get(f"/admin/customer/export/{kind}/?view=all")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_what_is_lost_between_the_dry_run_and_applying_is_not_written(shop: Shop):
    file_id = mapped(shop, "customer", FULL, "Manager")
    with shop.arrange() as session:
        withdraw(session, "Manager", PREFIX + "import", "phone")
    answer = apply(shop, "customer", file_id, "Manager")
    assert answer.status_code == 409
    assert contacts(shop) == ([], [])


def test_what_is_lost_while_the_run_waits_is_not_written_either(shop: Shop):
    file_id = mapped(shop, "customer", FULL, "Manager")
    shop.client("Manager").send(f"/admin/customer/import/apply/?id={file_id}", {})
    with shop.arrange() as session:
        withdraw(session, "Manager", PREFIX + "import", "address")
    work(shop)
    run = shop.get(Run, shop.get(ImportFile, int(file_id)).run_id)
    assert (run.state, run.done) == (RunState.CANCELLED, 0)
    assert "no longer has permission" in run.stopped_because
    assert contacts(shop) == ([], [])


# -- back and forth ---------------------------------------------------------------------------------------------------


def test_the_list_of_customers_as_it_stands_makes_a_file_that_changes_nothing_and_may_be_changed(shop: Shop):
    apply(shop, "customer", mapped(shop, "customer", FULL))
    titles, row = csv.reader(io.StringIO(exported(shop).lstrip("\ufeff"), newline=""))
    assert {"Postcode", "Phone", "Phone, mobile", "Primary address: address 1"} <= set(titles)
    assert row[titles.index("Phone, mobile")] == "0113 496 0001; 07700 900123"
    assert counts(shop, mapped(shop, "customer", exported(shop))) == (0, 0, 1, 0)
    changed = (
        exported(shop)
        .replace("1 Mill Lane", "2 Mill Lane")
        .replace("0113 496 0001; ", "0113 496 0001; 0113 496 0002; ")
    )
    apply(shop, "customer", mapped(shop, "customer", changed))
    phones, [address] = contacts(shop)
    assert (address[0], len(phones)) == ("2 Mill Lane", 3)


def test_the_rules_of_related_rows_are_those_that_their_owner_keeps():
    """A new rule of saving phones or addresses has to hold in imports, too: there the customer's own hooks run."""
    assert [hook.__name__ for hook in save_hooks(Phone)] == ["keep_one_primary"]
    assert [hook.__name__ for hook in save_hooks(Address)] == ["keep_one_primary"]
    assert "keep_one_among" in [hook.__name__ for hook in save_hooks(Customer)]


def test_every_kind_of_phone_has_columns(shop: Shop):
    page = page_of(shop.client().get(upload(shop, "customer", FULL).location)).text
    for kind in PhoneKind:
        assert f"Phone, {str(kind.label).lower()}: extension" in page


KNOWN = [
    ("GB", "0113 496 00{:02}"),
    ("FR", "01 42 68 53 {:02}"),
    ("DE", "030 901820{:02}"),
    ("US", "(212) 555-01{:02}"),
]
POSTCODES: dict[str, list[str | None]] = {
    "GB": ["LS2 9JT", None],
    "FR": ["75001", None],
    "DE": ["10115"],
    "US": ["10001"],
    "JP": ["100-0001"],
}
words = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "=", "+", "-", "@", "'", "＝"]),
    st.sampled_from(["Mill", "é; x", "7"]),
    st.sampled_from(["", ";=1", '"', "; '2"]),
)
phones = st.lists(
    st.tuples(
        st.sampled_from(list(PhoneKind)),
        st.integers(0, 3),
        st.none() | st.sampled_from(["1", "007"]),
        st.booleans(),
    ),
    max_size=5,
)
addresses = st.none() | st.sampled_from(sorted(POSTCODES)).flatmap(
    lambda country: st.fixed_dictionaries(
        {
            "country": st.just(country), "postcode": st.sampled_from(POSTCODES[country]), "line1": words,
            "line2": st.none() | words, "town": st.none() | words, "label": st.none() | words,
            "recipient": st.none() | words, "company": st.none() | words, "is_billing": st.booleans(),
            "email": st.sampled_from([None, "a@example.com"]),
        }
    )
)  # fmt: skip


def _make_owner(session: Session, name: str, mark: str, theirs: Any, address: Any) -> None:
    owner = factories.make_customer(session, first_name=name, last_name=mark, email=None)
    winner = next((i for i, phone in enumerate(theirs) if phone[3]), 0)
    for i, (kind, place, extension, _first) in enumerate(theirs):
        country, number = KNOWN[place]
        factories.make_phone(
            session, customer=owner, kind=kind, number=number.format(i), country=country, extension=extension,
            is_primary=i == winner,
        )  # fmt: skip
    if address is not None:
        factories.make_address(session, customer=owner, **address, is_primary=True)


@pytest.mark.soak
@pytest.mark.either_database
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_whatever_phones_and_address_customers_have_goes_out_and_comes_back(shop: Shop, kind: str):
    fields = (
        "line1",
        "line2",
        "town",
        "postcode",
        "country",
        "label",
        "recipient",
        "company",
        "email",
        "is_billing",
    )

    def told(owner: Customer) -> Any:
        """A customer's phones, the primary one first, and the address."""
        known = [(p.kind, p.number, p.extension, p.country, p.is_primary) for p in owner.phones]
        one = owner.primary_address
        return owner.first_name, sorted(known, key=str), one and [getattr(one, name) for name in fields]

    @settings(max_examples=scaled(200, 4), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(phones, addresses), min_size=3, max_size=12))
    def check(owners: Any) -> None:
        mark = f"Made{factories.number()}"
        with shop.arrange() as session:
            for n, (theirs, address) in enumerate(owners):
                _make_owner(session, f"P{n}", mark, theirs, address)
        content = shop.client().get(f"/admin/customer/export/{kind}/?view=all&last_name__eq={mark}").data
        again = mapped(shop, "customer", content)
        assert counts(shop, again) == (0, 0, len(owners), 0), verdicts(shop, again)
        copy = mapped(shop, "customer", content, **{"column-0": "", "match": ""})
        assert counts(shop, copy) == (len(owners), 0, 0, 0), verdicts(shop, copy)
        apply(shop, "customer", copy)
        with shop.look() as session:
            mine = (
                select(Customer).where(Customer.last_name == mark).order_by(Customer.first_name, Customer.id)
            )
            found = list(map(told, session.scalars(mine)))
        assert len(found) == 2 * len(owners)
        assert found[::2] == found[1::2]

    check()


def test_what_is_too_long_is_refused_by_its_column(shop: Shop):
    long = {
        "phones.mobile.number": "07700 900123" + " " * 29 + "1", "phones.fax.number": "07700 900123;" * 101,
        "primary_address.line2": "x" * 161, "primary_address.town": "x" * 101, "primary_address.postcode": "1" * 17,
        "phones.work.extension": "12345678901",
    }  # fmt: skip
    heads = 'First name,Work phone,Address 1,Mobile,Fax,Address 2,Town,Postcode,"Phone, work: extension"\n'
    rows = "".join(
        f"Ann,0113 496 0001,1 Mill Lane{',' * n}{text}{',' * (6 - n)}\n"
        for n, text in enumerate(long.values(), 1)
    )
    file_id = mapped(shop, "customer", heads + rows)
    assert [list(told) for told in verdicts(shop, file_id)] == [[name] for name in long]


def test_a_customer_out_of_scope_gets_no_phone_and_no_address(shop: Shop):
    with shop.arrange() as session:
        ours, theirs = (factories.make_sales_channel(session) for _n in range(2))
        mine = factories.make_customer(
            session, first_name="Ann", email="ann@example.com", sales_channel=ours
        ).id
        other = factories.make_customer(
            session, first_name="Bob", email="bob@example.com", sales_channel=theirs
        ).id
        manager = session.scalars(select(Staff.id).where(Staff.username == "manager")).one()
        session.add(StaffChannel(user_id=manager, sales_channel_id=ours.id))
    text = f"{N},Mobile,Address 1\n{mine},07700 900123,1 Mill Lane\n{other},07700 900124,2 Mill Lane\n"
    file_id = mapped(shop, "customer", text, "Manager")
    assert verdicts(shop, file_id) == ["changed", {"id": "No record has this number."}]
    apply(shop, "customer", file_id, "Manager")
    assert len(contacts(shop)[0]) == 1
    assert contacts(shop, "Bob") == ([], [])
