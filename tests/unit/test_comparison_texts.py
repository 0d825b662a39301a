"""The difference of two texts, and of models with other tokenizers, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers as tf

import llmscope
from llmscope import Comparison
from llmscope.analysis import matrices
from llmscope.analysis.comparison import NextTextDifference, Side, read_next_text
from llmscope.analysis.comparison.next_text import _shares
from llmscope.scope import Scope
from llmscope.text import spelt
from tests import tokenizers
from tests.closeness import assert_close
from tests.tiny import MODELS, TEXT, byte_level, sentence_piece, word_piece
from tests.unit.test_comparison import BITS, probabilities, softmax

OTHER = TEXT.replace(" brown", "").replace("lazy", "sleepy old")
NAMES = ("gpt2", "llama", "mistral", "gpt_oss", "gptj", "bert", "t5", "bart")


def scope_of(name: str, tokenizer=None) -> Scope:
    made = tokenizer or (word_piece() if name == "bert" else byte_level())
    return Scope(MODELS[name](), made, name=name)


@pytest.fixture(scope="module")
def texts():
    """Two texts, read by each model."""
    found = {}
    for name in NAMES:
        scope = scope_of(name)
        if scope.model.config.is_encoder_decoder:
            given = [(TEXT, "it sleeps now"), (OTHER, "and it sleeps")]
            found[name] = tuple(scope.trace(text, target=target) for text, target in given)
        else:
            found[name] = (scope.trace(TEXT), scope.trace(OTHER))
    return found


def outcomes(whole: np.ndarray, keys: np.ndarray, first: bool) -> np.ndarray:
    """Distributions (…, outcomes): aligned keys, those of A alone, of B alone, and no key."""
    whole = whole.astype(float)
    alone = np.delete(whole, keys, axis=-1).sum(-1, keepdims=True)
    nothing = np.zeros_like(alone)
    rest = np.maximum(1 - whole.sum(-1, keepdims=True), 0)
    two = (alone, nothing) if first else (nothing, alone)
    return np.concatenate([whole[..., keys], *two, rest], axis=-1)


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    m = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.nan_to_num(p * np.log2(p / m)) + np.nan_to_num(q * np.log2(q / m))
    return np.maximum(terms.sum(-1) / 2, 0)


# ── attention ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", NAMES)
def test_attention_is_compared_among_the_tokens_of_both(name, texts, monkeypatch):
    monkeypatch.setattr(matrices, "_CELLS", 500)
    a, b = texts[name]
    comparison, swapped = Comparison(a, b), Comparison(b, a)
    for kind in a.kinds:
        queries = comparison.source_pairs if kind == "encoder" else comparison.pairs
        keys = comparison.pairs if kind == "self" else comparison.source_pairs
        assert 0 < len(keys) <= min(a.keys(kind), b.keys(kind))
        distances = comparison.head_distances_of(kind)
        for layer in a.layers(kind):
            one, other = (trace.attention(layer, kind=kind) for trace in (a, b))
            expected = one[:, queries[:, :1], keys[:, 0]] - other[:, queries[:, 1:], keys[:, 1]]
            found = comparison.attention(layer, kind=kind)
            assert_close(found, expected, size=1)  # of fewer rows, products differ
            row = comparison.attention(layer, 3, rows=[-1], kind=kind)
            assert_close(row, expected[3, -1:], size=1)
            assert np.array_equal(swapped.attention(layer, kind=kind), -found)
            p = outcomes(one[:, queries[:, 0]], keys[:, 0], True)
            q = outcomes(other[:, queries[:, 1]], keys[:, 1], False)
            apart = np.sqrt(jensen_shannon(p, q)).mean(-1)
            assert np.abs(distances[layer] - apart).max() < 1e-3
        assert np.array_equal(swapped.head_distances_of(kind), distances)
        assert distances.max() > 1e-3


def test_weight_on_what_the_other_lacks_is_apart(texts):
    """Known by hand: all of A's weight is on a token that B doesn't have."""
    p = outcomes(np.array([[0.0, 1.0]]), np.array([0]), True)
    q = outcomes(np.array([[1.0]]), np.array([0]), False)
    assert jensen_shannon(p, q) == 1
    scope = texts["gpt2"][0].scope
    comparison = Comparison(scope.trace("The dog"), scope.trace("A cat"))
    assert not len(comparison.pairs[comparison.pairs[:, 0] == 0])


def test_texts_with_no_token_in_common_have_nothing_to_compare():
    scope = scope_of("llama")
    comparison = Comparison(scope.trace("xxx"), scope.trace("ZZ"))
    assert comparison.pairs.shape == (0, 2)
    assert comparison.attention(1).shape == (4, 0, 0)
    assert np.isnan(comparison.head_distances).all()
    assert comparison.lens().divergence.shape == (4, 0)
    assert comparison.next_token.total_variation > 0


def test_anchors_make_pairs_of_other_tokens(texts):
    scope = texts["llama"][0].scope
    a, b = scope.trace("The dog"), scope.trace("The cat")
    free, fixed = Comparison(a, b), Comparison(a, b, anchors=[(2, 3)])
    assert [2, 3] not in free.pairs.tolist()
    assert [2, 3] in fixed.pairs.tolist()
    assert fixed.anchors == ((2, 3),)
    at = fixed.pairs.tolist().index([2, 3])
    expected = a.attention(1, 2)[2, 0] - b.attention(1, 2)[3, 0]
    assert_close(fixed.attention(1, 2)[at, 0], expected, size=1)
    with pytest.raises(ValueError, match="outside of text A"):
        Comparison(a, b, anchors=[(99, 0)])


# ── the chain, the lens ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["gpt2", "llama", "t5"])
def test_surprisal_is_that_of_each_row(name, texts):
    a, b = texts[name]
    comparison = Comparison(a, b)
    table = comparison.to_pandas()
    assert len(table) == len(comparison.tokens) > max(len(a), len(b))
    for number, row in enumerate(comparison.tokens):
        one = -a.logprobs[row.a.start : row.a.stop].sum() / BITS if row.a else np.nan
        other = -b.logprobs[row.b.start : row.b.stop].sum() / BITS if row.b else np.nan
        assert_close(table["surprisal_a"][number], one, size=10)
        assert_close(table["surprisal_b"][number], other, size=10)
        assert_close(comparison.surprisal[number], one - other, size=10)
        assert table["token_a"][number] == row.label_a
    assert np.isnan(comparison.surprisal[0])
    swapped = Comparison(b, a)
    assert np.nansum(swapped.surprisal) == pytest.approx(-np.nansum(comparison.surprisal))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_the_lens_is_compared_at_pairs(name, texts):
    a, b = texts[name]
    comparison = Comparison(a, b)
    found = comparison.lens(positions=[0, 3, -1])
    at = comparison.pairs[[0, 3, -1]]
    assert np.array_equal(np.stack([found.positions, found.positions_b], 1), at)
    vocabulary = a.scope.facts.vocabulary
    both = [
        trace.lens(top=vocabulary, positions=places.tolist())
        for trace, places in ((a, at[:, 0]), (b, at[:, 1]))
    ]
    expected = jensen_shannon(*map(probabilities, both))
    assert_close(found.divergence, expected, size=1)
    assert np.array_equal(found.ids_b, both[1].ids[..., 0])
    assert {"position", "position_b"} < set(found.to_pandas())


# ── the next token ───────────────────────────────────────────────────────────────────────────────


def test_what_follows_each_row_is_compared(texts):
    a, b = texts["llama"]
    comparison = Comparison(a, b)
    found = comparison.next_token
    assert_close(found.probs_a, softmax(a.logits[-1]))
    assert_close(found.probs_b, softmax(b.logits[-1]))
    alone = next(n for n, row in enumerate(comparison.tokens) if not row.b)
    before = comparison.tokens[alone - 1]
    found = comparison.next_token_at(alone)
    assert_close(found.logits_a, a.logits[comparison.tokens[alone].a.start])
    assert_close(found.logits_b, b.logits[before.b.stop - 1])
    with pytest.raises(IndexError, match="no row 99"):
        comparison.next_token_at(99)
    other = Comparison(a.scope.trace("xThe"), a.scope.trace("The"))
    with pytest.raises(ValueError, match="Text B has no token in row 0, and none before"):
        other.next_token_at(0)


def by_hand(trace, paths) -> list[float]:
    """Probability of each path of tokens after a text: the chain rule, in fresh whole passes."""
    found = []
    for path in paths:
        whole = [*trace.ids, *path]
        with torch.no_grad():
            logits = trace.scope.model(torch.tensor([whole])).logits[0].double()
        chain = logits.log_softmax(-1)
        at = range(len(trace.ids) - 1, len(whole) - 1)
        found.append(float(sum(chain[n, whole[n + 1]] for n in at).exp()))
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("llama", byte_level), ("gpt2", sentence_piece)),
        (("gpt2", tokenizers.FAST["tiktoken"]), ("mistral", byte_level)),
    ],
)
def test_other_vocabularies_are_compared_as_text(one, other):
    text = "The dog"
    a, b = (scope_of(name, make()).trace(text) for name, make in (one, other))
    found = Comparison(a, b).next_token
    assert isinstance(found, NextTextDifference)
    assert len(found.texts) >= 4
    for trace, probs, shares in (
        (a, found.probs_a, found.shares_a), (b, found.probs_b, found.shares_b)
    ):  # fmt: skip
        tokenizer = trace.scope.tokenizer
        # One of both sides' own tokens may be spelt in several ways: those of `spelt` are enough.
        paths = [
            spelt(tokenizer, text) if text else [tokenizer.eos_token_id] for text in found.texts
        ]
        known = [n for n, path in enumerate(paths) if path]
        expected = by_hand(trace, [paths[n] for n in known])
        assert np.allclose(probs[known], expected, rtol=2e-3, atol=1e-9)
        assert shares.sum() == pytest.approx(1)
        assert (shares > 0).all()
    assert (np.diff(np.abs(found.change)) <= 1e-12).all()
    p, q = found.shares_a, found.shares_b
    assert found.kl_ab == pytest.approx((p * np.log2(p / q)).sum())
    assert found.total_variation == pytest.approx(np.abs(p - q).sum() / 2)
    assert found.total_variation <= found.total_variation_most <= 1
    assert found.total_variation_most == pytest.approx(
        min(1, found.total_variation + min(p[-1], q[-1]))
    )
    gained, lost = found.gained(3), found.lost(3)
    assert gained[0].change == found.change.max() > 0 > found.change.min() == lost[0].change
    table = found.to_pandas()
    assert len(table) == len(found.texts) + 1
    assert table["prob_a"].iloc[-1] == p[-1]
    swapped = Comparison(b, a).next_token
    assert swapped.kl_ab == pytest.approx(found.kl_ba)
    assert swapped.total_variation == pytest.approx(found.total_variation)


def test_a_text_that_begins_another_keeps_what_does_not_go_on():
    shares = _shares([(1,), (1, 2), (1, 2, 3), (4,)], np.array([0.5, 0.3, 0.1, 0.2]))
    assert shares == pytest.approx([0.2, 0.2, 0.1, 0.2, 0.3])
    shares = _shares([(2, 3), (2, 1), (2,)], np.array([0.25, 0.125, 0.5]))
    assert shares == pytest.approx([0.25, 0.125, 0.125, 0.5])


def test_models_of_other_tokenizers_are_compared_where_they_spell_the_same():
    a, b = (scope_of("llama", make()).trace(TEXT) for make in (byte_level, sentence_piece))
    comparison = Comparison(a, b)
    assert not comparison.same_vocabulary
    pairs = comparison.pairs
    assert 0 < len(pairs) < len(comparison.tokens)
    for n, m in pairs:
        assert a.tokens[n].text == b.tokens[m].text
    several = next(row for row in comparison.tokens if len(row.a) != len(row.b))
    assert several.same
    one, other = a.attention(1, 2), b.attention(1, 2)
    expected = one[np.ix_(pairs[:, 0], pairs[:, 0])] - other[np.ix_(pairs[:, 1], pairs[:, 1])]
    assert_close(comparison.attention(1, 2), expected, size=1)
    assert len(comparison.surprisal) == len(comparison.tokens)
    with pytest.raises(ValueError, match=r"different vocabularies.*trace.lens\(\) reads each"):
        comparison.lens()


def test_heads_of_one_tokenizer_with_room_for_other_tokens_are_compared_as_text():
    """As where one model's embeddings are padded: an id may be one that the other doesn't have."""
    config = tf.GPT2Config(
        n_embd=32, n_layer=3, n_head=4, n_positions=64, vocab_size=320, eos_token_id=1
    )
    torch.manual_seed(0)
    wide = Scope(tf.GPT2LMHeadModel(config).eval(), byte_level(), name="wide")
    comparison = Comparison(scope_of("gpt2").trace("The dog"), wide.trace("The dog"))
    assert comparison.same_vocabulary
    assert not comparison.same_logits
    assert len(comparison.pairs) == len(comparison.a)
    found = comparison.next_token
    assert isinstance(found, NextTextDifference)
    p, q = (softmax(t.logits_at(-1)) for t in (comparison.a, comparison.b))
    tokenizer = wide.tokenizer
    for text, one, other in zip(found.texts, found.probs_a, found.probs_b, strict=True):
        path = [tokenizer.eos_token_id] if not text else spelt(tokenizer, text)
        if path and len(path) == 1:
            assert one == pytest.approx(p[path[0]], rel=1e-3)
            assert other == pytest.approx(q[path[0]], rel=1e-3)
    with pytest.raises(ValueError, match="different vocabularies"):
        comparison.lens()


def test_a_masked_model_is_not_compared_with_one_that_goes_on(texts):
    mixed = Comparison(texts["bert"][0], texts["gpt2"][0])
    with pytest.raises(ValueError, match="bert is a masked model, gpt2 predicts the token that"):
        _ = mixed.next_token
    masked = Comparison(texts["bert"][0], texts["bert"][1])
    alone = next(n for n, row in enumerate(masked.tokens) if not row.a)
    with pytest.raises(ValueError, match=f"Text A has no token in row {alone}, where a masked"):
        masked.next_token_at(alone)
    assert masked.next_token_at(2).total_variation > 0


def test_a_text_by_itself_is_exactly_zero_when_it_is_traced_twice(texts):
    scope = texts["llama"][0].scope
    comparison = Comparison(scope.trace(TEXT), scope.trace(TEXT))
    assert all(row.same for row in comparison.tokens)
    assert comparison.pairing() is None
    assert not comparison.attention(1).any()
    assert not comparison.head_distances.any()
    assert not np.nan_to_num(comparison.surprisal).any()
    assert not comparison.lens().divergence.any()
    assert comparison.next_token.total_variation == 0


def test_a_changed_model_of_either_side_is_noticed():
    one, other = scope_of("llama"), scope_of("llama", sentence_piece())
    comparison = Comparison(one.trace(TEXT), other.trace(TEXT))
    with torch.no_grad():
        other.model.model.norm.weight.add_(1)
    for read in (
        lambda: comparison.attention(1),
        lambda: comparison.next_token,
        lambda: comparison.head_distances,
    ):
        with pytest.raises(RuntimeError, match="changed"):
            read()


def test_edits_go_on_in_the_texts_that_are_compared():
    """The passes that go on from the text are under the edits of the trace."""
    edits = [llmscope.ablate(mlp=1)]
    scope, other = scope_of("llama"), scope_of("gpt2", sentence_piece())
    edited, plain = scope.trace("The dog", edits=edits), scope.trace("The dog")
    beside = other.trace("The dog")

    def side(trace):
        return Side(trace.recording, trace.scope.tokenizer, len(trace) - 1, True, 64)

    found = read_next_text(side(edited), side(beside), count=300)
    without = read_next_text(side(plain), side(beside), count=300)
    several = [t for t in found.texts if t and len(spelt(scope.tokenizer, t) or ()) > 1]
    assert several
    for text in several:
        path = spelt(scope.tokenizer, text)
        whole = scope.trace([*edited.ids, *path], edits=edits)
        expected = np.exp(whole.logprobs[len(edited.ids) :].astype(float).sum())
        place = found.texts.index(text)
        assert found.probs_a[place] == pytest.approx(expected, rel=1e-3)
    assert not np.allclose(found.probs_a[:3], without.probs_a[:3])
