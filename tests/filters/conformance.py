"""The sixty conformance examples of the language, read from `conformance.txt`, and the schema that they are about."""

from enum import Enum
from pathlib import Path

from attrs import frozen

from custcrm.filters.types.types import Boolean, Choice, Collection, Date, Elapsed, Instant, Integer, Map, Money, Text


class Kind(Enum):
    PERSON = "person"
    COMPANY = "company"


@frozen
class Example:
    """A text, and its canonical form or the kind of its error."""

    text: str
    canonical: str | None
    error: str | None


def examples() -> list[Example]:
    lines = Path(__file__).with_name("conformance.txt").read_text(encoding="utf-8").splitlines()
    return [_example(line) for line in lines]


def _example(line: str) -> Example:
    text, refused, kind = line.partition(" !! ")
    if refused:
        return Example(text.rstrip(), None, kind.strip())
    text, _, canonical = line.partition(" => ")
    text, canonical = text.rstrip(), canonical.strip()
    return Example(text, text if canonical == "same" else canonical, None)


LINES = Collection({"category": Text(), "quantity": Integer(), "price": Money()})
SALES = Collection(
    {"occurred_at": Instant(), "total": Money(), "point_of_sale": Text(), "lines": LINES},
    at="occurred_at",
)
PROGRAM = {"access": Choice("full", "limited", "none", "blacklisted"), "points": Integer()}
FIELDS = {
    **dict.fromkeys(("first_name", "email", "phone", "country", "and"), Text()),
    "visits": Integer(),
    "sales_total": Money(),
    "credit": Money(),
    "birth_date": Date(yearless=True),
    "last_sale_at": Instant(),
    "accepts_marketing": Boolean(),
    "kind": Choice(Kind),
    "tags": Map(Text()),
    "attributes": Map(Text()),
    "programs": Map(PROGRAM, keys=("gold", "silver")),
    "sales": SALES,
}
METRICS = {"age": Elapsed(unit="years", since="birth_date")}
