"""Every declared action through every channel it has: same permission, same journal, preview equals change, once is once."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import Role

from actions.core.base import ACTIONS
from actions.customers.notes import done as note_done
from actions.execution import rate_limit
from admin.screen_spec.declare import NoForm, RowAction
from admin.screens import SCREENS
from models.base import Staff, metadata
from models.choices import AccountType, Status
from models.codes import digest
from models.customer import Customer
from models.job import JobRow
from models.journal import Change, Changeset
from models.mail import Mail
from models.note import Note, NoteKind
from models.order import Order, OrderStatus
from models.run import ItemState, Run, RunItem, RunState
from tests import factories, staffing
from tests.admin.conftest import Shop
from tests.admin.pages import page_of
from tests.admin.screens.test_ledgers import act
from tests.admin.unoffered import unoffered
from tests.admin.usual_forms import usual_parameters
from tests.usual import maker

HTMX = {"HX-Request": "true"}


def some_customer(shop: Shop, **values: Any) -> int:
    """A customer with enough of everything to act on."""
    with shop.arrange() as session:
        tastes = factories.make_customer_class(session, free_tastings=4).id
        given = {"pay_on_account": True, "customer_class_id": tastes, **values}
        return int(factories.make_customer(session, **given).id)


def waiting(shop: Shop) -> int:
    """A trade customer who waits for approval."""
    return some_customer(
        shop, status=Status.PENDING_APPROVAL, account_type=AccountType.TRADE, is_active=False
    )


def task(shop: Shop, **values: Any) -> int:
    """An open task."""
    return int(shop.make(factories.make_note, kind="task", due_on=factories.TODAY, **values).id)


def entry(where: str, **values: str) -> Callable[[Shop], int]:
    """A ledger row made through its own action."""

    def make(shop: Shop) -> int:
        given = act(shop, where, customer=str(some_customer(shop)), **values)
        assert given.status_code == 302
        with shop.look() as session:
            table = metadata.tables[where.split(".", maxsplit=1)[0]]
            return int(session.scalar(sa.select(sa.func.max(table.c.id))))

    return make


def used_tasting(shop: Shop) -> int:
    """A free tasting that somebody used."""
    return int(shop.make(factories.make_tasting_entry).id)


def secondary(shop: Shop) -> int:
    """An address that is not the primary one."""
    first = shop.make(factories.make_address, is_primary=True)
    return int(shop.make(factories.make_address, customer_id=first.customer_id, is_primary=False).id)


def second_card(shop: Shop) -> int:
    """A card that is not the default one."""
    first = shop.make(factories.make_saved_card, is_default=True)
    return int(shop.make(factories.make_saved_card, customer_id=first.customer_id).id)


def waiting_email(shop: Shop) -> int:
    """An additional email that is not confirmed."""
    return int(shop.make(factories.make_contact_email, confirmed_at=None).id)


def an_edit(shop: Shop) -> int:
    """A changeset that can be undone."""
    customer = some_customer(shop, title="Mr")
    form = page_of(shop.client().get(f"/admin/customer/edit/?id={customer}")).form("/edit/")
    assert shop.client().post(form.action, data=form.filled(title="Dr")).status_code == 302
    with shop.look() as session:
        return int(session.scalar(sa.select(sa.func.max(Changeset.id))))


def own_key(shop: Shop) -> int:
    """A key of the admin's."""
    with shop.arrange() as session:
        admin = session.scalar(sa.select(Staff.id).where(Staff.username == "admin"))
        return int(factories.make_api_key(session, user_id=admin).id)


def a_run(shop: Shop) -> int:
    """A run that has changed something."""
    with shop.arrange() as session:
        run = factories.make_run(session)
        factories.make_changeset(session, run_id=run.id)
        return int(run.id)


def a_job(shop: Shop) -> int:
    """A job that is declared."""
    with shop.look() as session:
        return int(session.scalars(sa.select(JobRow.id).where(JobRow.code == "loyalty.expire")).one())


def a_session(shop: Shop) -> Any:
    """A session that began just now, so that no sign-in sweeps it out."""
    now = shop.app.extensions["clientele"].clock()
    return shop.make(staffing.make_staff_session, created_at=now, last_seen_at=now, confirmed_at=now)


def logged_in_as(shop: Shop, username: str = "support") -> int:
    """A member of staff who is logged in as a customer."""
    now = shop.app.extensions["clientele"].clock()
    with shop.arrange() as session:
        who = session.scalar(sa.select(Staff.id).where(Staff.username == username))
        times = {"created_at": now, "last_seen_at": now, "confirmed_at": now}
        began = staffing.make_staff_session(session, user_id=who, **times)
        ends = {"used_at": now, "ends_at": now + dt.timedelta(minutes=30)}
        given = {"staff_id": who, "staff_session_id": began.id, "created_at": now, "expires_at": now}
        return int(factories.make_login_as(session, **given, **ends).id)


