from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from llmscope.capture import Cancelled
from llmscope.loading import LoadError
from llmscope.scope import Scope
from llmscope.kernel import Answers, Desk
from tests.tiny import MODELS, TEXT


def never() -> bool:
    return False


def ask(answers: Answers, key: str):
    *_, part = answers(key, never)
    return part


class Page:
    """Takes what a desk sends."""

    def __init__(self) -> None:
        self.messages: list[tuple[dict, list[bytes]]] = []
        self.came = threading.Condition()

    def send(self, content: dict, buffers: list[bytes]) -> None:
        with self.came:
            self.messages.append((content, buffers))
            self.came.notify_all()

    def wait(self, count: int) -> list[dict]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.messages) >= count, timeout=10)
        return [content for content, _ in self.messages]


def test_a_text_is_answered_with_its_tokens_and_shape(scope):
    answer = ask(Answers(scope), f"text/{TEXT}")
    assert answer["text"] == TEXT
    assert answer["kinds"] == {"self": [[0, 4, 2], [1, 4, 2], [2, 4, 2]]}
    assert (answer["kind"], answer["target"]) == ("self", [])
    assert len(answer["tokens"]) == answer["last"] + 1
    assert [TEXT[start:end] for _, _, start, end, _ in answer["tokens"]] == [
        token.text for token in scope.trace(TEXT).tokens
    ]


def test_a_text_is_answered_with_what_is_kept_warm(scope):
    assert ask(Answers(scope), f"text/{TEXT}")["warm"] == [scope.cache_bytes, scope.cache_limit]
    assert 0 < scope.cache_bytes <= scope.cache_limit


def test_offsets_are_those_of_javascript(scope):
    text = "a🤖b"
    tokens = ask(Answers(scope), f"text/{text}")["tokens"]
    encoded = text.encode("utf-16-le")
    assert encoded[2 * tokens[-1][2] : 2 * tokens[-1][3]].decode("utf-16-le") == "b"


def test_the_same_text_is_the_same_trace_and_others_have_other_names(scope):
    answers = Answers(scope)
    first = ask(answers, "text/one")["trace"]
    assert ask(answers, "text/one")["trace"] == first
    assert ask(answers, "text/two")["trace"] != first


def test_arrays_are_those_of_the_trace(scope):
    answers = Answers(scope)
    trace = scope.trace(TEXT)
    name = ask(answers, f"text/{TEXT}")["trace"]
    logits = ask(answers, f"{name}/logits/3")
    assert np.array_equal(logits["logits"], trace.logits_at(3))
    top = trace.next_token(position=3).top(50)
    assert logits["ids"][:50].tolist() == [row.id for row in top]
    assert logits["texts"][:50] == [row.text for row in top]
    chain = ask(answers, f"{name}/chain")
    assert np.array_equal(chain["logprobs"], trace.logprobs, equal_nan=True)
    assert chain["perplexity"] == trace.perplexity


def test_any_token_of_the_vocabulary_is_found_by_its_text(scope):
    answers = Answers(scope)
    found = ask(answers, "vocabulary/q")
    assert found["labels"][0] == "q"
    assert scope.tokenizer.convert_ids_to_tokens(found["ids"][0]) == "q"
    assert ask(answers, "vocabulary/no such token") == {"ids": [], "labels": []}


def test_what_was_released_is_made_again_when_asked_for(scope):
    answers = Answers(scope)
    name = ask(answers, f"text/{TEXT}")["trace"]
    before = ask(answers, f"{name}/logits/0")["logits"]
    answers.release()
    assert not answers._traces
    assert np.array_equal(ask(answers, f"{name}/logits/0")["logits"], before)


def test_few_traces_are_kept(scope):
    answers = Answers(scope)
    for text in "abcdefgh":
        ask(answers, f"text/{text}")
    assert len(answers._traces) == 4


def test_a_trace_that_is_shown_answers_for_itself(scope):
    trace = scope.trace([5, 6, 7])
    answers = Answers(scope, trace)
    assert answers.trace(trace.text) is trace


def test_a_name_never_answers_with_other_weights(scope):
    import torch

    answers = Answers(scope)
    name = ask(answers, f"text/{TEXT}")["trace"]
    with torch.no_grad():
        scope.model.lm_head.weight[0] += 1
    with pytest.raises(RuntimeError, match="weights were changed"):
        ask(answers, f"{name}/logits/0")
    assert ask(answers, f"text/{TEXT}")["trace"] != name


def test_a_send_that_fails_does_not_end_the_desk():
    failed = threading.Event()
    page = Page()

    def send(content: dict, buffers: list[bytes]) -> None:
        if not failed.is_set():
            failed.set()
            raise OSError("the comm is gone")
        page.send(content, buffers)

    desk = Desk(lambda key, cancelled: iter([{"key": key}]), send)
    desk.receive({"request": 1, "key": "a"})
    desk.receive({"request": 2, "key": "b"})
    assert page.wait(1)[-1]["request"] in (1, 2)
    desk.receive({"request": 3, "key": "c"})
    while page.messages[-1][0]["request"] != 3:
        time.sleep(0.01)
    desk.close()


