"""Norms, with their scale held as it is for one vector: what is left is linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from llmscope.capture.tensors import close

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Linear:
    """What is done to a vector: centred or not, multiplied number by number; a bias is added.

    Attributes
    ----------
    steps
        Whether the vector is centred, and what (size,) it is multiplied by, one after another.
    bias
        What (size,) is added at the end; calling leaves it out, so that parts add up.
    """

    steps: tuple[tuple[bool, torch.Tensor], ...]
    bias: torch.Tensor

    @staticmethod
    def identity(like: torch.Tensor) -> Linear:
        """Return what does nothing to a vector."""
        return Linear((), torch.zeros_like(like, dtype=torch.float32))

    def __call__(self, part: torch.Tensor) -> torch.Tensor:
        """Return what becomes of a part (size,) of the vector."""
        part = part.float()
        for is_centred, factors in self.steps:
            part = (part - part.mean() if is_centred else part) * factors
        return part

    def then(self, other: Linear) -> Linear:
        """Return both, one after another."""
        return Linear((*self.steps, *other.steps), other(self.bias) + other.bias)

    def times(self, factor: float) -> Linear:
        """Return the same, multiplied by a number."""
        factors = torch.full_like(self.bias, factor)
        return Linear((*self.steps, (False, factors)), self.bias * factor)


def frozen(norm: nn.Module, given: torch.Tensor) -> Linear | None:
    """Return what a norm does to a vector (size,), with its scale held as it is there.

    Whether it centres, its weights and its bias are found by trying it, as models write their
    norms in many ways. `None` where that doesn't explain what it gives.
    """
    size = len(given)
    if size % 2:
        return None
    signs = torch.ones_like(given)
    signs[1::2] = -1  # its mean is 0 and its mean square 1
    ones = torch.ones_like(given)
    rows = torch.stack([given, signs, -signs, ones, -ones])
    with torch.no_grad():
        made, plus, minus, up, down = norm(rows[None])[0].float()
    bias = (plus + minus) / 2
    weights = (plus - minus) / 2 * signs.float()
    is_centred = close(up, down) or bool((up - bias).abs().max() < 1e-3 * weights.abs().max())
    vector = given.float()
    if is_centred:
        vector = vector - vector.mean()
    scaled, wanted = (weights * vector).double(), (made - bias).double()
    norm_of = float(scaled @ scaled)
    factor = float(scaled @ wanted) / norm_of if norm_of else 0.0
    if not close(scaled * factor, wanted):
        return None
    return Linear(((is_centred, weights * factor),), bias)
