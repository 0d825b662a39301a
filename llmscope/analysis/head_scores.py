"""What all heads of a layer do, at a glance: thumbnails, and scores of known patterns.

docs/attention.md gives each score's formula.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.matrices import Band, MatrixStack, layer_stack
from llmscope.capture import NEVER, Cancel, Recording, to_numpy
from llmscope.shared import SCORES, THUMBNAIL, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from numpy.typing import NDArray

ROWS = 1024  # queries that are read; of longer texts, evenly spaced ones
_LOCAL = 5  # tokens to either side


def overview(
    recording: Recording, layer: int, kind: Kind, cancelled: Cancel = NEVER
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Reduce all heads of a layer to thumbnails, and score them, in one pass over the rows.

    Returns
    -------
    thumbnails
        (heads, rows, keys), at most `THUMBNAIL` a side: the greatest weight in each block.
    scores
        (heads, len(SCORES)); NaN where a score makes no sense.

    Raises
    ------
    Cancelled
        When `cancelled` returned True between two parts of the rows.
    """
    stack = layer_stack(recording.layer(layer, kind))
    return overview_of(stack, recording, (layer,), kind, cancelled)


def overview_of(
    stack: MatrixStack,
    recording: Recording,
    layers: Sequence[int],
    kind: Kind,
    cancelled: Cancel = NEVER,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Reduce and score a stack of all heads of some layers, as `overview` does of one."""
    read = np.arange(stack.queries)
    if stack.queries > ROWS:
        read = np.linspace(0, stack.queries - 1, ROWS).round().astype(np.intp)
    edges = _edges(len(read), THUMBNAIL)  # of the rows of cells, among those that are read
    scores = _Scores(recording, layers, kind)
    cells = np.zeros((stack.count, len(edges), stack.keys), dtype=np.float32)
    done = 0
    for band in stack.bands(read, cancelled):
        scores.add(band)
        first = int(np.searchsorted(edges, done, side="right")) - 1
        last = int(np.searchsorted(edges, done + len(band.rows)))
        for number, start in enumerate(edges[first:last], first):
            stop = edges[number + 1] if number + 1 < len(edges) else len(read)
            part = band.weights[:, max(int(start) - done, 0) : int(stop) - done]
            cell = cells[:, number, band.keys]
            np.maximum(cell, to_numpy(part.amax(1), copy=False), out=cell)
        done += len(band.rows)
    thumbnails = np.maximum.reduceat(cells, _edges(stack.keys, THUMBNAIL), axis=2)
    return thumbnails, scores.result()


class _Scores:
    """Sums over queries, from which the scores are made."""

    def __init__(self, recording: Recording, layers: Sequence[int], kind: Kind) -> None:
        self._attentions = [recording.layer(layer, kind) for layer in layers]
        heads = sum(attention.heads for attention in self._attentions)
        self._crossed = kind == "cross"
        self._ids = np.array(recording.source_ids if kind == "encoder" else recording.ids)
        self._sums = np.zeros((len(SCORES), heads))
        self._counts = np.zeros((len(SCORES), heads))

    def add(self, band: Band) -> None:
        """Add the weights of some queries."""
        import torch

        rows, reach, weights = band.rows, band.keys, band.weights.float()  # (heads, rows, keys)
        if not self._crossed and rows[0] == 0:
            # The first query has nothing before it.
            rows, weights = rows[1:], weights[:, 1:]
        if not len(rows):
            return
        device = weights.device
        sees_first = weights[..., 0] if reach.start == 0 else torch.zeros_like(weights[..., 0])
        self._count("first", sees_first.sum(1), len(rows))
        self._count("entropy", *self._entropy(rows, weights))
        if self._crossed:
            return
        keys = rows[:, None] + np.arange(-_LOCAL, _LOCAL + 1)  # (rows, distances)
        within = (keys >= reach.start) & (keys < reach.stop)
        places = torch.as_tensor(np.where(within, keys - reach.start, 0), device=device)
        near = weights.gather(2, places.expand(len(weights), -1, -1))
        near = (near * torch.as_tensor(within, device=device)).sum(1)  # (heads, distances)
        self._count("previous", near[:, _LOCAL - 1], len(rows))
        self._count("self", near[:, _LOCAL], len(rows))
        self._count("local", near.sum(1) - near[:, _LOCAL], len(rows))

        # Key s follows an occurrence, at s - 1, of the token that the query is at.
        follows = self._ids[rows, None] == np.roll(self._ids, 1)
        follows &= (np.arange(len(self._ids)) < rows[:, None]) & (np.arange(len(self._ids)) > 0)
        chosen = torch.as_tensor(follows[:, reach], device=device).float()
        total = weights.flatten(1) @ chosen.flatten()
        self._count("induction", total, int(follows.any(1).sum()))

    def result(self) -> NDArray[np.float32]:
        """Return the scores (heads, len(SCORES))."""
        with np.errstate(invalid="ignore"):
            return (self._sums / self._counts).T.astype(np.float32)

    def _entropy(
        self, rows: NDArray[np.intp], weights: torch.Tensor
    ) -> tuple[torch.Tensor, NDArray[np.int64]]:
        """Sum the rows' shares of the greatest possible entropy (heads,), and count the rows."""
        import torch

        # Of the row as it would be without a sink, whose share is not in it.
        share = weights.sum(-1).clamp_min(torch.finfo(weights.dtype).tiny)  # (heads, rows)
        entropy = torch.special.entr(weights).sum(-1) / share + share.log()
        counts = [
            one.count_visible(rows).to(weights.device).expand(one.heads, -1)
            for one in self._attentions
        ]
        visible = torch.cat(counts)  # (heads, rows)
        several = visible > 1  # with one key to see there is nothing to be broad about
        broad = torch.where(several, entropy / visible.clamp_min(2).log(), 0.0)
        return broad.sum(1), several.sum(1).cpu().numpy()

    def _count(self, name: str, sums: torch.Tensor, queries: int | NDArray[np.int64]) -> None:
        self._sums[SCORES.index(name)] += sums.double().cpu().numpy()
        self._counts[SCORES.index(name)] += queries


def _edges(length: int, most: int) -> NDArray[np.intp]:
    """Return where each of at most `most` nearly equal parts begins."""
    parts = min(length, most)
    return np.arange(parts) * length // parts
