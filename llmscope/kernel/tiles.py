"""Attention matrices reduced to tiles: a pyramid of blocks of 2^level by 2^level weights."""

from __future__ import annotations

from math import ceil, log2
from typing import TYPE_CHECKING

import numpy as np

from llmscope.analysis.matrices import MatrixStack
from llmscope.capture import NEVER, Cancel
from llmscope.kernel.requests import RequestError
from llmscope.shared import TILE
from llmscope.words import say

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


def tile(
    stack: MatrixStack,
    level: int,
    row: int,
    column: int,
    pool: str,
    cancelled: Cancel = NEVER,
) -> NDArray[np.float32 | np.float16 | np.uint8]:
    """Reduce blocks of 2^level by 2^level to cells, for one tile of all matrices of a stack.

    Parameters
    ----------
    stack
        The matrices.
    level, row, column
        The tile: of `TILE` cells a side, counted from the upper left.
    pool
        What a cell holds of its block: the "mean", or "max", the greatest weight (of a signed
        matrix, the one farthest from 0).
    cancelled
        Whether the tile isn't needed any more.

    Returns
    -------
    ndarray
        (matrices, rows, keys): weights at level 0 and of signed matrices, else `shades`. Weights
        are float32 where one tile holds the whole matrix at level 0, else float16.

    Raises
    ------
    RequestError
        When there is no such tile.
    Cancelled
        When `cancelled` returned True between two bands of rows.
    """
    import torch

    check_tile(level, row, column, stack.queries, stack.keys)
    block = 2**level
    side = TILE * block
    rows = np.arange(row * side, min((row + 1) * side, stack.queries))
    keys = slice(column * side, min((column + 1) * side, stack.keys))
    parts = []
    for part, reach, weights in stack.bands(rows, cancelled, block):
        weights = weights.float().cpu()
        if (reach.start, reach.stop) != (keys.start, keys.stop):
            first, last = max(reach.start, keys.start), min(reach.stop, keys.stop)
            inside = torch.zeros((stack.count, len(part), keys.stop - keys.start))
            if first < last:
                inside[..., first - keys.start : last - keys.start] = weights[
                    ..., first - reach.start : last - reach.start
                ]
            weights = inside
        parts.append(_reduced(weights, block, pool, stack.signed))
    cells = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
    if level > 0 and not stack.signed:
        return shades(cells.numpy())
    exact = level == 0 and max(stack.queries, stack.keys) <= TILE
    return (cells if exact else cells.half()).numpy()


def check_tile(level: int, row: int, column: int, queries: int, keys: int) -> None:
    """Raise RequestError for a tile that a matrix (queries, keys) doesn't have."""
    if 0 <= level <= highest_level(queries, keys):
        side = TILE * 2**level
        if 0 <= row * side < queries and 0 <= column * side < keys:
            return
    raise RequestError(
        say("There is no tile {level}.{row}.{column}.", level=level, row=row, column=column)
    )


def highest_level(queries: int, keys: int) -> int:
    """Return the level at which one tile holds a whole matrix (queries, keys)."""
    return max(0, ceil(log2(max(queries, keys, 1) / TILE)))


def shades(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return 255 times the square root, for what is coloured and never read as a number."""
    return np.round(255 * np.sqrt(np.clip(weights, 0, 1))).astype(np.uint8)


def _reduced(weights: torch.Tensor, block: int, pool: str, signed: bool) -> torch.Tensor:
    """Reduce blocks of (matrices, rows, keys); those at the edges may be smaller."""
    import torch
    from torch.nn import functional

    if block == 1:
        return weights
    if pool == "mean":
        return functional.avg_pool2d(weights, block, ceil_mode=True, count_include_pad=False)
    count, rows, keys = weights.shape
    padded = functional.pad(weights, (0, -keys % block, 0, -rows % block))
    rows, keys = (padded.shape[1] // block, padded.shape[2] // block)

    def greatest(weights: torch.Tensor) -> torch.Tensor:
        by_row = weights.view(count, rows, block, keys * block).amax(2)
        return by_row.view(count, rows, keys, block).amax(3)

    highest = greatest(padded)
    if not signed:
        return highest
    lowest = -greatest(-padded)
    return torch.where(highest >= -lowest, highest, lowest)
