"""Codes of coupons: what they are made of, whether they could be guessed, drawing them, and how people type them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

from custcrm.records.coupons import ALPHABET, CODE_LENGTH
from custcrm.values.errors import Malformed
from custcrm.values.identifiers import key_name
from custcrm.values.shapes import whole_number
from custcrm.values.texts import checked

DIGITS: Final = "0123456789"
"""An alphabet by the name of `digits`: the codes of tills that have no letters."""

CONFUSED: Final = frozenset("0O1I")
"""What people confuse where letters and digits stand together."""

LENGTHS: Final = range(4, 65)
"""Characters of a code: fewer can be tried by hand, more are not typed by anybody."""

TRIES: Final = 10_000
"""Tries that guessing one code of a full series takes on average, at least."""

UNLIMITED_SPACE: Final = 10**9
"""Codes that there must be for a series without a capacity."""

UNGUESSABLE: Final = 2**40
"""Codes that there must be unless the owner says that fewer will do: a thousand tries a second find them all in 35 years."""

AMPLE: Final = 2**60
"""From so many codes on, drawing one that is there already is not to be feared: batches of 20,000, one a day beside a million
others, meet one in 150,000 years. The unique key would refuse that batch whole, and it could be applied again."""

_SPARE_BITS: Final = 64
"""Random bits beyond those that a code needs, so that no code is likelier than another by more than 2**-64."""


def alphabet_of(given: str | None) -> str:
    """Return the characters that codes are made of: a text of its own, `digits`, or 32 letters and digits by default."""
    if given is None:
        return ALPHABET
    if given == "digits":
        return DIGITS
    letters = checked(given, field="alphabet", limit=LENGTHS[-1])
    if len(set(letters)) < 2 or len(set(letters)) < len(letters):
        raise Malformed("an alphabet has two characters or more, each once", field="alphabet", suggestions=("digits",))
    if not (letters.isascii() and letters.isalnum()):
        raise Malformed("an alphabet has letters a to z, A to Z and digits, which every till can read", field="alphabet")
    if not set(letters) <= set(DIGITS) and set(letters) & CONFUSED:
        raise Malformed("people confuse 0 with O and 1 with I; leave them out", field="alphabet")
    return letters


def length_of(given: int | None) -> int:
    """Return how many characters a code has: 12 unless said otherwise."""
    message = f"a code has {LENGTHS[0]} to {LENGTHS[-1]} characters"
    return CODE_LENGTH if given is None else whole_number(given, LENGTHS[0], LENGTHS[-1], field="code_length", message=message)


def space(alphabet: str, length: int) -> int:
    """Return how many codes there are."""
    return int(len(alphabet) ** length)


def check_space(alphabet: str, length: int, capacity: int | None, *, guessable: bool = True) -> None:
    """Raise Malformed where the codes of a full series could be guessed; `guessable`: codes of fewer than 40 bits will do."""
    there = space(alphabet, length)
    if there < (UNLIMITED_SPACE if capacity is None else TRIES * capacity):
        most = there // TRIES
        wanted = f"a capacity of at most {most:,}, " if most else ""
        raise Malformed(
            f"codes of {length} characters from {len(alphabet)} could be guessed; choose {wanted}a greater code_length or a "
            "larger alphabet",
            field="code_length",
        )
    if there < UNGUESSABLE and not guessable:
        enough = next(each for each in LENGTHS if space(alphabet, each) >= UNGUESSABLE)
        raise Malformed(
            f"codes of {length} characters from {len(alphabet)} have fewer than 40 bits; choose a code_length of {enough} or "
            "more, or say guessable=True where a till lets nobody try many",
            field="code_length",
        )


def shared_code(given: str) -> str:
    """Return a code of the owner's own choosing, for all coupons of a series: known to many, so nothing hangs on guessing.

    It is kept composed (NFC), whatever the keyboard makes, and else as it is.
    """
    return unicodedata.normalize("NFC", key_name(given, "shared code", field="shared_code"))


def compositions(typed: str) -> tuple[str, ...]:
    """Return how a shared code that somebody types may be kept: as it is, composed, or decomposed as older ones may be."""
    return tuple(dict.fromkeys((typed, *(unicodedata.normalize(form, typed) for form in ("NFC", "NFD")))))


def cases(typed: str) -> tuple[str, ...]:
    """Return how a drawn code that somebody types may have been drawn, in capitals or in small letters; not as it is typed."""
    return tuple(sorted({typed.upper(), typed.lower()} - {typed})) if typed.isascii() else ()


def has_one_case(alphabet: str) -> bool:
    """Tell whether codes of the alphabet are told apart without their case: its letters are all capitals, or all small."""
    return alphabet in {alphabet.upper(), alphabet.lower()}


def drawn(random_bits: Callable[[int], int], alphabet: str, length: int, count: int) -> list[str]:
    """Return so many different codes that nobody can guess."""
    one = _drawer(random_bits, alphabet, length)
    found = dict.fromkeys(one() for _ in range(count))
    while len(found) < count:
        found[one()] = None
    return list(found)


def _drawer(random_bits: Callable[[int], int], alphabet: str, length: int) -> Callable[[], str]:
    size = len(alphabet)
    bits = size.bit_length() - 1
    if size == 1 << bits:
        mask, shifts = size - 1, range(0, bits * length, bits)

        def by_bits() -> str:
            number = random_bits(bits * length)
            return "".join([alphabet[number >> shift & mask] for shift in shifts])

        return by_bits
    whole = space(alphabet, length)

    def by_division() -> str:
        number, letters = random_bits(whole.bit_length() + _SPARE_BITS) % whole, []
        for _ in range(length):
            number, at = divmod(number, size)
            letters.append(alphabet[at])
        return "".join(letters)

    return by_division
