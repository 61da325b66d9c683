"""Two people edit one record: nobody's work is lost, on the form, on its phones, or in a cell (rule 9.4)."""

from typing import Any

import pytest
import sqlalchemy as sa

from models.customer import Customer
from models.phone import Phone
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import Form, Page, page_of

HTMX = {"HX-Request": "true"}


def customer(shop: Shop, **values: Any) -> int:
    """A customer to quarrel about."""
    given = {
        "first_name": "Ann",
        "last_name": "Old",
        "email": None,
        "credit_limit": 1250,
        "free_delivery": False,
        **values,
    }
    return int(shop.make(factories.make_customer, **given).id)


def opened(shop: Shop, row_id: int, role: str = "Admin", headers: dict[str, str] | None = None) -> Form:
    """The edit form as somebody opens it."""
    return page_of(shop.client(role).get(f"/admin/customer/edit/?id={row_id}", headers=headers)).form(
        "/edit/"
    )


def save(
    shop: Shop, form: Form, role: str = "Admin", *, headers: dict[str, str] | None = None, **changes: Any
) -> Any:
    """Send the form with changes."""
    return shop.client(role).post(form.action, data=form.filled(**changes), headers=headers)


def radios(page: Page, name: str) -> list[str]:
    """The values offered for a field that both changed."""
    return [
        g["value"]
        for t, g in page.tags
        if t == "input" and g.get("type") == "radio" and g.get("name") == name
    ]


def phones(shop: Shop, row_id: int) -> list[tuple[str, str | None]]:
    """(number, extension) of each of a customer's phones, by id."""
    with shop.look() as session:
        rows = session.scalars(sa.select(Phone).where(Phone.customer_id == row_id).order_by(Phone.id))
        return [(phone.number, phone.extension) for phone in rows]


@pytest.mark.both_databases
@pytest.mark.parametrize("keep", ["mine", "theirs"])
def test_the_second_save_gets_a_page_of_both_and_nothing_is_lost(shop: Shop, keep: str) -> None:
    row_id = customer(shop)
    form = opened(shop, row_id)
    theirs = {"last_name": "Theirs", "free_delivery": "y", "company_name": "They Ltd", "credit_limit": "20"}
    assert save(shop, opened(shop, row_id, "Manager"), "Manager", **theirs).status_code == 302
    answer = save(shop, form, last_name="Mine", email="mine@example.com", global_discount="2.5")
    assert answer.status_code == 409
    assert shop.get(Customer, row_id).last_name == "Theirs", "nothing is saved before somebody chooses"
    page = page_of(answer)
    for words in (
        "Old",
        "Theirs",
        "Mine",
        "Manager Tester",
        "They Ltd",
        "mine@example.com",
        "20.00",
        "12.50",
    ):
        assert words in page.text, words
    assert radios(page, "last_name") == ["Theirs", "Mine"]
    assert not any(
        radios(page, name) for name in ("email", "free_delivery", "credit_limit", "global_discount")
    )
    choice = {"mine": "Mine", "theirs": "Theirs"}[keep]
    assert save(shop, page.form("/edit/"), last_name=choice).status_code == 302
    row = shop.get(Customer, row_id)
    assert (row.last_name, row.email, str(row.global_discount)) == (choice, "mine@example.com", "2.50")
    assert (row.free_delivery, row.company_name, row.credit_limit) == (True, "They Ltd", 2000)


def test_a_switch_they_turned_off_stays_off(shop: Shop) -> None:
    row_id = customer(shop, free_delivery=True, pay_on_account=True)
    form = opened(shop, row_id)
    save(shop, opened(shop, row_id, "Manager"), "Manager", free_delivery=None)
    page = page_of(save(shop, form, title="Dr", pay_on_account=None))
    assert save(shop, page.form("/edit/")).status_code == 302
    row = shop.get(Customer, row_id)
    assert (row.free_delivery, row.pay_on_account, row.title) == (False, False, "Dr")


