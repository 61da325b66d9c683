"""Activity: who did what, on whose behalf, when, from where, to what, before and after in words; on a record and across all."""

import datetime as dt
import json

import pytest
from sqlalchemy import select

from admin.history import activity
from models.customer import Customer
from models.journal import Change, Changeset
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of, rows_of
from tests.admin.row_actions.test_acting import HTMX, bulk, some_customer
from tests.factories import NOW


@pytest.fixture
def people(shop: Shop) -> tuple[int, int]:
    """A customer in a class, with an agent, and that agent; a colleague changed both on the customer's behalf."""
    with shop.arrange() as session:
        wine = factories.make_customer_class(session, name="Wine club")
        agent = factories.make_agent(session, last_name="Agent")
        customer = factories.make_customer(session, first_name="Rashid", last_name="Karim")
        changeset = Changeset(
            at=NOW, action="customer.edit", actor_name="Mary Kaur", reason="Asked by phone", address="192.0.2.7",
            on_behalf_of_id=customer.id, subject_table="customer", subject_id=customer.id,
        )  # fmt: skip
        session.add(changeset)
        session.flush()
        session.add(
            Change(
                changeset_id=changeset.id, table_name="customer", row_id=customer.id, customer_id=customer.id,
                before={"customer_class_id": None, "agent_id": None},
                after={"customer_class_id": wine.id, "agent_id": agent.id},
            )
        )  # fmt: skip
        return customer.id, agent.id


def words(shop: Shop, people: tuple[int, int], role: str) -> list[str]:
    """What the record's line and, for those who may see it, the list say."""
    client = shop.client(role)
    pages = [client.get(f"/admin/customer/details/?id={people[0]}")]
    pages += [client.get("/admin/changeset/")] if role != "Support" else []
    return [page_of(page).text for page in pages]


@pytest.mark.parametrize("role", ["Admin", "Manager", "Support"])
def test_an_event_says_who_for_whom_why_and_what_it_was_before(
    shop: Shop, people: tuple[int, int], role: str
) -> None:
    for text in words(shop, people, role):
        assert "Mary Kaur on behalf of Rashid Karim" in text
        assert "Class: nothing → Wine club" in text
        assert "Agent: nothing → " in text
        assert "Asked by phone" in text


def test_values_that_are_records_are_links_for_those_who_may_open_them(
    shop: Shop, people: tuple[int, int]
) -> None:
    for path in (f"customer/details/?id={people[0]}", "changeset/"):
        links = page_of(shop.client().get(f"/admin/{path}")).links
        assert f"/admin/customer/details/?id={people[1]}" in links
        assert any(link.startswith("/admin/customer_class/details/") for link in links)


def test_a_name_of_a_record_is_markup_to_nobody(shop: Shop, people: tuple[int, int]) -> None:
    with shop.arrange() as session:
        session.get_one(Customer, people[1]).last_name = "<b>Bold</b>"
    for path in (f"customer/details/?id={people[0]}", "changeset/"):
        assert "<b>Bold" not in shop.client().get(f"/admin/{path}").get_data(as_text=True)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("argument", "finds"),
    [
        ("actor_name__contains=kaur", True), ("actor_name__contains=wallace", False),
        ("action__eq=customer.edit", True), ("action__eq=customer.create", False),
        ("action__in=customer.edit,customer.create", True),
        ("subject_table__eq=customer", True), ("subject_table__eq=note", False),
        ("subject_id__eq={customer}", True), ("subject_id__eq=999", False),
        ("customer__eq={customer}", True), ("customer__eq={agent}", False),
        ("on_behalf_of__eq={customer}", True), ("on_behalf_of__eq={agent}", False),
        ("at__ge={day}&at__le={day}", True), ("at__le=2001-01-01", False),
        ("address__eq=192.0.2.7", True), ("address__starts=198.", False),
        ("reason__contains=phone", True),
    ],
)  # fmt: skip
def test_it_is_filtered_by_person_action_record_date_and_address(
    shop: Shop, people: tuple[int, int], argument: str, finds: bool
) -> None:
    with shop.look() as session:
        changeset = session.scalars(select(Changeset.id).where(Changeset.actor_name == "Mary Kaur")).one()
        day = f"{NOW:%Y-%m-%d}"
    query = argument.format(customer=people[0], agent=people[1], day=day)
    assert (changeset in rows_of(shop.client().get(f"/admin/changeset/?{query}"))) == finds


