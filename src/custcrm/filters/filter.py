"""`Filter`: a checked condition with its schema, and all one can do with it; `Expression`: the same for a value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, NoReturn, Self, TypeVar, cast

from attrs import evolve, field, frozen

from custcrm.filters.checking.conditions import check, check_value
from custcrm.filters.checking.expanding import check_expanded, check_sizes, expand
from custcrm.filters.checking.scopes import Scope, is_felt, narrow_to_scope, scope_of
from custcrm.filters.checking.sorts import Domain
from custcrm.filters.ir.moments import moments_in, resolve
from custcrm.filters.ir.nodes import Condition as Lowered
from custcrm.filters.ir.nodes import Moment, Physical, Shown
from custcrm.filters.lowering.conditions import lower, lower_value
from custcrm.filters.syntax.errors import NO_TRUTH
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.limits import check_limits
from custcrm.filters.syntax.nodes import And, Condition, Node, Or, Segment, Value, conjunction, disjunction, negation, walk
from custcrm.filters.syntax.normal import hash_text, normal
from custcrm.filters.syntax.size import Size, joined_size, negated_size, size_of
from custcrm.filters.syntax.to_json import to_json
from custcrm.filters.syntax.to_text import canonical
from custcrm.filters.targets.python.compile import CompiledFilter, CompiledValue, compile_filter, compile_value, rows_of
from custcrm.filters.targets.python.rows import Mappings, Objects
from custcrm.filters.tools.describe import describe
from custcrm.filters.tools.explain import explain
from custcrm.filters.tools.explanation import Explanation
from custcrm.filters.tools.lint import Finding, lint
from custcrm.filters.tools.reads import discreet, names_read, version_read
from custcrm.filters.tools.show import brief
from custcrm.filters.tools.simplify import simplify
from custcrm.filters.types.declarations import Declarations
from custcrm.values.clock import system_clock
from custcrm.values.errors import Malformed
from custcrm.values.periods import When, asked_at, day_of

Row = TypeVar("Row")
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
"""Years of as_of, in the schema's zone: spans of 200 years from there stay within the calendar."""


