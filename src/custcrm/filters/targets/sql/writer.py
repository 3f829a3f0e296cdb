"""Writes lowered conditions and values as SQLAlchemy elements over a source. The name to know is `ClauseWriter`.

Operands of AND and OR are put with the deepest first and, when they are many, in a balanced tree, because SQLite's parser
has a limit for what stands open. Those whose aggregates read the same records are put into one sub-query: see `scans`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any as Anything
from typing import TypeAlias, assert_never

import sqlalchemy as sa
from attrs import evolve, frozen

from custcrm.filters.ir.nodes import (
    All,
    Always,
    Any,
    Calculation,
    Choose,
    Column,
    Condition,
    Constant,
    Entry,
    Folded,
    HasEntry,
    Leaf,
    Matches,
    Member,
    Moment,
    MonthDay,
    Negated,
    Present,
    Some,
    Test,
    Total,
    Unscaled,
    Value,
)
from custcrm.filters.ir.whole import may_overflow
from custcrm.filters.syntax.errors import FilterError, quote_name
from custcrm.filters.syntax.operators import COMPARISONS
from custcrm.filters.targets.sql.arithmetic import Arithmetic, is_wide, summed, unscaled
from custcrm.filters.targets.sql.binding import LISTED_ONE_BY_ONE, Binding, SqlType
from custcrm.filters.targets.sql.columns import check_column
from custcrm.filters.targets.sql.joining import ask_in_turn, join_balanced, put_deepest_first
from custcrm.filters.targets.sql.money import in_major_units, is_money
from custcrm.filters.targets.sql.phrases import Complement, IsNotTrue, IsTrue, MemberOf, MonthDayOf, Phrase
from custcrm.filters.targets.sql.scans import Scan, join_same_scans, needed_twice
from custcrm.filters.targets.sql.source import Element, Records, Source
from custcrm.filters.targets.sql.text import exactly, is_text, matches, ordered
from custcrm.values.texts import fold

Clause: TypeAlias = sa.ColumnElement[bool]

@frozen
class Tested:
    """A leaf as SQL: `columns` are those which make it NULL when they are; None: that cannot be said by columns."""

    clause: Clause
    columns: tuple[Element, ...] | None

    @property
    def certain(self) -> Clause:
        """The leaf, false where it would be NULL, but for `columns`."""
        return IsTrue(self.clause) if self.columns is None else self.clause

    @property
    def complement(self) -> Clause:
        """True exactly where the leaf is not."""
        if self.columns is None:
            return IsNotTrue(self.clause)
        negative = Complement(self.clause) if isinstance(self.clause, Phrase) else ~self.clause
        return sa.or_(*(column.is_(None) for column in dict.fromkeys(self.columns)), negative)


@frozen
class ClauseWriter:
    """Writes conditions and values over one source: the row's, or that of a collection's records.

    With `scanned`, inside the sub-query of a scan: these are its records, and every Total is an aggregate of them. With
    `exponent`, the decimals of the currency, the tables are a user's own: the types of columns are looked at, and a Money
    column may hold major units; else all hold minor units.
    """

    source: Source
    binding: Binding
    scanned: Records | None = None
    exponent: int | None = None

    # conditions ----------------------------------------------------------------------------------

    def condition(self, node: Condition) -> Clause:
        """Return a clause that is true exactly where the condition is."""
        scan = self._scan(node)
        if scan is not None:
            return self._scanning(scan, lambda inside: inside.condition(node))
        match node:
            case Always(truth):
                return sa.true() if truth else sa.false()
            case All() | Any():
                return self._joined(node, self.condition)
            case Negated(leaf):
                return self._leaf(leaf).complement
            case _:
                return self._leaf(node).clause

    def certain(self, node: Condition) -> Clause:
        """Return a clause that is true where the condition is, and false elsewhere."""
        scan = self._scan(node)
        if scan is not None:
            return self._scanning(scan, lambda inside: inside.certain(node))
        match node:
            case Any():
                return self._joined(node, self.certain)
            case All():
                in_turn = ask_in_turn(node, self.certain)
                return self._certain_all(self._operands(node)) if in_turn is None else in_turn
            case Always() | Negated():
                return self.condition(node)
            case _:
                return self._certain_all((node,))

    def _certain_all(self, args: Sequence[Condition]) -> Clause:
        clauses: list[Clause] = []
        columns: list[Element] = []
        for arg in args:
            if isinstance(arg, Any | All | Always | Negated) or self._scan(arg) is not None:
                clauses.append(self.certain(arg))
            else:
                tested = self._leaf(arg)
                clauses.append(tested.certain)
                columns += tested.columns or ()
        return join_balanced(sa.and_, [*clauses, *(column.is_not(None) for column in dict.fromkeys(columns))])

    def _joined(self, node: All | Any, write: Callable[[Condition], Clause]) -> Clause:
        in_turn = ask_in_turn(node, self.certain)
        if in_turn is not None:
            return in_turn
        join = sa.and_ if isinstance(node, All) else sa.or_
        return join_balanced(join, [write(arg) for arg in self._operands(node)])

    def _operands(self, node: All | Any) -> Sequence[Condition]:
        return put_deepest_first(node.args if self.scanned else join_same_scans(type(node), node.args))

    def _leaf(self, leaf: Leaf) -> Tested:
        match leaf:
            case Test():
                return self._test(leaf)
            case Member(value, items):
                return self._member(value, items)
            case Matches(value=value):
                text = self.value(value)
                return Tested(matches(leaf, text), self._columns((value, text)))
            case Present(value):
                return Tested(self._is_present(value), ())
            case HasEntry(map, key):
                return Tested(self.source.has_entry(map, key), ())
            case Some(collection, where):
                return Tested(self._some(collection, where), ())
            case MonthDay():
                return self._month_day(leaf)

    def _test(self, node: Test) -> Tested:
        if is_wide(node.left) or is_wide(node.right):
            return Tested(self._arithmetic.compare(node.op, node.left, node.right), None)
        left, right = self._sides(node.left, node.right)
        columns = self._columns((node.left, left), (node.right, right))
        if is_text(node.left) and is_text(node.right):
            left = exactly(left) if node.op == "=" else ordered(left)
        return Tested(COMPARISONS[node.op].holds(left, right), columns)

    def _sides(self, left: Value, right: Value) -> tuple[Element, Element]:
        """Return both sides; a parameter takes the type of what it is compared with."""
        if isinstance(left, Constant | Moment):
            other = self.value(right)
            return self.value(left, other.type), other
        first = self.value(left)
        return first, self.value(right, first.type)

    def _member(self, value: Value, items: tuple[Anything, ...]) -> Tested:
        if is_wide(value):
            return Tested(self._arithmetic.is_in(value, items), None)
        found = self.value(value)
        columns = self._columns((value, found))
        if any(isinstance(item, LISTED_ONE_BY_ONE) for item in items):
            return Tested(found.in_([Decimal(item) for item in items]), columns)
        listed = self.binding.listed(items, found.type)
        return Tested(MemberOf(exactly(found) if is_text(value) else found, listed), columns)

    def _is_present(self, value: Value) -> Clause:
        match value:
            case Constant() | Moment():
                return sa.true()
            case Column(name):
                self._element_of(value)
                return self.source.is_known(name)
            case Folded(_, _, inner):
                return self._is_present(inner)
            case _:
                return self.value(value).is_not(None)

    def _some(self, collection: str, where: Condition | None) -> Clause:
        return self._of(collection, sa.literal_column("1"), where).exists()

    def _month_day(self, node: MonthDay) -> Tested:
        if isinstance(node.value, Column):
            self._element_of(node.value)
            found = self.source.month_day(node.value.name)
        else:
            found = MonthDayOf(self.value(node.value), type_=sa.Integer())
        ends = ([self.value(end, sa.Integer()) for end in both] for both in node.ranges)
        return Tested(sa.or_(sa.false(), *(found.between(low, high) for low, high in ends)), None)

    def _columns(self, *sides: tuple[Value, Element]) -> tuple[Element, ...] | None:
        """Return the columns by which the sides can be missing, None where one of them is no plain column."""
        found: list[Element] = []
        for node, element in sides:
            match node:
                case Constant() | Moment() | Total(op=("count" | "sum")):
                    pass
                case Column(name) if isinstance(element, sa.ColumnClause):
                    found += () if self.source.required(name) else (element,)
                case Entry() if isinstance(element, sa.ColumnClause):
                    found.append(element)
                case _:
                    return None
        return tuple(found)

    # values --------------------------------------------------------------------------------------

    def value(self, node: Value, beside: SqlType | None = None) -> Element:
        """Return a value, NULL where it is missing; `beside` is the type of what it is compared with."""
        scan = self._scan(node)
        if scan is not None:
            return self._scanning(scan, lambda inside: inside.value(node, beside))
        match node:
            case Constant(value):
                return self.binding.constant(value, beside)
            case Moment():
                return self.binding.moment(node, beside)
            case Column() | Entry():
                held = self._element_of(node)
                return unscaled(held, self.exponent or 0) if self._is_major(node, held) else held
            case Total():
                if self.scanned is not None:
                    return self._aggregate(node, self.scanned)
                records = self.source.records(node.collection)
                return self._over(records, self._aggregate(node, records), node.where).scalar_subquery()
            case Choose(condition, then, otherwise):
                rest = None if otherwise is None else self.value(otherwise, beside)
                return sa.case((self.condition(condition), self.value(then, beside)), else_=rest)
            case Folded(case, accent, value):
                return self._folded(value, case=case, accent=accent)
            case Unscaled(value, places):
                return unscaled(self.value(value, beside), places)
            case Calculation():
                return self._arithmetic.calculate(node, narrow=False)

    def shown(self, node: Value) -> Element:
        """Return a value to look at, NULL where it is missing; a number of more than 38 digits is an error."""
        scan = self._scan(node)
        if scan is not None:
            return self._scanning(scan, lambda inside: inside.shown(node))
        return self._arithmetic.calculate(node, narrow=True) if is_wide(node) else self.value(node)

    @property
    def _arithmetic(self) -> Arithmetic:
        return Arithmetic(self.value, self.source.ours)

    def _element_of(self, node: Column | Entry) -> Element:
        held = self.source.column(node.name) if isinstance(node, Column) else self.source.entry(node.map, node.key, node.field)
        if self.exponent is not None:
            check_column(node, held)
        return held

    def _is_major(self, node: Value, held: Element) -> bool:
        return self.exponent is not None and is_money(node) and in_major_units(node, held)

    def _scan(self, node: Condition | Value) -> Scan | None:
        """Return the scan that the whole node needs more than once: then its sub-query is written round the node, once.

        `AVG(sales.total) > 5` needs a sum and a count of the same sales: (SELECT sum(…) > 5 * count(…) FROM sales WHERE …).
        """
        return None if self.scanned else needed_twice(node)

    def _scanning(self, scan: Scan, write: Callable[[ClauseWriter], Element]) -> Element:
        """Return what is written with the aggregates of one scan, as its sub-query."""
        records = self.source.records(scan.collection)
        return self._over(records, write(evolve(self, scanned=records)), scan.where).scalar_subquery()

    def _aggregate(self, node: Total, records: Records) -> Element:
        if node.value is None:
            return sa.func.count()
        inside = self._inside(records)
        match node.op:
            case "sum":
                return inside.summed(node.value)
            case "count":
                inside.value(node.value)  # what is only counted is of its type, too
                return sa.func.count(evolve(inside, exponent=None).value(node.value))
            case "min":
                return sa.func.min(inside.value(node.value))
            case "max":
                return sa.func.max(inside.value(node.value))
            case _:
                assert_never(node.op)

    def summed(self, node: Value) -> Element:
        """Return the SUM of a value, of money in minor units."""
        return summed(self.value(node), ours=self.source.ours)

    def _inside(self, records: Records) -> ClauseWriter:
        return evolve(self, source=records.source, scanned=None)

    def _of(self, collection: str, what: Element, where: Condition | None) -> sa.Select[Anything]:
        return self._over(self.source.records(collection), what, where)

    def _over(self, records: Records, what: Element, where: Condition | None) -> sa.Select[Anything]:
        """Select from the row's own records; they alone stand in FROM, whatever the statement around says."""
        found = sa.select(what).select_from(records.table).where(records.tie)
        if where is not None:
            holds = self._inside(records).condition(where)
            found = found.where(sa.case((records.tie, holds)) if may_overflow(where) else holds)
        return found.correlate_except(records.table)

    def _folded(self, value: Value, *, case: bool, accent: bool) -> Element:
        match value:
            case Constant(str(text)):
                return self.binding.constant(fold(text, case, accent))
            case Choose(condition, then, otherwise):
                rest = None if otherwise is None else self._folded(otherwise, case=case, accent=accent)
                return sa.case((self.condition(condition), self._folded(then, case=case, accent=accent)), else_=rest)
            case Column() | Entry():
                found = self.source.folded(value, case=case, accent=accent)
                if found is not None:
                    return found
                name = value.name if isinstance(value, Column) else f"{value.map}.{value.key}"
            case _:
                name = "this value"
        raise FilterError(
            "target", f"no column holds {quote_name(name)} folded so; name one by to_sql(folded=…), or leave the fold out"
        )
