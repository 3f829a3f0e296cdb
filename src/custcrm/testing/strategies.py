"""Hypothesis strategies for the filter language: `filters` over a schema, `rows` that fit it, `instants` to ask about.

What is drawn is valid, from the pools of `samples`; it shrinks to short filters on the first fields of the schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from custcrm.filters.filter import Filter
from custcrm.filters.schema import Schema
from custcrm.filters.syntax.nodes import (
    Aggregate,
    Anniversary,
    Arithmetic,
    Between,
    Clock,
    Compare,
    Condition,
    Exists,
    Field,
    In,
    Segment,
    TextTest,
    conjunction,
    disjunction,
    folded,
    literal,
    negation,
)
from custcrm.filters.syntax.operators import TEXT_TESTS
from custcrm.filters.types import types as t
from custcrm.testing.rows import Fields, rows
from custcrm.testing.samples import (
    AS_OF,
    DAYS,
    DECIMALS,
    EXACT_SPANS,
    INSTANTS,
    KEYS,
    NUMBERS,
    PATTERNS,
    SPANS,
    TEXTS,
    demo_schema,
)

__all__ = ["demo_schema", "filters", "instants", "nodes", "rows", "texts"]

def instants() -> SearchStrategy[datetime]:
    """Draw an instant to ask about: leap days, changes of the clock, ends of years."""
    return st.sampled_from(AS_OF)


# filters -------------------------------------------------------------------------------------------


def filters(schema: Schema, *, leaves: int = 6) -> SearchStrategy[Filter]:
    """Draw a filter of at most so many conditions (those inside WHERE not counted)."""
    return nodes(schema, leaves=leaves).map(lambda node: Filter.of(schema, node))


def texts(schema: Schema, *, leaves: int = 6) -> SearchStrategy[str]:
    """Draw the canonical text of a filter."""
    return filters(schema, leaves=leaves).map(str)


def nodes(schema: Schema, *, leaves: int = 6) -> SearchStrategy[Condition]:
    """Draw the tree of a filter before it is checked."""
    return _conditions(_Place(schema.types, schema.metrics, schema.currency), schema, leaves)


@frozen
class _Place:
    """What may be named at some point of a filter: the row's fields and metrics, or a record's fields."""

    fields: Fields
    metrics: Fields
    currency: str | None

    def paths(self, *kinds: type) -> list[tuple[Field, Any]]:
        """Return the fields and map entries of these types."""
        return [(Field(path), kind) for path, kind in self._scalars() if isinstance(kind, kinds)]

    def _scalars(self) -> Iterable[tuple[tuple[str, ...], Any]]:
        for name, kind in self.fields.items():
            match kind:
                case t.Collection():
                    pass
                case t.Map(value, keys=keys):
                    for key in keys or KEYS:
                        inner = value.items() if isinstance(value, Mapping) else [(None, value)]
                        yield from (((name, key, *filter(None, [field])), each) for field, each in inner)
                case _:
                    yield (name,), kind

    def collections(self) -> list[tuple[str, t.Collection]]:
        """Return the collections by name."""
        return [(name, kind) for name, kind in self.fields.items() if isinstance(kind, t.Collection)]


def _conditions(place: _Place, schema: Schema, leaves: int) -> SearchStrategy[Condition]:
    return st.recursive(
        _leaf(place, schema),
        lambda inner: st.one_of(
            inner.map(negation),
            st.lists(inner, min_size=2, max_size=3).map(conjunction),
            st.lists(inner, min_size=2, max_size=3).map(disjunction),
        ),
        max_leaves=leaves,
    )


def _leaf(place: _Place, schema: Schema) -> SearchStrategy[Condition]:
    makers = [
        _about_numbers(place, schema),
        _about_texts(place),
        _about_amounts(place, schema),
        _about_days(place, schema),
        _about_instants(place, schema),
        _about_truth(place),
        _about_choices(place),
        _about_elapsed(place),
        _about_presence(place),
        _about_records(place, schema),
    ]
    if place.metrics and schema.segments and not callable(schema.segments):
        makers.append(st.sampled_from(sorted(schema.segments)).map(Segment))
    return st.one_of([maker for maker in makers if maker is not None])


Maybe: TypeAlias = "SearchStrategy[Condition] | None"

_COMPARISONS: Final = st.sampled_from(("=", "<", "<=", ">", ">="))
_EQUALITY: Final = st.just("=")


def _related(
    values: SearchStrategy[Any],
    others: SearchStrategy[Any],
    *,
    ordered: bool = True,
    listed: SearchStrategy[Any] | None = None,
) -> SearchStrategy[Condition]:
    """Draw a comparison of a value with others: by an operator, either way round, as a range or in a list."""
    ways: list[SearchStrategy[Any]] = [
        st.builds(Compare, _COMPARISONS if ordered else _EQUALITY, values, others),
        st.builds(Compare, _COMPARISONS if ordered else _EQUALITY, others, values),
        st.builds(In, values, st.lists(others if listed is None else listed, max_size=3).map(tuple)),
    ]
    if ordered:
        ways.append(st.builds(Between, values, others, others))
    return st.one_of(ways)


def _literals(pool: Iterable[Any]) -> SearchStrategy[Any]:
    return st.sampled_from([literal(each) for each in pool])


def _fields(place: _Place, *kinds: type) -> SearchStrategy[Any] | None:
    paths = [field for field, _ in place.paths(*kinds)]
    return st.sampled_from(paths) if paths else None


def _aggregates(place: _Place, schema: Schema, ops: Sequence[str], *kinds: type) -> SearchStrategy[Any] | None:
    """Draw SUM, MIN, … of a collection's field of these types."""
    found = [
        st.builds(Aggregate, st.sampled_from(ops), st.just((name, field)), st.none() | _where(collection, place, schema))
        for name, collection in place.collections()
        for field, kind in collection.fields.items()
        if isinstance(kind, kinds)
    ]
    return st.one_of(found) if found else None


