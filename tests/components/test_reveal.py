"""A lesson on slides of reveal.js, as nbconvert makes them: given by keys alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from nbconvert import SlidesExporter
from playwright.sync_api import BrowserContext, Frame, Page, expect

from llmscope import Lesson, Slide
from llmscope.scope import Scope
from tests import tiny
from tests.page.chromium import SCREENSHOTS

MODULES = Path(__file__).parents[2] / "llmscope" / "frontend" / "node_modules"
SIZE = {"width": 1280, "height": 720}
TEXT = "The lazy dog sleeps while the quick fox"
# The parts of MathJax that nbconvert's page calls.
MATHJAX = "MathJax = { Hub: { Config() {}, Queue() {}, getAllJax() {}, Rerender() {} } };"


class Deck(NamedTuple):
    """Slides in a window, and the lesson on one of them."""

    page: Page
    lesson: Frame

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def shows(self, text: str) -> None:
        expect(self.page.locator("section.present h1")).to_contain_text(text)

    def teaches(self, text: str, temperature: str = "") -> None:
        expect(self.page.locator("section.present iframe")).to_be_focused()
        expect(self.lesson.locator(".lesson-title")).to_have_text(text)
        if temperature:
            shown = self.lesson.locator("label.slider", has_text="temperature").locator("output")
            expect(shown).to_have_text(temperature)


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    scope = Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")
    slides = [
        Slide("## One", show="text"),
        Slide("## Two", show="next-token", temperature=1.8, answer="So."),
    ]
    return Lesson(scope.explore(TEXT), slides, title="A lesson")


@pytest.fixture
def deck(lesson: Lesson, context: BrowserContext, tmp_path: Path) -> Callable[..., Deck]:
    def deck_(*, before: bool = True) -> Deck:
        notebook = lesson.to_slides(tmp_path / "lesson.ipynb")
        file = json.loads(notebook.read_text("utf-8"))
        first, last = (_said(text) for text in ("First", "Last"))
        file["cells"] = [*[first] * before, *file["cells"], last]
        notebook.write_text(json.dumps(file), "utf-8")
        (tmp_path / "deck.html").write_text(_exported(notebook, tmp_path), "utf-8")
        page = context.new_page()
        page.set_viewport_size(SIZE)
        page.emulate_media(reduced_motion="reduce")
        page.goto((tmp_path / "deck.html").as_uri())
        return Deck(page, page.frames[-1])

    return deck_


def _said(text: str) -> dict[str, object]:
    meta = {"slideshow": {"slide_type": "slide"}}
    return {"cell_type": "markdown", "id": text, "metadata": meta, "source": f"# {text}"}


def _exported(notebook: Path, folder: Path) -> str:
    """Return what nbconvert makes, with what is installed in the place of CDNs."""
    (folder / "mathjax.js").write_text(MATHJAX)
    exporter = SlidesExporter(
        reveal_theme="white",  # of its fonts, others ask the network
        reveal_url_prefix=(MODULES / "reveal.js").as_uri(),
        require_js_url=(MODULES / "requirejs" / "require.js").as_uri(),
        jquery_url=(MODULES / "jquery" / "dist" / "jquery.js").as_uri(),
        mathjax_url="mathjax.js",
        mermaid_js_url="data:text/javascript,export default { initialize() {} }",
    )
    return str(exporter.from_filename(str(notebook))[0])


def test_keys_go_into_the_lesson_through_it_and_on(deck):
    slides = deck()
    slides.shows("First")
    slides.press("PageDown")
    slides.teaches("One")
    expect(slides.page.locator(".jp-CodeCell .jp-InputPrompt")).to_have_count(0)
    slides.press("PageDown")
    slides.teaches("Two", "1.80")
    expect(slides.lesson.locator(".lesson-answer")).to_have_count(0)
    slides.press("Space")
    expect(slides.lesson.locator(".lesson-answer")).to_have_text("So.")
    slides.press("ArrowRight")
    slides.shows("Last")
    expect(slides.page.locator("iframe")).not_to_be_focused()
    slides.press("PageUp")
    slides.teaches("Two")
    slides.press("ArrowLeft")
    slides.teaches("One")
    SCREENSHOTS.mkdir(exist_ok=True)
    slides.page.screenshot(path=SCREENSHOTS / "lesson-reveal.png")
    slides.press("PageUp")
    slides.shows("First")


@pytest.mark.whole
def test_a_lesson_that_is_the_first_slide_has_the_keys_at_once(deck):
    slides = deck(before=False)
    slides.teaches("One")
    slides.press("End", "PageDown", "PageDown")
    slides.shows("Last")


def test_in_the_midst_of_a_page_it_takes_nothing(lesson, context, tmp_path):
    room = '<div style="height: 2000px">Words</div>'
    page = context.new_page()
    (tmp_path / "page.html").write_text(
        f"<!doctype html><title>page</title>{room}{lesson.static()._repr_html_()}{room}"
    )
    page.goto((tmp_path / "page.html").as_uri())
    # Its frame is drawn only where it is near.
    page.evaluate("scrollTo(0, 1200)")
    frame = page.frames[-1]
    expect(frame.locator("main > div")).to_have_attribute("data-settled", "")
    expect(frame.locator(".lesson-title")).to_have_text("One")
    assert page.evaluate("[scrollY, document.activeElement.tagName]") == [1200, "BODY"]
    page.keyboard.press("PageDown")
    page.wait_for_function("scrollY > 1200")
    expect(frame.locator(".lesson-title")).to_have_text("One")
    frame.locator(".lesson-title").click()
    page.keyboard.press("PageDown")
    expect(frame.locator(".lesson-title")).to_have_text("Two")
