"""Additional emails as staff and programs keep them: what these write counts as confirmed (rule 12.7)."""

from models.contact import ContactEmail
from models.mail import Mail
from tests import factories
from tests.admin.conftest import Shop

OFFICE = "office@example.com"


def test_what_a_program_adds_is_confirmed_and_nobody_is_mailed(shop: Shop) -> None:
    customer, api = shop.make(factories.make_customer).id, shop.api("Support")
    made = api.send("POST", "/api/v1/contact_email/", {"customer": customer, "email": OFFICE})
    assert made.status_code == 201, made.text
    with shop.look() as session:
        row = session.query(ContactEmail).filter_by(customer_id=customer).one()
        assert row.confirmed_at == row.created_at
        assert session.query(Mail).filter_by(customer_id=customer).all() == []
    assert api.get(f"/api/v1/contact_email/{row.id}").json["result"]["confirmed_at"]


def test_no_program_says_of_an_address_that_it_is_confirmed(shop: Shop) -> None:
    row, api = shop.make(factories.make_contact_email, confirmed_at=None), shop.api("Support")
    path, at = f"/api/v1/contact_email/{row.id}", "2026-01-01T00:00:00Z"
    answer = api.send("PATCH", path, {"confirmed_at": at}, If_Match=f'"{row.version}"')
    assert answer.status_code == 422, answer.text
    assert shop.get(ContactEmail, row.id).confirmed_at is None
    done = api.send("POST", f"{path}/actions/confirm", {"reason": "They rang"})
    assert done.status_code == 200, done.text
    assert shop.get(ContactEmail, row.id).confirmed_at is not None


def test_the_record_says_when_it_was_confirmed_and_offers_nothing_more(shop: Shop) -> None:
    row, client = shop.make(factories.make_contact_email), shop.client("Support")
    page = client.get(f"/admin/contact_email/details/?id={row.id}").text
    assert "Confirmed" in page
    assert "Waiting for confirmation" not in page
    assert "/act/send_link/" not in page
    waits = shop.make(factories.make_contact_email, confirmed_at=None)
    page = client.get(f"/admin/contact_email/details/?id={waits.id}").text
    assert "/act/send_link/" in page
    assert "/act/confirm/" in page
    assert (
        "/act/confirm/"
        not in shop.client("Read-only").get(f"/admin/contact_email/details/?id={waits.id}").text
    )
