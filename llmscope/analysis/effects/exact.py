"""Effects of parts, each found by a pass without it: whole layers of heads in a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from llmscope.analysis.effects.measuring import Measuring, at_rows, embeddings_with_gradients
from llmscope.capture.change import Change
from llmscope.capture.hooks import before_forward
from llmscope.capture.points import Point, block_of
from llmscope.capture.stream import first_tensor
from llmscope.words import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llmscope.analysis.effects.question import Question
    from llmscope.capture import Recording
    from llmscope.capture.undo import Changes
    from llmscope.edits.editor import Editor

Rows = Callable[[torch.Tensor], torch.Tensor]

_CELLS = 2**24  # numbers of a batch's residual stream in memory at once


class Unit(NamedTuple):
    """A point at which parts are taken out, and where their effects are in the array.

    Attributes
    ----------
    point
        Of a layer.
    heads
        Number of heads at it; 0 where it is one part.
    """

    point: Point
    heads: int


def units_of(measuring: Measuring, question: Question) -> list[Unit]:
    """Return what can be taken out, by layer.

    Raises
    ------
    ValueError
        When the model has no such parts.
    """
    anatomy, name = measuring.anatomy, measuring.recording.name
    if question.of == "heads":
        found = {layer: heads for (kind, layer), heads in anatomy.heads.items()
                 if kind == question.kind}  # fmt: skip
        units = [
            Unit(Point("heads", layer, question.kind), heads.number)
            for layer, heads in sorted(found.items())
        ]
    elif question.of == "mlps":
        units = [
            Unit(Point("mlp", layer), 0)
            for layer, block in enumerate(measuring.blocks)
            if any(part.name == "mlp" for part in block.parts)
        ]
    else:
        patched = question.method == "patch"
        units = [
            Unit(Point("block" if patched else "parts", layer), 0)
            for layer, block in enumerate(measuring.blocks)
            if patched or block.parts
        ]
    if not units:
        raise ValueError(
            say("{name} has no {of} that can be told apart.", name=name, of=question.of)
        )
    return units


def shape_of(units: Sequence[Unit], question: Question, positions: int) -> tuple[int, ...]:
    """Return the shape of the array of effects."""
    layers = 1 + max(unit.point.layer for unit in units)
    if question.of == "heads":
        return layers, max(unit.heads for unit in units)
    if question.of == "layers" and question.method == "patch":
        return layers, positions
    return (layers,)


class Estimate(NamedTuple):
    """The measure of a pass, and estimates of effects."""

    measured: float
    values: NDArray[np.float32]


def estimated(measuring: Measuring, units: Sequence[Unit], source: Recording | None) -> Estimate:
    """Estimate effects by one pass forward and one backward (attribution patching).

    The measure is taken to change in a straight line with what a part gives.
    """
    question = measuring.question
    given: dict[Point, torch.Tensor] = {}

    def keep(point: Point) -> Change:
        def kept(tensor: torch.Tensor, _: int) -> torch.Tensor:
            given[point] = tensor
            return tensor

        return kept

    points = {unit.point for unit in units}
    if question.of == "layers":
        points = {Point("block", layer) for layer in range(len(measuring.blocks))}
    model = measuring.recording.runner.model
    learn = measuring.learn_blocks()

    received: list[torch.Tensor] = []

    def begin(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found = first_tensor(args, kwargs)
        if found is not None and not received:
            received.append(found)

    def before(undo: Changes) -> None:
        embeddings_with_gradients(model, undo)
        learn(undo)
        if question.of == "layers":
            before_forward(model.get_submodule(measuring.blocks[0].turn.path), undo, begin)

    try:
        measured = measuring.measure(
            {point: keep(point) for point in points}, gradients=True, before=before
        )
    except RuntimeError as error:
        raise _not_backwards(error) from error
    seen = sorted(given)
    slopes = dict(zip(seen, _slopes(measured, [given[point] for point in seen]), strict=True))
    values = np.full(shape_of(units, question, _positions(measuring)), np.nan, dtype=np.float32)
    others = _source_at(measuring.editor, source, [unit.point for unit in units])
    for unit in units:
        if question.of == "layers" and question.method != "patch":
            # What a block adds: what is behind it, less what is behind the one before.
            layer = unit.point.layer
            now, slope = given[Point("block", layer)], slopes[Point("block", layer)]
            change = now - (given[Point("block", layer - 1)] if layer else received[0])
            change = change - _replacement(measuring, change, None)
        else:
            now, slope = given[unit.point], slopes[unit.point]
            change = now - _replacement(measuring, now, others.get(unit.point))
        effect = (change * slope)[0].detach().float()  # (positions, …)
        if unit.heads:
            values[unit.point.layer, : unit.heads] = effect.sum((0, 2)).cpu().numpy()
        elif values.ndim == 2:
            values[unit.point.layer] = effect.sum(1).cpu().numpy()
        else:
            values[unit.point.layer] = float(effect.sum())
    return Estimate(float(measured.detach()[0]), values)


def without_estimate(measuring: Measuring, units: Sequence[Unit]) -> Estimate:
    """Return the measure alone, of a model that can't be followed backwards."""
    measured = measuring.measure({}, before=measuring.learn_blocks())
    shape = shape_of(units, measuring.question, _positions(measuring))
    return Estimate(float(measured[0]), np.full(shape, np.nan, dtype=np.float32))


