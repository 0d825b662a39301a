"""What a view shows, in a few lines of text: true where no widget can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from llmscope.views.base import View

_TOP = 5


def summary(view: View) -> str:
    """Say what `view` shows."""
    trace = view.trace
    text = trace.text if "generation" in view._panels else view.text
    lines = [f"{trace.scope.name}: {text}"]
    if "next-token" in view._panels and trace.scope.facts.family != "encoder":
        candidates = view.distribution.top(_TOP)
        shares = ", ".join(f"{one.text!r} {one.prob:.1%}" for one in candidates if one.prob > 0)
        lines.append(f"Likeliest tokens: {shares}")
    kind = view._kind(trace)
    if "attention" in view._panels and view.layer in trace.layers(kind):
        queries = trace.source_tokens if kind == "encoder" else trace.tokens
        keys = trace.tokens if kind == "self" else trace.source_tokens
        query = min(view.position, len(queries) - 1)
        weights = trace.attention(view.layer, view.head, [query], kind)[0]
        most = int(np.argmax(weights))
        lines.append(
            f"Layer {view.layer}, head {view.head}: {queries[query].text!r} looks most at "
            f"{keys[most].text!r}, with weight {weights[most]:.3f}"
        )
    return "\n".join(lines)
