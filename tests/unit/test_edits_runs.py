"""Edited passes that are continued, begun inside the model, generated under, and refused."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import torch

import llmscope
from llmscope.generation import Stepper
from llmscope.scope import Scope
from tests import tiny
from tests.closeness import assert_close
from tests.unit.test_edits import LAYER, PLACES, columns, hooked

TEXT = "The quick brown fox jumps over"
LONGER = TEXT + " the lazy dog"


@pytest.fixture
def scope_of(tokenizer):
    return lambda name="llama": Scope(tiny.MODELS[name](), tokenizer, name=name)


def edits_of(scope: Scope) -> list[Any]:
    """One of each kind that goes on with a text."""
    return [
        llmscope.ablate(head=(LAYER, 1)),
        llmscope.ablate(mlp=LAYER, positions=[2, 3]),
        llmscope.ablate(head=(2, 0), by="uniform"),
        llmscope.ablate(edge=(2, 1, 8, 2), by="mask"),
        llmscope.ablate(head=(2, 2), by="mean", reference=["The dog", "A fox jumps"]),
        llmscope.patch(head=(LAYER, 3), source=scope.trace("The fox"), positions=[1, 2]),
        llmscope.steer(layer=LAYER, direction=("The", "dog"), scale=0.5),
    ]


@pytest.mark.parametrize("name", ["gpt2", "llama", "mistral", "gemma2", "gpt_oss", "cohere"])
def test_a_text_that_goes_on_equals_a_whole_pass(scope_of, name):
    scope = scope_of(name)
    edits = edits_of(scope)
    for end in (len(TEXT), len(TEXT) + 4, len(TEXT) + 9, len(LONGER)):
        going = scope.trace(LONGER[:end], edits=edits)
    other = scope_of(name)
    fresh = other.trace(LONGER, edits=edits_of(other))
    assert scope.editor.under(edits, going.recording.inputs).prefix_cache.works
    assert_close(going.logits, fresh.logits)
    for layer in range(3):
        assert_close(going.attention(layer), fresh.attention(layer), size=1)
    assert_close(going.lens().entropy, fresh.lens().entropy)


@pytest.mark.parametrize(
    "name", ["gpt2", "llama", "mistral", "gemma2", "gpt_oss", "cohere", "bloom"]
)
def test_many_edits_of_one_text_equal_whole_passes(scope_of, name):
    scope = scope_of(name)
    for layer, head in [(2, 0), (2, 1), (1, 3), (2, 2), (0, 0), (2, 3)]:
        edits = [llmscope.ablate(head=(layer, head))]
        found = scope.trace(TEXT, edits=edits)
        fresh = scope_of(name).trace(TEXT, edits=edits)
        assert_close(found.logits, fresh.logits)
        assert found.layers() == fresh.layers()
        for at in found.layers():
            assert_close(found.attention(at), fresh.attention(at), size=1)
    assert scope.editor.known.works
    known = scope.editor.known.find(scope.runner.version.state().key, found.ids)
    assert known.highest(2) == 1


def test_reads_of_an_edited_trace_are_of_the_edited_pass(scope_of):
    scope = scope_of("llama")
    trace = scope.trace(TEXT, edits=[llmscope.ablate(head=(LAYER, 2)), llmscope.ablate(mlp=0)])
    off = [
        hooked(scope.model, "model.layers.1.self_attn.o_proj",
               columns(4, 2, torch.zeros_like), before=True),
        hooked(scope.model, "model.layers.0.mlp", torch.zeros_like),
    ]  # fmt: skip
    assert trace.hidden(-1).shape == (len(trace), 32)
    steps = trace.steps(LAYER, 2, 4)
    assert not steps.concat[16:24].any()
    assert np.abs(steps.output).max() > 0
    with ExitStack() as stack, torch.no_grad():
        for one in off:
            stack.enter_context(one)
        output = scope.model(**trace.recording.inputs, output_hidden_states=True)
    for number, state in enumerate(output.hidden_states):
        assert_close(trace.hidden(number), state[0])
    assert_close(trace.lens().probs[-1, -1, 0], output.logits[0, -1].softmax(-1).max())


# ── generating ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "bart", "t5", "falcon"])
@pytest.mark.parametrize("options", [{}, {"num_beams": 3}, {"do_sample": True, "top_k": 0}])
def test_generating_under_edits_equals_a_hooked_model(scope_of, name, options):
    scope = scope_of(name)
    blocks, projection, _, mlp = PLACES[name]
    run = scope.generate(
        TEXT,
        edits=[llmscope.ablate(head=(LAYER, 2)), llmscope.ablate(mlp=2)],
        max_new_tokens=6,
        seed=3,
        **options,
    )
    plain = scope.generate(TEXT, max_new_tokens=6, seed=3, **options)
    with (
        hooked(scope.model, f"{blocks}.1.{projection}",
               columns(4, 2, torch.zeros_like), before=True),
        hooked(scope.model, f"{blocks}.2.{mlp}", torch.zeros_like),
    ):  # fmt: skip
        expected = Scope(scope.model, scope.tokenizer).generate(
            TEXT, max_new_tokens=6, seed=3, **options
        )
    assert np.array_equal(run.sequences, expected.sequences)
    step, other = run.steps[0][0], plain.steps[0][0]
    assert_close(step.distribution.base, expected.steps[0][0].distribution.base)
    assert np.abs(step.distribution.base - other.distribution.base).max() > 1e-4
    trace = run.trace()
    assert len(trace.edits) == 2
    if "num_beams" not in options:
        last = run.steps[0][-1]
        before = trace.logits[-2] if trace.ids[-1] == last.token.id else trace.logits[-1]
        assert_close(np.exp(before - before.max()) / np.exp(before - before.max()).sum(),
                     last.distribution.base)  # fmt: skip


def test_positions_are_placed_in_the_prompt(scope_of):
    scope = scope_of()
    edits = [llmscope.ablate(layer=1, positions=-1)]
    run = scope.generate(TEXT, edits=edits, max_new_tokens=5, do_sample=False)
    (placed,) = run.trace().edits
    assert placed.positions == (run.prompt_length - 1,)
    step = run.steps[0][0]
    assert_close(scope.trace(TEXT, edits=edits).next_token().probs, step.distribution.base)


def test_a_stepper_writes_under_edits(scope_of):
    scope = scope_of()
    under = scope.under(
        [llmscope.ablate(head=(1, 0)), llmscope.steer(layer=2, direction=("a", "b"))]
    )
    stepper = Stepper(under, TEXT, seed=0, do_sample=True, max_new_tokens=6)
    nodes = [stepper.step() for _ in range(6)]
    run = under.generate(TEXT, seed=0, do_sample=True, max_new_tokens=6)
    assert [node.token for node in nodes] == run.ids()[run.prompt_length :]
    assert stepper.trace().edits == run.trace().edits


# ── nobody else sees an edit ─────────────────────────────────────────────────────────────────────


def test_a_trace_from_inside_of_an_edited_text_is_untouched(scope_of):
    scope = scope_of()
    expected = scope.trace(TEXT).logits
    seen = []

    def look(ids, scores):
        scope.forget()
        seen.append(scope.trace(TEXT).logits)
        other = scope.trace(TEXT, edits=[llmscope.ablate(mlp=0)])
        seen.append(other.logits)
        return scores

    off = scope.trace(TEXT, edits=[llmscope.ablate(mlp=0)]).logits
    edits = [llmscope.ablate(head=(1, 1))]
    run = scope.generate(TEXT, edits=edits, max_new_tokens=3, logits_processor=[look], seed=0)
    for number, logits in enumerate(seen):
        assert_close(logits, off if number % 2 else expected)
    plain = scope.generate(TEXT, edits=edits, max_new_tokens=3, seed=0)
    assert np.array_equal(run.sequences, plain.sequences)


def test_another_thread_sees_no_edit(scope_of):
    scope = scope_of()
    inputs = scope.trace(TEXT).recording.inputs
    with torch.no_grad():
        expected = scope.model(**inputs).logits
    wrong: list[float] = []
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            with torch.no_grad():
                wrong.append(float((scope.model(**inputs).logits - expected).abs().max()))

    thread = threading.Thread(target=run)
    thread.start()
    for number in range(20):
        scope.trace(TEXT, edits=[llmscope.ablate(layer=number % 3)])
    stop.set()
    thread.join()
    assert max(wrong) == 0


# ── refused, in words ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: llmscope.ablate(), TypeError, "Name one part"),
        (lambda: llmscope.ablate(head=(1, 2), mlp=3), TypeError, "Name one part"),
        (lambda: llmscope.ablate(head=3), TypeError, r"head is \(layer, head\)"),
        (lambda: llmscope.ablate(head=(-1, 0)), ValueError, "counts from 0"),
        (lambda: llmscope.ablate(mlp=1, by="uniform"), ValueError, "Only a head"),
        (lambda: llmscope.ablate(mlp=1, by="max"), ValueError, 'by is "zero"'),
        (lambda: llmscope.ablate(edge=(1, 0, 2)), TypeError, "edge is"),
        (lambda: llmscope.ablate(edge=(1, 0, 2, 1), by="mean"), ValueError, "An edge"),
        (lambda: llmscope.ablate(mlp=1, reference="a"), ValueError, "reference"),
        (lambda: llmscope.ablate(mlp=1, positions=slice(2, None)), ValueError, "slice"),
        (lambda: llmscope.ablate(mlp=1, kind="own"), ValueError, "kind is"),
        (lambda: llmscope.scale_head((1, 0), float("nan")), ValueError, "finite"),
        (lambda: llmscope.patch(head=(1, 0), source="a text"), TypeError, "source is a trace"),
        (lambda: llmscope.steer(layer=1, direction=("a", "b", "c")), ValueError, "two texts"),
        (lambda: llmscope.steer(layer=1, direction=[[1.0]]), ValueError, "a vector of numbers"),
        (lambda: llmscope.steer(layer=1, direction=("a", "b"), align="end"), ValueError, "align"),
    ],
)
def test_edits_that_mean_nothing(make, error, says):
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize(
    ("name", "edit", "error", "says"),
    [
        ("llama", llmscope.ablate(head=(3, 0)), IndexError, "no layer 3"),
        ("llama", llmscope.ablate(head=(1, 4)), IndexError, "no head 4: layer 1 has 0 to 3"),
        ("llama", llmscope.ablate(mlp=9), IndexError, "no layer 9: there are 0 to 2"),
        ("llama", llmscope.ablate(mlp=1, positions=-99), IndexError, "no position -99"),
        ("llama", llmscope.steer(layer=1, direction=[1.0, 2.0]), ValueError, "2 numbers"),
        ("llama", "head 3", TypeError, "is none"),
        ("mamba", llmscope.ablate(head=(1, 0)), ValueError, "no heads of self attention"),
        ("mamba", llmscope.ablate(mlp=1), ValueError, "MLP adds"),
        ("falcon", llmscope.ablate(edge=(1, 0, 2, 1)), ValueError, "code of its own"),
        ("gpt2", llmscope.ablate(head=(1, 0), kind="cross"), ValueError, "no heads of cross"),
    ],
)
def test_edits_of_what_is_not_there(scope_of, name, edit, error, says):
    scope = scope_of(name)
    with pytest.raises(error, match=says):
        scope.trace(TEXT, edits=[edit])
    assert_close(scope.trace(TEXT).logits, scope_of(name).trace(TEXT).logits)


def test_a_patch_needs_positions_where_lengths_differ(scope_of):
    scope = scope_of()
    source = scope.trace("The fox")
    with pytest.raises(ValueError, match="say which positions"):
        scope.trace(TEXT, edits=[llmscope.patch(mlp=1, source=source)])
    with pytest.raises(ValueError, match="the same model"):
        other = scope_of("gpt2").trace(TEXT)
        scope.trace(TEXT, edits=[llmscope.patch(mlp=1, source=other)])
    with pytest.raises(ValueError, match="as many tokens"):
        front = llmscope.steer(layer=1, direction=("The fox", "A"), align="front")
        scope.trace(TEXT, edits=[front])


def test_a_mean_of_the_text_itself_is_not_for_generating(scope_of):
    with pytest.raises(ValueError, match="reference= names texts"):
        scope_of().generate(TEXT, edits=[llmscope.ablate(mlp=1, by="mean")], max_new_tokens=2)


def test_a_layer_without_attention_can_be_switched_off(scope_of):
    scope = scope_of("mamba")
    trace = scope.trace(TEXT, edits=[llmscope.ablate(layer=1)])
    with hooked(scope.model, "backbone.layers.1.mixer", torch.zeros_like), torch.no_grad():
        logits = scope.model(**trace.recording.inputs).logits[0]
    assert_close(trace.logits, logits)


def test_steering_position_by_position(scope_of):
    scope = scope_of()
    edit = llmscope.steer(layer=1, direction=("xyz", "XYZ"), align="front", scale=3)
    trace = scope.trace(TEXT, edits=[edit])
    found = trace.hidden(2) - trace.untouched.hidden(2)
    one, other = scope.trace("xyz").hidden(2), scope.trace("XYZ").hidden(2)
    expected = np.zeros_like(found)
    expected[: len(one)] = 3 * (one - other)
    assert_close(found, expected, size=np.abs(trace.hidden(2)).max())


def test_the_cache_is_counted_and_forgotten(scope_of):
    scope = scope_of()
    scope.trace(TEXT)
    before = scope.cache_bytes
    scope.trace(TEXT, edits=[llmscope.ablate(head=(2, 1))])
    assert scope.cache_bytes > before
    scope.forget()
    assert scope.cache_bytes == 0


def test_a_changed_model_is_read_anew(scope_of):
    scope = scope_of()
    edits = [llmscope.steer(layer=1, direction=("The", "dog"))]
    old = scope.trace(TEXT, edits=edits)
    with torch.no_grad():
        scope.model.get_submodule("model.layers.0.mlp.down_proj").weight.mul_(2)
    assert not old.is_current
    new = scope.trace(TEXT, edits=edits)
    fresh = Scope(scope.model, scope.tokenizer).trace(TEXT, edits=edits)
    assert_close(new.logits, fresh.logits)
    assert np.abs(new.logits - scope_of().trace(TEXT, edits=edits).logits).max() > 1e-2


def test_the_keys_of_cross_attention_are_counted_from_their_own_end(scope_of):
    scope = scope_of("t5")
    options = {"target": [5, 6, 7]}
    plain = scope.trace(TEXT, **options)
    last = llmscope.ablate(edge=(1, 0, -1, -1), kind="cross")
    trace = scope.trace(TEXT, **options, edits=[last])
    changed = (trace.attention(1, 0, kind="cross") != plain.attention(1, 0, kind="cross")).nonzero()
    assert [place.tolist() for place in changed] == [[3], [len(plain.source_tokens) - 1]]
    other = llmscope.ablate(edge=(1, 0, -1, -10), kind="cross")
    assert scope.trace(TEXT, **options, edits=[other]).edits[0].edge == (
        3,
        plain.keys("cross") - 10,
    )


def test_a_masked_key_takes_no_part_in_uniform_attention(scope_of):
    scope = scope_of("llama")
    edits = [
        llmscope.ablate(head=(1, 0), by="uniform"),
        llmscope.ablate(edge=(1, 0, 4, 2), by="mask"),
    ]
    weights = scope.trace(TEXT, edits=edits).attention(1, 0)
    assert_close(weights[4, :5], [0.25, 0.25, 0, 0.25, 0.25])
    assert_close(weights[3, :4], np.full(4, 0.25))
    shared = scope.trace(TEXT, edits=edits[::-1]).attention(1, 0)
    assert np.array_equal(shared, weights)


def test_a_layer_that_is_no_attention_takes_the_mean_of_other_texts(scope_of):
    scope = scope_of("mamba")
    edit = llmscope.ablate(layer=1, by="mean", reference=["The dog", "A fox"])
    seen: list[torch.Tensor] = []
    mixer = scope.model.get_submodule("backbone.layers.1.mixer")
    handle = mixer.register_forward_hook(lambda _, __, output: seen.append(output[0]))
    with torch.no_grad():
        for text in ("The dog", "A fox"):
            scope.model(**scope.trace(text).recording.inputs)
    handle.remove()
    both = torch.cat([seen[1], seen[3]])  # each text was traced before it was run
    trace = scope.trace(TEXT, edits=[edit])
    with (
        hooked(scope.model, "backbone.layers.1.mixer",
               lambda given: both.mean(0).expand_as(given)),
        torch.no_grad(),
    ):  # fmt: skip
        logits = scope.model(**trace.recording.inputs).logits[0]
    assert_close(trace.logits, logits)
