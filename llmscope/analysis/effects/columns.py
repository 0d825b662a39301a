"""Whether the numbers that W_O receives belong to one head each, and stand in their order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import torch

from llmscope.capture.change import Change
from llmscope.capture.hooks import before_forward
from llmscope.capture.points import Point
from llmscope.capture.tensors import close

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmscope.analysis.effects.measuring import Measuring
    from llmscope.capture.undo import Changes
    from llmscope.shared import Kind

_POWERS = (-3, -2, -1, 1, 2, 3)  # of two: multiplying by them rounds nothing


def layers_in_columns(
    measuring: Measuring, kind: Kind, received: Mapping[int, torch.Tensor]
) -> set[int]:
    """Return the layers in which each head has columns of W_O of its own.

    Each head is multiplied by a number, and what W_O then receives is compared: a gate leaves its
    columns to a head, a norm over all heads or the difference of two of them doesn't.

    Parameters
    ----------
    kind
        Which attention.
    received
        What W_O receives at the position in question, by layer.
    """
    position = measuring.question.position
    found: set[int] = set()
    points: dict[Point, Change] = {}
    hooks: list[tuple[str, Any]] = []
    for layer, given in received.items():
        heads = measuring.anatomy.heads[kind, layer].number
        factors = _factors(heads).to(given)
        columns = factors.repeat_interleave(len(given) // heads)

        def scaled(tensor: torch.Tensor, _: int, factors: torch.Tensor = factors) -> torch.Tensor:
            return tensor * factors[:, None]

        def receive(
            _: Any,
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
            layer: int = layer,
            columns: torch.Tensor = columns,
            given: torch.Tensor = given,
        ) -> Any:
            if close(args[0][0, position], given * columns):
                found.add(layer)
            return (args[0] / columns, *args[1:]), kwargs  # the layers above are as they were

        points[Point("heads", layer, kind)] = scaled
        hooks.append((measuring.blocks[layer].projections[kind].path, receive))
    model = measuring.recording.runner.model

    def before(undo: Changes) -> None:
        for path, hook in hooks:
            before_forward(model.get_submodule(path), undo, hook, first=True)

    measuring.measure(points, before=before)
    return found


def _factors(heads: int) -> torch.Tensor:
    """Return a factor for each head, so that no head's is that of another near it."""
    draw = random.Random(0)
    powers = [power for _ in range(0, heads, len(_POWERS)) for power in draw.sample(_POWERS, 6)]
    return torch.tensor([2.0**power for power in powers[:heads]])
