"""Several at once, and several calls in one: nothing is doubled, nothing is half done, errors are ours."""

import pickle
import threading

import pytest

import custcrm
from custcrm import Closed, Conflict, EmailTaken, Malformed, Refusal
from custcrm.testing import RecordingChannel


def at_once(count, call):
    """Call from so many threads at the same time; return results and errors."""
    found: list[object] = []
    start = threading.Barrier(count)

    def run() -> None:
        start.wait()
        try:
            found.append(call())
        except custcrm.CrmError as error:
            found.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == count
    return found


def test_a_refused_apply_inside_a_transaction_leaves_not_even_its_key(crm, people):
    """What is caught inside a transaction is undone by itself; the key is free for the mended call."""
    crm.coupons.add_series("one", program="club", capacity=1)
    plan = crm.select("programs.club EXISTS").issue_coupons("one")
    with crm.transaction(), pytest.raises(Refusal):
        plan.apply(key="k")
    with pytest.raises(Refusal):
        plan.apply(key="k")
    crm.segments.add("a", "TRUE")
    crm.segments.add("b", "SEGMENT('a')")
    with crm.transaction(), pytest.raises(custcrm.FilterError):
        crm.segments.add("a", "SEGMENT('b')")
    assert crm.select("SEGMENT('b')").count() == 5


def test_a_failed_batch_inside_a_transaction_leaves_nothing_of_itself(crm):
    """The first rows of a refused add_all do not stay, and what came before does."""
    with crm.transaction():
        crm.customers.add(first_name="A", card_number="1")
        with pytest.raises(Conflict):
            crm.customers.add_all([{"first_name": "B"}, {"first_name": "C", "card_number": "1"}])
    assert [customer.first_name for customer in crm.select()] == ["A"]


def test_one_key_used_at_once_is_one_deed(crm, people):
    """Every caller gets the same result, and the points are there once."""
    anna = people["Anna"]
    entries = at_once(6, lambda: crm.points.credit(anna, "club", 10, key="till"))
    assert len({entry.id for entry in entries}) == 1
    results = at_once(4, lambda: crm.select().credit_points("club", 5).apply(key="bulk"))
    assert all(result == results[0] for result in results)
    assert sum(not result.repeated for result in results) == 1
    assert crm.points.balance(anna, "club") == 15
    sales = at_once(6, lambda: crm.sales.record(anna, "1.00", external_id="r-1"))
    assert len({sale.id for sale in sales}) == 1
    members = at_once(4, lambda: crm.programs.join(people["Eve"], "club"))
    assert {member.access for member in members} == {"full"}


def test_one_address_wanted_at_once_has_one_owner(crm):
    """Whether as a customer's own or as a further one: one has it, the others are told who."""
    anna = crm.customers.add(first_name="Anna")
    calls = [lambda: crm.customers.add(email="m@example.org"),
             lambda: crm.customers.add_contact_point(anna, "email", "m@example.org")] * 3
    found = at_once(6, lambda: calls.pop()())  # noqa: PLW0108 (each pops its own)
    assert sum(isinstance(each, EmailTaken) for each in found) == 5
    assert crm.customers.find_by_email("m@example.org") is not None


def test_one_customer_wants_several_coupons_at_once(crm, people):
    """The limit per customer holds, whoever is first."""
    crm.coupons.add_series("q", program="club", per_customer=1)
    found = at_once(6, lambda: crm.coupons.issue(people["Anna"], "q"))
    assert [each.reason for each in found if isinstance(each, Refusal)] == ["customer_limit"] * 5
    assert len(crm.coupons.of(people["Anna"])) == 1


def test_asking_inside_a_transaction_while_others_ask(opened):
    """A first question of two threads at once ends, also while one of them writes."""
    crm = opened()
    with crm.transaction():
        found: list[int] = []
        other = threading.Thread(target=lambda: found.append(crm.select("TRUE").count()), daemon=True)
        other.start()
        other.join(0.2)
        assert crm.select("TRUE").count() == 0
    other.join(30)
    assert found == [0]


def test_messages_are_not_dispatched_inside_a_transaction(opened):
    """What has been sent cannot be rolled back, so it is refused before anything is claimed."""
    sms = RecordingChannel()
    crm = opened(country="FI", channels={"sms": sms})
    crm.customers.add(first_name="Anna", phone="040 123 4567")
    crm.select().send_message("Hi", channel="sms", purpose="service").apply(key="k")
    with crm.transaction(), pytest.raises(Conflict):
        crm.outbox.dispatch()
    assert sms.sent == [] and crm.outbox.dispatch() == 1


def test_another_face_learns_of_new_programs(where, opened, people, crm):
    """A second face of the same store can use a program that the first has added meanwhile."""
    if where is None:
        return
    other = opened()
    assert other.select("TRUE").count() == 5
    crm.programs.add("late")
    other.programs.join(people["Eve"], "late")
    assert other.select().join("late").skipped == {"already_a_member": 1}
    assert [row["programs.late.points"] for row in other.select("programs.late EXISTS").view(["programs.late.points"])] == [0]