def locked_out(shop: Shop) -> int:
    """Somebody at whose password too many have guessed."""
    with shop.arrange() as session:
        member = staffing.make_member(session)
        person, now = member.id, shop.app.extensions["clientele"].clock()
        limit = rate_limit.of_name(member.email.upper())
        times = [now.timestamp()] * limit.most
        staffing.make_attempt_bucket(session, bucket=limit.bucket, times=times, last_at=now)
        return int(person)


def colleague(shop: Shop, **values: Any) -> int:
    """Somebody else who works here."""
    return int(shop.make(staffing.make_member, **values).id)


def a_role(shop: Shop) -> int:
    """A role that holds a permission."""
    return int(shop.make(staffing.make_role_grant).role_id)


POINTS = {"points": "120", "comment": "Sorry", "expires_after_days": "30"}
WHY = {"reason": "A mistake"}
INVITED = {"first_name": "Ann", "last_name": "Lee", "email": "ann.lee@shop.example", "username": "alee"}
OF_ORDER = {"order_ref": "SO-77"}
CODE = "DEMO-CARD-7QKM"
CARD = {
    "provider": "Cardpay", "token": "tok_9fj2", "brand": "Visa", "last_four": "4242", "expiry_month": "8", "expiry_year": "2031",
}  # fmt: skip
CASES: dict[str, tuple[Callable[[Shop], int] | None, dict[str, str]]] = {
    "loyalty_entry.adjust": (None, POINTS),
    "loyalty_entry.reverse": (entry("loyalty_entry.adjust", **POINTS), WHY),
    "account_entry.pay": (None, {"amount": "12.50", "method": "cash"}),
    "account_entry.refund": (None, {"amount": "12.50", "method": "card"}),
    "account_entry.void": (entry("account_entry.pay", amount="5", method="cash"), WHY),
    "invoice.raise": (None, {"amount": "40", "description": "Wine"}),
    "invoice.void": (entry("invoice.raise", amount="40"), WHY),
    "credit_entry.adjust": (None, {"amount": "5", "comment": "Card"}),
    "credit_entry.reverse": (entry("credit_entry.adjust", amount="5", comment="Card"), WHY),
    "tasting_entry.use": (None, {"comment": "With the new vintage"}),
    "tasting_entry.reverse": (used_tasting, WHY),
    "loyalty_entry.earn": (None, {**OF_ORDER, "points": "40", "expires_after_days": "30"}),
    "loyalty_entry.redeem": (None, {**OF_ORDER, "points": "40"}),
    "loyalty_entry.correct_order": (None, {**OF_ORDER, "points": "5"}),
    "loyalty_entry.cancel_order": (None, {**OF_ORDER, **WHY}),
    "credit_entry.redeem": (None, {**OF_ORDER, "amount": "3"}),
    "credit_entry.correct_order": (None, {**OF_ORDER, "amount": "3"}),
    "credit_entry.cancel_order": (None, {**OF_ORDER, **WHY}),
    "credit_entry.redeem_code": (None, {"code": CODE.lower()}),
    "account_entry.record": (None, {"kind": "payment", "amount": "12.50", "method": "card"}),
    "account_entry.feed": (None, {"kind": "payment", "amount": "12.50", "reference": "XP-2"}),
    "account_entry.feed_void": (None, {"reference": "XP-1", **WHY}),
    "invoice.record": (None, {**OF_ORDER, "amount": "40"}),
    "gift_card.issue": (None, {"amount": "25", "currency": "GBP", "expires_on": "2999-01-31"}),
    "gift_card.void": (lambda shop: shop.make(factories.make_gift_card).id, WHY),
    "note.done": (task, {}),
    "note.reopen": (lambda shop: task(shop, done_at=factories.NOW), {}),
    "address.make_primary": (secondary, {}),
    "contact_email.confirm": (waiting_email, {"reason": "They rang"}),
    "contact_email.send_link": (waiting_email, {}),
    "saved_card.make_default": (second_card, {}),
    "saved_card.set_expiry": (second_card, {"expiry_month": "2", "expiry_year": "2031"}),
    "saved_card.store": (None, CARD),
    "changeset.undo": (an_edit, {}),
    "job.run_now": (a_job, {}),
    "job.pause": (a_job, {}),
    "job.resume": (lambda shop: shop.make(factories.make_job, paused=True).id, {}),
    "run.cancel": (lambda shop: shop.make(factories.make_run, state=RunState.QUEUED, size=2).id, {}),
    "run.undo": (a_run, {}),
    "customer.edit_fields": (some_customer, {"change": "free_delivery", "free_delivery": "y"}),
    "address.edit_fields": (secondary, {"change": "is_billing,label", "is_billing": "y", "label": "Summer"}),
    "note.edit_fields": (task, {"change": "due_on", "due_on": "2031-05-04"}),
    "customer.add_note": (some_customer, {"kind": "note", "body": "Likes Rioja"}),
    "customer.change_class": (some_customer, {"customer_class": "@customer_class"}),
    "customer.change_group": (some_customer, {"membership_group": "@membership_group"}),
    "customer.set_loyalty_card": (some_customer, {"loyalty_code": "9826-1147"}),
    "customer.set_pay_on_account": (some_customer, {"credit_limit": "500", "pay_on_account": "y"}),
    "customer.set_terms": (some_customer, {"credit_limit": "500", "free_delivery": "y"}),
    "customer.verify": (some_customer, {}),
    "customer.send_statement": (
        lambda shop: some_customer(shop, email=f"owes{factories.number()}@example.com"),
        {"since": "2026-01-01", "message": "As you asked"},
    ),
    "customer.invite": (
        lambda shop: some_customer(
            shop, status=Status.IN_STORE, email=f"till{factories.number()}@example.com"
        ),
        {},
    ),
    "customer.add_in_store": (
        None,
        {"first_name": "Mary", "last_name": "Poole", "email": "mary@example.com"},
    ),
    "customer.send_reset": (some_customer, {"identity_checked": "y", "mailbox_checked": "y"}),
    "customer.log_in_as": (
        some_customer,
        {"reason": "Cannot find the invoice of August", "ticket": "T-1204"},
    ),
    "login_as.end": (logged_in_as, {}),
    "login_as.allow_changes": (lambda shop: logged_in_as(shop, "admin"), {}),
    "duplicate.dismiss": (lambda shop: shop.make(factories.make_duplicate_pair).id, {"reason": "Twins"}),
    "duplicate.household": (lambda shop: shop.make(factories.make_duplicate_pair).id, {}),
    "duplicate_crowd.reopen": (
        lambda shop: shop.make(factories.make_duplicate_crowd, dismissed_size=62).id,
        {},
    ),
    "pair_decision.reopen": (lambda shop: shop.make(factories.make_pair_decision).id, {}),
    "merge.unmerge": (
        lambda shop: shop.make(factories.make_merge, merged_at=dt.datetime.now(dt.UTC)).id,
        {},
    ),
    "customer.activate": (lambda shop: some_customer(shop, is_active=False), {}),
    "customer.deactivate": (some_customer, WHY),
    "customer.merge": (some_customer, {"others": "@customer", "reason": "The same person"}),
    "customer.approve": (waiting, {}),
    "customer.reject": (waiting, WHY),
    "mail.resend": (lambda shop: shop.make(factories.make_mail).id, {}),
    "api_key.create": (None, {"name": "Stock sync", "scope": "read", "expires_on": "2999-01-31"}),
    "api_key.revoke": (own_key, {}),
    "staff.invite": (None, INVITED),
    "staff_session.end": (lambda shop: a_session(shop).id, {}),
    "staff.end_sessions": (lambda shop: a_session(shop).user_id, {}),
    "staff.reset_two_factor": (lambda shop: shop.make(staffing.make_second_factor).user_id, {}),
    "staff.unlock": (locked_out, {}),
    "staff.send_reset": (lambda shop: shop.make(staffing.make_member).id, {}),
    "staff.limit_to_channels": (
        lambda shop: shop.make(staffing.make_member).id,
        {"sales_channels": "@sales_channel"},
    ),
    "staff.set_roles": (colleague, {"roles": "@role", "groups": "@staff_group"}),
    "staff.change_email": (colleague, {"email": "new@shop.example"}),
    "staff.deactivate": (colleague, WHY),
    "staff.activate": (lambda shop: colleague(shop, active=False), {}),
    "staff_group.set_roles": (lambda shop: shop.make(staffing.make_staff_group).id, {"roles": "@role"}),
    "role.set_permissions": (a_role, {"permissions": "customer.list,customer.show,note.done"}),
    "role.copy": (a_role, {"name": "Copy of it"}),
    "role.require_two_factor": (a_role, {"requires_two_factor": "y"}),
}