def _counts(place: _Place, schema: Schema) -> SearchStrategy[Any] | None:
    found = [
        st.builds(Aggregate, st.just("count"), st.just((name,)), st.none() | _where(collection, place, schema))
        for name, collection in place.collections()
    ]
    return st.one_of(found) if found else None


def _where(collection: t.Collection, place: _Place, schema: Schema) -> SearchStrategy[Condition]:
    inner = _Place(collection.fields, {}, place.currency)
    return st.deferred(lambda: _conditions(inner, schema, 2))


def _any_of(*strategies: SearchStrategy[Any] | None) -> SearchStrategy[Any] | None:
    """Draw from those strategies that the place has something for."""
    given = [each for each in strategies if each is not None]
    return st.one_of(given) if given else None


def _about_numbers(place: _Place, schema: Schema) -> Maybe:
    sums = _aggregates(place, schema, ("sum", "min"), t.Integer)
    whole = _any_of(_fields(place, t.Integer), _counts(place, schema), sums)
    exact = _any_of(
        _fields(place, t.Number),
        _aggregates(place, schema, ("sum", "avg", "max"), t.Number),
        _aggregates(place, schema, ("avg",), t.Integer),
        _metrics(place, "sales_count"),
    )
    if whole is None and exact is None:
        return None
    numbers = _literals((*NUMBERS, *DECIMALS))
    leaves = cast("SearchStrategy[Any]", _any_of(whole, exact))
    computed = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Arithmetic, st.sampled_from("+-*"), inner, inner | numbers),
            st.builds(Arithmetic, st.just("/"), inner, leaves | _literals((2, 3, Decimal("0.5"), -4))),
            st.builds(Arithmetic, st.just("^"), inner, _literals((0, 1, 2))),
        ),
        max_leaves=2,
    )
    if whole is not None:
        parts = st.builds(Arithmetic, st.sampled_from(("DIV", "%")), whole, whole | _literals((2, 3, -4)))
        computed |= parts
    return _related(leaves, numbers | leaves) | _related(computed, numbers | leaves, listed=numbers)


def _metrics(place: _Place, *names: str) -> SearchStrategy[Any] | None:
    known = [Field((name,)) for name in names if name in place.metrics]
    return st.sampled_from(known) if known else None


