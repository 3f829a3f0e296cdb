"""Hypothesis strategies for a small customer base: customers with every kind of fact. Know `bases` and `Base`.

Values come from short lists, so that they meet each other and the constants of `testing.questions`; texts and instants
are those at which engines differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any, Final

from attrs import evolve, field, frozen
from hypothesis import strategies as st

from custcrm import records as r
from custcrm.records.accounts import AccountKind
from custcrm.records.activities import CallStatus
from custcrm.records.customers import CustomerKind
from custcrm.records.declaration import declaration
from custcrm.records.messages import MessageStatus
from custcrm.records.points import DEBT
from custcrm.records.programs import NEW_CUSTOMERS, Access
from custcrm.records.sales import SaleKind
from custcrm.storage.columns import key_of, tuple_reader
from custcrm.values.birthdays import YearlessDate
from custcrm.values.money import Money

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)
CURRENCY: Final = "EUR"
PROGRAMS: Final = ("gold", "silver")
ACCOUNTS: Final = {"wallet": AccountKind.MONEY, "it's a card": AccountKind.GOODS}
"""The kinds of account by name; one that filters must quote."""

TEXTS: Final = ("", "Anna", "anna", "ANNA", "Åke", "A\u030ake", "José", "straße", "STRASSE", "a%b_c",
                "it's \"x\" \\", "日本", "🎉", "a b ")
KEYS: Final = ("VIP", "Family member", "it's")
COUNTRIES: Final = ("FI", "SE", "fi")
PLACES: Final = (("Harbour", "till 1"), ("Airport", "till 2"), ("Töölö", "Kassa Ä"))
CATEGORIES: Final = (NEW_CUSTOMERS, "Regulars", "Élite")
PRODUCTS: Final = ("Red", "White", "Rosé", "ROSÉ")
NUMBERS: Final = (-1, 0, 1, 5, 2**53 + 1)
AMOUNTS: Final = (0, 1, 1_250, 50_000)
INSTANTS: Final = (
    LONG_AGO, NOW - timedelta(days=366), NOW - timedelta(days=30),
    NOW - timedelta(hours=14, microseconds=1), NOW - timedelta(hours=14),  # the last instant of a day in Helsinki, and the next
    NOW - timedelta(microseconds=1), NOW, NOW + timedelta(days=1),
)  # fmt: skip
LIMITS: Final = (*AMOUNTS, 2**63 - 1, -(2**63) + 1)  # of what is never summed, to the ends of 64 bits
ENDS: Final = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""Instants at both ends of the calendar, as "for ever" is written."""
BIRTHDAYS: Final = (
    date.min, date.max, date(1980, 2, 29), date(2008, 11, 21), date(2008, 11, 22), date(1999, 12, 31),
    YearlessDate(2, 29), YearlessDate(11, 21),
)  # fmt: skip


def setting() -> list[Any]:
    """Return the records that facts about customers refer to."""
    return [
        *(r.Program(name=name, created_at=LONG_AGO) for name in PROGRAMS),
        *(r.PointOfSale(name=place, program="gold", created_at=LONG_AGO) for place, _ in PLACES),
        *(r.Terminal(name=till, point_of_sale=place, created_at=LONG_AGO) for place, till in PLACES),
        r.Sender(name="Shop", created_at=LONG_AGO),
        *(r.Account(name=name, program="gold", kind=kind, created_at=LONG_AGO) for name, kind in ACCOUNTS.items()),
        r.CouponSeries(name="welcome", program="gold", capacity=10, created_at=LONG_AGO),
    ]


def some_id(number: int) -> str:
    """Return the id of this number; ids sort as their numbers do."""
    return f"01900000-0000-7000-8000-{number:012x}"


@frozen(repr=False)
class Base(Sequence[Any]):
    """The records of a store, in the order of their references: its repr counts them, `print(base)` shows them whole.

    hypothesis warns of a repr of tens of thousands of characters in the place of what failed. What it has shrunk it shows
    whole, as Python that can be pasted.
    """

    records: tuple[Any, ...] = field(converter=tuple)

    def __getitem__(self, place: Any) -> Any:
        return self.records[place]

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        customers = sum(isinstance(each, r.Customer) for each in self.records)
        return f"<Base of {customers} customers, {len(self.records) - customers} other records>"

    def __str__(self) -> str:
        return "\n".join(map(repr, self.records))