def before(where: str, **values: str) -> Callable[[Shop, str], None]:
    """What has to be there first: a change for the same customer."""

    def make(shop: Shop, customer: str) -> None:
        assert act(shop, where, customer=customer, **values).status_code == 302

    return make


def an_order_that(*actions: tuple[str, dict[str, str]]) -> Callable[[Shop, str], None]:
    """What has to be there first: several changes for the same customer."""

    def make(shop: Shop, customer: str) -> None:
        for where, values in actions:
            before(where, **values)(shop, customer)

    return make


def kept_in_a_package(shop: Shop, customer: str) -> None:
    """A shop whose balances an accounting package keeps."""
    shop.make(factories.make_shop_setting, code="external_accounting", value=True)


def reported(shop: Shop, customer: str) -> None:
    """An entry that such a package has reported."""
    kept_in_a_package(shop, customer)
    given = {"kind": "payment", "amount": "5", "reference": "XP-1"}
    assert act(shop, "account_entry.feed", customer=str(some_customer(shop)), **given).status_code == 302


def a_card(shop: Shop, customer: str) -> None:
    """A gift card with a known code."""
    shop.make(factories.make_gift_card, code_key=digest(CODE))


CREDIT_TAKEN = (
    ("credit_entry.adjust", {"amount": "5", "comment": "Card"}),
    ("credit_entry.redeem", {**OF_ORDER, "amount": "4"}),
)
BEFORE: dict[str, Callable[[Shop, str], None]] = {
    "loyalty_entry.redeem": before("loyalty_entry.adjust", **POINTS),
    "loyalty_entry.correct_order": an_order_that(
        ("loyalty_entry.adjust", POINTS), ("loyalty_entry.redeem", {**OF_ORDER, "points": "40"})
    ),
    "loyalty_entry.cancel_order": before("loyalty_entry.earn", **OF_ORDER, points="40"),
    "credit_entry.redeem": before("credit_entry.adjust", amount="5", comment="Card"),
    "credit_entry.correct_order": an_order_that(*CREDIT_TAKEN),
    "credit_entry.cancel_order": an_order_that(*CREDIT_TAKEN),
    "credit_entry.redeem_code": a_card,
    "account_entry.feed": kept_in_a_package,
    "account_entry.feed_void": reported,
}
SHOWN_ONCE = {"api_key.create": 200, "customer.log_in_as": 200, "gift_card.issue": 200}
"""What answers with a page that shows something this once, where others answer with a message alone."""
DECLARED = {f"{s.named()}.{a.action.verb}": a for s in SCREENS for a in s().actions()}


