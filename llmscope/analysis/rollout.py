"""Attention rollout: how much of each input position reaches a position of a layer [1]_.

Attention is followed through all layers up to one, each taken as half the mean of its heads and
half the identity, for the residual stream, which keeps what was there.

References
----------
.. [1] Abnar & Zuidema, "Quantifying attention flow in transformers", ACL 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.matrices import Band, layer_stack
from llmscope.capture import NEVER, Cancel, Recording
from llmscope.shared import Kind
from llmscope.words import say

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


def rollout_rows(
    recording: Recording, layer: int, kind: Kind, rows: NDArray[np.intp]
) -> torch.Tensor:
    """Return the rollout (rows, keys) of some rows, followed downwards from `layer`."""
    import torch

    found = torch.eye(recording.keys(kind))[rows]
    for below in reversed(layers_up_to(recording, layer, kind)):
        above, found = found, torch.zeros_like(found)
        for part, keys, mixed in _mixed(recording, below, kind, NEVER):
            found[:, keys] += above[:, part] @ mixed
    return found


def rollout_onward(
    recording: Recording,
    layer: int,
    kind: Kind,
    below: torch.Tensor | None,
    cancelled: Cancel,
) -> torch.Tensor:
    """Return the rollout (queries, keys) of `layer` from that of the layer below, if there is one.

    Raises
    ------
    Cancelled
        When `cancelled` returned True between two parts of the rows.
    """
    import torch

    found = torch.zeros(recording.queries(kind), recording.keys(kind))
    for rows, keys, mixed in _mixed(recording, layer, kind, cancelled):
        if below is None:
            found[rows, keys] = mixed
        else:
            found[rows] = mixed @ below[keys]
    return found


def layers_up_to(recording: Recording, layer: int, kind: Kind) -> list[int]:
    """Return the layers that a rollout goes through, from the first.

    Raises
    ------
    ValueError
        For cross-attention, whose two sides are different texts.
    IndexError
        When there is no such layer.
    """
    if kind == "cross":
        raise ValueError(
            say("Rollout follows one text through the layers: cross-attention joins two.")
        )
    recording.layer(layer, kind)
    return [number for number in recording.layers(kind) if number <= layer]


def _mixed(recording: Recording, layer: int, kind: Kind, cancelled: Cancel) -> Iterator[Band]:
    """Half the mean of the heads and half the identity (rows, keys), rows made to sum to 1."""
    import torch

    stack = layer_stack(recording.layer(layer, kind))
    for rows, keys, weights in stack.bands(np.arange(stack.queries), cancelled):
        mixed = weights.float().mean(0).cpu() / 2  # (rows, keys)
        mixed[torch.arange(len(rows)), torch.as_tensor(rows - keys.start)] += 0.5
        yield Band(rows, keys, mixed / mixed.sum(-1, keepdim=True))
