"""Coupon series: reading their terms, adding them, and changing those that may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import EllipsisType
from typing import Any, Final

from attrs import evolve

from custcrm.actions.coupons.codes import CODES, find_by_code, fresh
from custcrm.actions.keys import Request, once
from custcrm.business import Business
from custcrm.records import CouponSeries, GuestRedemption, Program, Redemption, SeriesBudget
from custcrm.records.coupons import KINDS, SHARING
from custcrm.rules import benefits
from custcrm.rules import codes as rules
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Conflict, Malformed, Taken
from custcrm.values.identifiers import key_name
from custcrm.values.money import Money
from custcrm.values.periods import beginning, expiry, span
from custcrm.values.shapes import flag, one_of, whole_number
from custcrm.values.texts import checked

FLAGS: Final = ("stackable", "transferable", "revoke_frees", "restore_on_cancel")
"""Terms that are True or False."""

TEXTS: Final = ("title", "description", "titles", "descriptions")
"""What people see of a series."""

LARGEST_COUNT: Final = 10**12
"""Coupons of one series, or of one customer: far below 64 bits."""

LOCALE_LIMIT: Final = 35
"""Characters of a locale, as BCP 47 has it."""


def added(business: Business, name: str, told: Mapping[str, Any], *, key: str | None = None) -> CouponSeries:
    """Add a series by its terms, as `crm.coupons.add_series` takes them."""
    series = _read_terms(business, name, told)
    budget = _read_budget(business, series.name, told["budget"])

    def add(writer: Writer) -> Sequence[CouponSeries]:
        made = series
        if series.codes == "shared":
            made = evolve(series, shared_code=_shared_code(business, writer, series, told["shared_code"]))
        try:
            writer.add([made, *([] if budget is None else [budget])])
        except Taken:
            raise Conflict(f"there is a coupon series named {series.name!r} already") from None
        return [made]

    [made] = once(business, Request(action="add_series", arguments={"name": name, **told}, key=key), add)
    return made


def changed(
    business: Business,
    name: str,
    *,
    capacity: int | EllipsisType | None,
    issue_until: Any,
    budget: Any,
    shown: Mapping[str, Any],
    key: str | None = None,
) -> CouponSeries:
    """Change the terms that may change; what is given as `...` stays. `shown` are the texts that people see."""
    name = business.known(CouponSeries, name, "coupon series").name
    texts = _read_texts({text: value for text, value in shown.items() if value is not ...})
    told = {"name": name, "capacity": capacity, "issue_until": issue_until, "budget": budget, **texts}

    def change(writer: Writer) -> Sequence[CouponSeries]:
        held = writer.hold(CouponSeries, name)
        assert held is not None, "a series is never removed"
        series = evolve(held, **texts)
        if capacity is not ...:
            series = evolve(series, capacity=_read_capacity(series, capacity))
        if issue_until is not ...:
            series = evolve(series, issue_until=business.ending(issue_until, field="issue_until"))
        _check_window(series.issue_from, series.issue_until)
        if budget is not ...:
            _change_budget(business, writer, series, budget)
        writer.replace(series)
        return [series]

    [changed] = once(business, Request(action="change_series", arguments=told, key=key), change)
    return changed


def paused(business: Business, name: str, *, is_paused: bool, key: str | None = None) -> CouponSeries:
    """Pause a series or let it go on; one that is as wanted stays as it is."""
    name = business.known(CouponSeries, name, "coupon series").name

    def change(writer: Writer) -> Sequence[CouponSeries]:
        held = writer.hold(CouponSeries, name)
        assert held is not None, "a series is never removed"
        if (held.paused_at is not None) is is_paused:
            return [held]
        series = evolve(held, paused_at=business.now() if is_paused else None)
        writer.replace(series)
        return [series]

    action = "pause_series" if is_paused else "resume_series"
    [changed] = once(business, Request(action=action, arguments={"name": name}, key=key), change)
    return changed


# reading -----------------------------------------------------------------------------------------


def _read_terms(business: Business, name: str, told: Mapping[str, Any]) -> CouponSeries:
    program = business.known(Program, told["program"], "program").name
    one_of(told["codes"], SHARING, field="codes")
    one_of(told["kind"], KINDS, field="kind")
    if told["shared_code"] is not None and told["codes"] != "shared":
        raise Malformed("a shared_code is for codes='shared'", field="shared_code")
    begins, length, until = _read_validity(business, told["valid_from"], told["valid"])
    opens = business.instant(told["issue_from"], field="issue_from")
    closes = business.ending(told["issue_until"], field="issue_until")
    _check_window(opens, closes)
    per_coupon = _read_count(told["per_coupon"], "per_coupon")
    benefit, guessable = told["benefit"], flag(told["guessable"], field="guessable")
    flags: dict[str, Any] = {name: flag(told[name], field=name) for name in FLAGS}
    series = CouponSeries(
        name=key_name(name, "coupon series"), program=program, kind=told["kind"],
        **_read_texts({text: told[text] for text in TEXTS}),
        codes=told["codes"], alphabet=rules.alphabet_of(told["alphabet"]), code_length=rules.length_of(told["code_length"]),
        capacity=_read_count(told["capacity"], "capacity"), per_customer=_read_count(told["per_customer"], "per_customer"),
        per_coupon=1 if per_coupon is None else per_coupon, valid_from=begins, valid=length, valid_until=until,
        issue_from=opens, issue_until=closes, benefit={} if benefit is None else _read_benefit(business, benefit),
        **flags, created_at=business.now(),
    )
    if series.codes == "unique":
        rules.check_space(series.alphabet, series.code_length, series.capacity, guessable=guessable)
    return series


def _read_benefit(business: Business, given: Mapping[str, Any]) -> dict[str, Any]:
    return benefits.to_json(benefits.parse(given, currency=business.currency, amount=business.amount))


def _shared_code(business: Business, writer: Writer, series: CouponSeries, given: str | None) -> str:
    """Return the code of all coupons of the series: the owner's own, which nothing else may have, or one that is made."""
    if given is None:
        return fresh(business, series, 1)[0]
    code = rules.shared_code(given)
    writer.claim(CODES, [code])
    if find_by_code(writer, code) is not None:
        raise Conflict("another coupon or series has this code already; choose another one")
    return code


