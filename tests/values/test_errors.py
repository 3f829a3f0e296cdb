"""Errors carry data, make their own sentence and survive pickling."""

import pickle

import pytest

import custcrm
from custcrm.filters import FilterError, LimitExceeded
from custcrm.values.errors import (
    SENTENCES,
    ChannelsFailed,
    Closed,
    Conflict,
    Contended,
    CrmError,
    EmailTaken,
    KeyConflict,
    Malformed,
    MisusedTransaction,
    NotFound,
    OutcomeUnknown,
    Reason,
    Refusal,
    Taken,
    Unavailable,
    Unfinished,
)

EVERY = [
    Malformed("no such field", field="contry", suggestions=("country",)),
    NotFound("no program 'clb'", suggestions=["club"]),
    Refusal(Reason.SERIES_CAPACITY, Reason.EXPIRED, details={"series": "welcome", "needed": 4, "left": 3}),
    Conflict("the store has another currency"),
    EmailTaken("019a"),
    Taken(Reason, ("one", "other")),
    Taken(Reason, ["one"], "019a"),
    KeyConflict("spring"),
    Unavailable("no answer"),
    ChannelsFailed({"sms": 3, "viber": 0}, [Unavailable("no answer"), NotFound("not given")], accepted=7),
    OutcomeUnknown("spring"),
    OutcomeUnknown(),
    Contended(),
    Unfinished(40_000, 100_000, key="spring", why="no answer"),
    Closed(),
]


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_pickling_keeps_class_data_and_sentence(error: CrmError) -> None:
    """Law: an error that travels between processes is the same error."""
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert (vars(back), str(back)) == (vars(error), str(error))


def test_family() -> None:
    """Malformed is a ValueError, NotFound a LookupError, and all are CrmErrors."""
    assert issubclass(Malformed, ValueError)
    assert issubclass(NotFound, LookupError)
    assert issubclass(EmailTaken, Taken)
    assert issubclass(Taken, Conflict)
    assert issubclass(KeyConflict, Conflict)
    assert issubclass(ChannelsFailed, ExceptionGroup)
    assert all(isinstance(error, CrmError) for error in EVERY)


def test_suggestions_are_data_and_part_of_the_sentence() -> None:
    """A reader sees what would have been right, a program can take it."""
    error = NotFound("no program 'clb'", suggestions=("club", "cob"))
    assert error.suggestions == ("club", "cob")
    assert str(error) == "no program 'clb'; did you mean 'club' or 'cob'?"


LONG = "x" * 100_000 + "; mend it"


@pytest.mark.parametrize("error", [
    CrmError(LONG), Malformed(LONG, suggestions=[LONG]), NotFound("no program", suggestions=[LONG] * 3), Conflict(LONG),
    Unavailable(LONG), Closed(LONG), KeyConflict(LONG), OutcomeUnknown(LONG), Unfinished(1, 2, key=LONG, why=LONG),
    Taken(Reason, [LONG]), Taken(Reason, [LONG], LONG), EmailTaken(LONG),
    Refusal(Reason.EXPIRED, details={"series": LONG}), MisusedTransaction(LONG),
    ChannelsFailed({LONG: 1}, [Unavailable(LONG)]), FilterError("syntax", LONG, span=(0, 5), text=LONG),
    LimitExceeded("depth", 5, LONG),
], ids=lambda error: type(error).__name__)  # fmt: skip
def test_a_sentence_is_never_a_page(error: CrmError) -> None:
    """Law: no error tells more than 2,000 characters, whatever it was made of; it travels as others do."""
    assert len(str(error)) <= 2_000
    assert len(str(pickle.loads(pickle.dumps(error)))) <= 2_000


def test_what_is_cut_is_the_middle() -> None:
    """How to mend it, at the end of a sentence, is told of a long one too."""
    assert str(Malformed(LONG)).startswith("xxx") and str(Malformed(LONG)).endswith("x; mend it")


def test_every_error_is_bounded() -> None:
    """Every class of errors stands among those that are tried with long texts."""
    tried = {
        "CrmError", "Malformed", "NotFound", "Conflict", "Unavailable", "Closed", "KeyConflict", "OutcomeUnknown", "Unfinished",
        "Taken", "EmailTaken", "Refusal", "MisusedTransaction", "ChannelsFailed", "FilterError", "LimitExceeded",
    }  # fmt: skip
    told_nothing = {"Contended"}
    named = {name: getattr(custcrm, name) for name in custcrm.__all__}
    errors = {name for name, each in named.items() if isinstance(each, type) and issubclass(each, CrmError)}
    assert errors == tried | told_nothing


@pytest.mark.parametrize(("message", "suggestions", "told"), [
    ("match is prefix, contains or exact", ("prefix", "contains", "exact"), "match is prefix, contains or exact"),
    ("metal is one of silver, gold", ("gold",), "metal is one of silver, gold"),
    ("a mark is '.' or ','", (".", ","), "a mark is '.' or ','"),
    ("map it (kind, email) or ignore it", ("email", "phone"), "map it (kind, email) or ignore it; did you mean 'phone'?"),
    ("no coupon series 'serie'", ("series",), "no coupon series 'serie'; did you mean 'series'?"),
    ("no field 'gol' in gold things", ("gold",), "no field 'gol' in gold things; did you mean 'gold'?"),
])
def test_what_is_listed_is_not_suggested_again(message: str, suggestions: tuple[str, ...], told: str) -> None:
    """Law: a sentence suggests what it does not list already; the suggestions as data are all of them."""
    for error in Malformed(message, suggestions=suggestions), NotFound(message, suggestions=suggestions):
        assert str(error) == told
        assert error.suggestions == suggestions


def test_every_reason_has_a_sentence_that_mends() -> None:
    """Law: each reason is its lower-case name and says, after a semicolon, how to mend it."""
    assert set(SENTENCES) == set(Reason)
    assert all(reason == reason.name.lower() for reason in Reason)
    assert all(len(sentence.split("; ")) == 2 for sentence in SENTENCES.values())


def test_refusal_names_the_first_reason_and_its_numbers() -> None:
    """The first reason is the one shown; the numbers that belong to it are in the sentence."""
    refusal = Refusal("series_capacity", Reason.EXPIRED, details={"series": "welcome", "needed": 4, "left": 3})
    assert refusal.reason == Reason.SERIES_CAPACITY == "series_capacity"
    assert refusal.reasons == ("series_capacity", "expired")
    assert refusal.details == {"series": "welcome", "needed": 4, "left": 3}
    assert str(refusal).startswith("series_capacity: ") and str(refusal).endswith(
        "(series: welcome, needed: 4, left: 3)"
    )


def test_failed_channels_are_told_with_what_waits_there() -> None:
    """Law: each channel stands with the class of what befell it and how many wait; `except*` finds the errors themselves."""
    away = Unavailable("the gateway of +358401234567 is away")
    error = ChannelsFailed({"sms": 3, "viber": 1}, [away, NotFound("not given")], accepted=7)
    assert str(error) == (
        "channels took no more messages: 'sms' (Unavailable, 3 waiting), 'viber' (NotFound, 1 waiting); "
        "7 messages were accepted"
    )
    assert (error.channels, error.accepted, error.exceptions[0]) == ({"sms": 3, "viber": 1}, 7, away)
    matched, rest = error.split(Unavailable)
    assert matched is not None and rest is not None
    assert (matched.exceptions, len(rest.exceptions)) == ((away,), 1)
