"""Direct effects: what each part writes into the residual stream, as far as the logit sees it.

The logit is the head's, of the stream behind the final norm. The stream is a sum of what the
embedding and all parts wrote into it, and all that comes after is linear once the scale of the norm
is held as it is (direct logit attribution [1]_). So the parts sum to the logit.

References
----------
.. [1] Elhage et al., "A mathematical framework for transformer circuits", Transformer Circuits
   Thread, 2021.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from llmscope.analysis.effects.columns import layers_in_columns
from llmscope.analysis.effects.effects import Effects, Part
from llmscope.analysis.effects.exact import units_of
from llmscope.analysis.effects.norms import Linear, frozen
from llmscope.capture.change import Change
from llmscope.capture.hooks import after_forward, before_forward
from llmscope.capture.points import Point
from llmscope.capture.projection import is_linear
from llmscope.capture.stream import first_tensor
from llmscope.capture.tensors import close
from llmscope.words import later, refused, say

if TYPE_CHECKING:
    from torch import nn

    from llmscope.analysis.effects.measuring import Measuring
    from llmscope.capture.undo import Changes
    from llmscope.shared import Kind

_OTHERS = later('The methods "gradient" and "ablate" work without that.')


def _refused(sentence: str, name: str, **places: object) -> ValueError:
    return refused(sentence, name=name, others=say(_OTHERS), **places)


class Run(NamedTuple):
    """One call of a linear module or a norm in a block, at the position in question."""

    module: nn.Module
    given: torch.Tensor  # (width,)
    made: torch.Tensor


@dataclass
class Written:
    """What one block wrote into the stream at one position.

    Attributes
    ----------
    parts
        By name (hidden size,): attention, cross, mlp, other.
    runs
        The linear modules and norms that ran in it, by path.
    heads
        By kind of attention, the outputs of its heads (heads · size,), where they can be seen.
    """

    parts: list[tuple[str, torch.Tensor]] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    heads: dict[Kind, torch.Tensor] = field(default_factory=dict)


def direct(measuring: Measuring) -> Effects:
    """Return the direct effects of all heads, MLPs or layers; the rest beside them.

    Raises
    ------
    ValueError
        When the parts don't sum to the logit: in models that normalise the stream behind each sum,
        and where the head is more than a matrix.
    """
    question, recording = measuring.question, measuring.recording
    units_of(measuring, question)
    if not measuring.blocks:
        raise _refused(
            "The layers of {name} can't be told from its other modules. {others}", recording.name
        )
    begin, written, end = _watch(measuring)
    if begin.shape != recording.forward.hidden.shape[-1:]:
        raise _refused(
            "What the head of {name} reads isn't its residual stream, so that "
            "parts don't add up to a logit. {others}",
            recording.name,
        )
    total = begin + sum((part for block in written for _, part in block.parts), begin * 0)
    if not written or not all(block.parts for block in written) or not close(total, end):
        raise _refused(
            "What the parts of {name} write into the residual stream doesn't "
            "add up to what comes out: it normalises the stream on the way, or "
            "changes it otherwise. {others}",
            recording.name,
        )
    final = _final(measuring, end)
    slope, constant, capped = _head(measuring)

    def effect(part: torch.Tensor) -> float:
        return float(slope @ final(part).double())

    rest = [Part("embedding", None, None, None, effect(begin))]
    layers = len(written)
    heads = max((h.number for (k, _), h in measuring.anatomy.heads.items() if k == question.kind),
                default=0)  # fmt: skip
    by_head = np.full((layers, heads), np.nan, dtype=np.float64)
    of_mlps = np.full(layers, np.nan)
    of_layers = np.zeros(layers)
    apart_in: dict[Kind, set[int]] = {
        kind: _layers_apart(measuring, kind, written) for kind in ("self", "cross")
    }
    for layer, block in enumerate(written):
        for name, part in block.parts:
            whole = effect(part)
            of_layers[layer] += whole
            kind: Kind = "cross" if name == "cross" else "self"
            if name == "mlp":
                of_mlps[layer] = whole
                if question.of != "mlps":
                    rest.append(Part("MLP", layer, None, None, whole))
            elif name in ("attention", "cross"):
                apart = None
                if layer in apart_in[kind]:
                    apart = _heads(measuring, layer, kind, block, part)
                each = [] if apart is None else [effect(head) for head in apart]
                if kind == question.kind and each:
                    by_head[layer, : len(each)] = each
                if not each:
                    rest.append(Part(f"{name}", layer, None, None, whole))
                    continue
                if kind != question.kind or question.of != "heads":
                    rest += [
                        Part("head" if kind == "self" else "cross head", layer, head, None, one)
                        for head, one in enumerate(each)
                    ]
                rest.append(Part("attention bias", layer, None, None, whole - sum(each)))
            else:
                rest.append(Part("other", layer, None, None, whole))
    rest.append(Part("constant", None, None, None, constant + float(slope @ final.bias.double())))
    if question.of == "heads" and bool(np.isnan(by_head).all()):
        raise _refused(
            "The heads of {name} are mixed before W_O, or with other things "
            "behind it, so that it can't be told what each writes. {others}",
            recording.name,
        )
    values = {"heads": by_head, "mlps": of_mlps, "layers": of_layers}[question.of]
    if question.of == "layers":
        rest = [part for part in rest if part.layer is None]
    rest = [part for part in rest if part.effect or part.what in ("embedding", "constant")]
    measured = float(np.nansum(values) + sum(part.effect for part in rest))
    _hold_to_the_model(measuring, measured, capped)
    dims = ("layer", "head") if question.of == "heads" else ("layer",)
    return Effects(question, values.astype(np.float32), dims, measured, tuple(rest), capped=capped)


def _watch(measuring: Measuring) -> tuple[torch.Tensor, list[Written], torch.Tensor]:
    """Run the model; return the stream at the beginning, what blocks wrote, and at the end."""
    position = measuring.question.position
    model = measuring.recording.runner.model
    written = [Written() for _ in measuring.blocks]
    ends: dict[int, torch.Tensor] = {}
    begins: list[torch.Tensor] = []
    now: list[int] = []
    turns: dict[str, int] = {}

    def keep(layer: int, name: str) -> Change:
        def kept(tensor: torch.Tensor, _: int) -> torch.Tensor:
            written[layer].parts.append((name, tensor[0, position].detach().float().clone()))
            return tensor

        return kept

    def behind(layer: int) -> Change:
        def kept(tensor: torch.Tensor, _: int) -> torch.Tensor:
            ends[layer] = tensor[0, position].detach().float().clone()
            return tensor

        return kept

    def beside(layer: int, kind: Kind) -> Change:
        def kept(tensor: torch.Tensor, _: int) -> torch.Tensor:
            written[layer].heads[kind] = tensor[0, position].detach().flatten().clone()
            return tensor

        return kept

    points: dict[Point, Change] = {}
    for layer, block in enumerate(measuring.blocks):
        for part in block.parts:
            if part.name == "cross":
                points[Point("attention", layer, "cross")] = keep(layer, "cross")
            else:
                points[Point(part.name, layer)] = keep(layer, part.name)
        points[Point("block", layer)] = behind(layer)
    for (kind, layer), heads in measuring.anatomy.heads.items():
        if heads.asks and heads.block == layer and kind != "encoder":
            points[Point("heads", layer, kind)] = beside(layer, kind)
    numbers = {block.turn: number for number, block in enumerate(measuring.blocks)}

    def watch(undo: Changes) -> None:
        for path in {block.turn.path for block in measuring.blocks}:
            module = model.get_submodule(path)

            def begin(_: Any, args: Any, kwargs: Any, path: str = path) -> None:
                turn = turns.get(path, 0)
                turns[path] = turn + 1
                layer = next((n for t, n in numbers.items() if t == (path, turn)), None)
                if layer is not None:
                    now[:] = [layer]
                    received = first_tensor(args, kwargs)
                    if layer == 0 and received is not None:
                        begins[:] = [received[0, position].detach().float().clone()]

            def end(*_: Any) -> None:
                now.clear()

            before_forward(module, undo, begin, first=True)
            after_forward(module, undo, end)
            for name, inside in module.named_modules():
                if inside is not module and (is_linear(inside) or _is_norm(inside)):
                    after_forward(inside, undo, _run_kept(written, now, f"{path}.{name}", position))

    measuring.measure(points, before=watch)
    return begins[0], written, ends[len(measuring.blocks) - 1]


def _run_kept(written: list[Written], now: list[int], path: str, position: int) -> Any:
    def ran(module: nn.Module, args: tuple[Any, ...], _: Any, output: Any) -> None:
        if now and args and _has_row(args[0], position) and _has_row(output, position):
            at = (0, position)
            row = Run(module, args[0][at].detach().clone(), output[at].detach().clone())
            written[now[0]].runs[path] = row

    return ran


def _has_row(given: Any, position: int) -> bool:
    is_tensor = isinstance(given, torch.Tensor) and given.ndim == 3
    return is_tensor and len(given) == 1 and given.shape[1] > position


def _is_norm(module: nn.Module) -> bool:
    return type(module).__name__.lower().endswith("norm")


def _final(measuring: Measuring, end: torch.Tensor) -> Linear:
    """Return what is done to the stream behind the last layer, its norms held as they are."""
    recording = measuring.recording
    modules = recording.residual_stream.final
    if modules is None or recording.forward.logits is not None:
        raise _refused("The head of {name} can't be run on its own. {others}", recording.name)
    linear, state = Linear.identity(end), end
    for module in modules:
        step = frozen(module, state.to(recording.forward.hidden.dtype))
        if step is None:
            raise _refused(
                "{kind} of {name} is no norm of a kind that can be held as it is. {others}",
                recording.name,
                kind=type(module).__name__,
            )
        linear, state = linear.then(step), step(state) + step.bias
    return linear


def _head(measuring: Measuring) -> tuple[torch.Tensor, float, float | None]:
    """Return the slope (hidden size,) of the measure at the head, what it adds, and its cap."""
    recording, question = measuring.recording, measuring.question
    hidden = recording.forward.hidden[question.position]
    model: Any = recording.runner.model
    cap = getattr(model.config.get_text_config(), "final_logit_softcapping", None)

    def raw(state: torch.Tensor) -> torch.Tensor:
        logits = recording.runner.head.logits(state[None])[0].float()
        if cap:
            logits = cap * torch.atanh((logits / cap).clamp(-1 + 1e-7, 1 - 1e-7))
        return question.measured(logits)

    def run() -> tuple[torch.Tensor, float, float]:
        outer = torch.is_grad_enabled()
        try:
            torch.set_grad_enabled(True)
            state = hidden.detach().clone().requires_grad_(True)
            value = raw(state)
            (slope,) = torch.autograd.grad(value, state)
        finally:
            torch.set_grad_enabled(outer)
        other = raw(-hidden)
        return slope.detach().double(), float(value), float(other)

    slope, value, opposite = recording.runner.undisturbed(run)
    part = float(slope @ hidden.double())
    constant = value - part
    size = max(abs(value), abs(part), 1.0)
    if abs(opposite - (constant - part)) > 1e-3 * size:
        raise _refused(
            "The head of {name} is more than a matrix, so that parts don't add "
            "up to a logit. {others}",
            recording.name,
        )
    return slope, constant, float(cap) if cap else None


def _layers_apart(measuring: Measuring, kind: Kind, written: list[Written]) -> set[int]:
    """Return the layers whose heads have columns of W_O of their own."""
    found: set[int] = set()
    unknown: dict[int, torch.Tensor] = {}
    in_block = Counter(h.block for (of, _), h in measuring.anatomy.heads.items() if of == kind)
    for layer, block in enumerate(written):
        projection = measuring.blocks[layer].projections.get(kind)
        heads = measuring.anatomy.heads.get((kind, layer))
        run = block.runs.get(projection.path) if projection is not None else None
        if run is None or heads is None or heads.block != layer or in_block[layer] > 1:
            continue
        if len(run.given) % heads.number:
            continue
        if not heads.asks:
            if projection is not None and heads.turn.path == projection.path:
                found.add(layer)
        elif kind in block.heads and close(block.heads[kind], run.given):
            found.add(layer)
        else:
            unknown[layer] = run.given
    return found | (layers_in_columns(measuring, kind, unknown) if unknown else set())


def _heads(
    measuring: Measuring, layer: int, kind: Kind, block: Written, part: torch.Tensor
) -> list[torch.Tensor] | None:
    """Return what each head of a layer writes into the stream; `None` where that isn't known."""
    anatomy = measuring.anatomy
    projection = measuring.blocks[layer].projections.get(kind)
    heads = anatomy.heads.get((kind, layer))
    run = block.runs.get(projection.path) if projection is not None else None
    if run is None or heads is None:
        return None
    after = _behind_projection(block, run, part)
    if after is None:
        return None
    size = len(run.given) // heads.number
    alone = run.given.new_zeros((heads.number + 1, len(run.given)))
    for head in range(heads.number):
        at = slice(head * size, (head + 1) * size)
        alone[head, at] = run.given[at]
    made = measuring.recording.runner.undisturbed(lambda: run.module(alone))
    return [after((row - made[-1]).float()) for row in made[:-1]]


