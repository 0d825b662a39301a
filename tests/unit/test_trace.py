from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

import llmscope
from llmscope.scope import Scope
from llmscope.text import tokens
from tests import tiny
from tests.closeness import assert_close, assert_probabilities_close
from tests.tiny import MODELS, TEXT


def test_perplexity_is_that_of_transformers_loss(scope, model):
    trace = scope.trace(TEXT)
    ids = torch.tensor([trace.ids])
    with torch.no_grad():
        loss = model(ids, labels=ids).loss
    assert_close(np.log(trace.perplexity), float(loss))
    assert np.isnan(trace.logprobs[0])
    assert_close(trace.logprobs[1:].sum(), -float(loss) * (len(trace) - 1))


def test_each_log_probability_is_that_of_the_token_given_those_before(scope):
    trace = scope.trace(TEXT)
    for position in (1, 5, len(trace) - 1):
        before = trace.next_token(position=position - 1)
        token = trace.tokens[position].id
        assert_close(trace.logprobs[position], np.log(before.probs[token]))
        assert trace.ranks[position] == (before.probs > before.probs[token]).sum()


def test_a_single_token_has_no_perplexity(scope):
    trace = scope.trace([5])
    assert len(trace) == 1
    assert np.isnan(trace.perplexity)
    assert trace.attention(0, 0).tolist() == [[1.0]]


@pytest.mark.local
def test_a_read_after_the_weights_changed_raises(scope):
    trace = scope.trace(TEXT)
    with torch.no_grad():
        scope.model.lm_head.weight[0, 0] += 1
    assert not trace.is_current
    for read in (lambda: trace.logits, lambda: trace.attention(0), lambda: trace.hidden(0)):
        with pytest.raises(RuntimeError, match="Trace the text again"):
            read()
    assert scope.trace(TEXT).is_current


def test_arrays_that_are_handed_out_can_be_changed_without_harm(scope):
    trace = scope.trace(TEXT)
    before = trace.attention(1, 0)
    trace.qkv(1, 0).query[:] = 0
    trace.hidden(1)[:] = 0
    assert np.array_equal(trace.attention(1, 0), before)
    logits = trace.logits_at(3)
    dist = llmscope.Distribution.from_logits(logits)
    likeliest = dist.top(1)[0].id
    logits[:] = 0
    assert dist.top(1)[0].id == likeliest


def test_what_cannot_be_one_text_is_refused(scope):
    with pytest.raises(ValueError, match="One text at a time"):
        scope.trace(torch.tensor([[4, 5], [6, 7]]))
    with pytest.raises(ValueError, match="goes with a text"):
        scope.trace([4, 5], pair="it")


