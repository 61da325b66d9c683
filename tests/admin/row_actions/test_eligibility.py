"""Which customers each action is for: what it states is what it does, the person asking and through whichever channel (rule 11.8)."""

from typing import Any

import pytest
import sqlalchemy as sa

import actions.registry  # noqa: F401  declares the actions
from actions.core.base import ACTIONS
from models.base import metadata
from models.choices import AccountType, Status
from models.customer import Customer
from tests import factories
from tests.admin.api.test_rest_writes import ApiChannel
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.row_actions.test_acting import CASES, DECLARED

STATES: dict[str, dict[str, Any]] = {
    "registered": {},
    "in-store": {"status": Status.IN_STORE},
    "guest": {"status": Status.GUEST},
    "switched off": {"is_active": False},
    "waiting": {"status": Status.PENDING_APPROVAL, "is_active": False, "account_type": AccountType.TRADE},
}
WAITS, OFF = {"waiting": "waits_for_approval"}, {"switched off": "switched_off"}
SPENDING = "loyalty_entry.redeem", "credit_entry.redeem", "credit_entry.redeem_code", "tasting_entry.use"
REFUSED: dict[str, dict[str, str]] = {
    "loyalty_entry.earn": {"guest": "guest", **WAITS, **OFF},
    **{code: {**WAITS, **OFF} for code in SPENDING},
    "customer.send_reset": {**WAITS, **OFF},
    "customer.log_in_as": {"guest": "no_account", "in-store": "no_account", **WAITS, **OFF},
    **dict.fromkeys(("invoice.raise", "invoice.record"), WAITS),
    "customer.invite": {"registered": "registered", "switched off": "registered", **WAITS},
    **dict.fromkeys(("customer.activate", "customer.deactivate"), WAITS),
    **dict.fromkeys(
        ("customer.approve", "customer.reject"),
        dict.fromkeys(("registered", "in-store", "guest", "switched off"), "not_waiting"),
    ),
}
"""What is refused to whom; everything else is done for every live customer: what was done is always put right, money taken."""
MAKES = {"customer.add_in_store"}
"""What is about no customer yet."""
CODES = {"waits_for_approval", "switched_off", "guest", "not_waiting", "registered", "no_account"}
CONCERNED = [
    code for code in sorted(CASES) if DECLARED[code].action.customers is not None and code not in MAKES
]


def owner(channel: ApiChannel) -> int:
    """Whom an action is about."""
    if "customer" in channel.body:
        return int(channel.body["customer"])
    table = DECLARED[channel.code].action.model.__table__
    if table.name == "customer":
        return int(channel.row)
    with channel.shop.look() as session:
        mine = table.c.id == channel.row if channel.row else table.c.external_ref == channel.body["reference"]
        return int(session.scalar(sa.select(table.c.customer_id).where(mine)))


def test_each_action_about_a_customer_says_whom_it_is_for() -> None:
    silent = {
        code
        for code, declared in ACTIONS.items()
        if declared.model.metadata is metadata
        and declared.customers is None
        and (
            declared.model is Customer
            or "customer" in declared.parameters
            or "customer_id" in declared.model.__table__.c
        )
    }
    assert silent == set()
    assert set(REFUSED) <= set(CONCERNED)


@pytest.mark.either_database
@pytest.mark.parametrize("code", CONCERNED)
def test_an_action_is_for_the_customers_it_says(shop: Shop, code: str) -> None:
    channel = ApiChannel(shop, code)
    whose = owner(channel)
    for state, values in STATES.items():
        with shop.arrange() as session:
            fresh = {"status": Status.REGISTERED, "is_active": True, "account_type": AccountType.RETAIL}
            session.execute(sa.update(Customer).where(Customer.id == whose).values(fresh | values))
        wanted = REFUSED.get(code, {}).get(state)
        seen = channel.call(query="?preview=1").json
        assert {b["code"] for b in seen["blockers"]} & CODES == ({wanted} if wanted else set()), state
        if wanted:
            answer = channel.call(body={"fingerprint": seen["fingerprint"]})
            assert (answer.status_code, answer.json["code"]) == (409, wanted), state


@pytest.mark.either_database
@pytest.mark.parametrize(
    ("state", "offered"), [("registered", {"raise", "use"}), ("switched off", {"raise"}), ("waiting", set())]
)
def test_what_is_not_for_a_customer_is_not_offered_for_them(
    shop: Shop, state: str, offered: set[str]
) -> None:
    wine = shop.make(factories.make_customer_class, free_tastings=2).id
    whose = shop.make(factories.make_customer, customer_class_id=wine, **STATES[state]).id
    tabs = [
        f"/admin/{r}/?embed=1&customer__eq={whose}"
        for r in ("invoice", "account_entry", "tasting_entry", "loyalty_entry")
    ]
    for path in (*tabs, f"/admin/palette/?resource=customer&id={whose}"):
        links = page_of(shop.client().get(path, headers={"HX-Request": "true"})).links
        found = {
            verb for verb in ("raise", "use") if any(f"/act/{verb}/?customer={whose}" in to for to in links)
        }
        assert found <= offered, path
    assert "/act/pay/" in str(links), "money is always taken"
    assert found == offered, "the palette has them all"
