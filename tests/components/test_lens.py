"""The logit lens by mouse and by keys, against Python's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.components.conftest import Show
from tests.components.workshop import Shown
from tests.page.drawn import eventually
from tests.page.lens import Lens
from tests.page.panels import click, exact, point

# All columns are in sight.
BROAD: dict[str, Any] = {"panel": "lens", "width": 1600, "size": (1700, 1000)}


@pytest.fixture
def shown(show: Show) -> Shown:
    """The lens on SmolLM2's sentence, with the model's own answer in focus."""
    return show("causal", **BROAD, layer=29)


@pytest.fixture
def lens(shown: Shown) -> Lens:
    lens = Lens(shown.panels.root)
    lens.wait()
    expect(lens.title).to_have_text("Layer 29 after “to”")
    return lens


def expect_cells(shown: Shown, lens: Lens, stream: str = "block") -> list[list[float]]:
    """All cells hold Python's words; their shades are returned."""
    lens.wait()
    words = shown.numbers.lens_words(stream)
    eventually(lambda: lens.words() == words)
    return [[shade for _, shade in row] for row in lens.drawn()]


def test_every_cell_says_and_shows_what_python_says(shown, lens):
    bits = np.log2(49_152)
    shades: dict[str, Any] = {"Probability": expect_cells(shown, lens)}
    for measure in ("Entropy", "KL", "Rank"):
        lens.shade_by(measure)
        shades[measure] = expect_cells(shown, lens)

    def asked(name: str) -> Any:
        return shown.numbers.lens(name)

    close = {"rtol": 0, "atol": 6e-4}  # as far as a style says
    np.testing.assert_allclose(shades["Probability"], asked("probs")[..., 0], **close)
    np.testing.assert_allclose(shades["Entropy"], asked("entropy") / bits, **close)
    np.testing.assert_allclose(shades["KL"], np.minimum(1, asked("divergence") / bits), **close)
    ranks = asked("ranks")
    expected = np.where(ranks < 0, 0, 1 - np.log2(np.maximum(1, 1 + ranks)) / bits)
    np.testing.assert_allclose(shades["Rank"], expected, **close)
    shown.wait(lens="rank")
    shown.set(lens="entropy")
    expect(lens.panel.get_by_role("radio", name="Entropy")).to_be_checked()


def test_the_mouse_reads_a_cell_and_a_click_takes_it_into_focus(shown, lens):
    point(lens.cell(5, 12), 0.5, 0.5)  # layer 24, after "drink"
    expect(lens.title).to_have_text("Layer 24 after “drink”")
    at = (5, 12)
    probs = shown.numbers.lens("probs")[at]
    rank = shown.numbers.lens("ranks")[at]
    true = shown.numbers.lens("true_probs")[at]
    entropy = shown.numbers.lens("entropy")[at]
    divergence = shown.numbers.lens("divergence")[at]
    said = [exact(one) for one in lens.reading.locator("dt.name + dd").all()]
    assert said == pytest.approx(list(probs), rel=6e-3)
    expect(lens.fact("next token in text")).to_have_text("to")
    expect(lens.fact("rank")).to_have_text(f"{rank + 1:,}")
    assert float((lens.fact("probability").text_content() or "").removesuffix(" %")) == (
        pytest.approx(100 * true, rel=6e-3)
    )
    expect(lens.fact("entropy")).to_have_text(f"{entropy:.2f} bits")
    expect(lens.fact("KL to final prediction")).to_have_text(f"{divergence:.2f} bits")
    assert shown.trait("position") == -1, "pointing chooses nothing"
    click(lens.cell(5, 12))
    shown.wait(layer=24, position=12)
    shown.leave()
    expect(lens.title).to_have_text("Layer 24 after “drink”")
    expect(lens.cell(5, 12)).to_have_class("focus")
    shown.set(layer=3, position=4)
    expect(lens.title).to_have_text("Layer 3 after “went”")


def test_keys_walk_and_escape_lets_go(shown, lens):
    lens.table.press("ArrowLeft")
    lens.table.press("ArrowDown")
    shown.wait(layer=28, position=12)
    expect(lens.title).to_have_text("Layer 28 after “drink”")
    lens.table.press("ArrowUp")
    lens.table.press("ArrowUp")
    expect(lens.title).to_have_text("Layer 29 after “drink”")
    lens.table.press("Escape")
    shown.wait(position=-1)
    expect(lens.title).to_have_text("Layer 29 after “to”")
    shown.set(layer=0)
    expect(lens.title).to_have_text("Layer 0 after “to”")
    lens.table.press("ArrowDown")
    expect(lens.title).to_have_text("Embeddings after “to”")
    lens.table.press("ArrowDown")
    expect(lens.cell(30, 13)).to_have_class("focus")
    lens.table.press("ArrowUp")
    expect(lens.title).to_have_text("Layer 0 after “to”")


