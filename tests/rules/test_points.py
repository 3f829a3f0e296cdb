"""The laws of points: what a rule moves adds up, in order, and nobody gains by undoing."""

from datetime import UTC, datetime, timedelta
from itertools import count

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import PointsEntry
from custcrm.records.points import DEBT
from custcrm.records.programs import Reversal
from custcrm.rules import points as rules
from custcrm.rules.lots import Lot, lot_of
from custcrm.rules.points_history import expiring, history, lots_at, prove
from custcrm.values.errors import Reason, Refusal

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
AMOUNTS = st.integers(1, 60)
_ids = count()


def new_id() -> str:
    return f"{next(_ids):09}"


def told(kind: str, at: datetime, **more) -> PointsEntry:
    return PointsEntry(customer_id="anna", id="", program="club", kind=kind, delta=0, lot_id="", spend_id=more.pop("id", None),
                       occurred_at=at, **more)


def credit(points: int, at: datetime = NOW, days: int | None = None, wait: int | None = None) -> PointsEntry:
    id_ = new_id()
    valid = None if wait is None else at + wait * DAY
    expires = None if days is None else (valid or at) + days * DAY
    return evolve(told("credit", at), id=id_, lot_id=id_, delta=points, valid_from=valid, expires_at=expires)


class Ledger:
    """A customer's entries, and the rules run over them: what an action does, without a store."""

    def __init__(self, policy: Reversal = Reversal.DEBT) -> None:
        self.entries: list[PointsEntry] = []
        self.policy = policy

    def lots(self) -> list[Lot]:
        """Return lots of every sort, in the order they are spent; the rules say which are open."""
        return [lot for lot in lots_at(self.entries, datetime.max.replace(tzinfo=UTC)) if lot.id != DEBT]

    def debt(self) -> Lot | None:
        owed = [each for each in self.entries if each.lot_id == DEBT]
        return lot_of(owed) if owed else None

    def balance(self, at: datetime) -> int:
        return sum(each.delta for each in self.entries
                   if each.occurred_at <= at and (each.expires_at is None or at < each.expires_at))

    def pending(self, at: datetime) -> int:
        return sum(each.delta for each in self.entries if each.valid_from is not None and at < each.valid_from
                   and each.occurred_at <= at and (each.expires_at is None or at < each.expires_at))

    def add(self, made):
        if not isinstance(made, Refusal):
            self.entries.extend(made)
        return made

    def spend(self, points: int, at: datetime, *, kind: str = "spend"):
        say = told(kind, at, id=new_id())
        return self.add(rules.spend(self.lots(), points, say, new_id, debt=self.debt(), pending=kind == "adjust"))

    def reverse(self, what, points: int | None, at: datetime, until: datetime | None = None):
        id_ = what[0].spend_id or what[0].id
        before = [each for each in self.entries if each.reverses == id_]
        say = told("reverse", at, id=new_id(), reverses=id_)
        if what[0].id == what[0].lot_id:
            own = [each for each in self.entries if each.lot_id == id_]
            return self.add(rules.reverse_credit(what[0], points, say, new_id, own=own, before=before, lots=self.lots(),
                                                 debt=self.debt(), policy=self.policy))
        latest = {each.lot_id: max(e.occurred_at for e in self.entries if e.lot_id == each.lot_id) for each in what}
        return self.add(rules.reverse_spend(
            what, points, say, new_id, before=before, latest=latest, shortfalls=self.entries, until=until
        ))

    def expire(self, at: datetime):
        return self.add(rules.expire(self.lots(), told("expire", at), new_id))


LOTS = st.lists(st.tuples(AMOUNTS, st.none() | st.integers(1, 9)), max_size=6)


def filled(lots, policy: Reversal = Reversal.DEBT) -> Ledger:
    ledger = Ledger(policy)
    ledger.entries = [credit(points, NOW, days) for points, days in lots]
    return ledger


