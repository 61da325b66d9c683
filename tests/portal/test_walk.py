"""Every address of the portal, asked by nobody, by its customer and by another: nobody reaches what is not theirs (rule 6.6)."""

from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule

from models.address import Address
from models.base import metadata
from models.contact import AccountHolder, ContactEmail
from models.order import Order
from models.phone import Phone
from models.portal import PortalSession
from models.saved_card import SavedCard
from models.vault import Secret
from tests import factories
from tests.factories import NOW
from tests.portal.conftest import Portal, Visitor

WHOSE: dict[str, Any] = {
    "order_id": Order, "address_id": Address, "phone_id": Phone, "session_id": PortalSession,
    "card_id": SavedCard, "person_id": AccountHolder, "email_id": ContactEmail,
}  # fmt: skip
"""Argument of an address -> the model whose row it names: an address with another argument names it here."""
OF_A_LINK = {
    "password.choose",
    "registering.details",
    "email_address.look_at_change",
    "email_address.look_at_return",
    "contact_email.look",
}
"""Pages behind a link in a mail, which are gone without its token."""
FOR_ANYBODY = {
    "getting_in.signed_in", "getting_in.sign_out", "getting_in.ask", "password.chosen", "registering.ask", "registering.registered",
    "email_address.confirm", "email_address.take_back", "contact_email.confirm",
}  # fmt: skip
"""Forms for those who are not signed in."""
PROVED_BY_TOKEN = {"login_as.begin"}
"""What needs no token of a form, as it is nothing without another that proves more (rule 6)."""
NOTED = {"portal_session", "portal_browser", "attempt_bucket"}
"""What being here leaves, whatever is asked."""
GIVEN = {
    "line1": "1 High Street", "country": "GB", "number": "0113 496 0123", "kind": "work", "version": "1", "key": "k",
    "first_name": "Evil", "wanted": "", "name": "Evil", "email": "evil@example.com",
    "expiry_month": "2", "expiry_year": "2031", "current": "x", "password": "y", "again": "y",
}  # fmt: skip


def rules(portal: Portal, method: str) -> list[Rule]:
    """The addresses that take a method, but for files."""
    found = portal.app.extensions["clientele.portal"].url_map.iter_rules()
    return sorted((r for r in found if method in r.methods and r.endpoint != "static"), key=str)


def path(portal: Portal, rule: Rule, **ids: int) -> str:
    """An address with its arguments filled in."""
    beside = portal.app.extensions["clientele.portal"]
    given = {name: ids.get(name, 1) for name in rule.arguments}
    return str(beside.url_map.bind("localhost").build(rule.endpoint, given))


def somebody(portal: Portal, **values: Any) -> int:
    """A customer with one of everything."""
    one = portal.customer(pay_on_account=True, **values)
    with portal.arrange() as session:
        order = factories.make_order(session, customer_id=one)
        factories.make_order_line(session, order=order)
        factories.make_shipment(session, order=order)
        factories.make_address(session, customer_id=one, is_primary=True)
        factories.make_address(session, customer_id=one)
        factories.make_phone(session, customer_id=one)
        entry = factories.make_loyalty_entry(session, customer_id=one)
        factories.make_loyalty_lot(session, entry=entry)
        factories.make_invoice(session, customer_id=one)
        factories.make_account_entry(session, customer_id=one)
        factories.make_credit_entry(session, customer_id=one)
        factories.make_portal_session(session, customer_id=one)
        factories.make_saved_card(session, customer_id=one)
        factories.make_account_holder(session, customer_id=one)
        factories.make_contact_email(session, customer_id=one)
    return one


def ids_of(portal: Portal, one: int) -> dict[str, int]:
    """Argument -> the id of a customer's row."""
    return {name: portal.rows(model, model.customer_id == one)[-1].id for name, model in WHOSE.items()}


def everything(portal: Portal) -> dict[str, list[Any]]:
    """All rows of all tables, but what being here leaves."""
    with portal.engine.connect() as connection:
        tables = [table for table in metadata.sorted_tables if table.name not in NOTED]
        return {
            t.name: [_plain(row) for row in connection.execute(sa.select(t).order_by(*t.primary_key))]
            for t in tables
        }


def _plain(row: Any) -> tuple[Any, ...]:
    """A row with its secrets open, as two closed ones are never equal."""
    return tuple(value.open() if isinstance(value, Secret) else value for value in row)


def sessions_of(portal: Portal, one: int) -> list[Any]:
    """The sessions of a customer that are open."""
    return [s.id for s in portal.rows(PortalSession, PortalSession.customer_id == one) if s.ended_at is None]


def token(visitor: Visitor) -> str:
    """A form token."""
    return visitor.token("/addresses/new/") or visitor.token("/sign-in/")


def test_each_argument_names_what_it_is_about(portal: Portal) -> None:
    told = {name for method in ("GET", "POST") for rule in rules(portal, method) for name in rule.arguments}
    assert told == set(WHOSE)


