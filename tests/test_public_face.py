"""The public face: what `__all__` names is there, is documented, and costs nothing before it is used."""

import re
import subprocess
import sys
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest

import custcrm
from custcrm.crm import Crm
from tests.public_names import MODULES, public_names

DOCUMENTED = re.compile(r"^\.\. (?:auto)?(?:class|function|exception|data):: ([\w.]+)", re.MULTILINE)
REFERENCE = Path("docs/reference.md").read_text(encoding="utf-8")

HEAVY = (
    "sqlalchemy", "alembic", "psycopg", "phonenumbers", "email_validator", "cattrs", "typer", "rich", "regex",
    "sortedcontainers",
)  # fmt: skip
RINGS = (
    "storage", "messaging", "records", "rules", "vocabulary", "selection", "actions", "crm", "importing", "verifying", "cli",
    "testing",
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_there(module: str) -> None:
    """`__all__` is sorted, without repetition, and every name of it can be had."""
    face = import_module(module)
    assert sorted(set(face.__all__)) == sorted(face.__all__)
    for name in face.__all__:
        assert getattr(face, name) is not None


def test_public_names_take_what_they_took() -> None:
    """Every public name, verb and argument is as it was written down; a change is made in the listing too, on purpose."""
    written = Path(__file__).with_name("public_names.txt").read_text(encoding="utf-8").splitlines()
    assert public_names() == written


@pytest.mark.parametrize("module", ["custcrm", "custcrm.filters"])
def test_lazy_names_are_listed(module: str) -> None:
    """`dir` has the names that are loaded only when they are used, so that a notebook can complete them."""
    assert set(import_module(module).__all__) <= set(dir(import_module(module)))


@pytest.mark.parametrize("module", MODULES)
def test_the_reference_documents_exactly_the_public_names(module: str) -> None:
    """Every public name has an entry in docs/reference.md, and nothing else of the module has one."""
    documented = {name.rpartition(".")[2] for name in DOCUMENTED.findall(REFERENCE) if name.rpartition(".")[0] == module}
    shared = set(custcrm.__all__) if module != "custcrm" else set()     # one entry serves both modules
    assert documented - shared <= set(import_module(module).__all__)
    assert set(import_module(module).__all__) - documented <= {"FilterError", "LimitExceeded"} & shared


def test_the_reference_documents_every_part_of_a_crm() -> None:
    """Each part of the facade has an entry: what hangs on a Crm is public."""
    with custcrm.open() as crm:
        parts = {type(part) for name, part in vars(crm).items() if not name.startswith("_")}
    assert {f"{part.__module__}.{part.__name__}" for part in parts} <= set(DOCUMENTED.findall(REFERENCE))
    assert len(parts) >= 14


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_says_what_it_is(module: str) -> None:
    """Every class and function has a docstring that begins with a sentence."""
    face = import_module(module)
    bare = [name for name in face.__all__ if callable(getattr(face, name)) and not (getattr(face, name).__doc__ or "").strip()]
    assert bare == []


def test_parts_have_few_verbs() -> None:
    """A noun of the facade with more verbs than the life of a coupon, fifteen, is two nouns."""
    with custcrm.open() as crm:
        parts = [part for name, part in vars(crm).items() if not name.startswith("_")]
    for part in parts:
        verbs = [name for name in dir(type(part)) if not name.startswith("_") and callable(getattr(type(part), name))]
        assert len(verbs) <= 15, f"{type(part).__name__}: {', '.join(verbs)}"


def test_arguments_with_defaults_are_keywords() -> None:
    """Of the bulk verbs and of `open`, only the subject is positional: the rest is named where it is called."""
    for verb in (custcrm.open, *(getattr(custcrm.Selection, name) for name in ("credit_points", "issue_coupons", "join"))):
        positional = [each for each in signature(verb).parameters.values() if each.kind is not each.KEYWORD_ONLY]
        assert [each.name for each in positional if each.default is not each.empty] in ([], ["store"])
    assert "filter" in signature(Crm.select).parameters


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh process has after a statement."""
    program = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_filter_engine_stands_alone() -> None:
    """`import custcrm.filters`, and reading and asking a filter, load no store, no channel and no library behind them."""
    statement = (
        "from custcrm.filters import Schema; "
        "rule = Schema({'visits': int}).parse('visits > 3'); rule.select([{'visits': 5}]); rule.to_json()"
    )
    loaded = loaded_by(statement)
    assert not {name for name in loaded if name.partition(".")[0] in HEAVY}
    assert not {f"custcrm.{ring}" for ring in RINGS} & loaded


def test_importing_the_package_loads_nothing() -> None:
    """`import custcrm` is lazy: a name is loaded when it is used, a database library when a database is opened."""
    assert not {name for name in loaded_by("import custcrm") if name.startswith("custcrm.")}
    loaded = loaded_by("import custcrm; custcrm.open().customers.add(first_name='Anna')")
    assert not {"sqlalchemy", "alembic", "psycopg", "cattrs"} & loaded
