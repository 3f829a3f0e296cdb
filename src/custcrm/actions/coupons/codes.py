"""Codes and the store: what a code stands for, codes that are not there yet, and free codes by the thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from custcrm.actions.action import Reserve
from custcrm.actions.keys import Request
from custcrm.actions.progress import Progress, show_progress
from custcrm.business import Business
from custcrm.records import Coupon, CouponSeries, FreeCode
from custcrm.rules import codes as rules
from custcrm.rules.coupons import obstacle as coupon_obstacle
from custcrm.rules.coupons import refusal
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Malformed, NotFound, Reason
from custcrm.values.identifiers import LONGEST, identifier
from custcrm.values.periods import beginning, expiry
from custcrm.values.shapes import whole_number

Redeemable: TypeAlias = Coupon | FreeCode | CouponSeries
"""What a code stands for: a customer's coupon, a free code, or the series that has it for all its coupons."""

LARGEST_BATCH: Final = 1_000_000
"""Free codes that are made at once: they are written in one transaction, and held in memory."""

PIECE: Final = 1_000
"""Codes that are looked up or written together."""

CODES: Final = "coupon_code"
"""The scope in which shared codes are claimed, and drawing from a small space (`DRAWING`)."""
DRAWING: Final = "drawing"

_TICK: Final = timedelta(microseconds=1)


# finding -----------------------------------------------------------------------------------------


def find_coupon(reader: Reader, coupon: Coupon | FreeCode | str, number: int | None = None) -> Redeemable:
    """Return what is stored of a coupon given as a record or by its code; NotFound, which says the `number` of several."""
    match coupon:
        case Coupon():
            found: Redeemable | None = reader.get(Coupon, coupon.customer_id, coupon.id)
        case FreeCode():
            found = find_by_code(reader, coupon.code)
        case _:
            found = find_by_code(reader, identifier(coupon, field="coupon", limit=LONGEST))
    if found is None:
        raise NotFound("no coupon has this code" if number is None else f"no coupon has the code of coupons[{number}]")
    return found


def find_by_code(reader: Reader, code: str) -> Redeemable | None:
    """Return what a code stands for, None when nothing does. A free code that was taken is the coupon.

    What has the code letter by letter comes first. Else it may be a shared code that was composed otherwise, or a drawn one
    typed in another case, where its series draws letters of one case.
    """
    of_customer = next(reader.find(Coupon, {"code": code}), None)
    exact = of_customer or reader.get(FreeCode, code) or next(reader.find(CouponSeries, {"shared_code": code}), None)
    return exact or _find_as_typed(reader, code)


def _find_as_typed(reader: Reader, code: str) -> Redeemable | None:
    shared = next(reader.find(CouponSeries, {"shared_code": rules.compositions(code)}), None)
    cases = rules.cases(code)
    if shared is not None or not cases:
        return shared
    drawn: dict[str | None, Coupon | FreeCode] = {each.code: each for each in reader.find(FreeCode, {"code": cases})}
    drawn |= {each.code: each for each in reader.find(Coupon, {"code": cases})}
    series = {each.series for each in drawn.values()}
    terms = {each.name: each.alphabet for each in reader.find(CouponSeries, {"name": sorted(series)})}
    meant = [each for each in drawn.values() if rules.has_one_case(terms[each.series])]
    return meant[0] if len(meant) == 1 else None


def series_of(wanted: Redeemable) -> str:
    """Return the name of the series."""
    return wanted.name if isinstance(wanted, CouponSeries) else wanted.series


def code_of(wanted: Redeemable) -> str | None:
    """Return the code; a customer's coupon of a series with one code for all has none of its own."""
    return wanted.shared_code if isinstance(wanted, CouponSeries) else wanted.code


def remembered_as(wanted: Redeemable) -> str | None:
    """Return by what a key remembers it: the code, which stays the same when a customer takes it; else the coupon's id."""
    return wanted.code or wanted.id if isinstance(wanted, Coupon) else code_of(wanted)


# drawing -----------------------------------------------------------------------------------------


def fresh(business: Business, series: CouponSeries, count: int) -> list[str]:
    """Return so many codes that no coupon has; within a write(), where they are to be written."""

    def draw(number: int) -> list[str]:
        return rules.drawn(business.random_bits, series.alphabet, series.code_length, number)

    codes = draw(count)
    if rules.space(series.alphabet, series.code_length) >= rules.AMPLE:
        return codes

    def choose(writer: Writer) -> list[str]:
        # Two who draw at once could draw the same, which neither sees before the other is through.
        writer.claim(CODES, [DRAWING])
        found: dict[str, None] = {}
        drawn = codes
        while drawn:
            taken = _find_taken(writer, drawn)
            found |= dict.fromkeys(code for code in drawn if code not in taken)
            drawn = draw(count - len(found)) if len(found) < count else []
        return list(found)

    return business.transact(choose)


