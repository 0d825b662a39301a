"""A trace in short, as a page shows it: its input, tokens, roles and shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from llmscope.kernel.text_input import TextInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmscope.shared import Kind
    from llmscope.text import Token
    from llmscope.trace import Trace

Spans = list[tuple[int, int]]


def summary(trace: Trace) -> dict[str, Any]:
    """Return all that a page needs to lay a trace out; offsets are those of JavaScript."""
    tokens = trace.source_tokens or trace.tokens
    target = trace.tokens if trace.source_tokens else ()
    made = TextInput.of(trace)
    segments = trace.segments
    hidden = [trace.unmasked_tokens[n] for n in made.masked]
    return {
        "text": made.text,
        "pair": made.pair,
        "written": made.target,
        "second": segments.index(1) if 1 in segments else None,
        "masked": [*made.masked],
        "gaps": [*trace.gaps] if trace.scope.facts.family == "masked" else [],
        "ended": bool(target) and _has_ended(trace),
        "kind": default_kind(trace),
        "last": len(trace) - 1,
        "tokens": _rows(tokens, utf16(trace.text, [(t.start, t.end) for t in tokens])),
        "roles": list(trace.roles),
        "why_no_roles": trace.why_no_roles,
        "target": _rows(target, utf16(made.target, [(t.start, t.end) for t in target])),
        "kinds": {
            kind: [[n, *trace.heads(n, kind)] for n in trace.layers(kind)] for kind in trace.kinds
        },
        "why": trace.why_no_attention,
        "cache": [trace.scope.cache_bytes, trace.scope.cache_limit],
        # What `masked` hides.
        **({"hidden": _rows(hidden, [(t.start, t.end) for t in hidden])} if hidden else {}),
    }


def default_kind(trace: Trace) -> Kind:
    """Return the attention that views show first: in encoder-decoder models, the encoder's."""
    return "encoder" if trace.source_tokens else "self"


def utf16(text: str, spans: Spans) -> Spans:
    """Return offsets as JavaScript counts: characters outside the basic plane count twice."""
    if text.isascii() or max(text) <= "\uffff":
        return spans
    units = np.concatenate([[0], np.cumsum([1 + (char > "\uffff") for char in text])])
    return [(int(units[start]), int(units[end])) for start, end in spans]


def _rows(tokens: Sequence[Token], spans: Spans) -> list[list[Any]]:
    return [
        [token.id, token.label, start, end, token.special]
        for token, (start, end) in zip(tokens, spans, strict=True)
    ]


def _has_ended(trace: Trace) -> bool:
    """Whether the decoder's text ends with the token that ends a text."""
    ends = getattr(trace.scope.generation_config, "eos_token_id", None)
    return len(trace) > 1 and trace.ids[-1] in (ends if isinstance(ends, list) else [ends])
