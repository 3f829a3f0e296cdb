"""Work in several transactions that is stopped between two: by what is told of its progress, or by Ctrl-C."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import custcrm
from custcrm.testing import ManualClock
from tests.batches import in_batches

SALES = "external_id,email,total,occurred_at\ns-1,anna@example.org,5.00,2026-11-20\n"
PEOPLE = "email,first_name\n" + "".join(f"a{number}@example.org,Anna\n" for number in range(7))


class Fault(Exception):
    """What an app's own function may raise; its text is personal."""


def _stop(what: type[BaseException]) -> Callable[[int, int], None]:
    def stop(done: int, total: int) -> None:
        if done >= 4:
            raise what("secret")

    return stop


def _import(crm: custcrm.Crm, tmp_path: Path, progress: Any) -> object:
    (file := tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return crm.customers.import_csv(file, key="once", progress=progress)


def _apply(crm: custcrm.Crm, _: Path, progress: Any) -> object:
    return crm.select().tag("vip").apply(key="once", progress=progress)


DEEDS = {"import": _import, "apply": _apply}


@pytest.fixture
def shop(crm: custcrm.Crm, request: pytest.FixtureRequest) -> custcrm.Crm:
    """Give a shop whose work is done two at a time; for an apply, of seven people."""
    if request.node.callspec.params["deed"] == "apply":
        crm.customers.add_all([{"first_name": f"A{number}"} for number in range(7)])
    return in_batches(crm, 2)


@pytest.mark.parametrize("deed", DEEDS)
def test_what_progress_raises_is_unfinished(shop: custcrm.Crm, tmp_path: Path, deed: str) -> None:
    """Law: what a function for progress raises is Unfinished from it, with what stays done; the same call goes on."""
    with pytest.raises((custcrm.CrmError, Fault)) as caught:
        DEEDS[deed](shop, tmp_path, _stop(Fault))
    assert isinstance(caught.value, custcrm.Unfinished)
    assert (caught.value.done, caught.value.total, caught.value.key) == (4, 7, "once")
    assert isinstance(caught.value.__cause__, Fault)
    assert "Fault" in str(caught.value) and "secret" not in str(caught.value)
    DEEDS[deed](shop, tmp_path, False)
    assert shop.select("tags.vip EXISTS" if deed == "apply" else "email EXISTS").count() == 7


@pytest.mark.parametrize("deed", DEEDS)
def test_an_interrupt_says_what_stays(shop: custcrm.Crm, tmp_path: Path, deed: str) -> None:
    """Law: Ctrl-C is raised as what it is, and its note says how far the work is."""
    with pytest.raises(KeyboardInterrupt) as caught:
        DEEDS[deed](shop, tmp_path, _stop(KeyboardInterrupt))
    [note] = getattr(caught.value, "__notes__", [""])
    assert note.startswith("stopped after 4 of 7, which stay done")
    DEEDS[deed](shop, tmp_path, False)


# every verb that tells how far it is ----------------------------------------------------------------


def _import_one(crm: custcrm.Crm, tmp_path: Path, progress: Any, **told: Any) -> object:
    (file := tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return crm.customers.import_csv(file, progress=progress, **told)


def _import_sales(crm: custcrm.Crm, tmp_path: Path, progress: Any) -> object:
    (file := tmp_path / "sales.csv").write_text(SALES, encoding="utf-8")
    return crm.sales.import_csv(file, progress=progress)


VERBS: dict[str, Callable[[custcrm.Crm, Path, Any], object]] = {
    "customers.import_csv": _import_one,
    "customers.import_csv as a try": lambda crm, path, progress: _import_one(crm, path, progress, dry_run=True),
    "customers.import_csv as a whole": lambda crm, path, progress: _import_one(crm, path, progress, atomic=True),
    "sales.import_csv": _import_sales,
    "Plan.apply": lambda crm, _, progress: crm.select().tag("vip").apply(key="once", progress=progress),
    "points.expire": lambda crm, _, progress: crm.points.expire(progress=progress),
    "points.expire under a key": lambda crm, _, progress: crm.points.expire(progress=progress, key="once"),
    "series.generate": lambda crm, _, progress: crm.series.generate("flyer", 3, progress=progress),
    "Crm.verify": lambda crm, _, progress: crm.verify(progress=progress),
}
"""How to call each verb that takes `progress`."""


def test_all_verbs_that_tell_how_far_they_are_are_tried() -> None:
    """Whoever adds one tries it here."""
    names = (Path(__file__).parents[1] / "public_names.txt").read_text("utf-8").splitlines()
    assert {verb.partition(" ")[0] for verb in VERBS} == {_verb_of(each) for each in names if "progress: " in each}


def _verb_of(line: str) -> str:
    """Return class and method of a line such as `custcrm.Crm.verify(…)`."""
    return ".".join(line.split("(", 1)[0].split(".")[-2:])


@pytest.mark.parametrize("raised", [Fault("secret"), custcrm.NotFound("an error of ours")])
@pytest.mark.parametrize("verb", VERBS)
def test_whatever_progress_raises_is_unfinished(
    crm: custcrm.Crm, clock: ManualClock, tmp_path: Path, verb: str, raised: Exception
) -> None:
    """Law: of every verb, in one transaction or several, written or only read; its text is not told; called again it works."""
    crm.programs.add("club")
    crm.coupons.add_series("flyer", program="club")
    anna = crm.customers.add(first_name="Anna", email="anna@example.org")
    crm.programs.join(anna, "club")
    crm.points.credit(anna, "club", 5, expires="2026-11-21T12:00:01+02:00")
    clock.advance("1 day")

    def fail(done: int, total: int) -> None:
        raise raised

    with pytest.raises((custcrm.CrmError, Fault)) as caught:
        VERBS[verb](crm, tmp_path, fail)
    assert isinstance(caught.value, custcrm.Unfinished), verb
    assert caught.value.__cause__ is raised
    assert "secret" not in str(caught.value) and caught.value.done <= caught.value.total
    VERBS[verb](crm, tmp_path, False)
