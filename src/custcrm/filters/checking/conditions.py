"""The second stage of reading: a schema gives the names of a tree their types, and refuses what has no meaning.

`check` returns a condition in its checked form: a bare Boolean field is compared with TRUE, `sales EXISTS` is
`EXISTS(sales)`. `check_value` does the same for a value, `type_of` tells what sort of value it is. Every `FilterError`
carries the place of the mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

from custcrm.filters.checking.aggregates import check_aggregate
from custcrm.filters.checking.mismatches import does_not_meet, not_a_condition, not_taken, subject, type_error
from custcrm.filters.checking.misnamed import listed, unknown_value
from custcrm.filters.checking.names import Names, WholeCollection, WholeMap, resolve, spelled
from custcrm.filters.checking.remedies import MENDED, TIMES, presence_meant, unquoted
from custcrm.filters.checking.segments import segment_node
from custcrm.filters.checking.sorts import ORDERED, Domain, comparable
from custcrm.filters.checking.values import check_amount, check_field, check_operand
from custcrm.filters.syntax.errors import FilterError, advised
from custcrm.filters.syntax.limits import DEPTH, exceeded
from custcrm.filters.syntax.nodes import (
    TRUE,
    Aggregate,
    And,
    Arithmetic,
    Between,
    Compare,
    Condition,
    Exists,
    Field,
    In,
    Listed,
    Literal,
    Node,
    Not,
    Or,
    Segment,
    TextTest,
    Value,
    conjunction,
    disjunction,
    negation,
)
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.declarations import Declarations


def names_to_check(schema: Declarations, within: tuple[str, ...] = (), text: str | None = None) -> Names:
    """Return names under which a tree can be checked: what contains conditions, a WHERE or a segment, comes back here."""
    return Names(schema, within, text, check=_condition)


def check(schema: Declarations, node: Node, *, within: tuple[str, ...] = (), text: str | None = None) -> Condition:
    """Return the condition as it is meant under the schema, or raise `FilterError`.

    `within` leads to the collection whose records the names are about, `("sales",)`; `text` is what the places refer
    to.
    """
    try:
        return _condition(names_to_check(schema, within, text), node)
    except FilterError as error:
        raise error.within(text or "") from None


def check_value(
    schema: Declarations, node: Node, *, within: tuple[str, ...] = (), text: str | None = None
) -> tuple[Value, Domain]:
    """Return the value as it is meant under the schema, and its domain, or raise `FilterError`."""
    try:
        return check_operand(names_to_check(schema, within, text), node)
    except FilterError as error:
        raise error.within(text or "") from None


def type_of(schema: Declarations, node: Node, *, within: tuple[str, ...] = ()) -> Domain:
    """Return what sort of value a node is."""
    return check_value(schema, node, within=within)[1]


# conditions --------------------------------------------------------------------------------------


def _condition(names: Names, node: Node) -> Condition:
    if (error := presence_meant(names, node, negated=False)) is not None:
        raise error
    check_one = _CONDITIONS.get(type(node))
    if check_one is None:
        raise _no_condition(names, cast("Value", node))
    return check_one(names, node)


def _group(names: Names, node: And | Or) -> Condition:
    make = conjunction if isinstance(node, And) else disjunction
    names = _below(names, node)
    return make([_condition(names, arg) for arg in node.args], node.span)


def _not(names: Names, node: Not) -> Condition:
    if node.span == node.arg.span and (error := presence_meant(names, node.arg, negated=True)) is not None:
        raise error  # `<>` and NOT IN are read as a NOT of the same place
    return negation(_condition(_below(names, node), node.arg), node.span)


def _below(names: Names, node: Node) -> Names:
    """Return the names below a node, or raise: each segment saves at most one level, by an AND in an AND."""
    if names.depth >= 2 * DEPTH:
        raise exceeded("depth", node.span)
    return names.below()


def _compare(names: Names, node: Compare) -> Condition:
    if isinstance(node.left, Literal) and not isinstance(node.right, Literal):  # what is known tells what was meant
        right, b = check_operand(names, node.right)
        left, a = _beside(names, node.left, b, node.op)
    else:
        left, a = _before(names, node)
        right, b = _beside(names, node.right, a, node.op)
    _check_pair(names, left, a, right, b, node.op)
    return Compare(node.op, left, right, span=node.span)


def _before(names: Names, node: Compare) -> tuple[Value, Domain]:
    """Return the left side of a comparison, and its domain; a name that means nothing may be a text beside a field."""
    try:
        return check_operand(names, node.left)
    except FilterError as error:
        if error.kind != "unknown_field" or not isinstance(node.right, Field):
            raise
        raise unquoted(names, node.left, check_operand(names, node.right)[1], node.op, error) from None


def _beside(names: Names, node: Value, wanted: Domain, op: str) -> tuple[Value, Domain]:
    """Return a value beside one of the wanted sort, and its domain."""
    try:
        return check_operand(names, node)
    except FilterError as error:
        if isinstance(node, Arithmetic) and wanted.sort not in TIMES and error.span == node.span:
            error = advised(error, (), error.span)  # a time would not do here either
        raise unquoted(names, node, wanted, op, error) from None


def _all_beside(names: Names, value: Value, domain: Domain, nodes: Sequence[Value], op: str) -> list[Value]:
    """Return values that are all compared with one; where several do not fit, the error mends all of them at once."""
    checked: list[Value] = []
    for node in nodes:
        try:
            item, other = _beside(names, node, domain, op)
            _check_pair(names, value, domain, item, other, op)
        except FilterError as error:
            raise _mend_all(names, value, domain, nodes, op, error) from None
        checked.append(item)
    return checked


def _mend_all(
    names: Names, value: Value, domain: Domain, nodes: Sequence[Value], op: str, error: FilterError
) -> FilterError:
    """Return the error about one of several values as one about all, with what to write for those that do not fit."""
    places = [node.span for node in nodes]
    first, last = places[0], places[-1]
    if names.text is None or first is None or last is None or not error.suggestions or len(nodes) > MENDED:
        return error
    pieces, at, wrongs = [], first[0], 0
    for node, place in zip(nodes, places, strict=True):
        assert place is not None  # of one text all have places
        try:
            item, other = _beside(names, node, domain, op)
            _check_pair(names, value, domain, item, other, op)
        except FilterError as wrong:
            if not wrong.suggestions or wrong.span != place:
                return error
            pieces += [names.text[at : place[0]], wrong.suggestions[0]]
            at, wrongs = place[1], wrongs + 1
    if wrongs < 2:
        return error
    whole = "".join([*pieces, names.text[at : last[1]]])
    message = f"{error.message.partition(';')[0]}; write {whole}"
    return FilterError(error.kind, message, public=error.public, span=(first[0], last[1]), suggestions=(whole,))


def _between(names: Names, node: Between) -> Condition:
    value, domain = check_operand(names, node.value)
    low, high = _all_beside(names, value, domain, (node.low, node.high), "between")
    return Between(value, low, high, span=node.span)


def _in(names: Names, node: In) -> Condition:
    value, domain = check_operand(names, node.value)
    if isinstance(node.items, Listed):
        for constant in _examples(domain, node.items):
            _check_pair(names, value, domain, *check_operand(names, constant), "=")
        return In(value, node.items, span=node.span)
    return In(value, tuple(_all_beside(names, value, domain, node.items, "=")), span=node.span)


def _examples(domain: Domain, listed: Listed) -> Iterable[Literal]:
    """Return the constants to be checked: of a long list beside a text one of each type, for all texts are alike."""
    return {type(each.value): each for each in listed}.values() if domain.sort == "text" else listed


def _text_test(names: Names, node: TextTest) -> Condition:
    value, domain = check_operand(names, node.value)
    pattern, wanted = _beside(names, node.pattern, domain, node.test)
    if domain.sort != "text":
        raise not_taken(value, domain, node.test)
    if wanted.sort != "text":
        raise does_not_meet(names, value, domain, pattern, wanted, node.test)
    if not wanted.constant:
        raise type_error(pattern, "a pattern is a text in single quotes; fields are compared with =")
    return TextTest(node.test, value, pattern, span=node.span)


def _exists(names: Names, node: Exists) -> Condition:
    if not isinstance(node.value, Field):
        return Exists(check_operand(names, node.value)[0], span=node.span)
    found = resolve(names, node.value.path, node.value.span)
    if isinstance(found, WholeCollection):
        return Aggregate("exists", spelled(names.fields, node.value.path), span=node.span)
    if isinstance(found, WholeMap):
        raise type_error(node.value, f"{found.name} is a map; write {path_text((found.name,))}.KEY EXISTS")
    return Exists(node.value, span=node.span)


def _segment(names: Names, node: Segment) -> Condition:
    if names.within:
        raise FilterError(
            "out_of_scope", f"segments are about the {names.schema.noun}; there are none inside {names.within[-1]}",
            span=node.span,
        )
    segment_node(names, node)
    return node


def _exists_aggregate(names: Names, node: Aggregate) -> Condition:
    if node.op != "exists":
        raise _no_condition(names, node)
    return check_aggregate(names, node)[0]


def _constant(names: Names, node: Literal) -> Condition:
    if isinstance(node.value, bool):
        return node
    raise _no_condition(names, node)


def _bare(names: Names, node: Field) -> Condition:
    _, domain = check_field(names, node, as_condition=True)
    if domain.sort != "boolean":
        raise _no_condition(names, node)
    return Compare("=", node, TRUE, span=node.span)


_CONDITIONS: Final[dict[type, Callable[[Names, Any], Condition]]] = {
    Compare: _compare,
    And: _group,
    Or: _group,
    Not: _not,
    Exists: _exists,
    In: _in,
    Between: _between,
    TextTest: _text_test,
    Aggregate: _exists_aggregate,
    Segment: _segment,
    Literal: _constant,
    Field: _bare,
}


def _no_condition(names: Names, node: Value) -> FilterError:
    """Return the error for a value where a condition was wanted: what it is, and how to make a condition of it."""
    if isinstance(node, Aggregate):
        return not_a_condition(node, f"{node.op.upper()} gives a value; compare it, e.g. {node.op.upper()}(…) > 0")
    domain = check_operand(names, node)[1]
    what = {"text": "a text", "integer": "a number", "number": "a number", "money": "a number"}.get(domain.sort, "a value")
    if isinstance(node, Field):
        path = path_text(node.path)
        if what == "a number":
            return not_a_condition(node, f"a number is not a condition; compare it, as in {path} > 0, or write {path} EXISTS")
        return not_a_condition(node, f"{what} is not a condition", (f"{path} EXISTS",))
    return not_a_condition(node, f"{what} is not a condition; compare it with something")


def _check_pair(  # two values, each with its domain, and the operator between them
    names: Names, left: Value, a: Domain, right: Value, b: Domain, op: str
) -> None:
    """Refuse two sides that the operator does not take together."""
    if a is b and a.sort in ORDERED and not a.choices:
        return
    if op != "=":
        for side, domain in ((left, a), (right, b)):
            if domain.sort not in ORDERED and not (domain.sort == "anniversary" and op == "between"):
                raise not_taken(side, domain, op)
    if not comparable(a, b):
        raise does_not_meet(names, left, a, right, b, op)
    if "choice" in (a.sort, b.sort):
        _check_choice(left, a, right, b)
    elif "money" in (a.sort, b.sort):
        check_amount(names, left, a)
        check_amount(names, right, b)


def _check_choice(left: Value, a: Domain, right: Value, b: Domain) -> None:
    if a.sort == b.sort:
        return
    field, choices, constant = (left, a.choices, right) if a.sort == "choice" else (right, b.choices, left)
    value = constant.value if isinstance(constant, Literal) else None
    if not isinstance(value, str):
        message = f"{subject(field, a)} is compared with one of its values as it stands: {listed(choices)}"
        raise type_error(constant, message)
    if value not in choices:
        name = path_text(field.path[-1:]) if isinstance(field, Field) else "the list"
        raise unknown_value(f"not a value of {name}", value, choices, constant.span)
