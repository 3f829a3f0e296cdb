"""docs/errors.md describes every error and every reason, with the sentences of the code; and what errors name is there."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import custcrm
from custcrm.cli import failures
from custcrm.messaging.protocol import Channel
from custcrm.storage.protocol import Store
from custcrm.values.errors import SENTENCES, CrmError
from tests.docs.pages import code, page, table

PAGE = page("errors.md")
SOURCE = Path(custcrm.__file__).parent

VERB = re.compile(r"\bcrm\.([a-z_]+(?:\.[a-z_]+)*)")
FUNCTION = re.compile(r"\bcustcrm\.([a-z]\w*(?:\.\w+)*)")
OPTION = re.compile(r"(?<![\w.:/?&-])([a-z][a-z_]{2,})=(?![=\w/:]*://)")
OTHERS = {"mode": "of a SQLite address", "shop": "an example of another system", "folded": "of the filter engine's to_sql"}
FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z-]+)")


def test_every_error_class_is_described() -> None:
    """The table has every public error, with a class that it really belongs to, and attributes that it really has."""
    rows = table(PAGE, "error | also a | means | carries | what to do")
    named = {name: getattr(custcrm, name) for name in custcrm.__all__}
    errors = {name for name, each in named.items() if isinstance(each, type) and issubclass(each, CrmError)}
    assert {code(row[0]) for row in rows} == errors
    for row in rows:
        kind = named[code(row[0])]
        assert code(row[1]) in {each.__name__ for each in kind.__mro__}
        carried, todo = (*row[3:], "", "")[:2]
        made = set(re.findall(r"self\.(\w+) = ", "".join(map(inspect.getsource, _ours(kind)))))
        assert set(re.findall(r"`(\w+)`", carried)) <= made | {name for each in kind.__mro__ for name in vars(each)}, kind
        assert row[2], kind
        assert todo or kind is CrmError, kind


def _ours(kind: type) -> list[type]:
    return [each for each in kind.__mro__ if each.__module__.startswith("custcrm.")]


def test_every_exit_code_is_described() -> None:
    """The table has every code with which the command ends."""
    told = {int(row[0]) for row in table(PAGE, "exit code | means")}
    named = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, int)}
    assert told == {0} | named


# what errors name is there -----------------------------------------------------------------------------


def _sentences() -> Iterator[tuple[str, str]]:
    """Yield the texts of every call that makes an error, and those of the page, with where each stands."""
    named = {name: getattr(custcrm, name) for name in custcrm.__all__}
    errors = {name for name, each in named.items() if isinstance(each, type) and issubclass(each, CrmError)}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in errors:
                constants = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", " ".join(each for each in constants if isinstance(each, str))
    yield from ((f"reason {reason}", sentence) for reason, sentence in SENTENCES.items())
    yield from (("errors.md", " ".join(re.findall(r"`([^`]+)`", line))) for line in PAGE.splitlines())


def _options() -> set[str]:
    """Return the names of all arguments that public calls take."""
    found: set[str] = set()
    for each in [*(getattr(custcrm, name) for name in custcrm.__all__), Channel, Store]:
        found |= _arguments_of(each)
    with custcrm.open() as crm:
        for name in dir(crm):
            found |= set() if name.startswith("_") else _arguments_of(type(getattr(crm, name)))
    return found


def _arguments_of(of: Any) -> set[str]:
    members = [of, *(value for name, value in inspect.getmembers(of) if not name.startswith("_"))]
    found: set[str] = set()
    for each in filter(callable, members):
        try:
            found |= set(inspect.signature(each).parameters)
        except (TypeError, ValueError):
            continue
    return found


@pytest.mark.parametrize("pattern", [VERB, FUNCTION, OPTION], ids=["verbs", "functions", "options"])
def test_what_an_error_names_is_there(pattern: re.Pattern[str]) -> None:
    """Law: a verb, a function or an argument that a sentence of an error names, as a remedy or else, exists."""
    options = _options()
    wrong, seen = [], 0
    with custcrm.open() as crm:
        for place, sentence in _sentences():
            for named in pattern.findall(sentence):
                seen += 1
                if pattern is OPTION:
                    there = named in options or named in OTHERS
                else:
                    of: Any = crm if pattern is VERB else custcrm
                    there = True
                    for part in named.split("."):
                        there = there and hasattr(of, part)
                        of = getattr(of, part, None)
                wrong += [] if there else [(place, named)]
    assert seen
    assert wrong == []


def test_flags_that_errors_name_are_there() -> None:
    """Law: an option of the command line that a sentence names is one of a command."""
    commands = page("command-line.md") + (SOURCE / "cli" / "app.py").read_text(encoding="utf-8")
    named = {(place, flag) for place, sentence in _sentences() for flag in FLAG.findall(sentence)}
    assert named
    assert {(place, flag) for place, flag in named if flag not in commands} == set()


def test_every_reason_has_its_sentence() -> None:
    """The table has every reason in order of precedence, with the sentence that a Refusal shows."""
    told = [(code(reason), sentence) for reason, sentence in table(PAGE, "reason | sentence")]
    assert told == [(reason.value, sentence) for reason, sentence in SENTENCES.items()]


def test_every_reason_of_a_row_is_described() -> None:
    """The table has every reason for which a row of a file is refused."""
    from custcrm.importing.report import RowReason

    assert [code(reason) for reason, _ in table(PAGE, "reason | means")] == [reason.value for reason in RowReason]


def test_coupons_keep_the_order_of_reasons() -> None:
    """The reasons for which a coupon is not redeemed come in the order that holds for all actions."""
    from custcrm.rules.coupons import PRECEDENCE

    assert list(PRECEDENCE) == [reason for reason in SENTENCES if reason in PRECEDENCE]
