"""What the owner has laid down: settings, saved filters, and the terms of programs, series and rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any, Final

from custcrm.actions.coupons.limits import GUEST_KEY
from custcrm.business import Business
from custcrm.records import Account, Category, CouponSeries, EarningRule, GuestRedemption, Program, SavedSegment, Setting
from custcrm.rules import benefits, codes
from custcrm.rules.tiers import read_keep
from custcrm.storage.protocol import Reader
from custcrm.values.errors import CrmError, Malformed
from custcrm.values.money import exponent
from custcrm.values.periods import Span, beginning
from custcrm.values.phones import PHONES
from custcrm.values.places import country, zone
from custcrm.values.shapes import one_of
from custcrm.verifying.report import Findings, ids_of

_KEY: Final = re.compile(r"[0-9a-f]{64}")


def _guest_key(value: str) -> None:
    if not _KEY.fullmatch(value):
        raise Malformed("the key of the guests' hashes is not one", field=GUEST_KEY)


SETTINGS: Final[Mapping[str, Callable[[str], object]]] = {
    "currency": exponent, "timezone": zone, "country": country, "phones": partial(one_of, known=PHONES, field="phones"),
    GUEST_KEY: _guest_key,
}
"""How settings are read; others are texts."""


def check_terms(business: Business, reader: Reader, found: Findings) -> None:
    """Look at all that was laid down."""
    for setting in reader.find(Setting):
        found.look("terms")
        if setting.name in SETTINGS:
            _try("terms", setting, "value", partial(SETTINGS[setting.name], setting.value), found)
    for record in (SavedSegment, Category, EarningRule):
        for each in _all(reader, record):
            if each.filter is not None:
                found.look("filters")
                _try("filters", each, "filter", partial(business.parse, each.filter), found)
    for program in reader.find(Program):
        found.look("terms")
        _try("terms", program, "reversal_grace", partial(_read_span, program.reversal_grace), found)
    for category in reader.find(Category):
        _try("terms", category, "keep", partial(read_keep, category.keep), found)
    for rule in reader.find(EarningRule):
        found.look("terms")
        _try("terms", rule, "expires", partial(_read_span, rule.expires), found)
        _try("terms", rule, "valid_from", partial(_read_validity, business, rule), found)
        _try("terms", rule, "factor", partial(Fraction, rule.factor or "1"), found)
        if rule.ends_at is not None and rule.starts_at is not None and rule.ends_at < rule.starts_at:
            found.add("terms", EarningRule, ids_of(rule), "it ends before it begins")
        if rule.points < 0 or (rule.amount is not None and rule.amount.minor <= 0):
            found.add("terms", EarningRule, ids_of(rule), "it gives points for less than nothing")
    for account in reader.find(Account):
        found.look("terms")
        if account.credit_units < 0 or (account.credit_limit is not None and account.credit_limit.minor < 0):
            found.add("terms", Account, ids_of(account), "it may go less than nothing below nought")
    if reader.get(Setting, GUEST_KEY) is None and any(reader.find(GuestRedemption, limit=1)):
        found.add("terms", Setting, (GUEST_KEY,), "the key by which guests are known is lost")
    for series in reader.find(CouponSeries):
        found.look("terms")
        for fault in _faults_of(business, series):
            found.add("terms", CouponSeries, ids_of(series), fault)


def _faults_of(business: Business, series: CouponSeries) -> list[str]:
    tried: Mapping[str, Callable[[], object]] = {
        "valid": lambda: _read_span(series.valid),
        "valid_from": lambda: series.valid_from and beginning(series.valid_from, series.created_at, business.zone),
        "benefit": lambda: _read_benefit(business, series.benefit),
        "alphabet": lambda: codes.alphabet_of(series.alphabet),
        "code_length": lambda: codes.length_of(series.code_length),
    }
    faults = [f"{name} cannot be read" for name, read in tried.items() if not _is_read(read)]
    if (series.shared_code is None) is (series.codes == "shared"):
        faults.append("it has one code for all just when its codes are unique")
    if series.per_coupon < 1 or (series.per_customer is not None and series.per_customer < 1):
        faults.append("its limits for a coupon and a customer are from 1 on")
    if series.issue_from is not None and series.issue_until is not None and series.issue_until <= series.issue_from:
        faults.append("its window closes before it opens")
    return faults


def _read_span(text: str | None) -> None:
    if text is not None:
        Span.parse(text)


def _read_validity(business: Business, rule: EarningRule) -> None:
    if rule.valid_from is not None:
        beginning(rule.valid_from, rule.created_at, business.zone)


def _read_benefit(business: Business, kept: Mapping[str, Any]) -> None:
    """Read a benefit as it is kept; one that says nothing is none."""
    benefits.from_json(kept)
    if kept and kept.get("currency") != business.currency:
        raise Malformed("the benefit is in another currency", field="benefit")


def _try(check: str, record: object, name: str, read: Callable[[], object], found: Findings) -> None:
    if not _is_read(read):
        found.add(check, type(record), ids_of(record), f"{name} cannot be read")


def _is_read(read: Callable[[], object]) -> bool:
    try:
        read()
    except (CrmError, ValueError, TypeError, LookupError, ArithmeticError):
        return False
    return True


def _all(reader: Reader, record: type) -> Any:
    return reader.find(record)
