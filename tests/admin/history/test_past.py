"""The time machine's page: a record as it was, what differs from now, and each field's way back."""

import datetime as dt
import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from models.address import Address
from models.customer import Customer
from models.journal import Change, Changeset
from models.lookups import CustomerClass
from models.note import Note
from tests import application, factories
from tests.admin.conftest import Api, Shop, token
from tests.admin.pages import page_of
from tests.admin.screen.test_gates import SCREENS, AddressScreen, Narrow
from tests.admin.screens.test_ledgers import act
from tests.databases import Database, recorded_statements

HTMX = {"HX-Request": "true"}
START = dt.datetime(2026, 5, 3, 9, 2, tzinfo=dt.UTC)
"""10:02 in London."""


class Hours:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now


class LongDay(Shop):
    """A shop in which hours pass, longer than a session lasts: people sign in again."""

    def __init__(self, app: Flask, database: Database, clock: Hours) -> None:
        super().__init__(app, database)
        self._hours, self._since = clock, clock.now

    def client(self, role: str = "Admin") -> application.Client:
        """Return a browser that is signed in now."""
        self._renew()
        return super().client(role)

    def api(self, role: str = "Admin") -> Api:
        """Return a caller whose token is good now."""
        self._renew()
        return super().api(role)

    def _renew(self) -> None:
        if self._hours.now != self._since:
            self._clients.clear()
            self._tokens.clear()
            self._since = self._hours.now


@pytest.fixture
def clock() -> Hours:
    """The shop's clock; it goes on only when a test says so."""
    return Hours()


@pytest.fixture
def shop(database: Database, clock: Hours) -> Shop:
    """A shop with a clock of its own."""
    return LongDay(application.shared(database.url, clock), database, clock)


