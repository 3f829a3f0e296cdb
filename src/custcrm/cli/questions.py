"""`custcrm select` and `custcrm explain`: customers as a table, and why one is or is not among them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

import custcrm
from custcrm.cli.output import Output
from custcrm.crm import Crm
from custcrm.records import Customer
from custcrm.selection import DEFAULT_COLUMNS, Selection
from custcrm.values.errors import Malformed, NotFound


@frozen
class Asked:
    """A question as it was typed."""

    filter: str
    as_of: str | None = None
    program: str | None = None
    point_of_sale: str | None = None
    terminal: str | None = None

    def of(self, crm: Crm) -> Selection:
        """Return the selection it means."""
        scope = custcrm.at(program=self.program, point_of_sale=self.point_of_sale, terminal=self.terminal)
        return crm.select(self.filter, scope=scope, as_of=self.as_of)


def select(
    crm: Crm, asked: Asked, output: Output, *, count: bool, csv: bool, columns: str | None, sort: str | None
) -> None:
    """Answer with a number, a CSV file or a table."""
    selection = asked.of(crm)
    if count:
        people = selection.count()
        output.say(str(people), count=people)
        return
    titles = _parted(columns) if columns is not None else DEFAULT_COLUMNS
    view = selection.view(titles, sort=_parted(sort) if sort is not None else ())
    if csv:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "selection.csv"
            view.to_csv(file)
            output.csv(file)
    else:
        output.table(view.columns, (list(row.values()) for row in view))


def explain(
    crm: Crm, asked: Asked, output: Output, *, email: str | None, id: str | None, external_id: str | None
) -> None:
    """Answer yes or no, with each condition's value and what decided."""
    explanation = asked.of(crm).explain(_customer(crm, email, id, external_id))
    deciding = explanation.deciding
    output.say(
        str(explanation),
        matched=explanation.matched,
        conditions=[
            {
                "condition": each.text, "matched": each.verdict, "value": each.seen, "wanted": each.wanted,
                "decides": any(each is part for part in deciding),
            }
            for each in explanation.conditions
        ],
    )


def _customer(crm: Crm, email: str | None, id: str | None, external_id: str | None) -> Customer:
    """Return the customer named in exactly one way."""
    match (email, id, external_id):
        case (str(), None, None):
            found = crm.customers.find_by_email(email)
        case (None, str(), None):
            return crm.customers.get(id)
        case (None, None, str()):
            system, equals, each = external_id.partition("=")
            if not equals:
                raise Malformed("an external id is SYSTEM=ID, e.g. --external-id shop=1234", field="external_id")
            found = crm.customers.find_by_external_id(system, each)
        case _:
            raise Malformed("say whom: one of --email, --id, --external-id", field="customer")
    if found is None:
        raise NotFound("no customer has exactly this email" if email else "no customer has this external id")
    return found


def _parted(text: str) -> list[str]:
    """Return the values of a list, parted at the commas outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character in "([") - (character in ")]")
        if character == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
