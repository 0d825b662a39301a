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

    from llmscope.analysis.comparison.pairing import Pairing

_LEAST = 1e-4  # of a row's weight that goes to no key: what is less is rounding


def check_shapes(one: Recording, other: Recording, kind: Kind) -> None:
    """Raise ValueError when two models don't have the same heads in the same layers."""
    if _shape(one, kind) != _shape(other, kind):
        raise ValueError(
            "Heads are compared where two models have the same ones: heads of models of different "
            f"shape aren't matched. {one.name} has {_described(one, kind)}, {other.name} has "
            f"{_described(other, kind)}. Texts, next tokens and surprisal are compared anyway."
        )


def _shape(recording: Recording, kind: Kind) -> dict[int, int]:
    return {n: recording.layer(n, kind).heads for n in recording.layers(kind)}


def _described(recording: Recording, kind: Kind) -> str:
    heads = sorted({*_shape(recording, kind).values()})
    if not heads:
        return f"no {kind} attention"
    layers = len(recording.layers(kind))
    return f"{layers} layers × {' or '.join(map(str, heads))} heads"


def difference_stack(
    one: MatrixStack, other: MatrixStack, pairing: Pairing | None = None
) -> MatrixStack:
    """Return the weights of one stack less those of another.

    Parameters
    ----------
    one, other
        As many matrices each.
    pairing
        The queries and keys that correspond, which are those of the difference; by default all, of
        stacks of the same shape.

    Raises
    ------
    ValueError
        When their shapes differ.
    """
    shapes = [(stack.count, stack.queries, stack.keys) for stack in (one, other)]
    if shapes[0] != shapes[1] and (pairing is None or one.count != other.count):
        raise ValueError(
            "Only matrices of one shape have a difference; these have (heads, queries, keys) "
            f"{shapes[0]} and {shapes[1]}."
        )
    if pairing is None:
        queries, keys, heads = one.queries, one.keys, one.heads + other.heads
    else:
        queries, keys = len(pairing.queries), len(pairing.keys)
        # As many as have that many keys, since whole rows of both are in memory.
        heads = -(-(one.heads * one.keys + other.heads * other.keys) // max(1, keys))

    def band(rows: NDArray[np.intp]) -> Band:
        reach, first, second = _both(one, other, rows, pairing)
        return Band(rows, reach, first.float().cpu() - second.float().cpu())

    return MatrixStack(band, one.count, heads, queries, keys, signed=True)


def read_distances(
    one: Recording,
    other: Recording,
    kind: Kind,
    cancelled: Cancel = NEVER,
    pairing: Pairing | None = None,
) -> NDArray[np.float32]:
    """Return how far the attention of each head is apart (layers, heads).

    The square root of the Jensen-Shannon divergence of two rows, in bits, as the mean of all
    queries that correspond: from 0, equal, to 1, no key in common. Outcomes are the keys that
    correspond, each by itself; those that only one of the two has, all of each together; and what
    a row gives to no key (a sink, a weight that was taken away). NaN where a layer has no such
    head, and where no queries correspond. Above 1,024 queries, 1,024 evenly spaced ones are read.

    Raises
    ------
    ValueError
        When the passes don't have the same heads.
    Cancelled
        When `cancelled` returned True between two parts of the rows.
    """
    import torch

    check_shapes(one, other, kind)
    layers = one.layers(kind)
    heads = _shape(one, kind)
    found = np.full((max(heads, default=-1) + 1, max(heads.values(), default=0)), np.nan)
    for layer in layers:
        first, second = (layer_stack(each.layer(layer, kind)) for each in (one, other))
        stack = difference_stack(first, second, pairing)
        rows = np.arange(stack.queries)
        if stack.queries > ROWS:
            rows = np.linspace(0, stack.queries - 1, ROWS).round().astype(np.intp)
        total = torch.zeros(first.count, dtype=torch.float64)
        for part in stack.parts(rows):
            if cancelled():
                raise Cancelled
            p, q = _outcomes(first, second, part, pairing)
            total += jensen_shannon(p, q).sqrt().sum(-1)
        if len(rows):
            found[layer, : first.count] = to_numpy(total / len(rows))
    return found.astype(np.float32)


def _outcomes(
    one: MatrixStack, other: MatrixStack, rows: NDArray[np.intp], pairing: Pairing | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute two distributions (matrices, rows, outcomes) in double precision."""
    import torch

    if pairing is None:
        _, p, q = _both(one, other, rows)
        return _whole(p), _whole(q)
    found = []
    for side, stack in enumerate((one, other)):
        band = stack.band(pairing.queries[rows, side])
        whole = _over(slice(0, stack.keys), band)
        keys = torch.from_numpy(pairing.keys[:, side]).to(whole.device)
        alone = torch.ones(stack.keys, dtype=torch.bool, device=whole.device)
        alone[keys] = False
        own = whole[..., alone].double().sum(-1, keepdim=True).cpu()
        pair = (own, torch.zeros_like(own))
        exact = whole[..., keys].double().cpu()
        least = max(_LEAST, 4 * torch.finfo(whole.dtype).eps)
        found.append(
            _with_rest(torch.cat([exact, *(pair if side == 0 else pair[::-1])], -1), least)
        )
    return found[0], found[1]


def _both(
    one: MatrixStack,
    other: MatrixStack,
    rows: NDArray[np.intp],
    pairing: Pairing | None = None,
) -> tuple[slice, torch.Tensor, torch.Tensor]:
    """Compute the weights (matrices, rows, keys) of both, over the keys that either reaches."""
    if pairing is None:
        first, second = one.band(rows), other.band(rows)
        start = min(first.keys.start, second.keys.start)
        reach = slice(start, max(first.keys.stop, second.keys.stop))
        return reach, _over(reach, first), _over(reach, second)
    bands = [stack.band(pairing.queries[rows, side]) for side, stack in enumerate((one, other))]
    ends = [
        np.searchsorted(pairing.keys[:, side], [band.keys.start, band.keys.stop])
        for side, band in enumerate(bands)
    ]
    reach = slice(*(int(end) for end in (min(e[0] for e in ends), max(e[1] for e in ends))))
    chosen = [_at(pairing.keys[reach, side], band) for side, band in enumerate(bands)]
    return reach, chosen[0], chosen[1]


def _at(keys: NDArray[np.intp], band: Band) -> torch.Tensor:
    """Return the weights of a band at some keys, which it may not reach."""
    import torch

    inside = (keys >= band.keys.start) & (keys < band.keys.stop)
    found = band.weights.new_zeros((*band.weights.shape[:-1], len(keys)))
    index = torch.from_numpy(keys[inside] - band.keys.start).to(found.device)
    found[..., torch.from_numpy(inside).to(found.device)] = band.weights[..., index]
    return found


def _over(reach: slice, band: Band) -> torch.Tensor:
    """Return the weights of a band over a range of keys that contains its own."""
    from torch.nn import functional

    around = (band.keys.start - reach.start, reach.stop - band.keys.stop)
    return functional.pad(band.weights, around) if any(around) else band.weights


def _whole(weights: torch.Tensor) -> torch.Tensor:
    """Return rows (…, keys + 1) in double precision, the last one what goes to no key."""
    import torch

    return _with_rest(weights.double().cpu(), max(_LEAST, 4 * torch.finfo(weights.dtype).eps))


def _with_rest(exact: torch.Tensor, least: float) -> torch.Tensor:
    import torch

    rest = 1 - exact.sum(-1, keepdim=True)
    return torch.cat([exact, torch.where(rest > least, rest, 0.0)], -1)