@given(LOTS, AMOUNTS, st.integers(0, 10))
def test_a_spend_takes_what_it_says_soonest_first_and_overdraws_no_lot(lots, points, later):
    """The whole or nothing; the balance falls by exactly that; no lot is left that expires before one that was touched."""
    ledger, at = filled(lots), NOW + later * DAY
    before = ledger.balance(at)
    made = ledger.spend(points, at)
    if before < points:
        assert isinstance(made, Refusal) and made.reason is Reason.NOT_ENOUGH_POINTS
        assert made.details == {"program": "club", "asked": points, "available": before}
        assert ledger.balance(at) == before
        return
    assert ledger.balance(at) == before - points and sum(each.delta for each in made) == -points
    lots_after = [lot for lot in ledger.lots() if lot.is_open(at)]
    assert all(lot.points >= 0 for lot in lots_after)
    touched = [each.lot_id for each in made]
    last = [lot.id for lot in lots_after].index(touched[-1])
    assert all(not lot.points for lot in lots_after[:last]), "an earlier lot still has points"
    assert all(each.expires_at is None or at < each.expires_at for each in made)


@given(LOTS, AMOUNTS)
def test_a_spend_reads_no_more_lots_than_it_needs(lots, points):
    """The iterator is left where it had enough."""
    read = []

    def ordered():
        for lot in filled(lots).lots():
            read.append(lot)
            yield lot

    made = rules.spend(ordered(), points, told("spend", NOW, id="s"), new_id)
    if not isinstance(made, Refusal):
        assert len(read) == len(made)
        assert sum(lot.points for lot in read[:-1]) < points


@given(LOTS, st.lists(AMOUNTS, max_size=4), st.integers(0, 10), st.none() | st.integers(0, 20))
def test_partial_reversals_of_a_spend_add_up_to_it(lots, parts, later, grace):
    """Never more comes back than was spent; without expiry or grace every lot is as it was; then nothing is left to reverse."""
    ledger = filled(lots)
    before = ledger.balance(NOW)
    made = ledger.spend(max(1, before), NOW)
    if isinstance(made, Refusal):
        return
    at = NOW + later * DAY
    until = None if grace is None else at + grace * DAY
    left = before
    for part in [*parts, None]:
        back = ledger.reverse(made, part, at, until)
        if isinstance(back, Refusal):
            assert back.reason is Reason.ALREADY_REVERSED and (part or 1) > left == back.details["left"]
            continue
        given_back = sum(each.delta for each in back)
        assert given_back == (left if part is None else part)
        left -= given_back
    assert left == 0 and ledger.balance(NOW - DAY) == 0
    lost = sum(points for points, days in lots if days is not None and days <= later)
    if grace is None:
        assert ledger.balance(at) == before - lost
    elif grace:
        assert ledger.balance(at) == before
    assert isinstance(ledger.reverse(made, None, at), Refusal)


@given(LOTS, AMOUNTS, AMOUNTS, st.none() | st.integers(1, 9), st.integers(0, 12), st.booleans(), st.sampled_from(Reversal))
def test_a_credit_that_is_reversed_gains_nothing(lots, points, spent, days, later, written, policy):
    """Credit, spend, reverse: the balance is never more than without the credit, whatever expired and whatever the policy."""
    ledger = filled(lots, policy)
    without = filled(lots, policy)
    earned = credit(points, NOW, days)
    ledger.entries.append(earned)
    used = -sum(each.delta for each in made) if not isinstance(made := ledger.spend(spent, NOW), Refusal) else 0
    at = NOW + later * DAY
    if written:
        ledger.expire(at)
    before = ledger.balance(at)
    back = ledger.reverse([earned], None, at)
    if isinstance(back, Refusal):
        assert policy is Reversal.REFUSE and back.reason is Reason.NOT_ENOUGH_POINTS
        assert ledger.balance(at) == before
        return
    taken = sum(each.delta for each in back)
    short = sum(each.shortfall for each in back)
    gone = sum(each.delta for each in back if each.expires_at is not None and each.expires_at <= at)
    assert -taken + short + sum(each.delta for each in back if each.kind == "expire") == points
    assert ledger.balance(at) == before + taken - gone
    assert ledger.balance(at) <= max(without.balance(at), 0)
    assert ledger.balance(at) >= 0 or policy is Reversal.DEBT
    if policy is Reversal.FLOOR and short:
        assert ledger.balance(at) == 0
    assert (ledger.balance(at) >= 0 and short == 0) or used > 0
    assert not prove("anna", "club", ledger.entries, at).faults()
    again = ledger.reverse([earned], None, at)
    assert isinstance(again, Refusal) and again.reason is Reason.ALREADY_REVERSED


