"""The difference of two traces, against plain numpy on the two."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import transformers as tf

import llmscope
from llmscope import Comparison
from llmscope.analysis import matrices
from llmscope.analysis.comparison import NextTokenDifference
from llmscope.analysis.comparison.divergence import jensen_shannon
from llmscope.scope import Scope
from tests.closeness import assert_close
from tests.tiny import MODELS, TEXT, byte_level, word_piece

CAUSAL = ("gpt2", "llama", "mistral", "gemma2", "gpt_oss", "gptj", "bloom")
NAMES = (*CAUSAL, "bert", "t5", "bart")
BITS = np.log(2)


def pair(name: str, **edit):
    """A trace under an edit of its middle, and the same without."""
    model = MODELS[name]()
    scope = Scope(model, word_piece() if name == "bert" else byte_level(), name=name)
    target = "it sleeps" if model.config.is_encoder_decoder else None
    edits = [llmscope.ablate(**(edit or {"mlp": 1}))]
    return scope.trace(TEXT, target=target, edits=edits), scope.trace(TEXT, target=target)


@pytest.fixture(scope="module")
def pairs():
    return {name: pair(name) for name in NAMES}


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Jensen-Shannon distances of rows (…, keys), each with what it gives to no key."""
    p, q = (
        np.append(w, np.maximum(1 - w.sum(-1, keepdims=True), 0), -1)
        for w in (one.astype(float), other.astype(float))
    )
    m = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.nan_to_num(p * np.log2(p / m)) + np.nan_to_num(q * np.log2(q / m))
    return np.sqrt(np.maximum(terms.sum(-1) / 2, 0))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(float) - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


# ── attention ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_attention_is_one_less_the_other(name, pairs):
    a, b = pairs[name]
    comparison = Comparison(a, b)
    most = 0.0
    for kind in a.kinds:
        for layer in a.layers(kind):
            expected = a.attention(layer, kind=kind) - b.attention(layer, kind=kind)
            assert np.array_equal(comparison.attention(layer, kind=kind), expected)
            one = comparison.attention(layer, 3, rows=[-1, 0], kind=kind)
            assert_close(one, expected[3][[-1, 0]], size=1)  # of fewer rows, products differ
            most = max(most, np.abs(expected).max())
    assert most > 1e-4


def test_long_texts_are_read_a_few_rows_at_a_time(pairs, monkeypatch):
    for name in ("mistral", "gpt_oss", "gptj"):
        a, b = pairs[name]
        whole = [Comparison(a, b).attention(2), Comparison(a, b).head_distances]
        monkeypatch.setattr(matrices, "_CELLS", 5 * len(a))
        parts = [Comparison(a, b).attention(2), Comparison(a, b).head_distances]
        monkeypatch.undo()
        assert_close(parts[0], whole[0], size=1)
        assert_close(parts[1], whole[1], size=1)


@pytest.mark.parametrize("name", NAMES)
def test_heads_are_as_far_apart_as_their_rows(name, pairs):
    a, b = pairs[name]
    comparison = Comparison(a, b)
    for kind in a.kinds:
        found = comparison.head_distances_of(kind)
        assert found.shape == (len(a.layers(kind)), 4)
        for layer in a.layers(kind):
            both = [trace.attention(layer, kind=kind) for trace in (a, b)]
            expected = distances(*both).mean(-1)
            # What is 1 but for rounding counts as 1 here, and its root is larger than itself.
            assert np.abs(found[layer] - expected).max() < 1e-3
    assert found.max() > 1e-3


def test_a_distance_is_known_by_hand():
    p = torch.tensor([[1.0, 0], [0.5, 0.5], [0.25, 0.75]])
    q = torch.tensor([[0, 1.0], [1, 0], [0.25, 0.75]])
    found = jensen_shannon(p.double(), q.double())
    half = 0.5 * np.log2(0.5 / 0.75) * 0.5 + 0.5 * 0.5 * 1 + 0.5 * np.log2(1 / 0.75)
    assert_close(found.numpy(), [1, half, 0], size=1)


def test_what_goes_to_no_key_is_an_outcome_of_its_own(pairs):
    a, b = pair("llama", edge=(1, 2, 7, 3))  # the row lacks one weight, and the others stay
    share = b.attention(1, 2)[7, 3]
    found = Comparison(a, b).head_distances
    assert_close(found[1, 2], np.sqrt(share) / len(a), size=share)
    assert not found[0].any()
    assert not found[1, [0, 1, 3]].any()


# ── the head ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_the_next_token_is_compared_over_the_whole_vocabulary(name, pairs):
    a, b = pairs[name]
    found = Comparison(a, b).next_token_at(3) if name != "t5" else Comparison(a, b).next_token
    at = 3 if name != "t5" else -1
    p, q = softmax(a.logits[at]), softmax(b.logits[at])
    assert_close(found.probs_a, p)
    assert_close(found.probs_b, q)
    assert_close(found.kl_ab, (p * np.log2(p / q)).sum(), size=10)
    assert_close(found.kl_ba, (q * np.log2(q / p)).sum(), size=10)
    assert_close(found.total_variation, np.abs(p - q).sum() / 2, size=1)
    gained, lost = found.gained(3), found.lost(3)
    assert gained[0].id == np.argmax(p - q)
    assert lost[0].id == np.argmin(p - q)
    assert gained[0].change > gained[1].change > 0 > lost[1].change > lost[0].change
    table = found.to_pandas()
    assert len(table) == len(p)
    assert np.all(np.diff(np.abs(table["change"])) <= 0)
    assert_close(table["prob_a"] - table["prob_b"], table["change"])