def test_halves_of_layers_where_there_are_some(shown, lens):
    for name, stream in (("Attention half", "attention"), ("MLP half", "mlp")):
        lens.read_of_layers(name)
        shown.wait(stream=stream)
        expect_cells(shown, lens, stream)
    expect(lens.title).to_have_text("MLP of layer 29 after “to”")


def test_a_layer_without_halves_says_so(show):
    shown = show("state-space", **BROAD)
    mamba = Lens(shown.panels.root)
    expect_cells(shown, mamba)
    mamba.read_of_layers("Attention half")
    expect(mamba.panel).to_contain_text("Layer 0 has no halves to read: it has no attention.")
    mamba.read_of_layers("Layer")
    expect_cells(shown, mamba)


def test_other_families_say_what_is_true_of_them(show):
    shown = show("t5", panel="lens")
    decoder = Lens(shown.panels.root)
    expect_cells(shown, decoder)
    tokens = shown.numbers.labels
    assert decoder.heads.all_text_contents() == ["layer", *tokens]
    shown = show("unmasked", **BROAD, layer=2)
    masked = Lens(shown.panels.root)
    expect_cells(shown, masked)
    click(masked.cell(0, 3))
    own = shown.numbers.names[3]
    expect(masked.title).to_have_text(f"Layer 2 at “{own}”")
    expect(masked.fact("next token in text")).to_have_text(own)
    headless = Lens(show("no-head", panel="lens").panels.root)
    expect(headless.panel).to_contain_text("bert_encoder has no language-model head")


def test_a_long_text_is_drawn_and_read_where_one_looks(show):
    shown = show("lens-of-many")
    lens, labels = Lens(shown.panels.root), shown.numbers.labels
    assert len(labels) > 300
    expect(lens.heads.last).to_have_text(labels[-1])
    lens.wait()
    assert lens.heads.count() < 40
    shown.set(position=150)
    expect(lens.title).to_contain_text(f"“{shown.numbers.names[150]}”")
    expect(lens.table.locator("td.focus")).to_be_in_viewport()
    lens.wait()
    seen = lens.table.evaluate("t => { t.scrollLeft = 0; return t.scrollWidth / t.clientWidth }")
    assert seen > 10
    expect(lens.heads.nth(1)).to_have_text(labels[0])
    lens.wait()
    words = [row[:5] for row in shown.numbers.lens_words()]
    eventually(lambda: [[word for word, _ in row[:5]] for row in lens.drawn()] == words)


def test_tokens_are_text_on_screen_and_in_pictures(show):
    shown = show("cjk", panel="lens")
    lens, tokens = Lens(shown.panels.root), shown.numbers.labels
    expect(lens.title).to_contain_text(f"after “{shown.numbers.names[-1]}”")
    lens.wait()
    assert set(lens.heads.all_text_contents()) <= {"layer", *tokens}
    assert lens.panel.locator("script").count() == 0
    with shown.page.expect_download() as download:
        lens.panel.get_by_role("button", name="SVG").press("Enter")
    root = ElementTree.fromstring(Path(download.value.path()).read_text("utf-8"))
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"0", "emb.", "Layer 0"} <= set(texts)
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_the_first_column_in_sight_is_whole(show):
    lens = Lens(show("lens-of-many", panel="lens", width=700).panels.root)
    column = 5.4 * 14
    scrolled = lens.table.evaluate("table => table.scrollLeft")
    assert scrolled > column, "the last token is in focus"
    assert scrolled / column == pytest.approx(round(scrolled / column), abs=0.02)


_CONTRASTS = """panel => {
    const numbers = text => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(one => one / 255)
        .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
        .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
    const root = panel.closest(".llmscope");
    const ground = numbers(getComputedStyle(root).backgroundColor);
    return [...panel.querySelectorAll("td:not(.gap)")].map(cell => {
        const style = getComputedStyle(cell);
        const [r, g, b, a = 1] = numbers(style.backgroundColor);
        const under = [r, g, b].map((one, at) => one * a + ground[at] * (1 - a));
        const found = style.color.startsWith("color(")
            ? numbers(style.color.replace("srgb", "")).map(one => 255 * one) : numbers(style.color);
        const [low, high] = [light(under), light(found)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    });
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_prediction_is_read_on_any_shade(show, theme):
    shown = show("causal", panel="lens", theme=theme)
    for measure in ("probability", "entropy"):
        shown.set(lens=measure)
        shown.settle()
        contrasts = shown.panels.root.locator(".lens").evaluate(_CONTRASTS)
        assert len(contrasts) > 100
        assert min(contrasts) > 3.5, measure
