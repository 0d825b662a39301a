"""The public names, with their methods and properties."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module

# Where `docs/reference` documents names.
MODULES = (
    "llmscope",
    "llmscope.analysis.effects",
    "llmscope.corpus",
    "llmscope.edits",
    "llmscope.evaluation",
    "llmscope.generation",
    "llmscope.sampling",
    "llmscope.training",
    "llmscope.views",
)
_MEMBERS = (property, cached_property, classmethod, staticmethod)


def public_names() -> list[str]:
    """Return the dotted names of public classes and functions, each once."""
    names: dict[object, str] = {}
    for module in MODULES:
        for name in import_module(module).__all__:
            value = found(f"{module}.{name}")
            if inspect.isclass(value) or inspect.isfunction(value):
                names.setdefault(value, f"{module}.{name}")
    return list(names.values())


def found(name: str) -> object:
    """Return the object of a dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def with_members(name: str) -> Iterator[str]:
    """Yield a dotted name, and those of its public methods and properties.

    What a class inherits from another public class is left to that one.
    """
    yield name
    cls = found(name)
    if not inspect.isclass(cls):
        return
    others = {found(other) for other in public_names()} - {cls}
    for member in dir(cls):
        owner = next((c for c in cls.__mro__ if member in vars(c)), object)
        if member.startswith("_") or not owner.__module__.startswith("llmscope"):
            continue
        if owner in others:
            continue
        value = vars(owner)[member]
        if inspect.isfunction(value) or isinstance(value, _MEMBERS):
            yield f"{name}.{member}"
