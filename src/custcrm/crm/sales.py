"""`crm.sales`: what customers bought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from attrs import evolve, frozen

from custcrm.actions import eligibility
from custcrm.actions.points import place_of
from custcrm.business import Business, customer_id
from custcrm.records import Customer, Program, Sale, SaleLine
from custcrm.rules import sales as rules
from custcrm.selection import CustomerRef
from custcrm.storage.deeds import Question
from custcrm.storage.protocol import Writer
from custcrm.storage.rows import facts
from custcrm.values.errors import Conflict, Malformed, NotFound, Reason, Refusal
from custcrm.values.money import Money
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked

LARGEST_UNITS: Final = 10**9
"""Units of one sale."""

FIELDS: Final = (
    "customer", "total", "occurred_at", "lines", "units", "terminal", "point_of_sale", "program", "source", "document",
    "external_id",
)
"""What a sale is told by; the first two always."""


@frozen
class Sales:
    """Purchases: the terminal knows its point of sale, and that its program."""

    _business: Business

    def record(
        self,
        customer: CustomerRef,
        total: Money | str | int | Decimal,
        *,
        occurred_at: datetime | date | str | None = None,
        lines: Sequence[Mapping[str, Any]] = (),
        units: int | None = None,
        terminal: str | None = None,
        point_of_sale: str | None = None,
        program: str | None = None,
        source: str = "in_store",
        document: str | None = None,
        external_id: str | None = None,
    ) -> Sale:
        """Record a sale and return it. `total` is in major units ("25.90"); a sale with an `external_id` is recorded once.

        Told again with the same facts it returns the known sale, with other facts it is a Conflict. A customer who is
        blacklisted in the sale's program is refused (DESIGN 7). `lines` are mappings of product, category, quantity, price
        and amount; `units` is their sum unless given.
        """
        row = {
            "customer": customer, "total": total, "occurred_at": occurred_at, "lines": lines, "units": units,
            "terminal": terminal, "point_of_sale": point_of_sale, "program": program, "source": source,
            "document": document, "external_id": external_id,
        }
        [sale] = self.record_all([row])
        return sale

    def record_all(self, rows: Iterable[Mapping[str, Any]]) -> list[Sale]:
        """Record many sales, each a mapping of what `record` takes; all or none."""
        business = self._business
        now = business.now()
        told = [_checked(row, number) for number, row in enumerate(rows, 1)]
        made = [self._made(row, id_, now) for id_, row in zip(business.ids.many(len(told)), told, strict=True)]
        recorded: list[Sale] = []
        fresh: list[Sale | SaleLine] = []
        with business.store.write() as writer:
            known = self._known(writer, [sale for sale, _ in made])
            for (sale, lines), row in zip(made, told, strict=True):
                if sale.external_id is not None and sale.external_id in known:
                    recorded.append(self._same(known[sale.external_id], sale, row))
                    continue
                self._allow(writer, sale, now)
                recorded.append(sale)
                fresh += [sale, *lines]
                known[sale.external_id] = sale
            writer.add(fresh)
        return recorded

    def import_csv(
        self,
        source: Any,
        *,
        columns: Mapping[str, str] | None = None,
        dry_run: bool = False,
        progress: Any = False,
        **dialect: Any,
    ) -> Any:
        """Take sales in from a CSV file, with a verdict for each row; see `custcrm.importing`."""
        from custcrm.importing import import_sales

        return import_sales(
            self._business, source, columns=columns or {}, dry_run=dry_run, progress=progress, **dialect
        )

    # inside -------------------------------------------------------------------------------------

    def _made(self, row: Mapping[str, Any], id_: str, now: datetime) -> tuple[Sale, list[SaleLine]]:
        """Return the records of a sale as told; nothing is looked up about the customer yet."""
        business = self._business
        owner = customer_id(row["customer"])
        at = business.instant(row.get("occurred_at"), field="occurred_at") or now
        terminal = row.get("terminal") or (None if row.get("point_of_sale") else business.terminal)
        place, program = place_of(business, terminal, row.get("point_of_sale"))
        if row.get("program") is not None:
            program = business.known(Program, row["program"], "program").name
        lines = rules.lines(row.get("lines") or (), customer_id=owner, sale_id=id_, at=at, amount=business.amount)
        units = row.get("units")
        if units is not None and (type(units) is not int or abs(units) > LARGEST_UNITS):
            raise Malformed("units are a whole number", field="units")
        sale = Sale(
            customer_id=owner, id=id_, occurred_at=at, total=business.amount(row["total"], field="total"),
            units=sum(line.quantity for line in lines) if units is None else units,
            program=program or business.program, point_of_sale=place, terminal=terminal,
            source=_text(row.get("source"), "source") or "in_store", document=_text(row.get("document"), "document"),
            external_id=_text(row.get("external_id"), "external_id"), recorded_at=now,
        )
        return sale, lines

    def _known(self, writer: Writer, sales: Sequence[Sale]) -> dict[str | None, Sale]:
        wanted = [sale.external_id for sale in sales if sale.external_id is not None]
        if not wanted:
            return {}
        writer.claim("sale", wanted)
        return {sale.external_id: sale for sale in writer.find(Sale, {"external_id": wanted})}

    def _allow(self, writer: Writer, sale: Sale, now: datetime) -> None:
        """Refuse a sale to nobody, and one in a program where the customer is blacklisted."""
        if sale.program is None:
            if writer.get(Customer, sale.customer_id) is None:
                raise NotFound("no customer has this id")
            return
        [_, (reason, rule)] = eligibility.member(self._business.schema, sale.program)
        row = facts(writer, sale.customer_id, Question(rule, now))
        if row is None:
            raise NotFound("no customer has this id")
        if not row.matches(rule):
            raise Refusal(reason, details={"program": sale.program})
        assert reason is Reason.BLACKLISTED

    def _same(self, known: Sale, told: Sale, row: Mapping[str, Any]) -> Sale:
        if row.get("occurred_at") is None:  # a repeated call that named no time means the same time
            told = evolve(told, occurred_at=known.occurred_at)
        different = rules.differences(known, told)
        if different:
            raise Conflict(
                f"sale {known.id} has this external id and differs in {', '.join(different)}; "
                "a sale is recorded once and never changed"
            )
        return known


def _checked(row: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """Return a told sale; Malformed when it lacks what a sale needs, or says what no sale has."""
    for name in row:
        if name not in FIELDS:
            raise Malformed(f"sale {number} has no {name!r}", field=name, suggestions=nearest(name, FIELDS))
    for name in FIELDS[:2]:
        if row.get(name) is None:
            raise Malformed(f"sale {number} needs a {name}", field=name)
    return row


def _text(value: Any, field: str) -> str | None:
    return None if value is None else checked(value, field=field, limit=200)
