"""What an action does to many customers, as one statement each: freezing targets, adding a record for each, changing theirs.

Built once for a template or change, whatever values it gives: these are parameters, `given_` and the column's name. To credit
500 points to the targets 1…20,000 of an apply is, in short:

    INSERT INTO custcrm_points_entries (customer_id, id, delta, …)
    SELECT targets.customer_id, :prefix_0 || twelve_digits(targets.number), :given_delta, …
    FROM custcrm_targets AS targets JOIN custcrm_customers … WHERE targets.applied_id = :apply AND number BETWEEN …
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from attrs import evolve

from custcrm.filters.ir.nodes import Condition, Moment
from custcrm.filters.targets.sql.source import Element
from custcrm.records.customers import Customer
from custcrm.records.declaration import declaration
from custcrm.records.journal import Target
from custcrm.storage.effects import (
    OVER_LIMIT,
    Change,
    Given,
    Template,
)
from custcrm.storage.questions import Verdict
from custcrm.storage.sql import statements
from custcrm.storage.sql.questions import STATEMENTS, Asking, Rules, Statement, refused, rules_of
from custcrm.storage.sql.setwise.values import APPLY, Writing, all_sources, forget_constants, slice_of
from custcrm.storage.sql.sources import CustomerSource, has_not_ended
from custcrm.storage.sql.tables import row_names, table
from custcrm.storage.sql.types import TEXT, WHOLE, bind_text
from custcrm.values.errors import Reason

# freezing ----------------------------------------------------------------------------------------


@lru_cache(STATEMENTS)
def freeze(wanted: Condition, past: bool, dialect: str, rules: Rules, limited: bool) -> Statement:
    """Return the statement that stores a target for every customer: eligible 1…n, refused -1…-m, in id order."""
    asking = Asking(CustomerSource(past))
    asked = refused(asking, wanted, rules)
    if dialect == "postgresql":
        asked = asked.offset(sa.literal_column("0"))  # else it is merged, and every rule asked once per mention
    judged = asked.subquery()
    id_: Element = judged.c.id
    reason: Element = judged.c.reason
    eligible, refused_so_far = _running(reason.is_(None), id_), _running(reason.is_not(None), id_)
    number = sa.case((reason.is_(None), eligible), else_=-refused_so_far)
    if limited:
        limit = sa.bindparam("limit", type_=WHOLE)
        counted = sa.select(id_, reason, number.label("number")).subquery()
        over = counted.c.number > limit
        id_, reason = counted.c.id, sa.case((over, bind_text(Reason.SERIES_CAPACITY)), else_=counted.c.reason)
        number = sa.case((over, -(sa.literal(OVER_LIMIT, WHOLE) + counted.c.number - limit)), else_=counted.c.number)
    rows = sa.select(sa.bindparam(APPLY, type_=TEXT), sa.cast(number, sa.BigInteger), id_, reason)
    targets = table(Target)
    names = [targets.c[name] for name in ("applied_id", "number", "customer_id", "reason")]
    return Statement(sa.insert(targets).from_select(names, rows, include_defaults=False), asking.needed)


def _running(condition: sa.ColumnElement[bool], id_: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.func.count().filter(condition).over(order_by=id_, rows=(None, 0))


def tally() -> sa.Select[Any]:
    """Return the query for how many targets of an apply each reason refused."""
    targets = table(Target)
    mine = targets.c.applied_id == sa.bindparam(APPLY, type_=TEXT)
    return sa.select(targets.c.reason, sa.func.count()).where(mine).group_by(targets.c.reason)


# refusing since the freeze -----------------------------------------------------------------------


def refuse_each(verdict: Verdict) -> Statement:
    """Return the query for those eligible targets of a slice whom a rule refuses by now: number, customer and first reason."""
    return _refuse_each(rules_of(verdict))


@lru_cache(STATEMENTS)
def _refuse_each(rules: Rules) -> Statement:
    asking, targets = Asking(CustomerSource()), table(Target)
    customers, reason = asking.source.customers, asking.reason(rules).label("reason")
    tie = customers.c["id"] == targets.c["customer_id"]
    judged = sa.select(targets.c["number"], targets.c["customer_id"], reason)
    judged = judged.select_from(asking.source.joined(targets.join(customers, tie))).where(*slice_of(targets, ()))
    said = judged.subquery()
    return Statement(sa.select(said).where(said.c["reason"].is_not(None)), asking.needed)


# writing a record for each -----------------------------------------------------------------------


def add_for_each(template: Template) -> Statement:
    """Return the statement that writes the template's record for each target of a slice."""
    bare = evolve(template, values=forget_constants(all_sources(template)), verdict=Verdict())
    return _add_for_each(bare, rules_of(template.verdict))


