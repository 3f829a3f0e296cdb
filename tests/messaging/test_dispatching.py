"""Dispatching: every message once, to who may have it still, and the truth about it kept."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from custcrm.messaging import dispatching
from custcrm.messaging.dispatching import BATCH, Rules, dispatch, in_doubt
from custcrm.messaging.protocol import Channel, Outcome, Outgoing, Receipt
from custcrm.messaging.templates import COUPON_ISSUED, POINTS_CREDITED, customer_values
from custcrm.records.customers import Customer
from custcrm.records.messages import Message
from custcrm.storage.memory import MemoryStore
from custcrm.testing.channel import RecordingChannel, SentMessage
from custcrm.values.errors import ChannelsFailed, Malformed, NotFound, Reason, Unavailable
from custcrm.values.ids import IdSource

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def _now():
    return NOW


CHANCE = random.Random(8).getrandbits
IDS = IdSource(_now, CHANCE)


def _nobody(reader, message, customer):
    """Refuse nobody."""


def _customer(id="c1", **fields: Any) -> Customer:
    return Customer(id=id, signed_up_at=NOW, created_at=NOW, **({"phone": f"+{id}"} | fields))


def _message(id="m1", customer_id="c1", text="Hi", **fields: Any) -> Message:
    about: dict[str, Any] = {"channel": "sms", "purpose": "marketing", "planned_at": NOW} | fields
    return Message(customer_id=customer_id, id=id, text=text, **about)


def _store(*records: Any) -> MemoryStore:
    store = MemoryStore()
    with store.write() as writer:
        writer.add(records or [_customer(), _message()])
    return store


def _messages(store) -> dict[str, Message]:
    with store.read() as reader:
        return {message.id: message for message in reader.find(Message)}


def _doubtful(store, **about) -> list[str]:
    with store.read() as reader:
        return [message.id for message in in_doubt(reader, **about)]


def send_again(store, messages) -> int:
    return dispatching.send_again(store, messages, random_bits=CHANCE)


def _dispatch(store, channel, **about: Any) -> int:
    given: dict[str, Any] = {"channels": {"sms": channel}, "limit": None} | about
    rules = {name: given.pop(name) for name in ("now", "refusal", "values") if name in given}
    return dispatch(store, **given, rules=Rules(**{"now": _now, "ids": IDS, "random_bits": CHANCE, "refusal": _nobody} | rules))


class Doing:
    """A channel of an app: does something of its own with each batch, and then accepts it, or what `then` does."""

    def __init__(self, first: Callable[[Any], object], then: Channel | None = None) -> None:
        self._first = first
        self._then = then or RecordingChannel()

    def send(self, batch):
        self._first(batch)
        return self._then.send(batch)


class Speechless:
    """A channel that returns no receipts, not even none."""

    def send(self, _):
        return None


# each message once ----------------------------------------------------------------------------------

plans: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        channel=st.sampled_from(["sms", "email", "push"]),
        customer_id=st.sampled_from(["c1", "c2", "c3", "gone"]),
        text=st.sampled_from(["Hi", "Hi {name}", "Hi {name|you}", "{points} of {balance}", "{", "{{}}"]),
        points=st.sampled_from([None, 5]),
        balance=st.just(0),
    ),
    max_size=12,
)
people = (_customer("c1", first_name="Anna", email="Anna@Example.org"), _customer("c2"), _customer("c3", phone=None))


def _planned(plan) -> list[Message]:
    return [_message(f"m{number:02}", **fields) for number, fields in enumerate(plan)]


@given(plan=plans, outcomes=st.lists(st.sampled_from(Outcome), max_size=12))
def test_everything_planned_is_settled_in_one_go(plan, outcomes):
    """Afterwards none is planned or in doubt, what the channels had is what the records say, and no more comes."""
    store = _store(*people, *_planned(plan))
    channels = {name: RecordingChannel(outcomes) for name in ("sms", "email", "push")}
    accepted = _dispatch(store, None, channels=channels)
    settled = _messages(store).values()
    by_status = Counter(message.status for message in settled)
    assert not by_status.keys() & {"planned", "sending"}
    assert accepted == by_status["sent"] + by_status["delivered"]
    out = [message for message in settled if message.status in {"sent", "delivered", "bounced"}]
    for name, channel in channels.items():
        assert Counter(sent.text for sent in channel.sent) == Counter(each.text for each in out if each.channel == name)
    assert all((message.sent_at == NOW) == (message in out) for message in settled)
    assert _dispatch(store, None, channels=channels) == 0


@given(plan=plans, limit=st.integers(1, 5))
def test_limited_dispatches_come_to_the_same(plan, limit):
    """Whatever the limit, no call takes more messages than it, and repeating it leaves the same records."""
    whole, stepped = _store(*people, *_planned(plan)), _store(*people, *_planned(plan))
    channels = dict.fromkeys(("sms", "email", "push"), RecordingChannel())
    accepted = _dispatch(whole, None, channels=channels)
    total, waiting = 0, len(plan)
    while waiting:
        total += _dispatch(stepped, None, channels=channels, limit=limit)
        before, waiting = waiting, sum(message.status == "planned" for message in _messages(stepped).values())
        assert 0 < before - waiting <= limit
    assert (total, _unclaimed(stepped)) == (accepted, _unclaimed(whole))


def _unclaimed(store) -> list[Message]:
    """Return the messages but for the claims they went out under."""
    return [evolve(message, claim=None) for message in _messages(store).values()]


def test_channels_take_turns_in_batches_oldest_first():
    """A batch is at most BATCH messages of one channel, in order of their ids; that of the oldest message begins."""
    count = 2 * BATCH + 5
    batches: list[list[str]] = []
    texts = [f"no. {n}" for n in range(count)]
    planned = [_message(f"m{n:03}", channel="push" if n in (0, count - 1) else "sms", text=texts[n]) for n in range(count)]
    store = _store(_customer(), *reversed(planned))
    counting = Doing(lambda batch: batches.append([each.text for each in batch]))
    assert _dispatch(store, None, channels={"sms": counting, "push": counting}) == count
    assert batches == [[texts[0], texts[-1]], texts[1 : BATCH + 1], texts[BATCH + 1 : 2 * BATCH + 1], texts[2 * BATCH + 1 : -1]]


def test_what_comes_back_while_others_are_sent_goes_out_in_the_same_call():
    """A message that another process gives back, older than what has gone out meanwhile, is not forgotten."""
    store = _store(_customer(), *(_message(f"m{number:03}") for number in range(BATCH)))
    returned = iter([_message("m")])
    assert _dispatch(store, Doing(lambda _: [_put(store, each) for each in returned])) == BATCH + 1


def test_threads_send_each_message_once():
    """However many dispatch the same store, every message goes out exactly once, and the counts add up."""
    planned = [_message(f"m{number:03}", text=f"no. {number}") for number in range(3 * BATCH)]
    store, channel = _store(_customer(), *planned), RecordingChannel()
    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(lambda limit: _dispatch(store, channel, limit=limit), [None, 7, 70, None, 1, 200]))
    assert sum(taken) == len(planned)
    assert sorted(sent.text for sent in channel.sent) == sorted(message.text for message in planned)


def test_a_dispatch_that_comes_second_leaves_claimed_messages_alone():
    """While a batch is under way, another dispatch finds nothing of it."""
    store, inner = _store(), RecordingChannel()
    nested: list[int] = []
    overtaking = Doing(lambda _: nested.append(_dispatch(store, inner)))
    assert (_dispatch(store, overtaking), nested, inner.sent) == (1, [0], [])


def test_a_message_claimed_between_finding_and_holding_is_left_alone():
    """On a server others may claim what was found before it is held; what counts is how it is then."""
    store = _store(_customer(), _message("m1"), _message("m2"))
    with store.write() as writer:
        found = list(writer.find(Message))
        writer.replace(evolve(found[0], status="sending", sent_at=NOW))
        writer.remove(Message, "c1", "m2")
        assert dispatching._hold(writer, found) == ({"c1": _customer()}, [])


def test_the_channel_is_called_outside_of_any_transaction():
    """Another thread can write to the store while a message is being sent."""
    store = _store()

    def write_elsewhere(batch):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: _put(store, _customer("c9"))).result(timeout=10)

    assert _dispatch(store, Doing(write_elsewhere)) == 1


def _put(store, record):
    with store.write() as writer:
        writer.put([record])


# who gets it, and what ------------------------------------------------------------------------------


def test_the_deeds_values_are_of_the_deed_and_the_customers_of_now():
    """Points, balance and code come from the message's columns; the name is the customer's when it is dispatched."""
    store = _store(
        _customer(first_name="Ann"),
        _message("m1", text=POINTS_CREDITED, points=100, balance=130),
        _message("m2", text=COUPON_ISSUED, code="ABCD"),
        _message("m3", text="Hi {name}", sender="Harbour"),
    )
    _put(store, _customer(first_name="Anna {code}"))
    channel = RecordingChannel()
    assert _dispatch(store, channel) == 3
    assert channel.sent == [
        SentMessage("+c1", "You have been charged 100 bonus points, balance 130", None),
        SentMessage("+c1", "You have been credited couponABCD", None),
        SentMessage("+c1", "Hi Anna {code}", "Harbour"),
    ]
    assert [message.text for message in _messages(store).values()] == [sent.text for sent in channel.sent]


def test_who_is_refused_meanwhile_is_not_sent_to():
    """The caller's rule is asked in the claiming transaction, with the customer as stored now."""
    store = _store(_customer(), _message("m1"), _message("m2", purpose="service"))
    channel, asked = RecordingChannel(), []

    def refusal(reader, message, customer):
        asked.append((reader.get(Message, "c1", message.id).status, customer.id))
        return Reason.NO_CONSENT if message.purpose == "marketing" else None

    assert _dispatch(store, channel, refusal=refusal) == 1
    assert asked == [("planned", "c1"), ("planned", "c1")]
    settled = [(each.status, each.reason) for each in _messages(store).values()]
    assert settled == [("rejected", "no_consent"), ("sent", None)]
    assert len(channel.sent) == 1


