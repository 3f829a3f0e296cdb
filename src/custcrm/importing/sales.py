"""Sales from a CSV file. The name to know is `import_sales`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, Final

from attrs import field, frozen

from custcrm.actions import eligibility
from custcrm.actions.customers.identities import EXTERNAL_IDS
from custcrm.actions.places import place_of
from custcrm.actions.progress import Progress
from custcrm.actions.sales.sales import SCOPE
from custcrm.business import Business, among
from custcrm.importing.columns import Columns, Kind, Row
from custcrm.importing.holders import Holders, find_holders, read_briefly
from custcrm.importing.intake import Decision, Intake, ReadRow, Refused, misread, once, refused, request, take_in
from custcrm.importing.reading import Cells
from custcrm.importing.report import ImportReport, RowReason, RowVerdict
from custcrm.importing.source import CsvSource
from custcrm.records import Program, Sale
from custcrm.rules.sales import sales as rules
from custcrm.storage.protocol import Reader, Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import Malformed, NotFound, Reason
from custcrm.values.shapes import mapping
from custcrm.values.texts import checked

FACTS: Final = ("total", "occurred_at", "units", "terminal", "point_of_sale", "program", "source", "document")
CUSTOMER: Final = ("customer_id", EXTERNAL_IDS, "email", "card_number")
"""Whose sale it is; those that are filled and known must agree."""

SALES: Final = Kind(
    what="sales",
    names=("external_id", *FACTS, "customer_id", "email", "card_number"),
    maps=(EXTERNAL_IDS,),
    needed=(("external_id",), ("occurred_at",), ("total",), CUSTOMER),
)

_NEEDED: Final = ("external_id", "occurred_at", "total")
_READ: Final = ("total", "occurred_at", "units")
_TEXTS: Final = ("source", "document", "external_id")
_LONGEST_ID: Final = 200
BATCH: Final = 2_000
"""Rows of a batch: much of the time of a smaller one goes by while it is synced. Each claims one thing, a customer's three."""
_UNKNOWN_PLACES: Final = {
    "terminal": RowReason.UNKNOWN_TERMINAL,
    "point_of_sale": RowReason.UNKNOWN_POINT_OF_SALE,
    "program": RowReason.UNKNOWN_PROGRAM,
}


def import_sales(
    business: Business,
    source: str | PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    ignore: Collection[str] = (),
    dry_run: bool = False,
    progress: Progress = False,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str = ".",
    atomic: bool = False,
    key: str | None = None,
) -> ImportReport:
    """Take sales in from a CSV file and return a verdict for each row: added, unchanged or refused.

    Each row has an `external_id` (a receipt or order number), `occurred_at` and `total`, and names its customer by `email`
    (byte for byte), `external_ids.<system>`, `card_number` or `customer_id`. A sale is recorded once: told again with the same
    facts it is unchanged, with others refused as a conflict. Other arguments and errors are those of `import_customers`.
    """
    mapped = mapping({} if columns is None else columns, field="columns")
    looked = CsvSource.look(
        source, encoding=encoding, delimiter=delimiter, words={*SALES.names, *mapped}, country=business.country
    )
    named = Columns.of(looked.header, SALES, mapped=mapped, ignored=ignore)
    cells = Cells(business, decimal)
    told = {"columns": named.targets, "encoding": looked.encoding, "delimiter": looked.delimiter, "decimal": decimal}
    return take_in(Intake(
        business=business, kind="sales", source=looked, columns=named, open_desk=lambda _: _Desk(business, cells),
        request=request("sales", looked, told, key), dry_run=dry_run, atomic=atomic, progress=progress, size=BATCH,
    ))


@frozen
class _Place:
    """Where a sale was made, as told and as it follows."""

    terminal: str | None
    point_of_sale: str | None
    program: str | None


@frozen
class _Desk:
    """Decides about rows; remembers the external ids of those it accepted, and the places and customers it has looked up."""

    business: Business
    cells: Cells
    seen: dict[str, int] = field(factory=dict)
    places: dict[tuple[str | None, ...], _Place | Refused] = field(factory=dict)
    holders: Holders = field(factory=Holders)

    def read(self, row: Row) -> Mapping[str, Any]:
        """Return what a row says of a sale, without whose it is and where it was made."""
        cells = row.cells
        for name in _NEEDED:
            if name not in cells:
                raise Refused(RowReason.MISSING_VALUE, name, f"{name} is blank")
        told = self.cells.read(cells, _READ)
        told.update(rules.about_total(told["total"]))
        for name in _TEXTS:
            if name in cells:
                told[name] = checked(cells[name], field=name, limit=_LONGEST_ID)
        return told

    def decide(self, rows: Sequence[ReadRow], reader: Reader, writer: Writer | None) -> Decision:
        """Return what becomes of the rows: with a writer, of receipts that are claimed and customers who are held."""
        if writer is not None:
            writer.claim(SCOPE, [each.row.cells["external_id"] for each in rows if "external_id" in each.row.cells])
        find_holders(self.holders, {told for each in rows for told in each.named}, reader, writer, read_briefly)
        batch = _Batch(self, self.holders, self.business.now())
        return batch.decide(rows, reader)

    # where --------------------------------------------------------------------------------------

    def place(self, cells: Mapping[str, str]) -> _Place:
        """Return where a sale was made; each combination is looked up once."""
        told = (cells.get("terminal"), cells.get("point_of_sale"), cells.get("program"))
        found = self.places.get(told)
        if found is None:
            found = self.places[told] = self._look_up(*told)
        if isinstance(found, Refused):
            raise Refused(found.reason, found.field, found.message)
        return found

    def _look_up(self, terminal: str | None, point_of_sale: str | None, program: str | None) -> _Place | Refused:
        business = self.business
        at = terminal or (None if point_of_sale else business.terminal)
        looking = "terminal" if terminal else "point_of_sale"
        try:
            place, of_place = place_of(business, at, point_of_sale)
            looking = "program"
            if program is not None:
                of_place = business.known(Program, program, "program").name
        except NotFound:
            return Refused(_UNKNOWN_PLACES[looking], looking, f"there is no such {looking.replace('_', ' ')}")
        except Malformed as error:
            return Refused(RowReason.CONFLICT, error.field, "the terminal stands elsewhere")
        return _Place(at, place, of_place or business.program)


