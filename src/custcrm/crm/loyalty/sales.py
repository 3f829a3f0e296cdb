"""`crm.sales`: what customers bought."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from os import PathLike
from typing import TYPE_CHECKING, Any

from attrs import frozen

from custcrm.actions.progress import Progress
from custcrm.actions.sales import refunds
from custcrm.actions.sales import sales as actions
from custcrm.actions.sales.refunds import SaleDetails
from custcrm.business import Business, CustomerRef
from custcrm.records import Sale
from custcrm.records.sales import SaleKind
from custcrm.values.money import Money
from custcrm.values.shapes import several

if TYPE_CHECKING:
    from custcrm.importing import ImportReport


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
        key: str | None = None,
    ) -> Sale:
        """Record a sale and return it. `total` is in major units ("25.90"); a sale with an `external_id` is recorded once, and
        with a `key` the call is done once.

        Told again with the same facts it returns the known sale, with other facts it is a Conflict. A customer who is
        blacklisted in the sale's program is refused. `lines` are mappings of product, category, quantity, price
        and amount; `units` is their sum unless given. It earns points by the rules of its program (`crm.earning`), where the
        customer may be credited any; where not, the sale stands without.
        """
        row = {
            "customer": customer, "total": total, "occurred_at": occurred_at, "lines": lines, "units": units,
            "terminal": terminal, "point_of_sale": point_of_sale, "program": program, "source": source,
            "document": document, "external_id": external_id,
        }
        [sale] = actions.record(self._business, [row], key=key)
        return sale

    def record_all(self, rows: Iterable[Mapping[str, Any]], *, key: str | None = None) -> list[Sale]:
        """Record many sales, each a mapping of what `record` takes; all or none. Once, where a key is given."""
        return actions.record(self._business, rows, key=key)

    def refund(
        self,
        sale: Sale | str,
        amount: Money | str | int | Decimal | None = None,
        *,
        lines: Sequence[Mapping[str, Any]] | None = None,
        units: int | None = None,
        kind: SaleKind | str = SaleKind.REFUND,
        reason: str = "",
        external_id: str | None = None,
        occurred_at: datetime | date | str | None = None,
        terminal: str | None = None,
        key: str | None = None,
    ) -> Sale:
        """Take back a sale, or an amount of it, and return the refund: a sale of its own with a negative total.

        `sale` is a record, or the sale's external id. Without `amount` it is all that is left, or what was paid for the
        `lines`, as far as that is left: mappings as in `record`, told without a minus; price and amount are those of the sale
        unless given, and a product that was sold at several prices is told by its price. With `units` alone it is their share
        of the money that is left. It is the sale's place unless a terminal is given. More than is left is refused
        (over_refund). The sale then keeps its share of the points it earned, rounded down; the program's `reversal` says what
        becomes of points that are spent already, and where that is to refuse (not_enough_points), nothing is taken back. An
        `external_id` is recorded once, as in `record`, and with a `key` the call is done once.
        """
        goods = None if lines is None else several(lines, field="lines")
        told = {
            "amount": amount, "lines": goods, "units": units, "kind": kind, "reason": reason, "external_id": external_id,
            "occurred_at": occurred_at, "terminal": terminal,
        }
        return refunds.refund(self._business, sale, told, key=key)

    def chargeback(
        self,
        sale: Sale | str,
        amount: Money | str | int | Decimal | None = None,
        *,
        reason: str = "",
        external_id: str | None = None,
        occurred_at: datetime | date | str | None = None,
        key: str | None = None,
    ) -> Sale:
        """Record that the customer's bank took the payment back: a refund of that kind. Coupons stay redeemed."""
        return self.refund(
            sale, amount, kind=SaleKind.CHARGEBACK, reason=reason, external_id=external_id, occurred_at=occurred_at,
            key=key,
        )

    def cancel(
        self, sale: Sale | str, *, reason: str = "", external_id: str | None = None, key: str | None = None
    ) -> Sale:
        """Take back all that is left of a sale as if it had not been, and return the refund.

        Points and money of accounts that were spent with the sale's id, or its external id, as their reference come back to
        whoever paid, and coupons that were redeemed so are restored where their series allows it. All of it happens, or
        nothing. What was returned before is not returned again: accounts get no more than is left of the sale. With an
        `external_id` of the refund, or a `key`, it is done once.
        """
        return refunds.cancel(self._business, sale, reason, external_id, key=key)

    def of(self, customer: CustomerRef) -> Sequence[Sale]:
        """Return all sales of the customer, refunds and chargebacks among them, oldest first."""
        business = self._business
        with business.reading() as reader:
            return tuple(reader.find(Sale, {"customer_id": business.existing(customer).id}, order=("occurred_at",)))

    def details(self, sale: Sale | str) -> SaleDetails:
        """Return a sale with its lines, what was paid for each, the discounts of coupons, its refunds, the points it earned,
        and what is left of it.
        """
        return refunds.details(self._business, sale)

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
    ) -> ImportReport:
        """Take sales in from a CSV file, and return a verdict for each row: added, unchanged or refused. They earn no points.

        `columns` maps header cells to fields, `ignore` leaves some out. A large file is taken in two thousand rows at a time,
        `atomic` all at once; under a `key` once. All of it is told at `custcrm.importing.import_sales`.
        """
        from custcrm.importing import import_sales

        return import_sales(
            self._business, source, columns=columns, ignore=ignore, dry_run=dry_run, progress=progress, encoding=encoding,
            delimiter=delimiter, decimal=decimal, atomic=atomic, key=key,
        )
