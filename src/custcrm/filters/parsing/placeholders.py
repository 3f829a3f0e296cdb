"""Values given beside a text, which names them `:name`: `Placeholders` looks them up and makes their constants."""

from collections.abc import Mapping, Sequence
from typing import Any

from custcrm.filters.parsing.tokens import Token
from custcrm.filters.syntax.constants import constant
from custcrm.filters.syntax.errors import FilterError, did_you_mean, quote_name
from custcrm.filters.syntax.limits import VALUES, exceeded
from custcrm.filters.syntax.nodes import Literal
from custcrm.values.errors import Malformed
from custcrm.values.shapes import mapping
from custcrm.values.spelling import nearest


class Placeholders:
    """The values beside one text; each must be named in it, or it is an error."""

    def __init__(self, values: Mapping[str, Any], text: str) -> None:
        self._values = mapping(values, field="values")
        self._text = text
        self._used: set[str] = set()

    def literal(self, token: Token) -> Literal:
        """Return the constant that a `:name` stands for."""
        value = self._find_value(token)
        if isinstance(value, list | tuple):
            raise self._error(f"a list stands only after IN; :{token.text} is one", token)
        return self._make_literal(token, value)

    def literals(self, token: Token) -> tuple[Literal, ...]:
        """Return the constants of the list that a `:name` after IN stands for."""
        values = self._find_value(token)
        if not isinstance(values, list | tuple):
            raise self._error(f"IN takes a list or tuple, and :{token.text} is none", token)
        if len(values) > VALUES:
            raise exceeded("values", (token.start, token.end), self._text)
        return tuple(self._make_literal(token, value) for value in values)

    def check_used(self) -> None:
        """Raise when a value was given that the text does not name."""
        for name in self._values:
            if name not in self._used:
                raise FilterError("value", f"the text names no value {quote_name(f':{name}')}", text=self._text)

    def _find_value(self, token: Token) -> object:
        self._used.add(token.text)
        if token.text in self._values:
            return self._values[token.text]
        near = tuple(f":{name}" for name in nearest(token.text, self._values))
        raise self._error(f"no value given for :{token.text}{did_you_mean(near)}", token, near)

    def _make_literal(self, token: Token, value: object) -> Literal:
        try:
            return constant(value, (token.start, token.end))
        except Malformed as error:
            raise self._error(f":{token.text} does not do: {error}", token) from None

    def _error(self, message: str, token: Token, near: Sequence[str] = ()) -> FilterError:
        return FilterError("value", message, span=(token.start, token.end), text=self._text, suggestions=near)
