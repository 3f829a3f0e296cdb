"""Whether a store answers and writes as the memory store does. The name to know is `assert_parity`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Any, Final

from attrs import evolve, frozen

from custcrm.filters import FilterError
from custcrm.filters.ir.nodes import Shown
from custcrm.records import AccountEntry, Membership, MembershipChange, Message, PointsEntry, Sale, TagAssignment
from custcrm.records.declaration import declaration
from custcrm.records.journal import Applied, Target
from custcrm.storage.effects import Change, CustomerKey, Given, NewId, Of, Slice, Staged, TargetReason, Template
from custcrm.storage.memory.store import MemoryStore
from custcrm.storage.protocol import Reader, Store, Writer
from custcrm.storage.questions import Order, Question, Verdict
from custcrm.testing.bases import NOW, some_id
from custcrm.testing.questions import SCHEMA
from custcrm.values.errors import Reason


@frozen
class Asked:
    """What both stores are asked, and what both do."""

    question: Question
    columns: Sequence[Shown] = ()
    order: Sequence[Order] = ()
    verdict: Verdict = Verdict()
    limit: int | None = None


class _Undo(Exception):
    """Leaves a write() so that nothing stays."""


@contextmanager
def rolled_back(store: Store) -> Iterator[Writer]:
    """Open a write() of which nothing stays."""
    with suppress(_Undo), store.write() as writer:
        yield writer
        raise _Undo


def assert_parity(store: Store, records: Sequence[Any], asked: Asked) -> None:
    """Assert that the store, given these records, answers and writes what the memory store does. Nothing of it stays.

    A filter that is the error `overflow` of these records is so of both, and then nothing is written.
    """
    with rolled_back(store) as theirs, MemoryStore().write() as ours:
        for writer in (theirs, ours):
            writer.add(records)
        expected = _outcome(ours, asked)
        assert _outcome(theirs, asked) == expected
        if not isinstance(expected, str):
            assert _write(theirs, asked) == _write(ours, asked)


def _outcome(reader: Reader, asked: Asked) -> dict[str, Any] | str:
    try:
        return _answers(reader, asked)
    except FilterError as error:
        return error.kind


def _answers(reader: Reader, asked: Asked) -> dict[str, Any]:
    question = asked.question
    ids = reader.ids(question)
    middle = ids[len(ids) // 2] if ids else None
    return {
        "count": reader.count(question),
        "ids": ids,
        "ids after": reader.ids(question, after=middle, limit=2),
        "rows": [_exact(row) for row in reader.rows(question, asked.columns, order=asked.order)],
        "rows limited": [_exact(row) for row in reader.rows(question, asked.columns, order=asked.order, limit=2)],
        "rows after": [_exact(row) for row in reader.rows(question, asked.columns, after=middle, limit=2)],
        "tally": counted(reader.tally(question, asked.verdict)),
        "rows only": [_exact(row) for row in reader.rows(question, asked.columns, only=middle)] if middle else [],
        "refusals": dict(reader.refusals(question, asked.verdict)),
        "totals": [list(reader.totals(record, where, **how)) for record, where, how in TOTALS],
    }


def counted(counts: Mapping[Any, int]) -> dict[Any, int]:
    """Return the counts without zeros, which a store need not mention."""
    return {reason: count for reason, count in counts.items() if count}


def _exact(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row with its pairs as ratios: 2/4 is 1/2."""
    return tuple(Fraction(*value) if isinstance(value, tuple) else value for value in row)


APPLIED: Final = Applied(
    key="parity", id=some_id(10**6), action="test", content="", as_of=NOW, eligible=0, done=0
)  # fmt: skip


def _write(writer: Writer, asked: Asked) -> dict[str, Any]:
    """Freeze, and write and change records of several kinds for each target; return all that is there then.

    In between, somebody gets a reason, whom the rest then leaves out.
    """
    counts = counted(writer.freeze(APPLIED, asked.question, asked.verdict, limit=asked.limit))
    eligible = counts.get(None, 0)
    half = eligible // 2
    halves = [Slice(APPLIED.id, first, last, NOW, SCHEMA) for first, last in ((1, half), (half + 1, eligible))]
    done: list[int] = []
    for part in halves:
        writer.stage(APPLIED.id, "code", ((number, f"code {number}") for number in range(part.first, part.last + 1)))
        done += [writer.add_for_each(each, part) for each in TEMPLATES]
        done += [writer.change_for_each(each, part) for each in CHANGES]
        writer.put([evolve(each, reason="revoked") for each in writer.find(Target, {"number": eligible})])
    done.append(writer.add_for_each(REJECTED, Slice(APPLIED.id, 1, eligible, NOW, SCHEMA)))
    kinds = (Target, PointsEntry, TagAssignment, Message, Membership, MembershipChange, AccountEntry)
    return {"counts": counts, "done": done, **{declaration(kind).table: list(writer.find(kind)) for kind in kinds}}


