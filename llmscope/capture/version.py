"""Whether a model still is what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llmscope.capture.modules import modules_of, parameters_of
from llmscope.capture.wrappers import adapters

if TYPE_CHECKING:
    import torch
    from torch import nn


def weights_version(model: nn.Module) -> int:
    """Change whenever a parameter of `model` is replaced or written in place.

    By PyTorch's own count, which optimizers and `load_state_dict` move; a write through `.data`
    isn't counted. Another adapter is another version.
    """
    return hash((adapters(model), *map(_version_of, parameters_of(model))))


def _version_of(parameter: torch.Tensor) -> tuple[int, int]:
    if parameter.device.type == "meta":  # it lies on a disk, and comes when it is needed
        return 0, 0
    # What stands for packed numbers of a quantiser lies nowhere itself.
    place = parameter.data_ptr() or id(parameter)
    return place, 0 if parameter.is_inference() else parameter._version


def fingerprint(model: nn.Module) -> int | None:
    """Change with whatever makes untrue what was read before; `None` with foreign hooks.

    A hook may do another thing at each call, so nothing is kept where there are any.
    """
    ways = []
    for module in modules_of(model):
        for hooks in (module._forward_hooks, module._forward_pre_hooks):
            if hooks and not all(_is_own(hook) for hook in hooks.values()):
                return None
        if "forward" in module.__dict__:
            ways.append(id(module.__dict__["forward"]))
    attention = getattr(model.config, "_attn_implementation", None)
    return hash((weights_version(model), attention, *ways))


def _is_own(hook: Callable[..., Any]) -> bool:
    return getattr(hook, "__module__", "").startswith("transformers.")
