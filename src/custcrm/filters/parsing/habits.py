"""What people write out of habit: other dialects of SQL, numbers and days as at home. Know `find_habit` and `told`.

A table, first row first: each tells what the language writes instead, and where that is plain the text to put there.
It is looked at only when a text has an error, and only round the place of that.
"""

import re
from collections.abc import Sequence
from datetime import UTC
from typing import Final

from attrs import frozen

from custcrm.filters.parsing.idioms import DECIMAL, IDIOMS, LAST, NAME, NOW, PATH, SOME, TEXT, UNIT, Row, as_, nothing
from custcrm.filters.syntax.constants import quoted, write_number
from custcrm.filters.syntax.errors import FilterError, write_instead
from custcrm.filters.syntax.lexicon import RESERVED
from custcrm.filters.syntax.nodes import Place
from custcrm.filters.syntax.spellings import (
    BLANK,
    CURRENCY,
    loose_days,
    loose_instant,
    loose_number,
    loose_span,
    written_day,
    written_instant,
)

AROUND: Final = 200
"""Characters before and behind the place of an error that are looked at."""

@frozen
class Habit:
    """What was found: its place, what is said of it, and the texts to write there instead, none where nobody can know."""

    place: Place
    message: str
    instead: tuple[str, ...]


def told(habit: Habit, plain: FilterError) -> FilterError:
    """Return the error of a habit, with what to write in its place, instead of the plain error that showed it."""
    instead = [each.strip() for each in habit.instead if each.strip()]
    shown = "" if instead and habit.message.endswith(instead[0]) else write_instead(instead)
    error = FilterError(
        plain.kind, habit.message + shown, span=habit.place, text=plain.text, public=habit.message, expected=plain.expected,
        suggestions=habit.instead,
    )
    error.plain = plain
    return error


def find_habit(text: str, at: int) -> Habit | None:
    """Return the habit that shows at a place of a text, None when none of the table does."""
    for pattern, message, rewrite in _HABITS:
        for match in pattern.finditer(text, max(0, at - AROUND), at + AROUND):
            if not _covers(match, at, len(text)):
                continue
            made = rewrite(match)
            instead = (made,) if isinstance(made, str) else tuple(made or ())
            instead = tuple(each for each in instead if each != match[0])
            if instead or rewrite is nothing:
                return Habit(match.span(), message, instead)
    return None


def _covers(match: re.Match[str], at: int, length: int) -> bool:
    """Tell whether a match covers a place; one to the end of the text covers that end too."""
    first, end = match.span()
    if match.re.pattern.endswith(r"\Z"):
        return first <= at <= end == length
    return first <= at < end


def _number(match: re.Match[str]) -> str | None:
    value = loose_number(match[0])
    return None if value is None else write_number(value)


def _thousands(match: re.Match[str]) -> str | None:
    value = loose_number(match[1])
    return None if value is None else write_number(value * 1000)


def _days(match: re.Match[str]) -> list[str]:
    return [written_day(each) for each in loose_days(match[0])]


def _instant(match: re.Match[str]) -> str | None:
    when = loose_instant(match[0], None)
    return None if when is None else written_instant(when)


def _moment(match: re.Match[str]) -> Sequence[str] | None:
    """Write what stands in DATE(…) or TIMESTAMP(…) as what it is: a local time is left to who knows the zone."""
    if days := loose_days(match[2]):
        return [written_day(each) for each in days]
    if (when := loose_instant(match[2], None)) is not None:
        return (written_instant(when),)
    return None if loose_instant(match[2], UTC) is None else (quoted(match[2].strip()),)


def _moved(match: re.Match[str]) -> list[str]:
    return [f"{'ago' if match[1] == '-' else 'from_now'}('{span}')" for span in loose_span(match[2])]


def _called_span(match: re.Match[str]) -> list[str]:
    return [f"{match[1].lower()}('{span}')" for span in loose_span(match[2])]


def _quoted_after(match: re.Match[str]) -> str | None:
    words = match[2].split()
    if any(word.upper() in RESERVED for word in words):
        return None
    return f"{match[1]} {quoted(' '.join(words))}"


def _list(match: re.Match[str]) -> str:
    return f"IN ({match[1].replace(chr(34), chr(39)).strip(' ,')})"


def _not_at_end(match: re.Match[str]) -> str:
    return f"NOT {match[1].upper()}S WITH"


def _contained(match: re.Match[str]) -> str:
    return f"{match[3]} {match[2] or ''}CONTAINS '{match[1]}'"


def _range(match: re.Match[str]) -> str:
    low, above, name, below, high = match.groups()
    if above == below == "<=":
        return f"{name} BETWEEN {low} AND {high}"
    return f"({name} {above.replace('<', '>')} {low} AND {name} {below} {high})"


