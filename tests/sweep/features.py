"""What is special about a model's attention, by what was recorded of it."""

from __future__ import annotations

import re
import sys
from typing import Any

import numpy as np
import torch

from llmscope.capture import Attention, OutputAttention
from llmscope.capture.attention import PartialAttention
from llmscope.trace import Trace

_NO_ATTENTION = re.compile("linear|conv|mamba|recurrent|moe", re.IGNORECASE)


def features(trace: Trace) -> list[str]:
    """Name them."""
    model: Any = trace.scope.model
    every = [trace.recording.layer(n, kind) for kind in trace.kinds for n in trace.layers(kind)]
    found = {name for attention in every for name in _of_one(attention)}
    config = model.config.get_text_config(decoder=True)
    if getattr(config, "kv_lora_rank", None):
        found.add("latent attention")
    home = vars(sys.modules[type(model).__module__])
    if trace.kinds and any("alibi" in name for name in home) and getattr(config, "alibi", True):
        found.add("ALiBi")
    if getattr(config, "relative_attention_num_buckets", None):
        found.add("relative bias")
    fewer = 0 < len(trace.layers()) < trace.scope.facts.layers
    types = getattr(config, "layer_types", None) or ()
    if model._is_stateful or (fewer and any(map(_NO_ATTENTION.search, types))):
        found.add("linear or recurrent layers")
    modules = [id(a.call.module) for a in every if type(a) is Attention]
    if len(set(modules)) < len(modules):
        found.add("layers that share their weights")
    return sorted(found, key=str.lower)


def _of_one(attention: Attention | OutputAttention) -> set[str]:
    found: set[str] = set()
    if attention.kv_heads < attention.heads:
        found.add("grouped heads")
    rows = np.arange(attention.queries)
    weights = attention.weights(rows).float()  # of all keys, which all rows together reach
    if isinstance(attention, PartialAttention):
        found.add("keys that are no tokens")
    elif bool((weights.sum(-1) < 1 - 1e-3).any()):
        found.add("sink" if isinstance(attention, Attention) else "keys that are no tokens")
    if attention.queries == attention.keys:
        found |= _pattern((weights > 0).any(0))
    if isinstance(attention, Attention):
        if attention.call.kwargs.get("softcap"):
            found.add("softcap")
        for bias in (attention.mask(rows), attention.call.kwargs.get("position_bias")):
            found |= _kind_of(bias)
    return found


def _pattern(seen: torch.Tensor) -> set[str]:
    """Tell from which keys each query sees (queries, keys) how they are chosen."""
    last, middle = seen[-1], len(seen) // 2
    if bool(last.all()):
        return set()
    if not bool(last[int(last.int().argmax()) :].all()):
        return {"sparse selection"}
    moves = int(seen[middle].int().argmax()) != int(seen[middle + 1].int().argmax())
    return {"sliding window" if moves else "chunks"}


def _kind_of(bias: torch.Tensor | None) -> set[str]:
    """Tell a bias that falls evenly with distance (ALiBi) from others."""
    if bias is None or bias.ndim != 4 or bias.dtype == torch.bool:
        return set()
    shown = bias[0] > torch.finfo(bias.dtype).min / 2
    # The last query's, (keys,) for each head.
    rows = [head[-1][seen[-1]].float() for head, seen in zip(bias[0], shown, strict=True)]
    rows = [row for row in rows if len(row) > 2 and bool((row.diff().abs() > 1e-6).any())]
    if not rows:
        return set()
    even = all(bool(row.diff(n=2).abs().max() < 1e-4) for row in rows)
    return {"ALiBi" if even else "relative bias"}
