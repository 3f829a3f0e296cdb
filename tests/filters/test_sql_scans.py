"""Aggregates over the same records share one sub-query: what shares, what does not, and that it changes no answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters.lowered import (
    All,
    Always,
    Any,
    Calculation,
    Choose,
    Condition,
    Constant,
    Entry,
    HasEntry,
    Member,
    MonthDay,
    Negated,
    Present,
    Shown,
    Some,
    Total,
    Unscaled,
    Value,
)
from custcrm.filters.lowered import (
    Test as Compare,
)
from custcrm.filters.schema import Schema
from custcrm.filters.targets import sql_scans
from custcrm.filters.targets.sql import TableSource, bind_moments, compile_condition, compile_value, is_overflow
from custcrm.filters.types import Integer
from custcrm.testing import strategies
from tests.filters.sql_stored import StoredSource, declare, stored
from tests.filters.sql_tables import IDS, PEOPLE, SOURCE, asker, clause, column

SQLITE = sa.create_engine("sqlite://").dialect
MANY = 1_000

EARLIER = Compare("<", column("total"), Constant(300_00))
ALL_SALES = Total("count", "sales", None, None)
COUNT = Total("count", "sales", column("total"), None)
TOTAL = Total("sum", "sales", column("total"), None)
LOWEST = Total("min", "sales", column("total"), None)
HIGHEST = Total("max", "sales", column("total"), None)
LATEST = Total("max", "sales", column("occurred_at"), None)
SMALL = Total("count", "sales", None, EARLIER)
GOLD = Entry("programs", "gold", "points", Integer())

SOME = Compare(">", ALL_SALES, Constant(0))
MUCH = Compare(">", TOTAL, Constant(100_00))
DEAR = Compare(">", HIGHEST, Constant(90_00))
ANNA = Compare("=", column("name"), Constant("Anna"))
AVERAGE = Compare(">", TOTAL, Calculation("*", Constant(200_00), COUNT))


def scans(condition: Condition, *, certain: bool = False) -> int:
    """Return how many sub-queries over sales are in the statement."""
    return text(clause(condition, certain=certain)).count("FROM sales")


def text(element: sa.ColumnElement) -> str:
    return str(sa.select(PEOPLE.c.id).where(element).compile(dialect=SQLITE))


@contextmanager
def apart() -> Iterator[None]:
    """Give each Total a sub-query of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql_scans, "_scan", lambda _: None)
        yield


# what shares, and with which answer --------------------------------------------------------------

SHARED: dict[str, tuple[Condition, int, set[int]]] = {
    "and": (All((SOME, MUCH)), 1, {1}),
    "or": (Any((MUCH, SOME)), 1, {1, 2}),
    "four of a kind": (All((SOME, MUCH, DEAR, Present(LOWEST))), 1, {1}),
    "negated, unknown over nothing": (All((SOME, Negated(DEAR))), 1, {2}),
    "either negated": (Any((MUCH, Negated(DEAR))), 1, IDS),
    "average": (All((Compare(">", COUNT, Constant(0)), AVERAGE)), 1, {1}),
    "one leaf, two totals": (AVERAGE, 1, {1}),
    "one leaf negated": (Negated(AVERAGE), 1, {2, 3, 4}),
    "one total, written twice": (
        Compare(">", Calculation("*", HIGHEST, HIGHEST), Constant(1)),
        1,
        {1},
    ),
    "unscaled": (Compare(">", Unscaled(LOWEST, 3), Constant(1)), 1, {1}),
    "present": (Present(Calculation("+", LOWEST, HIGHEST)), 1, {1}),
    "absent": (Negated(Present(Calculation("+", LOWEST, HIGHEST))), 1, {2, 3, 4}),
    "month and day": (
        MonthDay(LATEST, ((Constant(101), Constant(130)), (Constant(1101), Constant(1130)))),
        1,
        {1, 2},
    ),
    "with the row's columns": (All((SOME, Compare("<", column("visits"), TOTAL))), 1, {1}),
    "with a column that is unknown": (Negated(Compare("<", column("visits"), Calculation("+", TOTAL, COUNT))), 1, {2, 3, 4}),
    "with an entry": (All((SOME, Compare("<=", GOLD, TOTAL))), 1, {1}),
    "with the row's conditions": (
        Compare(">", Choose(HasEntry("tags", "VIP"), TOTAL, COUNT), Constant(-1)),
        1,
        IDS,
    ),
    "with other operands": (All((ANNA, SOME, Negated(Always(truth=False)) if False else Present(column("name")), MUCH)), 1, {1}),
    "an or within an and": (All((SOME, Any((MUCH, Negated(DEAR))))), 1, {1, 2}),
    "an and within an or": (Any((ANNA, All((SOME, Negated(MUCH))), DEAR)), 1, {1, 2}),
    "listed": (All((Member(ALL_SALES, (1, 2)), Member(TOTAL, (0, 480_00)))), 1, {1, 2}),
    "of the same where": (All((Compare("=", SMALL, Constant(1)), Present(Total("max", "sales", column("total"), EARLIER)))), 1, {1}),
}
