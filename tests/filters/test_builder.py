"""Filters as Python expressions say what their text says, and their mistakes are found in their own line."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from custcrm.filters import FALSE, TRUE, Filter, FilterError, LimitExceeded, Schema, ago, from_now, now, segment, today
from tests.filters.conformance import FIELDS, METRICS

schema = Schema(
    FIELDS | {"lines": FIELDS["sales"].fields["lines"], "count": int},  # type: ignore[union-attr]
    currency="EUR",
    timezone="Europe/Helsinki",
    metrics=METRICS,
    segments={"vips": "tags.VIP EXISTS"},
)
F: Any = schema.fields
s = F.sales

SAME: list[tuple[Any, str]] = [
    ((F.country == "FI") & ~(F.visits > 3) | F.accepts_marketing, "country = 'FI' AND NOT visits > 3 OR accepts_marketing"),
    (F.accepts_marketing & (F.visits == 1), "accepts_marketing AND visits = 1"),
    (~F.accepts_marketing, "NOT accepts_marketing"),
    (F.accepts_marketing | ~F.accepts_marketing, "accepts_marketing OR NOT accepts_marketing"),
    (F.country != "FI", "country <> 'FI'"),
    (F.visits <= 3, "visits <= 3"),
    (F.visits > 3, "visits > 3"),
    (F.phone.exists(), "phone EXISTS"),
    (F.country.is_in(["FI", "SE"]), "country IN ('FI', 'SE')"),
    (F.country.is_in({"SE", "FI"}), "country IN ('FI', 'SE')"),
    (F.country.is_in(c for c in ("FI",)), "country = 'FI'"),
    (F.country.is_in([]), "FALSE"),
    (F.visits.between(1, F.visits + 5), "visits BETWEEN 1 AND visits + 5"),
    (F.first_name.like("A%"), "first_name LIKE 'A%'"),
    (F.email.contains("@"), "email CONTAINS '@'"),
    (F.email.starts_with("a"), "email STARTS WITH 'a'"),
    (F.email.ends_with(".fi"), "email ENDS WITH '.fi'"),
    (F.first_name.casei().accenti() == "jose", "ACCENTI(CASEI(first_name)) = 'jose'"),
    (F["and"] == "x", "\"and\" = 'x'"),
    (F["count"] == 1, "count = 1"),
    (F.programs["gold"].points > 100, "programs.gold.points > 100"),
    (F.programs.gold.exists(), "programs.gold EXISTS"),
    (F.tags["Family member"] == "x", "tags.\"Family member\" = 'x'"),
    (F.tags.VIP.exists(), "tags.VIP EXISTS"),
    (F.sales_total / 3 > F.credit, "sales_total / 3 > credit"),
    (2 * F.visits - 1 > 5 - F.visits, "2 * visits - 1 > 5 - visits"),
    (-F.visits + 1 == 1 + F.visits**2, "-visits + 1 = 1 + visits ^ 2"),
    (F.visits.div(2) == F.visits.mod(3), "visits DIV 2 = visits % 3"),
    (100 / F.visits > Decimal("1.5"), "100 / visits > 1.5"),
    (
        F.birth_date.anniversary().between(today(), from_now("7 days")),
        "ANNIVERSARY(birth_date) BETWEEN today() AND from_now('7 days')",
    ),
    (F.birth_date == date(1980, 1, 2), "birth_date = DATE('1980-01-02')"),
    (F.last_sale_at < datetime(2026, 1, 1, tzinfo=UTC), "last_sale_at < TIMESTAMP('2026-01-01T00:00:00Z')"),
    (F.last_sale_at >= ago(timedelta(days=30)), "last_sale_at >= ago('30 days')"),
    (ago("1 month") <= F.last_sale_at, "last_sale_at >= ago('1 month')"),
    (F.last_sale_at < now(), "last_sale_at < now()"),
    (F.age >= 18, "age >= 18"),
    (s.where(s.occurred_at >= ago("12 months")).count() > 5, "COUNT(sales WHERE occurred_at >= ago('12 months')) > 5"),
    (s.where(s.point_of_sale == "Harbour").total.sum() > 500, "SUM(sales.total WHERE point_of_sale = 'Harbour') > 500"),
    (s.total.max() > s.total.avg(), "MAX(sales.total) > AVG(sales.total)"),
    (s.total.min() * 2 > 5, "MIN(sales.total) * 2 > 5"),
    (s.exists() & (s.count() == 1), "EXISTS(sales) AND COUNT(sales) = 1"),
    (
        s.where(s.lines.where(s.lines.category == "Red").exists()).exists(),
        "EXISTS(sales WHERE EXISTS(lines WHERE category = 'Red'))",
    ),
    (s.where(s.lines.quantity.sum() > 3).count() > 1, "COUNT(sales WHERE SUM(lines.quantity) > 3) > 1"),
    (F.lines.quantity.sum() > 3, "SUM(lines.quantity) > 3"),
    (s.where(s.total > 1).where(s.total < 9).count() > 1, "COUNT(sales WHERE total > 1 AND total < 9) > 1"),
    (s.where(TRUE).count() > 1, "COUNT(sales WHERE TRUE) > 1"),
    (segment("vips") & (F.visits > 1), "SEGMENT('vips') AND visits > 1"),
    ((F.visits > 1) & ~segment("vips"), "visits > 1 AND NOT SEGMENT('vips')"),
    ((F.visits > 1) & (TRUE | FALSE), "visits > 1 AND (TRUE OR FALSE)"),
    (F.visits.exists() & ~F.visits.is_in([3]), "visits EXISTS AND visits <> 3"),
]


@pytest.mark.feature("X10")
@pytest.mark.parametrize(("built", "text"), SAME, ids=[text for _, text in SAME])
def test_an_expression_is_the_filter_of_its_text(built: Filter, text: str) -> None:
    assert isinstance(built, Filter)
    assert built == schema.parse(text)
    assert schema.parse(str(built)) == built
    assert schema.from_json(built.to_json()) == built


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: F.contry, "unknown_field"),
    (lambda: F["contry"], "unknown_field"),
    (lambda: F.programs.gld, "unknown_value"),
    (lambda: F.programs.gold.pts, "unknown_field"),
    (lambda: F.country.length, "unknown_field"),
    (lambda: s.ttal, "unknown_field"),
    (lambda: (F.visits + 1).x, "arguments"),
    (lambda: F.visits > "5", "type"),
    (lambda: F.kind > "person", "type"),
    (lambda: F.kind == "persn", "unknown_value"),
    (lambda: F.sales_total > Decimal("12.505"), "type"),
    (lambda: F.visits == 1.5, "value"),
    (lambda: F.visits == None, "value"),  # noqa: E711  # what people write
    (lambda: F.last_sale_at > datetime(2026, 1, 1), "value"),
    (lambda: F.country.is_in("FI"), "value"),
    (lambda: ago("12m"), "span"),
    (lambda: F.birth_date > ago("3 hours"), "type"),
    (lambda: F.visits / 0, "number"),
    (lambda: F.country + 1, "type"),
    (F.visits.casei, "type"),
    (lambda: F.visits.like("1%"), "type"),
    (F.visits.sum, "arguments"),
    (F.visits.count, "arguments"),
    (lambda: F.visits.where(F.visits > 1), "arguments"),
    (s.sum, "arguments"),
    (s.lines.sum, "arguments"),
    (lambda: s.where(s.total > 1).total > 5, "arguments"),
    (lambda: s.where(F.visits > 1), "out_of_scope"),
    (lambda: s.where(s.lines.quantity > 1), "out_of_scope"),
    (lambda: s.total > F.sales_total, "out_of_scope"),
    (lambda: s.lines.quantity > F.lines.quantity, "out_of_scope"),
    (lambda: (s.total > 1) & F.accepts_marketing, "out_of_scope"),
    (lambda: F.accepts_marketing & (s.total > 1), "out_of_scope"),
    (lambda: F.visits & (F.visits > 1), "not_a_condition"),
    (lambda: ~F.visits, "not_a_condition"),
    (lambda: F.visits == (F.visits > 1), "not_a_value"),
    (lambda: F.visits == segment("vips"), "not_a_value"),
    (lambda: (F.visits > 1) & segment("vip"), "unknown_value"),
    (F.tags.exists, "type"),
]


@pytest.mark.parametrize(("build", "kind"), WRONG, ids=[f"{kind} {index}" for index, (_, kind) in enumerate(WRONG)])
def test_a_mistake_is_found_at_once(build: Callable[[], object], kind: str) -> None:
    with pytest.raises(FilterError) as caught:
        build()
    assert caught.value.kind == kind
    assert caught.value.span is None


@pytest.mark.parametrize(
    "use",
    [
        lambda: bool(F.visits > 3),
        lambda: bool(F.accepts_marketing),
        lambda: 1 < F.visits < 5,
        lambda: F.country in ["FI", "SE"],
        lambda: "FI" in F.country,
        lambda: list(F.tags),
        lambda: F.visits > 1 & F.visits,
        lambda: F.visits & 1,
        lambda: F.sales[0],
        lambda: hash(F.visits),
        lambda: F.visits == F.visits and F.visits,
        lambda: F.country == Schema({"country": str}).fields.country,
        lambda: (F.visits > 1) & (Schema({"visits": int}).fields.visits > 1),
    ],
)
def test_what_python_cannot_mean_is_a_type_error(use: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        use()


def test_the_advice_is_in_the_type_error() -> None:
    with pytest.raises(TypeError, match=r"Use & \| ~ with parentheses"):
        bool(F.visits > 3)
    with pytest.raises(TypeError, match="put parentheses round each comparison"):
        F.visits > 1 & F.visits  # noqa: B015


def test_names_can_be_completed() -> None:
    assert {"country", "age", "sales"} <= set(dir(F))
    assert {"total", "lines", "count"} <= set(dir(s))
    assert not hasattr(F, "__wrapped__")


def test_a_repr_shows_no_constant_beside_a_personal_field() -> None:
    assert repr(F.visits + 1) == "<Value visits + 1>"
    assert "Anna" not in repr(s.where(s.point_of_sale == "Anna"))


def test_a_sum_that_grows_without_end_is_stopped() -> None:
    value = F.visits
    for _ in range(16):
        value = value + 1
    with pytest.raises(LimitExceeded):
        value + 1
