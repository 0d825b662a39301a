"""Attention matrices: the heads of a layer, several heads combined, and each by its name.

A name is ``head.{layer}.{head}``, ``rollout.{layer}``, or one of ``mean``, ``max`` and
``difference`` with the heads that it combines: ``mean.{layer}.{head}+{layer}.{head}``. Before any
of them, ``sinkless.`` leaves out the first key, on which heads rest, and renormalises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from llmscope.capture import Cancelled, to_numpy

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.attention.reader import AttentionReader
    from llmscope.capture import Attention, Kind, OwnWeights

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

    def read(self, rows: slice | Sequence[int] | None = None) -> NDArray[np.float32]:
        """Give the weights (matrices, rows, keys) of some rows, or of all."""
        chosen = numbers(self.queries, rows)
        whole = np.zeros((self.count, len(chosen), self.keys), dtype=np.float32)
        done = 0
        for part, keys, weights in self.bands(chosen):
            whole[:, done : done + len(part), keys] = to_numpy(weights, copy=False)
            done += len(part)
        return whole


class Name(NamedTuple):
    """What the name of a matrix says.

    Attributes
    ----------
    how
        "head", "rollout" or one of `How`.
    where
        The heads (layer, head) that it is made of; of a rollout (layer,).
    sinkless
        Whether the first key is left out.
    """

    how: str
    where: list[tuple[int, ...]]
    sinkless: bool

    @property
    def text(self) -> str:
        """The name as text, which `parse` reads."""
        where = "+".join(".".join(map(str, one)) for one in self.where)
        return f"{SINKLESS if self.sinkless else ''}{self.how}.{where}"


def parse(name: str) -> Name:
    """Take the name of a matrix apart.

    Raises
    ------
    KeyError
        For what isn't one.
    """
    plain = name.removeprefix(SINKLESS)
    how, _, rest = plain.partition(".")
    where = [tuple(map(int, one.split("."))) for one in rest.split("+")]
    length = 1 if how == "rollout" else 2
    known = how in get_args(How) or (how in ("head", "rollout") and len(where) == 1)
    if not known or any(len(one) != length for one in where):
        raise KeyError(name)
    return Name(how, where, plain != name)


def trace_matrix(
    trace: AttentionReader,
    kind: Kind,
    name: str,
    rows: slice | Sequence[int] | None = None,
) -> NDArray[np.float32]:
    """Give the matrix (rows, keys) that goes by `name`."""
    import torch

    how, where, sinkless = parse(name)
    if how == "rollout":
        stack = whole_stack(torch.from_numpy(trace.rollout(where[0][0], rows, kind)), sinkless)
        rows = None
    elif how == "head":
        layer, head = where[0]
        stack = head_stack(trace, layer, head, kind, sinkless)
    else:
        stack = combined_stack(trace, where, how, kind, sinkless)
    trace.check_current()
    one: NDArray[np.float32] = stack.read(rows)[0]
    return one


def layer_stack(trace: AttentionReader, layer: int, kind: Kind) -> Stack:
    """Stack all heads of a layer."""
    found = trace._recorded(layer, kind)

    def band(rows: NDArray[np.intp]) -> Band:
        return Band(rows, found.reach(rows), found.weights(rows))

    return Stack(band, found.heads, found.heads, found.queries, found.keys)


def head_stack(
    trace: AttentionReader, layer: int, head: int, kind: Kind, sinkless: bool = False
) -> Stack:
    """Give one head as a stack.

    Raises
    ------
    IndexError
        When there is no such head.
    """
    found = trace._recorded(layer, kind)
    head = checked(trace, layer, head, kind)

    def band(rows: NDArray[np.intp]) -> Band:
        keys = found.reach(rows)
        return Band(rows, keys, _seen(found.weights(rows, head), keys, sinkless))

    return Stack(band, 1, 1 if found.separable else found.heads, found.queries, found.keys)


def combined_stack(
    trace: AttentionReader,
    heads: Sequence[tuple[int, ...]],
    how: str,
    kind: Kind,
    sinkless: bool = False,
) -> Stack:
    """Combine `heads` (layer, head) of any layers to one matrix.

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
    members: dict[int, list[tuple[int, int]]] = {}  # of each layer: number, head
    for number, (layer, head) in enumerate(heads):
        members.setdefault(layer, []).append((number, checked(trace, layer, head, kind)))
    layers = {layer: trace._recorded(layer, kind) for layer in members}
    some = layers[heads[0][0]]

    def band(rows: NDArray[np.intp]) -> Band:
        total = torch.zeros((len(rows), some.keys))
        for layer, chosen in members.items():
            found = layers[layer]
            keys = found.reach(rows)
            together = found.weights(rows) if _by_layer(found, len(chosen)) else None
            for number, head in chosen:
                one = found.weights(rows, head)[0] if together is None else together[head]
                weights = _seen(one, keys, sinkless).float().cpu()
                if how == "max":
                    total[:, keys].clamp_min_(weights)
                else:
                    sign = -1 if how == "difference" and number == 1 else 1
                    total[:, keys].add_(weights, alpha=sign)
        if how == "mean":
            total /= len(heads)
        return Band(rows, slice(0, some.keys), total[None])

    width = max(
        found.heads if _by_layer(found, len(members[layer])) else 1
        for layer, found in layers.items()
    )
    return Stack(band, 1, width, some.queries, some.keys, signed=how == "difference")


def _by_layer(found: Attention | OwnWeights, count: int) -> bool:
    """Say whether all heads of a layer are read at once to have `count` of them."""
    return not found.separable or 2 * count > found.heads


def whole_stack(matrix: torch.Tensor, sinkless: bool = False) -> Stack:
    """Hold one matrix (queries, keys) that is there already."""
    every = slice(0, matrix.shape[1])

    def band(rows: NDArray[np.intp]) -> Band:
        weights = matrix[None, rows]
        return Band(rows, every, _without_first(weights) if sinkless else weights)

    return Stack(band, 1, 1, *matrix.shape)


def _seen(weights: torch.Tensor, keys: slice, sinkless: bool) -> torch.Tensor:
    """Give weights of some keys (…, keys) as they are, or without the first of all keys."""
    return _without_first(weights) if sinkless and keys.start == 0 else weights


def _without_first(weights: torch.Tensor) -> torch.Tensor:
    """Leave out the first key of weights (…, keys), and divide the others by their sum."""
    rest = weights.clone()
    rest[..., 0] = 0
    total = rest.sum(dim=-1, keepdim=True)
    # A query that sees nothing but the first key has no other weights.
    return rest / total.masked_fill(total == 0, 1)


def numbers(count: int, rows: slice | Sequence[int] | None) -> NDArray[np.intp]:
    """Give the numbers of some of `count` rows, from 0; of all without `rows`."""
    index: Any = slice(None) if rows is None else rows
    chosen: NDArray[np.intp] = np.arange(count)[index if isinstance(index, slice) else list(index)]
    return chosen


def checked(trace: AttentionReader, layer: int, head: int, kind: Kind) -> int:
    """Give the number of a head from 0, or raise IndexError when there is none."""
    count = trace._recorded(layer, kind).heads
    if not -count <= head < count:
        raise IndexError(f"There is no head {head}: layer {layer} has 0 to {count - 1}.")
    return head % count
