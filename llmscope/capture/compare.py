"""Whether two passes over one text agree, but for rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.capture.attention import Attention

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.capture.runner import Forward


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Compare two tensors of one pass."""
    import torch

    # Shapes decide the order of sums: in half precision that is seen.
    tolerance = 1e-3 if a.dtype == torch.float32 else 5e-2
    if a.shape != b.shape:
        return False
    return bool((a.float() - b.float()).abs().max() <= tolerance * b.float().abs().max())


def alike(one: Forward, other: Forward) -> bool:
    """Compare what two passes over one text give, and the weights of its first and last row."""
    if not close(one.hidden, other.hidden) or len(one.calls) != len(other.calls):
        return False
    for a, b in zip(one.calls, other.calls, strict=True):
        if a.sizes != b.sizes or not close(a.key, b.key) or not close(a.query, b.query):
            return False
        last = np.array([0, b.sizes[2] - 1])
        if not close(*(_spread(Attention(call, 0), last) for call in (a, b))):
            return False
    return True


def _spread(attention: Attention, rows: NDArray[np.intp]) -> torch.Tensor:
    """Weights (heads, rows, keys), of keys out of reach too."""
    import torch

    weights, reach = attention.weights(rows), attention.reach(rows)
    return torch.nn.functional.pad(weights, (reach.start, attention.keys - reach.stop))
