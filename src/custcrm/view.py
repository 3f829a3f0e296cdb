"""Tables of a selection: any values of the filter language as columns, sorted, shown, written as CSV."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from os import PathLike
from typing import Any, Final, TypeAlias, TypeVar

from attrs import frozen

from custcrm.business import Business
from custcrm.files import written_whole
from custcrm.filters.ir.nodes import Shown
from custcrm.filters.tools.show import shown_value
from custcrm.records import Export
from custcrm.storage.questions import Order, Question
from custcrm.values.errors import Malformed
from custcrm.values.formulas import harmless, row_of, told_delimiter
from custcrm.values.money import Money
from custcrm.values.shapes import flag, mapping, several
from custcrm.values.texts import checked

R = TypeVar("R")

ROWS_SHOWN: Final = 20
"""Rows of a View that `print` shows; iterate for all."""

AHEAD: Final = 1_000
"""Rows that are read before the first of them is given: who leaves a small table half-read keeps no connection."""

_SORT = re.compile(r"(?is)(?P<value>.+?)(?:\s+(?P<way>ASC|DESC))?(?:\s+NULLS\s+(?P<missing>FIRST|LAST))?\s*")


Row: TypeAlias = Mapping[str, Any]


@frozen(eq=False, repr=False)
class View:
    """A table: iterate for rows (title → value), `print` for a look, `to_csv` to take it away."""

    columns: tuple[str, ...]
    _business: Business
    _rows: Callable[[], Iterator[Row]]

    @classmethod
    def of(
        cls,
        business: Business,
        question: Callable[[], Question],
        columns: Sequence[str] | Mapping[str, str],
        sort: Sequence[str],
        scope: Mapping[str, str],
    ) -> View:
        """Check columns and sort keys, and return the table; nothing is read yet."""
        if isinstance(columns, Mapping):
            titled = dict(mapping(columns, field="columns"))
        else:
            titled = {checked(text, field="columns"): text for text in several(columns, field="columns")}
        if not titled:
            raise Malformed("a view has at least one column", field="columns")
        shown = {title: _read_column(business, text, scope) for title, text in titled.items()}
        order = tuple(_read_order(business, key, titled, scope) for key in several(sort, field="sort"))
        return cls(tuple(shown), business, lambda: _read_rows(business, question(), shown, order))

    def __iter__(self) -> Iterator[Row]:
        return self._business.store.confine(self._rows())

    def to_csv(self, target: str | PathLike[str], *, delimiter: str = ",", bom: bool = False, raw: bool = False) -> int:
        """Write the table as CSV (RFC 4180, UTF-8) and return the number of rows; the export is recorded.

        Amounts and numbers are plain numbers; a text that a spreadsheet would take for a formula gets an apostrophe, which an
        import takes off again. With `raw` none does: for machines, which read back each text as it is. The file appears whole
        or not at all, in the place of what was there: a link is replaced, not followed.
        """
        parted, text_of = told_delimiter(delimiter), plain_text if flag(raw, field="raw") else _cell
        rows = 0
        with written_whole(target, encoding="utf-8-sig" if flag(bom, field="bom") else "utf-8") as file:
            file.write(row_of([text_of(title) for title in self.columns], parted))
            for rows, row in enumerate(self, 1):  # noqa: B007 (the count is the result)
                file.write(row_of([text_of(value) for value in row.values()], parted))
        self._record_export(rows)
        return rows

    def _record_export(self, rows: int) -> None:
        business = self._business
        export = Export(
            id=business.ids.new(), kind="csv", columns={"columns": list(self.columns)}, rows=rows,
            actor=business.actor, occurred_at=business.now(),
        )
        business.transact(lambda writer: writer.add([export]))

    def __str__(self) -> str:
        rows: list[list[str]] = []
        for row in self:
            if len(rows) == ROWS_SHOWN:
                rows.append(["…"] * len(self.columns))
                break
            rows.append([plain_text(value) for value in row.values()])
        widths = [max(map(len, column)) for column in zip(self.columns, *rows, strict=True)]
        lines = [self.columns, *rows]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
                         for line in lines)

    def __repr__(self) -> str:
        return f"<View {', '.join(self.columns)}>"


def ahead(rows: Iterator[R]) -> Iterator[R]:
    """Yield rows, some read ahead of who reads them: what asked the store for them has ended with the last page."""
    while page := list(islice(rows, AHEAD)):
        yield from page
        if len(page) < AHEAD:
            return


def _read_rows(
    business: Business, question: Question, columns: Mapping[str, Shown], order: Sequence[Order]
) -> Iterator[Row]:
    schema = business.schema
    for _, *raw in ahead(_ask(business, question, columns, order)):
        yield {
            title: shown_value(shown, _exact(value), schema, question.as_of)
            for (title, shown), value in zip(columns.items(), raw, strict=True)
        }


def _ask(
    business: Business, question: Question, columns: Mapping[str, Shown], order: Sequence[Order]
) -> Iterator[tuple[Any, ...]]:
    with business.reading() as reader:
        yield from reader.rows(question, tuple(columns.values()), order=order)


def _exact(raw: Any) -> Any:
    """Return what a store gave, a ratio as one number."""
    return Fraction(*raw) if isinstance(raw, tuple) else raw


def _read_column(business: Business, text: str, scope: Mapping[str, str]) -> Shown:
    expression = business.parse_value(checked(text, field="columns"))
    return (expression.scoped(**scope) if scope else expression).lowered


def _read_order(business: Business, key: str, titled: Mapping[str, str], scope: Mapping[str, str]) -> Order:
    found = _SORT.fullmatch(checked(key, field="sort"))
    if found is None:
        raise Malformed("a sort key is a value, e.g. 'sales_total DESC'", field="sort")
    text = found["value"]
    return Order(
        _read_column(business, titled.get(text, text), scope),
        descending=(found["way"] or "").upper() == "DESC",
        missing_first=(found["missing"] or "").upper() == "FIRST",
    )


def plain_text(value: Any) -> str:
    """Return a value as text without its currency: what a cell of a table or a CSV file shows."""
    match value:
        case None:
            return ""
        case Money():
            return str(value.amount)
        case Decimal():
            return format(value, "f")
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case date():
            return value.isoformat()
    return str(value)


def _cell(value: Any) -> str:
    """Return a CSV cell: numbers stay numbers, and no text becomes a formula."""
    return harmless(value) if isinstance(value, str) else plain_text(value)
