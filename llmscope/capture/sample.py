"""Look at a sample of the weights: a write through `.data` or numpy is counted by nobody.

A matrix is looked at along a diagonal that comes through each of its rows and columns, an eighth of
it at a time. So what is written to eight rows or columns side by side (a head, a layer) is seen at
the next look, and what is written to one (a neuron, the embedding of a token) within eight. A look
costs some 4 µs for each parameter, whatever its size, and twice that where a pass has filled the
CPU's caches; before a pass over a few tokens, one at every eighth parameter has to do, in turns.
Views of a small model's weights are kept, which saves a third of that. Those of a large one aren't:
they would hold its memory while it is converted to another precision or moved to another device.
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
_SMALL = 1 << 30  # bytes of weights up to which views of them are kept

_Views = list["torch.Tensor"]


class WeightSample:
    """What some of a model's weights were."""

    def __init__(self) -> None:
        self._of: Any = None  # versions of the parameters that it was taken of
        self._groups: list[list[int]] = []  # places of those that can be looked at
        self._views: list[list[_Views]] | None = None  # of each group, by share
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
        views = [
            [_views([parameters[n] for n in group], share) for share in range(SHARES)]
            for group in self._groups
        ]
        self._hashes = [[_look(share) for share in group] for group in views]
        self._views = views if sum(parameters[n].nbytes for n in places) <= _SMALL else None
        self._of = versions
        return not is_new

    def _next_is_same(self, parameters: list[Any]) -> bool:
        group = self._group = (self._group + 1) % GROUPS
        share = self._shares[group] = (self._shares[group] + 1) % SHARES
        if self._views is None:
            views = _views([parameters[n] for n in self._groups[group]], share)
        else:
            views = self._views[group][share]
        return _look(views) == self._hashes[group][share]


def _views(parameters: list[Any], share: int) -> _Views:
    """Return a share of some parameters, as tensors that know nothing of gradients."""
    return [
        item.new_empty(0).set_(
            item.untyped_storage(),
            item.storage_offset() + weights.start,
            (len(weights),),
            (weights.step,),
        )
        for item in parameters
        if (weights := seen(item.shape, share))
    ]


def _look(views: _Views) -> int:
    """Return the hash of some weights."""
    import torch

    found: dict[Any, _Views] = defaultdict(list)
    for view in views:
        found[view.device, view.dtype].append(view)
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
