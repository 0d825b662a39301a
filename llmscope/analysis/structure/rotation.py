"""Rotary positions [1]_: pairs of numbers of queries and keys, turned by an angle a position.

What was turned is found by its numbers: those that a module gave before, and those that the
attention function was called with after.

References
----------
.. [1] Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from llmscope.capture.tensors import close, to_numpy

if TYPE_CHECKING:
    from torch import nn

Layout = Literal["halves", "neighbours"]
_SMALLEST = 1e-3  # of a vector's length, below which a pair says nothing of its angle


@dataclass(frozen=True)
class Rotation:
    """How vectors of one head are turned at one position.

    Attributes
    ----------
    layout
        Whether numbers n and n + half of them make a pair, or 2n and 2n + 1.
    rotated
        How many of a head's numbers are turned, the first or the last ones.
    first
        The first of them.
    frequencies
        (pairs,) in radians a position.
    scaling
        What the turned numbers are multiplied with.
    sign
        Whether pairs are turned one way, or the other.
    """

    layout: Layout
    rotated: int
    first: int
    frequencies: torch.Tensor
    scaling: float
    sign: int

    def pairs(self, vector: torch.Tensor) -> torch.Tensor:
        """Return the pairs (pairs, 2) of a head's vector (size,)."""
        turned = vector[self.first : self.first + self.rotated]
        if self.layout == "halves":
            return turned.reshape(2, -1).T
        return turned.reshape(-1, 2)

    def turn(self, pairs: torch.Tensor, position: int) -> torch.Tensor:
        """Return pairs (pairs, 2) as they are at a position."""
        angles = position * self.frequencies.to(pairs) * self.sign
        x, y = pairs[:, 0], pairs[:, 1]
        turned = (x * angles.cos() - y * angles.sin(), x * angles.sin() + y * angles.cos())
        return torch.stack(turned, dim=-1) * self.scaling


def frequencies_of(model: nn.Module) -> list[torch.Tensor]:
    """Return all frequencies (pairs,) that modules of a model hold."""
    found: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if "inv_freq" in name and buffer.ndim == 1:
                found[id(buffer)] = buffer.detach().float()
    return [*found.values(), *_usual(model)]


def _usual(model: Any) -> Iterator[torch.Tensor]:
    """Go through the frequencies that a configuration means, where no module holds them."""
    config = model.config.get_text_config()
    rotated = getattr(config, "rotary_dim", None)
    if isinstance(rotated, int) and rotated > 0:
        steps = torch.arange(0, rotated, 2).float() / rotated
        yield 1 / 10_000**steps


def find_rotation(
    before: torch.Tensor, after: torch.Tensor, known: Sequence[torch.Tensor], position: int
) -> Rotation | None:
    """Return how `before` (size,) was turned into `after` (size,); `None` if it wasn't."""
    before, after = before.float(), after.float()
    if before.shape != after.shape or close(before, after):
        return None
    size = len(before)
    for frequencies in known:
        frequencies = frequencies.to(before.device)
        rotated = 2 * len(frequencies)
        if rotated > size:
            continue
        for first in {0, size - rotated}:
            rest = [slice(0, first), slice(first + rotated, size)]
            if any(not _equal(before[part], after[part]) for part in rest):
                continue
            for layout in ("halves", "neighbours"):
                for sign in (1, -1):
                    plain = Rotation(layout, rotated, first, frequencies, 1.0, sign)
                    found = _fitted(plain, before, after, position)
                    if found is not None:
                        return found
    return None


def _fitted(
    plain: Rotation, before: torch.Tensor, after: torch.Tensor, position: int
) -> Rotation | None:
    wanted, turned = plain.pairs(after), plain.turn(plain.pairs(before), position)
    scaling = float(wanted.norm() / turned.norm()) if float(turned.norm()) else 1.0
    scaling = 1.0 if abs(scaling - 1) < _SMALLEST else scaling
    if not close(turned * scaling, wanted):
        return None
    return Rotation(
        plain.layout, plain.rotated, plain.first, plain.frequencies, scaling, plain.sign
    )


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return not len(one) or close(one, other)


def slices_of(vectors: Sequence[torch.Tensor], size: int) -> Iterator[torch.Tensor]:
    """Go through all stretches (size,) of vectors that may be a head's query or key."""
    for vector in vectors:
        if len(vector) % size == 0:
            yield from vector.reshape(-1, size)


def rotary_in_place(
    vectors: Sequence[torch.Tensor],
    query: torch.Tensor,
    key: torch.Tensor,
    known: Sequence[torch.Tensor],
    position: int,
) -> dict[str, Any] | None:
    """Return how one head's query and key (size,) are turned; `None` where that isn't found.

    Parameters
    ----------
    vectors
        What the attention's modules gave at this token (…,): among them the vectors as they were.
    query, key
        As the attention function was called with.
    known
        The frequencies that the model holds.
    """
    found: dict[str, Any] = {}
    rotation: Rotation | None = None
    for name, after in (("query", query), ("key", key)):
        for before in slices_of(vectors, len(after)):
            rotation = find_rotation(before, after, known, position)
            if rotation is not None:
                found[name] = {
                    "before": to_numpy(rotation.pairs(before)),
                    "after": to_numpy(rotation.pairs(after)),
                }
                break
        else:
            return None
    assert rotation is not None
    return {**_facts(rotation, len(query), position), **found}


def unturned(
    query: torch.Tensor, key: torch.Tensor, known: Sequence[torch.Tensor], facts: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the same at position 0, where every angle is 0.

    Parameters
    ----------
    facts
        The layout, the number and the first of the numbers that are turned elsewhere.
    """
    frequencies = next((one for one in known if 2 * len(one) == facts.get("rotated")), None)
    if frequencies is None:
        return None
    rotation = Rotation(facts["layout"], facts["rotated"], facts["first"], frequencies, 1.0, 1)

    def both(vector: torch.Tensor) -> dict[str, Any]:
        pairs = to_numpy(rotation.pairs(vector))
        return {"before": pairs, "after": pairs}

    return {**_facts(rotation, len(query), 0), "query": both(query), "key": both(key)}


def _facts(rotation: Rotation, size: int, position: int) -> dict[str, Any]:
    return {
        "kind": "rotary",
        "size": size,
        "rotated": rotation.rotated,
        "layout": rotation.layout,
        "frequencies": to_numpy(rotation.frequencies),
        "angles": to_numpy(rotation.frequencies * position * rotation.sign),
        "scaling": rotation.scaling,
    }
