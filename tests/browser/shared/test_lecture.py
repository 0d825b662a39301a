"""Seven lessons on a stage of 1280 × 720, as a lecturer gives them: by keys alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.explorer import SENTENCE
from tests.browser.notebook import Notebook
from tests.page.lens import Lens
from tests.page.panels import Panels, exact

ROOT = Path(__file__).parents[3]
DATE, DOGS, CITIES = (
    "March 3, 1998",
    "the dog sleeps, the dogs sleep",
    "The largest city of Japan is",
)
CELLS = [
    f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    "import torch, transformers as tf, llmscope\nfrom tests import tiny, translation\n"
    "scope = llmscope.load(progress=lambda *_: None)",
    f"explorer = scope.explore({SENTENCE!r}, layer=24, head=4, lecture=True)\nexplorer",
    "words = tiny.word_piece()\n"
    "words.model_input_names = ['input_ids', 'token_type_ids', 'attention_mask']\n"
    "torch.manual_seed(0)\n"
    "sizes = {'vocab_size': len(words), 'hidden_size': 32, 'num_attention_heads': 4}\n"
    "bert = tf.BertForPreTraining(tf.BertConfig(**sizes, num_hidden_layers=2)).eval()\n"
    "gaps = llmscope.Scope(bert, words, name='tiny BERT')"
    f".explore({DOGS!r}, lecture=True)\ngaps",
    "characters = translation.tokenizer()\n"
    "dates = llmscope.Scope(translation.load(characters), characters, name='dates')"
    f".explore({DATE!r}, kind='encoder', lecture=True)\ndates",
    f"lens = llmscope.LensView(scope.trace({SENTENCE!r}), layer=29, lecture=True)\nlens",
    f"writing = llmscope.GenerationView(scope, {CITIES!r}, do_sample=False, max_new_tokens=6,"
    " lecture=True)\nwriting",
]
NAMES = ("explorer", "gaps", "dates", "lens", "writing")
RUN, SIZE = len(CELLS), {"width": 1280, "height": 720}
VIEWS = {
    "explorer": {"text": SENTENCE, "layer": 24, "head": 4, "lecture": True},
    "gaps": {"text": DOGS, "lecture": True},
    "dates": {"text": DATE, "kind": "encoder", "lecture": True},
    "lens": {"text": SENTENCE, "layer": 29, "lecture": True},
    "writing": {
        "text": CITIES, "do_sample": False, "max_new_tokens": 6, "lecture": True,
    },
}  # fmt: skip
_AT = """stage => {
    let at = document.activeElement;
    while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return stage.contains(at)
        ? at.getAttribute("aria-label") ?? (at.labels?.[0] ?? at).textContent.trim() : null;
}"""


class Lecture:
    """A stage, and hands that are on the keyboard."""

    def __init__(self, notebook: Notebook, name: str) -> None:
        self.notebook, self.name = notebook, name
        self.panels = Panels(notebook.output(1 + NAMES.index(name)))
        self.stage = self.panels.root.locator(".stage")
        self.stage.focus()
        self.stage.scroll_into_view_if_needed()
        self.settle()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, and wait for what follows."""
        for key in keys:
            self.notebook.page.keyboard.press(key)
            self.settle()

    def settle(self) -> None:
        self.panels.settle()

    def tab_to(self, name: str, key: str = "Tab") -> None:
        """Go by Tab to what has a name that matches from its beginning."""
        seen = []
        for _ in range(40):
            self.notebook.page.keyboard.press(key)
            seen.append(self.stage.evaluate(_AT))
            if re.match(name, seen[-1] or ""):
                return
        raise AssertionError(f"{name} is not among {seen}")

    def wait(self, trait: str, value: object) -> None:
        self.notebook.wait_value(f"{self.name}.{trait}", value)

    def ask(self, trait: str) -> object:
        return self.notebook.ask(f"{self.name}.{trait}")

    def share_of(self, token: str) -> float:
        """The final share of a token among the bars."""
        return exact(self.panels.rows.filter(has_text=token).first.locator(".value"))

    def picture(self) -> None:
        self.notebook.screenshot(f"lecture-{self.name}", self.stage)


@pytest.fixture
def lecture(notebook: Notebook, request: pytest.FixtureRequest) -> Lecture:
    found = Lecture(notebook, request.param)
    expect(found.stage).to_be_in_viewport(ratio=0.9)
    return found


on = pytest.mark.parametrize


@on("lecture", ["explorer"], indirect=True)
def test_sampling(lecture):
    panels = lecture.panels
    lecture.press("5")
    lecture.press("ArrowRight", "ArrowRight")
    lecture.wait("temperature", 1.02)
    lecture.press("Alt+3")
    lecture.wait("temperature", 1.5)
    lecture.tab_to("top-p")
    lecture.press(*["ArrowLeft"] * 3)
    lecture.wait("top_p", 0.97)
    expect(panels.rows.first).to_contain_text("Mary")
    lecture.tab_to("Sample once")
    lecture.press("Space")
    dice = panels.next.locator(".dice")
    expect(dice).to_contain_text("→")
    lecture.tab_to("Sample 1,000×")
    lecture.press("Space")
    expect(panels.rows.first.locator(".drawn")).to_be_visible()
    lecture.picture()
    lecture.press("Control+z")
    lecture.wait("top_p", 0.98)
    lecture.press("Alt+0")
    lecture.wait("temperature", 1)
    lecture.press("c")
    lecture.tab_to("fixed", "Shift+Tab")
    lecture.press("Space", "c")
    expect(panels.next.locator(".axis span").last).to_have_text("100 %")


