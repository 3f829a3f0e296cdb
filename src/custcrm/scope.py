"""Scopes: the place that a question is asked within. The name to know is `at`."""

from __future__ import annotations

from attrs import frozen

from custcrm.business import Business
from custcrm.records import PointOfSale, Program, Terminal
from custcrm.values.identifiers import optional


@frozen(kw_only=True)
class Scope:
    """The place that a question is asked within. Made by `at`."""

    program: str | None = None
    point_of_sale: str | None = None
    terminal: str | None = None

    @property
    def dimensions(self) -> dict[str, str]:
        """The dimensions that are narrowed, by name."""
        named = {"program": self.program, "point_of_sale": self.point_of_sale, "terminal": self.terminal}
        return {name: value for name, value in named.items() if value is not None}


def at(*, program: str | None = None, point_of_sale: str | None = None, terminal: str | None = None) -> Scope:
    """Return a scope: metrics and collections then count only what happened there.

    >>> at(point_of_sale="Harbour").dimensions
    {'point_of_sale': 'Harbour'}
    """
    return Scope(
        program=optional(program, field="program"), point_of_sale=optional(point_of_sale, field="point_of_sale"),
        terminal=optional(terminal, field="terminal"),
    )


def check_places(business: Business, scope: Scope) -> None:
    """Look the places of a scope up; NotFound, with near names, where there is none of that name."""
    for name, record, what in (
        (scope.program, Program, "program"),
        (scope.point_of_sale, PointOfSale, "point of sale"),
        (scope.terminal, Terminal, "terminal"),
    ):
        if name is not None:
            business.known(record, name, what)
