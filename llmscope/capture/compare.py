"""Whether two passes over one text are equal up to rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.capture.attention import Attention

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from llmscope.capture.forward_pass import ForwardPass


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Return whether two tensors are equal up to rounding, by the size of the largest number."""
    import torch

    # Shapes decide the order of sums: in half precision that is seen.
    tolerance = 1e-3 if a.dtype == torch.float32 else 5e-2
    if a.shape != b.shape:
        return False
    return bool((a.float() - b.float()).abs().max() <= tolerance * b.float().abs().max())


def equal_passes(one: ForwardPass, other: ForwardPass) -> bool:
    """Return whether states, queries, keys and two rows of weights of two passes are close."""
    if not close(one.hidden, other.hidden) or len(one.calls) != len(other.calls):
        return False
    for a, b in zip(one.calls, other.calls, strict=True):
        if a.sizes != b.sizes or not close(a.key, b.key) or not close(a.query, b.query):
            return False
        first_and_last = np.array([0, b.sizes[2] - 1])
        if not close(*(_all_keys(Attention(call, 0), first_and_last) for call in (a, b))):
            return False
    return True


def equal_rows(one: ForwardPass, other: ForwardPass, row: int) -> bool:
    """Return whether row `row` of one pass is close to the only row of another."""
    pairs = [(one.states.row(row), other.hidden)]
    if one.logit_rows is not None and other.logits is not None:
        pairs.append((one.logit_rows.row(row), other.logits))
    return all(close(a, b) for a, b in pairs)


def _all_keys(attention: Attention, rows: NDArray[np.intp]) -> torch.Tensor:
    """Weights (heads, rows, keys), with 0 for keys out of reach."""
    import torch

    weights, keys = attention.weights(rows), attention.key_range(rows)
    return torch.nn.functional.pad(weights, (keys.start, attention.keys - keys.stop))
