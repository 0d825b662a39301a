"""Look at a sample of the weights: a write through `.data` or numpy is counted by nobody.

A matrix is looked at along a diagonal that comes through each of its rows and columns, an eighth of
it at a time. So what is written to eight rows or columns side by side (a head, a layer) is seen at
the next look, and what is written to one (a neuron, the embedding of a token) within eight. A look
costs about 4 µs for each parameter, whatever its size, and twice that where a pass has filled the
CPU's caches; before a pass over a few tokens, one at every eighth parameter has to do, in turns.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from math import gcd
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

GROUPS = 8  # of parameters, which are looked at in turns before passes over a few tokens
SHARES = 8  # looks at a parameter that it takes to come through every row and column


class WeightSample:
    """What some of a model's weights were."""

    def __init__(self) -> None:
        self._of: Any = None  # versions of the parameters that it was taken of
        self._groups: list[list[int]] = []  # places of those that can be looked at
        self._hashes: list[list[int]] = []  # of each group, by share
        self._shares = [0] * GROUPS  # which share of each was looked at last
        self._group = 0  # which was looked at last

    def differs(self, parameters: list[Any], versions: Any, groups: int = GROUPS) -> bool:
        """Return whether weights aren't as they were, though their versions are.

        Parameters
        ----------
        parameters
            Tensors.
        versions
            Anything; where it isn't equal to the last one, the weights are taken as they are.
        groups
            How many groups of parameters to look at, in turns.
        """
        is_new = versions != self._of
        if not is_new and all([self._next_is_same(parameters) for _ in range(groups)]):
            return False
        places = [n for n, item in enumerate(parameters) if _can_be_looked_at(item)]
        self._groups = [places[group::GROUPS] for group in range(GROUPS)]
        self._hashes = [
            [_look(parameters, places, share) for share in range(SHARES)] for places in self._groups
        ]
        self._of = versions
        return not is_new

    def _next_is_same(self, parameters: list[Any]) -> bool:
        group = self._group = (self._group + 1) % GROUPS
        share = self._shares[group] = (self._shares[group] + 1) % SHARES
        return _look(parameters, self._groups[group], share) == self._hashes[group][share]


def _look(parameters: list[Any], places: list[int], share: int) -> int:
    """Return the hash of a share of some parameters."""
    import torch

    found: dict[Any, list[torch.Tensor]] = defaultdict(list)
    for place in places:
        item = parameters[place]
        if weights := seen(item.shape, share):
            start = item.storage_offset() + weights.start
            view = torch.as_strided(item, (len(weights),), (weights.step,), start)
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
