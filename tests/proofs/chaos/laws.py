"""What holds after the chaos: every deed is done once under its key, and whatever anybody was told of it is true."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from custcrm.crm import Crm
from custcrm.records import (
    AccountEntry,
    Activity,
    Applied,
    Consent,
    ContactPoint,
    Coupon,
    Customer,
    FreeCode,
    InboxMessage,
    Message,
    PointsEntry,
    Sale,
    SavedSegment,
    Target,
)
from custcrm.records.declaration import declaration
from custcrm.verifying.keys import WRITTEN
from tests.proofs.chaos.process import attempt, entries, path_of
from tests.proofs.chaos.stage import SLOTS, Deed, Stage

UNKEYED = {"dispatch"}
GOES = {"add", "add all", "clash", "join", "deactivate"}
"""Kinds that are about somebody who may be deleted afterwards."""

PURSES = {PointsEntry, AccountEntry, Coupon}
"""What is written with the id under which its key is kept, and by nothing without a key but a sale."""

MAY: Mapping[str, set[str]] = {
    "clash": {"EmailTaken"}, "join": {"NotFound"}, "deactivate": {"NotFound"}, "delete": {"NotFound"}, "add": {"NotFound"},
}
"""What may be told of a kind besides that it is done or refused."""

NAMED: Mapping[type, Mapping[str, Any]] = {
    Activity: {"kind": "phone_call"}, ContactPoint: {}, Customer: {}, InboxMessage: {}, Sale: {}, SavedSegment: {},
}
"""What is made by deeds that name it under their key."""


@frozen
class Story:
    """What all processes were told, and what everything came to when it was asked for once more."""

    stage: Stage
    crm: Crm
    told: Mapping[int, list[Any]]
    finally_: Mapping[int, Any]

    @classmethod
    def of(cls, stage: Stage, crm: Crm) -> "Story":
        """Read the journals, and repeat all that was begun until it is finished."""
        told: dict[int, list[Any]] = {}
        for slot in range(SLOTS):
            for each in entries(path_of(stage, slot)):
                told.setdefault(each["number"], []).extend([each["came"]] if "came" in each else [])
        finally_ = {number: attempt(Deed(stage, crm, number)) for number in sorted(told)}
        with crm._business.store.read() as reader:
            taken_up = {int(each.key.split()[1]) for each in reader.find(Applied) if each.key.startswith("deed ")}
        for number in sorted(taken_up - told.keys()):  # by other deeds, before it was anybody's turn
            told[number], finally_[number] = [], attempt(Deed(stage, crm, number))
        return cls(stage, crm, told, finally_)

    @property
    def summary(self) -> str:
        """How much was done, and what came of it."""
        came = Counter(each[0] for told in self.told.values() for each in told)
        kinds = {self.kind(number) for number in self.done()}
        return f"{len(self.told)} deeds of {len(kinds)} kinds done; told: {dict(came)}"

    def kind(self, number: int) -> str:
        return Deed(self.stage, self.crm, number).kind

    def done(self, *kinds: str) -> Iterator[int]:
        """Yield the numbers of the deeds that are done, those that were undone by a deletion too."""
        for number, came in self.finally_.items():
            if (not kinds or self.kind(number) in kinds) and "done" in {each[0] for each in (came, *self.told[number])}:
                yield number

    def kept(self, record: type, **where: Any) -> list[Any]:
        with self.crm._business.store.read() as reader:
            return list(reader.find(record, where))

    def applied(self) -> dict[str, Applied]:
        return {each.key: each for each in self.kept(Applied)}


def assert_only_ours(story: Story) -> None:
    """Nobody met an error that an application would not know what to do with."""
    for number, told in story.told.items():
        for came in (*told, story.finally_[number]):
            kind = story.kind(number)
            assert came[0] in {"done", "refused", "nothing yet"} | MAY.get(kind, set()), (number, kind, came)


def assert_told_the_same(story: Story) -> None:
    """Who was told that a deed is done was told the same as everybody else, and it stays so."""
    for number, told in story.told.items():
        answers = [came for came in (*told, story.finally_[number]) if came[0] == "done"]
        assert all(came == answers[0] for came in answers), (number, story.kind(number), answers)
        if answers and story.kind(number) not in GOES:
            assert story.finally_[number][0] == "done", (number, story.kind(number), told, story.finally_[number])


def assert_keys(story: Story) -> None:
    """Keys are kept for what is done, finished, and for nothing else: what was refused left none."""
    kept = {key: each for key, each in story.applied().items() if key.startswith("deed ")}
    done = {f"deed {number}" for number in story.done() if story.kind(number) not in UNKEYED}
    assert kept.keys() == done, kept.keys() ^ done
    assert [key for key, each in kept.items() if not each.is_finished] == []


def assert_done_once(story: Story) -> None:
    """Of each deed there is one record, of a deed for many one for each; and there is no record that no deed made."""
    applied = {each.id: each for each in story.applied().values()}
    targets: dict[str, list[str]] = {}
    for each in story.kept(Target):
        if each.reason is None:
            targets.setdefault(each.applied_id, []).append(each.customer_id)
    many = {each.applied_id for each in story.kept(Target)}
    for record in {*WRITTEN.values()}:
        counts: dict[str, Counter[str]] = {}
        seen = {(each.applied_id, each.customer_id, _event(each)) for each in story.kept(record) if _is_own(each)}
        for applied_id, customer, _ in seen:
            counts.setdefault(applied_id, Counter())[customer] += 1
        assert record not in PURSES or counts.keys() <= applied.keys(), (record, counts.keys() - applied.keys())
        for applied_id, each in applied.items():
            if WRITTEN.get(each.action) is not record or each.made:
                continue
            found = counts.get(applied_id, Counter())
            if applied_id in many:
                wanted = Counter(targets.get(applied_id, ()))
                assert record is Message or found == wanted, (each, found - wanted, wanted - found)
                assert max(found.values(), default=1) == 1, each
            else:
                assert found.total() == each.done == 1, (each, found)


def _is_own(record: Any) -> bool:
    """Tell whether it is what the deed is about: not what a sale earned, or what paid a debt besides."""
    return bool(record.applied_id) and not getattr(record, "sale_id", None) and getattr(record, "kind", None) != "reverse"


def _event(record: Any) -> Any:
    """Return what one deed writes several lines of: a spend takes of several lots."""
    return getattr(record, "spend_id", None) or record.id


def assert_nothing_unnamed(story: Story) -> None:
    """Whatever was made is named by the deed that made it, or stood in a file: a double would be named by nobody."""
    applied = story.applied().values()
    named = {(table, *key) for each in applied for table, keys in each.made.items() for key in keys}
    ids = {each.id for each in applied}
    people = [f"file-{number}-{each}@example.org" for number in story.done("import people") for each in range(3)]
    receipts = tuple(f"file {number}-" for number in story.done("import sales"))
    for record, where in NAMED.items():
        declared = declaration(record)
        rows = (each for each in story.kept(record, **where) if getattr(each, "applied_id", None) not in ids)
        unnamed = [each for each in rows if (declared.table, *(getattr(each, name) for name in declared.key)) not in named]
        if record is Sale:
            unnamed = [each for each in unnamed if not (each.external_id or "").startswith(receipts)]
        if record is Customer:
            stage = {*story.stage.people, *story.stage.own}
            unnamed = [each for each in unnamed if each.id not in stage and each.email not in people]
        assert unnamed == []
    emails = Counter(each.email for each in story.kept(Customer) if each.email in people)
    assert emails == Counter(people)
    numbers = Counter(each.external_id for each in story.kept(Sale) if each.external_id)
    assert max(numbers.values(), default=1) == 1
    told = [code for number in story.done("generate") for code in story.finally_[number][1]]
    assert sorted(each.code for each in story.kept(FreeCode)) == sorted(told)


def assert_deleted(story: Story) -> None:
    """Who was deleted is gone, and nobody else is."""
    gone = {Deed(story.stage, story.crm, number).fresh().newcomer for number in story.done("delete")}
    applied = story.applied()
    made = {applied[f"deed {number}"].made["customers"][0][0] for number in story.done("add")}
    there = {each.id for each in story.kept(Customer)}
    assert made - there == gone


def assert_balances(story: Story) -> None:
    """Balances that were told held all that had been told before, and nothing else: they are nobody else's."""
    for slot in range(SLOTS):
        done: dict[int, int] = {}
        for each in entries(path_of(story.stage, slot)):
            if each.get("balance") is None:
                continue
            assert each["came"][0] == "done", each
            done[each["number"]] = _points(story, each["number"])
            assert each["balance"] == 1000 + sum(done.values()), (slot, each)


