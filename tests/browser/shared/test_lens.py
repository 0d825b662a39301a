"""The logit lens by mouse and by keys, against Python's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.attention import eventually
from tests.browser.lab import DARK, LIGHT, Notebook, click, point

ROOT = Path(__file__).parents[3]
SENTENCE = "When Mary and John went to the store, John gave a drink to"
UGLY = "<script>alert(1)</script> 日本語 你好 👩‍👩‍👧 & naïve\n\tend"
CELLS = [
    f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    "import numpy as np, llmscope\nfrom tests import tiny\n"
    "from llmscope.text import labels\ntokenizer = tiny.byte_level()\n"
    f"scope = llmscope.load()\ntrace = scope.trace({SENTENCE!r})\n"
    "def small(name):\n"
    "    scope = llmscope.Scope(tiny.MODELS[name](), tokenizer, name=name)\n"
    "    both = {'target': 'it sleeps'} if scope.facts.family == 'encoder-decoder' else {}\n"
    "    return llmscope.LensView(scope.trace('The quick brown fox', **both))\n"
    "def words(view):\n"
    "    lens = view.trace.lens(top=1, stream=view.stream)\n"
    "    each = labels(view.scope.tokenizer, lens.ids.ravel().tolist())\n"
    "    return np.reshape(each, lens.ids.shape[:2])[::-1].tolist()\n"
    "def numbers(view, name):\n"
    "    read = getattr(view.trace.lens(top=1, stream=view.stream), name)\n"
    "    return read.reshape(read.shape[:2])[::-1].tolist()",
    "view = llmscope.LensView(trace)\nview",
    "other = llmscope.AttentionView(trace)\nlinks = llmscope.link(view, other)\nother",
    "views = {name: small(name) for name in ('mamba', 't5', 'bert', 'bert_encoder')}\n"
    "views['mamba']",
    "views['t5']",
    "views['bert']",
    "views['bert_encoder']",
]
RUN, SIZE = len(CELLS), {"width": 1700, "height": 1000}
RESET = f"""
view.text, view.layer, view.position, view.lecture = {SENTENCE!r}, 29, -1, False
view.lens, view.stream = "probability", "block"
"""
CELL = {"mamba": 3, "t5": 4, "bert": 5, "bert_encoder": 6}
_DRAWN = """table => [...table.querySelectorAll("tbody tr")].map(row =>
    [...row.querySelectorAll("td:not(.gap)")].map(cell =>
        [cell.textContent, Number(cell.style.getPropertyValue("--shade"))]))"""


class Lens:
    """The panel on screen."""

    def __init__(self, notebook: Notebook, at: int = 1) -> None:
        self.root = notebook.output(at)
        self.root.scroll_into_view_if_needed()
        self.panel = self.root.get_by_role("region", name="Logit lens")
        self.table = self.panel.get_by_role("application", name="Layers by tokens")
        self.heads = self.table.locator("thead th")
        self.reading = self.panel.locator(".lens-reading")
        self.title = self.reading.locator("h4")

    def cell(self, down: int, across: int) -> Locator:
        """A cell, counted from the upper left of what is drawn."""
        return self.table.locator("tbody tr").nth(down).locator("td:not(.gap)").nth(across)

    def drawn(self) -> list[list[tuple[str, float]]]:
        """Text and shade of each cell that is drawn, the last layer first."""
        return list(self.table.evaluate(_DRAWN))

    def pick(self, group: str, name: str) -> None:
        self.panel.get_by_role("radiogroup", name=group).get_by_text(name, exact=True).click()

    def shade_by(self, name: str) -> None:
        self.pick("What cells are shaded by", name)

    def read_of_layers(self, name: str) -> None:
        self.pick("What is read of a layer", name)

    def fact(self, name: str) -> Locator:
        return self.reading.locator(f"dt:text-is('{name}') + dd")

    def wait(self) -> None:
        expect(self.panel.locator(".note")).to_contain_text("Shade", timeout=60_000)


@pytest.fixture
def lens(notebook: Notebook) -> Lens:
    lens = Lens(notebook)
    lens.wait()
    expect(lens.title).to_have_text("Layer 29 after “to”")
    return lens


def expect_cells(notebook: Notebook, lens: Lens, view: str = "view") -> list[list[float]]:
    """All cells hold the words that Python gives; their shades are returned."""
    lens.wait()
    words = notebook.ask(f"words({view})")
    eventually(lambda: [[word for word, _ in row] for row in lens.drawn()] == words)
    return [[shade for _, shade in row] for row in lens.drawn()]


def test_every_cell_says_and_shows_what_python_says(notebook, lens):
    bits = np.log2(49_152)
    shades: dict[str, Any] = {"Probability": expect_cells(notebook, lens)}
    for measure in ("Entropy", "KL", "Rank"):
        lens.shade_by(measure)
        shades[measure] = expect_cells(notebook, lens)

    def asked(name: str) -> Any:
        return np.array(notebook.ask(f"numbers(view, {name!r})"))

    close = {"rtol": 0, "atol": 6e-4}  # as far as a style says
    np.testing.assert_allclose(shades["Probability"], asked("probs"), **close)
    np.testing.assert_allclose(shades["Entropy"], asked("entropy") / bits, **close)
    np.testing.assert_allclose(shades["KL"], np.minimum(1, asked("divergence") / bits), **close)
    ranks = asked("ranks")
    expected = np.where(ranks < 0, 0, 1 - np.log2(np.maximum(1, 1 + ranks)) / bits)
    np.testing.assert_allclose(shades["Rank"], expected, **close)
    notebook.wait_value("view.lens", "rank")
    notebook.execute("view.lens = 'entropy'")
    expect(lens.panel.get_by_role("radio", name="Entropy")).to_be_checked()


def test_the_mouse_reads_a_cell_and_a_click_takes_the_linked_view_along(notebook, lens):
    point(lens.cell(5, 12), 0.5, 0.5)  # layer 24, after "drink"
    expect(lens.title).to_have_text("Layer 24 after “drink”")
    read = notebook.ask(
        "(lambda l: [l.probs[0, 0].tolist(), int(l.ranks[0, 0]), float(l.true_probs[0, 0]), "
        "float(l.entropy[0, 0]), float(l.divergence[0, 0])])"
        "(type('L', (), {n: getattr(trace.lens(positions=[12]), n)[25:26] for n in "
        "('probs', 'ranks', 'true_probs', 'entropy', 'divergence')}))"
    )
    probs, rank, true, entropy, divergence = read
    shown = lens.reading.locator("dt.name + dd").all_text_contents()
    assert [float(one.removesuffix(" %")) for one in shown] == pytest.approx(
        [100 * prob for prob in probs], rel=6e-3
    )
    expect(lens.fact("true token")).to_have_text("to")
    expect(lens.fact("its rank")).to_have_text(f"{rank + 1:,}")
    assert float((lens.fact("its probability").text_content() or "").removesuffix(" %")) == (
        pytest.approx(100 * true, rel=6e-3)
    )
    expect(lens.fact("entropy")).to_have_text(f"{entropy:.2f} bits")
    expect(lens.fact("KL of the answer")).to_have_text(f"{divergence:.2f} bits")
    assert notebook.ask("view.position") == -1, "pointing chooses nothing"
    click(lens.cell(5, 12))
    notebook.wait_value("[view.layer, view.position]", [24, 12])
    notebook.wait_value("[other.layer, other.position]", [24, 12])
    notebook.page.mouse.move(2, 2)
    expect(lens.title).to_have_text("Layer 24 after “drink”")
    expect(lens.cell(5, 12)).to_have_class("focus")
    notebook.execute("other.layer, other.position = 3, 4")
    notebook.wait_value("[view.layer, view.position]", [3, 4])
    expect(lens.title).to_have_text("Layer 3 after “went”")


def test_keys_walk_and_escape_lets_go(notebook, lens):
    lens.table.press("ArrowLeft")
    lens.table.press("ArrowDown")
    notebook.wait_value("[view.layer, view.position]", [28, 12])
    expect(lens.title).to_have_text("Layer 28 after “drink”")
    lens.table.press("ArrowUp")
    lens.table.press("ArrowUp")
    expect(lens.title).to_have_text("Layer 29 after “drink”")
    lens.table.press("Escape")
    notebook.wait_value("view.position", -1)
    expect(lens.title).to_have_text("Layer 29 after “to”")
    notebook.execute("view.layer = 0")
    expect(lens.title).to_have_text("Layer 0 after “to”")
    lens.table.press("ArrowDown")
    expect(lens.title).to_have_text("Embeddings after “to”")
    lens.table.press("ArrowDown")
    expect(lens.cell(30, 13)).to_have_class("focus")
    lens.table.press("ArrowUp")
    expect(lens.title).to_have_text("Layer 0 after “to”")


def test_halves_of_layers_where_there_are_some(notebook, lens):
    for name, stream in (("Attention half", "attention"), ("MLP half", "mlp")):
        lens.read_of_layers(name)
        notebook.wait_value("view.stream", stream)
        expect_cells(notebook, lens)
    expect(lens.title).to_have_text("MLP of layer 29 after “to”")
    mamba = Lens(notebook, CELL["mamba"])
    expect_cells(notebook, mamba, "views['mamba']")
    mamba.read_of_layers("Attention half")
    expect(mamba.panel).to_contain_text("Layer 0 has no halves to read: it has no attention.")
    mamba.read_of_layers("Layer")
    expect_cells(notebook, mamba, "views['mamba']")


def test_other_families_say_what_is_true_of_them(notebook):
    decoder = Lens(notebook, CELL["t5"])
    expect_cells(notebook, decoder, "views['t5']")
    tokens = notebook.ask("[t.label for t in views['t5'].trace.tokens]")
    assert decoder.heads.all_text_contents() == ["layer", *tokens]
    masked = Lens(notebook, CELL["bert"])
    expect_cells(notebook, masked, "views['bert']")
    click(masked.cell(0, 3))
    own = notebook.ask("views['bert'].trace.tokens[3].label").removeprefix("·")
    expect(masked.title).to_have_text(f"Layer 2 at “{own}”")
    expect(masked.fact("true token")).to_have_text(own)
    headless = Lens(notebook, CELL["bert_encoder"])
    expect(headless.panel).to_contain_text("bert_encoder has no language-model head")


def test_a_long_text_is_drawn_and_read_where_one_looks(notebook, lens):
    notebook.execute("view.text = ' '.join(str(n) for n in range(180))")
    count = notebook.ask("len(view.trace)")
    assert count > 300
    last = notebook.ask("view.trace.tokens[-1].label")
    expect(lens.heads.last).to_have_text(last, timeout=30_000)
    lens.wait()
    assert lens.heads.count() < 40
    notebook.execute("view.position = 150")
    label = notebook.ask("view.trace.tokens[150].label")
    expect(lens.title).to_contain_text(f"“{label.removeprefix('·')}”")
    expect(lens.table.locator("td.focus")).to_be_in_viewport()
    lens.wait()
    seen = lens.table.evaluate("t => { t.scrollLeft = 0; return t.scrollWidth / t.clientWidth }")
    assert seen > 10
    expect(lens.heads.nth(1)).to_have_text(notebook.ask("view.trace.tokens[0].label"))
    lens.wait()
    words = notebook.ask("[row[:5] for row in words(view)]")
    eventually(lambda: [[word for word, _ in row[:5]] for row in lens.drawn()] == words)


def test_a_shorter_text_takes_the_place_of_a_longer_one(notebook, lens):
    for text in (SENTENCE * 6, "The cat", SENTENCE * 6, "The cat sat on the mat"):
        notebook.execute(f"view.text = {text!r}")
        last = notebook.ask("view.trace.tokens[-1].label")
        expect(lens.heads.last).to_have_text(last, timeout=30_000)
        lens.wait()
    expect_cells(notebook, lens)


def test_tokens_are_text_on_screen_and_in_pictures(notebook, lens):
    notebook.execute(f"view.text = {UGLY!r}")
    expect(lens.title).to_contain_text("after “end”")
    tokens = notebook.ask("[t.label for t in view.trace.tokens]")
    lens.wait()
    assert set(lens.heads.all_text_contents()) <= {"layer", *tokens}
    assert lens.panel.locator("script").count() == 0
    with notebook.page.expect_download() as download:
        lens.panel.get_by_role("button", name="SVG").press("Enter")
    root = ElementTree.fromstring(Path(download.value.path()).read_text("utf-8"))
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"29", "emb.", "Layer 29"} <= set(texts)
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_a_page_holds_what_is_on_screen_and_says_what_it_lacks(notebook, lens, tmp_path):
    page = tmp_path / "lens.html"
    words = notebook.ask("words(view)")
    notebook.execute(f"view.to_html({str(page)!r}, positions=[0])")
    opened = notebook.page.context.new_page()
    opened.goto(page.as_uri())
    table = opened.get_by_role("application", name="Layers by tokens")
    expect(table.locator("td.focus")).to_have_text("·Mary")
    drawn = [[word for word, _ in row] for row in table.evaluate(_DRAWN)]
    assert drawn == words, "both blocks are held: that of the first token, and the focus"
    group = opened.get_by_role("radiogroup", name="What is read of a layer")
    group.get_by_text("MLP half").click()
    expect(opened.locator(".lens-reading")).to_contain_text(
        "This lens takes the model: the page holds whole layers at tokens 0 to 13."
    )
    opened.close()


def test_pictures(notebook, lens):
    shot = notebook.screenshot
    shot("lens-light", lens.root)
    lens.shade_by("KL")
    shot("lens-kl", lens.root)
    notebook.theme(DARK)
    lens.shade_by("Probability")
    shot("lens-dark", lens.root)
    notebook.theme(LIGHT)
    notebook.execute("view.lecture = True")
    shot("lens-lecture", lens.root)
    notebook.execute(f"view.lecture = False; view.text = {UGLY!r}")
    expect(lens.title).to_contain_text("after “end”")
    lens.wait()
    notebook.page.set_viewport_size({"width": 620, "height": 1000})
    notebook.wait_drawn()
    shot("lens-narrow", lens.root)
