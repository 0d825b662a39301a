"""The fixtures of what is edited: a part off, and parts taken from a second text."""

from __future__ import annotations

import llmscope
from llmscope import AttentionView, LensView, NextTokenView, PatchingView, TokensView
from llmscope.text import labels
from tests.components.fixtures import Made, fixture, small
from tests.components.numbers import Collector


@fixture("edited")
def edited() -> Made:
    """A head is off, and parts are coloured by effects; the page holds the text without, too."""
    scope = small("llama")
    trace = scope.trace("The quick brown fox", edits=[llmscope.ablate(head=(1, 2))])
    token, foil = (one.id for one in trace.next_token().top(2))
    views = [
        TokensView(trace),
        AttentionView(trace, layer=1, head=2, effect_of=(token, foil)),
        NextTokenView(trace),
        LensView(trace),
        TokensView(trace, effect_of=(token, foil), shade="effect"),
    ]
    numbers = Collector(trace).compared()
    for name, of in (("now", trace), ("untouched", trace.untouched)):
        numbers.fact(name, float(of.next_token().probs[token]))
    numbers.fact("effect_of", [token, foil])
    numbers.fact("labels", labels(scope.tokenizer, [token, foil]))
    found = [("heads", "direct"), ("heads", "ablate"), ("mlps", "direct"), ("mlps", "ablate")]
    for of, method in [*found, ("tokens", "occlusion")]:
        effects = trace.effects(token, foil, of=of, method=method)
        numbers.array(f"{method} of {of}", effects.values)
    return Made(views, numbers.numbers)


@fixture("patching")
def patching() -> Made:
    """A second text, the grid of patching, and a page that holds one of its cells as an edit."""
    scope = small("llama")
    trace, source = scope.trace("The quick brown fox"), scope.trace("The brown quick fox")
    views = [
        kind(trace, patch_from=source.text)
        for kind in (TokensView, AttentionView, NextTokenView, PatchingView)
    ]
    numbers = Collector(trace)
    token, foil = (one.next_token().top(1)[0].id for one in (trace, source))
    if token == foil:
        foil = next(one.id for one in source.next_token().top(2) if one.id != token)
    numbers.fact("labels", labels(scope.tokenizer, [token, foil]))
    numbers.fact("own", [one.label for one in trace.tokens])
    numbers.fact("source", [one.label for one in source.tokens])
    for name, of in (("here", trace), ("there", source)):
        numbers.fact(name, float(of.logits[-1][token] - of.logits[-1][foil]))
    values = trace.effects(token, foil, of="layers", method="patch", source=source).values
    numbers.array("effects", values)
    cell = llmscope.patch(layer=1, source=source, positions=[2])
    patched = scope.trace(trace.text, edits=[cell])
    numbers.fact("patched", float(patched.next_token().probs.max()))
    edits = [cell, llmscope.patch(head=(1, 2), source=source), llmscope.ablate(mlp=1)]
    steered = [llmscope.steer(layer=1, direction=("fox", "dog"), scale=scale) for scale in (1, 1.1)]
    for name, edit in zip(("one", "more"), steered, strict=True):
        under = scope.trace(trace.text, edits=[edit])
        numbers.fact(name, float(under.next_token().probs.max()))
    choice = {"edits": [*edits, *steered], "layers": [1], "positions": [-1]}
    return Made(views, numbers.numbers, choice)