def test_saving_the_conflict_page_without_choosing_keeps_theirs(shop: Shop) -> None:
    row_id = customer(shop)
    form = opened(shop, row_id)
    save(shop, opened(shop, row_id, "Manager"), "Manager", last_name="Theirs")
    page = page_of(save(shop, form, last_name="Mine", title="Dr"))
    assert save(shop, page.form("/edit/")).status_code == 302
    row = shop.get(Customer, row_id)
    assert (row.last_name, row.title) == ("Theirs", "Dr")


def test_a_third_save_meanwhile_asks_again(shop: Shop) -> None:
    row_id = customer(shop)
    form = opened(shop, row_id)
    save(shop, opened(shop, row_id, "Manager"), "Manager", last_name="Second")
    page = page_of(save(shop, form, last_name="Mine"))
    save(shop, opened(shop, row_id, "Support"), "Support", last_name="Third", title="Prof")
    again = save(shop, page.form("/edit/"), last_name="Mine")
    assert again.status_code == 409
    assert radios(page_of(again), "last_name") == ["Third", "Mine"]
    assert save(shop, page_of(again).form("/edit/"), last_name="Mine").status_code == 302
    row = shop.get(Customer, row_id)
    assert (row.last_name, row.title) == ("Mine", "Prof")


def test_the_same_change_by_both_is_no_clash(shop: Shop) -> None:
    row_id = customer(shop)
    form = opened(shop, row_id)
    save(shop, opened(shop, row_id, "Manager"), "Manager", last_name="Same", global_discount="7.50")
    page = page_of(save(shop, form, last_name="Same", global_discount="7.5", first_name="Zoë"))
    assert not radios(page, "last_name")
    assert not radios(page, "global_discount"), "7.5 and 7.50 are the same"
    assert save(shop, page.form("/edit/")).status_code == 302
    assert shop.get(Customer, row_id).first_name == "Zoë"


def test_the_drawer_shows_the_conflict_as_a_fragment(shop: Shop) -> None:
    row_id = customer(shop)
    form = opened(shop, row_id, headers=HTMX)
    save(shop, opened(shop, row_id, "Manager"), "Manager", last_name="Theirs")
    answer = save(shop, form, last_name="Mine", headers=HTMX)
    assert answer.status_code == 409
    assert "<html" not in answer.get_data(as_text=True)
    assert save(shop, page_of(answer).form("/edit/"), last_name="Mine", headers=HTMX).status_code == 204


def test_a_record_that_was_deleted_meanwhile_is_not_there(shop: Shop) -> None:
    row_id = shop.make(factories.make_membership_group).id
    client = shop.client()
    form = page_of(client.get(f"/admin/membership_group/edit/?id={row_id}")).form("/edit/")
    client.send("/admin/membership_group/delete/", {"id": row_id})
    assert client.post(form.action, data=form.filled(name="Back")).status_code == 404


@pytest.mark.parametrize("version", ["0", "-1", "x", "1.5", "9" * 30, "", "２"])
def test_a_save_needs_the_version_it_was_opened_at(shop: Shop, version: str) -> None:
    row_id = customer(shop)
    answer = save(shop, opened(shop, row_id), version=version, last_name="Mine")
    assert answer.status_code == 400
    assert shop.get(Customer, row_id).last_name == "Old"
    future = save(shop, opened(shop, row_id), version="77", last_name="Mine")
    assert future.status_code == 409
    assert shop.get(Customer, row_id).last_name == "Old"


# -- phones in the customer's form --------------------------------------------------------------------------------------


