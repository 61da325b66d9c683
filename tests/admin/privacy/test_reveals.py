"""A look at a masked value: one field of one record, for a minute, written down and counted (rule 19.6)."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.journal import Change, Changeset
from tests.admin import hiding
from tests.admin.conftest import Shop
from tests.admin.crawl import HTMX
from tests.admin.hiding import ROLE, Planted
from tests.admin.pages import Page, page_of

URL = "/admin/reveal/"
either = pytest.mark.either_database


@pytest.fixture
def made(shop: Shop, made: Planted) -> Planted:
    """And they may have a look."""
    hiding.allow(shop, "can_reveal")
    return made


def looks(shop: Shop) -> list[Changeset]:
    with shop.look() as session:
        found = sa.select(Changeset).where(Changeset.action == "customer.revealed").order_by(Changeset.id)
        return list(session.scalars(found))


def details(shop: Shop, made: Planted, role: str = ROLE) -> str:
    url = f"/admin/customer/details/?id={made.rows['customer'].id}"
    return shop.client(role).get(url).get_data(as_text=True)


def look_at(shop: Shop, made: Planted, table: str, name: str, role: str = ROLE, **headers: str):
    data = {"table": table, "id": made.rows[table].id, "field": name}
    return shop.client(role).send(URL, data, headers=headers)


def test_a_click_shows_one_field_of_one_record_for_a_minute(
    shop: Shop, made: Planted, clock: hiding.Clock
) -> None:
    customer, email = made.rows["customer"], made.values["customer", "email"]
    form = page_of(shop.client(ROLE).get(f"/admin/customer/details/?id={customer.id}")).form(
        URL, holding="field"
    )
    assert form.fields["table"] == "customer"
    back = shop.client(ROLE).post(URL, data=form.filled(field="email"))
    assert (back.status_code, back.location) == (302, f"/admin/customer/details/?id={customer.id}")
    page = details(shop, made)
    assert email in page
    others = [text for text in made.secrets if text not in email]
    assert hiding.told_in(page, others) == []
    assert email not in shop.client("Read-only").get(back.location).get_data(as_text=True)
    clock.now += dt.timedelta(seconds=59)
    assert email in details(shop, made)
    clock.now += dt.timedelta(seconds=2)
    assert email not in details(shop, made)


def test_with_scripts_the_value_takes_the_mask_s_place_and_goes_by_itself(
    shop: Shop, made: Planted, clock: hiding.Clock
) -> None:
    email = made.values["customer", "email"]
    shown = look_at(shop, made, "customer", "email", **HTMX).get_data(as_text=True)
    assert email in shown
    assert "delay:60s" in shown
    (later,) = (link for link in Page(shown).links if link.startswith(URL))
    clock.now += dt.timedelta(seconds=61)
    masked = shop.client(ROLE).get(later).get_data(as_text=True)
    assert email not in masked
    assert "h***@mask.example" in masked


def test_every_sensitive_column_can_be_looked_at_and_looking_changes_nothing(
    shop: Shop, made: Planted
) -> None:
    before = hiding.stored(shop, made)
    for (table, name), value in made.values.items():
        shown = look_at(shop, made, table, name, **HTMX)
        assert shown.status_code == 200
        assert hiding.told_in(shown.get_data(as_text=True), hiding.shown_as(value)), (table, name)
    assert hiding.stored(shop, made) == before
    form = page_of(shop.client(ROLE).get(f"/admin/customer/edit/?id={made.rows['customer'].id}")).form(
        "/edit/"
    )
    assert "email" not in form.fields, "what was looked at is still none of the form's"
    assert shop.client(ROLE).get("/admin/customer/?sort=email").status_code == 400


@either
def test_it_is_written_down_who_looked_at_what_and_never_the_value(shop: Shop, made: Planted) -> None:
    phone = made.rows["phone"]
    look_at(shop, made, "phone", "number")
    (event,) = looks(shop)
    assert (event.subject_table, event.subject_id) == ("customer", made.rows["customer"].id)
    assert event.reason == f"phone:{phone.id}:number"
    assert event.actor_name
    with shop.look() as session:
        assert session.scalar(sa.select(Change).where(Change.changeset_id == event.id)) is None
    listed = shop.client().get("/admin/changeset/").get_data(as_text=True)
    assert "Masked value revealed" in listed
    look_at(shop, made, "phone", "number")
    assert len(looks(shop)) == 1, "while it is shown a second click is nothing new"


@either
def test_sixty_looks_an_hour_are_enough(shop: Shop, made: Planted, clock: hiding.Clock) -> None:
    for _n in range(60):
        clock.now += dt.timedelta(seconds=58)
        data = {"table": "customer", "id": made.rows["customer"].id, "field": ("email", "vat_number")[_n % 2]}
        assert shop.client(ROLE).send(URL, data).status_code == 302
    clock.now += dt.timedelta(seconds=1)
    answer = look_at(shop, made, "address", "town", **HTMX)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) <= 3600
    assert len(looks(shop)) == 60
    clock.now += dt.timedelta(minutes=5)
    assert look_at(shop, made, "address", "town", **HTMX).status_code == 200


@either
def test_only_who_may_and_only_what_is_masked(shop: Shop, made: Planted) -> None:
    assert look_at(shop, made, "customer", "email", role="Read-only").status_code == 403
    assert look_at(shop, made, "customer", "first_name").status_code == 400
    assert look_at(shop, made, "customer", "password_hash").status_code == 400
    assert shop.client(ROLE).send(URL, {"table": "x", "id": 1, "field": "email"}).status_code == 400
    gone = {"table": "customer", "id": 10**9, "field": "email"}
    assert shop.client(ROLE).send(URL, gone).status_code == 404
    assert shop.client(ROLE).post(URL, data=gone).status_code == 400, "no token"
    away = {"table": "customer", "id": made.rows["customer"].id, "field": "email", "next": "//evil.example/"}
    assert shop.client(ROLE).send(URL, away).location.startswith("/admin/customer/")
    assert URL not in details(shop, made, "Read-only")
    assert URL not in details(shop, made, "Admin")
    assert look_at(shop, made, "customer", "email", role="Admin").status_code == 302
    assert len(looks(shop)) == 1, "what one sees anyway is not looked at"


@either
def test_a_look_in_the_browser_opens_nothing_at_the_api(shop: Shop, made: Planted) -> None:
    look_at(shop, made, "customer", "email")
    shown = shop.api(ROLE).get(f"/api/v1/customer/{made.rows['customer'].id}").json["result"]
    assert shown["email"] == "h***@mask.example"
