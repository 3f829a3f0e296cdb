"""Hypothesis strategies for a small customer base: customers with every kind of fact. The name to know is `bases`.

Values come from short lists, so that they meet each other and the constants of `testing.questions`; texts and instants
are those at which engines differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, Final

from hypothesis import strategies as st

from custcrm.records import (
    Activity,
    Attribute,
    Consent,
    Coupon,
    CouponSeries,
    Customer,
    ExternalId,
    Membership,
    MembershipChange,
    Message,
    PointOfSale,
    PointsEntry,
    Program,
    Sale,
    SaleLine,
    Sender,
    TagAssignment,
    Terminal,
)
from custcrm.records.activities import CallStatus
from custcrm.records.customers import CustomerKind
from custcrm.records.messages import MessageStatus
from custcrm.records.programs import NEW_CUSTOMERS, Access
from custcrm.storage.columns import key_of
from custcrm.values.birthdays import YearlessDate
from custcrm.values.money import Money
from custcrm.values.texts import fold

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)
CURRENCY: Final = "EUR"
PROGRAMS: Final = ("gold", "silver")

TEXTS: Final = ("", "Anna", "anna", "ANNA", "Åke", "José", "straße", "a%b_c", "it's \"x\" \\", "日本", "🎉", "a b ")
KEYS: Final = ("VIP", "Family member", "it's")
COUNTRIES: Final = ("FI", "SE", "fi")
PLACES: Final = (("Harbour", "till 1"), ("Airport", "till 2"))
CATEGORIES: Final = (NEW_CUSTOMERS, "Regulars")
PRODUCTS: Final = ("Red", "White")
NUMBERS: Final = (-1, 0, 1, 5, 2**53 + 1)
AMOUNTS: Final = (0, 1, 1_250, 50_000)
INSTANTS: Final = (
    LONG_AGO,
    NOW - timedelta(days=366),
    NOW - timedelta(days=30),
    NOW - timedelta(hours=14, microseconds=1),  # the last instant of a day in Helsinki
    NOW - timedelta(hours=14),
    NOW - timedelta(microseconds=1),
    NOW,
    NOW + timedelta(days=1),
)
BIRTHDAYS: Final = (
    date(1980, 2, 29), date(2008, 11, 21), date(2008, 11, 22), date(1999, 12, 31),
    YearlessDate(2, 29), YearlessDate(11, 21),
)  # fmt: skip


def setting() -> list[Any]:
    """Return the records that facts about customers refer to."""
    return [
        *(Program(name=name, created_at=LONG_AGO) for name in PROGRAMS),
        *(PointOfSale(name=place, program="gold", created_at=LONG_AGO) for place, _ in PLACES),
        *(Terminal(name=till, point_of_sale=place, created_at=LONG_AGO) for place, till in PLACES),
        Sender(name="Shop", created_at=LONG_AGO),
        CouponSeries(name="welcome", program="gold", capacity=10, created_at=LONG_AGO),
    ]


def some_id(number: int) -> str:
    """Return the id of this number; ids sort as their numbers do."""
    return f"01900000-0000-7000-8000-{number:012x}"


@st.composite
def bases(draw: st.DrawFn, *, customers: int = 6, facts: int = 4) -> list[Any]:
    """Return records of a store, in the order of their references: some customers, and facts of each kind for each."""
    numbers = count(1)
    ids = [some_id(next(numbers)) for _ in range(draw(st.integers(1, customers)))]
    records = setting()
    for number, customer_id in enumerate(ids):
        records.append(draw(_customers(customer_id, number)))
        for make in _FACTS:
            for _ in range(draw(st.integers(0, facts))):
                records += make(draw, customer_id, some_id(next(numbers)))
    return list(_distinct(records))


def maybe(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Return one of the values, or None."""
    return st.sampled_from([None, *values])


def _customers(customer_id: str, number: int) -> st.SearchStrategy[Customer]:
    def folded(customer: Customer) -> Customer:
        names = ("email", "first_name", "last_name", "company_name")
        texts = {name: getattr(customer, name) for name in names}
        copies = {f"{name}_folded": None if text is None else fold(text, True, False) for name, text in texts.items()}
        return Customer(**{**_attributes(customer), **copies})

    return st.builds(
        Customer,
        id=st.just(customer_id),
        kind=st.sampled_from(CustomerKind),
        first_name=maybe(TEXTS),
        last_name=maybe(TEXTS),
        email=maybe([f"Anna{number}@example.org", f"anna{number}@example.org"]),
        phone=maybe(["+358401234567", "+46701234567"]),
        card_number=maybe([f"card {number}"]),
        birth_date=maybe(BIRTHDAYS),
        country=maybe(COUNTRIES),
        loyalty_eligible=st.booleans(),
        payment_terms_days=maybe(NUMBERS),
        credit_limit=maybe(AMOUNTS).map(lambda minor: None if minor is None else _money(minor)),
        signed_up_at=st.sampled_from(INSTANTS),
        created_at=st.sampled_from(INSTANTS),
    ).map(folded)


def _attributes(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in type(record).__annotations__}


def _money(minor: int) -> Money:
    return Money.from_minor(minor, CURRENCY)


def _instant(draw: st.DrawFn) -> datetime:
    return draw(st.sampled_from(INSTANTS))