@frozen
class _Batch:
    """Some rows of the file, and the customers whom they may be about; `barred` are those blacklisted in a program."""

    desk: _Desk
    holders: Holders
    now: datetime
    seen: dict[str, int] = field(factory=dict)
    barred: set[tuple[str, str | None]] = field(factory=set)

    def decide(self, rows: Sequence[ReadRow], reader: Reader) -> Decision:
        """Return what becomes of the rows."""
        made = [self._made(each, new) for each, new in zip(rows, self.desk.business.ids.many(len(rows)), strict=True)]
        sales = [each for each in made if isinstance(each, Sale)]
        known = _find_known(reader, sales)
        self._look_up_barred(reader, [sale for sale in sales if sale.external_id not in known])
        fresh: list[Sale] = []
        verdicts = [self._verdict(each.row, sale, known, fresh) for each, sale in zip(rows, made, strict=True)]
        return Decision(verdicts, fresh, remember=lambda: self.desk.seen.update(self.seen))

    def _verdict(
        self, row: Row, sale: Sale | Refused, known: Mapping[str | None, Sale], fresh: list[Sale]
    ) -> RowVerdict:
        if isinstance(sale, Refused):
            return refused(row, sale)
        try:
            if sale.external_id in self.seen or sale.external_id in self.desk.seen:
                for seen in (self.desk.seen, self.seen):
                    once(seen, sale.external_id, "external_id", "external_id")
            before = known.get(sale.external_id)
            if before is not None:
                _refuse_other_facts(before, sale, row)
            else:
                rules.check_moment(sale.occurred_at, self.now, self.desk.business.zone)
                self._refuse_barred(sale)
        except Malformed as error:
            return refused(row, misread(error))
        except Refused as why:
            return refused(row, why)
        self.seen[sale.external_id or ""] = row.line
        if before is None:
            fresh.append(sale)
        return RowVerdict(row.line, "unchanged" if before else "added", None, None, sale.customer_id)

    def _made(self, read: ReadRow, id: str) -> Sale | Refused:
        """Return the sale that a row tells of; nothing has been compared with what is known."""
        told = read.told
        if isinstance(told, Refused):
            return told
        try:
            owner, place = _owner(read.named, self.holders), self.desk.place(read.row.cells)
        except Malformed as error:
            return misread(error)
        except Refused as why:
            return why
        return Sale(
            customer_id=owner, id=id, program=place.program, point_of_sale=place.point_of_sale, terminal=place.terminal,
            recorded_at=self.now, **told,
        )

    # who may ------------------------------------------------------------------------------------

    def _refuse_barred(self, sale: Sale) -> None:
        if (sale.customer_id, sale.program) in self.barred:
            raise Refused(RowReason.BLACKLISTED, "program", "the customer is blacklisted in the program")

    def _look_up_barred(self, reader: Reader, sales: Sequence[Sale]) -> None:
        """Look up who is blacklisted in the programs of these sales."""
        buyers: dict[str, set[str]] = {}
        for sale in sales:
            if sale.program is not None:
                buyers.setdefault(sale.program, set()).add(sale.customer_id)
        for program, ids in buyers.items():
            self.barred.update((each, program) for each in self._blacklisted(reader, program, ids))

    def _blacklisted(self, reader: Reader, program: str, ids: Collection[str]) -> list[str]:
        schema = self.desk.business.schema
        rule = next(rule for reason, rule in eligibility.member(schema, program) if reason is Reason.BLACKLISTED)
        return reader.ids(Question(among(rule, ids) & ~rule, self.now))


def _owner(told: Sequence[tuple[str, str]], holders: Holders) -> str:
    """Return the customer whose sale it is; what is filled in and known must name one and the same."""
    found = {held for column, identity in told if (held := holders.holder(column, identity)) is not None}
    if len(found) == 1:
        return found.pop()
    if found:
        raise Refused(RowReason.CONFLICT, None, "the row names several customers")
    if told:
        raise Refused(RowReason.UNKNOWN_CUSTOMER, told[0][0], f"no customer has this {told[0][0].replace('_', ' ')}")
    raise Refused(RowReason.MISSING_IDENTITY, None, "no customer is named")


def _find_known(reader: Reader, sales: Sequence[Sale]) -> dict[str | None, Sale]:
    wanted = [sale.external_id for sale in sales]
    return {each.external_id: each for each in reader.find(Sale, {"external_id": wanted})} if wanted else {}


def _refuse_other_facts(before: Sale, sale: Sale, row: Row) -> None:
    different = rules.differences(before, sale, {"customer_id", *row.cells})
    if different:
        raise Refused(
            RowReason.CONFLICT, different[0],
            f"a sale with this external id is known and differs in {', '.join(different)}",
        )
