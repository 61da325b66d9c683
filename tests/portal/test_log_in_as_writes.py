"""What staff change while they are logged in as a customer: who did it stands beside the customer it was done for (rule 6.12)."""

import pytest

from models.address import Address
from models.base import Staff
from models.customer import Customer
from models.journal import Change, Changeset
from tests import factories
from tests.portal.conftest import HASH, Portal, Visitor
from tests.portal.login_as_desk import desk

STREET = {"line1": "14 Canal Street", "town": "Leeds", "postcode": "LS2 9JT", "country": "GB", "key": "once"}


def acting(portal: Portal, customer_id: int) -> Visitor:
    """A manager who is logged in as a customer and has turned changes on."""
    visitor = desk(portal, "Manager").log_in(customer_id)
    assert visitor.post("/log-in-as/changes/", page="/").status_code == 303
    assert "Changes are on." in visitor.get("/").text
    return visitor


@pytest.mark.both_databases
def test_each_change_names_who_did_it_and_for_whom(portal: Portal) -> None:
    one = portal.customer(first_name="Rashid", last_name="Karim")
    visitor, manager = acting(portal, one), portal.read(Staff.id, Staff.username == "manager")
    assert visitor.post("/addresses/new/", STREET).status_code == 302
    (row,) = portal.rows(Address, Address.customer_id == one)
    visitor.post(f"/addresses/{row.id}/", {**STREET, "line1": "15 Canal Street", "version": "1"})
    with portal.arrange() as session:
        card = factories.make_saved_card(session, customer_id=one, is_default=True).id
    visitor.post(f"/cards/{card}/delete/")
    version = str(portal.read(Customer.version, Customer.id == one))
    visitor.post("/details/", {"first_name": "Rashida", "last_name": "Karim", "version": version})
    codes = ("address.create", "address.edit", "saved_card.delete", "customer.change_details")
    done = portal.rows(Changeset, Changeset.action.in_(codes))
    assert [c.action for c in done] == list(codes)
    assert {(c.actor_id, c.on_behalf_of_id) for c in done} == {(manager, one)}
    assert all(portal.rows(Change, Change.changeset_id == c.id) for c in done)
    shown = portal.staff("Admin").get(f"/admin/customer/details/?id={one}").text
    assert "on behalf of" in shown


def test_what_is_the_customers_alone_is_refused_whatever_is_turned_on(portal: Portal) -> None:
    one = portal.customer(email="rashid@example.com")
    visitor = acting(portal, one)
    before = len(portal.rows(Changeset))
    token = visitor.token("/")
    given = {"current": "x", "password": "y", "again": "y", "email": "evil@example.com", "key": "once"}
    for path in ("/security/password/", "/details/email/", "/details/points-emails/", "/emails/new/"):
        answer = visitor.client.post(f"/portal{path}", data={**given, "csrf_token": token})
        assert answer.status_code in (403, 409), path
    for path in ("/security/", "/details/email/"):
        assert visitor.get(path).status_code in (403, 409), path
    (row,) = portal.rows(Customer, Customer.id == one)
    assert (row.email, row.password_hash, row.expiry_notices) == ("rashid@example.com", HASH, True)
    assert len(portal.rows(Changeset)) == before


@pytest.mark.parametrize("path", ["/addresses/{}/", "/addresses/{}/delete/", "/addresses/{}/primary/"])
def test_staff_reach_nothing_of_another_customer_either(portal: Portal, path: str) -> None:
    one, other = portal.customer(), portal.customer()
    with portal.arrange() as session:
        theirs = factories.make_address(session, customer_id=other, is_primary=True).id
    visitor = acting(portal, one)
    given = {**STREET, "version": "1", "csrf_token": visitor.token("/")}
    assert visitor.client.post(f"/portal{path.format(theirs)}", data=given).status_code == 404
    assert portal.read(Address.line1, Address.id == theirs) != STREET["line1"]
