"""Text to tree: the first of the two stages, without a schema. The names to know are `parse` and `parse_value`.

The grammar is LANGUAGE section 1. The parser keeps its own `stack`, so nesting costs no Python frames, and reads on
without going back. It is always in one of two states: it wants an operand, or an operator.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from custcrm.filters.parsing.functions import AGGREGATES, call, is_known, unknown
from custcrm.filters.parsing.mistakes import no_operand, no_operator, piece, unexpected
from custcrm.filters.parsing.placeholders import Given
from custcrm.filters.parsing.precedence import AND, LEVELS, NOT, OR, POWER, PREDICATE, Frame, Operand, Stack
from custcrm.filters.parsing.tokens import Token, Tokens
from custcrm.filters.syntax.constants import number
from custcrm.filters.syntax.errors import FilterError, did_you_mean
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.limits import TEXT, VALUES, check_limits, exceeded
from custcrm.filters.syntax.nodes import Condition, Exists, Field, In, Literal, Node, Place, Value
from custcrm.values.errors import Malformed

_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "%", "DIV", "^"})
_COMPARISONS: Final = frozenset({"=", "<>", "<", "<=", ">", ">="})
_AFTER_NOT: Final = ("BETWEEN", "IN", "LIKE", "CONTAINS", "STARTS", "ENDS")
_AFTER_VALUE: Final = frozenset({*_AFTER_NOT, "NOT", "IS", "EXISTS", "DOES"})

Values: TypeAlias = Mapping[str, Any]


def parse(text: str, values: Values | None = None) -> Condition:
    """Return the condition that the text says; `values` are those which the text names as `:name`.

    Raises `FilterError` with the place of the first mistake, `LimitExceeded` for what is too large.
    """
    parser = _Parser(text, {} if values is None else values)
    return cast("Condition", parser.finished(parser.stack.condition(parser.read())))


def parse_value(text: str, values: Values | None = None) -> Node:
    """Return the one value, or condition, that the text says: a column of a view. Errors are those of `parse`."""
    parser = _Parser(text, {} if values is None else values)
    return parser.finished(parser.read().node)


class _Parser:
    def __init__(self, text: str, values: Values) -> None:
        if not isinstance(text, str):
            raise Malformed(f"a filter is a text, not {type(text).__name__}", field="filter")
        if len(text) > TEXT:
            raise exceeded("text", (TEXT, len(text)), text)
        self.text = text
        self.given = Given(values, text)
        self.tokens = Tokens(text)
        self.token = self.tokens.next()
        self.stack = Stack(text, self.token)

    def read(self) -> Operand:
        """Read the whole text and return its one operand."""
        wants_operand = True
        while wants_operand or self.token.kind != "end" or len(self.stack.frames) > 1:
            wants_operand = self.operand() if wants_operand else self.operator()
        self.reduce(0)
        return self.stack.frame.operands.pop()

    def finished(self, node: Node) -> Node:
        """Return the node when all values were used and no limit is exceeded."""
        self.given.check_used()
        check_limits(node, text=self.text)
        return node

    def take(self) -> Token:
        """Return the token at hand and read the next one."""
        token = self.token
        self.token = self.tokens.next()
        return token

    def reduce(self, level: int) -> None:
        self.stack.reduce(level)
        if level < PREDICATE and self.stack.frame.waits_for_and:
            raise self.no_operator(self.token)

    def push(self, node: Node, place: Place) -> bool:
        """Add an operand; an operator comes next."""
        self.stack.push(node, *place)
        return False

    # where an operand is wanted ----------------------------------------------------------------

    def operand(self) -> bool:
        """Read one token of `primary`, or a prefix; tell whether an operand is still wanted."""
        token = self.token
        place = (token.start, token.end)
        match token.kind:
            case "name" | "path":
                self.take()
                if token.kind == "name" and self.token.text == "(" and self.token.kind == "sign":
                    return self.open_call(token)
                return self.push(Field(token.path, span=place), place)
            case "number":
                return self.number(self.take(), token.start)
            case "string":
                self.take()
                return self.push(Literal(token.text, span=place), place)
            case "value":
                self.take()
                return self.push(self.given.literal(token), place)
            case "word":
                return self.operand_word(token, place)
            case "sign":
                return self.operand_sign(token)
        raise no_operand(self.text, self.stack.frame, token)

    def operand_word(self, token: Token, place: Place) -> bool:
        if token.text in ("TRUE", "FALSE"):
            self.take()
            return self.push(Literal(token.text == "TRUE", span=place), place)
        if token.text == "NOT" and self.stack.frame.level <= NOT:
            self.stack.negate(self.take())
            return True
        raise no_operand(self.text, self.stack.frame, token)

    def operand_sign(self, token: Token) -> bool:
        frame = self.stack.frame
        match token.text:
            case "(":
                self.stack.frames.append(Frame("group", self.take()))
                return True
            case ")" if frame.kind in ("call", "list") and frame.is_empty:
                return self.close()
            case "-" | "+":
                self.take()
                if self.token.kind == "number":
                    return self.number(self.take(), token.start, negative=token.text == "-")
                if token.text == "+":
                    raise self.error("syntax", "+ stands only before a number", token)
                self.stack.wait("NEGATIVE", token)
                return True
        raise no_operand(self.text, self.stack.frame, token)

    def number(self, token: Token, start: int, *, negative: bool = False) -> bool:
        place = (start, token.end)
        try:
            return self.push(Literal(number(token.text, negative=negative), span=place), place)
        except Malformed as error:
            raise FilterError("number", str(error), span=place, text=self.text) from None

    def open_call(self, name: Token) -> bool:
        if not is_known(name.text.lower()):
            raise unknown(name.path[0], (name.start, name.end)).within(self.text)
        self.take()
        self.stack.frames.append(Frame("call", name))
        return True

    # where an operator is wanted ---------------------------------------------------------------

    def operator(self) -> bool:
        """Read one operator, separator or closing parenthesis; tell whether an operand is wanted next."""
        token = self.token
        if token.kind in ("sign", "word", "name", "doesnt"):
            match token.text:
                case ")":
                    return self.close()
                case ",":
                    return self.separate(token)
                case name if name in _ARITHMETIC:
                    return self.arithmetic(token)
                case name if name in _COMPARISONS:
                    self.begin_predicate(token)
                    return self.wait(name, self.take())
                case "AND":
                    return self.conjoin()
                case "OR":
                    self.reduce(OR)
                    return self.wait("OR", self.take())
                case "WHERE":
                    return self.where(token)
            if token.kind != "sign":
                return self.predicate(token)
        raise self.no_operator(token)

    def wait(self, name: str, token: Token, *, negated: bool = False) -> bool:
        """Add an operator; its right side comes next."""
        self.stack.wait(name, token, negated=negated)
        return True

    def arithmetic(self, token: Token) -> bool:
        level = LEVELS[token.text]
        self.reduce(level if level == POWER else level - 1)
        if level == POWER == self.stack.frame.level:
            raise self.error("syntax", "powers cannot be chained; use parentheses", token)
        return self.wait(token.text, self.take())

    def conjoin(self) -> bool:
        """Read an AND: the one of a BETWEEN that waits for it, else that of two conditions."""
        self.reduce(PREDICATE)
        operators = self.stack.frame.operators
        if self.stack.frame.waits_for_and:
            self.take()
            operators[-1] = operators[-1]._replace(name="BETWEEN AND")
            return True
        self.reduce(AND)
        return self.wait("AND", self.take())

    def where(self, token: Token) -> bool:
        frame = self.stack.frame
        only = frame.operands[0] if len(frame.operands) == 1 and not frame.operators and not frame.items else None
        is_bare = only is not None and isinstance(only.node, Field) and only.node.span == (only.start, only.end)
        if frame.kind != "call" or frame.opener.text.lower() not in AGGREGATES or not is_bare:
            message = "WHERE follows the path in COUNT, SUM, AVG, MIN, MAX or EXISTS: COUNT(sales WHERE total > 5)"
            raise self.error("syntax", message, token)
        self.take()
        frame.kind = "where"
        frame.items.append(frame.operands.pop())
        return True

    def separate(self, token: Token) -> bool:
        if self.stack.frame.kind not in ("call", "list"):
            raise self.no_operator(token)
        self.item()
        self.take()
        return True

    def item(self) -> None:
        """Finish an argument or a value of a list."""
        self.reduce(0)
        frame = self.stack.frame
        item = frame.operands.pop()
        if frame.kind == "list":
            self.stack.value(item)
            if len(frame.items) >= VALUES:
                raise exceeded("values", (item.start, item.end), self.text)
        frame.items.append(item)

    def close(self) -> bool:
        """Read a closing parenthesis: the frame becomes one operand of the one round it."""
        frame = self.stack.frame
        if frame.kind == "filter":
            raise self.no_operator(self.token)
        if frame.kind in ("group", "where"):
            self.reduce(0)
        elif not frame.is_empty:
            self.item()
        end = self.take().end
        match frame.kind:
            case "group":
                self.stack.frames.pop()
                self.stack.frame.operands.append(frame.operands[0]._replace(start=frame.opener.start, end=end))
                return False
            case "list":
                self.stack.frames.pop()
                items = tuple(cast("Value", item.node) for item in frame.items)
                return self.membership(items, end, negated=frame.negated)
            case "where":
                where = frame.operands.pop()
                frame.items.append(where._replace(node=self.stack.condition(where)))
        return self.called(frame, end)

    def called(self, frame: Frame, end: int) -> bool:
        """Make the node of a function call."""
        self.stack.frames.pop()
        name = frame.opener

        def complain(kind: str, message: str, argument: int | None) -> FilterError:
            place = name if argument is None else frame.items[argument]
            return self.error(kind, message, place)

        node = call(name.text.lower(), [item.node for item in frame.items], complain, (name.start, end))
        if kind_of(node) == "condition":
            self.stack.count(name.start, end)
        return self.push(node, (name.start, end))

    # predicates of words -----------------------------------------------------------------------

    def predicate(self, token: Token) -> bool:
        """Read the words of a predicate after its first value."""
        if token.kind != "doesnt" and token.text not in _AFTER_VALUE:
            raise self.no_operator(token)
        self.begin_predicate(token)
        self.take()
        negated = token.text == "NOT" and token.kind == "word"
        if negated:
            token = self.after_not()
        match token.text:
            case "BETWEEN" | "LIKE" | "CONTAINS":
                return self.wait(token.text, token, negated=negated)
            case "STARTS" | "ENDS":
                self.expect("WITH")
                return self.wait(f"{token.text} WITH", token, negated=negated)
            case "IN":
                return self.open_list(negated=negated)
            case "EXISTS":
                return self.presence(token.end, negated=False)
            case "IS":
                is_not = self.token.text == "NOT" and bool(self.expect("NOT"))
                return self.presence(self.expect("NULL").end, negated=not is_not)
            case "DOES":
                self.expect("NOT")
        return self.presence(self.expect("EXIST").end, negated=True)

    def begin_predicate(self, token: Token) -> None:
        """Check that a value stands before, and no other predicate."""
        self.reduce(PREDICATE)
        frame = self.stack.frame
        if frame.level == PREDICATE:
            advice = f"write {piece(self.text, frame.operands[-1])} BETWEEN … or two conditions"
            raise self.error("syntax", f"comparisons cannot be chained; {advice}", token)
        self.stack.value(frame.operands[-1])

    def after_not(self) -> Token:
        token = self.token
        if token.kind in ("word", "name") and token.text in _AFTER_NOT:
            return self.take()
        near = ("DOES NOT EXIST",) if token.text in ("EXISTS", "EXIST") else ()
        message = f"NOT after a value is followed by BETWEEN, IN, LIKE, CONTAINS, STARTS or ENDS{did_you_mean(near)}"
        raise unexpected(self.text, token, "BETWEEN, IN or LIKE", message=message, expected=_AFTER_NOT, near=near)

    def expect(self, word: str) -> Token:
        """Read the one word that can stand here."""
        if self.token.kind in ("word", "name") and self.token.text == word:
            return self.take()
        raise unexpected(self.text, self.token, word)

    def presence(self, end: int, *, negated: bool) -> bool:
        operand = self.stack.frame.operands.pop()
        place = (operand.start, end)
        self.stack.test(Exists(self.stack.value(operand), span=place), *place, negated=negated)
        return False

    def open_list(self, *, negated: bool) -> bool:
        token = self.token
        if token.kind == "value":
            self.take()
            return self.membership(self.given.literals(token), token.end, negated=negated)
        if token.kind == "sign" and token.text == "(":
            self.stack.frames.append(Frame("list", self.take(), negated=negated))
            return True
        raise unexpected(self.text, token, "(", message="IN is followed by a list in parentheses: IN ('FI', 'SE')")

    def membership(self, items: tuple[Value, ...], end: int, *, negated: bool) -> bool:
        operand = self.stack.frame.operands.pop()
        place = (operand.start, end)
        self.stack.test(In(self.stack.value(operand), items, span=place), *place, negated=negated)
        return False

    # mistakes ----------------------------------------------------------------------------------

    def error(self, kind: str, message: str, place: Token | Operand, near: Sequence[str] = ()) -> FilterError:
        return FilterError(kind, message, span=(place.start, place.end), text=self.text, suggestions=near)

    def no_operator(self, token: Token) -> FilterError:
        return no_operator(self.text, self.stack.frame, token)
