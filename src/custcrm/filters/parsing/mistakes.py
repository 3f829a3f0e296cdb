"""What the parser says of a token that cannot stand where it does: `Mistakes` makes the errors of one text.

`Bracket` and `Role` say where the parser stands, of which depends what it expects.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias
from typing import Literal as OneOf

from custcrm.filters.parsing.functions import unknown
from custcrm.filters.parsing.habits import find_habit, told
from custcrm.filters.parsing.operands import Operand
from custcrm.filters.parsing.tokens import Token
from custcrm.filters.syntax.errors import LONGEST_SHOWN, FilterError, did_you_mean, quote_name, visible
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.operators import TEXT_TESTS
from custcrm.values.spelling import nearest

_TEXT_TESTS: Final = tuple(row.words.split()[0] for row in TEXT_TESTS.values())
AFTER_NOT: Final = ("BETWEEN", "IN", *_TEXT_TESTS)
"""The words that can follow a NOT after a value."""
WORDS: Final = tuple(
    dict.fromkeys(("AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "DIV", "EXISTS", "DOES", *_TEXT_TESTS))
)
"""The words that can follow a value or condition."""
SIGNS: Final = ("=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "^")
"""The signs that can follow a value."""
BracketKind: TypeAlias = OneOf["filter", "group", "call", "where", "list"]
CLOSING: Final = {"filter": (), "group": (")",), "where": (")",), "call": (",", ")"), "list": (",", ")")}
"""The signs that end a part of a bracket."""
Role: TypeAlias = OneOf["condition", "value", "tested", "low"]
"""What an operand is read as: a condition or value, a value in arithmetic, the right side of a test, the low end of one."""


class Bracket(NamedTuple):
    """What is open: the whole `filter`, a `group`, a `call`, its `where`, or the `list` of an IN.

    `start` is the place of the first token inside, `function` the name of what is called, in lower case.
    """

    kind: BracketKind
    start: int
    function: str = ""


class Mistakes:
    """Makes the errors of one text, each with its place."""

    def __init__(self, text: str) -> None:
        self._text = text

    def at(
        self,
        place: Token | Operand,
        kind: str,
        message: str,
        *,
        expected: Sequence[str] = (),
        near: Sequence[str] = (),
    ) -> FilterError:
        """Return the error of a kind at a place; where a habit shows there, it tells what the language writes instead."""
        span = (place.start, place.end)
        plain = FilterError(kind, message, span=span, text=self._text, expected=expected, suggestions=near)
        habit = find_habit(self._text, place.start)
        return plain if habit is None else told(habit, plain)

    def no_function(self, name: Token) -> FilterError:
        """Return the error for the name of a call that is no function of the language."""
        plain = unknown(name.path[0], (name.start, name.end)).within(self._text)
        habit = find_habit(self._text, name.start)
        return plain if habit is None else told(habit, plain)

    def unexpected(
        self,
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
            found = quote_name(token.text) if token.kind == "string" else self._quote(token)
            message = f"expected {wanted}, found {found}{did_you_mean(near)}"
        return self.at(token, kind, message, expected=expected or (wanted,), near=near)

    def no_operand(self, token: Token, bracket: Bracket, role: Role) -> FilterError:
        """Return the error for a token that begins no condition and no value."""
        wanted = "a condition" if role == "condition" and bracket.kind in ("filter", "group", "where") else "a value"
        if token.kind == "end" and bracket.kind == "filter" and token.start == bracket.start:
            return self.at(token, "end_of_text", "the filter is empty; write TRUE for everybody", near=("TRUE",))
        if token.kind == "word" and token.text == "NULL":
            return self.at(token, "null", "NULL is no value; whether a value is missing is asked with DOES NOT EXIST")
        if token.kind == "word" and token.text == "NOT":
            return self.unexpected(token, wanted, message="NOT stands before a condition, not inside a comparison")
        if token.kind == "word":
            quoted = f'; a field of this name is written "{token.path[0]}"'
            return self.unexpected(token, wanted, message=f"expected {wanted}, found {token.text}{quoted}")
        return self.unexpected(token, wanted)

    def no_operator(self, token: Token, bracket: Bracket, operand: Operand, role: Role) -> FilterError:
        """Return the error for a token that cannot follow the operand just read."""
        expected = _list_expected(bracket, operand, role)
        wanted = ")" if ")" in expected and token.kind == "end" else expected[0]
        message = None
        near: Sequence[str] = ()
        if token.kind == "sign" and token.text == ")":
            message = "this parenthesis was never opened"
        elif token.kind == "sign" and token.text == ",":
            message = "lists stand only after IN, as in x IN ('FI', 'SE')"
        elif wanted == ")":
            near = (")",)
        elif token.kind == "name" and token.text:
            near = nearest(token.text, WORDS, limit=1)
        return self.unexpected(token, wanted, message=message, expected=expected, near=near)

    def no_list(self, token: Token) -> FilterError:
        """Return the error for a token after IN that opens no list."""
        return self.unexpected(token, "(", message="IN is followed by a list in parentheses: IN ('FI', 'SE')")

    def no_test(self, token: Token) -> FilterError:
        """Return the error for a token that cannot follow a NOT after a value."""
        near = ("DOES NOT EXIST",) if token.text in ("EXISTS", "EXIST") else ()
        message = f"NOT after a value is followed by {', '.join(AFTER_NOT[:-1])} or {AFTER_NOT[-1]}{did_you_mean(near)}"
        return self.unexpected(token, "BETWEEN, IN or LIKE", message=message, expected=AFTER_NOT, near=near)

    def compared_with_null(self, token: Token, left: Operand, operator: str) -> FilterError:
        """Return the error for a NULL after `=` or `<>`."""
        test = "DOES NOT EXIST" if operator == "=" else "EXISTS"
        return self.at(token, "null", f"nothing equals NULL; write {self._quote(left)} {test}")

    def chained(self, token: Token, operand: Operand) -> FilterError:
        """Return the error for a second test of the operand that a first has tested."""
        advice = f"write {self._quote(operand)} BETWEEN … or two conditions"
        return self.at(token, "syntax", f"comparisons cannot be chained; {advice}")

    def _quote(self, place: Token | Operand) -> str:
        """Return the piece of the text at a place, short enough for a message."""
        found = self._text[place.start : place.end]
        return visible(found if len(found) <= LONGEST_SHOWN else found[:LONGEST_SHOWN] + "…")


def _list_expected(bracket: Bracket, operand: Operand, role: Role) -> tuple[str, ...]:
    """Return what can follow an operand, most likely first."""
    if role == "low":
        return ("AND", *SIGNS[6:])
    is_tested = role == "tested" or kind_of(operand.node) == "condition"
    words = ("AND", "OR") if is_tested else ("an operator", *SIGNS, *WORDS)
    return words + CLOSING[bracket.kind]
