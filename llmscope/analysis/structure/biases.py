"""Positions that are added to the logits of attention: ALiBi's slopes, T5's table by distance."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch

from llmscope.capture.tensors import to_numpy

if TYPE_CHECKING:
    from torch import nn

    from llmscope.capture.recording import Recording

_TABLE = "relative_attention_bias"


def has_alibi(model: nn.Module) -> bool:
    """Return whether a model adds a slope times the distance [1]_, by what it is made with.

    References
    ----------
    .. [1] Press et al., "Train Short, Test Long: Attention with Linear Biases Enables Input Length
       Extrapolation", ICLR 2022.
    """
    config: Any = model.config
    attention: Any = getattr(config, "attn_config", None)
    own = getattr(config, "alibi", None) or getattr(attention, "alibi", None)
    return bool(own) or any(hasattr(module, "build_alibi_tensor") for module in model.modules())


def alibi_in_place(recording: Recording, head: int, position: int) -> dict[str, Any] | None:
    """Return what one head adds for each key, by the model's own function; `None` without one."""
    model, tokens = recording.runner.model, recording.forward.lengths[0]
    config: Any = model.config
    heads = int(getattr(config, "num_attention_heads", 0) or getattr(config, "n_heads", 0))
    mask = torch.ones((1, tokens), dtype=torch.long, device=recording.inputs["input_ids"].device)
    rows: torch.Tensor | None = None
    module: Any
    for module in model.modules():
        code: Any = sys.modules.get(type(module).__module__)
        if hasattr(module, "build_alibi_tensor"):
            rows = module.build_alibi_tensor(mask, heads, torch.float32)
        elif hasattr(module, "build_mpt_alibi_tensor"):
            rows = module.build_mpt_alibi_tensor(heads, tokens)
        elif hasattr(code, "build_alibi_tensor"):
            rows = code.build_alibi_tensor(mask, heads, torch.float32)
        if rows is not None:
            break
    if rows is None:
        return None
    bias = rows.reshape(heads, -1)[:, -tokens:].float()  # (heads, keys), by the key's position
    slopes = bias[:, -1] - bias[:, -2] if tokens > 1 else torch.zeros(heads)
    own = bias[head, : position + 1]
    return {
        "kind": "alibi",
        "distances": (torch.arange(position + 1) - position).int().numpy(),
        "bias": to_numpy(own - own[-1]),  # a number that is added to all changes no weight
        "slopes": to_numpy(slopes),
        "buckets": None,
        "table": None,
    }


def table_of(attention: nn.Module) -> Any:
    """Return the table (buckets, heads) of biases by distance; `None` without one."""
    return getattr(attention, _TABLE, None)


def relative_in_place(
    attention: Any, head: int, position: int, tokens: int
) -> dict[str, Any] | None:
    """Return what one head of T5's attention [1]_ adds for each key, by the module's own functions.

    References
    ----------
    .. [1] Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
       Transformer", JMLR 2020.
    """
    table = table_of(attention)
    if table is None or not hasattr(attention, "compute_bias"):
        return None
    biases = attention.compute_bias(tokens, tokens)[0, :, position].T  # (keys, heads)
    distances = torch.arange(tokens) - position
    buckets = (biases[:, None] == table.weight[None]).all(-1).int().argmax(-1)
    return {
        "kind": "relative",
        "distances": distances.int().numpy(),
        "bias": to_numpy(biases[:, head]),
        "slopes": None,
        "buckets": buckets.int().cpu().numpy(),
        "table": to_numpy(table.weight),
    }