def test_changed_weights_are_noticed(scope):
    import torch

    answers = Answers(scope)
    before = answers.trace(TEXT)
    with torch.no_grad():
        scope.model.lm_head.weight[0] += 1
    assert answers.trace(TEXT) is not before


def test_an_unknown_key_raises(scope):
    answers = Answers(scope)
    with pytest.raises(KeyError):
        ask(answers, "t9/logits/0")
    name = ask(answers, "text/one")["trace"]
    for key in (name, f"{name}/nothing", f"{name}/logits/0/1"):
        with pytest.raises(KeyError):
            ask(answers, key)


def test_both_sides_of_an_encoder_decoder_have_their_tokens(tokenizer):
    answer = ask(Answers(Scope(MODELS["t5"](), tokenizer)), f"text/{TEXT}")
    assert (answer["kind"], answer["last"]) == ("encoder", 0)
    assert "".join(TEXT[s:e] for _, _, s, e, _ in answer["tokens"]) == TEXT
    assert [row[2:] for row in answer["target"]] == [[0, 0, True]]
    assert set(answer["kinds"]) == {"encoder", "self", "cross"}


def test_a_model_without_attention_has_no_kinds(tokenizer):
    answer = ask(Answers(Scope(MODELS["mamba"](), tokenizer)), f"text/{TEXT}")
    assert answer["kinds"] == {}
    assert "carry a state from token to token" in answer["why"]


def test_a_desk_answers_with_binary_buffers(scope):
    page = Page()
    desk = Desk(Answers(scope), page.send)
    desk.receive({"request": 1, "key": f"text/{TEXT}"})
    (content,) = page.wait(1)
    name = content["part"]["trace"]
    assert (content["request"], content["done"]) == (1, True)
    desk.receive({"request": 2, "key": f"{name}/logits/0"})
    page.wait(2)
    content, buffers = page.messages[1]
    array = content["part"]["logits"]
    assert (array["dtype"], array["shape"]) == ("float32", (300,))
    found = np.frombuffer(buffers[array["buffer"]], dtype=np.float32)
    assert np.array_equal(found, scope.trace(TEXT).logits_at(0))
    desk.close()