def exact(
    measuring: Measuring,
    units: Sequence[Unit],
    source: Recording | None,
    estimate: Estimate,
) -> Iterator[NDArray[np.float32]]:
    """Yield the effects found so far, those that are estimated to be greatest first.

    One array (as `shape_of` says) is filled and yielded again after each batch.
    """
    measuring.check_known(estimate.measured)
    values = np.full_like(estimate.values, np.nan)
    others = _source_at(measuring.editor, source, [unit.point for unit in units])

    def greatest(unit: Unit) -> float:
        of_layer = np.abs(estimate.values[unit.point.layer])
        return float(np.max(of_layer, where=~np.isnan(of_layer), initial=-1))

    for unit in sorted(units, key=greatest, reverse=True):
        layer, other = unit.point.layer, others.get(unit.point)
        if unit.heads:
            items = list(range(unit.heads))
            make = partial(_without_head, measuring, other)
        elif values.ndim == 2:
            items = list(range(values.shape[1]))
            make = partial(_at_position, other)
        else:
            items, make = [0], partial(_without, measuring, other)
        size = max(1, _CELLS // (_positions(measuring) * _width(measuring)))
        for start in range(0, len(items), size):
            part = items[start : start + size]
            change = at_rows([make(item) for item in part])
            lowest = block_of(measuring.anatomy, unit.point)
            measured = measuring.measure({unit.point: change}, lowest=lowest, rows=len(part))
            effects = estimate.measured - measured.cpu().numpy()
            if values.ndim == 2:
                values[layer, part] = effects
            else:
                values[layer] = effects[0]
            yield values


def _without_head(measuring: Measuring, other: torch.Tensor | None, head: int) -> Rows:
    def change(rows: torch.Tensor) -> torch.Tensor:  # (positions, heads, size)
        changed = rows.clone()
        of_source = None if other is None else other[:, head]
        changed[:, head] = _replacement(measuring, rows[None, :, head], of_source)
        return changed

    return change


def _without(measuring: Measuring, other: torch.Tensor | None, _: int) -> Rows:
    return lambda rows: _replacement(measuring, rows[None], other)[0]


def _at_position(other: torch.Tensor | None, position: int) -> Rows:
    def change(rows: torch.Tensor) -> torch.Tensor:  # (positions, hidden size)
        assert other is not None
        changed = rows.clone()
        changed[position] = other[position]
        return changed

    return change


def _replacement(
    measuring: Measuring, now: torch.Tensor, other: torch.Tensor | None
) -> torch.Tensor:
    """Return what takes the place of a part (1, positions, …)."""
    if other is not None:
        return other[None].to(now)
    if measuring.question.by == "mean":
        tokens, source = measuring.recording.forward.lengths
        count = source if measuring.question.kind == "encoder" else tokens
        return now[:, :count].mean(1, keepdim=True).expand_as(now)
    return torch.zeros_like(now)


def _source_at(
    editor: Editor, source: Recording | None, points: Sequence[Point]
) -> dict[Point, torch.Tensor]:
    if source is None:
        return {}
    return dict(zip(points, editor.read(source.runner, source.inputs, points), strict=True))


def _slopes(measured: torch.Tensor, given: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
    try:
        found = torch.autograd.grad(measured.sum(), given, allow_unused=True)
    except RuntimeError as error:
        raise _not_backwards(error) from error
    return [
        torch.zeros_like(item) if slope is None else slope
        for item, slope in zip(given, found, strict=True)
    ]


def _not_backwards(error: Exception) -> ValueError:
    return ValueError(
        say(
            "This model can't be followed backwards, so there are no estimates "
            '({error}). method="ablate" works without.',
            error=error,
        )
    )


def _positions(measuring: Measuring) -> int:
    return len(measuring.recording.forward.states)


def _width(measuring: Measuring) -> int:
    return int(measuring.recording.forward.hidden.shape[-1])
