"""Attention rollout: how much of each input position reaches a position of a layer.

Attention is followed through all layers up to one, each taken as half what its heads bring on
average and half what the residual stream keeps (Abnar & Zuidema 2020, "Quantifying attention flow
in transformers", arXiv:2005.00928).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.matrices import Band, layer_stack, never

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.capture import Kind
    from llmscope.trace_attention import AttentionReader


def rollout_rows(
    trace: AttentionReader, layer: int, kind: Kind, rows: NDArray[np.intp]
) -> torch.Tensor:
    """Rollout (rows, keys) of some rows: followed downwards from `layer`."""
    import torch

    found = torch.eye(trace.keys(kind))[rows]
    for below in reversed(layers_up_to(trace, layer, kind)):
        above, found = found, torch.zeros_like(found)
        for part, keys, mixed in _mixed(trace, below, kind, never):
            found[:, keys] += above[:, part] @ mixed
    return found


def rollout_onward(
    trace: AttentionReader,
    layer: int,
    kind: Kind,
    below: torch.Tensor | None,
    cancelled: Callable[[], bool],
) -> torch.Tensor:
    """Rollout (queries, keys) of `layer` from that of the layer below; the first has none."""
    import torch

    found = torch.zeros(trace.queries(kind), trace.keys(kind))
    for rows, keys, mixed in _mixed(trace, layer, kind, cancelled):
        if below is None:
            found[rows, keys] = mixed
        else:
            found[rows] = mixed @ below[keys]
    return found


def layers_up_to(trace: AttentionReader, layer: int, kind: Kind) -> list[int]:
    """Give the layers that a rollout goes through, from the first.

    Raises
    ------
    ValueError
        For cross-attention, whose two sides are different texts.
    """
    if kind == "cross":
        raise ValueError("Rollout follows one text through the layers: cross-attention joins two.")
    trace._recorded(layer, kind)
    return [number for number in trace.layers(kind) if number <= layer]


def _mixed(
    trace: AttentionReader, layer: int, kind: Kind, cancelled: Callable[[], bool]
) -> Iterator[Band]:
    """Half the mean of the heads and half the identity, each row made to sum to 1."""
    import torch

    stack = layer_stack(trace, layer, kind)
    for rows, keys, weights in stack.bands(np.arange(stack.queries), cancelled):
        mixed = weights.float().mean(0).cpu() / 2  # (rows, keys)
        mixed[torch.arange(len(rows)), torch.as_tensor(rows - keys.start)] += 0.5
        yield Band(rows, keys, mixed / mixed.sum(-1, keepdim=True))
