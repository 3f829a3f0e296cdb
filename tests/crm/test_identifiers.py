"""Identifiers at every door: never blank, trimmed alike where they are stored and where they are looked up."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

import custcrm
from custcrm.records import RECORDS, Customer
from tests.crm.test_nonsense import World, _raised, _records, _Undo, world_of

BLANKS: Final = ("", "\u00a0\t ", "\u200b \ufeff", "\u3164\u2800", "\u2062\ufe0f\x1b\U000e0020")

NAMES: Final = {
    "account", "category", "card_number", "code", "coupon", "customer", "document", "external_id", "key", "message", "name",
    "offer", "point_of_sale", "program", "reference", "sale", "sender", "series", "system", "target", "terminal",
}
"""Arguments that name something stored, in whichever verb."""

OF_A_VERB: Final = {
    ("customers", "get", "id"), ("customers", "find_by_external_id", "id"), ("points", "transfer", "source"),
    ("sales", "record", "source"), ("coupons", "redeem", "identity"), ("coupons", "add_series", "shared_code"),
}

DRAWN: Final = {"id", "applied_id", "code", "content", "arguments", "entry_id", "lot_id", "import_id"}
"""Columns that differ from call to call."""

UUID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def world(where: str | None, tmp_path: Path) -> Iterator[World]:
    made = world_of(where, tmp_path)
    # The first guest makes the key of the hashes, which all later ones have in common.
    made.crm.coupons.redeem(made.sensible["code"], identity="first guest", discount="1.00")
    yield made
    made.crm.close()


def _doors(world: World) -> Iterator[tuple[str, str, str, str]]:
    """Yield each verb with each argument that names something, and a text that makes sense there."""
    texts = _texts(world)
    for part, verb, arguments in world.verbs():
        for name, value in arguments.items():
            if (name in NAMES and (name != "sale" or part == "sales")) or (part, verb, name) in OF_A_VERB:
                text = value if isinstance(value, str) else texts.get(name)
                if text is not None:
                    yield part, verb, name, text


def _step(where: str | None) -> int:
    """Return how many doors to step: all are tried in memory, a sample in a database, where each call takes long."""
    return 1 if where is None else 7


def _texts(world: World) -> Mapping[str, str]:
    """Return texts for what the table of sense gives as records."""
    told = world.sensible
    return {
        "customer": told["customer"].id, "source": told["customer"].id, "target": told["target"].id,
        "coupon": told["coupon"].code, "offer": told["coupon"].code, "sale": "r1", "message": told["message"].id,
        "shared_code": "SPRING", "identity": "guest@example.org",
    }


def _besides(world: World, part: str, verb: str, name: str) -> dict[str, Any]:
    """Return what must be told otherwise, for the argument to be looked at."""
    match part, verb, name:
        case "coupons", "redeem", "identity":
            return {"coupon": world.sensible["code"], "customer": None}
        case "coupons", "add_series", "shared_code":
            return {"codes": "shared"}
        case "inbox", _, "message":
            return {"customer": world.sensible["customer"]}
    return {}


def _written(world: World, part: str, verb: str, **changed: Any) -> list[str]:
    """Return what a call leaves in the store, without what is drawn anew each time; it does not stand."""
    before = _kept(world)
    found: list[str] = []
    known = set(UUID.findall(str(before)))
    with suppress(_Undo), world.crm.transaction():
        try:
            world.call(part, verb, **changed)
        except (custcrm.Refusal, custcrm.Conflict) as no:  # such as of somebody who has bought: it is the same for both
            return [repr(no)]
        fresh = [each for each in _kept(world) if each not in before]
        found = sorted(UUID.sub(lambda id_: id_[0] if id_[0] in known else "new", each) for each in fresh)
        raise _Undo
    return found


def _kept(world: World) -> list[str]:
    with world.crm._business.store.read() as reader:
        kept: list[str] = []
        for record in RECORDS:
            kept += map(repr, map(_plain, reader.find(record)))
    return kept


def _plain(record: Any) -> dict[str, Any]:
    kept = attrs.asdict(record, recurse=False)
    return {"record": type(record).__name__, **{name: value for name, value in kept.items() if name not in DRAWN}}


def test_a_blank_identifier_is_refused_by_every_verb(world: World, where: str | None) -> None:
    """Nothing is known by nothing: Malformed with the field, and not a record more or fewer."""
    before, taken = _records(world.crm), []
    doors = list(_doors(world))
    assert len(doors) > 100
    for part, verb, name, _ in doors[:: _step(where)]:
        for blank in BLANKS:
            call = partial(world.call, part, verb, **{**_besides(world, part, verb, name), name: blank})
            raised = _raised(world.crm, call, before)
            if not isinstance(raised, custcrm.Malformed) or raised.field is None:
                taken.append(f"{part}.{verb}({name}={blank!r}): {raised!r:.60}")
    assert taken == []


def test_white_space_round_an_identifier_says_nothing_to_any_verb(world: World, where: str | None) -> None:
    """What is written under " x" and a blank is what is written under "x", and it is found by either."""
    different = []
    for part, verb, name, text in list(_doors(world))[:: _step(where)]:
        beside = _besides(world, part, verb, name)
        plain = _written(world, part, verb, **{**beside, name: text})
        padded = _written(world, part, verb, **{**beside, name: f"\u2800 {text}\u00a0\u200b\u3164\x1b"})
        if plain != padded:
            different.append(f"{part}.{verb}({name}): {plain!r:.300} / {padded!r:.300}")
    assert different == []


def test_identifiers_inside_what_is_told_are_read_alike(world: World) -> None:
    """Keys of attributes, systems and ids, categories, references, cells: neither blank nor padded."""
    crm, anna = world.crm, world.sensible["customer"]
    for blank in BLANKS:
        for told in ({"external_ids": {blank: "1"}}, {"external_ids": {"erp": blank}}, {"attributes": {blank: "1"}},
                     {"card_number": blank}):
            with pytest.raises(custcrm.Malformed) as error:
                crm.customers.add(first_name="Zoe", **told)
            assert error.value.field is not None
        def several_of(*, each: str = blank) -> list[Callable[[], Any]]:
            return [
                lambda: crm.programs.add("other", categories=[each]),
                lambda: crm.coupons.restore(reference=["o2", each]),
                lambda: crm.sales.record_all([{"customer": anna, "total": "1", "external_id": each}]),
                lambda: crm.select(scope=custcrm.at(program=each)).count(),
                lambda: crm.acting_as("me", terminal=each),
            ]

        for call in several_of():
            with pytest.raises(custcrm.Malformed):
                call()
    zoe = crm.customers.add(external_ids={" web\t": " 7 "}, attributes={" shoe size ": " 39 "}, card_number="\u00a012 ")
    assert crm.customers.find_by_external_id("web ", "7\u200b") == zoe
    assert zoe.card_number == "12" and crm.customers.search(card_number=" 12").ids() == [zoe.id]
    assert crm.select('attributes."shoe size" = \' 39 \'').ids() == [zoe.id], "a value is kept as it is"
    with pytest.raises(custcrm.Malformed, match="twice"):
        crm.customers.add(external_ids={"a": "1", " a": "2"})


def test_a_blank_reference_gives_nobody_a_coupon_back(world: World) -> None:
    """Two customers redeemed with a blank reference; a blank one restored both."""
    crm = world.crm
    for each in (world.sensible["customer"], world.sensible["target"]):
        with suppress(custcrm.Malformed):
            crm.coupons.redeem(crm.coupons.issue(each, "welcome"), reference=" ", discount="1.00")
    try:
        restored = len(crm.coupons.restore(reference=" "))
    except custcrm.CrmError:
        restored = 0
    assert restored == 0, f"{restored} redemptions of different customers were taken back by a blank reference"


def test_a_blank_external_id_loses_no_sale(world: World) -> None:
    """The second sale with a blank id was taken for the first one told again."""
    crm, anna = world.crm, world.sensible["customer"]
    before, told = len(crm.sales.of(anna)), 0
    for _ in range(2):
        with suppress(custcrm.Malformed):
            crm.sales.record(anna, "5.00", external_id=" ")
            told += 1
    assert len(crm.sales.of(anna)) == before + told, "a sale was answered and is not there"


def test_a_search_for_a_blank_is_no_search_for_everybody(world: World) -> None:
    """In each criterion, by each match."""
    crm = world.crm
    for criterion in ("first_name", "last_name", "company_name", "phone", "email", "card_number", "any"):
        for match in ("prefix", "contains", "exact"):
            for blank in BLANKS:
                try:
                    found: Any = crm.customers.search(match=match, **{criterion: blank}).count()
                except custcrm.Malformed as error:
                    found = error.field
                assert found == criterion, f"search({criterion}={blank!r}, match={match!r}) finds {found} customers"
    for blank in BLANKS:
        for find in (crm.customers.find_by_email, crm.customers.identify_caller):
            with pytest.raises(custcrm.Malformed):
                find(blank)


def test_a_text_that_is_needed_shows_something(world: World, where: str | None) -> None:
    """Law: what tells why, and what a customer reads, is refused where nobody could see it; a text may be left empty by it."""
    crm, anna = world.crm, world.sensible["customer"]
    for blank in BLANKS:
        taken = []
        for name, call in {
            "evidence": lambda told: crm.consents.grant(anna, "sms", evidence=told),
            "title": lambda told: crm.inbox.add(anna, title=told, text="Hello"),
            "reason": lambda told: crm.points.adjust(anna, "club", 1, reason=told),
        }.items():
            with suppress(custcrm.Malformed):
                call(blank)
                taken.append(name)
        assert taken == [], f"{blank!r} is taken as {taken}"
        changed = crm.customers.update(anna, registry_code=blank, payment_reference=blank, web_shop_username=blank)
        assert (changed.registry_code, changed.payment_reference, changed.web_shop_username) == (None, None, None)
    if where is not None and where.startswith("postgresql"):
        for blank in BLANKS:
            with pytest.raises(custcrm.Malformed) as error:
                custcrm.open(where, schema=blank)
            assert error.value.field == "schema"


def test_what_is_kept_is_kept_trimmed(world: World) -> None:
    """A card number typed with blanks is the card number, for a change too; a blank one does not clear it."""
    crm, anna = world.crm, world.sensible["customer"]
    assert crm.customers.update(anna, card_number=" 4711\u00a0").card_number == "4711"
    with pytest.raises(custcrm.Malformed) as error:
        crm.customers.update(anna, card_number=" ")
    assert error.value.field == "card_number"
    with crm._business.store.read() as reader:
        kept = reader.get(Customer, anna.id)
    assert kept is not None and kept.card_number == "4711"