def test_the_context_of_a_model_that_counts_behind_its_padding(tokenizer):
    config = transformers.RobertaConfig(
        vocab_size=300, hidden_size=32, num_hidden_layers=1, num_attention_heads=4,
        intermediate_size=32, max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    scope = Scope(transformers.RobertaForMaskedLM(config).eval(), tokenizer)
    assert scope.facts.context == 32
    assert len(scope.trace([5] * 32)) == 32
    with pytest.raises(ValueError, match="more than the 32"):
        scope.trace([5] * 33)


def test_positions_count_from_either_end(scope):
    trace = scope.trace(TEXT)
    last = len(trace) - 1
    assert np.array_equal(trace.next_token(position=-1).base, trace.next_token(position=last).base)
    with pytest.raises(IndexError, match=f"the text has {last + 1} tokens"):
        trace.next_token(position=last + 1)


def test_layers_and_heads_that_are_not_there_are_named(scope):
    trace = scope.trace(TEXT)
    with pytest.raises(IndexError, match="layers 0 to 2"):
        trace.attention(3)
    with pytest.raises(IndexError, match="layer 0 has 0 to 3"):
        trace.attention(0, 4)
    with pytest.raises(ValueError, match="no cross attention; it has self"):
        trace.attention(0, kind="cross")


def test_a_masked_model_has_a_gap_and_no_next_token(tokenizer):
    model = MODELS["bert"]()
    trace = Scope(model, tokenizer).trace(TEXT)
    with torch.no_grad():
        logits = model(**trace.recording.inputs).logits[0, 4]
    assert_probabilities_close(trace.distribution(4).base, logits.softmax(-1).numpy())
    with pytest.raises(ValueError, match=r"use trace\.distribution"):
        trace.next_token()
    with pytest.raises(ValueError, match="does not read from left to right"):
        _ = trace.logprobs


def test_a_pair_of_sentences_reaches_the_model_as_two_segments():
    tokenizer = tiny.word_piece()
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    trace = Scope(MODELS["bert"](), tokenizer).trace("the dog", pair="sleeping")
    assert trace.recording.inputs["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1, 1]]
    assert "".join(token.text for token in trace.tokens) == trace.text == "the dogsleeping"


def test_an_encoder_decoder_reads_one_text_and_writes_another(tokenizer):
    trace = Scope(MODELS["t5"](), tokenizer).trace(TEXT, target="it sleeps")
    assert "".join(t.text for t in trace.source_tokens) == TEXT
    assert "".join(t.text for t in trace.tokens) == "it sleeps"
    assert trace.tokens[0].special
    assert trace.attention(1, kind="cross").shape == (
        4,
        len(trace.tokens),
        len(trace.source_tokens),
    )
    assert trace.attention(1, kind="encoder").shape[1:] == (len(trace.source_tokens),) * 2
    assert len(Scope(MODELS["t5"](), tokenizer).trace(TEXT)) == 1


def test_a_target_is_only_for_models_with_a_decoder_side(scope):
    with pytest.raises(ValueError, match="no decoder side"):
        scope.trace(TEXT, target="x")


def test_ids_are_traced_as_they_are(scope):
    ids = scope.trace(TEXT).ids
    by_ids = scope.trace(ids)
    assert by_ids.ids == ids
    assert by_ids.text == TEXT
    assert np.array_equal(by_ids.logits, scope.trace(torch.tensor([ids])).logits)
    with pytest.raises(ValueError, match="outside the vocabulary"):
        scope.trace([10**6])


@pytest.mark.local
def test_chat_messages_go_through_the_template(scope):
    with pytest.raises(ValueError, match="no chat template"):
        scope.trace([{"role": "user", "content": "hi"}])
    scope.tokenizer.chat_template = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    )
    try:
        assert scope.trace([{"role": "user", "content": "hi"}]).text == "user: hi\n"
    finally:
        scope.tokenizer.chat_template = None


def test_an_empty_text_and_one_that_is_too_long_are_refused_in_words(scope):
    with pytest.raises(ValueError, match="The text is empty"):
        scope.trace("")
    with pytest.raises(ValueError, match=r"more than the 64 that tiny can read\. Shorten"):
        scope.trace("ab " * 100)


FAR_TOO_LONG = {
    "ids": {"text": [5] * 400_000},
    "tensor": {"text": torch.full((1, 400_000), 5)},
    "letters": {"text": "a" * 10**6},
    "words": {"text": "word " * 200_000},
    "emoji": {"text": "👩\u200d👧" * 300_000},
    "second sentence": {"text": "a", "pair": "word " * 200_000},
    "messages": {"text": [{"role": "user", "content": "word " * 200_000}]},
    "ids of the decoder": {"text": "a", "target": [5] * 400_000},
    "text of the decoder": {"text": "a", "target": "word " * 200_000},
}


@pytest.mark.parametrize("name", FAR_TOO_LONG)
def test_a_text_that_is_far_too_long_is_refused_before_its_tokens_are_found(name, monkeypatch):
    given = FAR_TOO_LONG[name]
    tokenizer = tiny.byte_level()
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    scope = Scope(MODELS["bart" if "target" in given else "llama"](), tokenizer)
    tokenized = []
    call = type(tokenizer).__call__

    def counted(self, text=None, *more, text_target=None, **options):
        tokenized.append(len(text or text_target))
        return call(self, text, *more, text_target=text_target, **options)

    monkeypatch.setattr(type(tokenizer), "__call__", counted)
    for align in (tokens._from_spans, tokens._growing):

        def short(tokenizer, ids, *more, align=align):
            assert len(ids) <= 64
            return align(tokenizer, ids, *more)

        monkeypatch.setattr(tokens, align.__name__, short)
    with pytest.raises(ValueError, match=r"tokens are more than the 64 that .* can read\."):
        scope.trace(**given)
    assert max(tokenized, default=0) <= 16 * 64


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([{}], "Message 1 has no role"),
        ([{"content": "hi"}], "Message 1 has no role"),
        ([{"role": None, "content": "hi"}], "Message 1 has no role"),
        (
            [{"role": "user", "content": "hi"}, {"role": "user"}],
            "Message 2, of role 'user', has no",
        ),
        ([{"role": "user", "content": None}], "Message 1, of role 'user', has no content"),
        ([{"role": "nobody", "content": "hi"}], "template refuses these messages: No such role"),
        ([{"role": "user", "content": 1}], "template refuses these messages: unsupported"),
    ],
)
def test_messages_that_cant_be_read_are_refused_in_words(given, words):
    tokenizer = tiny.byte_level()
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'nobody' %}"
        "{{ raise_exception('No such role') }}{% endif %}{{ m.content + '\n' }}{% endfor %}"
    )
    scope = Scope(MODELS["llama"](), tokenizer)
    for read in (scope.trace, scope.generate):
        with pytest.raises(ValueError, match=words):
            read(given)