@st.composite
def bases(draw: st.DrawFn, *, customers: int = 6, facts: int = 4) -> Base:
    """Draw a base: some customers, and facts of each kind for each."""
    ids, how_many = map(some_id, count(1)), st.integers(0, facts)
    everybody = [next(ids) for _ in range(draw(st.integers(1, customers)))]
    records = setting()
    for number, customer_id in enumerate(everybody):
        records.append(draw(_customers(customer_id, number)))
        for make in _FACTS:
            for _ in range(draw(how_many)):
                records += make(draw, customer_id, ids)
    return Base(_distinct(records))


@lru_cache(maxsize=256, typed=True)
def one_of(*values: Any) -> st.SearchStrategy[Any]:
    """Draw one of the values; of the same values it is the same strategy, as to make one takes longer than to draw."""
    return st.sampled_from(values)


def maybe(values: Iterable[Any]) -> st.SearchStrategy[Any]:
    """Draw one of the values, or None."""
    return one_of(None, *values)


def _customers(customer_id: str, number: int) -> st.SearchStrategy[r.Customer]:
    return st.builds(
        r.Customer,
        id=st.just(customer_id),
        kind=one_of(*CustomerKind),
        first_name=maybe(TEXTS),
        last_name=maybe(TEXTS),
        email=maybe([f"Anna{number}@example.org", f"anna{number}@example.org"]),
        phone=maybe(["+358401234567", "+46701234567"]),
        card_number=maybe([f"card {number}"]),
        birth_date=maybe(BIRTHDAYS),
        country=maybe(COUNTRIES),
        loyalty_eligible=st.booleans(),
        payment_terms_days=maybe(NUMBERS),
        credit_limit=maybe(LIMITS).map(lambda minor: None if minor is None else _money(minor)),
        signed_up_at=one_of(*INSTANTS, *ENDS),
        created_at=one_of(*INSTANTS),
    )


def _money(minor: int) -> Money:
    return Money.from_minor(minor, CURRENCY)


def _instant(draw: st.DrawFn, since: datetime = LONG_AGO) -> datetime:
    found: datetime = draw(one_of(*(each for each in INSTANTS if each >= since)))
    return found


def _place(draw: st.DrawFn) -> tuple[str | None, str | None]:
    place: tuple[str | None, str | None] = draw(one_of(*PLACES, (None, None)))
    return place


