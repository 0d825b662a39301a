"""The numbers of one token at many points of one pass: what modules are given, or return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from llmscope.capture.hooks import after_forward, before_forward, drop_capturing_hooks
from llmscope.capture.ledger import first_of

if TYPE_CHECKING:
    from torch import nn

    from llmscope.capture.undo import Changes


class Place(NamedTuple):
    """A call of a module: what it is given, or what it returns.

    Attributes
    ----------
    path, turn
        The module, and how many calls it had had before in the pass.
    given
        Whether it is what the module is given.
    """

    path: str
    turn: int
    given: bool = False


class Rows(NamedTuple):
    """What was seen of one token.

    Attributes
    ----------
    vectors
        By place, the numbers (width,) of the token.
    whole
        By place, the numbers (positions, width) of all tokens.
    many
        By place, the numbers of the token in each tensor that the module returned.
    """

    vectors: dict[Place, torch.Tensor]
    whole: dict[Place, torch.Tensor]
    many: dict[Place, list[torch.Tensor]]


class Wanted(NamedTuple):
    """What is to be seen: places, and of which of them all tokens or all tensors."""

    places: Collection[Place]
    whole: Collection[Place] = ()
    many: Collection[Place] = ()


def watch_rows(
    model: nn.Module,
    inputs: Mapping[str, Any],
    wanted: Wanted,
    rows: Mapping[str, tuple[int, int]],
    changes: Changes,
) -> Rows:
    """Run a model, and keep the numbers of one token.

    Parameters
    ----------
    wanted
        What is to be seen.
    rows
        By the beginning of a module's path, which row of how many is the token's; "" is all others.
    changes
        Where the undo of hooks is registered.
    """
    drop_capturing_hooks(model, changes)
    found = Rows({}, {}, {})
    turns: Counter[tuple[str, bool]] = Counter()
    places = {*wanted.places, *wanted.whole, *wanted.many}

    def row_of(path: str) -> tuple[int, int]:
        fitting = max((begin for begin in rows if path.startswith(begin)), key=len)
        return rows[fitting]

    def see(path: str, given: bool, items: list[Any]) -> None:
        place = Place(path, turns[path, given], given)
        turns[path, given] += 1
        if place not in places:
            return
        row, count = row_of(path)
        tensor = first_of(items, True)
        if tensor is not None and _is_laid_out(tensor, count):
            laid_out = tensor.detach().reshape(count, -1)
            found.vectors[place] = laid_out[row].clone()
            if place in wanted.whole:
                found.whole[place] = laid_out.clone()
        if place in wanted.many:
            flat = items[0] if isinstance(items[0], (tuple, list)) else items
            found.many[place] = [
                one.detach().reshape(count, -1)[row].clone()
                for one in flat
                if isinstance(one, torch.Tensor) and _is_laid_out(one, count)
            ]

    def before(path: str) -> Any:
        return lambda _, args, kwargs: see(path, True, [*args, *kwargs.values()])

    def after(path: str) -> Any:
        return lambda _, __, ___, output: see(path, False, [output])

    for path, given in {(place.path, place.given) for place in places}:
        module = model.get_submodule(path)
        if given:
            before_forward(module, changes, before(path))
        else:
            after_forward(module, changes, after(path))
    model(**inputs)
    return found


def _is_laid_out(tensor: torch.Tensor, count: int) -> bool:
    """Return whether a tensor has numbers of each of so many tokens, one token after another."""
    return count == 1 or next((size for size in tensor.shape if size != 1), 1) == count
