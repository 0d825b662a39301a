"""The queue of requests: order, pauses, cancellation, errors, and the end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from llmscope.capture import Cancelled
from llmscope.kernel import Handlers, Worker
from llmscope.kernel.protocol import format_key
from llmscope.kernel.requests import PAUSE
from tests.tiny import TEXT


class Page:
    """Takes what a worker sends."""

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


def test_a_send_that_fails_does_not_end_the_desk():
    failed = threading.Event()
    page = Page()

    def send(content: dict, buffers: list[bytes]) -> None:
        if not failed.is_set():
            failed.set()
            raise OSError("the comm is gone")
        page.send(content, buffers)

    worker = Worker(lambda request, cancelled: iter([{"id": request.id}]), send)
    worker.receive({"request": 1, "key": "token/1"})
    worker.receive({"request": 2, "key": "token/2"})
    assert page.wait(1)[-1]["request"] in (1, 2)
    worker.receive({"request": 3, "key": "token/3"})
    while page.messages[-1][0]["request"] != 3:
        time.sleep(0.01)
    worker.close()


def test_a_desk_answers_with_binary_buffers(scope):
    page = Page()
    worker = Worker(Handlers(scope), page.send)
    worker.receive({"request": 1, "key": f"text/{TEXT}"})
    (content,) = page.wait(1)
    name = content["part"]["trace"]
    assert (content["request"], content["done"]) == (1, True)
    worker.receive({"request": 2, "key": f"{name}/logits/0"})
    page.wait(2)
    content, buffers = page.messages[1]
    array = content["part"]["logits"]
    assert (array["dtype"], array["shape"]) == ("float32", [300])
    found = np.frombuffer(buffers[array["buffer"]], dtype=np.float32)
    assert np.array_equal(found, scope.trace(TEXT).logits_at(0))
    worker.close()


def test_halves_of_characters_in_an_answer_are_replaced():
    page = Page()
    part = {"labels": ["a\ud800", "é"], "of": {"name": "\udc80"}}
    worker = Worker(lambda request, cancelled: iter([part]), page.send)
    worker.receive({"request": 1, "key": "model"})
    assert page.wait(1)[0]["part"] == {"labels": ["a\ufffd", "é"], "of": {"name": "\ufffd"}}
    worker.close()


def test_the_blank_half_of_a_matrix_is_not_sent():
    full = np.arange(1, 64**2 + 1, dtype=np.float32).reshape(64, 64)
    lower, small = np.tril(full), np.tril(full)[:8, :8]
    page = Page()
    worker = Worker(
        lambda request, cancelled: iter([{"a": full, "b": lower, "c": small}]), page.send
    )
    worker.receive({"request": 1, "key": "model"})
    page.wait(1)
    content, buffers = page.messages[0]
    assert [content["part"][name].get("lower") for name in "abc"] == [None, True, None]
    assert [len(buffer) for buffer in buffers] == [4 * 64**2, 4 * 64 * 65 // 2, 4 * 64]
    assert buffers[1] == np.concatenate([full[n, : n + 1] for n in range(64)]).tobytes()
    worker.close()


def test_an_error_is_answered_in_words_and_the_next_request_works(scope):
    page = Page()
    worker = Worker(Handlers(scope), page.send)
    worker.receive({"request": 1, "key": "text/"})
    worker.receive({"request": 2, "key": "text/a"})
    errors = {message["request"]: message.get("error") for message in page.wait(2)}
    assert errors[1].startswith("The text is empty")
    assert errors[2] is None
    worker.close()


def test_an_unforeseen_error_reaches_the_page_and_the_log(caplog):
    def broken(request, cancelled):
        raise ZeroDivisionError("oh")
        yield

    page = Page()
    worker = Worker(broken, page.send)
    worker.receive({"request": 1, "key": "model"})
    assert page.wait(1)[0]["error"] == "ZeroDivisionError: oh"
    assert "could not answer 'model'" in caplog.text
    worker.close()


def test_parts_stream_and_only_the_last_is_done():
    page = Page()
    worker = Worker(lambda request, cancelled: iter([{"n": 1}, {"n": 2}, {"n": 3}]), page.send)
    worker.receive({"request": 7, "key": "model"})
    assert [(m["part"]["n"], m["done"]) for m in page.wait(3)] == [
        (1, False), (2, False), (3, True)
    ]  # fmt: skip
    worker.close()


def test_what_is_cancelled_is_not_answered_and_text_goes_before_thumbnails():
    going, order = threading.Event(), []

    def slow(request, cancelled):
        order.append(format_key(request))
        assert going.wait(10)
        if cancelled():
            raise Cancelled
        yield {"key": format_key(request)}

    page = Page()
    worker = Worker(slow, page.send)
    worker.receive({"request": 1, "key": "text/a"})
    while not order:
        time.sleep(0.001)
    worker.receive({"request": 2, "key": "t1/thumbnails/self/0"})
    worker.receive({"request": 3, "key": "t1/logits/0"})
    worker.receive({"request": 4, "key": "text/ab"})
    worker.receive({"cancel": 1})
    worker.receive({"cancel": 3})
    going.set()
    assert [message["request"] for message in page.wait(2)] == [4, 2]
    assert order == ["text/a", "text/ab", "t1/thumbnails/self/0"]
    worker.close()


def test_at_a_pause_what_is_more_urgent_goes_first():
    going, order = threading.Event(), []

    def answer(request, cancelled):
        for n in range(3):
            order.append((format_key(request), n))
            assert going.wait(10)
            yield PAUSE if n < 2 else {"key": format_key(request)}

    page = Page()
    worker = Worker(answer, page.send)
    worker.receive({"request": 1, "key": "t1/chain"})
    while not order:
        time.sleep(0.001)
    worker.receive({"request": 2, "key": "t1/chain"})
    worker.receive({"request": 3, "key": "t1/logits/0"})
    going.set()
    assert page.wait(3)[0]["request"] == 3
    assert order[:4] == [("t1/chain", 0), *(("t1/logits/0", n) for n in range(3))]
    # Those that are as urgent take turns.
    assert order[4:] == [("t1/chain", n) for n in (0, 1, 1, 2, 2)]
    worker.close()


def test_a_load_that_fails_says_why_and_the_next_one_works(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    page = Page()
    answers = Handlers(None)
    worker = Worker(answers, page.send)
    worker.receive({"request": 1, "key": "load/./no/such/folder"})
    while "error" not in page.wait(1)[-1]:
        time.sleep(0.01)
    assert "There is no file or folder" in page.messages[-1][0]["error"]
    assert page.messages[-1][0]["kind"] == "unknown"
    worker.receive({"request": 2, "key": f"load/{folder}"})
    while not page.messages[-1][0].get("done"):
        time.sleep(0.01)
    assert answers.scope is not None
    worker.close()


def test_closing_ends_the_thread():
    worker = Worker(lambda request, cancelled: iter([{}]), lambda content, buffers: None)
    worker.receive({"request": 1, "key": "model"})
    thread = worker.thread
    assert thread is not None
    worker.close()
    thread.join(10)
    assert not thread.is_alive()
    worker.receive({"request": 2, "key": "model"})
    assert worker.thread is None


def test_an_idle_thread_ends_and_the_next_request_starts_another(monkeypatch):
    monkeypatch.setattr("llmscope.kernel.worker._IDLE_SECONDS", 0.05)
    page = Page()
    worker = Worker(lambda request, cancelled: iter([{}]), page.send)
    worker.receive({"request": 1, "key": "model"})
    thread = worker.thread
    thread.join(10)
    assert worker.thread is None
    worker.receive({"request": 2, "key": "model"})
    assert len(page.wait(2)) == 2
    worker.close()


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
    worker = Worker(
        lambda request, cancelled: iter([{"sum": float((large @ large)[0, 0])}]), page.send
    )
    worker.receive({"request": 1, "key": "model"})
    page.wait(1)
    end = time.monotonic() + 10
    # The worker's own thread waits for more; the teams of both are gone.
    while count() > before + 2 - torch.get_num_threads() and time.monotonic() < end:
        time.sleep(0.01)
    assert count() <= before + 2 - torch.get_num_threads()
    worker.close()


ODD = (None, "1", 1.5, float("nan"), float("inf"), True, 10**400, [], {})
MALFORMED = [None, [], "request", 7, {}, {"key": "model"}]
MALFORMED += [{"request": number, "key": "model"} for number in ODD]
MALFORMED += [{"cancel": number} for number in (*ODD, 99, -1)]


def test_what_is_no_message_is_dropped_without_a_word(caplog):
    page = Page()
    worker = Worker(lambda request, cancelled: iter([{}]), page.send)
    for content in MALFORMED:
        worker.receive(content)
    worker.receive({"request": 2, "key": "model"})
    assert [message["request"] for message in page.wait(1)] == [2]
    assert not caplog.records
    worker.close()


def test_a_key_that_requests_nothing_is_refused_at_once_while_another_is_answered(caplog):
    going = threading.Event()

    def slow(request, cancelled):
        assert going.wait(10)
        yield {}

    page = Page()
    worker = Worker(slow, page.send)
    worker.receive({"request": 0, "key": "model"})
    keys = ["t1/logits/" + "9" * 100_000, "nothing", "", None, 1, [], {}]
    for number, key in enumerate(keys, start=1):
        worker.receive({"request": number, "key": key})
    worker.receive({"request": 8})
    assert [message["request"] for message in page.wait(8)] == [*range(1, 9)]
    assert {message["kind"] for message in page.wait(8)} == {"RequestError"}
    assert max(len(message["error"]) for message in page.wait(8)) < 160
    going.set()
    assert page.wait(9)[-1]["done"]
    assert not caplog.records
    worker.close()


def test_a_message_may_cancel_one_request_and_make_another():
    going, page = threading.Event(), Page()

    def slow(request, cancelled):
        assert going.wait(10)
        yield {}

    worker = Worker(slow, page.send)
    worker.receive({"request": 1, "key": "model"})
    worker.receive({"cancel": 1, "request": 2, "key": "model"})
    going.set()
    assert [message["request"] for message in page.wait(1)] == [2]
    worker.close()


def test_what_comes_a_second_time_is_answered_once():
    going, page, asked = threading.Event(), Page(), []

    def slow(request, cancelled):
        asked.append(format_key(request))
        assert going.wait(10)
        yield {}

    worker = Worker(slow, page.send)
    worker.receive({"request": 1, "key": "model"})  # taken, and being answered
    worker.receive({"request": 1, "key": "model", "again": True})
    worker.receive({"request": 2, "key": "training", "again": True})  # its first waits for a cell
    going.set()
    page.wait(2)
    worker.receive({"cancel": 3})  # it overtook what it cancels
    for number, key in enumerate(["model", "training", "model", "model"], start=1):
        worker.receive({"request": number, "key": key})
    assert [message["request"] for message in page.wait(3)] == [1, 2, 4]
    assert asked == ["model", "training", "model"]
    worker.close()


def test_what_is_no_exception_is_answered_too():
    class Panic(BaseException):
        """As Rust's."""

    def panics(request, cancelled):
        raise Panic("range end index 5 out of range")
        yield

    page = Page()
    worker = Worker(panics, page.send)
    worker.receive({"request": 1, "key": "model"})
    assert page.wait(1)[0]["error"] == "Panic: range end index 5 out of range"
    worker.close()


