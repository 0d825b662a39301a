"""What edits show of SmolLM2, for docs; `python -m tests.bench.edits_results` prints it.

The heads with the greatest true effect in one sentence, beside two cheaper answers; what the others
do without the first of them; what is predicted without some; effects of the tokens; and what a text
loses with each layer.
"""

from __future__ import annotations

from functools import partial

import numpy as np

import llmscope
from llmscope.analysis.effects import Effects, Method, Part
from tests.bench.passes import load
from tests.bench.table import show

SENTENCE = "When Mary and John went to the store, John gave a drink to"
TEXT = (
    "The lighthouse stood at the end of a narrow road, a mile from the village. For thirty years "
    "the same family had looked after it. Every evening the father climbed the stairs, cleaned "
    "the glass and lit the lamp, and every morning one of the children put it out again. In "
    "winter the waves came up to the door, and nobody left the house for days. Then they read, "
    "mended nets and told each other stories about ships that had been lost before the tower was "
    "built. When the lamp was replaced by an electric one, a man from the city came to show them "
    "how it worked. He stayed for two days, ate well, and wrote in his report that there was "
    "nothing he could teach them about the sea."
)


def heads(scope: llmscope.Scope) -> None:
    """Print the ten heads with the greatest true effect, and how well the others agree."""
    trace = scope.trace(SENTENCE)
    ask = partial(trace.effects, " Mary", " John")
    true, direct, estimate = ask(method="ablate"), ask(method="direct"), ask(method="gradient")
    answers = (true, direct, estimate)
    top = [(part.layer, part.head) for part in true.top(10)]
    show(
        f"Logit of Mary less that of John: {true.measured:.2f}",
        ["head", "switched off", "direct", "estimate"],
        [[f"{at[0]}·{at[1]}", *(f"{found.values[at]:+.2f}" for found in answers)] for at in top],
    )
    for name, other in (("direct", direct), ("estimate", estimate)):
        print(f"{name}, over {true.values.size} heads: {agreement(true.values, other.values)}")
    first = true.top(1)[0]
    print(f"Without {named(first)}, direct effects of other heads change most by:")
    print(", ".join(f"{named(part)} {part.effect:+.2f}" for part in moved(scope, first, direct)))


def agreement(one: np.ndarray, other: np.ndarray) -> str:
    """Return how alike two arrays of effects are, in words."""
    one, other = one.ravel(), other.ravel()
    whole = np.corrcoef(one, other)[0, 1]
    ranks = np.corrcoef(one.argsort().argsort(), other.argsort().argsort())[0, 1]
    both = {*np.abs(one).argsort()[-10:]} & {*np.abs(other).argsort()[-10:]}
    return f"correlation {whole:.2f}, of ranks {ranks:.2f}; {len(both)} of the ten greatest"


def moved(scope: llmscope.Scope, off: Part, before: Effects) -> list[Part]:
    """Return the three heads whose direct effect changes most without another."""
    edit = llmscope.ablate(head=(off.layer, off.head))  # type: ignore[arg-type]
    after = scope.trace(SENTENCE, edits=[edit]).effects(" Mary", " John")
    changes = [
        Part(then.what, then.layer, then.head, None, now.effect - then.effect)
        for then, now in zip(before.parts(), after.parts(), strict=False)
        if then.what == "head" and (then.layer, then.head) != (off.layer, off.head)
    ]
    return sorted(changes, key=lambda part: -abs(part.effect))[:3]


def named(head: Part) -> str:
    return f"{head.layer}·{head.head}"


def shares(scope: llmscope.Scope) -> None:
    """Print how likely both names are without heads that docs/howto/teach.md switches off."""
    names = [scope.tokenizer.encode(word)[0] for word in (" Mary", " John")]
    rows = []
    for off in ([], [(24, 4)], [(23, 3)], [(23, 3), (1, 5)]):
        trace = scope.trace(SENTENCE, edits=[llmscope.ablate(head=head) for head in off])
        found = trace.next_token().probs[names]
        heads_off = ", ".join(f"{layer}·{head}" for layer, head in off)
        rows.append([heads_off or "none", *(f"{100 * one:.1f} %" for one in found)])
    show("Probabilities", ["heads off", "Mary", "John"], rows)


def tokens(scope: llmscope.Scope) -> None:
    """Print what three methods say of each token of the sentence."""
    trace = scope.trace(SENTENCE)
    methods: tuple[Method, ...] = ("saliency", "integrated_gradients", "occlusion")
    found = [trace.effects(" Mary", " John", of="tokens", method=method) for method in methods]
    show(
        "Effects of tokens",
        ["token", *methods],
        [
            [label, *(f"{effects.values[at]:+.2f}" for effects in found)]
            for at, label in enumerate(found[0].labels)
        ],
    )
    total, (lacking,) = found[1].values.sum(), found[1].rest
    print(f"Integrated gradients sum to {total:.2f}; they should to {total + lacking.effect:.2f}.")


def layers(scope: llmscope.Scope) -> None:
    """Print what a text loses with each layer: the five that it loses most with, and least."""
    trace = scope.trace(TEXT)
    without = {
        layer: scope.trace(TEXT, edits=[llmscope.ablate(layer=layer)]).perplexity
        for layer in range(scope.facts.layers)
    }
    ordered = sorted(without, key=lambda layer: -without[layer])
    show(
        f"Perplexity of {len(trace)} tokens: {trace.perplexity:.1f}",
        ["layer off", "perplexity", "times"],
        [
            [f"{layer}", f"{without[layer]:,.1f}", f"{without[layer] / trace.perplexity:,.2f}"]
            for layer in ordered[:5] + ordered[-5:]
        ],
    )
    print("All:", ", ".join(f"{layer}: {found:,.1f}" for layer, found in without.items()))


if __name__ == "__main__":
    loaded = load()
    heads(loaded)
    shares(loaded)
    tokens(loaded)
    layers(loaded)