def usual_case(code: str) -> tuple[Callable[[Shop], int] | None, dict[str, str]]:
    """A row as the factory makes it, where the action has one, and parameters by their types."""
    wanted = DECLARED[code].action
    make = maker(wanted.resource)
    return (lambda shop: int(shop.make(make).id)) if wanted.targeted else None, usual_parameters(wanted)


CASES |= {code: usual_case(code) for code in DECLARED if code not in CASES}
STAYS = (
    "entry.reverse",
    "entry.void",
    "invoice.void",
    ".cancel_order",
    "run.cancel",
    "run.undo",
    "merge.unmerge",
)
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
"""For what no database decides: once is enough."""

every_action = pytest.mark.parametrize("code", sorted(CASES))
every_dangerous_one = pytest.mark.parametrize("code", [c for c in sorted(CASES) if DECLARED[c].action.danger])


class Channel:
    """The form of one action, ready to be sent."""

    def __init__(self, shop: Shop, code: str, role: str = "Admin") -> None:
        self.shop, self.code, self.role = shop, code, role
        resource, verb = code.split(".")
        make, given = CASES[code]
        self.row = make(shop) if make is not None else None
        self.url = f"/admin/{resource}/act/{verb}/" + (f"?id={self.row}" if self.row else "")
        self.given = {k: self._made(v) for k, v in given.items()}
        if "customer" in DECLARED[code].action.parameters:
            self.given["customer"] = str(some_customer(shop))
        if code in BEFORE:
            BEFORE[code](shop, self.given.get("customer", ""))
        self.confirm = self._name() if DECLARED[code].action.danger else ""

    def _name(self) -> str:
        """What has to be typed before a dangerous change."""
        with self.shop.look() as session:
            return str(session.get_one(DECLARED[self.code].action.model, self.row))

    def _made(self, value: str) -> str:
        if not value.startswith("@"):
            return value
        return str(self.shop.make(maker(value[1:])).id)

    def opened(self) -> dict[str, list[str]]:
        """What the form would send, filled in."""
        page = page_of(self.shop.client(self.role).get(self.url, headers=HTMX))
        form = page.form("/act/")
        assert ("confirm" in form.fields) == bool(self.confirm)
        return form.filled(**self.given, **({"confirm": self.confirm} if self.confirm else {}))

    def send(self, data: Any) -> Any:
        return self.shop.client(self.role).post(self.url, data=data, headers=HTMX)

    def preview(self, data: Any) -> Any:
        joint = "&" if "?" in self.url else "?"
        return self.shop.client(self.role).post(f"{self.url}{joint}preview=1", data=data, headers=HTMX)

    def seen(self) -> dict[str, list[str]]:
        """What the form would send once its preview was looked at."""
        data = self.opened()
        return {**data, "fingerprint": [fingerprint(self.preview(data))]}


