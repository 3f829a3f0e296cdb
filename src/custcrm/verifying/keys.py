"""What was applied under a key: its counts, its targets, and the records that the targets have of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from custcrm.importing.book import IMPORT
from custcrm.records import (
    RECORDS,
    AccountEntry,
    Applied,
    Coupon,
    Import,
    InboxMessage,
    MembershipChange,
    Message,
    PointsEntry,
    TagAssignment,
    Target,
)
from custcrm.records.declaration import declaration
from custcrm.records.messages import MessageStatus
from custcrm.storage.effects import OVER_LIMIT
from custcrm.storage.protocol import Reader
from custcrm.values.errors import Reason
from custcrm.verifying.dossiers import Dossier
from custcrm.verifying.ground import Ground, in_pieces
from custcrm.verifying.report import Findings, ids_of, shared_ids

WRITTEN: Final[Mapping[str, type]] = {
    "credit_points": PointsEntry, "spend_points": PointsEntry, "adjust_points": PointsEntry, "replenish": AccountEntry,
    "spend_account": AccountEntry, "issue_coupons": Coupon, "set_access": MembershipChange, "set_category": MembershipChange,
    "tag": TagAssignment, "send_message": Message, "send_to_inbox": InboxMessage,
}
"""Which record every target has of an action, once it is done."""

_BY_APPLY: Final = tuple(each for each in RECORDS if "applied_id" in declaration(each).names and each is not Target)
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_REASONS: Final = frozenset(reason.value for reason in Reason)


def check_keys(reader: Reader, ground: Ground, found: Findings) -> None:
    """Look at all that was applied, and at the targets of each apply."""
    for piece in in_pieces(reader.find(Applied)):
        for applied in piece:
            found.look("keys")
            for fault in _faults_of(applied):
                found.add("keys", Applied, (applied.key,), fault)
        _check_files(reader, [each for each in piece if each.action == IMPORT], found)
        _check_single(reader, [each for each in piece if each.id not in ground.applies], found)
    for applied_id, targets in groupby(reader.find(Target), key=attrgetter("applied_id")):
        whole = ground.applies.get(applied_id)
        if whole is None:
            found.add("references", Target, (applied_id,), "nothing was applied by which there could be targets")
        else:
            _check_numbers(whole, targets, found)


def _check_single(reader: Reader, piece: Sequence[Applied], found: Findings) -> None:
    """Find what was done to one customer and left no record, of those that are never removed."""
    for record in (PointsEntry, AccountEntry):
        done = {each.id: each for each in piece if each.done == 1 and WRITTEN.get(each.action) is record}
        kept: Iterable[Any] = reader.find(record, {"applied_id": sorted(done)}) if done else ()
        for lost in sorted(done.keys() - {each.applied_id for each in kept}):
            text = f"{done[lost].action} was done, and left no record among {declaration(record).table}"
            found.add("keys", Applied, (done[lost].key,), text)


def _faults_of(applied: Applied) -> Iterator[str]:
    if not _HASH.fullmatch(applied.content):
        yield "what was asked under the key is not kept as a hash"
    if not 0 <= applied.done <= applied.eligible:
        yield f"{applied.done} are done of {applied.eligible}"
    if not 0 <= applied.refused <= applied.done:
        yield f"{applied.refused} were refused when their turn came, of {applied.done} that are done"
    counts = list(applied.skipped.values())
    if not all(type(count) is int and count > 0 for count in counts) or not applied.skipped.keys() <= _REASONS:
        yield "the refused are not counted by reason"
    elif sum(counts) < applied.refused:
        yield f"{sum(counts)} are refused altogether, {applied.refused} of them when their turn came"
    if applied.reserved and applied.eligible and applied.reserved != applied.eligible - applied.refused:
        yield f"{applied.reserved} places are reserved for {applied.eligible - applied.refused}"


def check_imports(reader: Reader, found: Findings) -> None:
    """Look at every import: its counts, and under a key that the key is kept for the same file, as far as it was taken in."""
    for piece in in_pieces(reader.find(Import)):
        keys = [each.key for each in piece if each.key is not None]
        kept = {each.key: each for each in reader.find(Applied, {"key": keys})} if keys else {}
        for each in piece:
            found.look("keys")
            counts = list(each.counts.values())
            if not all(type(count) is int and count >= 0 for count in counts) or each.done < 0:
                found.add("keys", Import, ids_of(each), "its rows are not counted by verdict")
            elif each.key is not None and _tells_otherwise(each, kept.get(each.key)):
                found.add("keys", Import, ids_of(each), "what is kept under its key tells of another import, or of other rows")


def _check_files(reader: Reader, piece: Sequence[Applied], found: Findings) -> None:
    """Find keys under which a file was taken in, of which nothing else tells."""
    kept = {each.id: each.key for each in reader.find(Import, {"id": [applied.id for applied in piece]})} if piece else {}
    for applied in piece:
        if kept.get(applied.id) != applied.key:
            found.add("keys", Applied, (applied.key,), "no import of this key is kept")


def _tells_otherwise(made: Import, applied: Applied | None) -> bool:
    return applied is None or (applied.id, applied.content, applied.done) != (made.id, made.content, sum(made.counts.values()))


def _check_numbers(applied: Applied, targets: Iterable[Target], found: Findings) -> None:
    """Compare the targets with what the apply counts. Those of a customer who was deleted are gone: there may be fewer."""
    refused = sum(applied.skipped.values()) - applied.refused
    late = 0
    by_reason: Counter[str] = Counter()
    for target in targets:
        found.look("targets")
        is_late = target.number > 0 and target.reason is not None
        late += is_late
        by_reason[target.reason or ""] += 1
        if not _is_within(target, applied, refused) or (target.number < 0) is not (target.reason is not None and not is_late):
            text = f"its number {target.number} does not fit {applied.eligible} eligible and {refused} refused"
            found.add("targets", Target, (applied.key, *ids_of(target)), text)
    more = [each for each in by_reason if each and by_reason[each] > applied.skipped.get(each, 0)]
    if more or by_reason[""] > applied.eligible - applied.refused or late > applied.refused:
        found.add("targets", Target, (applied.key, applied.id), "there are more of them than the apply counts")


def _is_within(target: Target, applied: Applied, refused: int) -> bool:
    if target.number > 0:
        return target.number <= (applied.eligible if target.reason is None else applied.done)
    number = -target.number - (OVER_LIMIT if -target.number > OVER_LIMIT else 0)
    return 1 <= number <= refused


# customer by customer ------------------------------------------------------------------------------


def check_targets(dossier: Dossier, ground: Ground, found: Findings) -> None:
    """Compare the applies that a customer was a target of with the records that name them."""
    targets = {each.applied_id: each for each in dossier.of(Target)}
    made: dict[str, list[Any]] = {}
    for record in _BY_APPLY:
        facts: list[Any] = dossier.of(record)
        for each in facts:
            if each.applied_id in ground.applies:
                made.setdefault(each.applied_id, []).append(each)
    for applied_id, records in made.items():
        found.look("targets")
        if applied_id not in targets:
            ids = shared_ids(dossier.id, records)
            found.add("targets", type(records[0]), ids, f"the customer is no target of what made them, {applied_id}")
    for applied_id, target in targets.items():
        if applied_id in ground.applies:
            _check_target(target, ground.applies[applied_id], made.get(applied_id, ()), found)


def _check_target(target: Target, applied: Applied, records: Iterable[Any], found: Findings) -> None:
    wanted = WRITTEN.get(applied.action)
    if wanted is None:
        return
    has = [each for each in records if type(each) is wanted]
    is_done = target.reason is None and 0 < target.number <= applied.done
    ids = (target.customer_id, applied.id)
    if is_done and not has:
        found.add("targets", Target, ids, f"{applied.action} was done, and left no record among {declaration(wanted).table}")
    if is_done and _is_twice(has):
        found.add("targets", Target, ids, f"{applied.action} was done more than once")
    if not is_done and not all(map(_tells_of_refusal, has)):
        found.add("targets", Target, ids, f"{applied.action} was not done for the customer, who has records of it")


def _is_twice(records: Iterable[Any]) -> bool:
    """Tell whether there are several wholes: a spend over several lots is one, and beside a credit may stand what it pays."""
    points = [each for each in records if isinstance(each, PointsEntry)]
    wholes = {each.spend_id or each.id for each in points if each.kind in ("credit", "spend")}
    return len(wholes) + sum(not isinstance(each, PointsEntry) for each in records) > 1


def _tells_of_refusal(record: Any) -> bool:
    """Tell whether it is a message that is kept for who must not get it."""
    return isinstance(record, Message) and record.status is MessageStatus.REJECTED
