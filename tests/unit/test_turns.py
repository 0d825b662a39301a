"""Turns of many people at one model."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from llmscope.capture import Cancelled
from llmscope.kernel.requests import FIRST, LATER, PAUSE, SOON
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


def test_who_used_much_before_others_came_does_not_wait_for_long(turns):
    done: list[str] = []
    _, sent = asked(turns, "early", seconds=0.6)
    while sent.get(timeout=10)[0] != DONE:
        pass
    release = threading.Event()
    turns.ask("x", FIRST, lambda _: iter([release.wait(10)]), lambda *_: None)
    for _ in range(12):
        asked(turns, "late", seconds=0.05, done=done)
    _, sent = asked(turns, "early", done=done)
    release.set()
    while sent.get(timeout=10)[0] != DONE:
        pass
    assert done.count("late") < 9  # of 12, which are as much as it had used


def test_what_is_shown_of_a_text_comes_before_the_next_text(turns):
    done: list[str] = []
    release = threading.Event()
    turns.ask("x", FIRST, lambda _: iter([release.wait(10)]), lambda *_: None)

    def work(name):
        yield 1
        done.append(name)

    ended = queue.SimpleQueue()
    for name, urgency in (("text", FIRST), ("shown", SOON)):
        turns.ask("me", urgency, lambda _, name=name: work(name), lambda kind, _: ended.put(kind))
    release.set()
    while done[1:] == []:
        ended.get(timeout=10)
    assert done == ["shown", "text"]


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


def test_a_long_pass_gives_way_and_is_begun_anew(turns, monkeypatch):
    monkeypatch.setattr("llmscope.remote.turns._LONG", 0.05)
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


def test_an_answer_gives_way_a_few_times_only(turns, monkeypatch):
    monkeypatch.setattr("llmscope.remote.turns._LONG", 0.05)
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


@pytest.mark.parametrize("count", [1, 4])
def test_a_keystroke_is_answered_in_the_midst_of_long_texts(server, monkeypatch, count):
    monkeypatch.setattr("llmscope.remote.turns._PATIENCE", 0.05)  # all are as urgent soon
    typist = server.connect(token=TOKENS.room)
    writers = [server.connect() for _ in range(count)]
    times: list[float] = []

    def write(number):
        options = {"max_new_tokens": 300, "do_sample": True, "seed": number, "max_length": None}
        writers[number].generate("A tiny model", **options)
        times.append(time.monotonic())

    threads = [threading.Thread(target=write, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    typed = []
    while not times:
        time.sleep(0.1)
        begun = time.monotonic()
        assert len(typist.trace("A tiny"[: 1 + len(typed) % 6])) <= 6
        typed.append(time.monotonic() - begun)
    for thread in threads:
        thread.join()
    assert len(typed) >= 5, "keys waited for whole texts"
    for scope in (*writers, typist):
        scope.close()
    server.host.unload("tiny")


def test_time_for_others_is_not_counted_as_a_writers(turns):
    ended = queue.SimpleQueue()

    def long(turn):
        for _ in range(5):
            asked(turns, "typist", seconds=0.1)
            time.sleep(0.01)
            turn.let_others()
        yield 1

    turns.ask("writer", FIRST, long, lambda kind, _: ended.put(kind), is_long=True)
    while ended.get(timeout=10) != DONE:
        pass
    assert turns._used["writer"] < 0.3


def test_a_reader_that_is_gone_leaves_nothing_behind(turns):
    turn, _ = asked(turns, "me", parts=range(1000))
    time.sleep(0.2)
    turn.cancel()
    end = time.monotonic() + 10
    while turns.waiting and time.monotonic() < end:
        time.sleep(0.01)
        turns.wake()
    with turns._changed:
        assert not [one for one in turns._waiting if one is turn]
