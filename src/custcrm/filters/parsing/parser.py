"""Text to tree: the first of the two stages, without a schema. The names to know are `parse` and `parse_value`.

A recursive descent: each `_parse_…` reads what its docstring, a line of the grammar, says. What stands in brackets is
not called but yielded, and `run` keeps who waits for it in a list: parentheses cost no Python frames, so that 12,000 of
them are read, and in a caller who has few frames left. Nothing is read twice.
"""

from collections.abc import Generator, Mapping
from typing import Any, Final, TypeAlias, cast

from custcrm.filters.parsing.functions import call, is_known
from custcrm.filters.parsing.mistakes import AFTER_NOT, CLOSING, Bracket, BracketKind, Mistakes, Role
from custcrm.filters.parsing.operands import Operand, Operands
from custcrm.filters.parsing.placeholders import Placeholders
from custcrm.filters.parsing.tokens import Token, Tokens
from custcrm.filters.parsing.trampoline import run
from custcrm.filters.syntax.constants import number
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.limits import TEXT, VALUES, check_limits, exceeded
from custcrm.filters.syntax.nodes import Condition, Exists, Field, In, Literal, Node, Value
from custcrm.filters.syntax.operators import AGGREGATES, COMPARISONS, TEXT_TESTS
from custcrm.values.errors import Malformed

_BETWEEN_VALUES: Final = frozenset({*COMPARISONS, "<>", *AFTER_NOT} - {"IN"})
_SECOND_WORDS: Final = dict(row.words.split() for row in TEXT_TESTS.values() if " " in row.words)
"""Of a test that is written in two: STARTS WITH."""
_OR, _AND, _NOT, _TEST, _SUM, _PRODUCT, _POWER = range(1, 8)
_BINDING: Final = {
    "OR": _OR,
    "AND": _AND,
    **dict.fromkeys((*_BETWEEN_VALUES, "IN", "NOT", "IS", "EXISTS", "DOES", "doesnt"), _TEST),
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/", "%", "DIV"), _PRODUCT),
    "^": _POWER,
}
"""How tightly operators bind that follow an operand, loosest first."""
_IN_ARITHMETIC: Final[Mapping[Role, Role]] = {"condition": "value", "value": "value", "tested": "tested", "low": "tested"}
_CAN_FOLLOW: Final = {kind: frozenset(_BINDING).union(closing or ("end",)) for kind, closing in CLOSING.items()}

Values: TypeAlias = Mapping[str, Any]
Parsing: TypeAlias = Generator["Parsing", Operand, Operand]
"""What a `_parse_…` with operands inside is: it yields what stands in brackets, and is sent what that was read as."""


def parse(text: str, values: Values | None = None) -> Condition:
    """Return the condition that the text says; `values` are those which the text names as `:name`.

    Raises `FilterError` with the place of the first mistake, `LimitExceeded` for what is too large.
    """
    parser = _Parser(text, {} if values is None else values)
    operand = run(parser.parse_expression())
    return cast("Condition", parser.finish(parser.operands.require_condition(operand)))


def parse_value(text: str, values: Values | None = None) -> Node:
    """Return the one value, or condition, that the text says: a column of a view. Errors are those of `parse`."""
    parser = _Parser(text, {} if values is None else values)
    return parser.finish(run(parser.parse_expression()).node)


