"""The merge as a person meets it: picking the records, the balance sheet, and where the other's traces lead."""

from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import page_of, rows_of
from tests.admin.row_actions.test_acting import HTMX, some_customer

WHY = "The same person"


def test_records_are_picked_by_typing_and_the_sheet_adds_up(shop: Shop) -> None:
    one, two = some_customer(shop, last_name="Karim"), some_customer(shop, last_name="Kareem")
    for customer in (one, two):
        shop.make(factories.make_note, customer_id=customer)
    url = f"/admin/customer/act/merge/?id={one}"
    page = page_of(shop.client().get(url, headers=HTMX))
    picker = next(g for t, g in page.tags if t == "select" and g.get("name") == "others")
    assert "multiple" in picker
    found = shop.client().get(f"{picker['data-lookup']}&query=kareem").json
    assert [row[0] for row in found] == [two]
    both = shop.client().get(f"{picker['data-lookup']}&query=kar").json
    assert one not in [row[0] for row in both], "a record is not offered to be merged into itself"
    assert not any(t == "option" and g.get("value") == str(one) for t, g in page.tags)
    form = page.form("/act/merge/")
    sent = form.filled(others=str(two), reason=WHY)
    seen = page_of(shop.client().post(f"{url}&preview=1", data=sent, headers=HTMX))
    assert "Result" in seen.text
    assert "1 note" in seen.text
    refused = shop.client().post(
        url, data=form.filled(others=str(one), reason=WHY, confirm="Rashid Karim"), headers=HTMX
    )
    assert refused.status_code == 409
    assert "merged into itself" in page_of(refused).text
    for wrong in ("x", "0", "999999", "1,x", ",", ""):
        answer = shop.client().post(
            url, data=form.filled(others=wrong, reason=WHY, confirm="Rashid Karim"), headers=HTMX
        )
        assert answer.status_code == 422, wrong


def test_the_api_takes_a_list_and_answers_the_sheet(shop: Shop) -> None:
    one, two, three = (some_customer(shop) for _n in range(3))
    path, body = f"/api/v1/customer/{one}/actions/merge", {"others": [two, three], "reason": WHY}
    seen = shop.api().send("POST", f"{path}?preview=1", body).json
    assert seen["possible"]
    assert len(seen["sheet"]["records"]) == 3
    assert {line["label"] for line in seen["sheet"]["lines"]} >= {"Points", "Account", "Orders"}
    for wrong in ("3", 3, [True], ["3"], [1.5], None, [], {"id": 3}):
        assert shop.api().send("POST", path, {**body, "others": wrong, "confirm": "x"}).status_code == 422, (
            wrong
        )
    support = shop.api("Support").send("POST", path, body)
    assert support.status_code == 403
    assert shop.api("Manager").send("POST", f"{path}?preview=1", body).status_code == 200


def command(survivor: int, *others: int) -> list[str]:
    """``flask act`` as an admin would merge with it."""
    sent = f"others={','.join(map(str, others))}"
    return ["act", "customer.merge", str(survivor), "--as", "admin", "--set", sent, "--set", f"reason={WHY}"]


def test_the_command_takes_ids_with_commas(shop: Shop) -> None:
    one, two, three = (some_customer(shop, last_name="Karim") for _n in range(3))
    args = command(one, two, three)
    told = shop.app.test_cli_runner().invoke(args=[*args, "--preview"])
    assert told.exit_code == 0, told.output
    assert "Result" in told.output
    assert shop.app.test_cli_runner().invoke(args=args).exit_code != 0, "not without the name"
    blind = shop.app.test_cli_runner().invoke(args=[*args, "--confirm", "Rashid Karim"])
    assert blind.exit_code == 2
    assert "Preview the changes" in blind.output
    mark = told.output.split("Fingerprint: ")[1].strip()
    seen = [*args, "--confirm", "Rashid Karim", "--fingerprint", mark]
    done = shop.app.test_cli_runner().invoke(args=seen)
    assert done.exit_code == 0, done.output


def test_a_search_finds_the_survivor_in_place_of_what_was_merged_into_it(shop: Shop) -> None:
    with shop.arrange() as session:
        survivor = factories.make_customer(session, last_name="Karim", email="new@example.com")
        old = factories.make_customer(session, last_name="Karim", email="old@example.com")
        session.flush()
        old.merged_into_id = survivor.id
        kept, merged = survivor.id, old.id
    api = shop.api()

    def found(query: str) -> list[int]:
        return [row["id"] for row in api.get(f"/api/v1/customer/?{query}").json["result"]]

    assert found("q=old@example.com") == [kept]
    assert found(f"q={merged}") == [kept]
    assert found("q=karim") == [kept]
    assert found("q=karim&merged_into__empty=0") == [merged]
    assert found("q=karim&view=merged") == [merged]
    assert rows_of(shop.client().get("/admin/customer/?view=owing&q=karim")) == []


