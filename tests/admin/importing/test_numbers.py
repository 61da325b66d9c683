"""Figures in files are read as their writers meant them: by the signs that a column proves, else by a person's choice."""

import re
from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from admin.importing.files import Reading
from admin.importing.numbers import FORMATS, column_format, file_format, is_asked, shown_by
from admin.viewmodels.spreadsheets import write_xlsx
from models.amounts import amount
from models.customer import Customer
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.imports import apply, mapped, upload, verdicts
from tests.admin.listing.test_csv import records
from tests.admin.pages import page_of

pytestmark = pytest.mark.either_database
MINOR = st.integers(0, 99_999_999_999)


def reading_of(*texts: str) -> Reading:
    """What a file says of its only column."""
    shown = [found for text in texts if (found := shown_by(text))]
    return Reading(encoding="utf-8", figures={"0": sorted(frozenset.intersection(*shown))} if shown else {})


@pytest.mark.parametrize("written_in", FORMATS)
@given(st.lists(MINOR, min_size=1, max_size=6), st.sampled_from(sorted(FORMATS)), st.booleans())
def test_a_column_of_amounts_is_read_as_it_was_written_whatever_the_shop_writes(
    written_in: str, minors: list[int], shop_writes: str, grouped: bool
):
    look = "#,##0.00" if grouped else "0.00"
    texts = [format_decimal(Decimal(n).scaleb(-2), look, locale=written_in) for n in minors]
    reading = reading_of(*texts)
    found = column_format(reading, 0, file_format(reading, [0], ours=False, locale=shop_writes))
    assert [amount(text, "GBP", found) for text in texts] == minors
    assert not is_asked(reading, [0])


@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from(",."))
def test_a_figure_that_could_be_either_is_asked_about(front: int, behind: int, sign: str):
    assert is_asked(reading_of(f"{front}{sign}{behind:03}"), [0])


@pytest.mark.parametrize(
    "text",
    ["", "x", "1250", "-5", "2026-01-31", "03.04.2026", "10.0.0.1", "020 7946 0123", "1,2,3", "v1.2 and 3.4"],
)
def test_what_is_no_figure_or_reads_alike_says_nothing(text: str):
    assert not shown_by(text)


def choices(shop: Shop, content: str) -> tuple[dict[str, str], bool]:
    """What the page of the columns offers, and whether it shows how the file is read without being asked."""
    page = shop.client().get(upload(shop, "customer", content).location)
    opened = re.search(
        r'<details class="card import-card import-reading"( open)?>', page.get_data(as_text=True)
    )
    return page_of(page).form("/admin/customer/import/columns/").fields, bool(opened[1])


def limits(shop: Shop) -> list[int | None]:
    """The credit limits of all customers, in the order they came."""
    with shop.look() as session:
        return list(session.scalars(select(Customer.credit_limit).order_by(Customer.id)))


GERMAN = "Vorname;Nachname;Kreditlimit\nAnn;Lee;1.234,56\nBob;Ray;12,5\nCy;Poe;€ 7\n"


@pytest.mark.parametrize("locale", ["en_GB", "de_DE"])
def test_a_german_file_is_read_in_any_shop(shop: Shop, locale: str):
    shop.make(factories.make_shop_setting, code="locale", value=locale)
    shop.make(factories.make_shop_setting, code="currency", value="EUR")
    fields, opened = choices(shop, GERMAN)
    assert (fields["figures"], opened) == ("de", False)
    apply(shop, "customer", mapped(shop, "customer", GERMAN))
    assert limits(shop) == [123456, 1250, 700]


def test_what_could_be_either_is_asked_and_read_as_chosen(shop: Shop):
    shop.make(factories.make_shop_setting, code="locale", value="de_DE")
    either = "First name,Last name,Credit limit\nAnn,Lee,1.234\nBob,Ray,20\n"
    fields, opened = choices(shop, either)
    assert (fields["figures"], opened) == ("de", True)
    assert list(verdicts(shop, mapped(shop, "customer", either, figures="en"))[0]) == ["credit_limit"]
    apply(shop, "customer", mapped(shop, "customer", either))
    assert limits(shop) == [123400, 2000]


def test_a_column_that_proves_its_signs_keeps_them_and_another_follows_the_choice(shop: Shop):
    text = 'First name,Discount,Credit limit\nAnn,"7,5",1.234\nBob,"2,25",5\n'
    with shop.arrange() as session:
        assert not session.scalar(select(Customer.id))
    file_id = mapped(shop, "customer", text.replace("Discount", "Global discount"))
    apply(shop, "customer", file_id)
    assert limits(shop) == [123400, 500]
    with shop.look() as session:
        found = session.scalars(select(Customer.global_discount).order_by(Customer.id))
        assert [str(discount) for discount in found] == ["7.50", "2.25"]


def test_our_own_file_is_read_with_a_point_in_a_german_shop(shop: Shop):
    shop.make(factories.make_shop_setting, code="locale", value="de_DE")
    owner = shop.make(factories.make_customer, currency="KWD", credit_limit=1234)
    assert records(shop, "customer", ["sort_name", "credit_limit"])[0]["Credit limit"] == "1.234"
    content = shop.client().get("/admin/customer/export/csv/?view=all").get_data(as_text=True)
    assert choices(shop, content)[0]["figures"] == "en"
    assert verdicts(shop, mapped(shop, "customer", content)) == ["unchanged"]
    assert shop.get(Customer, owner.id).credit_limit == 1234


def test_figures_that_a_workbook_holds_as_text_are_read_as_those_of_a_text_and_its_numbers_with_a_point(
    shop: Shop,
):
    def made(*rows: tuple[str, str | Decimal]) -> bytes:
        titles = ["First name", "Last name", "Credit limit"]
        return b"".join(write_xlsx([titles, *([*name.split(), value] for name, value in rows)]))

    shown = made(("Ann Lee", "1.234,56"), ("Bob Ray", Decimal("1234.5")), ("Cy Poe", "€ 7"))
    fields, opened = choices(shop, shown)
    assert (fields["figures"], opened) == ("de", False)
    shop.make(factories.make_shop_setting, code="currency", value="EUR")
    apply(shop, "customer", mapped(shop, "customer", shown))
    assert limits(shop) == [123456, 123450, 700]
    either = made(("Di Fox", "1.234"), ("Ed Gee", Decimal("1.5")))
    fields, opened = choices(shop, either)
    assert (fields["figures"], opened) == ("en", True)
    apply(shop, "customer", mapped(shop, "customer", either, figures="de"))
    assert limits(shop)[3:] == [123400, 150]
    assert "figures" not in choices(shop, made(("Flo Hay", Decimal("1.5"))))[0], "numbers have nobody's signs"


def test_a_format_that_was_not_offered_is_refused(shop: Shop):
    answer = upload(shop, "customer", GERMAN)
    form = page_of(shop.client().get(answer.location)).form("/admin/customer/import/columns/")
    told = shop.client().post(form.action, data=form.filled(figures="xx"))
    assert told.status_code == 400
    assert "Figures: “xx” is not one of the options: choose from the list on the page." in page_of(told).text