def _find_taken(reader: Reader, codes: Sequence[str]) -> set[str]:
    """Return which of the codes are somebody's, free, or shared."""
    found: set[str] = set()
    for piece in _pieces(codes):
        found |= {each.code for each in reader.find(Coupon, {"code": piece}) if each.code is not None}
        found |= {each.code for each in reader.find(FreeCode, {"code": piece})}
        found |= {each.shared_code for each in reader.find(CouponSeries, {"shared_code": piece}) if each.shared_code}
    return found


def _pieces(codes: Sequence[str]) -> Iterator[list[str]]:
    return (list(codes[at : at + PIECE]) for at in range(0, len(codes), PIECE))


# free codes --------------------------------------------------------------------------------------


def generate(
    business: Business, series: str, count: int, *, key: str | None = None, progress: Progress = False
) -> list[str]:
    """Make free codes, in order of their text; once, where a key is given. All or none.

    Raises Refusal with series_paused, series_closed or series_capacity, which names how many are needed and left.
    """
    whole_number(count, 1, LARGEST_BATCH, field="count")
    series = business.known(CouponSeries, series, "coupon series").name
    request = Request(action="generate_codes", arguments={"series": series, "count": count}, key=key)
    show = show_progress(progress)

    def make(writer: Writer) -> list[str]:
        before = request.claim(writer)
        if before is not None:
            return _find_made(writer, series, before.as_of)
        at = _make_codes(business, writer, series, count, show)
        request.keep(business, writer, business.ids.new(), at, reserved=count)
        return _find_made(writer, series, at)

    return business.transact(make)


def _make_codes(
    business: Business, writer: Writer, series: str, count: int, show: Callable[[int, int], None]
) -> datetime:
    """Take the places of so many codes, write the codes, and return the instant by which they are found again."""
    found = writer.hold(CouponSeries, series)
    assert found is not None, "a series is never removed"
    if found.codes != "unique":
        raise Malformed(f"the coupons of {series!r} share one code; hand that out", field="series")
    now = business.now()
    if reason := closed(found, now, business):
        raise refusal([reason], **obstacle(reason, found, now, business))
    places_of(series).take(writer, count)
    # Each batch has an instant of its own, so that it can be told from the others of its series.
    last = next(writer.find(FreeCode, {"series": series}, order=("created_at",), descending=True, limit=1), None)
    at = now if last is None else max(now, last.created_at + _TICK)
    begins, ends = lifetime(found, at, business)
    done = 0
    for codes in _pieces(fresh(business, found, count)):
        show(done, count)
        done += writer.add(
            FreeCode(code=code, series=series, created_at=at, valid_from=begins, expires_at=ends, actor=business.actor)
            for code in codes
        )
    show(done, count)
    return at


def _find_made(reader: Reader, series: str, at: datetime) -> list[str]:
    return [each.code for each in reader.find(FreeCode, {"series": series, "created_at": at})]


# the terms of a series ---------------------------------------------------------------------------


def closed(series: CouponSeries, now: datetime, business: Business) -> Reason | None:
    """Return why the series issues nothing now, None when it does: paused, outside its window, or its own time is over."""
    if series.paused_at is not None:
        return Reason.SERIES_PAUSED
    opens, closes = series.issue_from, series.issue_until
    if (opens is not None and now < opens) or (closes is not None and closes <= now):
        return Reason.SERIES_CLOSED
    begins, ends = lifetime(series, now, business)
    return Reason.EXPIRED if ends is not None and ends <= (begins or now) else None


def obstacle(reason: Reason, series: CouponSeries, now: datetime, business: Business) -> Mapping[str, Any]:
    """Return what stands in the way where a series issues nothing for a reason, for the details of a refusal."""
    ends = lifetime(series, now, business)[1]
    unissued = Coupon(customer_id="", id="", series=series.name, issued_at=now, expires_at=ends)
    return {"series": series.name, **coupon_obstacle(reason, series, unissued, ())}


def left(reader: Reader, series: str) -> int | None:
    """Return how many coupons the series can still issue; None when it is unlimited."""
    found = reader.get(CouponSeries, series)
    return None if found is None or found.capacity is None else found.capacity - found.issued


def places_of(series: str, *, partial: bool = False) -> Reserve:
    """Return the places of a series, of which each coupon takes one."""
    return Reserve(record=CouponSeries, key=(series,), left=lambda reader: left(reader, series), partial=partial)


def lifetime(
    series: CouponSeries, issued_at: datetime, business: Business, valid_from: Any = None
) -> tuple[datetime | None, datetime | None]:
    """Return from when a coupon issued now is valid, None where at once, and the first instant at which it no longer is.

    `valid_from` comes in the place of the series' own, and is Malformed where the coupon would be over before. What is valid
    for a time is so from then.
    """
    told = series.valid_from if valid_from is None else valid_from
    begins = issued_at if told is None else max(issued_at, beginning(told, issued_at, business.zone))
    ends = series.valid_until if series.valid is None else expiry(series.valid, begins, business.zone, field="valid")
    if valid_from is not None and ends is not None and ends <= begins:
        raise Malformed("the coupon would end before it is valid; let valid_from be earlier", field="valid_from")
    return begins if begins > issued_at else None, ends
