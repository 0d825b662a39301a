"""Exported pages in Firefox, with no network; skipped where Firefox is not installed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest

import llmscope
from llmscope import AttentionView, NextTokenView
from tests.browser.explorer import SENTENCE
from tests.browser.firefox import Firefox, firefox
from tests.page.chromium import SCREENSHOTS

pytestmark = pytest.mark.skipif(
    firefox() is None,
    reason="Firefox is not installed: apt-get install firefox-esr, or set FIREFOX",
)

HOSTILE = "</script><img src=x onerror=\"document.title='broken'\"> ' \u2028 <b>bold</b>"
LEFT = "\ue012"  # the keys' numbers in WebDriver
TEMPERATURE = ".sliders input"  # the first one


@pytest.fixture(scope="module")
def trace():
    return llmscope.load().trace(SENTENCE)


@pytest.fixture(scope="module")
def pages(trace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    trace.scope.explore(SENTENCE, layer=24, head=4).to_html(folder / "explorer.html")
    views = [AttentionView(trace, layer=24, head=4), NextTokenView(trace)]
    llmscope.link(*views)
    llmscope.to_html(views, folder / "linked.html")
    trace.scope.explore(HOSTILE).to_html(folder / "hostile.html")
    for view in ("head", "model"):
        trace.bertviz(view, layers=[5, 24]).to_html(folder / f"bertviz-{view}.html")
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with Firefox(tmp_path_factory.mktemp("firefox") / "profile") as browser:
        yield browser


@pytest.fixture
def browser(running: Firefox) -> Iterator[Firefox]:
    """Fails a test whose page logs an error, or asks for anything but a file."""
    running.problems()
    yield running
    assert running.problems() == []


def share(browser: Firefox, where: str) -> float:
    """The likeliest token's, as printed."""
    return float(browser.text(where, ".bars li .value").removesuffix(" %")) / 100


def expect_alive(browser: Firefox, where: str, trace: Any) -> None:
    """Sliders and heads change what is drawn, and what is printed is true."""
    browser.wait(lambda: "Mary" in browser.text(where, ".bars li"))
    before = browser.screenshot(where, ".bars")
    browser.click(where, TEMPERATURE, x=30)
    shown = ".sliders output"
    browser.wait(lambda: browser.text(where, shown) > "1.00")
    temperature = float(browser.text(where, shown))
    best = trace.next_token(temperature=temperature).top(1)[0]
    browser.wait(lambda: math.isclose(share(browser, where), best.prob, abs_tol=6e-4))
    assert browser.screenshot(where, ".bars") != before

    browser.wait(
        lambda: f"{trace.attention(24, 4)[-1].max():.3f}" in browser.text(where, ".readout")
    )
    before = browser.screenshot(where, ".cells")
    browser.focus(where, '[aria-label^="Heads by layer"]')
    browser.press(where, LEFT)
    browser.wait(
        lambda: f"{trace.attention(24, 3)[-1].max():.3f}" in browser.text(where, ".readout")
    )
    assert browser.screenshot(where, ".cells") != before


def test_what_a_page_does_wrong_is_seen(running, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<script>fetch('http://x.test/y').catch(() => console.error('z'))</script>")
    running.goto(page.as_uri())
    found: list[str] = []
    running.wait(lambda: found.extend(running.problems()) or len(found) > 1)
    assert set(found) >= {"a request: http://x.test/y", "console.error: z"}


def test_a_file(browser, pages, trace):
    browser.goto((pages / "explorer.html").as_uri())
    expect_alive(browser, browser.page, trace)
    SCREENSHOTS.mkdir(exist_ok=True)
    taken = browser.screenshot(browser.page, "body")
    (SCREENSHOTS / "firefox-explorer.png").write_bytes(taken)


@pytest.mark.parametrize("kind", ["src", "srcdoc"])
@pytest.mark.parametrize("box", ["", ' sandbox="allow-scripts"'])
def test_a_frame(browser, pages, trace, kind, box, tmp_path):
    file = pages / "explorer.html"
    inside = file.as_uri() if kind == "src" else escape(file.read_text())
    host = tmp_path / "host.html"
    style = "width:1340px;height:980px"
    host.write_text(f'<!doctype html><iframe{box} style="{style}" {kind}="{inside}"></iframe>')
    browser.goto(host.as_uri())
    expect_alive(browser, browser.frame(0), trace)


def test_linked_views_move_together(browser, pages, trace):
    browser.goto((pages / "linked.html").as_uri())
    where = browser.page
    browser.wait(lambda: "Mary" in browser.text(where, ".bars li"))
    browser.focus(where, '[aria-label^="Attention matrix"]')
    for key in ("\ue013", "\ue007"):  # up, to the query before; enter
        browser.press(where, key)
    best = trace.next_token(position=len(trace) - 2).top(1)[0]
    browser.wait(lambda: best.text.strip() in browser.text(where, ".bars li"))


def test_hostile_text_is_text(browser, pages):
    browser.goto((pages / "hostile.html").as_uri())
    where = browser.page
    browser.wait(lambda: browser.text(where, ".bars li"))
    assert browser.evaluate(where, "() => deep('textarea').value") == HOSTILE
    assert browser.evaluate(where, "() => deep('img') === null && document.title !== 'broken'")


LINES = "() => document.querySelectorAll('svg line').length"


def test_a_cell_output_grows_with_what_it_shows(browser, trace, tmp_path):
    host = tmp_path / "host.html"
    host.write_text(f"<!doctype html>{trace.bertviz(layers=[24])._repr_html_()}")
    browser.goto(host.as_uri())
    inside = browser.frame(0)
    browser.wait(lambda: browser.evaluate(inside, LINES))
    height = "() => Math.ceil(document.body.getBoundingClientRect().height)"
    frame = "() => document.querySelector('iframe').clientHeight"
    browser.wait(lambda: browser.evaluate(inside, height) == browser.evaluate(browser.page, frame))
    assert browser.evaluate(browser.page, frame) < 500


@pytest.mark.parametrize("view", ["head", "model"])
def test_bertviz(browser, pages, trace, view):
    browser.goto((pages / f"bertviz-{view}.html").as_uri())
    lines = 9 * len(trace) ** 2 * (2 if view == "model" else 1)
    assert browser.wait(lambda: browser.evaluate(browser.page, LINES)) == lines
    if view == "head":
        before = browser.screenshot(browser.page, "#vis")
        browser.focus(browser.page, "#layer")
        browser.press(browser.page, "\ue015")
        assert (
            browser.evaluate(browser.page, "() => document.querySelector('#layer').value") == "24"
        )
        assert browser.screenshot(browser.page, "#vis") != before
