"""What it costs to notice that a model was changed, at each trace.

`make bench` prints the table: the same traces in turns, with all checks and with none. The shortest
time of each is compared, as the checks take a fiftieth of what else a machine may be at.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import llmscope
from llmscope.capture.version import ModelState
from tests.bench.passes import load, text_of
from tests.bench.table import interleaved, ms, show


class _Unchecked:
    """In place of `ModelVersion`: takes for granted that nothing changes."""

    def __init__(self, state: ModelState) -> None:
        self._state = state

    def number(self) -> int:
        return self._state.number

    def state(self) -> ModelState:
        return self._state

    def look(self, state: ModelState, tokens: int) -> ModelState:
        return state

    def after_pass(self, before: ModelState) -> ModelState:
        return before


def _scopes() -> tuple[llmscope.Scope, llmscope.Scope]:
    checked = load()
    unchecked = llmscope.Scope(checked.model, checked.tokenizer)
    unchecked.runner.version = _Unchecked(unchecked.runner.version.state())
    return checked, unchecked


def _one_more(scope: llmscope.Scope, text: str) -> Callable[[], object]:
    """Trace the text with another word at its end each time."""
    for end in (" a", " a b"):  # the first continuation is held to a whole pass
        scope.trace(text + end)
    words = count()
    return lambda: scope.trace(f"{text} {next(words) % 10}")


def _whole(scope: llmscope.Scope, text: str) -> Callable[[], object]:
    def trace() -> object:
        scope.forget()
        return scope.trace(text)

    return trace


def test_what_is_checked():
    scopes = _scopes()
    rows = []
    for tokens in (16, 128, 512):
        text = text_of(scopes[0], tokens)
        for what, work in (("one more token", _one_more), ("a whole pass", _whole)):
            rounds = 41 if work is _one_more else 21 if tokens == 16 else 9
            checked, unchecked = interleaved([work(scope, text) for scope in scopes], rounds, min)
            more = f"{100 * (checked / unchecked - 1):+.1f} %"
            rows.append([f"{what}, {tokens} tokens", ms(unchecked), ms(checked), more])
            for scope in scopes:
                scope.forget()
    show("What is checked at each trace", ["", "unchecked", "checked", "more"], rows)
