"""What Python expressions say without a schema: `ago`, `from_now`, `today`, `now`, `segment`, `TRUE`, `FALSE`."""

from typing import Final

from custcrm.filters.builder import Value, literal_of
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.syntax.nodes import (
    Clock,
    Literal,
    Segment,
)
from custcrm.filters.syntax.operators import ClockName
from custcrm.values.errors import Malformed
from custcrm.values.periods import SpanLike, span


def _moved(name: ClockName, length: SpanLike) -> Value:
    try:
        return Value(None, Clock(name, span(length)))
    except Malformed as error:
        raise FilterError("span", str(error)) from None


def ago(length: SpanLike) -> Value:
    """Return the time so long before the time asked about: a date beside a date, an instant beside an instant."""
    return _moved("ago", length)


def from_now(length: SpanLike) -> Value:
    """Return the time so long after the time asked about."""
    return _moved("from_now", length)


def today() -> Value:
    """Return the day asked about, in the schema's time zone."""
    return Value(None, Clock("today"))


def now() -> Value:
    """Return the instant asked about."""
    return Value(None, Clock("now"))


def segment(name: str) -> Value:
    """Return the saved filter of this name."""
    return Value(None, Segment(str(literal_of(name).value)))


TRUE: Final = Value(None, Literal(True))
"""Everybody."""
FALSE: Final = Value(None, Literal(False))
"""Nobody."""