def _read_validity(business: Business, valid_from: Any, valid: Any) -> tuple[str | None, str | None, datetime | None]:
    """Return from when coupons are valid, a span or an instant as text, and a span as text or the end of the last good day."""
    begins = None if valid_from is None else beginning(valid_from, business.now(), business.zone)
    length = _read_span(valid)
    until = expiry(valid, business.now(), business.zone, field="valid") if length is None and valid is not None else None
    if begins is not None and until is not None and until <= begins:
        raise Malformed("the coupons would end before they are valid; let valid_from be earlier", field="valid_from")
    return None if begins is None else _read_span(valid_from) or begins.isoformat(), length, until


def _read_span(given: Any) -> str | None:
    """Return a span as its text, None for what is none."""
    try:
        return None if given is None else str(span(given))
    except Malformed:
        return None


def _read_texts(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        text: _read_by_locale(value, text) if text.endswith("s") else checked(value, field=text) for text, value in told.items()
    }


def _check_window(opens: datetime | None, closes: datetime | None) -> None:
    if opens is not None and closes is not None and closes <= opens:
        raise Malformed("issue_until lies before issue_from; nothing could be issued", field="issue_until")


def _read_capacity(series: CouponSeries, given: int | None) -> int | None:
    capacity = _read_count(given, "capacity")
    if capacity is not None and capacity < series.issued:
        raise Malformed(f"{series.issued:,} coupons are issued already; capacity cannot be less", field="capacity")
    if series.codes == "unique":
        rules.check_space(series.alphabet, series.code_length, capacity)
    return capacity


def _read_count(value: int | None, name: str) -> int | None:
    message = f"{name} is a whole number from 1 on, or None for no limit"
    return None if value is None else whole_number(value, 1, LARGEST_COUNT, field=name, message=message)


def _read_by_locale(given: Mapping[str, str] | None, name: str) -> dict[str, str]:
    if not isinstance(given, Mapping | None):
        raise Malformed(f"{name} are texts by locale, e.g. {{'fi': 'Tervetuloa'}}", field=name)
    return {
        checked(locale, field=name, limit=LOCALE_LIMIT): checked(text, field=f"{name}.{locale}")
        for locale, text in (given or {}).items()
    }


# budgets -----------------------------------------------------------------------------------------


def _read_budget(business: Business, series: str, given: Any, *, spent: int = 0) -> SeriesBudget | None:
    if given is None:
        return None
    amount = business.amount(given, field="budget")
    if amount.minor < 0:
        raise Malformed("a budget is not negative", field="budget")
    return SeriesBudget(series=series, budget=amount.minor, currency=amount.currency, spent=spent)


def _change_budget(business: Business, writer: Writer, series: CouponSeries, given: Any) -> None:
    """Set or lift the budget. One that was not there before knows what was spent until now."""
    held = writer.hold(SeriesBudget, series.name)
    budget = _read_budget(business, series.name, given, spent=_sum_spent(writer, series) if held is None else held.spent)
    if budget is None:
        writer.remove(SeriesBudget, series.name)
        return
    if budget.budget < budget.spent:
        spent = Money.from_minor(budget.spent, budget.currency)
        raise Malformed(f"{spent} is spent already; the budget cannot be less", field="budget")
    writer.put([budget])


def _sum_spent(reader: Reader, series: CouponSeries) -> int:
    """Return what the redemptions that stand have cost, in minor units."""
    standing = {"series": series.name, "restored_at": None}
    return sum(
        total
        for record in (Redemption, GuestRedemption)
        for (total,) in reader.totals(record, standing, of="discount", beyond={"discount": 0})
    )
