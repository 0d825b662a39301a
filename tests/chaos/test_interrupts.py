"""An interrupt leaves nothing: no hook, no mode, no lock, and no half-read text."""

from __future__ import annotations

import gc
import random
import sys
import threading
import time
from collections import Counter
from typing import Any

import numpy as np
import pytest

from llmscope.scope import Scope
from tests import tiny
from tests.chaos.interrupting import Moment, Moments, interrupted_after, place, signals
from tests.chaos.reads import CALLS, TEXT, differs
from tests.chaos.state import SETTLED, Snapshot, mend_thread

SAMPLE = 12  # moments of each call in `make test`
FEWER = {"structure": 3, "token path": 6}  # of calls that take long
MOST = 8  # failures of one call that are told


class Subject:
    """A model in training mode, and what every call on it has to leave as it was."""

    def __init__(self, name: str, tokenizer: Any) -> None:
        self.name, self.tokenizer = name, tokenizer
        self.model = tiny.MODELS[name]().train()
        self.true = {"": Scope(tiny.MODELS[name](), tokenizer).trace(TEXT).logits}
        self.snapshot = Snapshot(self.model)

    def scope(self) -> Scope:
        return Scope(self.model, self.tokenizer, name="tiny")

    def left(self, scope: Scope) -> list[str]:
        """Name what a call left behind."""
        found = self.snapshot.differences()
        traced: list[np.ndarray] = []
        # The lock is free, and the next trace is right, in another thread.
        thread = threading.Thread(target=lambda: traced.append(scope.trace(TEXT).logits))
        thread.daemon = True
        thread.start()
        thread.join(SETTLED)
        if thread.is_alive():
            return [*found, "the lock"]
        if not traced:
            return [*found, "a model that can't be traced"]
        reason = differs({"": traced[0]}, self.true)
        return [*found, f"a cache: {reason}"] if reason is not None else found


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An interrupt in a finalizer, or an error in a thread, can't be raised by Python."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    yield
    mend_thread()


def _chosen(seen: list[Moment], wanted: int, every: int) -> list[int]:
    """Choose moments: each instruction once, then the others, evenly spread."""
    first: dict[Moment, int] = {}
    for number, moment in enumerate(seen):
        first.setdefault(moment, number)
    chosen = sorted(first.values())
    if not wanted:
        return chosen[:: max(1, len(chosen) // every)]
    others = sorted(set(range(len(seen))) - set(chosen))
    more = wanted - len(chosen)
    if more > 0 and others:
        chosen += others[:: max(1, -(-len(others) // more))]
    return chosen[:wanted]


@pytest.mark.parametrize("name", CALLS)
def test_an_interrupt_at_any_moment_leaves_nothing(
    name: str,
    tokenizer: Any,
    request: pytest.FixtureRequest,
    counts: Counter[str],
    quiet: None,
) -> None:
    family, prepare = CALLS[name]
    subject = Subject(family, tokenizer)
    prepare(subject.scope())()  # what is imported or worked out only once
    with Moments() as moments:
        prepare_call = prepare(subject.scope())
        begun = len(moments.seen)
        prepare_call()
    seen = moments.seen[begun:]
    assert len(seen) > 20
    wanted = request.config.getoption("--interrupts") // len(CALLS)
    wrong: dict[str, list[str]] = {}
    for number in _chosen(seen, wanted, FEWER.get(name, SAMPLE)):
        scope = subject.scope()
        call = prepare(scope)
        held: BaseException | None = None
        try:
            with Moments(number) as moments:
                call()
        except KeyboardInterrupt as error:
            held = error  # as a notebook holds the last error, with all frames
        counts["interrupts forced"] += len(moments.seen) > number
        found = subject.left(scope)
        # What was generated before it is given.
        if held is None and not name.startswith("generate") and len(moments.seen) > number:
            found.append("no interrupt: it was swallowed")
        del held
        if found:
            counts["interrupts that left something"] += 1
            wrong[place(seen[number])] = found[:4]
            gc.collect()
            mend_thread()
            if "the lock" in found or len(wrong) == MOST:
                break
            subject = Subject(family, tokenizer)
    assert not wrong, "\n".join(f"{where}: {what}" for where, what in wrong.items())


@pytest.mark.whole
@pytest.mark.parametrize("impatient", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("name", CALLS)
def test_a_signal_at_a_random_moment_leaves_nothing(
    name: str,
    impatient: bool,
    tokenizer: Any,
    request: pytest.FixtureRequest,
    counts: Counter[str],
    quiet: None,
) -> None:
    family, prepare = CALLS[name]
    subject = Subject(family, tokenizer)
    prepare(subject.scope())()
    call = prepare(subject.scope())
    start = time.perf_counter()
    call()
    longest = time.perf_counter() - start
    draws = random.Random(0)
    times = request.config.getoption("--interrupts") // (10 * len(CALLS)) or 6
    wrong: list[list[str]] = []
    with signals():
        for _ in range(times):
            scope = subject.scope()
            again = draws.uniform(0, 1e-3) if impatient else None
            held = interrupted_after(draws.uniform(0, longest), prepare(scope), again)
            counts["signals that came in time"] += held is not None
            found = subject.left(scope)
            del held
            if found:
                counts["signals that left something"] += 1
                wrong.append(found[:4])
                gc.collect()
                mend_thread()
                if "the lock" in found or len(wrong) == MOST:
                    break
                subject = Subject(family, tokenizer)
    assert not wrong
