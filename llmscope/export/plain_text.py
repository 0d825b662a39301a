"""What a view shows, in a few lines of text: true where no widget can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.kernel import TextInput
from llmscope.panels import PANELS, needs_trace
from llmscope.text import labels, visible
from llmscope.words import later, say, spoken

if TYPE_CHECKING:
    from llmscope.state import ViewState
    from llmscope.text import Token

_TOP = 5


def summary(state: ViewState) -> str:
    """Return what a view shows, in words of its language."""
    with spoken(state.language):
        own = [PANELS[name].words(state) for name in state.panels]
        return "\n".join([*filter(None, own), *_read(state)])


def _read(state: ViewState) -> list[str]:
    if not needs_trace(state):
        return []
    return _of_trace(state) if state.compared is None else _of_two(state)


def _of_two(state: ViewState) -> list[str]:
    """Return what two that are side by side say next, and how far that is apart."""
    compared = state.comparison
    lines = []
    for side, trace in (("A", compared.a), ("B", compared.b)):
        lines.append(f"{side}, {trace.scope.name}: {trace.text}")
    masked = {trace.scope.facts.family for trace in (compared.a, compared.b)}
    if masked <= {"causal", "encoder-decoder"}:
        after = compared.next_token
        for side, trace in (("A", compared.a), ("B", compared.b)):
            found = trace.next_token().top(_TOP)
            named = labels(trace.scope.tokenizer, [one.id for one in found])
            shares = zip(named, found, strict=True)
            lines.append(
                say(
                    "Likeliest next in {side}: {shares}",
                    side=side,
                    shares=say(", ").join(
                        f"{label} {100 * one.prob:.1f} %" for label, one in shares
                    ),
                )
            )
        lines.append(
            say(
                "Probability moved between the two: {moved:.1f} %",
                moved=100 * after.total_variation,
            )
        )
    return lines


def _of_trace(state: ViewState) -> list[str]:
    trace = state.trace
    made = TextInput.of(trace)
    texts = " / ".join(filter(None, (made.text, made.pair, made.target)))
    lines = [f"{trace.scope.name}: {texts}"]
    if "next-token" in state.panels and trace.scope.facts.family != "encoder":
        lines.append(_likeliest(state))
    if "attention" in state.panels and state.layer in trace.layers(state.kind):
        query = min(state.position, len(state.queries) - 1)
        weights = trace.attention(state.layer, state.head, [query], state.kind)[0]
        most = int(np.argmax(weights))
        lines.append(
            say(
                "Layer {layer}, head {head}: {query} looks most at {key}, with weight {weight:.3f}",
                layer=state.layer,
                head=state.head,
                query=_called(state.queries[query]),
                key=_called(state.keys[most]),
                weight=weights[most],
            )
        )
    return lines


def generated(state: ViewState) -> str:
    """Return prompt and texts of a view that generates, without making it begin."""
    assert state.scope is not None and state.session is not None
    run, stepper = state.session.run, state.session.stepper
    written = list(run.texts) if run else []
    if run is None and stepper is not None and stepper.tree.current:
        written = [stepper.text(stepper.tree.current)]
    return "\n".join([f"{state.scope.name}: {state.text}", *written])


def _likeliest(state: ViewState) -> str:
    trace, place = state.trace, state.place
    sentence = later("Likeliest tokens{settings}: {shares}")
    if trace.scope.facts.family == "masked":
        sentence = later("Likeliest tokens at {token}{settings}: {shares}")
    elif place not in (-1, len(trace) - 1):
        sentence = later("Likeliest tokens after {token}{settings}: {shares}")
    settings = ", ".join(f"{name} {state.traits[name]}" for name in state.changed)
    candidates = [one for one in state.distribution.top(_TOP) if one.prob > 0]
    named = labels(trace.scope.tokenizer, [one.id for one in candidates])
    shares = say(", ").join(
        f"{label if one.text is None else repr(one.text)} {100 * one.prob:.1f} %"
        for one, label in zip(candidates, named, strict=True)
    )
    return say(
        sentence,
        token=_called(trace.tokens[place]),
        settings=say(" ({settings})", settings=settings) if settings else "",
        shares=shares,
    )


def _called(token: Token) -> str:
    """Name a token by its text; where that isn't all of it, as of a character's piece, by label."""
    return repr(token.text) if token.label == visible(token.text) else token.label