def _value_of(text: str) -> Of:
    return Of(SCHEMA.parse_value(text).lowered)


def _template(record: type, **values: Any) -> Template:
    verdict, reasons = values.pop("verdict", Verdict()), values.pop("reasons", ())
    return Template(
        record=record,
        values={"customer_id": CustomerKey(), "applied_id": Given(APPLIED.id), **values},
        verdict=verdict,
        reasons=reasons,
    )


TEMPLATES: Final = (
    _template(
        PointsEntry, id=NewId(0), program=Given("gold"), kind=Given("credit"), delta=Given(100), lot_id=NewId(0),
        occurred_at=Given(NOW), expires_at=Given(None),
        verdict=Verdict(((Reason.NOT_A_MEMBER, SCHEMA.parse("programs.gold EXISTS")),)),
    ),
    _template(
        Message, id=NewId(1), channel=Given("sms"), purpose=Given("marketing"), text=Given("{balance} {code}"),
        code=Staged("code"), balance=_value_of("programs.gold.points"), points=_value_of("sales_count"),
        planned_at=Given(NOW),
        verdict=Verdict(((Reason.NO_ADDRESS, SCHEMA.parse("phone EXISTS AND NOT tags.VIP EXISTS")),)),
    ),
    _template(
        MembershipChange, id=NewId(2), program=Given("gold"), change=Given("category"), category=Given("Regulars"),
        access=_value_of("programs.gold.access"), occurred_at=Given(NOW),
        verdict=Verdict(((Reason.NOT_A_MEMBER, SCHEMA.parse("programs.gold.access EXISTS")),)),
    ),
    _template(TagAssignment, id=NewId(3), key=Given("new"), value=_value_of("country"), since=Given(NOW)),
    _template(
        AccountEntry, id=NewId(5), account=Given("wallet"), program=Given("gold"), kind=Given("spend"), amount=Given(-100),
        amount_currency=Given("EUR"), occurred_at=Given(NOW),
        verdict=Verdict(((Reason.NOT_ENOUGH_FUNDS, SCHEMA.parse("accounts.wallet.balance >= 1")),)),
    ),
)  # fmt: skip
"""Records of several kinds, with rules of their own."""

CHANGES: Final = (
    Change(record=TagAssignment, match={"key": "VIP"}, values={"until": Given(NOW)}, current=True, but_new=True),
    Change(record=TagAssignment, match={"key": "new", "value": None}, values={"value": _value_of("first_name")}),
    Change(record=TagAssignment, match={"key": "new"}, values={"source": Given("lost")}, but_new=True),
    Change(
        record=Membership, match={"program": "gold"}, values={"category": Given("Regulars")},
        verdict=Verdict((
            (Reason.UNCHANGED, SCHEMA.parse("programs.gold.category <> 'Regulars' AND NOT tags.VIP = 'Anna'")),
            (Reason.NOT_ELIGIBLE, SCHEMA.parse("sales_count > 0 OR accounts.wallet.balance >= 0 OR programs.gold.points > 9")),
        )),
    ),
)  # fmt: skip
"""Of what is there, of what the apply wrote, and with rules of their own."""

TOTALS: Final[tuple[tuple[type, Mapping[str, Any] | None, Mapping[str, Any]], ...]] = (
    (PointsEntry, {"program": "gold", "expires_at": None}, {"by": ("lot_id",), "of": "delta", "latest": "occurred_at"}),
    (PointsEntry, None, {"by": ("customer_id", "expires_at"), "of": "delta", "beyond": {"expires_at": NOW}}),
    (PointsEntry, None, {"by": ("expires_at", "program", "customer_id"), "of": "delta"}),
    (AccountEntry, {"account": "wallet"}, {"by": ("point_of_sale", "kind"), "of": "amount"}),
    (Sale, {"kind": ["refund", "chargeback"], "point_of_sale": [None, "Harbour"]}, {"by": ("terminal",), "of": "total"}),
    (Sale, {}, {"of": "counts", "latest": "occurred_at"}),
)
"""Sums by groups that both stores are asked for: records, where, and how."""

REJECTED: Final = _template(
    Message, id=NewId(4), channel=Given("sms"), purpose=Given("marketing"), text=Given(""), status=Given("rejected"),
    reason=TargetReason(), planned_at=Given(NOW),
    reasons=(Reason.NO_CONSENT, Reason.NO_ADDRESS, Reason.SERIES_CAPACITY),
)  # fmt: skip
"""For those who were refused."""
