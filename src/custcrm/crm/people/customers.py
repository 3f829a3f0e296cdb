"""`crm.customers`: adding, changing and finding the people and companies known by us."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from attrs import frozen

from custcrm.actions.customers.deleting import delete
from custcrm.actions.customers.identities import PLAIN, claim_identities, find_by_email, identities_of, refuse_taken
from custcrm.actions.keys import Request, once
from custcrm.actions.progress import Progress
from custcrm.business import Business, CustomerRef, customer_id, hold_customer
from custcrm.crm.people.callers import CallerMatch, caller_matches
from custcrm.crm.people.searching import callers, condition_of
from custcrm.filters import Filter
from custcrm.records import ContactPoint, Customer, ExternalId
from custcrm.records.customers import CustomerStatus
from custcrm.rules import customers as rules
from custcrm.selection import Selection
from custcrm.storage.protocol import Writer
from custcrm.values.birthdays import BirthDate
from custcrm.values.errors import EmailTaken, Malformed
from custcrm.values.identifiers import identifier
from custcrm.values.shapes import mapping, several
from custcrm.values.texts import LONGEST, checked

if TYPE_CHECKING:
    from custcrm.importing import ImportReport


@frozen
class Customers:
    """Customers as records. A customer argument is an id or a record."""

    _business: Business

    def add(
        self,
        *,
        kind: str = "person",
        first_name: str | None = None,
        last_name: str | None = None,
        company_name: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        birth_date: BirthDate | str | None = None,
        card_number: str | None = None,
        attributes: Mapping[str, str] | None = None,
        external_ids: Mapping[str, str] | None = None,
        key: str | None = None,
        **more: Any,
    ) -> Customer:
        """Add a customer and return the record.

        The email is kept letter by letter, the phone as typed and as E.164; `more` are other fields of Customer, by name. At
        least one of name, email, phone, card number or external id is needed. Once, where a key is given. Raises Malformed,
        Taken (EmailTaken for an email) where another customer has what this one is to be told by, Conflict.

            anna = crm.customers.add(first_name="Anna", email="Anna@Example.org", phone="040 123 4567")
        """
        given = {
            "kind": kind, "first_name": first_name, "last_name": last_name, "company_name": company_name, "email": email,
            "phone": phone, "birth_date": birth_date, "card_number": card_number, **more,
        }
        row = {name: value for name, value in given.items() if value is not None}
        [customer] = self.add_all([{**row, "attributes": attributes, "external_ids": external_ids}], key=key)
        return customer

    def add_all(self, rows: Iterable[Mapping[str, Any]], *, key: str | None = None) -> list[Customer]:
        """Add many customers, each a mapping of what `add` takes; all or none. Once, where a key is given."""
        business = self._business
        now = business.now()
        copies = [self._dated(row) for row in several(rows, field="rows")]
        request = Request(action="add_customers", arguments={"rows": [dict(row) for row in copies]}, key=key)
        added: list[Customer] = []
        facts: list[Any] = []
        ids: list[ExternalId] = []
        named: list[tuple[str, str]] = []
        for id_, row in zip(business.ids.many(len(copies)), copies, strict=True):
            attributes, external = _take_mapping(row, "attributes"), _take_mapping(row, "external_ids")
            customer = rules.new_customer(id_, row, now=now, phone=business.phone, amount=business.amount)
            rules.check_identity(customer, external)
            added.append(customer)
            named += identities_of(customer.email, customer.card_number, external)
            facts += rules.attributes(id_, attributes, now)
            ids += rules.external_ids(id_, external, now)

        def add(writer: Writer) -> Sequence[Customer]:
            claim_identities(writer, named)
            refuse_taken(writer, added, ids)
            writer.add([*added, *facts, *ids])
            return added

        return list(once(business, request, add))

    def get(self, id: str) -> Customer:
        """Return the customer of this id; NotFound when there is none."""
        return self._business.existing(id)

    def update(self, customer: CustomerRef, *, key: str | None = None, **changes: Any) -> Customer:
        """Change fields and return the record: absent means leave, None means clear. Once, where a key is given."""
        business, id_ = self._business, customer_id(customer)
        named: dict[str, Any] = {name: changes[name] for name in PLAIN if name in changes}
        told = rules.read(named, phone=business.phone, amount=business.amount)

        def update(writer: Writer) -> Sequence[Customer]:
            claim_identities(writer, identities_of(told.get("email"), told.get("card_number")))
            before = hold_customer(writer, id_)
            after = rules.changed_customer(before, self._dated(changes), phone=business.phone, amount=business.amount)
            if after == before:
                return [before]
            external = {each.system: each.external_id for each in writer.find(ExternalId, {"customer_id": after.id})}
            rules.check_identity(after, external)
            writer.add([rules.account_changed(business.ids.new(), before, after, business.now(), business.actor)])
            refuse_taken(writer, [after])
            writer.replace(after)
            return [after]

        request = Request(action="update_customer", arguments=changes, about={"customer": id_}, key=key)
        [updated] = once(business, request, update)
        return updated

    def find_by_email(self, email: str) -> Customer | None:
        """Return the customer with exactly this email, primary or further; None when there is none."""
        wanted = identifier(email, field="email", limit=LONGEST)
        with self._business.reading() as reader:
            return find_by_email(reader, wanted)

    def find_by_external_id(self, system: str, id: str) -> Customer | None:
        """Return the customer whom another system calls by this id."""
        with self._business.reading() as reader:
            wanted = {"system": identifier(system, field="system"), "external_id": identifier(id, field="id")}
            found = next(reader.find(ExternalId, wanted), None)
            return None if found is None else reader.get(Customer, found.customer_id)

    def search(
        self,
        *,
        first_name: str | None = None,
        last_name: str | None = None,
        company_name: str | None = None,
        phone: str | None = None,
        email: str | None = None,
        card_number: str | None = None,
        any: str | None = None,
        match: str = "prefix",
    ) -> Selection:
        """Find customers by any mix of criteria; all must hold.

        Names match by their beginning (or `match="exact"`, `"contains"`), whatever the case; a phone in any spelling; an email
        and a card number letter by letter. `any` is for a search box: it looks for one text in names and emails as names match,
        and for a whole phone or card number. Further emails and phones are found as the first are, those that are there when
        it is asked. The customers come in the order of their ids.

            crm.customers.search(any="anna@ex").page(limit=20)
        """
        given = {
            "first_name": first_name, "last_name": last_name, "company_name": company_name, "email": email,
            "card_number": card_number, "phone": phone, "any": any,
        }  # fmt: skip
        wanted = {name: text for name, text in given.items() if text is not None}
        return Selection(self._business, Filter(self._business.schema, condition_of(self._business, wanted, match)))

    def identify_caller(self, phone: str) -> Sequence[CallerMatch]:
        """Return whoever has this phone number, in any spelling: none, one or several, never a guess."""
        with self._business.reading() as reader:
            return caller_matches(reader, sorted(callers(self._business, reader, phone)), self._business.now())

    def add_contact_point(
        self, customer: CustomerRef, kind: str, value: str, *, purpose: str = "general", key: str | None = None
    ) -> ContactPoint:
        """Add a further email address or phone number; one address belongs to one customer. Once, where a key is given."""
        business = self._business
        owner = business.existing(customer)
        point = rules.contact_point(business.ids.new(), owner, kind, value, purpose, business.now(), business.phone)

        def add(writer: Writer) -> Sequence[ContactPoint]:
            if kind == "email":
                claim_identities(writer, [("email", point.value)])
                holder = find_by_email(writer, point.value)
                if holder is not None:
                    raise EmailTaken(holder.id)
            writer.add([point])
            return [point]

        told = {"kind": kind, "value": value, "purpose": purpose}
        request = Request(action="add_contact_point", arguments=told, about={"customer": owner.id}, key=key)
        [added] = once(business, request, add)
        return added

    def deactivate(self, customer: CustomerRef, *, reason: str = "", key: str | None = None) -> Customer:
        """Stop dealing with the customer: nothing is sent, given or redeemed any more; all that was is kept.

        Refused as inactive from now on, one by one and in bulk: messages, also those planned before, and inbox messages;
        joining a program; points credited or spent; accounts replenished or spent from; coupons issued, reserved or redeemed.
        Sales are recorded, and earn nothing. What puts right what was stays possible: refunds, corrections, reversals,
        transfers, changes of data, access and category, imports; none of them activates. `activate` undoes it. Once, where a
        key is given.
        """
        return self._set_status(customer, CustomerStatus.INACTIVE, reason, key)

    def activate(self, customer: CustomerRef, *, reason: str = "", key: str | None = None) -> Customer:
        """Deal with the customer again; once, where a key is given."""
        return self._set_status(customer, CustomerStatus.ACTIVE, reason, key)

    def delete(self, customer: CustomerRef, *, key: str | None = None) -> None:
        """Delete a customer and everything known about them, for good; only one without financial records.

        Else it is refused as financial_records, with how many sales, points_entries, account_entries and redemptions there
        are; `deactivate` such a customer. Coupons that are still the customer's go back to their series. Under a key that was
        used for it nothing happens; else it is NotFound where the customer is gone already.
        """
        delete(self._business, customer_id(customer), key=key)

    def import_csv(
        self,
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
        """Take customers in from a CSV file, and return a verdict for each row: added, updated, unchanged or refused.

        `columns` maps header cells to fields, `ignore` leaves some out. A large file is taken in a thousand rows at a time,
        `atomic` all at once; under a `key` once. All of it is told at `custcrm.importing.import_customers`.
        """
        from custcrm.importing import import_customers

        return import_customers(
            self._business, source, columns=columns, ignore=ignore, dry_run=dry_run, progress=progress, encoding=encoding,
            delimiter=delimiter, decimal=decimal, atomic=atomic, key=key, labels=labels,
        )

    # inside -------------------------------------------------------------------------------------

    def _dated(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy of what was told of a customer, its instants read as callers give them."""
        if not isinstance(row, Mapping):
            raise Malformed(f"a customer is told as a mapping, not {type(row).__name__}")
        told = dict(row)
        if told.get("signed_up_at") is not None:
            told["signed_up_at"] = self._business.instant(told["signed_up_at"], field="signed_up_at")
        return told

    def _set_status(self, customer: CustomerRef, status: CustomerStatus, reason: str, key: str | None) -> Customer:
        business, id_ = self._business, customer_id(customer)
        checked(reason, field="reason")

        def change(writer: Writer) -> Sequence[Customer]:
            before = hold_customer(writer, id_)
            after = rules.with_status(before, status)
            if after != before:
                writer.replace(after)
                writer.add([rules.status_changed(business.ids.new(), before, after, business.now(), business.actor, reason)])
            return [after]

        request = Request(action=f"make_{status}", arguments={"reason": reason}, about={"customer": id_}, key=key)
        [changed] = once(business, request, change)
        return changed



def _take_mapping(row: dict[str, Any], name: str) -> Mapping[str, Any]:
    """Take a mapping out of a row; an empty one where it is missing."""
    told = row.pop(name, None)
    return {} if told is None else mapping(told, field=name)
