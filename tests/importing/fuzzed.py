"""Files that nobody would write on purpose: some begin as good ones, and are cut, spliced, misspelt, encoded anew and damaged.

All is drawn by a `Random`, so that a seed and a number give the same file again. The name to know is `fuzzed_file`.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from attrs import field, frozen

SECRET: Final = "Qvzx"
"""Stands in whatever is personal: no verdict may tell it."""

COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "customers": (
        "first_name", "last_name", "company_name", "email", "phone", "card_number", "birth_date", "country", "locale",
        "time_zone",
        "kind", "credit_limit", "payment_terms_days", "loyalty_eligible", "signed_up_at", "attributes.size", "external_ids.erp",
        "tags.VIP", "tags.level", "tags.regular EXISTS", "consents.email", "consents.sms", "customer_group",
    ),
    "sales": (
        "external_id", "occurred_at", "total", "email", "card_number", "customer_id", "external_ids.erp", "units", "terminal",
        "point_of_sale", "program", "source", "document",
    ),
}
NEEDED: Final[Mapping[str, Sequence[str]]] = {
    "customers": ("email",), "sales": ("external_id", "occurred_at", "total", "email"),
}

CELLS: Final[Sequence[Callable[[Random], str]]] = (
    lambda draw: f"{SECRET}{draw.randrange(40)}@example.org", lambda draw: f"person-{draw.randrange(9)}@example.org",
    lambda draw: f"04012345{draw.randrange(100):02}", lambda draw: f"+46 70 123 45 {draw.randrange(100):02}",
    lambda draw: f"{draw.randint(-5, 500)}.{draw.randrange(100):02}", lambda draw: str(draw.choice([0, -1, 7, 2**31, 2**63,
    10**30])),
    lambda draw: f"2026-{draw.randint(0, 13):02}-{draw.randint(0, 32):02}", lambda draw: SECRET * draw.randint(1, 3),
    lambda draw: draw.choice(["yes", "no", "kyllä", "ei", "1", "0", "true", "x", "maybe"]),
    lambda draw: draw.choice(["FI", "SE", "fi", "XX", "fi-FI", "Europe/Helsinki", "Mars/Base", "club", "till", "Harbour",
    "person"]),
)
ODD: Final = (
    "", " ", '"', "'", '""', "\0", "\r", "\n", "\r\n", "\u2028", "\x85", "\ufeff", "\u200b", "\u202e", "=1+1", "'=1+1",
    "@SUM(A1)",
    "-1", "\t", ",", ";", "|", "NaN", "Infinity", "1e999", "1e-999", "١٢", "0000-00-00", "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00-14:00", "2026-02-30", "24:00", "a@b", "@", "a@b.c", f"{SECRET}@", "x" * 70_000, "x" * 140_000,
    "é" * 300,
    "e\u0301" * 200, "İ", "🎉" * 50, "null", "None", "NULL", "\\N", "tags.", 'tags."', "consents.pigeon",
    "attributes." + "k" * 500,
    "external_ids.", "refused_line", "refused_reason", "--", "'; DROP TABLE customers", "{name}", "%s", "../../etc/passwd",
)
ENCODINGS: Final = (
    *["utf-8"] * 12, *["utf-8-sig", "utf-16", "cp1252"] * 2, "utf-16-le", "utf-32", "latin-1", "shift-jis", "utf-7", "cp037",
)
TOLD: Final[Mapping[str, Sequence[Any]]] = {
    "encoding": ("utf-8", "latin-1", "utf-16", "ascii", "rot13", "base64", "no such", "idna"),
    "delimiter": (",", ";", "\t", "|", "x", "", '"', "\n", ",,"), "decimal": (".", ",", "x", ""),
    "atomic": (True, False), "ignore": (["status"], ["no such"], "email"), "columns": ({"Mail": "email"}, {"email": "email"},
    {}),
    "labels": ([], ["VIP"], ["no such"], "VIP"),
}


@frozen
class File:
    """What a file holds, of what it is to be a file, and what is told about it."""

    kind: str
    content: bytes = field(repr=False)
    told: Mapping[str, Any]


def fuzzed_file(draw: Random) -> File:
    """Return a file that is drawn: good ones are among them, and noise."""
    kind = draw.choice(sorted(COLUMNS))
    if draw.random() < 0.03:
        content = draw.randbytes(draw.choice([0, 1, 2, 30, 3_000]))
    else:
        content = _encoded(draw, _damaged(draw, _table(draw, kind)))
    names = [name for name in TOLD if draw.random() < 0.03 and (name != "labels" or kind == "customers")]
    return File(kind, content, {name: draw.choice(TOLD[name]) for name in names})


def _table(draw: Random, kind: str) -> str:
    """Return a table whose columns are known, with cells that fit some column, if not theirs."""
    columns = [*NEEDED[kind], *(each for each in COLUMNS[kind] if each not in NEEDED[kind] and draw.random() < 0.25)]
    if draw.random() < 0.1:
        columns[draw.randrange(len(columns))] = draw.choice([*ODD, *COLUMNS[kind], "tags.new", "attributes.new", "unknown"])
    if draw.random() < 0.2:
        draw.shuffle(columns)
    rows = [[_cell(draw, name) for name in columns] for _ in range(draw.choice([0, 1, 3, 3, 8, 30]))]
    delimiter = draw.choice([*",,,,,,;\t|;\t|:"])
    end = draw.choice(["\n", "\n", "\r\n", "\r", "\n\n"])
    return end.join(delimiter.join(_quoted(draw, each, delimiter) for each in row) for row in [columns, *rows])


def _cell(draw: Random, name: str) -> str:
    chance = draw.random()
    if chance < 0.06:
        return draw.choice(ODD)
    if chance < 0.12:
        return draw.choice(CELLS)(draw)
    match name:
        case "email":
            return draw.choice(CELLS[:2])(draw)
        case "phone":
            return draw.choice(CELLS[2:4])(draw)
        case "total" | "credit_limit":
            return CELLS[4](draw)
        case "external_id":
            return f"receipt {draw.randrange(60)}"
        case "occurred_at" | "birth_date" | "signed_up_at":
            return draw.choice(["2026-01-02", "2026-01-02T10:00:00", "1.2.2026", "1980-05-06"])
        case _ if name.startswith(("consents", "tags", "loyalty")):
            return CELLS[8](draw)
        case "country" | "locale" | "time_zone" | "program" | "terminal" | "point_of_sale" | "kind":
            return draw.choice(["", "", CELLS[9](draw)])
    return draw.choice(["", f"{SECRET} {draw.randrange(9)}"])


def _quoted(draw: Random, cell: str, delimiter: str) -> str:
    wants = any(each in cell for each in (delimiter, '"', "\n", "\r"))
    if (wants and draw.random() < 0.9) or draw.random() < 0.05:
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _damaged(draw: Random, text: str) -> str:
    """Return the text with some pieces cut out, put in, doubled or swapped; most as they are."""
    for _ in range(draw.choice([0, 0, 0, 0, 1, 1, 2, 5])):
        at = draw.randint(0 if draw.random() < 0.2 else min(len(text), 120), len(text))
        to = min(len(text), at + draw.choice([0, 0, 1, 3, 40]))
        piece = draw.choice([draw.choice(ODD), draw.choice(ODD), text[at:to] * 2, text[:20], chr(draw.randrange(0xD800)), ""])
        text = text[:at] + piece + text[to:]
    return text[: draw.randint(0, len(text))] if draw.random() < 0.05 else text


def _encoded(draw: Random, text: str) -> bytes:
    """Return the bytes of the text, and sometimes some bytes of them are others."""
    content = text.encode(draw.choice(ENCODINGS), "ignore")
    if content and draw.random() < 0.1:
        for _ in range(draw.choice([1, 1, 2, 9])):
            at = draw.randrange(len(content))
            content = content[:at] + draw.randbytes(draw.choice([0, 1, 2])) + content[at + 1 :]
    return content
