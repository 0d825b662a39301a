"""One model type: what llmscope reads, held to the untouched model's own numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import pytest
import torch

from llmscope.capture import Attention
from llmscope.scope import Scope
from llmscope.shared import Kind
from llmscope.trace import Trace
from tests import tiny
from tests.closeness import (
    TINY,
    assert_probabilities_close,
    relative_difference,
    relative_tolerance,
)
from tests.sweep.edits import Edits, check_edits
from tests.sweep.features import features
from tests.sweep.gaps import gaps_differ
from tests.sweep.models import Entry, ids
from tests.sweep.structure import Whole, check_structure

TOLERANCE = relative_tolerance(4 * TINY)  # some are deeper, or mix experts
ROUNDING = 1e-3
OUTPUTS: dict[Kind, tuple[str, ...]] = {
    "self": ("attentions", "decoder_attentions"),
    "encoder": ("encoder_attentions",),
    "cross": ("cross_attentions",),
}


HowMany = Literal["all", "few", "none"]


@dataclass
class Result:
    """What came of one entry; differences are the largest of all, in parts of their row's size."""

    mapping: str
    model_type: str
    family: str = ""
    layers: int = 0
    traced: bool = False
    logits: float = float("inf")
    attention: float = 0.0
    gaps: float | None = None  # of a masked model's answers from the fill-mask pipeline's
    lens: bool = False  # whether every layer can be read through the head
    cached: bool = False  # whether a text that begins as one before costs what differs
    typed: float = 0.0  # of what is read after edits of the text from what is read afresh
    edits: Edits = field(default_factory=Edits)  # of the model
    whole: Whole = field(default_factory=Whole)  # the model as one picture
    read: dict[Kind, int] = field(default_factory=dict)  # layers whose attention is read
    by: str = "none"  # "tap", "own output", "tap and own output" or "none"
    features: list[str] = field(default_factory=list)
    remark: str = ""

    @property
    def equal(self) -> bool:
        """Whether logits and every attention that is read are the model's own."""
        worst = max(self.logits, self.attention, self.gaps or 0)
        return max(worst, self.typed) <= TOLERANCE


def check(entry: Entry, dtype: torch.dtype = torch.float32, edits: HowMany = "all") -> Result:
    """Build, trace and compare one entry, and make edits."""
    result = Result(entry.mapping, entry.model_type)
    untouched = entry.model(dtype)
    target = tiny.TEXT if untouched.config.is_encoder_decoder else None
    scope = Scope(entry.model(dtype), _tokenizer(), name=entry.model_type)
    trace = scope.trace(ids(), target=target)
    result.traced, result.family = True, scope.facts.family
    result.layers = scope.facts.layers
    with torch.no_grad():
        logits = untouched(**trace.recording.inputs, use_cache=False).logits[0, : len(trace)]
    result.logits = _difference(trace.logits, logits)
    own = _own_output(entry, trace, dtype)
    for kind in trace.kinds:
        layers = trace.layers(kind)
        result.read[kind] = len(layers)
        result.attention = max(result.attention, _compare(trace, kind, own[kind]))
    if dtype == torch.float32 and TOLERANCE < result.attention < ROUNDING:
        # Two ways to the same numbers part by rounding, if that is what it is, only here.
        return check(entry, torch.float64, edits)
    # First: a short text makes BigBird change to another attention, for good.
    result.lens = _has_lens(trace)
    result.whole = check_structure(trace, untouched, TOLERANCE)
    if target is None:
        result.typed = _edited(scope, ids())
        result.cached = scope.runner.prefix_cache.works is True
    if result.family == "masked":
        result.gaps = gaps_differ(entry)
    if edits != "none":
        result.edits = _edits(entry, edits == "few")
    result.by = _how(trace)
    result.features = features(trace)
    result.remark = trace.why_no_attention or _left_out(trace, own)
    return result


def check_whole(entry: Entry) -> Result:
    """Check what a model is made of, and nothing else."""
    result = Result(entry.mapping, entry.model_type)
    model = entry.model()
    target = tiny.TEXT if model.config.is_encoder_decoder else None
    scope = Scope(entry.model(), _tokenizer(), name=entry.model_type)
    result.whole = check_structure(scope.trace(ids(), target=target), model, TOLERANCE)
    result.traced = True
    return result


def _edits(entry: Entry, briefly: bool, dtype: torch.dtype = torch.float32) -> Edits:
    """Edit the model itself; twice as exactly where rounding may be what differs."""
    scope = Scope(entry.model(dtype), _tokenizer(), name=entry.model_type)
    model: Any = entry.model(dtype)
    target = tiny.TEXT if model.config.is_encoder_decoder else None
    edits = check_edits(scope, model, ids(), target, TOLERANCE, briefly)
    if edits.wrong and dtype == torch.float32:
        with suppress(RuntimeError):  # experts that only multiply single precision
            return _edits(entry, briefly, torch.float64)
    return edits


def _has_lens(trace: Trace) -> bool:
    """Read every layer through the head, if that can be done; the last is the model's answer."""
    try:
        lens = trace.lens(top=1, positions=[3])
    except ValueError:
        return False
    likeliest = torch.from_numpy(trace.logits_at(3)).softmax(-1).max()
    assert_probabilities_close(lens.probs[-1, 0, 0], likeliest, what="another last layer")
    return True


def _edited(scope: Scope, text: list[int]) -> float:
    """Edit a text as one who types, and compare with tracing the result for the first time."""
    for end in ([11, 12], [11, 12, 13], [14, 15, 16, 17]):
        edited = scope.trace(text[: -9 * len(end)] + end)
    fresh = Scope(scope.model, scope.tokenizer).trace(edited.ids)
    worst = _difference(edited.logits, torch.from_numpy(fresh.logits))
    assert edited.layers() == fresh.layers()
    for layer in fresh.layers():
        expected = torch.from_numpy(fresh.attention(layer))
        worst = max(worst, _difference(edited.attention(layer), expected))
    return worst


