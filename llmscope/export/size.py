"""How large a page will be, before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Unpack

from llmscope.export.selection import Choice, Group, Plan, Wanted, checked_views, grouped, plan, wanted
from llmscope.export.encoding import BINS, LIKELIEST
from llmscope.export.page import SCRIPT
from llmscope.kernel.lens import BLOCK, TOP
from llmscope.views.base import View

# Bytes in a page for each byte, or number, before it is compressed and written as base64.
_BASE64 = 4 / 3
_PER_WEIGHT = {"float16": 1.75 * _BASE64, "float32": 3.4 * _BASE64}
_PER_LIKELY = 4.4 * _BASE64  # id and logit
_PER_LABEL = 5.0 * _BASE64
_PER_BIN = 0.85 * _BASE64
_PER_FLOAT = 3.6 * _BASE64
_PER_SHADE = 0.6 * _BASE64


class Size(NamedTuple):
    """Bytes of a page, or an estimate of them."""

    program: int
    attention: int
    next_token: int
    lens: int
    rest: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self)

    def __str__(self) -> str:
        parts = ", ".join(
            f"{name.replace('_', ' ')} {size / 1e6:.2f}"
            for name, size in self._asdict().items()
            if size
        )
        return f"{self.total / 1e6:.2f} MB: {parts}"


def estimate(views: View | Sequence[View], **choice: Unpack[Choice]) -> Size:
    """Estimate how large a page of `to_html` will be, without reading what goes into it.

    Only the texts are run through the model. The arguments are those of `to_html`. How well weights
    compress depends on the model: expect the true size within a third.
    """
    shown = checked_views(views)
    want = wanted(**choice)
    size = Size(SCRIPT.stat().st_size + 2000, 0, 0, 0, 0)
    for group in grouped(shown):
        for reading in group.readings(want.prompts):
            parts = _estimated(plan(group, reading, want), group, want)
            size = Size(*(a + b for a, b in zip(size, parts, strict=True)))
    return size


def _estimated(made: Plan, group: Group, want: Wanted) -> Size:
    trace = made.trace
    facts = trace.scope.facts
    attention = rest = 0.0
    for kind, pairs in made.heads.items():
        cells = trace.queries(kind) * trace.keys(kind)
        if kind == "self" and facts.family in ("causal", "encoder-decoder"):
            cells = (cells + trace.queries(kind)) // 2
        attention += cells * len(pairs) * _PER_WEIGHT[want.precision]
        if "overview" in group.panels:
            rows, keys = min(trace.queries(kind), 32), min(trace.keys(kind), 32)
            for layer in trace.layers(kind):
                heads = trace.heads(layer, kind)[0]
                rest += 6 * heads * _PER_FLOAT
                if not made.whole(kind, layer):
                    rest += heads * rows * keys * _PER_SHADE
    for kind, *_ in made.steps:
        width = facts.heads and getattr(trace.scope.model.config, "hidden_size", 0) / facts.heads
        rest += (2 * width * trace.keys(kind) + 4 * width * facts.heads) * _PER_FLOAT
    likeliest = min(LIKELIEST, facts.vocabulary)
    told = len(made.positions)
    labels = min(facts.vocabulary, likeliest * told**0.7)
    bins = BINS if facts.vocabulary > LIKELIEST else 0
    each = likeliest * _PER_LIKELY + bins * _PER_BIN
    next_token = told * each + labels * _PER_LABEL
    rest += 30 * len(trace) + 3000
    layers = facts.layers + 1
    read = sum(min(BLOCK, len(trace) - number * BLOCK) for _, number in made.lens)
    lens = read * layers * (TOP * _PER_LIKELY + 4 * _PER_FLOAT)
    return Size(0, int(attention), int(next_token), int(lens), int(rest))
