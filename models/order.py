"""Orders as the shop system reports them, with lines, shipments and ids of other systems (features 5, 79, 80)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models import normalise, validate
from models.base import N_, Base, Record, table_args
from models.columns import capitals, check, money, owner, refers
from models.customer import Customer
from models.lookups import SalesChannel
from models.personal import fact, personal, reference, search_key, state, system
from models.places import CURRENCY
from models.presentation import heading
from models.types import Choice, Code, Key, PrimaryKey, UTCDateTime, choice
from models.validate import checked


class OrderStatus(Choice):
    """Where an order stands; it is fulfilled once dispatched (feature 80)."""

    ALLOCATED = "allocated", N_("Allocated")
    UNALLOCATED = "unallocated", N_("Unallocated")
    DISPATCHED = "dispatched", N_("Dispatched")
    CANCELLED = "cancelled", N_("Cancelled")


class Order(Record):
    """One sales order. All sums are in minor units of ``currency``."""

    __tablename__ = "sales_order"
    __label__ = N_("Order")
    __plural__ = N_("Orders")
    __table_args__ = table_args(
        capitals("currency", 3),
        check("sums_range", "subtotal >= 0 AND tax >= 0 AND shipping >= 0 AND total >= 0"),
        check("item_count_range", "item_count >= 0"),
        Index(None, "customer_id", "placed_at", "id"),
        Index(None, "placed_at", "id"),
        Index(None, "status", "placed_at", "id"),
        Index(None, "total", "id"),
    )

    number: Mapped[str] = mapped_column(
        Code, unique=True, info=state() | checked(validate.code) | heading(N_("Order"))
    )
    customer_id: Mapped[int] = owner(written_by="action", index=False)
    status: Mapped[OrderStatus] = mapped_column(
        choice(OrderStatus, "status"), default=OrderStatus.UNALLOCATED, info=state()
    )
    placed_at: Mapped[dt.datetime] = mapped_column(UTCDateTime, info=state())
    sales_channel_id: Mapped[int] = refers("sales_channel", state())
    currency: Mapped[str] = mapped_column(String(3), default="GBP", info=state() | CURRENCY)
    subtotal: Mapped[int] = money(state(), default=0)
    tax: Mapped[int] = money(state(), default=0)
    shipping: Mapped[int] = money(state(), default=0)
    total: Mapped[int] = money(state(), default=0)
    item_count: Mapped[int] = mapped_column(Integer, default=0, info=state() | heading(N_("Items")))
    note: Mapped[str | None] = mapped_column(Text, info=personal("text", merge="move", written_by="action"))

    customer: Mapped[Customer] = relationship()
    sales_channel: Mapped[SalesChannel] = relationship()
    lines: Mapped[list[OrderLine]] = relationship(
        back_populates="order", cascade="all, delete-orphan", order_by="OrderLine.id"
    )
    shipments: Mapped[list[Shipment]] = relationship(
        back_populates="order", cascade="all, delete-orphan", order_by="Shipment.id"
    )
    external_ids: Mapped[list[ExternalId]] = relationship(back_populates="order", passive_deletes="all")

    @property
    def is_open(self) -> bool:
        """Neither dispatched nor cancelled: it stands in the way of an erasure (feature 99)."""
        return self.status in (OrderStatus.ALLOCATED, OrderStatus.UNALLOCATED)

    def __str__(self) -> str:
        return self.number


class OrderLine(Base):
    """One article of an order. Prices in minor units of the order's currency."""

    __tablename__ = "order_line"
    __label__ = N_("Order line")
    __plural__ = N_("Order lines")
    __table_args__ = table_args(
        check("quantity_range", "quantity > 0"), check("sums_range", "unit_price >= 0 AND total >= 0")
    )

    id: Mapped[PrimaryKey]
    order_id: Mapped[int] = refers("sales_order", system, ondelete="CASCADE")
    sku: Mapped[str | None] = mapped_column(String(64), info=state() | heading(N_("SKU")))
    name: Mapped[str] = mapped_column(String(200), info=state() | heading(N_("Item")))
    quantity: Mapped[int] = mapped_column(Integer, default=1, info=state())
    unit_price: Mapped[int] = money(state(), default=0)
    total: Mapped[int] = money(state(), default=0)

    order: Mapped[Order] = relationship(back_populates="lines")

    @property
    def currency(self) -> str:
        """The currency of the order's sums."""
        return self.order.currency

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"


