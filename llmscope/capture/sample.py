"""Look at a sample of the weights: a write through `.data` or numpy is counted by nobody.

A matrix is looked at along a diagonal that comes through each of its rows and columns, an eighth of
it at a time. So what is written to eight rows or columns side by side (a head, a layer) is seen at
the next look, and what is written to one (a neuron, the embedding of a token) within eight. A look
costs about 4 µs for each parameter, whatever its size; before a pass over a few tokens, one at
every other parameter has to do.
"""

from __future__ import annotations

from collections import defaultdict
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
        self._places: list[int] = []  # of those that can be looked at
        self._shares: list[tuple[int, ...]] = []  # hashes: of even, and of odd parameters
        self._turns = [0, 0]  # which share of either was looked at last
        self._half = 0

    def differs(self, parameters: list[Any], versions: Any, *, whole: bool = True) -> bool:
        """Return whether weights aren't as they were, though their versions are.

        Parameters
        ----------
        parameters
            Tensors, or `None`.
        versions
            Anything; where it isn't equal to the last one, the weights are taken as they are.
        whole
            Whether to look at all parameters, or at every other one.
        """
        if versions == self._of:
            self._half = 1 - self._half
            halves = (0, 1) if whole else (self._half,)
            if all([self._is_same(parameters, half) for half in halves]):
                return False
        is_new = versions != self._of
        self._places = [n for n, item in enumerate(parameters) if _can_be_looked_at(item)]
        self._shares = [
            tuple(self._look(parameters, half, share) for half in (0, 1)) for share in range(SHARES)
        ]
        self._of = versions
        return not is_new

    def _is_same(self, parameters: list[Any], half: int) -> bool:
        share = self._turns[half] = (self._turns[half] + 1) % SHARES
        return self._look(parameters, half, share) == self._shares[share][half]

    def _look(self, parameters: list[Any], half: int, share: int) -> int:
        """Return the hash of a share of every other parameter."""
        import torch

        found: dict[Any, list[torch.Tensor]] = defaultdict(list)
        for place in self._places[half::2]:
            item = parameters[place]
            if places := seen(item.shape, share):
                start = item.storage_offset() + places.start
                view = torch.as_strided(item, (len(places),), (places.step,), start)
                found[item.device, item.dtype].append(view)
        bits = [torch.cat(views).view(torch.uint8).cpu() for views in found.values()]
        return hash(tuple([item.numpy().tobytes() for item in bits]))


def _can_be_looked_at(item: Any) -> bool:
    """Return whether it is plain numbers in memory: not packed by a quantiser, nor on a disk."""
    import torch

    plain = (torch.Tensor, torch.nn.Parameter)
    return type(item) in plain and not item.is_meta and item.is_contiguous()


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
