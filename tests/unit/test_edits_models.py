"""Edits and effects in models of every kind of construction, and in every state they may be in."""

from __future__ import annotations

import copy
import random
import threading
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import cpu_offload

import llmscope
from llmscope.scope import Scope
from tests import tiny
from tests.closeness import EPS, TINY, assert_close, relative_difference, relative_tolerance
from tests.sweep.models import entries, ids
from tests.unit.test_edits import LAYER, PLACES, TARGET, columns, hooked
from tests.unit.test_wrapped import WRAPPERS

TEXT = "The quick brown fox jumps over"
FAMILIES = ["llama", "t5", "bert", "gptj"]


@pytest.fixture
def scope_of(tokenizer):
    return lambda name="llama": Scope(tiny.MODELS[name](), tokenizer, name=name)


@pytest.fixture
def model_type(tokenizer):
    """Make a scope of a tiny model of a type in transformers' mappings."""

    def make(name: str, mapping: str = "causal") -> Scope:
        entry = next(e for e in entries() if (e.mapping, e.model_type) == (mapping, name))
        return Scope(entry.model(), tokenizer, name=name)

    return make


# ── constructions ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "mapping", "path"),
    [
        ("gpt_neo", "causal", "transformer.h.3.attn.attention.out_proj"),
        ("mpnet", "masked", "mpnet.encoder.layer.3.attention.attn.o"),
    ],
)
def test_a_head_of_attention_within_attention(model_type, name, mapping, path):
    scope = model_type(name, mapping)
    trace = scope.trace(ids(), edits=[llmscope.ablate(head=(3, 1))])
    inputs = trace.recording.inputs
    with torch.no_grad(), hooked(scope.model, path, columns(4, 1, torch.zeros_like), before=True):
        expected = scope.model(**inputs).logits[0]
    assert_close(trace.logits, expected)


@pytest.mark.parametrize("name", ["xlnet", "cpmant", "prophetnet", "gemma3n_text"])
def test_a_stream_with_other_positions_is_refused(model_type, name):
    scope = model_type(name)
    with pytest.raises(ValueError, match="positions aren't those of the text"):
        scope.trace(ids(), edits=[llmscope.ablate(mlp=2, positions=[3])])


@pytest.mark.parametrize("what", [{"mlp": 2}, {"attention": 2}])
def test_an_mlp_whose_positions_lie_in_one_row(model_type, what):
    scope = model_type("opt")
    plain = scope.trace(ids())
    trace = scope.trace(ids(), edits=[llmscope.ablate(**what, positions=[40])])
    assert np.array_equal(trace.logits[:40], plain.logits[:40])
    assert np.abs(trace.logits[40] - plain.logits[40]).max() > 0.1
    off = scope.trace(ids(), edits=[llmscope.ablate(**what)])
    of = "mlps" if "mlp" in what else "layers"
    if of == "mlps":
        effects = plain.effects(7, of=of, method="ablate")
        expected = plain.logits[-1, 7] - off.logits[-1, 7]
        assert_close(effects.values[2], expected, size=np.abs(plain.logits).max())


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_what_is_added_beside_the_stream_is_no_mlp(model_type):
    scope = model_type("mobilebert", "masked")
    for part in ("mlp", "attention"):
        with pytest.raises(ValueError, match="can't be told apart"):
            scope.trace(ids(), edits=[llmscope.ablate(**{part: 1})])


def test_a_second_attention_in_a_block_is_edited(model_type):
    scope = model_type("longcat_flash")
    plain = scope.trace(ids())
    for head in (0, 1):  # the second pass begins inside of the model, below the head's block
        off = scope.trace(ids(), edits=[llmscope.ablate(head=(7, head))])
        fresh = model_type("longcat_flash").trace(ids(), edits=[llmscope.ablate(head=(7, head))])
        assert_close(off.logits, fresh.logits)
        assert np.abs(off.logits - plain.logits).max() > 1e-2
    effects = plain.effects(7, method="ablate").values
    size = np.abs(plain.logits).max()
    assert_close(effects[7, 1], plain.logits[-1, 7] - off.logits[-1, 7], size=size)


def test_edits_leave_big_bird_its_attention(model_type):
    scope = model_type("big_bird")
    scope.trace(ids())
    before = scope.trace(ids()).logits
    scope.trace(ids(), edits=[llmscope.ablate(head=(1, 1))])
    scope.forget()
    assert np.array_equal(scope.trace(ids()).logits, before)


@pytest.mark.parametrize("name", ["bitnet", "diffllama"])
def test_direct_effects_of_heads_that_are_mixed_are_refused(model_type, name):
    trace = model_type(name).trace(ids())
    with pytest.raises(ValueError, match="mixed before W_O"):
        trace.effects(7)
    assert np.isfinite(trace.effects(7, of="layers").values).all()


def test_direct_effects_of_heads_behind_a_gate(model_type):
    trace = model_type("qwen3_next").trace(ids())
    found = trace.effects(7)
    assert np.isfinite(found.values[3]).all()


def test_embeddings_that_are_scaled_in_place_have_gradients(model_type):
    trace = model_type("ctrl").trace(ids())
    assert np.isfinite(trace.effects(7, method="gradient").values).all()


