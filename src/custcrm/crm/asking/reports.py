"""`crm.reports`: what happened in a period, and what is owed, about all customers or some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from custcrm.business import Business
from custcrm.liability import Liability
from custcrm.records import PointOfSale, Program, Terminal
from custcrm.records.programs import API
from custcrm.reports import PointBalances, TransactionLog, kinds_asked
from custcrm.selection import Selection, select
from custcrm.values.errors import Malformed
from custcrm.values.identifiers import identifier
from custcrm.values.periods import Period, PeriodLike, period

PLACES: Final = {
    "program": (Program, "program"), "point_of_sale": (PointOfSale, "point of sale"), "terminal": (Terminal, "terminal"),
}


@frozen
class Reports:
    """Reports over the records as they are now; each can be written as CSV."""

    _business: Business

    def transaction_log(
        self,
        *,
        program: str | None = None,
        point_of_sale: str | None = None,
        terminal: str | None = None,
        period: PeriodLike = "today",
        kinds: str | Sequence[str] | None = None,
    ) -> TransactionLog:
        """Return every transaction of a period in order of time: sales, refunds, points, accounts, coupons.

        `period` is a name ("today", "last month", "last 7 days"), a day, or a pair of since and until. `kinds` are kinds of
        lines ("refund", "points_spend"), or families of them: "sales", "points", "accounts", "coupons". The terminal "api" is
        the virtual one of transactions that name none.

            crm.reports.transaction_log(terminal="till-1", period="yesterday").totals
        """
        business = self._business
        return TransactionLog(
            period=_period(business, period), kinds=kinds_asked(kinds), business=business,
            places=_places(business, {"program": program, "point_of_sale": point_of_sale, "terminal": terminal}),
        )

    def point_balances(self, program: str, selection: Selection | None = None) -> PointBalances:
        """Return who has how many points, over all members of the program or those selected."""
        business = self._business
        program = business.known(Program, program, "program").name
        return PointBalances.of(self._selected(selection), business, program)

    def points_liability(self, program: str, selection: Selection | None = None) -> Liability:
        """Return what the program owes to all customers or those selected, and when it lapses; see `Liability`."""
        return self._selected(selection).points_liability(program)

    def _selected(self, selection: Selection | None) -> Selection:
        if selection is None:
            return select(self._business, None)
        if not isinstance(selection, Selection):
            raise Malformed(f"a selection is what crm.select() gives, not {type(selection).__name__}", field="selection")
        if not selection.is_of(self._business):
            raise Malformed("the selection is of a different store", field="selection")
        return selection


def _period(business: Business, asked: PeriodLike) -> Period:
    return period(asked, business.now(), business.zone)


def _places(business: Business, asked: dict[str, str | None]) -> dict[str, str]:
    places = {name: identifier(value, field=name) for name, value in asked.items() if value is not None}
    for name, value in places.items():
        if (name, value) != ("terminal", API):
            record, what = PLACES[name]
            business.known(record, value, what)
    return places