def test_what_cannot_follow_costs_infinitely_much():
    one, other = np.float32([0, 0, -np.inf]), np.float32([0, -np.inf, -np.inf])
    found = NextTokenDifference(one, other, lambda ids: [*map(str, ids)])
    assert found.kl_ab == np.inf
    assert found.kl_ba == 1
    assert found.total_variation == 0.5
    assert [change.id for change in found.gained()] == [1]
    assert [change.label for change in found.lost()] == ["0"]


@pytest.mark.parametrize("name", [*CAUSAL, "t5", "bart"])
def test_the_chain_is_compared_token_by_token(name, pairs):
    a, b = pairs[name]
    comparison = Comparison(a, b)
    assert np.array_equal(comparison.logprobs, a.logprobs - b.logprobs, equal_nan=True)
    assert_close(comparison.surprisal[1:], (b.logprobs - a.logprobs)[1:] / BITS, size=10)
    table = comparison.to_pandas()
    assert list(table["token_a"]) == list(table["token_b"]) == [t.label for t in a.tokens]
    assert_close(
        table["surprisal_a"][1:] - table["surprisal_b"][1:], table["surprisal"][1:], size=10
    )


def test_masked_models_have_no_chain_to_compare(pairs):
    with pytest.raises(ValueError, match="masked model"):
        _ = Comparison(*pairs["bert"]).logprobs


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stream", ["block", "mlp"])
def test_the_lens_is_compared_at_each_layer(name, stream, pairs):
    a, b = pairs[name]
    try:
        a.lens(top=1, stream=stream)
    except ValueError as refused:
        assert name in ("bert", "bart", "gptj")
        with pytest.raises(ValueError, match=re.escape(str(refused))):
            Comparison(a, b).lens(stream=stream)
        return
    found = Comparison(a, b).lens(positions=[0, 2, -1], stream=stream)
    vocabulary = a.scope.facts.vocabulary
    both = [trace.lens(top=vocabulary, positions=[0, 2, -1], stream=stream) for trace in (a, b)]
    p, q = (probabilities(lens) for lens in both)
    assert_close(found.divergence, distances(p, q) ** 2, size=1)
    assert np.array_equal(found.ids_a, both[0].ids[..., 0])
    assert np.array_equal(found.ids_b, both[1].ids[..., 0])
    assert_close(found.probs_a, both[0].probs[..., 0])
    assert_close(found.probs_b, both[1].probs[..., 0])
    for column, parting in enumerate(found.parting):
        same = found.ids_a[:, column] == found.ids_b[:, column]
        assert parting == (-1 if same.all() else np.flatnonzero(~same)[0])
    assert len(found.to_pandas()) == found.divergence.size


def probabilities(lens) -> np.ndarray:
    """Probabilities (layers, positions, vocabulary) in the order of the vocabulary."""
    order = lens.ids.argsort(-1)
    return np.take_along_axis(lens.probs, order, -1)


def test_layers_below_the_edit_say_the_same(pairs):
    found = Comparison(*pairs["gpt2"]).lens()
    assert not found.divergence[:2].any()  # the embeddings, and layer 0
    assert found.divergence[2:].all()
    assert set(found.parting) <= {-1, 2, 3}
    assert found.parting.max() > 0


# ── a trace and itself; what doesn't go together ─────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_less_itself_is_exactly_zero(name, pairs):
    a, _ = pairs[name]
    comparison = Comparison(a, a)
    for kind in a.kinds:
        assert not comparison.attention(1, kind=kind).any()
        assert not comparison.head_distances_of(kind).any()
    lens = comparison.lens()
    assert not lens.divergence.any()
    assert set(lens.parting) == {-1}
    found = comparison.next_token
    assert (found.kl_ab, found.kl_ba, found.total_variation) == (0, 0, 0)
    assert found.gained() == found.lost() == []
    if name != "bert":
        assert not np.nan_to_num(comparison.logprobs).any()


def test_what_is_no_trace_is_refused_in_words(pairs):
    with pytest.raises(TypeError, match="two traces"):
        Comparison(pairs["gpt2"][0], TEXT)


def test_models_of_one_vocabulary_are_compared_where_they_have_the_same_shape(pairs):
    a, b = pairs["gpt2"][0], pairs["llama"][0]
    comparison = Comparison(a, b)
    assert comparison.attention(1, 2).shape == (len(a), len(a))
    assert comparison.next_token.total_variation > 0.1
    config = tf.GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=64, vocab_size=300)
    torch.manual_seed(0)
    other = Scope(tf.GPT2LMHeadModel(config).eval(), byte_level(), name="other").trace(TEXT)
    refused = "aren't matched. gpt2 has 3 layers × 4 heads, other has 2 layers × 2 heads"
    with pytest.raises(ValueError, match=refused):
        _ = Comparison(a, other).head_distances
    with pytest.raises(ValueError, match=refused):
        Comparison(a, other).attention(1)
    with pytest.raises(ValueError, match="3 and 2 layers"):
        Comparison(a, other).lens()


@pytest.mark.local
def test_a_changed_model_is_noticed(scope):
    trace = scope.trace(TEXT, edits=[llmscope.ablate(mlp=1)])
    comparison = Comparison(trace, trace.untouched)
    with torch.no_grad():
        scope.model.model.norm.weight.add_(1)
    for read in (lambda: comparison.attention(1), lambda: comparison.lens()):
        with pytest.raises(RuntimeError):
            read()
