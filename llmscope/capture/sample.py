"""Look at a sample of the weights: a write through `.data` or numpy is counted by nobody.

A matrix is looked at along a diagonal that comes through each of its rows and columns, an eighth of
it at a time. So what is written to eight rows or columns side by side (a head, a layer) is seen at
the next look, and what is written to one (a neuron, the embedding of a token) within eight. A look
takes about 3 µs for each parameter, whatever its size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from math import gcd
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

SHARES = 8  # looks that it takes to come through every row and column


class WeightSample:
    """What some of a model's weights were."""

    def __init__(self) -> None:
        self._of: Any = None  # versions of the parameters that it was taken of
        self._shares: list[int] = []
        self._next = 0

    def differs(self, parameters: Iterable[torch.Tensor | None], versions: Any) -> bool:
        """Return whether weights aren't as they were, though their versions are.

        Whatever the answer, the next look compares with what they are now.
        """
        held = [item for item in parameters if _can_be_looked_at(item)]
        if versions == self._of:
            self._next = (self._next + 1) % SHARES
            if _look(held, self._next) == self._shares[self._next]:
                return False
        is_new = versions != self._of
        self._of, self._shares = versions, [_look(held, share) for share in range(SHARES)]
        return not is_new


def _can_be_looked_at(item: torch.Tensor | None) -> bool:
    """Return whether it is plain numbers in memory: not packed by a quantiser, nor on a disk."""
    import torch

    plain = (torch.Tensor, torch.nn.Parameter)
    return item is not None and type(item) in plain and not item.is_meta and item.is_contiguous()


def _look(parameters: list[Any], share: int) -> int:
    """Return the hash of one share of the sample."""
    import torch

    found: dict[Any, list[torch.Tensor]] = defaultdict(list)
    for item in parameters:
        places = seen(item.shape, share)
        if places:
            start, step = item.storage_offset() + places.start, places.step
            view = torch.as_strided(item, (len(places),), (step,), start)
            found[item.device, item.dtype].append(view)
    bits = [torch.cat(views).view(torch.uint8).cpu() for views in found.values()]
    return hash(tuple([item.numpy().tobytes() for item in bits]))


@cache
def seen(shape: tuple[int, ...], share: int) -> range:
    """Return which weights of a parameter are looked at: places in memory, from 0."""
    columns = shape[-1] if shape else 1
    rows = 1
    for size in shape[:-1]:
        rows *= size
    step = max(1, min(rows, columns))
    while gcd(step, columns) > 1:
        step -= 1
    return range(share * step, rows * columns, SHARES * step)
