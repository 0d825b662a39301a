"""Models that fill gaps, and that read two sentences."""

from __future__ import annotations

import pytest
import torch
import transformers as tf

from llmscope.kernel.summary import summary
from llmscope.scope import Scope
from tests import tiny
from tests.closeness import assert_close, assert_probabilities_close
from tests.tiny import MODELS, TEXT

SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}


@pytest.fixture
def tokenizer():
    made = tiny.word_piece()
    made.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return made


def bert(kind: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return getattr(tf, f"BertFor{kind}")(tf.BertConfig(**SIZES)).eval()


def test_gaps_are_the_mask_tokens(tokenizer):
    scope = Scope(MODELS["bert"](), tokenizer)
    trace = scope.trace("the [MASK] sleeps [MASK]")
    assert [trace.tokens[gap].text.strip() for gap in trace.gaps] == ["[MASK]", "[MASK]"]
    with torch.no_grad():
        logits = MODELS["bert"]()(**trace.recording.inputs).logits[0]
    for gap in trace.gaps:
        expected = logits[gap].softmax(-1)
        found = trace.distribution(gap).top(1)[0]
        assert found.id == int(expected.argmax())
        assert_probabilities_close(found.prob, float(expected.max()))


def test_a_token_behind_the_mask_keeps_its_place_in_the_text(tokenizer):
    scope = Scope(MODELS["bert"](), tokenizer)
    trace = scope.trace("the dog", pair="sleeping")
    masked = trace.masked(2, -2)
    assert trace.gaps == ()
    assert masked.gaps == (2, len(trace) - 2)
    assert masked.text == trace.text
    assert [(t.start, t.end) for t in masked.tokens] == [(t.start, t.end) for t in trace.tokens]
    segments = masked.recording.inputs["token_type_ids"]
    assert torch.equal(segments, trace.recording.inputs["token_type_ids"])
    assert segments.any()
    with torch.no_grad():
        logits = MODELS["bert"]()(input_ids=torch.tensor([masked.ids]), token_type_ids=segments)
    assert_close(torch.from_numpy(masked.logits), logits.logits[0])


def test_what_a_mask_hides_is_known(tokenizer):
    trace = Scope(MODELS["bert"](), tokenizer).trace("the dog sleeps")
    assert trace.unmasked_tokens == trace.tokens
    assert "hidden" not in summary(trace)
    masked = trace.masked(1).masked(3)
    assert masked.unmasked_tokens == trace.tokens
    known = [(t.id, t.label) for t in (trace.tokens[1], trace.tokens[3])]
    assert [tuple(row[:2]) for row in summary(masked)["hidden"]] == known


def test_a_model_without_a_mask_token_fills_no_gaps(scope):
    assert scope.trace(TEXT).gaps == ()
    with pytest.raises(ValueError, match="tiny has no mask token"):
        scope.trace(TEXT).masked(1)


@pytest.mark.parametrize(("kind", "name"), [
    ("NextSentencePrediction", "logits"),
    ("PreTraining", "seq_relationship_logits"),
])  # fmt: skip
def test_whether_a_sentence_follows_is_the_models_own_probability(kind, name, tokenizer):
    trace = Scope(bert(kind), tokenizer, name="BERT").trace("the dog", pair="sleeping")
    with torch.no_grad():
        expected = bert(kind)(**trace.recording.inputs)[name].softmax(-1)[0, 0]
    assert_probabilities_close(trace.next_sentence, float(expected))
    with pytest.raises(ValueError, match="one sentence only"):
        _ = Scope(bert(kind), tokenizer).trace("the dog").next_sentence


def test_a_model_without_such_a_head_says_so(tokenizer):
    trace = Scope(bert("MaskedLM"), tokenizer, name="BERT").trace("the dog", pair="sleeping")
    with pytest.raises(ValueError, match="BERT has no head that tells"):
        _ = trace.next_sentence


def test_a_model_for_pre_training_fills_gaps(tokenizer):
    scope = Scope(bert("PreTraining"), tokenizer)
    trace = scope.trace("the [MASK]")
    assert scope.facts.family == "masked"
    with torch.no_grad():
        logits = bert("PreTraining")(**trace.recording.inputs).prediction_logits[0]
    assert_close(torch.from_numpy(trace.logits), logits)
    assert_close(torch.from_numpy(trace.logits_at(1)), logits[1])


def test_a_model_with_another_head_shows_how_it_reads(tokenizer):
    model = bert("SequenceClassification")
    trace = Scope(model, tokenizer).trace("the dog")
    assert trace.scope.facts.family == "encoder"
    with torch.no_grad():
        hidden = model.bert(**trace.recording.inputs).last_hidden_state[0]
    assert_close(trace.recording.forward.hidden, hidden)
    assert trace.attention(1).shape == (4, len(trace), len(trace))
