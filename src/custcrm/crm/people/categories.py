"""`crm.categories`: the classes of a program's members, and the rules by which tiers are given."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from custcrm.actions.customers import tiers
from custcrm.business import Business
from custcrm.filters import Filter
from custcrm.filters.syntax.nodes import Exists, Field
from custcrm.records import Category, Program
from custcrm.records.programs import NEW_CUSTOMERS
from custcrm.selection import Plan, select


@frozen
class Categories:
    """Categories of programs: exactly one for each member. One with a rule is a tier."""

    _business: Business

    def add(
        self, program: str, name: str, *, rule: str | Filter | None = None, rank: int = 0, key: str | None = None
    ) -> Category:
        """Add a category to a program; with a rule, a filter, it is a tier that `reclassify` gives and takes.

        Once, where a key is given.
        """
        return tiers.add_category(self._business, program, name, rule=rule, rank=rank, key=key)

    def set_rule(
        self, program: str, category: str, filter: str | Filter | None, *, rank: int = 0, key: str | None = None
    ) -> Category:
        """Make a category a tier, or with None one that is given by hand. Nobody moves before `reclassify`.

            crm.categories.set_rule("club", "Gold", "sales_total > 1000", rank=2)

        Of several rules that are true the one of the highest rank wins; each tier of a program has a rank of its own.
        With a `key` it is done once.
        """
        return tiers.set_rule(self._business, program, category, filter, rank=rank, key=key)

    def of(self, program: str) -> Sequence[Category]:
        """Return the categories of a program: "New Customers" first, then by rank and name."""
        business = self._business
        program = business.known(Program, program, "program").name
        with business.reading() as reader:
            found = list(reader.find(Category, {"program": program}))
        return tuple(sorted(found, key=lambda each: (each.name != NEW_CUSTOMERS, each.rank, each.name)))

    def reclassify(self, program: str, *, reason: str = "") -> Plan:
        """Plan to give every member the category that the rules say; see `Selection.reclassify`."""
        business = self._business
        program = business.known(Program, program, "program").name
        member = Filter.of(business.schema, Exists(Field(("programs", program))))
        return select(business, member).reclassify(program, reason=reason)
