"""A service with tables of its own: rules of its users, saved as JSON, run as SQL and on single objects."""

import json
from datetime import date

import attrs
import sqlalchemy as sa

from custcrm.filters import Filter, FilterError, Schema


@attrs.frozen
class Visit:
    arrived: date
    nights: int


@attrs.frozen
class Guest:
    id: int
    name: str
    country: str | None = None
    visits: tuple[Visit, ...] = ()
    labels: dict[str, str] = attrs.field(factory=dict)


metadata = sa.MetaData()
guests = sa.Table("guests", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text, nullable=False),
                  sa.Column("country", sa.Text))
visits = sa.Table("visits", metadata, sa.Column("guest_id", sa.ForeignKey("guests.id")),
                  sa.Column("arrived", sa.Date), sa.Column("nights", sa.Integer))
labels = sa.Table("labels", metadata, sa.Column("guest_id", sa.ForeignKey("guests.id")),
                  sa.Column("key", sa.Text), sa.Column("value", sa.Text))
rules = sa.Table("rules", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("json", sa.Text))

schema = Schema.of(Guest, timezone="Europe/Helsinki")


def save(connection: sa.Connection, name: str, text: str) -> str:
    """Keep a rule that a user wrote, or return what is wrong with it."""
    try:
        rule = schema.parse(text)
    except FilterError as error:
        return str(error)
    connection.execute(rules.insert().values(name=name, json=json.dumps(rule.to_json())))
    return ""


def load(connection: sa.Connection, name: str) -> Filter:
    """Return a saved rule."""
    return schema.from_json(connection.scalars(sa.select(rules.c.json).where(rules.c.name == name)).one())


def add(connection: sa.Connection, guest: Guest) -> None:
    connection.execute(guests.insert().values(id=guest.id, name=guest.name, country=guest.country))
    for visit in guest.visits:
        connection.execute(visits.insert().values(guest_id=guest.id, **attrs.asdict(visit)))
    for key, value in guest.labels.items():
        connection.execute(labels.insert().values(guest_id=guest.id, key=key, value=value))


anna = Guest(1, "Anna", "FI", (Visit(date(2026, 1, 5), 3), Visit(date(2026, 7, 1), 2)), {"floor": "high"})
ben = Guest(2, "Ben", "FI", (Visit(date(2026, 3, 9), 1),))
chloe = Guest(3, "Chloe", None, (Visit(date(2024, 3, 9), 7),), {"floor": "low"})

engine = sa.create_engine("sqlite://")
with engine.begin() as connection:
    metadata.create_all(connection)
    for guest in (anna, ben, chloe):
        add(connection, guest)

    assert save(connection, "back again", "COUNT(visits) >= 2") == ""
    assert save(connection, "high or abroad", "labels.floor = 'high' OR country <> 'FI'") == ""
    assert "did you mean 'country'?" in save(connection, "wrong", "contry = 'FI'")

    for name, expected in {"back again": [1], "high or abroad": [1, 3]}.items():
        rule = load(connection, name)
        clause = rule.to_sql(guests, visits=visits, labels=labels)
        assert list(connection.scalars(sa.select(guests.c.id).where(clause).order_by(guests.c.id))) == expected
        assert [guest.id for guest in rule.select([anna, ben, chloe])] == expected

    print(load(connection, "high or abroad").explain(ben))
engine.dispose()
