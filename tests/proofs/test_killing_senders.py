"""Processes that dispatch are killed without warning: nobody is written to twice unless in doubt, and asked for again."""

import random
from collections import Counter
from multiprocessing import Pipe

from custcrm.records import Message
from tests.proofs import sender
from tests.proofs.test_killing import FORKS, PATIENCE, killed


def _sender(address, notes):
    """Start a process that dispatches; give it and what it tells."""
    ours, theirs = Pipe(duplex=False)
    process = FORKS.Process(target=sender.live, args=(address, notes, theirs))
    process.start()
    theirs.close()
    assert ours.poll(PATIENCE) and ours.recv() == "begun"
    return process, ours


def _messages(crm):
    with crm._business.store.read() as reader:
        return {each.id: each for each in reader.find(Message)}


def test_killed_at_random_moments_while_sending(address, tmp_path, long):
    """Two processes send at a time and are killed; what went out is settled or in doubt, and what is neither goes out later."""
    moments, notes = random.Random(8), tmp_path / "sent"
    notes.touch()
    with sender.opened(address, notes) as crm:
        sender.prepare(crm)
        deaths = 0
        for _ in range(20 if long else 3):
            senders = [_sender(address, notes) for _ in range(2)]
            for process, _ in senders:
                process.join(moments.uniform(0, 0.05))
                deaths += process.exitcode is None and killed(process)
            for process, told in senders:
                process.join(PATIENCE)
                told.close()
                process.close()
            assert_truth(crm, notes)
        assert deaths
        crm.outbox.dispatch()
        assert_truth(crm, notes)
        assert crm.outbox.waiting() == 0
        doubtful = crm.outbox.in_doubt()
        assert crm.outbox.send_again(doubtful) == len(doubtful) == crm.outbox.dispatch()
        twice = {id_ for id_, times in sent(notes).items() if times > 1}
        assert twice <= {each.id for each in doubtful}
        assert sent(notes).keys() == _messages(crm).keys()
        assert {each.status for each in _messages(crm).values()} == {"sent"}


def sent(notes):
    return Counter(notes.read_text(encoding="ascii").split())


def assert_truth(crm, notes):
    """Each went out once at most; what did is sent or in doubt; what is said to be sent did; what waits did not."""
    messages, out = _messages(crm), sent(notes)
    assert set(out.values()) <= {1}
    assert {id_ for id_, each in messages.items() if each.status == "sent"} <= out.keys()
    assert {messages[id_].status for id_ in out} <= {"sent", "sending"}
    assert all((each.started_at is None) == (each.status == "planned") for each in messages.values())
