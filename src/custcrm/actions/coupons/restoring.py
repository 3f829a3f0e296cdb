"""Restoring coupons: taking their uses back, because what they were used for was cancelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from custcrm.actions.coupons.codes import Redeemable, remembered_as, series_of
from custcrm.actions.coupons.redemptions import all_references, series_by_name, uses_by_coupon, uses_for, uses_of
from custcrm.actions.keys import Request
from custcrm.business import Business
from custcrm.records import Coupon, CouponSeries, Customer, FreeCode, GuestRedemption, Redemption, SeriesBudget
from custcrm.rules import coupons as rules
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Malformed, Reason, Refusal
from custcrm.values.ids import is_id
from custcrm.values.texts import checked


@frozen(kw_only=True)
class Which:
    """Which uses are meant: those of a coupon or code, those for references (an order's numbers), or those of both."""

    wanted: Redeemable | None = None
    references: tuple[str, ...] = ()

    def told(self) -> Mapping[str, Any]:
        """Return what was asked for, for the details of a refusal: of a coupon its series, as its code is worth something."""
        series = {} if self.wanted is None else {"series": series_of(self.wanted)}
        return {**series, **({"references": ", ".join(self.references)} if self.references else {})}

    def __attrs_post_init__(self) -> None:
        if self.references:
            return
        if self.wanted is None:
            raise Malformed("say which coupon, or the reference of what was cancelled", field="reference")
        if isinstance(self.wanted, CouponSeries):
            raise Malformed("many use a shared code; say the reference of what was cancelled", field="reference")


def restore(
    business: Business, which: Which, *, reason: str = "", key: str | None = None
) -> tuple[rules.Use, ...]:
    """Take back the uses that are meant, and return them; once, where a key is given.

    Refusal with not_redeemed when there are none, with not_restored when no series of them allows it.
    """
    checked(reason, field="reason")
    arguments = {"coupon": which.wanted and remembered_as(which.wanted), "references": list(which.references), "reason": reason}
    request = Request(action="restore_coupons", arguments=arguments, key=key)

    def take_back(writer: Writer) -> tuple[rules.Use, ...]:
        before = request.claim(writer)
        meant = _with_other_names(writer, which)
        if before is not None:
            back = (use for use in _find_uses(writer, meant) if use.restored_at is not None)
            return tuple(use for use in back if use.restored_at == max(before.as_of, use.redeemed_at))
        uses = _hold_uses(writer, meant)
        if not uses:
            raise Refusal(Reason.NOT_REDEEMED, details=which.told())
        now = business.now()
        restored = _take_back(writer, uses, now, reason)
        if not restored:
            raise Refusal(Reason.NOT_RESTORED, details={"series": uses[0].series})
        request.keep(business, writer, business.ids.new(), now)
        return restored

    return business.transact(take_back)


def restore_cancelled(
    business: Business, writer: Writer, references: Sequence[str], *, reason: str = ""
) -> tuple[rules.Use, ...]:
    """Take back what was used for an order that is cancelled, where the series allow it; the rest stays redeemed.

    Returns what was taken back, in the write() that cancels the order.
    """
    uses = _hold_uses(writer, Which(references=tuple(references)))
    return _take_back(writer, uses, business.now(), reason) if uses else ()


def whose_uses(reader: Reader, references: Sequence[str]) -> set[str]:
    """Return the customers whose coupons were used for an order, and who used them: those whom `restore_cancelled` holds."""
    return _owners(reader, rules.standing(_find_uses(reader, Which(references=tuple(references)))))


def _owners(reader: Reader, uses: Sequence[rules.Use]) -> set[str]:
    coupons, _ = _find_coupons(reader, uses)
    return {*(use.customer_id for use in uses if isinstance(use, Redemption)), *(coupon.customer_id for coupon in coupons)}


def _find_uses(reader: Reader, which: Which) -> list[rules.Use]:
    wanted, names = which.wanted, which.references
    if isinstance(wanted, Coupon | FreeCode):
        return [use for use in uses_of(reader, wanted) if not names or use.reference in names]
    found = uses_for(reader, names)
    return found if wanted is None else [use for use in found if use.series == wanted.name]


def _with_other_names(reader: Reader, which: Which) -> Which:
    """Return it with both names of each sale that is among the references."""
    told = which.references
    if isinstance(which.wanted, Coupon):
        return evolve(which, references=all_references(reader, told, [which.wanted.customer_id]))
    uses = uses_for(reader, told)
    names = all_references(reader, told, (use.customer_id for use in uses if isinstance(use, Redemption)))
    others = {each for each in told if is_id(each)} - {use.reference for use in uses}
    return evolve(which, references=tuple(dict.fromkeys((*names, *all_references(reader, others, None)))))


def _hold_uses(writer: Writer, which: Which) -> list[rules.Use]:
    """Return the uses that are meant and stand, with their customers held, the codes that guests used, and these uses."""
    standing = rules.standing(_find_uses(writer, which))
    customers = sorted({use.customer_id for use in standing if isinstance(use, Redemption)})
    guests = sorted(use.id for use in standing if isinstance(use, GuestRedemption))
    _, codes = _find_coupons(writer, standing)
    for customer in sorted(_owners(writer, standing)):
        writer.hold(Customer, customer)
    for code in sorted(code.code for code in codes):
        writer.hold(FreeCode, code)
    for guest in guests:
        writer.hold(GuestRedemption, guest)
    mine = {*customers, *guests}  # what was added meanwhile is another's, and comes after this
    whose = (use for use in rules.standing(_find_uses(writer, which)))
    return [use for use in whose if (use.customer_id if isinstance(use, Redemption) else use.id) in mine]


def _take_back(writer: Writer, uses: Sequence[rules.Use], now: datetime, reason: str) -> tuple[rules.Use, ...]:
    """Take back those that their series allow, with their places and their part of the budget."""
    terms = series_by_name(writer, (use.series for use in uses))
    allowed = [use for use in uses if terms[use.series].restore_on_cancel]
    begun = _count_guest_coupons(writer, terms, allowed)
    back = tuple(_as_taken_back(use, now, reason) for use in allowed)
    writer.put(back)
    places = begun - _count_guest_coupons(writer, terms, allowed) + _free_places(writer, terms, allowed)
    for name in sorted(places):
        writer.reserve(CouponSeries, (name,), -places[name])
    costs: Counter[str] = Counter()
    for use in allowed:
        costs[use.series] += 0 if use.discount is None else use.discount.minor
    for name in sorted(costs):
        if costs[name] and writer.get(SeriesBudget, name) is not None:
            writer.reserve(SeriesBudget, (name,), -costs[name])
    return back


def _free_places(writer: Writer, terms: Mapping[str, CouponSeries], back: Sequence[rules.Use]) -> Counter[str]:
    """Let revoked coupons and codes give their places back, whose last use was taken back now, and count these by series."""
    coupons, codes = _find_coupons(writer, back)
    uses = uses_by_coupon(writer, coupons)
    freed = [
        each for each in coupons if each.revoked_at is not None and rules.is_freed(terms[each.series], uses[each.id])
    ]
    writer.put(rules.without_place(each) for each in freed)
    places = Counter(each.series for each in freed)
    for code in codes:
        if code.revoked_at is not None and rules.is_freed(terms[code.series], uses_of(writer, code)):
            places[code.series] += 1
    return places


def _find_coupons(reader: Reader, uses: Iterable[rules.Use]) -> tuple[list[Coupon], list[FreeCode]]:
    """Return the coupons that were used, and the free codes that guests used; a code may be both, if it was taken since."""
    ids: dict[str, str] = {}
    codes: set[str] = set()
    for use in uses:
        if isinstance(use, Redemption):
            ids[use.coupon_id] = use.customer_id
        else:
            codes.add(use.code)
    coupons: dict[str, Coupon] = {}
    if ids:
        held = reader.find(Coupon, {"customer_id": sorted(set(ids.values())), "id": sorted(ids)})
        coupons |= {each.id: each for each in held}
    if codes:
        coupons |= {each.id: each for each in reader.find(Coupon, {"code": sorted(codes)})}
    return list(coupons.values()), list(reader.find(FreeCode, {"code": sorted(codes)})) if codes else []


def _as_taken_back(use: rules.Use, now: datetime, reason: str) -> rules.Use:
    at = max(now, use.redeemed_at)
    if isinstance(use, GuestRedemption):
        return evolve(use, restored_at=at, ordinal=None)
    return evolve(use, restored_at=at, reason=reason)


def _count_guest_coupons(reader: Reader, terms: Mapping[str, CouponSeries], uses: Iterable[rules.Use]) -> Counter[str]:
    """Return how many places of each series with a shared code its guests among these have: no coupon stands for them."""
    found: Counter[str] = Counter()
    guests = {(use.series, use.identity) for use in uses if isinstance(use, GuestRedemption)}
    for name, identity in guests:
        if terms[name].codes == "shared":
            mine = tuple(reader.find(GuestRedemption, {"series": name, "identity": identity}))
            found[name] += rules.guest_coupons(terms[name], mine)
    return found
