"""What other languages say for what this one says otherwise: SQL, Python and pandas, JavaScript, spreadsheets, forms.

Rows for the table of `habits`: a pattern, what is told, and what makes the text to write instead. Each is looked at only
where a text has an error, so a row need not be wary of what is right.
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from custcrm.filters.syntax.to_text import path_text

Rewrite: TypeAlias = Callable[[re.Match[str]], str | Sequence[str] | None]
"""Makes the text to write instead, or several, likeliest first; None where the match is no such habit."""
Row: TypeAlias = tuple[str, str, Rewrite]

DECIMAL: Final = r"-?[0-9]+(?:[.][0-9]+)?"
TEXT: Final = r"'(?:[^']|'')*'"
NAME: Final = r"[^\W\d]\w*"
PATH: Final = r'(?:\w+|"[^"]+")(?:\.(?:\w+|"[^"]+"))*'
UNIT: Final = r"(?:second|minute|hour|day|week|month|year)s?"
COMPARED: Final = r"(?:<=|>=|<>|!=|=|<|>)"
SOME: Final = rf"(?:{TEXT}|{DECIMAL})"
_VALUE: Final = rf"(?:{TEXT}|{DECIMAL}|\w+\([^()]*\)|{PATH})"
_OF: Final = rf"({NAME}(?:\.{NAME})*?)"
_WORD: Final = r"(?:AND|OR|NOT|IN|IS|LIKE|BETWEEN|CONTAINS|STARTS|ENDS|EXISTS|DOES|WHERE)\b"
_BEFORE_VALUE: Final = r"(?=\s+(?:['\"0-9-]|(?:DATE|TIMESTAMP|ago|from_now|now|today)\b))"
_ALIAS: Final = r"(?:\s+(?:AS\s+)?(?!WHERE\b)[^\W\d]\w*)?"
_ARRAY: Final = r"\(\s*(?:ARRAY\s*)?\[?([^()\[\]]*)\]?\s*\)"
NOW: Final = r"(?:\b(?:now|today|getdate|curdate|datetime\.now)\s*\(\s*\)|\bcurrent_date\b|\bcurrent_timestamp\b)"
_SPANNED: Final = r"(second|minute|hour|day|week|month|year)s?"
_BEGIN: Final = r"(\A\s*|\(\s*|\b(?:AND|OR|NOT)\s+)"
_THERE: Final = "KNOWN|SET|PRESENT|FILLED|GIVEN|DEFINED|AVAILABLE"
_ABSENT: Final = "MISSING|EMPTY|BLANK|UNKNOWN|UNSET|UNDEFINED|NONE|NIL|NAN|ABSENT"

_MOVED: Final = "times are moved by ago and from_now"
IS_THERE: Final = "that a value is there is said by EXISTS"
IS_MISSING: Final = "that a value is missing is said by DOES NOT EXIST"


def nothing(_: re.Match[str]) -> None:
    """Write nothing instead: what was meant cannot be known, or said."""


def as_(template: str) -> Rewrite:
    """Return what writes a template instead, with the groups of the match."""
    return lambda match: match.expand(template)


def _total(match: re.Match[str]) -> str:
    function, field, collection = match[1].upper(), match[2].rpartition(".")[2], match[3]
    return f"COUNT({collection}" if function == "COUNT" else f"{function}({collection}.{field}"


def _entry(match: re.Match[str]) -> str:
    return path_text((match[1], *re.findall(r"""['"]([^'"]+)['"]""", match[2])))


def _joined(match: re.Match[str]) -> str | None:
    """Write `AND(a, b)` as `(a AND b)`; None where there is no comma outside of quotes and parentheses."""
    text, depth, quotes, cuts = match[2], 0, False, [-1]
    for at, sign in enumerate(text):
        quotes ^= sign == "'"
        depth += 0 if quotes else (sign == "(") - (sign == ")")
        if sign == "," and depth == 0 and not quotes:
            cuts.append(at)
    parts = [text[first + 1 : last].strip() for first, last in pairwise([*cuts, len(text)])]
    return f"({f' {match[1].upper()} '.join(parts)})" if len(parts) > 1 and all(parts) else None


def _tested(match: re.Match[str]) -> str:
    name = match[2].lower().replace("_", "")
    test = "STARTS WITH" if name.startswith("start") else "ENDS WITH" if name.startswith("end") else "CONTAINS"
    return f"{match[1]} {test} {_single(match[3])}"


def _single(text: str) -> str:
    return text if text.startswith("'") else "'" + text[1:-1].replace("'", "''") + "'"


def _listed(match: re.Match[str]) -> str:
    return f"{match[1]} {'NOT IN' if 'not' in match[2].lower() else 'IN'} ({match[3].strip()})"


def _opposite(match: re.Match[str]) -> str:
    return {"=": "<>", "<>": "=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}[match[1]]


def _ignoring_case(match: re.Match[str]) -> str:
    test = "<>" if match[2][0] in "!<" else "=" if match[2][0] == "=" else match[2].upper()
    return f"CASEI({match[1]}) {test} CASEI({_single(match[3])})"


def _added(match: re.Match[str]) -> str:
    return f"{'ago' if match[2] else 'from_now'}('{match[3]} {match[1].lower()}s')"


def _between(match: re.Match[str]) -> str:
    return f"BETWEEN {match[1]} AND {match[2]}"


def _million(match: re.Match[str]) -> str:
    whole, _, decimals = match[1].partition(".")
    return str(int(whole + decimals.ljust(6, "0")[:6]))


_SQL: Final[tuple[Row, ...]] = (
    (rf"\bEXISTS\s*\(\s*SELECT\b[^()]*?\bFROM\s+(\w+){_ALIAS}", "a collection is named alone", as_(r"EXISTS(\1")),
    (
        rf"\(\s*SELECT\s+(COUNT|SUM|AVG|MIN|MAX)\s*\(\s*(\*|\w+(?:\.\w+)*)\s*\)\s*FROM\s+(\w+){_ALIAS}",
        "values over a collection are named, not selected", _total,
    ),
    (r"\bCOUNT\s*\(\s*DISTINCT\s+\w+", "records are counted as they are, there is no DISTINCT", nothing),
    (rf"\b(?:IS_?NULL|IS_?BLANK|IS_?EMPTY|IS_?NA|IS_?MISSING)\s*\(\s*({PATH})\s*\)", IS_MISSING, as_(r"\1 DOES NOT EXIST")),
    (rf"\b(?:NOT_?NULL|NOT_?NA|HAS_?VALUE|IS_?SET)\s*\(\s*({PATH})\s*\)", IS_THERE, as_(r"\1 EXISTS")),
    (r"(?<!IS\s)\bNOT\s+NULL\b|\bNOTNULL\b", IS_THERE, as_("EXISTS")),
    (r"\bISNULL\b(?!\s*\()", IS_MISSING, as_("DOES NOT EXIST")),
    (rf"=\s*(?:ANY|SOME)\s*{_ARRAY}", "one of several is asked with IN", as_(r"IN (\1)")),
    (rf"(?:<>|!=)\s*ALL\s*{_ARRAY}", "none of several is asked with NOT IN", as_(r"NOT IN (\1)")),
    (
        rf"(=|<>|!=)\s*\(\s*({SOME}(?:\s*(?:,|\bOR\b|\|\|?)\s*{SOME})+)\s*\)", "one of several is asked with IN",
        lambda match: f"{'IN' if match[1] == '=' else 'NOT IN'} ({', '.join(re.findall(SOME, match[2]))})",
    ),
    (
        rf"\b(?:UPPER|LOWER|UCASE|LCASE)\s*\(\s*({PATH})\s*\)\s*(=+|<>|!=|LIKE\b)\s*({TEXT}|\"[^\"]*\")",
        "the case is ignored by CASEI, on both sides", _ignoring_case,
    ),
    (
        rf"\bYEAR\s*\(\s*({PATH})\s*\)\s*=+\s*([0-9]{{4}})\b", "a year is the days from its first to its last",
        as_(r"\1 BETWEEN DATE('\2-01-01') AND DATE('\2-12-31')"),
    ),
    (rf"\bDATE_?ADD\s*\(\s*{_SPANNED}\s*,\s*(-?)([0-9]+)\s*,\s*{NOW}\s*\)", _MOVED, _added),
    (rf"\bDATE_SUB\s*\(\s*{NOW}\s*,\s*INTERVAL\s+'?([0-9]+\s+{UNIT})'?\s*\)", _MOVED, as_(r"ago('\1')")),
    (rf"\bDATE(?:TIME)?\s*\(\s*'now'\s*,\s*'-([0-9]+\s+{UNIT})'\s*\)", _MOVED, as_(r"ago('\1')")),
    (
        rf"{NOW}\s*([-+])\s*(?:\w+\.)?(?:timedelta|relativedelta)\(\s*{_SPANNED}\s*=\s*([0-9]+)\s*\)",
        _MOVED,
        lambda match: f"{'ago' if match[1] == '-' else 'from_now'}('{match[3]} {match[2]}s')",
    ),
    (r"::\s*\w+(?:\(\d+\))?", "values are not converted", as_("")),
    (r"\b(DATE|TIMESTAMP)\s+('[^']*')", "a function takes parentheses", as_(r"\1(\2)")),
    (r"\s+(?:ORDER\s+BY|GROUP\s+BY|LIMIT|OFFSET)\b[^']*\Z", "a filter is one condition, without order and limit", as_("")),
    (r"\A\s*(?:HAVING|IF|WHEN|FILTER|FIND)\s+(\w+)", "a filter is its condition alone", as_(r"\1")),
    (r"`([^`]+)`", "a name takes double quotes or none", lambda match: path_text((match[1],))),
    (r"(?<![\w\])])(?<!\bIN)(?<!\bIN\s)\[(\w+)\]", "a name takes double quotes or none", as_(r"\1")),
    (r"\bIS\s+(NOT\s+)?(LIKE|CONTAINS|IN|BETWEEN)\b", "the test stands behind its value, without IS", as_(r"\1\2")),
    (
        r"!?=?~\*?(?=\s*['\"])|\b(?:REGEXP|RLIKE|SIMILAR\s+TO)\b",
        "there are no regular expressions; compare with LIKE, CONTAINS, STARTS WITH or ENDS WITH", nothing,
    ),
    (
        rf"\b(EXISTS|COUNT)\s*\(\s*({NAME}(?:\.lines)?)\.({NAME})(?=\s*(?:{COMPARED}|IN\b|LIKE\b|BETWEEN\b))",
        "what is asked of the records stands behind WHERE", as_(r"\1(\2 WHERE \3"),
    ),
    (
        rf"(\b(?:COUNT|SUM|AVG|MIN|MAX|EXISTS)\s*\(\s*{PATH})\s+(?:WITH|HAVING|IF|FOR|FILTER|WHEN)\s+",
        "what is asked of the records stands behind WHERE", as_(r"\1 WHERE "),
    ),
)

_PROGRAMS: Final[tuple[Row, ...]] = (
    (rf"({NAME})((?:\[\s*(?:'[^']+'|\"[^\"]+\")\s*\])+)", "what lies under a name is reached by a point", _entry),
    (rf"({NAME})((?:\s*->>?\s*'[^']+')+)", "what lies under a name is reached by a point", _entry),
    (rf"({NAME})((?:\.get\(\s*(?:'[^']+'|\"[^\"]+\")\s*\))+)", "what lies under a name is reached by a point", _entry),
    (
        rf"{_OF}\.(?:str\.)?(contains|includes|has|starts_?with|ends_?with)\(\s*({TEXT}|\"[^\"]*\")\s*\)",
        "the test stands behind the text", _tested,
    ),
    (rf"{_OF}\.(isin|in_|not_?in_?)\(\s*[\[(]?([^()\[\]]*)[\])]?\s*\)", "one of several is asked with IN", _listed),
    (rf"{_OF}\.(?:isna|isnull|is_null|is_none)\(\s*\)", IS_MISSING, as_(r"\1 DOES NOT EXIST")),
    (rf"{_OF}\.(?:notna|notnull|not_null)\(\s*\)", IS_THERE, as_(r"\1 EXISTS")),
    (rf"{_OF}\.between\(\s*([^(),]+?)\s*,\s*([^(),]+?)\s*\)", "BETWEEN stands behind its value", as_(r"\1 BETWEEN \2 AND \3")),
    (
        rf"{_OF}\.(?:str\.)?(?:lower|upper|casefold|toLowerCase|toUpperCase)\(\s*\)\s*(=+|!==?|<>)\s*({TEXT}|\"[^\"]*\")",
        "the case is ignored by CASEI, on both sides", _ignoring_case,
    ),
    (rf"{_OF}\.(?:length|size|count|len)\(\s*\)", "records are counted by COUNT", as_(r"COUNT(\1)")),
    (rf"\b(?:len|length|size)\s*\(\s*({PATH})\s*\)", "records are counted by COUNT", as_(r"COUNT(\1)")),
    (
        rf"({NAME})\.(sum|mean|avg|min|max)\(\s*['\"]({NAME})['\"]\s*\)",
        "values over a collection are written SUM(sales.total)",
        lambda match: f"{'AVG' if match[2].lower() == 'mean' else match[2].upper()}({match[1]}.{match[3]})",
    ),
    (
        rf"{_OF}\.(sum|mean|avg|min|max)\(\s*\)", "values over a collection are written SUM(sales.total)",
        lambda match: f"{'AVG' if match[2].lower() == 'mean' else match[2].upper()}({match[1]})",
    ),
    (rf"({NAME})\.(?:any|some|exists|filter)\(\s*", "records are asked for by EXISTS", as_(r"EXISTS(\1 WHERE ")),
    (r"!==", "not equal is written <>", as_("<>")),
    (r"\*\*", "a power is written ^", as_("^")),
    (r"\s*//\s*(?=[0-9(])", "whole division is written DIV", as_(" DIV ")),
    (r"\bMOD\s*\(\s*([^(),]+?)\s*,\s*([^(),]+?)\s*\)", "the rest of a division is written %", as_(r"\1 % \2")),
    (r"\bMOD\b", "the rest of a division is written %", as_("%")),
    (r"\bPOW(?:ER)?\s*\(\s*([^(),]+?)\s*,\s*([^(),]+?)\s*\)", "a power is written ^", as_(r"\1 ^ \2")),
    (r"/\*.*?\*/", "there are no comments", as_("")),
    (r"\s+#[^\n]*\Z", "there are no comments", as_("")),
    (r'""', "a name has one or more characters; texts take single quotes", as_("''")),
    (r"~\s*(?=[\w(])", "not is written NOT", as_("NOT ")),
    (r"\b(AND|OR)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)", "AND and OR stand between conditions", _joined),
    (r"\A\s*=\s*", "a filter begins with its condition", as_("")),
    (r"([<>!])\s+=", "the sign is one, without a blank in it", as_(r"\1=")),
    (r"<\s+>", "the sign is one, without a blank in it", as_("<>")),
    (r"[×∗·]", "times is written *", as_("*")),
    (r"[÷∕⁄]", "divided by is written /", as_("/")),
    (r"[−–—‐‑‒]", "minus is the hyphen of the keyboard: -", as_("-")),
    (r"(?<![\w.])([0-9]+(?:[.][0-9]{1,6})?)\s?(?:mio|million)\b", "a number is written in digits", _million),
)

_FORMS: Final[tuple[Row, ...]] = (
    (r"\byesterday\s*\(\s*\)", "times are counted back by ago", as_("ago('1 day')")),
    (r"\btomorrow\s*\(\s*\)", "times are counted on by from_now", as_("from_now('1 day')")),
    (rf"{_BEGIN}(?:has|have|with)\s+({PATH})(?!\s*\()", IS_THERE, as_(r"\1\2 EXISTS")),
    (rf"{_BEGIN}(?:no|without|missing)\s+({PATH})(?!\s*\()", IS_MISSING, as_(r"\1\2 DOES NOT EXIST")),
    (r"\bIS\s+NOT\s+EXISTS?\b|\bDOES(?:N['’]?T|\s+NOT)\s+EXISTS?\b", IS_MISSING, as_("DOES NOT EXIST")),
    (r"\bIS\s+EXISTS?\b", IS_THERE, as_("EXISTS")),
    (rf"\bBETWEEN\s+({DECIMAL})\s*(?:[-–]|\.\.\.?)\s*({DECIMAL})\s*\Z", "BETWEEN takes two values joined by AND", _between),
    (rf"\bBETWEEN\s+({DECIMAL})\s*(?:[-–]|\.\.\.?)\s*({DECIMAL})", "BETWEEN takes two values joined by AND", _between),
    (
        rf"\bIN\s*[(\[]?\s*({DECIMAL})\s*(?:\.\.\.?|TO\b)\s*({DECIMAL})\s*[)\]]?",
        "what lies between two values is asked with BETWEEN", _between,
    ),
    (r"\A\s*(?:AND|OR)\s+", "AND and OR stand between conditions", as_("")),
    (r"\b(AND|OR)\s+\1\b", "AND and OR stand between conditions", as_(r"\1")),
    (
        rf"\b(?:with)?in\s+(?:the\s+)?(?:last|past|previous)\s+([0-9]+\s+{UNIT})\b", "times are counted back by ago",
        as_(r">= ago('\1')"),
    ),
    (
        rf"\b(?:with)?in\s+(?:the\s+)?(?:next|coming)\s+([0-9]+\s+{UNIT})\b", "times are counted on by from_now",
        as_(r"BETWEEN now() AND from_now('\1')"),
    ),
    (rf"\b([0-9]+\s+{UNIT})\s+ago\b", "times are counted back by ago", as_(r"ago('\1')")),
    (rf"(?<![\w.'])([0-9]+\s+{UNIT})\b(?!')", "a span is a text: ago('30 days')", as_(r"'\1'")),
    (r"\bNOT\s*(<=|>=|<>|!=|=|<|>)", "NOT stands before a condition, not inside a comparison", _opposite),
    (r"\b(?:is\s+)?(?:more|greater)\s+than\s+or\s+equals?(?:\s+to)?\b", "at least is written >=", as_(">=")),
    (r"\b(?:is\s+)?less\s+than\s+or\s+equals?(?:\s+to)?\b", "at most is written <=", as_("<=")),
    (
        r"\b(?:does\s+not|doesn['’]?t)\s+equal\b|\b(?:is\s+)?not\s+equals?(?:\s+to)?\b|\bneq?\b", "not equal is written <>",
        as_("<>"),
    ),
    (r"\bis\s+equal\s+to\b", "equality is written with =", as_("=")),
    (r"\bexceeds\b", "more than is written >", as_(">")),
    (rf"\b(?:is\s+)?(?:on\s+or\s+after|since){_BEFORE_VALUE}", "at least is written >=", as_(">=")),
    (rf"\b(?:is\s+)?(?:on\s+or\s+before|until|up\s+to){_BEFORE_VALUE}", "at most is written <=", as_("<=")),
    (rf"\b(?:is\s+)?(?:over|above|after|later\s+than){_BEFORE_VALUE}", "more than is written >", as_(">")),
    (rf"\b(?:is\s+)?(?:under|below|before|earlier\s+than){_BEFORE_VALUE}", "less than is written <", as_("<")),
    (r"\b(?:is\s+)?not\s+(?:one|any)\s+of\b|\bis\s+none\s+of\b", "none of several is asked with NOT IN", as_("NOT IN")),
    (r"\b(?:is\s+)?(?:one|any)\s+of\b", "one of several is asked with IN", as_("IN")),
    (rf"\bIS\s+NOT\s+(?:{_ABSENT})\b|\bIS\s+(?:{_THERE})\b|\bhas\s+(?:a\s+|any\s+)?value\b", IS_THERE, as_("EXISTS")),
    (rf"\bIS\s+NOT\s+(?:{_THERE})\b|\bIS\s+(?:{_ABSENT})\b|\bhas\s+no\s+value\b", IS_MISSING, as_("DOES NOT EXIST")),
    (r"\bstarting\s+with\b", "the test is written STARTS WITH", as_("STARTS WITH")),
    (r"\bending\s+(?:with|in)\b|\bends\s+in\b", "the test is written ENDS WITH", as_("ENDS WITH")),
    (r"\bcontaining\b", "the test is written CONTAINS", as_("CONTAINS")),
    (
        rf"({PATH})\s*({COMPARED})\s*({_VALUE})\s+(AND|OR)\s+({COMPARED})", "a condition is said in full",
        as_(r"\1 \2 \3 \4 \1 \5"),
    ),
    (r"'(\w+)\s*\Z", "the text that starts here has no closing quote", as_(r"'\1'")),
)
IDIOMS: Final = (*_SQL, *_PROGRAMS, *_FORMS)

LAST: Final[tuple[Row, ...]] = (
    (r"[$@#]?\{{1,2}\s*(\w+(?:\.\w+)*)\s*\}{1,2}", "a field is named alone", as_(r"\1")),
    (r"(?<![\w.])[$@#](?=[^\W\d])(\w+(?:\.\w+)*)", "a field is named alone", as_(r"\1")),
    (
        rf"(?<![\w.])(?!{_WORD})({NAME})\s+(?!{_WORD})({NAME})(?=\s*(?:{COMPARED}|\b{_WORD}))",
        "a name has no blanks in it", as_(r"\1_\2"),
    ),
)
"""Rows that come after all others."""
