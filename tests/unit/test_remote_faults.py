"""What is asked of a server when somebody goes, something breaks, or answers are lost."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest

import llmscope
from llmscope import GenerationView
from llmscope.capture import Cancelled
from llmscope.kernel import Worker
from llmscope.kernel.requests import PAUSE
from tests.closeness import assert_close
from tests.serving import Served, until
from tests.tiny import TEXT


def test_an_interrupt_leaves_the_tokens_so_far(remote, local):
    threading.Timer(0.4, signal.raise_signal, [signal.SIGINT]).start()
    run = remote.generate(TEXT, max_new_tokens=2000, do_sample=True, seed=3, max_length=None)
    assert run.interrupted
    count = len(run.steps[0])
    again = local.generate(TEXT, max_new_tokens=count, do_sample=True, seed=3)
    assert run.ids() == again.ids()


def test_what_nobody_waits_for_is_dropped(server, remote):
    with pytest.raises(Cancelled):
        remote.trace(TEXT, cancelled=lambda: True)
    assert len(remote.trace("hi")) == 2
    until(lambda: server.host.waiting == 0)


def test_a_step_whose_answer_was_lost_is_not_taken_twice(server, remote):
    requests = llmscope.kernel.requests
    view = GenerationView(remote, TEXT, seed=1, max_new_tokens=12)
    session = view._handlers.session
    session(requests.Begin(TEXT))
    for _ in session.steps(3, together=False):
        pass
    ids = view.stepper.ids()
    message = {"do": "write", "id": session._id, "of": [{"text": ""}], "first": session._known}
    message |= {"mark": session._marks[-1], "entries": [["write/step/1", session._settings()]]}
    lost = [*remote.elsewhere.parts(message)]  # which the view has never seen
    assert lost and "missing" not in lost[-1]
    session(requests.Force(view.stepper.tree.current, 65))
    assert view.stepper.ids() == [*ids, 65]
    assert session._marks[-1] == server.host._engines["tiny"]._writings.popitem()[1]._marks[-1]
    view.close()


def test_a_lost_connection_heals_and_nothing_is_lost(local):
    server = Served({"tiny": local})
    scope = server.connect()
    states = []
    scope.elsewhere.connection.on_state.append(states.append)
    view = GenerationView(scope, TEXT, seed=1, max_new_tokens=12)
    session = view._handlers.session
    session(llmscope.kernel.requests.Begin(TEXT))
    for _ in session.steps(4, together=False):
        pass
    before = view.stepper.ids()
    server.stop()
    server = Served({"tiny": local}, port=server.port)  # a server that knows nothing of it
    for _ in session.steps(4, together=True):
        pass
    expected = local.generate(TEXT, seed=1, max_new_tokens=12, do_sample=True, top_k=50).ids()
    after = view.stepper.ids()
    assert after[: len(before)] == before
    assert after == expected[: len(after)]
    assert len(after) == len(before) + 4
    assert np.array_equal(scope.trace(TEXT).logits, local.trace(TEXT).logits)
    assert states[:2] == [False, True]
    view.close()
    scope.close()
    server.stop()


def test_an_interrupt_ends_a_read_and_the_next_one_is_answered(server, remote):
    release = threading.Event()
    server.host._turns.ask("other", 0, lambda _: iter([release.wait(30)]), lambda *_: None)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        remote.trace(TEXT)
    release.set()
    assert len(remote.trace("hi")) == 2
    until(lambda: server.host.waiting == 0)


def test_threads_share_a_connection(remote, local):
    texts = [f"{letter} {TEXT}" for letter in "abcdefghijkl"]
    expected = {text: local.trace(text).attention(1, 2).tolist() for text in texts}

    def read(offset):
        for number in range(len(texts)):
            text = texts[(5 * number + offset) % len(texts)]
            found = remote.trace(text)
            assert_close(found.attention(1, 2), expected[text])
            done.append(text)

    done: list[str] = []
    threads = [threading.Thread(target=read, args=(offset,)) for offset in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 6 * len(texts)


def test_a_view_is_told_the_last_part_again_where_its_end_comes_late():
    sent = []
    worker = Worker(
        lambda *_: iter([PAUSE, {"a": 1}, PAUSE, {"a": 2}, PAUSE]),
        lambda content, _: sent.append((content["part"], content["done"])),
    )
    worker.receive({"request": 1, "key": "model"})
    until(lambda: len(sent) == 3)
    assert sent == [({"a": 1}, False), ({"a": 2}, False), ({"a": 2}, True)]
    worker.close()


def test_a_closed_connection_says_so(server):
    scope = server.connect()
    scope.close()
    with pytest.raises(ConnectionError, match="is closed"):
        scope.trace("hi")
