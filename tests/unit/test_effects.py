"""Effects: held to a model set by hand, to plain hooks and numpy, and to each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import llmscope
from llmscope.scope import Scope
from llmscope.trace import Trace
from tests import handmade, tiny
from tests.closeness import TINY, assert_close
from tests.handmade import LOGIT, A, B

TEXT = "The quick brown fox jumps over"
TARGET = [5, 6, 7]
ADDING = ["gpt2", "llama", "mistral", "gemma2", "gpt_oss", "cohere", "t5", "gptj", "bloom",
          "falcon", "mamba"]  # fmt: skip
POST_NORM = ["bert", "albert", "bart"]


@pytest.fixture
def trace_of(tokenizer):
    def make(name: str, text: object = TEXT, **options: object) -> Trace:
        scope = Scope(tiny.MODELS[name](), tokenizer, name=name)
        return traced(scope, text, **options)

    return make


def traced(scope: Scope, text: object = TEXT, **options: object) -> Trace:
    if scope.facts.family == "encoder-decoder":
        options["target"] = TARGET
    return scope.trace(text, **options)


# ── known numbers ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def induction(tokenizer) -> Trace:
    return Scope(handmade.induction(), tokenizer, name="by hand").trace(handmade.TEXT)


def test_a_model_set_by_hand_copies_what_followed(induction):
    assert_close(induction.attention(0, 0)[1:, :-1].diagonal(), np.ones(4))
    assert induction.attention(1, 0)[4].argmax() == 2
    expected = np.zeros(6)
    expected[B] = LOGIT
    assert_close(induction.logits[4], expected, size=LOGIT)


def test_without_the_induction_head_nothing_is_predicted(induction):
    edited = induction.scope.trace(handmade.TEXT, edits=[llmscope.ablate(head=(1, 0))])
    assert_close(edited.logits[4], np.zeros(6), size=LOGIT)


def test_without_the_previous_token_head_all_are_mixed(induction):
    edited = induction.scope.trace(handmade.TEXT, edits=[llmscope.ablate(head=(0, 0))])
    assert_close(edited.attention(1, 0)[4], np.full(5, 1 / 5))
    # Two features stand where the head was set for three, and each token is written by a fifth.
    size = (3 / 2) ** 0.5 / 5
    counts = np.array([1, 2, 1, 1, 0, 0])  # BOS, A, B, C
    squares = 2 + (counts**2).sum() * size**2
    assert_close(edited.logits[4], counts * size * LOGIT * (4 / squares) ** 0.5, size=LOGIT)


def test_the_parts_of_a_model_set_by_hand(induction):
    direct = induction.effects(B, A)
    expected = np.zeros((2, 2))
    expected[1, 0] = LOGIT
    assert_close(direct.values, expected, size=LOGIT)
    assert all(abs(part.effect) < 1e-4 for part in direct.rest)
    (first, *_) = direct.top(1)
    assert (first.what, first.layer, first.head) == ("head", 1, 0)
    true = induction.effects(B, method="ablate").values
    assert_close(true[1, 0], LOGIT, size=LOGIT)
    assert 3 < true[0, 0] < LOGIT
    assert_close(true[:, 1], [0, 0], size=LOGIT)


# ── direct effects ───────────────────────────────────────────────────────────────────────────────


def uncapped(trace: Trace, position: int) -> np.ndarray:
    cap = getattr(trace.scope.model.config, "final_logit_softcapping", None)
    logits = trace.logits_at(position).astype(np.float64)
    return cap * np.arctanh(logits / cap) if cap else logits


@pytest.mark.parametrize("of", ["heads", "mlps", "layers"])
@pytest.mark.parametrize("name", ADDING)
def test_parts_sum_to_the_logit(trace_of, name, of):
    trace = trace_of(name)
    if name == "mamba" and of != "layers":
        with pytest.raises(ValueError, match="that can be told apart"):
            trace.effects(7, 9, of=of)
        return
    position = -2 if name == "t5" else 5
    logits = uncapped(trace, position)
    for foil, expected in ((None, logits[7]), (9, logits[7] - logits[9])):
        found = trace.effects(7, foil, of=of, position=position)
        total = sum(part.effect for part in found.parts())
        size = max(np.abs(logits).max(), sum(abs(part.effect) for part in found.parts()))
        assert_close(total, expected, terms=4 * TINY, size=size)
        assert_close(found.measured, expected, terms=4 * TINY, size=size)
        assert (found.capped is not None) == (name == "gemma2")


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_direct_effects_by_hand(trace_of, name):
    """What each head writes, through the final norm as it is, to the rows of the head's matrix."""
    trace = trace_of(name)
    model, position = trace.scope.model, len(trace) - 1
    blocks, of, final = {
        "gpt2": ("transformer.h", "attn.c_proj", "transformer.ln_f"),
        "llama": ("model.layers", "self_attn.o_proj", "model.norm"),
    }[name]
    states: dict[int, torch.Tensor] = {}
    handles = [
        model.get_submodule(f"{blocks}.{layer}.{of}").register_forward_pre_hook(
            lambda _, args, at=layer: states.update({at: args[0][0, position]})
        )
        for layer in range(3)
    ]
    norm = model.get_submodule(final)
    handles.append(norm.register_forward_pre_hook(lambda _, args: states.update({-1: args[0]})))
    with torch.no_grad():
        model(**trace.recording.inputs)
    for handle in handles:
        handle.remove()
    stream = states[-1][0, position].double().numpy()
    row = (model.lm_head.weight[7] - model.lm_head.weight[9]).detach().double().numpy()
    weight = norm.weight.detach().double().numpy()
    if name == "gpt2":
        scale = 1 / np.sqrt(stream.var() + norm.eps)
    else:
        scale = 1 / np.sqrt((stream**2).mean() + norm.variance_epsilon)
    expected = np.zeros((3, 4))
    for layer in range(3):
        matrix = model.get_submodule(f"{blocks}.{layer}.{of}").weight.detach().double().numpy()
        matrix = matrix if name == "gpt2" else matrix.T  # (width, hidden size)
        for head in range(4):
            at = slice(8 * head, 8 * head + 8)
            written = states[layer][at].double().numpy() @ matrix[at]
            if name == "gpt2":
                written = written - written.mean()
            expected[layer, head] = written * weight * scale @ row
    size = np.abs(expected).max()
    assert_close(trace.effects(7, 9).values, expected, size=size)