def test_a_selection_asks_its_segments_anew(crm, people):
    """A selection that is kept sees a redefined segment, in every way of asking."""
    crm.segments.add("s", "first_name = 'Anna'")
    kept = crm.select("SEGMENT('s')")
    assert kept.ids() == [people["Anna"].id]
    crm.segments.add("s", "first_name = 'Ben'")
    assert kept.ids() == [people["Ben"].id] == [each.id for each in kept] == kept.tag("v").customers().ids()
    assert people["Ben"] in kept and kept.explain(people["Ben"]).matched


def test_what_is_written_while_a_table_is_read_can_be_read(crm, people):
    """Rows of a view can be acted on one by one."""
    for number, row in enumerate(crm.select().view(["id"])):
        added = crm.customers.add(first_name=f"New {number}")
        assert crm.customers.get(added.id) == added
        assert row["id"] != added.id
    assert crm.select().count() == 10


def test_large_frozen_selections_combine_like_small_ones(opened):
    """The limit on values is for texts of strangers, not for the people of a selection."""
    crm = opened()
    crm.customers.add_all([{"first_name": "A"} for _ in range(10_050)])
    frozen = crm.select(as_of="2026-11-21T12:00+02:00").freeze()
    crm.programs.add("club")
    assert (frozen & crm.select("sales_total >= 0")).count() == (frozen | crm.select()).count() == 10_050
    assert frozen.join("club").eligible == 10_050
    assert frozen.page(limit=1).customers[0] in frozen


@pytest.mark.parametrize(
    "call",
    [
        lambda crm, anna: crm.customers.add(first_name="A", signed_up_at="soon"),
        lambda crm, anna: crm.customers.add(first_name="A", payment_terms_days=2**70),
        lambda crm, anna: crm.sales.record(anna, 1, units=2.5),
        lambda crm, anna: crm.sales.record(anna, 1, units=2**70),
        lambda crm, anna: crm.sales.record(anna, 1, document="a\0b"),
        lambda crm, anna: crm.sales.record(anna, 1, lines=[{"product": "a\0b"}]),
        lambda crm, anna: crm.coupons.add_series("x", program="club", capacity=2**70),
        lambda crm, anna: crm.coupons.add_series("x", program="club", issue_from="2027-01-01", issue_until="2026-01-01"),
        lambda crm, anna: crm.customers.find_by_external_id("a\0", "b"),
        lambda crm, anna: crm.acting_as("a\0b"),
        lambda crm, anna: crm.acting_as(None),
        lambda crm, anna: crm.customers.identify_caller(None),
        lambda crm, anna: crm.programs.set_access(anna, "club", "full", reason="a\0b"),
        lambda crm, anna: crm.programs.set_category(anna, "club", None),
        lambda crm, anna: crm.tags.set(anna, "VIP", until="2020-01-01"),
        lambda crm, anna: crm.points.credit(anna, "club", 1, expires="2020-01-01"),
        lambda crm, anna: crm.points.credit(anna, "club", 1, text="Hi {nome}"),
        lambda crm, anna: crm.customers.add_all(["x"]),
        lambda crm, anna: crm.select(as_of="1800-01-01"),
        lambda crm, anna: crm.select() | custcrm.open().select(),
        lambda crm, anna: crm.select(5),
        lambda crm, anna: crm.select().view(["id"]).to_csv("no such folder/x.csv"),
        lambda crm, anna: crm.select().view(["id"]).to_csv("x.csv", delimiter=";;"),
        lambda crm, anna: crm.customers.import_csv(None),
    ],
)
def test_bad_input_is_malformed_on_every_store(crm, people, call):
    """Nobody sees an error of an engine or of Python, and nothing is written."""
    with pytest.raises(Malformed):
        call(crm, people["Anna"])
    assert crm.select("sales_count = 0 AND NOT tags.VIP EXISTS").count() == 5


def test_errors_can_be_pickled_and_waterfalls_are_discreet(crm, people):
    """What crosses a process is whole; what is echoed names nobody."""
    crm.customers.add(first_name="A", card_number="1")
    with pytest.raises(Conflict) as caught:
        crm.customers.add(first_name="B", card_number="1")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert "Secret" not in repr(crm.select("first_name = 'Secret' AND sales_count > 0").waterfall())


def test_a_clock_must_be_aware(where):
    """A naive clock is refused when it is given, not at the first action."""
    with pytest.raises(Malformed):
        custcrm.open(where, clock=lambda: __import__("datetime").datetime(2026, 1, 1))
    closed = custcrm.open()
    closed.close()
    with pytest.raises(Closed):
        closed.select()
