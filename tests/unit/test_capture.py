from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
import torch

from llmscope.capture import Cancelled
from llmscope.capture.hooks import INTERFACE
from llmscope.scope import Scope
from tests import tiny
from tests.reference import own_attention
from tests.tiny import MODELS, TEXT


def traced(name: str, tokenizer):
    model = MODELS[name]()
    target = "it sleeps" if model.config.is_encoder_decoder else None
    return Scope(model, tokenizer).trace(TEXT, target=target)


@pytest.mark.parametrize("name", MODELS)
def test_logits_are_the_untouched_models_bit_for_bit(name, tokenizer):
    trace = traced(name, tokenizer)
    if not trace.scope.runner.head.exists:
        with pytest.raises(ValueError, match="no language-model head"):
            _ = trace.logits
        return
    with torch.no_grad():
        logits = MODELS[name]()(**trace.recording.inputs).logits[0].numpy()
    assert np.array_equal(trace.logits, logits)
    np.testing.assert_allclose(trace.logits_at(3), logits[3], atol=1e-4)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "mamba"])
def test_attention_equals_the_models_own(name, tokenizer):
    trace = traced(name, tokenizer)
    own = own_attention(MODELS[name](), trace.recording.inputs)
    assert set(trace.kinds) == set(own)
    for kind, layers in own.items():
        assert len(trace.layers(kind)) == len(layers) >= 2
        for layer, weights in enumerate(layers):
            np.testing.assert_allclose(trace.attention(layer, kind=kind), weights, atol=1e-5)
            for head, own_weights in enumerate(weights):
                rows = trace.attention(layer, head, rows=[3, 1], kind=kind)
                np.testing.assert_allclose(rows, own_weights[[3, 1]], atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "gpt2", "t5", "mamba"])
def test_hidden_states_equal_the_models_own(name, tokenizer):
    trace = traced(name, tokenizer)
    model = MODELS[name]()
    with torch.no_grad():
        output = model(**trace.recording.inputs, output_hidden_states=True)
    expected = output.get("hidden_states") or output.get("decoder_hidden_states")
    for layer, state in enumerate(expected):
        np.testing.assert_allclose(trace.hidden(layer), state[0].numpy(), atol=1e-5)
    with pytest.raises(IndexError, match=r"hidden states are 0 to 3"):
        trace.hidden(4)


def test_the_sliding_window_reaches_past_its_edge(tokenizer):
    trace = traced("mistral", tokenizer)
    row = trace.attention(1, 0, rows=[len(trace) - 1])[0]
    assert np.count_nonzero(row) == 4


@pytest.mark.parametrize("name", ["llama", "gpt2", "t5", "gemma2", "gpt_oss"])
def test_a_head_is_replayed_by_itself(name, tokenizer):
    attention = traced(name, tokenizer).recording.layer(1, "self")
    assert attention.is_separable
    rows = np.arange(3)
    alone = [attention.weights(rows, head) for head in range(attention.heads)]
    np.testing.assert_allclose(torch.cat(alone), attention.weights(rows), atol=1e-6)


def test_heads_that_are_put_together_are_replayed_together(tokenizer, monkeypatch):
    attention = traced("llama", tokenizer).recording.layer(1, "self")
    rows, own = np.arange(3), attention.call.eager

    def shared(module, query, *others, **kwargs):
        values, weights = own(module, query, *others, **kwargs)
        return values, weights / query.shape[1]

    monkeypatch.setitem(attention.call.__dict__, "eager", shared)
    assert not attention.is_separable
    np.testing.assert_array_equal(attention.weights(rows, 2)[0], attention.weights(rows)[2])


def test_grouped_heads_share_their_keys(tokenizer):
    trace = traced("llama", tokenizer)
    assert trace.heads(0) == (4, 2)
    assert np.array_equal(trace.qkv(1, 0).key, trace.qkv(1, 1).key)
    assert not np.array_equal(trace.qkv(1, 1).key, trace.qkv(1, 2).key)


