"""Work in several transactions that is stopped between two: by what is told of its progress, or by Ctrl-C."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import custcrm
from tests.batches import in_batches

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