@lru_cache(STATEMENTS)
def _add_for_each(template: Template, allowed: Rules) -> Statement:
    into = table(template.record)
    writing = Writing(Asking(CustomerSource()))
    by_name = dict(cell for name, source in template.values.items() for cell in writing.cells(template.record, name, source))
    names = [name for name in row_names(template.record) if name in by_name]
    rules = [writing.asking.condition(rule) for _, rule in allowed]
    rows = sa.select(*(by_name[name] for name in names)).select_from(writing.joined())
    rows = rows.where(*slice_of(writing.targets, template.reasons, in_turn=template.in_turn), *rules)
    added = sa.insert(into).from_select([into.c[name] for name in names], rows, include_defaults=False)
    return Statement(added, writing.asking.needed)


# holding -----------------------------------------------------------------------------------------


@cache
def hold_each(changing: bool) -> sa.Select[Any]:
    """Return the query that locks the customers of a slice, and counts them: in id order, so that no two applies deadlock.

    Not to change them is a lock that only a deletion waits for, as a reference to the customer takes it.
    """
    targets, customers = table(Target), table(Customer)
    mine = sa.select(targets.c.customer_id).where(*slice_of(targets, ()))
    held = sa.select(customers.c.id).where(customers.c.id.in_(mine)).order_by(customers.c.id)
    return sa.select(sa.func.count()).select_from(held.with_for_update(read=not changing, key_share=True).subquery())


@cache
def count_lost() -> sa.Select[Any]:
    """Return the query that keeps the customers of all targets of an apply from being deleted, and counts those who are gone.

    Targets refer to nobody by a key of the database, so nothing else waits for a deletion that is under way.
    """
    targets, customers = table(Target), table(Customer)
    mine = targets.c.applied_id == sa.bindparam(APPLY, type_=TEXT)
    there = sa.select(customers.c.id).where(customers.c.id.in_(sa.select(targets.c.customer_id).where(mine)))
    kept = there.order_by(customers.c.id).with_for_update(read=True, key_share=True).subquery()
    whole = sa.select(sa.func.count()).select_from(targets).where(mine).scalar_subquery()
    return sa.select(whole - sa.select(sa.func.count()).select_from(kept).scalar_subquery())


@cache
def count_eligible() -> sa.Select[Any]:
    """Return the query for how many eligible targets of a slice there are."""
    return sa.select(sa.func.count()).select_from(table(Target)).where(*slice_of(table(Target), ()))


# changing ----------------------------------------------------------------------------------------


def change_for_each(change: Change) -> Statement:
    """Return the statement that changes the matching records of each target of a slice, as `effects.changed` does for one.

        UPDATE custcrm_tags SET until = :given_until
        WHERE customer_id IN (the slice's targets whom the change's own rules allow) AND key = :where_0
        AND (until IS NULL OR until > :asked_as_of)     -- `current`
        AND (applied_id IS NULL OR applied_id <> :apply)     -- `but_new`

    A value that is no constant is a sub-query for the customer of the row.
    """
    wanted, _ = statements.read_where(change.match)
    bare = evolve(change, values=forget_constants(change.values), match={}, verdict=Verdict())
    return _change_for_each(bare, wanted, rules_of(change.verdict))


@lru_cache(STATEMENTS)
def _change_for_each(change: Change, wanted: statements.Wanted, allowed: Rules) -> Statement:
    changed = table(change.record)
    owner = changed.c[declaration(change.record).owner]
    needed: dict[str, Moment] = {}
    values = {}
    for name, source in change.values.items():
        writing = Writing(_ask_beside(needed))
        for cell, value in writing.cells(change.record, name, source):
            values[cell] = value if isinstance(source, Given) else writing.value_of_owner(source, value, owner)
    whom = _allowed_targets(_ask_beside(needed), allowed)
    conditions = [owner.in_(whom), *statements.conditions(statements.Shape(record=change.record, wanted=wanted))]
    if change.current:
        conditions += has_not_ended(change.record, changed)
    if change.but_new:
        by = changed.c["applied_id"]
        conditions.append(sa.or_(by.is_(None), by != sa.bindparam(APPLY, type_=TEXT)))
    return Statement(sa.update(changed).where(*conditions).values(values), needed)


def _ask_beside(needed: dict[str, Moment]) -> Asking:
    """Return what asks of customers under a name of their own: those that are being changed may be customers too."""
    return Asking(CustomerSource(customers=table(Customer).alias()), needed)


def _allowed_targets(asking: Asking, allowed: Rules) -> sa.Select[Any]:
    """Select the customers of a slice of whom the rules are true."""
    targets, customers = table(Target), asking.source.customers
    rules = [asking.condition(rule) for _, rule in allowed]
    found = sa.select(targets.c.customer_id).where(*slice_of(targets, ()), *rules)
    if not rules:
        return found
    tie = customers.c["id"] == targets.c["customer_id"]
    return found.select_from(asking.source.joined(targets.join(customers, tie)))
