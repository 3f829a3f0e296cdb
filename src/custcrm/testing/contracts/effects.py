"""The laws of a store about effects: how targets are numbered, and that each row is what `effects.build` makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import Customer, Membership, Message, PointsEntry, TagAssignment, Target
from custcrm.records.codec import from_columns
from custcrm.records.programs import Access
from custcrm.storage.customer_facts import facts
from custcrm.storage.effects import (
    OVER_LIMIT,
    Change,
    CustomerKey,
    Given,
    NewId,
    Of,
    Slice,
    Source,
    Staged,
    Template,
    build,
    customer_values,
)
from custcrm.storage.protocol import Store, Writer
from custcrm.storage.questions import Question, Verdict
from custcrm.testing.bases import LONG_AGO, NOW, Base, bases, some_id
from custcrm.testing.contracts.questions import question, sale, value
from custcrm.testing.contracts.records import FAR_OFF, ON_ONE_STORE, customer, entry, put, tag
from custcrm.testing.parity import APPLIED, REJECTED, TEMPLATES, counted, rolled_back
from custcrm.testing.questions import SCHEMA, questions, verdicts
from custcrm.values.errors import Reason
from custcrm.values.ids import numbered

FINNISH = Verdict(((Reason.NOT_ELIGIBLE, SCHEMA.parse("country = 'FI'")),))


class EffectLaws:
    """The same effect for many customers or for one writes the same."""

    @ON_ONE_STORE
    @given(base=bases(), asked=questions(), rules=verdicts(), limit=st.none() | st.integers(0, 4))
    def test_freeze_numbers_the_targets(
        self, store: Store, base: Base, asked: Question, rules: Verdict, limit: int | None
    ) -> None:
        """In id order: the eligible 1…n, the refused -1…-m, those over the limit from -(OVER_LIMIT + 1) down."""
        with rolled_back(store) as writer:
            writer.add(base)
            firsts = {each: next(iter(reasons), None) for each, reasons in writer.refusals(asked, rules).items()}
            counts = counted(writer.freeze(APPLIED, asked, rules, limit=limit))
            targets = {each.customer_id: each for each in writer.find(Target)}
            eligible = [each for each in sorted(firsts) if firsts[each] is None]
            within = eligible if limit is None else eligible[:limit]
            refused = [each for each in sorted(firsts) if firsts[each] is not None]
            over = eligible[len(within) :]
            assert [targets.pop(each) for each in within] == [_target(n, each) for n, each in enumerate(within, 1)]
            assert [targets.pop(each) for each in refused] == [
                _target(-n, each, firsts[each]) for n, each in enumerate(refused, 1)
            ]
            assert [targets.pop(each) for each in over] == [
                _target(-OVER_LIMIT - n, each, Reason.SERIES_CAPACITY) for n, each in enumerate(over, 1)
            ]
            assert targets == {}
            reasons = [each.reason for each in writer.find(Target)]
            assert counts == {reason: reasons.count(reason) for reason in reasons}

    @ON_ONE_STORE
    @given(base=bases(), asked=questions(), split=st.integers(0, 6), template=st.sampled_from(TEMPLATES))
    def test_add_for_each_is_a_loop_of_build(
        self, store: Store, base: Base, asked: Question, split: int, template: Template
    ) -> None:
        """For each eligible target allowed by the template's rules, the record is that of `build`, in any slices."""
        with rolled_back(store) as writer:
            writer.add(base)
            eligible = writer.freeze(APPLIED, asked, Verdict()).get(None, 0)
            wanted = [each for target in writer.find(Target) if (each := _built(writer, template, target)) is not None]
            before: list[Any] = list(writer.find(template.record))
            written = 0
            for first, last in ((1, min(split, eligible)), (min(split, eligible) + 1, eligible)):
                writer.stage(APPLIED.id, "code", [(number, f"code {number}") for number in range(first, last + 1)])
                written += writer.add_for_each(template, Slice(APPLIED.id, first, last, NOW, SCHEMA))
            after: list[Any] = list(writer.find(template.record))
            assert written == len(wanted)
            assert sorted(map(repr, after)) == sorted(map(repr, [*before, *wanted]))

    def test_a_template_for_reasons_writes_for_all_of_them(self, store: Store) -> None:
        """With `reasons`, the refused of the whole apply get the record, whatever the slice, and the eligible do not."""
        put(store, customer(4, country="FI"), customer(5, country="FI"))
        rejected = evolve(REJECTED, reasons=(Reason.NOT_ELIGIBLE,))
        with store.write() as writer:
            writer.freeze(APPLIED, question("TRUE"), FINNISH, limit=1)
            assert writer.add_for_each(rejected, Slice(APPLIED.id, 1, 1, NOW, SCHEMA)) == 3
            found = {each.customer_id: each for each in writer.find(Message)}
            assert list(found) == [some_id(1), some_id(2), some_id(3)]
            assert {each.reason for each in found.values()} == {"not_eligible"}
            assert found[some_id(2)].id == numbered(APPLIED.id, 4, 2)

    def test_a_slice_is_of_its_apply_and_its_numbers(self, store: Store) -> None:
        """Only the targets first…last of this apply get a record; a batch done twice would clash, not double."""
        put(store, customers=5)
        other = evolve(APPLIED, key="other", id=some_id(2 * 10**6))
        with store.write() as writer:
            writer.freeze(APPLIED, question("TRUE"), Verdict())
            writer.freeze(other, question(f"id = '{some_id(1)}'"), Verdict())
            tags = TEMPLATES[3]
            assert writer.add_for_each(tags, Slice(APPLIED.id, 2, 3, NOW, SCHEMA)) == 2
            assert [each.customer_id for each in writer.find(TagAssignment)] == [some_id(2), some_id(3)]
            assert writer.add_for_each(tags, Slice(other.id, 1, 20, NOW, SCHEMA)) == 1

    def test_staged_texts_go_with_their_write(self, store: Store) -> None:
        """A staged text reaches its number's record, is another apply's never, and is gone when the write() ends."""
        put(store)
        told = evolve(TEMPLATES[1], verdict=Verdict(), values={**TEMPLATES[1].values, "code": Staged("code")})
        with store.write() as writer:
            writer.freeze(APPLIED, question("TRUE"), Verdict())
            writer.stage(APPLIED.id, "code", [(1, "A"), (2, "B"), (3, "C")])
            writer.stage(APPLIED.id, "text", [(1, "X")])
            writer.stage(some_id(7), "code", [(1, "Y"), (2, "Y")])
            writer.add_for_each(told, Slice(APPLIED.id, 1, 2, NOW, SCHEMA))
            assert [each.code for each in writer.find(Message)] == ["A", "B"]
        with store.write() as writer:
            writer.add_for_each(told, Slice(APPLIED.id, 3, 3, NOW, SCHEMA))
            assert [each.code for each in writer.find(Message)] == ["A", "B", None]

    # changes ------------------------------------------------------------------------------------

    def test_change_for_each_changes_what_matches(self, store: Store) -> None:
        """Only records of eligible targets of the slice, that have all of `match`; returns how many changed."""
        put(store, customer(4, country="FI"), customer(5, country="FI"), customer(6, country="FI"),
            *(tag(10 + owner, owner=owner, value=v) for owner, v in [(1, "a"), (4, "a"), (5, "b"), (6, "a")]))
        change = Change(record=TagAssignment, match={"key": "VIP", "value": "a"}, values={"value": Given("c")})
        with store.write() as writer:
            writer.freeze(APPLIED, question("TRUE"), FINNISH)
            assert writer.change_for_each(change, Slice(APPLIED.id, 1, 2, NOW, SCHEMA)) == 1
            assert [each.value for each in writer.find(TagAssignment)] == ["a", "c", "b", "a"]

    def test_a_match_of_none_is_missing(self, store: Store) -> None:
        """`match` means what `where` does: None is missing."""
        put(store, tag(11, value=None), tag(12, value=""))
        change = Change(record=TagAssignment, match={"value": None}, values={"until": Given(NOW)})
        assert _changed(store, change) == 1
        with store.read() as reader:
            assert [each.until for each in reader.find(TagAssignment)] == [NOW, FAR_OFF]

    def test_a_change_of_current_records_leaves_the_ended(self, store: Store) -> None:
        """`current`: until missing, or later than as_of; one that ends at as_of has ended."""
        put(store, tag(11, until=LONG_AGO), tag(12, until=NOW), tag(13, until=NOW.replace(year=2030)), tag(14))
        change = Change(record=TagAssignment, match={}, values={"source": Given("x")}, current=True)
        assert _changed(store, change) == 2
        with store.read() as reader:
            assert [each.source for each in reader.find(TagAssignment)] == ["manual", "manual", "x", "x"]

    def test_a_change_may_spare_what_the_deed_itself_wrote(self, store: Store) -> None:
        """`but_new`: rows of this apply stay; rows of another, or of none, change."""
        put(store, tag(11), tag(12, applied_id=APPLIED.id), tag(13, applied_id=some_id(8)))
        change = Change(record=TagAssignment, match={}, values={"source": Given("x")}, but_new=True)
        assert _changed(store, change) == 2
        with store.read() as reader:
            assert [each.source for each in reader.find(TagAssignment)] == ["x", "manual", "x"]

    def test_a_change_may_have_rules_of_its_own(self, store: Store) -> None:
        """Nothing of a target changes whom one of the change's rules refuses, be it about maps, collections or metrics."""
        put(
            store, tag(11, value="a"), tag(12, owner=2, value="a"), tag(13, owner=3, value="b"), sale(14, 1, "5.00"),
            sale(15, 2, "9.00"), sale(16, 3, "9.00"), entry(17, owner=2, delta=9),
            *(Membership(customer_id=some_id(each), program="gold", access=Access.FULL, joined_at=LONG_AGO) for each in (2, 3)),
        )  # fmt: skip
        rules = Verdict((
            (Reason.NOT_A_MEMBER, SCHEMA.parse("programs.gold.access = 'full' AND sales_total > 5")),
            (Reason.UNCHANGED, SCHEMA.parse("tags.VIP = 'a' OR COUNT(points_entries WHERE delta > 5) > 0")),
        ))
        change = Change(record=TagAssignment, match={"key": "VIP"}, values={"value": Given("c")}, verdict=rules)
        assert _changed(store, change) == 1
        with store.read() as reader:
            assert [each.value for each in reader.find(TagAssignment)] == ["a", "c", "b"]

    def test_rules_of_a_change_are_asked_when_it_is_made(self, store: Store) -> None:
        """A change's rules see what the effects before it have written, and not what it writes itself."""
        put(store, tag(11), tag(12), tag(13, owner=2))
        untold = Verdict(((Reason.UNCHANGED, SCHEMA.parse("NOT EXISTS(points_entries) AND NOT tags.VIP = 'c'")),))
        change = Change(record=TagAssignment, match={"key": "VIP"}, values={"value": Given("c")}, verdict=untold)
        with store.write() as writer:
            writer.freeze(APPLIED, question("TRUE"), Verdict())
            part = Slice(APPLIED.id, 1, 9, NOW, SCHEMA)
            writer.add([entry(14, owner=2)])
            assert writer.change_for_each(change, part) == 2
            assert writer.change_for_each(change, part) == 0
            assert [each.value for each in writer.find(TagAssignment)] == ["c", "c", None]

    def test_a_change_of_the_customers_by_rules_about_them(self, store: Store) -> None:
        """Rules and values are of the customer as before the change."""
        put(store, customer(4, country="FI"), customer(5, country="SE"))
        finns = Verdict(((Reason.NOT_ELIGIBLE, SCHEMA.parse("country = 'FI' AND NOT EXISTS(sales)")),))
        values: dict[str, Source] = {"country": Given("SE"), "locale": Of(value("country"))}
        assert _changed(store, Change(record=Customer, match={}, values=values, verdict=finns)) == 1
        with store.read() as reader:
            assert [(each.country, each.locale) for each in reader.find(Customer, {"id": [some_id(4), some_id(5)]})] == [
                ("SE", "FI"), ("SE", None),
            ]

    @ON_ONE_STORE
    @given(base=bases(), asked=questions(), rules=verdicts())
    def test_a_change_reaches_those_whom_no_rule_refuses(
        self, store: Store, base: Base, asked: Question, rules: Verdict
    ) -> None:
        """Whatever the rules: changed are exactly the records of the targets of whom `refusals` says nothing."""
        with rolled_back(store) as writer:
            writer.add(base)
            eligible = writer.freeze(APPLIED, asked, Verdict()).get(None, 0)
            targets = {each.customer_id for each in writer.find(Target)}
            said = writer.refusals(Question(SCHEMA.parse("TRUE"), NOW), rules)
            allowed = {each for each in targets if not said[each]}
            reached = [evolve(each, source="x") for each in writer.find(TagAssignment) if each.customer_id in allowed]
            change = Change(record=TagAssignment, match={}, values={"source": Given("x")}, verdict=rules)
            assert writer.change_for_each(change, Slice(APPLIED.id, 1, eligible, NOW, SCHEMA)) == len(reached)
            assert list(writer.find(TagAssignment, {"source": "x"})) == reached

    # who is refused meanwhile -------------------------------------------------------------------

    def test_a_slice_leaves_out_whom_a_reason_has_refused_since(self, store: Store) -> None:
        """A target that got a reason after the freeze gets no record and no change, and counts among those of the reason."""
        put(store, tag(11), tag(12, owner=2), tag(13, owner=3))
        change = Change(record=TagAssignment, match={"key": "VIP"}, values={"value": Given("c"), "source": Of(value("id"))})
        credit = evolve(TEMPLATES[0], verdict=Verdict())
        part = Slice(APPLIED.id, 1, 3, NOW, SCHEMA)
        with store.write() as writer:
            writer.freeze(APPLIED, question("TRUE"), Verdict())
            writer.put([evolve(_target(2, some_id(2)), reason="not_enough_points")])
            assert writer.hold_each(part) == writer.hold_each(part, changing=False) == 2
            assert writer.add_for_each(credit, part) == writer.change_for_each(change, part) == 2
            assert [each.customer_id for each in writer.find(PointsEntry)] == [some_id(1), some_id(3)]
            assert [each.value for each in writer.find(TagAssignment)] == ["c", None, "c"]
            assert [each.id for each in writer.find(PointsEntry)] == [numbered(APPLIED.id, 0, 1), numbered(APPLIED.id, 0, 3)]
            told = evolve(REJECTED, reasons=(Reason.NOT_ENOUGH_POINTS,))
            assert writer.add_for_each(told, part) == 1

    @ON_ONE_STORE
    @given(base=bases(), asked=questions(), rules=verdicts(), first=st.integers(1, 3), last=st.integers(1, 4))
    def test_refuse_each_asks_the_rules_of_the_slice_again(
        self, store: Store, base: Base, asked: Question, rules: Verdict, first: int, last: int
    ) -> None:
        """The eligible of the slice whom a rule refuses get the first such reason and are counted; nobody else changes."""
        part = Slice(APPLIED.id, first, last, NOW, SCHEMA)
        told = evolve(REJECTED, reasons=tuple(Reason), in_turn=True, verdict=Verdict())
        with rolled_back(store) as writer:
            writer.add(base)
            writer.freeze(APPLIED, asked, Verdict())
            said = writer.refusals(Question(SCHEMA.parse("TRUE"), NOW), rules)
            wanted = [
                evolve(each, reason=str(said[each.customer_id][0]))
                if first <= each.number <= last and said[each.customer_id] else each
                for each in writer.find(Target)
            ]
            counts = counted(writer.refuse_each(rules, part))
            assert list(writer.find(Target)) == wanted
            assert counts == Counter(each.reason for each in wanted if each.reason)
            assert writer.add_for_each(told, part) == sum(counts.values())
            assert counted(writer.refuse_each(rules, part)) == {}

    def test_who_holds_a_slice_is_told_how_many_are_there(self, store: Store) -> None:
        """Targets that were removed since the freeze, with their customer, are not there; other slices do not count."""
        put(store, customers=5)
        with store.write() as writer:
            writer.freeze(APPLIED, question("TRUE"), Verdict())
            writer.remove(Target, APPLIED.id, 2)
            writer.remove(Customer, some_id(2))
        for first, last, there in ((1, 2, 1), (2, 2, 0), (1, 5, 4), (3, 9, 3), (-3, 3, 2)):
            for changing in (True, False):
                with store.write() as writer:
                    assert writer.hold_each(Slice(APPLIED.id, first, last, NOW, SCHEMA), changing=changing) == there

    def test_a_change_of_the_customers_themselves(self, store: Store) -> None:
        """The customer's own record changes too, and its value is the customer's own as it was before the change."""
        put(store, customer(4, country="FI", home_location="Turku"))
        values: Mapping[str, Source] = {
            "country": Given("SE"), "business_unit": Of(value("country")), "home_location": Given(None),
        }  # fmt: skip
        assert _changed(store, Change(record=Customer, match={}, values=values), f"id = '{some_id(4)}'") == 1
        with store.read() as reader:
            changed = customer(4, country="SE", business_unit="FI")
            assert list(reader.find(Customer, {"country": "SE"})) == [changed]
            assert reader.ids(question("country = 'SE'")) == [some_id(4)]

    def test_a_value_is_asked_when_its_row_is_written(self, store: Store) -> None:
        """An effect sees what the effects before it have written."""
        put(store, customers=1)
        told = evolve(TEMPLATES[1], verdict=Verdict(), values={**TEMPLATES[1].values, "code": Given(None)})
        credit = evolve(TEMPLATES[0], verdict=Verdict())
        member = "programs.gold.points"
        with store.write() as writer:
            writer.add([Membership(customer_id=some_id(1), program="gold", access=Access.FULL, joined_at=LONG_AGO)])
            writer.freeze(APPLIED, question(f"{member} = 0"), Verdict())
            part = Slice(APPLIED.id, 1, 1, NOW, SCHEMA)
            writer.add_for_each(credit, part)
            writer.add_for_each(told, part)
            (entry,), (message,) = writer.find(PointsEntry), writer.find(Message)
            assert entry.delta == message.balance == 100

    def test_an_inner_write_leaves_the_texts_that_were_staged(self, store: Store) -> None:
        """What an inner write() stages goes with it when it fails; what was staged before is there, and more may come."""
        put(store)
        part = Slice(APPLIED.id, 1, 3, NOW, SCHEMA)
        values: dict[str, Source] = {"id": NewId(0), "customer_id": CustomerKey(), "since": Given(NOW)}
        texts = {"key": Staged("key"), "value": Staged("value")}
        template = Template(record=TagAssignment, values=values | texts)
        with store.write() as writer:
            writer.freeze(APPLIED, Question(SCHEMA.parse("TRUE"), NOW), Verdict())
            with rolled_back(store) as inner:
                inner.stage(APPLIED.id, "key", [(1, "inner")])
            writer.stage(APPLIED.id, "key", [(1, "a"), (2, "b")])
            with rolled_back(store) as inner:
                inner.stage(APPLIED.id, "key", [(3, "inner")])
                inner.stage(APPLIED.id, "value", [(1, "inner"), (2, "inner"), (3, "inner")])
                assert inner.add_for_each(template, part) == 3
            writer.stage(APPLIED.id, "key", [(3, "c")])
            writer.stage(APPLIED.id, "value", [(1, "A"), (2, "B"), (3, "C")])
            writer.add_for_each(template, part)
            assert [(each.key, each.value) for each in writer.find(TagAssignment)] == [("a", "A"), ("b", "B"), ("c", "C")]


def _changed(store: Store, change: Change, who: str = "TRUE") -> int:
    with store.write() as writer:
        writer.freeze(APPLIED, question(who), Verdict())
        return writer.change_for_each(change, Slice(APPLIED.id, 1, 9, NOW, SCHEMA))


def _target(number: int, customer_id: str, reason: Reason | None = None) -> Target:
    return Target(applied_id=APPLIED.id, number=number, customer_id=customer_id, reason=reason and str(reason))


def _built(writer: Writer, template: Template, target: Target) -> Any:
    """Return the record that the template makes for one target, None where its rules refuse."""
    row = facts(writer, target.customer_id, Question(SCHEMA.parse("TRUE"), NOW))
    assert row is not None
    if not all(row.matches(rule) for _, rule in template.verdict.rules):
        return None
    columns = build(
        template.values, customer_id=target.customer_id, applied_id=APPLIED.id, number=target.number,
        shown={each: row.value(each) for each in customer_values(template.values)}, staged={"code": f"code {target.number}"},
    )  # fmt: skip
    return from_columns(template.record, columns)
