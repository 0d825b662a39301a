"""Many views in a page, and many frames: those in sight begin, the others follow."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

import llmscope
from llmscope.scope import Scope
from tests import tiny
from tests.page.drawn import eventually
from tests.page.panels import Panels

TEXT = "The lazy dog sleeps"
COUNT = 6
# Nothing is idle until the test says so.
BUSY = "window.idle = []; window.requestIdleCallback = run => void idle.push(run)"
IDLE = "() => { for (const run of idle.splice(0)) run(); }"
HAS_TIME = "() => idle.length > 0"
BEGUN = """() => [...document.querySelectorAll("main > div")].map(
    element => element.shadowRoot.childElementCount > 0)"""


@pytest.fixture(scope="module")
def scope() -> Scope:
    return Scope(tiny.MODELS["llama"](), tiny.byte_level(), name="tiny")


def opened(context: BrowserContext, file: Path) -> Page:
    page = context.new_page()
    page.set_viewport_size({"width": 1000, "height": 800})
    page.add_init_script(BUSY)
    page.goto(file.as_uri())
    return page


def test_views_in_sight_begin_and_the_others_follow(context, scope, tmp_path):
    trace = scope.trace(TEXT)
    views = [llmscope.NextTokenView(trace) for _ in range(COUNT)]
    llmscope.link(views[0], views[-1])
    headings = [f"Number {n}" for n in range(COUNT)]
    llmscope.to_html(views, tmp_path / "page.html", headings=headings)
    page = opened(context, tmp_path / "page.html")
    first = Panels(page.locator("main > div").first)
    expect(first.root).to_have_attribute("data-settled", "")
    eventually(lambda: page.evaluate(HAS_TIME))  # a second later
    begun = page.evaluate(BEGUN)
    assert begun[0] and not any(begun[3:])
    assert page.get_by_role("heading", level=2).all_inner_texts()[-1] == "Number 5"
    first.slider("temperature").press("ArrowRight")
    first.settle()
    last = page.locator("main > div").last
    before = page.evaluate("document.body.scrollHeight")
    last.scroll_into_view_if_needed()
    expect(last).to_have_attribute("data-settled", "")
    shown = Panels(last).shown("temperature")
    expect(shown).to_have_text(first.shown("temperature").inner_text())
    assert not all(page.evaluate(BEGUN))
    # What there was room for is about as high.
    assert abs(page.evaluate("document.body.scrollHeight") - before) < 0.2 * before
    for _ in range(COUNT):
        eventually(lambda: page.evaluate(HAS_TIME) or all(page.evaluate(BEGUN)))
        page.evaluate(IDLE)
    assert all(page.evaluate(BEGUN))
    expect(page.locator("main > div:not([data-settled])")).to_have_count(0)
    for view in views:
        view.close()


def test_frames_in_sight_begin_and_the_others_follow(context, scope, tmp_path):
    view = llmscope.NextTokenView(scope.trace(TEXT))
    output = view.static()._repr_html_()
    (tmp_path / "host.html").write_text(f"<!doctype html><title>host</title>{output * 4}")
    page = opened(context, tmp_path / "host.html")
    first, *_, last = page.frames[1:]
    expect(first.locator("main > div")).to_have_attribute("data-settled", "")
    eventually(lambda: last.evaluate(HAS_TIME))
    assert last.evaluate(BEGUN) == [False]
    last.evaluate(IDLE)
    assert last.evaluate(BEGUN) == [True]
    # A frame out of sight says how high it is, too.
    outer = page.locator("iframe")
    expect(outer.last).to_have_attribute("style", outer.first.get_attribute("style") or "")
    third = page.frames[3]
    assert third.evaluate(BEGUN) == [False]
    third.frame_element().scroll_into_view_if_needed()
    expect(third.locator("main > div")).to_have_attribute("data-settled", "")
    view.close()