class Shipment(Record):
    """One parcel of an order, found by its tracking number whether ours or typed by hand (feature 5)."""

    __tablename__ = "shipment"
    __label__ = N_("Shipment")
    __plural__ = N_("Shipments")
    __table_args__ = table_args(Index(None, "tracking_key", "id"))

    order_id: Mapped[int] = refers("sales_order", state(), ondelete="CASCADE")
    carrier: Mapped[str | None] = mapped_column(String(60), info=state())
    tracking_number: Mapped[str | None] = mapped_column(
        String(60), info=personal("number", merge="move", written_by="action")
    )
    tracking_key: Mapped[str] = mapped_column(
        Key, default="", info=search_key("number", of="tracking_number", by=normalise.compact)
    )
    dispatched_at: Mapped[dt.datetime | None] = mapped_column(UTCDateTime, info=state())

    order: Mapped[Order] = relationship(back_populates="shipments")

    def derive(self) -> None:
        """Recompute the key that search compares."""
        self.tracking_key = normalise.compact(self.tracking_number)

    def __str__(self) -> str:
        return " ".join(part for part in (self.carrier, self.tracking_number) if part) or f"#{self.id}"


class ExternalSystem(Choice):
    """Where an id comes from."""

    EBAY = "ebay", N_("eBay")
    AMAZON = "amazon", N_("Amazon")
    SHOP = "shop", N_("Online shop")
    ACCOUNTS = "accounts", N_("Accounting package")
    OTHER = "other", N_("Other")


class ExternalKind(Choice):
    """What an id of another system names."""

    USER = "user", N_("User id")
    ORDER = "order", N_("Order id")


class ExternalId(Record):
    """What another system calls a customer or an order; one id of one system belongs to one row."""

    __tablename__ = "external_id"
    __label__ = N_("External id")
    __plural__ = N_("External ids")
    __asked__ = ("customer", "order")
    __table_args__ = table_args(
        check("one_owner", "(customer_id IS NULL) <> (order_id IS NULL)"),
        UniqueConstraint("system", "kind", "value_key"),
        Index(None, "value_key", "id"),
    )

    customer_id: Mapped[int | None] = refers("customer", reference(erase="delete"))
    order_id: Mapped[int | None] = refers("sales_order", fact())
    system: Mapped[ExternalSystem] = mapped_column(choice(ExternalSystem, "system"), info=fact())
    kind: Mapped[ExternalKind] = mapped_column(choice(ExternalKind, "kind"), info=fact())
    value: Mapped[str] = mapped_column(
        String(128), info=personal("number", merge="move", erase="delete") | heading(N_("Id"))
    )
    value_key: Mapped[str] = mapped_column(Key, info=search_key("number", of="value", by=normalise.compact))

    customer: Mapped[Customer | None] = relationship(back_populates="external_ids")
    order: Mapped[Order | None] = relationship(back_populates="external_ids")

    def derive(self) -> None:
        """Recompute the key that search compares and that is unique."""
        self.value_key = normalise.compact(self.value)

    def problems(self, changed: set[str]) -> dict[str, str]:
        """An id names a customer or an order, never both or neither."""
        if not changed & {"customer", "customer_id", "order", "order_id"}:
            return {}
        customer = self.customer is not None or self.customer_id is not None
        order = self.order is not None or self.order_id is not None
        return {} if customer != order else {"customer": N_("Choose either a customer or an order.")}

    def __str__(self) -> str:
        return f"{self.system.label} {self.value}"
