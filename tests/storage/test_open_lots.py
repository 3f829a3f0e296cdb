"""What is left of points, told in three places: the word of filters, what the store adds up, and the rule."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from custcrm.actions.points.lots import debts, open_lots
from custcrm.records import Customer, PointsEntry
from custcrm.storage.memory import MemoryStore
from custcrm.storage.questions import Question
from custcrm.testing.bases import PROGRAMS, bases
from custcrm.testing.questions import SCHEMA

SOME_DAYS = st.integers(0, 800).map(lambda days: timedelta(days=days, microseconds=1))


@given(base=bases(customers=2, facts=6), later=SOME_DAYS)
def test_the_word_of_filters_is_the_sum_of_open_lots_and_debt(base, later) -> None:
    """`programs.club.points` is the points of the lots that the rule calls open, less what is owed, from the last entry on;
    `programs.club.pending` is those of the lots that the rule calls pending.
    """
    store = MemoryStore()
    with store.write() as writer:
        writer.add(base)
    entries = [each for each in base if isinstance(each, PointsEntry)]
    if not entries:
        return
    now = max(each.occurred_at for each in entries) + later
    ids = [each.id for each in base if isinstance(each, Customer)]
    with store.read() as reader:
        for program in PROGRAMS:
            question = Question(SCHEMA.parse("TRUE"), now)
            points = SCHEMA.parse_value(f"programs.{program}.points").lowered
            pending = SCHEMA.parse_value(f"programs.{program}.pending").lowered
            rows = reader.rows(question, [points, pending])
            told = {id_: value for id_, *value in rows if value[0] is not None}  # of members
            owed = debts(reader, ids, program)
            lots = {id_: list(found) for id_, found in open_lots(reader, ids, program, now).items()}
            assert all(lot.is_open(now) for found in lots.values() for lot in found)
            for id_, (balance, waiting) in told.items():
                assert waiting == sum(lot.points for lot in lots.get(id_, ()) if lot.is_pending(now))
                assert balance == sum(lot.points for lot in lots.get(id_, ())) + (owed[id_].points if id_ in owed else 0)