@pytest.mark.both_databases
def test_every_page_is_shown_to_its_customer_and_to_nobody_else(portal: Portal) -> None:
    one, other = somebody(portal), somebody(portal)
    mine, theirs = ids_of(portal, one), ids_of(portal, other)
    visitor, nobody = portal.signed_in(one), portal.visitor()
    for rule in rules(portal, "GET"):
        here, of_another = path(portal, rule, **mine), path(portal, rule, **theirs)
        out = nobody.get(here)
        answer = visitor.get(here)
        if rule.endpoint in OF_A_LINK:
            assert (out.status_code, answer.status_code) == (410, 410), here
        elif out.status_code == 302:
            assert out.location.startswith("/portal/sign-in/"), here
            assert answer.status_code == 200, here
        else:
            assert (out.status_code, answer.status_code in (200, 302)) == (200, True), here
        if rule.arguments:
            assert visitor.get(of_another).status_code == 404, of_another
            for none in (0, 2**63 - 1, 2**63, 10**40):
                gone = path(portal, rule, **theirs).replace(str(theirs[min(rule.arguments)]), str(none), 1)
                assert visitor.get(gone).status_code == 404, gone


@pytest.mark.both_databases
def test_no_form_reaches_what_is_anothers(portal: Portal) -> None:
    one, other = somebody(portal), somebody(portal)
    theirs, before = ids_of(portal, other), sessions_of(portal, other)
    visitor = portal.signed_in(one)
    given = {**GIVEN, "csrf_token": token(visitor)}
    for rule in rules(portal, "POST"):
        if rule.arguments:
            kept, where = everything(portal), path(portal, rule, **theirs)
            assert visitor.client.post(f"/portal{where}", data=given).status_code == 404, where
            assert everything(portal) == kept, where
    assert sessions_of(portal, other) == before


def test_no_form_is_told_by_the_request_whose_it_is(portal: Portal) -> None:
    one, other = somebody(portal), somebody(portal)
    theirs, before = ids_of(portal, other), sessions_of(portal, other)
    rows = of_customer(portal, other)
    named = {"id": other, "customer": other, "customer_id": other, **theirs}
    for rule in rules(portal, "POST"):
        if not rule.arguments:
            visitor = portal.signed_in(one)
            given = {**GIVEN, **named, "csrf_token": token(visitor)}
            where = path(portal, rule)
            answer = visitor.client.post(f"/portal{where}?customer_id={other}", data=given)
            assert answer.status_code < 500, where
            assert of_customer(portal, other) == rows, where
            assert sessions_of(portal, other) == before, where


def of_customer(portal: Portal, one: int) -> dict[str, Any]:
    """All rows that are a customer's."""
    found = {}
    with portal.engine.connect() as connection:
        for table in metadata.sorted_tables:
            whose = table.c.id if table.name == "customer" else table.c.get("customer_id")
            if whose is not None and table.name not in NOTED:
                theirs = sa.select(table).where(whose == one).order_by(table.c.id)
                found[table.name] = [_plain(row) for row in connection.execute(theirs)]
    return found


def test_nobody_who_is_signed_out_or_let_in_no_longer_changes_anything(portal: Portal) -> None:
    one = somebody(portal)
    mine, nobody, ended = ids_of(portal, one), portal.visitor(), portal.signed_in(one)
    late = token(ended)
    with portal.database.desk.begin() as connection:
        customer = metadata.tables["customer"]
        connection.execute(sa.update(customer).where(customer.c.id == one).values(is_active=False))
    kept = everything(portal)
    for rule in rules(portal, "POST"):
        if rule.endpoint in PROVED_BY_TOKEN | FOR_ANYBODY:
            continue
        where = path(portal, rule, **mine)
        first = nobody.client.post(f"/portal{where}", data={**GIVEN, "csrf_token": token(nobody)})
        gone = ended.client.post(f"/portal{where}", data={**GIVEN, "csrf_token": late})
        assert first.status_code in (302, 303), where
        assert gone.status_code in (302, 303, 400), where
    assert everything(portal) == kept


def test_every_form_asks_for_its_token_and_every_address_for_its_method(portal: Portal) -> None:
    one = somebody(portal)
    mine, visitor = ids_of(portal, one), portal.signed_in(one)
    kept = everything(portal)
    gets = {str(rule) for rule in rules(portal, "GET")}
    for rule in rules(portal, "POST"):
        where = path(portal, rule, **mine)
        refused = 410 if rule.endpoint in PROVED_BY_TOKEN else 400
        assert visitor.client.post(f"/portal{where}", data=GIVEN).status_code == refused, where
        assert visitor.client.put(f"/portal{where}").status_code in (400, 405), where
        if str(rule) not in gets:
            assert visitor.get(where).status_code == 405, where
    assert everything(portal) == kept


def test_no_page_has_a_script_or_an_untranslated_error(portal: Portal) -> None:
    one = somebody(portal, created_at=NOW)
    mine, visitor = ids_of(portal, one), portal.signed_in(one)
    for rule in rules(portal, "GET"):
        answer = visitor.get(path(portal, rule, **mine))
        if answer.mimetype == "text/html":
            assert "<script" not in answer.text, rule
            assert " style=" not in answer.text, rule
            assert answer.text.count("<h1") <= 1, rule
            assert answer.text.count('aria-current="page"') <= 1, rule
