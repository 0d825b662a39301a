"""Turns of many people at one model."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from llmscope.capture import Cancelled
from llmscope.kernel.requests import FIRST, LATER, PAUSE
from llmscope.remote.turns import DONE, ERROR, PART, Turns
from tests.serving import TOKENS


@pytest.fixture
def turns():
    made = Turns()
    yield made
    made.close()


def asked(turns, person, urgency=FIRST, parts=(1,), seconds=0.0, done=None):
    """Ask for some parts, each of which takes its time; return what is sent."""
    sent: queue.SimpleQueue = queue.SimpleQueue()

    def work(_turn):
        for part in parts:
            time.sleep(seconds)
            yield part
        if done is not None:
            done.append(person)

    turn = turns.ask(person, urgency, work, lambda kind, value: sent.put((kind, value)))
    return turn, sent


def test_parts_come_in_order_and_then_the_end(turns):
    turn, sent = asked(turns, "me", parts=(1, PAUSE, 2))
    assert [sent.get(timeout=10) for _ in range(3)] == [(PART, 1), (PART, 2), (DONE, None)]
    assert not turn.cancelled()


def test_an_error_is_told_and_the_next_is_answered(turns):
    sent: queue.SimpleQueue = queue.SimpleQueue()

    def work(_turn):
        raise ValueError("no")
        yield

    turns.ask("me", FIRST, work, lambda kind, value: sent.put((kind, str(value))))
    assert sent.get(timeout=10) == (ERROR, "no")
    assert asked(turns, "me")[1].get(timeout=10) == (PART, 1)


def test_who_has_used_little_comes_before_who_has_used_much(turns):
    done: list[str] = []
    for _ in range(10):
        asked(turns, "survey", parts=(PAUSE,) * 3, seconds=0.02, done=done)
    time.sleep(0.1)
    _, sent = asked(turns, "typist", parts=(1,), seconds=0.02, done=done)
    while sent.get(timeout=10)[0] != DONE:
        pass
    assert done.count("survey") < 5


def test_what_isnt_urgent_waits_for_what_is(turns):
    done: list[str] = []
    release = threading.Event()

    def block(_turn):
        release.wait(10)
        yield 1

    turns.ask("x", FIRST, block, lambda *_: None)
    asked(turns, "a", LATER, done=done)
    _, sent = asked(turns, "b", FIRST, seconds=0.05, done=done)
    _, last = asked(turns, "b", FIRST, done=done)
    release.set()
    for one in (sent, last):
        while one.get(timeout=10)[0] != DONE:
            pass
    assert done[:2] == ["b", "b"]


def test_nobody_reads_no_more_is_computed(turns):
    made = []

    def work(_turn):
        for number in range(1000):
            made.append(number)
            yield number
            yield PAUSE

    turn = turns.ask("me", FIRST, work, lambda *_: None)
    time.sleep(0.3)
    assert len(made) <= 10
    turn.read()
    turn.read()
    time.sleep(0.3)
    assert 10 <= len(made) <= 12
    turn.cancel()


def test_a_long_pass_gives_way_and_is_begun_anew(turns):
    begun, order = [], []

    def long(turn):
        begun.append(time.monotonic())
        for _ in range(40):
            time.sleep(0.01)
            if turn.waives():
                raise Cancelled
        order.append("long")
        yield 1

    sent: queue.SimpleQueue = queue.SimpleQueue()
    turns.ask("survey", FIRST, long, lambda kind, value: sent.put((kind, value)))
    time.sleep(0.1)
    asked(turns, "typist", done=order)
    while sent.get(timeout=10)[0] != DONE:
        pass
    assert order == ["typist", "long"]
    assert len(begun) == 2


def test_an_answer_gives_way_a_few_times_only(turns):
    begun, sent = [], queue.SimpleQueue()

    def long(turn):
        begun.append(turn.waived)
        while not turn.waives():
            time.sleep(0.01)
            if turn.waived == 3:
                yield 1
                return
        raise Cancelled

    turns.ask("survey", FIRST, long, lambda kind, value: sent.put((kind, value)))
    for number in range(4):
        time.sleep(0.1)
        asked(turns, f"typist {number}")
    assert sent.get(timeout=10) == (PART, 1)
    assert begun == [0, 1, 2, 3]


def test_a_keystroke_is_answered_in_the_midst_of_a_long_text(server):
    writer, typist = (server.connect(token=token) for token in (TOKENS.owner, TOKENS.room))
    times: list[float] = []

    def write():
        writer.generate("A tiny model", max_new_tokens=400, do_sample=True, seed=0, max_length=None)
        times.append(time.monotonic())

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.3)
    assert len(typist.trace("A tiny")) == 6
    typed = time.monotonic()
    thread.join()
    assert typed < times[0]
    for scope in (writer, typist):
        scope.close()
    server.host.unload("tiny")
