"""A stocked shop: sixty and more rows of every kind a screen lists, with ties, gaps and nasty texts among them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import SessionChannel
from models.account import AccountKind, PaymentMethod
from models.api_key import KeyScope
from models.attribute import AttributeKind
from models.choices import AccountType, CreatedVia, Gender, Status
from models.credit import CreditKind
from models.customer import Customer
from models.duplicate import CrowdKind, Verdict
from models.login_as import Audience
from models.loyalty import LoyaltyKind
from models.mail import MailState
from models.note import NoteKind
from models.order import ExternalSystem, OrderStatus
from models.personal import policy
from models.phone import PhoneKind
from models.run import ItemState, RunState
from models.saved_card import SavedCard
from tests import factories, staffing, usual
from tests.factories import NOW, TODAY

ROWS = 64
SECRET = "hash-that-must-never-be-seen"
NASTY = (
    "<script>alert(1)</script>", "=1+1", "' OR 1=1 --", "100 % off_\\", "Ünal", "ÉCOLE", "O'Brien", 'the "Barrel"', "{{7*7}}", "%s %(x)s",
)  # fmt: skip
"""Texts that a careless page, query, export or format string would trip over."""


def pick(choices: Sequence[Any], n: int) -> Any:
    """Return one of ``choices``, in turn."""
    return choices[n % len(choices)]


def some(value: Any, n: int, every: int = 3) -> Any:
    """Return ``value``, or None for each ``every``-th row."""
    return None if n % every == 0 else value


def day(n: int) -> dt.datetime:
    """Return one of few instants, so that many rows share it."""
    return NOW - dt.timedelta(days=n % 7)


def text(n: int) -> str:
    """Return a text, each tenth of them nasty in its own way."""
    return pick(NASTY, n // 3) if n % 3 == 0 else f"Text {n % 9}"


PEOPLE = ("customer", "owing")
"""The lists of customers."""


class Stock:
    """Everything a row may refer to, made as it is needed."""

    def __init__(self, session: Session, rows: int = ROWS) -> None:
        self.session, self.rows = session, rows
        self._one_changeset: int | None = None
        self._orders: dict[int, Any] = {}
        self._runs: Any = None
        self._colleague: int | None = None

    @property
    def one_changeset(self) -> int:
        """The id of the one changeset that all ledger rows came by."""
        self._one_changeset = self._one_changeset or factories.make_changeset(self.session).id
        return self._one_changeset

    @property
    def colleague(self) -> int:
        """The id of the one member of staff to whom sessions, keys and roles belong."""
        self._colleague = self._colleague or staffing.make_member(self.session).id
        return self._colleague

    def few(self, name: str, **extra: Any) -> list[Any]:
        """Return three rows of a lookup list."""
        return [self._one(name, **extra) for _n in range(3)]

    def _one(self, kind: str, /, **values: Any) -> Any:
        return getattr(factories, f"make_{kind}")(self.session, **values)

    def _many(self, make: Callable[[int], Any]) -> list[Any]:
        return [make(n) for n in range(self.rows)]

    def customers(self) -> list[Customer]:
        """People of every status and type, some nameless, one merged away and one erased."""
        s = self.session
        classes, groups, channels = (
            self.few("customer_class"),
            self.few("membership_group"),
            self.few("sales_channel"),
        )
        agent = factories.make_agent(s, last_name="Agent", created_at=day(0) - dt.timedelta(days=30))
        found = [
            agent,
            *self._many(
                lambda n: factories.make_customer(s, **self._person(n, agent, classes, groups, channels))
            ),
        ]
        gone = factories.make_customer(s, last_name="Merged", email=None)
        gone.merged_into_id = found[1].id
        erased = factories.make_customer(s, first_name=None, last_name=None, email=None)
        erased.anonymised_at = NOW
        s.flush()
        return found

    def _person(
        self, n: int, agent: Customer, classes: list[Any], groups: list[Any], channels: list[Any]
    ) -> dict[str, Any]:
        return {
            "first_name": some(pick(("Ann", "Zoë", "Rashid"), n), n, 5),
            "last_name": some(text(n), n, 8),
            "company_name": some(f"Company {n % 5}" if n % 4 else text(n), n, 2),
            "email": some(f"p{n}@example.com", n, 4),
            "status": pick(tuple(Status), n),
            "is_active": n % 4 != 3,
            "account_type": pick((AccountType.RETAIL, AccountType.TRADE), n),
            "customer_class": some(pick(classes, n), n),
            "membership_group": some(pick(groups, n), n, 2),
            "sales_channel": pick(channels, n),
            "agent": None if n % 6 else agent,
            "points": (n % 5) * 100,
            "account_balance": (n % 5 - 2 or n % 7 - 2) * 1250,
            "credit_balance": (n % 3) * 500,
            "credit_limit": some(n * 100, n),
            "loyalty_code": some(f"CARD{n}", n, 2),
            "account_code": some(f"ACC{n}", n, 2),
            "created_via": pick(tuple(CreatedVia), n),
            "gender": some(pick(tuple(Gender), n), n, 2),
            "date_of_birth": some(dt.date(1980, 1, 1 + n % 28), n),
            "registered_at": some(day(n), n),
            "last_activity_at": some(day(n), n, 2),
            "created_at": day(n) - dt.timedelta(days=30),  # before anything that is told of them
            "password_hash": SECRET,
        }

    def fill(self, resource: str, people: Sequence[Customer] = ()) -> None:
        """Fill one screen's table."""
        long_ago = NOW - dt.timedelta(days=30)
        owners = people or [factories.make_customer(self.session, created_at=long_ago) for _n in range(3)]
        maker = getattr(self, resource, None) or partial(self.usual, resource)
        if resource in PEOPLE:
            self.customers()
        else:
            self._many(lambda n: maker(n, pick(owners, n)))

    customer = customers

    def usual(self, noun: str, n: int, owner: Customer) -> Any:
        """A row of a table that has no function of its own here: what forms and actions write, by its columns' types."""
        model, given = usual.NOUNS[noun], dict[str, Any]()
        for column in (prop.columns[0] for prop in sa.inspect(model).column_attrs):
            if column.key == "customer_id":
                given["customer_id"] = owner.id
            elif not column.foreign_keys and policy(column).written_by != "product":
                value = f"{text(n)} {n}" if column.unique else usual.varied(column.type, n, text(n))
                given[column.key] = some(value, n) if column.nullable else value
        return usual.make(model, self.session, created_at=day(n), **given)

    def address(self, n: int, owner: Customer) -> Any:
        """An address, primary where it is the owner's first."""
        first = n < len({owner.id}) or not any(a.is_primary for a in owner.addresses)
        return factories.make_address(
            self.session, customer=owner, label=some(text(n), n, 4), line1=text(n + 1), town=some(pick(("Leeds", "Ürgüp", "York"), n), n, 5),
            postcode=some("LS2 9JT", n), is_primary=first, is_billing=n % 2 == 0, is_delivery=n % 3 == 0, recipient=some(text(n), n),
        )  # fmt: skip

    def phone(self, n: int, owner: Customer) -> Any:
        """A number; the owner's first is primary."""
        first = not any(p.is_primary for p in owner.phones)
        number = f"0113 496 0{n % 40:03d}"
        return factories.make_phone(
            self.session, customer=owner, number=number, kind=pick(tuple(PhoneKind), n), is_primary=first, extension=some(str(n), n),
        )  # fmt: skip

    def saved_card(self, n: int, owner: Customer) -> Any:
        """A card, some of them expired; the owner's first is the default."""
        there = select(SavedCard.id).where(SavedCard.customer_id == owner.id).limit(1)
        return factories.make_saved_card(
            self.session, customer=owner, brand=pick(("Visa", "Mastercard", text(n)), n), is_default=self.session.scalar(there) is None,
            expiry_month=n % 12 + 1, expiry_year=2024 + n % 6, token=SECRET, token_key=f"{SECRET}-{n}", created_at=day(n),
        )  # fmt: skip

    def account_holder(self, n: int, owner: Customer) -> Any:
        """Somebody on an account, mostly with a role."""
        return factories.make_account_holder(
            self.session, customer=owner, name=text(n), role=some(text(n + 1), n), email=some(f"b{n}@example.com", n),
            phone=some(f"0113 496 0{n % 40:03d}", n, 2), created_at=day(n),
        )  # fmt: skip

    def contact_email(self, n: int, owner: Customer) -> Any:
        """A further address."""
        return factories.make_contact_email(
            self.session,
            customer=owner,
            email=f"c{n}@example.com",
            label=some(text(n), n),
            created_at=day(n),
            confirmed_at=some(day(n), n),
        )

    def duplicate(self, n: int, owner: Customer) -> Any:
        """A pair of which the one is stocked, with some score."""
        other = factories.make_customer(self.session, sales_channel_id=owner.sales_channel_id)
        return factories.make_duplicate_pair(
            self.session, lower_id=owner.id, higher_id=other.id, evidence=32 + n % 5, score=n % 7, is_likely=n % 2 == 0,
            found_at=day(n),
        )  # fmt: skip

    def pair_decision(self, n: int, owner: Customer) -> Any:
        """Two who are not the same, each second of them of one household."""
        other = factories.make_customer(self.session, sales_channel_id=owner.sales_channel_id)
        return factories.make_pair_decision(
            self.session, lower_id=owner.id, higher_id=other.id, verdict=pick(tuple(Verdict), n), reason=text(n),
            created_at=day(n), reopened_at=some(day(n), n, 2),
        )  # fmt: skip

    def merge(self, n: int, owner: Customer) -> Any:
        """A record that went into the one that is stocked, each second of them parted again."""
        gone = factories.make_customer(
            self.session, sales_channel_id=owner.sales_channel_id, merged_into_id=None if n % 2 else owner.id
        )
        done = factories.make_changeset(self.session, actor_name=text(n)) if n % 2 else None
        return factories.make_merge(
            self.session,
            merged_id=gone.id,
            survivor_id=owner.id,
            merged_at=day(n),
            undone_by_id=done and done.id,
        )

    def duplicate_crowd(self, n: int, owner: Customer) -> Any:
        """What many share, each second of them no problem; of a kind that is masked for nobody."""
        return factories.make_duplicate_crowd(
            self.session, kind=CrowdKind.FULL_NAME, size=51 + n, created_at=day(n),
            dismissed_size=some(51 + n, n, 2),
        )  # fmt: skip

    def note(self, n: int, owner: Customer) -> Any:
        """A note, a task or (once for a customer) a watch note."""
        kind = pick((NoteKind.NOTE, NoteKind.TASK), n)
        kind = NoteKind.WATCH if n < 2 else kind
        due = some(TODAY - dt.timedelta(days=n % 5), n) if kind == NoteKind.TASK else None
        done = NOW if kind == NoteKind.TASK and n % 4 == 1 else None
        return factories.make_note(
            self.session, customer=owner, kind=kind, body=text(n), due_on=due, done_at=done, created_at=day(n)
        )

    def loyalty_entry(self, n: int, owner: Customer) -> Any:
        """Points earned, some with a date."""
        expires = some(NOW + dt.timedelta(days=30 + n % 4), n)
        return factories.make_loyalty_entry(
            self.session, changeset_id=self.one_changeset, customer=owner, points=100 + n % 5, kind=pick((LoyaltyKind.EARNED, LoyaltyKind.GOODWILL), n), expires_at=expires,
            comment=text(n), created_at=day(n), order_ref=some(f"SO-{n % 5}", n, 2),
        )  # fmt: skip

    def account_entry(self, n: int, owner: Customer) -> Any:
        """A payment, or a refund, or the reversal of the payment before."""
        entry = factories.make_account_entry(
            self.session, changeset_id=self.one_changeset, customer=owner, amount=-1000 - n % 5, method=some(pick(tuple(PaymentMethod), n), n), value_date=day(n).date(),
            reference=some(text(n), n, 2), comment=text(n), created_at=day(n),
        )  # fmt: skip
        if n % 8 == 0:
            factories.make_account_entry(
                self.session, changeset_id=self.one_changeset, customer=owner, kind=AccountKind.REVERSAL, amount=-entry.amount, reverses_id=entry.id, comment="again",
            )  # fmt: skip
        return entry

    def invoice(self, n: int, owner: Customer) -> Any:
        """An invoice with its entry; each eighth voided."""
        made = factories.make_invoice(
            self.session, changeset_id=self.one_changeset, customer=owner, amount=5000 + n % 5, issued_on=day(n).date(), due_on=day(n).date() + dt.timedelta(days=n % 3),
            comment=text(n), created_at=day(n),
        )  # fmt: skip
        common = {
            "changeset_id": self.one_changeset,
            "customer": owner,
            "invoice_id": made.id,
            "method": None,
            "value_date": made.issued_on,
        }
        entry = factories.make_account_entry(
            self.session, kind=AccountKind.INVOICE, amount=made.amount, **common
        )
        if n % 8 == 0:
            factories.make_account_entry(
                self.session, kind=AccountKind.REVERSAL, amount=-made.amount, reverses_id=entry.id, **common
            )
        return made

    def credit_entry(self, n: int, owner: Customer) -> Any:
        """Credit by card or by hand."""
        return factories.make_credit_entry(
            self.session, changeset_id=self.one_changeset, customer=owner, kind=pick((CreditKind.GIFT_CARD, CreditKind.ADJUSTMENT), n), amount=500 + n % 5, comment=text(n),
            created_at=day(n), code_last4=some(f"{n:04d}", n, 2),
        )  # fmt: skip

    def tasting_entry(self, n: int, owner: Customer) -> Any:
        """A free tasting of one of three years."""
        return factories.make_tasting_entry(
            self.session, changeset_id=self.one_changeset, customer=owner, year=2024 + n % 3, comment=text(n), created_at=day(n), order_ref=some(f"SO-{n % 5}", n, 2),
        )  # fmt: skip

    def gift_card(self, n: int, owner: Customer) -> Any:
        """A card, redeemed, voided or neither."""
        redeemed = self.credit_entry(n, owner).id if n % 3 == 0 else None
        return factories.make_gift_card(
            self.session, code_key=f"{SECRET}-{factories.number()}", last4=f"{n:04d}", amount=500 + n % 5, redeemed_entry_id=redeemed,
            voided_at=day(n) if n % 3 == 1 else None, expires_on=some(day(n).date(), n), created_at=day(n),
        )  # fmt: skip

    def sales_order(self, n: int, owner: Customer) -> Any:
        """An order of one of three channels."""
        return factories.make_order(
            self.session, customer=owner, status=pick(tuple(OrderStatus), n), placed_at=day(n), total=2400 + n % 5, item_count=n % 4,
            note=some(text(n), n),
        )  # fmt: skip

    def external_id(self, n: int, owner: Customer) -> Any:
        """An id of a customer, or of an order."""
        order = (
            {"order": factories.make_order(self.session, customer=owner)}
            if n % 4 == 0
            else {"customer": owner}
        )
        return factories.make_external_id(
            self.session, system=pick(tuple(ExternalSystem), n), value=f"{text(n)}-{n}", **order
        )

    def order(self, n: int, owner: Customer) -> Any:
        """One of a few orders for lines and parcels to belong to."""
        if n % 16 not in self._orders:
            self._orders[n % 16] = factories.make_order(
                self.session, customer=owner, currency=pick(("GBP", "EUR"), n)
            )
        return self._orders[n % 16]

    def order_line(self, n: int, owner: Customer) -> Any:
        """An article of an order of the customer's."""
        return factories.make_order_line(
            self.session,
            order=self.order(n, owner),
            name=text(n),
            sku=some(text(n + 1), n),
            quantity=n % 5 + 1,
        )

    def shipment(self, n: int, owner: Customer) -> Any:
        """A parcel, dispatched or not yet."""
        return factories.make_shipment(
            self.session, order=self.order(n, owner), carrier=some(text(n), n), tracking_number=some(f"JD{n % 9}", n), dispatched_at=some(day(n), n)
        )  # fmt: skip

    def mail(self, n: int, owner: Customer) -> Any:
        """A mail in one of the states; some were written before anybody remembers, some to a person erased since.

        Every other one brings a file.
        """
        body = some(text(n), n, 11)
        mail = factories.make_mail(
            self.session, customer=some(owner, n, 9), changeset_id=self.one_changeset, template=pick(("trade_approved", "trade_rejected", "gone"), n),
            recipient=some(f"m{n}@example.com", n, 11), subject=some(text(n), n, 11), text_body=body, html_body=body, state=pick(tuple(MailState), n),
            secret=SECRET, last_error=some(text(n + 1), n, 2), created_at=day(n), sent_at=some(day(n), n), attempts=n % 8, resent_at=some(day(n + 1), n, 2),
        )  # fmt: skip
        if n % 2 == 0:
            factories.make_mail_attachment(self.session, mail=mail)
        return mail

    def run(self, n: int, owner: Customer) -> Any:
        """A run somewhere on its way."""
        return factories.make_run(
            self.session, state=pick(tuple(RunState), n), size=n + 1, done=n // 2, refused=n % 3, reason=text(n), created_at=day(n),
            action=pick(("customer.verify", "gone.verb", "changeset.undo"), n), actor_name=text(n + 1), parameters=None,
        )  # fmt: skip

    def job(self, n: int, owner: Customer) -> Any:
        """A job, one of them declared."""
        return factories.make_job(self.session, paused=n % 3 == 0)

    def run_item(self, n: int, owner: Customer) -> Any:
        """What became of a row."""
        self._runs = self._runs or factories.make_run(self.session)
        return factories.make_run_item(
            self.session, run=self._runs, position=n + 1, row_id=owner.id, state=pick(tuple(ItemState), n), message=some(text(n), n)
        )  # fmt: skip

    def attribute_value(self, n: int, owner: Customer) -> Any:
        """A value of an attribute of its own."""
        return factories.make_attribute_value(self.session, customer=owner, value=text(n))

    def attribute_definition(self, n: int, owner: Customer) -> Any:
        """A custom field of one of the kinds."""
        kind = pick(tuple(AttributeKind), n)
        choices = ["red", "white", "<b>"] if kind.value == "choice" else None
        return factories.make_attribute_definition(
            self.session, kind=kind, choices=choices, position=n % 4, is_active=n % 3 != 0
        )

    def changeset(self, n: int, owner: Customer) -> Any:
        """A changeset about a customer with a change."""
        made = factories.make_changeset(
            self.session, action=pick(("customer.edit", "customer.create", "note.delete", "gone.verb"), n), at=day(n), reason=text(n),
            actor_name=text(n + 1), subject_table=some("customer", n), subject_id=some(owner.id, n), address=some("127.0.0.1", n),
            request_id=some(f"r{n}", n, 2),
        )  # fmt: skip
        before = {"last_name": text(n), "points": 5, "status": "guest"}
        if n % 7 == 0:  # written by an earlier release, whose words have changed since
            before = {
                "status": "vanished",
                "date_of_birth": "some day",
                "points": "many",
                "agent_id": "x",
                "no_such_field": [1],
            }
        factories.make_change(
            self.session, changeset=made, row_id=owner.id, customer_id=owner.id, before=some(before, n, 5),
            after={"last_name": text(n + 3), "date_of_birth": "1980-01-01", "created_via": "pos", "version": 2},
        )  # fmt: skip
        return made

    def _lookup(kind: str, **varied: Callable[[int], Any]) -> Any:  # type: ignore[misc]
        def make(self: Any, n: int, owner: Customer) -> Any:
            given = {field: value(n) for field, value in varied.items()}
            return self._one(kind, name=f"{text(n)} {n}", is_active=n % 3 != 0, **given)

        return make

    customer_class = _lookup(
        "customer_class",
        discount=lambda n: str(n % 4 * 5 + 2),
        free_tastings=lambda n: n % 3,
        description=lambda n: some(text(n), n),
    )
    membership_group = _lookup("membership_group", description=lambda n: some(text(n), n))
    acquisition_source = _lookup("acquisition_source")
    price_list = _lookup(
        "price_list", is_trade=lambda n: n % 2 == 0, currency=lambda n: pick(("GBP", "EUR"), n)
    )
    sales_channel = _lookup("sales_channel")
    payment_term = _lookup("payment_term", days=lambda n: n % 4 * 10, full_payment_first=lambda n: n % 8 == 0)
    bank_account = _lookup(
        "bank_account", currency=lambda n: pick(("GBP", "EUR"), n), holder=lambda n: some(text(n), n)
    )

    def staff(self, n: int, owner: Customer) -> Any:
        """Somebody who works here, or did."""
        return staffing.make_member(
            self.session, first_name=text(n), last_name=f"{text(n + 1)} {n}", active=n % 5 != 0, last_sign_in_at=some(day(n), n, 2)
        )  # fmt: skip

    def staff_session(self, n: int, owner: Customer) -> Any:
        """A session, some ended, some long ago; the agents are whatever programs say they are."""
        return staffing.make_staff_session(
            self.session, user_id=self.colleague, agent=text(n), address=f"10.0.0.{n}", channel=pick(tuple(SessionChannel), n), created_at=day(n), last_seen_at=day(n),
            confirmed_at=day(n), ended_at=some(day(n), n, 2), ended_because=some("signed out", n, 2),
        )  # fmt: skip

    def login_as(self, n: int, owner: Customer) -> Any:
        """Somebody who was logged in as a customer, is, or has only asked to be."""
        used, ended = some(day(n), n), some(day(n), n, 2)
        return factories.make_login_as(
            self.session, customer=owner, staff_id=self.colleague, reason=text(n), ticket=f"T-{n}", created_at=day(n),
            audience=pick(tuple(Audience), n), used_at=used, ends_at=used, may_act=n % 4 == 0, ended_at=ended,
            ended_because=ended and "ended by the member of staff",
        )  # fmt: skip

    def role(self, n: int, owner: Customer) -> Any:
        """A role, which somebody and some group have, with a permission."""
        made = staffing.make_role(self.session, name=f"{text(n)} {n}", requires_two_factor=n % 3 == 0)
        staffing.make_role_grant(self.session, role_id=made.id)
        if n % 2:
            staffing.make_role_holder(self.session, role_id=made.id, user_id=self.colleague)
        if n % 4 == 0:
            staffing.make_group_role(self.session, role_id=made.id)
        return made

    def staff_group(self, n: int, owner: Customer) -> Any:
        """A group, of somebody or of nobody."""
        made = staffing.make_staff_group(self.session, name=f"{text(n)} {n}")
        if n % 2:
            staffing.make_group_member(self.session, group_id=made.id, user_id=self.colleague)
        return made

    def api_key(self, n: int, owner: Customer) -> Any:
        """A key, some with a last day, some revoked."""
        return factories.make_api_key(
            self.session, user_id=self.colleague, name=text(n), owner_name=text(n + 1), scope=pick(tuple(KeyScope), n), expires_on=some(TODAY + dt.timedelta(days=n % 4), n),
            revoked_at=None if n % 5 else day(n), last_used_at=some(day(n), n, 2), created_at=day(n),
        )  # fmt: skip

    def shop_setting(self, n: int, owner: Customer) -> Any:
        """There are only so many settings."""
        stored = (
            ("name", "Vine <& Barrel>"),
            ("points_expire_after_days", 400),
            ("external_accounting", False),
            ("email", None),
        )
        return (
            factories.make_shop_setting(self.session, code=stored[n][0], value=stored[n][1])
            if n < len(stored)
            else None
        )


def fill_everything(session: Session, resources: Sequence[str], rows: int = ROWS) -> None:
    """Fill the table of every screen; whatever belongs to a customer is spread over all of them."""
    stock = Stock(session, rows)
    people = stock.customers()
    for resource in resources:
        if resource not in PEOPLE:
            stock.fill(resource, people)
    live = session.scalars(select(Customer).order_by(Customer.id).limit(1)).one()
    session.expire(live)
