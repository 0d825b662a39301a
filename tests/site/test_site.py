"""The built site, opened from the disk without a network: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Frame, expect

from tests.page.drawn import eventually
from tests.site.opened import PAGES, SITE

LIVE = [page for page in PAGES if "data-llmscope" in (SITE / page).read_text("utf-8")]
VIEWS = {f"views/{name}.html" for name in
         ("explorer", "tokens", "next-token", "attention", "lens", "generation")}  # fmt: skip
FRONT_BYTES = 1_200_000  # 0.90 MB when this was written


def test_every_view_has_its_page():
    assert set(LIVE) >= VIEWS | {"index.html"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing(page, name):
    page.goto((SITE / name).as_uri())
    page.wait_for_load_state("load")
    links = page.locator("a.reference.internal, img").evaluate_all(
        "found => found.map(one => (one.href || one.src).split('#')[0])"
    )
    files = {link.removeprefix("file://") for link in links if link.startswith("file://")}
    assert not [file for file in files if not Path(file).exists()]


@pytest.mark.parametrize("name", LIVE)
def test_views_are_alive(page, name):
    page.goto((SITE / name).as_uri())
    frames = page.locator("iframe[data-llmscope]")
    frames.first.wait_for()
    for frame in page.frames[1:]:
        expect(frame.locator(".llmscope").first).to_be_visible(timeout=20_000)
        frame.frame_element().scroll_into_view_if_needed()
        before = drawn(frame)
        changed(frame)
        eventually(lambda frame=frame, before=before: picture(frame) != before)
        expect(frame.get_by_role("alert")).to_have_count(0)


def drawn(frame: Frame) -> bytes:
    """Wait until a view stands still."""
    before = picture(frame)
    for _ in range(50):
        frame.wait_for_timeout(100)
        before, last = picture(frame), before
        if before == last:
            break
    return before


def picture(frame: Frame) -> bytes:
    return frame.locator(".llmscope").first.screenshot(animations="disabled")


def changed(frame: Frame) -> None:
    """Move the slider; without one, shade a lens otherwise, pin the first token, sort, or walk."""
    slider = frame.get_by_role("slider", name=re.compile("temperature|温度"))
    shade = frame.get_by_text(re.compile("^(Entropy|熵)$")).filter(visible=True)
    token = frame.locator("[data-token='0']")
    measure = frame.locator("th:not(.chosen) [data-cell^='0.']").last
    picture = frame.get_by_role("application")
    control = next(one.first for one in (slider, shade, token, measure, picture) if one.count())
    control.evaluate("control => control.scrollIntoView({ block: 'center', behavior: 'instant' })")
    expect(control).to_be_visible()
    if slider.count():
        slider.fill("1.7")
    elif shade.count():
        shade.click()
    elif token.count():
        box = token.first.bounding_box()
        assert box is not None
        frame.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    elif measure.count():
        measure.click()
    else:
        for key in ("ArrowRight", "ArrowLeft", "ArrowUp"):
            control.press(key)


WIDTHS = (390, 1024, 1280, 1366, 1536)


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(page, name):
    page.goto((SITE / name).as_uri())
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, width


def test_the_front_page_is_small(page):
    files: set[Path] = set()
    page.on("request", lambda request: files.add(Path(urlsplit(request.url).path)))
    page.goto((SITE / "index.html").as_uri())
    page.wait_for_load_state("load")
    files = {file for file in files if file.is_file()}
    assert {file.suffix for file in files} >= {".html", ".css", ".js"}
    assert sum(file.stat().st_size for file in files) < FRONT_BYTES


@pytest.mark.parametrize("word", ["temperature", "keyboard", "phone", "gpu", "marimo", "vscode"])
def test_search_finds_without_a_server(page, word):
    page.goto(f"{(SITE / 'search.html').as_uri()}?q={word}")
    expect(page.locator("#search-results li a").first).to_be_visible()
    expect(page.locator(".search-summary")).to_contain_text("found")


def test_code_can_be_copied_without_what_comes_out_of_it(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto((SITE / "install.html").as_uri())
    code = page.locator(".highlight", has_text="whl/cpu")
    code.hover()
    code.get_by_role("button", name="Copy to clipboard").click()
    assert (
        page.evaluate("navigator.clipboard.readText()") == code.locator("pre").inner_text().strip()
    )
    page.goto((SITE / "tour.html").as_uri())
    expect(page.locator(".cell_input .copybtn").first).to_be_attached()
    expect(page.locator(".cell_output .copybtn")).to_have_count(0)
    page.goto((SITE / "reference" / "views.html").as_uri())
    example = page.locator(".doctest .highlight").first
    example.hover()
    example.locator(".copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "llmscope" in copied
    assert ">>>" not in copied


def test_a_long_line_is_scrolled_by_keys(page):
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto((SITE / "index.html").as_uri())
    code = page.locator("pre", has_text="scope.explore").first
    expect(code).to_have_attribute("tabindex", "0")
    code.press("ArrowRight")
    eventually(lambda: code.evaluate("one => one.scrollLeft") > 0)