@frozen(eq=False, repr=False)
class Filter:
    """A condition that a schema has understood: asked of rows, of tables and of people, combined with `&`, `|` and `~`.

    Made by `schema.parse`, `from_json`, `from_conditions` and by comparing `schema.fields`. Immutable; equal to every
    filter of the same normal form. `as_of` is the time asked about: an aware datetime, a day (when it is over) or ISO
    text, None for now. Equality and hash are those of the text: filters of schemas with another zone or other segments
    are equal and may ask for different rows, so what is compiled is kept by `lowered`, never by the filter.
    """

    schema: Declarations
    node: Condition
    within: tuple[str, ...] = field(default=(), kw_only=True)
    scope: Scope = field(default=(), kw_only=True)
    _known_size: Size | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, schema: Declarations, node: Node, *, text: str | None = None, within: tuple[str, ...] = ()) -> Self:
        """Check a tree and return its filter, about the records of a collection where `within` leads to one."""
        checked = check(schema, node, within=within, text=text)
        return cls._measure(schema, checked, text=text, within=within)

    @classmethod
    def _measure(
        cls,
        schema: Declarations,
        node: Condition,
        *,
        text: str | None = None,
        within: tuple[str, ...] = (),
        scope: Scope = (),
    ) -> Self:
        check_limits(node, text=text)
        made = cls(schema, node, within=within, scope=scope)
        if (full := made._in_place()) is not node:
            check_expanded(full)
        return made

    # rows

    def matches(self, row: Any, *, as_of: When | None = None) -> bool:
        """Tell whether one row, a mapping or an object, satisfies the filter."""
        return self._compiled(row).matches(row, self._resolved(as_of))

    def select(self, rows: Iterable[Row], *, as_of: When | None = None) -> list[Row]:
        """Return the rows that satisfy the filter, in their order."""
        rows = rows if isinstance(rows, list | tuple) else list(rows)
        return self._compiled(rows[0]).select(rows, self._resolved(as_of)) if rows else []

    def explain(self, row: Any, *, as_of: When | None = None) -> Explanation:
        """Tell what each condition found in the row, and which of them decided."""
        return explain(self.schema, self.node, row, rows_of(row), scope=self.scope, as_of=self.instant(as_of))

    def to_sql(
        self, table: Any, /, *, as_of: When | None = None, folded: Mapping[str, str] | None = None, **collections: Any
    ) -> Any:
        """Return an SQLAlchemy clause over your table; collections and maps are tables joined by foreign key.

        sa.select(guests.c.id).where(rule.to_sql(guests, stays=stays, folded={"CASEI(name)": "name_folded"}))
        """
        from custcrm.filters.targets.sql.compile import to_sql

        return to_sql(self.schema, self.lowered, table, as_of=self.instant(as_of), collections=collections, folded=folded)

    # forms

    def to_json(self) -> dict[str, Any]:
        """Return the filter as CQL2 JSON."""
        return to_json(self.node)

    def describe(self, language: str = "en") -> str:
        """Return the filter as a sentence in English (`en`) or Finnish (`fi`)."""
        return describe(self.node, self.schema, language, within=self.within, scope=self.scope)

    def simplify(self) -> Self:
        """Return a shorter filter with exactly the same answers, or this one."""
        return type(self)(self.schema, simplify(self.node), within=self.within, scope=self.scope)

    def lint(self, keys: Mapping[str, Collection[str]] | None = None) -> tuple[Finding, ...]:
        """Return what is legal and probably not meant: tests that are never true, negations that let the missing in.

        `keys` are the keys that open maps are known to have, `{"tags": ["VIP"]}`: names near one of them are told.
        """
        return lint(self.schema, self.node, within=self.within, keys=keys or {})

    def reads(self) -> frozenset[str]:
        """Return the names that the filter looks at: `visits`, `tags.VIP`, `sales.total`."""
        return names_read(self.schema, self.node, self.within)

    def scoped(self, **dimensions: str | None) -> Self:
        """Return the filter asked within a dimension: collections that declare it have only records of that value.

        `Malformed` for a dimension that no collection declares; None leaves one out.
        """
        node, scope = _narrow(self.schema, self._in_place(), self.scope, dimensions)
        return self._measure(self.schema, node, within=self.within, scope=scope)

    @cached_property
    def _expanded(self) -> Condition:
        """The condition with its metrics in place; inside a WHERE there are none."""
        return self.node if self.within else cast("Condition", expand(self.schema, self.node))

    @cached_property
    def lowered(self) -> Lowered:
        """What the targets compile."""
        return lower(self.schema, self._in_place(), self.scope)

    def _in_place(self) -> Condition:
        """Return the condition with its definitions in place: metrics as the schema has them, segments as they are now."""
        return cast("Condition", expand(self.schema, self.node)) if self.uses_segments else self._expanded

    @cached_property
    def size(self) -> Size:
        """How large the filter is at most."""
        return self._known_size or size_of(self.node, plain=self._in_place() is self.node)

    @cached_property
    def uses_segments(self) -> bool:
        """Whether the filter names a saved segment, whose definition may change."""
        return bool(self.schema.segments) and any(isinstance(node, Segment) for node in walk(self.node))

    def fresh(self) -> Self:
        """Return the filter with its segments as they are defined now; itself where it names none."""
        if not self.uses_segments:
            return self
        return self._measure(self.schema, self.node, within=self.within, scope=self.scope)

    @cached_property
    def normal(self) -> Condition:
        """The normal form, by which filters are equal."""
        return normal(self.node)

    @cached_property
    def hash_text(self) -> str:
        """The version of the language and the SHA-256 of the normal form: the same for equal filters, anywhere.

        The version is 1, or that since which some of what the filter reads is what it is.
        """
        return hash_text(self.node, version_read(self.schema, self.node, self.within))

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """What of the filter depends on as_of."""
        return moments_in(self.lowered)

    def instant(self, as_of: When | None = None) -> datetime:
        """Return the instant asked about, in UTC: as given, or now."""
        return asked_about(self.schema, as_of)

    # algebra

    def __and__(self, other: object) -> Self:
        return self._join(other, And)

    def __or__(self, other: object) -> Self:
        return self._join(other, Or)

    def __rand__(self, other: object) -> Self:
        return self._join(other, And, reverse=True)

    def __ror__(self, other: object) -> Self:
        return self._join(other, Or, reverse=True)

    def __invert__(self) -> Self:
        return self._with_size(negation(self.node), negated_size(self.node, self.size))

    def _join(self, other: object, kind: type[And | Or], *, reverse: bool = False) -> Self:
        if not isinstance(other, Filter):
            if hasattr(other, "node"):  # a Value of the builder: it knows whose records it is about, and is asked next
                return cast("Self", NotImplemented)
            raise TypeError("& and | join conditions: put parentheses round each comparison.")
        scope = self._common_scope(other)
        if other.schema != self.schema or other.within != self.within or scope is None:
            raise TypeError("Only filters of one schema, about the same records and of one scope can be joined.")
        parts = (other, self) if reverse else (self, other)
        node = (conjunction if kind is And else disjunction)(part.node for part in parts)
        size = joined_size(kind, tuple((part.node, part.size) for part in parts))
        return self._with_size(node, size, scope)

    def _common_scope(self, other: Filter) -> Scope | None:
        """Return the scope that means the same for both, None when there is none."""
        if self.scope == other.scope:
            return self.scope
        for mine, others in ((self, other), (other, self)):
            if not others.scope and not is_felt(mine.schema, others._in_place(), mine.scope):  # noqa: SLF001
                return mine.scope
        return None

    def _with_size(self, node: Condition, size: Size, scope: Scope | None = None) -> Self:
        """Return a filter like this one of another size, measured exactly where it may be too large."""
        scope = self.scope if scope is None else scope
        if not size.fits:
            return self._measure(self.schema, node, within=self.within, scope=scope)
        return type(self)(self.schema, node, within=self.within, scope=scope, known_size=size)

    def __bool__(self) -> NoReturn:
        raise TypeError(NO_TRUTH)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Filter):
            return NotImplemented
        return (self.within, self.scope, self.hash_text) == (other.within, other.scope, other.hash_text)

    def __hash__(self) -> int:
        return hash(self.hash_text)

    def __str__(self) -> str:
        return canonical(self.node)

    def __repr__(self) -> str:
        return f"<Filter {brief(discreet(self.schema, self.node, self.within), self.schema.noun)}>"

    # compiled

    def _compiled(self, row: object) -> CompiledFilter:
        return self._for_mappings if isinstance(rows_of(row), Mappings) else self._for_objects

    @cached_property
    def _for_mappings(self) -> CompiledFilter:
        return compile_filter(self.lowered, Mappings(), currency=self.schema.currency)

    @cached_property
    def _for_objects(self) -> CompiledFilter:
        return compile_filter(self.lowered, Objects(), currency=self.schema.currency)

    def _resolved(self, as_of: When | None) -> list[date | datetime | int]:
        if not self.moments:
            return []
        return resolved(self.schema, self.moments, self.instant(as_of))