def test_phones_are_added_changed_and_removed_in_the_customers_form(shop: Shop) -> None:
    row_id = customer(shop)
    form = opened(shop, row_id)
    rows = {
        "phones-0-number": "0113 496 0001",
        "phones-0-kind": "mobile",
        "phones-4-number": "0113 496 0002",
        "phones-4-kind": "work",
    }
    assert save(shop, form, **rows, **{"phones-4-country": "GB", "phones-0-country": "GB"}).status_code == 302
    assert phones(shop, row_id) == [("0113 496 0001", None), ("0113 496 0002", None)]
    form = opened(shop, row_id)
    assert [form.fields[f"phones-{n}-number"] for n in (0, 1)] == ["0113 496 0001", "0113 496 0002"]
    without = {name: None for name in form.fields if name.startswith("phones-0-")}
    assert save(shop, form, **without, **{"phones-1-extension": "7"}).status_code == 302
    assert phones(shop, row_id) == [("0113 496 0002", "7")]
    form = opened(shop, row_id)
    assert save(shop, form).status_code == 302
    assert (
        save(
            shop, opened(shop, row_id), **{n: None for n in form.fields if n.startswith("phones-")}
        ).status_code
        == 302
    )
    assert phones(shop, row_id) == []


def test_what_is_wrong_stands_under_the_right_line_and_all_of_it_is_kept(shop: Shop) -> None:
    row_id = customer(shop)
    rows = {
        "phones-0-number": "0113 496 0001", "phones-0-country": "GB", "phones-0-kind": "mobile",
        "phones-3-number": "", "phones-3-country": "GB", "phones-3-kind": "mobile",
        "phones-7-number": "12", "phones-7-country": "GB", "phones-7-kind": "mobile",
        "phones-9-number": "0113 496 0009", "phones-9-extension": "x", "phones-9-country": "GB", "phones-9-kind": "mobile",
    }  # fmt: skip
    answer = save(shop, opened(shop, row_id), **rows)
    page = page_of(answer)
    assert answer.status_code == 422
    found = page.form("/edit/").fields
    assert {found[name]: bool(page.error(name)) for name in found if name.endswith("-number")} == {
        "0113 496 0001": False, "12": True, "0113 496 0009": False,
    }  # fmt: skip
    wrong = {found[name]: name for name in found if page.error(name)}
    assert set(wrong) == {"12", "x", found["phones"]}
    assert phones(shop, row_id) == []
    fixed = save(shop, page.form("/edit/"), **{wrong["12"]: "0113 496 0007", wrong["x"]: ""})
    assert fixed.status_code == 302
    assert [number for number, _e in phones(shop, row_id)] == [
        "0113 496 0001",
        "0113 496 0007",
        "0113 496 0009",
    ]


def test_a_stale_save_never_deletes_somebodys_phone_and_says_what_became_of_yours(shop: Shop) -> None:
    row_id = customer(shop)
    first = shop.make(factories.make_phone, customer_id=row_id, number="0113 496 0001", is_primary=True).id
    form = opened(shop, row_id)
    new = {"phones-1-number": "0113 496 0002", "phones-1-country": "GB", "phones-1-kind": "work"}
    assert save(shop, opened(shop, row_id, "Manager"), "Manager", **new).status_code == 302
    mine = {
        "phones-1-number": "0113 496 0003",
        "phones-1-country": "GB",
        "phones-1-kind": "fax",
        "last_name": "Mine",
    }
    answer = save(shop, form, **mine)
    assert answer.status_code == 409
    assert "0113 496 0003" in page_of(answer).text, "what was typed is still to be seen"
    assert save(shop, page_of(answer).form("/edit/"), last_name="Mine").status_code == 302
    assert {"0113 496 0001", "0113 496 0002"} <= {number for number, _e in phones(shop, row_id)}
    assert shop.get(Customer, row_id).last_name == "Mine"
    assert shop.get(Phone, first).is_primary


def test_phones_changed_by_me_alone_survive_a_conflict(shop: Shop) -> None:
    row_id = customer(shop)
    shop.make(factories.make_phone, customer_id=row_id, number="0113 496 0001", is_primary=True)
    form = opened(shop, row_id)
    save(shop, opened(shop, row_id, "Manager"), "Manager", title="Dr")
    answer = save(
        shop,
        form,
        **{
            "phones-0-extension": "9",
            "phones-1-number": "0113 496 0002",
            "phones-1-country": "GB",
            "phones-1-kind": "work",
        },
    )
    assert answer.status_code == 409
    assert save(shop, page_of(answer).form("/edit/")).status_code == 302
    assert phones(shop, row_id) == [("0113 496 0001", "9"), ("0113 496 0002", None)]
    assert shop.get(Customer, row_id).title == "Dr"


