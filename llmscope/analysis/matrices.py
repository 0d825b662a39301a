"""Attention matrices: the heads of a layer, one head, and several heads combined.

Matrices are computed lazily, some rows at a time, since whole ones of a long text don't fit in
memory: a `MatrixStack` says how, and is read with `MatrixStack.read` or `MatrixStack.bands`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from llmscope.analysis.matrix_name import REDUCTIONS
from llmscope.capture import (
    NEVER,
    Attention,
    Cancel,
    Cancelled,
    OutputAttention,
    Recording,
    to_numpy,
)
from llmscope.shared import Kind

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

_CELLS = 2**21  # of all heads together, that are computed at once


class Band(NamedTuple):
    """Some rows of matrices, and the keys that they can reach; all other weights are 0.

    Attributes
    ----------
    rows
        Positions of the queries (rows,).
    keys
        Range of the keys.
    weights
        (matrices, rows, keys)
    """

    rows: NDArray[np.intp]
    keys: slice
    weights: torch.Tensor


@dataclass(frozen=True)
class MatrixStack:
    """Matrices of one shape that are computed together, some rows at a time.

    Attributes
    ----------
    band
        Computes the weights of some queries (rows,).
    count
        Number of matrices.
    heads
        Number of heads in memory at once while some rows are computed.
    queries, keys
        Shape of each matrix.
    signed
        Whether weights may be below 0.
    """

    band: Callable[[NDArray[np.intp]], Band]
    count: int
    heads: int
    queries: int
    keys: int
    signed: bool = False

    def bands(
        self, rows: NDArray[np.intp], cancelled: Cancel = NEVER, block: int = 1
    ) -> Iterator[Band]:
        """Compute `rows` in parts that are small in memory, each of whole blocks.

        Parameters
        ----------
        rows
            Positions of the queries (rows,).
        cancelled
            Asked between two parts.
        block
            Number of rows in a block.

        Yields
        ------
        Band

        Raises
        ------
        Cancelled
            When `cancelled` returned True.
        """
        for part in self.parts(rows, block):
            if cancelled():
                raise Cancelled
            yield self.band(part)

    def parts(self, rows: NDArray[np.intp], block: int = 1) -> Iterator[NDArray[np.intp]]:
        """Cut `rows` into parts of whole blocks whose weights are small in memory."""
        most = block * max(1, _CELLS // (self.heads * max(1, self.keys) * block))
        for start in range(0, len(rows), most):
            yield rows[start : start + most]

    def read(self, rows: slice | Sequence[int] | None = None) -> NDArray[np.float32]:
        """Compute the weights (matrices, rows, keys) of some rows, by default of all."""
        chosen = positions(self.queries, rows)
        whole = np.zeros((self.count, len(chosen), self.keys), dtype=np.float32)
        done = 0
        for part, keys, weights in self.bands(chosen):
            whole[:, done : done + len(part), keys] = to_numpy(weights, copy=False)
            done += len(part)
        return whole


def layer_stack(attention: Attention | OutputAttention) -> MatrixStack:
    """Return all heads of a layer as a stack."""

    def band(rows: NDArray[np.intp]) -> Band:
        return Band(rows, attention.key_range(rows), attention.weights(rows))

    return MatrixStack(band, attention.heads, attention.heads, attention.queries, attention.keys)


def layers_stack(attentions: Sequence[Attention | OutputAttention]) -> MatrixStack:
    """Return all heads of several layers of one shape as a stack, one layer after the other.

    What was computed is kept: this is for matrices that are small together.
    """
    import torch

    first = attentions[0]
    count = sum(attention.heads for attention in attentions)
    known: dict[bytes, Band] = {}

    def band(rows: NDArray[np.intp]) -> Band:
        if rows.tobytes() not in known:
            known[rows.tobytes()] = compute(rows)
        return known[rows.tobytes()]

    def compute(rows: NDArray[np.intp]) -> Band:
        parts = [attention.weights(rows) for attention in attentions]
        whole = torch.zeros((count, len(rows), first.keys), device=parts[0].device)
        done = 0
        for attention, part in zip(attentions, parts, strict=True):
            whole[done : done + len(part), :, attention.key_range(rows)] = part
            done += len(part)
        return Band(rows, slice(0, first.keys), whole)

    return MatrixStack(band, count, count, first.queries, first.keys)


def head_stack(
    attention: Attention | OutputAttention, head: int, without_first: bool = False
) -> MatrixStack:
    """Return one head of a layer as a stack."""

    def band(rows: NDArray[np.intp]) -> Band:
        keys = attention.key_range(rows)
        weights = attention.weights(rows, head)  # (1, rows, keys)
        return Band(rows, keys, _without_first(weights, keys) if without_first else weights)

    width = 1 if attention.is_separable else attention.heads
    return MatrixStack(band, 1, width, attention.queries, attention.keys)


def combined_stack(
    recording: Recording,
    heads: Sequence[tuple[int, ...]],
    how: str,
    kind: Kind,
    without_first: bool = False,
) -> MatrixStack:
    """Return several heads of any layers, combined to one matrix, as a stack.

    Parameters
    ----------
    heads
        Pairs (layer, head).
    how
        A `Reduction`.

    Raises
    ------
    ValueError
        When `how` is no `Reduction`, or can't combine so many heads.
    IndexError
        When there is no such layer or head.
    """
    import torch

    if how not in REDUCTIONS:
        raise ValueError(f"Heads are combined by {', '.join(REDUCTIONS)}; not by {how!r}.")
    if how == "difference" and len(heads) != 2:
        raise ValueError(f"A difference is that of two heads, not of {len(heads)}.")
    if not heads:
        raise ValueError("Name at least one head, as (layer, head).")
    members: dict[int, list[tuple[int, int]]] = {}  # of each layer: index in `heads`, head
    for index, (layer, head) in enumerate(heads):
        members.setdefault(layer, []).append((index, recording.head(layer, head, kind)[1]))
    layers = {layer: recording.layer(layer, kind) for layer in members}
    some = layers[heads[0][0]]

    def band(rows: NDArray[np.intp]) -> Band:
        total = torch.zeros((len(rows), some.keys))
        for layer, chosen in members.items():
            attention = layers[layer]
            keys = attention.key_range(rows)
            every = attention.weights(rows) if _all_at_once(attention, len(chosen)) else None
            for index, head in chosen:
                one = attention.weights(rows, head)[0] if every is None else every[head]
                weights = (_without_first(one, keys) if without_first else one).float().cpu()
                if how == "max":
                    total[:, keys].clamp_min_(weights)
                else:
                    sign = -1 if how == "difference" and index == 1 else 1
                    total[:, keys].add_(weights, alpha=sign)
        if how == "mean":
            total /= len(heads)
        return Band(rows, slice(0, some.keys), total[None])

    width = max(
        attention.heads if _all_at_once(attention, len(members[layer])) else 1
        for layer, attention in layers.items()
    )
    return MatrixStack(band, 1, width, some.queries, some.keys, signed=how == "difference")


def whole_stack(matrix: torch.Tensor, without_first: bool = False) -> MatrixStack:
    """Return a matrix (queries, keys) that is in memory as a stack."""
    every = slice(0, matrix.shape[1])

    def band(rows: NDArray[np.intp]) -> Band:
        weights = matrix[None, rows]
        return Band(rows, every, _without_first(weights, every) if without_first else weights)

    return MatrixStack(band, 1, 1, *matrix.shape)


def positions(count: int, rows: slice | Sequence[int] | None) -> NDArray[np.intp]:
    """Return the positions (rows,), from 0, of some of `count` rows; by default of all."""
    index: Any = slice(None) if rows is None else rows
    chosen: NDArray[np.intp] = np.arange(count)[index if isinstance(index, slice) else list(index)]
    return chosen


def _all_at_once(attention: Attention | OutputAttention, count: int) -> bool:
    """Return whether it costs less to compute all heads of a layer than `count` of them."""
    return not attention.is_separable or 2 * count > attention.heads


def _without_first(weights: torch.Tensor, keys: slice) -> torch.Tensor:
    """Set the weight of the text's first key to 0, and divide the others (…, keys) by their sum."""
    if keys.start != 0:
        return weights  # the first key is not among them
    rest = weights.clone()
    rest[..., 0] = 0
    total = rest.sum(dim=-1, keepdim=True)
    # A query that sees nothing but the first key has no other weights.
    return rest / total.masked_fill(total == 0, 1)
