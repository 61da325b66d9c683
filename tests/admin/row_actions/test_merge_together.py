"""Merging as staff go about it: finding the other record, choosing which one is kept, seeing what comes of it first."""

import datetime as dt
from typing import Any

import pytest

from actions.core.base import ACTIONS
from admin.screens import SCREENS
from models.address import Address
from models.customer import Customer
from models.journal import Changeset
from models.login_as import LoginAs
from models.mail import Mail
from models.phone import Phone
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.row_actions.test_acting import HTMX, some_customer

WHY = "Same phone and birthday"


def joan(shop: Shop, **values: Any) -> int:
    """One of several Joan Cookes."""
    return some_customer(shop, **{"first_name": "Joan", "last_name": "Cooke", **values})


def where(shop: Shop, customer: int, *, number: str = "", postcode: str = "") -> None:
    """Give a customer a phone and an address."""
    with shop.arrange() as session:
        if number:
            factories.make_phone(session, customer_id=customer, number=number, is_primary=True)
        if postcode:
            factories.make_address(session, customer_id=customer, postcode=postcode, is_primary=True)


def form_of(shop: Shop, survivor: int, role: str = "Admin", **named: Any) -> Any:
    """The form of a merge in the drawer, as it opens."""
    query = "&".join(f"{name}={value}" for name, value in named.items())
    answer = shop.client(role).get(f"/admin/customer/act/merge/?id={survivor}&{query}", headers=HTMX)
    return page_of(answer)


def offered(shop: Shop, survivor: int, typed: str, role: str = "Admin") -> dict[int, str]:
    """What the picker finds for what somebody types."""
    picker = next(
        g for t, g in form_of(shop, survivor, role).tags if t == "select" and g.get("name") == "others"
    )
    return {row[0]: row[1] for row in shop.client(role).get(f"{picker['data-lookup']}&query={typed}").json}


def previewed(shop: Shop, survivor: int, **sent: Any) -> Any:
    """The preview of a merge, as the drawer asks for it."""
    filled = form_of(shop, survivor).form("/act/merge/").filled(**sent)
    url = f"/admin/customer/act/merge/?id={survivor}&preview=1"
    return page_of(shop.client().post(url, data=filled, headers=HTMX))


def test_two_of_one_name_are_told_apart_and_found_by_whatever_is_known(shop: Shop) -> None:
    one, two = joan(shop, email="joan@one.example"), joan(shop, email="joan@two.example")
    three = joan(shop, email=None)
    where(shop, two, postcode="LS1 4AP")
    where(shop, three, number="020 7946 0123", postcode="YO1 7HH")
    found = offered(shop, one, "cooke")
    assert found == {
        two: f"Joan Cooke #{two} · joan@two.example · LS1 4AP",
        three: f"Joan Cooke #{three} · 020 7946 0123 · YO1 7HH",
    }
    for typed, wanted in (
        (str(two), two),
        ("joan@two.example", two),
        ("LS1%204AP", two),
        ("020%207946%200123", three),
    ):
        assert list(offered(shop, one, typed)) == [wanted], typed


def test_neither_the_survivor_nor_what_is_no_record_any_more_is_offered(shop: Shop) -> None:
    one, live = joan(shop), joan(shop)
    joan(shop, merged_into_id=live)
    joan(shop, anonymised_at=factories.NOW)
    assert list(offered(shop, one, "cooke")) == [live]
    page = form_of(shop, one, others=one)
    assert not any(t == "option" and g.get("value") == str(one) for t, g in page.tags)


def test_who_does_not_see_phones_or_postcodes_is_told_none(shop: Shop) -> None:
    one, two = joan(shop), joan(shop, email=None)
    where(shop, two, number="020 7946 0123", postcode="YO1 7HH")
    url = f"/admin/customer/ajax/lookup/?name=customer&without={one}&query=cooke"
    assert shop.client("Read-only").get(url).json == [[two, f"Joan Cooke #{two}"]]


