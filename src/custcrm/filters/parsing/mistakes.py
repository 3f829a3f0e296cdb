"""What the parser says of a token that cannot stand where it does: three functions that make the error.

`no_operand` where a condition or value was wanted, `no_operator` after one, `unexpected` for a given word.
"""

from collections.abc import Sequence
from typing import Final

from custcrm.filters.parsing.precedence import NOT, PREDICATE, Frame, Operand
from custcrm.filters.parsing.tokens import Token
from custcrm.filters.syntax.errors import LONGEST_SHOWN, FilterError, did_you_mean, shown, visible
from custcrm.filters.syntax.kinds import kind_of
from custcrm.values.spelling import nearest

WORDS: Final = (
    *("AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "DIV"),
    *("EXISTS", "DOES", "CONTAINS", "STARTS", "ENDS"),
)
"""The words that can follow a value or condition."""
_CLOSING: Final = {"filter": (), "group": (")",), "where": (")",), "call": (",", ")"), "list": (",", ")")}
_SIGNS: Final = ("=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "^")


def unexpected(
    text: str,
    token: Token,
    wanted: str,
    *,
    message: str | None = None,
    expected: Sequence[str] = (),
    near: Sequence[str] = (),
) -> FilterError:
    """Return the error for a token that stands where `wanted` should; `message` is for what could be read."""
    kind = "syntax"
    if token.kind == "end":
        kind, message = "end_of_text", f"the filter ends where {wanted} was expected"
    elif token.kind == "bad":
        kind = token.path[0]
        message = f"expected {wanted}; {token.text}" if kind == "character" else token.text
    elif message is None:
        message = f"expected {wanted}, found {_found(text, token)}{did_you_mean(near)}"
    place = (token.start, token.end)
    return FilterError(kind, message, span=place, text=text, expected=expected or (wanted,), suggestions=near)


def no_operand(text: str, frame: Frame, token: Token) -> FilterError:
    """Return the error for a token that begins no condition and no value."""
    wanted = "a condition" if frame.level <= NOT and frame.kind in ("filter", "group", "where") else "a value"
    if token.kind == "end" and frame.kind == "filter" and frame.is_empty:
        message = "the filter is empty; write TRUE for everybody"
        return FilterError("end_of_text", message, span=(token.start, token.end), text=text, suggestions=("TRUE",))
    if token.kind == "word" and token.text == "NULL":
        return _null(text, frame, token)
    if token.kind == "word" and token.text == "NOT":
        return unexpected(text, token, wanted, message="NOT stands before a condition, not inside a comparison")
    if token.kind == "word":
        quoted = f'; a field of this name is written "{token.path[0]}"'
        return unexpected(text, token, wanted, message=f"expected {wanted}, found {token.text}{quoted}")
    if token.text == "=" and text[token.start - 1 : token.start] == "=":
        return unexpected(text, token, wanted, message="equality is written with one =", near=("=",))
    return unexpected(text, token, wanted)


def no_operator(text: str, frame: Frame, token: Token) -> FilterError:
    """Return the error for a token that cannot follow a condition or value."""
    expected = _continuations(frame)
    wanted = ")" if ")" in expected and token.kind == "end" else expected[0]
    if token.kind == "sign" and token.text == ")":
        return unexpected(text, token, wanted, message="this parenthesis was never opened", expected=expected)
    if token.kind == "sign" and token.text == ",":
        message = "lists stand only after IN, as in x IN ('FI', 'SE')"
        return unexpected(text, token, wanted, message=message, expected=expected)
    if token.kind == "name":
        near = nearest(token.text, WORDS, limit=1) if token.text else ()
        return unexpected(text, token, wanted, expected=expected, near=near)
    return unexpected(text, token, wanted, expected=expected)


def _continuations(frame: Frame) -> tuple[str, ...]:
    """Return what can follow the operand at hand, most likely first."""
    if frame.waits_for_and:
        return ("AND", *_SIGNS[6:])
    is_tested = any(operator.level == PREDICATE for operator in frame.operators)
    if is_tested or (frame.operands and kind_of(frame.operands[-1].node) == "condition"):
        words: tuple[str, ...] = ("AND", "OR")
    else:
        words = ("an operator", *_SIGNS, *WORDS)
    return words + _CLOSING[frame.kind]


def _null(text: str, frame: Frame, token: Token) -> FilterError:
    operator = frame.operators[-1] if frame.operators else None
    if operator and operator.name in ("=", "<>"):
        test = "DOES NOT EXIST" if operator.name == "=" else "EXISTS"
        message = f"nothing equals NULL; write {piece(text, frame.operands[-1])} {test}"
    else:
        message = "NULL is no value; whether a value is missing is asked with DOES NOT EXIST"
    return FilterError("null", message, span=(token.start, token.end), text=text)


def piece(text: str, place: Token | Operand) -> str:
    """Return the piece of the text at a place, short enough for a message."""
    found = text[place.start : place.end]
    return visible(found if len(found) <= LONGEST_SHOWN else found[:LONGEST_SHOWN] + "…")


def _found(text: str, token: Token) -> str:
    return shown(token.text) if token.kind == "string" else piece(text, token)
