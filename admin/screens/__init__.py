"""The shipped screens, in the order of the menu. A new one is a class and its name in this list."""

from __future__ import annotations

from admin.base import Screen
from admin.screens.accounts import AccountEntryScreen, InvoiceScreen
from admin.screens.activity import ActivityScreen
from admin.screens.addresses import AddressScreen, PhoneScreen
from admin.screens.api_keys import ApiKeyScreen
from admin.screens.attributes import AttributeDefinitionScreen, AttributeValueScreen
from admin.screens.credit import CreditEntryScreen
from admin.screens.customers import CustomerScreen
from admin.screens.jobs import JobScreen
from admin.screens.lookups import (
    AcquisitionSourceScreen,
    BankAccountScreen,
    CustomerClassScreen,
    MembershipGroupScreen,
    PaymentTermScreen,
    PriceListScreen,
    SalesChannelScreen,
)
from admin.screens.loyalty import LoyaltyEntryScreen
from admin.screens.mails import MailScreen
from admin.screens.notes import NoteScreen
from admin.screens.orders import ExternalIdScreen, OrderLineScreen, OrderScreen, ShipmentScreen
from admin.screens.owing import OwingScreen
from admin.screens.roles import RoleScreen
from admin.screens.runs import RunItemScreen, RunScreen
from admin.screens.sessions import SessionScreen
from admin.screens.settings import SettingsScreen
from admin.screens.staff import StaffGroupScreen, StaffScreen

SCREENS: tuple[type[Screen], ...] = (
    CustomerScreen,
    AddressScreen,
    PhoneScreen,
    CustomerClassScreen,
    NoteScreen,
    LoyaltyEntryScreen,
    AccountEntryScreen,
    InvoiceScreen,
    CreditEntryScreen,
    OrderScreen,
    OrderLineScreen,
    ShipmentScreen,
    ExternalIdScreen,
    AttributeValueScreen,
    OwingScreen,
    MailScreen,
    ActivityScreen,
    JobScreen,
    RunScreen,
    RunItemScreen,
    MembershipGroupScreen,
    AcquisitionSourceScreen,
    PriceListScreen,
    SalesChannelScreen,
    PaymentTermScreen,
    BankAccountScreen,
    AttributeDefinitionScreen,
    StaffScreen,
    RoleScreen,
    StaffGroupScreen,
    SessionScreen,
    ApiKeyScreen,
    SettingsScreen,
)