def _behind_projection(block: Written, run: Run, part: torch.Tensor) -> Linear | None:
    """Return what is done to the output of W_O until it is added: nothing, a scale, a norm."""
    made = run.made.float()
    scaled = _scale(made, part)
    if scaled is not None:
        return Linear.identity(part).times(scaled)
    for other in block.runs.values():
        if _is_norm(other.module) and len(other.given) == len(made):
            before, after = _scale(made, other.given.float()), _scale(other.made.float(), part)
            if before is not None and after is not None:
                step = frozen(other.module, other.given)
                return (
                    None
                    if step is None
                    else Linear.identity(part).times(before).then(step).times(after)
                )
    return None


def _scale(one: torch.Tensor, other: torch.Tensor) -> float | None:
    """Return the number that turns one vector into another, if there is one."""
    if one.shape != other.shape:
        return None
    size = float(one.double() @ one.double())
    factor = float(one.double() @ other.double()) / size if size else 0.0
    return factor if factor and close(one * factor, other) else None


def _hold_to_the_model(measuring: Measuring, measured: float, capped: float | None) -> None:
    recording, question = measuring.recording, measuring.question
    row = recording.logits([question.position])[0].float()
    if capped:
        row = capped * torch.atanh(row / capped)
    true = float(question.measured(row))
    size = max(abs(true), float(row.abs().max()), 1.0)
    if abs(true - measured) > 2e-3 * size:
        raise _refused(
            "The parts of {name} don't add up to its logit ({measured:.4g}, "
            "and it is {true:.4g}): something that isn't seen happens to the "
            "stream. {others}",
            recording.name,
            measured=measured,
            true=true,
        )