@given(LOTS, AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=5), st.sampled_from([Reversal.DEBT, Reversal.FLOOR]))
def test_partial_reversals_of_a_credit_add_up(lots, points, parts, policy):
    """Part by part takes as much as all at once, and leaves the same balance."""
    whole, piecemeal = filled(lots, policy), filled(lots, policy)
    earned = credit(points, NOW)
    for ledger in (whole, piecemeal):
        ledger.entries.append(earned)
        ledger.spend(max(1, ledger.balance(NOW) - 5), NOW)
    whole.reverse([earned], None, NOW)
    for part in [*parts, None]:
        piecemeal.reverse([earned], part, NOW)
    assert piecemeal.balance(NOW) == whole.balance(NOW)
    assert isinstance(piecemeal.reverse([earned], 1, NOW), Refusal)


UNDONE = st.tuples(st.sampled_from(["credit", "spend", "undo a credit", "undo a spend"]), AMOUNTS, st.integers(0, 9))


@given(st.lists(UNDONE, max_size=20), st.randoms(use_true_random=False))
def test_a_shortfall_is_made_good_by_what_was_spent_before_it_comes_back(actions, chance):
    """Floor: never below nought; and when everything is undone, in whatever order, nothing is there and nothing is missing."""
    ledger = Ledger(Reversal.FLOOR)
    done: dict[str, list[list[PointsEntry]]] = {"credit": [], "spend": []}
    for what, amount, which in actions:
        if what == "credit":
            done["credit"].append([credit(amount)])
            ledger.add(done["credit"][-1])
        elif what == "spend":
            made = ledger.spend(amount, NOW)
            done["spend"] += [] if isinstance(made, Refusal) else [made]
        elif made := done[what.removeprefix("undo a ")]:
            ledger.reverse(made[which % len(made)], amount if which % 2 else None, NOW)
        assert ledger.balance(NOW) >= 0
    everything = [*done["credit"], *done["spend"]]
    chance.shuffle(everything)
    for made in everything:
        ledger.reverse(made, None, NOW)
    assert ledger.balance(NOW) == sum(each.shortfall for each in ledger.entries) == 0
    for line in history(ledger.entries, NOW, titles={}, sources={}):
        assert line.status == ("done" if line.kind == "reverse" else "reversed")


def test_by_hand_what_makes_a_shortfall_good():
    """What was spent before it, once, also in parts; not a spend after it, which comes back whole, nor what comes back dead."""
    ledger = Ledger(Reversal.FLOOR)
    soon, ever = credit(30, NOW, 1), credit(100)
    ledger.add([soon, ever])
    dead, early = ledger.spend(30, NOW), ledger.spend(100, NOW)
    ledger.reverse([ever], None, NOW)
    ledger.add([credit(50)])
    late = ledger.spend(50, NOW)
    assert ledger.balance(NOW) == 0
    ledger.reverse(late, None, NOW)
    assert ledger.balance(NOW) == 50
    [gone] = ledger.reverse(dead, None, NOW + DAY)
    assert (gone.delta, gone.shortfall, ledger.balance(NOW + DAY)) == (30, 0, 50)
    [part] = ledger.reverse(early, 40, NOW + DAY)
    assert (part.delta, part.shortfall, part.reverses) == (0, -40, early[0].spend_id)
    [rest] = ledger.reverse(early, None, NOW + DAY)
    assert (rest.delta, rest.shortfall, ledger.balance(NOW + DAY)) == (0, -60, 50)
    assert isinstance(ledger.reverse(early, 1, NOW + DAY), Refusal)