def fingerprint(answer: Any) -> str:
    """The mark of the preview that a page shows."""
    return next(g["value"] for _t, g in page_of(answer).tags if g.get("name") == "fingerprint")


def test_every_declared_action_is_tried_here() -> None:
    assert set(DECLARED) == set(CASES)
    ours = {code for code, declared in ACTIONS.items() if declared.model.metadata is metadata}
    beside = {c for c in ours if c.split(".")[1] not in ("create", "edit", "delete")} - set(CASES)
    files = {
        c for c in beside if c.split(".")[1] in ("import", "try_import")
    }  # the channels of an import are its own
    of_the_portal = {c for c in beside if ACTIONS[c].portal is not None}  # tests/portal
    assert beside - files - of_the_portal <= {"shop_setting.save"}, "an action that no screen offers"


@pytest.mark.every_case
@every_action
def test_it_is_refused_previewed_done_once_and_taken_back(shop: Shop, code: str) -> None:
    """All that holds for every action, on one arrangement, since making one costs more than looking at it.

    Each runs on one database here. On PostgreSQL it runs once more by REST, and on SQLite by command
    (test_rest_writes.py, test_act_command.py).
    """
    channel = Channel(shop, code)
    data = channel.opened()
    it_needs_exactly_its_permission(channel, data)
    another_persons_preview_is_no_confirmation(channel, data)
    seen = the_preview_writes_nothing(channel, data)
    answer = channel.send({**seen, **unoffered({*data, *DECLARED[code].fields})})
    assert answer.status_code == SHOWN_ONCE.get(code, 204), "it did something else than its preview said"
    the_journal_says_who_did_it(channel)
    a_double_click_does_nothing_more(channel, seen)
    it_is_taken_back(channel, answer)


def it_needs_exactly_its_permission(channel: Channel, data: dict[str, list[str]]) -> None:
    """Whoever lacks it is refused the form, its preview and the action."""
    reader, before = channel.shop.client("Read-only"), channel.shop.figures()
    sent = {**data, "csrf_token": [reader.csrf_token()]}
    channel.role = "Read-only"
    for answer in (channel.send(sent), channel.preview(sent), reader.get(channel.url)):
        assert answer.status_code == 403
    channel.role = "Admin"
    assert channel.shop.figures() == before


def another_persons_preview_is_no_confirmation(channel: Channel, data: dict[str, list[str]]) -> None:
    """A fingerprint of something else is refused."""
    before = channel.shop.figures()
    refused = channel.send({**data, "fingerprint": "0" * 64})
    assert refused.status_code == 409
    assert "Check the preview again" in page_of(refused).text
    assert channel.shop.figures() == before


