"""The logit lens by mouse and by keys, against Python's numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import DARK, LIGHT, Notebook, box

ROOT = Path(__file__).parents[3]
SENTENCE = "When Mary and John went to the store, John gave a drink to"
UGLY = "<script>alert(1)</script> 日本語 你好 👩‍👩‍👧 & naïve\n\tend"
CELLS = [
    f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    "import llmscope\nfrom tests import tiny\ntokenizer = tiny.byte_level()\n"
    f"scope = llmscope.load()\ntrace = scope.trace({SENTENCE!r})\n"
    "def small(name):\n"
    "    scope = llmscope.Scope(tiny.MODELS[name](), tokenizer, name=name)\n"
    "    both = {'target': 'it sleeps'} if scope.facts.family == 'encoder-decoder' else {}\n"
    "    return llmscope.LensView(scope.trace('The quick brown fox', **both))",
    "view = llmscope.LensView(trace)\nview",
    "other = llmscope.AttentionView(trace)\nlinks = llmscope.link(view, other)\nother",
    "views = {name: small(name) for name in ('mamba', 't5', 'bert', 'bert_encoder')}\n"
    "views['mamba']",
    "views['t5']",
    "views['bert']",
    "views['bert_encoder']",
]
RUN, SIZE = len(CELLS), {"width": 1360, "height": 1000}
RESET = f"""
view.text, view.layer, view.position, view.lecture = {SENTENCE!r}, 29, -1, False
view.lens, view.stream = "probability", "block"
"""
CELL = {"mamba": 3, "t5": 4, "bert": 5, "bert_encoder": 6}


class Lens:
    """The panel on screen."""

    def __init__(self, notebook: Notebook, at: int = 1) -> None:
        self.root = notebook.output(at)
        self.root.scroll_into_view_if_needed()
        self.panel = self.root.get_by_role("region", name="Logit lens")
        self.table = self.panel.get_by_role("application", name="Layers by tokens")
        self.reading = self.panel.locator(".lens-reading")

    def cell(self, row: int, position: int) -> Locator:
        """The cell of a row, 0 for the embeddings, at a position that is drawn."""
        rows = self.table.locator("tbody tr").count()
        first = round(box(self.table.locator("thead .gap").first)["width"] / 75.6)
        return (
            self.table.locator("tbody tr")
            .nth(rows - 1 - row)
            .locator("td")
            .nth(position - first + 1)
        )

    def pick(self, group: str, name: str) -> None:
        self.panel.get_by_role("radiogroup", name=group).get_by_text(name, exact=True).click()

    def fact(self, name: str) -> Locator:
        return self.reading.locator(f"dt:text-is({name!r}) + dd")

    def wait(self) -> None:
        expect(self.panel.locator(".note")).to_contain_text("Shade", timeout=60_000)


@pytest.fixture
def lens(notebook: Notebook) -> Lens:
    lens = Lens(notebook)
    lens.wait()
    expect(lens.reading.locator("h4")).to_contain_text("Layer 29 after “to”")
    return lens


def test_pictures(notebook, lens):
    shot = notebook.screenshot
    shot("lens-light", lens.root)
    for measure in ("Entropy", "Rank", "KL"):
        lens.pick("What cells are shaded by", measure)
        shot(f"lens-{measure.lower()}", lens.root)
    notebook.theme(DARK)
    shot("lens-dark-kl", lens.root)
    lens.pick("What cells are shaded by", "Probability")
    shot("lens-dark", lens.root)
    notebook.theme(LIGHT)
    notebook.execute("view.lecture = True")
    shot("lens-lecture", lens.root)
    notebook.execute(f"view.lecture = False; view.text = {UGLY!r}")
    notebook.page.wait_for_timeout(1500)
    lens.wait()
    shot("lens-ugly", lens.root)
    notebook.page.set_viewport_size({"width": 620, "height": 1000})
    shot("lens-narrow", lens.root)
    for name in CELL:
        shot(f"lens-{name}", Lens(notebook, CELL[name]).root)
