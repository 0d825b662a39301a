"""Functions that read or replace numbers of a pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# Called with numbers (batch, positions, …), and the position of the first of them.
Change = Callable[["torch.Tensor", int], "torch.Tensor"]


def changed(functions: Sequence[Change], tensor: torch.Tensor, first: int) -> torch.Tensor:
    """Return what functions, one after another, make of numbers that begin at a position."""
    for function in functions:
        tensor = function(tensor, first)
    return tensor