def test_the_other_record_is_kept_instead_by_one_click(shop: Shop) -> None:
    one, two = joan(shop, created_at=dt.datetime(2019, 3, 5, tzinfo=dt.UTC)), joan(shop)
    shop.make(factories.make_order, customer_id=two)
    seen = previewed(shop, one, others=str(two))
    assert f"Joan Cooke #{one} customer since March 2019 Kept" in " ".join(seen.text.split())
    swap = next(g for t, g in seen.tags if t == "button" and "formaction" in g)
    assert "Keep the other record instead" in seen.text
    filled = form_of(shop, one).form("/act/merge/").filled(others=str(two), reason=WHY, tell_customer="y")
    filled |= {"take-first_name": f"first_name:{one}", "fingerprint": "old"}
    for headers in (HTMX, {}):
        page = page_of(shop.client().post(swap["formaction"], data=filled, headers=headers))
        form = page.form("/act/merge/")
        assert form.action.endswith(f"?id={two}"), "it is about the other from now on"
        assert f"Merge into this record: Joan Cooke #{two}" in page.text
        assert form.filled()["reason"] == [WHY]
        assert form.filled()["tell_customer"] == ["y"]
        assert [g["value"] for t, g in page.tags if t == "option" and "selected" in g] == [str(one)]
    url = f"/admin/customer/act/merge/?id={two}"
    sent = form.filled(confirm="Joan Cooke")
    seen = page_of(shop.client().post(f"{url}&preview=1", data=sent, headers=HTMX))
    mark = next(g["value"] for t, g in seen.tags if g.get("name") == "fingerprint")
    done = shop.client().post(url, data={**sent, "fingerprint": mark}, headers=HTMX)
    assert done.status_code == 204, done.get_data(as_text=True)
    with shop.look() as session:
        assert session.get_one(Customer, one).merged_into_id == two
        assert session.get_one(Customer, two).merged_into_id is None
        (mail,) = session.query(Mail).filter_by(customer_id=two)
        assert mail.subject == "Your accounts are now one"


def test_changing_places_gets_nobody_to_a_record_that_is_not_theirs(shop: Shop) -> None:
    one = joan(shop)
    filled = form_of(shop, one).form("/act/merge/").filled(others="999999", reason=WHY)
    gone = shop.client().post(f"/admin/customer/act/merge/?id=999999&swap={one}", data=filled, headers=HTMX)
    assert gone.status_code == 404
    listed = page_of(shop.client("Support").get("/admin/customer/?view=all")).form("/admin/customer/")
    token = {"csrf_token": listed.filled()["csrf_token"]}
    url = f"/admin/customer/act/merge/?id={one}&swap={one}"
    nobody = shop.client("Support").post(url, data={**filled, **token})
    assert nobody.status_code == 403
    bad = shop.client().post(f"/admin/customer/act/merge/?id={one}&swap=x", data=filled, headers=HTMX)
    assert bad.status_code == 400


def test_of_several_others_each_can_be_the_one_that_is_kept(shop: Shop) -> None:
    one, two, three = joan(shop), joan(shop), joan(shop)
    seen = previewed(shop, one, others=f"{two},{three}")
    ways = [g["formaction"] for t, g in seen.tags if t == "button" and "formaction" in g]
    assert ways == [f"/admin/customer/act/merge/?id={i}&swap={one}" for i in (two, three)]
    filled = form_of(shop, one).form("/act/merge/").filled(others=f"{two},{three}")
    page = page_of(shop.client().post(ways[1], data=filled, headers=HTMX))
    chosen = {g["value"] for t, g in page.tags if t == "option" and "selected" in g}
    assert chosen == {str(one), str(two)}


def test_where_something_stands_in_the_way_the_other_can_still_be_kept(shop: Shop) -> None:
    from models.choices import AccountType

    one, agent = joan(shop), joan(shop, account_type=AccountType.AGENT)
    joan(shop, agent_id=agent)
    seen = previewed(shop, one, others=str(agent))
    assert "1 sub-customers would move to Joan Cooke, who is not an agent." in seen.text
    assert any(g.get("href") == f"/admin/customer/details/?id={agent}" for _t, g in seen.tags), (
        "and leads there"
    )
    (way,) = [g["formaction"] for t, g in seen.tags if t == "button" and "formaction" in g]
    assert way == f"/admin/customer/act/merge/?id={agent}&swap={one}"


def ticked(shop: Shop, *ids: int, **more: str) -> Any:
    """The answer to ticked rows and the button over the list."""
    page = page_of(shop.client().get("/admin/customer/?view=all"))
    token = page.form("/admin/customer/").filled()["csrf_token"]
    sent = {"ids": [str(i) for i in ids], "csrf_token": token, **more}
    return shop.client().post("/admin/customer/act/merge/", data=sent, headers=HTMX, follow_redirects=True)


def test_ticked_rows_are_merged_into_the_one_with_the_most_orders(shop: Shop) -> None:
    old, busy, new = (
        joan(shop, created_at=dt.datetime(year, 1, 9, tzinfo=dt.UTC)) for year in (2018, 2020, 2022)
    )
    assert "Merge into one…" in page_of(shop.client().get("/admin/customer/?view=all")).text
    page = page_of(ticked(shop, old, new))
    assert f"Joan Cooke #{old} is the oldest record and is suggested as the one to keep." in page.text
    for _n in range(2):
        shop.make(factories.make_order, customer_id=busy)
    page = page_of(ticked(shop, old, busy, new))
    assert f"Joan Cooke #{busy} has the most orders (2) and is suggested as the one to keep." in page.text
    form = page.form("/act/merge/")
    assert f"id={busy}" in form.action
    assert {g["value"] for t, g in page.tags if t == "option" and "selected" in g} == {str(old), str(new)}
    seen = page_of(
        shop.client().post(f"{form.action}&preview=1", data=form.filled(others=f"{old},{new}"), headers=HTMX)
    )
    assert "Result" in seen.text, "there is a preview before anything is typed"


