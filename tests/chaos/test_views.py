"""Views that were opened, asked and closed leave nothing."""

from __future__ import annotations

import gc
import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from ipywidgets import Widget
from ipywidgets.widgets.widget import _instances

import llmscope
from llmscope import AttentionView, GenerationView, LensView, NextTokenView, TokensView
from llmscope.scope import Scope
from llmscope.views import View
from tests import tiny
from tests.chaos.holding import LONGEST
from tests.chaos.reads import TEXT

WARM = 12  # views after which what is made once is there
SAMPLE, WHOLE = 24, 300

Make = Callable[[Scope], View]
MAKES: list[Make] = [
    lambda scope: scope.explore(TEXT),
    lambda scope: AttentionView(scope.trace(TEXT)),
    lambda scope: TokensView(scope.trace(TEXT)),
    lambda scope: NextTokenView(scope.trace(TEXT)),
    lambda scope: LensView(scope.trace(TEXT)),
    lambda scope: GenerationView(scope, TEXT, max_new_tokens=3),
]


class Page:
    """What a page does with a view: it asks, and waits for the answer."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._numbers = iter(range(1, 99))
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        view._worker._send = lambda content, _buffers: self._answers.put(content)

    def ask(self, key: str) -> dict[str, Any]:
        number = next(self._numbers)
        self._view._worker.receive({"request": number, "key": key})
        while True:
            answer = self._answers.get(timeout=LONGEST)
            assert answer["request"] == number and "error" not in answer, answer
            if answer["done"]:
                part: dict[str, Any] = answer["part"]
                return part


def ask(view: View) -> None:
    page = Page(view)
    page.ask("model")
    if isinstance(view, GenerationView):
        page.ask(f"write/begin/{TEXT}")
        page.ask("write/step/3")
        page.ask("write/undo")
        return
    name = page.ask(f"text/{TEXT}")["trace"]
    keys = ("logits/3", "chain", "self/head.1.1/0.0.0.max", "thumbnails/self/1")
    for key in (*keys, "lens/block/0"):
        page.ask(f"{name}/{key}")


def held() -> dict[str, int]:
    """Count what is there: all objects of Python, and those that matter by themselves."""
    for _ in range(3):
        gc.collect()
    kinds = [type(item) for item in gc.get_objects()]
    return {
        "objects": len(kinds),
        "tensors": sum(issubclass(kind, torch.Tensor) for kind in kinds),
        "widgets": sum(issubclass(kind, Widget) for kind in kinds),
        "widgets in the registry": len(_instances),
        "threads": threading.active_count(),
    }


def test_views_that_are_closed_leave_nothing(
    tokenizer: Any, request: pytest.FixtureRequest, counts: Counter[str]
) -> None:
    scope = Scope(tiny.MODELS["llama"](), tokenizer, name="tiny")

    def open_and_close(number: int) -> None:
        views = [MAKES[(number + i) % len(MAKES)](scope) for i in range(2)]
        for view in views:
            ask(view)
        llmscope.link(*views)
        for view in views:
            worker = view._worker.thread
            view.close()
            if worker is not None:
                worker.join(LONGEST)

    wanted = WHOLE if request.config.getoption("--whole") else SAMPLE
    for number in range(WARM // 2):
        open_and_close(number)
    before = held()
    for number in range(wanted // 2):
        open_and_close(number)
    after = held()
    counts["views opened, asked and closed"] += wanted
    more = {name: after[name] - before[name] for name in after}
    assert more.pop("objects") < wanted, "objects: more than one for each view"
    assert not any(more.values()), more