@pytest.mark.parametrize(
    ("refused", "phone", "text", "status", "reason"),
    [
        (Reason.SUPPRESSED, None, "Hi {name}", "rejected", "suppressed"),
        (None, None, "Hi {name}", "rejected", "no_address"),
        (None, "", "Hi", "rejected", "no_address"),
        (None, "+358401234567", "Hi {name}", "rejected", "missing_value"),
        (None, "+358401234567", "Hi {points}", "rejected", "missing_value"),
        (None, "+358401234567", "*|profile_link|*", "rejected", "missing_value"),
        (None, "+358401234567", "Hi {nmae}", "failed", "malformed_text"),
        (None, "+358401234567", "Hi", "sent", None),
    ],
)
def test_the_first_reason_is_kept_and_nothing_is_sent(refused, phone, text, status, reason):
    """Precedence: the caller's reasons, no_address, missing_value; the template stays as it was."""
    store, channel = _store(_customer(phone=phone), _message(text=text)), RecordingChannel()
    assert _dispatch(store, channel, refusal=lambda *_: refused) == len(channel.sent) == (status == "sent")
    [message] = _messages(store).values()
    assert (message.status, message.reason, message.text) == (status, reason, text)


def test_a_bad_text_holds_nobody_up():
    """A template that cannot be read fails alone; those behind it are sent."""
    store = _store(_customer(), _message("m1", text="{"), _message("m2"))
    assert _dispatch(store, RecordingChannel(), limit=2) == 1


