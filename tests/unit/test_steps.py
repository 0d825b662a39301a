"""The arithmetic of one weight, held to what the untouched model computes."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
import transformers as tf

from llmscope.analysis.notes import softmax
from llmscope.capture import Cancelled
from llmscope.capture import recording as recording_module
from llmscope.capture.projection import watch_projection
from llmscope.kernel import Handlers, TextInput
from llmscope.kernel.protocol import parse
from llmscope.scope import Scope
from tests.closeness import assert_close, assert_probabilities_close, assert_product_close
from tests.reference import own_attention
from tests.tiny import _GROUPED, MODELS, OWN_CODE, TEXT, _random

NONE = ("mamba",)
MORE = {
    "afmoe": _random(  # a gate behind the heads, norms before, rotary in windowed layers only
        lambda: tf.AfmoeForCausalLM(
            tf.AfmoeConfig(
                **_GROUPED | {"num_hidden_layers": 4}, sliding_window=4, num_experts=4,
                num_experts_per_tok=2, moe_intermediate_size=16, global_attn_every_n_layers=2,
            )
        )
    ),
    "granite_swa": _random(  # sinks that scale the output instead of taking weight
        lambda: tf.GraniteSWAForCausalLM(tf.GraniteSWAConfig(**_GROUPED, sliding_window=4))
    ),
    "exaone4": _random(  # a window that only some layers use, though all of them name it
        lambda: tf.Exaone4ForCausalLM(
            tf.Exaone4Config(**_GROUPED, sliding_window=4, sliding_window_pattern=2)
        )
    ),
    "qwen3": _random(lambda: tf.Qwen3ForCausalLM(tf.Qwen3Config(**_GROUPED))),
}  # fmt: skip
ALL = [name for name in MODELS if name not in OWN_CODE + NONE] + list(MORE)


def make(name: str) -> torch.nn.Module:
    return {**MODELS, **MORE}[name]()


def traced(name: str, tokenizer):
    model = make(name)
    target = "it sleeps, it sleeps" if model.config.is_encoder_decoder else None
    return Scope(model, tokenizer).trace(TEXT, target=target)


def named(steps) -> dict[str, str]:
    return {feature.name: feature.text for feature in steps.features}


@pytest.mark.parametrize("name", ALL)
def test_every_number_is_the_models_own(name, tokenizer):
    trace = traced(name, tokenizer)
    model = make(name)
    model.set_attn_implementation("eager")
    seen: dict[str, list] = {}
    for path, module in model.named_modules():
        module.register_forward_hook(
            lambda module, args, output, path=path: seen.setdefault(path, []).append((args, output))
        )
    with torch.no_grad():
        model(**trace.recording.inputs)
    for kind, expected in own_attention(make(name), trace.recording.inputs).items():
        for layer, head, query in ((0, 0, 0), (1, 2, 5), (trace.layers(kind)[-1], 3, -1)):
            steps = trace.steps(layer, head, query, kind)
            assert "unexplained" not in named(steps)
            weights = expected[layer][head, query]
            assert_probabilities_close(steps.weights, weights)

            assert_product_close(steps.product, steps.keys, steps.query)
            scaled = steps.product * steps.scale
            if steps.softcap:
                scaled = steps.softcap * np.tanh(scaled / steps.softcap)
            assert_close(steps.scaled, scaled)
            seen_keys = ~steps.hidden
            logits = steps.scaled + steps.bias
            assert_close(steps.logits[seen_keys], logits[seen_keys])
            assert np.isneginf(steps.logits[steps.hidden]).all()
            assert not weights[steps.hidden].any()
            assert_probabilities_close(softmax(steps.logits, steps.sink), weights)
            assert_product_close(steps.output, steps.values.T, steps.weights)

            # What stands behind the heads, as the untouched model computed it.
            assert steps.projection is not None
            above = steps.module
            if f"{above}.{steps.projection}" not in seen:
                above = above.rpartition(".")[0]
            calls = seen[f"{above}.{steps.projection}"]
            (received,), given = calls[layer if name == "albert" else 0]
            assert_close(steps.concat, received[0, query].numpy())
            assert_close(steps.projected, given[0, query].numpy())
            linear = model.get_submodule(f"{above}.{steps.projection}")
            with torch.no_grad():
                ours = linear(torch.tensor(steps.concat)).numpy()
            assert_close(ours, steps.projected)
            if "gate" not in named(steps):
                size = len(steps.output)
                part = steps.concat[head * size : (head + 1) * size]
                assert_close(part, steps.output)

            heads = range(trace.heads(layer, kind)[0])
            parts = [trace.steps(layer, n, query, kind).contribution for n in heads]
            bias = 0 if linear.bias is None else linear.bias.detach().numpy()
            assert_close(np.sum(parts, axis=0) + bias, steps.projected)


@pytest.mark.parametrize("name", ["llama", "gpt2", "mistral", "bart", "t5", "gemma2"])
def test_what_is_projected_is_the_output_of_the_attention_module(name, tokenizer):
    trace = traced(name, tokenizer)
    for kind in trace.kinds:
        steps = trace.steps(1, 2, 3, kind)
        model, outputs = make(name), []
        model.get_submodule(steps.module).register_forward_hook(
            lambda module, args, output, outputs=outputs: outputs.append(output[0])
        )
        with torch.no_grad():
            model(**trace.recording.inputs)
        assert_close(steps.projected, outputs[0][0, 3].numpy())


@pytest.mark.parametrize(
    ("name", "layer", "features"),
    [
        ("gpt2", 1, {"causal mask"}),
        ("llama", 1, {"causal mask", "rotary", "grouped heads"}),
        ("mistral", 1, {"causal mask", "rotary", "grouped heads", "sliding window"}),
        ("gemma2", 0, {"causal mask", "rotary", "grouped heads", "sliding window", "softcap"}),
        ("gemma2", 1, {"causal mask", "rotary", "grouped heads", "softcap"}),
        ("gpt_oss", 1, {"causal mask", "rotary", "grouped heads", "sink"}),
        ("qwen3", 1, {"causal mask", "rotary", "grouped heads", "query-key norm"}),
        ("exaone4", 0, {"causal mask", "rotary", "grouped heads", "query-key norm",
                        "sliding window"}),
        ("exaone4", 1, {"causal mask", "grouped heads", "query-key norm"}),
        ("bert", 1, set()),
        ("afmoe", 0, {"causal mask", "rotary", "grouped heads", "query-key norm", "sliding window",
                      "gate"}),
        ("afmoe", 1, {"causal mask", "grouped heads", "query-key norm", "gate"}),
    ],
)  # fmt: skip
def test_what_a_model_does_is_said_in_words(name, layer, features, tokenizer):
    assert set(named(traced(name, tokenizer).steps(layer, 2, 7))) == features


def test_words_hold_the_numbers(tokenizer):
    said = named(traced("mistral", tokenizer).steps(1, 2, 7))
    window = "A window lets this query see positions 4 to 7; 4 tokens before them left out."
    assert said["sliding window"] == window
    early = named(traced("mistral", tokenizer).steps(1, 2, 2))
    assert early["sliding window"] == "A window lets this query see positions 0 to 2."
    assert said["grouped heads"].startswith("Heads 2 and 3 share their keys and values: 4 query")
    assert "base 10,000" in said["rotary"]
    steps = traced("gpt_oss", tokenizer).steps(1, 2, 7)
    share = 1 - steps.weights.sum()
    assert f"logit of {steps.sink:.3g}" in named(steps)["sink"]
    assert f"{share:.3g} of the weight goes to no key" in named(steps)["sink"]
    steps = traced("t5", tokenizer).steps(1, 2, 7, "encoder")
    assert f"from {steps.bias.min():.3g} to {steps.bias.max():.3g}" in named(steps)["relative bias"]
    assert traced("t5", tokenizer).steps(1, 2, 7, "cross").features == ()


def test_a_sink_that_scales_the_output_is_not_said_to_take_weight(tokenizer):
    steps = traced("granite_swa", tokenizer).steps(0, 2, 7)
    assert steps.sink is None
    assert {"gate"} <= set(named(steps)) and "sink" not in named(steps)


def test_a_difference_that_the_steps_do_not_explain_is_named(tokenizer, monkeypatch):
    from transformers.models.llama import modeling_llama

    eager = modeling_llama.eager_attention_forward

    def colder(module, query, *args, **kwargs):
        return eager(module, 2 * query, *args, **kwargs)

    monkeypatch.setattr(modeling_llama, "eager_attention_forward", colder)
    model = MODELS["llama"]()
    model.set_attn_implementation("eager")
    steps = Scope(model, tokenizer).trace(TEXT).steps(1, 2, 7)
    gap = np.abs(softmax(steps.logits, None) - steps.weights).max()
    assert f"by up to {gap:.2g}" in named(steps)["unexplained"]


def test_without_a_projection_the_output_of_the_module_is_shown(tokenizer):
    model = MODELS["llama"]()
    model.model.layers[1].self_attn.o_proj = torch.nn.Identity()
    trace = Scope(model, tokenizer).trace(TEXT)
    steps = trace.steps(1, 2, 7)
    assert steps.projection is None
    assert steps.contribution is None
    assert "output of model.layers.1.self_attn" in named(steps)["projection"]
    assert_close(steps.concat, steps.projected)


@pytest.mark.parametrize("name", OWN_CODE)
def test_a_model_that_does_not_show_its_queries_says_so(name, tokenizer):
    with pytest.raises(ValueError, match="computes attention in code of its own"):
        traced(name, tokenizer).steps(0, 0, 0)


def test_what_is_not_there_is_named(scope):
    trace = scope.trace(TEXT)
    with pytest.raises(IndexError, match="layers 0 to 2"):
        trace.steps(3, 0, 0)
    with pytest.raises(IndexError, match="layer 0 has 0 to 3"):
        trace.steps(0, 4, 0)
    with pytest.raises(IndexError, match=f"there are {len(trace)}"):
        trace.steps(0, 0, len(trace))
    with pytest.raises(ValueError, match="no cross attention"):
        trace.steps(0, 0, 0, "cross")


@pytest.mark.local
def test_the_second_run_stops_early_and_leaves_no_mark(scope):
    model, reached = scope.model, []
    handle = model.model.layers[2].register_forward_pre_hook(lambda *_: reached.append(None))
    trace = scope.trace(TEXT)
    reached.clear()

    def marks():
        return [
            (len(m._forward_hooks), len(m._forward_pre_hooks), m.training) for m in model.modules()
        ]

    before, profile = marks(), sys.getprofile()
    trace.steps(1, 2, 7)
    assert not reached
    assert (marks(), sys.getprofile()) == (before, profile)
    model.train()
    trace.steps(0, 2, 7)
    assert all(m.training for m in model.modules())
    handle.remove()


@pytest.mark.local
def test_one_run_serves_all_queries_and_heads_of_a_layer_and_few_are_kept(scope, monkeypatch):
    trace = scope.trace(TEXT)
    runs = []
    run = recording_module.watch_projection
    monkeypatch.setattr(
        recording_module, "watch_projection", lambda *args: (runs.append(None), run(*args))[1]
    )
    first = trace.steps(0, 1, 3)
    trace.steps(0, 2, 5)
    assert len(runs) == 1
    trace.steps(1, 2, 5)
    trace.steps(2, 2, 5)
    assert np.array_equal(trace.steps(0, 1, 3).projected, first.projected)
    assert len(runs) == 3
    monkeypatch.setattr("llmscope.capture.recording._PROJECTIONS", 1)
    trace.steps(1, 2, 5)
    assert list(trace.recording.projections) == [("self", 1)]


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma2", "gpt_oss"])
def test_a_text_that_grew_is_read_as_a_fresh_one(name, tokenizer):
    edited, fresh = Scope(make(name), tokenizer), Scope(make(name), tokenizer)
    for end in (20, 40):
        edited.trace(TEXT[:end])
    one, other = edited.trace(TEXT), fresh.trace(TEXT)
    assert_close(one.head_scores(), other.head_scores(), size=1)
    assert_probabilities_close(one.rollout(2), other.rollout(2))
    one, other = one.steps(1, 2, -2), other.steps(1, 2, -2)
    for field in ("weights", "logits", "bias", "output", "concat", "projected", "contribution"):
        found, expected = getattr(one, field), getattr(other, field)
        assert_close(found, expected, what=field)
    assert one.features == other.features


def test_steps_are_answered_by_name(scope):
    answers = Handlers(scope)
    (summary,) = answers(parse(f"text/{TEXT}"), lambda: False)
    (part,) = answers(parse(f"{summary['trace']}/steps/self/1/2/7"), lambda: False)
    steps = scope.trace(TEXT).steps(1, 2, 7)
    for name in ("query", "keys", "values", "product", "scaled", "bias", "logits", "weights",
                 "output", "concat", "projected", "contribution"):  # fmt: skip
        assert part[name].dtype == np.float32
        assert np.array_equal(part[name], getattr(steps, name))
    assert np.array_equal(part["hidden"], steps.hidden.astype(np.uint8))
    assert (part["scale"], part["softcap"], part["sink"]) == (steps.scale, None, None)
    assert part["names"] == {"projection": "o_proj", "module": "model.layers.1.self_attn"}
    assert part["features"] == [{"name": f.name, "text": f.text} for f in steps.features]


@pytest.mark.local
def test_steps_that_nobody_waits_for_end_between_layers(scope):
    answers, asked = Handlers(scope), []
    (summary,) = answers(parse(f"text/{TEXT}"), lambda: False)

    def soon() -> bool:
        asked.append(None)
        return len(asked) > 1

    with pytest.raises(Cancelled):
        list(answers(parse(f"{summary['trace']}/steps/self/2/2/7"), soon))
    assert not answers.traces.trace(TextInput(TEXT)).recording.projections


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_no_unexplained_difference(dtype, tokenizer):
    trace = Scope(MODELS["llama"]().to(dtype), tokenizer).trace(TEXT)
    said = named(trace.steps(1, 2, 7))
    assert not {"unexplained", "gate"} & set(said)


@pytest.mark.parametrize("name", ALL)
def test_one_query_of_a_long_text_is_read_alone(name, tokenizer, monkeypatch):
    trace = traced(name, tokenizer)
    layers = trace.recording.attention.get("self", {})
    queries = (1, trace.queries("self") // 2, trace.queries("self") - 1)
    places = [(layer, query) for layer in (min(layers), max(layers)) for query in queries]
    whole = [trace.steps(layer, 1, query) for layer, query in places]
    read = []
    monkeypatch.setattr("llmscope.capture.again._SHORT", 0)
    monkeypatch.setattr(
        "llmscope.capture.recording.watch_projection",
        lambda *given: read.append(watched := watch_projection(*given)) or watched,
    )
    trace.recording.projections.clear()
    for (layer, query), expected in zip(places, whole, strict=True):
        found = trace.steps(layer, 1, query)
        for part in ("concat", "projected", "contribution", "weights", "output"):
            assert_close(getattr(found, part), getattr(expected, part))
        assert found.features == expected.features
    warm = trace.scope.runner.prefix_cache.is_possible
    assert {len(one.returned) == 1 for one in read} == {warm}