@pytest.mark.parametrize("name", POST_NORM)
def test_direct_effects_are_refused_where_parts_do_not_add_up(trace_of, name):
    with pytest.raises(ValueError, match=r'"gradient" and "ablate" work'):
        trace_of(name).effects(7, 9)


# ── true effects ─────────────────────────────────────────────────────────────────────────────────


def difference(trace: Trace, edits: list[object], position: int, measure: str) -> float:
    """What an edit takes away from a measure of one token."""

    def measured(of: Trace) -> float:
        logits = torch.from_numpy(of.logits_at(position)).double()
        if measure == "logit_difference":
            return float(logits[7] - logits[9])
        found = logits.log_softmax(-1) if measure == "logprob" else logits.softmax(-1)
        return float(found[7])

    return measured(trace) - measured(traced(trace.scope, edits=edits))


MEASURES = ["logit_difference", "logprob", "prob"]


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gptj", "bloom", "bert", "t5"])
@pytest.mark.parametrize("measure", MEASURES)
def test_true_effects_are_those_of_edits(trace_of, name, measure):
    trace = trace_of(name)
    foil = 9 if measure == "logit_difference" else None
    by = "mean" if measure == "prob" else "zero"
    position = 1 if name == "t5" else 4
    options = {"method": "ablate", "measure": measure, "by": by, "position": position}
    heads = trace.effects(7, foil, **options)
    mlps = trace.effects(7, foil, of="mlps", **options)
    layers = trace.effects(7, foil, of="layers", **options)
    assert heads.values.shape == (3, 4)
    assert heads.dims == ("layer", "head")
    size = max(1.0, float(np.abs(trace.logits).max()))
    for layer in range(3):
        for edit, found in (
            (llmscope.ablate(head=(layer, 1), by=by), heads.values[layer, 1]),
            (llmscope.ablate(mlp=layer, by=by), mlps.values[layer]),
            (llmscope.ablate(layer=layer, by=by), layers.values[layer]),
        ):
            assert_close(found, difference(trace, [edit], position, measure), size=size)