def test_too_many_ticked_rows_are_told_and_one_is_a_beginning(shop: Shop) -> None:
    ids = [joan(shop) for _n in range(22)]
    refused = ticked(shop, *ids)
    assert (refused.status_code, "You ticked more than 21 records" in page_of(refused).text) == (409, True)
    alone = page_of(ticked(shop, ids[0]))
    assert alone.form("/act/merge/").action.endswith(f"?id={ids[0]}")


def test_what_will_change_is_seen_before_a_reason_is_typed_but_not_done(shop: Shop) -> None:
    one, two = joan(shop), joan(shop)
    seen = previewed(shop, one, others=str(two), reason=" ")
    assert "Result" in seen.text
    url, filled = (
        f"/admin/customer/act/merge/?id={one}",
        form_of(shop, one).form("/act/merge/").filled(others=str(two)),
    )
    plain = page_of(shop.client().post(f"{url}&preview=1&count=1", data=filled))
    assert "Result" in plain.text, "without scripts too"
    assert "There is a problem" not in plain.text
    mark = next(g["value"] for t, g in seen.tags if g.get("name") == "fingerprint")
    refused = shop.client().post(
        url, data={**filled, "confirm": "Joan Cooke", "fingerprint": mark}, headers=HTMX
    )
    assert refused.status_code == 422
    assert "Enter a reason" in page_of(refused).text
    sent = {**filled, "confirm": "Joan Cooke", "fingerprint": mark, "reason": WHY}
    assert shop.client().post(url, data=sent, headers=HTMX).status_code == 204, (
        "the reason changes nothing of it"
    )
    with shop.look() as session:
        assert session.query(Changeset).filter_by(action="customer.merge").one().reason == WHY


REASONED = sorted(
    action.action.code
    for screen in SCREENS
    for action in screen.row_actions
    if "reason" in action.action.parameters
)


@pytest.mark.parametrize("code", ["customer.deactivate", "customer.reject", "gift_card.void"])
def test_no_action_asks_for_a_reason_before_it_shows_what_it_would_do(shop: Shop, code: str) -> None:
    assert code in REASONED
    row = _row_for(shop, code)
    resource, verb = code.split(".")
    url = f"/admin/{resource}/act/{verb}/?id={row}"
    filled = page_of(shop.client().get(url, headers=HTMX)).form("/act/").filled()
    seen = page_of(shop.client().post(f"{url}&preview=1", data=filled, headers=HTMX))
    assert "Fill in the form" not in seen.text
    assert shop.client().post(url, data=filled, headers=HTMX).status_code == 422
    assert ACTIONS[code].label


def _row_for(shop: Shop, code: str) -> int:
    from tests.admin.row_actions.test_acting import waiting

    if code == "gift_card.void":
        return int(shop.make(factories.make_gift_card).id)
    return waiting(shop) if code == "customer.reject" else some_customer(shop)


def test_whoever_cannot_get_mail_is_not_offered_to_be_told(shop: Shop) -> None:
    names = [g.get("name") for t, g in form_of(shop, joan(shop, email=None)).tags if t == "input"]
    assert "tell_customer" not in names
    names = [g.get("name") for t, g in form_of(shop, joan(shop)).tags if t == "input"]
    assert "tell_customer" in names


def test_the_choice_of_each_difference_stands_in_the_column_of_its_record(shop: Shop) -> None:
    one, two = joan(shop, title="Mrs"), joan(shop, title="Ms")
    with shop.arrange() as session:
        for customer, line in ((one, "1 Mill Lane"), (two, "9 High St")):
            factories.make_address(session, customer_id=customer, line1=line, is_primary=True)
            factories.make_address(session, customer_id=customer, line1="4 Same Road")
    seen = previewed(shop, one, others=str(two))
    titles = [g["value"] for t, g in seen.tags if g.get("name") == "take-title"]
    assert titles == [f"title:{one}", f"title:{two}"]
    assert "Combined with an equal one" in seen.text
    assert f"What moves to Joan Cooke #{one}: 2 addresses (1 combined)." in seen.text
    chosen = previewed(shop, one, others=str(two), **{"take-title": f"title:{two}"})
    picked = {g["value"] for t, g in chosen.tags if g.get("type") == "radio" and "checked" in g}
    assert f"title:{two}" in picked
    assert f"primary_address:{one}" in picked
    with shop.look() as session:
        assert session.query(Address).filter_by(customer_id=two).count() == 2
        assert session.query(Phone).filter_by(customer_id=two).count() == 0


