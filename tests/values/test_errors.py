"""Errors carry data, make their own sentence and survive pickling."""

import pickle

import pytest

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
