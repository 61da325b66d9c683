"""A customer's saved cards in the portal: their own and nobody else's, and no number of a card in any field."""

import pytest

from models.journal import Changeset
from models.saved_card import SavedCard
from tests import factories
from tests.portal.conftest import Portal


def card(portal: Portal, customer: int, **values) -> int:
    with portal.arrange() as session:
        return int(factories.make_saved_card(session, customer_id=customer, **values).id)


def cards(portal: Portal, customer: int) -> dict[int, bool]:
    """Card -> whether it is the default."""
    return {row.id: row.is_default for row in portal.rows(SavedCard, SavedCard.customer_id == customer)}


def test_cards_are_listed_by_their_end_and_say_until_when_they_are_good(portal: Portal) -> None:
    one = portal.customer()
    visitor = portal.signed_in(one)
    assert "no saved cards" in visitor.get("/cards/").text
    card(portal, one, last_four="4242", is_default=True, token="tok_never_shown")
    card(portal, one, last_four="0005", brand="Amex", expiry_month=8, expiry_year=2026)
    page = visitor.get("/cards/").text
    for told in ("Visa •••• 4242", "Expires 08/2029", "Amex •••• 0005", "Expired 08/2026"):
        assert told in page, told
    assert page.count(">Default<") == 1
    assert "tok_never_shown" not in page


def test_a_customer_makes_another_card_the_default_and_sending_it_twice_changes_nothing(
    portal: Portal,
) -> None:
    one = portal.customer()
    first, second = card(portal, one, is_default=True), card(portal, one)
    visitor = portal.signed_in(one)
    for _n in range(2):
        assert visitor.post(f"/cards/{second}/default/", page="/cards/").status_code == 302
    assert cards(portal, one) == {first: False, second: True}
    done = portal.rows(Changeset, Changeset.action == "saved_card.make_default")
    assert [(row.actor_id, row.on_behalf_of_id) for row in done] == [(None, one)]


def test_the_expiry_date_is_updated_and_what_is_wrong_stands_at_its_field(portal: Portal) -> None:
    one = portal.customer()
    mine = card(portal, one, is_default=True)
    visitor, path = portal.signed_in(one), f"/cards/{mine}/expiry/"
    assert 'value="08"' in visitor.get(path).text
    for month, year, told in (
        ("13", "2031", "Enter a month from 1 to 12."),
        ("0", "2031", "Enter a month from 1 to 12."),
        ("٣", "2031", "Enter a month from 1 to 12."),
        ("2", "31", "Enter a year such as 2029."),
        ("2", "4111111111111111", "Enter a year such as 2029."),
        ("2", "2020", "This month is over."),
    ):
        answer = visitor.post(path, {"expiry_month": month, "expiry_year": year})
        assert answer.status_code == 422
        assert told in answer.text
        assert f'value="{month}"' in answer.text, "what was typed is there"
    assert portal.read(SavedCard.expiry_year, SavedCard.id == mine) == 2029
    assert visitor.post(path, {"expiry_month": "2", "expiry_year": "2031"}).status_code == 302
    assert "Expires 02/2031" in visitor.get("/cards/").text


def test_a_card_is_removed_once_the_customer_was_asked_and_the_mark_goes_on(portal: Portal) -> None:
    one = portal.customer()
    first, second = card(portal, one, is_default=True), card(portal, one)
    visitor = portal.signed_in(one)
    assert "Remove this card?" in visitor.get(f"/cards/{first}/delete/").text
    assert cards(portal, one) == {first: True, second: False}, "looking changes nothing"
    token = visitor.token(f"/cards/{first}/delete/")
    assert visitor.post(f"/cards/{first}/delete/").status_code == 302
    assert cards(portal, one) == {second: True}
    again = visitor.client.post(f"/portal/cards/{first}/delete/", data={"csrf_token": token})
    assert again.status_code == 404
    visitor.post(f"/cards/{second}/delete/")
    assert cards(portal, one) == {}


ROUTES = [
    ("/cards/{}/default/", {}), ("/cards/{}/expiry/", {"expiry_month": "2", "expiry_year": "2031"}), ("/cards/{}/delete/", {}),
    ("/people/{}/", {"name": "Mine", "version": "1"}), ("/people/{}/delete/", {}), ("/emails/{}/delete/", {}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "given"), ROUTES)
def test_what_is_somebody_elses_is_not_there(portal: Portal, path: str, given: dict[str, str]) -> None:
    one, other = portal.customer(), portal.customer()
    with portal.arrange() as session:
        made = {
            "cards": factories.make_saved_card(session, customer_id=other, is_default=False).id,
            "people": factories.make_account_holder(session, customer_id=other, name="Theirs").id,
            "emails": factories.make_contact_email(session, customer_id=other).id,
        }
    visitor = portal.signed_in(one)
    before = portal.rows(Changeset)
    for row in (made[path.split("/")[1]], 10**6, 2**63, 10**30, "x", "-1", "0"):
        there = path.format(row)
        assert visitor.get(there).status_code in (404, 405)
        page = "/cards/" if "default" in path else "/people/new/"
        assert visitor.post(there, given, page=page).status_code == 404
    assert [row.id for row in portal.rows(Changeset)] == [row.id for row in before]


@pytest.mark.parametrize(("path", "given"), ROUTES)
def test_nothing_is_changed_by_looking_without_a_token_or_by_nobody(
    portal: Portal, path: str, given: dict[str, str]
) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        made = {
            "cards": factories.make_saved_card(session, customer_id=one).id,
            "people": factories.make_account_holder(session, customer_id=one, name="Nora").id,
            "emails": factories.make_contact_email(session, customer_id=one).id,
        }
    there = path.format(made[path.split("/")[1]])
    visitor, stranger = portal.signed_in(one), portal.visitor()
    before = len(portal.rows(Changeset))
    assert visitor.get(there).status_code in (200, 405)
    assert visitor.client.post(f"/portal{there}", data=given).status_code == 400
    assert visitor.client.delete(f"/portal{there}").status_code in (400, 405)
    token = stranger.token("/sign-in/")
    answer = stranger.client.post(f"/portal{there}", data={**given, "csrf_token": token})
    assert (answer.status_code, "/sign-in/" in answer.headers["Location"]) == (302, True)
    assert len(portal.rows(Changeset)) == before
