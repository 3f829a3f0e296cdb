"""Customers from a CSV file. The name to know is `import_customers`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from typing import Any, Final

from attrs import field, frozen

from custcrm.actions.customers.identities import EXTERNAL_IDS, claim_identities
from custcrm.actions.progress import Progress
from custcrm.business import Business
from custcrm.importing.columns import Columns, Kind, Row, target
from custcrm.importing.holders import Holders, find_holders, read_whole
from custcrm.importing.intake import Decision, Intake, ReadRow, Refused, misread, once, refused, request, take_in
from custcrm.importing.known import FactColumns, Further, Identity, Known, further_of, replaced_by
from custcrm.importing.labels import label_keys, mapped_labels
from custcrm.importing.optouts import OptOuts
from custcrm.importing.reading import Cells
from custcrm.importing.report import ImportReport, RowReason, RowVerdict
from custcrm.importing.source import CsvSource
from custcrm.records import Customer
from custcrm.rules import customers as rules
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Conflict, Malformed
from custcrm.values.shapes import mapping, several

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
    atomic: bool = False,
    key: str | None = None,
    labels: Collection[str] | None = None,
) -> ImportReport:
    """Take customers in from a CSV file and return a verdict for each row: added, updated, unchanged or refused.

    Header cells are fields of Customer, `attributes.<key>`, `external_ids.<system>`, `tags.<key>` or `consents.<channel>`;
    `columns` maps others to these, `ignore` leaves some out. A column of tags in which every filled cell is a yes or a no
    (also true, 1, x, kyllä; false, 0, ei) sets a tag without value, or takes it off; so does `tags.<key> EXISTS`, as a view
    writes it. `labels` names these keys instead; with () all tags have values. A customer who is there already is found by
    external id, else by exact email (by card number where neither column is filled): filled cells that differ change the
    customer, all else stays as it is, and blank ones never clear. A no to a channel ends an older yes; a yes is not taken over
    a no. A second row about a customer is refused, unless none of the rows about the customer changes anything. `encoding` and
    `delimiter` are found unless told; an encoding that is a guess is named as one in the report, with samples. `decimal` is the
    mark in amounts. `progress` is True for a bar, or is called with (lines done, lines of the file).

    A file of more than a thousand rows is a transaction for each thousand, so that others need not wait for all of it. What
    stops it after some of them raises Unfinished, which tells how far it is; the same call again goes on from there. With
    `atomic` the file is one transaction: all of it, or nothing. Under a `key` it is done once: the same file again goes on, or
    when it is through gives the counts of then, and another file is a KeyConflict. A dry run writes nothing and gives the same
    verdicts. Malformed when the file cannot be read, changes while it is, or its columns are not understood; nothing is taken
    in then, unless it changes in the midst of several transactions, which is Unfinished.
    """
    mapped = mapping({} if columns is None else columns, field="columns")
    looked = CsvSource.look(
        source, encoding=encoding, delimiter=delimiter, words={*rules.GIVEN, *mapped}, country=business.country
    )
    ignored = several(ignore, field="ignore")
    shown = mapped_labels(looked.header, mapped, ignored)
    named = Columns.of(looked.header, CUSTOMERS, mapped={**mapped, **shown}, ignored=ignored)
    keys = label_keys(looked, named, labels, {target(each, CUSTOMERS) or each for each in shown.values()})
    cells, facts = Cells(business, decimal), FactColumns.of(named, keys)
    told = {"columns": named.targets, "encoding": looked.encoding, "delimiter": looked.delimiter, "decimal": decimal,
            "labels": sorted(keys)}
    return take_in(Intake(
        business=business, kind="customers", source=looked, columns=named,
        open_desk=lambda import_id: _Desk(business, cells, facts, import_id, dry_run),
        request=request("customers", looked, told, key), dry_run=dry_run, atomic=atomic, progress=progress,
        labels=keys if facts.tags else None,
    ))


@frozen
class _Desk:
    """Decides about rows one after the other, and remembers what the accepted ones did, once that is committed.

    `seen` is the line that named each email, card number, external id or customer, `whose` of which customer they are, kept
    where a file has answers. `updated` are the customers whom a row has added or changed, `replaced` whose email or card number
    a row has replaced by another, `opt_outs` the noes of refused rows.
    """

    business: Business
    cells: Cells
    columns: FactColumns
    import_id: str
    dry_run: bool
    seen: dict[Identity, int] = field(factory=dict)
    whose: dict[Identity, str] = field(factory=dict)
    replaced: dict[Identity, str] = field(factory=dict)
    updated: set[str] = field(factory=set)
    opt_outs: OptOuts = field(factory=OptOuts)

    def read(self, row: Row) -> Mapping[str, Any]:
        """Return what the row says, but for a phone number, whose country may be that of a customer who is known."""
        business, told = self.business, self.cells.values(row.cells)
        told.pop("phone", None)
        return rules.read(told, phone=business.phone, amount=business.amount)

    def decide(self, rows: Sequence[ReadRow], reader: Reader, writer: Writer | None) -> Decision:
        """Return what becomes of the rows: with a writer, of customers who are held and read after that."""
        named = {told for each in rows for told in each.named}
        if writer is not None:
            claim_identities(writer, named)
        holders, opt_outs = Holders(self.replaced), OptOuts(self.opt_outs)
        customers = find_holders(holders, named, reader, writer, read_whole)
        if writer is None and not self.dry_run:  # rows that an earlier go has taken in
            self.replaced.update(replaced_by(reader, self.import_id, customers))
        known = Known.of(reader, customers, self.columns, self.business.now(), opt_outs)
        batch = _Batch(self, holders, known, opt_outs)
        verdicts = [batch.verdict(each, new) for each, new in zip(rows, self.business.ids.many(len(rows)), strict=True)]
        batch.opt_outs.keep(batch.fresh, batch.changed, known, self.business, self.import_id)
        return Decision(verdicts, batch.fresh, batch.changed, batch.remember)


@frozen
class _Batch:
    """Some rows of the file, with what was known of the customers whom they may be about before the file.

    A row is decided in three steps: what it names somebody by (its email, card number and external ids), which customer that is
    (none: it adds one), and what it would change. Each step may refuse the row. `seen`, `whose`, `replaced`, `updated` and
    `opt_outs` are as in the desk, which learns of them by `remember`.
    """

    desk: _Desk
    holders: Holders
    known: Known
    opt_outs: OptOuts
    fresh: list[Any] = field(factory=list)
    changed: list[Any] = field(factory=list)
    seen: dict[Identity, int] = field(factory=dict)
    replaced: dict[Identity, str] = field(factory=dict)
    updated: set[str] = field(factory=set)
    whose: dict[Identity, str] = field(factory=dict)

    def remember(self) -> None:
        """Let the desk know what these rows did: they are committed."""
        self.desk.seen.update((told, line) for told, line in self.seen.items() if told not in self.desk.seen)
        self.desk.replaced.update(self.replaced)
        self.desk.updated.update(self.updated)
        self.desk.whose.update(self.whose)
        self.opt_outs.remember()

    def verdict(self, read: ReadRow, new_id: str) -> RowVerdict:
        """Decide about one row; `new_id` is the customer's if it adds one."""
        row, fields = read.row, read.told
        if isinstance(fields, Refused):
            return self._refuse(read, fields)
        try:
            verdict = self._decide(row, fields, read.named, new_id)
        except Malformed as error:
            return self._refuse(read, misread(error))
        except Refused as why:
            return self._refuse(read, why)
        for identity in read.named:
            self.seen.setdefault(identity, row.line)
            if self.desk.columns.consents:
                self.whose.setdefault(identity, verdict.customer_id or new_id)
        return verdict

    def _refuse(self, read: ReadRow, why: Refused) -> RowVerdict:
        """Take nothing of a row but a no of the customers whom it names."""
        held = (self._holder(told) or self.whose.get(told) or self.desk.whose.get(told) for told in read.named)
        if self.opt_outs.hear(read.row, read.named, {each for each in held if each is not None}):
            why = Refused(why.reason, why.field, f"{why.message}; its no is kept")
        return refused(read.row, why)

    def _decide(self, row: Row, fields: Mapping[str, Any], named: Sequence[Identity], new_id: str) -> RowVerdict:
        try:
            found = self._find_customer(row, named)
        except Refused as why:
            again = self._accept_repetition(row, fields, named) if why.reason is RowReason.DUPLICATE_IN_FILE else None
            if again is None:
                raise
            return again
        self.opt_outs.hand_over(named, new_id if found is None else found.id)
        return self._add(row, fields, new_id) if found is None else self._update(row, fields, found)

    def _read_phone(self, row: Row, fields: Mapping[str, Any], known: str | None) -> Mapping[str, Any]:
        """Return all fields: a phone number is one of the row's country, else of that which is known of the customer."""
        if "phone" not in row.cells:
            return fields
        country = fields.get("country") or known
        return {**fields, **rules.numbered(row.cells["phone"], country, phone=self.desk.business.phone)}

    # who ----------------------------------------------------------------------------------------

    def _find_customer(self, row: Row, named: Sequence[Identity]) -> Customer | None:
        """Return the customer whom the row is about, None for a new one; a second row about somebody is refused."""
        if not named:
            raise Refused(RowReason.MISSING_IDENTITY, None, "no email, card number or external id is filled in")
        for identity in named:
            self._once(identity, identity[0], identity[0])
        holders = self._holders_of(named)
        if not holders:
            return None
        found = _customer_among(holders, named)
        if found is not None:
            self._once(("customer", found), "customer", None)
        self._refuse_taken(row, holders, found)
        return None if found is None else self.known.customers[found]

    def _once(self, identity: Identity, named: str, field: str | None) -> None:
        if identity in self.seen or identity in self.desk.seen:
            for seen in (self.desk.seen, self.seen):
                once(seen, identity, named, field)

    def _accept_repetition(self, row: Row, fields: Mapping[str, Any], named: Sequence[Identity]) -> RowVerdict | None:
        """Return the verdict of a further row about a customer that changes nothing, as those before it; None for others."""
        holders = self._holders_of(named)
        try:
            found = _customer_among(holders, named)
            self._refuse_taken(row, holders, found)
        except Refused:
            return None
        if found is None or found in self.desk.updated or found in self.updated:
            return None
        before = self.known.customers[found]
        try:
            further, after = self._further(row, found), self._fill(row, fields, before)
        except Malformed:
            return None
        if after != before or further.fresh or further.changed:
            return None
        return _accepted(row, "unchanged", further.kept, found)

    def _holders_of(self, named: Sequence[Identity]) -> Mapping[str, str]:
        """Return for each column of what a row names somebody by which customer had that before the file.

        {"email": "c1", "external_ids.shop": "c2"}: the email is c1's, the shop's id is c2's, the card number is nobody's.
        """
        return {told[0]: held for told in named if (held := self._holder(told)) is not None}

    def _holder(self, told: Identity) -> str | None:
        return self.holders.holder(*told) or self.replaced.get(told)

    def _refuse_taken(self, row: Row, holders: Mapping[str, str], found: str | None) -> None:
        """Refuse a row with an email or a card number of somebody else, or with another id in a system that has one."""
        for name, reason in _TAKEN.items():
            if name in holders and holders[name] != found:
                raise Refused(reason, name, f"the {name.replace('_', ' ')} belongs to another customer")
        for system, external_id in row.of(EXTERNAL_IDS).items() if found is not None else ():
            if self.known.external_ids.get((found or "", system), external_id) != external_id:
                field = f"{EXTERNAL_IDS}.{system}"
                raise Refused(RowReason.CONFLICT, field, f"the customer has another id in {system}")

    # what ---------------------------------------------------------------------------------------

    def _add(self, row: Row, fields: Mapping[str, Any], id: str) -> RowVerdict:
        customer = rules.made(id, self._read_phone(row, fields, None), now=self.known.now)
        # Facts that cannot be read refuse the row: nothing is kept before they are.
        further = self._further(row, id) if row.maps else Further()
        self.fresh.extend((customer, *further.fresh))
        self.updated.add(id)
        return _accepted(row, "added", further.kept, None if self.desk.dry_run else id)

    def _update(self, row: Row, fields: Mapping[str, Any], before: Customer) -> RowVerdict:
        after, further, business = self._fill(row, fields, before), self._further(row, before.id), self.desk.business
        fresh, changed = further.fresh, further.changed
        if after != before:
            changed = [*changed, after]
            fresh = [*fresh, rules.account_changed(
                business.ids.new(), before, after, self.known.now, business.actor, import_id=self.desk.import_id)]
            self._remember_replaced(before, after)
        self.fresh.extend(fresh)
        self.changed.extend(changed)
        self.seen["customer", before.id] = row.line
        if not fresh and not changed:
            return _accepted(row, "unchanged", further.kept, before.id)
        self.updated.add(before.id)
        return _accepted(row, "updated", further.kept, before.id)

    def _fill(self, row: Row, fields: Mapping[str, Any], before: Customer) -> Customer:
        """Return the customer as the row has it; a further email of the customer's own replaces nothing."""
        if fields.get("email") not in (None, before.email) and self._holder(("email", fields["email"])) == before.id:
            fields = {name: value for name, value in fields.items() if name != "email"}
        return rules.filled(before, self._read_phone(row, fields, before.country))

    def _further(self, row: Row, id: str) -> Further:
        return further_of(row, id, self.known, self.desk.business, self.desk.import_id)

    def _remember_replaced(self, before: Customer, after: Customer) -> None:
        for name in _TAKEN:
            identity = getattr(before, name)
            if identity is not None and identity != getattr(after, name):
                self.replaced[name, identity] = before.id


def _accepted(row: Row, verdict: str, kept: str | None, customer_id: str | None) -> RowVerdict:
    if kept is None:
        return RowVerdict(row.line, verdict, None, None, customer_id)
    return RowVerdict(row.line, verdict, RowReason.CONSENT_KEPT, kept, customer_id, "the customer has said no, which is kept")


def _customer_among(holders: Mapping[str, str], named: Sequence[Identity]) -> str | None:
    """Return the one customer whom a row names, of those who have some of it; None where nobody has."""
    external = [each for column, each in holders.items() if column not in IDENTITY]
    kinds = {column.partition(".")[0] for column, _ in named}
    try:
        return rules.whom(external, holders.get("email"), holders.get("card_number"), told=kinds)
    except Conflict as error:
        raise Refused(RowReason.CONFLICT, EXTERNAL_IDS, str(error)) from None