def _about_amounts(place: _Place, schema: Schema) -> Maybe:
    amounts = _any_of(
        _fields(place, t.Money),
        _aggregates(place, schema, ("sum", "avg", "min", "max"), t.Money),
        _metrics(place, "average_check"),
    )
    if amounts is None:
        return None
    majors = _literals((*NUMBERS, *DECIMALS))
    fields = _fields(place, t.Integer)
    whole = st.nothing() if fields is None else fields
    computed = st.one_of(
        st.builds(Arithmetic, st.sampled_from("+-"), amounts, amounts | majors),
        st.builds(Arithmetic, st.just("*"), amounts, _literals((2, Decimal("0.5"))) | whole),
        st.builds(Arithmetic, st.just("/"), amounts, _literals((3, -2)) | whole),
    )
    ratio = st.builds(Arithmetic, st.just("/"), amounts, amounts)
    return st.one_of(
        _related(amounts, majors | amounts),
        _related(computed, majors | amounts, listed=majors),
        _related(ratio, _literals((*NUMBERS, Decimal("0.5")))),
    )


def _about_texts(place: _Place) -> Maybe:
    fields = _fields(place, t.Text)
    if fields is None:
        return None
    folds = st.builds(folded, fields, case=st.booleans(), accent=st.just(True))
    constants = _literals(TEXTS)
    values = fields | folds
    return st.one_of(
        _related(values, constants | fields, listed=constants),
        st.builds(TextTest, st.sampled_from([name for name in TEXT_TESTS if name != "like"]), values, constants),
        st.builds(TextTest, st.just("like"), values, _literals(PATTERNS)),
    )


def _about_days(place: _Place, schema: Schema) -> Maybe:
    fields = _any_of(_fields(place, t.Date), _aggregates(place, schema, ("min", "max"), t.Date))
    if fields is None:
        return None
    clocks = st.builds(Clock, st.sampled_from(("ago", "from_now")), st.sampled_from(SPANS)) | st.just(Clock("today"))
    days = _literals(DAYS) | clocks
    ways = [_related(fields, days | fields, listed=days)]
    dates = _fields(place, t.Date)
    if dates is not None:
        ways += [
            st.builds(Between, dates.map(Anniversary), days, days),
            st.builds(Compare, _EQUALITY, dates.map(Anniversary), days),
        ]
    return st.one_of(ways)


def _about_instants(place: _Place, schema: Schema) -> Maybe:
    fields = _any_of(_fields(place, t.Instant), _aggregates(place, schema, ("min", "max"), t.Instant))
    if fields is None:
        return None
    spans = st.sampled_from((*SPANS, *EXACT_SPANS))
    moved = st.builds(Clock, st.sampled_from(("ago", "from_now")), spans)
    clocks = moved | st.sampled_from((Clock("now"), Clock("today")))
    others = _literals((*INSTANTS, *DAYS)) | clocks
    return _related(fields, others | fields, listed=others)


def _about_truth(place: _Place) -> Maybe:
    fields = _fields(place, t.Boolean)
    return None if fields is None else fields | _related(fields, _literals((True, False)) | fields, ordered=False)


def _about_choices(place: _Place) -> Maybe:
    ways = [
        _related(st.just(field), _literals(kind.values), ordered=False) for field, kind in place.paths(t.Choice)
    ]
    return st.one_of(ways) if ways else None


def _about_elapsed(place: _Place) -> Maybe:
    counts = [Field((name,)) for name, kind in place.metrics.items() if isinstance(kind, t.Elapsed)]
    if not counts:
        return None
    numbers = _literals((0, 1, 18, 30, 365, Decimal("26.5"), -1))
    return _related(st.sampled_from(counts), numbers)


def _about_presence(place: _Place) -> Maybe:
    paths = [field for field, _ in place.paths(object)]
    records = [
        Field((name, key))
        for name, kind in place.fields.items()
        if isinstance(kind, t.Map) and isinstance(kind.value, Mapping)
        for key in kind.keys or KEYS
    ]
    metrics = [Field((name,)) for name in place.metrics]
    return st.sampled_from([*paths, *records, *metrics]).map(Exists)


def _about_records(place: _Place, schema: Schema) -> Maybe:
    found = [
        st.builds(Aggregate, st.just("exists"), st.just((name,)), st.none() | _where(collection, place, schema))
        for name, collection in place.collections()
    ]
    return st.one_of(found) if found else None
