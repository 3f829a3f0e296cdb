"""Hypothesis strategies for what a store can be asked: filters over customers, values to show, orders, verdicts.

Filters are written as text, so that what fails can be read and pasted. Constants are those of `testing.bases`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from hypothesis import strategies as st

from custcrm import vocabulary
from custcrm.filters import Filter, Schema
from custcrm.filters.ir.nodes import Shown
from custcrm.storage.questions import Order, Question, Verdict
from custcrm.testing.bases import ACCOUNTS, CATEGORIES, COUNTRIES, CURRENCY, INSTANTS, KEYS, NOW, PROGRAMS, TEXTS
from custcrm.values.errors import Reason

SCHEMA: Final[Schema] = vocabulary.schema(currency=CURRENCY, timezone="Europe/Helsinki", programs=PROGRAMS)
"""The words of the generated filters; its days are not those of UTC."""


def _quoted(text: str, quote: str = "'") -> str:
    return f"{quote}{text.replace(quote, quote * 2)}{quote}"


_TEXT = st.sampled_from([_quoted(text) for text in (*TEXTS, *COUNTRIES, "anna1@example.org")])
_FINE: Final = "(9223372036 + 0.854775807)"  # nine decimals, at the end of 64 bits without its point
_NUMBER = st.sampled_from(["-1", "0", "1", "2", "5", "9007199254740993", "9223372036854775807", "0.333333333", _FINE])
_MONEY = st.sampled_from(["0", "0.01", "12.5", "500", "1000", "(92233720368547758 + 0.07)"])
_SPAN = st.sampled_from(["'1 day'", "'30 days'", "'12 months'", "'18 years'"])
_ORDER = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
_PROGRAM = st.sampled_from(PROGRAMS)
_KEY = st.sampled_from([_quoted(key, '"') for key in KEYS])
_ACCOUNT = st.sampled_from([_quoted(name, '"') for name in ACCOUNTS])
_PLACE = st.sampled_from(
    ["point_of_sale = 'Harbour'", "terminal = 'till 2'", "program = 'gold'", "program DOES NOT EXIST"]
)
_DAY = st.one_of(
    st.sampled_from(["today()", "DATE('2026-11-21')", "DATE('2026-11-20')", "DATE('1980-02-29')"]),
    st.sampled_from(["DATE('0001-01-01')", "DATE('9999-12-31')"]),
    _SPAN.map("ago({})".format),
)
_INSTANT = st.one_of(
    st.sampled_from([f"TIMESTAMP('{each.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}')" for each in INSTANTS]),
    st.sampled_from(["now()", "ago('3 hours')", "from_now('36 hours')"]),
    st.sampled_from(["TIMESTAMP('0001-01-01T00:00:00Z')", "TIMESTAMP('9999-12-31T23:59:59.999999Z')"]),
    _DAY,
)


def _of(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda given: form.format(*given))


_TEXT_FIELD = st.one_of(
    st.sampled_from(["first_name", "last_name", "email", "phone", "country", "id"]),
    _of("tags.{}", _KEY), _of("attributes.{}", _KEY), _of("external_ids.{}", _KEY),
    _of("programs.{}.category", _PROGRAM),
)  # fmt: skip


def _fold(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(["CASEI({})", "ACCENTI({})", "ACCENTI(CASEI({}))"]), text).map(
        lambda given: given[0].format(given[1])
    )


_FOLDED_FIELD = _fold(_TEXT_FIELD)
_FOLDED_TEXT = st.one_of(
    _TEXT,
    st.sampled_from(["'anna'", "'ake'", "'åke'", "'josé'", "'jose'", "'strasse'", "'rosé'", "'rose'", "'toolo'", "'elite'"]),
)
_NUMBER_VALUE = st.one_of(
    st.sampled_from([
        "payment_terms_days", "payment_terms_days + 1", "payment_terms_days * 3 - 2", "payment_terms_days % 2",
        "payment_terms_days / 2", "sales_count", "units_total", "units_12_months", "visits_count", "COUNT(coupons)",
        "SUM(lines.quantity)", "SUM(refunds.lines.quantity)", "COUNT(sales.lines)", "COUNT(refunds.lines WHERE amount > 1)",
        "AVG(sales.units)", "MAX(sales.units)", "COUNT(messages WHERE status = 'sent')",
        "COUNT(sales)", "COUNT(refunds)", "SUM(refunds.units)", "COUNT(sales) - COUNT(refunds)", "COUNT(redemptions)",
        "points_pending", "COUNT(inbox)", "SUM(account_entries.units)", "AVG(account_entries.units)",
    ]),
    _of("programs.{}.points", _PROGRAM), _of("programs.{}.available", _PROGRAM), _of("programs.{}.pending", _PROGRAM),
    _of("accounts.{}.units", _ACCOUNT), _of("accounts.{}.credit_units", _ACCOUNT),
    _of(
        "COUNT({} WHERE {})",
        st.sampled_from([
            "sales", "refunds", "lines", "refunds.lines", "redemptions", "points_entries", "account_entries",
        ]),
        _PLACE,
    ),
    _of("SUM(points_entries.delta WHERE kind = '{}')", st.sampled_from(["credit", "spend", "reverse"])),
    _of("SUM(points_entries.delta WHERE program = '{}')", _PROGRAM),
)  # fmt: skip
_MONEY_VALUE = st.one_of(
    st.sampled_from([
        "credit_limit", "sales_total", "average_check", "credit_limit - sales_total", "credit_limit * 2", "sales_total / 3",
        "MIN(sales.total)", "MAX(sales.total WHERE point_of_sale = 'Airport')", "SUM(lines.amount WHERE category = 'Red')",
        "SUM(lines.amount) - SUM(refunds.lines.amount)", "MAX(refunds.lines.amount)",
        "SUM(sales.total)", "AVG(sales.total)", "SUM(refunds.total)", "sales_total - SUM(refunds.total)",
        "SUM(redemptions.discount)", "MAX(redemptions.discount)", "SUM(account_entries.amount)",
    ]),
    _of("accounts.{}.balance", _ACCOUNT), _of("accounts.{}.credit_limit", _ACCOUNT),
)  # fmt: skip
_WIDE_NUMBER = st.sampled_from([
    "payment_terms_days * units_total", f"payment_terms_days * {_FINE}", f"units_total / {_FINE}",
    "payment_terms_days * 9223372036854775807", "payment_terms_days ^ 2 - units_total DIV 2",
    "payment_terms_days ^ 2 % (units_total + 2)",
])  # fmt: skip
_WIDE_MONEY = st.sampled_from([
    "credit_limit * payment_terms_days", "credit_limit * 1.000000001", "sales_total * 0.999999999",
    "average_check * 1.000000001", "credit_limit / payment_terms_days", "credit_limit * 3 - sales_total",
])  # fmt: skip
"""What goes beyond 64 bits, and beside a constant stays within 38 digits."""
_ALMOST_38_DIGITS: Final = "9223372036854775807 ^ 2"
_OVERFLOWING = st.sampled_from([
    each.format(_ALMOST_38_DIGITS)
    for each in (
        "(sales_count + 1) ^ 9 * {} > 1", "sales_count IN (0, 1, (sales_count + 1) ^ 9 * {})",
        "sales_count BETWEEN 1 AND (sales_count + 1) ^ 9 * {}", "(sales_count + 2) ^ 9 * {} > 1",
        "EXISTS(sales WHERE units > 1 OR (units + 1) ^ 9 * {} > 1)",
        "COUNT(sales WHERE units < 1 AND (units + 1) ^ 9 * {} > 1) > 0",
        "EXISTS(sales WHERE (units + 1) ^ 9 * {} = 1)", "payment_terms_days ^ 9 * {} EXISTS",
    )
])  # fmt: skip
"""What may be the error `overflow`, unless something beside it decides."""
_INSTANT_VALUE = st.one_of(
    st.sampled_from(["signed_up_at", "first_sale_at", "last_sale_at", "last_visit_at", "MIN(coupons.issued_at)"]),
    st.sampled_from(["MAX(refunds.occurred_at)", "MAX(redemptions.redeemed_at)", "MIN(inbox.distributed_at)"]),
    _of("accounts.{}.opened_at", _ACCOUNT),
    _of("programs.{}.joined_at", _PROGRAM), _of("programs.{}.confirmed_at", _PROGRAM),
    _of("programs.{}.kept_until", _PROGRAM),
)  # fmt: skip
_VALUE = st.one_of(
    _TEXT_FIELD, _FOLDED_FIELD, _NUMBER_VALUE, _MONEY_VALUE, _WIDE_NUMBER, _WIDE_MONEY, _INSTANT_VALUE,
    st.sampled_from(["birth_date", "age", "days_since_last_sale", "kind", "loyalty_eligible"]),
    _of("programs.{}.access", _PROGRAM),
)  # fmt: skip
_CONDITION = st.one_of(
    _of("{} {} {}", _TEXT_FIELD, _ORDER, _TEXT),
    _of("{} LIKE {}", _TEXT_FIELD, st.sampled_from(["'A%'", "'%n_a'", "'%'", r"'%\%%'", "'_'", "''"])),
    _of("{} {} {}", _TEXT_FIELD, st.sampled_from(["CONTAINS", "STARTS WITH", "ENDS WITH"]), _TEXT),
    _of("{} IN ({}, {})", _TEXT_FIELD, _TEXT, _TEXT),
    _of("{} {} {}", _FOLDED_FIELD, _ORDER, _FOLDED_TEXT),
    _of("{} {} {}", _FOLDED_FIELD, st.sampled_from(["LIKE", "CONTAINS", "STARTS WITH", "ENDS WITH"]), _FOLDED_TEXT),
    _of("{} IN ({}, {})", _FOLDED_FIELD, _FOLDED_TEXT, _FOLDED_TEXT),
    _of("EXISTS({} WHERE {})", st.sampled_from(["sales", "refunds", "redemptions", "points_entries"]), _of(
        "{} = {}", _fold(st.sampled_from(["point_of_sale", "terminal", "program"])), _FOLDED_TEXT
    )),
    _of("EXISTS(contact_points WHERE {} LIKE {})", _fold(st.just("value")), st.sampled_from(["'josé@%'", "'jose@%'", "'+%'"])),
    _of("COUNT(contact_points WHERE kind = 'email' AND recorded_at < {}) > 0", _INSTANT),
    _of("EXISTS(lines WHERE {} = {})", _fold(st.sampled_from(["product", "category"])), _FOLDED_TEXT),
    _of("{} {} {}", _NUMBER_VALUE, _ORDER, _NUMBER),
    _of("{} {} {}", _NUMBER_VALUE, _ORDER, _NUMBER_VALUE),
    _of("{} {} {}", _MONEY_VALUE, _ORDER, _MONEY),
    _of("{} {} {}", _MONEY_VALUE, _ORDER, _MONEY_VALUE),
    _of("{} {} {}", _WIDE_NUMBER, _ORDER, _NUMBER),
    _of("{} IN ({}, {})", _WIDE_NUMBER, _NUMBER, _NUMBER),
    _of("{} {} {}", _WIDE_MONEY, _ORDER, _MONEY),
    _of("{} {} {}", _INSTANT_VALUE, _ORDER, _INSTANT),
    _of("{} BETWEEN {} AND {}", _INSTANT_VALUE, _INSTANT, _INSTANT),
    _of("birth_date {} {}", _ORDER, _DAY),
    _of("ANNIVERSARY(birth_date) BETWEEN {} AND from_now('40 days')", _DAY),
    _of("{} {} {}", st.sampled_from(["age", "days_since_last_sale"]), _ORDER, _NUMBER),
    _of("{} EXISTS", _VALUE),
    _of("programs.{} EXISTS", _PROGRAM),
    _of("accounts.{} EXISTS", _ACCOUNT),
    _of("programs.{}.access = '{}'", _PROGRAM, st.sampled_from(["full", "limited", "none"])),
    _of("programs.{}.category = '{}'", _PROGRAM, st.sampled_from(CATEGORIES)),
    st.sampled_from(["kind = 'person'", "loyalty_eligible", "TRUE", "FALSE"]),
    _of("EXISTS(sales WHERE {} AND total > {})", _PLACE, _MONEY),
    _of("EXISTS(sales WHERE NOT EXISTS(lines WHERE category = 'Red' AND price >= {}))", _MONEY),
    _of("EXISTS(refunds WHERE EXISTS(lines WHERE quantity > {}))", _NUMBER),
    _of("EXISTS(consents WHERE channel = 'sms' AND granted AND occurred_at < {})", _INSTANT),
    _of("EXISTS(coupons WHERE revoked_at DOES NOT EXIST AND NOT expires_at <= {})", _INSTANT),
    _of("EXISTS(refunds WHERE kind = '{}' AND total <= -{})", st.sampled_from(["refund", "chargeback", "sale"]), _MONEY),
    _of("EXISTS(redemptions WHERE reference EXISTS AND {} AND redeemed_at > {})", _PLACE, _INSTANT),
    _of("EXISTS(inbox WHERE NOT ends_at <= {})", _INSTANT),
    _of("EXISTS(account_entries WHERE kind <> 'spend' AND {})", _PLACE),
    _of("EXISTS(points_entries WHERE offer = 'welcome' AND {})", _PLACE),
    _of("EXISTS(activities WHERE kind = 'visit' AND status <> 'spoke' AND occurred_at >= {})", _INSTANT),
)

def _joined(conditions: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        conditions,
        lambda inner: st.one_of(
            _of("NOT ({})", inner), _of("({}) AND ({})", inner, inner), _of("({}) OR ({})", inner, inner)
        ),
        max_leaves=6,
    )


TEXTS_OF_FILTERS: Final[st.SearchStrategy[str]] = _joined(_CONDITION)
_TEXTS_THAT_MAY_OVERFLOW: Final[st.SearchStrategy[str]] = _joined(st.one_of(*[_CONDITION] * 8, _OVERFLOWING))


def filters(*, overflowing: bool = False) -> st.SearchStrategy[Filter]:
    """Return filters over the customers of `testing.bases`; with `overflowing` some may be the error `overflow`."""
    return (_TEXTS_THAT_MAY_OVERFLOW if overflowing else TEXTS_OF_FILTERS).map(SCHEMA.parse)


def questions(*, overflowing: bool = False) -> st.SearchStrategy[Question]:
    """Return filters asked now, or as of some earlier or later instant, some of them within a scope."""
    asked_at: st.SearchStrategy[tuple[datetime, bool]] = st.one_of(
        st.just((NOW, False)), st.tuples(st.sampled_from(INSTANTS), st.just(True))
    )
    asked = filters(overflowing=overflowing)
    return st.builds(lambda each, at, scope: Question(each.scoped(**scope), *at), asked, asked_at, _SCOPE)


_SCOPE = st.sampled_from([{}, {}, {}, {"program": "gold"}, {"point_of_sale": "Harbour"}, {"terminal": "till 2"}])


def shown() -> st.SearchStrategy[Shown]:
    """Return values to show of a customer."""
    return st.builds(lambda text, scope: SCHEMA.parse_value(text).scoped(**scope).lowered, _VALUE, _SCOPE)


def orders() -> st.SearchStrategy[list[Order]]:
    """Return up to two keys to sort by."""
    return st.lists(st.builds(Order, shown(), descending=st.booleans(), missing_first=st.booleans()), max_size=2)


def verdicts(*, overflowing: bool = False) -> st.SearchStrategy[Verdict]:
    """Return up to three rules, each with another reason."""
    rule = st.tuples(st.sampled_from(Reason), filters(overflowing=overflowing))
    return st.lists(rule, max_size=3, unique_by=lambda each: each[0]).map(tuple).map(Verdict)
