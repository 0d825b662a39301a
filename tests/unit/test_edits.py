"""Edits, held to the same edits made with plain hooks of PyTorch on a copy of the model."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
import torch

import llmscope
from llmscope.scope import Scope
from llmscope.trace import Trace
from tests import tiny
from tests.closeness import TINY, assert_close, relative_tolerance
from tests.reference import own_attention

TEXT = "The quick brown fox jumps over"
TARGET = [5, 6, 7]
LAYER = 1

# By model: blocks, W_O, and what attention and the MLP add to the residual stream.
PLACES = {
    "gpt2": ("transformer.h", "attn.c_proj", "attn", "mlp"),
    "llama": ("model.layers", "self_attn.o_proj", "self_attn", "mlp"),
    "mistral": ("model.layers", "self_attn.o_proj", "self_attn", "mlp"),
    "gemma2": (
        "model.layers", "self_attn.o_proj", "post_attention_layernorm",
        "post_feedforward_layernorm",
    ),
    "gpt_oss": ("model.layers", "self_attn.o_proj", "self_attn", "mlp"),
    "cohere": ("model.layers", "self_attn.o_proj", "self_attn", "mlp"),
    "bert": (
        "bert.encoder.layer", "attention.output.dense", "attention.output.dense", "output.dense",
    ),
    "t5": (
        "decoder.block", "layer.0.SelfAttention.o", "layer.0.SelfAttention",
        "layer.2.DenseReluDense",
    ),
    "bart": ("model.decoder.layers", "self_attn.out_proj", "self_attn", "fc2"),
    "gptj": ("transformer.h", "attn.out_proj", "attn", "mlp"),
    "bloom": (
        "transformer.h", "self_attention.dense", "self_attention.dense", "mlp.dense_4h_to_h",
    ),
    "falcon": ("transformer.h", "self_attention.dense", "self_attention", "mlp"),
}  # fmt: skip
INTERFACE = [name for name in PLACES if name not in tiny.OWN_CODE]
Edited = Callable[[torch.Tensor], torch.Tensor]


@pytest.fixture(params=PLACES)
def name(request):
    return request.param


def traced(scope: Scope, text: Any = TEXT, **options: Any) -> Trace:
    return scope.trace(text, target=target_of(scope), **options)


def target_of(scope: Scope) -> list[int] | None:
    return TARGET if scope.facts.family == "encoder-decoder" else None


@contextmanager
def hooked(model: Any, path: str, change: Edited, *, before: bool = False) -> Iterator[None]:
    """Change what a module returns, or what it receives."""
    module = model.get_submodule(path)
    if before:
        handle = module.register_forward_pre_hook(lambda _, args: (change(args[0]), *args[1:]))
    else:

        def after(_, __, output):
            if isinstance(output, tuple):
                return (change(output[0]), *output[1:])
            return change(output)

        handle = module.register_forward_hook(after)
    yield
    handle.remove()


def hold(trace: Trace, model: Any, *hooks: Any) -> None:
    """Hold logits and all later attention of an edited trace to a hooked copy of the model."""
    untouched = trace.untouched
    reference = copy.deepcopy(model)
    inputs = trace.recording.inputs
    with ExitStack() as stack:
        for path, change, before in hooks:
            stack.enter_context(hooked(reference, path, change, before=before))
        with torch.no_grad():
            logits = reference(**inputs).logits[0]
        own = own_attention(reference, inputs)
    assert_close(trace.logits, logits)
    assert np.abs(trace.logits - untouched.logits).max() > 100 * relative_tolerance(TINY)
    for kind, layers in own.items():
        for layer, weights in enumerate(layers):
            assert_close(trace.attention(layer, kind=kind), weights, size=1)


def columns(heads: int, head: int, change: Edited) -> Edited:
    """Change the part of one head in what W_O receives."""

    def changed(given: torch.Tensor) -> torch.Tensor:
        apart = given.unflatten(-1, (heads, -1)).clone()
        apart[..., head, :] = change(apart[..., head, :])
        return apart.flatten(-2)

    return changed


def rows(positions: list[int], change: Edited) -> Edited:
    def changed(given: torch.Tensor) -> torch.Tensor:
        made = given.clone()
        made[:, positions] = change(given[:, positions])
        return made

    return changed


def mean(given: torch.Tensor) -> torch.Tensor:
    return given.mean(1, keepdim=True).expand_as(given)


@pytest.fixture
def scope(name, tokenizer) -> Scope:
    return Scope(tiny.MODELS[name](), tokenizer, name=name)


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ({}, torch.zeros_like),
        ({"by": "mean"}, mean),
        ({"positions": [1, -1]}, lambda given: rows([1, -1], torch.zeros_like)(given)),
    ],
    ids=["zero", "mean", "positions"],
)
def test_a_head_that_is_switched_off(name, scope, options, change):
    blocks, projection, *_ = PLACES[name]
    trace = traced(scope, edits=[llmscope.ablate(head=(LAYER, 2), **options)])
    hold(trace, scope.model, (f"{blocks}.{LAYER}.{projection}", columns(4, 2, change), True))


@pytest.mark.parametrize("what", ["attention", "mlp"])
def test_a_sublayer_that_is_switched_off(name, scope, what):
    blocks, _, attention, mlp = PLACES[name]
    trace = traced(scope, edits=[llmscope.ablate(**{what: LAYER})])
    part = attention if what == "attention" else mlp
    hold(trace, scope.model, (f"{blocks}.{LAYER}.{part}", torch.zeros_like, False))


def test_a_layer_that_is_switched_off(name, scope):
    blocks, _, attention, mlp = PLACES[name]
    trace = traced(scope, edits=[llmscope.ablate(layer=LAYER)])
    off = [(f"{blocks}.{LAYER}.{part}", torch.zeros_like, False) for part in (attention, mlp)]
    if name in ("t5", "bart"):
        cross = {"t5": "layer.1.EncDecAttention", "bart": "encoder_attn"}[name]
        off.append((f"{blocks}.{LAYER}.{cross}", torch.zeros_like, False))
    hold(trace, scope.model, *off)


def test_a_head_that_is_scaled_and_a_stream_that_is_steered(name, scope):
    blocks, projection, *_ = PLACES[name]
    vector = np.linspace(-1, 1, 32, dtype=np.float32)
    edits = [
        llmscope.scale_head((LAYER, 0), -1.5),
        llmscope.steer(layer=LAYER, direction=vector, scale=2),
    ]
    added = 2 * torch.from_numpy(vector)
    hold(
        traced(scope, edits=edits),
        scope.model,
        (f"{blocks}.{LAYER}.{projection}", columns(4, 0, lambda given: given * -1.5), True),
        (f"{blocks}.{LAYER}", lambda given: given + added, False),
    )


def test_a_patch_takes_what_another_text_gave(name, scope):
    blocks, projection, *_ = PLACES[name]
    other = traced(scope, "The lazy brown dog sleeps and")
    assert len(other) != len(traced(scope)) or target_of(scope)
    seen: dict[str, torch.Tensor] = {}

    def keep(of: str) -> Edited:
        def kept(given: torch.Tensor) -> torch.Tensor:
            seen[of] = given.clone()
            return given

        return kept

    at = {"head": (f"{blocks}.0.{projection}", True), "layer": (f"{blocks}.{LAYER}", False)}
    reference = copy.deepcopy(scope.model)
    with ExitStack() as stack, torch.no_grad():
        for of, (path, before) in at.items():
            stack.enter_context(hooked(reference, path, keep(of), before=before))
        reference(**other.recording.inputs)
    edits = [
        llmscope.patch(head=(0, 3), source=other, positions=[2]),
        llmscope.patch(layer=LAYER, source=other, positions={0: 1, -1: 2}),
    ]
    taken = seen["head"].unflatten(-1, (4, -1))[:, [2], 3]

    def of_layer(given: torch.Tensor) -> torch.Tensor:
        made = given.clone()
        made[:, [0, -1]] = seen["layer"][:, [1, 2]]
        return made

    hold(
        traced(scope, edits=edits),
        scope.model,
        (at["head"][0], columns(4, 3, rows([2], lambda _: taken)), True),
        (at["layer"][0], of_layer, False),
    )


def test_patching_everything_gives_the_logits_of_the_source(name, scope):
    source = traced(scope, list(range(10, 20)))
    patched = traced(scope, list(range(30, 40)), edits=[llmscope.patch(layer=2, source=source)])
    assert_close(patched.logits, source.logits)


# ── single weights ───────────────────────────────────────────────────────────────────────────────


@contextmanager
def reweighed(model: Any, layer: int, head: int, change: Callable[..., None]) -> Iterator[None]:
    """Let the eager attention function of a model mix one head's values by other weights."""
    home: Any = sys.modules[type(model).__module__]
    eager, count = home.eager_attention_forward, 0

    def call(module, query, key, value, mask, **kwargs):
        nonlocal count
        count += 1
        if count - 1 != layer:
            return eager(module, query, key, value, mask, **kwargs)
        _, weights = eager(module, query, key, value, mask, **kwargs)
        weights = weights.clone()
        change(weights[0, head])
        values = value.repeat_interleave(query.shape[1] // key.shape[1], dim=1)
        return (weights @ values).transpose(1, 2).contiguous(), weights

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home, "eager_attention_forward", call)
        yield