def z(moment: dt.datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def edit(shop: Shop, customer: int, **values: Any) -> None:
    """Save the customer's form with some fields changed."""
    client = shop.client()
    form = page_of(client.get(f"/admin/customer/edit/?id={customer}")).form("/admin/customer/edit/")
    assert client.post(form.action, data=form.filled(**values)).status_code == 302


def created(shop: Shop, **values: Any) -> int:
    client = shop.client()
    form = page_of(client.get("/admin/customer/new/")).form("/admin/customer/new/")
    assert client.post(form.action, data=form.filled(**values)).status_code == 302
    with shop.look() as session:
        return int(session.scalars(select(Customer.id).order_by(Customer.id.desc())).first())


@pytest.fixture
def customer(shop: Shop, clock: Hours) -> int:
    """Somebody who was called Karim at first, and Khan an hour later."""
    made = created(shop, first_name="Rashid", last_name="Karim", loyalty_code="C1")
    clock.now += dt.timedelta(hours=1)
    edit(shop, made, last_name="Khan", loyalty_code="C2")
    clock.now += dt.timedelta(hours=1)
    return made


def past(shop: Shop, customer: int, at: str, role: str = "Admin", resource: str = "customer", **headers: str):
    return shop.client(role).get(
        f"/admin/{resource}/past/", query_string={"id": customer, "at": at}, headers=headers
    )


def restore_link(shop: Shop, customer: int, field: str, at: dt.datetime = START) -> str:
    page = page_of(past(shop, customer, z(at)))
    return next(a for a in page.links if "/restore/" in a and f"field={field}" in a)


def restored(shop: Shop, link: str, role: str = "Admin", **changes: Any):
    """Follow the link to its form and send that."""
    client = shop.client(role)
    form = page_of(client.get(link)).form("/restore/")
    return client.post(form.action, data=form.filled(**changes)), form


def test_the_page_shows_the_record_as_it_was_and_marks_what_differs(shop: Shop, customer: int) -> None:
    page = page_of(past(shop, customer, z(START)))
    assert "Rashid Khan on 3 May 2026, 10:02" in page.text
    assert "2 fields differ from now" in page.text
    assert "Karim Now Khan Restore this value" in page.text
    assert "Rashid Now" not in page.text
    assert "no differences from now" in page_of(past(shop, customer, z(START + dt.timedelta(hours=1)))).text


def test_each_event_of_the_activity_line_leads_to_the_record_as_it_was_then(
    shop: Shop, customer: int
) -> None:
    page = page_of(shop.client("Support").get(f"/admin/customer/details/?id={customer}"))
    links = [a for a in page.links if "/customer/past/" in a]
    assert len(links) == 2
    texts = [page_of(shop.client("Support").get(a)).text for a in links]
    assert ["Karim" in text for text in texts] == [False, True]
    assert page.form("/customer/past/", method="get").fields["id"] == str(customer)
    listed = page_of(shop.client().get("/admin/changeset/"))
    assert set(links) <= set(listed.links)


def test_a_moment_is_typed_in_the_shop_s_own_time(shop: Shop, customer: int) -> None:
    answer = past(shop, customer, "2026-05-03T10:30")
    assert answer.status_code == 302
    assert answer.location.endswith("at=2026-05-03T09:30:00Z") or "09%3A30%3A00Z" in answer.location
    assert "Karim" in page_of(shop.client().get(answer.location)).text


@pytest.mark.parametrize(("fold", "which"), [(0, "the first"), (1, "the second")])
def test_of_an_hour_that_came_twice_the_other_one_is_a_link_away(
    shop: Shop, clock: Hours, fold: int, which: str
) -> None:
    clock.now = dt.datetime(2026, 10, 24, tzinfo=dt.UTC)
    made = created(shop, last_name="Karim")
    clock.now = dt.datetime(2026, 10, 26, tzinfo=dt.UTC)
    hours = [dt.datetime(2026, 10, 25, hour, 30, tzinfo=dt.UTC) for hour in (0, 1)]
    page = page_of(past(shop, made, z(hours[fold])))
    assert f"This is {which}." in page.text
    assert any(z(hours[1 - fold]) in a.replace("%3A", ":") for a in page.links)
    assert past(shop, made, "2026-10-25T01:30").location.replace("%3A", ":").endswith(z(hours[0]))


@pytest.mark.parametrize(
    ("at", "status", "words"),
    [
        ("", 400, "a date and time such as"),
        ("yesterday", 400, "a date and time such as"),
        ("2026-13-01T10:00", 400, "a date and time such as"),
        ("0001-01-01T00:00", 422, "between the years"),
        ("9999-12-31T23:59Z", 422, "between the years"),
        ("2026-05-03T10:02:00+99:00", 400, "a date and time such as"),
        ("2031-01-01T00:00", 422, "is in the future"),
        ("2020-01-01T00:00Z", 422, "did not exist at that time"),
    ],
)
def test_a_moment_that_will_not_do_is_refused_with_a_sentence_that_names_it(
    shop: Shop, customer: int, at: str, status: int, words: str
) -> None:
    answer = past(shop, customer, at)
    assert answer.status_code == status
    assert "At: " in page_of(answer).text
    assert words in page_of(answer).text
    api = Api(shop.app, token(shop.app, "Admin")).get(f"/api/v1/customer/{customer}", at=at)
    assert (api.status_code, api.json["field"]) == (status, "at")
    assert words in api.json["message"]


def test_a_value_is_restored_by_one_click_and_that_can_be_undone(shop: Shop, customer: int) -> None:
    answer, _form = restored(shop, restore_link(shop, customer, "last_name"))
    assert answer.status_code == 302
    now = shop.get(Customer, customer)
    assert (now.last_name, now.loyalty_code) == ("Karim", "C2")
    with shop.look() as session:
        changeset = session.scalars(select(Changeset).order_by(Changeset.id.desc())).first()
        assert (changeset.action, changeset.reason) == ("customer.edit", "Restored from 3 May 2026, 10:02")
        (change,) = session.scalars(select(Change).where(Change.changeset_id == changeset.id))
        assert {"last_name", "version", "updated_at"} == set(change.after)
    undo = next(
        a for a in page_of(shop.client().get(answer.location)).links if f"undo/?id={changeset.id}" in a
    )  # fmt: skip
    form = page_of(shop.client().get(undo)).form("/undo/")
    assert shop.client().post(form.action, data=form.fields).status_code == 302
    assert shop.get(Customer, customer).last_name == "Khan"


def test_the_preview_says_before_and_after_and_writes_nothing(shop: Shop, customer: int) -> None:
    client, link = shop.client(), restore_link(shop, customer, "last_name")
    opened = client.get(link, headers=HTMX)
    page = page_of(opened)
    assert "Last name: Khan → Karim" in page.text
    form, before = page.form("/restore/"), shop.figures()
    answer = client.post(f"{form.action}&preview=1", data=form.fields)
    assert "Last name: Khan → Karim" in page_of(answer).text
    assert shop.figures() == before


def test_a_double_click_restores_once(shop: Shop, customer: int) -> None:
    _answer, form = restored(shop, restore_link(shop, customer, "last_name"))
    before = shop.figures()
    again = shop.client().post(form.action, data=form.fields, headers=HTMX)
    assert again.status_code == 204
    assert "saved" in json.loads(again.headers["HX-Trigger"])
    assert shop.figures() == before


def test_a_page_that_somebody_overtook_restores_nothing(shop: Shop, customer: int) -> None:
    link = restore_link(shop, customer, "last_name")
    edit(shop, customer, title="Dr")
    answer, _form = restored(shop, link)
    assert answer.status_code == 409
    assert "has changed this record since you opened it" in page_of(answer).text
    assert shop.get(Customer, customer).last_name == "Khan"


def test_a_value_that_no_longer_passes_the_rules_is_refused_with_their_sentence(
    shop: Shop, customer: int
) -> None:
    created(shop, last_name="Other", loyalty_code="C1")
    answer, _form = restored(shop, restore_link(shop, customer, "loyalty_code"))
    assert answer.status_code in (409, 422)
    assert page_of(answer).text.count("C1") > 0
    assert shop.get(Customer, customer).loyalty_code == "C2"


def test_who_may_not_edit_sees_the_past_and_no_way_back(shop: Shop, customer: int) -> None:
    link = restore_link(shop, customer, "last_name")
    page = page_of(past(shop, customer, z(START), role="Read-only"))
    assert "Karim Now Khan" in page.text
    assert "Restore" not in page.text
    client = shop.client("Read-only")
    assert client.get(link).status_code == 403
    csrf = {"X-CSRFToken": client.csrf_token()}
    assert client.post(link, data={"version": 2}, headers=csrf).status_code == 403
    assert shop.get(Customer, customer).last_name == "Khan"


@pytest.mark.parametrize("field", ["points", "status", "password_hash", "phones", "nonsense", ""])
def test_only_fields_of_the_form_are_restored(shop: Shop, customer: int, field: str) -> None:
    url = f"/admin/customer/restore/?id={customer}&at={z(START)}&field={field}&version=2"
    answer = shop.client().get(url)
    assert answer.status_code == 400
    assert "Field: this field cannot be restored" in page_of(answer).text
    assert "password" not in page_of(past(shop, customer, z(START))).text.lower().replace(
        "password reset", ""
    )


def test_a_reference_comes_back_only_while_its_target_is_there(shop: Shop, clock: Hours) -> None:
    wine, beer = (shop.make(factories.make_customer_class, name=name) for name in ("Wine club", "Beer club"))
    made = created(shop, last_name="Karim", customer_class=wine.id)
    clock.now += dt.timedelta(hours=1)
    edit(shop, made, customer_class=beer.id)
    link = restore_link(shop, made, "customer_class")
    text = page_of(past(shop, made, z(START))).text
    assert "Class Wine club Now Beer club Restore this value" in text
    csrf = {"X-CSRFToken": shop.client().csrf_token()}
    gone = shop.client().post("/admin/customer_class/delete/", data={"id": wine.id}, headers=csrf)
    assert gone.status_code == 302
    page = page_of(past(shop, made, z(START)))
    assert f"Class #{wine.id} Now Beer club The value here then has been deleted since" in page.text
    refused = shop.client().get(link)
    assert refused.status_code == 409
    assert "has been deleted since" in page_of(refused).text
    assert shop.get(CustomerClass, beer.id) is not None
    assert shop.get(Customer, made).customer_class_id == beer.id


def test_addresses_and_balances_are_those_of_that_moment(shop: Shop, clock: Hours) -> None:
    made = created(shop, last_name="Karim")
    act(shop, "loyalty_entry.adjust", customer=str(made), points="120", comment="Why", expires_after_days="")
    client = shop.client()
    form = page_of(client.get(f"/admin/address/new/?customer={made}")).form("/address/new/")
    data = form.filled(line1="1 Mill Lane", town="Leeds", postcode="LS2 9JT")
    assert client.post(form.action, data=data).status_code == 302
    with shop.look() as session:
        address = session.scalars(select(Address.id).where(Address.customer_id == made)).one()
    clock.now += dt.timedelta(hours=1)
    client = shop.client()
    csrf = {"X-CSRFToken": client.csrf_token()}
    assert client.post("/admin/address/delete/", data={"id": address}, headers=csrf).status_code == 302
    act(shop, "loyalty_entry.adjust", customer=str(made), points="-20", comment="Why", expires_after_days="")
    page = page_of(past(shop, made, z(START)))
    assert "1 Mill Lane · Leeds · LS2 9JT" in page.text
    assert "Deleted since" in page.text
    assert "Points 120 Now 100" in page.text
    gone = page_of(past(shop, address, z(START), resource="address"))
    assert "This record has been deleted since." in gone.text
    assert "1 Mill Lane" in gone.text
    assert "Restore" not in gone.text
    event = past(shop, address, z(clock.now), resource="address")
    assert event.status_code == 302, "the deletion leads to what was deleted"
    assert "1 Mill Lane" in page_of(client.get(event.location)).text
    clock.now += dt.timedelta(hours=1)
    later = past(shop, address, z(clock.now), resource="address")
    assert (later.status_code, "had been deleted by that time" in page_of(later).text) == (422, True)


def test_a_record_older_than_its_journal_says_so(shop: Shop, clock: Hours) -> None:
    clock.now = factories.NOW + dt.timedelta(days=9)
    row = shop.make(factories.make_customer)
    at = z(factories.NOW + dt.timedelta(days=1))
    assert "No changes to this record have been recorded" in page_of(past(shop, row.id, at)).text
    edit(shop, row.id, title="Dr")
    page = page_of(past(shop, row.id, at))
    assert "Changes to this record have been recorded since" in page.text
    assert "Title – Now Dr" in page.text.replace("empty", "–") or "Now Dr" in page.text


def test_a_ledger_row_has_no_past_of_its_own(shop: Shop, customer: int) -> None:
    row = shop.make(factories.make_loyalty_entry)
    answer = past(shop, row.id, z(START), resource="loyalty_entry")
    assert answer.status_code == 400
    assert "never change" in page_of(answer).text
    assert "/past/" not in " ".join(
        page_of(shop.client().get(f"/admin/loyalty_entry/details/?id={row.id}")).links
    )


def test_the_past_of_a_row_out_of_scope_is_that_of_a_missing_one(
    shop: Shop, clock: Hours, monkeypatch
) -> None:
    hidden = shop.make(factories.make_address, town="Hidden").id
    monkeypatch.setattr("app.SCREENS", tuple(Narrow if s is AddressScreen else s for s in SCREENS))
    app: Flask = application.make(shop.database.url)
    client, api = application.sign_in(app, "Admin"), Api(app, token(app, "Admin"))
    for path in ("past/", "restore/"):
        answers = [
            client.get(f"/admin/address/{path}?id={i}&at=2026-06-01T10:00Z&field=town&version=1")
            for i in (hidden, 10**9)
        ]
        assert [a.status_code for a in answers] == [404, 404]
        assert (
            page_of(answers[0]).text.split("Request ID")[0] == page_of(answers[1]).text.split("Request ID")[0]
        )
    at = {"at": "2026-06-01T10:00Z"}
    assert [api.get(f"/api/v1/address/{i}", **at).status_code for i in (hidden, 10**9)] == [404, 404]


def test_the_api_answers_a_record_as_it_was(shop: Shop, customer: int) -> None:
    act(
        shop, "loyalty_entry.adjust", customer=str(customer), points="5", comment="Why", expires_after_days=""
    )
    api = Api(shop.app, token(shop.app, "Support"))
    then = api.get(f"/api/v1/customer/{customer}", at=z(START)).json
    assert (then["result"]["loyalty_code"], then["result"]["version"], then["result"]["points"]) == (
        "C1",
        1,
        0,
    )
    assert (then["at"], then["known_from"], then["exists"]) == (z(START), z(START), True)
    now = api.get(f"/api/v1/customer/{customer}").json["result"]
    assert (now["loyalty_code"], now["points"]) == ("C2", 5)
    assert set(then["result"]) <= set(now)
    assert api.get(f"/api/v1/customer/{customer}", when="x").json["field"] == "when"
    entry = shop.make(factories.make_loyalty_entry)
    assert api.get(f"/api/v1/loyalty_entry/{entry.id}", at=z(START)).status_code == 400


def test_a_record_with_a_long_history_takes_as_many_statements_as_one_with_a_short_one(
    shop: Shop, clock: Hours
) -> None:
    note = shop.make(factories.make_note)
    start = clock.now = factories.NOW + dt.timedelta(days=1)
    counts = []
    for changes in (2, 200):
        with shop.arrange() as session:
            for n in range(changes):
                at = start + dt.timedelta(minutes=n)
                changeset = Changeset(at=at, action="note.edit", actor_name="x")
                session.add(changeset)
                session.flush()
                words = {"before": {"body": f"Text {n}"}, "after": {"body": f"Text {n + 1}"}}
                session.add(Change(changeset_id=changeset.id, table_name="note", row_id=note.id, **words))
        clock.now = start + dt.timedelta(days=1)
        for _turn in range(2):  # the first signs in, and its session is given a form token
            assert past(shop, note.id, z(start), resource="note").status_code == 200
        with recorded_statements() as seen:
            past(shop, note.id, z(start), resource="note")
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[1] <= 25
    assert shop.get(Note, note.id) is not None
