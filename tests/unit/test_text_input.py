"""What a view asks a model to read: more than a text."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers as tf
from traitlets import TraitError

import llmscope
from llmscope.kernel import Handlers, TextInput
from llmscope.kernel.protocol import format_key, parse, parse_input
from llmscope.scope import Scope
from tests import tiny
from tests.tiny import MODELS

UGLY = 'a "quote" \\ \u2028 日本 👩‍👩‍👧 </script>\n\t'


@pytest.fixture(scope="module")
def words():
    made = tiny.word_piece()
    made.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return made


@pytest.fixture(scope="module")
def bert(words):
    return Scope(MODELS["bert"](), words, name="BERT")


@pytest.fixture(scope="module")
def xlnet(words):
    torch.manual_seed(0)
    config = tf.XLNetConfig(vocab_size=len(words), d_model=32, n_layer=2, n_head=4, d_inner=48)
    return Scope(tf.XLNetLMHeadModel(config).eval(), words, name="XLNet")


def ask(answers: Handlers, key: str):
    *_, part = answers(parse(key), lambda: False)
    return part


@pytest.mark.parametrize("reading", [
    TextInput("plain"),
    TextInput(UGLY, pair=UGLY, target="x/y", masked=(1, -2)),
    TextInput("text/with/slashes"),
])  # fmt: skip
def test_a_key_gives_back_what_it_was_made_of(reading):
    assert parse_input(format_key(reading)) == reading


def test_the_key_is_written_as_javascript_writes_json():
    found = format_key(TextInput("a\u2028é", masked=(2,)))
    assert found == 'read/["a\u2028é","","",[2]]'


def test_a_source_answers_for_all_that_is_read(bert):
    answers = Handlers(bert)
    key = format_key(TextInput("the dog sleeps", pair="the dogs", masked=(2, -2)))
    summary = ask(answers, key)
    direct = bert.trace("the dog sleeps", pair="the dogs").masked(2, -2)
    assert (summary["text"], summary["pair"]) == ("the dog sleeps", "the dogs")
    assert summary["masked"] == summary["gaps"] == list(direct.gaps)
    assert summary["second"] == direct.segments.index(1)
    logits = ask(answers, f"{summary['trace']}/logits/2")["logits"]
    np.testing.assert_array_equal(logits, direct.logits_at(2))
    assert ask(answers, f"{summary['trace']}/follows") == {"probability": None}


def test_a_mask_that_is_typed_is_a_gap_that_nobody_masked(bert):
    summary = ask(Handlers(bert), "text/the [MASK] sleeps")
    assert (summary["gaps"], summary["masked"]) == ([2], [])


def test_the_probability_that_a_sentence_follows_is_the_traces(words):
    torch.manual_seed(0)
    model = tf.BertForPreTraining(tf.BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=4
    )).eval()  # fmt: skip
    scope = Scope(model, words)
    answers = Handlers(scope)
    name = ask(answers, format_key(TextInput("the dog", pair="sleeps")))["trace"]
    expected = scope.trace("the dog", pair="sleeps").next_sentence
    assert ask(answers, f"{name}/follows") == {"probability": pytest.approx(expected, abs=1e-6)}


def test_the_second_sentence_begins_with_its_own_first_token(bert):
    trace = bert.trace("the dog  ", pair="sleeps")
    labels = [token.label for token in trace.tokens]
    assert labels[trace.segments.index(1)].endswith("sleep")
    assert list(trace.segments) == trace._inputs["token_type_ids"][0].tolist()
    assert bert.trace("the dog").segments == ()
    assert set(bert.trace("the dog", pair=" ").segments) == {0}


def test_a_given_trace_is_shown_as_it_is(bert):
    trace = bert.trace("the dog", pair="sleeps").masked(2)
    view = llmscope.TokensView(trace)
    assert (view.text, view.pair, view.masked) == ("the dog", "sleeps", (2,))
    assert view.trace is trace
    view.masked = ()
    assert view.trace.gaps == ()
    view.close()


def test_a_text_that_is_set_takes_its_masks_away(bert):
    view = bert.explore("the dog sleeps", masked=[3, 2])
    assert view.masked == (2, 3)
    assert view.trace.gaps == (2, 3)
    view.set_state({"text": "the dog"})  # as the page does, which moves masks itself
    assert view.masked == (2, 3)
    view.text = "the dogs"
    assert view.masked == ()
    with pytest.raises(TraitError):
        view.masked = ["dog"]
    view.close()


def test_gaps_of_xlnet_are_the_fill_mask_pipelines(xlnet, words):
    assert xlnet.facts.family == "masked"
    assert "permutation mask" in xlnet.facts.note
    trace = xlnet.trace("the [MASK] sleeps")
    filled = tf.pipeline("fill-mask", model=xlnet.model, tokenizer=words, top_k=3, device="cpu")
    expected = [(row["token"], row["score"]) for row in filled("the [MASK] sleeps")]
    found = [(row.id, row.prob) for row in trace.distribution(trace.gaps[0]).top(3)]
    assert found == [(token, pytest.approx(score, abs=1e-6)) for token, score in expected]
    with pytest.raises(ValueError, match="masked model"):
        trace.next_token()


def test_what_a_decoder_has_written_stands_where_it_was_typed():
    scope = Scope(MODELS["t5"](), tiny.sentence_piece())
    typed = "The dog 好"
    view = scope.explore("the lazy dog", target=typed)
    assert "".join(token.text for token in view.trace.tokens) == typed
    summary = ask(Handlers(scope), format_key(view.state().input))
    assert summary["written"] == typed
    for (_, _, start, end, _), token in zip(summary["target"], view.trace.tokens, strict=True):
        assert typed[start:end] == token.text
    assert not summary["ended"]
    ids = scope.trace("the", target=typed).ids
    assert ids[1:] == scope.tokenizer(text_target=typed, add_special_tokens=False)["input_ids"]
    json.dumps(summary)
    view.close()
