"""What is legal and probably not meant: `lint` finds it, each `Finding` says what and how to mend it.

| kind | finds |
|---|---|
| `missing` | a negative test also takes the rows where the value is missing |
| `never_equal` | a folded value beside a text that no fold gives: `CASEI(name) = 'Anna'` |
| `near_key` | a key of an open map that is spelled nearly like another |
| `blanks` | a key or a constant with white space round it, which nothing that is stored trimmed has: `tags." VIP "` |
| `text_order` | an order of texts that are numbers: `attributes.employees > '9'` leaves out 10 |
| `always_false`, `always_true` | a part that no row, or every row, satisfies |
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias
from typing import Literal as OneOf

from attrs import frozen

from custcrm.filters.checking.names import Names
from custcrm.filters.syntax import nodes as s
from custcrm.filters.syntax.constants import quoted
from custcrm.filters.syntax.errors import did_you_mean
from custcrm.filters.syntax.spellings import loose_number
from custcrm.filters.syntax.to_text import canonical, path_text
from custcrm.filters.tools.presence import can_be_missing, tested_values
from custcrm.filters.tools.simplify import simplify
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Map
from custcrm.values.spelling import nearest
from custcrm.values.texts import fold, trimmed

Kind: TypeAlias = OneOf["missing", "never_equal", "near_key", "blanks", "text_order", "always_false", "always_true"]
Keys: TypeAlias = Mapping[str, Iterable[str]]

_NONE: Final[Keys] = {}


@frozen(kw_only=True)
class Finding:
    """One thing to look at: `part` is the canonical text it is about, `span` its place in the text it was read from.

    For `missing`, `concerns` is the filter of the rows it is about, `visits DOES NOT EXIST`, so that they can be
    counted; None inside a WHERE.
    """

    kind: Kind
    message: str
    part: str
    span: s.Place | None = None
    suggestions: tuple[str, ...] = ()
    concerns: str | None = None


def lint(
    schema: Declarations, node: s.Condition, *, keys: Keys = _NONE, within: tuple[str, ...] = ()
) -> tuple[Finding, ...]:
    """Return what in a checked filter is probably not meant, in the order of the text.

    `keys` are the keys that open maps are known to have, by the map's name: `{"tags": ["VIP", "Family member"]}`.
    """
    names = Names(schema, within)
    found = [
        *_constant_parts(node), *_missing(names, node), *_never_equal(node), *_near_keys(schema, node, keys),
        *_with_blanks(node), *_text_orders(node),
    ]
    return tuple(sorted(found, key=lambda finding: finding.span or (0, 0)))


# parts that are always the same ------------------------------------------------------------------


def _constant_parts(node: s.Condition) -> Iterator[Finding]:
    """Look from the top; inside a part that is always the same nothing else is said of it."""
    short = simplify(node)
    if short in (s.TRUE, s.FALSE) and not isinstance(node, s.Literal):
        kind: Kind = "always_true" if short == s.TRUE else "always_false"
        what = "every row satisfies" if short == s.TRUE else "no row can satisfy"
        yield Finding(kind=kind, message=f"{what} {canonical(node)}", part=canonical(node), span=node.span)
        return
    for part in s.children(node):
        if isinstance(part, s.And | s.Or | s.Not | s.Compare | s.In):
            yield from _constant_parts(part)
        else:
            yield from _inside_where(part)


def _inside_where(node: s.Node) -> Iterator[Finding]:
    for each in s.walk(node):
        if isinstance(each, s.Aggregate) and each.where is not None:
            yield from _constant_parts(each.where)
            return


# numbers that are texts --------------------------------------------------------------------------


def _text_orders(node: s.Node) -> Iterator[Finding]:
    """Find `<` and its like, and BETWEEN, beside a text that is a number: texts are ordered sign by sign."""
    for each in s.walk(node):
        is_ordered = isinstance(each, s.Between) or (isinstance(each, s.Compare) and each.op != "=")
        if is_ordered and any(_is_written_number(part) for part in s.children(each)):
            part = canonical(each)
            message = f"{part} compares texts, of which '10' comes before '9'; numbers are ordered in a field that is a number"
            yield Finding(kind="text_order", message=message, part=part, span=each.span)


def _is_written_number(node: s.Node) -> bool:
    return isinstance(node, s.Literal) and isinstance(node.value, str) and loose_number(node.value) is not None


# negatives and missing values --------------------------------------------------------------------


def _missing(
    names: Names, node: s.Node, *, positive: bool = True, guarded: frozenset[s.Node] = frozenset()
) -> Iterator[Finding]:
    """Find negative tests whose value may be missing, unless an `AND value EXISTS` stands beside them."""
    match node:
        case s.Not(arg):
            yield from _missing(names, arg, positive=not positive, guarded=guarded)
        case s.And(args) | s.Or(args):
            if isinstance(node, s.And) == positive:
                wanted = (arg if positive else s.negation(arg) for arg in args)
                guarded |= {arg.value for arg in wanted if isinstance(arg, s.Exists)}
            for arg in args:
                yield from _missing(names, arg, positive=positive, guarded=guarded)
        case s.Aggregate(where=where):
            if where is not None:
                yield from _missing(names.of(node), where)
        case _:
            if not positive:
                yield from _lets_missing_in(names, node, guarded)
            for part in s.children(node):
                yield from _missing(names, part)


def _lets_missing_in(names: Names, node: s.Node, guarded: frozenset[s.Node]) -> Iterator[Finding]:
    part = canonical(s.negation(node))  # type: ignore[arg-type]  # a leaf: a condition
    for value in tested_values(node):  # type: ignore[arg-type]
        if value in guarded or not can_be_missing(names, value):
            continue
        name = canonical(value)
        yield Finding(
            kind="missing",
            message=f"{part} also takes what has no {name}; add AND {name} EXISTS if that is not meant",
            part=part,
            span=node.span,
            suggestions=(f"{part} AND {name} EXISTS",),
            concerns=None if names.within else f"{name} DOES NOT EXIST",
        )


# folds -------------------------------------------------------------------------------------------


def _never_equal(node: s.Condition) -> Iterator[Finding]:
    for each in s.walk(node):
        match each:
            case s.Compare("=", s.Fold() as folded, s.Literal(str() as text)):
                yield from _unfolded(each, folded, [text])
            case s.Compare("=", s.Literal(str() as text), s.Fold() as folded):
                yield from _unfolded(each, folded, [text])
            case s.In(s.Fold() as folded, items):
                yield from _unfolded(each, folded, [item.value for item in items if isinstance(item, s.Literal)])
            case s.TextTest(_, s.Fold() as folded, s.Literal(str() as text)):
                yield from _unfolded(each, folded, [text])


def _unfolded(node: s.Condition, folded: s.Fold, texts: Iterable[object]) -> Iterator[Finding]:
    """Find constants that differ from their own fold, which nothing folded can equal or contain."""
    for text in texts:
        if not isinstance(text, str) or (same := fold(text, folded.case, folded.accent)) == text:
            continue
        function = canonical(folded).partition("(")[0]
        advice = f"only the value is folded; write {quoted(same)}, or {function} on both sides"
        yield Finding(
            kind="never_equal",
            message=f"{canonical(node)} is never true: {advice}",
            part=canonical(node),
            span=node.span,
            suggestions=(quoted(same),),
        )


# keys --------------------------------------------------------------------------------------------


def _near_keys(schema: Declarations, node: s.Condition, keys: Keys) -> Iterator[Finding]:
    """Find keys of open maps that are nearly a known key, or nearly another one of the same filter."""
    named: dict[str, dict[str, s.Field]] = {}
    for each in s.walk(node):
        if isinstance(each, s.Field) and len(each.path) > 1:
            declared = schema.types.get(each.path[0])
            if isinstance(declared, Map) and declared.keys is None:
                named.setdefault(each.path[0], {}).setdefault(each.path[1], each)
    for name, fields in named.items():
        known = set(keys.get(name, ()))
        for key, field in fields.items():
            others = sorted(known) if known else [other for other in fields if other != key]
            if key in known or not (near := nearest(key, others)):
                continue
            suggestions = tuple(path_text((name, each)) for each in near)
            part = canonical(field)
            message = f"{part} is {'not known' if known else 'nearly another key'}{did_you_mean(suggestions)}"
            yield Finding(kind="near_key", message=message, part=part, span=field.span, suggestions=suggestions)


# white space -------------------------------------------------------------------------------------


def _with_blanks(node: s.Condition) -> Iterator[Finding]:
    """Find keys of maps, and texts that something is to equal, which have white space at an end."""
    for each in s.walk(node):
        match each:
            case s.Field(path=path) if any(key != trimmed(key) for key in path[1:]):
                meant = path_text((path[0], *map(trimmed, path[1:])))
                yield _blank(each, f"and keys are stored without; write {meant}", meant)
            case s.Compare("=", _, s.Literal(str() as text)) | s.Compare("=", s.Literal(str() as text), _):
                if text != trimmed(text):
                    yield _blank_text(each, text)
            case s.In(items=items):
                for item in items:
                    if isinstance(item, s.Literal) and isinstance(item.value, str) and item.value != trimmed(item.value):
                        yield _blank_text(each, item.value)


def _blank_text(node: s.Condition, text: str) -> Finding:
    meant = quoted(trimmed(text))
    return _blank(node, f"which is part of what it is compared with; write {meant}", meant)


def _blank(node: s.Field | s.Condition, why: str, meant: str) -> Finding:
    part = canonical(node)
    message = f"{part} has white space at an end, {why} unless it is meant"
    return Finding(kind="blanks", message=message, part=part, span=node.span, suggestions=(meant,))