@given(LOTS, AMOUNTS, AMOUNTS)
def test_a_debt_is_paid_before_points_are_spent(lots, owed, points):
    """What can be spent is the balance; after a spend that went through nothing is owed, and no lot is below nought."""
    ledger = filled(lots)
    earned = credit(owed)
    ledger.entries.append(earned)
    ledger.spend(ledger.balance(NOW), NOW)
    ledger.reverse([earned], None, NOW)
    assert ledger.balance(NOW) == -owed
    ledger.entries.append(credit(60, NOW, 1))
    ledger.entries.append(credit(owed, NOW))
    made = ledger.spend(points, NOW)
    assert ledger.balance(NOW) == 60 - points and not isinstance(made, Refusal)
    assert ledger.debt().points == 0
    assert sum(each.delta for each in made if each.kind == "spend") == -points
    assert not prove("anna", "club", ledger.entries, NOW).faults()
    assert sum(line.delta for line in history(ledger.entries, NOW, titles={}, sources={})) == ledger.balance(NOW)


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["credit", "spend", "reverse", "expire", "transfer"]), AMOUNTS, st.integers(-4, 6)), max_size=12
)


@given(ACTIONS, st.sampled_from(Reversal), st.integers(0, 30))
def test_whatever_happens_history_and_proof_are_the_balance_at_every_time(actions, policy, asked):
    """Clocks go both ways: lines and lots sum up to the balance, no lot is overdrawn, an expiry job changes neither."""
    ledger, now = Ledger(policy), NOW
    done: list[list[PointsEntry]] = []
    for what, amount, days in actions:
        now += days * DAY
        match what:
            case "credit":
                done.append([credit(amount, now, amount % 9 or None, amount % 5 or None)])
                ledger.entries += done[-1]
            case "spend":
                made = ledger.spend(amount, now)
                done += [] if isinstance(made, Refusal) else [[each for each in made if each.kind == "spend"]]
            case "reverse" if done:
                ledger.reverse(done[amount % len(done)], amount if amount % 3 else None, now,
                               now + DAY if amount % 2 else None)
            case "expire":
                ledger.expire(now)
            case "transfer":
                lots = [lot for lot in ledger.lots() if lot.id != DEBT]
                moved = rules.transfer(lots, ledger.debt(), told("transfer", now, id=new_id()), "ben", new_id, there={})
                assert sum(each.delta for each in moved) == 0
                ledger.add([each for each in moved if each.customer_id == "anna"])
    for at in (now, NOW + asked * DAY, NOW + timedelta(days=400)):
        balance = ledger.balance(at)
        lines = history(ledger.entries, at, titles={}, sources={})
        proof = prove("anna", "club", ledger.entries, at)
        assert sum(line.delta for line in lines) == balance == proof.balance
        assert not proof.faults(), proof.faults()
        assert policy is Reversal.DEBT or balance >= 0
        written = Ledger(policy)
        written.entries = [*ledger.entries]
        written.expire(at)
        assert written.balance(at) == balance and not written.expire(at)
        assert history(written.entries, at, titles={}, sources={}) == lines


WAITING = st.lists(st.tuples(AMOUNTS, st.none() | st.integers(1, 9), st.none() | st.integers(1, 9)), min_size=1, max_size=6)


