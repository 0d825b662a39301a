"""What edits and effects cost, in forward passes of the same model at the same time."""

from __future__ import annotations

from itertools import count, cycle

import pytest

import llmscope
from tests.bench.passes import load, text_of, work
from tests.bench.table import interleaved, ms, show

MARY = "When Mary and John went to the store, John gave a drink to"
LAYERS = (0, 15, 29)
HEADS = 9


def test_an_edited_pass():
    """Another head is switched off each time, so that nothing of the edited layer is cached."""
    scope = load()
    rows = []
    for tokens in (14, 128, 512):
        text = text_of(scope, tokens)
        heads = {layer: cycle(range(HEADS)) for layer in LAYERS}

        def edited(layer, text=text, heads=heads):
            def under():
                off = llmscope.ablate(head=(layer, next(heads[layer])))
                return scope.trace(text, edits=[off])

            return under

        works = [work(scope, "row", text), work(scope, "trace", text), *map(edited, LAYERS)]
        forward, trace, *times = interleaved(works, 9 if tokens < 512 else 5)
        rows.append(
            [
                f"{tokens}",
                ms(forward),
                f"{trace / forward:.2f}",
                *(f"{time / forward:.2f}" for time in times),
            ]
        )
    heads = ["tokens", "forward", "trace", *(f"head of layer {layer} off" for layer in LAYERS)]
    show("A trace under an edit, in forwards with one row of logits", heads, rows)


@pytest.mark.timeout(1800)
def test_effects_of_all_heads():
    scope = load()
    rows = []
    mary, john = scope.token_id(" Mary"), scope.token_id(" John")
    for tokens, rounds in ((14, 3), (64, 1), (256, 1)):
        text = MARY if tokens == 14 else text_of(scope, tokens)
        trace = scope.trace(text)

        def effects(method, trace=trace):
            return lambda: trace.effects(mary, john, method=method)

        works = [work(scope, "row", text), *map(effects, ("direct", "gradient", "ablate"))]
        forward, *times = interleaved(works, rounds)
        exact = times[-1] / forward
        rows.append(
            [
                f"{tokens}",
                ms(forward),
                *(f"{time / forward:.1f}" for time in times),
                f"{exact / 270:.3f}",
            ]
        )
    heads = ["tokens", "forward", "direct", "gradient", "ablate, all 270", "of 270 forwards"]
    show("Effects of all heads, in forwards with one row of logits", heads, rows)


def test_steering_goes_on_with_a_text():
    """A keystroke under edits costs a suffix."""
    scope = load()
    rows = []
    off = [llmscope.ablate(head=(15, 3)), llmscope.steer(layer=12, direction=(" love", " hate"))]
    for tokens in (14, 128, 512):
        text = text_of(scope, tokens)
        words = count()
        for end in (" a", " b"):  # the first continuation is held to a whole pass
            scope.trace(text + end)
            scope.trace(text + end, edits=off)

        def plain(text=text, words=words):
            return scope.trace(f"{text} {next(words) % 10}")

        def edited(text=text, words=words):
            return scope.trace(f"{text} {next(words) % 10}", edits=off)

        one, other = interleaved([plain, edited], 9)
        rows.append([f"{tokens}", ms(one), ms(other), f"{other / one:.2f}"])
    show("One more token", ["tokens", "untouched", "under two edits", "ratio"], rows)