def test_effects_by_ablation_need_no_gradients(model_type):
    trace = model_type("ibert", "masked").trace(ids())
    with pytest.raises(ValueError, match="embeddings"):
        trace.effects(7, method="gradient")
    assert np.isfinite(trace.effects(7, method="ablate").values).all()


def test_a_patch_of_the_encoder_takes_the_encoders_positions(scope_of):
    scope = scope_of("t5")
    source = scope.trace("The lazy brown dog sleeps and", target=TARGET)
    here = source.recording.inputs["input_ids"][0].tolist()[::-1]
    edit = llmscope.patch(layer=2, source=source, kind="encoder")
    patched = scope.trace(here, target=TARGET, edits=[edit])
    assert_close(patched.logits, source.logits)
    assert "at" not in str(patched.edits[0])


def test_blocks_that_share_more_than_a_stream_are_run_whole(model_type):
    scope = model_type("gemma3n_text")
    for head in range(3):
        edits = [llmscope.ablate(head=(3, head))]
        found = scope.trace(ids(), edits=edits)
        assert_close(found.logits, model_type("gemma3n_text").trace(ids(), edits=edits).logits)


# ── a text that goes on ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["mistral", "gemma2", "gpt_oss", "llama"])
def test_texts_in_any_order_equal_fresh_ones(scope_of, name):
    draw = random.Random(3)
    scope = scope_of(name)
    edits = [
        llmscope.ablate(edge=(0, 1, 20, 18), by="mask"),
        llmscope.ablate(edge=(2, 3, 9, 7)),
        llmscope.ablate(head=(1, 0), by="uniform", positions=[3, 11, 24]),
        llmscope.ablate(attention=1, positions=[2, 19]),
        llmscope.scale_head((2, 2), 3, positions=[10, 21]),
    ]
    text = [draw.randrange(10, 250) for _ in range(32)]
    for _ in range(12):
        size = draw.randrange(22, 30)
        changed = text[:size] + [draw.randrange(10, 250) for _ in range(draw.randrange(4))]
        found = scope.trace(changed, edits=edits)
        fresh = scope_of(name).trace(changed, edits=edits)
        assert_close(found.logits, fresh.logits)
        assert_close(found.attention(2), fresh.attention(2), size=1)


@pytest.mark.parametrize("name", ["llama", "mistral", "gpt_oss"])
@pytest.mark.parametrize(
    "options",
    [
        {"do_sample": True, "num_return_sequences": 3},
        {"num_beams": 4, "num_return_sequences": 3},
    ],
    ids=["samples", "beams"],
)
def test_batches_are_generated_under_edits(scope_of, name, options):
    scope = scope_of(name)
    edits = [
        llmscope.ablate(head=(LAYER, 2), by="uniform"),
        llmscope.ablate(edge=(0, 1, 4, 2), by="mask"),
        llmscope.ablate(edge=(2, 0, 3, 1)),
    ]
    run = scope.generate(TEXT, edits=edits, max_new_tokens=5, seed=1, **options)
    for number, steps in enumerate(run.steps):
        trace = scope_of(name).trace(run.ids(number), edits=edits)
        logits = torch.from_numpy(trace.logits[run.prompt_length - 1 :]).double()
        if "num_beams" not in options:
            for step, row in zip(steps, logits.softmax(-1), strict=False):
                assert_close(step.distribution.base, row)
            continue
        written = torch.tensor(run.ids(number)[run.prompt_length :])[: len(steps)]
        chosen = logits[: len(steps)].log_softmax(-1)[range(len(steps)), written]
        assert_close(run.scores[number], float(chosen.mean()), size=8.0)


# ── states of a model ────────────────────────────────────────────────────────────────────────────


def off_in(model: Any, name: str, trace: Any) -> torch.Tensor:
    """Return the logits of a model with head 1·2 switched off by a hook."""
    blocks, projection, *_ = PLACES[name]
    path = f"{blocks}.{LAYER}.{projection}"
    with torch.no_grad(), hooked(model, path, columns(4, 2, torch.zeros_like), before=True):
        logits: torch.Tensor = model(**trace.recording.inputs).logits[0]
    return logits.float()


def edited(scope: Scope, name: str) -> Any:
    target = TARGET if name == "t5" else None
    return scope.trace(TEXT, target=target, edits=[llmscope.ablate(head=(LAYER, 2))])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", [*FAMILIES, "gemma2", "gpt_oss"])
