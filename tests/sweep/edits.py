"""Edits of one model type, held to the same edits made with plain hooks of PyTorch."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

import llmscope
from llmscope.capture import Attention
from llmscope.scope import Scope
from llmscope.shared import Kind
from llmscope.trace import Trace
from tests.closeness import relative_difference
from tests.sweep.places import (
    Hook,
    Place,
    at_functions,
    blocks_of,
    ends_of,
    hooked,
    projection_of,
)

TOKEN, POSITION = 7, 3
Way = Callable[[], AbstractContextManager[None]]  # to make an edit without llmscope


@dataclass
class Edits:
    """What came of the edits of one entry.

    Attributes
    ----------
    held
        Those that equal the same edit made by plain hooks.
    agree
        Those that equal what llmscope makes in another way, or nothing where nothing is changed.
    alone
        Those that were made, while no hook was found to compare with.
    refused, wrong
        What was said.
    """

    held: list[str] = field(default_factory=list)
    agree: list[str] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    worst: float = 0.0


def check_edits(
    scope: Scope, model: Any, text: list[int], target: Any, tolerance: float, briefly: bool
) -> Edits:
    """Edit a model in its last layer, and in one in the middle.

    Parameters
    ----------
    model
        The same model, which llmscope doesn't touch.
    briefly
        Leaves out the layer in the middle, and some ways to ask the same.
    """
    return _Checker(scope, model, text, target, tolerance, briefly).check()


class _Checker:
    def __init__(
        self, scope: Scope, model: Any, text: list[int], target: Any, tolerance: float, brief: bool
    ) -> None:
        self.scope, self.model, self.target = scope, model, target
        self.text, self.tolerance, self.brief = text, tolerance, brief
        self.result = Edits()
        self.traced()  # BigBird settles on its kind of attention
        self.before = self.traced()
        self.logits = self.before.logits
        self.inputs = self.before.recording.inputs
        self.source = self.scope.trace([*text[1:], text[0]], target=target)
        self.anatomy = self.scope.editor.anatomy(self.inputs)
        self.repeats = False

    def traced(self, *edits: Any) -> Trace:
        return self.scope.trace(self.text, target=self.target, edits=edits)

    def check(self) -> Edits:
        kinds: tuple[Kind, ...] = ("self",)
        if self.target:
            kinds = ("self", "cross") if self.brief else ("self", "cross", "encoder")
        for kind in kinds:
            self.check_kind(kind)
        self.check_effects()
        self.scope.forget()
        if not np.array_equal(self.traced().logits, self.logits):
            self.result.wrong["afterwards"] = "an untouched trace differs"
        for module in self.scope.model.modules():
            if module._forward_hooks or module._forward_pre_hooks:
                self.result.wrong["hooks"] = f"left on {type(module).__name__}"
        return self.result

    def check_kind(self, kind: Kind) -> None:
        side: Any = "encoder" if kind == "encoder" else "decoder"
        blocks = blocks_of(self.model, self.inputs, side)
        count = len(self.anatomy.blocks.get(side, ()))
        if len(blocks) != count:
            blocks = []  # by their names, other modules are layers
        self.repeats = len({block.path for block in blocks}) < len(blocks)
        of_heads = sorted(layer for of, layer in self.anatomy.heads if of == kind)
        for layer in self.some(of_heads):
            heads = self.anatomy.heads[kind, layer]
            block = blocks[layer] if blocks and heads.block == layer else None
            for head in {heads.number - 1} if self.brief else {0, heads.number - 1}:
                self.check_head(kind, layer, head, block)
        if not of_heads:
            self.edited(f"{kind} head", llmscope.ablate(head=(0, 0), kind=kind))
        all_layers = range(max(1, count))
        attending = [layer for layer in of_heads if layer < count] or all_layers
        for layer in self.some(attending):
            self.check_part("attention", kind, layer, blocks[layer] if blocks else None)
        for layer in self.some(all_layers) if kind != "cross" else ():
            block = blocks[layer] if blocks else None
            self.check_part("mlp", kind, layer, block)
            self.check_layer(kind, layer, block)
            self.check_stream(kind, layer, block)

    def some(self, layers: Sequence[int]) -> list[int]:
        middle = () if self.brief else layers[len(layers) // 2 :][:1]
        return sorted({*middle, *layers[-1:]})

    # ── one edit ─────────────────────────────────────────────────────────────────────────────

    def edited(self, name: str, edit: Any) -> Trace | None:
        """Trace under an edit; `None` where that is refused."""
        try:
            trace = self.traced(edit)
            _ = trace.logits
            return trace
        except Exception as error:
            self.failed(name, error)
            return None

    def failed(self, name: str, error: Exception) -> None:
        """Tell a refusal in words from an error that happened."""
        *_, last = traceback.extract_tb(error.__traceback__)
        said = str(error)
        is_ours = "/llmscope/" in last.filename and said.endswith(".")
        if isinstance(error, (ValueError, IndexError)) and is_ours:
            self.result.refused[name] = said
        else:
            said = f"{type(error).__name__}: {said}".split("\n")[0][:150]
            self.result.wrong[name] = f"{said} ({Path(last.filename).name}:{last.lineno})"

    def hold(self, name: str, trace: Trace, ways: Iterable[Way]) -> None:
        """Hold a trace to the nearest of some ways to make the same edit."""
        found = []
        for way in ways:
            found.append(relative_difference(trace.logits, self.run(way)))
            if found[-1] <= self.tolerance:
                break
        if found:
            self.note(name, min(found), "what hooks make", self.result.held)
        else:
            self.result.alone.append(name)

    def unchanged(self, name: str, edit: Any, like: Trace | None = None) -> None:
        """Hold a trace under an edit that changes nothing to one without, or to another."""
        if self.brief:
            return
        trace = self.edited(name, edit)
        if trace is not None:
            difference = relative_difference(trace.logits, (like or self.before).logits)
            self.note(name, difference, "what it should equal", self.result.agree)

    def note(self, name: str, difference: float, what: str, where: list[str]) -> None:
        if difference <= self.tolerance:
            where.append(name)
            self.result.worst = max(self.result.worst, difference)
        else:
            self.result.wrong[name] = f"{difference:.2g} from {what}"

    def run(self, way: Way, inputs: Any = None) -> torch.Tensor:
        with way(), torch.no_grad():
            output = self.model(**(inputs or self.inputs), use_cache=False)
        logits: torch.Tensor = output.logits[0, : len(self.before)]
        return logits.detach().double()

    def by(self, *hooks: Hook) -> Way:
        return partial(hooked, self.model, hooks)

    # ── parts ────────────────────────────────────────────────────────────────────────────────

    def check_head(self, kind: Kind, layer: int, head: int, block: Place | None) -> None:
        number = self.anatomy.heads[kind, layer].number
        changes: dict[Any, Any] = {"mean": _mean, "zero": torch.zeros_like}
        for by, change in [*changes.items()][self.brief :]:
            name = f"{kind} head by {by} in {layer}"
            trace = self.edited(name, llmscope.ablate(head=(layer, head), kind=kind, by=by))
            if trace is None:
                continue
            ways = [*self.function(kind, layer, head, change)]
            place = None if block is None else projection_of(self.model, block, kind == "cross")
            if place is not None and block is not None:
                columns = _columns(number, head, change)
                ways.append(self.by(Hook(place, columns, True, self.turn(block))))
            self.hold(name, trace, ways)
        same = llmscope.scale_head((layer, head), 1.0, kind=kind)
        self.unchanged(f"{kind} head × 1 in {layer}", same)

    def function(self, kind: Kind, layer: int, head: int, change: Any) -> Iterator[Way]:
        """Change a head in what the attention function returns, which the trace recorded."""
        recording = self.before.recording
        attention = recording.layer(layer, kind) if kind in self.before.kinds else None
        if isinstance(attention, Attention):
            module = attention.call.module
            path = next(n for n, m in self.scope.model.named_modules() if m is module)
            calls = recording.forward.calls[: attention.order]
            turn = sum(call.module is module for call in calls)
            yield partial(at_functions, self.model, path, turn, head, change)

    def check_part(self, part: Any, kind: Kind, layer: int, block: Place | None) -> None:
        name = f"{kind} {part} in {layer}"
        trace = self.edited(name, llmscope.ablate(**{part: layer}, kind=kind))
        if trace is None:
            return
        side = "input_ids" if kind == "encoder" or not self.target else "decoder_input_ids"
        everywhere = range(self.inputs[side].shape[1])
        at_all = llmscope.ablate(**{part: layer}, kind=kind, positions=everywhere)
        self.unchanged(f"{name} at all positions", at_all, trace)
        itself = llmscope.patch(**{part: layer}, kind=kind, source=self.before)
        self.unchanged(f"{name} from itself", itself)
        if block is not None:
            ends = ends_of(self.model, block, "cross" if kind == "cross" else part)
            self.hold(name, trace, self.without_ends(ends, block))

    def without_ends(self, ends: list[str], block: Place) -> Iterator[Way]:
        turn = self.turn(block)
        beside = [end for end in ends if end.count(".") == block.path.count(".") + 1]
        for group in [*([end] for end in ends), beside]:
            if group:
                yield self.by(*(Hook(end, torch.zeros_like, False, turn) for end in group))
        if turn is None:  # Pegasus-X: later calls are about tokens that the text doesn't have
            for end in ends:
                yield self.by(Hook(end, torch.zeros_like, False, 0))

    def turn(self, block: Place) -> int | None:
        return block.turn if self.repeats else None

    def check_layer(self, kind: Kind, layer: int, block: Place | None) -> None:
        name = f"{kind} layer in {layer}"
        trace = self.edited(name, llmscope.ablate(layer=layer, kind=kind))
        if trace is not None and block is not None:
            self.hold(name, trace, self.without_block(block))

    def without_block(self, block: Place) -> Iterator[Way]:
        held: list[torch.Tensor] = []
        keep = Hook(block.path, _kept(held), True, block.turn)
        yield self.by(keep, Hook(block.path, lambda _: held[0], False, block.turn))
        every = (ends_of(self.model, block, part)[:4] for part in ("attention", "cross", "mlp"))
        for ends in product(*(found for found in every if found)):
            turn = self.turn(block)
            yield self.by(*(Hook(end, torch.zeros_like, False, turn) for end in ends))

    def check_stream(self, kind: Kind, layer: int, block: Place | None) -> None:
        there: list[torch.Tensor] = []
        width = self.before.recording.forward.hidden.shape[-1]
        if block is not None:
            keep = self.by(Hook(block.path, _kept(there), False, block.turn))
            self.run(keep, self.source.recording.inputs)
            width = there[0].shape[-1]
        vector = np.linspace(-1, 1, width, dtype=np.float32)
        added = torch.from_numpy(vector)
        edits = {
            "steering": (
                llmscope.steer(layer=layer, direction=vector, kind=kind),
                lambda given: given + added.to(given),
            ),
            "patch": (
                llmscope.patch(layer=layer, source=self.source, kind=kind),
                lambda _: there[0],
            ),
        }
        for what, (edit, change) in edits.items():
            name = f"{kind} {what} in {layer}"
            trace = self.edited(name, edit)
            if trace is not None and block is not None:
                self.hold(name, trace, [self.by(Hook(block.path, change, False, block.turn))])
        nothing = llmscope.steer(layer=layer, direction=vector * 0, kind=kind)
        self.unchanged(f"{kind} steering by nothing in {layer}", nothing)

    # ── effects ──────────────────────────────────────────────────────────────────────────────

    def check_effects(self) -> None:
        every, methods = ("layers", "heads", "mlps"), ("direct", "gradient", "ablate")
        if self.brief:
            every, methods = ("heads",), ("direct", "ablate")
        for of, method in product(every, methods):
            name = f"{method} effects of {of}"
            asked: Any = {"of": of, "method": method, "position": POSITION}
            try:
                found = self.before.effects(TOKEN, **asked)
            except Exception as error:
                self.failed(name, error)
                continue
            there = ~np.isnan(found.values)
            if not there.any() or not np.isfinite(found.values[there]).all():
                self.result.wrong[name] = "no finite numbers"
            elif method == "direct":
                self.check_sum(name, found)
                if of == "heads":
                    self.check_columns(name, there)
            elif method == "ablate":
                self.check_last(name, found, *np.argwhere(there)[-1])

    def check_sum(self, name: str, found: Any) -> None:
        """Hold the sum of all parts to the logit, before any soft cap."""
        logits = self.before.logits_at(POSITION).astype(np.float64)
        if found.capped:
            logits = found.capped * np.arctanh(logits / found.capped)
        effects = [part.effect for part in found.parts()]
        size = max(np.abs(logits).max(), np.abs(effects).sum())
        self.note(name, abs(sum(effects) - logits[TOKEN]) / size, "its logit", self.result.agree)

    def check_last(self, name: str, found: Any, *place: int) -> None:
        """Hold the effect of the last part to that of the edit that takes it away."""
        layer, *head = map(int, place)
        what = {"heads": "head", "mlps": "mlp", "layers": "layer"}[found.question.of]
        part: Any = {what: (layer, *head) if head else layer}
        edited = self.traced(llmscope.ablate(**part)).logits_at(POSITION)
        logits = self.before.logits_at(POSITION)
        difference = abs(logits[TOKEN] - edited[TOKEN] - found.values[place])
        self.note(name, difference / np.abs(logits).max(), "the edit", self.result.agree)

    def check_columns(self, name: str, there: Any) -> None:
        """Hold the columns of what W_O receives to those that change as a head is off."""
        *_, layer = map(int, np.flatnonzero(there.any(1)))
        heads = self.anatomy.heads["self", layer].number
        path, turn = self.anatomy.blocks["decoder"][layer].projections["self"]
        seen: list[torch.Tensor] = []
        keep = self.by(Hook(path, _kept(seen), True, turn))
        self.run(keep)
        for head in range(heads):
            for way in self.function("self", layer, head, torch.zeros_like):
                with way():
                    self.run(keep)
                changed = (seen[0] != seen[-1]).flatten(0, -2).any(0).view(heads, -1).any(1)
                if changed.nonzero().flatten().tolist() not in ([head], []):
                    self.result.wrong[name] = f"head {head} has columns of {changed.tolist()}"


def _kept(held: list[torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    def keep(given: torch.Tensor) -> torch.Tensor:
        held.append(given.clone())
        return given

    return keep


def _mean(given: torch.Tensor) -> torch.Tensor:
    return given.mean(1, keepdim=True).expand_as(given)


def _columns(heads: int, head: int, change: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    def changed(given: torch.Tensor) -> torch.Tensor:
        apart = given.unflatten(-1, (heads, -1)).clone()
        apart[..., head, :] = change(apart[..., head, :])
        return apart.flatten(-2)

    return changed