def _uniform(weights: torch.Tensor) -> None:
    seen = (weights > 0).float()
    weights[:] = seen / seen.sum(-1, keepdim=True)


def _zero(weights: torch.Tensor) -> None:
    weights[3, 1] = 0


def _masked(weights: torch.Tensor) -> None:
    share = weights[3, 1].clone()
    weights[3, 1] = 0
    weights[3] /= 1 - share


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        ({"head": (LAYER, 2), "by": "uniform"}, _uniform),
        ({"edge": (LAYER, 2, 3, 1)}, _zero),
        ({"edge": (LAYER, 2, 3, 1), "by": "mask"}, _masked),
    ],
    ids=["uniform", "zero", "mask"],
)
@pytest.mark.parametrize(
    "name", sorted({"gpt2", "llama", "mistral", "gemma2", "gpt_oss", "gptj", "bert"} & {*INTERFACE})
)
def test_weights_that_are_changed(name, scope, edit, change):
    trace = traced(scope, edits=[llmscope.ablate(**edit)])
    reference = copy.deepcopy(scope.model)
    reference.set_attn_implementation("eager")
    with torch.no_grad(), reweighed(reference, LAYER, 2, change):
        output = reference(**trace.recording.inputs, output_attentions=True)
    assert_close(trace.logits, output.logits[0])
    for layer, weights in enumerate(output.attentions):
        of = weights[0][..., : len(trace)]
        if layer != LAYER:
            assert_close(trace.attention(layer), of, size=1)
    changed = trace.attention(LAYER, 2)
    if "edge" in edit:
        assert changed[3, 1] == 0
    if edit.get("by") == "mask" and name != "gpt_oss":
        assert_close(changed.sum(1), 1.0)
    others = [head for head in range(4) if head != 2]
    assert_close(trace.attention(LAYER)[others], trace.untouched.attention(LAYER)[others], size=1)


