"""What a person waits for: importing, loading, the first picture, the next key.

`make bench` prints the tables; nothing here asserts a time.
"""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import llmscope
from llmscope.kernel import Handlers
from llmscope.kernel.arrays import MessageBuffers
from llmscope.kernel.protocol import parse
from tests.bench.passes import load, text_of
from tests.bench.table import interleaved, kb, ms, show


@pytest.fixture(scope="module")
def scope():
    scope = load()
    scope.cache_limit = 0  # each pass from the start
    return scope


def test_importing():
    def run(code: str):
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    codes = ("pass", "import anywidget", "import llmscope", "import llmscope.views")
    bare, anywidget, ours, views = interleaved([run(code) for code in codes], rounds=7)

    def ratio(seconds: float) -> str:
        return f"{(seconds - bare) / (anywidget - bare):.2f} ×"

    rows = [
        ["import anywidget", ms(anywidget - bare), ""],
        ["import llmscope", ms(ours - bare), ratio(ours)],
        ["import llmscope.views", ms(views - bare), ratio(views)],
    ]
    show("Importing, beyond starting Python", ["", "time", "ratio"], rows)


def test_loading():
    in_a_new_process = (
        "import time, torch, transformers, llmscope; s = time.perf_counter(); "
        "llmscope.load(device='cpu', progress=lambda *_: None); print(time.perf_counter() - s)"
    )

    def cold() -> float:
        done = subprocess.run(
            [sys.executable, "-c", in_a_new_process], check=True, capture_output=True, text=True
        )
        return float(done.stdout.split()[-1])

    taken = sorted(cold() for _ in range(3))[1]
    (warm,) = interleaved([lambda: llmscope.load(device="cpu", progress=lambda *_: None)], rounds=3)
    rows = [
        ["new process, torch and transformers imported", ms(taken)],
        ["the same process again", ms(warm)],
    ]
    show("Loading the default model, once converted", ["", "time"], rows)


def test_the_first_picture(scope):
    rows = []
    for tokens in (16, 64, 512, 2048):
        answers = Handlers(scope)
        text = text_of(scope, tokens)
        sizes: dict[str, int] = {}

        def ask(key: str, answers: Handlers = answers, sizes: dict[str, int] = sizes):
            (part,) = answers(parse(key), lambda: False)
            buffers = MessageBuffers()
            buffers.encoded(part)
            kind = next((k for k in ("thumbnails", "head", "logits") if k in key), "text")
            sizes[kind] = sizes.get(kind, 0) + sum(map(len, buffers.parts))
            return part

        def first(ask=ask, text: str = text) -> None:
            summary = ask(f"text/{text}")
            ask(f"{summary['trace']}/logits/{summary['last']}")

        def maps(ask=ask, text: str = text) -> None:
            summary = ask(f"text/{text}")
            level = max(0, summary["last"] // 512).bit_length()
            ask(f"{summary['trace']}/self/head.24.4/{level}.0.0.max")
            for layer, *_ in summary["kinds"]["self"]:
                ask(f"{summary['trace']}/thumbnails/self/{layer}")

        def forget(answers: Handlers = answers) -> None:
            answers.release()
            scope.forget()

        forget()
        start = time.perf_counter()
        first()
        text_there = time.perf_counter() - start
        sizes.pop("text", None)
        start = time.perf_counter()
        maps()
        maps_there = time.perf_counter() - start
        total = sum(sizes.values())
        rows.append([str(tokens), ms(text_there), ms(maps_there), kb(total)])
    heads = ["tokens", "tokens and next token", "then all heads and one matrix", "arrays sent"]
    show("From a text to a picture, in the kernel", heads, rows)