def the_preview_writes_nothing(channel: Channel, data: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what the form sends once its preview was looked at."""
    before = channel.shop.figures()
    seen = channel.preview(data)
    assert seen.status_code == 200
    assert channel.shop.figures() == before
    assert "cannot be done" not in page_of(seen).text
    return {**data, "fingerprint": [fingerprint(seen)]}


def the_journal_says_who_did_it(channel: Channel) -> None:
    """The newest changeset is the action's; what is offered for many rows has said whether it writes emails."""
    with channel.shop.look() as session:
        done = session.scalars(sa.select(Changeset).order_by(Changeset.id.desc())).first()
        assert (done.action, done.actor_name) == (channel.code, "Admin Tester")
        wrote = session.scalar(sa.select(sa.func.count()).where(Mail.changeset_id == done.id))
        many = DECLARED[channel.code].bulk and ACTIONS[channel.code].targeted
        assert not many or ACTIONS[channel.code].mails == bool(wrote)


def a_double_click_does_nothing_more(channel: Channel, data: dict[str, list[str]]) -> None:
    """The same form sent again is answered alike and done once."""
    after = channel.shop.figures()
    assert channel.send(data).status_code == 204
    assert channel.shop.figures() == after


def it_is_taken_back(channel: Channel, answer: Any) -> None:
    """Its message offers Undo, which works; what is final or stays is not undone, and no Undo is offered there."""
    shop, code = channel.shop, channel.code
    if ACTIONS[code].final or code.endswith(STAYS):
        assert "act/undo" not in answer.headers["HX-Trigger"]
        refuse_to_undo(shop)
        return
    undo = answer.headers["HX-Trigger"].split('"undo": "')[1].split('"')[0]
    back = shop.client().post(undo, headers={**HTMX, "X-CSRFToken": shop.client().csrf_token()})
    assert back.status_code == 204, page_of(back).text
    with shop.look() as session:
        last = session.scalars(sa.select(Changeset).order_by(Changeset.id.desc())).first()
        assert last.action == ("merge.unmerge" if code == "customer.merge" else "changeset.undo")


@every_dangerous_one
def test_a_dangerous_one_is_confirmed_by_name(shop: Shop, code: str) -> None:
    channel = Channel(shop, code)
    data, before = channel.opened(), shop.figures()
    for typed in ("", "somebody else"):
        answer = channel.send({**data, "confirm": typed})
        assert answer.status_code == 422
        assert "exactly as shown" in page_of(answer).text
    assert shop.figures() == before


@every_dangerous_one
def test_a_dangerous_one_is_looked_at_first_even_without_scripts(shop: Shop, code: str) -> None:
    channel = Channel(shop, code)
    before = shop.figures()
    answer = channel.send(channel.opened())
    assert answer.status_code == 422
    assert shop.figures() == before
    page = page_of(answer)
    assert "Preview the changes" in page.text
    form = page.form("/act/")
    assert form.fields["fingerprint"] == fingerprint(answer)
    again = channel.send(form.filled(confirm=channel.confirm))
    assert again.status_code == 204, page_of(again).text


def refuse_to_undo(shop: Shop) -> None:
    """What is final is not undone by those who ask for its address either."""
    with shop.look() as session:
        changeset = session.scalar(sa.select(sa.func.max(Changeset.id)))
    token = {"X-CSRFToken": shop.client().csrf_token()}
    back = shop.client().post(f"/admin/changeset/act/undo/?id={changeset}", headers={**HTMX, **token})
    assert back.status_code in (403, 409)
    with shop.look() as session:
        later = sa.select(Changeset.action).where(Changeset.id > changeset)
        assert set(session.scalars(later)) <= {"staff.refused"}


# -- many rows ----------------------------------------------------------------------------------------------------


def bulk(shop: Shop, code: str, role: str = "Admin", **sent: Any) -> Any:
    """Open an action's form for ticked rows as the selection bar does."""
    resource, verb = code.split(".")
    client = shop.client(role)
    data = {"csrf_token": client.csrf_token(), **sent}
    return client.post(f"/admin/{resource}/act/{verb}/", data=data, headers=HTMX)


def test_ticked_rows_are_counted_previewed_and_done_in_one_changeset(shop: Shop) -> None:
    people = [some_customer(shop, last_name=f"Person {n}") for n in range(3)]
    opened = bulk(shop, "customer.deactivate", ids=[str(p) for p in people])
    assert opened.status_code == 200
    page = page_of(opened)
    assert "3 customers" in page.text
    form = page.form("/act/deactivate/")
    data = form.filled(reason="Moved away")
    seen = shop.client().post(f"{form.action}?preview=1", data=data, headers=HTMX)
    assert all(f"Person {n}" in page_of(seen).text for n in range(3))
    before = shop.figures()["changeset"][0]
    assert shop.client().post(form.action, data=data, headers=HTMX).status_code == 204
    assert shop.figures()["changeset"][0] == before + 1
    assert not any(shop.get(Customer, p).is_active for p in people)


def test_one_row_that_refuses_stops_all_and_is_named(shop: Shop) -> None:
    people = [some_customer(shop, last_name="Open"), some_customer(shop, last_name="Shut", is_active=False)]
    form = page_of(bulk(shop, "customer.deactivate", ids=[str(p) for p in people])).form("/act/")
    answer = shop.client().post(form.action, data=form.filled(reason="Moved"), headers=HTMX)
    assert answer.status_code == 409
    assert "Shut" in page_of(answer).text
    assert shop.get(Customer, people[0]).is_active
    again = page_of(answer).form("/act/")
    assert again.fields.getlist("ids") == [str(p) for p in people], "nothing typed or ticked is lost"


def test_all_matching_runs_the_filter_again_and_holds_it_to_the_count(shop: Shop) -> None:
    people = [some_customer(shop, last_name="Zander") for _n in range(3)]
    other = some_customer(shop, last_name="Else")
    opened = bulk(shop, "customer.deactivate", all="1", view="all", last_name__eq="Zander")
    form = page_of(opened).form("/act/deactivate/")
    assert form.fields["count"] == "3"
    late = some_customer(shop, last_name="Zander")
    refused = shop.client().post(form.action, data=form.filled(reason="Moved"), headers=HTMX)
    assert refused.status_code == 409
    assert all(shop.get(Customer, p).is_active for p in (*people, late))
    form = page_of(bulk(shop, "customer.deactivate", all="1", view="all", last_name__eq="Zander")).form(
        "/act/"
    )
    assert shop.client().post(form.action, data=form.filled(reason="Moved"), headers=HTMX).status_code == 204
    assert not any(shop.get(Customer, p).is_active for p in (*people, late))
    assert shop.get(Customer, other).is_active


def test_more_than_five_hundred_are_a_run_that_is_watched_and_worked_off(shop: Shop) -> None:
    with shop.arrange() as session:
        people = [factories.make_customer(session, last_name="Zander").id for _n in range(503)]
    opened = page_of(bulk(shop, "customer.deactivate", all="1", view="all", last_name__eq="Zander"))
    assert "503 customers" in opened.text
    form = opened.form("/act/deactivate/")
    data = form.filled(reason="Moved away")
    seen = page_of(shop.client().post(f"{form.action}?preview=1", data=data, headers=HTMX))
    assert "in the background" in seen.text
    started = shop.client().post(form.action, data=data, headers=HTMX)
    assert started.status_code == 204
    again = shop.client().post(form.action, data=data, headers=HTMX)
    assert again.headers["HX-Redirect"] == started.headers["HX-Redirect"], "a double click starts it once"
    page = page_of(shop.client().get(started.headers["HX-Redirect"]))
    assert "0 of 503" in page.text
    assert "data-live" in page.html
    done = shop.app.test_cli_runner().invoke(args=["worker", "--once"])
    assert done.exit_code == 0, done.output
    with shop.look() as session:
        run = session.scalars(sa.select(Run)).one()
        assert (run.state, run.done, run.refused) == (RunState.DONE, 503, 0)
        assert session.scalar(sa.select(sa.func.count()).where(RunItem.state == ItemState.DONE)) == 503
    assert not shop.get(Customer, people[-1]).is_active
    assert "data-live" not in shop.client().get(started.headers["HX-Redirect"]).get_data(as_text=True)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 400), ({"ids": ["x"]}, 400), ({"ids": ["-1"]}, 400), ({"ids": ["1" * 30]}, 400), ({"ids": ["999999"]}, 404),
        ({"all": "1", "nope__eq": "1"}, 400), ({"all": "1", "view": "nope"}, 400), ({"ids": [str(n) for n in range(1, 502)]}, 400),
    ],
)  # fmt: skip
def test_a_selection_that_cannot_be_is_refused(shop: Shop, sent: dict[str, Any], status: int) -> None:
    some_customer(shop)
    assert bulk(shop, "customer.deactivate", **sent).status_code == status


