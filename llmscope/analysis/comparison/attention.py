"""The difference of two passes' attention, and how far each head's is apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.comparison.divergence import jensen_shannon
from llmscope.analysis.head_scores import ROWS
from llmscope.analysis.matrices import Band, MatrixStack, layer_stack
from llmscope.capture import NEVER, Cancel, Cancelled, Recording, to_numpy
from llmscope.shared import Kind
from llmscope.words import say

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.analysis.comparison.pairing import Pairing

_LEAST = 1e-4  # of a row's weight that goes to no key: what is less is rounding


def check_shapes(one: Recording, other: Recording, kind: Kind) -> None:
    """Raise ValueError when two models don't have the same heads in the same layers."""
    if _shape(one, kind) != _shape(other, kind):
        raise ValueError(
            say(
                "Heads are compared where two models have the same ones: heads of "
                "models of different shape aren't matched. {name} has {described}, "
                "{name_2} has {described_2}. Texts, next tokens and surprisal are "
                "compared anyway.",
                name=one.name,
                described=_described(one, kind),
                name_2=other.name,
                described_2=_described(other, kind),
            )
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
            say(
                "Only matrices of one shape have a difference; these have (heads, "
                "queries, keys) {shapes} and {shapes_2}.",
                shapes=shapes[0],
                shapes_2=shapes[1],
            )
        )
    if pairing is None:
        queries, keys, heads = one.queries, one.keys, one.heads + other.heads
    else:
        queries, keys = len(pairing.queries), len(pairing.keys)
        # As many as have that many keys, since whole rows of both are in memory.
        heads = -(-(one.heads * one.keys + other.heads * other.keys) // max(1, keys))

    def band(rows: NDArray[np.intp]) -> Band:
        reach, first, second = _both(_bands(one, other, rows, pairing), pairing)
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
            total += _divergence(first, second, part, pairing).sqrt().double().sum(-1)
        if len(rows):
            found[layer, : first.count] = to_numpy(total / len(rows))
    return found.astype(np.float32)


def _divergence(
    one: MatrixStack, other: MatrixStack, rows: NDArray[np.intp], pairing: Pairing | None
) -> torch.Tensor:
    """Compute how far rows (matrices, rows) of two stacks are apart, as `read_distances` has it."""
    bands = _bands(one, other, rows, pairing)
    _, p, q = _both(bands, pairing)
    bits = jensen_shannon(p.float().cpu(), q.float().cpu())
    rest = [_to_no_key(band)[..., None] for band in bands]
    if any(bool(each.any()) for each in rest):
        bits += jensen_shannon(*rest)
    if pairing is None:
        return bits
    own, others = (_alone(band, pairing.keys[:, side]) for side, band in enumerate(bands))
    return bits.add_((own + others) / 2)  # where one side has nothing: ½ p log₂(p / ½ p)


def _alone(band: Band, keys: NDArray[np.intp]) -> torch.Tensor:
    """Return what rows (matrices, rows) give to keys that don't correspond to any."""
    others = np.setdiff1d(np.arange(band.keys.start, band.keys.stop), keys)
    given: torch.Tensor = _at(others, band).float().sum(-1).cpu()
    return given


def _to_no_key(band: Band) -> torch.Tensor:
    """Return what rows (matrices, rows) lack to 1, but for rounding."""
    import torch

    rest = 1 - band.weights.float().sum(-1)
    least = max(_LEAST, 4 * torch.finfo(band.weights.dtype).eps)
    return rest.where(rest > least, 0.0).cpu()


def _bands(
    one: MatrixStack, other: MatrixStack, rows: NDArray[np.intp], pairing: Pairing | None
) -> list[Band]:
    """Compute some of the queries that correspond, in both."""
    sides = (rows, rows) if pairing is None else pairing.queries[rows].T
    return [stack.band(own) for stack, own in zip((one, other), sides, strict=True)]


def _both(
    bands: Sequence[Band], pairing: Pairing | None
) -> tuple[slice, torch.Tensor, torch.Tensor]:
    """Return the weights (matrices, rows, keys) of both, over the keys that either reaches."""
    ends = np.array([(band.keys.start, band.keys.stop) for band in bands])
    if pairing is None:
        reach = slice(int(ends[:, 0].min()), int(ends[:, 1].max()))
        return reach, _over(reach, bands[0]), _over(reach, bands[1])
    places = [np.searchsorted(pairing.keys[:, side], ends[side]) for side in (0, 1)]
    reach = slice(int(min(p[0] for p in places)), int(max(p[1] for p in places)))
    one, other = (_at(pairing.keys[reach, side], band) for side, band in enumerate(bands))
    return reach, one, other


def _at(keys: NDArray[np.intp], band: Band) -> torch.Tensor:
    """Return the weights of a band at some keys, which it may not reach."""
    import torch

    inside = (keys >= band.keys.start) & (keys < band.keys.stop)
    index = torch.from_numpy(keys[inside] - band.keys.start).to(band.weights.device)
    rows = band.weights.flatten(0, -2)  # PyTorch takes columns of a matrix at once
    own = rows.index_select(1, index).reshape((*band.weights.shape[:-1], len(index)))
    if inside.all():
        return own
    found = own.new_zeros((*own.shape[:-1], len(keys)))
    found[..., torch.from_numpy(inside).to(found.device)] = own
    return found


def _over(reach: slice, band: Band) -> torch.Tensor:
    """Return the weights of a band over a range of keys that contains its own."""
    from torch.nn import functional

    around = (band.keys.start - reach.start, reach.stop - band.keys.stop)
    return functional.pad(band.weights, around) if any(around) else band.weights
