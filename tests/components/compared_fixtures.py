"""The fixtures of what is side by side: two texts, and two models with tokens of their own."""

from __future__ import annotations

import numpy as np

import llmscope
from llmscope import Comparison, Scope
from llmscope.text import labels
from tests import tiny
from tests.components.fixtures import Made, fixture, small
from tests.components.numbers import Collector


def _kept(collector: Collector, comparison: Comparison) -> Collector:
    """Keep what is read out of a comparison."""
    rows = comparison.tokens
    collector.fact("rows", [[r.text_a, r.text_b, r.same] for r in rows])
    collector.fact("perplexities", [comparison.a.perplexity, comparison.b.perplexity])
    return collector.array("surprisal", comparison.surprisal)


@fixture("two-texts")
def two_texts() -> Made:
    """Two texts with one word changed, and one more at the end."""
    scope = small("llama")
    a, b = scope.trace("The quick brown fox"), scope.trace("The lazy brown dog sleeps")
    view = llmscope.compare(a, b)
    comparison = view.comparison
    numbers = _kept(Collector(a), comparison)
    lens = comparison.lens()
    numbers.array("distances", comparison.head_distances).array("divergence", lens.divergence)
    for layer, head in ((1, 2), (2, 1)):
        numbers.array(f"difference/{layer}/{head}", comparison.attention(layer, head))
    next_token = comparison.next_token
    assert isinstance(next_token, llmscope.analysis.comparison.NextTokenDifference)
    numbers.array("probs", np.stack([next_token.probs_a, next_token.probs_b]))
    for name in ("kl_ab", "kl_ba", "total_variation"):
        numbers.fact(name, getattr(next_token, name))
    for name in ("gained", "lost"):
        numbers.fact(name, [(one.label, one.change) for one in getattr(next_token, name)(3)])
    numbers.fact("tokens", labels(scope.tokenizer, range(scope.facts.vocabulary)))
    return Made([view], numbers.numbers)


@fixture("two-models")
def two_models() -> Made:
    """One text, two models of different shape with tokens of their own."""
    other = Scope(tiny.MODELS["gpt2"](), tiny.sentence_piece(), name="tiny gpt2")
    view = llmscope.compare(small("llama"), other, text="The lazy dog")
    numbers = _kept(Collector(view.a), view.comparison)
    found = view.comparison.next_token
    assert isinstance(found, llmscope.analysis.comparison.NextTextDifference)
    probs = zip(found.probs_a.tolist(), found.probs_b.tolist(), strict=True)
    numbers.fact("texts", [[label, *both] for label, both in zip(found.labels, probs, strict=True)])
    numbers.fact("rest", [float(found.shares_a[-1]), float(found.shares_b[-1])])
    numbers.fact("moved", [found.total_variation, found.total_variation_most])
    return Made([view], numbers.numbers)
