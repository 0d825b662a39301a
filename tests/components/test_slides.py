"""Pages with a height of their own, such as on slides, and keys that belong to the slides."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, expect

import llmscope
from llmscope.scope import Scope
from tests import tiny
from tests.page.drawn import eventually
from tests.page.panels import Panels, click

WIDTH, HEIGHT = 1160, 640  # of what is beside and below a title, of 1280 by 800
TEXT = "The lazy dog sleeps while the quick fox jumps"
VIEWS = {
    "Explorer": lambda scope: scope.explore(TEXT),
    "Explorer in steps": lambda scope: scope.explore(TEXT, mode="steps"),
    "a lecture": lambda scope: scope.explore(TEXT, lecture=True),
    "AttentionView": lambda scope: llmscope.AttentionView(scope.trace(TEXT)),
    "NextTokenView": lambda scope: llmscope.NextTokenView(scope.trace(TEXT)),
    "LensView": lambda scope: llmscope.LensView(scope.trace(TEXT)),
}
SAMPLE = ("Explorer in steps", "a lecture")  # what CI fits


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")


def opened(context: BrowserContext, folder: Path, output: str) -> tuple[Page, Frame]:
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 800})
    (folder / "host.html").write_text(
        "<!doctype html><html><title>host</title><body tabindex=0>"
        f'<div style="width:{WIDTH}px">{output}</div>'
        "<script>const heard = []; document.addEventListener("
        '"keydown", ({ key, keyCode }) => heard.push([key, keyCode]))</script>'
    )
    page.goto((folder / "host.html").as_uri())
    frame = page.frames[-1]
    expect(frame.locator(".llmscope")).to_be_visible()
    expect(frame.locator("main > div")).to_have_attribute("data-settled", "")
    return page, frame


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.whole) for name in VIEWS],
)
def test_all_is_in_sight_on_a_slide(context, scope, tmp_path, name):
    view = VIEWS[name](scope)
    page, frame = opened(context, tmp_path, view.static(height=HEIGHT)._repr_html_())
    outer = page.locator("iframe")
    body = "document.body.getBoundingClientRect().height"

    def fits() -> bool:
        high = outer.evaluate("frame => frame.clientHeight")
        return bool(frame.evaluate(body) <= high <= HEIGHT)

    eventually(fits)
    size = frame.locator(".llmscope").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size >= 6
    view.close()


def test_a_small_page_is_as_precise(context, scope, tmp_path):
    view = scope.explore(TEXT)
    page, frame = opened(context, tmp_path, view.static(height=HEIGHT)._repr_html_())
    panels = Panels(frame.locator("main > div"))
    eventually(lambda: page.locator("iframe").evaluate("f => f.clientHeight") <= HEIGHT)
    count = len(view.trace)
    click(panels.cells, 0.5 / count, (count - 4.5) / count)
    query = view.trace.tokens[count - 5].label.strip("·")
    expect(panels.readout).to_contain_text(f"{query} →")
    view.close()


def test_a_presenters_keys_turn_the_slide(context, scope, tmp_path):
    view = scope.explore(TEXT)
    page, frame = opened(context, tmp_path, view.static(height=HEIGHT)._repr_html_())
    Panels(frame.locator("main > div")).slider("temperature").focus()
    for key in ("PageDown", "PageUp", "ArrowRight", "d", "Shift+PageDown", "Escape"):
        page.keyboard.press(key)
    page.wait_for_function("heard.length >= 3")
    assert page.evaluate("heard") == [["PageDown", 34], ["PageUp", 33], ["Escape", 27]]
    # A frame that says so itself can press nothing else.
    frame.evaluate("parent.postMessage({ llmscope: { key: 'd' } }, '*')")
    frame.evaluate("parent.postMessage({ llmscope: { key: 'PageDown' } }, '*')")
    page.wait_for_function("heard.length === 4")
    view.close()