def test_the_journal_and_the_message_say_what_came_over(shop: Shop) -> None:
    one, two = joan(shop), joan(shop, last_name="Cook")
    where(shop, two, number="020 7946 0123")
    shop.make(factories.make_order, customer_id=two)
    path, body = f"/api/v1/customer/{one}/actions/merge", {"others": [two], "reason": WHY}
    body["fingerprint"] = shop.api().send("POST", f"{path}?preview=1", body).json["fingerprint"]
    done = shop.api().send("POST", path, {**body, "confirm": "Joan Cooke"}).json
    assert done["message"] == "Joan Cook was merged into Joan Cooke: 1 order, 1 phone moved."
    for url in (
        f"/admin/customer/details/?id={one}",
        "/admin/changeset/",
        f"/admin/changeset/details/?id={done['changeset']}",
    ):
        page = page_of(shop.client().get(url))
        text = " ".join(page.text.split())
        assert f"Merged into it: Joan Cook #{two}" in text, url
        assert "Moved: 1 order, 1 phone" in text, url
        assert any(g.get("href", "").endswith(f"/customer/details/?id={two}") for _t, g in page.tags), url


def test_programs_and_the_command_line_can_have_the_customer_told(shop: Shop) -> None:
    one, two, three = (joan(shop) for _n in range(3))
    path, body = (
        f"/api/v1/customer/{one}/actions/merge",
        {"others": [two], "reason": WHY, "tell_customer": True},
    )
    seen = shop.api().send("POST", f"{path}?preview=1", body).json
    assert [row["label"] for row in seen["rows"] if row["kind"] == "mailed"] == ["Your accounts are now one"]
    assert seen["sheet"]["ids"] == [one, two]
    body |= {"fingerprint": seen["fingerprint"], "confirm": "Joan Cooke"}
    assert shop.api().send("POST", path, body).status_code == 200
    args = ["act", "customer.merge", str(one), "--as", "admin", "--preview", "--set", f"others={three}"]
    told = shop.app.test_cli_runner().invoke(
        args=[*args, "--set", f"reason={WHY}", "--set", "tell_customer=yes"]
    )
    assert "Your accounts are now one" in told.output
    assert f"Joan Cooke #{one}, customer since" in told.output
    assert f"{three}" in told.output
    with shop.look() as session:
        assert session.query(Mail).filter_by(customer_id=one).count() == 1


def test_programs_are_told_all_that_stands_in_the_way_and_where(shop: Shop) -> None:
    one, two = joan(shop), joan(shop)
    gone = joan(shop, merged_into_id=two)
    erased = joan(shop, anonymised_at=factories.NOW)
    body = {"others": [gone, erased], "reason": WHY}
    found = shop.api().send("POST", f"/api/v1/customer/{one}/actions/merge?preview=1", body).json["blockers"]
    assert [(b["code"], b["id"], b["see"]) for b in found] == [
        ("merged", gone, {"resource": "customer", "id": gone}),
        ("erased", erased, {"resource": "customer", "id": erased}),
    ]


def test_a_session_of_staff_that_stands_in_the_way_is_led_to(shop: Shop) -> None:
    from tests.admin.row_actions.test_acting import logged_in_as

    standing = logged_in_as(shop)
    with shop.look() as session:
        one = session.get_one(LoginAs, standing).customer_id
    seen = previewed(shop, one, others=str(joan(shop)))
    assert "End that session first" in seen.text
    assert any(g.get("href") == f"/admin/login_as/details/?id={standing}" for _t, g in seen.tags)


def test_from_the_queue_of_duplicates_either_record_is_kept(shop: Shop) -> None:
    one, two = sorted((joan(shop), joan(shop)))
    pair = shop.make(factories.make_duplicate_pair, lower_id=one, higher_id=two).id
    page = page_of(shop.client().get(f"/admin/duplicate/details/?id={pair}"))
    ways = [link for link in page.links if "/act/merge/" in link]
    assert len(ways) == 2
    for way, kept, goes in zip(ways, (one, two), (two, one), strict=True):
        form = page_of(shop.client().get(way)).form("/act/merge/")
        assert form.filled()["others"] == [str(goes)]
        seen = page_of(shop.client().post(f"{form.action}&preview=1", data=form.filled(), headers=HTMX))
        assert "Keep the other record instead" in seen.text
        assert f"Joan Cooke #{kept} customer since" in " ".join(seen.text.split())
