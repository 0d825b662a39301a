"""A worker takes whatever a page sends: it answers, stays alive, and its memory stays level."""

from __future__ import annotations

import ctypes
import gc
import json
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
import pytest

from llmscope.kernel import Handlers, Worker
from llmscope.kernel.generation import GenerationSession
from llmscope.loading import LoadError
from llmscope.scope import Scope
from tests import tiny
from tests.chaos.messages import Dice

AT_ONCE = 50  # messages that come before any is answered
LONGEST = 600.0  # seconds that anything here may wait: a long text takes Mamba minutes
MORE = 48 * 2**20  # bytes that the second half may hold beyond the first
SETTINGS = {"seed": 0, "do_sample": True, "max_new_tokens": 6}
SCOPES: dict[str, Callable[[], Scope]] = {
    "llama": lambda: Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny"),
    "bert": lambda: Scope(tiny.MODELS["bert"](), tiny.word_piece()),
    "bart": lambda: Scope(tiny.MODELS["bart"](), tiny.byte_level()),
    "mamba": lambda: Scope(tiny.MODELS["mamba"](), tiny.sentence_piece()),
}


class Page:
    """Counts what ends each request, as a comm would send it."""

    def __init__(self) -> None:
        self.ended: Counter[int] = Counter()
        self.kinds: Counter[str] = Counter()
        self._came = threading.Condition()

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
        with self._came:
            if "error" in content or content["done"]:
                self.ended[content["request"]] += 1
                self.kinds[content.get("kind", "answers")] += 1
                self._came.notify_all()

    def wait(self, numbers: set[int]) -> None:
        with self._came:
            assert self._came.wait_for(lambda: self.ended.keys() >= numbers, LONGEST)


def memory(handlers: Handlers) -> int:
    """Bytes in use beside what is cached; glibc keeps what was freed, for one long text much."""
    handlers.release()
    if handlers.session is not None:
        handlers.session.forget()
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(psutil.Process().memory_info().rss)


def refuse(*_: Any) -> Any:
    raise LoadError("Nothing is loaded or installed here.")
    yield


@pytest.mark.parametrize("name", SCOPES)
def test_whatever_comes_is_answered_and_nothing_piles_up(
    name: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    counts: Counter[str],
) -> None:
    monkeypatch.setattr("llmscope.kernel.handlers.loaded", refuse)
    monkeypatch.setattr("llmscope.kernel.handlers.installed", refuse)
    total = request.config.getoption("--messages") // len(SCOPES) or 100
    scope, page, dice = SCOPES[name](), Page(), Dice(name)
    session = GenerationSession(scope, lambda: dict(SETTINGS)) if name != "bert" else None
    handlers = Handlers(scope, None, session)
    worker = Worker(handlers, page.send)
    sent: set[int] = set()
    cancelled: set[int] = set()  # these may be answered or not, also when they come later
    held: list[int] = []
    while len(sent) < total:
        due: set[int] = set()
        for _ in range(AT_ONCE):
            number = len(sent) + 1
            content = dice.message(number)
            if isinstance(content, dict):
                if type(content.get("cancel")) is int:
                    cancelled.add(content["cancel"])
                if type(content.get("request")) is int and content["request"] == number:
                    sent.add(number)
                    due.add(number)
            worker.receive(content)
        page.wait(due - cancelled)
        if len(sent) > total / 2 * (len(held) + 1):
            held.append(memory(handlers))
    last = len(sent) + 2  # the one before may be cancelled already
    worker.receive({"request": last, "key": "model"})
    page.wait({last})
    assert max(page.ended.values()) == 1
    assert page.ended.keys() <= {*sent, last}
    assert page.kinds["answers"] > total / 10
    assert memory(handlers) < held[0] + MORE
    worker.close()
    counts["messages that were answered or refused"] += len(page.ended)
    counts["messages that got an answer"] += page.kinds["answers"]