def _tag(draw: st.DrawFn, customer_id: str, new_id: str) -> Iterator[Any]:
    until = draw(maybe(INSTANTS))
    yield TagAssignment(
        customer_id=customer_id, id=new_id, key=draw(st.sampled_from(KEYS)), value=draw(maybe(TEXTS)),
        since=_instant(draw), until=until,
    )  # fmt: skip


def _attribute(draw: st.DrawFn, customer_id: str, _: str) -> Iterator[Any]:
    key, value = draw(st.sampled_from(KEYS)), draw(st.sampled_from(TEXTS))
    yield Attribute(customer_id=customer_id, key=key, value=value, recorded_at=NOW)


def _external_id(draw: st.DrawFn, customer_id: str, new_id: str) -> Iterator[Any]:
    system = draw(st.sampled_from(KEYS))
    yield ExternalId(customer_id=customer_id, system=system, external_id=new_id[-4:], recorded_at=NOW)


def _consent(draw: st.DrawFn, customer_id: str, new_id: str) -> Iterator[Any]:
    channel, granted = draw(st.sampled_from(["sms", "email"])), draw(st.booleans())
    yield Consent(
        customer_id=customer_id, id=new_id, channel=channel, purpose="marketing", granted=granted,
        occurred_at=_instant(draw), until=draw(maybe(INSTANTS)),
    )


def _membership(draw: st.DrawFn, customer_id: str, new_id: str) -> Iterator[Any]:
    program, joined_at = draw(st.sampled_from(PROGRAMS)), _instant(draw)
    access, category = draw(st.sampled_from(Access)), draw(st.sampled_from(CATEGORIES))
    yield Membership(
        customer_id=customer_id, program=program, access=access, category=category, joined_at=joined_at,
        confirmed_at=draw(maybe(INSTANTS)),
    )  # fmt: skip
    yield MembershipChange(
        customer_id=customer_id, id=new_id, program=program, change="joined", access=draw(st.sampled_from(Access)),
        category=draw(st.sampled_from(CATEGORIES)), occurred_at=joined_at,
    )  # fmt: skip


def _sale(draw: st.DrawFn, customer_id: str, new_id: str) -> Iterator[Any]:
    occurred_at = _instant(draw)
    place, till = draw(st.sampled_from([*PLACES, (None, None)]))
    yield Sale(
        customer_id=customer_id, id=new_id, occurred_at=occurred_at, total=_money(draw(st.sampled_from(AMOUNTS))),
        units=draw(st.sampled_from([0, 1, 3])), program=draw(maybe(PROGRAMS)), point_of_sale=place, terminal=till,
        external_id=draw(maybe([f"receipt {new_id[-4:]}"])), recorded_at=NOW,
    )  # fmt: skip
    for number in range(draw(st.integers(0, 2))):
        yield SaleLine(
            customer_id=customer_id, sale_id=new_id, number=number, occurred_at=occurred_at,
            product=draw(maybe(PRODUCTS)), category=draw(maybe(PRODUCTS)), quantity=draw(st.sampled_from([1, 2])),
            price=_money(draw(st.sampled_from(AMOUNTS))), amount=_money(draw(st.sampled_from(AMOUNTS))),
        )  # fmt: skip


def _points(draw: st.DrawFn, customer_id: str, new_id: str) -> Iterator[Any]:
    yield PointsEntry(
        customer_id=customer_id, id=new_id, program=draw(st.sampled_from(PROGRAMS)), kind="credit",
        delta=draw(st.sampled_from([-30, 10, 100])), lot_id=new_id, occurred_at=_instant(draw),
        expires_at=draw(maybe(INSTANTS)),
    )  # fmt: skip


def _coupon(draw: st.DrawFn, customer_id: str, new_id: str) -> Iterator[Any]:
    yield Coupon(
        customer_id=customer_id, id=new_id, series="welcome", code=draw(maybe([f"C{new_id[-4:]}"])),
        issued_at=_instant(draw), expires_at=draw(maybe(INSTANTS)),
    )  # fmt: skip


def _activity(draw: st.DrawFn, customer_id: str, new_id: str) -> Iterator[Any]:
    yield Activity(
        customer_id=customer_id, id=new_id, kind=draw(st.sampled_from(["visit", "call"])), occurred_at=_instant(draw),
        recorded_at=NOW, status=draw(maybe(list(CallStatus))), payload={"seen": draw(st.sampled_from(TEXTS))},
    )  # fmt: skip


def _message(draw: st.DrawFn, customer_id: str, new_id: str) -> Iterator[Any]:
    yield Message(
        customer_id=customer_id, id=new_id, channel="sms", purpose="marketing", sender=draw(maybe(["Shop"])),
        text="Hello {name}", status=draw(st.sampled_from([MessageStatus.PLANNED, MessageStatus.SENT])),
        planned_at=_instant(draw),
    )  # fmt: skip


_FACTS: Final[tuple[Callable[[st.DrawFn, str, str], Iterator[Any]], ...]] = (
    _tag, _attribute, _external_id, _consent, _membership, _sale, _points, _coupon, _activity, _message,
)  # fmt: skip


def _distinct(records: Sequence[Any]) -> Iterator[Any]:
    """Yield the records of which a store can hold all: one for each key, one open tag for each name."""
    seen: set[tuple[Any, ...]] = set()
    for record in records:
        key = (record.customer_id, record.key) if isinstance(record, TagAssignment) else key_of(record)
        if (type(record), key) not in seen:
            seen.add((type(record), key))
            yield record