@frozen
class Expression:
    """One value or condition that a schema has understood, for a column of a table or a sort key."""

    schema: Declarations
    node: Value | Condition
    domain: Domain = field(kw_only=True)
    scope: Scope = field(default=(), kw_only=True)

    @classmethod
    def of(cls, schema: Declarations, node: Node, *, text: str | None = None) -> Self:
        """Check a tree and return its expression; `FilterError` has the place in `text`."""
        checked: Any
        if kind_of(node) == "condition":
            checked, domain = check(schema, node, text=text), Domain("boolean")
        else:
            checked, domain = check_value(schema, node, text=text)
        check_sizes(schema, checked, text=text)
        return cls(schema, checked, domain=domain)

    @cached_property
    def lowered(self) -> Shown:
        """What the targets compile."""
        return lower_value(self.schema, expand(self.schema, self.node), self.scope)

    def value(self, row: Any, *, as_of: When | None = None) -> Physical | Fraction | None:
        """Return the physical value of a row, money in minor units, a ratio as a Fraction; None where missing."""
        moments = resolved(self.schema, moments_in(self.lowered), asked_about(self.schema, as_of))
        compiled = self._for_mappings if isinstance(row, Mapping) else self._for_objects
        return compiled.of(row, moments)

    @cached_property
    def _for_mappings(self) -> CompiledValue:
        return compile_value(self.lowered, Mappings(), currency=self.schema.currency)

    @cached_property
    def _for_objects(self) -> CompiledValue:
        return compile_value(self.lowered, Objects(), currency=self.schema.currency)

    def reads(self) -> frozenset[str]:
        """Return the names that the expression looks at."""
        return names_read(self.schema, self.node)

    def scoped(self, **dimensions: str | None) -> Self:
        """Return the expression asked within a dimension, as `Filter.scoped` does."""
        node, scope = _narrow(self.schema, expand(self.schema, self.node), self.scope, dimensions)
        return evolve(self, node=node, scope=scope)

    def __str__(self) -> str:
        return canonical(self.node)


def asked_about(schema: Declarations, as_of: When | None) -> datetime:
    """Return as_of as an instant in UTC, of a day its last; None is now. Outside the years 1900–2200 it is `Malformed`."""
    if as_of is None:  # the rim of embedding: only here does the filter engine look at a clock
        return system_clock()
    if not FIRST_YEAR <= day_of(moment := asked_at(as_of, schema.zone), schema.zone).year <= LAST_YEAR:
        raise Malformed(f"as_of lies in the years {FIRST_YEAR} to {LAST_YEAR}", field="as_of")
    return moment


def resolved(schema: Declarations, moments: Iterable[Moment], as_of: datetime) -> list[date | datetime | int]:
    """Return what the moments are at an instant, in their order."""
    return [resolve(each, as_of, zone=schema.zone, feb29=schema.feb29) for each in moments]


def _narrow(schema: Declarations, node: Any, scope: Scope, dimensions: Mapping[str, str | None]) -> tuple[Any, Scope]:
    """Return an expanded node asked within the dimensions, and what of the scope its Elapsed metrics must remember."""
    asked = scope_of(schema, dimensions)
    both = tuple(sorted({*scope, *asked}))
    return narrow_to_scope(schema, node, asked), both if is_felt(schema, node, both) else ()
