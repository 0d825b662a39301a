"""Tiles, lines, thumbnails and steps of a trace's attention."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from cachetools import LRUCache

from llmscope.analysis.arithmetic import steps
from llmscope.analysis.by_name import named_matrix
from llmscope.analysis.comparison import difference_stack
from llmscope.analysis.head_scores import overview
from llmscope.analysis.matrices import MatrixStack, combined_stack, head_stack, whole_stack
from llmscope.analysis.rollout import layers_up_to, rollout_onward
from llmscope.capture import to_numpy
from llmscope.kernel.cpu_threads import cpus
from llmscope.kernel.requests import Column, Pair, RequestError, Row, Tile
from llmscope.kernel.tiles import check_tile, shades, tile
from llmscope.shared import TILE
from llmscope.words import say

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from numpy.typing import NDArray

    from llmscope.analysis.comparison import Pairing
    from llmscope.kernel.requests import OfMatrix, Part, Steps, Thumbnails
    from llmscope.shared import Kind
    from llmscope.trace import Trace

    IsCancelled = Callable[[], bool]

ROLLOUT = 2048  # tokens up to which a whole rollout is made
_BYTES = 128 * 2**20  # of tiles and rollouts that are cached


class AttentionHandlers:
    """Answers requests about attention, and caches tiles and rollouts.

    Parameters
    ----------
    limit
        Bytes that are cached at most.
    """

    def __init__(self, limit: int = _BYTES) -> None:
        self._lock = threading.Lock()
        self._cache: LRUCache[tuple[Any, ...], Any] = LRUCache(limit, lambda item: item.nbytes)

    @property
    def cached_bytes(self) -> int:
        """Size of what is cached."""
        return int(self._cache.currsize)

    def release(self) -> None:
        """Free what is cached."""
        with self._lock:
            self._cache.clear()

    def thumbnails(self, trace: Trace, request: Thumbnails, cancelled: IsCancelled) -> Part:
        """Return thumbnails (heads, rows, keys) of a layer, and scores (heads, scores)."""
        pictures, scores = overview(trace.recording, request.layer, request.kind, cancelled)
        return {"shades": shades(pictures), "scores": scores}

    def steps(self, trace: Trace, request: Steps, cancelled: IsCancelled) -> Part:
        """Return the arithmetic of one query and head, as `Trace.steps` has it."""
        where = (request.layer, request.head, request.query)
        part: Part = dict(vars(steps(trace.recording, *where, request.kind, cancelled)))
        names = {"projection": part.pop("projection"), "module": part.pop("module")}
        features = [{"name": say(one.name), "text": one.text} for one in part["features"]]
        hidden = part["hidden"].astype(np.uint8)
        return {**part, "hidden": hidden, "names": names, "features": features}

    def matrix(
        self,
        traces: tuple[Trace, ...],
        request: OfMatrix,
        cancelled: IsCancelled,
        pairing: Pairing | None = None,
    ) -> Part:
        """Return a tile, a row or a column of a matrix, or of that of one trace less another's.

        The latter among the queries and keys of `pairing`; by default all.

        Raises
        ------
        RequestError
            When there is no such tile, row or column.
        IndexError
            When there is no such head.
        ValueError
            When the model has no such attention, or the text is too long for rollout.
        """
        kind = request.kind
        trace = traces[0]
        if kind in trace.kinds:  # another is refused in the words of the model
            sides = (trace.queries(kind), trace.keys(kind))
            _check(request, *(map(len, (pairing.queries, pairing.keys)) if pairing else sides))
        is_small = trace.queries(kind) * trace.keys(kind) <= TILE**2
        with cpus(1) if is_small and request.matrix.how == "head" else nullcontext():
            return self._matrix(traces, request, cancelled, pairing)

    def _matrix(
        self,
        traces: tuple[Trace, ...],
        request: OfMatrix,
        cancelled: IsCancelled,
        pairing: Pairing | None,
    ) -> Part:
        kind, matrix = request.kind, request.matrix
        if isinstance(request, Row) and matrix.how != "rollout" and pairing is None:
            one, *other = (
                named_matrix(trace.recording, kind, matrix, [request.index])[0] for trace in traces
            )
            return {"weights": one - other[0] if other else one}
        names = request.trace[:2] if isinstance(request.trace, Pair) else (request.trace,)
        stacks = [
            self._stack(trace, replace(request, trace=name), cancelled)
            for trace, name in zip(traces, names, strict=True)
        ]
        stack = difference_stack(stacks[0], stacks[1], pairing) if stacks[1:] else stacks[0]
        match request:
            case Row():
                return {"weights": stack.read([request.index])[0, 0]}
            case Column():
                return {"weights": _column(stack, request.index, cancelled)}
            case Tile(level=level, row=row, column=column):
                pool = request.pool if level else "max"  # of single weights both are the same
                paired = None if pairing is None else pairing.key
                cells = self._cached(
                    (request.trace, paired, kind, matrix.text, level, row, column, pool),
                    lambda: tile(stack, level, row, column, pool, cancelled)[0],
                )
                return {"shades" if cells.dtype == np.uint8 else "weights": cells}
        raise TypeError(request)

    def _stack(self, trace: Trace, request: OfMatrix, cancelled: IsCancelled) -> MatrixStack:
        """Return the matrix that a request names, before it is computed."""
        kind = request.kind
        how, where, without_first = request.matrix
        if how == "rollout":
            layers = layers_up_to(trace.recording, where[0][0], kind)
            if trace.queries(kind) > ROLLOUT:
                raise ValueError(
                    say(
                        "Rollout multiplies whole matrices, so it is shown up to "
                        "{ROLLOUT:,} tokens; this text has {queries:,}. In Python, "
                        "trace.rollout(layer, rows=…) reads some rows of any text.",
                        ROLLOUT=ROLLOUT,
                        queries=trace.queries(kind),
                    )
                )
            whole = self._rollout(str(request.trace), trace, kind, layers, cancelled)
            return whole_stack(whole, without_first)
        if how != "head":
            return combined_stack(trace.recording, where, how, kind, without_first)
        layer, head = where[0]
        attention, head = trace.recording.head(layer, head, kind)
        return head_stack(attention, head, without_first)

    def _rollout(
        self, name: str, trace: Trace, kind: Kind, layers: list[int], cancelled: IsCancelled
    ) -> torch.Tensor:
        """Return the rollout (queries, keys) through `layers`, continued from cached ones."""
        *below, last = layers

        def make() -> torch.Tensor:
            so_far = self._rollout(name, trace, kind, below, cancelled) if below else None
            return rollout_onward(trace.recording, last, kind, so_far, cancelled)

        found: torch.Tensor = self._cached((name, kind, "rollout", last), make)
        return found

    def _cached(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        with self._lock:
            if key in self._cache:
                return self._cache[key]
        made = make()
        with self._lock:
            if made.nbytes <= self._cache.maxsize:
                self._cache[key] = made
        return made


def _check(request: OfMatrix, queries: int, keys: int) -> None:
    """Raise RequestError for what a matrix (queries, keys) doesn't have, before it is computed."""
    match request:
        case Row(index=index) | Column(index=index):
            count = queries if isinstance(request, Row) else keys
            if not 0 <= index < count:
                raise RequestError(
                    say(
                        "There is no position {index}: there are {count}.", index=index, count=count
                    )
                )
        case Tile():
            check_tile(request.level, request.row, request.column, queries, keys)


def _column(stack: MatrixStack, key: int, cancelled: IsCancelled) -> NDArray[np.float32]:
    """Weights (queries,) that all queries give to one key."""
    column = np.zeros(stack.queries, dtype=np.float32)
    for rows, keys, weights in stack.bands(np.arange(stack.queries), cancelled):
        if keys.start <= key < keys.stop:
            column[rows] = to_numpy(weights[0, :, key - keys.start], copy=False)
    return column
