"""All that is wrong with a row is named by one dry run, and nothing that only follows from something else (rule 15.9)."""

import csv
import io
import itertools
from collections.abc import Iterable

import pytest
from sqlalchemy import select

from admin.viewmodels.spreadsheets import RECORD_NUMBER
from models.customer import Customer
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.imports import apply, mapped, verdicts

SOUND = {
    "Last name": "Lee", "Email": "", "Account code": "", "Loyalty code": "", "Class": "", "Active": "yes",
    "Credit limit": "10", "Currency": "GBP", "Date of birth": "1980-01-31", "VAT number": "",
}  # fmt: skip
FAULTS = {
    "Class": ("Golden", "Record not found."),
    "Active": ("perhaps", "Enter yes or no."),
    "Credit limit": ("abc", "Enter a number"),
    "Date of birth": ("2999-01-31", "in the past"),
    "VAT number": ("GB123", "check digits do not match"),
    "Email": ("taken@example.com", "Another record already has this value."),
    "Account code": ("T-1", "already has this value."),
    "Loyalty code": ("L-1", "already has this value."),
}
FIELDS = {
    "Class": "customer_class", "Active": "is_active", "VAT number": "vat_number", "Date of birth": "date_of_birth",
    "Credit limit": "credit_limit", "Email": "email", "Account code": "account_code", "Loyalty code": "loyalty_code",
}  # fmt: skip


def lines(headers: Iterable[str], *rows: Iterable[str]) -> str:
    """A CSV file."""
    made = io.StringIO()
    csv.writer(made).writerows([headers, *rows])
    return made.getvalue()


def test_whatever_is_wrong_with_a_row_is_all_named_by_one_dry_run(shop: Shop):
    with shop.arrange() as session:
        factories.make_customer(
            session, email="taken@example.com", account_code="T-1", loyalty_code="L-1", status="registered"
        )
    sets = [frozenset(chosen) for size in range(4) for chosen in itertools.combinations(FAULTS, size)]
    sets.append(frozenset(FAULTS))
    rows = [[FAULTS[h][0] if h in wrong else text for h, text in SOUND.items()] for wrong in sets]
    found = verdicts(shop, mapped(shop, "customer", lines(SOUND, *rows)))
    again = "An earlier line of the file already has this value."
    for wrong, verdict in zip(sets, found, strict=True):
        told = {} if verdict == "created" else verdict
        assert set(told) == {FIELDS[h] for h in wrong}, (wrong, verdict)
        for heading in wrong:
            assert FAULTS[heading][1] in told[FIELDS[heading]] or told[FIELDS[heading]] == again


FOLLOWING = {
    "a postcode of a country nobody knows": (
        "address", "Customer,line1,Postcode,Country\n#{customer},1 Mill Lane,1234,Narnia\n", {"country"},
    ),
    "a postcode that will not do in its country": (
        "address", "Customer,line1,Postcode,Primary\n#{customer},1 Mill Lane,1234,perhaps\n",
        {"postcode", "is_primary"},
    ),
    "an address of nobody": (
        "address", "Customer,line1,Postcode,Primary\nNobody,1 Mill Lane,1234,perhaps\n",
        {"customer", "postcode", "is_primary"},
    ),
    "a due date of an unknown kind": (
        "note", "Customer,Kind,Text,Due\n#{customer},Errand,Call,2026-12-01\n", {"kind"},
    ),
    "a due date nobody can read": ("note", "Customer,Kind,Text,Due\n#{customer},Note,Call,soon\n", {"due_on"}),
    "an email that is all there is of a name": ("customer", "Email,Credit limit\nnone,10\n", {"email"}),
    "no name at all": ("customer", "Email,Credit limit\n,abc\n", {"last_name", "credit_limit"}),
    "decimals of a currency nobody knows": (
        "customer", "Clientele record number,Currency,Credit limit\n{yen},Florins,12.50\n", {"currency"},
    ),
    "a value of an unknown attribute": (
        "attribute_value", "Customer,Attribute,Value\n#{customer},Colour,abc\n", {"definition"},
    ),
    "a channel nobody knows": ("customer", "Last name,Sales channel\nLee,Pigeon post\n", {"sales_channel"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", FOLLOWING)
@pytest.mark.either_database
def test_nothing_is_said_that_only_follows_from_a_cell_nobody_could_read(shop: Shop, kind: str):
    resource, text, wrong = FOLLOWING[kind]
    owner, yen = (shop.make(factories.make_customer, currency=currency).id for currency in ("GBP", "JPY"))
    file_id = mapped(shop, resource, text.format(customer=owner, yen=yen))
    [told] = verdicts(shop, file_id)
    assert isinstance(told, dict), told
    assert set(told) == wrong


def test_a_record_that_is_there_is_told_all_that_is_wrong_with_what_it_would_become(shop: Shop):
    with shop.arrange() as session:
        factories.make_customer(session, account_code="T-1")
        old = factories.make_customer(session, last_name="Lee", vat_number=None)
        agent = factories.make_customer(session)
    text = lines(
        (RECORD_NUMBER, "Active", "Agent", "Account code", "VAT number", "Date of birth"),
        (old.id, "perhaps", agent.id, "t-1", "GB123", "2999-01-31"),
        (old.id, "yes", "", "", "", ""),
    )
    wrong, again = verdicts(shop, mapped(shop, "customer", text))
    assert set(wrong) == {"is_active", "agent", "account_code", "vat_number", "date_of_birth"}
    assert set(again) == {""}
    assert shop.get(Customer, old.id).version == old.version


def test_of_a_record_nobody_can_tell_the_cells_are_read_all_the_same(shop: Shop):
    text = (
        "Clientele record number,Email,Title,Active,Credit limit,Class\n999999,none,Dr,perhaps,12.50,Golden\n"
    )
    [told] = verdicts(shop, mapped(shop, "customer", text))
    assert set(told) == {"id", "email", "is_active", "customer_class"}


def test_a_refused_row_stands_in_nobodys_way_and_is_never_applied(shop: Shop):
    text = "Last name,Email,Active\nLee,ann@example.com,perhaps\nRay,ann@example.com,yes\n"
    file_id = mapped(shop, "customer", text)
    told, other = verdicts(shop, file_id)
    assert (set(told), other) == ({"is_active", "email"}, "created"), "the two of them still share an email"
    apply(shop, "customer", file_id)
    with shop.look() as session:
        assert session.scalars(
            select(Customer.last_name).where(Customer.email == "ann@example.com")
        ).all() == ["Ray"]


def test_what_is_wrong_is_told_in_the_order_of_the_columns(shop: Shop):
    text = "VAT number,Active,Class,Email\nGB123,perhaps,Golden,none\n"
    file_id = mapped(shop, "customer", text)
    told = shop.client().get(f"/admin/customer/import/refused/?id={file_id}").get_data(as_text=True)
    why = list(csv.reader(io.StringIO(told)))[1][-1]
    assert [part.split(":")[0] for part in why.split("; ")] == [
        "VAT number “GB123”", "Active “perhaps”", "Class “Golden”", "Email “none”"
    ]  # fmt: skip