def test_the_blank_half_of_a_matrix_is_not_sent():
    full = np.arange(1, 64**2 + 1, dtype=np.float32).reshape(64, 64)
    lower, small = np.tril(full), np.tril(full)[:8, :8]
    page = Page()
    desk = Desk(lambda key, cancelled: iter([{"a": full, "b": lower, "c": small}]), page.send)
    desk.receive({"request": 1, "key": "x"})
    page.wait(1)
    content, buffers = page.messages[0]
    assert [content["part"][name].get("lower") for name in "abc"] == [None, True, None]
    assert [len(buffer) for buffer in buffers] == [4 * 64**2, 4 * 64 * 65 // 2, 4 * 64]
    assert buffers[1] == np.concatenate([full[n, : n + 1] for n in range(64)]).tobytes()
    desk.close()


def test_an_error_is_answered_in_words_and_the_next_request_works(scope):
    page = Page()
    desk = Desk(Answers(scope), page.send)
    desk.receive({"request": 1, "key": "text/"})
    desk.receive({"request": 2, "key": "text/a"})
    errors = {message["request"]: message.get("error") for message in page.wait(2)}
    assert errors[1].startswith("The text is empty")
    assert errors[2] is None
    desk.close()


def test_an_unforeseen_error_reaches_the_page_and_the_log(caplog):
    def broken(key, cancelled):
        raise ZeroDivisionError("oh")
        yield

    page = Page()
    desk = Desk(broken, page.send)
    desk.receive({"request": 1, "key": "x"})
    assert page.wait(1)[0]["error"] == "ZeroDivisionError: oh"
    assert "could not answer 'x'" in caplog.text
    desk.close()


def test_parts_stream_and_only_the_last_is_done():
    page = Page()
    desk = Desk(lambda key, cancelled: iter([{"n": 1}, {"n": 2}, {"n": 3}]), page.send)
    desk.receive({"request": 7, "key": "x"})
    assert [(m["part"]["n"], m["done"]) for m in page.wait(3)] == [
        (1, False), (2, False), (3, True)
    ]  # fmt: skip
    desk.close()


def test_what_is_cancelled_is_not_answered_and_text_goes_before_thumbnails():
    going, order = threading.Event(), []

    def slow(key, cancelled):
        order.append(key)
        assert going.wait(10)
        if cancelled():
            raise Cancelled
        yield {"key": key}

    page = Page()
    desk = Desk(slow, page.send)
    desk.receive({"request": 1, "key": "text/a"})
    while not order:
        time.sleep(0.001)
    desk.receive({"request": 2, "key": "t1/thumbnails/self/0"})
    desk.receive({"request": 3, "key": "t1/logits/0"})
    desk.receive({"request": 4, "key": "text/ab"})
    desk.receive({"cancel": 1})
    desk.receive({"cancel": 3})
    going.set()
    assert [message["request"] for message in page.wait(2)] == [4, 2]
    assert order == ["text/a", "text/ab", "t1/thumbnails/self/0"]
    desk.close()


def test_at_a_pause_what_is_more_urgent_goes_first():
    going, order = threading.Event(), []

    def answer(key, cancelled):
        for n in range(3):
            order.append((key, n))
            assert going.wait(10)
            yield {} if n < 2 else {"key": key}

    page = Page()
    desk = Desk(answer, page.send)
    desk.receive({"request": 1, "key": "t1/chain"})
    while not order:
        time.sleep(0.001)
    desk.receive({"request": 2, "key": "t1/chain"})
    desk.receive({"request": 3, "key": "t1/logits/0"})
    going.set()
    assert page.wait(3)[0]["request"] == 3
    assert order[:4] == [("t1/chain", 0), *(("t1/logits/0", n) for n in range(3))]
    # Those that are as urgent take turns.
    assert order[4:] == [("t1/chain", n) for n in (0, 1, 1, 2, 2)]
    desk.close()


def test_the_chain_of_a_long_text_is_read_in_parts(scope, monkeypatch):
    monkeypatch.setattr("llmscope.trace._ROWS", 4)
    answers, trace = Answers(scope), scope.trace(TEXT)
    name = ask(answers, f"text/{TEXT}")["trace"]
    *pauses, last = answers(f"{name}/chain", never)
    assert pauses == [{}] * -(-(len(trace) - 1) // 4)
    assert np.array_equal(last["logprobs"], trace.logprobs, equal_nan=True)
    assert list(answers(f"{name}/chain", never))[:-1] == []


def test_loading_streams_its_progress_and_can_be_stopped(folder):
    def parts(cancelled):
        return list(Answers(None)(f"load/{folder}", cancelled))

    *progress, last = parts(never)
    assert {"stage", "done", "total"} == set(progress[0])
    assert last["model"]["name"] == "tiny"
    with pytest.raises(LoadError, match="Cancelled"):
        parts(lambda: True)


def test_a_load_that_fails_says_why_and_the_next_one_works(folder):
    page = Page()
    answers = Answers(None)
    desk = Desk(answers, page.send)
    desk.receive({"request": 1, "key": "load//no/such/folder"})
    while "error" not in page.wait(1)[-1]:
        time.sleep(0.01)
    assert "There is no file or folder" in page.messages[-1][0]["error"]
    assert page.messages[-1][0]["kind"] == "unknown"
    desk.receive({"request": 2, "key": f"load/{folder}"})
    while not page.messages[-1][0].get("done"):
        time.sleep(0.01)
    assert answers.scope is not None
    desk.close()


def test_closing_ends_the_thread():
    desk = Desk(lambda key, cancelled: iter([{}]), lambda content, buffers: None)
    desk.receive({"request": 1, "key": "x"})
    worker = desk._worker
    assert worker is not None
    desk.close()
    worker.join(10)
    assert not worker.is_alive()
    desk.receive({"request": 2, "key": "x"})
    assert desk._worker is None


def test_an_idle_thread_ends_and_the_next_request_starts_another(monkeypatch):
    monkeypatch.setattr("llmscope.kernel.worker._IDLE_SECONDS", 0.05)
    page = Page()
    desk = Desk(lambda key, cancelled: iter([{}]), page.send)
    desk.receive({"request": 1, "key": "x"})
    worker = desk._worker
    worker.join(10)
    assert desk._worker is None
    desk.receive({"request": 2, "key": "x"})
    assert len(page.wait(2)) == 2
    desk.close()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted on Linux")
def test_a_desk_leaves_the_cpus_to_others_when_it_is_done(scope):
    import torch

    if torch.get_num_threads() == 1:
        pytest.skip("PyTorch has one thread")

    def count() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    large = torch.ones(2000, 2000)
    large @ large  # makes a team for this thread
    before, page = count(), Page()
    desk = Desk(lambda key, cancelled: iter([{"sum": float((large @ large)[0, 0])}]), page.send)
    desk.receive({"request": 1, "key": "x"})
    page.wait(1)
    end = time.monotonic() + 10
    # The desk's own thread waits for more; the teams of both are gone.
    while count() > before + 2 - torch.get_num_threads() and time.monotonic() < end:
        time.sleep(0.01)
    assert count() <= before + 2 - torch.get_num_threads()
    desk.close()