def test_an_error_with_lone_surrogates_can_be_sent():
    page = Page()
    worker = Worker(Handlers(None), page.send)
    worker.receive({"request": 1, "key": "load//no/such/\ud800"})
    while "error" not in page.wait(1)[-1]:
        page.wait(len(page.messages) + 1)
    assert "/no/such/\ufffd" in page.messages[-1][0]["error"]
    worker.receive({"request": 2, "key": "\udfff"})
    page.messages[-1][0]["error"].encode()
    worker.close()


def test_a_page_that_is_gone_ends_neither_the_worker_nor_the_message():
    page, gone = Page(), threading.Event()
    gone.set()

    def send(content, buffers):
        if gone.is_set():
            raise OSError("the comm is gone")
        page.send(content, buffers)

    worker = Worker(lambda request, cancelled: iter([{}]), send)
    worker.receive({"request": 1, "key": "nothing"})
    gone.clear()
    worker.receive({"request": 2, "key": "model"})
    assert [message["request"] for message in page.wait(1)] == [2]
    worker.close()


def test_no_number_of_a_request_ends_the_worker():
    page = Page()
    worker = Worker(lambda request, cancelled: iter([{}]), page.send)
    for number in (-1, -5, 0, 3):
        worker.receive({"request": number, "key": "model"})
    assert sorted(message["request"] for message in page.wait(4)) == [-5, -1, 0, 3]
    worker.close()


def test_a_text_that_looks_like_another_key_is_as_urgent_as_a_text():
    going, order = threading.Event(), []

    def slow(request, cancelled):
        order.append(format_key(request))
        assert going.wait(10)
        yield {}

    page = Page()
    worker = Worker(slow, page.send)
    keys = ["t1/chain", "vocabulary/t1/chain", "text/t1/thumbnails/self/0", "release"]
    worker.receive({"request": 0, "key": "model"})
    while not order:
        time.sleep(0.001)
    for number, key in enumerate(keys, start=1):
        worker.receive({"request": number, "key": key})
    going.set()
    page.wait(5)
    assert order == ["model", keys[2], keys[1], keys[0], keys[3]]
    worker.close()
