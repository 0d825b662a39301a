"""Attention matrices made small enough to look at: tiles of a pyramid of blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from llmscope.analysis.matrices import MatrixStack
from llmscope.capture import NEVER

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

Pool = Literal["max", "mean"]
TILE = 512  # cells on a side; up to so many queries and keys, weights travel as float32


def tile(
    stack: MatrixStack,
    level: int,
    row: int,
    column: int,
    pool: Pool,
    cancelled: Callable[[], bool] = NEVER,
) -> NDArray[np.float32 | np.float16 | np.uint8]:
    """Reduce blocks of 2^level by 2^level to cells, for one tile of all matrices of a stack.

    Parameters
    ----------
    level, row, column
        The tile: of `TILE` cells a side, counted from the upper left.
    pool
        What a cell says of its block: the mean, or the greatest weight (of a signed matrix, the
        one farthest from 0).

    Returns
    -------
    ndarray
        (matrices, rows, keys): weights at level 0 and of signed matrices, else `shades`.
    """
    import torch

    block = 2**level
    side = TILE * block
    rows = np.arange(row * side, min((row + 1) * side, stack.queries))
    keys = slice(column * side, min((column + 1) * side, stack.keys))
    if not len(rows) or keys.start >= keys.stop or min(level, row, column) < 0:
        raise IndexError(f"There is no tile {level}.{row}.{column}.")
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


def shades(weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Give 255 times the square root, for what is coloured and never read as a number."""
    return np.round(255 * np.sqrt(np.clip(weights, 0, 1))).astype(np.uint8)


def _reduced(weights: torch.Tensor, block: int, pool: Pool, signed: bool) -> torch.Tensor:
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
