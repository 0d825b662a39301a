"""Unwrap models: `torch.compile`, `DataParallel`, PEFT adapters, offloaded weights."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial, update_wrapper
from types import CellType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from llmscope.capture.undo import Changes

if TYPE_CHECKING:
    import torch
    from torch import nn

# Wrappers that run the model inside them as it is, and the attribute that holds it.
_INSIDE = {
    "OptimizedModule": "_orig_mod",  # torch.compile
    "DataParallel": "module",
    "DistributedDataParallel": "module",
}
_guard = threading.Lock()
_eager_users: set[object] = set()
_stances: list[Any] = []  # the one that `_eager_users` need, while there are any
COMPILED = "_torchdynamo_orig_callable"  # attribute of compiled code: what it was made from


def unwrapped(model: Any) -> Any:
    """Return the model of transformers inside what PyTorch and PEFT wrap around it.

    Raises
    ------
    ValueError
        When the wrapper changes what the model computes, so that the model alone isn't it.
    """
    kinds = {cls.__name__: cls for cls in type(model).__mro__}
    for kind, attribute in _INSIDE.items():
        if kind in kinds and kinds[kind].__module__.startswith("torch."):
            return unwrapped(getattr(model, attribute))
    if "FullyShardedDataParallel" in kinds:
        raise ValueError(
            "This model is sharded (FSDP): no process holds all of it. Load the checkpoint that "
            "it was saved to."
        )
    if "PeftModel" in kinds or "PeftMixedModel" in kinds:
        return unwrapped(_with_adapters(model))
    return model


def _with_adapters(model: Any) -> Any:
    """Return the model that contains adapters of PEFT, unless they do more than change weights."""
    for name in model.active_adapters:
        reason = why_no_model(model.peft_config[name])
        if reason is not None:
            raise ValueError(
                f"The adapter {name!r} can't be shown: {reason} The model without it can: "
                "peft_model.get_base_model()."
            )
    return model.get_base_model()


def why_no_model(config: Any) -> str | None:
    """Return why a model with an adapter of PEFT can't be run without PEFT, or `None`."""
    kind = str(getattr(config.peft_type, "value", config.peft_type))
    if config.is_prompt_learning:
        return f"it ({kind}) puts tokens of its own before the text instead of changing weights."
    if kind == "XLORA" or getattr(config, "alora_invocation_tokens", None):
        return f"what it ({kind}) changes of the weights depends on the text."
    return None


def adapters(model: nn.Module) -> tuple[Any, ...]:
    """Return the state of PEFT's adapters: switching them changes no weight."""
    if "peft_config" not in model.__dict__:
        return ()
    layers: list[Any] = [m for m in model.modules() if hasattr(m, "merged_adapters")]
    return tuple(
        (tuple(layer.active_adapters), tuple(layer.merged_adapters), layer.disable_adapters)
        for layer in layers
    )


def main_device(model: nn.Module) -> torch.device:
    """Return the device that takes the ids: of the weights or, where spread, of the computation."""
    import torch

    spread = [item for item in _device_map(model) if item not in ("cpu", "disk")]
    if spread:
        return torch.device(spread[0])
    held = (p.device for p in model.parameters() if p.device.type != "meta")
    return next(held, torch.device("cpu"))  # weights on disk are loaded when they are needed


def devices(model: nn.Module) -> str:
    """Return the names of the devices that hold the weights."""
    import torch

    spread = [str(d) if d in ("cpu", "disk") else str(torch.device(d)) for d in _device_map(model)]
    return ", ".join(dict.fromkeys(spread)) or str(main_device(model))


def _device_map(model: nn.Module) -> list[Any]:
    return list((getattr(model, "hf_device_map", None) or {}).values())


def with_own_weights(module: nn.Module) -> nn.Module:
    """Return `module`, or a copy that keeps its weights where accelerate unloads them later."""
    if "_hf_hook" not in module.__dict__ or not module._parameters:
        return module
    held = object.__new__(type(module))
    held.__dict__.update(module.__dict__, _parameters=dict(module._parameters))
    return held


def uncompile(modules: Iterable[nn.Module], changes: Changes) -> None:
    """Run compiled modules as the Python code that they were made from, until undone.

    Compiled code looks up no attention function, so nothing could be recorded. This counts for all
    threads: others are slower meanwhile, and compute the same.
    """
    if not any(map(_is_compiled, modules)):
        return
    user = object()
    changes.undo_by(lambda: _leave_eager(user))
    _enter_eager(user)


def _enter_eager(user: object) -> None:
    import torch

    with _guard:
        _eager_users.add(user)
        if not _stances:
            _stances.append(torch.compiler.set_stance("force_eager"))


def _leave_eager(user: object) -> None:
    with _guard:
        _eager_users.discard(user)
        while _stances and not _eager_users:
            _stances[-1].__exit__(None, None, None)
            _stances.pop()


def _is_compiled(module: nn.Module) -> bool:
    return (
        module._compiled_call_impl is not None
        or type(module).__name__ == "OptimizedModule"
        or hasattr(module.__dict__.get("forward"), COMPILED)
    )


def rebound(forward: Any, model: nn.Module, shell: nn.Module) -> Any:
    """Bind a `forward` that was assigned to a model to `shell`, a copy of the model.

    Raises
    ------
    LookupError
        When it is unknown how the function refers to the model.
    """
    while hasattr(forward, COMPILED):
        forward = getattr(forward, COMPILED)
    if isinstance(forward, MethodType) and forward.__self__ is model:
        return MethodType(_around(forward.__func__, model, shell), shell)
    if isinstance(forward, partial) and forward.args == (model,):  # accelerate's hooks
        return partial(forward.func, shell, **forward.keywords)
    raise LookupError(f"{type(model).__name__}.forward was replaced")


def _around(function: Any, model: nn.Module, shell: nn.Module) -> Any:
    """Return a function whose closure calls methods of `shell`, where it called the model's own.

    TRL's `forward` keeps the one that it replaced so.
    """
    held = getattr(function, "__closure__", None) or ()
    if not any(_holds(cell, model) for cell in held):
        return function
    cells = tuple(
        CellType(rebound(cell.cell_contents, model, shell)) if _holds(cell, model) else cell
        for cell in held
    )
    made = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, cells
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return update_wrapper(made, function)


def _holds(cell: CellType, model: nn.Module) -> bool:
    try:
        return getattr(cell.cell_contents, "__self__", None) is model
    except ValueError:  # nothing is in it yet
        return False
