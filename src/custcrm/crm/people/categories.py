"""`crm.categories`: the classes of a program's members, and the rules by which tiers are given."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from custcrm.actions.customers import tiers
from custcrm.business import Business
from custcrm.filters import Filter
from custcrm.filters.syntax.nodes import Exists, Field
from custcrm.records import Category, Program
from custcrm.records.programs import NEW_CUSTOMERS, Down
from custcrm.selection import Plan, select
from custcrm.values.periods import SpanLike


@frozen
class Categories:
    """Categories of programs: exactly one for each member. One with a rule is a tier."""

    _business: Business

    def add(
        self, program: str, name: str, *, rule: str | Filter | None = None, rank: int = 0, keep: SpanLike | None = None,
        down: Down | str = Down.RULE, key: str | None = None,
    ) -> Category:
        """Add a category to a program; with a rule, a filter, it is a tier that `reclassify` gives and takes.

        `keep` and `down` are as for `set_rule`. Once, where a key is given.
        """
        return tiers.add_category(self._business, program, name, rule=rule, rank=rank, keep=keep, down=down, key=key)

    def set_rule(
        self, program: str, category: str, filter: str | Filter | None, *, rank: int = 0, keep: SpanLike | None = None,
        down: Down | str = Down.RULE, key: str | None = None,
    ) -> Category:
        """Make a category a tier, or with None one that is given by hand. Nobody moves before `reclassify`.

            crm.categories.set_rule("club", "Gold", "sales_total > 1000", rank=2)

        Of several rules that are true the one of the highest rank wins; each tier of a program has a rank of its own. Who has
        it keeps it for `keep`, a span ("12 months") or "end of year", whatever the rule says, and anew if the rule is met when
        that time is over. Else it is lost: `down="rule"`, to where the rules say; `down="one"`, by one tier, which is then kept
        as long. Who meets a higher rule rises at once. With a `key` it is done once.
        """
        return tiers.set_rule(self._business, program, category, filter, rank=rank, keep=keep, down=down, key=key)

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