def test_the_filters_offer_actions_and_kinds_of_record_by_name(shop: Shop) -> None:
    text = page_of(shop.client().get("/admin/changeset/")).html
    for words in ("Customer changed", "Merge into this record", "Address created", "Loyalty entry"):
        assert words in text
    assert shop.client().get("/admin/changeset/?action__eq=customer.vanish").status_code == 400
    chip = page_of(shop.client().get("/admin/changeset/?action__eq=customer.edit")).text
    assert "Customer changed" in chip


def test_the_export_says_it_in_plain_words(shop: Shop, people: tuple[int, int]) -> None:
    text = shop.client().get("/admin/changeset/export/csv/").get_data(as_text=True)
    assert "Mary Kaur on behalf of Rashid Karim" in text
    assert "Class: nothing → Wine club" in text
    assert "<a " not in text


def classed(shop: Shop, count: int) -> tuple[list[int], dict[str, str]]:
    """Customers whose class was changed at once, and what the page was told of it."""
    people = [some_customer(shop, last_name=f"Person {n}") for n in range(count)]
    wine = shop.make(factories.make_customer_class).id
    form = page_of(bulk(shop, "customer.change_class", ids=[str(p) for p in people])).form("/act/")
    done = shop.client().post(form.action, data=form.filled(customer_class=str(wine)), headers=HTMX)
    return people, json.loads(done.headers["HX-Trigger"])["saved"]


def test_everybody_that_a_change_of_many_touched_is_named_and_linked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, _saved = classed(shop, 5)
    page = page_of(shop.client().get("/admin/changeset/?action__eq=customer.change_class"))
    assert "and 2 more" in page.text
    changeset = next(link for link in page.links if "/changeset/details/" in link)
    everybody = [f"/admin/customer/details/?id={person}" for person in people]
    assert set(everybody) <= set(page_of(shop.client().get(changeset)).links)
    monkeypatch.setattr(activity, "WHOLE", 2)
    seen, changes, pages = set(), 0, [changeset, f"{changeset}&page=2", f"{changeset}&page=3"]
    for at, path in enumerate(pages):
        page = page_of(shop.client().get(path))
        seen |= set(page.links)
        changes += page.text.count("Class: ")
        assert [to in page.links for to in pages] == [abs(other - at) == 1 for other in range(3)], path
    assert set(everybody) <= seen, "however many they are"
    assert changes == len(people)
    for wrong in ("0", "x", "", "-1", "1234567"):
        assert shop.client().get(f"{changeset}&page={wrong}").status_code == 400
    text = shop.client().get("/admin/changeset/export/csv/").get_data(as_text=True)
    assert "and 2 more" in text


def test_an_undo_is_offered_everywhere_or_nowhere(shop: Shop) -> None:
    people, saved = classed(shop, 2)

    def offered() -> list[bool]:
        record = shop.client().get(f"/admin/customer/details/?id={people[0]}")
        pages = [record, shop.client().get("/admin/changeset/")]
        return [saved["undo"] in page_of(page).links for page in pages]

    assert saved["undo"]
    assert offered() == [True, True]
    assert (
        shop.client()
        .post(saved["undo"], headers=HTMX | {"X-CSRFToken": shop.client().csrf_token()})
        .status_code
        == 204
    )
    assert offered() == [False, False], "it is undone"


def test_no_undo_is_offered_where_there_is_none(shop: Shop) -> None:
    owner = some_customer(shop)
    given = {"customer": owner, "comment": "Sorry", "points": 50}
    api = shop.api()
    entry = api.send("POST", "/api/v1/loyalty_entry/actions/adjust", given).json
    back = api.send("POST", f"/api/v1/loyalty_entry/{entry['id']}/actions/reverse", {"reason": "Wrong"}).json
    now = shop.app.extensions["clientele"].clock()
    with shop.arrange() as session:
        aged = [
            factories.make_changeset(
                session, action="customer.edit", at=now - age, subject_table="customer", subject_id=owner
            )
            for age in (dt.timedelta(days=29), dt.timedelta(days=31))
        ]
        for changeset in aged:
            factories.make_change(session, changeset_id=changeset.id, row_id=owner, customer_id=owner)
        lately, long_ago = (changeset.id for changeset in aged)
    pages = [f"/admin/customer/details/?id={owner}", "/admin/changeset/"]
    for links in (page_of(shop.client().get(path)).links for path in pages):
        offered = {int(link.rpartition("=")[2]) for link in links if "/changeset/act/undo/" in link}
        assert {entry["changeset"], back["changeset"], lately, long_ago} & offered == {
            entry["changeset"],
            lately,
        }
    for changeset in (lately, long_ago):
        palette = page_of(shop.client().get(f"/admin/palette/?resource=changeset&id={changeset}")).links
        assert any("/act/undo/" in link for link in palette) == (changeset == lately)
