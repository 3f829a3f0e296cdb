"""Nonsense in any argument of any verb: an error of ours that says so, and nothing is written."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

import custcrm
from custcrm.records import RECORDS
from custcrm.storage.protocol import Store
from custcrm.testing import ManualClock, RecordingChannel
from tests.crm.nonsense import Text

NONSENSE: Final[Mapping[str, Any]] = {
    "None": None, "5": 5, "-1": -1, "True": True, "1.5": 1.5, "nothing": "", "x": "x", "bytes": b"x", "list": [], "dict": {},
    "object": object(), "NaN": float("nan"), "huge": 10**30, "surrogate": "\ud800", "list of None": [None], "dict of 1": {1: 1},
    "not a number": Decimal("NaN"), "long": "x" * 20_000, "blank": " ", "NUL": "\0", "two": (1, 2),
}
"""What no argument means; a few are sense to some, and these may do what they do."""

NOT_ASKED: Final = {
    ("selection", "is_of"),  # for other parts of the library, with a Business
    ("outbox", "dispatch"),  # refused in a transaction before its argument is looked at; it has a test of its own
}



class _Undo(Exception):
    """Ends a transaction that is not to stand."""


Case = tuple[str, str, str, Any]
"""A part, its verb, an argument, and what is given for it."""


@attrs.frozen
class World:
    """A base with one of everything, and a sensible value for each argument of each verb."""

    crm: custcrm.Crm
    sensible: Mapping[str, Any]
    special: Mapping[tuple[str, str], Mapping[str, Any]]

    def parts(self) -> dict[str, Any]:
        """Return the parts of the facade, and what asks."""
        named = {name: part for name, part in vars(self.crm).items() if not name.startswith("_")}
        return {"crm": self.crm, **named, "selection": self.crm.select()}

    def verbs(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield each verb with the sensible arguments of all its parameters."""
        for part, owner in self.parts().items():
            public = [each for each in dir(owner) if not each.startswith("_")]
            verbs = ["select", "acting_as", "applied"] if part == "crm" else public
            for verb in verbs:
                if callable(getattr(owner, verb)) and (part, verb) not in NOT_ASKED:
                    yield part, verb, self._arguments(part, verb)

    def cases(self) -> Iterator[Case]:
        """Yield each verb with each nonsense for each argument, whole and inside what an argument holds."""
        for part, verb, arguments in self.verbs():
            for name, value in arguments.items():
                for nonsense in NONSENSE.values():
                    yield part, verb, name, nonsense
                    yield from ((part, verb, name, each) for each in _inside(value, nonsense))

    def call(self, part: str, verb: str, **changed: Any) -> Any:
        """Call a verb, with all of it read, and applied if it is a plan."""
        arguments = {**self._arguments(part, verb), **changed}
        given = {name: value for name, value in arguments.items() if name in changed or not isinstance(value, _Unless)}
        done = getattr(self.parts()[part], verb)(**given)
        if isinstance(done, custcrm.Plan):
            return done.apply(key="nonsense")
        return list(done) if hasattr(done, "__iter__") and not isinstance(done, str) else done

    def _arguments(self, part: str, verb: str) -> dict[str, Any]:
        """Return a sensible value for each parameter; where none is known, one that is left out."""
        told = {**self.sensible, **self.special.get((part, verb), {})}
        signature = inspect.signature(getattr(self.parts()[part], verb))
        named = [each.name for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        return {name: told.get(name, _UNLESS) for name in [*named, *self.special.get((part, verb), {})]}


class _Unless:
    """Stands for an argument that is left out unless nonsense is given for it."""


_UNLESS: Final = _Unless()


def _inside(value: Any, nonsense: Any) -> Iterator[Any]:
    """Yield a sensible value with nonsense in each place of it."""
    if isinstance(value, list):
        yield [nonsense]
        for each in value[:1]:
            yield from ([inner] for inner in _inside(each, nonsense))
    elif isinstance(value, dict):
        yield from ({**value, name: nonsense} for name in value)
        try:
            yield {**value, nonsense: "x"}
        except TypeError:
            return
    elif isinstance(value, tuple):
        yield from ((*value[:at], nonsense, *value[at + 1:]) for at in range(len(value)))


def world_of(where: str | Store | None, folder: Path) -> World:
    """Return a base with one of everything."""
    crm = custcrm.open(
        where, currency="EUR", timezone="Europe/Helsinki", country="FI", clock=ManualClock("2026-11-21T12:00+02:00"),
        channels={"email": RecordingChannel()},
    )
    crm.programs.add("club", categories=["Gold"], notifications="email")
    crm.points_of_sale.add("Harbour", program="club")
    crm.terminals.add("till", point_of_sale="Harbour")
    crm.senders.add("shop", program="club")
    anna = crm.customers.add(first_name="Anna", email="anna@example.org", phone="040 1234567", external_ids={"erp": "1"})
    ben = crm.customers.add(first_name="Ben", email="ben@example.org")
    for each in (anna, ben):
        crm.programs.join(each, "club")
        crm.consents.grant(each, "email", evidence="form")
    crm.tags.set(anna, "VIP")
    crm.earning.add("club", "euro")
    (folder / "people.csv").write_text("first_name,Mail\nZoe,zoe@example.org\n", encoding="utf-8")
    sold = "external_id,occurred_at,total,Mail\nr7,2026-11-20,10.00,anna@example.org\n"
    (folder / "sales.csv").write_text(sold, encoding="utf-8")
    file = {"columns": {"Mail": "email"}, "dry_run": False, "encoding": "utf-8", "delimiter": ",", "decimal": ".", "ignore": []}
    lines = [{"product": "Tea", "category": "drinks", "quantity": 2, "price": "5.00", "amount": "10.00"}]
    sale = crm.sales.record(anna, "10.00", program="club", lines=lines, external_id="r1")
    credit = crm.points.credit(anna, "club", 100, key="given")
    crm.accounts.add("wallet", program="club")
    entry = crm.accounts.replenish(anna, "wallet", 50)
    series: dict[str, Any] = {"program": "club", "benefit": {"percent": 10, "at_most": "20.00", "category": "drinks"}}
    crm.coupons.add_series("welcome", capacity=10, budget="100.00", per_coupon=5, stackable=True, **series)
    coupon = crm.coupons.issue(anna, "welcome")
    reserved = crm.coupons.reserve(crm.coupons.issue(anna, "welcome"), reference="o1")
    crm.coupons.add_series("quiet", program="club")
    used = crm.coupons.redeem(crm.coupons.issue(anna, "welcome"), reference="o2", discount="1.00")
    [free] = crm.series.generate("welcome", 1)
    letter = crm.inbox.add(anna, title="Hello", text="Hello")
    crm.segments.add("buyers", "sales_count > 0")
    sensible = {
        "customer": anna, "source": anna, "target": ben, "program": "club", "account": "wallet", "amount": "1.00", "points": 5,
        "total": "10.00", "series": "welcome", "coupon": coupon, "lines": lines, "offer": "welcome", "category": "Gold",
        "access": "limited", "reason": "why", "channel": "email", "sender": "shop", "purpose": "marketing", "evidence": "form",
        "name": "new", "text": "Hi", "title": "Hi", "until": "30 days", "expires": "30 days", "ends": "30 days",
        "terminal": "till", "reference": "o2", "external_id": "r2", "units": 1, "document": "d", "key": "k", "notify": True,
        "rule": "sales_count > 0", "rank": 1, "filter": "sales_count > 0", "period": "last month", "entry": entry, "sale": sale,
        "message": letter, "status": "completed", "summary": "s", "surface": "app", "columns": ["id"],
        "by": crm.select().filter,
        "point_of_sale": "Harbour", "what": credit, "kind": "refund", "count": 1, "value": "x", "limit": 5,
        "email": "anna@example.org", "phone": "040 1234567", "id": anna.id, "system": "erp", "code": free, "actor": "me",
        "factor": _UNLESS, "titles": {"fi": "T"}, "descriptions": {"fi": "D"}, "attributes": {"size": "L"}, "rows": [],
        "external_ids": {"erp": "2"}, "messages": [], "sort": ["id ASC"], "kinds": ["sales"], "categories": ["A"],
        "short_description": "Hi", "distributed": "2026-11-22", "notice": "Hi", "valid_from": "2 days", "keep": "1 year",
        "down": "rule",
    }
    in_a_row = {"customer": anna, "total": "10.00", "occurred_at": "2026-11-20", "lines": lines, "units": 1, "terminal": "till",
                "point_of_sale": "Harbour", "program": "club", "source": "in_store", "document": "d", "external_id": "r3"}
    new = {"kind": "person", "first_name": "Carl", "email": "carl@example.org", "phone": "040 7654321", "card_number": "77"}
    rule = {"category": "drinks", "amount": "1", "starts": "2026-11-22", "ends": "2026-12-22", "per": "money"}
    special: dict[tuple[str, str], dict[str, Any]] = {
        ("customers", "add"): {**new, "locale": "fi", "payment_terms_days": 3, "credit_limit": "5.00"},
        ("customers", "add_all"): {"rows": [{**new, "external_ids": {"erp": "3"}, "attributes": {"size": "L"}}]},
        ("customers", "update"): {"first_name": "Anne", "email": "anne@example.org", "loyalty_eligible": True},
        ("customers", "add_contact_point"): {"kind": "email", "value": "other@example.org", "purpose": "work"},
        ("customers", "search"): {"first_name": "Anna", "any": _UNLESS},
        ("programs", "update"): {"title": "T", "default_access": "full", "notifications": "off", "reversal": "debt",
                                 "reversal_grace": "3 days"},
        ("programs", "join"): {"customer": ben, "access": "full"},
        ("programs", "confirm_participation"): {"evidence": "redemption"},
        ("selection", "join"): {"access": "full"}, ("tags", "set"): {"tag": "size"}, ("tags", "remove"): {"tag": "VIP"},
        ("selection", "tag"): {"key": "size"}, ("selection", "untag"): {"key": "VIP"},
        ("sales", "record"): {"source": "in_store", "point_of_sale": "Harbour", "occurred_at": "2026-11-20"},
        ("sales", "record_all"): {"rows": [in_a_row]},
        ("sales", "refund"): {"units": _UNLESS, "lines": [{"product": "Tea", "quantity": 1, "price": "5.00", "amount": "5.00"}],
                              "amount": _UNLESS},
        ("points", "expiring"): {"within": "30 days"},
        ("earning", "add"): {**rule}, ("earning", "rule"): {**rule},
        ("earning", "end"): {"name": "euro"}, ("earning", "dry_run"): {"rules": [crm.earning.rule("club", "try")]},
        ("accounts", "add"): {"kind": "money"}, ("accounts", "open"): {"customer": ben, "credit_limit": "5.00"},
        ("accounts", "set_limit"): {"credit_limit": "5.00"},
        ("accounts", "statement"): {"period": ("2026-11-01", "2026-11-30"), "until": _UNLESS},
        ("coupons", "add_series"): {**series, "kind": "check_modifier"}, ("coupons", "quote"): {},
        ("coupons", "redeem"): {"sale": _UNLESS, "reference": "o3", "discount": _UNLESS},
        ("coupons", "redeem_all"): {"coupons": [coupon], "sale": _UNLESS, "reference": "o5"},
        ("coupons", "why"): {"sale": sale, "reference": _UNLESS, "discount": "1.00", "lines": _UNLESS},
        ("coupons", "release"): {"coupon": reserved, "reference": "o1"}, ("coupons", "reserve"): {"reference": "o4"},
        ("coupons", "restore"): {"coupon": used, "reference": _UNLESS},
        ("series", "change"): {"name": "welcome", "capacity": 20, "budget": "200.00"}, ("series", "get"): {"name": "welcome"},
        ("series", "pause"): {"name": "quiet"}, ("series", "resume"): {"name": "quiet"},
        ("offers", "open"): {"offer": coupon}, ("offers", "remove"): {"offer": coupon}, ("inbox", "open"): {"customer": anna},
        ("segments", "add"): {"name": "s"}, ("reports", "transaction_log"): {"point_of_sale": _UNLESS, "terminal": "till"},
        ("activities", "log_call"): {"status": "called"}, ("crm", "select"): {"values": {"n": 1}, "filter": "sales_count > :n"},
        ("selection", "replenish"): {"amount": "1.00"}, ("selection", "page"): {"after": _UNLESS},
        ("categories", "add"): {"name": "Silver"}, ("customers", "import_csv"): {"source": folder / "people.csv", **file},
        ("sales", "import_csv"): {"source": folder / "sales.csv", **file},
    }
    return World(crm, sensible, special)


def _records(crm: custcrm.Crm) -> dict[str, int]:
    with crm._business.store.read() as reader:
        return {record.__name__: reader.count_records(record) for record in RECORDS}


def _raised(crm: custcrm.Crm, call: Callable[[], Any], before: Mapping[str, int]) -> BaseException | None:
    """Call within a transaction that does not stand; return what was raised, once nothing was written then."""
    raised: BaseException | None = None
    with suppress(_Undo), crm.transaction():
        try:
            call()
        except Exception as error:  # noqa: BLE001 (which one is the question)
            raised = error
        assert raised is None or _records(crm) == before, "an error leaves nothing behind"
        raise _Undo
    return raised


def _mistakes(world: World, cases: Iterable[Case]) -> list[str]:
    """Return the calls that raised an error which is not ours."""
    crm, before = world.crm, _records(world.crm)
    found: list[str] = []
    for part, verb, name, nonsense in cases:
        raised = _raised(crm, partial(world.call, part, verb, **{name: nonsense}), before)
        if raised is not None and not isinstance(raised, custcrm.CrmError):
            found.append(f"{part}.{verb}({name}={nonsense!r:.60}): {type(raised).__name__}: {raised!s:.90}")
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = world_of(None, tmp_path_factory.mktemp("files"))
    yield made
    made.crm.close()


def test_every_verb_has_arguments_that_are_sense(world: World) -> None:
    """Else the table below would prove nothing: another argument would be refused first."""
    before = _records(world.crm)
    refused = {
        (part, verb): raised
        for part, verb, _ in world.verbs()
        if (raised := _raised(world.crm, partial(world.call, part, verb), before)) is not None
    }
    assert set(refused) == {("customers", "delete")}, refused
    assert isinstance(refused["customers", "delete"], custcrm.Refusal), "she has bought something"


def test_nonsense_is_an_error_of_ours_and_leaves_nothing_behind(world: World) -> None:
    """Whatever is given for whatever argument: Malformed, NotFound or another CrmError, and not a record more or fewer."""
    assert _mistakes(world, world.cases()) == []


@pytest.mark.parametrize("where", ["sqlite", "postgresql"], indirect=True)
def test_nonsense_is_an_error_of_ours_in_a_database_too(where: str, tmp_path: Path) -> None:
    """What memory takes for a key or a text, a database may not: a sample of the table."""
    world = world_of(where, tmp_path)
    assert _mistakes(world, list(world.cases())[::20]) == []
    world.crm.close()


@pytest.mark.parametrize("limit", [0, -1, 1.5, "x", True, [], 10**30 * 1.0])
def test_the_outbox_takes_a_whole_number_of_messages(world: World, limit: Any) -> None:
    """How many go out is a number, before one of them goes."""
    with pytest.raises(custcrm.Malformed) as error:
        world.crm.outbox.dispatch(limit=limit)
    assert error.value.field == "limit"


@pytest.mark.parametrize(("part", "verb", "argument", "nonsense", "field"), [
    ("sales", "record", "units", -1, "units"), ("sales", "record", "terminal", "", "terminal"),
    ("sales", "record", "lines", "", "lines"),
    ("sales", "record", "lines", [None], "lines[1]"), ("sales", "record", "lines", [{b"product": "Tea"}], "lines[1]"),
    ("sales", "record_all", "rows", [None], "rows[1]"), ("accounts", "replenish", "notify", "x", "notify"),
    ("accounts", "reverse", "entry", None, "entry"), ("accounts", "spend", "account", [], "account"),
    ("points", "credit", "terminal", [], "terminal"), ("selection", "issue_coupons", "allow_partial", 5, "allow_partial"),
    ("coupons", "left", "customer", 5, "customer"), ("coupons", "restore", "reference", [None], "reference"),
    ("points", "credit", "text", 5, "text"), ("points", "credit", "program", {}, "program"),
    ("points", "balance", "customer", "\ud800", "customer"), ("earning", "of_sale", "sale", None, "sale"),
    ("earning", "dry_run", "rules", [None], "rules"), ("inbox", "open", "customer", 5, "customer"),
    ("crm", "acting_as", "program", "nowhere", None), ("crm", "acting_as", "terminal", 5, "terminal"),
    ("crm", "select", "scope", 5, "scope"), ("reports", "points_liability", "selection", 5, "selection"),
    ("reports", "transaction_log", "kinds", [[]], "kinds"), ("reports", "transaction_log", "terminal", [], "terminal"),
    ("coupons", "quote", "lines", 5, "lines"), ("coupons", "add_series", "program", [], "program"),
    ("customers", "add_contact_point", "purpose", 5, "purpose"), ("customers", "add", "attributes", [], "attributes"),
    ("points", "expire", "progress", 5, "progress"), ("selection", "page", "limit", "x", "limit"),
    ("selection", "view", "columns", [None], "columns"), ("categories", "add", "rule", 5, "filter"),
])
def test_the_error_names_the_argument(
    world: World, part: str, verb: str, argument: str, nonsense: Any, field: str | None
) -> None:
    """A program that shows errors beside its fields can do so; what is only unknown is not found."""
    with pytest.raises(custcrm.NotFound if field is None else custcrm.Malformed) as error:
        world.call(part, verb, **{argument: nonsense})
    assert getattr(error.value, "field", None) == field


def test_what_cannot_even_be_shown_is_an_error_of_ours(world: World) -> None:
    """Nested too deep, of too many digits, without a truth value, at the edge of the calendar."""
    nested: Any = "x"
    for _ in range(5_000):
        nested = [nested]
    condition = world.crm.select().filter
    told = [
        ("selection", "send_message", "purpose", nested), ("consents", "grant", "channel", nested),
        ("programs", "add", "default_access", 10**5_000), ("sales", "refund", "kind", -(10**5_000)),
        ("programs", "join", "access", condition), ("customers", "import_csv", "dry_run", condition),
        ("sales", "import_csv", "atomic", "no"), ("customers", "import_csv", "ignore", [nested]),
        ("points", "adjust", "points", Decimal("sNaN")),
    ]
    before = _records(world.crm)
    raised = {each[:3]: _raised(world.crm, partial(world.call, *each[:2], **{each[2]: each[3]}), before) for each in told}
    assert {each: type(error).__name__ for each, error in raised.items() if not isinstance(error, custcrm.Malformed)} == {}
    assert world.crm.earning.dry_run("club", period="0001-01-01").sales == 0
    assert list(world.crm.reports.transaction_log(period="0001-01-01")) == []


def test_a_text_of_a_class_of_its_own_is_the_text(world: World) -> None:
    """Wherever one is given: it names what a plain one names, and is kept as one."""
    crm = world.crm
    for given in ({"email": "own@example.org"}, {"card_number": "own 1"}, {"last_name": "Own"}):
        kept = crm.customers.add(**{name: Text(text) for name, text in given.items()})
        assert {name: (type(getattr(kept, name)), getattr(kept, name)) for name in given} == {
            name: (str, text) for name, text in given.items()
        }
    crm.programs.add(Text("other"), categories=[Text("Blue")])
    made = crm.categories.add(Text("other"), Text("Red"), rule=Text("age > 3"))
    assert [type(each) for each in (made.program, made.name)] == [str, str]
    assert crm.select("last_name = :name", values={"name": Text("Own")}).count() == 1


def test_what_is_not_left_out_is_not_taken_for_left_out(world: World) -> None:
    """An empty list is no terminal, and another's message is not in this inbox."""
    letter, ben = world.sensible["message"], world.sensible["target"]
    with pytest.raises(custcrm.NotFound):
        world.crm.inbox.open(letter, customer=ben)
    assert world.crm.inbox.open(letter, customer=world.sensible["customer"]).id == letter.id