def _tag(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    until = draw(maybe(INSTANTS))
    yield r.TagAssignment(
        customer_id=customer_id, id=next(ids), key=draw(one_of(*KEYS)), value=draw(maybe(TEXTS)),
        since=_instant(draw), until=until,
    )  # fmt: skip


def _attribute(draw: st.DrawFn, customer_id: str, _: Iterator[str]) -> Iterator[Any]:
    yield r.Attribute(customer_id=customer_id, key=draw(one_of(*KEYS)), value=draw(one_of(*TEXTS)), recorded_at=NOW)


def _external_id(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    system = draw(one_of(*KEYS))
    yield r.ExternalId(customer_id=customer_id, system=system, external_id=next(ids)[-4:], recorded_at=NOW)


def _contact_point(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    kind, value = draw(one_of(("email", "José@example.org"), ("email", "josé@example.org"), ("phone", "+358401234567")))
    at = _instant(draw)
    yield r.ContactPoint(customer_id=customer_id, id=next(ids), kind=kind, value=value, as_typed=value, recorded_at=at)


def _consent(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    channel, granted = draw(one_of("sms", "email")), draw(one_of(False, True))
    yield r.Consent(
        customer_id=customer_id, id=next(ids), channel=channel, purpose="marketing", granted=granted,
        occurred_at=_instant(draw), until=draw(maybe(INSTANTS)),
    )


def _membership(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    program, joined_at = draw(one_of(*PROGRAMS)), _instant(draw)
    access, category = draw(one_of(*Access)), draw(one_of(*CATEGORIES))
    yield r.Membership(
        customer_id=customer_id, program=program, access=access, category=category, joined_at=joined_at,
        kept_until=draw(maybe(INSTANTS)), confirmed_at=draw(maybe(INSTANTS)),
    )  # fmt: skip
    yield r.MembershipChange(
        customer_id=customer_id, id=next(ids), program=program, change="joined", access=draw(one_of(*Access)),
        category=draw(one_of(*CATEGORIES)), kept_until=draw(maybe(INSTANTS)), occurred_at=joined_at,
    )  # fmt: skip


def _sale(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    sale_id, occurred_at, (place, till) = next(ids), _instant(draw), _place(draw)
    sale = r.Sale(
        customer_id=customer_id, id=sale_id, occurred_at=occurred_at, total=_money(draw(one_of(*AMOUNTS))),
        units=draw(one_of(0, 1, 3)), program=draw(maybe(PROGRAMS)), point_of_sale=place, terminal=till,
        external_id=draw(maybe([f"receipt {sale_id[-4:]}"])), recorded_at=NOW,
    )  # fmt: skip
    yield sale
    for number in range(draw(one_of(0, 1, 2))):
        yield r.SaleLine(
            customer_id=customer_id, sale_id=sale_id, number=number, occurred_at=occurred_at,
            product=draw(maybe(PRODUCTS)), category=draw(maybe(PRODUCTS)), quantity=draw(one_of(1, 2, 0, -1)),
            price=_money(draw(one_of(*AMOUNTS))), amount=_money(draw(one_of(*AMOUNTS))),
        )  # fmt: skip
    yield from _refunds(draw, sale, ids)


def _refunds(draw: st.DrawFn, sale: r.Sale, ids: Iterator[str]) -> Iterator[r.Sale]:
    """Yield refunds of parts of a sale; the one that takes the rest, if any, is the last and counts against the sale."""
    total, units = sale.total.minor, sale.units
    for whole in draw(one_of((), (), (False,), (True,), (False, True))):
        part, pieces = (total, units) if whole else (total // 2, units // 2)
        total, units = total - part, units - pieces
        yield evolve(
            sale, id=next(ids), kind=draw(one_of(SaleKind.REFUND, SaleKind.CHARGEBACK)), refund_of=sale.id,
            total=_money(-part), units=-pieces, counts=-1 if whole else 0, external_id=None,
            occurred_at=_instant(draw, sale.occurred_at),
        )  # fmt: skip


def _points(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    """Yield a lot: its credit, and what was taken from it, up to all of it; or a line of the debt."""
    lot_id, delta, (place, till) = next(ids), draw(one_of(-30, 10, 100)), _place(draw)
    credit = r.PointsEntry(
        customer_id=customer_id, id=lot_id, program=draw(one_of(*PROGRAMS)), kind="credit", delta=delta,
        lot_id=lot_id, occurred_at=_instant(draw), valid_from=draw(maybe(INSTANTS)), expires_at=draw(maybe(INSTANTS)),
        terminal=till or "api", point_of_sale=place, rule=draw(maybe(["base"])),
    )  # fmt: skip
    if delta < 0:
        yield evolve(credit, kind="reverse", lot_id=DEBT, valid_from=None, expires_at=None, reverses=lot_id)
        return
    yield credit
    for kind, taken in draw(one_of(*_TAKEN)):
        entry_id, part = next(ids), delta // taken
        delta -= part
        yield evolve(
            credit, id=entry_id, kind=kind, delta=-part, occurred_at=_instant(draw, credit.occurred_at), rule=None,
            spend_id=entry_id if kind == "spend" else None, offer=draw(maybe(["welcome"])) if kind == "spend" else None,
            reverses=lot_id if kind == "reverse" else None,
        )  # fmt: skip


_TAKEN: Final[tuple[tuple[tuple[str, int], ...], ...]] = (
    (), (("spend", 2),), (("spend", 1),), (("adjust", 5), ("expire", 1)), (("spend", 2), ("spend", 1)), (("reverse", 1),),
)  # fmt: skip
"""What was taken from a lot: kinds, and by how much what is left was divided."""


def _account(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    name, opened_at = draw(one_of(*ACCOUNTS)), _instant(draw)
    is_money = ACCOUNTS[name] is AccountKind.MONEY
    limit = draw(maybe(AMOUNTS))
    yield r.CustomerAccount(
        customer_id=customer_id, account=name, program="gold", opened_at=opened_at,
        credit_limit=_money(limit) if is_money and limit is not None else None,
        credit_units=draw(maybe(NUMBERS)) if not is_money else None,
    )  # fmt: skip
    for kind in draw(one_of((), ("replenish",), ("replenish", "spend"), ("spend", "adjust"))):
        minor = draw(one_of(*AMOUNTS)) * (-1 if kind == "spend" else 1)
        place, till = _place(draw)
        yield r.AccountEntry(
            customer_id=customer_id, id=next(ids), account=name, program="gold", kind=kind,
            amount=_money(minor) if is_money else None, units=None if is_money else minor,
            occurred_at=_instant(draw, opened_at), terminal=till or "api", point_of_sale=place,
            reference=draw(maybe(["order 1"])),
        )  # fmt: skip


def _coupon(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    coupon_id, issued_at = next(ids), _instant(draw)
    yield r.Coupon(
        customer_id=customer_id, id=coupon_id, series="welcome", code=draw(maybe([f"C{coupon_id[-4:]}"])),
        issued_at=issued_at, expires_at=draw(maybe((*INSTANTS, *ENDS))), revoked_at=draw(maybe(INSTANTS)),
        valid_from=draw(maybe(INSTANTS)),
    )  # fmt: skip
    for _ in range(draw(one_of(0, 1, 2))):
        redeemed_at, (place, till) = _instant(draw, issued_at), _place(draw)
        discount = draw(maybe(AMOUNTS))
        yield r.Redemption(
            customer_id=customer_id, id=next(ids), coupon_id=coupon_id, series="welcome", program="gold",
            redeemed_at=redeemed_at, restored_at=draw(maybe([_instant(draw, redeemed_at)])),
            reference=draw(maybe(["order 1"])), discount=None if discount is None else _money(discount),
            terminal=till or "api", point_of_sale=place,
        )  # fmt: skip
    if draw(one_of(False, True)):
        yield _opening(draw, customer_id, coupon_id, ids)


def _inbox(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    message_id, distributed_at = next(ids), _instant(draw)
    yield r.InboxMessage(
        customer_id=customer_id, id=message_id, title=draw(one_of(*TEXTS)), distributed_at=distributed_at,
        ends_at=draw(maybe((*INSTANTS, *ENDS))), removed_at=draw(maybe([_instant(draw, distributed_at)])),
    )  # fmt: skip
    if draw(one_of(False, True)):
        yield _opening(draw, customer_id, message_id, ids)


def _opening(draw: st.DrawFn, customer_id: str, subject: str, ids: Iterator[str]) -> r.Opening:
    surface = draw(one_of("app", "web"))
    return r.Opening(customer_id=customer_id, id=next(ids), subject=subject, surface=surface, opened_at=_instant(draw))


def _activity(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    yield r.Activity(
        customer_id=customer_id, id=next(ids), kind=draw(one_of("visit", "call")), occurred_at=_instant(draw),
        recorded_at=NOW, status=draw(maybe(list(CallStatus))), payload={"seen": draw(one_of(*TEXTS))},
    )  # fmt: skip


def _message(draw: st.DrawFn, customer_id: str, ids: Iterator[str]) -> Iterator[Any]:
    yield r.Message(
        customer_id=customer_id, id=next(ids), channel="sms", purpose="marketing", sender=draw(maybe(["Shop"])),
        text="Hello {name}", status=draw(one_of(MessageStatus.PLANNED, MessageStatus.SENT)),
        planned_at=_instant(draw),
    )  # fmt: skip


_FACTS: Final[tuple[Callable[[st.DrawFn, str, Iterator[str]], Iterator[Any]], ...]] = (
    _tag, _attribute, _external_id, _contact_point, _consent, _membership, _sale, _points, _account, _coupon, _activity,
    _message, _inbox,
)  # fmt: skip


def _distinct(records: Sequence[Any]) -> Iterator[Any]:
    """Yield the records of which a store can hold all: one for each key, and one open of what there may be one open of."""
    seen: set[tuple[Any, ...]] = set()
    for record in records:
        kind: Any = type(record)
        columns = declaration(kind).one_open
        keys = {(kind, key_of(record))}
        if columns:
            keys.add((kind, *tuple_reader(kind, columns)(record)))
        if keys.isdisjoint(seen):
            seen |= keys
            yield record
