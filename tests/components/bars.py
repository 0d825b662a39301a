"""The next-token panel's bars, held against Python's distributions."""

from __future__ import annotations

import math
from typing import Any

from playwright.sync_api import expect

from llmscope import Distribution
from tests.components.workshop import Shown
from tests.page.panels import Panels

MARKS = str.maketrans({" ": "·", "\n": "↵", "\t": "⇥"})
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical_p", "order")


def distribution(shown: Shown, **changed: Any) -> Distribution:
    """What Python makes of the logits after the last token, with the settings on screen."""
    settings = {name: shown.trait(name) for name in SAMPLING} | changed
    return Distribution.from_logits(shown.numbers.logits(), **settings)


def expect_bars_as_in_python(shown: Shown, panels: Panels, position: int = -1) -> None:
    """Bars, notes and counts of stages are those of Python, as far as printed.

    After tokens other than the last, settings have to be neutral.
    """
    named = shown.numbers.top(position)
    true = [(text, prob, None) for text, prob in named]
    kept: dict[str, int] = {}
    if position == -1:
        found = distribution(shown)
        rows = zip(named, found.top(10), strict=True)
        true = [(text, row.prob, row.cut_by) for (text, _), row in rows]
        kept = {stage.name: stage.kept for stage in found.stages}
    for bar, (text, prob, cut) in zip(panels.bars(), true, strict=True):
        assert bar["name"] == text.translate(MARKS)
        assert bar["note"] == (f"cut by {cut.replace('_', '-')}" if cut else "")
        printed = float(bar["value"].removesuffix(" %")) / 100
        assert math.isclose(printed, prob, rel_tol=6e-3, abs_tol=1e-12), (bar, prob)
    left = 49_152
    for name in ("temperature", "top-k", "top-p"):
        left = kept.get(name.replace("-", "_"), left)
        item = panels.stages.get_by_role("listitem").filter(has_text=name)
        expect(item).to_contain_text(f"{left:,}")