_NOT: Final = r"\b(?:DOES\s+NOT|DOESN['’]?T)"
_IS: Final = "IS takes NULL or NOT NULL; values are compared with = and <>"
_RESERVED: Final = r"(?:NULL|NOT|AND|OR|WHERE|EXISTS?|IN|IS|DOES)\b"
_ITEM: Final = rf"(?:{TEXT}|\"[^\"]*\"|{DECIMAL}|(?!(?:AND|OR|NOT|NULL|SELECT)\b)[^\W\d]\w*(?![\w(.]))"
_DIGITS: Final = rf"[0-9](?:[0-9.,{BLANK}]*[0-9])?"
_NO_NUMBER_AFTER: Final = r"(?![\w]|[.,][0-9])"

_CALLS: Final[tuple[Row, ...]] = (
    (r"\b(ago|from_now)\s*\(\s*['\"]?([^'\"()]*)['\"]?\s*\)", "a span is a text with its unit", _called_span),
    (r"\b(DATE|TIMESTAMP)\s*\(\s*['\"]?([^'\"()]*)['\"]?\s*\)", "days are written DATE('YYYY-MM-DD'), times in UTC", _moment),
    (r"\b(CASEI|ACCENTI|SEGMENT)\s*\(\s*\"([^\"]*)\"\s*\)", "texts take single quotes", as_(r"\1('\2')")),
)
_ROWS: Final[tuple[Row, ...]] = (
    (r"\A\s*(?:SELECT\b.{0,150}?\bWHERE\b|WHERE\b(?!\s*[=<>!]))\s*", "a filter is what stands behind WHERE, alone", as_("")),
    (r"\s*;\s*\Z", "a filter is one condition, without ; behind it", as_("")),
    (r"\s+(?:--|//)[^\n]*\Z", "there are no comments; two minus signs need a space between them", as_("")),
    (r"'(\w+)'(\w[^']*)'(?!')", "a quote inside a text is doubled: 'it''s'", as_(r"'\1''\2'")),
    (r"[“„«‘‚‹]([^“”„«»‘’‚‹›']*)[“”»’‘›]", "texts are written in straight single quotes", as_(r"'\1'")),
    (r"\bIN\s*[\[{]([^\]}]*)[\]}]", "lists are written in parentheses", _list),
    (
        rf"['\"]?(\w+)['\"]?\s+(NOT\s+)?IN\s+({NAME}(?:\.{NAME})*)\b(?!\s*[,(.])",
        "what is contained stands behind CONTAINS", _contained,
    ),
    (rf"\bIN\s+({_ITEM}(?:\s*,\s*{_ITEM})*)", "IN is followed by a list in parentheses", _list),
    (
        rf"({PATH})\s+(NOT\s+)?ILIKE\s+({TEXT})", "the case is ignored by CASEI, on both sides",
        lambda match: f"CASEI({match[1]}) {'NOT ' if match[2] else ''}LIKE CASEI({match[3]})",
    ),
    (rf"{NOW}\s*([-+])\s*(?:INTERVAL\s*)?'?([0-9]+\s*(?:{UNIT})?)'?", "times are moved by ago and from_now", _moved),
    (
        r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})", "an instant is written TIMESTAMP('…Z'), in UTC",
        _instant,
    ),
    (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+", "an instant is written TIMESTAMP('2026-01-31T09:00:00Z'), in UTC", nothing),
    (r"(?<![\w.])[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}\b", "a date is written DATE('YYYY-MM-DD')", _days),
    (rf"{CURRENCY}\s*{_DIGITS}{_NO_NUMBER_AFTER}", "an amount is a number, without its currency", _number),
    (rf"(?<![\w.]){_DIGITS}\s*{CURRENCY}(?!\w)", "an amount is a number, without its currency", _number),
    (r"(?<![\w.])([0-9]+(?:[.][0-9]+)?)k\b", "a number is written in digits", _thousands),
    (
        rf"(?<![\w.']){_DIGITS}{_NO_NUMBER_AFTER}",
        "a number has no marks between its thousands, and a point before its decimals",
        lambda match: _number(match) if re.search(rf"[,{BLANK}]|[.].*[.]", match[0]) else None,
    ),
    (r"(=|<>|!=)\s*NULL\b", "nothing equals NULL", lambda match: "DOES NOT EXIST" if match[1] == "=" else "EXISTS"),
    (rf"({PATH})\s*=\s*({SOME}(?:\s*,\s*{SOME})+)", "lists stand only after IN", as_(r"\1 IN (\2)")),
    (rf"({DECIMAL})\s*(<=?)\s*({PATH})\s*(<=?)\s*({DECIMAL})", "comparisons cannot be chained", _range),
    (rf"({PATH})\.\*", "a collection is named alone", as_(r"\1")),
    (r"≥", "at least is written >=", as_(">=")),
    (r"≤", "at most is written <=", as_("<=")),
    (r"≠", "not equal is written <>", as_("<>")),
    (r"==+", "equality is written with one =", as_("=")),
    (r"=>", "at least is written >=", as_(">=")),
    (r"=<", "at most is written <=", as_("<=")),
    (r"&&?", "and is written AND", as_("AND")),
    (r"\|\|?", "or is written OR", as_("OR")),
    (r"!(?!=)\s*", "not is written NOT, not equal <>", as_("NOT ")),
    (
        rf"(?:[\w\"]\s+)EXISTS\s+(?:{TEXT}|{DECIMAL})", "EXISTS asks whether there is a value; values are compared with = or >",
        nothing,
    ),
    (rf"\b(NOT\s+|)EXISTS\s+(?!AND\b|OR\b|NOT\b|[0-9])({PATH})", "EXISTS takes parentheses", as_(r"\1EXISTS(\2)")),
    (r"\bNOT\s+EXISTS?\b(?!\s*\()", "that a value is missing is said by DOES NOT EXIST", as_("DOES NOT EXIST")),
    (rf"\bIS\s+NOT\s+(?!{_RESERVED})({TEXT}|{DECIMAL}|{PATH})", _IS, as_(r"<> \1")),
    (rf"\bIS\s+(?!{_RESERVED}|\w+\s+than\b)({TEXT}|{DECIMAL}|{PATH})", _IS, as_(r"= \1")),
    (r"\bBETWEEN\s*\(\s*([^(),]+?)\s*(?:,|\b(?:AND|TO)\b)\s*([^(),]+?)\s*\)", "BETWEEN takes two values joined by AND",
     as_(r"BETWEEN \1 AND \2")),
    (r"\bBETWEEN\s+([^\s,()]+)\s*(?:,|\b(?:TO|OR)\b)\s*", "BETWEEN takes two values joined by AND", as_(r"BETWEEN \1 AND ")),
    (rf"{_NOT}\s+CONTAIN\b", "that a text does not contain another is said by NOT CONTAINS", as_("NOT CONTAINS")),
    (rf"{_NOT}\s+(START|END)\s+WITH\b", "NOT stands before STARTS WITH and ENDS WITH", _not_at_end),
    (rf"\b(STARTS|ENDS)\s+({TEXT})", "the test is two words", as_(r"\1 WITH \2")),
    (r"\b(?:begins\s+with|startswith|starts_with)\b", "the test is written STARTS WITH", as_("STARTS WITH")),
    (r"\b(?:endswith|ends_with)\b", "the test is written ENDS WITH", as_("ENDS WITH")),
    (r"\b(?:includes|has)\b(?=\s+')", "the test is written CONTAINS", as_("CONTAINS")),
    (r"\bmatches\b", "the test is written LIKE", as_("LIKE")),
    (r"\b(?:equals?(?:\s+to)?|eq)\b", "equality is written with =", as_("=")),
    (r"\b(?:is\s+)?(?:more|greater)\s+than\b|\bgt\b", "more than is written >", as_(">")),
    (r"\b(?:is\s+)?less\s+than\b|\blt\b", "less than is written <", as_("<")),
    (r"\b(?:is\s+)?at\s+least\b|\bgte\b", "at least is written >=", as_(">=")),
    (r"\b(?:is\s+)?at\s+most\b|\blte\b", "at most is written <=", as_("<=")),
    (r"\bSEGMENT\s+[\"']([^\"']+)[\"']", "a segment is named in parentheses and single quotes", as_(r"SEGMENT('\1')")),
    (r"\bSEGMENT\s*\(\s*\"?([\w .-]+?)\"?\s*\)", "a segment is named in single quotes", as_(r"SEGMENT('\1')")),
    (
        r"(=|<>|!=|\bCONTAINS|\bLIKE|\bWITH)\s*([^\s'\"()=<>,;@]*@[^\s'\"(),;]+)", "texts take single quotes", _quoted_after,
    ),
    (r"(\bLIKE)\s+([\w*%]+)\Z", "a pattern is a text in single quotes, where % stands for anything", _quoted_after),
    (r"(\bLIKE)\s+([\w*%]+)", "a pattern is a text in single quotes, where % stands for anything", _quoted_after),
    (r"\bLIKE\s*\Z", "LIKE is followed by a pattern in single quotes, as in LIKE 'A%'", nothing),
    (r"(=|<>|!=)\s*([^\W\d]\w*(?:\s+(?!AND\b|OR\b)[^\W\d]\w*)+)", "texts take single quotes", _quoted_after),
)
_HABITS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), message, rewrite)
    for pattern, message, rewrite in (*_CALLS, *_ROWS[:2], *IDIOMS, *_ROWS[2:], *LAST)
)