def test_a_message_to_nobody_is_rejected():
    """Where the customer is gone, so is the message."""
    store = _store(_message())
    assert _dispatch(store, RecordingChannel()) == 0
    assert _messages(store)["m1"].reason == "inactive"


@pytest.mark.parametrize(
    ("channel", "to"),
    [("sms", "+358"), ("viber", "+358"), ("email", "Ann@Example.ORG"), ("push", "c1"), ("pigeon", "c1")],
)
def test_each_channel_gets_the_address_as_it_is_stored(channel, to):
    """An email keeps every letter's case; channels of an app's own go by the customer's id."""
    store = _store(_customer(phone="+358", email="Ann@Example.ORG"), _message(channel=channel))
    out = RecordingChannel()
    assert _dispatch(store, None, channels={channel: out}) == 1
    assert [sent.to for sent in out.sent] == [to]


def test_the_caller_may_give_more_values():
    """A profile link is made by whoever signs it."""
    store, channel = _store(_customer(), _message(text="*|profile_link|*")), RecordingChannel()
    linked = lambda customer: {**customer_values(customer), "profile_link": f"https://x/{customer.id}"}
    assert _dispatch(store, channel, values=linked) == 1
    assert channel.sent[0].text == "https://x/c1"


# what came of it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "status", "text", "sent_at"),
    [
        ("accepted", "sent", "Hi you", NOW),
        ("delivered", "delivered", "Hi you", NOW),
        ("bounced", "bounced", "Hi you", NOW),
        ("failed", "failed", "Hi {name|you}", None),
        ("rejected", "rejected", "Hi {name|you}", None),
    ],
)
def test_a_receipt_becomes_the_messages_status(outcome, status, text, sent_at):
    """What went out keeps the text that was sent and when; what did not keeps its template for another attempt."""
    store = _store(_customer(), _message(text="Hi {name|you}"))
    assert _dispatch(store, RecordingChannel([outcome])) == (outcome in {"accepted", "delivered"})
    [message] = _messages(store).values()
    assert (message.status, message.text, message.sent_at) == (status, text, sent_at)


