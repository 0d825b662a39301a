"""What stands around a model: wrappers, compiled code, adapters, weights that lie elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

# Wrappers that run what is inside them as it is: the attribute it lies in.
_INSIDE = {
    "OptimizedModule": "_orig_mod",  # torch.compile
    "DataParallel": "module",
    "DistributedDataParallel": "module",
}
_guard = threading.Lock()
_stances: list[Any] = []  # one for each user of the first
COMPILED = "_torchdynamo_orig_callable"  # of compiled code: what it was made of


def unwrapped(model: Any) -> Any:
    """Take a model of transformers out of what PyTorch and PEFT wrap around it.

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
    """Give the model that adapters of PEFT lie in, unless they do more than lie in it."""
    for name in model.active_adapters:
        reason = why_no_model(model.peft_config[name])
        if reason is not None:
            raise ValueError(
                f"The adapter {name!r} can't be shown: {reason} The model without it can: "
                "peft_model.get_base_model()."
            )
    return model.get_base_model()


def why_no_model(config: Any) -> str | None:
    """Say why a model with an adapter of PEFT is no model that can be run alone, if so."""
    kind = str(getattr(config.peft_type, "value", config.peft_type))
    if config.is_prompt_learning:
        return f"it ({kind}) puts tokens of its own before the text instead of changing weights."
    if kind == "XLORA" or getattr(config, "alora_invocation_tokens", None):
        return f"what it ({kind}) changes of the weights depends on the text."
    return None


def adapters(model: nn.Module) -> tuple[Any, ...]:
    """Tell which adapters of PEFT are at work in a model: no weight changes when they are."""
    if "peft_config" not in model.__dict__:
        return ()
    layers: list[Any] = [m for m in model.modules() if hasattr(m, "merged_adapters")]
    return tuple(
        (tuple(layer.active_adapters), tuple(layer.merged_adapters), layer.disable_adapters)
        for layer in layers
    )


def main_device(model: nn.Module) -> torch.device:
    """Give the device that takes the ids: of the weights or, where they are spread, of the work."""
    import torch

    spread = [item for item in _device_map(model) if item not in ("cpu", "disk")]
    if spread:
        return torch.device(spread[0])
    held = (p.device for p in model.parameters() if p.device.type != "meta")
    return next(held, torch.device("cpu"))  # what lies on a disk is brought in when it is needed


def devices(model: nn.Module) -> str:
    """Name the devices that hold the weights."""
    import torch

    spread = [str(d) if d in ("cpu", "disk") else str(torch.device(d)) for d in _device_map(model)]
    return ", ".join(dict.fromkeys(spread)) or str(main_device(model))


def _device_map(model: nn.Module) -> list[Any]:
    return list((getattr(model, "hf_device_map", None) or {}).values())


def with_own_weights(module: nn.Module) -> nn.Module:
    """Hold on to a module's own weights, where accelerate takes them away again after its call."""
    if "_hf_hook" not in module.__dict__ or not module._parameters:
        return module
    held = object.__new__(type(module))
    held.__dict__.update(module.__dict__, _parameters=dict(module._parameters))
    return held


@contextmanager
def uncompiled(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Run what is compiled of a model's modules as the Python that it was made of.

    Compiled code calls no attention function that could be listened to. While the block runs that
    counts for all threads: others are slower, and compute the same.
    """
    if not any(map(_is_compiled, modules)):
        yield
        return
    import torch

    with _guard:
        if not _stances:
            _stances.append(torch.compiler.set_stance("force_eager"))
        else:
            _stances.append(_stances[0])
    try:
        yield
    finally:
        with _guard:
            stance = _stances.pop()
            if not _stances:
                stance.__exit__(None, None, None)


def _is_compiled(module: nn.Module) -> bool:
    return (
        module._compiled_call_impl is not None
        or type(module).__name__ == "OptimizedModule"
        or hasattr(module.__dict__.get("forward"), COMPILED)
    )


def rebound(forward: Any, model: nn.Module, shell: nn.Module) -> Any:
    """Bind a `forward` that was put into a model to a copy of its shell.

    Raises
    ------
    LookupError
        When it can't be told how it holds on to the model.
    """
    while hasattr(forward, COMPILED):
        forward = getattr(forward, COMPILED)
    if isinstance(forward, MethodType) and forward.__self__ is model:
        return MethodType(forward.__func__, shell)
    if isinstance(forward, partial) and forward.args == (model,):  # accelerate's hooks
        return partial(forward.func, shell, **forward.keywords)
    raise LookupError(f"{type(model).__name__}.forward was replaced")