def test_the_only_key_cannot_be_masked(scope_of):
    with pytest.raises(ValueError, match="sees no other key"):
        traced(scope_of("llama"), edits=[llmscope.ablate(edge=(0, 0, 0, 0), by="mask")])


# ── what is left behind ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def scope_of(tokenizer):
    return lambda name: Scope(tiny.MODELS[name](), tokenizer, name=name)


def every_edit(other: Trace) -> list[Any]:
    return [
        llmscope.ablate(head=(0, 1)),
        llmscope.ablate(mlp=1),
        llmscope.ablate(head=(2, 0), by="uniform"),
        llmscope.patch(head=(1, 1), source=other, positions=[0]),
        llmscope.steer(layer=1, direction=("The", "dog")),
    ]


def test_an_untouched_trace_is_bit_equal_before_and_after(name, scope):
    before = traced(scope)
    logits = before.logits
    edits = every_edit(before)
    if name in tiny.OWN_CODE:
        del edits[2]
    edited = traced(scope, edits=edits)
    assert len(edited.edits) == len(edits)
    assert np.abs(edited.logits - logits).max() > 1e-2
    scope.forget()
    assert np.array_equal(traced(scope).logits, logits)
    assert np.array_equal(edited.untouched.logits, logits)
    for module in scope.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