def test_a_phone_added_on_its_own_screen_meanwhile_stays(shop: Shop) -> None:
    row_id = customer(shop)
    form = opened(shop, row_id)
    shop.make(factories.make_phone, customer_id=row_id, number="0113 496 0005")
    assert (
        save(
            shop,
            form,
            **{"phones-0-number": "0113 496 0006", "phones-0-country": "GB", "phones-0-kind": "work"},
        ).status_code
        == 302
    )
    assert {number for number, _e in phones(shop, row_id)} == {"0113 496 0005", "0113 496 0006"}


def test_a_phone_changed_on_its_own_screen_meanwhile_is_not_overwritten(shop: Shop) -> None:
    row_id = customer(shop)
    phone = shop.make(factories.make_phone, customer_id=row_id, number="0113 496 0005").id
    form = opened(shop, row_id)
    own = page_of(shop.client("Manager").get(f"/admin/phone/edit/?id={phone}")).form("/edit/")
    assert shop.client("Manager").post(own.action, data=own.filled(extension="1")).status_code == 302
    assert save(shop, form, title="Dr").status_code == 302, "a line nobody touched here is no clash"
    assert phones(shop, row_id) == [("0113 496 0005", "1")]
    own = page_of(shop.client("Manager").get(f"/admin/phone/edit/?id={phone}")).form("/edit/")
    stale = opened(shop, row_id)
    assert shop.client("Manager").post(own.action, data=own.filled(extension="2")).status_code == 302
    answer = save(shop, stale, **{"phones-0-extension": "3"})
    assert answer.status_code == 422
    assert page_of(answer).error("phones-0-number")
    assert phones(shop, row_id) == [("0113 496 0005", "2")]


def test_nobody_takes_or_deletes_another_customers_phone(shop: Shop) -> None:
    mine, other = customer(shop), customer(shop)
    theirs = shop.make(factories.make_phone, customer_id=other, number="0113 496 0005").id
    rows = {
        "phones": f"shown {theirs}",
        "phones-0-id": str(theirs),
        "phones-0-number": "0113 496 0006",
        "phones-0-country": "GB",
        "phones-0-kind": "work",
    }
    assert save(shop, opened(shop, mine), **rows).status_code == 302
    assert save(shop, opened(shop, mine), phones=f"shown {theirs}").status_code == 302
    assert (shop.get(Phone, theirs).customer_id, shop.get(Phone, theirs).number) == (other, "0113 496 0005")


def test_many_phones_are_neither_an_error_nor_lost(shop: Shop) -> None:
    row_id = customer(shop)
    with shop.arrange() as session:
        for n in range(25):
            factories.make_phone(session, customer_id=row_id, number=f"0113 496 00{n:02d}")
    form = opened(shop, row_id)
    assert save(shop, form, title="Dr").status_code == 302
    assert len(phones(shop, row_id)) == 25
    more = {f"phones-{n}-number": f"0113 496 01{n:02d}" for n in range(60, 90)}
    answer = save(shop, opened(shop, row_id), **more)
    assert answer.status_code == 422
    assert page_of(answer).error("phones")
    assert len(phones(shop, row_id)) == 25


@pytest.mark.parametrize(
    "name",
    [
        "phones-²-number",
        "phones-x-number",
        "phones--1-number",
        "phones-" + "9" * 5000 + "-number",
        "phones-0",
        "phones-",
    ],
)
def test_lines_with_strange_numbers_are_no_error_of_ours(shop: Shop, name: str) -> None:
    row_id = customer(shop)
    answer = save(shop, opened(shop, row_id), **{name: "0113 496 0001"})
    assert answer.status_code in (302, 400, 422)
