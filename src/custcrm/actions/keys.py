"""Idempotency keys: what is done under a key is done once, and told again when it is asked for again.

A key stands for one `Request`: the same key with another request is a KeyConflict, the same request again gives what was done.
`once` does what makes or changes records; an `Action` for one customer is done by `single.perform`, a plan by `applying.apply`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, TypeVar

from attrs import field, frozen

from custcrm.business import Business
from custcrm.records import RECORDS, Applied
from custcrm.records.declaration import declaration
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import KeyConflict, Malformed, NotFound
from custcrm.values.identifiers import identifier
from custcrm.values.periods import span

R = TypeVar("R")

KEYS: Final = "key"
"""The scope in which idempotency keys are claimed: one for apply and single calls alike."""

KEY_LIMIT: Final = 200
"""Characters of an idempotency key."""


def _optional_key(key: str | None) -> str | None:
    return None if key is None else idempotency_key(key)


@frozen(kw_only=True)
class Request:
    """What is asked for: an action by its name, its arguments as they were given, whom it is about, and the key, if any.

    Of two requests under one key the `content` tells whether they are the same. A span stays relative in the arguments, so
    "30 days" asked for again tomorrow is the same request.
    """

    action: str
    arguments: Mapping[str, Any] = field(hash=False)
    about: Mapping[str, Any] = field(factory=dict, hash=False)
    key: str | None = field(default=None, converter=_optional_key)

    @property
    def content(self) -> str:
        """The hash of what is asked: action, arguments and which customers. Never of now, ids or codes."""
        whole = {"action": self.action, "arguments": self.arguments, **self.about}
        return sha256(json.dumps(_as_told(whole), sort_keys=True, ensure_ascii=True, default=str).encode()).hexdigest()

    def claim(self, writer: Writer) -> Applied | None:
        """Claim the key, and return what was begun or done under it, if anything; KeyConflict where that is something else."""
        if self.key is None:
            return None
        claim_key(writer, self.key)
        return self._same(self.key, writer.hold(Applied, self.key))

    def foresee(self, reader: Reader) -> Applied | None:
        """Return what `claim` would, of what is there now; nobody is kept waiting."""
        return None if self.key is None else self._same(self.key, reader.get(Applied, self.key))

    def _same(self, key: str, done: Applied | None) -> Applied | None:
        if done is not None and done.content != self.content:
            raise KeyConflict(key)
        return done

    def keep(
        self, business: Business, writer: Writer, applied_id: str, at: datetime, *, done: int = 0, reserved: int = 0,
        made: Sequence[Any] | None = None,
    ) -> Applied | None:
        """Keep under the key, if there is one, that it is done for so many customers.

        With `made`, the records that it was about, their keys are kept and the arguments are not: these may be personal.
        """
        if self.key is None:
            return None
        applied = Applied(
            key=self.key, id=applied_id, action=self.action, content=self.content,
            arguments=self.arguments if made is None else {}, actor=business.actor, as_of=at, eligible=done, done=done,
            reserved=reserved, made=_keys_by_table(made or ()),
        )
        writer.add([applied])
        return applied


def once(business: Business, request: Request, do: Callable[[Writer], Sequence[R]]) -> Sequence[R]:
    """Do it in a transaction, and return the records that it was about: those that `do` returns.

    Where the request has a key it is done once, and from then on the records are returned as they are now; NotFound where one
    is gone since. What is refused leaves nothing, not even its key.
    """

    def work(writer: Writer) -> Sequence[R]:
        done = request.claim(writer)
        if done is not None:
            return list(_find_made(writer, done))
        records = do(writer)
        request.keep(business, writer, business.ids.new(), business.now(), done=len(records), made=records)
        return records

    return business.transact(work)


def _keys_by_table(records: Sequence[Any]) -> dict[str, list[list[Any]]]:
    tables: dict[str, list[list[Any]]] = {}
    for record in records:
        declared = declaration(type(record))
        tables.setdefault(declared.table, []).append([getattr(record, name) for name in declared.key])
    return tables


def _find_made(reader: Reader, done: Applied) -> Iterator[Any]:
    for record in RECORDS:
        for key in done.made.get(declaration(record).table, ()):
            found: Any = reader.get(record, *key)
            if found is None:
                raise NotFound("what was done under this key is no longer there")
            yield found


def _as_told(value: Any) -> Any:
    """Return a value as JSON can say it: a record by its key, so that a customer is the same as record and as id."""
    match value:
        case Mapping():
            return {str(name): _as_told(each) for name, each in value.items()}
        case list() | tuple():
            return [_as_told(each) for each in value]
        case AbstractSet():
            return sorted(map(str, value))
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat()
        case _ if getattr(value, "__record__", None) is not None:
            key = [getattr(value, name) for name in declaration(type(value)).key]
            return key[0] if len(key) == 1 else key
    return value


def claim_key(writer: Writer, key: str) -> None:
    """Wait until nobody else works under the key, and keep others waiting until the transaction ends."""
    writer.claim(KEYS, [idempotency_key(key)])


def idempotency_key(key: str) -> str:
    """Return the key, trimmed: a text of 1 to 200 characters of the caller's choosing."""
    return identifier(key, field="key", limit=KEY_LIMIT)


def expiry_as_given(value: Any) -> str | None:
    """Return how a key remembers an expiry: a span as its canonical text, so that it stays relative; else as it was given."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo is not None else str(value)
    try:
        return str(span(value))
    except Malformed:
        return str(value)
