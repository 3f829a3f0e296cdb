"""What people write out of habit: other dialects of SQL, numbers and days as at home. Know `find_habit` and `told`.

A table, first row first: each tells what the language writes instead, and where that is plain the text to put there.
It is looked at only when a text has an error, and only round the place of that.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from custcrm.filters.syntax.constants import quoted, write_number
from custcrm.filters.syntax.errors import LONGEST_SHOWN, FilterError, visible
from custcrm.filters.syntax.lexicon import RESERVED
from custcrm.filters.syntax.nodes import Place
from custcrm.filters.syntax.spellings import (
    BLANK,
    CURRENCY,
    loose_days,
    loose_instant,
    loose_number,
    written_day,
    written_instant,
)

AROUND: Final = 200
"""Characters before and behind the place of an error that are looked at."""

Rewrite = Callable[[re.Match[str]], str | None]


@frozen
class Habit:
    """What was found: its place, what is said of it, and the text to write there instead, None where nobody can know."""

    place: Place
    message: str
    instead: str | None


def told(habit: Habit, kind: str, text: str, expected: Sequence[str] = ()) -> FilterError:
    """Return the error of a kind that a habit is, with the text to write in its place."""
    near = () if habit.instead is None else (habit.instead,)
    instead = (habit.instead or "").strip()
    shown = "" if habit.message.endswith(instead) else f"; write {instead[:LONGEST_SHOWN]}"
    return FilterError(
        kind, visible(habit.message + shown), span=habit.place, text=text, public=habit.message, expected=expected,
        suggestions=near,
    )


def find_habit(text: str, at: int) -> Habit | None:
    """Return the habit that shows at a place of a text, None when none of the table does."""
    for pattern, message, rewrite in _HABITS:
        for match in pattern.finditer(text, max(0, at - AROUND), at + AROUND):
            if not _covers(match, at, len(text)):
                continue
            instead = rewrite(match)
            if instead is not None or rewrite is _nothing:
                return Habit(match.span(), message, instead)
    return None


def _covers(match: re.Match[str], at: int, length: int) -> bool:
    """Tell whether a match covers a place; one to the end of the text covers that end too."""
    first, end = match.span()
    if match.re.pattern.endswith(r"\Z"):
        return first <= at <= end == length
    return first <= at < end


def _nothing(_: re.Match[str]) -> None:
    return None


def _as(template: str) -> Rewrite:
    return lambda match: match.expand(template)


def _number(match: re.Match[str]) -> str | None:
    value = loose_number(match[0])
    return None if value is None else write_number(value)


def _thousands(match: re.Match[str]) -> str | None:
    value = loose_number(match[1])
    return None if value is None else write_number(value * 1000)


def _day(match: re.Match[str]) -> str | None:
    days = loose_days(match[0])
    return written_day(days[0]) if len(days) == 1 else None


def _instant(match: re.Match[str]) -> str | None:
    when = loose_instant(match[0], None)
    return None if when is None else written_instant(when)


def _moved(match: re.Match[str]) -> str:
    return f"{'ago' if match[1] == '-' else 'from_now'}('{_span(match[2], match[3])}')"


def _called_span(match: re.Match[str]) -> str:
    return f"{match[1].lower()}('{_span(match[2], match[3])}')"


def _span(count: str, unit: str | None) -> str:
    unit = (unit or "day").lower()
    return f"{int(count)} {unit}{'' if int(count) == 1 else 's'}"


def _quoted_after(match: re.Match[str]) -> str | None:
    words = match[2].split()
    if any(word.upper() in RESERVED for word in words):
        return None
    return f"{match[1]} {quoted(' '.join(words))}"


def _list(match: re.Match[str]) -> str:
    return f"IN ({match[1].replace(chr(34), chr(39)).strip()})"


def _range(match: re.Match[str]) -> str:
    low, above, name, below, high = match.groups()
    if above == below == "<=":
        return f"{name} BETWEEN {low} AND {high}"
    return f"({name} {above.replace('<', '>')} {low} AND {name} {below} {high})"


_DECIMAL: Final = r"-?[0-9]+(?:[.][0-9]+)?"
_TEXT: Final = r"'(?:[^']|'')*'"
_PATH: Final = r'(?:\w+|"[^"]+")(?:\.(?:\w+|"[^"]+"))*'
_UNIT: Final = r"(second|minute|hour|day|week|month|year)s?"
_NOW: Final = r"(?:\b(?:now|today|getdate|curdate)\s*\(\s*\)|\bcurrent_date\b|\bcurrent_timestamp\b)"
_DIGITS: Final = rf"[0-9](?:[0-9.,{BLANK}]*[0-9])?"
_NO_NUMBER_AFTER: Final = r"(?![\w]|[.,][0-9])"

_ROWS: Final[tuple[tuple[str, str, Rewrite], ...]] = (
    (r"\A\s*(?:SELECT\b.{0,150}?\bWHERE\b|WHERE\b(?!\s*[=<>!]))\s*", "a filter is what stands behind WHERE, alone", _as("")),
    (r"\s*;\s*\Z", "a filter is one condition, without ; behind it", _as("")),
    (r"\s+(?:--|//)[^\n]*\Z", "there are no comments; two minus signs need a space between them", _as("")),
    (r"'(\w+)'(\w[^']*)'(?!')", "a quote inside a text is doubled: 'it''s'", _as(r"'\1''\2'")),
    (r"[“„«‘‚‹]([^“”„«»‘’‚‹›']*)[“”»’‘›]", "texts are written in straight single quotes", _as(r"'\1'")),
    (r"\bIN\s*[\[{]([^\]}]*)[\]}]", "lists are written in parentheses", _list),
    (rf"\bIN\s+({_TEXT}|[0-9]+)", "IN is followed by a list in parentheses", _as(r"IN (\1)")),
    (
        rf"({_PATH})\s+(NOT\s+)?ILIKE\s+({_TEXT})", "the case is ignored by CASEI, on both sides",
        lambda match: f"CASEI({match[1]}) {'NOT ' if match[2] else ''}LIKE CASEI({match[3]})",
    ),
    (rf"{_NOW}\s*([-+])\s*(?:INTERVAL\s*)?'?([0-9]+)\s*(?:{_UNIT})?'?", "times are moved by ago and from_now", _moved),
    (rf"\b(ago|from_now)\s*\(\s*'?([0-9]+)\s*(?:{_UNIT})?'?\s*\)", "a span is a text with its unit", _called_span),
    (
        r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})", "an instant is written TIMESTAMP('…Z'), in UTC",
        _instant,
    ),
    (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+", "an instant is written TIMESTAMP('2026-01-31T09:00:00Z'), in UTC", _nothing),
    (r"(?<![\w.])[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}\b", "a date is written DATE('YYYY-MM-DD')", _day),
    (rf"{CURRENCY}\s*{_DIGITS}{_NO_NUMBER_AFTER}", "an amount is a number, without its currency", _number),
    (rf"(?<![\w.]){_DIGITS}\s*{CURRENCY}(?!\w)", "an amount is a number, without its currency", _number),
    (r"(?<![\w.])([0-9]+(?:[.][0-9]+)?)k\b", "a number is written in digits", _thousands),
    (
        rf"(?<![\w.']){_DIGITS}{_NO_NUMBER_AFTER}",
        "a number has no marks between its thousands, and a point before its decimals",
        lambda match: _number(match) if re.search(rf"[,{BLANK}]|[.].*[.]", match[0]) else None,
    ),
    (r"(=|<>|!=)\s*NULL\b", "nothing equals NULL", lambda match: "DOES NOT EXIST" if match[1] == "=" else "EXISTS"),
    (rf"({_PATH})\s*=\s*({_TEXT}(?:\s*,\s*{_TEXT})+)", "lists stand only after IN", _as(r"\1 IN (\2)")),
    (rf"({_DECIMAL})\s*(<=?)\s*({_PATH})\s*(<=?)\s*({_DECIMAL})", "comparisons cannot be chained", _range),
    (rf"({_PATH})\.\*", "a collection is named alone", _as(r"\1")),
    (r"≥", "at least is written >=", _as(">=")),
    (r"≤", "at most is written <=", _as("<=")),
    (r"≠", "not equal is written <>", _as("<>")),
    (r"==+", "equality is written with one =", _as("=")),
    (r"=>", "at least is written >=", _as(">=")),
    (r"=<", "at most is written <=", _as("<=")),
    (r"&&?", "and is written AND", _as("AND")),
    (r"\|\|?", "or is written OR", _as("OR")),
    (r"!(?!=)\s*", "not is written NOT, not equal <>", _as("NOT ")),
    (r"\b(NOT\s+|)EXISTS\s+(?!AND\b|OR\b)(\w+)", "EXISTS takes parentheses", _as(r"\1EXISTS(\2)")),
    (r"\bNOT\s+EXISTS?\b(?!\s*\()", "that a value is missing is said by DOES NOT EXIST", _as("DOES NOT EXIST")),
    (r"\bIS\s+NOT\s+(?:MISSING|EMPTY|BLANK)\b", "that a value is there is said by EXISTS", _as("EXISTS")),
    (r"\bIS\s+(?:MISSING|EMPTY|BLANK)\b", "that a value is missing is said by DOES NOT EXIST", _as("DOES NOT EXIST")),
    (rf"\bIS\s+NOT\s+({_TEXT}|{_DECIMAL}|TRUE\b|FALSE\b)", "values are compared with = and <>", _as(r"<> \1")),
    (rf"\bIS\s+({_TEXT}|{_DECIMAL}|TRUE\b|FALSE\b)", "values are compared with = and <>", _as(r"= \1")),
    (r"\bIS\s+NOT\s+(\w+)(?=\s*\()", "values are compared with = and <>", _as(r"<> \1")),
    (r"\bIS\s+(?!NOT\b)(\w+)(?=\s*\()", "values are compared with = and <>", _as(r"= \1")),
    (r"\bIS\s+NOT\s+(?!NULL\b)(\w+)\b(?!\s*\()", "values are compared with = and <>, texts in single quotes", _as(r"<> '\1'")),
    (r"\bIS\s+(?!NULL\b|NOT\b)(\w+)\b(?!\s+than|\s*\()",
     "values are compared with = and <>, texts in single quotes", _as(r"= '\1'")),
    (r"\bBETWEEN\s*\(\s*([^(),]+?)\s*(?:,|\b(?:AND|TO)\b)\s*([^(),]+?)\s*\)", "BETWEEN takes two values joined by AND",
     _as(r"BETWEEN \1 AND \2")),
    (r"\bBETWEEN\s+([^\s,()]+)\s*(?:,|\b(?:TO|OR)\b)\s*", "BETWEEN takes two values joined by AND", _as(r"BETWEEN \1 AND ")),
    (r"\bDOES\s+NOT\s+CONTAIN\b", "that a text does not contain another is said by NOT CONTAINS", _as("NOT CONTAINS")),
    (r"\bDOES\s+NOT\s+(START|END)\s+WITH\b", "NOT stands before STARTS WITH and ENDS WITH", _as(r"NOT \1S WITH")),
    (rf"\b(STARTS|ENDS)\s+({_TEXT})", "the test is two words", _as(r"\1 WITH \2")),
    (r"\b(?:begins\s+with|startswith|starts_with)\b", "the test is written STARTS WITH", _as("STARTS WITH")),
    (r"\b(?:endswith|ends_with)\b", "the test is written ENDS WITH", _as("ENDS WITH")),
    (r"\b(?:includes|has)\b(?=\s+')", "the test is written CONTAINS", _as("CONTAINS")),
    (r"\bmatches\b", "the test is written LIKE", _as("LIKE")),
    (r"\b(?:equals?(?:\s+to)?|eq)\b", "equality is written with =", _as("=")),
    (r"\b(?:is\s+)?(?:more|greater)\s+than\b|\bgt\b", "more than is written >", _as(">")),
    (r"\b(?:is\s+)?less\s+than\b|\blt\b", "less than is written <", _as("<")),
    (r"\b(?:is\s+)?at\s+least\b|\bgte\b", "at least is written >=", _as(">=")),
    (r"\b(?:is\s+)?at\s+most\b|\blte\b", "at most is written <=", _as("<=")),
    (r"\bSEGMENT\s+[\"']([^\"']+)[\"']", "a segment is named in parentheses and single quotes", _as(r"SEGMENT('\1')")),
    (r"\bSEGMENT\s*\(\s*\"?([\w .-]+?)\"?\s*\)", "a segment is named in single quotes", _as(r"SEGMENT('\1')")),
    (
        r"(=|<>|!=|\bCONTAINS|\bLIKE|\bWITH)\s*([^\s'\"()=<>,;@]*@[^\s'\"(),;]+)", "texts take single quotes", _quoted_after,
    ),
    (r"(\bLIKE)\s+([\w*%]+)\Z", "a pattern is a text in single quotes, where % stands for anything", _quoted_after),
    (r"(\bLIKE)\s+([\w*%]+)", "a pattern is a text in single quotes, where % stands for anything", _quoted_after),
    (r"\bLIKE\s*\Z", "LIKE is followed by a pattern in single quotes, as in LIKE 'A%'", _nothing),
    (r"(=|<>|!=)\s*([^\W\d]\w*(?:\s+(?!AND\b|OR\b)[^\W\d]\w*)+)", "texts take single quotes", _quoted_after),
)
_HABITS: Final = tuple((re.compile(pattern, re.IGNORECASE), message, rewrite) for pattern, message, rewrite in _ROWS)
