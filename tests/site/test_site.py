"""The built site, opened from the disk without a network: `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Frame, expect, sync_playwright

from tests.page.chromium import Guard, launch
from tests.page.drawn import eventually

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = sorted(str(page.relative_to(SITE)) for page in SITE.rglob("*.html"))
LIVE = [page for page in PAGES if "data-llmscope" in (SITE / page).read_text("utf-8")]
VIEWS = {f"views/{name}.html" for name in
         ("explorer", "tokens", "next-token", "attention", "lens", "generation")}  # fmt: skip


@pytest.fixture(scope="module")
def offline() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser.new_context(viewport={"width": 1360, "height": 1000}, offline=True)
        browser.close()


@pytest.fixture
def page(offline):
    guard = Guard()
    opened = offline.new_page()
    opened.on("console", lambda m: guard.console(m.type, m.text, m.location.get("url", "")))
    opened.on("pageerror", lambda error: guard.problem(str(error)))
    opened.on("request", lambda request: only_files(request.url, guard))
    yield opened
    opened.close()
    guard.check()


def only_files(url: str, guard: Guard) -> None:
    if not url.startswith(("file:", "about:", "data:", "blob:")):
        guard.problem(f"a request: {url}")


def test_every_view_has_its_page():
    assert set(LIVE) >= VIEWS


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
    """Move the slider; without one, shade a lens otherwise, pin the first token, or walk."""
    slider = frame.get_by_role("slider", name="temperature")
    shade = frame.get_by_text("Entropy", exact=True).filter(visible=True)
    token = frame.locator("[data-token='0']")
    picture = frame.get_by_role("application")
    control = next(one.first for one in (slider, shade, token, picture) if one.count())
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
