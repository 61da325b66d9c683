"""One plain function a model: it makes a valid row, adds it to the session and flushes.

Whatever a test does not care about has a believable default, and whatever must differ between rows does.
Every row is dated ``NOW`` unless the test says otherwise.
"""

import datetime as dt
import itertools
from typing import Any, TypeVar

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from models.account import AccountEntry, AccountKind, Invoice, PaymentMethod
from models.address import Address
from models.api_key import ApiKey
from models.applied import AppliedMigration
from models.attribute import AttributeDefinition, AttributeValue
from models.base import Base, Record, Staff, identity, metadata
from models.choices import AccountType, Status
from models.contact import AccountHolder, ContactEmail
from models.credit import CreditEntry, CreditKind
from models.customer import Customer
from models.duplicate import (
    CrowdKind,
    DuplicateCheck,
    DuplicateCrowd,
    DuplicateKey,
    DuplicateNotice,
    DuplicatePair,
    PairDecision,
    Verdict,
)
from models.gift_card import GiftCard
from models.importing import ImportFile, ImportMapping, ImportPiece, ImportRow
from models.job import JobRow
from models.journal import Change, Changeset, Seal
from models.key_release import KeyRelease
from models.login_as import Audience, LoginAs, LoginAsPage
from models.lookups import (
    AcquisitionSource,
    BankAccount,
    CustomerClass,
    MembershipGroup,
    PaymentTerm,
    PriceList,
    SalesChannel,
)
from models.loyalty import LoyaltyAllocation, LoyaltyEntry, LoyaltyExpiryNotice, LoyaltyKind, LoyaltyLot
from models.mail import Mail, MailAttachment, MailState
from models.merge import Merge
from models.note import Note
from models.order import ExternalId, ExternalKind, ExternalSystem, Order, OrderLine, Shipment
from models.phone import Phone
from models.portal import PortalBrowser, PortalLink, PortalLinkKind, PortalSession
from models.preference import Preference
from models.run import ItemState, Run, RunItem, RunState
from models.saved_card import SavedCard, token_digest
from models.scale import CurrencyScale
from models.shop import ShopSetting
from models.tasting import TastingEntry, TastingKind

NOW = dt.datetime(2026, 9, 1, 12, 0, tzinfo=dt.UTC)
TODAY = NOW.date()

Row = TypeVar("Row", bound=Base)
_numbers = itertools.count(1)


def number() -> int:
    """Return a number that no other row of this process has."""
    return next(_numbers)


def pass_over(highest: int) -> None:
    """Give no row a number up to this one: another process has given them to rows that are here as well."""
    while number() < highest:
        pass


def table_of(model: Base | type[Base]) -> Table:
    """Return the table behind a model or a row, to go round the models by plain SQL."""
    return metadata.tables[model.__tablename__]


def _save(session: Session, row: Row) -> Row:
    if isinstance(row, Record):
        row.created_at = row.created_at or NOW
        row.updated_at = row.updated_at or NOW
    row.derive()
    session.add(row)
    session.flush()
    return row


