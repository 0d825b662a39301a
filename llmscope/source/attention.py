"""What a view can ask of a trace's attention; `answers` lists the keys."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.analysis.arithmetic import steps
from llmscope.analysis.by_name import named_matrix
from llmscope.analysis.head_scores import overview
from llmscope.analysis.matrices import MatrixStack, combined_stack, head_stack, whole_stack
from llmscope.analysis.matrix_name import parse
from llmscope.analysis.rollout import layers_up_to, rollout_onward
from llmscope.capture import to_numpy
from llmscope.source.reduce import TILE, shades, tile
from llmscope.source.threads import cpus

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.capture import Kind
    from llmscope.trace import Trace

Part = dict[str, Any]
Cancelled = Callable[[], bool]
ROLLOUT = 2048  # tokens up to which a whole rollout is made
_BYTES = 128 * 2**20  # of tiles and rollouts, that are kept


class AttentionAnswers:
    """Reads attention by name, and keeps what was made last."""

    def __init__(self, limit: int = _BYTES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def release(self) -> None:
        """Let go of what is kept."""
        with self._lock:
            self._kept.clear()

    def thumbnails(self, trace: Trace, kind: Kind, layer: int, cancelled: Cancelled) -> Part:
        """Give little pictures of all heads of a layer, and their scores."""
        pictures, scores = overview(trace.recording, layer, kind, cancelled)
        return {"shades": shades(pictures), "scores": scores}

    def steps(
        self, trace: Trace, kind: Kind, layer: int, head: int, query: int, cancelled: Cancelled
    ) -> Part:
        """Give what makes the output of one query and head."""
        part: Part = dict(vars(steps(trace.recording, layer, head, query, kind, cancelled)))
        names = {"projection": part.pop("projection"), "module": part.pop("module")}
        features = [feature._asdict() for feature in part["features"]]
        hidden = part["hidden"].astype(np.uint8)
        return {**part, "hidden": hidden, "names": names, "features": features}

    def matrix(
        self, name: str, trace: Trace, kind: Kind, matrix: str, which: str, cancelled: Cancelled
    ) -> Part:
        """Give a tile, a row or a column of a matrix of the trace that goes by `name`."""
        is_tile = trace.queries(kind) * trace.keys(kind) <= TILE**2
        with cpus(1) if is_tile and parse(matrix).how == "head" else nullcontext():
            return self._matrix(name, trace, kind, matrix, which, cancelled)

    def _matrix(
        self, name: str, trace: Trace, kind: Kind, matrix: str, which: str, cancelled: Cancelled
    ) -> Part:
        where, _, rest = which.partition(".")
        if where == "row" and parse(matrix).how != "rollout":
            return {"weights": named_matrix(trace.recording, kind, matrix, [int(rest)])[0]}
        stack = self._stack(name, trace, kind, matrix, cancelled)
        if where == "row":
            return {"weights": stack.read([int(rest)])[0, 0]}
        if where == "column":
            return {"weights": _column(stack, int(rest), cancelled)}
        level, row, column, pool = which.split(".")
        if pool not in ("max", "mean"):
            raise KeyError(which)
        place = (int(level), int(row), int(column))
        pool = pool if place[0] else "max"  # of single weights both are the same
        cells = self._keep(
            (name, kind, matrix, *place, pool),
            lambda: tile(stack, *place, pool, cancelled)[0],  # type: ignore[arg-type]
        )
        return {"shades" if cells.dtype == np.uint8 else "weights": cells}

    def _stack(
        self, name: str, trace: Trace, kind: Kind, matrix: str, cancelled: Cancelled
    ) -> MatrixStack:
        """Find a matrix by its name."""
        how, where, sinkless = parse(matrix)
        if how == "rollout":
            layers = layers_up_to(trace.recording, where[0][0], kind)
            if trace.queries(kind) > ROLLOUT:
                raise ValueError(
                    f"Rollout multiplies whole matrices, so it is shown up to {ROLLOUT:,} tokens; "
                    f"this text has {trace.queries(kind):,}. "
                    "In Python, trace.rollout(layer, rows=…) reads some rows of any text."
                )
            whole = self._rollout(name, trace, kind, layers, cancelled)
            return whole_stack(whole, sinkless)
        if how != "head":
            return combined_stack(trace.recording, where, how, kind, sinkless)
        layer, head = where[0]
        attention, head = trace.recording.head(layer, head, kind)
        return head_stack(attention, head, sinkless)

    def _rollout(
        self, name: str, trace: Trace, kind: Kind, layers: list[int], cancelled: Cancelled
    ) -> torch.Tensor:
        """Give the rollout (queries, keys) through `layers`, from those below that are kept."""
        *below, last = layers

        def make() -> torch.Tensor:
            so_far = self._rollout(name, trace, kind, below, cancelled) if below else None
            return rollout_onward(trace.recording, last, kind, so_far, cancelled)

        found: torch.Tensor = self._keep((name, kind, "rollout", last), make)
        return found

    def _keep(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Give what is kept by `key`, made now unless it is there; the oldest gives way."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while sum(item.nbytes for item in self._kept.values()) > self._limit:
                self._kept.popitem(last=False)
        return made


def _column(stack: MatrixStack, key: int, cancelled: Cancelled) -> NDArray[np.float32]:
    """Weights (queries,) that all queries give to one key."""
    if not 0 <= key < stack.keys:
        raise IndexError(f"There is no position {key}: there are {stack.keys}.")
    column = np.zeros(stack.queries, dtype=np.float32)
    for rows, keys, weights in stack.bands(np.arange(stack.queries), cancelled):
        if keys.start <= key < keys.stop:
            column[rows] = to_numpy(weights[0, :, key - keys.start], copy=False)
    return column