def test_an_interrupted_send_is_in_doubt_and_not_repeated_unless_asked():
    """After an error half-way the batch is listed, the error is raised, and only `send_again` sends it once more."""
    store = _store(_customer(first_name="Anna"), _message(text="Hi {name}"))
    channel = RecordingChannel()
    with pytest.raises(ExceptionGroup) as caught:
        _dispatch(store, Doing(_break_down))
    assert [type(each) for each in caught.value.exceptions] == [ConnectionResetError]
    assert _doubtful(store) == ["m1"]
    assert (_dispatch(store, channel), channel.sent) == (0, [])
    assert (_doubtful(store, before=NOW), _doubtful(store, before=NOW + timedelta(seconds=1))) == ([], ["m1"])
    with store.read() as reader:
        doubtful = list(in_doubt(reader))
    assert (send_again(store, doubtful), send_again(store, doubtful)) == (1, 0)
    assert _dispatch(store, channel) == 1
    assert (send_again(store, doubtful), _doubtful(store), len(channel.sent)) == (0, [], 1)
    assert channel.sent[0].text == "Hi Anna"


def test_a_message_without_a_receipt_is_in_doubt():
    """Receipts settle the messages they name; of others nothing is known, and receipts of strangers change nothing."""
    store = _store(_customer(), _message("m1"), _message("m2"), _message("m3", status="rejected"))

    class Forgetful(RecordingChannel):
        def send(self, batch):
            return [Receipt("m3", Outcome.ACCEPTED), *super().send(batch)[1:]]

    assert _dispatch(store, Forgetful()) == 1
    assert [message.status for message in _messages(store).values()] == ["sending", "sent", "rejected"]


def _away(batch):
    raise Unavailable("the gateway is away")


