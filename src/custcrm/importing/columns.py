"""Which cell of a row is what: a header read against the columns that an import knows. The name to know is `Columns`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from attrs import field, frozen

from custcrm.importing.beside import is_beside
from custcrm.values.errors import Malformed
from custcrm.values.formulas import restored
from custcrm.values.shapes import several
from custcrm.values.spelling import nearest, quoted
from custcrm.values.texts import checked, trimmed

VERBATIM: Final = "attributes"
_BETWEEN_WORDS: Final = str.maketrans("", "", " _-.")
"""What people write between the words of a heading, or leave out: E-mail, First name."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@frozen
class Kind:
    """What can be imported: plain `names`, maps whose key follows a point (`attributes.shoe size`), and what is needed.

    `needed` lists alternatives: of each, one column must be there.
    """

    what: str
    names: tuple[str, ...]
    maps: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The columns as people write them: maps with an ellipsis for their key."""
        return (*self.names, *(f"{name}.…" for name in self.maps))


@frozen
class Row:
    """One row: its line, and the cells that are filled: by plain column, and for each map by key."""

    line: int
    cells: Mapping[str, str] = field(repr=False)
    maps: Mapping[str, Mapping[str, str]] = field(repr=False)

    def of(self, name: str) -> Mapping[str, str]:
        """Return the filled cells of a map's columns by key."""
        return self.maps.get(name, _NOTHING)


@frozen(slots=False)
class Columns:
    """The columns of a file, in its order; None where a column is ignored."""

    targets: tuple[str | None, ...]

    @classmethod
    def of(
        cls, header: Sequence[str], kind: Kind, *, mapped: Mapping[str, str], ignored: Collection[str]
    ) -> Columns:
        """Read a header. `mapped` gives columns for header cells, `ignored` header cells that are left out.

        Malformed tells of all unknown header cells, or of all columns that are missing, at once. A first line of which the call
        and we know no cell may be a customer's row: its cells are told to nobody.
        """
        ignored = several(ignored, field="ignore")
        for word in mapped.values():
            checked(word, field="columns")
        shown = header if _is_heading(header, kind, {*mapped, *filter(lambda each: isinstance(each, str), ignored)}) else ()
        there = frozenset(header)
        for given in (*mapped, *ignored):
            if not isinstance(given, str) or given not in there:
                raise Malformed(f"the file has no column {quoted(given)}", field="columns", suggestions=nearest(given, shown))
        skipped = {*filter(is_beside, header), *ignored}
        targets = tuple(None if cell in skipped else target(mapped.get(cell, cell), kind) for cell in header)
        _refuse_unknown(shown, header, targets, skipped, kind)
        _refuse_twice(targets)
        _refuse_missing(targets, kind)
        return cls(targets)

    @cached_property
    def _plain(self) -> tuple[tuple[int, str], ...]:
        return tuple((at, name) for at, name in enumerate(self.targets) if name is not None and "." not in name)

    @cached_property
    def _mapped(self) -> tuple[tuple[int, str, str], ...]:
        parts = ((at, *name.partition(".")) for at, name in enumerate(self.targets) if name is not None)
        return tuple((at, name, key) for at, name, point, key in parts if point)

    def __iter__(self) -> Iterator[str]:
        return (each for each in self.targets if each is not None)

    def row(self, line: int, cells: Sequence[str]) -> Row | None:
        """Return the filled cells of a row by column; None when it has not as many cells as the header."""
        if len(cells) != len(self.targets):
            return None
        plain = {name: text for at, name in self._plain if (text := trimmed(restored(cells[at])))}
        return Row(line, plain, self._maps(cells) if self._mapped else _NOTHING)

    def _maps(self, cells: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        maps: dict[str, dict[str, str]] = {}
        for at, name, key in self._mapped:
            text = restored(cells[at])
            if trimmed(text):
                # An app's own values are kept with the white space around them.
                maps.setdefault(name, {})[key] = text if name == VERBATIM else trimmed(text)
        return maps


def target(word: str, kind: Kind) -> str | None:
    """Return the column that a word names, None when it names none; a map's key may be quoted as in the filter language."""
    if word in kind.names:
        return word
    name, point, key = word.partition(".")
    if name not in kind.maps or not point:
        return None
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1].replace('""', '"')
    key = trimmed(key)
    return f"{name}.{key}" if key else None


def _is_heading(header: Sequence[str], kind: Kind, named: Collection[str]) -> bool:
    """Tell whether a first line is one of headings: one of them is known, however it is written, or the call names one."""
    known = {_letters(name) for name in kind.names}
    return any(cell in named or is_beside(cell) or target(cell, kind) or _letters(cell) in known for cell in header)


def _refuse_unknown(
    shown: Sequence[str], header: Sequence[str], targets: Sequence[str | None], skipped: Collection[str], kind: Kind
) -> None:
    unknown = [cell for cell, name in zip(header, targets, strict=True) if name is None and cell not in skipped]
    if not unknown:
        return
    near = tuple(dict.fromkeys(found for cell in unknown for found in _near(cell, kind)))
    known = "" if near and shown else f" ({', '.join(kind.words)})"
    if not shown:
        raise Malformed(
            f"the first line names no column of {kind.what}{known}; put the headings there, or map its cells to columns or "
            "ignore them, if they are headings (none is shown, as it may be about somebody)", field="columns", suggestions=near,
        )
    raise Malformed(
        f"no column of {kind.what} is called {', '.join(map(repr, unknown))}; map it to one{known} or ignore it",
        field="columns", suggestions=near,
    )


def _near(cell: str, kind: Kind) -> tuple[str, ...]:
    word = cell.casefold().replace(" ", "_").replace("-", "_")
    if word in kind.names:
        return (word,)
    return nearest(word, kind.names, limit=1)


def _letters(word: str) -> str:
    return word.casefold().translate(_BETWEEN_WORDS)


def _refuse_twice(targets: Sequence[str | None]) -> None:
    times = Counter(name for name in targets if name is not None)
    twice = sorted(name for name, count in times.items() if count > 1)
    if twice:
        raise Malformed(f"two columns are {', '.join(twice)}; ignore one of them", field="columns")


def _refuse_missing(targets: Sequence[str | None], kind: Kind) -> None:
    there = {name if name in kind.names else name.partition(".")[0] for name in targets if name is not None}
    missing = [alternatives for alternatives in kind.needed if not there.intersection(alternatives)]
    if missing:
        wanted = "; and ".join(" or ".join(_spelled(each, kind) for each in alternatives) for alternatives in missing)
        raise Malformed(f"the file needs a column {wanted}; map one of its headings to it, by columns=", field="columns")


def _spelled(name: str, kind: Kind) -> str:
    return f"{name}.<system>" if name in kind.maps else name
