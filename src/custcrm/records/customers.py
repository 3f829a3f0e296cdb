"""Who the customers are, and what identifies and describes them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final

from attrs import frozen

from custcrm.records.declaration import CHANNELS, FOLDED, INTERNAL, PERSONAL, CustomerId, Label, Ref, Words, record
from custcrm.values.birthdays import YearlessDate
from custcrm.values.money import Money


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


@record(
    "customers",
    key="id",
    unique=("email", "card_number"),
    index=("phone", "birth_date_month_day"),
    caseless=("email", "last_name", "first_name", "company_name"),
    moments={"signed_up_at": "sign_up"},
    shown="kind",
)
@frozen(kw_only=True)
class Customer:
    """A person or company known by us. `email` is kept byte for byte; `phone` is E.164 and `phone_as_typed` the spelling."""

    id: str
    kind: Annotated[CustomerKind, Label("Kind")] = CustomerKind.PERSON
    status: Annotated[CustomerStatus, Label("Status")] = CustomerStatus.ACTIVE
    first_name: Annotated[str | None, PERSONAL, FOLDED, Label("First name")] = None
    last_name: Annotated[str | None, PERSONAL, FOLDED, Label("Last name")] = None
    company_name: Annotated[str | None, PERSONAL, FOLDED, Label("Company name")] = None
    business_unit: Annotated[str | None, FOLDED, Label("Business unit")] = None
    registry_code: Annotated[str | None, PERSONAL, FOLDED, Label("Business ID")] = None
    vat_number: Annotated[str | None, PERSONAL, FOLDED, Label("VAT number")] = None
    email: Annotated[str | None, PERSONAL, FOLDED, Label("Email")] = None
    phone: Annotated[str | None, PERSONAL, Label("Phone number")] = None
    phone_as_typed: Annotated[str | None, PERSONAL] = None
    card_number: Annotated[str | None, PERSONAL, FOLDED, Label("Customer card number")] = None
    twitter_id: Annotated[str | None, PERSONAL, FOLDED, Label("Twitter ID")] = None
    facebook_name: Annotated[str | None, PERSONAL, FOLDED, Label("Facebook name")] = None
    birth_date: Annotated[date | YearlessDate | None, PERSONAL, Label("Date of birth")] = None
    country: Annotated[str | None, Label("Country")] = None
    locale: Annotated[str | None, Label("Language")] = None
    time_zone: Annotated[str | None, Label("Time zone")] = None
    customer_group: Annotated[str | None, FOLDED, Label("Customer group")] = None
    home_location: Annotated[str | None, FOLDED, Label("Home location")] = None
    loyalty_eligible: Annotated[bool, Label("Eligible for loyalty points")] = True
    coupon_eligible: Annotated[bool, Label("Eligible for coupons")] = True
    payment_terms_days: Annotated[int | None, Label("Payment terms, days")] = None
    credit_limit: Annotated[Money | None, Label("Credit limit")] = None
    delivery_preference: Annotated[str | None, FOLDED, Label("Delivery preference")] = None
    payment_reference: Annotated[str | None, PERSONAL] = None
    web_shop_username: Annotated[str | None, PERSONAL, FOLDED, Label("Web shop username")] = None
    signed_up_at: Annotated[datetime, Label("Sign-up date")]
    created_at: Annotated[datetime, Label("Created")]

    @property
    def full_name(self) -> str:
        """The person's names, or the company's name; empty when there is none."""
        return full_name(self.kind, self.first_name, self.last_name, self.company_name)


@record("contact_points", key="customer_id id", index=("kind value",), caseless=("value",))
@frozen(kw_only=True)
class ContactPoint:
    """A further email address or phone number; `value` is what is compared (the address as given, or E.164)."""

    customer_id: CustomerId
    id: str
    kind: Annotated[str, Words(("email", "phone"))]
    value: Annotated[str, PERSONAL, FOLDED]
    as_typed: Annotated[str, PERSONAL]
    purpose: Annotated[str, FOLDED] = "general"
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
    value: Annotated[str, PERSONAL, FOLDED]
    recorded_at: datetime


@record("external_ids", key="customer_id system", unique=("system external_id",))
@frozen(kw_only=True)
class ExternalId:
    """What another system calls the customer; one id names one customer."""

    customer_id: CustomerId
    system: str
    external_id: Annotated[str, PERSONAL, FOLDED]
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
    value: Annotated[str | None, FOLDED] = None
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
    channel: Annotated[str, Ref(CHANNELS), FOLDED]
    purpose: Annotated[str, Words(PURPOSES)]
    granted: bool
    evidence: Annotated[str, INTERNAL] = ""
    actor: Annotated[str, INTERNAL] = ""
    occurred_at: datetime
    until: datetime | None = None
