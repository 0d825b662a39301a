"""Attention matrices made small enough to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.capture import Kind
    from llmscope.trace import Trace

TILE = 512  # cells on a side
THUMBNAIL = 32  # cells on a side, at most
THUMBNAIL_ROWS = 1024  # queries that thumbnails read; of longer texts, evenly spaced ones
_CHUNK = 256  # query rows that are computed at once


def tile(
    trace: Trace, layer: int, level: int, row: int, column: int, kind: Kind
) -> NDArray[np.float32]:
    """Give the greatest weight in each block of 2^level by 2^level, for one tile of all heads.

    Returns
    -------
    ndarray
        (heads, rows, keys): at most `TILE` cells a side. At level 0, the weights themselves.
    """
    block = 2**level
    side = TILE * block
    rows = range(row * side, min((row + 1) * side, trace.queries(kind)))
    keys = range(column * side, min((column + 1) * side, trace.keys(kind)))
    if not rows or not keys or level < 0 or row < 0 or column < 0:
        raise IndexError(f"There is no tile {level}.{row}.{column}.")
    parts = []
    for start in range(rows.start, rows.stop, max(_CHUNK, block)):
        stop = min(start + max(_CHUNK, block), rows.stop)
        weights = trace.attention(layer, rows=slice(start, stop), kind=kind)
        weights = weights[:, :, keys.start : keys.stop]
        parts.append(_blocks(weights, block))
    return np.concatenate(parts, axis=1)


def thumbnails(trace: Trace, layer: int, kind: Kind) -> NDArray[np.uint8]:
    """Reduce all heads of a layer to little pictures of equal size.

    Returns
    -------
    ndarray
        (heads, rows, keys), at most `THUMBNAIL` a side: the greatest weight in each block, as
        `shades`.
    """
    queries, keys = trace.queries(kind), trace.keys(kind)
    read = np.arange(queries)
    if queries > THUMBNAIL_ROWS:
        read = np.linspace(0, queries - 1, THUMBNAIL_ROWS).round().astype(int)
    row_edges = _edges(len(read), min(queries, THUMBNAIL))
    key_edges = _edges(keys, min(keys, THUMBNAIL))
    rows = []
    for start, stop in zip(row_edges, [*row_edges[1:], len(read)], strict=True):
        weights = trace.attention(layer, rows=read[start:stop].tolist(), kind=kind)
        rows.append(np.maximum.reduceat(weights.max(axis=1), key_edges, axis=1))
    return shades(np.stack(rows, axis=1))


def shades(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Give 255 times the square root, for what is coloured and never read as a number."""
    return np.round(255 * np.sqrt(np.clip(weights, 0, 1))).astype(np.uint8)


def _blocks(weights: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    if block == 1:
        return weights
    rows = np.arange(0, weights.shape[1], block)
    keys = np.arange(0, weights.shape[2], block)
    return np.maximum.reduceat(np.maximum.reduceat(weights, rows, axis=1), keys, axis=2)


def _edges(length: int, parts: int) -> list[int]:
    return [length * part // parts for part in range(parts)]
