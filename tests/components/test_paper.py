"""What is printed: all of it, in ink on white, as wide as the paper, and nothing to press."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page, expect

import llmscope
from llmscope.scope import Scope
from llmscope.shared import LIGHT
from tests import tiny
from tests.page.drawn import eventually
from tests.page.panels import Panels
from tests.page.pdf import Pdf

A4, LETTER = 794, 816  # pixels
TEXT = "The lazy dog sleeps while the quick brown fox jumps over it"
# What is too small for what is in it, and hides the rest; or what is beyond the paper.
CUT = """root => [...root.querySelectorAll(".llmscope *")].filter(element => {
    const { width, height, right } = element.getBoundingClientRect();
    if (!width || !height || element.closest("canvas, svg, textarea, td, th")) return false;
    const { overflowX, overflowY } = getComputedStyle(element);
    const hides = (over, inner, outer) => over !== "visible" && inner > outer + 2;
    return right > innerWidth + 1
        || hides(overflowX, element.scrollWidth, element.clientWidth)
        || hides(overflowY, element.scrollHeight, element.clientHeight);
}).map(element => `${element.tagName}.${element.className}`)"""
TOLD = """() => new Promise(done => addEventListener(
    "message", ({ data }) => data.llmscope?.paper && done()))"""
VIEWS = {
    "Explorer": lambda scope: scope.explore(TEXT, chain_rule=True),
    "matrix": lambda scope: llmscope.AttentionView(scope.trace(TEXT)),
    "arcs": lambda scope: llmscope.AttentionView(scope.trace(TEXT), mode="arcs", heads=[(1, 2)]),
    "steps": lambda scope: llmscope.AttentionView(scope.trace(TEXT), mode="steps"),
    "next": lambda scope: llmscope.NextTokenView(scope.trace(TEXT), temperature=0.7),
    "tokens": lambda scope: llmscope.TokensView(scope.trace(TEXT)),
    "lens": lambda scope: llmscope.LensView(scope.trace(TEXT)),
    "generation": lambda scope: llmscope.GenerationView(
        scope.generate(TEXT, max_new_tokens=3, seed=0)
    ),
    "survey": lambda scope: llmscope.survey(scope, [TEXT, "The dog sleeps."]),
}
SAMPLE = ("Explorer", "generation")  # what CI prints


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")


@pytest.fixture
def dark(browser: Browser, guard) -> Iterator[Page]:
    """A page on a wide screen, in the dark."""
    fresh = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme="dark")
    guard.watch(fresh)
    yield fresh.new_page()
    fresh.close()


def opened(page: Page, html: str) -> Panels:
    page.set_content(html)
    panels = Panels(page.locator("main > div").first)
    expect(page.locator(".llmscope")).to_be_visible()
    panels.settle()
    return panels


def rgb(color: str) -> str:
    return f"rgb({', '.join(str(int(color[at : at + 2], 16)) for at in (1, 3, 5))})"


def on_paper(page: Page, width: int) -> None:
    """Show a page as it is laid out for paper of this width."""
    page.emulate_media(media="print")
    page.set_viewport_size({"width": width, "height": 1000})
    expect(page.locator("main > div").first).to_have_attribute("data-paper", "")


def alike(one: bytes, other: bytes) -> bool:
    """Whether two pictures are the same but for a few letters that may lie a pixel lower."""
    first, second = (Image.open(io.BytesIO(png)).convert("RGB") for png in (one, other))
    if first.size != second.size:
        return False
    differ = ImageChops.difference(first, second).convert("L").point(lambda by: bool(by) * 255)
    return differ.histogram()[255] < 0.0005 * first.width * first.height


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.whole) for name in VIEWS],
)
def test_nothing_is_cut_on_paper(dark, scope, name):
    view = VIEWS[name](scope)
    panels = opened(dark, view.to_html().html)
    expect(panels.root.locator(".llmscope")).to_contain_class("dark")
    dark.wait_for_timeout(300)  # what is drawn a frame later
    before = panels.root.screenshot()
    tools = panels.root.locator("[data-tool]")
    seen = [tool.is_visible() for tool in tools.all()]
    for width in (A4, LETTER):
        on_paper(dark, width)
        assert panels.root.evaluate(CUT.replace("root.query", "root.shadowRoot.query")) == []
    shown = panels.root.locator(".llmscope")
    expect(shown).to_contain_class("light")
    expect(shown).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(shown).to_have_css("print-color-adjust", "exact")
    expect(shown).to_have_css("color", rgb(LIGHT["ink"]))
    for tool in tools.all():
        expect(tool).to_be_hidden()
    expect(dark.locator("footer")).to_have_css("color", rgb(LIGHT["soft"]))
    # On the screen all is as it was.
    dark.emulate_media(media="screen")
    dark.set_viewport_size({"width": 1400, "height": 900})
    eventually(lambda: alike(panels.root.screenshot(), before))
    assert [tool.is_visible() for tool in tools.all()] == seen
    view.close()


def test_a_printed_page_says_all_that_is_there(dark, scope, tmp_path):
    opened(dark, scope.explore(TEXT).to_html().html)
    trace = scope.trace(TEXT)
    dark.pdf(path=tmp_path / "page.pdf", format="A4")  # as browsers do: without backgrounds
    said = Pdf((tmp_path / "page.pdf").read_bytes()).text
    for token in trace.tokens:
        assert token.label.strip("·") in said
    for share in trace.next_token().top(10):
        assert f"{100 * share.prob:.1f}%" in said
    assert "Apagewithoutitsmodel" in said
    for tool in ("PNG", "Lecture", "Sample", "Click", "highlight"):
        assert tool not in said


def test_a_lens_of_a_long_text_goes_on_below(show):
    shown = show("lens-of-many", panel="lens")
    tokens = shown.panels.root.locator(".lens-table")
    count = len(shown.numbers.names)
    shown.page.emulate_media(media="print")
    expect(tokens.locator("table")).to_have_count(4)
    expect(tokens).to_contain_text(f"Tokens {count - 63} to {count} of {count}.")
    expect(tokens.locator("tbody td:not(.gap):empty")).to_have_count(0)


def test_of_a_training_only_what_there_is_to_read_is_printed(show):
    shown = show("training")
    panel = shown.panels.root.get_by_role("region", name="Training", exact=True)
    tools = [panel.get_by_role("button", name=name) for name in ("Play", "Hold", "log loss")]
    tools.append(shown.panels.root.get_by_text("click to choose a step").first)
    for tool in tools:
        expect(tool).to_be_visible()
    shown.page.emulate_media(media="print")
    for tool in tools:
        expect(tool).to_be_hidden()
    expect(panel).to_contain_text("step 200 loss")


@pytest.mark.parametrize("width", [pytest.param(420, marks=pytest.mark.whole), 1300])
def test_a_frame_is_as_high_as_its_printed_page(dark, scope, tmp_path, width):
    view = scope.explore(TEXT)
    file = Path(tmp_path / "host.html")
    file.write_text(
        f'<!doctype html><html data-theme="dark"><body style="overflow:hidden">'
        f'<div style="max-width:{width}px;overflow:hidden">{view.static()._repr_html_()}</div>'
    )
    dark.goto(file.as_uri())
    outer, inner = dark.locator("iframe"), dark.frames[-1]
    expect(dark.frame_locator("iframe").locator(".llmscope")).to_contain_class("dark")
    outer.evaluate(TOLD)
    before = outer.evaluate("frame => frame.clientHeight")
    for target in (dark, inner):
        target.evaluate("dispatchEvent(new Event('beforeprint'))")
    high = outer.evaluate("frame => frame.clientHeight")
    needs = inner.evaluate("document.body.getBoundingClientRect().height")
    assert needs <= high + 1 and high < 1.02 * needs
    for target in (dark, inner):
        target.evaluate("dispatchEvent(new Event('afterprint'))")
    assert outer.evaluate("frame => frame.clientHeight") == before
    dark.pdf(path=tmp_path / "host.pdf", format="A4")
    said = Pdf((tmp_path / "host.pdf").read_bytes()).text
    for share in scope.trace(TEXT).next_token().top(10):
        assert f"{100 * share.prob:.1f}%" in said
    assert "countsbeyond" in said or "Apagewithoutitsmodel" in said
    view.close()