def test_an_unavailable_channel_leaves_its_batch_planned():
    """Where certainly nothing was sent, nothing is in doubt, and the next dispatch sends it."""
    store, channel = _store(), RecordingChannel()
    before = _messages(store)
    with pytest.raises(ChannelsFailed):
        _dispatch(store, Doing(_away))
    assert _messages(store) == before
    assert _dispatch(store, channel) == 1


def _of_each(count, *channels) -> MemoryStore:
    """Plan so many messages for each channel, by turns, so that none is older than all of another."""
    planned = [_message(f"m{n:03} {channel}", channel=channel) for n in range(count) for channel in channels]
    return _store(_customer(email="Anna@example.org"), *planned)


def _statuses(store) -> dict[str, Counter[str]]:
    statuses: dict[str, Counter[str]] = {}
    for message in _messages(store).values():
        statuses.setdefault(message.channel, Counter())[message.status] += 1
    return statuses


def _break_down(batch):
    raise ConnectionResetError


def test_a_channel_that_fails_stops_no_other():
    """One is away, one breaks down, one talks nonsense, one is retired: the good one's messages all go out, and all is told."""
    count = 2 * BATCH + 1
    store = _of_each(count, "away", "broken", "odd", "retired", "sms")
    asked: Counter[str] = Counter()
    counted = lambda name, then: Doing(lambda batch: (asked.update([name]), then(batch)))
    channels = {
        "away": counted("away", _away), "broken": counted("broken", _break_down), "odd": Speechless(), "sms": RecordingChannel()
    }
    with pytest.raises(ExceptionGroup) as caught:
        _dispatch(store, None, channels=channels)
    assert _statuses(store) == {
        "away": {"planned": count},
        "broken": {"planned": count - BATCH, "sending": BATCH},
        "odd": {"planned": count - BATCH, "sending": BATCH},
        "retired": {"planned": count},
        "sms": {"sent": count},
    }
    error = caught.value
    assert isinstance(error, ChannelsFailed)
    assert (error.accepted, error.channels) == (
        count, {"away": count, "broken": count - BATCH, "odd": count - BATCH, "retired": count}
    )
    assert [type(each) for each in error.exceptions] == [Unavailable, ConnectionResetError, Malformed, NotFound]
    assert asked == {"away": 1, "broken": 1}
    assert error.in_doubt == 2 * BATCH and f"{2 * BATCH} are in doubt" in str(error)


@pytest.mark.parametrize("limit", [1, BATCH, BATCH + 5])
def test_a_limit_is_not_used_up_by_a_channel_that_gives_back(limit):
    """However small the steps, a channel that is away, and was wanted first, does not keep the others from their share."""
    store, good = _of_each(BATCH + 5, "away", "sms"), RecordingChannel()
    for done in range(limit, BATCH + 6, limit):
        with pytest.raises(ChannelsFailed) as caught:
            _dispatch(store, None, channels={"away": Doing(_away), "sms": good}, limit=limit)
        assert (caught.value.accepted, len(good.sent)) == (limit, done)