class _Parser:
    def __init__(self, text: str, values: Values) -> None:
        if not isinstance(text, str):
            raise Malformed(f"a filter is a text, not {type(text).__name__}", field="filter")
        if len(text) > TEXT:
            raise exceeded("text", (TEXT, len(text)), text)
        self.text = text
        self.placeholders = Placeholders(values, text)
        self.operands = Operands(text)
        self.mistakes = Mistakes(text)
        self.tokens = Tokens(text)
        self.advance()
        self.bracket = Bracket("filter", self.token.start)

    def finish(self, node: Node) -> Node:
        """Return the node when all values were used and no limit is exceeded."""
        self.placeholders.check_used()
        check_limits(node, text=self.text)
        return node

    # tokens ------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Read the next token; `ahead` is its text if it is a word, name or sign, else its kind, in small letters."""
        self.token = token = self.tokens.next()
        self.ahead = token.text if token.kind in ("sign", "name", "word") else token.kind

    def take(self) -> Token:
        """Return the token at hand and read the next one."""
        token = self.token
        self.advance()
        return token

    def skip(self, word: str) -> bool:
        """Read this word or sign if it is at hand; tell whether it was."""
        is_there = self.ahead == word
        if is_there:
            self.advance()
        return is_there

    def expect(self, word: str) -> Token:
        """Read the one word that can stand here."""
        if self.ahead == word:
            return self.take()
        raise self.mistakes.unexpected(self.token, word)

    # grammar -----------------------------------------------------------------------------------

    def parse_expression(self, level: int = 0, role: Role = "condition") -> Parsing:
        """expression = ( not | unary | primary ) { operator … }: those operators that bind tighter than `level`"""
        if self.ahead == "NOT" and level <= _NOT:
            operand = yield from self._parse_not()
        elif self.ahead == "-":
            operand = yield from self._parse_unary(role)
        else:
            operand = yield from self._parse_primary(role)
        while (binding := _BINDING.get(self.ahead, 0)) > level:
            if binding >= _SUM:
                operand = yield from self._parse_arithmetic(operand, binding, role)
            elif binding == _TEST:
                operand = yield from self._parse_predicate(operand)
            else:
                operand = yield from self._parse_joined(operand, binding)
        return operand

    def _parse_joined(self, first: Operand, level: int) -> Parsing:
        """or = and { OR and }; and = not { AND not }"""
        name, operands = self.ahead, [first]
        while self.ahead == name:
            self.operands.check_waiting("conditions", len(operands), self.take())
            operands.append((yield from self.parse_expression(level)))
        return self.operands.join(name, operands)

    def _parse_not(self) -> Parsing:
        """not = { NOT } predicate"""
        negating = None
        while self.ahead == "NOT":
            token = self.take()
            negating = token if negating is None else None
        operand = yield from self.parse_expression(_NOT)
        return operand if negating is None else self.operands.negate(negating, operand)

    def _parse_predicate(self, operand: Operand) -> Parsing:
        """predicate = sum [ [ NOT ] ( test | membership ) | presence ]"""
        self.operands.require_value(operand)
        token = self.take()
        negated = token.text == "NOT"
        if negated:
            if self.ahead not in AFTER_NOT:
                raise self.mistakes.no_test(self.token)
            token = self.take()
        if token.text in _BETWEEN_VALUES:
            return (yield from self._parse_test(operand, token.text, negated))
        if token.text == "IN":
            operand = yield from self._parse_membership(operand, negated)
        else:
            operand = self._parse_presence(operand, token)
        self.check_follow(operand, "condition")
        return operand

    def _parse_test(self, operand: Operand, name: str, negated: bool) -> Parsing:
        """test = ( = | <> | < | <= | > | >= | LIKE | CONTAINS | STARTS WITH | … | BETWEEN sum AND ) sum"""
        operands = [operand]
        if name in _SECOND_WORDS:
            name = f"{name} {self.expect(_SECOND_WORDS[name]).text}"
        elif name in ("=", "<>") and self.ahead == "NULL":
            raise self.mistakes.compared_with_null(self.token, operand, name)
        elif name == "BETWEEN":
            low = yield from self.parse_expression(_TEST, "low")
            self.check_chain(low)
            if not self.skip("AND"):
                raise self.mistakes.no_operator(self.token, self.bracket, low, "low")
            operands.append(low)
        operands.append((yield from self.parse_expression(_TEST, "tested")))
        self.check_chain(operands[-1])
        return self.operands.test(name, operands, negated=negated)

    def _parse_membership(self, operand: Operand, negated: bool) -> Parsing:
        """membership = IN ( '(' [ or { ',' or } ] ')' | VALUE )"""
        items: list[Value] = []
        token = self.token
        if self.skip("value"):
            items.extend(self.placeholders.literals(token))
            end = token.end
        elif self.ahead == "(":
            outer = self.open_bracket("list")
            more = self.ahead != ")"
            while more:
                item = yield self.parse_expression()
                items.append(self.operands.require_value(item))
                if len(items) > VALUES:
                    raise exceeded("values", (item.start, item.end), self.text)
                more = self.skip(",")
            end = self.close_bracket(outer)
        else:
            raise self.mistakes.no_list(token)
        place = (operand.start, end)
        node = In(cast("Value", operand.node), tuple(items), span=place)
        return self.operands.add_condition(node, place, negated=negated)

    def _parse_presence(self, operand: Operand, token: Token) -> Operand:
        """presence = EXISTS | IS [ NOT ] NULL | DOES NOT EXIST | DOESN'T EXIST"""
        is_missing = token.text != "EXISTS"
        if token.text == "IS":
            is_missing = not self.skip("NOT")
            token = self.expect("NULL")
        elif is_missing:
            if token.text == "DOES":
                self.expect("NOT")
            token = self.expect("EXIST")
        place = (operand.start, token.end)
        node = Exists(cast("Value", operand.node), span=place)
        return self.operands.add_condition(node, place, negated=is_missing)

    def _parse_arithmetic(self, left: Operand, level: int, role: Role) -> Parsing:
        """sum = product { ( + | - ) product }; product = power { ( * | / | % | DIV ) power }; power = unary [ ^ unary ]"""
        name = self.take().text
        right = yield from self.parse_expression(level, _IN_ARITHMETIC[role])
        if name == self.ahead == "^":
            raise self.mistakes.at(self.token, "syntax", "powers cannot be chained; use parentheses")
        return self.operands.compute(name, left, right)

    def _parse_unary(self, role: Role) -> Parsing:
        """unary = { - } primary"""
        minuses: list[Token] = []
        while self.ahead == "-":
            minuses.append(self.take())
            self.operands.check_waiting("depth", len(minuses), minuses[-1])
        sign = minuses.pop() if self.ahead == "number" else None
        operand = yield from self._parse_primary(_IN_ARITHMETIC[role] if minuses else role, sign)
        for minus in reversed(minuses):
            place = (minus.start, minus.end)
            operand = self.operands.compute("*", Operand(Literal(-1, span=place), *place), operand)
        return operand

    def _parse_primary(self, role: Role, sign: Token | None = None) -> Parsing:
        """primary = '(' or ')' | call | PATH | constant"""
        token = self.token
        if self.ahead == "(":
            outer = self.open_bracket("group")
            operand = yield self.parse_expression()
            operand = operand._replace(start=token.start, end=self.close_bracket(outer))
        elif token.kind in ("name", "path"):
            self.advance()
            if self.ahead == "(" and token.kind == "name":
                operand = yield from self._parse_call(token)
            else:
                operand = Operand(Field(token.path, span=(token.start, token.end)), token.start, token.end)
        else:
            operand = self._parse_constant(role, sign)
        self.check_follow(operand, role)
        return operand

    def _parse_constant(self, role: Role, sign: Token | None) -> Operand:
        """constant = [ + | - ] NUMBER | STRING | TRUE | FALSE | VALUE"""
        if self.ahead == "+":
            sign = self.take()
            if self.ahead != "number":
                raise self.mistakes.at(sign, "syntax", "+ stands only before a number")
        token = self.token
        place = ((sign or token).start, token.end)
        match self.ahead:
            case "number":
                try:
                    value = number(token.text, negative=sign is not None and sign.text == "-")
                except Malformed as error:
                    raise FilterError("number", str(error), span=place, text=self.text) from None
                node = Literal(value, span=place)
            case "string":
                node = Literal(token.text, span=place)
            case "value":
                node = self.placeholders.literal(token)
            case "TRUE" | "FALSE":
                node = Literal(self.ahead == "TRUE", span=place)
            case _:
                raise self.mistakes.no_operand(token, self.bracket, role)
        self.advance()
        return Operand(node, *place)

    def _parse_call(self, name: Token) -> Parsing:
        """call = NAME '(' [ or { ',' or } | PATH WHERE or ] ')'"""
        function = name.text.lower()
        if not is_known(function):
            raise self.mistakes.no_function(name)
        args: list[Operand] = []
        outer = self.open_bracket("call", function)
        if self.ahead == "*" and function in AGGREGATES:
            args.append(self._parse_star())
        more = self.ahead not in (")", "WHERE")
        while more:
            args.append((yield self.parse_expression()))
            more = self.skip(",")
        if self.ahead == "WHERE":
            self.open_bracket("where")
            args.append((yield self.parse_expression()))
            self.operands.require_condition(args[-1])
        end = self.close_bracket(outer)

        def complain(kind: str, message: str, argument: int | None) -> FilterError:
            return self.mistakes.at(name if argument is None else args[argument], kind, message)

        node = call(function, [arg.node for arg in args], complain, (name.start, end))
        if kind_of(node) == "condition":
            self.operands.count_condition(name.start, end)
        return Operand(node, name.start, end)

    def _parse_star(self) -> Operand:
        """star = '*': no collection has this name, so that a schema refuses it and tells those that there are"""
        star = self.take()
        operand = Operand(Field((star.text,), span=(star.start, star.end)), star.start, star.end)
        self.check_follow(operand, "value")
        return operand

    # brackets ----------------------------------------------------------------------------------

    def open_bracket(self, kind: BracketKind, function: str = "") -> Bracket:
        """Read an opening parenthesis, or a WHERE; return the bracket round it."""
        outer = self.bracket
        self.advance()
        self.bracket = Bracket(kind, self.token.start, function)
        return outer

    def close_bracket(self, outer: Bracket) -> int:
        """Read the closing parenthesis, which is there: `check_follow` lets nothing else pass. Return its end."""
        self.bracket = outer
        return self.take().end

    def check_follow(self, operand: Operand, role: Role) -> None:
        """Raise unless the token at hand can follow an operand in this bracket."""
        if self.ahead in _CAN_FOLLOW[self.bracket.kind]:
            return
        if self.ahead != "WHERE":
            raise self.mistakes.no_operator(self.token, self.bracket, operand, role)
        is_path = isinstance(operand.node, Field) and operand.node.span == (operand.start, operand.end)
        if not is_path or operand.start != self.bracket.start or self.bracket.function not in AGGREGATES:
            message = "WHERE follows the path in COUNT, SUM, AVG, MIN, MAX or EXISTS: COUNT(sales WHERE total > 5)"
            raise self.mistakes.at(self.token, "syntax", message)

    def check_chain(self, operand: Operand) -> None:
        """Raise when the right side of a test is tested again."""
        if _BINDING.get(self.ahead) == _TEST:
            raise self.mistakes.chained(self.token, operand)