def test_a_source_that_begins_alike_may_be_patched_from(trace_of):
    trace = trace_of("llama", [10, 11, 12, 13])
    other = trace.scope.trace([10, 11, 22, 23])
    found = trace.effects(7, 9, method="patch", source=other)
    edit = llmscope.patch(head=(1, 2), source=other)
    edited = trace.scope.trace([10, 11, 12, 13], edits=[edit])
    one, two = (float(of.logits_at(3)[7] - of.logits_at(3)[9]) for of in (trace, edited))
    assert_close(found.values[1, 2], one - two, size=np.abs(trace.logits).max())


@pytest.mark.parametrize("name", ["llama", "bert", "t5"])
def test_patched_effects_are_those_of_patches(trace_of, name):
    trace = trace_of(name)
    other = traced(trace.scope, trace.scope.trace(TEXT).ids[::-1] if name != "t5" else TEXT[::-1])
    if len(other) != len(trace) or len(other.source_tokens) != len(trace.source_tokens):
        other = traced(trace.scope, [*range(20, 20 + len(trace.source_tokens or trace.tokens))])
    options = {"method": "patch", "source": other}
    heads = trace.effects(7, 9, **options)
    stream = trace.effects(7, 9, of="layers", **options)
    assert stream.dims == ("layer", "position")
    assert stream.values.shape == (3, len(trace))
    last = len(trace) - 1
    size = max(1.0, float(np.abs(trace.logits).max()))
    for layer in range(3):
        edit = llmscope.patch(head=(layer, 2), source=other)
        expected = difference(trace, [edit], last, "logit_difference")
        assert_close(heads.values[layer, 2], expected, size=size)
        edit = llmscope.patch(layer=layer, source=other, positions=[1])
        expected = difference(trace, [edit], last, "logit_difference")
        assert_close(stream.values[layer, 1], expected, size=size)


def test_effects_of_an_edited_trace_are_of_the_edited_pass(trace_of):
    off = llmscope.ablate(head=(1, 1))
    trace = trace_of("llama", edits=[off])
    found = trace.effects(7, 9, method="ablate")
    assert_close(found.values[1, 1], 0, size=1)
    both = [off, llmscope.ablate(head=(2, 0))]
    expected = difference(trace, both, len(trace) - 1, "logit_difference")
    assert_close(found.values[2, 0], expected, size=np.abs(trace.logits).max())
    total = sum(part.effect for part in trace.effects(7, 9).parts())
    assert_close(total, trace.logits[-1, 7] - trace.logits[-1, 9], size=np.abs(trace.logits).max())


# ── estimates ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "bloom", "bert", "t5"])
def test_an_estimate_is_the_slope_at_the_head_as_it_is(trace_of, name):
    trace = trace_of(name)
    trace.scope.model.double()
    found = traced(trace.scope).effects(7, 9, method="gradient")
    assert found.is_estimate
    step = 1e-2  # norms compute in float32, whatever the model does

    def at(head: tuple[int, int], factor: float) -> float:
        edits = [llmscope.scale_head(head, factor)]
        run = trace.scope.runner_for(trace.recording.inputs, edits)
        logits = run.undisturbed(lambda: run.model(**trace.recording.inputs).logits[0, -1])
        return float(logits[7] - logits[9])

    for head in ((0, 1), (1, 3), (2, 2)):
        slope = (at(head, 1 + step) - at(head, 1 - step)) / (2 * step)
        assert abs(found.values[head] - slope) < 3e-3 * max(1, np.abs(found.values).max())