def test_an_interrupt_is_no_failure_of_a_channel():
    """What is not an error of the channel ends the dispatch at once; what was under way is in doubt."""
    store = _of_each(1, "push", "sms")

    def interrupt(batch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _dispatch(store, None, channels={"push": Doing(interrupt), "sms": RecordingChannel()})
    assert _statuses(store) == {"push": {"sending": 1}, "sms": {"planned": 1}}


@pytest.mark.parametrize("ours", ["accepted", "failed", "away"])
@pytest.mark.parametrize("theirs", ["delivered", "broken", "away"])
def test_a_claim_that_was_given_up_writes_nothing(ours, theirs):
    """Whatever comes of it late, what came of the second attempt stands; though both began at the same instant."""
    store = _store()

    def too_slow(batch):
        with store.read() as reader:
            doubtful = list(in_doubt(reader))
        assert send_again(store, doubtful) == 1
        assert _second_attempt(store, theirs)
        second.update(_messages(store))

    second: dict[str, Message] = {}
    if ours == "away":
        with pytest.raises(ChannelsFailed) as caught:
            _dispatch(store, Doing(too_slow, then=Doing(_away)), limit=1)
        assert caught.value.accepted == 0
    else:
        assert _dispatch(store, Doing(too_slow, then=RecordingChannel([ours])), limit=1) == 0
    assert [message.status for message in _messages(store).values()] == [AFTER[theirs]]
    assert _messages(store) == second


AFTER = {"delivered": "delivered", "broken": "sending", "away": "planned"}


def _second_attempt(store, outcome) -> bool:
    """Dispatch what was sent again, at the same instant of the clock."""
    if outcome == "delivered":
        return _dispatch(store, RecordingChannel(["delivered"])) == 1
    with pytest.raises(ChannelsFailed):
        _dispatch(store, Doing(_break_down if outcome == "broken" else _away))
    return True


def test_claims_are_told_apart_whatever_the_clock_says():
    """Who lists a message in doubt and asks for it again when it is in doubt anew has asked for the first claim alone."""
    store = _store()
    with pytest.raises(ChannelsFailed):
        _dispatch(store, Doing(_break_down))
    first = list(_messages(store).values())
    assert send_again(store, first) == 1
    with pytest.raises(ChannelsFailed):
        _dispatch(store, Doing(_break_down))
    assert (send_again(store, first), _doubtful(store)) == (0, ["m1"])


def test_what_was_in_doubt_before_claims_had_names_can_be_sent_again():
    """Messages of an earlier version of the schema have when they were sent, and neither claim nor start."""
    store = _store(_customer(), _message(status="sending", sent_at=NOW))
    assert (_doubtful(store, before=NOW), _doubtful(store, before=NOW + timedelta(seconds=1))) == ([], ["m1"])
    with store.read() as reader:
        assert send_again(store, list(in_doubt(reader))) == 1
    assert _dispatch(store, RecordingChannel()) == 1


def test_a_text_that_was_erased_under_way_stays_erased():
    """The receipt is kept, the text that the customer had erased does not come back."""
    store = _store(_customer(first_name="Anna"), _message(text="Hi {name}"))

    def erase(batch):
        with store.write() as writer:
            [message] = writer.find(Message)
            writer.replace(evolve(message, text=""))

    assert _dispatch(store, Doing(erase)) == 1
    assert (_messages(store)["m1"].status, _messages(store)["m1"].text) == ("sent", "")


def test_a_channel_that_is_not_given_is_named_and_the_others_go_on():
    """The error says which channel is wanted and which there are; the message waits."""
    store, channel = _store(_customer(), _message("m1", channel="viber"), _message("m2")), RecordingChannel()
    with pytest.raises(ChannelsFailed, match=r"'viber' \(NotFound, 1 waiting\)") as caught:
        _dispatch(store, channel)
    assert [str(each) for each in caught.value.exceptions] == [
        "messages wait for channel 'viber', which is not given; given are: sms"
    ]
    assert [message.status for message in _messages(store).values()] == ["planned", "sent"]
    assert _dispatch(store, None, channels={"sms": channel, "viber": channel}) == 1


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_at_least_one(limit):
    """To take nothing is no dispatch."""
    with pytest.raises(Malformed):
        _dispatch(_store(), RecordingChannel(), limit=limit)


def test_an_empty_outbox_needs_no_channel():
    """Nothing planned, nothing wanted."""
    assert _dispatch(_store(_customer()), None, channels={}) == 0


def test_claims_hide_what_they_say():
    """Neither text nor address is in the repr of a claim."""
    outgoing = Outgoing("m1", "+358401234567", text="Dear Anna")
    shown = repr(dispatching.Claimed(_message(text="Dear {name}"), outgoing))
    assert "Dear" not in shown
    assert "Anna" not in shown
    assert "35840" not in shown
