"""Crediting points, one lot at a time or to a whole selection."""

from __future__ import annotations

from typing import Any, Final

from custcrm.actions import eligibility, messages
from custcrm.actions.deed import Cost, Deed, Moment, asked_expiry
from custcrm.business import Business
from custcrm.messaging.templates import POINTS_CREDITED, text_or_default
from custcrm.records import PointOfSale, PointsEntry, Program, Terminal
from custcrm.storage.deeds import CustomerKey, Effect, Given, NewId, Template, Verdict
from custcrm.values.errors import Malformed
from custcrm.values.periods import expiry

API: Final = "api"
"""The virtual terminal of credits that name none."""

LARGEST: Final = 10**12
"""Points of one credit: sums of a million of them stay within 64 bits."""


def crediting(
    business: Business, program: str, points: int, *, expires: Any, terminal: str | None, text: str, notify: bool
) -> Deed:
    """Credit one lot of points, expiring at `expires` if given (FEATURES C22–C25)."""
    found = business.known(Program, program, "program")
    amount = points_amount(points)
    at_terminal = terminal_of(business, terminal)
    if expires is not None and expiry(expires, business.now(), business.zone) <= business.now():
        raise Malformed("expires lies in the past; points would never count", field="expires")
    told = messages.notice_text(text_or_default(text, POINTS_CREDITED), "points", "balance")

    def effects(moment: Moment) -> tuple[Effect, ...]:
        ends = None if expires is None else expiry(expires, moment.now, business.zone)
        entry = Template(
            record=PointsEntry,
            values={
                "customer_id": CustomerKey(), "id": NewId(0), "lot_id": NewId(0), "program": Given(program),
                "kind": Given("credit"), "delta": Given(amount), "occurred_at": Given(moment.now),
                "expires_at": Given(ends), "terminal": Given(at_terminal), "text": Given(text),
                "actor": Given(moment.actor), "applied_id": Given(moment.applied_id),
            },
        )
        return (entry, *messages.notice(business, found, moment, told, notify=notify, effect=1, points=amount))

    return Deed(
        action="credit_points",
        title=f"credit_points {program} {amount}",
        arguments={
            "program": program, "points": amount, "expires": asked_expiry(expires), "terminal": terminal, "text": text,
            "notify": notify,
        },
        verdict=Verdict(eligibility.may_earn(business.schema, program)),
        effects=effects,
        cost=lambda business, question, eligible: Cost(points=eligible * amount),
    )


def points_amount(points: object) -> int:
    """Return a count of points, checked: a whole number from 1 on."""
    if not isinstance(points, int) or isinstance(points, bool) or not 1 <= points <= LARGEST:
        raise Malformed(f"points are a whole number from 1 to {LARGEST:,}", field="points")
    return points


def terminal_of(business: Business, terminal: str | None) -> str:
    """Return the terminal that a transaction is booked on: the one given, the one acting, or the virtual one."""
    name = terminal or business.terminal
    if name is None or name == API:
        return API
    return business.known(Terminal, name, "terminal").name


def place_of(business: Business, terminal: str | None, point_of_sale: str | None) -> tuple[str | None, str | None]:
    """Return point of sale and its program for a terminal or a point of sale."""
    if terminal is not None:
        stands_at = business.known(Terminal, terminal, "terminal").point_of_sale
        if point_of_sale not in (None, stands_at):
            raise Malformed(f"terminal {terminal!r} stands at {stands_at!r}", field="point_of_sale")
        point_of_sale = stands_at
    if point_of_sale is None:
        return None, None
    return point_of_sale, business.known(PointOfSale, point_of_sale, "point of sale").program