def _left_out(trace: Trace, own: dict[Kind, list[Any]]) -> str:
    """Say which attention the model has besides what is read."""
    lost = [kind for kind in own if own[kind] and kind not in trace.kinds]
    said = [f"{kind} attention is not read" for kind in lost]
    if _how(trace) == "own output" and len(own["self"]) > len(trace.layers()):
        said.append("layers of pooled tokens are not read")
    return ", ".join(said)


@cache
def _tokenizer() -> Any:
    return tiny.byte_level()


def _whole(weights: torch.Tensor, size: int) -> torch.Tensor:
    """Add to BigBird's first block what it gets as its random blocks, and doesn't list."""
    missing = 1 - weights.sum(-1)
    weights = weights.clone()
    first = weights[..., :size].clone()
    for column in range(size):
        weights[..., column] += missing * first[..., column] / first.sum(-1)
    return weights


def _own_output(entry: Entry, trace: Trace, dtype: torch.dtype) -> dict[Kind, list[Any]]:
    """Ask the model itself, under eager attention, for its weights."""
    model = entry.model(dtype)
    with suppress(ValueError):
        model.set_attn_implementation("eager")  # type: ignore[operator]
    with torch.no_grad(), _eager_weights(model) as passing:
        model(**trace.recording.inputs, use_cache=False)  # BigBird settles on its kind of attention
        seen = list(passing)
        output = model(**trace.recording.inputs, use_cache=False, output_attentions=True)
    own = {
        kind: [item for name in names for item in output.get(name) or () if item is not None]
        for kind, names in OUTPUTS.items()
    }
    config: Any = model.config
    if getattr(config, "attention_type", None) == "block_sparse":
        kind: Kind = "encoder" if own["encoder"] else "self"
        own[kind] = [_whole(item, config.block_size) for item in own[kind]]
    if 0 < len(own["self"]) < len(trace.layers()):  # BLT lists one of its stacks
        size = (trace.queries(), trace.keys())
        own["self"] = [item for item in seen if item.shape[2:] == size]
    return own


@contextmanager
def _eager_weights(model: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """See what the eager function of the model's module returns, call by call."""
    home, name = sys.modules[type(model).__module__], "eager_attention_forward"
    eager: Any = getattr(home, name, None)
    seen: list[torch.Tensor] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        output = eager(*args, **kwargs)
        seen.append(output[1])
        return output

    with pytest.MonkeyPatch.context() as patch:
        if eager is not None:
            patch.setattr(home, name, call)
        yield seen


def _compare(trace: Trace, kind: Kind, own: list[Any]) -> float:
    """Give the largest difference of all layers; infinity where there is none to compare to.

    Hybrid models list what their other layers do, too.
    """
    layers = trace.layers(kind)
    if len(own) != len(layers):
        own = [own[number] for number in layers if number < len(own)]
    worst = 0.0 if len(own) == len(layers) else float("inf")
    for number, weights in zip(layers, own, strict=False):
        found = trace.attention(number, kind=kind)
        assert found.shape[1:] == (trace.queries(kind), trace.keys(kind))
        assert found.min() >= 0 and found.sum(-1).max() < 1 + TOLERANCE, "no weights of attention"
        expected = _laid_out(weights, number, *found.shape[1:])
        worst = max(worst, _difference(found, expected))
        for head, alone in enumerate(expected):  # it may be replayed with a few of them only
            worst = max(worst, _difference(trace.attention(number, head, kind=kind), alone))
    return worst


def _laid_out(own: Any, layer: int, queries: int, keys: int) -> torch.Tensor:
    """Give (heads, queries, keys) of whatever form a model returns, plainly."""
    if isinstance(own, dict):  # Pegasus-X: (heads, blocks, size, global keys + size)
        item = own["local"][0].transpose(0, 1)
        size = item.shape[2]
        shift = size // 2 * (layer % 2)
        return _scattered(item[..., -size:], -shift, -shift, queries, keys)
    item = own[0]
    if item.ndim == 4:  # LongT5: (blocks, heads, size, 3 × size)
        return _scattered(item, 0, -item.shape[2], queries, keys)
    if queries == keys > item.shape[2]:  # Longformer and LED: (heads, queries, window + 1)
        item = item.transpose(0, 1)[:, :, None]
        return _scattered(item, 0, -(item.shape[3] // 2), queries, keys)
    if item.min() < 0:  # ProphetNet: before the softmax
        item = item.softmax(-1)
    return item[:, :queries, :keys]


def _scattered(
    blocks: torch.Tensor, first_query: int, first_key: int, queries: int, keys: int
) -> torch.Tensor:
    """Put each weight of (blocks, heads, size, width) where it belongs."""
    count, heads, size, width = blocks.shape
    whole = torch.zeros(heads, queries, keys, dtype=blocks.dtype)
    for block, query, column in np.ndindex(count, size, width):
        row = block * size + query + first_query
        key = block * size + column + first_key
        if 0 <= row < queries and 0 <= key < keys:
            whole[:, row, key] = blocks[block, :, query, column]
    return whole


def _difference(found: np.ndarray[Any, Any], expected: torch.Tensor) -> float:
    return relative_difference(found, expected.detach().float())


def _how(trace: Trace) -> str:
    ways = {
        "tap" if isinstance(trace.recording.layer(n, kind), Attention) else "own output"
        for kind in trace.kinds
        for n in trace.layers(kind)
    }
    return " and ".join(sorted(ways, reverse=True)) or "none"
