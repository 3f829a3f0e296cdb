"""Writes down the public face: every public name, its signature, and the verbs of its class and of the parts of a Crm.

`python -m tests.public_names > tests/public_names.txt` makes the listing anew, which is a decision: what stands in it is
what people have written in their programs. Where a class lives does not show in it; what it is called and takes does.
"""

import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from importlib import import_module
from inspect import Signature, getattr_static, isclass, isfunction, ismethod, signature
from typing import Any

import custcrm

MODULES = ("custcrm", "custcrm.filters", "custcrm.testing")
MODULE_PATH = re.compile(r"\bcustcrm(?:\.[a-z_]+)+\.")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
# What attrs and object write for every class says nothing of ours.
GENERATED = re.compile(
    r"__(?:record|init|repr|eq|ne|hash|lt|le|gt|ge|new|setattr|delattr|replace|reduce.*|.*state|attrs.*|annotations.*|doc|module|dict"
    r"|weakref|slots|match_args|init_subclass|class_getitem|parameters|orig_bases|firstlineno|static_attributes)__",
)
NAMED = re.compile(r"[a-zA-Z]|__|_repr_")


def public_names() -> list[str]:
    """Return the public face as lines, one for each thing that a program can name."""
    lines = [line for module in MODULES for name in sorted(import_module(module).__all__) for line in _described(module, name)]
    with custcrm.open() as crm:
        for name, part in sorted(vars(crm).items()):
            if not name.startswith("_"):
                lines += _verbs(f"crm.{name}", type(part))
    return lines


def _described(module: str, name: str) -> Iterator[str]:
    value, called = getattr(import_module(module), name), f"{module}.{name}"
    if not isclass(value):
        yield f"{called}{_signature(value)}" if callable(value) else called
    elif issubclass(value, Enum):
        yield f"{called}: {', '.join(f'{each.name} = {each.value!r}' for each in value)}"
    else:
        yield f"{called}{_signature(value)}"
        yield from _verbs(called, value)


def _verbs(called: str, kind: type) -> Iterator[str]:
    """Yield the public verbs and properties of a class, those of custcrm's own classes above it included."""
    names = {name for each in kind.__mro__ if each.__module__.startswith("custcrm") for name in vars(each)}
    for name in sorted(each for each in names if NAMED.match(each) and not GENERATED.fullmatch(each)):
        static = getattr_static(kind, name)
        value = getattr(kind, name)
        if isinstance(static, property):
            yield f"{called}.{name}: {_plain(str(signature(static.fget).return_annotation))}" if static.fget else name
        elif "cached_properties" in (signature(value).parameters if isfunction(value) else ()):
            continue    # attrs' own way to find a cached property
        elif isfunction(value) or ismethod(value):
            yield f"{called}.{name}{_signature(value)}"
        else:
            yield f"{called}.{name}"


def _signature(value: Any) -> str:
    try:
        found: Signature = signature(value)
    except (TypeError, ValueError):     # an exception or a type alias says nothing that differs from its class
        return ""
    assert not is_dataclass(value)
    return _plain(str(found))


def _plain(text: str) -> str:
    return ADDRESS.sub("", MODULE_PATH.sub("", text)).replace("\n", " ")


if __name__ == "__main__":
    print("\n".join(public_names()))