def _points(story: Story, number: int) -> int:
    applied_id = story.applied()[f"deed {number}"].id
    return sum(each.delta for each in story.kept(PointsEntry, applied_id=applied_id))


def assert_messages(story: Story, arrived: Mapping[str, int]) -> None:
    """Each message arrived once at most; what is said to be sent did, what waits did not."""
    messages = {each.id: each for each in story.kept(Message)}
    assert max(arrived.values(), default=0) <= 1, [each for each, times in arrived.items() if times > 1]
    assert {id_ for id_, each in messages.items() if each.status == "sent"} <= arrived.keys()
    gone = [id_ for id_ in arrived if id_ in messages and messages[id_].status not in {"sent", "sending"}]
    assert gone == [], [messages[each] for each in gone]


def assert_opt_outs(story: Story) -> None:
    """No message of those that need a consent was started while the answer was no."""
    denied: dict[tuple[str, str, str], list[Consent]] = {}
    for each in story.kept(Consent, granted=False):
        denied.setdefault((each.customer_id, each.channel, each.purpose), []).append(each)
    for message in story.kept(Message):
        for no in denied.get((message.customer_id, message.channel, message.purpose), ()):
            started = message.started_at
            late = started is not None and no.occurred_at < started and (no.until is None or started < no.until)
            assert not late, (message, no)


LAWS = (
    assert_only_ours, assert_told_the_same, assert_keys, assert_done_once, assert_nothing_unnamed, assert_balances,
    assert_deleted, assert_opt_outs,
)
