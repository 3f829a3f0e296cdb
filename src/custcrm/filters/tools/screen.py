"""A condition builder on somebody's screen: `conditions` says what to offer, `from_conditions` reads what was chosen.

The labels of the operators are those people know from segment screens; a field's own label comes from its type. What
comes back is a flat list of rows, joined by AND and OR, AND before OR.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

from attrs import frozen

from custcrm.filters.checking.conditions import check, check_value
from custcrm.filters.checking.expanding import check_sizes
from custcrm.filters.checking.names import EntryRecord, Names, WholeCollection, WholeMap, metric_domain, resolve, spelled
from custcrm.filters.checking.sorts import domain_of_type
from custcrm.filters.parsing.tokens import is_path, segments
from custcrm.filters.syntax.constants import constant, day, number, timestamp
from custcrm.filters.syntax.errors import FilterError, did_you_mean, quote_name
from custcrm.filters.syntax.nodes import (
    Anniversary,
    Between,
    Clock,
    Compare,
    Exists,
    Field,
    In,
    Literal,
    TextTest,
    conjunction,
    disjunction,
    negation,
)
from custcrm.filters.syntax.nodes import Condition as ConditionNode
from custcrm.filters.syntax.operators import COMPARISONS, NUMBERS, ORDERED, TEXT_TESTS, CompareOp, TextOp, TextTestRow
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Collection, Derived, Elapsed, Map
from custcrm.values.errors import Malformed
from custcrm.values.periods import Span
from custcrm.values.spelling import nearest

MEMBERS: Final = ("field", "key", "operator", "value", "join")  # of a row; `key` names an entry of a map


@frozen
class Operator:
    """One entry of a list of operators: a stable `name`, a `label`, and how many values it takes.

    For two values a row's `value` is a list of two; `One of` and `None of` take one value, a list of any length.
    """

    name: str
    label: str
    operands: int


@frozen(kw_only=True)
class Condition:
    """One entry of the list of fields, with the operators that fit it; `choices` are the values of a closed list.

    `type` is text, integer, number, money, boolean, date, instant, choice, entry (a record of a map), collection, or
    map, for which a screen asks the key too.
    """

    field: str
    label: str
    type: str
    operators: tuple[Operator, ...]
    choices: tuple[str, ...] = ()


Maker: TypeAlias = Callable[[Field, Sequence[Any], str], ConditionNode]


@frozen
class _Operation:
    """What an operator means, and for which types it is offered."""

    operator: Operator
    types: tuple[str, ...]
    make: Maker


def _compare(op: CompareOp, *, negated: bool = False) -> Maker:
    def make(field: Field, values: Sequence[Any], _: str) -> ConditionNode:
        return negation(Compare(op, field, values[0])) if negated else Compare(op, field, values[0])

    return make


def _text_test(test: TextOp, *, negated: bool = False) -> Maker:
    def make(field: Field, values: Sequence[Any], _: str) -> ConditionNode:
        node = TextTest(test, field, values[0])
        return negation(node) if negated else node

    return make


def _last(field: Field, values: Sequence[Any], kind: str) -> ConditionNode:
    """Half-open for instants, so that windows add up; a day is wholly in."""
    until = Compare("<=", field, Clock("today")) if kind == "date" else Compare("<", field, Clock("now"))
    return conjunction((Compare(">=", field, Clock("ago", values[0])), until))


def _next(field: Field, values: Sequence[Any], kind: str) -> ConditionNode:
    start = Clock("today") if kind == "date" else Clock("now")
    return conjunction((Compare(">=", field, start), Compare("<", field, Clock("from_now", values[0]))))


def _birthday(field: Field, values: Sequence[Any], _: str) -> ConditionNode:
    return Between(Anniversary(field), Clock("today"), Clock("from_now", values[0]))


_TIMES: Final = ("date", "instant")
_VALUES: Final = COMPARISONS["="].takes
_ALL: Final = (*_VALUES, "map", "entry", "collection")
_LISTED: Final = ("in", "not_in")
_SPANS: Final = ("in_last", "in_next", "anniversary_in_next")


def _operation(name: str, label: str, operands: int, types: tuple[str, ...], make: Maker) -> _Operation:
    return _Operation(Operator(name, label, operands), types, make)


def _comparisons(*ops: CompareOp) -> Iterator[_Operation]:
    for row in map(COMPARISONS.__getitem__, ops):
        yield _operation(row.screen_name, row.label, 1, row.takes, _compare(row.name))


def _text_operations(row: TextTestRow) -> Iterator[_Operation]:
    """Yield the operators that a screen offers for a text test: its positive, its negative, or neither."""
    for name, label, negated in zip((row.name, f"not_{row.name}"), row.labels, (False, True), strict=False):
        yield _operation(name, label, 1, ("text",), _text_test(row.name, negated=negated))


_OPERATIONS: Final = (
    _operation("exists", "Exists", 0, _ALL, lambda field, *_: Exists(field)),
    _operation("not_exists", "Doesn’t exist", 0, _ALL, lambda field, *_: negation(Exists(field))),
    *_comparisons("=", ">", "<"),
    _operation("not_equals", "Doesn’t equal", 1, COMPARISONS["="].takes, _compare("=", negated=True)),
    *_comparisons(">=", "<="),
    _operation("between", "Between", 2, ORDERED, lambda field, values, _: Between(field, *values)),
    _operation("in", "One of", 1, _VALUES, lambda field, values, _: In(field, tuple(values))),
    _operation("not_in", "None of", 1, _VALUES, lambda field, values, _: negation(In(field, tuple(values)))),
    *(each for row in TEXT_TESTS.values() for each in _text_operations(row)),
    _operation("in_last", "In the last", 1, _TIMES, _last),
    _operation("in_next", "In the next", 1, _TIMES, _next),
    _operation("anniversary_in_next", "Anniversary in the next", 1, ("date",), _birthday),
)


# what to offer -----------------------------------------------------------------------------------


def conditions(schema: Declarations) -> Iterator[Condition]:
    """Yield each field, entry and metric that a screen may offer, in the order of the schema."""
    for name, kind in schema.types.items():
        yield from _offered(spelled(schema.types, (name,)), kind)
    for name, metric in schema.metrics.items():
        sort = "integer" if isinstance(metric, Elapsed) else metric_domain(schema, name).sort
        yield _condition((name,), metric, sort)


def _offered(path: tuple[str, ...], kind: Any) -> Iterator[Condition]:
    match kind:
        case Collection(hidden=True):
            return
        case Collection():
            yield _condition(path, kind, "collection")
        case Map(keys=None):
            yield _condition(path, kind, "map")
        case Map(value=Mapping() as record, keys=keys):
            for key in keys:
                yield _condition((*path, key), None, "entry")
                for field, type_ in record.items():
                    scalar = type_.type if isinstance(type_, Derived) else type_
                    yield _condition((*path, key, field), type_, domain_of_type(scalar).sort)
        case Map(value=value, keys=keys):
            for key in keys:
                entry = keys[key] if isinstance(keys, Mapping) else value
                yield _condition((*path, key), entry, domain_of_type(entry).sort)
        case _:
            yield _condition(path, kind, domain_of_type(kind).sort)


def _condition(path: tuple[str, ...], kind: Any, sort: str) -> Condition:
    operators = tuple(each.operator for each in _OPERATIONS if sort in each.types)
    own = getattr(kind, "label", "")
    above = () if sort == "collection" else path[:-1]
    label = ": ".join([*above, own]) if own else ": ".join(part.replace("_", " ") for part in path).capitalize()
    choices = getattr(kind, "values", ()) if sort == "choice" else ()
    return Condition(field=path_text(path), label=label, type=sort, operators=operators, choices=choices)


# what was chosen ---------------------------------------------------------------------------------


def from_conditions(schema: Declarations, rows: Sequence[Mapping[str, Any]]) -> ConditionNode:
    """Return the condition of the rows: `{"field", "operator", "value", "join"}`, the first without join; AND before OR.

    Operators go by name or label, either apostrophe; values may come as text, as forms send them. `FilterError` names
    the row, counted from 1, and its field.
    """
    if not rows:
        raise FilterError("syntax", "there are no conditions; for everybody write TRUE", suggestions=("TRUE",))
    alternatives: list[list[ConditionNode]] = [[]]
    for count, row in enumerate(rows, 1):
        try:
            if _joins(row, first=count == 1) == "OR":
                alternatives.append([])
            alternatives[-1].append(_check_row(schema, _node(schema, row)))
        except FilterError as error:
            raise _in_row(count, row, error) from None
    return disjunction(map(conjunction, alternatives))


def _check_row(schema: Declarations, node: ConditionNode) -> ConditionNode:
    """Check the condition of one row by itself, so that its error is told with the row."""
    checked = check(schema, node)
    check_sizes(schema, checked)
    return checked


def _in_row(count: int, row: object, error: FilterError) -> FilterError:
    field = row.get("field") if isinstance(row, Mapping) else None
    name = f", {field}" if isinstance(field, str) else ""
    message = f"row {count}{name}: {error.message}"
    public = f"row {count}: {error.public}"
    near = error.suggestions
    return FilterError(error.kind, message, public=public, expected=error.expected, suggestions=near, field=field)


def _joins(row: object, *, first: bool) -> str:
    if not isinstance(row, Mapping):
        raise FilterError("syntax", "a row is an object with field, operator and value")
    if unknown := [str(name) for name in row if name not in MEMBERS]:
        near = nearest(unknown[0], MEMBERS)
        raise FilterError("syntax", f"a row has no {quote_name(unknown[0])}{did_you_mean(near)}", suggestions=near)
    join = row.get("join", "AND")
    if join not in ("AND", "OR"):
        raise FilterError("syntax", "join is AND or OR", suggestions=("AND", "OR"))
    return "AND" if first else join


def _node(schema: Declarations, row: Mapping[str, Any]) -> ConditionNode:
    field = _field(row)
    sort = _sort(schema, field)
    operation = _chosen(row.get("operator"), sort)
    given = _values_of(operation.operator, row)
    if operation.operator.name in _SPANS:
        values: list[Any] = [_span(given[0])]
    else:
        values = [_constant(each, sort) for each in given]
    return operation.make(field, values, sort)


def _field(row: Mapping[str, Any]) -> Field:
    name, key = row.get("field"), row.get("key")
    if not isinstance(name, str) or not is_path(name):
        raise FilterError("syntax", "field is the name of a field, as it was offered")
    if key is not None and not isinstance(key, str):
        raise FilterError("syntax", "key is the text that names an entry of the map")
    return Field(segments(name) if key is None else (*segments(name), key))


def _sort(schema: Declarations, field: Field) -> str:
    """Return the type of what was chosen, as `conditions` names it; age and days since are integers."""
    match resolve(Names(schema), field.path, None):
        case WholeCollection():
            return "collection"
        case EntryRecord():
            return "entry"
        case WholeMap():
            raise FilterError("syntax", "a map needs a key", expected=("key",))
        case _:
            sort = check_value(schema, field)[1].sort
            return "integer" if sort == "elapsed" else sort


def _chosen(name: object, sort: str) -> _Operation:
    fitting = {each.operator: each for each in _OPERATIONS if sort in each.types}
    wanted = _normal_label(name) if isinstance(name, str) else ""
    for operator, operation in fitting.items():
        if wanted in (operator.name, _normal_label(operator.label)):
            return operation
    labels = [operator.label for operator in fitting]
    near = nearest(str(name), labels)
    message = f"no operator {quote_name(str(name))} for this type{did_you_mean(near)}"
    raise FilterError("syntax", message, expected=labels, suggestions=near)


def _normal_label(label: str) -> str:
    return label.replace("’", "'").casefold()


def _values_of(operator: Operator, row: Mapping[str, Any]) -> Sequence[object]:
    """Return the values of a row, as many as the operator takes."""
    value = row.get("value")
    if operator.operands == 0:
        if value is not None:
            raise FilterError("value", f"{operator.label} takes no value")
        return ()
    if operator.name in _LISTED or operator.operands == 2:
        if not isinstance(value, list | tuple) or (operator.operands == 2 and len(value) != 2):
            raise FilterError("value", f"{operator.label} takes a list{' of two values' * (operator.operands == 2)}")
        return value
    if value is None or isinstance(value, list | tuple):
        raise FilterError("value", f"{operator.label} takes one value")
    return (value,)


def _span(value: object) -> Span:
    try:
        return Span.parse(str(value))
    except Malformed as error:
        raise FilterError("span", str(error)) from None


def _constant(value: object, sort: str) -> Literal:
    """Return the constant of a value from a form: text is read as the field's type, a float by its shortest digits."""
    read = _READERS.get(sort) if isinstance(value, str) else None
    try:
        if read is not None:
            return constant(read(cast("str", value)))
        return constant(Decimal(repr(value)) if isinstance(value, float) else value)
    except Malformed as error:
        kind = "date" if sort in _TIMES else "value"
        raise FilterError(kind, str(error)) from None


def _signed(text: str) -> int | Decimal:
    return number(text.strip().removeprefix("-"), negative=text.strip().startswith("-"))


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Malformed("write true or false")
    return text.lower() == "true"


def _time(text: str) -> Any:
    return timestamp(text) if "T" in text else day(text)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    **dict.fromkeys(NUMBERS, _signed),
    **dict.fromkeys(_TIMES, _time),
    "boolean": _truth,
}