def test_estimates_of_layers_are_first_order(trace_of):
    """By hand: what a block adds, times the gradient behind it."""
    trace = trace_of("llama")
    model = trace.scope.model
    found = trace.effects(7, 9, of="layers", method="gradient")
    seen: list[torch.Tensor] = []

    def keep(_: object, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        output.retain_grad()
        seen.extend((args[0], output))
        return output

    handles = [block.register_forward_hook(keep) for block in model.model.layers]
    logits = model(**trace.recording.inputs).logits[0, -1]
    (logits[7] - logits[9]).backward()
    for handle in handles:
        handle.remove()
    expected = [
        float(((seen[2 * n + 1] - seen[2 * n]) * seen[2 * n + 1].grad).sum().detach())
        for n in range(3)
    ]
    assert_close(found.values, expected, size=np.abs(expected).max())


def test_a_pass_with_gradients_leaves_nothing(trace_of):
    trace = trace_of("llama")
    logits = trace.logits
    trace.effects(7, 9, method="gradient")
    trace.effects(7, of="tokens")
    assert torch.is_grad_enabled()
    assert all(parameter.grad is None for parameter in trace.scope.model.parameters())
    for module in trace.scope.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    trace.scope.forget()
    assert np.array_equal(trace.scope.trace(TEXT).logits, logits)


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert", "t5"])
def test_integrated_gradients_are_complete(trace_of, name):
    trace = trace_of(name)
    options = {"measure": "logprob", "baseline": 3}
    found = trace.effects(7, of="tokens", method="integrated_gradients", **options)
    everything = trace.effects(7, of="tokens", method="occlusion", **options)
    assert found.values.shape == everything.values.shape == (len(found.labels),)
    model = trace.scope.model
    stack = model.get_encoder() if name == "t5" else model
    embeddings = stack.get_input_embeddings()
    neutral = embeddings.weight[3]
    handle = embeddings.register_forward_hook(lambda *given: neutral.expand_as(given[2]))
    with torch.no_grad():
        logits = model(**trace.recording.inputs).logits[0, -1]
    handle.remove()
    without = float(logits.log_softmax(-1)[7])
    gap = found.measured - without
    assert abs(found.values.sum() - gap) < 0.02 * max(1, abs(gap))
    assert_close(sum(part.effect for part in found.parts()), gap, size=abs(found.measured))


def test_occlusion_leaves_out_one_token_at_a_time(trace_of):
    trace = trace_of("llama")
    model = trace.scope.model
    found = trace.effects(7, 9, of="tokens", method="occlusion", baseline=3)
    ids = trace.recording.inputs["input_ids"]
    for position in (0, 4):
        other = ids.clone()
        other[0, position] = 3
        with torch.no_grad():
            one, without = (model(input_ids=i).logits[0, -1] for i in (ids, other))
        expected = float((one[7] - one[9]) - (without[7] - without[9]))
        assert_close(found.values[position], expected, size=np.abs(trace.logits).max())


def test_saliency_is_gradient_times_input(trace_of):
    trace = trace_of("gpt2")
    model = trace.scope.model
    rows = model.get_input_embeddings()(trace.recording.inputs["input_ids"]).detach()
    rows.requires_grad_(True)
    logits = model(inputs_embeds=rows).logits[0, 3]
    (logits[7] - logits[9]).backward()
    expected = (rows.grad * rows)[0].sum(-1).detach().numpy()
    found = trace.effects(7, 9, of="tokens", position=3)
    assert_close(found.values, expected, size=np.abs(expected).max())
    assert not found.values[4:].any()