@given(WAITING, AMOUNTS, st.integers(0, 10))
def test_no_spend_takes_what_is_pending_and_a_correction_takes_it_first(lots, points, later):
    """A spend leaves what waits as it is, and can have all else; what is taken away by hand is that, as far as it goes."""
    ledger, at = Ledger(), NOW + later * DAY
    ledger.entries = [credit(each, NOW, days, wait) for each, days, wait in lots]
    waiting, there = ledger.pending(at), ledger.balance(at)
    spent = ledger.spend(points, at)
    assert isinstance(spent, Refusal) == (points > there - waiting)
    assert ledger.pending(at) == waiting
    if isinstance(spent, Refusal):
        assert spent.details["available"] == there - waiting
        spent = ()
    left = ledger.balance(at)
    corrected = ledger.spend(points, at, kind="adjust")
    assert isinstance(corrected, Refusal) == (points > left)
    if not isinstance(corrected, Refusal):
        assert ledger.pending(at) == max(0, waiting - points)
        ledger.reverse(corrected, None, at)
        assert (ledger.pending(at), ledger.balance(at)) == (waiting, left)
    assert not prove("anna", "club", ledger.entries, at).faults()


@given(WAITING, AMOUNTS, st.sampled_from(Reversal), st.integers(0, 10))
def test_a_reversal_takes_its_own_then_what_is_pending_then_the_rest(lots, earned, policy, later):
    """Of an amount that was spent already, what waits goes first; what can be spent goes when nothing waits any more."""
    ledger, at = Ledger(policy), NOW + later * DAY
    mine = credit(earned, NOW)
    ledger.entries = [mine]
    ledger.spend(earned, NOW)
    ledger.entries += [credit(each, NOW, days, wait) for each, days, wait in lots]
    waiting, there = ledger.pending(at), ledger.balance(at)
    back = ledger.reverse([mine], None, at)
    if isinstance(back, Refusal):
        assert policy is Reversal.REFUSE and earned > there
        return
    assert ledger.pending(at) == max(0, waiting - earned)
    assert ledger.balance(at) == (there - earned if policy is Reversal.DEBT else max(0, there - earned))
    assert not prove("anna", "club", ledger.entries, at).faults()


@given(LOTS, st.integers(0, 10), st.integers(0, 10))
def test_expiring_is_what_the_balance_loses(lots, later, within):
    """What expires within a span is the balance now less the balance then."""
    ledger, at = filled(lots), NOW + later * DAY
    found = expiring(lots_at(ledger.entries, at), at, at + within * DAY)
    assert sum(each.points for each in found) == ledger.balance(at) - ledger.balance(at + within * DAY)
    assert [each.expires_at for each in found] == sorted({each.expires_at for each in found})


@given(LOTS, st.integers(0, 10))
def test_a_transfer_moves_every_open_lot_as_it_is(lots, later):
    """The receiver has the lots with their ids and expiry, the giver nothing that counts."""
    ledger, at = filled(lots), NOW + later * DAY
    balance = ledger.balance(at)
    moved = rules.transfer(ledger.lots(), None, told("transfer", at, id=new_id()), "ben", new_id, there={})
    came = [each for each in moved if each.customer_id == "ben"]
    assert sum(each.delta for each in came) == balance
    assert {(each.lot_id, each.expires_at, each.delta) for each in came} == {
        (lot.id, lot.expires_at, lot.points) for lot in ledger.lots() if lot.is_open(at)
    }
    ledger.add([each for each in moved if each.customer_id == "anna"])
    assert ledger.balance(at) == 0 and not prove("ben", "club", came, at).faults()


@given(LOTS, st.integers(0, 10))
def test_a_lot_that_comes_back_does_not_run_backwards(lots, later):
    """What the receiver did with a lot before is not later than the entry that brings it again: clocks may have gone back."""
    ledger, at = filled(lots), NOW
    there = {lot.id: NOW + later * DAY for lot in ledger.lots()}
    moved = rules.transfer(ledger.lots(), None, told("transfer", at, id=new_id()), "ben", new_id, there=there)
    assert all(each.occurred_at >= there[each.lot_id] for each in moved if each.customer_id == "ben")
