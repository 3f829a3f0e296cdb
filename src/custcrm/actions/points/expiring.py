"""Writing down what has expired, for who reads the entries elsewhere: time alone decides. Know `write_expiries_down`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from attrs import evolve

from custcrm.actions.action import Occasion
from custcrm.actions.keys import Request
from custcrm.actions.points.lots import all_lots
from custcrm.actions.points.points import telling
from custcrm.actions.progress import going_on
from custcrm.business import Business
from custcrm.filters import Filter
from custcrm.records import Applied, Customer, PointsEntry, Program
from custcrm.rules import points as rules
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import Unfinished

EXPIRE_POINTS: Final = "expire_points"
"""The name under which a key remembers it: no customers are chosen, so there are no targets."""

PAGE: Final = 500
"""Customers whose expiries are written down in one transaction."""


def write_expiries_down(
    business: Business, program: str | None, show: Callable[[int, int], None], *, key: str | None = None
) -> int:
    """Write an entry for each lot whose time is over and that had points left; return how many. No balance changes.

    Customers follow each other in id order, some in each transaction; whatever stops it, the next run goes on. Under a key it
    goes on until all is written that had expired, and never again.
    """
    if program is not None:
        program = business.known(Program, program, "program").name
    question = Question(_filter_of_expired(business, program), business.now())
    with business.reading() as reader:
        total = reader.count(question)
    request = Request(action=EXPIRE_POINTS, arguments={"program": program}, key=key)
    applied = None if key is None else business.transact(lambda writer: _begin(business, writer, request, total))
    if applied is not None and applied.is_finished:
        return _count_written(business, applied)
    done, written, after = 0, 0, None
    stopped = partial(Unfinished, total=total, key=key)
    with going_on(lambda why: stopped(done, why=why), is_begun=lambda: bool(done) or applied is not None):
        show(done, total)
        while ids := _page(business, question, after):
            written += _write_page(business, ids, program, applied)
            done, after = done + len(ids), ids[-1]
            show(min(done, total), total)
        if applied is not None:
            _finish(business, applied)
            written = _count_written(business, applied)
    return written


def _begin(business: Business, writer: Writer, request: Request, total: int) -> Applied:
    """Return what is done under the key, begun now unless it was before."""
    before = request.claim(writer)
    if before is not None:
        return before
    kept = request.keep(business, writer, business.ids.new(), business.now())
    assert kept is not None, "it has a key"
    begun = evolve(kept, eligible=total)
    writer.replace(begun)
    return begun


def _write_page(business: Business, ids: Sequence[str], program: str | None, applied: Applied | None) -> int:
    def write(writer: Writer) -> int:
        for each in ids:
            writer.hold(Customer, each)
        return writer.add(_make_expiries(business, writer, ids, program, "" if applied is None else applied.id))

    return business.transact(write)


def _finish(business: Business, applied: Applied) -> None:
    business.transact(lambda writer: writer.replace(evolve(applied, done=applied.eligible)))


def _count_written(business: Business, applied: Applied) -> int:
    with business.reading() as reader:
        return reader.count_records(PointsEntry, {"applied_id": applied.id})


def _filter_of_expired(business: Business, program: str | None) -> Filter:
    """Return the filter of those who have lost points that no entry tells of yet."""
    if program is None:
        return business.parse("SUM(points_entries.delta WHERE expires_at <= now()) > 0")
    return business.parse(
        "SUM(points_entries.delta WHERE program = :program AND expires_at <= now()) > 0", {"program": program}
    )


def _page(business: Business, question: Question, after: str | None) -> list[str]:
    with business.reading() as reader:
        return reader.ids(question, after=after, limit=PAGE)


def _make_expiries(
    business: Business, writer: Writer, ids: Sequence[str], program: str | None, applied_id: str
) -> list[PointsEntry]:
    occasion = Occasion(now=business.now(), applied_id=applied_id, actor=business.actor)
    entries: list[PointsEntry] = []
    for (customer_id, of_program), rows in groupby(all_lots(writer, ids, program), key=lambda row: row[:2]):
        told = telling(occasion, customer_id, of_program, "expire", None)
        entries.extend(rules.expire((lot for *_, lot in rows), told, business.ids.new))
    return entries
