"""The difference of two passes' attention, and how far each head's is apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.comparison.divergence import jensen_shannon
from llmscope.analysis.head_scores import ROWS
from llmscope.analysis.matrices import Band, MatrixStack, layer_stack
from llmscope.capture import NEVER, Cancel, Cancelled, Recording, to_numpy
from llmscope.shared import Kind

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

_LEAST = 1e-4  # of a row's weight that goes to no key: what is less is rounding


def difference_stack(one: MatrixStack, other: MatrixStack) -> MatrixStack:
    """Return the weights of one stack less those of another of the same shape.

    Raises
    ------
    ValueError
        When their shapes differ.
    """
    shapes = [(stack.count, stack.queries, stack.keys) for stack in (one, other)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "Only matrices of one shape have a difference; these have (heads, queries, keys) "
            f"{shapes[0]} and {shapes[1]}."
        )

    def band(rows: NDArray[np.intp]) -> Band:
        keys, first, second = _both(one, other, rows)
        return Band(rows, keys, first.float().cpu() - second.float().cpu())

    return MatrixStack(band, one.count, one.heads + other.heads, one.queries, one.keys, signed=True)


def read_distances(
    one: Recording, other: Recording, kind: Kind, cancelled: Cancel = NEVER
) -> NDArray[np.float32]:
    """Return how far the attention of each head is apart (layers, heads).

    The square root of the Jensen-Shannon divergence of two rows, in bits, as the mean of all
    queries: from 0, equal, to 1, no key in common. What a row gives to no key (a sink, a weight
    that was taken away) counts as one more outcome. NaN where a layer has no such head. Above
    1,024 queries, 1,024 evenly spaced ones are read.

    Raises
    ------
    ValueError
        When the passes don't have the same heads.
    Cancelled
        When `cancelled` returned True between two parts of the rows.
    """
    import torch

    layers = one.layers(kind)
    heads = {n: one.layer(n, kind).heads for n in layers}
    if heads != {n: other.layer(n, kind).heads for n in other.layers(kind)}:
        raise ValueError(
            f"{one.name} and {other.name} don't have the same heads: heads of models of different "
            "shape aren't matched."
        )
    found = np.full((max(heads, default=-1) + 1, max(heads.values(), default=0)), np.nan)
    for layer in layers:
        first, second = (layer_stack(each.layer(layer, kind)) for each in (one, other))
        rows = np.arange(first.queries)
        if first.queries > ROWS:
            rows = np.linspace(0, first.queries - 1, ROWS).round().astype(np.intp)
        total = torch.zeros(first.count, dtype=torch.float64)
        for part in difference_stack(first, second).parts(rows):
            if cancelled():
                raise Cancelled
            _, p, q = _both(first, second, part)
            total += jensen_shannon(_whole(p), _whole(q)).sqrt().sum(-1)
        found[layer, : first.count] = to_numpy(total / len(rows))
    return found.astype(np.float32)


def _both(
    one: MatrixStack, other: MatrixStack, rows: NDArray[np.intp]
) -> tuple[slice, torch.Tensor, torch.Tensor]:
    """Compute the weights (matrices, rows, keys) of both, over the keys that either reaches."""
    first, second = one.band(rows), other.band(rows)
    start = min(first.keys.start, second.keys.start)
    reach = slice(start, max(first.keys.stop, second.keys.stop))
    return reach, _over(reach, first), _over(reach, second)


def _over(reach: slice, band: Band) -> torch.Tensor:
    """Return the weights of a band over a range of keys that contains its own."""
    from torch.nn import functional

    around = (band.keys.start - reach.start, reach.stop - band.keys.stop)
    return functional.pad(band.weights, around) if any(around) else band.weights


def _whole(weights: torch.Tensor) -> torch.Tensor:
    """Return rows (…, keys + 1) in double precision, the last one what goes to no key."""
    import torch

    exact = weights.double().cpu()
    rest = 1 - exact.sum(-1, keepdim=True)
    least = max(_LEAST, 4 * torch.finfo(weights.dtype).eps)
    return torch.cat([exact, torch.where(rest > least, rest, 0.0)], -1)
