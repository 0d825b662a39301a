"""Whether a model is spread over processes, none of which holds all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def refuse_sharded(model: nn.Module) -> None:
    """Raise ValueError for a model that no process holds all of.

    Parameters
    ----------
    model
        The model of a training, once it was prepared.
    """
    how = _how(model)
    if how is not None:
        raise ValueError(
            f"This model is sharded ({how}): no process holds all of it, so none can watch it "
            "alone. Train without the watch, and look at checkpoints: llmscope.load(folder)."
        )


def _how(model: nn.Module) -> str | None:
    for module in model.modules():
        for kind in type(module).__mro__:
            if kind.__name__ in ("FullyShardedDataParallel", "FSDPModule"):
                return "FSDP"
    for item in model.parameters():
        if hasattr(item, "ds_id"):
            return "DeepSpeed ZeRO-3"
        if any(kind.__name__ == "DTensor" for kind in type(item).__mro__) or any(
            kind.__name__ == "DTensor" for kind in type(item.data).__mro__
        ):
            return "DTensor"
    return None


def is_first() -> bool:
    """Return whether this is the first of the processes that train, or the only one."""
    from torch import distributed

    if not distributed.is_available() or not distributed.is_initialized():
        return True
    return distributed.get_rank() == 0