@pytest.mark.parametrize(
    "given",
    [None, 5, ["a", "b"], [None], [[1, 2]], [1.5], {"role": "user"}, [5, {"role": "user"}], ["1"]],
)
def test_what_is_no_text_no_ids_and_no_messages_is_refused_in_words(scope, given):
    with pytest.raises(TypeError, match="is no text, no list of token ids, and no list of chat"):
        scope.trace(given)


def test_a_message_that_calls_a_tool_needs_no_content(tokenizer):
    tokenizer = tiny.byte_level()
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }}{% endfor %}"
    scope = Scope(MODELS["llama"](), tokenizer)
    call = {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]}
    assert scope.trace([call]).text == "assistant"


def test_blanks_that_make_no_token_are_not_counted():
    scope = Scope(MODELS["bert"](), tiny.word_piece())
    assert len(scope.trace("the dog" + " " * 100_000)) == 4


def test_a_scope_wants_a_model(tokenizer):
    with pytest.raises(TypeError, match=r"llmscope\.load"):
        Scope("gpt2", tokenizer)


def test_facts_are_those_of_the_configuration(scope):
    facts = scope.facts
    assert (facts.family, facts.layers, facts.heads, facts.kv_heads) == ("causal", 3, 4, 2)
    assert (facts.vocabulary, facts.context, facts.dtype) == (300, 64, "float32")
    assert "3 layers × 4 heads" in repr(scope)


CAUSAL = ["gpt2", "llama", "mistral", "gemma2", "gpt_oss", "cohere", "gptj", "bloom", "falcon"]


@pytest.mark.parametrize("name", [*CAUSAL, "mamba"])
def test_perplexity_of_every_family_is_that_of_transformers_loss(name, tokenizer):
    trace = Scope(MODELS[name](), tokenizer).trace(TEXT)
    ids = torch.tensor([trace.ids])
    with torch.no_grad():
        loss = MODELS[name]()(input_ids=ids, labels=ids).loss
    assert_close(np.log(trace.perplexity), float(loss))
    assert_close(-trace.logprobs[1:].mean(), float(loss))
