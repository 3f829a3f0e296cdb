"""The limit of a series for one person, who may come as a customer and as a guest. Know `begun_by_taker` and `begun_by_guest`.

A guest who gives an email or a phone number of a customer is that customer as far as limits go, whichever came first, and
however it is written. Where a number is that of several customers, a guest who gives it counts for each of them. Whoever counts
against a limit holds the series, so that nobody else counts meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from custcrm.actions.numbers import owners_of_number
from custcrm.business import Business
from custcrm.records import ContactPoint, Coupon, CouponSeries, Customer, GuestRedemption, Setting
from custcrm.rules import coupons as rules
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.phones import dialled_at_home
from custcrm.values.texts import fold_case

GUEST_KEY: Final = "guest_key"
"""The setting with the key of the hashes by which guests are known: made when the first comes, and never shown."""

PIECE: Final = 1_000
"""Identities that are looked up together."""


def hold_limit(writer: Writer, series: str) -> None:
    """Hold a series that has a limit for one person: whoever counts against it, as customer or guest, does so by turns."""
    found = writer.get(CouponSeries, series)
    if found is not None and found.per_customer is not None:
        writer.hold(CouponSeries, series)


def begun(business: Business, reader: Reader, series: CouponSeries, customers: Collection[str]) -> Mapping[str, int]:
    """Return how many coupons each of these customers has begun, of those who have begun some as a guest; else nobody."""
    as_guests = _uses_as_guests(business, reader, series, customers)
    coupons: dict[str, list[Coupon]] = {each: [] for each in as_guests}
    where = {"customer_id": sorted(as_guests), "series": series.name}
    for coupon in reader.find(Coupon, where) if as_guests else ():
        coupons[coupon.customer_id].append(coupon)
    return {each: rules.coupons_of_person(series, coupons[each], uses) for each, uses in as_guests.items()}


def reached(business: Business, reader: Reader, series: CouponSeries, customers: Collection[str]) -> list[str]:
    """Return which of these customers have reached the limit with what they have begun as guests."""
    limit = series.per_customer
    if limit is None:
        return []
    return [each for each, count in begun(business, reader, series, customers).items() if count >= limit]


def begun_by_taker(
    business: Business, reader: Reader, series: CouponSeries, customer: str, code: str | None
) -> int:
    """Return how many coupons a customer has begun who takes a free code: what a guest used of that code is of the same one."""
    uses = _uses_as_guests(business, reader, series, [customer]).get(customer, ())
    coupons = list(reader.find(Coupon, {"customer_id": customer, "series": series.name}))
    return rules.coupons_of_person(series, coupons, [use for use in uses if code is None or use.code != code])


def begun_by_guest(business: Business, reader: Reader, series: CouponSeries, identity: str) -> int:
    """Return how many coupons a guest has begun, with those of the customer who has begun most of all whom it may be."""
    key = reader.get(Setting, GUEST_KEY)
    hashes = [] if key is None else [rules.guest(text, key.value) for text in rules.identities(identity, business.country)]
    mine = list(reader.find(GuestRedemption, {"series": series.name, "identity": hashes})) if hashes else []
    counts = [rules.coupons_of_person(series, (), mine)]
    customers = [] if series.per_customer is None else _customers_known_as(business, reader, identity)
    as_guests = _uses_as_guests(business, reader, series, customers)
    for each in customers:
        coupons = list(reader.find(Coupon, {"customer_id": each, "series": series.name}))
        uses = {use.id: use for use in (*mine, *as_guests.get(each, ()))}
        counts.append(rules.coupons_of_person(series, coupons, uses.values()))
    return max(counts)


# who is who ---------------------------------------------------------------------------------------


def _uses_as_guests(
    business: Business, reader: Reader, series: CouponSeries, customers: Collection[str]
) -> Mapping[str, list[GuestRedemption]]:
    """Return what each customer made of codes of the series as a guest, under any address or number; those who made any."""
    key = reader.get(Setting, GUEST_KEY)
    if series.per_customer is None or key is None or not any(reader.find(GuestRedemption, {"series": series.name}, limit=1)):
        return {}
    owners: dict[str, set[str]] = {}
    for customer, told in _addresses(reader, customers):
        for text in rules.identities(told, business.country):
            owners.setdefault(rules.guest(text, key.value), set()).add(customer)
    found: dict[str, list[GuestRedemption]] = {}
    hashes = sorted(owners)
    for at in range(0, len(hashes), PIECE):
        for use in reader.find(GuestRedemption, {"series": series.name, "identity": hashes[at : at + PIECE]}):
            for customer in owners[use.identity]:
                found.setdefault(customer, []).append(use)
    return found


def _addresses(reader: Reader, customers: Collection[str]) -> Iterable[tuple[str, str]]:
    """Yield whatever a customer may give as a guest, as it is kept."""
    ids, homes = sorted(set(customers)), dict[str, str | None]()
    for each in reader.find(Customer, {"id": ids}):
        homes[each.id] = each.country
        told = (each.email, each.phone, each.phone_as_typed, *_at_home(each.phone, each.country))
        yield from ((each.id, text) for text in told if text)
    for point in reader.find(ContactPoint, {"customer_id": ids}):
        at_home = _at_home(point.value, homes.get(point.customer_id)) if point.kind == "phone" else ()
        yield from ((point.customer_id, text) for text in (point.value, point.as_typed, *at_home))


def _at_home(number: str | None, country: str | None) -> tuple[str, ...]:
    """Return a number as it is dialled in the customer's own country: as a guest it is read by the store's."""
    return () if number is None or country is None else dialled_at_home(number, country)


def _customers_known_as(business: Business, reader: Reader, identity: str) -> list[str]:
    """Return the customers who have the address or number that a guest gives."""
    if "@" in identity:
        return sorted(_owners_of_address(reader, identity))
    return sorted(owners_of_number(reader, identity, business.country))


def _owners_of_address(reader: Reader, address: str) -> set[str]:
    folded = fold_case(address)
    points = reader.values(ContactPoint, ("customer_id",), {"kind": "email", "value_folded": folded})
    return {id_ for (id_,) in (*points, *reader.values(Customer, ("id",), {"email_folded": folded}))}