@pytest.mark.either_database
def test_the_selection_bar_offers_what_the_role_may_do(stocked: Shop) -> None:
    def offered(role: str) -> set[str]:
        page = page_of(stocked.client(role).get("/admin/customer/?view=all"))
        return {g["formaction"].split("/")[4] for t, g in page.tags if "/act/" in g.get("formaction", "")}

    assert {"change_class", "deactivate", "approve"} <= offered("Manager")
    assert "approve" not in offered("Support")
    assert offered("Read-only") == set()


def test_ticked_rows_that_were_deleted_come_back_at_one_click(shop: Shop) -> None:
    notes = [shop.make(factories.make_note, body=f"Text {n}").id for n in range(3)]
    client = shop.client()
    headers = {**HTMX, "X-CSRFToken": client.csrf_token()}
    gone = client.post("/admin/note/bulk/delete/", data={"ids": [str(n) for n in notes]}, headers=headers)
    assert gone.status_code == 204
    assert "3 deleted" in gone.headers["HX-Trigger"]
    assert shop.get(Note, notes[0]) is None
    undo = gone.headers["HX-Trigger"].split('"undo": "')[1].split('"')[0]
    assert client.post(undo, headers=headers).status_code == 204
    assert [shop.get(Note, n).body for n in notes] == ["Text 0", "Text 1", "Text 2"]


