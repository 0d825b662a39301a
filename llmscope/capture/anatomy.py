"""Where in a model its blocks, their sublayers and their heads are: seen in one short pass.

A **block** is one layer of a stack: a module that turns the residual stream into the next one. Its
**parts** are what it adds to the stream: attention, cross-attention, MLP. Its **heads** are where
its attention still has an output for each head.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import nn

from llmscope.capture.attention import PartialAttention
from llmscope.capture.cancel import NEVER
from llmscope.capture.head import accepted
from llmscope.capture.hooks import (
    after_forward,
    before_forward,
    drop_capturing_hooks,
    record_attention,
)
from llmscope.capture.layers import by_layer, is_crossing
from llmscope.capture.passes import Side, Turn
from llmscope.capture.projection import is_linear
from llmscope.capture.stream import first_tensor, outermost
from llmscope.capture.summands import Sum, SummandFollower, is_attention
from llmscope.capture.tensors import close

if TYPE_CHECKING:
    from llmscope.capture.hooks import AttentionCall
    from llmscope.capture.undo import Changes
    from llmscope.shared import Kind

PartName = Literal["attention", "cross", "mlp", "other"]


class Part(NamedTuple):
    """What a block adds to the residual stream, by one summand of one of its sums.

    Attributes
    ----------
    name
        What was added; "other" for what can't be told.
    addition
        Which sum of the block it is, in their order.
    operand
        Which of its summands; `None` for the one that isn't the stream.
    """

    name: PartName
    addition: int
    operand: int | None


@dataclass(frozen=True)
class Block:
    """One layer of a stack.

    Attributes
    ----------
    turn
        The call of a module that it is.
    parts
        What it adds to the stream; empty where its sums can't be followed.
    calls
        How many attention functions were called before it in the pass.
    projections
        By kind of attention, the last linear module that ran in it: W_O.
    """

    turn: Turn
    parts: tuple[Part, ...]
    calls: int
    projections: Mapping[Kind, Turn]


class Heads(NamedTuple):
    """Where a layer's attention still has an output for each head.

    Attributes
    ----------
    turn
        The call of its attention module or, for models that ask no attention function, of W_O.
    number
        How many they are.
    asks
        Whether the module asks an attention function.
    block
        The number of the block that it runs in; 0 where blocks aren't known.
    """

    turn: Turn
    number: int
    asks: bool
    block: int = 0


@dataclass(frozen=True)
class Anatomy:
    """The blocks of a model, by side, and its heads, by kind of attention and layer."""

    blocks: dict[Side, tuple[Block, ...]] = field(default_factory=dict)
    heads: dict[tuple[Kind, int], Heads] = field(default_factory=dict)


def side_of(kind: Kind) -> Side:
    """Return in which stack attention of a kind is."""
    return "encoder" if kind == "encoder" else "decoder"


def watch_anatomy(
    model: nn.Module, inputs: dict[str, torch.Tensor], changes: Changes, heads: int
) -> Anatomy:
    """Run a model over a short text, and see what it is made of.

    Parameters
    ----------
    heads
        How many heads a layer has by the model's configuration.
    """
    drop_capturing_hooks(model, changes)
    calls = record_attention(model, changes, NEVER)
    watcher = _BlockWatcher(calls)
    for path, layer in outermost(model).items():
        watcher.hook(path, layer, changes)
    watcher.follow(changes)
    options = accepted(model, use_cache=False, return_dict=True)
    output = model(**inputs, **options, output_hidden_states=True)
    source = inputs["input_ids"].shape[1]
    tokens = inputs.get("decoder_input_ids", inputs["input_ids"]).shape[1]
    sides: dict[Side, Any] = {
        "decoder": output.get("hidden_states") or output.get("decoder_hidden_states"),
        "encoder": output.get("encoder_hidden_states"),
    }
    seen = {side: _in_order(watcher.seen, states) for side, states in sides.items() if states}
    lengths = {"decoder": tokens, "encoder": source}
    for side, blocks in seen.items():
        # XLNet's stream has its positions elsewhere, CPM-Ant's begins with a prompt.
        if any(block.received.shape[:2] != (1, lengths[side]) for block in blocks):
            seen[side] = []
    recorded = by_layer(model, calls, tokens, source)
    paths = {id(module): path for path, module in model.named_modules()}
    found: dict[tuple[Kind, int], Heads] = {}
    for kind, layers in recorded.items():
        for number, attention in layers.items():
            if isinstance(attention, PartialAttention) and kind == "cross":
                continue  # the same heads attend to both sides at once
            module = attention.call.module
            before = sum(call.module is module for call in calls[: attention.order])
            turn = Turn(paths[id(module)], before)
            block = sum(b.calls <= attention.order for b in seen.get(side_of(kind), ())) - 1
            found[kind, number] = Heads(turn, attention.heads, True, max(0, block))
    for side, blocks in seen.items():
        for number, one in enumerate(blocks):
            for kind, (turn, shape, runs) in one.linears.items():
                kind = "encoder" if side == "encoder" else kind
                is_whole = runs == 1 and shape[:-1] == (1, lengths[side])
                if kind not in recorded and heads and is_whole and shape[-1] % heads == 0:
                    found[kind, number] = Heads(turn, heads, False, number)
    return Anatomy({side: tuple(b.block() for b in blocks) for side, blocks in seen.items()}, found)


class _Linear(NamedTuple):
    """A linear module of an attention: a call, the shape of what it received, its calls so far."""

    turn: Turn
    received: torch.Size
    runs: int


@dataclass
class _Seen:
    """One call of what may be a block."""

    turn: Turn
    calls: int
    received: torch.Tensor
    made: torch.Tensor | None = None
    sums: list[Sum] = field(default_factory=list)
    linears: dict[Kind, _Linear] = field(default_factory=dict)  # by kind the last one
    can_be_followed: bool = False

    def block(self) -> Block:
        parts = tuple(_parts(self.sums)) if self.can_be_followed else ()
        projections = {kind: linear.turn for kind, linear in self.linears.items()}
        return Block(self.turn, parts, self.calls, projections)


def _parts(sums: list[Sum]) -> list[Part]:
    """Tell which sum of a block adds what."""
    found: list[Part] = []
    added = [one for one in sums if not one.is_beside]
    # Attention and MLP beside each other are all of a block; else it may be a bias, or the like.
    in_parallel = len(sums) == 2 and len(added) == 1 and added[0].made_beside
    attending = any(one.attends or one.attention is not None for one in sums)
    for number, one in enumerate(sums):
        if one.is_beside and one.attention is not None and in_parallel:
            found += [
                Part("attention", number, one.attention),
                Part("mlp", number, 1 - one.attention),
            ]
            continue
        if one.is_beside or (one.made_beside and in_parallel):
            continue
        name: PartName = "other"
        if one.attention is not None or (one.attends and not one.computes):
            name = "cross" if one.crosses else "attention"
        elif attending and (not one.attends or any(s.attention is not None for s in added)):
            name = "mlp"
        elif not attending and len(added) == 2 and one is added[1]:
            name = "mlp"  # behind a recurrence or a convolution
        found.append(Part(name, number, None))
    if sum(part.name == "mlp" for part in found) > 1 or len(added) > len(found):
        return [part if part.name != "mlp" else part._replace(name="other") for part in found]
    return found


class _BlockWatcher(SummandFollower):
    """Sees modules of lists run, and the sums that the stream goes through in each."""

    def __init__(self, calls: list[AttentionCall]) -> None:
        super().__init__()
        self.seen: list[_Seen] = []
        self._calls = calls
        self._turns: Counter[str] = Counter()

    def hook(self, path: str, layer: nn.Module, changes: Changes) -> None:
        """Listen to a module that may be a block."""

        def enter(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            received = first_tensor(args, kwargs)
            if received is not None:
                self.enter(received)
                kept = received.detach().clone()
                self.seen.append(_Seen(self._turn(path), len(self._calls), kept))

        def end(_: nn.Module, __: Any, ___: Any, output: Any) -> None:
            made = first_tensor((output,), {})
            if made is not None and self.seen and self.seen[-1].turn.path == path:
                last = self.seen[-1]
                last.made = made.detach().clone()
                last.can_be_followed = bool(last.sums) and self.is_stream(made) is not None
            self.leave()

        before_forward(layer, changes, enter)
        self.hook_parts(layer, changes)
        after_forward(layer, changes, end)
        linears: dict[str, tuple[nn.Module, nn.Module]] = {}
        for name, module in layer.named_modules():
            if module is not layer and is_attention(module):
                for linear, inside in module.named_modules():
                    if is_linear(inside):
                        linears[f"{path}.{name}.{linear}"] = inside, module
        for inner, (inside, attention) in linears.items():
            self._hook_linear(inner, inside, attention, changes)

    def _hook_linear(
        self, path: str, linear: nn.Module, attention: nn.Module, changes: Changes
    ) -> None:
        """See the last linear module of each attention: W_O, if it asks no attention function."""
        kind: Kind = "cross" if is_crossing(path.rpartition(".")[0], attention) else "self"

        def ran(_: nn.Module, args: tuple[Any, ...], __: Any, ___: Any) -> None:
            turn = self._turn(path)
            if self.seen and args:
                before = self.seen[-1].linears.get(kind)
                again = before is not None and before.turn.path == path
                runs = before.runs + 1 if before is not None and again else 1
                self.seen[-1].linears[kind] = _Linear(turn, args[0].shape, runs)

        after_forward(linear, changes, ran)

    def _turn(self, path: str) -> Turn:
        self._turns[path] += 1
        return Turn(path, self._turns[path] - 1)

    def summed(self, one: Sum) -> None:
        """Take note of a sum."""
        if self.seen:
            self.seen[-1].sums.append(one)


def _in_order(seen: list[_Seen], states: Any) -> list[_Seen]:
    """Return those that turned each of `states` into the next; empty where some aren't there."""
    found: list[_Seen] = []
    for one in seen:
        number = len(found)
        if number == len(states) - 1 or one.made is None:
            break
        before, after = states[number], states[number + 1]
        is_last = number == len(states) - 2  # which is mostly given after the final norm
        goes_on = is_last or (one.made.shape == after.shape and close(one.made, after))
        if goes_on and one.received.shape == before.shape and close(one.received, before):
            found.append(one)
    if len(found) == len(states) - 1:
        return found
    # Mamba's states don't begin with the embeddings: each receives what the one before made.
    chained = all(a.made is not None and torch.equal(a.made, b.received) for a, b in pairwise(seen))
    return seen if chained and len(seen) == len(states) - 1 else []