def test_half_precision(tokenizer, name, dtype):
    model = tiny.MODELS[name]().to(dtype)
    trace = edited(Scope(model, tokenizer), name)
    rounding = max(relative_tolerance(TINY), 4 * torch.finfo(dtype).eps)
    assert relative_difference(trace.logits, off_in(model, name, trace)) <= rounding
    for method in ("gradient", "ablate"):
        assert np.isfinite(trace.untouched.effects(7, method=method, position=2).values).all()
    try:
        assert np.isfinite(trace.untouched.effects(7, position=2).values).all()
    except ValueError as error:
        assert "add up" in str(error)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrapped_models_are_edited(tokenizer, name, wrapper):
    model = tiny.MODELS[name]()
    scope = Scope(WRAPPERS[wrapper](copy.deepcopy(model)), tokenizer)
    for what in ({"head": (LAYER, 2)}, {"mlp": LAYER}, {"layer": 2}):
        target = TARGET if name == "t5" else None
        edit = llmscope.ablate(**what)
        found = scope.trace(TEXT, target=target, edits=[edit])
        expected = Scope(model, tokenizer).trace(TEXT, target=target, edits=[edit])
        assert_close(found.logits, expected.logits)
    effects = found.untouched.effects(7, method="ablate", position=2).values
    assert_close(
        effects,
        expected.untouched.effects(7, method="ablate", position=2).values,
        size=np.abs(expected.logits).max(),
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_hooks_of_others_run_beside_edits(scope_of, name):
    scope = scope_of(name)
    blocks, _, _, mlp = PLACES[name]
    user = scope.model.get_submodule(f"{blocks}.{LAYER}.{mlp}")
    handle = user.register_forward_hook(lambda _, __, output: output * 1.5)
    trace = edited(scope, name)
    assert_close(trace.logits, off_in(scope.model, name, trace))
    assert list(user._forward_hooks) == [handle.id]


@pytest.mark.parametrize("name", ["gpt2", "bert", "t5"])
def test_a_model_in_training_is_edited_without_dropout(scope_of, name):
    scope = scope_of(name)
    expected = edited(scope, name).logits
    direct: Any = edited(scope, name).untouched.effects(7, method="ablate", position=2).values
    scope.forget()
    scope.model.train()
    assert_close(edited(scope, name).logits, expected)
    found = edited(scope, name).untouched.effects(7, method="ablate", position=2).values
    assert_close(found, direct, size=np.abs(expected).max())
    assert all(module.training for module in scope.model.modules())


def test_effects_while_another_thread_runs_the_model(scope_of):
    scope = scope_of("llama")
    trace = scope.trace(TEXT)
    inputs = trace.recording.inputs
    expected = {m: trace.effects(7, method=m).values for m in ("direct", "gradient", "ablate")}
    with torch.no_grad():
        logits = scope.model(**inputs).logits
    wrong: list[float] = []
    grads: list[bool] = []
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            with torch.no_grad():
                found = scope.model(**inputs).logits
            wrong.append(float((found - logits).abs().max()))
            grads.append(found.requires_grad)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for method, values in expected.items():
            for _ in range(3):
                assert_close(trace.effects(7, method=method).values, values, size=EPS + 8)
    finally:
        stop.set()
        thread.join()
    assert max(wrong) == 0
    assert not any(grads)


@pytest.mark.parametrize("method", ["direct", "gradient", "ablate"])
@pytest.mark.parametrize("enabled", [True, False])
def test_an_interrupt_leaves_gradients_as_they_were(scope_of, method, enabled):
    scope = scope_of("llama")
    expected = scope.trace(TEXT).logits
    armed = [False]

    def interrupt(*_: Any) -> None:
        if armed[0]:
            raise KeyboardInterrupt

    handle = scope.model.model.layers[1].mlp.register_forward_hook(interrupt)
    trace = scope.trace(TEXT)
    armed[0] = True
    with torch.set_grad_enabled(enabled):
        with pytest.raises(KeyboardInterrupt):
            trace.effects(7, method=method)
        assert torch.is_grad_enabled() == enabled
    armed[0] = False
    assert not torch.overrides._get_current_function_mode_stack()
    handle.remove()
    for module in scope.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    scope.forget()
    assert np.array_equal(scope.trace(TEXT).logits, expected)


def test_weights_that_are_brought_in_for_each_call(tokenizer):
    model = tiny.MODELS["llama"]()
    scope = Scope(cpu_offload(copy.deepcopy(model), execution_device="cpu"), tokenizer)
    expected = edited(Scope(model, tokenizer), "llama")
    found = edited(scope, "llama")
    assert_close(found.logits, expected.logits)
    size = np.abs(expected.logits).max()
    for method in ("direct", "gradient", "ablate"):
        effects = [trace.untouched.effects(7, method=method).values for trace in (found, expected)]
        assert_close(*effects, size=size)


def test_a_mean_is_over_the_positions_of_each_text(scope_of, model_type):
    scope = scope_of("llama")
    edits = [llmscope.ablate(mlp=1, by="mean")]
    for end in (9, 30, 14):
        found = scope.trace(TEXT[:end], edits=edits)
        assert_close(found.logits, scope_of("llama").trace(TEXT[:end], edits=edits).logits)
    padded = model_type("longformer", "masked")
    text = ids()[:67]  # its windows are filled up with positions that the text doesn't have
    found = padded.trace(text, edits=edits)

    def mean(given: torch.Tensor) -> torch.Tensor:
        return given[:, :67].mean(1, keepdim=True).expand_as(given)

    path = "longformer.encoder.layer.1.output.dense"
    with torch.no_grad(), hooked(padded.model, path, mean):
        expected = padded.model(**found.recording.inputs).logits[0]
    assert_close(found.logits, expected)
