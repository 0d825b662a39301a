"""What opening a comparison costs, beside the two traces that it compares.

Two traces as two views read them: a pass each, the surprisal of every token, the logits of the
next one, and the overview of all heads. A comparison reads, beyond these, the rows, the next token
of both and the distance of every head. `make bench` prints the table; nothing here asserts a time.
"""

from __future__ import annotations

from statistics import median

import pytest

import llmscope
from llmscope.analysis.head_scores import overview
from llmscope.trace import Trace
from tests.bench.passes import load, text_of
from tests.bench.table import interleaved, ms, show


@pytest.fixture(scope="module")
def scope():
    scope = load()
    scope.cache_limit = 0  # each pass from the start
    return scope


@pytest.mark.parametrize("tokens", [16, 64, 256])
def test_opening_a_comparison(scope, tokens):
    text = text_of(scope, tokens)
    other = text.replace(" cat", " bird", 1).replace(" mat", " roof")

    def traced() -> tuple[Trace, Trace]:
        return scope.trace(text), scope.trace(other)

    a, b = traced()
    assert len(llmscope.Comparison(a, b).pairs) < len(a)

    def read(trace: Trace) -> None:
        list(trace.read_chain())
        trace.logits_at(-1)
        for layer in range(scope.facts.layers):
            overview(trace.recording, layer, "self")

    def read_both() -> None:
        for trace in (a, b):
            trace._chain = None
            read(trace)

    def rows() -> None:
        assert len(llmscope.Comparison(a, b).tokens) >= len(a)

    def following() -> None:
        found = llmscope.Comparison(a, b).next_token
        assert found.kl_ab + found.kl_ba + found.total_variation > 0
        assert found.gained() + found.lost()

    def distances() -> None:
        assert llmscope.Comparison(a, b).head_distances.any()

    works = (traced, read_both, rows, following, distances)
    passes, views, *own = interleaved(works, rounds=7, of=median)
    lines = [
        ["two passes", ms(passes), ""],
        ["what two views read of them", ms(views), f"{views / passes:.0%} of the passes"],
    ]
    names = ("rows", "next token of both", "distances of all heads")
    lines += [
        [name, ms(taken), f"{taken / (passes + views):.1%} of both"]
        for name, taken in zip(names, own, strict=True)
    ]
    more = sum(own)
    lines.append(["a comparison beyond two traces", ms(more), f"{more / (passes + views):.1%}"])
    show(f"Opening a comparison of two texts of {tokens} tokens", ["", "time", "ratio"], lines)
