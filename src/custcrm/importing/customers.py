"""Customers from a CSV file. The name to know is `import_customers`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from typing import Any, Final

from attrs import field, frozen

from custcrm.actions.progress import Progress
from custcrm.business import Business
from custcrm.importing.columns import Columns, Kind, Row
from custcrm.importing.holders import EXTERNAL_IDS, Holders
from custcrm.importing.intake import Decision, Refused, misread, once, refused, take_in
from custcrm.importing.known import FactColumns, Facts, further
from custcrm.importing.reading import Cells, reason_of
from custcrm.importing.report import ImportReport, RowReason, RowVerdict
from custcrm.importing.source import CsvSource
from custcrm.records import Customer
from custcrm.rules import customers as rules
from custcrm.storage.protocol import Reader
from custcrm.values.errors import Conflict, Malformed
from custcrm.values.shapes import mapping

IDENTITY: Final = ("email", "card_number", EXTERNAL_IDS)
"""What a row is found again by; each has one customer."""

_TAKEN: Final = {"email": RowReason.EMAIL_TAKEN, "card_number": RowReason.CARD_NUMBER_TAKEN}

CUSTOMERS: Final = Kind(
    what="customers",
    names=rules.GIVEN,
    maps=("attributes", EXTERNAL_IDS, "tags", "consents"),
    needed=(IDENTITY,),
)


def import_customers(
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
) -> ImportReport:
    """Take customers in from a CSV file and return a verdict for each row: added, updated, unchanged or refused.

    Header cells are fields of Customer, `attributes.<key>`, `external_ids.<system>`, `tags.<key>` or `consents.<channel>`;
    `columns` maps others to these, `ignore` leaves some out. A customer who is there already is found by external id, else by
    exact email (by card number where neither column is filled): filled cells that differ change the customer, blank ones
    never clear, and a consent that was recorded before is kept. A second row about a customer is refused, unless none of the
    rows about the customer changes anything. `encoding` and `delimiter` are found unless told; `decimal` is the mark in
    amounts. `progress` is True for a bar, or is called with (lines done, lines of the file).

    The whole file is one transaction, and a dry run writes nothing and gives the same verdicts. Malformed when the file cannot
    be read or its columns are not understood.
    """
    mapped = mapping({} if columns is None else columns, field="columns")
    looked = CsvSource.look(source, encoding=encoding, delimiter=delimiter, words={*rules.GIVEN, *mapped})
    named = Columns.of(looked.header, CUSTOMERS, mapped=mapped, ignored=ignore)
    import_id = business.ids.new()
    desk = _Desk(business, Cells(business, decimal), FactColumns.of(named), import_id, dry_run)
    return take_in(
        business, "customers", looked, named, desk.decide, id=import_id, dry_run=dry_run, progress=progress
    )


@frozen
class _Desk:
    """Decides about rows one after the other.

    Remembers what the accepted ones named, whom they changed, and whose email or card number they replaced.
    """

    business: Business
    cells: Cells
    columns: FactColumns
    import_id: str
    dry_run: bool
    seen: dict[tuple[str, str], int] = field(factory=dict)
    left: dict[tuple[str, str], str] = field(factory=dict)
    moved: set[str] = field(factory=set)

    def decide(self, reader: Reader, rows: Sequence[Row]) -> Decision:
        """Return what becomes of the rows."""
        holders = Holders()
        holders.look_up(reader, rows)
        known = Facts.of(reader, holders, self.columns, self.business.now())
        batch = _Batch(self, holders, known)
        verdicts = [batch.verdict(row, new) for row, new in zip(rows, self.business.ids.many(len(rows)), strict=True)]
        return Decision(verdicts, batch.fresh, batch.changed)


@frozen
class _Batch:
    desk: _Desk
    holders: Holders
    known: Facts
    fresh: list[Any] = field(factory=list)
    changed: list[Any] = field(factory=list)

    def verdict(self, row: Row, new_id: str) -> RowVerdict:
        """Decide about one row; `new_id` is the customer's if it adds one."""
        try:
            fields = self._read(row)
            told = _identities(row, fields)
            verdict = self._decided(row, fields, told, new_id)
        except Malformed as error:
            return refused(row, misread(error, reason_of(error)))
        except Refused as why:
            return refused(row, why)
        for identity in told:
            self.desk.seen.setdefault(identity, row.line)
        return verdict

    def _decided(self, row: Row, fields: dict[str, Any], told: Sequence[tuple[str, str]], new_id: str) -> RowVerdict:
        try:
            found = self._whom(row, told)
        except Refused as why:
            again = self._repeated(row, fields, told) if why.reason is RowReason.DUPLICATE_IN_FILE else None
            if again is None:
                raise
            return again
        return self._add(row, fields, new_id) if found is None else self._update(row, fields, found)

    def _read(self, row: Row) -> dict[str, Any]:
        business, cells = self.desk.business, self.desk.cells
        return rules.read(cells.values(row.cells), country=business.country, amount=business.amount)

    # who ----------------------------------------------------------------------------------------

    def _whom(self, row: Row, told: Sequence[tuple[str, str]]) -> Customer | None:
        """Return the customer whom the row is about by what it `told`, None for a new one."""
        if not told:
            raise Refused(RowReason.MISSING_IDENTITY, None, "no email, card number or external id is filled in")
        for identity in told:
            once(self.desk.seen, identity, identity[0], identity[0])
        held = self._held(told)
        found = _found(held, told)
        if found is not None:
            once(self.desk.seen, ("customer", found), "customer", None)
        self._refuse_taken(row, held, found)
        return None if found is None else self.known.customers[found]

    def _repeated(self, row: Row, fields: dict[str, Any], told: Sequence[tuple[str, str]]) -> RowVerdict | None:
        """Return the verdict of a further row about a customer that changes nothing, as those before it; None for others."""
        held = self._held(told)
        try:
            found = _found(held, told)
            self._refuse_taken(row, held, found)
        except Refused:
            return None
        if found is None or found in self.desk.moved:
            return None
        after, fresh, changed, kept = self._told(row, fields, self.known.customers[found])
        if after != self.known.customers[found] or fresh or changed:
            return None
        return _taken(row, "unchanged", kept, found)

    def _held(self, told: Sequence[tuple[str, str]]) -> Mapping[str, str]:
        """Return who has each of the things that a row names somebody by, where anybody has."""
        return {name: held for name, identity in told if (held := self._holder(name, identity)) is not None}

    def _holder(self, name: str, identity: str) -> str | None:
        """Return who had this email, card number or external id before the file."""
        return self.holders.holder(name, identity) or self.desk.left.get((name, identity))

    def _refuse_taken(self, row: Row, held: Mapping[str, str], found: str | None) -> None:
        for name, reason in _TAKEN.items():
            if name in held and held[name] != found:
                raise Refused(reason, name, f"the {name.replace('_', ' ')} belongs to another customer")
        for system, told in row.of(EXTERNAL_IDS).items() if found is not None else ():
            if self.known.external_ids.get((found or "", system), told) != told:
                field = f"{EXTERNAL_IDS}.{system}"
                raise Refused(RowReason.CONFLICT, field, f"the customer has another id in {system}")

    # what ---------------------------------------------------------------------------------------

    def _add(self, row: Row, fields: Mapping[str, Any], id: str) -> RowVerdict:
        customer = rules.made(id, fields, now=self.known.now)
        # Facts that cannot be read refuse the row: nothing is kept before they are.
        facts = self._facts(row, id)[0] if row.maps else ()
        self.fresh.extend((customer, *facts))
        return RowVerdict(row.line, "added", None, None, None if self.desk.dry_run else id)

    def _update(self, row: Row, fields: dict[str, Any], before: Customer) -> RowVerdict:
        after, fresh, changed, kept = self._told(row, fields, before)
        business = self.desk.business
        if after != before:
            changed = [*changed, after]
            fresh = [*fresh, rules.account_changed(
                business.ids.new(), before, after, self.known.now, business.actor, source="import")]
            self._leave(before, after)
        self.fresh.extend(fresh)
        self.changed.extend(changed)
        self.desk.seen["customer", before.id] = row.line
        if not fresh and not changed:
            return _taken(row, "unchanged", kept, before.id)
        self.desk.moved.add(before.id)
        return _taken(row, "updated", kept, before.id)

    def _told(
        self, row: Row, fields: dict[str, Any], before: Customer
    ) -> tuple[Customer, list[Any], list[Any], str | None]:
        """Return the customer as the row has it, further records to add and to change, and the consent that was not taken."""
        if fields.get("email") not in (None, before.email) and self._holder("email", fields["email"]) == before.id:
            fields = {name: value for name, value in fields.items() if name not in ("email", "email_folded")}
        return rules.filled(before, fields), *self._facts(row, before.id)

    def _facts(self, row: Row, id: str) -> tuple[list[Any], list[Any], str | None]:
        desk = self.desk
        return further(
            row, id, self.known, ids=desk.business.ids, actor=desk.business.actor, evidence=f"import {desk.import_id}"
        )

    def _leave(self, before: Customer, after: Customer) -> None:
        for name in ("email", "card_number"):
            identity = getattr(before, name)
            if identity is not None and identity != getattr(after, name):
                self.desk.left[name, identity] = before.id


def _taken(row: Row, verdict: str, kept: str | None, customer_id: str) -> RowVerdict:
    if kept is None:
        return RowVerdict(row.line, verdict, None, None, customer_id)
    return RowVerdict(row.line, verdict, RowReason.CONSENT_KEPT, kept, customer_id, "what was recorded before is kept")


def _found(held: Mapping[str, str], told: Sequence[tuple[str, str]]) -> str | None:
    """Return the customer who has what the row `told`, of those who `held` some of it before."""
    external = [each for name, each in held.items() if name not in IDENTITY]
    kinds = {name.partition(".")[0] for name, _ in told}
    try:
        return rules.whom(external, held.get("email"), held.get("card_number"), told=kinds)
    except Conflict as error:
        raise Refused(RowReason.CONFLICT, EXTERNAL_IDS, str(error)) from None


def _identities(row: Row, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a row names somebody by: column and value."""
    told = [(name, fields[name]) for name in _TAKEN if fields.get(name) is not None]
    if row.maps:
        told += [(f"{EXTERNAL_IDS}.{system}", identity) for system, identity in row.of(EXTERNAL_IDS).items()]
    return told
