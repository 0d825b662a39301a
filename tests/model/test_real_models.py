"""What the README and the plan promise, on real weights."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

MARY = "When Mary and John went to the store, John gave a drink to"


def test_paris(smollm):
    first = smollm.trace("The capital of France is").next_token(temperature=1.0).top(1)[0]
    assert first.text == " Paris"
    assert first.prob == pytest.approx(0.77, abs=0.01)


def test_mary(smollm):
    trace = smollm.trace(MARY)
    first = trace.next_token().top(1)[0]
    assert (first.text, first.prob) == (" Mary", pytest.approx(0.923, abs=0.01))
    assert trace.tokens[1].text == " Mary"
    assert trace.attention(24, 4)[-1, 1] == pytest.approx(0.811, abs=0.01)


def test_a_flat_distribution(smollm):
    trace = smollm.trace("The cat sat on the mat because the cat was very")
    rows = trace.next_token().top(2)
    assert [row.text for row in rows] == [" happy", " lazy"]
    assert [row.prob for row in rows] == [
        pytest.approx(0.106, abs=0.01),
        pytest.approx(0.05, abs=0.01),
    ]


@pytest.mark.parametrize("which", ["smollm", "minilm"])
def test_attention_equals_the_models_own_in_every_layer_and_head(which, request):
    scope = request.getfixturevalue(which)
    trace = scope.trace(MARY)
    eager = copy.deepcopy(scope.model)
    eager.set_attn_implementation("eager")
    with torch.no_grad():
        expected = eager(**trace.recording.inputs, output_attentions=True).attentions
    assert trace.layers() == tuple(range(scope.facts.layers)) == tuple(range(len(expected)))
    for layer, weights in enumerate(expected):
        assert weights.shape[1] == scope.facts.heads
        np.testing.assert_allclose(trace.attention(layer), weights[0].numpy(), atol=1e-5)


def test_logits_are_the_untouched_models_bit_for_bit(smollm):
    trace = smollm.trace(MARY)
    with torch.no_grad():
        logits = smollm.model(torch.tensor([trace.ids])).logits[0].numpy()
    assert np.array_equal(trace.logits, logits)
    np.testing.assert_allclose(trace.logits_at(-1), logits[-1], atol=1e-4)


def test_perplexity_is_that_of_transformers_loss(smollm):
    trace = smollm.trace(MARY)
    ids = torch.tensor([trace.ids])
    with torch.no_grad():
        loss = smollm.model(ids, labels=ids).loss
    assert trace.perplexity == pytest.approx(float(loss.exp()), rel=1e-4)


def test_two_thousand_tokens_are_read_by_rows(smollm):
    trace = smollm.trace("The cat sat on the mat and looked at the dog. " * 170)
    assert len(trace) > 2000
    row = trace.attention(24, 4, rows=[len(trace) - 1])[0]
    assert row.shape == (len(trace),)
    assert row.sum() == pytest.approx(1, abs=1e-4)
    assert trace.next_token().probs.sum() == pytest.approx(1, abs=1e-4)


def test_more_than_the_context_is_refused_in_words(smollm):
    with pytest.raises(ValueError, match=r"more than the 8,192 that SmolLM2-135M-Instruct can"):
        smollm.trace("a b c d " * 2500)


def test_chat_messages_go_through_the_models_own_template(smollm):
    trace = smollm.trace([{"role": "user", "content": "Hello"}])
    assert "<|im_start|>user\nHello<|im_end|>" in trace.text
    assert trace.tokens[0].special


def test_each_token_of_a_conversation_knows_whose_turn_it_is_in(smollm):
    trace = smollm.trace([{"role": "user", "content": "Hello"}])
    turns = {role: "" for role in trace.roles}
    for role, token in zip(trace.roles, trace.tokens, strict=True):
        turns[role] += token.text
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    assert list(turns.items()) == [
        ("system", f"<|im_start|>system\n{system}<|im_end|>\n"),
        ("user", "<|im_start|>user\nHello<|im_end|>\n"),
        ("assistant", "<|im_start|>assistant\n"),
    ]


def test_an_encoder_says_that_it_predicts_nothing(minilm):
    trace = minilm.trace(MARY)
    assert minilm.facts.family == "encoder"
    assert trace.tokens[0].label == "[CLS]"
    with pytest.raises(ValueError, match="no language-model head"):
        trace.next_token()