@on("lecture", ["explorer"], indirect=True)
def test_attention(lecture):
    panels = lecture.panels
    before = lecture.share_of("Mary")
    lecture.press("1", "ArrowUp")
    lecture.wait("head", 3)
    lecture.press("ArrowDown")
    lecture.wait("head", 4)
    lecture.press("x")
    expect(panels.rows.first.locator(".base")).to_be_visible()
    assert abs(lecture.share_of("Mary") - before) > 0.01
    lecture.press("x")
    lecture.wait("edits", [])
    lecture.press("2", "ArrowLeft")
    expect(panels.readout).to_contain_text("→")
    lecture.press("3", "ArrowUp")
    expect(panels.readout).to_contain_text("pinned")
    lecture.press("Escape", "4")
    step = panels.steps.locator("[aria-current]")
    names = [step.inner_text()]
    for _ in range(6):
        lecture.press("ArrowRight")
        names.append(step.inner_text())
    assert names == ["q · k", "scale", "mask", "softmax", "values", "concat", "× W_O"]
    lecture.picture()
    # The question that always comes: and with another name?
    lecture.tab_to("Prompt", "Shift+Tab")
    lecture.press("Control+End")
    lecture.notebook.page.keyboard.type(" Mary")
    lecture.wait("text[-5:]", " Mary")
    lecture.tab_to("Heads", "Shift+Tab")
    lecture.press("2")
    expect(panels.cells).to_be_visible()


@on("lecture", ["explorer"], indirect=True)
def test_perplexity(lecture):
    panels = lecture.panels
    lecture.press("6", "ArrowLeft", "ArrowLeft")
    lecture.wait("position", 11)
    chain = panels.root.get_by_role("region", name="Chain rule")
    perplexity = lecture.notebook.ask("float(explorer.trace.perplexity)")
    expect(chain).to_contain_text(f"{perplexity:.1f}")
    expect(chain).to_contain_text("bits per token")
    lecture.picture()


@on("lecture", ["gaps"], indirect=True)
def test_gaps(lecture):
    panels = lecture.panels
    lecture.tab_to("Prompt")
    lecture.press("Alt+ArrowLeft", "Alt+ArrowLeft", "Alt+m")
    gap = lecture.ask("masked")
    assert isinstance(gap, list) and len(gap) == 1
    token = panels.root.get_by_role("region", name="Token at the gap")
    expect(token.locator(".actual")).to_contain_text(re.compile(r"hidden: \S+ rank \d+"))
    lecture.tab_to("Heads", "Shift+Tab")
    lecture.press("5")
    best = token.locator(".bars > li").first.locator(".name").inner_text()
    lecture.tab_to(re.escape(best))
    lecture.picture()
    lecture.press("Enter")
    lecture.wait("masked", [])
    lecture.press("1")
    expect(panels.overview).to_be_visible()


@on("lecture", ["dates"], indirect=True)
def test_cross_attention(lecture):
    panels = lecture.panels
    lecture.tab_to("Step$")
    for _ in range(4):
        lecture.press("Enter")
    lecture.wait("target", "1998")
    lecture.tab_to("Matrix", "Shift+Tab")
    lecture.press("2", "c")
    lecture.tab_to("encoder")
    lecture.press("ArrowRight", "ArrowRight")
    lecture.wait("kind", "cross")
    lecture.press("c")
    expect(panels.title).to_contain_text("decoder → encoder")
    lecture.press("2", "ArrowUp")
    expect(panels.readout).to_contain_text("→")
    expect(panels.rows.first).to_be_visible()
    lecture.picture()
    lecture.press("1", "ArrowRight")
    lecture.wait("head", 1)


@on("lecture", ["lens"], indirect=True)
def test_lens(lecture):
    lens = Lens(lecture.panels.root)
    for layer in (28, 27, 26):
        lecture.press("ArrowDown")
        lecture.wait("layer", layer)
    lecture.press("ArrowLeft")
    lecture.wait("position", 12)
    expect(lens.title).to_contain_text("Layer 26 after “drink”")
    lecture.picture()
    lecture.tab_to("Probability", "Shift+Tab")
    lecture.press("ArrowRight")
    lecture.wait("lens", "entropy")


@on("lecture", ["writing"], indirect=True)
def test_writing(lecture):
    panels = lecture.panels
    panel = panels.root.get_by_role("region", name="Generation")
    lecture.tab_to("▶ Play")
    lecture.press("Enter")
    written = panel.locator(".written .wrote")
    expect(written).to_have_count(6)
    lecture.tab_to("The text.")
    lecture.press("ArrowLeft", "ArrowLeft")
    looked = panel.locator(".wrote.here")
    expect(looked).to_have_count(1)
    expect(panel.locator(".caption")).to_contain_text("rank 1")
    first = panels.rows.first.locator(".name").inner_text()
    lecture.tab_to(re.escape(first))
    lecture.press("ArrowDown", "Enter")
    lecture.press("c")
    branches = panel.get_by_role("tree", name="Branches")
    expect(branches.get_by_role("treeitem")).to_have_count(3)
    lecture.tab_to("compare", "Shift+Tab")
    lecture.press("Enter", "c")
    expect(panel.locator(".written .other")).to_have_count(1)
    lecture.picture()