# -- undo -----------------------------------------------------------------------------------------------------------


def test_only_what_one_could_have_done_is_undone(shop: Shop) -> None:
    customer = some_customer(shop)
    paid = act(shop, "account_entry.pay", customer=str(customer), amount="5", method="cash")
    assert paid.status_code == 302
    with shop.look() as session:
        changeset = session.scalar(sa.select(sa.func.max(Changeset.id)))
    url = f"/admin/changeset/act/undo/?id={changeset}"
    assert shop.client("Support").get(url).status_code == 403
    assert shop.client("Finance").get(url).status_code == 200
    assert (
        "/act/undo/"
        not in page_of(shop.client("Support").get(f"/admin/customer/details/?id={customer}")).html
    )


def test_a_run_is_undone_only_by_those_who_could_have_started_it(shop: Shop) -> None:
    run = a_run(shop)
    url, path = f"/admin/run/act/undo/?id={run}", f"/api/v1/run/{run}/actions/undo"
    assert shop.client("Manager").get(url).status_code == 200
    with shop.arrange() as session:
        role = session.scalars(sa.select(Role).where(Role.name == "Manager")).one()
        role.permissions = [p for p in role.permissions if p.permission.name != "can_verify"]
    before = shop.figures()
    assert shop.client("Manager").get(url).status_code == 403
    assert shop.api("Manager").send("POST", path, {}).status_code == 403
    command = shop.app.test_cli_runner().invoke(args=["act", "run.undo", str(run), "--as", "manager"])
    assert command.exit_code == 1
    assert shop.figures() == before


def test_an_action_that_asks_who_may_of_each_row_is_never_offered_for_many() -> None:
    with pytest.raises(TypeError, match="bulk=False"):
        RowAction(note_done, NoForm, permitted_if=lambda row: False)


def test_the_record_says_what_was_undone_and_by_whom(shop: Shop) -> None:
    customer = some_customer(shop, last_name="Karim")
    url = f"/admin/customer/act/verify/?id={customer}"
    form = page_of(shop.client().get(url)).form("/act/")
    assert shop.client().post(form.action, data=form.filled()).status_code == 302
    page = shop.client().get(f"/admin/customer/details/?id={customer}").get_data(as_text=True)
    assert "data-undo" in page, "the message over the page has its Undo"
    url = page.split('href="/admin/changeset/act/undo/')[1].split('"')[0]
    url = f"/admin/changeset/act/undo/{url}"
    form = page_of(shop.client().get(url)).form("/act/undo/")
    assert shop.client().post(form.action, data=form.filled()).status_code == 302
    assert shop.get(Customer, customer).verified_at is None
    text = page_of(shop.client().get(f"/admin/customer/details/?id={customer}")).text
    assert "undone by Admin Tester" in text
    with shop.look() as session:
        rows = session.scalars(sa.select(Change).where(Change.customer_id == customer)).all()
        assert [row.after["verified_by_id"] is None for row in rows] == [False, True]


def test_a_watch_note_added_to_many_stands_over_each_record(shop: Shop) -> None:
    people = [some_customer(shop) for _n in range(2)]
    form = page_of(bulk(shop, "customer.add_note", ids=[str(p) for p in people])).form("/act/")
    sent = form.filled(kind="watch", body="Ask for photographs")
    assert shop.client().post(form.action, data=sent, headers=HTMX).status_code == 204
    for person in people:
        assert (
            "Ask for photographs" in page_of(shop.client().get(f"/admin/customer/details/?id={person}")).text
        )
    with shop.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Note)) == 2


def test_a_watch_note_is_told_to_whoever_dispatches_the_orders(shop: Shop) -> None:
    with shop.arrange() as session:
        order = factories.make_order(session)
        other = factories.make_order(session)
        factories.make_note(
            session, customer_id=order.customer_id, kind=NoteKind.WATCH, body="Ask for photographs"
        )
        number, quiet = order.id, other.id
    queue = page_of(shop.client("Back office").get("/admin/sales_order/?view=dispatch"))
    assert queue.text.count("Watch") == 1
    assert (
        "Ask for photographs" in page_of(shop.client().get(f"/admin/sales_order/details/?id={number}")).text
    )
    assert "Watch list" not in page_of(shop.client().get(f"/admin/sales_order/details/?id={quiet}")).text
    with shop.arrange() as session:
        session.get_one(Order, number).status = OrderStatus.DISPATCHED
    assert "Watch" not in page_of(shop.client().get("/admin/sales_order/?view=dispatch")).text
