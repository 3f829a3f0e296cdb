"""What is done: each kind of deed, by a few lines. The names to know are `DEEDS` and `OFTEN`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import custcrm
from tests.proofs.chaos.stage import Deed

# customers ------------------------------------------------------------------------------------------


def _add(d: Deed) -> Any:
    return d.crm.customers.add(first_name=f"New {d.number}", email=f"new-{d.number}@example.org", key=d.key)


def _add_all(d: Deed) -> Any:
    rows = [{"first_name": f"One of {d.number}", "email": f"{d.number}-{each}@example.org"} for each in range(3)]
    return d.crm.customers.add_all(rows, key=d.key)


def _clash(d: Deed) -> Any:
    """Half of these want an address that others want too."""
    return d.crm.customers.add(first_name="Clash", email=f"clash-{d.draw.randrange(9)}@example.org", key=d.key)


def _update(d: Deed) -> Any:
    return d.crm.customers.update(d.person, last_name=f"At {d.number}", key=d.key)


def _delete(d: Deed) -> Any:
    return d.crm.customers.delete(d.newcomer, key=d.key)


def _contact_point(d: Deed) -> Any:
    return d.crm.customers.add_contact_point(d.person, "email", f"also-{d.number}@example.org", key=d.key)


def _deactivate(d: Deed) -> Any:
    change = d.draw.choice([d.crm.customers.deactivate, d.crm.customers.activate])
    return change(d.newcomer, key=d.key)


def _tag(d: Deed) -> Any:
    return d.crm.tags.set(d.person, d.draw.choice("ABC"), str(d.number), key=d.key)


def _untag(d: Deed) -> Any:
    return d.crm.tags.remove(d.person, d.draw.choice("ABC"), key=d.key)


def _grant(d: Deed) -> Any:
    return d.crm.consents.grant(d.person, d.draw.choice(["email", "sms"]), evidence="form", key=d.key)


def _deny(d: Deed) -> Any:
    return d.crm.consents.deny(d.person, d.draw.choice(["email", "sms"]), evidence="call", key=d.key)


def _call(d: Deed) -> Any:
    return d.crm.activities.log_call(d.person, status="spoke", summary="About it", key=d.key)


def _segment(d: Deed) -> Any:
    return d.crm.segments.add(f"segment {d.number}", f"sales_count > {d.draw.randrange(5)}", key=d.key)


def _join(d: Deed) -> Any:
    return d.crm.programs.join(d.newcomer, "club", key=d.key)


def _access(d: Deed) -> Any:
    return d.crm.programs.set_access(d.person, "club", d.draw.choice(["full", "full", "limited"]), key=d.key)


def _category(d: Deed) -> Any:
    return d.crm.programs.set_category(d.person, "club", d.draw.choice(["Gold", "Silver"]), key=d.key)


# points and accounts --------------------------------------------------------------------------------


def _own(d: Deed) -> Any:
    """Pay in more than is spent, so that nothing is refused."""
    own = d.stage.own[d.owner]
    if d.draw.random() < 0.3:
        return d.crm.points.spend(own, "club", d.draw.randint(1, 5), key=d.key)
    return d.crm.points.credit(own, "club", d.draw.randint(5, 20), key=d.key)


def _credit(d: Deed) -> Any:
    expires = d.draw.choice([None, "1 second", "30 days", "40 days"])
    return d.crm.points.credit(d.person, "club", d.draw.randint(1, 30), expires=expires, key=d.key)


def _spend(d: Deed) -> Any:
    return d.crm.points.spend(d.person, "club", d.draw.randint(1, 40), key=d.key)


def _adjust(d: Deed) -> Any:
    return d.crm.points.adjust(d.person, "club", d.draw.choice([-3, 4]), reason="count", key=d.key)


def _reverse(d: Deed) -> Any:
    points = d.draw.choice([None, 1])
    return d.crm.points.reverse(d.made("credit", "spend"), points=points, key=d.key)


def _transfer(d: Deed) -> Any:
    source, target = d.draw.sample(d.stage.people, 2)
    return d.crm.points.transfer(source, target, "club", key=d.key)


def _expire(d: Deed) -> Any:
    return d.crm.points.expire("club", key=d.key)


def _replenish(d: Deed) -> Any:
    return d.crm.accounts.replenish(d.person, "wallet", d.draw.randint(1, 30), key=d.key)


def _pay(d: Deed) -> Any:
    return d.crm.accounts.spend(d.person, "wallet", d.draw.randint(1, 30), key=d.key)


def _limit(d: Deed) -> Any:
    return d.crm.accounts.set_limit(d.person, "wallet", d.draw.randint(20, 40), key=d.key)


def _take_back(d: Deed) -> Any:
    return d.crm.accounts.reverse(d.made("replenish", "pay"), amount=d.draw.choice([None, 1]), key=d.key)


# coupons --------------------------------------------------------------------------------------------


def _issue(d: Deed) -> Any:
    return d.crm.coupons.issue(d.person, d.draw.choice(["welcome", "scarce"]), key=d.key)


def _redeem(d: Deed) -> Any:
    return d.crm.coupons.redeem(d.made("issue"), reference=f"order {d.number}", discount="1.00", key=d.key)


def _restore(d: Deed) -> Any:
    return d.crm.coupons.restore(reference=f"order {d.earlier('redeem').number}", key=d.key)


def _reserve(d: Deed) -> Any:
    return d.crm.coupons.reserve(d.made("issue"), reference=f"basket {d.number}", key=d.key)


def _release(d: Deed) -> Any:
    earlier = d.earlier("reserve")
    return d.crm.coupons.release(earlier.do(), reference=f"basket {earlier.number}", key=d.key)


def _revoke(d: Deed) -> Any:
    return d.crm.coupons.revoke(d.made("issue"), reason="lost", key=d.key)


def _generate(d: Deed) -> Any:
    return d.crm.series.generate("welcome", 3, key=d.key)


def _guest(d: Deed) -> Any:
    code = d.made("generate")[d.draw.randrange(3)]
    return d.crm.coupons.redeem(code, identity=f"guest {d.draw.randrange(4)}", reference=f"order {d.number}", key=d.key)


def _revoke_code(d: Deed) -> Any:
    return d.crm.series.revoke_code(d.made("generate")[d.draw.randrange(3)], key=d.key)


def _capacity(d: Deed) -> Any:
    return d.crm.series.change("scarce", capacity=d.draw.randint(30, 60), key=d.key)


# sales ----------------------------------------------------------------------------------------------


def _sale(d: Deed) -> Any:
    lines = [{"product": "Tea", "category": "drinks", "quantity": 2, "price": "5.00", "amount": "10.00"}]
    return d.crm.sales.record(d.person, "10.00", program="club", lines=lines, external_id=f"receipt {d.number}", key=d.key)


def _sales(d: Deed) -> Any:
    rows = [{"customer": d.person, "total": each, "external_id": f"receipt {d.number}-{each}"} for each in (1, 2, 3)]
    return d.crm.sales.record_all(rows, key=d.key)


def _refund(d: Deed) -> Any:
    return d.crm.sales.refund(d.made("sale"), "4.00", key=d.key)


def _cancel(d: Deed) -> Any:
    return d.crm.sales.cancel(d.made("sale"), key=d.key)


# many at once ---------------------------------------------------------------------------------------

_BULK: Final[Sequence[Callable[[custcrm.Selection], custcrm.Plan]]] = (
    lambda some: some.tag("A", "bulk"), lambda some: some.untag("B"), lambda some: some.credit_points("club", 5),
    lambda some: some.spend_points("club", 4), lambda some: some.replenish("wallet", 3),
    lambda some: some.spend_account("wallet", 2), lambda some: some.issue_coupons("welcome"),
    lambda some: some.revoke_coupons("scarce", reason="bulk"),
    lambda some: some.set_access("club", "full"), lambda some: some.set_category("club", "Gold"),
    lambda some: some.send_to_inbox("Hello", text="Hello", channel="email", notice="See the app"),
)


def _bulk(d: Deed) -> Any:
    return d.draw.choice(_BULK)(d.some).apply(key=d.key)


def _write(d: Deed) -> Any:
    channel = d.draw.choice(["email", "sms"])
    return d.some.send_message("Hello {name|friend}", channel=channel).apply(key=d.key)


def _reclassify(d: Deed) -> Any:
    return d.crm.categories.reclassify("club").apply(key=d.key)


def _import_people(d: Deed) -> Any:
    """Half of them are known; some want no more mail, some have a label, some cannot be taken."""
    known = [f"person-{each}@example.org" for each in d.draw.sample(range(len(d.stage.people)), 5)]
    told = [*known, *(f"file-{d.number}-{each}@example.org" for each in range(3)), "nobody", known[0]]
    rows = [f"{each},In {d.number},{d.draw.choice(['yes', 'no', ''])},{d.draw.choice(['yes', 'no'])}" for each in told]
    text = "\n".join(["email,first_name,tags.regular,consents.email", *rows])
    return d.crm.customers.import_csv(d.file(text), key=d.key)


def _import_sales(d: Deed) -> Any:
    people = d.draw.sample(range(len(d.stage.people)), 7)
    rows = [f"file {d.number}-{each},2026-01-0{1 + each % 9},{each}.50,person-{each}@example.org" for each in people]
    text = "\n".join(["external_id,occurred_at,total,email", *rows, "bad,2026-01-01,x,person-1@example.org"])
    return d.crm.sales.import_csv(d.file(text), key=d.key)


# messages -------------------------------------------------------------------------------------------


def _letter(d: Deed) -> Any:
    return d.crm.inbox.add(d.person, title="Hello", text="Hello", channel="sms", notice="See the app", key=d.key)


def _read_letter(d: Deed) -> Any:
    return d.crm.inbox.open(d.made("letter"), key=d.key)


def _remove_letter(d: Deed) -> Any:
    return d.crm.inbox.remove(d.made("letter"), reason="old", key=d.key)


def _dispatch(d: Deed) -> Any:
    d.crm.outbox.dispatch(limit=d.draw.randint(1, 40))


DEEDS: Final[Mapping[str, Callable[[Deed], Any]]] = {
    name.removeprefix("_").replace("_", " "): deed for name, deed in list(globals().items())
    if name.startswith("_") and getattr(deed, "__annotations__", {}).get("d") is Deed
}
"""What is done, by its kind."""

_RARE: Final = {"reclassify", "expire", "capacity", "segment", "limit", "deactivate"}
_MORE: Final = {
    "own": 6, "credit": 5, "issue": 3, "sale": 3, "bulk": 6, "write": 3, "dispatch": 5, "import people": 3, "generate": 2,
}
OFTEN: Final = [kind for kind in DEEDS for _ in range(1 if kind in _RARE else _MORE.get(kind, 1) + 1)]
"""Each kind as often as it is done in a turn."""
