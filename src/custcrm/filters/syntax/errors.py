"""Errors of the filter language, made so that a person can mend the text and a program can mark the place.

`FilterError` is every refusal of a text, a JSON tree or an expression; `LimitExceeded` is the one for what is too
large. docs/errors.md lists the kinds. `quote_name` and `did_you_mean` make the pieces of a message.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from custcrm.filters.syntax.nodes import Place
from custcrm.values.errors import Malformed, bounded

CONTEXT: Final = 60
"""Characters of the text shown round the place: one line of a terminal or a form."""
NO_TRUTH: Final = (
    "A condition has no truth value in Python. Use & | ~ with parentheses round each comparison; "
    "for a range use between(), for a list is_in()."
)
"""What bool() of a condition says."""
LONGEST_SHOWN: Final = 40
"""Characters of a name or a constant repeated in a message; the place shows the rest."""

MOST_TOLD: Final = 4
"""Ways to mend it in one message."""

_ADVICE: Final = re.compile("[;:] (?:write|did you mean) (?:(?![;:] (?:write|did you mean) ).)*\\Z", re.DOTALL)
"""The end of a message that tells what is suggested."""
_LITERALS: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w.])-?\d[\d.,_:-]*""")


class FilterError(Malformed):
    """A filter that cannot be understood, or that a target cannot run exactly.

    `kind` is one of those that docs/errors.md lists. `span` is the place in `text`, as `position` and `end` (both 0 without a
    place); errors from JSON have a `pointer` instead, errors from Python expressions neither. `expected` lists what
    could have stood there, `suggestions` what was probably meant, as it would be typed. `public` is the message
    without any literal, for logs. `plain` is the same error without a habit of other languages that was seen in it.
    """

    def __init__(  # the attributes are the contract; nearly all have a default
        self,
        kind: str,
        message: str,
        *,
        span: Place | None = None,
        text: str = "",
        public: str | None = None,
        expected: Sequence[str] = (),
        suggestions: Sequence[str] = (),
        pointer: str | None = None,
        field: str | None = None,
    ) -> None:
        message = bounded(message, room=4 * CONTEXT)  # the place is told in two lines of its own
        super().__init__(message, field=field, suggestions=suggestions)
        self.args = (kind, message)  # what pickle calls the class with; the rest travels in __dict__
        self.kind = kind
        self.message = visible(message)
        self.public = _LITERALS.sub("…", self.message) if public is None else public
        self.text = text
        self.span = span
        self.expected = tuple(expected)
        self.pointer = pointer
        self.plain: FilterError | None = None

    @property
    def position(self) -> int:
        """Where the place begins, in code points."""
        return self.span[0] if self.span else 0

    @property
    def end(self) -> int:
        """Where the place ends; equal to `position` at the end of the text."""
        return self.span[1] if self.span else 0

    def within(self, text: str) -> "FilterError":
        """Return this error as one about `text`, which the code that found it did not have."""
        self.text = self.text or text
        return self

    def at(self, pointer: str) -> "FilterError":
        """Return this error as one about the JSON value at `pointer`, the place nearest to the mistake first."""
        self.pointer = pointer if self.pointer is None else self.pointer
        return self

    def __str__(self) -> str:
        if self.span is None:
            return self.message
        start, line = _excerpt(self.text, self.span)
        carets = max(1, min(self.end, start + CONTEXT) - self.position)
        return f"{self.message}\n  {line}\n  {' ' * (self.position - start)}{'^' * carets}"

    def to_json(self) -> dict[str, Any]:
        """Return the error as data for a form in a browser; `position` and `end` are None without a place."""
        return {
            "kind": self.kind,
            "message": self.message,
            "position": self.span and self.position,
            "end": self.span and self.end,
            "pointer": self.pointer,
            "expected": list(self.expected),
            "suggestions": list(self.suggestions),
        }


class LimitExceeded(FilterError):
    """A filter that is too large: `limit` names what was counted, `allowed` is the most there may be."""

    def __init__(self, limit: str, allowed: int, message: str, *, span: Place | None = None, text: str = "") -> None:
        super().__init__("limit", message, public=message, span=span, text=text)
        self.args = (limit, allowed, self.args[1])
        self.limit = limit
        self.allowed = allowed

    def to_json(self) -> dict[str, Any]:
        """Return the error as data, with the limit."""
        return super().to_json() | {"limit": self.limit, "allowed": self.allowed}


NOT_A_VALUE: Final = "a condition stands where a value is expected"


def not_a_value(span: Place | None = None) -> FilterError:
    """Return the error for a condition where a value was wanted."""
    return FilterError("not_a_value", NOT_A_VALUE, span=span)


def visible(text: str) -> str:
    """Return the text with each character replaced that cannot be seen or breaks the line, one for one."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def quote_name(text: str) -> str:
    """Return a name or text as a message quotes it: `'FI'`, quotes doubled, long ones cut."""
    cut = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
    return "'" + visible(cut).replace("'", "''") + "'"


def did_you_mean(suggestions: Sequence[str]) -> str:
    """Return `; did you mean 'visits'?` for the end of a message, nothing without a suggestion."""
    return f"; did you mean {' or '.join(suggestions)}?" if suggestions else ""


def advised(error: FilterError, suggestions: Sequence[str], span: Place | None) -> FilterError:
    """Return an error about another place with other suggestions, of which its message tells instead of its own."""
    if error.suggestions == tuple(suggestions) and error.span == span:
        return error
    message = _ADVICE.sub("", error.message) + write_instead(suggestions)
    return FilterError(
        error.kind, message, span=span, text=error.text, public=_ADVICE.sub("", error.public), expected=error.expected,
        suggestions=suggestions, pointer=error.pointer, field=error.field,
    )


def write_instead(suggestions: Sequence[str]) -> str:
    """Return `; write DATE('2026-01-31')` for the end of a message, nothing without a suggestion; long ones are cut."""
    shown = (each if len(each) <= CONTEXT else each[:CONTEXT] + "…" for each in suggestions[:MOST_TOLD])
    return visible(f"; write {' or '.join(shown)}") if suggestions else ""


def _excerpt(text: str, span: Place) -> tuple[int, str]:
    """Return where the shown piece of the text begins, and the piece."""
    position, end = span
    room = max(0, CONTEXT - (end - position)) // 2
    start = max(0, min(position - room, len(text) - CONTEXT))
    return start, visible(text[start : start + CONTEXT])
