"""What a condition that failed wanted, in words: `tell_wanted`. It completes `579.90, wanted …`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from custcrm.filters.syntax.nodes import Aggregate, Between, Compare, Exists, In, Literal, Node, TextTest
from custcrm.filters.syntax.operators import COMPARISONS, TEXT_TESTS, CompareOp
from custcrm.filters.syntax.to_text import canonical
from custcrm.filters.tools.show import fixed, seen

LISTED: Final = 5
"""Values of a list that are told one by one."""

_OPPOSITE: Final[dict[CompareOp, CompareOp]] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def tell_wanted(node: Node, subject: Node, others: Sequence[Any], *, negated: bool) -> str:
    """Return in words what a condition wants of its subject; `others` are what the operands beside that came to."""
    match node:
        case Compare(op, left):
            op = op if left is subject else COMPARISONS[op].mirrored
            return _compared(op, others[0] if others else None, negated=negated)
        case Between():
            return _unless(negated, f"{seen(others[0])} to {seen(others[-1])}") if len(others) > 1 else ""
        case In(items=items):
            return _listed(node, items, others, negated=negated)
        case TextTest(test, _, pattern):
            words = "one like" if test == "like" else f"one that {TEXT_TESTS[test].words.lower()}"
            return _unless(negated, f"{words} {canonical(pattern)}")
        case Exists() | Aggregate(op="exists"):
            return "none" if negated else "some"
    return ""


def _compared(op: CompareOp, other: Any, *, negated: bool) -> str:
    if other is None:
        return ""
    negative = negated and op == "="
    told = COMPARISONS[_OPPOSITE.get(op, op) if negated else op].wanted[isinstance(other, date)].format(seen(other))
    return _unless(negative, told)


def _listed(node: In, items: Sequence[Node], others: Sequence[Any], *, negated: bool) -> str:
    if fixed(node) is not None:
        return "none of them" if negated else "one of them"
    texts = [canonical(item) for item in items if isinstance(item, Literal)] + [seen(other) for other in others]
    more = f" … ({len(texts)})" if len(texts) > LISTED else ""
    return f"{'none' if negated else 'one'} of {', '.join(texts[:LISTED])}{more}" if texts else ""


def _unless(negated: bool, words: str) -> str:
    return f"not {words}" if negated else words
