"""What a view shows, in a few lines of text: true where no widget can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llmscope.kernel import Reading
from llmscope.tokens import labels, visible

if TYPE_CHECKING:
    from llmscope.tokens import Token
    from llmscope.trace import Trace
    from llmscope.views.base import View

_TOP = 5


def summary(view: View) -> str:
    """Say what `view` shows."""
    trace = view.trace
    made = Reading.of(trace)
    read = " / ".join(filter(None, (made.text, made.pair, made.target)))
    lines = [f"{trace.scope.name}: {read}"]
    if "next-token" in view._panels and trace.scope.facts.family != "encoder":
        lines.append(_likeliest(view, trace))
    kind = view._kind(trace)
    if "attention" in view._panels and view.layer in trace.layers(kind):
        queries = trace.source_tokens if kind == "encoder" else trace.tokens
        keys = trace.tokens if kind == "self" else trace.source_tokens
        query = min(view.position, len(queries) - 1)
        weights = trace.attention(view.layer, view.head, [query], kind)[0]
        most = int(np.argmax(weights))
        lines.append(
            f"Layer {view.layer}, head {view.head}: {_called(queries[query])} looks most at "
            f"{_called(keys[most])}, with weight {weights[most]:.3f}"
        )
    return "\n".join(lines)


def _likeliest(view: View, trace: Trace) -> str:
    from llmscope.views.base import SAMPLING

    place = view._place()
    where = "" if place in (-1, len(trace) - 1) else f" after {_called(trace.tokens[place])}"
    if trace.scope.facts.family == "masked":
        where = f" at {_called(trace.tokens[place])}"
    changed = [name for name in SAMPLING if view.trait_defaults(name) != getattr(view, name)]
    sampled = f" ({', '.join(f'{name} {getattr(view, name)}' for name in changed)})"
    candidates = [one for one in view.distribution.top(_TOP) if one.prob > 0]
    named = labels(trace.scope.tokenizer, [one.id for one in candidates])
    shares = ", ".join(
        f"{label if one.text is None else repr(one.text)} {one.prob:.1%}"
        for one, label in zip(candidates, named, strict=True)
    )
    return f"Likeliest tokens{where}{sampled if changed else ''}: {shares}"


def _called(token: Token) -> str:
    """Name a token by its text; where that isn't all of it, as of a character's piece, by label."""
    return repr(token.text) if token.label == visible(token.text) else token.label
