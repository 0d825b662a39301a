"""Attention matrices: the heads of a layer, several heads combined, and each by its name.

A name is ``head.{layer}.{head}``, ``rollout.{layer}``, or one of ``mean``, ``max`` and
``difference`` with the heads that it combines: ``mean.{layer}.{head}+{layer}.{head}``. Before any
of them, ``sinkless.`` leaves out the first key, on which heads rest, and renormalises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from llmscope.capture import Cancelled, to_numpy

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.attention.reader import AttentionReader
    from llmscope.capture import Kind

How = Literal["mean", "max", "difference"]
SINKLESS = "sinkless."
_CELLS = 2**21  # of all heads together, that are computed at once


def never() -> bool:
    """Say that nobody cancels."""
    return False


class Band(NamedTuple):
    """Some rows of matrices, and the keys that they can reach; all other weights are 0.

    Attributes
    ----------
    rows
        Numbers of the queries.
    keys
        From the first key to behind the last.
    weights
        (matrices, rows, keys)
    """

    rows: NDArray[np.intp]
    keys: slice
    weights: torch.Tensor


@dataclass(frozen=True)
class Stack:
    """Matrices of one shape that are computed together, some rows at a time.

    Attributes
    ----------
    band
        From numbers of queries to their weights.
    count
        Of the matrices.
    heads
        How many are held at once while some rows are computed.
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
        self, rows: NDArray[np.intp], cancelled: Callable[[], bool] = never, block: int = 1
    ) -> Iterator[Band]:
        """Go through `rows` in parts that are small in memory, whole blocks each.

        Raises
        ------
        Cancelled
            When `cancelled` said so between two parts.
        """
        blocks = max(1, _CELLS // (self.heads * self.keys * block))
        for start in range(0, len(rows), blocks * block):
            if cancelled():
                raise Cancelled
            yield self.band(rows[start : start + blocks * block])

    def read(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Give the weights (matrices, rows, keys)."""
        whole = np.zeros((self.count, len(rows), self.keys), dtype=np.float32)
        done = 0
        for part, keys, weights in self.bands(rows):
            whole[:, done : done + len(part), keys] = to_numpy(weights, copy=False)
            done += len(part)
        return whole


def without_first(weights: torch.Tensor, keys: slice) -> torch.Tensor:
    """Leave out key 0 of weights (…, keys from `keys`), and divide the others by their sum."""
    if keys.start > 0:
        return weights
    rest = weights.clone()
    rest[..., 0] = 0
    total = rest.sum(dim=-1, keepdim=True)
    # A query that sees nothing but the first key has no other weights.
    return rest / total.masked_fill(total == 0, 1)


def layer_stack(
    trace: AttentionReader,
    layer: int,
    kind: Kind,
    head: int | None = None,
    sinkless: bool = False,
) -> Stack:
    """Stack all heads of a layer, or hold one of them."""
    found = trace.recorded(layer, kind)
    chosen = slice(None)
    if head is not None:
        head = checked(trace, layer, head, kind)
        chosen = slice(head, head + 1)

    def band(rows: NDArray[np.intp]) -> Band:
        keys, weights = found.reach(rows), found.weights(rows)[chosen]
        return Band(rows, keys, without_first(weights, keys) if sinkless else weights)

    count = found.heads if head is None else 1
    return Stack(band, count, found.heads, found.queries, found.keys)


def combined_stack(
    trace: AttentionReader,
    heads: Sequence[tuple[int, int]],
    how: How,
    kind: Kind,
    sinkless: bool = False,
) -> Stack:
    """Combine `heads` of any layers to one matrix.

    Raises
    ------
    ValueError
        When `how` is none of `How`, or the number of heads is not one that it can combine.
    """
    import torch

    if how not in get_args(How):
        raise ValueError(f"Heads are combined by {', '.join(get_args(How))}; not by {how!r}.")
    if how == "difference" and len(heads) != 2:
        raise ValueError(f"A difference is that of two heads, not of {len(heads)}.")
    if not heads:
        raise ValueError("Name at least one head, as (layer, head).")
    chosen = [(layer, checked(trace, layer, head, kind)) for layer, head in heads]
    layers = {layer: trace.recorded(layer, kind) for layer, _ in chosen}
    some = layers[chosen[0][0]]

    def band(rows: NDArray[np.intp]) -> Band:
        total = torch.zeros((1, len(rows), some.keys))
        for layer, found in layers.items():
            weights, keys = found.weights(rows).float().cpu(), found.reach(rows)
            if sinkless:
                weights = without_first(weights, keys)
            for number, (of, head) in enumerate(chosen):
                if of != layer:
                    continue
                if how == "max":
                    total[0, :, keys].clamp_min_(weights[head])
                else:
                    sign = -1 if how == "difference" and number == 1 else 1
                    total[0, :, keys].add_(weights[head], alpha=sign)
        if how == "mean":
            total /= len(chosen)
        return Band(rows, slice(0, some.keys), total)

    width = max(found.heads for found in layers.values())
    return Stack(band, 1, width, some.queries, some.keys, signed=how == "difference")


def whole_stack(matrix: torch.Tensor, sinkless: bool = False) -> Stack:
    """Hold one matrix (queries, keys) that is there already."""
    every = slice(0, matrix.shape[1])
    if sinkless:
        matrix = without_first(matrix, every)
    return Stack(lambda rows: Band(rows, every, matrix[None, rows]), 1, 1, *matrix.shape)


def parse(name: str) -> tuple[str, list[tuple[int, int]]]:
    """Take a name apart: what is done, and the heads (layer, head) that it is done with.

    Raises
    ------
    KeyError
        For what isn't the name of a matrix.
    """
    how, _, where = name.partition(".")
    pairs = [tuple(map(int, pair.split("."))) for pair in where.split("+")]
    if how not in ("head", *get_args(How)) or any(len(pair) != 2 for pair in pairs):
        raise KeyError(name)
    return how, [(layer, head) for layer, head in pairs]


def trace_matrix(
    trace: AttentionReader,
    kind: Kind,
    name: str,
    rows: slice | Sequence[int] | None = None,
) -> NDArray[np.float32]:
    """Give the matrix (rows, keys) that goes by `name`."""
    plain = name.removeprefix(SINKLESS)
    sinkless = plain != name
    if plain.startswith("rollout."):
        found = trace.rollout(int(plain.removeprefix("rollout.")), rows, kind)
        return found if not sinkless else _sinkless(found)
    how, heads = parse(plain)
    if sinkless and how != "head":
        stack = combined_stack(trace, heads, how, kind, sinkless)  # type: ignore[arg-type]
        every = np.arange(stack.queries)
        return stack.read(every if rows is None else every[rows])[0]
    if how == "head":
        found = trace.attention(*heads[0], rows=rows, kind=kind)
        return found if not sinkless else _sinkless(found)
    return trace.combined(heads, how, rows, kind)  # type: ignore[arg-type]


def _sinkless(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch

    return to_numpy(without_first(torch.from_numpy(weights), slice(0, None)), copy=False)


def checked(trace: AttentionReader, layer: int, head: int, kind: Kind) -> int:
    """Give the number of a head from 0, or raise IndexError when there is none."""
    count = trace.recorded(layer, kind).heads
    if not -count <= head < count:
        raise IndexError(f"There is no head {head}: layer {layer} has 0 to {count - 1}.")
    return head % count