def _given(overrides: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Return the defaults with the overrides over them; ``agent`` also settles ``agent_id``, and so on."""
    settled = (
        set(overrides)
        | {f"{name}_id" for name in overrides}
        | {name.removesuffix("_id") for name in overrides}
    )
    made = {name: value for name, value in defaults.items() if name not in settled}
    return {name: value() if callable(value) else value for name, value in made.items()} | overrides


def grant(session: Session, staff_id: int, permission: str, resource: str) -> None:
    """Give a member of staff a permission, by a role made for it unless they hold one that has it."""
    staff, names = session.get_one(Staff, staff_id), (permission, resource)
    if any((p.permission.name, p.view_menu.name) == names for role in staff.roles for p in role.permissions):
        return
    parts = (
        _named(session, identity.Permission, permission),
        _named(session, identity.ViewMenu, resource),
    )
    pairs = select(identity.PermissionView).filter_by(permission_id=parts[0].id, view_menu_id=parts[1].id)
    pair = session.scalar(pairs) or identity.PermissionView(permission=parts[0], view_menu=parts[1])
    staff.roles.append(identity.Role(name=f"Role {number()}", permissions=[pair]))
    session.flush()


def _named(session: Session, model: Any, name: str) -> Any:
    row = session.scalar(select(model).where(model.name == name)) or model(name=name)
    session.add(row)
    session.flush()
    return row


def make_staff(session: Session, **overrides: Any) -> Any:
    """A member of staff who cannot sign in."""
    n = number()
    values = {
        "first_name": "Mary",
        "last_name": "Kaur",
        "username": f"staff{n}",
        "email": f"staff{n}@shop.example",
    }
    row = Staff(**{**values, "password": "!", "active": True, **overrides})
    session.add(row)
    session.flush()
    return row


def make_customer_class(session: Session, **overrides: Any) -> CustomerClass:
    """A customer class without discount."""
    return _save(session, CustomerClass(**_given(overrides, name=f"Class {number()}")))


def make_membership_group(session: Session, **overrides: Any) -> MembershipGroup:
    """A membership group."""
    return _save(session, MembershipGroup(**_given(overrides, name=f"Group {number()}")))


def make_acquisition_source(session: Session, **overrides: Any) -> AcquisitionSource:
    """An answer to "How did you find us?"."""
    return _save(session, AcquisitionSource(**_given(overrides, name=f"Source {number()}")))


def make_price_list(session: Session, **overrides: Any) -> PriceList:
    """A price list in pounds."""
    return _save(session, PriceList(**_given(overrides, name=f"Prices {number()}")))


def make_sales_channel(session: Session, **overrides: Any) -> SalesChannel:
    """A sales channel."""
    n = number()
    return _save(session, SalesChannel(**_given(overrides, name=f"Channel {n}", code=f"CH{n}")))


def make_payment_term(session: Session, **overrides: Any) -> PaymentTerm:
    """Thirty days."""
    return _save(session, PaymentTerm(**_given(overrides, name=f"Terms {number()}", days=30)))


def make_bank_account(session: Session, **overrides: Any) -> BankAccount:
    """A bank account of the shop."""
    return _save(session, BankAccount(**_given(overrides, name=f"Bank {number()}", iban_last4="4821")))


def any_sales_channel(session: Session) -> SalesChannel:
    """The first sales channel there is, made if there is none."""
    found = session.scalars(select(SalesChannel).order_by(SalesChannel.id).limit(1)).first()
    return found or make_sales_channel(session)


def make_customer(session: Session, **overrides: Any) -> Customer:
    """A registered retail customer with a name and an email, without phone or address."""
    n = number()
    values = _given(
        overrides,
        first_name="Rashid",
        last_name=f"Karim {n}",
        email=f"rashid.karim.{n}@example.com",
        status=Status.REGISTERED,
        registered_at=NOW,
        sales_channel=lambda: any_sales_channel(session),
    )
    return _save(session, Customer(**values))


def make_agent(session: Session, **overrides: Any) -> Customer:
    """A customer who may look after others."""
    return make_customer(session, **{"account_type": AccountType.AGENT, **overrides})


def make_phone(session: Session, **overrides: Any) -> Phone:
    """A number that is not the primary one."""
    values = _given(overrides, customer=lambda: make_customer(session), number="0113 496 0123")
    return _save(session, Phone(**values))


def make_address(session: Session, **overrides: Any) -> Address:
    """An address in Leeds that is not the primary one."""
    values = _given(
        overrides,
        customer=lambda: make_customer(session),
        line1="14 Mill Lane",
        town="Leeds",
        postcode="LS2 9JT",
    )
    return _save(session, Address(**values))


def make_saved_card(session: Session, **overrides: Any) -> SavedCard:
    """A card that is not the default one."""
    n = number()
    values = _given(
        overrides,
        customer=lambda: make_customer(session),
        brand="Visa",
        last_four=f"{n % 10_000:04d}",
        expiry_month=8,
        expiry_year=2029,
        provider="Cardpay",
        token=f"tok_{n:x}",
    )
    values.setdefault("token_key", token_digest(values["provider"], str(values["token"])))
    return _save(session, SavedCard(**values))


def make_account_holder(session: Session, **overrides: Any) -> AccountHolder:
    """Somebody else on an account."""
    values = _given(overrides, customer=lambda: make_customer(session), name=f"Nora Lind {number()}")
    return _save(session, AccountHolder(**values))


def make_contact_email(session: Session, **overrides: Any) -> ContactEmail:
    """A further address of an account."""
    email = f"accounts{number()}@example.com"
    values = _given(overrides, customer=lambda: make_customer(session), email=email, confirmed_at=NOW)
    return _save(session, ContactEmail(**values))


def make_note(session: Session, **overrides: Any) -> Note:
    """A plain note."""
    values = _given(
        overrides,
        customer=lambda: make_customer(session),
        body="Prefers a call.",
        author_name="Mary Kaur",
    )
    return _save(session, Note(**values))


def make_attribute_definition(session: Session, **overrides: Any) -> AttributeDefinition:
    """A custom field for text."""
    n = number()
    values = _given(overrides, name=f"Attribute {n}", code=f"attribute_{n}")
    return _save(session, AttributeDefinition(**values))


def make_attribute_value(session: Session, **overrides: Any) -> AttributeValue:
    """The value of a custom field."""
    values = _given(
        overrides,
        customer=lambda: make_customer(session),
        definition=lambda: make_attribute_definition(session),
        value="42",
    )
    return _save(session, AttributeValue(**values))


def make_changeset(session: Session, **overrides: Any) -> Changeset:
    """A changeset without changes."""
    return _save(
        session, Changeset(**{"at": NOW, "action": "test.arrange", "actor_name": "Mary Kaur", **overrides})
    )


def make_change(session: Session, **overrides: Any) -> Change:
    """A change of one field of one customer."""
    values = _given(
        overrides,
        changeset=lambda: make_changeset(session),
        table_name="customer",
        row_id=1,
        before={"last_name": "Karim"},
        after={"last_name": "Khan"},
    )
    return _save(session, Change(**values))


def make_applied_migration(session: Session, **overrides: Any) -> AppliedMigration:
    """A migration of a release to come, which changes nothing."""
    values = _given(overrides, revision=lambda: f"next-{number()}", additive=True)
    return _save(session, AppliedMigration(**values))


def make_key_release(session: Session, **overrides: Any) -> KeyRelease:
    """What the keys were written by."""
    return _save(session, KeyRelease(**_given(overrides, release="1", written_at=NOW)))


def make_journal_seal(session: Session, **overrides: Any) -> Seal:
    """A seal that follows from nothing."""
    values = _given(
        overrides, changeset_id=lambda: make_changeset(session).id, digest="0" * 64, link="0" * 64
    )
    return _save(session, Seal(**values))


def _ledger(session: Session, model: type[Row], overrides: dict[str, Any], **defaults: Any) -> Row:
    values = _given(
        overrides,
        customer=lambda: make_customer(session),
        changeset_id=lambda: make_changeset(session).id,
        created_at=NOW,
        actor_name="Mary Kaur",
        **defaults,
    )
    return _save(session, model(**values))


def make_loyalty_entry(session: Session, **overrides: Any) -> LoyaltyEntry:
    """Points earned; only the entry: no lot, and the customer's balance is not touched."""
    return _ledger(session, LoyaltyEntry, overrides, kind=LoyaltyKind.EARNED, points=100)


def make_loyalty_lot(session: Session, **overrides: Any) -> LoyaltyLot:
    """The untouched lot of a new entry of ``points``."""
    points = overrides.get("points", 100)
    entry = overrides.pop("entry", None) or make_loyalty_entry(session, points=points)
    values = _given(overrides, entry=entry, customer_id=entry.customer_id, points=points, unspent=points)
    return _save(session, LoyaltyLot(**values))


def make_loyalty_expiry_notice(session: Session, **overrides: Any) -> LoyaltyExpiryNotice:
    """A mail about a new lot."""
    values = _given(
        overrides,
        lot=lambda: make_loyalty_lot(session),
        mail=lambda: make_mail(session, template="points_expiring"),
        created_at=NOW,
    )
    return _save(session, LoyaltyExpiryNotice(**values))


def make_tasting_entry(session: Session, **overrides: Any) -> TastingEntry:
    """One free tasting used this year."""
    return _ledger(session, TastingEntry, overrides, kind=TastingKind.USED, year=NOW.year)


def make_loyalty_allocation(session: Session, **overrides: Any) -> LoyaltyAllocation:
    """Ten points that a redemption took from a lot; the lot's ``unspent`` is not touched."""
    values = _given(
        overrides,
        entry=lambda: make_loyalty_entry(session, kind=LoyaltyKind.REDEEMED, points=-10),
        lot=lambda: make_loyalty_lot(session),
        points=10,
    )
    return _save(session, LoyaltyAllocation(**values))


def make_invoice(session: Session, **overrides: Any) -> Invoice:
    """An invoice of 120.00 due in thirty days; without an account entry."""
    return _ledger(
        session,
        Invoice,
        overrides,
        number=f"INV-{number()}",
        issued_on=TODAY,
        due_on=TODAY + dt.timedelta(days=30),
        amount=12_000,
        currency="GBP",
    )


def make_account_entry(session: Session, **overrides: Any) -> AccountEntry:
    """A payment of 50.00 by bank transfer; the customer's balance is not touched."""
    return _ledger(
        session,
        AccountEntry,
        overrides,
        kind=AccountKind.PAYMENT,
        amount=-5_000,
        currency="GBP",
        method=PaymentMethod.BANK_TRANSFER,
        value_date=TODAY,
    )


def make_credit_entry(session: Session, **overrides: Any) -> CreditEntry:
    """A gift card of 25.00; the customer's balance is not touched."""
    return _ledger(session, CreditEntry, overrides, kind=CreditKind.GIFT_CARD, amount=2_500, currency="GBP")


def make_gift_card(session: Session, **overrides: Any) -> GiftCard:
    """A card of 25.00 that nobody has redeemed, under a code that nobody knows."""
    values = _given(overrides, code_key=f"{number():064x}", last4="7QKM", amount=2_500, currency="GBP")
    return _save(session, GiftCard(**values))


def make_order(session: Session, **overrides: Any) -> Order:
    """An order of 24.00, without lines."""
    values = _given(
        overrides,
        customer=lambda: make_customer(session),
        number=f"SO-{number()}",
        placed_at=NOW,
        sales_channel=lambda: any_sales_channel(session),
        subtotal=2_000,
        tax=400,
        total=2_400,
        item_count=1,
    )
    return _save(session, Order(**values))


def make_order_line(session: Session, **overrides: Any) -> OrderLine:
    """One article of an order."""
    values = _given(
        overrides,
        order=lambda: make_order(session),
        name="Rioja 2019",
        unit_price=2_000,
        total=2_000,
    )
    return _save(session, OrderLine(**values))


def make_shipment(session: Session, **overrides: Any) -> Shipment:
    """A parcel with a tracking number."""
    values = _given(
        overrides,
        order=lambda: make_order(session),
        carrier="Royal Mail",
        tracking_number=f"RM {number():06d} GB",
    )
    return _save(session, Shipment(**values))


def make_external_id(session: Session, **overrides: Any) -> ExternalId:
    """An eBay user id; of a new customer unless ``order`` or ``customer`` is given."""
    if "order" not in overrides and "order_id" not in overrides:
        overrides = _given(overrides, customer=lambda: make_customer(session))
    values = _given(overrides, system=ExternalSystem.EBAY, kind=ExternalKind.USER, value=f"buyer-{number()}")
    return _save(session, ExternalId(**values))


def make_shop_setting(session: Session, **overrides: Any) -> ShopSetting:
    """The shop's name."""
    return _save(session, ShopSetting(**{"code": "name", "value": "Vine and Barrel", **overrides}))


def make_currency_scale(session: Session, **overrides: Any) -> CurrencyScale:
    """The scale of a currency that no shop has."""
    return _save(session, CurrencyScale(**_given(overrides, currency="XTS", places=2)))


def make_preference(session: Session, **overrides: Any) -> Preference:
    """The columns somebody chose for the customer list."""
    if "user_id" not in overrides and "user" not in overrides:
        overrides = {**overrides, "user_id": make_staff(session).id}
    return _save(session, Preference(**{"name": "customer.columns", "value": ["name", "email"], **overrides}))


def make_api_key(session: Session, **overrides: Any) -> ApiKey:
    """A key nobody knows, of a new member of staff unless ``user_id`` is given."""
    n = number()
    values = _given(
        overrides, name=f"Key {n}", user_id=lambda: make_staff(session).id, owner_name="Mary Kaur", prefix="clt_" + f"{n:04d}"[-4:], hash=f"{n:064d}",
    )  # fmt: skip
    return _save(session, ApiKey(**values))


def make_mail(session: Session, **overrides: Any) -> Mail:
    """A mail to a new customer that was sent; without a customer where ``customer`` is None."""
    n = number()
    values = _given(
        overrides, customer=lambda: make_customer(session), changeset_id=lambda: make_changeset(session).id, template="trade_approved",
        recipient=f"r{n}@example.com", subject="Your trade account is approved", text_body="Good news.\n", html_body="<p>Good news.</p>",
        state=MailState.SENT, attempts=1, sent_at=NOW, created_at=NOW, message_id=f"{n:032d}",
    )  # fmt: skip
    return _save(session, Mail(**values))


def make_mail_attachment(session: Session, **overrides: Any) -> MailAttachment:
    """A small file that went with a new mail, unless ``mail`` is given."""
    content = overrides.pop("content", b"%PDF-1.4")
    values = _given(
        overrides, mail=lambda: make_mail(session), name="statement.pdf", content_type="application/pdf"
    )
    return _save(session, MailAttachment(**values, content=content, size=len(content or b"x")))


def make_run(session: Session, **overrides: Any) -> Run:
    """A finished run of one row."""
    values = {"action": "customer.verify", "state": RunState.DONE, "size": 1, "done": 1}
    return _save(session, Run(**{**values, "actor_name": "Mary Kaur", "created_at": NOW, **overrides}))


def make_job(session: Session, **overrides: Any) -> JobRow:
    """The record of a job that no release declares any more."""
    return _save(session, JobRow(**_given(overrides, code=lambda: f"gone.job_{number()}", label="Tidy up")))


def make_import_file(session: Session, **overrides: Any) -> ImportFile:
    """A file of customers just uploaded, with no rows."""
    actor = make_staff(session).id if "actor_id" not in overrides else None
    values = _given(
        overrides, resource="customer", name="people.csv", actor_id=actor, created_at=NOW,
        expires_at=NOW + dt.timedelta(days=7), headers=["First name"],
    )  # fmt: skip
    return _save(session, ImportFile(**values))


def make_import_piece(session: Session, **overrides: Any) -> ImportPiece:
    """The only piece of a file of its own."""
    file = make_import_file(session).id if "file_id" not in overrides else None
    return _save(
        session, ImportPiece(**_given(overrides, file_id=file, position=1, content=b"First name\nAnn\n"))
    )


def make_import_row(session: Session, **overrides: Any) -> ImportRow:
    """A row of a file of its own."""
    file = make_import_file(session).id if "file_id" not in overrides else None
    n = number()
    return _save(session, ImportRow(**_given(overrides, file_id=file, position=n, line=n + 1, cells=["Ann"])))


def make_import_mapping(session: Session, **overrides: Any) -> ImportMapping:
    """A mapping of one column, of a new member of staff unless ``owner_id`` is given."""
    values = _given(
        overrides, resource="customer", name=f"Mapping {number()}", headers=["First name"],
        fields={"First name": "first_name"}, owner_id=lambda: make_staff(session).id,
    )  # fmt: skip
    return _save(session, ImportMapping(**values))


def make_run_item(session: Session, **overrides: Any) -> RunItem:
    """What became of a row."""
    given = _given(overrides, run=lambda: make_run(session), position=1, row_id=1, state=ItemState.DONE)
    return _save(session, RunItem(**given))


def make_portal_session(session: Session, **overrides: Any) -> PortalSession:
    """A browser in which a new customer has just signed in, unless ``customer`` is given."""
    values = _given(
        overrides, customer=lambda: make_customer(session), token_hash=lambda: f"{number():064}", created_at=NOW,
        last_seen_at=NOW, agent="Firefox",
    )  # fmt: skip
    return _save(session, PortalSession(**values))


def make_portal_browser(session: Session, **overrides: Any) -> PortalBrowser:
    """A browser in which a new customer has signed in before, unless ``customer_id`` is given."""
    values = _given(
        overrides, customer_id=lambda: make_customer(session).id, token_hash=lambda: f"{number():064}", created_at=NOW
    )  # fmt: skip
    return _save(session, PortalBrowser(**values))


def make_portal_link(session: Session, **overrides: Any) -> PortalLink:
    """A link to a new password of a new customer, unless ``customer`` is given."""
    values = _given(
        overrides, customer=lambda: make_customer(session), kind=PortalLinkKind.RESET,
        token_hash=lambda: f"{number():064}", created_at=NOW, expires_at=NOW + dt.timedelta(hours=1),
    )  # fmt: skip
    return _save(session, PortalLink(**values))


def make_login_as(session: Session, **overrides: Any) -> LoginAs:
    """A new member of staff who has asked to be logged in as a new customer, unless they are given."""
    values = _given(
        overrides, customer=lambda: make_customer(session), staff_id=lambda: make_staff(session).id,
        staff_session_id=1, reason="Cannot find the invoice", audience=Audience.PORTAL, token_hash=lambda: f"{number():064}",
        created_at=NOW, expires_at=NOW + dt.timedelta(seconds=60),
    )  # fmt: skip
    return _save(session, LoginAs(**values))


def make_login_as_page(session: Session, **overrides: Any) -> LoginAsPage:
    """A page seen by somebody who is logged in as a customer."""
    values = _given(overrides, login_as=lambda: make_login_as(session), at=NOW, page="/")
    return _save(session, LoginAsPage(**values))


def make_duplicate_key(session: Session, **overrides: Any) -> DuplicateKey:
    """A key of a new customer, unless one is given."""
    values = _given(overrides, customer_id=lambda: make_customer(session).id, value=number() * 16)
    return _save(session, DuplicateKey(**values))


def make_duplicate_check(session: Session, **overrides: Any) -> DuplicateCheck:
    """A check of a new customer that is to be made, unless one is given."""
    return _save(session, DuplicateCheck(**_given(overrides, customer_id=lambda: make_customer(session).id)))


def make_duplicate_pair(session: Session, **overrides: Any) -> DuplicatePair:
    """Two new customers with the same email, unless they are given, the one with the lower id first."""
    values = _given(
        overrides, lower_id=lambda: make_customer(session).id, higher_id=lambda: make_customer(session).id,
        evidence=1, score=9, is_likely=True, found_at=NOW,
    )  # fmt: skip
    return _save(session, DuplicatePair(**values))


def make_merge(session: Session, **overrides: Any) -> Merge:
    """That a new customer, who had nothing, went into another, unless they are given; with what the journal says."""
    values = _given(overrides, survivor_id=lambda: make_customer(session).id, merged_at=NOW)
    gone = values["survivor_id"]
    if "merged_id" not in values:
        values["merged_id"] = make_customer(session, merged_into_id=gone).id
    done = make_changeset(session, action="customer.merge", at=values["merged_at"], reason="The same person")
    who = {"row_id": values["merged_id"], "customer_id": values["merged_id"]}
    told = {"before": {"merged_into_id": None}, "after": {"merged_into_id": gone}}
    make_change(session, changeset_id=done.id, table_name="customer", **who, **told)
    return _save(session, Merge(changeset_id=done.id, **values))


def make_pair_decision(session: Session, **overrides: Any) -> PairDecision:
    """That two new customers are not the same, unless they are given, the one with the lower id first."""
    values = _given(
        overrides, lower_id=lambda: make_customer(session).id, higher_id=lambda: make_customer(session).id,
        verdict=Verdict.DIFFERENT,
    )  # fmt: skip
    return _save(session, PairDecision(**values))


def make_duplicate_crowd(session: Session, **overrides: Any) -> DuplicateCrowd:
    """A phone that many records share, unless another key is given."""
    values = _given(
        overrides,
        value=lambda: number() * 16 + 1,
        kind=CrowdKind.PHONE,
        size=62,
        is_open=True,
        created_at=NOW,
        updated_at=NOW,
    )
    return _save(session, DuplicateCrowd(**values))


def make_duplicate_notice(session: Session, **overrides: Any) -> DuplicateNotice:
    """That a new request told of a new customer, unless they are given."""
    values = _given(
        overrides,
        changeset_id=lambda: make_changeset(session).id,
        customer_id=lambda: make_customer(session).id,
    )
    return _save(session, DuplicateNotice(**values))
