"""What answers each kind of request, and which traces are cached."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from llmscope.kernel import Handlers, TextInput, requests
from llmscope.kernel.generation import GenerationSession
from llmscope.kernel.protocol import parse
from llmscope.kernel.requests import PAUSE, RequestError
from llmscope.loading import LoadError
from llmscope.scope import Scope
from tests.tiny import MODELS, TEXT


def never() -> bool:
    return False


def ask(handlers: Handlers, key: str):
    *_, part = handlers(parse(key), never)
    return part


def test_a_text_is_answered_with_its_tokens_and_shape(scope):
    answer = ask(Handlers(scope), f"text/{TEXT}")
    assert answer["text"] == TEXT
    assert answer["kinds"] == {"self": [[0, 4, 2], [1, 4, 2], [2, 4, 2]]}
    assert (answer["kind"], answer["target"]) == ("self", [])
    assert len(answer["tokens"]) == answer["last"] + 1
    assert [TEXT[start:end] for _, _, start, end, _ in answer["tokens"]] == [
        token.text for token in scope.trace(TEXT).tokens
    ]


@pytest.mark.local
def test_a_text_is_answered_with_what_is_kept_warm(scope):
    assert ask(Handlers(scope), f"text/{TEXT}")["cache"] == [scope.cache_bytes, scope.cache_limit]
    assert 0 < scope.cache_bytes <= scope.cache_limit


def test_offsets_are_those_of_javascript(scope):
    text = "a🤖b"
    tokens = ask(Handlers(scope), f"text/{text}")["tokens"]
    encoded = text.encode("utf-16-le")
    assert encoded[2 * tokens[-1][2] : 2 * tokens[-1][3]].decode("utf-16-le") == "b"


def test_the_same_text_is_the_same_trace_and_others_have_other_names(scope):
    handlers = Handlers(scope)
    first = ask(handlers, "text/one")["trace"]
    assert ask(handlers, "text/one")["trace"] == first
    assert ask(handlers, "text/two")["trace"] != first


def test_arrays_are_those_of_the_trace(scope):
    handlers = Handlers(scope)
    trace = scope.trace(TEXT)
    name = ask(handlers, f"text/{TEXT}")["trace"]
    logits = ask(handlers, f"{name}/logits/3")
    assert np.array_equal(logits["logits"], trace.logits_at(3))
    top = trace.next_token(position=3).top(50)
    assert logits["ids"][:50].tolist() == [row.id for row in top]
    assert logits["texts"][:50] == [row.text for row in top]
    chain = ask(handlers, f"{name}/chain")
    assert np.array_equal(chain["logprobs"], trace.logprobs, equal_nan=True)
    assert chain["perplexity"] == trace.perplexity


def test_any_token_of_the_vocabulary_is_found_by_its_text(scope):
    handlers = Handlers(scope)
    found = ask(handlers, "vocabulary/q")
    assert found["labels"][0] == "q"
    assert scope.tokenizer.convert_ids_to_tokens(found["ids"][0]) == "q"
    assert ask(handlers, "vocabulary/no such token") == {"ids": [], "labels": []}


def test_what_was_released_is_made_again_when_asked_for(scope):
    handlers = Handlers(scope)
    name = ask(handlers, f"text/{TEXT}")["trace"]
    before = ask(handlers, f"{name}/logits/0")["logits"]
    handlers.release()
    assert not len(handlers.traces)
    assert np.array_equal(ask(handlers, f"{name}/logits/0")["logits"], before)


def test_few_traces_are_kept(scope):
    handlers = Handlers(scope)
    for text in "abcdefgh":
        ask(handlers, f"text/{text}")
    assert len(handlers.traces) == 4


def test_a_trace_that_is_shown_answers_for_itself(scope):
    trace = scope.trace([5, 6, 7])
    handlers = Handlers(scope, trace)
    assert handlers.traces.trace(TextInput(trace.text)) is trace


@pytest.mark.local
def test_a_name_never_answers_with_other_weights(scope):
    import torch

    handlers = Handlers(scope)
    name = ask(handlers, f"text/{TEXT}")["trace"]
    with torch.no_grad():
        scope.model.lm_head.weight[0] += 1
    with pytest.raises(RuntimeError, match="The model was changed"):
        ask(handlers, f"{name}/logits/0")
    assert ask(handlers, f"text/{TEXT}")["trace"] != name


@pytest.mark.local
def test_changed_weights_are_noticed(scope):
    import torch

    handlers = Handlers(scope)
    before = handlers.traces.trace(TextInput(TEXT))
    with torch.no_grad():
        scope.model.lm_head.weight[0] += 1
    assert handlers.traces.trace(TextInput(TEXT)) is not before


def test_an_unknown_key_raises(scope):
    handlers = Handlers(scope)
    with pytest.raises(RequestError, match="no trace t9"):
        ask(handlers, "t9/logits/0")
    name = ask(handlers, "text/one")["trace"]
    for key in (name, f"{name}/nothing", f"{name}/logits/0/1"):
        with pytest.raises(RequestError):
            ask(handlers, key)


@pytest.mark.local
def test_what_is_out_of_bounds_is_refused_in_words(scope):
    settings = {"seed": 0, "do_sample": False, "max_new_tokens": 8}
    handlers = Handlers(scope, None, GenerationSession(scope, lambda: {**settings}))
    name = ask(handlers, f"text/{TEXT}")["trace"]
    ask(handlers, "write/begin/The")
    for key, words in {
        f"{name}/logits/999": "no position 999",
        f"{name}/lens/block/9": "no position 72: the text has",
        "token/300": "outside the vocabulary",
        "token/999999999": "outside the vocabulary",
        "write/force/0/300": "outside the vocabulary",
        "write/force/9/1": "no node 9 in this tree",
        "write/select/9": "no node 9",
        "write/copy/9": "no node 9",
        "write/logits/9": "no node 9",
    }.items():
        with pytest.raises((RequestError, IndexError, ValueError), match=words):
            ask(handlers, key)


def test_both_sides_of_an_encoder_decoder_have_their_tokens(tokenizer):
    answer = ask(Handlers(Scope(MODELS["t5"](), tokenizer)), f"text/{TEXT}")
    assert (answer["kind"], answer["last"]) == ("encoder", 0)
    assert "".join(TEXT[s:e] for _, _, s, e, _ in answer["tokens"]) == TEXT
    assert [row[2:] for row in answer["target"]] == [[0, 0, True]]
    assert set(answer["kinds"]) == {"encoder", "self", "cross"}


def test_a_model_without_attention_has_no_kinds(tokenizer):
    answer = ask(Handlers(Scope(MODELS["mamba"](), tokenizer)), f"text/{TEXT}")
    assert answer["kinds"] == {}
    assert "carry a state from token to token" in answer["why"]


@pytest.mark.local
def test_the_chain_of_a_long_text_is_read_in_parts(scope, monkeypatch):
    monkeypatch.setattr("llmscope.analysis.chain._ROWS", 4)
    handlers, trace = Handlers(scope), scope.trace(TEXT)
    name = ask(handlers, f"text/{TEXT}")["trace"]
    *pauses, last = handlers(parse(f"{name}/chain"), never)
    assert all(part is PAUSE for part in pauses)
    assert len(pauses) == -(-(len(trace) - 1) // 4)
    assert np.array_equal(last["logprobs"], trace.logprobs, equal_nan=True)
    assert list(handlers(parse(f"{name}/chain"), never))[:-1] == []


def test_loading_streams_its_progress_and_can_be_stopped(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)

    def parts(cancelled):
        return list(Handlers(None)(parse(f"load/{folder}"), cancelled))

    *progress, last = parts(never)
    assert {"stage", "done", "total"} == set(progress[0])
    assert last["model"]["name"] == "tiny"
    with pytest.raises(LoadError, match="Cancelled"):
        parts(lambda: True)


def test_what_is_read_while_all_is_released_is_released_after_it(local):
    begun, go_on = threading.Event(), threading.Event()

    def slow(_request, _cancelled):
        begun.set()
        go_on.wait(10)
        handlers.traces.trace(TextInput(TEXT))
        yield {"html": ""}

    handlers = Handlers(local, answers={requests.Page: slow})
    parts = handlers(requests.Page(), lambda: False)
    assert next(parts) is PAUSE
    assert begun.wait(10)
    assert [*handlers(requests.Release(), lambda: False)] == [{}]
    go_on.set()
    assert {"html": ""} in [*parts]
    assert len(handlers.traces) == 0
