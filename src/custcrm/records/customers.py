"""Who the customers are, and what identifies and describes them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from attrs import Factory, frozen

from custcrm.records.declaration import CHANNELS, DERIVED, INTERNAL, PERSONAL, CustomerId, Label, Ref, Words, record
from custcrm.values.birthdays import YearlessDate
from custcrm.values.money import Money
from custcrm.values.texts import fold_case


class CustomerKind(StrEnum):
    """A human being, or an organisation."""

    PERSON = "person"
    COMPANY = "company"


class CustomerStatus(StrEnum):
    """Whether we deal with the customer."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    ERASED = "erased"


def full_name(
    kind: CustomerKind | str, first_name: str | None, last_name: str | None, company_name: str | None
) -> str:
    """Return the person's names, or the company's name; empty when there is none."""
    names = (company_name,) if kind == CustomerKind.COMPANY else (first_name, last_name)
    return " ".join(name for name in names if name)


PURPOSES: Final = ("marketing", "service")
"""Marketing needs a consent that was granted; service messages do not."""

FOLDED: Final = {name: f"{name}_folded" for name in ("email", "first_name", "last_name", "company_name")}
"""Fields of a customer that have a stored copy without case, and its column."""


def fold_copy(text: str | None) -> str | None:
    """Return the copy without case of a field."""
    return None if text is None else fold_case(text)


def _folded(name: str) -> Any:
    """Return the default of a copy: what follows from the customer's own field."""
    return Factory(lambda customer: fold_copy(getattr(customer, name)), takes_self=True)


@record(
    "customers",
    key="id",
    unique=("email", "card_number"),
    index=("phone", "birth_date_month_day", "email_folded", "last_name_folded", "first_name_folded", "company_name_folded"),
    moments={"signed_up_at": "sign_up"},
    shown="kind",
)
@frozen(kw_only=True)
class Customer:
    """A person or company known by us. `email` is kept byte for byte; `phone` is E.164 and `phone_as_typed` the spelling.

    The `_folded` columns are copies without case, for what asks by name to ignore it; never shown, never unique.
    """

    id: str
    kind: Annotated[CustomerKind, Label("Kind")] = CustomerKind.PERSON
    status: Annotated[CustomerStatus, Label("Status")] = CustomerStatus.ACTIVE
    first_name: Annotated[str | None, PERSONAL, Label("First name")] = None
    last_name: Annotated[str | None, PERSONAL, Label("Last name")] = None
    company_name: Annotated[str | None, PERSONAL, Label("Company name")] = None
    business_unit: Annotated[str | None, Label("Business unit")] = None
    registry_code: Annotated[str | None, PERSONAL, Label("Business ID")] = None
    vat_number: Annotated[str | None, PERSONAL, Label("VAT number")] = None
    email: Annotated[str | None, PERSONAL, Label("Email")] = None
    phone: Annotated[str | None, PERSONAL, Label("Phone number")] = None
    phone_as_typed: Annotated[str | None, PERSONAL] = None
    card_number: Annotated[str | None, PERSONAL, Label("Customer card number")] = None
    twitter_id: Annotated[str | None, PERSONAL, Label("Twitter ID")] = None
    facebook_name: Annotated[str | None, PERSONAL, Label("Facebook name")] = None
    birth_date: Annotated[date | YearlessDate | None, PERSONAL, Label("Date of birth")] = None
    country: Annotated[str | None, Label("Country")] = None
    locale: Annotated[str | None, Label("Language")] = None
    time_zone: Annotated[str | None, Label("Time zone")] = None
    customer_group: Annotated[str | None, Label("Customer group")] = None
    home_location: Annotated[str | None, Label("Home location")] = None
    loyalty_eligible: Annotated[bool, Label("Eligible for loyalty points")] = True
    coupon_eligible: Annotated[bool, Label("Eligible for coupons")] = True
    payment_terms_days: Annotated[int | None, Label("Payment terms, days")] = None
    credit_limit: Annotated[Money | None, Label("Credit limit")] = None
    delivery_preference: Annotated[str | None, Label("Delivery preference")] = None
    payment_reference: Annotated[str | None, PERSONAL] = None
    web_shop_username: Annotated[str | None, PERSONAL, Label("Web shop username")] = None
    signed_up_at: Annotated[datetime, Label("Sign-up date")]
    created_at: Annotated[datetime, Label("Created")]
    email_folded: Annotated[str | None, PERSONAL, DERIVED] = _folded("email")
    first_name_folded: Annotated[str | None, PERSONAL, DERIVED] = _folded("first_name")
    last_name_folded: Annotated[str | None, PERSONAL, DERIVED] = _folded("last_name")
    company_name_folded: Annotated[str | None, PERSONAL, DERIVED] = _folded("company_name")

    @property
    def full_name(self) -> str:
        """The person's names, or the company's name; empty when there is none."""
        return full_name(self.kind, self.first_name, self.last_name, self.company_name)


@record("contact_points", key="customer_id id", index=("kind value",))
@frozen(kw_only=True)
class ContactPoint:
    """A further email address or phone number; `value` is what is compared (the address as given, or E.164)."""

    customer_id: CustomerId
    id: str
    kind: str
    value: Annotated[str, PERSONAL]
    as_typed: Annotated[str, PERSONAL]
    purpose: str = "general"
    recorded_at: datetime


@record("addresses", key="customer_id id")
@frozen(kw_only=True)
class Address:
    """A postal address, of any type the app names."""

    customer_id: CustomerId
    id: str
    type: str = "general"
    lines: Annotated[str, PERSONAL] = ""
    city: Annotated[str | None, PERSONAL] = None
    postcode: Annotated[str | None, PERSONAL] = None
    country: str | None = None
    primary: bool = False
    recorded_at: datetime


@record("attributes", key="customer_id key")
@frozen(kw_only=True)
class Attribute:
    """A value under a name of the app's own choosing."""

    customer_id: CustomerId
    key: str
    value: Annotated[str, PERSONAL]
    recorded_at: datetime


@record("external_ids", key="customer_id system", unique=("system external_id",))
@frozen(kw_only=True)
class ExternalId:
    """What another system calls the customer; one id names one customer."""

    customer_id: CustomerId
    system: str
    external_id: Annotated[str, PERSONAL]
    recorded_at: datetime


@record(
    "tags",
    key="customer_id id",
    one_open="customer_id key",
    index=("customer_id key since until value",),
    in_force="since until",
)
@frozen(kw_only=True)
class TagAssignment:
    """`key` or `key = value`, from `since` until just before `until`. Setting again or removing closes it; nothing is lost."""

    customer_id: CustomerId
    id: str
    key: str
    value: str | None = None
    since: datetime
    until: datetime | None = None
    actor: Annotated[str, INTERNAL] = ""
    source: Annotated[str, Words(("manual", "import"))] = "manual"
    applied_id: str | None = None


@record(
    "consents",
    key="customer_id id",
    one_open="customer_id channel purpose",
    index=("customer_id channel purpose until",),
    shown="granted",
)
@frozen(kw_only=True)
class Consent:
    """What the customer said about one channel and purpose, and the proof of it; true until the next answer."""

    customer_id: CustomerId
    id: str
    channel: Annotated[str, Ref(CHANNELS)]
    purpose: Annotated[str, Words(PURPOSES)]
    granted: bool
    evidence: Annotated[str, INTERNAL] = ""
    actor: Annotated[str, INTERNAL] = ""
    occurred_at: datetime
    until: datetime | None = None
