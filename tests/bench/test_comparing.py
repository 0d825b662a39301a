"""What opening a comparison costs, beside opening the two traces that it compares.

A trace that is opened is a pass with the surprisal of every token, the logits of the next one and
the overview of all heads. A comparison is both passes with these, the rows, the next token of both,
and in the place of the overviews the distance of every head. `make bench` prints the table; nothing
here asserts a time.
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

    def heads() -> None:
        for trace in (a, b):
            trace._chain = None
            list(trace.read_chain())
            trace.logits_at(-1)

    def overviews() -> None:
        for trace in (a, b):
            for layer in range(scope.facts.layers):
                overview(trace.recording, layer, "self")

    def rows() -> None:
        assert len(llmscope.Comparison(a, b).tokens) >= len(a)

    def following() -> None:
        found = llmscope.Comparison(a, b).next_token
        assert found.kl_ab + found.kl_ba + found.total_variation > 0
        assert found.gained() + found.lost()

    def distances() -> None:
        assert llmscope.Comparison(a, b).head_distances.any()

    works = (traced, heads, overviews, rows, following, distances)
    passes, chains, seen, *own = interleaved(works, rounds=7, of=median)
    names = ("two passes", "surprisal and logits of both", "overviews of both")
    traces = passes + chains + seen
    lines = [
        [name, ms(taken), ""] for name, taken in zip(names, (passes, chains, seen), strict=True)
    ]
    lines.append(["two traces", ms(traces), "1.00"])
    names = ("rows", "next token of both", "distances of all heads")
    lines += [
        [name, ms(taken), f"{taken / traces:.3f}"] for name, taken in zip(names, own, strict=True)
    ]
    compared = passes + chains + sum(own)
    lines.append(["their comparison", ms(compared), f"{compared / traces:.2f}"])
    show(f"Opening a comparison of two texts of {tokens} tokens", ["", "time", "ratio"], lines)