def test_what_was_the_others_leads_to_the_survivor(shop: Shop) -> None:
    one = some_customer(shop, last_name="Stays")
    two = some_customer(shop, last_name="Goes", email="goes@example.com", loyalty_code="OLD-CARD")
    path, body = f"/api/v1/customer/{one}/actions/merge", {"others": [two], "reason": WHY}
    body |= {"confirm": "Rashid Stays"}
    blind = shop.api().send("POST", path, body)
    assert (blind.status_code, list(blind.json["errors"])) == (422, ["fingerprint"])
    seen = shop.api().send("POST", f"{path}?preview=1", body).json
    done = shop.api().send("POST", path, {**body, "fingerprint": seen["fingerprint"]})
    assert done.status_code == 200, done.json
    assert f"?id={two}" not in shop.client().get("/admin/customer/?view=all").get_data(as_text=True)
    assert f"?id={two}" in shop.client().get("/admin/customer/?view=merged").get_data(as_text=True)
    typing = {"OLD-CARD": HTMX}
    for word in ("goes@example.com", "OLD-CARD", str(two)):
        text = page_of(shop.client().get(f"/admin/search/?q={word}", headers=typing.get(word))).text
        assert "Stays" in text, word
        assert "Goes" not in text, word
    scanned = shop.client().get("/admin/search/?q=OLD-CARD")
    assert scanned.location == f"/admin/customer/details/?id={one}", "a whole card and Enter open the record"
    page = page_of(shop.client().get(f"/admin/customer/details/?id={two}"))
    assert "was merged into" in page.text
    assert not any("/act/merge/" in g.get("href", "") for _t, g in page.tags)


def test_where_they_differ_the_api_offers_and_takes_a_choice(shop: Shop) -> None:
    one = some_customer(shop, last_name="Stays", email="one@example.com")
    two = some_customer(shop, last_name="Goes", email="two@example.com")
    path, body = f"/api/v1/customer/{one}/actions/merge", {"others": [two], "reason": WHY}
    seen = shop.api().send("POST", f"{path}?preview=1", body).json
    offered = {clash["field"]: clash for clash in seen["sheet"]["clashes"]}
    assert offered["email"] == {
        "field": "email",
        "label": "Email",
        "options": [{"record": one, "value": "one@example.com"}, {"record": two, "value": "two@example.com"}],
        "taken": one,
    }
    body |= {"take": [f"email:{two}"], "confirm": "Rashid Stays"}
    chosen = shop.api().send("POST", f"{path}?preview=1", body).json
    assert chosen["fingerprint"] != seen["fingerprint"]
    other = shop.api().send("POST", path, {**body, "fingerprint": seen["fingerprint"]})
    assert (other.status_code, other.json["code"]) == (409, "preview_stale"), "it is not what was looked at"
    done = shop.api().send("POST", path, {**body, "fingerprint": chosen["fingerprint"]})
    assert done.status_code == 200, done.json
    assert shop.api().get(f"/api/v1/customer/{one}").json["result"]["email"] == "two@example.com"


def test_amounts_to_choose_from_are_in_the_currency_of_their_records(shop: Shop) -> None:
    one, two = (some_customer(shop, currency="JPY", credit_limit=limit) for limit in (5_000, 7_000))
    body = {"others": [two], "reason": WHY}
    seen = shop.api().send("POST", f"/api/v1/customer/{one}/actions/merge?preview=1", body).json
    limits = next(c for c in seen["sheet"]["clashes"] if c["field"] == "credit_limit")
    assert [o["value"].replace("JP¥", "¥") for o in limits["options"]] == ["¥5,000", "¥7,000"]


def test_what_is_no_choice_is_told_by_its_field_on_each_channel(shop: Shop) -> None:
    one, two, other = (some_customer(shop, last_name=name) for name in ("Stays", "Goes", "Other"))
    path, body = f"/api/v1/customer/{one}/actions/merge", {"others": [two], "reason": WHY}
    for wrong in (
        "email:1",
        5,
        None,
        {"email": two},
        [two],
        [[]],
        ["email"],
        [f"last_name:{other}"],
        [f"points:{two}"],
    ):
        answer = shop.api().send("POST", f"{path}?preview=1", {**body, "take": wrong})
        assert list(answer.json["errors"]) == ["take"], wrong
        assert not answer.json.get("possible")
    url = f"/admin/customer/act/merge/?id={one}"
    form = page_of(shop.client().get(url, headers=HTMX)).form("/act/merge/")
    for wrong in (
        "email",
        "email:x",
        "email:-1",
        "Email:1",
        f"last_name:{other}",
        f"points:{two}",
        "x" * 5_000,
    ):
        sent = form.filled(others=str(two), reason=WHY, confirm="Rashid Stays", take=wrong)
        assert shop.client().post(url, data=sent, headers=HTMX).status_code == 422, wrong
    args = command(one, two)
    told = shop.app.test_cli_runner().invoke(args=[*args, "--preview"])
    assert f"Last name: Stays (kept), Goes (take=last_name:{two})" in told.output
    wrong = shop.app.test_cli_runner().invoke(args=[*args, "--set", f"take=last_name:{other}", "--preview"])
    assert "This cannot be done: Take: " in wrong.output
    right = shop.app.test_cli_runner().invoke(args=[*args, "--set", f"take=last_name:{two}", "--preview"])
    assert f"Last name: Stays (take=last_name:{one}), Goes (kept)" in right.output