def test_queries_and_keys_give_the_weights(tokenizer):
    trace = traced("llama", tokenizer)
    query, key, _ = trace.qkv(2, 3)
    scores = query @ key.T / np.sqrt(query.shape[1])
    scores[np.triu_indices(len(trace), 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weights, trace.attention(2, 3), atol=1e-5)


def picture(model: torch.nn.Module):
    """All of a model's state that a trace could leave changed."""
    config = model.config
    return (
        config._attn_implementation,
        config.to_dict(),
        [(name, m.training, len(m._forward_hooks), len(m._forward_pre_hooks), list(vars(m)))
         for name, m in model.named_modules()],
        [(p.dtype, p.device, p.requires_grad, p.data_ptr()) for p in model.parameters()],
        getattr(sys.modules[type(model).__module__], INTERFACE),
    )  # fmt: skip


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was(training, tokenizer):
    model = MODELS["llama"]().train(training)
    model.model.layers[1].eval()
    before, state = picture(model), torch.random.get_rng_state()
    trace = Scope(model, tokenizer).trace(TEXT)
    trace.attention(0)
    trace.hidden(1)
    assert picture(model) == before
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.is_grad_enabled()


def test_a_model_in_training_is_traced_without_dropout(tokenizer):
    model = MODELS["gpt2"]()
    quiet = Scope(model, tokenizer).trace(TEXT).logits
    assert np.array_equal(Scope(model.train(), tokenizer).trace(TEXT).logits, quiet)


def test_the_tap_goes_when_the_model_raises(tokenizer):
    model = MODELS["llama"]()
    module = sys.modules[type(model).__module__]
    before = getattr(module, INTERFACE)
    scope = Scope(model, tokenizer)

    def fail(*_: object) -> None:
        raise ArithmeticError("in the middle")

    handle = model.model.layers[1].register_forward_pre_hook(fail)
    with pytest.raises(ArithmeticError):
        scope.trace(TEXT)
    handle.remove()
    assert getattr(module, INTERFACE) is before
    assert scope.trace(TEXT).attention(2).shape[0] == 4


def test_a_pass_that_nobody_waits_for_ends_between_layers(scope):
    asked = []

    def after_one_layer() -> bool:
        asked.append(None)
        return len(asked) > 1

    with pytest.raises(Cancelled):
        scope.trace(TEXT, cancelled=after_one_layer)
    assert len(asked) == 2


def test_two_models_that_share_a_config_do_not_mix(tokenizer):
    one = MODELS["llama"]()
    other = type(one)(one.config).eval()
    alone = [Scope(model, tokenizer).trace(TEXT).attention(1) for model in (one, other)]
    inside = []
    handle = one.model.layers[1].register_forward_pre_hook(
        lambda *_: inside.append(Scope(other, tokenizer).trace(TEXT))
    )
    outer = Scope(one, tokenizer).trace(TEXT)
    handle.remove()
    assert outer.layers() == inside[0].layers() == (0, 1, 2)
    assert np.array_equal(outer.attention(1), alone[0])
    assert np.array_equal(inside[0].attention(1), alone[1])


def test_generate_in_another_thread_is_neither_recorded_nor_disturbed(tokenizer):
    model = MODELS["llama"]()
    scope = Scope(model, tokenizer)
    ids = torch.tensor([scope.trace(TEXT).ids])
    expected = model.generate(ids, max_new_tokens=12, do_sample=False)
    lengths = {len(scope.trace(TEXT).recording.forward.attention["self"])}
    results, stop = [], threading.Event()

    def generate() -> None:
        while not stop.is_set():
            results.append(model.generate(ids, max_new_tokens=12, do_sample=False))

    thread = threading.Thread(target=generate)
    thread.start()
    traces = [scope.trace(TEXT) for _ in range(20)]
    stop.set()
    thread.join()
    assert results
    assert all(torch.equal(result, expected) for result in results)
    assert {len(trace.layers()) for trace in traces} == lengths == {3}
    assert all(np.array_equal(t.attention(2), traces[0].attention(2)) for t in traces)


def test_traces_of_one_model_in_many_threads_agree(tokenizer):
    model = MODELS["gemma2"]()
    expected = Scope(model, tokenizer).trace(TEXT)
    found = []

    def work() -> None:
        scope = Scope(model, tokenizer)
        found.extend(scope.trace(TEXT) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    for trace in found:
        assert np.array_equal(trace.logits, expected.logits)
        assert np.array_equal(trace.attention(1), expected.attention(1))


def test_a_state_space_model_says_that_it_has_no_attention(tokenizer):
    trace = traced("mamba", tokenizer)
    assert trace.layers() == ()
    with pytest.raises(ValueError, match="has no attention: its layers carry a state"):
        trace.attention(0)
    assert trace.next_token().probs.sum() == pytest.approx(1, abs=1e-5)


def test_long_texts_are_read_by_rows_alone(tokenizer):
    trace = Scope(MODELS["llama"](), tiny.byte_level()).trace("ab " * 20)
    whole = trace.attention(1)
    np.testing.assert_allclose(trace.attention(1, rows=slice(5, 9)), whole[:, 5:9], atol=1e-6)
