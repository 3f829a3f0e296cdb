"""What a store promises, check by check, and what was found against it. Know `CHECKS`, `Finding` and `Verification`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from attrs import asdict, define, field, frozen

from custcrm.records.declaration import declaration
from custcrm.storage.columns import key_of

NAMED: Final = 100
"""Findings of one check that are kept; the others are counted. Who has more than that has one cause for all of them."""


@frozen
class Check:
    """A promise of the store, and what to do where it is broken."""

    promise: str
    remedy: str


_RESTORE: Final = "find out what changed the rows beside custcrm, and restore them from a backup"
_COUNT: Final = "find out what changed the rows beside custcrm; then set the counter to what the rows come to, or restore both"

CHECKS: Final[Mapping[str, Check]] = {
    "damage": Check(
        "the engine finds its file and indexes whole, and can read every table",
        "stop writing, copy the file, and restore the last backup that verifies",
    ),
    "schema": Check(
        "tables, columns, keys and indexes are those that the records declare",
        "make the store anew with this version and copy the rows over, or undo what was changed by hand",
    ),
    "rows": Check("every row is one that a record is written as, by words that there are", _RESTORE),
    "unique": Check("emails, card numbers, codes, external ids and ordinals stand once, byte for byte", _RESTORE),
    "references": Check("a record that names another one finds it: customers, programs, places, series, sales", _RESTORE),
    "channels": Check(
        "a channel is sms, email, push, viber or one of the app's own",
        "open the store with the app's own, name them by verify(channels=…) or --channel, or restore the rows from a backup",
    ),
    "currency": Check("every amount is in the currency of the store", _RESTORE),
    "contacts": Check(
        "emails have the shape of one, phones are E.164; countries, locales and time zones are ones that there are",
        "write the right one by customers.update or an import; restore further addresses from a backup",
    ),
    "identifiers": Check("what something is known by is neither blank nor surrounded by blanks", _RESTORE),
    "folded": Check(
        "what is kept beside texts to find them without case and accents are the folds of these texts",
        "find out what changed the rows beside custcrm; then write the text once more by the call that wrote it",
    ),
    "tags": Check("of each key a customer has one open tag, and one at each instant", "set or remove the tag once more"),
    "consents": Check(
        "of each channel and purpose a customer has one open answer",
        "ask the customer, and keep the answer once more",
    ),
    "memberships": Check(
        "access, category and how long it is kept are those of a membership's last change", "set access and category once more",
    ),
    "sales": Check(
        "refunds and lines belong to a sale, lines are numbered from 1 on, and never is more taken back than it was", _RESTORE,
    ),
    "points": Check(
        "lots are brought, spent once they are valid and never overdrawn, spends are whole, and reversals take back no more "
        "than there was", _RESTORE,
    ),
    "accounts": Check(
        "an account holds what it is of, stands not below its limit, and reversals take back no more than there was",
        "restore the entries, adjust the account, or give it a limit of its own again where that was taken away",
    ),
    "coupons": Check("what happened to a coupon follows in time and fits its series, uses and limits", _RESTORE),
    "codes": Check("a code is one coupon's, one free code's or one series'; a taken one is a customer's", _RESTORE),
    "series": Check("a series counts as many issued as coupons, codes and guests have places, within its capacity", _COUNT),
    "budgets": Check("a budget counts as spent what the uses that stand have cost, within its limit", _COUNT),
    "messages": Check(
        "the status of a message fits what is known of it", "find out whether it went out, and restore the row from a backup",
    ),
    "keys": Check(
        "what was applied under a key has its hash and counts that fit, and so has a file that was taken in", _RESTORE,
    ),
    "targets": Check(
        "targets are numbered within their apply, and who was done has the records of it, nobody else", _RESTORE,
    ),
    "filters": Check("saved segments, rules of tiers and of earning can be read", "save the filter once more"),
    "terms": Check("settings, spans, benefits and kinds of programs, series and accounts can be read", _RESTORE),
}
"""The checks in the order in which they are told."""


@frozen
class Finding:
    """One promise that is broken: by which records, as the ids of their keys, and how.

    `ids` begin with the customer's, where it is about one. Nothing personal is told, and no code that is worth something.
    """

    check: str
    table: str
    ids: tuple[str, ...]
    text: str

    @property
    def promise(self) -> str:
        """What was expected."""
        return CHECKS[self.check].promise

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return CHECKS[self.check].remedy

    def __str__(self) -> str:
        place = " ".join(each for each in (self.table, *self.ids) if each)
        return f"{self.check}: {place}: {self.text}. Expected: {self.promise}. To do: {self.remedy}."


@frozen(repr=False)
class Verification:
    """What came of verifying a store: true where nothing was found.

    `findings` holds the first hundred of each check, `found` how many there were of each, `checked` how many records or groups
    each check looked at. `print` it to read them all.
    """

    findings: tuple[Finding, ...]
    found: Mapping[str, int] = field(hash=False)
    checked: Mapping[str, int] = field(hash=False)

    @property
    def ok(self) -> bool:
        """Whether no promise is broken."""
        return not self.findings

    def __bool__(self) -> bool:
        return self.ok

    def to_json(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes."""
        told = [
            {**asdict(each), "ids": list(each.ids), "promise": each.promise, "remedy": each.remedy} for each in self.findings
        ]
        return {"ok": self.ok, "findings": told, "found": dict(self.found), "checked": dict(self.checked)}

    @property
    def summary(self) -> str:
        """One line: how much was looked at, and how much was found."""
        looked = f"{len(self.checked)} checks, {sum(self.checked.values()):,} looked at"
        return f"{looked}: {'nothing found' if self.ok else ', '.join(f'{n:,} {check}' for check, n in self.found.items())}"

    def __repr__(self) -> str:
        return f"<Verification {self.summary}>"

    def __str__(self) -> str:
        return "\n".join((self.summary, *map(str, self.findings)))


@define
class Findings:
    """Gathers what is found, and counts what was looked at."""

    _named: dict[str, dict[Finding, None]] = field(factory=dict)
    _found: Counter[str] = field(factory=Counter)
    _checked: Counter[str] = field(factory=Counter)

    def look(self, check: str, count: int = 1) -> None:
        """Count what is looked at by a check."""
        self._checked[check] += count

    def add(self, check: str, record: type, ids: Iterable[str | None], text: str) -> None:
        """Keep that a promise is broken by records of a class: their ids, and how, without a value that is personal."""
        self.add_to(check, declaration(record).table, ids, text)

    def add_to(self, check: str, table: str, ids: Iterable[str | None], text: str) -> None:
        """Keep that a promise is broken in a table; the same once."""
        finding = Finding(check, table, tuple(each for each in ids if each is not None), text)
        named = self._named.setdefault(check, {})
        if finding in named:
            return
        self._found[check] += 1
        if len(named) < NAMED:
            named[finding] = None

    def gathered(self) -> Verification:
        """Return all of it, in the order of the checks."""
        return Verification(
            tuple(each for check in CHECKS for each in self._named.get(check, ())),
            {check: self._found[check] for check in CHECKS if self._found[check]},
            {check: self._checked[check] for check in CHECKS},
        )


def ids_of(record: Any) -> tuple[str, ...]:
    """Return by what a record is named: its key, unless that is worth something to whoever knows it."""
    return () if declaration(type(record)).secret else tuple(map(str, key_of(record)))


def shared_ids(owner: str, records: Iterable[Any]) -> Iterator[str]:
    """Yield the customer's id and the ids of several facts about them, each once."""
    yield from dict.fromkeys((owner, *(id_ for each in records for id_ in ids_of(each))))
