"""The notebook with the Explorer on SmolLM2 that several files of tests share."""

from __future__ import annotations

import math

from playwright.sync_api import expect

from tests.browser.lab import HOLD
from tests.browser.notebook import Notebook
from tests.page.panels import Panels

SENTENCE = "When Mary and John went to the store, John gave a drink to"
# One kernel for all notebooks that can share it: to import PyTorch takes longer than a test.
KERNEL = "smollm2"
CELLS = [
    "import llmscope\nscope = llmscope.load()",
    f"explorer = scope.explore({SENTENCE!r}, layer=24, head=4)\nexplorer",
    HOLD,
    "# the last cell",
]
VIEWS = {"explorer": {"text": SENTENCE, "layer": 24, "head": 4}}
SIZE = {"width": 1360, "height": 1000}
RUN = 2


SHARE = "[[c.text, c.prob, c.cut_by] for c in explorer.distribution.top(10)]"
MARKS = str.maketrans({" ": "·", "\n": "↵", "\t": "⇥"})
STAGES = "[[stage.name, stage.kept] for stage in explorer.distribution.stages]"


def expect_bars_as_in_python(notebook: Notebook, panels: Panels) -> None:
    """Bars, notes and counts of stages are those of `explorer.distribution`, as far as printed."""
    true = notebook.ask(SHARE)
    # A click, or an arrow key, reaches the page at once and Python a little later.
    for bar, (text, prob, cut) in zip(panels.bars(), true, strict=True):
        assert bar["name"] == text.translate(MARKS)
        assert bar["note"] == (f"cut by {cut.replace('_', '-')}" if cut else "")
        printed = float(bar["value"].removesuffix(" %")) / 100
        assert math.isclose(printed, prob, rel_tol=6e-3, abs_tol=1e-12), (bar, prob)
    left = 49_152
    kept = dict(notebook.ask(STAGES))
    for name in ("temperature", "top-k", "top-p"):
        left = kept.get(name.replace("-", "_"), left)
        item = panels.stages.get_by_role("listitem").filter(has_text=name)
        expect(item).to_contain_text(f"{left:,}")


def type_text(notebook: Notebook, panels: Panels, text: str) -> int:
    """Put a text into the prompt and wait until the panels show its trace; counts its tokens."""
    panels.prompt.fill(text)
    notebook.wait_value("explorer.text", text)
    count = int(notebook.ask("len(explorer.trace)"))
    words = f"{count:,} {'token' if count == 1 else 'tokens'}"
    expect(panels.root.get_by_text(words)).to_be_visible(timeout=60_000)
    expect(panels.error).to_have_count(0)
    return count
